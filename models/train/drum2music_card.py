"""Text and pictures of `drum2music.md` around the measured figures."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image, ImageDraw

import common
import drum2music
from melody import clean, tokens

PICTURES = [common.MODELS / f"drum2music_roll_{i}.png" for i in (1, 2, 3)]
CARD = common.MODELS / "drum2music.md"
SHOWN = 16  # bars in a picture
COLOURS = {0: (36, 92, 160), 1: (198, 112, 30), 2: (44, 130, 70)}
STEP, PITCH = 5, 4  # pixels


def pictures(pieces: list[list]) -> None:
    """Piano rolls: the lines over the drums, with chords and bars."""
    for path, rolls in zip(PICTURES, pieces):
        first = rolls[0]
        steps = min(SHOWN, first.bars) * first.steps
        low = min(int(r.notes[:, 1].min()) for r in rolls if len(r.notes)) - 2
        high = max(int(r.notes[:, 1].max()) for r in rolls if len(r.notes)) + 2
        left, top, drums = 10, 22, 9 * 7 + 16
        width, height = left + steps * STEP + 10, top + (high - low) * PITCH + drums
        image = Image.new("RGB", (width, height), "white")
        draw = ImageDraw.Draw(image)
        floor = top + (high - low) * PITCH
        before = None
        for step in range(steps):
            x = left + step * STEP
            if step % first.steps == 0:
                draw.line([(x, top), (x, height - 6)], fill=(170, 170, 170))
            elif step % 4 == 0:
                draw.line([(x, top), (x, height - 6)], fill=(228, 228, 228))
            chord = tuple(int(v) for v in first.chords[step])
            if chord != before:
                draw.text((x + 1, 6), tokens.PITCH_NAMES[chord[0]] + ("", "m", "o", "+", "7")[chord[1]], fill="black")
                before = chord
        for roll in rolls:
            for step, pitch, length, velocity in roll.notes:
                if step < steps:
                    x, y = left + step * STEP, floor - (pitch - low) * PITCH
                    right = min(x + max(length / 2 * STEP - 1, 2), left + steps * STEP)
                    shade = tuple(int(c + (255 - c) * 0.55 * (1 - velocity)) for c in COLOURS[roll.instrument])
                    draw.rectangle([x, y - PITCH + 1, right, y - 1], fill=shade)
        for step in range(steps):
            for drum in np.flatnonzero(first.hits[step]):
                x, y = left + step * STEP, floor + 10 + 7 * int(drum)
                draw.rectangle([x, y, x + 3, y + 4], fill=(70, 70, 70))
        image.save(path, optimize=True)


def rolled(results: dict) -> str:
    lines = []
    for name, found in results["pieces"].items():
        lines.append(f"\n**{name.capitalize()}** ({found['pieces']} pieces beside {found['songs']} songs)\n")
        lines.append("| | ours, median | held-out songs: quartiles (median) | median inside | pieces inside |\n|---|---|---|---|---|")
        for key, row in found["rows"].items():
            lines.append(f"| {key} | {row['ours']:.3f} | {row['low']:.3f} to {row['high']:.3f} ({row['middle']:.3f}) | {'yes' if row['inside'] else '**no**'} | {row['pieces inside']:.0%} |")
    return "\n".join(lines)


def likelihood(rows: dict) -> str:
    lines = ["| test split | tokens | n-gram, order 4 | without drums | ours, drums of another song | ours | piano | guitar | bass |", "|---|---|---|---|---|---|---|---|---|"]
    for name, row in rows.items():
        without = f"{row['without drums']['all']:.3f}" if "without drums" in row else "–"
        ours = row["ours"]
        lines.append(f"| {name} | {row['tokens']:,} | {row['n-gram']:.3f} | {without} | {row['drums of another song']['all']:.3f} | **{ours['all']:.3f}** | {ours['piano']:.3f} | {ours['guitar']:.3f} | {ours['bass']:.3f} |")
    return "\n".join(lines)


def overlaps(results: dict) -> str:
    names = list(next(iter(results["pieces"].values()))["overlap"])
    lines = ["| overlap area | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for name, found in results["pieces"].items():
        for who in ("ours", "training songs"):
            lines.append(f"| {name}, {who} | " + " | ".join(f"{found['overlap'][key][who]:.3f}" for key in names) + " |")
    return "\n".join(lines)


def songs_table(parts: list) -> str:
    lines = ["| split | source | songs | parts | bars | tokens | hours |", "|---|---|---|---|---|---|---|"]
    for split in ("training", "validation", "test"):
        for source in ("mma", "freedoom", "openmsx"):
            own = [p for p in parts if (p.split, p.source) == (split, source)]
            if own:
                hours = sum(max(p.hours for p in own if p.song == song) for song in {p.song for p in own})
                lines.append(f"| {split} | {source} | {len({p.song for p in own})} | {len(own)} | {sum(p.bars for p in own):,} | "
                             f"{sum(len(t) for p in own for t in p.tokens):,} | {hours:.1f} |")
    return "\n".join(lines)


def write(results: dict, meta: dict, parts: list) -> None:
    found = results["likelihood"]
    check = json.loads((common.RUNS / "drum2music-check.json").read_text())
    size = sum(path.stat().st_size for path in (drum2music.ENCODER, drum2music.DECODER)) / 1e6
    shape = drum2music.Shape()
    faults = {}
    for counts in results["pieces"].values():
        for fault, count in counts["faults"].items():
            faults[fault] = faults.get(fault, 0) + count
    pieces = max(each["pieces"] for each in results["pieces"].values())
    unheard = found["rows"]["songs of grooves never heard"]
    worth = unheard["drums of another song"]["all"] - unheard["ours"]["all"]
    gap = ""
    if "without drums: updates" in found:
        gap = (f"\nThe network without drums had {found['without drums: updates']:,} updates (validation {found['without drums: validation']:.3f}); "
               f"ours had come to {found['ours at as many updates']:.3f} after as many, its rate still high then.\n")
    CARD.write_text(f"""# drum2music_encoder.onnx, drum2music_decoder.onnx, drum2music.json

Piano, guitar and bass that play with the drums: Drum2Music of RhythmicNet (Su, Liu, Shlizerman: "How Does it Sound?", NeurIPS 2021).
An encoder reads the drums bar by bar, with the chords and the plan of the line; a decoder writes one instrument's track
in REMI tokens (Huang & Yang 2020). Both are Transformer-XL (Dai et al. 2019): a memory of {shape.memory_bars} bars and of {shape.memory} tokens.
One model plays all three instruments. {found["parameters"]:,} parameters, {size:.1f} MB.

## Tensors

| encoder | type and shape | meaning |
|---|---|---|
| `hits` | f32 [N, S, 9] | 1 for a drum class that is hit; S steps of the bar, 16 in 4/4, 12 in 3/4 |
| `position` | i64 [N, S] | step in the bar |
| `root`, `quality`, `next_root`, `next_quality` | i64 [N, S] | the current chord and the next different one: root 0..11 (C is 0), quality of {", ".join(tokens.QUALITIES)}; 12 and 5: none |
| `scale` | f32 [N, 12] | 1 for pitch classes of the bar's scale |
| `density`, `register`, `lead`, `section` | i64 [N] | 0 unspecified. Quartile of notes in the bar 1..4; tertile of pitch 1..3; 1 accompaniment, 2 with a melody; bars to the next section 1..4 |
| `instrument`, `style` | i64 [N] | {", ".join(f"{i} {n}" for i, n in enumerate(clean.INSTRUMENTS))}; style as in `rhythm2drum.json`, 0 unknown |
| `tempo` | f32 [N] | beats per minute |
| `memory` → `new_memory` | f32 [{shape.encoder_layers}, 2, N, {shape.heads}, P, {shape.width // shape.heads}] | keys and values of the previous bars; P = 0 at first, {shape.memory_bars} bars at most |
| → `cross_key`, `cross_value` | f32 [{shape.decoder_layers}, N, {shape.heads}, S, {shape.width // shape.heads}] | for the decoder, for this bar |

| decoder | type and shape | meaning |
|---|---|---|
| `tokens` | i64 [N, L] | the next tokens of the bar |
| `memory_i` → `new_memory_i` | f32 [2, N, {shape.heads}, P, {shape.width // shape.heads}] | layer i's keys and values of the previous tokens; P = 0 at first, {shape.memory} at most |
| → `logits` | f32 [N, L, {tokens.TOKENS}] | of the token after each |

Tempo and chord items are given, never chosen. ONNX Runtime against PyTorch, and bar by bar through the memory against one pass:
{check["difference"]:.1e} at most over {check["compared"]:,} tokens; the likeliest token is the same in {check["agree"]:,}.

## Data

{songs_table(parts)}

*mma*: songs made here: generated harmony (keys, modes, functional progressions, cadences, forms), played by the grooves of MMA (Musical MIDI
Accompaniment 21.09; the rendered music belongs to whoever renders it), and for about half of them a melody written by `melody/lead.py`.
Split by family of grooves: no tested family was trained on. *freedoom*: songs of the Freedoom project (BSD-3-Clause), split by
song; chords by recognition. *openmsx*: evaluation only. Every part is moved by −5 to +6 semitones at random in training.

## Training

{found["updates"]:,} updates of {found["batch"]} segments of {drum2music.SEGMENT} tokens in {found["minutes"]:.0f} minutes on {found["machine"]}; `python drum2music.py --minutes {found["minutes"]:.0f}`.
Validation {found["validation"]:.3f} nats per token.

## Likelihood: nats per token on held-out songs

{likelihood(found["rows"])}

Given tokens do not count. The n-gram (interpolated by Witten and Bell's weights) was trained on the same songs.
{gap}
## Music written by the program

{pieces} pieces of 32 bars by the program itself (`evaluate_drum2music.py`): rhythms with energies, accents, tempi and metres drawn at random, drums by
Rhythm2Drum, moods in turn. They are compared with the held-out songs of unseen grooves.
{rolled(results)}

Overlap areas of histograms with the held-out songs (1: the same); the row below each is that of the training songs, the best that can be expected.

{overlaps(results)}

Of {pieces} pieces with three lines each: {"; ".join(f"{fault}: {count}" for fault, count in faults.items())}.

## Three of the pieces

Piano blue, guitar orange, bass green; below them the drums from kick to ride.

{chr(10).join(f"![piano roll {i}]({path.name})" for i, path in enumerate(PICTURES, 1))}

## Limits

- The network itself uses the drums only a little: with the drums of another song it loses {worth:.3f} nats per token, since the previous bars
  already indicate most of what the drums do. Strong accents are answered because the grammar requires it.
- Repetition (bars, rhythms) comes from the program's rules, not from the network, which hardly repeats itself. The piano
  repeats somewhat less than the pianos of the songs.
- Most of the training data is accompaniment and melody made by rules: it is regular, without riffs that
  anybody would recognise.
- 3/4 is {sum(p.steps_per_bar == 12 for p in parts if p.split == "training") / max(sum(p.split == "training" for p in parts), 1):.0%} of the training parts.
- Onsets lie on the sixteenth-note grid; triplets are not supported. The offsets of notes come from the drums.
""")
