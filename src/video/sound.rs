//! The clip's own audio, decoded and aligned with its picture by timestamps.

use crate::buffer::AudioBuffer;
use crate::error::Result;
use crate::progress::Monitor;
use crate::shown;
use crate::time::{Instant, Rate, Span};
use crate::video::faults;
use crate::video::media::{first_shown, open_media};
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::sample::Type::Packed;
use ffmpeg_next::format::{Sample, context};
use ffmpeg_next::{ChannelLayout, codec, frame, media, software};
use std::path::Path;

/// Number of channels of the result.
const CHANNELS: usize = 2;

/// How far a timestamp may deviate from the end of the previous samples before they are treated as
/// separate. Containers round timestamps to a millisecond, and some recorders write them with more
/// jitter; a real gap is longer.
const JITTER: Span = Span::from_seconds(0.02);

/// A cut that starts later than this is reached by seeking; for earlier ones, reading from the
/// start is as fast.
const SEEK_BEYOND: Span = Span::from_seconds(5.0);

/// How long before the cut reading begins after a seek: codecs need some packets before their
/// output is right.
const RUN_UP: Span = Span::from_seconds(1.0);

/// Reads the clip's own audio.
///
/// The result has two channels at `rate` and is exactly `duration` long. Its first sample sounds
/// `start` after the media's first shown frame; where the media has no audio, it is silent. One
/// channel is played on both sides at its own level; more than two are mixed down with FFmpeg's
/// default matrix (ITU-R BS.775), which does not attenuate, so that loud sound on all channels
/// exceeds full scale.
///
/// `None`: there is no audio stream, or none that can be decoded, which is logged. Damaged packets
/// are left out with a warning.
///
/// # Errors
/// [`Error::Input`](crate::Error::Input) and [`Error::NotAVideo`](crate::Error::NotAVideo) when the
/// file cannot be opened, [`Error::NoVideoStream`](crate::Error::NoVideoStream) and
/// [`Error::NoFrames`](crate::Error::NoFrames) when it has no picture,
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub fn read_sound(
    path: &Path,
    start: Instant,
    duration: Span,
    rate: Rate,
    monitor: &Monitor<'_>,
) -> Result<Option<AudioBuffer>> {
    monitor.check()?;
    let mut input = open_media(path)?;
    let Some(stream) = input.streams().best(media::Type::Audio).map(|s| s.index()) else {
        return Ok(None);
    };
    let origin = first_shown(path, monitor)?.seconds + start.seconds();
    if start - Instant::ZERO > SEEK_BEYOND {
        let target = ((origin - RUN_UP.seconds()) * 1e6) as i64;
        if input.seek(target, ..target).is_err() {
            input = open_media(path)?;
        }
    }
    let mut reading = match Reading::new(&input, stream, origin, duration, rate) {
        Ok(reading) => reading,
        Err(reason) => {
            log::warn!(
                "{}: its audio cannot be decoded, and is left out: {}",
                path.display(),
                faults::reason(reason)
            );
            return Ok(None);
        }
    };
    let late = reading.run(&mut input, monitor)?;
    if late && start - Instant::ZERO > SEEK_BEYOND {
        // The seek ended after the cut: some containers have no index.
        let mut input = open_media(path)?;
        if let Ok(again) = Reading::new(&input, stream, origin, duration, rate) {
            reading = again;
            reading.run(&mut input, monitor)?;
        }
    }
    if reading.damaged > 0 {
        log::warn!(
            "{}: left out {}",
            path.display(),
            shown::count(reading.damaged, "damaged audio packet")
        );
    }
    Ok(Some(reading.sound))
}

/// The state of decoding an audio stream.
struct Reading {
    stream: usize,
    decoder: codec::decoder::Audio,
    /// Seconds per unit of the stream's timestamps.
    unit: f64,
    /// Time of the media at which the result begins, seconds.
    origin: f64,
    rate: u32,
    resampler: Option<software::resampling::Context>,
    /// Index of the next sample from the resampler, counted from the start of the result; `None`:
    /// nothing decoded yet.
    cursor: Option<i64>,
    /// When the next decoded sample is due, seconds of the media.
    due: f64,
    /// Whether the first decoded sample came after the start of the result; false as long as
    /// nothing has been decoded.
    late: bool,
    damaged: usize,
    sound: AudioBuffer,
}

impl Reading {
    fn new(
        input: &context::Input,
        stream: usize,
        origin: f64,
        duration: Span,
        rate: Rate,
    ) -> Result<Self, ffmpeg::Error> {
        let source = input.stream(stream).ok_or(ffmpeg::Error::StreamNotFound)?;
        let mut decoder = codec::Context::from_parameters(source.parameters())?.decoder();
        // Without it the decoder cannot adjust the timestamp of a frame when it cuts off the
        // encoder's priming samples.
        decoder.set_packet_time_base(source.time_base());
        Ok(Self {
            stream,
            decoder: decoder.audio()?,
            unit: f64::from(source.time_base()),
            origin,
            rate: rate.hz().round() as u32,
            resampler: None,
            cursor: None,
            due: 0.0,
            late: false,
            damaged: 0,
            sound: AudioBuffer::silence(rate, CHANNELS, duration.to_samples(rate)),
        })
    }

    /// Decodes until the result is full. Returns whether the first sample came after the start of
    /// the result.
    fn run(&mut self, input: &mut context::Input, monitor: &Monitor<'_>) -> Result<bool> {
        let frames = self.sound.frames() as i64;
        let mut packets = input.packets();
        while self.cursor.is_none_or(|cursor| cursor < frames) {
            monitor.check()?;
            let Some((_, packet)) = packets.next() else { break };
            if packet.stream() != self.stream {
                continue;
            }
            if self.decoder.send_packet(&packet).is_err() {
                self.damaged += 1;
                continue;
            }
            self.receive();
        }
        if self.decoder.send_eof().is_ok() {
            self.receive();
        }
        self.flush();
        Ok(self.late)
    }

    fn receive(&mut self) {
        let mut decoded = frame::Audio::empty();
        loop {
            match self.decoder.receive_frame(&mut decoded) {
                Ok(()) => {
                    if self.take(&decoded).is_err() {
                        self.damaged += 1;
                    }
                }
                Err(ffmpeg::Error::Other { .. } | ffmpeg::Error::Eof) => break,
                Err(_) => {
                    self.damaged += 1;
                    break;
                }
            }
        }
    }

    fn take(&mut self, decoded: &frame::Audio) -> Result<(), ffmpeg::Error> {
        let (samples, rate, channels) = (decoded.samples(), decoded.rate(), decoded.channels());
        if samples == 0 || rate == 0 || channels == 0 {
            return Ok(());
        }
        let time = decoded.timestamp().map_or(self.due, |t| t as f64 * self.unit);
        let apart = (time - self.due).abs() > JITTER.seconds();
        let layout = ChannelLayout::default(i32::from(channels));
        let layout = match decoded.channel_layout() {
            named if named.channels() == i32::from(channels) && !named.is_empty() => named,
            _ => layout,
        };
        let same = self.resampler.as_ref().is_some_and(|r| {
            let from = r.input();
            from.format == decoded.format() && from.rate == rate && from.channel_layout == layout
        });
        if self.cursor.is_none() || apart || !same {
            self.flush();
            // If only the format has changed: not at the frame's timestamp but where the last frame
            // ended.
            let begin = if self.cursor.is_none() || apart { time } else { self.due };
            let index = ((begin - self.origin) * f64::from(self.rate)).round() as i64;
            if self.cursor.is_none() {
                self.late = index > 0;
            }
            self.cursor = Some(index);
            self.due = begin;
            let target = if channels == 1 {
                ChannelLayout::MONO
            } else {
                ChannelLayout::STEREO
            };
            self.resampler = Some(software::resampling::Context::get(
                decoded.format(),
                layout,
                rate,
                Sample::F32(Packed),
                target,
                self.rate,
            )?);
        }
        self.due += samples as f64 / f64::from(rate);
        // A copy with the layout set: frames of some decoders have none, and the resampler refuses
        // them.
        let mut source = frame::Audio::new(decoded.format(), samples, layout);
        source.set_rate(rate);
        for plane in 0..decoded.planes().min(source.planes()) {
            let bytes =
                samples * decoded.format().bytes() * if decoded.is_packed() { usize::from(channels) } else { 1 };
            // All planes have the size of the first one, which may be padded.
            if let (Some(to), Some(from)) = (
                source.data_mut(plane).get_mut(..bytes),
                decoded.data(plane).get(..bytes),
            ) {
                to.copy_from_slice(from);
            }
        }
        let Some(resampler) = &mut self.resampler else {
            return Ok(());
        };
        let room = resampled(samples, rate, self.rate) + resampler.delay().map_or(0, |d| d.output.max(0) as usize);
        let output = resampler.output();
        let mut converted = frame::Audio::new(output.format, room, output.channel_layout);
        resampler.run(&source, &mut converted)?;
        self.place(&converted);
        Ok(())
    }

    /// Takes the samples that the resampler still holds.
    fn flush(&mut self) {
        let Some(mut resampler) = self.resampler.take() else {
            return;
        };
        while let Some(delay) = resampler.delay() {
            let output = resampler.output();
            let mut rest = frame::Audio::new(output.format, delay.output.max(0) as usize + 64, output.channel_layout);
            if resampler.flush(&mut rest).is_err() || rest.samples() == 0 {
                break;
            }
            self.place(&rest);
        }
    }

    fn place(&mut self, converted: &frame::Audio) {
        let Some(cursor) = &mut self.cursor else { return };
        if converted.samples() == 0 {
            return;
        }
        let channels = usize::from(converted.channels()).clamp(1, CHANNELS);
        for sample in converted.plane::<f32>(0).chunks_exact(channels) {
            let (Some(left), Some(right)) = (sample.first(), sample.last()) else {
                break;
            };
            if let Ok(index) = usize::try_from(*cursor)
                && let Some(to) = self.sound.samples.get_mut(CHANNELS * index..CHANNELS * (index + 1))
            {
                to.copy_from_slice(&[*left, *right]);
            }
            *cursor += 1;
        }
    }
}

/// Maximum number of samples that result from `samples`, with room for rounding.
fn resampled(samples: usize, from: u32, to: u32) -> usize {
    (samples as u64 * u64::from(to) / u64::from(from.max(1))) as usize + 64
}
