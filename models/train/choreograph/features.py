"""What the network reads of a pose file: the same numbers as the product computes (`rhythm/features.rs`).

Local linear regression (Cleveland 1979): position and velocity of a joint at an instant are intercept and slope of the straight
line fitted to the samples around it by least squares, weighted with a Gaussian and the joint's confidence.
"""

from __future__ import annotations

import numpy as np

from .takes import (L_ELBOW, L_HIP, L_SHOULDER, MID_HIP, NECK, R_ELBOW, R_HIP, R_SHOULDER)

RATE = 30.0  # frames a second of the network
SMOOTHING = 0.040  # seconds
LEAST, FULL = 0.2, 0.5  # confidence of weight 0 and 1
SIZE_WINDOW = 2.0  # seconds to either side
LONGEST_BRIDGE = 0.3  # seconds
LEAP = 0.5  # torso lengths
TRUNK = [NECK, MID_HIP, R_SHOULDER, L_SHOULDER, R_HIP, L_HIP]
CHANNELS = 5


def _sizes(times: np.ndarray, points: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Torso length in pixels at each frame: upper quartile of neck to mid-hip within two seconds to either side, as new each quarter
    second; from shoulders and upper arms by the body's proportions where the hips are hidden; NaN where nothing tells it."""

    def distance(a, b):
        d = np.linalg.norm(points[:, a, :2] - points[:, b, :2], axis=1)
        return np.where((weight[:, a] > 0) & (weight[:, b] > 0) & (d > 0), d, np.nan)

    torso = distance(NECK, MID_HIP)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        upper = np.nanmax(np.stack([distance(R_SHOULDER, L_SHOULDER) * 0.30 / 0.20, distance(R_SHOULDER, R_ELBOW) * 0.30 / 0.186,
                                    distance(L_SHOULDER, L_ELBOW) * 0.30 / 0.186]), axis=0)
    result = np.empty(len(times))
    since, value = -np.inf, np.nan
    for i, time in enumerate(times):
        if time >= since + 0.25:
            lo, hi = np.searchsorted(times, time - SIZE_WINDOW), np.searchsorted(times, time + SIZE_WINDOW, "right")
            value = np.nan
            for values, least in ((torso, (hi - lo) // 4), (upper, 0), (torso, 0)):
                known = values[lo:hi]
                known = known[~np.isnan(known)]
                if len(known) > least:
                    value = float(np.quantile(known, 0.75))
                    break
            since = time
        result[i] = value
    return result


def features(times: np.ndarray, points: np.ndarray, seconds: float) -> np.ndarray:
    """Motion [T, 17, 5] (x, y, vx, vy, weight) at [`RATE`] of points [F, 17, 3] (x, y in pixels, confidence) at `times`."""
    count = int(np.floor(seconds * RATE + 1e-9)) + 1
    weight = np.clip((points[..., 2] - LEAST) / (FULL - LEAST), 0, 1)
    size = _sizes(times, points, weight)
    weight = np.where(np.isnan(size)[:, None], 0.0, weight)
    at = points[..., :2] / np.where(np.isnan(size), 1.0, size)[:, None, None]
    weight = _without_leaps(at, weight)
    spacing = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    sigma = max(SMOOTHING, 0.6 * spacing)
    now = np.arange(count) / RATE
    # Banded: each instant sees the frames within 4 sigma.
    reach = 4 * sigma
    lo = np.searchsorted(times, now - reach, "left")
    width = int(max(np.searchsorted(times, now + reach, "right").max(initial=0) - 0, 1))
    hi = np.searchsorted(times, now + reach, "right")
    width = int(max((hi - lo).max(initial=1), 1))
    index = np.minimum(lo[:, None] + np.arange(width)[None], len(times) - 1)
    inside = lo[:, None] + np.arange(width)[None] < hi[:, None]
    dt = times[index] - now[:, None]
    gauss = np.where(inside, np.exp(-0.5 * (dt / sigma) ** 2), 0.0)
    w = gauss[..., None] * weight[index]  # [T, width, 17]
    # A run ends where a joint is missing for longer than is bridged: instants beyond its ends see nothing of it.
    present = (gauss[..., None] > 0) & (weight[index] > 0)
    kernel = (gauss[..., None] * present).sum(1)
    s0, s1, s2 = w.sum(1), (w * dt[..., None]).sum(1), (w * (dt**2)[..., None]).sum(1)
    place = at[index]  # [T, width, 17, 2]
    p0 = (w[..., None] * place).sum(1)
    p1 = ((w * dt[..., None])[..., None] * place).sum(1)
    spread = s0 * s2 - s1 * s1
    before = (present & (dt <= 0)[..., None]).any(1)
    after = (present & (dt >= 0)[..., None]).any(1)
    good = (spread > 0.36 * (s0 * sigma) ** 2) & (kernel > 0) & before & after
    safe = np.where(good, spread, 1.0)
    velocity = (s0[..., None] * p1 - s1[..., None] * p0) / safe[..., None]
    position = (s2[..., None] * p0 - s1[..., None] * p1) / safe[..., None]
    sided = np.where(good, spread / np.maximum((s0 * sigma) ** 2, 1e-12), 0.0)
    trust = np.where(good, np.clip((sided - 0.36) / (0.8 - 0.36), 0, 1) * s0 / np.maximum(kernel, 1e-12), 0.0)
    total = trust[:, TRUNK].sum(1)
    centre = (trust[:, TRUNK, None] * position[:, TRUNK]).sum(1) / np.maximum(total, 1e-9)[:, None]
    position = np.where((total >= 2.0)[:, None, None], position - centre[:, None], 0.0)
    result = np.zeros((count, 17, CHANNELS), dtype=np.float32)
    seen = trust > 0
    result[..., 0:2] = np.where(seen[..., None], np.clip(position, -5, 5), 0.0)
    result[..., 2:4] = np.where(seen[..., None], np.clip(velocity, -15, 15), 0.0)
    result[..., 4] = trust
    return result


def _without_leaps(at: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A joint that leaps half a torso away for one frame and is back in the next was another limb: its weight becomes 0."""
    if len(at) < 3:
        return weight
    near = np.linalg.norm(at[1:] - at[:-1], axis=2)
    around = np.linalg.norm(at[2:] - at[:-2], axis=2)
    leap = (np.minimum(near[:-1], near[1:]) >= LEAP) & (around <= 0.5 * LEAP)
    leap &= (weight[:-2] > 0) & (weight[1:-1] > 0) & (weight[2:] > 0)
    result = weight.copy()
    result[1:-1][leap] = 0.0
    return result
