"""Measures the shipped Rhythm2Drum files and writes `rhythm2drum.md`.

    python evaluate_rhythm2drum.py --data DIR --tune      # validation split: table of temperature, top-p and guidance
    python evaluate_rhythm2drum.py --data DIR             # official test split: everything in the card, and the card

The networks run in ONNX Runtime from the shipped files; only the copy of the authors' setting runs
in PyTorch.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

import common
import decode_reference
import groove
import rhythm2drum
import rhythm2drum_card
import stage1

RESULTS, TUNING = common.RUNS / "rhythm2drum-results.json", common.RUNS / "rhythm2drum-tuning.json"
STROKES = [groove.CLASSES.index(c) for c in ("kick", "snare", "low_tom", "mid_tom", "high_tom", "crash", "open_hat")]
SIMULATIONS = (0, 1, 2)  # seeds of the simulated rhythm that a figure is averaged over


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def shipped_nll(drummer, batches) -> float:
    """Nats per step of the ONNX files."""
    total, steps = 0.0, 0
    for batch in batches:
        b = {k: v.numpy() for k, v in batch.items() if v is not None}
        lengths = (b["target"] != -100).sum(1)
        for length in np.unique(lengths):  # no padding enters the shipped encoder
            rows = lengths == length
            part = {k: v[rows] if k in ("style", "tempo") else v[rows, :length] for k, v in b.items() if k != "padding"}
            encoded = drummer.encode(*(part[k] for k in ("rhythm", "energy", "position", "bar", "style", "tempo")))
            logits, _ = drummer.decode(part["words"], encoded, part["position"], drummer.empty_past(int(rows.sum())))
            total -= np.take_along_axis(log_softmax(logits.astype(np.float64)), part["target"][..., None], -1).sum()
            steps += int(part["target"].size)
    return total / steps


def baselines(training, test, vocabulary) -> dict:
    """Unigram, and one distribution per position in the bar, with add-one smoothing, from the
    training split."""
    size, rows = len(vocabulary), {}
    for name, places in (("unigram", 1), ("per position in the bar", 16)):
        count = np.ones((2, places, size))  # 4/4 and 3/4 apart
        for take in training:
            np.add.at(count[int(take.steps_per_bar == 12)], (np.arange(len(take)) % take.steps_per_bar % places, vocabulary.of_mask[groove.masks(take.hits)]), 1)
        logs = np.log(count / count.sum(-1, keepdims=True))
        total = steps = 0
        for take in test:
            total -= logs[int(take.steps_per_bar == 12), np.arange(len(take)) % take.steps_per_bar % places, vocabulary.of_mask[groove.masks(take.hits)]].sum()
            steps += len(take)
        rows[name] = total / steps
    return rows


def measure_nll(drummer, takes, styles, simulator, vocabulary, split) -> dict:
    part = groove.of_split(takes, split)
    ours = rhythm2drum.Examples(part, styles, vocabulary, simulator)

    def mean(seeds=SIMULATIONS, **how):
        return float(np.mean([shipped_nll(drummer, ours.windows(seed=s, **how)) for s in seeds]))

    result = {f"baseline: {k}": float(v) for k, v in baselines(groove.of_split(takes, "train"), part, vocabulary).items()}
    result |= {
        "8 bars: accents, style given": mean(),
        "8 bars: accents, style unknown": mean(style_known=False),
        "8 bars: accents, style and energy given": mean(energy_known=True),
        "8 bars: rhythm absent, style given": mean((0,), mode="absent"),
        "8 bars: rhythm absent, style unknown": mean((0,), mode="absent", style_known=False),
        "8 bars: complete taps, style given": mean((0,), mode="taps"),
        "2 bars: accents, style given": mean((0,), bars=2, mask_start=True),
        "2 bars: complete taps, style given": mean((0,), bars=2, mode="taps", mask_start=True),
        "2 bars: complete taps, style unknown": mean((0,), bars=2, mode="taps", mask_start=True, style_known=False),
        "2 bars: rhythm absent, style given": mean((0,), bars=2, mode="absent", mask_start=True),
    }
    if rhythm2drum.checkpoint_path("paper").exists():
        model, paper_words, state = rhythm2drum.best_model("paper")
        assert paper_words.words == vocabulary.words
        theirs = rhythm2drum.Examples(part, styles, vocabulary, simulator, "paper")
        for mode in ("taps", "accents"):
            result[f"paper's setting, 2 bars: {mode}"] = rhythm2drum.nll(model, theirs.windows(bars=2, mode=mode))
        result["paper"] = dict(minutes=state["spent"], updates=state["update"], parameters=common.parameters(model), batch=state["batch"], validation=state["best"][0])
    return result


class Pieces:
    """Whole 8-bar windows of 4/4 "beat" takes as separate pieces, each with a simulated rhythm."""

    def __init__(self, takes, styles, simulator, limit=None):
        self.hits, rows = [], []
        for index, take in enumerate(takes):
            if take.kind != "beat" or take.steps_per_bar != 16:
                continue
            loud = stage1.salience(take)
            for part in groove.windows(take, 8):
                if part.stop - part.start < 128:
                    continue
                g = np.random.default_rng([7, index, part.start])
                hit = take.hits[part]
                rows.append((simulator.rhythm(loud[part], hit.any(-1), 16, 0, g, "accents"),
                             simulator.energy(stage1.bar_energy(take)[part], g, 16, 0),
                             styles.index(take.style) if take.style in styles else 0, take.bpm, hit, take.velocity[part], take.offset[part]))
        if limit and len(rows) > limit:
            rows = [rows[i] for i in np.linspace(0, len(rows) - 1, limit).astype(int)]
        self.rhythm, self.energy, style, tempo, self.hits, self.velocity, self.offset = (np.array(x) for x in zip(*rows))
        self.style, self.tempo = style.astype(np.int64), tempo.astype(np.float32)
        self.position = np.broadcast_to(np.arange(128) % 16, self.rhythm.shape)
        self.bar = np.broadcast_to(np.arange(128) // 16, self.rhythm.shape)

    def generate(self, drummer, energy=0, seed=1, **how):
        words = drummer.generate(self.rhythm, np.full_like(self.energy, energy), self.position, self.bar, self.style, self.tempo,
                                 generator=np.random.default_rng(seed), **how)
        return drummer.hits(words).astype(bool)


def answer(hits, rhythm, seed=3) -> dict:
    """How the drums answer the accents; "shuffled" = the same drums compared with accents at other
    positions."""
    g = np.random.default_rng(seed)
    any_hit, stroke = hits.any(-1), hits[..., STROKES].any(-1)
    strong, silent = rhythm == stage1.STRONG, rhythm == stage1.NOTHING
    # Two kinds of other positions: anywhere, and another piece's accents (so that the metre alone
    # does not distinguish them).
    anywhere = np.array([g.permutation(row) for row in strong])
    other = np.roll(strong, len(strong) // 2, axis=0)
    return {
        "strong accents": int(strong.sum()),
        "answered": float(any_hit[strong].mean()), "answered, shuffled": float(any_hit[anywhere].mean()),
        "answered, another's accents": float(any_hit[other].mean()),
        "by a stroke": float(stroke[strong].mean()), "by a stroke, shuffled": float(stroke[anywhere].mean()),
        "by a stroke, another's accents": float(stroke[other].mean()),
        "weak by a stroke": float(stroke[rhythm == stage1.ACCENT].mean()),
        "hit at steps without accent": float(any_hit[silent].mean()), "stroke at steps without accent": float(stroke[silent].mean()),
        "hits a step": float(hits.sum(-1).mean()),
    }


def overlap(a, b, bins) -> tuple[float, float]:
    """Overlap area of two histograms, and Kullback-Leibler divergence in nats of the first (test)
    from the second."""
    p, q = (np.histogram(x, bins)[0] + 0.5 for x in (a, b))
    p, q = p / p.sum(), q / q.sum()
    return float(np.minimum(p, q).sum()), float((p * np.log(p / q)).sum())


def distributions(drummer, pieces, hits) -> dict:
    velocity, offset = drummer.feel(hits, pieces.position, pieces.style, pieces.tempo)
    true_velocity, true_offset = drummer.feel(pieces.hits, pieces.position, pieces.style, pieces.tempo)
    steps, loud, late = np.arange(-0.5, 10), np.linspace(0, 1, 33), np.linspace(-0.5, 0.5, 41)
    share = [h.sum((0, 1)) / h.sum() for h in (pieces.hits, hits)]
    rows = {
        "hits per step": overlap(pieces.hits.sum(-1), hits.sum(-1), steps),
        "velocity (generated hits, predicted velocity)": overlap(pieces.velocity[pieces.hits], velocity[hits], loud),
        "velocity (test hits, predicted velocity)": overlap(pieces.velocity[pieces.hits], true_velocity[pieces.hits], loud),
        "offset (generated hits, predicted offset)": overlap(pieces.offset[pieces.hits], offset[hits], late),
        "offset (test hits, predicted offset)": overlap(pieces.offset[pieces.hits], true_offset[pieces.hits], late),
    }
    p, q = share
    rows["drum class"] = (float(np.minimum(p, q).sum()), float((p * np.log(p / q.clip(1e-6))).sum()))
    return rows


def musical(hits, chosen) -> dict:
    """Positions of the drums in some pieces: shares of the bars with the drum there."""
    bars = hits[chosen].reshape(-1, 16, hits.shape[-1])
    kick, snare = bars[..., 0], bars[..., 1]
    pulse = bars[..., 2] | bars[..., 3] | bars[..., 8]
    first, second = hits[chosen].reshape(chosen.sum(), 8, 16, -1)[:, :-1], hits[chosen].reshape(chosen.sum(), 8, 16, -1)[:, 1:]
    both, either = (first & second).sum((2, 3)), (first | second).sum((2, 3))
    return {
        "bars": len(bars), "kick on 1": float(kick[:, 0].mean()), "kick on the other beats": float(kick[:, 4::4].mean()),
        "kick off the beats": float(np.delete(kick, np.s_[::4], 1).mean()),
        "snare on 2 and 4": float(snare[:, [4, 12]].mean()), "snare on 1 and 3": float(snare[:, [0, 8]].mean()),
        "hats or ride on 8ths": float(pulse[:, ::2].mean()), "hats or ride between": float(pulse[:, 1::2].mean()),
        "next bar alike (Jaccard)": float((both / np.maximum(either, 1)).mean()), "empty bars": float((~bars.any((1, 2))).mean()),
    }


def tune(drummer, takes, styles, simulator, limit) -> list:
    pieces, rows = Pieces(groove.of_split(takes, "validation"), styles, simulator, limit), []
    settings = [(1.0, 1.0, 1.0), (1.0, 0.95, 1.0), (0.9, 0.95, 1.0), (1.0, 0.95, 1.5), (1.0, 0.95, 2.0), (1.0, 0.95, 3.0), (1.0, 0.9, 1.5), (0.9, 0.95, 2.0), (1.0, 1.0, 2.0)]
    for temperature, top_p, guidance in settings:
        hits = pieces.generate(drummer, temperature=temperature, top_p=top_p, guidance=guidance)
        rows.append(dict(temperature=temperature, top_p=top_p, guidance=guidance, **answer(hits, pieces.rhythm),
                         overlap=overlap(pieces.hits.sum(-1), hits.sum(-1), np.arange(-0.5, 10))[0],
                         alike=musical(hits, np.ones(len(hits), bool))["next bar alike (Jaccard)"]))
        print({k: round(v, 3) for k, v in rows[-1].items()}, flush=True)
    print("the grooves themselves", {k: round(v, 3) for k, v in answer(pieces.hits, pieces.rhythm).items()}, musical(pieces.hits, np.ones(len(pieces.hits), bool)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds groove.tar.xz or the unpacked groove/")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--limit", type=int, default=48, help="pieces of the validation split that --tune samples")
    parser.add_argument("--pieces", type=int, default=160, help="8-bar pieces of the test split to sample drums for")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only-card", action="store_true", help="write the card from the last results")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    takes, counts = groove.load(args.data)
    drummer = decode_reference.Drummer(args.threads)
    styles, vocabulary = drummer.table["styles"], rhythm2drum.Vocabulary(drummer.table["words"])
    simulator = stage1.Simulator(groove.of_split(takes, "train"))
    if args.tune:
        TUNING.write_text(json.dumps(tune(drummer, takes, styles, simulator, args.limit)))
        return
    if not args.only_card:
        test = groove.of_split(takes, "test")
        words = np.concatenate([groove.masks(t.hits) for t in test])
        results = {"out of vocabulary": float(1 - vocabulary.known[words].mean()), "steps": len(words)}
        results["nll"] = measure_nll(drummer, takes, styles, simulator, vocabulary, "test")
        print(json.dumps(results, indent=1), flush=True)
        pieces = Pieces(test, styles, simulator, args.pieces)
        hits = pieces.generate(drummer)
        results["pieces"] = len(hits)
        results["answer"] = {"generated": answer(hits, pieces.rhythm), "the test grooves themselves": answer(pieces.hits, pieces.rhythm)}
        results["distributions"] = distributions(drummer, pieces, hits)
        rock = pieces.style == styles.index("rock")
        everything = np.ones(len(hits), bool)
        results["musical"] = {f"{name}, {who}": musical(h, which) for name, which in (("all styles", everything), ("rock", rock))
                              for who, h in (("generated", hits), ("test grooves", pieces.hits))}
        some = Pieces(test, styles, simulator, args.pieces // 4)
        results["energy"] = {}
        for level, free in ((level, free) for free in (False, True) for level in range(1, stage1.ENERGY_LEVELS)):
            drums = some.generate(drummer, energy=level, free_energy=free)
            velocity, _ = drummer.feel(drums, some.position, some.style, some.tempo)
            results["energy"][f"{level}{', energy freed as well' if free else ''}"] = {"hits a step": float(drums.sum(-1).mean()), "strokes a step": float(drums[..., STROKES].sum(-1).mean()),
                                             "summed velocity a step": float(velocity.sum(-1).mean())}
        results["sampling"] = dict(temperature=decode_reference.TEMPERATURE, top_p=decode_reference.TOP_P, guidance=decode_reference.GUIDANCE)
        RESULTS.write_text(json.dumps(results))
        print(json.dumps(results, indent=1))
    (common.MODELS / "rhythm2drum.md").write_text(rhythm2drum_card.card(
        json.loads(RESULTS.read_text()), json.loads(TUNING.read_text()) if TUNING.exists() else [], counts, drummer.table))


if __name__ == "__main__":
    main()
