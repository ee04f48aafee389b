//! Poses to rhythm: beats, downbeats, tempo and accents (Video2Rhythm).
//!
//! ```text
//! PoseTrack ─► motion ─┬► impact ─┬► accents
//!                      ├► style ──┘
//!                      ├► lock (tempo prior) ───────┐
//!                      ├► activation ──────────┐    │
//!                      └► features ─► network ─┴─► hmm ─► fit ─► bars ─► Rhythm ─► compose ─► steps
//! ```
//!
//! There are two sources of beats: a learned network, and signal processing on the movement. Each gives an activation over
//! time, which the same decoder reads; the network's is taken unless the other is clearly more confident. `network` is the model part; the rest is plain code on
//! numbers: no model, no file, no thread.

mod activation;
mod bars;
#[cfg(test)]
mod beats_tests;
pub mod calibration;
pub mod compose;
pub mod confidence;
mod decode;
#[cfg(test)]
mod decoding_tests;
pub mod features;
mod fit;
mod hmm;
mod holds;
mod impact;
mod leaps;
mod lock;
pub mod metrics;
mod motion;
mod network;
mod signal;
mod style;
mod windows;

pub use compose::{Composition, StepRhythm, compose};
pub use holds::Hold;
pub use network::BeatModels;

use crate::error::{Error, Result};
use crate::pose::PoseTrack;
use crate::progress::{Monitor, Stage};
use crate::settings::{BeatSource, RhythmSettings};
use crate::time::{BeatGrid, Instant, Rate, Span, Tempo};
use confidence::{Evidence, Overview, Signs};
use decode::{Grid, Heard, NetworkOutput};
use motion::Motion;
use serde::{Deserialize, Serialize};

/// Beats and accents of a movement. All instants lie within the clip, in rising order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    /// The beats, at least two.
    pub beats: Vec<Beat>,
    /// Beats in a bar: 3 or 4.
    pub beats_per_bar: u8,
    /// The tempo that fits all beats best (least squares).
    pub tempo: Tempo,
    /// How far beats and tempo can be trusted, 0 to 1.
    pub confidence: f32,
    /// Peaks of the movement that music should answer.
    pub accents: Vec<Accent>,
    /// How strongly the body moves over time.
    pub movement: Curve,
    /// The beat activation that the beats were decoded from, 0 to 1.
    pub activation: Curve,
    /// What found the beats.
    #[serde(default)]
    pub source: Source,
}

/// What found the beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The learned network.
    Network,
    /// Signal processing on the movement: the only source when files that do not name one were saved.
    #[default]
    Motion,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Network => "network",
            Self::Motion => "motion",
        })
    }
}

/// A beat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// When it falls.
    pub time: Instant,
    /// Its number in the bar, from 1; 1 is the downbeat.
    pub number: u8,
}

/// A peak of the movement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accent {
    /// When it falls.
    pub time: Instant,
    /// How strong it is beside the clip's other accents, above 0, at most 1.
    pub strength: f32,
    /// What kind of movement it is.
    pub kind: AccentKind,
    /// What of the body makes it.
    #[serde(default)]
    pub part: BodyPart,
}

/// What of a body makes an accent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyPart {
    /// A foot, or both.
    Feet,
    /// A hand or an arm, or both.
    Hands,
    /// Shoulders and hips.
    Trunk,
    /// The head.
    Head,
    /// Several of them together; also where it is not known, as of gestures and in files that do not say.
    #[default]
    Whole,
}

/// What kind of movement an accent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccentKind {
    /// The paper's style: the movement changes fast (highest frequency of the kinematic offsets).
    Style,
    /// The body is stopped sharply: a stamp, a landing, a hit.
    Impact,
}

/// Values at a fixed rate, the first at the clip's start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Values a second.
    pub rate: Rate,
    /// The values.
    pub values: Vec<f32>,
}

impl Curve {
    /// The value at an instant, linearly interpolated; the outermost values go on. 0 for an empty curve.
    pub fn at(&self, instant: Instant) -> f32 {
        let Some(last) = self.values.len().checked_sub(1) else {
            return 0.0;
        };
        let position = self.rate.position(instant).clamp(0.0, last as f64);
        let index = (position as usize).min(last.saturating_sub(1));
        let (from, to) = (self.values[index], self.values[(index + 1).min(last)]);
        from + (to - from) * (position - index as f64) as f32
    }
}

impl Rhythm {
    /// The sixteenth-note grid that the beats span; `None` when there are fewer than two beats.
    pub fn grid(&self) -> Option<BeatGrid> {
        BeatGrid::new(self.beats.iter().map(|b| b.time).collect())
    }

    /// Where the body holds still, in rising order: for 0.7 s and more under 18 % of the speed that it exceeds for 5 % of the
    /// time that it is seen.
    pub fn holds(&self) -> Vec<Hold> {
        holds::holds(&self.movement)
    }
}

/// Movement under which there is no beat: median speed, torso lengths a second summed over the 17 joints, smoothed
/// (see [`Error::NoBeat`]). What a pose detector's jitter makes of a person who stands still is under 1.
pub const LEAST_MOVEMENT: f64 = 1.5;

/// By how much signal processing must be more confident than the network for its beats to be taken. Where it is so by less, the
/// network is the better one nevertheless: F 0.67 against 0.52 in such clips of the calibration.
pub const LEAD: f32 = 0.1;

/// A rhythm as one source finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The rhythm.
    pub rhythm: Rhythm,
    /// The signs that its confidence was made of.
    pub signs: Signs,
}

/// Finds the rhythm of a movement.
///
/// `duration` is the clip's length. With [`BeatSource::Auto`] the beats are the network's, by signal processing where that is more
/// confident by over [`LEAD`] or where `models` hold no network. With [`RhythmSettings::tempo`] the beats are the
/// metronome of exactly that tempo whose phase fits the movement best, however little the person moves; accents are found as
/// always.
///
/// # Errors
/// [`Error::NoBeat`] when the person moves too little, or when the clip is too short for two beats; [`Error::ModelMissing`] with
/// [`BeatSource::Network`] where `models` hold none; [`Error::Inference`]; [`Error::Cancelled`] when `monitor` says so.
pub fn find(
    track: &PoseTrack,
    duration: Span,
    models: &mut BeatModels,
    settings: &RhythmSettings,
    monitor: &Monitor<'_>,
) -> Result<Rhythm> {
    let (found, others) = choose(candidates(track, duration, models, settings, monitor)?);
    for other in others {
        log::debug!(
            "rhythm: passed over the beats by {}: {:.2} BPM, confidence {:.2}",
            other.rhythm.source,
            other.rhythm.tempo.bpm(),
            other.rhythm.confidence
        );
    }
    let rhythm = found.rhythm;
    log::debug!(
        "rhythm by {}: {} beats, {:.2} BPM, {} in a bar, confidence {:.2}, {} accents",
        rhythm.source,
        rhythm.beats.len(),
        rhythm.tempo.bpm(),
        rhythm.beats_per_bar,
        rhythm.confidence,
        rhythm.accents.len(),
    );
    monitor.progress(Stage::Rhythm, 1.0)?;
    Ok(rhythm)
}

/// The rhythms of the sources that the settings allow, at least one, the network's first; [`find`] takes one of them.
///
/// # Errors
/// As [`find`].
pub fn candidates(
    track: &PoseTrack,
    duration: Span,
    models: &mut BeatModels,
    settings: &RhythmSettings,
    monitor: &Monitor<'_>,
) -> Result<Vec<Candidate>> {
    monitor.progress(Stage::Rhythm, 0.0)?;
    if settings.source == BeatSource::Network && !models.has_network() {
        return Err(Error::ModelMissing {
            path: BeatModels::FILES[0].into(),
        });
    }
    let moved = Moved::new(track, duration);
    if moved.liveliness < LEAST_MOVEMENT && settings.tempo.is_none() {
        return Err(moved.no_beat());
    }
    monitor.progress(Stage::Rhythm, 0.1)?;
    let output = match settings.source {
        BeatSource::Motion => None,
        BeatSource::Auto | BeatSource::Network => models.hear(&features::of_motion(&moved.motion), monitor)?,
    };
    monitor.progress(Stage::Rhythm, 0.4)?;
    moved.candidates(output, models.calibration(), settings, monitor)
}

/// The candidate to take, and the others: the first, or a later one that is more confident by over [`LEAD`].
fn choose(mut candidates: Vec<Candidate>) -> (Candidate, Vec<Candidate>) {
    let best = (1..candidates.len()).fold(0, |best, i| {
        if candidates[i].rhythm.confidence > candidates[best].rhythm.confidence + LEAD {
            i
        } else {
            best
        }
    });
    (candidates.swap_remove(best), candidates)
}

/// What is known of a movement before any beat is.
struct Moved {
    motion: Motion,
    duration: Span,
    /// Median movement of the liveliest part, torso lengths a second.
    liveliness: f64,
    impact: Vec<f64>,
    movement: Vec<f64>,
    accents: Vec<Accent>,
}

impl Moved {
    fn new(track: &PoseTrack, duration: Span) -> Self {
        let motion = Motion::new(track, duration);
        let lively = motion.lively();
        let impact = impact::impact(&motion);
        let style = style::Style::new(&motion);
        Self {
            liveliness: motion.liveliness(&lively),
            accents: impact::accents(&motion, &impact, &style, &lively, duration),
            movement: motion.movement(),
            motion,
            duration,
            impact,
        }
    }

    fn no_beat(&self) -> Error {
        Error::NoBeat {
            movement: self.liveliness,
            least: LEAST_MOVEMENT,
        }
    }

    /// The rhythms of the sources that the settings allow; `output` is what the network hears, if it was asked.
    fn candidates(
        &self,
        output: Option<NetworkOutput>,
        calibration: &calibration::Calibration,
        settings: &RhythmSettings,
        monitor: &Monitor<'_>,
    ) -> Result<Vec<Candidate>> {
        let movement = curve(motion::RATE, &self.movement);
        let locks = lock::Locks::new(
            &movement,
            &hmm::intervals(settings.slowest, settings.fastest),
            hmm::RATE,
        );
        let grid = |heard: &Heard| decode::grid(heard, &locks, &self.impact, self.duration, settings, monitor);
        // Whether both sources agree is a sign for the network's confidence, wanted or not.
        let activation = activation::activation(&self.motion, &self.impact, &self.movement, self.duration);
        let by_motion = Heard::by_motion(activation);
        let motion_grid = grid(&by_motion)?;
        monitor.progress(Stage::Rhythm, 0.6)?;
        let mut found = Vec::new();
        if let Some(output) = output {
            let heard = Heard::by_network(output, &self.impact, &calibration.network.decoding, self.duration);
            let other = motion_grid.instants();
            let logistic = &calibration.network.confidence;
            found.extend(self.candidate(Source::Network, &heard, grid(&heard)?, Some(&other), logistic, settings));
        }
        if settings.source != BeatSource::Network {
            let logistic = &calibration.motion.confidence;
            found.extend(self.candidate(Source::Motion, &by_motion, motion_grid, None, logistic, settings));
        }
        if found.is_empty() {
            return Err(self.no_beat());
        }
        Ok(found)
    }

    /// The rhythm of a grid; `None` when it has fewer than two beats.
    fn candidate(
        &self,
        source: Source,
        heard: &Heard,
        grid: Grid,
        other: Option<&[Instant]>,
        logistic: &calibration::Logistic,
        settings: &RhythmSettings,
    ) -> Option<Candidate> {
        let instants = grid.instants();
        let tempo = settings
            .tempo
            .or_else(|| fit::tempo(&instants))
            .filter(|_| instants.len() >= 2)?;
        let movement = curve(motion::RATE, &self.movement);
        let liveliness = self.liveliness / LEAST_MOVEMENT;
        let overview = Overview {
            movement: &movement,
            liveliness,
            seen: signal::mean(&self.motion.seen()),
        };
        let evidence = Evidence {
            activation: &heard.activation,
            tempo: &heard.tempo,
            decoded: &grid.decoded,
            beats: &instants,
            found: tempo,
            other,
        };
        let signs = confidence::signs(&overview, &evidence);
        // A tempo that the user gave lets a still person through: there is nothing then to be confident of.
        let confidence = logistic.confidence(&signs) * liveliness.min(1.0) as f32;
        Some(Candidate {
            rhythm: Rhythm {
                beats: grid.beats,
                beats_per_bar: grid.beats_per_bar,
                tempo,
                confidence,
                accents: self.accents.clone(),
                movement,
                activation: curve(activation::ACTIVATION_RATE, &heard.activation),
                source,
            },
            signs,
        })
    }
}

fn curve(rate: Rate, values: &[f64]) -> Curve {
    Curve {
        rate,
        values: values.iter().map(|v| *v as f32).collect(),
    }
}

/// Greatest impact near each beat.
fn beat_weights(impact: &[f64], beats: &[Instant]) -> Vec<f64> {
    let reach = metrics::F_TOLERANCE;
    beats
        .iter()
        .map(|beat| {
            let bound = |t: Instant| (motion::RATE.position(t).round().max(0.0) as usize).min(impact.len());
            let (from, to) = (bound(*beat - reach), bound(*beat + reach));
            impact[from.min(to)..to].iter().copied().fold(0.0, f64::max)
        })
        .collect()
}
