"""Baselines for beats: random metronomes, the best steady grid, and the network that RhythmicNet's
authors published."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import beat_metrics
from beat_movement import MID_HIP, MISSING, NECK, Poses

RANDOM_TEMPI = (80.0, 135.0)  # beats a minute: of most dance music
# beats a minute that the authors' activation is decoded to, as the published decoder's default
SLOWEST, FASTEST = 55.0, 215.0
DECODER_RATE = 100.0  # frames a second: at 60, tempi near 120 would be 4 beats a minute apart
TEMPO_CHANGE = 100.0  # λ of p(n→m) ∝ exp(−λ·|m/n − 1|)
BEAT_SHARE = 16  # a beat's first sixteenth is beat states

NETWORK_RATE, WINDOW, HOP = 60, 300, 150  # frames
TORSO_PIXELS = 130.0  # that the network's training clips have, about


def metronome(tempo: float, first: float, duration: float) -> np.ndarray:
    """The beats of a metronome from `first` (within a beat of the start) to the clip's end."""
    return np.arange(first, duration, 60 / tempo)


def random_metronomes(seed: list[int], count: int, duration: float) -> list[tuple[float, np.ndarray]]:
    """(tempo, beats) of metronomes that are independent of the clip: 80 to 135 beats per minute,
    any phase."""
    draw = np.random.default_rng(seed)
    tempi, phases = draw.uniform(*RANDOM_TEMPI, count), draw.uniform(0, 1, count)
    return [(tempo, metronome(tempo, phase * 60 / tempo, duration)) for tempo, phase in zip(tempi, phases)]


def best_metronome(annotated: np.ndarray, duration: float) -> tuple[float, np.ndarray]:
    """(tempo, beats) of the one constant tempo and phase over the whole clip with the highest
    F-measure against the annotation; on a tie, the closest one. This is the upper bound for any
    steady grid. Tempi within ±10 % of the annotated one are searched.
    """
    centre = beat_metrics.tempo_of(annotated) / 60
    # Neighbouring tempi differ by a fiftieth of a beat over the clip, 10 ms at 120 beats per
    # minute.
    tempi = np.arange(0.9 * centre, 1.1 * centre, min(0.02 / duration, 0.01 * centre))
    tempi = np.append(tempi, centre)
    phases = np.arange(0, 1, 0.01)
    best = (-1.0, np.inf, centre, 0.0)
    for hz in tempi:
        position = annotated * hz - phases[:, None]
        # seconds from each annotated beat to the grid of each phase
        off = np.abs(position - np.round(position)) / hz
        beats = np.ceil(duration * hz - phases)  # within the clip
        inside = (np.round(position) >= 0) & (np.round(position) < beats[:, None])
        near = inside & (off <= beat_metrics.F_TOLERANCE)
        f = 2 * near.sum(1) / (beats + len(annotated))
        squares = np.where(near, off**2, beat_metrics.F_TOLERANCE**2).mean(1)
        k = np.lexsort((squares, -f))[0]
        if (-f[k], squares[k]) < (-best[0], best[1]):
            best = (f[k], squares[k], hz, phases[k])
    _, _, hz, phase = best
    return 60 * hz, metronome(60 * hz, phase / hz, duration)


def network_input(poses: Poses) -> np.ndarray:
    """Velocity [T, 17, 2], the input of the authors' network: difference of successive frames at 60
    per second, pixels / 100, with the body scaled to the size in their data. A missing joint is
    interpolated between the frames that have it, a joint that is never seen does not move, and a
    cut is not a movement. (Their own code sets missing joints to zero, which looks like a leap:
    this treatment favours the network.)
    """
    frames = max(int(np.floor(poses.duration * NETWORK_RATE)) + 1, 2)
    times = np.arange(frames) / NETWORK_RATE
    at, there = poses.joints[..., :2], poses.joints[..., 2] > MISSING
    both = there[:, NECK] & there[:, MID_HIP]
    torso = np.median(np.hypot(*(at[both, NECK] - at[both, MID_HIP]).T)) if both.any() else np.nan
    velocity = np.zeros((frames, at.shape[1], 2), np.float32)
    if not torso > 0:
        return velocity
    for joint in range(at.shape[1]):
        seen = there[:, joint]
        if seen.any():
            path = np.stack([np.interp(times, poses.times[seen], at[seen, joint, axis]) for axis in range(2)], 1)
            velocity[1:, joint] = np.diff(path, axis=0) * (TORSO_PIXELS / torso / 100)
    shots = poses.shots(times)
    velocity[1:][np.diff(shots) != 0] = 0
    return velocity


class AuthorsNetwork:
    """`rhythmicnet-beats.onnx`, run on windows of 5 s that overlap by half and cover the whole
    clip."""

    def __init__(self, path: Path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # clips are processed in parallel
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def activation(self, velocity: np.ndarray) -> np.ndarray:
        """Beat activation [T] at 60 per second for a clip's velocity [T, 17, 2]. Windows are
        cross-faded (triangular), so that the borders of a window, where it sees only one side,
        count least."""
        frames = len(velocity)
        padded = np.concatenate([velocity, np.zeros((max(WINDOW - frames, 0), *velocity.shape[1:]), np.float32)])
        starts = sorted({*range(0, len(padded) - WINDOW, HOP), len(padded) - WINDOW})
        fade = np.minimum(np.arange(1, WINDOW + 1), np.arange(WINDOW, 0, -1)).astype(float)
        total, weight = np.zeros(len(padded)), np.zeros(len(padded))
        for start in starts:
            (out,) = self.session.run(["activation"], {"velocity": padded[None, start : start + WINDOW]})
            total[start : start + WINDOW] += fade * out[0]
            weight[start : start + WINDOW] += fade
        return (total / weight)[:frames]

    def beats(self, poses: Poses, scale: float) -> np.ndarray:
        """Beats of a clip, with the input multiplied by `scale`."""
        activation = self.activation(network_input(poses) * np.float32(scale))
        times = np.arange(0, poses.duration, 1 / DECODER_RATE)
        return decode(np.interp(times, np.arange(len(activation)) / NETWORK_RATE, activation)) / DECODER_RATE


def decode(activation: np.ndarray, slowest: float = SLOWEST, fastest: float = FASTEST) -> np.ndarray:
    """Beats (in frames at 100 per second) of an activation: Viterbi over the whole clip in the
    model of Krebs, Böck & Widmer, "An efficient state-space model for joint tempo and meter
    tracking" (ISMIR 2015).

    A state is (interval of n frames, position k of n). Within a beat the position always advances
    by one, so it is enough to keep the score of entering a beat, per frame and interval: the best
    path is the same as over all states.
    """
    frames = len(activation)
    n = np.arange(round(60 * DECODER_RATE / fastest), round(60 * DECODER_RATE / slowest) + 1)
    a = np.clip(activation, 1e-6, 1 - 1e-6)
    on = np.concatenate([[0], np.cumsum(np.log(a))])
    off = np.concatenate([[0], np.cumsum(np.log((1 - a) / (BEAT_SHARE - 1)))])
    beat_states = -(-n // BEAT_SHARE)  # positions with k/n < 1/16
    change = -TEMPO_CHANGE * np.abs(n[None, :] / n[:, None] - 1)  # [from, to]
    change -= np.log(np.exp(change).sum(1, keepdims=True))
    start = -np.log(n.sum())

    def stretch(k, first, begin, end):
        """Log likelihood of frames begin..end as positions first.. of a beat with interval k."""
        turn = np.clip(begin + np.maximum(beat_states[k] - first, 0), begin, end)
        return on[turn] - on[begin] + off[end] - off[turn]

    every = np.arange(len(n))
    entered = np.full((frames, len(n)), start)
    origin = np.zeros((frames, len(n)), int)
    for t in range(1, frames):
        begun = t >= n  # else the beat was under way when the clip began
        begin = np.where(begun, t - n, 0)
        score = np.where(begun, entered[begin, every], start) + stretch(every, np.where(begun, 0, n - t), begin, t)
        through = score[:, None] + change
        origin[t] = through.argmax(0)
        entered[t] = through[origin[t], every]

    best = -np.inf
    for last in every:  # the last beat may be cut off by the clip's end
        from_ = np.arange(max(frames - n[last], 0), frames)
        score = entered[from_, last] + stretch(last, 0, from_, frames)
        if score.max() > best:
            best, s, k = score.max(), int(from_[score.argmax()]), last
    beats = []
    while True:
        # snapped to the peak among its beat states
        beats.append(s + int(np.argmax(activation[s : s + beat_states[k]])))
        if s == 0:
            break
        k = origin[s, k]
        s -= n[k]
        if s < 0:
            break
    return np.array(beats[::-1], float)
