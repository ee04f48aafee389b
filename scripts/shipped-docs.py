#!/usr/bin/env python3
"""Makes the links in the documents of a package lead somewhere: to the file in the package, or if it is
not shipped, to the repository that Cargo.toml names.

    scripts/shipped-docs.py PREFIX [OLD=NEW ...]    PREFIX has share/doc/kinescore and share/kinescore/models
    scripts/shipped-docs.py --check PREFIX          changes nothing; takes no repository

OLD=NEW: the document OLD of share/doc/kinescore is shipped as NEW. Exit code 1 if a link leads to
nothing: neither in the package nor in the repository, or to a heading that is not there.
"""

import os
import re
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Folders of a package below its prefix, and the folders of the repository that they have files of.
FOLDERS = (("share/doc/kinescore", ""), ("share/kinescore/models", "models"), ("include", "include"))
# [text](target) and ![text](target); the text may have brackets of its own.
LINK = re.compile(r"(\]\()([^()\s]+)(\))")
CODE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:", re.IGNORECASE)


def documents(prefix):
    """The documents of a package: the path, and that in the repository."""
    for folder, source in FOLDERS:
        for here, folders, names in os.walk(os.path.join(prefix, folder)):
            folders.sort()
            below = os.path.relpath(here, os.path.join(prefix, folder))
            for name in sorted(names):
                if name.endswith(".md"):
                    yield os.path.join(here, name), os.path.normpath(os.path.join(source, below, name))


def anchors(path):
    """The names of the headings of a document, as GitHub makes them."""
    with open(path, encoding="utf-8") as file:
        text = CODE.sub("", file.read())
    found = {}
    for heading in re.findall(r"^#+[ \t]+(.*?)[ \t]*$", text, re.MULTILINE):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
        count = found.get(name, -1) + 1
        found[name] = count
        if count:
            found[f"{name}-{count}"] = 0
    return found


def leads_to(path, anchor):
    """Whether a file exists and has the heading."""
    if not os.path.exists(path):
        return False
    return not anchor or not path.endswith(".md") or anchor in anchors(path)


class Package:
    def __init__(self, prefix, moved, repository):
        self.prefix = prefix
        self.moved = moved
        self.repository = repository

    def shipped(self, source):
        """Where a file of the repository is in the package; None if it is not shipped."""
        for folder, of in FOLDERS:
            below = os.path.relpath(source, of or ".")
            if not below.startswith(".."):
                path = os.path.join(self.prefix, folder, self.moved.get(source, below))
                if os.path.exists(path):
                    return path
        return None

    def target(self, document, source, link):
        """The link as it should be, or None if it leads to nothing."""
        if not is_dead(document, link):
            return link
        path, _, anchor = link.partition("#")
        end = f"#{anchor}" if anchor else ""
        if not path:
            return None
        there = os.path.normpath(os.path.join(os.path.dirname(source), path))
        shipped = self.shipped(there)
        if shipped:
            relative = os.path.relpath(shipped, os.path.dirname(document))
            return relative + end if leads_to(shipped, anchor) else None
        original = os.path.join(ROOT, there)
        if there.startswith("..") or not leads_to(original, anchor):
            return None
        kind = "tree" if os.path.isdir(original) else "blob"
        return f"{self.repository}/{kind}/HEAD/{there}{end}"


def is_dead(document, link):
    """Whether a link within a package leads to nothing."""
    path, _, anchor = link.partition("#")
    there = os.path.join(os.path.dirname(document), path) if path else document
    return not leads_to(there, anchor)


def outside_code(text):
    """The parts of a document: whether it is a block of code, and its text."""
    last = 0
    for block in CODE.finditer(text):
        yield False, text[last : block.start()]
        yield True, block.group()
        last = block.end()
    yield False, text[last:]


def main(arguments):
    checks_only = arguments[:1] == ["--check"]
    prefix, *pairs = arguments[1:] if checks_only else arguments
    moved = dict(pair.split("=", 1) for pair in pairs)
    package = None
    if not checks_only:
        with open(os.path.join(ROOT, "Cargo.toml"), "rb") as file:
            package = Package(prefix, moved, tomllib.load(file)["workspace"]["package"]["repository"])
    dead = []
    count = 0
    for document, source in documents(prefix):
        count += 1
        with open(document, encoding="utf-8") as file:
            text = file.read()

        def replaced(match):
            link = match[2]
            if ELSEWHERE.match(link):
                return match[0]
            new = package.target(document, source, link) if package else None if is_dead(document, link) else link
            if new is None:
                dead.append(f"{document}: the link '{link}' leads to nothing")
                return match[0]
            return match[1] + new + match[3]

        new = "".join(part if is_code else LINK.sub(replaced, part) for is_code, part in outside_code(text))
        if new != text:
            with open(document, "w", encoding="utf-8") as file:
                file.write(new)
    if not count:
        dead.append(f"{prefix}: has no documents below {FOLDERS[0][0]}")
    for line in dead:
        print(f"shipped-docs: {line}", file=sys.stderr)
    return 1 if dead else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1:] == ["--check"]:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
