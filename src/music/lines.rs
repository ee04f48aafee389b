//! The notes of the melodic instruments.

use crate::limits::{Allowed, NOTE_LENGTHS, OFFSETS, PITCH_CLASSES, SEVEN_BITS, STRENGTHS};
use crate::theory::{Chord, Instrument, Key, Palette};
use serde::{Deserialize, Serialize};

/// The harmony of a clip and the notes of its melodic instruments, on the grid of its drums.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Music {
    /// The key.
    pub key: Key,
    /// The sounds of the instruments; `None`, in files of versions without palettes, is the palette
    /// of the drums' style.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub palette: Option<Palette>,
    /// The chords by step, in ascending order; each holds until the next. The first is at the first
    /// step of the grid.
    pub chords: Vec<ChordAt>,
    /// One line for each instrument.
    pub lines: Vec<Line>,
}

/// A chord and the step at which it begins.
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
    /// The instrument.
    pub instrument: Instrument,
    /// The notes, by step, then by pitch.
    pub notes: Vec<GridNote>,
}

/// A note on the grid of the drums.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GridNote {
    /// Step on which it begins.
    pub step: i32,
    /// Length in thirty-second notes (half steps), 1 to 64.
    pub length: u8,
    /// MIDI pitch.
    pub pitch: u8,
    /// Velocity, above 0, at most 1.
    pub velocity: f32,
    /// Offset from the step, in steps; positive is late (like that of a drum
    /// [`Hit`](crate::drums::Hit)).
    pub offset: f32,
}

impl Music {
    /// Checks music that was read from a file, for a grid of the given steps. The message of a
    /// failure begins with the field within the music.
    pub(crate) fn check(&self, steps: Allowed<i32>) -> std::result::Result<(), String> {
        PITCH_CLASSES.check("key.tonic", self.key.tonic)?;
        for (index, at) in self.chords.iter().enumerate() {
            steps.check(format_args!("chords[{index}].step"), at.step)?;
            PITCH_CLASSES.check(format_args!("chords[{index}].chord.root"), at.chord.root)?;
        }
        if let Some(index) = self.chords.windows(2).position(|pair| pair[0].step >= pair[1].step) {
            return Err(format!(
                "chords[{}].step is {}; it must be above that of the previous chord, {}",
                index + 1,
                self.chords[index + 1].step,
                self.chords[index].step
            ));
        }
        for (index, line) in self.lines.iter().enumerate() {
            if self.lines[..index]
                .iter()
                .any(|other| other.instrument == line.instrument)
            {
                return Err(format!(
                    "lines[{index}].instrument is the {:?}, like that of another line; each instrument may have only one line",
                    line.instrument
                ));
            }
            for (number, note) in line.notes.iter().enumerate() {
                let field = |name: &str| format!("lines[{index}].notes[{number}].{name}");
                let check = || {
                    steps.check("step", note.step)?;
                    NOTE_LENGTHS.check("length", note.length)?;
                    SEVEN_BITS.check("pitch", note.pitch)?;
                    STRENGTHS.check("velocity", f64::from(note.velocity))?;
                    OFFSETS.check("offset", f64::from(note.offset))
                };
                check().map_err(|fault: String| field(&fault))?;
            }
        }
        Ok(())
    }
}
