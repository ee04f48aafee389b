//! Mixes the soundtrack with the clip's own audio.

use super::AudioBuffer;
use super::loudness::{ceiling, limit};
use crate::error::{Error, Result};
use crate::progress::Monitor;
use crate::settings::{OriginalAudio, SoundSettings};
use crate::time::Span;

/// Level of the loudest tenth of a second below which a clip's own audio is silence, dBFS (RMS over
/// all channels): 10 dB above the noise of a quiet room in a phone recording, 30 dB below speech.
pub const SILENCE: f64 = -60.0;

/// Window of [`is_silent`], seconds.
const SILENCE_WINDOW: f64 = 0.1;

/// How much the clip's own audio is lowered while the soundtrack plays, dB: voices stay
/// intelligible and the drums lead.
pub const DUCKING: f64 = 10.0;

/// Level of the soundtrack at which lowering begins, and at which it is complete, dBFS.
const DUCKING_FROM: f64 = -50.0;
const DUCKING_FULL: f64 = -30.0;

/// Window over which the soundtrack's level is measured, seconds.
const DUCKING_WINDOW: f64 = 0.01;

/// How fast the clip's audio is lowered and raised again, seconds (time constants). Lowering begins
/// one window before the hit, so that the attack of a drum is not covered; raising is slow, so that
/// the level does not pump between hits.
const DUCKING_ATTACK: f64 = 0.015;
const DUCKING_RELEASE: f64 = 0.4;

/// The treatment of the clip's own audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blend {
    /// It is left out.
    Drop,
    /// It keeps its level.
    Keep,
    /// It is lowered while the soundtrack plays.
    Duck,
}

/// Resolves the setting for a clip: `auto` drops audio that is missing or silent, and ducks any
/// other.
pub fn blend(setting: OriginalAudio, original: Option<&AudioBuffer>) -> Blend {
    let Some(original) = original else {
        return Blend::Drop;
    };
    match setting {
        OriginalAudio::Drop => Blend::Drop,
        OriginalAudio::Keep => Blend::Keep,
        OriginalAudio::Duck => Blend::Duck,
        OriginalAudio::Auto if is_silent(original) => Blend::Drop,
        OriginalAudio::Auto => Blend::Duck,
    }
}

/// Whether no tenth of a second is louder than [`SILENCE`].
pub fn is_silent(buffer: &AudioBuffer) -> bool {
    let window = window(buffer, SILENCE_WINDOW);
    buffer.samples.chunks(window).all(|chunk| level(chunk) < SILENCE)
}

/// Adds the clip's own audio to the soundtrack, and limits the sum to the true peak of the
/// settings. The result replaces the original in memory and has the soundtrack's length: an
/// original that is too short is followed by silence, one that is too long is cut off.
///
/// # Errors
/// [`Error::Sound`] when the two differ in rate or number of channels; [`Error::Cancelled`].
pub fn add_original(
    soundtrack: &AudioBuffer,
    mut original: AudioBuffer,
    how: Blend,
    settings: &SoundSettings,
    monitor: &Monitor<'_>,
) -> Result<AudioBuffer> {
    if (soundtrack.rate, soundtrack.channels) != (original.rate, original.channels) {
        return Err(Error::Sound {
            reason: format!(
                "the clip's audio has {} channels at {} Hz, the soundtrack {} at {} Hz; they must be equal",
                original.channels,
                original.rate.hz(),
                soundtrack.channels,
                soundtrack.rate.hz()
            ),
        });
    }
    original.samples.resize(soundtrack.samples.len(), 0.0);
    match how {
        Blend::Drop => original.samples.fill(0.0),
        Blend::Keep => {}
        Blend::Duck => duck(&mut original, soundtrack),
    }
    for (sum, sample) in original.samples.iter_mut().zip(&soundtrack.samples) {
        *sum += sample;
    }
    limit(&mut original, ceiling(settings), monitor)?;
    Ok(original)
}

/// Lowers `original` by the level of `key` (a side chain).
fn duck(original: &mut AudioBuffer, key: &AudioBuffer) {
    let window = window(key, DUCKING_WINDOW);
    let seconds = key.rate.span(window as f64 / key.channels as f64).seconds();
    let toward = |time: f64| 1.0 - (-seconds / time).exp();
    let (attack, release) = (toward(DUCKING_ATTACK), toward(DUCKING_RELEASE));
    let depth = |level: f64| DUCKING * ((level - DUCKING_FROM) / (DUCKING_FULL - DUCKING_FROM)).clamp(0.0, 1.0);
    // Gains at the ends of windows, in decibels below the original; the first is at the start.
    let mut lowered = 0.0;
    let mut from = 1.0_f32;
    let ahead = key.samples.chunks(window).skip(1).map(level).chain([f64::NEG_INFINITY]);
    let levels = key.samples.chunks(window).map(level).zip(ahead);
    for (samples, (now, soon)) in original.samples.chunks_mut(window).zip(levels) {
        let wanted = depth(now.max(soon));
        lowered += (wanted - lowered) * if wanted > lowered { attack } else { release };
        let to = 10.0_f64.powf(-lowered / 20.0) as f32;
        let frames = (samples.len() / key.channels) as f32;
        for (number, frame) in samples.chunks_exact_mut(key.channels).enumerate() {
            let gain = from + (to - from) * (number as f32 / frames);
            frame.iter_mut().for_each(|sample| *sample *= gain);
        }
        from = to;
    }
}

/// Samples of all channels in a window of so many seconds.
fn window(buffer: &AudioBuffer, seconds: f64) -> usize {
    (buffer.rate.count(Span::from_seconds(seconds)) as usize).max(1) * buffer.channels
}

/// RMS level, dBFS.
fn level(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    10.0 * (power / samples.len().max(1) as f64).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::loudness::measure;
    use crate::settings::Settings;
    use crate::time::Rate;
    use std::f64::consts::TAU;

    const RATE: f64 = 48_000.0;

    fn stereo(seconds: f64, wave: impl Fn(f64) -> f64) -> AudioBuffer {
        let samples = (0..(RATE * seconds) as usize)
            .flat_map(|frame| [wave(frame as f64 / RATE) as f32; 2])
            .collect();
        AudioBuffer {
            rate: Rate::from_hz(RATE),
            channels: 2,
            samples,
        }
    }

    fn sine(amplitude: f64, hertz: f64) -> impl Fn(f64) -> f64 {
        move |t| amplitude * (TAU * hertz * t).sin()
    }

    #[test]
    fn silence_is_distinguished_from_soft_sound() {
        assert!(is_silent(&AudioBuffer::silence(Rate::from_hz(RATE), 2, 1000)));
        assert!(is_silent(&stereo(1.0, sine(0.0005, 100.0))));
        assert!(!is_silent(&stereo(1.0, sine(0.005, 100.0))));
        assert!(
            !is_silent(&stereo(10.0, |t| if (5.0..5.2).contains(&t) {
                sine(0.01, 300.0)(t)
            } else {
                0.0
            })),
            "one word in a silent clip"
        );
    }

    #[test]
    fn auto_drops_silence_and_ducks_the_rest() {
        let silent = AudioBuffer::silence(Rate::from_hz(RATE), 2, 48_000);
        let talking = stereo(1.0, sine(0.1, 300.0));
        assert_eq!(blend(OriginalAudio::Auto, None), Blend::Drop);
        assert_eq!(blend(OriginalAudio::Auto, Some(&silent)), Blend::Drop);
        assert_eq!(blend(OriginalAudio::Auto, Some(&talking)), Blend::Duck);
        assert_eq!(blend(OriginalAudio::Keep, Some(&silent)), Blend::Keep);
        assert_eq!(blend(OriginalAudio::Keep, None), Blend::Drop);
    }

    /// Amplitude of a frequency between two times, by correlation.
    fn amplitude(buffer: &AudioBuffer, hertz: f64, from: f64, to: f64) -> f64 {
        let range = (from * RATE) as usize..(to * RATE) as usize;
        let count = range.len() as f64;
        let (mut re, mut im) = (0.0, 0.0);
        for frame in range {
            let (sin, cos) = (TAU * hertz * frame as f64 / RATE).sin_cos();
            let sample = f64::from(buffer.samples[2 * frame]);
            re += sample * cos;
            im += sample * sin;
        }
        2.0 / count * re.hypot(im)
    }

    #[test]
    fn ducking_lowers_by_ten_decibels_and_ends() {
        let soundtrack = stereo(6.0, |t| {
            if (2.0..4.0).contains(&t) {
                sine(0.3, 100.0)(t)
            } else {
                0.0
            }
        });
        let original = stereo(6.0, sine(0.1, 1000.0));
        let settings = Settings::default().sound().clone();
        let ducked =
            add_original(&soundtrack, original.clone(), Blend::Duck, &settings, &Monitor::none()).expect("mixed");
        let at = |from, to| 20.0 * (amplitude(&ducked, 1000.0, from, to) / 0.1).log10();
        assert!(at(0.5, 1.5).abs() < 0.05, "{}", at(0.5, 1.5));
        assert!((at(2.5, 3.5) + DUCKING).abs() < 0.1, "{}", at(2.5, 3.5));
        assert!(at(2.05, 2.1) < -8.0, "down within 50 ms: {}", at(2.05, 2.1));
        assert!(at(4.1, 4.2) < -5.0 && at(5.5, 6.0) > -1.0, "up slowly");
        let kept =
            add_original(&soundtrack, original.clone(), Blend::Keep, &settings, &Monitor::none()).expect("mixed");
        assert!((amplitude(&kept, 1000.0, 2.5, 3.5) - 0.1).abs() < 0.001);
        assert!((amplitude(&kept, 100.0, 2.5, 3.5) - 0.3).abs() < 0.001);
        let dropped = add_original(&soundtrack, original, Blend::Drop, &settings, &Monitor::none()).expect("mixed");
        assert_eq!(dropped, soundtrack);
    }

    #[test]
    fn the_sum_has_the_soundtracks_length_and_keeps_the_peak() {
        let settings = Settings::default().sound().clone();
        let soundtrack = stereo(2.0, sine(0.85, 100.0));
        for seconds in [1.0, 3.0] {
            let mixed = add_original(
                &soundtrack,
                stereo(seconds, sine(0.9, 90.0)),
                Blend::Keep,
                &settings,
                &Monitor::none(),
            );
            let mixed = mixed.expect("mixed");
            assert_eq!(mixed.frames(), soundtrack.frames());
            assert!(measure(&mixed).expect("measured").true_peak <= settings.peak);
        }
        let other = AudioBuffer::silence(Rate::from_hz(44_100.0), 2, 10);
        assert!(add_original(&soundtrack, other, Blend::Keep, &settings, &Monitor::none()).is_err());
    }
}
