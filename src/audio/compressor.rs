//! A compressor for the whole mix: loud hits come down somewhat and keep their order, so that the
//! limiter behind it has little to do. A limiter alone brings all loud hits to the same level.
//!
//! The gain computer is that of Giannoulis, Massberg and Reiss, *Digital Dynamic Range Compressor
//! Design* (J. Audio Eng. Soc. 60(6), 2012), equation 4. The gain is the same for both channels and
//! for all parts, so that stems still add up to the mix.

use super::AudioBuffer;
use super::envelope::{Times, envelope};
use super::gain::{GainCurve, STEP, decibels, ratio};
use crate::time::Span;

/// Level of a peak above the mix's integrated loudness from which it is lowered, dB. Sustained notes
/// stay below it.
const THRESHOLD: f64 = 9.0;

/// Decibels above the threshold for each decibel that is left.
const RATIO: f64 = 2.0;

/// Width of the bend between what is left alone and what is lowered, dB.
const KNEE: f64 = 6.0;

/// Slower than the limiter: the level of a hit changes rather than the shape of its wave.
const TIMES: Times = Times {
    attack: Span::from_seconds(0.003),
    hold: Span::from_seconds(0.01),
    release: Span::from_seconds(0.1),
};

/// The gain for a mix with this integrated loudness (LUFS).
pub(super) fn compression(mix: &AudioBuffer, loudness: f64) -> GainCurve {
    let threshold = loudness + THRESHOLD;
    let allowed: Vec<f32> = mix
        .samples
        .chunks(STEP * mix.channels.max(1))
        .map(|block| {
            let peak = block.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
            ratio(-lowered(decibels(f64::from(peak)) - threshold)) as f32
        })
        .collect();
    // Written so that silence, whose loudness is not a number that matters, is not changed.
    if allowed.iter().all(|gain| *gain >= 1.0) || !loudness.is_finite() {
        return GainCurve::constant(1.0);
    }
    GainCurve {
        level: 1.0,
        points: envelope(&allowed, mix.rate, TIMES),
    }
}

/// By how much a peak is lowered that is `over` dB above the threshold, dB.
fn lowered(over: f64) -> f64 {
    let slope = 1.0 - 1.0 / RATIO;
    if over <= -KNEE / 2.0 {
        0.0
    } else if over < KNEE / 2.0 {
        slope * (over + KNEE / 2.0).powi(2) / (2.0 * KNEE)
    } else {
        slope * over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::measure;
    use crate::time::Rate;
    use std::f64::consts::TAU;

    const RATE: f64 = 48_000.0;

    /// Bursts of 200 Hz, one every half second, with these peaks, dBFS.
    fn bursts(peaks: &[f64]) -> AudioBuffer {
        let length = (RATE / 2.0) as usize;
        let samples = peaks.iter().flat_map(|peak| {
            let peak = ratio(*peak);
            (0..length).flat_map(move |frame| {
                let t = frame as f64 / RATE;
                [(peak * (-t / 0.05).exp() * (TAU * 200.0 * t).sin()) as f32; 2]
            })
        });
        AudioBuffer {
            rate: Rate::from_hz(RATE),
            channels: 2,
            samples: samples.collect(),
        }
    }

    /// Peak of each burst, dBFS.
    fn peaks(buffer: &AudioBuffer) -> Vec<f64> {
        let bursts = buffer.samples.chunks(RATE as usize);
        bursts
            .map(|burst| decibels(f64::from(burst.iter().fold(0.0_f32, |m, s| m.max(s.abs())))))
            .collect()
    }

    fn compressed(mut buffer: AudioBuffer) -> AudioBuffer {
        let loudness = measure(&buffer).unwrap().integrated;
        compression(&buffer, loudness).apply(&mut buffer.samples, 2, 0);
        buffer
    }

    #[test]
    fn the_gain_computer_bends_at_the_threshold() {
        assert_eq!(lowered(-KNEE), 0.0);
        assert!((lowered(10.0) - 5.0).abs() < 1e-12);
        assert!((lowered(0.0) - 0.5 * KNEE / 8.0).abs() < 1e-12);
        for over in [-KNEE / 2.0, KNEE / 2.0] {
            assert!(
                (lowered(over - 1e-9) - lowered(over + 1e-9)).abs() < 1e-8,
                "a step at {over}"
            );
        }
    }

    #[test]
    fn loud_hits_come_down_and_keep_their_order() {
        let before = bursts(&[-24.0, -18.0, -12.0, -6.0, 0.0]);
        let after = compressed(before.clone());
        let (before, after) = (peaks(&before), peaks(&after));
        assert!(
            (before[0] - after[0]).abs() < 0.1,
            "a soft hit is changed: {before:?} {after:?}"
        );
        let range = |peaks: &[f64]| peaks[4] - peaks[0];
        assert!(range(&after) < range(&before) - 3.0, "{before:?} {after:?}");
        for pair in after.windows(2) {
            assert!(pair[1] - pair[0] > 2.5, "two levels come out alike: {after:?}");
        }
    }

    #[test]
    fn the_level_of_the_whole_does_not_matter() {
        let loud = bursts(&[-18.0, -3.0]);
        let mut soft = loud.clone();
        soft.samples.iter_mut().for_each(|sample| *sample *= 0.1);
        let (loud, soft) = (peaks(&compressed(loud)), peaks(&compressed(soft)));
        for (loud, soft) in loud.iter().zip(&soft) {
            assert!((loud - soft - 20.0).abs() < 0.05, "{loud} {soft}");
        }
    }

    #[test]
    fn silence_stays_silence() {
        let silence = AudioBuffer::silence(Rate::from_hz(RATE), 2, 4800);
        assert_eq!(compression(&silence, f64::NEG_INFINITY), GainCurve::constant(1.0));
        assert_eq!(
            compression(&AudioBuffer::silence(Rate::from_hz(RATE), 2, 0), -16.0),
            GainCurve::constant(1.0)
        );
    }
}
