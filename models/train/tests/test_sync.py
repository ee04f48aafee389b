"""Tests of the measures of how a soundtrack follows a body, with hand-made signals."""

import sys
import unittest
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import evaluate_sync as sync

SECONDS = 12
COUNT = SECONDS * sync.RATE
HITS = np.arange(0.5, 10.5, 0.83)


def pulses(times, strengths=None):
    """Smoothed pulses at the given times, seconds, like an onset strength."""
    values = np.zeros(COUNT)
    for time, strength in zip(times, strengths if strengths is not None else np.ones(len(times))):
        values[int(round(time * sync.RATE))] += strength
    return gaussian_filter1d(values, sync.SMOOTHING)


def heard(times, strengths=None, loudness=None):
    signal = pulses(times, strengths)
    return sync.Heard(signal, signal, np.ones(COUNT) if loudness is None else loudness)


def body(times, speed=None):
    return sync.Moved(pulses(times), np.ones(COUNT) if speed is None else speed)


def impacts(times, strength=1.0):
    return np.array([(time, strength) for time in times])


class Correlation(unittest.TestCase):
    def test_a_signal_correlates_with_itself_even_slightly_late_but_not_far_away(self):
        signal = pulses(HITS)
        self.assertAlmostEqual(sync.correlation(signal, signal), 1, places=6)
        self.assertAlmostEqual(sync.correlation(signal, np.roll(signal, 4)), 1, places=6)
        self.assertLess(sync.correlation(signal, np.roll(signal, 40)), 0.1)

    def test_it_does_not_depend_on_level(self):
        signal = pulses(HITS)
        self.assertAlmostEqual(sync.correlation(signal, 7 * signal + 3), 1, places=6)


class Answers(unittest.TestCase):
    def test_loud_onsets_at_the_impacts_answer_them_and_others_do_not(self):
        self.assertEqual(sync.answers(impacts(HITS), pulses(HITS)), 1)
        self.assertEqual(sync.answers(impacts(HITS), pulses(HITS + 0.3)), 0)
        half = np.r_[HITS[: len(HITS) // 2], HITS[len(HITS) // 2 :] + 0.3]
        self.assertAlmostEqual(sync.answers(impacts(HITS), pulses(half)), (len(HITS) // 2) / len(HITS))

    def test_soft_onsets_among_loud_ones_are_not_an_answer(self):
        between = HITS + 0.4
        times, strengths = np.r_[HITS, between], np.r_[np.full(len(HITS), 0.3), np.ones(len(between))]
        self.assertEqual(sync.answers(impacts(HITS), pulses(times, strengths)), 0)

    def test_silence_answers_nothing(self):
        self.assertEqual(sync.answers(impacts(HITS), np.zeros(COUNT)), 0)


class Holds(unittest.TestCase):
    def test_a_stop_of_a_second_is_a_hold_and_one_of_half_a_second_is_not(self):
        speed = np.ones(COUNT)
        speed[200:300], speed[500:550] = 0, 0
        held, moving = sync.holds(speed)
        self.assertEqual(np.flatnonzero(held).tolist(), list(range(230, 300)))
        self.assertFalse(moving[200:300].any())
        self.assertTrue(moving[500:550].all())
        self.assertFalse(moving[-120:].any())


class Compare(unittest.TestCase):
    def test_a_soundtrack_on_the_impacts_scores_above_the_same_shifted(self):
        sound, moved = heard(HITS), body(HITS)
        found = sync.compare(moved, sound, impacts(HITS))
        for name in ("avlock", "accR", "louR"):
            self.assertGreater(found[name], 0.95, name)
        self.assertEqual(found["answered"], 1)
        self.assertAlmostEqual(found["end"], SECONDS - HITS[-1], places=1)
        control = sync.controlled(moved, sound, impacts(HITS), SECONDS)
        self.assertLess(control["accR"], 0.5)

    def test_quiet_where_the_body_holds_is_negative_in_decibels(self):
        speed, loudness = np.ones(COUNT), np.ones(COUNT)
        speed[200:400] = 0
        loudness[200:400] = 10**-0.6  # mel power^0.3 of a tenth of the amplitude
        found = sync.compare(body(HITS, speed), heard(HITS, loudness=loudness), impacts(HITS))
        self.assertAlmostEqual(found["still"], -20, places=3)
        steady = sync.compare(body(HITS), heard(HITS), impacts(HITS))
        self.assertNotIn("still", steady)

    def test_a_metronome_has_a_pulse_and_scattered_hits_have_less(self):
        metronome = sync.compare(body(HITS), heard(np.arange(0.5, 11.5, 0.5)), impacts(HITS))["pulse"]
        scattered = np.sort(np.random.default_rng(1).uniform(0.5, 11.5, 22))
        self.assertGreater(metronome, 0.8)
        self.assertLess(sync.compare(body(HITS), heard(scattered), impacts(HITS))["pulse"], metronome - 0.3)


if __name__ == "__main__":
    unittest.main()
