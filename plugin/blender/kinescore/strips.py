"""Strips of the sequencer, in a form independent of Blender's release: 3.x calls them sequences."""

import os
from contextlib import contextmanager
from fractions import Fraction

import bpy

from . import timing
from .core import Problem, stamp

GREATEST_CHANNEL = 128 if bpy.app.version >= (4, 0, 0) else 32
# Number of frames of a media according to Blender: a movie strip does not report them once it is
# retimed.
_frames_of_media = {}


def strip_type():
    return bpy.types.Strip if hasattr(bpy.types, "Strip") else bpy.types.Sequence


def scene_of(context):
    """The scene that the sequencer shows."""
    return getattr(context, "sequencer_scene", None) or context.scene


def _collection(owner):
    """Strips of an editor or of a meta strip."""
    return owner.strips if hasattr(owner, "strips") else owner.sequences


def all_strips(scene):
    """All strips of a scene, including those in meta strips."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def neighbours(scene, strip):
    """The strips among which a strip is."""
    return _collection(strip.parent_meta() or scene.sequence_editor)


def movies_chosen(scene):
    """The movie strips to act on: those selected, and the active one."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    active = active_movie(scene)
    chosen = [strip for strip in all_strips(scene) if strip.type == "MOVIE" and strip.select and strip != active]
    return ([active] if active else []) + chosen


def active_movie(scene):
    strip = scene.sequence_editor.active_strip if scene.sequence_editor else None
    return strip if strip is not None and strip.type == "MOVIE" else None


def media_of(strip):
    return os.path.abspath(bpy.path.abspath(strip.filepath, library=strip.id_data.library))


def sound_file(strip):
    """Path of a sound strip's file; "" if it has none."""
    return os.path.abspath(bpy.path.abspath(strip.sound.filepath, library=strip.sound.library)) if strip.sound else ""


def playback(scene, strip):
    """How a movie strip plays its media."""
    if strip.use_reverse_frames:
        raise Problem(f"{strip.name}: is played backwards; only strips that are played forwards can be followed")
    keys = len(getattr(strip, "retiming_keys", ()))
    if keys > 2:
        raise Problem(f"{strip.name}: its speed changes ({keys} retiming keys); only a constant speed (2 keys at most) can be followed")
    scene_rate = timing.scene_rate(scene.render.fps, scene.render.fps_base)
    media_rate = timing.media_rate(strip.elements[0].orig_fps or strip.fps if strip.elements else strip.fps)
    start = _fraction(strip.frame_start)
    length = strip.frame_final_end + _fraction(strip.frame_offset_end) - start
    factor = None
    if hasattr(strip, "speed_factor"):
        factor = Fraction(strip.speed_factor).limit_denominator(10_000)
        frames = strip.frame_duration
    else:
        frames = _media_frames(strip) - strip.animation_offset_start - strip.animation_offset_end
    rate = timing.play_rate(frames, length, factor, media_rate / scene_rate)
    return timing.Playback(
        left=strip.frame_final_start,
        right=strip.frame_final_end,
        content_start=start,
        content_frames=frames,
        skipped=strip.animation_offset_start,
        rate=rate,
        effect=_effect(scene, strip, length, start),
        scene_rate=scene_rate,
        media_rate=media_rate,
    )


def _fraction(value):
    # Positions between frames have single precision.
    return Fraction(value).limit_denominator(1000)


def _media_frames(strip):
    path = media_of(strip)
    known = (path, stamp(path))
    if known not in _frames_of_media:
        try:
            clip = bpy.data.movieclips.load(path)
        except RuntimeError:
            raise Problem(f"{path}: cannot be read as a video") from None
        _frames_of_media[known] = clip.frame_duration
        bpy.data.movieclips.remove(clip)
    return _frames_of_media[known]


def _effect(scene, strip, length, start):
    """The effect of a Speed Control strip on a movie strip's speed."""
    speeds = [other for other in neighbours(scene, strip) if other.type == "SPEED" and other.input_1 == strip and not other.mute]
    if not speeds:
        return Fraction(1)
    speed = speeds[0]
    if len(speeds) == 1 and speed.speed_control == "STRETCH":
        return (length - (strip.frame_final_start - start)) / (strip.frame_final_end - strip.frame_final_start)
    if len(speeds) == 1 and speed.speed_control == "MULTIPLY" and not _is_animated(scene, speed, "speed_factor"):
        factor = Fraction(speed.speed_factor).limit_denominator(10_000)
        if factor > 0:
            return factor
    raise Problem(
        f"{strip.name}: the Speed Control strip {speed.name} does not play it at a constant speed forwards; only Stretch, and "
        "Multiply with a factor above 0 and without keyframes, can be followed"
    )


def _is_animated(scene, strip, name):
    path = strip.path_from_id(name)
    animation = scene.animation_data
    if animation is None:
        return False
    curves = list(animation.drivers)
    action = animation.action
    if action is not None and hasattr(action, "layers"):
        bags = [bag for layer in action.layers for part in layer.strips for bag in part.channelbags]
        curves += [curve for bag in bags for curve in bag.fcurves]
    elif action is not None:
        curves += action.fcurves
    return any(curve.data_path == path for curve in curves)


def free_channel(scene, movie, left, right, sound=None):
    """The nearest channel below a movie strip in which nothing but `sound` is between two
    frames, otherwise the nearest above."""
    taken = {
        strip.channel
        for strip in neighbours(scene, movie)
        if strip != sound and strip.frame_final_start < right and left < strip.frame_final_end
    }
    channels = [*range(movie.channel - 1, 0, -1), *range(movie.channel + 1, GREATEST_CHANNEL + 1)]
    for channel in channels:
        if channel not in taken:
            return channel
    raise Problem(f"{movie.name}: all {GREATEST_CHANNEL} channels are occupied at its soundtrack's position")


def is_free(scene, sound, channel, left, right):
    return not any(
        strip.channel == channel and strip != sound and strip.frame_final_start < right and left < strip.frame_final_end
        for strip in neighbours(scene, sound)
    )


def add_sound(scene, movie, name, path, channel, frame):
    """A new sound strip beside a movie strip. The selection does not change."""
    try:
        sound = neighbours(scene, movie).new_sound(name=name, filepath=path, channel=channel, frame_start=frame)
    except RuntimeError as error:
        raise Problem(f"{path}: Blender cannot add it as a sound strip: {error}") from None
    sound.select = False
    return sound


def remove(scene, strip):
    sound = strip.sound
    neighbours(scene, strip).remove(strip)
    if sound is not None and sound.users == 0:
        bpy.data.sounds.remove(sound)


def reload_sound(scene, strip, path):
    """Makes a sound strip read its file again, with the file's length."""
    if strip.sound.users > 1:
        # A copy of the strip keeps its own sound.
        strip.sound = strip.sound.copy()
    strip.sound.filepath = path
    # Only an operator reads the length of a strip, and it acts on the selection among the strips
    # shown.
    with _shown(scene, strip.parent_meta()), _selected_alone(scene, strip):
        with bpy.context.temp_override(scene=scene, sequencer_scene=scene):
            bpy.ops.sequencer.reload(adjust_length=True)


@contextmanager
def _shown(scene, meta):
    """Makes the sequencer show the strips of a meta strip, or the outermost ones for None."""
    editor = scene.sequence_editor
    before = editor.meta_stack[-1] if len(editor.meta_stack) else None
    if before == meta:
        yield
        return
    active = editor.active_strip
    editor.display_stack(meta)
    try:
        yield
    finally:
        editor.display_stack(before)
        editor.active_strip = active


@contextmanager
def _selected_alone(scene, strip):
    before = [(other, other.select) for other in neighbours(scene, strip)]
    for other, _selected in before:
        other.select = other == strip
    try:
        yield
    finally:
        for other, selected in before:
            other.select = selected


def put(scene, strip, channel, left, right):
    """Moves a sound strip to a free place, showing its content from the first frame."""
    # Through an empty channel, so that Blender never pushes it aside on the way.
    strip.channel = _empty_channel(scene, strip)
    strip.frame_offset_start = 0
    strip.frame_offset_end = 0
    strip.animation_offset_start = 0
    strip.animation_offset_end = 0
    strip.frame_start = left
    strip.frame_final_start = left
    strip.frame_final_end = right
    strip.channel = channel


def _empty_channel(scene, strip):
    taken = {other.channel for other in neighbours(scene, strip) if other != strip}
    for channel in range(GREATEST_CHANNEL, 0, -1):
        if channel not in taken:
            return channel
    return strip.channel
