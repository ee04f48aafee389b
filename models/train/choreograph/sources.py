"""Sources of a phrase's movement: key poses of real takes on a pattern of arrivals, steps on the
beat, or a section of a real take whose stops and footfalls are moved onto the grid.

Each source is made once (a choreography) and performed each time the phrase recurs, each time
slightly differently, as people do: `perform(rng, grid, t, start)` gives bone directions [T, 16, 3]
and the mid-hip [T, 3] at the instants t, for the phrase that begins at the grid's position `start`
(in beats).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import body, ease
from .grid import Grid, metrical_weight, random_pattern, random_period
from .takes import L_ANKLE, L_TOE, L_WRIST, MID_HIP, R_ANKLE, R_TOE, R_WRIST, RATE, Take


@dataclass
class Manner:
    """How a person keeps time. People arrive about 50 ms after the beat that they hear: a lag per
    clip, and a random deviation per arrival."""

    lag: float
    scatter: float

    @staticmethod
    def random(rng: np.random.Generator) -> "Manner":
        return Manner(float(rng.normal(0.05, 0.03)), float(np.clip(rng.lognormal(np.log(0.018), 0.6), 0.004, 0.06)))


class Pool:
    """Key poses (moments at which the body is slower than before and after) and sections of real
    takes. `mixed`: arms of one take may be combined with the body of another, which makes more
    people out of few."""

    def __init__(self, takes: list[Take], mixed: bool = False):
        self.takes, self.mixed = takes, mixed
        self.moves = [_Moves(take) for take in takes]
        self.poses = [m.key_poses for m in self.moves]
        self.lengths = [m.lengths for m in self.moves]
        self.by_kind: dict[str, list[int]] = {}
        for i, take in enumerate(takes):
            self.by_kind.setdefault(take.kind, []).append(i)


class _Moves:
    """A take with the data that the sources need."""

    def __init__(self, take: Take):
        self.direction, self.lengths = body.directions(take.joints)
        self.root = take.joints[:, MID_HIP]
        joints = take.joints
        speed = np.linalg.norm(np.diff(joints, axis=0, prepend=joints[:1]), axis=2) * RATE
        speed[0] = speed[min(1, len(speed) - 1)]
        smooth = lambda x, n: np.convolve(np.pad(x, n // 2, mode="edge"), np.hanning(n + 2)[1:-1] / np.hanning(n + 2).sum(), "valid")  # noqa: E731
        whole = smooth(speed.mean(1) + 0.5 * speed[:, [R_WRIST, L_WRIST]].mean(1), 9)
        # Slower than a fifth of a second earlier and later.
        slow = [i for i in range(12, len(whole) - 12) if whole[i] == whole[i - 12 : i + 13].min()]
        turn = -body.heading(self.direction)
        faced = np.einsum("tij,tbj->tbi", body.yaw(turn), self.direction)
        self.key_poses = faced[slow].astype(np.float32)
        # Deceleration of the body: in a dance, it coincides with beats.
        impact = np.maximum(-np.gradient(whole) * RATE, 0)
        feet = speed[:, [R_ANKLE, R_TOE, L_ANKLE, L_TOE]]
        falls = sum(np.maximum(-np.gradient(smooth(feet[:, i], 5)) * RATE, 0) * (joints[:, j, 1] < 0.16)
                    for i, j in enumerate([R_ANKLE, R_TOE, L_ANKLE, L_TOE]))
        self.events = _arrived(_peaks(smooth(impact / (impact.std() + 1e-6) + falls / (falls.std() + 1e-6), 7), 12), len(joints))
        self.footfalls = _arrived(_peaks(smooth(falls, 9), 14), len(joints))


def _peaks(signal: np.ndarray, apart: int) -> np.ndarray:
    height = signal.mean()
    return np.array([i for i in range(apart, len(signal) - apart) if signal[i] == signal[i - apart : i + apart + 1].max() and signal[i] > height],
                    dtype=int)


# Frames from the steepest deceleration to the stop: in the median footfall and the median stop of
# the body, the speed reaches its minimum 50 to 70 ms later. What people see and hear as the hit is
# the stop.
ARRIVAL = 3


def _arrived(steepest: np.ndarray, count: int) -> np.ndarray:
    """Converts frames of the steepest decelerations to frames of the stops."""
    return steepest[steepest + ARRIVAL < count] + ARRIVAL


def _cycle(grid: Grid, t: np.ndarray, start: float, positions: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions (in beats) of a pattern repeated over the instants t, with an extra cycle at both
    ends, and the number of each, counted from the phrase's start."""
    first, last = grid.position(t[0]) - start, grid.position(t[-1]) - start
    cycles = np.arange(np.floor(first / length) - 1, np.ceil(last / length) + 2)
    at = (cycles[:, None] * length + positions[None]).ravel()
    number = (cycles[:, None] * len(positions) + np.arange(len(positions))[None]).ravel().astype(int)
    return start + at, number


def _instants(rng, grid: Grid, positions: np.ndarray, manner: Manner, lag: float) -> np.ndarray:
    times = grid.time(positions) + manner.lag + lag + rng.normal(0, manner.scatter, len(positions))
    return np.maximum.accumulate(times + np.arange(len(times)) * 1e-6)


class _Part:
    """Some bones that move together through a list of key poses, on a pattern."""

    def __init__(self, rng, grid: Grid, bones: list[int], keys: np.ndarray, reach: float, pattern=None, rest=None):
        self.bones = bones
        self.positions, self.length = pattern if pattern is not None else random_pattern(rng, grid)
        variants = rng.choice([1, 2, 4], p=[0.4, 0.4, 0.2])
        count = len(self.positions) * variants
        weight = metrical_weight(self.positions, grid.beats_per_bar)
        amount = np.tile(weight, variants) ** rng.uniform(0.0, 1.2) * rng.uniform(0.6, 1.0, count) * reach
        # Short distances if there is little time: hands rarely exceed 6 m/s.
        gaps = np.diff(self.positions, append=self.positions[0] + self.length) * 60 / grid.tempo
        amount = amount * np.tile(np.clip(np.minimum(gaps, np.roll(gaps, 1)) / 0.45, 0.2, 1.0), variants)
        rest = keys[rng.integers(len(keys))][bones] if rest is None else rest[bones]
        chosen = keys[rng.integers(len(keys), size=count)][:, bones]
        if count == 1 or (count == 2 and rng.random() < 0.5):
            # There and back.
            chosen = np.concatenate([chosen[:1], rest[None]])[: max(count, 2)]
            if count == 1:
                self.positions = np.array([self.positions[0], self.positions[0] + self.length / 2])
                amount = np.array([amount[0], 0.0])
        self.keys = body.blend(np.broadcast_to(rest, chosen.shape), chosen, amount[:, None, None])
        self.profile = ease.random_profile(rng)
        self.lag = rng.normal(0, 0.015)

    def perform(self, rng, grid, t, start, manner) -> np.ndarray:
        positions, number = _cycle(grid, t, start, self.positions, self.length)
        times = _instants(rng, grid, positions, manner, self.lag)
        keys = self.keys[number % len(self.keys)]
        vary = rng.normal(0, 0.04, keys.shape).astype(np.float32)
        keys = body.unit(keys + vary)
        index, share = ease.arrivals(t, times, self.profile)
        over = ease.ring(t, times, self.profile)
        now = body.blend(keys[index - 1], keys[index], share[:, None, None])
        if self.profile["overshoot"]:
            done = np.clip(np.searchsorted(times, t, side="right") - 1, 1, len(times) - 1)
            now = body.unit(now + (keys[done] - keys[done - 1]) * over[:, None, None])
        return now


class KeyPoses:
    """A phrase of key poses of real takes: arms, legs, and trunk each on their own pattern, or
    together."""

    def __init__(self, rng, grid: Grid, pool: Pool, manner: Manner):
        self.manner = manner
        dance = [i for kind in ("dance", "dance", "martial", "sport") for i in pool.by_kind.get(kind, []) if len(pool.poses[i]) >= 3]
        chosen = rng.choice(dance, size=rng.integers(1, 4))
        keys = np.concatenate([pool.poses[i] for i in chosen])
        keys = keys[rng.permutation(len(keys))[: rng.integers(3, 9)]]
        rest = keys[0]
        together = rng.random() < 0.4
        shared = random_pattern(rng, grid) if together else None
        legs = rng.uniform(0.2, 1.2)
        self.parts = [_Part(rng, grid, body.LOWER, keys, legs, shared, rest),
                      _Part(rng, grid, [body.SPINE, *body.SHOULDERS, body.HEAD], keys, rng.uniform(0.3, 1.2), shared, rest)]
        if rng.random() < 0.6:
            pattern = shared or random_pattern(rng, grid)
            self.parts.append(_Part(rng, grid, [*body.RIGHT_ARM, *body.LEFT_ARM], keys, rng.uniform(0.7, 1.4), pattern, rest))
        else:
            for bones in (body.RIGHT_ARM, body.LEFT_ARM):
                self.parts.append(_Part(rng, grid, bones, keys, rng.uniform(0.5, 1.4), shared, rest))
        self.hold = rng.choice([1.0, 0.9, 0.5])

    def perform(self, rng, grid, t, start, lengths):
        direction = np.empty((len(t), 16, 3), dtype=np.float32)
        for part in self.parts:
            direction[:, part.bones] = part.perform(rng, grid, t, start, self.manner)
        return direction, body.stand(direction, lengths, self.hold)


class Steps:
    """Steps, marches, jumps: feet land on the pattern, hips follow, arms swing along or move on
    their own pattern."""

    def __init__(self, rng, grid: Grid, pool: Pool, manner: Manner, kind: str | None = None):
        self.manner = manner
        self.kind = kind or str(rng.choice(["march", "side", "walk", "run", "jump", "still"], p=[0.2, 0.27, 0.15, 0.08, 0.12, 0.18]))
        choices = {"run": (0.25, 0.5, 1.0), "jump": (0.5, 1.0, 2.0), "walk": (0.5, 1.0, 2.0)}.get(self.kind, (0.5, 1.0, 2.0))
        self.period = random_period(rng, grid.tempo * (0.6 if self.kind == "run" else 1.0), choices)
        self.against = 0.5 * self.period if rng.random() < 0.08 else 0.0
        self.width = rng.uniform(0.08, 0.22)
        self.reach = {"side": rng.uniform(0.1, 0.45), "walk": rng.uniform(0.2, 0.7), "run": rng.uniform(0.3, 0.9)}.get(self.kind, 0.03)
        self.forward = self.kind in ("walk", "run") and rng.random() < 0.7
        self.lift = {"march": rng.uniform(0.08, 0.35), "run": rng.uniform(0.15, 0.4), "still": 0.0}.get(self.kind, rng.uniform(0.03, 0.15))
        self.air = rng.uniform(0.35, 0.75) if self.kind != "run" else rng.uniform(0.9, 1.3)
        self.dip = rng.uniform(0.01, 0.07) * (0.3 if self.period * 60 / grid.tempo < 0.3 else 1.0)
        self.jump = rng.uniform(0.05, 0.35) if self.kind == "jump" else (rng.uniform(0.02, 0.1) if self.kind == "run" else 0.0)
        self.crouch = rng.uniform(0.9, 0.985)
        self.sway = rng.uniform(0.0, 0.6)
        self.lean = rng.normal(0, 0.08, 2)
        self.twist = rng.normal(0, 0.25)
        poses = np.concatenate(pool.poses)
        keys = poses[rng.integers(len(poses), size=8)]
        arms = [*body.RIGHT_ARM, *body.LEFT_ARM]
        self.swing = rng.uniform(0.1, 0.9) if self.kind in ("walk", "run", "march") or rng.random() < 0.4 else None
        self.bend = rng.uniform(0.1, 1.8)
        self.arms = None if self.swing is not None else _Part(rng, grid, arms, keys, rng.uniform(0.1, 1.0))
        self.sharp = rng.uniform(1.1, 1.9)
        self.nod = rng.uniform(0, 0.25)

    def perform(self, rng, grid, t, start, lengths):
        # Right is at negative x of someone who looks along z; signs cancel in the mirror.
        side = np.array([1.0, -1.0])
        both = self.kind in ("jump", "still")
        pattern = np.array([self.against]) if both else np.array([self.against, self.against + self.period])
        positions, number = _cycle(grid, t, start, pattern, self.period * len(pattern))
        times = _instants(rng, grid, positions, self.manner, 0.0)
        seconds = self.period * 60 / grid.tempo
        thigh, shank = lengths[9], lengths[10]
        height = (thigh + shank) * self.crouch
        step_length = self.reach * (1 if self.kind != "side" else 0)
        feet = []
        for foot in range(2):
            mine = np.ones(len(times), bool) if both else number % 2 == foot
            at, count = times[mine], number[mine]
            x = np.full(len(at), -side[foot] * self.width)
            z = np.zeros(len(at))
            if self.kind == "side":
                # Step out with one foot, close with the other, and back: four steps.
                quarter = count % 4
                out = np.where(quarter < 2, 1.0, -1.0) * self.reach
                x = x + out
            elif self.kind in ("walk", "run"):
                z = count * step_length if self.forward else np.where(count % 4 < 2, 1, -1) * self.reach * 0.5
            x, z = x + rng.normal(0, 0.012, len(at)), z + rng.normal(0, 0.012, len(at))
            index = np.clip(np.searchsorted(at, t, side="left"), 1, len(at) - 1)
            air = np.minimum(self.air * seconds, 0.9 * (at[index] - at[index - 1]))
            u = np.clip((t - (at[index] - air)) / np.maximum(air, 1e-3), 0, 1)
            share = (u * u * (3 - 2 * u)) ** (1 / self.sharp)
            lift = self.lift * np.sin(np.pi * u**0.8) * (0.0 if both else 1.0)
            foot_x = x[index - 1] + (x[index] - x[index - 1]) * share
            foot_z = z[index - 1] + (z[index] - z[index - 1]) * share
            feet.append((foot_x, foot_z, lift, u))
        # Bounce: lowest shortly after the landing; up between landings, in free fall during a jump.
        index = np.clip(np.searchsorted(times, t, side="right"), 1, len(times) - 1)
        part = np.clip((t - times[index - 1]) / np.maximum(times[index] - times[index - 1], 1e-3), 0, 1)
        low = 0.5 + 0.5 * np.cos(2 * np.pi * (part - 0.06))
        high = np.zeros_like(t)
        if self.jump:
            flight = min(0.62, 2 * np.sqrt(2 * self.jump / 9.81) / seconds)
            v = np.clip((part - (1 - flight)) / flight, 0, 1)
            high = self.jump * 4 * v * (1 - v)
        raw = np.stack([(feet[0][0] + feet[1][0]) / 2, (feet[0][1] + feet[1][1]) / 2], 1)
        toward = np.stack([np.where(feet[0][3] > feet[1][3], feet[1][0], feet[0][0]), np.where(feet[0][3] > feet[1][3], feet[1][1], feet[0][1])], 1)
        path = _smoothed(raw + self.sway * (toward - raw), max(3, int(0.3 * seconds * RATE)))
        root = np.stack([path[:, 0], height - self.dip * low + high + 0.06, path[:, 1]], 1).astype(np.float32)

        turning = np.cos(np.pi * (number[index - 1] + part)) if not both else np.cos(np.pi * (number[index - 1] + part)) * 0.5
        direction = np.empty((len(t), 16, 3), dtype=np.float32)
        lean = self.lean + 0.02 * np.stack([turning, -low], 1)
        direction[:, body.SPINE] = body.unit(np.stack([lean[:, 0] + 0.05 * self.sway * turning, np.ones_like(t), lean[:, 1] + 0.3 * self.dip * low], 1))
        direction[:, body.HEAD] = body.unit(np.stack([0.5 * lean[:, 0], np.full_like(t, 0.75), 0.65 + self.nod * (low - 0.5)], 1))
        rotate = 0.5 * self.twist * turning
        for bones, share in ((body.SHOULDERS, -1.0), (body.HIPS, 0.6)):
            down = 0.12 if bones is body.SHOULDERS else -0.1
            for bone, sign in zip(bones, (-1.0, 1.0)):
                direction[:, bone] = body.unit(np.stack([sign * np.cos(share * rotate), np.full_like(t, down), -sign * np.sin(share * rotate)], 1))
        if self.arms is not None:
            direction[:, self.arms.bones] = self.arms.perform(rng, grid, t, start, self.manner)
        else:
            for arm, sign in ((body.RIGHT_ARM, -1.0), (body.LEFT_ARM, 1.0)):
                angle = self.swing * (turning * sign if not both else turning) + 0.1
                direction[:, arm[0]] = body.unit(np.stack([np.full_like(t, sign * 0.18), -np.cos(angle), np.sin(angle)], 1))
                direction[:, arm[1]] = body.unit(np.stack([np.full_like(t, -sign * 0.1), -np.cos(angle + self.bend), np.sin(angle + self.bend)], 1))
        for hip, bones, foot in ((body.HIPS[0], body.RIGHT_LEG, feet[0]), (body.HIPS[1], body.LEFT_LEG, feet[1])):
            hip_at = root + lengths[hip] * direction[:, hip]
            ankle = np.stack([foot[0], foot[2] + high * 0.9 + 0.08, foot[1]], 1)
            knee = body.leg(hip_at, ankle, thigh, shank, np.broadcast_to(np.array([np.sign(foot[0].mean()) * 0.25, 0.0, 1.0]), ankle.shape))
            direction[:, bones[0]] = body.unit(knee - hip_at)
            direction[:, bones[1]] = body.unit(ankle - knee)
            drop = -0.35 - 1.2 * np.minimum(foot[2] + high * 0.9, 0.3)
            direction[:, bones[2]] = body.unit(np.stack([np.sign(foot[0].mean()) * np.full_like(t, 0.2), drop, np.ones_like(t)], 1))
        return direction, root


def _smoothed(values: np.ndarray, width: int) -> np.ndarray:
    width = min(width | 1, (len(values) - 1) | 1)
    if width < 3:
        return values
    window = np.hanning(width + 2)[1:-1]
    window /= window.sum()
    padded = np.pad(values, ((width // 2, width // 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, i], window, "valid") for i in range(values.shape[1])], axis=1)[: len(values)]


class WarpedTake:
    """A section of a real take, time-warped: its stops and footfalls are moved onto the nearest
    beats and half beats. `SLOWEST` and `FASTEST` bound the overall change of speed, and also the
    change between two knots relative to it. `free`: nothing is moved; the movement keeps its own
    time and is independent of the grid."""

    SLOWEST, FASTEST = 0.7, 1.45

    def __init__(self, rng, grid: Grid, pool: Pool, manner: Manner, beats: int, walking: bool = False, free: bool = False):
        self.manner = manner
        kinds = ("walk",) if walking else ("dance", "dance", "dance", "martial", "sport", "jump", "walk")
        kinds = [k for k in kinds if k in pool.by_kind]
        interval = 60.0 / grid.tempo
        moves = None
        for _ in range(8):
            moves = pool.moves[rng.choice(pool.by_kind[str(rng.choice(kinds))])]
            if len(moves.events) >= 4:
                break
        events = moves.footfalls if walking and len(moves.footfalls) >= 3 else moves.events
        events = events / RATE
        total = (len(moves.direction) - 1) / RATE
        gap = np.median(np.diff(events)) if len(events) > 1 else 0.5
        # Beats between two events: the multiple with the smallest change of speed.
        multiples = np.array([0.5, 1.0, 2.0] if not walking else [0.5, 1.0])
        speed = gap / (multiples * interval)
        liking = np.exp(-0.5 * (np.log2(speed) / 0.4) ** 2) + 1e-9
        multiple = float(rng.choice(multiples, p=liking / liking.sum()))
        rate = float(np.clip(gap / (multiple * interval), self.SLOWEST, self.FASTEST)) * rng.uniform(0.9, 1.1)
        if free:
            rate = rng.uniform(0.85, 1.15)
        slot = min(1.0, multiple)
        longest = max(1, int(total / (interval * rate)))
        self.beats = min(beats, max(2, longest))
        span = self.beats * interval * rate
        begin = float(rng.choice(events[events < max(total - span, events[0] + 1e-6)])) if len(events) and events[0] < total - span else rng.uniform(0, max(total - span, 1e-3))
        # Knots: (position in beats, time in the take).
        knots = [(0.0, begin)]
        for event in () if free else events[(events > begin + 0.15) & (events < total)]:
            position, instant = knots[-1]
            wanted = position + (event - instant) / (rate * interval)
            target = round(wanted / slot) * slot
            if target <= position:
                continue
            local = (event - instant) / ((target - position) * interval)
            if self.SLOWEST * rate < local < self.FASTEST * rate and target <= self.beats and rng.random() < 0.92:
                knots.append((target, event))
        position, instant = knots[-1]
        if position < self.beats:
            knots.append((float(self.beats), min(instant + (self.beats - position) * interval * rate, total)))
        self.knots = np.array(knots)
        self.direction, self.root, self.flip = moves.direction, moves.root, False
        ends = np.clip((self.knots[[0, -1], 1] * RATE).astype(int), 0, len(moves.direction) - 1)
        facing = body.heading(moves.direction[ends])
        self.turn = -facing[0]
        # If a loop ends with another orientation or position, the difference is distributed along
        # it, so that there is no leap.
        self.unturn = -((facing[1] - facing[0] + np.pi) % (2 * np.pi) - np.pi)
        self.own_lengths = moves.lengths

    def perform(self, rng, grid, t, start, lengths):
        # The seam of a loop: the last part of a beat is blended into the loop's beginning.
        loops = np.floor((grid.position(t) - start) / self.beats)
        seam = min(0.9, 0.45 * grid.tempo / 60.0)
        direction, root = self._once(rng, grid, t, start + loops * self.beats)
        left = (start + (loops + 1) * self.beats - grid.position(t)) / seam
        near = left < 1
        if near.any():
            ahead, root_ahead = self._once(rng, grid, t[near], start + (loops[near] + 1) * self.beats)
            share = (1 - left[near]).astype(np.float32)
            share = share * share * (3 - 2 * share)
            direction[near] = body.blend(direction[near], ahead, share[:, None, None])
            root[near] += (root_ahead - root[near]) * share[:, None]
        # A longer leg carries the hips higher, and goes farther.
        legs = [9, 10, 13, 14]
        return direction, root * np.float32(lengths[legs].sum() / self.own_lengths[legs].sum())

    def _once(self, rng, grid, t, start):
        from scipy.interpolate import PchipInterpolator

        # All instants of one loop share a start, so they are processed loop by loop.
        direction = np.empty((len(t), 16, 3), dtype=np.float32)
        root = np.empty((len(t), 3), dtype=np.float32)
        for one in np.unique(start):
            mine = start == one
            knots = _instants(rng, grid, one + self.knots[:, 0], self.manner, 0.0)
            knots = np.maximum.accumulate(knots + np.arange(len(knots)) * 1e-3)
            inner = np.clip(t[mine], knots[0] - 0.5, knots[-1] + 0.5)
            held = np.clip(inner, knots[0], knots[-1])
            pace = (self.knots[-1, 1] - self.knots[0, 1]) / (knots[-1] - knots[0])
            at = PchipInterpolator(knots, self.knots[:, 1])(held) + (inner - held) * pace
            frame = np.clip(at * RATE, 0, len(self.direction) - 1.001)
            low = frame.astype(int)
            part = (frame - low).astype(np.float32)
            now = self.direction[low] + (self.direction[low + 1] - self.direction[low]) * part[:, None, None]
            place = self.root[low] + (self.root[low + 1] - self.root[low]) * part[:, None]
            done = (at - self.knots[0, 1]) / max(self.knots[-1, 1] - self.knots[0, 1], 1e-3)
            turn = body.yaw(self.turn + self.unturn * done).astype(np.float32)
            direction[mine] = np.einsum("tij,tbj->tbi", turn, now)
            first, last = self.root[np.clip((self.knots[[0, -1], 1] * RATE).astype(int), 0, len(self.root) - 1)]
            flat = np.array([1.0, 0.0, 1.0], dtype=np.float32)
            place = place - first * flat - (last - first) * flat * done[:, None].astype(np.float32)
            place = np.einsum("tij,tj->ti", turn, place)
            root[mine] = place
        return body.unit(direction), root


class Borrowed:
    """The arms of one source on the body of another, both on the same beats, with larger or smaller
    movements than the original."""

    def __init__(self, rng, grid: Grid, pool: Pool, manner: Manner, beats: int):
        self.own = WarpedTake(rng, grid, pool, manner, beats) if rng.random() < 0.65 else Steps(rng, grid, pool, manner)
        self.lender = WarpedTake(rng, grid, pool, manner, beats) if rng.random() < 0.6 else KeyPoses(rng, grid, pool, manner)
        self.bones = [*body.RIGHT_ARM, *body.LEFT_ARM] + ([body.HEAD] if rng.random() < 0.5 else [])
        self.reach = rng.uniform(0.5, 1.25)

    def perform(self, rng, grid, t, start, lengths):
        direction, root = self.own.perform(rng, grid, t, start, lengths)
        lent, _ = self.lender.perform(rng, grid, t, start, lengths)
        # Relative to the orientation of the source's trunk, scaled about their mean movement, then
        # rotated to the orientation of this body.
        lent = np.einsum("tij,tbj->tbi", body.yaw(-body.heading(lent)), lent[:, self.bones]).astype(np.float32)
        middle = np.broadcast_to(body.unit(lent.mean(0)), lent.shape)
        lent = body.blend(middle, lent, self.reach)
        direction[:, self.bones] = np.einsum("tij,tbj->tbi", body.yaw(body.heading(direction)), lent)
        return direction, root
