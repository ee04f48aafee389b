"""REMI tokens (Huang & Yang 2020): names, and conversion between bars and IDs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

PITCH_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
QUALITIES = ("maj", "min", "dim", "aug", "dom")
CHORD_TONES = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8), (0, 4, 7, 10))
NO_CHORD = (12, 5)  # root, quality

BAR = 0
POSITION = 1  # + step
CHORD = 17  # + 5 * root + quality
TEMPO_CLASS = 78
TEMPO_VALUE = 81
VELOCITY = 141
PITCH = 173
DURATION = 301  # + units - 1
TOKENS = 365

TEMPO_LOWEST = (30, 90, 150)
TEMPO_NAMES = ("slow", "mid", "fast")
TEMPO_RANGE = (30, 209)
LONGEST = 64
STEPS = (12, 16)  # in a bar of 3/4 and 4/4


def names() -> list[str]:
    """The names of all tokens by id."""
    result = ["Bar"] + [f"Position {i}/16" for i in range(1, 17)]
    result += [f"Chord {root}:{quality}" for root in PITCH_NAMES for quality in QUALITIES] + ["Chord N:N"]
    result += [f"Tempo Class {name}" for name in TEMPO_NAMES] + [f"Tempo Value {i}" for i in range(60)]
    result += [f"Note Velocity {i}" for i in range(32)] + [f"Note On {i}" for i in range(128)]
    return result + [f"Note Duration {i}" for i in range(1, LONGEST + 1)]


@dataclass(frozen=True, order=True)
class Note:
    """A note of a bar: onset in sixteenths, MIDI pitch, length in thirty-seconds, MIDI velocity."""

    step: int
    pitch: int
    length: int
    velocity: int


@dataclass
class Bar:
    """A bar: `steps` 16 or 12; `chords` (step, root, quality) and `tempi` (step, bpm) where they
    begin."""

    steps: int = 16
    notes: list[Note] = field(default_factory=list)
    chords: list[tuple[int, int, int]] = field(default_factory=list)
    tempi: list[tuple[int, float]] = field(default_factory=list)


def velocity_bin(velocity: int) -> int:
    """The bin 0..=31 of a MIDI velocity 1..=127."""
    return (velocity - 1) * 32 // 127


def velocity_of(number: int) -> int:
    """The MIDI velocity at the centre of a bin."""
    return min(max(round((number + 0.5) * 127 / 32), 1), 127)


def tempo_tokens(bpm: float) -> tuple[int, int]:
    """The class and value tokens of a tempo; one outside 30..=209 is clamped."""
    value = min(max(round(bpm), TEMPO_RANGE[0]), TEMPO_RANGE[1])
    kind = (value - 30) // 60
    return TEMPO_CLASS + kind, TEMPO_VALUE + value - TEMPO_LOWEST[kind]


def chord_token(root: int, quality: int) -> int:
    """The token of a chord; root 12 is "no chord"."""
    return CHORD + 60 if root == NO_CHORD[0] else CHORD + 5 * root + quality


def chord_of(token: int) -> tuple[int, int]:
    """Root and quality of a chord token."""
    return NO_CHORD if token == CHORD + 60 else divmod(token - CHORD, 5)


def _check(bar: Bar, number: int) -> None:
    if bar.steps not in STEPS:
        raise ValueError(f"bar {number}: {bar.steps} steps; expected 12 (3/4) or 16 (4/4)")
    for note in bar.notes:
        for name, value, low, high in (("step", note.step, 0, bar.steps - 1), ("pitch", note.pitch, 0, 127),
                                       ("length", note.length, 1, LONGEST), ("velocity", note.velocity, 1, 127)):
            if not low <= value <= high:
                raise ValueError(f"bar {number}: a note's {name} is {value}; expected {low} to {high}")
    for step, *_ in [*bar.chords, *bar.tempi]:
        if not 0 <= step < bar.steps:
            raise ValueError(f"bar {number}: the item's step is {step}; expected 0 to {bar.steps - 1}")


def encode(bars: Iterable[Bar]) -> list[list[int]]:
    """The IDs of each bar; every list begins with `Bar`. Chords and tempi hold into the next
    bars."""
    result = []
    chord, tempo = NO_CHORD, None
    for number, bar in enumerate(bars):
        _check(bar, number)
        items: dict[int, list[int]] = {}

        def item(step: int, *ids: int, items: dict[int, list[int]] = items) -> None:
            items.setdefault(step, []).extend((POSITION + step, *ids))

        tempi = sorted(bar.tempi)
        for step, bpm in tempi:
            ids = tempo_tokens(bpm)
            if ids != tempo:
                item(step, *ids)
                tempo = ids
        chords = sorted(bar.chords)
        if not chords or chords[0][0] != 0:
            item(0, chord_token(*chord))
        for step, root, quality in chords:
            if step == 0 or (root, quality) != chord:
                item(step, chord_token(root, quality))
                chord = (root, quality)
        longest: dict[tuple[int, int], Note] = {}
        for note in bar.notes:
            key = (note.step, note.pitch)
            if key not in longest or (note.length, note.velocity) > (longest[key].length, longest[key].velocity):
                longest[key] = note
        for key in sorted(longest):
            note = longest[key]
            item(note.step, VELOCITY + velocity_bin(note.velocity), PITCH + note.pitch, DURATION + note.length - 1)
        result.append([BAR] + [token for step in sorted(items) for token in items[step]])
    return result


def decode(bars: Iterable[Sequence[int]], steps: int = 16) -> list[Bar]:
    """The bars of lists of IDs, each beginning with `Bar`. For a malformed list, the error names
    bar and position."""
    result = []
    for number, ids in enumerate(bars):
        ids = [int(token) for token in ids]

        def fail(at: int, expected: str, ids: list[int] = ids, number: int = number) -> ValueError:
            met = ids[at] if at < len(ids) else "the end"
            return ValueError(f"bar {number}, token {at}: {met}; expected {expected}")

        if not ids or ids[0] != BAR:
            raise fail(0, "Bar (0)")
        bar = Bar(steps)
        at = 1
        while at < len(ids):
            step = ids[at] - POSITION
            if not 0 <= step < steps:
                raise fail(at, f"a position ({POSITION} to {POSITION + steps - 1})")
            at += 1
            kind = ids[at] if at < len(ids) else -1
            if CHORD <= kind < TEMPO_CLASS:
                bar.chords.append((step, *chord_of(kind)))
                at += 1
            elif TEMPO_CLASS <= kind < TEMPO_VALUE:
                if at + 1 >= len(ids) or not TEMPO_VALUE <= ids[at + 1] < VELOCITY:
                    raise fail(at + 1, "a tempo value")
                bar.tempi.append((step, TEMPO_LOWEST[kind - TEMPO_CLASS] + ids[at + 1] - TEMPO_VALUE))
                at += 2
            elif VELOCITY <= kind < PITCH:
                if at + 1 >= len(ids) or not PITCH <= ids[at + 1] < DURATION:
                    raise fail(at + 1, "a pitch")
                if at + 2 >= len(ids) or not DURATION <= ids[at + 2] < TOKENS:
                    raise fail(at + 2, "a duration")
                bar.notes.append(Note(step, ids[at + 1] - PITCH, ids[at + 2] - DURATION + 1, velocity_of(kind - VELOCITY)))
                at += 3
            else:
                raise fail(at, "a chord, a tempo class or a velocity")
        result.append(bar)
    return result
