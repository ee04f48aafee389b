//! The form of a piece: phrases of four bars, and the sections that they belong to.

use super::{Draw, PHRASE, Piece, pick};
use crate::settings::MusicSettings;

/// Minimum change of the mean energy from one phrase to the next that begins a section: one level
/// (calm to usual, usual to lively) in every bar.
const CLEAR_CHANGE: f64 = 1.0;

/// How near a phrase's energy must be to that of the piece's first phrase for the piece to return
/// home.
const LIKE_HOME: f64 = 0.75;

/// How often a home section has 16 bars instead of 8. Contrasting sections have 8.
const LONG_HOME: f64 = 0.3;

/// How often the opening phrases of a kind's sections have a melody, and how often the others do;
/// drawn once per kind. Home begins with its theme, so that there is something to return to.
const SUNG_HOME: [f64; 2] = [1.0, 0.6];
const SUNG_AWAY: [f64; 2] = [0.7, 0.4];

/// The kind of a section: sections of one kind share their chords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SectionKind {
    /// A: begins and returns on the tonic.
    Home,
    /// B: begins off the tonic.
    Contrast,
    /// C: another contrast, further from home.
    Bridge,
}

/// One section.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Section {
    /// Its first bar.
    pub first: usize,
    /// Its kind.
    pub kind: SectionKind,
}

/// One phrase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Phrase {
    /// Number in the piece, from 0.
    pub number: usize,
    /// First bar.
    pub first: usize,
    /// Number within its section, from 0: even ones open a period, odd ones close it.
    pub in_section: usize,
    /// Kind of its section.
    pub kind: SectionKind,
    /// Kind of the section that is planned after this phrase; `None` if the section is to continue.
    pub next: Option<SectionKind>,
    /// Whether it begins an unplanned section, because the energy has changed.
    pub sudden: bool,
    /// Mean energy, 1 to 4; `None` if unknown.
    pub energy: Option<f64>,
}

impl Phrase {
    /// Whether the phrase has a melody.
    pub fn sung(&self, seed: u64) -> bool {
        let place = self.in_section % 2;
        let share = match self.kind {
            SectionKind::Home => SUNG_HOME[place],
            _ => SUNG_AWAY[place],
        };
        Draw::Melody.stream(seed, 2 * self.kind as usize + place).uniform() < share
    }
}

/// Phrases and sections of a piece.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    pub phrases: Vec<Phrase>,
    /// Empty for a piece without bars.
    pub sections: Vec<Section>,
    /// The bar before which the last section is planned to end.
    pub planned_end: usize,
}

impl Form {
    /// Divides a piece into phrases and sections. A phrase's place in the form depends only on the
    /// bars up to its own last one.
    pub fn of(piece: &Piece<'_>, settings: &MusicSettings, seed: u64) -> Self {
        let mut form = Self {
            phrases: Vec::new(),
            sections: Vec::new(),
            planned_end: 0,
        };
        if piece.bars == 0 {
            return form;
        }
        let count = (piece.bars - piece.pickup).div_ceil(PHRASE).max(1);
        let mut contrasts = 0;
        let mut home_energy = None;
        let mut last_energy = None;
        // Number of phrases planned for the section, and number of them so far.
        let (mut planned, mut there) = (0, 0);
        let mut kind = SectionKind::Home;
        for number in 0..count {
            let first = piece.pickup + number * PHRASE;
            let energy = piece.energy(settings, first, (first + PHRASE).min(piece.bars));
            let changed = matches!((last_energy, energy), (Some(a), Some(b)) if f64::abs(a - b) >= CLEAR_CHANGE);
            let sudden = number > 0 && there < planned && changed;
            if number == 0 || there == planned || sudden {
                let home_again = match (home_energy, energy) {
                    (Some(home), Some(now)) => f64::abs(home - now) < LIKE_HOME,
                    _ => false,
                };
                kind = match kind {
                    _ if number == 0 => SectionKind::Home,
                    SectionKind::Home => contrast(contrasts),
                    _ if !sudden || home_again => SectionKind::Home,
                    _ => contrast(contrasts),
                };
                contrasts += usize::from(kind != SectionKind::Home);
                planned = planned_phrases(kind, seed, number);
                there = 0;
                let first = if number == 0 { 0 } else { first };
                form.sections.push(Section { first, kind });
            }
            form.phrases.push(Phrase {
                number,
                first,
                in_section: there,
                kind,
                next: (there + 1 == planned).then(|| match kind {
                    SectionKind::Home => contrast(contrasts),
                    _ => SectionKind::Home,
                }),
                sudden,
                energy,
            });
            there += 1;
            form.planned_end = first + (planned - there + 1) * PHRASE;
            home_energy = home_energy.or(energy);
            last_energy = energy.or(last_energy);
        }
        form
    }
}

/// Contrasts alternate.
fn contrast(before: usize) -> SectionKind {
    if before.is_multiple_of(2) {
        SectionKind::Contrast
    } else {
        SectionKind::Bridge
    }
}

/// Number of phrases in a section that begins with phrase `number`, if the energy does not change.
fn planned_phrases(kind: SectionKind, seed: u64, number: usize) -> usize {
    let long = match kind {
        SectionKind::Home => LONG_HOME,
        _ => 0.0,
    };
    let random = &mut Draw::SectionLength.stream(seed, number);
    pick(random, &[(2, 1.0 - long), (4, long)]).unwrap_or(2)
}
