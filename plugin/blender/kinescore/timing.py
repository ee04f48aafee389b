"""Converts frames on a timeline to times of the media, exactly. This module does not use
Blender."""

import math
from dataclasses import dataclass
from fractions import Fraction

from .core import FLICKS_PER_SECOND, Problem


@dataclass(frozen=True)
class Playback:
    """How a movie strip plays its media: the timeline's frame t shows the media's frame `skipped
    + (left + (t - left) * effect - content_start) * rate`."""

    left: int  # visible from this frame of the timeline
    right: int  # to this one, exclusive
    content_start: Fraction  # where the content would begin without trims
    content_frames: int  # frames of the media that the strip can show
    skipped: int  # frames of the media before these
    rate: Fraction  # frames of the media per frame of the timeline
    effect: Fraction  # factor of a Speed Control strip
    scene_rate: Fraction  # frames per second
    media_rate: Fraction


@dataclass(frozen=True)
class Cut:
    """The part that is heard, and its place on the timeline."""

    left: int  # frames of the timeline
    right: int
    start: int  # flicks of the media
    end: int
    speed: Fraction


def cut(playback):
    """The part of the media that a strip shows. Frames in which a strip only holds its first or
    last picture are left out: nobody moves there."""
    step = playback.rate * playback.effect

    def shown(frame):
        return (playback.left + (frame - playback.left) * playback.effect - playback.content_start) * playback.rate

    left, right = playback.left, playback.right
    if shown(left) < 0:
        left += math.ceil(-shown(left) / step)
    # A picture held for at most half a frame does not count: strips end at whole frames, contents
    # need not.
    beyond = shown(right) - playback.content_frames
    if beyond * 2 > step:
        right -= math.ceil(beyond / step)
    if right <= left:
        raise Problem("the strip only holds a single picture of its media: there is no movement to follow")

    def flicks(frame):
        return round((playback.skipped + shown(frame)) / playback.media_rate * FLICKS_PER_SECOND)

    return Cut(left, right, flicks(left), flicks(right), step * playback.scene_rate / playback.media_rate)


def scene_rate(fps, base):
    """Frame rate of a scene: Blender has a whole number and a divisor in single precision, such
    as 30 and 1.001, or 3 and 0.1."""
    return Fraction(fps) / Fraction(base).limit_denominator(10_000)


def media_rate(fps):
    """Frame rate of a media, given in single precision: rounded to a whole number or NTSC's
    fraction of one if it is close."""
    if not math.isfinite(fps) or fps <= 0:
        raise Problem(f"the media's frame rate is {fps}; it must be above 0")
    for usual in (Fraction(round(fps)), Fraction(round(fps * 1.001) * 1000, 1001)):
        if usual > 0 and abs(fps / usual - 1) < 5e-7:
            return usual
    return Fraction(fps).limit_denominator(1001)


def play_rate(content_frames, length, factor, ratio):
    """Frames of the media per frame of the timeline, from their length there, which is known to
    within a frame.

    `factor` is the strip's own speed, None if it is not known; `ratio` is the media's rate over the
    scene's: Blender shows media frame by frame, or at the media's true speed, and does not report
    which.
    """
    if content_frames <= 0 or length <= 0:
        raise Problem(f"the strip has {content_frames} frames in a length of {length}; both must be above 0")
    likely = [rate * (factor or 1) for rate in (ratio, Fraction(1))]
    rate = min(likely, key=lambda rate: abs(content_frames / rate - length))
    if factor is not None or abs(content_frames / rate - length) <= 1:
        return rate
    # A retimed strip: use the simplest ratio that gives this length, such as 3/2 for 150 %.
    for terms in range(1, 10_000):
        rate = Fraction(content_frames / length).limit_denominator(terms)
        if rate > 0 and abs(content_frames / rate - length) <= Fraction(1, 2):
            return rate
    return Fraction(content_frames) / Fraction(length)
