"""Shared by the training scripts: seeds, timed runs, averaging, export checks."""

from __future__ import annotations

import copy
import math
import os
import platform
import random
import time
from pathlib import Path

import numpy as np
import torch

RUNS = Path(__file__).resolve().parent / "runs"
MODELS = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-4  # ONNX Runtime against PyTorch, maximal absolute difference


def seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def machine() -> str:
    name = platform.processor() or platform.machine()
    cpu = Path("/proc/cpuinfo")
    if cpu.exists():
        for line in cpu.read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return f"{name}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"


def parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


class Dropout(torch.nn.Module):
    """Dropout whose masks are slices of one pool of random numbers: on a CPU, drawing new ones took
    a third of the time."""

    POOL = 1 << 23
    pools: dict = {}

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if (self.p, x.device) not in self.pools:
            self.pools[self.p, x.device] = (torch.rand(self.POOL, device=x.device) >= self.p).to(torch.bfloat16)
        offset = random.randrange(self.POOL - x.numel() + 1)
        return x * self.pools[self.p, x.device][offset : offset + x.numel()].view(x.shape).to(x.dtype) * (1 / (1 - self.p))


class FeedForward(torch.nn.Sequential):
    """The feed-forward block of a transformer: two layers with GELU and dropout in between, sized
    by `width`, `feed_forward` and `dropout` of `shape`."""

    def __init__(self, shape):
        super().__init__(torch.nn.Linear(shape.width, shape.feed_forward), torch.nn.GELU(), Dropout(shape.dropout),
                         torch.nn.Linear(shape.feed_forward, shape.width))


def adamw(model: torch.nn.Module, rate: float, decay: float) -> torch.optim.AdamW:
    """AdamW with weight decay for matrices but not for biases and norms."""
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}],
                             lr=rate, betas=(0.9, 0.98))


class Average:
    """Exponential moving average of the weights, which is validated and exported."""

    def __init__(self, model: torch.nn.Module, decay: float):
        self.model, self.decay, self.updates = copy.deepcopy(model).eval(), decay, 0

    @torch.no_grad()
    def update(self, model: torch.nn.Module) -> None:
        self.updates += 1
        # A short memory at first, so that the random start is forgotten.
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values()):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)


class Clock:
    """Minutes of training, including resumed runs; determines the learning rate."""

    def __init__(self, minutes: float, spent: float = 0.0):
        self.minutes, self.started = minutes, time.monotonic() - 60 * spent

    @property
    def spent(self) -> float:
        return (time.monotonic() - self.started) / 60

    @property
    def share(self) -> float:
        return min(1.0, self.spent / self.minutes)

    def learning_rate(self, peak: float, update: int, warm_up: int = 100, share: float | None = None) -> float:
        """Warm-up, then half a cosine over the run, or over `share` of another measure of it."""
        share = self.share if share is None else share
        return peak * min(1.0, (update + 1) / warm_up) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))


def save(path: Path, **state) -> None:
    """Writes to a temporary file and renames it, so that an interrupted run leaves a complete
    checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def export(module: torch.nn.Module, inputs: dict[str, torch.Tensor], outputs: list[str],
           dynamic: dict[str, dict[int, str]], path: Path) -> None:
    torch.onnx.export(module.eval(), tuple(inputs.values()), str(path), input_names=list(inputs), output_names=outputs,
                      dynamic_axes=dynamic, opset_version=17, dynamo=False)
    import onnx

    onnx.checker.check_model(onnx.load(str(path)), full_check=True)


def session(path: Path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@torch.no_grad()
def compare(module: torch.nn.Module, onnx_session, inputs: dict[str, torch.Tensor]) -> tuple[float, list[np.ndarray], list[np.ndarray]]:
    """Maximal absolute difference over all outputs, PyTorch's outputs, ONNX Runtime's outputs."""
    ours = [o.numpy() for o in module.eval()(*inputs.values())]
    theirs = onnx_session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    difference = max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs))
    if not difference <= TOLERANCE:
        raise SystemExit(f"ONNX differs from PyTorch by {difference:.2e}, more than {TOLERANCE:.0e}")
    return difference, ours, theirs
