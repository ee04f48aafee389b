//! The theme: a motif that is made once for a piece, stated early, varied, and heard again where the
//! movement comes back.
//!
//! A motif is a rhythm of a bar with a contour in steps of the scale. There are two, and five ways
//! to play them; which one a bar gets depends on the [family](crate::rhythm::alike) of its movement, so
//! that bars that move alike sound alike. Every phrase of four bars ends on a long note, at which
//! the melody breathes. Pitches follow the harmony: notes on the beats that carry it are tones of
//! the chord, and the others pass between them.

use super::conditions::Brief;
use super::harmony::pick;
use super::layers::Layers;
use super::lines::GridNote;
use crate::drums::sampling::{BarRandom, Stream};
use crate::theory::{Chord, Instrument};

/// Steps of half a bar in four, the length of the cells from which rhythms are made.
const CELL: u8 = 8;

/// Cells, and how often each is drawn in slow, medium and fast tempi.
const CELLS: &[(&[u8], [f64; 3])] = &[
    (&[0], [0.4, 0.8, 1.6]),
    (&[0, 4], [0.8, 1.4, 2.0]),
    (&[0, 6], [0.7, 1.0, 1.2]),
    (&[0, 3], [0.6, 0.8, 0.5]),
    (&[0, 3, 6], [1.2, 1.2, 0.6]),
    (&[0, 2, 4], [1.2, 1.0, 0.4]),
    (&[0, 4, 6], [1.2, 1.2, 0.8]),
    (&[0, 2, 4, 6], [1.0, 0.5, 0.1]),
    (&[2, 4], [0.5, 0.6, 0.3]),
];

/// Below the first tempo, beats per minute, rhythms are those of a slow piece; above the second,
/// those of a fast one.
const TEMPI: (f64, f64) = (88.0, 132.0);

/// Notes of a motif.
const NOTES: std::ops::RangeInclusive<usize> = 3..=6;

/// Steps of the scale from one note to the next, and how often each is drawn: songs mostly move by
/// step.
const MOVES: &[(i32, f64)] = &[
    (1, 0.30),
    (-1, 0.34),
    (2, 0.09),
    (-2, 0.10),
    (0, 0.07),
    (3, 0.04),
    (-3, 0.03),
    (4, 0.03),
];

/// Lowest and highest point of a contour, relative to its first note.
const CONTOUR: std::ops::RangeInclusive<i32> = -3..=5;

/// From this many steps of the scale on, a move is a leap, which the next one answers by a step
/// back.
const LEAP: i32 = 3;

/// Bars of a phrase.
const PHRASE: usize = 4;

/// Level of a step's accent from which the nearest note moves onto it, and how far notes move.
const STRONG: u8 = 2;
const REACH: u8 = 2;

/// Velocity of the melody, the lift of its first note and of an accent, and its bounds.
const VELOCITY: f32 = 0.66;
const FIRST: f32 = 0.06;
const ACCENT: f32 = 0.25;
const BOUNDS: (f32, f32) = (0.2, 1.0);

/// Distance of the start of a sequence from that of the motif, in semitones.
const SEQUENCE: i32 = 4;

/// Longest note, half steps: a whole bar in four.
const LONGEST: u8 = 32;

/// Rhythm and contour of a bar.
#[derive(Debug, Clone, PartialEq)]
struct Motif {
    /// Steps on which the notes begin, in ascending order.
    onsets: Vec<u8>,
    /// Steps of the scale from each note to the next.
    moves: Vec<i32>,
}

/// How a motif is played in a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variation {
    Plain,
    /// Higher.
    Sequence,
    /// Upside down.
    Inversion,
    /// The first notes only.
    Fragment,
    /// The end of a phrase: the beginning, and a long note.
    Close,
}

impl Motif {
    /// Draws a motif for bars of so many steps.
    fn draw(random: &mut BarRandom, steps: u8, bpm: f64) -> Self {
        let speed = usize::from(bpm >= TEMPI.0) + usize::from(bpm > TEMPI.1);
        let mut onsets = Vec::new();
        // A rhythm that never has enough notes, or has too many, is taken as it is.
        for _ in 0..8 {
            onsets = rhythm(random, steps, speed);
            if NOTES.contains(&onsets.len()) {
                break;
            }
        }
        let moves = contour(random, onsets.len());
        Self { onsets, moves }
    }

    /// The answer to a motif: it begins with the same rhythm and goes on in another way.
    fn answer(&self, random: &mut BarRandom, steps: u8, bpm: f64) -> Self {
        let other = Self::draw(random, steps, bpm);
        let kept = self.onsets.iter().filter(|onset| **onset < CELL);
        let new = other.onsets.iter().filter(|onset| **onset >= CELL);
        let onsets: Vec<u8> = kept.chain(new).copied().collect();
        let moves = contour(random, onsets.len());
        Self { onsets, moves }
    }

    /// The motif in a variation.
    fn varied(&self, variation: Variation, steps: u8) -> Self {
        let first = |count: usize| Self {
            onsets: self.onsets.iter().take(count).copied().collect(),
            moves: self.moves.iter().take(count.saturating_sub(1)).copied().collect(),
        };
        match variation {
            Variation::Plain | Variation::Sequence => self.clone(),
            Variation::Inversion => Self {
                moves: self.moves.iter().map(|by| -by).collect(),
                ..self.clone()
            },
            Variation::Fragment => first(self.onsets.len().div_ceil(2).max(2)),
            Variation::Close => {
                let last = CELL.min(steps / 2);
                let mut close = first(self.onsets.iter().filter(|onset| **onset < last).count().min(2));
                close.onsets.push(last);
                close.moves.resize(close.onsets.len() - 1, -1);
                close
            }
        }
    }
}

fn rhythm(random: &mut BarRandom, steps: u8, speed: usize) -> Vec<u8> {
    let mut onsets = Vec::new();
    for begin in (0..steps).step_by(usize::from(CELL)) {
        let weights: Vec<(usize, f64)> = CELLS
            .iter()
            .enumerate()
            // A motif begins on the beat.
            .filter(|(_, (cell, _))| begin > 0 || cell.first() == Some(&0))
            .map(|(index, (_, weights))| (index, weights[speed]))
            .collect();
        let cell = pick(random, &weights).map_or(&[0][..], |index| CELLS[index].0);
        onsets.extend(cell.iter().map(|step| begin + step).filter(|step| *step < steps));
    }
    onsets
}

fn contour(random: &mut BarRandom, notes: usize) -> Vec<i32> {
    let (mut at, mut last) = (0_i32, 0_i32);
    (1..notes)
        .map(|_| {
            let fits = |by: i32| {
                let back = last.abs() < LEAP || by == -last.signum();
                back && CONTOUR.contains(&(at + by)) && !(by == 0 && last == 0)
            };
            let choices: Vec<(i32, f64)> = MOVES.iter().copied().filter(|(by, _)| fits(*by)).collect();
            last = pick(random, &choices).unwrap_or(-at.signum());
            at += last;
            last
        })
        .collect()
}

/// The theme of a piece.
pub struct Theme {
    motifs: [Motif; 2],
}

/// What a bar of the melody is made from.
struct Plan {
    motif: usize,
    variation: Variation,
}

impl Theme {
    /// Draws the theme of a piece with bars of so many steps.
    pub fn draw(seed: u64, steps: usize, bpm: f64) -> Self {
        let steps = u8::try_from(steps).unwrap_or(u8::MAX);
        let random = &mut BarRandom::new(seed, Stream::Theme, 0, 0);
        let motif = Motif::draw(random, steps, bpm);
        let answer = motif.answer(random, steps, bpm);
        Self {
            motifs: [motif, answer],
        }
    }

    /// The melody of an instrument, in the bars in which it plays. `families` are those of the
    /// bars' movement.
    pub fn melody(
        &self,
        instrument: Instrument,
        brief: &Brief<'_>,
        layers: &Layers,
        families: &[usize],
    ) -> Vec<GridNote> {
        let range = &instrument.profile().range;
        let middle = i32::from(range.start().midpoint(*range.end()));
        // Families in the order in which the melody meets them: it begins with the motif.
        let mut met: Vec<usize> = Vec::new();
        let mut notes: Vec<GridNote> = Vec::new();
        let mut before = None;
        for bar in 0..brief.bars() {
            if !layers.plays(bar, instrument) || !brief.harmony.is_sung(bar) {
                before = None;
                continue;
            }
            let family = families.get(bar).copied().unwrap_or(0);
            let rank = met.iter().position(|other| *other == family).unwrap_or_else(|| {
                met.push(family);
                met.len() - 1
            });
            let place = brief.harmony.place_in_phrase(bar);
            let plan = plan(rank, place, before == Some(rank), brief.is_home(bar));
            before = Some(rank);
            let motif = self.motifs[plan.motif].varied(plan.variation, brief.steps_per_bar() as u8);
            let anchor = middle
                + if plan.variation == Variation::Sequence {
                    SEQUENCE
                } else {
                    0
                };
            notes.extend(realised(&motif, bar, anchor, instrument, brief, layers));
        }
        notes
    }
}

/// What a bar is made from: by the family of its movement, numbered as the melody meets them, by
/// whether that is the one of the bar before, and by its place in the phrase.
fn plan(rank: usize, place: usize, again: bool, home: bool) -> Plan {
    use Variation::{Close, Fragment, Inversion, Plain, Sequence};
    let of = |motif: usize, variation| Plan { motif, variation };
    let (own, other) = if home { (0, 1) } else { (1, 0) };
    if place + 1 == PHRASE {
        return of(own, Close);
    }
    match rank {
        // The same movement again: the same rhythm, higher.
        0 if again => of(own, Sequence),
        1 if again => of(other, Sequence),
        0 => of(own, Plain),
        1 => of(other, Plain),
        2 => of(own, if again { Inversion } else { Fragment }),
        _ => of(other, Inversion),
    }
}

/// The notes of a motif in a bar.
fn realised(
    motif: &Motif,
    bar: usize,
    anchor: i32,
    instrument: Instrument,
    brief: &Brief<'_>,
    layers: &Layers,
) -> Vec<GridNote> {
    let steps = brief.steps_per_bar() as u8;
    let onsets = on_accents(&motif.onsets, &brief.accents(bar));
    let range = &instrument.profile().range;
    let scale = brief.harmony.scale_at(bar);
    let ladder: Vec<u8> = range.clone().filter(|pitch| scale[usize::from(pitch % 12)]).collect();
    let mut place: Option<usize> = None;
    let mut notes = Vec::with_capacity(onsets.len());
    for (number, onset) in onsets.iter().enumerate() {
        let chord = brief.harmony.chord_at(bar, usize::from(*onset));
        let next = onsets.get(number + 1).copied().unwrap_or(steps);
        let long = next.saturating_sub(*onset) >= 6;
        let carries = onset.is_multiple_of(CELL) || long || number + 1 == onsets.len();
        let by = number
            .checked_sub(1)
            .and_then(|index| motif.moves.get(index))
            .copied()
            .unwrap_or(0);
        let at = match place {
            None => nearest_tone(&ladder, anchor, chord),
            Some(last) => moved(&ladder, last, by, carries.then_some(chord)),
        };
        let Some(pitch) = ladder.get(at).copied() else { continue };
        place = Some(at);
        // Short notes are detached a little; long ones end before the next breath.
        let room = 2 * next.saturating_sub(*onset);
        let length = if room > 2 { room - 1 } else { room };
        let lift = ACCENT * brief.strength(bar, *onset) + if number == 0 { FIRST } else { 0.0 };
        notes.push(GridNote {
            step: brief.step(bar, *onset),
            length: length.clamp(1, LONGEST),
            pitch,
            velocity: ((VELOCITY + lift) * layers.gain(bar)).clamp(BOUNDS.0, BOUNDS.1),
            offset: brief.feel_at(bar, *onset),
        });
    }
    notes
}

/// Onsets of which the nearest to each strong accent, within reach, stands on it.
fn on_accents(onsets: &[u8], levels: &[u8]) -> Vec<u8> {
    let mut moved = onsets.to_vec();
    for accent in (0_u8..)
        .zip(levels)
        .filter(|(_, level)| **level >= STRONG)
        .map(|(step, _)| step)
    {
        if moved.contains(&accent) {
            continue;
        }
        let nearest = (0..moved.len())
            .filter(|index| moved[*index].abs_diff(accent) <= REACH)
            // One that stands on another accent stays there.
            .filter(|index| {
                levels
                    .get(usize::from(moved[*index]))
                    .is_none_or(|level| *level < STRONG)
            })
            .min_by_key(|index| (moved[*index].abs_diff(accent), *index));
        if let Some(index) = nearest {
            moved[index] = accent;
        }
    }
    moved.sort_unstable();
    moved.dedup();
    moved
}

/// Place on the ladder of the chord's tone nearest to a pitch.
fn nearest_tone(ladder: &[u8], pitch: i32, chord: Chord) -> usize {
    let apart = |index: usize| (i32::from(ladder[index]) - pitch).abs();
    let tones = (0..ladder.len()).filter(|index| chord.contains(ladder[*index] % 12));
    let nearest = tones.min_by_key(|index| (apart(*index), *index));
    nearest
        .or_else(|| (0..ladder.len()).min_by_key(|index| apart(*index)))
        .unwrap_or(0)
}

/// Place on the ladder after a move; at the ends of the range the move is turned around. A note
/// that carries the harmony is a tone of the chord: the next one in the direction of the move, or
/// else the nearest.
fn moved(ladder: &[u8], from: usize, by: i32, chord: Option<Chord>) -> usize {
    let last = ladder.len().saturating_sub(1) as i32;
    let from = from as i32;
    let wanted = if (0..=last).contains(&(from + by)) {
        from + by
    } else {
        from - by
    };
    let wanted = wanted.clamp(0, last);
    let Some(chord) = chord else { return wanted as usize };
    let is_tone = |at: i32| {
        let pitch = usize::try_from(at).ok().and_then(|at| ladder.get(at));
        pitch.is_some_and(|pitch| chord.contains(pitch % 12))
    };
    let ahead = by.signum();
    let candidates = [0, ahead, -ahead, 1, -1, 2, -2, 3, -3];
    let found = candidates.iter().map(|apart| wanted + apart).find(|at| is_tone(*at));
    found.unwrap_or(wanted) as usize
}

#[cfg(test)]
#[path = "theme_tests.rs"]
mod tests;
