//! The folder of a session's temporary files, and those that killed sessions have left.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// What the names of these folders begin with.
const NAME: &str = "kinescore-studio-";

/// A file in the folder that is locked as long as the session runs.
const LOCK: &str = "lock";

/// A folder younger than this may not have its lock yet.
const YOUNG: Duration = Duration::from_secs(60);

/// The folder of a session, which only its user can read.
pub(crate) struct Place {
    folder: TempDir,
    /// Kept open: the lock ends with it, also when the process is killed.
    _lock: File,
}

impl Place {
    /// Makes a folder in the one for temporary files, and removes those there whose session has
    /// ended without doing so.
    pub fn new() -> io::Result<Self> {
        Self::of(new_folder().tempdir()?)
    }

    fn of(folder: TempDir) -> io::Result<Self> {
        let lock = File::create(folder.path().join(LOCK))?;
        // Where files cannot be locked, no folder is ever taken for a left one.
        let _ = lock.try_lock();
        if let (Ok(own), Some(parent)) = (fs::metadata(folder.path()), folder.path().parent()) {
            clear(parent, own.uid());
        }
        Ok(Self { folder, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes the folder.
    pub fn close(self) -> io::Result<()> {
        self.folder.close()
    }
}

/// A folder that only its owner can enter: the page's token guards the takes from other users.
fn new_folder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(NAME).permissions(Permissions::from_mode(0o700));
    builder
}

/// Removes the folders of killed sessions of a user. What cannot be removed stays.
fn clear(parent: &Path, user: u32) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let named = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(NAME));
    for path in named.map(|entry| entry.path()) {
        if is_left(&path, user).unwrap_or(false) && fs::remove_dir_all(&path).is_ok() {
            log::info!("{}: removed, left by a studio that was killed", path.display());
        }
    }
}

fn is_left(folder: &Path, user: u32) -> io::Result<bool> {
    let there = fs::symlink_metadata(folder)?;
    // Others could put anything there, such as a pipe, which would block.
    if !there.is_dir() || there.uid() != user {
        return Ok(false);
    }
    let lock = File::open(folder.join(LOCK))?;
    let old = lock.metadata()?.modified()?.elapsed().is_ok_and(|age| age > YOUNG);
    Ok(old && lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    /// As if the folder had been made two minutes ago.
    fn aged(folder: &Path) {
        let lock = File::options().write(true).open(folder.join(LOCK)).expect("the lock");
        let then = SystemTime::now() - Duration::from_secs(120);
        lock.set_modified(then).expect("a time");
    }

    #[test]
    fn folders_of_killed_sessions_are_removed_and_no_others() {
        let parent = tempfile::tempdir().expect("a folder");
        let begin = || {
            let folder = new_folder().tempdir_in(parent.path());
            Place::of(folder.expect("a folder")).expect("a lock")
        };
        let running = begin();
        let mode = fs::metadata(running.path()).expect("the folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        aged(running.path());
        let left = |name: &str| {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join(LOCK), "").expect("a file");
            folder
        };
        let (killed, young, other) = (left("kinescore-studio-a"), left("kinescore-studio-b"), left("studio-c"));
        aged(&killed);
        aged(&other);
        let unknown = parent.path().join("kinescore-studio-d");
        fs::create_dir(&unknown).expect("a folder");
        let next = begin();
        assert!(!killed.exists());
        for stays in [running.path(), next.path(), &young, &other, &unknown] {
            assert!(stays.exists(), "{}", stays.display());
        }
        let gone = next.path().to_owned();
        next.close().expect("removed");
        assert!(!gone.exists() && running.path().exists());
    }
}
