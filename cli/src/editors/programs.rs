//! Editors that start the program: the clip job of Kdenlive, the script of DaVinci Resolve.

use super::finding::{Findings, run};
use crate::exit::Failure;
use crate::install::{
    Entry, Obstacle, cleared, in_the_way_of_script, kdenlive_job, kdenlive_place, resolve_place, resolve_script,
};
use crate::typed::{self, is_program};
use std::path::{Path, PathBuf};

/// The clip job of Kdenlive.
pub(super) fn kdenlive(findings: &mut Findings) {
    Program {
        editor: "Kdenlive",
        name: "kdenlive",
        entry: "job",
        place: "the job in ",
        changed: "the job is incomplete, or of another version",
        in_the_way: Obstacle::to_file,
        found: kdenlive_job,
        unread: "the other jobs in the file are moved away with it, to be copied back by hand",
    }
    .check(findings, kdenlive_place());
}

/// The script of DaVinci Resolve.
pub(super) fn resolve(findings: &mut Findings) {
    Program {
        editor: "DaVinci Resolve",
        name: "resolve",
        entry: "script",
        place: "",
        changed: "is of another version, or was changed",
        in_the_way: in_the_way_of_script,
        found: resolve_script,
        unread: "",
    }
    .check(findings, resolve_place());
}

/// An editor that starts the program, and the words for it.
struct Program {
    editor: &'static str,
    /// Its name for `kinescore install`.
    name: &'static str,
    entry: &'static str,
    /// Stands before the path of a complete entry.
    place: &'static str,
    /// Follows the path of a changed entry.
    changed: &'static str,
    /// What prevents that the entry's file is at its place.
    in_the_way: fn(&Path) -> Option<Obstacle>,
    /// Reads the entry.
    found: fn() -> Result<Option<Entry>, Failure>,
    /// What to know when a file that cannot be read is moved away.
    unread: &'static str,
}

impl Program {
    fn check(&self, findings: &mut Findings, place: Option<PathBuf>) {
        let &Self { editor, .. } = self;
        let command = &typed::command(&["install", self.name]);
        let Some(place) = place else {
            return findings.note(editor, UNKNOWN_HOME);
        };
        if let Some(obstacle) = (self.in_the_way)(&place) {
            return findings.bad(editor, obstacle.text(), run(&cleared(&[obstacle], command)));
        }
        let entry = match (self.found)() {
            Err(failure) => {
                let unreadable = Obstacle::foreign(&place, "");
                let mend = format!("{}\n{}", self.unread, run(&cleared(&[unreadable], command)));
                return findings.bad(editor, failure.message, mend.trim());
            }
            Ok(None) => {
                let kind = self.entry;
                let text = format!("not installed: it has no {kind} of Kinescore\nto install it: {command}");
                return findings.note(editor, text);
            }
            Ok(Some(entry)) => entry,
        };
        let before = findings.0.len();
        let file = entry.file.display();
        if entry.is_changed {
            findings.bad(editor, format!("{file}: {}", self.changed), run(command));
        }
        named(findings, editor, entry.program.as_deref(), &entry.folders, command);
        if findings.all_well_since(before) {
            findings.good(editor, format!("{}{file} is complete", self.place));
        }
    }
}

/// For editors whose folder is below the home folder.
pub(super) const UNKNOWN_HOME: &str = "not looked for: the home folder is not known (HOME is not set)";

/// Checks the program and the folders that an entry names.
fn named(findings: &mut Findings, editor: &str, program: Option<&Path>, folders: &[PathBuf], command: &str) {
    match program {
        Some(program) if is_program(program) => {}
        Some(program) => {
            let what = format!("the program that it starts is not at {}", program.display());
            findings.bad(editor, what, run(command));
        }
        None => findings.bad(editor, "it names no program", run(command)),
    }
    for folder in folders.iter().filter(|folder| !folder.exists()) {
        let what = format!("what it names is not at {}", folder.display());
        findings.bad(editor, what, run(command));
    }
}
