//! Checks on what is read, made before any work.

use crate::exit::Failure;
use kinescore::host::why_not_regular;
use kinescore::{Error, Flicks};
use std::fs;
use std::io;
use std::path::Path;

/// Refuses anything that is not a regular file.
///
/// # Errors
/// [`Error::Input`].
pub fn check(file: &Path) -> Result<(), Error> {
    let there = match fs::metadata(file) {
        Err(_) if file.as_os_str() == "-" => {
            let reason = "it is not a file, and standard input is not read; give a file";
            return Err(Error::input(file)(io::Error::other(reason)));
        }
        other => other.map_err(Error::input(file))?,
    };
    match why_not_regular(&there) {
        Some(reason) => Err(Error::input(file)(io::Error::other(reason))),
        None => Ok(()),
    }
}

/// Refuses a part of a clip that ends before it starts.
///
/// # Errors
/// A usage failure that names the flags.
pub fn check_part(start: Option<Flicks>, end: Option<Flicks>) -> Result<(), Failure> {
    match (start, end) {
        (Some(start), Some(end)) if start >= end => Err(Failure::usage(format!(
            "--start {} is not before --end {}",
            start.seconds(),
            end.seconds()
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("clip.mp4");
        fs::write(&file, b"clip").expect("a clip");
        let link = folder.path().join("link.mp4");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        check(&file).expect("a file");
        check(&link).expect("a link to a file");
        for (path, reason) in [
            (folder.path(), "a folder"),
            (Path::new("/dev/null"), "not a regular file"),
            (Path::new("-"), "standard input is not read"),
        ] {
            let error = check(path).expect_err("not a file");
            assert!(matches!(&error, Error::Input { path: p, .. } if p == path));
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
