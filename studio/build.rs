//! Puts the files of the page into the library, as a table.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let page = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("page");
    println!("cargo:rerun-if-changed={}", page.display());
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&page)? {
        let path = entry?.path();
        let is_hidden = path
            .file_name()
            .is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !is_hidden {
            println!("cargo:rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    if !page.join("index.html").is_file() {
        return Err(format!("{}: the page itself, index.html, is missing", page.display()).into());
    }
    files.sort();
    let mut table = "&[\n".to_owned();
    for file in &files {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("names are UTF-8")?;
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", file.canonicalize()?)?;
    }
    table.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("page.rs"), table)?;
    Ok(())
}
