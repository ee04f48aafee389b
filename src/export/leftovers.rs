//! Removes unfinished files that killed processes have left beside their outputs.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The mark before the random letters in the name of every temporary file, so that no other file is
/// mistaken for one.
pub const MARK: &str = "kinescore-";

/// Number of random letters in such a name: so many that nobody's own file looks like one.
pub const LETTERS: usize = 12;

/// Number of random letters in the name of a temporary file of the timeline bridge.
const BRIDGE_LETTERS: usize = 6;

/// Age at which a file's process is considered dead: a running process writes more often.
const OLD: Duration = Duration::from_secs(60 * 60);

/// Removes unfinished files of killed processes from a folder: those with the name of a temporary
/// file of this library or of the timeline bridge that have not been written to for an hour. Other
/// files stay, and files that cannot be removed are ignored.
///
/// Writing a file [`atomically`](super::atomic::atomically) also cleans up its folder.
pub fn clear_leftovers(folder: &Path) {
    // A folder that cannot be listed may still be written to.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // Another process may be faster: then there is nothing left to remove.
        if is_temporary(&entry.file_name()) && is_old(&path).unwrap_or(false) && fs::remove_file(&path).is_ok() {
            log::info!("{}: removed, left unfinished by an earlier run", path.display());
        }
    }
}

/// Whether a name is that of a temporary file: `.walk.kinescore-aB3dE9fG5hJ7.wav` and
/// `.kinescore-aB3dE9fG5hJ7` of this library, `.soundtrack-aB3dE9` of the timeline bridge, and `.walk.4711.part.wav` of its
/// first versions.
fn is_temporary(name: &OsStr) -> bool {
    // The part before the mark is the output's name, which need not be UTF-8.
    let name = name.to_string_lossy();
    let Some(rest) = name.strip_prefix('.') else {
        return false;
    };
    if let Some(letters) = rest.strip_prefix("soundtrack-") {
        return are_random(letters, BRIDGE_LETTERS);
    }
    if let Some(before) = rest.strip_suffix(".part.wav") {
        let process = before.rsplit_once('.').map(|(_, process)| process);
        return process.is_some_and(|process| !process.is_empty() && process.chars().all(|c| c.is_ascii_digit()));
    }
    let Some((before, after)) = rest.rsplit_once(MARK) else {
        return false;
    };
    let letters = after.split_once('.').map_or(after, |(letters, _)| letters);
    (before.is_empty() || before.ends_with('.')) && are_random(letters, LETTERS)
}

/// Whether letters are random and not a word that somebody has chosen: some of them is a digit or a
/// capital after the first. Of six random letters about one in forty looks like a word; that file
/// stays.
fn are_random(letters: &str, count: usize) -> bool {
    letters.len() == count
        && letters.chars().all(|c| c.is_ascii_alphanumeric())
        && letters.chars().skip(1).any(|c| !c.is_ascii_lowercase())
}

fn is_old(path: &Path) -> io::Result<bool> {
    let there = fs::symlink_metadata(path)?;
    Ok(there.is_file() && there.modified()?.elapsed().is_ok_and(|age| age > OLD))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("the folder").flatten();
        let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn make(folder: &Path, name: &str, minutes: u64) {
        let file = fs::File::create(folder.join(name)).expect("a file");
        let then = SystemTime::now() - Duration::from_secs(60 * minutes);
        file.set_modified(then).expect("a time");
    }

    #[test]
    fn old_temporary_files_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let ours = [
            ".walk.kinescore-aB3dE9fG5hJ7.wav",
            ".walk.result.kinescore-aB3dE9fG5hJ7.json",
            ".kinescore-aB3dE9fG5hJ7",
            ".kinescore-aB3dE9fG5hJ7.tar",
            "..walk.soundtrack.4711.part.kinescore-aB3dE9fG5hJ7.wav",
            ".walk.soundtrack.4711.part.wav",
            ".soundtrack-aB3dE9",
        ];
        let others = [
            ".kinescore-backup",
            ".walk.kinescore-Photos.mp4",
            ".walk.kinescore-Photographs.mp4",
            ".walk.kinescore-Photographer.mp4",
            ".walk.kinescore-aB3dE9.mp4",
            ".soundtrack-Photos",
            ".soundtrack-backup",
            ".soundtrack-aB3dE9.txt",
            ".walk.aB3dE9.wav",
            ".walk.kinescore-aB3d.wav",
            ".walkkinescore-aB3dE9fG5hJ7.wav",
            ".walk.part.wav",
            ".walk.take.part.wav",
            "walk.4711.part.wav",
            "walk.kinescore-aB3dE9fG5hJ7.wav",
        ];
        for name in ours.iter().chain(&others) {
            make(folder.path(), name, 61);
        }
        make(folder.path(), ".run.kinescore-aB3dE9fG5hJ7.wav", 59);
        fs::create_dir(folder.path().join(".a.kinescore-aB3dE9fG5hJ7")).expect("a folder");
        clear_leftovers(folder.path());
        let mut expected: Vec<&str> = others.to_vec();
        expected.extend([".run.kinescore-aB3dE9fG5hJ7.wav", ".a.kinescore-aB3dE9fG5hJ7"]);
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn writing_a_file_clears_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("walk.wav");
        let pending = super::super::atomic::Pending::new(&path).expect("pending");
        let temporary = pending
            .path()
            .file_name()
            .expect("a name")
            .to_str()
            .expect("UTF-8")
            .to_owned();
        // As left behind by a killed process.
        std::mem::forget(pending);
        // Random letters rarely look like a word; such files stay.
        let is_known = is_temporary(OsStr::new(&temporary));
        assert!(
            is_known
                || temporary
                    .chars()
                    .filter(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                    .count()
                    <= 1,
            "{temporary}"
        );
        make(folder.path(), &temporary, 61);
        make(folder.path(), ".run.kinescore-aB3dE9fG5hJ7.mp4", 61);
        super::super::atomic::atomically(&path, |_| Ok(())).expect("written");
        let left = names(folder.path());
        assert!(
            !left.contains(&".run.kinescore-aB3dE9fG5hJ7.mp4".to_owned()),
            "{left:?}"
        );
        assert_eq!(left.contains(&temporary), !is_known, "{left:?}");
    }
}
