//! Rhythm to drums (Rhythm2Drum): hits, velocities and offsets on the sixteenth-note grid.
//!
//! The hits are words written step by step by a transformer that reads the movement's accents; velocity and offset come
//! from a second network that sees all hits at once (Su, Liu, Shlizerman 2021, after Gillick et al. 2019).

mod groove;
mod model;
mod players;
pub mod sampling;
mod vocabulary;
pub mod writing;

pub use model::DrumModels;
pub use vocabulary::Vocabulary;

use crate::error::{Error, Result};
use crate::progress::{Monitor, Stage};
use crate::rhythm::Rhythm;
use crate::rhythm::compose::{self, Composition};
use crate::settings::DrumSettings;
use crate::time::Instant;
use sampling::Sampling;
use serde::{Deserialize, Serialize};
use writing::Plan;

/// Number of drum classes.
pub const CLASSES: usize = 9;

/// The nine drum classes of GrooVAE (Gillick et al. 2019), in the order of the models' tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(usize)]
#[allow(missing_docs)] // the names say it
pub enum DrumClass {
    Kick,
    Snare,
    ClosedHat,
    OpenHat,
    LowTom,
    MidTom,
    HighTom,
    Crash,
    Ride,
}

impl DrumClass {
    /// All classes, in the order of the tensors.
    pub const ALL: [Self; CLASSES] = [
        Self::Kick,
        Self::Snare,
        Self::ClosedHat,
        Self::OpenHat,
        Self::LowTom,
        Self::MidTom,
        Self::HighTom,
        Self::Crash,
        Self::Ride,
    ];

    /// The General MIDI pitch that the class is written as.
    pub fn pitch(self) -> u8 {
        match self {
            Self::Kick => 36,
            Self::Snare => 38,
            Self::ClosedHat => 42,
            Self::OpenHat => 46,
            Self::LowTom => 43,
            Self::MidTom => 47,
            Self::HighTom => 50,
            Self::Crash => 49,
            Self::Ride => 51,
        }
    }
}

/// One drum hit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Step of the grid: 0 is the first beat of the rhythm; negative before it.
    pub step: i32,
    /// What is struck.
    pub class: DrumClass,
    /// How hard, above 0, at most 1.
    pub velocity: f32,
    /// How far from the step, in steps, −0.5 to below 0.5; **positive is late**: onset = (step + offset) · step length.
    pub offset: f32,
}

/// The drums of a clip on the grid of its beats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrumGrid {
    /// The beats of the rhythm, which span the grid (see [`BeatGrid`](crate::time::BeatGrid)).
    pub beats: Vec<Instant>,
    /// Number in its bar of the first beat, from 1.
    pub first_beat: u8,
    /// Beats in a bar.
    pub beats_per_bar: u8,
    /// The style played.
    pub style: String,
    /// The hits, by step, then by class.
    pub hits: Vec<Hit>,
}

/// Styles that `drums.style = auto` chooses from: those that fit most clips and have much training data.
const AUTO_STYLES: &[&str] = &["rock", "funk", "hiphop", "dance"];

/// Plays drums to a rhythm.
///
/// # Errors
/// [`Error::Inference`], and [`Error::Cancelled`] from the monitor.
pub fn play(
    rhythm: &Rhythm,
    models: &mut DrumModels,
    settings: &DrumSettings,
    seed: u64,
    monitor: &Monitor<'_>,
) -> Result<DrumGrid> {
    let vocabulary = models.vocabulary().clone();
    let bpm = rhythm.tempo.bpm();
    let style = settings
        .style
        .or_else(|| vocabulary.style_for_tempo(bpm, AUTO_STYLES))
        .unwrap_or("unknown");
    let composition = compose::compose(rhythm).ok_or_else(|| Error::Sound {
        reason: format!(
            "a rhythm of {} beats; at least two that rise in time are needed",
            rhythm.beats.len()
        ),
    })?;
    let plan = plan(
        composition,
        vocabulary.style(style),
        models.players().of_style(style),
        bpm,
    );

    let sampling = Sampling {
        temperature: settings.temperature,
        top_p: settings.top_p,
    };
    // The second network takes a few milliseconds: the words are nearly all of the work.
    let progress = |done: f64| monitor.progress(Stage::Drums, done * 0.95);
    let words = writing::write_words(
        &plan,
        &vocabulary,
        &mut models.hits,
        sampling,
        settings.follow,
        seed,
        progress,
    )?;
    let matrix = writing::hit_matrix(&words, &vocabulary);
    let (velocity, offset) = models.velocity_and_offset(&plan, &matrix)?;
    Ok(DrumGrid {
        beats: rhythm.beats.iter().map(|beat| beat.time).collect(),
        first_beat: rhythm.beats.first().map_or(1, |beat| beat.number),
        beats_per_bar: rhythm.beats_per_bar,
        style: style.to_owned(),
        hits: writing::hits(&plan, &words, &vocabulary, &velocity, &offset),
    })
}

/// The composition as the models read it.
fn plan(composition: Composition, style: usize, player: usize, bpm: f64) -> Plan {
    Plan {
        steps_per_bar: composition.steps_per_bar(),
        first_step: composition.first_step,
        level: composition.steps.iter().map(|step| step.level).collect(),
        strength: composition.steps.iter().map(|step| step.strength).collect(),
        energy: composition.bar_energy,
        style,
        player,
        bpm,
    }
}
