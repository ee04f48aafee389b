//! The plan of a line, bar by bar: input of the models, and constraints on writing.

use crate::drums::CLASSES;
use crate::theory::{Chord, Instrument};
use std::ops::RangeInclusive;

/// A chord in the models' numbering: root 12 and quality 5 mean no chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChordInput(pub Option<Chord>);

impl ChordInput {
    /// Pitch class of the root, 12 for none.
    pub fn root(self) -> u8 {
        self.0.map_or(12, |chord| chord.root)
    }

    /// Number of the quality, 5 for none.
    pub fn quality(self) -> u8 {
        self.0.map_or(5, |chord| chord.quality as u8)
    }
}

/// The encoder's input for a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct BarInput {
    /// For each step, 1 for each drum class that is hit.
    pub hits: Vec<[f32; CLASSES]>,
    /// The chord at each step.
    pub chords: Vec<ChordInput>,
    /// The next different chord after each step.
    pub next_chords: Vec<ChordInput>,
    /// Pitch classes of the bar's scale.
    pub scale: [bool; 12],
    /// Density: 0 unspecified, 1 few notes to 4 many.
    pub density: u8,
    /// Register: 0 unspecified, 1 low to 3 high.
    pub register: u8,
    /// 0 unspecified, 1 accompaniment, 2 with a melody.
    pub lead: u8,
    /// Bars to the next section, including this one: 1 is the last before it, 4 means four or more;
    /// 0 unspecified.
    pub section: u8,
    /// The instrument.
    pub instrument: Instrument,
    /// Number of the style in the vocabulary.
    pub style: usize,
    /// Tempo, beats per minute.
    pub bpm: f64,
}

/// A bar that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct BarPlan {
    /// The model's input.
    pub input: BarInput,
    /// Whether the instrument plays at all.
    pub plays: bool,
    /// Steps of the bar whose accents must be answered, in ascending order.
    pub answered: Vec<u8>,
    /// MIDI pitches that may be played, an octave or more.
    pub span: RangeInclusive<u8>,
    /// Factor on the model's velocities: 1 leaves them unchanged.
    pub gain: f32,
    /// Offset of each step from the grid, in steps; positive is late.
    pub feel: Vec<f32>,
    /// Strength of the accent at each step, 0 to 1.
    pub strength: Vec<f32>,
    /// Numbers of earlier bars that this one may repeat, the likeliest first.
    pub earlier: Vec<usize>,
    /// How many of those, at the beginning, have the same movement.
    pub alike: usize,
}

impl BarPlan {
    /// Sixteenths in the bar.
    pub fn steps(&self) -> u8 {
        self.input.hits.len() as u8
    }

    /// The pitch in the middle of the bar's span.
    pub(super) fn centre(&self) -> u8 {
        self.span.start().midpoint(*self.span.end())
    }

    pub(super) fn chord(&self, step: u8) -> ChordInput {
        self.input
            .chords
            .get(usize::from(step))
            .copied()
            .unwrap_or(ChordInput(None))
    }

    pub(super) fn changes_chord(&self, step: u8) -> bool {
        step > 0 && self.chord(step) != self.chord(step - 1)
    }
}

/// The plan of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct LinePlan {
    /// The instrument.
    pub instrument: Instrument,
    /// Step of the drum grid at which the first bar begins.
    pub first_step: i32,
    /// The bars.
    pub bars: Vec<BarPlan>,
}
