//! Files saved between stages: every number in them has a range, and a value beyond either end is
//! refused before any work, with the field, the value and the range. The stages are small and
//! hand-made, with one item of each kind.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

mod stages_support;

use kinescore::pipeline::Job;
use kinescore::progress::Stage;
use kinescore::{Error, Monitor, Settings};
use serde_json::{Value, json};
use stages_support::support::root;
use stages_support::{ENGINE, load, music, poses, refusal, score, with};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
            assert!(says_what, "{path} = {value}: {reason}");
            assert!(reason.len() < 300, "{path} = {value}: {reason}");
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
            "rhythm.beats[5].time is 2.250000001 s, 1.00000008",
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
            "rhythm.movement.rate is 0; expected 1 to 1000 Hz (line 1, column ",
        ),
        (
            music(),
            "music.lines[0].notes[1].pitch",
            "300",
            "music.lines[0].notes[1].pitch is 300; expected 0 to 127 (line 1, column ",
        ),
        (
            poses(),
            "poses.poses[7].joints[50]",
            "1.5",
            "poses.poses[7].joints[50] is 1.5; expected 0 to 1 (line 1, column ",
        ),
        (
            music(),
            "drums",
            "null",
            "drums is null; expected an object (line 1, column ",
        ),
        (
            music(),
            "rhythm",
            "null",
            "rhythm is null; expected an object (line 1, column ",
        ),
        (
            music(),
            "stage",
            "\"audio\"",
            "stage is audio; expected pose, rhythm, drums, music or score",
        ),
        (
            music(),
            "clip.duration",
            "NaN",
            "in clip.duration: it is not JSON: a value is expected here (JSON has no NaN,",
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
        ("drums.beats", "[1.5]", "drums.beats has 1 beat; at least two"),
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

#[test]
fn a_result_that_the_next_stages_need_is_named_if_it_is_missing() {
    let without = |mut file: Value, stage: &str, field: &str| {
        file["stage"] = stage.into();
        file.as_object_mut().expect("an object").remove(field);
        refusal(&file.to_string(), field)
    };
    for (file, stage, field) in [
        (poses(), "pose", "poses"),
        (music(), "rhythm", "rhythm"),
        (music(), "drums", "rhythm"),
        (music(), "drums", "drums"),
        (music(), "music", "drums"),
        (music(), "music", "music"),
        (music(), "score", "score"),
    ] {
        let expected = format!("{field} is missing; a file of the stage {stage} has it");
        assert_eq!(without(file, stage, field), expected);
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

#[test]
fn an_instrument_that_never_plays_has_no_part_unless_it_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stage.json");
    std::fs::write(&path, with(music(), "music.lines[0].notes", "[]")).expect("written");
    let parts = |instruments: &str| {
        let settings = Settings::from_pairs([("music.instruments", instruments)]).expect("instruments");
        let mut job = Job::load(ENGINE.clone(), settings, &path).expect("a stage");
        job.run(Stage::Score, &Monitor::none()).expect("a score");
        let parts = job.score().expect("a score").parts.iter();
        parts.map(|part| part.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(parts("auto"), ["drums", "bass"]);
    assert_eq!(parts("drums,piano,bass"), ["drums", "bass", "piano"]);
}
