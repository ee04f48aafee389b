"""Applies the pose stage's noise, as measured by measure_noise.py (noise.json), to clean movement.

    xy, confidence = apply(rng, joints, size, fps)

The steps are those of the program: the error of the model part (slow and fast, shared by
neighbouring joints, growing with speed and uncertainty), left and right confused, a limb that jumps
away for some frames, limbs that are hidden or outside the picture, the person lost for some frames;
then exactly the smoothing of the pose stage (one-euro filter forward and backward), which removes
jitter from still joints and flattens the peaks of small fast movements. NumPy only, vectorised.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

JOINT_NAMES = ["nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
               "mid-hip", "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle", "left big toe",
               "right big toe"]
JOINTS = len(JOINT_NAMES)
# Limbs that are hidden together: head and trunk, right arm, left arm, right leg, left leg.
LIMB = np.array([0, 0, 0, 1, 1, 0, 2, 2, 0, 0, 3, 3, 0, 4, 4, 4, 3])
LIMBS = 5
# What is swapped when left and right are confused: the arms, the legs.
SWAPS = {"arms": ([3, 4], [6, 7]), "legs": ([10, 11, 16], [13, 14, 15])}

# The pose stage's smoothing: src/pose/smooth.rs.
LEAST_CUTOFF = 0.05
SPEED_CUTOFF = 80.0
DERIVATIVE_CUTOFF = 1.0
CONFIDENCE_TIME = 0.316

# The pose stage bridges a lost person for up to this many seconds, with the confidence reduced by
# this factor.
LONGEST_BRIDGE = 0.3  # src/limits.rs
BRIDGED = 0.5  # src/pose/select.rs



GRID = 32  # steps of a normal variable's unit in the table of confidences


@lru_cache(maxsize=4)
def measured(path: str = str(Path(__file__).with_name("noise.json"))) -> dict:
    """The figures of noise.json, as arrays."""
    raw = json.loads(Path(path).read_text())
    figures = dict(raw)
    figures["sigma"] = np.array([raw["sigma"][n] for n in JOINT_NAMES], np.float32)
    figures["mixing"] = np.linalg.cholesky(np.array(raw["correlation"]) + 1e-6 * np.eye(JOINTS)).T.astype(np.float32)
    c = raw["confidence"]
    figures["normal"] = np.array(c["normal_quantiles"])
    figures["logit"] = np.array([c["logit"][n] for n in JOINT_NAMES])
    figures["between"] = np.sqrt([c["share_between_clips"][n] for n in JOINT_NAMES]).astype(np.float32)
    # Tables, instead of interpolating each number: confidence of each joint, and of a joint outside
    # the picture, by the normal variable.
    fine = np.arange(6 * GRID + 1) / GRID - 3
    rows = [*figures["logit"], raw["outside"]["logit"]]
    figures["confidence_table"] = np.array([1 / (1 + np.exp(-np.interp(fine, figures["normal"], r))) for r in rows], np.float32)
    figures["factor_table"] = np.interp(figures["confidence_table"], raw["unsure"]["confidence"], raw["unsure"]["factor"]).astype(np.float32)
    return figures


# ---------------------------------------------------------------------------- the stage's smoothing
def _recursion(keep, add):
    """s[t] = keep[t]·s[t−1] + add[t] over the first axis, in log2(T) steps of whole arrays;
    overwrites both arguments."""
    n, count = 1, len(add)
    while n < count and (n < 8 or keep.max() > 1e-6):  # what is forgotten need not be carried on
        add[n:] += keep[n:] * add[:-n]  # the right side is a new array before it is added
        if 2 * n < count:
            keep[n:] = keep[n:] * keep[:-n]
        n *= 2
    return add


def _both_ways(values):
    return np.concatenate([values, values[::-1]], 1)


def smooth(xy, height, fps):
    """The pose stage's smoothing of positions [T, J, 2] of a body `height` (number or [T], same
    unit) tall: one-euro filter (Casiez et al. 2012), the mean of a forward and a backward pass."""
    count = len(xy)
    flat = xy.reshape(count, -1)
    origin = flat.mean(0)
    both = _both_ways((flat - origin).astype(np.float32))
    n = flat.shape[1]
    tall = np.broadcast_to(np.maximum(np.asarray(height, np.float32), 1e-6), (count,))
    tall = np.stack([tall, tall[::-1]], 1).repeat(n, 1)
    step = 1.0 / fps
    share = np.float32(1.0 / (1.0 + 1.0 / (2 * np.pi * DERIVATIVE_CUTOFF * step)))
    speed = np.zeros_like(both)
    speed[1:] = (both[1:] - both[:-1]) / tall[1:] * np.float32(fps) * share
    keep = np.full((count, 1), 1 - share, np.float32)
    keep[0] = 0
    speed = _recursion(keep, speed)
    turn = (LEAST_CUTOFF + SPEED_CUTOFF * np.abs(speed)) * np.float32(2 * np.pi * step)
    share = turn / (turn + 1)
    share[0] = 1
    done = _recursion(1 - share, share * both)
    return ((done[:, :n] + done[::-1, n:]) * 0.5 + origin).reshape(xy.shape)


def smooth_confidence(confidence, fps):
    """The pose stage's smoothing of confidences [T, J]."""
    both = _both_ways(np.asarray(confidence, np.float32))
    share = np.float32(1 - np.exp(-1 / (fps * CONFIDENCE_TIME)))
    add = both * share
    add[0] = both[0]
    keep = np.full((len(both), 1), 1 - share, np.float32)
    keep[0] = 0
    done = _recursion(keep, add)
    n = confidence.shape[1]
    return (done[:, :n] + done[::-1, n:]) * 0.5


# --------------------------------------------------------------------------------- random processes
def _spectrum(parts, length, fps):
    """Amplitudes of the frequencies of a process of unit variance that is the sum of white noise
    (seconds 0) and of exponentially correlated processes with the time constants `seconds`, each
    with its share of the variance."""
    turn = 2 * np.pi * np.arange(length // 2 + 1) / length
    power = np.zeros(len(turn))
    for part in parts:
        a = np.exp(-1 / (fps * part["seconds"])) if part["seconds"] > 0 else 0.0
        power += part["share"] * (1 - a * a) / (1 - 2 * a * np.cos(turn) + a * a)
    power[0] *= 0.5  # real only
    if length % 2 == 0:
        power[-1] *= 0.5
    return np.sqrt(power * length / 2).astype(np.float32)


@lru_cache(maxsize=64)
def _spectra(count, fps, path):
    figures = measured(path)
    length = count + int(2 * fps)  # the ends of the cyclic process are kept apart
    length = -(-length // 60) * 60  # quick to transform
    return length, _spectrum(figures["time"], length, fps), _spectrum(figures["confidence"]["time"], length, fps)


def _processes(rng, count, fps, errors, confidences, path):
    """Random processes [T, errors], [T, confidences] of unit variance with the measured correlation
    over time."""
    length, error, confidence = _spectra(count, fps, path)
    draws = rng.standard_normal((errors + confidences, 2 * len(error)), np.float32).view(np.complex64)
    draws[:errors] *= error
    draws[errors:] *= confidence
    values = np.fft.irfft(draws, length)[:, :count].T
    return values[:, :errors], values[:, errors:]


def torso_lengths(joints, confidence, fps):
    """Torso length at each frame [T]: the upper quartile of the distance from neck to mid-hip over
    ±2 s, as in the program."""
    d = np.hypot(*(joints[:, 1, :2] - joints[:, 8, :2]).T)
    d = np.where((confidence[:, 1] > 0.2) & (confidence[:, 8] > 0.2), d, np.nan)
    reach, out = round(2 * fps), np.full(len(d), np.nan)
    for i in range(len(d)):
        w = d[max(0, i - reach): i + reach + 1]
        if np.isfinite(w).any():
            out[i] = np.nanquantile(w, 0.75)
    return out


def _spans(rng, rate, seconds, count, fps):
    """Random spans of frames [N, 2], `rate` per second, each with the length of a measured one."""
    number = rng.poisson(rate * count / fps)
    start = rng.integers(0, count, number)
    length = np.asarray(seconds)[rng.integers(0, len(seconds), number)] * fps + rng.uniform(-0.5, 0.5, number)
    return np.stack([start, np.minimum(count, start + np.maximum(1, np.rint(length).astype(int)))], 1)


def frequency(factor):
    """How much more often limbs jump away, are swapped, or the person is lost, in a clip whose
    errors are `factor` times the usual. In clips with at most the usual errors this was hardly ever
    seen; at twice the usual, a limb jumped away about five times per second, and at most twice as
    often in even worse clips."""
    return min(max(factor - 0.9, 0.0), 2.1)


def strength_of_clip(rng, figures=None):
    """A random quality of a clip: the factor of all its errors, around 1."""
    s = (figures or measured())["strength"]
    return float(np.exp(np.clip(rng.normal(s["log_mean"], s["log_deviation"]), s["log_least"], s["log_most"])))


def apply(rng, joints, size, fps, visible=None, strength=1.0, smoothing=True, lost=True, rare=True, sample=True,
          figures_path=None):
    """Joints as the pose stage would find them: (xy [T, 17, 2] in the unit of `joints`, confidence
    [T, 17]), float32.

    `joints` [T, 17, 2] are the true positions (y downwards or upwards, any unit), `size` the torso
    length in the same unit (a number or [T]), `fps` the frames per second (10 to 120). `visible`
    [T, 17] is False where a joint is outside the picture. `strength` multiplies the clip's own
    factor; 0 leaves the positions exact except for the smoothing. With `sample` False, that factor
    is 1. `smoothing` False leaves out the stage's smoothing, `lost` False the frames without the
    person, `rare` False limbs that jump away or are swapped. Where the person is lost for longer
    than the stage bridges, all confidences are 0; the positions there are meaningless, but finite.
    """
    path = figures_path or str(Path(__file__).with_name("noise.json"))
    figures = measured(path)
    joints = np.asarray(joints, np.float32)
    count = len(joints)
    size = np.broadcast_to(np.asarray(size, np.float32), (count,))
    if joints.shape != (count, JOINTS, 2) or count == 0:
        raise ValueError(f"joints have the shape {joints.shape}; expected [T, {JOINTS}, 2]")
    if not (10 <= fps <= 120):
        raise ValueError(f"{fps} frames per second; expected 10 to 120")
    fps = float(fps)
    factor = strength * (strength_of_clip(rng, figures) if sample else 1.0)
    c = figures["confidence"]

    error, sure = _processes(rng, count, fps, 2 * JOINTS, LIMBS + JOINTS, path)
    error = (np.ascontiguousarray(error).reshape(2 * count, JOINTS) @ figures["mixing"]).reshape(count, 2, JOINTS)

    # The model's confidence: how well the clip shows the limb, whether the limb is temporarily
    # hidden, the joint itself.
    shared = c["limb_between_clips"]
    of_clip = rng.standard_normal(LIMBS)[LIMB] * np.sqrt(shared) + rng.standard_normal(JOINTS) * np.sqrt(1 - shared)
    between, shared = figures["between"], c["limb_within_clip"]
    own = np.sqrt(1 - between**2)
    normal = sure[:, LIMB] * np.float32(np.sqrt(shared)) * own + sure[:, LIMBS:] * np.float32(np.sqrt(1 - shared)) * own
    # In a bad clip, the confidence of joints is also lower.
    normal += (between * of_clip - c["less_with_strength"] * np.log(max(factor, 1e-3))).astype(np.float32)
    at = np.clip((normal + 3) * GRID, 0, 6 * GRID).astype(np.intp)
    row = np.arange(JOINTS)
    outside = None if visible is None else ~np.asarray(visible, bool)
    if outside is not None:
        row = np.where(outside, JOINTS, row)
    at += row * (6 * GRID + 1)
    confidence = figures["confidence_table"].ravel()[at]
    confidence[:, 1] = np.minimum(confidence[:, 2], confidence[:, 5])
    confidence[:, 8] = np.minimum(confidence[:, 9], confidence[:, 12])

    # Errors in torso lengths: larger for fast movement and low confidence.
    scale = figures["factor_table"].ravel()[at]
    if count > 1:
        v = joints[1:] - joints[:-1]
        pace = np.einsum("tja,tja->tj", v, v) * ((fps / figures["speed_of_double_variance"] / size[1:]) ** 2)[:, None]
        grown = np.ones((count, JOINTS), np.float32)
        grown[1:] += pace
        np.maximum(grown[:-1], 1 + pace, out=grown[:-1])
        scale *= np.sqrt(grown)
    scale *= figures["sigma"] * np.float32(factor)
    if outside is not None:
        scale = np.where(outside, np.float32(figures["outside"]["sigma"] * min(1.0, strength)), scale)
    error *= scale[:, None, :]
    often = frequency(factor)
    if sample:  # some clips of the same strength have many, some none
        deviation = figures["rare_log_deviation"]
        often *= np.exp(rng.normal(-0.5 * deviation**2, deviation))
    if rare and strength > 0:
        t = figures["thrown"]
        for number in rng.integers(0, len(t["examples"]), rng.poisson(t["a_second"] * often * count / fps)):
            example, a = t["examples"][number], rng.integers(0, count)
            b = a + max(1, round(example["seconds"] * fps))
            mirror = np.float32(1 - 2 * rng.integers(0, 2))
            for joint, (x, y) in zip(example["joints"], example["offsets"]):
                error[a:b, 0, joint] += mirror * x
                error[a:b, 1, joint] += y
    # The pose stage computes these two from neighbouring joints.
    error[..., 1] = (error[..., 2] + error[..., 5]) * np.float32(0.5)
    error[..., 8] = (error[..., 9] + error[..., 12]) * np.float32(0.5)
    xy = joints + error.transpose(0, 2, 1) * size[:, None, None]

    if rare and strength > 0:
        for limbs, (right, left) in SWAPS.items():
            s = figures["swapped"][limbs]
            for a, b in _spans(rng, s["a_second"] * often, s["seconds"], count, fps):
                xy[a:b, right + left] = xy[a:b, left + right]
    if smoothing:
        xy = smooth(xy, size * np.float32(figures["body_height"]), fps)
        confidence = smooth_confidence(confidence, fps)
    if lost and strength > 0:
        for a, b in _spans(rng, figures["lost"]["a_second"] * often, figures["lost"]["seconds"], count, fps):
            b = min(b, count)
            if a > 0 and b < count and (b - a) / fps <= LONGEST_BRIDGE:
                mix = ((np.arange(a, b) - a + 1) / (b - a + 1)).astype(np.float32)[:, None]
                xy[a:b] = xy[a - 1] + mix[..., None] * (xy[b] - xy[a - 1])
                confidence[a:b] = BRIDGED * np.minimum(confidence[a - 1], confidence[b])
            else:
                confidence[a:b] = 0
    return xy.astype(np.float32), np.clip(confidence, 0, 1).astype(np.float32)


# -------------------------------------------------------------------------------------------- check
def check(count=900, fps=30.0, clips=60) -> None:
    """Applies the noise to standing bodies, without smoothing, and compares the result with
    noise.json; also counts how often limbs are swapped."""
    import time as clock

    figures = measured()
    rng = np.random.default_rng(1)
    still = np.zeros((count, JOINTS, 2), np.float32)
    errors, sure, began = [], [], clock.perf_counter()
    for _ in range(clips):
        xy, confidence = apply(rng, still, 1.0, fps, smoothing=False, lost=False, rare=False, sample=False)
        errors.append(xy)
        sure.append(confidence)
    took = (clock.perf_counter() - began) / clips
    errors, sure = np.array(errors), np.array(sure)

    def near(what, found, wanted, tolerance):
        found, wanted = np.asarray(found), np.asarray(wanted)
        worst = float(np.max(np.abs(found - wanted)))
        print(f"{what}: largest difference {worst:.4f} (tolerance {tolerance})")
        if not worst <= tolerance:
            raise SystemExit(f"{what}: {found.round(4)}; expected {wanted.round(4)}")

    factor = np.interp(sure, figures["unsure"]["confidence"], figures["unsure"]["factor"])
    middle = 1.4826 * np.median(np.abs(errors / factor[..., None]), (0, 1, 3))
    free = [j for j in range(JOINTS) if j not in (1, 8)]  # those two are means of others
    near("spread of each joint beside noise.json's", middle[free] / figures["sigma"][free], np.ones(len(free)), 0.12)
    unit = np.clip(errors / (factor[..., None] * figures["sigma"][:, None]), -4, 4)
    lags = {int(k): v for k, v in figures["measured_correlation_of_lags"].items() if int(k) <= 16}
    found = [np.mean(unit[:, k:] * unit[:, :-k]) / np.mean(unit**2) for k in lags]
    near("correlation at lags of 1 to 16 frames", found, list(lags.values()), 0.08)
    together = np.corrcoef(unit.transpose(0, 1, 3, 2).reshape(-1, JOINTS)[:, free].T)
    near("correlation of joints", together, np.array(figures["correlation"])[np.ix_(free, free)], 0.12)
    logit = np.log(np.clip(sure, 1e-6, 1 - 1e-6) / np.clip(1 - sure, 1e-6, 1))
    at = np.searchsorted(figures["normal"], 0)
    near("middle of the confidences", 1 / (1 + np.exp(-np.median(logit, (0, 1))[free])),
         1 / (1 + np.exp(-figures["logit"][free, at])), 0.06)
    wanted = [np.interp(0.0, figures["logit"][j], _normal_distribution(figures["normal"])) for j in free]
    near("share of frames below a confidence of a half", (sure[..., free] < 0.5).mean((0, 1)), wanted, 0.08)


    # Rare errors: right joints far on one side, left ones on the other, head and trunk in the
    # middle.
    apart = still.copy()
    for right, left in SWAPS.values():
        apart[:, right], apart[:, left] = 50.0, -50.0
    minutes, found = count * 4 * clips / fps / 60, {"arms": 0, "legs": 0}
    for _ in range(4 * clips):
        xy, _ = apply(rng, apart, 1.0, fps, strength=2.0, smoothing=False, lost=False, sample=False)
        starts = lambda mask: int(np.sum(np.diff(mask.astype(int), prepend=0) > 0))
        for limbs, (right, _) in SWAPS.items():
            found[limbs] += starts(xy[:, right[0], 0] < 0)
    for what in ("arms", "legs"):
        wanted = 60 * figures["swapped"][what]["a_second"] * frequency(2.0)
        near(f"{what} swapped, a minute", found[what] / minutes, wanted, 0.1 * wanted + 4 * np.sqrt(found[what]) / minutes)
    print(f"{1e3 * took:.2f} ms a clip of {count} frames")


def _normal_distribution(x):
    from math import erf, sqrt

    return np.array([0.5 * (1 + erf(v / sqrt(2))) for v in x])


if __name__ == "__main__":
    check()
