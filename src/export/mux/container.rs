//! The containers that can be written, and what they hold.

use crate::error::{Error, Result};
use ffmpeg_next::codec;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// What a container is called and holds.
pub(super) struct Container {
    pub(super) extensions: &'static [&'static str],
    /// FFmpeg's name of the muxer.
    pub(super) format: &'static str,
    /// Encoders for the sound with their bit rates, the first that FFmpeg has is used.
    pub(super) encoders: &'static [(&'static str, usize)],
    /// Subtitles that can be copied into it.
    pub(super) subtitles: &'static [codec::Id],
    /// Written of boxes (ISO/IEC 14496-12), with edit lists.
    pub(super) boxes: bool,
    /// Names codecs in its own way, whatever code the input's container had for them.
    pub(super) own_codes: bool,
    /// Takes a code as its own, so that there must be none.
    pub(super) no_codes: bool,
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
    }
}

const AAC: &[(&str, usize)] = &[("aac", 256_000)];
const OPUS: &[(&str, usize)] = &[("libopus", 160_000), ("libvorbis", 192_000)];

/// Containers in which sound and picture can be put exactly.
///
/// AVI says nothing of the silence that an encoder puts before its first sample, so that compressed
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
    container(&["mpg", "mpeg"], "mpeg", &[("mp2", 256_000)]),
    container(&["vob"], "vob", &[("ac3", 256_000)]),
    container(&["ogv"], "ogg", OPUS),
];

impl Container {
    /// The container that a file name asks for.
    ///
    /// # Errors
    /// [`Error::Output`] when the extension names no container that is known.
    pub(super) fn of(path: &Path) -> Result<&'static Self> {
        Self::named(path).ok_or_else(|| {
            let known: Vec<String> = CONTAINERS
                .iter()
                .flat_map(|c| c.extensions)
                .map(|e| format!(".{e}"))
                .collect();
            let text = format!("its extension names no video file; allowed are {}", known.join(" "));
            Error::output(path)(io::Error::new(io::ErrorKind::InvalidInput, text))
        })
    }

    fn named(path: &Path) -> Option<&'static Self> {
        let extension = path.extension()?.to_str()?.to_lowercase();
        CONTAINERS.iter().find(|c| c.extensions.contains(&extension.as_str()))
    }
}

/// The name of the soundtrack's video beside the clip: `dance.mp4` gives `dance.soundtrack.mp4`.
///
/// Containers that cannot be written give way to Matroska (`.mkv`), which holds every codec.
pub fn default_output(clip: &Path) -> PathBuf {
    let mut name = clip.file_stem().map_or_else(|| OsString::from("clip"), OsString::from);
    name.push(".soundtrack.");
    match clip.extension().filter(|_| Container::named(clip).is_some()) {
        Some(extension) => name.push(extension),
        None => name.push("mkv"),
    }
    clip.with_file_name(name)
}
