//! How the music answers marks: hits at their very instants, whatever the tempo, and silences.
//!
//! It is the last pass, so that it also holds where the movement is not followed. A hit is at a step
//! with the offset that leads to its instant exactly; what would sound just beside it is struck with
//! it or left out, and everything within about a beat of it is softer. In a silence nothing is played, and
//! no cymbal rings into it.

use super::Answer;
use super::lines::{Steps, chord_at, struck};
use crate::drums::{DrumClass, Hit};
use crate::marks::{HitAnswer, Marks};
use crate::music::{GridNote, Line, Music};
use crate::theory::{Chord, Quality};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span};

/// A stroke nearer to a hit than this would be heard as a flam, or as a second hit.
const APART: Span = Span::from_seconds(0.090);

/// How far around a hit everything else is softer, steps: a beat, and as long as a stroke rings into
/// it.
const AROUND: f64 = STEPS_PER_BEAT as f64 + 1.5;

/// Greatest velocity around a hit relative to that of the hit; around a hit that only a chord
/// answers, which is softer than drums of the same velocity and swells later.
const SOFTER: f32 = 0.45;
const SOFTEST: f32 = 0.35;

/// Velocity of a hit of strength 0. Velocities fall evenly in decibels from strength 1 to it, farther
/// than those of accents: the compressor and the limiter of the mix take part of the difference back.
const FAINTEST: f32 = 0.18;

/// The drums that strike a hit, with their velocities relative to it, and from which strength there
/// is a crash as well.
const STROKES: [(DrumClass, f32); 3] = [(DrumClass::Snare, 1.0), (DrumClass::Kick, 0.9), (DrumClass::Crash, 0.7)];
const CRASH: f32 = 0.6;

/// Gain of the notes that are struck with a hit which the drums lead.
const WITH_DRUMS: f32 = 0.85;

/// The silence before a hit, in steps, and its bounds: long enough to be heard as a breath.
const STOP: f64 = 2.0;
const LEAST_STOP: Span = Span::from_seconds(0.12);
const MOST_STOP: Span = Span::from_seconds(0.40);

/// How long before a silence a crash, and another open cymbal, is not struck.
const CRASH_RING: Span = Span::from_seconds(1.5);
const OPEN_RING: Span = Span::from_seconds(0.5);

/// Longest added note, half steps.
const ADDED: f64 = 8.0;

/// Half steps in a step.
const UNITS: f64 = 2.0;

/// An offset this near to half a step belongs to the next step.
const HALF: f64 = 0.499_999;

/// The marks as they are answered, on the grid of the drums.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Marked {
    /// The hits, in rising order.
    pub hits: Vec<Struck>,
    /// The silences, in rising order.
    pub silences: Vec<Stretch>,
}

/// Where a hit is struck.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Struck {
    /// The nearest step.
    pub step: i32,
    /// How far from the step, steps.
    pub offset: f32,
}

impl Struck {
    /// Its position on the grid, in steps.
    pub fn position(&self) -> f64 {
        f64::from(self.step) + f64::from(self.offset)
    }
}

/// A stretch of the grid, in steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Its start.
    pub from: f64,
    /// Its end, which does not belong to it.
    pub until: f64,
}

/// A hit and what answers it.
struct Cue {
    at: Struck,
    time: Instant,
    velocity: f32,
    strength: f32,
    drums: bool,
    chord: bool,
}

/// The cues and the quiet stretches of a clip.
struct Cues<'a> {
    grid: &'a BeatGrid,
    /// In rising order.
    cues: Vec<Cue>,
    /// Silences, and the stops before hits; in rising order of their starts.
    quiet: Vec<Stretch>,
    /// Steps in a bar.
    bar: i32,
}

/// The answer with its marks, which are in the time of the drums' beats. `has_drums` is whether the
/// drums are heard: if they are not, the other instruments answer instead, and the other way round.
pub fn with_marks(answer: Answer, marks: &Marks, has_drums: bool) -> Answer {
    let is_marked = !(marks.hits.is_empty() && marks.silences.is_empty());
    let Some(grid) = BeatGrid::new(answer.drums.beats.clone()).filter(|_| is_marked) else {
        return answer;
    };
    let has_lines = answer.music.as_ref().is_some_and(|music| !music.lines.is_empty());
    let cues = marks.hits.iter().filter_map(|hit| {
        let chord = has_lines && (hit.wants(HitAnswer::Chord) || !has_drums);
        Some(Cue {
            at: place(&grid, hit.time)?,
            time: hit.time,
            velocity: loudness(hit.strength),
            strength: hit.strength,
            drums: hit.wants(HitAnswer::Drums) && has_drums || !chord,
            chord,
        })
    });
    let cues: Vec<Cue> = cues.collect();
    let silences = marks.silences.iter().map(|silence| Stretch {
        from: grid.position(silence.from),
        until: grid.position(silence.to),
    });
    let silences: Vec<Stretch> = silences.collect();
    let stops = marks
        .hits
        .iter()
        .enumerate()
        .filter(|(_, hit)| hit.wants(HitAnswer::Stop));
    let stops = stops.map(|(index, hit)| {
        let before = index.checked_sub(1).and_then(|before| marks.hits.get(before));
        stop(&grid, hit.time, before.map(|before| before.time))
    });
    let mut quiet: Vec<Stretch> = silences.iter().copied().chain(stops).collect();
    quiet.sort_by(|a, b| a.from.total_cmp(&b.from));
    let Answer {
        mut drums,
        music,
        strong,
        ..
    } = answer;
    let bar = i32::from(drums.beats_per_bar.max(1)) * STEPS_PER_BEAT as i32;
    let cues = Cues {
        grid: &grid,
        cues,
        quiet,
        bar,
    };
    drums.hits = cues.strokes(&drums.hits);
    let music = music.map(|music| Music {
        lines: music.lines.iter().map(|line| cues.line(line, &music)).collect(),
        ..music
    });
    let hits: Vec<Struck> = cues.cues.iter().map(|cue| cue.at).collect();
    let strong = strong.map(|mut steps| {
        steps.extend(hits.iter().map(|hit| hit.step));
        steps.sort_unstable();
        steps.dedup();
        steps
    });
    Answer {
        drums,
        music,
        strong,
        marked: Marked { hits, silences },
    }
}

/// Velocity of a hit.
fn loudness(strength: f32) -> f32 {
    FAINTEST.powf(1.0 - strength)
}

/// Where on the grid an instant is.
fn place(grid: &BeatGrid, time: Instant) -> Option<Struck> {
    let step = i32::try_from(grid.nearest_step(time)).ok()?;
    let offset = grid.position(time) - f64::from(step);
    let step = if offset > HALF { step.checked_add(1)? } else { step };
    let offset = grid.position(time) - f64::from(step);
    Some(Struck {
        step,
        offset: offset.clamp(-0.5, HALF) as f32,
    })
}

/// The silence before a hit at a time, which begins after the hit before it.
fn stop(grid: &BeatGrid, time: Instant, before: Option<Instant>) -> Stretch {
    let until = grid.position(time);
    let usual = (time - grid.instant(until - STOP)).seconds();
    let length = usual.clamp(LEAST_STOP.seconds(), MOST_STOP.seconds());
    let from = grid.position(time - Span::from_seconds(length));
    let after = before.map_or(from, |before| grid.position(before + (time - before) * 0.5));
    Stretch {
        from: from.max(after),
        until,
    }
}

impl Cues<'_> {
    /// The cue that a position is heard with.
    fn beside(&self, position: f64) -> Option<&Cue> {
        let time = self.grid.instant(position);
        let apart = |cue: &&Cue| (cue.time - time).seconds().abs();
        let after = self.cues.partition_point(|cue| cue.time < time);
        let near = &self.cues[after.saturating_sub(1)..(after + 1).min(self.cues.len())];
        let nearest = near.iter().min_by(|a, b| apart(a).total_cmp(&apart(b)));
        nearest.filter(|cue| apart(cue) < APART.seconds())
    }

    /// The greatest velocity at a position that is not a cue's.
    fn ceiling(&self, position: f64) -> f32 {
        let first = self.cues.partition_point(|cue| cue.at.position() < position - AROUND);
        let around = self.cues[first..].iter();
        let around = around.take_while(|cue| cue.at.position() <= position + AROUND);
        let ceilings = around.map(|cue| cue.velocity * if cue.drums { SOFTER } else { SOFTEST });
        ceilings.fold(1.0, f32::min)
    }

    /// Whether nothing is played at a position.
    fn is_quiet(&self, position: f64) -> bool {
        let last = self.quiet.partition_point(|stretch| stretch.from <= position);
        self.quiet[..last]
            .iter()
            .rev()
            .take(2)
            .any(|stretch| position < stretch.until)
    }

    /// The time from a position to the next quiet stretch.
    fn until_quiet(&self, position: f64) -> Option<Span> {
        let next = self.quiet.partition_point(|stretch| stretch.from <= position);
        let next = self.quiet.get(next)?;
        Some(self.grid.instant(next.from) - self.grid.instant(position))
    }

    /// The drum that is struck instead of one that would ring into a quiet stretch; `None` for none.
    fn damped(&self, class: DrumClass, position: f64) -> Option<DrumClass> {
        let soon = |ring: Span| self.until_quiet(position).is_some_and(|until| until < ring);
        match class {
            DrumClass::Crash if soon(CRASH_RING) => None,
            DrumClass::OpenHat | DrumClass::Ride if soon(OPEN_RING) => Some(DrumClass::ClosedHat),
            other => Some(other),
        }
    }

    /// The hits of the drums, by step, then by class.
    fn strokes(&self, written: &[Hit]) -> Vec<Hit> {
        let kept = written.iter().filter_map(|hit| {
            let position = f64::from(hit.step) + f64::from(hit.offset);
            if self.is_quiet(position) || self.beside(position).is_some() {
                return None;
            }
            Some(Hit {
                class: self.damped(hit.class, position)?,
                velocity: hit.velocity.min(self.ceiling(position)),
                ..*hit
            })
        });
        let mut hits: Vec<Hit> = kept.collect();
        for cue in self.cues.iter().filter(|cue| cue.drums) {
            let position = cue.at.position();
            let strokes = STROKES.iter().filter(|(class, _)| {
                let rings = *class != DrumClass::Crash || cue.strength >= CRASH;
                rings && self.damped(*class, position) == Some(*class)
            });
            hits.extend(strokes.map(|(class, share)| Hit {
                step: cue.at.step,
                class: *class,
                velocity: cue.velocity * share,
                offset: cue.at.offset,
            }));
        }
        hits.sort_by_key(|hit| (hit.step, hit.class as usize));
        hits
    }

    /// A line with its notes by step, then by pitch.
    fn line(&self, line: &Line, music: &Music) -> Line {
        let mut notes: Vec<GridNote> = Vec::with_capacity(line.notes.len());
        let mut struck_notes: Vec<GridNote> = Vec::new();
        for note in &line.notes {
            let position = position(note);
            match self.beside(position) {
                Some(cue) => struck_notes.push(GridNote {
                    step: cue.at.step,
                    offset: cue.at.offset,
                    velocity: velocity(cue),
                    ..*note
                }),
                None => notes.push(GridNote {
                    velocity: note.velocity.min(self.ceiling(position)),
                    ..*note
                }),
            }
        }
        for cue in self.cues.iter().filter(|cue| cue.chord) {
            self.strike(cue, line, music, &notes, &mut struck_notes);
        }
        notes.retain(|note| !self.is_quiet(position(note)));
        // What still sounds when a hit comes ends with it, so that the hit is clear.
        let mut ends: Vec<f64> = self.quiet.iter().map(|stretch| stretch.from).collect();
        ends.extend(self.cues.iter().filter(|cue| cue.chord).map(|cue| cue.at.position()));
        ends.sort_by(f64::total_cmp);
        notes.append(&mut struck_notes);
        for note in &mut notes {
            let from = position(note);
            let next = ends.partition_point(|end| *end <= from + 1e-6);
            if let Some(end) = ends.get(next) {
                let room = ((end - from) * UNITS).floor().clamp(1.0, f64::from(u8::MAX));
                note.length = note.length.min(room as u8);
            }
        }
        notes.sort_by_key(|note| (note.step, note.pitch));
        notes.dedup_by(|a, b| (a.step, a.pitch) == (b.step, b.pitch) && a.offset.to_bits() == b.offset.to_bits());
        Line {
            instrument: line.instrument,
            notes,
        }
    }

    /// Replaces what a line has at a cue by its part of the chord.
    fn strike(&self, cue: &Cue, line: &Line, music: &Music, others: &[GridNote], at_cues: &mut Vec<GridNote>) {
        let Struck { step, offset } = cue.at;
        let is_here = |note: &GridNote| note.step == step && note.offset.to_bits() == offset.to_bits();
        let mut steps = Steps::new();
        for note in others.iter().chain(at_cues.iter()).filter(|note| !is_here(note)) {
            steps.entry(note.step).or_default().push(*note);
        }
        let chord = chord_at(&music.chords, step).unwrap_or_else(|| home(music));
        let pitches = struck(line.instrument, step, &music.chords, chord, &steps, self.bar);
        let here = cue.at.position();
        let next = others
            .iter()
            .map(position)
            .filter(|other| *other > here)
            .fold(f64::INFINITY, f64::min);
        let length = ((next - here) * UNITS).floor().clamp(1.0, ADDED) as u8;
        at_cues.retain(|note| !is_here(note));
        at_cues.extend(pitches.into_iter().map(|pitch| GridNote {
            step,
            length,
            pitch,
            velocity: velocity(cue),
            offset,
        }));
    }
}

/// The position of a note on the grid, in steps.
fn position(note: &GridNote) -> f64 {
    f64::from(note.step) + f64::from(note.offset)
}

/// The velocity of a note that is struck with a hit.
fn velocity(cue: &Cue) -> f32 {
    cue.velocity * if cue.drums { WITH_DRUMS } else { 1.0 }
}

/// The chord of the key, for music without chords.
fn home(music: &Music) -> Chord {
    let quality = if music.key.mode.is_minor() {
        Quality::Minor
    } else {
        Quality::Major
    };
    Chord::new(music.key.tonic, quality)
}

#[cfg(test)]
#[path = "marked_tests.rs"]
mod tests;
