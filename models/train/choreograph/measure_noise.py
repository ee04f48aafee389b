"""Measures the noise of the program's pose stage and writes it to noise.json for noise.py.

    kinescore render CLIP.mp4 --until pose -o POSES/CLIP.json          # for each clip; CLIP@2.json with --person 2
    python measure_noise.py --video VIDEOS --poses POSES [--openpose volleyball-openpose17.npy] [--runs DIR] [--pictures]

The pose stage has a model part (BlazePose full in a region that follows the person, joints as read)
and a smoothing part (one-euro filter, forward and backward). The smoothing is known exactly (see
noise.py); this script measures the noise of the model part, before the smoothing, so that noise and
smoothing can be applied to any clean movement in turn.

The true joints are not known for any clip. The reference is the *heavy* BlazePose on the original
clip: the median of three runs on each frame (unchanged, with a shifted and enlarged region, and
mirrored). It is compared with the *full* BlazePose, run as in the program, on the clip itself and
on degraded versions of it (smaller, darker with sensor noise, fewer bits, blurred by a long
shutter, legs out of the picture). This does not show errors that both models share; OpenPose's
joints of one clip, given with --openpose, show how large these are.

Everything is in torso lengths (neck to mid-hip, upper quartile over ±2 s, as the program
normalises).
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from pathlib import Path

import numpy as np

from noise import JOINT_NAMES, JOINTS, LIMB, LIMBS, SWAPS, frequency, smooth, torso_lengths
from noise_joints import gather

# ------------------------------------------------------------------------------------------ figures
# Weight of each version in the pooled figures: most clips of users are better than the worst of
# these.
SHARES = {"as it came": 0.40, "half size": 0.15, "quarter size": 0.05, "few bits": 0.10, "dark": 0.15, "long shutter": 0.15}
# seconds: time constants that the error is taken apart into
TIMES = [0.0, 0.03, 0.1, 0.3, 1.0, 3.0]
LAGS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
NORMAL = np.linspace(-3, 3, 25)
# clips in which the person is lost in more of the frames get no soundtrack: left out
MOST_LOST = 0.25
OUTLIER, LEAST_OUTLIER = 6.0, 0.25  # beside the usual error, and torso lengths: a limb thrown away
NAMES = np.array(JOINT_NAMES)


def spread(x, axis=0):
    """Robust standard deviation (median absolute deviation · 1.4826)."""
    return 1.4826 * np.nanmedian(np.abs(x - np.nanmedian(x, axis, keepdims=True)), axis)


def runs_of(mask):
    """(from, to) of the stretches of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return list(zip(edges[::2], edges[1::2]))


class Clip:
    """One version of one clip, in torso lengths of the reference."""

    def __init__(self, runs: Path, name: str, version: str):
        kept = np.load(runs / f"{name}.{version.replace(' ', '_')}.npz")
        reference = np.load(runs / f"{name}.reference.npz")["joints"]
        n = min(len(reference), len(kept["raw"]))
        self.name, self.version, self.fps, self.share = name, version, float(kept["fps"]), SHARES.get(version, 0.0)
        self.raw, self.reference, self.heights, self.start = kept["raw"][:n], reference[:n], kept["heights"][:n], kept["start"][:n]
        self.there = np.isfinite(self.reference[:, 0, 0])
        self.events = 0
        self.lost = float(np.isnan(self.raw[self.there, 0, 0]).mean())
        self.torso = torso_lengths(self.reference, self.reference[..., 2], self.fps)
        self.tall = float(np.nanmedian(self.heights / self.torso))
        self.pixels = float(np.nanmedian(self.heights))
        # Joints of which the heavy model is uncertain on the original clip are not a reference.
        sure = self.reference[..., 2] > 0.5
        self.swaps = {limbs: self.swapped(pair) for limbs, pair in SWAPS.items()}
        raw = self.raw.copy()
        for limbs, (right, left) in SWAPS.items():
            at = np.flatnonzero(self.swaps[limbs])[:, None]
            raw[at, right + left] = raw[at, left + right]
        self.error = np.where(sure[..., None], (raw - self.reference)[..., :2] / self.torso[:, None, None], np.nan)
        self.bias = np.nanmedian(self.error, 0)
        self.error = self.error - self.bias
        smoothed = self.filled(self.reference[..., :2])
        smoothed = smooth(smoothed, self.torso * self.tall, self.fps)
        self.speed = np.hypot(*np.moveaxis(np.gradient(smoothed, axis=0), -1, 0)) * self.fps / self.torso[:, None]
        self.sure = sure

    def filled(self, values):
        """Interpolates NaN of frames without the person linearly."""
        values = values.copy()
        ok = np.isfinite(values[:, 0, 0])
        at = np.arange(len(values))
        for j in range(JOINTS):
            for a in range(2):
                values[:, j, a] = np.interp(at, at[ok], values[ok, j, a])
        return values

    def swapped(self, pair):
        """Frames in which a limb's joints clearly match those of the other side better."""
        right, left = pair
        r, f = self.raw[..., :2], self.reference[..., :2]
        distance = lambda a, b: np.hypot(*np.moveaxis(r[:, a] - f[:, b], -1, 0)).mean(1) / self.torso
        straight, crossed = distance(right, right) + distance(left, left), distance(right, left) + distance(left, right)
        with np.errstate(invalid="ignore"):
            return (crossed < 0.4 * straight) & (straight > 0.5)


def confidence_figures(clips, noise):
    weights, logits = [], []
    for c in clips:
        seen = np.isfinite(c.raw[:, 0, 0])
        z = np.log(np.clip(c.raw[seen, :, 2], 1e-3, 1 - 1e-3))
        z = z - np.log(1 - np.clip(c.raw[seen, :, 2], 1e-3, 1 - 1e-3))
        logits.append(z)
        weights.append(np.full(len(z), c.share / len(z)))
    z, w = np.concatenate(logits), np.concatenate(weights)
    at = np.array([0.5 * (1 + math.erf(x / math.sqrt(2))) for x in NORMAL])
    table = np.empty((JOINTS, len(NORMAL)))
    for j in range(JOINTS):
        order = np.argsort(z[:, j])
        cum = (np.cumsum(w[order]) - 0.5 * w[order]) / w.sum()
        table[j] = np.interp(at, cum, z[order, j])
    # As normal variables: variation between clips, correlation between limbs, and correlation over
    # time.
    normal = [np.stack([np.interp(c[:, j], table[j] + 1e-9 * np.arange(len(NORMAL)), NORMAL) for j in range(JOINTS)], 1)
              for c in logits]
    means = np.array([n.mean(0) for n in normal])
    share = np.array([c.share for c in clips])
    grand = (share[:, None] * means).sum(0) / share.sum()
    between = (share[:, None] * (means - grand) ** 2).sum(0) / share.sum()
    inner = [n - n.mean(0) for n in normal]
    within = sum(c.share * (i**2).mean(0) for c, i in zip(clips, inner)) / share.sum()
    same = [(a, b) for a in range(JOINTS) for b in range(a) if LIMB[a] == LIMB[b] and a not in (1, 8) and b not in (1, 8)]

    def common(rows, scale):
        covariance = np.mean([np.mean(rows[:, a] * rows[:, b]) / math.sqrt(scale[a] * scale[b]) for a, b in same])
        return float(np.clip(covariance, 0, 1))

    lagged = []
    for lag in LAGS:
        lagged.append(sum(c.share * np.mean(i[lag:] * i[:-lag]) for c, i in zip(clips, inner) if len(i) > 2 * lag)
                      / sum(c.share * np.mean(i**2) for c, i in zip(clips, inner) if len(i) > 2 * lag))
    clip_means = means - grand
    strength = np.log([c.strength for c in clips])
    less = -np.polyfit(strength, clip_means.mean(1), 1, w=np.sqrt(share))[0]
    return {
        "note": "logit of the visibility before smoothing, at the quantiles of a normal variable; shares of that variable's variance",
        "normal_quantiles": NORMAL.round(3).tolist(),
        "logit": {n: t.round(2).tolist() for n, t in zip(JOINT_NAMES, table)},
        "share_between_clips": {n: round(float(v), 3) for n, v in zip(JOINT_NAMES, np.clip(between / (between + within), 0, 0.95))},
        "limb_between_clips": round(common(np.concatenate([np.repeat(m[None], max(1, round(100 * s)), 0) for m, s in zip(clip_means, share)]),
                                           np.maximum(between, 1e-6)), 3),
        "limb_within_clip": round(float(np.mean([common(i, np.maximum((i**2).mean(0), 1e-6)) for i in inner])), 3),
        "less_with_strength": round(float(np.clip(less, 0, 2)), 3),
        "time": time_parts(np.array(lagged), np.array(LAGS) / 30.0),
    }


def time_parts(correlation, seconds):
    """Shares of TIMES whose correlations add up to the measured ones at those lags (non-negative
    least squares)."""
    from scipy.optimize import nnls

    columns = np.array([[math.exp(-s / t) if t > 0 else 0.0 for t in TIMES] for s in seconds])
    columns = np.vstack([columns, 10 * np.ones(len(TIMES))])  # they add up to the variance
    shares, _ = nnls(columns, np.append(correlation, 10.0))
    shares /= shares.sum()
    return [{"seconds": t, "share": round(float(s), 4)} for t, s in zip(TIMES, shares) if s > 1e-4]


def weighted_quantile(values, weights, q):
    order = np.argsort(values)
    return float(np.interp(q, np.cumsum(weights[order]) / weights.sum(), values[order]))


def fit(runs: Path, openpose: Path | None):
    names = sorted(p.name[: -len(".reference.npz")] for p in runs.glob("*.reference.npz"))
    clips = [Clip(runs, n, v) for n in names for v in SHARES if (runs / f"{n}.{v.replace(' ', '_')}.npz").exists()]
    everything = clips
    clips = [c for c in clips if c.lost <= MOST_LOST]
    good = [c for c in clips if c.version == "as it came"]
    # The joints' own error: the robust spread, on the original clips.
    for c in clips:
        c.spread = spread(c.error).mean(-1)
    sigma = np.exp(np.nanmean([np.log(c.spread) for c in good], 0))
    for c in clips:
        c.strength = float(np.exp(np.nanmedian(np.log(c.spread / sigma))))
        c.normal = c.error / (sigma[:, None] * c.strength)
        c.thrown = (np.hypot(*np.moveaxis(c.normal, -1, 0)) > OUTLIER) & (
            np.hypot(*np.moveaxis(c.error, -1, 0)) > LEAST_OUTLIER)
    pooled = lambda f: np.concatenate([f(c) for c in clips])
    weight = pooled(lambda c: np.full(c.speed.size, c.share / c.speed.size))
    normal2 = pooled(lambda c: np.where(c.thrown, np.nan, (c.normal**2).mean(-1)).ravel())
    speed, sure = pooled(lambda c: c.speed.ravel()), pooled(lambda c: c.raw[..., 2].ravel())
    ok = np.isfinite(normal2) & np.isfinite(sure)
    # Growth with speed: variance = a (1 + (speed / s)²), over bins of speed.
    edges = np.quantile(speed[ok], np.linspace(0, 1, 21))
    bins = np.clip(np.searchsorted(edges, speed) - 1, 0, 19)
    rows = [(np.average(speed[m], weights=weight[m]), np.average(normal2[m], weights=weight[m]))
            for k in range(20) if (m := ok & (bins == k) & (sure > 0.8)).sum() > 50]
    centre, variance = np.array(rows).T
    b, a = np.polyfit(centre**2, variance, 1, w=1 / variance)
    s0 = math.sqrt(a / b) if b > 0 else 1e3
    scale2 = a * (1 + (speed / s0) ** 2)
    # Growth with the model's uncertainty.
    edges = [0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 1.001]
    table = []
    for lo, hi in zip(edges, edges[1:]):
        m = ok & (sure >= lo) & (sure < hi)
        if m.sum() > 100:
            table.append([float(np.average(sure[m], weights=weight[m])), math.sqrt(np.average((normal2 / scale2)[m], weights=weight[m]))])
    table = np.array(table)
    table[:, 1] /= np.interp(0.95, table[:, 0], table[:, 1])
    factor = np.interp(sure, table[:, 0], table[:, 1])
    scale = np.sqrt(scale2) * factor
    # Normalised to a joint at rest with a certain model: the middle of the distribution keeps its
    # spread.
    begin = 0
    for c in clips:
        c.scale = scale[begin: begin + c.speed.size].reshape(c.speed.shape)
        begin += c.speed.size
    level = np.array([np.nanmedian([np.nanmedian(spread(c.error / c.scale[..., None]).mean(-1)[j]) / (sigma[j] * c.strength) for c in good])
                      for j in range(JOINTS)])
    rest = sigma * np.median(level) * np.sqrt(a)
    for c in clips:
        c.normal = np.where(c.thrown[..., None], np.nan, c.error / (c.scale[..., None] / math.sqrt(a) * c.strength * rest[:, None]))
    # Time and joints.
    correlation = []
    for lag in LAGS:
        top = bottom = 0.0
        for c in clips:
            n = np.clip(c.normal, -4, 4)
            x, y = n[lag:], n[:-lag]
            both = np.isfinite(x) & np.isfinite(y)
            top += c.share * np.sum(np.where(both, x * y, 0)) / max(1, both.sum())
            bottom += c.share * np.sum(np.where(both, (x**2 + y**2) / 2, 0)) / max(1, both.sum())
        correlation.append(top / bottom)
    together = np.zeros((JOINTS, JOINTS))
    for c in clips:
        n = np.clip(c.normal, -4, 4).transpose(0, 2, 1).reshape(-1, JOINTS)
        ok_rows = np.isfinite(n).all(1)
        if ok_rows.sum() > 60:
            together += c.share * np.corrcoef(n[ok_rows].T)
    d = np.sqrt(np.diag(together))
    together = together / d[:, None] / d[None]
    # A limb thrown away; swaps; the person lost.
    events, seconds = [], 0.0
    swap = {k: [0.0, []] for k in SWAPS}
    gaps, lost = 0.0, []
    for c in clips:
        time = np.isfinite(c.raw[:, 0, 0]).sum() / c.fps
        # in a worse clip they come more often: the rate is for strength 1
        seconds += c.share * time * frequency(c.strength)
        for limb in range(LIMBS):
            # those two are means of others
            members = [j for j in range(JOINTS) if LIMB[j] == limb and j not in (1, 8)]
            for a0, b0 in runs_of(c.thrown[:, members].any(1)):
                joints = [j for j in members if c.thrown[a0:b0, j].any()]
                offsets = [np.nanmedian(c.error[a0:b0, j][c.thrown[a0:b0, j]], 0).round(2).tolist() for j in joints]
                c.events += 1
                events.append((c.share, {"seconds": round((b0 - a0) / c.fps, 3), "joints": joints, "offsets": offsets}))
        for k, mask in c.swaps.items():
            for a0, b0 in runs_of(mask):
                swap[k][0] += c.share
                swap[k][1].append((b0 - a0) / c.fps)
        # where the product sees the person on the clip as it came
        here = np.flatnonzero(c.start[:, 8, 2] > 0)
        gone = np.isnan(c.raw[here[0]: here[-1] + 1, 0, 0])
        for a0, b0 in runs_of(gone):
            gaps += c.share
            lost.append((b0 - a0) / c.fps)
    quantiles = lambda v: [round(float(x), 3) for x in np.quantile(v, np.linspace(0.05, 0.95, 10))] if len(v) else [1 / 30]
    strengths, shares = np.log([c.strength for c in clips]), np.array([c.share for c in clips])
    mean = np.average(strengths, weights=shares)
    figures = {
        "about": "Noise of the pose stage before its smoothing, in torso lengths; written by measure_noise.py.",
        "clips": [{"clip": c.name, "version": c.version, "frames": int(np.isfinite(c.raw[:, 0, 0]).sum()), "a_second": round(c.fps, 2),
                   "body_pixels": round(c.pixels), "strength": round(getattr(c, "strength", math.nan), 2) if c in clips else None,
                   "median_error": round(float(np.nanmedian(np.hypot(*np.moveaxis(c.error, -1, 0)))), 4),
                   "root_mean_square": round(float(np.sqrt(np.nanmean(c.error**2))), 4),
                   "constant_error": round(float(np.nanmean(np.abs(c.bias))), 4),
                   "lost": round(c.lost, 4), "used": c in clips,
                   "below_half": round(float(np.nanmean(c.raw[c.there, :, 2] < 0.5)), 4)} for c in everything],
        "body_height": round(float(np.median([c.tall for c in good])), 3),
        "sigma": {n: round(float(v), 5) for n, v in zip(JOINT_NAMES, rest)},
        "speed_of_double_variance": round(s0, 3),
        "unsure": {"confidence": table[:, 0].round(3).tolist(), "factor": table[:, 1].round(3).tolist()},
        "time": time_parts(np.array(correlation), np.array(LAGS) / 30.0),
        "measured_correlation_of_lags": {str(l): round(float(v), 3) for l, v in zip(LAGS, correlation)},
        "correlation": together.round(3).tolist(),
        "strength": {"log_mean": round(float(mean), 3), "log_deviation": round(float(np.sqrt(np.average((strengths - mean) ** 2, weights=shares))), 3),
                     "log_least": round(float(strengths.min()), 3), "log_most": round(float(strengths.max()), 3)},
        "thrown": thrown_figures(events, seconds),
        "rare_log_deviation": rare_deviation(clips, sum(e[0] for e in events) / seconds),
        "swapped": {k: {"a_second": round(float(v[0] / seconds), 4), "seconds": quantiles(v[1]), "events": len(v[1])} for k, v in swap.items()},
        "lost": {"a_second": round(float(gaps / seconds), 4), "seconds": quantiles(lost), "events": len(lost)},
        "confidence": confidence_figures(clips, None),
        "outside": outside_figures(runs, names),
    }
    if openpose is not None:
        figures["openpose"] = against_openpose(runs, openpose)
    return figures, clips


def thrown_figures(events, seconds, most=150):
    """Limbs that jump away: how often, and examples of how far (torso lengths) and for how long,
    each clip with its weight."""
    shares = np.array([e[0] for e in events])
    draw = np.random.default_rng(1).choice(len(events), min(most, len(events)), False, shares / shares.sum()) if len(events) else []
    return {"a_second": round(float(shares.sum() / seconds), 4), "events": len(events), "examples": [events[i][1] for i in sorted(draw)]}


def rare_deviation(clips, rate):
    """Variation between clips of the same strength in how often limbs jump away: standard deviation
    of the logarithm, from the variance of the counts beyond that of chance (Poisson)."""
    expected = np.array([rate * frequency(c.strength) * np.isfinite(c.raw[:, 0, 0]).sum() / c.fps for c in clips])
    counted, share = np.array([c.events for c in clips]), np.array([c.share for c in clips])
    some = expected > 1
    beyond = np.average((((counted - expected) ** 2 - expected) / np.maximum(expected, 1) ** 2)[some], weights=share[some])
    # of a log-normal with that relative variance
    return round(float(np.sqrt(np.log1p(max(0.0, beyond)))), 3)


def outside_figures(runs: Path, names):
    """The model's outputs for joints below the lower edge of the picture."""
    logits, errors = [], []
    for n in names:
        kept = runs / f"{n}.legs_outside.npz"
        if not kept.exists():
            continue
        c = Clip(runs, n, "legs outside")
        seen = c.start[:, 8, 2] > 0
        edge = None
        knees = np.nanmedian(c.start[seen][:, [10, 13], 1])
        below = (c.reference[..., 1] > knees + 0.15 * np.nanmedian(c.torso)) & np.isfinite(c.raw[..., 0]) & c.sure
        p = np.clip(c.raw[..., 2][below], 1e-3, 1 - 1e-3)
        logits.append(np.log(p / (1 - p)))
        errors.append(np.abs(c.error[below]).ravel())
    z, e = np.concatenate(logits), np.concatenate(errors)
    at = [0.5 * (1 + math.erf(x / math.sqrt(2))) for x in NORMAL]
    return {"logit": np.quantile(z, at).round(2).tolist(), "sigma": round(float(np.sqrt(np.nanmean(e**2))), 3), "joints_seen": int(len(z))}


def against_openpose(runs: Path, path: Path):
    """Median distance of the full model (smoothed), the heavy reference and OpenPose from each
    other, torso lengths, after subtracting each joint's constant difference (the models define
    joints at different places)."""
    c = Clip(runs, path.name.split("-openpose")[0], "as it came")
    other = np.load(path)[: len(c.raw)]
    n = len(other)
    sure = (other[..., 2] > 0.5) & c.sure[:n]
    full = smooth(c.filled(c.raw[..., :2]), c.torso * c.tall, c.fps)[:n]

    def apart(a, b):
        d = np.where(sure[..., None], (a - b) / c.torso[:n, None, None], np.nan)
        d = d - np.nanmedian(d, 0)
        return [round(float(x), 4) for x in np.nanquantile(np.hypot(*np.moveaxis(d, -1, 0)), [0.5, 0.9])]

    reference = c.reference[:n, :, :2]
    return {"full, heavy": apart(full, reference), "full, OpenPose": apart(full, other[..., :2]),
            "heavy, OpenPose": apart(reference, other[..., :2]), "note": "median and 90th percentile"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--video", type=Path, required=True, help="folder of the clips")
    parser.add_argument("--poses", type=Path, required=True, help="folder of their saved poses")
    parser.add_argument("--openpose", type=Path, help="CLIP-openpose17.npy: OpenPose's joints of one of the clips")
    parser.add_argument("--runs", type=Path, default=Path(__file__).resolve().parents[1] / "runs" / "noise", help="folder for what was computed")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("noise.json"))
    args = parser.parse_args()
    args.runs.mkdir(parents=True, exist_ok=True)
    gather(args.video, args.poses, args.runs)
    warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)  # joints never seen
    warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
    figures, _ = fit(args.runs, args.openpose)
    args.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
