//! The ending of a melodic line: the dominant before the last beat, and the tonic on it.
//!
//! A clip ends where it was cut, regardless of the harmony; the drums end on a nearby beat (see
//! [`ending`](super::ending)). To make the ending sound intended, the notes before that beat are
//! moved to a chord that leads home, and the tonic follows on the beat. Everything before is
//! unchanged, so that two cuts of one clip share it.

use crate::music::{ChordAt, GridNote};
use crate::theory::Instrument;
use crate::theory::chord::{Chord, Key, Mode, Quality, above, semitones};
use crate::time::STEPS_PER_BEAT;
use std::ops::RangeInclusive;

/// Thirty-second notes, the unit of lengths, in a step.
const UNITS_PER_STEP: i32 = 2;

/// How far back the last chord played is searched for, beats.
const REMEMBERED: i32 = 8;

/// Minimum number of notes of a chord: fewer are a melody.
const LEAST_CHORD: usize = 3;

/// Below this pitch, the lowest note of the last chord must be its root: a low third sounds muddy.
const LOW: u8 = 52;

/// Bounds of the last chord's velocity, which is otherwise that of the line's louder notes.
const LAST_VELOCITY: RangeInclusive<f32> = 0.45..=0.9;

/// A line with its ending.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cadence {
    /// The notes before the last beat.
    pub before: Vec<GridNote>,
    /// Pitches that sound from the last beat, in ascending order; empty if the line has not played
    /// before.
    pub last: Vec<u8>,
    /// Their velocity.
    pub velocity: f32,
}

/// The instrument and the harmony of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub instrument: Instrument,
    pub range: &'a RangeInclusive<u8>,
    pub key: Key,
    pub chords: &'a [ChordAt],
    pub beats_per_bar: u8,
}

fn on_degree(key: Key, interval: u8, quality: Quality) -> Chord {
    Chord::new(above(key.tonic, interval), quality)
}

/// The chord of the tonic.
pub(super) fn tonic(key: Key) -> Chord {
    let quality = if key.mode.is_minor() {
        Quality::Minor
    } else {
        Quality::Major
    };
    on_degree(key, 0, quality)
}

/// The chord of the mode that leads home: the dominant if the mode has a leading tone (in lydian,
/// whose fourth degree is raised, without a seventh); otherwise the major chord below the tonic, or
/// in phrygian, where that is minor, the subdominant.
pub(super) fn leading(key: Key) -> Chord {
    match key.mode {
        Mode::Major | Mode::HarmonicMinor => on_degree(key, 7, Quality::Dominant),
        Mode::Lydian => on_degree(key, 7, Quality::Major),
        Mode::Minor | Mode::Dorian | Mode::Mixolydian => on_degree(key, 10, Quality::Major),
        Mode::Phrygian => on_degree(key, 5, Quality::Minor),
    }
}

/// Whether a chord leads to the tonic without help: the chord of [`leading`], any chord on the
/// fifth degree, or the diminished one on the leading tone.
fn leads(chord: Chord, key: Key) -> bool {
    let degree = semitones(key.tonic, chord.root);
    chord == leading(key)
        || (degree == 7 && chord.quality != Quality::Diminished)
        || (degree == 11 && chord.quality == Quality::Diminished)
}

/// Number of steps that lead to the last beat: half a bar, or a whole bar in 3/4, where chords
/// change once per bar.
fn lead_in(beats_per_bar: u8) -> i32 {
    let beats = if beats_per_bar <= 3 {
        beats_per_bar.max(1)
    } else {
        beats_per_bar.div_ceil(2)
    };
    i32::from(beats) * STEPS_PER_BEAT as i32
}

fn chord_at(chords: &[ChordAt], step: i32) -> Option<Chord> {
    let after = chords.partition_point(|at| at.step <= step);
    chords.get(after.saturating_sub(1)).map(|at| at.chord)
}

/// The pitch in the range that is nearest to `pitch` and `fits`; on a tie, the lower one.
fn nearest(pitch: u8, range: &RangeInclusive<u8>, fits: impl Fn(u8) -> bool) -> Option<u8> {
    range
        .clone()
        .filter(|other| fits(*other))
        .min_by_key(|other| (other.abs_diff(pitch), *other))
}

/// The line with an ending on `last_step`.
pub(super) fn with_cadence(notes: &[GridNote], last_step: i32, setting: Setting<'_>) -> Cadence {
    let lead_step = last_step.saturating_sub(lead_in(setting.beats_per_bar));
    let mut before = Vec::with_capacity(notes.len());
    let mut led: Vec<(GridNote, Option<Chord>)> = Vec::new();
    for note in notes.iter().filter(|note| note.step < last_step) {
        let chord = chord_at(setting.chords, note.step.max(lead_step));
        if note.step >= lead_step {
            led.push((*note, chord));
            continue;
        }
        match held_on(note, lead_step).filter(|_| must_move(note.pitch, chord, setting.key)) {
            None => before.push(*note),
            // A note that is held into the lead-in and does not fit there is ended, and a fitting
            // one is played instead.
            Some(rest) => {
                before.push(GridNote {
                    length: note.length - rest.length,
                    ..*note
                });
                led.push((rest, chord));
            }
        }
    }
    led.sort_by_key(|(note, _)| (note.step, note.pitch));
    for together in led.chunk_by(|a, b| a.0.step == b.0.step) {
        before.extend(bent(together, setting));
    }
    before.sort_by_key(|note| (note.step, note.pitch));
    let last = match before.is_empty() {
        true => vec![],
        false => last_chord(&before, last_step, setting),
    };
    let mut velocities: Vec<f32> = before.iter().map(|note| note.velocity).collect();
    velocities.sort_by(f32::total_cmp);
    let loud = velocities.get(velocities.len() * 9 / 10).copied().unwrap_or(0.0);
    Cadence {
        before,
        last,
        velocity: loud.clamp(*LAST_VELOCITY.start(), *LAST_VELOCITY.end()),
    }
}

/// The remainder of a note at a later step, if it is at least a step long.
fn held_on(note: &GridNote, step: i32) -> Option<GridNote> {
    let rest = i32::from(note.length) - step.saturating_sub(note.step).saturating_mul(UNITS_PER_STEP);
    (rest >= UNITS_PER_STEP).then_some(GridNote {
        step,
        length: rest as u8,
        ..*note
    })
}

/// Whether a pitch must change when the music is led home from `chord`: it is a tone of that chord
/// and not of the leading chord, or it would clash with a tone of the leading chord.
fn must_move(pitch: u8, chord: Option<Chord>, key: Key) -> bool {
    let to = leading(key);
    if chord.is_some_and(|chord| leads(chord, key)) || to.contains(pitch) {
        return false;
    }
    let rubs = [1, 11].iter().any(|interval| to.contains(above(pitch, *interval)));
    rubs || chord.is_some_and(|chord| chord.contains(pitch))
}

/// Moves notes that begin together to the leading chord; each comes with the chord over which it
/// was written.
fn bent(together: &[(GridNote, Option<Chord>)], setting: Setting<'_>) -> Vec<GridNote> {
    let to = leading(setting.key);
    let moves = |note: &GridNote, chord| must_move(note.pitch, chord, setting.key);
    let mut taken: Vec<u8> = together
        .iter()
        .filter(|(note, chord)| !moves(note, *chord))
        .map(|(note, _)| note.pitch)
        .collect();
    together
        .iter()
        .map(|(note, chord)| {
            if !moves(note, *chord) {
                return *note;
            }
            // A bass moves from root to root, since it defines the chord.
            let root =
                setting.instrument.profile().is_bass() && chord.is_some_and(|c| semitones(c.root, note.pitch) == 0);
            let fits = |pitch: u8| {
                if root {
                    semitones(to.root, pitch) == 0
                } else {
                    to.contains(pitch)
                }
            };
            let free = nearest(note.pitch, setting.range, |pitch| {
                fits(pitch) && !taken.contains(&pitch)
            });
            let pitch = free.unwrap_or(note.pitch);
            taken.push(pitch);
            GridNote { pitch, ..*note }
        })
        .collect()
}

/// The final tonic of an instrument: the lowest one for the bass, and for others the voicing
/// nearest to the last chord that they played.
fn last_chord(before: &[GridNote], last_step: i32, setting: Setting<'_>) -> Vec<u8> {
    let tonic = tonic(setting.key);
    let root = |pitch: u8| semitones(tonic.root, pitch) == 0;
    if setting.instrument.profile().is_bass() {
        return setting.range.clone().find(|pitch| root(*pitch)).into_iter().collect();
    }
    let played = last_played(before, last_step);
    if setting.instrument.profile().voices == 1 {
        let last = played.last().copied().unwrap_or(LOW);
        return nearest(last, setting.range, root).into_iter().collect();
    }
    let mut voicing: Vec<u8> = Vec::new();
    for (index, pitch) in played.iter().enumerate() {
        let lowest = index == 0 && *pitch < LOW && played.len() >= LEAST_CHORD;
        let fits = |other: u8| if lowest { root(other) } else { tonic.contains(other) };
        voicing.extend(nearest(*pitch, setting.range, |other| {
            fits(other) && !voicing.contains(&other)
        }));
    }
    // Root, third and fifth, in the middle of the range.
    let middle = played.iter().map(|pitch| u32::from(*pitch)).sum::<u32>() / played.len().max(1) as u32;
    for tone in tonic.tones() {
        let is = |pitch: u8| pitch % 12 == tone;
        if !voicing.iter().any(|pitch| is(*pitch)) {
            voicing.extend(nearest(middle as u8, setting.range, is));
        }
    }
    voicing.sort_unstable();
    voicing
}

/// The pitches of the last chord played shortly before the last beat, in ascending order; if there
/// is none, those of the last few notes.
fn last_played(before: &[GridNote], last_step: i32) -> Vec<u8> {
    let since = last_step.saturating_sub(REMEMBERED * STEPS_PER_BEAT as i32);
    let pitches = |notes: &[GridNote]| {
        let mut pitches: Vec<u8> = notes.iter().map(|note| note.pitch).collect();
        pitches.sort_unstable();
        pitches.dedup();
        pitches
    };
    before
        .chunk_by(|a, b| a.step == b.step)
        .rev()
        .take_while(|together| together[0].step >= since)
        .map(pitches)
        .find(|pitches| pitches.len() >= LEAST_CHORD)
        .unwrap_or_else(|| pitches(&before[before.len().saturating_sub(LEAST_CHORD)..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIANO: RangeInclusive<u8> = 28..=96;
    const BASS: RangeInclusive<u8> = 28..=60;

    fn key(tonic: u8, mode: Mode) -> Key {
        Key { tonic, mode }
    }

    fn chord(root: u8, quality: Quality) -> Chord {
        Chord { root, quality }
    }

    fn note(step: i32, length: u8, pitch: u8) -> GridNote {
        GridNote {
            step,
            length,
            pitch,
            velocity: 0.6,
            offset: 0.1,
        }
    }

    fn setting(instrument: Instrument, key: Key, chords: &[ChordAt]) -> Setting<'_> {
        Setting {
            instrument,
            range: if instrument == Instrument::Bass { &BASS } else { &PIANO },
            key,
            chords,
            beats_per_bar: 4,
        }
    }

    fn at(step: i32, root: u8, quality: Quality) -> ChordAt {
        ChordAt {
            step,
            chord: chord(root, quality),
        }
    }

    fn pitches(notes: &[GridNote], step: i32) -> Vec<u8> {
        notes.iter().filter(|n| n.step == step).map(|n| n.pitch).collect()
    }

    #[test]
    fn each_mode_has_its_own_leading_chord() {
        use Mode::{Dorian, HarmonicMinor, Lydian, Major, Minor, Mixolydian, Phrygian};
        // In C; roots by their distance from it.
        for (mode, home, root, quality) in [
            (Major, Quality::Major, 7, Quality::Dominant),
            (Minor, Quality::Minor, 10, Quality::Major),
            (HarmonicMinor, Quality::Minor, 7, Quality::Dominant),
            (Dorian, Quality::Minor, 10, Quality::Major),
            (Phrygian, Quality::Minor, 5, Quality::Minor),
            (Lydian, Quality::Major, 7, Quality::Major),
            (Mixolydian, Quality::Major, 10, Quality::Major),
        ] {
            for tonic_class in 0..12 {
                let key = key(tonic_class, mode);
                assert_eq!(tonic(key), chord(tonic_class, home));
                assert_eq!(leading(key), chord((tonic_class + root) % 12, quality));
                assert!(leads(leading(key), key) && !leads(tonic(key), key));
            }
        }
        let c = key(0, Major);
        assert!(leads(chord(7, Quality::Minor), c) && leads(chord(11, Quality::Diminished), c));
        assert!(!leads(chord(5, Quality::Major), c) && !leads(chord(10, Quality::Major), c));
    }

    #[test]
    fn chords_move_to_the_dominant_and_end_on_the_tonic() {
        // F in C major; the last beat is step 32.
        let chords = [at(0, 5, Quality::Major)];
        let mut notes = vec![];
        for step in [16, 20, 24, 28, 32, 36] {
            notes.extend([53, 57, 60].map(|pitch| note(step, 4, pitch)));
        }
        let cadence = with_cadence(&notes, 32, setting(Instrument::Piano, key(0, Mode::Major), &chords));
        for step in [16, 20] {
            assert_eq!(
                pitches(&cadence.before, step),
                [53, 57, 60],
                "before the lead-in nothing changes"
            );
        }
        for step in [24, 28] {
            // G7: F stays, A goes to G, C to B.
            assert_eq!(pitches(&cadence.before, step), [53, 55, 59]);
        }
        assert!(
            cadence
                .before
                .iter()
                .all(|n| n.step < 32 && n.offset == 0.1 && n.length == 4)
        );
        // F to E, G stays, B to C.
        assert_eq!(cadence.last, [52, 55, 60]);
        assert!((cadence.velocity - 0.6).abs() < 1e-6);
    }

    #[test]
    fn a_dominant_stays_as_it_was_written() {
        let chords = [at(0, 5, Quality::Major), at(24, 7, Quality::Dominant)];
        let notes = [note(24, 4, 55), note(24, 4, 60), note(24, 4, 62), note(28, 4, 69)];
        let cadence = with_cadence(&notes, 32, setting(Instrument::Piano, key(0, Mode::Major), &chords));
        assert_eq!(cadence.before, notes, "even its suspended fourth");
    }

    #[test]
    fn the_bass_goes_from_root_to_root() {
        // A minor: F at the end goes to G, then the low A.
        let chords = [at(0, 9, Quality::Minor), at(16, 5, Quality::Major)];
        let notes: Vec<GridNote> = (0..8)
            .map(|i| note(16 + 2 * i, 2, if i % 4 == 3 { 48 } else { 41 }))
            .collect();
        let cadence = with_cadence(&notes, 32, setting(Instrument::Bass, key(9, Mode::Minor), &chords));
        let read: Vec<u8> = cadence.before.iter().map(|n| n.pitch).collect();
        assert_eq!(
            read,
            [41, 41, 41, 48, 43, 43, 43, 47],
            "the fifth, C, to the third of G"
        );
        assert_eq!(cadence.last, [33]);
    }

    #[test]
    fn a_note_held_into_the_lead_in_is_struck_again_unless_it_fits() {
        let chords = [at(0, 5, Quality::Major)];
        let notes = [note(16, 32, 53), note(16, 32, 57), note(16, 32, 60)];
        let cadence = with_cadence(&notes, 32, setting(Instrument::Piano, key(0, Mode::Major), &chords));
        let read: Vec<_> = cadence.before.iter().map(|n| (n.step, n.pitch, n.length)).collect();
        assert_eq!(
            read,
            [(16, 53, 32), (16, 57, 16), (16, 60, 16), (24, 55, 16), (24, 59, 16)],
            "F is a tone of G7"
        );
        // A note that ends just after the start of the lead-in is not changed.
        let short = [note(22, 5, 57)];
        assert_eq!(
            with_cadence(&short, 32, setting(Instrument::Piano, key(0, Mode::Major), &chords)).before,
            short
        );
    }

    #[test]
    fn a_melody_ends_on_a_chord_near_it() {
        let chords = [at(0, 9, Quality::Minor)];
        let notes = [note(20, 4, 76), note(24, 4, 74), note(28, 4, 72)];
        let cadence = with_cadence(
            &notes,
            32,
            setting(Instrument::Guitar, key(9, Mode::HarmonicMinor), &chords),
        );
        // E7 before it: D stays, C goes to B.
        assert_eq!(pitches(&cadence.before, 24), [74]);
        assert_eq!(pitches(&cadence.before, 28), [71]);
        let classes: Vec<u8> = cadence.last.iter().map(|pitch| pitch % 12).collect();
        for class in [9, 0, 4] {
            assert!(classes.contains(&class), "{:?}", cadence.last);
        }
        assert!(
            cadence.last.iter().all(|pitch| (69..=81).contains(pitch)),
            "{:?}",
            cadence.last
        );
    }

    #[test]
    fn the_lowest_note_of_a_low_chord_ends_on_the_root() {
        let chords = [at(0, 7, Quality::Dominant)];
        let notes = [note(28, 4, 43), note(28, 4, 59), note(28, 4, 62), note(28, 4, 65)];
        let cadence = with_cadence(&notes, 32, setting(Instrument::Piano, key(0, Mode::Major), &chords));
        assert_eq!(cadence.last[0], 48);
        assert_eq!(cadence.last.len(), 4);
    }

    #[test]
    fn without_notes_or_chords() {
        let piano =
            |notes: &[GridNote], step| with_cadence(notes, step, setting(Instrument::Piano, key(0, Mode::Major), &[]));
        assert!(piano(&[], 32).last.is_empty());
        assert!(
            piano(&[note(40, 4, 60)], 32).last.is_empty(),
            "it would have come in after the end"
        );
        let cadence = piano(&[note(28, 4, 60), note(28, 4, 69)], 32);
        assert_eq!(
            pitches(&cadence.before, 28),
            [59, 69],
            "C clashes with B; A, which is not a chord tone, does not and stays"
        );
        // Steps at the ends of the integer range do not overflow.
        for step in [i32::MIN, i32::MAX] {
            piano(&[note(i32::MIN, 64, 60), note(i32::MAX, 64, 60)], step);
        }
    }

    #[test]
    fn the_lead_in_is_half_a_bar_or_a_bar_of_three() {
        assert_eq!([1, 2, 3, 4, 5, 6].map(lead_in), [4, 8, 12, 8, 12, 12]);
        assert_eq!(lead_in(0), 4);
    }
}
