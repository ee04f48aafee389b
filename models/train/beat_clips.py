"""The clips that evaluate_beats.py measures with, and their annotations."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".ogv", ".flv", ".wmv")
ANNOTATIONS = (".beats", ".txt", ".csv")
BEYOND = 0.25  # s that an annotation may go on after the clip, as sound does


class Failure(Exception):
    """Ends the program with a message and an exit code: 2 for a mistake of the user, 1 for anything
    else."""

    def __init__(self, message: str, code: int = 2):
        super().__init__(message, code)
        self.message, self.code = message, code


@dataclass(frozen=True)
class Annotation:
    """Beats in ascending order, in seconds; `numbers` are the positions in the bar, if the file has
    them."""

    path: Path
    beats: np.ndarray
    numbers: np.ndarray | None
    # s; the annotation does not cover anything outside
    part: tuple[float, float] = (0.0, math.inf)

    def of_part(self, beats: np.ndarray) -> np.ndarray:
        """The beats within the annotated part."""
        return beats[(beats >= self.part[0]) & (beats <= self.part[1])]

    def within(self, duration: float) -> Annotation:
        """Without beats after the clip's end, which cannot be found."""
        kept = self.beats <= duration
        outside = self.beats[self.beats > duration + BEYOND]
        if len(outside) > len(self.beats) / 4 or kept.sum() < 2:
            last = self.beats[-1]
            raise Failure(f"{self.path}: {len(outside)} of {len(self.beats)} beats lie after the clip's end, the last at {last:g} s; expected 0 to {duration:.3f} s")
        return replace(self, beats=self.beats[kept], numbers=None if self.numbers is None else self.numbers[kept])


def read_annotation(path: Path) -> Annotation:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise Failure(f"{path}: not text ({error.reason} at byte {error.start}); an annotation must be UTF-8 text") from None
    beats, numbers, columns, part = [], [], None, (0.0, math.inf)
    for count, line in enumerate(lines, 1):
        if stated := re.fullmatch(r"#\s*annotated from (\S+) to (\S+)\s*", line):
            try:
                part = (float(stated[1]), float(stated[2]))
            except ValueError:
                part = (math.nan, math.nan)
            if not 0 <= part[0] < part[1]:
                raise Failure(f"{path}, line {count}: '{line.strip()}'; expected two times in seconds, at least 0, the second later than the first")
        fields = re.split(r"\s*[,;\t]\s*|\s+", line.split("#", 1)[0].strip())
        if fields == [""]:
            continue

        def refuse(met: str, allowed: str):
            raise Failure(f"{path}, line {count}: {met}; {allowed}")

        if len(fields) > 2:
            refuse(f"{len(fields)} columns in '{line.strip()}'", "expected the time in seconds and, optionally, the number of the beat in the bar")
        try:
            time = float(fields[0])
        except ValueError:
            refuse(f"'{fields[0]}' is not a number", "expected a time in seconds (a heading begins with '#')")
        if not (math.isfinite(time) and time >= 0):
            refuse(f"time {fields[0]}", "expected a finite number of seconds, at least 0")
        if beats and time <= beats[-1]:
            refuse(f"time {time:g} is not after the previous beat, {beats[-1]:g}", "times must be ascending")
        if columns not in (None, len(fields)):
            refuse(f"{len(fields)} column{'s' * (len(fields) > 1)}, while the previous lines have {columns}", "all beats have a number, or none has")
        columns = len(fields)
        beats.append(time)
        if columns == 2:
            if not re.fullmatch(r"0*[1-9]\d?(\.0*)?", fields[1]):
                refuse(f"'{fields[1]}' as the number of the beat in the bar", "expected a whole number from 1 to 99")
            numbers.append(int(float(fields[1])))
    if len(beats) < 2:
        raise Failure(f"{path}: {'no beats' if not beats else 'one beat'}; expected at least two, one time in seconds per line")
    if beats[0] < part[0] or beats[-1] > part[1]:
        raise Failure(f"{path}: beats from {beats[0]:g} to {beats[-1]:g} s, but the heading says 'annotated from {part[0]:g} to {part[1]:g}'; expected beats within that part")
    return Annotation(path, np.array(beats), np.array(numbers) if numbers else None, part)


@dataclass(frozen=True)
class Clip:
    name: str
    path: Path
    annotation: Annotation

    @property
    def saved(self) -> bool:
        return self.path.suffix.lower() == ".json"


def is_saved_poses(path: Path) -> bool:
    with path.open("rb") as file:
        return b'"kinescore-stage"' in file.read(4096)


def find_clips(folder: Path) -> list[Clip]:
    """The clips of a folder, by name. All problems of the folder are reported together."""
    if not folder.is_dir():
        raise Failure(f"{folder}: {'not a folder' if folder.exists() else 'not found'}; expected a folder with clips and their annotations")
    clips: dict[str, list[Path]] = {}
    annotations: dict[str, list[Path]] = {}
    others: list[Path] = []
    for path in sorted(folder.iterdir()):
        suffix = path.suffix.lower()
        if path.name.startswith(".") or not path.is_file():
            continue
        if suffix in VIDEOS:
            clips.setdefault(path.stem, []).append(path)
        elif suffix == ".json":
            # NAME.pose.json is the program's own name for the poses of NAME.
            clips.setdefault(path.stem.removesuffix(".pose"), []).append(path)
        elif suffix in ANNOTATIONS:
            annotations.setdefault(path.stem, []).append(path)
        else:
            others.append(path)
    known = f"clips are videos ({' '.join(VIDEOS)}) and saved pose files (.json)"
    wrong, found = [], []
    for name, paths in clips.items():
        given = annotations.pop(name, [])
        if not given and all(p.suffix.lower() == ".json" and not is_saved_poses(p) for p in paths):
            others += paths  # some other JSON
        elif not given:
            wrong.append(f"{paths[0]}: no annotation; expected {name}.beats, {name}.txt or {name}.csv beside it")
        elif len(paths) > 1 or len(given) > 1:
            several = paths if len(paths) > 1 else given
            wrong.append(f"{several[0]}: {several[1].name} exists as well; a clip must be one file with one annotation")
        else:
            try:
                found.append(Clip(name, paths[0], read_annotation(given[0])))
            except Failure as failure:
                wrong.append(failure.message)
    for name, paths in annotations.items():
        unknown = [p for p in others if p.stem == name]
        if unknown:
            wrong.append(f"{unknown[0]}: '{unknown[0].suffix}' is not a known format; {known}")
            continue
        try:
            read_annotation(paths[0])
        except Failure:
            others += paths  # a text that is not an annotation, such as a licence
        else:
            wrong.append(f"{paths[0]}: an annotation without a clip; {known}")
    if wrong:
        raise Failure("\n".join(wrong))
    if not found:
        raise Failure(f"{folder}: no clips; {known}")
    for path in sorted(others):
        if path.suffix.lower() in ANNOTATIONS or path.stem not in clips:
            say(f"ignored: {path.name}")
    return sorted(found, key=lambda clip: clip.name)


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
