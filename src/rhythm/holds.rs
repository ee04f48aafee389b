//! Where a body holds still, and where none is seen.

use super::curve::Curve;
use super::signal;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// A stretch of time in which the body holds still.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// When it comes to rest.
    pub from: Instant,
    /// When it moves again.
    pub to: Instant,
}

/// A body holds while its speed is below this share of the speed that it exceeds for [`FAST`] of
/// the time.
const STILL: f64 = 0.18;
const FAST: f64 = 0.05;

/// Shortest pause that a viewer notices.
const LEAST: Span = Span::from_seconds(0.7);

/// Who is lost for less than this is hidden by something; who is lost for longer is away.
const LEAST_AWAY: Span = Span::from_seconds(1.0);

/// Standard deviation of the smoothing, seconds: jitter must not break a pause in two.
const SMOOTHING: f64 = 0.030;

/// The holds of a movement. Where the person is not seen, the movement is exactly 0, which is not a
/// hold.
pub(super) fn holds(movement: &Curve) -> Vec<Hold> {
    let values: Vec<f64> = movement.values.iter().map(|v| f64::from(*v)).collect();
    let seen: Vec<f64> = values.iter().map(|v| f64::from(u8::from(*v > 0.0))).collect();
    let speed = signal::smooth_weighted(&values, &seen, movement.rate.count(Span::from_seconds(SMOOTHING)));
    let moving: Vec<f64> = speed
        .iter()
        .zip(&seen)
        .filter(|(_, s)| **s > 0.0)
        .map(|(v, _)| *v)
        .collect();
    let limit = STILL * signal::quantile(&moving, 1.0 - FAST);
    let still = |index: usize| seen[index] > 0.0 && speed[index] < limit;
    let least = movement.rate.count(LEAST);
    let mut found = Vec::new();
    let mut index = 0;
    while index < speed.len() {
        let from = index;
        while index < speed.len() && still(index) {
            index += 1;
        }
        if (index - from) as f64 >= least {
            found.push(Hold {
                from: movement.rate.instant(from),
                to: movement.rate.instant(index),
            });
        }
        index += 1;
    }
    found
}

/// Where the person is not seen: the movement is exactly 0 there.
pub(super) fn absences(movement: &Curve) -> Vec<Hold> {
    let least = movement.rate.count(LEAST_AWAY);
    let mut found = Vec::new();
    let mut from = 0;
    for run in movement.values.chunk_by(|a, b| (*a > 0.0) == (*b > 0.0)) {
        let to = from + run.len();
        if run.first().is_some_and(|value| *value <= 0.0) && run.len() as f64 >= least {
            found.push(Hold {
                from: movement.rate.instant(from),
                to: movement.rate.instant(to),
            });
        }
        from = to;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Rate;

    fn found(speed: impl Fn(f64) -> f32) -> Vec<(f64, f64)> {
        let curve = Curve {
            rate: Rate::from_hz(60.0),
            values: (0..600).map(|i| speed(f64::from(i) / 60.0)).collect(),
        };
        let holds = holds(&curve).into_iter();
        holds.map(|hold| (hold.from.seconds(), hold.to.seconds())).collect()
    }

    #[test]
    fn a_pause_is_found_where_it_is() {
        let holds = found(|t| if (3.0..4.5).contains(&t) { 1.0 } else { 20.0 });
        let [(from, to)] = holds[..] else {
            panic!("{holds:?}");
        };
        assert!((from - 3.0).abs() < 0.07 && (to - 4.5).abs() < 0.07, "{from} {to}");
    }

    #[test]
    fn moments_and_people_out_of_the_picture_are_not_holds() {
        assert_eq!(found(|t| if (3.0..3.6).contains(&t) { 1.0 } else { 20.0 }), []);
        assert_eq!(found(|t| if (3.0..6.0).contains(&t) { 0.0 } else { 20.0 }), []);
        assert_eq!(found(|_| 20.0), []);
        assert_eq!(found(|_| 0.0), []);
    }

    #[test]
    fn a_pause_may_last_to_the_end() {
        let holds = found(|t| if t >= 8.0 { 0.5 } else { 10.0 });
        assert_eq!(holds.len(), 1);
        assert_eq!(holds[0].1, 10.0);
    }

    #[test]
    fn who_is_not_seen_for_a_second_is_away() {
        let away = |speed: &dyn Fn(f64) -> f32| -> Vec<(f64, f64)> {
            let curve = Curve {
                rate: Rate::from_hz(60.0),
                values: (0..600).map(|i| speed(f64::from(i) / 60.0)).collect(),
            };
            let found = absences(&curve).into_iter();
            found.map(|hold| (hold.from.seconds(), hold.to.seconds())).collect()
        };
        let entered = away(&|t| if !(1.5..8.0).contains(&t) { 0.0 } else { 20.0 });
        assert_eq!(entered, [(0.0, 1.5), (8.0, 10.0)]);
        assert_eq!(away(&|t| if (3.0..3.9).contains(&t) { 0.0 } else { 20.0 }), []);
        assert_eq!(away(&|_| 0.1), []);
    }
}
