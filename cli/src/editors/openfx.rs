//! The OpenFX bundle in the folders that hosts search.

use super::finding::{Findings, run};
use super::opening::{Content, opened};
use super::recorded;
use crate::install::{BUNDLE, OFX_PLUGINS, OFX_RESOURCES, bundle_in, bundle_of_program, checksum, cleared};
use crate::resources;
use crate::typed::{self, quoted};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const EDITOR: &str = "OpenFX";

/// The lists in which hosts keep what they have found in plugins: the user's folder by its variable
/// and its place below the home folder, the host's folder in it, and how the names begin.
const HOST_LISTS: &[(&str, &str, &str, &str)] = &[
    ("XDG_DATA_HOME", ".local/share", "DaVinciResolve", "OFXPluginCache"),
    ("XDG_CACHE_HOME", ".cache", "INRIA/Natron", "OFX"),
];

/// The folder of this machine's binaries in a bundle, by the OpenFX specification.
const BINARIES: &str = if cfg!(target_arch = "x86_64") {
    "Linux-x86-64"
} else if cfg!(target_arch = "aarch64") {
    "Linux-aarch64"
} else {
    "Linux-x86"
};

pub(super) fn check(findings: &mut Findings) {
    let searched = searched();
    let bundles: Vec<PathBuf> = searched.iter().map(|folder| folder.join(BUNDLE)).collect();
    let bundles: Vec<&PathBuf> = bundles
        .iter()
        // A broken link is there as well.
        .filter(|bundle| bundle.symlink_metadata().is_ok())
        .collect();
    if bundles.is_empty() {
        let folders: Vec<String> = searched.iter().map(|folder| folder.display().to_string()).collect();
        let text = format!(
            "not installed: no {BUNDLE} in {}\nto install it: {}",
            folders.join(", "),
            typed::as_root(&["install", "ofx"])
        );
        return findings.note(EDITOR, text);
    }
    if let [first, others @ ..] = &bundles[..]
        && !others.is_empty()
    {
        let others: Vec<String> = others.iter().map(|bundle| bundle.display().to_string()).collect();
        let text = format!(
            "hosts use one of several bundles: {}, {}",
            first.display(),
            others.join(", ")
        );
        findings.note(EDITOR, text);
    }
    for bundle in bundles {
        check_bundle(findings, bundle);
    }
}

/// The folders that hosts search: those of OFX_PLUGIN_PATH, and the system's.
fn searched() -> Vec<PathBuf> {
    let named = resources::variable("OFX_PLUGIN_PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&named)
        .filter(|folder| !folder.as_os_str().is_empty())
        .collect();
    folders.push(PathBuf::from(OFX_PLUGINS));
    folders.dedup();
    folders
}

fn check_bundle(findings: &mut Findings, bundle: &Path) {
    let before = findings.0.len();
    let to = bundle.parent().unwrap_or(Path::new("/"));
    let install = match to == Path::new(OFX_PLUGINS) {
        true => typed::as_root(&["install", "ofx"]),
        false => typed::command(&["install", "ofx", "--to", &to.to_string_lossy()]),
    };
    let package = bundle_in(to);
    let newest = bundle_of_program();
    let binary_name = Path::new("Contents").join(BINARIES).join("Kinescore.ofx");
    let mut files: BTreeSet<PathBuf> = package.listed().into_keys().collect();
    files.extend([PathBuf::from("Contents/Info.plist"), binary_name.clone()]);
    let of_newest = newest.iter().flat_map(|bundle| &bundle.files);
    files.extend(of_newest.map(|(path, _)| path.clone()));
    let obstacles = package.obstacles(&files);
    let command = cleared(&obstacles, &install);
    let mend = run(&command);
    // Each file is reported once.
    let mut reported: BTreeSet<PathBuf> = BTreeSet::new();
    // That the records are missing is reported below.
    for obstacle in obstacles.iter().filter(|obstacle| !obstacle.is_foreign()) {
        findings.bad(EDITOR, obstacle.text(), &mend);
        reported.insert(obstacle.path.clone());
    }
    let contents = bundle.join("Contents");
    if !contents.is_dir() {
        if reported.is_empty() {
            let what = match contents.symlink_metadata() {
                Ok(_) => format!("{}: is not a folder; a folder belongs there", contents.display()),
                Err(_) => format!("{}: has no folder Contents", bundle.display()),
            };
            findings.bad(EDITOR, what, &mend);
        }
        return;
    }
    let information = contents.join("Info.plist");
    if !reported.contains(&information) {
        let what = match fs::read_to_string(&information) {
            Ok(text) if text.contains("<plist") && text.trim_end().ends_with("</plist>") => None,
            Ok(_) => Some("is damaged".to_owned()),
            Err(error) => Some(format!("cannot be read: {error}")),
        };
        if let Some(what) = what {
            findings.bad(EDITOR, format!("{}: {what}", information.display()), &mend);
            reported.insert(information);
        }
    }
    let binary = bundle.join(&binary_name);
    if !reported.contains(&binary) && !is_there(findings, &contents, &binary, &mend) {
        reported.insert(binary.clone());
    }
    let damaged = match obstacles.iter().any(|obstacle| obstacle.is_foreign()) {
        true => Vec::new(),
        false => package.damage(),
    };
    for (path, what) in damaged.iter().filter(|(path, _)| !reported.contains(path)) {
        findings.bad(EDITOR, format!("{}: {what}", path.display()), &mend);
    }
    if binary.is_file() {
        check_binary(findings, &binary, &mend);
        check_lists(findings, &binary);
    }
    recorded::check(findings, EDITOR, &bundle.join(OFX_RESOURCES), &command);
    if findings.all_well_since(before) {
        findings.good(EDITOR, format!("{} is complete", bundle.display()));
        let is_other =
            |(path, content): &(PathBuf, Vec<u8>)| package.listed().get(path) != Some(&Some(checksum(content)));
        if let Some(newest) = newest.filter(|bundle| bundle.files.iter().any(is_other)) {
            let text = format!(
                "{} is not the bundle that belongs to this program, {}\nto install that one: {install}",
                bundle.display(),
                newest.place.display()
            );
            findings.note(EDITOR, text);
        }
    }
}

/// Whether the binary for this machine exists.
fn is_there(findings: &mut Findings, contents: &Path, binary: &Path, mend: &str) -> bool {
    if binary.is_file() {
        return true;
    }
    let others: Vec<String> = fs::read_dir(contents)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("Kinescore.ofx").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let instead = match &others[..] {
        [] => String::new(),
        others => format!("; it is built for {}", others.join(", ")),
    };
    findings.bad(EDITOR, format!("{}: is missing{instead}", binary.display()), mend);
    false
}

/// Opens the binary as a host would.
fn check_binary(findings: &mut Findings, binary: &Path, mend: &str) {
    let what = match opened(binary, Content::Plugin) {
        Ok(0) => format!("{}: has no plugins", binary.display()),
        Ok(_) => return findings.good(EDITOR, format!("{} can be opened", binary.display())),
        Err(reason) if reason.contains("`GLIBC_") => format!(
            "{} cannot be opened: {reason}\nit was built for a newer system; install the package that was built for this one",
            binary.display()
        ),
        Err(reason) => format!("{} cannot be opened: {reason}", binary.display()),
    };
    findings.bad(EDITOR, what, mend);
}

/// Hosts do not look again at a plugin that is in their list; a list that is older than the plugin
/// describes an earlier one.
fn check_lists(findings: &mut Findings, binary: &Path) {
    let Ok(installed) = fs::metadata(binary).and_then(|found| found.modified()) else {
        return;
    };
    for (variable, below_home, host, name) in HOST_LISTS {
        let Some(folder) = resources::user_folder(variable, below_home).map(|folder| folder.join(host)) else {
            continue;
        };
        for list in lists(&folder, name, 3) {
            let written = fs::metadata(&list).and_then(|found| found.modified());
            if written.unwrap_or(SystemTime::UNIX_EPOCH) < installed {
                let what = format!("{} is older than the plugin: the editor may not see it", list.display());
                findings.bad(
                    EDITOR,
                    what,
                    run(&format!("rm {}, then restart the editor", quoted(&list))),
                );
            }
        }
    }
}

/// XML files in the folder, and folders below it to this depth, whose names begin so.
fn lists(folder: &Path, name: &str, depth: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && depth > 1 {
            found.extend(lists(&path, name, depth - 1));
        } else if path.extension().is_some_and(|extension| extension == "xml")
            && entry.file_name().to_string_lossy().starts_with(name)
        {
            found.push(path);
        }
    }
    found.sort();
    found
}
