//! The clip's video with the soundtrack: the video stream copied packet by packet, the sound
//! encoded.

mod alone;
mod container;
mod copy;
mod header;
mod mp4;
mod part;
mod sink;
mod sound;
mod times;

pub use alone::{SoundFile, encode_sound};
pub use container::default_output;

use crate::buffer::AudioBuffer;
use crate::error::{Error, Result};
use crate::export::atomic::{Pending, atomically};
use crate::export::provenance::Provenance;
use crate::progress::{Monitor, Stage};
use crate::time::Span;
use crate::video::Clip;
use crate::video::faults;
use crate::video::media::{media_error, open_file, open_media, picture_stream};
use container::Container;
use copy::PacketWriter;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec;
use ffmpeg_next::format::context;
use header::{Header, UNFIT, UPRIGHT, display_matrix, wants_global_headers};
use part::VideoPart;
use sink::{FirstFailure, Sink, Stop};
use sound::{Encoded, SoundEncoder};
use std::fs::File;
use std::io::Cursor;
use std::path::Path;

/// Copies the clip's video stream to a new file, with `sound` as its only audio: AAC, Opus, or what
/// the container supports.
///
/// The first sample of `sound` sounds when the clip starts. Rotation, aspect ratio, colour tags,
/// title and other metadata are kept; subtitles are kept if the container supports them unchanged.
/// MP4 and QuickTime files have their index at the front. What made the sound, if given, is written
/// into the file: as XMP in MP4 and QuickTime files, else as tags.
///
/// A cut starts on its exact frame in MP4 and QuickTime files: the frames from the previous
/// keyframe are in the file but hidden by its edit list. Other containers have no such list, so the
/// video starts at that keyframe, with silence until the cut; this is logged.
///
/// The sound is encoded first, and the result is decoded to measure it: if its true peak is more
/// than 1 dB above that of `sound`, the sound is encoded again, softer by the excess. Then the
/// video is copied, once.
///
/// # Errors
/// [`Error::OutputIsInput`]; [`Error::Output`] when the file cannot be written or its extension is
/// not that of a supported container; [`Error::Media`] when the container does not support the
/// video's codec; those of opening the clip; [`Error::Cancelled`]. Nothing is then left behind.
pub fn write_video(
    clip: &Clip,
    sound: &AudioBuffer,
    provenance: Option<&Provenance>,
    out: &Path,
    monitor: &Monitor<'_>,
) -> Result<()> {
    let container = Container::of(out)?;
    if same_file(&clip.path, out) {
        return Err(Error::OutputIsInput { path: out.to_owned() });
    }
    monitor.check()?;
    atomically(out, |temporary| {
        let job = Muxing {
            clip,
            sound,
            provenance,
            container,
            temporary,
        };
        job.run(monitor)
    })
}

/// Checks whether [`write_video`] can write the video of the media at `media` to `out`, as far as
/// can be known before there is a soundtrack: the name, the folder, and whether the container
/// supports the codec. Reads the media's header and a few packets, and leaves nothing behind.
///
/// # Errors
/// Those of [`write_video`], with the same messages.
pub fn check_video(media: &Path, out: &Path) -> Result<()> {
    let container = Container::of(out)?;
    if same_file(media, out) {
        return Err(Error::OutputIsInput { path: out.to_owned() });
    }
    let input = open_media(media)?;
    let part = VideoPart::unread(media, &input, container)?;
    let codec = codec_of(&input, &part);
    let refuse = |e: ffmpeg::Error| does_not_fit(out, codec, e);
    let sound = wants_global_headers(container)
        .and_then(|global| SoundEncoder::open(container, global))
        .map_err(refuse)?;
    let header = Header {
        path: media,
        input: &input,
        part: &part,
        container,
        sound: &sound,
        provenance: None,
        whole: false,
        carries_headers: carries_own_headers(media, &part)?,
    };
    header.write(|| Ok(Cursor::new(Vec::new()))).map_err(refuse)?;
    drop(Pending::new(out)?);
    Ok(())
}

/// How long the video that [`write_video`] writes to `out` runs before the clip begins in it. Only
/// containers that cannot hide pictures have such a lead.
///
/// # Errors
/// Those of [`write_video`].
pub fn lead(clip: &Clip, out: &Path, monitor: &Monitor<'_>) -> Result<Span> {
    let part = VideoPart::find(clip, Container::of(out)?, monitor)?;
    Ok(Span::from_seconds(part.lead))
}

/// Whether two paths lead to the same file, perhaps by links or different spellings.
fn same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if let (Ok(a), Ok(b)) = (a.metadata(), b.metadata()) {
            return (a.dev(), a.ino()) == (b.dev(), b.ino());
        }
    }
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// One file being written.
struct Muxing<'a> {
    clip: &'a Clip,
    sound: &'a AudioBuffer,
    provenance: Option<&'a Provenance>,
    container: &'static Container,
    temporary: &'a Path,
}

impl Muxing<'_> {
    fn run(&self, monitor: &Monitor<'_>) -> Result<()> {
        let part = VideoPart::find(self.clip, self.container, monitor)?;
        part.warn_of_lead(&self.clip.path);
        let fault = FirstFailure::default();
        let failed = |stop: Stop, doing: &'static str| match stop {
            Stop::Job(error) => error,
            Stop::Media(e) => fault.or(self.temporary, monitor, || media_error(self.temporary, doing, e)),
        };
        let sound = wants_global_headers(self.container)
            .map_err(Stop::from)
            .and_then(|global| Encoded::new(self.sound, part.lead, self.container, global, monitor))
            .map_err(|stop| failed(stop, "encoding the sound"))?;
        let mut packets = part.packets(&self.clip.path)?;
        let matrix = display_matrix(&packets.input, part.stream);
        let codec = codec_of(&packets.input, &part);
        let header = Header {
            path: &self.clip.path,
            input: &packets.input,
            part: &part,
            container: self.container,
            sound: &sound.encoder,
            provenance: self.provenance,
            whole: self.clip.whole,
            carries_headers: carries_own_headers(&self.clip.path, &part)?,
        };
        let opened = header.write(|| {
            Ok(Sink {
                file: File::create(self.temporary).map_err(|e| fault.keep(e))?,
                fault: fault.clone(),
                cancel: monitor.cancel().clone(),
            })
        });
        let opened =
            opened.map_err(|e| fault.or(self.temporary, monitor, || does_not_fit(self.temporary, codec, e)))?;
        let mut changes = mp4::Changes {
            matrix,
            aspect: open_file(&self.clip.path)
                .ok()
                .and_then(|mut file| mp4::pixel_aspect(&mut file)),
            shown: None,
        };
        if !self.clip.whole {
            changes.shown = Some(self.clip.duration.seconds());
        }

        let mut writer = PacketWriter::new(self.clip, opened, sound, &part);
        let copied = writer.copy(&mut packets, monitor);
        let copied = copied.and_then(|()| writer.opened.output.write_trailer().map_err(Stop::from));
        drop(writer);
        copied.map_err(|stop| failed(stop, "writing the video"))?;
        fault.check(self.temporary, monitor)?;
        if self.container.boxes {
            self.finish(&changes, monitor)?;
        } else if matrix.is_some_and(|m| m != UPRIGHT) && self.rotation_lost(matrix) {
            log::warn!(
                "{}: the rotation of the video cannot be kept in this container; .mp4 and .mov keep it",
                self.clip.path.display()
            );
        }
        monitor.progress(Stage::Export, 1.0)
    }

    fn finish(&self, changes: &mp4::Changes, monitor: &Monitor<'_>) -> Result<()> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .open(self.temporary)
            .map_err(Error::output(self.temporary))?;
        mp4::finish(&mut file, changes, monitor).map_err(|failure| match failure {
            mp4::Failure::Io(error) => Error::output(self.temporary)(error),
            mp4::Failure::Job(error) => error,
        })?;
        let appended = self.provenance.map_or(Ok(()), |made| made.append_to_boxes(&mut file));
        appended.map_err(Error::output(self.temporary))
    }

    fn rotation_lost(&self, matrix: Option<[u8; 36]>) -> bool {
        open_media(self.temporary).is_ok_and(|written| {
            let video = picture_stream(&written).map(|s| s.index());
            video.is_none_or(|video| display_matrix(&written, video) != matrix)
        })
    }
}

fn codec_of(input: &context::Input, part: &VideoPart) -> codec::Id {
    input
        .stream(part.stream)
        .map_or(codec::Id::None, |stream| stream.parameters().id())
}

/// The error for a video that a container does not support.
fn does_not_fit(out: &Path, codec: codec::Id, error: ffmpeg::Error) -> Error {
    let extension = out.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    // "Invalid argument" says no more than the sentence itself.
    let why = match error {
        error if error == UNFIT => String::new(),
        error => format!(" ({})", faults::reason(error)),
    };
    let instead = if extension == "mkv" {
        "no supported container can hold it; convert the clip to H.264 first, or write the sound alone"
    } else {
        "write to .mkv, which supports nearly every codec"
    };
    Error::Media {
        path: out.to_owned(),
        doing: "starting the file",
        reason: format!("{codec:?} video cannot be written to .{extension}{why}; {instead}"),
    }
}

/// Whether the video's packets contain the codec's headers, so that the stream needs none of its
/// own: MPEG-1 and -2, Motion JPEG, MPEG-4 in streams, and H.264 and H.265 as byte streams (Annex B
/// of the standards).
fn carries_own_headers(media: &Path, part: &VideoPart) -> Result<bool> {
    let mut input = open_media(media)?;
    let Some(codec) = input.stream(part.stream).map(|s| s.parameters().id()) else {
        return Ok(false);
    };
    Ok(match codec {
        codec::Id::MPEG1VIDEO | codec::Id::MPEG2VIDEO | codec::Id::MJPEG => true,
        codec::Id::H264 | codec::Id::HEVC | codec::Id::MPEG4 => {
            let first = input.packets().find(|(_, packet)| packet.stream() == part.stream);
            first.is_some_and(|(_, packet)| {
                let data = packet.data().unwrap_or_default();
                data.starts_with(&[0, 0, 1]) || data.starts_with(&[0, 0, 0, 1])
            })
        }
        _ => false,
    })
}
