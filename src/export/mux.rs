//! The clip's video with the soundtrack: the video stream copied packet by packet, the sound encoded.

mod mp4;

use crate::audio::{AudioBuffer, ENCODER_HEADROOM, measure};
use crate::error::{Error, Result};
use crate::export::atomic::atomically;
use crate::progress::{Cancel, Monitor, Stage};
use crate::time::{Instant, Rate, Span};
use crate::video::Clip;
use crate::video::sound::{
    first_shown, media_error, no_video, open_media, open_media_with, picture_stream, read_sound,
};
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::sample::Type::{Packed, Planar};
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::format::{Sample, context};
use ffmpeg_next::{ChannelLayout, Rational, codec, encoder, frame, media, software};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Samples a second of the encoded sound: what every codec used here takes, Opus nothing else.
const RATE: u32 = 48_000;

/// Samples a frame for encoders that take any number.
const ANY_FRAME: usize = 1024;

/// How far before a cut its keyframe is looked for: timestamps of decoding run this much before those of showing, at
/// most.
const REORDERING: f64 = 1.0;

/// Packets without a decoding timestamp that are held back at the start until one with it comes.
const HELD: usize = 64;

/// How often sound is encoded anew because the encoder went too far beyond its peak, and how much softer than needed, dB: with every
/// other level an encoder decides differently, so that the last round may do better or worse than that.
const ENCODING_ROUNDS: usize = 4;
const SOFTER: f64 = 0.1;

/// How much of the encoded sound is read back at once, so that memory does not grow with the clip.
const READ_AT_ONCE: Span = Span::from_seconds(30.0);

/// A shift of the picture that is not worth a warning: some frames.
const UNSEEN: f64 = 0.15;

/// What a container is called and holds.
struct Container {
    extensions: &'static [&'static str],
    /// FFmpeg's name of the muxer.
    format: &'static str,
    /// Encoders for the sound with their bit rates, the first that FFmpeg has is used.
    encoders: &'static [(&'static str, usize)],
    /// Subtitles that can be copied into it.
    subtitles: &'static [codec::Id],
    /// Written of boxes (ISO/IEC 14496-12), with edit lists.
    boxes: bool,
    /// Names codecs in its own way, whatever code the input's container had for them.
    own_codes: bool,
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
    }
}

const AAC: &[(&str, usize)] = &[("aac", 256_000)];
const OPUS: &[(&str, usize)] = &[("libopus", 160_000), ("libvorbis", 192_000)];

/// Containers in which sound and picture can be put exactly.
///
/// AVI says nothing of the silence that an encoder puts before its first sample, so that compressed sound would lag by
/// it: it gets PCM.
const CONTAINERS: &[Container] = &[
    Container {
        subtitles: &[codec::Id::MOV_TEXT],
        boxes: true,
        ..container(&["mp4", "m4v"], "mp4", AAC)
    },
    Container {
        subtitles: &[codec::Id::MOV_TEXT],
        boxes: true,
        ..container(&["mov", "qt"], "mov", AAC)
    },
    Container {
        boxes: true,
        ..container(&["3gp"], "3gp", AAC)
    },
    Container {
        boxes: true,
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
    container(&["flv"], "flv", AAC),
    container(&["wmv", "asf"], "asf", &[("wmav2", 192_000)]),
    container(&["mpg", "mpeg"], "mpeg", &[("mp2", 256_000)]),
    container(&["vob"], "vob", &[("ac3", 256_000)]),
    container(&["ogv"], "ogg", OPUS),
];

impl Container {
    /// The container that a file name asks for.
    fn of(path: &Path) -> Option<&'static Self> {
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
    match clip.extension().filter(|_| Container::of(clip).is_some()) {
        Some(extension) => name.push(extension),
        None => name.push("mkv"),
    }
    clip.with_file_name(name)
}

/// Writes the clip's video stream, copied, with `sound` as its only audio: AAC, Opus, or what the container holds.
///
/// The first sample of `sound` sounds when the clip starts. Rotation, aspect ratio, colour tags, title and other
/// metadata are kept; subtitles where the container can hold them as they are. MP4 and QuickTime files have their index
/// in front.
///
/// A cut starts on its exact frame in MP4 and QuickTime files: the frames since the keyframe before it are in the file
/// but hidden by its edit list. Other containers have no such list, so that the video starts at that keyframe, with
/// silence until the cut; this is logged.
///
/// What was encoded is decoded again: where its true peak is more than 1 dB above that of `sound`, it is encoded again, softer by
/// what it went too far.
///
/// # Errors
/// [`Error::OutputIsInput`]; [`Error::Output`] when the file cannot be written or its extension names no container that
/// is known; [`Error::Media`] when the container cannot hold the video's codec; those of opening the clip;
/// [`Error::Cancelled`]. Nothing is left behind then.
pub fn write_video(clip: &Clip, sound: &AudioBuffer, out: &Path, monitor: &Monitor<'_>) -> Result<()> {
    let Some(container) = Container::of(out) else {
        let known: Vec<String> = CONTAINERS
            .iter()
            .flat_map(|c| c.extensions)
            .map(|e| format!(".{e}"))
            .collect();
        let text = format!("its extension names no video file; allowed are {}", known.join(" "));
        return Err(Error::output(out)(io::Error::new(io::ErrorKind::InvalidInput, text)));
    };
    if same_file(&clip.path, out) {
        return Err(Error::OutputIsInput { path: out.to_owned() });
    }
    monitor.check()?;
    atomically(out, |temporary| {
        let allowed = measure(sound)?.true_peak + ENCODER_HEADROOM;
        let mut reduction = 0.0;
        for _ in 0..ENCODING_ROUNDS {
            let job = Muxing {
                clip,
                sound,
                gain: 10.0_f64.powf(-reduction / 20.0) as f32,
                container,
                temporary,
            };
            job.run(monitor)?;
            let over = job.encoded_peak(monitor)?.map_or(0.0, |peak| peak - allowed);
            if !allowed.is_finite() || over <= 0.0 {
                return Ok(());
            }
            reduction += over + SOFTER;
            log::debug!("the encoder went {over:.2} dB too far: the sound is encoded {reduction:.2} dB softer");
        }
        log::warn!("{}: the encoder goes beyond the peak that was asked for", out.display());
        Ok(())
    })
}

/// Whether two paths lead to one file: by links of any kind, or written differently.
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
    /// What the sound is multiplied with.
    gain: f32,
    container: &'static Container,
    temporary: &'a Path,
}

/// Where the video begins and ends, in units of its time base.
struct Part {
    stream: usize,
    time_base: Rational,
    /// Timestamp that becomes zero in the output.
    zero: i64,
    /// First packet, where not the first of the stream: its pts and dts.
    key: Option<(Option<i64>, Option<i64>)>,
    /// First timestamp that is no more shown.
    end: Option<i64>,
    /// Picture before the start of the clip that players will show, seconds.
    lead: f64,
    /// Whether missing timestamps of showing can be completed by reading ahead.
    complete: bool,
    /// Whether pictures are shown in another order than decoded.
    reordered: bool,
}

impl Muxing<'_> {
    fn run(&self, monitor: &Monitor<'_>) -> Result<()> {
        let part = self.part(monitor)?;
        let mut input = self.input(&part)?;
        let matrix = display_matrix(&input, part.stream);
        let fault = Fault::default();
        let opened = match self.output(&input, &part, Code::Kept, &fault, monitor) {
            // The code that the input's container has for the codec means something else here.
            Err(ffmpeg::Error::InvalidData) if self.container.own_codes => {
                self.output(&input, &part, Code::Unused, &fault, monitor)
            }
            Err(ffmpeg::Error::InvalidData) if self.container.boxes && self.carries_own_headers(&part)? => {
                self.output(&input, &part, Code::New, &fault, monitor)
            }
            other => other,
        };
        let codec = input
            .stream(part.stream)
            .map_or(codec::Id::None, |s| s.parameters().id());
        let Opened {
            output,
            sound,
            subtitles,
        } = opened.map_err(|e| {
            fault.or(self.temporary, monitor, || {
                let extension = self.temporary.extension().unwrap_or_default().display();
                Error::Media {
                    path: self.temporary.to_owned(),
                    doing: "starting the file",
                    reason: format!("{codec:?} video does not fit into .{extension} ({e}); .mkv holds it"),
                }
            })
        })?;
        let mut changes = mp4::Changes {
            matrix,
            aspect: File::open(&self.clip.path)
                .ok()
                .and_then(|mut file| mp4::pixel_aspect(&mut file)),
            shown: None,
        };
        if !self.clip.whole {
            changes.shown = Some(self.clip.duration.seconds());
        }

        let mut writer = Writer {
            clip: self.clip,
            output,
            sound,
            subtitles,
            part: &part,
            last: None,
            held: Some(Vec::new()),
        };
        let copied = writer.copy(&mut input, monitor);
        let copied = copied.and_then(|()| writer.output.write_trailer().map_err(Stop::from));
        drop(writer);
        copied.map_err(|stop| match stop {
            Stop::Job(error) => error,
            Stop::Media(e) => fault.or(self.temporary, monitor, || {
                media_error(self.temporary, "writing the video", e)
            }),
        })?;
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

    /// True peak of the sound as it was written, dBTP; `None` where it cannot be read back.
    fn encoded_peak(&self, monitor: &Monitor<'_>) -> Result<Option<f64>> {
        let rate = Rate::from_hz(f64::from(RATE));
        let end = Instant::ZERO + self.clip.duration;
        let mut peak = None;
        let mut from = Instant::ZERO;
        while from < end {
            let rest = end - from;
            let length = if rest > READ_AT_ONCE { READ_AT_ONCE } else { rest };
            match read_sound(self.temporary, from, length, rate, monitor) {
                Ok(Some(sound)) => peak = Some(measure(&sound)?.true_peak.max(peak.unwrap_or(f64::NEG_INFINITY))),
                Ok(None) => return Ok(None),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) => {
                    log::debug!("what was encoded cannot be read back: {error}");
                    return Ok(None);
                }
            }
            from += length;
        }
        Ok(peak)
    }

    /// Finds where the video begins and ends.
    fn part(&self, monitor: &Monitor<'_>) -> Result<Part> {
        let path = &self.clip.path;
        let first = first_shown(path, monitor)?;
        let input = open_media(path)?;
        let Some(stream) = picture_stream(&input) else {
            return Err(no_video(path, &input));
        };
        let time_base = stream.time_base();
        let codec = stream.parameters().id();
        let decoder = codec::Context::from_parameters(stream.parameters()).and_then(|c| c.decoder().video());
        let reordered = decoder.is_ok_and(|d| d.has_b_frames());
        let stream = stream.index();
        drop(input);
        let units = |seconds: f64| (seconds / f64::from(time_base)).round() as i64;
        let start = first
            .timestamp
            .saturating_add(units((self.clip.start - Instant::ZERO).seconds()));
        let mut part = Part {
            stream,
            time_base,
            zero: start,
            key: None,
            end: (!self.clip.whole).then(|| start.saturating_add(units(self.clip.duration.seconds()))),
            lead: 0.0,
            complete: self.container.format != "avi" && !matches!(codec, codec::Id::H264 | codec::Id::HEVC),
            reordered: reordered && self.container.format != "avi",
        };
        // AVI counts frames in the order of decoding; a decoder that reorders them shows the first one later than that.
        let decoding = self.container.format == "avi";
        let time = |(pts, dts): (Option<i64>, Option<i64>)| if decoding { dts.or(pts) } else { pts.or(dts) };
        let shown = if start > first.timestamp {
            part.key = match self.key_before(&part, start, true, monitor)? {
                None => self.key_before(&part, start, false, monitor)?,
                found => found,
            };
            part.key.and_then(time).unwrap_or(first.timestamp)
        } else {
            // An edit list of the input may hide pictures before the first.
            self.key_before(&part, start, false, monitor)?
                .and_then(time)
                .unwrap_or(start)
        };
        if !self.container.boxes {
            part.zero = shown;
            part.lead = start.saturating_sub(shown) as f64 * f64::from(time_base);
            if part.lead > UNSEEN {
                log::warn!(
                    "{}: this container cannot hide pictures before a cut; the video starts {:.2} s before it, silent \
                     until then (.mp4 and .mov start on the frame)",
                    path.display(),
                    part.lead
                );
            }
        }
        Ok(part)
    }

    /// The input, where reading is to begin.
    fn input(&self, part: &Part) -> Result<context::Input> {
        let mut input = open_media_with(&self.clip.path, part.complete)?;
        if part.key.is_some() && self.seek(&mut input, part).is_err() {
            input = open_media_with(&self.clip.path, part.complete)?;
        }
        Ok(input)
    }

    fn seek(&self, input: &mut context::Input, part: &Part) -> Result<(), ffmpeg::Error> {
        let start = match part.key {
            Some((Some(pts), _)) => part.zero.min(pts),
            _ => part.zero,
        };
        let target = ((start as f64 * f64::from(part.time_base) - REORDERING) * 1e6) as i64;
        input.seek(target, ..target)
    }

    /// The last keyframe that is shown at `start` or before it.
    #[allow(clippy::type_complexity)] // a packet's own pair of timestamps
    fn key_before(
        &self,
        part: &Part,
        start: i64,
        seek: bool,
        monitor: &Monitor<'_>,
    ) -> Result<Option<(Option<i64>, Option<i64>)>> {
        let mut input = open_media_with(&self.clip.path, part.complete)?;
        if seek && self.seek(&mut input, part).is_err() {
            return Ok(None);
        }
        let mut found = None;
        for (_, packet) in input.packets() {
            monitor.check()?;
            if packet.stream() != part.stream {
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

    /// Whether the video's packets have the codec's headers in them, so that the stream can do without its own: MPEG-1
    /// and -2, Motion JPEG, and H.264 and H.265 as byte streams (Annex B of the standards).
    fn carries_own_headers(&self, part: &Part) -> Result<bool> {
        let mut input = open_media(&self.clip.path)?;
        let Some(codec) = input.stream(part.stream).map(|s| s.parameters().id()) else {
            return Ok(false);
        };
        Ok(match codec {
            codec::Id::MPEG1VIDEO | codec::Id::MPEG2VIDEO | codec::Id::MJPEG => true,
            codec::Id::H264 | codec::Id::HEVC => {
                let first = input.packets().find(|(_, packet)| packet.stream() == part.stream);
                first.is_some_and(|(_, packet)| {
                    let data = packet.data().unwrap_or_default();
                    data.starts_with(&[0, 0, 1]) || data.starts_with(&[0, 0, 0, 1])
                })
            }
            _ => false,
        })
    }

    /// Makes the output with its streams and writes its header.
    fn output(
        &self,
        input: &context::Input,
        part: &Part,
        code: Code,
        fault: &Fault,
        monitor: &Monitor<'_>,
    ) -> Result<Opened<'_>, ffmpeg::Error> {
        let sink = Sink {
            file: File::create(self.temporary).map_err(|e| fault.keep(e))?,
            fault: fault.clone(),
            cancel: monitor.cancel().clone(),
        };
        let stream = context::StreamIo::from_write_seek_with_capacity(sink, 1 << 18)?;
        let mut output = ffmpeg::format::output_to_stream(stream, None, Some(self.container.format))?;
        let source = input.stream(part.stream).ok_or(ffmpeg::Error::StreamNotFound)?;
        {
            let mut video = output.add_stream(encoder::find(codec::Id::None))?;
            match code {
                Code::New => video.set_parameters(bare(&source)?),
                Code::Kept | Code::Unused => video.set_parameters(source.parameters()),
            }
            video.set_time_base(part.time_base);
            video.set_rate(source.rate());
            video.set_avg_frame_rate(source.avg_frame_rate());
            video.set_metadata(kept(source.metadata().iter()));
        }
        let sound = SoundStream::add(&mut output, self.container, self.sound, self.gain, part.lead)?;
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
                    self.clip.path.display(),
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
        if self.clip.whole {
            copy_chapters(input, &mut output, part);
        }
        output.set_metadata(kept(input.metadata().iter()));
        let mut options = ffmpeg::Dictionary::new();
        if self.container.boxes {
            // Edit lists count in units of the movie; its default of a millisecond would cut the sound short of its end.
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

    fn finish(&self, changes: &mp4::Changes, monitor: &Monitor<'_>) -> Result<()> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .open(self.temporary)
            .map_err(Error::output(self.temporary))?;
        mp4::finish(&mut file, changes, monitor).map_err(|failure| match failure {
            mp4::Failure::Io(error) => Error::output(self.temporary)(error),
            mp4::Failure::Job(error) => error,
        })
    }

    fn rotation_lost(&self, matrix: Option<[u8; 36]>) -> bool {
        open_media(self.temporary).is_ok_and(|written| {
            let video = picture_stream(&written).map(|s| s.index());
            video.is_none_or(|video| display_matrix(&written, video) != matrix)
        })
    }
}

/// An output whose header is written.
struct Opened<'a> {
    output: context::Output,
    sound: SoundStream<'a>,
    /// Index and time base in the input, index in the output.
    subtitles: Vec<(usize, Rational, usize)>,
}

/// What becomes of the code that the input's container has for the video codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// It is kept: the containers are of one family.
    Kept,
    /// It is not written, and so may be anything.
    Unused,
    /// The muxer chooses one.
    New,
}

/// A stream's parameters without its code and codec headers.
///
/// The wrapper of FFmpeg has no call that clears the code alone.
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

/// The matrix of a picture that is shown as it is stored: 16.16 and, in the last column, 2.30 fixed point.
const UPRIGHT: [u8; 36] = {
    let mut matrix = [0; 36];
    matrix[1] = 1;
    matrix[17] = 1;
    matrix[32] = 0x40;
    matrix
};

/// How a stream is to be turned, in the form of a file's `tkhd` box.
fn display_matrix(input: &context::Input, stream: usize) -> Option<[u8; 36]> {
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

/// Metadata without what belongs to the file it comes from.
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

fn copy_chapters(input: &context::Input, output: &mut context::Output, part: &Part) {
    for chapter in input.chapters() {
        let base = chapter.time_base();
        let shift = (part.zero as f64 * f64::from(part.time_base) / f64::from(base)).round() as i64;
        let title = chapter.metadata().get("title").unwrap_or_default().replace('\0', "");
        let (start, end) = ((chapter.start() - shift).max(0), (chapter.end() - shift).max(0));
        if output.add_chapter(chapter.id(), base, start, end, title).is_err() {
            log::info!("a chapter mark is left out");
        }
    }
}

/// Why writing stopped.
enum Stop {
    Job(Error),
    Media(ffmpeg::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Job(error)
    }
}

impl From<ffmpeg::Error> for Stop {
    fn from(error: ffmpeg::Error) -> Self {
        Self::Media(error)
    }
}

/// Copies and encodes.
struct Writer<'a> {
    clip: &'a Clip,
    output: context::Output,
    sound: SoundStream<'a>,
    subtitles: Vec<(usize, Rational, usize)>,
    part: &'a Part,
    /// Latest decoding timestamp written, in the output's time base.
    last: Option<i64>,
    /// Packets held back until one has a decoding timestamp; `None` afterwards.
    held: Option<Vec<ffmpeg::Packet>>,
}

impl Writer<'_> {
    fn copy(&mut self, input: &mut context::Input, monitor: &Monitor<'_>) -> Result<(), Stop> {
        let part = self.part;
        let mut waiting = part.key.is_some();
        for (_, packet) in input.packets() {
            monitor.check()?;
            if packet.stream() != part.stream {
                if !waiting {
                    self.subtitle(packet)?;
                }
                continue;
            }
            if waiting {
                if part.key != Some((packet.pts(), packet.dts())) {
                    continue;
                }
                waiting = false;
            }
            let time = packet.dts().or(packet.pts());
            if let (Some(time), Some(end)) = (time, part.end)
                && time >= end
            {
                break;
            }
            if let Some(time) = time {
                let done = time.saturating_sub(part.zero) as f64 * f64::from(part.time_base);
                monitor.progress(Stage::Export, done / self.clip.duration.seconds().max(1e-9))?;
            }
            self.video(packet, monitor)?;
        }
        self.release(monitor)?;
        self.sound.write_until(f64::INFINITY, &mut self.output, monitor)
    }

    fn video(&mut self, mut packet: ffmpeg::Packet, monitor: &Monitor<'_>) -> Result<(), Stop> {
        let shift = |t: i64| t.saturating_sub(self.part.zero);
        packet.set_pts(packet.pts().map(shift));
        packet.set_dts(packet.dts().map(shift));
        let Some(held) = &mut self.held else {
            return self.write(packet, monitor);
        };
        let known = packet.dts().is_some();
        held.push(packet);
        if known || held.len() >= HELD {
            self.release(monitor)?;
        }
        Ok(())
    }

    /// Writes the packets that were held back, with decoding timestamps that lead evenly up to the first known one.
    fn release(&mut self, monitor: &Monitor<'_>) -> Result<(), Stop> {
        let mut held = self.held.take().unwrap_or_default();
        fill_dts(&mut held);
        held.into_iter().try_for_each(|packet| self.write(packet, monitor))
    }

    fn write(&mut self, mut packet: ffmpeg::Packet, monitor: &Monitor<'_>) -> Result<(), Stop> {
        if packet.pts().is_none() && self.part.reordered {
            return Err(Stop::Job(Error::Media {
                path: self.clip.path.clone(),
                doing: "copying the video",
                reason: "it does not say when its pictures are shown, which this container must; .avi need not".into(),
            }));
        }
        let base = self
            .output
            .stream(0)
            .map_or(self.part.time_base, |stream| stream.time_base());
        packet.rescale_ts(self.part.time_base, base);
        // Muxers refuse decoding timestamps that do not rise and pictures shown before they are decoded. Damaged files
        // have both, and coarser time bases make equal ones.
        let next = self.last.map(|last| last + packet.duration().max(1));
        let dts = packet.dts().or(next).or(packet.pts()).unwrap_or(0);
        let pts = packet.pts().unwrap_or(dts);
        let least = self.last.map_or(i64::MIN, |last| last + 1);
        let dts = dts.min(pts).max(least);
        packet.set_dts(Some(dts));
        packet.set_pts(Some(pts.max(dts)));
        packet.set_stream(0);
        packet.set_position(-1);
        self.last = Some(dts);
        self.sound
            .write_until(dts as f64 * f64::from(base), &mut self.output, monitor)?;
        match packet.size() {
            0 => Ok(()),
            _ => Ok(packet.write_interleaved(&mut self.output)?),
        }
    }

    fn subtitle(&mut self, mut packet: ffmpeg::Packet) -> Result<(), Stop> {
        let Some(&(_, from, to)) = self.subtitles.iter().find(|(index, _, _)| *index == packet.stream()) else {
            return Ok(());
        };
        let zero = (self.part.zero as f64 * f64::from(self.part.time_base) / f64::from(from)).round() as i64;
        let Some(pts) = packet.pts().map(|t| t.saturating_sub(zero)).filter(|t| *t >= 0) else {
            return Ok(());
        };
        let cut = !self.clip.whole && pts as f64 * f64::from(from) >= self.part.lead + self.clip.duration.seconds();
        if cut || packet.size() == 0 {
            return Ok(());
        }
        packet.set_pts(Some(pts));
        packet.set_dts(Some(pts));
        let base = self.output.stream(to).map_or(from, |stream| stream.time_base());
        packet.rescale_ts(from, base);
        packet.set_stream(to);
        packet.set_position(-1);
        Ok(packet.write_interleaved(&mut self.output)?)
    }
}

/// Gives packets at the start that lack a decoding timestamp one, evenly before the first that is known.
fn fill_dts(packets: &mut [ffmpeg::Packet]) {
    let Some(known) = packets.iter().position(|p| p.dts().is_some()) else {
        return;
    };
    let step = packets.iter().map(|p| p.duration()).max().unwrap_or(0).max(1);
    let Some(first) = packets.get(known).and_then(|p| p.dts()) else {
        return;
    };
    let mut dts = first;
    for packet in packets.iter_mut().take(known).rev() {
        dts -= step;
        // No picture is shown before it is decoded.
        dts = packet.pts().map_or(dts, |pts| dts.min(pts));
        packet.set_dts(Some(dts));
    }
}

/// The encoder of the sound and what goes into it.
struct SoundStream<'a> {
    encoder: encoder::Audio,
    feed: Feed<'a>,
    stream: usize,
    frame_size: usize,
    /// Samples given to the encoder.
    position: usize,
    /// Samples that timestamps are moved by; `None` until the first packet tells.
    shift: Option<i64>,
    /// Whether timestamps are to start at zero with what the encoder puts before the sound.
    from_zero: bool,
    done: bool,
}

/// Major version of libavformat from which its Matroska muxer counts the pre-skip of Opus (`CodecDelay`) into the
/// timestamps. Older ones write it but do not count it, so that the sound would be early by it.
const COUNTS_PRE_SKIP: u32 = 60;

impl<'a> SoundStream<'a> {
    fn add(
        output: &mut context::Output,
        container: &Container,
        sound: &'a AudioBuffer,
        gain: f32,
        lead: f64,
    ) -> Result<Self, ffmpeg::Error> {
        let (codec, bit_rate) = container
            .encoders
            .iter()
            .find_map(|(name, bit_rate)| Some((encoder::find_by_name(name)?, *bit_rate)))
            .ok_or(ffmpeg::Error::EncoderNotFound)?;
        let format = codec
            .audio()?
            .formats()
            .and_then(|mut formats| formats.find(|f| SAMPLE_FORMATS.contains(f)))
            .ok_or(ffmpeg::Error::EncoderNotFound)?;
        let global = output.format().flags().contains(ffmpeg::format::Flags::GLOBAL_HEADER);
        let mut context = codec::Context::new_with_codec(codec);
        context.set_time_base((1, RATE as i32));
        // One thread: the same bits whatever the machine.
        context.set_threading(codec::threading::Config::count(1));
        if global {
            context.set_flags(codec::Flags::GLOBAL_HEADER);
        }
        let mut encoder = context.encoder().audio()?;
        encoder.set_rate(RATE as i32);
        encoder.set_format(format);
        encoder.set_channel_layout(ChannelLayout::STEREO);
        encoder.set_bit_rate(bit_rate);
        let mut options = ffmpeg::Dictionary::new();
        if codec.name() == "aac" {
            // Perceptual noise substitution of FFmpeg's encoder blows up now and then on the attack of a drum: peaks 5 dB
            // over those written; intensity stereo and the search over two loops do so by 1.5 dB. The faster search sounds no worse at
            // such a bit rate.
            options.set("aac_pns", "0");
            options.set("aac_is", "0");
            options.set("aac_coder", "fast");
        }
        let encoder = encoder.open_as_with(codec, options)?;
        let frame_size = match encoder.frame_size() {
            0 => ANY_FRAME,
            size => size as usize,
        };
        let from_zero =
            container.own_codes && codec.id() == codec::Id::OPUS && ffmpeg::format::version() >> 16 < COUNTS_PRE_SKIP;
        let mut stream = output.add_stream(codec)?;
        stream.set_parameters(&encoder);
        stream.set_time_base((1, RATE as i32));
        let stream = stream.index();
        Ok(Self {
            feed: Feed::new(sound, gain, lead)?,
            encoder,
            stream,
            frame_size,
            position: 0,
            shift: None,
            from_zero,
            done: false,
        })
    }

    /// Encodes and writes what sounds before `until`, seconds of the output; all and the encoder's rest for infinity.
    fn write_until(&mut self, until: f64, output: &mut context::Output, monitor: &Monitor<'_>) -> Result<(), Stop> {
        while !self.done && (self.position as f64) < until * f64::from(RATE) {
            monitor.check()?;
            let samples = self.feed.next(self.frame_size)?;
            if samples.is_empty() {
                self.done = true;
                self.encoder.send_eof()?;
            } else {
                let count = samples.len() / 2;
                let mut frame = frame::Audio::new(self.encoder.format(), count, ChannelLayout::STEREO);
                frame.set_rate(RATE);
                frame.set_pts(Some(self.position as i64));
                fill(&mut frame, &samples);
                self.position += count;
                self.encoder.send_frame(&frame)?;
            }
            self.drain(output)?;
        }
        Ok(())
    }

    fn drain(&mut self, output: &mut context::Output) -> Result<(), Stop> {
        let base = output
            .stream(self.stream)
            .map_or(Rational(1, RATE as i32), |stream| stream.time_base());
        loop {
            let mut packet = ffmpeg::Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {
                    let first = packet.pts().unwrap_or(0);
                    let shift = *self.shift.get_or_insert(if self.from_zero { -first } else { 0 });
                    packet.set_pts(packet.pts().map(|t| t + shift));
                    packet.set_dts(packet.dts().map(|t| t + shift));
                    packet.set_stream(self.stream);
                    packet.rescale_ts((1, RATE as i32), base);
                    packet.write_interleaved(output)?;
                }
                Err(ffmpeg::Error::Eof) => return Ok(()),
                Err(ffmpeg::Error::Other { errno }) if errno == ffmpeg::util::error::EAGAIN => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// Sample formats that [`fill`] can write.
const SAMPLE_FORMATS: &[Sample] = &[
    Sample::F32(Planar),
    Sample::F32(Packed),
    Sample::I16(Packed),
    Sample::I16(Planar),
];

/// Writes interleaved stereo samples into a frame of one of [`SAMPLE_FORMATS`].
fn fill(frame: &mut frame::Audio, samples: &[f32]) {
    let whole = |s: f32| (s.clamp(-1.0, 1.0) * 32_767.0).round() as i16;
    let plane = |side: usize| samples.iter().skip(side).step_by(2);
    match frame.format() {
        Sample::F32(Packed) => {
            frame
                .plane_mut::<f32>(0)
                .iter_mut()
                .zip(samples)
                .for_each(|(to, s)| *to = *s);
        }
        Sample::I16(Packed) => {
            let to = frame.plane_mut::<i16>(0).iter_mut();
            to.zip(samples).for_each(|(to, s)| *to = whole(*s));
        }
        Sample::F32(Planar) => {
            for side in 0..2 {
                let to = frame.plane_mut::<f32>(side).iter_mut();
                to.zip(plane(side)).for_each(|(to, s)| *to = *s);
            }
        }
        _ => {
            for side in 0..2 {
                let to = frame.plane_mut::<i16>(side).iter_mut();
                to.zip(plane(side)).for_each(|(to, s)| *to = whole(*s));
            }
        }
    }
}

/// The sound as interleaved stereo at [`RATE`], a piece at a time.
struct Feed<'a> {
    sound: &'a AudioBuffer,
    gain: f32,
    /// Samples a channel taken from `sound`.
    taken: usize,
    /// Samples a channel still to be given, silence before and after the sound included.
    left: usize,
    resampler: Option<software::resampling::Context>,
    /// Converted, not yet given.
    ready: Vec<f32>,
}

impl<'a> Feed<'a> {
    fn new(sound: &'a AudioBuffer, gain: f32, lead: f64) -> Result<Self, ffmpeg::Error> {
        let rate = crate::time::Rate::from_hz(f64::from(RATE));
        let lead = Span::from_seconds(lead).to_samples(rate);
        let source = sound.rate.hz().round() as u32;
        let resampler = match (source == RATE, sound.channels) {
            (true, 1 | 2) => None,
            (_, channels) => Some(software::resampling::Context::get(
                Sample::F32(Packed),
                ChannelLayout::default(channels as i32),
                source,
                Sample::F32(Packed),
                if channels == 1 {
                    ChannelLayout::MONO
                } else {
                    ChannelLayout::STEREO
                },
                RATE,
            )?),
        };
        Ok(Self {
            sound,
            gain,
            taken: 0,
            left: lead + sound.duration().to_samples(rate),
            resampler,
            ready: vec![0.0; 2 * lead],
        })
    }

    /// The next `count` samples a channel, fewer at the end, none after it.
    fn next(&mut self, count: usize) -> Result<Vec<f32>, ffmpeg::Error> {
        let count = count.min(self.left);
        while self.ready.len() < 2 * count {
            if !self.convert()? {
                break;
            }
        }
        self.left -= count;
        let mut piece: Vec<f32> = self.ready.drain(..self.ready.len().min(2 * count)).collect();
        piece.iter_mut().for_each(|sample| *sample *= self.gain);
        piece.resize(2 * count, 0.0);
        Ok(piece)
    }

    /// Converts some more; `false` at the end.
    fn convert(&mut self) -> Result<bool, ffmpeg::Error> {
        let channels = self.sound.channels;
        let from = self.taken * channels;
        let count = ANY_FRAME.min(self.sound.frames() - self.taken);
        let samples = self
            .sound
            .samples
            .get(from..from + count * channels)
            .unwrap_or_default();
        self.taken += count;
        let Some(resampler) = &mut self.resampler else {
            match channels {
                1 => self.ready.extend(samples.iter().flat_map(|s| [*s, *s])),
                _ => self.ready.extend_from_slice(samples),
            }
            return Ok(count > 0);
        };
        let (input, output) = (*resampler.input(), *resampler.output());
        let waiting = resampler.delay().map_or(0, |d| d.output.max(0) as usize);
        let room = waiting + count * output.rate as usize / input.rate.max(1) as usize + 64;
        let mut converted = frame::Audio::new(output.format, room, output.channel_layout);
        if count > 0 {
            let mut piece = frame::Audio::new(input.format, count, input.channel_layout);
            piece.set_rate(input.rate);
            fill(&mut piece, samples);
            resampler.run(&piece, &mut converted)?;
        } else if waiting > 0 {
            resampler.flush(&mut converted)?;
        } else {
            return Ok(false);
        }
        if converted.samples() == 0 {
            return Ok(count > 0);
        }
        let plane = converted.plane::<f32>(0);
        if channels == 1 {
            self.ready.extend(plane.iter().flat_map(|s| [*s, *s]));
        } else {
            self.ready.extend_from_slice(plane);
        }
        Ok(true)
    }
}

/// The first failure of the file that is written, kept because FFmpeg hands on only a number.
#[derive(Debug, Clone, Default)]
struct Fault(Arc<Mutex<Option<io::Error>>>);

impl Fault {
    fn keep(&self, error: io::Error) -> ffmpeg::Error {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        ffmpeg::Error::External
    }

    fn check(&self, path: &Path, monitor: &Monitor<'_>) -> Result<()> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        monitor.check()?;
        kept.map_or(Ok(()), |error| Err(Error::output(path)(error)))
    }

    /// The failure that was kept, or else another.
    fn or(&self, path: &Path, monitor: &Monitor<'_>, other: impl FnOnce() -> Error) -> Error {
        self.check(path, monitor).err().unwrap_or_else(other)
    }
}

/// The file as FFmpeg sees it: keeps the reason of a failure and stops when the job is cancelled.
struct Sink<F> {
    file: F,
    fault: Fault,
    cancel: Cancel,
}

impl<F> Sink<F> {
    fn guard<T>(&mut self, act: impl FnOnce(&mut F) -> io::Result<T>) -> io::Result<T> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        act(&mut self.file).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let same = error.raw_os_error().map(io::Error::from_raw_os_error);
            let same = same.unwrap_or_else(|| error.kind().into());
            self.fault.keep(error);
            same
        })
    }
}

impl<F: Write> Write for Sink<F> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.guard(|file| file.write(data))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.guard(|file| file.flush())
    }
}

impl<F: Seek> Seek for Sink<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.guard(|file| file.seek(to))
    }
}
