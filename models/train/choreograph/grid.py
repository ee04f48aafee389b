"""Random beat grids: tempo, beats in a bar, drift, swing, and the patterns of steps on which a part
of the body moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SLOWEST, FASTEST = 50.0, 200.0


@dataclass
class Grid:
    """Beats of a clip. `beats[i]` is in seconds from the clip's start, in ascending order;
    `number[i]` is the beat's position in its bar, from 1; there are also beats before the clip's
    start and after its end, so that every instant is between two."""

    beats: np.ndarray
    number: np.ndarray
    beats_per_bar: int
    tempo: float
    swing: float

    def time(self, position) -> np.ndarray:
        """Seconds of positions in beats (0 = `beats[0]`); the second half of a beat is late by
        `swing` of a beat."""
        position = np.asarray(position, dtype=np.float64)
        if self.swing:
            part = position % 1.0
            middle = 0.5 + self.swing
            position = position - part + np.where(part < 0.5, part * 2 * middle, middle + (part - 0.5) * 2 * (1 - middle))
        return np.interp(position, np.arange(len(self.beats)), self.beats)

    def position(self, seconds) -> np.ndarray:
        """Positions of instants in beats, without the swing."""
        return np.interp(seconds, self.beats, np.arange(len(self.beats)))


# Approximate tempi of dance music: most are around 112 per minute (SD in octaves), some anywhere.
USUAL, SPREAD, ANYWHERE = 112.0, 0.28, 0.15


def random_tempo(rng: np.random.Generator) -> float:
    while True:
        bpm = rng.uniform(SLOWEST, FASTEST) if rng.random() < ANYWHERE else USUAL * 2.0 ** rng.normal(0.0, SPREAD)
        if SLOWEST <= bpm <= FASTEST:
            return float(bpm)


def tempo_density(bpm: np.ndarray, spread: float = SPREAD, anywhere: float = ANYWHERE) -> np.ndarray:
    """Probability density of [`random_tempo`], per beat a minute."""
    octaves = np.log2(bpm / USUAL)
    usual = np.exp(-0.5 * (octaves / spread) ** 2) / (spread * np.sqrt(2 * np.pi) * bpm * np.log(2))
    return anywhere / (FASTEST - SLOWEST) + (1 - anywhere) * usual


def random_grid(rng: np.random.Generator, seconds: float, tempo: float | None = None, human: float = 0.0) -> Grid:
    """A grid over a clip of `seconds`. `human`: probability that the tempo varies like that of
    people (walking, a live band) instead of being constant."""
    tempo = tempo or random_tempo(rng)
    interval = 60.0 / tempo
    count = int(seconds / interval * 1.3) + 16
    rate = np.ones(count)
    if rng.random() < 0.2 + 0.8 * human:
        # A drift of up to a few percent over the clip, and of about one percent from beat to beat.
        bend = rng.normal(0, 0.03) * np.linspace(-1, 1, count) + rng.normal(0, 0.02) * np.sin(
            2 * np.pi * (rng.random() + np.arange(count) / rng.uniform(12, 40)))
        rate = np.exp(bend + human * rng.normal(0, 0.012, count))
    steps = interval * rate
    bar = 3 if rng.random() < 0.12 else 4
    first = rng.integers(0, bar)
    beats = np.concatenate([[0.0], np.cumsum(steps)]) - rng.uniform(4.0, 5.0) * interval
    number = (np.arange(len(beats)) + first) % bar + 1
    swing = rng.uniform(0.04, 0.17) if rng.random() < 0.2 else 0.0
    return Grid(beats, number, bar, tempo, float(swing))


# Preferred rate of visible movements: about 1.7 per second, rarely below 0.5 or above 5.
LIKED_RATE, RATE_SPREAD = 1.7, 0.75


def random_period(rng: np.random.Generator, tempo: float, choices=(0.5, 1.0, 2.0, 4.0)) -> float:
    """Beats between two movements of a part of the body: the multiples of the beat near people's
    preferred rate."""
    rates = np.array([tempo / 60.0 / c for c in choices])
    # Most choreography moves on every beat or every second beat.
    liking = np.array([{0.5: 0.5, 1.0: 1.5, 2.0: 1.2, 4.0: 0.35}.get(c, 0.5) for c in choices])
    weight = liking * np.exp(-0.5 * (np.log2(rates / LIKED_RATE) / RATE_SPREAD) ** 2) + 1e-6
    return float(rng.choice(choices, p=weight / weight.sum()))


def random_pattern(rng: np.random.Generator, grid: Grid, period: float | None = None) -> tuple[np.ndarray, float]:
    """Positions in beats within one or two bars at which a part of the body arrives somewhere
    (ascending, at least one), and the pattern's length in beats."""
    bar = grid.beats_per_bar
    length = bar * (2 if rng.random() < 0.35 else 1)
    period = period or random_period(rng, grid.tempo)
    if rng.random() < 0.3:
        # Syncopated: each sixteenth with the probability of its position in the beat.
        chance = {0: 0.8, 2: 0.35, 1: 0.06, 3: 0.14}
        if grid.tempo > 130:
            chance = {0: 0.7, 2: 0.2, 1: 0.02, 3: 0.04}
        elif grid.tempo < 85:
            chance = {0: 0.9, 2: 0.6, 1: 0.1, 3: 0.25}
        steps = [s / 4 for s in range(length * 4) if rng.random() < chance[s % 4]]
        positions = np.array(steps or [0.0])
    else:
        offset = 0.0
        if rng.random() < 0.1:
            offset = period / 2  # Moves against the beat: arrives off it.
        elif period >= 2 and rng.random() < 0.4:
            offset = float(rng.integers(1, int(min(period, length))))
        positions = np.arange(offset % length, length, period)
        if len(positions) > 2 and rng.random() < 0.3:
            positions = np.delete(positions, rng.integers(1, len(positions)))
    least = 0.2 * grid.tempo / 60.0  # Nobody arrives again within 0.2 s.
    kept = [positions[0]]
    for p in positions[1:]:
        if p - kept[-1] >= least and length + kept[0] - p >= least:
            kept.append(p)
    return np.array(kept), float(length)


def metrical_weight(position, beats_per_bar: int) -> np.ndarray:
    """Metrical weight of a position in the bar, 0..1: the downbeat, the middle of four, the other
    beats, halves, sixteenths."""
    position = np.asarray(position, dtype=np.float64) % beats_per_bar
    step = np.round(position * 4).astype(int)
    weight = np.where(step % 4 == 0, 0.65, np.where(step % 2 == 0, 0.4, 0.25))
    weight = np.where((step == 8) & (beats_per_bar == 4), 0.8, weight)
    return np.where(step == 0, 1.0, weight)
