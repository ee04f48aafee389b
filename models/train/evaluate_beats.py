"""Measures the beats that Kinescore finds against annotated clips, and compares them with
baselines.

    python evaluate_beats.py CLIPS [--data DIR] [--json FILE] [--jobs N]

CLIPS is a folder of clips, each a video or a saved pose file (`kinescore render CLIP --until
pose`), with an annotation of the same name: NAME.beats, NAME.txt or NAME.csv, with the time of one
beat in seconds per line; an optional second column is the position of the beat in its bar (1 =
downbeat); '#' begins a comment. README.md describes what is measured, and how.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import beat_baselines
import beat_metrics
import beat_movement
from beat_clips import Clip, Failure, find_clips, say

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
AUTHORS = "rhythmicnet-beats.onnx"
SCALES = (0.5, 1.0, 2.0, 4.0)  # of the authors' network's input
# values of the setting beats.source, the product's default first
SOURCES = ("auto", "network", "motion")
NO_PERSON, NO_BEAT = 4, 5  # exit codes of the program that are answers

RANDOM, ORACLE, SONG = "random metronome", "best steady grid (oracle)", "the annotated grid itself"
CONFIDENCE_BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
LOCKED = 95  # lock percentile from which a grid counts as locked to the movement


# ---- the program ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    """The `kinescore` program, with the settings for each call."""

    path: str
    version: str
    sources: tuple[str, ...]
    settings: tuple[str, ...] = ()

    def call(self, *arguments, answers=()) -> subprocess.CompletedProcess:
        done = subprocess.run([self.path, "-q", *map(str, arguments)], capture_output=True, env=environment(), check=False)
        if done.returncode and done.returncode not in answers:
            said = done.stderr.decode(errors="replace").strip() or "nothing"
            # 2 and 3: the user's input cannot be used.
            raise Failure(f"`{Path(self.path).name} {' '.join(map(str, arguments))}` ended with exit code {done.returncode}: {said}", 2 if done.returncode in (2, 3) else 1)
        return done

    def set(self, *more: str, poses: bool) -> list[str]:
        """Flags for the settings; those of the pose stage only when finding poses."""
        kept = [s for s in (*self.settings, *more) if poses or not s.startswith("pose.")]
        return [word for setting in kept for word in ("--set", setting)]


def environment() -> dict[str, str]:
    """The caller's environment, with this checkout's models and ONNX Runtime as defaults."""
    result = dict(os.environ)
    for key, place in (("KINESCORE_MODELS", ROOT / "models"), ("KINESCORE_ONNXRUNTIME", ROOT / ".setup" / "onnxruntime")):
        if key not in result and place.is_dir():
            result[key] = str(place)
    return result


def find_program(given: str | None, settings: list[str]) -> Program:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    tried = [given] if given else [os.environ.get("KINESCORE"), str(target / "release" / "kinescore"), "kinescore"]
    path = next((found for place in tried if place and (found := shutil.which(place))), None)
    if path is None:
        raise Failure(f"the program kinescore was not found; tried: {', '.join(p for p in tried if p)}. build it with `make build`, or specify it with --kinescore")
    program = Program(os.path.abspath(path), "", (), tuple(settings))
    version = program.call("--version").stdout.decode().strip()
    table = json.loads(program.call("settings", "--json").stdout)
    sources = next((tuple(row.get("words", ())) for row in table if row["key"] == "beats.source"), ())
    for setting in settings:
        key, _, value = setting.partition("=")
        if not value or key not in {row["key"] for row in table} or key == "beats.source":
            allowed = ", ".join(row["key"] for row in table if row["key"] != "beats.source")
            raise Failure(f"--set {setting}: expected KEY=VALUE with one of the keys {allowed}")
    return Program(program.path, version, sources, program.settings)


def poses_of(clip: Clip, program: Program, cache: Path) -> Path | None:
    """The saved pose file of a clip, from the cache if it is there; `None` if the program finds no
    person."""
    if clip.saved:
        return clip.path
    content = hashlib.sha256(clip.path.read_bytes())
    content.update("\n".join([program.version, *program.set(poses=True)]).encode())
    place = cache / f"{clip.name}.{content.hexdigest()[:16]}.pose.json"
    if place.exists():
        return place
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        written = Path(folder) / "pose.json"
        done = program.call("render", clip.path, "--until", "pose", "-o", written, *program.set(poses=True), answers=(NO_PERSON,))
        if done.returncode == NO_PERSON:
            return None
        written.rename(place)
    return place


# ---- one clip ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    clip: Clip
    program: Program
    cache: Path
    authors: Path | None
    scales: tuple[float, ...]
    random_count: int
    seed: int
    trim: float


def row_name(source: str) -> str:
    return f"ours, {source}"


def scale_name(scale: float) -> str:
    return f"authors' network ×{scale:g}"


def evaluate(task: Task) -> dict:
    """The results of one clip: what each method found, and its measures."""
    clip, program = task.clip, task.program
    poses_path = poses_of(clip, program, task.cache)
    poses = moved = None
    if poses_path is not None:
        try:
            poses = beat_movement.read(poses_path)
        except beat_movement.PoseFileError as error:
            raise Failure(str(error)) from None
        moved = beat_movement.movement(poses)
    # Without poses the length is unknown; the annotation is accurate enough for the baselines.
    annotated = clip.annotation.beats
    duration = poses.duration if poses else float(2 * annotated[-1] - annotated[-2])
    annotation = clip.annotation.within(duration)
    annotated, numbers = annotation.beats, annotation.numbers
    late = annotated[annotated >= task.trim]
    if len(late) < 2:
        raise Failure(f"{annotation.path}: {len(late)} beats after {task.trim:g} s (--trim); expected at least two")

    def measured(beats: np.ndarray, tempo: float | None = None) -> dict:
        beats = np.asarray(beats, float)
        judged = annotation.of_part(beats[beats >= task.trim])
        result = beat_metrics.measures(late, judged, tempo or beat_metrics.tempo_of(beats))
        return result | unlabelled(beats)

    def unlabelled(beats: np.ndarray) -> dict:
        lock = beat_movement.lock(moved, beats) if moved else None
        result = {"lock": lock, "locked": None if lock is None else float(lock >= LOCKED)}
        phases = (beat_movement.impact_phase(moved, beats) if moved else None) or [None] * 4
        return result | dict(zip(("impact_0", "impact_1/4", "impact_1/2", "impact_3/4"), phases))

    methods: dict[str, dict] = {}
    for source in (s for s in SOURCES if s in program.sources):
        found = ask(program, poses_path, source)
        result = measured(found["beats"], found["tempo"])
        if numbers is not None and (numbers == 1).any():
            first = np.array([t for t, n in zip(found["beats"], found["numbers"]) if n == 1 and t >= task.trim])
            result["downbeat_f"] = beat_metrics.f_measure(annotated[(numbers == 1) & (annotated >= task.trim)], annotation.of_part(first))
        methods[row_name(source)] = found | result
    if task.authors:
        network = beat_baselines.AuthorsNetwork(task.authors) if poses else None
        for scale in task.scales:
            beats = network.beats(poses, scale) if network else np.array([])
            methods[scale_name(scale)] = {"answer": "beats" if network else "no person", "beats": beats.tolist(), "tempo": beat_metrics.tempo_of(beats)} | measured(beats)

    draws = beat_baselines.random_metronomes([task.seed, zlib.crc32(clip.name.encode())], task.random_count, duration)
    every = [measured(beats, tempo) for tempo, beats in draws]
    methods[RANDOM] = {key: mean_of([one[key] for one in every]) for key in every[0]}
    tempo, beats = beat_baselines.best_metronome(late, duration)
    methods[ORACLE] = {"beats": beats.tolist(), "tempo": tempo} | measured(beats, tempo)
    methods[SONG] = {"beats": annotated.tolist(), "tempo": beat_metrics.tempo_of(annotated)} | unlabelled(annotated)
    return {
        "clip": clip.name,
        "file": str(clip.path),
        "annotation": str(annotation.path),
        "duration": duration,
        "annotated_beats": len(annotated),
        "left_out_after_the_end": len(clip.annotation.beats) - len(annotated),
        "annotated_tempo": beat_metrics.tempo_of(annotated),
        "song_lock": methods[SONG]["lock"],
        "methods": methods,
    }


def ask(program: Program, poses_path: Path | None, source: str) -> dict:
    """The program's result: its answer, beats, tempo and confidence."""
    nothing = {"beats": [], "numbers": [], "tempo": None, "confidence": None}
    if poses_path is None:
        return {"answer": "no person"} | nothing
    done = program.call("analyze", "--from", poses_path, "--json", "-", *program.set(f"beats.source={source}", poses=False), answers=(NO_PERSON, NO_BEAT))
    if done.returncode:
        return {"answer": "no beat" if done.returncode == NO_BEAT else "no person"} | nothing
    analysis = json.loads(done.stdout)
    return {
        "answer": "beats",
        "beats": [beat["time"] for beat in analysis["beats"]],
        "numbers": [beat["number"] for beat in analysis["beats"]],
        "tempo": analysis["tempo_bpm"],
        "confidence": analysis["confidence"],
        # Any other words or numbers in the program's output, such as what `auto` chose.
        "reported": {key: value for key, value in analysis.items() if isinstance(value, (str, int, float)) and key not in ("tempo_bpm", "confidence")},
    }


def mean_of(values: list) -> float | None:
    present = [v for v in values if v is not None]
    return float(np.mean(present)) if present else None


# ---- over the folder -----------------------------------------------------------------------------

# (key, heading, decimals, statistic). Drift and lock have long tails, so the median is more
# informative.
BEATS = [("f", "F ±70 ms", 2, np.mean), ("cemgil", "Cemgil", 2, np.mean), ("cmlc", "CMLc", 2, np.mean), ("cmlt", "CMLt", 2, np.mean),
         ("amlc", "AMLc", 2, np.mean), ("amlt", "AMLt", 2, np.mean), ("downbeat_f", "downbeat F", 2, np.mean)]  # fmt: skip
REST = [("tempo_1", "tempo 1", 2, np.mean), ("tempo_2", "tempo 2", 2, np.mean), ("drift_ms", "drift ms (median)", 0, np.median),
        ("lock", "lock % (median)", 0, np.median), ("locked", f"lock ≥ {LOCKED}", 2, np.mean), ("impact_0", "impact", 2, np.mean), ("impact_1/4", "at +¼", 2, np.mean),
        ("impact_1/2", "at +½", 2, np.mean), ("impact_3/4", "at +¾", 2, np.mean)]  # fmt: skip
PAIRED = [("f", "F", 2), ("cemgil", "Cemgil", 2), ("cmlt", "CMLt", 2), ("amlt", "AMLt", 2), ("tempo_1", "tempo 1", 2), ("tempo_2", "tempo 2", 2),
          ("drift_ms", "drift ms (mean)", 0), ("lock", "lock % (mean)", 0)]  # fmt: skip


def number(value: float, decimals: int, sign: bool = False) -> str:
    return f"{value:{'+' if sign else ''}.{decimals}f}"


class Summary:
    """Statistics over the clips with their intervals; keeps them for --json."""

    def __init__(self, results: list[dict], bootstrap: beat_metrics.Bootstrap):
        self.results, self.bootstrap = results, bootstrap

    def values(self, method: str, key: str) -> list:
        return [r["methods"].get(method, {}).get(key) for r in self.results]

    def figure(self, method: str, key: str, statistic) -> dict | None:
        present = [v for v in self.values(method, key) if v is not None]
        if not present:
            return None
        interval = self.bootstrap.interval(present, statistic)
        return {"value": float(statistic(np.array(present))), "interval_95": interval, "clips": len(present)}

    def rows(self, methods: list[str]) -> dict:
        return {m: {key: self.figure(m, key, statistic) for key, _, _, statistic in BEATS + REST} for m in methods}

    def difference(self, ours: str, other: str, key: str) -> dict | None:
        pairs = [(a, b) for a, b in zip(self.values(ours, key), self.values(other, key)) if a is not None and b is not None]
        if not pairs:
            return None
        apart = np.array([a - b for a, b in pairs])
        return {"value": float(apart.mean()), "interval_95": self.bootstrap.interval(apart), "clips": len(apart)}


def cell(figure: dict | None, decimals: int, sign: bool = False, clips: int = 0) -> str:
    """The figure with its interval and, if not all of `clips` have it, how many do."""
    if figure is None:
        return "–"
    text = number(figure["value"], decimals, sign)
    if figure["interval_95"]:
        text += " [" + ", ".join(number(v, decimals, sign) for v in figure["interval_95"]) + "]"
    if clips and figure["clips"] < clips:
        text += f" of {figure['clips']}"
    return text


def table(heading: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, aligned so that it is readable as plain text."""
    widths = [max(len(row[i]) for row in [heading, *rows]) for i in range(len(heading))]
    line = lambda row: "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |"  # noqa: E731
    return "\n".join([line(heading), "|" + "|".join("-" * (w + 2) for w in widths) + "|", *map(line, rows)])


def figures(summary: Summary, methods: list[str], missing: dict[str, str]) -> tuple[str, dict]:
    """The table of all methods in two blocks of columns; for methods without figures, the
    reason."""
    rows = summary.rows(methods)
    blocks = []
    for columns in (BEATS, REST):
        columns = [c for c in columns if any(rows[m][c[0]] for m in methods)]
        lines = [[m, *(cell(rows[m][key], decimals, clips=len(summary.results)) for key, _, decimals, _ in columns)] for m in methods]
        lines += [[m, why, *[""] * (len(columns) - 1)] for m, why in missing.items()]
        blocks.append(table(["", *(heading for _, heading, _, _ in columns)], lines))
    return "\n\n".join(blocks), rows


def calibration(results: list[dict], method: str, bootstrap: beat_metrics.Bootstrap) -> tuple[str, list[dict]]:
    """How often clips with a given confidence are right: F of 0.5 or more, or the tempo."""
    found = [r["methods"][method] for r in results if r["methods"][method]["answer"] == "beats"]
    bins, lines = [], []
    for low, high in zip(CONFIDENCE_BINS, CONFIDENCE_BINS[1:]):
        inside = [m for m in found if low <= m["confidence"] < high or m["confidence"] == high == 1]
        row = {"from": low, "to": high, "clips": len(inside)}
        if inside:
            right = {
                "confidence": [m["confidence"] for m in inside],
                "f_right": [float(m["f"] >= 0.5) for m in inside],
                "tempo_right": [m["tempo_1"] for m in inside],
                "either": [float(m["f"] >= 0.5 or m["tempo_1"] > 0) for m in inside],
            }
            row |= {key: {"value": float(np.mean(v)), "interval_95": bootstrap.interval(v), "clips": len(v)} for key, v in right.items()}
        bins.append(row)
        lines.append([f"{low:g} to {high:g}", str(len(inside)), *(cell(row.get(key), 2) for key in ("confidence", "f_right", "tempo_right", "either"))])
    return table(["confidence", "clips", "its mean", "F ≥ 0.5", "tempo right", "either"], lines), bins


def report(results: list[dict], program: Program, settings: argparse.Namespace) -> dict:
    """Prints the tables and returns their figures."""
    bootstrap = beat_metrics.Bootstrap(settings.seed)
    summary = Summary(results, bootstrap)
    ours = [row_name(s) for s in SOURCES if s in program.sources]
    missing = {row_name(s): "not in this build" for s in SOURCES if s not in program.sources}
    scales = [scale_name(s) for s in settings.scales] if settings.data else []
    if not scales:
        missing["authors' network"] = f"not measured: specify the folder with {AUTHORS} by --data DIR"
    over_scales = {name: summary.figure(name, "f", np.mean) for name in scales}
    best = max(scales, key=lambda name: over_scales[name]["value"], default=None)
    baselines = [*([best] if best else []), RANDOM, ORACLE]
    methods = [*ours, *baselines, SONG]
    first = "no beats left out" if not settings.trim else f"beats before {settings.trim:g} s left out"
    out = {"program": program.version, "clips": results, "settings": {k: str(v) if isinstance(v, Path) else v for k, v in vars(settings).items()}}

    print(f"# Beats of {len(results)} clips, {program.version}\n")
    print(f"Mean over clips (or median) with the 95 % bootstrap interval over clips ({beat_metrics.RESAMPLES} resamples); {first}.")
    print(f"The random metronome is the mean of {settings.random} of 80 to 135 beats per minute in each clip.\n")
    if not settings.trim:
        print("mir_eval.beat.evaluate on its own would leave out the beats of the first 5 s, much of a short clip; its measures are called without that.\n")
    text, out["all"] = figures(summary, methods, missing)
    print(text)
    if best:
        print(f"\nThe authors' network has the best scale of its input over this folder, which favours it. F by scale: {', '.join(f'{n} {cell(f, 2)}' for n, f in over_scales.items())}.")
        out["authors_scales"], out["authors_best"] = over_scales, best

    if ours:
        print(f"\n## {ours[0]} less each other row: mean difference over clips\n")
        others = [*ours[1:], *baselines]
        out["differences"] = {o: {key: summary.difference(ours[0], o, key) for key, _, _ in PAIRED} for o in others}
        lines = [[o, *(cell(out["differences"][o][key], decimals, sign=True) for key, _, decimals in PAIRED)] for o in others]
        print(table(["", *(h for _, h, _ in PAIRED)], lines))
        print("\nPaired bootstrap over clips; an interval without 0 is a difference that these clips show. Less drift is better.")

    locked = [r for r in results if (r["song_lock"] or 0) >= LOCKED]
    print(f"\n## Clips whose song locks to the movement (lock percentile of the annotated grid {LOCKED} or more): {len(locked)} of {len(results)}\n")
    if locked:
        text, out["locked"] = figures(Summary(locked, bootstrap), methods, missing)
        print(text)
    else:
        out["locked"] = None
        print("None here.")

    out["calibration"] = {}
    for name in ours:
        print(f"\n## Confidence of {name}\n")
        text, out["calibration"][name] = calibration(results, name, bootstrap)
        print(text)

    print("\n## Clips\n")
    shown = [*ours, *([best] if best else [])]
    lines = []
    for r in results:
        per_method = [f"{r['methods'][m]['f']:.2f}" + (f" at {r['methods'][m]['tempo']:.1f}" if r["methods"][m].get("tempo") else f" ({r['methods'][m]['answer']})") for m in shown]
        song = "–" if r["song_lock"] is None else f"{r['song_lock']:.0f}"
        confidence = [r["methods"][m]["confidence"] for m in ours]
        lines.append([r["clip"], f"{r['duration']:.1f}", str(r["annotated_beats"]), f"{r['annotated_tempo']:.1f}", song, *per_method,
                      *("–" if c is None else f"{c:.2f}" for c in confidence), f"{r['methods'][RANDOM]['f']:.2f}", f"{r['methods'][ORACLE]['f']:.2f}"])  # fmt: skip
    print(table(["clip", "s", "beats", "tempo", "song's lock", *(f"{m}: F at tempo" for m in shown), *(f"{m}: confidence" for m in ours), "random F", "oracle F"], lines))

    for name in ours:
        without = [(r["clip"], r["methods"][name]["answer"]) for r in results if r["methods"][name]["answer"] != "beats"]
        if without:
            print(f"\n{name}, counted with F 0: " + "; ".join(f"{clip} ({answer})" for clip, answer in without))
    for r in results:
        if r["left_out_after_the_end"]:
            print(f"\n{r['clip']}: {r['left_out_after_the_end']} annotated beats after the clip's end left out")
    return out


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}'; expected a whole number, at least 1")
    return int(text)


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"'{text}'; expected seconds, at least 0")
    return value


def scales(text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(math.isfinite(v) and v > 0 for v in values):
        raise argparse.ArgumentTypeError(f"'{text}'; expected numbers above 0, separated by commas, such as 0.5,1,2")
    return values


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0], epilog=__doc__.split("\n\n", 2)[2], formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("clips", type=Path, metavar="CLIPS", help="folder of clips and their annotations")
    result.add_argument("--data", type=Path, metavar="DIR", help=f"folder with {AUTHORS}, the network of RhythmicNet's authors")
    result.add_argument("--json", type=Path, metavar="FILE", help="write all figures and the results of each clip as JSON")
    result.add_argument("--cache", type=Path, metavar="DIR", default=HERE / "runs" / "evaluate", help="folder that keeps the poses of videos [default: runs/evaluate beside this file]")
    result.add_argument("--jobs", type=positive, metavar="N", default=1, help="number of clips processed in parallel [default: 1]")
    result.add_argument("--kinescore", metavar="FILE", help="the program [default: environment KINESCORE, target/release/kinescore, or in PATH]")
    result.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting for the program, such as pose.quality=high; can be repeated")
    result.add_argument("--scales", type=scales, default=SCALES, metavar="LIST", help="scales of the authors' network's input [default: 0.5,1,2,4]")
    result.add_argument("--random", type=positive, default=100, metavar="N", help="random metronomes per clip [default: 100]")
    result.add_argument("--seed", type=int, default=1, metavar="N", help="of metronomes and resamples [default: 1]")
    result.add_argument("--trim", type=seconds, default=0.0, metavar="SECONDS", help="leave out beats before this time, as mir_eval does with 5 [default: 0]")
    return result


def main(arguments: list[str] | None = None) -> int:
    settings = parser().parse_args(arguments)
    try:
        authors = settings.data / AUTHORS if settings.data else None
        if authors and not authors.is_file():
            raise Failure(f"{authors}: not found; --data must name the folder of {AUTHORS}")
        if settings.seed < 0:
            raise Failure(f"--seed {settings.seed}; expected a whole number, at least 0")
        if settings.json and not settings.json.absolute().parent.is_dir():
            raise Failure(f"--json {settings.json}: its folder does not exist")
        clips = find_clips(settings.clips)
        program = find_program(settings.kinescore, settings.set)
        tasks = [Task(c, program, settings.cache, authors, settings.scales, settings.random, settings.seed, settings.trim) for c in clips]
        results = []
        with ProcessPoolExecutor(min(settings.jobs, len(tasks))) as pool:
            try:
                for task, result in zip(tasks, pool.map(evaluate, tasks)):
                    results.append(result)
                    say(f"{len(results)} of {len(tasks)}: {task.clip.name}")
            except Failure:
                pool.shutdown(cancel_futures=True)
                raise
        out = report(results, program, settings)
        if settings.json:
            settings.json.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")
            say(f"wrote {settings.json}")
    except Failure as failure:
        say("\n".join(f"error: {line}" for line in failure.message.splitlines()))
        return failure.code
    except OSError as error:
        say(f"error: {error}")
        return 2
    except BrokenProcessPool:
        say("error: a worker process was killed; is there too little memory for --jobs?")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
