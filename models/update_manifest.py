#!/usr/bin/env python3
"""Writes the sha256 and the size of every file into manifest.toml: run it after replacing a model.

usage: models/update_manifest.py          rewrites the manifest beside this script
"""
import hashlib
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent
ENTRY = re.compile(r'(file = "([^"]+)"\nsha256 = ")[^"]*("\nbytes = )\d+')


def current(match: re.Match) -> str:
    content = (FOLDER / match[2]).read_bytes()
    return f"{match[1]}{hashlib.sha256(content).hexdigest()}{match[3]}{len(content)}"


manifest = FOLDER / "manifest.toml"
manifest.write_text(ENTRY.sub(current, manifest.read_text()))
