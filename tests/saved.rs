//! Files saved between stages: every number in them has a range, and a value beyond either end is
//! refused before any work, with the field, the value and the range. The stages are small and
//! hand-made, with one item of each kind.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

mod support;

use kinescore::pipeline::{Engine, Job};
use kinescore::progress::Stage;
use kinescore::{Error, Monitor, Settings};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use support::root;

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| support::engine(1));

/// A clip of 4 s.
fn file(stage: &str) -> Value {
    json!({
        "format": "kinescore-stage", "version": 1, "stage": stage,
        "clip": {
            "path": "dance.mp4", "start": 0.5, "duration": 4.0, "width": 480, "height": 270, "frame_rate": 30.0,
            "has_audio": true, "whole": false,
        },
    })
}

fn poses() -> Value {
    let joints: Vec<f64> = (0..17)
        .flat_map(|joint| [100.0 + f64::from(joint), 50.0, 0.9])
        .collect();
    let mut file = file("pose");
    file["poses"] = json!({
        "people": 1, "cuts": [2.0],
        "poses": (0..120).map(|i| json!({"time": f64::from(i) / 30.0, "joints": joints})).collect::<Vec<_>>(),
    });
    file
}

/// All stages starting with the rhythm: eight beats at 120 per minute, the first at a quarter of a
/// second.
fn music() -> Value {
    let beats: Vec<f64> = (0..8).map(|beat| 0.25 + 0.5 * f64::from(beat)).collect();
    let mut file = file("music");
    file["rhythm"] = json!({
        "beats": beats.iter().enumerate().map(|(i, t)| json!({"time": t, "number": i % 4 + 1})).collect::<Vec<_>>(),
        "beats_per_bar": 4, "tempo": 120.0, "confidence": 0.5,
        "accents": [{"time": 0.3, "strength": 0.5, "kind": "impact"}, {"time": 1.2, "strength": 1.0, "kind": "style"}],
        "movement": {"rate": 60.0, "values": vec![20.0; 241]},
        "activation": {"rate": 100.0, "values": vec![0.5; 401]},
        "source": "motion",
    });
    file["drums"] = json!({
        "beats": beats, "first_beat": 1, "beats_per_bar": 4, "style": "rock",
        "hits": [
            {"step": -1, "class": "closed_hat", "velocity": 0.5, "offset": 0.0},
            {"step": 0, "class": "kick", "velocity": 0.75, "offset": -0.125},
            {"step": 27, "class": "snare", "velocity": 1.0, "offset": 0.25},
        ],
    });
    let note =
        |step: i32, pitch: u8| json!({"step": step, "length": 4, "pitch": pitch, "velocity": 0.5, "offset": 0.0});
    file["music"] = json!({
        "key": {"tonic": 9, "mode": "minor"},
        "chords": [
            {"step": -16, "chord": {"root": 9, "quality": "minor"}},
            {"step": 8, "chord": {"root": 4, "quality": "major"}},
        ],
        "lines": [
            {"instrument": "piano", "notes": [note(0, 60), note(4, 64)]},
            {"instrument": "bass", "notes": [note(0, 40)]},
        ],
    });
    file
}

fn score() -> Value {
    let mut file = music();
    file["stage"] = json!("score");
    file["cut"] = json!({"start": 705_600_000_u64, "end": 2_469_600_000_u64, "speed": [1, 1]});
    let note = |onset: u32| json!({"onset": onset, "ticks": 120, "pitch": 42, "velocity": 100});
    file["score"] = json!({
        "tempo_map": {"points": [{"tick": 0, "time": 0.0}, {"tick": 480, "time": 0.5}, {"tick": 960, "time": 1.0}]},
        "signatures": [{"tick": 0, "beats": 1}, {"tick": 480, "beats": 4}],
        "parts": [
            {"name": "drums", "channel": 9, "bank": 128, "program": 8, "notes": [note(0), note(240)]},
            {"name": "piano", "channel": 0, "bank": 0, "program": 4, "volume": -3.0, "pan": 0.25, "notes": [note(480)]},
        ],
        "duration": 2.5, "start": 1.0,
    });
    file
}

/// The value at a path such as `rhythm.beats[12].time`. A missing key is created.
fn at<'a>(file: &'a mut Value, path: &str) -> &'a mut Value {
    path.split(['.', '[', ']'])
        .filter(|key| !key.is_empty())
        .fold(file, |value, key| match key.parse::<usize>() {
            Ok(index) => &mut value[index],
            Err(_) => &mut value[key],
        })
}

/// The file with other text at a path; text, since a file may contain things that are not JSON
/// values.
fn with(mut file: Value, path: &str, text: &str) -> String {
    *at(&mut file, path) = json!("@");
    file.to_string().replace("\"@\"", text)
}

fn load(text: &str) -> Result<Job, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stage.json");
    std::fs::write(&path, text).expect("written");
    Job::load(ENGINE.clone(), Settings::default(), &path)
}

/// The reason why a file is refused; the refusal must not wait for work (these would take minutes).
fn refusal(text: &str, what: &str) -> String {
    let begun = Instant::now();
    let error = load(text).err().unwrap_or_else(|| panic!("{what}: loaded"));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{what}: {:?}",
        begun.elapsed()
    );
    match error {
        Error::Saved { path, reason } => {
            assert!(path.ends_with("stage.json"), "{what}: {}", path.display());
            reason
        }
        other => panic!("{what}: {other}"),
    }
}

/// A number of a stage: its path, values at both ends that are allowed, and values beyond them, or
/// not numbers.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const OF_ALL: &[Row] = &[
    (
        "clip.start",
        &["0", "1000000"],
        &["-0.1", "1000001", "1e300", "NaN", "1e999"],
    ),
    (
        "clip.duration",
        &["3.5", "60"],
        &[
            "0", "-1", "1.8", "4000", "86401", "1e6", "1e9", "1e300", "NaN", "Infinity", "1e999", "null", "\"4\"",
        ],
    ),
    (
        "clip.width",
        &["16", "16384"],
        &["15", "16385", "-1", "4294967296", "480.5"],
    ),
    ("clip.height", &["16", "16384"], &["0", "16385", "-270", "1e9"]),
    ("clip.frame_rate", &["0", "1000000"], &["-1", "1000001", "NaN"]),
];

const OF_POSES: &[Row] = &[
    ("poses.people", &["0", "10000"], &["10001", "-1", "1e30"]),
    ("poses.cuts[0]", &["-1", "5"], &["-1.1", "5.1", "1e300"]),
    ("poses.poses[0].time", &["-1", "0.03"], &["-1.1", "0.04", "NaN"]),
    (
        "poses.poses[7].time",
        &["0.201", "0.266"],
        &["0.2", "0.2000001", "0.1", "-1e9", "6", "1e300"],
    ),
    ("poses.poses[119].time", &["4", "5"], &["5.1", "9900000", "3.9"]),
    (
        "poses.poses[7].joints[0]",
        &["-1000000", "1000000"],
        &["-1000001", "1000001", "1e300"],
    ),
    ("poses.poses[7].joints[49]", &["-1000000", "1000000"], &["-1e7", "1e7"]),
    ("poses.poses[7].joints[50]", &["0", "1"], &["-0.1", "1.1", "NaN"]),
];

const OF_MUSIC: &[Row] = &[
    (
        "rhythm.beats[0].time",
        &["-1", "0.65"],
        &["-1.1", "0.66", "0.75", "-1000000000"],
    ),
    (
        "rhythm.beats[1].time",
        &["0.35", "1.15"],
        &["0.25", "0.250000001", "0.34", "1.16", "1.25", "1e300"],
    ),
    ("rhythm.beats[7].time", &["3.36", "5"], &["5.1", "3.25", "86400"]),
    ("rhythm.beats[2].number", &["1", "4"], &["0", "5", "256", "-1"]),
    ("rhythm.beats_per_bar", &["4"], &["2", "5", "0", "300"]),
    (
        "rhythm.tempo",
        &["10", "600"],
        &["9", "601", "0", "-120", "1e-320", "1e300", "NaN"],
    ),
    ("rhythm.confidence", &["0", "1"], &["-0.1", "1.1", "1e300"]),
    ("rhythm.accents[1].time", &["-1", "5"], &["-1.1", "5.1", "1e300"]),
    ("rhythm.accents[1].strength", &["0.001", "1"], &["0", "1.1", "-1"]),
    (
        "rhythm.movement.rate",
        &["4", "1000"],
        &["0", "-60", "1e-300", "1e-320", "0.5", "1001", "1e300", "NaN"],
    ),
    (
        "rhythm.movement.values[3]",
        &["0", "1000000000"],
        &["-0.1", "2e9", "1e300"],
    ),
    (
        "rhythm.activation.rate",
        &["7", "1000"],
        &["0", "-100", "6", "1001", "1e-300"],
    ),
    ("rhythm.activation.values[3]", &["0", "1"], &["-0.1", "61.7", "1e300"]),
    ("drums.beats[0]", &["-1", "0.65"], &["-1.1", "0.66", "-1e9"]),
    (
        "drums.beats[1]",
        &["0.35", "1.15"],
        &["0.250000001", "0.25", "0", "1.16", "1e300"],
    ),
    ("drums.beats[7]", &["3.36", "5"], &["5.1", "3.25", "1e9"]),
    ("drums.first_beat", &["1", "4"], &["0", "5", "256"]),
    ("drums.beats_per_bar", &["3", "4"], &["2", "5", "0"]),
    (
        "drums.hits[0].step",
        &["-34", "62"],
        &["-35", "63", "-2000000000", "2000000000", "-2147483648", "1e12"],
    ),
    ("drums.hits[1].velocity", &["0.001", "1"], &["0", "1.1", "-1", "1e300"]),
    (
        "drums.hits[1].offset",
        &["-0.5", "0.499"],
        &["-0.6", "0.5", "1e300", "NaN"],
    ),
    ("music.key.tonic", &["0", "11"], &["12", "-1", "256"]),
    ("music.chords[0].step", &["-34", "7"], &["-35", "8", "-2147483648"]),
    ("music.chords[1].step", &["-15", "62"], &["-16", "63", "2147483647"]),
    ("music.chords[1].chord.root", &["0", "11"], &["12", "-1"]),
    (
        "music.lines[0].notes[1].step",
        &["-34", "62"],
        &["-35", "63", "1000000000", "-2000000000"],
    ),
    ("music.lines[0].notes[1].length", &["1", "64"], &["0", "65", "256"]),
    ("music.lines[0].notes[1].pitch", &["0", "127"], &["128", "-1", "300"]),
    ("music.lines[0].notes[1].velocity", &["0.001", "1"], &["0", "1.1", "-1"]),
    (
        "music.lines[1].notes[0].offset",
        &["-0.5", "0.499"],
        &["-0.6", "0.5", "1e300"],
    ),
];

const OF_SCORE: &[Row] = &[
    (
        "cut.start",
        &["352800000", "1000000000"],
        &["-1", "352799999", "705600000000001", "2469600000", "1e300"],
    ),
    (
        "cut.end",
        &["2200000000", "3175200000"],
        &["-1", "705600000", "2000000000", "3400000000", "705600000000001"],
    ),
    (
        "cut.speed",
        &["[1,4]", "[5,4]"],
        &["[0,1]", "[1,0]", "[1,5]", "[4,1]", "[9,2]", "[-1,1]", "[1]"],
    ),
    ("score.tempo_map.points[0].tick", &["0"], &["1", "-1"]),
    ("score.tempo_map.points[0].time", &["0"], &["0.1", "-0.1"]),
    (
        "score.tempo_map.points[1].tick",
        &["5", "955"],
        &["0", "960", "4294967296"],
    ),
    (
        "score.tempo_map.points[1].time",
        &["0.00001", "0.9"],
        &["0", "1", "1e-9", "-1"],
    ),
    (
        "score.tempo_map.points[2].tick",
        &["700", "4000"],
        &["480", "2000000000", "4294967295"],
    ),
    (
        "score.tempo_map.points[2].time",
        &["0.6", "5"],
        &["0.5", "500", "1e300"],
    ),
    ("score.signatures[0].tick", &["0"], &["1", "-1"]),
    (
        "score.signatures[1].tick",
        &["1", "1658880000"],
        &["0", "1658880001", "4294967296"],
    ),
    ("score.signatures[1].beats", &["1", "16"], &["0", "17", "256"]),
    ("score.parts[1].channel", &["0", "15"], &["16", "-1"]),
    ("score.parts[1].bank", &["0", "127"], &["129", "65536"]),
    ("score.parts[1].program", &["0", "127"], &["128", "256"]),
    ("score.parts[1].volume", &["-48", "4"], &["-48.5", "4.5", "1e300"]),
    ("score.parts[1].pan", &["-1", "1"], &["-1.1", "1.1", "NaN"]),
    ("score.parts[0].pan", &["0"], &["0.5"]),
    (
        "score.parts[0].notes[1].onset",
        &["0", "2279"],
        &["2400", "4294967295", "-1"],
    ),
    (
        "score.parts[0].notes[1].ticks",
        &["1", "2160"],
        &["0", "2161", "4294967295"],
    ),
    ("score.parts[0].notes[1].pitch", &["42", "127"], &["128", "-1"]),
    ("score.parts[0].notes[1].velocity", &["1", "127"], &["0", "128", "256"]),
    (
        "score.duration",
        &["1.5", "61"],
        &["0", "-1", "86401", "62", "1e300", "NaN"],
    ),
    ("score.start", &["0", "1000000"], &["-0.1", "1000001", "NaN"]),
];

fn both_ends(file: &Value, rows: &[Row]) {
    load(&file.to_string()).expect("a file without fault");
    for (path, allowed, refused) in rows {
        for value in *allowed {
            if let Err(error) = load(&with(file.clone(), path, value)) {
                panic!("{path} = {value}: {error}");
            }
        }
        for value in *refused {
            let reason = refusal(&with(file.clone(), path, value), &format!("{path} = {value}"));
            // If one number bounds the other, the error may name the other one, of the list or of
            // the object.
            let around = path.find('[').or(path.rfind('.')).map_or(*path, |end| &path[..end]);
            assert!(reason.contains(around), "{path} = {value}: {reason}");
            let says_what = ["allowed ", "must ", "expected ", "needed", "does not lie within"]
                .iter()
                .any(|word| reason.contains(word));
            let no_number = reason.starts_with("not a saved stage: in ");
            assert!(says_what || no_number, "{path} = {value}: {reason}");
        }
    }
}

#[test]
fn numbers_of_the_clip_are_refused_beyond_their_ends() {
    both_ends(&poses(), OF_ALL);
    both_ends(&music(), &OF_ALL[1..]);
}

#[test]
fn numbers_of_the_poses_are_refused_beyond_their_ends() {
    both_ends(&poses(), OF_POSES);
}

#[test]
fn numbers_of_rhythm_drums_and_music_are_refused_beyond_their_ends() {
    both_ends(&music(), OF_MUSIC);
}

#[test]
fn numbers_of_the_score_and_of_the_cut_are_refused_beyond_their_ends() {
    both_ends(&score(), OF_SCORE);
}

/// The paths of all numbers in a value; of a list of numbers, that of the list.
fn numbers(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(path.to_owned()),
        Value::Array(items) => {
            for item in items {
                numbers(item, &format!("{path}[]"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                numbers(field, &format!("{path}{dot}{name}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_number_has_a_row() {
    let without_index = |path: &str| {
        let parts = path.split('[').enumerate();
        let parts = parts.map(|(index, part)| match (index, part.split_once(']')) {
            (0, _) | (_, None) => part.to_owned(),
            (_, Some((_, rest))) => format!("[]{rest}"),
        });
        parts.collect::<String>()
    };
    let rows = [OF_ALL, OF_POSES, OF_MUSIC, OF_SCORE].concat();
    let known: Vec<String> = rows.iter().map(|row| without_index(row.0)).collect();
    let mut found = Vec::new();
    numbers(&poses(), "", &mut found);
    numbers(&score(), "", &mut found);
    found.sort();
    found.dedup();
    assert!(found.len() > 50, "{found:?}");
    for number in found {
        let known = known.iter().any(|row| *row == number || number == format!("{row}[]"));
        assert!(known || number == "version", "{number} is not in any row");
    }
}

#[test]
fn a_sentence_gives_file_field_value_and_range() {
    for (file, path, value, reported) in [
        (
            poses(),
            "clip.duration",
            "1e9",
            "clip.duration is 1000000000 s; expected 1.9 to 86400 s",
        ),
        (
            poses(),
            "clip.duration",
            "4000",
            "clip.duration is 4000 s; expected at most 63.96666666666667 s, which is 60 s after the last pose",
        ),
        (
            music(),
            "rhythm.beats[5].time",
            "2.250000001",
            "rhythm.beats[5].time is 2.250000001 s, 0.000000001",
        ),
        (
            music(),
            "drums.hits[0].step",
            "-2000000000",
            "drums.hits[0].step is -2000000000; expected -34 to 62",
        ),
        (
            music(),
            "rhythm.movement.rate",
            "0",
            "rhythm.movement.rate: a rate of 0 Hz; it must be above 0",
        ),
        (
            music(),
            "music.lines[0].notes[1].pitch",
            "300",
            "music.lines[0].notes[1].pitch: invalid value: integer `300`, expected a whole number from 0 to 255",
        ),
        (
            poses(),
            "poses.poses[7].joints[50]",
            "1.5",
            "poses.poses[7].joints[50] is 1.5; expected 0 to 1 (line 1, column ",
        ),
        (
            music(),
            "clip.duration",
            "NaN",
            "not a saved stage: in clip.duration, expected value (line 1, column ",
        ),
    ] {
        let reason = refusal(&with(file, path, value), path);
        assert!(reason.starts_with(reported), "{reason}");
    }
}

#[test]
fn lists_that_are_too_short_or_too_long_are_refused() {
    for (path, value, reported) in [
        ("rhythm.beats", "[]", "rhythm.beats has 0 beats; at least two"),
        ("drums.beats", "[1.5]", "drums.beats has 1 beats; at least two"),
        (
            "music.lines[1].instrument",
            "\"piano\"",
            "music.lines[1].instrument is the Piano",
        ),
    ] {
        let reason = refusal(&with(music(), path, value), path);
        assert!(reason.contains(reported), "{reason}");
    }
    let mut long = music();
    long["rhythm"]["movement"]["values"] = json!(vec![1.0; 4000]);
    let reason = refusal(&long.to_string(), "movement");
    assert!(reason.contains("rhythm.movement.values has 4000 values"), "{reason}");
    let reason = refusal(&with(poses(), "poses.poses[3].joints", "[1, 2, 0.5]"), "joints");
    assert!(
        reason.contains("poses.poses[3].joints has 3 numbers; needed are 51"),
        "{reason}"
    );
}

/// A reader that recurses for each level of nesting would let a file overflow the stack.
#[test]
fn nesting_without_end_is_refused() {
    let levels = 200_000;
    let deep = |open: &str, close: &str| open.repeat(levels) + "1" + &close.repeat(levels);
    for (what, text) in [
        ("lists", deep("[", "]")),
        ("objects", deep("{\"a\":", "}")),
        ("lists in a field", with(music(), "rhythm.beats", &deep("[", "]"))),
        ("lists without an end", "[".repeat(levels)),
    ] {
        refusal(&text, what);
    }
    // A field of another program is skipped without recursion.
    load(&with(music(), "others", &deep("[", "]"))).expect("unknown fields are not read");

    let folder = tempfile::tempdir().expect("a folder");
    let lists = format!("a = {}", deep("[", "]"));
    let tables = format!("[{}]\n", ["a"; 100_000].join("."));
    let inline = format!("a = {}", deep("{a = ", "}"));
    for text in [lists, tables, inline] {
        std::fs::write(folder.path().join("manifest.toml"), text).expect("written");
        let error = kinescore::model::Manifest::read(folder.path()).expect_err("nested without end");
        assert!(matches!(error, Error::Manifest { .. }), "{error}");
    }
    for key in ["music.chords", "music.key", "tempo", "music.instruments"] {
        let text = "(".repeat(levels);
        assert!(Settings::default().set(key, &text).is_err(), "{key}");
    }
}

#[test]
fn paths_that_are_not_files_do_not_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Job::load(ENGINE.clone(), Settings::default(), folder.path()).err();
    assert!(
        matches!(&error, Some(Error::Saved { reason, .. }) if reason.contains("not a regular file")),
        "{error:?}"
    );
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo");
    assert!(made.success());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let error = Job::load(ENGINE.clone(), Settings::default(), &pipe).err();
        let _ = sender.send(error.map(|e| e.to_string())); // the test may be over
    });
    let reported = receiver
        .recv_timeout(Duration::from_secs(10))
        .expect("an immediate answer");
    assert!(reported.is_some_and(|reported| reported.contains("not a regular file")));
}

fn golden(stage: &str) -> PathBuf {
    root().join("tests/fixtures/golden").join(format!("{stage}.json"))
}

#[test]
fn files_saved_by_stages_are_read() {
    for stage in ["pose", "rhythm", "drums", "music", "score"] {
        let job = Job::load(ENGINE.clone(), Settings::default(), &golden(stage)).expect(stage);
        assert_eq!(job.latest().map(|latest| latest.to_string()), Some(stage.to_owned()));
    }
}

/// Arranges the hand-made stages, so that they are valid beyond the checks alone.
#[test]
fn a_file_made_by_hand_is_arranged_and_saved_again() {
    let mut job = load(&music().to_string()).expect("a file without fault");
    job.run(Stage::Score, &Monitor::none()).expect("a score");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("score.json");
    job.save(&path).expect("saved");
    let again = Job::load(ENGINE.clone(), Settings::default(), Path::new(&path)).expect("the same");
    assert_eq!(again.score(), job.score());
    assert_eq!(again.rhythm(), job.rhythm());
    assert!(job.score().is_some_and(|score| score.parts.len() == 3));
}
