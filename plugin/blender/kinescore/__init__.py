"""Kinescore in Blender's video sequencer: soundtracks that follow their movie strips."""

bl_info = {
    "name": "Kinescore",
    "description": "Soundtracks for the movement in movie strips, which follow trims and moves",
    "author": "The Kinescore developers",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Video Sequencer > right-click on a movie strip; sidebar > Kinescore",
    "category": "Sequencer",
}

from . import follow, properties, ui  # noqa: E402 (Blender reads what is above without running it)


def register():
    properties.register()
    ui.register()
    follow.register()


def unregister():
    follow.unregister()
    ui.unregister()
    properties.unregister()
