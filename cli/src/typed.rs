//! Commands as messages show them, for users who type or paste them into a shell.

use crate::resources;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The program's name, by which a shell finds it in PATH.
const NAME: &str = "kinescore";
/// The folders in which sudo usually searches for programs, whatever the user's PATH says.
const FOLDERS_OF_ROOT: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// The command that starts this program with these words. The program is named by its path unless a
/// shell finds it in PATH, as it does not after a tarball was unpacked.
pub fn command(words: &[&str]) -> String {
    line(words, &resources::search_path())
}

/// The same command as root.
pub fn as_root(words: &[&str]) -> String {
    let root = FOLDERS_OF_ROOT.map(Path::new);
    let folders: Vec<_> = resources::search_path()
        .into_iter()
        .filter(|folder| root.contains(&folder.as_path()))
        .collect();
    format!("sudo {}", line(words, &folders))
}

fn line(words: &[&str], folders: &[std::path::PathBuf]) -> String {
    let this = resources::program().ok();
    let found = folders
        .iter()
        .map(|folder| folder.join(NAME))
        .find(|file| is_program(file));
    let is_this = found.and_then(|file| file.canonicalize().ok()) == this;
    let program = match this {
        Some(this) if !is_this => quoted(&this),
        _ => NAME.to_owned(),
    };
    let words = words.iter().map(|word| quoted(Path::new(word)));
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}

/// A path as a word for a shell.
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| text.to_string(), std::borrow::Cow::into_owned)
}

/// Whether a file exists and may be executed.
pub fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
