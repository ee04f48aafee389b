//! A plan of files to write and remove, which can be described or carried out.

use crate::exit::Failure;
use crate::outputs;
use crate::progress::Console;
use kinescore::Error;
use kinescore::host::atomically;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// One change to a file or folder.
enum Step {
    Write {
        path: PathBuf,
        file: File,
    },
    Remove {
        path: PathBuf,
    },
    RemoveFolder {
        path: PathBuf,
    },
    /// A folder above ours, which is removed if that is possible.
    RemoveEmptied {
        path: PathBuf,
    },
}

impl Step {
    /// What is written or removed.
    fn path(&self) -> &Path {
        let (Self::Write { path, .. }
        | Self::Remove { path }
        | Self::RemoveFolder { path }
        | Self::RemoveEmptied { path }) = self;
        path
    }

    /// The folder in which something has to change.
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::RemoveEmptied { .. } => None,
            _ => Some(self.path().parent().unwrap_or(Path::new("/"))),
        }
    }
}

/// The content of a file to be written.
pub struct File {
    /// The whole content.
    pub content: Vec<u8>,
    /// Its permissions; if `None`, those of the existing file, or the default ones.
    pub mode: Option<u32>,
    /// If a file of the user is changed: the changed lines, for `--dry-run`.
    pub lines: Vec<String>,
}

impl File {
    /// A file that belongs to Kinescore alone.
    pub fn new(content: impl Into<Vec<u8>>) -> Self {
        Self {
            content: content.into(),
            mode: None,
            lines: Vec::new(),
        }
    }
}

/// Steps in their order.
#[derive(Default)]
pub struct Plan(Vec<Step>);

impl Plan {
    /// Plans to write a file, unless it exists with this content.
    pub fn write(&mut self, path: PathBuf, file: File) {
        let there = fs::read(&path).is_ok_and(|content| content == file.content)
            && file.mode.is_none_or(|mode| mode_of(&path) == Some(mode));
        if !there {
            self.0.push(Step::Write { path, file });
        }
    }

    /// Plans to remove a file.
    pub fn remove(&mut self, path: PathBuf) {
        self.0.push(Step::Remove { path });
    }

    /// Plans to remove a folder that will be empty.
    pub fn remove_folder(&mut self, path: PathBuf) {
        self.0.push(Step::RemoveFolder { path });
    }

    /// Plans to remove the folders above what is removed, as long as nothing else is in them; only
    /// those below `limit`, which is not ours.
    pub fn remove_emptied(&mut self, limit: &Path) {
        let is_removal = |step: &&Step| !matches!(step, Step::Write { .. });
        let mut gone: BTreeSet<PathBuf> = self
            .0
            .iter()
            .filter(is_removal)
            .map(|step| step.path().to_owned())
            .collect();
        let above = |path: &PathBuf| -> Vec<PathBuf> {
            let inside = |folder: &&Path| folder.starts_with(limit) && *folder != limit;
            path.ancestors()
                .skip(1)
                .take_while(inside)
                .map(Path::to_owned)
                .collect()
        };
        let mut folders: Vec<PathBuf> = gone.iter().flat_map(above).collect();
        // The deepest folders come first.
        folders.sort_by_key(|folder| (std::cmp::Reverse(folder.components().count()), folder.clone()));
        folders.dedup();
        for folder in folders {
            let is_empty =
                |mut entries: fs::ReadDir| entries.all(|entry| entry.is_ok_and(|entry| gone.contains(&entry.path())));
            if !gone.contains(&folder) && !folder.is_symlink() && fs::read_dir(&folder).is_ok_and(is_empty) {
                gone.insert(folder.clone());
                self.0.push(Step::RemoveEmptied { path: folder });
            }
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What would be done, one change per line.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for step in &self.0 {
            // Writing to a String cannot fail.
            let _ = match step {
                Step::Write { path, file } => {
                    let lines = file
                        .lines
                        .iter()
                        .map(|line| format!("    {line}\n"))
                        .collect::<String>();
                    writeln!(text, "would write {}", path.display()).and_then(|()| text.write_str(&lines))
                }
                Step::Remove { path } => writeln!(text, "would remove {}", path.display()),
                Step::RemoveFolder { path } | Step::RemoveEmptied { path } => {
                    writeln!(text, "would remove the folder {}", path.display())
                }
            };
        }
        text
    }

    /// Carries out the plan and prints each step. First checks that all folders can be written, so
    /// that nothing is left half done.
    ///
    /// # Errors
    /// Those of [`Error::Output`].
    pub fn carry_out(&self, console: &Console) -> Result<(), Failure> {
        let folders: BTreeSet<&Path> = self.0.iter().filter_map(Step::folder).collect();
        for folder in folders {
            outputs::check_folder(folder)?;
        }
        for step in &self.0 {
            match step {
                Step::Write { path, file } => {
                    write(path, file)?;
                    console.say(&format!("wrote {}", path.display()));
                }
                Step::Remove { path } => {
                    fs::remove_file(path).map_err(Error::output(path))?;
                    console.say(&format!("removed {}", path.display()));
                }
                Step::RemoveFolder { path } => remove_empty(path)?,
                Step::RemoveEmptied { path } => {
                    // It may belong to somebody else; empty, it does no harm.
                    let _ = fs::remove_dir(path);
                }
            }
        }
        Ok(())
    }
}

fn write(path: &Path, file: &File) -> Result<(), Error> {
    // A link of the user is kept: the file that it points to is written.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(Error::output(folder))?;
    }
    let mode = file.mode.or_else(|| mode_of(&target));
    atomically(&target, |temporary| {
        let done = fs::write(temporary, &file.content).and_then(|()| {
            mode.map_or(Ok(()), |mode| {
                fs::set_permissions(temporary, Permissions::from_mode(mode))
            })
        });
        done.map_err(Error::output(temporary))
    })
}

/// The permissions of a file.
pub fn mode_of(path: &Path) -> Option<u32> {
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

fn remove_empty(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir(folder) {
        // A file has been added in the meantime: the folder stays.
        Err(e) if matches!(e.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound) => Ok(()),
        result => result.map_err(Error::output(folder)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emptied_folders_are_removed_up_to_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for file in [
            "limit/a/b/ours",
            "limit/a/c/d/ours",
            "limit/kept/theirs",
            "limit/kept/e/ours",
        ] {
            fs::create_dir_all(at(file).parent().expect("a folder")).expect("a folder");
            fs::write(at(file), "").expect("a file");
        }
        let mut plan = Plan::default();
        for file in ["limit/a/b/ours", "limit/a/c/d/ours", "limit/kept/e/ours"] {
            plan.remove(at(file));
        }
        plan.remove_emptied(&at("limit"));
        assert!(
            plan.describe()
                .contains(&format!("the folder {}\n", at("limit/a").display()))
        );
        plan.carry_out(&Console::new(true)).expect("removed");
        assert!(!at("limit/a").exists() && !at("limit/kept/e").exists());
        assert!(at("limit/kept/theirs").exists());
        fs::remove_dir_all(at("limit/kept")).expect("removed");
        plan.carry_out(&Console::new(true)).expect_err("the files are gone");
        assert!(at("limit").exists(), "the limit stays, empty as it is");
    }

    #[test]
    fn links_and_permissions_of_the_user_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("real.rc"), folder.path().join("link.rc"));
        fs::write(&file, "old").expect("a file");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("rights");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        let mut plan = Plan::default();
        plan.write(link.clone(), File::new("old"));
        assert!(plan.is_empty(), "it is there like this");
        plan.write(link.clone(), File::new("new"));
        plan.carry_out(&Console::new(true)).expect("written");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("the file"), "new");
        assert_eq!(mode_of(&file), Some(0o600));
    }
}
