//! How a melodic line answers the movement.

use super::moments::{Moments, STRONG, loudness};
use crate::music::{ChordAt, GridNote, Line};
use crate::theory::{Chord, Instrument, Role};
use std::collections::BTreeMap;

/// From this strength, chords are struck on an accent where none was written; the bass comes in on
/// every strong accent.
const STAB: f32 = 0.75;

/// How recently, in bars, a line must have played to land on an accent: a silent line stays silent.
const PLAYING: i32 = 2;

/// Longest added note, and longest note in general, half steps.
const ADDED: i32 = 8;
const LONGEST: i32 = 64;

/// Half steps in a step.
const UNITS: i32 = 2;

/// Loudness of the harmony where the body rests.
const HELD: f32 = 0.4;

/// Gain of a line where the body is not braked at all, and where it is braked as sharply as it
/// usually is at most: half of what the drums have, so that the harmony stays.
const SWELL: (f32, f32) = (0.8, 1.2);

/// The same for a melody, which is heard in front.
const MELODY_SWELL: (f32, f32) = (0.65, 1.25);

/// Fewest notes of a chord; fewer are a melody's.
const LEAST_CHORD: usize = 3;

/// Approximate pitch of a chord whose notes were not written.
const MIDDLE: u8 = 60;
const LOW: u8 = 36;

/// The notes of each step.
pub(super) type Steps = BTreeMap<i32, Vec<GridNote>>;

/// The line with its notes by step, then by pitch.
pub(super) fn answered(line: &Line, chords: &[ChordAt], moments: &Moments<'_>) -> Line {
    let mut steps = Steps::new();
    for note in &line.notes {
        steps.entry(note.step).or_default().push(*note);
    }
    let held = line.instrument.profile().role == Role::Pad;
    if !held {
        land(line.instrument, chords, &mut steps, moments);
    }
    let swell = match line.instrument.profile().role {
        Role::Melody => MELODY_SWELL,
        _ => SWELL,
    };
    for (step, notes) in &mut steps {
        let on = moments.on(*step);
        for note in notes.iter_mut() {
            note.velocity = match on {
                Some(moment) => {
                    let loud = loudness(moment.strength);
                    note.offset = moments.depth.towards(note.offset, moment.offset);
                    moments.depth.towards(note.velocity, note.velocity.max(loud))
                }
                None => {
                    let braked = moments.braked(f64::from(note.step) + f64::from(note.offset));
                    let swelled = braked.map_or(1.0, |braked| moments.depth.swell(braked, swell));
                    (note.velocity * moments.depth.aside(false) * swelled).min(1.0)
                }
            };
        }
        if on.is_none() && !held {
            notes.retain(|note| !moments.would_flam(*step, note.offset));
        }
    }
    rest(line.instrument, chords, &mut steps, moments);
    let mut notes: Vec<GridNote> = steps.into_values().flatten().collect();
    notes.sort_by_key(|note| (note.step, note.pitch));
    Line {
        instrument: line.instrument,
        notes,
    }
}

/// Makes a line land on strong accents on which it has nothing to play.
fn land(instrument: Instrument, chords: &[ChordAt], steps: &mut Steps, moments: &Moments<'_>) {
    if moments.depth.usual() < 1.0 {
        return;
    }
    let least = if instrument.profile().is_bass() { STRONG } else { STAB };
    for moment in moments.strong().filter(|moment| moment.strength >= least) {
        if steps.contains_key(&moment.step) {
            continue;
        }
        let Some(pitches) = landing(instrument, moment.step, chords, steps, moments.bar) else {
            continue;
        };
        let_go(steps, moment.step);
        let next = steps
            .range(moment.step + 1..)
            .next()
            .map(|(step, _)| (step - moment.step) * UNITS);
        let length = next.unwrap_or(ADDED).clamp(1, ADDED) as u8;
        let note = |pitch: u8| GridNote {
            step: moment.step,
            length,
            pitch,
            velocity: loudness(moment.strength),
            offset: moment.offset,
        };
        steps.insert(moment.step, pitches.into_iter().map(note).collect());
    }
}

/// Ends all sounding notes at a step.
fn let_go(steps: &mut Steps, at: i32) {
    for (step, notes) in steps.range_mut(at - LONGEST / UNITS..at) {
        let room = ((at - step) * UNITS).clamp(1, LONGEST) as u8;
        notes.iter_mut().for_each(|note| note.length = note.length.min(room));
    }
}

/// The notes that a line strikes on a step where nothing was written: the last ones it played, or
/// the chord if that has changed since.
fn landing(instrument: Instrument, step: i32, chords: &[ChordAt], steps: &Steps, bar: i32) -> Option<Vec<u8>> {
    let before = steps.range(step.saturating_sub(PLAYING * bar)..step);
    let chord = chord_at(chords, step);
    let fits = |pitch: u8| chord.is_none_or(|chord| chord.contains(pitch));
    let range = &instrument.profile().range;
    if instrument.profile().is_bass() {
        let last = before
            .rev()
            .find_map(|(_, notes)| notes.iter().map(|note| note.pitch).min())?;
        let root = chord.and_then(|chord| nearest(last, range, |pitch| pitch % 12 == chord.root % 12));
        return Some(vec![root.unwrap_or(last)]);
    }
    let mut before = before.rev().peekable();
    let (_, last) = before.peek()?;
    if instrument.profile().voices == 1 {
        let last = last.first()?.pitch;
        return Some(vec![nearest(last, range, fits).unwrap_or(last)]);
    }
    let struck = before.map(|(_, notes)| notes).find(|notes| notes.len() >= LEAST_CHORD);
    match struck {
        Some(notes) if notes.iter().all(|note| fits(note.pitch)) => Some(notes.iter().map(|n| n.pitch).collect()),
        _ => Some(spread(instrument, chord?)),
    }
}

/// The notes of a chord around the middle of the keyboard.
fn spread(instrument: Instrument, chord: Chord) -> Vec<u8> {
    let range = &instrument.profile().range;
    let tones = chord
        .tones()
        .filter_map(|tone| nearest(MIDDLE, range, |pitch| pitch % 12 == tone % 12));
    let mut pitches: Vec<u8> = tones.collect();
    pitches.sort_unstable();
    pitches.dedup();
    pitches
}

/// The notes that a line strikes on a step even if it has not played before; `chord` is the one that
/// sounds there.
pub(super) fn struck(
    instrument: Instrument,
    step: i32,
    chords: &[ChordAt],
    chord: Chord,
    steps: &Steps,
    bar: i32,
) -> Vec<u8> {
    if let Some(pitches) = landing(instrument, step, chords, steps, bar) {
        return pitches;
    }
    if instrument.profile().is_bass() {
        let range = &instrument.profile().range;
        let root = nearest(LOW, range, |pitch| pitch % 12 == chord.root % 12);
        return root.into_iter().collect();
    }
    spread(instrument, chord)
}

fn nearest(to: u8, range: &std::ops::RangeInclusive<u8>, fits: impl Fn(u8) -> bool) -> Option<u8> {
    range
        .clone()
        .filter(|pitch| *pitch >= LOW.min(to) && fits(*pitch))
        .min_by_key(|pitch| (pitch.abs_diff(to), *pitch))
}

/// The chord that sounds on a step, if there are chords.
pub(super) fn chord_at(chords: &[ChordAt], step: i32) -> Option<Chord> {
    let after = chords.partition_point(|at| at.step <= step);
    chords.get(after.saturating_sub(1)).map(|at| at.chord)
}

/// Where the body rests, the bass is silent and the other lines hold: of the notes written there,
/// only those that bring a new chord are struck, softly, and held.
fn rest(instrument: Instrument, chords: &[ChordAt], steps: &mut Steps, moments: &Moments<'_>) {
    if moments.depth.usual() < 1.0 {
        return;
    }
    for rest in &moments.rests {
        let (from, until) = (rest.from.ceil() as i32, rest.until.ceil() as i32);
        let inside: Vec<i32> = steps
            .range(from..until.max(from))
            .map(|(step, _)| *step)
            .filter(|step| moments.on(*step).is_none())
            .collect();
        if instrument.profile().is_bass() {
            let_go(steps, from);
        }
        let mut sounding = None;
        for step in inside {
            let index = chords.partition_point(|at| at.step <= step);
            let is_struck = !instrument.profile().is_bass() && sounding != Some(index);
            let Some(notes) = steps.get_mut(&step).filter(|_| is_struck) else {
                steps.remove(&step);
                continue;
            };
            // A chord is held until the next one or until the body moves; a melody note keeps its
            // length.
            let end = chords.get(index).map_or(until, |next| next.step.min(until));
            let held = ((end - step) * UNITS).clamp(1, LONGEST) as u8;
            for note in notes.iter_mut() {
                note.length = note.length.max(held);
                note.velocity *= HELD;
            }
            sounding = Some(index);
        }
    }
}
