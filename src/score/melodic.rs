//! Converts melodic lines to parts: the General MIDI program, its volume and pan, and when each
//! note sounds.

use super::levels::Levels;
use super::marked::Last;
use super::{Note, Part, in_turn};
use crate::music::{GridNote, Line};
use crate::theory::Palette;
use crate::time::{BeatGrid, Instant, Span, TempoMap, Tick};

/// Bank of melodic programs.
const MELODIC_BANK: u16 = 0;

/// How long before the clip's end the last chord is released, so that it is not cut off: this time,
/// or this share of its ring.
const RELEASE: Span = Span::from_seconds(0.15);
const RELEASE_SHARE: f64 = 0.2;

/// Converts steps to ticks, on the beats of the clip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeline<'a> {
    pub beats: &'a BeatGrid,
    pub tempo_map: &'a TempoMap,
    pub duration: Span,
}

impl Timeline<'_> {
    /// The tick at which the clip ends.
    pub fn end(&self) -> Tick {
        self.tempo_map.tick(Instant::ZERO + self.duration)
    }

    /// The tick of an event at a step and an offset; `None` outside the clip.
    ///
    /// An event at the clip's start may have an early offset; it is then played at the start.
    pub fn onset(&self, step: i32, offset: f32) -> Option<Tick> {
        let place = self.beats.instant(f64::from(step));
        let onset = self.beats.onset(step, offset);
        let inside = onset >= Instant::ZERO || place >= Instant::ZERO;
        let tick = self.tempo_map.tick(onset);
        (inside && tick < self.end()).then_some(tick)
    }
}

/// Converts a velocity, above 0 to 1, to MIDI.
pub(super) fn midi_velocity(velocity: f32) -> u8 {
    (velocity * 127.0).round().clamp(1.0, 127.0) as u8
}

/// The part of a line with these notes, played with the sounds of a palette.
pub(super) fn part(line: &Line, palette: Palette, levels: &Levels, notes: Vec<Note>) -> Part {
    let profile = line.instrument.profile();
    let program = palette.program(line.instrument);
    Part {
        name: profile.name.to_owned(),
        channel: profile.channel,
        bank: MELODIC_BANK,
        program,
        volume: levels.volume(line, program),
        pan: profile.pan,
        notes,
    }
}

/// Notes on the grid in ticks: those that begin before `until`, cut off there.
pub(super) fn notes(notes: &[GridNote], timeline: Timeline<'_>, until: Tick) -> Vec<Note> {
    let notes = notes.iter().filter_map(|note| {
        let onset = timeline.onset(note.step, note.offset).filter(|onset| *onset < until)?;
        // Lengths are half steps.
        let stop = f64::from(note.step) + f64::from(note.offset) + f64::from(note.length) / 2.0;
        let stop = timeline.tempo_map.tick(timeline.beats.instant(stop)).min(until);
        Some(Note {
            onset,
            ticks: stop.0.saturating_sub(onset.0).max(1),
            pitch: note.pitch,
            velocity: midi_velocity(note.velocity),
        })
    });
    in_turn(notes.collect())
}

/// Pitches that begin together where a piece ends and ring to the clip's end.
pub(super) fn ringing(pitches: &[u8], velocity: f32, last: Last, timeline: Timeline<'_>) -> Vec<Note> {
    let Some(onset) = timeline.onset(last.step, last.offset) else {
        return vec![];
    };
    let ring = timeline.duration - (timeline.tempo_map.instant(onset) - Instant::ZERO);
    let release = RELEASE.seconds().min(ring.seconds() * RELEASE_SHARE);
    let stop = timeline
        .tempo_map
        .tick(Instant::ZERO + timeline.duration - Span::from_seconds(release));
    let stop = match last.rings_until {
        until if until.is_finite() => stop.min(timeline.tempo_map.tick(timeline.beats.instant(until))),
        _ => stop,
    };
    pitches
        .iter()
        .map(|pitch| Note {
            onset,
            ticks: stop.0.saturating_sub(onset.0).max(1),
            pitch: *pitch,
            velocity: midi_velocity(velocity),
        })
        .collect()
}
