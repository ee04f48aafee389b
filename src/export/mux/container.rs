//! The containers that can be written, and what they support.

use crate::error::{Error, Result};
use ffmpeg_next::codec;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The properties of a container.
pub(super) struct Container {
    pub(super) extensions: &'static [&'static str],
    /// FFmpeg's name of the muxer.
    pub(super) format: &'static str,
    /// Encoders for the sound with their bit rates; the first that FFmpeg has is used.
    pub(super) encoders: &'static [(&'static str, usize)],
    /// Subtitles that can be copied into it.
    pub(super) subtitles: &'static [codec::Id],
    /// Whether it consists of boxes (ISO/IEC 14496-12), with edit lists.
    pub(super) boxes: bool,
    /// Whether it names codecs in its own way, regardless of the code in the input's container.
    pub(super) own_codes: bool,
    /// Whether it would use the input's code as its own, so that the code must be removed.
    pub(super) no_codes: bool,
    /// The only video codecs that programs read from it, where FFmpeg's muxer accepts others as well;
    /// `None` if the muxer knows.
    pub(super) pictures: Option<&'static [codec::Id]>,
}

const fn container(
    extensions: &'static [&'static str],
    format: &'static str,
    encoders: &'static [(&'static str, usize)],
) -> Container {
    Container {
        extensions,
        format,
        encoders,
        subtitles: &[],
        boxes: false,
        own_codes: false,
        no_codes: false,
        pictures: None,
    }
}

const AAC: &[(&str, usize)] = &[("aac", 256_000)];
const MPEG: Option<&[codec::Id]> = Some(&[codec::Id::MPEG1VIDEO, codec::Id::MPEG2VIDEO]);
const OPUS: &[(&str, usize)] = &[("libopus", 160_000), ("libvorbis", 192_000)];

/// Containers in which sound and picture can be aligned exactly.
///
/// AVI does not store the silence that an encoder inserts before its first sample, so compressed
/// sound would lag by it: it gets PCM.
const CONTAINERS: &[Container] = &[
    Container {
        subtitles: &[codec::Id::MOV_TEXT],
        boxes: true,
        own_codes: true,
        ..container(&["mp4", "m4v"], "mp4", AAC)
    },
    Container {
        subtitles: &[codec::Id::MOV_TEXT],
        boxes: true,
        ..container(&["mov", "qt"], "mov", AAC)
    },
    Container {
        boxes: true,
        own_codes: true,
        ..container(&["3gp"], "3gp", AAC)
    },
    Container {
        boxes: true,
        own_codes: true,
        ..container(&["3g2"], "3g2", AAC)
    },
    Container {
        subtitles: &[
            codec::Id::SUBRIP,
            codec::Id::ASS,
            codec::Id::WEBVTT,
            codec::Id::HDMV_PGS_SUBTITLE,
            codec::Id::DVD_SUBTITLE,
            codec::Id::DVB_SUBTITLE,
        ],
        own_codes: true,
        ..container(&["mkv"], "matroska", AAC)
    },
    Container {
        subtitles: &[codec::Id::WEBVTT],
        own_codes: true,
        ..container(&["webm"], "webm", OPUS)
    },
    container(&["avi"], "avi", &[("pcm_s16le", 0)]),
    container(&["ts", "mts", "m2ts", "m2t"], "mpegts", AAC),
    Container {
        no_codes: true,
        ..container(&["flv"], "flv", AAC)
    },
    container(&["wmv", "asf"], "asf", &[("wmav2", 192_000)]),
    Container {
        pictures: MPEG,
        ..container(&["mpg", "mpeg"], "mpeg", &[("mp2", 256_000)])
    },
    Container {
        pictures: MPEG,
        ..container(&["vob"], "vob", &[("ac3", 256_000)])
    },
    container(&["ogv"], "ogg", OPUS),
];

/// Containers of sound alone, for pages; the first whose encoder FFmpeg has is used.
///
/// Opus in Ogg is decoded by Chromium, Firefox and Safari from 18.4, in builds without licensed codecs
/// as well, and exactly: without a sample more or less than was encoded. (Of Opus in WebM as FFmpeg
/// 5.1 writes it, Chromium loses half a millisecond at the start, and of Opus in MP4 it does not cut
/// off the encoder's delay.) AAC is for builds of FFmpeg without libopus: it is decoded as exactly,
/// but not by Chromium without licensed codecs.
pub(super) const SOUNDS: &[(Container, &str)] = &[
    (container(&["opus"], "ogg", &[("libopus", 160_000)]), "audio/ogg"),
    (
        Container {
            boxes: true,
            own_codes: true,
            ..container(&["m4a"], "mp4", AAC)
        },
        "audio/mp4",
    ),
];

impl Container {
    /// The container for a file name, by its extension.
    ///
    /// # Errors
    /// [`Error::Output`] when the extension is not that of a supported container.
    pub(super) fn of(path: &Path) -> Result<&'static Self> {
        Self::named(path).ok_or_else(|| {
            let known: Vec<String> = CONTAINERS
                .iter()
                .flat_map(|c| c.extensions)
                .map(|e| format!(".{e}"))
                .collect();
            let text = format!(
                "its extension is not that of a supported video file; expected one of {}",
                known.join(" ")
            );
            Error::output(path)(io::Error::new(io::ErrorKind::InvalidInput, text))
        })
    }

    fn named(path: &Path) -> Option<&'static Self> {
        let extension = path.extension()?.to_str()?.to_lowercase();
        CONTAINERS.iter().find(|c| c.extensions.contains(&extension.as_str()))
    }
}

/// The default name of the video with the soundtrack, beside the clip: `dance.soundtrack.mp4` for
/// `dance.mp4`.
///
/// Containers that cannot be written are replaced by Matroska (`.mkv`), which supports every codec.
pub fn default_output(clip: &Path) -> PathBuf {
    let mut name = clip.file_stem().map_or_else(|| OsString::from("clip"), OsString::from);
    name.push(".soundtrack.");
    match clip.extension().filter(|_| Container::named(clip).is_some()) {
        Some(extension) => name.push(extension),
        None => name.push("mkv"),
    }
    clip.with_file_name(name)
}
