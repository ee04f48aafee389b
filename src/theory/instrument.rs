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
    /// Whether it plays the bass line: it keeps to roots and has no melody.
    pub is_bass: bool,
    /// MIDI channel of its part, from 0, which is also its position among the melodic parts.
    pub channel: u8,
    /// The General MIDI programs, from 0, of playing styles that have their own.
    programs: &'static [(&'static [&'static str], u8)],
    /// The program for all other styles.
    usual_program: u8,
    /// Stereo position: −1 is left, 0 is the middle, 1 is right. The hi-hat of a kit is on the
    /// right, so the guitar, which is as bright, is on the left, and the piano is opposite.
    pub pan: f32,
    /// Target level below the drums, LU: an accompaniment that is heard, but not in front of the
    /// drums, which follow the movement.
    pub under_drums: f64,
    /// Its colour in plots.
    pub colour: &'static str,
}

// The melodic programs of the bundled SoundFont.
const GRAND: u8 = 0;
const RHODES: u8 = 4;
const NYLON: u8 = 24;
const STEEL: u8 = 25;
const CLEAN: u8 = 27;
const OVERDRIVEN: u8 = 29;
const ACOUSTIC: u8 = 32;
const FINGERED: u8 = 33;
const PICKED: u8 = 34;

/// The rows, in the order of the models' numbers.
pub static PROFILES: [Profile; Instrument::ALL.len()] = [
    Profile {
        instrument: Instrument::Piano,
        name: Instrument::NAMES[0],
        range: 28..=96,
        voices: 8,
        is_bass: false,
        channel: 2,
        programs: &[(&["funk", "soul", "hiphop", "afrobeat", "reggae"], RHODES)],
        usual_program: GRAND,
        pan: 0.35,
        under_drums: 3.0,
        colour: "#245ca0",
    },
    Profile {
        instrument: Instrument::Guitar,
        name: Instrument::NAMES[1],
        range: 40..=88,
        voices: 6,
        is_bass: false,
        channel: 1,
        programs: &[
            (&["rock", "punk"], OVERDRIVEN),
            (
                &["dance", "funk", "soul", "hiphop", "afrobeat", "reggae", "jazz", "blues"],
                CLEAN,
            ),
            (&["latin", "afrocuban"], NYLON),
        ],
        usual_program: STEEL,
        pan: -0.45,
        under_drums: 4.0,
        colour: "#c6701e",
    },
    Profile {
        instrument: Instrument::Bass,
        name: Instrument::NAMES[2],
        range: 28..=60,
        voices: 1,
        is_bass: true,
        channel: 0,
        programs: &[
            (&["punk", "dance"], PICKED),
            (&["latin", "afrocuban", "neworleans", "jazz", "blues"], ACOUSTIC),
        ],
        usual_program: FINGERED,
        pan: 0.0,
        under_drums: 3.0,
        colour: "#2c8246",
    },
];

impl Instrument {
    /// All of them, in the order of the models' numbers.
    pub const ALL: [Self; 3] = [Self::Piano, Self::Guitar, Self::Bass];

    /// Their names, in the same order.
    pub const NAMES: [&'static str; Self::ALL.len()] = ["piano", "guitar", "bass"];

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
    /// The General MIDI program, from 0, that suits a playing style, one of the settings' styles or
    /// any other word.
    pub fn program(&self, style: &str) -> u8 {
        let of_style = self.programs.iter().find(|(styles, _)| styles.contains(&style));
        of_style.map_or(self.usual_program, |(_, program)| *program)
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
    fn styles_have_programs_of_the_instruments_family() {
        for style in ["rock", "latin", "jazz", "dance", "hiphop", "punk", "pop", "polka"] {
            assert!((0..8).contains(&Instrument::Piano.profile().program(style)), "{style}");
            assert!(
                (24..32).contains(&Instrument::Guitar.profile().program(style)),
                "{style}"
            );
            assert!((32..40).contains(&Instrument::Bass.profile().program(style)), "{style}");
        }
        assert_eq!(Instrument::Guitar.profile().program("country"), STEEL);
        assert_eq!(Instrument::Bass.profile().program("rock"), FINGERED);
    }
}
