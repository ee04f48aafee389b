//! Drum classes, hits, and the drum grid.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Number of drum classes.
pub const CLASSES: usize = 9;

/// The nine drum classes of GrooVAE (Gillick et al. 2019), in the order of the models' tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(usize)]
#[allow(missing_docs)] // the names are enough
pub enum DrumClass {
    Kick,
    Snare,
    ClosedHat,
    OpenHat,
    LowTom,
    MidTom,
    HighTom,
    Crash,
    Ride,
}

impl DrumClass {
    /// All classes, in the order of the tensors.
    pub const ALL: [Self; CLASSES] = [
        Self::Kick,
        Self::Snare,
        Self::ClosedHat,
        Self::OpenHat,
        Self::LowTom,
        Self::MidTom,
        Self::HighTom,
        Self::Crash,
        Self::Ride,
    ];

    /// The General MIDI pitch of the class.
    pub fn pitch(self) -> u8 {
        match self {
            Self::Kick => 36,
            Self::Snare => 38,
            Self::ClosedHat => 42,
            Self::OpenHat => 46,
            Self::LowTom => 43,
            Self::MidTom => 47,
            Self::HighTom => 50,
            Self::Crash => 49,
            Self::Ride => 51,
        }
    }
}

/// One drum hit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Step of the grid: 0 is the first beat of the rhythm; negative before it.
    pub step: i32,
    /// The drum class.
    pub class: DrumClass,
    /// Velocity, above 0, at most 1.
    pub velocity: f32,
    /// Offset from the step, in steps, −0.5 to below 0.5; **positive is late**: onset = (step +
    /// offset) · step length.
    pub offset: f32,
}

/// The drums of a clip on the grid of its beats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrumGrid {
    /// The beats of the rhythm, which span the grid (see [`BeatGrid`](crate::time::BeatGrid)).
    pub beats: Vec<Instant>,
    /// Position of the first beat in its bar, from 1.
    pub first_beat: u8,
    /// Beats in a bar.
    pub beats_per_bar: u8,
    /// The playing style.
    pub style: String,
    /// The hits, sorted by step, then by class.
    pub hits: Vec<Hit>,
}
