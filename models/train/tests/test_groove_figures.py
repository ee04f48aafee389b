"""Tests of the figures that show whether drums are a groove, with hand-made hits."""

import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import groove_figures


def played(velocity_of_bar, offset=0.0, bars=8):
    """Eighth notes, eight in a bar, at 120 beats a minute."""
    bar = np.repeat(np.arange(bars), 8)
    return groove_figures.Played(bar, np.asarray(velocity_of_bar)[bar], np.full(len(bar), offset), 0.125, bars)


class Figures(unittest.TestCase):
    def test_hits_and_loudness_are_counted_by_bars(self):
        found = groove_figures.figures(played([0.4, 0.6] * 4))
        self.assertEqual(found["hits a bar"], 8)
        self.assertEqual(found["far off"], 0)
        self.assertAlmostEqual(found["bar SD"], 12.7)

    def test_far_off_is_measured_in_seconds(self):
        self.assertEqual(groove_figures.figures(played([0.5] * 8, 0.23))["far off"], 0)
        self.assertEqual(groove_figures.figures(played([0.5] * 8, -0.25))["far off"], 1)

    def test_a_few_bars_have_no_spread_and_no_hits_no_figures(self):
        self.assertNotIn("bar SD", groove_figures.figures(played([0.5] * 3, bars=3)))
        self.assertEqual(groove_figures.figures(groove_figures.Played(np.zeros(0, int), np.zeros(0), np.zeros(0), 0.125, 4)), {})

    def test_hits_of_an_analysis_are_in_the_bars_of_its_beats(self):
        hit = {"velocity": 0.5, "offset": 0.1}
        found = {
            "beats": [{"time": 0.1, "number": 3}],
            "beats_per_bar": 4,
            "tempo_bpm": 120,
            "clip": {"duration": 8},
            "drums": {"hits": [hit | {"step": step} for step in (-8, 0, 7, 8)]},
        }
        take = groove_figures.Played.of_analysis(found)
        self.assertEqual(take.bar.tolist(), [0, 0, 0, 1])
        self.assertEqual((take.step, take.bars), (0.125, 4))


class Overlap(unittest.TestCase):
    def test_equal_is_one_and_disjoint_is_zero(self):
        loud, soft = np.full(10, 0.9), np.full(20, 0.2)
        self.assertEqual(groove_figures.overlap(loud, loud, groove_figures.VELOCITIES), 1)
        self.assertEqual(groove_figures.overlap(loud, soft, groove_figures.VELOCITIES), 0)
        self.assertAlmostEqual(groove_figures.overlap(np.r_[loud, soft], soft, groove_figures.VELOCITIES), 2 / 3)

    def test_the_table_has_a_row_for_each_depth_and_the_drummers(self):
        drummers = groove_figures.Drummers([played([0.5] * 8)])
        text = groove_figures.table({"0": [played([0.5] * 8)], "2": []}, drummers).splitlines()
        self.assertEqual(text[2], "| 0 | 8.00 | 0.00 | 0.00 | 1.00 | 1.00 |")
        self.assertTrue(text[3].startswith("| 2 |") and text[4].startswith("| drummers | 8.00"))
        self.assertEqual(len(text), 6)


if __name__ == "__main__":
    unittest.main()
