//! Rhythm to drums (Rhythm2Drum): hits, velocities and offsets on the sixteenth-note grid.
//!
//! The hits are written word by word, one word per step, by a transformer that reads the movement's
//! accents; velocity and offset come from a second network that sees all hits together (Su, Liu,
//! Shlizerman 2021, after Gillick et al. 2019).

mod groove;
mod hits;
mod model;
mod players;
pub mod sampling;
mod vocabulary;
pub mod writing;

pub use hits::{CLASSES, DrumClass, DrumGrid, Hit};
pub use model::DrumModels;

use crate::error::{Error, Result};
use crate::progress::{Monitor, Stage};
use crate::rhythm::compose::{self, Composition};
use crate::rhythm::{self, Rhythm, alike};
use crate::settings::DrumSettings;
use crate::shown;
use sampling::Sampling;
use writing::Plan;

/// Styles from which `drums.style = auto` chooses: those that fit most clips and have the most
/// training data.
const AUTO_STYLES: &[&str] = &["rock", "funk", "hiphop", "dance"];

/// Writes drums for a rhythm.
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
    let played_on = &rhythm.beats;
    let rhythm = &*rhythm.for_composing();
    let bpm = rhythm.tempo.bpm();
    let style = settings
        .style
        .or_else(|| vocabulary.style_for_tempo(bpm, AUTO_STYLES))
        .unwrap_or("unknown");
    let composition = compose::compose(rhythm).ok_or_else(|| Error::Music {
        reason: format!(
            "the rhythm has {}; at least two, in ascending order, are needed",
            shown::count(rhythm.beats.len(), "beat")
        ),
    })?;
    let families = alike::families(&alike::bars(rhythm, &composition));
    let plan = plan(
        composition,
        &families,
        vocabulary.style(style),
        models.players().of_style(style),
        bpm,
    );

    let sampling = Sampling {
        temperature: settings.temperature,
        top_p: settings.top_p,
    };
    // The second network takes a few milliseconds: nearly all of the work is writing the words.
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
        beats: rhythm::instants(played_on),
        first_beat: rhythm.beats.first().map_or(1, |beat| beat.number),
        beats_per_bar: rhythm.beats_per_bar,
        style: style.to_owned(),
        hits: writing::hits(&plan, &words, &vocabulary, &velocity, &offset),
    })
}

/// The plan of the piece in the models' terms.
fn plan(composition: Composition, families: &[usize], style: usize, player: usize, bpm: f64) -> Plan {
    Plan {
        steps_per_bar: composition.steps_per_bar(),
        first_step: composition.first_step,
        level: composition.steps.iter().map(|step| step.level).collect(),
        strength: composition.steps.iter().map(|step| step.strength).collect(),
        energy: composition.bar_energy,
        repeated: alike::repeated(families),
        style,
        player,
        bpm,
    }
}
