//! The places that the installation has recorded for an editor: places.json.

use super::finding::{Findings, run};
use super::opening::{Content, opened};
use crate::install::{Obstacle, PLACES};
use crate::typed::is_program;
use kinescore::host::json_fault;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Version of the library's interface that add-on and plugin need.
pub(super) const INTERFACE: &str = env!("KINESCORE_ABI");

/// Checks the file in `folder`, and opens the library that it names. `command` installs again.
pub(super) fn check(findings: &mut Findings, editor: &str, folder: &Path, command: &str) {
    let file = folder.join(PLACES);
    if Obstacle::to_file(&file).is_some() {
        // Reported with everything else that is in the way.
        return;
    }
    let places = match read(&file) {
        Ok(places) => places,
        Err(reason) => return findings.bad(editor, format!("{}: {reason}", file.display()), run(command)),
    };
    let place = |name: &str| PathBuf::from(places.get(name).and_then(Value::as_str).unwrap_or_default());
    let (library, program) = (place("library"), place("program"));
    if !is_program(&program) {
        let what = format!("the program that it starts is not at {}", program.display());
        findings.bad(editor, what, run(command));
    }
    for (name, what) in [("models", "the models"), ("onnxruntime", "ONNX Runtime")] {
        if !place(name).exists() {
            let what = format!("{what}: nothing is at {}", place(name).display());
            findings.bad(editor, what, run(command));
        }
    }
    if !library.is_file() {
        let what = format!("the library that it loads is not at {}", library.display());
        return findings.bad(editor, what, run(command));
    }
    check_library(findings, editor, &library, Some(command));
}

/// Opens a library; `command` is run after Kinescore was installed again.
pub(super) fn check_library(findings: &mut Findings, editor: &str, library: &Path, command: Option<&str>) {
    let library_shown = library.display();
    let mend = |first: &str| match command {
        Some(command) => format!("to mend it: {first}, then {command}"),
        None => format!("to mend it: {first}"),
    };
    match opened(library, Content::Library) {
        Ok(version) if version.to_string() == INTERFACE => {
            findings.good(editor, format!("{library_shown} can be opened (interface {version})"));
        }
        Ok(version) => {
            let what = format!("{library_shown} has version {version} of the interface; version {INTERFACE} is needed");
            findings.bad(editor, what, mend("install one version of Kinescore"));
        }
        Err(reason) => {
            let what = format!("{library_shown} cannot be opened: {reason}");
            findings.bad(editor, what, mend("install Kinescore again"));
        }
    }
}

fn read(file: &Path) -> Result<Value, String> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err("is missing".to_owned()),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    let damaged = |error: serde_json::Error| {
        let fault = json_fault(&error).unwrap_or_else(|| error.to_string());
        format!("is damaged: {fault}")
    };
    let places: Value = serde_json::from_str(&text).map_err(damaged)?;
    let is_text = |name: &&str| places.get(*name).is_some_and(Value::is_string);
    match ["library", "program", "models", "onnxruntime"]
        .iter()
        .find(|name| !is_text(name))
    {
        None => Ok(places),
        Some(name) => Err(format!("is damaged: it has no text '{name}'")),
    }
}
