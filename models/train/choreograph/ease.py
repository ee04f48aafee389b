"""Easing: how a part of the body moves from one key pose to the next."""

from __future__ import annotations

import numpy as np


def random_profile(rng: np.random.Generator) -> dict:
    """A manner of moving. `duration`: share of the time that is spent moving (the rest is a hold);
    `skew` < 1 starts fast and settles, > 1 accelerates and stops abruptly; `overshoot` and its
    frequency: oscillation after a sharp stop."""
    kind = rng.choice(["flow", "plain", "hit", "settle"], p=[0.25, 0.35, 0.25, 0.15])
    return {
        "duration": {"flow": 1.0, "plain": rng.uniform(0.5, 1.0), "hit": rng.uniform(0.25, 0.7), "settle": rng.uniform(0.6, 1.0)}[kind],
        "skew": {"flow": rng.uniform(0.9, 1.1), "plain": rng.uniform(0.8, 1.3), "hit": rng.uniform(1.1, 1.7),
                 "settle": rng.uniform(0.5, 0.8)}[kind],
        "overshoot": rng.uniform(0.03, 0.14) if kind == "hit" and rng.random() < 0.6 else 0.0,
        "ring": rng.uniform(3.0, 6.0),
        "hard": rng.uniform(0.3, 0.9) if kind == "hit" else 0.0,
    }


def arrivals(t: np.ndarray, times: np.ndarray, profile: dict, least: float = 0.18) -> tuple[np.ndarray, np.ndarray]:
    """For each instant, the index i of the next arrival (ascending `times`), and the share of the
    way from arrival i-1 to it: 0 while held, 1 at `times[i]`, above 1 while overshooting (which
    belongs to the way just finished).

    The way is the least-jerk curve 10u^3 - 15u^4 + 6u^5 (Flash & Hogan 1985) of a skewed u; `hard`
    mixes in u^2, which stops at full speed.
    """
    index = np.clip(np.searchsorted(times, t, side="left"), 1, len(times) - 1)
    gap = times[index] - times[index - 1]
    duration = np.minimum(gap, np.maximum(least, profile["duration"] * gap))
    u = np.clip((t - (times[index] - duration)) / duration, 0.0, 1.0) ** profile["skew"]
    share = u**3 * (10 - 15 * u + 6 * u * u)
    if profile["hard"]:
        share = (1 - profile["hard"]) * share + profile["hard"] * u * u
    return index, share


def ring(t: np.ndarray, times: np.ndarray, profile: dict) -> np.ndarray:
    """Overshoot at each instant after the last arrival, as a share of the way that led there."""
    if not profile["overshoot"]:
        return np.zeros_like(t)
    index = np.clip(np.searchsorted(times, t, side="right") - 1, 0, len(times) - 1)
    since = np.maximum(t - times[index], 0.0)
    return profile["overshoot"] * np.exp(-since / 0.12) * np.sin(2 * np.pi * profile["ring"] * since)
