//! The walls of the house: who may use what. Reads the sources, so that a wall cannot be crossed unseen.

#![allow(clippy::expect_used)] // helpers of tests stop at the first surprise, as tests do

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rust files below a folder of the repository, with their path from the root; unit tests in files of their own
/// (`…tests.rs`) are left out.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.to_string_lossy().ends_with("tests.rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.sort();
    let files: Vec<(String, String)> = found
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(root())
                .expect("below the root")
                .to_string_lossy()
                .into_owned();
            (name, fs::read_to_string(&path).expect("UTF-8"))
        })
        .collect();
    assert!(!files.is_empty(), "no sources in {folder}");
    files
}

/// The code of a file: without comments, strings' contents left as they are, and without the unit tests at its end.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| line.split(" // ").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether `word` stands in `text` on its own, not as a part of a longer name.
fn has_word(text: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part_of_name) && !text[at + word.len()..].starts_with(part_of_name))
}

/// Whether code uses a crate: `name::…`, `use name;`, `use name as …`, `extern crate name`.
fn uses(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let in_path = code.match_indices(&path).any(|(at, _)| {
        // `crate::ort::` or `self.ort::` would be something of ours.
        let before = &code[..at];
        !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
            && (!before.ends_with("::") || before.trim_end_matches("::").ends_with(|c: char| c.is_whitespace()))
    });
    let imported = ["use", "extern crate"].iter().any(|keyword| {
        code.match_indices(keyword).any(|(at, _)| {
            let rest = code[at + keyword.len()..].trim_start();
            rest.strip_prefix(name).is_some_and(|rest| rest.starts_with([';', ' ']))
        })
    });
    in_path || imported
}

#[test]
fn the_reader_tells_uses_from_words() {
    assert!(uses("use ort::Session;", "ort"));
    assert!(uses("let s = ort::init();", "ort"));
    assert!(uses("use ort as runtime;", "ort"));
    assert!(uses("use ::ort::Session;", "ort"));
    assert!(!uses("use crate::export::ort_names;", "ort"));
    assert!(!uses("use crate::ort::Session;", "ort"));
    assert!(!uses("self.short::<u8>()", "ort"));
    assert!(!uses(
        &code("/// ort::Session is not used here\nlet a = 1; // nor ort::init"),
        "ort"
    ));
    assert!(has_word("std::env::var", "env") && !has_word("envelope", "env"));
}

#[test]
fn each_library_has_one_home() {
    let homes: &[(&str, &[&str])] = &[
        ("ort", &["src/model/"]),
        ("ffmpeg_next", &["src/video/", "src/export/"]),
        ("midly", &["src/export/midi.rs"]),
        ("hound", &["src/export/wav.rs"]),
        ("symphonia", &["src/audio/"]),
        ("rustysynth", &["src/audio/"]),
        ("ebur128", &["src/audio/"]),
        ("rustfft", &["src/rhythm/"]),
        ("blake3", &["src/cache/"]),
    ];
    let files = sources("src");
    for (name, allowed) in homes {
        for (file, text) in &files {
            let at_home = allowed.iter().any(|home| file.starts_with(home));
            assert!(
                at_home || !uses(&code(text), name),
                "{file} uses {name}, whose home is {}",
                allowed.join(" and ")
            );
        }
    }
    for (file, text) in sources("cli/src").into_iter().chain(sources("ffi/src")) {
        for (name, _) in homes {
            assert!(
                !uses(&code(&text), name),
                "{file} uses {name}, which is for the library"
            );
        }
    }
}

#[test]
fn the_parts_do_not_know_what_they_must_not_know() {
    // Part, and the modules of the library that it must not import (all but what ARCHITECTURE gives it).
    let walls: &[(&str, &[&str])] = &[
        (
            "src/model/",
            &[
                "pose", "rhythm", "drums", "score", "audio", "video", "export", "pipeline",
            ],
        ),
        (
            "src/score/",
            &["model", "pose", "rhythm", "audio", "video", "export", "pipeline"],
        ),
        (
            "src/answer/",
            &["model", "pose", "audio", "video", "export", "pipeline"],
        ),
        (
            "src/audio/",
            &["model", "pose", "rhythm", "video", "export", "pipeline"],
        ),
        (
            "src/rhythm/",
            &["drums", "score", "audio", "video", "export", "pipeline"],
        ),
        (
            "src/video/",
            &["model", "pose", "rhythm", "drums", "score", "export", "pipeline"],
        ),
        (
            "src/pose/",
            &["rhythm", "drums", "score", "audio", "export", "pipeline"],
        ),
        ("src/drums/", &["pose", "score", "audio", "video", "export", "pipeline"]),
        ("src/export/", &["model", "pipeline"]),
        // Bytes and files: what an entry means is not known there.
        (
            "src/cache/",
            &[
                "model", "pose", "rhythm", "drums", "music", "score", "audio", "video", "export", "pipeline",
                "settings", "time",
            ],
        ),
        (
            "src/settings.rs",
            &[
                "model", "pose", "drums", "score", "audio", "video", "export", "pipeline",
            ],
        ),
        (
            "src/time.rs",
            &[
                "model", "pose", "rhythm", "drums", "score", "audio", "video", "export", "pipeline", "settings",
            ],
        ),
    ];
    // Of the beats only the network's own room knows models.
    let without_model = |file: &str| file.starts_with("src/rhythm/") && file != "src/rhythm/network.rs";
    for (file, text) in sources("src") {
        // Chords and keys are values that every part may name, as instants and tempi are.
        let code = code(&text).replace("crate::score::chord::", "crate::chord::");
        assert!(
            !without_model(&file) || !code.contains("crate::model") && !code.contains("crate::{"),
            "{file} must not know model"
        );
        // What is kept between runs is for the pipeline to decide.
        let keeps = ["src/cache/", "src/pipeline"].iter().any(|home| file.starts_with(home));
        assert!(keeps || !code.contains("crate::cache"), "{file} must not know cache");
        for (part, banned) in walls.iter().filter(|(part, _)| file.starts_with(part)) {
            // `use crate::{…};` names several modules at once.
            let lists: String = code
                .split("use crate::{")
                .skip(1)
                .map(|rest| rest.split("};").next().unwrap_or_default())
                .collect::<Vec<_>>()
                .join("\n");
            for module in *banned {
                assert!(!has_word(&lists, module), "{file}: {part} must not know {module}");
                for path in [
                    format!("crate::{module}::"),
                    format!("crate::{module};"),
                    format!("crate::{module}\n"),
                ] {
                    assert!(!code.contains(&path), "{file}: {part} must not know {module}");
                }
            }
        }
    }
}

#[test]
fn the_library_does_not_print_exit_or_read_the_environment() {
    for (file, text) in sources("src") {
        let code = code(&text);
        for banned in [
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "dbg!",
            "todo!",
            "unimplemented!",
        ] {
            assert!(
                !has_word(&code, banned.trim_end_matches('!')) || !code.contains(banned),
                "{file} has {banned}"
            );
        }
        for banned in [
            "std::env",
            "env::var",
            "process::exit",
            "process::abort",
            "stdout()",
            "stderr()",
            "std::net",
        ] {
            assert!(!code.contains(banned), "{file} has {banned}");
        }
        assert!(
            !has_word(&code, "unsafe") || file == "src/lib.rs",
            "{file} has unsafe code"
        );
    }
    let library = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    assert!(library.contains("#![forbid(unsafe_code)]"));
    // The C interface is a face of it, and as quiet.
    for (file, text) in sources("ffi/src") {
        let code = code(&text);
        for banned in [
            "println!",
            "eprintln!",
            "dbg!",
            "std::env",
            "env::var",
            "process::",
            "stdout()",
            "stderr()",
        ] {
            assert!(!code.contains(banned), "{file} has {banned}");
        }
        let entries = code.matches("#[unsafe(no_mangle)]").count();
        let guarded = ["guard(\"kinescore_", "quietly(\"kinescore_", "on_job(\"kinescore_"]
            .iter()
            .map(|guard| code.matches(guard).count())
            .sum::<usize>();
        // These give numbers and texts that are there, and can do nothing wrong.
        let plain = [
            "kinescore_abi_version()",
            "kinescore_version()",
            "kinescore_status_name(",
            "kinescore_last_error()",
            "kinescore_setting_count()",
        ]
        .iter()
        .map(|name| code.matches(&format!("extern \"C\" fn {name}")).count())
        .sum::<usize>();
        assert!(
            entries == guarded + plain || file == "ffi/src/faults.rs",
            "{file}: {entries} entry points, {guarded} of them in the panic guard"
        );
    }
}

#[test]
fn conversions_of_time_live_in_one_place() {
    // The numbers that a conversion by hand would need.
    for (file, text) in sources("src") {
        if file == "src/time.rs" {
            continue;
        }
        let code = code(&text);
        assert!(
            !has_word(&code, "TICKS_PER_STEP") || !code.contains("TICKS_PER_STEP *"),
            "{file} turns steps into ticks"
        );
        assert!(
            !code.contains("60.0 / "),
            "{file} turns a tempo into seconds: use Tempo::beat_span"
        );
    }
}

#[test]
fn exit_codes_are_decided_in_one_place() {
    for (file, text) in sources("cli/src") {
        let code = code(&text);
        let home = ["cli/src/exit.rs", "cli/src/main.rs"].contains(&file.as_str());
        assert!(
            home || !has_word(&code, "ExitCode") && !code.contains("process::exit"),
            "{file} decides on an exit code"
        );
        let environment = code.contains("env::var") || code.contains("env::current_exe");
        let home = ["cli/src/resources.rs", "cli/src/main.rs"].contains(&file.as_str());
        assert!(home || !environment, "{file} reads the environment");
    }
}

#[test]
fn every_model_file_has_its_entry_and_its_licence_is_noticed() {
    let manifest = fs::read_to_string(root().join("models/manifest.toml")).expect("the manifest");
    let notice = fs::read_to_string(root().join("NOTICE")).expect("NOTICE");
    for entry in fs::read_dir(root().join("models")).expect("the models").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if [".onnx", ".sf2", ".sf3"].iter().any(|ending| name.ends_with(ending)) {
            assert!(
                manifest.contains(&format!("file = \"{name}\"")),
                "{name} is not in the manifest"
            );
            assert!(notice.contains(&name), "NOTICE does not name {name}");
        }
    }
}

#[test]
fn versions_agree() {
    let setup = fs::read_to_string(root().join("scripts/setup.sh")).expect("the set-up");
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).expect("CHANGELOG.md");
    let least = format!("rust_least={}", env!("CARGO_PKG_RUST_VERSION"));
    assert!(
        setup.contains(&least),
        "the set-up asks for another Rust than Cargo.toml"
    );
    let heading = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    assert!(
        changelog.contains(&heading) || changelog.contains("## [Unreleased]"),
        "CHANGELOG.md has no {heading}"
    );
}
