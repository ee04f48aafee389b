//! The output's streams and header.

use super::container::Container;
use super::part::{VideoPart, units};
use super::sink::MemoryFile;
use super::sound::{RATE, SoundEncoder};
use crate::export::provenance::{Provenance, SourceType};
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::context;
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::{Rational, codec, encoder, media};
use std::io::{Cursor, Seek, Write};
use std::path::Path;

/// An output whose header has been written.
pub(super) struct Opened {
    pub(super) output: context::Output,
    /// Index of the sound.
    pub(super) sound: usize,
    /// Index and time base in the input, index in the output.
    pub(super) subtitles: Vec<(usize, Rational, usize)>,
}

/// The error of muxers for a codec that they do not support.
pub(super) const UNFIT: ffmpeg::Error = ffmpeg::Error::Other {
    errno: ffmpeg::error::EINVAL,
};

/// How the input container's code for the video codec is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// It is kept: the containers are of the same family.
    Kept,
    /// It is not written, so it does not matter.
    Unused,
    /// It is removed.
    Cleared,
    /// The muxer chooses one.
    New,
}

/// The inputs of a header.
pub(super) struct Header<'a> {
    pub(super) path: &'a Path,
    pub(super) input: &'a context::Input,
    pub(super) part: &'a VideoPart,
    pub(super) container: &'static Container,
    pub(super) sound: &'a SoundEncoder,
    pub(super) provenance: Option<&'a Provenance>,
    /// Whether the clip is the whole media.
    pub(super) whole: bool,
    /// Whether the video's packets contain the codec's headers.
    pub(super) carries_headers: bool,
}

/// Whether a container stores the codecs' headers separately from the packets.
pub(super) fn wants_global_headers(container: &Container) -> Result<bool, ffmpeg::Error> {
    let stream = context::StreamIo::from_write_seek(Cursor::new(Vec::new()))?;
    let output = ffmpeg::format::output_to_stream(stream, None, Some(container.format))?;
    Ok(output.format().flags().contains(ffmpeg::format::Flags::GLOBAL_HEADER))
}

impl Header<'_> {
    /// Creates the output with its streams and writes its header to the target that `sink` returns;
    /// `sink` is called again if the first attempt is refused.
    pub(super) fn write<W: Write + Seek + Send + 'static>(
        &self,
        mut sink: impl FnMut() -> Result<W, ffmpeg::Error>,
    ) -> Result<Opened, ffmpeg::Error> {
        let codec = self
            .input
            .stream(self.part.stream)
            .map(|stream| stream.parameters().id());
        if let (Some(pictures), Some(codec)) = (self.container.pictures, codec)
            && !pictures.contains(&codec)
        {
            return Err(UNFIT);
        }
        let mut opened = self.write_as(Code::Kept, sink()?);
        let is_refused = |opened: &Result<Opened, ffmpeg::Error>| matches!(opened, Err(ffmpeg::Error::InvalidData));
        // The input container's code for the codec means something else here.
        if is_refused(&opened) && self.container.own_codes {
            opened = self.write_as(Code::Unused, sink()?);
        }
        // Packets that contain headers would not match the separate codec headers that are written
        // without a code.
        if is_refused(&opened) && self.container.no_codes && !self.carries_headers {
            opened = self.write_as(Code::Cleared, sink()?);
        }
        if opened.is_err() && self.container.boxes && self.carries_headers {
            opened = self.write_as(Code::New, sink()?);
        }
        opened
    }

    fn write_as<W: Write + Seek + Send + 'static>(&self, code: Code, sink: W) -> Result<Opened, ffmpeg::Error> {
        let (input, part) = (self.input, self.part);
        let stream = context::StreamIo::from_write_seek_with_capacity(sink, 1 << 18)?;
        let mut output = ffmpeg::format::output_to_stream(stream, None, Some(self.container.format))?;
        let source = input.stream(part.stream).ok_or(ffmpeg::Error::StreamNotFound)?;
        {
            let mut video = output.add_stream(encoder::find(codec::Id::None))?;
            match code {
                Code::New => video.set_parameters(bare(&source)?),
                Code::Cleared => video.set_parameters(without_code(&source)?),
                Code::Kept | Code::Unused => video.set_parameters(source.parameters()),
            }
            video.set_time_base(part.time_base);
            video.set_rate(source.rate());
            video.set_avg_frame_rate(source.avg_frame_rate());
            video.set_metadata(kept(source.metadata().iter()));
        }
        let sound = self.sound.add_stream(&mut output)?;
        let mut subtitles = Vec::new();
        for other in input.streams().filter(|s| s.index() != part.stream) {
            let (kind, id) = (other.parameters().medium(), other.parameters().id());
            if kind == media::Type::Audio {
                continue;
            }
            if kind != media::Type::Subtitle || !self.container.subtitles.contains(&id) {
                let cover = other.disposition().contains(Disposition::ATTACHED_PIC);
                let what = if cover {
                    "cover picture".to_owned()
                } else {
                    format!("{kind:?} stream")
                };
                log::info!(
                    "{}: {} {} ({id:?}) is left out",
                    self.path.display(),
                    what.to_lowercase(),
                    other.index()
                );
                continue;
            }
            let mut added = output.add_stream(encoder::find(codec::Id::None))?;
            added.set_parameters(other.parameters());
            added.set_time_base(other.time_base());
            added.set_metadata(kept(other.metadata().iter()));
            subtitles.push((other.index(), other.time_base(), added.index()));
        }
        if self.whole {
            copy_chapters(input, &mut output, part);
        }
        let mut metadata = kept(input.metadata().iter());
        if let Some(made) = self.provenance {
            describe(&mut metadata, made, SourceType::PictureWithMusic);
        }
        output.set_metadata(metadata);
        let mut options = ffmpeg::Dictionary::new();
        if self.container.boxes {
            // Edit lists count in the movie's time scale; its default of a millisecond would cut
            // off the end of the sound.
            options.set("movie_timescale", &RATE.to_string());
        }
        if self.container.format == "matroska" {
            options.set("default_mode", "infer");
        }
        if code == Code::Unused {
            options.set("strict", "unofficial");
        }
        output.write_header_with(options)?;
        Ok(Opened {
            output,
            sound,
            subtitles,
        })
    }
}

/// A stream's parameters without its code and codec headers.
///
/// The FFmpeg wrapper has no call that clears the code alone.
fn bare(source: &ffmpeg::Stream<'_>) -> Result<codec::Parameters, ffmpeg::Error> {
    let decoder = codec::Context::from_parameters(source.parameters())?
        .decoder()
        .video()?;
    let codec = codec::decoder::find(source.parameters().id()).ok_or(ffmpeg::Error::DecoderNotFound)?;
    let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
    video.set_width(decoder.width());
    video.set_height(decoder.height());
    video.set_format(decoder.format());
    video.set_aspect_ratio(decoder.aspect_ratio());
    video.set_colorspace(decoder.color_space());
    video.set_color_range(decoder.color_range());
    video.set_color_primaries(decoder.color_primaries());
    video.set_color_transfer_characteristic(decoder.color_transfer_characteristic());
    Ok(codec::Parameters::from(&video))
}

/// A stream's parameters without its code, obtained by writing and reading the header of a Matroska
/// file in memory, which names codecs by words.
///
/// The FFmpeg wrapper has no call that clears the code alone.
fn without_code(source: &ffmpeg::Stream<'_>) -> Result<codec::Parameters, ffmpeg::Error> {
    let memory = MemoryFile::default();
    let stream = context::StreamIo::from_write_seek(memory.clone())?;
    let mut output = ffmpeg::format::output_to_stream(stream, None, Some("matroska"))?;
    {
        let mut video = output.add_stream(encoder::find(codec::Id::None))?;
        video.set_parameters(source.parameters());
        video.set_time_base(source.time_base());
    }
    let mut options = ffmpeg::Dictionary::new();
    options.set("strict", "unofficial");
    output.write_header_with(options)?;
    // FFmpeg does not open a file without any packet; this one is an empty access unit of H.264.
    let mut packet = ffmpeg::Packet::copy(&[0, 0, 0, 2, 0x09, 0xf0]);
    packet.set_stream(0);
    packet.set_pts(Some(0));
    packet.set_dts(Some(0));
    packet.set_flags(codec::packet::Flags::KEY);
    packet.write_interleaved(&mut output)?;
    output.write_trailer()?;
    drop(output);
    let stream = context::StreamIo::from_read_seek(Cursor::new(memory.into_bytes()))?;
    let input = ffmpeg::format::input_from_stream(stream, None, None)?;
    let stream = input.stream(0).ok_or(ffmpeg::Error::StreamNotFound)?;
    Ok(stream.parameters().clone())
}

/// The matrix of a picture that is shown as stored: 16.16 and, in the last column, 2.30 fixed
/// point.
pub(super) const UPRIGHT: [u8; 36] = {
    let mut matrix = [0; 36];
    matrix[1] = 1;
    matrix[17] = 1;
    matrix[32] = 0x40;
    matrix
};

/// The display matrix of a stream, in the form of a file's `tkhd` box.
pub(super) fn display_matrix(input: &context::Input, stream: usize) -> Option<[u8; 36]> {
    let stream = input.stream(stream)?;
    let side = stream
        .side_data()
        .find(|d| d.kind() == codec::packet::side_data::Type::DisplayMatrix)?;
    let mut matrix = [0; 36];
    for (to, from) in matrix.chunks_exact_mut(4).zip(side.data().chunks_exact(4)) {
        to.copy_from_slice(&i32::from_ne_bytes(from.try_into().ok()?).to_be_bytes());
    }
    (side.data().len() == 36).then_some(matrix)
}

/// Adds what made the sound, beside what the input file says of itself. Containers that have no such
/// entries leave them out.
pub(super) fn describe(metadata: &mut ffmpeg::Dictionary<'_>, made: &Provenance, source: SourceType) {
    metadata.set("DIGITAL_SOURCE_TYPE", source.uri());
    let sentence = made.sentence();
    let comment = match metadata.get("comment") {
        Some(comment) if !comment.contains(&sentence) => format!("{comment}\n{sentence}"),
        _ => sentence,
    };
    metadata.set("comment", &comment);
}

/// Metadata without the entries that describe the input file.
fn kept<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> ffmpeg::Dictionary<'static> {
    const FOREIGN: &[&str] = &[
        "major_brand",
        "minor_version",
        "compatible_brands",
        "encoder",
        "rotate",
        "duration",
        "vendor_id",
    ];
    let mut dictionary = ffmpeg::Dictionary::new();
    for (key, value) in entries {
        let statistics = key.starts_with("_STATISTICS") || key == "BPS" || key.starts_with("NUMBER_OF_");
        if !FOREIGN.contains(&key.to_lowercase().as_str()) && !statistics && !value.contains('\0') {
            dictionary.set(key, value);
        }
    }
    dictionary
}

fn copy_chapters(input: &context::Input, output: &mut context::Output, part: &VideoPart) {
    for chapter in input.chapters() {
        let base = chapter.time_base();
        let shift = units(part.zero_seconds(), base);
        let title = chapter.metadata().get("title").unwrap_or_default().replace('\0', "");
        let (start, end) = ((chapter.start() - shift).max(0), (chapter.end() - shift).max(0));
        if output.add_chapter(chapter.id(), base, start, end, title).is_err() {
            log::info!("a chapter mark is left out");
        }
    }
}
