//! Puts the files of the page into the library, as a table, and what is the same in all reports.

#[path = "bundle.rs"]
mod bundle;

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The module with which the script of a report begins.
const REPORT: &str = "report.js";

fn main() -> Result<(), Box<dyn Error>> {
    let page = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("page");
    println!("cargo:rerun-if-changed={}", page.display());
    println!("cargo:rerun-if-changed=bundle.rs");
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
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("page.rs"), table)?;
    let read = |name: &str| {
        let file = page.join(name);
        fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))
    };
    fs::write(out.join("report.js"), bundle::script(REPORT, &read)?)?;
    let pieces = bundle::page(&read("index.html")?, &read("style.css")?)?;
    for (name, piece) in ["report-0.html", "report-1.html", "report-2.html"].iter().zip(&pieces) {
        fs::write(out.join(name), piece)?;
    }
    Ok(())
}
