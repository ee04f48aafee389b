//! The inputs of each bar of a line: the drums and chords at its steps, and how it should be played
//! according to the movement.

use super::harmony::{Harmony, SectionKind, energies};
use super::layers::Layers;
use super::plan::{BarInput, BarPlan, ChordInput, LinePlan};
use super::vocabulary::Vocabulary;
use crate::drums::{CLASSES, DrumGrid};
use crate::rhythm::compose::Composition;
use crate::settings::MusicSettings;
use crate::theory::{Instrument, Role};
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

/// Rhythm level of a step at which a line must play: a strong accent of the movement.
const STRONG: u8 = 2;

/// How to play a line in a bar, according to the movement.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Manner {
    density: u8,
    register: u8,
    lead: u8,
}

/// The input shared by all lines of a piece.
pub struct Brief<'a> {
    composition: &'a Composition,
    drums: &'a DrumGrid,
    pub harmony: &'a Harmony,
    settings: &'a MusicSettings,
    players: &'a [Instrument],
    /// Energy of each bar.
    energies: Vec<u8>,
    /// Offset of the drums at each step.
    feel: Vec<f32>,
    bpm: f64,
}

impl<'a> Brief<'a> {
    /// Collects the conditions of a piece, whose bars are those of the composition.
    pub fn new(
        composition: &'a Composition,
        drums: &'a DrumGrid,
        harmony: &'a Harmony,
        settings: &'a MusicSettings,
        players: &'a [Instrument],
        bpm: f64,
    ) -> Self {
        Self {
            composition,
            drums,
            harmony,
            settings,
            players,
            energies: energies(&composition.bar_energy, settings),
            feel: feel(composition, drums),
            bpm,
        }
    }

    /// Steps of a bar.
    pub fn steps_per_bar(&self) -> usize {
        self.composition.steps_per_bar()
    }

    /// Number of bars.
    pub fn bars(&self) -> usize {
        self.composition.steps.len() / self.steps_per_bar()
    }

    /// Step of the drum grid of a step of a bar.
    pub fn step(&self, bar: usize, step: u8) -> i32 {
        self.composition.first_step + (bar * self.steps_per_bar()) as i32 + i32::from(step)
    }

    /// Rhythm levels of the steps of a bar: 0 no accent, 1 an accent, 2 a strong one.
    pub fn accents(&self, bar: usize) -> Vec<u8> {
        let steps = self.composition.steps.chunks(self.steps_per_bar()).nth(bar);
        steps.unwrap_or(&[]).iter().map(|step| step.level).collect()
    }

    /// Strength of the accent on a step of a bar, 0 if there is none.
    pub fn strength(&self, bar: usize, step: u8) -> f32 {
        let at = bar * self.steps_per_bar() + usize::from(step);
        self.composition.steps.get(at).map_or(0.0, |step| step.strength)
    }

    /// Offset of the drums on a step of a bar, in steps.
    pub fn feel_at(&self, bar: usize, step: u8) -> f32 {
        let at = bar * self.steps_per_bar() + usize::from(step);
        self.feel.get(at).copied().unwrap_or(0.0).clamp(-0.5, 0.499)
    }

    /// Whether a bar belongs to a home section.
    pub fn is_home(&self, bar: usize) -> bool {
        let kind = self.harmony.kinds.get(self.harmony.section_of(bar));
        kind.is_none_or(|kind| *kind == SectionKind::Home)
    }

    /// Earlier bars that a bar may repeat, the likeliest first: those that move like it, and then
    /// those that the form suggests.
    /// Also returns the number of the former.
    fn earlier(&self, bar: usize, families: &[usize]) -> (Vec<usize>, usize) {
        let alike = (0..bar).rev().filter(|other| families.get(*other) == families.get(bar));
        let mut earlier: Vec<usize> = alike.take(2).collect();
        let others = self.harmony.earlier(bar).into_iter();
        let new: Vec<usize> = others.filter(|other| !earlier.contains(other)).collect();
        let alike = earlier.len();
        earlier.extend(new);
        (earlier, alike)
    }

    /// The plan of the line of an instrument that the models write.
    pub fn line(
        &self,
        instrument: Instrument,
        vocabulary: &Vocabulary,
        layers: &Layers,
        families: &[usize],
    ) -> LinePlan {
        let hits = self.hits();
        let style = vocabulary.style(&self.drums.style);
        let per_bar = self.steps_per_bar();
        let bars = (0..self.bars())
            .map(|bar| {
                let steps = bar * per_bar..(bar + 1) * per_bar;
                let manner = self.manner(instrument, bar);
                let chords = (0..per_bar).map(|step| ChordInput(Some(self.harmony.chord_at(bar, step))));
                let next = (0..per_bar).map(|step| ChordInput(self.harmony.next_chord(bar, step)));
                let rhythm = &self.composition.steps[steps.clone()];
                let (earlier, alike) = self.earlier(bar, families);
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
                    gain: layers.gain(bar),
                    feel: self.feel[steps].to_vec(),
                    strength: rhythm.iter().map(|step| step.strength).collect(),
                    earlier,
                    alike,
                    plays: layers.plays(bar, instrument),
                }
            })
            .collect();
        LinePlan {
            instrument,
            first_step: self.composition.first_step,
            bars,
        }
    }

    /// Calm passages are sparser and lower; strong and contrasting ones are denser and higher. If
    /// no other instrument has the melody, the piano has it, or the guitar if there is no piano; it
    /// rests where the person hardly moves.
    fn manner(&self, instrument: Instrument, bar: usize) -> Manner {
        let energy = usize::from(self.energies.get(bar).copied().unwrap_or(0).min(4));
        // A guitar leaves room for the piano.
        let beside_piano = instrument == Instrument::Guitar && self.players.contains(&Instrument::Piano);
        let led = self.players.iter().any(|player| player.profile().role == Role::Melody);
        let sings = !instrument.profile().is_bass() && !beside_piano && !led;
        let sung = sings && energy != 1 && self.harmony.is_sung(bar);
        let kind = self.harmony.kinds.get(self.harmony.section_of(bar));
        let away = self.settings.energy.is_none() && kind.is_some_and(|kind| *kind != SectionKind::Home);
        let register = if instrument.profile().is_bass() {
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
}

/// Offset of the drums at each step. A step without a hit has that of the other steps at the same
/// position in the beat: swing and drag are the same for all players.
fn feel(composition: &Composition, drums: &DrumGrid) -> Vec<f32> {
    let mut sums = vec![(0.0_f32, 0_u32); composition.steps.len()];
    let mut places = [(0.0_f32, 0_u32); STEPS_PER_BEAT];
    for hit in &drums.hits {
        let step = hit.step - composition.first_step;
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
