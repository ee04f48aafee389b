//! The add-on of each version of Blender.

use super::finding::{Findings, run};
use super::recorded;
use crate::install::{AddonFolder, PLACES, addon_files, addon_folders_of_user};
use std::fs;
use std::path::Path;

const COMMAND: &str = "kinescore install blender";

/// The name by which Blender's preferences list an add-on.
const NAME: &[u8] = b"kinescore\0";

pub(super) fn check(findings: &mut Findings) {
    let folders = addon_folders_of_user();
    if folders.is_empty() {
        return findings.note("Blender", "no version has been started by this user");
    }
    for AddonFolder { version, addon, .. } in &folders {
        let editor = format!("Blender {version}");
        if !addon.exists() {
            let text = format!(
                "not installed: {} is missing\nto install it: {COMMAND}",
                addon.display()
            );
            findings.note(&editor, text);
            continue;
        }
        check_addon(findings, &editor, addon);
    }
    for AddonFolder {
        version,
        preferences,
        addon,
        ..
    } in folders.iter().filter(|folder| folder.addon.exists())
    {
        is_enabled(findings, &format!("Blender {version}"), preferences, addon);
    }
}

fn check_addon(findings: &mut Findings, editor: &str, addon: &Path) {
    let before = findings.0.len();
    for (name, content) in addon_files() {
        let path = addon.join(name);
        let what = match fs::read(&path) {
            Ok(there) if there == content => continue,
            Ok(_) => format!("{}: is of another version, or was changed", path.display()),
            Err(error) => format!("{}: cannot be read: {error}", path.display()),
        };
        findings.bad(editor, what, run(COMMAND));
    }
    if addon.join(PLACES).exists() {
        recorded::check(findings, editor, addon, COMMAND);
    } else {
        // Installed by Blender from the zip.
        findings.note(editor, "no library is recorded: the add-on looks for it by itself");
    }
    if findings.all_well_since(before) {
        findings.good(editor, format!("{} is complete", addon.display()));
    }
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
