"""The movement in a saved pose file, and measures that need no labels: lock and impact phase of a
grid of beats.

Computed here from the poses alone, not by the program under test, so that figures of different
versions and of other programs' beats can be compared. Times are in seconds from the start of the
clip; speeds are in torso lengths per second.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

JOINTS = 17
NOSE, NECK, R_SHOULDER, R_ELBOW, L_SHOULDER, L_ELBOW, MID_HIP, R_HIP, R_ANKLE, L_HIP, L_ANKLE = 0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14
TRUNK = [NECK, MID_HIP, R_SHOULDER, L_SHOULDER, R_HIP, L_HIP]

RATE = 60.0  # movement signals a second
# s, standard deviation of the Gaussian that the velocity's straight line is weighted with
SMOOTHING = 0.040
# confidence up to which a joint counts as missing, and from which it counts in full
MISSING, FULL = 0.2, 0.5
LONGEST_BRIDGE = 0.3  # s, longest gap that a joint's velocity is fitted across
# torso lengths: a joint that far away for one frame, and back in the next, was another limb
LEAP = 0.5
LEAST_JOINTS = 4.0  # sum of weights below which a frame is not usable
SIZE_WINDOW = 2.0  # s to either side, in which the body's size is taken
PAN_SMOOTHING = 0.4  # s: the slow part of the trunk's velocity, that of a panning camera
SLOW = 1.0  # s: the slow part of the movement that the lock leaves out

METRONOMES = np.arange(60.0, 180.25, 0.5)  # beats a minute that a grid is ranked among
MULTIPLES = (0.5, 1.0, 2.0)  # of the beat's phase
TOLERANCE = 0.070  # s around a beat that count as on the beat


class PoseFileError(ValueError):
    """The file is not a saved pose file; the message has the value found and the value expected."""


@dataclass
class Poses:
    """One person: `times` [F], `joints` [F, 17, 3] (x, y in pixels, y down; confidence 0..1),
    `cuts`, `duration` in seconds."""

    times: np.ndarray
    joints: np.ndarray
    cuts: np.ndarray
    duration: float

    def shots(self, times: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.cuts, times, side="right")

    def present(self) -> np.ndarray:
        """Weight 0..1 of each joint in each frame."""
        return np.clip((self.joints[..., 2] - MISSING) / (FULL - MISSING), 0, 1)


def read(path: Path) -> Poses:
    """Reads what `kinescore render CLIP --until pose` wrote."""
    try:
        saved = json.loads(Path(path).read_bytes())
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PoseFileError(f"{path}: not JSON ({error}); expected a saved pose file, as written by `kinescore render --until pose`") from None
    form = saved.get("format") if isinstance(saved, dict) else None
    if form != "kinescore-stage":
        raise PoseFileError(f"{path}: its format is {form!r}; expected 'kinescore-stage', as written by `kinescore render --until pose`")
    if saved.get("stage") != "pose":
        raise PoseFileError(f"{path}: its stage is {saved.get('stage')!r}; expected 'pose', as written by `kinescore render --until pose`")
    try:
        track = saved["poses"]
        times = np.array([pose["time"] for pose in track["poses"]], float)
        rows = [pose["joints"] for pose in track["poses"]]
        wrong = next((i for i, row in enumerate(rows) if len(row) != 3 * JOINTS), None)
        if wrong is not None:
            raise PoseFileError(f"{path}: pose {wrong} has {len(rows[wrong])} numbers; expected {3 * JOINTS}")
        joints = np.array(rows, float).reshape(-1, JOINTS, 3)
        cuts, duration = np.sort(np.array(track["cuts"], float)), float(saved["clip"]["duration"])
    except PoseFileError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise PoseFileError(f"{path}: not a saved pose file ({type(error).__name__}: {error})") from None
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all() and np.isfinite(joints).all()):
        raise PoseFileError(f"{path}: times that are not ascending, or values that are not finite numbers")
    if not (np.isfinite(duration) and duration > 0):
        raise PoseFileError(f"{path}: clip.duration is {duration} s; expected above 0 s")
    return Poses(times, joints, cuts, duration)


def smooth(values: np.ndarray, weights: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean (to 3 sigma, in samples) of the samples that have a weight; 0 if there is none
    within reach."""
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    total = np.convolve(weights, kernel)[reach : reach + len(values)]
    mean = np.convolve(values * weights, kernel)[reach : reach + len(values)]
    return np.divide(mean, total, out=np.zeros_like(mean), where=total > 1e-9)


def sizes(poses: Poses) -> np.ndarray:
    """Torso length (neck to mid-hip) in pixels at each pose: the upper quartile over two seconds to
    either side within the shot, since bending shortens it and nothing lengthens it. If the hips are
    hidden, it is derived from shoulders and upper arms by body proportions (0.20, 0.186 and 0.30 of
    the stature; Drillis & Contini 1966). NaN if it cannot be determined.
    """
    at, there = poses.joints[..., :2], poses.present() > 0

    def apart(a: int, b: int) -> np.ndarray:
        length = np.hypot(*(at[:, a] - at[:, b]).T)
        return np.where(there[:, a] & there[:, b] & (length > 0), length, np.nan)

    torso = apart(NECK, MID_HIP)
    upper = [apart(R_SHOULDER, L_SHOULDER) * 0.30 / 0.20, apart(R_SHOULDER, R_ELBOW) * 0.30 / 0.186, apart(L_SHOULDER, L_ELBOW) * 0.30 / 0.186]
    upper = np.fmax.reduce(upper)
    shots, result = poses.shots(poses.times), np.full(len(poses.times), np.nan)
    known_shot, known_since, value = None, 0.0, np.nan
    for i, now in enumerate(poses.times):
        if shots[i] != known_shot or now >= known_since + 0.25:  # a size changes over seconds
            near = (np.abs(poses.times - now) <= SIZE_WINDOW) & (shots == shots[i])
            value = np.nan
            for lengths, least in ((torso, near.sum() // 4), (upper, 0), (torso, 0)):
                seen = lengths[near & np.isfinite(lengths)]
                if len(seen) > least:
                    value = np.quantile(seen, 0.75)
                    break
            known_shot, known_since = shots[i], now
        result[i] = value
    return result


def runs(poses: Poses, joint: int, size: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(times, path in torso lengths, weights) of each run of a joint that contains no cut and no
    long gap."""
    weight = poses.present()[:, joint]
    seen = np.flatnonzero((weight > 0) & np.isfinite(size))
    if not len(seen):
        return []
    times, shots = poses.times[seen], poses.shots(poses.times[seen])
    # by the size at its own time
    steps = np.diff(poses.joints[seen, joint, :2], axis=0) / size[seen][1:, None]
    starts = np.flatnonzero((np.diff(times) > LONGEST_BRIDGE) | (np.diff(shots) != 0)) + 1
    result = []
    for part in np.split(np.arange(len(seen)), starts):
        path = np.vstack([np.zeros(2), np.cumsum(steps[part[:-1]], axis=0)])
        kept = np.ones(len(part), bool)
        if len(part) > 2:
            to_next = np.hypot(*np.diff(path, axis=0).T)
            across = np.hypot(*(path[2:] - path[:-2]).T)
            kept[1:-1] = (np.minimum(to_next[:-1], to_next[1:]) < LEAP) | (across > 0.5 * LEAP)
        result.append((times[part][kept], path[kept], weight[seen][part][kept]))
    return result


def velocities(poses: Poses) -> tuple[np.ndarray, np.ndarray]:
    """Velocity [N, 17, 2] in torso lengths per second, at 60 per second, and weight [N, 17] (0 =
    missing).

    The velocity is the slope of the straight line by least squares through the samples around each
    instant, weighted with a Gaussian and with the confidence (local linear regression, Cleveland
    1979): no lag, and the same at 24 or 60 frames a second.
    """
    frames = int(np.floor(poses.duration * RATE)) + 1
    velocity, weight = np.zeros((frames, JOINTS, 2)), np.zeros((frames, JOINTS))
    if len(poses.times) < 2:
        return velocity, weight
    sigma = max(SMOOTHING, 0.6 * float(np.median(np.diff(poses.times))))
    size = sizes(poses)
    for joint in range(JOINTS):
        for times, path, trust in runs(poses, joint, size):
            at = np.arange(max(int(np.ceil(times[0] * RATE)), 0), min(int(np.floor(times[-1] * RATE)) + 1, frames))
            if not len(at):
                continue
            now = at / RATE
            begin, end = np.searchsorted(times, now - 4 * sigma), np.searchsorted(times, now + 4 * sigma, side="right")
            index = begin[:, None] + np.arange((end - begin).max())
            inside, index = index < end[:, None], np.minimum(index, len(times) - 1)
            dt = times[index] - now[:, None]
            gauss = np.where(inside, np.exp(-0.5 * (dt / sigma) ** 2), 0)
            w = gauss * trust[index]
            s0, s1, s2 = w.sum(1), (w * dt).sum(1), (w * dt * dt).sum(1)
            p0, p1 = (w[..., None] * path[index]).sum(1), ((w * dt)[..., None] * path[index]).sum(1)
            spread, square = s0 * s2 - s1 * s1, (s0 * sigma) ** 2
            # a line needs samples at clearly different times
            fitted = (spread > 0.36 * square) & (square > 0)
            line = (s0[:, None] * p1 - s1[:, None] * p0)[fitted] / spread[fitted, None]
            velocity[at[fitted], joint] = line
            # At the end of a run, the samples lie on one side, and the slope is far less certain.
            even = np.clip((spread[fitted] / square[fitted] - 0.36) / (0.8 - 0.36), 0, 1)
            weight[at[fitted], joint] = even * s0[fitted] / gauss.sum(1)[fitted]
    take_away_pan(velocity, weight, poses.shots(np.arange(frames) / RATE))
    return velocity, weight


def take_away_pan(velocity: np.ndarray, weight: np.ndarray, shots: np.ndarray) -> None:
    """Removes the slow part of the trunk's velocity in shots where the feet are more stationary
    without it (or are not seen)."""
    total = weight[:, TRUNK].sum(1)
    seen = (total >= 2).astype(float)
    trunk = (weight[:, TRUNK, None] * velocity[:, TRUNK]).sum(1) / np.maximum(total, 1e-9)[:, None] * seen[:, None]
    feet = [R_ANKLE, L_ANKLE]
    for shot in np.unique(shots):
        part = np.flatnonzero(shots == shot)
        slow = np.stack([smooth(trunk[part, axis], seen[part], PAN_SMOOTHING * RATE) for axis in range(2)], 1)
        sure = (weight[part][:, feet] > 0.5).all(1)

        def stiller_foot(taken: float) -> float:
            left = velocity[part][sure][:, feet] - taken * slow[sure][:, None]
            return float(np.median(np.hypot(left[..., 0], left[..., 1]).min(1)))

        if not sure.any() or stiller_foot(1) < stiller_foot(0):
            velocity[part] -= np.where(weight[part][..., None] > 0, slow[:, None], 0)


@dataclass
class Movement:
    """Signals at 60 per second from the clip's start: `excitation` e(t) of the lock, the `speed`
    from which it is derived, and `impact` (deceleration)."""

    speed: np.ndarray
    excitation: np.ndarray
    impact: np.ndarray

    @cached_property
    def times(self) -> np.ndarray:
        return np.arange(len(self.speed)) / RATE

    @cached_property
    def metronome_strengths(self) -> np.ndarray:
        """R of each of the METRONOMES."""
        return np.array([self.strength(tempo / 60 * self.times) for tempo in METRONOMES])

    def strength(self, phase: np.ndarray) -> float:
        """R = Σ_m |mean(e · exp(−2πi·m·φ))|, m = ½, 1, 2, of a beat phase φ(t)."""
        return float(sum(abs((self.excitation * np.exp(-2j * np.pi * m * phase)).mean()) for m in MULTIPLES))


def movement(poses: Poses) -> Movement:
    velocity, weight = velocities(poses)
    speed = np.hypot(velocity[..., 0], velocity[..., 1])
    seen = weight.sum(1) >= LEAST_JOINTS
    # Sum of the joints' speeds, each clipped at its own 99th percentile; a missing joint counts
    # with its own mean, and one that is never seen with the mean of the others.
    summed, counted = np.zeros(len(speed)), 0
    for joint in range(JOINTS):
        present = speed[weight[:, joint] > 0, joint]
        if not len(present) or len(present) * 10 < seen.sum():
            continue
        counted += 1
        clip = np.quantile(present, 0.99)
        mean = np.minimum(present, clip).mean()
        summed += weight[:, joint] * np.minimum(speed[:, joint], clip) + (1 - weight[:, joint]) * mean
    summed = summed * (JOINTS / counted if counted else 0) * seen

    there = (summed > 0).astype(float)
    fast = (summed - smooth(summed, there, SLOW * RATE)) * there
    deviation = np.sqrt((fast**2).sum() / max(there.sum(), 1))
    excitation = fast / deviation if deviation > 1e-9 else np.zeros_like(fast)

    # Deceleration: how fast each joint loses speed, summed over the joints, torso lengths per
    # second squared.
    impact = np.zeros(len(speed))
    shots = poses.shots(np.arange(len(speed)) / RATE)
    if len(speed) > 2:
        lost = np.maximum(speed[:-2] - speed[2:], 0) * RATE / 2
        whole = (shots[:-2] == shots[2:])[:, None]
        impact[1:-1] = (lost * np.minimum(weight[:-2], weight[2:]) * whole).sum(1)
    return Movement(summed, excitation, impact)


def beat_phase(beats: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Beats since the first at each time; the outermost intervals continue beyond the ends."""
    index = np.clip(np.searchsorted(beats, times, side="right") - 1, 0, len(beats) - 2)
    return index + (times - beats[index]) / (beats[index + 1] - beats[index])


def lock(moved: Movement, beats: np.ndarray) -> float | None:
    """Lock percentile, 0 to 100: the rank of a grid's R among constant metronomes of 60 to 180
    beats per minute in steps of 0.5. A grid that is independent of the movement gets 50 on average.
    `None` without movement; 0 for fewer than two beats.
    """
    if not moved.excitation.any():
        return None
    if len(beats) < 2:
        return 0.0
    own = moved.strength(beat_phase(beats, moved.times))
    return float(100 * (moved.metronome_strengths < own).mean())


def impact_phase(moved: Movement, beats: np.ndarray) -> list[float] | None:
    """Mean deceleration within ±70 ms of the beats divided by its mean elsewhere: for the grid,
    and for the grid shifted by ¼, ½ and ¾ beat. If it is above 1 and above the shifted ones,
    the body stops on these beats. `None` without two beats or deceleration.
    """
    if len(beats) < 2 or not moved.impact.any():
        return None
    ratios = []
    positions = np.arange(-1, len(beats))
    whole = np.clip(positions, 0, len(beats) - 2)
    for shift in (0, 0.25, 0.5, 0.75):
        grid = beats[whole] + (positions + shift - whole) * (beats[whole + 1] - beats[whole])
        after = np.clip(np.searchsorted(grid, moved.times), 1, len(grid) - 1)
        on = np.minimum(np.abs(grid[after] - moved.times), np.abs(grid[after - 1] - moved.times)) <= TOLERANCE + 1e-9
        off = moved.impact[~on].mean() if (~on).any() else 0.0
        ratios.append(float(moved.impact[on].mean() / off) if off > 0 and on.any() else 0.0)
    return ratios
