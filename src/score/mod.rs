//! A score: parts and notes in ticks with a tempo map. Knows neither how the notes were found nor how they will sound.

mod arrange;
mod cadence;
mod check;
mod drum_part;
pub mod ending;
pub mod kits;
mod levels;
mod melodic;
mod mixing;
mod turns;

pub use arrange::arrange_to;
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
    /// Where bars of which length begin, by tick; the first at tick 0. A bar that is cut short by the clip's start is a
    /// pick-up with a signature of its own.
    pub signatures: Vec<TimeSignature>,
    /// The parts.
    pub parts: Vec<Part>,
    /// Length of the clip; sound ends with it.
    pub duration: Span,
    /// Where tick 0 lies on the timeline of the media, after a change of speed. It is not heard: synthesis divides time
    /// there, so that a trim leaves its spans as they are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: Instant,
}

/// Whether a value is the one that is not written to files.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// From this tick on, bars have so many quarter-note beats.
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
    /// General MIDI program from 0; for drums the kit's number.
    pub program: u8,
    /// How much louder or softer than at General MIDI's default volume the part is played, dB, within [`VOLUMES`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub volume: f32,
    /// Where the part stands: −1 on the left, 0 in the middle, 1 on the right. The drums of a kit have places of their own;
    /// its pan is 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pan: f32,
    /// The notes, by onset, then pitch.
    pub notes: Vec<Note>,
}

/// One note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When it begins.
    pub onset: Tick,
    /// How long it is held, ticks, at least 1.
    pub ticks: u32,
    /// MIDI pitch, 0 to 127.
    pub pitch: u8,
    /// MIDI velocity, 1 to 127.
    pub velocity: u8,
}
