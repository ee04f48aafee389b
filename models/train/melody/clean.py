"""Converts MIDI notes to parts on the grid: drum classes, instrument families, quantising and
filtering."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import mido
import numpy as np

CLASSES = 9  # of drums, in the order of GrooVAE (Gillick et al. 2019)
KICK, SNARE, CLOSED_HAT, OPEN_HAT, LOW_TOM, MID_TOM, HIGH_TOM, CRASH, RIDE = range(CLASSES)

# General MIDI percussion by class. Apart from the drum kit, timekeeping percussion counts as a hat,
# claps as a snare, hand drums as toms; bells, blocks, whistles, guiros and the like are not part of
# a kit and are left out.
DRUM_PITCHES = {
    KICK: (35, 36),
    SNARE: (37, 38, 39, 40),
    CLOSED_HAT: (22, 42, 44, 54, 69, 70, 82),
    OPEN_HAT: (26, 46),
    LOW_TOM: (41, 43, 45, 58, 64, 66),
    MID_TOM: (47, 48, 61, 63),
    HIGH_TOM: (50, 60, 62, 65),
    CRASH: (49, 52, 55, 57),
    RIDE: (51, 53, 59),
}
CLASS_OF = {pitch: drum for drum, pitches in DRUM_PITCHES.items() for pitch in pitches}

INSTRUMENTS = ("piano", "guitar", "bass")
PIANO, GUITAR, BASS = range(3)
RANGES = ((28, 96), (40, 88), (28, 60))  # lowest and highest MIDI pitch of each instrument

STEPS_PER_BEAT = 4
UNITS_PER_STEP = 2  # a duration unit is a thirty-second
LONGEST = 64  # units
MOST_OFF = 0.10  # share of notes that may lie off the grid
OFF = 1 / 3  # of a step; farther from the nearest sixteenth than this is off the grid
FEWEST_BARS = 0.25  # a part plays in at least this share of the bars


def instrument_of(program: int) -> int | None:
    """The instrument of a General MIDI program (0..127): pianos (including electric ones), guitars,
    basses; None for all others."""
    return {0: PIANO, 3: GUITAR, 4: BASS}.get(program // 8)


@dataclass
class Song:
    """A MIDI file's notes: rows of (start, end, pitch, velocity, program, channel); times in
    quarters. Channel 9 is the drums."""

    notes: np.ndarray
    tempi: list[tuple[float, float]] = field(default_factory=list)  # (quarter, bpm)
    # (quarter, numerator, denominator)
    signatures: list[tuple[float, int, int]] = field(default_factory=list)


def read(path: Path) -> Song:
    """Reads a MIDI file. A note that never ends is ended at the end of the file."""
    midi = mido.MidiFile(path, clip=True)
    song = Song(np.zeros((0, 6)))
    rows: list[tuple[float, float, int, int, int, int]] = []
    program = [0] * 16
    open_notes: dict[tuple[int, int], list[tuple[float, int, int]]] = {}
    tick = 0
    for message in mido.merge_tracks(midi.tracks):
        tick += message.time
        now = tick / midi.ticks_per_beat
        if message.type == "set_tempo":
            song.tempi.append((now, mido.tempo2bpm(message.tempo)))
        elif message.type == "time_signature":
            song.signatures.append((now, message.numerator, message.denominator))
        elif message.type == "program_change":
            program[message.channel] = message.program
        elif message.type == "note_on" and message.velocity > 0:
            key = (message.channel, message.note)
            open_notes.setdefault(key, []).append((now, message.velocity, program[message.channel]))
        elif message.type in ("note_off", "note_on"):
            key = (message.channel, message.note)
            if open_notes.get(key):
                start, velocity, voice = open_notes[key].pop(0)
                rows.append((start, now, message.note, velocity, voice, message.channel))
    end = tick / midi.ticks_per_beat
    for (channel, pitch), waiting in open_notes.items():
        rows += [(start, end, pitch, velocity, voice, channel) for start, velocity, voice in waiting]
    rows.sort()
    if rows:
        song.notes = np.array(rows, dtype=float)
    return song


# of a step; notes of one channel closer than this to a chord's first note are strummed or rolled
# with it
STRUM = 0.47
SWUNG = (0.54, 0.73)  # position in the beat of a swung eighth, from a light to a hard swing
TRIPLET = (0.28, 0.42)  # and the middle note of a triplet


def snap(notes: np.ndarray, first: float = 0.0) -> np.ndarray:
    """Moves onsets (in quarters) to their musical position, before they are rounded to the
    sixteenth. Two rules:
    1. A strummed or rolled chord begins with its first note.
    2. In a swung song (three swung eighths for each straight one) the swung eighth moves to the
       fourth sixteenth of its beat, and the middle of a triplet to the second: the song stays
       long-short, in drums and parts alike."""
    starts = notes[:, 0].copy()
    for channel in np.unique(notes[:, 5]):
        if channel == 9:
            continue
        begun = -1.0
        for index in np.flatnonzero(notes[:, 5] == channel):  # rows are in order of time
            if starts[index] - begun < STRUM / STEPS_PER_BEAT:
                starts[index] = begun
            else:
                begun = starts[index]
    beat = np.floor(starts - first + 0.02)
    place = starts - first - beat
    swung = (place > SWUNG[0]) & (place < SWUNG[1])
    straight = np.abs(place - 0.5) < 0.03
    if swung.sum() > 3 * straight.sum() and swung.sum() > 0.02 * len(starts):
        triplet = (place > TRIPLET[0]) & (place < TRIPLET[1])
        starts[swung] = first + beat[swung] + 0.75
        starts[triplet] = first + beat[triplet] + 0.25
    return starts


def snapped(song: Song, first: float = 0.0) -> Song:
    """The song with its onsets moved by [`snap`]; ends of notes are not changed."""
    notes = song.notes.copy()
    notes[:, 0] = snap(notes, first)
    notes[:, 1] = np.maximum(notes[:, 1], notes[:, 0] + 0.05)
    return Song(notes[np.argsort(notes[:, 0], kind="stable")], song.tempi, song.signatures)


def off_grid(starts: np.ndarray) -> float:
    """Share of onsets (in quarters) farther than a third of a step from the nearest sixteenth. (A
    triplet lies just a third off.)"""
    if not len(starts):
        return 0.0
    steps = starts * STEPS_PER_BEAT
    return float(np.mean(np.abs(steps - np.round(steps)) > OFF + 0.03))


def drums(song: Song, bars: int, steps: int, first: float = 0.0) -> np.ndarray:
    """The drum hits, u8 [bars * steps, 9]; `first` is the quarter at which bar 0 begins."""
    hits = np.zeros((bars * steps, CLASSES), np.uint8)
    for start, _, pitch, _, _, channel in song.notes:
        if channel == 9 and int(pitch) in CLASS_OF:
            step = round((start - first) * STEPS_PER_BEAT)
            if 0 <= step < len(hits):
                hits[step, CLASS_OF[int(pitch)]] = 1
    return hits


def fold(pitch: int, instrument: int) -> int:
    """The pitch, transposed by octaves into the instrument's range."""
    low, high = RANGES[instrument]
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


# Notes that may begin together: two hands, six strings, one bass string.
MOST_AT_ONCE = (10, 6, 1)

# (step from the first bar, pitch, length in thirty-seconds, velocity)
Notes = list[tuple[int, int, int, int]]


def settle(notes: Notes, instrument: int, steps: int) -> Notes:
    """Merges the notes of all tracks into one part: one note per pitch at a time, and no more
    simultaneous notes than the instrument can play."""
    best: dict[tuple[int, int], tuple[int, int]] = {}
    for step, pitch, length, velocity in notes:
        if 0 <= step < steps:
            old = best.get((step, pitch), (0, 0))
            best[step, pitch] = (max(old[0], length), max(old[1], velocity))
    by_step: dict[int, list[int]] = {}
    for step, pitch in sorted(best):
        by_step.setdefault(step, []).append(pitch)
    most = MOST_AT_ONCE[instrument]
    for step, pitches in by_step.items():
        if len(pitches) > most:
            if instrument == BASS:
                pitches[:] = pitches[:1]
            else:
                # The outer notes are kept, and the loudest of the inner ones.
                inner = sorted(pitches[1:-1], key=lambda pitch: (-best[step, pitch][1], pitch))[: most - 2]
                pitches[:] = sorted([pitches[0], *inner, pitches[-1]])
    onsets = sorted(by_step)
    result = []
    last: dict[int, int] = {}  # index in the result, by pitch
    for number, step in enumerate(onsets):
        for pitch in by_step[step]:
            length, velocity = best[step, pitch]
            length = min(length, LONGEST, (steps - step) * UNITS_PER_STEP)
            if instrument == BASS and number + 1 < len(onsets):
                length = min(length, (onsets[number + 1] - step) * UNITS_PER_STEP)
            if pitch in last:
                before = result[last[pitch]]
                room = (step - before[0]) * UNITS_PER_STEP
                if before[2] > room:
                    result[last[pitch]] = (before[0], pitch, room, before[3])
            last[pitch] = len(result)
            result.append((step, pitch, max(length, 1), velocity))
    return result


def parts(song: Song, bars: int, steps: int, first: float = 0.0) -> dict[int, Notes]:
    """The parts by instrument, on the grid and in range. Parts that play in less than a quarter of
    the bars are left out."""
    found: dict[int, Notes] = {}
    for start, end, pitch, velocity, program, channel in song.notes:
        instrument = instrument_of(int(program))
        if channel == 9 or instrument is None:
            continue
        step = round((start - first) * STEPS_PER_BEAT)
        length = max(1, round((end - start) * STEPS_PER_BEAT * UNITS_PER_STEP))
        found.setdefault(instrument, []).append((step, fold(int(pitch), instrument), length, max(1, min(int(velocity), 127))))
    result = {}
    for instrument, notes in sorted(found.items()):
        settled = settle(notes, instrument, bars * steps)
        if len({step // steps for step, *_ in settled}) >= FEWEST_BARS * bars:
            result[instrument] = settled
    return result
