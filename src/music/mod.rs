//! Drums to music (Drum2Music, Su, Liu, Shlizerman 2021): piano, guitar and bass that play with the
//! drums.
//!
//! One [harmony] is chosen for the piece; each instrument's line is then written bar by bar by a
//! Transformer-XL that reads the drums, the chords and how much the person moves.

mod conditions;
pub mod harmony;
mod lines;
mod model;
pub mod plan;
mod recall;
pub mod remi;
mod vocabulary;
pub mod writing;

pub use lines::{ChordAt, GridNote, Line, Music};
pub use model::MusicModels;

use crate::drums::DrumGrid;
use crate::drums::sampling::Sampling;
use crate::error::{Error, Result};
use crate::progress::{Monitor, Stage};
use crate::rhythm::{Rhythm, compose};
use crate::settings::MusicSettings;
use crate::shown;
use conditions::Brief;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Writes lines for piano, guitar and bass, according to the settings, for a rhythm and its drums.
///
/// All lines share one harmony and are written in parallel: `models` must have been opened for as
/// many lines.
///
/// # Errors
/// [`Error::Inference`], and [`Error::Cancelled`] from the monitor.
pub fn play(
    rhythm: &Rhythm,
    drums: &DrumGrid,
    models: &mut MusicModels,
    settings: &MusicSettings,
    seed: u64,
    monitor: &Monitor<'_>,
) -> Result<Music> {
    let composition = compose::compose(rhythm).ok_or_else(|| Error::Music {
        reason: format!(
            "the rhythm has {}; at least two, in ascending order, are needed",
            shown::count(rhythm.beats.len(), "beat")
        ),
    })?;
    let bars = composition.bar_energy.len();
    let piece = harmony::Piece {
        bars,
        pickup: usize::from(composition.first_step < 0),
        beats_per_bar: composition.beats_per_bar,
        bar_energy: &composition.bar_energy,
        tempo: rhythm.tempo,
        style: &drums.style,
    };
    let harmony = harmony::compose(&piece, settings, seed);
    let brief = Brief::new(&composition, drums, &harmony, settings, rhythm.tempo.bpm());
    let sampling = Sampling {
        temperature: settings.temperature,
        top_p: settings.top_p,
    };
    let vocabulary = models.vocabulary().clone();
    let instruments = &settings.instruments;
    let (written, all) = (AtomicUsize::new(0), bars * instruments.len());
    let lines = std::thread::scope(|scope| {
        let jobs: Vec<_> = instruments
            .iter()
            .zip(&mut models.writers)
            .map(|(instrument, writer)| {
                let plan = brief.line(*instrument, &vocabulary);
                let written = &written;
                let job = scope.spawn(move || {
                    let bars = writing::write_line(&plan, writer, sampling, seed, |_| {
                        let done = written.fetch_add(1, Ordering::Relaxed) + 1;
                        monitor.progress(Stage::Music, done as f64 / all as f64)
                    })?;
                    Ok(writing::notes(&plan, &bars, seed))
                });
                (*instrument, job)
            })
            .collect();
        jobs.into_iter()
            .map(|(instrument, job)| {
                let notes = job.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                Ok(Line { instrument, notes })
            })
            .collect::<Result<Vec<_>>>()
    })?;
    Ok(Music {
        key: harmony.key,
        chords: harmony.changes(composition.first_step),
        lines,
    })
}
