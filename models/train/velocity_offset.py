"""Velocity and offset of each hit: training, export, evaluation and card of `velocity_offset.onnx`.

    python velocity_offset.py --data DIR --setting both --seed 3 --minutes 33    # train one member, export, check, measure, card
    python velocity_offset.py --data DIR --minutes 0                             # the same from the checkpoints, without training

Gated convolutions along time with growing dilation. In addition to the hits, their inputs are the
style, the tempo and the *player*: how loud a drummer's ghost notes are, and how far behind the beat
they lie, depends on the player and the kit as well as on the pattern. The shipped network is the
mean of all trained members (one per setting and seed): there are few takes, so single networks are
overconfident, and networks with different settings make different errors.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import common
import groove

N_CLASSES = len(groove.CLASSES)
WINDOW = 128  # maximum steps of a training crop: 8 bars of 4/4
TEMPO_JITTER = 0.10
DRUMMERS = 10
FEEL_MIN_TAKES = 4
# Dilation reaches the 16 steps of a bar; the last layers smooth the output of the wide ones.
WIDE = (1, 2, 4, 8, 16, 32, 1, 4, 16, 1)
SHORT = (1, 2, 4, 8, 16, 1, 4, 16)
OUTPUT = common.MODELS / "velocity_offset.onnx"
PLAYERS = common.MODELS / "velocity_offset.json"
PARTS = ("velocity", "offset")


def session_of(take) -> str:
    """The recording session: one drummer on one day, on one kit."""
    return "/".join(take.name.split("/")[:2])


def player_names(takes) -> list[str]:
    """The values of the input `player`: 0 unknown, 1..10 a drummer, from 11 a drummer in one of the
    recording sessions of the training split."""
    drummers = [f"drummer{n + 1}" for n in range(DRUMMERS)]
    return ["unknown", *drummers, *sorted({session_of(t) for t in groove.of_split(takes, "train")})]


def style_players(takes, styles, players) -> dict[str, int]:
    """For each style the session in which most of it was played (seconds of 4/4 beats, not fills,
    in the training split); "unknown": the longest session. A single player and kit give a clip a
    consistent feel. A session with fewer than four takes of the style is used only if none has
    more: it covers one or two tempi, and is a guess at others."""
    best = {}
    for style in styles:
        seconds: dict[str, list[float]] = {}
        for take in groove.of_split(takes, "train"):
            if take.kind == "beat" and take.steps_per_bar == 16 and style in ("unknown", take.style):
                seconds.setdefault(session_of(take), []).append(take.seconds)
        best[style] = players.index(max(sorted(seconds), key=lambda s: (len(seconds[s]) >= FEEL_MIN_TAKES, sum(seconds[s]))))
    return best


@dataclass
class Setting:
    """Architecture and training of one member. Members with different settings make different
    errors, from which their mean benefits."""

    parts: tuple[str, ...] = PARTS  # the parts that it is trained for
    width: int = 64
    dilations: tuple[int, ...] = SHORT
    pattern: bool = True  # the input includes the total amount of each class
    batch: int = 8
    rate: float = 3e-3
    dropout: float = 0.12
    style_drop: float = 0.25
    player_drop: float = 0.25
    session_drop: float = 0.30  # examples that know the drummer, but not the session
    # examples that lose one drum class: the player is the same, and the pattern is harder to
    # memorise
    class_drop: float = 0.15
    # takes are drawn by length to this power, so that a few long ones do not dominate
    take_power: float = 0.8
    weight_decay: float = 0.05
    average: float = 0.996


SETTINGS = {
    "both": Setting(),
    "offset": Setting(parts=("offset",), batch=16, rate=4e-3),
    "wide": Setting(parts=("offset",), width=80, dilations=WIDE, pattern=False, class_drop=0.20, take_power=0.7),
}


def dilated(gate: nn.Linear, x, d: int):
    """`gate` of each step and those `d` before and after it, [N, T, 3 * width] -> [N, T, 2 *
    width]; zeros beyond the ends."""
    if torch.onnx.is_in_onnx_export():
        # One node instead of seven, with the known length of its input: loading the file takes a
        # quarter of the time.
        weight = gate.weight.view(gate.out_features, 3, -1).transpose(1, 2)
        return F.conv1d(x.transpose(1, 2), weight, gate.bias, padding=d, dilation=d).transpose(1, 2)
    # As a matrix product: the gradients of wide dilated convolutions took three times as long on a
    # CPU.
    wide = F.pad(x, (0, 0, d, d))
    return gate(torch.cat([wide[:, : -2 * d], x, wide[:, 2 * d :]], -1))


class Tower(nn.Module):
    """Velocities and offsets from hits, style, tempo and player."""

    def __init__(self, n_styles: int, players: list[str], setting: Setting):
        super().__init__()
        width, self.dilations = setting.width, setting.dilations
        self.position = nn.Embedding(16, 24)
        self.style = nn.Embedding(n_styles, 16)
        # The embedding of a session is that of its drummer plus an offset.
        self.drummer = nn.Embedding(DRUMMERS + 1, 16)
        self.session = nn.Embedding(len(players), 16)
        drummer_of = [int(p.split("/")[0].removeprefix("drummer")) if p != "unknown" else 0 for p in players]
        self.register_buffer("drummer_of", torch.tensor(drummer_of), persistent=False)
        self.register_buffer("is_session", torch.tensor([[float("/" in p)] for p in players]), persistent=False)
        self.pattern = nn.Sequential(nn.Linear(5 * N_CLASSES, 32), nn.GELU(), nn.Linear(32, 16)) if setting.pattern else None
        self.enter = nn.Linear(N_CLASSES + 24 + (3 if setting.pattern else 2) * 16 + 6, width)
        self.gates = nn.ModuleList(nn.Linear(3 * width, 2 * width) for _ in self.dilations)
        self.mixes = nn.ModuleList(nn.Linear(width, width) for _ in self.dilations)
        self.leave = nn.Sequential(nn.Linear(width + N_CLASSES, width), nn.GELU(), nn.Linear(width, 2 * N_CLASSES))
        self.dropout, self.embedding_dropout = setting.dropout, nn.Dropout(0.1)

    def channels(self, x):
        """Dropout of whole channels: neighbours in time reveal too much about a single cell."""
        if not self.training:
            return 1.0
        return (torch.rand(x.shape[0], 1, x.shape[2], device=x.device) >= self.dropout) / (1 - self.dropout)

    def forward(self, hits, position, style, player, tempo, mask=None):
        if mask is None:
            mask = torch.ones_like(hits[:, :, :1])
        steps = hits.shape[1]
        pace = torch.log2(tempo.clamp(min=20.0) / 120.0)[:, None]
        waves = [f(math.pi * n * pace) for n in (1, 2) for f in (torch.sin, torch.cos)]
        whole = [self.style(style), self.drummer(self.drummer_of[player]) + self.session(player) * self.is_session[player]]
        whole = [*(self.embedding_dropout(w) for w in whole), pace, pace * pace, *waves]
        if self.pattern is not None:
            # The pattern as a whole: the amount of each class, in total and on each 16th of the
            # beat.
            quarter = (position[:, :, None] % 4 == torch.arange(4, device=hits.device)).float() * mask
            where = hits.transpose(1, 2) @ quarter / quarter.sum(1)[:, None].clamp(min=1.0)
            amount = (hits * mask).sum(1) / mask.sum(1).clamp(min=1.0)
            whole.append(self.embedding_dropout(self.pattern(torch.cat([amount, where.flatten(1)], 1))))
        whole = torch.cat(whole, -1)[:, None].expand(-1, steps, -1)
        x = self.enter(torch.cat([hits, self.position(position), whole], -1))
        total = x
        for gate, mix, d in zip(self.gates, self.mixes, self.dilations):
            # padding of a short crop must look like the end of the window
            y = x * (mask * self.channels(x))
            a, b = dilated(gate, y, d).chunk(2, -1)
            y = mix(a * torch.sigmoid(b))
            x, total = x + y, total + y
        return self.leave(torch.cat([F.gelu(total) * self.channels(total), hits], -1))


class VelocityOffset(nn.Module):
    """hits, position, style, player, tempo -> velocity in 0..1, offset in -0.5..0.5 (positive =
    late); 0 where there is no hit. One trunk for both parts halves the work."""

    def __init__(self, n_styles: int, players: list[str], setting: Setting):
        super().__init__()
        self.tower = Tower(n_styles, players, setting)

    def forward(self, hits, position, style, player, tempo, mask=None):
        velocity, offset = self.tower(hits, position, style, player, tempo, mask).split(N_CLASSES, -1)
        return torch.sigmoid(velocity) * hits, 0.5 * torch.tanh(offset) * hits


class Mean(nn.Module):
    """The shipped network: the mean of the members, each run with and without the style, and only
    for the parts that it was trained for."""

    def __init__(self, members, parts):
        super().__init__()
        self.members, self.parts = nn.ModuleList(members), parts

    def forward(self, hits, position, style, player, tempo):
        answers = {part: [] for part in PARTS}
        twice = (torch.cat([hits, hits]), torch.cat([position, position]), torch.cat([style, torch.zeros_like(style)]),
                 torch.cat([player, player]), torch.cat([tempo, tempo]))
        for member, parts in zip(self.members, self.parts):
            for part, answer in zip(PARTS, member(*twice)):
                if part in parts:
                    answers[part].extend(answer.chunk(2))
        return tuple(sum(a) / len(a) for a in answers.values())


class Crops:
    """Random crops of the training takes, as batches."""

    def __init__(self, takes, styles, players, generator, setting):
        self.takes, self.generator, self.setting = takes, generator, setting
        self.style_id = {s: i for i, s in enumerate(styles)}
        self.players = players
        length = np.array([len(t) for t in takes], float)
        self.share = length**setting.take_power / (length**setting.take_power).sum()

    def batch(self):
        g, setting, size = self.generator, self.setting, self.setting.batch
        hits, velocity, offset = (np.zeros((size, WINDOW, N_CLASSES), np.float32) for _ in range(3))
        position, mask = np.zeros((size, WINDOW), np.int64), np.zeros((size, WINDOW, 1), np.float32)
        style, player, tempo = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.float32)
        for row, index in enumerate(g.choice(len(self.takes), size, p=self.share)):
            take = self.takes[index]
            wanted = WINDOW if g.random() < 0.7 else int(g.integers(16, WINDOW + 1))
            start = int(g.integers(0, max(1, len(take) - wanted + 1)))
            part = slice(start, min(len(take), start + wanted))
            n = part.stop - part.start
            hits[row, :n], velocity[row, :n], offset[row, :n] = take.hits[part], take.velocity[part], take.offset[part]
            if g.random() < setting.class_drop:
                hits[row, :, g.integers(N_CLASSES)] = 0
            position[row, :n], mask[row, :n, 0] = np.arange(part.start, part.stop) % take.steps_per_bar, 1
            style[row] = 0 if g.random() < setting.style_drop else self.style_id.get(take.style, 0)
            known = g.random() - setting.player_drop
            if known >= 0:
                player[row] = player_of(take, self.players, session=known >= setting.session_drop)
            tempo[row] = take.bpm * (1 + TEMPO_JITTER * g.uniform(-1, 1))
        return [torch.from_numpy(a) for a in (hits, velocity, offset, position, style, player, tempo, mask)]


def player_of(take, players, session=True) -> int:
    """The session if it is known, else the drummer."""
    name = session_of(take)
    return players.index(name if session and name in players else name.split("/")[0])


def evaluation_inputs(take, part, styles, players):
    return {
        "hits": torch.from_numpy(take.hits[part].astype(np.float32))[None],
        "position": torch.arange(part.start, part.stop)[None] % take.steps_per_bar,
        "style": torch.tensor([styles.index(take.style) if take.style in styles else 0]),
        "player": torch.tensor([player_of(take, players)]),
        "tempo": torch.tensor([take.bpm], dtype=torch.float32),
    }


@torch.no_grad()
def squared_errors(model, takes, styles, players, bars=8):
    """Mean squared error of velocity and of offset over the cells with hits, in windows of 8
    bars."""
    total, cells = np.zeros(2), 0
    for take in takes:
        for part in groove.windows(take, bars):
            velocity, offset = model(*evaluation_inputs(take, part, styles, players).values())
            hit = take.hits[part]
            total += [((velocity[0].numpy() - take.velocity[part])[hit] ** 2).sum(),
                      ((offset[0].numpy() - take.offset[part])[hit] ** 2).sum()]
            cells += int(hit.sum())
    return total / cells


def train(args, takes, styles, players):
    training, validation = groove.of_split(takes, "train"), groove.of_split(takes, "validation")
    if args.with_validation:
        # A final member, after all decisions: nothing is selected with it, its duration is set in
        # advance, and its last weights are kept.
        training = training + validation
    common.seed_everything(args.seed)
    setting = SETTINGS[args.setting]
    peak = args.rate or setting.rate
    model = VelocityOffset(len(styles), players, setting).to(args.device)
    spread = {k: float(np.concatenate([getattr(t, k)[t.hits] for t in training]).var()) for k in PARTS}
    average = common.Average(model, setting.average)
    optimizer = torch.optim.AdamW(model.parameters(), lr=setting.rate, weight_decay=setting.weight_decay)
    spent, update, history, start = 0.0, 0, [], None
    best = (float("inf"), None, None)
    path = common.RUNS / f"velocity_offset-{args.setting}{args.seed}.pt"
    if path.exists() and not args.fresh:
        state = torch.load(path, weights_only=False)
        model.load_state_dict(state["model"]), average.model.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        average.updates = update = state["update"]
        spent, best, history, start = state["spent"], state["best"], state["history"], state["start"]
    elif args.start:
        state = torch.load(args.start, weights_only=False)
        model.load_state_dict(state["best"][2]), average.model.load_state_dict(state["best"][2])
        start = f"{args.start.stem.split('-')[1]}, {state['update']} updates"
    crops = Crops(training, styles, players, np.random.default_rng([args.seed, update]), setting)
    clock, next_look = common.Clock(args.minutes, spent), spent + args.look
    while clock.share < 1:
        model.train()
        hits, *truth, position, style, player, tempo, mask = (a.to(args.device) for a in crops.batch())
        guess = model(hits, position, style, player, tempo, mask)
        loss = sum((((g - t) * hits) ** 2).sum() / hits.sum() / spread[part]
                   for part, g, t in zip(PARTS, guess, truth) if part in setting.parts)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = clock.learning_rate(peak, update)
        optimizer.step()
        average.update(model)
        update += 1
        if clock.spent >= next_look or clock.share >= 1:
            next_look = clock.spent + args.look
            errors = squared_errors(copy.deepcopy(average.model).cpu(), validation, styles, players)
            own = {part: float(e) for part, e in zip(PARTS, errors) if part in setting.parts}
            together = sum(e / spread[part] for part, e in own.items())
            if args.with_validation:
                best = (together, {}, copy.deepcopy(average.model.state_dict()))
            elif together < best[0]:
                best = (together, own, copy.deepcopy(average.model.state_dict()))
            history.append([round(clock.spent, 2), update, loss.item(), *map(float, errors)])
            print(f"{clock.spent:6.2f} min  update {update}  train {loss.item():.4f}  validation MSE velocity {errors[0]:.5f} offset {errors[1]:.5f}", flush=True)
            common.save(path, model=model.state_dict(), average=average.model.state_dict(), optimizer=optimizer.state_dict(),
                        update=update, spent=clock.spent, best=best, history=history, styles=styles, players=players,
                        start=start, with_validation=args.with_validation, setting=asdict(setting), machine=common.machine())


def best_model():
    members, states = [], []
    for path in sorted(common.RUNS.glob("velocity_offset-*.pt")):
        state = torch.load(path, weights_only=False, map_location="cpu")
        state["name"] = path.stem.split("-")[1]
        states.append(state)
        setting = Setting(**state["setting"])
        members.append(VelocityOffset(len(state["styles"]), state["players"], setting))
        members[-1].load_state_dict(state["best"][2])
    if not members:
        raise SystemExit(f"{common.RUNS}: no velocity_offset-*.pt; train a member first (--minutes above 0)")
    return Mean(members, [s["setting"]["parts"] for s in states]).eval(), states


def export_and_check(model, takes, styles, players) -> float:
    take = max(groove.of_split(takes, "validation"), key=len)
    inputs = evaluation_inputs(take, slice(0, 128), styles, players)
    common.export(model, inputs, list(PARTS),
                  {"hits": {0: "N", 1: "T"}, "position": {0: "N", 1: "T"}, "style": {0: "N"}, "player": {0: "N"}, "tempo": {0: "N"},
                   "velocity": {0: "N", 1: "T"}, "offset": {0: "N", 1: "T"}}, OUTPUT)
    PLAYERS.write_text(json.dumps({"players": players, "style_player": style_players(takes, styles, players)}, indent=1) + "\n")
    session, worst = common.session(OUTPUT), 0.0
    for length in (1, 7, 96, 128, 300):
        worst = max(worst, common.compare(model, session, evaluation_inputs(take, slice(0, length), styles, players))[0])
    double = {k: torch.cat([v, v]) for k, v in evaluation_inputs(take, slice(16, 80), styles, players).items()}
    return max(worst, common.compare(model, session, double)[0])


def measure(takes, styles, players, authors: Path) -> dict:
    """Errors on the cells with hits of the test split, for the shipped ONNX file and the
    baselines."""
    test, training = groove.of_split(takes, "test"), groove.of_split(takes, "train")
    ours, mean = common.session(OUTPUT), {}
    for key in PARTS:
        value = np.concatenate([getattr(t, key) for t in training])
        hit = np.concatenate([t.hits for t in training])
        mean[key] = np.array([value[hit[:, c], c].mean() for c in range(N_CLASSES)])
    theirs = common.session(authors) if authors.exists() else None
    rows: dict[str, list] = {}
    spreads: dict[str, list] = {}

    def note(name, hit, velocity, offset, take, part):
        rows.setdefault(name, []).append((velocity[hit] - take.velocity[part][hit], offset[hit] - take.offset[part][hit]))
        spreads.setdefault(name, []).append((velocity[hit], offset[hit]))

    def ask_ours(name, inputs, take, part, **changed):
        velocity, offset = ours.run(None, inputs | {k: np.array([v], np.int64) for k, v in changed.items()})
        note(name, take.hits[part], velocity[0], offset[0], take, part)

    for take in test:
        drummer = player_of(take, players, session=False)
        for bars in (8, 2):
            for part in groove.windows(take, bars):
                hit = take.hits[part]
                inputs = {k: v.numpy() for k, v in evaluation_inputs(take, part, styles, players).items()}
                suffix = f", {bars}-bar windows"
                ask_ours("ours" + suffix, inputs, take, part)
                if theirs is not None:
                    velocity, offset = theirs.run(None, {"hits": inputs["hits"][:, None]})
                    # The authors' offset is 2 * (grid - true) / step, so early is positive and the
                    # range is doubled.
                    note("authors' network" + suffix, hit, velocity[0], -offset[0] / 2, take, part)
                if bars == 8:
                    ask_ours("ours, session unknown" + suffix, inputs, take, part, player=drummer)
                    ask_ours("ours, player unknown" + suffix, inputs, take, part, player=0)
                    ask_ours("ours, style unknown" + suffix, inputs, take, part, style=0)
                    ask_ours("ours, player and style unknown" + suffix, inputs, take, part, player=0, style=0)
                    flat = [np.broadcast_to(mean[k], hit.shape) for k in PARTS]
                    note("mean of the class (training split)", hit, *flat, take, part)
    result = {}
    for name, errors in rows.items():
        velocity, offset = (np.concatenate(e) for e in zip(*errors))
        v, o = (np.concatenate(e) for e in zip(*spreads[name]))
        result[name] = {"cells": len(velocity), "velocity_mse": float((velocity ** 2).mean()), "velocity_mae": float(np.abs(velocity).mean()),
                        "offset_mse": float((offset ** 2).mean()), "offset_mae": float(np.abs(offset).mean()),
                        "velocity_sd": float(v.std()), "offset_sd": float(o.std())}
    # A network that was trained on a split is better on it than on others: this shows how far
    # "test" is a test for the authors' network. Takes of the test split whose session is not in the
    # training data have their own row.
    result["splits"] = {}
    for name, network in (("ours", ours), ("authors' network", theirs)):
        for split in groove.SPLITS if network else ():
            errors: dict[str, list] = {}
            for take in groove.of_split(takes, split):
                for part in groove.windows(take, 8):
                    hit = take.hits[part]
                    inputs = {k: v.numpy() for k, v in evaluation_inputs(take, part, styles, players).items()}
                    velocity, offset = network.run(None, inputs if name == "ours" else {"hits": inputs["hits"][:, None]})
                    if name != "ours":
                        offset = -offset / 2
                    kinds = [split] + ([f"{split}, sessions {'known' if session_of(take) in players else 'never seen'}"] if split == "test" else [])
                    for kind in kinds:
                        errors.setdefault(kind, []).append((((velocity[0] - take.velocity[part])[hit] ** 2).sum(),
                                                            ((offset[0] - take.offset[part])[hit] ** 2).sum(), hit.sum()))
            for kind, sums in errors.items():
                v, o, cells = np.sum(sums, 0)
                result["splits"].setdefault(name, {})[kind] = [float(v / cells), float(o / cells), int(cells)]
    hit = np.concatenate([t.hits for t in test])
    result["test grooves"] = {f"{k}_sd": float(np.concatenate([getattr(t, k) for t in test])[hit].std()) for k in PARTS}
    return result


def card(model, states, counts, difference, measured, styles, players) -> str:
    rows = []
    for state in states:
        setting = Setting(**state["setting"])
        start = f" (started from {state['start']})" if state["start"] else ""
        start += ", training and validation split" if state.get("with_validation") else ""
        errors = state["best"][1]
        rows.append(f"| {state['name']} | {setting.width}, {', '.join(map(str, setting.dilations))} | "
                    f"{state['update']} of {setting.batch} crops, {state['spent']:.0f}{start} | {setting.style_drop:.0%}, {setting.class_drop:.0%} | "
                    + " | ".join(f"{errors[part]:.4f}" if part in errors else "–" for part in PARTS) + " |")
    members, usual = "\n".join(rows), Setting()
    order = sorted(measured.items(), key=lambda p: p[1].get("velocity_mse", 9))
    lines = [f"| {name} | {m['velocity_mse']:.4f} | {m['velocity_mae']:.4f} | {m['offset_mse']:.5f} | {m['offset_mae']:.4f} | {m['velocity_sd']:.3f} | {m['offset_sd']:.3f} |"
             for name, m in order if "cells" in m]
    truth = measured["test grooves"]
    splits = measured["splits"]
    kinds = next(iter(splits.values()))
    head = "| | " + " | ".join(f"{kind} ({cells:,} cells)" for kind, (_, _, cells) in kinds.items()) + " |\n|---|" + "---|" * len(kinds)
    body = "\n".join(f"| {name} | " + " | ".join(f"{v:.4f} / {o:.4f}" for v, o, _ in errors.values()) + " |" for name, errors in splits.items())
    verdict = ""
    if published := measured.get("authors' network, 8-bar windows"):
        sentences = []
        for who in ("ours", "ours, session unknown", "ours, player unknown"):
            mine = measured[f"{who}, 8-bar windows"]
            sentences.append(f"{who}: velocity MSE {mine['velocity_mse'] / published['velocity_mse'] - 1:+.1%}, offset MSE {mine['offset_mse'] / published['offset_mse'] - 1:+.1%}")
        mine = measured["ours, 8-bar windows"]
        behind = [k for k in PARTS if mine[k + "_mse"] >= published[k + "_mse"]]
        verdict = f"Against the authors' published network, 8-bar windows: {'; '.join(sentences)}. " + (
            f"**Ours is behind it on {' and '.join(behind)}.**" if behind else "With the player as input, ours is ahead on both.")
    cells = next(m["cells"] for m in measured.values() if "cells" in m)
    choice = ", ".join(f"{style} {players[number]}" for style, number in json.loads(PLAYERS.read_text())["style_player"].items())
    return f"""# velocity_offset.onnx, velocity_offset.json

Adds the velocity and the offset from the grid to every hit of a drum grid: the second half of Rhythm2Drum.

| | |
|---|---|
| inputs | `hits` f32 [N, T, 9] (0 or 1), `position` i64 [N, T] (step in the bar, 0..15 or 0..11), `style` i64 [N] (0 = unknown; names in `rhythm2drum.json`), `player` i64 [N] (0 = unknown, 1..{DRUMMERS} = drummer of `info.csv`, {DRUMMERS + 1}..{len(players) - 1} = a drummer in one of his recording sessions; names in `velocity_offset.json`), `tempo` f32 [N] in BPM |
| outputs | `velocity` f32 [N, T, 9] in 0..1 (MIDI velocity / 127), `offset` f32 [N, T, 9] in −0.5..0.5 of a step, **positive = late**: onset = (step + offset) · step length. Both are 0 in cells without a hit |
| T | any; checked from 1 to 300 |
| classes | {", ".join(groove.CLASSES)} |
| network | mean of {len(states)} members, each run with and without the style: gated convolutions along time, kernel 3; {common.parameters(model):,} parameters in all |
| training | mean squared error over the cells with hits, AdamW, averaged weights, those that were best on the validation split kept (of members trained on that split too, the last ones); each member on its own on one or two threads of a shared machine ({states[-1]["machine"].split(",")[0]}) |
| augmentation | tempo ±{TEMPO_JITTER:.0%}, style dropped, one drum class removed (shares below), crops of 16 to {WINDOW} steps; the player is dropped in {usual.player_drop:.0%} of the examples and known without his session in {usual.session_drop:.0%} |
| check | ONNX Runtime against PyTorch: largest difference {difference:.1e} |

| member (setting and seed) | width, dilations | updates, minutes | style dropped, class removed | velocity MSE, validation | offset MSE, validation |
|---|---|---|---|---|---|
{members}

Settings were chosen on the validation split. Nothing was chosen with the members that were also trained on that split: their length was set in advance, so the mean's
error there ({measured["splits"]["ours"]["validation"][0]:.4f} and {measured["splits"]["ours"]["validation"][1]:.4f}) is not meaningful.

## Measured

Official test split of the Groove MIDI Dataset, all {counts["test files"]} files, {cells:,} cells with hits, the same for every row.
Command: `python models/train/velocity_offset.py --data DIR --minutes 0` (repeats the export, the check and this table).

| | velocity MSE | velocity MAE | offset MSE | offset MAE | SD of velocity | SD of offset |
|---|---|---|---|---|---|---|
{chr(10).join(lines)}
| *test grooves themselves* | 0 | 0 | 0 | 0 | {truth["velocity_sd"]:.3f} | {truth["offset_sd"]:.3f} |

{verdict}

- "Ours" gets the take's entries in `info.csv`: tempo, style, drummer and recording session, as far as these were trained
  on; for the sessions of the test split that were not, the drummer alone. Which takes of a session are in which split is
  the data set's own choice; no test take was used for training or for any decision.
- "Authors' network" is the one published with RhythmicNet. Its only input is hits: it has no input for who
  plays, in which style, or how fast. It was trained on 80 % of the same data set by file order, so it has **seen part of this test split**; which files is not known, so they cannot be taken out. Ours has not
  seen any. Its offset (early = positive, doubled) is converted before the comparison.
- Velocity MSE / offset MSE by official split, 8-bar windows. The authors' network is equally good on all three, so that
  for it the splits are not meaningful, and its error on unseen takes cannot be determined. Ours is better on data that it
  was trained.

{head}
{body}

- Trained on squared error, the network returns the *expected* velocity and offset. Its values spread less than a
  drummer's (SD columns): ghost notes and accents are present, but less pronounced.

## The player in the program

A clip is played by a single player on one kit: for each style, the recording session in which most of it was played (4/4 beats of the
training split; sessions with at least {FEEL_MIN_TAKES} takes of it first), `style_player` in `velocity_offset.json`: {choice}.

## Data and licence

Groove MIDI Dataset v1.0.0 (Jon Gillick, Adam Roberts, Jesse Engel, Douglas Eck, David Bamman: *Learning to Groove with
Inverse Sequence Transformations*, ICML 2019), CC BY 4.0, <https://magenta.tensorflow.org/datasets/groove>. Files used, 4/4 and
3/4 only: {counts["train files"]} training, {counts["validation files"]} validation, {counts["test files"]} test; left out for their metre:
{sum(n for k, n in counts.items() if k.startswith("left out"))} of {counts["files"]}. Styles: {", ".join(styles)}.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with groove.tar.xz or the unpacked groove/")
    parser.add_argument("--authors", type=Path, help="the authors' network (default: DATA/rhythmicnet-velocity-offset.onnx)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--look", type=float, default=2.0, help="minutes between validations")
    parser.add_argument("--setting", choices=list(SETTINGS), default="both", help="parts to learn, size, augmentation: see Setting")
    parser.add_argument("--start", type=Path, help="checkpoint of the same network, with whose best weights a new member starts")
    parser.add_argument("--with-validation", action="store_true", help="also train on the validation split, for all of --minutes")
    parser.add_argument("--rate", type=float, help="peak learning rate instead of the setting's")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="start again even if there is a checkpoint")
    parser.add_argument("--train-only", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    takes, counts = groove.load(args.data)
    styles, players = groove.style_names(takes), player_names(takes)
    if args.minutes > 0:
        train(args, takes, styles, players)
    if args.train_only:
        return
    model, states = best_model()
    styles, players = states[0]["styles"], states[0]["players"]
    torch.set_num_threads(1)
    difference = export_and_check(model, takes, styles, players)
    measured = measure(takes, styles, players, args.authors or args.data / "rhythmicnet-velocity-offset.onnx")
    print(json.dumps(measured, indent=1))
    OUTPUT.with_suffix(".md").write_text(card(model, states, counts, difference, measured, styles, players))


if __name__ == "__main__":
    main()
