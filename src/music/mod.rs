//! Drums to music (Drum2Music, Su, Liu, Shlizerman 2021): piano, guitar and bass that play with the drums.
//!
//! One [harmony] is chosen for the piece; each instrument's line is then written bar by bar by a Transformer-XL that reads
//! the drums, the chords and how much the person moves.

mod conditions;
pub mod harmony;
mod model;
mod recall;
mod vocabulary;
pub mod writing;

pub use model::MusicModels;
pub use vocabulary::Vocabulary;

use crate::drums::DrumGrid;
use crate::drums::sampling::Sampling;
use crate::error::{Error, Result};
use crate::limits::{Allowed, NOTE_LENGTHS, OFFSETS, PITCH_CLASSES, SEVEN_BITS, STRENGTHS};
use crate::progress::{Monitor, Stage};
use crate::rhythm::{Rhythm, compose};
use crate::score::{Chord, Key};
use crate::settings::MusicSettings;
use conditions::Brief;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A melodic instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)] // the names say it
pub enum Instrument {
    Piano,
    Guitar,
    Bass,
}

impl Instrument {
    /// All of them, in the order of the models' numbers.
    pub const ALL: [Self; 3] = [Self::Piano, Self::Guitar, Self::Bass];
}

/// What the melodic instruments of a clip play, on the grid of its drums.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Music {
    /// The key.
    pub key: Key,
    /// The chords by step, in rising order; each holds until the next. The first stands at the first step of the grid.
    pub chords: Vec<ChordAt>,
    /// One line for each instrument.
    pub lines: Vec<Line>,
}

/// From this step on, this chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChordAt {
    /// Step of the drum grid.
    pub step: i32,
    /// The chord.
    pub chord: Chord,
}

/// One instrument's notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Who plays.
    pub instrument: Instrument,
    /// The notes, by step, then by pitch.
    pub notes: Vec<GridNote>,
}

/// A note on the grid of the drums.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GridNote {
    /// Step on which it begins.
    pub step: i32,
    /// How long it is held, in thirty-second notes (half steps), 1 to 64.
    pub length: u8,
    /// MIDI pitch.
    pub pitch: u8,
    /// How loud, above 0, at most 1.
    pub velocity: f32,
    /// How far from the step it is played, in steps, positive is late (as a drum [`Hit`](crate::drums::Hit)'s).
    pub offset: f32,
}

impl Music {
    /// Checks music that was read from a file, for a grid of the given steps. The sentence of a
    /// failure begins with the field within the music.
    pub(crate) fn check(&self, steps: Allowed<i32>) -> std::result::Result<(), String> {
        PITCH_CLASSES.check("key.tonic", self.key.tonic)?;
        for (index, at) in self.chords.iter().enumerate() {
            steps.check(format_args!("chords[{index}].step"), at.step)?;
            PITCH_CLASSES.check(format_args!("chords[{index}].chord.root"), at.chord.root)?;
        }
        if let Some(index) = self.chords.windows(2).position(|pair| pair[0].step >= pair[1].step) {
            return Err(format!(
                "chords[{}].step is {}; it must be above that of the chord before, {}",
                index + 1,
                self.chords[index + 1].step,
                self.chords[index].step
            ));
        }
        for (index, line) in self.lines.iter().enumerate() {
            if self.lines[..index]
                .iter()
                .any(|other| other.instrument == line.instrument)
            {
                return Err(format!(
                    "lines[{index}].instrument is the {:?}, as that of another line; one line each is allowed",
                    line.instrument
                ));
            }
            for (number, note) in line.notes.iter().enumerate() {
                let field = |name: &str| format!("lines[{index}].notes[{number}].{name}");
                let check = || {
                    steps.check("step", note.step)?;
                    NOTE_LENGTHS.check("length", note.length)?;
                    SEVEN_BITS.check("pitch", note.pitch)?;
                    STRENGTHS.check("velocity", f64::from(note.velocity))?;
                    OFFSETS.check("offset", f64::from(note.offset))
                };
                check().map_err(|fault: String| field(&fault))?;
            }
        }
        Ok(())
    }
}

/// Plays piano, guitar and bass, as the settings ask, to a rhythm and its drums.
///
/// All lines share one harmony, and are written side by side: `models` must have been opened for as many.
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
    let composition = compose::compose(rhythm).ok_or_else(|| Error::Sound {
        reason: format!(
            "a rhythm of {} beats; at least two that rise in time are needed",
            rhythm.beats.len()
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
