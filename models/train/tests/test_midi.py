"""Tests that another program hears the notes of a MIDI file where they belong.

The sound is made with a SoundFont of clicks, so that the onset of every note is visible to the
sample.
"""

import json
import os
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import mido
import numpy as np

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("KINESCORE")
SAVED = ROOT / "tests" / "fixtures" / "golden" / "music.json"

RATE = 48_000
CLICK = 48
# Distance of a note from all others of its part, seconds, from which its onset is looked for: other
# clicks would be taken for it.
ALONE = 0.010
LIMIT = 0.001
TIME_LIMIT = 120


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def clicks():
    """A SoundFont in which every key of the standard kit and of every program is a click of 1
    ms."""
    name = bytes(20)
    wave = np.linspace(0.9, 0.05, CLICK)
    data = (wave * 32767).astype("<i2").tobytes() + bytes(92)
    presets = [(128, 0)] + [(0, program) for program in range(128)]
    phdr, pbag, pgen = b"", b"", b""
    for index, (bank, program) in enumerate(presets):
        phdr += name + struct.pack("<HHHIII", program, bank, index, 0, 0, 0)
        pbag += struct.pack("<HH", index, 0)
        pgen += struct.pack("<HH", 41, 0)
    phdr += name + struct.pack("<HHHIII", 0, 0, len(presets), 0, 0, 0)
    pbag += struct.pack("<HH", len(presets), 0)
    # No chorus or reverb, no attack time, the same pitch for all keys, the sample.
    igen = struct.pack("<HhHhHhHHHHHH", 15, -1000, 16, -1000, 34, -32768, 56, 0, 53, 0, 0, 0)
    tables = {
        b"phdr": phdr,
        b"pbag": pbag,
        b"pmod": bytes(10),
        b"pgen": pgen + bytes(4),
        b"inst": name + struct.pack("<H", 0) + name + struct.pack("<H", 1),
        b"ibag": struct.pack("<HHHH", 0, 0, 5, 0),
        b"imod": bytes(10),
        b"igen": igen,
        b"shdr": name + struct.pack("<IIIIIBbHH", 0, CLICK, 0, 0, RATE, 60, 0, 0, 1) + bytes(46),
    }
    body = b"sfbk"
    body += chunk(b"LIST", b"INFO" + chunk(b"ifil", struct.pack("<HH", 2, 1)))
    body += chunk(b"LIST", b"sdta" + chunk(b"smpl", data))
    body += chunk(b"LIST", b"pdta" + b"".join(chunk(name, table) for name, table in tables.items()))
    return chunk(b"RIFF", body)


def samples(path):
    """The sound of a WAV file of 24 bits, channels in columns, and its rate."""
    raw = path.read_bytes()
    at = 12
    while raw[at : at + 4] != b"data":
        if raw[at : at + 4] == b"fmt ":
            channels, rate = struct.unpack_from("<HI", raw, at + 10)
        at += 8 + struct.unpack_from("<I", raw, at + 4)[0]
    values = np.frombuffer(raw, np.uint8, struct.unpack_from("<I", raw, at + 4)[0], at + 8)
    values = values.reshape(-1, channels, 3).astype(np.int32)
    signed = (values[..., 0] << 8 | values[..., 1] << 16 | values[..., 2] << 24) >> 8
    return signed / 2**23, rate


def heard(path, expected):
    """Times at which a click begins, seconds: near each expected time, the steepest rise. The room
    rings on after a click, but rises nowhere as fast."""
    sound, rate = samples(path)
    rise = np.diff(np.abs(sound).max(axis=1), prepend=0.0)
    reach = int(ALONE / 2 * rate)
    begins = []
    for time in expected:
        first = max(int(time * rate) - reach, 0)
        near = rise[first : first + 2 * reach]
        begins.append((first + int(near.argmax())) / rate)
    return np.array(begins)


def notes(path):
    """Onsets of a MIDI file's notes by channel, seconds, counted from the file's start."""
    found, now = {}, 0.0
    for message in mido.MidiFile(path):
        now += message.time
        if message.type == "note_on" and message.velocity:
            found.setdefault(message.channel, []).append(now)
    return found


def onsets(times):
    """Onsets with no other nearby."""
    times = np.unique(times)
    apart = np.diff(times, prepend=-1.0, append=np.inf)
    return times[(apart[:-1] > ALONE) & (apart[1:] > ALONE)]


@unittest.skipUnless(PROGRAM, "SKIPPED: KINESCORE names no program; `make test` names the one it has built")
class Notes(unittest.TestCase):
    CHANNELS = {"drums": 9, "bass": 0, "piano": 2, "lead": 3}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.font = cls.folder / "clicks.sf2"
        cls.font.write_bytes(clicks())

    def render(self, *options):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        outputs = ["--no-video", "--midi", folder / "notes.mid", "--stems", folder / "stems"]
        subprocess.run(
            [PROGRAM, "render", "--from", SAVED, *outputs, "--soundfont", self.font, "--no-cache", "--quiet", *options],
            check=True,
            timeout=TIME_LIMIT,
            env={**os.environ, "HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder)},
        )
        return folder

    def test_each_note_is_heard_within_a_millisecond_of_its_place(self):
        for options in (
            (),
            ("--start", "0.3"),
            ("--start", "1.3", "--end", "6"),
            ("--speed", "2"),
            ("--speed", "2/3", "--start", "0.7"),
            ("--midi-tempo", "steady"),
            ("--midi-drums", "per-drum"),
        ):
            with self.subTest(" ".join(options)):
                folder = self.render(*options)
                written = notes(folder / "notes.mid")
                self.assertEqual(set(written), set(self.CHANNELS.values()))
                for part, channel in self.CHANNELS.items():
                    expected = onsets(written[channel])
                    self.assertGreater(len(expected), 3, part)
                    sound = heard(folder / "stems" / f"{part}.wav", expected)
                    self.assertLess(np.abs(sound - expected).max(), LIMIT, part)

    def test_a_steady_piece_has_one_tempo_at_its_start(self):
        tempo = json.loads(SAVED.read_text())["rhythm"]["tempo"]
        for options, factor in (((), 1), (("--start", "0.3"), 1), (("--start", "1.3"), 1), (("--speed", "3/2"), 1.5)):
            with self.subTest(" ".join(options)):
                file = mido.MidiFile(self.render(*options) / "notes.mid")
                now, events = 0, []
                for message in file.tracks[0]:
                    now += message.time
                    if message.type == "set_tempo":
                        events.append((now, mido.tempo2bpm(message.tempo)))
                self.assertEqual([tick for tick, _ in events], [0])
                self.assertAlmostEqual(events[0][1], factor * tempo, delta=0.001 * tempo)


if __name__ == "__main__":
    unittest.main()
