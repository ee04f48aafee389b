"""Reference decoder: samples drums from the shipped ONNX files with NumPy, step by step like the
program.

    python decode_reference.py --golden                # writes tests/fixtures/rhythm2drum_golden.json
    python decode_reference.py --show --style rock     # prints 8 sampled bars as a drum tab

Order of operations, which the program must follow:
1. Windows of `context_bars` bars. The first begins with BOS. Each later one keeps the last half as
   context: its first input is the word before the window (not BOS), the context is prefilled in one
   causal pass, the other half is written.
2. logits = absent + guidance * (given - absent), where `absent` has every rhythm level at 3;
   guidance 1 needs only `given`. With `free_energy`, `absent` has the energy at 0 as well, which
   makes the drums follow energy more strongly too.
3. Logits are rounded to 1e-3 as floor(1000 x + 0.5) / 1000, in double precision.
4. Greedy: the largest; on a tie, the lowest id. Sampling: softmax of logits / temperature; words in
   descending order of probability (on a tie, lower id first) until their sum reaches top_p; one
   uniform number picks among them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime

MODELS = Path(__file__).resolve().parent.parent
GOLDEN = MODELS.parent / "tests" / "fixtures" / "rhythm2drum_golden.json"
ABSENT = 3
# Chosen on the validation split: see evaluate_rhythm2drum.py and the card.
TEMPERATURE, TOP_P, GUIDANCE = 1.0, 0.95, 2.0


def open_session(name: str, threads: int = 1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(MODELS / name), options, providers=["CPUExecutionProvider"])


def round_logits(logits: np.ndarray) -> np.ndarray:
    return np.floor(1000.0 * logits.astype(np.float64) + 0.5) / 1000.0


def choose(logits: np.ndarray, temperature: float, top_p: float, uniform: float) -> int:
    """One word from rounded logits."""
    order = np.argsort(-logits, kind="stable")
    scaled = logits[order] / temperature
    p = np.exp(scaled - scaled[0])
    p /= p.sum()
    kept = 1 + int(np.searchsorted(np.cumsum(p), top_p))
    cumulative = np.cumsum(p[:kept])
    return int(order[min(kept - 1, np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))])


class Drummer:
    def __init__(self, threads: int = 1):
        self.table = json.loads((MODELS / "rhythm2drum.json").read_text())
        self.encoder = open_session("rhythm2drum_encoder.onnx", threads)
        self.decoder = open_session("rhythm2drum_decoder.onnx", threads)
        self.touch = open_session("velocity_offset.onnx", threads)
        players = json.loads((MODELS / "velocity_offset.json").read_text())["style_player"]
        self.player_of_style = np.array([players[style] for style in self.table["styles"]], np.int64)
        words = np.array(self.table["words"])
        self.bits = ((words[:, None] >> np.arange(len(self.table["classes"]))) & 1).astype(np.float32)

    def encode(self, rhythm, energy, position, bar, style, tempo):
        inputs = dict(rhythm=rhythm, energy=energy, position=position, bar=bar, style=style, tempo=tempo)
        return self.encoder.run(None, {k: np.ascontiguousarray(v, np.float32 if k == "tempo" else np.int64) for k, v in inputs.items()})

    def decode(self, words, encoded, position, past):
        """Logits [N, S, V] and the new cache."""
        memory, cross_key, cross_value = encoded
        logits, key, value = self.decoder.run(None, dict(
            words=np.ascontiguousarray(words, np.int64), memory=memory, cross_key=cross_key, cross_value=cross_value,
            position=np.ascontiguousarray(position, np.int64), past_key=past[0], past_value=past[1]))
        return logits, (key, value)

    def empty_past(self, n):
        t = self.table
        size = (t["layers"], n, t["heads"], 0, t["head_dim"])
        return np.zeros(size, np.float32), np.zeros(size, np.float32)

    def generate(self, rhythm, energy, position, bar, style, tempo, steps_per_bar=16, temperature=TEMPERATURE, top_p=TOP_P,
                 guidance=GUIDANCE, generator=None, logits_out=None, free_energy=False):
        """Word IDs [N, T] for N pieces of equal length; greedy without `generator`."""
        pieces, steps = rhythm.shape
        window, half = self.table["context_bars"] * steps_per_bar, self.table["context_bars"] * steps_per_bar // 2
        written = np.zeros((pieces, steps), np.int64)
        guided = guidance != 1.0
        done, start = 0, 0
        while done < steps:
            start = 0 if done == 0 else done - half
            part = slice(start, min(steps, start + window))
            given = [rhythm[:, part], energy[:, part], position[:, part], bar[:, part], style, tempo]
            if guided:
                given = [np.concatenate([a, np.full_like(a, ABSENT) if i == 0 else np.zeros_like(a) if i == 1 and free_energy else a]) for i, a in enumerate(given)]
            encoded, past = self.encode(*given), self.empty_past(len(given[0]))
            before = written[:, start - 1 : start] if start else np.full((pieces, 1), self.table["bos"])
            feed = np.concatenate([before, written[:, start:done]], 1)
            for step in range(done, part.stop):
                logits, past = self.decode(np.concatenate([feed, feed]) if guided else feed, encoded, given[2], past)
                logits = logits[:, -1].astype(np.float64)
                if guided:
                    logits = logits[pieces:] + guidance * (logits[:pieces] - logits[pieces:])
                if logits_out is not None:
                    logits_out.append(logits)
                rounded = round_logits(logits)
                for n in range(pieces):
                    written[n, step] = rounded[n].argmax() if generator is None else choose(rounded[n], temperature, top_p, generator.random())
                feed = written[:, step : step + 1]
            done = part.stop
        return written

    def hits(self, words):
        return self.bits[words]

    def feel(self, hits, position, style, tempo):
        """Velocity and offset [N, T, 9]; each style has its own player."""
        style = np.asarray(style, np.int64)
        return self.touch.run(None, dict(hits=np.ascontiguousarray(hits, np.float32), position=np.ascontiguousarray(position, np.int64),
                                         style=style, player=self.player_of_style[style], tempo=np.asarray(tempo, np.float32)))


def hand_made(table) -> dict:
    """Ten bars of 4/4, so that the window slides once: accents on beats, then syncopated, a pause,
    then dense."""
    bars = ["2...1...2...1...", "2...1...2...1.1.", "1..1..2...1.....", "1..1..2...1...2.", "................",
            "........2.......", "2.1.1.1.2.1.1.1.", "2.1.1.1.2.2.2.2.", "2.......1.......", "1.....2...1..2.."]
    rhythm = np.array([[0 if c == "." else int(c) for c in "".join(bars)]])
    step = np.arange(rhythm.shape[1])
    energy = np.repeat([2, 2, 3, 3, 1, 1, 4, 4, 0, 0], 16)[None]
    return dict(rhythm=rhythm, energy=energy, position=(step % 16)[None], bar=(step // 16 % 8)[None],
                style=np.array([table["styles"].index("funk")]), tempo=np.array([104.0]))


def write_golden() -> None:
    drummer = Drummer()
    inputs = hand_made(drummer.table)
    logits: list = []
    plain = drummer.generate(**inputs, guidance=1.0, logits_out=logits)
    guided = drummer.generate(**inputs, guidance=2.0)
    free = drummer.generate(**inputs, guidance=2.0, free_energy=True)
    velocity, offset = drummer.feel(drummer.hits(plain), inputs["position"], inputs["style"], inputs["tempo"])
    order = np.sort(round_logits(np.concatenate(logits)), -1)
    data = {
        "about": "Greedy decoding by models/train/decode_reference.py of a hand-made rhythm: ten bars, windows of eight, four kept as context.",
        **{k: v[0].tolist() for k, v in inputs.items()},
        "player": int(drummer.player_of_style[inputs["style"][0]]),
        "steps_per_bar": 16,
        "first_logits": [[round(float(x), 5) for x in row[0]] for row in logits[:4]],
        "words": plain[0].tolist(),
        "words_guidance_2": guided[0].tolist(),
        "words_guidance_2_free_energy": free[0].tolist(),
        "smallest_margin": float((order[:, -1] - order[:, -2]).min()),
        "velocity": [[round(float(x), 5) for x in row] for row in velocity[0]],
        "offset": [[round(float(x), 5) for x in row] for row in offset[0]],
    }
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text("{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in data.items()) + "\n}\n")
    print(f"{GOLDEN.name}: {plain.shape[1]} words, smallest distance between best and second-best logit {data['smallest_margin']:.3f}")


def tab(hits: np.ndarray, classes: list[str], steps_per_bar: int = 16, velocity: np.ndarray | None = None) -> str:
    rows = []
    for i in reversed(range(len(classes))):
        cells = [".", "o", "O"]
        loud = hits[:, i] * (1 if velocity is None else 1 + (velocity[:, i] > 0.6))
        line = "".join(cells[int(x)] for x in loud)
        rows.append(f"{classes[i]:>10} |" + "|".join(line[a : a + steps_per_bar] for a in range(0, len(line), steps_per_bar)) + "|")
    return "\n".join(rows)


def show(args) -> None:
    drummer = Drummer()
    inputs = hand_made(drummer.table)
    inputs = {k: v[:, :128] if v.ndim == 2 else v for k, v in inputs.items()}
    if args.style:
        inputs["style"] = np.array([drummer.table["styles"].index(args.style)])
    if args.no_rhythm:
        inputs["rhythm"] = np.full_like(inputs["rhythm"], ABSENT)
    inputs["energy"] = inputs["energy"] * (0 if args.no_energy else 1)
    inputs["tempo"] = np.array([args.tempo])
    words = drummer.generate(**inputs, temperature=args.temperature, top_p=args.top_p, guidance=args.guidance,
                             generator=np.random.default_rng(args.seed))
    velocity, _ = drummer.feel(drummer.hits(words), inputs["position"], inputs["style"], inputs["tempo"])
    marks = "".join(".aA "[r] for r in inputs["rhythm"][0])
    print(f"{'movement':>10} |" + "|".join(marks[a : a + 16] for a in range(0, 128, 16)) + "|")
    print(tab(drummer.hits(words)[0], drummer.table["classes"], velocity=velocity[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--golden", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--style")
    parser.add_argument("--no-rhythm", action="store_true")
    parser.add_argument("--no-energy", action="store_true")
    parser.add_argument("--tempo", type=float, default=110)
    parser.add_argument("--temperature", type=float, default=TEMPERATURE)
    parser.add_argument("--top-p", type=float, default=TOP_P)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.golden:
        write_golden()
    if args.show:
        show(args)


if __name__ == "__main__":
    main()
