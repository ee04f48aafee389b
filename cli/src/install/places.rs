//! The paths of Kinescore's parts, for programs that an editor starts: they do not get the
//! environment of a shell.

use super::refusal::missing;
use crate::exit::Failure;
use crate::places::ResourceFlags;
use crate::resources::{self, RUNTIME_VARIABLE};
use kinescore::host::Manifest;
use kinescore::{Error, Resources};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// File name of the library with the C interface.
pub const LIBRARY: &str = "libkinescore.so";

/// The paths of this program and of what it has found; all are absolute.
pub struct Places {
    /// This program.
    pub program: PathBuf,
    /// The folder of the models.
    pub models: PathBuf,
    /// The ONNX Runtime library or its folder.
    pub onnxruntime: PathBuf,
}

impl Places {
    /// Finds everything that a render needs.
    ///
    /// # Errors
    /// [`RESOURCES`](crate::exit::RESOURCES) if something is missing.
    pub fn find() -> Result<Self, Failure> {
        let found = resources::find(&ResourceFlags::default())?;
        Manifest::read(&found.models)?;
        Ok(Self {
            program: resources::program()?,
            models: absolute(&found.models)?,
            onnxruntime: absolute(&runtime(&found)?)?,
        })
    }

    /// As JSON for add-ons and plugins, which load `library`.
    pub fn json(&self, library: &Path) -> Result<String, Failure> {
        let places = json!({
            "library": text(library)?,
            "program": text(&self.program)?,
            "models": text(&self.models)?,
            "onnxruntime": text(&self.onnxruntime)?,
        });
        Ok(format!("{places:#}\n"))
    }
}

/// The ONNX Runtime that the user names, or the first folder with one. It is not loaded, since
/// loading it writes files.
fn runtime(found: &Resources) -> Result<PathBuf, Failure> {
    let candidates = match &found.runtime {
        Some(named) => vec![named.clone()],
        // Editors get the build for graphics cards if there is one.
        None => [found.graphics_search.clone(), found.runtime_search.clone()].concat(),
    };
    let place = candidates.iter().find(|place| place.is_file() || holds_runtime(place));
    place.cloned().ok_or_else(|| {
        let advice = format!("specify the library or its folder with {RUNTIME_VARIABLE}");
        missing(not_found("ONNX Runtime (libonnxruntime.so)", &candidates, &advice))
    })
}

fn holds_runtime(folder: &Path) -> bool {
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().starts_with("libonnxruntime.so"))
}

/// The library: the one named, or the one beside this program or in `lib` next to its folder.
pub fn library(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let candidates = match named {
        Some(file) => vec![file.to_owned()],
        None => beside_program(&["", "../lib"])?
            .into_iter()
            .map(|folder| folder.join(LIBRARY))
            .collect(),
    };
    let Some(file) = candidates.iter().find(|file| file.is_file()) else {
        let advice = "build it with `make lib`, or specify it with --library FILE";
        return Err(missing(not_found("the library", &candidates, advice)));
    };
    // Links are resolved in the folder but not in the file's name, which leads to the newest
    // version.
    let folder = absolute(file.parent().unwrap_or(Path::new("/")))?;
    Ok(folder.join(file.file_name().unwrap_or_default()))
}

/// Paths relative to this program's folder.
pub fn beside_program(places: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let program = resources::program()?;
    let here = program.parent().unwrap_or(Path::new("/"));
    Ok(places.iter().map(|place| here.join(place)).collect())
}

/// The message for something that is in none of these places.
pub fn not_found(what: &str, candidates: &[PathBuf], advice: &str) -> String {
    let tried: String = candidates
        .iter()
        .map(|path| format!("\n  {}", path.display()))
        .collect();
    format!("{what} was not found; tried:{tried}\n{advice}")
}

/// A path as text.
pub fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| {
        Failure::usage(format!(
            "{}: the name is not UTF-8, so it cannot be passed on to an editor",
            path.display()
        ))
    })
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    // The folder of a file that is named without one.
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    Ok(path.canonicalize().map_err(Error::input(path))?)
}
