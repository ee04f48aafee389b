"""Drum2Music: training and export of `drum2music_encoder.onnx`, `drum2music_decoder.onnx`,
`drum2music.json`.

    python -m melody.dataset --data DIR --songs 2500            # makes the songs, once
    python drum2music.py --minutes 80 --bf16                    # train (resumes), export, check
    python drum2music.py --minutes 0                            # export and check from the checkpoint
    python drum2music.py --minutes 20 --bf16 --without drums    # the same network without the drums, for comparison; not exported

`evaluate_drum2music.py` evaluates the exported files and writes the card.

Each row of a batch reads one part of a song from its first bar to its last, in segments of tokens;
the states of the previous segment are its memory. Chords, tempo and the other conditions are given,
never predicted: only notes are learned.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import common
from drum2music_net import BAR_INPUTS, STEP_INPUTS, BarEncoder, Drum2Music, Shape, TokenDecoder
from melody import clean, dataset, tokens
from training import Run

SEGMENT = 192  # tokens of a row in one update
MOST_BARS = 28  # bars of drums for it, including the earlier ones that the encoder looks back to
IGNORED = -100
# How often a condition is hidden, so that the network also works without it.
HIDDEN = {"density": 0.08, "register": 0.15, "lead": 0.08, "section": 0.15, "style": 0.15}
TEMPO_JITTER = 0.06
SHIFTS = range(-5, 7)  # semitones that a song is moved by
ENCODER, DECODER, TABLE = (common.MODELS / f"drum2music{part}" for part in ("_encoder.onnx", "_decoder.onnx", ".json"))


def given(ids: np.ndarray) -> np.ndarray:
    """Tokens that the network does not choose: tempo and chord items with their positions."""
    item = (ids >= tokens.CHORD) & (ids < tokens.VELOCITY)
    item[:-1] |= item[1:] & (ids[:-1] >= tokens.POSITION) & (ids[:-1] < tokens.CHORD)
    return item


def transposed(ids: np.ndarray, shift: int) -> np.ndarray:
    """Notes and chords transposed by some semitones."""
    moved = ids.copy()
    notes = (ids >= tokens.PITCH) & (ids < tokens.DURATION)
    moved[notes] += shift
    chords = (ids >= tokens.CHORD) & (ids < tokens.chord_token(*tokens.NO_CHORD))
    root, quality = np.divmod(ids[chords] - tokens.CHORD, len(tokens.QUALITIES))
    moved[chords] = tokens.CHORD + len(tokens.QUALITIES) * ((root + shift) % 12) + quality
    return moved


def next_chords(chords: np.ndarray) -> np.ndarray:
    """The chord after the one at each step; none at the end."""
    following, upcoming = np.empty_like(chords), np.array(tokens.NO_CHORD)
    for step in range(len(chords) - 1, -1, -1):
        if step + 1 < len(chords) and (chords[step + 1] != chords[step]).any():
            upcoming = chords[step + 1]
        following[step] = upcoming
    return following


class Reading:
    """One part as arrays, transposed by some semitones."""

    def __init__(self, part, shift: int = 0):
        ids = np.concatenate(part.tokens).astype(np.int64)
        self.bar = np.repeat(np.arange(len(part.tokens)), [len(t) for t in part.tokens])
        self.ids = transposed(ids, shift)
        self.target = np.append(self.ids[1:], tokens.BAR)
        self.target[np.append(given(self.ids)[1:], False)] = IGNORED
        chords = np.array(part.chords, np.int64)
        chords[:, 0] = np.where(chords[:, 0] < 12, (chords[:, 0] + shift) % 12, 12)
        following = next_chords(chords)
        steps = part.steps_per_bar
        self.steps = steps
        self.step = dict(hits=part.hits.astype(np.float32), position=np.arange(len(chords)) % steps, root=chords[:, 0], quality=chords[:, 1],
                         next_root=following[:, 0], next_quality=following[:, 1])
        self.bars = dict(scale=np.roll(part.scale, shift, 1).astype(np.float32), density=part.density, register=part.register,
                         lead=part.lead, section=part.section)
        self.whole = dict(instrument=part.instrument, style=part.style, tempo=part.bpm)

    def inputs(self, first: int, last: int, change=lambda name, value: value) -> dict:
        """The encoder's input for the bars from first to last (exclusive), step by step."""
        span = slice(first * self.steps, last * self.steps)
        found = {name: values[span] for name, values in self.step.items()}
        found |= {name: np.repeat(change(name, values[first:last]), self.steps, 0) for name, values in self.bars.items()}
        return found | {name: np.full((last - first) * self.steps, change(name, value)) for name, value in self.whole.items()}


def fits(part, shift: int) -> bool:
    """Whether the part stays in its instrument's range when transposed."""
    ids = np.concatenate(part.tokens)
    pitches = ids[(ids >= tokens.PITCH) & (ids < tokens.DURATION)] - tokens.PITCH
    low, high = clean.RANGES[part.instrument]
    return len(pitches) == 0 or (pitches.min() + shift >= low and pitches.max() + shift <= high)


def collate(rows: list[tuple]) -> dict:
    """A batch of segments: `rows` of (reading, first token, last token, change)."""
    longest, most = max(last - first for _, first, last, _ in rows), 0
    batch = {"tokens": np.zeros((len(rows), longest), np.int64), "token_bar": np.full((len(rows), longest), -1),
             "target": np.full((len(rows), longest), IGNORED)}
    read = []
    for i, (reading, first, last, change) in enumerate(rows):
        bars = reading.bar[first:last]
        begin = max(0, bars[0] - Shape.memory_bars)
        end = min(bars[-1] + 1, begin + MOST_BARS)
        batch["tokens"][i, : last - first] = reading.ids[first:last]
        batch["token_bar"][i, : last - first] = bars
        # A token whose bar is after the bars that are read would lack its drums.
        batch["target"][i, : last - first] = np.where(bars < end, reading.target[first:last], IGNORED)
        inputs = reading.inputs(begin, end, change)
        read.append((inputs, np.repeat(np.arange(begin, end), reading.steps)))
        most = max(most, len(read[-1][1]))
    pad = lambda value: np.pad(value, [(0, most - len(value))] + [(0, 0)] * (value.ndim - 1))
    batch["bar"] = np.stack([pad(bar) for _, bar in read])
    batch["known"] = np.stack([np.arange(most) < len(bar) for _, bar in read])
    whole = lambda name: np.stack([pad(inputs[name]) for inputs, _ in read])
    batch["inputs"] = {name: torch.from_numpy(whole(name).astype(np.float32 if name in ("hits", "scale", "tempo") else np.int64))
                       for name in (*STEP_INPUTS, *BAR_INPUTS)}
    return {name: value if name == "inputs" else torch.from_numpy(value) for name, value in batch.items()}


class Rows:
    """A batch of parts that are read in parallel; a row that has ended begins another part."""

    def __init__(self, parts: list, size: int, g: np.random.Generator):
        self.parts, self.g = parts, g
        count = np.bincount([p.instrument for p in parts], minlength=3)
        # All instruments occur equally often; a long song more often than a short one.
        share = np.array([sum(map(len, p.tokens)) / count[p.instrument] for p in parts], float)
        self.share = share / share.sum()
        self.rows = [None] * size

    def begin(self):
        part = self.parts[self.g.choice(len(self.parts), p=self.share)]
        shifts = [s for s in SHIFTS if fits(part, s)] or [0]
        reading = Reading(part, int(self.g.choice(shifts)))
        hidden = {name for name, p in HIDDEN.items() if self.g.random() < p}
        pace = 1 + TEMPO_JITTER * self.g.uniform(-1, 1)

        def change(name, value):
            if name == "tempo":
                return value * pace
            return np.zeros_like(value) if name in hidden else value

        return reading, change

    def batch(self) -> dict:
        rows, is_new = [], []
        for i, row in enumerate(self.rows):
            is_new.append(row is None)
            reading, change, cursor = row or (*self.begin(), 0)
            last = min(cursor + SEGMENT, len(reading.ids))
            rows.append((reading, cursor, last, change))
            self.rows[i] = (reading, change, last) if last < len(reading.ids) else None
        batch = collate(rows)
        batch["remembers"] = ~torch.tensor(is_new)
        return batch


def to(batch: dict, device: str) -> dict:
    return {k: {n: v.to(device) for n, v in value.items()} if k == "inputs" else value.to(device) for k, value in batch.items()}


def run(model, batch, memory):
    return model(batch["tokens"], batch["token_bar"], batch["inputs"], batch["bar"], batch["known"], memory,
                 None if memory is None else batch["remembers"])


@torch.no_grad()
def measure(model, parts, rows: int = 12, device: str = "cpu") -> dict:
    """Nats per token over whole parts, by instrument and in total; given tokens do not count."""
    model = model.eval()
    total, count = np.zeros(3), np.zeros(3)
    order = sorted(range(len(parts)), key=lambda i: -sum(map(len, parts[i].tokens)))
    for start in range(0, len(order), rows):
        group = [(parts[i], Reading(parts[i])) for i in order[start : start + rows]]
        memory = None
        for cursor in range(0, len(group[0][1].ids), SEGMENT):
            live = [k for k, (_, reading) in enumerate(group) if cursor < len(reading.ids)]
            batch = collate([(group[k][1], cursor, min(cursor + SEGMENT, len(group[k][1].ids)), lambda _, v: v) for k in live])
            batch["remembers"] = torch.full((len(live),), cursor > 0)
            if memory is not None:
                # parts are sorted by length: the first ones continue
                memory = [m[: len(live)] for m in memory]
            logits, states = run(model, to(batch, device), memory)
            memory = states
            loss = F.cross_entropy(logits.float().flatten(0, 1), batch["target"].to(device).flatten(), ignore_index=IGNORED, reduction="none")
            loss = loss.view(len(live), -1).sum(1).cpu().numpy()
            for k, nats in zip(live, loss):
                total[group[k][0].instrument] += nats
            np.add.at(count, [group[k][0].instrument for k in live], (batch["target"] != IGNORED).sum(1).numpy())
    named = {name: float(total[i] / max(count[i], 1)) for i, name in enumerate(clean.INSTRUMENTS)}
    return named | {"all": float(total.sum() / count.sum()), "tokens": int(count.sum())}


def checkpoint(name: str) -> Path:
    return common.RUNS / f"drum2music-{name}.pt"


def look_parts(parts: list, most: int, seed: int = 5) -> list:
    """A fixed selection of parts, with the same number for each instrument."""
    g = np.random.default_rng(seed)
    chosen = []
    for instrument in range(len(clean.INSTRUMENTS)):
        own = [p for p in parts if p.instrument == instrument]
        chosen += [own[i] for i in sorted(g.permutation(len(own))[: most // 3])]
    return chosen


def train(args, parts, styles, shape: Shape, path: Path) -> None:
    training = [p for p in parts if p.split == "training"]
    looks = look_parts([p for p in parts if p.split == "validation"], args.look_parts)
    common.seed_everything(args.seed)
    training_run = Run(args, Drum2Music(len(styles), shape), path, 0.03)
    model, memory = training_run.model, None
    rows = Rows(training, args.batch, np.random.default_rng([args.seed, training_run.update]))
    print(f"{common.parameters(model):,} parameters, {len(training)} parts to learn from", flush=True)

    def loss_of():
        nonlocal memory
        batch = to(rows.batch(), args.device)
        logits, memory = run(model, batch, memory)
        if batch["tokens"].shape[1] < SEGMENT:
            memory = None  # every row has ended
        return F.cross_entropy(logits.flatten(0, 1).float(), batch["target"].flatten(), ignore_index=IGNORED)

    def look(averaged):
        with training_run.half():
            held = measure(averaged, looks, device=args.device)
        by = "  ".join(f"{name} {held[name]:.4f}" for name in clean.INSTRUMENTS)
        return held["all"], f"{held['all']:.4f} nats a token  ({by})"

    training_run.train(loss_of, look, styles=styles, shape=asdict(shape))


def best_model(name: str):
    state = torch.load(checkpoint(name), weights_only=False, map_location="cpu")
    model = Drum2Music(len(state["styles"]), Shape(**state["shape"]))
    model.load_state_dict(state["best"][1])
    return model.eval(), state


def spans(parts: list) -> list:
    """The range of nearly all notes (1st to 99th percentile) of a bar, by instrument, register 1 to
    3 and lead 1 to 2. It keeps a line, which reads its own output, from drifting out of the planned
    register."""
    found = [[[[] for _ in range(2)] for _ in range(3)] for _ in clean.INSTRUMENTS]
    for part in parts:
        if part.split == "training":
            for bar, register, lead in zip(part.tokens, part.register, part.lead):
                pitches = bar[(bar >= tokens.PITCH) & (bar < tokens.DURATION)] - tokens.PITCH
                if register and len(pitches):
                    # If it is not known whether there is a melody (songs written by people), there
                    # may be one.
                    found[part.instrument][register - 1][1 if lead != 1 else 0].append(pitches)
    everywhere = lambda instrument: [row for each in found[instrument] for row in each[0]]
    span = lambda rows: [int(v) for v in np.quantile(np.concatenate(rows), (0.01, 0.99))]
    return [[[span(rows or everywhere(instrument)) for rows in lead] for lead in registers] for instrument, registers in enumerate(found)]


def onnx_inputs(reading: Reading, bar: int) -> dict:
    inputs = reading.inputs(bar, bar + 1)
    kind = lambda name: torch.float32 if name in ("hits", "scale", "tempo") else torch.int64
    steps = {name: torch.as_tensor(inputs[name]).to(kind(name))[None] for name in STEP_INPUTS}
    return steps | {name: torch.as_tensor(inputs[name][:1]).to(kind(name)) for name in BAR_INPUTS}


def export_and_check(parts: list, meta: dict) -> None:
    model, state = best_model("ours")
    shape, size = model.shape, model.shape.width // model.shape.heads
    encoder, decoder = BarEncoder(model), TokenDecoder(model)
    validation = [p for p in parts if p.split == "validation"]
    readings = [Reading(next(p for p in validation if p.instrument == i)) for i in range(3)]
    three = next((p for p in parts if p.steps_per_bar == 12 and p.split == "validation"), None)
    readings += [Reading(three)] if three else []

    past = torch.zeros(shape.encoder_layers, 2, 1, shape.heads, 3 * 16, size)
    sample = onnx_inputs(readings[0], 3) | {"memory": past}
    names = ["cross_key", "cross_value"]
    per_step = {name: {0: "N", 1: "S"} for name in STEP_INPUTS}
    cross = {name: {1: "N", 3: "S"} for name in names}
    common.export(encoder, sample, [*names, "new_memory"],
                  {**per_step, **{name: {0: "N"} for name in BAR_INPUTS}, **cross, "memory": {2: "N", 4: "P"}, "new_memory": {2: "N", 4: "Q"}}, ENCODER)
    memory = [f"memory_{i}" for i in range(shape.decoder_layers)]
    with torch.no_grad():
        key, value, _ = encoder(*sample.values())
    inputs = {"tokens": torch.tensor([[0, 1, 17]]), "cross_key": key, "cross_value": value}
    inputs |= {name: torch.zeros(2, 1, shape.heads, 5, size) for name in memory}
    common.export(decoder, inputs, ["logits", *(f"new_{name}" for name in memory)],
                  {"tokens": {0: "N", 1: "L"}, **cross, "logits": {0: "N", 1: "L"}, **{name: {1: "N", 3: "P"} for name in memory},
                   **{f"new_{name}": {1: "N", 3: "Q"} for name in memory}}, DECODER)

    # Compares a song, bar by bar and token by token in ONNX Runtime, with PyTorch's single pass as
    # long as nothing has left the memory, and after that with PyTorch's own steps.
    encoder_session, decoder_session = common.session(ENCODER), common.session(DECODER)
    worst, compared, agree = 0.0, 0, 0
    for reading in readings:
        bars = int(np.searchsorted(np.cumsum(np.bincount(reading.bar)), shape.memory))
        length = int((reading.bar < bars).sum())
        batch = collate([(reading, 0, length, lambda _, v: v)])
        with torch.no_grad():
            whole = model(batch["tokens"], batch["token_bar"], batch["inputs"], batch["bar"], batch["known"])[0][0].numpy()
        encoder_memory = np.zeros((shape.encoder_layers, 2, 1, shape.heads, 0, size), np.float32)
        decoder_memory = {name: np.zeros((2, 1, shape.heads, 0, size), np.float32) for name in memory}
        torch_memory = {name: torch.from_numpy(value) for name, value in decoder_memory.items()}
        written = []
        for bar in range(min(bars + 12, len(np.unique(reading.bar)))):
            inputs = {k: v.numpy() for k, v in onnx_inputs(reading, bar).items()}
            key, value, new = encoder_session.run(None, inputs | {"memory": encoder_memory})
            with torch.no_grad():
                ours = encoder(*(torch.from_numpy(v) for v in inputs.values()), torch.from_numpy(encoder_memory))
            worst = max(worst, *(float(np.abs(a.numpy() - b).max()) for a, b in zip(ours, (key, value, new))))
            encoder_memory = new
            ids = reading.ids[reading.bar == bar]
            for piece in (ids[:3], *ids[3:, None]):
                logits, *kept = decoder_session.run(None, {"tokens": piece[None], "cross_key": key, "cross_value": value} | decoder_memory)
                decoder_memory = dict(zip(memory, kept))
                with torch.no_grad():
                    ours, *kept = decoder(torch.from_numpy(piece)[None], torch.from_numpy(key), torch.from_numpy(value), *torch_memory.values())
                torch_memory = dict(zip(memory, kept))
                worst = max(worst, float(np.abs(ours.numpy() - logits).max()))
                agree, compared = agree + int((ours.numpy().argmax(-1) == logits.argmax(-1)).sum()), compared + len(piece)
                if bar < bars:
                    written.append(logits[0])
        cached = float(np.abs(np.concatenate(written) - whole).max())
        worst = max(worst, cached)
        if worst > common.TOLERANCE:
            raise SystemExit(f"ONNX differs from PyTorch by {worst:.2e}, and stepwise from a single pass by {cached:.2e}; tolerance {common.TOLERANCE:.0e}")
    print(f"ONNX against PyTorch, and bar by bar against one pass: {worst:.1e}; likeliest token equal in {agree} of {compared}")
    (common.RUNS / "drum2music-check.json").write_text(json.dumps({"difference": worst, "agree": agree, "compared": compared}))
    TABLE.write_text(json.dumps({
        "tokens": tokens.names(), "instruments": clean.INSTRUMENTS, "ranges": [list(r) for r in clean.RANGES], "styles": state["styles"],
        "density": meta["density"], "register": meta["register"], "spans": spans(parts),
        "encoder_memory": [shape.encoder_layers, shape.heads, size], "decoder_memory": [shape.decoder_layers, shape.heads, size]}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=common.RUNS / "melody", help="folder that melody.dataset wrote: songs.pkl, meta.json")
    parser.add_argument("--without", choices=["drums"], help="hide a part of the input, to measure its effect")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=80)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=10, help="rows of a batch")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--look", type=float, default=4.0, help="minutes between validations")
    parser.add_argument("--look-parts", type=int, default=48, help="parts of the validation split to use")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="train in bfloat16, if the processor is faster with it")
    parser.add_argument("--fresh", action="store_true", help="start again even if there is a checkpoint")
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--speed-test", type=int, default=0, help="stop after this many updates and print the time per update")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    parts = dataset.load(args.data / "songs.pkl")
    meta = json.loads((args.data / "meta.json").read_text())
    styles = json.loads((common.MODELS / "rhythm2drum.json").read_text())["styles"]
    if args.minutes > 0:
        train(args, parts, styles, Shape(drums=args.without != "drums"), checkpoint(f"without-{args.without}" if args.without else "ours"))
    if not args.without and not args.train_only and not args.speed_test:
        torch.set_num_threads(1)
        export_and_check(parts, meta)


if __name__ == "__main__":
    main()
