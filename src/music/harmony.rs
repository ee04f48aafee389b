//! The harmony of a piece: its key, sections and chords, chosen once and shared by all instruments.
//!
//! A piece is divided into phrases of four bars, counted from its first whole bar. Two phrases form
//! a period: the first ends open, on a half cadence; the second closes with an authentic or a
//! plagal cadence and leads on. Periods with the same material form a section (`form`). Within a
//! phrase, chords follow each other by function (tonic, subdominant, dominant), as far as the mode
//! has them (`modes`, `phrase`). Every phrase ends on a chord of dominant function, which leads to
//! whatever comes next.
//!
//! Every random choice has its own stream, which depends on the seed and on the number of the
//! phrase or the kind of the section. The chords of a bar depend on the bars up to the end of its
//! phrase and on nothing later; in particular, not on the length of the piece. They are the same on
//! every machine: the weights are sums and products, without functions whose last bits differ.

mod fit;
mod form;
mod modes;
mod mood;
mod phrase;
#[cfg(test)]
mod tests;

pub use form::SectionKind;

use super::lines::ChordAt;
use crate::drums::sampling::{BarRandom, Stream};
use crate::settings::MusicSettings;
use crate::theory::{Chord, Key, Progression, Quality, chord::above};
use crate::time::{STEPS_PER_BEAT, Tempo};
use form::Form;
use phrase::PhraseWriter;

/// The purpose of a random draw for a phrase or for a kind of section. Each has its own stream, so
/// that drawing more numbers for one does not change another.
#[derive(Clone, Copy)]
enum Draw {
    Key,
    SectionLength,
    Sevenths,
    HomeDominant,
    Material,
    Cadence,
    Variation,
    Passing,
    Lead,
    Melody,
}

impl Draw {
    fn stream(self, seed: u64, number: usize) -> BarRandom {
        BarRandom::new(seed, Stream::Harmony, number as u64, self as u64)
    }
}

/// Bars of a phrase.
const PHRASE: usize = 4;

/// The piece for which the harmony is made, on the grid of its drums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece<'a> {
    /// Number of bars, including the pick-up.
    pub bars: usize,
    /// Number of bars before the first whole one: 1 if the grid begins before the clip, else 0.
    /// Phrases are counted from the bar after it.
    pub pickup: usize,
    /// Beats in a bar.
    pub beats_per_bar: u8,
    /// How much the person moves in each bar: 0 unknown, 1 still, 2 calm, 3 usual, 4 lively (see
    /// [`Composition`](crate::rhythm::compose::Composition)). Missing bars are unknown.
    pub bar_energy: &'a [u8],
    /// Tempo.
    pub tempo: Tempo,
    /// Style of the drums, one of [`STYLES`](crate::settings::STYLES), or any other word for an
    /// unknown style.
    pub style: &'a str,
}

impl Piece<'_> {
    fn steps_per_bar(&self) -> usize {
        usize::from(self.beats_per_bar.max(1)) * STEPS_PER_BEAT
    }

    /// Length of a bar, seconds.
    fn bar_span(&self) -> f64 {
        (self.tempo.beat_span() * f64::from(self.beats_per_bar.max(1))).seconds()
    }

    /// Mean energy, 1 to 4, of those bars in `from..to` for which it is known.
    pub(super) fn energy(&self, settings: &MusicSettings, from: usize, to: usize) -> Option<f64> {
        if let Some(fixed) = settings.energy {
            return Some(1.0 + 3.0 * fixed);
        }
        let bars = self.bar_energy.get(from..to.min(self.bar_energy.len()))?;
        let known: Vec<f64> = bars
            .iter()
            .filter(|e| **e > 0)
            .map(|e| f64::from((*e).min(4)))
            .collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }
}

/// Energy of each bar: `bar_energy` itself, or in every bar the fixed `music.energy`, mapped from 0
/// to 1 to the same scale, 1 to 4.
pub fn energies(bar_energy: &[u8], settings: &MusicSettings) -> Vec<u8> {
    let fixed = settings.energy.map(|energy| (1.0 + 3.0 * energy).round() as u8);
    bar_energy.iter().map(|met| fixed.unwrap_or(*met)).collect()
}

/// Key, sections and chords of a piece.
#[derive(Debug, Clone, PartialEq)]
pub struct Harmony {
    /// The key.
    pub key: Key,
    /// The chords of each bar with the step within the bar at which each begins, in ascending
    /// order. Each bar has a chord at step 0, even if it is the previous one.
    pub chords: Vec<Vec<(usize, Chord)>>,
    /// First bars of the sections, in ascending order; the first is 0 and includes the pick-up.
    /// Empty for a piece without bars.
    pub sections: Vec<usize>,
    /// The kind of each section: sections of one kind share their chords.
    pub kinds: Vec<SectionKind>,
    /// Number of bars before the first whole one, from which phrases are counted.
    pickup: usize,
    /// Which phrases have a melody.
    sung: Vec<bool>,
    /// Bar in which the last section would end if the piece continued.
    planned_end: usize,
    steps_per_bar: usize,
    /// The chord that leads home at the end.
    dominant: Chord,
    /// Whether the chords are the user's and must not be changed.
    fixed: bool,
}

/// Chooses the harmony of a piece.
///
/// - The **key** is the user's, or else the one that fits the user's chords best (`fit` documents
///   the scoring), or else drawn: any tonic, with a mode that depends on the mood. A mood that is
///   not given is drawn as well, according to style, tempo and the movement of the first phrase
///   (`mood`). Bright is major, mixolydian or lydian; dark is minor or dorian; tense is harmonic
///   minor or phrygian; calm is major, dorian or lydian.
/// - **Sections** begin where the energy clearly changes from one phrase to the next, otherwise
///   after 8 or 16 bars: home (A), contrast (B), home, bridge (C), home and so on.
/// - **Chords** change once per bar, twice if the movement is lively and bars are long, every two
///   bars if it is calm; cadences keep their pace. The user's chords are used unchanged, from the
///   first whole bar, and repeated; a bar with several chords divides its beats among them, longer
///   parts first.
pub fn compose(piece: &Piece<'_>, settings: &MusicSettings, seed: u64) -> Harmony {
    let pickup = piece.pickup.min(piece.bars);
    let piece = Piece { pickup, ..*piece };
    let fitted = || settings.chords.as_ref().map(|chords| fit::key(chords, settings.mood));
    let key = settings
        .key
        .or_else(fitted)
        .unwrap_or_else(|| mood::key(&piece, settings, seed));
    let form = Form::of(&piece, settings, seed);
    let writer = PhraseWriter::new(&piece, settings, key, seed);
    let chords = match &settings.chords {
        Some(progression) => repeated(progression, &piece),
        None => writer.write(&form),
    };
    Harmony {
        key,
        chords,
        sections: form.sections.iter().map(|section| section.first).collect(),
        kinds: form.sections.iter().map(|section| section.kind).collect(),
        pickup,
        sung: form.phrases.iter().map(|phrase| phrase.sung(seed)).collect(),
        planned_end: form.planned_end,
        steps_per_bar: piece.steps_per_bar(),
        dominant: writer.home_dominant(),
        fixed: settings.chords.is_some(),
    }
}

/// The user's chords in the bars of a piece. The pick-up has the end of the progression, which
/// leads into its start.
fn repeated(progression: &Progression, piece: &Piece<'_>) -> Vec<Vec<(usize, Chord)>> {
    let given = progression.bars();
    let length = given.len();
    (0..piece.bars)
        .map(|bar| {
            let chords = &given[(bar + length - piece.pickup % length) % length];
            let step = |place| shared_step(place, chords.len(), usize::from(piece.beats_per_bar.max(1)));
            chords.iter().enumerate().map(|(i, chord)| (step(i), *chord)).collect()
        })
        .collect()
}

/// Step at which chord number `place` of `count` begins: on a beat if there are enough beats (two
/// in three beats: 2 + 1, three in four: 2 + 1 + 1), otherwise the steps are divided evenly.
fn shared_step(place: usize, count: usize, beats: usize) -> usize {
    if count <= beats {
        (place * beats).div_ceil(count) * STEPS_PER_BEAT
    } else {
        place * beats * STEPS_PER_BEAT / count
    }
}

impl Harmony {
    /// The chord that sounds at a step of a bar. After the last bar, the last chord holds; without
    /// bars, it is the tonic.
    pub fn chord_at(&self, bar: usize, step: usize) -> Chord {
        let chords = match self.chords.get(bar) {
            Some(chords) => chords,
            None => return self.chords.last().and_then(|c| c.last()).map_or(self.tonic(), |c| c.1),
        };
        let sounding = chords.iter().rev().find(|(from, _)| *from <= step);
        sounding.map_or(self.tonic(), |(_, chord)| *chord)
    }

    /// The next chord that differs from the one at a step of a bar; `None` if that one holds to the
    /// end.
    pub fn next_chord(&self, bar: usize, step: usize) -> Option<Chord> {
        let now = self.chord_at(bar, step);
        let after = |(number, chords): (usize, &Vec<(usize, Chord)>)| {
            chords
                .iter()
                .filter(|(from, _)| number > bar || *from > step)
                .map(|(_, chord)| *chord)
                .find(|chord| *chord != now)
        };
        self.chords.iter().enumerate().skip(bar).find_map(after)
    }

    /// The pitch classes to play in a bar: the key's scale, in which tones of borrowed chords
    /// replace the degrees that they alter (see [`Key::scale_over`]).
    pub fn scale_at(&self, bar: usize) -> [bool; 12] {
        let chords = self.chords.get(bar).map(Vec::as_slice).unwrap_or_default();
        let chords: Vec<Chord> = chords.iter().map(|(_, chord)| *chord).collect();
        self.key.scale_over(&chords)
    }

    /// Index of a bar's section.
    pub fn section_of(&self, bar: usize) -> usize {
        self.sections.partition_point(|first| *first <= bar).saturating_sub(1)
    }

    /// Number of bars to the next section, including this bar: 1 in the last bar before it. In the
    /// last section, the number of bars to where it would end if the piece continued. It may look
    /// ahead by one phrase, in which the energy may change.
    pub fn to_end_of_section(&self, bar: usize) -> usize {
        let next = self.sections.iter().copied().find(|first| *first > bar);
        next.unwrap_or(self.planned_end.max(bar + 1)) - bar
    }

    /// Whether a bar has a melody. The pick-up belongs to the first phrase.
    pub fn is_sung(&self, bar: usize) -> bool {
        let phrase = bar.saturating_sub(self.pickup) / PHRASE;
        self.sung.get(phrase).copied().unwrap_or(false)
    }

    /// Place of a bar in its phrase, from 0. The pick-up belongs to the first phrase.
    pub fn place_in_phrase(&self, bar: usize) -> usize {
        bar.saturating_sub(self.pickup) % PHRASE
    }

    /// Earlier bars that this bar may repeat, the likeliest first: the bar one phrase earlier, the
    /// one two bars earlier (since the third bar of a phrase often repeats its first), the bars
    /// since then, and the bar at the same position of the previous section of the same kind.
    pub fn earlier(&self, bar: usize) -> Vec<usize> {
        let Some(place) = bar.checked_sub(self.pickup) else {
            return vec![];
        };
        let near = [PHRASE, 2, 1, 3].into_iter().filter(|back| *back <= place);
        near.map(|back| bar - back).chain(self.in_section_before(bar)).collect()
    }

    /// The bar at the same position of the previous section of the same kind.
    fn in_section_before(&self, bar: usize) -> Option<usize> {
        let starts = |section: usize| self.sections.get(section).map(|first| (*first).max(self.pickup));
        let section = self.section_of(bar);
        let before = (0..section).rfind(|other| self.kinds.get(*other) == self.kinds.get(section))?;
        let there = starts(before)? + bar.checked_sub(starts(section)?)?;
        (there < starts(before + 1)?).then_some(there)
    }

    /// The triad on the key's tonic.
    pub fn tonic(&self) -> Chord {
        modes::triad(self.key)
    }

    /// The chords on the grid of the drums, whose first bar begins at `first_step`: one entry per
    /// change.
    pub fn changes(&self, first_step: i32) -> Vec<ChordAt> {
        let mut changes: Vec<ChordAt> = Vec::new();
        for (bar, chords) in self.chords.iter().enumerate() {
            for (step, chord) in chords {
                if changes.last().is_none_or(|last| last.chord != *chord) {
                    let step = first_step.saturating_add((bar * self.steps_per_bar + step) as i32);
                    changes.push(ChordAt { step, chord: *chord });
                }
            }
        }
        changes
    }
}

/// Step at which the second chord of a bar begins: the third beat, so that in a bar of three beats
/// it has one beat and the first chord two.
fn half_of(steps_per_bar: usize) -> usize {
    (steps_per_bar / STEPS_PER_BEAT).div_ceil(2) * STEPS_PER_BEAT
}

/// Draws one of several by weight; `None` if no weight is above 0.
pub(super) fn pick<T: Copy>(random: &mut BarRandom, choices: &[(T, f64)]) -> Option<T> {
    let total: f64 = choices.iter().map(|(_, weight)| weight.max(0.0)).sum();
    let mut rest = random.uniform() * total;
    let mut last = None;
    for (choice, weight) in choices.iter().filter(|(_, weight)| *weight > 0.0) {
        if rest < *weight {
            return Some(*choice);
        }
        rest -= weight;
        last = Some(*choice);
    }
    last
}

/// The dominant seventh chord of a chord.
fn dominant_of(chord: Chord) -> Chord {
    Chord::new(above(chord.root, 7), Quality::Dominant)
}
