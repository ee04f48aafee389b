//! Loudness and true peak of a buffer under a gain, measured in segments side by side.
//!
//! Mastering measures a soundtrack several times over. A meter that is fed from the first frame to the last weighs each
//! frame after the one before and oversamples all of them. Here the weighting filter of each segment is warmed up on what
//! lies before it, so that segments do not wait for each other, and only what can be the true peak is oversampled. The
//! results are those of the meter for all that can be told (a test compares them), and the same on any number of threads.

use super::AudioBuffer;
use super::loudness::{GainCurve, Loudness};
use super::parallel;
use crate::error::{Error, Result};
use crate::progress::Monitor;
use ebur128::{EbuR128, Mode};
use std::f64::consts::PI;

/// Steps of 100 ms, by which gating blocks move on, in a segment.
const STEPS: usize = 30;

/// Steps before a segment with which its filter is warmed up: the poles of its high pass, at 38 Hz, forget by 200 dB in a
/// tenth of that.
const WARM_UP: usize = 4;

/// Steps in a gating block of 400 ms.
const GATING: usize = 4;

/// Frames whose peaks are looked at together.
const NEAR: usize = 64;

/// Most frames on which an oversampled value depends.
const TAPS: usize = 24;

/// What is heard of channels in a sum, dB, by BS.1770: 1 kHz at full scale on one channel is −3.01 LUFS.
const OFFSET: f64 = -0.691;

/// Loudness under which a block is silence.
const ABSOLUTE_GATE: f64 = -70.0;

/// How far under the mean loudness blocks are left out, dB.
const RELATIVE_GATE: f64 = -10.0;

/// Greatest share by which an oversampled value of the meter can be above all the samples that it is made of: the sum of the
/// absolute taps, four times oversampled up to 96 kHz and twice above.
fn overshoot(rate: u32) -> f32 {
    if rate < 96_000 { 1.87 } else { 2.31 }
}

/// Measures what `buffer`, of one channel or two, is after `gain` (ITU-R BS.1770-4; true peak by oversampling).
///
/// What is shorter than one gating block of 400 ms is measured as if it were repeated until it fills one.
///
/// # Errors
/// [`Error::Sound`] when the buffer's rate or number of channels cannot be measured; [`Error::Cancelled`].
pub(super) fn measure(
    buffer: &AudioBuffer,
    gain: &GainCurve,
    threads: usize,
    monitor: &Monitor<'_>,
) -> Result<Loudness> {
    let unfit = |error: ebur128::Error| Error::Sound {
        reason: format!(
            "{} channels at {} Hz cannot be measured: {error}",
            buffer.channels,
            buffer.rate.hz()
        ),
    };
    let rate = buffer.rate.hz().round() as u32;
    let meter = || EbuR128::new(buffer.channels as u32, rate, Mode::TRUE_PEAK).map_err(unfit);
    // An unfit buffer is found before any work.
    meter()?;
    let step = (rate as usize + 5) / 10;
    let frames = buffer.frames();
    if frames > 0 && frames < GATING * step {
        let mut samples = buffer.samples.clone();
        gain.apply(&mut samples, buffer.channels, 0);
        let times = (GATING * step).div_ceil(frames);
        let repeated = AudioBuffer {
            samples: samples.repeat(times),
            ..*buffer
        };
        return measure(&repeated, &GainCurve::constant(1.0), threads, monitor);
    }
    let firsts: Vec<usize> = (0..frames).step_by(STEPS * step).collect();
    let segments = parallel::each(threads, firsts, |first| {
        monitor.check()?;
        let segment = Segment {
            buffer,
            gain,
            first,
            step,
        };
        match buffer.channels {
            1 => Ok(segment.weigh::<1>(rate)),
            _ => Ok(segment.weigh::<2>(rate)),
        }
    })?;
    let energies: Vec<f64> = segments.iter().flat_map(|s| s.energies.iter().copied()).collect();

    // The block of the greatest sample first: where it is so much greater that others cannot come up to it, they are left out.
    let peaks: Vec<(usize, f32)> = segments.into_iter().flat_map(|s| s.peaks).collect();
    let Some(greatest) = (0..peaks.len()).max_by(|a, b| peaks[*a].1.total_cmp(&peaks[*b].1)) else {
        return Ok(Loudness {
            integrated: f64::NEG_INFINITY,
            true_peak: f64::NEG_INFINITY,
        });
    };
    let overshoot = overshoot(rate);
    let oversampled = |indices: &mut dyn Iterator<Item = usize>, least: f64| -> Result<f64> {
        let mut meter = meter()?;
        let mut most = least;
        let mut block = Vec::with_capacity((TAPS + NEAR) * buffer.channels);
        for index in indices {
            // The filter reaches back by less than two blocks, of which the last of a step may be short.
            let near = peaks[index.saturating_sub(2)..=index]
                .iter()
                .fold(0.0_f32, |most, p| most.max(p.1));
            if f64::from(near * overshoot) <= most {
                continue;
            }
            let first = peaks[index].0;
            let end = peaks.get(index + 1).map_or(frames, |next| next.0);
            let lead = first.min(TAPS);
            block.clear();
            block.resize((TAPS - lead) * buffer.channels, 0.0);
            block.extend_from_slice(&buffer.samples[(first - lead) * buffer.channels..end * buffer.channels]);
            let played = (TAPS - lead) * buffer.channels;
            gain.apply(&mut block[played..], buffer.channels, first - lead);
            let (before, own) = block.split_at(TAPS * buffer.channels);
            meter.seed_frames_f32(before).map_err(unfit)?;
            meter.add_frames_f32(own).map_err(unfit)?;
            for channel in 0..buffer.channels as u32 {
                most = most.max(meter.prev_true_peak(channel).map_err(unfit)?);
            }
        }
        Ok(most)
    };
    let first = oversampled(&mut std::iter::once(greatest), -1.0)?;
    let blocks: Vec<_> = (0..peaks.len()).collect();
    let rounds = blocks.chunks(STEPS * step.div_ceil(NEAR)).collect();
    let most = parallel::each(threads, rounds, |indices| {
        monitor.check()?;
        oversampled(&mut indices.iter().copied(), first)
    })?;
    Ok(Loudness {
        integrated: gated(&energies, step),
        true_peak: 20.0 * most.into_iter().fold(first, f64::max).log10(),
    })
}

/// What a segment has to be measured for.
struct Segment<'a> {
    buffer: &'a AudioBuffer,
    gain: &'a GainCurve,
    first: usize,
    step: usize,
}

/// What was measured of a segment.
struct Measured {
    /// Weighted energy of every whole step, all channels together.
    energies: Vec<f64>,
    /// First frame of every [`NEAR`] frames, and their greatest sample.
    peaks: Vec<(usize, f32)>,
}

impl Segment<'_> {
    /// The segment's steps, each with whether it is only there to warm the filter up, its first frame, and its samples
    /// after the gain.
    fn each_step(&self, mut work: impl FnMut(bool, usize, &[f32])) {
        let channels = self.buffer.channels;
        let end = (self.first + STEPS * self.step).min(self.buffer.frames());
        let mut samples = Vec::with_capacity(self.step * channels);
        let mut at = self.first.saturating_sub(WARM_UP * self.step);
        while at < end {
            let until = (at + self.step).min(end);
            samples.clear();
            samples.extend_from_slice(&self.buffer.samples[at * channels..until * channels]);
            self.gain.apply(&mut samples, channels, at);
            work(at < self.first, at, &samples);
            at = until;
        }
    }

    fn weigh<const C: usize>(&self, rate: u32) -> Measured {
        let [shelf, pass] = weighting(f64::from(rate));
        let (mut shelves, mut passes) = ([[0.0; 2]; C], [[0.0; 2]; C]);
        let mut energies = Vec::with_capacity(STEPS);
        let mut peaks = Vec::new();
        self.each_step(|warming, first, samples| {
            let mut sum = [0.0; C];
            for frame in samples.as_chunks::<C>().0 {
                for c in 0..C {
                    let shelved = shelf.next(&mut shelves[c], f64::from(frame[c]));
                    let weighted = pass.next(&mut passes[c], shelved);
                    sum[c] += weighted * weighted;
                }
            }
            if !warming {
                if samples.len() == self.step * C {
                    energies.push(sum.iter().sum());
                }
                put_peaks(&mut peaks, first, samples, C);
            }
        });
        Measured { energies, peaks }
    }
}

fn put_peaks(peaks: &mut Vec<(usize, f32)>, first: usize, samples: &[f32], channels: usize) {
    let greatest = |block: &[f32]| {
        block
            .iter()
            .fold(0.0_f32, |most, s| if s.abs() > most { s.abs() } else { most })
    };
    let blocks = samples.chunks(NEAR * channels).map(greatest);
    peaks.extend((first..).step_by(NEAR).zip(blocks));
}

/// A filter of second order, transposed direct form II; the state is two numbers.
#[derive(Clone, Copy)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    #[inline]
    fn next(&self, state: &mut [f64; 2], x: f64) -> f64 {
        let y = self.b[0] * x + state[0];
        state[0] = self.b[1] * x - self.a[0] * y + state[1];
        state[1] = self.b[2] * x - self.a[1] * y;
        y
    }
}

/// The K weighting of BS.1770 for any rate: a shelf for the head and a high pass. The analogue prototypes are those that
/// give the standard's coefficients at 48 kHz.
fn weighting(rate: f64) -> [Biquad; 2] {
    let (hertz, gain, q) = (1_681.974_450_955_533, 3.999_843_853_973_347, 0.707_175_236_955_419_6);
    let k = (PI * hertz / rate).tan();
    let high = 10.0_f64.powf(gain / 20.0);
    let band = high.powf(0.499_666_774_154_541_6);
    let a0 = 1.0 + k / q + k * k;
    let shelf = Biquad {
        b: [
            (high + band * k / q + k * k) / a0,
            2.0 * (k * k - high) / a0,
            (high - band * k / q + k * k) / a0,
        ],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
    };
    let (hertz, q) = (38.135_470_876_024_44, 0.500_327_037_323_877_3);
    let k = (PI * hertz / rate).tan();
    let a0 = 1.0 + k / q + k * k;
    let pass = Biquad {
        b: [1.0, -2.0, 1.0],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
    };
    [shelf, pass]
}

/// Integrated loudness from the energies of steps of so many frames, LUFS; −∞ where all is silence.
fn gated(energies: &[f64], step: usize) -> f64 {
    let per_frame = 1.0 / (GATING * step) as f64;
    let energy = |loudness: f64| 10.0_f64.powf((loudness - OFFSET) / 10.0);
    let blocks = energies
        .windows(GATING)
        .map(|steps| steps.iter().sum::<f64>() * per_frame);
    let loud: Vec<f64> = blocks.filter(|block| *block >= energy(ABSOLUTE_GATE)).collect();
    let mean = |blocks: &[f64]| blocks.iter().sum::<f64>() / blocks.len() as f64;
    if loud.is_empty() {
        return f64::NEG_INFINITY;
    }
    let gate = mean(&loud) * 10.0_f64.powf(RELATIVE_GATE / 10.0);
    let heard: Vec<f64> = loud.into_iter().filter(|block| *block >= gate).collect();
    10.0 * mean(&heard).log10() + OFFSET
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::loudness;
    use crate::time::Rate;

    /// Bursts of noise of many lengths and levels, some of them silence.
    fn bursts(rate: f64, channels: usize, frames: usize) -> AudioBuffer {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1_u32 << 23) - 1.0
        };
        let mut samples = Vec::with_capacity(frames * channels);
        while samples.len() < frames * channels {
            let level = 10.0_f64.powf(-2.5 * next().abs()) * f64::from(u8::from(next() > -0.7));
            for _ in 0..(rate * next().abs() / 4.0) as usize * channels {
                samples.push((level * next()) as f32);
            }
        }
        samples.truncate(frames * channels);
        AudioBuffer {
            rate: Rate::from_hz(rate),
            channels,
            samples,
        }
    }

    #[test]
    fn what_is_measured_is_what_the_meter_says() {
        for (rate, channels, seconds) in [
            (48_000.0, 2, 20.03),
            (44_100.0, 2, 11.111),
            (96_000.0, 2, 6.0),
            (48_000.0, 1, 4.0),
            (22_050.0, 2, 3.3),
            (192_000.0, 2, 2.0),
            (48_000.0, 2, 0.41),
            (48_000.0, 2, 0.3),
            (48_000.0, 2, 0.001),
        ] {
            let buffer = bursts(rate, channels, (rate * seconds) as usize);
            let theirs = loudness::measure(&buffer).expect("measured");
            for threads in [1, 2] {
                let unity = GainCurve::constant(1.0);
                let ours = measure(&buffer, &unity, threads, &Monitor::none()).expect("measured");
                assert!(
                    (ours.integrated - theirs.integrated).abs() < 1e-6 || ours.integrated == theirs.integrated,
                    "{rate} {seconds}: {ours:?} {theirs:?}"
                );
                assert_eq!(ours.true_peak, theirs.true_peak, "{rate} {seconds}");
            }
        }
    }

    #[test]
    fn silence_and_nothing() {
        for frames in [0, 100, 48_000] {
            let silence = AudioBuffer::silence(Rate::from_hz(48_000.0), 2, frames);
            let measured = measure(&silence, &GainCurve::constant(1.0), 2, &Monitor::none()).expect("measured");
            assert_eq!(measured.integrated, f64::NEG_INFINITY);
            assert_eq!(measured.true_peak, f64::NEG_INFINITY);
        }
    }
}
