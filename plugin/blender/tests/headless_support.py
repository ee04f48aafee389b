"""What the tests of headless.py share: the files, Blender's sequencer, and what is heard and seen.

The paths come from the command line of headless.py. The add-on that it names is copied, and the
copy is what is loaded.
"""

import os
import shutil
import subprocess
import sys

import bpy
import numpy

ADDONS, GIVEN, OUT = (os.path.abspath(path) for path in sys.argv[sys.argv.index("--") + 1 :])
RATE = 48_000
COPY = os.path.join(OUT, "addons")
PLACES = os.path.join(COPY, "kinescore", "places.json")
CLIP = os.path.join(OUT, "clip.mp4")
COUNTER = os.path.join(OUT, "counter.mp4")
COUNTED = 100
NOBODY = os.path.join(OUT, "nobody.mp4")
BLEND = os.path.join(OUT, "project.blend")

shutil.copytree(os.path.join(ADDONS, "kinescore"), os.path.join(COPY, "kinescore"))
sys.path.insert(0, COPY)
# Of its own, so that the first soundtrack is really made.
os.environ["KINESCORE_CACHE"] = os.path.join(OUT, "cache")


class PassedOver(Exception):
    """What cannot be tried here."""


# Tools


def expect(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}; wanted: {wanted!r}")


def expect_near(got, wanted, slack, what):
    if not abs(got - wanted) <= slack:
        raise AssertionError(f"{what}: {got}; wanted: {wanted} ± {slack}")


def expect_in(part, whole, what):
    if part not in whole:
        raise AssertionError(f"{what}: {whole!r}; wanted something with {part!r}")


def module(name):
    return sys.modules["kinescore." + name]


def scene():
    return bpy.context.scene


def editor():
    return scene().sequence_editor


def strips():
    return editor().strips if hasattr(editor(), "strips") else editor().sequences


def strip(name):
    """Looked up each time: undoing and opening replace all strips."""
    return strips()[name]


def sounds():
    return [each for each in strips() if each.type == "SOUND"]


def the_sound():
    expect(len(sounds()), 1, "number of sound strips")
    return sounds()[0]


def new_project(fps=25, base=1.0):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene().render.fps, scene().render.fps_base = fps, base
    scene().sequence_editor_create()
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene()


def add_movie(name, path, channel, frame):
    movie = strips().new_movie(name, path, channel, frame)
    choose(movie)
    return movie


def choose(movie):
    for each in strips():
        each.select = False
    movie.select = True
    editor().active_strip = movie


def generate_error():
    """The sentence of a generation that must fail."""
    try:
        bpy.ops.kinescore.generate()
    except RuntimeError as error:
        return str(error)
    raise AssertionError("a soundtrack was generated where there can be none")


def status(name="clip"):
    return module("soundtracks").status_of(strip(name))


def record():
    return module("soundtracks").record_of(the_sound())


def wav_path():
    return module("strips").sound_file(the_sound())


def outside(command):
    """Runs an outside program, which must end well and within three minutes; gives what it
    printed."""
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=180).stdout


def samples(path):
    """One channel of a file's sound."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-vn", "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return numpy.frombuffer(outside(command), dtype=numpy.float32)


def lag(heard, wanted):
    """Where in `heard` the sound `wanted` begins, in samples, and how alike they are there, 0 to
    1."""
    size = 1 << (len(heard) + len(wanted)).bit_length()
    product = numpy.fft.irfft(numpy.fft.rfft(heard, size) * numpy.conj(numpy.fft.rfft(wanted, size)), size)
    place = int(numpy.argmax(product))
    start = place if place <= len(heard) else place - size
    overlap = wanted[max(-start, 0) : len(heard) - start]
    part = heard[max(start, 0) : max(start, 0) + len(overlap)]
    return start, float(product[place] / (numpy.linalg.norm(part) * numpy.linalg.norm(overlap)))


def expect_heard(output, first_frame, strip_frame, slack_frames=1.0):
    """Measures in Blender's output where the soundtrack begins: it must be with its strip."""
    fps = scene().render.fps / scene().render.fps_base
    start, alike = lag(samples(output), samples(wav_path()))
    wanted = (strip_frame - first_frame) / fps
    print(f"    heard at {start / RATE:.5f} s, wanted at {wanted:.5f} s, likeness {alike:.3f}")
    expect_near(start / RATE, wanted, slack_frames / fps, "start of the soundtrack in the output, seconds")
    expect_near(alike, 1, 0.1, "likeness of output and soundtrack")


def mixdown(name):
    path = os.path.join(OUT, name)
    with bpy.context.temp_override(scene=scene()):
        bpy.ops.sound.mixdown(filepath=path, container="WAV", codec="PCM", format="S16")
    return path


def render_film(name):
    render = scene().render
    render.filepath = os.path.join(OUT, name)
    render.resolution_x, render.resolution_y, render.resolution_percentage = 64, 36, 100
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MKV", "MPEG4"
    render.ffmpeg.audio_codec, render.ffmpeg.audio_mixrate = "PCM", RATE
    bpy.ops.render.render(animation=True)
    return os.path.join(OUT, name)


def shown(frame):
    """Number of the frame of the counting video that Blender shows at a frame of the timeline."""
    render = scene().render
    render.filepath = os.path.join(OUT, "shown.png")
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
    scene().frame_set(frame)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(render.filepath, check_existing=False)
    grey = image.pixels[4 * (32 * 64 + 32)]
    bpy.data.images.remove(image)
    return round(grey * 219 / 2)


def fingerprint(path):
    with open(path, "rb") as file:
        return (os.stat(path).st_mtime_ns, file.read())
