//! The tonic, subdominant and dominant chords of each mode.
//!
//! A chord is given by the semitones of its root above the tonic. Its two weights are how often it
//! is chosen in plain harmony (rock, punk, pop) and in colourful harmony (jazz, blues, soul); the
//! [colour] of a style interpolates between them. The major dominant is given with its seventh;
//! whether a piece plays the seventh is drawn once. Chords outside a mode's scale are the usual
//! borrowed ones: the major dominant in minor, the minor subdominant and the flat seventh degree in
//! major.

use super::SectionKind;
use crate::theory::{
    Chord, Key, Mode, Quality,
    chord::{above, semitones},
};

use Quality::{Diminished, Dominant, Major, Minor};

/// The function of a chord in a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Tonic,
    Subdominant,
    Dominant,
}

/// Semitones of the root above the tonic, quality, weight in plain and in colourful harmony.
type Entry = (u8, Quality, f64, f64);

/// The chords of a mode.
struct Table {
    tonic: &'static [Entry],
    subdominant: &'static [Entry],
    dominant: &'static [Entry],
    /// Dominants that close a period.
    authentic: &'static [Entry],
    /// Subdominants that close a period.
    plagal: &'static [Entry],
    /// Chords with which contrasting sections begin.
    contrast: &'static [Entry],
    bridge: &'static [Entry],
}

const MAJOR: Table = Table {
    tonic: &[(0, Major, 1.0, 1.0), (9, Minor, 0.8, 0.8), (4, Minor, 0.25, 0.4)],
    subdominant: &[
        (5, Major, 1.0, 0.6),
        (2, Minor, 0.4, 1.0),
        (5, Minor, 0.03, 0.06),
        (10, Major, 0.07, 0.01),
    ],
    dominant: &[(7, Dominant, 1.0, 1.0), (11, Diminished, 0.0, 0.06)],
    authentic: &[(7, Dominant, 1.0, 1.0)],
    plagal: &[(5, Major, 1.0, 0.8), (5, Minor, 0.15, 0.2)],
    contrast: &[(9, Minor, 1.0, 0.8), (5, Major, 1.0, 0.8)],
    bridge: &[(2, Minor, 0.6, 1.0), (4, Minor, 0.6, 0.6), (5, Major, 0.5, 0.3)],
};

const MINOR: Table = Table {
    tonic: &[(0, Minor, 1.0, 1.0), (8, Major, 0.8, 0.6), (3, Major, 0.6, 0.5)],
    subdominant: &[(5, Minor, 1.0, 1.0), (8, Major, 0.5, 0.3), (2, Diminished, 0.0, 0.4)],
    dominant: &[(7, Dominant, 0.6, 1.0), (10, Major, 1.0, 0.35), (7, Minor, 0.25, 0.05)],
    authentic: &[(7, Dominant, 1.0, 1.0), (10, Major, 0.4, 0.1)],
    plagal: &[(5, Minor, 1.0, 1.0)],
    contrast: &[(3, Major, 1.0, 0.8), (8, Major, 1.0, 0.8)],
    bridge: &[(5, Minor, 1.0, 1.0), (8, Major, 0.5, 0.5)],
};

const HARMONIC_MINOR: Table = Table {
    tonic: &[(0, Minor, 1.0, 1.0), (8, Major, 0.7, 0.6)],
    subdominant: &[(5, Minor, 1.0, 1.0), (8, Major, 0.5, 0.3), (2, Diminished, 0.2, 0.7)],
    dominant: &[(7, Dominant, 1.0, 1.0), (11, Diminished, 0.1, 0.3)],
    authentic: &[(7, Dominant, 1.0, 1.0), (11, Diminished, 0.08, 0.15)],
    plagal: &[(5, Minor, 1.0, 1.0)],
    contrast: &[(8, Major, 1.0, 1.0), (5, Minor, 0.6, 0.6)],
    bridge: &[(5, Minor, 1.0, 1.0), (8, Major, 0.4, 0.4)],
};

const DORIAN: Table = Table {
    tonic: &[(0, Minor, 1.0, 1.0), (3, Major, 0.6, 0.5)],
    subdominant: &[(5, Major, 1.0, 1.0), (2, Minor, 0.35, 0.7)],
    dominant: &[(10, Major, 1.0, 0.6), (7, Minor, 0.7, 0.7)],
    authentic: &[(10, Major, 0.7, 0.4), (7, Minor, 0.7, 0.5), (7, Dominant, 0.05, 0.4)],
    plagal: &[(5, Major, 1.0, 1.0)],
    contrast: &[(3, Major, 1.0, 0.8), (5, Major, 0.8, 0.8)],
    bridge: &[(2, Minor, 0.7, 1.0), (3, Major, 0.5, 0.5)],
};

const PHRYGIAN: Table = Table {
    tonic: &[(0, Minor, 1.0, 1.0), (8, Major, 0.7, 0.7), (3, Major, 0.4, 0.4)],
    subdominant: &[(5, Minor, 1.0, 1.0), (8, Major, 0.5, 0.5)],
    dominant: &[(1, Major, 1.0, 1.0), (10, Minor, 0.6, 0.6)],
    authentic: &[(1, Major, 1.0, 1.0), (10, Minor, 0.4, 0.4)],
    plagal: &[(5, Minor, 1.0, 1.0)],
    contrast: &[(8, Major, 1.0, 1.0), (3, Major, 0.7, 0.7)],
    bridge: &[(5, Minor, 1.0, 1.0), (3, Major, 0.5, 0.5)],
};

const LYDIAN: Table = Table {
    tonic: &[(0, Major, 1.0, 1.0), (9, Minor, 0.6, 0.6), (4, Minor, 0.3, 0.3)],
    subdominant: &[(2, Major, 1.0, 1.0), (9, Minor, 0.4, 0.4)],
    dominant: &[(7, Major, 1.0, 1.0), (11, Minor, 0.5, 0.5)],
    authentic: &[(7, Major, 1.0, 1.0), (11, Minor, 0.3, 0.3)],
    plagal: &[(2, Major, 1.0, 1.0)],
    contrast: &[(9, Minor, 1.0, 1.0), (2, Major, 0.6, 0.6)],
    bridge: &[(4, Minor, 1.0, 1.0), (2, Major, 0.5, 0.5)],
};

const MIXOLYDIAN: Table = Table {
    tonic: &[(0, Major, 1.0, 1.0), (9, Minor, 0.5, 0.5)],
    subdominant: &[(5, Major, 1.0, 0.8), (2, Minor, 0.4, 0.6)],
    dominant: &[(10, Major, 1.0, 0.6), (7, Minor, 0.5, 0.7)],
    authentic: &[(10, Major, 1.0, 0.6), (7, Minor, 0.5, 0.7)],
    plagal: &[(5, Major, 1.0, 1.0)],
    contrast: &[(5, Major, 1.0, 0.8), (9, Minor, 0.8, 0.8)],
    bridge: &[(2, Minor, 1.0, 1.0), (5, Major, 0.5, 0.5)],
};

fn table(mode: Mode) -> &'static Table {
    match mode {
        Mode::Major => &MAJOR,
        Mode::Minor => &MINOR,
        Mode::HarmonicMinor => &HARMONIC_MINOR,
        Mode::Dorian => &DORIAN,
        Mode::Phrygian => &PHRYGIAN,
        Mode::Lydian => &LYDIAN,
        Mode::Mixolydian => &MIXOLYDIAN,
    }
}

/// The triad on the tonic.
pub(super) fn triad(key: Key) -> Chord {
    Chord::new(key.tonic, if key.mode.is_minor() { Minor } else { Major })
}

/// The chords of a key, weighted for a colour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repertoire {
    pub key: Key,
    colour: f64,
    /// Whether the major dominant has its seventh, for the whole piece.
    sevenths: bool,
}

/// A chord and how often it is chosen.
pub(super) type Weighted = (Chord, f64);

impl Repertoire {
    pub fn new(key: Key, colour: f64, sevenths: bool) -> Self {
        Self { key, colour, sevenths }
    }

    pub fn tonic(&self) -> Chord {
        triad(self.key)
    }

    pub fn of(&self, function: Function) -> Vec<Weighted> {
        let table = table(self.key.mode);
        self.weighted(match function {
            Function::Tonic => table.tonic,
            Function::Subdominant => table.subdominant,
            Function::Dominant => table.dominant,
        })
    }

    pub fn authentic(&self) -> Vec<Weighted> {
        self.weighted(table(self.key.mode).authentic)
    }

    pub fn plagal(&self) -> Vec<Weighted> {
        self.weighted(table(self.key.mode).plagal)
    }

    /// Chords with which a section begins.
    pub fn openings(&self, kind: SectionKind) -> Vec<Weighted> {
        let table = table(self.key.mode);
        match kind {
            SectionKind::Home => vec![(self.tonic(), 1.0)],
            SectionKind::Contrast => self.weighted(table.contrast),
            SectionKind::Bridge => self.weighted(table.bridge),
        }
    }

    fn weighted(&self, entries: &[Entry]) -> Vec<Weighted> {
        entries
            .iter()
            .map(|(root, quality, plain, colourful)| {
                let weight = plain * (1.0 - self.colour) + colourful * self.colour;
                let quality = match quality {
                    Dominant if !self.sevenths => Major,
                    quality => *quality,
                };
                (Chord::new(above(self.key.tonic, *root), quality), weight)
            })
            .filter(|(_, weight)| *weight > 0.0)
            .collect()
    }
}

/// Whether a chord of dominant function leads to another by its root: down a fifth (G7 to C, E7 to
/// Am), by the leading tone below (Bdim to C, E to F: the deceptive cadence in minor), up a whole
/// tone (B flat to C, G to Am: the deceptive cadence in major), or, a major chord, down a semitone
/// (D flat to C: the phrygian cadence).
pub(super) fn leads(from: Chord, to: Chord) -> bool {
    match semitones(from.root, to.root) {
        1 | 2 | 5 => true,
        11 => from.quality == Major,
        _ => false,
    }
}

/// How natural it is for one chord to follow another, by the interval between their roots: down a
/// fifth is most natural, then down a third or up a step, then others.
pub(super) fn affinity(from: Chord, to: Chord) -> f64 {
    match semitones(from.root, to.root) {
        5 => 1.5,
        8 | 9 => 1.2,
        1 | 2 => 1.1,
        3 | 4 | 7 | 10 | 11 => 0.8,
        _ => 0.3,
    }
}

/// How colourful the harmony of a style is: 0 plain triads, 1 sevenths, second degrees and
/// secondary dominants.
pub(super) fn colour(style: &str) -> f64 {
    match style {
        "jazz" => 0.9,
        "blues" => 0.8,
        "neworleans" | "soul" => 0.65,
        "funk" => 0.55,
        "latin" | "afrocuban" => 0.5,
        "country" | "afrobeat" => 0.35,
        "hiphop" | "pop" => 0.25,
        "reggae" | "dance" | "rock" => 0.2,
        "punk" => 0.05,
        _ => 0.3,
    }
}
