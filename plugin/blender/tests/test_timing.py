"""Tests the conversion of frames on a timeline to times of the media."""

import struct
import unittest
from fractions import Fraction

from pure import core, timing

SECOND = core.FLICKS_PER_SECOND


def single(value):
    """A number in the precision that Blender stores."""
    return struct.unpack("f", struct.pack("f", value))[0]


def playback(**changed):
    usual = {
        "left": 31,
        "right": 261,
        "content_start": Fraction(31),
        "content_frames": 230,
        "skipped": 0,
        "rate": Fraction(1),
        "effect": Fraction(1),
        "scene_rate": Fraction(30),
        "media_rate": Fraction(30),
    }
    return timing.Playback(**{**usual, **changed})


class Rates(unittest.TestCase):
    def test_scenes(self):
        for fps, base, rate in ((30, 1.001, Fraction(30000, 1001)), (24, 1.001, Fraction(24000, 1001)), (3, 0.1, 30), (25, 1, 25)):
            self.assertEqual(timing.scene_rate(fps, single(base)), rate)

    def test_media(self):
        for fps in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), 24, 25, 30, 50, 120, Fraction(25, 2)):
            self.assertEqual(timing.media_rate(single(float(fps))), fps)
        for fps in (0, -1, float("nan"), float("inf")):
            with self.assertRaises(core.Problem):
                timing.media_rate(fps)

    def test_the_speed_computed_from_a_length(self):
        ratio = Fraction(30, 25)
        for frames, length, factor, rate in (
            (100, 100, Fraction(1), 1),  # frame by frame
            (100, 83, Fraction(1), ratio),  # at its own speed
            (100, 166, Fraction(1, 2), ratio / 2),
            (100, 200, Fraction(1, 2), Fraction(1, 2)),
            (100, 83, None, ratio),
            (100, 100, None, 1),
            (100, 50, None, 2),  # retimed
            (231, 154, None, Fraction(3, 2)),
        ):
            self.assertEqual(timing.play_rate(frames, Fraction(length), factor, ratio), rate, (frames, length, factor))
        with self.assertRaises(core.Problem):
            timing.play_rate(0, Fraction(1), None, ratio)

    def test_any_length_is_matched_to_half_a_frame(self):
        for length in range(1, 400):
            rate = timing.play_rate(230, Fraction(length), None, Fraction(1))
            self.assertLessEqual(abs(230 / rate - length), 1)


class Cuts(unittest.TestCase):
    def test_whole(self):
        cut = timing.cut(playback())
        self.assertEqual((cut.left, cut.right, cut.start, cut.end, cut.speed), (31, 261, 0, SECOND * 230 // 30, 1))

    def test_trimmed(self):
        cut = timing.cut(playback(left=61, right=121))
        self.assertEqual((cut.left, cut.right, cut.start, cut.end), (61, 121, SECOND, SECOND * 3))

    def test_hard_cut(self):
        cut = timing.cut(playback(skipped=15, content_frames=215, right=246))
        self.assertEqual((cut.start, cut.end), (SECOND // 2, SECOND * 230 // 30))

    def test_frame_by_frame_in_a_scene_of_another_rate(self):
        cut = timing.cut(playback(scene_rate=Fraction(25), left=61))
        self.assertEqual((cut.start, cut.speed), (SECOND, Fraction(25, 30)))
        self.assertEqual(Fraction(cut.end - cut.start, SECOND) / cut.speed, Fraction(200, 25))

    def test_true_speed_in_a_scene_of_another_rate(self):
        cut = timing.cut(playback(scene_rate=Fraction(25), rate=Fraction(30, 25), left=56, right=222))
        self.assertEqual((cut.left, cut.right, cut.start, cut.speed), (56, 222, SECOND, 1))

    def test_drop_frame_rates_are_exact(self):
        rate = Fraction(30000, 1001)
        cut = timing.cut(playback(scene_rate=rate, media_rate=rate, left=32))
        self.assertEqual(cut.start * 30000, SECOND * 1001)

    def test_speed_control(self):
        cut = timing.cut(playback(left=41, right=101, effect=Fraction(2)))
        self.assertEqual((cut.start, cut.end, cut.speed), (SECOND * 10 // 30, SECOND * 130 // 30, 2))

    def test_held_pictures_are_left_out(self):
        cut = timing.cut(playback(left=1, right=300))
        self.assertEqual((cut.left, cut.right, cut.start, cut.end), (31, 261, 0, SECOND * 230 // 30))
        cut = timing.cut(playback(left=31, right=261, effect=Fraction(2)))
        self.assertEqual((cut.left, cut.right, cut.end), (31, 146, SECOND * 230 // 30))
        with self.assertRaises(core.Problem):
            timing.cut(playback(left=300, right=310))

    def test_the_sound_is_as_long_as_the_strip(self):
        for left in range(1, 180, 7):
            for rate, effect in ((Fraction(1), Fraction(1)), (Fraction(6, 5), Fraction(1)), (Fraction(1), Fraction(3, 2))):
                cut = timing.cut(playback(left=left, rate=rate, effect=effect, scene_rate=Fraction(25)))
                seconds = Fraction(cut.end - cut.start, SECOND) / cut.speed
                self.assertAlmostEqual(float(seconds * 25), cut.right - cut.left, places=5)


if __name__ == "__main__":
    unittest.main()
