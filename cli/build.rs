//! Puts the files of the Blender add-on into the program, as a table for `kinescore install
//! blender`, and the version of the library's interface, for `kinescore doctor`.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let package = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../plugin/blender/kinescore");
    println!("cargo:rerun-if-changed={}", package.display());
    let mut files = Vec::new();
    // A source tree without the add-on gives a program that reports this.
    if package.is_dir() {
        collect(&package, &mut files)?;
    }
    files.sort();
    let mut table = "&[\n".to_owned();
    for file in &files {
        println!("cargo:rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&package)?.to_str().ok_or("names are UTF-8")?;
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", file.canonicalize()?)?;
    }
    table.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("blender_addon.rs"), table)?;
    println!("cargo:rustc-env=KINESCORE_ABI={}", interface()?);
    Ok(())
}

/// The version of the library's interface, as its source has it.
fn interface() -> Result<String, Box<dyn Error>> {
    let source = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../ffi/src/version.rs");
    println!("cargo:rerun-if-changed={}", source.display());
    let text = fs::read_to_string(&source)?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("pub const KINESCORE_ABI_VERSION: u32 = "));
    let value = value.and_then(|value| value.strip_suffix(';'));
    Ok(value
        .ok_or("ffi/src/version.rs has no KINESCORE_ABI_VERSION")?
        .to_owned())
}

/// The files of a folder and below, except for Python's own.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == "__pycache__" || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
