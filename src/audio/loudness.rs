//! Loudness and true peak: measured by ITU-R BS.1770, and adjusted to their targets by a gain and a
//! limiter.
//!
//! The gain changes slowly over time and is the same for both channels, so it is kept as a curve.
//! The curve also gives the stems: the sum of the parts times the curve is the sum of each part
//! times the curve.

use super::gain::{GainCurve, Loudness, STEP, decibels, ratio};
use super::meter::{self, Weighted};
use super::{AudioBuffer, parallel};
use crate::error::Result;
use crate::progress::Monitor;
use crate::settings::SoundSettings;
use crate::time::Span;
use ebur128::Mode;
use std::collections::VecDeque;

/// Frames measured at a time.
const CHUNK: usize = 4096;

/// Least length that BS.1770 can measure: one gating block.
const GATING_BLOCK: Span = Span::from_seconds(0.4);

/// Half of the time over which the limiter closes before a peak: short enough that a drum keeps the
/// punch of its attack, and long enough that closing does not click.
const ATTACK: Span = Span::from_seconds(0.0015);

/// How long the limiter stays closed after a peak: half a wave of a kick drum (50 Hz), which it
/// must not follow.
const HOLD: Span = Span::from_seconds(0.01);

/// Time constant with which the limiter opens again: slow enough not to distort, fast enough that
/// the next sixteenth note is not lowered by this one.
const RELEASE: Span = Span::from_seconds(0.06);

/// Maximum reduction of a peak by the limiter, dB. A piece whose few peaks would need more stays
/// softer than requested: with more, drums lose their attack.
const MOST_REDUCTION: f64 = 12.0;

/// Tolerance of the target loudness, LU. EBU R 128 allows ±0.5.
const NEAR: f64 = 0.1;

/// Rounds of adjusting gain and ceiling.
const ROUNDS: usize = 12;

/// Headroom below the allowed peak in the first round, dB: the limiter's own estimate of true peaks
/// is slightly inaccurate.
const MARGIN: f64 = 0.03;

/// Loudness below which a buffer is silence: BS.1770's absolute gate.
const SILENCE: f64 = -70.0;

/// How far below the requested true peak the sound is limited, dB. Lossy encoders overshoot: AAC at
/// 256 kb/s by up to 0.7 dB on 24 soundtracks, and the requested peak applies to the encoded file.
pub(crate) const ENCODER_HEADROOM: f64 = 1.0;

/// The true peak to which sound is limited, dBTP.
pub(super) fn ceiling(settings: &SoundSettings) -> f64 {
    settings.peak - ENCODER_HEADROOM
}

/// Measures a buffer (ITU-R BS.1770-4; true peak by oversampling).
///
/// A buffer shorter than one gating block of 400 ms is measured as if it were repeated until it
/// fills one.
///
/// # Errors
/// [`Error::Sound`](crate::Error::Sound) when the buffer's rate or number of channels cannot be
/// measured.
pub fn measure(buffer: &AudioBuffer) -> Result<Loudness> {
    in_turn(buffer, &GainCurve::constant(1.0), &Monitor::none())
}

/// Measures `buffer` after the gain, on the given number of threads.
fn measure_with(buffer: &AudioBuffer, gain: &GainCurve, threads: usize, monitor: &Monitor<'_>) -> Result<Loudness> {
    // More than two channels have different weights; sound made here never has more.
    match buffer.channels {
        1 | 2 => meter::measure(buffer, gain, threads, monitor),
        _ => in_turn(buffer, gain, monitor),
    }
}

/// Integrated loudness of a buffer, LUFS, on so many threads.
pub(super) fn integrated(buffer: &AudioBuffer, threads: usize, monitor: &Monitor<'_>) -> Result<f64> {
    Ok(measure_with(buffer, &GainCurve::constant(1.0), threads, monitor)?.integrated)
}

/// Measures `buffer` after the gain, from the first frame to the last.
fn in_turn(buffer: &AudioBuffer, gain: &GainCurve, monitor: &Monitor<'_>) -> Result<Loudness> {
    let mut meter = meter::meter(buffer, Mode::I | Mode::TRUE_PEAK)?;
    if buffer.frames() > 0 {
        let needed = buffer.rate.count(GATING_BLOCK).ceil() as usize;
        for _ in 0..needed.div_ceil(buffer.frames()) {
            let mut chunk = Vec::with_capacity(CHUNK * buffer.channels);
            for (index, samples) in buffer.samples.chunks(CHUNK * buffer.channels).enumerate() {
                monitor.check()?;
                chunk.clear();
                chunk.extend_from_slice(samples);
                gain.apply(&mut chunk, buffer.channels, index * CHUNK);
                meter.add_frames_f32(&chunk).map_err(meter::unfit(buffer))?;
            }
        }
    }
    let mut peak = 0.0_f64;
    for channel in 0..buffer.channels as u32 {
        peak = peak.max(meter.true_peak(channel).map_err(meter::unfit(buffer))?);
    }
    Ok(Loudness {
        integrated: meter.loudness_global().map_err(meter::unfit(buffer))?,
        true_peak: decibels(peak),
    })
}

/// Brings a buffer of one or two channels to a loudness, with measured true peaks at or below
/// `peak`. Returns the gain that was applied, and the loudness measured afterwards.
///
/// The loudness is met to ±0.1 LU unless the limiter would have to reduce a peak by more than 12
/// dB; then it is as close as that allows. Silence (below −70 LUFS) is not changed.
///
/// # Errors
/// [`Error::Sound`](crate::Error::Sound) when the buffer's rate or number of channels cannot be
/// measured; [`Error::Cancelled`](crate::Error::Cancelled), which leaves the buffer as it was.
#[cfg(test)]
fn master(buffer: &mut AudioBuffer, loudness: f64, peak: f64, monitor: &Monitor<'_>) -> Result<(GainCurve, Loudness)> {
    let (curve, _) = find_gain(buffer, loudness, peak, 1, monitor)?;
    curve.apply(&mut buffer.samples, buffer.channels, 0);
    let measured = measure_with(buffer, &GainCurve::constant(1.0), 1, monitor)?;
    Ok((curve, measured))
}

/// The gain that [`master`] applies, and the true peak that will then be measured, dBTP, computed
/// on the given number of threads.
///
/// Loudness is computed from energies that are weighted once, so that a round of gain and ceiling
/// is cheap; true peaks are measured.
pub(super) fn find_gain(
    buffer: &AudioBuffer,
    loudness: f64,
    peak: f64,
    threads: usize,
    monitor: &Monitor<'_>,
) -> Result<(GainCurve, f64)> {
    let weighted = Weighted::of(buffer, threads, monitor)?;
    let raw = weighted.loudness(&GainCurve::constant(1.0));
    let mut peaks = Peaks::of(buffer, threads, monitor)?;
    if raw < SILENCE {
        let curve = GainCurve::constant(1.0);
        let highest = peaks.after(&curve)?;
        return Ok((curve, highest));
    }
    let most = peak + MOST_REDUCTION - decibels(f64::from(peaks.greatest()));
    let mut gain = (loudness - raw).min(most);
    let mut ceiling = peak - MARGIN;
    let mut curve = GainCurve::constant(1.0);
    let mut highest = f64::INFINITY;
    for _ in 0..ROUNDS {
        curve = peaks.limit(ratio(gain), ratio(ceiling))?;
        let short = loudness - weighted.loudness(&curve);
        if short.abs() < NEAR || (short > 0.0 && gain >= most) {
            highest = peaks.after(&curve)?;
            if highest <= peak {
                break;
            }
            ceiling -= highest - peak + MARGIN / 3.0;
        }
        // The limiter removes part of any added gain, so slightly more is added than is missing.
        let step = if short > 0.0 && curve.reduction() > 0.0 {
            1.3 * short
        } else {
            short
        };
        gain = (gain + step).min(most);
    }
    if highest > peak {
        highest = peaks.after(&curve)?;
    }
    if highest > peak {
        // Scaling down is exact, limiting is not.
        curve.level *= ratio(peak - highest - 1e-3);
        highest = peaks.after(&curve)?;
    }
    Ok((curve, highest))
}

/// Lowers only peaks above `peak` dBTP.
///
/// # Errors
/// [`Error::Sound`](crate::Error::Sound) when the buffer's rate or number of channels cannot be
/// measured; [`Error::Cancelled`](crate::Error::Cancelled), which leaves the buffer as it was.
pub fn limit(buffer: &mut AudioBuffer, peak: f64, monitor: &Monitor<'_>) -> Result<Loudness> {
    let mut measured = measure_with(buffer, &GainCurve::constant(1.0), 1, monitor)?;
    if measured.true_peak <= peak {
        return Ok(measured);
    }
    let mut peaks = Peaks::of(buffer, 1, monitor)?;
    let mut ceiling = peak - MARGIN;
    let mut curve = GainCurve::constant(1.0);
    for _ in 0..ROUNDS {
        curve = peaks.limit(1.0, ratio(ceiling))?;
        measured = measure_with(buffer, &curve, 1, monitor)?;
        let over = measured.true_peak - peak;
        if over <= 0.0 {
            break;
        }
        ceiling -= over + MARGIN / 3.0;
    }
    if measured.true_peak > peak {
        curve.level *= ratio(peak - measured.true_peak - 1e-3);
        measured = measure_with(buffer, &curve, 1, monitor)?;
    }
    curve.apply(&mut buffer.samples, buffer.channels, 0);
    Ok(measured)
}

/// True peak of every [`STEP`] frames, both channels together.
///
/// Finding values between the samples takes time, so it is done only where they can matter.
struct Peaks<'a> {
    buffer: &'a AudioBuffer,
    threads: usize,
    monitor: &'a Monitor<'a>,
    values: Vec<f32>,
    /// Upper bound of the values between the samples; 0 if they have been examined.
    bounds: Vec<f32>,
    taps: [[f32; 2 * REACH]; BETWEEN],
}

/// Taps on each side of an interpolated value.
const REACH: usize = 8;

/// Upper bound of a true peak, relative to the value found here: a filter with this many taps is
/// off by up to 0.4 dB near half the rate, where there is little sound.
const SURELY: f32 = 1.06;

/// Values computed between two samples: oversampling by four, as BS.1770-4 Annex 2 requires at 48
/// kHz.
const BETWEEN: usize = 3;

impl<'a> Peaks<'a> {
    fn of(buffer: &'a AudioBuffer, threads: usize, monitor: &'a Monitor<'a>) -> Result<Self> {
        let blocks = buffer.samples.chunks(STEP * buffer.channels);
        let values: Vec<f32> = blocks.map(greatest).collect();
        let taps = interpolation();
        let bound = taps
            .iter()
            .map(|phase| phase.iter().map(|tap| tap.abs()).sum::<f32>())
            .fold(1.0, f32::max);
        // Windows reach into the neighbouring blocks, not further.
        let near = |block: usize| greatest(&values[block.saturating_sub(1)..(block + 2).min(values.len())]);
        let bounds = (0..values.len()).map(|block| bound * near(block)).collect();
        let mut peaks = Self {
            buffer,
            threads,
            monitor,
            values,
            bounds,
            taps,
        };
        // Makes sure that the greatest value is known.
        peaks.look_above(greatest(&peaks.values))?;
        Ok(peaks)
    }

    /// True peak of the buffer after a gain, dBTP, as measured.
    fn after(&self, gain: &GainCurve) -> Result<f64> {
        let known = |(value, bound): (&f32, &f32)| if *bound == 0.0 { SURELY * value } else { *bound };
        let bounds: Vec<f32> = self.values.iter().zip(&self.bounds).map(known).collect();
        meter::true_peak(self.buffer, gain, &bounds, self.threads, self.monitor)
    }

    fn greatest(&self) -> f32 {
        greatest(&self.values).max(f32::MIN_POSITIVE)
    }

    /// Examines the values between the samples wherever one above `peak` is possible.
    fn look_above(&mut self, peak: f32) -> Result<()> {
        let wanted = |block: &usize| self.bounds[*block] > peak;
        let wanted: Vec<usize> = (0..self.values.len()).filter(wanted).collect();
        let rounds = wanted.chunks(CHUNK).collect();
        let found = parallel::each(self.threads, rounds, |blocks: &[usize]| {
            self.monitor.check()?;
            let channels = 0..self.buffer.channels;
            let found = |block: &usize| {
                let values = channels
                    .clone()
                    .map(|c| between(self.buffer, c, block * STEP, &self.taps));
                (*block, values.fold(0.0, f32::max))
            };
            Ok(blocks.iter().map(found).collect::<Vec<_>>())
        })?;
        for (block, value) in found.into_iter().flatten() {
            self.values[block] = self.values[block].max(value);
            self.bounds[block] = 0.0;
        }
        Ok(())
    }

    /// The curve that multiplies by `level` and keeps peaks under `ceiling`.
    ///
    /// A point's gain is at most the gain allowed by the blocks on both sides of it, and points are
    /// joined by straight lines, so within a block the gain is never more than the block allows.
    /// The least gain of a window, opened exponentially and then averaged over the same window,
    /// keeps that bound and has no steps.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    fn limit(&mut self, level: f64, ceiling: f64) -> Result<GainCurve> {
        // Blocks certain to be below the ceiling need no exact value; the factor allows for
        // rounding.
        self.look_above((0.999 * ceiling / level) as f32)?;
        let allowed = |peak: f32| (ceiling / (level * f64::from(peak))).min(1.0) as f32;
        let needed: Vec<f32> = self.values.iter().map(|peak| allowed(*peak)).collect();
        if needed.iter().all(|gain| *gain >= 1.0) {
            return Ok(GainCurve::constant(level));
        }
        let count = needed.len() + 1;
        let rate = self.buffer.rate;
        let reach = (rate.count(ATTACK) / STEP as f64).ceil() as usize;
        let hold = (rate.count(HOLD) / STEP as f64).ceil() as usize;
        let open = 1.0 - (-(STEP as f64) / rate.count(RELEASE)).exp();
        let mut held = Vec::with_capacity(count);
        let mut gain = 1.0_f64;
        let mut window = Least::of(&needed);
        for point in 0..count {
            // Points point − reach … point + reach touch the blocks from one before the first
            // to the last.
            let from = point.saturating_sub(reach + hold + 1);
            let to = (point + reach + 1).min(needed.len());
            let least = window.between(from, to).min(1.0);
            gain = f64::from(least).min(gain + (1.0 - gain) * open);
            held.push(gain);
        }
        let points = (0..count)
            .map(|point| {
                let window = &held[point.saturating_sub(reach)..(point + reach + 1).min(count)];
                (window.iter().sum::<f64>() / window.len() as f64) as f32
            })
            .collect();
        Ok(GainCurve { level, points })
    }
}

/// The minimum of a sliding window over values.
struct Least<'a> {
    values: &'a [f32],
    /// Values up to here have been examined.
    seen: usize,
    /// Indices, in rising order, of the values that are less than all values after them; the first
    /// is the least of the window.
    places: VecDeque<usize>,
}

impl<'a> Least<'a> {
    fn of(values: &'a [f32]) -> Self {
        let (seen, places) = (0, VecDeque::new());
        Self { values, seen, places }
    }

    /// The least of the values from `from` up to `to`, neither of which may be less than in the
    /// previous call; +∞ for an empty range.
    fn between(&mut self, from: usize, to: usize) -> f32 {
        for place in self.seen..to {
            while self
                .places
                .back()
                .is_some_and(|last| self.values[*last] >= self.values[place])
            {
                self.places.pop_back();
            }
            self.places.push_back(place);
        }
        self.seen = self.seen.max(to);
        while self.places.front().is_some_and(|first| *first < from) {
            self.places.pop_front();
        }
        self.places.front().map_or(f32::INFINITY, |first| self.values[*first])
    }
}

fn greatest(samples: &[f32]) -> f32 {
    let louder = |most: f32, sample: &f32| if sample.abs() > most { sample.abs() } else { most };
    samples.iter().fold(0.0, louder)
}

/// Greatest absolute value between the samples of one channel in the block that begins at frame
/// `first`: from just before its first sample to just after its last.
fn between(buffer: &AudioBuffer, channel: usize, first: usize, taps: &[[f32; 2 * REACH]; BETWEEN]) -> f32 {
    let mut samples = [0.0_f32; STEP + 2 * REACH];
    for (index, sample) in samples.iter_mut().enumerate() {
        let frame = (first + index).checked_sub(REACH);
        let value = frame.and_then(|frame| buffer.samples.get(frame * buffer.channels + channel));
        *sample = value.copied().unwrap_or(0.0);
    }
    // Window number i is centred between samples i + REACH − 1 and i + REACH: the first lies
    // before the block. All of them are summed together, tap by tap.
    let mut peak = 0.0_f32;
    for phase in taps {
        let mut sums = [0.0_f32; STEP + 1];
        for (tap, weight) in phase.iter().enumerate() {
            for (sum, sample) in sums.iter_mut().zip(&samples[tap..]) {
                *sum += sample * weight;
            }
        }
        peak = peak.max(greatest(&sums));
    }
    peak
}

/// Windowed-sinc filters for the three places between two samples.
fn interpolation() -> [[f32; 2 * REACH]; BETWEEN] {
    use std::f64::consts::PI;
    std::array::from_fn(|phase| {
        let place = (phase + 1) as f64 / (BETWEEN + 1) as f64;
        let mut taps: [f64; 2 * REACH] = std::array::from_fn(|tap| {
            let distance = tap as f64 - (REACH as f64 - 1.0) - place;
            let sinc = if distance == 0.0 {
                1.0
            } else {
                (PI * distance).sin() / (PI * distance)
            };
            let window = (PI * distance / (2.0 * REACH as f64)).cos().powi(2);
            sinc * window
        });
        let sum: f64 = taps.iter().sum();
        taps.iter_mut().for_each(|tap| *tap /= sum);
        taps.map(|tap| tap as f32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Rate;
    use std::f64::consts::TAU;

    fn stereo(rate: f64, seconds: f64, wave: impl Fn(f64) -> f64) -> AudioBuffer {
        let frames = (rate * seconds) as usize;
        let samples = (0..frames)
            .flat_map(|frame| [wave(frame as f64 / rate) as f32; 2])
            .collect();
        AudioBuffer {
            rate: Rate::from_hz(rate),
            channels: 2,
            samples,
        }
    }

    /// Decaying bursts: as demanding for a limiter as drums are.
    fn hits(rate: f64, seconds: f64, every: f64) -> AudioBuffer {
        stereo(rate, seconds, |t| {
            let since = t % every;
            (-since / 0.05).exp() * (TAU * 80.0 * since).sin() + 0.3 * (-since / 0.004).exp() * (TAU * 3100.0 * t).sin()
        })
    }

    #[test]
    fn a_sine_measures_as_in_the_standard() {
        // EBU Tech 3341: a stereo sine of 1 kHz at −23 dBFS is −23 LUFS.
        let sine = stereo(48_000.0, 5.0, |t| ratio(-23.0) * (TAU * 1000.0 * t).sin());
        let measured = measure(&sine).expect("measured");
        assert!((measured.integrated + 23.0).abs() < 0.1, "{measured:?}");
        assert!((measured.true_peak + 23.0).abs() < 0.1, "{measured:?}");
    }

    #[test]
    fn our_peaks_are_those_of_the_meter() {
        // A quarter of the rate, 45° off: sample peaks are 3 dB under the true peak (BS.1770-4
        // Annex 2).
        for rate in [44_100.0, 48_000.0] {
            let sine = stereo(rate, 1.0, |t| 0.5 * (TAU * rate / 4.0 * t + TAU / 8.0).sin());
            let ours = decibels(f64::from(
                Peaks::of(&sine, 1, &Monitor::none()).expect("peaks").greatest(),
            ));
            let theirs = measure(&sine).expect("measured").true_peak;
            assert!(
                (ours - theirs).abs() < 0.4 && (ours + 6.02).abs() < 0.4,
                "{ours} {theirs}"
            );
        }
    }

    #[test]
    fn drums_of_all_densities_reach_loudness_and_keep_the_peak() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            for every in [0.125, 0.5, 1.0] {
                let mut buffer = hits(rate, 4.0, every);
                let (curve, measured) = master(&mut buffer, -16.0, -1.0, &Monitor::none()).expect("mastered");
                let after = measure(&buffer).expect("measured");
                assert!(
                    (after.integrated - measured.integrated).abs() < 0.01,
                    "{after:?} {measured:?}"
                );
                assert!(after.true_peak <= -1.0 + 1e-6, "{rate} {every}: {after:?}");
                assert!((after.integrated + 16.0).abs() < 0.5, "{rate} {every}: {after:?}");
                assert!(curve.reduction() <= 12.1, "{}", curve.reduction());
            }
        }
    }

    #[test]
    fn a_lone_hit_is_not_squashed_for_loudness() {
        let mut buffer = stereo(48_000.0, 10.0, |t| (-t / 0.001).exp());
        let (curve, measured) = master(&mut buffer, -16.0, -1.0, &Monitor::none()).expect("mastered");
        assert!(
            measured.true_peak <= -1.0 && curve.reduction() < 12.2,
            "{measured:?} {}",
            curve.reduction()
        );
    }

    #[test]
    fn short_and_silent_buffers() {
        let mut short = stereo(48_000.0, 0.1, |t| 0.1 * (TAU * 1000.0 * t).sin());
        let (_, measured) = master(&mut short, -16.0, -1.0, &Monitor::none()).expect("mastered");
        assert!((measured.integrated + 16.0).abs() < 0.5, "{measured:?}");
        let mut silent = AudioBuffer::silence(Rate::from_hz(48_000.0), 2, 48_000);
        let (curve, measured) = master(&mut silent, -16.0, -1.0, &Monitor::none()).expect("mastered");
        assert_eq!(
            (curve, measured.integrated),
            (GainCurve::constant(1.0), f64::NEG_INFINITY)
        );
        assert!(silent.samples.iter().all(|s| *s == 0.0));
        let mut none = AudioBuffer::silence(Rate::from_hz(48_000.0), 2, 0);
        master(&mut none, -16.0, -1.0, &Monitor::none()).expect("nothing is silence");
    }

    #[test]
    fn a_limited_bass_note_stays_a_bass_note() {
        // 60 Hz, 6 dB over: any other frequency afterwards is distortion.
        let mut bass = stereo(48_000.0, 1.0, |t| 1.78 * (TAU * 60.0 * t).sin());
        limit(&mut bass, -1.0, &Monitor::none()).expect("limited");
        let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
        for frame in 12_000..36_000 {
            let (sin, cos) = (TAU * 60.0 * frame as f64 / 48_000.0).sin_cos();
            let sample = f64::from(bass.samples[2 * frame]);
            re += sample * cos;
            im += sample * sin;
            all += sample * sample;
        }
        let pure = 2.0 / 24_000.0 * (re * re + im * im);
        let distortion = 10.0 * ((all - pure).max(1e-12) / all).log10();
        assert!(distortion < -40.0, "{distortion} dB");
    }

    #[test]
    fn the_limiter_changes_only_what_needs_limiting() {
        let mut soft = stereo(48_000.0, 1.0, |t| 0.5 * (TAU * 440.0 * t).sin());
        let before = soft.clone();
        limit(&mut soft, -1.0, &Monitor::none()).expect("limited");
        assert_eq!(soft, before);
        let mut loud = stereo(48_000.0, 1.0, |t| {
            (if (0.5..0.51).contains(&t) { 2.0 } else { 0.5 }) * (TAU * 440.0 * t).sin()
        });
        let far = loud.samples[..2 * 20_000].to_vec();
        let measured = limit(&mut loud, -1.0, &Monitor::none()).expect("limited");
        assert!(measured.true_peak <= -1.0);
        assert_eq!(
            loud.samples[..2 * 20_000],
            far,
            "a tenth of a second before, nothing is changed"
        );
    }
}
