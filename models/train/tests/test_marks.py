"""Tests of the comparison with stretches marked by hand."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import compare_marks


class Marks(unittest.TestCase):
    def test_impacts_are_compared_within_the_stretch(self):
        marks = [(1.0, True), (1.5, False), (2.0, True)]
        found = compare_marks.compare([0.2, 1.05, 1.45, 1.8, 2.5], (0.5, 2.2), marks)
        self.assertEqual(found, {"clear": 2, "found": 1, "impacts": 3, "on clear": 1, "on any": 2})

    def test_every_file_of_marks_can_be_read_and_lies_in_its_stretch(self):
        files = sorted(compare_marks.MARKS.glob("*.csv"))
        self.assertGreaterEqual(len(files), 3)
        for file in files:
            (begin, end), marks = compare_marks.read_marks(file)
            self.assertTrue(all(begin <= time <= end for time, _ in marks), file)
            self.assertEqual([time for time, _ in marks], sorted(time for time, _ in marks))

    def test_a_file_without_its_marked_stretch_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "clip.csv"
            file.write_text("second,seen,what\n")
            with self.assertRaisesRegex(ValueError, "marked from"):
                compare_marks.read_marks(file)


if __name__ == "__main__":
    unittest.main()
