//! The add-on of each version of Blender, or its extension.

use super::finding::{Findings, run};
use super::programs::UNKNOWN_HOME;
use super::recorded;
use crate::install::{AddonFolder, LIBRARY, Obstacle, Package, addon_files, addon_folders_of_user, addon_in, cleared};
use crate::resources;
use crate::typed::{self, quoted};
use std::fs;
use std::path::{Path, PathBuf};

/// The name by which Blender's preferences list an add-on.
const NAME: &[u8] = b"kinescore\0";

pub(super) fn check(findings: &mut Findings) {
    let Some(folders) = addon_folders_of_user() else {
        return findings.note("Blender", UNKNOWN_HOME);
    };
    if folders.is_empty() {
        return findings.note("Blender", "no version has been started by this user");
    }
    for folder in &folders {
        let editor = format!("Blender {}", folder.version);
        let copies: Vec<Copy> = Copy::of(folder)
            .into_iter()
            .filter(|copy| copy.place.symlink_metadata().is_ok())
            .collect();
        let Some(first) = copies.first() else {
            let text = format!(
                "not installed: {} is missing\nto install it: {}",
                Copy::of(folder)[1].place.display(),
                typed::command(&["install", "blender"])
            );
            findings.note(&editor, text);
            continue;
        };
        let whole: Vec<bool> = copies.iter().map(|copy| copy.check(findings, &editor)).collect();
        if let [extension, addon] = &copies[..] {
            check_twice(findings, &editor, extension, addon, whole[0] || !whole[1]);
        }
        let present = copies.iter().find(|copy| copy.place.is_dir()).unwrap_or(first);
        if present.place.is_dir() {
            is_enabled(findings, &editor, &folder.preferences, &present.place);
        }
    }
}

/// A copy of the add-on in a version of Blender.
struct Copy {
    /// The folder of add-ons or extensions.
    folder: PathBuf,
    /// The add-on's own folder.
    place: PathBuf,
    is_extension: bool,
    package: Package,
    /// The command that installs it there.
    install: String,
}

impl Copy {
    /// The extension, which is first among equals, and the add-on; either may be missing.
    fn of(folder: &AddonFolder) -> [Self; 2] {
        let has_extension = folder.extensions.join("kinescore").symlink_metadata().is_ok();
        [(&folder.extensions, true), (&folder.addons, false)].map(|(folder, is_extension)| Self {
            folder: folder.clone(),
            place: folder.join("kinescore"),
            is_extension,
            package: addon_in(folder),
            // Without a folder, versions that have the extension are left out.
            install: match has_extension {
                true => typed::command(&["install", "blender", "--to", &folder.to_string_lossy()]),
                false => typed::command(&["install", "blender"]),
            },
        })
    }

    /// Whether every file is as it should be.
    fn check(&self, findings: &mut Findings, editor: &str) -> bool {
        let before = findings.0.len();
        let files = addon_files();
        let obstacles = self.package.obstacles(files.iter().map(|(name, _)| name));
        let mend = self.mend(&obstacles);
        for obstacle in obstacles.iter().filter(|obstacle| !obstacle.is_foreign()) {
            findings.bad(editor, obstacle.text(), &mend);
        }
        if !self.place.is_dir() {
            return false;
        }
        for (name, content) in files {
            let path = self.place.join(name);
            if let Some(obstacle) = Obstacle::to_file(&path) {
                // What is in the way in a copy of our own is reported above.
                if !self.package.is_ours() {
                    findings.bad(editor, obstacle.text(), &mend);
                }
                continue;
            }
            let what = match fs::read(&path) {
                Ok(there) if there == content => continue,
                Ok(_) => format!("{}: is of another version, or was changed", path.display()),
                Err(error) => format!("{}: cannot be read: {error}", path.display()),
            };
            findings.bad(editor, what, &mend);
        }
        if self.package.is_ours() {
            recorded::check(findings, editor, &self.place, &cleared(&obstacles, &self.install));
        } else {
            // Installed by Blender from the zip.
            find_library(findings, editor);
        }
        let is_whole = findings.all_well_since(before);
        if is_whole {
            findings.good(editor, format!("{} is complete", self.place.display()));
        }
        is_whole
    }

    /// What mends this copy. Only `kinescore install` mends what it has installed, and only Blender
    /// what it has installed from the zip.
    fn mend(&self, obstacles: &[Obstacle]) -> String {
        let is_link = !self.place.is_dir();
        if self.package.is_ours() || is_link && !self.is_extension {
            return run(&cleared(obstacles, &self.install));
        }
        let menu = match self.is_extension {
            true => "Edit > Preferences > Get Extensions > Install from Disk",
            false => "Edit > Preferences > Add-ons > Install",
        };
        let zip = format!("in Blender, {menu}: choose the zip of Kinescore again");
        match obstacles {
            [link] if is_link => format!("to mend it: {}, then {zip}", link.remedy()),
            _ if self.is_extension => format!("to mend it: {zip}\nto remove it: rm -r {}", quoted(&self.place)),
            _ => format!("to mend it: {zip}\nor: {}", cleared(obstacles, &self.install)),
        }
    }
}

/// Blender would load both copies, and each of them would answer to every edit.
fn check_twice(findings: &mut Findings, editor: &str, extension: &Copy, addon: &Copy, keeps_extension: bool) {
    let what = format!(
        "Kinescore is there twice: as an extension, {}, and as an add-on, {}",
        extension.place.display(),
        addon.place.display()
    );
    let (gone, kind) = match keeps_extension {
        true => (addon, "add-on"),
        false => (extension, "extension"),
    };
    let command = match gone.package.is_ours() {
        true => typed::command(&["uninstall", "blender", "--to", &gone.folder.to_string_lossy()]),
        false if gone.place.is_dir() && !gone.place.is_symlink() => format!("rm -r {}", quoted(&gone.place)),
        false => format!("rm {}", quoted(&gone.place)),
    };
    findings.bad(editor, what, format!("to remove the {kind}: {command}"));
}

/// Looks for the library where an add-on without places.json looks for it.
fn find_library(findings: &mut Findings, editor: &str) {
    let folders = usual_folders();
    if let Some(library) = folders
        .iter()
        .map(|folder| folder.join(LIBRARY))
        .find(|file| file.is_file())
    {
        let text = format!(
            "no library is recorded: the add-on looks for it by itself, and finds {}",
            library.display()
        );
        findings.note(editor, text);
        return recorded::check_library(findings, editor, &library, None);
    }
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let mut text = format!(
        "no library is recorded: the add-on looks for it by itself, and does not find {LIBRARY} in {}\nunless its \
         preferences name a place already, choose one there: Edit > Preferences > Add-ons > Kinescore > Kinescore is in",
        folders.join(", ")
    );
    let unpacked = resources::program().ok();
    let unpacked = unpacked.as_deref().and_then(Path::parent).and_then(Path::parent);
    if let Some(folder) = unpacked.filter(|folder| folder.join("lib").join(LIBRARY).is_file()) {
        text += &format!("\nthis program is in {}", folder.display());
    }
    findings.note(editor, text);
}

/// The folders of libraries that the add-on searches: those of `_folders` in its `places.py`.
fn usual_folders() -> Vec<PathBuf> {
    let program = resources::search_path()
        .into_iter()
        .map(|folder| folder.join("kinescore"));
    let program = program
        .filter(|file| typed::is_program(file))
        .find_map(|file| file.canonicalize().ok());
    let beside = program.as_deref().and_then(Path::parent).and_then(Path::parent);
    let mut folders: Vec<PathBuf> = beside.map(|folder| folder.join("lib")).into_iter().collect();
    folders.extend(resources::variable("HOME").map(|home| home.join(".local/lib")));
    let kind = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    folders.extend(["/usr/local/lib", &kind, "/usr/lib64", "/usr/lib"].map(PathBuf::from));
    folders.dedup();
    folders
}

/// Reads Blender's preferences, a file of Blender's own format that is usually not compressed.
fn is_enabled(findings: &mut Findings, editor: &str, preferences: &Path, addon: &Path) {
    let Ok(bytes) = fs::read(preferences) else {
        let text = format!(
            "no preferences are saved at {}; enable Kinescore in Edit > Preferences > Add-ons",
            preferences.display()
        );
        return findings.note(editor, text);
    };
    if !bytes.starts_with(b"BLENDER") {
        let text = format!(
            "{}: is compressed, so whether the add-on is enabled is not known",
            preferences.display()
        );
        return findings.note(editor, text);
    }
    if bytes.windows(NAME.len()).any(|part| part == NAME) {
        findings.good(editor, "the add-on is enabled");
    } else {
        let what = format!("the add-on at {} is not enabled", addon.display());
        findings.bad(
            editor,
            what,
            "to mend it: in Blender, Edit > Preferences > Add-ons, enable Kinescore",
        );
    }
}
