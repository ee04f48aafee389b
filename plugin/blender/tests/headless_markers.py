"""Tests of timeline markers in Blender: those of beats, and those of the user. Part of headless.py."""

from fractions import Fraction

import bpy
import numpy

from headless_support import BLEND, RATE, expect, expect_near, fingerprint, module, record, samples, scene, status, strip, the_sound, wav_path


def test_markers():
    scene().timeline_markers.new("mine", frame=7)
    strip("clip").kinescore.markers = True
    bpy.ops.kinescore.refresh()
    beats = [marker for marker in scene().timeline_markers if marker.name.startswith("beat ")]
    expect(len(beats), len(record()["beats"]), "number of markers")
    frames = sorted(marker.frame for marker in beats)
    expect_near(frames[0], 111 + record()["beats"][0][0] * 25, 0.51, "frame of the first beat")
    before = fingerprint(wav_path())
    bpy.ops.kinescore.refresh()
    expect(fingerprint(wav_path()), before, "the file, as nothing was moved")
    places = listed_beats()
    # A marker that is moved fixes its beat; the others stay where they are.
    moved = sorted(places, key=places.get)[2]
    # In the interface, a timer asks this.
    expect(module("soundtracks").markers_changed(), False, "that markers were changed, before")
    scene().timeline_markers[moved].frame += 3
    expect(module("soundtracks").markers_changed(), True, "that markers were changed")
    bpy.ops.kinescore.refresh()
    expect(module("soundtracks").markers_changed(), False, "that markers were changed, afterwards")
    wanted = {**places, moved: places[moved] + 3}
    expect(listed_beats(), wanted, "markers after one was moved")
    expect(status(), "up to date", "status")
    expect(fingerprint(wav_path())[1] != before[1], True, "that other sound was made")
    number = int(moved.split(".")[1])
    _media, start, _end, speed = record()["cut"]
    along = (wanted[moved] - the_sound().frame_final_start) / 25 * float(Fraction(speed))
    time = start / module("core").FLICKS_PER_SECOND + along
    fixed = [(at / module("core").FLICKS_PER_SECOND, beat) for at, beat in record()["fixed"] if beat]
    expect(len(fixed), 1, "number of beats that were moved")
    expect_near(fixed[0][0], time, 1e-6, "time of the fixed beat")
    expect(fixed[0][1], number, "number of the fixed beat")
    after = fingerprint(wav_path())
    bpy.ops.kinescore.refresh()
    expect(fingerprint(wav_path()), after, "the file, as nothing else was moved")
    # The strip takes its markers along, with the fixed beat.
    strip("clip").frame_start += 7
    bpy.ops.kinescore.refresh()
    expect(listed_beats(), {name: frame + 7 for name, frame in wanted.items()}, "markers of a strip that was moved")
    expect(fingerprint(wav_path()), after, "the file, as only the strip was moved")
    strip("clip").frame_start -= 7
    bpy.ops.kinescore.refresh()
    # It is saved with the project.
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=BLEND)
    bpy.ops.kinescore.refresh()
    expect((listed_beats(), fingerprint(wav_path())), (wanted, after), "markers and file after reopening")
    # Deleting its marker releases the beat, which is shown again where it was found.
    scene().timeline_markers.remove(scene().timeline_markers[moved])
    bpy.ops.kinescore.refresh()
    expect((listed_beats(), record()["fixed"]), (places, []), "markers after the fixed one was deleted")
    expect(fingerprint(wav_path())[1], before[1], "the sound, as before")
    strip("clip").kinescore.markers = False
    bpy.ops.kinescore.refresh()
    expect([marker.name for marker in scene().timeline_markers], ["mine"], "markers that stay")


def listed_beats():
    return {marker.name: marker.frame for marker in scene().timeline_markers if marker.name.startswith("beat ")}


def test_markers_as_marks():
    before, middle = fingerprint(wav_path()), the_sound().frame_final_start + 53
    for name in ("a note", "hitchcock"):
        scene().timeline_markers.new(name, frame=middle)
    bpy.ops.kinescore.refresh()
    expect(fingerprint(wav_path()), before, "the file, as no marker is a mark")
    hit = scene().timeline_markers.new("Hit stop", frame=middle)
    bpy.ops.kinescore.refresh()
    expect(status(), "up to date", "status")
    expect(fingerprint(wav_path())[1] != before[1], True, "that other sound was made")
    expect_near(onset(samples(wav_path()), 53 / 25), 53 / 25, 0.005, "start of the hit, seconds")
    after = fingerprint(wav_path())
    bpy.ops.kinescore.refresh()
    expect(fingerprint(wav_path()), after, "the file, as nothing was moved")
    # Without it, or outside the strip, the sound is as it was.
    hit.frame = the_sound().frame_final_end
    bpy.ops.kinescore.refresh()
    expect(fingerprint(wav_path())[1], before[1], "the sound, as before")
    for marker in list(scene().timeline_markers):
        if marker.name != "mine":
            scene().timeline_markers.remove(marker)


def onset(sound, around):
    """Where a sound becomes louder most suddenly, seconds, within a tenth of a second around a
    time."""
    energy = numpy.convolve(sound**2, numpy.ones(384), "valid")
    from_, to = (round((around + by) * RATE) for by in (-0.1, 0.1))
    rise = energy[from_:to] - energy[from_ - 384 : to - 384]
    return around - 0.1 + int(numpy.argmax(rise)) / RATE
