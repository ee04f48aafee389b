//! The inputs of each bar of a line: the drums and chords at its steps, and how it should be played
//! according to the movement.

use super::harmony::{Harmony, SectionKind, energies};
use super::plan::{BarInput, BarPlan, ChordInput, LinePlan};
use super::vocabulary::Vocabulary;
use crate::drums::{CLASSES, DrumGrid};
use crate::rhythm::compose::Composition;
use crate::settings::MusicSettings;
use crate::theory::Instrument;
use crate::time::STEPS_PER_BEAT;

/// Density of a bar by its energy (0 unknown, 1 still, 2 calm, 3 usual, 4 lively); one higher in
/// contrasting sections.
const DENSITY: [u8; 5] = [2, 1, 1, 2, 3];

/// A denser line would fill the space that the drums and the other instruments need.
const MOST_DENSE: u8 = 3;

/// Register of a bar by its energy: of basses, of accompaniment, and of lines with a melody. In the
/// training songs, accompanying chords usually lie low.
const BASS_REGISTER: [u8; 5] = [2, 1, 1, 2, 2];
const UNDER: [u8; 5] = [1, 1, 1, 1, 2];
const SUNG: [u8; 5] = [2, 2, 2, 2, 3];

/// Loudness of a bar by its energy.
const GAIN: [f32; 5] = [0.95, 0.82, 0.9, 1.0, 1.07];

/// Rhythm level of a step at which a line must play: a strong accent of the movement.
const STRONG: u8 = 2;

/// How to play a line in a bar, according to the movement.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Manner {
    density: u8,
    register: u8,
    lead: u8,
    gain: f32,
}

/// The input shared by all lines of a piece.
pub struct Brief<'a> {
    composition: &'a Composition,
    drums: &'a DrumGrid,
    harmony: &'a Harmony,
    settings: &'a MusicSettings,
    /// Energy of each bar.
    energies: Vec<u8>,
    bpm: f64,
}

impl<'a> Brief<'a> {
    /// Collects the conditions of a piece, whose bars are those of the composition.
    pub fn new(
        composition: &'a Composition,
        drums: &'a DrumGrid,
        harmony: &'a Harmony,
        settings: &'a MusicSettings,
        bpm: f64,
    ) -> Self {
        Self {
            composition,
            drums,
            harmony,
            settings,
            energies: energies(&composition.bar_energy, settings),
            bpm,
        }
    }

    fn steps_per_bar(&self) -> usize {
        self.composition.steps_per_bar()
    }

    fn bars(&self) -> usize {
        self.composition.steps.len() / self.steps_per_bar()
    }

    /// The plan of an instrument's line.
    pub fn line(&self, instrument: Instrument, vocabulary: &Vocabulary) -> LinePlan {
        let hits = self.hits();
        let feel = self.feel();
        let style = vocabulary.style(&self.drums.style);
        let per_bar = self.steps_per_bar();
        let bars = (0..self.bars())
            .map(|bar| {
                let steps = bar * per_bar..(bar + 1) * per_bar;
                let manner = self.manner(instrument, bar);
                let chords = (0..per_bar).map(|step| ChordInput(Some(self.harmony.chord_at(bar, step))));
                let next = (0..per_bar).map(|step| ChordInput(self.harmony.next_chord(bar, step)));
                let rhythm = &self.composition.steps[steps.clone()];
                BarPlan {
                    input: BarInput {
                        hits: hits[steps.clone()].to_vec(),
                        chords: chords.collect(),
                        next_chords: next.collect(),
                        scale: self.harmony.scale_at(bar),
                        density: manner.density,
                        register: manner.register,
                        lead: manner.lead,
                        section: self.harmony.to_end_of_section(bar).min(4) as u8,
                        instrument,
                        style,
                        bpm: self.bpm,
                    },
                    answered: (0_u8..)
                        .zip(rhythm)
                        .filter(|(_, step)| step.level >= STRONG)
                        .map(|(step, _)| step)
                        .collect(),
                    span: vocabulary.span(instrument, manner.register, manner.lead),
                    gain: manner.gain,
                    feel: feel[steps].to_vec(),
                    strength: rhythm.iter().map(|step| step.strength).collect(),
                    earlier: self.harmony.earlier(bar),
                }
            })
            .collect();
        LinePlan {
            instrument,
            first_step: self.composition.first_step,
            bars,
        }
    }

    /// Calm passages are sparser and lower; strong and contrasting ones are denser and higher. The
    /// piano has the melody, or the guitar if there is no piano; it rests where the person hardly
    /// moves.
    fn manner(&self, instrument: Instrument, bar: usize) -> Manner {
        let energy = usize::from(self.energies.get(bar).copied().unwrap_or(0).min(4));
        // A guitar leaves room for the piano.
        let beside_piano = instrument == Instrument::Guitar && self.settings.instruments.contains(&Instrument::Piano);
        let sings = !instrument.profile().is_bass && !beside_piano;
        let sung = sings && energy != 1 && self.harmony.is_sung(bar);
        let kind = self.harmony.kinds.get(self.harmony.section_of(bar));
        let away = self.settings.energy.is_none() && kind.is_some_and(|kind| *kind != SectionKind::Home);
        let register = if instrument.profile().is_bass {
            BASS_REGISTER[energy]
        } else if sung {
            SUNG[energy]
        } else {
            UNDER[energy] + u8::from(away)
        };
        Manner {
            density: (DENSITY[energy] + u8::from(away) - u8::from(beside_piano)).clamp(1, MOST_DENSE),
            register: register.min(3),
            lead: if sung { 2 } else { 1 },
            gain: GAIN[energy],
        }
    }

    /// 1 for each drum class that is hit, for each step of the composition.
    fn hits(&self) -> Vec<[f32; CLASSES]> {
        let mut hits = vec![[0.0; CLASSES]; self.composition.steps.len()];
        for hit in &self.drums.hits {
            let step = usize::try_from(hit.step - self.composition.first_step).ok();
            if let Some(cell) = step.and_then(|step| hits.get_mut(step)) {
                cell[hit.class as usize] = 1.0;
            }
        }
        hits
    }

    /// Offset of the drums at each step. A step without a hit has that of the other steps at the
    /// same position in the beat: swing and drag are the same for all players.
    fn feel(&self) -> Vec<f32> {
        let mut sums = vec![(0.0_f32, 0_u32); self.composition.steps.len()];
        let mut places = [(0.0_f32, 0_u32); STEPS_PER_BEAT];
        for hit in &self.drums.hits {
            let step = hit.step - self.composition.first_step;
            if let Some(cell) = usize::try_from(step).ok().and_then(|step| sums.get_mut(step)) {
                for sum in [cell, &mut places[step.rem_euclid(STEPS_PER_BEAT as i32) as usize]] {
                    *sum = (sum.0 + hit.offset, sum.1 + 1);
                }
            }
        }
        let mean = |(sum, count): (f32, u32)| if count > 0 { Some(sum / count as f32) } else { None };
        sums.iter()
            .enumerate()
            .map(|(step, sum)| {
                mean(*sum)
                    .or_else(|| mean(places[step % STEPS_PER_BEAT]))
                    .unwrap_or(0.0)
            })
            .collect()
    }
}
