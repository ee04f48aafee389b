//! The signs by which a grid of beats can be trusted. Their weights are fitted (see
//! [`calibration`](super::calibration)).

use super::activation::ACTIVATION_RATE;
use super::curve::Curve;
use super::lock::{self, TempoWindow};
use super::{matching, signal};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Tempo};
use serde::{Deserialize, Serialize};

/// Scatter of the decoded beats about the fitted grid, as a share of a beat, at which nothing is
/// steady: instants without any beat would have 0.29.
const SCATTER: f64 = 0.15;

/// Beats of two bars: fewer are weak proof of anything.
const ENOUGH_BEATS: f64 = 8.0;

/// More beats than eight bars add no further proof.
const MOST_BEATS: f64 = 32.0;

/// Signs of a good grid of beats, each bounded; as weights, the log odds that each adds to the
/// confidence.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signs {
    /// How far the grid's lock to the movement stands out among all metronomes, in standard
    /// deviations, −3 to 8. Chance reaches 2 when the best of all metronomes is taken, the
    /// greatest of some forty independent ones.
    pub lock: f64,
    /// Mean log odds of the activation on the beats, minus the best value of the same grid a
    /// quarter, a half and three quarters of a beat later, −6 to 6.
    pub agreement: f64,
    /// How close the decoded beats lie to the grid fitted to them, 0 (no better than chance) to 1
    /// (on it).
    pub steadiness: f64,
    /// Mean activation on the beats, 0 to 1.
    pub on_beats: f64,
    /// Mean activation halfway between the beats, 0 to 1.
    pub between: f64,
    /// 1 − the entropy of the tempo's distribution as a share of the greatest possible: 0 where
    /// all tempi are equally likely. The distribution is the network's or, without a network, that
    /// of the metronomes' locks.
    pub tempo_certainty: f64,
    /// Log of how much more probable than usual the network considers the found tempo, −5 to 3; 0
    /// without a network.
    pub tempo_support: f64,
    /// F-measure between the network's beats and those by signal processing, 0 to 1; 0 for the
    /// latter, which are found without a network too.
    pub sources_agree: f64,
    /// Log of the number of beats over eight, −1.4 (two) to 1.4 (32 and more).
    pub length: f64,
    /// Log of the movement over the least that a beat needs, −3 to 3.
    pub movement: f64,
    /// Share of the clip in which the person is seen, 0 to 1.
    pub seen: f64,
}

impl Signs {
    /// Each sign with its name, in declaration order.
    pub fn values(&self) -> [(&'static str, f64); 11] {
        [
            ("lock", self.lock),
            ("agreement", self.agreement),
            ("steadiness", self.steadiness),
            ("on_beats", self.on_beats),
            ("between", self.between),
            ("tempo_certainty", self.tempo_certainty),
            ("tempo_support", self.tempo_support),
            ("sources_agree", self.sources_agree),
            ("length", self.length),
            ("movement", self.movement),
            ("seen", self.seen),
        ]
    }
}

/// Facts about the movement as a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Overview<'a> {
    pub movement: &'a Curve,
    /// Movement over the least that a beat needs.
    pub liveliness: f64,
    /// Share of the clip in which the person is seen.
    pub seen: f64,
}

/// The findings of one source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence<'a> {
    /// At [`ACTIVATION_RATE`].
    pub activation: &'a [f64],
    /// The network's tempo distributions; empty without a network.
    pub tempo: &'a [TempoWindow],
    /// Beats as decoded, before the grid was fitted.
    pub decoded: &'a [Instant],
    /// Beats of the grid.
    pub beats: &'a [Instant],
    /// The tempo found.
    pub found: Tempo,
    /// The beats of the other source.
    pub other: Option<&'a [Instant]>,
}

/// The signs of a grid; all 0 when it has fewer than two beats.
pub(crate) fn signs(overview: &Overview<'_>, evidence: &Evidence<'_>) -> Signs {
    let beats = evidence.beats;
    let Some(grid) = BeatGrid::new(beats.to_vec()) else {
        return Signs::default();
    };
    let standing = lock::standing(overview.movement, beats);
    let tempo = distribution(evidence.tempo);
    let off: Vec<f64> = evidence
        .decoded
        .iter()
        .map(|b| {
            let position = grid.beat_position(*b);
            (position - position.round()).abs()
        })
        .collect();
    let steadiness = if off.is_empty() {
        0.0
    } else {
        (1.0 - signal::median(&off) / (0.6745 * SCATTER)).clamp(0.0, 1.0)
    };
    Signs {
        lock: standing.score.clamp(-3.0, 8.0),
        agreement: agreement(evidence.activation, &grid).clamp(-6.0, 6.0),
        steadiness,
        on_beats: mean_at(evidence.activation, &grid, 0.0),
        between: mean_at(evidence.activation, &grid, 0.5),
        tempo_certainty: tempo.as_ref().map_or(standing.certainty, |p| signal::certainty(p)),
        tempo_support: tempo
            .as_ref()
            .map_or(0.0, |p| support(p, evidence.found).clamp(-5.0, 3.0)),
        sources_agree: evidence
            .other
            .map_or(0.0, |other| matching::f_measure(other, beats, matching::F_TOLERANCE)),
        length: ((beats.len() as f64).min(MOST_BEATS) / ENOUGH_BEATS).ln(),
        movement: overview.liveliness.max(1e-9).ln().clamp(-3.0, 3.0),
        seen: overview.seen,
    }
}

/// Mean of the activation on the grid moved `shift` beats later.
fn mean_at(activation: &[f64], grid: &BeatGrid, shift: f64) -> f64 {
    let at: Vec<f64> = (0..grid.beats().len() - 1)
        .map(|i| grid.instant((i as f64 + shift) * STEPS_PER_BEAT as f64))
        .map(|t| signal::at(activation, ACTIVATION_RATE.position(t)))
        .collect();
    signal::mean(&at)
}

/// Mean log odds of the activation on the beats, minus the best of the three shifted grids.
fn agreement(activation: &[f64], grid: &BeatGrid) -> f64 {
    let odds: Vec<f64> = activation
        .iter()
        .map(|a| {
            let a = a.clamp(1e-6, 1.0 - 1e-6);
            (a / (1.0 - a)).ln()
        })
        .collect();
    let others = [0.25, 0.5, 0.75].map(|shift| mean_at(&odds, grid, shift));
    mean_at(&odds, grid, 0.0) - others.into_iter().fold(f64::NEG_INFINITY, f64::max)
}

/// The mean of the windows' tempo distributions; `None` without windows.
fn distribution(windows: &[TempoWindow]) -> Option<Vec<f64>> {
    let bins = windows.first()?.logs.len();
    let sums = (0..bins).map(|k| {
        let probability = |w: &TempoWindow| w.logs.get(k).map_or(0.0, |log| log.exp());
        windows.iter().map(probability).sum::<f64>()
    });
    let sums: Vec<f64> = sums.collect();
    let total: f64 = sums.iter().sum();
    (total > 0.0).then(|| sums.iter().map(|s| s / total).collect())
}

/// Log of the probability of a tempo's bin and its two neighbours over that of three bins of
/// uniform probability: a tempo at a bin's edge is in both.
fn support(distribution: &[f64], tempo: Tempo) -> f64 {
    let nearest = lock::bin(tempo)
        .round()
        .clamp(0.0, distribution.len().saturating_sub(1) as f64) as usize;
    let (from, to) = (nearest.saturating_sub(1), (nearest + 2).min(distribution.len()));
    let near: f64 = distribution[from..to].iter().sum();
    (near.max(1e-9) * distribution.len() as f64 / (to - from) as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::super::activation::NEUTRAL;
    use super::super::lock::TEMPO_BINS;
    use super::*;
    use crate::time::{Rate, Span};

    #[test]
    fn the_signs_of_the_true_grid_are_better_than_those_of_one_beside_it() {
        let duration = Span::from_seconds(20.0);
        let tempo = Tempo::from_bpm(100.0);
        let truth = matching::metronome(tempo, Span::from_seconds(0.3), duration);
        let activation: Vec<f64> = (0..2001)
            .map(|i| {
                let time = ACTIVATION_RATE.instant(i);
                let apart = |b: &Instant| (*b - time).seconds().abs();
                if truth.iter().map(apart).fold(f64::INFINITY, f64::min) < 0.02 {
                    0.7
                } else {
                    NEUTRAL / 2.0
                }
            })
            .collect();
        let movement = Curve {
            rate: Rate::from_hz(60.0),
            values: (0..1201)
                .map(|i| 10.0 + 5.0 * (std::f32::consts::TAU * (i as f32 / 60.0 - 0.3) / 0.6).cos())
                .collect(),
        };
        let mut logs = vec![(0.2_f64 / (TEMPO_BINS - 1) as f64).ln(); TEMPO_BINS];
        logs[24] = 0.8_f64.ln(); // 100 beats a minute
        let window = TempoWindow {
            middle: Instant::from_seconds(10.0),
            logs,
        };
        let overview = Overview {
            movement: &movement,
            liveliness: 10.0,
            seen: 1.0,
        };
        let of = |beats: &[Instant], found: f64| {
            let evidence = Evidence {
                activation: &activation,
                tempo: std::slice::from_ref(&window),
                decoded: &truth,
                beats,
                found: Tempo::from_bpm(found),
                other: Some(&truth),
            };
            signs(&overview, &evidence)
        };
        let right = of(&truth, 100.0);
        assert!(
            right.lock > 2.0 && right.agreement > 2.0 && right.steadiness > 0.99,
            "{right:?}"
        );
        assert!(right.on_beats > 0.69 && right.between < 0.1, "{right:?}");
        assert!(right.tempo_certainty > 0.4 && right.tempo_support > 2.0, "{right:?}");
        assert_eq!((right.sources_agree, right.seen), (1.0, 1.0));
        let wrong = of(
            &matching::metronome(Tempo::from_bpm(131.0), Span::ZERO, duration),
            131.0,
        );
        assert!(
            wrong.lock < 1.0 && wrong.agreement < 1.0 && wrong.steadiness < 0.5,
            "{wrong:?}"
        );
        assert!(wrong.tempo_support < -1.0 && wrong.sources_agree < 0.5, "{wrong:?}");
        assert_eq!(of(&[], 100.0), Signs::default());
        // Every name occurs once.
        let names: std::collections::BTreeSet<&str> = right.values().map(|(name, _)| name).into();
        assert_eq!(names.len(), right.values().len());
    }
}
