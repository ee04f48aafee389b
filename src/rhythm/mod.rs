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
//! There are two sources of beats: a learned network, and signal processing on the movement. Each
//! gives an activation over time, which the same decoder reads; the network's is taken unless the
//! other is clearly more confident. `network` is the model part; the rest is plain code on numbers:
//! no model, no file, no thread.

mod accents;
mod activation;
pub mod alike;
mod bars;
mod beats;
#[cfg(test)]
mod beats_tests;
mod bind;
mod braking;
pub mod calibration;
pub mod compose;
pub mod confidence;
mod curve;
mod decode;
#[cfg(test)]
mod decoding_tests;
mod ends;
mod everybody;
pub mod features;
mod fingerprint;
mod fit;
mod hmm;
mod holds;
mod impact;
mod leaps;
mod lock;
mod matching;
#[cfg(feature = "internals")]
pub mod metrics;
mod motion;
mod network;
mod octave;
mod signal;
mod style;
mod windows;

pub use accents::{Accent, AccentKind, BodyPart, ImpactKind};
pub(crate) use beats::instants;
pub use beats::{Beat, Rhythm, Source, UnmovedBeats};
pub use curve::Curve;
pub use holds::Hold;
pub use motion::LEAST_MOVEMENT;
pub use network::BeatModels;

use crate::error::{Error, Result};
use crate::limits::LONGEST_BRIDGE;
use crate::marks::{BeatMark, Marks};
use crate::pose::PoseTrack;
use crate::progress::{Monitor, Stage};
use crate::settings::{BeatSource, RhythmSettings};
use crate::time::{Instant, Rate, Span, Tempo};
use confidence::{Evidence, Overview, Signs};
use decode::{BeatEvidence, Grid, NetworkOutput};
use motion::Motion;

/// By how much signal processing must be more confident than the network for its beats to be used.
/// With a smaller lead the network is still the better one: F 0.67 against 0.52 in those clips of
/// the calibration.
pub const LEAD: f32 = 0.1;

/// A rhythm as one source finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The rhythm.
    pub rhythm: Rhythm,
    /// The signs from which its confidence was computed.
    pub signs: Signs,
}

/// Finds the rhythm of a movement.
///
/// `duration` is the clip's length. With [`BeatSource::Auto`] the beats are the network's, or those
/// by signal processing if these are more confident by over [`LEAD`] or `models` hold no network.
/// With [`RhythmSettings::tempo`] the beats are the metronome of exactly that tempo whose phase
/// fits the movement best, however little the person moves; accents are found as usual.
///
/// # Errors
/// [`Error::NoBeat`] when the person moves too little, or when the clip is too short for two beats;
/// [`Error::PosesTooSparse`] when the poses are too far apart to measure that;
/// [`Error::ModelMissing`] with [`BeatSource::Network`] if `models` hold no network;
/// [`Error::Inference`]; [`Error::Cancelled`] when `monitor` requests it.
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

/// Like [`find`], for a clip in which a person has fixed beats, has the found beats halved or
/// doubled, or has removed or moved accents. `marks` are in the time of the clip.
///
/// The beats pass through those that are fixed; two of them are enough for a person who hardly
/// moves.
///
/// # Errors
/// Those of [`find`], and [`Error::Marks`] for a number that the bars of the settings do not have.
pub fn find_bound(
    track: &PoseTrack,
    duration: Span,
    models: &mut BeatModels,
    settings: &RhythmSettings,
    marks: &Marks,
    monitor: &Monitor<'_>,
) -> Result<Rhythm> {
    if let Some(bar) = settings.beats_per_bar
        && let Some((index, number)) = bind::beyond(&marks.beats, bar)
    {
        return Err(Error::Marks {
            path: "marks".into(),
            reason: format!(
                "fixed beat {} of the clip has the number {number}; expected 1 to {bar}, the beats in a bar that the \
                 setting beats.per_bar gives",
                index + 1
            ),
        });
    }
    let found = match (
        find(track, duration, models, settings, monitor),
        bind::span(&marks.beats),
    ) {
        (Err(Error::NoBeat { .. } | Error::PosesTooSparse { .. }), Some(span)) => {
            let settings = RhythmSettings {
                tempo: Some(Tempo::from_beat_span(span)),
                beats_per_bar: settings.beats_per_bar.or_else(|| bind::bar(&marks.beats)),
                ..settings.clone()
            };
            let found = find(track, duration, models, &settings, monitor)?;
            return Ok(of_fixed(found, marks, duration));
        }
        (found, _) => found?,
    };
    // Corrected only once, with its warnings.
    if bind::beyond(&marks.beats, found.beats_per_bar).is_none() {
        let corrected = bind::corrected(found, marks, duration);
        return Ok(bind::bound(corrected, &marks.beats, duration));
    }
    // The fixed beats ask for other bars than those that were found.
    let settings = RhythmSettings {
        beats_per_bar: bind::bar(&marks.beats),
        ..settings.clone()
    };
    let found = find(track, duration, models, &settings, monitor)?;
    Ok(of_fixed(found, marks, duration))
}

/// The rhythm that was found with the help of fixed beats, bound by them.
fn of_fixed(found: Rhythm, marks: &Marks, duration: Span) -> Rhythm {
    let mut rhythm = bind::bound(bind::corrected(found, marks, duration), &marks.beats, duration);
    // Without the fixed beats there is no such rhythm.
    rhythm.unmoved = None;
    rhythm
}

/// The rhythm that [`find_bound`] returns for marks that also fix these beats, from the one that it
/// returns without them. `None` if the fixed beats have numbers that its bars do not have.
pub fn rebound(rhythm: &Rhythm, fixed: &[BeatMark], duration: Span) -> Option<Rhythm> {
    let fits = bind::beyond(fixed, rhythm.beats_per_bar).is_none();
    fits.then(|| bind::bound(rhythm.clone(), fixed, duration))
}

/// The rhythms of the sources that the settings allow, at least one, the network's first; [`find`]
/// takes one of them.
///
/// # Errors
/// Those of [`find`].
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

/// The candidate to use, and the others: the first, or a later one that is more confident by over
/// [`LEAD`].
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

/// Median time between the poses of a track; 0 for fewer than two.
fn interval(track: &PoseTrack) -> Span {
    let mut times: Vec<Span> = track.poses.windows(2).map(|pair| pair[1].time - pair[0].time).collect();
    times.sort_by(|a, b| a.seconds().total_cmp(&b.seconds()));
    times.get(times.len() / 2).copied().unwrap_or(Span::ZERO)
}

/// Properties of a movement that are known before its beats.
struct Moved {
    motion: Motion,
    duration: Span,
    /// Median movement of the liveliest part, torso lengths a second.
    liveliness: f64,
    /// Median time between poses.
    interval: Span,
    impact: Vec<f64>,
    movement: Vec<f64>,
    accents: Vec<Accent>,
    /// Where the video is cut.
    cuts: Vec<Instant>,
}

impl Moved {
    fn new(track: &PoseTrack, duration: Span) -> Self {
        let motion = Motion::new(track, duration);
        let lively = motion.lively();
        let impact = impact::impact(&motion);
        let accents = |motion: &Motion, impact: &[f64], lively: &[f64]| {
            impact::accents(motion, impact, &style::Style::new(motion), lively, duration)
        };
        let of_other = |other: &PoseTrack| {
            let motion = Motion::new(other, duration);
            accents(&motion, &impact::impact(&motion), &motion.lively())
        };
        let others: Vec<Vec<Accent>> = track.others.iter().map(of_other).collect();
        Self {
            liveliness: motion.liveliness(&lively),
            interval: interval(track),
            accents: everybody::together(accents(&motion, &impact, &lively), &others),
            movement: motion.movement(),
            cuts: track.cuts.clone(),
            motion,
            duration,
            impact,
        }
    }

    fn no_beat(&self) -> Error {
        if self.interval > LONGEST_BRIDGE {
            return Error::PosesTooSparse {
                interval: self.interval.seconds(),
                most: LONGEST_BRIDGE.seconds(),
            };
        }
        Error::NoBeat {
            movement: self.liveliness,
            least: LEAST_MOVEMENT,
        }
    }

    /// The rhythms of the sources that the settings allow; `output` is the network's, if it was
    /// run.
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
        let density = octave::density(&self.accents, &holds::holds(&movement), self.duration);
        let grid = |heard: &BeatEvidence| {
            let grid = decode::grid(heard, &locks, &self.impact, self.duration, settings, monitor)?;
            let found = fit::tempo(&grid.instants());
            let other = found
                .zip(density)
                .and_then(|(found, density)| octave::other(found, density, settings));
            let Some(other) = other else {
                return Ok(grid);
            };
            let intervals = hmm::intervals(other.slowest, other.fastest);
            let locks = lock::Locks::new(&movement, &intervals, hmm::RATE);
            decode::grid(heard, &locks, &self.impact, self.duration, &other, monitor)
        };
        // Whether both sources agree is a sign for the network's confidence, whether or not signal
        // processing is wanted.
        let activation = activation::activation(&self.motion, &self.impact, &self.movement, self.duration);
        let by_motion = BeatEvidence::by_motion(activation);
        let motion_grid = grid(&by_motion)?;
        monitor.progress(Stage::Rhythm, 0.6)?;
        let mut found = Vec::new();
        if let Some(output) = output {
            let heard = BeatEvidence::by_network(output, &self.impact, &calibration.network.decoding, self.duration);
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
        heard: &BeatEvidence,
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
        // A tempo that the user gave is accepted even for a still person: there is then nothing to
        // be confident of.
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
                cuts: self.cuts.clone(),
                unmoved: None,
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
