"""Follows edits: handlers only mark that something was edited; a timer does the work once the
mouse rests, since strips must not be changed in the middle of an update of Blender."""

import atexit
import sys
import threading
import time

import bpy
from bpy.app.handlers import persistent

from . import properties, soundtracks

REST = 0.4  # seconds without an edit
_PERIOD = 0.1
# How often markers are looked at, seconds: Blender does not report their edits.
_LOOK = 0.5
# Maximum wait of a save in the interface, so that recent edits are saved with their sound.
_SAVE_WAITS = 3.0


def mark_edited():
    """Marks that strips may have been edited."""
    soundtracks.mark_edited()
    start_timer()


def start_timer():
    """Keeps the timer running until everything is done. In the background there are no timers."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_PERIOD)


def finish(forced=False):
    """Brings all soundtracks up to date now, and waits for them. Returns the sentences of
    failures."""
    soundtracks.bring_all_up_to_date(forced)
    soundtracks.wait()
    sentences = soundtracks.collect()
    soundtracks.bring_all_up_to_date()
    return sentences


def _tick():
    collect()
    edited = soundtracks.state.edited
    if edited is not None and time.monotonic() - edited >= REST and not _is_busy():
        soundtracks.bring_all_up_to_date()
    return _PERIOD if soundtracks.state.edited is not None or soundtracks.state.tasks else None


def _look():
    if soundtracks.markers_changed():
        mark_edited()
    return _LOOK


def collect():
    """Puts results in place, unless Blender's data are in use."""
    if not _is_busy():
        soundtracks.collect()
    _redraw()


def _is_busy():
    """Whether a render or the user's mouse is using strips. Releases before 4.2 do not report
    the mouse: there, a drag that pauses is followed, and once more at its end."""
    if bpy.app.is_job_running("RENDER"):
        return True
    windows = bpy.context.window_manager.windows
    running = [operator.bl_idname for window in windows for operator in getattr(window, "modal_operators", ())]
    return any(name.startswith(("TRANSFORM_OT_", "SEQUENCER_OT_", "MARKER_OT_")) for name in running)


def _redraw():
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                for region in area.regions:
                    # Blender redraws the timeline itself when strips change.
                    if region.type == "UI":
                        region.tag_redraw()


@persistent
def _edited(_scene, depsgraph):
    if any(isinstance(update.id, bpy.types.Scene) and update.id.sequence_editor for update in depsgraph.updates):
        mark_edited()


@persistent
def _undone(*_arguments):
    mark_edited()


@persistent
def _loaded(*_arguments):
    soundtracks.forget()
    mark_edited()


@persistent
def _before_save(*_arguments):
    if bpy.app.background:
        _finish_and_report()
    elif soundtracks.state.edited is not None:
        soundtracks.bring_all_up_to_date()
        soundtracks.wait(_SAVE_WAITS)
        soundtracks.collect()


@persistent
def _before_render(*_arguments):
    # In the interface a film is rendered by another thread, which must not change strips.
    if threading.current_thread() is threading.main_thread():
        _finish_and_report()


def _finish_and_report():
    for sentence in finish():
        print(f"Kinescore: {sentence}", file=sys.stderr)


_HANDLERS = {
    "depsgraph_update_post": _edited,
    "undo_post": _undone,
    "redo_post": _undone,
    "load_post": _loaded,
    "save_pre": _before_save,
    "render_init": _before_render,
}


def register():
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)
    properties.listeners.append(mark_edited)
    if not bpy.app.background:
        bpy.app.timers.register(_look, first_interval=_LOOK, persistent=True)
    # Blender may exit while a soundtrack is being made.
    atexit.register(soundtracks.stop)
    mark_edited()


def unregister():
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).remove(handler)
    properties.listeners.remove(mark_edited)
    for timer in (_tick, _look):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    atexit.unregister(soundtracks.stop)
    soundtracks.stop()
