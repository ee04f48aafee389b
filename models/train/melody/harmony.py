"""Generated harmony: keys, functional progressions, modal vamps, loops, cadences and forms
(textbook tonal grammar)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .tokens import CHORD_TONES

MODES = ("major", "minor", "harmonic_minor", "dorian", "phrygian", "lydian", "mixolydian")
SCALES = (
    (0, 2, 4, 5, 7, 9, 11),
    (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 8, 11),
    (0, 2, 3, 5, 7, 9, 10),
    (0, 1, 3, 5, 7, 8, 10),
    (0, 2, 4, 6, 7, 9, 11),
    (0, 2, 4, 5, 7, 9, 10),
)
MODE_WEIGHTS = (0.40, 0.20, 0.08, 0.10, 0.04, 0.06, 0.12)
MAJOR, MINOR, HARMONIC_MINOR, DORIAN, PHRYGIAN, LYDIAN, MIXOLYDIAN = range(7)

MAJ, MIN, DIM, AUG, DOM = range(5)
ROOT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
# MMA's chord symbols: tones above the root, and the one of the five qualities that has their third
# and fifth.
SYMBOLS = {
    "": ((0, 4, 7), MAJ),
    "m": ((0, 3, 7), MIN),
    "mb5": ((0, 3, 6), DIM),
    "aug": ((0, 4, 8), AUG),
    "7": ((0, 4, 7, 10), DOM),
    "M7": ((0, 4, 7, 11), MAJ),
    "m7": ((0, 3, 7, 10), MIN),
    "m7b5": ((0, 3, 6, 10), DIM),
    "dim7": ((0, 3, 6, 9), DIM),
    "mM7": ((0, 3, 7, 11), MIN),
    "sus4": ((0, 5, 7), MAJ),
}


@dataclass(frozen=True)
class Chord:
    """A chord: pitch class of the root and a symbol of [`SYMBOLS`]. `raises`: a chromatic third (or
    fifth) is a raised tone of the scale, as in a secondary dominant, otherwise a lowered one."""

    root: int
    symbol: str
    raises: bool = False

    @property
    def quality(self) -> int:
        return SYMBOLS[self.symbol][1]

    @property
    def name(self) -> str:
        return ROOT_NAMES[self.root] + self.symbol

    @property
    def tones(self) -> set[int]:
        """Pitch classes that sound."""
        return {(self.root + tone) % 12 for tone in SYMBOLS[self.symbol][0]}

    @property
    def basic(self) -> set[int]:
        """Pitch classes of its quality."""
        return {(self.root + tone) % 12 for tone in CHORD_TONES[self.quality]}


@dataclass
class Harmony:
    """`chords[bar]` is a list of (step, chord); `scale` [bars, 12]; `sections` (first bar, bars,
    label); `cadences` (bar, kind): the bar in which a phrase ends."""

    tonic: int
    mode: int
    steps: int
    chords: list[list[tuple[int, Chord]]] = field(default_factory=list)
    scale: np.ndarray = field(default_factory=lambda: np.zeros((0, 12), np.uint8))
    sections: list[tuple[int, int, str]] = field(default_factory=list)
    cadences: list[tuple[int, str]] = field(default_factory=list)

    @property
    def bars(self) -> int:
        return len(self.chords)


# The degrees that may follow a degree (0 = tonic), with weights: tonic, subdominant, dominant and
# back.
NEXT_MAJOR = {
    0: {3: 3, 4: 2, 5: 3, 1: 2, 2: 1},
    1: {4: 5, 6: 1, 3: 0.5},
    2: {5: 3, 3: 3},
    3: {4: 4, 0: 2, 1: 1.5},
    4: {0: 4, 5: 2, 3: 0.7},
    5: {1: 3, 3: 3, 4: 1, 2: 0.5},
    6: {0: 3, 5: 1},
}
NEXT_MINOR = {
    0: {3: 3, 5: 2, 6: 2, 4: 2, 2: 1, 1: 1},
    1: {4: 5},
    2: {5: 3, 3: 2, 6: 1},
    3: {4: 3, 0: 2, 6: 2, 1: 0.5},
    4: {0: 5, 5: 2},
    5: {3: 2, 1: 1, 2: 1.5, 6: 2, 4: 1},
    6: {2: 3, 0: 2, 5: 1},
}
LOOPS = {
    MAJOR: ((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (0, 3, 5, 4), (0, 2, 3, 4), (3, 4, 2, 5), (0, 3, 0, 4), (0, 5, 1, 4), (3, 0, 4, 5)),
    MINOR: ((0, 5, 2, 6), (0, 6, 5, 6), (0, 3, 5, 4), (0, 5, 3, 4), (0, 2, 6, 3), (0, 6, 5, 4), (5, 6, 0, 0), (0, 3, 6, 2)),
    HARMONIC_MINOR: ((0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 0, 4), (0, 1, 4, 0), (0, 5, 1, 4)),
    DORIAN: ((0, 3, 0, 3), (0, 1, 0, 1), (0, 6, 3, 0), (0, 2, 3, 0), (0, 3, 6, 0), (0, 0, 3, 3), (0, 1, 2, 3)),
    PHRYGIAN: ((0, 1, 0, 1), (0, 6, 0, 1), (0, 1, 2, 1), (0, 5, 1, 0), (0, 3, 1, 0)),
    LYDIAN: ((0, 1, 0, 1), (0, 0, 1, 1), (0, 6, 1, 0), (0, 1, 5, 1), (0, 1, 4, 0), (0, 4, 1, 0)),
    MIXOLYDIAN: ((0, 6, 3, 0), (0, 6, 0, 6), (0, 4, 3, 0), (0, 3, 6, 3), (0, 6, 3, 6), (0, 1, 6, 0), (3, 6, 0, 0)),
}
# The two last degrees of a phrase, by kind of cadence. In a mode, the chord that is characteristic
# of the mode replaces the dominant.
CADENCES = {
    MAJOR: {"authentic": (4, 0), "half": (1, 4), "plagal": (3, 0), "deceptive": (4, 5)},
    MINOR: {"authentic": (4, 0), "half": (3, 4), "plagal": (3, 0), "deceptive": (4, 5)},
    HARMONIC_MINOR: {"authentic": (4, 0), "half": (3, 4), "plagal": (3, 0), "deceptive": (4, 5)},
    DORIAN: {"authentic": (6, 0), "half": (0, 3), "plagal": (3, 0), "deceptive": (6, 2)},
    PHRYGIAN: {"authentic": (1, 0), "half": (2, 1), "plagal": (3, 0), "deceptive": (6, 5)},
    LYDIAN: {"authentic": (4, 0), "half": (5, 1), "plagal": (1, 0), "deceptive": (4, 5)},
    MIXOLYDIAN: {"authentic": (6, 0), "half": (3, 6), "plagal": (3, 0), "deceptive": (6, 5)},
}
SEVENTHS = {"jazz": 0.85, "soul": 0.6, "funk": 0.6, "latin": 0.6, "hiphop": 0.5, "afrocuban": 0.5, "neworleans": 0.4, "blues": 0.4,
            "pop": 0.25, "dance": 0.25, "reggae": 0.15, "country": 0.1, "rock": 0.08, "punk": 0.0}
# Forms by number of bars: (label, bars) in order; a repeated label repeats its harmony.
FORMS = {
    8: ("A4 A'4", "A8"),
    16: ("i4 A4 A'4 B4", "A4 A'4 B4 A'4", "A8 B8", "A8 A'8", "A4 B4 A'4 B4"),
    24: ("i4 A8 B8 e4", "A8 B8 A'8", "A8 A'8 B8", "A4 A'4 B8 A4 e4"),
    32: ("A8 A'8 B8 A'8", "i4 A8 B8 A'8 e4", "A8 B8 A'8 B8", "i4 A4 A'4 B8 A'4 B8", "A4 A'4 B4 A4 A'4 C4 B4 e4"),
    48: ("i8 A8 A'8 B8 A'8 B8", "A8 B8 A'8 B8 C8 B8", "i4 A8 B8 A'8 C8 B8 e4"),
    64: ("i4 A8 A'8 B8 A'8 B8 C8 B8 e4", "A8 A'8 B8 A8 A'8 C8 B8 A'8", "A8 B8 A'8 B8 C8 A'8 B8 B8"),
}
BAR_WEIGHTS = {8: 0.02, 16: 0.18, 24: 0.2, 32: 0.35, 48: 0.15, 64: 0.1}
BLUES = (0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4)


def _choice(rng: np.random.Generator, weights: dict):
    keys = list(weights)
    values = np.array([weights[key] for key in keys], dtype=float)
    return keys[int(rng.choice(len(keys), p=values / values.sum()))]


class _Writer:
    """Writes the chords of one song."""

    def __init__(self, rng: np.random.Generator, tonic: int, mode: int, style: str):
        self.rng, self.tonic, self.mode, self.style = rng, tonic, mode, style
        self.scale = [(tonic + tone) % 12 for tone in SCALES[mode]]
        self.seventh = SEVENTHS.get(style, 0.25)
        self.chromatic = 0.12 if style in ("jazz", "soul", "latin", "pop", "neworleans", "unknown") else 0.05
        # sevenths are a habit of the song, not of the chord
        self.tertian = rng.random() < self.seventh
        # In minor, some songs use the leading tone and others do not.
        self.leading = mode == HARMONIC_MINOR or (mode == MINOR and rng.random() < 0.55)

    def chord(self, degree: int, plain: bool = False) -> Chord:
        """The diatonic chord of a degree, with its seventh if the song has sevenths."""
        tones = [self.scale[(degree + third) % 7] for third in (0, 2, 4, 6)]
        over = tuple((tone - tones[0]) % 12 for tone in tones)
        triad = {tones_: symbol for symbol, (tones_, _) in SYMBOLS.items() if len(tones_) == 3}[over[:3]]
        rng = self.rng
        if self.mode == MINOR and self.leading and degree == 4:
            return Chord(tones[0], "7" if rng.random() < 0.5 else "", raises=True)
        if self.mode == HARMONIC_MINOR and degree in (2, 6):
            # The third degree is augmented and the seventh is half a step below the tonic: III and
            # VII of common practice are rare here.
            return Chord(tones[0], "aug" if degree == 2 else "dim7")
        if not plain and degree == 4 and over == (0, 4, 7, 10) and rng.random() < 0.45:
            return Chord(tones[0], "7")
        if not plain and self.tertian and rng.random() < 0.8:
            full = {tones_: symbol for symbol, (tones_, _) in SYMBOLS.items() if len(tones_) == 4}.get(over)
            if full is not None:
                return Chord(tones[0], full)
        fourth = (tones[0] + 5) % 12
        if not plain and triad in ("", "m") and fourth in self.scale and rng.random() < 0.03:
            return Chord(tones[0], "sus4")
        return Chord(tones[0], triad)

    def secondary(self, degree: int) -> Chord:
        """The dominant of a degree."""
        return Chord((self.scale[degree] + 7) % 12, "7", raises=True)

    def borrowed(self) -> Chord:
        """A chord of the parallel key."""
        above = lambda semitones: (self.tonic + semitones) % 12  # noqa: E731
        if self.mode in (MAJOR, LYDIAN, MIXOLYDIAN):
            return [Chord(above(5), "m"), Chord(above(8), ""), Chord(above(10), ""), Chord(above(2), "m7b5")][int(self.rng.integers(4))]
        return [Chord(above(5), "", raises=True), Chord(above(1), "")][int(self.rng.integers(2))]

    def degrees(self, bars: int) -> list[int]:
        """The degrees of a phrase, before its cadence."""
        rng = self.rng
        table = NEXT_MAJOR if self.mode == MAJOR else NEXT_MINOR
        kind = _choice(rng, {"walk": 4, "loop": 4, "circle": 1} if self.mode in (MAJOR, MINOR, HARMONIC_MINOR) else {"loop": 1})
        if self.mode == HARMONIC_MINOR and kind == "circle":
            kind = "walk"
        if kind == "loop":
            loops = LOOPS[self.mode]
            loop = loops[int(rng.integers(len(loops)))]
            slow = 2 if bars == 8 and rng.random() < 0.25 else 1
            return [loop[(bar // slow) % len(loop)] for bar in range(bars)]
        if kind == "circle":
            # Falling fifths: vi ii V I IV vii iii ...
            start = int(rng.choice([0, 5, 2]))
            return [(start + 3 * bar) % 7 for bar in range(bars)]
        line = [0 if rng.random() < 0.85 else int(rng.choice([5, 3]))]
        while len(line) < bars:
            if rng.random() < 0.15 and (len(line) < 2 or line[-1] != line[-2]):
                line.append(line[-1])
                continue
            following = dict(table[line[-1]])
            if self.mode == HARMONIC_MINOR:
                following = {degree: weight * (0.15 if degree in (2, 6) else 1) for degree, weight in following.items()}
            line.append(_choice(rng, following))
        return line

    def phrase(self, bars: int, cadence: str, steps: int) -> list[list[tuple[int, Chord]]]:
        """The chords of a phrase of 4 or 8 bars that ends in a cadence."""
        rng = self.rng
        degrees = self.degrees(bars)
        degrees[-2:] = CADENCES[self.mode][cadence]
        if bars >= 4 and cadence == "authentic" and self.mode in (MAJOR, MINOR, HARMONIC_MINOR) and rng.random() < 0.7:
            degrees[-3] = int(rng.choice([1, 3]))
        chords = [[(0, self.chord(degree, plain=bar >= bars - 1))] for bar, degree in enumerate(degrees)]
        middle = 8  # the third beat, of four and of three
        twice = 0.28 if self.style in ("jazz", "latin", "soul", "blues", "neworleans") else 0.15
        for bar in range(bars - 1):
            ahead = degrees[bar + 1]
            if bar == bars - 2:
                # The penultimate chord must be the one that the cadence needs; another chord may
                # precede it in the same bar.
                if rng.random() < twice and bars > 2 and cadence in ("authentic", "deceptive") and self.mode == MAJOR:
                    chords[bar] = [(0, self.chord(1)), (middle, chords[bar][0][1])]
                continue
            if rng.random() >= twice:
                continue
            may = SYMBOLS[self.chord(ahead, plain=True).symbol][1] in (MAJ, MIN)
            if ahead != 0 and may and self.mode not in (PHRYGIAN,) and rng.random() < 0.4:
                chords[bar].append((middle, self.secondary(ahead)))
            else:
                table = NEXT_MAJOR if self.mode == MAJOR else NEXT_MINOR
                if self.mode in (MAJOR, MINOR):
                    between = _choice(rng, table[degrees[bar]])
                else:
                    loops = LOOPS[self.mode]
                    between = int(rng.choice([degree for loop in loops for degree in loop]))
                if between not in (degrees[bar], ahead):
                    chords[bar].append((middle, self.chord(between)))
        for bar in range(1, bars - 2):
            if rng.random() < self.chromatic:
                following = chords[bar + 1][0][1]
                if rng.random() < 0.6 and following.quality in (MAJ, MIN, DOM) and following.root in self.scale:
                    degree = self.scale.index(following.root)
                    if degree != 0 and self.mode != PHRYGIAN:
                        chords[bar] = [(0, self.secondary(degree))]
                elif self.mode != PHRYGIAN:
                    chords[bar] = [(0, self.borrowed())]
        return chords

    def blues(self) -> list[list[tuple[int, Chord]]]:
        """Twelve bars of blues."""
        minor = self.mode not in (MAJOR, MIXOLYDIAN)
        line = list(BLUES)
        if self.rng.random() < 0.5:
            line[1] = 3
        if self.rng.random() < 0.4:
            line[-1] = 0
        result = []
        for degree in line:
            root = (self.tonic + {0: 0, 3: 5, 4: 7}[degree]) % 12
            result.append([(0, Chord(root, "m7" if minor and degree != 4 else "7", raises=degree == 4))])
        return result

    def section(self, bars: int, steps: int, last: bool, kind: str) -> tuple[list, list[tuple[int, str]]]:
        """A section: one or two phrases, question and answer."""
        rng = self.rng
        closing = _choice(rng, {"authentic": 6, "plagal": 2, "half": 1.5, "deceptive": 0.7}) if not last else \
            _choice(rng, {"authentic": 7, "plagal": 2})
        if kind == "i" and not last:
            closing = _choice(rng, {"half": 3, "authentic": 2, "plagal": 1})
        if bars == 4:
            return self.phrase(4, closing, steps), [(3, closing)]
        opening = _choice(rng, {"half": 5, "deceptive": 1, "authentic": 1, "plagal": 1})
        if rng.random() < 0.3:
            return self.phrase(bars, closing, steps), [(bars - 1, closing)]
        first = self.phrase(4, opening, steps)
        second = self.phrase(4, closing, steps)
        if rng.random() < 0.55:  # the answer begins like the question
            second[:2] = first[:2]
        return first + second, [(3, opening), (7, closing)]


def scale_of_bar(scale: tuple[int, ...] | list[int], chords: list[Chord]) -> np.ndarray:
    """The key's scale in a bar: a chord's chromatic tone replaces the tone that it alters, unless a
    chord needs the latter."""
    tones = set(scale)
    needed = set().union(*(chord.tones | chord.basic for chord in chords)) if chords else set()
    for chord in chords:
        over = {(chord.root + tone) % 12: tone for tone in SYMBOLS[chord.symbol][0]}
        for tone, interval in over.items():
            if tone in scale:
                continue
            raised = chord.raises and interval in (4, 7)
            altered = (tone - 1) % 12 if raised else (tone + 1) % 12
            tones.add(tone)
            if altered in tones and altered not in needed:
                tones.discard(altered)
    mask = np.zeros(12, np.uint8)
    mask[list(tones)] = 1
    return mask


def write(rng: np.random.Generator, style: str = "unknown", steps: int = 16, bars: int | None = None, tonic: int | None = None,
          mode: int | None = None) -> Harmony:
    """The harmony of a song."""
    tonic = int(rng.integers(12)) if tonic is None else tonic
    mode = int(rng.choice(7, p=MODE_WEIGHTS)) if mode is None else mode
    writer = _Writer(rng, tonic, mode, style)
    harmony = Harmony(tonic, mode, steps)
    blues = style in ("blues", "jazz", "rock", "funk") and mode in (MAJOR, MIXOLYDIAN, MINOR, DORIAN) and bars is None and \
        rng.random() < (0.6 if style == "blues" else 0.08)
    if blues:
        rounds = int(rng.integers(2, 4))
        for label in ["A", "A'", "B"][:rounds]:
            first = harmony.bars
            harmony.sections.append((first, 12, label))
            harmony.chords += writer.blues()
            harmony.cadences.append((first + 11, "blues"))
        harmony.chords[-1] = [(0, Chord(tonic, "7" if mode in (MAJOR, MIXOLYDIAN) else "m7"))]
    else:
        bars = _choice(rng, BAR_WEIGHTS) if bars is None else bars
        if bars not in FORMS:
            raise ValueError(f"a form of {bars} bars; expected one of {sorted(FORMS)}")
        form = str(rng.choice(FORMS[bars])).split()
        made: dict[tuple[str, int], tuple[list, list]] = {}
        for place, word in enumerate(form):
            label, length = word.rstrip("0123456789"), int(word.lstrip("ABCie'"))
            last = place == len(form) - 1
            key = (label, length)
            if key not in made:
                base = made.get((label[0], length))
                chords, cadences = writer.section(length, steps, last, label)
                if base is not None and label.endswith("'"):
                    # A varied return: as before, up to the last phrase's second half.
                    keep = length - 2
                    chords = [list(bar) for bar in base[0][:keep]] + chords[keep:]
                    cadences = base[1][:-1] + cadences[-1:]
                made[key] = (chords, cadences)
            chords, cadences = made[key]
            chords, cadences = [list(bar) for bar in chords], list(cadences)
            if last and cadences[-1][1] not in ("authentic", "plagal"):
                ending = writer.phrase(4, "authentic", steps)
                chords[-2:] = ending[-2:]
                cadences[-1] = (cadences[-1][0], "authentic")
            first = harmony.bars
            harmony.sections.append((first, length, label))
            harmony.cadences += [(first + bar, kind) for bar, kind in cadences]
            harmony.chords += chords
    harmony.scale = np.stack([scale_of_bar(writer.scale, [chord for _, chord in bar]) for bar in harmony.chords])
    return harmony


def step_chords(harmony: Harmony) -> np.ndarray:
    """Root and quality at each step, i8 [bars * steps, 2]."""
    result = np.zeros((harmony.bars * harmony.steps, 2), np.int8)
    for bar, chords in enumerate(harmony.chords):
        for step, chord in chords:
            result[bar * harmony.steps + step:(bar + 1) * harmony.steps] = (chord.root, chord.quality)
    return result
