//! Palettes: which instruments play together, and with which sounds, as an arranger would choose
//! them for a style and a mood.

use super::Instrument;
use Instrument::{Bass, Guitar, Lead, Pad, Piano, Strings};
use serde::{Deserialize, Serialize};

/// A palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)] // the names are enough
pub enum Palette {
    Rock,
    Pop,
    Acoustic,
    Electronic,
    Hiphop,
    Funk,
    Soul,
    Jazz,
    Latin,
    Orchestral,
    Ambient,
}

/// The data of a palette.
struct Row {
    palette: Palette,
    name: &'static str,
    /// General MIDI programs, from 0, of all instruments in the order of [`Instrument::ALL`]; the
    /// bundled SoundFont has them.
    programs: [u8; Instrument::ALL.len()],
    /// The instruments that play if the user chooses none.
    players: &'static [Instrument],
    /// Playing styles of the drums that it suits.
    styles: &'static [&'static str],
}

// Melodic programs of General MIDI, from 0.
const GRAND: u8 = 0;
const RHODES: u8 = 4;
const FM_PIANO: u8 = 5;
const CLAVINET: u8 = 7;
const VIBRAPHONE: u8 = 11;
const ORGAN: u8 = 18;
const NYLON: u8 = 24;
const STEEL: u8 = 25;
const CLEAN: u8 = 27;
const OVERDRIVEN: u8 = 29;
const ACOUSTIC_BASS: u8 = 32;
const FINGERED: u8 = 33;
const PICKED: u8 = 34;
const SLAPPED: u8 = 36;
const SYNTH_BASS: u8 = 38;
const SUB_BASS: u8 = 39;
const CONTRABASS: u8 = 43;
const STRINGS: u8 = 48;
const SYNTH_STRINGS: u8 = 50;
const CHOIR: u8 = 52;
const TRUMPET: u8 = 56;
const HORNS: u8 = 60;
const BRASS: u8 = 61;
const SAXOPHONE: u8 = 66;
const FLUTE: u8 = 73;
const SQUARE: u8 = 80;
const SAW: u8 = 81;
const SWEEP: u8 = 95;

const fn row(
    palette: Palette,
    programs: [u8; Instrument::ALL.len()],
    players: &'static [Instrument],
    styles: &'static [&'static str],
) -> Row {
    Row {
        palette,
        name: Palette::NAMES[palette as usize],
        programs,
        players,
        styles,
    }
}

/// The rows, in the order of [`Palette`]. Programs: piano, guitar, bass, lead, pad, strings.
#[rustfmt::skip]
static ROWS: [Row; Palette::NAMES.len()] = [
    row(Palette::Rock, [GRAND, OVERDRIVEN, PICKED, OVERDRIVEN, ORGAN, STRINGS], &[Guitar, Bass, Lead, Pad], &["rock", "punk"]),
    row(Palette::Pop, [GRAND, STEEL, FINGERED, VIBRAPHONE, SWEEP, STRINGS], &[Piano, Bass, Lead, Pad], &["pop"]),
    row(Palette::Acoustic, [GRAND, STEEL, ACOUSTIC_BASS, FLUTE, STRINGS, STRINGS], &[Piano, Guitar, Bass, Lead], &["country"]),
    row(Palette::Electronic, [FM_PIANO, CLEAN, SYNTH_BASS, SAW, SWEEP, SYNTH_STRINGS], &[Piano, Bass, Lead, Pad], &["dance"]),
    row(Palette::Hiphop, [RHODES, CLEAN, SUB_BASS, SQUARE, SWEEP, STRINGS], &[Piano, Bass, Lead, Pad], &["hiphop"]),
    row(Palette::Funk, [CLAVINET, CLEAN, SLAPPED, BRASS, ORGAN, STRINGS], &[Piano, Guitar, Bass, Lead], &["funk", "afrobeat"]),
    row(Palette::Soul, [RHODES, CLEAN, FINGERED, SAXOPHONE, STRINGS, STRINGS], &[Piano, Bass, Lead, Pad], &["soul", "reggae"]),
    row(Palette::Jazz, [GRAND, CLEAN, ACOUSTIC_BASS, SAXOPHONE, STRINGS, STRINGS], &[Piano, Bass, Lead], &["jazz", "blues", "neworleans"]),
    row(Palette::Latin, [GRAND, NYLON, ACOUSTIC_BASS, TRUMPET, STRINGS, STRINGS], &[Piano, Guitar, Bass, Lead], &["latin", "afrocuban"]),
    row(Palette::Orchestral, [GRAND, NYLON, CONTRABASS, HORNS, CHOIR, STRINGS], &[Piano, Bass, Lead, Pad, Strings], &[]),
    row(Palette::Ambient, [RHODES, NYLON, FINGERED, VIBRAPHONE, SWEEP, STRINGS], &[Piano, Bass, Lead, Pad], &[]),
];

impl Palette {
    /// Their names, in the order of the rows.
    pub const NAMES: [&'static str; 11] = [
        "rock",
        "pop",
        "acoustic",
        "electronic",
        "hiphop",
        "funk",
        "soul",
        "jazz",
        "latin",
        "orchestral",
        "ambient",
    ];

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The palette of this name.
    pub fn named(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.palette)
    }

    /// The palette that suits a playing style of the drums; for an unknown one, that of pop.
    pub fn of_style(style: &str) -> Self {
        let suits = ROWS.iter().find(|row| row.styles.contains(&style));
        suits.map_or(Self::Pop, |row| row.palette)
    }

    /// The General MIDI program of an instrument, from 0.
    pub fn program(self, instrument: Instrument) -> u8 {
        self.row().programs[instrument as usize]
    }

    /// The instruments that play if the user chooses none, in the order of [`Instrument::ALL`].
    pub fn players(self) -> &'static [Instrument] {
        self.row().players
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_where_they_are_looked_up() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!(row.palette as usize, index);
            assert_eq!(row.name, Palette::NAMES[index]);
            assert_eq!(Palette::named(row.name), Some(row.palette));
            let json = serde_json::to_value(row.palette).expect("JSON");
            assert_eq!(json, row.name);
        }
        assert_eq!(Palette::named("kazoo"), None);
    }

    #[test]
    fn every_palette_has_a_bass_and_players_in_order() {
        for row in &ROWS {
            assert!(row.players.contains(&Bass), "{}", row.name);
            assert!(row.players.is_sorted(), "{}", row.name);
            assert!(
                (32..=39).contains(&row.programs[2]) || row.programs[2] == CONTRABASS,
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn a_style_belongs_to_one_palette() {
        let mut styles: Vec<_> = ROWS.iter().flat_map(|row| row.styles).collect();
        let count = styles.len();
        styles.sort_unstable();
        styles.dedup();
        assert_eq!(styles.len(), count);
        assert_eq!(Palette::of_style("funk"), Palette::Funk);
        assert_eq!(Palette::of_style("polka"), Palette::Pop);
    }
}
