//! Shared by the tests of loading ONNX Runtime: small libraries, built by the C compiler that the
//! set-up requires.
#![allow(dead_code)] // each test program uses its own part of this

#[path = "../outside/mod.rs"]
pub mod outside;

use kinescore::Error;
use kinescore::model::Runtime;
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The ONNX Runtime fetched by the set-up.
pub fn runtime_file() -> PathBuf {
    let folder = root().join(".setup/onnxruntime");
    let entries = std::fs::read_dir(&folder).expect("the folder of ONNX Runtime");
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.to_string_lossy().contains("libonnxruntime.so"));
    found.sort();
    found.pop().expect("ONNX Runtime")
}

/// A shared library from this C code, with ONNX Runtime's internal name.
pub fn compiled(folder: &Path, name: &str, code: &str) -> PathBuf {
    let source = folder.join(name).with_extension("c");
    let library = folder.join(name).with_extension("so");
    std::fs::write(&source, code).expect("written");
    let output = outside::finished(
        Command::new("cc")
            .args(["-shared", "-fPIC", "-Wl,-soname,libonnxruntime.so.1", "-o"])
            .args([&library, &source]),
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// Why a library, or the content of a folder, cannot be loaded.
pub fn reason(library: &Path) -> String {
    match Runtime::load(Some(library), &[]) {
        Err(Error::RuntimeMissing { tried }) => tried.join("\n"),
        Err(other) => panic!("{}: {other}", library.display()),
        Ok(_) => panic!("{} was loaded", library.display()),
    }
}
