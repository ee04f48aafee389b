"""The Video2Rhythm network (METHOD: Su, Liu, Shlizerman, NeurIPS 2021): spatial-temporal graph
convolutions over the skeleton; a self-similarity matrix of their output, added to the attention of
a transformer with relative positions. The outputs are the activations of beats and downbeats for
each frame, and the tempo of the window.

Additions to the paper: the joints' confidence masks the input, positions are inputs in addition to
velocities, dilated convolutions along time follow the transformer, the inner layers work at half
the frame rate, and the tempo comes from the autocorrelation of learned pulse signals (in effect a
comb filter).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional as F

from choreograph.takes import BONES, L_TOE, L_WRIST, MIRROR, NECK, NOSE, R_TOE, R_WRIST, MID_HIP

JOINTS, CHANNELS = 17, 5
TEMPO_BINS, SLOWEST, BINS_PER_OCTAVE = 49, 50.0, 24
LONGEST = 300  # frames of a window: 10 s at 30 a second
# frames a step of the network's inside: after the first block it works at 15 steps a second
STRIDE = 2
STEPS = LONGEST // STRIDE
LAGS = 75  # frames of the autocorrelation: 2.5 s


@dataclass
class Shape:
    """Sizes, and the parts that the ablation removes."""

    graph: tuple[int, ...] = (24, 32, 32)
    width: int = 96
    heads: int = 4
    layers: int = 2
    feed_forward: int = 192
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16)
    pulses: int = 12
    similarity: bool = True  # self-similarity matrix in the attention
    relative: bool = True  # relative positions
    skeleton: bool = True  # graph convolution between joints
    mask: bool = True  # confidence as a mask and as an input


def partitions() -> torch.Tensor:
    """The skeleton's "distance to the root" partition (Yan et al. 2018): a joint itself, its
    neighbour towards the mid-hip, its neighbours away from it; rows normalised. [3, 17, 17], the
    sum over the second index gathers."""
    adjacency = torch.zeros(3, JOINTS, JOINTS)
    adjacency[0] = torch.eye(JOINTS)
    for parent, child in BONES:
        adjacency[1, parent, child] = 1.0
        adjacency[2, child, parent] = 1.0
    return adjacency / adjacency.sum(1, keepdim=True).clamp(min=1.0)


class GraphBlock(nn.Module):
    """Spatial graph convolution per frame, then a convolution along time, residual."""

    def __init__(self, inputs: int, outputs: int, skeleton: bool, stride: int = 1, kernel: int = 5):
        super().__init__()
        self.spread = nn.Conv2d(inputs, 3 * outputs, 1)
        self.register_buffer("adjacency", partitions() if skeleton else torch.eye(JOINTS).expand(3, -1, -1).clone())
        self.importance = nn.Parameter(torch.ones(3, JOINTS, JOINTS))
        self.norm = nn.BatchNorm2d(outputs)
        self.time = nn.Conv2d(outputs, outputs, (kernel, 1), stride=(stride, 1), padding=(kernel // 2, 0))
        self.norm_out = nn.BatchNorm2d(outputs)
        self.skip = nn.Identity() if inputs == outputs and stride == 1 else nn.Conv2d(inputs, outputs, 1, stride=(stride, 1))
        self.outputs = outputs

    def forward(self, x):  # [N, C, T, V]
        n, _, t, v = x.shape
        spread = self.spread(x).view(n, 3, self.outputs, t, v)
        mix = self.adjacency * self.importance
        gathered = torch.matmul(spread[:, 0], mix[0]) + torch.matmul(spread[:, 1], mix[1]) + torch.matmul(spread[:, 2], mix[2])
        y = F.relu(self.norm(gathered))
        return F.relu(self.norm_out(self.time(y)) + self.skip(x))


def skew(scores: torch.Tensor) -> torch.Tensor:
    """[N, H, T, 2T-1] by relative distance (from -(T-1)) to [N, H, T, T] by position (Huang et al.
    2019)."""
    n, h, t, _ = scores.shape
    padded = F.pad(scores, (0, 1)).reshape(n, h, 2 * t * t)
    return F.pad(padded, (0, t - 1)).reshape(n, h, t + 1, 2 * t - 1)[:, :, :t, t - 1 :]


class Attention(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.heads, self.size = shape.heads, shape.width // shape.heads
        self.norm = nn.LayerNorm(shape.width)
        self.project = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.relative = nn.Parameter(torch.randn(2 * STEPS - 1, self.size) * 0.02) if shape.relative else None
        self.norm_forward = nn.LayerNorm(shape.width)
        self.forward_in = nn.Linear(shape.width, shape.feed_forward)
        self.forward_out = nn.Linear(shape.feed_forward, shape.width)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x, similarity):
        n, t, d = x.shape
        q, k, v = self.project(self.norm(x)).view(n, t, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        scores = torch.matmul(q, k.transpose(-1, -2))
        if self.relative is not None:
            scores = scores + skew(torch.matmul(q, self.relative[STEPS - t : STEPS + t - 1].t()))
        if similarity is not None:
            scores = scores + similarity
        mixed = torch.matmul((scores / math.sqrt(self.size)).softmax(-1), v)
        x = x + self.dropout(self.out(mixed.transpose(1, 2).reshape(n, t, d)))
        return x + self.dropout(self.forward_out(F.gelu(self.forward_in(self.norm_forward(x)))))


class Dilated(nn.Module):
    """Gated residual convolution along time."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.time = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)
        self.out = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):  # [N, T, D]
        y = self.norm(x).transpose(1, 2)
        return x + self.dropout(self.out(F.gelu(self.time(y)))).transpose(1, 2)


class Video2Rhythm(nn.Module):
    """`motion` [N, T, 17, 5] (x, y, vx, vy, weight; 30 frames a second; T up to 300) to logits of
    beat and downbeat [N, T] and of the tempo [N, 49]."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        sizes = [2 * (CHANNELS - 1) + 1, *shape.graph]
        self.norm = nn.BatchNorm1d(sizes[0] * JOINTS)
        self.graph = nn.ModuleList(GraphBlock(a, b, shape.skeleton, STRIDE if i == 0 else 1) for i, (a, b) in enumerate(zip(sizes, sizes[1:])))
        self.gather = nn.Linear(shape.graph[-1] * JOINTS, shape.width)
        self.before = nn.ModuleList(Dilated(shape.width, d) for d in shape.dilations[:2])
        self.similarity = nn.Conv2d(1, shape.heads, 3, padding=1) if shape.similarity else None
        self.attention = nn.ModuleList(Attention(shape) for _ in range(shape.layers))
        self.after = nn.ModuleList(Dilated(shape.width, d) for d in shape.dilations)
        self.last = nn.LayerNorm(shape.width)
        # Each step represents two frames.
        self.beats = nn.Linear(shape.width, 2 * STRIDE)
        self.pulses = nn.Linear(shape.width, shape.pulses * STRIDE)
        self.summary = nn.Linear(shape.width, 32)
        self.tempo = nn.Sequential(nn.Linear(shape.pulses * LAGS + 32, 128), nn.GELU(), nn.Linear(128, TEMPO_BINS))

    def inputs(self, motion):
        """Channels per joint: positions, velocities, velocities relative to the trunk, logarithm of
        the speed, weight."""
        weight = motion[..., 4:5] if self.shape.mask else torch.ones_like(motion[..., 4:5])
        position, velocity = motion[..., 0:2], motion[..., 2:4]
        trunk = [NECK, MID_HIP]
        own = velocity - velocity[:, :, trunk].mean(2, keepdim=True)
        change = F.pad(velocity[:, 1:] - velocity[:, :-1], (0, 0, 0, 0, 1, 0))
        return torch.cat([position, velocity * 0.5, own * 0.5, change, torch.ones_like(weight)], -1) * weight

    def forward(self, motion):
        x = self.inputs(motion)
        n, t, v, c = x.shape
        x = self.norm(x.reshape(n, t, v * c).transpose(1, 2)).view(n, v, c, t).permute(0, 2, 3, 1)
        for block in self.graph:
            x = block(x)
        p = self.gather(x.permute(0, 2, 3, 1).flatten(2))
        similarity = None
        if self.similarity is not None:
            # -|Pi - Pj|^2, softmax over time, times T so that its mean is 1.
            squares = (p * p).sum(-1)
            apart = squares[:, :, None] + squares[:, None] - 2 * torch.matmul(p, p.transpose(1, 2))
            # (Computed as a tensor: a Python number would become a constant of the exported graph.)
            matrix = (-apart / self.shape.width).softmax(-1) * torch.ones_like(squares).sum(1)[:, None, None]
            similarity = self.similarity(matrix[:, None])
        for block in self.before:
            p = block(p)
        for block in self.attention:
            p = block(p, similarity)
        for block in self.after:
            p = block(p)
        p = self.last(p)
        beats = self.beats(p).reshape(n, -1, 2)[:, :t]
        pulse = F.softplus(self.pulses(p)).reshape(n, -1, self.shape.pulses)[:, :t]
        pulse = pulse - pulse.mean(1, keepdim=True)
        energy = (pulse * pulse).sum(1) + 1e-3
        padded = F.pad(pulse, (0, 0, 0, LAGS))
        comb = torch.stack([(pulse * padded[:, lag : lag + t]).sum(1) / energy for lag in range(1, LAGS + 1)], -1)
        tempo = self.tempo(torch.cat([comb.reshape(n, -1), self.summary(p).mean(1)], -1))
        return beats[..., 0], beats[..., 1], tempo


def mirrored(motion: torch.Tensor) -> torch.Tensor:
    """The mirrored movement: left and right exchanged, x and vx negated."""
    sign = torch.tensor([-1.0, 1.0, -1.0, 1.0, 1.0], dtype=motion.dtype)
    return motion[..., torch.as_tensor(MIRROR), :] * sign


class Exported(nn.Module):
    """Returns probabilities instead of logits: the mean of those of the movement and of the
    mirrored movement, which has the same beats, so that averaging reduces errors."""

    def __init__(self, net: Video2Rhythm):
        super().__init__()
        self.net = net

    def forward(self, motion):
        beat, downbeat, tempo = self.net(torch.cat([motion, mirrored(motion)]))
        beat, downbeat = (both.reshape(2, -1, motion.shape[1]).mean(0) for both in (beat, downbeat))
        # (A Python number, so that the exported shape is static.)
        tempo = tempo.reshape(2, -1, TEMPO_BINS).mean(0)
        return beat.sigmoid(), downbeat.sigmoid(), tempo.softmax(-1)
