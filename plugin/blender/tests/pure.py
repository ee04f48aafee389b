"""Lets tests import the add-on's modules that do not need Blender: `from pure import core`."""

import importlib
import os
import sys
import types

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kinescore")

# The package without its __init__, which needs Blender.
if "kinescore" not in sys.modules:
    package = types.ModuleType("kinescore")
    package.__path__ = [FOLDER]
    sys.modules["kinescore"] = package

core, files, marks, places, table, timing, worker = (
    importlib.import_module("kinescore." + name) for name in ("core", "files", "marks", "places", "table", "timing", "worker")
)
