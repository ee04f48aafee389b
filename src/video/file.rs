//! Frames of a video file, by FFmpeg.
//!
//! A thread of its own demuxes, decodes and scales ahead, a few frames at most, so that decoding overlaps with what
//! is done with the frames.

use super::pace::Pace;
use super::upright::Orientation;
use super::{Clip, Frame, FrameSource, Media, prepare_ffmpeg};
use crate::error::{Error, Result};
use crate::limits::{END_SLACK, GREATEST_FRAME_SIDE, LEAST_CLIP, LEAST_FRAME_SIDE};
use crate::time::{Instant, Rate, Span};
use ffmpeg::codec::packet::side_data::Type as PacketSideData;
use ffmpeg::codec::threading;
use ffmpeg::format::context::{Input, StreamIo};
use ffmpeg::format::stream::Disposition;
use ffmpeg::frame::side_data::Type as FrameSideData;
use ffmpeg::media::Type as Medium;
use ffmpeg::software::scaling;
use ffmpeg_next as ffmpeg;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// How frames are prepared for analysis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FileOptions {
    /// Longest side of the pictures given out, pixels; larger frames are scaled down, smaller ones stay.
    ///
    /// The default was chosen by measuring joints against OpenPose's on one clip, with the person filling the frame, and
    /// shrunk to a quarter and an eighth of the height of a 1080p frame. Near people come out the same from 384 pixels
    /// on; the eighth has its 90th percentile of error (torso lengths) at 0.22 with 640 pixels, 0.17 with 800, 0.11 with
    /// 960, 0.09 with 1280. From 640 to 960 scaling costs 1 ms of CPU time a frame more.
    pub long_side: usize,
    /// Frames a second at most; those beyond it are not scaled.
    pub rate: Rate,
    /// Threads of the decoder.
    pub threads: usize,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            long_side: 960,
            rate: Rate::from_hz(30.0),
            threads: 2,
        }
    }
}

/// Frames decoded ahead of their use. More would only hold memory: decoding is faster than what follows, or slower.
const FRAMES_AHEAD: usize = 4;

/// A difference between the announced and the real length beyond this is told to the user. Where only the length of the
/// whole file is announced, sound may go on after the picture.
const LENGTH_SLACK: Span = Span::from_seconds(0.2);
const FILE_LENGTH_SLACK: Span = Span::from_seconds(0.5);

/// A start nearer than this is reached by decoding from the media's start: seeking is not free either.
const SEEK_FROM: Span = Span::from_seconds(3.0);

/// Damaged packets after which the rest of the file is given up.
const MOST_DAMAGED: usize = 1000;

/// In streams made for broadcast timestamps may begin anew anywhere: so far forward, or so far back, is such a place.
/// FFmpeg's own threshold is 10 s.
const JUMP: f64 = 10.0;
const JUMP_BACK: f64 = 1.0;

/// In all other files only a jump of this length is taken for damage: a picture may stand still for long.
const DAMAGED_JUMP: f64 = 600.0;

/// FFmpeg's unit for instants that belong to no stream.
const MICROSECONDS: f64 = 1e6;

/// A video file as a source of frames.
pub struct FileSource {
    clip: Clip,
    worker: Worker,
    wanted: Wanted,
    /// Whether the end or an error was met.
    over: bool,
    given: usize,
    media_end: Option<Instant>,
    regular: bool,
}

/// What a source was made for.
enum Wanted {
    /// The part that a user asked for: it is checked against what is met.
    Cut(Cut),
    /// Stretches of the media, which may turn out to hold nothing.
    Stretches,
}

/// A video file of which only what it announces is known yet.
pub struct VideoFile {
    path: PathBuf,
    media: Media,
    worker: Worker,
}

/// A stretch of the media to read, in seconds from its first shown frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Frames from here on,
    pub from: Instant,
    /// up to here, without it; `None`: to the media's end.
    pub to: Option<Instant>,
    /// Where the choice among frames beyond [`FileOptions::rate`] begins anew, rising, as it does at `from`: which frames are
    /// given from there on does not depend on where reading began.
    pub restarts: Vec<Instant>,
}

/// What the thread is to read.
struct Order {
    /// Stretches, rising.
    stretches: Vec<Stretch>,
    /// What is subtracted from the media's time.
    base: Instant,
    /// How much earlier than a stretch its first frame may be: the frame's time and the start asked for are both rounded.
    slack: Span,
    /// Whether stretches may be reached by seeking.
    seek: bool,
}

enum Message {
    Opened(Media),
    Frame(Frame),
    /// The end of what was ordered.
    End {
        /// End of the last frame met.
        last: Instant,
        /// Whether that is the end of the media.
        of_media: bool,
        /// Whether every frame had its own time and none jumped.
        regular: bool,
    },
    Failed(Error),
}

/// The thread that decodes, and the ways to and from it.
struct Worker {
    orders: Option<Sender<Order>>,
    messages: Option<Receiver<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn receive(&self) -> Option<Message> {
        self.messages.as_ref().and_then(|messages| messages.recv().ok())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The thread's next send or wait fails, which ends it.
        self.orders = None;
        self.messages = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn stopped(path: &Path) -> Error {
    Error::Media {
        path: path.to_owned(),
        doing: "decoding",
        reason: "the decoder stopped for no known reason".to_owned(),
    }
}

impl VideoFile {
    /// Opens a video and decodes its first frame.
    ///
    /// # Errors
    /// [`Error::Input`] when the file cannot be read, [`Error::NotAVideo`], [`Error::NoVideoStream`],
    /// [`Error::NoFrames`], [`Error::FrameSize`], and [`Error::Media`] for a codec that FFmpeg lacks.
    pub fn open(path: &Path, options: FileOptions) -> Result<Self> {
        let (sender, messages) = sync_channel(FRAMES_AHEAD);
        let (orders, waiting) = channel();
        let owned = path.to_owned();
        // Demuxer, decoder and scaler live and die in this thread: FFmpeg's scaler must not change threads.
        let thread = std::thread::Builder::new()
            .name("video".to_owned())
            .spawn(move || {
                let last = match work(&owned, options, &waiting, &sender) {
                    Ok(Some(end)) => end,
                    Ok(None) => return,
                    Err(error) => Message::Failed(error),
                };
                let _ = sender.send(last); // nobody may be listening any more
            })
            .map_err(|e| Error::Media {
                path: path.to_owned(),
                doing: "starting a thread",
                reason: e.to_string(),
            })?;
        let worker = Worker {
            orders: Some(orders),
            messages: Some(messages),
            thread: Some(thread),
        };
        match worker.receive() {
            Some(Message::Opened(media)) => Ok(Self {
                path: path.to_owned(),
                media,
                worker,
            }),
            Some(Message::Failed(error)) => Err(error),
            _ => Err(stopped(path)),
        }
    }

    /// What the file announces.
    pub fn media(&self) -> &Media {
        &self.media
    }

    /// Begins to read stretches, which must rise and not overlap. The times of the frames are the media's own. Without `seek`
    /// everything before a stretch is decoded, too.
    pub fn read(self, stretches: Vec<Stretch>, seek: bool) -> FileSource {
        let clip = self.clip(Instant::ZERO, self.media.announced.unwrap_or_default(), true);
        let order = Order {
            stretches,
            base: Instant::ZERO,
            slack: Span::ZERO,
            seek,
        };
        self.start(clip, order, Wanted::Stretches)
    }

    fn clip(&self, start: Instant, end: Instant, whole: bool) -> Clip {
        Clip {
            path: self.path.clone(),
            start,
            duration: end - start,
            width: self.media.width,
            height: self.media.height,
            frame_rate: self.media.frame_rate,
            has_audio: self.media.has_audio,
            whole,
        }
    }

    fn start(mut self, clip: Clip, order: Order, wanted: Wanted) -> FileSource {
        if let Some(orders) = self.worker.orders.take() {
            let _ = orders.send(order); // a thread that has gone is noticed when a frame is asked for
        }
        FileSource {
            clip,
            worker: self.worker,
            wanted,
            over: false,
            given: 0,
            media_end: None,
            regular: true,
        }
    }
}

impl FileSource {
    /// Opens the part of a video from `start` to `end`, seconds from its first shown frame, and decodes its first frame.
    ///
    /// # Errors
    /// Those of [`VideoFile::open`], [`Error::CutOutside`] and [`Error::ClipTooShort`]. What the file announces can be wrong:
    /// the last two, and a length that turns out to be too short, may come from [`next_frame`](FrameSource::next_frame) as
    /// well.
    pub fn open(path: &Path, start: Option<Instant>, end: Option<Instant>, options: FileOptions) -> Result<Self> {
        let file = VideoFile::open(path, options)?;
        let announced = file.media.announced;
        let cut = Cut::new(path, start, end, announced)?;
        let clip = file.clip(
            cut.start,
            cut.end.or(announced).unwrap_or(cut.start),
            start.is_none() && end.is_none(),
        );
        let order = Order {
            stretches: vec![Stretch {
                from: cut.start,
                to: cut.end,
                restarts: Vec::new(),
            }],
            base: cut.start,
            slack: Span::from_seconds(1e-4),
            seek: true,
        };
        Ok(file.start(clip, order, Wanted::Cut(cut)))
    }

    /// The end of the media, once reading has reached it.
    pub fn media_end(&self) -> Option<Instant> {
        self.media_end
    }

    /// Whether every frame so far had its own time and none jumped: where that is not so, what is found after seeking may lie
    /// elsewhere than when everything before it was read as well. Known once the end has been reached.
    pub fn is_regular(&self) -> bool {
        self.regular
    }

    /// Takes the end of what was ordered; checks it against the part asked for.
    fn finish(&mut self, last: Instant, of_media: bool) -> Result<()> {
        self.media_end = of_media.then_some(last);
        let Wanted::Cut(cut) = &self.wanted else {
            return Ok(());
        };
        let end = match cut.end {
            Some(end) if !of_media || end - last < END_SLACK => end,
            _ => last,
        };
        let duration = end - cut.start;
        if self.given == 0 {
            return Err(cut.outside(&self.clip.path, last - Instant::ZERO));
        }
        if duration < LEAST_CLIP {
            return Err(too_short(&self.clip.path, duration));
        }
        self.clip.duration = duration;
        Ok(())
    }
}

impl FrameSource for FileSource {
    fn clip(&self) -> &Clip {
        &self.clip
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        if self.over {
            return Ok(None);
        }
        let message = self.worker.receive();
        if let Some(Message::Frame(frame)) = message {
            self.given += 1;
            return Ok(Some(frame));
        }
        self.over = true;
        match message {
            Some(Message::End {
                last,
                of_media,
                regular,
            }) => {
                self.regular = regular;
                self.finish(last, of_media).map(|()| None)
            }
            Some(Message::Failed(error)) => Err(error),
            _ => Err(stopped(&self.clip.path)),
        }
    }
}

/// What the thread does: `Ok(None)` when nobody wants the frames any more, else the end.
fn work(
    path: &Path,
    options: FileOptions,
    orders: &Receiver<Order>,
    sender: &SyncSender<Message>,
) -> Result<Option<Message>> {
    let mut reader = Reader::open(path, options)?;
    let mut shown = reader
        .next()?
        .ok_or_else(|| Error::NoFrames { path: path.to_owned() })?;
    let mut scaler = Scaler::new(path, &reader, &shown.picture, options)?;

    // Damage can make it nothing, or less.
    let announced = reader.announced()?.filter(|end| *end > Instant::ZERO);
    let media = Media {
        width: scaler.width,
        height: scaler.height,
        frame_rate: reader.frame_rate,
        has_audio: reader.has_audio,
        announced,
    };
    if sender.send(Message::Opened(media)).is_err() {
        return Ok(None);
    }
    let Ok(order) = orders.recv() else {
        return Ok(None);
    };

    let mut last = Instant::ZERO;
    let mut of_media = false;
    for stretch in &order.stretches {
        if order.seek
            && stretch.from - shown.time > SEEK_FROM
            && let Some(frame) = reader.seek(stretch.from, options)?
        {
            shown = frame;
        }
        let mut pace = Pace::new(options.rate);
        let mut restarts = stretch.restarts.iter().peekable();
        loop {
            if stretch.to.is_some_and(|to| shown.time >= to) {
                break;
            }
            last = shown.end;
            if stretch.from - shown.time <= order.slack {
                while restarts.next_if(|restart| shown.time >= **restart).is_some() {
                    pace = Pace::new(options.rate);
                }
                let time = Instant::from_seconds((shown.time - order.base).seconds().max(0.0));
                if pace.keep(time) {
                    let frame = scaler.frame(time, &shown.picture)?;
                    if sender.send(Message::Frame(frame)).is_err() {
                        return Ok(None);
                    }
                }
            }
            match reader.next()? {
                Some(next) => shown = next,
                None => {
                    of_media = true;
                    break;
                }
            }
        }
        if of_media {
            break;
        }
    }
    reader.warn(announced.filter(|_| of_media), last);
    Ok(Some(Message::End {
        last,
        of_media,
        regular: reader.jumps == 0 && reader.untimed == 0,
    }))
}

fn too_short(path: &Path, duration: Span) -> Error {
    Error::ClipTooShort {
        path: path.to_owned(),
        seconds: duration.seconds(),
        least: LEAST_CLIP.seconds(),
    }
}

/// Checks that a media is long enough, by the length that it announces, or later the exact one.
///
/// # Errors
/// [`Error::CutOutside`] when it has no length at all, [`Error::ClipTooShort`].
pub fn check_length(path: &Path, length: Option<Instant>) -> Result<()> {
    Cut::new(path, None, None, length).map(drop)
}

/// The part asked for.
struct Cut {
    start: Instant,
    /// `None`: to the media's end.
    end: Option<Instant>,
}

impl Cut {
    /// Checked against the announced end of the media, where one is announced.
    fn new(path: &Path, start: Option<Instant>, end: Option<Instant>, announced: Option<Instant>) -> Result<Self> {
        let from = start.unwrap_or(Instant::ZERO);
        let cut = Self { start: from, end };
        let last = end.or(announced);
        // Written so that NaN is refused too.
        let rising = from >= Instant::ZERO && last.is_none_or(|last| from < last);
        let inside = announced.is_none_or(|announced| end.is_none_or(|end| end - announced < END_SLACK));
        if !rising || !inside {
            let duration = announced.map_or(Span::from_seconds(f64::INFINITY), |end| end - Instant::ZERO);
            return Err(cut.outside(path, duration));
        }
        if let Some(duration) = last.map(|last| last - from)
            && duration < LEAST_CLIP
        {
            return Err(too_short(path, duration));
        }
        // The media's own end is exact when it is reached, what it announced need not be.
        let end = end.filter(|end| announced.is_none_or(|announced| *end < announced));
        Ok(Self { start: from, end })
    }

    fn outside(&self, path: &Path, duration: Span) -> Error {
        Error::CutOutside {
            path: path.to_owned(),
            start: self.start.seconds(),
            end: self.end.map_or(duration.seconds(), Instant::seconds),
            duration: duration.seconds(),
        }
    }
}

/// A decoded frame with its place in time, from the first shown frame.
struct Shown {
    time: Instant,
    end: Instant,
    picture: ffmpeg::frame::Video,
}

/// Demuxer and decoder of a file's video stream.
struct Reader {
    path: PathBuf,
    input: Input,
    decoder: ffmpeg::decoder::Video,
    stream: usize,
    /// Seconds a tick of the stream's timestamps.
    tick: f64,
    /// Timestamp of the first shown frame, seconds.
    origin: Option<f64>,
    /// Time and end of the frame before, seconds of timestamps.
    before: Option<(f64, f64)>,
    /// What is added to timestamps for the jumps met so far, seconds, and how many those were.
    shift: f64,
    jumps: usize,
    /// Frames, after the first, without a timestamp of their own.
    untimed: usize,
    /// Whether timestamps may begin anew in mid-stream.
    broadcast: bool,
    orientation: Option<Orientation>,
    frame_rate: f64,
    has_audio: bool,
    draining: bool,
    /// Packets that could not be decoded.
    damaged: usize,
    /// What ended the reading before the file's end.
    broken_off: Option<String>,
    length_slack: Span,
}

impl Reader {
    fn open(path: &Path, options: FileOptions) -> Result<Self> {
        prepare_ffmpeg();
        let input = open_input(path)?;
        refuse_what_is_no_video(path, &input)?;
        let stream = video_stream(path, &input)?;
        let has_audio = input.streams().any(|s| s.parameters().medium() == Medium::Audio);
        let stream = input.stream(stream).ok_or_else(|| no_video(path, &input))?;
        let time_base = stream.time_base();
        let decoder = decoder(path, &stream, options.threads)?;
        let frame_rate = [stream.avg_frame_rate(), stream.rate()]
            .into_iter()
            .map(|rate| f64::from(rate.numerator()) / f64::from(rate.denominator()))
            .find(|rate| rate.is_finite() && (0.01..1000.0).contains(rate))
            .unwrap_or(25.0);
        let orientation = stream
            .side_data()
            .find(|data| data.kind() == PacketSideData::DisplayMatrix)
            .map(|data| Orientation::from_display_matrix(data.data()));
        Ok(Self {
            path: path.to_owned(),
            decoder,
            stream: stream.index(),
            tick: f64::from(time_base.numerator()) / f64::from(time_base.denominator()),
            origin: None,
            before: None,
            shift: 0.0,
            jumps: 0,
            untimed: 0,
            broadcast: ["mpegts", "mpeg"].contains(&input.format().name()),
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
    fn next(&mut self) -> Result<Option<Shown>> {
        let mut picture = ffmpeg::frame::Video::empty();
        loop {
            match self.decoder.receive_frame(&mut picture) {
                Ok(()) => {
                    if let Some((time, end)) = self.place(&picture) {
                        return Ok(Some(Shown { time, end, picture }));
                    }
                    continue;
                }
                // With several threads damage shows only here; the next frame may be sound.
                Err(ffmpeg::Error::InvalidData) if self.damaged < MOST_DAMAGED => {
                    self.damaged += 1;
                    continue;
                }
                Err(_) if self.draining => return Ok(None),
                Err(_) => {}
            }
            self.feed();
        }
    }

    /// When a frame is shown, and until when. `None` for one that does not advance the time.
    fn place(&mut self, picture: &ffmpeg::frame::Video) -> Option<(Instant, Instant)> {
        let mut stamp = picture.timestamp().map(|t| t as f64 * self.tick + self.shift);
        if let (Some(jumped), Some((before, end))) = (stamp, self.before) {
            let (forward, back) = (jumped - end, before - jumped);
            if forward > DAMAGED_JUMP || (self.broadcast && (forward > JUMP || back > JUMP_BACK)) {
                self.shift += end - jumped;
                self.jumps += 1;
                stamp = Some(end);
            }
        }
        let length = match picture.packet().duration as f64 * self.tick {
            length if length > 0.0 && length < 60.0 => length,
            _ => 1.0 / self.frame_rate,
        };
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
        self.before = Some((time, time + length));
        let instant = |seconds: f64| Instant::from_seconds(seconds - origin);
        Some((instant(time), instant(time + length)))
    }

    /// Gives the decoder the next packet of the stream, or its end.
    fn feed(&mut self) {
        let mut unreadable = 0;
        loop {
            let mut packet = ffmpeg::Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() != self.stream => continue,
                Ok(()) => match self.decoder.send_packet(&packet) {
                    Ok(()) => return,
                    Err(_) if self.damaged < MOST_DAMAGED => {
                        self.damaged += 1;
                        continue;
                    }
                    Err(e) => self.broken_off = Some(e.to_string()),
                },
                Err(ffmpeg::Error::Eof) => {}
                Err(ffmpeg::Error::InvalidData) if unreadable < MOST_DAMAGED => {
                    unreadable += 1;
                    self.damaged += 1;
                    continue;
                }
                Err(e) => self.broken_off = Some(e.to_string()),
            }
            let _ = self.decoder.send_eof(); // refused only when it was sent before
            self.draining = true;
            return;
        }
    }

    /// When the video ends by what the file says; needs the first frame to have been read.
    fn announced(&mut self) -> Result<Option<Instant>> {
        let origin = self.origin.unwrap_or(0.0);
        let Some(stream) = self.input.stream(self.stream) else {
            return Ok(None);
        };
        let begin = match stream.start_time() {
            ffmpeg::ffi::AV_NOPTS_VALUE => origin,
            ticks => ticks as f64 * self.tick,
        };
        if stream.duration() > 0 {
            let end = begin + stream.duration() as f64 * self.tick;
            return Ok(Some(Instant::from_seconds(end - origin)));
        }
        if self.input.duration() > 0 {
            return Ok(Some(Instant::from_seconds(self.input.duration() as f64 / MICROSECONDS)));
        }
        // Some recorders never write a length: read through the packets of a second opening.
        let mut input = open_input(&self.path)?;
        let mut end = None::<f64>;
        loop {
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
                        None => end.unwrap_or(origin),
                    };
                    end = Some(end.unwrap_or(origin).max(begin + length));
                }
                Ok(()) => {}
                Err(_) => break,
            }
        }
        Ok(end.map(|end| Instant::from_seconds(end - origin)))
    }

    /// Goes to the key frame before `start`, and gives the first frame there; `None` where that cannot be done: reading
    /// then goes on from the media's start.
    fn seek(&mut self, start: Instant, options: FileOptions) -> Result<Option<Shown>> {
        let Some(origin) = self.origin else {
            return Ok(None);
        };
        let target = ((origin + start.seconds()) * MICROSECONDS) as i64;
        if self.input.seek(target, ..target).is_ok() {
            self.decoder.flush();
            self.draining = false;
            self.before = None;
            self.shift = 0.0;
            if let Some(shown) = self.next()?
                && shown.time <= start
            {
                return Ok(Some(shown));
            }
        }
        // It landed behind the start, or nowhere: begin again.
        let mut again = Self::open(&self.path, options)?;
        let first = again.next()?;
        *self = again;
        Ok(first)
    }

    /// Tells once, at the end, of what was wrong with the file. `announced` is given when the end was to be reached.
    fn warn(&self, announced: Option<Instant>, end: Instant) {
        let mut faults = Vec::new();
        if self.damaged > 0 {
            faults.push(format!("{} damaged packets were skipped", self.damaged));
        }
        if self.jumps > 0 {
            faults.push(format!("timestamps jump {} times", self.jumps));
        }
        if let Some(reason) = &self.broken_off {
            faults.push(format!("reading broke off: {reason}"));
        }
        if let Some(announced) = announced
            && announced - end > self.length_slack
        {
            faults.push(format!(
                "the video ends at {:.2} s, but {:.2} s are announced",
                end.seconds(),
                announced.seconds()
            ));
        }
        if !faults.is_empty() {
            log::warn!(
                "{}: {}; what could be decoded is used",
                self.path.display(),
                faults.join("; ")
            );
        }
    }
}

fn open_input(path: &Path) -> Result<Input> {
    let refuse = |reason: String| Error::NotAVideo {
        path: path.to_owned(),
        reason,
    };
    let metadata = std::fs::metadata(path).map_err(Error::input(path))?;
    if metadata.is_dir() {
        return Err(refuse("it is a folder".to_owned()));
    }
    if metadata.is_file() && metadata.len() == 0 {
        return Err(refuse("it is empty".to_owned()));
    }
    let file = std::fs::File::open(path).map_err(Error::input(path))?;
    let mut options = ffmpeg::Dictionary::new();
    // A playlist must not make FFmpeg open anything but files.
    options.set("protocol_whitelist", "file");
    // An absolute path: in a relative one FFmpeg takes what stands before a colon for a protocol.
    let absolute = path.canonicalize().map_err(Error::input(path))?;
    let opened = match absolute.to_str() {
        Some(_) => ffmpeg::format::input_with_dictionary(&absolute, options),
        None => StreamIo::from_read_seek(file)
            .and_then(|stream| ffmpeg::format::input_from_stream(stream, None, Some(options))),
    };
    opened.map_err(|e| match e {
        // A header and nothing after it.
        ffmpeg::Error::Eof => Error::NoFrames { path: path.to_owned() },
        other => refuse(other.to_string()),
    })
}

/// FFmpeg finds "video" in still pictures and in text (as ANSI art), too.
fn refuse_what_is_no_video(path: &Path, input: &Input) -> Result<()> {
    let format = input.format();
    let name = format.name();
    let mut media = input.streams().map(|stream| stream.parameters().medium());
    let what = if input.nb_streams() > 0 && media.all(|medium| medium == Medium::Subtitle) {
        "it is text (subtitles)"
    } else if name.split(',').any(|n| n.starts_with("image2") || n.ends_with("_pipe")) {
        "it is a still picture"
    } else if ["tty", "bin", "xbin", "adf", "idf"].contains(&name) {
        "it is text"
    } else {
        return Ok(());
    };
    Err(Error::NotAVideo {
        path: path.to_owned(),
        reason: what.to_owned(),
    })
}

/// Index of the video stream to use: FFmpeg's choice, but no cover picture.
fn video_stream(path: &Path, input: &Input) -> Result<usize> {
    let usable = |stream: &ffmpeg::Stream<'_>| {
        stream.parameters().medium() == Medium::Video && !stream.disposition().contains(Disposition::ATTACHED_PIC)
    };
    let best = input.streams().best(Medium::Video).filter(usable);
    best.or_else(|| input.streams().find(usable))
        .map(|stream| stream.index())
        .ok_or_else(|| no_video(path, input))
}

fn no_video(path: &Path, input: &Input) -> Error {
    let mut counts = BTreeMap::new();
    for stream in input.streams() {
        let kind = match stream.parameters().medium() {
            Medium::Audio => "audio",
            Medium::Video => "cover picture",
            Medium::Subtitle => "subtitles",
            _ => "data",
        };
        *counts.entry(kind).or_insert(0_usize) += 1;
    }
    let found: Vec<_> = counts
        .iter()
        .map(|(kind, count)| {
            if *count == 1 {
                (*kind).to_owned()
            } else {
                format!("{count} × {kind}")
            }
        })
        .collect();
    Error::NoVideoStream {
        path: path.to_owned(),
        found: if found.is_empty() {
            "nothing".to_owned()
        } else {
            found.join(", ")
        },
    }
}

fn decoder(path: &Path, stream: &ffmpeg::Stream<'_>, threads: usize) -> Result<ffmpeg::decoder::Video> {
    let refuse = |e: ffmpeg::Error| Error::Media {
        path: path.to_owned(),
        doing: "opening the decoder",
        reason: e.to_string(),
    };
    let mut context = ffmpeg::codec::Context::from_parameters(stream.parameters()).map_err(refuse)?;
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: threads.max(1),
        ..Default::default()
    });
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    let decoder = decoder.video().map_err(refuse)?;
    // Before a frame of that size is asked for.
    if decoder.width() > 0 && decoder.height() > 0 {
        check_size(path, f64::from(decoder.width()), f64::from(decoder.height()))?;
    }
    Ok(decoder)
}

fn check_size(path: &Path, width: f64, height: f64) -> Result<()> {
    let allowed = f64::from(LEAST_FRAME_SIDE)..=f64::from(GREATEST_FRAME_SIDE);
    if allowed.contains(&width) && allowed.contains(&height) {
        return Ok(());
    }
    Err(Error::FrameSize {
        path: path.to_owned(),
        width: width as u32,
        height: height as u32,
        least: LEAST_FRAME_SIDE,
        most: GREATEST_FRAME_SIDE,
    })
}

/// Scales frames to square pixels and turns them upright.
struct Scaler {
    path: PathBuf,
    orientation: Orientation,
    long_side: f64,
    /// Size of the clip's upright picture.
    width: u32,
    height: u32,
    context: Option<scaling::Context>,
    scaled: ffmpeg::frame::Video,
}

impl Scaler {
    fn new(path: &Path, reader: &Reader, first: &ffmpeg::frame::Video, options: FileOptions) -> Result<Self> {
        let orientation = reader.orientation.unwrap_or_else(|| {
            first
                .side_data(FrameSideData::DisplayMatrix)
                .map(|data| Orientation::from_display_matrix(data.data()))
                .unwrap_or_default()
        });
        let (width, height) = square_size(first);
        check_size(path, width, height)?;
        let (width, height) = orientation.size(width.round() as u32, height.round() as u32);
        Ok(Self {
            path: path.to_owned(),
            orientation,
            long_side: options.long_side.max(1) as f64,
            width,
            height,
            context: None,
            scaled: ffmpeg::frame::Video::empty(),
        })
    }

    fn frame(&mut self, time: Instant, picture: &ffmpeg::frame::Video) -> Result<Frame> {
        let refuse = |reason: String| Error::Media {
            path: self.path.clone(),
            doing: "scaling a frame",
            reason,
        };
        let (width, height) = square_size(picture);
        check_size(&self.path, width, height)?;
        let shrink = (width.max(height) / self.long_side).max(1.0);
        let target = |side: f64| ((side / shrink).round() as u32).max(1);
        let (out_width, out_height) = (target(width), target(height));

        let (format, in_width, in_height) = (picture.format(), picture.width(), picture.height());
        let fits = self.context.as_ref().is_some_and(|context| {
            let (input, output) = (context.input(), context.output());
            (input.format, input.width, input.height) == (format, in_width, in_height)
                && (output.width, output.height) == (out_width, out_height)
        });
        if !fits {
            // Size or format can change in mid-stream.
            let context = scaling::Context::get(
                format,
                in_width,
                in_height,
                ffmpeg::format::Pixel::RGB24,
                out_width,
                out_height,
                scaling::Flags::AREA,
            );
            self.context = Some(context.map_err(|e| refuse(format!("{format:?}: {e}")))?);
            self.scaled = ffmpeg::frame::Video::empty();
        }
        let context = self.context.as_mut().ok_or_else(|| refuse("no scaler".to_owned()))?;
        context
            .run(picture, &mut self.scaled)
            .map_err(|e| refuse(e.to_string()))?;
        let picture = self
            .orientation
            .apply(
                self.scaled.data(0),
                self.scaled.stride(0),
                out_width as usize,
                out_height as usize,
            )
            .ok_or_else(|| refuse("short picture".to_owned()))?;
        // In pixels of the clip's first frame, whatever size this one has: it is shown in the same place.
        let scale = (f64::from(self.width) / picture.width as f64).min(f64::from(self.height) / picture.height as f64);
        let exact = self.orientation.size(width, height);
        let unchanged = (exact.0.round() as u32, exact.1.round() as u32) == (self.width, self.height);
        Ok(Frame {
            time,
            picture,
            scale: if unchanged { shrink } else { scale },
        })
    }
}

/// Width and height of a frame with square pixels, before turning.
fn square_size(picture: &ffmpeg::frame::Video) -> (f64, f64) {
    let ratio = picture.aspect_ratio();
    let ratio = f64::from(ratio.numerator()) / f64::from(ratio.denominator());
    // 0/1 and 0/0 stand for unknown; ratios beyond any format's are damage.
    let ratio = if (0.1..=10.0).contains(&ratio) { ratio } else { 1.0 };
    (f64::from(picture.width()) * ratio, f64::from(picture.height()))
}
