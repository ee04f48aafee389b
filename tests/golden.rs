//! Golden files at the boundaries of the stages: each stage gets the golden result of the previous
//! one, and its own result is compared with the golden one within a stated tolerance. See
//! `tests/README.md` for how to renew them.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

mod support;

use kinescore::audio::measure;
use kinescore::drums::DrumClass;
use kinescore::pipeline::{Cut, Job};
use kinescore::pose::{JOINTS, PoseTrack};
use kinescore::progress::Stage;
use kinescore::time::Flicks;
use kinescore::{Monitor, Settings};
use serde_json::json;
use std::path::PathBuf;
use support::{engine, root, walking};

fn golden(name: &str) -> PathBuf {
    root().join("tests/fixtures/golden").join(name)
}

/// Environment variable that makes the tests write the golden files instead of comparing with them.
fn renewing() -> bool {
    std::env::var_os("KINESCORE_RENEW_GOLDEN").is_some()
}

/// A job that has run `stage` from the golden file of the previous stage (or from the clip), and
/// the golden job to compare it with.
fn jobs(before: Option<&str>, stage: Stage) -> (Job, Job) {
    let mut job = match before {
        Some(name) => Job::load(engine(1), Settings::default(), &golden(name)).expect("the golden file before"),
        None => Job::open(engine(1), Settings::default(), &walking(), Cut::default()).expect("the bundled clip"),
    };
    job.run(stage, &Monitor::none()).expect("the stage");
    let own = golden(&format!("{stage}.json"));
    if renewing() {
        job.save(&own).expect("the golden file written");
        // The path of the clip is not compared, since it differs between machines.
        let text = std::fs::read_to_string(&own).expect("the golden file");
        let path = serde_json::to_string(&walking()).expect("a path");
        std::fs::write(&own, text.replace(&path, "\"tests/fixtures/walking-two-people.mp4\"")).expect("written");
    }
    let expected = Job::load(engine(1), Settings::default(), &own).expect("the golden file");
    (job, expected)
}

/// Distances between joints that are certain in both tracks, in pixels, sorted.
fn distances(a: &PoseTrack, b: &PoseTrack) -> Vec<f32> {
    let mut distances: Vec<f32> = a
        .poses
        .iter()
        .zip(&b.poses)
        .flat_map(|(a, b)| (0..JOINTS).map(move |joint| (a.joints[joint], b.joints[joint])))
        .filter(|(a, b)| a.confidence > 0.5 && b.confidence > 0.5)
        .map(|(a, b)| (a.x - b.x).hypot(a.y - b.y))
        .collect();
    distances.sort_by(f32::total_cmp);
    distances
}

#[test]
fn poses_are_within_two_pixels() {
    let (job, expected) = jobs(None, Stage::Pose);
    let (ours, golden) = (job.poses().expect("poses"), expected.poses().expect("poses"));
    assert_eq!(ours.people, golden.people);
    assert_eq!(ours.poses.len(), golden.poses.len());
    for (a, b) in ours.poses.iter().zip(&golden.poses) {
        assert!((a.time - b.time).seconds().abs() < 1e-3);
    }
    // Decoders and processors differ in the last bits; the picture is 1768 pixels wide.
    let distances = distances(ours, golden);
    assert!(
        distances.len() > golden.poses.len() * JOINTS / 2,
        "{} joints are certain",
        distances.len()
    );
    let at = |share: f64| distances[((distances.len() - 1) as f64 * share) as usize];
    assert!(
        at(0.5) < 0.5 && at(0.99) < 2.0,
        "median {}, 99th percentile {}",
        at(0.5),
        at(0.99)
    );
}

#[test]
fn beats_are_within_five_milliseconds() {
    let (job, expected) = jobs(Some("pose.json"), Stage::Rhythm);
    let (ours, golden) = (job.rhythm().expect("a rhythm"), expected.rhythm().expect("a rhythm"));
    assert_eq!(ours.beats_per_bar, golden.beats_per_bar);
    assert_eq!(ours.beats.len(), golden.beats.len());
    assert!((ours.tempo.bpm() / golden.tempo.bpm() - 1.0).abs() < 1e-3);
    assert!((ours.confidence - golden.confidence).abs() < 0.02);
    for (a, b) in ours.beats.iter().zip(&golden.beats) {
        assert!(
            (a.time - b.time).seconds().abs() < 5e-3 && a.number == b.number,
            "{a:?} {b:?}"
        );
    }
    assert_eq!(ours.accents.len(), golden.accents.len());
    for (a, b) in ours.accents.iter().zip(&golden.accents) {
        assert!(
            (a.time - b.time).seconds().abs() < 5e-3 && (a.strength - b.strength).abs() < 0.02,
            "{a:?} {b:?}"
        );
        assert_eq!((a.kind, a.part, a.impact), (b.kind, b.part, b.impact));
    }
}

#[test]
fn drums_are_the_same_notes() {
    let (job, expected) = jobs(Some("rhythm.json"), Stage::Drums);
    let (ours, golden) = (job.drums().expect("drums"), expected.drums().expect("drums"));
    assert_eq!(ours.style, golden.style);
    assert_eq!(ours.hits.len(), golden.hits.len());
    for (a, b) in ours.hits.iter().zip(&golden.hits) {
        assert_eq!((a.step, a.class), (b.step, b.class));
        // The networks' outputs differ in the last bits between processors.
        assert!(
            (a.velocity - b.velocity).abs() < 1e-3 && (a.offset - b.offset).abs() < 1e-3,
            "{a:?} {b:?}"
        );
    }
}

#[test]
fn the_other_instruments_play_the_same_notes() {
    let (job, expected) = jobs(Some("drums.json"), Stage::Music);
    let (ours, golden) = (job.music().expect("music"), expected.music().expect("music"));
    assert_eq!((ours.key, &ours.chords), (golden.key, &golden.chords));
    assert_eq!(ours.palette, golden.palette);
    assert_eq!(ours.lines.len(), golden.lines.len());
    assert!(ours.lines.len() > 1);
    for (ours, golden) in ours.lines.iter().zip(&golden.lines) {
        assert_eq!(ours.instrument, golden.instrument);
        assert_eq!(ours.notes.len(), golden.notes.len());
        for (a, b) in ours.notes.iter().zip(&golden.notes) {
            assert_eq!((a.step, a.pitch, a.length), (b.step, b.pitch, b.length));
            assert!(
                (a.velocity - b.velocity).abs() < 1e-3 && (a.offset - b.offset).abs() < 1e-3,
                "{a:?} {b:?}"
            );
        }
    }
}

#[test]
fn the_score_is_the_same_to_the_tick() {
    let (job, expected) = jobs(Some("music.json"), Stage::Score);
    assert_eq!(job.score().expect("a score"), expected.score().expect("a score"));
}

#[test]
fn the_sound_has_the_same_envelope() {
    let mut job = Job::load(engine(1), Settings::default(), &golden("score.json")).expect("the golden score");
    job.run(Stage::Audio, &Monitor::none()).expect("sound");
    let audio = job.audio().expect("sound");
    let loudness = measure(audio).expect("loudness").integrated;
    // Level of each tenth of a second, in decibels, at least −80.
    let window = audio.rate.hz() as usize / 10 * audio.channels;
    let envelope: Vec<f64> = audio
        .samples
        .chunks(window)
        .map(|chunk| chunk.iter().map(|s| f64::from(s * s)).sum::<f64>() / chunk.len() as f64)
        .map(|power| (10.0 * power.log10()).max(-80.0))
        .collect();
    let path = golden("audio.json");
    if renewing() {
        let rounded: Vec<f64> = envelope.iter().map(|db| (db * 100.0).round() / 100.0).collect();
        let text = json!({ "frames": audio.frames(), "loudness": loudness, "envelope_db": rounded }).to_string();
        std::fs::write(&path, text).expect("written");
    }
    let text = std::fs::read_to_string(&path).expect("the golden file");
    let golden: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(golden["frames"].as_u64(), Some(audio.frames() as u64));
    assert!((golden["loudness"].as_f64().expect("a number") - loudness).abs() < 0.1);
    let expected = golden["envelope_db"].as_array().expect("levels");
    assert_eq!(expected.len(), envelope.len());
    for (index, (ours, golden)) in envelope.iter().zip(expected).enumerate() {
        let golden = golden.as_f64().expect("a number");
        assert!(
            (ours - golden).abs() < 0.5,
            "at {} s: {ours:.2} dB, golden {golden:.2} dB",
            index as f64 / 10.0
        );
    }
}

#[test]
fn the_reported_hits_are_those_that_sound() {
    let seconds = |seconds: f64| Some(Flicks::from_seconds(seconds));
    let whole = Cut::default();
    let part = Cut {
        start: seconds(1.3),
        end: seconds(6.1),
        ..Cut::default()
    };
    for cut in [whole, part] {
        let mut job = Job::load(engine(1), Settings::default(), &golden("music.json")).expect("the golden music");
        job.set_cut(cut).expect("a cut");
        job.run(Stage::Score, &Monitor::none()).expect("a score");
        let score = job.score().expect("a score");
        let mut sounding: Vec<(i64, u8, u8)> = score.parts[0]
            .notes
            .iter()
            .map(|note| {
                (
                    milliseconds(score.tempo_map.instant(note.onset).seconds()),
                    note.pitch,
                    note.velocity,
                )
            })
            .collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("analysis.json");
        job.write_json(&path).expect("written");
        let text = std::fs::read_to_string(&path).expect("the analysis");
        let reported: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let hits = reported["drums"]["hits"].as_array().expect("hits");
        let mut reported: Vec<(i64, u8, u8)> = hits
            .iter()
            .map(|hit| {
                let class: DrumClass = serde_json::from_value(hit["class"].clone()).expect("a class");
                let number = |name: &str| hit[name].as_f64().expect("a number");
                (
                    milliseconds(number("time")),
                    class.pitch(),
                    (127.0 * number("velocity")).round() as u8,
                )
            })
            .collect();
        assert!(sounding.len() > 30, "{}", sounding.len());
        sounding.sort_unstable();
        reported.sort_unstable();
        assert_eq!(reported, sounding);
        assert!(
            reported.iter().any(|hit| hit.1 == DrumClass::Crash.pitch()),
            "the ending"
        );
    }
}

fn milliseconds(seconds: f64) -> i64 {
    (1000.0 * seconds).round() as i64
}
