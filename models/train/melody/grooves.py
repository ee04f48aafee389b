"""The grooves of MMA's library that are suitable for training, each tried once, with their styles
and splits."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from . import clean, render

PROBE_BARS = 8
SPLITS = ("training", "validation", "test")
SHARES = (0.84, 0.08, 0.08)

# Styles of models/rhythm2drum.json, by words in a groove's or its file's name; the first that
# matches counts.
STYLE_WORDS = (
    ("punk", ("punk", "thrs", "thr")),
    ("afrocuban", ("afro-cuban", "afrocuban", "salsa", "mambo", "chacha", "son", "cubanguitar", "rhumba", "rumba")),
    ("afrobeat", ("afro",)),
    ("neworleans", ("zydeco", "dixie", "strut", "charleston")),
    ("hiphop", ("hiphop", "hip", "trip", "triphop")),
    ("reggae", ("reggae", "regg", "ska")),
    ("dance", ("dance", "house", "techno", "trance", "rave", "disco", "dnb", "teamtechno", "hous", "tech", "boneym", "ambient")),
    ("soul", ("soul", "r+b", "rnb", "rb", "modernrb", "mellowrb", "motown", "dsoul", "spiritual")),
    ("funk", ("funk", "fusion", "fus", "lfusion")),
    ("blues", ("blues", "boogie", "boggie", "boogi", "jive")),
    ("jazz", ("jazz", "swing", "bigband", "bebop", "foxtrot", "evansish", "quickstep", "ragtime", "broadway", "showtune", "softshoe")),
    ("latin", ("latin", "latn", "bossa", "samba", "tango", "beguine", "bolero", "calypso", "merengue", "latinwaltz", "quando", "mide")),
    ("country", ("country", "cntry", "cnty", "bluegrass", "western", "folk", "hillcountry", "bluefolk", "polka")),
    ("rock", ("rock", "metal", "twist", "mtl", "hrk", "shfl", "shuffle", "highfive", "w-rock")),
    ("pop", ("pop", "60spop", "80spop", "electricpop", "worldpop", "ballad", "8beat", "16beat", "8bt", "bald", "beat8", "beat16", "beat")),
)


@dataclass
class Groove:
    """One groove: `name` is "folder/file:Groove"; `notes` per bar by part; `off` the share of
    onsets off the grid."""

    name: str
    beats: int
    signature: str
    size: int
    notes: dict[str, float]
    off: float

    @property
    def family(self) -> str:
        return self.name.split(":")[0]

    @property
    def short(self) -> str:
        return self.name.split(":")[1]

    @property
    def kind(self) -> str:
        """intro, end, fill or main."""
        short = self.short.lower()
        for kind, words in (("intro", ("intro", "count")), ("end", ("end",)), ("fill", ("fill", "break"))):
            if any(word in short[2:] for word in words):  # ("country" is not a count-in)
                return kind
        return "main"


def style_of(name: str) -> str:
    """The style of a groove "folder/file:Groove", or "unknown" if no word matches. The groove's own
    name takes precedence over its file's; a short word must be the whole name, up to a number,
    before it counts as a part of it."""
    file, short = name.lower().split("/", 1)[1].split(":")

    def named(word: str, text: str) -> bool:
        whole = re.escape(word)
        return word in text if len(word) > 4 else re.match(rf"{whole}($|[^a-z]|s?[0-9])|.*[0-9_-]{whole}$", text) is not None

    for text in (short, file):
        for style, words in STYLE_WORDS:
            if any(named(word, text) for word in words):
                return style
    for style, words in STYLE_WORDS:
        if any(len(word) > 3 and word in f"{short} {file}" for word in words):
            return style
    return "unknown"


def listing(file: Path) -> list[tuple[str, int]]:
    """The grooves that a library file defines, and the bars of their sequences."""
    done = subprocess.run(["mma", "-Djs", str(file)], capture_output=True, text=True, timeout=60)
    at = done.stdout.find("\n[")
    if done.returncode != 0 or at < 0:
        return []
    try:
        return [(entry["groove"], int(entry["size"])) for entry in json.loads(done.stdout[at:])]
    except json.JSONDecodeError:
        found = re.findall(r'"groove": "([^"]+)",.*?"size": (\d+)', done.stdout, re.S)
        return [(name, int(size)) for name, size in found]


def probe(name: str, size: int) -> Groove | None:
    """Renders eight bars of a groove; None if MMA refuses it."""
    text = ["RndSeed 1", "Tempo 120", f"Groove {name}", "Print MEASURE $_Time $_TimeSig"]
    text += [f"{bar + 1} {chord}" for bar, chord in enumerate(["C", "Am7", "Dm7", "G7"] * (PROBE_BARS // 4))]
    with tempfile.TemporaryDirectory() as folder:
        try:
            path, printed = render.run("\n".join(text) + "\n", Path(folder))
            song = clean.snapped(clean.read(path))
        except (render.RenderError, OSError, ValueError, EOFError):
            return None
    found = re.search(r"MEASURE (\S+) (\S+)", printed)
    if found is None:
        return None
    notes = {"drums": 0.0, "piano": 0.0, "guitar": 0.0, "bass": 0.0, "other": 0.0}
    kept = []
    for start, _, pitch, _, program, channel in song.notes:
        instrument = clean.instrument_of(int(program))
        if channel == 9:
            part = "drums" if int(pitch) in clean.CLASS_OF else "other"
        else:
            part = "other" if instrument is None else clean.INSTRUMENTS[instrument]
        notes[part] += 1 / PROBE_BARS
        if part != "other":
            kept.append(start)
    off = clean.off_grid(np.array(kept))
    return Groove(name, int(float(found[1])), found[2], size, {part: round(count, 3) for part, count in notes.items()}, round(off, 4))


def catalogue(cache: Path) -> list[Groove]:
    """All grooves of the library; tried once, then read from the file `cache`."""
    if cache.exists():
        return [Groove(**entry) for entry in json.loads(cache.read_text())]
    if not render.available():
        raise FileNotFoundError("MMA is not installed (program `mma`, library in /usr/share/mma/lib): it renders the songs")
    grooves = []
    for file in sorted(render.LIBRARY.glob("*/*.mma")):
        for short, size in listing(file):
            groove = probe(f"{file.parent.name}/{file.stem}:{short}", size)
            if groove is not None:
                grooves.append(groove)
    cache.parent.mkdir(parents=True, exist_ok=True)
    partial = cache.with_suffix(".partial")
    partial.write_text(json.dumps([asdict(groove) for groove in grooves], indent=0))
    partial.replace(cache)
    return grooves


def group(family: str) -> str:
    """Library files that are variants of one another ("casio/8beat1" and "casio/8beat2") belong to
    one group."""
    return re.sub(r"([a-z+-])[-]?[0-9]+$", r"\1", family)


def usable(grooves: list[Groove]) -> tuple[dict[str, list[Groove]], dict[str, int]]:
    """Grooves for training, by library file, and the number of those left out, by reason. Only
    grooves in the metre of most grooves of their file are used."""
    families: dict[str, list[Groove]] = {}
    dropped: dict[str, int] = {}

    def drop(reason: str) -> None:
        dropped[reason] = dropped.get(reason, 0) + 1

    for groove in grooves:
        melodic = sum(groove.notes[part] for part in clean.INSTRUMENTS)
        if (groove.beats, groove.signature) not in ((4, "4/4"), (3, "3/4")):
            drop(f"metre {groove.signature} of {groove.beats} beats")
        elif groove.off > clean.MOST_OFF:
            drop("off the grid")
        elif groove.kind == "main" and groove.notes["drums"] < 2:
            drop("no drums")
        elif groove.kind == "main" and melodic < 0.5:
            drop("neither piano nor guitar nor bass")
        else:
            families.setdefault(groove.family, []).append(groove)
    result = {}
    for family, members in sorted(families.items()):
        main = [groove for groove in members if groove.kind == "main"]
        if not main:
            for _ in members:
                drop("no main groove in the file")
            continue
        beats = max((3, 4), key=lambda count: sum(groove.beats == count for groove in main))
        for _ in range(sum(groove.beats != beats for groove in members)):
            drop("other metre than its file")
        result[family] = [groove for groove in members if groove.beats == beats]
    return result, dropped


def splits(families: list[str], seed: int = 0) -> dict[str, str]:
    """The split of each family; groups stay together. Groups are assigned in a random order from
    the seed."""
    members: dict[str, list[str]] = {}
    for family in families:
        members.setdefault(group(family), []).append(family)
    order = sorted(members, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest())
    result = {}
    wanted = {"validation": SHARES[1] * len(families), "test": SHARES[2] * len(families)}
    dealt = {"validation": 0, "test": 0}
    for name in order:
        split = next((each for each in ("validation", "test") if dealt[each] < wanted[each]), "training")
        if split != "training":
            dealt[split] += len(members[name])
        for family in members[name]:
            result[family] = split
    return result
