"""Inspects the data set: `python -m melody.listen songs.pkl [--show N]` prints statistics, and bars
as tables."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from . import chords, clean, dataset, grooves, harmony, tokens
from .dataset import SOURCES, Part, load


def notes_of(part: Part) -> list[list[tokens.Note]]:
    """The notes of each bar."""
    return [bar.notes for bar in tokens.decode(part.tokens, part.steps_per_bar)]


def figures(parts: list[Part]) -> dict[str, float]:
    """Statistics over parts of one kind."""
    count = bars = empty = in_chord = in_scale = on_drums = onsets = drum_steps = steps = repeats = 0
    longest_repeat = 0
    lengths: list[int] = []
    distinct: set[tuple] = set()
    for part in parts:
        run = 0
        before: tuple | None = None
        for number, notes in enumerate(notes_of(part)):
            bars += 1
            empty += not notes
            hits = part.hits[number * part.steps_per_bar:(number + 1) * part.steps_per_bar].any(1)
            drum_steps += int(hits.sum())
            steps += part.steps_per_bar
            for step in {note.step for note in notes}:
                onsets += 1
                on_drums += bool(hits[step])
            for note in notes:
                count += 1
                lengths.append(note.length)
                root, quality = part.chords[number * part.steps_per_bar + note.step]
                chord = root < 12 and (note.pitch - root) % 12 in tokens.CHORD_TONES[quality]
                in_chord += chord
                in_scale += chord or bool(part.scale[number][note.pitch % 12])
            form = tuple((note.step, note.pitch, note.length) for note in notes)
            distinct.add(form)
            run = run + 1 if notes and form == before else 0
            repeats += run > 0
            longest_repeat = max(longest_repeat, run + 1)
            before = form
    return {"parts": len(parts), "bars": bars, "notes a bar": count / max(bars, 1), "empty bars": empty / max(bars, 1),
            "in chord": in_chord / max(count, 1), "in chord or scale": in_scale / max(count, 1),
            "on drums": on_drums / max(onsets, 1), "steps with drums": drum_steps / max(steps, 1),
            "as the bar before": repeats / max(bars, 1), "longest run": longest_repeat, "distinct bars": len(distinct) / max(bars, 1),
            "median length": float(np.median(lengths)) if lengths else 0.0}


def intervals(parts: list[Part]) -> str:
    """Intervals of the lead lines: the top notes in their bars."""
    moves = []
    for part in parts:
        last: tuple[int, int] | None = None
        for number, notes in enumerate(notes_of(part)):
            if part.lead[number] != 2:
                last = None
                continue
            tops: dict[int, int] = {}
            low = 67 if part.instrument == clean.PIANO else 64
            for note in notes:
                if note.pitch >= low:
                    tops[note.step] = max(tops.get(note.step, 0), note.pitch)
            for step in sorted(tops):
                at = number * part.steps_per_bar + step
                if last is not None and at - last[0] <= 8:
                    moves.append(abs(tops[step] - last[1]))
                last = (at, tops[step])
    if not moves:
        return "no lead lines"
    size = np.array(moves)
    return (f"{len(size)} moves: repeated {np.mean(size == 0):.3f}, step (1-2) {np.mean((size > 0) & (size < 3)):.3f}, "
            f"third (3-4) {np.mean((size > 2) & (size < 5)):.3f}, wider {np.mean(size > 4):.3f}")


def show(part: Part, first: int, bars: int) -> str:
    """Bars of a part as a table: drums and notes by step."""
    lines = [f"{part.song} {part.groove} {clean.INSTRUMENTS[part.instrument]} {part.bpm:.0f} bpm, style {part.style}"]
    letters = "KSHOLMTCR"
    for number, notes in list(enumerate(notes_of(part)))[first:first + bars]:
        begin = number * part.steps_per_bar
        drums = ["".join(letters[each] for each in np.flatnonzero(row)) or "." for row in part.hits[begin:begin + part.steps_per_bar]]
        symbols = [tokens.names()[tokens.chord_token(*pair)][6:] for pair in part.chords[begin:begin + part.steps_per_bar]]
        changes = [chord for step, chord in enumerate(symbols) if step == 0 or chord != symbols[step - 1]]
        lines.append(f" bar {number} {' '.join(changes)} density {part.density[number]} register {part.register[number]} "
                     f"lead {part.lead[number]} section {part.section[number]}")
        lines.append("   drums " + " ".join(f"{each:>3}" for each in drums))
        lines.append("   notes " + "  ".join(f"{note.step}:{tokens.PITCH_NAMES[note.pitch % 12]}{note.pitch // 12 - 1}/{note.length}"
                                             f"v{note.velocity}" for note in notes))
    return "\n".join(lines)


def chord_accuracy(cache: Path, songs: int, seed: int = 1) -> str:
    """Accuracy of chord recognition from the notes alone, on rendered songs whose chords are known:
    share of the steps that agree."""
    families, _ = grooves.usable(grooves.catalogue(cache / "grooves.json"))
    world = dataset._World(families, grooves.splits(list(families)), dataset.styles(), seed)
    root = both = third = total = 0
    confusion: Counter = Counter()
    for index in range(songs):
        made = dataset.rendered(world, index)
        if made.song is None:
            continue
        truth = harmony.step_chords(made.harmony)
        steps = made.harmony.steps
        notes = made.song.notes[(made.song.notes[:, 5] != 9) & (made.song.notes[:, 4] < 112)][:, :3]
        for bar, changes in enumerate(chords.recognise(notes, made.harmony.bars, steps // 4)):
            for step in range(steps):
                found = [each[1:] for each in changes if each[0] <= step][-1]
                want = tuple(int(each) for each in truth[bar * steps + step])
                total += 1
                root += found[0] == want[0]
                both += found == want
                # Major and dominant differ only in the seventh.
                third += found[0] == want[0] and {0: 0, 4: 0}.get(found[1], found[1]) == {0: 0, 4: 0}.get(want[1], want[1])
                if found != want:
                    confusion[tokens.QUALITIES[want[1]], ("same root " if found[0] == want[0] else "other root ") +
                              (tokens.QUALITIES[found[1]] if found[1] < 5 else "none")] += 1
    worst = ", ".join(f"{want} as {found} {count / total:.3f}" for (want, found), count in confusion.most_common(8))
    return (f"chords of {songs} songs: root {root / total:.3f}, root and quality {both / total:.3f}, "
            f"the same with major = dominant {third / total:.3f}; errors: {worst}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", type=Path)
    parser.add_argument("--show", type=int, default=2, help="parts to show eight bars of")
    parser.add_argument("--chords", type=int, default=0, help="songs to render for the check of chord recognition")
    options = parser.parse_args()
    if options.chords:
        print(chord_accuracy(options.songs.parent, options.chords))
    parts = load(options.songs)
    for source in SOURCES:
        for instrument, name in enumerate(clean.INSTRUMENTS):
            mine = [part for part in parts if part.source == source and part.instrument == instrument]
            if mine:
                print(source, name, ", ".join(f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}"
                                              for key, value in figures(mine).items()))
    print("lead lines,", intervals([part for part in parts if part.source == "mma"]))
    with_lead = [part for part in parts if (part.lead == 2).any()]
    chosen = np.random.default_rng(1).permutation(len(with_lead))[: options.show]
    for index in chosen:
        part = with_lead[index]
        print(show(part, max(0, int(np.flatnonzero(part.lead == 2)[0])), 8))


if __name__ == "__main__":
    main()
