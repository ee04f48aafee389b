"""Trains the Video2Rhythm network on generated movement, exports it to ONNX, and compares the two.

    python video2rhythm.py --data DATA --minutes 155
    python video2rhythm.py --data DATA --minutes 0                     # exports from the checkpoint
    python video2rhythm.py --data DATA --movements 1500,3000 --updates 300 --without similarity --name ablation_similarity

DATA holds cmu-mocap.tar.xz. The clips are generated once and kept in runs/ (`--movements` of them,
each seen by three cameras).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import common
from choreograph import dataset, grid
from choreograph.features import RATE
from video2rhythm_net import (BINS_PER_OCTAVE, LONGEST, SLOWEST, TEMPO_BINS, Exported, Shape, Video2Rhythm, mirrored)

WIDTH = 0.025  # seconds: standard deviation of the target around a beat
PARTS = ["similarity", "relative", "skeleton", "mask"]


class Clips:
    """Crops of generated clips with their targets."""

    def __init__(self, sets: list[dict[str, np.ndarray]], like_usual: bool = False):
        """`like_usual`: clips are drawn so that their tempi have the current distribution of
        `grid.random_tempo`, regardless of how they were generated."""
        self.sets = sets
        self.sizes = np.array([len(s["motion"]) for s in sets])
        self.share = None
        if like_usual:
            tempi = 60.0 / np.concatenate([np.nanmedian(np.diff(s["beats"], axis=1), axis=1) for s in sets])
            steps = np.linspace(-1.2, 0.85, 42)
            there, edges = np.histogram(np.log2(tempi / grid.USUAL), steps)
            middle = (edges[1:] + edges[:-1]) / 2
            wanted = grid.tempo_density(grid.USUAL * 2**middle) * grid.USUAL * 2**middle
            ratio = (wanted / wanted.sum()) / np.maximum(there / there.sum(), 1e-3)
            weight = np.clip(np.interp(np.log2(tempi / grid.USUAL), middle, ratio), 0.2, 3.0)
            self.share = weight / weight.sum()

    def batch(self, rng: np.random.Generator, size: int, frames: int, augment: bool = True) -> tuple[torch.Tensor, ...]:
        rows = rng.choice(self.sizes.sum(), size=size, p=self.share)
        return self.rows(rows, rng.integers(0, dataset.FRAMES - frames + 1, size=size), frames, rng if augment else None)

    def rows(self, rows, starts, frames, rng) -> tuple[torch.Tensor, ...]:
        edges = np.cumsum(self.sizes)
        motion = np.empty((len(rows), frames, 17, 5), dtype=np.float32)
        beats = np.empty((len(rows), dataset.MOST_BEATS), dtype=np.float32)
        numbers = np.empty((len(rows), dataset.MOST_BEATS), dtype=np.int8)
        for i, (row, start) in enumerate(zip(rows, starts)):
            which = int(np.searchsorted(edges, row, side="right"))
            row = int(row - (edges[which] - self.sizes[which]))
            motion[i] = self.sets[which]["motion"][row, start : start + frames]
            beats[i] = self.sets[which]["beats"][row] - start / RATE
            numbers[i] = self.sets[which]["numbers"][row]
        if rng is not None:
            # The same person slightly larger or smaller than measured; one limb hidden.
            motion[..., :4] *= np.exp(rng.normal(0, 0.12, (len(rows), 1, 1, 1))).astype(np.float32)
            for i in np.nonzero(rng.random(len(rows)) < 0.15)[0]:
                limb = [[2, 3, 4], [5, 6, 7], [10, 11, 16], [13, 14, 15], [10, 11, 13, 14, 15, 16], [0]][rng.integers(6)]
                motion[i][:, limb] = 0.0
        t = np.arange(frames) / RATE
        near = np.exp(-0.5 * ((t[None, :, None] - np.nan_to_num(beats, nan=-99.0)[:, None]) / WIDTH) ** 2)
        beat, down = near.max(2), (near * (numbers == 1)[:, None]).max(2)
        gaps = np.diff(beats, axis=1)
        inside = (beats[:, 1:] > 0) & (beats[:, :-1] < t[-1])
        tempo = 60.0 / np.nanmedian(np.where(inside, gaps, np.nan), axis=1)
        bins = BINS_PER_OCTAVE * np.log2(tempo / SLOWEST)
        soft = np.exp(-0.5 * ((np.arange(TEMPO_BINS)[None] - bins[:, None]) / 0.7) ** 2)
        soft /= soft.sum(1, keepdims=True)
        motion = torch.from_numpy(motion)
        if rng is not None and rng.random() < 0.5:
            motion = mirrored(motion)
        return motion, torch.from_numpy(beat.astype(np.float32)), torch.from_numpy(down.astype(np.float32)), torch.from_numpy(soft.astype(np.float32))


def losses(outputs, targets) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cross-entropies of beats, downbeats (each frame, beats weighted up) and tempo."""
    beat, down, tempo = outputs
    on, first, soft = targets
    return (F.binary_cross_entropy_with_logits(beat, on, weight=1 + 3 * on), F.binary_cross_entropy_with_logits(down, first, weight=1 + 6 * first),
            -(soft * F.log_softmax(tempo, -1)).sum(-1).mean())


TEMPO_SHARE, DOWN_SHARE = 0.08, 0.5


@torch.no_grad()
def validate(net, clips: Clips, device: str) -> dict[str, float]:
    net.eval()
    sums, count = np.zeros(5), 0
    total = int(clips.sizes.sum())
    for begin in range(0, total, 16):
        rows = np.arange(begin, min(begin + 16, total))
        motion, *targets = clips.rows(rows, np.full(len(rows), 45), LONGEST, None)
        outputs = [o.float().cpu() for o in net(motion.to(device))]
        beat, down, tempo = losses(outputs, targets)
        # Whether the tempo is right to within a bin, exactly and up to octave.
        off = outputs[2].argmax(1) - targets[2].argmax(1)
        octave = torch.stack([(off + k).abs() for k in (-24, 0, 24)]).min(0).values
        sums += np.array([float(beat), float(down), float(tempo), float((off.abs() <= 1).float().mean()), float((octave <= 1).float().mean())]) * len(rows)
        count += len(rows)
    mean = sums / count
    return dict(zip(["beat", "downbeat", "tempo", "tempo_right", "tempo_octave"], map(float, mean)),
                all=float(mean[0] + DOWN_SHARE * mean[1] + TEMPO_SHARE * mean[2]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with cmu-mocap.tar.xz")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=155.0)
    parser.add_argument("--updates", type=int, default=0, help="stop after this many updates instead of minutes, for runs to be compared")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate")
    parser.add_argument("--movements", default="1500,3000,3000", help="sets of generated movements, each with its own seed")
    parser.add_argument("--mixed", default="", help="sets of movements in which arms of one take go with the body of another")
    parser.add_argument("--clips", type=Path, default=common.RUNS / "choreograph", help="folder for generated clips")
    parser.add_argument("--workers", type=int, default=1, help="processes that generate clips")
    parser.add_argument("--without", choices=PARTS, action="append", default=[], help="leave a part out (ablation)")
    parser.add_argument("--name", default="video2rhythm", help="name of the checkpoint; only the default is exported")
    parser.add_argument("--validate-every", type=float, default=4.0, help="minutes")
    arguments = parser.parse_args()
    common.seed_everything(arguments.seed)
    torch.set_num_threads(arguments.threads)
    device = arguments.device
    shape = Shape(**{part: part not in arguments.without for part in PARTS})
    net = Video2Rhythm(shape).to(device)
    checkpoint = common.RUNS / f"{arguments.name}.pt"
    average = common.Average(net, 0.998)
    optimiser = torch.optim.AdamW(net.parameters(), lr=arguments.rate, weight_decay=0.02)
    update, spent, best, history = 0, 0.0, float("inf"), []
    best_state = None
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=False)
        net.load_state_dict(state["net"]), average.model.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        average.updates = update = state["update"]
        spent, best, best_state, history = state["spent"], state["best"], state["best_state"], state["history"]
    if update < arguments.updates if arguments.updates else spent < arguments.minutes:
        sets = [dataset.build(arguments.data, arguments.clips, "training", int(n), seed, arguments.workers)
                for seed, n in enumerate(arguments.movements.split(","))]
        sets += [dataset.build(arguments.data, arguments.clips, "training", int(n), len(sets) + seed, arguments.workers, mixed=True)
                 for seed, n in enumerate(n for n in arguments.mixed.split(",") if n)]
        training = Clips(sets, like_usual=True)
        validation = Clips([dataset.build(arguments.data, arguments.clips, "validation", 150, 0, arguments.workers)])
        rng = np.random.default_rng([arguments.seed, update])
        clock = common.Clock(arguments.minutes, spent)
        due = spent + arguments.validate_every
        running = []
        net.train()
        while True:
            share = update / arguments.updates if arguments.updates else clock.share
            frames = LONGEST if rng.random() < 0.8 else int(rng.integers(120, LONGEST))
            motion, *targets = training.batch(rng, arguments.batch, frames)
            for group in optimiser.param_groups:
                group["lr"] = clock.learning_rate(arguments.rate, update, share=share)
            beat, down, tempo = losses(net(motion.to(device)), [t.to(device) for t in targets])
            loss = beat + DOWN_SHARE * down + TEMPO_SHARE * tempo
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            average.update(net)
            update += 1
            running.append(float(loss.detach()))
            if clock.spent >= due or share >= 1:
                due += arguments.validate_every
                result = validate(average.model, validation, device)
                result.update(update=update, minutes=round(clock.spent, 2), training=float(np.mean(running)))
                running = []
                history.append(result)
                if result["all"] < best:
                    best, best_state = result["all"], {k: v.clone() for k, v in average.model.state_dict().items()}
                print({k: round(v, 4) for k, v in result.items()}, flush=True)
                common.save(checkpoint, net=net.state_dict(), average=average.model.state_dict(), optimiser=optimiser.state_dict(), update=update,
                            spent=clock.spent, best=best, best_state=best_state, history=history, shape=shape, without=arguments.without)
                net.train()
            if share >= 1:
                break
    if arguments.name == "video2rhythm" and best_state is not None:
        average.model.load_state_dict(best_state)
        export(average.model.cpu(), history, update)


def export(net: Video2Rhythm, history: list[dict], updates: int) -> None:
    torch.set_num_threads(1)
    path = common.MODELS / "video2rhythm.onnx"
    exported = Exported(net.eval())
    generator = torch.Generator().manual_seed(0)
    example = torch.randn(1, LONGEST, 17, 5, generator=generator)
    common.export(exported, {"motion": example}, ["beat", "downbeat", "tempo"],
                  {"motion": {0: "N", 1: "T"}, "beat": {0: "N", 1: "T"}, "downbeat": {0: "N", 1: "T"}, "tempo": {0: "N"}}, path)
    session = common.session(path)
    worst = max(common.compare(exported, session, {"motion": torch.randn(2, frames, 17, 5, generator=generator)})[0] for frames in (60, 61, 150, 300))
    best = min(history, key=lambda h: h["all"])
    (common.RUNS / "video2rhythm.json").write_text(json.dumps({"parameters": common.parameters(net), "updates": updates, "best": best, "history": history,
                                                               "difference": worst, "machine": common.machine()}, indent=1))
    print(f"{path.name}: {common.parameters(net):,} parameters, ONNX against PyTorch {worst:.1e}, validation {best}")


if __name__ == "__main__":
    main()
