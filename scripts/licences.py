#!/usr/bin/env python3
"""Prints the licences of everything in a release: the Rust crates that are linked, with the texts of
their licences, and the models and fonts.

    scripts/licences.py > LICENCES.txt

Takes cargo, with the crates of Cargo.lock fetched. Exit code 1 if a crate names no licence.
"""

import json
import os
import subprocess
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What is shipped; the rest of the workspace is for tests.
SHIPPED = ("kinescore-cli", "kinescore-ffi")
TEXTS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE")


def linked(metadata):
    """The packages that the shipped ones are linked with, by name and version; those that only
    build or test them are not among them."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    waiting = [package["id"] for package in metadata["packages"] if package["name"] in SHIPPED]
    found = set()
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        for dependency in nodes[one]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    members = set(metadata["workspace_members"])
    return sorted((packages[one] for one in found - members), key=lambda package: (package["name"], package["version"]))


def texts(package):
    folder = os.path.dirname(package["manifest_path"])
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.upper().startswith(TEXTS) and os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                yield name, file.read().strip()


def main():
    kind = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = next(line.removeprefix("host: ") for line in kind.splitlines() if line.startswith("host: "))
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    crates = linked(metadata)
    unknown = [f"{crate['name']} {crate['version']}" for crate in crates if not (crate["license"] or crate["license_file"])]
    if unknown:
        print(f"licences: these crates name no licence: {', '.join(unknown)}", file=sys.stderr)
        return 1

    print("Licences of what Kinescore contains\n\nKinescore itself: MIT OR Apache-2.0\n\nModels and fonts\n")
    with open(os.path.join(ROOT, "models", "manifest.toml"), "rb") as file:
        manifest = tomllib.load(file)
    for name, entry in sorted(manifest.items()):
        if isinstance(entry, dict) and "licence" in entry:
            print(f"{name}: {entry['file']}\n    {entry['licence']}\n    sha256 {entry['sha256']}")
    print("\nRust crates\n")
    for crate in crates:
        print(f"{crate['name']} {crate['version']}: {crate['license'] or crate['license_file']}")
    # Many crates have the same text of the Apache licence: each text stands once.
    owners = {}
    for crate in crates:
        for _, text in texts(crate):
            owners.setdefault(text, []).append(f"{crate['name']} {crate['version']}")
    for text, names in owners.items():
        print(f"\n{'-' * 80}\n{', '.join(dict.fromkeys(names))}\n{'-' * 80}\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
