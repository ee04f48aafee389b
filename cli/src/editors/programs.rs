//! Editors that start the program: the clip job of Kdenlive, the script of DaVinci Resolve.

use super::finding::{Findings, is_program, run};
use crate::exit::Failure;
use crate::install::{Entry, kdenlive_job, resolve_script};
use std::path::{Path, PathBuf};

/// The clip job of Kdenlive.
pub(super) fn kdenlive(findings: &mut Findings) {
    Program {
        editor: "Kdenlive",
        command: "kinescore install kdenlive",
        entry: "job",
        place: "the job in ",
        changed: "the job is incomplete, or of another version",
    }
    .check(findings, kdenlive_job());
}

/// The script of DaVinci Resolve.
pub(super) fn resolve(findings: &mut Findings) {
    Program {
        editor: "DaVinci Resolve",
        command: "kinescore install resolve",
        entry: "script",
        place: "",
        changed: "is of another version, or was changed",
    }
    .check(findings, resolve_script());
}

/// The words for an editor that starts the program.
struct Program {
    editor: &'static str,
    /// The command that installs the entry.
    command: &'static str,
    entry: &'static str,
    /// Stands before the path of a complete entry.
    place: &'static str,
    /// Follows the path of a changed entry.
    changed: &'static str,
}

impl Program {
    fn check(&self, findings: &mut Findings, found: Result<Option<Entry>, Failure>) {
        let &Self { editor, command, .. } = self;
        let entry = match found {
            Err(failure) => return findings.bad(editor, failure.message, run(command)),
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
