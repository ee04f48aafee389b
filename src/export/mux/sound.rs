//! Encodes the soundtrack for a container, again if its true peak is too high.

use super::container::Container;
use super::sink::Stop;
use crate::audio::{AudioBuffer, ENCODER_HEADROOM, measure};
use crate::progress::{Monitor, Stage};
use crate::time::{Rate, Span};
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::sample::Type::{Packed, Planar};
use ffmpeg_next::format::{Sample, context};
use ffmpeg_next::{ChannelLayout, Rational, codec, encoder, frame, software};
use std::collections::VecDeque;

/// Sample rate of the encoded sound: all codecs used here support it, and Opus supports no other.
pub(super) const RATE: u32 = 48_000;

/// Share of the whole progress assigned to encoding the sound.
pub(super) const ENCODING_SHARE: f64 = 0.2;

/// Samples per frame for encoders that accept any number.
const ANY_FRAME: usize = 1024;

/// How often sound is encoded again because the encoder exceeded its peak, and how much softer than
/// necessary, dB: an encoder behaves differently at every level, so that the last round may be
/// better or worse.
const ENCODING_ROUNDS: usize = 4;
const SOFTER: f64 = 0.1;

/// Amount of encoded sound that is measured at a time, so that memory does not grow with the clip.
const MEASURED_AT_ONCE: Span = Span::from_seconds(30.0);

/// First major version of libavformat whose Matroska muxer includes the pre-skip of Opus
/// (`CodecDelay`) in the timestamps. Older ones write it but do not include it, so that the sound
/// would be early by it.
const COUNTS_PRE_SKIP: u32 = 60;

/// An open encoder for the sound of a container.
pub(super) struct SoundEncoder {
    encoder: encoder::Audio,
    frame_size: usize,
    /// Whether its packets are the samples themselves, whose peak cannot increase.
    exact: bool,
    /// Whether timestamps start at zero with the encoder's delay, before the sound.
    from_zero: bool,
}

impl SoundEncoder {
    /// `global`: the container stores the codec's headers separately from the packets.
    pub(super) fn open(container: &Container, global: bool) -> Result<Self, ffmpeg::Error> {
        let (codec, bit_rate) = container
            .encoders
            .iter()
            .find_map(|(name, bit_rate)| Some((encoder::find_by_name(name)?, *bit_rate)))
            .ok_or(ffmpeg::Error::EncoderNotFound)?;
        let format = codec
            .audio()?
            .formats()
            .and_then(|mut formats| formats.find(|f| SAMPLE_FORMATS.contains(f)))
            .ok_or(ffmpeg::Error::EncoderNotFound)?;
        let mut context = codec::Context::new_with_codec(codec);
        context.set_time_base((1, RATE as i32));
        // One thread, so that the output is the same on every machine.
        context.set_threading(codec::threading::Config::count(1));
        if global {
            context.set_flags(codec::Flags::GLOBAL_HEADER);
        }
        let mut encoder = context.encoder().audio()?;
        encoder.set_rate(RATE as i32);
        encoder.set_format(format);
        encoder.set_channel_layout(ChannelLayout::STEREO);
        encoder.set_bit_rate(bit_rate);
        let mut options = ffmpeg::Dictionary::new();
        if codec.name() == "aac" {
            // Perceptual noise substitution in FFmpeg's encoder sometimes overshoots on the attack
            // of a drum, by 5 dB over the input's peaks; intensity stereo and the two-loop search
            // overshoot by 1.5 dB. The faster search sounds no worse at this bit rate.
            options.set("aac_pns", "0");
            options.set("aac_is", "0");
            options.set("aac_coder", "fast");
        }
        let encoder = encoder.open_as_with(codec, options)?;
        let frame_size = match encoder.frame_size() {
            0 => ANY_FRAME,
            size => size as usize,
        };
        let from_zero =
            container.own_codes && codec.id() == codec::Id::OPUS && ffmpeg::format::version() >> 16 < COUNTS_PRE_SKIP;
        Ok(Self {
            encoder,
            frame_size,
            exact: bit_rate == 0,
            from_zero,
        })
    }

    /// Adds a stream for the encoded sound and returns its index.
    pub(super) fn add_stream(&self, output: &mut context::Output) -> Result<usize, ffmpeg::Error> {
        let mut stream = output.add_stream(self.encoder.codec())?;
        stream.set_parameters(&self.encoder);
        stream.set_time_base((1, RATE as i32));
        Ok(stream.index())
    }
}

/// The sound as packets, in order.
pub(super) struct Encoded {
    /// The encoder, from which the output's stream gets its parameters.
    pub(super) encoder: SoundEncoder,
    /// Timestamps count samples.
    packets: VecDeque<ffmpeg::Packet>,
    /// Offset added to the timestamps.
    shift: i64,
}

impl Encoded {
    /// Encodes `sound` after `lead` seconds of silence.
    ///
    /// The result is decoded to measure it: if its true peak is more than [`ENCODER_HEADROOM`]
    /// above that of `sound`, the sound is encoded again, softer by the excess. Memory: about 2 MB
    /// per minute, 12 MB for PCM.
    pub(super) fn new(
        sound: &AudioBuffer,
        lead: f64,
        container: &Container,
        global: bool,
        monitor: &Monitor<'_>,
    ) -> Result<Self, Stop> {
        let allowed = measure(sound)?.true_peak + ENCODER_HEADROOM;
        let mut reduction = 0.0;
        let mut round = 1;
        loop {
            let gain = 10.0_f64.powf(-reduction / 20.0) as f32;
            let report = |share: f64| match round {
                1 => monitor.progress(Stage::Export, ENCODING_SHARE * share),
                // Progress never goes back.
                _ => monitor.check(),
            };
            let encoded = Self::once(sound, gain, lead, SoundEncoder::open(container, global)?, report)?;
            if encoded.encoder.exact || !allowed.is_finite() {
                return Ok(encoded);
            }
            let over = encoded.peak(monitor)?.map_or(0.0, |peak| peak - allowed);
            if over <= 0.0 {
                return Ok(encoded);
            }
            if round == ENCODING_ROUNDS {
                log::warn!("the sound encoder exceeds the requested peak by {over:.2} dB");
                return Ok(encoded);
            }
            reduction += over + SOFTER;
            round += 1;
            log::debug!(
                "the sound encoder exceeded the peak by {over:.2} dB: the sound is encoded again, {reduction:.2} dB softer"
            );
        }
    }

    fn once(
        sound: &AudioBuffer,
        gain: f32,
        lead: f64,
        encoder: SoundEncoder,
        report: impl Fn(f64) -> crate::Result<()>,
    ) -> Result<Self, Stop> {
        let mut encoded = Self {
            encoder,
            packets: VecDeque::new(),
            shift: 0,
        };
        let mut feed = SampleSource::new(sound, gain, lead)?;
        let all = feed.left.max(1) as f64;
        let mut position = 0;
        loop {
            report(position as f64 / all)?;
            let samples = feed.next(encoded.encoder.frame_size)?;
            if samples.is_empty() {
                break;
            }
            let count = samples.len() / 2;
            let encoder = &mut encoded.encoder.encoder;
            let mut frame = frame::Audio::new(encoder.format(), count, ChannelLayout::STEREO);
            frame.set_rate(RATE);
            frame.set_pts(Some(position as i64));
            fill(&mut frame, &samples);
            position += count;
            encoder.send_frame(&frame)?;
            encoded.drain()?;
        }
        encoded.encoder.encoder.send_eof()?;
        encoded.drain()?;
        if encoded.encoder.from_zero {
            encoded.shift = -encoded.packets.front().and_then(|p| p.pts()).unwrap_or(0);
        }
        Ok(encoded)
    }

    fn drain(&mut self) -> Result<(), ffmpeg::Error> {
        loop {
            let mut packet = ffmpeg::Packet::empty();
            match self.encoder.encoder.receive_packet(&mut packet) {
                Ok(()) => self.packets.push_back(packet),
                Err(ffmpeg::Error::Eof) => return Ok(()),
                Err(ffmpeg::Error::Other { errno }) if errno == ffmpeg::util::error::EAGAIN => return Ok(()),
                Err(e) => return Err(e),
            }
        }
    }

    /// True peak of the encoded sound, dBTP; `None` if it cannot be decoded, which does not mean
    /// that the sound is bad.
    fn peak(&self, monitor: &Monitor<'_>) -> Result<Option<f64>, Stop> {
        let decoder = codec::Context::from_parameters(codec::Parameters::from(&self.encoder.encoder));
        let Ok(mut decoder) = decoder.and_then(|context| context.decoder().audio()) else {
            log::debug!("the encoded sound cannot be decoded");
            return Ok(None);
        };
        let rate = Rate::from_hz(f64::from(RATE));
        let piece = 2 * MEASURED_AT_ONCE.to_samples(rate);
        let mut samples: Vec<f32> = Vec::new();
        let mut peak = f64::NEG_INFINITY;
        let mut measured = |samples: &mut Vec<f32>| -> crate::Result<()> {
            let sound = AudioBuffer {
                rate,
                channels: 2,
                samples: std::mem::take(samples),
            };
            peak = peak.max(measure(&sound)?.true_peak);
            Ok(())
        };
        let mut packets = self.packets.iter();
        let mut decoded = frame::Audio::empty();
        loop {
            monitor.check()?;
            let packet = packets.next();
            let sent = match packet {
                Some(packet) => decoder.send_packet(packet),
                None => decoder.send_eof(),
            };
            if sent.is_err() {
                log::debug!("the encoded sound cannot be decoded");
                return Ok(None);
            }
            while decoder.receive_frame(&mut decoded).is_ok() {
                if !take(&decoded, &mut samples) {
                    log::debug!("the decoder returns samples in an unsupported format");
                    return Ok(None);
                }
                if samples.len() >= piece {
                    measured(&mut samples)?;
                }
            }
            if packet.is_none() {
                break;
            }
        }
        if !samples.is_empty() {
            measured(&mut samples)?;
        }
        Ok(Some(peak))
    }

    fn next_before(&mut self, until: f64) -> Option<ffmpeg::Packet> {
        let begins = self.packets.front()?.pts().unwrap_or(0) as f64;
        if begins < until * f64::from(RATE) {
            self.packets.pop_front()
        } else {
            None
        }
    }

    /// Writes the sound before `until`, seconds of the output, as stream `index`; all of it if
    /// `until` is infinite.
    pub(super) fn write_until(
        &mut self,
        until: f64,
        index: usize,
        output: &mut context::Output,
        monitor: &Monitor<'_>,
    ) -> Result<(), Stop> {
        let own = Rational(1, RATE as i32);
        let base = output.stream(index).map_or(own, |stream| stream.time_base());
        while let Some(mut packet) = self.next_before(until) {
            monitor.check()?;
            packet.set_pts(packet.pts().map(|t| t + self.shift));
            packet.set_dts(packet.dts().map(|t| t + self.shift));
            packet.set_stream(index);
            packet.rescale_ts(own, base);
            packet.write_interleaved(output)?;
        }
        Ok(())
    }
}

/// Appends the samples of a frame of two channels, interleaved; `false` for a format that is not
/// one of [`SAMPLE_FORMATS`].
fn take(frame: &frame::Audio, to: &mut Vec<f32>) -> bool {
    const WHOLE: f32 = 1.0 / 32_768.0;
    if frame.channels() != 2 {
        return false;
    }
    match frame.format() {
        Sample::F32(Packed) => to.extend_from_slice(frame.plane::<f32>(0)),
        Sample::I16(Packed) => to.extend(frame.plane::<i16>(0).iter().map(|s| f32::from(*s) * WHOLE)),
        Sample::F32(Planar) => {
            let (left, right) = (frame.plane::<f32>(0), frame.plane::<f32>(1));
            to.extend(left.iter().zip(right).flat_map(|(l, r)| [*l, *r]));
        }
        Sample::I16(Planar) => {
            let (left, right) = (frame.plane::<i16>(0), frame.plane::<i16>(1));
            let sides = left.iter().zip(right);
            to.extend(sides.flat_map(|(l, r)| [f32::from(*l) * WHOLE, f32::from(*r) * WHOLE]));
        }
        _ => return false,
    }
    true
}

/// Sample formats that [`fill`] can write.
const SAMPLE_FORMATS: &[Sample] = &[
    Sample::F32(Planar),
    Sample::F32(Packed),
    Sample::I16(Packed),
    Sample::I16(Planar),
];

/// Writes interleaved stereo samples into a frame of one of [`SAMPLE_FORMATS`].
fn fill(frame: &mut frame::Audio, samples: &[f32]) {
    let whole = |s: f32| (s.clamp(-1.0, 1.0) * 32_767.0).round() as i16;
    let plane = |side: usize| samples.iter().skip(side).step_by(2);
    match frame.format() {
        Sample::F32(Packed) => {
            frame
                .plane_mut::<f32>(0)
                .iter_mut()
                .zip(samples)
                .for_each(|(to, s)| *to = *s);
        }
        Sample::I16(Packed) => {
            let to = frame.plane_mut::<i16>(0).iter_mut();
            to.zip(samples).for_each(|(to, s)| *to = whole(*s));
        }
        Sample::F32(Planar) => {
            for side in 0..2 {
                let to = frame.plane_mut::<f32>(side).iter_mut();
                to.zip(plane(side)).for_each(|(to, s)| *to = *s);
            }
        }
        _ => {
            for side in 0..2 {
                let to = frame.plane_mut::<i16>(side).iter_mut();
                to.zip(plane(side)).for_each(|(to, s)| *to = whole(*s));
            }
        }
    }
}

/// The sound as interleaved stereo at [`RATE`], a piece at a time.
struct SampleSource<'a> {
    sound: &'a AudioBuffer,
    gain: f32,
    /// Samples per channel taken from `sound` so far.
    taken: usize,
    /// Samples per channel still to be returned, including silence before and after the sound.
    left: usize,
    resampler: Option<software::resampling::Context>,
    /// Converted samples that have not been returned yet.
    ready: Vec<f32>,
}

impl<'a> SampleSource<'a> {
    fn new(sound: &'a AudioBuffer, gain: f32, lead: f64) -> Result<Self, ffmpeg::Error> {
        let rate = crate::time::Rate::from_hz(f64::from(RATE));
        let lead = Span::from_seconds(lead).to_samples(rate);
        let source = sound.rate.hz().round() as u32;
        let resampler = match (source == RATE, sound.channels) {
            (true, 1 | 2) => None,
            (_, channels) => Some(software::resampling::Context::get(
                Sample::F32(Packed),
                ChannelLayout::default(channels as i32),
                source,
                Sample::F32(Packed),
                if channels == 1 {
                    ChannelLayout::MONO
                } else {
                    ChannelLayout::STEREO
                },
                RATE,
            )?),
        };
        Ok(Self {
            sound,
            gain,
            taken: 0,
            left: lead + sound.duration().to_samples(rate),
            resampler,
            ready: vec![0.0; 2 * lead],
        })
    }

    /// The next `count` samples per channel; fewer at the end, and none after it.
    fn next(&mut self, count: usize) -> Result<Vec<f32>, ffmpeg::Error> {
        let count = count.min(self.left);
        while self.ready.len() < 2 * count {
            if !self.convert()? {
                break;
            }
        }
        self.left -= count;
        let mut piece: Vec<f32> = self.ready.drain(..self.ready.len().min(2 * count)).collect();
        piece.iter_mut().for_each(|sample| *sample *= self.gain);
        piece.resize(2 * count, 0.0);
        Ok(piece)
    }

    /// Converts more samples; returns `false` at the end.
    fn convert(&mut self) -> Result<bool, ffmpeg::Error> {
        let channels = self.sound.channels;
        let from = self.taken * channels;
        let count = ANY_FRAME.min(self.sound.frames() - self.taken);
        let samples = self
            .sound
            .samples
            .get(from..from + count * channels)
            .unwrap_or_default();
        self.taken += count;
        let Some(resampler) = &mut self.resampler else {
            match channels {
                1 => self.ready.extend(samples.iter().flat_map(|s| [*s, *s])),
                _ => self.ready.extend_from_slice(samples),
            }
            return Ok(count > 0);
        };
        let (input, output) = (*resampler.input(), *resampler.output());
        let waiting = resampler.delay().map_or(0, |d| d.output.max(0) as usize);
        let room = waiting + count * output.rate as usize / input.rate.max(1) as usize + 64;
        let mut converted = frame::Audio::new(output.format, room, output.channel_layout);
        if count > 0 {
            let mut piece = frame::Audio::new(input.format, count, input.channel_layout);
            piece.set_rate(input.rate);
            fill(&mut piece, samples);
            resampler.run(&piece, &mut converted)?;
        } else if waiting > 0 {
            resampler.flush(&mut converted)?;
        } else {
            return Ok(false);
        }
        if converted.samples() == 0 {
            return Ok(count > 0);
        }
        let plane = converted.plane::<f32>(0);
        if channels == 1 {
            self.ready.extend(plane.iter().flat_map(|s| [*s, *s]));
        } else {
            self.ready.extend_from_slice(plane);
        }
        Ok(true)
    }
}
