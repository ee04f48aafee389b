"""Drum2Music: the network. An encoder reads the drums bar by bar, a decoder writes one instrument's
track in REMI tokens.

Both are Transformer-XL (Dai et al. 2019): attention over a memory of earlier states, with relative
positions,

    A_ij = q_i·k_j + q_i·W R_(i-j) + u·k_j + v·W R_(i-j),   scaled by 1/sqrt(d_head),

where R are sinusoids of the distance. E_i = Enc(x_i, M^E_i) and y_(i,j) = Dec(y_(i,t<j), E_i,
M^D_i) for bar i (Su, Liu, Shlizerman 2021): a token of bar i attends only to the encoder's steps of
bar i, and to the tokens before it.

Training uses segments of tokens with the states of the previous segment as memory; `BarEncoder` and
`TokenDecoder` are the same network in its exported form, with keys and values as explicit inputs
and outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

import common

TOKENS = 365
# [N, S], hits [N, S, 9]
STEP_INPUTS = ("hits", "position", "root", "quality", "next_root", "next_quality")
# [N], scale [N, 12]
BAR_INPUTS = ("scale", "density", "register", "lead", "section", "instrument", "style", "tempo")
DRUM_CLASSES = 9
LEVELS = {"position": 16, "root": 13, "quality": 6, "density": 5, "register": 4, "lead": 3, "section": 5, "instrument": 3}


@dataclass
class Shape:
    width: int = 160
    heads: int = 4
    feed_forward: int = 512
    encoder_layers: int = 2
    decoder_layers: int = 4
    dropout: float = 0.1
    memory: int = 288  # tokens before the one being written that the exported decoder keeps
    memory_bars: int = 7  # bars of drums before the one being read
    drums: bool = True  # False: the drums are hidden, to measure their value


def sinusoids(distances: torch.Tensor, width: int) -> torch.Tensor:
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angle = distances[:, None].float() * rate[None]
    return torch.cat([angle.sin(), angle.cos()], -1)


class Attention(nn.Module):
    """Attention with the relative positions of Transformer-XL."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.heads, self.size = shape.heads, shape.width // shape.heads
        self.scale = self.size**-0.5
        self.query = nn.Linear(shape.width, shape.width, bias=False)
        self.key_value = nn.Linear(shape.width, 2 * shape.width, bias=False)
        self.place = nn.Linear(shape.width, shape.width, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(shape.heads, 1, self.size))
        self.place_bias = nn.Parameter(torch.zeros(shape.heads, 1, self.size))
        self.out = nn.Linear(shape.width, shape.width, bias=False)

    def split(self, x):  # [N, T, D] -> [N, H, T, Dh]
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def queries(self, x):
        return self.split(self.query(x)) * self.scale

    def keys_values(self, x):
        key, value = self.key_value(x).chunk(2, -1)
        return self.split(key), self.split(value)

    def places(self, query, sinusoid):
        """Scores [N, H, T, R] of scaled queries against the distances encoded in `sinusoid` [R, D].

        (q + v)·(W R) is computed as ((q + v) W)·R: with few queries, as in generation, that is
        far less work.
        """
        weight = self.place.weight.unflatten(0, (self.heads, -1))  # [H, Dh, D]
        query = query + self.place_bias * self.scale
        if query.shape[2] > 8:
            return query @ (weight @ sinusoid.T)
        return (query @ weight) @ sinusoid.T

    def mix(self, query, key, value, bias):
        """`query` scaled; `bias` [N, H, T, K] has the position scores, and a large negative number
        where attention is masked. (PyTorch's own attention takes twice the time with a bias on a
        CPU.)"""
        scores = (query + self.content_bias * self.scale) @ key.transpose(-1, -2)
        scores += bias
        return self.out((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))


class Cross(nn.Module):
    """Attention of tokens to the steps of their bar."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.width, shape.width, bias=False)
        self.key_value = nn.Linear(shape.width, 2 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)

    split = Attention.split
    keys_values = Attention.keys_values

    def forward(self, x, key, value, bias):
        mixed = F.scaled_dot_product_attention(self.split(self.query(x)), key, value, attn_mask=bias)
        return self.out(mixed.transpose(1, 2).flatten(2))


class EncoderLayer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.attention, self.feed_forward = Attention(shape), common.FeedForward(shape)
        self.dropout = common.Dropout(shape.dropout)

    def forward(self, x, past, sinusoid, index, mask):
        """`past`: keys and values of earlier steps, or None. `index` [T, K] selects the distance,
        `mask` hides keys."""
        y = self.norm1(x)
        query = self.attention.queries(y)
        key, value = self.attention.keys_values(y)
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        places = self.attention.places(query, sinusoid)
        bias = places.gather(3, index.expand(places.shape[0], places.shape[1], *index.shape))
        bias = bias if mask is None else bias + mask.to(bias.dtype)
        x = x + self.dropout(self.attention.mix(query, key, value, bias))
        return x + self.dropout(self.feed_forward(self.norm2(x))), key, value


class DecoderLayer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(shape.width) for _ in range(3))
        self.attention, self.cross = Attention(shape), Cross(shape)
        self.feed_forward, self.dropout = common.FeedForward(shape), common.Dropout(shape.dropout)

    def forward(self, x, key, value, query_from, sinusoid, mask, cross, cross_mask):
        """`key`, `value` [N, H, K, Dh] of memory and tokens; `query_from` the normalised tokens;
        `sinusoid` [K, D] of the distances K - 1 down to 0."""
        query = self.attention.queries(query_from)
        bias = shift(self.attention.places(query, sinusoid))
        bias += mask.to(bias.dtype)
        x = x + self.dropout(self.attention.mix(query, key, value, bias))
        x = x + self.dropout(self.cross(self.norm2(x), *cross, cross_mask))
        return x + self.dropout(self.feed_forward(self.norm3(x)))


def shift(scores):
    """Scores by distance (K - 1 down to 0) to scores by key, for queries that are the last of the
    keys: row i moves left by T - 1 - i. Values that come in from the next row belong to keys after
    the query, which are masked."""
    n, heads, queries, keys = scores.shape
    padded = F.pad(scores, (1, 0))
    return padded.view(n, heads, keys + 1, queries)[:, :, 1:].reshape(n, heads, queries, keys)


class Drum2Music(nn.Module):
    def __init__(self, styles: int, shape: Shape):
        super().__init__()
        d = shape.width
        self.shape = shape
        self.levels = nn.ModuleDict({name: nn.Embedding(n, d) for name, n in LEVELS.items()})
        self.next_root, self.next_quality, self.style = nn.Embedding(13, d), nn.Embedding(6, d), nn.Embedding(styles, d)
        self.hits, self.scale = nn.Linear(DRUM_CLASSES, d), nn.Linear(12, d)
        self.tempo = nn.Linear(2, d)
        self.token = nn.Embedding(TOKENS, d)
        self.encoder = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.decoder_layers))
        self.norm_in, self.norm_out = nn.LayerNorm(d), nn.LayerNorm(d)
        self.logit_bias = nn.Parameter(torch.zeros(TOKENS))
        self.dropout = common.Dropout(shape.dropout)
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=d**-0.5)

    def step_input(self, hits, position, root, quality, next_root, next_quality, scale, density, register, lead, section,
                   instrument, style, tempo):
        """[N, S, D]; per-bar inputs may be repeated for each step ([N, S]) or not ([N, 1])."""
        pace = torch.log2(tempo.clamp(min=20.0) / 120.0)[..., None]
        level = self.levels
        hits = hits if self.shape.drums else hits * 0.0
        x = self.hits(hits) + level["position"](position) + level["root"](root) + level["quality"](quality)
        x = x + self.next_root(next_root) + self.next_quality(next_quality) + self.scale(scale)
        x = x + level["density"](density) + level["register"](register) + level["lead"](lead) + level["section"](section)
        return self.dropout(2 * (x + level["instrument"](instrument) + self.style(style) + self.tempo(torch.cat([pace, pace * pace], -1))))

    def encode(self, inputs: dict, bar, known):
        """The encoder over the steps of several bars in one pass; each bar sees the same as in
        bar-by-bar encoding.

        `bar` [N, T] numbers the bar of each step, `known` [N, T] distinguishes steps from padding.
        Keys and values for each layer of the decoder."""
        x = self.step_input(**inputs)
        steps = x.shape[1]
        back, ahead = 16 * (self.shape.memory_bars + 1), 15
        sinusoid = sinusoids(torch.arange(-ahead, back, device=x.device), x.shape[-1]).to(x.dtype)
        at = torch.arange(steps, device=x.device)
        index = (at[:, None] - at[None]).clamp(-ahead, back - 1) + ahead
        bars_back = bar[:, :, None] - bar[:, None]
        seen = (bars_back >= 0) & (bars_back <= self.shape.memory_bars) & known[:, None]
        mask = torch.where(seen, 0.0, -1e4)[:, None].to(x.dtype)
        for layer in self.encoder:
            x, _, _ = layer(x, None, sinusoid, index, mask)
        x = self.norm_in(x)
        return [layer.cross.keys_values(x) for layer in self.decoder]

    def decode(self, tokens, memory, remembers, cross, cross_mask):
        """Logits [N, L, V] for a segment and the states to remember, layer by layer.

        `memory`: each layer's inputs of the segment before [N, M, D], or None; `remembers` [N] is
        false where a row begins a new part."""
        x = self.dropout(2 * self.token(tokens))
        length, before = tokens.shape[1], 0 if memory is None else memory[0].shape[1]
        keys = before + length
        sinusoid = sinusoids(torch.arange(keys - 1, -1, -1, device=x.device), x.shape[-1]).to(x.dtype)
        at = torch.arange(keys, device=x.device)
        late = at[None] > at[before:, None]
        mask = torch.where(late, -1e4, 0.0)[None, None]
        if before:
            forgotten = (~remembers)[:, None, None, None] & (at < before)
            mask = torch.where(forgotten, -1e4, mask)
        states = []
        for i, layer in enumerate(self.decoder):
            states.append(x.detach())
            whole = x if not before else torch.cat([memory[i], x], 1)
            normed = layer.norm1(whole)
            key, value = layer.attention.keys_values(normed)
            x = layer(x, key, value, normed[:, before:], sinusoid, mask, cross[i], cross_mask)
        return self.norm_out(x) @ self.token.weight.T + self.logit_bias, states

    def forward(self, tokens, token_bar, inputs, bar, known, memory=None, remembers=None):
        cross = self.encode(inputs, bar, known)
        own = (token_bar[:, :, None] == bar[:, None]) & known[:, None]
        cross_mask = torch.where(own, 0.0, -1e4)[:, None]
        return self.decode(tokens, memory, remembers, cross, cross_mask)


class BarEncoder(nn.Module):
    """One bar of drums, chords and conditions, with the keys and values of the previous bars.

    memory [layers, 2, N, H, P, Dh] -> cross_key, cross_value [decoder layers, N, H, S, Dh], memory
    of at most 7 bars."""

    def __init__(self, model: Drum2Music):
        super().__init__()
        self.model = model

    def forward(self, hits, position, root, quality, next_root, next_quality, scale, density, register, lead, section,
                instrument, style, tempo, memory):
        model = self.model
        once = [value[:, None] for value in (scale, density, register, lead, section, instrument, style, tempo)]
        x = model.step_input(hits, position, root, quality, next_root, next_quality, *once)
        before, steps = memory.shape[4], x.shape[1]
        back, ahead = 16 * (model.shape.memory_bars + 1), 15
        sinusoid = sinusoids(torch.arange(-ahead, back), model.shape.width)
        index = torch.arange(steps)[:, None] + before - torch.arange(before + steps)[None] + ahead
        kept = []
        for i, layer in enumerate(model.encoder):
            x, key, value = layer(x, (memory[i, 0], memory[i, 1]), sinusoid, index, None)
            kept.append(torch.stack([key, value])[:, :, :, -model.shape.memory_bars * steps:])
        x = model.norm_in(x)
        cross = [layer.cross.keys_values(x) for layer in model.decoder]
        return torch.stack([c[0] for c in cross]), torch.stack([c[1] for c in cross]), torch.stack(kept)


class TokenDecoder(nn.Module):
    """Continues a bar with some tokens: logits of each, and each layer's keys and values of the
    last tokens.

    memory_i [2, N, H, P, Dh]; P is 0 at a piece's start and at most `Shape.memory` afterwards."""

    def __init__(self, model: Drum2Music):
        super().__init__()
        self.model = model

    def forward(self, tokens, cross_key, cross_value, *memory):
        model = self.model
        x = 2 * model.token(tokens)
        keys = memory[0].shape[3] + tokens.shape[1]
        sinusoid = sinusoids(torch.arange(2 * model.shape.memory - 1, -1, -1), model.shape.width)[2 * model.shape.memory - keys:]
        at = torch.arange(keys)
        mask = torch.where(at[None] > at[keys - tokens.shape[1]:, None], -1e4, 0.0)[None, None]
        kept = []
        for i, layer in enumerate(model.decoder):
            normed = layer.norm1(x)
            key, value = layer.attention.keys_values(normed)
            key, value = torch.cat([memory[i][0], key], 2), torch.cat([memory[i][1], value], 2)
            x = layer(x, key, value, normed, sinusoid, mask, (cross_key[i], cross_value[i]), None)
            kept.append(torch.stack([key[:, :, -model.shape.memory:], value[:, :, -model.shape.memory:]]))
        return (model.norm_out(x) @ model.token.weight.T + model.logit_bias, *kept)
