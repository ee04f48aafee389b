//! Loudness and true peak of a buffer under a gain, measured in segments in parallel.
//!
//! Mastering measures a soundtrack several times. An ordinary meter filters all frames sequentially
//! and oversamples all of them. Here the weighting filter of each segment is warmed up on the
//! frames before it, so that segments are independent, and only frames that can contain the true
//! peak are oversampled. The results equal those of an ordinary meter for practical purposes (a
//! test compares them) and do not depend on the number of threads.

use super::AudioBuffer;
use super::gain::{GainCurve, Loudness, STEP};
use super::parallel;
use crate::error::{Error, Result};
use crate::progress::Monitor;
use crate::shown;
use ebur128::{EbuR128, Mode};
use std::array;
use std::f64::consts::PI;

/// Steps of 100 ms, by which gating blocks advance, in a segment.
const STEPS: usize = 30;

/// Steps before a segment that warm up its filter: the impulse response of its high pass, at 38 Hz,
/// decays by 200 dB in a tenth of that.
const WARM_UP: usize = 4;

/// Steps in a gating block of 400 ms.
const GATING: usize = 4;

/// Frames in a block. The greatest sample of a block decides whether the block is oversampled.
const NEAR: usize = 64;

/// Length, in frames, of the interpolation filter: an oversampled value is computed from this many
/// neighbouring frames at most.
const TAPS: usize = 24;

/// Greatest number of consecutive blocks that are given to a thread at once.
const OVERSAMPLED: usize = 2048;

/// Constant of the loudness formula of BS.1770, dB: loudness is this plus 10 · log10 of the mean
/// square of the weighted samples, summed over the channels. A sine of 1 kHz at full scale on one
/// channel then has −3.01 LUFS.
const OFFSET: f64 = -0.691;

/// Loudness below which a block is silence and is not counted, LUFS.
const ABSOLUTE_GATE: f64 = -70.0;

/// Blocks that are quieter than the mean loudness by more than this are not counted, dB.
const RELATIVE_GATE: f64 = -10.0;

/// Number of frames in a step of 100 ms, rounded.
fn step(rate: u32) -> usize {
    (rate as usize + 5) / 10
}

/// Upper bound of an oversampled value, relative to the greatest of the samples from which it is
/// interpolated: the sum of the absolute values of the filter's coefficients. The filter
/// oversamples four times below 96 kHz, and twice from there on.
fn overshoot(rate: u32) -> f32 {
    if rate < 96_000 { 1.87 } else { 2.31 }
}

/// Measures `buffer`, of one or two channels, after `gain` (ITU-R BS.1770-4; true peak by
/// oversampling).
///
/// A buffer shorter than one gating block of 400 ms is measured as if it were repeated until it
/// fills one.
///
/// # Errors
/// [`Error::Sound`] when the buffer's rate or number of channels cannot be measured;
/// [`Error::Cancelled`].
pub(super) fn measure(
    buffer: &AudioBuffer,
    gain: &GainCurve,
    threads: usize,
    monitor: &Monitor<'_>,
) -> Result<Loudness> {
    // Finds an unsuitable buffer before any work is done.
    meter(buffer, Mode::TRUE_PEAK)?;
    let rate = buffer.rate.hz().round() as u32;
    let step = step(rate);
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
    let peaks: Vec<(usize, f32)> = segments.into_iter().flat_map(|s| s.peaks).collect();
    Ok(Loudness {
        integrated: gated(&energies, step),
        true_peak: oversampled(buffer, gain, &peaks, overshoot(rate), threads, monitor)?,
    })
}

/// True peak of `buffer` after `gain`, dBTP: `peaks` gives the first frame of each block and a
/// bound on its samples after the gain; no oversampled value exceeds `overshoot` times the greatest
/// of the samples on which it depends.
///
/// # Errors
/// Those of [`measure`].
fn oversampled(
    buffer: &AudioBuffer,
    gain: &GainCurve,
    peaks: &[(usize, f32)],
    overshoot: f32,
    threads: usize,
    monitor: &Monitor<'_>,
) -> Result<f64> {
    let most_of = |indices: &mut dyn Iterator<Item = usize>, least: f64| -> Result<f64> {
        let mut meter = meter(buffer, Mode::TRUE_PEAK)?;
        let mut most = least;
        let mut block = Vec::with_capacity((TAPS + NEAR) * buffer.channels);
        for index in indices {
            // The filter reaches back by less than two blocks, of which the last of a step may be
            // short.
            let near = peaks[index.saturating_sub(2)..=index]
                .iter()
                .fold(0.0_f32, |most, p| most.max(p.1));
            if f64::from(near * overshoot) <= most {
                continue;
            }
            let first = peaks[index].0;
            let end = peaks.get(index + 1).map_or(buffer.frames(), |next| next.0);
            let lead = first.min(TAPS);
            block.clear();
            block.resize((TAPS - lead) * buffer.channels, 0.0);
            block.extend_from_slice(&buffer.samples[(first - lead) * buffer.channels..end * buffer.channels]);
            let played = (TAPS - lead) * buffer.channels;
            gain.apply(&mut block[played..], buffer.channels, first - lead);
            let (before, own) = block.split_at(TAPS * buffer.channels);
            meter.seed_frames_f32(before).map_err(unfit(buffer))?;
            meter.add_frames_f32(own).map_err(unfit(buffer))?;
            for channel in 0..buffer.channels as u32 {
                most = most.max(meter.prev_true_peak(channel).map_err(unfit(buffer))?);
            }
        }
        Ok(most)
    };
    // The block of the greatest sample comes first: blocks that cannot reach its value are left
    // out.
    let Some(greatest) = (0..peaks.len()).max_by(|a, b| peaks[*a].1.total_cmp(&peaks[*b].1)) else {
        return Ok(f64::NEG_INFINITY);
    };
    let first = most_of(&mut std::iter::once(greatest), -1.0)?;
    let blocks: Vec<_> = (0..peaks.len()).collect();
    let rounds = blocks.chunks(OVERSAMPLED).collect();
    let most = parallel::each(threads, rounds, |indices: &[usize]| {
        monitor.check()?;
        most_of(&mut indices.iter().copied(), first)
    })?;
    Ok(20.0 * most.into_iter().fold(first, f64::max).log10())
}

/// True peak of `buffer` after `gain`, dBTP. For every [`STEP`] frames, `bounds` is an upper bound
/// of the values before the gain, on and between the samples, so that most of the buffer need not
/// be examined.
///
/// # Errors
/// Those of [`measure`].
pub(super) fn true_peak(
    buffer: &AudioBuffer,
    gain: &GainCurve,
    bounds: &[f32],
    threads: usize,
    monitor: &Monitor<'_>,
) -> Result<f64> {
    let peaks = bounds.chunks(NEAR / STEP).enumerate().map(|(block, bounds)| {
        let first = block * NEAR;
        let after = (0..).zip(bounds).map(|(step, bound)| {
            let frame = first + step * STEP;
            // Slightly more than rounding can add.
            1.0001 * bound * gain.point(frame / STEP).max(gain.point(frame / STEP + 1))
        });
        (first, after.fold(0.0, f32::max))
    });
    oversampled(buffer, gain, &peaks.collect::<Vec<_>>(), 1.0, threads, monitor)
}

pub(super) fn meter(buffer: &AudioBuffer, mode: Mode) -> Result<EbuR128> {
    EbuR128::new(buffer.channels as u32, buffer.rate.hz().round() as u32, mode).map_err(unfit(buffer))
}

pub(super) fn unfit(buffer: &AudioBuffer) -> impl Fn(ebur128::Error) -> Error {
    move |error| Error::Sound {
        reason: format!(
            "{} at {} Hz cannot be measured: {error}",
            shown::count(buffer.channels, "channel"),
            buffer.rate.hz()
        ),
    }
}

/// The measurements required of a segment.
struct Segment<'a> {
    buffer: &'a AudioBuffer,
    gain: &'a GainCurve,
    first: usize,
    step: usize,
}

/// The measurements of a segment.
struct Measured {
    /// Weighted energy of every whole step, all channels together.
    energies: Vec<f64>,
    /// First frame of every [`NEAR`] frames, and their greatest sample.
    peaks: Vec<(usize, f32)>,
}

impl Segment<'_> {
    /// Calls `work` for each of the segment's steps with: whether it only warms up the filter, its
    /// first frame, and its samples after the gain.
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
        let mut weighting = Weighting::<C>::new(rate);
        let mut energies = Vec::with_capacity(STEPS);
        let mut peaks = Vec::new();
        self.each_step(|warming, first, samples| {
            let energy = weighting.energy(samples.as_chunks::<C>().0);
            if !warming {
                if samples.len() == self.step * C {
                    energies.push(energy);
                }
                put_peaks(&mut peaks, first, samples, C);
            }
        });
        Measured { energies, peaks }
    }
}

/// Weighted energy of every [`STEP`] frames of a buffer, from which the loudness under any slowly
/// changing gain can be computed: for such a gain, weighting and gain are interchangeable.
pub(super) struct Weighted {
    energies: Vec<f32>,
    /// Frames in a step of 100 ms.
    step: usize,
    frames: usize,
}

impl Weighted {
    /// Weights a buffer of one or two channels.
    ///
    /// # Errors
    /// Those of [`measure`].
    pub fn of(buffer: &AudioBuffer, threads: usize, monitor: &Monitor<'_>) -> Result<Self> {
        meter(buffer, Mode::TRUE_PEAK)?;
        let rate = buffer.rate.hz().round() as u32;
        let (step, frames) = (step(rate), buffer.frames());
        let length = (STEPS * step).next_multiple_of(STEP);
        let warm_up = (WARM_UP * step).next_multiple_of(STEP);
        let firsts: Vec<usize> = (0..frames).step_by(length).collect();
        let segments = parallel::each(threads, firsts, |first| {
            monitor.check()?;
            let (before, end) = (first.saturating_sub(warm_up), (first + length).min(frames));
            let samples = &buffer.samples[before * buffer.channels..end * buffer.channels];
            let warm = (first - before) * buffer.channels;
            Ok(match buffer.channels {
                1 => energies::<1>(samples, warm, rate),
                _ => energies::<2>(samples, warm, rate),
            })
        })?;
        Ok(Self {
            energies: segments.concat(),
            step,
            frames,
        })
    }

    /// Integrated loudness under a gain, LUFS; −∞ if all is silence. On soundtracks it is
    /// within 0.02 LU of the measured value.
    pub fn loudness(&self, gain: &GainCurve) -> f64 {
        let mut steps = vec![0.0; (self.frames / self.step).max(1)];
        for (index, energy) in self.energies.iter().enumerate() {
            let gain = f64::from(gain.point(index) + gain.point(index + 1)) / 2.0;
            if let Some(sum) = steps.get_mut(index * STEP / self.step) {
                *sum += gain * gain * f64::from(*energy);
            }
        }
        if self.frames < GATING * self.step {
            // As if it were repeated until it fills a block.
            let mean = steps.iter().sum::<f64>() / self.frames.max(1) as f64;
            return gated(&[mean * self.step as f64; GATING], self.step);
        }
        gated(&steps, self.step)
    }
}

/// Weighted energy of every [`STEP`] frames, after the given number of samples that only warm up
/// the filter.
fn energies<const C: usize>(samples: &[f32], warm: usize, rate: u32) -> Vec<f32> {
    let mut weighting = Weighting::<C>::new(rate);
    let (before, own) = samples.split_at(warm);
    weighting.energy(before.as_chunks::<C>().0);
    let groups = own.as_chunks::<C>().0.chunks(STEP);
    groups.map(|frames| weighting.energy(frames) as f32).collect()
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

/// A second-order filter, transposed direct form II.
#[derive(Clone, Copy)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    /// The next sample of channels that are filtered together; the state is two numbers per
    /// channel.
    #[inline]
    fn next<const C: usize>(&self, state: &mut [[f64; C]; 2], x: [f64; C]) -> [f64; C] {
        let y: [f64; C] = array::from_fn(|c| self.b[0] * x[c] + state[0][c]);
        *state = [
            array::from_fn(|c| self.b[1] * x[c] - self.a[0] * y[c] + state[1][c]),
            array::from_fn(|c| self.b[2] * x[c] - self.a[1] * y[c]),
        ];
        y
    }
}

/// The K weighting applied to channels, with its state.
struct Weighting<const C: usize> {
    filters: [Biquad; 2],
    states: [[[f64; C]; 2]; 2],
}

impl<const C: usize> Weighting<C> {
    fn new(rate: u32) -> Self {
        Self {
            filters: weighting(f64::from(rate)),
            states: [[[0.0; C]; 2]; 2],
        }
    }

    /// Energy of the next frames, weighted, all channels together.
    fn energy(&mut self, frames: &[[f32; C]]) -> f64 {
        let [shelf, pass] = self.filters;
        let [mut shelves, mut passes] = self.states;
        let mut sums = [0.0; C];
        for frame in frames {
            let weighted = pass.next(&mut passes, shelf.next(&mut shelves, frame.map(f64::from)));
            sums = array::from_fn(|c| sums[c] + weighted[c] * weighted[c]);
        }
        self.states = [shelves, passes];
        sums.iter().sum()
    }
}

/// The K weighting of BS.1770 for any rate: a shelf for the head and a high pass. The analogue
/// prototypes are those that give the standard's coefficients at 48 kHz.
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

/// Integrated loudness from the energies of steps with so many frames, LUFS; −∞ if all is
/// silence.
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
    fn measurements_equal_those_of_the_meter() {
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
