//! The files that runs read and write: checks before the work, and protection against loss.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

mod common;

use common::{by_shell, folder, go, kinescore, listing, models, outside, run, text, walkers};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// The first seconds of a clip at a fixed tempo, with drums only: little work.
const BRIEFLY: [&str; 10] = [
    "--device",
    "cpu",
    "--pose-rate",
    "10",
    "--end",
    "3",
    "--tempo",
    "100",
    "--instruments",
    "drums",
];

/// A run that must end immediately, without any work.
#[track_caller]
fn at_once(command: &mut Command) -> common::Run {
    let done = outside::within(command, Duration::from_secs(20)).expect("an end within seconds");
    done.into()
}

fn names(folder: &Path) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    listing(folder).iter().map(|(path, _)| name(path)).collect()
}

fn pipe(path: &Path) {
    outside::printed(Command::new("mkfifo").arg(path));
}

#[test]
fn a_stem_is_checked_like_any_other_output() {
    let folder = folder();
    let stems = folder.path().join("stems");
    fs::create_dir(&stems).expect("a folder");
    let clip = stems.join("bass.wav");
    fs::copy(walkers(), &clip).expect("a clip");
    let before = listing(folder.path());
    let render = |clip: &Path, more: &[&str]| {
        let args = [&["render", text(clip), "--no-video", "--stems", text(&stems)][..], more].concat();
        at_once(&mut kinescore(&args))
    };
    // A stem with the path of the clip.
    render(&clip, &["--instruments", "drums,bass"])
        .expect(7)
        .reports(&["stems/bass.wav", "overwrite the input"]);
    // Two outputs with the same name.
    let wav = stems.join("drums.wav");
    render(&walkers(), &["--wav", text(&wav)])
        .expect(2)
        .reports(&["stems/drums.wav", "two outputs"]);
    // Something that must not be replaced.
    fs::create_dir(stems.join("piano.wav")).expect("a folder");
    render(&walkers(), &["--instruments", "piano"])
        .expect(7)
        .reports(&["stems/piano.wav", "cannot be written"]);
    fs::remove_dir(stems.join("piano.wav")).expect("removed");
    assert_eq!(listing(folder.path()), before);
    assert!(fs::read(&clip).expect("the clip") == fs::read(walkers()).expect("the original"));
    // A part that is not played has no stem, so the clip may have that path.
    let args = ["render", text(&clip), "--no-video", "--stems", text(&stems)];
    run(&[&args[..], &BRIEFLY].concat()).expect(0);
    assert_eq!(names(&stems), ["bass.wav", "drums.wav"]);
    // The parts of a saved stage are known from it.
    let saved = folder.path().join("score.json");
    let args = ["render", text(&clip), "--until", "score", "-o", text(&saved)];
    run(&[&args[..], &BRIEFLY].concat()).expect(0);
    let args = ["render", "--from", text(&saved), "--no-video", "--stems", text(&stems)];
    at_once(&mut kinescore(&[&args[..], &["--wav", text(&wav)]].concat()))
        .expect(2)
        .reports(&["stems/drums.wav", "two outputs"]);
}

/// Creates a file that was last written a number of minutes ago.
#[test]
fn the_folder_of_the_stems_is_made_before_other_files_go_into_it() {
    let folder = folder();
    let stems = folder.path().join("new/stems");
    let render = |wav: &str| {
        let clip = walkers();
        let wav = stems.join(wav);
        let args = ["render", text(&clip), "--no-video"];
        let args = [&args[..], &["--stems", text(&stems), "--wav", text(&wav)], &BRIEFLY].concat();
        run(&args)
    };
    // Duplicate outputs are detected even if the folder does not exist yet.
    render("drums.wav").expect(2).reports(&["drums.wav", "two outputs"]);
    assert!(!stems.exists());
    render("mix.wav").expect(0);
    assert_eq!(names(&stems), ["drums.wav", "mix.wav"]);
}

fn aged(path: &Path, minutes: u64) {
    let file = fs::File::create(path).expect("a file");
    let then = SystemTime::now() - Duration::from_secs(60 * minutes);
    file.set_modified(then).expect("a time");
}

#[test]
fn leftovers_of_killed_runs_are_removed_by_the_next_run_that_writes_there() {
    let folder = folder();
    let list = folder.path().join("list.csv");
    fs::write(&list, "path\nwalk.mp4\n").expect("a manifest");
    let left = [
        ".v.kinescore-aB3dE9fG5hJ7.mp4",
        ".plain.soundtrack.4711.part.wav",
        ".soundtrack-aB3dE9",
    ];
    let others = [
        ".v.backup.mp4",
        ".v.kinescore-mine.mp4",
        ".v.kinescore-Photos.mp4",
        "note.txt",
    ];
    for name in left.iter().chain(&others) {
        aged(&folder.path().join(name), 61);
    }
    aged(&folder.path().join(".now.kinescore-aB3dE9fG5hJ7.wav"), 5);
    let report = folder.path().join("report.json");
    let args = ["batch", text(&list), "--collect", "--report", text(&report)];
    at_once(&mut kinescore(&args)).expect(9);
    let mut expected = others.to_vec();
    expected.extend([".now.kinescore-aB3dE9fG5hJ7.wav", "list.csv", "report.json"]);
    expected.sort_unstable();
    assert_eq!(names(folder.path()), expected);
}

#[test]
fn a_limit_on_the_size_of_files_is_a_write_error() {
    let folder = folder();
    let before = listing(folder.path());
    // Blocks of 512 bytes: 64 KiB, which is less than the sound and the video need.
    for (flag, name) in [("--wav", "out.wav"), ("-o", "out.mp4")] {
        let output = folder.path().join(name);
        let mut command = kinescore(&["render", text(&walkers()), flag, text(&output)]);
        command.args(BRIEFLY).args((flag == "--wav").then_some("--no-video"));
        go(&mut by_shell("ulimit -f 128; exec \"$@\"", &command))
            .expect(7)
            .reports(&[name, "File too large"]);
        assert_eq!(listing(folder.path()), before, "nothing half-written is left");
    }
}

#[test]
fn a_hangup_that_was_ignored_stays_ignored() {
    let folder = folder();
    let wav = folder.path().join("out.wav");
    let walkers = walkers();
    let args = ["render", text(&walkers), "--no-video", "--wav", text(&wav)];
    let command = kinescore(&[&args[..], &["--device", "cpu", "--instruments", "drums", "--no-cache"]].concat());
    // Started like by nohup.
    let mut nohup = by_shell("trap '' HUP; exec \"$@\"", &command);
    let child = outside::start(&mut nohup, Stdio::null());
    std::thread::sleep(Duration::from_millis(700));
    outside::signal(&child, "-HUP");
    let done = outside::collect(child, outside::LONG).expect("an end in time");
    common::Run::from(done).expect(0);
    assert!(wav.exists());
    fs::remove_file(&wav).expect("removed");
    // Without it, the end of the terminal stops the run. A shell cannot give a signal back that was
    // ignored when the tests were started, as by nohup.
    let mut usual = by_shell("exec /usr/bin/env --default-signal=HUP \"$@\"", &command);
    let child = outside::start(&mut usual, Stdio::null());
    std::thread::sleep(Duration::from_millis(700));
    outside::signal(&child, "-HUP");
    let done = outside::collect(child, outside::LONG).expect("an end in time");
    common::Run::from(done).expect(130).reports(&["cancelled"]);
    assert!(!wav.exists());
}

#[test]
fn a_name_that_an_output_cannot_hold_is_refused_before_the_work() {
    let folder = folder();
    let clip = folder.path().join(OsStr::from_bytes(b"walk\xff.mp4"));
    fs::copy(walkers(), &clip).expect("a clip");
    let before = listing(folder.path());
    for (words, more, flag) in [
        ("render", &["--no-video", "--json", "-"][..], "--json"),
        ("render", &["--until", "pose"], "--until"),
        ("analyze", &["--json", "-"], "--json"),
    ] {
        let mut command = kinescore(&[words]);
        at_once(command.arg(&clip).args(more))
            .expect(2)
            .reports(&["is not UTF-8", flag, "rename"]);
    }
    // The analysis of a batch is JSON, too; the name of a folder is part of the manifest's own.
    let inner = folder.path().join(OsStr::from_bytes(b"clips\xff"));
    fs::create_dir(&inner).expect("a folder");
    fs::copy(walkers(), inner.join("walk.mp4")).expect("a clip");
    fs::write(inner.join("list.csv"), "path\nwalk.mp4\n").expect("a manifest");
    let mut command = kinescore(&["batch", "--out", text(folder.path())]);
    at_once(command.arg(inner.join("list.csv")))
        .expect(3)
        .reports(&["line 2", "is not UTF-8"]);
    fs::remove_dir_all(&inner).expect("removed");
    assert_eq!(listing(folder.path()), before);
    // Sound and video do not have this limitation.
    let (wav, video) = (folder.path().join("out.wav"), folder.path().join("out.mp4"));
    let mut command = kinescore(&["render"]);
    command
        .arg(&clip)
        .args(BRIEFLY)
        .args(["--wav", text(&wav), "-o", text(&video)]);
    go(&mut command).expect(0);
    assert!(wav.exists() && video.exists());
}

#[test]
fn pipes_are_not_waited_for() {
    let folder = folder();
    let fifo = folder.path().join("pipe.mp4");
    pipe(&fifo);
    for args in [
        &["render", text(&fifo)][..],
        &["analyze", text(&fifo)],
        &["render", "--from", text(&fifo)],
        &["batch", text(&fifo)],
    ] {
        at_once(&mut kinescore(args))
            .expect(3)
            .reports(&["pipe.mp4", "not a regular file"]);
    }
    for name in ["-", "/dev/stdin", "/dev/zero"] {
        at_once(&mut kinescore(&[
            "render",
            "--no-video",
            "--wav",
            text(&folder.path().join("a.wav")),
            name,
        ]))
        .expect(3)
        .reports(&[name]);
    }

    // A pipe is not a result.
    let list = folder.path().join("list.csv");
    fs::write(&list, "path\nwalk.mp4\n").expect("a manifest");
    pipe(&folder.path().join("walk.result.json"));
    at_once(&mut kinescore(&["batch", text(&list), "--collect"]))
        .expect(9)
        .reports(&["walk.result.json", "not a result of this program"]);
}

#[test]
fn models_that_cannot_be_read_are_missing_resources_and_not_bad_input() {
    let (folder, walkers) = (folder(), walkers());
    // Since a superuser can read every file, a folder replaces the file.
    for (name, part) in [
        ("manifest.toml", "manifest.toml"),
        ("blazepose_full.onnx", "blazepose_full.onnx"),
    ] {
        let place = folder.path().join(name.replace('.', "-"));
        fs::create_dir(&place).expect("a folder");
        for entry in fs::read_dir(models()).expect("the models").flatten() {
            if entry.path().is_file() && entry.file_name() != name {
                std::os::unix::fs::symlink(entry.path(), place.join(entry.file_name())).expect("a link");
            }
        }
        fs::create_dir(place.join(name)).expect("a folder");
        let wav = folder.path().join("out.wav");
        let args = [
            "render",
            text(&walkers),
            "--no-video",
            "--wav",
            text(&wav),
            "--models",
            text(&place),
        ];
        go(&mut kinescore(&args)).expect(6).reports(&[part, "cannot be read"]);
    }
    // Neither may the folder itself be a file.
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    at_once(&mut kinescore(&["render", text(&walkers), "--models", text(&file)]))
        .expect(6)
        .reports(&["file"]);
}

#[test]
fn files_say_what_made_them_unless_they_are_not_to() {
    let folder = folder();
    let render = |name: &str, more: &[&str]| {
        let at = |extension: &str| folder.path().join(name).with_extension(extension);
        let outputs = ["wav", "mid", "json", "mp4"].map(at);
        let [wav, midi, json, video] = &outputs;
        let files = [
            "-o",
            text(video),
            "--wav",
            text(wav),
            "--midi",
            text(midi),
            "--json",
            text(json),
        ];
        let walk = walkers();
        let args = [&["render", text(&walk), "--seed", "7"], &BRIEFLY[..], &files[..], more].concat();
        run(&args).expect(0);
        outputs.map(|path| fs::read(path).expect("written"))
    };
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    let version = format!("Kinescore {}", env!("CARGO_PKG_VERSION"));

    let [wav, midi, json, video] = render("said", &[]);
    for (name, bytes) in [("wav", &wav), ("midi", &midi), ("video", &video)] {
        for text in [version.as_str(), "seed 7", "AlgorithmicMedia", "sha256:"] {
            assert!(has(bytes, text), "{name}: {text}");
        }
    }
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let source = json["digital_source_type"].as_str().expect("a source");
    assert!(source.ends_with("/trainedAlgorithmicMedia"), "{source}");
    assert!(json["models"]["blazepose_full"].is_string());
    assert!(json["models"]["blazepose_heavy"].is_null(), "it is not used");
    assert!(json["models"]["soundfont_bundled"].is_null());
    let bundled = json["models"]["soundfont"].clone();

    // A font of the user's own, and the bundled one, which fills in for it.
    let font = folder.path().join("own.sf3");
    let mut content = fs::read(models().join("kinescore-gm.sf3")).expect("the bundled font");
    let name = content.windows(4).position(|chunk| chunk == b"INAM").expect("its name");
    content[name + 8] ^= 0x20; // capital or small
    fs::write(&font, &content).expect("a font");
    let [_, _, own, _] = render("own", &["--soundfont", text(&font)]);
    let own: serde_json::Value = serde_json::from_slice(&own).expect("JSON");
    assert_eq!(own["models"]["soundfont_bundled"], bundled);
    let hash = outside::printed(Command::new("sha256sum").arg(&font));
    assert_eq!(
        own["models"]["soundfont"].as_str().expect("a hash").as_bytes(),
        &hash[..64]
    );
    assert_ne!(own["models"]["soundfont"], bundled);

    let [plain_wav, midi, json, video] = render("unsaid", &["--no-provenance"]);
    for (name, bytes) in [("wav", &plain_wav), ("midi", &midi), ("video", &video)] {
        for text in ["Kinescore", "AlgorithmicMedia"] {
            // MIDI files name their first track so only where the clip has no name.
            assert!(!has(bytes, text), "{name}: {text}");
        }
    }
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert!(json["digital_source_type"].is_null());
    assert_eq!(json["models"], serde_json::json!({}));
    // The sound is the same: only chunks behind it differ.
    assert_eq!(wav[8..plain_wav.len()], plain_wav[8..]);
}

#[test]
fn marks_are_read_first_checked_strictly_and_not_overwritten() {
    let folder = folder();
    let marks = folder.path().join("marks.json");
    let clip = walkers();
    let render = |more: &[&str]| {
        let args = ["render", text(&clip), "--no-video", "--marks", text(&marks)];
        kinescore(&[&args[..], more, &BRIEFLY[..]].concat())
    };
    let wav = folder.path().join("out.wav");
    let wav = ["--wav", text(&wav)];
    at_once(&mut render(&wav))
        .expect(3)
        .reports(&["marks.json", "cannot be read"]);
    for (content, reports) in [
        (
            "{}",
            "it is JSON, but not marks: it has no field 'format'; choose a file with marks",
        ),
        (
            "{\"format\": \"kinescore-marks\", \"version\": 1, \"hits\": [{\"time\": -1}]}",
            "hits[0].time is -1 s; expected 0 to 1000000 s",
        ),
        (
            "{\"format\": \"kinescore-marks\", \"version\": 1, \"beat\": []}",
            "beat is not a field; expected one of format, version, beats",
        ),
    ] {
        fs::write(&marks, content).expect("written");
        at_once(&mut render(&wav)).expect(3).reports(&[reports, "(--marks)"]);
    }
    let good = "{\"format\": \"kinescore-marks\", \"version\": 1, \"beats\": [{\"time\": 1.0123, \"number\": 1}]}";
    fs::write(&marks, good).expect("written");
    at_once(&mut render(&["--wav", text(&marks)]))
        .expect(2)
        .reports(&["marks.json"]);
    let json = folder.path().join("out.json");
    at_once(&mut render(&["--json", text(&marks)]))
        .expect(7)
        .reports(&["marks.json", "overwrite the input"]);
    go(&mut render(&["--json", text(&json)])).expect(0);
    let analysis: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&json).expect("the analysis")).expect("JSON");
    let beats = analysis["beats"].as_array().expect("beats");
    let met = beats.iter().find(|beat| {
        let time = beat["time"].as_f64().expect("a time");
        (time - 1.0123).abs() < 1e-3
    });
    assert_eq!(met.map(|beat| &beat["number"]), Some(&1.into()), "{beats:?}");
    assert_eq!(fs::read_to_string(&marks).expect("the marks"), good);
}
