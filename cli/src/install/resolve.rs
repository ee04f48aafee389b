//! DaVinci Resolve: a script for the menu Workspace > Scripts.

use super::entry::Entry;
use super::files::{File, Plan};
use super::places::{self, Places};
use super::refusal::{folder, refused};
use crate::exit::Failure;
use crate::resources;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// The template of the script. Lines such as `PROGRAM = …` are filled in.
const SCRIPT: &str = include_str!("../../../plugin/resolve/kinescore_soundtrack.py");
/// File name of the script, which DaVinci Resolve shows in its menu.
const NAME: &str = "kinescore_soundtrack.py";
/// The line by which a file is recognised as Kinescore's script.
const OURS: &str = "# Kinescore's script for DaVinci Resolve.";
/// The folder of scripts for the Edit page, relative to the user's data folder.
const SCRIPTS: &str = "DaVinciResolve/Fusion/Scripts/Edit";

/// The beginnings of the lines that are filled in.
const VALUES: [&str; 3] = ["PROGRAM = ", "MODELS = ", "ONNXRUNTIME = "];

/// Plans to install the script, and returns the user's next step.
pub fn install(to: Option<&Path>) -> Result<(Plan, String), Failure> {
    let path = script(to)?;
    if path.exists() && !is_ours(&path) {
        return Err(refused(format!(
            "{}: this file was not made by Kinescore; move it away first",
            path.display()
        )));
    }
    let mut plan = Plan::default();
    plan.write(path, File::new(filled(SCRIPT, &Places::find()?)?));
    let next = "Next: on Resolve's Edit page, put the playhead on a clip, then choose Workspace > Scripts > kinescore_soundtrack.";
    Ok((plan, next.to_owned()))
}

/// Plans to remove the script.
pub fn uninstall(to: Option<&Path>) -> Result<Plan, Failure> {
    let path = script(to)?;
    let mut plan = Plan::default();
    if is_ours(&path) {
        plan.remove(path);
    }
    Ok(plan)
}

/// The script in the user's folder, if it is there.
pub fn script_of_user() -> Result<Option<Entry>, Failure> {
    let file = script(None)?;
    if !is_ours(&file) {
        return Ok(None);
    }
    let text = fs::read_to_string(&file).map_err(kinescore::Error::input(&file))?;
    let value = |start: &str| {
        let json = text.lines().find_map(|line| line.strip_prefix(start))?;
        serde_json::from_str::<PathBuf>(json).ok()
    };
    let folders = VALUES[1..].iter().filter_map(|start| value(start)).collect();
    let rest = |text: &str| -> String {
        let is_filled = |line: &&str| VALUES.iter().any(|start| line.starts_with(start));
        text.lines().filter(|line| !is_filled(line)).collect()
    };
    Ok(Some(Entry {
        program: value(VALUES[0]),
        folders,
        is_changed: rest(&text) != rest(SCRIPT),
        file,
    }))
}

fn script(to: Option<&Path>) -> Result<PathBuf, Failure> {
    let usual = resources::user_folder("XDG_DATA_HOME", ".local/share").map(|data| data.join(SCRIPTS));
    Ok(folder(to, usual)?.join(NAME))
}

fn is_ours(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line == OURS))
}

/// The script with the paths filled in. A JSON string is also a Python string.
fn filled(script: &str, places: &Places) -> Result<String, Failure> {
    let paths = [&places.program, &places.models, &places.onnxruntime];
    let values: Vec<(&str, &PathBuf)> = VALUES.into_iter().zip(paths).collect();
    let mut lines = Vec::new();
    for line in script.lines() {
        lines.push(match values.iter().find(|(start, _)| line.starts_with(start)) {
            Some((start, path)) => format!("{start}{}\n", json!(places::text(path)?)),
            None => format!("{line}\n"),
        });
    }
    Ok(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_recognised_as_ours_and_each_place_is_filled_in_once() {
        assert_eq!(SCRIPT.lines().filter(|line| *line == OURS).count(), 1);
        let places = Places {
            program: PathBuf::from("/opt/it's \"here\"/kinescore"),
            models: PathBuf::from("/opt/modèles"),
            onnxruntime: PathBuf::from("/opt/lib"),
        };
        let text = filled(SCRIPT, &places).expect("filled in");
        for line in [
            r#"PROGRAM = "/opt/it's \"here\"/kinescore""#,
            r#"MODELS = "/opt/modèles""#,
            r#"ONNXRUNTIME = "/opt/lib""#,
        ] {
            assert_eq!(text.lines().filter(|other| *other == line).count(), 1, "{line}");
        }
        assert_eq!(text.lines().count(), SCRIPT.lines().count());
    }
}
