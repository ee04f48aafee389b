"""Where the library is, and what it loads. Nothing of Blender is used here."""

import json
import os
import shutil
import sysconfig

from .core import Places, Problem

_LIBRARY = "libkinescore.so"


def find_places(file, named="", environment=os.environ):
    """The library and what it loads; the environment's models and ONNX Runtime come first.

    The library is the one at `named` (a file, or a folder into which Kinescore was unpacked), else
    the one that `kinescore install` wrote into `file`, else the first in the folders where it is
    usually installed. Raises Problem, with the places that were tried."""
    if named:
        found = _named(named)
    elif os.path.exists(file):
        found = _recorded(file)
    else:
        found = {"library": _first(file, environment)}
    return Places(
        library=found["library"],
        models=environment.get("KINESCORE_MODELS") or found.get("models", ""),
        onnxruntime=environment.get("KINESCORE_ONNXRUNTIME") or found.get("onnxruntime", ""),
        cache=_cache_folder(environment),
    )


def _recorded(file):
    try:
        with open(file, encoding="utf-8") as opened:
            found = json.load(opened)
        return {name: found.get(name) or "" for name in ("library", "models", "onnxruntime")}
    except (OSError, ValueError, AttributeError) as error:
        raise Problem(f"{file}: is damaged, please run `kinescore install blender` again: {error}") from None


def _named(named):
    if os.path.isfile(named):
        return {"library": os.path.abspath(named)}
    tried = [os.path.join(named, folder, _LIBRARY) for folder in ("lib", "")]
    for path in tried:
        if os.path.isfile(path):
            return {"library": os.path.abspath(path)}
    raise Problem(
        f"{named}: Kinescore is not in this folder, which the add-on's preferences name; tried {', '.join(tried)}. "
        "Choose the folder into which Kinescore was unpacked, or the file libkinescore.so"
    )


def _first(file, environment):
    """The first library in the usual folders. The library itself finds its models relative to where
    it lies."""
    tried = [os.path.join(folder, _LIBRARY) for folder in _folders(environment)]
    for path in tried:
        if os.path.isfile(path):
            return path
    raise Problem(
        f"Kinescore's library was not found; tried {file}, {', '.join(tried)}. Install Kinescore, or choose its folder in "
        "the add-on's preferences (Edit > Preferences > Add-ons > Kinescore)"
    )


def _folders(environment):
    """Folders of libraries, each once: that of the program in PATH, the user's, the system's."""
    folders = []
    program = shutil.which("kinescore", path=environment.get("PATH", ""))
    if program:
        folders.append(os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(program))), "lib"))
    home = environment.get("HOME", "")
    if home:
        folders.append(os.path.join(home, ".local", "lib"))
    folders.append("/usr/local/lib")
    # Debian's folder of this kind of machine, such as x86_64-linux-gnu.
    kind = sysconfig.get_config_var("MULTIARCH") or f"{os.uname().machine}-linux-gnu"
    folders += [f"/usr/lib/{kind}", "/usr/lib64", "/usr/lib"]
    return list(dict.fromkeys(folders))


def _cache_folder(environment):
    """The command line's cache; "" for none."""
    named = environment.get("KINESCORE_CACHE")
    if named:
        return "" if named == "off" else named
    # A relative path must be ignored, according to the XDG Base Directory Specification.
    base = environment.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return os.path.join(base, "kinescore")
    home = environment.get("HOME", "")
    return os.path.join(home, ".cache", "kinescore") if home else ""
