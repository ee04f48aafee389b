//! The file format of an entry: a description, the content, and a checksum over all of it.
//!
//! Magic and version, the key, the lengths of the two parts that follow; the description, as JSON;
//! the content; and the BLAKE3 hash of everything before it. Numbers are little-endian. In every
//! version, magic and version come first and the hash last.

use super::{Key, MediaId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;

const MAGIC: [u8; 8] = *b"KSCACHE\n";

/// Raised when entries of an older version can no longer be read.
const VERSION: u32 = 1;

/// Bytes before the description.
const HEAD: usize = MAGIC.len() + 4 + 32 + 4 + 8;

const HASH: usize = blake3::OUT_LEN;

/// Longest description and largest entry, bytes: a greater length means damage.
const LONGEST_ABOUT: usize = 1 << 16;
const LARGEST: u64 = 1 << 30;

/// The type of an entry's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Properties of a media file.
    Media,
    /// All people followed in a part of a media file.
    Poses,
    /// Rhythm, drums and lines.
    Composition,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Media, Self::Poses, Self::Composition];

    /// The kind's name, with which the names of its files begin.
    pub fn name(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Poses => "poses",
            Self::Composition => "composition",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The description of an entry, for users.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct About {
    /// The name, at the time, of the media file from which it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// The identity of that file's content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MediaId>,
    /// Start of the part of the media that it covers, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<f64>,
    /// End of that part, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<f64>,
}

impl About {
    /// The description of an entry made from a media file.
    pub fn of(media: &Path, id: &MediaId) -> Self {
        Self {
            media: Some(media.display().to_string()),
            id: Some(id.clone()),
            ..Self::default()
        }
    }
}

/// Why an entry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EntryFault {
    /// It cannot be read at all.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// Its content was changed after it was written.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// It is intact, but was written by another version of the program.
    #[error("version {0} of the format; this program reads version {VERSION}")]
    Version(u32),
    /// It is intact, but has another key.
    #[error("it is the entry of another key")]
    OtherKey,
}

/// Writes an entry.
pub(super) fn write(out: &mut impl Write, key: &Key, about: &About, bytes: &[u8]) -> io::Result<()> {
    let about = serde_json::to_vec(about)?;
    if about.len() > LONGEST_ABOUT || bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large for the cache"));
    }
    let head = [
        &MAGIC[..],
        &VERSION.to_le_bytes(),
        &key.0,
        &(about.len() as u32).to_le_bytes(),
        &(bytes.len() as u64).to_le_bytes(),
    ]
    .concat();
    let mut hasher = blake3::Hasher::new();
    for part in [&head[..], &about, bytes] {
        hasher.update(part);
        out.write_all(part)?;
    }
    out.write_all(hasher.finalize().as_bytes())
}

/// Reads an entry of `size` bytes and checks that it is intact and has this `key`.
pub(super) fn read(input: &mut impl Read, size: u64, key: &Key) -> Result<(About, Vec<u8>), EntryFault> {
    let (head, mut content) = whole(input, size)?;
    if *key != head.key {
        return Err(EntryFault::OtherKey);
    }
    let from = HEAD + head.about;
    let about = serde_json::from_slice(&content[HEAD..from])
        .map_err(|_| EntryFault::Damaged("its description cannot be read"))?;
    content.drain(..from);
    Ok((about, content))
}

/// Reads an entry of `size` bytes, checks that it is intact, and returns its key.
pub(super) fn key_of(input: &mut impl Read, size: u64) -> Result<Key, EntryFault> {
    whole(input, size).map(|(head, _)| head.key)
}

/// Everything except the hash, which has been checked.
fn whole(input: &mut impl Read, size: u64) -> Result<(Head, Vec<u8>), EntryFault> {
    if size < (HEAD + HASH) as u64 || size > LARGEST + (HEAD + LONGEST_ABOUT + HASH) as u64 {
        return Err(EntryFault::Damaged("its length is impossible"));
    }
    let mut all = Vec::with_capacity(size as usize);
    input.take(size).read_to_end(&mut all).map_err(EntryFault::Unreadable)?;
    if all.len() as u64 != size {
        return Err(EntryFault::Damaged("it is truncated"));
    }
    let hash = all.split_off(all.len() - HASH);
    if blake3::hash(&all).as_bytes()[..] != hash[..] {
        return Err(EntryFault::Damaged("its checksum is wrong"));
    }
    let head = Head::read(&all)?;
    if all.len() as u64 != HEAD as u64 + head.about as u64 + head.bytes {
        return Err(EntryFault::Damaged("its parts do not have the lengths in its header"));
    }
    Ok((head, all))
}

/// Reads the description of an entry, without checking the content.
pub(super) fn about(input: &mut impl Read) -> Result<About, EntryFault> {
    let mut head = [0; HEAD];
    let cut_short = |e: io::Error| match e.kind() {
        io::ErrorKind::UnexpectedEof => EntryFault::Damaged("it is truncated"),
        _ => EntryFault::Unreadable(e),
    };
    input.read_exact(&mut head).map_err(cut_short)?;
    let head = Head::read(&head)?;
    let mut text = vec![0; head.about];
    input.read_exact(&mut text).map_err(cut_short)?;
    serde_json::from_slice(&text).map_err(|_| EntryFault::Damaged("its description cannot be read"))
}

struct Head {
    key: Key,
    about: usize,
    bytes: u64,
}

impl Head {
    fn read(mut from: &[u8]) -> Result<Self, EntryFault> {
        let damaged = || EntryFault::Damaged("it does not begin like an entry");
        let magic: [u8; 8] = take(&mut from).ok_or_else(damaged)?;
        let version = u32::from_le_bytes(take(&mut from).ok_or_else(damaged)?);
        if magic != MAGIC {
            return Err(damaged());
        }
        if version != VERSION {
            return Err(EntryFault::Version(version));
        }
        let key = Key(take(&mut from).ok_or_else(damaged)?);
        let about = u32::from_le_bytes(take(&mut from).ok_or_else(damaged)?) as usize;
        let bytes = u64::from_le_bytes(take(&mut from).ok_or_else(damaged)?);
        if about > LONGEST_ABOUT || bytes > LARGEST {
            return Err(EntryFault::Damaged("its parts are impossibly long"));
        }
        Ok(Self { key, about, bytes })
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> (Key, Vec<u8>) {
        let key = Key::of("a");
        let about = About {
            media: Some("dance.mp4".to_owned()),
            start: Some(0.1),
            ..About::default()
        };
        let mut bytes = Vec::new();
        write(&mut bytes, &key, &about, b"what it holds").unwrap();
        (key, bytes)
    }

    fn read_back(bytes: &[u8], key: &Key) -> Result<(About, Vec<u8>), EntryFault> {
        read(&mut &bytes[..], bytes.len() as u64, key)
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        let (key, bytes) = written();
        let (reported, held) = read_back(&bytes, &key).unwrap();
        assert_eq!(held, b"what it holds");
        assert_eq!(
            (reported.media.as_deref(), reported.start),
            (Some("dance.mp4"), Some(0.1))
        );
        assert_eq!(about(&mut &bytes[..]).unwrap(), reported);
        let mut empty = Vec::new();
        write(&mut empty, &key, &About::default(), b"").unwrap();
        assert_eq!(read_back(&empty, &key).unwrap(), (About::default(), Vec::new()));
    }

    #[test]
    fn every_bit_and_every_length_counts() {
        let (key, bytes) = written();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                assert!(
                    matches!(read_back(&bytes, &key), Err(EntryFault::Damaged(_))),
                    "byte {at}, bit {bit}"
                );
                let _ = about(&mut &bytes[..]); // any result is fine; it must not panic
            }
            assert!(
                matches!(read_back(&bytes[..at], &key), Err(EntryFault::Damaged(_))),
                "{at} bytes"
            );
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(read_back(&longer, &key), Err(EntryFault::Damaged(_))));
        assert!(matches!(read_back(&bytes, &Key::of("b")), Err(EntryFault::OtherKey)));
    }

    #[test]
    fn an_entry_of_another_version_is_not_taken_for_damage() {
        let (key, mut bytes) = written();
        bytes[8] = 7;
        let end = bytes.len() - HASH;
        let hash = blake3::hash(&bytes[..end]);
        bytes[end..].copy_from_slice(hash.as_bytes());
        assert!(matches!(read_back(&bytes, &key), Err(EntryFault::Version(7))));
        assert!(matches!(about(&mut &bytes[..]), Err(EntryFault::Version(7))));
    }
}
