"""Groove MIDI Dataset -> grids of hits, velocities and offsets.

The only module that reads the data set; both training scripts and the reference decoder use it. A
grid has one row per 16th-note step and one column per drum class. An onset lies at (step + offset)
* step length, so a *positive* offset is *late*.
"""

from __future__ import annotations

import csv
import pickle
import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np

CLASSES = ["kick", "snare", "closed_hat", "open_hat", "low_tom", "mid_tom", "high_tom", "crash", "ride"]
# The first pitch is the one to write; the others are read as the same class.
PITCHES = {
    "kick": (36, 35),
    "snare": (38, 37, 40),
    "closed_hat": (42, 22, 44),
    "open_hat": (46, 26),
    "low_tom": (43, 58, 41),
    "mid_tom": (47, 45),
    "high_tom": (50, 48),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
}
CLASS_OF_PITCH = {p: i for i, name in enumerate(CLASSES) for p in PITCHES[name]}
SPLITS = ("train", "validation", "test")
# A style needs this much training music to get its own ID; the others are "unknown" (ID 0).
STYLE_MIN_SECONDS, STYLE_MIN_FILES = 230.0, 4
CACHE = Path(__file__).resolve().parent / "runs" / "groove-cache.pkl"
CACHE_VERSION = 3


@dataclass
class Take:
    """One recorded file on the 16th-note grid."""

    name: str
    split: str
    style: str  # primary style: the part before the slash
    bpm: float
    kind: str  # "beat" or "fill"
    steps_per_bar: int  # 16 in 4/4, 12 in 3/4
    seconds: float
    hits: np.ndarray  # bool [T, 9]
    velocity: np.ndarray  # f32 [T, 9], 0..1, 0 where there is no hit
    offset: np.ndarray  # f32 [T, 9], -0.5..0.5 of a step, positive = late

    def __len__(self) -> int:
        return len(self.hits)


def read_midi(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Hits, velocity, offset, and the number of notes whose pitch is in no class."""
    midi = mido.MidiFile(path)
    ticks_per_step = midi.ticks_per_beat / 4
    notes, unknown = [], 0
    for track in midi.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity > 0:
                drum = CLASS_OF_PITCH.get(message.note)
                if drum is None:
                    unknown += 1
                    continue
                step = int(np.floor(tick / ticks_per_step + 0.5))
                notes.append((step, drum, message.velocity / 127, tick / ticks_per_step - step))
    length = 1 + max((n[0] for n in notes), default=-1)
    velocity = np.zeros((length, len(CLASSES)), np.float32)
    offset = np.zeros_like(velocity)
    for step, drum, loudness, late in notes:
        # several notes of a class in one step: the loudest stays
        if loudness > velocity[step, drum]:
            velocity[step, drum], offset[step, drum] = loudness, late
    return velocity > 0, velocity, offset, unknown


def find_root(data: Path) -> Path:
    """The unpacked data set below `data`; unpacks `groove.tar.xz` beside the cache if necessary."""
    for root in (data, data / "groove", CACHE.parent / "groove"):
        if (root / "info.csv").exists():
            return root
    archive = data / "groove.tar.xz"
    if not archive.exists():
        raise SystemExit(f"{data}: neither groove/info.csv nor groove.tar.xz found here")
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        tar.extractall(CACHE.parent, filter="data")
    found = sorted(CACHE.parent.glob("**/info.csv"))
    if not found:
        raise SystemExit(f"{archive}: contains no info.csv")
    return found[0].parent


def load(data: Path) -> tuple[list[Take], Counter]:
    """All takes in 4/4 and 3/4, and counts of what was read and left out."""
    if CACHE.exists():
        version, takes, counts = pickle.loads(CACHE.read_bytes())
        if version == CACHE_VERSION:
            return takes, counts
    root = find_root(Path(data))
    takes, counts = [], Counter()
    with open(root / "info.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        counts["files"] += 1
        steps_per_bar = {"4-4": 16, "3-4": 12}.get(row["time_signature"])
        if steps_per_bar is None:
            counts[f"left out: {row['time_signature']} ({row['split']})"] += 1
            continue
        hits, velocity, offset, unknown = read_midi(root / row["midi_filename"])
        counts["notes of a pitch in no class"] += unknown
        if len(hits) == 0:
            counts["left out: no drum notes"] += 1
            continue
        counts[f"{row['split']} files"] += 1
        counts[f"{row['split']} steps"] += len(hits)
        counts[f"{row['split']} hits"] += int(hits.sum())
        takes.append(
            Take(row["id"], row["split"], row["style"].split("/")[0], float(row["bpm"]), row["beat_type"],
                 steps_per_bar, float(row["duration"]), hits, velocity, offset)
        )
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    CACHE.write_bytes(pickle.dumps((CACHE_VERSION, takes, counts)))
    return takes, counts


def of_split(takes: list[Take], split: str) -> list[Take]:
    return [t for t in takes if t.split == split]


def style_names(takes: list[Take]) -> list[str]:
    """["unknown", most-played style, ...], from the training split alone."""
    seconds, files = Counter(), Counter()
    for take in of_split(takes, "train"):
        seconds[take.style] += take.seconds
        files[take.style] += 1
    kept = [s for s, n in seconds.most_common() if n >= STYLE_MIN_SECONDS and files[s] >= STYLE_MIN_FILES]
    return ["unknown", *kept]


def style_tempo(takes: list[Take], styles: list[str]) -> dict[str, list[float]]:
    """10th, 50th and 90th percentile of the BPM of the training files of each style."""
    return {
        style: [float(q) for q in np.percentile([t.bpm for t in of_split(takes, "train") if t.style == style], [10, 50, 90])]
        for style in styles[1:]
    }


def groove_features(hits: np.ndarray, steps_per_bar: int) -> np.ndarray:
    """Features of a groove, f64 [6]: share of the steps with a kick, a snare, a timekeeper (hats,
    ride), a tom; share of the bars with a kick on the downbeat; share of the second and last beats
    with a snare. `hits` is [T, 9], whole bars."""
    kick, snare, keeper, tom = hits[:, 0], hits[:, 1], hits[:, [2, 3, 8]].max(-1), hits[:, 4:7].max(-1)
    place = np.arange(len(hits)) % steps_per_bar
    back = (place == 4) | (place == steps_per_bar - 4)
    return np.array([kick.mean(), snare.mean(), keeper.mean(), tom.mean(), kick[place == 0].mean(), snare[back].mean()])


def style_groove(takes: list[Take], styles: list[str]) -> dict[str, dict[str, list[float]]]:
    """Median and spread (standard deviation) of the groove features over four-bar pieces of the 4/4
    beats (not fills) of each style in the training split; "unknown" covers all of them. The minimum
    spread is 0.08, one step in 12."""
    pieces: dict[str, list[np.ndarray]] = {style: [] for style in styles}
    for take in of_split(takes, "train"):
        if take.kind != "beat" or take.steps_per_bar != 16:
            continue
        for start in range(0, len(take) - 63, 64):
            features = groove_features(take.hits[start : start + 64].astype(float), 16)
            pieces["unknown"].append(features)
            if take.style in pieces:
                pieces[take.style].append(features)
    return {
        style: {"median": np.median(rows, 0).round(4).tolist(), "spread": np.maximum(np.std(rows, 0), 0.08).round(4).tolist()}
        for style, rows in pieces.items()
        if rows
    }


def masks(hits: np.ndarray) -> np.ndarray:
    """9-bit words: bit i = class i."""
    return (hits.astype(np.int64) << np.arange(len(CLASSES))).sum(-1)


def position_and_bar(take: Take, first_bar: int = 0) -> tuple[np.ndarray, np.ndarray]:
    step = np.arange(len(take))
    return step % take.steps_per_bar, (first_bar + step // take.steps_per_bar) % 8


def windows(take: Take, bars: int) -> list[slice]:
    """Consecutive windows of `bars` bars that cover the take; the last one may be shorter."""
    size = bars * take.steps_per_bar
    return [slice(start, min(start + size, len(take))) for start in range(0, len(take), size)]
