"""Writes generated clips of a split as saved pose files with their beats, for the program and for
evaluate_beats.py:

    python -m choreograph.write_clips --data DATA --split test --count 60 --out DIR

NAME.json has the format of `kinescore render --until pose`; NAME.beats has one line per beat:
seconds and the position in the bar.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from . import clip as clips
from .sources import Pool
from .takes import load, split_of


def pose_file(clip: clips.Clip, name: str) -> dict:
    """The saved form of a pose track (src/pose/saved.rs)."""
    shift = clip.points[..., :2].min(axis=(0, 1)) - 50.0
    size = clip.points[..., :2].max(axis=(0, 1)) - shift + 50.0
    rows = []
    for time, joints in zip(clip.times, clip.points):
        sure = np.clip(np.round(joints[:, 2], 3), 0, 1)
        at = np.where(sure[:, None] > 0, np.round(joints[:, :2] - shift, 2), 0.0)
        rows.append({"time": round(float(time), 6), "joints": np.concatenate([at, sure[:, None]], 1).ravel().tolist()})
    return {
        "format": "kinescore-stage", "version": 1, "stage": "pose",
        "clip": {"path": f"{name}.mp4", "start": 0.0, "duration": clip.seconds, "width": int(size[0]), "height": int(size[1]),
                 "frame_rate": round(1 / float(np.median(np.diff(clip.times))), 2), "has_audio": False, "whole": True},
        "poses": {"people": 1, "cuts": clip.cuts, "poses": rows},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds cmu-mocap.tar.xz")
    parser.add_argument("--split", choices=["training", "validation", "test"], default="test")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seconds", type=float, help="length of each; by default 8 to 20")
    parser.add_argument("--kind", choices=["dance", "walking", "rope", "free"], help="one kind only; free: movement that is independent of the beats")
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    pool = Pool([take for take in load(arguments.data) if split_of(take.name) == arguments.split])
    for index in range(arguments.count):
        rng = np.random.default_rng([arguments.seed, index])
        clip = clips.generate(rng, pool, arguments.seconds or float(np.round(rng.uniform(8, 20), 2)), arguments.kind)
        name = f"{arguments.split}_{arguments.seed}_{index:03}_{clip.kind}_{clip.grid.tempo:.0f}"
        (arguments.out / f"{name}.json").write_text(json.dumps(pose_file(clip, name)))
        (arguments.out / f"{name}.beats").write_text("".join(f"{b:.4f}\t{n}\n" for b, n in zip(*clip.beats)))
    print(f"{arguments.count} clips in {arguments.out}")


if __name__ == "__main__":
    main()
