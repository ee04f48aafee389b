//! Runs a real clip from video to soundtrack, with the real models.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

mod support;

use ebur128::{EbuR128, Mode};
use kinescore::drums::DrumGrid;
use kinescore::pipeline::{Cut, Job};
use kinescore::progress::{Cancel, Stage};
use kinescore::time::Flicks;
use kinescore::{Error, Monitor, Settings};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{decode_audio, engine, probe, walking};

fn job(settings: &[(&str, &str)]) -> Job {
    let mut chosen = Settings::default();
    for (key, value) in settings {
        chosen.set(key, value).expect("an allowed value");
    }
    Job::open(engine(1), chosen, &walking(), Cut::default()).expect("the bundled clip")
}

fn rendered(settings: &[(&str, &str)]) -> Job {
    let mut job = job(settings);
    job.run(Stage::Audio, &Monitor::none()).expect("a soundtrack");
    job
}

fn drums(job: &Job) -> &DrumGrid {
    job.drums().expect("drums")
}

#[test]
fn a_walk_becomes_a_video_with_drums_on_its_beats() {
    let folder = tempfile::tempdir().expect("a folder");
    let video = folder.path().join("walk.mp4");
    let job = rendered(&[]);
    job.write_video(&video, &Monitor::none()).expect("a video");
    let duration = job.clip().duration.seconds();

    assert_eq!(
        probe(&video, "v", "stream=codec_name"),
        probe(&walking(), "v", "stream=codec_name")
    );
    assert_eq!(
        probe(&video, "v", "stream=nb_frames"),
        probe(&walking(), "v", "stream=nb_frames")
    );
    assert_eq!(probe(&video, "a", "stream=codec_name,sample_rate"), "aac\n48000");
    let audio_length: f64 = probe(&video, "a", "stream=duration").parse().expect("seconds");
    assert!(
        (audio_length - duration).abs() < 0.05,
        "{audio_length} s of sound for {duration} s of picture"
    );

    // Loudness and peak of the resulting file.
    let samples = decode_audio(&video);
    let mut meter = EbuR128::new(2, 48_000, Mode::I | Mode::TRUE_PEAK).expect("a meter");
    let interleaved: Vec<f32> = samples.iter().flatten().copied().collect();
    meter.add_frames_f32(&interleaved).expect("samples");
    let loudness = meter.loudness_global().expect("loudness");
    let peak = meter.true_peak(0).expect("peak").max(meter.true_peak(1).expect("peak"));
    assert!((-17.0..=-15.0).contains(&loudness), "{loudness} LUFS");
    assert!(20.0 * peak.log10() <= -1.0, "{} dBTP", 20.0 * peak.log10());

    // Every strong hit is heard at its position on the grid.
    let grid = job.rhythm().and_then(|r| r.grid()).expect("beats");
    let level = |from: f64, to: f64| {
        let range = (from * 48_000.0).max(0.0) as usize..((to * 48_000.0) as usize).min(samples.len());
        samples[range].iter().flatten().map(|s| f64::from(s * s)).sum::<f64>() / (to - from)
    };
    let mut strong = 0;
    let mut heard = 0;
    for hit in drums(&job).hits.iter().filter(|h| h.velocity > 0.7) {
        let onset = grid.instant(f64::from(hit.step) + f64::from(hit.offset)).seconds();
        if !(0.05..duration - 1.5).contains(&onset) {
            continue;
        }
        strong += 1;
        heard += usize::from(level(onset, onset + 0.02) > 1.2 * level(onset - 0.025, onset - 0.005));
    }
    assert!(
        strong >= 4 && heard * 10 >= strong * 8,
        "{heard} of {strong} strong strokes heard"
    );
}

#[test]
fn the_same_settings_give_the_same_notes_and_another_seed_others() {
    let first = rendered(&[]);
    let mut again = Job::open(engine(2), Settings::default(), &walking(), Cut::default()).expect("the bundled clip");
    again.run(Stage::Audio, &Monitor::none()).expect("a soundtrack");
    assert_eq!(first.score(), again.score(), "one thread or two");
    assert_eq!(first.audio(), again.audio());

    let folder = tempfile::tempdir().expect("a folder");
    let saved = folder.path().join("rhythm.json");
    let mut short = job(&[]);
    short.run(Stage::Rhythm, &Monitor::none()).expect("a rhythm");
    short.save(&saved).expect("saved");
    let mut other_seed = Settings::default();
    other_seed.set("seed", "2").expect("a seed");
    let mut other = Job::load(engine(1), other_seed, &saved).expect("loaded");
    other.run(Stage::Score, &Monitor::none()).expect("a score");
    assert_ne!(first.score(), other.score());
}

#[test]
fn the_chain_continues_from_every_saved_stage() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut whole = job(&[]);
    assert!(matches!(
        whole.save(&folder.path().join("nothing.json")),
        Err(Error::StageMissing { .. })
    ));
    let stages = [Stage::Pose, Stage::Rhythm, Stage::Drums, Stage::Score];
    let path = |stage: Stage| folder.path().join(format!("{stage}.json"));
    for stage in stages {
        whole.run(stage, &Monitor::none()).expect("a stage");
        whole.save(&path(stage)).expect("saved");
    }
    whole.run(Stage::Audio, &Monitor::none()).expect("a soundtrack");
    for stage in stages {
        let mut rest = Job::load(engine(1), Settings::default(), &path(stage)).expect("loaded");
        rest.run(Stage::Audio, &Monitor::none()).expect("a soundtrack");
        assert_eq!(rest.score(), whole.score(), "from {stage}");
        assert_eq!(rest.audio(), whole.audio(), "from {stage}");
    }
}

#[test]
fn saved_files_that_are_not_ours_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.json");
    for (text, reason) in [
        ("", "it is empty"),
        ("{\"a\": 1}", "not a saved stage"),
        ("[[[[", "not a saved stage"),
    ] {
        std::fs::write(&path, text).expect("written");
        let error = Job::load(engine(1), Settings::default(), &path)
            .err()
            .expect("refused")
            .to_string();
        assert!(error.contains("x.json") && error.contains(reason), "{error}");
    }
}

#[test]
fn a_cut_and_its_sound_have_the_requested_length() {
    let cut = Cut {
        start: Some(Flicks::from_seconds(1.25)),
        end: Some(Flicks::from_seconds(6.0)),
        ..Cut::default()
    };
    let mut job = Job::open(engine(1), Settings::default(), &walking(), cut).expect("the bundled clip");
    job.run(Stage::Audio, &Monitor::none()).expect("a soundtrack");
    let audio = job.audio().expect("audio");
    assert!(
        (job.clip().duration.seconds() - 4.75).abs() < 0.034,
        "{:?}",
        job.clip().duration
    );
    assert_eq!(audio.frames(), job.clip().duration.to_samples(audio.rate));
}

#[test]
fn a_cancelled_job_stops_in_every_stage_and_writes_nothing() {
    for stage in [Stage::Pose, Stage::Rhythm, Stage::Drums, Stage::Audio] {
        let cancel = Cancel::new();
        let switch = cancel.clone();
        let reports = AtomicUsize::new(0);
        let monitor = Monitor::new(cancel, move |met, _| {
            if met == stage && reports.fetch_add(1, Ordering::Relaxed) >= 1 {
                switch.cancel();
            }
        });
        let mut job = job(&[]);
        assert!(
            matches!(job.run(Stage::Audio, &monitor), Err(Error::Cancelled)),
            "in {stage}"
        );
        assert!(job.audio().is_none());
    }
}
