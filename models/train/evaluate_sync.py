#!/usr/bin/env python3
"""Measures how the program's soundtracks follow the movement: renders clips at several values of
`drums.follow` and prints a table.

    make -s sync CLIPS=DIR                     # in the root: sets up, builds, measures
    evaluate_sync.py CLIP_OR_DIR ... [--follow 0,2,4] [--seeds 1,2,3] [--kinescore PROGRAM] [--groove DIR] [--json FILE]

Each clip is analysed once and scored once for each value and seed. The sound is compared with the
movement in the poses and with the impacts that the program lists. As a control, the same sounds are
compared with impacts shifted in time: this is the score of a soundtrack independent of the
movement. Exit code 0: measured; 1: the program failed; 2: a wrong flag or no clip.

avlock    Pearson correlation of onset strength and impact (summed loss of joint speed), the best
          within 50 ms.
accR      the same with the listed impacts, as pulses of their strength, instead of the impact.
louR      accR with the rise of loudness: a loud answer counts for more than a ghost note.
answered  share of the impacts of strength 0.5 and more with one of the N loudest onsets within
          60 ms, where N is the number of listed impacts.
still     loudness where the body holds still, relative to the rest, dB.
pulse     greatest autocorrelation of the onset strength at 0.3 to 1.2 s: a beat that a foot can tap
          to.
end       seconds from the last onset to the clip's end.

A second table shows whether the drums are still a groove: hits per bar; share of them more than 30
ms off the step; standard deviation of the bars' mean velocity; and how far the histograms of
velocities and offsets overlap with those of the Groove test split, which `--groove DIR` (the folder
of groove.tar.xz) reads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

import beat_movement
import groove_figures

RATE = 100  # values per second at which sound and movement are compared
HOP, SAMPLE_RATE, FFT = 220, 22050, 1024  # of the sound's spectra
SMOOTHING = 3  # values: 30 ms
NEAR = 5  # values within which the best correlation is searched for
CLOSE = 0.06  # s, greatest distance of an answer from its impact
LEAST, STRONG = 0.3, 0.5  # strength of the impacts that count, and of those that must be answered
# share of the 95th percentile of speed, and number of values in a row, that count as a hold
STILL, HOLD = 0.18, 70
SHIFTS = (0.37, 0.61, 0.83)  # of the clip's length, for the control
CONTROLLED = ("accR", "louR", "answered")
VIDEOS = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"}


@dataclass
class Moved:
    """Signals at RATE over the clip."""

    impact: np.ndarray
    speed: np.ndarray


@dataclass
class Heard:
    """Onset strength, rise of loudness and loudness at RATE over the clip."""

    onset: np.ndarray
    rise: np.ndarray
    loudness: np.ndarray


def moved(poses: Path) -> Moved:
    track = beat_movement.read(poses)
    velocity, weight = beat_movement.velocities(track)
    speed = np.hypot(velocity[..., 0], velocity[..., 1]) * (weight > LEAST)
    speed = np.minimum(speed, np.percentile(speed, 99, axis=0) + 1e-9)
    loss = np.clip(-np.diff(speed, axis=0, prepend=speed[:1]), 0, None).sum(1) * beat_movement.RATE
    times, wanted = np.arange(len(speed)) / beat_movement.RATE, np.arange(0, track.duration, 1 / RATE)
    smoothed = [gaussian_filter1d(np.interp(wanted, times, values), SMOOTHING) for values in (loss, speed.sum(1))]
    return Moved(*smoothed)


def heard(sound: Path, count: int) -> Heard:
    import librosa  # takes seconds to import

    samples, rate = librosa.load(sound, sr=SAMPLE_RATE)
    wanted = np.arange(count) / RATE

    def resampled(values: np.ndarray) -> np.ndarray:
        return np.interp(wanted, np.arange(len(values)) * HOP / rate, values, right=0)

    onset = librosa.onset.onset_strength(y=samples, sr=rate, hop_length=HOP, n_fft=FFT)
    power = np.abs(librosa.stft(samples, n_fft=FFT, hop_length=HOP)) ** 2
    loudness = (librosa.feature.melspectrogram(S=power, sr=rate, n_mels=40) ** 0.3).sum(0)
    rise = np.clip(np.diff(loudness, prepend=loudness[:1]), 0, None)
    return Heard(gaussian_filter1d(resampled(onset), SMOOTHING), gaussian_filter1d(resampled(rise), SMOOTHING), resampled(loudness))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """The greatest Pearson correlation of two signals within NEAR values."""
    a, b = a - a.mean(), b - b.mean()
    spectrum = np.fft.rfft(b) * np.conj(np.fft.rfft(a))
    lagged = np.fft.irfft(spectrum, len(a)) / (len(a) * a.std() * b.std() + 1e-12)
    return float(max(lagged[lag % len(a)] for lag in range(-NEAR, NEAR + 1)))


def holds(speed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the body holds (after 0.3 s), and where it moves; neither at the very end, where music
    rings out."""
    low = speed < STILL * np.percentile(speed, 95)
    held, moving = np.zeros(len(speed), bool), np.ones(len(speed), bool)
    edges = np.flatnonzero(np.diff(np.r_[False, low, False].astype(int)))
    for begin, end in zip(edges[::2], edges[1::2]):
        if end - begin >= HOLD:
            held[begin + 30 : end], moving[begin:end] = True, False
    held[-120:] = moving[-120:] = False
    return held, moving


def answers(impacts: np.ndarray, rise: np.ndarray) -> float:
    """Share of the strong impacts with one of the loudest onsets nearby, at the best of seven
    lags, which allow for the delay of the measure itself."""
    at, _ = find_peaks(rise, prominence=0.08 * (np.percentile(rise, 99) + 1e-9))
    loudest = at[np.argsort(-rise[at])][: len(impacts)] / RATE
    strong = impacts[impacts[:, 1] >= STRONG, 0]
    strong = strong if len(strong) >= 3 else impacts[:, 0]
    if not len(loudest):
        return 0.0
    return max(float(np.mean([np.abs(loudest + lag / RATE - time).min() < CLOSE for time in strong])) for lag in range(-3, 4))


def compare(body: Moved, sound: Heard, impacts: np.ndarray) -> dict[str, float]:
    count = len(body.impact)
    result = {"avlock": correlation(body.impact, sound.onset)}
    if len(impacts):
        pulses = np.zeros(count)
        for time, strength in impacts:
            if int(time * RATE) < count:
                pulses[int(time * RATE)] += strength
        pulses = gaussian_filter1d(pulses, SMOOTHING)
        result |= {"accR": correlation(pulses, sound.onset), "louR": correlation(pulses, sound.rise), "answered": answers(impacts, sound.rise)}
    held, moving = holds(body.speed)
    if held.sum() > 30 and moving.any():
        result["still"] = 20 / 0.6 * np.log10((sound.loudness[held].mean() + 1e-9) / (sound.loudness[moving].mean() + 1e-9))
    centred = sound.onset - sound.onset.mean()
    repeats = np.correlate(centred, centred, "full")[count - 1 :]
    result["pulse"] = float((repeats / repeats[0])[30 : min(120, count - 5)].max())
    at, _ = find_peaks(sound.onset, prominence=0.15 * (np.percentile(sound.onset, 99) + 1e-9))
    result["end"] = (count - at[-1]) / RATE if len(at) else count / RATE
    return result


def controlled(body: Moved, sound: Heard, impacts: np.ndarray, duration: float) -> dict[str, float]:
    """The score of the same sound with shifted impacts."""
    results = []
    for shift in SHIFTS:
        shifted = impacts.copy()
        shifted[:, 0] = (shifted[:, 0] + shift * duration) % duration
        results.append(compare(body, sound, shifted))
    return {name: float(np.mean([r.get(name, np.nan) for r in results])) for name in CONTROLLED}


def render(program: str, *arguments: object) -> None:
    command = [program, "render", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
        sys.exit(1)


def measure(
    clip: Path, program: str, follows: list[str], seeds: list[str], folder: Path, takes: dict[str, list[groove_figures.Played]]
) -> list[dict]:
    """The figures of every depth and seed; the hits of each are added to `takes` under its
    depth."""
    poses, rhythm = folder / "poses.json", folder / "rhythm.json"
    render(program, clip, "--until", "pose", "-o", poses)
    render(program, "--from", poses, "--until", "rhythm", "-o", rhythm)
    body, rows = moved(poses), []
    for follow in follows:
        for seed in seeds:
            sound, analysis = folder / "sound.wav", folder / "analysis.json"
            render(program, "--from", rhythm, "--no-video", "--wav", sound, "--json", analysis, "--follow", follow, "--seed", seed)
            found = json.loads(analysis.read_text())
            listed = [(a["time"], a["strength"]) for a in found["accents"] if a["kind"] == "impact" and a["strength"] >= LEAST]
            impacts, notes = np.array(listed, float).reshape(-1, 2), heard(sound, len(body.impact))
            row = {"clip": clip.stem, "follow": follow, "seed": seed} | compare(body, notes, impacts)
            takes[follow].append(groove_figures.Played.of_analysis(found))
            row |= groove_figures.figures(takes[follow][-1])
            control = controlled(body, notes, impacts, found["clip"]["duration"]) if len(impacts) else {}
            rows.append(row | {f"shifted {name}": value for name, value in control.items()})
    return rows


def table(rows: list[dict], follows: list[str]) -> str:
    names = ["avlock", "accR", "louR", "answered", "still", "pulse", "end", *(f"shifted {name}" for name in CONTROLLED)]
    lines = ["| clip | follow | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    for clip in [*dict.fromkeys(row["clip"] for row in rows), None]:
        for follow in follows:
            chosen = [row for row in rows if clip in (None, row["clip"]) and row["follow"] == follow]
            values = [[row[name] for row in chosen if np.isfinite(row.get(name, np.nan))] for name in names]
            cells = " | ".join(f"{np.mean(v):.2f}" if v else "" for v in values)
            lines.append(f"| {clip or '**all**'} | {follow} | {cells} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path, help="videos, or folders of videos")
    parser.add_argument("--follow", default="0,2,4", help="depths, separated by commas")
    parser.add_argument("--seeds", default="1,2,3", help="seeds, separated by commas")
    parser.add_argument("--kinescore", default=os.environ.get("KINESCORE", "kinescore"), help="the program")
    parser.add_argument("--groove", type=Path, help="folder that holds groove.tar.xz or the unpacked groove/")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    given = parser.parse_args()
    clips = []
    for path in given.clips:
        clips += sorted(p for p in path.iterdir() if p.suffix.lower() in VIDEOS) if path.is_dir() else [path]
    missing = [str(clip) for clip in clips if not clip.is_file()]
    if missing or not clips:
        parser.error(f"not a video file: {', '.join(missing)}" if missing else "no video in the folders given")
    # The same clip may be in two folders.
    clips = list({clip.name: clip for clip in clips}.values())
    follows, seeds, rows = given.follow.split(","), given.seeds.split(","), []
    takes: dict[str, list[groove_figures.Played]] = {follow: [] for follow in follows}
    drummers = groove_figures.Drummers.read(given.groove) if given.groove else None
    warnings.filterwarnings("ignore", module="librosa")
    for clip in clips:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(clip, given.kinescore, follows, seeds, Path(folder), takes)
        print(f"{clip.name}: measured", file=sys.stderr)
    print(table(rows, follows))
    print()
    print(groove_figures.table(takes, drummers))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
