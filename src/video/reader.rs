//! Demuxes and decodes a file's video stream, frame by frame in time order.

use super::faults;
use super::media::{
    FileOptions, VideoStreams, check_size, encrypted, hides_untimed_start, is_broadcast, is_encrypted, is_jump,
    media_error, no_video, open_media, picture_stream,
};
use super::upright::Orientation;
use crate::error::{Error, Result};
use crate::limits::{COUNTED_AT_OPENING, LONGEST_CLIP};
use crate::progress::Cancel;
use crate::shown;
use crate::time::{Instant, Span};
use ffmpeg::codec::packet::side_data::Type as PacketSideData;
use ffmpeg::codec::threading;
use ffmpeg::format::context::Input;
use ffmpeg::media::Type as Medium;
use ffmpeg_next as ffmpeg;
use std::path::{Path, PathBuf};

/// A difference between the announced and the real length beyond this is reported to the user. If
/// only the length of the whole file is announced, its sound may be longer than its picture.
const LENGTH_SLACK: Span = Span::from_seconds(0.2);
const FILE_LENGTH_SLACK: Span = Span::from_seconds(0.5);

/// Number of damaged packets after which the rest of the file is abandoned.
const MOST_DAMAGED: usize = 1000;

/// FFmpeg's unit for instants that do not belong to a stream.
const MICROSECONDS: f64 = 1e6;

/// Accepted mean frame rates of files; the fastest cameras stay below the greatest.
const LEAST_RATE: f64 = 0.01;
const GREATEST_RATE: f64 = 100_000.0;

/// From this value, the rate that FFmpeg finds common to all timestamps is that of a millisecond
/// clock.
const CLOCK_RATE: f64 = 1000.0;

/// A packet whose stated length is less than the time from one frame to the next by this factor
/// does not state the length of its frame.
const SHORTER: f64 = 1.5;

/// How long before the announced end reading begins if only the last packets are needed.
const BEFORE_END: f64 = 10.0;

/// A decoded frame with its place in time, from the first shown frame.
pub(super) struct Shown {
    pub(super) time: Instant,
    pub(super) end: Instant,
    pub(super) picture: ffmpeg::frame::Video,
}

/// Demuxer and decoder of a file's video stream.
pub(super) struct FrameReader {
    path: PathBuf,
    /// Stops reading at the next packet.
    pub(super) cancel: Cancel,
    input: Input,
    decoder: ffmpeg::decoder::Video,
    stream: usize,
    /// Seconds per tick of the stream's timestamps.
    tick: f64,
    /// Timestamp of the first shown frame, seconds.
    origin: Option<f64>,
    /// Time and end of the previous frame, seconds of timestamps.
    before: Option<(f64, f64)>,
    /// Time and end of the frame before that.
    earlier: Option<(f64, f64)>,
    /// Whether frames without a timestamp at the start are not shown.
    hides_untimed: bool,
    /// Number of frames that were not shown for that reason.
    hidden: usize,
    /// Seconds that are added to timestamps to undo the jumps so far.
    shift: f64,
    /// Number of jumps so far.
    pub(super) jumps: usize,
    /// Number of frames, after the first, without their own timestamp.
    pub(super) untimed: usize,
    /// Whether timestamps may restart in mid-stream.
    broadcast: bool,
    pub(super) orientation: Option<Orientation>,
    pub(super) frame_rate: f64,
    pub(super) has_audio: bool,
    draining: bool,
    /// Number of packets that could not be decoded.
    damaged: usize,
    /// The reason why reading ended before the file's end.
    broken_off: Option<String>,
    length_slack: Span,
}

impl FrameReader {
    /// Opens a file and decodes its first shown frame.
    pub(super) fn start(path: &Path, options: FileOptions, cancel: &Cancel) -> Result<(Self, Shown)> {
        let mut reader = Self::open(path, options, cancel)?;
        let mut first = reader.next()?;
        if first.is_none() && reader.hidden > 0 {
            // No frame has a timestamp, so the frames without one are used.
            reader = Self::open(path, options, cancel)?;
            reader.hides_untimed = false;
            first = reader.next()?;
        }
        let first = first.ok_or_else(|| Error::NoFrames { path: path.to_owned() })?;
        Ok((reader, first))
    }

    fn open(path: &Path, options: FileOptions, cancel: &Cancel) -> Result<Self> {
        let input = open_media(path)?;
        let has_audio = input.streams().any(|s| s.parameters().medium() == Medium::Audio);
        let stream = picture_stream(&input).ok_or_else(|| no_video(path, &input))?;
        let time_base = stream.time_base();
        let decoder = decoder(path, &stream, options.threads)?;
        let rate = |rate: ffmpeg::Rational| f64::from(rate.numerator()) / f64::from(rate.denominator());
        let (mean, common) = (rate(stream.avg_frame_rate()), rate(stream.rate()));
        let frame_rate = if (LEAST_RATE..=GREATEST_RATE).contains(&mean) {
            mean
        } else if (LEAST_RATE..CLOCK_RATE).contains(&common) {
            common
        } else {
            25.0
        };
        let orientation = stream
            .side_data()
            .find(|data| data.kind() == PacketSideData::DisplayMatrix)
            .map(|data| Orientation::from_display_matrix(data.data()));
        Ok(Self {
            path: path.to_owned(),
            cancel: cancel.clone(),
            decoder,
            stream: stream.index(),
            tick: f64::from(time_base.numerator()) / f64::from(time_base.denominator()),
            origin: None,
            before: None,
            earlier: None,
            hides_untimed: hides_untimed_start(&input),
            hidden: 0,
            shift: 0.0,
            jumps: 0,
            untimed: 0,
            broadcast: is_broadcast(&input),
            orientation,
            frame_rate,
            has_audio,
            draining: false,
            damaged: 0,
            broken_off: None,
            length_slack: if stream.duration() > 0 || !has_audio {
                LENGTH_SLACK
            } else {
                FILE_LENGTH_SLACK
            },
            input,
        })
    }

    /// The next frame that advances the time.
    pub(super) fn next(&mut self) -> Result<Option<Shown>> {
        let mut picture = ffmpeg::frame::Video::empty();
        loop {
            match self.decoder.receive_frame(&mut picture) {
                Ok(()) => {
                    if let Some((time, end)) = self.place(&picture) {
                        return Ok(Some(Shown { time, end, picture }));
                    }
                    continue;
                }
                // With several threads damage shows up only here; the next frame may be intact.
                Err(ffmpeg::Error::InvalidData) if self.damaged < MOST_DAMAGED => {
                    self.damaged += 1;
                    continue;
                }
                Err(_) if self.draining => return Ok(None),
                Err(_) => {}
            }
            self.feed()?;
        }
    }

    /// When a frame is shown, and until when. `None` for one that does not advance the time.
    fn place(&mut self, picture: &ffmpeg::frame::Video) -> Option<(Instant, Instant)> {
        let mut stamp = picture.timestamp().map(|t| t as f64 * self.tick + self.shift);
        if let (Some(jumped), Some((before, end))) = (stamp, self.before)
            && is_jump(jumped - end, before - jumped, self.broadcast)
        {
            self.shift += end - jumped;
            self.jumps += 1;
            stamp = Some(end);
        }
        let length = match picture.packet().duration as f64 * self.tick {
            length if length > 0.0 && length < 60.0 => length,
            _ => 1.0 / self.frame_rate,
        };
        if stamp.is_none() && self.origin.is_none() && self.hides_untimed {
            self.hidden += 1;
            return None;
        }
        let time = match (stamp, self.before) {
            (Some(stamp), Some((before, _))) if stamp <= before => return None,
            (Some(stamp), _) => stamp,
            (None, Some((_, end))) => {
                self.untimed += 1;
                end
            }
            (None, None) => 0.0,
        };
        let origin = *self.origin.get_or_insert(time);
        if time < origin {
            return None;
        }
        self.earlier = self.before.replace((time, time + length));
        let instant = |seconds: f64| Instant::from_seconds(seconds - origin);
        Some((instant(time), instant(time + length)))
    }

    /// Gives the decoder the next packet of the stream, or its end.
    ///
    /// # Errors
    /// [`Error::NotAVideo`] for an encrypted packet: which a decoder would turn into noise;
    /// [`Error::Cancelled`].
    fn feed(&mut self) -> Result<()> {
        let mut unreadable = 0;
        loop {
            self.cancel.check()?;
            let mut packet = ffmpeg::Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() != self.stream => continue,
                Ok(()) if is_encrypted(&packet) => return Err(encrypted(&self.path)),
                Ok(()) => match self.decoder.send_packet(&packet) {
                    Ok(()) => return Ok(()),
                    Err(_) if self.damaged < MOST_DAMAGED => {
                        self.damaged += 1;
                        continue;
                    }
                    Err(e) => self.broken_off = Some(faults::reason(e)),
                },
                Err(ffmpeg::Error::Eof) => {}
                Err(ffmpeg::Error::InvalidData) if unreadable < MOST_DAMAGED => {
                    unreadable += 1;
                    self.damaged += 1;
                    continue;
                }
                Err(e) => self.broken_off = Some(faults::reason(e)),
            }
            let _ = self.decoder.send_eof(); // refused only if it was sent before
            self.draining = true;
            return Ok(());
        }
    }

    /// End of the last frame, once all have been read.
    ///
    /// If the container does not state how long a picture is shown, the packets of a stream with
    /// gaps do not either. The last frame is then shown as long as the one before it, but not
    /// beyond the end of the file.
    pub(super) fn end_of_last(&self) -> Option<Instant> {
        let (time, end) = self.before?;
        let origin = self.origin?;
        let mut shown = end;
        let is_stated = self.input.stream(self.stream).is_some_and(|s| s.duration() > 0);
        if let Some((before, stated)) = self.earlier
            && !is_stated
            && let Some(file_end) = self.stated()
        {
            let gap = time - before;
            if gap > SHORTER * (stated - before) {
                shown = end.max((time + gap).min(file_end));
            }
        }
        Some(Instant::from_seconds(shown - origin))
    }

    /// The end of the video according to the file, seconds of timestamps.
    fn stated(&self) -> Option<f64> {
        let origin = self.origin.unwrap_or(0.0);
        let stream = self.input.stream(self.stream)?;
        let begin = match stream.start_time() {
            ffmpeg::ffi::AV_NOPTS_VALUE => origin,
            ticks => ticks as f64 * self.tick,
        };
        let end = match (stream.duration(), self.input.duration()) {
            (stream, _) if stream > 0 => begin + stream as f64 * self.tick,
            (_, file) if file > 0 => origin + file as f64 / MICROSECONDS,
            _ => return None,
        };
        // A greater value is damage.
        (end - origin <= LONGEST_CLIP.seconds()).then_some(end)
    }

    /// The end of the video, according to the file or its packets, from the first shown frame,
    /// which must have been read. `None` if the file does not state it and is too large to be read
    /// through at once.
    pub(super) fn announced(&self) -> Result<Option<Instant>> {
        let origin = self.origin.unwrap_or(0.0);
        let is_of_stream = self.input.stream(self.stream).is_some_and(|s| s.duration() > 0);
        let end = match self.stated() {
            // Some programs count a Matroska file's length from its first instant, others from the
            // clock's zero: only the last packets show which.
            Some(end) if !is_of_stream && self.hides_untimed && origin > LENGTH_SLACK.seconds() => {
                let sought = self.end_of_packets(Some(end - origin - BEFORE_END))?;
                sought.or(Some(end))
            }
            Some(end) => Some(end),
            None => self.end_of_packets(None)?,
        };
        // Timestamps can be damaged as well.
        let end = end.filter(|end| *end - origin <= LONGEST_CLIP.seconds());
        Ok(end.map(|end| Instant::from_seconds(end - origin)))
    }

    /// The end of the last packet, seconds of timestamps, read by opening the file a second time,
    /// from `from` on if the file can be sought; `None` for a large file that cannot.
    fn end_of_packets(&self, from: Option<f64>) -> Result<Option<f64>> {
        let mut input = open_media(&self.path)?;
        let target = from.map(|from| (from.max(0.0) * MICROSECONDS) as i64);
        let sought = target.is_some_and(|target| input.seek(target, ..target).is_ok());
        if !sought {
            let size = std::fs::metadata(&self.path).map_err(Error::input(&self.path))?.len();
            if size > COUNTED_AT_OPENING {
                return Ok(None);
            }
            if target.is_some() {
                input = open_media(&self.path)?; // the position after a failed seek is not known
            }
        }
        let origin = self.origin.unwrap_or(0.0);
        let mut end = None::<f64>;
        loop {
            self.cancel.check()?;
            let mut packet = ffmpeg::Packet::empty();
            match packet.read(&mut input) {
                Ok(()) if packet.stream() == self.stream => {
                    let length = if packet.duration() > 0 {
                        packet.duration() as f64 * self.tick
                    } else {
                        1.0 / self.frame_rate
                    };
                    let begin = match packet.pts().or(packet.dts()) {
                        Some(ticks) => ticks as f64 * self.tick,
                        // Not shown: see `hides_untimed`.
                        None if self.hides_untimed && end.is_none() => continue,
                        None => end.unwrap_or(origin),
                    };
                    end = Some(end.unwrap_or(origin).max(begin + length));
                }
                Ok(()) => {}
                Err(_) => break,
            }
        }
        Ok(end)
    }

    /// Seeks to the key frame before `start`, and returns the first frame there; `None` if that is
    /// not possible: reading then continues from the media's start.
    pub(super) fn seek(&mut self, start: Instant, options: FileOptions) -> Result<Option<Shown>> {
        let Some(origin) = self.origin else {
            return Ok(None);
        };
        let target = ((origin + start.seconds()) * MICROSECONDS) as i64;
        if self.input.seek(target, ..target).is_ok() {
            self.decoder.flush();
            self.draining = false;
            self.before = None;
            self.earlier = None;
            self.shift = 0.0;
            if let Some(shown) = self.next()?
                && shown.time <= start
            {
                return Ok(Some(shown));
            }
        }
        // It landed after the start, or nowhere: begin again.
        let (again, first) = Self::start(&self.path, options, &self.cancel)?;
        *self = again;
        Ok(Some(first))
    }

    /// The numbers of the file's video streams.
    pub(super) fn streams(&self) -> VideoStreams {
        let videos = self
            .input
            .streams()
            .filter(|s| s.parameters().medium() == Medium::Video);
        VideoStreams {
            used: self.stream,
            all: videos.map(|s| s.index()).collect(),
        }
    }

    /// The faults of the file at the end of reading, as a sentence for the user that follows its
    /// name. `announced` is given if the end was to be reached.
    pub(super) fn faults(&self, announced: Option<Instant>, end: Instant) -> Option<String> {
        let mut faults = Vec::new();
        if self.damaged > 0 {
            faults.push(format!("skipped {}", shown::count(self.damaged, "damaged packet")));
        }
        if self.jumps > 0 {
            faults.push(format!("timestamps jump {}", shown::count(self.jumps, "time")));
        }
        if let Some(reason) = &self.broken_off {
            faults.push(format!("reading was interrupted: {reason}"));
        }
        if let Some(announced) = announced
            && announced - end > self.length_slack
        {
            faults.push(format!(
                "the video ends at {:.2} s, but announces {:.2} s",
                end.seconds(),
                announced.seconds()
            ));
        }
        (!faults.is_empty()).then(|| format!("{}; what could be decoded is used", faults.join("; ")))
    }
}

fn decoder(path: &Path, stream: &ffmpeg::Stream<'_>, threads: usize) -> Result<ffmpeg::decoder::Video> {
    let refuse = |e: ffmpeg::Error| media_error(path, "opening the decoder", e);
    let mut context = ffmpeg::codec::Context::from_parameters(stream.parameters()).map_err(refuse)?;
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: threads.max(1),
        ..Default::default()
    });
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    let decoder = decoder.video().map_err(refuse)?;
    // Checked before a frame of that size is requested.
    if decoder.width() > 0 && decoder.height() > 0 {
        check_size(path, f64::from(decoder.width()), f64::from(decoder.height()))?;
    }
    Ok(decoder)
}
