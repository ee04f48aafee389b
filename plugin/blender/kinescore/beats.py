"""Timeline markers: those of the user, which are marks of the movie strips below them, and those of
beats. A pair is a movie strip with its soundtrack; its record is read and changed here."""

from fractions import Fraction

from . import core, marks, properties, timing


def _rate(scene):
    return timing.scene_rate(scene.render.fps, scene.render.fps_base)


def _named(scene, is_wanted):
    return [(marker.frame, marker.name) for marker in scene.timeline_markers if is_wanted(marker.name)]


def marks_for(scene, cut, fixed):
    """What the user's markers and the fixed beats ask for, as JSON text."""
    return marks.text(_named(scene, marks.is_mark), cut, _rate(scene), fixed)


def fixed(record):
    """The beats that the user has fixed by moving their markers: flicks of the media, and number."""
    return [(time, number) for time, number in record.get("fixed", ())]


def all_markers(scenes):
    """Frames and names of all markers that have to do with soundtracks."""
    return {scene.name: _named(scene, marks.is_mark) for scene in scenes if scene.sequence_editor}


def follow(scene, pairs):
    """Fixes the beats whose markers the user has moved, and releases those whose markers were
    deleted. Returns the pairs whose record was changed."""
    shown = [pair for pair in pairs if "shown" in pair.record]
    lists = []
    for pair in shown:
        last = pair.record["shown"]
        entries = [(frame, name) for frame, name in last["beats"]]
        lists.append((entries, last["left"], last["right"], pair.sound.frame_final_start - last["left"]))
    found = marks.find(lists, _named(scene, marks.BEAT.fullmatch))
    return [
        pair
        for pair, (entries, *_), (frames, by) in zip(shown, lists, found)
        if _follow_beats(pair, [frame + by for frame, _name in entries], frames, by)
    ]


def _follow_beats(pair, written, frames, by):
    """`written` are the frames at which the markers of the beats were, with those by which they
    were moved with their strip; `frames` those at which they are, None for none."""
    record = pair.record
    found = record.get("beats", [])
    # If all are gone, the user has not deleted a beat: the strip was copied, or pasted elsewhere.
    if written == frames or len(found) != len(frames) or all(frame is None for frame in frames):
        return False
    last, rate = record["shown"], _rate(pair.scene)
    _media, start, end, speed = record["cut"]
    cut = timing.Cut(last["left"] + by, last["right"] + by, start, end, Fraction(speed))
    times = [(start + round(Fraction(time) * core.FLICKS_PER_SECOND * cut.speed), number) for time, number in found]
    now = [
        None if frame is None else time if frame == before else marks.media_time(min(frame, cut.right - 1), cut, rate)
        for (time, _number), before, frame in zip(times, written, frames)
    ]
    record["fixed"] = [list(one) for one in marks.after_edits(fixed(record), times, now)]
    # Until the new soundtrack is there, its marker stays where it was moved to.
    for index, (before, frame) in enumerate(zip(written, frames)):
        if frame is not None and frame != before:
            found[index][0] = float((min(frame, cut.right - 1) - cut.left) / rate)
            last["beats"][index][0] = frame - by
    return True


def show(scene, pairs):
    """Markers with names of beats are ours: they are always those of the soundtracks that are to
    show them, which the records say afterwards."""
    wanted = set().union(*(_beats(pair) for pair in pairs))
    for marker in [marker for marker in scene.timeline_markers if marks.BEAT.fullmatch(marker.name)]:
        if (marker.frame, marker.name) in wanted:
            wanted.remove((marker.frame, marker.name))
        else:
            scene.timeline_markers.remove(marker)
    for frame, name in sorted(wanted):
        scene.timeline_markers.new(name, frame=frame)


def _beats(pair):
    """Frames and names of a soundtrack's beats, counted from its first bar, if they are to be
    shown."""
    record = pair.record
    if not properties.of_strip(pair.movie).markers:
        record.pop("shown", None)
        return set()
    rate, left = _rate(pair.scene), pair.sound.frame_final_start
    shown, bar = [], 0
    for time, number in record.get("beats", ()):
        bar += number == 1 or bar == 0
        shown.append([left + round(Fraction(time) * rate), f"beat {bar}.{number}"])
    record["shown"] = {"left": left, "right": pair.sound.frame_final_end, "beats": shown}
    return {(frame, name) for frame, name in shown}
