//! Filters of second order, for equalisers.
//!
//! The formulas are those of R. Bristow-Johnson's *Audio EQ Cookbook* (W3C Note, 2021); the filters
//! run in transposed direct form II, whose rounding errors at low frequencies are small.

use crate::time::{Rate, Span};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Quality of filters without a resonance (Butterworth).
const FLAT: f64 = FRAC_1_SQRT_2;

/// Greatest frequency of a filter, relative to the rate: above it, the formulas fail.
const HIGHEST: f64 = 0.45;

/// Values of a state that are less than this are rounded to zero: processors are slow with numbers
/// that are too small to be normalised.
const NOTHING: f64 = 1e-30;

/// What a filter does. Frequencies are in hertz, gains in dB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Band {
    /// Removes what is below, 12 dB an octave.
    HighPass { hertz: f64 },
    /// Removes what is above, 12 dB an octave.
    LowPass { hertz: f64 },
    /// Raises or lowers the frequencies around one; the greater `q`, the fewer.
    Peak { hertz: f64, gain: f64, q: f64 },
    /// Raises or lowers everything below a frequency.
    LowShelf { hertz: f64, gain: f64 },
}

/// A filter for one channel, with its state.
#[derive(Debug, Clone)]
pub(super) struct Biquad {
    forward: [f64; 3],
    back: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    pub fn new(band: Band, rate: Rate) -> Self {
        let hertz = match band {
            Band::HighPass { hertz }
            | Band::LowPass { hertz }
            | Band::Peak { hertz, .. }
            | Band::LowShelf { hertz, .. } => hertz,
        };
        let angle = 2.0 * PI * (rate.period().seconds() * hertz).min(HIGHEST);
        let (sin, cos) = angle.sin_cos();
        let alpha = |q: f64| sin / (2.0 * q);
        // Amplitudes at a gain's middle.
        let amplitude = |gain: f64| 10.0_f64.powf(gain / 40.0);
        let (forward, back) = match band {
            Band::HighPass { .. } => {
                let pass = (1.0 + cos) / 2.0;
                (
                    [pass, -2.0 * pass, pass],
                    [1.0 + alpha(FLAT), -2.0 * cos, 1.0 - alpha(FLAT)],
                )
            }
            Band::LowPass { .. } => {
                let pass = (1.0 - cos) / 2.0;
                (
                    [pass, 2.0 * pass, pass],
                    [1.0 + alpha(FLAT), -2.0 * cos, 1.0 - alpha(FLAT)],
                )
            }
            Band::Peak { gain, q, .. } => {
                let (a, alpha) = (amplitude(gain), alpha(q));
                (
                    [1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a],
                    [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a],
                )
            }
            Band::LowShelf { gain, .. } => {
                let a = amplitude(gain);
                let slope = 2.0 * a.sqrt() * alpha(FLAT);
                let (more, less) = (a + 1.0, a - 1.0);
                (
                    [
                        a * (more - less * cos + slope),
                        2.0 * a * (less - more * cos),
                        a * (more - less * cos - slope),
                    ],
                    [
                        more + less * cos + slope,
                        -2.0 * (less + more * cos),
                        more + less * cos - slope,
                    ],
                )
            }
        };
        Self {
            forward: forward.map(|value| value / back[0]),
            back: [back[1] / back[0], back[2] / back[0]],
            state: [0.0; 2],
        }
    }

    /// Filters samples of the channel, in place.
    pub fn run(&mut self, samples: &mut [f32]) {
        let ([b0, b1, b2], [a1, a2], [mut first, mut second]) = (self.forward, self.back, self.state);
        for sample in samples {
            let input = f64::from(*sample);
            let output = b0 * input + first;
            first = b1 * input - a1 * output + second;
            second = b2 * input - a2 * output;
            *sample = output as f32;
        }
        self.state = [first, second].map(|value| if value.abs() < NOTHING { 0.0 } else { value });
    }
}

/// Delays one channel by a fixed time.
#[derive(Debug, Clone)]
pub(super) struct Delay {
    ring: Vec<f32>,
    at: usize,
}

impl Delay {
    pub fn new(time: Span, rate: Rate) -> Self {
        let length = (rate.count(time).round() as usize).max(1);
        Self {
            ring: vec![0.0; length],
            at: 0,
        }
    }

    pub fn run(&mut self, samples: &mut [f32]) {
        let (ring, mut at) = (&mut self.ring[..], self.at);
        for sample in samples {
            std::mem::swap(sample, &mut ring[at]);
            at += 1;
            if at == ring.len() {
                at = 0;
            }
        }
        self.at = at;
    }
}

/// Passes all frequencies equally and blurs their phases: M. R. Schroeder, *Natural Sounding
/// Artificial Reverberation* (J. Audio Eng. Soc. 10(3), 1962).
#[derive(Debug, Clone)]
pub(super) struct AllPass {
    ring: Vec<f32>,
    at: usize,
}

impl AllPass {
    /// Share of the output that returns.
    const FEEDBACK: f32 = 0.6;

    pub fn new(time: Span, rate: Rate) -> Self {
        let Delay { ring, at } = Delay::new(time, rate);
        Self { ring, at }
    }

    pub fn run(&mut self, samples: &mut [f32]) {
        let (ring, mut at) = (&mut self.ring[..], self.at);
        for sample in samples {
            let old = ring[at];
            let new = *sample + Self::FEEDBACK * old;
            ring[at] = new;
            *sample = old - Self::FEEDBACK * new;
            at += 1;
            if at == ring.len() {
                at = 0;
            }
        }
        self.at = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE: Rate = Rate::from_hz(48_000.0);

    /// Gain of a sine, dB, once the filter has settled.
    fn gain(hertz: f64, mut run: impl FnMut(&mut [f32])) -> f64 {
        let sine = |frame: usize| (TAU * hertz * frame as f64 / RATE.hz()).sin();
        let mut samples: Vec<f32> = (0..48_000).map(|frame| sine(frame) as f32).collect();
        samples.chunks_mut(1_000).for_each(&mut run);
        let late = &samples[24_000..];
        let power: f64 = late.iter().map(|s| f64::from(*s).powi(2)).sum();
        10.0 * (2.0 * power / late.len() as f64).log10()
    }

    fn of(band: Band, hertz: f64) -> f64 {
        let mut filter = Biquad::new(band, RATE);
        gain(hertz, |samples| filter.run(samples))
    }

    #[test]
    fn filters_have_their_gains() {
        let peak = Band::Peak {
            hertz: 250.0,
            gain: -3.0,
            q: 0.9,
        };
        let shelf = Band::LowShelf { hertz: 90.0, gain: 4.0 };
        for (band, hertz, expected) in [
            (Band::HighPass { hertz: 100.0 }, 100.0, -3.0),
            (Band::HighPass { hertz: 100.0 }, 25.0, -24.1),
            (Band::HighPass { hertz: 100.0 }, 2_000.0, 0.0),
            (Band::LowPass { hertz: 5_000.0 }, 5_000.0, -3.0),
            (Band::LowPass { hertz: 5_000.0 }, 100.0, 0.0),
            (peak, 250.0, -3.0),
            (peak, 20.0, 0.0),
            (peak, 8_000.0, 0.0),
            (shelf, 20.0, 4.0),
            (shelf, 90.0, 2.0),
            (shelf, 2_000.0, 0.0),
        ] {
            let gain = of(band, hertz);
            assert!((gain - expected).abs() < 0.15, "{band:?} at {hertz} Hz: {gain:.2} dB");
        }
    }

    #[test]
    fn blocks_do_not_matter_and_silence_ends() {
        let band = Band::HighPass { hertz: 30.0 };
        let noise: Vec<f32> = (0..9_000)
            .map(|n: i32| (n * 7_919 % 1_000) as f32 / 1e3 - 0.5)
            .collect();
        let (mut whole, mut parts) = (noise.clone(), noise);
        Biquad::new(band, RATE).run(&mut whole);
        let mut filter = Biquad::new(band, RATE);
        parts.chunks_mut(37).for_each(|part| filter.run(part));
        assert_eq!(whole, parts);
        (0..200).for_each(|_| filter.run(&mut [0.0; 1_000]));
        assert_eq!(filter.state, [0.0; 2]);
    }

    #[test]
    fn an_all_pass_keeps_the_level_of_every_frequency() {
        for hertz in [70.0, 440.0, 1_234.0, 9_000.0] {
            let mut blur = AllPass::new(Span::from_seconds(0.005), RATE);
            let gain = gain(hertz, |samples| blur.run(samples));
            assert!(gain.abs() < 0.05, "{hertz} Hz: {gain:.3} dB");
        }
        let mut delay = Delay::new(Span::from_seconds(0.001), RATE);
        let mut samples = vec![0.0; 100];
        samples[3] = 1.0;
        samples.chunks_mut(7).for_each(|samples| delay.run(samples));
        assert_eq!(samples.iter().position(|s| *s == 1.0), Some(51));
    }
}
