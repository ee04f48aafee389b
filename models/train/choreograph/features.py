"""The network's input from a pose file: the same numbers as the program computes
(`rhythm/features.rs`).

Local linear regression (Cleveland 1979): position and velocity of a joint at an instant are
intercept and slope of the straight line fitted to the samples around it by least squares, weighted
with a Gaussian and the joint's confidence.
"""

from __future__ import annotations

import numpy as np

from beat_movement import FULL, LEAP, MISSING, SMOOTHING, TRUNK, Poses, sizes

RATE = 30.0  # frames a second of the network
CHANNELS = 5


def features(times: np.ndarray, points: np.ndarray, seconds: float) -> np.ndarray:
    """Motion [T, 17, 5] (x, y, vx, vy, weight) at [`RATE`] of points [F, 17, 3] (x, y in pixels,
    confidence) at `times`."""
    count = int(np.floor(seconds * RATE + 1e-9)) + 1
    weight = np.clip((points[..., 2] - MISSING) / (FULL - MISSING), 0, 1)
    size = sizes(Poses(times, points, np.array([]), seconds))
    weight = np.where(np.isnan(size)[:, None], 0.0, weight)
    at = points[..., :2] / np.where(np.isnan(size), 1.0, size)[:, None, None]
    weight = _without_leaps(at, weight)
    spacing = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    sigma = max(SMOOTHING, 0.6 * spacing)
    now = np.arange(count) / RATE
    # Banded: each instant uses the frames within 4 sigma.
    reach = 4 * sigma
    lo = np.searchsorted(times, now - reach, "left")
    hi = np.searchsorted(times, now + reach, "right")
    width = int(max((hi - lo).max(initial=1), 1))
    index = np.minimum(lo[:, None] + np.arange(width)[None], len(times) - 1)
    inside = lo[:, None] + np.arange(width)[None] < hi[:, None]
    dt = times[index] - now[:, None]
    gauss = np.where(inside, np.exp(-0.5 * (dt / sigma) ** 2), 0.0)
    w = gauss[..., None] * weight[index]  # [T, width, 17]
    # A run ends where a joint is missing for longer than is bridged: instants beyond its ends do
    # not use it.
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
    """A joint that leaps half a torso length away for one frame and is back in the next was another
    limb: its weight becomes 0."""
    if len(at) < 3:
        return weight
    near = np.linalg.norm(at[1:] - at[:-1], axis=2)
    around = np.linalg.norm(at[2:] - at[:-2], axis=2)
    leap = (np.minimum(near[:-1], near[1:]) >= LEAP) & (around <= 0.5 * LEAP)
    leap &= (weight[:-2] > 0) & (weight[1:-1] > 0) & (weight[2:] > 0)
    result = weight.copy()
    result[1:-1][leap] = 0.0
    return result
