//! Reads times from files: any number is accepted by the parser, and checked before it becomes a
//! time.

use super::{Instant, Rate, Span, Tempo};
use crate::shown;

/// A finite number: infinities and NaN are not times.
fn finite(value: f64, what: &str) -> Result<f64, String> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(format!(
        "{what} of {} s; it must be a finite number",
        shown::number(value)
    ))
}

/// A number of events in a time: must be above zero and finite, and so must its period.
fn countable(value: f64, what: &str, unit: &str) -> Result<f64, String> {
    // The period must be finite as well, which it is not for the smallest numbers.
    if value > 0.0 && value.is_finite() && value.recip().is_finite() {
        return Ok(value);
    }
    Err(format!(
        "{what} of {} {unit}; it must be above 0 and finite",
        shown::number(value)
    ))
}

impl TryFrom<f64> for Instant {
    type Error = String;
    fn try_from(seconds: f64) -> Result<Self, String> {
        finite(seconds, "a time").map(Self)
    }
}

impl TryFrom<f64> for Span {
    type Error = String;
    fn try_from(seconds: f64) -> Result<Self, String> {
        finite(seconds, "a length").map(Self)
    }
}

impl TryFrom<f64> for Rate {
    type Error = String;
    fn try_from(hz: f64) -> Result<Self, String> {
        countable(hz, "a rate", "Hz").map(Self)
    }
}

impl TryFrom<f64> for Tempo {
    type Error = String;
    fn try_from(bpm: f64) -> Result<Self, String> {
        countable(bpm, "a tempo", "beats a minute").map(Self)
    }
}

impl From<Instant> for f64 {
    fn from(instant: Instant) -> Self {
        instant.0
    }
}

impl From<Span> for f64 {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

impl From<Tempo> for f64 {
    fn from(tempo: Tempo) -> Self {
        tempo.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{TempoMap, Tick};

    #[test]
    fn only_times_are_read_as_times() {
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(
                Instant::try_from(wrong).is_err_and(|e| e.contains("a time of")),
                "{wrong}"
            );
            assert!(Span::try_from(wrong).is_err_and(|e| e.contains("finite")), "{wrong}");
        }
        for wrong in [0.0, -0.0, -1.0, 1e-320, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let met = format!("of {} ", shown::number(wrong));
            assert!(Rate::try_from(wrong).is_err_and(|e| e.contains(&met)), "{wrong}");
            assert!(Tempo::try_from(wrong).is_err_and(|e| e.contains(&met)), "{wrong}");
        }
        for text in ["0", "-60", "1e-320", "null", "\"60\""] {
            assert!(serde_json::from_str::<Rate>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<Tempo>(text).is_err(), "{text}");
        }
        let rate: Rate = serde_json::from_str("59.94").expect("a rate");
        assert_eq!(serde_json::to_string(&rate).expect("text"), "59.94");
        let before: Instant = serde_json::from_str("-0.5").expect("a time before the clip");
        assert_eq!(
            (before.seconds(), serde_json::to_string(&before).expect("text")),
            (-0.5, "-0.5".to_owned())
        );
    }

    #[test]
    fn a_tempo_map_that_does_not_rise_is_not_read() {
        let read = |points: &str| serde_json::from_str::<TempoMap>(&format!("{{\"points\":[{points}]}}"));
        let point = |tick: u32, time: f64| format!("{{\"tick\":{tick},\"time\":{time}}}");
        let map = read(&[point(0, 0.0), point(480, 0.5)].join(",")).expect("a map");
        assert_eq!(map.instant(Tick(240)).seconds(), 0.25);
        let text = serde_json::to_string(&map).expect("text");
        assert_eq!(serde_json::from_str::<TempoMap>(&text).expect("the same"), map);
        for (points, reported) in [
            (vec![], "points has 0 items"),
            (vec![point(0, 0.0)], "points has 1 items"),
            (vec![point(1, 0.0), point(2, 0.5)], "points[0].tick is 1"),
            (
                vec![point(0, 0.0), point(480, 0.5), point(480, 1.0)],
                "points[2].tick is 480",
            ),
            (vec![point(0, 0.5), point(480, 0.25)], "points[1].time is 0.25 s"),
        ] {
            let error = read(&points.join(",")).expect_err(reported).to_string();
            assert!(error.contains(reported), "{reported}: {error}");
        }
    }
}
