"""The table of settings from `kinescore settings --json`. This module does not use Blender."""

import json
from dataclasses import dataclass

from .core import Problem

# The clip's own sound matters only if a video is written; on a timeline it is a separate strip.
_NOT_HERE = {"original"}
_KINDS = {"choice", "list", "text", "number", "whole"}
# Blender's integers have 32 bits.
GREATEST_WHOLE = 2**31 - 1
AUTO = "auto"


@dataclass(frozen=True)
class Setting:
    key: str
    kind: str  # choice, list, text, number, whole
    help: str
    allowed: str
    default: str
    has_auto: bool
    words: tuple  # of a choice or list, or allowed in place of a number; without "auto"
    least: float
    most: float
    group: str  # the group it belongs to; "" for all

    @property
    def name(self):
        """Its name as a property."""
        return self.key.replace(".", "_")

    @property
    def flags(self):
        """The words that are allowed in place of a number, with the names of their properties. The
        first that is set counts; "auto" comes last, so that another word counts while "automatic"
        is still set."""
        if self.kind not in ("number", "whole"):
            return {}
        flags = {f"{self.name}_{word}": word for word in self.words}
        if self.has_auto:
            flags["auto_" + self.name] = AUTO
        return flags

    @property
    def label(self):
        return self.key.rpartition(".")[2].replace("_", " ").capitalize()


def read(file):
    """The settings of a file, in its order."""
    try:
        with open(file, encoding="utf-8") as opened:
            entries = [entry for entry in json.load(opened) if entry["key"] not in _NOT_HERE]
        groups = {entry["key"].partition(".")[0] for entry in entries if "." in entry["key"]}
        return [_setting(entry, groups) for entry in entries]
    except FileNotFoundError:
        raise Problem(f"{file}: is missing, please install the add-on with `kinescore install blender`") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Problem(f"{file}: is damaged, please run `kinescore install blender` again: {error!r}") from None


def _setting(entry, groups):
    # "tempo" belongs to "tempo.min".
    head = entry["key"].partition(".")[0]
    if entry["type"] not in _KINDS:
        raise ValueError(f'{entry["key"]} is of type "{entry["type"]}"; known are {", ".join(sorted(_KINDS))}')
    return Setting(
        key=entry["key"],
        kind=entry["type"],
        help=entry["help"],
        allowed=entry["allowed"],
        default=entry["default"],
        has_auto=entry["auto"],
        words=tuple(entry.get("words", ())),
        least=entry.get("least", 0),
        most=entry.get("most", 0),
        group=head if head in groups else "",
    )


def number_text(value):
    """A number of single precision as it was typed: 0.95, not 0.949999988."""
    return f"{value:.6g}"
