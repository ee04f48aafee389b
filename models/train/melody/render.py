"""Renders songs with the external program MMA (Musical MIDI Accompaniment): text in, a MIDI file
out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np

from .harmony import Harmony

LIBRARY = Path("/usr/share/mma/lib")
SECONDS = 30  # maximum time for a song


class RenderError(Exception):
    """MMA refused a song."""


def available() -> bool:
    """Whether MMA and its library are installed."""
    return shutil.which("mma") is not None and LIBRARY.is_dir()


def run(text: str, folder: Path, name: str = "song") -> tuple[Path, str]:
    """Renders a song's text; returns the MIDI file in `folder`, and the output of MMA."""
    source, target = folder / f"{name}.mma", folder / f"{name}.mid"
    source.write_text(text)
    target.unlink(missing_ok=True)
    try:
        done = subprocess.run(["mma", "-w", str(source), "-f", str(target)], capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as late:
        raise RenderError(f"{source}: MMA took over {SECONDS} s") from late
    if done.returncode != 0 or not target.exists():
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "Error" in line or "error" in line]
        raise RenderError(f"{source}: {' '.join(lines)[:200] or f'exit {done.returncode}'}")
    return target, done.stdout


# Tempi of a style, in beats per minute.
TEMPI = {"rock": (92, 168), "punk": (140, 180), "latin": (84, 160), "afrocuban": (80, 150), "afrobeat": (90, 140), "jazz": (80, 180),
         "hiphop": (66, 108), "dance": (108, 150), "soul": (62, 120), "reggae": (64, 130), "country": (84, 170), "blues": (66, 145),
         "pop": (70, 140), "funk": (84, 128), "neworleans": (84, 160), "unknown": (68, 160)}


def tempo(rng: np.random.Generator, style: str, name: str) -> int:
    """A random tempo for the style, within 60..=180; a groove called slow or fast, or a ballad, has
    its own."""
    low, high = TEMPI.get(style, TEMPI["unknown"])
    name = name.lower()
    if "slow" in name or "ballad" in name or "bald" in name:
        low, high = 60, 96
    elif "fast" in name or "quick" in name:
        low, high = 130, 180
    if rng.random() < 0.15:
        low, high = 60, 180
    return int(round(float(np.exp(rng.uniform(np.log(low), np.log(high))))))


def arrange(rng: np.random.Generator, harmony: Harmony, grooves: list) -> list[str]:
    """The groove of each bar, from one family: one per section letter, fills between sections, an
    intro and an ending."""
    of_kind = {kind: [groove for groove in grooves if groove.kind == kind] for kind in ("main", "intro", "fill", "end")}
    main = of_kind["main"] or grooves
    richness = np.array([0.3 + min(2.0, sum(groove.notes[part] for part in ("piano", "guitar")) / 8) for groove in main])
    by_letter: dict[str, object] = {}
    result = [""] * harmony.bars
    for first, length, label in harmony.sections:
        letter = label[0]
        if letter not in by_letter:
            new = [index for index, groove in enumerate(main) if groove not in by_letter.values()] or list(range(len(main)))
            weights = richness[new] / richness[new].sum()
            by_letter[letter] = main[int(rng.choice(new, p=weights))]
        groove = by_letter[letter]
        result[first:first + length] = [groove.name] * length
        if first + length < harmony.bars and of_kind["fill"] and rng.random() < 0.7:
            fill = of_kind["fill"][int(rng.integers(len(of_kind["fill"])))]
            result[first + length - 1] = fill.name
    short = [groove for groove in of_kind["intro"] if groove.size <= 4]
    if short and rng.random() < 0.5:
        intro = short[int(rng.integers(len(short)))]
        result[:intro.size] = [intro.name] * intro.size
    short = [groove for groove in of_kind["end"] if groove.size <= 4]
    if short and rng.random() < 0.6:
        end = short[int(rng.integers(len(short)))]
        result[-end.size:] = [end.name] * end.size
    return result


def text(harmony: Harmony, bpm: int, grooves: list[str], seed: int) -> str:
    """The song in MMA's input format."""
    lines = [f"RndSeed {seed}", f"Tempo {bpm}"]
    starts = {first for first, _, _ in harmony.sections}
    for bar, chords in enumerate(harmony.chords):
        if bar == 0 or grooves[bar] != grooves[bar - 1] or bar in starts:
            lines.append(f"Groove {grooves[bar]}")
        beats = []
        for beat in range(harmony.steps // 4):
            at = [chord for step, chord in chords if step == 4 * beat]
            beats.append(at[0].name if at else "/")
        lines.append(f"{bar + 1} {' '.join(beats)}")
    return "\n".join(lines) + "\n"
