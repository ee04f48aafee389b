"""Writes lead lines: motifs that follow the drums' rhythm, varied over phrases of four bars, on the
song's harmony."""

from __future__ import annotations

import numpy as np

from .clean import CLOSED_HAT, CRASH, GUITAR, HIGH_TOM, KICK, LOW_TOM, MID_TOM, OPEN_HAT, PIANO, RIDE, SNARE, Notes
from .harmony import SCALES, Harmony

REGISTER = {PIANO: (67, 91), GUITAR: (64, 84)}
PHRASE = 4  # bars

# How much a hit of each drum attracts a note to its step.
PULL = np.zeros(9)
PULL[[KICK, SNARE, CRASH]] = 1.0
PULL[[LOW_TOM, MID_TOM, HIGH_TOM]] = 0.7
PULL[OPEN_HAT] = 0.6
PULL[[CLOSED_HAT, RIDE]] = 0.25

# How readily notes fall between the beats, by style.
SYNCOPATION = {"funk": 0.9, "latin": 0.8, "afrocuban": 0.9, "afrobeat": 0.9, "hiphop": 0.8, "soul": 0.7, "jazz": 0.7, "reggae": 0.7,
               "dance": 0.6, "neworleans": 0.7, "pop": 0.5, "rock": 0.4, "punk": 0.2, "blues": 0.5, "country": 0.25}
DENSITY = {"none": 0.0, "sparse": 0.6, "normal": 1.0, "busy": 1.5}


def _levels(rng: np.random.Generator, sections: list[tuple[int, int, str]]) -> dict[str, str]:
    """Density of the lead in each section, by its letter."""
    letters = sorted({label[0] for _, _, label in sections})
    result = {}
    for letter in letters:
        if letter in "ie":
            result[letter] = str(rng.choice(["none", "sparse", "normal"], p=[0.6, 0.3, 0.1]))
        else:
            result[letter] = str(rng.choice(["none", "sparse", "normal", "busy"], p=[0.15, 0.2, 0.4, 0.25]))
    sung = [letter for letter in letters if letter not in "ie"]
    if all(result[letter] == "none" for letter in sung):
        result[sung[int(rng.integers(len(sung)))]] = "normal"
    return result


def _pulls(hits: np.ndarray, bar: int, steps: int, sync: float, fast: bool) -> np.ndarray:
    """How much each step of a bar attracts an onset, from the metre and the drum hits there."""
    metre = np.full(steps, -1.2 if fast else -0.7)
    metre[::2] = -0.1
    metre[::4] = 0.5
    metre[0] = 0.8
    offbeat = np.ones(steps)
    offbeat[::4] = 0
    metre += sync * offbeat * 0.5
    drums = (hits[bar * steps:(bar + 1) * steps] * PULL).sum(1).clip(0, 1.6)
    return metre + 1.8 * drums


def _rhythm(rng: np.random.Generator, pull: np.ndarray, count: int) -> list[int]:
    """Onsets of a bar, drawn by the attraction of its steps; at most two sixteenths in a row."""
    noisy = pull * 1.6 + rng.gumbel(size=len(pull)) * 0.7
    chosen: list[int] = []
    for step in np.argsort(-noisy):
        near = [abs(int(step) - other) for other in chosen]
        if near.count(1) > 1 or (near.count(1) == 1 and rng.random() < 0.75):
            continue
        chosen.append(int(step))
        if len(chosen) == count:
            break
    return sorted(chosen)


def _fit(rng: np.random.Generator, rhythm: list[int], pull: np.ndarray, steps: int) -> list[int]:
    """A rhythm repeated over other drums: an onset moves to a neighbouring step that attracts it
    clearly more."""
    result: list[int] = []
    for step in rhythm:
        best = step
        for other in (step - 1, step + 1):
            if 0 <= other < steps and pull[other] > pull[best] + 0.9 and other not in rhythm and rng.random() < 0.8:
                best = other
        if best not in result:
            result.append(best)
    return sorted(result)


def _shape(rng: np.random.Generator, count: int) -> list[int]:
    """A motif's contour in scale steps from its first note: mostly steps, sometimes a third, or a
    larger leap followed by a step back."""
    course, at, direction = [0], 0, int(rng.choice([-1, 1]))
    leapt = 0
    while len(course) < count:
        if leapt:
            move = -int(np.sign(leapt))
            leapt = 0
        else:
            move = direction * int(rng.choice([0, 1, 2, 3], p=[0.1, 0.66, 0.17, 0.07]))
            if abs(move) >= 3:
                leapt = move
            if rng.random() < 0.3:
                direction = -direction
        at = max(-4, min(4, at + move))
        course.append(at)
    return course


def _vary(rng: np.random.Generator, course: list[int], how: str, count: int) -> list[int]:
    """A variation of a motif's contour, extended or shortened to `count` notes."""
    if how == "inversion":
        course = [-step for step in course]
    elif how == "other tones":
        course = _shape(rng, len(course))
    elif how == "tail" and len(course) > 2:
        course = course[:-2] + [course[-3] + int(rng.choice([-1, 1])), course[-3] + int(rng.choice([-2, -1, 1, 2]))]
    while len(course) < count:
        course = [*course, course[-1] + int(rng.choice([-1, 1]))]
    return course[:count]


def _phrase(rng: np.random.Generator, harmony: Harmony, pulls: list[np.ndarray], first: int, bars: int, motif: dict, low: int,
            high: int, density: float, ends: str) -> list[tuple[int, int, int]]:
    """A phrase: (step from the song's start, pitch, strength in hundredths)."""
    steps = harmony.steps
    rhythm, plan = motif["rhythm"], motif["plan"]
    onsets: list[tuple[int, int, int, int]] = []  # (step, motif's bar, number in it, course)
    for bar in range(bars):
        which, how = plan[bar % len(plan)]
        pull = pulls[first + bar]
        closing = bar == bars - 1
        fitted = _fit(rng, rhythm[which], pull, steps)
        if closing:
            # The last bar: a few notes, a held final note, then a rest.
            fitted = [step for step in fitted if step < steps // 2 + 1][:3] or [0]
        elif bar == bars - 2 and rng.random() < 0.25:
            fitted = fitted[:-1] or fitted
        course = _vary(rng, motif["course"][which], how, len(fitted))
        onsets += [((first + bar) * steps + step, bar, number, degree)
                   for number, (step, degree) in enumerate(zip(fitted, course, strict=True))]
    if not onsets:
        return []
    chords = {}
    for bar in range(bars):
        for step, chord in harmony.chords[first + bar]:
            chords[(first + bar) * steps + step] = chord
    begins = sorted(chords)

    def chord_at(step: int):
        return chords[max((begin for begin in begins if begin <= step), default=begins[0])]

    # The contour rises to a single peak in the phrase's second or third quarter, and falls again.
    begin = first * steps
    times = np.array([step - begin for step, *_ in onsets], dtype=float)
    summit = int(np.argmin(np.abs(times - rng.uniform(0.35, 0.75) * bars * steps)))
    summit = min(summit, max(0, len(onsets) - 2))
    rise = np.where(times <= times[summit], times / max(times[summit], 1), 1 - (times - times[summit]) / (bars * steps - times[summit]))
    base = low + motif["base"] * (high - low)
    peak = min(high, max(low + 12, round(base + motif["height"])))
    top = min((pitch for pitch in range(low + 10, high + 1) if pitch % 12 in chord_at(onsets[summit][0]).tones),
              key=lambda pitch: abs(pitch - peak))
    chord = chord_at(onsets[-1][0])
    scale = SCALES[harmony.mode]
    # The end: a question stays open (fifth or second of the key), an answer ends on the tonic; if
    # the chord lacks that tone, one of the chord's tones is used.
    wish = {(harmony.tonic + scale[degree]) % 12 for degree in ((4, 1) if ends == "question" else (0,))}
    closing_tones = wish & chord.tones or chord.tones

    pitches = np.arange(low, high + 1)
    wanted_move = np.zeros(len(onsets))  # semitones from the previous note, according to the motif
    own = np.zeros((len(onsets), len(pitches)))
    inside = np.zeros((len(onsets), len(pitches)), bool)  # tones of the chord
    for number, (step, _, place, degree) in enumerate(onsets):
        bar, chord = step // steps, chord_at(step)
        inside[number] = [pitch % 12 in chord.tones for pitch in pitches]
        ladder = np.array([harmony.scale[bar][pitch % 12] for pitch in pitches], bool) | inside[number]
        following = onsets[number + 1][0] if number + 1 < len(onsets) else begin + bars * steps
        strong = step % steps in (0, 8) or step in chords or following - step >= 6
        cost = np.abs(pitches - (base + (top - base) * rise[number])) * 0.12
        cost[~ladder] = np.inf
        cost[~inside[number]] += 5.0 if strong else 0.0
        if number == summit:
            cost[pitches != top] = np.inf
        else:
            cost[pitches >= top] = np.inf
        if number == len(onsets) - 1:
            ending = np.array([pitch % 12 in closing_tones for pitch in pitches])
            if not np.isfinite(cost[ending]).any():  # a phrase of one note
                cost[ending] = np.abs(pitches[ending] - base) * 0.12
            cost[~ending] = np.inf
        own[number] = cost
        wanted_move[number] = 0 if place == 0 else (degree - onsets[number - 1][3]) * 1.7
    # The line of minimum cost: close to the motif's contour, mostly steps; a tone outside the chord
    # is approached and left by step.
    interval = pitches[None, :] - pitches[:, None]
    size = np.abs(interval)
    plain = np.array([1.3, 0, 0, 0.8, 1.0, 1.5, 4.0, 2.0, 2.8, 2.8, 6, 8, 4.0])[np.minimum(size, 12)] + np.where(size > 12, 20, 0)
    total, back = own[0].copy(), []
    for number in range(1, len(onsets)):
        move = plain.copy()
        if onsets[number][2]:
            move += 0.4 * np.abs(interval - wanted_move[number])
            if wanted_move[number] == 0:
                move -= np.where(size == 0, 1.0, 0)
        move += np.where(~inside[number - 1][:, None] & (size > 2), 8, 0) + np.where(~inside[number - 1][:, None] & (size == 0), 1.5, 0)
        move += np.where(~inside[number][None, :] & (size > 2), 3, 0)
        reached = total[:, None] + move
        back.append(reached.argmin(0))
        total = reached.min(0) + own[number]
    line = [int(total.argmin())]
    for step_back in reversed(back):
        line.append(int(step_back[line[-1]]))
    line = [int(pitches[index]) for index in reversed(line)]
    return [(step, pitch, int(round(100 * min(2.5, pulls[step // steps][step % steps]))))
            for (step, *_), pitch in zip(onsets, line, strict=True)]


def write(rng: np.random.Generator, harmony: Harmony, hits: np.ndarray, instrument: int, style: str, bpm: float) -> tuple[Notes, np.ndarray]:
    """A lead line for the song: its notes, and the bars in which it plays (bool [bars])."""
    steps, bars = harmony.steps, harmony.bars
    low, high = REGISTER[instrument]
    sync = SYNCOPATION.get(style, 0.5)
    fast = bpm > 125
    pulls = [_pulls(hits, bar, steps, sync, fast) for bar in range(bars)]
    levels = _levels(rng, harmony.sections)
    motifs: dict[str, dict] = {}
    staccato = {"funk": 0.6, "reggae": 0.6, "latin": 0.75, "afrocuban": 0.7}.get(style, 0.9)
    loud = int(rng.integers(80, 98))
    notes: Notes = []
    plays = np.zeros(bars, bool)
    for first, length, label in harmony.sections:
        letter = label[0]
        density = DENSITY[levels[letter]]
        if density == 0:
            continue
        per_bar = density * (4.2 if not fast else 3.4) * steps / 16
        if letter not in motifs:
            two = rng.random() < 0.5  # bars of the motif
            counts = [max(1, int(round(per_bar + rng.normal(0, 0.7)))) for _ in range(2 if two else 1)]
            rhythm = [_rhythm(rng, pulls[first + number], count) for number, count in enumerate(counts)]
            if two:
                plans = [[(0, "as it is"), (1, "as it is"), (0, "tail"), (1, "other tones")],
                         [(0, "as it is"), (1, "as it is"), (0, "inversion"), (1, "tail")]]
            else:
                plans = [[(0, "as it is"), (0, "as it is"), (0, "tail"), (0, "other tones")],
                         [(0, "as it is"), (0, "inversion"), (0, "as it is"), (0, "tail")],
                         [(0, "as it is"), (0, "other tones"), (0, "as it is"), (0, "tail")]]
            motifs[letter] = {"rhythm": rhythm, "course": [_shape(rng, len(each)) for each in rhythm],
                              "plan": plans[int(rng.integers(len(plans)))],
                              "base": float(rng.uniform(0.05, 0.35)), "height": float(rng.uniform(5, 10))}
        motif = motifs[letter]
        phrases = [(begin, min(PHRASE, first + length - begin)) for begin in range(first, first + length, PHRASE)]
        for number, (begin, size) in enumerate(phrases):
            if density < 0.8 and number % 2 == 1 and rng.random() < 0.3:
                continue  # an occasional phrase of rest in a sparse line
            ends = "answer" if number == len(phrases) - 1 else "question"
            line = _phrase(rng, harmony, pulls, begin, size, motif, low, high, density, ends)
            for index, (step, pitch, strength) in enumerate(line):
                last = index == len(line) - 1
                room = (line[index + 1][0] - step) if not last else (begin + size) * steps - step
                if last:
                    # breath: at least a quarter of the bar
                    held = max(1.0, min(room - steps / 4, steps / 2))
                else:
                    held = min(room, 8) if room <= 4 or rng.random() < 0.6 else 4
                units = max(1, int(round(held * 2 * (staccato if held > 1 else 1))))
                velocity = loud + int(strength * 0.09) - 8 + int(rng.integers(-4, 5))
                notes.append((step, pitch, units, max(40, min(velocity, 122))))
                plays[step // steps] = True
    return notes, plays


def merge(comping: Notes, line: Notes, low: int, steps: int) -> Notes:
    """The part with its lead on top: comping that overlaps the lead's register is moved down an
    octave."""
    floor: dict[int, int] = {}
    for step, pitch, *_ in line:
        floor[step // steps] = min(floor.get(step // steps, 127), pitch)
    below = []
    for step, pitch, length, velocity in comping:
        while pitch >= floor.get(step // steps, 127) and pitch - 12 >= low:
            pitch -= 12
        if pitch < floor.get(step // steps, 127):
            below.append((step, pitch, length, velocity))
    return below + line
