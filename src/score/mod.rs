//! A score: parts and notes in ticks with a tempo map. Independent of how the notes were composed
//! and how they are rendered.

mod arrange;
mod cadence;
mod check;
mod drum_part;
pub mod ending;
pub mod kits;
mod levels;
mod marked;
mod melodic;
mod mixing;
mod turns;

pub use arrange::arrange_answer;
#[cfg(feature = "internals")]
pub use arrange::{arrange, from_drums};
pub use drum_part::DRUM_PART;
pub use mixing::VOLUMES;
pub(crate) use turns::in_turn;

use crate::time::{Instant, Span, TempoMap, Tick};
use serde::{Deserialize, Serialize};

/// MIDI channel of the drums, counted from 0 (channel 10 in MIDI's own counting).
pub const DRUM_CHANNEL: u8 = 9;

/// Music for a clip. Tick 0 is the clip's start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// When each tick sounds.
    pub tempo_map: TempoMap,
    /// Time signatures by tick; the first is at tick 0. A bar that is cut short by the clip's start
    /// is a pick-up with its own signature.
    pub signatures: Vec<TimeSignature>,
    /// The parts.
    pub parts: Vec<Part>,
    /// Length of the clip; sound ends with it.
    pub duration: Span,
    /// Position of tick 0 on the media's timeline, after a change of speed. It is not audible:
    /// synthesis divides time there, so that a trim does not change its spans.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: Instant,
}

/// Whether a value is the default, which is not written to files.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A time signature that applies from a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSignature {
    /// First tick of the bar.
    pub tick: Tick,
    /// Quarter-note beats in a bar.
    pub beats: u8,
}

/// One instrument's notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Track name, and file name of its stem: letters, digits, `-`.
    pub name: String,
    /// MIDI channel from 0; [`DRUM_CHANNEL`] for drums.
    pub channel: u8,
    /// Bank of the SoundFont: 0 for melodic instruments, 128 for drum kits.
    pub bank: u16,
    /// General MIDI program from 0; for drums, the kit's number.
    pub program: u8,
    /// Volume of the part relative to General MIDI's default, dB, within [`VOLUMES`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub volume: f32,
    /// Stereo position: −1 is left, 0 is the centre, 1 is right. The pan of a drum kit is 0,
    /// since its drums have their own positions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pan: f32,
    /// The notes, by onset, then pitch.
    pub notes: Vec<Note>,
}

/// One note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Onset.
    pub onset: Tick,
    /// Length, ticks, at least 1.
    pub ticks: u32,
    /// MIDI pitch, 0 to 127.
    pub pitch: u8,
    /// MIDI velocity, 1 to 127.
    pub velocity: u8,
}
