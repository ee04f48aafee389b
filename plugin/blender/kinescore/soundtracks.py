"""Movie strips and the sound strips with their soundtracks: which belong together, and what has to
be done.

A movie strip has an id (ID), and its sound strip a record (RECORD) with the same id and everything
that the sound was made for. Strips are looked up again each time: undo invalidates all of Blender's
objects.
"""

import json
import os
import time
from dataclasses import dataclass

import bpy

from . import beats, core, files, places, properties, strips, timing, worker

ID = "kinescore_id"
RECORD = "kinescore_soundtrack"
# The file of a removed soundtrack, so that the strip's next one gets its name.
FILE = "kinescore_file"

UP_TO_DATE = "up to date"
NONE = "no soundtrack yet"
CANCELLED = "cancelled"

_PLACES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "places.json")


class _State:
    """State of the open project that is not stored in it."""

    def __init__(self):
        self.edited = None  # time of an edit that was not followed yet
        self.tasks = {}  # by id
        self.failed = {}  # by id: what could not be done, and the sentence
        self.seen = set()  # (scene, id) of all pairs, to detect deleted movie strips
        self.status = {}  # by id, a sentence
        self.markers = None  # when the soundtracks last followed them


state = _State()


def forget():
    """Another project was opened: forgets the previous one."""
    for name in list(state.tasks):
        cancel(name)
    state.__dict__.update(_State().__dict__)
    pairs()


def mark_edited():
    """Marks that strips may have been edited."""
    state.edited = time.monotonic()


# The library's place by the add-on's preferences, which only Blender's own thread may read.
_named = ""
_worker = worker.Worker(core.Core(lambda: places.find_places(_PLACES, _named)))


def name_library(path):
    """Says where the library is to be looked for first; "" for the usual places."""
    global _named
    _named = os.path.abspath(bpy.path.abspath(path)) if path else ""


@dataclass
class Pair:
    """A movie strip with its soundtrack."""

    scene: object
    movie: object
    sound: object
    record: dict

    @property
    def id(self):
        return self.record["id"]


# Which strips belong together


def record_of(sound):
    """The record of a sound strip's soundtrack; None if it is not one of Kinescore's."""
    try:
        record = json.loads(sound[RECORD])
        return record if isinstance(record["id"], str) and "cut" in record else None
    except (KeyError, TypeError, ValueError):
        return None


def pairs():
    """All soundtracks with their movie strips. Copied strips get their own ids; sound whose
    movie strip was deleted is deleted."""
    found = []
    taken = set()
    for scene in _scenes():
        found += _pairs_of(scene, taken)
    # Pairs seen in removed scenes, or before an undo, no longer count.
    state.seen = {(pair.scene.name, pair.id) for pair in found}
    return found


def _pairs_of(scene, taken):
    movies, sounds = [], []
    for strip in strips.all_strips(scene):
        if strip.type == "MOVIE" and ID in strip:
            movies.append(strip)
        elif strip.type == "SOUND" and RECORD in strip:
            record = record_of(strip)
            if record is not None and strip.sound is not None:
                sounds.append((strip, record))
    candidates = sorted(
        (_distance(movie, sound), one, other)
        for one, movie in enumerate(movies)
        for other, (sound, record) in enumerate(sounds)
        if movie[ID] == record["id"]
    )
    found, free_movies, free_sounds = [], set(range(len(movies))), set(range(len(sounds)))
    for _, one, other in candidates:
        if one in free_movies and other in free_sounds:
            free_movies.remove(one)
            free_sounds.remove(other)
            found.append(_own_pair(Pair(scene, movies[one], *sounds[other]), taken))
    for one in free_movies:
        _without_sound(movies[one], taken)
    names = {movie[ID] for movie in movies if ID in movie}
    for other in free_sounds:
        _without_movie(scene, *sounds[other], names)
    return found


def _distance(movie, sound):
    """How far a sound strip is from a movie strip. The beginning counts first: if a strip was
    split, the left part keeps the sound, which was not split."""
    return (
        abs(movie.frame_final_start - sound.frame_final_start),
        abs(movie.frame_final_end - sound.frame_final_end),
        abs(movie.channel - sound.channel),
    )


def _own_pair(pair, taken):
    if pair.id in taken:
        pair.record["id"] = pair.movie[ID] = _new_id()
        _write_record(pair.sound, pair.record)
    taken.add(pair.id)
    return pair


def _without_sound(movie, taken):
    """A movie strip that was copied without its soundtrack, or whose soundtrack was deleted,
    counts as one without."""
    name = movie[ID]
    is_waiting = name in state.tasks or name in state.failed
    if name in taken or not is_waiting:
        del movie[ID]
    else:
        taken.add(name)


def _without_movie(scene, sound, record, names):
    """A soundtrack whose movie strip was deleted is deleted; a copy of only the soundtrack is
    ordinary sound."""
    was_deleted = record["id"] not in names and (scene.name, record["id"]) in state.seen
    if not was_deleted:
        del sound[RECORD]
    elif properties.of_scene(scene).follow:
        strips.remove(scene, sound)


def _new_id():
    return os.urandom(16).hex()


def _write_record(sound, record):
    text = json.dumps(record, sort_keys=True)
    if sound.get(RECORD) != text:
        sound[RECORD] = text


def has_soundtrack(scene, movie):
    return sound_of(scene, movie) is not None


def sound_of(scene, movie):
    """The sound strip of a movie strip; None if there is none."""
    if movie is None or ID not in movie:
        return None
    for strip in strips.all_strips(scene):
        if strip.type == "SOUND" and RECORD in strip and (record_of(strip) or {}).get("id") == movie[ID]:
            return strip
    return None


# Work to be done


def generate(scene, movie):
    """Orders a soundtrack for a movie strip, with the settings that its panel shows. Returns its
    id; raises Problem if there can be none."""
    if properties.missing:
        raise core.Problem(properties.missing)
    _follow_markers(pairs())  # so that copies have their own ids
    sound = sound_of(scene, movie)
    group = properties.of_strip(movie)
    if sound is None:
        properties.copy(properties.of_scene(scene), group)
    else:
        properties.copy(group, properties.of_scene(scene))
    settings = properties.values(group)
    cut = timing.cut(strips.playback(scene, movie))
    fixed = beats.fixed(record_of(sound) or {}) if sound is not None else []
    media = strips.media_of(movie)
    order = core.SoundOrder(media, cut.start, cut.end, cut.speed, settings, beats.marks_for(scene, cut, fixed))
    if ID not in movie:
        movie[ID] = _new_id()
    name = movie[ID]
    state.failed.pop(name, None)
    cancel(name)
    _submit(name, order, _file_for(scene, movie, sound))
    return name


def remove(scene, movie):
    """Removes the soundtrack of a movie strip from the timeline. The file stays: undo needs it."""
    sound = sound_of(scene, movie)
    if ID in movie:
        cancel(movie[ID])
        state.failed.pop(movie[ID], None)
        del movie[ID]
    if sound is not None:
        movie[FILE] = strips.sound_file(sound)
        strips.remove(scene, sound)
    _show_markers(pairs())


def bring_all_up_to_date(forced=False):
    """Puts every soundtrack where its strip is, and orders those that must be made again.
    `forced`: also in scenes that do not follow edits, and including earlier failures."""
    state.edited = None
    if forced:
        state.failed.clear()
    found = pairs()
    _follow_markers(found)
    for pair in found:
        if forced or properties.of_scene(pair.scene).follow:
            _bring_up_to_date(pair)
        else:
            state.status[pair.id] = _status(pair)
    _drop_tasks_without_strip()
    _show_markers(found)


def _bring_up_to_date(pair):
    try:
        cut = timing.cut(strips.playback(pair.scene, pair.movie))
    except core.Problem as problem:
        cancel(pair.id)
        state.status[pair.id] = f"cannot follow: {problem}"
        return
    media = strips.media_of(pair.movie)
    wanted = beats.marks_for(pair.scene, cut, beats.fixed(pair.record))
    if _is_made(pair, media, cut, wanted):
        _place(pair, cut)
        if pair.id not in state.tasks:
            state.failed.pop(pair.id, None)
            state.status[pair.id] = _settings_status(pair)
        return
    task = state.tasks.get(pair.id)
    # A soundtrack in progress may have other settings than the existing one.
    settings = task.order.settings if task is not None else _settings_of(pair.record)
    order = core.SoundOrder(media, cut.start, cut.end, cut.speed, settings, wanted)
    failed = state.failed.get(pair.id)
    if task is not None and task.order == order or failed is not None and failed[0] == order:
        return
    cancel(pair.id)
    _submit(pair.id, order, _file_for(pair.scene, pair.movie, pair.sound))


def _settings_of(record):
    return tuple((key, value) for key, value in record["settings"])


def _cut_of_media(media, cut):
    """The source of a soundtrack: media, start, end, speed."""
    return [media, cut.start, cut.end, str(cut.speed)]


def _is_made(pair, media, cut, wanted):
    """Whether the file of a soundtrack has the wanted content, with marks. Does not need the
    library."""
    record = pair.record
    return (
        record["cut"] == _cut_of_media(media, cut)
        and record.get("marks", "") == wanted
        and record["media"] == list(core.stamp(media) or ())
        and files.key_of(strips.sound_file(pair.sound)) == record["key"]
    )


def _settings_status(pair):
    chosen = [list(setting) for setting in properties.values(properties.of_strip(pair.movie))]
    return UP_TO_DATE if chosen == pair.record["settings"] else "out of date: other settings were chosen"


def _status(pair):
    """The status of a soundtrack that does not follow."""
    try:
        cut = timing.cut(strips.playback(pair.scene, pair.movie))
    except core.Problem as problem:
        return f"out of date: {problem}"
    if not _is_made(pair, strips.media_of(pair.movie), cut, beats.marks_for(pair.scene, cut, beats.fixed(pair.record))):
        return "out of date: the strip or its markers were edited"
    return _settings_status(pair)


def _file_for(scene, movie, sound):
    """Where a strip's soundtrack is written: over its own earlier one, if that is ours, is in
    this project's folder of soundtracks and belongs to no other strip; otherwise under a new
    name."""
    folder = _folder(movie)
    path = strips.sound_file(sound) if sound is not None else movie.get(FILE, "")
    others = {task.wav for name, task in state.tasks.items() if name != movie.get(ID)}
    for other_scene in bpy.data.scenes:
        others |= {strips.sound_file(strip) for strip in strips.all_strips(other_scene) if strip.type == "SOUND" and strip != sound}
    is_ours = path and (files.key_of(path) is not None or not os.path.lexists(path))
    if is_ours and path not in others and os.path.dirname(path) == folder:
        return path
    return files.free_name(folder, strips.media_of(movie), others)


def _folder(movie):
    if bpy.data.filepath:
        return os.path.splitext(bpy.data.filepath)[0] + ".soundtracks"
    chosen = _preference("folder")
    return os.path.abspath(bpy.path.abspath(chosen)) if chosen else os.path.dirname(strips.media_of(movie))


# Tasks


def _preference(name):
    """A text of the add-on's preferences; "" where there are none, as in a script."""
    addon = bpy.context.preferences.addons.get(__package__)
    return getattr(addon.preferences, name, "") if addon is not None and addon.preferences is not None else ""


def _submit(name, order, wav):
    name_library(_preference("library"))
    task = worker.Task(name, order, wav)
    state.tasks[name] = task
    state.status[name] = "making the soundtrack"
    _worker.submit(task)


def cancel(name):
    """Gives up the soundtrack in progress for an id."""
    task = state.tasks.pop(name, None)
    if task is not None:
        task.cancelled.set()


def cancel_all():
    """Gives up everything, on the user's request: it is not started again until a strip is
    edited."""
    for name, task in list(state.tasks.items()):
        cancel(name)
        state.failed[name] = (task.order, CANCELLED)
        state.status[name] = CANCELLED


def collect():
    """Puts results under the strips. Returns the sentences of failures."""
    sentences = []
    ended = [(name, task) for name, task in state.tasks.items() if task.ended.is_set()]
    if ended:
        _follow_markers(pairs())  # before markers of other beats take their place
    for name, task in ended:
        del state.tasks[name]
        try:
            if task.problem is not None:
                raise task.problem
            _apply(task)
        except core.Problem as problem:
            state.failed[name] = (task.order, str(problem))
            state.status[name] = str(problem)
            sentences.append(str(problem))
    if ended:
        _show_markers(pairs())
    return sentences


def wait(seconds=None):
    """Waits for all tasks, or for so many seconds."""
    until = None if seconds is None else time.monotonic() + seconds
    for task in list(state.tasks.values()):
        task.ended.wait(None if until is None else max(until - time.monotonic(), 0))


def stop():
    """Ends the worker."""
    for name in list(state.tasks):
        cancel(name)
    _worker.stop()


def _drop_tasks_without_strip():
    names = {movie.get(ID) for _scene, movie in _movies()}
    for name in [name for name in state.tasks if name not in names]:
        cancel(name)


def _scenes():
    """The scenes that can be edited."""
    return [scene for scene in bpy.data.scenes if scene.library is None]


def _movies():
    for scene in _scenes():
        for strip in strips.all_strips(scene):
            if strip.type == "MOVIE":
                yield scene, strip


def _apply(task):
    """Places the result of a task, if its strip still exists."""
    for scene, movie in _movies():
        if movie.get(ID) == task.name:
            _apply_to(scene, movie, task)
            return


def _apply_to(scene, movie, task):
    cut = timing.cut(strips.playback(scene, movie))
    order = task.order
    sound = sound_of(scene, movie)
    if _cut_of_media(strips.media_of(movie), cut) != _cut_of_media(order.media, order):
        mark_edited()
        if sound is not None:
            return
    record = record_of(sound) if sound is not None else {}
    if beats.marks_for(scene, cut, beats.fixed(record)) != order.marks:
        mark_edited()
    record.update(
        id=task.name,
        key=task.key,
        cut=_cut_of_media(order.media, order),
        settings=[list(setting) for setting in order.settings],
        marks=order.marks,
        media=list(task.media_stamp or ()),
    )
    found = task.soundtrack
    if found is not None:
        record.update(beats=[list(beat) for beat in found.beats], tempo=found.tempo, music_key=found.key)
    length = cut.right - cut.left
    if sound is None:
        channel = strips.free_channel(scene, movie, cut.left, cut.right)
        sound = strips.add_sound(scene, movie, f"{movie.name} soundtrack", task.wav, channel, cut.left)
        sound.show_waveform = True
        _use_relative_path(sound)
        record["channel"] = movie.channel
    elif found is not None or strips.sound_file(sound) != task.wav:
        strips.reload_sound(scene, sound, task.wav)
        _use_relative_path(sound)
    record["length"] = length
    _write_record(sound, record)
    movie[FILE] = task.wav
    pair = Pair(scene, movie, sound, record)
    _place(pair, cut)
    state.status[task.name] = _settings_status(pair)


def _use_relative_path(sound):
    """A project can be moved together with its soundtracks."""
    path = strips.sound_file(sound)
    if bpy.data.filepath and os.path.splitext(bpy.data.filepath)[0] + ".soundtracks" == os.path.dirname(path):
        sound.sound.filepath = bpy.path.relpath(path)


def _place(pair, cut):
    """Puts a soundtrack where its movie strip is; changes nothing if it is there already. The
    user may move it to another channel: then its channel changes only with the movie strip's,
    or if something else is in the way."""
    scene, movie, sound, record = pair.scene, pair.movie, pair.sound, pair.record
    length = cut.right - cut.left
    if record.get("length") != length:
        strips.reload_sound(scene, sound, sound.sound.filepath)
    channel = sound.channel
    moved = record.get("channel") != movie.channel
    is_there = (sound.frame_final_start, sound.frame_final_end, sound.frame_start) == (cut.left, cut.right, cut.left)
    if moved or not is_there and not strips.is_free(scene, sound, channel, cut.left, cut.right):
        channel = strips.free_channel(scene, movie, cut.left, cut.right, sound)
    if not is_there or channel != sound.channel:
        strips.put(scene, sound, channel, cut.left, cut.right)
    record.update(length=length, channel=movie.channel)
    _write_record(sound, record)


# Markers


def markers_changed():
    """Whether markers that have to do with soundtracks were changed since they were last followed.
    Blender does not report that."""
    return state.markers is not None and state.markers != beats.all_markers(_scenes())


def _follow_markers(found):
    for scene in _scenes():
        for pair in beats.follow(scene, [pair for pair in found if pair.scene == scene]):
            _write_record(pair.sound, pair.record)


def _show_markers(found):
    for scene in _scenes():
        beats.show(scene, [pair for pair in found if pair.scene == scene])
    for pair in found:
        _write_record(pair.sound, pair.record)
    state.markers = beats.all_markers(_scenes())


# Content of the panel


def chosen_movie(scene):
    """The active movie strip, or that of the active soundtrack; None if there is neither."""
    active = scene.sequence_editor.active_strip if scene.sequence_editor else None
    record = record_of(active) if active is not None else None
    if record is None:
        return strips.active_movie(scene)
    for strip in strips.all_strips(scene):
        if strip.type == "MOVIE" and strip.get(ID) == record["id"]:
            return strip
    return None


def status_of(movie):
    return state.status.get(movie.get(ID), NONE)


def progress():
    """Share of the tasks that is done; None if there are none."""
    if not state.tasks:
        return None
    return sum(task.done for task in state.tasks.values()) / len(state.tasks)
