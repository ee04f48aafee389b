//! Chords and keys, as pitch classes: 0 is C, 11 is B.
//!
//! The [`symbol`](super::symbol) module parses symbols, key names and progressions as players write
//! them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The type of a chord: the five of REMI (Huang & Yang 2020). Richer symbols (sixths, sevenths,
/// suspensions) are read as the one of the five that has their third and fifth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)] // the names are enough
pub enum Quality {
    Major,
    Minor,
    Diminished,
    Augmented,
    Dominant,
}

/// A chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chord {
    /// Pitch class of the root: 0 is C, 11 is B.
    pub root: u8,
    /// The type of the chord.
    pub quality: Quality,
}

/// A key: a tonic and the seven pitch classes of its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Pitch class of the tonic.
    pub tonic: u8,
    /// The mode, which determines the scale on the tonic.
    pub mode: Mode,
}

/// The common modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)] // the names are enough
pub enum Mode {
    Major,
    Minor,
    HarmonicMinor,
    Dorian,
    Phrygian,
    Lydian,
    Mixolydian,
}

/// The pitch class `semitones` above `pitch_class`.
pub(crate) fn above(pitch_class: u8, semitones: u8) -> u8 {
    (pitch_class % 12 + semitones % 12) % 12
}

/// Semitones from one pitch class up to another, 0 to 11.
pub(crate) fn semitones(from: u8, to: u8) -> u8 {
    (to % 12 + 12 - from % 12) % 12
}

const SHARPS: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const FLATS: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"];

/// Names of pitch classes if no key determines their spelling: the most common spellings.
const USUAL: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

impl Quality {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::Major,
        Self::Minor,
        Self::Diminished,
        Self::Augmented,
        Self::Dominant,
    ];

    /// Semitones of the chord's tones over its root, rising.
    pub fn intervals(self) -> &'static [u8] {
        match self {
            Self::Major => &[0, 4, 7],
            Self::Minor => &[0, 3, 7],
            Self::Diminished => &[0, 3, 6],
            Self::Augmented => &[0, 4, 8],
            Self::Dominant => &[0, 4, 7, 10],
        }
    }

    /// The suffix after the root.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Major => "",
            Self::Minor => "m",
            Self::Diminished => "dim",
            Self::Augmented => "aug",
            Self::Dominant => "7",
        }
    }
}

impl Chord {
    /// A chord on a root, given as a pitch class.
    pub fn new(root: u8, quality: Quality) -> Self {
        Self {
            root: root % 12,
            quality,
        }
    }

    /// Pitch classes of the chord's tones, from the root up.
    pub fn tones(self) -> impl Iterator<Item = u8> {
        self.quality.intervals().iter().map(move |i| above(self.root, *i))
    }

    /// Whether a pitch class is one of the chord's tones.
    pub fn contains(self, pitch_class: u8) -> bool {
        self.tones().any(|tone| tone == pitch_class % 12)
    }

    /// The symbol with its root spelled as in a key: `Db` in A flat major, `C#m` in A major.
    pub fn spelled(self, key: Key) -> String {
        // A root outside a scale with sharps is a lowered degree as often as a raised one: B flat
        // in C major.
        let names = match key.names() {
            sharps if sharps == &SHARPS && key.degree_of(self.root).is_none() => &USUAL,
            names => names,
        };
        format!("{}{}", names[usize::from(self.root % 12)], self.quality.suffix())
    }
}

/// The chord's symbol with the usual spelling of its root: `C`, `Am`, `Bdim`, `Caug`, `G7`, `Bb`.
impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", USUAL[usize::from(self.root % 12)], self.quality.suffix())
    }
}

impl Mode {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Major,
        Self::Minor,
        Self::HarmonicMinor,
        Self::Dorian,
        Self::Phrygian,
        Self::Lydian,
        Self::Mixolydian,
    ];

    /// Semitones of the seven degrees over the tonic.
    pub fn intervals(self) -> [u8; 7] {
        match self {
            Self::Major => [0, 2, 4, 5, 7, 9, 11],
            Self::Minor => [0, 2, 3, 5, 7, 8, 10],
            Self::HarmonicMinor => [0, 2, 3, 5, 7, 8, 11],
            Self::Dorian => [0, 2, 3, 5, 7, 9, 10],
            Self::Phrygian => [0, 1, 3, 5, 7, 8, 10],
            Self::Lydian => [0, 2, 4, 6, 7, 9, 11],
            Self::Mixolydian => [0, 2, 4, 5, 7, 9, 10],
        }
    }

    /// The name, as [`Key`] is written and read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::HarmonicMinor => "harmonic minor",
            Self::Dorian => "dorian",
            Self::Phrygian => "phrygian",
            Self::Lydian => "lydian",
            Self::Mixolydian => "mixolydian",
        }
    }

    /// Whether the third over the tonic is a minor one.
    pub fn is_minor(self) -> bool {
        self.intervals()[2] == 3
    }

    /// Semitones from the tonic up to that of the major key with the same signature.
    fn to_relative_major(self) -> u8 {
        match self {
            Self::Major => 0,
            Self::Minor | Self::HarmonicMinor => 3,
            Self::Dorian => 10,
            Self::Phrygian => 8,
            Self::Lydian => 7,
            Self::Mixolydian => 5,
        }
    }
}

impl Key {
    /// A key on a tonic, given as a pitch class.
    pub fn new(tonic: u8, mode: Mode) -> Self {
        Self {
            tonic: tonic % 12,
            mode,
        }
    }

    /// For each pitch class, whether it is in the scale.
    pub fn scale(self) -> [bool; 12] {
        marked(self.degrees())
    }

    /// Pitch classes of the seven degrees; the tonic is the first.
    pub fn degrees(self) -> [u8; 7] {
        self.mode.intervals().map(|interval| above(self.tonic, interval))
    }

    /// The degree, 1 to 7, of a pitch class in this key; `None` if it is outside the scale.
    pub fn degree_of(self, pitch_class: u8) -> Option<u8> {
        (1..)
            .zip(self.degrees())
            .find(|(_, tone)| *tone == pitch_class % 12)
            .map(|(degree, _)| degree)
    }

    /// Whether all tones of a chord are in the scale.
    pub fn has(self, chord: Chord) -> bool {
        let scale = self.scale();
        chord.tones().all(|tone| scale[usize::from(tone)])
    }

    /// The scale to play over these chords: the key's own, in which each tone of a borrowed chord
    /// replaces the degree that it alters. E7 in A minor turns G into G sharp, F minor in C major
    /// turns A into A flat. If one chord needs a degree that another alters (C and E7 in C major: G
    /// and G sharp), the scale has both.
    pub fn scale_over(self, chords: &[Chord]) -> [bool; 12] {
        let own = self.degrees();
        let mut degrees = own;
        for chord in chords {
            let root = self.degree_index(chord.root);
            // Chord tones are stacked in thirds: each is two degrees above the previous one, even
            // if it is altered.
            for (third, tone) in chord.tones().enumerate() {
                let degree = (root + 2 * third) % 7;
                let beside = [1, 11].contains(&semitones(own[degree], tone));
                if beside && !own.contains(&tone) {
                    degrees[degree] = tone;
                }
            }
        }
        let mut scale = marked(degrees);
        for tone in chords.iter().flat_map(|chord| chord.tones()) {
            scale[usize::from(tone)] = true;
        }
        scale
    }

    /// Index of the degree of a pitch class, or of the degree that it alters: borrowed roots are
    /// usually lowered degrees (B flat, A flat in C major), and raised ones only if the degree
    /// above is out of reach (F sharp in A harmonic minor).
    fn degree_index(self, pitch_class: u8) -> usize {
        let index = |tone: u8| self.degree_of(tone).map(|degree| usize::from(degree) - 1);
        index(pitch_class)
            .or_else(|| index(above(pitch_class, 1)))
            .or_else(|| index(above(pitch_class, 11)))
            .unwrap_or(0)
    }

    /// Names of the twelve pitch classes: with flats if the key signature has flats, otherwise with
    /// sharps.
    fn names(self) -> &'static [&'static str; 12] {
        match above(self.tonic, self.mode.to_relative_major()) {
            1 | 3 | 5 | 8 | 10 => &FLATS,
            // Six flats or six sharps: E flat minor, but F sharp major.
            _ if self.tonic == 3 || self.tonic == 10 => &FLATS,
            _ => &SHARPS,
        }
    }
}

fn marked(tones: [u8; 7]) -> [bool; 12] {
    let mut scale = [false; 12];
    for tone in tones {
        scale[usize::from(tone)] = true;
    }
    scale
}

/// The key's name: `C major`, `F# minor`, `D dorian`, `A harmonic minor`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.names()[usize::from(self.tonic % 12)], self.mode.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        name.parse().expect("a key")
    }

    fn chord(symbol: &str) -> Chord {
        symbol.parse().expect("a chord")
    }

    fn tones(scale: [bool; 12]) -> Vec<&'static str> {
        (0..12).filter(|i| scale[*i]).map(|i| USUAL[i]).collect()
    }

    #[test]
    fn chords_have_their_tones() {
        let tones = |symbol| chord(symbol).tones().map(|t| USUAL[usize::from(t)]).collect::<Vec<_>>();
        assert_eq!(tones("C"), ["C", "E", "G"]);
        assert_eq!(tones("Am"), ["A", "C", "E"]);
        assert_eq!(tones("Bdim"), ["B", "D", "F"]);
        assert_eq!(tones("Eaug"), ["E", "Ab", "C"]);
        assert_eq!(tones("A7"), ["A", "C#", "E", "G"]);
        assert!(chord("A7").contains(7) && !chord("A7").contains(8));
        for (number, quality) in (0..).zip(Quality::ALL) {
            assert_eq!(quality as u8, number);
        }
    }

    #[test]
    fn keys_have_their_scales_and_degrees() {
        assert_eq!(tones(key("C").scale()), ["C", "D", "E", "F", "G", "A", "B"]);
        assert_eq!(
            tones(key("A harmonic minor").scale()),
            ["C", "D", "E", "F", "Ab", "A", "B"]
        );
        for same in ["Am", "D dorian", "E phrygian", "F lydian", "G mixolydian"] {
            assert_eq!(key(same).scale(), key("C").scale(), "{same}");
        }
        assert_eq!(key("D dorian").degrees(), [2, 4, 5, 7, 9, 11, 0]);
        assert_eq!(key("D dorian").degree_of(11), Some(6));
        assert_eq!(key("D dorian").degree_of(10), None);
        assert!(key("C").has(chord("G7")) && !key("C").has(chord("C7")));
        for (number, mode) in (0..).zip(Mode::ALL) {
            assert_eq!(mode as u8, number);
            assert_eq!(mode.is_minor(), mode.intervals().contains(&3), "{}", mode.name());
        }
    }

    #[test]
    fn a_borrowed_chord_alters_the_degrees_it_is_built_on() {
        let over = |name, symbols: &[&str]| {
            let chords: Vec<Chord> = symbols.iter().map(|s| chord(s)).collect();
            tones(key(name).scale_over(&chords))
        };
        assert_eq!(over("Am", &["E7"]), ["C", "D", "E", "F", "Ab", "A", "B"]);
        assert_eq!(over("C", &["Fm"]), ["C", "D", "E", "F", "G", "Ab", "B"]);
        assert_eq!(over("C", &["Bb"]), ["C", "D", "E", "F", "G", "A", "Bb"]);
        assert_eq!(over("C", &["D7"]), ["C", "D", "E", "F#", "G", "A", "B"]);
        assert_eq!(over("C", &["Bm"]), ["C", "D", "E", "F#", "G", "A", "B"]);
        assert_eq!(over("C", &["C7", "G7"]), ["C", "D", "E", "F", "G", "A", "Bb", "B"]);
        assert_eq!(over("C", &["C", "E7"]), ["C", "D", "E", "F", "G", "Ab", "A", "B"]);
        assert_eq!(over("C", &["Am", "F"]), over("C", &[]));
    }

    #[test]
    fn the_scale_over_any_chord_has_its_tones_and_at_least_seven() {
        for mode in Mode::ALL {
            let key = Key::new(3, mode);
            for root in 0..12 {
                for quality in Quality::ALL {
                    let chord = Chord::new(root, quality);
                    let scale = key.scale_over(&[chord]);
                    assert!(chord.tones().all(|t| scale[usize::from(t)]), "{key} {chord}");
                    let count = scale.iter().filter(|s| **s).count();
                    assert!((7..=9).contains(&count), "{key} {chord}: {count} tones");
                    assert!(!key.has(chord) || scale == key.scale(), "{key} {chord}");
                }
            }
        }
    }

    #[test]
    fn names_are_spelled_as_in_the_key_and_read_back() {
        assert_eq!(chord("C#m").spelled(key("A")), "C#m");
        assert_eq!(chord("C#").spelled(key("Ab")), "Db");
        assert_eq!(chord("A#").spelled(key("Gm")), "Bb");
        assert_eq!(chord("A#").spelled(key("C")), "Bb");
        assert_eq!(key("D#m").to_string(), "Eb minor");
        for mode in Mode::ALL {
            for tonic in 0..12 {
                let key = Key::new(tonic, mode);
                assert_eq!(key.to_string().parse(), Ok(key));
                for quality in Quality::ALL {
                    let chord = Chord::new(tonic, quality);
                    assert_eq!(chord.to_string().parse(), Ok(chord));
                    assert_eq!(chord.spelled(key).parse(), Ok(chord));
                }
            }
        }
    }
}
