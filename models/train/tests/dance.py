"""Writes a saved pose file of a skeleton that dances to a known grid."""

import json

import numpy as np

from beat_movement import JOINTS


def poses(path, tempo=110.0, first=0.2, duration=12.0, fps=30.0, size=1.0, torso=130.0, seed=1):
    """Writes a dance; returns its true beats. The body bounces with its low point on every beat,
    the hands stop on the beats, alternating left and right, and the feet step alternately. With
    `size` 0 it does not move. Noise of 0.004 torso lengths on every joint.
    """
    times = np.arange(0, duration, 1 / fps)
    beat = (times - first) * tempo / 60
    number, within = np.floor(beat), beat - np.floor(beat)
    even = number % 2 == 0
    bounce = -0.12 * size * np.abs(np.sin(np.pi * beat))
    go = np.maximum((within - 0.3) / 0.7, 0) ** 2  # begins late and is stopped on the beat
    swing = size * np.where(even, -1 + 2 * go, 1 - 2 * go)
    joints = np.zeros((len(times), JOINTS, 2))

    def put(joint, x, y):
        joints[:, joint, 0], joints[:, joint, 1] = x, y

    put(0, 0, -1.35 + bounce), put(1, 0, -1 + bounce), put(8, 0, bounce)
    for side, shoulder, elbow, wrist in ((-1, 2, 3, 4), (1, 5, 6, 7)):
        put(shoulder, 0.33 * side, -1 + bounce)
        put(elbow, 0.5 * side + 0.15 * swing, -0.5 + bounce)
        put(wrist, 0.5 * side + 0.45 * swing, -0.1 + bounce)
    for side, mine, hip, knee, ankle, toe in ((-1, even, 9, 10, 11, 16), (1, ~even, 12, 13, 14, 15)):
        lift = np.where(mine, -0.25 * size * np.sin(np.pi * within), 0)
        put(hip, 0.2 * side, bounce)
        put(knee, 0.22 * side, 0.8 + 0.5 * bounce + 0.7 * lift)
        put(ankle, 0.22 * side, 1.6 + lift)
        put(toe, 0.3 * side, 1.7 + lift)
    joints += np.random.default_rng(seed).normal(0, 0.004, joints.shape)
    pixels = np.round(joints * torso + [640, 400], 2)
    saved = {
        "format": "kinescore-stage",
        "version": 1,
        "stage": "pose",
        "clip": {"path": "dance.mp4", "start": 0.0, "duration": duration, "width": 1280, "height": 720, "frame_rate": fps, "has_audio": False, "whole": True},
        "poses": {
            "people": 1,
            "cuts": [],
            "poses": [{"time": round(t, 6), "joints": [v for x, y in row.tolist() for v in (x, y, 0.9)]} for t, row in zip(times.tolist(), pixels)],
        },
    }
    path.write_text(json.dumps(saved))
    return np.arange(first, duration, 60 / tempo)
