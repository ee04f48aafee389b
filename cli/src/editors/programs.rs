//! Editors that start the program: the clip job of Kdenlive, the script of DaVinci Resolve.

use super::finding::{Findings, is_program, run};
use crate::install::{kdenlive_job, resolve_script};
use std::path::{Path, PathBuf};

/// The clip job of Kdenlive.
pub(super) fn kdenlive(findings: &mut Findings) {
    const EDITOR: &str = "Kdenlive";
    const COMMAND: &str = "kinescore install kdenlive";
    match kdenlive_job() {
        Err(failure) => findings.bad(EDITOR, failure.message, run(COMMAND)),
        Ok(None) => findings.note(
            EDITOR,
            format!("not installed: it has no job of ours\nto install it: {COMMAND}"),
        ),
        Ok(Some(job)) => {
            let before = findings.0.len();
            if job.is_changed {
                let what = format!("{}: the job is incomplete, or of another version", job.file.display());
                findings.bad(EDITOR, what, run(COMMAND));
            }
            named(findings, EDITOR, job.program.as_deref(), &job.folders, COMMAND);
            if findings.all_well_since(before) {
                findings.good(EDITOR, format!("the job in {} is complete", job.file.display()));
            }
        }
    }
}

/// The script of DaVinci Resolve.
pub(super) fn resolve(findings: &mut Findings) {
    const EDITOR: &str = "DaVinci Resolve";
    const COMMAND: &str = "kinescore install resolve";
    match resolve_script() {
        Err(failure) => findings.bad(EDITOR, failure.message, run(COMMAND)),
        Ok(None) => findings.note(
            EDITOR,
            format!("not installed: it has no script of ours\nto install it: {COMMAND}"),
        ),
        Ok(Some(script)) => {
            let before = findings.0.len();
            if script.is_changed {
                let what = format!("{}: is of another version, or was changed", script.file.display());
                findings.bad(EDITOR, what, run(COMMAND));
            }
            named(findings, EDITOR, script.program.as_deref(), &script.folders, COMMAND);
            if findings.all_well_since(before) {
                findings.good(EDITOR, format!("{} is complete", script.file.display()));
            }
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
