//! A score's sound: all parts rendered, mixed, faded out at the clip's end and brought to its
//! loudness.

use super::compressor::compression;
use super::gain::{GainCurve, Loudness};
use super::loudness::{ceiling, find_gain, integrated};
use super::synthesis::{Played, Synthesis};
use super::{AudioBuffer, SoundFont};
use crate::error::{Error, Result};
use crate::progress::{Monitor, Stage};
use crate::score::{Part, Score};
use crate::settings::SoundSettings;
use crate::time::{Instant, Rate, Span};
use std::borrow::Cow;
use std::io;

/// Longest and shortest fade at the end, seconds. The long one follows the decay of a crash; the
/// short one prevents a click where sound is cut off.
const LONGEST_FADE: f64 = 1.5;
const SHORTEST_FADE: f64 = 0.02;

/// Share of the time after the last onset that is faded: the hit itself rings unfaded at first.
const FADED_SHARE: f64 = 0.6;

/// Share of the audio stage that is synthesis; the rest is loudness.
const SYNTHESIS_SHARE: f64 = 0.8;

/// The sound of a score: stereo, exactly as long as the clip, silent at its last sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Soundtrack {
    mix: AudioBuffer,
    /// What the compressor did, and the master level and limiter after it.
    gains: [GainCurve; 2],
    loudness: Loudness,
}

/// Frames in a block of a [streamed](render_streamed) soundtrack: 85 ms at 48 kHz.
pub const BLOCK: usize = 4096;

/// Plays a score.
///
/// The same score, SoundFont and settings give the same samples, whatever the store of `synthesis`
/// holds and however many threads it has. Spans of notes that are in the store are not synthesised
/// again.
///
/// # Errors
/// [`Error::Music`] when the score is [invalid](Score::check); [`Error::PresetMissing`] before
/// anything is played; [`Error::SoundFontInvalid`] when a required sample is damaged;
/// [`Error::Cancelled`].
#[cfg(feature = "internals")]
pub fn render(
    score: &Score,
    font: &SoundFont,
    settings: &SoundSettings,
    synthesis: &Synthesis,
    monitor: &Monitor<'_>,
) -> Result<Soundtrack> {
    render_streamed(score, font, settings, synthesis, monitor, |_, _| Ok(()))
}

/// Renders a score, and passes it on in blocks as soon as they are final.
///
/// `sink` receives the number of a block's first frame and its interleaved stereo samples:
/// [`BLOCK`] frames, fewer at the end. Blocks arrive in order, without gaps, and equal the returned
/// soundtrack bit for bit. The first arrives once everything is synthesised, because the gain that
/// sets the overall loudness depends on every bar.
///
/// # Errors
/// Those of [`render`], and those of `sink`, which end the render.
pub fn render_streamed(
    score: &Score,
    font: &SoundFont,
    settings: &SoundSettings,
    synthesis: &Synthesis,
    monitor: &Monitor<'_>,
    mut sink: impl FnMut(usize, &[f32]) -> Result<()>,
) -> Result<Soundtrack> {
    score.check()?;
    let mut mix = silence(score, settings.rate)?;
    let played = Played {
        font,
        parts: &score.parts,
        score: &score.parts,
        tempo_map: &score.tempo_map,
        start: score.start,
    };
    synthesis.add(played, &mut mix, monitor, (0.0, SYNTHESIS_SHARE))?;
    fade_out(&mut mix, score);
    let compression = compression(&mix, integrated(&mix, synthesis.threads, monitor)?, synthesis.threads)?;
    compression.apply(&mut mix.samples, mix.channels, 0);
    let (gain, true_peak) = find_gain(&mix, settings.loudness, ceiling(settings), synthesis.threads, monitor)?;
    for (number, block) in mix.samples.chunks_mut(BLOCK * mix.channels).enumerate() {
        monitor.check()?;
        gain.apply(block, mix.channels, number * BLOCK);
        sink(number * BLOCK, block)?;
    }
    // After the blocks: a host that plays them does not have to wait for a figure.
    let integrated = integrated(&mix, synthesis.threads, monitor)?;
    let loudness = Loudness { integrated, true_peak };
    if (loudness.integrated - settings.loudness).abs() > 0.5 {
        log::info!(
            "soundtrack at {:.1} LUFS instead of {:.1}: a higher level would squash its peaks",
            loudness.integrated,
            settings.loudness
        );
    }
    log::debug!(
        "soundtrack at {:.2} LUFS, {:.2} dBTP; the compressor reduces peaks by up to {:.1} dB, the limiter by {:.1} dB",
        loudness.integrated,
        loudness.true_peak,
        compression.reduction(),
        gain.reduction()
    );
    monitor.progress(Stage::Audio, 1.0)?;
    Ok(Soundtrack {
        mix,
        gains: [compression, gain],
        loudness,
    })
}

/// Plays one part, whose tick 0 lies at the media's start, and adds it to `mix`, a stereo buffer
/// that begins there. Its loudness is not adjusted. Notes and tails that extend beyond the buffer's
/// end are cut off there.
///
/// # Errors
/// [`Error::PresetMissing`]; [`Error::SoundFontInvalid`] when a required sample is damaged;
/// [`Error::Sound`] when the buffer is not stereo; [`Error::Cancelled`].
#[cfg(feature = "internals")]
pub fn render_part(
    font: &SoundFont,
    part: &Part,
    tempo_map: &crate::time::TempoMap,
    mix: &mut AudioBuffer,
    synthesis: &Synthesis,
    monitor: &Monitor<'_>,
) -> Result<()> {
    let played = Played {
        font,
        parts: std::slice::from_ref(part),
        score: std::slice::from_ref(part),
        tempo_map,
        start: Instant::ZERO,
    };
    synthesis.add(played, mix, monitor, (0.0, 1.0))
}

impl Soundtrack {
    /// The sound of all parts.
    pub fn mix(&self) -> &AudioBuffer {
        &self.mix
    }

    /// Loudness and true peak of the mix, as measured.
    pub fn loudness(&self) -> Loudness {
        self.loudness
    }

    /// One part of the score that this soundtrack was rendered from. The stems of all parts add up
    /// to the mix.
    ///
    /// The true peak of the settings is kept by the mix, not by a single stem: where parts cancel
    /// each other in the mix, one of them may be louder alone.
    ///
    /// If the score has only one part, its stem is the mix itself. If there are several, each is
    /// assembled again from the spans in the store, and rendered where these are missing, so that
    /// never more than two buffers of the clip's length are held.
    ///
    /// # Errors
    /// Those of [`render`].
    pub fn stem(
        &self,
        score: &Score,
        part: &Part,
        font: &SoundFont,
        synthesis: &Synthesis,
        monitor: &Monitor<'_>,
    ) -> Result<Cow<'_, AudioBuffer>> {
        if score.parts.len() == 1 {
            return Ok(Cow::Borrowed(&self.mix));
        }
        let mut stem = silence(score, self.mix.rate)?;
        if stem.samples.len() != self.mix.samples.len() {
            return Err(Error::Sound {
                reason: format!(
                    "the score has {} samples but the soundtrack {}",
                    stem.frames(),
                    self.mix.frames()
                ),
            });
        }
        let played = Played {
            font,
            parts: std::slice::from_ref(part),
            score: &score.parts,
            tempo_map: &score.tempo_map,
            start: score.start,
        };
        synthesis.add(played, &mut stem, monitor, (0.0, 1.0))?;
        fade_out(&mut stem, score);
        for gain in &self.gains {
            gain.apply(&mut stem.samples, stem.channels, 0);
        }
        Ok(Cow::Owned(stem))
    }
}

fn silence(score: &Score, rate: Rate) -> Result<AudioBuffer> {
    let frames = score.duration.to_samples(rate);
    AudioBuffer::try_silence(rate, 2, frames).ok_or_else(|| Error::System {
        what: "the memory for the sound (a shorter part of the clip needs less)",
        source: io::ErrorKind::OutOfMemory.into(),
    })
}

/// Fades to silence at the last sample, along half a cosine. The fade begins after the last onset
/// of all parts, so that every part of a score is faded equally.
fn fade_out(buffer: &mut AudioBuffer, score: &Score) {
    let end = Instant::ZERO + score.duration;
    let last = score
        .parts
        .iter()
        .filter_map(|part| part.notes.last())
        .map(|note| score.tempo_map.instant(note.onset))
        .fold(Instant::ZERO, |a, b| if b > a { b } else { a });
    let rest = (end - last).seconds();
    let fade = (rest * FADED_SHARE).clamp(SHORTEST_FADE, LONGEST_FADE);
    let frames = buffer.frames();
    let length = (buffer.rate.count(Span::from_seconds(fade)) as usize).clamp(1, frames.max(1));
    let tail = buffer.samples.chunks_exact_mut(buffer.channels).rev().take(length);
    for (from_end, frame) in tail.enumerate() {
        let share = from_end as f64 / length as f64;
        let gain = (0.5 - 0.5 * (std::f64::consts::PI * share).cos()) as f32;
        frame.iter_mut().for_each(|sample| *sample *= gain);
    }
}
