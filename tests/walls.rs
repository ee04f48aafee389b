//! Checks the boundaries between parts: which part may use what. Reads the sources, so that every
//! violation is noticed.

#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

mod sources_support;

use sources_support::{code, root, sources};
use std::fs;
use std::path::{Path, PathBuf};

/// Whether `word` occurs in `text` as a whole word.
fn has_word(text: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part_of_name) && !text[at + word.len()..].starts_with(part_of_name))
}

/// Whether code uses a crate: `name::…`, `use name;`, `use name as …`, `extern crate name`.
fn uses(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let in_path = code.match_indices(&path).any(|(at, _)| {
        // `crate::ort::` or `self.ort::` would be a name of the library itself.
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
fn the_reader_distinguishes_uses_from_words() {
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
        ("midly", &["src/export/midi/"]),
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
                "{file} uses {name}, which only {} may use",
                allowed.join(" and ")
            );
        }
    }
    let users = ["cli/src", "ffi/src", "studio/src"].into_iter().flat_map(sources);
    for (file, text) in users {
        for (name, _) in homes {
            assert!(
                !uses(&code(&text), name),
                "{file} uses {name}, which only the library may use"
            );
        }
    }
}

#[test]
fn the_parts_do_not_know_what_they_must_not_know() {
    // A part, and the modules below it that it must not import. Modules above it are checked by
    // `tests/floors.rs`.
    let walls: &[(&str, &[&str])] = &[
        // Bytes and files: the cache does not know the meaning of an entry.
        ("src/cache/", &["time", "theory"]),
        ("src/rhythm/", &["video"]),
        ("src/drums/", &["pose", "video"]),
        ("src/music/", &["pose", "video"]),
        ("src/answer/", &["model", "pose", "video"]),
        ("src/score/", &["model", "pose", "rhythm", "video"]),
        ("src/audio/", &["model", "pose", "rhythm", "video"]),
        ("src/export/", &["model"]),
    ];
    // In the rhythm stage, only the network's own module knows models.
    let without_model = |file: &str| file.starts_with("src/rhythm/") && file != "src/rhythm/network.rs";
    for (file, text) in sources("src") {
        let code = code(&text);
        assert!(
            !without_model(&file) || !code.contains("crate::model") && !code.contains("crate::{"),
            "{file} must not know model"
        );
        // Only the pipeline decides what is kept between runs.
        let keeps = ["src/cache/", "src/pipeline", "src/lib.rs"]
            .iter()
            .any(|home| file.starts_with(home));
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
        // The target that the program was built for is not part of the environment.
        let code = code(&text).replace("std::env::consts::", "");
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
    // The page of the studio is all that it shows.
    for (file, text) in sources("studio/src") {
        let code = code(&text);
        for banned in [
            "println!",
            "print!",
            "dbg!",
            "std::env",
            "env::var",
            "process::",
            "stdout()",
            "stderr()",
        ] {
            assert!(!code.contains(banned), "{file} has {banned}");
        }
    }
    for library in ["src/lib.rs", "studio/src/lib.rs"] {
        let text = fs::read_to_string(root().join(library)).expect(library);
        assert!(text.contains("#![forbid(unsafe_code)]"), "{library} allows unsafe code");
    }
    // The C interface belongs to the library, and is as quiet.
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
        // These return existing numbers and texts, and cannot fail.
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

/// The contents of the string literals in code, raw ones included.
fn strings(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '\'']) {
        let (before, from) = rest.split_at(at);
        if let Some(inside) = from.strip_prefix('\'') {
            // A character, or otherwise the name of a lifetime.
            let length = match inside.strip_prefix('\\') {
                Some(escaped) => escaped
                    .char_indices()
                    .skip(1)
                    .find(|(_, c)| *c == '\'')
                    .map(|(end, _)| end + 1),
                None => inside
                    .char_indices()
                    .nth(1)
                    .filter(|(_, c)| *c == '\'')
                    .map(|(end, _)| end),
            };
            rest = &inside[length.map_or(0, |length| length + 1)..];
            continue;
        }
        let marks = before.len() - before.trim_end_matches('#').len();
        let is_raw = before.trim_end_matches('#').ends_with('r');
        let inside = &from[1..];
        let end = if is_raw {
            inside.find(&format!("\"{}", "#".repeat(marks)))
        } else {
            let mut escaped = false;
            inside.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
        };
        let end = end.expect("a string that ends");
        found.push(&inside[..end]);
        rest = &inside[end + 1..];
    }
    found
}

#[test]
fn the_reader_finds_strings() {
    let code = r##"let a: &'static str = "one \" two"; let b = ['"', '\'', '\\', 'ä']; let c = r"\"; let d = r#"x"y"#; f("");"##;
    assert_eq!(strings(code), ["one \\\" two", "\\", "x\"y", ""]);
}

#[test]
fn the_library_names_no_flags_of_the_program() {
    // The library's messages reach users of plugins and of the C interface; the program adds its
    // flags in `cli/src/exit.rs`.
    let is_flag = |text: &str| {
        let flag = |word: &str| {
            let name = word.trim_start_matches(['(', '\'', '`']).strip_prefix("--");
            name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        };
        let short = |words: &[&str]| words[0] == "with" && words[1].starts_with('-') && words[1].len() == 2;
        let words: Vec<&str> = text.split_whitespace().collect();
        words.iter().any(|word| flag(word)) || words.windows(2).any(short)
    };
    assert!(is_flag("give a tempo (--tempo 100)") && is_flag("another name with -o"));
    assert!(!is_flag("0 - 1") && !is_flag("-----BEGIN") && !is_flag("a -- b"));
    for (file, text) in sources("src").into_iter().chain(sources("ffi/src")) {
        let code = code(&text);
        let found = strings(&code).into_iter().find(|text| is_flag(text));
        assert_eq!(found, None, "{file} names a flag of the program");
    }
}

#[test]
fn conversions_of_time_are_in_one_place() {
    // The numbers that a manual conversion would need.
    for (file, text) in sources("src") {
        if file == "src/time.rs" || file.starts_with("src/time/") {
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
        for (at, _) in code.match_indices(".hz()") {
            let after = code[at + ".hz()".len()..].trim_start();
            let named = |c: char| c.is_alphanumeric() || "_.:()".contains(c);
            let before = code[..at].trim_end_matches(named).trim_end();
            assert!(
                !after.starts_with(['*', '/']) && !before.ends_with(['*', '/']),
                "{file} computes with a rate: use Rate::count, span, times, every or per_second, not {}",
                code[..at + 5].lines().last().unwrap_or_default().trim()
            );
        }
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
        "the set-up requires another Rust than Cargo.toml"
    );
    let heading = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    assert!(
        changelog.contains(&heading) || changelog.contains("## [Unreleased]"),
        "CHANGELOG.md has no {heading}"
    );
}

/// Most lines of a source file.
const MOST_LINES: usize = 600;

/// Where sources are, in all languages.
const SOURCES: [&str; 12] = [
    "benches", "cli", "examples", "ffi", "fuzz", "include", "models", "plugin", "scripts", "src", "studio", "tests",
];

/// What the build or a tool writes, and so is as long as it has to be: the header that cbindgen
/// makes, and folders that git ignores.
const GENERATED: [&str; 6] = [
    "include/kinescore.h",
    "target",
    "__pycache__",
    "runs",
    "corpus",
    "artifacts",
];

/// Names of the files below a path that are written in one of these languages, and their texts.
fn all_sources(endings: &[&str]) -> Vec<(String, String)> {
    fn collect(path: &Path, found: &mut Vec<PathBuf>) {
        let name = path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned();
        if GENERATED
            .iter()
            .any(|generated| name == *generated || name.ends_with(&format!("/{generated}")))
        {
            return;
        }
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("a folder of sources").flatten();
            entries.for_each(|entry| collect(&entry.path(), found));
        } else {
            found.push(path.to_owned());
        }
    }
    let mut found = Vec::new();
    for place in SOURCES {
        collect(&root().join(place), &mut found);
    }
    found.retain(|path| {
        path.extension()
            .is_some_and(|ending| endings.iter().any(|known| ending == *known))
    });
    found.sort();
    let named = |path: &PathBuf| path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned();
    found
        .iter()
        .map(|path| (named(path), fs::read_to_string(path).expect("UTF-8")))
        .collect()
}

#[test]
fn no_source_is_longer_than_a_reader_can_follow() {
    // Each language, and a source of it that must be seen.
    for (endings, seen) in [
        (&["rs"][..], "tests/walls.rs"),
        (&["c", "h", "cpp", "hpp"], "plugin/bridge/core.cpp"),
        (&["py"], "plugin/blender/tests/headless.py"),
        (&["sh"], "scripts/setup.sh"),
        (&["js", "css"], "studio/page/main.js"),
    ] {
        let files = all_sources(endings);
        assert!(
            files.iter().any(|(name, _)| name == seen),
            "{seen} is not among {} files",
            files.len()
        );
        let long = files.iter().map(|(name, text)| (name, text.lines().count()));
        let long: Vec<_> = long.filter(|(_, lines)| *lines > MOST_LINES).collect();
        assert!(long.is_empty(), "more than {MOST_LINES} lines: {long:?}");
    }
}
