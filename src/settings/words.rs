//! Lists of words that are used beyond the table of settings.

use crate::theory::{Instrument, Palette};

/// Playing styles: the primary styles of the Groove MIDI Dataset (Gillick et al. 2019) that have
/// enough data.
pub const STYLES: &[&str] = &[
    "rock",
    "latin",
    "funk",
    "jazz",
    "hiphop",
    "neworleans",
    "afrobeat",
    "afrocuban",
    "dance",
    "soul",
    "reggae",
    "country",
    "blues",
    "pop",
    "punk",
];

/// Drum kits: General MIDI level 2 kits that the shipped SoundFont has.
pub const KITS: &[&str] = &["standard", "room", "power", "electronic", "tr808", "jazz", "brush"];

/// Palettes of instruments.
pub const PALETTES: &[&str] = &Palette::NAMES;

/// The instruments of a soundtrack.
pub const INSTRUMENTS: &[&str] = &with_drums();

const fn with_drums() -> [&'static str; Instrument::ALL.len() + 1] {
    let mut words = ["drums"; Instrument::ALL.len() + 1];
    let mut at = 0;
    while at < Instrument::ALL.len() {
        words[at + 1] = Instrument::NAMES[at];
        at += 1;
    }
    words
}
