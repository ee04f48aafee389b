//! Samples of .sf3 SoundFonts: Ogg Vorbis to 16-bit numbers.

use crate::foreign;
use std::io::Cursor;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::codecs::VorbisDecoder;
use symphonia::default::formats::OggReader;

/// Most samples that one stream may hold: ten minutes at 48 kHz. The longest samples in use last
/// some 30 seconds.
const MOST_SAMPLES: usize = 600 * 48_000;

/// Decodes one sample.
///
/// # Errors
/// A description of the stream's fault. A truncated stream is also an error, since half a drum
/// sound is not usable.
pub(super) fn decode(ogg: Vec<u8>) -> Result<Vec<i16>, String> {
    // The decoder returns errors for damaged files, but it is a large library that reads external
    // data: a panic in it must not end the caller's process.
    foreign::caught(|| decode_stream(ogg)).unwrap_or_else(|_| Err("its Ogg Vorbis stream is damaged".to_owned()))
}

fn decode_stream(ogg: Vec<u8>) -> Result<Vec<i16>, String> {
    let bad = |error: Error| format!("its Ogg Vorbis stream cannot be decoded: {error}");
    let stream = MediaSourceStream::new(Box::new(Cursor::new(ogg)), Default::default());
    let mut reader = OggReader::try_new(stream, FormatOptions::default()).map_err(bad)?;
    let track = reader
        .default_track(TrackType::Audio)
        .ok_or("its Ogg stream has no audio")?;
    let id = track.id;
    let stated = track.num_frames;
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|parameters| parameters.audio())
        .ok_or("its Ogg stream has no audio")?;
    let mut decoder = VorbisDecoder::try_new(parameters, &AudioDecoderOptions::default()).map_err(bad)?;
    let mut samples: Vec<i16> = Vec::new();
    let mut plane: Vec<Vec<f32>> = Vec::new();
    while let Some(packet) = reader.next_packet().map_err(bad)? {
        if packet.track_id != id {
            continue;
        }
        let decoded = decoder.decode(&packet).map_err(bad)?;
        decoded.copy_to_vecs_planar(&mut plane);
        // Samples are mono; of a stereo stream the left channel is used, as SoundFonts store stereo
        // sounds as two samples.
        let channel = plane.first().map_or(&[][..], Vec::as_slice);
        samples.extend(
            channel
                .iter()
                .map(|x| (x * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16),
        );
        if samples.len() > MOST_SAMPLES {
            return Err(format!("a sample of more than {MOST_SAMPLES} values"));
        }
    }
    match stated {
        Some(stated) if (samples.len() as u64) < stated => Err(format!(
            "its Ogg Vorbis stream breaks off after {} of {stated} values",
            samples.len()
        )),
        _ if samples.is_empty() => Err("its Ogg Vorbis stream is empty".to_owned()),
        _ => Ok(samples),
    }
}
