"""The training loop of the transformers: resumed runs, averaged weights, looks at held-out pieces."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import nn

import common


class Run:
    """A run of training that continues where an earlier one with the same checkpoint ended.

    `args` has `device`, `rate` (of learning, at its peak), `minutes` (of the whole, with earlier
    runs), `look` (minutes from one look to the next), `batch`, `bf16`, `fresh` (not to continue) and
    `speed_test` (updates after which the run ends with their mean time; 0: none).
    """

    def __init__(self, args, model: nn.Module, path: Path, decay: float):
        self.args, self.path, self.model = args, path, model.to(args.device)
        self.average = common.Average(self.model, 0.997)
        self.optimizer = common.adamw(self.model, args.rate, decay)
        self.spent, self.update, self.best, self.history = 0.0, 0, (float("inf"), None), []
        if path.exists() and not args.fresh:
            self._resume(torch.load(path, weights_only=False))

    def _resume(self, state: dict) -> None:
        self.model.load_state_dict(state["model"])
        self.average.model.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.updates = self.update = state["update"]
        self.spent, self.best, self.history = state["spent"], state["best"], state["history"]

    def half(self):
        """The context in which the model computes."""
        return torch.autocast(self.args.device, torch.bfloat16) if self.args.bf16 else nullcontext()

    def train(self, loss_of: Callable[[], torch.Tensor], look: Callable[[nn.Module], tuple[float, str]], **kept) -> None:
        """Trains until the time is over. `loss_of` gives the loss of the next batch; `look` gives
        the loss of a copy of the averaged model on held-out pieces, and its text. `kept` is saved
        with each checkpoint."""
        clock = common.Clock(self.args.minutes, self.spent)
        begun, next_look, losses = self.update, self.spent + self.args.look / 2, []
        while clock.share < 1:
            self.model.train()
            losses.append(self._step(loss_of, clock))
            if self.args.speed_test and self.update - begun == self.args.speed_test:
                seconds = 60 * (clock.spent - self.spent) / self.args.speed_test
                print(f"{seconds:.3f} s an update, loss {np.mean(losses[-10:]):.3f}")
                return
            if clock.spent >= next_look or clock.share >= 1:
                next_look = clock.spent + self.args.look
                self._look(look, clock, float(np.mean(losses)), kept)
                losses = []

    def _step(self, loss_of: Callable[[], torch.Tensor], clock: common.Clock) -> float:
        with self.half():
            loss = loss_of()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = clock.learning_rate(self.args.rate, self.update)
        self.optimizer.step()
        self.average.update(self.model)
        self.update += 1
        return loss.item()

    def _look(self, look: Callable[[nn.Module], tuple[float, str]], clock: common.Clock, loss: float, kept: dict) -> None:
        held, text = look(copy.deepcopy(self.average.model))
        if held < self.best[0]:
            self.best = (held, copy.deepcopy(self.average.model).cpu().state_dict())
        self.history.append([round(clock.spent, 2), self.update, loss, held])
        print(f"{clock.spent:6.2f} min  update {self.update}  train {loss:.4f}  validation {text}", flush=True)
        common.save(self.path, model=self.model.state_dict(), average=self.average.model.state_dict(),
                    optimizer=self.optimizer.state_dict(), update=self.update, spent=clock.spent, best=self.best,
                    history=self.history, batch=self.args.batch, machine=common.machine(), **kept)
