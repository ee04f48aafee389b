"""Blender's properties for the settings, created from the table."""

import os

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from . import strips, table
from .core import Problem

GROUP = "kinescore"
_FOLDER = os.path.dirname(os.path.abspath(__file__))

settings = []
# Why there are no settings; "" if there are.
missing = ""
# Called when the rules for following have changed.
listeners = []
_classes = []


def values(group):
    """The values of a property group in the library's form: pairs of key and text."""
    return tuple((setting.key, _text(group, setting)) for setting in settings)


def copy(source, target):
    """Copies the values of another property group to this one."""
    for name in _names():
        setattr(target, name, getattr(source, name))


def of_scene(scene):
    """The settings used last, with which new soundtracks begin."""
    return getattr(scene, GROUP)


def of_strip(strip):
    return getattr(strip, GROUP)


def _names():
    for setting in settings:
        yield setting.name
        yield from setting.flags
    yield "markers"


def _text(group, setting):
    value = getattr(group, setting.name)
    for flag, word in setting.flags.items():
        if getattr(group, flag):
            return word
    if setting.kind == "list":
        chosen = ",".join(word for word in setting.words if word in value)
        return chosen or (table.AUTO if setting.has_auto else "")
    if setting.kind == "number":
        return table.number_text(value)
    return str(value).strip()


def _properties(setting):
    """Names and definitions of a setting's properties."""
    described = {"name": setting.label, "description": setting.help}
    # Blender adds the full stop itself.
    if setting.kind == "text":
        described["description"] += f" ({setting.allowed})"
        yield setting.name, StringProperty(default=setting.default, **described)
        return
    if setting.kind in ("choice", "list"):
        words = setting.words
        # Of a list nothing is chosen then.
        if setting.kind == "choice" and setting.has_auto and table.AUTO not in words:
            words = (table.AUTO, *words)
        items = [(word, word, "", 1 << number) for number, word in enumerate(words)]
        if setting.kind == "list":
            chosen = {word.strip() for word in setting.default.split(",")} & set(words)
            yield setting.name, EnumProperty(items=items, default=chosen, options={"ENUM_FLAG"}, **described)
        else:
            yield setting.name, EnumProperty(items=items, default=setting.default, **described)
        return
    for flag, word in setting.flags.items():
        name, description = f"{setting.label}: {word}", setting.help
        if word == table.AUTO:
            name, description = f"Automatic {setting.label.lower()}", "Left to Kinescore"
        yield flag, BoolProperty(name=name, description=description, default=setting.default == word)
    default = setting.least if setting.default in setting.flags.values() else setting.default
    if setting.kind == "number":
        limits = {"min": setting.least, "max": setting.most}
        yield setting.name, FloatProperty(default=float(default), precision=2, **limits, **described)
        return
    if setting.most > table.GREATEST_WHOLE:
        described["description"] += f". Blender supports numbers up to {table.GREATEST_WHOLE}"
    limits = {name: min(int(value), table.GREATEST_WHOLE) for name, value in (("min", setting.least), ("max", setting.most))}
    yield setting.name, IntProperty(default=min(int(default), table.GREATEST_WHOLE), **limits, **described)


def _changed(_group, _context):
    for listener in listeners:
        listener()


def register():
    global missing
    settings.clear()
    missing = ""
    try:
        settings.extend(table.read(os.path.join(_FOLDER, "settings.json")))
    except Problem as problem:
        missing = str(problem)
    fields = {name: field for setting in settings for name, field in _properties(setting)}
    fields["markers"] = BoolProperty(
        name="Beats as markers", description="Shows each beat as a timeline marker", default=False, update=_changed
    )
    fields["follow"] = BoolProperty(
        name="Follow edits",
        description="Soundtracks of this scene follow their strips automatically",
        default=True,
        update=_changed,
    )
    group = type("KinescoreSettings", (bpy.types.PropertyGroup,), {"__annotations__": fields})
    _classes.append(group)
    bpy.utils.register_class(group)
    setattr(strips.strip_type(), GROUP, PointerProperty(type=group))
    setattr(bpy.types.Scene, GROUP, PointerProperty(type=group))


def unregister():
    delattr(bpy.types.Scene, GROUP)
    delattr(strips.strip_type(), GROUP)
    while _classes:
        bpy.utils.unregister_class(_classes.pop())
