"""Fits the weights of the beat decoder and the confidence of its beats: writes
../video2rhythm.json.

    python -m choreograph.write_clips --data DATA --split validation --count 160 --seed 1 --out runs/calibration/fit
    python -m choreograph.write_clips --data DATA --split validation --count 80 --seed 11 --kind free --out runs/calibration/fit_free
    python -m choreograph.write_clips --data DATA --split validation --count 80 --seed 2 --out runs/calibration/check
    python -m choreograph.write_clips --data DATA --split validation --count 40 --seed 12 --kind free --out runs/calibration/check_free
    cargo build --release --example beat_features                      # in the root
    C=runs/calibration; python calibrate_beats.py --fit $C/fit $C/fit_free --check $C/check $C/check_free [--tune 60]

`--tune` first optimises the decoder's weights, one after the other, for the highest mean F-measure
of the network's beats on the clips of the first folder of --fit. Then the confidence of each source
is fitted: logistic regression (L2) of "F-measure at least 0.5" on the signs that the program
prints. --check only prints how often clips of each confidence are right. Nothing is fitted to test
clips.

In a third of the clips, people do not move to the beats at all: in real clips of dancers, the beats
of the song are visible in the body only in some of them, and beats found in the others must not get
a high confidence.
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import beat_metrics

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CALIBRATION = HERE.parent / "video2rhythm.json"
RIGHT = 0.5  # F-measure from which a clip's beats count as right: twice what chance gets
# Candidates for each weight of the decoder, as factors of its current value (differences for those
# that may be below 0).
FACTORS = [0.35, 0.6, 1.0, 1.6, 2.8]
SHIFTS = {"three": [-3.0, -1.0, 0.0, 1.0, 3.0]}
ROUNDS = 2
RIDGE = 5.0
# The direction in which each sign may count: more is better, more is worse, or not used.
SIDE = {"lock": 1, "agreement": 1, "steadiness": 1, "on_beats": 1, "between": -1, "tempo_certainty": 1, "tempo_support": 1, "sources_agree": 1,
        "length": 1, "movement": 0, "seen": 1}


def read_beats(path: Path) -> np.ndarray:
    return np.array([float(line.split()[0]) for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")])


def found(program: list[str], calibration: dict, files: list[Path]) -> list[dict]:
    """The program's results with a calibration, one row for each clip and source."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(calibration, file)
        file.flush()
        run = subprocess.run([*program, "--calibration", file.name, *map(str, files)], capture_output=True, text=True, cwd=ROOT, check=False)
    if run.returncode != 0:
        raise SystemExit(f"{program[0]}: {run.stderr.strip()}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def scores(rows: list[dict], truth: dict[str, np.ndarray], source: str) -> np.ndarray:
    """F-measure of each clip's beats; 0 if none were found."""
    by_file = {row["file"]: row for row in rows if row.get("source") == source}
    values = []
    for file, beats in truth.items():
        row = by_file.get(file)
        values.append(beat_metrics.f_measure(beats, np.array([b[0] for b in row["beats"]])) if row else 0.0)
    return np.array(values)


def tune(program: list[str], calibration: dict, files: list[Path], truth: dict[str, np.ndarray]) -> dict:
    best = copy.deepcopy(calibration)
    height = scores(found(program, best, files), truth, "network").mean()
    print(f"current decoder: F {height:.4f}")
    for _ in range(ROUNDS):
        before = height
        for name in best["network"]["decoding"]:
            value = best["network"]["decoding"][name]
            tried = [value + s for s in SHIFTS[name]] if name in SHIFTS else [value * f for f in FACTORS]
            for other in tried:
                if other == value:
                    continue
                candidate = copy.deepcopy(best)
                candidate["network"]["decoding"][name] = round(other, 4)
                mean = scores(found(program, candidate, files), truth, "network").mean()
                # Minimum improvement for a change: smaller differences are chance.
                if mean > height + 0.001:
                    best, height = candidate, mean
            print(f"{name}: {best['network']['decoding'][name]}, F {height:.4f}", flush=True)
        if height - before < 0.002:
            break
    return best


def logistic(signs: np.ndarray, right: np.ndarray, names: list[str]) -> tuple[float, np.ndarray]:
    """Bias and weights of a logistic regression with ridge penalty on standardised signs. A weight
    must have the direction of its sign (see [`SIDE`]): on clips other than those fitted to, a
    weight that chance has reversed does harm."""
    mean, deviation = signs.mean(0), signs.std(0)
    used = deviation > 1e-6
    x = np.where(used, (signs - mean) / np.where(used, deviation, 1.0), 0.0)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = w[0] + x @ w[1:]
        p = 1 / (1 + np.exp(-z))
        value = np.sum(np.logaddexp(0, z) - right * z) + 0.5 * RIDGE * np.sum(w[1:] ** 2)
        return value, np.concatenate([[np.sum(p - right)], x.T @ (p - right) + RIDGE * w[1:]])

    bounds = [(None, None)] + [{1: (0, None), -1: (None, 0), 0: (0, 0)}[SIDE[n]] for n in names]
    w = minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = np.where(used, w[1:] / np.where(used, deviation, 1.0), 0.0)
    return float(w[0] - weights @ mean), weights


def reliability(confidence: np.ndarray, right: np.ndarray) -> str:
    lines = []
    for low, high in [(0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0001)]:
        mine = (confidence >= low) & (confidence < high)
        if mine.any():
            lines.append(f"  confidence {low:.1f} to {min(high, 1):.1f}: {mine.sum()} clips, mean {confidence[mine].mean():.2f}, right {right[mine].mean():.2f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", type=Path, nargs="+", required=True, help="folders with saved poses and their beats")
    parser.add_argument("--check", type=Path, nargs="+", help="other such folders")
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/examples/beat_features")
    parser.add_argument("--models", type=Path, default=HERE.parent, help="folder of the models")
    parser.add_argument("--tune", type=int, default=0, metavar="N", help="also optimise the decoder's weights, on the first N clips of the first folder")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    calibration = json.loads(CALIBRATION.read_text())
    program = [str(arguments.program), "--models", str(arguments.models)]

    def load(folders: list[Path]) -> tuple[list[Path], dict[str, np.ndarray]]:
        files = []
        for folder in folders:
            mine = sorted(p.resolve() for p in folder.glob("*.json") if p.with_suffix(".beats").exists())
            if not mine:
                raise SystemExit(f"{folder}: contains no saved poses with a .beats file beside them")
            files += mine
        return files, {str(f): read_beats(f.with_suffix(".beats")) for f in files}

    files, truth = load(arguments.fit)
    if arguments.tune:
        some = files[: arguments.tune]
        calibration = tune(program, calibration, some, {str(f): truth[str(f)] for f in some})
    rows = found(program, calibration, files)
    for source in ("network", "motion"):
        mine = [row for row in rows if row.get("source") == source]
        names = list(mine[0]["signs"])
        f = scores(mine, {row["file"]: truth[row["file"]] for row in mine}, source)
        bias, weights = logistic(np.array([[row["signs"][n] for n in names] for row in mine]), (f >= RIGHT).astype(float), names)
        calibration[source]["confidence"] = {"bias": round(bias, 4), "weights": {n: round(float(w), 4) for n, w in zip(names, weights)}}
        print(f"{source}: F {f.mean():.3f}, right {np.mean(f >= RIGHT):.2f} of {len(f)} clips that it was fitted to")
    if not arguments.dry:
        CALIBRATION.write_text(json.dumps(calibration, indent=2) + "\n")
        subprocess.run(["python3", str(HERE.parent / "update_manifest.py")], check=True)
    if arguments.check:
        files, truth = load(arguments.check)
        rows = found(program, calibration, files)
        for source in ("network", "motion"):
            mine = [row for row in rows if row.get("source") == source]
            f = scores(mine, {row["file"]: truth[row["file"]] for row in mine}, source)
            print(f"{source}, clips not fitted to: F {f.mean():.3f}")
            print(reliability(np.array([row["confidence"] for row in mine]), f >= RIGHT))


if __name__ == "__main__":
    main()
