"""Rhythm2Drum, hits: training and export of `rhythm2drum_encoder.onnx`, `rhythm2drum_decoder.onnx`,
`rhythm2drum.json`.

    python rhythm2drum.py --data DIR --minutes 40                     # train (resumes), export, check
    python rhythm2drum.py --data DIR --minutes 0                      # export and check from the checkpoint
    python rhythm2drum.py --data DIR --minutes 9 --preset paper       # the authors' setting, for comparison; not exported

`evaluate_rhythm2drum.py` evaluates the exported files and writes the card.

Encoder-decoder transformer. The encoder reads the whole window of rhythm, energy and metre; the
decoder writes one word (the set of drums that are hit) per step. In addition to cross-attention,
memory[t] is added to the decoder's input at step t: the two sequences are aligned by construction,
so the model need not learn the alignment. Positions are relative: every attention has a learned
bias per head and lag (a bar ago, a beat ago), so that windows can slide.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import common
import groove
import stage1
from training import Run

STYLE_DROP, TEMPO_JITTER = 0.18, 0.10
CONTEXT_BARS = 8
MIN_WORD_COUNT = 2  # words seen once in training are mapped to the nearest word
# An unknown word loses its least important class until it is known; the last of this list is
# dropped first.
IMPORTANCE = ["kick", "snare", "crash", "low_tom", "mid_tom", "high_tom", "open_hat", "ride", "closed_hat"]
# 4/4 crops with beat 3 or 4 of every bar cut out: the data set has only four training files in 3/4
P_THREE_FOUR = 0.03
P_PIECE_START = 0.12  # crops forced to the start of a take, where every product begins
# examples in which up to 25 % of the previous words are hidden or wrong, as the model's own can be
P_WORD_NOISE = 0.4
ENCODER, DECODER, TABLE = (common.MODELS / f"rhythm2drum{part}" for part in ("_encoder.onnx", "_decoder.onnx", ".json"))


class Vocabulary:
    """Words by frequency in the training split; then BOS, then "hidden" (an unknown previous word,
    never predicted)."""

    def __init__(self, words: list[int]):
        self.words = words
        self.bos, self.hidden = len(words), len(words) + 1
        known = {mask: index for index, mask in enumerate(words)}
        drop = [1 << groove.CLASSES.index(c) for c in reversed(IMPORTANCE)]
        self.of_mask = np.zeros(512, np.int64)
        self.known = np.zeros(512, bool)
        for mask in range(512):
            rest, self.known[mask] = mask, mask in known
            for bit in drop:
                if rest in known:
                    break
                rest &= ~bit
            self.of_mask[mask] = known[rest]

    @classmethod
    def from_training(cls, training: list[groove.Take]) -> "Vocabulary":
        count = Counter({0: 1 << 30})
        for take in training:
            count.update(groove.masks(take.hits).tolist())
        return cls([w for w, n in sorted(count.items(), key=lambda p: (-p[1], p[0])) if n >= MIN_WORD_COUNT])

    def __len__(self) -> int:
        return len(self.words)

    def bits(self) -> torch.Tensor:
        table = [[(w >> i) & 1 for i in range(len(groove.CLASSES))] for w in self.words]
        return torch.tensor(table + [[0] * len(groove.CLASSES)] * 2, dtype=torch.float32)


@dataclass
class Shape:
    width: int = 160
    heads: int = 5
    feed_forward: int = 448
    encoder_layers: int = 3
    decoder_layers: int = 4
    dropout: float = 0.2
    lag: int = 127  # lags beyond share the last bias: longer windows still run
    absolute: int = 0  # > 0: absolute positions and no lag bias (the authors' way)


class Attention(nn.Module):
    def __init__(self, shape: Shape, both_ways: bool):
        super().__init__()
        self.heads, self.lag, self.both_ways = shape.heads, shape.lag, both_ways
        self.scale = (shape.width // shape.heads) ** -0.5
        self.query = nn.Linear(shape.width, shape.width)
        self.key_value = nn.Linear(shape.width, 2 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        size = 2 * shape.lag + 1 if both_ways else shape.lag + 1
        self.bias = None if shape.absolute else nn.Parameter(torch.zeros(shape.heads, size))

    def split(self, x):  # [N, T, D] -> [N, H, T, Dh]
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def keys_values(self, x):
        key, value = self.key_value(x).chunk(2, -1)
        return self.split(key), self.split(value)

    def lag_bias(self, first: int, queries: int, keys: int):
        """Bias [H, queries, keys]; the queries are at positions first, first + 1, ..."""
        lag = (torch.arange(queries) + first)[:, None] - torch.arange(keys)[None]
        if self.bias is None:
            bias = torch.zeros(1, queries, keys)
        elif self.both_ways:
            # A factor lets the biases change faster than the other weights: they need values of
            # several units.
            bias = 8.0 * self.bias[:, lag.clamp(-self.lag, self.lag) + self.lag]
        else:
            bias = 8.0 * self.bias[:, lag.clamp(0, self.lag)]
        return bias if self.both_ways else bias.masked_fill(lag < 0, -1e9)

    def forward(self, x, key, value, bias):
        query = self.split(self.query(x)) * self.scale
        weights = query @ key.transpose(-1, -2) + bias
        mixed = weights.softmax(-1) @ value
        return self.out(mixed.transpose(1, 2).flatten(2))


class EncoderLayer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.attention, self.feed_forward = Attention(shape, both_ways=True), common.FeedForward(shape)
        self.dropout = common.Dropout(shape.dropout)

    def forward(self, x, padding):
        y = self.norm1(x)
        bias = self.attention.lag_bias(0, x.shape[1], x.shape[1])
        x = x + self.dropout(self.attention(y, *self.attention.keys_values(y), bias if padding is None else bias + padding))
        return x + self.dropout(self.feed_forward(self.norm2(x)))


class DecoderLayer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(shape.width) for _ in range(3))
        self.attention, self.cross = Attention(shape, both_ways=False), Attention(shape, both_ways=True)
        self.feed_forward, self.dropout = common.FeedForward(shape), common.Dropout(shape.dropout)

    def forward(self, x, past, cross, padding):
        """`past`: keys and values of the steps before x; `cross`: keys and values of the encoder's
        steps."""
        y = self.norm1(x)
        key, value = self.attention.keys_values(y)
        first, steps = past[0].shape[2], x.shape[1]
        key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        x = x + self.dropout(self.attention(y, key, value, self.attention.lag_bias(first, steps, first + steps)))
        bias = self.cross.lag_bias(first, steps, cross[0].shape[2])
        x = x + self.dropout(self.cross(self.norm2(x), *cross, bias if padding is None else bias + padding))
        return x + self.dropout(self.feed_forward(self.norm3(x))), key, value


class Rhythm2Drum(nn.Module):
    def __init__(self, vocabulary: Vocabulary, n_styles: int, shape: Shape, paper: bool = False):
        super().__init__()
        d = shape.width
        self.shape, self.paper = shape, paper
        self.rhythm = nn.Embedding(4, d)
        if paper:
            self.place_in, self.place_out = nn.Embedding(shape.absolute, d), nn.Embedding(shape.absolute, d)
        else:
            self.energy, self.position, self.bar, self.style = (
                nn.Embedding(n, d) for n in (stage1.ENERGY_LEVELS, 16, 8, n_styles))
            self.tempo = nn.Linear(2, d)
            self.inject = nn.Linear(d, d)
            self.position_out = nn.Embedding(16, d)
        self.word = nn.Embedding(len(vocabulary) + 2, d)
        # shared by all words that contain the drum
        self.drum = nn.Parameter(torch.randn(len(groove.CLASSES), d))
        self.register_buffer("bits", vocabulary.bits())
        self.encoder = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.decoder_layers))
        self.norm_in, self.norm_out = nn.LayerNorm(d), nn.LayerNorm(d)
        self.logit_bias = nn.Parameter(torch.zeros(len(vocabulary)))
        self.dropout = common.Dropout(shape.dropout)
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=d**-0.5)
        nn.init.normal_(self.drum, std=d**-0.5)

    def encode(self, rhythm, energy, position, bar, style, tempo, padding=None):
        x = self.rhythm(rhythm)
        if self.paper:
            x = x + self.place_in(torch.arange(rhythm.shape[1]))
        else:
            pace = torch.log2(tempo.clamp(min=20.0) / 120.0)[:, None]
            whole = self.style(style) + self.tempo(torch.cat([pace, pace * pace], -1))
            x = x + self.energy(energy) + self.position(position) + self.bar(bar) + whole[:, None]
        x = self.dropout(x * 4)
        for layer in self.encoder:
            x = layer(x, padding)
        memory = self.norm_in(x)
        cross = [layer.cross.keys_values(memory) for layer in self.decoder]
        return memory, torch.stack([c[0] for c in cross]), torch.stack([c[1] for c in cross])

    def decode(self, words, memory, cross_key, cross_value, position, past_key, past_value, padding=None):
        first, steps = past_key.shape[3], words.shape[1]
        table = self.word.weight + self.bits @ self.drum
        x = F.embedding(words, table) * 4
        if self.paper:
            x = x + 4 * self.place_out(torch.arange(steps) + first)
        else:
            x = x + self.inject(memory[:, first : first + steps]) + 4 * self.position_out(position[:, first : first + steps])
        x, keys, values = self.dropout(x), [], []
        for i, layer in enumerate(self.decoder):
            x, key, value = layer(x, (past_key[i], past_value[i]), (cross_key[i], cross_value[i]), padding)
            keys.append(key), values.append(value)
        logits = self.norm_out(x) @ table[:-2].T + self.logit_bias
        return logits, torch.stack(keys), torch.stack(values)

    def empty_past(self, n: int):
        size = (self.shape.decoder_layers, n, self.shape.heads, 0, self.shape.width // self.shape.heads)
        return torch.zeros(size), torch.zeros(size)

    def forward(self, words, rhythm, energy, position, bar, style, tempo, padding=None):
        memory, cross_key, cross_value = self.encode(rhythm, energy, position, bar, style, tempo, padding)
        past = self.empty_past(len(words))
        return self.decode(words, memory, cross_key, cross_value, position, *past, padding)[0]


class Encoder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, rhythm, energy, position, bar, style, tempo):
        return self.model.encode(rhythm, energy, position, bar, style, tempo)


class Decoder(Encoder):
    def forward(self, words, memory, cross_key, cross_value, position, past_key, past_value):
        return self.model.decode(words, memory, cross_key, cross_value, position, past_key, past_value)


class Examples:
    """Crops of takes as model inputs: random for training, all consecutive windows for
    evaluation."""

    def __init__(self, takes, styles, vocabulary, simulator, preset="ours"):
        self.takes, self.vocabulary, self.simulator, self.preset = takes, vocabulary, simulator, preset
        self.style_id = {s: i for i, s in enumerate(styles)}
        self.n_styles = len(styles)
        self.masks = [groove.masks(t.hits) for t in takes]
        self.words = [vocabulary.of_mask[m] for m in self.masks]
        self.loud = [stage1.salience(t) for t in takes]
        self.energy = [stage1.bar_energy(t) for t in takes]
        length = np.array([len(t) for t in takes], float)
        self.share = length / length.sum()
        self.window = 32 if preset == "paper" else 128
        self.frequency = np.bincount(np.concatenate(self.words), minlength=len(vocabulary)).astype(float)
        self.frequency /= self.frequency.sum()

    def example(self, index, part, g, mode, energy_known, style_known, phase, mask_start=False):
        take, previous = self.takes[index], self.vocabulary.bos
        if self.preset == "ours":
            if part.start > 0:
                previous = self.vocabulary.hidden if mask_start else self.words[index][part.start - 1]
            elif take.kind == "fill" or mask_start:
                # A fill comes after music that is not in the file: the model must not learn that
                # pieces begin this way.
                previous = self.vocabulary.hidden
        target = self.words[index][part]
        position, bar = (a[part] for a in groove.position_and_bar(take, phase))
        rhythm = self.simulator.rhythm(self.loud[index][part], take.hits[part].any(-1), take.steps_per_bar, part.start, g, mode)
        energy = np.zeros(len(target), np.int64)
        if energy_known:
            energy = self.simulator.energy(self.energy[index][part], g, take.steps_per_bar, part.start)
        if self.preset == "paper":
            rhythm = np.minimum(rhythm, 1)
        style = self.style_id.get(take.style, 0) if style_known else 0
        return dict(words=np.concatenate([[previous], target[:-1]]), target=target, rhythm=rhythm, energy=energy,
                    position=position, bar=bar, style=style, tempo=take.bpm)

    def cut_beat(self, example, g):
        """Makes 3/4 from 4/4: "kick - snare - kick" or "kick - snare - snare" bars."""
        beat = int(g.integers(2, 4))
        keep = example["position"] // 4 != beat
        previous = example["words"][0]
        for key in ("target", "rhythm", "energy", "position", "bar"):
            example[key] = example[key][keep]
        position = example["position"]
        example["position"] = np.where(position // 4 > beat, position - 4, position)
        example["words"] = np.concatenate([[previous], example["target"][:-1]])
        return example

    def training_batch(self, size, g):
        examples = []
        for index in g.choice(len(self.takes), size, p=self.share):
            take = self.takes[index]
            bar, last = take.steps_per_bar, len(take)
            if self.preset == "paper":
                wanted, start = self.window, bar * int(g.integers(0, max(1, (last - 1) // bar)))
            else:
                wanted = self.window if g.random() < 0.75 else int(g.integers(16, self.window))
                start = int(g.integers(0, max(1, last - wanted // 2)))
                if g.random() < 0.6:
                    start -= start % bar  # the product's windows begin at bar lines
                if g.random() < P_PIECE_START:
                    start = 0
            part = slice(start, min(last, start + wanted))
            # Long takes are counted from their first bar; a fill may be anywhere in its phrase.
            phase = 0 if take.kind == "beat" else int(g.integers(8))
            mode = "mixed" if self.preset == "ours" else "taps"
            example = self.example(index, part, g, mode, g.random() >= stage1.P_ENERGY_UNKNOWN, g.random() >= STYLE_DROP, phase)
            example["tempo"] = take.bpm * (1 + TEMPO_JITTER * g.uniform(-1, 1))
            if self.preset == "ours":
                if bar == 16 and g.random() < P_THREE_FOUR and part.stop - part.start > 32:
                    example = self.cut_beat(example, g)
                if g.random() < P_WORD_NOISE:
                    words = example["words"]
                    noisy = np.flatnonzero(g.random(len(words)) < g.uniform(0, 0.25))
                    wrong = g.choice(len(self.vocabulary), len(noisy), p=self.frequency)
                    words[noisy] = np.where(g.random(len(noisy)) < 0.15, wrong, self.vocabulary.hidden)
            examples.append(example)
        return collate(examples)

    def windows(self, bars=CONTEXT_BARS, mode="accents", energy_known=False, style_known=True, seed=0, mask_start=False, batch=32):
        """All consecutive windows of every take; the simulated rhythm is the same in every call
        with the same seed."""
        examples = []
        for index, take in enumerate(self.takes):
            for part in groove.windows(take, bars):
                g = np.random.default_rng([seed, index, part.start])
                examples.append(self.example(index, part, g, mode, energy_known, style_known, 0, mask_start))
        examples.sort(key=lambda e: -len(e["target"]))
        for start in range(0, len(examples), batch):
            yield collate(examples[start : start + batch])


def collate(examples):
    longest = max(len(e["target"]) for e in examples)
    batch = {"style": torch.tensor([e["style"] for e in examples]), "tempo": torch.tensor([e["tempo"] for e in examples], dtype=torch.float32)}
    for key in ("words", "target", "rhythm", "energy", "position", "bar"):
        fill = -100 if key == "target" else 0
        batch[key] = torch.from_numpy(np.stack([np.pad(e[key], (0, longest - len(e[key])), constant_values=fill) for e in examples]).astype(np.int64))
    short = batch["target"] == -100
    batch["padding"] = (-1e9 * short.float())[:, None, None, :] if bool(short.any()) else None
    return batch


INPUTS = ("words", "rhythm", "energy", "position", "bar", "style", "tempo", "padding")


@torch.no_grad()
def nll(model, batches) -> float:
    """Nats per step."""
    total, steps = 0.0, 0
    for batch in batches:
        logits = model(*(batch[k] for k in INPUTS))
        total += F.cross_entropy(logits.flatten(0, 1).float(), batch["target"].flatten(), ignore_index=-100, reduction="sum").item()
        steps += int((batch["target"] != -100).sum())
    return total / steps


def checkpoint_path(preset: str) -> Path:
    return common.RUNS / f"rhythm2drum-{preset}.pt"


PAPER = Shape(width=128, heads=4, feed_forward=256, encoder_layers=3, decoder_layers=3, dropout=0.1, absolute=32)


def build(preset, vocabulary, n_styles, shape=None):
    shape = shape or (PAPER if preset == "paper" else Shape())
    return Rhythm2Drum(vocabulary, n_styles, shape, paper=preset == "paper")


def train(args, takes, styles):
    training, validation = groove.of_split(takes, "train"), groove.of_split(takes, "validation")
    simulator, vocabulary = stage1.Simulator(training), Vocabulary.from_training(training)
    common.seed_everything(args.seed)
    training_run = Run(args, build(args.preset, vocabulary, len(styles)), checkpoint_path(args.preset), 0.05)
    model = training_run.model
    examples = Examples(training, styles, vocabulary, simulator, args.preset)
    held_out = Examples(validation, styles, vocabulary, simulator, args.preset)
    bars, mode = (2, "taps") if args.preset == "paper" else (CONTEXT_BARS, "accents")
    looks = list(held_out.windows(bars=bars, mode=mode))
    g = np.random.default_rng([args.seed, training_run.update])
    print(f"{common.parameters(model):,} parameters, {len(vocabulary)} words", flush=True)

    def loss_of():
        batch = {k: v if v is None else v.to(args.device) for k, v in examples.training_batch(args.batch, g).items()}
        logits = model(*(batch[k] for k in INPUTS))
        return F.cross_entropy(logits.flatten(0, 1).float(), batch["target"].flatten(), ignore_index=-100)

    def look(averaged):
        held = nll(averaged.cpu(), looks)
        return held, f"{held:.4f} nats a step"

    training_run.train(loss_of, look, styles=styles, words=vocabulary.words, shape=asdict(model.shape))


def best_model(preset):
    state = torch.load(checkpoint_path(preset), weights_only=False, map_location="cpu")
    vocabulary = Vocabulary(state["words"])
    model = build(preset, vocabulary, len(state["styles"]), Shape(**state["shape"]))
    model.load_state_dict(state["best"][1])
    return model.eval(), vocabulary, state


def export_and_check(takes) -> None:
    model, vocabulary, state = best_model("ours")
    styles, shape = state["styles"], model.shape
    simulator = stage1.Simulator(groove.of_split(takes, "train"))
    batches = list(Examples(groove.of_split(takes, "validation"), styles, vocabulary, simulator).windows(batch=2, energy_known=True))
    whole = [b for b in batches if b["padding"] is None]
    encoder, decoder = Encoder(model), Decoder(model)

    def encoder_inputs(batch, steps=None):
        return {k: batch[k] if k in ("style", "tempo") else batch[k][:, :steps] for k in ("rhythm", "energy", "position", "bar", "style", "tempo")}

    def decoder_inputs(words, encoded, position, past):
        return dict(zip(("words", "memory", "cross_key", "cross_value", "position", "past_key", "past_value"), (words, *encoded, position, *past)))

    sample = encoder_inputs(whole[0])
    time = {0: "N", 1: "T"}
    cross = {1: "N", 3: "T"}
    common.export(encoder, sample, ["memory", "cross_key", "cross_value"],
                  {**{k: time for k in ("rhythm", "energy", "position", "bar", "memory")}, "style": {0: "N"}, "tempo": {0: "N"},
                   "cross_key": cross, "cross_value": cross}, ENCODER)
    with torch.no_grad():
        encoded = encoder(*sample.values())
        past = decoder(*decoder_inputs(whole[0]["words"][:, :9], encoded, whole[0]["position"], model.empty_past(2)).values())[1:]
    common.export(decoder, decoder_inputs(whole[0]["words"][:, 9:12], encoded, whole[0]["position"], past), ["logits", "key", "value"],
                  {"words": {0: "N", 1: "S"}, "memory": time, "cross_key": cross, "cross_value": cross, "position": time,
                   "past_key": {1: "N", 3: "P"}, "past_value": {1: "N", 3: "P"}, "logits": {0: "N", 1: "S"},
                   "key": {1: "N", 3: "Q"}, "value": {1: "N", 3: "Q"}}, DECODER)

    encoder_session, decoder_session = common.session(ENCODER), common.session(DECODER)
    worst, steps, agree, cached = 0.0, 0, 0, 0.0
    one = {k: v if v is None else v[:1] for k, v in whole[1].items()}
    two_windows = {k: torch.cat([v, v], 1) if k not in ("style", "tempo", "padding") else v for k, v in whole[2].items()}
    for batch in (whole[0], one, {k: v if v is None or k in ("style", "tempo") else v[:, :33] for k, v in one.items()}, two_windows):
        difference, encoded, encoded_ort = common.compare(encoder, encoder_session, encoder_inputs(batch))
        worst = max(worst, difference)
        encoded = [torch.from_numpy(e) for e in encoded]
        n = len(batch["words"])
        inputs = decoder_inputs(batch["words"], encoded, batch["position"], model.empty_past(n))
        difference, (full, *_), (full_ort, *_) = common.compare(decoder, decoder_session, inputs)
        worst = max(worst, difference)
        steps, agree = steps + full.shape[0] * full.shape[1], agree + int((full.argmax(-1) == full_ort.argmax(-1)).sum())
        # Prefilling some steps and then taking single steps through the cache must give the same as
        # one causal pass.
        split = min(17, batch["words"].shape[1] - 1)
        past, parts = model.empty_past(n), []
        for part in [slice(0, split), *(slice(s, s + 1) for s in range(split, batch["words"].shape[1]))]:
            inputs = decoder_inputs(batch["words"][:, part], encoded, batch["position"], past)
            logits, *new = decoder_session.run(None, {k: v.numpy() for k, v in inputs.items()})
            parts.append(logits)
            past = tuple(torch.from_numpy(p) for p in new)
        cached = max(cached, float(np.abs(np.concatenate(parts, 1) - full).max()))
        agree += int((np.concatenate(parts, 1).argmax(-1) == full.argmax(-1)).sum())
        steps += full.shape[0] * full.shape[1]
    if cached > common.TOLERANCE or agree != steps:
        raise SystemExit(f"cached steps differ by {cached:.2e}; {steps - agree} of {steps} best words differ")
    print(f"ONNX against PyTorch: {worst:.1e}; step by step against one pass: {cached:.1e}; best word equal in {agree} of {steps}")
    state["difference"], state["decisions"] = max(worst, cached), [agree, steps]
    (common.RUNS / "rhythm2drum-check.json").write_text(json.dumps({"difference": max(worst, cached), "agree": agree, "steps": steps}))
    TABLE.write_text(json.dumps({
        "classes": groove.CLASSES, "words": vocabulary.words, "bos": vocabulary.bos, "hidden": vocabulary.hidden, "styles": styles,
        "style_tempo": groove.style_tempo(takes, styles), "style_groove": groove.style_groove(takes, styles),
        "rhythm_levels": stage1.RHYTHM_LEVELS, "energy_levels": stage1.ENERGY_LEVELS,
        "context_bars": CONTEXT_BARS, "layers": shape.decoder_layers, "heads": shape.heads, "head_dim": shape.width // shape.heads,
        "width": shape.width}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with groove.tar.xz or the unpacked groove/")
    parser.add_argument("--preset", choices=["ours", "paper"], default="ours")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=None, help="default: 8 windows (ours), 32 (paper)")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--look", type=float, default=2.0, help="minutes between validations")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="train in bfloat16, if the processor is faster with it")
    parser.add_argument("--fresh", action="store_true", help="start again even if there is a checkpoint")
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--speed-test", type=int, default=0, help="stop after this many updates and print the time per update")
    args = parser.parse_args()
    args.batch = args.batch or (32 if args.preset == "paper" else 8)
    torch.set_num_threads(args.threads)
    takes, _ = groove.load(args.data)
    if args.minutes > 0:
        train(args, takes, groove.style_names(takes))
    if args.preset == "ours" and not args.train_only and not args.speed_test:
        torch.set_num_threads(1)
        export_and_check(takes)


if __name__ == "__main__":
    main()
