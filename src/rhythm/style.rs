//! The rhythmic style of a movement: when it changes fast (Su, Liu, Shlizerman 2021,
//! *Video2Rhythm*; the directogram and the kinematic offsets are those of Davis & Agrawala, "Visual
//! Rhythm and Beat", 2018).
//!
//! The paper's constants are kept: 12 angles, an STFT of 16 frames every 4 frames at 15 frames a
//! second (1.07 s every 0.27 s), the highest frequency bin (7.5 Hz), the top tenth over the whole
//! clip. The movement at 60 a second is averaged to 15 for this. At another rate the "highest bin"
//! would be another frequency: at 60 a second and 64 samples it would be 30 Hz, where there is no
//! body movement, only the pose detector's jitter.

use super::motion::Motion;
use super::signal;
use crate::pose::JOINTS;
use rustfft::{FftPlanner, num_complex::Complex};
use std::f64::consts::TAU;

/// Angles of the directogram.
pub(crate) const ANGLES: usize = 12;

/// Frames of the STFT's window.
const WINDOW: usize = 16;

/// Frames from one STFT window to the next.
const HOP: usize = 4;

/// Frames of the movement signal averaged to one frame of the style.
const AVERAGED: usize = 4;

/// Share of the STFT frames that are peaks.
const PEAK_SHARE: f64 = 0.1;

/// The angles of the directogram that a direction (radians) counts for: those at most 2π/12 away,
/// both ends included.
fn angles(direction: f64) -> impl Iterator<Item = usize> {
    let bin = TAU / ANGLES as f64;
    (0..ANGLES).filter(move |k| {
        let apart = (direction - *k as f64 * bin).rem_euclid(TAU);
        apart.min(TAU - apart) <= bin * (1.0 + 1e-9)
    })
}

/// One frame of movement: velocity and weight of every joint.
type Frame = ([[f64; 2]; JOINTS], [f64; JOINTS]);

/// The directogram of one frame: D(θ) = Σ_j |F(j)| · 1_θ(∠F(j)), each joint weighted by its
/// weight.
fn directogram((velocity, weight): &Frame) -> [f64; ANGLES] {
    let mut bins = [0.0; ANGLES];
    for (v, w) in velocity.iter().zip(weight) {
        let speed = v[0].hypot(v[1]);
        if speed * w > 0.0 {
            for k in angles(v[1].atan2(v[0])) {
                bins[k] += speed * w;
            }
        }
    }
    bins
}

/// How the directogram changes from one frame to the next: the mean over the angles of its gain
/// (acceleration, the kinematic offset) and of its loss (deceleration, the impact). Both are at
/// least 0. A joint that is missing in either frame is left out of both, since appearing or
/// disappearing is not movement.
fn change(before: &Frame, now: &Frame) -> (f64, f64) {
    let mut common = [0.0; JOINTS];
    for (c, (a, b)) in common.iter_mut().zip(before.1.iter().zip(&now.1)) {
        *c = a.min(*b);
    }
    let (from, to) = (directogram(&(before.0, common)), directogram(&(now.0, common)));
    let mut sums = (0.0, 0.0);
    for (from, to) in from.iter().zip(to) {
        sums.0 += (to - from).max(0.0);
        sums.1 += (from - to).max(0.0);
    }
    (sums.0 / ANGLES as f64, sums.1 / ANGLES as f64)
}

/// Kinematic offsets of successive frames; the first of the clip and of every shot is 0.
fn kinematic_offsets(frames: &[Frame], shot: impl Fn(usize) -> usize) -> Vec<f64> {
    (0..frames.len())
        .map(|i| {
            if i == 0 || shot(i) != shot(i - 1) {
                0.0
            } else {
                change(&frames[i - 1], &frames[i]).0
            }
        })
        .collect()
}

/// Magnitude of the highest frequency bin of the STFT: Hann window, centred on every [`HOP`]th
/// sample, the signal mirrored at its ends.
fn highest_bin(signal: &[f64]) -> Vec<f64> {
    if signal.is_empty() {
        return Vec::new();
    }
    let fft = FftPlanner::new().plan_fft_forward(WINDOW);
    let hann: Vec<f64> = (0..WINDOW)
        .map(|i| 0.5 - 0.5 * (TAU * i as f64 / WINDOW as f64).cos())
        .collect();
    let last = signal.len() as isize - 1;
    let mirrored = |i: isize| {
        let i = if i < 0 { -i } else { i };
        let i = if i > last { 2 * last - i } else { i };
        signal[i.clamp(0, last) as usize]
    };
    (0..signal.len())
        .step_by(HOP)
        .map(|centre| {
            let mut buffer: Vec<Complex<f64>> = hann
                .iter()
                .enumerate()
                .map(|(k, h)| Complex::new(h * mirrored((centre + k) as isize - (WINDOW / 2) as isize), 0.0))
                .collect();
            fft.process(&mut buffer);
            buffer[WINDOW / 2].norm()
        })
        .collect()
}

/// The style of a movement.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    /// Kinematic offsets at the movement's rate: how much faster the body gets per frame.
    pub offsets: Vec<f64>,
    /// STFT magnitudes, one per 4 frames at 15 a second.
    pub magnitudes: Vec<f64>,
    /// Whether each magnitude is among the clip's top tenth.
    pub marked: Vec<bool>,
}

impl Style {
    pub fn new(motion: &Motion) -> Self {
        let frames: Vec<Frame> = motion
            .velocity
            .iter()
            .copied()
            .zip(motion.weight.iter().copied())
            .collect();
        let offsets = kinematic_offsets(&frames, |i| motion.shot[i]);

        let slow: Vec<Frame> = frames.chunks(AVERAGED).map(average).collect();
        let slow_offsets = kinematic_offsets(&slow, |i| motion.shot[i * AVERAGED]);
        let magnitudes = highest_bin(&slow_offsets);
        let marked = top(&magnitudes);
        Self {
            offsets,
            magnitudes,
            marked,
        }
    }

    /// Frames of the movement signal that a marked magnitude covers, `from..to`.
    pub fn covers(&self, index: usize) -> (usize, usize) {
        let half = HOP * AVERAGED / 2;
        let centre = index * HOP * AVERAGED;
        (
            centre.saturating_sub(half).min(self.offsets.len()),
            (centre + half).min(self.offsets.len()),
        )
    }
}

/// Mean velocity of successive frames, each joint weighted by its weight.
fn average(frames: &[Frame]) -> Frame {
    let mut result: Frame = ([[0.0; 2]; JOINTS], [0.0; JOINTS]);
    for joint in 0..JOINTS {
        let total: f64 = frames.iter().map(|f| f.1[joint]).sum();
        if total > 0.0 {
            for axis in 0..2 {
                let sum: f64 = frames.iter().map(|f| f.0[joint][axis] * f.1[joint]).sum();
                result.0[joint][axis] = sum / total;
            }
            result.1[joint] = total / frames.len() as f64;
        }
    }
    result
}

/// Marks the top tenth of the magnitudes; nothing where all are 0.
fn top(magnitudes: &[f64]) -> Vec<bool> {
    let count = (magnitudes.len() as f64 * PEAK_SHARE).round() as usize;
    let mut order: Vec<usize> = (0..magnitudes.len()).filter(|i| magnitudes[*i] > 0.0).collect();
    order.sort_by(|a, b| magnitudes[*b].total_cmp(&magnitudes[*a]).then(a.cmp(b)));
    let mut marked = vec![false; magnitudes.len()];
    for &i in order.iter().take(count) {
        marked[i] = true;
    }
    marked
}

/// Strength of each marked stretch's fastest change, and its place: (position in frames of the
/// movement, offset there).
pub(crate) fn changes(style: &Style) -> Vec<signal::Peak> {
    let smoothed = signal::smooth(&style.offsets, 1.0);
    (0..style.marked.len())
        .filter(|i| style.marked[*i])
        .filter_map(|i| {
            let (from, to) = style.covers(i);
            let index = (from..to).max_by(|a, b| smoothed[*a].total_cmp(&smoothed[*b]).then(b.cmp(a)))?;
            Some(signal::Peak {
                index,
                position: index as f64 + signal::parabola(&smoothed, index),
                height: style.magnitudes[i],
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_joint(speed: f64, degrees: f64) -> Frame {
        let mut frame: Frame = ([[0.0; 2]; JOINTS], [0.0; JOINTS]);
        let angle = degrees.to_radians();
        frame.0[3] = [speed * angle.cos(), speed * angle.sin()];
        frame.1[3] = 1.0;
        frame
    }

    #[test]
    fn a_direction_counts_for_the_angles_within_thirty_degrees() {
        let at = |degrees: f64| angles(degrees.to_radians()).collect::<Vec<_>>();
        assert_eq!(at(10.0), [0, 1]);
        assert_eq!(at(-10.0), [0, 11]);
        assert_eq!(at(0.0), [0, 1, 11]);
        assert_eq!(at(90.0), [2, 3, 4]);
        assert_eq!(at(-170.0), [6, 7]);
    }

    #[test]
    fn the_directogram_holds_the_speed_at_the_angle() {
        let bins = directogram(&one_joint(2.5, 40.0));
        for (k, value) in bins.iter().enumerate() {
            let expected = if k == 1 || k == 2 { 2.5 } else { 0.0 };
            assert!((value - expected).abs() < 1e-12, "angle {k}: {value}");
        }
    }

    #[test]
    fn gain_is_offset_and_loss_is_impact() {
        let (gain, loss) = change(&one_joint(1.0, 40.0), &one_joint(4.0, 40.0));
        assert!((gain - 2.0 * 3.0 / 12.0).abs() < 1e-12 && loss == 0.0);
        let (gain, loss) = change(&one_joint(4.0, 40.0), &one_joint(1.0, 40.0));
        assert!((loss - 2.0 * 3.0 / 12.0).abs() < 1e-12 && gain == 0.0);
        // A reversal gains on one side what it loses on the other.
        let (gain, loss) = change(&one_joint(2.0, 40.0), &one_joint(2.0, 220.0));
        assert!((gain - loss).abs() < 1e-12 && gain > 0.0);
    }

    #[test]
    fn a_joint_that_appears_is_not_movement() {
        let mut gone = one_joint(4.0, 40.0);
        gone.1[3] = 0.0;
        assert_eq!(change(&gone, &one_joint(4.0, 40.0)), (0.0, 0.0));
        assert_eq!(change(&one_joint(4.0, 40.0), &gone), (0.0, 0.0));
    }

    #[test]
    fn the_highest_bin_answers_to_fast_change_only() {
        let alternating: Vec<f64> = (0..64).map(|i| f64::from(i % 2)).collect();
        let slow: Vec<f64> = (0..64).map(|i| 0.5 - 0.5 * (TAU * f64::from(i) / 16.0).cos()).collect();
        let middle = |signal: &[f64]| highest_bin(signal)[8];
        // Hann sums to 8 over 16 samples; the alternating signal is 0.5 ± 0.5.
        assert!((middle(&alternating) - 4.0).abs() < 1e-9);
        assert!(middle(&slow) < 1e-9);
        assert_eq!(highest_bin(&alternating).len(), 16);
    }

    #[test]
    fn the_top_tenth_is_marked() {
        let mut magnitudes: Vec<f64> = (0..40).map(f64::from).collect();
        magnitudes.swap(3, 39);
        let marked = top(&magnitudes);
        assert_eq!(marked.iter().filter(|m| **m).count(), 4);
        assert!(marked[3] && marked[38] && marked[37] && marked[36]);
        assert!(top(&[0.0; 40]).iter().all(|m| !m));
    }
}
