"""Measures of beats against an annotation, and bootstrap intervals over clips. Times are in
seconds, tempi in beats per minute.

F-measure, Cemgil and continuity are those of the library mir_eval, called without leaving beats
out. (`mir_eval.beat.evaluate` leaves out the beats of the first 5 s, which suits songs of several
minutes; for clips of 8 to 15 s it would drop a third to a half.)
"""

from __future__ import annotations

import warnings

import mir_eval
import numpy as np

F_TOLERANCE = 0.070  # s
TEMPO_TOLERANCE = 0.04  # share of the annotated tempo
OTHER_LEVELS = (1 / 3, 1 / 2, 1, 2, 3)  # tempo accuracy 2
RESAMPLES = 2000


def tempo_of(beats: np.ndarray) -> float | None:
    """Tempo of beats: least squares over their numbers, where a gap of several beats counts as
    several. `None` for fewer than two beats."""
    if len(beats) < 2:
        return None
    gaps = np.diff(beats)
    numbers = np.concatenate([[0], np.cumsum(np.maximum(1, np.round(gaps / np.median(gaps))))])
    return float(60 / np.polyfit(numbers, beats, 1)[0])


def tempo_right(found: float | None, annotated: float, levels=(1,)) -> float:
    """1 if the tempo is within ±4 % of the annotated one, or of the annotated one at one of the
    other levels."""
    return float(found is not None and any(abs(found / (annotated * level) - 1) <= TEMPO_TOLERANCE for level in levels))


def drift(annotated: np.ndarray, beats: np.ndarray) -> float:
    """Drift at the clip's end in ms: distance from the last annotated beat to the nearest beat.
    Without beats, it is half the last annotated interval, which is what beats in exact opposition
    get."""
    if not len(beats):
        return float(500 * (annotated[-1] - annotated[-2]))
    return float(1000 * np.abs(beats - annotated[-1]).min())


def f_measure(annotated: np.ndarray, beats: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # empty beats: they measure 0
        return float(mir_eval.beat.f_measure(annotated, beats, f_measure_threshold=F_TOLERANCE))


def measures(annotated: np.ndarray, beats: np.ndarray, tempo: float | None = None) -> dict[str, float]:
    """All measures that an annotation allows; `tempo` if it is known more exactly than from
    [`tempo_of`] the beats."""
    beats = np.asarray(beats, float)
    true = tempo_of(annotated)
    found = tempo if tempo is not None else tempo_of(beats)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        continuity = mir_eval.beat.continuity(annotated, beats)
        result = {"f": f_measure(annotated, beats), "cemgil": float(mir_eval.beat.cemgil(annotated, beats)[0])}
    result |= {key: float(value) for key, value in zip(("cmlc", "cmlt", "amlc", "amlt"), continuity)}
    return result | {
        "tempo_1": tempo_right(found, true),
        "tempo_2": tempo_right(found, true, OTHER_LEVELS),
        "drift_ms": drift(annotated, beats),
    }


class Bootstrap:
    """Percentile bootstrap over clips (Efron 1979): every figure over the same number of clips uses
    the same resamples, so runs are reproducible."""

    def __init__(self, seed: int, resamples: int = RESAMPLES):
        self.seed, self.resamples, self.drawn = seed, resamples, {}

    def interval(self, values, statistic=np.mean) -> tuple[float, float] | None:
        """The 95 % interval of a statistic over clips; `None` for fewer than two clips."""
        values = np.asarray(values, float)
        if len(values) < 2:
            return None
        low, high = np.quantile(statistic(values[self.draw(len(values))], axis=1), (0.025, 0.975))
        return float(low), float(high)

    def draw(self, clips: int) -> np.ndarray:
        if clips not in self.drawn:
            self.drawn[clips] = np.random.default_rng([self.seed, clips]).integers(clips, size=(self.resamples, clips))
        return self.drawn[clips]
