//! Which files can be read: regular ones. A pipe would wait for its writer, a device has no end,
//! and what is read more than once must be the same each time.

use std::fs::Metadata;

/// The reason why something is not a regular file; `None` if it is one. To be asked before it is
/// opened.
pub fn why_not(there: &Metadata) -> Option<String> {
    if there.is_file() {
        return None;
    }
    let kind = if there.is_dir() { "a folder" } else { special(there) };
    let instead = match kind {
        "a folder" => "name a file in it",
        "a pipe" => "copy its content to a regular file first",
        _ => "name a regular file instead",
    };
    Some(format!("it is {kind}, not a regular file; {instead}"))
}

#[cfg(unix)]
fn special(there: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = there.file_type();
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: &Metadata) -> &'static str {
    "something else"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn only_regular_files_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("clip.mp4"), folder.path().join("link.mp4"));
        fs::write(&file, b"clip").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let why = |path: &Path| why_not(&fs::metadata(path).unwrap());
        assert_eq!((why(&file), why(&link)), (None, None));
        for (path, part) in [
            (folder.path(), "it is a folder, not a regular file; name a file in it"),
            (Path::new("/dev/null"), "it is a device, not a regular file; name a"),
            (&socket, "it is a socket, not a regular file; name a"),
        ] {
            let reason = why(path).unwrap();
            assert!(reason.starts_with(part), "{reason}");
        }
    }
}
