//! The soundtrack as a file of its own, in memory, for pages.

use super::container::{Container, SOUNDS};
use super::header::{describe, wants_global_headers};
use super::sink::{MemoryFile, Stop};
use super::sound::{Encoded, RATE};
use crate::buffer::AudioBuffer;
use crate::error::Result;
use crate::export::provenance::{Provenance, SourceType};
use crate::progress::Monitor;
use crate::video::media::media_error;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::encoder;
use ffmpeg_next::format::context;
use std::path::Path;

/// A file of sound that browsers play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundFile {
    /// The kind of file, as browsers name it, such as `audio/ogg`.
    pub content_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Encodes sound for browsers: Opus, or AAC if FFmpeg has no encoder for Opus. The same sound gives
/// the same bytes. `name` is the file that errors name.
///
/// # Errors
/// [`Error::Media`](crate::Error::Media) when FFmpeg has neither encoder, or encoding fails;
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub fn encode_sound(
    sound: &AudioBuffer,
    provenance: Option<&Provenance>,
    name: &Path,
    monitor: &Monitor<'_>,
) -> Result<SoundFile> {
    let has_encoder = |container: &Container| {
        let mut encoders = container.encoders.iter();
        encoders.any(|(name, _)| encoder::find_by_name(name).is_some())
    };
    let failed = |stop: Stop| match stop {
        Stop::Job(error) => error,
        Stop::Media(e) => media_error(name, "encoding the sound", e),
    };
    let (container, content_type) = SOUNDS
        .iter()
        .find(|(container, _)| has_encoder(container))
        .ok_or_else(|| failed(ffmpeg::Error::EncoderNotFound.into()))?;
    // The stage of writing files may be done already, and progress never goes back.
    let monitor = Monitor::new(monitor.cancel().clone(), |_, _| ());
    let bytes = encode(sound, provenance, container, &monitor).map_err(failed)?;
    Ok(SoundFile { content_type, bytes })
}

fn encode(
    sound: &AudioBuffer,
    provenance: Option<&Provenance>,
    container: &Container,
    monitor: &Monitor<'_>,
) -> Result<Vec<u8>, Stop> {
    let global = wants_global_headers(container)?;
    let mut encoded = Encoded::new(sound, 0.0, container, global, monitor)?;
    let memory = MemoryFile::default();
    let stream = context::StreamIo::from_write_seek(memory.clone())?;
    let mut output = ffmpeg::format::output_to_stream(stream, None, Some(container.format))?;
    let index = encoded.encoder.add_stream(&mut output)?;
    if let Some(made) = provenance {
        let mut metadata = ffmpeg::Dictionary::new();
        describe(&mut metadata, made, SourceType::Music);
        output.set_metadata(metadata);
    }
    let mut options = ffmpeg::Dictionary::new();
    // Without it, muxers write random numbers and the version of FFmpeg.
    options.set("fflags", "+bitexact");
    if container.boxes {
        // Edit lists count in it; its default of a millisecond would cut off the end of the sound.
        options.set("movie_timescale", &RATE.to_string());
    }
    output.write_header_with(options)?;
    encoded.write_until(f64::INFINITY, index, &mut output, monitor)?;
    output.write_trailer()?;
    drop(output);
    Ok(memory.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Cancel;
    use crate::time::Rate;
    use std::f32::consts::TAU;
    use std::io::Cursor;

    fn tone(rate: f64, frames: usize) -> AudioBuffer {
        let step = TAU * 440.0 / rate as f32;
        let samples = (0..frames).flat_map(|i| [0.5 * (step * i as f32).sin(); 2]);
        AudioBuffer {
            rate: Rate::from_hz(rate),
            channels: 2,
            samples: samples.collect(),
        }
    }

    /// Seconds of sound that a file announces.
    fn announced(bytes: Vec<u8>) -> f64 {
        let stream = context::StreamIo::from_read_seek(Cursor::new(bytes)).expect("a stream");
        let input = ffmpeg::format::input_from_stream(stream, None, None).expect("a file");
        let stream = input.streams().next().expect("a stream of sound");
        stream.duration() as f64 * f64::from(stream.time_base())
    }

    #[test]
    fn both_kinds_have_the_length_of_the_sound_and_are_the_same_twice() {
        let monitor = Monitor::new(Cancel::new(), |_, _| ());
        let made = Provenance::of(&crate::Settings::default(), Some(7), Default::default());
        for (rate, frames) in [(48_000.0, 100_001), (44_100.0, 88_200)] {
            let sound = tone(rate, frames);
            for (container, content_type) in SOUNDS {
                let encode = || match encode(&sound, made.as_ref(), container, &monitor) {
                    Ok(bytes) => bytes,
                    Err(Stop::Job(e)) => panic!("{content_type}: {e}"),
                    Err(Stop::Media(e)) => panic!("{content_type}: {e}"),
                };
                let bytes = encode();
                assert!(bytes == encode(), "{content_type} differs");
                let has = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
                assert!(has(b"seed 7"), "{content_type} does not say what made it");
                let (found, wanted) = (announced(bytes), frames as f64 / rate);
                // Ogg counts the encoder's delay.
                assert!(
                    (found - wanted).abs() < 0.0072,
                    "{content_type}: {found} s, not {wanted} s"
                );
            }
        }
        let first = encode_sound(&tone(48_000.0, 4800), None, Path::new("a.html"), &monitor).expect("encoded");
        assert!(first.bytes.starts_with(b"OggS") || first.content_type == "audio/mp4");
    }
}
