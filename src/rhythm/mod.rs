//! Poses to rhythm: beats, downbeats, tempo and accents (Video2Rhythm).
//!
//! ```text
//! PoseTrack ─► motion ─┬► impact ─┬► accents
//!                      ├► style ──┘
//!                      ├► lock (tempo prior) ─┐
//!                      └► activation ─────────┴► hmm ─► fit ─► bars ─► Rhythm ─► compose ─► steps
//! ```
//!
//! Plain code on numbers: no model, no file, no thread.

mod activation;
mod bars;
pub mod compose;
mod confidence;
#[cfg(test)]
mod decoding_tests;
pub mod features;
mod fit;
mod hmm;
mod impact;
mod lock;
pub mod metrics;
mod motion;
mod signal;
mod style;

pub use compose::{Composition, StepRhythm, compose};

use crate::error::{Error, Result};
use crate::pose::PoseTrack;
use crate::progress::{Monitor, Stage};
use crate::settings::{BeatSource, RhythmSettings};
use crate::time::{BeatGrid, Instant, Rate, Span, Tempo};
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
        let position = (instant.seconds() * self.rate.hz()).clamp(0.0, last as f64);
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
}

/// Movement under which there is no beat: median speed, torso lengths a second summed over the 17 joints, smoothed
/// (see [`Error::NoBeat`]). What a pose detector's jitter makes of a person who stands still is under 1.
pub const LEAST_MOVEMENT: f64 = 1.5;

/// Finds the rhythm of a movement.
///
/// `duration` is the clip's length. With [`RhythmSettings::tempo`] the beats are the metronome of exactly that tempo whose
/// phase fits the movement best, however little the person moves; accents are found as always.
///
/// # Errors
/// [`Error::NoBeat`] when the person moves too little, or when the clip is too short for two beats;
/// [`Error::Cancelled`] when `monitor` says so.
pub fn find(track: &PoseTrack, duration: Span, settings: &RhythmSettings, monitor: &Monitor<'_>) -> Result<Rhythm> {
    monitor.progress(Stage::Rhythm, 0.0)?;
    let motion = Motion::new(track, duration);
    monitor.progress(Stage::Rhythm, 0.1)?;
    let lively = motion.lively();
    let liveliness = motion.liveliness(&lively);
    let no_beat = Error::NoBeat {
        movement: liveliness,
        least: LEAST_MOVEMENT,
    };
    if liveliness < LEAST_MOVEMENT && settings.tempo.is_none() {
        return Err(no_beat);
    }
    let values = motion.movement();
    let impact = impact::impact(&motion);
    let style = style::Style::new(&motion);
    let accents = impact::accents(&impact, &style, &lively, duration);
    let BeatSource::Motion = settings.source;
    let activation = activation::activation(&motion, &impact, &values, duration);
    let movement = curve(motion::RATE, &values);
    monitor.progress(Stage::Rhythm, 0.2)?;

    let (decoded, beats) = match settings.tempo {
        Some(tempo) => {
            // Nothing was decoded that could lie close to the grid or far from it.
            (Vec::new(), fit::metronome(&activation, tempo, duration))
        }
        None => {
            let intervals = hmm::intervals(settings.slowest, settings.fastest);
            let prior = lock::TempoPrior::new(&movement, &intervals, hmm::RATE);
            monitor.progress(Stage::Rhythm, 0.3)?;
            let decoded: Vec<Instant> = hmm::decode(&activation, &intervals, &prior, monitor)?
                .iter()
                .map(|b| hmm::RATE.instant_at(b.position))
                .collect();
            let beats = fit::cover(&fit::grid(&decoded, &activation), duration);
            (decoded, beats)
        }
    };
    let Some(tempo) = settings
        .tempo
        .or_else(|| fit::tempo(&beats))
        .filter(|_| beats.len() >= 2)
    else {
        return Err(no_beat);
    };
    let weights = beat_weights(&impact, &beats);
    let (numbered, beats_per_bar) = bars::number(&beats, &weights, settings.beats_per_bar);
    let mut confidence = confidence::confidence(&movement, &activation, &decoded, &beats);
    if liveliness < LEAST_MOVEMENT {
        confidence *= (liveliness / LEAST_MOVEMENT) as f32;
    }
    log::debug!(
        "rhythm: {} beats, {:.2} BPM, {beats_per_bar} in a bar, confidence {confidence:.2}, {} accents, movement {liveliness:.1}",
        beats.len(),
        tempo.bpm(),
        accents.len(),
    );
    monitor.progress(Stage::Rhythm, 1.0)?;
    Ok(Rhythm {
        beats: numbered,
        beats_per_bar,
        tempo,
        confidence,
        accents,
        movement,
        activation: curve(activation::ACTIVATION_RATE, &activation),
    })
}

/// How hard the body is stopped over time (weighted torso lengths a second per second): what [`metrics::impact_phase`] reads.
pub fn impact_curve(track: &PoseTrack, duration: Span) -> Curve {
    curve(motion::RATE, &impact::impact(&Motion::new(track, duration)))
}

/// The single metronome within the settings' tempo range that a movement ([`Rhythm::movement`]) goes with best, whatever its
/// phase: the lock search. `None` without movement.
pub fn locked_tempo(movement: &Curve, settings: &RhythmSettings) -> Option<Tempo> {
    lock::search(movement, settings.slowest, settings.fastest)
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
