"""Songs written by people, as MIDI files: Freedoom's for training, OpenMSX's for evaluation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import chords, clean
from .harmony import SCALES

FEWEST_BARS = 8
MOST_BARS = 256


@dataclass
class Piece:
    """A section of a file in one metre, on the grid, with estimated chords and key."""

    name: str
    steps: int
    bpm: float
    hits: np.ndarray
    parts: dict[int, clean.Notes]
    chords: list[list[tuple[int, int, int]]]
    tempi: list[list[tuple[int, float]]]
    scale: np.ndarray


def stretches(song: clean.Song) -> list[tuple[float, float, int]]:
    """Sections (first quarter, last quarter, beats) in 4/4 or 3/4."""
    end = float(song.notes[:, 1].max()) if len(song.notes) else 0.0
    marks = {0.0: (4, 4)}
    for at, numerator, denominator in song.signatures:
        marks[at] = (numerator, denominator)
    places = sorted(marks)
    result: list[tuple[float, float, int]] = []
    for number, at in enumerate(places):
        until = places[number + 1] if number + 1 < len(places) else end
        beats = {(4, 4): 4, (2, 2): 4, (3, 4): 3}.get(marks[at], 0)
        if beats and result and result[-1][1] == at and result[-1][2] == beats and (at - result[-1][0]) % beats == 0:
            result[-1] = (result[-1][0], until, beats)
        elif beats:
            result.append((at, until, beats))
    return result


def pieces(path: Path, dropped: dict[str, int]) -> list[Piece]:
    """The pieces of a file; those left out are counted in `dropped`."""

    def drop(reason: str) -> None:
        dropped[reason] = dropped.get(reason, 0) + 1

    try:
        song = clean.read(path)
    except (OSError, ValueError, EOFError, KeyError, IndexError):
        drop("unreadable file")
        return []
    result = []
    found = stretches(song)
    if not found:
        drop("metre neither 4/4 nor 3/4")
    for number, (begin, until, beats) in enumerate(found):
        steps = 4 * beats
        bars = min(int(np.ceil((until - begin) / beats - 0.05)), MOST_BARS)
        if bars < FEWEST_BARS:
            drop(f"under {FEWEST_BARS} bars in one metre")
            continue
        inside = (song.notes[:, 0] >= begin - 0.1) & (song.notes[:, 0] < begin + bars * beats - 0.1)
        notes = song.notes[inside]
        part = clean.Song(notes)
        hits = clean.drums(part, bars, steps, begin)
        with_drums = np.flatnonzero(hits.reshape(bars, -1).any(1))
        if len(with_drums) < FEWEST_BARS or len(with_drums) < bars / 3:
            drop("too few bars with drums")
            continue
        first, last = int(with_drums[0]), int(with_drums[-1]) + 1
        begin, bars = begin + first * beats, last - first
        notes = notes[notes[:, 0] < begin + bars * beats]
        part = clean.snapped(clean.Song(notes), begin)
        notes = part.notes
        mine = notes[(notes[:, 5] == 9) | np.isin(notes[:, 4] // 8, (0, 3, 4))]
        if clean.off_grid(mine[:, 0] - begin) > clean.MOST_OFF:
            drop("off the grid")
            continue
        hits = clean.drums(part, bars, steps, begin)
        found_parts = clean.parts(part, bars, steps, begin)
        if not found_parts:
            drop("neither piano nor guitar nor bass")
            continue
        # Tuned percussion and effects (programs 112 and above) are not part of the harmony.
        pitched = notes[(notes[:, 5] != 9) & (notes[:, 4] < 112)][:, [0, 1, 2]]
        tonic, mode = chords.key_of(pitched)
        scale = np.zeros((bars, 12), np.uint8)
        scale[:, [(tonic + tone) % 12 for tone in SCALES[mode]]] = 1
        tempi: list[list[tuple[int, float]]] = [[] for _ in range(bars)]
        now = 120.0
        spans: list[tuple[float, float]] = []
        at = begin
        for when, bpm in sorted(song.tempi):
            bpm = min(max(bpm, 30.0), 209.0)
            if when <= begin:
                now = bpm
                continue
            step = round((when - begin) * 4)
            if step >= bars * steps:
                break
            spans.append((when - at, now))
            at, now = when, bpm
            tempi[step // steps].append((step % steps, bpm))
        spans.append((begin + bars * beats - at, now))
        tempi[0] = [(0, spans[0][1]), *[each for each in tempi[0] if each[0] > 0]]
        for bar in range(bars):  # the last tempo at a step counts
            tempi[bar] = sorted({step: bpm for step, bpm in tempi[bar]}.items())
        bpm = sum(length * each for length, each in spans) / sum(length for length, _ in spans)
        name = path.stem if len(found) == 1 else f"{path.stem}.{number}"
        result.append(Piece(name, steps, bpm, hits, found_parts, chords.recognise(pitched, bars, beats, begin), tempi, scale))
    return result


def split_of(data: bytes) -> str:
    """Training, validation or test, by a file's content, so that the same music under two names is
    in the same split."""
    draw = int(hashlib.sha256(b"songs" + data).hexdigest()[:8], 16) / 2**32
    return "training" if draw < 0.8 else "validation" if draw < 0.9 else "test"
