//! Selects frames of a video that has a higher frame rate than needed.

use crate::time::{Instant, Rate, Span};

/// How early a frame may come, as a share of a period, and how far the due time follows a frame
/// that is early or late, as a share of the difference. The first is not a ratio of any two frame
/// rates, so that rounding never decides.
const EARLY: f64 = 0.24;
const FOLLOW: f64 = 1.0 / 16.0;

/// Lets at most a given rate through, as evenly as the timestamps allow.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    period: Span,
    due: Option<Instant>,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            period: rate.period(),
            due: None,
        }
    }

    /// Whether to keep the frame at this instant. Instants must be ascending.
    ///
    /// A frame is due one period after the previous one was *due*, not after it came, so that the
    /// jitter of timestamps does not accumulate. Up to about a quarter of a period early is in
    /// time: 30 frames a second at a rate of 30 are all kept, even if a file rounds their times to
    /// milliseconds.
    ///
    /// The due time slowly follows the frames, so that of 59.94 frames a second every second one is
    /// kept, and of 30.1 every one: the rate is kept to within 1.5 %.
    pub(super) fn keep(&mut self, time: Instant) -> bool {
        let due = self.due.unwrap_or(time);
        if time + self.period * EARLY < due {
            return false;
        }
        let late = time - due;
        // After a gap the count starts again: missing frames are not made up for.
        let counted = if late > self.period { time } else { due + late * FOLLOW };
        self.due = Some(counted + self.period);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(rate: f64, times: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut pace = Pace::new(Rate::from_hz(rate));
        times.filter(|t| pace.keep(Instant::from_seconds(*t))).collect()
    }

    fn every(fps: f64) -> impl Iterator<Item = f64> {
        (0..(10.0 * fps) as usize).map(move |i| i as f64 / fps)
    }

    #[test]
    fn a_video_at_the_rate_or_below_keeps_every_frame() {
        for fps in [10.0, 24.0, 25.0, 29.97, 30.0, 30.1] {
            assert_eq!(kept(30.0, every(fps)).len(), (10.0 * fps) as usize, "{fps}");
        }
        let milliseconds = every(30.0).map(|t| (t * 1000.0).round() / 1000.0);
        assert_eq!(kept(30.0, milliseconds).len(), 300);
        let jitter = every(30.0)
            .enumerate()
            .map(|(i, t)| t + [0.0, 0.006, -0.005, 0.002][i % 4]);
        assert_eq!(kept(30.0, jitter).len(), 300);
    }

    #[test]
    fn evenly_spaced_frames_of_a_faster_video_are_kept() {
        for (fps, step) in [(60.0, 2), (59.94, 2), (120.0, 4), (90.0, 3)] {
            let all: Vec<f64> = every(fps).collect();
            let expected: Vec<f64> = all.iter().step_by(step).copied().collect();
            assert_eq!(kept(30.0, all.into_iter()), expected, "{fps}");
        }
        for fps in [31.0, 40.0, 48.0, 50.0, 72.0] {
            let count = kept(30.0, every(fps)).len();
            assert!((240..=301).contains(&count), "{fps}: {count}");
        }
    }

    #[test]
    fn a_gap_is_not_made_up_for() {
        let times = (0..30)
            .map(|i| i as f64 / 60.0)
            .chain((300..360).map(|i| i as f64 / 60.0));
        assert_eq!(kept(30.0, times).len(), 15 + 30);
    }
}
