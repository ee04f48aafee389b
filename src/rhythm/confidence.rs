//! How far beats and tempo can be trusted.

use super::Curve;
use super::activation::ACTIVATION_RATE;
use super::{lock, signal};
use crate::time::{BeatGrid, Instant};

/// Standard score of the lock that chance reaches when the best of all metronomes is taken (the greatest of some forty
/// independent ones), and the score at which there is no doubt.
const LOCK_SCORE: (f64, f64) = (2.0, 5.0);

/// Scatter of the decoded beats about the fitted grid, as a share of a beat, at which nothing is steady: that of instants
/// with no beat in them would be 0.29.
const SCATTER: f64 = 0.15;

/// Fewer beats than two bars are weak proof of anything.
const ENOUGH_BEATS: f64 = 8.0;

/// Confidence from three signs: how far the grid's lock stands out among all metronomes' (half), how much more the activation
/// has to say on the beats than on the same grid a quarter, a half and three quarters of a beat later (three tenths), and
/// how close the decoded beats lie to the grid fitted to them (two tenths). Lower for clips of under eight beats.
pub(crate) fn confidence(movement: &Curve, activation: &[f64], decoded: &[Instant], beats: &[Instant]) -> f32 {
    let Some(grid) = BeatGrid::new(beats.to_vec()) else {
        return 0.0;
    };
    let (low, high) = LOCK_SCORE;
    let lock = ((lock::score(movement, beats) - low) / (high - low)).clamp(0.0, 1.0);
    let agreement = (agreement(activation, &grid) / 2.0).clamp(0.0, 1.0);
    let off: Vec<f64> = decoded
        .iter()
        .map(|b| {
            let position = grid.beat_position(*b);
            (position - position.round()).abs()
        })
        .collect();
    let steady = if off.is_empty() {
        0.0
    } else {
        (1.0 - signal::median(&off) / (0.6745 * SCATTER)).clamp(0.0, 1.0)
    };
    let length = (beats.len() as f64 / ENOUGH_BEATS).min(1.0);
    (length * (0.5 * lock + 0.3 * agreement + 0.2 * steady)) as f32
}

/// Mean log odds of the activation on the beats less the best of the three shifted grids.
fn agreement(activation: &[f64], grid: &BeatGrid) -> f64 {
    let odds: Vec<f64> = activation
        .iter()
        .map(|a| {
            let a = a.clamp(1e-6, 1.0 - 1e-6);
            (a / (1.0 - a)).ln()
        })
        .collect();
    let mean_at = |shift: f64| {
        let at: Vec<f64> = (0..grid.beats().len() - 1)
            .map(|i| grid.instant((i as f64 + shift) * crate::time::STEPS_PER_BEAT as f64))
            .map(|t| signal::at(&odds, ACTIVATION_RATE.position(t)))
            .collect();
        signal::mean(&at)
    };
    let others = [0.25, 0.5, 0.75].map(mean_at);
    mean_at(0.0) - others.into_iter().fold(f64::NEG_INFINITY, f64::max)
}
