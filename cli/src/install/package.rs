//! Our folder among an editor's add-ons or plugins. It contains a list of our files, so that only
//! these are replaced and removed, including those of earlier versions.

use super::files::{File, Plan};
use super::refusal::refused;
use crate::exit::Failure;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The file from which add-ons and plugins read where library, program and models are.
pub const PLACES: &str = "places.json";
/// The list of our files, one path per line.
const LIST: &str = "installed.txt";

/// A folder of our own.
pub struct Package {
    root: PathBuf,
    /// The folder of places.json and the list.
    records: PathBuf,
}

impl Package {
    /// The package at `root`, with its records in the subfolder `records`.
    pub fn new(root: PathBuf, records: &str) -> Self {
        let records = root.join(records);
        Self { root, records }
    }

    /// Plans to write these files, given by their paths relative to the package's folder, with
    /// places.json and the list, and to remove those of an earlier version.
    ///
    /// # Errors
    /// A refusal if a folder of that name exists that is not ours.
    pub fn install(&self, plan: &mut Plan, mut files: Vec<(PathBuf, File)>, places: String) -> Result<(), Failure> {
        if !self.is_ours() && fs::read_dir(&self.root).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(refused(format!(
                "{}: this folder was not made by Kinescore (it has no {PLACES}); move it away first",
                self.root.display()
            )));
        }
        // A folder that was copied from an installed one contains the records of that one.
        let records = self.records();
        files.retain(|(path, _)| !records.contains(&self.root.join(path)));
        let mut stale = self.listed();
        let mut list: Vec<String> = files.iter().map(|(path, _)| format!("{}\n", path.display())).collect();
        list.sort();
        // The records come first, so that a half-filled folder is recognised as ours.
        for (path, content) in records.into_iter().zip([places, list.concat()]) {
            plan.write(path, File::new(content));
        }
        for (path, file) in files {
            stale.remove(&path);
            plan.write(self.root.join(path), file);
        }
        self.plan_removal(plan, self.existing(stale));
        Ok(())
    }

    /// Plans to remove our files and the folders that are then empty.
    pub fn uninstall(&self, plan: &mut Plan) {
        if !self.is_ours() {
            return;
        }
        let mut files = self.existing(self.listed());
        files.extend(self.records().into_iter().filter(|path| path.is_file()));
        self.plan_removal(plan, files);
    }

    fn is_ours(&self) -> bool {
        self.records.join(PLACES).is_file()
    }

    fn records(&self) -> [PathBuf; 2] {
        [PLACES, LIST].map(|name| self.records.join(name))
    }

    /// The files in the list. Paths that lead out of the folder are ignored.
    fn listed(&self) -> BTreeSet<PathBuf> {
        let list = fs::read_to_string(self.records.join(LIST)).unwrap_or_default();
        list.lines()
            .map(PathBuf::from)
            .filter(|path| path.components().all(|part| matches!(part, Component::Normal(_))))
            .collect()
    }

    /// The files among `files` that exist, and those that Python has compiled from them.
    fn existing(&self, files: BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for path in files {
            let path = self.root.join(path);
            found.extend(compiled(&path));
            if path.is_file() {
                found.insert(path);
            }
        }
        found
    }

    fn plan_removal(&self, plan: &mut Plan, mut gone: BTreeSet<PathBuf>) {
        let mut folders: Vec<PathBuf> = gone.iter().flat_map(|path| self.folders_of(path)).collect();
        // The deepest folders come first.
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
        folders.dedup();
        // The records are removed last, for the same reason for which they are written first.
        let (records, files): (Vec<_>, Vec<_>) = gone.iter().cloned().partition(|path| self.records().contains(path));
        files.into_iter().chain(records).for_each(|path| plan.remove(path));
        for folder in folders {
            let mut entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            if entries.all(|entry| gone.contains(&entry.path())) && gone.insert(folder.clone()) {
                plan.remove_folder(folder);
            }
        }
    }

    /// The folders that contain a file, up to the package's own.
    fn folders_of(&self, path: &Path) -> Vec<PathBuf> {
        path.ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(&self.root))
            .map(Path::to_owned)
            .collect()
    }
}

/// `__pycache__/NAME.cpython-311.pyc` and the like of `NAME.py`.
fn compiled(path: &Path) -> Vec<PathBuf> {
    if path.extension().is_none_or(|extension| extension != "py") {
        return Vec::new();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned() + ".";
    let cache = path.with_file_name("__pycache__");
    let names = fs::read_dir(cache).into_iter().flatten().flatten();
    names
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&stem))
        .map(|entry| entry.path())
        .collect()
}
