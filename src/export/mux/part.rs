//! Decides which of the video's packets are copied, and when they are shown.

use super::container::Container;
use super::times::{self, Times};
use crate::error::Result;
use crate::progress::Monitor;
use crate::time::Instant;
use crate::video::Clip;
use crate::video::media::{first_shown, is_broadcast, is_jump, no_video, open_media, open_media_with, picture_stream};
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::context;
use ffmpeg_next::{Rational, codec};
use std::path::Path;
use std::rc::Rc;

/// How far before a cut its keyframe is searched for: decoding timestamps are earlier than
/// presentation timestamps by at most this.
const REORDERING: f64 = 1.0;

/// A shift of the picture that is too small for a warning: a few frames.
const UNSEEN: f64 = 0.15;

/// A time base coarser than this, seconds, cannot represent a cut between two frames, so it is
/// divided.
const COARSE: f64 = 1e-3;

/// Number of packets at the start that are checked for missing timestamps.
const LOOKED_AT: usize = 64;

/// Presentation and decoding timestamps of a packet.
pub(super) type Stamps = (Option<i64>, Option<i64>);

/// Where the video begins and ends, in units of its time base.
pub(super) struct VideoPart {
    pub(super) stream: usize,
    /// The input's time base, divided by `divisor`.
    pub(super) time_base: Rational,
    /// Factor for timestamps of the input.
    divisor: i64,
    /// The timestamp that becomes zero in the output.
    pub(super) zero: i64,
    /// The first packet, if it is not the first of the stream.
    pub(super) key: Option<Stamps>,
    /// The first timestamp that is no longer shown.
    pub(super) end: Option<i64>,
    /// Length of the picture before the start of the clip that players will show, seconds.
    pub(super) lead: f64,
    /// Whether missing presentation timestamps can be completed by reading ahead.
    complete: bool,
    /// Timestamps of all packets, in order, if the file lacks presentation timestamps and the
    /// container needs them.
    times: Option<Rc<[Times]>>,
}

/// The video stream's packets, and those of other streams, with timestamps in a [`VideoPart`]'s
/// time base.
pub(super) struct Packets {
    pub(super) input: context::Input,
    stream: usize,
    divisor: i64,
    times: Option<Rc<[Times]>>,
    clock: Clock,
    /// Number of packets of the stream so far.
    count: usize,
}

/// Undoes restarts of the clock, as the reader of the pictures does.
struct Clock {
    is_broadcast: bool,
    time_base: Rational,
    /// What is added to timestamps to undo the jumps so far.
    shift: i64,
    /// The latest decoding timestamp, and the end of what is shown, after the shift.
    last: Option<(i64, i64)>,
}

impl Clock {
    /// The shift in units of another time base.
    fn shift_in(&self, time_base: Rational) -> i64 {
        units(self.shift as f64 * f64::from(self.time_base), time_base)
    }

    /// Moves a packet's timestamps to the clock of the first packet.
    fn place(&mut self, packet: &mut ffmpeg::Packet) {
        let Some(decoded) = packet.dts().or(packet.pts()) else {
            return;
        };
        let shown = packet.pts().unwrap_or(decoded);
        let length = packet.duration().max(1);
        let seconds = |from: i64, to: i64| to.saturating_sub(from) as f64 * f64::from(self.time_base);
        let at = decoded.saturating_add(self.shift);
        if let Some((last, end)) = self.last
            && is_jump(seconds(last, at), seconds(at, last), self.is_broadcast)
        {
            self.shift = end.saturating_sub(shown);
        }
        let placed = |t: i64| t.saturating_add(self.shift);
        packet.set_pts(packet.pts().map(placed));
        packet.set_dts(packet.dts().map(placed));
        let end = placed(shown).saturating_add(length);
        let end = self.last.map_or(end, |(_, before)| end.max(before));
        self.last = Some((placed(decoded), end));
    }
}

/// Converts seconds to units of a time base.
pub(super) fn units(seconds: f64, time_base: Rational) -> i64 {
    (seconds / f64::from(time_base)).round() as i64
}

impl VideoPart {
    /// The initial part of a media, before reading: the whole media, with its own timestamps.
    pub(super) fn unread(path: &Path, input: &context::Input, container: &Container) -> Result<Self> {
        let Some(stream) = picture_stream(input) else {
            return Err(no_video(path, input));
        };
        let time_base = stream.time_base();
        let codec = stream.parameters().id();
        // AVI counts frames, and needs neither.
        let avi = container.format == "avi";
        let divisor = if avi || f64::from(time_base) <= COARSE {
            1
        } else {
            (f64::from(time_base) * 90_000.0).ceil().clamp(1.0, 1e6) as i32
        };
        let denominator = time_base.denominator().checked_mul(divisor);
        let (divisor, time_base) = match denominator {
            Some(denominator) => (divisor, Rational(time_base.numerator(), denominator).reduce()),
            None => (1, time_base),
        };
        Ok(Self {
            stream: stream.index(),
            time_base,
            divisor: i64::from(divisor),
            zero: 0,
            key: None,
            end: None,
            lead: 0.0,
            complete: !avi && !matches!(codec, codec::Id::H264 | codec::Id::HEVC),
            times: None,
        })
    }

    /// Finds where the video of a clip begins and ends.
    pub(super) fn find(clip: &Clip, container: &Container, monitor: &Monitor<'_>) -> Result<Self> {
        let path = &clip.path;
        let first = first_shown(path, monitor)?;
        let mut part = Self::unread(path, &open_media(path)?, container)?;
        let first_stamp = first.timestamp.saturating_mul(part.divisor);
        // AVI counts frames in decoding order; with reordering, the first frame is shown later.
        let decoding = container.format == "avi";
        if !decoding && part.lacks_times(path)? {
            part.times = Some(times::of(path, part.complete, part.divisor, first_stamp, monitor)?.into());
        }
        let seconds = (clip.start - Instant::ZERO).seconds();
        let start = first_stamp.saturating_add(part.shown_at(seconds));
        part.zero = start;
        let end = units(seconds + clip.duration.seconds(), part.time_base);
        part.end = (!clip.whole).then(|| first_stamp.saturating_add(end));
        let time = |(pts, dts): Stamps| if decoding { dts.or(pts) } else { pts.or(dts) };
        let shown = if start > first_stamp {
            part.key = match part.key_before(path, start, true, monitor)? {
                None => part.key_before(path, start, false, monitor)?,
                found => found,
            };
            part.key.and_then(time).unwrap_or(first_stamp)
        } else {
            // An edit list of the input may hide pictures before the first.
            part.key_before(path, start, false, monitor)?
                .and_then(time)
                .unwrap_or(start)
        };
        if !container.boxes {
            part.zero = shown;
            // Not computed from `start`, which has only the precision of the time base.
            part.lead = (first.seconds + seconds - part.zero_seconds()).max(0.0);
        }
        Ok(part)
    }

    /// Logs that players will show more than the clip, if so.
    pub(super) fn warn_of_lead(&self, path: &Path) {
        if self.lead > UNSEEN {
            log::warn!(
                "{}: this container cannot hide pictures before a cut; the video starts {:.2} s before it, silent \
                 until then (.mp4 and .mov start on the frame)",
                path.display(),
                self.lead
            );
        }
    }

    /// The timestamp of the frame shown `seconds` seconds after zero.
    fn shown_at(&self, seconds: f64) -> i64 {
        /// Tolerance of seconds for the timestamp that they represent, as a share of a unit.
        const ROUNDING: f64 = 0.01;
        if f64::from(self.time_base) > COARSE {
            // If a unit is a frame, the frame that has begun is meant, not the nearest.
            (seconds / f64::from(self.time_base) + ROUNDING).floor() as i64
        } else {
            units(seconds, self.time_base)
        }
    }

    /// [`zero`](Self::zero) in seconds.
    pub(super) fn zero_seconds(&self) -> f64 {
        self.zero as f64 * f64::from(self.time_base)
    }

    /// Whether pictures are reordered, and the file does not contain their presentation order.
    fn lacks_times(&self, path: &Path) -> Result<bool> {
        let mut packets = self.open(path)?;
        let Some(stream) = packets.input.stream(self.stream) else {
            return Ok(false);
        };
        let decoder = codec::Context::from_parameters(stream.parameters()).and_then(|c| c.decoder().video());
        if !decoder.is_ok_and(|d| d.has_b_frames()) {
            return Ok(false);
        }
        let mut looked_at = 0;
        while looked_at < LOOKED_AT
            && let Some(packet) = packets.next()
        {
            if packet.stream() == self.stream {
                looked_at += 1;
                if packet.pts().is_none() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The packets from the media's start.
    fn open(&self, path: &Path) -> Result<Packets> {
        let input = open_media_with(path, self.complete)?;
        Ok(Packets {
            clock: Clock {
                is_broadcast: is_broadcast(&input),
                time_base: self.time_base,
                shift: 0,
                last: None,
            },
            input,
            stream: self.stream,
            divisor: self.divisor,
            times: self.times.clone(),
            count: 0,
        })
    }

    /// The packets from where reading begins.
    pub(super) fn packets(&self, path: &Path) -> Result<Packets> {
        let mut packets = self.open(path)?;
        if self.key.is_some() && !self.seek(&mut packets) {
            packets = self.open(path)?;
        }
        Ok(packets)
    }

    /// Seeks to the keyframe before the part; returns `false` if that is not possible.
    fn seek(&self, packets: &mut Packets) -> bool {
        // Timestamps that are not the file's own can be looked up only by the packet's number.
        if self.times.is_some() {
            return false;
        }
        // Where the clock may have restarted, the same timestamp may be there twice.
        if packets.clock.is_broadcast {
            return false;
        }
        let start = match self.key {
            Some((Some(pts), _)) => self.zero.min(pts),
            _ => self.zero,
        };
        let target = ((start as f64 * f64::from(self.time_base) - REORDERING) * 1e6) as i64;
        packets.input.seek(target, ..target).is_ok()
    }

    /// The last keyframe that is shown at or before `start`.
    fn key_before(&self, path: &Path, start: i64, seek: bool, monitor: &Monitor<'_>) -> Result<Option<Stamps>> {
        let mut packets = self.open(path)?;
        if seek && !self.seek(&mut packets) {
            return Ok(None);
        }
        let mut found = None;
        while let Some(packet) = packets.next() {
            monitor.check()?;
            if packet.stream() != self.stream {
                continue;
            }
            if packet.dts().or(packet.pts()).is_some_and(|t| t > start) {
                break;
            }
            if packet.is_key() && packet.pts().or(packet.dts()).is_some_and(|t| t <= start) {
                found = Some((packet.pts(), packet.dts()));
            }
        }
        Ok(found)
    }
}

impl Packets {
    /// The next packet of any stream.
    pub(super) fn next(&mut self) -> Option<ffmpeg::Packet> {
        let (stream, mut packet) = self.input.packets().next()?;
        if packet.stream() != self.stream {
            let placed = |t: i64| t.saturating_add(self.clock.shift_in(stream.time_base()));
            packet.set_pts(packet.pts().map(placed));
            packet.set_dts(packet.dts().map(placed));
            return Some(packet);
        }
        let scaled = |t: i64| t.saturating_mul(self.divisor);
        packet.set_pts(packet.pts().map(scaled));
        packet.set_dts(packet.dts().map(scaled));
        packet.set_duration(scaled(packet.duration()));
        if let Some(times) = self.times.as_ref().and_then(|times| times.get(self.count)) {
            packet.set_pts(Some(times.shown));
            packet.set_dts(Some(times.decoded));
        }
        self.clock.place(&mut packet);
        self.count += 1;
        Some(packet)
    }
}
