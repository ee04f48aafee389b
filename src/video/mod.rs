//! Video input: frames in time order, from a file or pushed by a host.

pub mod sound;

use crate::error::Result;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub(crate) mod faults;
pub mod file;
mod hdr;
mod kinds;
pub(crate) mod media;
mod pace;
pub mod pushed;
mod reader;
mod scaler;
mod upright;

pub use file::{FileSource, Stretch, VideoFile};
pub use media::FileOptions;

/// An upright RGB picture, 8 bits per channel, rows packed without padding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `height × width × 3` bytes, red first, top row first.
    pub rgb: Vec<u8>,
}

/// One decoded frame, scaled for analysis and turned upright.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Presentation time, from the start of the clip.
    pub time: Instant,
    /// The picture.
    pub picture: Picture,
    /// Pixels of the upright source per pixel of `picture`, the same in both directions.
    pub scale: f64,
}

/// Frames in time order.
///
/// # For callers
/// Times are strictly ascending. `Ok(None)` means the end, and is returned by every later call. An
/// error ends the source.
///
/// # For implementers
/// Times come from timestamps, never from frame numbers. Frames that do not advance the time are
/// dropped. The whole clip is never held in memory.
pub trait FrameSource: Send {
    /// Properties of the clip. Its length is the announced one until the end has been reached, and
    /// exact from then on.
    fn clip(&self) -> &Clip;

    /// The next frame, or `None` at the end.
    fn next_frame(&mut self) -> Result<Option<Frame>>;
}

/// The part of a video that is processed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    /// The media file. Saved as text: bytes of its name that are not UTF-8 are replaced, so that
    /// the analysis can still be written.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// Where the clip starts within the media, seconds from the media's first shown frame.
    pub start: Instant,
    /// Length of the clip: the soundtrack is exactly as long.
    pub duration: Span,
    /// Width of the upright picture, pixels.
    pub width: u32,
    /// Height of the upright picture, pixels.
    pub height: u32,
    /// Mean frames per second, for information only: time comes from timestamps.
    pub frame_rate: f64,
    /// Whether the media has an audio stream.
    pub has_audio: bool,
    /// Whether the clip is the whole media.
    pub whole: bool,
}

fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// The properties that a media file announces for its video: a function of the file alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// Width of the upright picture, pixels.
    pub width: u32,
    /// Height of the upright picture, pixels.
    pub height: u32,
    /// Mean frames per second, for information only: time comes from timestamps.
    pub frame_rate: f64,
    /// Whether the media has an audio stream.
    pub has_audio: bool,
    /// End of the video in seconds from its first shown frame, as announced or according to its
    /// packets; the exact end is known once everything has been read. `None`: not known before
    /// that.
    pub announced: Option<Instant>,
}

/// Versions of the FFmpeg libraries in use.
pub fn ffmpeg_version() -> String {
    let version = |packed: u32| format!("{}.{}.{}", packed >> 16, packed >> 8 & 0xff, packed & 0xff);
    format!(
        "libavcodec {}, libavformat {}, libavutil {}",
        version(ffmpeg_next::codec::version()),
        version(ffmpeg_next::format::version()),
        version(ffmpeg_next::util::version()),
    )
}

/// Stops FFmpeg from printing to standard error, in the whole process. Relevant messages are
/// returned as errors or logged through `log`.
///
/// For a program that does not share FFmpeg with others. The library never calls it, since it would
/// also silence a host's FFmpeg.
pub fn silence_ffmpeg() {
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_clip_whose_name_is_not_utf_8_can_be_saved() {
        use std::os::unix::ffi::OsStringExt;
        let clip = Clip {
            path: std::ffi::OsString::from_vec(b"clip \xe9.mp4".to_vec()).into(),
            start: Instant::ZERO,
            duration: Span::from_seconds(3.0),
            width: 64,
            height: 48,
            frame_rate: 30.0,
            has_audio: false,
            whole: true,
        };
        let saved = serde_json::to_value(&clip).expect("saved");
        assert_eq!(saved["path"], "clip \u{fffd}.mp4");
        let read: Clip = serde_json::from_value(saved).expect("read");
        assert_eq!(read.duration, clip.duration);
    }
}
