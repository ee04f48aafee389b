//! Runs a clip of any length through a network that reads ten seconds: overlapping windows, joined
//! again without seams, and the network's frames resampled to the rate of the decoder.

use super::features::FRAME_RATE;
use super::hmm::RATE;
use crate::time::{Instant, Span};

/// Frames of a window: ten seconds, sixteen beats at 100 a minute.
pub(crate) const LENGTH: usize = 300;

/// Least frames of a window. Shorter clips are padded with frames in which nobody is seen.
pub(crate) const LEAST: usize = 60;

/// Frames from one window to the next: each frame is covered twice, except at the clip's ends.
const HOP: usize = 150;

/// Frames at a window's ends whose output is discarded where another window has them: the network
/// sees only one side of them.
const BORDER: usize = 15;

/// Bounds within which an activation is taken as a probability.
const CLAMP: (f64, f64) = (1e-4, 1.0 - 1e-4);

/// The part of a clip that a window covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameWindow {
    /// First frame.
    pub start: usize,
    /// Frames; beyond the clip's last they are padding.
    pub length: usize,
}

impl FrameWindow {
    /// Middle of the part that lies within a clip of so many frames.
    pub fn middle(&self, frames: usize) -> Instant {
        let end = (self.start + self.length).min(frames);
        FRAME_RATE.instant_at((self.start + end) as f64 / 2.0)
    }
}

/// The windows of a clip of so many frames. All have the same length; the last ends at the clip's
/// end.
pub(crate) fn windows(frames: usize) -> Vec<FrameWindow> {
    if frames <= LENGTH {
        return vec![FrameWindow {
            start: 0,
            length: frames.max(LEAST),
        }];
    }
    let last = frames - LENGTH;
    (0..last)
        .step_by(HOP)
        .chain([last])
        .map(|start| FrameWindow { start, length: LENGTH })
        .collect()
}

/// The values of the windows as one sequence of `frames`, cross-faded where windows overlap: each
/// frame is weighted by its distance from the window's ends. Values that are not numbers count as
/// 0.
pub(crate) fn joined(frames: usize, windows: &[(FrameWindow, Vec<f32>)]) -> Vec<f64> {
    let (mut sum, mut total) = (vec![0.0; frames], vec![0.0; frames]);
    for (index, (window, values)) in windows.iter().enumerate() {
        let from_end = |at: usize, outermost: bool| if outermost { LENGTH } else { at.saturating_sub(BORDER) };
        for (i, value) in values.iter().enumerate().take(frames.saturating_sub(window.start)) {
            let left = from_end(i, index == 0);
            let right = from_end(window.length - 1 - i.min(window.length - 1), index + 1 == windows.len());
            let weight = left.min(right) as f64;
            sum[window.start + i] += weight * if value.is_finite() { f64::from(*value) } else { 0.0 };
            total[window.start + i] += weight;
        }
    }
    sum.iter()
        .zip(total)
        .map(|(s, t)| if t > 0.0 { s / t } else { 0.0 })
        .collect()
}

/// Converts probabilities at the network's rate to the decoder's rate, over a clip of `duration`.
///
/// The log odds are interpolated by cubic convolution (Keys 1981), so that a peak may lie between
/// two frames: with linear interpolation every beat would fall on a frame, up to 17 ms off.
pub(crate) fn resampled(values: &[f64], duration: Span) -> Vec<f64> {
    let odds: Vec<f64> = values
        .iter()
        .map(|p| {
            let p = p.clamp(CLAMP.0, CLAMP.1);
            (p / (1.0 - p)).ln()
        })
        .collect();
    let frames = RATE.count(duration).floor().max(0.0) as usize + 1;
    (0..frames)
        .map(|i| {
            let odds = cubic(&odds, FRAME_RATE.position(RATE.instant(i)));
            1.0 / (1.0 + (-odds).exp())
        })
        .collect()
}

/// Value at a fractional position by cubic convolution; beyond the ends, the outermost value. 0 for
/// no values.
fn cubic(values: &[f64], position: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else {
        return 0.0;
    };
    let position = position.clamp(0.0, last as f64);
    let index = position as usize;
    let x = position - index as f64;
    let at = |offset: isize| values[index.saturating_add_signed(offset).min(last)];
    let (a, b, c, d) = (at(-1), at(0), at(1), at(2));
    b + 0.5 * x * (c - a + x * (2.0 * a - 5.0 * b + 4.0 * c - d + x * (3.0 * (b - c) + d - a)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_clip_and_end_with_it() {
        for frames in [0, 1, 59, 60, 61, 299, 300, 301, 449, 450, 451, 600, 18_001] {
            let windows = windows(frames);
            assert!(windows.iter().all(|w| (LEAST..=LENGTH).contains(&w.length)));
            assert_eq!(windows[0].start, 0);
            let last = windows.last().expect("a window");
            assert_eq!(last.start + last.length, frames.max(LEAST), "{frames}");
            assert!(
                windows
                    .windows(2)
                    .all(|w| w[1].start > w[0].start && w[1].start - w[0].start <= HOP)
            );
        }
        assert_eq!(windows(20)[0].middle(20), FRAME_RATE.instant(10));
    }

    #[test]
    fn joined_windows_have_no_seam() {
        // Each window is off by its own constant, and useless at its ends.
        let frames = 700;
        let truth = |i: usize| (i as f64 * 0.05).sin();
        let parts: Vec<(FrameWindow, Vec<f32>)> = windows(frames)
            .into_iter()
            .enumerate()
            .map(|(n, w)| {
                let values = (0..w.length)
                    .map(|i| {
                        let inner = (n == 0 || i >= BORDER) && (w.start + w.length == frames || i + BORDER < w.length);
                        let error = if inner { 0.1 * n as f64 } else { 99.0 };
                        (truth(w.start + i) + error) as f32
                    })
                    .collect();
                (w, values)
            })
            .collect();
        let joined = joined(frames, &parts);
        assert_eq!(joined.len(), frames);
        for (i, pair) in joined.windows(2).enumerate() {
            let step = (pair[1] - truth(i + 1)) - (pair[0] - truth(i));
            assert!(step.abs() < 0.002, "{i}: {step}");
        }
    }

    #[test]
    fn padding_is_dropped_and_values_that_are_not_numbers_count_as_zero() {
        let parts = [(windows(20)[0], [vec![0.5; 19], vec![f32::NAN], vec![0.9; 40]].concat())];
        let joined = joined(20, &parts);
        assert_eq!(joined.len(), 20);
        assert_eq!((joined[18], joined[19]), (0.5, 0.0));
    }

    #[test]
    fn peaks_between_frames_are_found_between_frames() {
        // A peak a third of a frame after frame 10, as wide as the network's.
        let values: Vec<f64> = (0..30)
            .map(|i| 0.02 + 0.9 * (-0.5 * ((f64::from(i) - 10.33) / 0.9).powi(2)).exp())
            .collect();
        let fine = resampled(&values, FRAME_RATE.instant(29) - Instant::ZERO);
        let top = (0..fine.len())
            .max_by(|a, b| fine[*a].total_cmp(&fine[*b]))
            .expect("values");
        let apart = RATE.instant(top).seconds() - FRAME_RATE.instant_at(10.33).seconds();
        assert!(apart.abs() < 0.006, "{apart}");
        assert!(fine.iter().all(|p| (0.0..=1.0).contains(p)));
        assert_eq!(resampled(&[], Span::from_seconds(0.1)), [0.5; 11]);
    }
}
