//! The folder of the entries: reading, writing, the order of use, and cleaning up.
//!
//! A writer holds a shared lock on the folder's lock file as long as its temporary file exists; the
//! system releases the lock when the process ends, in whatever way. A process that gets an
//! exclusive lock therefore knows that no temporary file is being written.

use super::entry::{self, About, EntryFault, Kind};
use super::{Cache, Key, MediaId};
use crate::error::{Error, Result};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// Suffix of entries' names, and prefix of temporary files' names.
const ENDING: &str = ".kscache";
const TEMPORARY: &str = ".tmp-";

const LOCK: &str = ".lock";

/// Marks the folder for backup programs as one whose content can be recreated
/// (bford.info/cachedir).
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of kinescore.\n";

/// Number of attempts to get a lock, and the wait between them: cleaning up takes less.
const TRIES: u32 = 50;
const WAIT: Duration = Duration::from_millis(10);

/// Minimum step from one time of use to the next.
const STEP: Duration = Duration::from_micros(1);

/// An entry of the folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The kind of its content.
    pub kind: Kind,
    /// Its file.
    pub path: PathBuf,
    /// Size of the file, bytes.
    pub size: u64,
    /// Time of last use.
    pub used: SystemTime,
    /// Its description.
    pub about: State,
}

/// The description of an entry, or why it cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The description. The content was not checked.
    Readable(About),
    /// Why the entry cannot be used.
    Unusable(String),
}

/// Totals of what was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleared {
    /// Entries.
    pub entries: usize,
    /// Bytes.
    pub bytes: u64,
}

/// The result of a check of all entries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verified {
    /// Number of intact entries.
    pub whole: usize,
    /// Damaged entries, which were removed, and their faults.
    pub damaged: Vec<(PathBuf, String)>,
    /// Entries that could not be checked and were kept: unreadable, or from another version of the
    /// program.
    pub unknown: Vec<(PathBuf, String)>,
}

/// An entry's file.
struct EntryFile {
    kind: Kind,
    path: PathBuf,
    size: u64,
    used: SystemTime,
}

impl Cache {
    pub(super) fn path(&self, kind: Kind, key: &Key) -> PathBuf {
        self.folder.join(format!("{}-{key}{ENDING}", kind.name()))
    }

    /// Reads an entry and marks it as used; `None` if there is no such entry.
    pub(super) fn read(&self, path: &Path, kind: Kind, key: &Key) -> Result<Option<Vec<u8>>, EntryFault> {
        // Checked before opening: opening a pipe would block until there is a writer.
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err(EntryFault::Damaged("it is not a regular file")),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(EntryFault::Unreadable(e)),
        }
        let mut file = match File::open(path) {
            Ok(file) => file,
            // Another process has just removed it.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(EntryFault::Unreadable(e)),
        };
        let size = file.metadata().map_err(EntryFault::Unreadable)?.len();
        let (_, bytes) = entry::read(&mut file, size, key)?;
        if let Err(e) = file.set_modified(self.now()) {
            log::debug!(
                "{}: the time of use of a {kind} entry cannot be set: {e}",
                path.display()
            );
        }
        Ok(Some(bytes))
    }

    /// Writes an entry; returns its path.
    pub(super) fn write(&self, kind: Kind, key: &Key, about: &About, bytes: &[u8]) -> io::Result<PathBuf> {
        self.make_folder()?;
        let lock = self.open_lock()?;
        hold(|| lock.try_lock_shared())?;
        let path = self.path(kind, key);
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .suffix(ENDING)
            .tempfile_in(&self.folder)?;
        entry::write(file.as_file_mut(), key, about, bytes)?;
        file.as_file().set_modified(self.now())?;
        // Some file systems report only here that the disk is full; and without it, a crash could
        // leave a name without content.
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|e| e.error)?;
        Ok(path)
    }

    fn make_folder(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        // How people move is private.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder)?;
        let tag = self.folder.join(TAG);
        if !tag.exists()
            && let Err(e) = fs::write(&tag, TAG_TEXT)
        {
            log::debug!("{}: cannot be written: {e}", tag.display());
        }
        Ok(())
    }

    fn open_lock(&self) -> io::Result<File> {
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.folder.join(LOCK))
    }

    /// A time of use later than any other known one.
    fn now(&self) -> SystemTime {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = SystemTime::now();
        // If the clock has been set back, or another machine's is ahead, the order continues from
        // the latest use.
        let time = latest
            .filter(|latest| *latest >= clock)
            .and_then(|latest| latest.checked_add(STEP))
            .unwrap_or(clock);
        *latest = Some(time);
        time
    }

    /// The entries' files; empty if there is no folder.
    fn found(&self) -> io::Result<Vec<EntryFile>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Some(kind) = kind_of(&entry.file_name()) else {
                continue;
            };
            // An entry that has just been removed is not an error.
            if let Ok(metadata) = entry.metadata()
                && metadata.is_file()
            {
                found.push(EntryFile {
                    kind,
                    path: entry.path(),
                    size: metadata.len(),
                    used: used(&metadata),
                });
            }
        }
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = found.iter().map(|entry| entry.used).chain(*latest).max();
        // The least recently used first; ties have a defined order, too.
        found.sort_by(|a, b| a.used.cmp(&b.used).then_with(|| a.path.cmp(&b.path)));
        Ok(found)
    }

    /// Finds the latest time of use, and removes half-written files.
    pub(super) fn look_around(&self) -> io::Result<()> {
        self.found()?;
        self.sweep();
        Ok(())
    }

    fn temporaries(&self) -> Vec<PathBuf> {
        let is_ours = |name: &OsStr| {
            name.to_str()
                .is_some_and(|n| n.starts_with(TEMPORARY) && n.ends_with(ENDING))
        };
        fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| is_ours(&entry.file_name()) && entry.file_type().is_ok_and(|t| t.is_file()))
            .map(|entry| entry.path())
            .collect()
    }

    /// Removes temporary files, if no process is writing.
    fn sweep(&self) {
        if self.temporaries().is_empty() {
            return;
        }
        let Ok(lock) = self.open_lock() else {
            return; // a folder that cannot be written to cannot be cleaned up
        };
        if lock.try_lock().is_err() {
            return;
        }
        for path in self.temporaries() {
            match fs::remove_file(&path) {
                Ok(()) => log::debug!("{}: removed, left over from a killed process", path.display()),
                Err(e) => log::debug!("{}: cannot be removed: {e}", path.display()),
            }
        }
    }

    /// Removes the least recently used entries until the size is within the limit, but never
    /// `keep`.
    pub(super) fn evict(&self, keep: &Path) -> io::Result<()> {
        let found = self.found()?;
        let mut total: u64 = found.iter().map(|entry| entry.size).sum();
        for entry in &found {
            if total <= self.limit {
                break;
            }
            if entry.path == keep {
                continue;
            }
            match fs::remove_file(&entry.path) {
                Ok(()) => {
                    total -= entry.size;
                    log::debug!("{}: removed, since the cache is full", entry.path.display());
                }
                Err(e) if e.kind() == ErrorKind::NotFound => total -= entry.size,
                Err(e) => log::debug!("{}: cannot be removed: {e}", entry.path.display()),
            }
        }
        Ok(())
    }

    /// All entries, the most recently used first.
    ///
    /// # Errors
    /// [`Error::Input`] when the folder cannot be read. A folder that does not exist has no
    /// entries.
    pub fn list(&self) -> Result<Vec<Listed>> {
        let found = self.found().map_err(Error::input(&self.folder))?;
        let listed = found.into_iter().rev().map(|entry| Listed {
            about: match File::open(&entry.path)
                .map_err(EntryFault::Unreadable)
                .and_then(|mut file| entry::about(&mut file))
            {
                Ok(about) => State::Readable(about),
                Err(fault) => State::Unusable(fault.to_string()),
            },
            kind: entry.kind,
            path: entry.path,
            size: entry.size,
            used: entry.used,
        });
        Ok(listed.collect())
    }

    /// Removes all entries, or with `media` those made from files with that content, or with that
    /// name if the content is not known because the file no longer exists. Only our own files are
    /// removed.
    ///
    /// # Errors
    /// [`Error::Input`] when the folder cannot be read, [`Error::Output`] when an entry cannot be
    /// removed; the others are still removed.
    pub fn clear(&self, media: Option<&[(PathBuf, Option<MediaId>)]>) -> Result<Cleared> {
        let is_meant = |about: &State| {
            let Some(media) = media else { return true };
            let State::Readable(about) = about else { return false };
            media.iter().any(|(path, id)| match id {
                Some(id) => about.id.as_ref() == Some(id),
                None => is_named(about, path),
            })
        };
        let mut cleared = Cleared::default();
        let mut failed = None;
        for entry in self.list()?.into_iter().filter(|entry| is_meant(&entry.about)) {
            match fs::remove_file(&entry.path) {
                Ok(()) => {
                    cleared.entries += 1;
                    cleared.bytes += entry.size;
                }
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => failed = Some(Error::output(&entry.path)(e)),
            }
        }
        if media.is_none() {
            self.sweep();
        }
        failed.map_or(Ok(cleared), Err)
    }

    /// Whether there are entries made from a file of this name.
    ///
    /// # Errors
    /// [`Error::Input`] when the folder cannot be read.
    pub fn names(&self, media: &Path) -> Result<bool> {
        let is_meant = |entry: &Listed| matches!(&entry.about, State::Readable(about) if is_named(about, media));
        Ok(self.list()?.iter().any(is_meant))
    }

    /// Checks every entry completely, and removes those that are damaged.
    ///
    /// # Errors
    /// [`Error::Input`] when the folder cannot be read, [`Error::Output`] when a damaged entry
    /// cannot be removed.
    pub fn verify(&self) -> Result<Verified> {
        let mut verified = Verified::default();
        for EntryFile { kind, path, .. } in self.found().map_err(Error::input(&self.folder))? {
            match check(&path, kind) {
                Ok(()) => verified.whole += 1,
                // Another process has just removed it.
                Err(EntryFault::Unreadable(e)) if e.kind() == ErrorKind::NotFound => {}
                Err(fault @ (EntryFault::Unreadable(_) | EntryFault::Version(_))) => {
                    verified.unknown.push((path, fault.to_string()));
                }
                Err(fault @ (EntryFault::Damaged(_) | EntryFault::OtherKey)) => {
                    fs::remove_file(&path).map_err(Error::output(&path))?;
                    verified.damaged.push((path, fault.to_string()));
                }
            }
        }
        Ok(verified)
    }
}

fn is_named(about: &About, media: &Path) -> bool {
    about.media.as_deref() == Some(&*media.display().to_string())
}

/// Checks one entry, and that its file has the right name.
fn check(path: &Path, kind: Kind) -> Result<(), EntryFault> {
    let mut file = File::open(path).map_err(EntryFault::Unreadable)?;
    let size = file.metadata().map_err(EntryFault::Unreadable)?.len();
    let key = entry::key_of(&mut file, size)?;
    let named = format!("{}-{key}{ENDING}", kind.name());
    if path.file_name() == Some(OsStr::new(&named)) {
        Ok(())
    } else {
        Err(EntryFault::OtherKey)
    }
}

/// Tries to get a lock for a while.
fn hold(attempt: impl Fn() -> Result<(), TryLockError>) -> io::Result<()> {
    for _ in 0..TRIES {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => sleep(WAIT),
            Err(TryLockError::Error(e)) => return Err(e),
        }
    }
    Err(io::Error::new(ErrorKind::WouldBlock, "another process holds its lock"))
}

fn used(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The kind of the entry with this file name; `None` if the program did not write the file.
fn kind_of(name: &OsStr) -> Option<Kind> {
    let (kind, key) = name.to_str()?.strip_suffix(ENDING)?.split_once('-')?;
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if key.len() != 64 || !key.chars().all(hexadecimal) {
        return None;
    }
    Kind::ALL.into_iter().find(|k| k.name() == kind)
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
