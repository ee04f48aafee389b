"""The files of soundtracks: which are ours, what they contain, and their names. This module does
not use Blender."""

import os
import struct

from .core import Problem

# Our own soundtracks contain a comment that identifies them, so that no other file is ever
# overwritten, and so that a file always identifies its content: a project may be reopened as it was
# saved, with the file of a later edit.
_MARK = "Kinescore soundtrack "


def tag(path, key):
    """Writes the key into a WAV file, as a comment at its end."""
    text = (_MARK + key).encode() + b"\0"
    text += b"\0" * (len(text) % 2)
    comment = b"INFO" + b"ICMT" + struct.pack("<I", len(text)) + text
    with open(path, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.write(b"\0" * (end % 2) + b"LIST" + struct.pack("<I", len(comment)) + comment)
        length = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", length))


def key_of(path):
    """The key of the soundtrack in a file; None if it is not ours or does not exist."""
    try:
        with open(path, "rb") as file:
            for name, content in _chunks(file):
                if name == b"LIST" and content.startswith(b"INFOICMT"):
                    text = content[12:].rstrip(b"\0").decode("utf-8", "replace")
                    if text.startswith(_MARK):
                        return text[len(_MARK) :]
    except OSError:
        pass
    return None


def _chunks(file):
    """Names and contents of a WAV file's small chunks."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    while True:
        chunk = file.read(8)
        if len(chunk) < 8:
            return
        name, size = struct.unpack("<4sI", chunk)
        following = file.tell() + size + size % 2
        if size < 4096:
            yield name, file.read(size)
        file.seek(following)


def midi_of(wav):
    return os.path.splitext(wav)[0] + ".mid"


def free_name(folder, media, taken):
    """A free path in `folder` for the soundtrack of a media that is not among `taken`."""
    stem = os.path.splitext(os.path.basename(media))[0] + ".soundtrack"
    number = 1
    while True:
        path = os.path.join(folder, (stem if number == 1 else f"{stem}-{number}") + ".wav")
        if path not in taken and not os.path.lexists(path) and not os.path.lexists(midi_of(path)):
            return path
        number += 1


class Pair:
    """A WAV and a MIDI file under temporary names in their destination folder."""

    def __init__(self, wav):
        folder, name = os.path.split(wav)
        hidden = os.path.join(folder, f".{os.path.splitext(name)[0]}.{os.getpid()}.part")
        self._places = {hidden + ".wav": wav, hidden + ".mid": midi_of(wav)}
        self.wav, self.midi = self._places
        self._folder = folder

    def __enter__(self):
        try:
            os.makedirs(self._folder, exist_ok=True)
        except OSError as error:
            raise Problem(f"{self._folder}: the folder cannot be created: {error.strerror}") from None
        self._clear()  # left by a killed process with this number
        return self

    def __exit__(self, *_thrown):
        self._clear()

    def move(self, key):
        """Moves the files to their places."""
        for part, place in self._places.items():
            try:
                if part == self.wav:
                    tag(part, key)
                os.replace(part, place)
            except OSError as error:
                raise Problem(f"{place}: cannot be written: {error.strerror}") from None

    def _clear(self):
        for part in self._places:
            try:
                os.remove(part)
            except OSError:
                pass
