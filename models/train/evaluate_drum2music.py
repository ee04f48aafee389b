"""Measures Drum2Music and writes `drum2music.md`: likelihood on held-out songs, and figures of the
program's music.

    python evaluate_drum2music.py --kinescore ../../target/release/kinescore            # all of it
    python evaluate_drum2music.py --kinescore ... --pieces 10 --quick                   # a quick check: few pieces, no card

The likelihood is that of the exported checkpoint (`drum2music.py` has compared the two). The
pieces, including the drums, are written by the program itself from rhythms that are generated here,
so that everything between the network and the notes is included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

import common
import drum2music
import drum2music_card
from melody import clean, dataset, harmony, tokens

BARS = 32
MODES = ["major", "minor", "harmonic_minor", "dorian", "phrygian", "lydian", "mixolydian"]
CLASSES = ["kick", "snare", "closed_hat", "open_hat", "low_tom", "mid_tom", "high_tom", "crash", "ride"]
QUALITIES = ["major", "minor", "diminished", "augmented", "dominant"]
MOODS = ["auto", "bright", "dark", "tense", "calm"]
RESULTS = common.RUNS / "drum2music-results.json"


@dataclass
class Roll:
    """One instrument's part of a piece, generated or held out, as notes on the grid."""

    name: str
    instrument: int
    steps: int  # in a bar
    notes: np.ndarray  # [n, 4]: step of the piece, pitch, length in thirty-seconds, velocity 0..1
    chords: np.ndarray  # [steps of the piece, 2]
    scale: np.ndarray  # [bars, 12]
    hits: np.ndarray  # [steps of the piece, 9]
    section: np.ndarray | None = None

    @property
    def bars(self) -> int:
        return len(self.scale)


def roll_of_part(part) -> Roll:
    notes = [(bar * part.steps_per_bar + note.step, note.pitch, note.length, note.velocity / 127)
             for bar, found in enumerate(tokens.decode(part.tokens, part.steps_per_bar)) for note in found.notes]
    return Roll(part.song, part.instrument, part.steps_per_bar, np.array(notes, float).reshape(-1, 4), part.chords.astype(int), part.scale, part.hits)


# --- Pieces from the program
# ---------------------------------------------------------------------------------------


def rhythm_file(template: dict, seed: int, path: Path) -> None:
    """A rhythm of 32 bars: a steady tempo, energy that changes by phrase, accents that repeat every
    two bars and some that do not."""
    g = np.random.default_rng([seed, 77])
    beats_per_bar = 3 if g.random() < 0.1 else 4
    bpm = float(np.exp(g.uniform(np.log(70), np.log(165))))
    beat = 60 / bpm
    count = BARS * beats_per_bar
    length = count * beat
    level = np.repeat(g.choice([0.25, 0.7, 1.0, 1.0, 1.7], BARS // 4), 4)
    pattern = g.random(2 * beats_per_bar * 4) < np.tile([0.5, 0.05, 0.2, 0.05], 2 * beats_per_bar)
    accents = []
    for step in range(count * 4):
        loud = level[step // (4 * beats_per_bar)]
        if (pattern[step % len(pattern)] and g.random() < 0.85 * min(1, loud)) or g.random() < 0.02:
            time = (step / 4) * beat + g.normal(0, 0.02)
            if 0 < time < length - 0.1:
                accents.append({"time": time, "strength": float(np.clip(g.beta(2, 2) * (0.7 + 0.3 * loud), 0.05, 1)), "kind": "impact"})
    accents.sort(key=lambda accent: accent["time"])
    rate = template["rhythm"]["movement"]["rate"]
    samples = int(length * rate)
    bar_of = np.minimum((np.arange(samples) / rate / beat / beats_per_bar).astype(int), BARS - 1)
    movement = 18 * level[bar_of] * (1 + 0.3 * g.standard_normal(samples)).clip(0.1)
    saved = json.loads(json.dumps(template))
    saved["clip"]["duration"] = length
    saved["rhythm"] |= {
        "beats": [{"time": i * beat, "number": i % beats_per_bar + 1} for i in range(count)], "beats_per_bar": beats_per_bar, "tempo": bpm,
        "accents": accents, "movement": {"rate": rate, "values": [round(float(v), 4) for v in movement]}}
    path.write_text(json.dumps(saved))


def make_pieces(program: Path, clip: Path, folder: Path, count: int, sampling: list[str]) -> list[Path]:
    """Pieces by number; existing ones are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    template = folder / "template.json"
    if not template.exists():
        subprocess.run([program, "render", clip, "--until", "rhythm", "-o", template, "-q"], check=True)
    read = json.loads(template.read_text())
    pieces = []
    for seed in range(count):
        rhythm, drums, piece = (folder / f"{stage}_{seed:03d}.json" for stage in ("rhythm", "drums", "piece"))
        pieces.append(piece)
        render = [program, "render", "-q", "--seed", str(seed)]
        if not drums.exists():
            rhythm_file(read, seed, rhythm)
            subprocess.run([*render, "--from", rhythm, "--until", "drums", "-o", drums], check=True)
        if not piece.exists():
            subprocess.run([*render, "--from", drums, "--until", "music", "-o", piece, "--mood", MOODS[seed % len(MOODS)],
                            "--instruments", "drums,piano,guitar,bass", *sampling], check=True)
    return pieces


def rolls_of_piece(path: Path) -> list[Roll]:
    saved = json.loads(path.read_text())
    drums, music = saved["drums"], saved["music"]
    per_bar = 4 * drums["beats_per_bar"]
    # Bars are counted from the first one with notes; the generated rhythms begin with one.
    bars = -(-len(drums["beats"]) * 4 // per_bar)
    steps = bars * per_bar
    hits = np.zeros((steps, 9), np.uint8)
    for hit in drums["hits"]:
        if 0 <= hit["step"] < steps:
            hits[hit["step"], CLASSES.index(hit["class"])] = 1
    chords = np.zeros((steps, 2), int)
    for at in music["chords"]:
        chords[max(at["step"], 0):] = at["chord"]["root"], QUALITIES.index(at["chord"]["quality"])
    degrees = harmony.SCALES[MODES.index(music["key"]["mode"])]
    scale = np.zeros((bars, 12), np.uint8)
    scale[:, [(music["key"]["tonic"] + d) % 12 for d in degrees]] = 1
    rolls = []
    for line in music["lines"]:
        notes = [(n["step"], n["pitch"], n["length"], n["velocity"]) for n in line["notes"] if 0 <= n["step"] < steps]
        rolls.append(Roll(path.stem, clean.INSTRUMENTS.index(line["instrument"]), per_bar, np.array(notes, float).reshape(-1, 4), chords, scale, hits))
    return rolls


# --- Figures of a part ----------------------------------------------------------------------------


def bars_as_sets(roll: Roll) -> list[frozenset]:
    found = [set() for _ in range(roll.bars)]
    for step, pitch, *_ in roll.notes.astype(int):
        found[step // roll.steps].add((step % roll.steps, pitch))
    return [frozenset(bar) for bar in found]


def figures(roll: Roll) -> dict:
    """Statistics of a part; figures per bar count only bars with notes."""
    step, pitch = roll.notes[:, 0].astype(int), roll.notes[:, 1].astype(int)
    root, quality = roll.chords[step, 0], roll.chords[step, 1]
    in_chord = np.array([q < 5 and (p - r) % 12 in tokens.CHORD_TONES[q] for p, r, q in zip(pitch, root, quality)], bool)
    in_scale = roll.scale[step // roll.steps, pitch % 12] > 0
    onsets = np.unique(step)
    bars = bars_as_sets(roll)
    plays = [bar for bar in bars if bar]
    repeats = [bar in bars[max(0, i - 4):i] for i, bar in enumerate(bars) if bar and i >= 4]
    return {
        "notes in the chord": float(in_chord.mean()), "notes in the chord or the scale": float((in_chord | in_scale).mean()),
        "onsets on a drum's onset": float(roll.hits[onsets].any(1).mean()), "drum onsets answered": float(np.isin(np.flatnonzero(roll.hits.any(1)), onsets).mean()),
        "bars like one of the last four": float(np.mean(repeats)) if repeats else 0.0, "notes a bar": len(step) / max(len(plays), 1),
        "mean pitch": float(pitch.mean()), "mean length (sixteenths)": float(roll.notes[:, 2].mean() / 2), "bars that play": len(plays) / roll.bars,
    }


def faults(roll: Roll) -> list[str]:
    """Faults of a piece."""
    found = []
    bars = bars_as_sets(roll)
    low, high = clean.RANGES[roll.instrument]
    pitch = roll.notes[:, 1]
    if len(pitch) and (pitch.min() < low or pitch.max() > high):
        found.append("out of range")
    for i in range(len(bars) - 4):
        window = bars[i : i + 5]
        if window[0] and all(bar == window[0] for bar in window):
            found.append("one bar for over four bars")
        if len({p for bar in window for _, p in bar}) == 1:
            found.append("one pitch for over four bars")
    if any(not (a or b or c) for a, b, c in zip(bars, bars[1:], bars[2:])):
        found.append("silent for over two bars")
    return sorted(set(found))


def histograms(rolls: list[Roll]) -> dict:
    """Shares of pitch classes above the chord's root, of onset positions in the bar (4/4), of
    lengths."""
    classes, places, lengths = np.zeros(12), np.zeros(16), np.zeros(64)
    for roll in rolls:
        step = roll.notes[:, 0].astype(int)
        root = roll.chords[step, 0]
        np.add.at(classes, ((roll.notes[:, 1].astype(int) - root) % 12)[root < 12], 1)
        if roll.steps == 16:
            np.add.at(places, step % 16, 1)
        np.add.at(lengths, roll.notes[:, 2].astype(int) - 1, 1)
    return {name: counts / max(counts.sum(), 1) for name, counts in (("pitch class above the root", classes), ("onset position", places), ("length", lengths))}


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.minimum(a, b).sum())


def compare(generated: list[Roll], held_out: list[Roll], training: list[Roll]) -> dict:
    """By instrument: statistics of generated parts, compared with those of held-out songs."""
    result = {}
    for instrument, name in enumerate(clean.INSTRUMENTS):
        own, songs, known = ([r for r in rolls if r.instrument == instrument and len(r.notes)] for rolls in (generated, held_out, training))
        ours, theirs = [figures(r) for r in own], [figures(r) for r in songs]
        rows = {}
        for key in ours[0]:
            mine, low, middle, high = (float(np.median([f[key] for f in ours])), *(float(v) for v in np.quantile([f[key] for f in theirs], (0.25, 0.5, 0.75))))
            rows[key] = {"ours": mine, "low": low, "middle": middle, "high": high, "inside": bool(low - 1e-9 <= mine <= high + 1e-9),
                         "pieces inside": float(np.mean([low <= f[key] <= high for f in ours]))}
        shapes = [histograms(r) for r in (own, songs, known)]
        areas = {key: {"ours": overlap(shapes[0][key], shapes[1][key]), "training songs": overlap(shapes[2][key], shapes[1][key])} for key in shapes[0]}
        result[name] = {"pieces": len(own), "songs": len(songs), "rows": rows, "overlap": areas,
                        "faults": {fault: sum(fault in faults(r) for r in own) for fault in
                                   ("out of range", "one bar for over four bars", "one pitch for over four bars", "silent for over two bars")}}
    return result


# --- Likelihood -----------------------------------------------------------------------------------


class NGram:
    """Order 4: the three previous tokens, interpolated down to none by Witten and Bell's weights
    (1991), times a factor per order that is chosen from a few on the validation split: contexts
    from the previous note say little about the next one."""

    ORDER = 4
    FACTORS = (0.3, 1, 3, 10, 30, 100)

    def __init__(self, parts, validation):
        streams = [self.stream(part) for part in parts]
        self.tables = []
        for order in range(1, self.ORDER + 1):
            keys = np.concatenate([self.keys(s, order) for s in streams])
            known, counts = np.unique(keys, return_counts=True)
            contexts, first = np.unique(known // tokens.TOKENS, return_index=True)
            total = np.add.reduceat(counts, first)
            kinds = np.diff(np.append(first, len(known)))
            tried = []
            for factor in self.FACTORS:
                self.tables = [*self.tables[: order - 1], (known, counts, contexts, total, factor * kinds)]
                tried.append(sum(self.nats(part)[drum2music.Reading(part).target != drum2music.IGNORED].sum() for part in validation))
            self.tables[-1] = (known, counts, contexts, total, self.FACTORS[int(np.argmin(tried))] * kinds)

    @staticmethod
    def stream(part) -> np.ndarray:
        return np.concatenate([np.zeros(3, np.int64), *(t.astype(np.int64) for t in part.tokens), [tokens.BAR]])

    @staticmethod
    def keys(stream: np.ndarray, order: int) -> np.ndarray:
        """For each token after the padding, it and the `order` - 1 before it as one number."""
        ends = np.arange(4, len(stream))
        key = np.zeros(len(ends), np.int64)
        for back in range(order - 1, -1, -1):
            key = key * tokens.TOKENS + stream[ends - back]
        return key

    def nats(self, part) -> np.ndarray:
        stream = self.stream(part)
        p = np.full(len(stream) - 4, 1 / tokens.TOKENS)
        for order, (known, counts, contexts, total, kinds) in enumerate(self.tables, 1):
            key = self.keys(stream, order)
            at = np.searchsorted(known, key).clip(max=len(known) - 1)
            count = np.where(known[at] == key, counts[at], 0)
            place = np.searchsorted(contexts, key // tokens.TOKENS).clip(max=len(contexts) - 1)
            there = contexts[place] == key // tokens.TOKENS
            n, k = np.where(there, total[place], 0), np.where(there, kinds[place], 1)
            p = np.where(there, (count + k * p) / (n + k), p)
        return -np.log(p)


def exchanged(parts) -> list:
    """The parts, each with the drums of another one: shows how much a trained network uses the
    drums."""
    g = np.random.default_rng(3)
    order = {steps: g.permutation([i for i, p in enumerate(parts) if p.steps_per_bar == steps]) for steps in {p.steps_per_bar for p in parts}}
    other = {int(i): int(j) for ring in order.values() for i, j in zip(ring, np.roll(ring, 1))}
    return [replace(part, hits=np.resize(parts[other[i]].hits, part.hits.shape)) for i, part in enumerate(parts)]


def likelihoods(parts) -> dict:
    """Nats a token on the test split, by source and instrument: ours, without drums, and the
    n-gram."""
    grams = NGram([p for p in parts if p.split == "training"], drum2music.look_parts([p for p in parts if p.split == "validation"], 90))
    model, state = drum2music.best_model("ours")
    without = None
    if drum2music.checkpoint("without-drums").exists():
        without, other = drum2music.best_model("without-drums")
    result = {"updates": state["history"][-1][1], "minutes": state["history"][-1][0], "batch": state["batch"], "machine": state["machine"],
              "parameters": common.parameters(model), "validation": state["best"][0]}
    if without:
        result |= {"without drums: updates": other["history"][-1][1], "without drums: validation": other["best"][0],
                   "ours at as many updates": min(h[3] for h in state["history"] if h[1] <= other["history"][-1][1] * 1.02)}
    result["rows"] = {}
    for name, chosen in (("songs of grooves never heard", lambda p: p.source == "mma"), ("Freedoom, held out", lambda p: p.source == "freedoom"),
                         ("OpenMSX (evaluation only)", lambda p: p.source == "openmsx")):
        test = [p for p in parts if p.split == "test" and chosen(p)]
        nats = np.zeros(2)
        for part in test:
            counted = drum2music.Reading(part).target != drum2music.IGNORED
            nats += grams.nats(part)[counted].sum(), counted.sum()
        row = {"tokens": int(nats[1]), "n-gram": float(nats[0] / nats[1]), "ours": drum2music.measure(model, test),
               "drums of another song": drum2music.measure(model, exchanged(test))}
        if without:
            row["without drums"] = drum2music.measure(without, test)
        result["rows"][name] = row
        print(name, row, flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=common.RUNS / "melody", help="folder that melody.dataset wrote")
    parser.add_argument("--kinescore", type=Path, required=True, help="the program")
    parser.add_argument("--clip", type=Path, default=common.MODELS.parent / "tests/fixtures/walking-two-people.mp4")
    parser.add_argument("--out", type=Path, default=common.RUNS / "pieces", help="folder for the pieces; those that are there are kept")
    parser.add_argument("--pieces", type=int, default=100)
    parser.add_argument("--sampling", nargs="*", default=[], help="settings of the program to try, as --music-temperature 0.9 (after --)")
    parser.add_argument("--quick", action="store_true", help="print the figures of the pieces and stop")
    args = parser.parse_args()
    torch.set_num_threads(2)
    parts = dataset.load(args.data / "songs.pkl")
    pieces = make_pieces(args.kinescore, args.clip, args.out, args.pieces, args.sampling)
    generated = [roll for piece in pieces for roll in rolls_of_piece(piece)]
    songs = {split: [roll_of_part(p) for p in parts if p.split == split and p.source == "mma"] for split in ("test", "training")}
    compared = compare(generated, songs["test"], songs["training"][:600])
    print(json.dumps(compared, indent=1))
    if args.quick:
        return
    results = {"likelihood": likelihoods(parts), "pieces": compared}
    RESULTS.write_text(json.dumps(results, indent=1))
    drum2music_card.pictures([rolls_of_piece(p) for p in pieces[:3]])
    drum2music_card.write(results, json.loads((args.data / "meta.json").read_text()), parts)


if __name__ == "__main__":
    main()
