//! The addresses of a video that lies beside a report.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Characters of a name that stay as they are in an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// Where a page looks for a file: at its place as seen from the page, and else in the page's own
/// folder, in which somebody to whom both were sent may have put them.
pub(super) fn addresses(file: &Path, page: &Path) -> Vec<String> {
    let beside = format!("./{}", encoded(file.file_name().unwrap_or_default()));
    let (folder, other) = (folder_of(page), folder_of(file));
    let mut found = vec![match (folder, other) {
        (Some(from), Some(to)) => format!("{}{}", way(&from, &to), &beside[2..]),
        _ => beside.clone(),
    }];
    if found[0] != beside {
        found.push(beside);
    }
    found
}

/// The folder of a file, free of links.
fn folder_of(file: &Path) -> Option<PathBuf> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    folder.canonicalize().ok()
}

/// The way from one folder to another, as the beginning of an address.
fn way(from: &Path, to: &Path) -> String {
    let same = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().count() - same;
    let mut way = if up == 0 { "./".to_owned() } else { "../".repeat(up) };
    for component in to.components().skip(same) {
        if let Component::Normal(name) = component {
            way.push_str(&encoded(name));
            way.push('/');
        }
    }
    way
}

fn encoded(name: &OsStr) -> String {
    percent_encode(name.as_encoded_bytes(), PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_video_is_linked_from_where_the_page_is_and_looked_for_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["a/b", "c d"] {
            fs::create_dir_all(at(name)).expect("a folder");
        }
        let linked = |file: &str, page: &str| addresses(&at(file), &at(page));
        assert_eq!(linked("walk.mp4", "walk.html"), ["./walk.mp4"]);
        assert_eq!(linked("a/./walk.mp4", "a/b/../walk.html"), ["./walk.mp4"]);
        assert_eq!(linked("a/b/walk.mp4", "a/walk.html"), ["./b/walk.mp4", "./walk.mp4"]);
        assert_eq!(
            linked("c d/ä #1?%.mp4", "a/b/walk.html"),
            ["../../c%20d/%C3%A4%20%231%3F%25.mp4", "./%C3%A4%20%231%3F%25.mp4"]
        );
        // Neither the name of another scheme, nor of another server.
        assert_eq!(linked("javascript:x.mp4", "walk.html"), ["./javascript%3Ax.mp4"]);
    }
}
