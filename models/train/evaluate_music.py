#!/usr/bin/env python3
"""Measures what the program's music is made of: form, theme, bass, and how it comes back with the
movement. Renders clips, or continues from saved stages, and prints a table.

    evaluate_music.py CLIP_OR_STAGE ... [--seeds 1,2,3] [--kinescore PROGRAM] [--arg=--style=funk ...]

Uses the Python environment of evaluate_sync.py (`scripts/setup.sh sync`). Exit code 0: measured; 1:
the program failed; 2: a wrong flag.

keys      number of different keys and progressions, of the pieces measured
recur     correlation of the self-similarity of the music's bars (onsets with their velocity on each
          sixteenth) with that of the movement's bars (speed and impacts on each sixteenth)
drums     the same for the drums alone, and lines for the other instruments alone
shuffled  the same with the movement's bars in another order, the mean of 20 orders: chance
loud      correlation of the bars' loudness with the bars' movement, both in dB; only pieces whose
          movement varies by more than 6 dB
range     loudness range of the bars: 95th minus 10th percentile, dB
step      share of the melody's intervals that are a step (1 or 2 semitones)
leap      share of them that are more than a fifth
theme     share of the melody's other bars whose rhythm and contour are those of the bar that has
          most such relatives, straight or upside down
root      share of chord changes at which the bass, if it plays there, plays the root
kick      share of the bass's onsets on a kick (within 30 ms)
layers    standard deviation over bars of the number of instruments that play
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mido
import numpy as np
import soundfile

KICKS = {35, 36}
DRUMS = 9
CLOSE = 0.03
VARIED = 6.0
ORDERS = 20
NOTES = "C C# D D# E F F# G G# A A# B".split()


def run(program, source, out, seed, extra):
    flag = ["--from", source] if str(source).endswith(".json") else [source]
    command = [program, "render", *flag, "--no-video", "--seed", str(seed), "--wav", out / "a.wav", "--midi", out / "a.mid"]
    command += ["--json", out / "a.json", "-q", *extra]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr}")
    stage = out / "stage.json"
    if str(source).endswith(".json"):
        rhythm = json.loads(Path(source).read_text())["rhythm"]
    else:
        subprocess.run([str(program), "render", str(source), "--until", "rhythm", "-o", str(stage), "-q"], check=True)
        rhythm = json.loads(stage.read_text())["rhythm"]
    return json.loads((out / "a.json").read_text()), mido.MidiFile(out / "a.mid"), soundfile.read(out / "a.wav"), rhythm


def notes_of(midi):
    """{track name: [(onset, end, pitch, velocity, channel)]} in seconds."""
    tempo = sorted((at, message.tempo) for track in midi.tracks for at, message in absolute(track) if message.type == "set_tempo")

    def seconds(tick):
        time, last, now = 0.0, 0, 500_000
        for at, value in tempo:
            if at >= tick:
                break
            time += mido.tick2second(at - last, midi.ticks_per_beat, now)
            last, now = at, value
        return time + mido.tick2second(tick - last, midi.ticks_per_beat, now)

    tracks = {}
    for track in midi.tracks:
        sounding, notes = {}, []
        for at, message in absolute(track):
            if message.type == "note_on" and message.velocity:
                sounding[message.note] = (at, message.velocity, message.channel)
            elif message.type in ("note_off", "note_on") and message.note in sounding:
                begin, velocity, channel = sounding.pop(message.note)
                notes.append((seconds(begin), seconds(at), message.note, velocity, channel))
        if notes:
            tracks[track.name.lower()] = sorted(notes)
    return tracks


def absolute(track):
    at = 0
    for message in track:
        at += message.time
        yield at, message


def correlation(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])


def similarity(rows):
    rows = np.asarray(rows, float)
    rows = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, norm, out=np.zeros_like(rows), where=norm > 0)
    return rows @ rows.T


def above(matrix):
    return matrix[np.triu_indices(len(matrix), 1)]


def bars_of(found):
    downs = [beat["time"] for beat in found["beats"] if beat["number"] == 1]
    return list(zip(downs, downs[1:]))


def measure(found, midi, sound, rhythm, rng):
    tracks = notes_of(midi)
    drums = [note for notes in tracks.values() for note in notes if note[4] == DRUMS]
    melodic = {name: notes for name, notes in tracks.items() if notes[0][4] != DRUMS}
    bars = bars_of(found)
    movement, rate = np.asarray(rhythm["movement"]["values"]), rhythm["movement"]["rate"]
    steps = 4 * (found["beats_per_bar"] or 4)
    moved, played = [], []
    for begin, end in bars:
        edges = np.linspace(begin, end, steps + 1)
        cells = [movement[int(a * rate) : max(int(b * rate), int(a * rate) + 1)] for a, b in zip(edges, edges[1:])]
        row = np.array([cell.mean() if len(cell) else 0.0 for cell in cells])
        for accent in found["accents"]:
            if begin <= accent["time"] < end and accent["kind"] == "impact":
                row[min(int((accent["time"] - begin) / (end - begin) * steps), steps - 1)] += accent["strength"] * movement.mean()
        moved.append(row)
        onsets = np.zeros((2, steps))
        for index, group in enumerate((drums, [note for notes in melodic.values() for note in notes])):
            for onset, _, _, velocity, _ in group:
                if begin - 0.02 <= onset < end - 0.02:
                    onsets[index, int(np.clip(round((onset - begin) / (end - begin) * steps), 0, steps - 1))] += velocity
        for row_ in onsets:
            if row_.max() > 0:
                row_ /= row_.max()
        played.append(onsets.ravel())
    result = {}
    if len(bars) >= 4:
        music, body = similarity(played), similarity(moved)
        result["recur"] = correlation(above(music), above(body))
        orders = [rng.permutation(len(bars)) for _ in range(ORDERS)]
        for name, half in (("drums", slice(0, steps)), ("lines", slice(steps, 2 * steps))):
            result[name] = correlation(above(similarity([row[half] for row in played])), above(body))
        result["shuffled"] = float(np.nanmean([correlation(above(music), above(body[np.ix_(order, order)])) for order in orders]))
    samples, sample_rate = sound
    level = lambda a, b: 10 * np.log10(np.mean(samples[int(a * sample_rate) : int(b * sample_rate)] ** 2) + 1e-9)
    louds = np.array([level(a, b) for a, b in bars])
    body = np.array([10 * np.log10(max(row.mean(), 1e-3)) for row in moved])
    if len(bars) >= 4:
        result["range"] = float(np.percentile(louds, 95) - np.percentile(louds, 10))
        if np.ptp(2 * body) > VARIED:
            result["loud"] = correlation(louds, body)
        counts = [sum(any(a - 0.02 <= n[0] < b - 0.02 for n in notes) for notes in melodic.values()) for a, b in bars]
        result["layers"] = float(np.std(counts))
    melody = melodic.get("lead") or melodic.get("piano") or []
    top = {}
    for onset, _, pitch, _, _ in melody:
        key = round(onset, 2)
        top[key] = max(top.get(key, 0), pitch)
    line = sorted(top.items())
    jumps = np.array([abs(b[1] - a[1]) for a, b in zip(line, line[1:]) if b[0] - a[0] < 1.2 * (bars[0][1] - bars[0][0] if bars else 2)])
    if len(jumps):
        result["step"] = float(np.mean((jumps >= 1) & (jumps <= 2)))
        result["leap"] = float(np.mean(jumps > 7))
    shapes = []
    for begin, end in bars:
        inside = [(onset, pitch) for onset, pitch in line if begin - 0.02 <= onset < end - 0.02]
        if len(inside) >= 2:
            places = [round((onset - begin) / (end - begin) * steps) for onset, _ in inside]
            turns = list(np.sign(np.diff([pitch for _, pitch in inside])))
            shapes.append((places, turns))
    if len(shapes) >= 2:
        alike = [np.mean([related(shape, other) for other in shapes if other is not shape]) for shape in shapes]
        result["theme"] = float(max(alike))
    bass = melodic.get("bass", [])
    kicks = np.array([note[0] for note in drums if note[2] in KICKS])
    if bass:
        result["kick"] = float(np.mean([len(kicks) > 0 and np.abs(kicks - note[0]).min() < CLOSE for note in bass]))
        roots = []
        for chord in found["music"]["chords"]:
            root = NOTES.index(spelled(chord["chord"]))
            near = [note for note in bass if abs(note[0] - chord["time"]) < 0.08]
            roots += [note[2] % 12 == root for note in near[:1]]
        if roots:
            result["root"] = float(np.mean(roots))
    return result


def related(first, other):
    places = set(first[0])
    share = len(places & set(other[0])) / max(len(places | set(other[0])), 1)
    count = min(len(first[1]), len(other[1]))
    turn = float(np.mean(np.array(first[1][:count]) == np.array(other[1][:count]))) if count else 0.0
    return share >= 0.6 and max(turn, 1 - turn) >= 0.6


def spelled(chord):
    name = chord[:2] if chord[1:2] in ("#", "b") else chord[:1]
    flats = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#", "Cb": "B", "Fb": "E", "E#": "F", "B#": "C"}
    return flats.get(name, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--seeds", default="auto")
    parser.add_argument("--kinescore", default=os.environ.get("KINESCORE", "kinescore"))
    parser.add_argument("--arg", action="append", default=[], help="passed on to the program")
    options = parser.parse_args()
    columns = ["recur", "drums", "lines", "shuffled", "loud", "range", "step", "leap", "theme", "root", "kick", "layers"]
    print(f"{'piece':34}" + "".join(f"{name:>9}" for name in columns))
    rows, songs = [], set()
    for source in options.sources:
        for seed in options.seeds.split(","):
            with tempfile.TemporaryDirectory() as folder:
                found, midi, sound, rhythm = run(options.kinescore, source, Path(folder), seed, options.arg)
            row = measure(found, midi, sound, rhythm, np.random.default_rng(1))
            rows.append(row)
            songs.add((found["music"]["key"], tuple(chord["chord"] for chord in found["music"]["chords"][:4])))
            name = f"{Path(source).name[:22]} {found['seed']} {found['music'].get('palette') or ''}"
            print(f"{name:34.34}" + "".join(f"{row.get(c, np.nan):9.2f}" for c in columns))
    mean = {c: np.nanmean([row.get(c, np.nan) for row in rows] or [np.nan]) for c in columns}
    print(f"{'mean':34}" + "".join(f"{mean[c]:9.2f}" for c in columns))
    print(f"{len(songs)} different keys and progressions in {len(rows)} pieces")


if __name__ == "__main__":
    main()
