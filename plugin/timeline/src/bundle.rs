//! Bundles of `OpenTimelineIO` that are one file: `.otioz`, a zip archive of a `content.otio` and
//! its media.
//!
//! Only the `content.otio` is read, into memory: nothing is unpacked, so no name in an archive can
//! determine where a file is written.

use crate::{Problem, ProblemKind};
use std::fs::File;
use std::io::{Read, Seek};
use zip::ZipArchive;
use zip::result::ZipError;

/// The beginning of a zip archive.
const MARK: &[u8] = b"PK\x03\x04";

/// The project in a bundle.
const CONTENT: &str = "content.otio";

/// Maximum size of a project, bytes, as for project files. A small archive can contain a much
/// larger one.
const LARGEST: u64 = 512 << 20;

/// The `content.otio` of a bundle; none for a file that is not a zip archive, or cannot be opened.
pub(crate) fn content(path: &str) -> Result<Option<Vec<u8>>, Problem> {
    // A file that cannot be opened is reported by the reader of projects; a pipe would block.
    let is_file = std::fs::metadata(path).is_ok_and(|data| data.is_file());
    let Some(mut file) = is_file.then(|| File::open(path).ok()).flatten() else {
        return Ok(None);
    };
    let mut mark = Vec::new();
    let has_mark = file.by_ref().take(4).read_to_end(&mut mark).is_ok() && mark == MARK;
    if !has_mark {
        return Ok(None);
    }
    read(file, LARGEST).map(Some).map_err(|reason| Problem {
        kind: ProblemKind::Input,
        code: None,
        sentence: format!("{path}: {reason}"),
    })
}

fn read(file: impl Read + Seek, largest: u64) -> Result<Vec<u8>, String> {
    let damaged = |e: &dyn std::fmt::Display| format!("is a zip archive that cannot be read: {e}");
    let mut archive = ZipArchive::new(file).map_err(|e| damaged(&e))?;
    let entry = match archive.by_name(CONTENT) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => {
            return Err(format!(
                "is a zip archive without a {CONTENT}, and not a bundle of OpenTimelineIO (.otioz)"
            ));
        }
        Err(e) => return Err(damaged(&e)),
    };
    let mut bytes = Vec::new();
    // The length that an entry states is not trusted.
    entry
        .take(largest + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| damaged(&e))?;
    if bytes.len() as u64 > largest {
        return Err(format!(
            "the {CONTENT} in it has more than {largest} bytes, and a project has {largest} at most"
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn archive(name: &str, bytes: &[u8], method: zip::CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(name, options).expect("an entry");
        writer.write_all(bytes).expect("written");
        writer.finish().expect("an archive").into_inner()
    }

    #[test]
    fn the_project_of_a_bundle_is_read_stored_or_deflated() {
        for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
            let bytes = archive(CONTENT, b"{}", method);
            assert_eq!(read(Cursor::new(bytes), LARGEST).expect("read"), b"{}");
        }
    }

    #[test]
    fn a_bundle_that_is_damaged_or_grows_without_end_is_refused() {
        let other = archive("../content.otio", b"{}", zip::CompressionMethod::Stored);
        assert!(
            read(Cursor::new(other), LARGEST)
                .expect_err("no project")
                .contains("without a content.otio")
        );
        let whole = archive(CONTENT, &[b' '; 100_000], zip::CompressionMethod::Deflated);
        assert!(whole.len() < 1_000);
        let reason = read(Cursor::new(&whole), 99_999).expect_err("too large");
        assert!(reason.contains("more than 99999 bytes"), "{reason}");
        assert_eq!(read(Cursor::new(&whole), 100_000).expect("just fits").len(), 100_000);
        for end in 0..whole.len() {
            assert!(read(Cursor::new(&whole[..end]), LARGEST).is_err(), "cut off at {end}");
        }
    }
}
