//! Figures of the whole mix, as they are stated in `docs/formats.md`: crest factor, width, balance of
//! the octaves, mono.
#![allow(clippy::expect_used)] // tests may panic

mod sound_common;

use kinescore::Monitor;
use kinescore::audio::{AudioBuffer, Synthesis, measure, render};
use kinescore::settings::Settings;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use sound_common::{band_score, shipped_font};

/// Centres of the octaves that are measured, hertz.
const OCTAVES: [f64; 8] = [63.0, 125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0];

const WINDOW: usize = 16_384;

/// A band in a style, without a guitar where there is a piano, as pieces are by default.
fn mix(style: &str) -> AudioBuffer {
    let score = band_score(108.0, 4, style);
    let settings = Settings::default().sound().clone();
    let sound = render(
        &score,
        &shipped_font(),
        &settings,
        &Synthesis::default(),
        &Monitor::none(),
    );
    sound.expect("rendered").mix().clone()
}

/// The greatest sample over the RMS of the blocks of 0.4 s that are at most 10 dB under the mean, dB.
fn crest(mix: &AudioBuffer) -> f64 {
    let block = 2 * (0.4 * mix.rate.hz()) as usize;
    let power = |samples: &[f32]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
    let powers: Vec<f64> = mix.samples.windows(block).step_by(block / 4).map(power).collect();
    let mean = powers.iter().sum::<f64>() / powers.len() as f64;
    let loud: Vec<f64> = powers.into_iter().filter(|power| *power >= 0.1 * mean).collect();
    let peak = mix.samples.iter().fold(0.0_f32, |most, s| most.max(s.abs()));
    20.0 * f64::from(peak).log10() - 10.0 * (loud.iter().sum::<f64>() / loud.len() as f64).log10()
}

/// Power of the left, of the right, and their product, summed over frequencies between two.
#[derive(Default, Clone, Copy)]
struct Powers {
    left: f64,
    right: f64,
    both: f64,
}

impl Powers {
    fn correlation(self) -> f64 {
        self.both / (self.left * self.right).sqrt()
    }

    fn decibels(self) -> f64 {
        10.0 * (self.left + self.right).log10()
    }
}

/// Powers of every frequency, by number of the Fourier transform's line, averaged over time.
fn spectrum(mix: &AudioBuffer) -> Vec<Powers> {
    let transform = FftPlanner::<f64>::new().plan_fft_forward(WINDOW);
    let mut spectrum = vec![Powers::default(); WINDOW / 2];
    for frames in mix.samples.windows(2 * WINDOW).step_by(WINDOW) {
        let side = |channel: usize| {
            let hann = |index: usize| (std::f64::consts::PI * index as f64 / WINDOW as f64).sin().powi(2);
            let samples = frames.iter().skip(channel).step_by(2).enumerate();
            let mut lines: Vec<Complex<f64>> = samples.map(|(i, s)| (hann(i) * f64::from(*s)).into()).collect();
            transform.process(&mut lines);
            lines
        };
        let (left, right) = (side(0), side(1));
        for (powers, (left, right)) in spectrum.iter_mut().zip(left.iter().zip(&right)) {
            powers.left += left.norm_sqr();
            powers.right += right.norm_sqr();
            powers.both += (left * right.conj()).re;
        }
    }
    spectrum
}

fn between(spectrum: &[Powers], rate: f64, low: f64, high: f64) -> Powers {
    let inside = |line: usize| (low..high).contains(&(line as f64 * rate / WINDOW as f64));
    let lines = spectrum.iter().enumerate().filter(|(line, _)| inside(*line));
    lines.fold(Powers::default(), |sum, (_, powers)| Powers {
        left: sum.left + powers.left,
        right: sum.right + powers.right,
        both: sum.both + powers.both,
    })
}

#[test]
fn mixes_have_the_figures_of_finished_music() {
    for style in ["rock", "dance", "hiphop", "funk", "jazz", "latin"] {
        let mix = mix(style);
        let crest = crest(&mix);
        assert!((9.0..13.2).contains(&crest), "{style}: crest factor {crest:.1} dB");
        let peak = measure(&mix).expect("measured").true_peak;
        assert!(peak <= -1.0, "{style}: {peak} dBTP");

        let (spectrum, rate) = (spectrum(&mix), mix.rate.hz());
        let width = between(&spectrum, rate, 20.0, 20_000.0).correlation();
        assert!(
            (0.65..0.9).contains(&width),
            "{style}: left and right correlate by {width:.2}"
        );
        let low = between(&spectrum, rate, 20.0, 120.0).correlation();
        assert!(low > 0.95, "{style}: below 120 Hz by {low:.3}");

        let ratio = std::f64::consts::SQRT_2;
        let octaves = OCTAVES.map(|centre| between(&spectrum, rate, centre / ratio, centre * ratio).decibels());
        let greatest = octaves.iter().copied().fold(f64::MIN, f64::max);
        if ["rock", "dance", "hiphop"].contains(&style) {
            let under = greatest - octaves[0];
            assert!(
                under <= 3.0,
                "{style}: 63 Hz is {under:.1} dB under the greatest octave"
            );
        }
        for (three, centre) in octaves.windows(3).zip(&OCTAVES[1..]) {
            let under = (three[0] + three[2]) / 2.0 - three[1];
            assert!(
                under <= 8.0,
                "{style}: {centre} Hz is {under:.1} dB under its neighbours"
            );
        }
    }
}

#[test]
fn nothing_is_lost_in_mono() {
    for style in ["rock", "dance", "jazz"] {
        let stereo = mix(style);
        let mut mono = stereo.clone();
        for frame in mono.samples.chunks_exact_mut(2) {
            let middle = (frame[0] + frame[1]) / 2.0;
            frame.fill(middle);
        }
        let loudness = |mix: &AudioBuffer| measure(mix).expect("measured").integrated;
        let lost = loudness(&stereo) - loudness(&mono);
        assert!((0.0..2.0).contains(&lost), "{style}: {lost:.1} LU");
        // No frequency is cancelled: each octave loses what two signals that are not correlated do,
        // 3 dB, at most.
        let (whole, middle) = (spectrum(&stereo), spectrum(&mono));
        for centre in OCTAVES {
            let (low, high) = (centre / 1.414, centre * 1.414);
            let level = |spectrum: &[Powers]| between(spectrum, stereo.rate.hz(), low, high).decibels();
            let lost = level(&whole) - level(&middle);
            assert!(lost < 3.2, "{style}: {lost:.1} dB at {centre} Hz");
        }
    }
}
