//! What is in the way of a file or folder of Kinescore, and the command that clears it away.

use super::refusal::refused;
use crate::exit::Failure;
use crate::typed::quoted;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Something that is where a file or folder of Kinescore belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Where it is.
    pub path: PathBuf,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// A link to what does not exist.
    BrokenLink(PathBuf),
    /// A folder where a file belongs.
    Folder,
    /// A file where a folder belongs.
    NotAFolder,
    /// A pipe, a socket or a device.
    NotAFile,
    /// A file or folder of somebody else, and how that was noticed.
    Foreign(String),
}

impl Obstacle {
    /// What prevents that a folder is at this path.
    pub fn to_folder(path: &Path) -> Option<Self> {
        let mut parts: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
        parts.reverse();
        for part in parts {
            let what = match (part.symlink_metadata(), fs::metadata(part)) {
                (Ok(_), Ok(there)) if there.is_dir() => continue,
                (Ok(_), Ok(_)) => What::NotAFolder,
                (Ok(there), Err(_)) if there.is_symlink() => What::BrokenLink(target(part)),
                // Nothing is there, nor below it, or it cannot be seen.
                _ => return None,
            };
            return Some(Self::new(part, what));
        }
        None
    }

    /// What prevents that a file is at this path.
    pub fn to_file(path: &Path) -> Option<Self> {
        if let Some(found) = path.parent().and_then(Self::to_folder) {
            return Some(found);
        }
        let what = match (path.symlink_metadata().ok()?, fs::metadata(path)) {
            (_, Ok(there)) if there.is_file() => return None,
            (_, Ok(there)) if there.is_dir() => What::Folder,
            (_, Ok(_)) => What::NotAFile,
            (there, Err(_)) if there.is_symlink() => What::BrokenLink(target(path)),
            _ => return None,
        };
        Some(Self::new(path, what))
    }

    /// Something of somebody else; `sign` says how that was noticed.
    pub fn foreign(path: &Path, sign: impl Into<String>) -> Self {
        Self::new(path, What::Foreign(sign.into()))
    }

    fn new(path: &Path, what: What) -> Self {
        Self {
            path: path.to_owned(),
            what,
        }
    }

    /// Whether it is a file or folder of somebody else.
    pub fn is_foreign(&self) -> bool {
        matches!(self.what, What::Foreign(_))
    }

    /// What is there.
    pub fn text(&self) -> String {
        let path = self.path.display();
        match &self.what {
            What::BrokenLink(target) => format!("{path}: is a broken link: nothing is at {}", target.display()),
            What::Folder => format!("{path}: is a folder; a file belongs there"),
            What::NotAFolder => format!("{path}: is not a folder; a folder belongs there"),
            What::NotAFile => format!("{path}: is neither a file nor a folder; a file belongs there"),
            What::Foreign(sign) => format!("{path}: was not made by Kinescore ({sign})"),
        }
    }

    /// The command that clears it away: a broken link is removed, everything else gets another name.
    pub fn remedy(&self) -> String {
        match self.what {
            What::BrokenLink(_) => format!("rm {}", quoted(&self.path)),
            _ => format!("mv {} {}", quoted(&self.path), quoted(&free_name(&self.path))),
        }
    }

    /// Why nothing is installed there.
    pub fn refusal(&self) -> Failure {
        refused(format!("{}; move it away first: {}", self.text(), self.remedy()))
    }
}

/// A command line that clears obstacles away and then runs `command`; with `sudo` if that does.
pub fn cleared(obstacles: &[Obstacle], command: &str) -> String {
    let sudo = if command.starts_with("sudo ") { "sudo " } else { "" };
    let mut commands: Vec<String> = obstacles
        .iter()
        .map(|obstacle| format!("{sudo}{}", obstacle.remedy()))
        .collect();
    commands.push(command.to_owned());
    commands.join(" && ")
}

/// What a link points to.
fn target(link: &Path) -> PathBuf {
    let target = fs::read_link(link).unwrap_or_default();
    link.parent()
        .map_or_else(|| target.clone(), |folder| folder.join(&target))
}

/// The path with `.old` at its end, or `.old2` and so on if that is taken.
fn free_name(path: &Path) -> PathBuf {
    let named = |number: u32| {
        let mut name = OsString::from(path.as_os_str());
        name.push(".old");
        if number > 1 {
            name.push(number.to_string());
        }
        PathBuf::from(name)
    };
    (1..)
        .map(named)
        .find(|place| place.symlink_metadata().is_err())
        .unwrap_or_else(|| named(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_is_in_the_way_is_named_with_the_command_that_clears_it_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("a folder")).expect("a folder");
        fs::write(at("file"), "").expect("a file");
        symlink("nowhere", at("broken")).expect("a link");
        symlink(at("file"), at("whole")).expect("a link");
        for (place, parts) in [
            ("a folder", &["is a folder", "mv '", "a folder.old'"][..]),
            ("file/deeper/still", &["/file: is not a folder", "mv ", "file.old"]),
            ("broken", &["broken link: nothing is at ", "/nowhere", "rm "]),
            ("broken/below", &["/broken: is a broken link", "rm "]),
        ] {
            let found = Obstacle::to_file(&at(place)).expect(place);
            let text = format!("{}\n{}", found.text(), found.remedy());
            for part in parts {
                assert!(text.contains(part), "'{part}' is not in {text}");
            }
        }
        for place in ["file", "whole", "a folder/new", "none/at/all"] {
            assert_eq!(Obstacle::to_file(&at(place)), None, "{place}");
        }
        fs::write(at("a folder.old"), "").expect("a file");
        let found = Obstacle::to_file(&at("a folder")).expect("a folder");
        assert_eq!(
            cleared(&[found], "sudo kinescore install ofx"),
            format!(
                "sudo mv '{0}' '{0}.old2' && sudo kinescore install ofx",
                at("a folder").display()
            )
        );
    }
}
