//! Lines that follow from the harmony alone: held chords, and figures of repeated chord tones.

use super::conditions::Brief;
use super::layers::Layers;
use super::lines::GridNote;
use crate::drums::sampling::{BarRandom, Stream};
use crate::theory::{Chord, Instrument};

/// Intensity from which the ostinato moves in eighths; below it, it holds.
const MOVING: f64 = 0.6;

/// Figures of the ostinato: which tone of the chord, from below, sounds on each eighth of half a
/// bar.
const FIGURES: &[[usize; 4]] = &[[0, 2, 1, 2], [0, 1, 2, 1], [0, 0, 2, 1], [2, 1, 0, 1]];

/// Tones of a chord in a figure.
const TONES: usize = 3;

/// Accents of a bar of eighths: three, three and two.
const ACCENTED: [bool; 8] = [true, false, false, true, false, false, true, false];

/// Velocities: of held chords, and of accented and other notes of a figure.
const HELD: f32 = 0.55;
const STRUCK: (f32, f32) = (0.7, 0.5);

/// Bounds of velocities.
const BOUNDS: (f32, f32) = (0.15, 1.0);

/// Longest note, half steps.
const LONGEST: i32 = 64;

/// Half steps in a step.
const UNITS: i32 = 2;

/// Steps of an eighth.
const EIGHTH: usize = 2;

/// Chords held from each change of the harmony to the next, by an instrument that plays so many
/// voices. Each voice moves as little as possible.
pub fn pad(instrument: Instrument, brief: &Brief<'_>, layers: &Layers) -> Vec<GridNote> {
    let mut voicing: Vec<u8> = Vec::new();
    let mut notes = Vec::new();
    for (bar, step, length, chord) in stretches(brief, layers, instrument) {
        voicing = close(chord, &voicing, instrument, instrument.profile().voices);
        notes.extend(voicing.iter().map(|pitch| GridNote {
            step: brief.step(bar, step),
            length,
            pitch: *pitch,
            velocity: (HELD * layers.gain(bar)).clamp(BOUNDS.0, BOUNDS.1),
            offset: 0.0,
        }));
    }
    notes
}

/// A figure of chord tones in eighths where the piece is intense, and held tones elsewhere.
pub fn ostinato(instrument: Instrument, brief: &Brief<'_>, layers: &Layers, seed: u64) -> Vec<GridNote> {
    let drawn = BarRandom::new(seed, Stream::Figure, 0, 0).uniform();
    let figure = &FIGURES[((drawn * FIGURES.len() as f64) as usize).min(FIGURES.len() - 1)];
    let mut voicing: Vec<u8> = Vec::new();
    let mut notes = Vec::new();
    for (bar, from, length, chord) in stretches(brief, layers, instrument) {
        voicing = close(chord, &voicing, instrument, TONES);
        let gain = layers.gain(bar);
        let note = |step: i32, length: u8, pitch: u8, velocity: f32| GridNote {
            step,
            length,
            pitch,
            velocity: (velocity * gain).clamp(BOUNDS.0, BOUNDS.1),
            offset: 0.0,
        };
        if layers.intensity(bar) < MOVING {
            let top = voicing.iter().rev().take(instrument.profile().voices);
            notes.extend(top.rev().map(|pitch| note(brief.step(bar, from), length, *pitch, HELD)));
            continue;
        }
        let steps = usize::from(length / UNITS as u8);
        for step in (0..steps).step_by(EIGHTH) {
            let place = (usize::from(from) + step) % brief.steps_per_bar();
            let eighth = place / EIGHTH;
            let Some(pitch) = voicing.get(figure[eighth % figure.len()].min(voicing.len() - 1)) else {
                continue;
            };
            let accented = ACCENTED[eighth % ACCENTED.len()];
            notes.push(note(
                brief.step(bar, from) + step as i32,
                EIGHTH as u8 * UNITS as u8 - 1,
                *pitch,
                if accented { STRUCK.0 } else { STRUCK.1 },
            ));
        }
    }
    notes
}

/// The stretches that an instrument plays on one chord: bar, first step in it, length in half
/// steps, chord. A stretch ends at the latest with the bar after the one in which it begins.
fn stretches(brief: &Brief<'_>, layers: &Layers, instrument: Instrument) -> Vec<(usize, u8, u8, Chord)> {
    let per_bar = brief.steps_per_bar() as i32;
    let mut found: Vec<(usize, u8, i32, Chord)> = Vec::new();
    for bar in (0..brief.bars()).filter(|bar| layers.plays(*bar, instrument)) {
        let chords = &brief.harmony.chords[bar];
        for (index, (from, chord)) in chords.iter().enumerate() {
            let until = chords.get(index + 1).map_or(per_bar, |(next, _)| *next as i32);
            let length = (until - *from as i32) * UNITS;
            let begin = brief.step(bar, *from as u8);
            match found.last_mut() {
                Some((first, step, held, same))
                    if same == chord
                        && brief.step(*first, *step) + *held / UNITS == begin
                        && *held + length <= LONGEST
                        && layers.intensity(bar) < MOVING =>
                {
                    *held += length;
                }
                _ => found.push((bar, *from as u8, length, *chord)),
            }
        }
    }
    let in_range = |(bar, step, length, chord): (usize, u8, i32, Chord)| {
        let length = length.clamp(1, LONGEST) as u8;
        (bar, step, length, chord)
    };
    found.into_iter().map(in_range).collect()
}

/// A chord in close position: of all positions in the instrument's range, the one whose voices are
/// nearest to those before, or else to the middle of the range. A chord of fewer tones repeats
/// its lowest ones an octave higher.
fn close(chord: Chord, before: &[u8], instrument: Instrument, voices: usize) -> Vec<u8> {
    let range = &instrument.profile().range;
    let tones: Vec<u8> = range.clone().filter(|pitch| chord.contains(pitch % 12)).collect();
    let middle = range.start().midpoint(*range.end());
    let cost = |voicing: &[u8]| -> u32 {
        let apart =
            |(index, pitch): (usize, &u8)| u32::from(pitch.abs_diff(before.get(index).copied().unwrap_or(middle)));
        voicing.iter().enumerate().map(apart).sum()
    };
    let positions = tones.windows(voices.clamp(1, tones.len().max(1)));
    positions.min_by_key(|voicing| cost(voicing)).unwrap_or(&[]).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Quality;

    #[test]
    fn voices_move_as_little_as_possible() {
        let pad = Instrument::Pad;
        let c = close(Chord::new(0, Quality::Major), &[], pad, 4);
        assert_eq!(c.len(), 4);
        assert!(c.is_sorted() && c.iter().all(|pitch| pad.profile().range.contains(pitch)));
        let a = close(Chord::new(9, Quality::Minor), &c, pad, 4);
        let moved: u32 = c.iter().zip(&a).map(|(x, y)| u32::from(x.abs_diff(*y))).sum();
        assert!(moved <= 4, "{c:?} {a:?}: two tones are common");
    }

    #[test]
    fn every_chord_has_a_position() {
        for instrument in [Instrument::Pad, Instrument::Strings] {
            for root in 0..12 {
                for quality in Quality::ALL {
                    let chord = Chord::new(root, quality);
                    let voicing = close(chord, &[40, 100], instrument, TONES);
                    assert_eq!(voicing.len(), TONES);
                    assert!(voicing.iter().all(|pitch| chord.contains(*pitch)));
                }
            }
        }
    }
}
