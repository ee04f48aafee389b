"""Tests of the training data of Drum2Music, with hand-made bars. `make test` runs them."""

import random
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

try:
    import mido
    import numpy as np
except ImportError as missing:
    reason = f"{missing.name} is not installed; the melody data needs numpy and mido"
    print(f"skipped: test_melody: {reason}", file=sys.stderr)
    raise unittest.SkipTest(reason) from missing

from melody import chords, clean, dataset, grooves, harmony, lead, real, render, tokens

HAS_MMA = shutil.which("mma") is not None
if not HAS_MMA:
    print("skipped in test_melody: the program mma is not installed: no songs are rendered", file=sys.stderr)


def random_bars(draw, count, steps):
    bars = []
    chord = tokens.NO_CHORD
    for number in range(count):
        bar = tokens.Bar(steps)
        places = sorted({0, *draw.sample(range(steps), draw.randrange(3))})
        for step in places:
            new = draw.choice([(root, quality) for root in range(12) for quality in range(5)] + [tokens.NO_CHORD])
            if step == 0 or new != chord:
                bar.chords.append((step, *new))
                chord = new
        taken = {(draw.randrange(steps), draw.randrange(128)) for _ in range(draw.randrange(12))}
        # The velocities are centres of bins, and each pitch occurs once per step, so the round trip
        # returns the same bars.
        bar.notes = sorted(tokens.Note(step, pitch, draw.randint(1, 64), tokens.velocity_of(draw.randrange(32))) for step, pitch in taken)
        if number == 0:
            bar.tempi = [(0, float(draw.randint(30, 209)))]
        bars.append(bar)
    return bars


class Tokens(unittest.TestCase):
    def test_names_are_at_their_ids(self):
        names = tokens.names()
        self.assertEqual(len(names), tokens.TOKENS)
        self.assertEqual(len(set(names)), tokens.TOKENS)
        for index, name in ((0, "Bar"), (1, "Position 1/16"), (16, "Position 16/16"), (17, "Chord C:maj"), (21, "Chord C:dom"),
                            (22, "Chord C#:maj"), (77, "Chord N:N"), (78, "Tempo Class slow"), (81, "Tempo Value 0"),
                            (140, "Tempo Value 59"), (141, "Note Velocity 0"), (173, "Note On 0"), (300, "Note On 127"),
                            (301, "Note Duration 1"), (364, "Note Duration 64")):
            self.assertEqual(names[index], name)

    def test_bars_come_back_as_they_were(self):
        draw = random.Random(4)
        for trial in range(60):
            steps = (12, 16)[trial % 2]
            bars = random_bars(draw, 6, steps)
            ids = tokens.encode(bars)
            self.assertTrue(all(bar[0] == tokens.BAR and tokens.BAR not in bar[1:] for bar in ids))
            self.assertEqual(tokens.decode(ids, steps), bars)
            self.assertEqual(tokens.encode(tokens.decode(ids, steps)), ids)

    def test_order_in_a_bar(self):
        bar = tokens.Bar(16, [tokens.Note(4, 60, 8, 100), tokens.Note(0, 64, 2, 64), tokens.Note(0, 60, 2, 64), tokens.Note(0, 60, 5, 90)],
                         [(0, 9, 1), (8, 2, 4)], [(0, 120.0)])
        names = [tokens.names()[each] for each in tokens.encode([bar])[0]]
        self.assertEqual(names, [
            "Bar", "Position 1/16", "Tempo Class mid", "Tempo Value 30", "Position 1/16", "Chord A:min",
            "Position 1/16", f"Note Velocity {89 * 32 // 127}", "Note On 60", "Note Duration 5",
            "Position 1/16", f"Note Velocity {63 * 32 // 127}", "Note On 64", "Note Duration 2",
            "Position 5/16", f"Note Velocity {99 * 32 // 127}", "Note On 60", "Note Duration 8", "Position 9/16", "Chord D:dom"])

    def test_chord_and_tempo_hold(self):
        bars = [tokens.Bar(16, [], [(0, 0, 0)], [(0, 120.2)]), tokens.Bar(16, [], [], [(0, 119.9)]), tokens.Bar(16, [], [(0, 0, 0), (8, 0, 0)])]
        ids = tokens.encode(bars)
        chord = [tokens.POSITION, tokens.CHORD]
        self.assertEqual(ids[1], [tokens.BAR, *chord])
        self.assertEqual(ids[2], [tokens.BAR, *chord])

    def test_velocity_bins(self):
        self.assertEqual([tokens.velocity_bin(1), tokens.velocity_bin(127)], [0, 31])
        for number in range(32):
            self.assertEqual(tokens.velocity_bin(tokens.velocity_of(number)), number)

    def test_bad_input_is_named(self):
        with self.assertRaisesRegex(ValueError, "bar 0.*step is 12; expected 0 to 11"):
            tokens.encode([tokens.Bar(12, [tokens.Note(12, 60, 1, 1)])])
        with self.assertRaisesRegex(ValueError, "bar 0, token 2"):
            tokens.decode([[0, 1, 173]])
        with self.assertRaisesRegex(ValueError, "a position"):
            tokens.decode([[0, 13]], 12)


class Harmony(unittest.TestCase):
    def songs(self, count=150):
        for seed in range(count):
            style = ("rock", "jazz", "pop", "blues", "unknown")[seed % 5]
            yield harmony.write(np.random.default_rng(seed), style, (16, 12)[seed % 2])

    def test_chords_lie_in_the_bars_scale(self):
        for song in self.songs():
            self.assertEqual(song.scale.shape, (song.bars, 12))
            for bar, changes in enumerate(song.chords):
                self.assertEqual(changes[0][0], 0)
                for _, chord in changes:
                    self.assertTrue(all(song.scale[bar][tone] for tone in chord.tones), (bar, chord))
                self.assertIn(int(song.scale[bar].sum()), (6, 7, 8, 9))

    def test_most_bars_keep_the_key(self):
        same = [bool(song.scale[bar].sum() == 7 and all(song.scale[bar][(song.tonic + tone) % 12] for tone in harmony.SCALES[song.mode]))
                for song in self.songs() for bar in range(song.bars)]
        self.assertGreater(np.mean(same), 0.7)
        self.assertLess(np.mean(same), 1.0)  # secondary dominants and borrowed chords do occur

    def test_phrases_end_in_their_cadence(self):
        kinds = set()
        for song in self.songs(300):
            for bar, kind in song.cadences:
                kinds.add(kind)
                if kind == "blues":
                    continue
                ends = (song.tonic + harmony.SCALES[song.mode][harmony.CADENCES[song.mode][kind][1]]) % 12
                comes = (song.tonic + harmony.SCALES[song.mode][harmony.CADENCES[song.mode][kind][0]]) % 12
                self.assertEqual(song.chords[bar][-1][1].root, ends, (kind, harmony.MODES[song.mode]))
                self.assertEqual(song.chords[bar - 1][-1][1].root, comes, (kind, harmony.MODES[song.mode]))
            last = song.chords[-1][-1][1]
            self.assertEqual(last.root, song.tonic)
        self.assertTrue({"authentic", "half", "plagal", "deceptive"} <= kinds)

    def test_sections_fill_the_form(self):
        for bars in harmony.FORMS:
            song = harmony.write(np.random.default_rng(bars), "rock", 16, bars)
            self.assertEqual(song.bars, bars)
            self.assertEqual([first for first, _, _ in song.sections], list(np.cumsum([0] + [length for _, length, _ in song.sections[:-1]])))
            self.assertEqual(sum(length for _, length, _ in song.sections), bars)
        with self.assertRaisesRegex(ValueError, "form of 7 bars"):
            harmony.write(np.random.default_rng(0), bars=7)

    def test_a_secondary_dominant_raises_a_tone(self):
        scale = [(0 + tone) % 12 for tone in harmony.SCALES[0]]
        mask = harmony.scale_of_bar(scale, [harmony.Chord(2, "7", raises=True)])
        self.assertEqual(list(np.flatnonzero(mask)), [0, 2, 4, 6, 7, 9, 11])
        mask = harmony.scale_of_bar(scale, [harmony.Chord(5, "m")])
        self.assertEqual(list(np.flatnonzero(mask)), [0, 2, 4, 5, 7, 8, 11])

    def test_keys_and_modes_all_occur(self):
        songs = list(self.songs(400))
        self.assertEqual({song.tonic for song in songs}, set(range(12)))
        self.assertEqual({song.mode for song in songs}, set(range(7)))

    def test_qualities_hold_third_and_fifth(self):
        for symbol, (tones, quality) in harmony.SYMBOLS.items():
            if symbol != "sus4":
                self.assertEqual(tones[:3], tokens.CHORD_TONES[quality][:3], symbol)


def rock_drums(bars, steps):
    hits = np.zeros((bars * steps, clean.CLASSES), np.uint8)
    hits[::2, clean.CLOSED_HAT] = 1
    hits[::8, clean.KICK] = 1
    hits[4::8, clean.SNARE] = 1
    return hits


class Clean(unittest.TestCase):
    def row(self, start, end, pitch, program=0, channel=0, velocity=80):
        return [start, end, pitch, velocity, program, channel]

    def test_drum_map(self):
        pitches = {36: 0, 35: 0, 38: 1, 37: 1, 40: 1, 39: 1, 42: 2, 44: 2, 22: 2, 46: 3, 26: 3, 41: 4, 43: 4, 45: 4, 58: 4, 47: 5, 48: 5,
                   50: 6, 49: 7, 52: 7, 55: 7, 57: 7, 51: 8, 53: 8, 59: 8, 54: 2, 70: 2, 69: 2, 82: 2}
        for pitch, drum in pitches.items():
            song = clean.Song(np.array([self.row(1.5, 1.6, pitch, channel=9)]))
            hits = clean.drums(song, 1, 16)
            self.assertEqual(np.argwhere(hits).tolist(), [[6, drum]], pitch)
        silent = clean.Song(np.array([self.row(0, 1, 56, channel=9), self.row(0, 1, 36, channel=8)]))
        self.assertEqual(clean.drums(silent, 1, 16).sum(), 0)

    def test_families_are_merged_and_others_left_out(self):
        rows = [self.row(beat, beat + 0.5, 60 + beat, program) for beat in range(4) for program in (0, 4, 27, 48)]
        found = clean.parts(clean.Song(np.array(rows, float)), 1, 16)
        self.assertEqual(sorted(found), [clean.PIANO, clean.GUITAR])
        self.assertEqual([note[:3] for note in found[clean.PIANO]], [(0, 60, 4), (4, 61, 4), (8, 62, 4), (12, 63, 4)])

    def test_notes_are_folded_cut_and_limited(self):
        rows = [self.row(0, 2, 100, 33), self.row(1, 2, 40, 33), self.row(1, 2, 52, 33)]
        bass = clean.parts(clean.Song(np.array(rows, float)), 1, 16)[clean.BASS]
        self.assertEqual(bass, [(0, 52, 8, 80), (4, 40, 8, 80)])
        rows = [self.row(0, 3, 60), self.row(1, 1.5, 60)]
        self.assertEqual([note[:3] for note in clean.parts(clean.Song(np.array(rows, float)), 1, 16)[clean.PIANO]], [(0, 60, 8), (4, 60, 4)])

    def test_a_part_that_hardly_plays_is_left_out(self):
        song = clean.Song(np.array([self.row(0, 1, 60)]))
        self.assertEqual(clean.parts(song, 8, 16), {})
        self.assertIn(clean.PIANO, clean.parts(song, 4, 16))

    def test_swing_and_strums_are_snapped(self):
        swing = np.array([self.row(beat + place, beat + 1, 60 + 12 * (place > 0)) for beat in range(8) for place in (0, 0.655)], float)
        self.assertEqual(set((clean.snap(swing) % 1).round(3)), {0.0, 0.75})
        self.assertGreater(clean.off_grid(swing[:, 0]), clean.MOST_OFF)
        self.assertEqual(clean.off_grid(clean.snap(swing)), 0.0)
        strum = np.array([self.row(place, 2, 60 + number) for number, place in enumerate((1.0, 1.04, 1.08, 1.11))], float)
        self.assertEqual(clean.snap(strum).tolist(), [1.0] * 4)
        straight = np.array([self.row(beat / 4, beat / 4 + 0.2, 60) for beat in range(16)], float)
        self.assertEqual(clean.snap(straight).tolist(), straight[:, 0].tolist())

    def test_a_file_is_read_with_programs_and_tempi(self):
        midi = mido.MidiFile(ticks_per_beat=96)
        track = mido.MidiTrack()
        track += [mido.MetaMessage("set_tempo", tempo=500_000), mido.MetaMessage("time_signature", numerator=3, denominator=4),
                  mido.Message("program_change", program=33, channel=2), mido.Message("note_on", note=40, velocity=90, channel=2),
                  mido.Message("note_on", note=40, velocity=0, channel=2, time=48), mido.Message("note_on", note=45, velocity=70, channel=2),
                  mido.MetaMessage("end_of_track", time=96)]
        midi.tracks.append(track)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.mid"
            midi.save(path)
            song = clean.read(path)
        self.assertEqual(song.notes.tolist(), [[0, 0.5, 40, 90, 33, 2], [0.5, 1.5, 45, 70, 33, 2]])
        self.assertEqual((song.tempi, song.signatures), ([(0.0, 120.0)], [(0.0, 3, 4)]))


class Lead(unittest.TestCase):
    def songs(self, count=60):
        for seed in range(count):
            rng = np.random.default_rng(seed)
            steps = (16, 12)[seed % 2]
            song = harmony.write(rng, "pop", steps, 32)
            hits = rock_drums(song.bars, steps)
            instrument = (clean.PIANO, clean.GUITAR)[seed % 3 == 0]
            notes, plays = lead.write(rng, song, hits, instrument, "pop", 110)
            yield song, hits, instrument, sorted(notes), plays

    def test_rules_of_the_line(self):
        moves, strong, on_drums = [], [], []
        for song, hits, instrument, notes, plays in self.songs():
            low, high = lead.REGISTER[instrument]
            self.assertTrue(plays.any())
            self.assertEqual({note[0] // song.steps for note in notes}, set(np.flatnonzero(plays)))
            for index, (step, pitch, length, velocity) in enumerate(notes):
                bar = step // song.steps
                chord = [each for at, each in song.chords[bar] if at <= step % song.steps][-1]
                self.assertTrue(low <= pitch <= high and 1 <= length <= 64 and 1 <= velocity <= 127)
                self.assertTrue(song.scale[bar][pitch % 12])
                if step % song.steps in (0, 8):
                    strong.append(pitch % 12 in chord.tones)
                on_drums.append(bool(hits[step].any()))
                if index:
                    before = notes[index - 1]
                    self.assertGreater(step, before[0])  # one voice
                    self.assertLessEqual(before[0] * 2 + before[2], step * 2)
                    if step - before[0] <= 4:
                        moves.append(abs(pitch - before[1]))
        self.assertGreater(np.mean(strong), 0.97)
        self.assertGreater(np.mean([0 < move <= 2 for move in moves]), 0.6)
        self.assertLess(np.mean([move > 7 for move in moves]), 0.05)
        self.assertGreater(np.mean(on_drums), 0.75)  # of the steps, half have drums

    def test_the_line_breathes_and_has_one_peak(self):
        gaps, summits = [], []
        for song, _, _, notes, plays in self.songs():
            for first, length, _ in song.sections:
                for begin in range(first, first + length, lead.PHRASE):
                    end = (begin + lead.PHRASE) * song.steps
                    phrase = [note for note in notes if begin * song.steps <= note[0] < end]
                    if len(phrase) > 3:
                        gaps.append(end * 2 - (phrase[-1][0] * 2 + phrase[-1][2]))
                        top = max(note[1] for note in phrase)
                        summits.append(sum(note[1] == top for note in phrase))
        self.assertGreaterEqual(min(gaps), 6)  # thirty-seconds: three sixteenths of rest
        self.assertGreater(np.mean(np.array(summits) == 1), 0.9)

    def test_answers_come_home(self):
        home = []
        for song, _, _, notes, _ in self.songs():
            for first, length, _ in song.sections:
                last = [note for note in notes if first * song.steps <= note[0] < (first + length) * song.steps]
                if last and last[-1][0] // song.steps == first + length - 1:
                    chord = song.chords[first + length - 1][-1][1]
                    if song.tonic in chord.tones:
                        home.append(last[-1][1] % 12 == song.tonic)
        self.assertGreater(len(home), 20)
        self.assertTrue(all(home))

    def test_the_line_follows_the_drums(self):
        rng = np.random.default_rng(3)
        song = harmony.write(rng, "funk", 16, 32)
        hits = np.zeros((song.bars * 16, clean.CLASSES), np.uint8)
        for step in (0, 3, 6, 10, 12):
            hits[step::16, clean.KICK] = 1
        other = np.roll(hits, 1, axis=0)
        share = {True: [], False: []}
        for seed in range(20):
            notes, _ = lead.write(np.random.default_rng(seed), song, hits, clean.PIANO, "funk", 100)
            share[True] += [bool(hits[note[0]].any()) for note in notes]
            share[False] += [bool(other[note[0]].any()) for note in notes]
        self.assertGreater(np.mean(share[True]), 0.6)
        self.assertGreater(np.mean(share[True]), np.mean(share[False]) + 0.3)

    def test_comping_stays_below(self):
        merged = lead.merge([(0, 72, 4, 80), (0, 48, 4, 80), (16, 90, 4, 80)], [(4, 70, 4, 90)], 28, 16)
        self.assertEqual(sorted(merged), [(0, 48, 4, 80), (0, 60, 4, 80), (4, 70, 4, 90), (16, 90, 4, 80)])


class Chords(unittest.TestCase):
    def bar(self, pitches, begin=0.0, end=4.0):
        return [[begin, end, pitch] for pitch in pitches]

    def test_plain_chords_are_recognised(self):
        for root in range(12):
            for quality, tones in enumerate(tokens.CHORD_TONES):
                notes = np.array(self.bar([36 + root, *(60 + root + tone for tone in tones)]), float)
                self.assertEqual(chords.recognise(notes, 1, 4), [[(0, root, quality)]])

    def test_passing_tones_do_not_disturb(self):
        notes = np.array(self.bar((48, 60, 64, 67)) + [[1.5, 1.75, 62], [2.5, 2.75, 65]], float)
        self.assertEqual(chords.recognise(notes, 1, 4), [[(0, 0, 0)]])

    def test_two_chords_in_a_bar_and_silence(self):
        notes = np.array(self.bar((45, 60, 64, 69), 4, 6) + self.bar((38, 60, 62, 66, 69), 6, 8), float)
        self.assertEqual(chords.recognise(notes, 3, 4), [[(0, *tokens.NO_CHORD)], [(0, 9, 1), (8, 2, 4)], [(0, 2, 4)]])

    def test_keys(self):
        major = np.array([[beat, beat + 1, pitch] for beat, pitch in enumerate((60, 64, 67, 72, 65, 69, 67, 71, 74, 72, 64, 60))], float)
        self.assertEqual(chords.key_of(major), (0, 0))
        major[:, 2] += 5
        self.assertEqual(chords.key_of(major), (5, 0))
        minor = np.array([[beat, beat + 1, pitch] for beat, pitch in enumerate((57, 60, 64, 69, 62, 65, 64, 68, 71, 69, 60, 57))], float)
        self.assertEqual(chords.key_of(minor), (9, 1))


class Splits(unittest.TestCase):
    def test_variants_stay_together(self):
        self.assertEqual(grooves.group("casio/8beat1"), grooves.group("casio/8beat2"))
        self.assertEqual(grooves.group("stdlib/ballad128"), grooves.group("stdlib/ballad"))
        self.assertNotEqual(grooves.group("stdlib/blues"), grooves.group("zoom/blues"))
        families = [f"folder/{name}{number}" for name in "abcdefghijklmnopqrstuvwxyz" for number in (1, 2)]
        split = grooves.splits(families)
        for name in "abcdefghijklmnopqrstuvwxyz":
            self.assertEqual(split[f"folder/{name}1"], split[f"folder/{name}2"])
        self.assertEqual(set(split.values()), set(grooves.SPLITS))
        self.assertEqual(split, grooves.splits(families))

    def test_one_file_has_one_split(self):
        self.assertEqual(real.split_of(b"music"), real.split_of(b"music"))
        share = np.mean([real.split_of(str(number).encode()) == "training" for number in range(2000)])
        self.assertAlmostEqual(share, 0.8, delta=0.04)

    def test_bars_to_a_change(self):
        self.assertEqual(dataset.bars_to_change([(0, 6, "A"), (6, 2, "B")], 8).tolist(), [4, 4, 4, 3, 2, 1, 2, 1])

    @staticmethod
    def part(split, notes):
        """A piano part over C major, of notes (step, pitch) by bar."""
        bars = [tokens.Bar(16, [tokens.Note(step, pitch, 1, 80) for step, pitch in bar]) for bar in notes]
        ids = [np.array(bar, np.int16) for bar in tokens.encode(bars)]
        blank = np.zeros(len(bars), np.int8)
        scale = np.tile(np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], np.uint8), (len(bars), 1))
        return dataset.Part("a", split, "mma", "", 0, 0, 120.0, 16, np.zeros((16 * len(bars), 9), np.uint8),
                            np.zeros((16 * len(bars), 2), np.int8), scale, blank, blank.copy(), blank, blank, ids)

    def test_parts_unsuitable_for_training(self):
        tune = [[(0, 60), (4, 64), (8, 67 + 2 * (bar % 2))] for bar in range(8)]
        self.assertEqual(dataset.unfit(self.part("training", tune)), "")
        self.assertIn("repeats one bar", dataset.unfit(self.part("training", tune[:1] * 8)))
        self.assertIn("under 85%", dataset.unfit(self.part("training", [[(0, 61), (4, 63 + 3 * (bar % 2))] for bar in range(8)])))
        dense = [[(step, pitch) for step in range(13) for pitch in (48, 60, 72, 84 + 4 * (bar % 2))] for bar in range(4)]
        self.assertIn("over 48", dataset.unfit(self.part("training", dense)))

    def test_limits_come_from_training(self):
        training = self.part("training", [[(step, 40 + 10 * count) for step in range(count)] for count in range(1, 6)])
        test = self.part("test", [[], [(step, 127) for step in range(16)]])
        limits = dataset.thresholds([training, test])
        self.assertEqual(limits["density"][0], [2.0, 3.0, 4.0])
        dataset.classify([training, test], limits)
        self.assertEqual(training.density.tolist(), [1, 1, 2, 3, 4])
        self.assertEqual(test.density.tolist(), [1, 4])
        self.assertEqual(test.register.tolist(), [0, 3])


@unittest.skipUnless(HAS_MMA, "the program mma is not installed: no songs are rendered")
class Rendered(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        listed = [("casio/pop:Pop", 4), ("casio/pop:PopIntro", 4), ("casio/pop:PopEnd", 4), ("casio/funk1:Funk1", 4), ("stdlib/waltz:Waltz", 4)]
        tried = [grooves.probe(name, size) for name, size in listed]
        families, _ = grooves.usable([groove for groove in tried if groove is not None])
        split = dict.fromkeys(families, "training") | {"casio/funk1": "validation", "stdlib/waltz": "test"}
        cls.families = families
        cls.world = dataset._World(families, split, dataset.styles(), 7)
        cls.parts = [part for index in range(16) for part in dataset.mma_song(cls.world, index)[0]]

    def test_grooves_are_tried(self):
        self.assertEqual(sorted(self.families), ["casio/funk1", "casio/pop", "stdlib/waltz"])
        self.assertIsNone(grooves.probe("casio/pop:NoSuchGroove", 4))

    def test_songs_are_whole_and_in_key(self):
        self.assertGreater(len(self.parts), 20)
        inside = []
        for part in self.parts:
            bars = tokens.decode(part.tokens, part.steps_per_bar)
            self.assertEqual(part.hits.shape, (part.bars * part.steps_per_bar, 9))
            self.assertEqual(part.chords.shape, (part.bars * part.steps_per_bar, 2))
            self.assertEqual(part.scale.shape, (part.bars, 12))
            self.assertTrue(part.hits.any())
            low, high = clean.RANGES[part.instrument]
            for number, bar in enumerate(bars):
                for note in bar.notes:
                    self.assertTrue(low <= note.pitch <= high)
                    inside.append(bool(part.scale[number][note.pitch % 12]))
        self.assertGreater(np.mean(inside), 0.97)
        self.assertEqual({part.steps_per_bar for part in self.parts}, {12, 16})

    def test_no_leak_between_splits(self):
        by_groove, by_song = {}, {}
        for part in self.parts:
            by_groove.setdefault(grooves.group(part.groove), set()).add(part.split)
            by_song.setdefault(part.song, set()).add(part.split)
        self.assertTrue(all(len(each) == 1 for each in [*by_groove.values(), *by_song.values()]))
        self.assertEqual(set().union(*by_song.values()), set(grooves.SPLITS))

    def test_the_same_seed_gives_the_same_song(self):
        first, second = dataset.mma_song(self.world, 3)[0], dataset.mma_song(self.world, 3)[0]
        self.assertTrue(first)
        for one, other in zip(first, second, strict=True):
            self.assertEqual([bar.tolist() for bar in one.tokens], [bar.tolist() for bar in other.tokens])
            np.testing.assert_array_equal(one.hits, other.hits)

    def test_known_chords_are_recognised(self):
        rng = np.random.default_rng(5)
        right = []
        for _ in range(4):
            song_harmony = harmony.write(rng, "rock", 16, 16)
            text = render.text(song_harmony, 110, ["casio/pop:Pop"] * 16, 1)
            with tempfile.TemporaryDirectory() as folder:
                song = clean.snapped(clean.read(render.run(text, Path(folder))[0]))
            notes = song.notes[song.notes[:, 5] != 9][:, :3]
            found = chords.recognise(notes, 16, 4)
            truth = harmony.step_chords(song_harmony)
            for bar, changes in enumerate(found):
                right.append(tuple(changes[0][1:]) == tuple(truth[bar * 16]))
        self.assertGreater(np.mean(right), 0.75)


if __name__ == "__main__":
    unittest.main()
