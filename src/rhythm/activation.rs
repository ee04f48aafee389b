//! Beat activation from the movement by signal processing (`beats.source = motion`): the baseline
//! for the learned one.
//!
//! Three signs of a beat are added, each divided by its own local mean, so that a calm passage
//! counts as much as a wild one: decelerations of limbs and trunk (50 %), the trunk caught at the
//! low point of a bounce (30 %), and moments at which the whole body is slower than just before and
//! after (20 %). The style is left out: it marks where movement *begins*, half a beat away from
//! where it stops, and would fill the valleys between the beats.
//!
//! The sum is mapped to a probability such that a sum at its mean is neutral: the decoder's odds
//! 15·a/(1 − a) are 1 there.

use super::hmm;
use super::motion::{Motion, RATE};
use super::signal;
use crate::time::{Rate, Span};

/// Rate of the activation.
pub(crate) const ACTIVATION_RATE: Rate = hmm::RATE;

/// Weights of decelerations, bounce and stops.
const WEIGHTS: [f64; 3] = [0.5, 0.3, 0.2];

/// Standard deviation in seconds of the local mean that each sign is divided by.
const AROUND: f64 = 3.0;

/// Standard deviation in seconds of the mean that a stop is compared with: a quarter of a beat at
/// 60 a minute.
const STOP: f64 = 0.25;

/// Log odds that a doubled sum adds, over ln 2. Successive frames repeat each other (the
/// differentiator spans 0.1 s and a beat's states some 0.03 s), so each may contribute only its
/// share.
const EVIDENCE: f64 = 0.4;

/// Added to the sum so that the log of a valley is bounded.
const FLOOR: f64 = 0.15;

/// Share of the decoder's states that are beat states: the probability at which an activation is
/// neutral.
pub(crate) const NEUTRAL: f64 = 1.0 / 16.0;

/// The activation (0 to 1) at [`ACTIVATION_RATE`] over a clip of `duration`. Neutral where the
/// person is not seen.
pub(crate) fn activation(motion: &Motion, impact: &[f64], movement: &[f64], duration: Span) -> Vec<f64> {
    let seen = motion.seen();
    let stops = {
        let around = signal::smooth_weighted(movement, &seen, RATE.count(Span::from_seconds(STOP)));
        let lower = |(m, a): (&f64, &f64)| (a - m).max(0.0);
        movement.iter().zip(&around).map(lower).collect::<Vec<_>>()
    };
    let signs = [impact.to_vec(), bounce(motion), stops];
    let mut sum = vec![0.0; motion.len()];
    for (sign, weight) in signs.iter().zip(WEIGHTS) {
        let around = signal::smooth_weighted(sign, &seen, RATE.count(Span::from_seconds(AROUND)));
        let least = 0.25 * signal::mean(sign);
        for (i, total) in sum.iter_mut().enumerate() {
            let mean = around[i] + least;
            if mean > 1e-9 {
                *total += weight * sign[i] * 1.25 / mean;
            }
        }
    }
    let evidence: Vec<f64> = signal::smooth(&sum, 1.0)
        .iter()
        .zip(&seen)
        .map(|(s, seen)| seen * EVIDENCE * ((s + FLOOR) / (1.0 + FLOOR)).ln())
        .collect();
    let neutral = (NEUTRAL / (1.0 - NEUTRAL)).ln();
    let frames = ACTIVATION_RATE.count(duration).floor().max(0.0) as usize + 1;
    (0..frames)
        .map(|i| {
            let odds = neutral + signal::at(&evidence, RATE.position(ACTIVATION_RATE.instant(i)));
            1.0 / (1.0 + (-odds).exp())
        })
        .collect()
}

/// Upward acceleration of the trunk: highest where a bounce is caught at its low point.
fn bounce(motion: &Motion) -> Vec<f64> {
    let (trunk, seen) = motion.trunk();
    (0..motion.len())
        .map(|i| {
            let whole = i > 0
                && i + 1 < motion.len()
                && seen[i - 1] * seen[i + 1] > 0.0
                && motion.shot[i - 1] == motion.shot[i + 1];
            if whole {
                RATE.per_second((trunk[i - 1][1] - trunk[i + 1][1]) / 2.0).max(0.0)
            } else {
                0.0
            }
        })
        .collect()
}
