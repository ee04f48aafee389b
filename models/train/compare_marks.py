#!/usr/bin/env python3
"""Compares the impacts that the program finds with stretches marked by hand (`marks/`).

    compare_marks.py RHYTHM.json ...

Each file is one saved by `kinescore render CLIP --until rhythm`; the clip's name determines its
marks. Prints recall of the clear stops, and precision (against clear stops, and against all marks),
within 67 ms. Exit code 0: compared; 2: a file without marks.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

MARKS = Path(__file__).resolve().parent / "marks"
TOLERANCE = 0.067  # s


def read_marks(path: Path) -> tuple[tuple[float, float], list[tuple[float, bool]]]:
    """The marked stretch, and each mark with whether it is a clear stop."""
    first, *rows = path.read_text().splitlines()
    found = re.fullmatch(r"# marked from ([\d.]+) to ([\d.]+)", first)
    if not found:
        raise ValueError(f"{path}: the first line is '{first}'; it must be '# marked from SECONDS to SECONDS'")
    return (float(found[1]), float(found[2])), [(float(row["second"]), row["seen"] == "clear") for row in csv.DictReader(rows)]


def compare(impacts: list[float], stretch: tuple[float, float], marks: list[tuple[float, bool]]) -> dict[str, int]:
    """Number of clear stops, and of those found; number of impacts, of those on a clear stop,
    and of those on any mark."""
    inside = [time for time in impacts if stretch[0] <= time <= stretch[1]]
    clear = [time for time, is_clear in marks if is_clear]

    def near(time: float, times: list[float]) -> bool:
        return any(abs(time - other) <= TOLERANCE for other in times)

    return {
        "clear": len(clear),
        "found": sum(near(time, impacts) for time in clear),
        "impacts": len(inside),
        "on clear": sum(near(time, clear) for time in inside),
        "on any": sum(near(time, [mark for mark, _ in marks]) for time in inside),
    }


def main(files: list[str]) -> int:
    names = ["clear", "found", "impacts", "on clear", "on any"]
    total = dict.fromkeys(names, 0)
    print("| clip | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for file in map(Path, files):
        saved = json.loads(file.read_text())
        marks = MARKS / f"{Path(saved['clip']['path']).stem}.csv"
        if not marks.is_file():
            print(f"{file}: no marks for its clip: {marks} does not exist", file=sys.stderr)
            return 2
        impacts = [accent["time"] for accent in saved["rhythm"]["accents"] if accent["kind"] == "impact"]
        row = compare(impacts, *read_marks(marks))
        total = {name: total[name] + row[name] for name in names}
        print(f"| {marks.stem} | " + " | ".join(str(row[name]) for name in names) + " |")
    print("| **all** | " + " | ".join(str(total[name]) for name in names) + " |")
    print(f"\nrecall {total['found'] / max(total['clear'], 1):.2f}, precision {total['on any'] / max(total['impacts'], 1):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
