//! Our folder among an editor's add-ons or plugins. It contains a list of our files with their
//! checksums, so that only these are replaced and removed, including those of earlier versions, and
//! damage is noticed.

use super::files::{File, Plan};
use super::obstacle::Obstacle;
use crate::exit::Failure;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// The file from which add-ons and plugins read where library, program and models are.
pub const PLACES: &str = "places.json";
/// The list of our files, as `sha256sum` writes and checks it in the package's folder. Lists of
/// earlier versions have the paths alone.
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
    /// A refusal if a folder of that name exists that is not ours, or something else is in the way.
    pub fn install(&self, plan: &mut Plan, mut files: Vec<(PathBuf, File)>, places: String) -> Result<(), Failure> {
        // A folder that was copied from an installed one contains the records of that one.
        let records = self.records();
        files.retain(|(path, _)| !records.contains(&self.root.join(path)));
        if let Some(obstacle) = self.obstacles(files.iter().map(|(path, _)| path)).first() {
            return Err(obstacle.refusal());
        }
        let mut stale: BTreeSet<PathBuf> = self.listed().into_keys().collect();
        let mut list: Vec<String> = files
            .iter()
            .map(|(path, file)| format!("{}  {}\n", checksum(&file.content), path.display()))
            .collect();
        list.sort_by(|a, b| a[CHECKSUM..].cmp(&b[CHECKSUM..]));
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

    /// What prevents that these files, given by their relative paths, are installed with the records.
    pub fn obstacles<'a>(&self, files: impl IntoIterator<Item = &'a PathBuf>) -> Vec<Obstacle> {
        if let Some(found) = Obstacle::to_folder(&self.root) {
            return vec![found];
        }
        if !self.is_ours() && fs::read_dir(&self.root).is_ok_and(|mut entries| entries.next().is_some()) {
            return vec![Obstacle::foreign(&self.root, format!("it has no {PLACES}"))];
        }
        let paths = files.into_iter().map(|path| self.root.join(path));
        let mut found: Vec<Obstacle> = Vec::new();
        for obstacle in self
            .records()
            .into_iter()
            .chain(paths)
            .filter_map(|path| Obstacle::to_file(&path))
        {
            if !found.contains(&obstacle) {
                found.push(obstacle);
            }
        }
        found
    }

    /// The files that are not as they were installed, each with what is wrong with it.
    pub fn damage(&self) -> Vec<(PathBuf, String)> {
        let [_, list] = self.records();
        let listed = self.listed();
        if listed.is_empty() {
            let what = match list.symlink_metadata() {
                Ok(_) => "is damaged: it lists no files".to_owned(),
                Err(_) => "is missing; it lists the files with their checksums".to_owned(),
            };
            return vec![(list, what)];
        }
        if listed.values().any(Option::is_none) {
            let what = "has files without checksums: it was written by an earlier version, or is damaged";
            return vec![(list, what.to_owned())];
        }
        let wrong = |(path, wanted): (PathBuf, Option<String>)| {
            let path = self.root.join(path);
            let what = match fs::read(&path) {
                Ok(content) if Some(checksum(&content)) == wanted => return None,
                Ok(_) => "was damaged or changed after it was installed".to_owned(),
                Err(error) if error.kind() == ErrorKind::NotFound => "is missing".to_owned(),
                Err(error) => format!("cannot be read: {error}"),
            };
            Some((path, what))
        };
        listed.into_iter().filter_map(wrong).collect()
    }

    /// Plans to remove our files and the folders that are then empty.
    pub fn uninstall(&self, plan: &mut Plan) {
        if !self.is_ours() {
            return;
        }
        let mut files = self.existing(self.listed().into_keys().collect());
        files.extend(self.records().into_iter().filter(|path| path.is_file()));
        self.plan_removal(plan, files);
    }

    /// Whether the folder was made by an installation: one of the records is enough.
    pub fn is_ours(&self) -> bool {
        self.records().iter().any(|path| path.is_file())
    }

    fn records(&self) -> [PathBuf; 2] {
        [PLACES, LIST].map(|name| self.records.join(name))
    }

    /// The files in the list, with their checksums. Paths that lead out of the folder are ignored.
    pub fn listed(&self) -> BTreeMap<PathBuf, Option<String>> {
        let list = fs::read_to_string(self.records.join(LIST)).unwrap_or_default();
        let entry = |line: &str| match line.split_once("  ") {
            Some((sum, path)) if is_checksum(sum) => (PathBuf::from(path), Some(sum.to_owned())),
            _ => (PathBuf::from(line), None),
        };
        list.lines()
            .filter(|line| !line.is_empty())
            .map(entry)
            .filter(|(path, _)| path.components().all(|part| matches!(part, Component::Normal(_))))
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

/// Length of a checksum.
const CHECKSUM: usize = 64;

/// The SHA-256 checksum of a file, in hexadecimal digits.
pub fn checksum(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn is_checksum(text: &str) -> bool {
    text.len() == CHECKSUM && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
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
