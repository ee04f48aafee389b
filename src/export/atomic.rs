//! Atomic files: a file is written under a temporary name in the folder of its destination and then
//! renamed, so that it appears complete or not at all.

use super::leftovers::{LETTERS, MARK, clear_leftovers};
use crate::error::{Error, Result};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// A file that is being written. If dropped without [`commit`](Self::commit), it leaves nothing
/// behind.
///
/// The temporary name keeps the destination's extension, because FFmpeg guesses the container from
/// it.
#[derive(Debug)]
pub struct Pending {
    destination: PathBuf,
    temporary: TempPath,
}

impl Pending {
    /// Creates an empty temporary file beside `destination`, and removes leftovers of killed
    /// processes there.
    ///
    /// # Errors
    /// [`Error::Output`] when the folder is missing or cannot be written to, or when `destination`
    /// is a folder or not the name of a file.
    pub fn new(destination: &Path) -> Result<Self> {
        let refuse = |kind, text: &str| Error::Output {
            path: destination.to_owned(),
            source: io::Error::new(kind, text),
        };
        let Some(name) = destination.file_name() else {
            return Err(refuse(io::ErrorKind::InvalidInput, "not the name of a file"));
        };
        if destination.is_dir() {
            return Err(refuse(io::ErrorKind::IsADirectory, "is a folder"));
        }
        let folder = match destination.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut suffix = OsString::new();
        if let Some(extension) = destination.extension() {
            suffix.push(".");
            suffix.push(extension);
        }
        // A long name leaves no room for more letters: most file systems allow 255 bytes.
        let mut prefix = OsString::from(".");
        if name.len() < 200 {
            prefix.push(destination.file_stem().unwrap_or(name));
            prefix.push(".");
        }
        prefix.push(MARK);
        clear_leftovers(folder);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(&suffix).rand_bytes(LETTERS);
        // A temporary file is private to its owner; the result gets the default permissions of a
        // new file.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary = builder
            .tempfile_in(folder)
            .map_err(|source| Error::Output {
                path: destination.to_owned(),
                source: plain(source),
            })?
            .into_temp_path();
        Ok(Self {
            destination: destination.to_owned(),
            temporary,
        })
    }

    /// The temporary path to write to. The file exists and is empty.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives the file its final name, replacing any file of that name.
    ///
    /// # Errors
    /// [`Error::Output`] when the data cannot be written to disk or the file cannot be renamed; it
    /// is then removed.
    pub fn commit(self) -> Result<()> {
        // Some file systems report only here that the disk is full.
        File::options()
            .write(true)
            .open(&self.temporary)
            .and_then(|file| file.sync_all())
            .map_err(Error::output(&self.destination))?;
        self.temporary
            .persist(&self.destination)
            .map_err(|e| Error::output(&self.destination)(e.error))
    }
}

/// Runs `write` with a temporary name and renames the file if it succeeds; on an error, nothing is
/// left behind.
///
/// In errors, the name of the temporary file is replaced by `destination`.
///
/// # Errors
/// Those of `write`, and [`Error::Output`].
///
/// ```
/// # fn main() -> kinescore::Result<()> {
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("note.txt");
/// kinescore::export::atomic::atomically(&path, |temporary| {
///     std::fs::write(temporary, "la").map_err(kinescore::Error::output(temporary))
/// })?;
/// # assert!(path.exists());
/// # Ok(()) }
/// ```
pub fn atomically<T>(destination: &Path, write: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let pending = Pending::new(destination)?;
    let value = write(pending.path()).map_err(|error| pending.rename_in(error))?;
    pending.commit()?;
    Ok(value)
}

impl Pending {
    fn rename_in(&self, error: Error) -> Error {
        match error {
            Error::Output { path, source } if path == self.path() => Error::Output {
                path: self.destination.clone(),
                source,
            },
            Error::Media { path, doing, reason } if path == self.path() => Error::Media {
                path: self.destination.clone(),
                doing,
                reason,
            },
            other => other,
        }
    }
}

/// The system's own message, without the temporary path that the tempfile crate adds.
fn plain(error: io::Error) -> io::Error {
    let text = error.to_string();
    let words = text.split(" at path \"").next().unwrap_or(&text);
    io::Error::new(error.kind(), words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("folder")
            .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_file_appears_complete_with_its_name_and_permissions() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("clip.soundtrack.mp4");
        fs::write(&path, "old").expect("write");
        let seen = atomically(&path, |temporary| {
            assert_eq!(
                temporary.extension(),
                path.extension(),
                "FFmpeg guesses from the extension"
            );
            assert_eq!(
                temporary.parent(),
                path.parent(),
                "a rename must not cross file systems"
            );
            assert_eq!(
                fs::read_to_string(&path).expect("read"),
                "old",
                "untouched until complete"
            );
            fs::write(temporary, "new").map_err(Error::output(temporary))?;
            Ok(temporary.to_owned())
        })
        .expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "new");
        assert!(!seen.exists());
        assert_eq!(entries(folder.path()), ["clip.soundtrack.mp4"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let plain = folder.path().join("plain");
            fs::write(&plain, "").expect("write");
            let mode = |p: &Path| fs::metadata(p).expect("metadata").permissions().mode();
            assert_eq!(mode(&path), mode(&plain));
        }
    }

    #[test]
    fn an_error_leaves_nothing_and_names_the_destination() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("out.wav");
        let error = atomically(&path, |temporary| -> Result<()> {
            fs::write(temporary, "half").map_err(Error::output(temporary))?;
            Err(Error::output(temporary)(io::Error::from(io::ErrorKind::StorageFull)))
        })
        .expect_err("the disk is full");
        assert!(matches!(&error, Error::Output { path: p, .. } if *p == path), "{error}");
        assert!(entries(folder.path()).is_empty());

        let cancelled = atomically(&path, |_| -> Result<()> { Err(Error::Cancelled) });
        assert!(matches!(cancelled, Err(Error::Cancelled)));
        drop(Pending::new(&path).expect("pending"));
        assert!(entries(folder.path()).is_empty());
    }

    #[test]
    fn missing_folders_and_invalid_names_are_refused() {
        let folder = tempfile::tempdir().expect("folder");
        for path in [
            folder.path().join("no/such/folder/out.wav"),
            folder.path().to_owned(),
            PathBuf::from(".."),
            PathBuf::new(),
        ] {
            let error = Pending::new(&path).expect_err("refused");
            assert!(matches!(&error, Error::Output { path: p, .. } if *p == path), "{error}");
        }
        let missing = Pending::new(&folder.path().join("no/out.wav"))
            .expect_err("refused")
            .to_string();
        assert!(missing.ends_with("No such file or directory (os error 2)"), "{missing}");
        let long = folder.path().join("x".repeat(250) + ".wav");
        atomically(&long, |_| Ok(())).expect("a long name is still a name");
    }
}
