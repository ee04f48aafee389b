"""Timeline markers as marks of a clip: hits and beats that the user has named, and beats whose
markers the user has moved. This module does not use Blender.

The rules are those of `kinescore timeline` (docs/timeline.md)."""

import json
import re
from collections import Counter

from .core import FLICKS_PER_SECOND

# Markers with such names show the beats of soundtracks: bar and number in the bar.
BEAT = re.compile(r"beat \d+\.\d+")

# What the library allows.
_NEAREST_HITS = FLICKS_PER_SECOND // 20
_NEAREST_BEATS = FLICKS_PER_SECOND // 10
_MOST = 10_000
_LONGEST_LABEL = 80
_BEATS_IN_BAR = 4

_ANSWERS = ("drums", "chord", "stop")
_WORD = re.compile("[A-Za-z0-9\u0080-\U0010ffff]+")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
# Two times of one beat, which were rounded differently.
_SAME = FLICKS_PER_SECOND // 1000


def is_mark(name):
    """Whether a marker has to do with soundtracks: only such markers are watched."""
    word = _WORD.search(name)
    return word is not None and word.group().lower() in ("hit", "beat", "downbeat")


def media_time(frame, cut, rate):
    """The time of the media, in flicks, that is shown at a frame of the timeline."""
    return cut.start + round((frame - cut.left) * FLICKS_PER_SECOND * cut.speed / rate)


def text(markers, cut, rate, fixed):
    """The marks of a clip as JSON text; "" if there are none. `markers` are pairs (frame, name),
    `fixed` pairs (flicks of the media, number in the bar, or 0)."""
    hits, beats = {}, {}
    last_hit, last_beat = -_NEAREST_HITS, -_NEAREST_BEATS
    for frame, name in sorted(markers, key=lambda marker: marker[0]):
        if not cut.left <= frame < cut.right or BEAT.fullmatch(name):
            continue
        time = media_time(frame, cut, rate)
        words = list(_WORD.finditer(name))
        kind = words[0].group().lower() if words else ""
        if kind == "hit" and time - last_hit >= _NEAREST_HITS and len(hits) < _MOST:
            hits[time] = _hit(time, name, words[1:])
            last_hit = time
        elif kind in ("beat", "downbeat") and time - last_beat >= _NEAREST_BEATS and len(beats) < _MOST:
            number = "1" if kind == "downbeat" else words[1].group() if len(words) > 1 else ""
            beats[time] = _beat(time, int(number) if number in ("1", "2", "3", "4") else 0)
            last_beat = time
    for time, number in fixed:
        if len(beats) < _MOST and all(abs(time - other) >= _NEAREST_BEATS for other in beats):
            beats[time] = _beat(time, number)
    if not hits and not beats:
        return ""
    marks = {"format": "kinescore-marks", "version": 1}
    for name, found in (("beats", beats), ("hits", hits)):
        if found:
            marks[name] = [found[time] for time in sorted(found)]
    return json.dumps(marks)


def _hit(time, name, words):
    answers = []
    while words and words[0].group().lower() in _ANSWERS:
        answers.append(words.pop(0).group().lower())
    mark = {"time": time / FLICKS_PER_SECOND}
    if words:
        mark["label"] = _CONTROL.sub(" ", name[words[0].start() :])[:_LONGEST_LABEL]
    if answers:
        mark["answer"] = list(dict.fromkeys(answers))
    return mark


def _beat(time, number):
    mark = {"time": time / FLICKS_PER_SECOND}
    if 1 <= number <= _BEATS_IN_BAR:
        mark["number"] = number
    return mark


def find(shown, markers):
    """Finds markers of soundtracks again. `shown` has for each soundtrack the pairs (frame, name)
    that were written, the first frame and the end of its strip then, and by how many frames the
    strip was moved since; `markers` are pairs (frame, name). Returns for each soundtrack the frames
    of its markers, None for deleted ones, and by how many frames they were moved with the strip."""
    free = Counter(markers)
    found = []
    for entries, _left, _right, shift in shown:

        def there(by):
            return sum(free[frame + by, name] > 0 for frame, name in entries)

        by = shift if there(shift) > there(0) else 0
        places = []
        for frame, name in entries:
            is_there = free[frame + by, name] > 0
            free[frame + by, name] -= is_there
            places.append(frame + by if is_there else None)
        found.append((places, by))
    by_name = {}
    for (frame, name), count in free.items():
        if count > 0:
            by_name.setdefault(name, []).append(frame)
    candidates = sorted(
        (abs(frame - entry[0] - by), one, index, frame)
        for one, ((entries, left, right, _shift), (places, by)) in enumerate(zip(shown, found))
        for index, entry in enumerate(entries)
        if places[index] is None
        for frame in by_name.get(entry[1], ())
        if left + by <= frame <= right + by  # Blender snaps to the ends of strips
    )
    for _distance, one, index, frame in candidates:
        name = shown[one][0][index][1]
        if found[one][0][index] is None and free[frame, name] > 0:
            free[frame, name] -= 1
            found[one][0][index] = frame
    return found


def after_edits(fixed, beats, places):
    """The fixed beats after the user has moved or deleted markers. `beats` are pairs (flicks of the
    media, number); `places` has for each its own time if its marker was not moved, another one if it
    was, and None if it was deleted.

    The beats beside one that was moved, the first and the last are fixed too, so that no other beat
    moves."""
    fixed = [
        one for one in fixed if not any(place != beat[0] and abs(one[0] - beat[0]) <= _SAME for beat, place in zip(beats, places))
    ]

    def is_free(time):
        return all(abs(time - other[0]) >= _NEAREST_BEATS for other in fixed)

    stay = set()
    moved = [index for index, place in enumerate(places) if place is not None and place != beats[index][0]]
    for index in moved:
        time = places[index]
        if not is_free(time):
            continue
        fixed.append((time, beats[index][1]))
        if index > 0 and beats[index - 1][0] < time:
            stay.add(index - 1)
        if index + 1 < len(beats) and beats[index + 1][0] > time:
            stay.add(index + 1)
        stay |= {0, len(beats) - 1}
    for index in sorted(stay - set(moved)):
        if is_free(beats[index][0]):
            fixed.append((beats[index][0], 0))
    return sorted(fixed) if any(number for _time, number in fixed) else []
