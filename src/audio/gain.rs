//! Gain over time, and loudness as numbers.

/// Integrated loudness and true peak of a buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loudness {
    /// Integrated loudness, LUFS; −∞ for silence.
    pub integrated: f64,
    /// True peak of the louder channel, dBTP; −∞ for silence.
    pub true_peak: f64,
}

/// Frames from one point of a gain curve to the next.
pub(super) const STEP: usize = 16;

pub(super) fn decibels(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

pub(super) fn ratio(decibels: f64) -> f64 {
    10.0_f64.powf(decibels / 20.0)
}

/// A gain over time: the effect of the compressor, or of the master level and the limiter, on a
/// buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct GainCurve {
    /// Overall gain, as a ratio.
    pub(super) level: f64,
    /// The gain, apart from the level, at every [`STEP`]th frame, linear in between; empty if it is
    /// 1 everywhere.
    pub(super) points: Vec<f32>,
}

impl GainCurve {
    /// The same gain everywhere.
    pub fn constant(level: f64) -> Self {
        Self {
            level,
            points: Vec::new(),
        }
    }

    /// The gain at a point.
    pub(super) fn point(&self, index: usize) -> f32 {
        let last = self.points.len().saturating_sub(1);
        self.level as f32 * self.points.get(index.min(last)).unwrap_or(&1.0)
    }

    /// Multiplies interleaved samples, the first of which belongs to frame number `from`.
    pub fn apply(&self, mut samples: &mut [f32], channels: usize, from: usize) {
        let channels = channels.max(1);
        let level = self.level as f32;
        let Some(last) = self.points.len().checked_sub(1) else {
            samples.iter_mut().for_each(|sample| *sample *= level);
            return;
        };
        let mut number = from;
        while !samples.is_empty() {
            let until = ((STEP - number % STEP) * channels).min(samples.len());
            let (own, rest) = samples.split_at_mut(until);
            let index = (number / STEP).min(last);
            let (here, next) = (self.points[index], self.points[(index + 1).min(last)]);
            let gain = |place: usize| level * (here + (next - here) * (place as f32 / STEP as f32));
            let places = number % STEP..;
            if let (2, (frames, [])) = (channels, own.as_chunks_mut::<2>()) {
                for (frame, place) in frames.iter_mut().zip(places) {
                    *frame = frame.map(|sample| sample * gain(place));
                }
            } else {
                for (frame, place) in own.chunks_mut(channels).zip(places) {
                    frame.iter_mut().for_each(|sample| *sample *= gain(place));
                }
            }
            number += STEP - number % STEP;
            samples = rest;
        }
    }

    /// The maximum reduction apart from the level, dB, 0 or more.
    pub fn reduction(&self) -> f64 {
        let least = self.points.iter().copied().fold(1.0_f32, f32::min);
        // Not −0.0 where nothing is reduced.
        0.0 - decibels(f64::from(least))
    }
}
