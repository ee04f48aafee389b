"""Tests timeline markers as marks, and beats whose markers were moved."""

import json
import unittest
from fractions import Fraction

from pure import core, marks, timing

SECOND = core.FLICKS_PER_SECOND

# From 4 s to 8 s of a timeline with 25 frames a second; the media from 10 s on, at double speed.
CUT = timing.Cut(100, 200, 10 * SECOND, 18 * SECOND, Fraction(2))
RATE = Fraction(25)


def found(*markers, fixed=()):
    text = marks.text(markers, CUT, RATE, fixed)
    return json.loads(text) if text else None


class Marks(unittest.TestCase):
    def test_names(self):
        self.assertIsNone(found())
        self.assertIsNone(found((125, "a note"), (125, "hitchcock"), (125, "beats"), (125, "beat 1.2"), (125, "")))
        self.assertIsNone(found((99, "hit"), (200, "hit")))
        self.assertEqual(
            found((150, "Downbeat"), (100, "hit"), (187, "HIT (chord, stop): Jump, high"), (125, "beat 3"), (175, "beat 12")),
            {
                "format": "kinescore-marks",
                "version": 1,
                "beats": [{"time": 12.0, "number": 3}, {"time": 14.0, "number": 1}, {"time": 16.0}],
                "hits": [{"time": 10.0}, {"time": 16.96, "label": "Jump, high", "answer": ["chord", "stop"]}],
            },
        )

    def test_what_the_library_would_refuse(self):
        # A frame is 80 ms of the media.
        self.assertEqual(len(found((125, "beat"), (126, "beat"), (127, "beat"))["beats"]), 2)
        slow = timing.Cut(100, 200, 0, SECOND, Fraction(1, 4))
        hits = json.loads(marks.text([(125, "hit one"), (129, "hit two"), (130, "hit")], slow, RATE, ()))["hits"]
        self.assertEqual([hit.get("label") for hit in hits], ["one", None])
        self.assertEqual(found((125, "hit " + "ü" * 100))["hits"][0]["label"], "ü" * 80)
        self.assertEqual(found((125, "hit drums drums a\tb"))["hits"][0], {"time": 12.0, "label": "a b", "answer": ["drums"]})

    def test_fixed_beats(self):
        fixed = [(11 * SECOND, 0), (12 * SECOND + 1, 2), (13 * SECOND, 9), (30 * SECOND, 4)]
        self.assertEqual(
            found((125, "beat"), fixed=fixed)["beats"],
            [{"time": 11.0}, {"time": 12.0}, {"time": 13.0}, {"time": 30.0, "number": 4}],
        )

    def test_which_are_watched(self):
        for name in ("hit", "Beat 1.1", "(downbeat)", "beat 3"):
            self.assertTrue(marks.is_mark(name))
        for name in ("", "hitchcock", "a beat", "...", "beats"):
            self.assertFalse(marks.is_mark(name))


class Find(unittest.TestCase):
    ENTRIES = [(100, "beat 1.1"), (113, "beat 1.2"), (125, "beat 1.3")]

    def find(self, *markers, shift=0):
        ((places, by),) = marks.find([(self.ENTRIES, 100, 150, shift)], list(markers))
        return places, by

    def test_as_they_were(self):
        self.assertEqual(self.find(*self.ENTRIES), ([100, 113, 125], 0))
        self.assertEqual(self.find(*self.ENTRIES, shift=10), ([100, 113, 125], 0))

    def test_moved_with_the_strip(self):
        along = [(frame + 10, name) for frame, name in self.ENTRIES]
        self.assertEqual(self.find(*along, shift=10), ([110, 123, 135], 10))
        along[1] = (125, "beat 1.2")
        self.assertEqual(self.find(*along, shift=10), ([110, 125, 135], 10))

    def test_moved_and_deleted(self):
        self.assertEqual(self.find((100, "beat 1.1"), (116, "beat 1.2")), ([100, 116, None], 0))
        self.assertEqual(self.find((100, "beat 1.1"), (99, "beat 1.2"), (151, "beat 1.3")), ([100, None, None], 0))
        self.assertEqual(self.find((100, "beat 1.1"), (113, "beat 1.2"), (150, "beat 1.3")), ([100, 113, 150], 0))
        self.assertEqual(self.find((99, "other")), ([None] * 3, 0))
        # The nearest counts.
        self.assertEqual(self.find((149, "beat 1.1"), (104, "beat 1.1"))[0], [104, None, None])

    def test_two_soundtracks(self):
        one, other = [(100, "beat 1.1")], [(105, "beat 1.1")]
        shown = [(one, 100, 150, 0), (other, 105, 150, 0)]
        self.assertEqual(marks.find(shown, one + other), [([100], 0), ([105], 0)])
        # The second one's was moved; the first one's is its own.
        self.assertEqual(marks.find(shown, [(100, "beat 1.1"), (108, "beat 1.1")]), [([100], 0), ([108], 0)])
        self.assertEqual(marks.find(shown, [(100, "beat 1.1")]), [([100], 0), ([None], 0)])


class AfterEdits(unittest.TestCase):
    BEATS = [(beat * SECOND // 2, beat % 4 + 1) for beat in range(8)]

    def places(self, **changed):
        places = [time for time, _number in self.BEATS]
        for name, time in changed.items():
            places[int(name[1:])] = time
        return places

    def test_one_is_moved(self):
        half = SECOND // 2
        self.assertEqual(marks.after_edits([], self.BEATS, self.places()), [])
        fixed = marks.after_edits([], self.BEATS, self.places(b3=3 * half + 99_000_000))
        self.assertEqual(fixed, [(0, 0), (2 * half, 0), (3 * half + 99_000_000, 4), (4 * half, 0), (7 * half, 0)])
        # Deleted again: nothing is fixed.
        beats = [*self.BEATS[:3], (3 * half + 99_000_000, 4), *self.BEATS[4:]]
        self.assertEqual(marks.after_edits(fixed, beats, [time if time != beats[3][0] else None for time, _number in beats]), [])
        self.assertEqual(marks.after_edits(fixed, beats, [time for time, _number in beats]), fixed)

    def test_too_near(self):
        half = SECOND // 2
        fixed = marks.after_edits([], self.BEATS, self.places(b3=4 * half + 10, b4=4 * half + 20))
        self.assertEqual([time for time, number in fixed if number], [4 * half + 10])

    def test_over_a_neighbour(self):
        half = SECOND // 2
        fixed = marks.after_edits([], self.BEATS, self.places(b3=5 * half))
        self.assertEqual(fixed, [(0, 0), (2 * half, 0), (5 * half, 4), (7 * half, 0)])


if __name__ == "__main__":
    unittest.main()
