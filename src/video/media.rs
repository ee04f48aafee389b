//! The only place that opens a media file.

use super::faults;
use super::kinds::{self, FORMATS, HEAD};
use crate::error::{Error, Result};
use crate::limits::{GREATEST_FRAME_SIDE, LEAST_FRAME_SIDE};
use crate::progress::Monitor;
use crate::regular;
use crate::time::Rate;
use ffmpeg::codec;
use ffmpeg::format::context::{Input, StreamIo};
use ffmpeg::format::stream::Disposition;
use ffmpeg::media::Type as Medium;
use ffmpeg_next as ffmpeg;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Once;

/// Number of bytes read from a file at once.
const BUFFER: usize = 1 << 18;

/// How frames are prepared for analysis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FileOptions {
    /// Longest side of the returned pictures, pixels; larger frames are scaled down, smaller ones
    /// stay.
    ///
    /// The default was chosen by measuring joints against OpenPose's on one clip, with the person
    /// filling the frame, and shrunk to a quarter and an eighth of the height of a 1080p frame. The
    /// result for a near person no longer changes above 384 pixels; for the person of an eighth,
    /// the 90th percentile of the error (torso lengths) is 0.22 with 640 pixels, 0.17 with 800,
    /// 0.11 with 960, 0.09 with 1280. Scaling to 960 instead of 640 costs 1 ms more of CPU time per
    /// frame.
    pub long_side: usize,
    /// Maximum frames per second; frames beyond it are not scaled.
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

/// The video streams of a file, by their numbers among all streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoStreams {
    /// The one that is read.
    pub used: usize,
    /// All, rising, with cover pictures.
    pub all: Vec<usize>,
}

/// Must be called before FFmpeg is used: it loads FFmpeg's error texts.
fn prepare_ffmpeg() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = ffmpeg::init(); // it only registers, and cannot fail with these features
    });
}

/// Opens a media file for reading.
///
/// The file is passed to FFmpeg already open, not by name: names need not be UTF-8 and may look
/// like a protocol (`a:b.mp4`). FFmpeg itself opens nothing: formats that lead to other files are
/// not allowed, nor are protocols.
///
/// # Errors
/// [`Error::Input`] when the file cannot be read, [`Error::NotAVideo`] when it is not a regular
/// file or not media, [`Error::NoFrames`] for a header with nothing after it.
pub(crate) fn open_media(path: &Path) -> Result<Input> {
    open_media_with(path, false)
}

/// Like [`open_media`]; with `complete`, missing presentation timestamps are derived from decoding
/// timestamps, which is right for codecs whose picture types FFmpeg knows without decoding.
pub(crate) fn open_media_with(path: &Path, complete: bool) -> Result<Input> {
    prepare_ffmpeg();
    let refuse = |reason: &str| Error::NotAVideo {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let mut file = open_file(path)?;
    let mut head = Vec::with_capacity(HEAD);
    let read = (&mut file).take(HEAD as u64).read_to_end(&mut head);
    read.and_then(|_| file.seek(SeekFrom::Start(0)))
        .map_err(Error::input(path))?;
    if head.is_empty() {
        return Err(refuse("it is empty"));
    }
    if let Some(what) = kinds::what_it_is(&head) {
        return Err(refuse(what));
    }
    let stream = StreamIo::from_read_seek_with_capacity(file, BUFFER).map_err(|e| refuse(&faults::reason(e)))?;
    let mut options = ffmpeg::Dictionary::new();
    if complete {
        options.set("fflags", "+genpts");
    }
    options.set("format_whitelist", &FORMATS.join(","));
    // An impossible protocol: any other file that a format tries to open is refused.
    options.set("protocol_whitelist", "none");
    // The name helps to recognise formats without a signature.
    let name = path.file_name().and_then(|n| n.to_str()).filter(|n| !n.contains('\0'));
    let input = ffmpeg::format::input_from_stream(stream, name, Some(options)).map_err(|e| match e {
        ffmpeg::Error::Eof => Error::NoFrames { path: path.to_owned() },
        ffmpeg::Error::Other { errno } if errno == ffmpeg::util::error::EINVAL => match still_by_name(path) {
            true => refuse("it is a still picture"),
            false => refuse(&faults::of_content(path, &head)),
        },
        ffmpeg::Error::InvalidData => refuse(&faults::of_content(path, &head)),
        other => refuse(&faults::reason(other)),
    })?;
    refuse_what_is_no_video(path, &input)?;
    Ok(input)
}

/// Opens a regular file and refuses anything else before opening it: a pipe would wait for its
/// writer.
pub(crate) fn open_file(path: &Path) -> Result<File> {
    let refuse = |reason: String| {
        Err(Error::NotAVideo {
            path: path.to_owned(),
            reason,
        })
    };
    let there = match std::fs::metadata(path) {
        Err(_) if path == Path::new("-") => {
            return refuse("it is not a file, and standard input is not read; give a file".to_owned());
        }
        other => other.map_err(Error::input(path))?,
    };
    match regular::why_not(&there) {
        Some(reason) => refuse(reason),
        None => File::open(path).map_err(Error::input(path)),
    }
}

/// Whether FFmpeg mistook a file for a still picture because of its name. The still-picture formats
/// open files by number, and so are not allowed.
fn still_by_name(path: &Path) -> bool {
    const PICTURES: &[&str] = &[
        "jpg", "jpeg", "jpe", "jp2", "j2k", "jxl", "png", "bmp", "tif", "tiff", "tga", "webp", "ppm", "pgm", "pbm",
        "pam", "exr", "hdr", "dpx", "psd", "pcx", "qoi", "svg", "ico", "xbm", "xpm", "dds", "sgi", "ras",
    ];
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
    extension.is_some_and(|extension| PICTURES.contains(&extension.as_str()))
}

/// FFmpeg finds "video" in still pictures and in text (as ANSI art) too.
fn refuse_what_is_no_video(path: &Path, input: &Input) -> Result<()> {
    let format = input.format();
    let name = format.name();
    let mut media = input.streams().map(|stream| stream.parameters().medium());
    let what = if input.nb_streams() > 0 && media.all(|medium| medium == Medium::Subtitle) {
        "it is text (subtitles)"
    } else if kinds::is_still(name) {
        "it is a still picture"
    } else if kinds::is_text(name) {
        "it is text"
    } else {
        return Ok(());
    };
    Err(Error::NotAVideo {
        path: path.to_owned(),
        reason: what.to_owned(),
    })
}

/// The video stream to use: FFmpeg's choice, except for cover pictures.
pub(crate) fn picture_stream(input: &Input) -> Option<ffmpeg::Stream<'_>> {
    let usable = |stream: &ffmpeg::Stream<'_>| {
        stream.parameters().medium() == Medium::Video && !stream.disposition().contains(Disposition::ATTACHED_PIC)
    };
    let best = input.streams().best(Medium::Video).filter(usable);
    best.or_else(|| input.streams().find(usable))
}

/// [`Error::NoVideoStream`] with the streams of the file.
pub(crate) fn no_video(path: &Path, input: &Input) -> Error {
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

/// An [`Error::Media`] from an FFmpeg error.
pub(crate) fn media_error(path: &Path, doing: &'static str, error: ffmpeg::Error) -> Error {
    Error::Media {
        path: path.to_owned(),
        doing,
        reason: faults::reason(error),
    }
}

/// Checks the size of a frame, pixels.
pub(super) fn check_size(path: &Path, width: f64, height: f64) -> Result<()> {
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

/// Whether frames without a timestamp at the start of a file lie before its first instant, and so
/// are not shown: Matroska cannot store times below zero, so frames that a cut leaves before it
/// lose theirs.
pub(super) fn hides_untimed_start(input: &Input) -> bool {
    input.format().name().split(',').any(|name| name == "matroska")
}

/// Whether a packet is encrypted and FFmpeg does not have the key.
pub(super) fn is_encrypted(packet: &ffmpeg::Packet) -> bool {
    packet
        .side_data()
        .any(|data| data.kind() == codec::packet::side_data::Type::EncryptionInfo)
}

/// The error for a file whose packets are encrypted.
pub(super) fn encrypted(path: &Path) -> Error {
    Error::NotAVideo {
        path: path.to_owned(),
        reason: "its picture is encrypted, and the key is not known; use a copy without protection".to_owned(),
    }
}

/// The media's first shown frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstShown {
    /// Its timestamp, in the time base of the video stream.
    pub timestamp: i64,
    /// The same in seconds.
    pub seconds: f64,
}

/// Finds the first frame that a decoder shows: packets that an edit list hides, and those that lack
/// a reference, do not count.
pub(crate) fn first_shown(path: &Path, monitor: &Monitor<'_>) -> Result<FirstShown> {
    let mut input = open_media(path)?;
    let hides = hides_untimed_start(&input);
    let (stream, time_base, mut decoder) = {
        let Some(stream) = picture_stream(&input) else {
            return Err(no_video(path, &input));
        };
        let refuse = |e: ffmpeg::Error| media_error(path, "decoding the picture", e);
        let mut decoder = codec::Context::from_parameters(stream.parameters())
            .map_err(refuse)?
            .decoder();
        decoder.set_packet_time_base(stream.time_base());
        (stream.index(), stream.time_base(), decoder.video().map_err(refuse)?)
    };
    let mut shown = ffmpeg::frame::Video::empty();
    let mut untimed = false;
    let mut answer = |decoder: &mut codec::decoder::Video| {
        while decoder.receive_frame(&mut shown).is_ok() {
            if shown.timestamp().is_none() && hides {
                untimed = true;
                continue;
            }
            // Raw streams have no timestamps; their time begins at zero.
            return Some(shown.timestamp().unwrap_or(0));
        }
        None
    };
    let mut found = None;
    for (_, packet) in input.packets() {
        monitor.check()?;
        if packet.stream() != stream || decoder.send_packet(&packet).is_err() {
            continue;
        }
        found = answer(&mut decoder);
        if found.is_some() {
            break;
        }
    }
    if found.is_none() {
        found = decoder.send_eof().ok().and_then(|()| answer(&mut decoder));
    }
    // No frame has a timestamp: then the first one is the first shown, as in a raw stream.
    let found = found.or_else(|| untimed.then_some(0));
    let timestamp = found.ok_or_else(|| Error::NoFrames { path: path.to_owned() })?;
    Ok(FirstShown {
        timestamp,
        seconds: timestamp as f64 * f64::from(time_base),
    })
}

/// In broadcast streams timestamps may restart anywhere: a jump this far forward, or this far back,
/// is a restart. FFmpeg's own threshold is 10 s.
const JUMP: f64 = 10.0;
const JUMP_BACK: f64 = 1.0;

/// In all other files only a jump of this length counts as damage: a picture may stand still for a
/// long time.
const DAMAGED_JUMP: f64 = 600.0;

/// Whether the clock of a file may restart anywhere.
pub(crate) fn is_broadcast(input: &Input) -> bool {
    ["mpegts", "mpeg"].contains(&input.format().name())
}

/// Whether a timestamp that is so many seconds after the end of the picture before it, or before its
/// start, is on another clock.
pub(crate) fn is_jump(forward: f64, back: f64, is_broadcast: bool) -> bool {
    forward > DAMAGED_JUMP || (is_broadcast && (forward > JUMP || back > JUMP_BACK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_leaves_the_log_of_ffmpeg_to_the_program() {
        let level = || ffmpeg::log::get_level().ok();
        let before = level();
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/walking-two-people.mp4");
        let input = open_media(&clip).expect("the bundled clip");
        assert!(picture_stream(&input).is_some());
        first_shown(&clip, &Monitor::none()).expect("a frame");
        assert!(before.is_some() && level() == before);
        assert!(before != Some(ffmpeg::log::Level::Quiet));
    }
}
