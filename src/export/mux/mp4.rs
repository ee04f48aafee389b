//! Final changes to an MP4 or QuickTime file (ISO/IEC 14496-12) that FFmpeg has written.
//!
//! FFmpeg 5.1 loses the display matrix and the pixel aspect ratio of copied streams, cannot hide
//! pictures after the end of a cut, and can move `moov` to the front only in files that it has
//! opened by name. All of these are small changes to boxes.

use crate::error::Result;
use crate::progress::Monitor;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

/// Number of bytes moved at a time.
const CHUNK: u64 = 1 << 20;

/// Largest `moov` that is read, bytes: a day of video at 60 frames a second has some 100 MB. It is
/// held in memory, and the size in the file is not trusted.
const LARGEST_INDEX: u64 = 256 << 20;

/// Changes to the video track.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    /// Display matrix: nine big-endian numbers as in `tkhd`.
    pub matrix: Option<[u8; 36]>,
    /// Width and height of a pixel, as in `pasp`.
    pub aspect: Option<[u8; 8]>,
    /// Maximum length of the picture, seconds.
    pub shown: Option<f64>,
}

/// A failure of [`finish`].
pub(super) enum Failure {
    /// Reading or writing failed.
    Io(io::Error),
    /// Cancelled.
    Job(crate::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::Job(error)
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the boxes of the file are inconsistent")
}

/// A box: its type and the range of its payload.
#[derive(Debug, Clone)]
struct BoxAt {
    kind: [u8; 4],
    payload: Range<usize>,
}

fn number<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    number(data, at).map(u32::from_be_bytes)
}

fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    number(data, at).map(u64::from_be_bytes)
}

fn put(data: &mut [u8], at: usize, bytes: &[u8]) -> Option<()> {
    data.get_mut(at..at.checked_add(bytes.len())?)?.copy_from_slice(bytes);
    Some(())
}

/// The boxes directly within a range; stops at the first that does not fit.
fn children(data: &[u8], within: Range<usize>) -> Vec<BoxAt> {
    let mut found = Vec::new();
    let mut at = within.start;
    while let (Some(size), Some(kind)) = (u32_at(data, at), number::<4>(data, at + 4)) {
        let (header, size) = match size {
            0 => (8, within.end.saturating_sub(at)),
            1 => match u64_at(data, at + 8).and_then(|s| usize::try_from(s).ok()) {
                Some(size) => (16, size),
                None => break,
            },
            size => (8, size as usize),
        };
        let Some(end) = at.checked_add(size).filter(|end| size >= header && *end <= within.end) else {
            break;
        };
        found.push(BoxAt {
            kind,
            payload: at + header..end,
        });
        at = end;
    }
    found
}

/// The first box at the end of a path of types.
fn descend(data: &[u8], from: &Range<usize>, path: &[&[u8; 4]]) -> Option<Range<usize>> {
    path.iter().try_fold(from.clone(), |range, kind| {
        children(data, range)
            .into_iter()
            .find(|b| b.kind == **kind)
            .map(|b| b.payload)
    })
}

/// The boxes at the top of a file: type, offset, size.
fn top_boxes(file: &mut File) -> io::Result<Vec<([u8; 4], u64, u64)>> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut tops = Vec::new();
    let mut at = 0;
    while at + 8 <= length {
        let mut header = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        let most = (length - at).min(16) as usize;
        file.read_exact(header.get_mut(..most).ok_or_else(damaged)?)?;
        let kind = number(&header, 4).ok_or_else(damaged)?;
        let size = match u32_at(&header, 0) {
            Some(0) => length - at,
            Some(1) => u64_at(&header, 8).ok_or_else(damaged)?,
            Some(size) => u64::from(size),
            None => break,
        };
        if size < 8 || size > length - at {
            return Err(damaged());
        }
        tops.push((kind, at, size));
        at += size;
    }
    Ok(tops)
}

fn find(tops: &[([u8; 4], u64, u64)], kind: &[u8; 4]) -> Option<(u64, u64)> {
    tops.iter().find(|(k, _, _)| k == kind).map(|&(_, at, size)| (at, size))
}

fn read_moov(file: &mut File, tops: &[([u8; 4], u64, u64)]) -> io::Result<Vec<u8>> {
    let (at, size) = find(tops, b"moov").ok_or_else(damaged)?;
    if size > LARGEST_INDEX {
        return Err(damaged());
    }
    let mut moov = vec![0; usize::try_from(size).map_err(|_| damaged())?];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut moov)?;
    Ok(moov)
}

/// Pixel aspect ratio of the first video track, width and height, if the file consists of boxes and
/// has it.
///
/// The FFmpeg wrapper provides only the ratio in the codec's own headers.
pub(super) fn pixel_aspect(file: &mut File) -> Option<[u8; 8]> {
    let tops = top_boxes(file).ok()?;
    let moov = read_moov(file, &tops).ok()?;
    let entry = sample_entry(&moov, &video_track(&moov)?)?;
    number(&moov, pasp(&moov, &entry)?.start)
}

/// Changes the video track and moves `moov` to the front, so that players can start before they
/// have loaded the whole file.
pub(super) fn finish(file: &mut File, changes: &Changes, monitor: &Monitor<'_>) -> Result<(), Failure> {
    let tops = top_boxes(file)?;
    let (at, old_size) = find(&tops, b"moov").ok_or_else(damaged)?;
    let mut moov = read_moov(file, &tops)?;
    change(&mut moov, changes).ok_or_else(damaged)?;

    // A box can only grow if it is at the end of the file.
    if let Some(aspect) = changes
        .aspect
        .filter(|_| tops.last().is_some_and(|top| &top.0 == b"moov"))
    {
        set_aspect(&mut moov, aspect).ok_or_else(damaged)?;
    }
    let size = moov.len() as u64;
    debug_assert!(size >= old_size);

    let front = find(&tops, b"ftyp").map_or(0, |(at, size)| at + size);
    let behind = front <= at && find(&tops, b"mdat").is_some_and(|(mdat, _)| mdat < at);
    let moved = behind && shift_chunks(&mut moov, front, size).is_some();
    if moved {
        push_back(file, front..at, size, monitor)?;
    }
    file.seek(SeekFrom::Start(if moved { front } else { at }))?;
    file.write_all(&moov)?;
    file.flush()?;
    if behind && !moved {
        log::warn!(
            "the index stays at the end of the file: if it were moved to the front, chunk offsets would overflow"
        );
    }
    Ok(())
}

/// Moves the bytes of `range` by `by` toward the end of the file.
fn push_back(file: &mut File, range: Range<u64>, by: u64, monitor: &Monitor<'_>) -> Result<(), Failure> {
    let mut buffer = vec![0; CHUNK as usize];
    let mut end = range.end;
    while end > range.start {
        monitor.check()?;
        let start = end.saturating_sub(CHUNK).max(range.start);
        let part = buffer.get_mut(..(end - start) as usize).ok_or_else(damaged)?;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        file.seek(SeekFrom::Start(start + by))?;
        file.write_all(part)?;
        end = start;
    }
    Ok(())
}

/// Adds `by` to all chunk offsets of at least `front`. Returns `None`, with nothing changed, if one
/// would overflow its field.
fn shift_chunks(moov: &mut [u8], front: u64, by: u64) -> Option<()> {
    let mut shifted = moov.to_vec();
    let inside = children(moov, 0..moov.len()).first()?.payload.clone();
    for track in children(moov, inside).iter().filter(|b| &b.kind == b"trak") {
        let table = descend(moov, &track.payload, &[b"mdia", b"minf", b"stbl"])?;
        for offsets in children(moov, table) {
            let wide = match &offsets.kind {
                b"stco" => false,
                b"co64" => true,
                _ => continue,
            };
            let count = u32_at(moov, offsets.payload.start + 4)? as usize;
            for index in 0..count {
                if wide {
                    let at = offsets.payload.start + 8 + 8 * index;
                    let old = u64_at(moov, at)?;
                    let new = old.checked_add(if old >= front { by } else { 0 })?;
                    put(&mut shifted, at, &new.to_be_bytes())?;
                } else {
                    let at = offsets.payload.start + 8 + 4 * index;
                    let old = u32_at(moov, at)?;
                    let new = u64::from(old) + if u64::from(old) >= front { by } else { 0 };
                    put(&mut shifted, at, &u32::try_from(new).ok()?.to_be_bytes())?;
                }
            }
        }
    }
    moov.copy_from_slice(&shifted);
    Some(())
}

fn tracks(moov: &[u8]) -> Vec<Range<usize>> {
    let inside = children(moov, 0..moov.len())
        .first()
        .map_or(0..0, |whole| whole.payload.clone());
    let tracks = children(moov, inside).into_iter().filter(|b| &b.kind == b"trak");
    tracks.map(|b| b.payload).collect()
}

/// The first track whose handler is `vide`.
fn video_track(moov: &[u8]) -> Option<Range<usize>> {
    tracks(moov).into_iter().find(|track| {
        descend(moov, track, &[b"mdia", b"hdlr"]).and_then(|hdlr| number(moov, hdlr.start + 8)) == Some(*b"vide")
    })
}

/// The first sample entry of a track.
fn sample_entry(moov: &[u8], track: &Range<usize>) -> Option<Range<usize>> {
    let stsd = descend(moov, track, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
    children(moov, stsd.start + 8..stsd.end)
        .first()
        .map(|b| b.payload.clone())
}

/// Size of a video's sample entry before its boxes, bytes.
const VISUAL_ENTRY: usize = 78;

fn pasp(moov: &[u8], entry: &Range<usize>) -> Option<Range<usize>> {
    descend(moov, &(entry.start + VISUAL_ENTRY..entry.end), &[b"pasp"]).filter(|b| b.len() >= 8)
}

/// Sets the width and height of a pixel of the video track, and the width at which the track is
/// shown.
fn set_aspect(moov: &mut Vec<u8>, aspect: [u8; 8]) -> Option<()> {
    let track = video_track(moov)?;
    let entry = sample_entry(moov, &track)?;
    let (wide, high) = (u32_at(&aspect, 0)?, u32_at(&aspect, 4)?);
    if wide == 0 || high == 0 {
        return Some(());
    }
    let tkhd = descend(moov, &track, &[b"tkhd"])?;
    let width = u64::from(u16::from_be_bytes(number(moov, entry.start + 24)?));
    let shown = (width << 16) * u64::from(wide) / u64::from(high);
    let matrix = tkhd.start + if moov.get(tkhd.start) == Some(&1) { 52 } else { 40 };
    put(moov, matrix + 36, &u32::try_from(shown).ok()?.to_be_bytes())?;
    if let Some(there) = pasp(moov, &entry) {
        return put(moov, there.start, &aspect);
    }
    // The new box is added at the end of the sample entry, and all enclosing boxes grow.
    let mut within = 0..moov.len();
    let mut path = Vec::new();
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"] {
        let boxes = children(moov, within.clone());
        let around = boxes
            .iter()
            .find(|b| &b.kind == kind && b.payload.contains(&entry.start))?;
        path.push(around.payload.start);
        within = around.payload.clone();
    }
    path.push(entry.start);
    for payload in path {
        let at = payload.checked_sub(8)?;
        let size = u32_at(moov, at)?;
        // FFmpeg does not write 64-bit or open-ended sizes here.
        let grown = size.checked_add(16).filter(|_| size > 1)?;
        put(moov, at, &grown.to_be_bytes())?;
    }
    let mut new = 16u32.to_be_bytes().to_vec();
    new.extend_from_slice(b"pasp");
    new.extend_from_slice(&aspect);
    moov.splice(entry.end..entry.end, new);
    Some(())
}

/// Changes the first track whose handler is `vide`.
fn change(moov: &mut [u8], changes: &Changes) -> Option<()> {
    let inside = children(moov, 0..moov.len()).first()?.payload.clone();
    let tracks = tracks(moov);
    let video = &video_track(moov)?;
    let tkhd = descend(moov, video, &[b"tkhd"])?;
    if let Some(matrix) = changes.matrix {
        let at = if moov.get(tkhd.start) == Some(&1) { 52 } else { 40 };
        put(moov, tkhd.start + at, &matrix)?;
    }
    if let Some(shown) = changes.shown {
        let mvhd = descend(moov, &inside, &[b"mvhd"])?;
        let wide = moov.get(mvhd.start) == Some(&1);
        let timescale = u32_at(moov, mvhd.start + if wide { 20 } else { 12 })?;
        let most = (shown * f64::from(timescale)).round() as u64;
        let total = match descend(moov, video, &[b"edts", b"elst"]) {
            Some(elst) => shorten_edits(moov, &elst, most)?,
            None => u64::MAX,
        };
        limit(moov, tkhd.start, [20, 28], total)?;
        // The movie is as long as its longest track.
        let longest = tracks
            .iter()
            .filter_map(|track| duration(moov, descend(moov, track, &[b"tkhd"])?.start, [20, 28]))
            .max()?;
        limit(moov, mvhd.start, [16, 24], longest)?;
    }
    Some(())
}

/// Shortens the edits of a list to `most` units in total; returns the remaining units.
fn shorten_edits(moov: &mut [u8], elst: &Range<usize>, most: u64) -> Option<u64> {
    let wide = moov.get(elst.start) == Some(&1);
    let count = u32_at(moov, elst.start + 4)? as usize;
    let mut total = 0;
    for index in 0..count {
        let at = elst.start + 8 + index * if wide { 20 } else { 12 };
        let length = if wide {
            u64_at(moov, at)?
        } else {
            u64::from(u32_at(moov, at)?)
        };
        let kept = length.min(most - total);
        if wide {
            put(moov, at, &kept.to_be_bytes())?;
        } else {
            put(moov, at, &(kept as u32).to_be_bytes())?;
        }
        total += kept;
    }
    Some(total)
}

/// The duration in a header box, whose position depends on the box's version.
fn duration(moov: &[u8], start: usize, at: [usize; 2]) -> Option<u64> {
    if moov.get(start) == Some(&1) {
        u64_at(moov, start + at[1])
    } else {
        u32_at(moov, start + at[0]).map(u64::from)
    }
}

fn limit(moov: &mut [u8], start: usize, at: [usize; 2], most: u64) -> Option<()> {
    let kept = duration(moov, start, at)?.min(most);
    if moov.get(start) == Some(&1) {
        put(moov, start + at[1], &kept.to_be_bytes())
    } else {
        put(moov, start + at[0], &(kept as u32).to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let mut whole = ((payload.len() + 8) as u32).to_be_bytes().to_vec();
        whole.extend_from_slice(kind);
        whole.extend_from_slice(payload);
        whole
    }

    /// A file of one video track with one chunk of `data`, `moov` at the end.
    fn sample(data: &[u8], offset: u32) -> Vec<u8> {
        let mut stco = vec![0, 0, 0, 0, 0, 0, 0, 1];
        stco.extend_from_slice(&offset.to_be_bytes());
        let mut entry = vec![0; VISUAL_ENTRY];
        entry[24..26].copy_from_slice(&100u16.to_be_bytes());
        let entry = boxed(b"avc1", &[entry, boxed(b"avcC", &[1, 2, 3])].concat());
        let stsd = boxed(b"stsd", &[vec![0, 0, 0, 0, 0, 0, 0, 1], entry].concat());
        let stbl = boxed(b"stbl", &[stsd, boxed(b"stco", &stco)].concat());
        let hdlr = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0vide............");
        let mdia = boxed(b"mdia", &[hdlr, boxed(b"minf", &stbl)].concat());
        let mut tkhd = vec![0; 84];
        tkhd[20..24].copy_from_slice(&5000u32.to_be_bytes());
        let mut elst = vec![0, 0, 0, 0, 0, 0, 0, 1];
        elst.extend_from_slice(&5000u32.to_be_bytes());
        elst.extend_from_slice(&[0; 8]);
        let edts = boxed(b"edts", &boxed(b"elst", &elst));
        let trak = boxed(b"trak", &[boxed(b"tkhd", &tkhd), edts, mdia].concat());
        let mut mvhd = vec![0; 100];
        mvhd[12..16].copy_from_slice(&1000u32.to_be_bytes());
        mvhd[16..20].copy_from_slice(&5000u32.to_be_bytes());
        let moov = boxed(b"moov", &[boxed(b"mvhd", &mvhd), trak].concat());
        [boxed(b"ftyp", b"isom\0\0\0\0"), boxed(b"mdat", data), moov].concat()
    }

    fn finished(bytes: &[u8], changes: &Changes) -> Option<Vec<u8>> {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(bytes).expect("write");
        finish(&mut file, changes, &Monitor::none()).ok()?;
        let mut out = Vec::new();
        file.seek(SeekFrom::Start(0)).expect("seek");
        file.read_to_end(&mut out).expect("read");
        Some(out)
    }

    #[test]
    fn moov_moves_to_the_front_with_its_offsets_and_the_track_is_changed() {
        let data: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        let file = sample(&data, 24);
        let matrix: [u8; 36] = std::array::from_fn(|n| n as u8);
        let out = finished(
            &file,
            &Changes {
                matrix: Some(matrix),
                aspect: Some([0, 0, 0, 3, 0, 0, 0, 2]),
                shown: Some(3.25),
            },
        )
        .expect("finished");
        assert_eq!(out.len(), file.len() + 16, "a box for the aspect ratio");
        let tops = children(&out, 0..out.len());
        let kinds: Vec<&[u8; 4]> = tops.iter().map(|b| &b.kind).collect();
        assert_eq!(kinds, [b"ftyp", b"moov", b"mdat"]);
        let moov = tops[1].payload.clone();
        let trak = descend(&out, &moov, &[b"trak"]).expect("trak");
        let stbl = descend(&out, &trak, &[b"mdia", b"minf", b"stbl"]).expect("stbl");
        let stco = descend(&out, &stbl, &[b"stco"]).expect("stco");
        let offset = u32_at(&out, stco.start + 8).expect("offset") as usize;
        assert_eq!(
            &out[offset..offset + data.len()],
            &data[..],
            "the offset still finds the data"
        );
        let tkhd = descend(&out, &trak, &[b"tkhd"]).expect("tkhd");
        assert_eq!(&out[tkhd.start + 40..tkhd.start + 76], &matrix);
        assert_eq!(u32_at(&out, tkhd.start + 20), Some(3250));
        let elst = descend(&out, &trak, &[b"edts", b"elst"]).expect("elst");
        assert_eq!(u32_at(&out, elst.start + 8), Some(3250));
        let mvhd = descend(&out, &moov, &[b"mvhd"]).expect("mvhd");
        assert_eq!(u32_at(&out, mvhd.start + 16), Some(3250));
        let stsd = descend(&out, &stbl, &[b"stsd"]).expect("stsd");
        let entry = children(&out, stsd.start + 8..stsd.end)[0].payload.clone();
        let kinds: Vec<[u8; 4]> = children(&out, entry.start + VISUAL_ENTRY..entry.end)
            .iter()
            .map(|b| b.kind)
            .collect();
        assert_eq!(kinds, [*b"avcC", *b"pasp"]);
        let pasp = pasp(&out, &entry).expect("pasp");
        assert_eq!(out[pasp], [0, 0, 0, 3, 0, 0, 0, 2]);
        assert_eq!(
            u32_at(&out, tkhd.start + 76),
            Some(150 << 16),
            "shown half as wide again"
        );
    }

    #[test]
    fn offsets_that_would_not_fit_leave_moov_at_the_end() {
        let out = finished(&sample(&[1, 2, 3], u32::MAX - 10), &Changes::default()).expect("finished");
        let kinds: Vec<[u8; 4]> = children(&out, 0..out.len()).iter().map(|b| b.kind).collect();
        assert_eq!(kinds, [*b"ftyp", *b"mdat", *b"moov"]);
        assert_eq!(out, sample(&[1, 2, 3], u32::MAX - 10));
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let file = sample(&[7; 40], 24);
        assert!(finished(b"not boxes at all", &Changes::default()).is_none());
        let changes = Changes {
            matrix: Some([0; 36]),
            aspect: Some([0, 0, 0, 3, 0, 0, 0, 2]),
            shown: Some(1.0),
        };
        for at in 0..file.len() {
            let _ = finished(&file[..at], &changes);
            for value in [0, 0xff] {
                let mut broken = file.clone();
                broken[at] = value;
                let _ = finished(&broken, &changes);
            }
        }
    }
}
