//! Detects whether a media file has changed.

use crate::error::{Error, Result};
use crate::regular;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Files up to this size, bytes, are read completely: a larger one would take more than the few
/// milliseconds that a host can wait at every edit.
const SMALL: u64 = 8 << 20;

/// Of larger ones, this many blocks of this many bytes are read, evenly spaced, including the first
/// and the last bytes.
const BLOCKS: u64 = 64;
const BLOCK: u64 = 64 << 10;

/// A file that was changed less than this before it was read could be changed again without a new
/// change time, so the result is not remembered.
const SETTLED: Duration = Duration::from_secs(2);

/// Number of files that are remembered; more are hardly in use at the same time.
const MOST_REMEMBERED: usize = 10_000;

/// The content of a media file: equal for equal files. For files over 8 MiB: size, change time, and
/// a part of the content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaId(String);

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identities of files, remembered as long as the files do not change.
#[derive(Debug, Default)]
pub struct Identities(Mutex<HashMap<PathBuf, (Stamp, MediaId)>>);

/// The system's metadata of a file: equal as long as nobody has written to it or replaced it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Device, inode, and the inode change time, which users cannot set back.
    place: [i64; 4],
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let place = {
            use std::os::unix::fs::MetadataExt;
            [
                metadata.dev() as i64,
                metadata.ino() as i64,
                metadata.ctime(),
                metadata.ctime_nsec(),
            ]
        };
        #[cfg(not(unix))]
        let place = [0; 4];
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            place,
        }
    }

    /// Whether the last change is long enough ago. A time in the future is not.
    fn is_settled(&self, now: SystemTime) -> bool {
        let long_ago = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age >= SETTLED);
        let changed = Duration::from_secs(u64::try_from(self.place[2]).unwrap_or(0));
        self.modified.is_some_and(long_ago)
            && (cfg!(not(unix)) || SystemTime::UNIX_EPOCH.checked_add(changed).is_some_and(long_ago))
    }
}

impl Identities {
    /// The identity of a regular file. Reads up to 8 MiB, or nothing if the file is known and has
    /// not changed.
    ///
    /// # Errors
    /// [`Error::Input`] when the file cannot be read or is not a regular file.
    pub fn of(&self, path: &Path) -> Result<MediaId> {
        self.find(path).map_err(Error::input(path))
    }

    fn find(&self, path: &Path) -> io::Result<MediaId> {
        // Checked before opening: opening a pipe would block until there is a writer.
        let metadata = std::fs::metadata(path)?;
        if let Some(reason) = regular::why_not(&metadata) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let stamp = Stamp::of(&metadata);
        if let Some((known, id)) = self.lock().get(path)
            && *known == stamp
        {
            return Ok(id.clone());
        }
        let mut file = File::open(path)?;
        let before = Stamp::of(&file.metadata()?);
        let now = SystemTime::now();
        let id = identify(&mut file, &before)?;
        let mut known = self.lock();
        // The content of a file that was written to while it was read is not reliable.
        if before.is_settled(now) && Stamp::of(&file.metadata()?) == before {
            if known.len() >= MOST_REMEMBERED {
                known.clear();
            }
            known.insert(path.to_owned(), (before, id.clone()));
        } else {
            known.remove(path);
        }
        Ok(id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, (Stamp, MediaId)>> {
        // A panic elsewhere leaves the map valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn identify(file: &mut File, stamp: &Stamp) -> io::Result<MediaId> {
    let mut hasher = blake3::Hasher::new();
    if stamp.size <= SMALL {
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => hasher.update(&buffer[..count]),
            };
        }
        return Ok(MediaId(hasher.finalize().to_string()));
    }
    let modified = stamp
        .modified
        .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
        .unwrap_or_default();
    hasher.update(b"blocks of a large file");
    hasher.update(&stamp.size.to_le_bytes());
    hasher.update(&modified.as_nanos().to_le_bytes());
    let mut block = vec![0; BLOCK as usize];
    for index in 0..BLOCKS {
        // In 128 bits, since sizes may be arbitrary.
        let offset = u128::from(stamp.size - BLOCK) * u128::from(index) / u128::from(BLOCKS - 1);
        file.seek(SeekFrom::Start(offset as u64))?;
        file.read_exact(&mut block)?;
        hasher.update(&block);
    }
    Ok(MediaId(hasher.finalize().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    fn set_modified(path: &Path, at: SystemTime) {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(at).unwrap();
    }

    #[test]
    fn equal_content_is_one_media_whatever_its_name_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.mp4"), folder.path().join("b.mp4"));
        fs::write(&a, b"dance").unwrap();
        fs::write(&b, b"dance").unwrap();
        set_modified(&b, SystemTime::UNIX_EPOCH);
        let known = Identities::default();
        assert_eq!(known.of(&a).unwrap(), known.of(&b).unwrap());
        fs::write(&b, b"danse").unwrap();
        assert_ne!(known.of(&a).unwrap(), known.of(&b).unwrap());
    }

    #[test]
    fn a_file_that_was_replaced_under_its_name_is_another_even_with_the_same_size_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.mp4"), folder.path().join("b.mp4"));
        let known = Identities::default();
        // A time in the future, as after a clock was set back.
        for time in [
            SystemTime::UNIX_EPOCH + Duration::from_secs(1),
            SystemTime::now() + Duration::from_secs(1_000_000),
        ] {
            fs::write(&path, b"dance").unwrap();
            set_modified(&path, time);
            let before = known.of(&path).unwrap();
            assert_eq!(known.of(&path).unwrap(), before);
            // Changed in place, immediately.
            let mut file = File::options().write(true).open(&path).unwrap();
            file.write_all(b"x").unwrap();
            file.set_modified(time).unwrap();
            let written = known.of(&path).unwrap();
            assert_ne!(written, before);
            // Replaced by another file.
            fs::write(&other, b"dance").unwrap();
            set_modified(&other, time);
            fs::rename(&other, &path).unwrap();
            assert_eq!(known.of(&path).unwrap(), before);
        }
    }

    #[test]
    fn a_large_file_is_known_by_size_time_and_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.mp4");
        let file = File::create(&path).unwrap();
        file.set_len(SMALL + 12_345).unwrap();
        let times = [1000, 2000].map(|s| SystemTime::UNIX_EPOCH + Duration::from_secs(s));
        let known = Identities::default();
        let id = |at: SystemTime| {
            set_modified(&path, at);
            known.of(&path).unwrap()
        };
        let first = id(times[0]);
        assert_eq!(id(times[0]), first);
        assert_ne!(id(times[1]), first);
        file.set_len(SMALL + 12_346).unwrap();
        assert_ne!(id(times[0]), first);
        file.set_len(SMALL + 12_345).unwrap();
        assert_eq!(id(times[0]), first);
        // The last byte is in a block.
        let mut file = File::options().write(true).open(&path).unwrap();
        file.seek(SeekFrom::End(-1)).unwrap();
        file.write_all(b"x").unwrap();
        assert_ne!(id(times[0]), first);
    }

    #[test]
    fn only_settled_files_are_remembered() {
        let now = SystemTime::now();
        let seconds = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
        let stamp = |modified: SystemTime, changed: SystemTime| Stamp {
            size: 1,
            modified: Some(modified),
            place: [0, 0, seconds(changed), 0],
        };
        let (old, later) = (now - Duration::from_secs(10), now + Duration::from_secs(10));
        assert!(stamp(old, old).is_settled(now));
        for (modified, changed) in [(now, old), (old, now), (later, old), (old, later)] {
            assert!(!stamp(modified, changed).is_settled(now));
        }
    }

    #[test]
    fn paths_that_are_not_files_have_no_identity() {
        let folder = tempfile::tempdir().unwrap();
        let known = Identities::default();
        for path in [folder.path().to_owned(), folder.path().join("none.mp4")] {
            let error = known.of(&path).unwrap_err();
            assert!(matches!(&error, Error::Input { path: p, .. } if *p == path), "{error}");
        }
    }
}
