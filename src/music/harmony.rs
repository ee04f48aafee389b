//! The harmony of a piece: its key, its sections and its chords, chosen once and shared by all instruments.
//!
//! A piece falls into phrases of four bars, counted from its first whole bar. Two phrases are a period: the first ends
//! open, on a half cadence, the second closes with an authentic or a plagal cadence and turns back. Periods of one
//! material are a section (`form`). Within a phrase chords follow each other by function, tonic, subdominant, dominant, in
//! what the mode has of them (`modes`, `phrase`). Every phrase ends on a chord of dominant function, so that whatever
//! comes next has been led to.
//!
//! Everything is drawn from streams of their own, by seed and number of the phrase or kind of the section. The chords of
//! a bar depend on the bars up to the end of its own phrase and on nothing after it, least of all on how long the piece
//! is. They are the same on every machine: the weights are sums and products, without functions whose last bits differ.

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

/// What is drawn from the streams of a phrase or of a kind of section: each draws from a stream of its own, so that one
/// that draws more numbers changes no other.
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

/// What the harmony is made for: a piece on the grid of its drums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece<'a> {
    /// Bars of the piece, with the pick-up.
    pub bars: usize,
    /// Bars before the first whole one: 1 where the grid begins before the clip, else 0. Phrases are counted from the bar
    /// after it.
    pub pickup: usize,
    /// Beats in a bar.
    pub beats_per_bar: u8,
    /// How much the person moves in each bar: 0 not known, 1 still, 2 calm, 3 as usual, 4 lively
    /// (see [`Composition`](crate::rhythm::compose::Composition)). Bars that are missing are not known.
    pub bar_energy: &'a [u8],
    /// Tempo.
    pub tempo: Tempo,
    /// Style of the drums, one of [`STYLES`](crate::settings::STYLES) or any other word for an unknown one.
    pub style: &'a str,
}

impl Piece<'_> {
    fn steps_per_bar(&self) -> usize {
        usize::from(self.beats_per_bar.max(1)) * STEPS_PER_BEAT
    }

    /// Seconds of a bar.
    fn bar_span(&self) -> f64 {
        (self.tempo.beat_span() * f64::from(self.beats_per_bar.max(1))).seconds()
    }

    /// Mean energy over bars `from..to` where it is known, 1 to 4.
    fn energy(&self, settings: &MusicSettings, from: usize, to: usize) -> Option<f64> {
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

/// How lively each bar is played: `bar_energy` itself, or the fixed `music.energy` on the same scale from 1 (0) to 4 (1)
/// in every bar.
pub fn energies(bar_energy: &[u8], settings: &MusicSettings) -> Vec<u8> {
    let fixed = settings.energy.map(|energy| (1.0 + 3.0 * energy).round() as u8);
    bar_energy.iter().map(|met| fixed.unwrap_or(*met)).collect()
}

/// Key, sections and chords of a piece.
#[derive(Debug, Clone, PartialEq)]
pub struct Harmony {
    /// The key.
    pub key: Key,
    /// The chords of each bar: the step within the bar from which on each sounds, rising. Each bar begins with one at
    /// step 0, be it the one that sounded before.
    pub chords: Vec<Vec<(usize, Chord)>>,
    /// First bars of the sections, rising; the first is 0 and has the pick-up with it. Empty for a piece without bars.
    pub sections: Vec<usize>,
    /// What kind each section is of: those of one kind share their chords.
    pub kinds: Vec<SectionKind>,
    /// Bars before the first whole one, from which phrases are counted.
    pickup: usize,
    /// Which phrases have a melody.
    sung: Vec<bool>,
    /// Bar in which the last section would end if the piece went on.
    planned_end: usize,
    steps_per_bar: usize,
    /// The chord that leads home at the end.
    dominant: Chord,
    /// The user's chords stay as they are.
    fixed: bool,
}

/// Chooses the harmony of a piece.
///
/// - The **key** is the user's, else the one that fits the user's chords best (the scoring is told in `fit`), else drawn by
///   the seed: any tonic, and the mode by the mood. A mood that is not given is drawn too, by what style, tempo and the
///   movement of the first phrase suggest (`mood`). Bright is major, mixolydian or lydian, dark minor or dorian, tense
///   harmonic minor or phrygian, calm major, dorian or lydian.
/// - **Sections** begin where the energy changes clearly from one phrase to the next, else after 8 or 16 bars: home (A),
///   contrast (B), home, bridge (C), home and so on.
/// - **Chords** change once a bar, twice where the movement is lively and bars are long, every two bars where it is calm;
///   cadences keep their pace. The user's chords are taken as they are, from the first whole bar on, and repeated; bars
///   that hold several share their beats among them, the longer parts first.
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

/// The user's chords over the bars of a piece. The pick-up has the end of the progression, which leads into its start.
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

/// Step at which chord number `place` of `count` begins: on a beat while there are beats enough (two in three beats: 2 + 1,
/// three in four: 2 + 1 + 1), else the steps are shared evenly.
fn shared_step(place: usize, count: usize, beats: usize) -> usize {
    if count <= beats {
        (place * beats).div_ceil(count) * STEPS_PER_BEAT
    } else {
        place * beats * STEPS_PER_BEAT / count
    }
}

impl Harmony {
    /// The chord that sounds at a step of a bar. Past the last bar the last chord holds; without bars it is the tonic.
    pub fn chord_at(&self, bar: usize, step: usize) -> Chord {
        let chords = match self.chords.get(bar) {
            Some(chords) => chords,
            None => return self.chords.last().and_then(|c| c.last()).map_or(self.tonic(), |c| c.1),
        };
        let sounding = chords.iter().rev().find(|(from, _)| *from <= step);
        sounding.map_or(self.tonic(), |(_, chord)| *chord)
    }

    /// The next chord that differs from the one that sounds at a step of a bar; `None` where it holds to the end.
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

    /// The pitch classes to play in a bar: the key's scale, in which tones of borrowed chords take the place of the
    /// degrees that they alter (see [`Key::scale_over`]).
    pub fn scale_at(&self, bar: usize) -> [bool; 12] {
        let chords = self.chords.get(bar).map(Vec::as_slice).unwrap_or_default();
        let chords: Vec<Chord> = chords.iter().map(|(_, chord)| *chord).collect();
        self.key.scale_over(&chords)
    }

    /// Index of the section that a bar belongs to.
    pub fn section_of(&self, bar: usize) -> usize {
        self.sections.partition_point(|first| *first <= bar).saturating_sub(1)
    }

    /// Bars to the next section, the bar itself with them: 1 in the last bar before it. In the last section it is to
    /// where that would end if the piece went on. It may look ahead by one phrase, in which the energy may change.
    pub fn to_end_of_section(&self, bar: usize) -> usize {
        let next = self.sections.iter().copied().find(|first| *first > bar);
        next.unwrap_or(self.planned_end.max(bar + 1)) - bar
    }

    /// Whether a melody is to be heard in a bar. The pick-up is of the first phrase.
    pub fn is_sung(&self, bar: usize) -> bool {
        let phrase = bar.saturating_sub(self.pickup) / PHRASE;
        self.sung.get(phrase).copied().unwrap_or(false)
    }

    /// Earlier bars that music comes back to in this one, the likeliest first: the bar a phrase before, the one two before
    /// (as the third bar of a phrase comes back to its first), the others since, and the same place in the section before that
    /// is of the same kind.
    pub fn earlier(&self, bar: usize) -> Vec<usize> {
        let Some(place) = bar.checked_sub(self.pickup) else {
            return vec![];
        };
        let near = [PHRASE, 2, 1, 3].into_iter().filter(|back| *back <= place);
        near.map(|back| bar - back).chain(self.in_section_before(bar)).collect()
    }

    /// The bar that has this bar's place in the last section of the same kind.
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

    /// The chords on the grid of the drums, whose first bar begins at `first_step`: one where each change is.
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

/// Step of a bar at which its second chord comes: the third beat, so that in a bar of three it has one beat and the first
/// chord two.
fn half_of(steps_per_bar: usize) -> usize {
    (steps_per_bar / STEPS_PER_BEAT).div_ceil(2) * STEPS_PER_BEAT
}

/// One of several, as often as their weights say; `None` if no weight is above 0.
fn pick<T: Copy>(random: &mut BarRandom, choices: &[(T, f64)]) -> Option<T> {
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

/// The dominant seventh chord of any chord.
fn dominant_of(chord: Chord) -> Chord {
    Chord::new(above(chord.root, 7), Quality::Dominant)
}
