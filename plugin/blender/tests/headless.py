"""The add-on in Blender without a window, on a real clip.

    blender -b --factory-startup --python-exit-code 1 --python headless.py -- ADDONS CLIP OUT

ADDONS holds the installed add-on (`kinescore install blender --to ADDONS`), CLIP shows people, OUT
is an empty folder. With Blender as a Python module it is `python headless.py -- ADDONS CLIP OUT`.
ffmpeg and a C compiler are needed. Sound is measured in Blender's own output.
"""

import compileall
import json
import os
import shutil
import sys
import time
import traceback

import bpy

import addon_utils  # isort: skip (it is there once bpy is)

# Blender does not add the folder of a script.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from headless_markers import test_markers, test_markers_as_marks  # noqa: E402
from headless_support import (  # noqa: E402
    BLEND,
    CLIP,
    COPY,
    COUNTED,
    COUNTER,
    GIVEN,
    NOBODY,
    OUT,
    PLACES,
    PassedOver,
    RATE,
    add_movie,
    choose,
    editor,
    expect,
    expect_heard,
    expect_in,
    expect_near,
    fingerprint,
    generate_error,
    mixdown,
    module,
    new_project,
    outside,
    record,
    render_film,
    samples,
    scene,
    shown,
    sounds,
    status,
    strip,
    strips,
    the_sound,
    wav_path,
)


def test_registering_is_quick_and_opens_nothing():
    # As at every start except the first.
    compileall.compile_dir(COPY, quiet=2)
    started = time.process_time()
    if addon_utils.enable("kinescore", default_set=True) is None:
        raise AssertionError("the add-on cannot be enabled")
    took = time.process_time() - started
    print(f"    {took * 1000:.1f} ms")
    expect_near(took, 0, 0.05, "seconds that enabling takes")
    with open("/proc/self/maps", encoding="utf-8") as maps:
        expect("libkinescore" in maps.read(), False, "the library is loaded before it is used")


def test_again():
    addon_utils.disable("kinescore")
    addon_utils.enable("kinescore", default_set=True)


def test_missing_library():
    new_project()
    add_movie("clip", CLIP, 2, 31)
    with open(PLACES, encoding="utf-8") as file:
        places = file.read()
    absent = os.path.join(OUT, "no", "libkinescore.so")
    with open(PLACES, "w", encoding="utf-8") as file:
        json.dump({"library": absent}, file)
    expect_in(absent, generate_error(), "a library that is missing")
    expect_in(absent, status(), "status")
    os.remove(PLACES)
    expect_in(f"tried {PLACES}", generate_error(), "places.json that is missing")
    with open(PLACES, "w", encoding="utf-8") as file:
        file.write("{")
    expect_in(f"{PLACES}: is damaged", generate_error(), "places.json that is damaged")
    test_wrong_interface()
    with open(PLACES, "w", encoding="utf-8") as file:
        file.write(places)
    expect(len(sounds()), 0, "sound strips after failures")


def test_wrong_interface():
    source, library = os.path.join(OUT, "other.c"), os.path.join(OUT, "other.so")
    with open(source, "w", encoding="utf-8") as file:
        file.write("unsigned kinescore_abi_version(void) { return 99; }\n")
    outside(["cc", "-shared", "-fPIC", "-o", library, source])
    with open(PLACES, "w", encoding="utf-8") as file:
        json.dump({"library": library}, file)
    expect_in("has interface 99; expected 0", generate_error(), "a library of another interface")


def test_cancelling():
    new_project()
    add_movie("clip", CLIP, 2, 31)
    bpy.ops.wm.save_as_mainfile(filepath=BLEND)
    soundtracks = module("soundtracks")
    name = soundtracks.generate(scene(), strip("clip"))
    task = soundtracks.state.tasks[name]
    until = time.monotonic() + 30
    while task.done < 0.02 and not task.ended.is_set() and time.monotonic() < until:
        time.sleep(0.02)
    started = time.monotonic()
    bpy.ops.kinescore.cancel()
    task.ended.wait(10)
    print(f"    stopped after {time.monotonic() - started:.2f} s at {task.done:.0%}")
    expect(task.problem is not None and task.problem.cancelled, True, "whether it was cancelled")
    expect_near(time.monotonic() - started, 0, 0.5, "seconds until it stopped")
    expect(len(sounds()), 0, "sound strips after cancelling")
    folder = BLEND.replace(".blend", ".soundtracks")
    expect(os.listdir(folder), [], "files after cancelling")


def test_generating():
    started = time.monotonic()
    bpy.ops.kinescore.generate()
    print(f"    {time.monotonic() - started:.1f} s")
    movie, sound = strip("clip"), the_sound()
    expect(sound.channel, 1, "channel of the sound")
    expect((sound.frame_final_start, sound.frame_final_end), (movie.frame_final_start, movie.frame_final_end), "range of the sound")
    expect(status(), "up to date", "status")
    expect(bpy.path.relpath(wav_path()), "//project.soundtracks/" + os.path.basename(wav_path()), "place of the file")
    expect(sound.sound.filepath.startswith("//"), True, "whether the path is relative")
    expect(os.path.exists(wav_path().replace(".wav", ".mid")), True, "whether MIDI is there")
    expect([name for name in os.listdir(os.path.dirname(wav_path())) if ".part" in name], [], "temporary files")
    expect(len(samples(wav_path())), movie.frame_final_duration * RATE // 25, "samples of the sound")
    scene().frame_start, scene().frame_end = 1, movie.frame_final_end
    expect_heard(mixdown("mix.wav"), 1, 31)


def test_generating_again():
    before, name = fingerprint(wav_path()), the_sound().name
    bpy.ops.kinescore.generate()
    expect(the_sound().name, name, "name of the one sound strip")
    expect(fingerprint(wav_path()), before, "the file")


def test_settings():
    chosen = strip("clip").kinescore
    chosen.music_instruments, chosen.drums_style, chosen.pose_person_all = {"drums"}, "funk", True
    bpy.ops.kinescore.refresh()
    expect_in("other settings", status(), "status when a setting was changed")
    before = fingerprint(wav_path())
    bpy.ops.kinescore.generate()
    expect(status(), "up to date", "status")
    expect(dict(record()["settings"])["drums.style"], "funk", "setting of the soundtrack")
    expect(dict(record()["settings"])["music.instruments"], "drums", "setting of the soundtrack")
    expect(dict(record()["settings"])["pose.person"], "all", "setting of the soundtrack")
    expect(fingerprint(wav_path()) == before, False, "whether the file stayed the same")
    expect(scene().kinescore.drums_style, "funk", "the setting used last")
    chosen.music_chords = "no chords"
    expect_in("chord", generate_error(), "a setting that is not allowed")
    chosen.music_chords = "auto"
    bpy.ops.kinescore.generate()
    expect(status(), "up to date", "status")


def test_trims():
    movie, path = strip("clip"), wav_path()
    movie.frame_final_start = 61
    movie.frame_final_end = 191
    started = time.monotonic()
    bpy.ops.kinescore.refresh()
    print(f"    followed in {time.monotonic() - started:.2f} s")
    expect((the_sound().frame_final_start, the_sound().frame_final_end), (61, 191), "range of the sound")
    expect(wav_path(), path, "file of the sound")
    expect(len(samples(path)), 130 * RATE // 25, "samples of the sound")
    expect(the_sound().frame_duration, 130, "length that the strip knows of")
    # 30 frames of a video at 30 frames a second are cut away.
    expect(record()["cut"][1], module("core").FLICKS_PER_SECOND, "start of the cut, flicks")
    expect_heard(mixdown("trimmed.wav"), 1, 61)
    movie.frame_final_end = 241
    bpy.ops.kinescore.refresh()
    expect(the_sound().frame_duration, 180, "length of a sound that became longer")
    movie.frame_final_end = 191
    bpy.ops.kinescore.refresh()


def test_rendering_follows():
    movie = strip("clip")
    movie.frame_final_start = 71
    movie.frame_final_end = 151
    # No refresh: the render itself does it.
    scene().frame_start, scene().frame_end = 41, 140
    film = render_film("film.mkv")
    expect(len(samples(wav_path())), 80 * RATE // 25, "samples of the sound")
    expect_heard(film, 41, 71)


def test_moves():
    before, movie = fingerprint(wav_path()), strip("clip")
    movie.frame_start += 40
    bpy.ops.kinescore.refresh()
    expect((the_sound().frame_final_start, the_sound().frame_final_end), (111, 191), "range of the sound")
    movie.channel = 5
    bpy.ops.kinescore.refresh()
    expect(the_sound().channel, 4, "channel of the sound")
    the_sound().channel = 2
    bpy.ops.kinescore.refresh()
    expect(the_sound().channel, 2, "channel that the user has chosen")
    expect(fingerprint(wav_path()), before, "the file")
    scene().frame_start, scene().frame_end = 101, 200
    expect_heard(mixdown("moved.wav"), 101, 111)


def test_slip():
    movie, before = strip("clip"), record()["cut"]
    left, right = movie.frame_final_start, movie.frame_final_end
    movie.frame_start -= 10
    movie.frame_final_start, movie.frame_final_end = left, right
    bpy.ops.kinescore.refresh()
    tenth = module("core").FLICKS_PER_SECOND * 10 // 30
    expect(record()["cut"][1:3], [before[1] + tenth, before[2] + tenth], "the cut")
    expect((the_sound().frame_final_start, the_sound().frame_final_end), (left, right), "range of the sound")


def test_reopening():
    # The render below would fail if it made anything: there is no library.
    bpy.ops.wm.save_mainfile()
    before, written = fingerprint(wav_path()), the_sound()["kinescore_soundtrack"]
    places = (the_sound().frame_final_start, the_sound().frame_final_end, the_sound().channel, the_sound().name)
    worker = module("soundtracks")._worker
    submit = worker.submit
    worker.submit = lambda task: expect(task.order, None, "work after reopening")
    try:
        bpy.ops.wm.open_mainfile(filepath=BLEND)
        bpy.ops.kinescore.refresh()
        bpy.ops.wm.save_mainfile()
    finally:
        worker.submit = submit
    expect(status(), "up to date", "status")
    expect(fingerprint(wav_path()), before, "the file")
    expect(the_sound()["kinescore_soundtrack"], written, "the record")
    expect((the_sound().frame_final_start, the_sound().frame_final_end, the_sound().channel, the_sound().name), places, "places")
    expect(strip("clip").kinescore.drums_style, "funk", "setting of the strip")


def test_reopening_with_a_newer_file():
    # Trimmed, but not saved: the file is that of the trim, the project is not.
    strip("clip").frame_final_end -= 10
    bpy.ops.kinescore.refresh()
    bpy.ops.wm.open_mainfile(filepath=BLEND)
    bpy.ops.kinescore.refresh()
    expect(status(), "up to date", "status")
    expect(len(samples(wav_path())), 80 * RATE // 25, "samples of the sound")


def test_moved_project():
    elsewhere = os.path.join(OUT, "elsewhere")
    os.mkdir(elsewhere)
    for name in ("clip.mp4", "project.blend", "project.soundtracks"):
        source = os.path.join(OUT, name)
        (shutil.copytree if os.path.isdir(source) else shutil.copy2)(source, os.path.join(elsewhere, name))
    here = fingerprint(wav_path())
    bpy.ops.wm.open_mainfile(filepath=os.path.join(elsewhere, "project.blend"))
    expect(os.path.dirname(wav_path()), os.path.join(elsewhere, "project.soundtracks"), "folder of the sound")
    strip("clip").frame_final_end -= 5
    bpy.ops.kinescore.refresh()
    expect(os.path.dirname(wav_path()), os.path.join(elsewhere, "project.soundtracks"), "folder of the sound")
    bpy.ops.wm.open_mainfile(filepath=BLEND)
    expect(fingerprint(wav_path()), here, "the file of the project that was copied")


def split(name, frame):
    return strip(name).split(frame=frame, split_method="SOFT")


def test_copies():
    movie = strip("clip")
    middle = movie.frame_final_start + 80
    # Like the user's knife with both selected. Either half is long enough for music.
    movie.frame_final_end = middle + 90
    bpy.ops.kinescore.refresh()
    right = split("clip", middle)
    sound_right = split(the_sound_of("clip").name, middle)
    bpy.ops.kinescore.refresh()
    names = {right.name: sound_right, "clip": the_sound_of("clip")}
    expect(len(sounds()), 2, "sound strips of two halves")
    expect(strip("clip")["kinescore_id"] == right["kinescore_id"], False, "whether both halves have one id")
    paths = {module("strips").sound_file(each) for each in sounds()}
    expect(len(paths), 2, "files of two halves")
    for name, half in names.items():
        expect((half.frame_final_start, half.frame_final_end), (strip(name).frame_final_start, strip(name).frame_final_end), name)
        expect(status(name), "up to date", name)
    # A movie strip split without its sound: the left part keeps it.
    alone = split("clip", strip("clip").frame_final_end - 5).name
    bpy.ops.kinescore.refresh()
    expect(len(sounds()), 2, "sound strips after a split of a movie strip alone")
    expect("kinescore_id" in strip(alone), False, "whether the right part has a soundtrack")
    strips().remove(strip(alone))


def the_sound_of(name):
    return module("soundtracks").sound_of(scene(), strip(name))


def test_deleting():
    others = len(sounds()) - 1
    file = module("strips").sound_file(the_sound_of("clip"))
    strips().remove(strip("clip"))
    bpy.ops.kinescore.refresh()
    expect(len(sounds()), others, "sound strips after a movie strip was deleted")
    expect(os.path.exists(file), True, "whether the file is there still")
    bpy.ops.wm.open_mainfile(filepath=BLEND)
    choose(strip("clip"))
    file = wav_path()
    bpy.ops.kinescore.remove()
    expect(len(sounds()), 0, "sound strips after Remove")
    bpy.ops.kinescore.generate()
    expect(wav_path(), file, "file of the soundtrack after Remove and Generate")


def test_foreign_files():
    new_project()
    add_movie("clip", CLIP, 1, 1)
    blend = os.path.join(OUT, "foreign.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    folder = os.path.join(OUT, "foreign.soundtracks")
    os.mkdir(folder)
    foreign = os.path.join(folder, os.path.splitext(os.path.basename(CLIP))[0] + ".soundtrack.wav")
    with open(foreign, "w", encoding="utf-8") as file:
        file.write("somebody else's")
    bpy.ops.kinescore.generate()
    with open(foreign, encoding="utf-8") as file:
        expect(file.read(), "somebody else's", "a file that is not ours")
    expect(the_sound().channel, 2, "channel where there is none below")


def test_meta_strip():
    new_project()
    meta = strips().new_meta("meta", 3, 1)
    add_movie("clip", CLIP, 2, 1).move_to_meta(meta)
    inside = meta.strips if hasattr(meta, "strips") else meta.sequences
    editor().active_strip = inside["clip"]
    module("soundtracks").generate(scene(), inside["clip"])
    module("soundtracks").wait()
    expect(module("soundtracks").collect(), [], "sentences")
    expect([each.type for each in inside], ["MOVIE", "SOUND"], "strips in the meta strip")
    inside["clip"].frame_final_end = 121
    bpy.ops.kinescore.refresh()
    expect((inside[1].frame_final_start, inside[1].frame_final_end), (inside["clip"].frame_final_start, 121), "range of the sound")
    # Blender counts a frame that has begun.
    expect_near(inside[1].frame_duration, inside["clip"].frame_final_duration, 1, "length that the strip knows of")


def test_nobody():
    new_project()
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(OUT, "nobody.blend"))
    add_movie("nobody", NOBODY, 2, 1)
    sentence = generate_error()
    print(f"    {sentence.strip()}")
    expect_in(os.path.basename(NOBODY), sentence, "a clip with nobody in it")
    expect_in(os.path.basename(NOBODY), status("nobody"), "status")
    expect(len(sounds()), 0, "sound strips")


def test_what_cannot_be_followed():
    new_project()
    movie = add_movie("clip", CLIP, 2, 1)
    movie.use_reverse_frames = True
    expect_in("backwards", generate_error(), "a strip that is played backwards")


def test_undo():
    new_project()
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(OUT, "undo.blend"))
    add_movie("clip", CLIP, 2, 1)
    bpy.ops.kinescore.generate()
    bpy.ops.ed.undo_push(message="generated")
    strip("clip").frame_final_end = 121
    bpy.ops.ed.undo_push(message="trimmed")
    bpy.ops.kinescore.refresh()
    expect(the_sound().frame_final_end, 121, "end of the sound")
    bpy.ops.ed.undo()
    expect(strip("clip").frame_final_end, 231, "end of the strip after undoing")
    bpy.ops.kinescore.refresh()
    expect(the_sound().frame_final_end, 231, "end of the sound after undoing")
    expect(len(samples(wav_path())), 230 * RATE // 25, "samples of the sound after undoing")
    bpy.ops.ed.redo()
    bpy.ops.kinescore.refresh()
    expect(len(samples(wav_path())), 120 * RATE // 25, "samples of the sound after doing it again")
    expect(status(), "up to date", "status")


def expect_shown(name, frames):
    """Compares the computed part of a strip with what Blender shows."""
    playback = module("strips").playback(scene(), strip(name))
    for frame in frames:
        place = playback.left + (frame - playback.left) * playback.effect - playback.content_start
        expect_near(shown(frame), float(playback.skipped + place * playback.rate) - 0.5, 1, f"picture at frame {frame} of {name}")


def add_speed_control(movie, channel):
    # Releases differ in these names.
    known = strips().bl_rna.functions["new_effect"].parameters
    names = {"length": movie.frame_final_duration, "frame_end": movie.frame_final_end, "input1": movie, "seq1": movie}
    given = {name: value for name, value in names.items() if name in known}
    return strips().new_effect("speed", "SPEED", channel, movie.frame_final_start, **given)


def test_pictures():
    """Checks that the sound belongs to the picture, for all possible edits of a strip."""
    new_project(25)
    scene().render.resolution_x = scene().render.resolution_y = 64
    scene().render.resolution_percentage = 100
    scene().view_settings.view_transform = "Standard"
    add_movie("count", COUNTER, 2, 10)
    expect_shown("count", (10, 11, 50))
    strip("count").frame_final_start = 20
    expect_shown("count", (20, 21, 50))
    strip("count").animation_offset_start = 7
    expect_shown("count", (20, 21, 50))
    if hasattr(strip("count"), "speed_factor"):
        strip("count").speed_factor = 1.5
        start = strip("count").frame_final_start
        expect_shown("count", (start, start + 1, start + 20))
    add_movie("fast", COUNTER, 2, 200)
    effect = add_speed_control(strip("fast"), 3)
    effect.speed_control, effect.speed_factor = "MULTIPLY", 1.5
    strip("fast").frame_final_start = 210
    expect_shown("fast", (210, 211, 240))
    effect.speed_control = "STRETCH"
    strip("fast").frame_final_end = 260
    expect_shown("fast", (210, 211, 240))
    effect.speed_control = "FRAME_NUMBER"
    choose(strip("fast"))
    expect_in("Speed Control", generate_error(), "a speed that cannot be followed")


def test_true_speed():
    """A strip added in the interface plays at its media's own speed, which Blender's scripting
    interface does not report."""
    if getattr(bpy.app, "module", False):
        raise PassedOver("Blender as a Python module crashes in the operator that adds a movie")
    new_project(25)
    scene().render.resolution_x = scene().render.resolution_y = 64
    scene().render.resolution_percentage = 100
    scene().view_settings.view_transform = "Standard"
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.sequencer.movie_strip_add(filepath=COUNTER, frame_start=10, channel=2, sound=False)
    scene().render.fps, scene().render.fps_base = 25, 1.0
    name = strips()[0].name
    expect(module("strips").playback(scene(), strip(name)).rate, module("core").Fraction(6, 5), "frames of the media a frame")
    expect_shown(name, (10, 11, 15, 50, 90))
    strip(name).frame_final_start = 20
    expect_shown(name, (20, 21, 50))


def make_media():
    shutil.copy(GIVEN, CLIP)
    grey = f"color=black:s=64x64:r=30:d=4,geq=lum='16+N*2':cb=128:cr=128"
    for path, source, more in ((COUNTER, grey, ["-qp", "0", "-frames:v", str(COUNTED)]), (NOBODY, "testsrc=s=320x240:r=25:d=4", [])):
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", *more, "-pix_fmt", "yuv420p", path]
        outside(command)


TESTS = [
    test_registering_is_quick_and_opens_nothing,
    test_again,
    test_missing_library,
    test_cancelling,
    test_generating,
    test_generating_again,
    test_settings,
    test_trims,
    test_rendering_follows,
    test_moves,
    test_slip,
    test_markers,
    test_markers_as_marks,
    test_reopening,
    test_reopening_with_a_newer_file,
    test_moved_project,
    test_copies,
    test_deleting,
    test_foreign_files,
    test_meta_strip,
    test_nobody,
    test_what_cannot_be_followed,
    test_undo,
    test_pictures,
    test_true_speed,
]


def main():
    make_media()
    failed, passed_over = [], []
    for test in TESTS:
        print(test.__name__, flush=True)
        try:
            test()
        except PassedOver as reason:
            passed_over.append(f"{test.__name__}: {reason}")
        except Exception as error:
            traceback.print_exc()
            failed.append(f"{test.__name__}: {error}")
    for sentence in passed_over:
        print("PASSED OVER", sentence)
    for sentence in failed:
        print("FAILED", sentence)
    passed = len(TESTS) - len(failed) - len(passed_over)
    print(f"Blender {bpy.app.version_string}: {passed} passed, {len(failed)} failed, {len(passed_over)} skipped", flush=True)
    if failed:
        sys.exit(1)


main()
