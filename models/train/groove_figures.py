"""Figures that show whether drums are still a groove: the number of hits, their distance from
the grid, the change of loudness from bar to bar, and the distributions of velocities and
offsets compared with those of the drummers of the Groove MIDI Dataset (official test split)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

FAR = 0.030  # s from the step, heard as off the grid
VELOCITIES, OFFSETS = np.linspace(0, 1, 33), np.linspace(-0.5, 0.5, 41)
LEAST_BARS = 4  # bars that a take needs for them to be compared
NAMES = ("hits a bar", "far off", "bar SD", "velocities", "offsets")
# The range of 5 to 95 % of the drummers' takes, and the overlap of two drummers with each other.
RANGES = {"hits a bar": "12 to 26", "far off": "≤ 0.30", "bar SD": "5 to 8", "velocities": "≥ 0.80", "offsets": "≥ 0.64"}


@dataclass
class Played:
    """Hits of one take: the bar of each, its velocity (0 to 1), its offset (steps, positive is
    late), and the step's length."""

    bar: np.ndarray
    velocity: np.ndarray
    offset: np.ndarray
    step: float
    bars: float

    @classmethod
    def of_analysis(cls, found: dict) -> "Played":
        """The hits listed in the program's analysis."""
        hits, beats = found["drums"]["hits"], found["beats"]
        per_bar = 4 * found["beats_per_bar"]
        # Step 0 is the first beat.
        shift = 4 * (beats[0]["number"] - 1)
        return cls(
            np.array([(hit["step"] + shift) // per_bar for hit in hits], int),
            np.array([hit["velocity"] for hit in hits], float),
            np.array([hit["offset"] for hit in hits], float),
            15 / found["tempo_bpm"],
            found["clip"]["duration"] * found["tempo_bpm"] / 60 / found["beats_per_bar"],
        )


def figures(played: Played) -> dict[str, float]:
    """Figures of a single take: hits per bar, share of hits far off, standard deviation of the
    bars' mean velocity (MIDI)."""
    if not len(played.velocity):
        return {}
    result = {
        "hits a bar": len(played.velocity) / max(played.bars, 1e-9),
        "far off": float((np.abs(played.offset) * played.step > FAR).mean()),
    }
    # Bars cut off by the clip's ends have too few hits for a mean.
    bars, counts = np.unique(played.bar, return_counts=True)
    full = bars[counts >= 4]
    if len(full) >= LEAST_BARS:
        means = [played.velocity[played.bar == bar].mean() for bar in full]
        result["bar SD"] = float(127 * np.std(means))
    return result


def overlap(a: np.ndarray, b: np.ndarray, bins: np.ndarray) -> float:
    """Area shared by two histograms, 0 to 1."""
    p, q = (np.histogram(values, bins)[0].astype(float) for values in (a, b))
    return float(np.minimum(p / max(p.sum(), 1), q / max(q.sum(), 1)).sum())


@dataclass
class Drummers:
    """The takes of the Groove test split that are 4/4 beats."""

    takes: list[Played]

    @classmethod
    def read(cls, data: Path) -> "Drummers":
        import groove  # needs mido

        takes = []
        for take in groove.of_split(groove.load(data)[0], "test"):
            if take.kind != "beat" or take.steps_per_bar != 16:
                continue
            step, drum = np.nonzero(take.hits)
            played = Played(step // 16, take.velocity[step, drum], take.offset[step, drum], 15 / take.bpm, len(take) / 16)
            takes.append(played)
        return cls(takes)

    def overlaps(self, velocity: np.ndarray, offset: np.ndarray) -> dict[str, float]:
        own = [np.concatenate([getattr(take, name) for take in self.takes]) for name in ("velocity", "offset")]
        return {"velocities": overlap(velocity, own[0], VELOCITIES), "offsets": overlap(offset, own[1], OFFSETS)}

    def figures(self) -> dict[str, float]:
        rows = [figures(take) for take in self.takes]
        return {name: float(np.mean([row[name] for row in rows if name in row])) for name in NAMES[:3]}


def table(takes: dict[str, list[Played]], drummers: Drummers | None) -> str:
    """One row per depth of following, and one for the drummers."""
    lines = ["| follow | " + " | ".join(NAMES) + " |", "|---|" + "---|" * len(NAMES)]

    def line(name: str, row: dict[str, float]) -> str:
        return f"| {name} | " + " | ".join(f"{row[n]:.2f}" if n in row else "" for n in NAMES) + " |"

    for follow, played in takes.items():
        rows = [figures(take) for take in played]
        values = {name: [row[name] for row in rows if name in row] for name in NAMES[:3]}
        row = {name: float(np.mean(v)) for name, v in values.items() if v}
        if drummers and played:
            row |= drummers.overlaps(*(np.concatenate([getattr(take, name) for take in played]) for name in ("velocity", "offset")))
        lines.append(line(follow, row))
    if drummers:
        lines.append(line("drummers", drummers.figures()))
    lines.append("| wanted | " + " | ".join(RANGES[name] for name in NAMES) + " |")
    return "\n".join(lines)
