"""Simulates, from a recorded groove, the rhythm and energy that stage 1 finds in a moving person.

There is no data set of movement with drums, so the hits model is trained on rhythms derived from
the drums, designed to resemble its real input: sparse accents with misses and extras, not the
complete tap track (a tap track reveals which steps are empty, and a body never does). The numbers
are below, each with its reason.
"""

from __future__ import annotations

import numpy as np

import groove

NOTHING, ACCENT, STRONG, ABSENT = 0, 1, 2, 3
RHYTHM_LEVELS = ["nothing", "accent", "strong accent", "no rhythm information given"]
ENERGY_LEVELS = 5  # 0 = unknown, 1..4 = quartiles

# A body responds to the big strokes; the hats keep time between them.
WEIGHT = dict(kick=1.0, snare=1.0, closed_hat=0.25, open_hat=0.5, low_tom=0.9, mid_tom=0.9, high_tom=0.9, crash=1.1, ride=0.3)
WEIGHTS = np.array([WEIGHT[c] for c in groove.CLASSES], np.float32)

P_ABSENT = 0.10  # whole rhythm withheld: gives the unconditional model that guidance needs
# the complete tap track: the densest possible rhythm, and comparable with the paper
P_TAPS = 0.06
P_STILL = 0.08  # hardly any accents (0-3 % of the steps): the person stands
# of the steps carry an accent otherwise; Beta(1, 1.6) in between, so sparse is commoner
DENSITY = (0.05, 0.40)
EXTRAS = 0.30  # up to this share of the accents is unrelated to a hit (uniform per example)
EXTRAS_ON_BEATS = 0.5  # of the extras: people move on beats whether or not the drummer plays there
SHARPNESS = (0.3, 2.5)  # how strictly louder steps are preferred; low = many misses of loud steps
# examples that prefer steps which are loud for their position in the bar: a body does not know the
# metre
P_SYNCOPATED = 0.5
STRONG_SHARE = (0.10, 0.50)  # of the true accents: the loudest
# below it a step has no full stroke (a hat alone, a ghost note): never strong
STRONG_SALIENCE = 0.35
# of the weak accents are one step early or late; strong ones never, so that they stay reliable
JITTER = 0.08
# examples with a stretch without accents (1-4 bars): tracking lost, or the person pauses
P_GAP = 0.20
P_ENERGY_UNKNOWN = 0.40
ENERGY_GAIN_NOISE, ENERGY_BAR_NOISE = 0.20, 0.15  # in log energy, whole example and each bar


def salience(take: groove.Take) -> np.ndarray:
    return (take.velocity * WEIGHTS).sum(-1)


def bar_energy(take: groove.Take) -> np.ndarray:
    """Log of mean loudness × density of each step's bar, f32 [T]."""
    per_step = salience(take) + 0.15 * take.hits.sum(-1)
    bar = np.arange(len(take)) // take.steps_per_bar
    total, length = np.bincount(bar, per_step), np.bincount(bar)
    return np.log(0.05 + total / length)[bar].astype(np.float32)


class Simulator:
    """Constants from the training split: energy quartiles, and the usual loudness of each position
    in the bar."""

    def __init__(self, training: list[groove.Take]):
        self.quartiles = np.percentile(np.concatenate([bar_energy(t) for t in training]), [25, 50, 75])
        self.usual = {}
        for steps_per_bar in (16, 12):
            total, count = np.zeros(steps_per_bar), np.zeros(steps_per_bar)
            for take in training:
                if take.steps_per_bar == steps_per_bar:
                    np.add.at(total, np.arange(len(take)) % steps_per_bar, salience(take))
                    np.add.at(count, np.arange(len(take)) % steps_per_bar, 1)
            self.usual[steps_per_bar] = np.log(0.05 + total / np.maximum(count, 1))

    def energy(self, log_energy: np.ndarray, g: np.random.Generator, steps_per_bar: int, first_step: int) -> np.ndarray:
        bar = (first_step + np.arange(len(log_energy))) // steps_per_bar
        bar -= bar[0]
        noise = g.normal(0, ENERGY_GAIN_NOISE) + g.normal(0, ENERGY_BAR_NOISE, bar[-1] + 1)
        return 1 + np.searchsorted(self.quartiles, log_energy + noise[bar])

    def rhythm(self, loud: np.ndarray, hit: np.ndarray, steps_per_bar: int, first_step: int,
               g: np.random.Generator, mode: str = "mixed") -> np.ndarray:
        """Rhythm levels for a crop. `loud`, `hit`: salience and any-hit per step. `mode`: "mixed"
        as in training, or a single kind: "accents", "taps", "absent"."""
        steps = len(loud)
        draw = g.random()
        if mode == "absent" or (mode == "mixed" and draw < P_ABSENT):
            return np.full(steps, ABSENT)
        rhythm = np.zeros(steps, np.int64)
        if mode == "taps" or (mode == "mixed" and draw < P_ABSENT + P_TAPS):
            rhythm[hit] = ACCENT
            return rhythm
        still = g.random() < P_STILL
        density = g.uniform(0, 0.03) if still else DENSITY[0] + (DENSITY[1] - DENSITY[0]) * g.beta(1, 1.6)
        wanted = int(np.floor(density * steps + g.random()))
        extras = g.binomial(wanted, g.uniform(0, EXTRAS))

        # True accents: Gumbel top-k over the steps with hits = sampling without replacement by
        # loudness.
        score = g.uniform(*SHARPNESS) * np.log(0.05 + loud) + g.gumbel(size=steps)
        if g.random() < P_SYNCOPATED:
            score -= g.uniform(0.5, 2.0) * self.usual[steps_per_bar][(first_step + np.arange(steps)) % steps_per_bar]
        true = [s for s in np.argsort(-score) if hit[s]][: wanted - extras]
        share = g.uniform(*STRONG_SHARE)
        strong = [s for s in sorted(true, key=lambda s: -loud[s]) if loud[s] >= STRONG_SALIENCE][: int(np.ceil(share * len(true)))]

        free = np.setdiff1d(np.arange(steps), true)
        if extras and len(free):
            on_beat = (free + first_step) % 4 == 0
            p = (1 - EXTRAS_ON_BEATS) / len(free) + EXTRAS_ON_BEATS * on_beat / max(1, on_beat.sum())
            rhythm[g.choice(free, min(extras, len(free)), replace=False, p=p / p.sum())] = ACCENT
        for s in set(true) - set(strong):
            if g.random() < JITTER:
                s = int(np.clip(s + g.choice([-1, 1]), 0, steps - 1))
            rhythm[s] = ACCENT
        rhythm[strong] = STRONG
        if g.random() < P_GAP:
            gap = int(g.integers(1, 5)) * steps_per_bar
            start = int(g.integers(0, max(1, steps - gap // 2)))
            rhythm[start : start + gap] = NOTHING
        return rhythm
