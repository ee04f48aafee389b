"""Draws generated clips for inspection: `python -m choreograph.show --data DATA --seed 3 --out
clip.mp4` (with a click on each beat, where ffmpeg is installed), or a .png with one skeleton each
half beat, the beats framed."""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from . import clip as clips
from .sources import Pool
from .takes import BONES, load, split_of

SIZE = 320


def _draw(draw: ImageDraw.ImageDraw, points: np.ndarray, box: tuple[float, float, float], at: tuple[int, int], size: int) -> None:
    x0, y0, scale = box
    place = [((x - x0) * scale * size + at[0], (y - y0) * scale * size + at[1]) for x, y in points[:, :2]]
    for parent, child in BONES:
        sure = min(points[parent, 2], points[child, 2])
        colour = "#c04040" if child in (2, 3, 4, 9, 10, 11, 16) else "#4060c0"
        draw.line([place[parent], place[child]], fill=colour if sure > 0.5 else "#d0d0d0", width=max(2, size // 80))
    x, y = place[0]
    r = size // 40
    draw.ellipse([x - r, y - r, x + r, y + r], fill="#404040")


def _box(points: np.ndarray) -> tuple[float, float, float]:
    sure = points[points[..., 2] > 0.3]
    low, high = np.quantile(sure[:, 0], [0.005, 0.995]), np.quantile(sure[:, 1], [0.005, 0.995])
    side = max(low[1] - low[0], high[1] - high[0]) * 1.15 + 1e-6
    return (low.mean() - side / 2, high.mean() - side / 2, 1 / side)


def sheet(clip: clips.Clip, path: Path, columns: int = 16, size: int = 110) -> None:
    """One skeleton per half beat; beats have a frame, downbeats a thick one."""
    beats, numbers = clip.beats
    moments = sorted([(b, n) for b, n in zip(beats, numbers)] + [((a + b) / 2, 0) for a, b in zip(beats, beats[1:])])[: columns * 4]
    rows = -(-len(moments) // columns)
    image = Image.new("RGB", (columns * size, rows * size), "white")
    draw, box = ImageDraw.Draw(image), _box(clip.points)
    for i, (moment, number) in enumerate(moments):
        at = (i % columns * size, i // columns * size)
        frame = int(np.abs(clip.times - moment).argmin())
        _draw(draw, clip.points[frame], box, at, size)
        if number:
            draw.rectangle([at[0], at[1], at[0] + size - 2, at[1] + size - 2], outline="#209020" if number == 1 else "#a0a0a0", width=3 if number == 1 else 1)
    image.save(path)


def video(clip: clips.Clip, path: Path) -> None:
    """The clip as seen by the pose stage, with a click on each beat, higher on downbeats."""
    rate, box = 48_000, _box(clip.points)
    sound = np.zeros(int(clip.seconds * rate) + rate)
    click = np.exp(-np.arange(1200) / 200) * np.sin(2 * np.pi * np.arange(1200) * 1000 / rate)
    high = np.exp(-np.arange(1200) / 200) * np.sin(2 * np.pi * np.arange(1200) * 2000 / rate)
    for beat, number in zip(*clip.beats):
        begin = int(beat * rate)
        sound[begin : begin + 1200] += high if number == 1 else click
    with tempfile.TemporaryDirectory() as folder:
        with wave.open(f"{folder}/clicks.wav", "wb") as out:
            out.setnchannels(1), out.setsampwidth(2), out.setframerate(rate)
            out.writeframes((sound[: int(clip.seconds * rate)] * 20_000).astype("<i2").tobytes())
        command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE}x{SIZE}", "-r", "30", "-i", "-", "-i",
                   f"{folder}/clicks.wav", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)]
        encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
        for moment in np.arange(int(clip.seconds * 30)) / 30:
            image = Image.new("RGB", (SIZE, SIZE), "white")
            _draw(ImageDraw.Draw(image), clip.points[int(np.abs(clip.times - moment).argmin())], box, (0, 0), SIZE)
            encoder.stdin.write(image.tobytes())
        encoder.stdin.close()
        if encoder.wait() != 0:
            raise SystemExit(f"{path}: ffmpeg could not write it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds cmu-mocap.tar.xz")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--kind", choices=["dance", "walking", "rope"])
    parser.add_argument("--out", type=Path, required=True, help=".mp4 or .png")
    arguments = parser.parse_args()
    pool = Pool([take for take in load(arguments.data) if split_of(take.name) == "training"])
    clip = clips.generate(np.random.default_rng(arguments.seed), pool, arguments.seconds, arguments.kind)
    print(f"{clip.kind}, {clip.grid.tempo:.1f} BPM, {clip.grid.beats_per_bar} in a bar")
    (sheet if arguments.out.suffix == ".png" else video)(clip, arguments.out)


if __name__ == "__main__":
    main()
