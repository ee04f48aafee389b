//! A cache on disk: poses by the content of the media, compositions by their key.
//!
//! Nothing here can fail a job: an entry that cannot be read is computed again, one that cannot be
//! written is not kept, and the reason is logged. An entry is a file that is written under a
//! temporary name and renamed, with a checksum over all of it; several processes may use one folder
//! at the same time. This module does not know what an entry contains or how it was made.

mod entry;
mod folder;
mod identity;

pub use entry::{About, EntryFault, Kind};
pub use folder::{Listed, State};
pub use identity::{Identities, MediaId};

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// Default maximum size of a cache, bytes: about a thousand minutes of poses.
pub const DEFAULT_LIMIT: u64 = 2 << 30;

/// The key of an entry: a hash of everything that it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// The key from a text that names everything that the entry depends on.
    pub fn of(text: &str) -> Self {
        Self(*blake3::hash(text.as_bytes()).as_bytes())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A folder of entries. Can be used by several threads and processes at the same time.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
    /// The latest time of use that was set or found, so that the order of use does not depend on
    /// the clock alone.
    latest: Mutex<Option<SystemTime>>,
    /// Whether a warning that the folder cannot be used has been logged.
    reported: AtomicBool,
}

impl Cache {
    /// A cache in `folder`, which is created when something is stored, of at most `limit` bytes
    /// ([`DEFAULT_LIMIT`] for `None`). Removes half-written files of killed processes.
    pub fn open(folder: &Path, limit: Option<u64>) -> Self {
        let cache = Self {
            folder: folder.to_owned(),
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            latest: Mutex::default(),
            reported: AtomicBool::new(false),
        };
        if let Err(e) = cache.look_around() {
            cache.warn("read", &e);
        }
        cache
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Maximum size, bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The bytes stored under this key, or `None`.
    pub fn load(&self, kind: Kind, key: &Key) -> Option<Vec<u8>> {
        let path = self.path(kind, key);
        match self.read(&path, kind, key) {
            Ok(found) => found,
            Err(EntryFault::Unreadable(e)) => {
                self.warn("read", &e);
                None
            }
            Err(fault) => {
                log::warn!(
                    "{}: {fault}; this entry is ignored and its content computed again",
                    path.display()
                );
                None
            }
        }
    }

    /// Stores bytes under a key, replacing earlier ones, and removes the least recently used
    /// entries while the cache is too large. Returns whether the bytes are stored.
    pub fn store(&self, kind: Kind, key: &Key, about: &About, bytes: &[u8]) -> bool {
        match self.write(kind, key, about, bytes) {
            Ok(path) => {
                if let Err(e) = self.evict(&path) {
                    self.warn("tidied", &e);
                }
                true
            }
            Err(e) => {
                self.warn("written", &e);
                false
            }
        }
    }

    /// The composition stored under this key, or `None`. The key is a text that names everything
    /// that the composition depends on.
    pub fn composition(&self, key: &str) -> Option<Vec<u8>> {
        self.load(Kind::Composition, &Key::of(key))
    }

    /// Stores a composition. `media` is the file for which it was made, so that it is removed when
    /// that media's entries are cleared.
    pub fn keep_composition(&self, key: &str, media: Option<(&Path, &MediaId)>, bytes: &[u8]) {
        let about = media.map_or_else(About::default, |(path, id)| About::of(path, id));
        self.store(Kind::Composition, &Key::of(key), &about, bytes);
    }

    /// Logs, once, that the folder cannot be used, and why.
    fn warn(&self, what: &str, error: &std::io::Error) {
        let folder = self.folder.display();
        if self.reported.swap(true, Ordering::Relaxed) {
            log::debug!("{folder}: the cache cannot be {what}: {error}");
        } else {
            log::warn!("{folder}: the cache cannot be {what}: {error}; results are computed again each time");
        }
    }
}
