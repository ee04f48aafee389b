//! What is asked of a line, bar by bar: the models read it, and writing keeps to it.

use crate::drums::CLASSES;
use crate::theory::{Chord, Instrument};
use std::ops::RangeInclusive;

/// A chord as the models number it: root 12 and quality 5 are no chord.
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

/// What the encoder reads of a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct BarInput {
    /// 1 where a drum class is struck, step by step.
    pub hits: Vec<[f32; CLASSES]>,
    /// The chord at each step.
    pub chords: Vec<ChordInput>,
    /// The next other chord after each step.
    pub next_chords: Vec<ChordInput>,
    /// Pitch classes of the bar's scale.
    pub scale: [bool; 12],
    /// How many notes: 0 not said, 1 few to 4 many.
    pub density: u8,
    /// How high: 0 not said, 1 low to 3 high.
    pub register: u8,
    /// 0 not said, 1 accompaniment, 2 with a melody.
    pub lead: u8,
    /// Bars to the next section, this one included: 1 is the last before it, 4 stands for more; 0 not said.
    pub section: u8,
    /// Who plays.
    pub instrument: Instrument,
    /// Number of the style in the vocabulary.
    pub style: usize,
    /// Beats a minute.
    pub bpm: f64,
}

/// A bar that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct BarPlan {
    /// What the model is given.
    pub input: BarInput,
    /// Steps of the bar whose accent must be answered, rising.
    pub answered: Vec<u8>,
    /// MIDI pitches that may be played, an octave or more.
    pub span: RangeInclusive<u8>,
    /// How loud, beside what the model says: 1 is as it says.
    pub gain: f32,
    /// How far each step is played from the grid, in steps, positive is late.
    pub feel: Vec<f32>,
    /// Strength of the accent at each step, 0 to 1.
    pub strength: Vec<f32>,
    /// Numbers of earlier bars that this one may take up, the likeliest first.
    pub earlier: Vec<usize>,
}

impl BarPlan {
    /// Sixteenths in the bar.
    pub fn steps(&self) -> u8 {
        self.input.hits.len() as u8
    }

    /// The pitch that the bar lies about.
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

/// A line that is to be written: what to play with, and the bars.
#[derive(Debug, Clone, PartialEq)]
pub struct LinePlan {
    /// Who plays.
    pub instrument: Instrument,
    /// Step of the drum grid at which the first bar begins.
    pub first_step: i32,
    /// The bars.
    pub bars: Vec<BarPlan>,
}
