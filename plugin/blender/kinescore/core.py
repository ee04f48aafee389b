"""libkinescore, by ctypes. This module does not use Blender."""

import ctypes
import hashlib
import os
from collections import OrderedDict
from ctypes import POINTER, byref, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from fractions import Fraction

ABI_VERSION = 0
FLICKS_PER_SECOND = 705_600_000

_OK = 0
_CANCELLED = 7
_GREATEST_TERM = 2**32 - 1
# Number of jobs kept open: an edit of a recently rendered clip then takes a fraction of a second.
_JOBS_KEPT = 4


class Problem(Exception):
    """A failure, as a sentence for the user."""

    def __init__(self, sentence, cancelled=False):
        super().__init__(sentence)
        self.cancelled = cancelled


@dataclass(frozen=True)
class Places:
    """Where the library and its resources are; "" means the library's own default."""

    library: str
    models: str = ""
    onnxruntime: str = ""
    cache: str = ""


@dataclass(frozen=True)
class SoundOrder:
    """A requested soundtrack."""

    media: str
    start: int  # start of the part of the media that is heard, flicks
    end: int  # its end, flicks
    speed: Fraction  # its playback speed
    settings: tuple  # pairs (key, value), both text
    marks: str = ""  # what the user has corrected, as JSON; "" for nothing


@dataclass(frozen=True)
class Soundtrack:
    """The properties of a finished soundtrack."""

    beats: tuple  # pairs (seconds from the start of the soundtrack, number in the bar)
    tempo: float
    key: str


class _Resources(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("threads", c_uint32),
        ("models", c_char_p),
        ("onnxruntime", c_char_p),
        ("soundfont", c_char_p),
        ("cache", c_char_p),
        ("cache_limit", c_uint64),
    ]


class _Summary(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("people", c_uint32),
        ("duration", c_double),
        ("tempo", c_double),
        ("confidence", c_double),
        ("beats_per_bar", c_uint32),
        ("beats_source", c_uint32),
        ("beats", c_uint64),
        ("accents", c_uint64),
        ("notes", c_uint64),
        ("key_tonic", c_int32),
        ("key_mode", c_int32),
        ("loudness", c_double),
        ("true_peak", c_double),
        ("style", ctypes.c_char * 32),
    ]


class _Beat(ctypes.Structure):
    _fields_ = [("time", c_double), ("number", c_uint32), ("reserved", c_uint32)]


_Progress = ctypes.CFUNCTYPE(c_int32, c_void_p, c_int32, c_double, c_double)

# The functions that are used, with their argument types. All return a status, except those below.
_FUNCTIONS = {
    "settings_new": [POINTER(c_void_p)],
    "settings_set": [c_void_p, c_char_p, c_char_p],
    "engine_new": [POINTER(_Resources), POINTER(c_void_p)],
    "engine_key": [c_void_p, c_void_p, c_char_p, c_int64, c_int64, c_uint32, c_uint32, c_char_p, c_size_t, POINTER(c_size_t)],
    "job_new": [c_void_p, c_void_p, POINTER(c_void_p)],
    "job_open_video": [c_void_p, c_char_p],
    "job_set_marks": [c_void_p, c_char_p],
    "job_set_cut": [c_void_p, c_int64, c_int64, c_uint32, c_uint32],
    "job_run": [c_void_p, _Progress, c_void_p],
    "job_summary": [c_void_p, POINTER(_Summary)],
    "job_beats": [c_void_p, POINTER(_Beat), c_size_t, POINTER(c_size_t)],
    "job_music_key": [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)],
    "job_write": [c_void_p, c_char_p, c_char_p],
}
_OTHERS = {
    "last_error": ([], c_char_p),
    "settings_free": ([c_void_p], None),
    "job_free": ([c_void_p], None),
}


class Core:
    """Makes soundtracks. The library is opened at the first use; if that fails, each call tries
    again, so that a repair works without a restart. Must be used by one thread at a time."""

    def __init__(self, find):
        self._find = find  # returns the places
        self._library = None
        self._engine = None
        self._jobs = OrderedDict()  # the most recently used is the last

    def key(self, order):
        """Key of a soundtrack: orders with the same key give the same sound. The media is read,
        not decoded."""
        self._open()
        settings = self._settings(order.settings)
        try:
            cut = (order.start, order.end, *_terms(order))
            key = self._text("engine_key", self._engine, settings, _bytes(order.media), *cut)
            # The library's own key for marks takes opening the media.
            return key + ("-" + hashlib.sha256(order.marks.encode()).hexdigest() if order.marks else "")
        finally:
            self._library.settings_free(settings)

    def make(self, order, files, progress):
        """Makes a soundtrack and writes it: `files` has the path of each format. `progress` is
        called with the share that is done, 0 to 1; returning False cancels. Returns a
        Soundtrack."""
        self._open()
        name, job = self._job(order)
        thrown = []

        def reported(_user, _stage, _stage_done, done):
            # No exception may pass through the library.
            try:
                return 1 if progress(done) else 0
            except Exception as error:
                thrown.append(error)
                return 0

        try:
            self._call("job_set_marks", job, order.marks.encode())
            self._call("job_set_cut", job, order.start, order.end, *_terms(order))
            self._call("job_run", job, _Progress(reported), None)
            for format_name, path in files.items():
                self._call("job_write", job, format_name.encode(), _bytes(path))
            return self._soundtrack(job)
        except Problem as problem:
            if thrown:
                raise thrown[0] from None
            # After a cancellation the job can continue; after any other failure its state is not
            # reliable.
            if not problem.cancelled:
                self._drop(name)
            raise

    def close(self):
        """Frees the open jobs."""
        for name in list(self._jobs):
            self._drop(name)

    def _open(self):
        if self._engine is not None:
            return
        places = self._find()
        library = _load(places.library)
        resources = _Resources(
            struct_size=ctypes.sizeof(_Resources),
            models=_bytes(places.models),
            onnxruntime=_bytes(places.onnxruntime),
            cache=_bytes(places.cache),
        )
        engine = c_void_p()
        self._library = library
        self._call("engine_new", byref(resources), byref(engine))
        # It lives as long as the process, like the models and ONNX Runtime.
        self._engine = engine

    def _call(self, name, *arguments):
        status = getattr(self._library, name)(*arguments)
        if status != _OK:
            sentence = self._library.last_error().decode("utf-8", "replace")
            raise Problem(sentence, cancelled=status == _CANCELLED)

    def _text(self, name, *arguments):
        size = c_size_t()
        self._call(name, *arguments, None, 0, byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        self._call(name, *arguments, buffer, size.value, byref(size))
        return buffer.value.decode("utf-8", "replace")

    def _settings(self, values):
        settings = c_void_p()
        self._call("settings_new", byref(settings))
        try:
            for key, value in values:
                self._call("settings_set", settings, key.encode(), _bytes(value))
        except Problem:
            self._library.settings_free(settings)
            raise
        return settings

    def _job(self, order):
        """The open job of a media with these settings, or a new one, and its name."""
        name = (order.media, stamp(order.media), order.settings)
        if name in self._jobs:
            self._jobs.move_to_end(name)
            return name, self._jobs[name]
        settings = self._settings(order.settings)
        job = c_void_p()
        try:
            self._call("job_new", self._engine, settings, byref(job))
        finally:
            self._library.settings_free(settings)
        self._jobs[name] = job
        try:
            self._call("job_open_video", job, _bytes(order.media))
        except Problem:
            self._drop(name)
            raise
        while len(self._jobs) > _JOBS_KEPT:
            self._drop(next(iter(self._jobs)))
        return name, job

    def _drop(self, name):
        self._library.job_free(self._jobs.pop(name))

    def _soundtrack(self, job):
        summary = _Summary(struct_size=ctypes.sizeof(_Summary))
        self._call("job_summary", job, byref(summary))
        count = c_size_t()
        self._call("job_beats", job, None, 0, byref(count))
        beats = (_Beat * count.value)()
        self._call("job_beats", job, beats, count.value, byref(count))
        return Soundtrack(
            beats=tuple((beat.time, beat.number) for beat in beats),
            tempo=summary.tempo,
            key=self._text("job_music_key", job),
        )


def _load(path):
    """The library at an absolute path, with its interface checked and its functions declared."""
    if not os.path.isabs(path):
        raise Problem(f'libkinescore is named by "{path}"; an absolute path is needed')
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise Problem(f"Kinescore's library cannot be opened, please run `kinescore install blender` again: {error}") from None
    version = _function(library, path, "abi_version", [], c_uint32)()
    if version != ABI_VERSION:
        raise Problem(
            f"{path}: has interface {version}; expected {ABI_VERSION}: install add-on and library from the same release"
        )
    declared = type("Library", (), {})()
    for name, arguments in _FUNCTIONS.items():
        setattr(declared, name, _function(library, path, name, arguments, c_int32))
    for name, (arguments, result) in _OTHERS.items():
        setattr(declared, name, _function(library, path, name, arguments, result))
    return declared


def _function(library, path, name, arguments, result):
    try:
        function = library["kinescore_" + name]
    except AttributeError:
        raise Problem(f"{path}: is not a libkinescore: it lacks kinescore_{name}") from None
    function.argtypes = arguments
    function.restype = result
    return function


def _terms(order):
    """The speed in the library's form."""
    speed = order.speed
    if not 0 < max(speed.numerator, speed.denominator) <= _GREATEST_TERM or speed <= 0:
        raise Problem(f"{order.media}: is played at a speed of {speed}; expected a ratio of numbers from 1 to {_GREATEST_TERM}")
    return speed.numerator, speed.denominator


def _bytes(text):
    # Paths that are not UTF-8 arrive as surrogates, which only this turns back into bytes.
    return os.fsencode(text)


def stamp(path):
    """Size and modification time of a file, to detect changes; None if there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns)
