//! DaVinci Resolve: a script for the menu Workspace > Scripts.

use super::entry::Entry;
use super::files::{File, Plan};
use super::obstacle::Obstacle;
use super::places::{self, Places};
use super::refusal::folder;
use crate::exit::Failure;
use crate::resources;
use serde_json::json;
use std::fs;
use std::ops::Range;
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

/// The beginning of the statement with the user's own settings, which the script invites to edit.
const USERS: &str = "SETTINGS = ";

/// Plans to install the script, and returns the user's next step.
pub fn install(to: Option<&Path>) -> Result<(Plan, String), Failure> {
    let path = script(to)?;
    if let Some(obstacle) = in_the_way(&path) {
        return Err(obstacle.refusal());
    }
    let before = fs::read_to_string(&path).unwrap_or_default();
    let script = with_settings_of(SCRIPT, &before);
    let mut plan = Plan::default();
    plan.write(path, File::new(filled(&script, &Places::find()?)?));
    let next = "Next: on Resolve's Edit page, put the playhead on a clip, then choose Workspace > Scripts > kinescore_soundtrack.";
    Ok((plan, next.to_owned()))
}

/// Plans to remove the script.
pub fn uninstall(to: Option<&Path>) -> Result<Plan, Failure> {
    let path = script(to)?;
    let mut plan = Plan::default();
    if is_ours(&path) {
        plan.remove(path);
        if let (None, Some(data)) = (to, data_folder()) {
            plan.remove_emptied(&data);
        }
    }
    Ok(plan)
}

/// Where the script is in the user's folder; `None` if that is not known.
pub fn place() -> Option<PathBuf> {
    script(None).ok()
}

/// What prevents that the script is installed at this path.
pub fn in_the_way(path: &Path) -> Option<Obstacle> {
    let foreign = || {
        let sign = format!("it has no line '{OURS}'");
        (path.exists() && !is_ours(path)).then(|| Obstacle::foreign(path, sign))
    };
    Obstacle::to_file(path).or_else(foreign)
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
        is_changed: rest(&text) != rest(&with_settings_of(SCRIPT, &text)),
        file,
    }))
}

/// A script with the statement of settings of another, if that has one which is complete.
fn with_settings_of(script: &str, other: &str) -> String {
    match (settings(script), settings(other)) {
        (Some(place), Some(users)) => [&script[..place.start], &other[users], &script[place.end..]].concat(),
        _ => script.to_owned(),
    }
}

/// Where in a script the statement with the settings is, up to the end of the line with its last
/// bracket.
fn settings(script: &str) -> Option<Range<usize>> {
    let starts_a_line = |at: &usize| *at == 0 || script[..*at].ends_with('\n');
    let start = script.match_indices(USERS).map(|(at, _)| at).find(starts_a_line)?;
    let (mut open, mut quote, mut is_escaped, mut in_comment) = (0_usize, None, false, false);
    for (at, letter) in script[start..].char_indices() {
        match (letter, quote) {
            ('\n', None) if open == 0 => return Some(start..start + at),
            // A text does not go on in the next line.
            ('\n', Some(_)) => return None,
            ('\n', None) => in_comment = false,
            _ if in_comment => {}
            (_, Some(_)) if is_escaped => is_escaped = false,
            ('\\', Some(_)) => is_escaped = true,
            (mark, Some(begun)) if mark == begun => quote = None,
            ('"' | '\'', None) => quote = Some(letter),
            ('#', None) => in_comment = true,
            ('[' | '(', None) => open += 1,
            (']' | ')', None) => open = open.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// The folder of the data of the user's programs.
fn data_folder() -> Option<PathBuf> {
    resources::user_folder("XDG_DATA_HOME", ".local/share")
}

fn script(to: Option<&Path>) -> Result<PathBuf, Failure> {
    let usual = data_folder().map(|data| data.join(SCRIPTS));
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
    #[test]
    fn the_users_settings_are_kept_however_they_are_spelled() {
        let of = |settings: &str| SCRIPT.replace("SETTINGS = []", settings);
        for settings in [
            "SETTINGS = [\"--style\", \"funk\"]  # mine",
            "SETTINGS = [\n    '--chords', 'Am ] F',  # a ] in a comment\n    \"a \\\" [\",\n]",
            "SETTINGS = []",
        ] {
            assert_eq!(with_settings_of(SCRIPT, &of(settings)), of(settings), "{settings}");
        }
        for damaged in [
            "SETTINGS = [\"--style\"",
            "SETTINGS = [\"--style]",
            "SETTINGS = []]",
            "OTHER = []",
        ] {
            assert_eq!(with_settings_of(SCRIPT, &of(damaged)), SCRIPT, "{damaged}");
        }
        assert_eq!(with_settings_of(SCRIPT, ""), SCRIPT);
    }
}
