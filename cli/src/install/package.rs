//! A folder of ours among an editor's add-ons or plugins. A list of our files lies in it, so that
//! only they are replaced and removed, those of earlier versions too.

use super::files::{File, Plan};
use super::refusal::refused;
use crate::exit::Failure;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Tells add-ons and plugins where library, program and models are.
pub const PLACES: &str = "places.json";
/// The list of our files, a path a line.
const LIST: &str = "installed.txt";

/// A folder that is ours.
pub struct Package {
    root: PathBuf,
    /// Where places.json and the list lie.
    records: PathBuf,
}

impl Package {
    /// The package at `root`, which keeps its records in the folder `records` below.
    pub fn new(root: PathBuf, records: &str) -> Self {
        let records = root.join(records);
        Self { root, records }
    }

    /// Plans to write these files, by their paths below the package's folder, with places.json and
    /// the list; and to remove those of an earlier version.
    ///
    /// # Errors
    /// A refusal where there is a folder of that name that is not ours.
    pub fn install(&self, plan: &mut Plan, mut files: Vec<(PathBuf, File)>, places: String) -> Result<(), Failure> {
        if !self.is_ours() && fs::read_dir(&self.root).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(refused(format!(
                "{}: this folder was not made by Kinescore (it has no {PLACES}); move it away first",
                self.root.display()
            )));
        }
        // A folder that was copied from one in use brings the records of that one.
        let records = self.records();
        files.retain(|(path, _)| !records.contains(&self.root.join(path)));
        let mut stale = self.listed();
        let mut list: Vec<String> = files.iter().map(|(path, _)| format!("{}\n", path.display())).collect();
        list.sort();
        // The records come first: a folder that is left half-filled is known as ours.
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

    /// Plans to remove our files and the folders that are empty then.
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

    /// The files that the list names. A path that leads out of the folder is ignored.
    fn listed(&self) -> BTreeSet<PathBuf> {
        let list = fs::read_to_string(self.records.join(LIST)).unwrap_or_default();
        list.lines()
            .map(PathBuf::from)
            .filter(|path| path.components().all(|part| matches!(part, Component::Normal(_))))
            .collect()
    }

    /// Those of these files that are there, and what Python has compiled of them.
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
        // Those that lie deepest come first.
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
        folders.dedup();
        // The records go last, for the same reason as they come first.
        let (records, files): (Vec<_>, Vec<_>) = gone.iter().cloned().partition(|path| self.records().contains(path));
        files.into_iter().chain(records).for_each(|path| plan.remove(path));
        for folder in folders {
            let mut entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            if entries.all(|entry| gone.contains(&entry.path())) && gone.insert(folder.clone()) {
                plan.remove_folder(folder);
            }
        }
    }

    /// The folders that a file lies in, up to the package's own.
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
