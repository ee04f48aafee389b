//! What the melodic instruments play.

use crate::theory::{Chord, Instrument, Key};
use serde::{Deserialize, Serialize};

/// What the melodic instruments of a clip play, on the grid of its drums.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Music {
    /// The key.
    pub key: Key,
    /// The chords by step, in rising order; each holds until the next. The first stands at the first step of the grid.
    pub chords: Vec<ChordAt>,
    /// One line for each instrument.
    pub lines: Vec<Line>,
}

/// From this step on, this chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChordAt {
    /// Step of the drum grid.
    pub step: i32,
    /// The chord.
    pub chord: Chord,
}

/// One instrument's notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Who plays.
    pub instrument: Instrument,
    /// The notes, by step, then by pitch.
    pub notes: Vec<GridNote>,
}

/// A note on the grid of the drums.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GridNote {
    /// Step on which it begins.
    pub step: i32,
    /// How long it is held, in thirty-second notes (half steps), 1 to 64.
    pub length: u8,
    /// MIDI pitch.
    pub pitch: u8,
    /// How loud, above 0, at most 1.
    pub velocity: f32,
    /// How far from the step it is played, in steps, positive is late (as a drum [`Hit`](crate::drums::Hit)'s).
    pub offset: f32,
}

impl Music {
    /// What is wrong with music that was read from a file.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        if !self.chords.windows(2).all(|pair| pair[0].step < pair[1].step) {
            return Err("the steps of the chords must rise".to_owned());
        }
        if let Some(at) = self.chords.iter().find(|at| at.chord.root > 11) {
            return Err(format!("a chord has root {}; allowed are 0 to 11", at.chord.root));
        }
        for (index, line) in self.lines.iter().enumerate() {
            if self.lines[..index]
                .iter()
                .any(|other| other.instrument == line.instrument)
            {
                return Err(format!("two lines of the {:?}; one is allowed", line.instrument));
            }
            let valid = |note: &GridNote| {
                (1..=64).contains(&note.length)
                    && note.pitch <= 127
                    && note.velocity > 0.0
                    && note.velocity <= 1.0
                    && note.offset >= -0.5
                    && note.offset < 0.5
            };
            if !line.notes.iter().all(valid) {
                return Err(
                    "notes need a length of 1 to 64, a pitch of 0 to 127, a velocity in 0..1 and an offset in -0.5..0.5"
                        .to_owned(),
                );
            }
        }
        Ok(())
    }
}
