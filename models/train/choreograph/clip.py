"""A whole clip: phrases on a beat grid, a body, a camera, the pose detector's noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import body, ease
from .grid import Grid, random_grid, random_period
from .noise import apply as add_noise
from .sources import Borrowed, KeyPoses, Manner, Pool, Steps, WarpedTake, _instants
from .takes import (L_ANKLE, L_ELBOW, L_HIP, L_KNEE, L_SHOULDER, L_TOE, L_WRIST, MID_HIP, MIRROR, NECK, NOSE, R_ANKLE, R_ELBOW,
                    R_HIP, R_KNEE, R_SHOULDER, R_TOE, R_WRIST, RATE)


@dataclass
class Clip:
    """A generated clip: what the pose stage would have seen, and the true beats."""

    times: np.ndarray  # [F] seconds
    points: np.ndarray  # [F, 17, 3] x, y (pixels, y down), confidence
    cuts: list[float]
    seconds: float
    grid: Grid
    kind: str
    # [T, 17, 3] the joints in space at 60 frames a second, before camera and noise
    body: np.ndarray

    @property
    def beats(self) -> tuple[np.ndarray, np.ndarray]:
        """Instants within the clip, and each beat's number in its bar."""
        inside = (self.grid.beats >= 0) & (self.grid.beats < self.seconds)
        return self.grid.beats[inside], self.grid.number[inside]


FORMS = ["AAAA", "AABA", "ABAB", "AABB", "ABAC", "AAAB", "ABCD"]


def _phrases(rng, grid: Grid, seconds: float) -> list[tuple[int, str, bool]]:
    """(first beat, name, mirrored) of the phrases: four or eight beats (three or six in 3/4), in a
    form with repetitions."""
    length = grid.beats_per_bar * int(rng.choice([1, 2, 4], p=[0.35, 0.5, 0.15]))
    first_bar = int(np.nonzero(grid.number == 1)[0][0])
    start = first_bar - length
    form = FORMS[rng.integers(len(FORMS))]
    mirror = rng.random() < 0.35
    result, index = [], 0
    while start < len(grid.beats) - 1 and grid.beats[max(start, 0)] < seconds + 1.0:
        result.append((start, form[index % len(form)], mirror and index % 2 == 1))
        start += length
        index += 1
    return result


def _source(rng, grid: Grid, pool: Pool, manner: Manner, kind: str, beats: int):
    if kind == "walking":
        return WarpedTake(rng, grid, pool, manner, beats, walking=True) if rng.random() < 0.6 else Steps(rng, grid, pool, manner, str(rng.choice(["walk", "run"])))
    if kind == "rope":
        return Steps(rng, grid, pool, manner, "jump")
    if pool.mixed and rng.random() < 0.4:
        return Borrowed(rng, grid, pool, manner, beats)
    pick = rng.random()
    if pick < 0.38:
        return KeyPoses(rng, grid, pool, manner)
    if pick < 0.68:
        return WarpedTake(rng, grid, pool, manner, beats)
    return Steps(rng, grid, pool, manner)


def _groove(rng, grid: Grid, manner: Manner, t: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """What dancers add to a choreography: bounce, sway, nod, pulse of the shoulders, each with its
    own period."""
    joints = joints.copy()
    upper = np.ones(17, dtype=np.float32)
    upper[[R_KNEE, L_KNEE]] = 0.45
    upper[[R_ANKLE, L_ANKLE, R_TOE, L_TOE]] = 0.0
    scale = np.linalg.norm(joints[:, NECK] - joints[:, MID_HIP], axis=1).mean()

    def pulse(period: float, sharp: float, against: bool) -> np.ndarray:
        count = int(len(grid.beats) / period)
        at = np.arange(count) * period + (period / 2 if against else 0.0) + (rng.integers(0, 2) if period >= 2 else 0)
        times = _instants(rng, grid, at, manner, lag)
        phase = np.interp(t, times, np.arange(count))
        return (0.5 + 0.5 * np.cos(2 * np.pi * phase)) ** sharp

    envelope = np.ones_like(t)
    if rng.random() < 0.3:
        # The groove comes and goes.
        envelope = np.clip(np.interp(t, np.linspace(t[0], t[-1], 6), rng.uniform(-0.5, 1.5, 6)), 0, 1)
    if rng.random() < 0.7:
        lag = rng.normal(0.0, 0.02)
        down = pulse(random_period(rng, grid.tempo, (0.5, 1.0, 2.0)), rng.uniform(0.7, 2.0), rng.random() < 0.15)
        joints[..., 1] -= (scale * rng.lognormal(np.log(0.06), 0.7) * down * envelope)[:, None] * upper
    if rng.random() < 0.4:
        lag = rng.normal(0.0, 0.03)
        side = pulse(random_period(rng, grid.tempo, (1.0, 2.0, 4.0)) * 2, 1.0, rng.random() < 0.2) - 0.5
        sway = upper * rng.uniform(0.3, 1.0, 17)
        sway[[MID_HIP, R_HIP, L_HIP]] = 1.0
        sway[[NOSE, NECK, R_SHOULDER, L_SHOULDER, R_ELBOW, L_ELBOW, R_WRIST, L_WRIST]] = rng.uniform(-0.6, 1.2)
        joints[..., 0] += (scale * rng.lognormal(np.log(0.18), 0.6) * side * envelope)[:, None] * sway
    if rng.random() < 0.4:
        lag = rng.normal(0.0, 0.02)
        nod = pulse(random_period(rng, grid.tempo, (0.5, 1.0, 2.0)), 1.0, rng.random() < 0.1)
        joints[:, NOSE, 1] -= scale * rng.uniform(0.03, 0.18) * nod * envelope
        joints[:, NOSE, 2] += scale * rng.uniform(0.0, 0.12) * nod * envelope
    if rng.random() < 0.25:
        lag = rng.normal(0.0, 0.02)
        lift = pulse(random_period(rng, grid.tempo, (0.5, 1.0, 2.0)), 1.0, rng.random() < 0.2)
        arms = [R_SHOULDER, L_SHOULDER, R_ELBOW, L_ELBOW, R_WRIST, L_WRIST]
        joints[:, arms, 1] += (scale * rng.uniform(0.02, 0.12) * lift * envelope)[:, None]
    return joints


def _slow_noise(rng, count: int, seconds: float, size: float) -> np.ndarray:
    """A smooth random path of `count` frames, with a random value about every `seconds` and
    standard deviation `size`."""
    knots = max(2, int(count / RATE / seconds) + 2)
    from scipy.interpolate import CubicSpline

    return CubicSpline(np.linspace(0, 1, knots), rng.normal(0, size, knots))(np.linspace(0, 1, count))


def _camera(rng, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Joints [T, 17, 3] seen by a random camera: pixels [T, 17, 2] (y down), which are inside the
    picture, and the torso's length in pixels."""
    count = len(joints)
    height = joints[..., 1].max() - joints[..., 1].min()
    centre = np.array([joints[:, MID_HIP, 0].mean(), 0.0, joints[:, MID_HIP, 2].mean()])
    # Usually seen roughly from the front; sometimes from any side.
    angle = rng.normal(0, 0.45) if rng.random() < 0.75 else rng.uniform(-np.pi, np.pi)
    view = (joints - centre) @ body.yaw(np.float64(angle)).T
    distance = rng.uniform(1.8, 8.0) + np.maximum(0, view[..., 2].max())
    eye = rng.uniform(0.4, 2.2) if rng.random() < 0.85 else rng.uniform(2.2, 4.0)
    pitch = np.arctan2(eye - 0.55 * height, distance) + rng.normal(0, 0.04)
    roll = rng.normal(0, 0.03)
    y, z = view[..., 1] - eye, distance - view[..., 2]
    c, s = np.cos(pitch), np.sin(pitch)
    y, z = y * c + z * s, np.maximum(z * c - y * s, 0.3)
    x = view[..., 0]
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    focal = 1.0 / (height / distance)
    # Height of the body in pixels: large in phone videos, small on stages.
    pixels = float(np.clip(rng.lognormal(np.log(420), 0.6), 60, 1600))
    zoom = np.exp(_slow_noise(rng, count, 5.0, 0.03)) if rng.random() < 0.25 else np.ones(count)
    seen = np.stack([x / z, -y / z], axis=-1) * focal * pixels * zoom[:, None, None]
    if rng.random() < 0.35:
        # A pan that follows the dancer, or an independent one.
        track = _smooth_path(seen[:, MID_HIP], int(RATE * rng.uniform(0.6, 2.0))) * rng.uniform(0.4, 1.0)
        seen = seen - track[:, None]
    if rng.random() < 0.4:
        # A hand-held camera: breathing and steps of its operator.
        amount = pixels * rng.lognormal(np.log(0.004), 0.7)
        shake = np.stack([_slow_noise(rng, count, rng.uniform(0.12, 0.6), amount) + _slow_noise(rng, count, 1.5, 2 * amount) for _ in range(2)], 1)
        seen = seen + shake[:, None]
    torso = float(np.quantile(np.linalg.norm(seen[:, NECK] - seen[:, MID_HIP], axis=1), 0.75))
    visible = np.ones((count, 17), dtype=bool)
    crop = rng.random()
    if crop < 0.22:
        # The picture's lower edge cuts off the legs, or everything below the waist.
        level = np.quantile(seen[:, [R_ANKLE, L_ANKLE], 1], 0.5) - rng.uniform(0.0, 0.55) * pixels if crop < 0.16 else np.median(seen[:, MID_HIP, 1]) + rng.uniform(-0.1, 0.2) * pixels
        visible &= seen[..., 1] < level
    if rng.random() < 0.08:
        edge = rng.uniform(0.25, 0.6) * pixels * rng.choice([-1, 1])
        middle = np.median(seen[:, MID_HIP, 0])
        visible &= (seen[..., 0] - middle) * np.sign(edge) < abs(edge)
    return seen, visible, torso


def _smooth_path(path: np.ndarray, width: int) -> np.ndarray:
    width = max(3, min(width | 1, (len(path) - 1) | 1))
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(path, ((width // 2, width // 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, i], window / window.sum(), "valid")[: len(path)] for i in range(2)], 1)


def move(rng: np.random.Generator, pool: Pool, seconds: float, kind: str | None = None) -> tuple[np.ndarray, Grid, str]:
    """A body's movement [T, 17, 3] at 60 frames a second on a random grid, in metres, and its kind.
    The kind "free" is generated only on request: somebody who does not move to the beat."""
    kind = kind or str(rng.choice(["dance", "walking", "rope"], p=[0.81, 0.13, 0.06]))
    tempo = None
    if kind == "walking":
        # Steps per minute; half beats if the steps are fast.
        tempo = rng.uniform(85, 185)
    grid = random_grid(rng, seconds, tempo, human=0.6 if kind == "walking" else 0.12)
    manner = Manner.random(rng)
    if kind != "dance":
        manner.lag *= 0.3  # There is no music: the footfall is the beat.
    count = int(round(seconds * RATE))
    t = np.arange(count) / RATE
    base = pool.lengths[rng.integers(len(pool.lengths))]
    lengths = body.random_lengths(rng, base)
    phrases = _phrases(rng, grid, seconds)
    made: dict[str, object] = {}
    direction = np.zeros((count, 16, 3), dtype=np.float32)
    root = np.zeros((count, 3), dtype=np.float32)
    one = rng.random() < 0.6  # A clip with one manner, or one that changes it.
    kept = None
    if kind == "free":
        direction, root = WarpedTake(rng, grid, pool, manner, len(grid.beats), free=True).perform(rng, grid, t, 0.0, lengths)
        phrases = []
    for number, (start, name, mirror) in enumerate(phrases):
        begin = grid.time(max(start, 0))
        finish = grid.time(min(start + (phrases[1][0] - phrases[0][0] if len(phrases) > 1 else 8), len(grid.beats) - 1))
        lead = min(0.35, 0.3 * 60 / grid.tempo)
        mine = (t >= begin - lead) & (t < finish) if number else t < finish
        if not mine.any():
            continue
        if name not in made:
            beats = phrases[1][0] - phrases[0][0] if len(phrases) > 1 else 8
            if one and kept is not None and isinstance(kept, KeyPoses | Steps):
                made[name] = type(kept)(rng, grid, pool, manner)
            else:
                made[name] = _source(rng, grid, pool, manner, kind, beats)
            kept = kept or made[name]
        now, place = made[name].perform(rng, grid, t[mine], float(start), lengths)
        if mirror:
            now, place = body.mirrored(now), place * np.array([-1.0, 1.0, 1.0], dtype=np.float32)
        place = place.astype(np.float32)
        leading = t[mine] < begin
        if number and leading.any():
            # The previous phrase leads into this one, which continues from where the body is.
            share = np.clip((t[mine] - (begin - lead)) / lead, 0, 1).astype(np.float32)
            share = share * share * (3 - 2 * share)
            last = np.nonzero(leading)[0][-1]
            place = place + (root[mine] - place)[last] * np.array([1.0, 0.0, 1.0], dtype=np.float32)
            now = body.blend(direction[mine], now, share[:, None, None])
            place = root[mine] + (place - root[mine]) * share[:, None]
        direction[mine], root[mine] = now, place
    if rng.random() < 0.12:
        # A freeze of several beats, after which the movement continues where the music is.
        length = rng.uniform(1, 4) * 60 / grid.tempo
        begin = rng.uniform(0, max(seconds - length - 0.5, 0.1))
        still = (t >= begin) & (t < begin + length)
        if still.any():
            first = np.nonzero(still)[0][0]
            after = (t >= begin + length) & (t < begin + length + 0.25)
            share = ((t[after] - begin - length) / 0.25).astype(np.float32)
            direction[after] = body.blend(np.broadcast_to(direction[first], direction[after].shape), direction[after], share[:, None, None])
            root[after] = root[first] + (root[after] - root[first]) * share[:, None]
            direction[still], root[still] = direction[first], root[first]
    # Turns: small ones all the time, a spin rarely.
    turn = _slow_noise(rng, count, 2.5, rng.choice([0.05, 0.25, 0.7], p=[0.5, 0.35, 0.15]))
    if rng.random() < 0.08:
        beats = rng.choice([1, 2, 4])
        begin = grid.time(rng.integers(4, max(5, len(grid.beats) - 8)))
        u = np.clip((t - begin) / (beats * 60 / grid.tempo), 0, 1)
        turn = turn + 2 * np.pi * rng.choice([-1, 1]) * u * u * (3 - 2 * u)
    rotate = body.yaw(turn).astype(np.float32)
    direction = np.einsum("tij,tbj->tbi", rotate, direction)
    joints = body.place(direction, lengths, root)
    if kind == "dance" and rng.random() < 0.75:
        joints = _groove(rng, grid, manner, t, joints)
    # Nobody stands perfectly still.
    joints += np.stack([_slow_noise(rng, count, 1.2, 0.006) for _ in range(3)], 1)[:, None] * np.linspace(1.2, 0.2, 17)[None, :, None].astype(np.float32)
    if rng.random() < 0.12:
        # Somebody who waits before the dance or walks off after it, while the music continues.
        length = rng.uniform(1.0, 3.0)
        idle = t < length if rng.random() < 0.6 else t > seconds - length
        anchor = np.nonzero(~idle)[0][0 if idle[0] else -1]
        calm = joints[anchor] + np.stack([_slow_noise(rng, count, 1.0, 0.02) for _ in range(3)], 1)[:, None] * 1.0
        joints[idle] = calm[idle]
    if rng.random() < 0.5:
        joints = joints[:, MIRROR] * np.array([-1.0, 1.0, 1.0], dtype=np.float32)
    return joints.astype(np.float32), grid, kind


def observe(rng: np.random.Generator, joints: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """A movement as the pose stage sees it through a random camera: frame times [F], and points [F,
    17, 3]."""
    seen, visible, torso = _camera(rng, joints)
    fps = float(rng.choice([24.0, 25.0, 29.97, 30.0, 30.0, 30.0, 50.0, 60.0, 20.0, 15.0], p=[0.1, 0.12, 0.15, 0.2, 0.15, 0.1, 0.04, 0.06, 0.05, 0.03]))
    times = np.arange(int(seconds * fps)) / fps
    if rng.random() < 0.1:
        times = np.sort(np.clip(times + rng.uniform(-0.3, 0.3, len(times)) / fps, 0, seconds))
    at = times * RATE
    low = np.minimum(at.astype(int), len(seen) - 2)
    part = np.minimum(at - low, 1.0)[:, None, None]
    points = seen[low] * (1 - part) + seen[low + 1] * part
    xy, confidence = add_noise(rng, points, torso, fps, visible[np.minimum(np.round(at).astype(int), len(seen) - 1)])
    return times, np.concatenate([xy, confidence[..., None]], axis=-1)


def generate(rng: np.random.Generator, pool: Pool, seconds: float = 12.0, kind: str | None = None) -> Clip:
    """One clip; the same generator state gives the same clip."""
    joints, grid, kind = move(rng, pool, seconds, kind)
    times, points = observe(rng, joints, seconds)
    return Clip(times, points, [], seconds, grid, kind, joints)
