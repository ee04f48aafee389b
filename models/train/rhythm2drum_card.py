"""Text of `rhythm2drum.md` around the measured figures."""

from __future__ import annotations

import json

import common
import groove
import rhythm2drum
import stage1


OTHERS = "by a stroke, another's accents"


def rows(table: dict, columns: list[str], form="{:.3f}") -> str:
    return "\n".join("| " + " | ".join([name, *(form.format(r[c]) if isinstance(r[c], float) else str(r[c]) for c in columns)]) + " |" for name, r in table.items())


def card(results: dict, tuning: list, counts, table: dict) -> str:
    model, vocabulary, state = rhythm2drum.best_model("ours")
    check = json.loads((common.RUNS / "rhythm2drum-check.json").read_text())
    nll, shape, s = results["nll"], model.shape, results["sampling"]
    sizes = {p.name: p.stat().st_size / 1e6 for p in (rhythm2drum.ENCODER, rhythm2drum.DECODER)}
    nll_rows = "\n".join(f"| {k} | {v:.3f} |" for k, v in nll.items() if isinstance(v, float))
    answer_columns = ["strong accents", "answered", "answered, another's accents", "answered, shuffled", "by a stroke", "by a stroke, another's accents",
                      "by a stroke, shuffled", "hit at steps without accent", "stroke at steps without accent"]
    answers = rows(results["answer"], answer_columns)
    spread = "\n".join(f"| {k} | {a:.3f} | {b:.3f} |" for k, (a, b) in results["distributions"].items())
    music_columns = [c for c in next(iter(results["musical"].values()))]
    music = "\n".join(f"| {c} | " + " | ".join(f"{m[c]:.2f}" if isinstance(m[c], float) else str(m[c]) for m in results["musical"].values()) + " |" for c in music_columns)
    tuned = "\n".join(f"| {t['temperature']} | {t['top_p']} | {t['guidance']} | {t['answered']:.3f} | {t['by a stroke']:.3f} | {t[OTHERS]:.3f} | "
                      f"{t['hit at steps without accent']:.3f} | {t['stroke at steps without accent']:.3f} | {t['hits a step']:.2f} | {t['overlap']:.3f} | {t['alike']:.2f} |" for t in tuning)
    energies = rows(results["energy"], ["hits a step", "strokes a step", "summed velocity a step"])
    paper = nll.get("paper")
    paper_text = "" if not paper else f"""
The paper's setting was trained by the same script (`--preset paper`: 2 bars, taps in, 3 + 3 layers, 4 heads, width 128, feed-forward
256, absolute positions; {paper["parameters"]:,} parameters, {paper["updates"]} updates of {paper["batch"]} crops in {paper["minutes"]:.1f} minutes; best validation
checkpoint, NLL {paper["validation"]:.3f} on taps). Like the original, it has neither style nor tempo as input. Ours, given the same taps but not the style,
is the like-for-like row; ours saw complete taps in only {stage1.P_TAPS:.0%} of its training. Where it matters, on accents, the paper's
setting fails: it has learned that a step without a tap is empty, so it does not expect any drum between accents."""
    left_out = ", ".join(f"{k.removeprefix('left out: ')}: {n}" for k, n in counts.items() if k.startswith("left out"))
    return f"""# rhythm2drum_encoder.onnx, rhythm2drum_decoder.onnx, rhythm2drum.json

Which drums sound at each 16th note, for a rhythm and an energy found in a moving person: the first half of
Rhythm2Drum. `velocity_offset.onnx` then adds the velocity and offset of each hit.

## Tensors

| encoder | type and shape | meaning |
|---|---|---|
| `rhythm` | i64 [N, T] | 0 nothing, 1 accent, 2 strong accent, 3 no rhythm information given (then 3 at every step) |
| `energy` | i64 [N, T] | 0 unknown, 1..4 = how strongly the person moves in this bar (in training: quartile of loudness and density) |
| `position` | i64 [N, T] | step within the bar, 0..15 in 4/4, 0..11 in 3/4 |
| `bar` | i64 [N, T] | bar number modulo 8 |
| `style` | i64 [N] | index into `styles`, 0 = unknown |
| `tempo` | f32 [N] | BPM; normalised inside |
| → `memory` | f32 [N, T, {shape.width}] | |
| → `cross_key`, `cross_value` | f32 [{shape.decoder_layers}, N, {shape.heads}, T, {shape.width // shape.heads}] | |

| decoder | type and shape | meaning |
|---|---|---|
| `words` | i64 [N, S] | previous words: row s is at window step P + s and predicts that step's word. At the start of a piece the first is BOS ({vocabulary.bos}), later the real word before the window |
| `memory`, `cross_key`, `cross_value`, `position` | as above | of the whole window |
| `past_key`, `past_value` | f32 [{shape.decoder_layers}, N, {shape.heads}, P, {shape.width // shape.heads}] | cache; P = 0 at first |
| → `logits` | f32 [N, S, {len(vocabulary)}] | |
| → `key`, `value` | f32 [{shape.decoder_layers}, N, {shape.heads}, P + S, {shape.width // shape.heads}] | the next call's cache |

A word is a set of drums that sound together, a 9-bit mask: bit i = class i of {", ".join(groove.CLASSES)}. Vocabulary: the
{len(vocabulary)} combinations that occur at least {rhythm2drum.MIN_WORD_COUNT} times in the training split, by frequency. Any other is mapped to the nearest: its least
important class is dropped until the word is known ({", ".join(reversed(rhythm2drum.IMPORTANCE))}: in this order). Out of vocabulary on the test
split: {100 * results["out of vocabulary"]:.3f} % of {results["steps"]:,} steps. In addition to BOS, the decoder has one more input, "hidden" ({vocabulary.hidden}): a previous word that is not known.

Windows are {table["context_bars"]} bars; long pieces keep the last half as context and write the other half. Longer windows work (checked at 256 steps), but
were not trained. The decoding in full, with its order of rounding: `train/decode_reference.py`, and `tests/fixtures/rhythm2drum_golden.json`.

## Network and training

Encoder-decoder transformer, {shape.encoder_layers} + {shape.decoder_layers} layers, width {shape.width}, {shape.heads} heads, feed-forward {shape.feed_forward}, dropout {shape.dropout}; {common.parameters(model):,} parameters
({", ".join(f"{k} {v:.1f} MB" for k, v in sizes.items())}, fp32). Attention has a learned bias per head and lag instead of absolute positions; memory[t] is
added to the decoder's input at step t; a word's vector is its own plus those of its drums, tied between input and output.
Cross-entropy, AdamW; {state["update"]} updates in {state["spent"]:.1f} minutes on a machine shared with other work ({state["machine"]}), bfloat16 autocast; the
averaged weights of the best of {len(state["history"])} validations (NLL {state["best"][0]:.4f}). ONNX Runtime against PyTorch: largest difference
{check["difference"]:.1e}, step by step through the cache against one pass included; the best word is the same in {check["agree"]} of {check["steps"]} steps.

Augmentation: tempo ±{rhythm2drum.TEMPO_JITTER:.0%}; style dropped in {rhythm2drum.STYLE_DROP:.0%}; previous words hidden or wrong (up to 25 % of them) in {rhythm2drum.P_WORD_NOISE:.0%} of the examples;
3/4 cut out of 4/4 (beat 3 or 4 of every bar removed) in {rhythm2drum.P_THREE_FOUR:.0%}, since there are four training files in 3/4. **3/4 is therefore weak**, and no
test file is in it. Fills (short files without the preceding music) never start with BOS, so that pieces do not begin with a fill.

### The rhythm in training

No data set combines movement with drums. The rhythm is simulated from the groove, to resemble the output of stage 1 (`train/stage1.py`):

- Salience of a step = sum of velocity × weight ({", ".join(f"{k} {v}" for k, v in stage1.WEIGHT.items())}): a body responds to the big strokes.
- Accents on {stage1.DENSITY[0]:.0%} to {stage1.DENSITY[1]:.0%} of the steps (Beta(1, 1.6): sparse is more common), in {stage1.P_STILL:.0%} of the examples on 0 to 3 %. True ones are drawn without
  replacement by salience^k, k in {stage1.SHARPNESS[0]}..{stage1.SHARPNESS[1]}, so loud steps are also missed; in {stage1.P_SYNCOPATED:.0%} of the examples relative to how loud that position in the bar usually
  is, since a body does not know the metre.
- Up to {stage1.EXTRAS:.0%} of the accents are extras without a hit, half of them on beats; {stage1.JITTER:.0%} of the weak ones are a step early or late; in {stage1.P_GAP:.0%} of the
  examples 1 to 4 bars have none.
- Strong accents: the loudest {stage1.STRONG_SHARE[0]:.0%} to {stage1.STRONG_SHARE[1]:.0%} of the true ones, salience ≥ {stage1.STRONG_SALIENCE}; never extras, never moved. So the model learns that a strong accent is answered.
- {stage1.P_ABSENT:.0%}: no rhythm (level 3 throughout), for guidance. {stage1.P_TAPS:.0%}: the complete tap track at level 1.
- Energy: quartile of the bar's mean salience and density in the training split, with noise (log: {stage1.ENERGY_GAIN_NOISE} per example, {stage1.ENERGY_BAR_NOISE} per bar); unknown in {stage1.P_ENERGY_UNKNOWN:.0%}.

## Measured

Official test split, all {counts["test files"]} files, consecutive windows over every step. `python models/train/evaluate_rhythm2drum.py --data DIR` repeats the measurement.

### NLL, nats per step

| | NLL |
|---|---|
{nll_rows}

"8 bars" rows begin a take with BOS (a fill: hidden) and later windows with the real previous word; in "2 bars" rows it is hidden, so that ours has no more information than the
paper's. Rhythm rows with accents are means over three simulations (2 bars: one). **Complete taps reveal which steps are empty** (a quarter of them) and that every
other step has a hit: their NLL is not comparable with that of accents, and they cannot be obtained from a video.{paper_text}

### Sampling

Recommended: temperature {s["temperature"]}, top-p {s["top_p"]}, guidance {s["guidance"]} (logits = absent + w · (given − absent)). Chosen on the validation split
(`--tune --limit 80`, 8-bar pieces, energy unknown); "stroke" = kick, snare, tom, crash or open hat; "another's" = the same drums compared with another piece's accents, which shows the effect of chance and metre alone:

| temperature | top-p | w | strong accents answered | … by a stroke | … by a stroke, another's | hit at steps without accent | stroke there | hits a step | overlap of hits a step | next bar alike |
|---|---|---|---|---|---|---|---|---|---|---|
{tuned}

### In the program

The program samples as recommended, but with guidance 2.0 only in steps with an accent and 0.5 in the others: the accents of
a body do not follow the metre, and guidance in every step would treat the gaps between them as requested silence. Both passes
differ in rhythm and energy. Of four takes sampled in parallel, the one nearest to its style is kept, by the six features of
`style_groove` in `rhythm2drum.json` (median and spread over four-bar pieces of the training split; `groove.py`). An
accent always has a hit. `make bench` prints how well the drums match real clips. The tables below are for the plain
decoder, with one take and constant guidance.

### Response to accents

{results["pieces"]} pieces of 8 bars from the test split's "beat" takes, each sampled from BOS with one simulated rhythm, at the recommended setting.

| | {" | ".join(answer_columns)} |
|---|{"---|" * len(answer_columns)}
{answers}

### Response to energy

A quarter of the same pieces, energy held at one level throughout. "Freed as well": the absent pass of the guidance has energy 0
too, not only rhythm 3 (`free_energy` in the reference decoder; not the default):

| energy | hits a step | strokes a step | summed velocity a step |
|---|---|---|---|
{energies}

### Distributions, generated against test grooves

Histograms over the same pieces (velocity: 32 bins, offset: 40). KL in nats, of the test distribution from the generated one.

| | overlap area | KL |
|---|---|---|
{spread}

The velocity and offset rows are limited by that network, which gives expected values: the test grooves' own hits with predicted
velocities give similar figures. They were measured with an earlier version of it; its card has the errors of the shipped one.

### Comparison with drummers

Shares of bars (or of steps) with the drum there:

| | {" | ".join(results["musical"])} |
|---|{"---|" * len(results["musical"])}
{music}

## Limits

- 16th-note hats and rides, and kicks off the beats, are rarer than with drummers, and bars repeat slightly more often
  (table above). The machine was busy with other work in the last third of the training,
  which had few updates: a longer run may improve this.
- 3/4 was checked to run, but not for its sound.
- The accents are simulated. This card does not test the assumption that real movement has such accents.
- Ten drummers, mostly rock, funk, latin and jazz; styles with little data ({", ".join(table["styles"][-5:])}) are covered by a handful of takes.
- Step resolution is a 16th note: triplet feels are approximated by offsets.

## Data and licence

Groove MIDI Dataset v1.0.0 (Jon Gillick, Adam Roberts, Jesse Engel, Douglas Eck, David Bamman: *Learning to Groove with
Inverse Sequence Transformations*, ICML 2019), CC BY 4.0, <https://magenta.tensorflow.org/datasets/groove>: the attribution must
be kept with the weights. Files in 4/4 and 3/4, official split: {counts["train files"]} training ({counts["train steps"]:,} steps, {counts["train hits"]:,} hits),
{counts["validation files"]} validation ({counts["validation steps"]:,} steps), {counts["test files"]} test ({counts["test steps"]:,} steps). Left out: {left_out}.
Styles ({len(table["styles"]) - 1} with at least {groove.STYLE_MIN_SECONDS:.0f} s and {groove.STYLE_MIN_FILES} files in the training split; others are "unknown"): {", ".join(table["styles"][1:])}.
"""
