//! Frames of a video file, by FFmpeg.
//!
//! A separate thread demuxes, decodes and scales a few frames ahead, so that decoding overlaps with
//! the use of the frames.

use super::media::{FileOptions, VideoStreams};
use super::pace::Pace;
use super::reader::FrameReader;
use super::scaler::Scaler;
use super::{Clip, Frame, FrameSource, Media};
use crate::error::{Error, Result};
use crate::limits::{LEAST_CLIP, is_too_short};
use crate::progress::Cancel;
use crate::time::{Flicks, Instant, Span};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// Frames decoded ahead of their use. More would only use memory: decoding is either faster or
/// slower than the stages that follow.
const FRAMES_AHEAD: usize = 4;

/// A start closer than this is reached by decoding from the media's start: seeking has a cost too.
const SEEK_FROM: Span = Span::from_seconds(3.0);

/// A video file as a source of frames.
pub struct FileSource {
    clip: Clip,
    worker: Worker,
    /// Whether the end or an error has been reached.
    over: bool,
    media_end: Option<Instant>,
    regular: bool,
    faults: Option<String>,
}

/// A video file of which only the header has been read.
pub struct VideoFile {
    path: PathBuf,
    media: Media,
    streams: VideoStreams,
    worker: Worker,
}

/// What a file announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Where the video ends, from its first shown frame, as the file announces it or its packets
    /// show; `None` if that is known only after everything was read.
    pub end: Option<Flicks>,
    /// The video streams.
    pub streams: VideoStreams,
}

/// A stretch of the media to read, in seconds from its first shown frame.
///
/// The default is the whole media.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stretch {
    /// Start of the stretch,
    pub from: Instant,
    /// and its end, exclusive; `None`: to the media's end.
    pub to: Option<Instant>,
    /// Times, ascending, at which the selection of frames for [`FileOptions::rate`] starts again,
    /// as it does at `from`, so that the frames selected after them do not depend on where reading
    /// began.
    pub restarts: Vec<Instant>,
}

/// The instructions for the thread.
struct ReadPlan {
    /// Stretches, rising.
    stretches: Vec<Stretch>,
    /// Whether stretches may be reached by seeking.
    seek: bool,
}

enum Message {
    Opened(Media, VideoStreams),
    Frame(Frame),
    /// The result at the end of reading.
    End {
        /// End of the last frame reached.
        last: Instant,
        /// Whether that is the end of the media.
        of_media: bool,
        /// Whether every frame had its own time and none jumped.
        regular: bool,
        /// The file's faults, for the user.
        faults: Option<String>,
    },
    Failed(Error),
}

/// The decoding thread and its channels.
struct Worker {
    orders: Option<Sender<ReadPlan>>,
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
        reason: "the decoder stopped for an unknown reason".to_owned(),
    }
}

impl VideoFile {
    /// [`open_until`](Self::open_until) without a switch, for tests and benches.
    ///
    /// # Errors
    /// Those of [`open_until`](Self::open_until).
    #[cfg(feature = "internals")]
    pub fn open(path: &Path, options: FileOptions) -> Result<Self> {
        Self::open_until(path, options, &Cancel::new())
    }

    /// Opens a video and decodes its first frame. `cancel` stops that; once the file is open, the
    /// switch has no effect.
    ///
    /// # Errors
    /// [`Error::Input`] when the file cannot be read, [`Error::NotAVideo`],
    /// [`Error::NoVideoStream`], [`Error::NoFrames`], [`Error::FrameSize`], [`Error::Media`] for a
    /// codec that FFmpeg lacks, and [`Error::Cancelled`].
    pub fn open_until(path: &Path, options: FileOptions, cancel: &Cancel) -> Result<Self> {
        let (sender, messages) = sync_channel(FRAMES_AHEAD);
        let (orders, waiting) = channel();
        let (owned, cancel) = (path.to_owned(), cancel.clone());
        // Demuxer, decoder and scaler are created and dropped in this thread: FFmpeg's scaler must
        // not change threads.
        let thread = std::thread::Builder::new()
            .name("video".to_owned())
            .spawn(move || {
                let last = match work(&owned, options, &cancel, &waiting, &sender) {
                    Ok(Some(end)) => end,
                    Ok(None) => return,
                    Err(error) => Message::Failed(error),
                };
                let _ = sender.send(last); // the receiver may be gone
            })
            .map_err(|source| Error::System {
                what: "a thread for decoding",
                source,
            })?;
        let worker = Worker {
            orders: Some(orders),
            messages: Some(messages),
            thread: Some(thread),
        };
        match worker.receive() {
            Some(Message::Opened(media, streams)) => Ok(Self {
                path: path.to_owned(),
                media,
                streams,
                worker,
            }),
            Some(Message::Failed(error)) => Err(error),
            _ => Err(stopped(path)),
        }
    }

    /// The properties that the file announces.
    pub fn media(&self) -> &Media {
        &self.media
    }

    /// Begins to read stretches, which must be in rising order and not overlap. The times of the
    /// frames are the media's own. Without `seek`, everything before a stretch is decoded, too.
    pub fn read(mut self, stretches: Vec<Stretch>, seek: bool) -> FileSource {
        let clip = Clip {
            path: self.path,
            start: Instant::ZERO,
            duration: self.media.announced.unwrap_or_default() - Instant::ZERO,
            width: self.media.width,
            height: self.media.height,
            frame_rate: self.media.frame_rate,
            has_audio: self.media.has_audio,
            whole: true,
        };
        if let Some(orders) = self.worker.orders.take() {
            let _ = orders.send(ReadPlan { stretches, seek }); // a thread that has ended is noticed when a frame is requested
        }
        FileSource {
            clip,
            worker: self.worker,
            over: false,
            media_end: None,
            regular: true,
            faults: None,
        }
    }
}

impl FileSource {
    /// The end of the media, once reading has reached it.
    pub fn media_end(&self) -> Option<Instant> {
        self.media_end
    }

    /// Whether every frame so far had its own timestamp, without jumps. If not, frames after a seek
    /// may get other times than when everything before them is read. Known once the end has been
    /// reached.
    pub fn is_regular(&self) -> bool {
        self.regular
    }

    /// The faults that were met in the file, as a sentence for the user that follows its name; known
    /// once the end has been reached.
    pub fn faults(&self) -> Option<&str> {
        self.faults.as_deref()
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
            return Ok(Some(frame));
        }
        self.over = true;
        match message {
            Some(Message::End {
                last,
                of_media,
                regular,
                faults,
            }) => {
                self.regular = regular;
                self.faults = faults;
                self.media_end = of_media.then_some(last);
                if of_media {
                    self.clip.duration = last - Instant::ZERO;
                }
                Ok(None)
            }
            Some(Message::Failed(error)) => Err(error),
            _ => Err(stopped(&self.clip.path)),
        }
    }
}

/// The thread's work: returns `Ok(None)` if the receiver was dropped, else the end.
fn work(
    path: &Path,
    options: FileOptions,
    cancel: &Cancel,
    orders: &Receiver<ReadPlan>,
    sender: &SyncSender<Message>,
) -> Result<Option<Message>> {
    let (mut reader, mut shown) = FrameReader::start(path, options, cancel)?;
    let mut scaler = Scaler::new(path, reader.orientation, &shown.picture, options)?;

    // In a damaged file it can be zero or negative.
    let announced = reader.announced()?.filter(|end| *end > Instant::ZERO);
    // The frames may be read for a later call, with another switch; it drops their receiver.
    reader.cancel = Cancel::new();
    let media = Media {
        width: scaler.width,
        height: scaler.height,
        frame_rate: reader.frame_rate,
        has_audio: reader.has_audio,
        announced,
    };
    if sender.send(Message::Opened(media, reader.streams())).is_err() {
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
            if shown.time >= stretch.from {
                while restarts.next_if(|restart| shown.time >= **restart).is_some() {
                    pace = Pace::new(options.rate);
                }
                if pace.keep(shown.time) {
                    let frame = scaler.frame(shown.time, &shown.picture)?;
                    if sender.send(Message::Frame(frame)).is_err() {
                        return Ok(None);
                    }
                }
            }
            match reader.next()? {
                Some(next) => shown = next,
                None => {
                    of_media = true;
                    last = reader.end_of_last().unwrap_or(last);
                    break;
                }
            }
        }
        if of_media {
            break;
        }
    }
    Ok(Some(Message::End {
        last,
        of_media,
        regular: reader.jumps == 0 && reader.untimed == 0,
        faults: reader.faults(announced.filter(|_| of_media), last),
    }))
}

/// What a file announces. Decodes the first frame.
///
/// # Errors
/// Those of [`VideoFile::open_until`].
pub fn announced(path: &Path, cancel: &Cancel) -> Result<Announced> {
    let VideoFile { media, streams, .. } = VideoFile::open_until(path, FileOptions::default(), cancel)?;
    Ok(Announced {
        end: media.announced.map(|end| Flicks::from_seconds(end.seconds())),
        streams,
    })
}

/// Checks that a media is long enough, by its announced length, or later the exact one. An unknown
/// length is accepted.
///
/// # Errors
/// [`Error::ClipTooShort`].
pub fn check_length(path: &Path, length: Option<Instant>) -> Result<()> {
    match length.map(|end| end - Instant::ZERO) {
        Some(length) if is_too_short(length) => Err(Error::ClipTooShort {
            path: path.to_owned(),
            seconds: length.seconds(),
            least: LEAST_CLIP.seconds(),
        }),
        _ => Ok(()),
    }
}
