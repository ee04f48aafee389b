"""The data set of Drum2Music: songs rendered by MMA over generated harmony, with generated lead
lines, and songs written by people.

`python -m melody.dataset --data DIR --songs N` writes `runs/melody/songs.pkl` and
`runs/melody/meta.json`, and prints a summary."""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import pickle
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import clean, grooves, harmony, lead, real, render, tokens

VERSION = 2  # of the generator: songs of another version are rendered again
CHUNK = 100  # songs
LEAST_INSIDE = 0.85  # share of a part's notes in chord or scale
MOST_NOTES = 48  # a bar
MOST_REPEATS = 0.5  # share of bars that equal the previous bar
HERE = Path(__file__).resolve().parent
SPLITS = grooves.SPLITS
SOURCES = ("mma", "freedoom", "openmsx")


@dataclass
class Part:
    """One instrument's part of a song, with the network's other inputs."""

    song: str
    split: str
    source: str
    groove: str
    instrument: int
    style: int
    bpm: float
    steps_per_bar: int
    hits: np.ndarray  # u8 [bars * steps, 9]
    chords: np.ndarray  # i8 [bars * steps, 2]: root, quality
    scale: np.ndarray  # u8 [bars, 12]
    density: np.ndarray  # i8 [bars]; 1 to 4, by quartiles of notes a bar
    register: np.ndarray  # i8 [bars]; 0 none, 1 to 3, by tertiles of the mean pitch
    lead: np.ndarray  # i8 [bars]; 0 unknown, 1 comping, 2 with a lead line
    section: np.ndarray  # i8 [bars]; 0 unknown, bars to the next section up to 4
    tokens: list[np.ndarray]  # i16, one array a bar

    @property
    def bars(self) -> int:
        return len(self.tokens)

    @property
    def hours(self) -> float:
        return self.bars * self.steps_per_bar / 4 * 60 / self.bpm / 3600


def styles() -> list[str]:
    """The styles of Rhythm2Drum, which the networks share."""
    file = HERE.parent.parent / "rhythm2drum.json"
    return json.loads(file.read_text())["styles"]


def bars_of(notes: clean.Notes, bars: int, steps: int, chords: list[list[tuple[int, int, int]]],
            tempi: list[list[tuple[int, float]]]) -> list[tokens.Bar]:
    """A part's bars in the form that is converted to tokens."""
    result = [tokens.Bar(steps, [], list(chords[bar]), list(tempi[bar])) for bar in range(bars)]
    for step, pitch, length, velocity in notes:
        result[step // steps].notes.append(tokens.Note(step % steps, pitch, length, velocity))
    return result


def bars_to_change(sections: list[tuple[int, int, str]], bars: int) -> np.ndarray:
    """For each bar, the number of bars to the next section (the end counts as one): 1 is the last
    bar, 4 means four or more."""
    result = np.zeros(bars, np.int8)
    for first, length, _ in sections:
        result[first:first + length] = np.minimum(np.arange(length, 0, -1), 4)
    return result


def _part(song: str, split: str, source: str, groove: str, instrument: int, style: int, bpm: float, steps: int, hits: np.ndarray,
          chords: list[list[tuple[int, int, int]]], scale: np.ndarray, plays: np.ndarray, section: np.ndarray, notes: clean.Notes,
          tempi: list[list[tuple[int, float]]]) -> Part:
    bars = len(scale)
    by_step = np.zeros((bars * steps, 2), np.int8)
    for bar, changes in enumerate(chords):
        for step, root, quality in changes:
            by_step[bar * steps + step:] = (root, quality)
    encoded = tokens.encode(bars_of(notes, bars, steps, chords, tempi))
    unknown = np.zeros(bars, np.int8)
    return Part(song, split, source, groove, instrument, style, bpm, steps, hits, by_step, scale, unknown, unknown.copy(), plays, section,
                [np.array(bar, np.int16) for bar in encoded])


@dataclass
class _World:
    """The inputs shared by all songs rendered by MMA."""

    families: dict[str, list[grooves.Groove]]
    split: dict[str, str]
    styles: list[str]
    seed: int


_world: _World | None = None


def _set(world: _World) -> None:
    global _world
    os.environ["OMP_NUM_THREADS"] = "1"
    _world = world


@dataclass
class _Rendered:
    """A song rendered by MMA, on the grid."""

    rng: np.random.Generator
    split: str
    family: str
    style: str
    bpm: int
    harmony: harmony.Harmony
    song: clean.Song | None


def rendered(world: _World, index: int) -> _Rendered:
    """The harmony of song `index`, rendered with a groove family of its split; without notes if MMA
    refuses it."""
    rng = np.random.default_rng([world.seed, 4, index])
    split = str(rng.choice(SPLITS, p=grooves.SHARES))
    names = [name for name in sorted(world.families) if world.split[name] == split]
    # Files with many grooves are drawn more often, but no style dominates.
    style_names = [grooves.style_of(next(groove for groove in world.families[name] if groove.kind == "main").name) for name in names]
    share = Counter(style_names)
    weights = np.array([np.sqrt(sum(groove.kind == "main" for groove in world.families[name]) / share[style])
                        for name, style in zip(names, style_names, strict=True)])
    chosen = int(rng.choice(len(names), p=weights / weights.sum()))
    family, style = names[chosen], style_names[chosen]
    members = world.families[family]
    written = harmony.write(rng, style, 4 * members[0].beats)
    bpm = render.tempo(rng, style, family)
    by_bar = render.arrange(rng, written, members)
    text = render.text(written, bpm, by_bar, int(rng.integers(1 << 30)))
    with tempfile.TemporaryDirectory() as folder:
        try:
            path, _ = render.run(text, Path(folder))
        except render.RenderError:
            return _Rendered(rng, split, family, style, bpm, written, None)
        song = clean.snapped(clean.read(path))
    return _Rendered(rng, split, family, style, bpm, written, song)


def mma_song(world: _World, index: int) -> tuple[list[Part], str]:
    """The parts of one song, and the reason if there are none (otherwise ""). Depends only on the
    seed and the index."""
    made = rendered(world, index)
    rng, split, family, style, bpm, song_harmony, song = (made.rng, made.split, made.family, made.style, made.bpm, made.harmony, made.song)
    if song is None:
        return [], "refused by MMA"
    steps, bars = song_harmony.steps, song_harmony.bars
    kept = song.notes[(song.notes[:, 5] == 9) | np.isin(song.notes[:, 4] // 8, (0, 3, 4))]
    if clean.off_grid(kept[:, 0]) > clean.MOST_OFF:
        return [], "off the grid"
    hits = clean.drums(song, bars, steps)
    if hits.sum() < bars:
        return [], "hardly any drums"
    found = clean.parts(song, bars, steps)
    plays = {instrument: np.ones(bars, np.int8) for instrument in found}
    melodic = [instrument for instrument in found if instrument != clean.BASS]
    if rng.random() < (0.5 if melodic else 0.8):
        if melodic and rng.random() < 0.85:
            instrument = melodic[int(rng.integers(len(melodic)))]
        else:
            instrument = clean.PIANO if rng.random() < 0.65 else clean.GUITAR
        line, sung = lead.write(rng, song_harmony, hits, instrument, style, bpm)
        if instrument in found or sung.mean() >= clean.FEWEST_BARS:
            merged = lead.merge(found.get(instrument, []), line, clean.RANGES[instrument][0], steps)
            found[instrument] = clean.settle(merged, instrument, bars * steps)
            plays[instrument] = np.where(sung, 2, 1).astype(np.int8)
    if not found:
        return [], "no part plays in a quarter of the bars"
    chords = [[(step, chord.root, chord.quality) for step, chord in bar] for bar in song_harmony.chords]
    tempi: list[list[tuple[int, float]]] = [[(0, bpm)], *([] for _ in range(bars - 1))]
    section = bars_to_change(song_harmony.sections, bars)
    name = f"mma-{world.seed}-{index:05d}"
    return [_part(name, split, "mma", family, instrument, world.styles.index(style), float(bpm), steps, hits, chords,
                  song_harmony.scale, plays[instrument], section, notes, tempi) for instrument, notes in sorted(found.items())], ""


def _job(index: int) -> tuple[list[Part], str]:
    return mma_song(_world, index)


def _rendered(world: _World, folder: Path, songs: int, workers: int) -> Iterator[tuple[list[Part], str]]:
    """The songs in order, made in chunks that are kept in `folder`, so that an interrupted run can
    continue."""
    known = json.dumps([VERSION, world.seed, world.styles, sorted(world.split.items()),
                        [groove.name for family in sorted(world.families) for groove in world.families[family]]])
    mark = hashlib.sha256(known.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    pool = None
    if workers > 1:
        pool = multiprocessing.get_context("spawn").Pool(workers, _set, (world,))
    else:
        _set(world)
    try:
        for first in range(0, songs, CHUNK):
            count = min(CHUNK, songs - first)
            file = folder / f"{mark}-{first}-{count}.pkl"
            if file.exists():
                made = load(file)
            else:
                indices = range(first, first + count)
                made = list(pool.imap(_job, indices, chunksize=4)) if pool else [_job(index) for index in indices]
                partial = file.with_suffix(".partial")
                partial.write_bytes(pickle.dumps(made, protocol=5))
                partial.replace(file)
            yield from made
    finally:
        if pool:
            pool.terminate()


def real_parts(archive: Path, source: str, dropped: Counter) -> list[Part]:
    """The parts of Freedoom's or OpenMSX's songs."""
    result = []
    rock = styles().index("rock")
    with tempfile.TemporaryDirectory() as holder:
        with tarfile.open(archive) as tar:
            names = [name for name in tar.getnames() if f"/{source}/" in name and name.endswith(".mid")]
            if not names:
                raise FileNotFoundError(f"{archive}: no MIDI files of {source}; expected songs/{source}/*.mid")
            for name in names:
                member = tar.extractfile(name)
                if member is not None:
                    (Path(holder) / Path(name).name).write_bytes(member.read())
        seen = set()
        for path in sorted(Path(holder).glob("*.mid")):
            data = path.read_bytes()
            if data in seen:
                dropped[f"{source}: the same file twice"] += 1
                continue
            seen.add(data)
            why: dict[str, int] = {}
            split = "test" if source == "openmsx" else real.split_of(data)
            style = rock if source == "freedoom" else 0
            for piece in real.pieces(path, why):
                unknown = np.zeros(len(piece.scale), np.int8)
                for instrument, notes in sorted(piece.parts.items()):
                    result.append(_part(f"{source}-{piece.name}", split, source, "", instrument, style, piece.bpm, piece.steps, piece.hits,
                                        piece.chords, piece.scale, unknown, unknown, notes, piece.tempi))
            for reason, count in why.items():
                dropped[f"{source}: {reason}"] += count
    return result


def _pitches(bar: np.ndarray) -> np.ndarray:
    return bar[(bar >= tokens.PITCH) & (bar < tokens.DURATION)] - tokens.PITCH


def unfit(part: Part) -> str:
    """The reason why a part is unsuitable for training, or "". Some grooves play fixed pitches
    regardless of the chord, or trills of sound effects."""
    count = inside = repeats = 0
    before: list[tuple[int, int, int]] = []
    for number, bar in enumerate(tokens.decode(part.tokens, part.steps_per_bar)):
        for note in bar.notes:
            root, quality = part.chords[number * part.steps_per_bar + note.step]
            chord = root < 12 and (note.pitch - root) % 12 in tokens.CHORD_TONES[quality]
            count += 1
            inside += chord or bool(part.scale[number][note.pitch % 12])
        form = [(note.step, note.pitch, note.length) for note in bar.notes]
        repeats += bool(form) and form == before
        before = form
    if repeats > MOST_REPEATS * part.bars:
        return "that repeats one bar"
    if inside < LEAST_INSIDE * count:
        return f"with under {LEAST_INSIDE:.0%} of its notes in chord or scale"
    if count > MOST_NOTES * part.bars:
        return f"with over {MOST_NOTES} notes a bar"
    return ""


def thresholds(parts: Iterable[Part]) -> dict[str, list[list[float]]]:
    """By instrument: quartiles of the notes per bar and tertiles of the mean pitch per bar, over
    the bars of the training split that have notes."""
    counts: list[list[float]] = [[], [], []]
    means: list[list[float]] = [[], [], []]
    for part in parts:
        if part.split == "training":
            for bar in part.tokens:
                pitches = _pitches(bar)
                if len(pitches):
                    counts[part.instrument].append(len(pitches))
                    means[part.instrument].append(float(pitches.mean()))
    return {"density": [[float(x) for x in np.quantile(each, (0.25, 0.5, 0.75))] if each else [2.0, 4.0, 8.0] for each in counts],
            "register": [[float(x) for x in np.quantile(each, (1 / 3, 2 / 3))] if each else [48.0, 60.0] for each in means]}


def classify(parts: Iterable[Part], limits: dict[str, list[list[float]]]) -> None:
    """Sets density (1 + the number of quartiles below the bar's notes) and register of all bars."""
    for part in parts:
        density, register = limits["density"][part.instrument], limits["register"][part.instrument]
        for number, bar in enumerate(part.tokens):
            pitches = _pitches(bar)
            part.density[number] = 1 + sum(len(pitches) > edge for edge in density)
            part.register[number] = 1 + sum(float(pitches.mean()) > edge for edge in register) if len(pitches) else 0


def build(data: Path, cache: Path, songs: int, seed: int = 0, workers: int = 1) -> tuple[list[Part], dict]:
    """All parts and the metadata. `data` contains songs.tar.xz; `cache` is the folder that keeps
    the list of grooves."""
    archive = data / "songs.tar.xz"
    if not archive.exists():
        raise FileNotFoundError(f"{archive}: not found; --data must name the folder of songs.tar.xz")
    families, left = grooves.usable(grooves.catalogue(cache / "grooves.json"))
    world = _World(families, grooves.splits(list(families)), styles(), seed)
    dropped: Counter = Counter()
    parts: list[Part] = []
    for each, why in _rendered(world, cache / "rendered", songs, workers):
        parts += each
        if why:
            dropped[f"mma: {why}"] += 1
    for source in SOURCES[1:]:
        parts += real_parts(archive, source, dropped)
    fit = []
    for part in parts:
        why = unfit(part)
        if why:
            dropped[f"{part.source}: part {why}"] += 1
        else:
            fit.append(part)
    parts = fit
    limits = thresholds(parts)
    classify(parts, limits)
    meta = {"version": VERSION, "seed": seed, "songs": songs, "styles": world.styles, **limits,
            "families": {split: sorted(name for name in families if world.split[name] == split) for split in SPLITS},
            "grooves_left_out": left, "dropped": dict(sorted(dropped.items()))}
    return parts, meta


def save(parts: list[Part], meta: dict, folder: Path) -> None:
    """Writes songs.pkl and meta.json, each under a temporary name first."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "meta.json.partial"
    partial.write_text(json.dumps(meta, indent=1))
    partial.replace(folder / "meta.json")
    partial = folder / "songs.pkl.partial"
    with partial.open("wb") as file:
        pickle.dump(parts, file, protocol=5)
    partial.replace(folder / "songs.pkl")


def load(path: Path) -> list[Part]:
    """Loads the parts that [`save`] wrote."""
    with Path(path).open("rb") as file:
        return pickle.load(file)


def table(parts: list[Part], meta: dict) -> str:
    """A summary of the data set."""
    lines = [f"{'split':<11}{'source':<10}{'instrument':<11}{'songs':>6}{'parts':>6}{'bars':>8}{'tokens':>10}{'hours':>7}{'lead bars':>10}"]
    for split in (*SPLITS, "all"):
        for source in (*SOURCES, "all"):
            for instrument in (0, 1, 2, None):
                mine = [part for part in parts if split in (part.split, "all") and source in (part.source, "all")
                        and instrument in (part.instrument, None)]
                if not mine or (split == "all") != (source == "all"):
                    continue
                hours = sum(part.hours for part in mine)
                lines.append(f"{split:<11}{source:<10}{'all' if instrument is None else clean.INSTRUMENTS[instrument]:<11}"
                             f"{len({part.song for part in mine}):>6}{len(mine):>6}{sum(part.bars for part in mine):>8}"
                             f"{sum(len(bar) for part in mine for bar in part.tokens):>10}{hours:>7.2f}"
                             f"{sum(int((part.lead == 2).sum()) for part in mine):>10}")
    lines.append("dropped: " + (", ".join(f"{why} {count}" for why, count in meta["dropped"].items()) or "none"))
    lines.append("grooves left out: " + ", ".join(f"{why} {count}" for why, count in meta["grooves_left_out"].items()))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds songs.tar.xz")
    parser.add_argument("--songs", type=int, default=2500, help="songs to render")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE.parent / "runs" / "melody")
    options = parser.parse_args()
    parts, meta = build(options.data, options.out, options.songs, options.seed, options.workers)
    save(parts, meta, options.out)
    print(table(parts, meta))


if __name__ == "__main__":
    # Imported under its own name, so that the pickled records belong to `melody.dataset`.
    from melody import dataset

    dataset.main()
