"""Chord and key recognition from notes.

Chords: a segment's pitch classes, weighted by how long they sound, are scored against the templates
of the chords: sounding chord tones count for a chord; other tones, and missing chord tones, count
against it (after Pardo & Birmingham, "Algorithms for Chordal Analysis", Computer Music Journal
26(2), 2002); the root in the bass counts extra. Each bar is one segment or two halves, whichever
explains it better. Keys: correlation with the profiles of Krumhansl & Kessler (1982)."""

from __future__ import annotations

import numpy as np

from .tokens import CHORD_TONES, NO_CHORD

PROFILES = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),  # major
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),  # minor
)
OUTSIDE = 0.9  # cost of a tone outside the chord, against 1 for one inside
MISSING = 0.14  # cost of a chord tone that does not sound, as a share of the segment
BASS_IS_ROOT = 0.2
FOURTH_TONE = 0.11  # against the dominant, which otherwise explains everything that its triad does
RARE = (0.0, 0.0, 0.06, 0.10, 0.0)  # against diminished and augmented
OPENING = 0.3  # quarters
SPLIT = 0.2  # what a second chord in the bar must gain

_TEMPLATES = np.zeros((60, 12))
for _root in range(12):
    for _quality, _tones in enumerate(CHORD_TONES):
        _TEMPLATES[5 * _root + _quality, [(_root + tone) % 12 for tone in _tones]] = 1
_PENALTY = np.array([RARE[quality] + (FOURTH_TONE if quality == 4 else 0) for _ in range(12) for quality in range(5)])


def profile(notes: np.ndarray, begin: float, end: float) -> tuple[np.ndarray, int | None]:
    """Weights of the pitch classes that sound between two times, and the pitch class of the bass;
    `notes` has rows of (start, end, pitch)."""
    weights = np.zeros(12)
    inside = notes[(notes[:, 0] < end - 1e-6) & (notes[:, 1] > begin + 1e-6)]
    if not len(inside):
        return weights, None
    sounding = np.minimum(inside[:, 1], end) - np.maximum(inside[:, 0], begin)
    pitches = inside[:, 2].astype(int)
    np.add.at(weights, pitches % 12, sounding)
    # The bass is the lowest pitch at the segment's start; if no note begins there, the lowest that
    # is not a passing note.
    opening = inside[:, 0] < begin + OPENING
    if opening.any() and pitches[opening].min() <= pitches.min() + 12:
        return weights, int(pitches[opening].min()) % 12
    held = np.zeros(128)
    np.add.at(held, pitches, sounding)
    return weights, int(np.flatnonzero(held >= 0.2 * held.max())[0]) % 12


def score(weights: np.ndarray, bass: int | None) -> np.ndarray:
    """The score of each of the 60 chords; at most about 1.2."""
    total = weights.sum()
    if total <= 0:
        return np.full(60, -1.0)
    # A root that is doubled by long notes must not outweigh the third, so weights are compressed.
    share = np.sqrt(weights / total)
    share /= share.sum()
    inside = _TEMPLATES @ share
    absent = _TEMPLATES @ (share < 0.02).astype(float)
    result = inside - OUTSIDE * (1 - inside) - MISSING * absent - _PENALTY
    if bass is not None:
        result[5 * bass:5 * bass + 5] += BASS_IS_ROOT
    return result


def recognise(notes: np.ndarray, bars: int, beats: int, first: float = 0.0) -> list[list[tuple[int, int, int]]]:
    """The chords (step, root, quality) of each bar, from notes (start, end, pitch; in quarters). A
    bar with fewer than two pitch classes keeps the previous chord; at the start it has none."""
    result = []
    now = NO_CHORD
    middle = 2  # beats, in 4/4 and in 3/4
    notes = notes[np.argsort(notes[:, 0], kind="stable")]
    longest = float((notes[:, 1] - notes[:, 0]).max()) if len(notes) else 0.0
    for bar in range(bars):
        begin, end = first + bar * beats, first + (bar + 1) * beats
        near = notes[np.searchsorted(notes[:, 0], begin - longest):np.searchsorted(notes[:, 0], end)]
        pieces = []
        for low, high in ((begin, end), (begin, begin + middle), (begin + middle, end)):
            weights, bass = profile(near, low, high)
            scores = score(weights, bass)
            best = int(scores.argmax())
            pieces.append((weights, scores, best))
        if (pieces[0][0] > 0).sum() < 2:
            result.append([(0, *now)])
            continue
        whole, left, right = pieces
        halves = all((piece[0] > 0).sum() >= 3 for piece in (left, right)) and left[2] != right[2]
        gain = 0.0
        if halves:
            share = middle / beats
            gain = share * (left[1].max() - left[1][whole[2]]) + (1 - share) * (right[1].max() - right[1][whole[2]])
        if halves and gain > SPLIT:
            chords = [(0, *divmod(left[2], 5)), (4 * middle, *divmod(right[2], 5))]
        else:
            chords = [(0, *divmod(whole[2], 5))]
        now = chords[-1][1:]
        result.append(chords)
    return result


def key_of(notes: np.ndarray) -> tuple[int, int]:
    """Tonic and mode (0 major, 1 minor) of notes (start, end, pitch)."""
    weights = np.zeros(12)
    np.add.at(weights, notes[:, 2].astype(int) % 12, np.minimum(notes[:, 1] - notes[:, 0], 4.0))
    if weights.sum() <= 0:
        raise ValueError("no notes to estimate a key from")
    fits = [[np.corrcoef(np.roll(PROFILES[mode], tonic), weights)[0, 1] for mode in range(2)] for tonic in range(12)]
    tonic, mode = divmod(int(np.argmax(fits)), 2)
    return tonic, mode
