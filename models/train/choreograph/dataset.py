"""Generated clips as arrays on disk, generated once: features, beats, positions of the beats in the
bar."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import numpy as np

from . import clip as clips
from .features import CHANNELS, RATE, features
from .sources import Pool
from .takes import load, split_of

SECONDS = 13.0
FRAMES = int(SECONDS * RATE) + 1
MOST_BEATS = 64
VERSION = 2  # of the generator: clips of another version are generated again
VIEWS = 3  # cameras (each with its own noise and frame rate) that see one movement

_pool: Pool | None = None


def _pool_of(data: Path, split: str, mixed: bool) -> None:
    global _pool
    os.environ["OMP_NUM_THREADS"] = "1"
    _pool = Pool([take for take in load(data) if split_of(take.name) == split], mixed)


def _make(job: tuple[str, int, int]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, float]]:
    split, seed, index = job
    rng = np.random.default_rng([seed, {"training": 0, "validation": 1, "test": 2}[split], index])
    joints, grid, _ = clips.move(rng, _pool, SECONDS)
    inside = (grid.beats > -0.1) & (grid.beats < SECONDS + 0.1)
    beats, numbers = grid.beats[inside][:MOST_BEATS], grid.number[inside][:MOST_BEATS]
    result = []
    for _ in range(VIEWS):
        times, points = clips.observe(rng, joints, SECONDS)
        motion = features(times, points, SECONDS).astype(np.float16)
        padded = np.full(MOST_BEATS, np.nan, dtype=np.float32)
        padded[: len(beats)] = beats
        count = np.zeros(MOST_BEATS, dtype=np.int8)
        count[: len(beats)] = numbers
        result.append((motion, padded, count, grid.tempo))
    return result


def build(data: Path, out: Path, split: str, movements: int, seed: int = 0, workers: int = 1,
          mixed: bool = False) -> dict[str, np.ndarray]:
    """The arrays of a split: `motion` f16 [N, 391, 17, 5], `beats` f32 [N, 64] (seconds, NaN beyond
    the last), `numbers` i8 [N, 64]. Generated if they do not exist yet. `mixed`: see [`Pool`]."""
    meta = {"version": VERSION, "split": split, "movements": movements, "seed": seed, "views": VIEWS, "seconds": SECONDS}
    folder = out / f"clips_{split}_{movements}_{seed}"
    if mixed:
        meta["mixed"], folder = True, folder.with_name(folder.name + "_mixed")
    note = folder / "meta.json"
    names = ["motion", "beats", "numbers"]
    if not note.exists() or json.loads(note.read_text()) != meta:
        folder.mkdir(parents=True, exist_ok=True)
        total = movements * VIEWS
        arrays = {
            "motion": np.lib.format.open_memmap(folder / "motion.npy", "w+", np.float16, (total, FRAMES, 17, CHANNELS)),
            "beats": np.lib.format.open_memmap(folder / "beats.npy", "w+", np.float32, (total, MOST_BEATS)),
            "numbers": np.lib.format.open_memmap(folder / "numbers.npy", "w+", np.int8, (total, MOST_BEATS)),
        }
        at = 0
        with multiprocessing.Pool(workers, _pool_of, (data, split, mixed)) as pool:
            for made in pool.imap(_make, [(split, seed, i) for i in range(movements)], chunksize=8):
                for row in made:
                    for name, value in zip(names, row):
                        arrays[name][at] = value
                    at += 1
        for array in arrays.values():
            array.flush()
        note.write_text(json.dumps(meta))
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
