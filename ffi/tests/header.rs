//! `include/kinescore.h` matches the sources.

#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

use std::path::{Path, PathBuf};

/// Environment variable that makes the test write the header again.
const WRITE: &str = "KINESCORE_WRITE_HEADER";

fn header() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/kinescore.h")
}

fn generated() -> String {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(crate_folder.join("cbindgen.toml")).expect("cbindgen.toml");
    let sources = [
        "version", "status", "guard", "logging", "settings", "engine", "cut", "job", "frames", "results",
    ];
    let builder = sources.iter().fold(cbindgen::Builder::new(), |builder, name| {
        builder.with_src(crate_folder.join("src").join(name).with_extension("rs"))
    });
    let bindings = builder.with_config(config).generate().expect("the sources can be read");
    let mut text = Vec::new();
    bindings.write(&mut text);
    for_c(&String::from_utf8(text).expect("UTF-8"))
}

/// Applies what cbindgen cannot be configured to do: the enumerators' common prefix; a 64-bit type
/// for a constant that fits in 32 bits but whose multiples do not; and omitting the safety
/// contracts of unsafe functions, which are for Rust and covered by the rules at the top of the
/// header.
fn for_c(text: &str) -> String {
    let text = text
        .replace("KINESCORE_STATUS_", "KINESCORE_")
        .replace("_PER_SECOND 705600000", "_PER_SECOND INT64_C(705600000)");
    let mut out = Vec::new();
    let mut skipping = false;
    for line in text.lines() {
        let comment = line.trim_start();
        if comment.starts_with("* # Safety") {
            skipping = true;
            if out.last().is_some_and(|last: &&str| last.trim() == "*") {
                out.pop();
            }
        } else if comment.starts_with("*/") {
            skipping = false;
        }
        if !skipping {
            out.push(line);
        }
    }
    out.join("\n") + "\n"
}

#[test]
fn the_header_is_fresh() {
    let fresh = generated();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(header(), &fresh).expect("written");
    }
    let committed = std::fs::read_to_string(header()).unwrap_or_default();
    assert!(
        committed == fresh,
        "include/kinescore.h does not match the sources; update it with\n{WRITE}=1 cargo test -p kinescore-ffi --test header"
    );
}

#[test]
fn the_readme_contains_the_example_unchanged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("a file");
    let readme = read("README.md");
    let shown = readme
        .split("```c\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a C snippet");
    assert!(shown.lines().count() > 10 && read("examples/c/render.c").ends_with(shown));
}
