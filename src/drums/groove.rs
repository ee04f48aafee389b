//! How similar a piece of drumming is to a style; distinguishes a groove from, say, a snare roll.

use super::hits::{CLASSES, DrumClass};
use serde::Deserialize;

/// Number of features.
const FEATURES: usize = 6;

/// Shares of the steps with a kick, a snare, a timekeeper (hats, ride) and a tom; share of the bars
/// with a kick on the downbeat; share of the second and last beats of the bars with a snare.
type Features = [f64; FEATURES];

/// Statistics of the features of a style's four-bar pieces in the training data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Groove {
    median: Features,
    /// Standard deviation, above 0.
    spread: Features,
}

impl Groove {
    /// Whether all numbers are valid.
    pub(super) fn is_valid(&self) -> bool {
        self.median.iter().all(|m| m.is_finite()) && self.spread.iter().all(|s| *s > 0.0)
    }

    /// Distance of a piece of whole bars from the style's median: the sum of the squared
    /// differences of its features, each in units of the style's spread. `hits` has one row per
    /// step.
    pub fn distance(&self, hits: &[[f32; CLASSES]], steps_per_bar: usize) -> f64 {
        let features = features(hits, steps_per_bar);
        (0..FEATURES)
            .map(|i| ((features[i] - self.median[i]) / self.spread[i]).powi(2))
            .sum()
    }
}

fn features(hits: &[[f32; CLASSES]], steps_per_bar: usize) -> Features {
    use DrumClass::{ClosedHat, HighTom, Kick, LowTom, MidTom, OpenHat, Ride, Snare};
    // Share of the steps selected by `place` (by their number in the bar) in which one of the
    // classes is hit.
    let share = |classes: &[DrumClass], place: &dyn Fn(usize) -> bool| {
        let chosen = hits.iter().enumerate().filter(|(step, _)| place(step % steps_per_bar));
        let (count, struck) = chosen.fold((0_u32, 0_u32), |(count, struck), (_, row)| {
            (
                count + 1,
                struck + u32::from(classes.iter().any(|class| row[*class as usize] > 0.0)),
            )
        });
        f64::from(struck) / f64::from(count.max(1))
    };
    let anywhere = |_: usize| true;
    [
        share(&[Kick], &anywhere),
        share(&[Snare], &anywhere),
        share(&[ClosedHat, OpenHat, Ride], &anywhere),
        share(&[LowTom, MidTom, HighTom], &anywhere),
        share(&[Kick], &|place| place == 0),
        share(&[Snare], &|place| place == 4 || place + 4 == steps_per_bar),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(rows: &[(usize, DrumClass)]) -> Vec<[f32; CLASSES]> {
        let mut hits = vec![[0.0; CLASSES]; 16];
        for (step, class) in rows {
            hits[*step][*class as usize] = 1.0;
        }
        hits
    }

    fn rock_bar() -> Vec<[f32; CLASSES]> {
        let mut rows: Vec<(usize, DrumClass)> = (0..16).step_by(2).map(|s| (s, DrumClass::ClosedHat)).collect();
        rows.extend([
            (0, DrumClass::Kick),
            (8, DrumClass::Kick),
            (4, DrumClass::Snare),
            (12, DrumClass::Snare),
        ]);
        bar(&rows)
    }

    #[test]
    fn features_are_shares() {
        assert_eq!(features(&rock_bar(), 16), [2.0 / 16.0, 2.0 / 16.0, 0.5, 0.0, 1.0, 1.0]);
        assert_eq!(features(&[], 16), [0.0; FEATURES]);
    }

    #[test]
    fn a_backbeat_is_nearer_to_rock_than_a_snare_roll() {
        let rock = Groove {
            median: [0.22, 0.2, 0.45, 0.05, 1.0, 0.88],
            spread: [0.1, 0.17, 0.21, 0.14, 0.41, 0.38],
        };
        let roll: Vec<(usize, DrumClass)> = (0..16).map(|s| (s, DrumClass::Snare)).collect();
        assert!(rock.distance(&rock_bar(), 16) < 3.0);
        assert!(rock.distance(&bar(&roll), 16) > 20.0);
    }
}
