//! Sentences for files that FFmpeg refuses: FFmpeg's own texts name neither the file's kind nor
//! what to do.

use ffmpeg::util::error::{EACCES, EINVAL, EIO, ENOMEM, ENOSPC, ENOSYS, EPERM};
use ffmpeg_next as ffmpeg;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// What happened, in place of FFmpeg's text.
pub(crate) fn reason(error: ffmpeg::Error) -> String {
    use ffmpeg::Error::{
        DecoderNotFound, EncoderNotFound, Eof, Experimental, InvalidData, MuxerNotFound, Other, PatchWelcome,
        ProtocolNotFound, StreamNotFound,
    };
    let what = match error {
        InvalidData => "its data is damaged, or of a kind that this build of FFmpeg cannot read",
        Eof => "the data ends too early; the file is incomplete",
        DecoderNotFound => {
            "this build of FFmpeg has no decoder for it; use another build, or convert the video to H.264 first"
        }
        EncoderNotFound => "this build of FFmpeg has no encoder for it; use another build",
        MuxerNotFound => "this build of FFmpeg cannot write this kind of file; use another build or file name",
        ProtocolNotFound => "it refers to another file or an address, which is not opened; use a video in one file",
        StreamNotFound => "a stream that the file announces is missing; the file is damaged",
        PatchWelcome | Experimental | Other { errno: ENOSYS } => {
            "it uses a feature that FFmpeg does not support; convert the video to H.264 first"
        }
        Other { errno: EINVAL } => "FFmpeg does not accept its properties; convert the video to H.264 first",
        Other { errno: EPERM | EACCES } => "it is not permitted; check the permissions of the file and its folder",
        Other { errno: ENOMEM } => "there is not enough memory; close other programs, or convert to a smaller size",
        Other { errno: ENOSPC } => "the disk is full; free some space",
        Other { errno: EIO } => "the disk or the network failed; check it, and try again",
        other => return format!("FFmpeg reports: {other}"),
    };
    what.to_owned()
}

/// Why a file cannot be opened as media, as far as its content shows; `head` is its beginning.
pub(super) fn of_content(path: &Path, head: &[u8]) -> String {
    let known = match iso_boxes(path, head) {
        Ok(known) => known,
        Err(error) => return format!("it cannot be read: {error}"),
    };
    let known = known.or_else(|| archive(head)).or_else(|| plain(head));
    let what = known.unwrap_or(
        "it is not a video that this build of FFmpeg can read: the file is damaged or of an unknown kind; check \
         whether it plays elsewhere, and copy it again or convert it to MP4 (H.264)",
    );
    what.to_owned()
}

/// Kinds of files without sound or pictures, by their first bytes.
fn archive(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"7z\xbc\xaf\x27\x1c") || head.starts_with(b"Rar!\x1a") {
        return Some("it is an archive, not a video; unpack it and give the video in it");
    }
    if head.starts_with(b"\x1f\x8b") {
        return Some("it is compressed with gzip; unpack it and give the video in it");
    }
    head.starts_with(b"%PDF-")
        .then_some("it is a PDF document, not a video; give a video")
}

/// Text, and files without content.
fn plain(head: &[u8]) -> Option<&'static str> {
    if head.iter().all(|byte| *byte == 0) {
        return Some("it begins with zeros only, as an unfinished download does; copy the file again");
    }
    if !is_text(head) {
        return None;
    }
    let text = head.trim_ascii_start();
    let starts = |with: &[u8]| {
        text.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    if starts(b"<!doctype html") || starts(b"<html") {
        return Some("it is a web page, not a video; download the video itself");
    }
    Some("it is text, not a video; give a video")
}

/// Whether the beginning of a file is UTF-8 or UTF-16 text. The last character may be incomplete.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        let units = head[2..].as_chunks::<2>().0;
        return !units.is_empty() && units.iter().all(|unit| *unit != [0, 0]);
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || "\t\n\r\u{c}".contains(c))
}

/// Boxes that files of MP4 and QuickTime begin with.
const FIRST_BOXES: [&[u8; 4]; 11] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"styp", b"sidx", b"moof",
];

/// Boxes that are examined: a file has a few at its top level, a fragmented one a few a second.
const MOST_BOXES: usize = 100_000;

/// The fault of an MP4 or QuickTime file whose index is missing or damaged; `None` for other files.
fn iso_boxes(path: &Path, head: &[u8]) -> io::Result<Option<&'static str>> {
    let is_iso = head
        .get(4..8)
        .is_some_and(|name| FIRST_BOXES.iter().any(|known| *known == name));
    if !is_iso {
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let (mut at, mut has_fragments) = (0_u64, false);
    for _ in 0..MOST_BOXES {
        let Some((name, size)) = box_at(&mut file, at)? else {
            break;
        };
        let end = match size {
            0 => length, // up to the file's end
            size => at.saturating_add(size),
        };
        if &name == b"moov" {
            return Ok(Some(if end > length {
                "it is an MP4 or QuickTime file that is cut off within its index (the moov box): the copy is \
                 incomplete; copy the file again"
            } else {
                "it is an MP4 or QuickTime file whose index (the moov box) is damaged; copy the file again, or repair \
                 it with a tool for damaged MP4 files"
            }));
        }
        has_fragments |= &name == b"moof" || &name == b"styp";
        if end >= length || end <= at {
            break;
        }
        at = end;
    }
    Ok(Some(if has_fragments {
        "it is a segment of an MP4 stream without the part that describes it (the moov box); join it to the stream's \
         first segment"
    } else {
        "it is an MP4 or QuickTime file without its index (the moov box): the recording was cut off, or the copy is \
         incomplete; copy the file again, or repair it with a tool for damaged MP4 files"
    }))
}

/// Name and size of the box at a position; `None` at the end.
fn box_at(file: &mut File, at: u64) -> io::Result<Option<([u8; 4], u64)>> {
    file.seek(SeekFrom::Start(at))?;
    let mut header = Vec::with_capacity(16);
    file.take(16).read_to_end(&mut header)?;
    let (Some(size), Some(name)) = (
        header.first_chunk::<4>(),
        header.get(4..).and_then(<[u8]>::first_chunk::<4>),
    ) else {
        return Ok(None);
    };
    let size = match (
        u32::from_be_bytes(*size),
        header.get(8..).and_then(<[u8]>::first_chunk::<8>),
    ) {
        (1, Some(large)) => u64::from_be_bytes(*large),
        (size, _) => u64::from(size),
    };
    Ok(Some((*name, size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box with this many bytes of content.
    fn atom(name: &[u8; 4], content: usize) -> Vec<u8> {
        let size = (8 + content) as u32;
        [&size.to_be_bytes()[..], name, &vec![7; content]].concat()
    }

    fn of(content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        std::fs::write(&path, content).unwrap();
        of_content(&path, &content[..content.len().min(4096)])
    }

    #[test]
    fn a_file_is_described_by_its_content() {
        let start = atom(b"ftyp", 16);
        let join = |boxes: &[&[u8]]| boxes.concat();
        for (content, part) in [
            (
                join(&[&start, &atom(b"free", 0), &atom(b"mdat", 9000)]),
                "without its index (the moov box)",
            ),
            (
                join(&[&start, &atom(b"mdat", 9000)[..500]]),
                "the recording was cut off, or the copy is incomplete",
            ),
            (start[..12].to_vec(), "without its index"),
            (join(&[&start, &atom(b"moov", 900)[..100]]), "cut off within its index"),
            (join(&[&start, &atom(b"moov", 900)]), "index (the moov box) is damaged"),
            (
                join(&[&atom(b"styp", 8), &atom(b"moof", 80), &atom(b"mdat", 80)]),
                "a segment of an MP4 stream",
            ),
            // A 64-bit size, and one that reaches to the end.
            (
                b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x10\0\0\0\0moov".to_vec(),
                "index (the moov box) is damaged",
            ),
            (
                b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\0mdat12345".to_vec(),
                "without its index",
            ),
            (vec![0; 5000], "zeros only"),
            (b"Dear diary,\n\ttoday I danced.\n".repeat(400), "it is text"),
            ("é".repeat(3000).into_bytes(), "it is text"),
            (b"\xff\xfeH\0i\0".to_vec(), "it is text"),
            (b"\n<!DOCTYPE HTML>\n<p>404".to_vec(), "web page"),
            (b"PK\x03\x04\x14\0\0\0".to_vec(), "archive"),
            (b"%PDF-1.7\n\x80".to_vec(), "PDF"),
            (b"\x1f\x8b\x08\0".to_vec(), "gzip"),
            (
                b"\x80\x81\x82\x83".to_vec(),
                "not a video that this build of FFmpeg can read",
            ),
        ] {
            let reason = of(&content);
            assert!(reason.contains(part), "{part}: {reason}");
        }
    }

    #[test]
    fn no_text_of_ffmpeg_is_the_whole_reason() {
        use ffmpeg::Error;
        ffmpeg::init().unwrap();
        let posix = [EACCES, EINVAL, EIO, ENOMEM, ENOSPC, ENOSYS, EPERM].map(|errno| Error::Other { errno });
        let own = [
            Error::InvalidData,
            Error::Eof,
            Error::DecoderNotFound,
            Error::EncoderNotFound,
            Error::MuxerNotFound,
            Error::ProtocolNotFound,
            Error::StreamNotFound,
            Error::PatchWelcome,
            Error::Experimental,
        ];
        for error in own.into_iter().chain(posix) {
            let reason = reason(error);
            assert!(!reason.contains(&error.to_string()), "{reason}");
        }
        assert_eq!(reason(Error::Bug), format!("FFmpeg reports: {}", Error::Bug));
    }
}
