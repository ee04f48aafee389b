//! How sharply the body as a whole is braked over time.
//!
//! Accents are the moments that stand out; between them a body is braked too, more in some places
//! than in others, and a viewer hears whether a groove knows of that.

use super::curve::Curve;
use super::signal;
use crate::time::Span;

/// Standard deviation of the smoothing: the width of the moment that an eye and an ear join.
const SMOOTHING: Span = Span::from_seconds(0.030);

/// Share of the time in which the body is braked harder than the curve's 1.
const HARD: f64 = 0.05;

/// Loss of speed relative to that which is exceeded for [`HARD`] of the time, 0 to 1, at the rate
/// of the movement. `None` for a body that is braked for less of the time than that: it has no
/// usual to compare with.
pub(super) fn braking(movement: &Curve) -> Option<Curve> {
    let speed: Vec<f64> = movement.values.iter().map(|v| f64::from(*v)).collect();
    let speed = signal::smooth(&speed, movement.rate.count(SMOOTHING));
    let last = speed.len().saturating_sub(1);
    let loss: Vec<f64> = (0..speed.len())
        .map(|i| (speed[i.saturating_sub(1)] - speed[(i + 1).min(last)]).max(0.0))
        .collect();
    let hard = signal::quantile(&loss, 1.0 - HARD);
    (hard > 0.0).then(|| Curve {
        rate: movement.rate,
        values: loss.into_iter().map(|loss| (loss / hard).min(1.0) as f32).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Rate;

    fn braked(speed: impl Fn(f64) -> f64) -> Option<Curve> {
        braking(&Curve {
            rate: Rate::from_hz(60.0),
            values: (0..600).map(|i| speed(f64::from(i) / 60.0) as f32).collect(),
        })
    }

    #[test]
    fn a_body_is_braked_where_it_loses_speed_and_in_proportion() {
        // In each second it is faster and faster, then slower and slower; from 5 s on by half.
        let found = braked(|t| {
            let swing = 1.0 - (2.0 * (t % 1.0) - 1.0).abs();
            20.0 + 10.0 * swing * if t < 5.0 { 1.0 } else { 0.5 }
        });
        let found = found.expect("it is braked");
        let at = |seconds: f64| found.values[(60.0 * seconds) as usize];
        assert_eq!(at(2.25), 0.0);
        assert!((at(2.75) - 1.0).abs() < 0.01, "{}", at(2.75));
        assert!((at(7.75) - 0.5).abs() < 0.01, "{}", at(7.75));
    }

    #[test]
    fn who_moves_evenly_and_stops_once_has_no_usual_braking() {
        assert_eq!(braked(|_| 0.0), None);
        assert_eq!(braked(|_| 12.0), None);
        assert_eq!(braked(|t| if t < 6.0 { 12.0 } else { 1.0 }), None);
        assert_eq!(
            braking(&Curve {
                rate: Rate::from_hz(60.0),
                values: vec![]
            }),
            None
        );
    }
}
