//! From the evidence of a source to numbered beats: decoder, fit and bars together.

use super::activation::ACTIVATION_RATE;
use super::beats::{self, Beat};
use super::calibration::Decoding;
use super::hmm::{self, Observations};
use super::lock::{self, Locks, TempoPrior, TempoWeights, TempoWindow};
use super::windows;
use super::{bars, fit, matching, motion, signal};
use crate::error::Result;
use crate::progress::Monitor;
use crate::settings::RhythmSettings;
use crate::time::{Instant, Span};

/// The network's output for a clip, at the network's rate.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct NetworkOutput {
    /// Probability of a beat in each frame.
    pub beat: Vec<f64>,
    /// Probability of a downbeat in each frame.
    pub downbeat: Vec<f64>,
    /// The tempo distribution of each window.
    pub tempo: Vec<TempoWindow>,
}

/// The evidence of a source, ready for the decoder.
#[derive(Debug, Clone)]
pub(crate) struct BeatEvidence {
    /// Probability of a beat at [`ACTIVATION_RATE`].
    pub activation: Vec<f64>,
    /// Probability that a beat is a downbeat, at that rate; `None`: the bars follow from the
    /// impacts on the beats.
    share: Option<Vec<f64>>,
    /// The network's estimates of the tempo; empty without a network.
    pub tempo: Vec<TempoWindow>,
    /// Weight of the log observation of a frame.
    observation: f64,
    weights: TempoWeights,
    /// Log odds of three beats a bar against four.
    three: f64,
}

impl BeatEvidence {
    /// Evidence by signal processing: `activation` is made such that each frame has full weight.
    pub fn by_motion(activation: Vec<f64>) -> Self {
        Self {
            activation,
            share: None,
            tempo: Vec::new(),
            observation: 1.0,
            weights: TempoWeights {
                lock: lock::TRUST,
                network: 0.0,
                preference: lock::PREFERENCE,
            },
            three: 0.0,
        }
    }

    /// Evidence of the network. `impact` is the impact of the movement, at the movement's rate.
    pub fn by_network(output: NetworkOutput, impact: &[f64], decoding: &Decoding, duration: Span) -> Self {
        let activation = windows::resampled(&output.beat, duration);
        let downbeat = windows::resampled(&output.downbeat, duration);
        let share = bars::shares(&activation, &downbeat, decoding.downbeat, impact, decoding.impact);
        Self {
            activation,
            share: Some(share),
            tempo: output.tempo,
            observation: decoding.observation,
            weights: decoding.tempo(),
            three: decoding.three,
        }
    }

    fn observations(&self) -> Observations<'_> {
        Observations {
            beat: &self.activation,
            downbeat: self.share.as_deref(),
            weight: self.observation,
        }
    }
}

/// Beats in bars.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grid {
    /// The beats as decoded, before they were fitted to a smooth line; empty when the tempo was
    /// given.
    pub decoded: Vec<Instant>,
    /// The beats, within the clip.
    pub beats: Vec<Beat>,
    /// Beats in a bar.
    pub beats_per_bar: u8,
}

impl Grid {
    /// The times of the beats.
    pub fn instants(&self) -> Vec<Instant> {
        beats::instants(&self.beats)
    }
}

/// The beats that fit the evidence; none where the clip is too short. `locks` are those of the
/// movement over the decoder's intervals; `impact` is also the movement's.
pub(crate) fn grid(
    heard: &BeatEvidence,
    locks: &Locks,
    impact: &[f64],
    duration: Span,
    settings: &RhythmSettings,
    monitor: &Monitor<'_>,
) -> Result<Grid> {
    let wanted = settings.beats_per_bar;
    if let Some(tempo) = settings.tempo {
        let beats = fit::metronome(&heard.activation, tempo, duration);
        let (beats, beats_per_bar) = match &heard.share {
            Some(share) => {
                let at = |b: &Instant| signal::at(share, ACTIVATION_RATE.position(*b));
                bars::likeliest(&beats, &beats.iter().map(at).collect::<Vec<_>>(), wanted, heard.three)
            }
            None => bars::number(&beats, &beat_weights(impact, &beats), wanted),
        };
        // Nothing was decoded, so there are no distances to the grid.
        return Ok(Grid {
            decoded: Vec::new(),
            beats,
            beats_per_bar,
        });
    }
    let intervals = hmm::intervals(settings.slowest, settings.fastest);
    let prior = TempoPrior::new(locks, &heard.tempo, heard.weights, &intervals, hmm::RATE);
    let observations = heard.observations();
    let decode = |bar: u8| hmm::decode(&observations, &intervals, bar, &prior, monitor);
    let (path, bar) = match (&heard.share, wanted) {
        (None, _) => (decode(1)?, None),
        (Some(_), Some(bar)) => (decode(bar)?, Some(bar)),
        (Some(_), None) => {
            let (three, four) = (decode(3)?, decode(4)?);
            if three.score + heard.three > four.score {
                (three, Some(3))
            } else {
                (four, Some(4))
            }
        }
    };
    let decoded: Vec<Instant> = path.beats.iter().map(|b| hmm::RATE.instant_at(b.position)).collect();
    let fitted = fit::grid(&decoded, &heard.activation);
    let covered = fit::cover(&fitted, duration);
    let (beats, beats_per_bar) = match bar {
        Some(bar) => (
            bars::numbered(&covered, bar, first_downbeat(&path.beats, &fitted, &covered)),
            bar,
        ),
        None => bars::number(&covered, &beat_weights(impact, &covered), wanted),
    };
    Ok(Grid {
        decoded,
        beats,
        beats_per_bar,
    })
}

/// Index, among the beats that cover the clip, of one that the decoder numbered 1; 0 when there is
/// none. `fitted` are the decoded beats moved to a smooth line, and `covered` are those with the
/// beats added before and after.
fn first_downbeat(decoded: &[hmm::DecodedBeat], fitted: &[Instant], covered: &[Instant]) -> usize {
    decoded
        .iter()
        .zip(fitted)
        .filter(|(beat, _)| beat.number == 1)
        .find_map(|(_, time)| covered.iter().position(|c| c == time))
        .unwrap_or(0)
}

/// Greatest impact near each beat.
pub(super) fn beat_weights(impact: &[f64], beats: &[Instant]) -> Vec<f64> {
    let reach = matching::F_TOLERANCE;
    beats
        .iter()
        .map(|beat| {
            let bound = |t: Instant| (motion::RATE.position(t).round().max(0.0) as usize).min(impact.len());
            let (from, to) = (bound(*beat - reach), bound(*beat + reach));
            impact[from.min(to)..to].iter().copied().fold(0.0, f64::max)
        })
        .collect()
}
