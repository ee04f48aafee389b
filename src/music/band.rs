//! The band of a piece: what is decided once and shared by all lines.

use super::conditions::Brief;
use super::harmony::{self, Harmony};
use super::layers::Layers;
use super::model::MusicModels;
use super::theme::Theme;
use super::{Line, Music, held, writing};
use crate::drums::DrumGrid;
use crate::drums::sampling::{BarRandom, Sampling, Stream};
use crate::error::{Error, Result};
use crate::progress::{Monitor, Stage};
use crate::rhythm::compose::{self, Composition};
use crate::rhythm::{Rhythm, alike};
use crate::settings::{Mood, MusicSettings};
use crate::shown;
use crate::theory::{Instrument, Mode, Palette, Role};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often a piece has the palette of its style, beside those of its mood: one for calm
/// movement, and one for harmony that is dark or tense.
const OF_STYLE: f64 = 0.65;
const CALM: f64 = 0.6;
const GRAVE: f64 = 0.25;

/// Mean energy of the bars, 1 to 4, below which a piece is calm.
const CALM_ENERGY: f64 = 2.5;

/// The band of a piece.
pub struct Band<'a> {
    drums: &'a DrumGrid,
    settings: &'a MusicSettings,
    seed: u64,
    bpm: f64,
    composition: Composition,
    harmony: Harmony,
    palette: Palette,
    /// The instruments that play, in the order of [`Instrument::ALL`].
    players: Vec<Instrument>,
    layers: Layers,
    /// The family of each bar's movement.
    families: Vec<usize>,
}

impl<'a> Band<'a> {
    /// Chooses harmony, palette, players and form of a piece for a rhythm and its drums.
    ///
    /// # Errors
    /// [`Error::Music`] when the rhythm has fewer than two beats.
    pub fn of(rhythm: &Rhythm, drums: &'a DrumGrid, settings: &'a MusicSettings, seed: u64) -> Result<Self> {
        let rhythm = &*rhythm.for_composing();
        let composition = compose::compose(rhythm).ok_or_else(|| Error::Music {
            reason: format!(
                "the rhythm has {}; at least two, in ascending order, are needed",
                shown::count(rhythm.beats.len(), "beat")
            ),
        })?;
        let piece = harmony::Piece {
            bars: composition.bar_energy.len(),
            pickup: usize::from(composition.first_step < 0),
            beats_per_bar: composition.beats_per_bar,
            bar_energy: &composition.bar_energy,
            tempo: rhythm.tempo,
            style: &drums.style,
        };
        let harmony = harmony::compose(&piece, settings, seed);
        let energy = piece.energy(settings, 0, piece.bars);
        let palette = settings
            .palette
            .unwrap_or_else(|| palette(&drums.style, harmony.key.mode, settings.mood, energy, seed));
        let players = match &settings.instruments {
            Some(chosen) => chosen.clone(),
            None => palette.players().to_vec(),
        };
        let moves = alike::bars(rhythm, &composition);
        let layers = Layers::of(&moves, piece.pickup, &harmony, settings, &players);
        Ok(Self {
            drums,
            settings,
            seed,
            bpm: rhythm.tempo.bpm(),
            families: alike::families(&moves),
            composition,
            harmony,
            palette,
            players,
            layers,
        })
    }

    /// Number of lines that the music models write.
    pub fn lines_of_models(&self) -> usize {
        self.players
            .iter()
            .filter(|player| Instrument::OF_MODELS.contains(player))
            .count()
    }
}

/// Draws a palette: usually that of the style. `energy` is the mean of the bars, if it is known.
fn palette(style: &str, mode: Mode, mood: Option<Mood>, energy: Option<f64>, seed: u64) -> Palette {
    let calm = energy.is_some_and(|mean| mean < CALM_ENERGY) || mood == Some(Mood::Calm);
    let grave = match mood {
        Some(mood) => matches!(mood, Mood::Dark | Mood::Tense),
        None => matches!(mode, Mode::Minor | Mode::HarmonicMinor | Mode::Phrygian),
    };
    let of_style = Palette::of_style(style);
    let choices = [
        (of_style, OF_STYLE),
        (Palette::Ambient, if calm { CALM } else { 0.0 }),
        (Palette::Orchestral, if grave { GRAVE } else { 0.0 }),
    ];
    harmony::pick(&mut BarRandom::new(seed, Stream::Palette, 0, 0), &choices).unwrap_or(of_style)
}

/// Writes the lines of a band.
///
/// The lines of the music models are written in parallel: `models` must have been opened for as
/// many as the [band has](Band::lines_of_models). The others follow from the harmony.
///
/// # Errors
/// [`Error::Inference`], and [`Error::Cancelled`] from the monitor.
pub fn play(band: &Band<'_>, models: &mut MusicModels, monitor: &Monitor<'_>) -> Result<Music> {
    let Band {
        settings,
        harmony,
        composition,
        layers,
        players,
        seed,
        ..
    } = band;
    let brief = Brief::new(composition, band.drums, harmony, settings, players, band.bpm);
    let sampling = Sampling {
        temperature: settings.temperature,
        top_p: settings.top_p,
    };
    let vocabulary = models.vocabulary().clone();
    let (written, all) = (AtomicUsize::new(0), brief.bars() * band.lines_of_models());
    let of_models = players.iter().filter(|player| Instrument::OF_MODELS.contains(player));
    let mut lines = std::thread::scope(|scope| {
        let jobs: Vec<_> = of_models
            .zip(&mut models.writers)
            .map(|(instrument, writer)| {
                let plan = brief.line(*instrument, &vocabulary, layers, &band.families);
                let written = &written;
                let job = scope.spawn(move || {
                    let bars = writing::write_line(&plan, writer, sampling, *seed, |_| {
                        let done = written.fetch_add(1, Ordering::Relaxed) + 1;
                        monitor.progress(Stage::Music, done as f64 / all as f64)
                    })?;
                    Ok(writing::notes(&plan, &bars, *seed))
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
    let theme = Theme::draw(*seed, brief.steps_per_bar(), band.bpm);
    for instrument in players.iter().filter(|player| !Instrument::OF_MODELS.contains(player)) {
        let mut notes = match instrument.profile().role {
            Role::Melody => theme.melody(*instrument, &brief, layers, &band.families),
            Role::Ostinato => held::ostinato(*instrument, &brief, layers, *seed),
            Role::Pad | Role::Comping | Role::Bass => held::pad(*instrument, &brief, layers),
        };
        notes.sort_by_key(|note| (note.step, note.pitch));
        lines.push(Line {
            instrument: *instrument,
            notes,
        });
    }
    Ok(Music {
        key: harmony.key,
        palette: Some(band.palette),
        chords: harmony.changes(composition.first_step),
        lines,
    })
}
