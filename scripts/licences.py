#!/usr/bin/env python3
"""Prints the licences of everything in a release: models and fonts, the libraries in the packages, and
the Rust crates that are linked, with the texts of their licences.

    scripts/licences.py > LICENCES.txt
    scripts/licences.py --debian > copyright      for the .deb, in Debian's machine-readable format

Takes cargo, with the crates of Cargo.lock fetched, what `scripts/setup.sh dist` installs, and Debian's
texts in /usr/share. Exit code 1 if a crate names no licence, or a text is missing.
"""

import glob
import json
import os
import subprocess
import sys
import textwrap
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What is shipped; the rest of the workspace is for tests.
SHIPPED = ("kinescore-cli", "kinescore-ffi")
TEXTS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE")
# What Debian's packages and the set-up bring along: its name, its licence, where it is, and the file
# with the text. A star stands for a version.
LIBRARIES = (
    (
        "ONNX Runtime",
        "MIT",
        "lib/kinescore, in package and tarball; the notices of what it contains are in onnxruntime-ThirdPartyNotices.txt",
        ".setup/onnxruntime/LICENSE",
    ),
    ("OpenFX (headers)", "BSD-3-Clause", "built into the OpenFX plugin", ".setup/openfx-sys-*/LICENSE.md"),
    (
        "JSON for Modern C++",
        "MIT",
        "built into the program and the OpenFX plugin",
        "/usr/share/doc/nlohmann-json3-dev/copyright",
    ),
    (
        "pugixml",
        "MIT",
        "lib/kinescore in the tarball; the package uses Debian's",
        "/usr/share/doc/libpugixml1v5/copyright",
    ),
    (
        "FFmpeg",
        "LGPL-2.1-or-later",
        "lib/kinescore in the tarball, built without parts under the GPL, with its source beside the tarball in "
        "\"sources\"; the package uses Debian's",
        "/usr/share/common-licenses/LGPL-2.1",
    ),
    ("Opus", "BSD-3-Clause", "lib/kinescore in the tarball; the package uses Debian's", "/usr/share/doc/libopus0/copyright"),
    ("dav1d", "BSD-2-Clause", "lib/kinescore in the tarball; the package uses Debian's", "/usr/share/doc/libdav1d6/copyright"),
    ("zlib", "Zlib", "lib/kinescore in the tarball; the package uses Debian's", "/usr/share/doc/zlib1g/copyright"),
    (
        "C++ library of GCC",
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        "built into the OpenFX plugin, which the exception allows under any terms",
        None,
    ),
)
FONT = "src/export/plot/font/OFL.txt"
SOUND_FONT = "models/kinescore-gm.LICENSE.txt"


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


def text_of(pattern):
    """The text of a file in the repository or the system."""
    found = sorted(glob.glob(os.path.join(ROOT, pattern)))
    if len(found) != 1:
        raise OSError(f"one file {pattern} was expected, there are {len(found)}; run scripts/setup.sh dist")
    with open(found[0], encoding="utf-8", errors="replace") as file:
        return file.read().strip()


def shipped_crates():
    """The crates in the program and the library."""
    kind = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = next(line.removeprefix("host: ") for line in kind.splitlines() if line.startswith("host: "))
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host]
    return linked(json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout))


def licence_of(crate):
    return crate["license"] or crate["license_file"]


def print_all(crates):
    """The licences of everything, and then their texts."""
    print("Licences of what Kinescore contains\n\nKinescore itself: MIT OR Apache-2.0\n\nModels and fonts\n")
    with open(os.path.join(ROOT, "models", "manifest.toml"), "rb") as file:
        manifest = tomllib.load(file)
    for name, entry in sorted(manifest.items()):
        if isinstance(entry, dict) and "licence" in entry:
            print(f"{name}: {entry['file']}\n    {entry['licence']}\n    sha256 {entry['sha256']}")
    print("font: letters of Inter, built into the program and the library\n    OFL-1.1")
    print("\nLibraries\n")
    for name, licence, place, _ in LIBRARIES:
        print(f"{name}: {licence}\n    {place}")
    print("\nRust crates\n")
    for crate in crates:
        print(f"{crate['name']} {crate['version']}: {licence_of(crate)}")
    # Many crates have the same text of the Apache licence: each text stands once.
    owners = {
        text_of("LICENSE-MIT"): ["Kinescore"],
        text_of("LICENSE-APACHE"): ["Kinescore"],
        text_of(SOUND_FONT): ["The bundled SoundFont, with its authors"],
        text_of(FONT): ["Inter"],
    }
    for name, _, _, pattern in LIBRARIES:
        if pattern:
            owners.setdefault(text_of(pattern), []).append(name)
    for crate in crates:
        for _, text in texts(crate):
            owners.setdefault(text, []).append(f"{crate['name']} {crate['version']}")
    for text, names in owners.items():
        print(f"\n{'-' * 80}\n{', '.join(dict.fromkeys(names))}\n{'-' * 80}\n{text}")


def paragraph(**fields):
    """A paragraph of Debian's format; further lines of a field are indented, and empty ones have a dot."""
    lines = []
    for name, value in fields.items():
        first, *rest = value.splitlines()
        lines.append(f"{name.replace('_', '-')}: {first}".rstrip())
        lines += [f" {line}" if line.strip() else " ." for line in rest]
    return "\n".join(lines) + "\n"


def print_debian(crates):
    """The copyright file of the .deb."""
    with open(os.path.join(ROOT, "Cargo.toml"), "rb") as file:
        source = tomllib.load(file)["workspace"]["package"]["repository"]
    # The texts without what stands before them.
    mit = text_of("LICENSE-MIT")
    mit = mit[mit.index("Permission is hereby granted") :]
    font = text_of(FONT)
    font = font[font.index("SIL OPEN FONT LICENSE Version 1.1") :]
    openfx = text_of(".setup/openfx-sys-*/LICENSE.md")
    openfx = openfx[openfx.index("Redistribution and use") :]
    models, ours = "usr/share/kinescore/models", "2026 Kinescore contributors"
    of_crates = ", ".join(sorted({licence_of(crate) for crate in crates}))
    paragraphs = [
        paragraph(
            Format="https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
            Upstream_Name="Kinescore",
            Source=source,
            Comment="Paths are those of the package. LICENCES.txt in this folder lists everything that is built into the\n"
            "binaries, with the texts of all licences, and NOTICE the origin of the models and their data.",
        ),
        paragraph(Files="*", Copyright=ours, License="Expat or Apache-2.0"),
        paragraph(
            Files="usr/bin/kinescore usr/lib/libkinescore.so.*",
            Copyright=f"{ours}\n2016-2022 The Inter Project Authors\n2013-2022 Niels Lohmann\n"
            "the authors of the Rust crates in LICENCES.txt",
            License="(Expat or Apache-2.0) and Expat and OFL-1.1",
            Comment="The licences of the Rust crates, in the names of SPDX:\n" + "\n".join(textwrap.wrap(of_crates, 100)),
        ),
        paragraph(
            Files="usr/lib/kinescore/Kinescore.ofx.bundle/*",
            Copyright=f"{ours}\n2021 The Open Effects Association\n2013-2022 Niels Lohmann",
            License="(Expat or Apache-2.0) and Expat and BSD-3-clause",
            Comment="The C++ library of GCC in it is under GPL-3+ with the GCC Runtime Library Exception.",
        ),
        paragraph(
            Files="usr/lib/kinescore/libonnxruntime.so.*",
            Copyright="Microsoft Corporation",
            License="Expat",
            Comment="onnxruntime-ThirdPartyNotices.txt in this folder has the notices of what it contains.",
        ),
        paragraph(
            Files=f"{models}/blazepose_* {models}/movenet_*",
            Copyright="Google LLC",
            License="Apache-2.0",
        ),
        paragraph(
            Files=f"{models}/kinescore-gm.sf3",
            Copyright="2000-2002, 2008 Frank Wen <getfrank@gmail.com>\n2014-2017 Michael Cowgill\n2002 Ethan Winer\n"
            "2016 Michael Schorsch",
            License="Expat",
        ),
        paragraph(License=f"Expat\n{mit}"),
        paragraph(License="Apache-2.0\nOn Debian systems, the text is in /usr/share/common-licenses/Apache-2.0."),
        paragraph(License=f"BSD-3-clause\n{openfx}"),
        paragraph(License=f"OFL-1.1\n{font}"),
    ]
    print("\n".join(paragraphs), end="")


def main():
    crates = shipped_crates()
    unknown = [f"{crate['name']} {crate['version']}" for crate in crates if not licence_of(crate)]
    if unknown:
        print(f"licences: these crates name no licence: {', '.join(unknown)}", file=sys.stderr)
        return 1
    try:
        if sys.argv[1:] == ["--debian"]:
            print_debian(crates)
        elif not sys.argv[1:]:
            print_all(crates)
        else:
            print(f"licences: '{' '.join(sys.argv[1:])}': only --debian is allowed", file=sys.stderr)
            return 2
    except (OSError, ValueError) as error:
        print(f"licences: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
