#!/usr/bin/env python3
# Kinescore's script for DaVinci Resolve.
"""Writes a soundtrack for the clip under the playhead and lays it under the clip, on the audio
track "Soundtrack".

Resolve lists it in Workspace > Scripts; its messages appear in Workspace > Console. If it is run
again after the clip was trimmed or moved, it replaces the clip's sound. Python 3.6 and later, no
packages.
"""

import os
import subprocess
import sys
from fractions import Fraction

# `kinescore install resolve` fills these in. With the values here, the program is searched for in
# PATH, and finds the rest itself.
PROGRAM = "kinescore"
MODELS = ""
ONNXRUNTIME = ""

# Further settings, in the form of `kinescore render`: ["--style", "funk", "--seed", "7"].
SETTINGS = []

TRACK = "Soundtrack"
AUDIO_ONLY = 2


class Trouble(Exception):
    """The reason why there is no soundtrack, in a sentence."""


def exact_rate(value):
    """The frame rate for a value that Resolve rounds: "23.976", "29.97 DF", 25.0."""
    text = str(value).split()[0] if str(value).split() else ""
    try:
        reported = Fraction(text)
    except (ValueError, ZeroDivisionError):
        reported = Fraction(0)
    if reported <= 0:
        raise Trouble("the rate '{}' is not a number of frames a second".format(value))
    whole = round(reported)
    for rate in (Fraction(whole), Fraction(whole * 1000, 1001)):
        if whole and abs(reported - rate) < Fraction(1, 200):
            return rate
    return reported


def ratio(seconds):
    """Seconds in a form that the program reads exactly."""
    return "{}/{}".format(seconds.numerator, seconds.denominator)


class Clip:
    """A clip on the timeline: its media, and which part is seen when."""

    def __init__(self, item, timeline):
        self.item = item
        media = item.GetMediaPoolItem()
        self.path = media.GetClipProperty("File Path") if media else None
        if not self.path:
            raise Trouble("'{}' has no media file of its own: a title, a generator or a compound clip".format(item.GetName()))
        for method in ("GetSourceStartFrame", "GetSourceEndFrame", "GetUniqueId"):
            if not callable(getattr(item, method, None)):
                raise Trouble("this Resolve does not report where a clip begins in its media ({}); 19.0.2 or later does".format(method))
        self.timeline_rate = exact_rate(timeline.GetSetting("timelineFrameRate"))
        self.rate = exact_rate(media.GetClipProperty("FPS"))
        self.record = int(item.GetStart())
        self.frames = int(item.GetDuration())
        self.check_speed()
        self.start = self.source_start()
        self.end = self.start + self.frames / self.timeline_rate
        length = self.media_length(media)
        if length:
            # At another rate, the timeline rounds the end up to one of its own frames.
            self.end = min(self.end, length)

    def check_speed(self):
        """Refuses a clip that does not play at its own speed. Frames are rounded at both ends,
        so a difference of less than two is ignored."""
        source = (int(self.item.GetSourceEndFrame()) - int(self.item.GetSourceStartFrame())) / self.rate
        played = self.frames / self.timeline_rate
        if abs(source - played) > 2 / min(self.rate, self.timeline_rate):
            raise Trouble(
                "'{}' plays {:.2f} s of its media in {:.2f} s; only clips at their own speed (100 %, forwards) are followed".format(
                    self.item.GetName(), float(source), float(played)
                )
            )

    def source_start(self):
        """Seconds from the beginning of the media to the clip's first frame.

        The left offset counts frames of the timeline and is exact, but begins at a subclip's own
        start; the source frame begins at that of the media, and is rounded where the rates differ.
        """
        offset = Fraction(int(self.item.GetLeftOffset())) / self.timeline_rate
        source = Fraction(int(self.item.GetSourceStartFrame())) / self.rate
        return offset if abs(offset - source) < 2 / min(self.rate, self.timeline_rate) else source

    def media_length(self, media):
        """Seconds of the media, if known; the length of a subclip is not that of its media."""
        try:
            frames = int(media.GetClipProperty("Frames"))
        except (TypeError, ValueError):
            return None
        length = frames / self.rate
        return length if length > self.start else None

    def wav(self):
        """The sound's file: beside the media, one for each clip on a timeline."""
        stem = os.path.splitext(self.path)[0]
        return "{}.{}.soundtrack.wav".format(stem, self.item.GetUniqueId()[:8])


def command(clip):
    """The program's command line for a clip."""
    words = [PROGRAM, "render", clip.path, "--start", ratio(clip.start), "--end", ratio(clip.end), "--no-video", "--wav", clip.wav()]
    for flag, place in (("--models", MODELS), ("--onnxruntime", ONNXRUNTIME)):
        if place:
            words += [flag, place]
    return words + SETTINGS


def run(words, show):
    """Runs the program and passes on its output line by line."""
    environment = dict(os.environ)
    # The program must not load Resolve's own libraries.
    environment.pop("LD_LIBRARY_PATH", None)
    try:
        process = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise Trouble("{} cannot be started: {}".format(words[0], error.strerror))
    errors = []
    with process.stderr as lines:
        for line in lines:
            line = line.decode("utf-8", "replace").rstrip()
            if line.startswith("kinescore: "):
                errors.append(line[len("kinescore: "):])
            else:
                show(line)
    if process.wait() != 0:
        raise Trouble("; ".join(errors) or "{} ended with code {}".format(words[0], process.returncode))


def audio_items(timeline):
    """The items of all audio tracks, with the number of their track."""
    for track in range(1, timeline.GetTrackCount("audio") + 1):
        for item in timeline.GetItemListInTrack("audio", track) or []:
            yield track, item


def ours(timeline, wav):
    """The items on audio tracks that play this file."""
    found = []
    for _, item in audio_items(timeline):
        media = item.GetMediaPoolItem()
        if media and media.GetClipProperty("File Path") == wav:
            found.append(item)
    return found


def free_track(timeline, start, end):
    """The number of the first track "Soundtrack", "Soundtrack 2" … that is empty from `start`
    to `end`; a new one if there is none."""
    taken = {track for track, item in audio_items(timeline) if item.GetStart() < end and item.GetEnd() > start}
    count = timeline.GetTrackCount("audio")
    numbers = {timeline.GetTrackName("audio", track): track for track in range(1, count + 1)}
    name, number = TRACK, 1
    while name in numbers:
        if numbers[name] not in taken:
            return numbers[name]
        number += 1
        name = "{} {}".format(TRACK, number)
    if not timeline.AddTrack("audio", "stereo"):
        raise Trouble("Resolve does not add an audio track")
    track = timeline.GetTrackCount("audio")
    timeline.SetTrackName("audio", track, name)
    return track


def sound_in_pool(pool, wav, known):
    """The media pool's clip of the file: a known one is read again, otherwise the file is
    imported."""
    if known:
        if not known.ReplaceClip(wav):
            raise Trouble("{}: Resolve does not read the file again".format(wav))
        return known
    imported = pool.ImportMedia([wav])
    if not imported:
        raise Trouble("{}: Resolve does not import the file".format(wav))
    return imported[0]


def place(pool, timeline, sound, track, clip):
    """Puts the sound on the track, from the clip's first frame to its last."""
    # Releases differ in whether the end is the last frame or the one after it; the result shows
    # which.
    for end in (clip.frames - 1, clip.frames):
        part = {
            "mediaPoolItem": sound,
            "startFrame": 0,
            "endFrame": end,
            "mediaType": AUDIO_ONLY,
            "trackIndex": track,
            "recordFrame": clip.record,
        }
        items = pool.AppendToTimeline([part])
        if not items or not items[0]:
            raise Trouble("Resolve does not put the sound on track {}".format(track))
        if end == clip.frames or items[0].GetDuration() >= clip.frames:
            return
        timeline.DeleteClips(items, False)


def soundtrack(resolve, show=print):
    """Writes the soundtrack of the clip under the playhead and puts it there. Raises Trouble."""
    project = resolve.GetProjectManager().GetCurrentProject()
    timeline = project.GetCurrentTimeline() if project else None
    item = timeline.GetCurrentVideoItem() if timeline else None
    if not item:
        raise Trouble("there is no clip under the playhead: open a timeline in the page Edit and put the playhead on a video clip")
    clip = Clip(item, timeline)
    show("{}: {:.2f} s from {:.2f} s".format(clip.path, float(clip.end - clip.start), float(clip.start)))
    run(command(clip), show)
    wav = clip.wav()
    old = ours(timeline, wav)
    pool = project.GetMediaPool()
    sound = sound_in_pool(pool, wav, old[0].GetMediaPoolItem() if old else None)
    if old and not timeline.DeleteClips(old, False):
        raise Trouble("Resolve does not take the clip's earlier sound off the timeline: is its track locked?")
    track = free_track(timeline, clip.record, clip.record + clip.frames)
    place(pool, timeline, sound, track, clip)
    show("{} is on the track '{}'".format(wav, timeline.GetTrackName("audio", track)))


def running_resolve():
    """Resolve, as provided by its menu or, for a script started outside, by its module."""
    given = globals().get("resolve")
    if given:
        return given
    try:
        import DaVinciResolveScript
    except ImportError:
        raise Trouble("start this script in Resolve: Workspace > Scripts")
    found = DaVinciResolveScript.scriptapp("Resolve")
    if not found:
        raise Trouble("Resolve is not running, or does not allow scripts")
    return found


if __name__ == "__main__":
    try:
        soundtrack(running_resolve())
    except Trouble as trouble:
        print("Kinescore: {}".format(trouble), file=sys.stderr)
