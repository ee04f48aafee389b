"""A body as directions of bones. Poses are interpolated in this form, so that limbs keep their
length."""

from __future__ import annotations

import numpy as np

from .takes import (BONES, L_ANKLE, L_HIP, L_KNEE, L_TOE, L_WRIST, MID_HIP, MIRROR, NECK, NOSE, R_ANKLE, R_HIP, R_KNEE, R_TOE,
                    R_WRIST)

PARENT = np.array([p for p, _ in BONES])
CHILD = np.array([c for _, c in BONES])
# Bone i of the mirrored body is bone BONE_MIRROR[i] of the body, with x negated.
BONE_MIRROR = np.array([[tuple(b) for b in BONES].index((int(MIRROR[p]), int(MIRROR[c]))) for p, c in BONES])

SPINE, HEAD = 0, 1
RIGHT_ARM, LEFT_ARM = [3, 4], [6, 7]
SHOULDERS, HIPS = [2, 5], [8, 12]
RIGHT_LEG, LEFT_LEG = [9, 10, 11], [13, 14, 15]
UPPER = [SPINE, HEAD, *SHOULDERS, *RIGHT_ARM, *LEFT_ARM]
LOWER = [*HIPS, *RIGHT_LEG, *LEFT_LEG]


def directions(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit directions [T, 16, 3] and lengths [16] of the bones of joints [T, 17, 3]."""
    bone = joints[:, CHILD] - joints[:, PARENT]
    length = np.linalg.norm(bone, axis=2)
    return bone / np.maximum(length, 1e-6)[..., None], np.median(length, axis=0)


def place(direction: np.ndarray, lengths: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Joints [T, 17, 3] of bones' directions [T, 16, 3] and the mid-hip [T, 3]."""
    joints = np.empty((len(direction), 17, 3), dtype=np.float32)
    joints[:, MID_HIP] = root
    for bone, (parent, child) in enumerate(BONES):
        joints[:, child] = joints[:, parent] + lengths[bone] * direction[:, bone]
    return joints


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-6)


def blend(a: np.ndarray, b: np.ndarray, share) -> np.ndarray:
    """Directions between a (share 0) and b (1), interpolated by angle (slerp); beyond 1 they
    overshoot. Nearly opposite directions pass through the front."""
    share = np.asarray(share, dtype=np.float32)
    cosine = np.clip((a * b).sum(-1, keepdims=True), -1.0, 1.0)
    angle = np.maximum(np.arccos(cosine), 1e-3)
    sine = np.maximum(np.sin(angle), 0.05)
    mixed = np.sin((1 - share) * angle) / sine * a + np.sin(share * angle) / sine * b
    opposite = np.maximum(-cosine - 0.9, 0.0) * 5.0 * np.sin(np.pi * np.clip(share, 0, 1))
    return unit(mixed + opposite * np.array([0.0, 0.0, 1.0], dtype=np.float32))


def mirrored(direction: np.ndarray) -> np.ndarray:
    return direction[..., BONE_MIRROR, :] * np.array([-1.0, 1.0, 1.0], dtype=np.float32)


def yaw(angle) -> np.ndarray:
    """Rotation matrices about the vertical."""
    c, s = np.cos(angle), np.sin(angle)
    zero, one = np.zeros_like(c), np.ones_like(c)
    return np.stack([np.stack([c, zero, s], -1), np.stack([zero, one, zero], -1), np.stack([-s, zero, c], -1)], -2)


def heading(direction: np.ndarray) -> np.ndarray:
    """Angle about the vertical that a body [T, 16, 3] faces; 0 looks along z."""
    across = unit(direction[:, HIPS[1]] - direction[:, HIPS[0]]) + unit(direction[:, SHOULDERS[1]] - direction[:, SHOULDERS[0]])
    return np.arctan2(-across[:, 2], across[:, 0])


def random_lengths(rng: np.random.Generator, base: np.ndarray) -> np.ndarray:
    """Random proportions of another person, including children: both sides are equal, limbs and
    trunk vary independently by a few percent."""
    factor = np.exp(rng.normal(0, 0.07, 16))
    factor = np.minimum(factor, factor[BONE_MIRROR]) if rng.random() < 0.5 else np.maximum(factor, factor[BONE_MIRROR])
    limbs = np.exp(rng.normal(0, 0.06))
    factor[[*RIGHT_ARM, *LEFT_ARM]] *= limbs
    factor[[9, 10, 13, 14]] *= np.exp(rng.normal(0, 0.06))
    return (base + base[BONE_MIRROR]) / 2 * factor * np.exp(rng.normal(0, 0.05))


def ground(joints: np.ndarray) -> np.ndarray:
    """Height of the lowest foot at each frame, a soft minimum of both feet."""
    feet = joints[:, [R_ANKLE, L_ANKLE, R_TOE, L_TOE], 1]
    low = feet.min(axis=1, keepdims=True)
    weight = np.exp((low - feet) / 0.02)
    return (feet * weight).sum(1) / weight.sum(1)


def stand(direction: np.ndarray, lengths: np.ndarray, hold: float = 1.0) -> np.ndarray:
    """Mid-hip [T, 3] of a body whose lowest foot is stationary on the ground: weight on a foot
    keeps it in place. `hold` < 1 lets it slip by the remainder. Accumulated slow drift is
    removed."""
    zero = np.zeros((len(direction), 3), dtype=np.float32)
    joints = place(direction, lengths, zero)
    feet = (joints[:, [R_ANKLE, L_ANKLE]] + joints[:, [R_TOE, L_TOE]]) / 2
    weight = np.exp(-(feet[:, :, 1] - feet[:, :, 1].min(axis=1, keepdims=True)) / 0.03)
    weight /= weight.sum(1, keepdims=True)
    step = np.diff(feet[:, :, [0, 2]], axis=0)
    moved = -(step * ((weight[1:] + weight[:-1]) / 2)[..., None]).sum(1) * hold
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(moved, axis=0)])
    width = min(241, len(path) // 2 * 2 - 1)
    if width > 3:
        pad = width // 2
        window = np.hanning(width + 2)[1:-1]
        window /= window.sum()
        padded = np.pad(path, ((pad, pad), (0, 0)), mode="edge")
        slow = np.stack([np.convolve(padded[:, i], window, "valid") for i in range(2)], axis=1)
        path = path - 0.9 * slow
    root = np.zeros((len(direction), 3), dtype=np.float32)
    root[:, [0, 2]] = path
    root[:, 1] = -ground(joints)
    return root


def leg(hip: np.ndarray, ankle: np.ndarray, thigh: float, shank: float, forward: np.ndarray) -> np.ndarray:
    """The knee [T, 3] of a leg from hip to ankle, bent towards `forward` (law of cosines); a leg
    too short is stretched."""
    line = ankle - hip
    distance = np.clip(np.linalg.norm(line, axis=-1, keepdims=True), 1e-3, (thigh + shank) * 0.9995)
    along = unit(line)
    reach = (thigh**2 - shank**2 + distance**2) / (2 * distance)
    out = np.sqrt(np.maximum(thigh**2 - reach**2, 0.0))
    side = unit(forward - (forward * along).sum(-1, keepdims=True) * along)
    return hip + along * reach + side * out
