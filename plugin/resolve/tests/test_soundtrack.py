"""Tests the script for Resolve with a fake Resolve made of lists: what it reads, what it runs, and
what it places where.

    python3 -m unittest discover -s plugin/resolve/tests
"""

import json
import os
import sys
import tempfile
import unittest
from fractions import Fraction

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True

import kinescore_soundtrack as script  # noqa: E402


class Media:
    """A clip of the media pool."""

    def __init__(self, path, fps, frames):
        self.properties = {"File Path": path, "FPS": fps, "Frames": str(frames)}
        self.read_again = 0

    def GetClipProperty(self, name):
        return self.properties.get(name, "")

    def ReplaceClip(self, path):
        self.read_again += 1
        return path == self.properties["File Path"]


class Item:
    """A clip on a timeline; `source` is in frames of the media, `start` and `frames` in those of
    the timeline."""

    def __init__(self, media, start, frames, source=(0, 0), offset=0, unique="0123456789abcdef"):
        self.media, self.start, self.frames, self.source, self.offset, self.unique = media, start, frames, source, offset, unique

    def GetName(self):
        return "the clip"

    def GetMediaPoolItem(self):
        return self.media

    def GetStart(self):
        return self.start

    def GetEnd(self):
        return self.start + self.frames

    def GetDuration(self):
        return self.frames

    def GetLeftOffset(self):
        return self.offset

    def GetSourceStartFrame(self):
        return self.source[0]

    def GetSourceEndFrame(self):
        return self.source[1]

    def GetUniqueId(self):
        return self.unique


class Timeline:
    """A timeline with one video item under the playhead."""

    def __init__(self, rate, item, tracks=()):
        self.rate, self.item = rate, item
        self.tracks = [(name, list(items)) for name, items in tracks]
        self.deleted = []
        self.locked = False

    def GetSetting(self, name):
        return {"timelineFrameRate": self.rate}[name]

    def GetCurrentVideoItem(self):
        return self.item

    def GetTrackCount(self, kind):
        return {"audio": len(self.tracks)}[kind]

    def GetTrackName(self, kind, track):
        assert kind == "audio"
        return self.tracks[track - 1][0]

    def SetTrackName(self, kind, track, name):
        assert kind == "audio"
        self.tracks[track - 1] = (name, self.tracks[track - 1][1])
        return True

    def GetItemListInTrack(self, kind, track):
        assert kind == "audio"
        return list(self.tracks[track - 1][1])

    def AddTrack(self, kind, channels):
        assert (kind, channels) == ("audio", "stereo")
        self.tracks.append(("Audio {}".format(len(self.tracks) + 1), []))
        return True

    def DeleteClips(self, items, ripple):
        assert ripple is False
        if self.locked:
            return False
        for _, there in self.tracks:
            for item in items:
                if item in there:
                    there.remove(item)
                    self.deleted.append(item)
        return True


class Pool:
    """A media pool; `inclusive` is whether endFrame is the last frame or the one after it."""

    def __init__(self, timeline, inclusive=True):
        self.timeline, self.inclusive = timeline, inclusive
        self.imported, self.appended = [], []

    def ImportMedia(self, paths):
        known = {media.GetClipProperty("File Path") for media in self.imported}
        new = [Media(path, "24", 1) for path in paths if path not in known]
        self.imported += new
        return new

    def AppendToTimeline(self, parts):
        self.appended += parts
        items = []
        for part in parts:
            frames = part["endFrame"] - part["startFrame"] + (1 if self.inclusive else 0)
            item = Item(part["mediaPoolItem"], part["recordFrame"], frames)
            self.timeline.tracks[part["trackIndex"] - 1][1].append(item)
            items.append(item)
        return items


class Resolve:
    """The necessary part of Resolve: a project with a timeline and a pool."""

    def __init__(self, timeline, inclusive=True):
        self.timeline = timeline
        self.pool = Pool(timeline, inclusive) if timeline else None

    def GetProjectManager(self):
        return self

    def GetCurrentProject(self):
        return self

    def GetCurrentTimeline(self):
        return self.timeline

    def GetMediaPool(self):
        return self.pool


class Soundtracks(unittest.TestCase):
    """The whole script, with a program that records its arguments."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.clip = self.at("walk me.mov")
        self.addCleanup(setattr, script, "PROGRAM", script.PROGRAM)
        self.addCleanup(setattr, script, "MODELS", script.MODELS)
        script.PROGRAM = self.at("program")
        self.program('echo "pose 100 %" >&2')

    def at(self, name):
        return os.path.join(self.folder, name)

    def program(self, does):
        path = self.at("program")
        with open(path, "w") as file:
            file.write('#!/bin/sh\nprintf "%s\\n" "$@" > "{}"\n{}\n'.format(self.at("arguments"), does))
        os.chmod(path, 0o755)

    def arguments(self):
        with open(self.at("arguments")) as file:
            return file.read().splitlines()

    def value(self, flag):
        arguments = self.arguments()
        return arguments[arguments.index(flag) + 1]

    def run_script(self, resolve):
        reported = []
        script.soundtrack(resolve, reported.append)
        return reported

    def timeline(self, rate="25", item=None, tracks=(), media=None):
        media = media or Media(self.clip, "25.0", 500)
        return Timeline(rate, item or Item(media, 90000, 100, (0, 100)), tracks)

    def test_a_whole_clip_gets_its_sound_from_its_first_frame_to_its_last(self):
        timeline = self.timeline(tracks=[("Audio 1", [])])
        resolve = Resolve(timeline)
        reported = self.run_script(resolve)
        wav = self.at("walk me.01234567.soundtrack.wav")
        self.assertEqual(
            self.arguments(), ["render", self.clip, "--start", "0/1", "--end", "4/1", "--no-video", "--wav", wav]
        )
        self.assertEqual([name for name, _ in timeline.tracks], ["Audio 1", "Soundtrack"])
        (part,) = resolve.pool.appended
        self.assertEqual(
            {key: part[key] for key in part if key != "mediaPoolItem"},
            {"startFrame": 0, "endFrame": 99, "mediaType": 2, "trackIndex": 2, "recordFrame": 90000},
        )
        self.assertEqual(part["mediaPoolItem"].GetClipProperty("File Path"), wav)
        self.assertIn("pose 100 %", reported)

    def test_drop_frame_and_film_rates_are_exact(self):
        for reported, rate in (("29.97 DF", Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)), ("59.94", Fraction(60000, 1001))):
            with self.subTest(reported):
                media = Media(self.clip, reported, 1000)
                item = Item(media, 107892, 120, (48, 168), offset=48)
                self.run_script(Resolve(self.timeline(reported, item)))
                self.assertEqual(Fraction(self.value("--start")), 48 / rate)
                self.assertEqual(Fraction(self.value("--end")), 168 / rate)
        for reported, rate in (("24", 24), (25.0, 25), ("30", 30), ("47.952", Fraction(48000, 1001)), ("12.5", Fraction(25, 2))):
            self.assertEqual(script.exact_rate(reported), rate)
        for wrong in ("", "none", "0", None, "-25"):
            with self.assertRaisesRegex(script.Trouble, "frames a second"):
                script.exact_rate(wrong)

    def test_media_at_another_rate_than_the_timeline(self):
        # 50 frames a second in a timeline of 25: source frames are rounded, the offset is not.
        media = Media(self.clip, 50.0, 400)
        item = Item(media, 0, 75, (99, 249), offset=50)
        self.run_script(Resolve(self.timeline("25", item)))
        self.assertEqual((self.value("--start"), self.value("--end")), ("2/1", "5/1"))
        # 24000/1001 in 25: the last frame of the timeline ends after the media does.
        media = Media(self.clip, "23.976", 240)
        item = Item(media, 0, 251, (0, 240))
        self.run_script(Resolve(self.timeline("25", item)))
        self.assertEqual(Fraction(self.value("--end")), Fraction(240 * 1001, 24000))

    def test_a_subclip_begins_where_its_media_does(self):
        # The offset counts from the subclip's start, and the subclip has 150 frames.
        media = Media(self.clip, "25", 150)
        item = Item(media, 500, 100, (310, 410), offset=10)
        self.run_script(Resolve(self.timeline("25", item)))
        self.assertEqual((self.value("--start"), self.value("--end")), ("62/5", "82/5"))

    def test_a_second_run_replaces_the_sound(self):
        timeline = self.timeline()
        resolve = Resolve(timeline)
        self.run_script(resolve)
        timeline.item.start, timeline.item.frames, timeline.item.source = 90010, 50, (10, 60)
        timeline.item.offset = 10
        self.run_script(resolve)
        self.assertEqual(len(timeline.tracks), 1)
        (sound,) = timeline.tracks[0][1]
        self.assertEqual((sound.GetStart(), sound.GetDuration()), (90010, 50))
        self.assertEqual(len(resolve.pool.imported), 1)
        self.assertEqual(resolve.pool.imported[0].read_again, 1)
        self.assertEqual(len(timeline.deleted), 1)

    def test_another_copy_of_the_clip_has_its_own_sound(self):
        timeline = self.timeline()
        resolve = Resolve(timeline)
        self.run_script(resolve)
        timeline.item = Item(timeline.item.media, 90050, 100, (0, 100), unique="fedcba9876543210")
        self.run_script(resolve)
        self.assertEqual([name for name, _ in timeline.tracks], ["Soundtrack", "Soundtrack 2"])
        self.assertEqual([len(items) for _, items in timeline.tracks], [1, 1])
        timeline.item = Item(timeline.item.media, 90100, 100, (0, 100), unique="0000000000000000")
        self.run_script(resolve)
        self.assertEqual([len(items) for _, items in timeline.tracks], [2, 1])

    def test_the_sound_is_as_long_as_the_clip_whatever_the_end_frame_means(self):
        for inclusive in (True, False):
            with self.subTest(inclusive=inclusive):
                timeline = self.timeline()
                self.run_script(Resolve(timeline, inclusive))
                ((_, items),) = timeline.tracks
                self.assertEqual([item.GetDuration() for item in items], [100])

    def test_places_filled_in_by_the_installation_are_passed_on(self):
        script.MODELS = "/opt/the models"
        self.run_script(Resolve(self.timeline()))
        self.assertEqual(self.value("--models"), "/opt/the models")
        self.assertNotIn("--onnxruntime", self.arguments())

    def test_settings_are_handed_on_as_they_are(self):
        """Any word that the program knows can be given; the script has no list of its own."""
        self.addCleanup(setattr, script, "SETTINGS", script.SETTINGS)
        table = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "settings.json")
        with open(table, encoding="utf-8") as file:
            flags = {row["key"]: (row["flag"], row.get("words", [])) for row in json.load(file)}
        self.assertIn("all", flags["pose.person"][1])
        script.SETTINGS = [word for flag, words in flags.values() for each in words for word in (flag, each)]
        self.run_script(Resolve(self.timeline()))
        self.assertEqual(self.arguments()[-len(script.SETTINGS) :], script.SETTINGS)

    def test_failures_are_reported_and_nothing_is_changed(self):
        media = Media(self.clip, "25", 500)
        fast = Item(media, 0, 100, (0, 200))
        backwards = Item(media, 0, 100, (200, 100))
        title = Item(None, 0, 100)
        compound = Item(Media("", "25", 100), 0, 100)
        old = Item(media, 0, 100)
        old.GetSourceStartFrame = None
        for item, why in (
            (fast, r"8\.00 s of its media in 4\.00 s"),
            (backwards, "own speed"),
            (title, "no media file"),
            (compound, "no media file"),
            (old, r"GetSourceStartFrame.*19\.0\.2"),
        ):
            with self.subTest(why):
                timeline = self.timeline(item=item)
                with self.assertRaisesRegex(script.Trouble, why):
                    self.run_script(Resolve(timeline))
                self.assertEqual(timeline.tracks, [])
        for resolve in (Resolve(None), Resolve(Timeline("25", None))):
            with self.assertRaisesRegex(script.Trouble, "playhead"):
                self.run_script(resolve)

    def test_the_programs_own_sentence_is_reported(self):
        self.program('echo "percentage: 3" >&2; echo "kinescore: walk.mov: no person found" >&2; exit 4')
        timeline = self.timeline()
        with self.assertRaisesRegex(script.Trouble, "^walk.mov: no person found$"):
            self.run_script(Resolve(timeline))
        self.assertEqual(timeline.tracks, [])
        self.program("exit 6")
        with self.assertRaisesRegex(script.Trouble, "code 6"):
            self.run_script(Resolve(timeline))
        script.PROGRAM = self.at("none")
        with self.assertRaisesRegex(script.Trouble, "none cannot be started: No such file"):
            self.run_script(Resolve(timeline))

    def test_refusals_of_resolve_are_reported(self):
        timeline = self.timeline()
        resolve = Resolve(timeline)
        self.run_script(resolve)
        timeline.locked = True
        with self.assertRaisesRegex(script.Trouble, "locked"):
            self.run_script(resolve)
        for method, why in (("AddTrack", "audio track"), ("ImportMedia", "import"), ("AppendToTimeline", "put the sound")):
            timeline = self.timeline()
            resolve = Resolve(timeline)
            owner = timeline if method == "AddTrack" else resolve.pool
            setattr(owner, method, lambda *_: None)
            with self.subTest(method), self.assertRaisesRegex(script.Trouble, why):
                self.run_script(resolve)


if __name__ == "__main__":
    unittest.main()
