//! Handling of arguments, without opening a video.
#![allow(missing_docs)]

mod common;

use common::{folder, kinescore, listing, root, run, text};
use kinescore::Settings;
use kinescore::settings::TABLE;
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn an_unknown_setting_is_reported_with_the_nearest_name() {
    run(&["render", "x.mp4", "--set", "drums.stile=rock"])
        .expect(2)
        .reports(&["drums.stile", "did you mean 'drums.style'?"]);
    run(&["render", "x.mp4", "--stile", "rock"])
        .expect(2)
        .reports(&["--stile", "--style"]);
}

#[test]
fn a_value_that_is_not_allowed_is_reported_with_the_allowed_ones() {
    for (args, parts) in [
        (["--tempo", "500"], ["tempo = '500'", "40 to 240"]),
        (["--tempo-min", "5"], ["tempo.min = '5'", "40 to 240"]),
        (["--top-p", "2"], ["drums.top_p = '2'", "0.05 to 1"]),
        (["--loudness", "-3"], ["sound.loudness = '-3'", "-40 to -8"]),
        (["--seed", "-1"], ["seed = '-1'", "whole number"]),
        (["--start", "-1"], ["'-1'", "--start"]),
        (["--speed", "-1"], ["'-1'", "--speed"]),
        (["--style", "jaz"], ["drums.style = 'jaz'", "did you mean 'jazz'?"]),
        (
            ["--instruments", "drums,piono"],
            ["music.instruments = 'drums,piono'", "did you mean 'piano'?"],
        ),
        (
            ["--instruments", "bass,bass"],
            ["music.instruments = 'bass,bass'", "each at most once"],
        ),
        (
            ["--mood", "happy"],
            ["music.mood = 'happy'", "auto|bright|dark|tense|calm"],
        ),
        (
            ["--key", "D dorain"],
            ["music.key = 'D dorain'", "did you mean 'D dorian'? (--key)"],
        ),
        (
            ["--chords", "Am F | Cq G"],
            ["symbol 3 'Cq', character 9: 'q'", "(--chords)"],
        ),
        (
            ["--chords", "| Am | % F |"],
            ["symbol 2 '%', character 8", "must stand alone"],
        ),
        (["--energy", "2"], ["music.energy = '2'", "auto, or 0 to 1"]),
        (["--music-temperature", "3"], ["music.temperature = '3'", "0.1 to 2"]),
        (
            ["--set", "music.chords=am F"],
            ["symbol 1 'am', character 1", "did you mean 'Am'?"],
        ),
        (["--device", "tpu"], ["device = 'tpu'", "auto|cpu|gpu|cuda|webgpu"]),
        (["--set", "pose.person=0"], ["pose.person = '0'", "1 to 16"]),
        (["--set", "tempo"], ["KEY=VALUE", "tempo"]),
        (["--start", "1:75"], ["1:75", "59.999"]),
        (["--plot", "picture.gif"], ["picture.gif", ".svg or .png"]),
    ] {
        let folder = folder();
        let before = listing(folder.path());
        let mut command = kinescore(&["render", "x.mp4"]);
        common::go(command.args(args).current_dir(folder.path()))
            .expect(2)
            .reports(&parts);
        assert_eq!(listing(folder.path()), before);
    }
    run(&["render", "x.mp4", "--tempo-min", "170"])
        .expect(2)
        .reports(&["tempo.min", "135"]);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for args in [
        &["render"][..],
        &["render", "a.mp4", "--from", "b.json"],
        &["render", "a.mp4", "--speed", "9"],
        &["render", "a.mp4", "--no-video"],
        &["render", "a.mp4", "--no-video", "-o", "b.mp4", "--wav", "b.wav"],
        &["render", "a.mp4", "--until", "rhythm", "--midi", "b.mid"],
        &["render", "a.mp4", "--until", "export"],
        &["render", "a.mp4", "--wav", "same.wav", "--midi", "same.wav"],
        &["render", "a.mp4", "--start", "5", "--end", "2"],
        &["render", "a.mp4", "-q", "-v"],
        &["completions", "tcl"],
        &["sing"],
        &[],
    ] {
        let output = run(args).expect(2);
        assert!(!output.stderr.is_empty(), "{args:?}");
        assert_eq!(output.stdout, "", "{args:?}");
    }
}

#[test]
fn help_shows_every_setting_and_the_exit_codes() {
    let defaults = Settings::default();
    for args in [["render", "--help"], ["analyze", "--help"]] {
        let help = run(&args).expect(0).stdout;
        let flat = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for setting in TABLE {
            assert!(flat.contains(setting.help), "{}", setting.key);
            let default = format!("[default: {}]", defaults.get(setting.key).expect("a default"));
            assert!(flat.contains(&default), "{} {default}", setting.key);
        }
    }
    for help in [run(&["--help"]), run(&["render", "--help"])] {
        assert!(help.stdout.contains("Exit codes:") && help.stdout.contains("130  stopped by Ctrl-C"));
    }
}

#[test]
fn the_readme_lists_each_flag_and_each_exit_code() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let help = run(&["render", "--help"]).expect(0).stdout;
    let mut reported = 0;
    // Lines that begin with a dash and a space are values of the flag above.
    let flags = help
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with('-') && !line.starts_with("- "));
    for line in flags {
        let flag = line
            .split_whitespace()
            .find(|word| word.starts_with("--"))
            .expect("a long flag");
        let flag = flag.trim_end_matches("...");
        assert!(readme.contains(&format!("`{flag}")), "README.md does not list {flag}");
        reported += 1;
    }
    assert!(reported > 30, "{reported} flags");
    let codes: Vec<(&str, &str)> = help
        .split("Exit codes:\n")
        .nth(1)
        .expect("the exit codes")
        .lines()
        .filter_map(|line| line.trim().split_once("  "))
        .collect();
    assert_eq!(codes.len(), 12, "{codes:?}");
    for (number, meaning) in codes {
        let row = format!("| {number} | {meaning} |");
        assert!(readme.contains(&row), "README.md does not contain: {row}");
    }
}

#[test]
fn the_settings_are_listed_for_programs_and_people() {
    let listed = run(&["settings", "--json"]).expect(0).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let rows = listed.as_array().expect("an array");
    assert_eq!(rows.len(), TABLE.len());
    let table = run(&["settings"]).expect(0).stdout;
    for (row, setting) in rows.iter().zip(TABLE) {
        assert_eq!(row["key"], setting.key);
        assert_eq!(row["help"], setting.help);
        assert!(row["flag"].as_str().is_some_and(|flag| flag.starts_with("--")), "{row}");
        let default = row["default"].as_str().expect("text");
        Settings::default()
            .set(setting.key, default)
            .expect("a default that is allowed");
        assert!(
            table.contains(&format!("{} = {default}\n", setting.key)),
            "{}",
            setting.key
        );
        let described = row["least"].is_number() || row["words"].is_array() || row["syntax"].is_string();
        assert!(described && row["auto"].is_boolean(), "{row}");
        assert_eq!(row["allowed"], setting.allowed());
    }
}

#[test]
fn the_table_that_plugins_are_built_with_is_the_programs() {
    let table = root().join("plugin/settings.json");
    let listed = run(&["settings", "--json"]).expect(0).stdout;
    if std::env::var_os("KINESCORE_RENEW_GOLDEN").is_some() {
        fs::write(&table, &listed).expect("the table is written");
    }
    let built_in = fs::read_to_string(&table).expect("the table is there");
    assert!(
        listed == built_in,
        "plugin/settings.json is not what `kinescore settings --json` writes: KINESCORE_RENEW_GOLDEN=1 renews it"
    );
}

#[test]
fn completions_and_man_pages_know_the_flags() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).expect(0).stdout;
        assert!(
            ["top-p", "neworleans", "instruments", "guitar", "tense", "chords"]
                .iter()
                .all(|w| script.contains(w)),
            "{shell}"
        );
    }
    let page = run(&["man"]).expect(0).stdout;
    assert!(
        page.contains(".TH kinescore 1") && page.contains("Exit codes:"),
        "{page}"
    );
    let folder = folder();
    run(&["man", text(folder.path())]).expect(0);
    let render = fs::read_to_string(folder.path().join("kinescore-render.1")).expect("a page for render");
    assert!(render.contains("\\-\\-top\\-p") && render.contains("Exit codes:"));
    for page in [
        "kinescore.1",
        "kinescore-analyze.1",
        "kinescore-doctor.1",
        "kinescore-settings.1",
    ] {
        assert!(folder.path().join(page).is_file(), "{page}");
    }
    run(&["man", "/dev/null/pages"]).expect(7).reports(&["/dev/null/pages"]);
}

#[test]
fn a_closed_or_full_standard_output_does_not_panic() {
    let mut child = kinescore(&["settings"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a start");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.stderr.is_empty());

    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let output = kinescore(&["settings"]).stdout(full).output().expect("a start");
    common::Run::from(output)
        .expect(7)
        .reports(&["standard output", "No space left"]);
}

#[test]
fn doctor_warns_of_an_onnx_runtime_that_contains_telemetry() {
    let folder = folder();
    let pinned = fs::read_dir(common::root().join(".setup/onnxruntime")).expect("the folder of ONNX Runtime");
    let is_library = |path: &std::path::PathBuf| text(path).contains("libonnxruntime.so");
    let pinned = pinned.flatten().map(|entry| entry.path()).find(is_library);
    // What follows the sections of a library is not loaded, but is found in its file.
    let mut bytes = fs::read(pinned.expect("ONNX Runtime")).expect("the library");
    bytes.extend(b"ORT_DISABLE_TELEMETRY");
    let library = folder.path().join("libonnxruntime.so");
    fs::write(&library, bytes).expect("a copy");
    let found = run(&["doctor", "--onnxruntime", text(&library)]).expect(0);
    for part in ["-- telemetry", "~/.cache/Microsoft", "ORT_DISABLE_TELEMETRY=1"] {
        assert!(found.stdout.contains(part), "{part} is not in:\n{}", found.stdout);
    }
}

#[test]
fn doctor_reports_what_is_there_and_what_is_missing() {
    let found = run(&["doctor"]);
    let manifest = fs::read_to_string(common::models().join("manifest.toml")).expect("the manifest");
    for line in manifest.lines().filter(|line| line.starts_with("file = ")) {
        let file = line.split('"').nth(1).expect("a quoted name");
        assert!(found.stdout.contains(file), "{file} is not in:\n{}", found.stdout);
    }
    for part in [
        "FFmpeg",
        "libavcodec",
        "ONNX Runtime",
        "1.28.0",
        "CPUExecutionProvider",
        "CUDA",
        "cache",
    ] {
        assert!(found.stdout.contains(part), "{part} is not in:\n{}", found.stdout);
    }
    assert!(!found.stdout.contains("!!"), "{}", found.stdout);
    let found = found.expect(0);
    assert_eq!(found.stderr, "");

    assert!(!found.stdout.contains("telemetry"), "{}", found.stdout);

    let empty = folder();
    let missing = run(&[
        "doctor",
        "--onnxruntime",
        text(empty.path()),
        "--models",
        text(empty.path()),
    ])
    .expect(6);
    assert!(
        missing.stdout.contains("!! ONNX Runtime") && missing.stdout.contains("!! models"),
        "{}",
        missing.stdout
    );
    assert!(missing.stdout.contains(text(empty.path())));
    let font = run(&["doctor", "--soundfont", "/nowhere/drums.sf2"]).expect(6);
    assert!(font.stdout.contains("/nowhere/drums.sf2"), "{}", font.stdout);
}

#[test]
fn loading_the_models_leaves_nothing_in_the_home_folder() {
    let home = folder();
    let mut command = kinescore(&["doctor"]);
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    common::go(command.env("HOME", home.path())).expect(0);
    assert_eq!(listing(home.path()), []);
}

#[test]
fn a_damaged_model_is_named_by_doctor() {
    let folder = folder();
    for entry in fs::read_dir(common::models()).expect("the models").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
        }
    }
    let model = folder.path().join("blazepose_full.onnx");
    let mut content = fs::read(&model).expect("the model");
    content[1000] ^= 1;
    fs::write(&model, content).expect("a damaged model");
    let found = run(&["doctor", "--models", text(folder.path())]).expect(6);
    let line = found
        .stdout
        .lines()
        .find(|line| line.starts_with("!!"))
        .expect("a line on what is wrong");
    assert!(
        line.contains("blazepose_full.onnx") && line.contains("sha256"),
        "{line}"
    );
}

#[test]
fn models_that_are_nowhere_are_reported_with_the_places_searched() {
    // A copy of the program far from any models.
    let folder = folder();
    let program = folder.path().join("kinescore");
    fs::copy(env!("CARGO_BIN_EXE_kinescore"), &program).expect("a copy");
    let mut command = Command::new(&program);
    command
        .args(["render", text(&common::walkers()), "-o"])
        .arg(folder.path().join("out.mp4"));
    common::isolate(&mut command).env_remove("KINESCORE_MODELS");
    let place = folder.path().canonicalize().expect("the folder").join("models");
    common::go(&mut command)
        .expect(6)
        .reports(&[text(&place), "KINESCORE_MODELS"]);
    assert_eq!(listing(folder.path()).len(), 1);
}
