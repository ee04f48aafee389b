//! Stages made by hand, with one item of each kind, and loading them with a change.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic
#![allow(dead_code)] // each test file uses a part

#[path = "../support/mod.rs"]
pub mod support;

use kinescore::pipeline::{Engine, Job};
use kinescore::{Error, Settings};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

pub static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| support::engine(1));

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

pub fn poses() -> Value {
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
pub fn music() -> Value {
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

pub fn score() -> Value {
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
pub fn at<'a>(file: &'a mut Value, path: &str) -> &'a mut Value {
    path.split(['.', '[', ']'])
        .filter(|key| !key.is_empty())
        .fold(file, |value, key| match key.parse::<usize>() {
            Ok(index) => &mut value[index],
            Err(_) => &mut value[key],
        })
}

/// The file with other text at a path; text, since a file may contain things that are not JSON
/// values.
pub fn with(mut file: Value, path: &str, text: &str) -> String {
    *at(&mut file, path) = json!("@");
    file.to_string().replace("\"@\"", text)
}

pub fn load(text: &str) -> Result<Job, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stage.json");
    std::fs::write(&path, text).expect("written");
    Job::load(ENGINE.clone(), Settings::default(), &path)
}

/// The reason why a file is refused; the refusal must not wait for work (these would take minutes).
pub fn refusal(text: &str, what: &str) -> String {
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
