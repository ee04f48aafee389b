//! Kdenlive: a clip job in `clipjobsettings.rc`. The file belongs to the user; our lines are merged
//! into it and removed from it.
//!
//! It is a KDE INI file with a group for each property of jobs, which has a line `job=value` per
//! job. Kdenlive splits the parameters at spaces and inserts the paths afterwards; it reads
//! `percentage: N` from standard error, and judges success by the output file, not by the exit
//! code.

use super::entry::Entry;
use super::files::{File, Plan};
use super::obstacle::Obstacle;
use super::places::{self, Places};
use super::refusal::{folder, refused};
use crate::exit::Failure;
use crate::resources::{self, MODELS_VARIABLE, RUNTIME_VARIABLE};
use kinescore::Settings;
use kinescore::settings::Setting;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file of clip jobs.
const FILE: &str = "clipjobsettings.rc";

/// The setting for which instruments are heard.
const INSTRUMENTS: &str = "music.instruments";
/// The ID of our job. Kdenlive uses UUIDs for the user's own jobs.
const JOB: &str = "kinescore-soundtrack";
/// The comment before each group that we add.
const ADDED: &str = "# Added by kinescore install";
/// The template of the job.
const TEMPLATE: &str = include_str!("../../../plugin/kdenlive/clipjobsettings.rc");

/// A group of the file, and our value in it.
type GroupValue = (&'static str, String);

/// Plans to add the job, and returns the user's next step.
pub fn install(to: Option<&Path>) -> Result<(Plan, String), Failure> {
    let path = file(to)?;
    if let Some(obstacle) = Obstacle::to_file(&path) {
        return Err(obstacle.refusal());
    }
    let entries = entries(&Places::find()?)?;
    let merged = merge(&read(&path)?.unwrap_or_default(), &entries);
    let mut plan = Plan::default();
    let lines = entries
        .iter()
        .map(|entry| format!("[{}] {}", entry.0, line(entry)))
        .collect();
    plan.write(
        path,
        File {
            lines,
            ..File::new(merged)
        },
    );
    let next = "Next: restart Kdenlive; then right-click a clip in the project bin, Media Jobs > Generate soundtrack.";
    Ok((plan, next.to_owned()))
}

/// Plans to remove the job from the file.
pub fn uninstall(to: Option<&Path>) -> Result<Plan, Failure> {
    let path = file(to)?;
    let mut plan = Plan::default();
    if let Some(text) = read(&path)? {
        let rest = without_ours(&text);
        if rest == text {
            return Ok(plan);
        }
        if rest.is_empty() {
            plan.remove(path);
            if let (None, Some(data)) = (to, data_folder()) {
                plan.remove_emptied(&data);
            }
        } else {
            let lines = text
                .split('\n')
                .filter(|line| is_ours(line))
                .map(|line| format!("without {line}"))
                .collect();
            plan.write(
                path,
                File {
                    lines,
                    ..File::new(rest)
                },
            );
        }
    }
    Ok(plan)
}

/// Kinescore's clip job in the user's file, if it is there. It counts as changed if one of its lines
/// is missing or its parameters are not those of this version; users may edit its name and its lists
/// of values.
pub fn job() -> Result<Option<Entry>, Failure> {
    let file = file(None)?;
    let text = read(&file)?.unwrap_or_default();
    let mut found = Vec::new();
    let mut group = "";
    for line in text.lines().map(str::trim) {
        if is_header(line) {
            group = line.trim_matches(['[', ']']);
        } else if is_ours(line)
            && let Some((_, value)) = line.split_once('=')
        {
            found.push((group, value));
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    let value = |group: &str| found.iter().find(|(name, _)| *name == group).map(|(_, value)| *value);
    let words: Vec<&str> = value("Parameters").unwrap_or_default().split(' ').collect();
    let named = |flag: &str| {
        let place = words.iter().position(|word| *word == flag)?;
        words
            .get(place + 1)
            .map(|path| PathBuf::from(path.replace("\\\\", "\\")))
    };
    let is_whole = template().all(|(group, wanted)| match (value(group), wanted.split_once("@PLACES@")) {
        (None, _) => false,
        (Some(there), Some((begin, _))) => there.starts_with(begin),
        (Some(_), None) => true,
    });
    Ok(Some(Entry {
        program: value("Binary").map(|path| PathBuf::from(path.replace("\\\\", "\\"))),
        folders: ["--models", "--onnxruntime"].into_iter().filter_map(named).collect(),
        is_changed: !is_whole,
        file,
    }))
}

/// The groups of the template, each with its value for our job.
fn template() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut group = "";
    TEMPLATE.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[') {
            group = name.trim_end_matches(']');
        }
        match line.split_once('=') {
            Some((JOB, value)) => Some((group, value)),
            _ => None,
        }
    })
}

fn file(to: Option<&Path>) -> Result<PathBuf, Failure> {
    let usual = data_folder().map(|data| data.join("kdenlive"));
    Ok(folder(to, usual)?.join(FILE))
}

/// Where the file is in the user's folder; `None` if that is not known.
pub fn place() -> Option<PathBuf> {
    file(None).ok()
}

/// The folder of the data of the user's programs.
fn data_folder() -> Option<PathBuf> {
    resources::user_folder("XDG_DATA_HOME", ".local/share")
}

/// The content of the file; `None` if it does not exist.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| {
            refused(format!(
                "{}: not UTF-8, which Kdenlive's files are; it is left unchanged",
                path.display()
            ))
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(refused(format!(
            "{}: cannot be read: {e}; it is left unchanged",
            path.display()
        ))),
    }
}

/// The lines of Kinescore's clip job: one value for each group.
fn entries(places: &Places) -> Result<Vec<GroupValue>, Failure> {
    let found = [
        flag_for("--models", places::text(&places.models)?, MODELS_VARIABLE)?,
        flag_for("--onnxruntime", places::text(&places.onnxruntime)?, RUNTIME_VARIABLE)?,
    ];
    let words = |key: &str| Setting::of(key).map(Setting::words).unwrap_or_default();
    let (styles, instruments) = (words("drums.style"), bands(&words(INSTRUMENTS)));
    let program = places::text(&places.program)?;
    // KDE reads a backslash as the start of an escape sequence.
    let escaped = |text: &str| text.replace('\\', "\\\\");
    let fill = |value: &str| {
        value
            .replace("@STYLES@", &styles.join("  "))
            .replace("@INSTRUMENTS@", &instruments.join("  "))
            .replace("@PLACES@", &escaped(&found.concat()))
            .replace("@PROGRAM@", &escaped(program))
    };
    Ok(template().map(|(group, value)| (group, fill(value))).collect())
}

/// The choices of instruments that Kdenlive offers, in which nothing can be typed: the default, all
/// of them, with and without drums, and each by itself, with drums, and with drums and bass.
fn bands(instruments: &[&str]) -> Vec<String> {
    let instruments: Vec<&str> = instruments.iter().copied().filter(|word| *word != "auto").collect();
    let with = |wanted: &[&str]| -> String {
        let chosen = instruments.iter().copied().filter(|word| wanted.contains(word));
        chosen.collect::<Vec<_>>().join(",")
    };
    let melodic: Vec<&str> = instruments.iter().copied().filter(|word| *word != "drums").collect();
    let mut choices = vec![
        Settings::default().get(INSTRUMENTS).unwrap_or_default(),
        with(&instruments),
        with(&melodic),
    ];
    choices.extend(instruments.iter().map(|word| with(&[word])));
    choices.extend(melodic.iter().map(|word| with(&["drums", word])));
    choices.extend(
        melodic
            .iter()
            .filter(|word| **word != "bass")
            .map(|word| with(&["drums", "bass", word])),
    );
    choices
}

/// ` --flag PATH`, or nothing if the path contains a space, at which Kdenlive would split it; the
/// program then has to find the file by itself.
fn flag_for(flag: &str, path: &str, variable: &str) -> Result<String, Failure> {
    if !path.contains(char::is_whitespace) {
        return Ok(format!(" {flag} {path}"));
    }
    if resources::variable(variable).is_some() {
        return Err(Failure::usage(format!(
            "{variable} = '{path}': Kdenlive splits the parameters of a job at spaces; use a folder whose path has no spaces"
        )));
    }
    Ok(String::new())
}

/// The file with our job in it: at the end of existing groups, or in new groups at the end of the
/// file.
fn merge(text: &str, entries: &[GroupValue]) -> String {
    let clean = without_ours(text);
    let mut lines: Vec<String> = clean.split('\n').map(str::to_owned).collect();
    for entry in entries {
        match end_of_group(&lines, entry.0) {
            Some(place) => lines.insert(place, line(entry)),
            None => {
                // Lines keep their line feeds, so that a file without a final line feed stays so.
                let end = lines.len() - usize::from(lines.last().is_some_and(String::is_empty));
                let group = [ADDED.to_owned(), format!("[{}]", entry.0), line(entry)];
                lines.splice(end..end, group);
            }
        }
    }
    lines.join("\n")
}

/// The file without our job; byte for byte the same as before [`merge`].
fn without_ours(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').filter(|line| !is_ours(line)).collect();
    let mut kept = Vec::new();
    let mut rest = lines.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != ADDED {
            kept.push(*first);
        } else if let Some((header, body)) = after.split_first()
            && is_header(header)
            && body
                .first()
                .is_none_or(|next| is_header(next) || *next == ADDED || (next.is_empty() && body.len() == 1))
        {
            rest = body;
        }
    }
    kept.join("\n")
}

fn line((_, value): &GroupValue) -> String {
    format!("{JOB}={value}")
}

/// Whether a line is a value of our job; KDE may append a flag to a key, `key[$e]=value`.
fn is_ours(line: &str) -> bool {
    line.split_once('=')
        .is_some_and(|(key, _)| key.split('[').next().unwrap_or_default().trim() == JOB)
}

fn is_header(line: &str) -> bool {
    line.trim().starts_with('[')
}

/// The position after the last value of a group.
fn end_of_group(lines: &[String], group: &str) -> Option<usize> {
    let header = lines.iter().position(|line| line.trim() == format!("[{group}]"))?;
    let body = lines[header + 1..].iter().take_while(|line| !is_header(line));
    let values = body
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
    Some(header + 1 + values.last().map_or(0, |(place, _)| place + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Vec<GroupValue> {
        let places = Places {
            program: PathBuf::from("/opt/a b\\c/kinescore"),
            models: PathBuf::from("/opt/models"),
            onnxruntime: PathBuf::from("/opt/lib"),
        };
        entries(&places).expect("the job")
    }

    /// Values by group and key, as KDE reads them.
    fn values(text: &str) -> Vec<(String, String, String)> {
        let mut group = String::new();
        let mut found = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                group = line.trim_matches(['[', ']']).to_owned();
            } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
                found.push((group.clone(), key.to_owned(), value.to_owned()));
            }
        }
        found
    }

    #[test]
    fn the_users_lines_stay_and_come_back_byte_for_byte() {
        for before in [
            "",
            "\n",
            "[Ids]\nmine=My job\n",
            "[Ids]\nmine=My job",
            "[Ids]",
            "# note\n\n[Binary]\n# of mine\nmine=/bin/x\n\n\n[Ids]\nmine=My job\nother=Other\n\n# the end\n",
            "[Ids]\r\nmine=My job\r\n",
            "[Output]\n[Ids]\n[Empty]\n\n",
            "[Ids][Sub]\nmine=x\n[Parameters]\nmine=-i {source} {output}\n[Ids]\nmine=1\n[Ids]\nlater=2\n",
        ] {
            let merged = merge(before, &job());
            assert_eq!(without_ours(&merged), before, "{before:?} gave {merged:?}");
            assert_eq!(merge(&merged, &job()), merged, "a second time changes nothing");
            let all = values(&merged);
            for known in values(before) {
                assert!(all.contains(&known), "{known:?} is not in {merged}");
            }
            for entry in job() {
                let ours = all.iter().filter(|(group, key, _)| *group == entry.0 && *key == JOB);
                assert_eq!(ours.count(), 1, "[{}] in {merged}", entry.0);
            }
            assert_eq!(all.len(), values(before).len() + job().len());
        }
    }

    #[test]
    fn after_the_user_has_changed_the_file_only_our_lines_are_removed() {
        let merged = merge("[Ids]\nmine=My job\n", &job());
        let changed = merged.replace("[Binary]\n", "[Binary]\nnew=/bin/new\n") + "new=A new job\n";
        let rest = without_ours(&changed);
        assert_eq!(
            rest,
            "[Ids]\nmine=My job\n[Binary]\nnew=/bin/new\n[Description]\nnew=A new job\n"
        );
        let again = merge(&changed, &job());
        assert_eq!(without_ours(&again), rest);

        // As Kdenlive rewrites it: sorted, with a blank line between groups, without comments.
        let saved = "[Binary]\nkinescore-soundtrack=/x\n\n[Ids]\nkinescore-soundtrack[$e]=My name\nmine=My job\n";
        assert_eq!(without_ours(saved), "[Binary]\n\n[Ids]\nmine=My job\n");
    }

    #[test]
    fn values_are_written_as_kde_reads_them() {
        let merged = merge("", &job());
        for line in [
            "[Binary]\nkinescore-soundtrack=/opt/a b\\\\c/kinescore\n",
            "--no-video --wav {output} --models /opt/models --onnxruntime /opt/lib\n",
            "[Param1List]\nkinescore-soundtrack=auto  ",
            "[EnabledTypes]\nkinescore-soundtrack=v\n",
        ] {
            assert!(merged.contains(line), "{line} is not in {merged}");
        }
    }

    #[test]
    fn the_values_offered_are_allowed_and_begin_with_the_default() {
        let mut settings = kinescore::Settings::default();
        for (group, key) in [("Param1List", "drums.style"), ("Param2List", "music.instruments")] {
            let (_, list) = job().into_iter().find(|(name, _)| *name == group).expect(group);
            let default = settings.get(key).expect("a setting");
            assert_eq!(list.split("  ").next(), Some(default.as_str()));
            for value in list.split("  ") {
                settings.set(key, value).expect("an allowed value");
            }
        }
    }

    #[test]
    fn every_style_and_many_choices_of_instruments_are_offered() {
        let offered = |group: &str| {
            let (_, list) = job().into_iter().find(|(name, _)| *name == group).expect(group);
            list.split("  ").map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            offered("Param1List"),
            Setting::of("drums.style").expect("a setting").words()
        );
        let bands = offered("Param2List");
        assert_eq!(bands[..2], ["auto", "drums,piano,guitar,bass,lead,pad,strings"]);
        for choice in [
            "drums",
            "strings",
            "drums,bass",
            "drums,bass,lead",
            "piano,guitar,bass,lead,pad,strings",
        ] {
            assert!(bands.iter().any(|band| band == choice), "{choice} is not in {bands:?}");
        }
        let mut once = bands.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), bands.len());
    }

    #[test]
    fn the_template_is_filled_in_completely() {
        let job = job();
        assert_eq!(job.len(), TEMPLATE.lines().filter(|line| line.starts_with('[')).count());
        assert!(job.iter().all(|(_, value)| !value.contains('@')), "{job:?}");
    }
}
