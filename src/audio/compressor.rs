//! A compressor for the whole mix, in two stages, so that the limiter behind it has little to do: a
//! limiter alone brings all loud hits to the same level.
//!
//! The first stage lowers loud hits somewhat; the second acts only on the few peaks that stick out
//! of the mix, faster and more strongly, so that the crest factor is that of finished music. Both
//! keep the order of hits.
//!
//! The gain computer is that of Giannoulis, Massberg and Reiss, *Digital Dynamic Range Compressor
//! Design* (J. Audio Eng. Soc. 60(6), 2012), equation 4. The gain is the same for both channels and
//! for all parts, so that stems still add up to the mix.

use super::envelope::{Times, envelope};
use super::gain::{GainCurve, STEP, decibels, ratio};
use super::{AudioBuffer, parallel};
use crate::error::Result;
use crate::time::Span;

/// A stage: peaks from `threshold` on are lowered.
struct Stage {
    /// dB above a level of the mix.
    threshold: f64,
    /// Decibels above the threshold for each decibel that is left.
    ratio: f64,
    /// Width of the bend between what is left alone and what is lowered, dB.
    knee: f64,
    times: Times,
}

/// Relative to the integrated loudness: sustained notes stay below it. It is slower than the
/// limiter, so that the level of a hit changes rather than the shape of its wave.
const GENTLE: Stage = Stage {
    threshold: 13.0,
    ratio: 2.0,
    knee: 6.0,
    times: Times {
        attack: Span::from_seconds(0.003),
        hold: Span::from_seconds(0.01),
        release: Span::from_seconds(0.1),
    },
};

/// Relative to the RMS of the loud parts after it. It is closed only for the few milliseconds of an
/// attack, so that the hit itself, by which the movement is heard, keeps its level.
const PEAKS: Stage = Stage {
    threshold: 11.8,
    ratio: 20.0,
    knee: 4.0,
    times: Times {
        attack: Span::from_seconds(0.000_8),
        hold: Span::from_seconds(0.001_5),
        release: Span::from_seconds(0.01),
    },
};

/// Blocks that a thread measures at a time.
const PIECE: usize = 2048;

/// Greatest share that is [summed](Stage::settled): a mix of a few hits and nothing else has no
/// other RMS than that of its peaks.
const MOST_SHARE: f64 = 0.75;

/// Blocks of the RMS of the loud parts: their length, as for loudness (BS.1770-4), and the level
/// under the mean below which they are not loud, dB.
const LOUD_BLOCK: Span = Span::from_seconds(0.4);
const LOUD_GATE: f64 = 10.0;

impl Stage {
    /// By how much a peak is lowered that is `over` dB above the threshold, dB.
    fn lowered(&self, over: f64) -> f64 {
        let slope = 1.0 - 1.0 / self.ratio;
        if over <= -self.knee / 2.0 {
            0.0
        } else if over < self.knee / 2.0 {
            slope * (over + self.knee / 2.0).powi(2) / (2.0 * self.knee)
        } else {
            slope * over
        }
    }

    /// The gain for peaks of blocks; `None` if nothing is lowered.
    fn gains(&self, peaks: impl Iterator<Item = f32>, level: f64, mix: &AudioBuffer) -> Option<Vec<f32>> {
        let threshold = level + self.threshold;
        // Most blocks are below the bend, and need no logarithm.
        let least = ratio(threshold - self.knee / 2.0) as f32;
        let allowed: Vec<f32> = peaks
            .map(|peak| match peak {
                _ if peak <= least => 1.0,
                _ => ratio(-self.lowered(decibels(f64::from(peak)) - threshold)) as f32,
            })
            .collect();
        let lowers = allowed.iter().any(|gain| *gain < 1.0);
        lowers.then(|| envelope(&allowed, mix.rate, self.times))
    }

    /// The gain whose threshold is relative to the RMS of the loud parts after it.
    ///
    /// Lowering peaks lowers the RMS and so the threshold, each time by a share of the time before.
    /// After two rounds, the sum of that series is taken (Aitken's method).
    fn settled(&self, peaks: &[f32], powers: &[f32], mix: &AudioBuffer) -> Option<Vec<f32>> {
        let after = |level: f64| {
            let gains = self.gains(peaks.iter().copied(), level, mix)?;
            let mut powers = powers.to_vec();
            lower(&mut powers, &gains);
            Some(loud(&powers, mix))
        };
        let before = loud(powers, mix);
        let first = after(before)?;
        let second = after(first)?;
        let share = ((second - first) / (first - before)).clamp(0.0, MOST_SHARE);
        let rest = (second - first) * share / (1.0 - share);
        self.gains(
            peaks.iter().copied(),
            second + if rest.is_finite() { rest } else { 0.0 },
            mix,
        )
    }
}

/// The gain for a mix with this integrated loudness (LUFS), computed on so many threads.
pub(super) fn compression(mix: &AudioBuffer, loudness: f64, threads: usize) -> Result<GainCurve> {
    // Silence, whose loudness is not a number that matters, is not changed.
    if !loudness.is_finite() {
        return Ok(GainCurve::constant(1.0));
    }
    let size = STEP * mix.channels.max(1);
    let pieces = mix.samples.chunks(size * PIECE).collect();
    let measured = parallel::each(threads, pieces, |piece: &[f32]| {
        Ok(piece.chunks(size).map(measured).collect())
    })?;
    let measured: Vec<Vec<(f32, f32)>> = measured;
    let (mut peaks, mut powers): (Vec<f32>, Vec<f32>) = measured.into_iter().flatten().unzip();
    let first = GENTLE.gains(peaks.iter().copied(), loudness, mix);
    if let Some(gains) = &first {
        for (peak, ends) in peaks.iter_mut().zip(gains.windows(2)) {
            *peak *= ends[0].max(ends[1]);
        }
        lower(&mut powers, gains);
    }
    let peaks = PEAKS.settled(&peaks, &powers, mix);
    let points = match (first, peaks) {
        (Some(mut first), Some(second)) => {
            first.iter_mut().zip(second).for_each(|(gain, more)| *gain *= more);
            first
        }
        (one, other) => match one.or(other) {
            Some(gains) => gains,
            None => return Ok(GainCurve::constant(1.0)),
        },
    };
    Ok(GainCurve { level: 1.0, points })
}

/// Peak and power of a block.
fn measured(block: &[f32]) -> (f32, f32) {
    let (mut peak, mut power) = (0.0_f32, 0.0);
    for sample in block {
        let level = sample.abs();
        peak = if level > peak { level } else { peak };
        power += level * level;
    }
    (peak, power / block.len() as f32)
}

/// Applies gains to the powers of blocks.
fn lower(powers: &mut [f32], gains: &[f32]) {
    for (power, ends) in powers.iter_mut().zip(gains.windows(2)) {
        *power *= (0.5 * (ends[0] + ends[1])).powi(2);
    }
}

/// RMS of the loud parts, dBFS: over the blocks of 0.4 s, one every tenth of a second, that are at
/// most 10 dB under the mean of all. `powers` are those of [`STEP`] frames each.
fn loud(powers: &[f32], mix: &AudioBuffer) -> f64 {
    let length = (mix.rate.count(LOUD_BLOCK) / STEP as f64).round() as usize;
    let length = length.clamp(1, powers.len().max(1));
    let mean = |powers: &[f32]| powers.iter().copied().map(f64::from).sum::<f64>() / powers.len().max(1) as f64;
    let blocks = powers.windows(length).step_by((length / 4).max(1));
    let blocks: Vec<f64> = blocks.map(mean).collect();
    let gate = blocks.iter().sum::<f64>() / blocks.len().max(1) as f64 * 10.0_f64.powf(-LOUD_GATE / 10.0);
    let (mut sum, mut count) = (0.0, 0_usize);
    for block in blocks.iter().filter(|block| **block >= gate) {
        sum += block;
        count += 1;
    }
    10.0 * (sum / count.max(1) as f64).log10()
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
        compression(&buffer, loudness, 1)
            .unwrap()
            .apply(&mut buffer.samples, 2, 0);
        buffer
    }

    #[test]
    fn the_gain_computer_bends_at_the_threshold() {
        assert_eq!(GENTLE.lowered(-6.0), 0.0);
        assert!((GENTLE.lowered(10.0) - 5.0).abs() < 1e-12);
        assert!((GENTLE.lowered(0.0) - 0.375).abs() < 1e-12);
        assert!((PEAKS.lowered(10.0) - 9.5).abs() < 1e-12);
        for stage in [GENTLE, PEAKS] {
            for over in [-stage.knee / 2.0, stage.knee / 2.0] {
                let step = stage.lowered(over - 1e-9) - stage.lowered(over + 1e-9);
                assert!(step.abs() < 1e-8, "a step at {over}");
            }
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
            assert!(pair[1] - pair[0] > 0.15, "two levels come out alike: {after:?}");
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
    fn peaks_come_down_to_the_crest_factor_of_finished_music() {
        // A chord under the bursts: the RMS is the chord's, the peaks are the bursts'.
        let mut mix = bursts(&[0.0, -3.0, 0.0, -1.0, 0.0, -6.0]);
        for (frame, samples) in mix.samples.chunks_mut(2).enumerate() {
            let t = frame as f64 / RATE;
            let chord: f64 = [110.0, 165.0, 220.0].map(|hertz| (TAU * hertz * t).sin()).iter().sum();
            samples.iter_mut().for_each(|sample| *sample += (0.04 * chord) as f32);
        }
        let crest = |mix: &AudioBuffer| {
            let powers: Vec<f32> = mix
                .samples
                .chunks(32)
                .map(|b| b.iter().map(|s| s * s).sum::<f32>() / 32.0)
                .collect();
            peaks(mix).into_iter().fold(f64::MIN, f64::max) - loud(&powers, mix)
        };
        let (before, after) = (crest(&mix), crest(&compressed(mix)));
        assert!(before > 15.0 && (9.0..13.0).contains(&after), "{before} {after}");
    }

    #[test]
    fn silence_stays_silence() {
        let silence = AudioBuffer::silence(Rate::from_hz(RATE), 2, 4800);
        let gain = |mix: &AudioBuffer, loudness| compression(mix, loudness, 2).unwrap();
        assert_eq!(gain(&silence, f64::NEG_INFINITY), GainCurve::constant(1.0));
        let nothing = AudioBuffer::silence(Rate::from_hz(RATE), 2, 0);
        assert_eq!(gain(&nothing, -16.0), GainCurve::constant(1.0));
    }
}
