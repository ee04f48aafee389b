//! Removes jitter from joints without delaying them. Pure.
//!
//! The one-euro filter (Casiez, Roussel, Vogel: "1€ Filter", CHI 2012) follows fast movement
//! closely and smooths slow movement. Run forward it lags by up to a quarter of a frame, which
//! shifts the beat; the mean of a forward and a backward pass has the same jitter and no lag.

use super::joints::{JOINTS, JointPoint};
use std::f64::consts::TAU;

/// Cutoff of a joint that does not move, hertz.
const LEAST_CUTOFF: f64 = 0.05;

/// How much the cutoff rises with speed, hertz per body length a second.
const SPEED_CUTOFF: f64 = 80.0;

/// Cutoff of the speed itself, hertz.
const DERIVATIVE_CUTOFF: f64 = 1.0;

/// Time constant of the confidence, seconds: each new value has a share of 0.1 at 30 frames a
/// second.
const CONFIDENCE_TIME: f64 = 0.316;

/// One frame of a body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Index of the frame.
    pub frame: usize,
    /// Approximate height of the body, in the unit of the joints.
    pub size: f32,
    /// The joints.
    pub joints: [JointPoint; JOINTS],
}

/// Smooths one body's samples, whose times in seconds are `times`.
pub fn smooth(samples: &mut [Sample], times: &[f64]) {
    debug_assert_eq!(samples.len(), times.len());
    let sizes: Vec<f64> = samples.iter().map(|s| f64::from(s.size).max(1.0)).collect();
    for joint in 0..JOINTS {
        let read = |pick: fn(&JointPoint) -> f32| -> Vec<f64> {
            samples.iter().map(|s| f64::from(pick(&s.joints[joint]))).collect()
        };
        let x = both_ways(&read(|j| j.x), times, &sizes, one_euro);
        let y = both_ways(&read(|j| j.y), times, &sizes, one_euro);
        let confidence = both_ways(&read(|j| j.confidence), times, &sizes, low_pass);
        for (sample, ((x, y), confidence)) in samples.iter_mut().zip(x.iter().zip(&y).zip(&confidence)) {
            sample.joints[joint] = JointPoint {
                x: *x as f32,
                y: *y as f32,
                confidence: *confidence as f32,
            };
        }
    }
}

type Filter = fn(&mut dyn Iterator<Item = (f64, f64, f64)>) -> Vec<f64>;

/// The mean of the filter's forward and backward runs.
fn both_ways(values: &[f64], times: &[f64], sizes: &[f64], filter: Filter) -> Vec<f64> {
    let rows = || values.iter().zip(times).zip(sizes).map(|((v, t), s)| (*v, *t, *s));
    let forward = filter(&mut rows());
    let backward = filter(&mut rows().rev());
    forward
        .iter()
        .zip(backward.iter().rev())
        .map(|(a, b)| (a + b) * 0.5)
        .collect()
}

/// Share of a new value that a low-pass with that cutoff takes after `step` seconds.
fn share(cutoff: f64, step: f64) -> f64 {
    1.0 / (1.0 + 1.0 / (TAU * cutoff * step))
}

/// Rows of value, time, body size. The speed is divided by the body's size, so that the constants
/// hold at any distance.
fn one_euro(rows: &mut dyn Iterator<Item = (f64, f64, f64)>) -> Vec<f64> {
    let mut out = Vec::with_capacity(rows.size_hint().0);
    let mut state: Option<(f64, f64, f64, f64)> = None; // raw, time, speed, smooth
    for (raw, time, size) in rows {
        let (speed, smooth) = match state {
            None => (0.0, raw),
            Some((before, earlier, speed, smooth)) => {
                let step = (time - earlier).abs().max(1e-6);
                let speed = speed + share(DERIVATIVE_CUTOFF, step) * ((raw - before) / size / step - speed);
                let cutoff = LEAST_CUTOFF + SPEED_CUTOFF * speed.abs();
                (speed, smooth + share(cutoff, step) * (raw - smooth))
            }
        };
        state = Some((raw, time, speed, smooth));
        out.push(smooth);
    }
    out
}

fn low_pass(rows: &mut dyn Iterator<Item = (f64, f64, f64)>) -> Vec<f64> {
    let mut out = Vec::with_capacity(rows.size_hint().0);
    let mut state: Option<(f64, f64)> = None; // time, value
    for (raw, time, _) in rows {
        let value = state.map_or(raw, |(earlier, value)| {
            value + (1.0 - (-(time - earlier).abs() / CONFIDENCE_TIME).exp()) * (raw - value)
        });
        state = Some((time, value));
        out.push(value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(count: usize, x: impl Fn(f64) -> f64) -> (Vec<Sample>, Vec<f64>) {
        let times: Vec<f64> = (0..count).map(|i| i as f64 / 30.0).collect();
        let samples = times
            .iter()
            .enumerate()
            .map(|(frame, t)| Sample {
                frame,
                size: 400.0,
                joints: [JointPoint {
                    x: x(*t) as f32,
                    y: 100.0,
                    confidence: 0.5,
                }; JOINTS],
            })
            .collect();
        (samples, times)
    }

    #[test]
    fn a_still_joint_stops_trembling() {
        let noise = |t: f64| 200.0 + ((t * 30.0).round() * 12.9898).sin() * 1.0;
        let (mut out, times) = samples(120, noise);
        smooth(&mut out, &times);
        let spread = |from: &[Sample]| {
            let x: Vec<f64> = from.iter().map(|s| f64::from(s.joints[3].x)).collect();
            x.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f64>() / x.len() as f64
        };
        let (raw, _) = samples(120, noise);
        assert!(
            spread(&out[10..110]) < 0.35 * spread(&raw[10..110]),
            "{} {}",
            spread(&out),
            spread(&raw)
        );
        assert_eq!(out[5].joints[3].y, 100.0);
        assert!((out[5].joints[3].confidence - 0.5).abs() < 1e-6);
    }

    #[test]
    fn turning_points_stay_in_their_place() {
        // A hand that goes back and forth twice a second over a quarter of the body.
        let (mut out, times) = samples(300, |t| 200.0 + 50.0 * (TAU * 2.0 * t).sin());
        smooth(&mut out, &times);
        let x = |i: usize| f64::from(out[i].joints[0].x);
        for (frame, time) in times.iter().enumerate().take(290).skip(10) {
            let expected = 200.0 + 50.0 * (TAU * 2.0 * time).sin();
            assert!((x(frame) - expected).abs() < 10.0, "{frame}: {} {expected}", x(frame));
        }
        // Phase of the fundamental, in seconds.
        let (mut re, mut im) = (0.0, 0.0);
        for (frame, time) in times.iter().enumerate() {
            re += (x(frame) - 200.0) * (TAU * 2.0 * time).sin();
            im += (x(frame) - 200.0) * (TAU * 2.0 * time).cos();
        }
        let lag = im.atan2(re) / (TAU * 2.0);
        assert!(lag.abs() < 0.001, "{lag}");
    }

    #[test]
    fn one_sample_and_none_are_left_alone() {
        let (mut one, times) = samples(1, |_| 7.0);
        smooth(&mut one, &times);
        assert_eq!(one[0].joints[0].x, 7.0);
        smooth(&mut [], &[]);
    }
}
