//! Checks on outputs, made before any work, so that nobody waits minutes for "no such folder".

use crate::exit::Failure;
use kinescore::Error;
use kinescore::host::{TEMPORARY_LETTERS, TEMPORARY_MARK};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// `clip.ending` beside `clip.mp4`.
pub fn renamed(clip: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = clip.file_stem().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    clip.with_file_name(name)
}

/// Refuses files that cannot be written, that are an input, or that are named twice. `made` is a
/// folder, checked by [`check_folder`], that will be created before they are written.
///
/// # Errors
/// [`Error::Output`] or [`Error::OutputIsInput`]; a usage failure for a name given twice.
pub fn check(files: &[&Path], inputs: &[&Path], made: Option<&Path>) -> Result<(), Failure> {
    let made = made.map(resolved);
    for (index, file) in files.iter().enumerate() {
        let refuse = |reason: io::Error| Error::output(file)(reason);
        if inputs.iter().any(|input| same_file(file, input)) {
            return Err(Error::OutputIsInput {
                path: (*file).to_owned(),
            }
            .into());
        }
        if files[..index].iter().any(|other| place(other) == place(file)) {
            return Err(Failure::usage(format!(
                "{}: two outputs have this name; give one of them another",
                file.display()
            )));
        }
        // Renaming over a device or a folder would not have the intended effect.
        match fs::metadata(file) {
            Ok(there) if !there.is_file() => {
                return Err(refuse(io::Error::other("it exists and is not a regular file")).into());
            }
            Ok(there) if there.permissions().readonly() => {
                return Err(refuse(io::Error::other("the existing file is write-protected")).into());
            }
            _ => {}
        }
        if file.file_name().is_none() {
            return Err(refuse(io::Error::other("not the name of a file")).into());
        }
        let folder = folder_of(file);
        if folder.exists() || made.as_ref() != Some(&resolved(folder)) {
            probe(folder).map_err(refuse)?;
        }
    }
    Ok(())
}

/// Refuses a folder that does not exist and cannot be created, or that cannot be written to.
pub fn check_folder(folder: &Path) -> Result<(), Failure> {
    let refuse = |reason: io::Error| Failure::from(Error::output(folder)(reason));
    let there = folder
        .ancestors()
        .map(|ancestor| {
            if ancestor.as_os_str().is_empty() {
                Path::new(".")
            } else {
                ancestor
            }
        })
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("/"));
    if !there.is_dir() {
        return Err(refuse(io::ErrorKind::NotADirectory.into()));
    }
    probe(there).map_err(refuse)
}

/// Creates a file in the folder and removes it again. The error names the folder, not the file.
fn probe(folder: &Path) -> io::Result<()> {
    // With the name of a temporary file, so that it is cleared as well if this process is killed.
    let made = tempfile::Builder::new()
        .prefix(&format!(".{TEMPORARY_MARK}"))
        .rand_bytes(TEMPORARY_LETTERS)
        .tempfile_in(folder);
    let is_there = folder.is_dir();
    made.and_then(tempfile::NamedTempFile::close).map_err(|error| {
        let folder = folder.display();
        let text = match error.kind() {
            // In /proc and its like nothing can be created, which is reported like a missing folder.
            io::ErrorKind::NotFound if is_there => {
                format!("files cannot be created in the folder {folder}; choose another one")
            }
            io::ErrorKind::NotFound => format!("the folder {folder} does not exist; create it first"),
            io::ErrorKind::PermissionDenied => format!("you may not write to the folder {folder}; choose another one"),
            io::ErrorKind::ReadOnlyFilesystem => {
                format!("the folder {folder} is on a read-only file system; choose another one")
            }
            kind => format!(
                "no file can be created in the folder {folder}: {}",
                io::Error::from(kind)
            ),
        };
        io::Error::new(error.kind(), text)
    })
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A file's folder, free of links, with its name.
fn place(file: &Path) -> (PathBuf, Option<&std::ffi::OsStr>) {
    (resolved(folder_of(file)), file.file_name())
}

/// A folder free of links; if it does not exist, its existing part.
fn resolved(folder: &Path) -> PathBuf {
    let here = |path: &Path| {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        path.canonicalize().ok()
    };
    let known = folder
        .ancestors()
        .find_map(|ancestor| Some((ancestor, here(ancestor)?)));
    match known.and_then(|(ancestor, there)| Some(there.join(folder.strip_prefix(ancestor).ok()?))) {
        // Without the trailing slash that joining nothing adds.
        Some(path) => path.components().collect(),
        None => folder.to_owned(),
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_clip() {
        assert_eq!(
            renamed(Path::new("dance.mp4"), "rhythm.json"),
            Path::new("dance.rhythm.json")
        );
    }

    #[test]
    fn outputs_that_cannot_be_written_are_refused_and_leave_no_trace() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("clip.mp4"), b"clip").expect("a clip");
        fs::hard_link(at("clip.mp4"), at("link.mp4")).expect("a link");
        let clip = at("clip.mp4");
        let refused = |file: &Path| check(&[file], &[&clip], None).expect_err("must be refused");

        assert_eq!(refused(&clip).code, 7);
        assert!(refused(&at("link.mp4")).message.contains("overwrite the input"));
        assert!(refused(&at("none/out.mp4")).message.contains("none/out.mp4"));
        assert_eq!(refused(&at("clip.mp4/out.mp4")).code, 7);
        assert_eq!(refused(folder.path()).code, 7);
        assert_eq!(refused(Path::new("/dev/full")).code, 7);
        assert_eq!(refused(Path::new("/proc/out.mp4")).code, 7);
        let twice = at("same.wav");
        assert_eq!(
            check(&[&twice, &twice], &[&clip], None).expect_err("named twice").code,
            2
        );
        check(&[&at("a.wav"), &at("b.wav")], &[&clip], None).expect("good names");

        // Nor may two files of one name be in a folder that will be created.
        let new = at("new");
        let both = [&at("new/a.wav") as &Path, &at("new/b.wav")];
        check(&both, &[&clip], Some(&new)).expect("a folder that will be created");
        assert_eq!(check(&both, &[&clip], None).expect_err("no folder").code, 7);
        assert_eq!(
            check(&both, &[&clip], Some(&at("other")))
                .expect_err("another folder")
                .code,
            7
        );
        let twice = [&at("new/a.wav") as &Path, &folder.path().join("./new/./a.wav")];
        assert_eq!(check(&twice, &[&clip], Some(&new)).expect_err("named twice").code, 2);
        assert!(!new.exists());

        assert_eq!(check_folder(&at("clip.mp4/stems")).expect_err("under a file").code, 7);
        check_folder(&at("new/stems")).expect("a folder that can be created");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 2);
    }
}
