//! Tests the shipped beat network on real poses.

#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

mod rhythm_support;
mod support;

use kinescore::pipeline::{Cut, Engine, Job, Resources};
use kinescore::pose::{JointPoint, PoseTrack};
use kinescore::progress::{Cancel, Stage};
use kinescore::rhythm::{self, Rhythm, Source, features, metrics};
use kinescore::settings::{BeatSource, RhythmSettings};
use kinescore::time::{Flicks, Instant, Span};
use kinescore::{Error, Monitor, Settings};
use rhythm_support::{Dance, network_models};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use support::{engine, resources, root, walking};

fn golden(name: &str) -> PathBuf {
    root().join("tests/fixtures/golden").join(name)
}

/// Whether to write the golden files again instead of comparing with them.
fn renewing() -> bool {
    std::env::var_os("KINESCORE_RENEW_GOLDEN").is_some()
}

fn by_network() -> RhythmSettings {
    RhythmSettings {
        source: BeatSource::Network,
        ..Settings::default().rhythm().clone()
    }
}

/// The poses of the bundled clip.
fn walk() -> (PoseTrack, Span) {
    let job = Job::load(engine(1), Settings::default(), &golden("pose.json")).expect("the golden poses");
    (job.poses().expect("poses").clone(), job.clip().duration)
}

fn find(track: &PoseTrack, duration: Span) -> Rhythm {
    rhythm::find(track, duration, &mut network_models(), &by_network(), &Monitor::none()).expect("a rhythm")
}

fn beats(rhythm: &Rhythm) -> Vec<Instant> {
    rhythm.beats.iter().map(|b| b.time).collect()
}

/// The same poses with every visible joint moved.
fn moved(track: &PoseTrack, change: impl Fn(&mut JointPoint)) -> PoseTrack {
    let mut track = track.clone();
    let joints = track.poses.iter_mut().flat_map(|p| &mut p.joints);
    joints.filter(|j| j.confidence > 0.0).for_each(change);
    track
}

/// Correlation of two activations.
fn correlation(a: &Rhythm, b: &Rhythm) -> f64 {
    let pairs: Vec<(f64, f64)> = a
        .activation
        .values
        .iter()
        .zip(&b.activation.values)
        .map(|(a, b)| (f64::from(*a), f64::from(*b)))
        .collect();
    let n = pairs.len() as f64;
    let (mean_a, mean_b) = pairs.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / n, m.1 + p.1 / n));
    let sum = |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(a, b)| f(a - mean_a, b - mean_b)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

#[test]
fn the_activation_of_the_bundled_clip_is_the_golden_one() {
    let (track, duration) = walk();
    let activation = find(&track, duration).activation;
    let path = golden("activation.json");
    if renewing() {
        let rounded: Vec<f64> = activation
            .values
            .iter()
            .map(|v| (f64::from(*v) * 1e4).round() / 1e4)
            .collect();
        let text = json!({ "rate": activation.rate.hz(), "values": rounded }).to_string();
        std::fs::write(&path, text + "\n").expect("written");
    }
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("the golden file")).expect("JSON");
    assert_eq!(golden["rate"], activation.rate.hz());
    let expected = golden["values"].as_array().expect("values");
    assert_eq!(expected.len(), activation.values.len());
    for (i, (ours, golden)) in activation.values.iter().zip(expected).enumerate() {
        let golden = golden.as_f64().expect("a number");
        // The network's outputs differ in the last bits between processors.
        assert!(
            (f64::from(*ours) - golden).abs() < 2e-3,
            "value {i}: {ours}, golden {golden}"
        );
    }
}

/// The golden file of the features contains every so-many-th frame.
const EVERY: usize = 10;

#[test]
fn the_features_of_the_bundled_clip_are_the_golden_ones() {
    // The training code compares its own features of the same poses with this file.
    let (track, duration) = walk();
    let frames = features::features(&track, duration);
    assert_eq!(frames.len(), (duration.seconds() * 30.0) as usize + 1);
    let path = golden("features.json");
    if renewing() {
        let rows: Vec<Vec<f64>> = frames
            .iter()
            .step_by(EVERY)
            .map(|frame| {
                frame
                    .iter()
                    .flatten()
                    .map(|v| (f64::from(*v) * 1e4).round() / 1e4)
                    .collect()
            })
            .collect();
        let text = json!({ "poses": "pose.json", "every": EVERY, "frames": rows }).to_string();
        std::fs::write(&path, text + "\n").expect("written");
    }
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("the golden file")).expect("JSON");
    let rows = golden["frames"].as_array().expect("frames");
    assert_eq!(rows.len(), frames.len().div_ceil(EVERY));
    for (i, (row, frame)) in rows.iter().zip(frames.iter().step_by(EVERY)).enumerate() {
        let row = row.as_array().expect("a row");
        for (golden, ours) in row.iter().zip(frame.iter().flatten()) {
            let apart = golden.as_f64().expect("a number") - f64::from(*ours);
            assert!(apart.abs() < 2e-4, "frame {}: {ours}, golden {golden}", i * EVERY);
        }
    }
    for values in frames.iter().flatten() {
        let [x, y, vx, vy, weight] = *values;
        assert!(x.abs() <= 5.0 && y.abs() <= 5.0 && vx.abs() <= 15.0 && vy.abs() <= 15.0);
        assert!((0.0..=1.0).contains(&weight));
        assert!(weight > 0.0 || *values == [0.0; 5]);
    }
}

#[test]
fn size_and_place_in_the_picture_change_no_beat() {
    let (track, duration) = walk();
    let reference = find(&track, duration);
    let changes: [&dyn Fn(&mut JointPoint); 3] = [
        &|j| (j.x, j.y) = (0.2 * j.x, 0.2 * j.y),
        &|j| (j.x, j.y) = (3.0 * j.x, 3.0 * j.y),
        &|j| (j.x, j.y) = (j.x + 800.0, j.y - 250.0),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let other = find(&moved(&track, change), duration);
        assert_eq!(other.beats.len(), reference.beats.len(), "change {i}");
        for (a, b) in other.beats.iter().zip(&reference.beats) {
            assert!(
                (a.time - b.time).seconds().abs() < 0.005 && a.number == b.number,
                "change {i}: {a:?} {b:?}"
            );
        }
        for (a, b) in other.activation.values.iter().zip(&reference.activation.values) {
            assert!((a - b).abs() < 0.01, "change {i}: {a} beside {b}");
        }
    }
}

#[test]
fn the_side_in_the_picture_changes_little() {
    // A mirrored video: left is right, and the joints' names follow the picture.
    use kinescore::pose::Joint::*;
    let (track, duration) = walk();
    let mut mirrored = moved(&track, |j| j.x = 1768.0 - j.x);
    for pose in &mut mirrored.poses {
        for (right, left) in [
            (RightShoulder, LeftShoulder),
            (RightElbow, LeftElbow),
            (RightWrist, LeftWrist),
            (RightHip, LeftHip),
            (RightKnee, LeftKnee),
            (RightAnkle, LeftAnkle),
            (RightBigToe, LeftBigToe),
        ] {
            pose.joints.swap(right as usize, left as usize);
        }
    }
    let (a, b) = (find(&track, duration), find(&mirrored, duration));
    assert!(correlation(&a, &b) > 0.8, "{}", correlation(&a, &b));
}

#[test]
fn the_frame_rate_changes_little() {
    let dance = |fps: f64| Dance {
        fps,
        jitter: 0.002,
        ..Dance::default()
    };
    let at_60 = find(&dance(60.0).track(31), dance(60.0).span());
    assert_eq!(at_60.source, Source::Network);
    for fps in [24.0, 29.97, 30.0] {
        let other = find(&dance(fps).track(32), dance(fps).span());
        assert!(
            correlation(&at_60, &other) > 0.9,
            "{fps}: {}",
            correlation(&at_60, &other)
        );
        let f = metrics::f_measure(&beats(&at_60), &beats(&other), metrics::F_TOLERANCE);
        assert!(f > 0.9, "{fps}: F {f}");
    }
}

#[test]
fn nobody_seen_gives_no_beat_and_short_clips_do_not_crash() {
    let (track, duration) = walk();
    let blank = moved(&track, |j| *j = JointPoint::default());
    let none = rhythm::find(&blank, duration, &mut network_models(), &by_network(), &Monitor::none());
    assert!(matches!(none, Err(Error::NoBeat { .. })));
    for seconds in [0.0, 0.1, 1.0, 1.9, 2.1] {
        let short = Dance {
            duration: seconds,
            ..Dance::default()
        };
        let result = rhythm::find(
            &short.track(33),
            short.span(),
            &mut network_models(),
            &by_network(),
            &Monitor::none(),
        );
        match result {
            Ok(rhythm) => assert!(rhythm.beats.len() >= 2 && rhythm.source == Source::Network),
            Err(error) => assert!(matches!(error, Error::NoBeat { .. }), "{error}"),
        }
    }
}

#[test]
fn long_clips_have_no_seam_and_the_same_result_twice() {
    let dance = Dance {
        duration: 47.0,
        ..Dance::default()
    };
    let track = dance.track(34);
    let (a, b) = (find(&track, dance.span()), find(&track, dance.span()));
    assert_eq!(a, b);
    assert_eq!(a.activation.values.len(), 4701);
    assert!(a.activation.values.iter().all(|v| (0.0..=1.0).contains(v)));
}

#[test]
fn a_cancelled_job_stops() {
    let (track, duration) = walk();
    let cancel = Cancel::new();
    cancel.cancel();
    let monitor = Monitor::new(cancel, |_, _| {});
    let result = rhythm::find(&track, duration, &mut network_models(), &by_network(), &monitor);
    assert!(matches!(result, Err(Error::Cancelled)));
}

/// A folder with the shipped models, except for one file that is left out or changed.
fn models_without(name: &str, instead: Option<&[u8]>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(root().join("models")).expect("the models").flatten() {
        let to = folder.path().join(entry.file_name());
        match instead {
            _ if entry.file_name() != name => std::os::unix::fs::symlink(entry.path(), to).expect("a link"),
            Some(content) => std::fs::write(to, content).expect("written"),
            None => {}
        }
    }
    folder
}

fn run_with(models: &Path, source: BeatSource, until: Stage) -> (kinescore::Result<()>, Vec<Stage>) {
    let engine = Engine::new(Resources {
        models: models.to_owned(),
        ..resources()
    });
    let mut settings = Settings::default();
    settings.set("beats.source", source.word()).expect("a source");
    let cut = Cut {
        end: Some(Flicks::from_seconds(2.5)),
        ..Cut::default()
    };
    let mut job = Job::open(Arc::new(engine.expect("the manifest")), settings, &walking(), cut).expect("the clip");
    let seen = Mutex::new(Vec::new());
    let result = {
        let monitor = Monitor::new(Cancel::new(), |stage, _| seen.lock().expect("no panic").push(stage));
        job.run(until, &monitor)
    };
    (result, seen.into_inner().expect("no panic"))
}

#[test]
fn a_missing_or_different_network_is_reported_before_any_pose() {
    for (name, source) in [
        ("video2rhythm.onnx", BeatSource::Auto),
        ("video2rhythm.onnx", BeatSource::Network),
        ("video2rhythm.json", BeatSource::Motion),
    ] {
        for instead in [None, Some(&b"{}"[..])] {
            let folder = models_without(name, instead);
            let (result, stages) = run_with(folder.path(), source, Stage::Rhythm);
            match (result, instead) {
                (Err(Error::ModelMissing { path }), None) | (Err(Error::ModelHash { path, .. }), Some(_)) => {
                    assert!(path.ends_with(name), "{}", path.display());
                }
                (other, _) => panic!("{name}, {source:?}: {other:?}"),
            }
            assert!(stages.is_empty(), "{stages:?}");
        }
    }
    // Poses, and beats by signal processing, do not need the beat network.
    let folder = models_without("video2rhythm.onnx", None);
    run_with(folder.path(), BeatSource::Auto, Stage::Pose).0.expect("poses");
}

#[test]
fn saved_poses_are_enough_and_the_analysis_names_the_source() {
    for (source, reported) in [(BeatSource::Network, "network"), (BeatSource::Motion, "motion")] {
        let mut settings = Settings::default();
        settings.set("beats.source", source.word()).expect("a source");
        // A folder without any pose model.
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["manifest.toml", "video2rhythm.onnx", "video2rhythm.json"] {
            std::os::unix::fs::symlink(root().join("models").join(name), folder.path().join(name)).expect("a link");
        }
        let engine = Engine::new(Resources {
            models: folder.path().to_owned(),
            ..resources()
        });
        let mut job =
            Job::load(Arc::new(engine.expect("the manifest")), settings, &golden("pose.json")).expect("poses");
        job.run(Stage::Rhythm, &Monitor::none()).expect("a rhythm");
        let analysis = serde_json::to_value(job.analysis()).expect("JSON");
        assert_eq!(analysis["beats_source"], reported);

        // The stage's file contains the source as well. In a file from before the network existed
        // it is missing, and means signal processing.
        let path = folder.path().join("rhythm.json");
        job.save(&path).expect("saved");
        let text = std::fs::read_to_string(&path).expect("a file");
        let older = text.replace(&format!(",\"source\":\"{reported}\""), "");
        assert_ne!(older, text);
        std::fs::write(&path, older).expect("written");
        let old = Job::load(engine_of(folder.path()), Settings::default(), &path).expect("an older file");
        assert_eq!(old.rhythm().expect("a rhythm").source, Source::Motion);
    }
}

fn engine_of(models: &Path) -> Arc<Engine> {
    let resources = Resources {
        models: models.to_owned(),
        ..resources()
    };
    Arc::new(Engine::new(resources).expect("the manifest"))
}
