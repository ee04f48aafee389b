//! Compiles the timeline bridge and its adapters for project files.

use std::path::Path;

/// Parts of the bridge that the command line does not use: running editors, and the core that is
/// loaded by its path.
const LEFT_OUT: &[&str] = &["core.cpp", "follower.cpp", "ges.cpp", "ges_file.cpp", "places.cpp"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bridge = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bridge");
    let pugixml = pkg_config::Config::new()
        .atleast_version("1.11")
        .statik(true)
        .probe("pugixml")
        .map_err(|e| format!("pugixml is needed to build this (Debian: libpugixml-dev): {e}"))?;
    let mut sources: Vec<_> = std::fs::read_dir(&bridge)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "cpp"))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default();
            LEFT_OUT.iter().all(|left_out| name != *left_out)
        })
        .collect();
    sources.sort(); // so that builds are reproducible
    cxx_build::bridge("src/lib.rs")
        .files(&sources)
        .file("src/project.cpp")
        .includes(&pugixml.include_paths)
        .std("c++17")
        .flag_if_supported("-Wall")
        .flag_if_supported("-Wextra")
        .compile("kinescore_timeline");
    println!("cargo:rerun-if-changed={}", bridge.display());
    println!("cargo:rerun-if-changed=src/project.cpp");
    println!("cargo:rerun-if-changed=src/project.hpp");
    Ok(())
}
