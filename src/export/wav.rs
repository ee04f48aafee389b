//! Writes sound as WAV files, 24-bit PCM.

use super::atomic::atomically;
use super::provenance::Provenance;
use crate::buffer::AudioBuffer;
use crate::error::{Error, Result};
use crate::shown;
use hound::{SampleFormat, WavSpec, WavWriter};
use std::fs::File;
use std::io;
use std::path::Path;

/// Full scale of 24-bit samples.
const FULL_SCALE: f64 = 8_388_608.0;

/// Bytes per sample.
const BYTES: usize = 3;

/// Writes a buffer as 24-bit PCM, with what made it, if that is given. Values beyond full scale are
/// clipped.
///
/// # Errors
/// [`Error::Output`] when the file cannot be written, or the sound is longer than the 4 GiB of a
/// WAV file.
pub fn write_wav(buffer: &AudioBuffer, provenance: Option<&Provenance>, path: &Path) -> Result<()> {
    let unfit = |text: String| Error::Output {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::FileTooLarge, text),
    };
    let bytes = buffer.samples.len() * BYTES;
    // The header takes less than a kilobyte, what is written of the models a few.
    if bytes > u32::MAX as usize - 65_536 {
        return Err(unfit(format!("{bytes} bytes of sound; a WAV file holds 4 GiB")));
    }
    let channels = u16::try_from(buffer.channels)
        .map_err(|_| unfit(format!("{} channels; a WAV file holds {}", buffer.channels, u16::MAX)))?;
    let spec = WavSpec {
        channels,
        sample_rate: buffer.rate.hz().round() as u32,
        bits_per_sample: 8 * BYTES as u16,
        sample_format: SampleFormat::Int,
    };
    let beyond = buffer.samples.iter().filter(|sample| sample.abs() > 1.0).count();
    if beyond > 0 {
        log::warn!(
            "{}: clipped {} beyond full scale",
            path.display(),
            shown::count(beyond, "sample")
        );
    }
    atomically(path, |temporary| {
        let write = || -> hound::Result<()> {
            let mut writer = WavWriter::create(temporary, spec)?;
            for sample in &buffer.samples {
                let value = (f64::from(*sample) * FULL_SCALE).round();
                writer.write_sample(value.clamp(-FULL_SCALE, FULL_SCALE - 1.0) as i32)?;
            }
            writer.finalize()
        };
        write().map_err(|error| {
            Error::output(temporary)(match error {
                hound::Error::IoError(error) => error,
                other => io::Error::other(other.to_string()),
            })
        })?;
        let Some(provenance) = provenance else {
            return Ok(());
        };
        let open = File::options().read(true).write(true).open(temporary);
        open.and_then(|mut file| provenance.append_to_wav(&mut file))
            .map_err(Error::output(temporary))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Rate;

    #[test]
    fn samples_are_read_back_to_a_24_bit_step() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("sound.wav");
        let samples: Vec<f32> = (0..2002).map(|i| (i as f32 / 100.0).sin()).chain([1.5, -1.5]).collect();
        let buffer = AudioBuffer {
            rate: Rate::from_hz(44_100.0),
            channels: 2,
            samples: samples.clone(),
        };
        write_wav(&buffer, None, &path).expect("written");
        let mut reader = hound::WavReader::open(&path).expect("a WAV file");
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 44_100, 24));
        assert_eq!(reader.duration(), 1002);
        let read: Vec<i32> = reader.samples::<i32>().map(|s| s.expect("a sample")).collect();
        for (value, sample) in read.iter().zip(&samples) {
            let exact = f64::from(*sample).clamp(-1.0, 1.0);
            assert!((f64::from(*value) / FULL_SCALE - exact).abs() <= 1.0 / FULL_SCALE);
        }
    }

    #[test]
    fn a_folder_that_is_missing_is_an_error() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("none/sound.wav");
        let buffer = AudioBuffer::silence(Rate::from_hz(48_000.0), 2, 10);
        let error = write_wav(&buffer, None, &path).expect_err("no folder");
        assert!(matches!(&error, Error::Output { path: p, .. } if *p == path), "{error}");
    }
}
