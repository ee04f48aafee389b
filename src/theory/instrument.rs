//! The melodic instruments: one row of a table holds everything about an instrument.

use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// A melodic instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)] // the names are enough
pub enum Instrument {
    Piano,
    Guitar,
    Bass,
    Lead,
    Pad,
    Strings,
}

/// What an instrument does in a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Chords and riffs that accompany; where no [melody](Self::Melody) plays, also a melody.
    Comping,
    /// The bass line: it keeps to roots and has no melody.
    Bass,
    /// The theme.
    Melody,
    /// Held chords.
    Pad,
    /// Held or repeated chord tones.
    Ostinato,
}

/// The data of an instrument.
#[derive(Debug)]
pub struct Profile {
    /// The instrument.
    pub instrument: Instrument,
    /// Its name in the settings, and that of its part, its MIDI track and its stem.
    pub name: &'static str,
    /// The MIDI pitches that it plays.
    pub range: RangeInclusive<u8>,
    /// Maximum number of notes at one step.
    pub voices: usize,
    /// What it does.
    pub role: Role,
    /// MIDI channel of its part, from 0, which is also its position among the melodic parts.
    pub channel: u8,
    /// Stereo position: −1 is left, 0 is the middle, 1 is right. The hi-hat of a kit is on the
    /// right, so the guitar, which is as bright, is on the left, and the piano is opposite.
    pub pan: f32,
    /// Target level below the drums, LU: an accompaniment that is heard, but not in front of the
    /// drums, which follow the movement.
    pub under_drums: f64,
    /// Its colour in plots.
    pub colour: &'static str,
}

/// The rows, in the order of [`Instrument::ALL`].
pub static PROFILES: [Profile; Instrument::ALL.len()] = [
    Profile {
        instrument: Instrument::Piano,
        name: Instrument::NAMES[0],
        range: 28..=96,
        voices: 8,
        role: Role::Comping,
        channel: 2,
        pan: 0.35,
        under_drums: 3.0,
        colour: "#245ca0",
    },
    Profile {
        instrument: Instrument::Guitar,
        name: Instrument::NAMES[1],
        range: 40..=88,
        voices: 6,
        role: Role::Comping,
        channel: 1,
        pan: -0.45,
        under_drums: 4.0,
        colour: "#c6701e",
    },
    Profile {
        instrument: Instrument::Bass,
        name: Instrument::NAMES[2],
        range: 28..=60,
        voices: 1,
        role: Role::Bass,
        channel: 0,
        pan: 0.0,
        under_drums: 3.0,
        colour: "#2c8246",
    },
    Profile {
        instrument: Instrument::Lead,
        name: Instrument::NAMES[3],
        range: 55..=88,
        voices: 1,
        role: Role::Melody,
        channel: 3,
        pan: 0.0,
        under_drums: 5.5,
        colour: "#b02a5b",
    },
    Profile {
        instrument: Instrument::Pad,
        name: Instrument::NAMES[4],
        range: 45..=77,
        voices: 4,
        role: Role::Pad,
        channel: 4,
        pan: 0.0,
        under_drums: 9.0,
        colour: "#6b4fa3",
    },
    Profile {
        instrument: Instrument::Strings,
        name: Instrument::NAMES[5],
        range: 55..=91,
        voices: 2,
        role: Role::Ostinato,
        channel: 5,
        pan: -0.25,
        under_drums: 6.0,
        colour: "#7a6a1f",
    },
];

impl Instrument {
    /// All of them; those that the music models play come first.
    pub const ALL: [Self; 6] = [
        Self::Piano,
        Self::Guitar,
        Self::Bass,
        Self::Lead,
        Self::Pad,
        Self::Strings,
    ];

    /// Their names, in the same order.
    pub const NAMES: [&'static str; Self::ALL.len()] = ["piano", "guitar", "bass", "lead", "pad", "strings"];

    /// Those whose lines the music models write, in the order of the models' numbers; the lines of
    /// the others follow from the harmony.
    pub const OF_MODELS: [Self; 3] = [Self::Piano, Self::Guitar, Self::Bass];

    /// Its row of the table.
    pub fn profile(self) -> &'static Profile {
        &PROFILES[self as usize]
    }

    /// The instrument of this name.
    pub fn named(name: &str) -> Option<Self> {
        PROFILES.iter().find(|row| row.name == name).map(|row| row.instrument)
    }
}

impl Profile {
    /// Whether it plays the bass line.
    pub fn is_bass(&self) -> bool {
        self.role == Role::Bass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_where_they_are_looked_up() {
        for (instrument, row) in Instrument::ALL.into_iter().zip(&PROFILES) {
            assert_eq!(instrument.profile().instrument, instrument);
            assert_eq!(Instrument::named(row.name), Some(instrument));
            let other = |other: &&Profile| other.instrument != instrument;
            for other in PROFILES.iter().filter(other) {
                assert_ne!(other.channel, row.channel, "{} and {}", other.name, row.name);
                assert_ne!(other.colour, row.colour, "{} and {}", other.name, row.name);
            }
        }
    }

    #[test]
    fn the_models_know_the_first() {
        for (index, instrument) in Instrument::OF_MODELS.into_iter().enumerate() {
            assert_eq!(instrument as usize, index);
            assert!(matches!(instrument.profile().role, Role::Comping | Role::Bass));
        }
    }
}
