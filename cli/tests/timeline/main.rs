//! `kinescore timeline` on real projects of editors: rendered by melt, to measure where the sound
//! is heard.
#![cfg(feature = "timeline")]
#![allow(clippy::expect_used, clippy::panic)] // tests may panic

#[path = "../common/mod.rs"]
mod common;
mod elsewhere;
mod late;
mod markers;
mod projects;
mod truth;
mod watching;

use common::{folder, kinescore, make_clip, outside, run, text, walkers};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Settings that render quickly.
const QUICK: [&str; 10] = [
    "--device",
    "cpu",
    "--pose-rate",
    "10",
    "--instruments",
    "drums",
    "--tempo",
    "120",
    "--beats",
    "motion",
];

/// A folder with a clip without a person and a clip of walkers, both silent, at 25 frames per
/// second.
struct Desk {
    folder: TempDir,
    cache: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let folder = folder();
        make_clip(
            folder.path(),
            "first.mp4",
            "-f lavfi -i testsrc=duration=4:size=320x180:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast",
        );
        make_clip(
            folder.path(),
            "walk.mp4",
            "-i {} -an -r 25 -vf scale=884:-2 -c:v libx264 -preset ultrafast -crf 20",
        );
        let cache = folder.path().join("cache");
        Self { folder, cache }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `kinescore timeline WORD PROJECT …` with this fixture's cache.
    fn timeline(&self, word: &str, project: &Path, more: &[&str]) -> common::Run {
        let cached = ["--cache", text(&self.cache)];
        let cached = if ["add", "refresh"].contains(&word) {
            &cached[..]
        } else {
            &[]
        };
        run(&[&["timeline", word, text(project)][..], more, cached].concat())
    }

    fn list(&self, project: &Path) -> Vec<Value> {
        let listed = self.timeline("list", project, &["--json"]).expect(0);
        serde_json::from_str(&listed.stdout).expect("JSON")
    }

    /// A project written by this version of Kdenlive.
    fn kdenlive_project(&self, generation: &str) -> PathBuf {
        for name in ["one.mp4", "two.mp4"] {
            fs::copy(self.path("walk.mp4"), self.path(name)).expect("copied");
        }
        let fixtures = common::root().join("plugin/bridge/tests/fixtures/kdenlive");
        let saved = fs::read_to_string(fixtures.join(format!("{generation}.kdenlive"))).expect("the project");
        let project = self.path("film.kdenlive");
        fs::write(&project, saved.replace("@FOLDER@", text(self.folder.path()))).expect("written");
        project
    }

    /// A project of two clips in melt's form: 4 s of the first, then 4 s of the walkers, starting
    /// at 0.4 s.
    fn melt_project(&self, name: &str) -> PathBuf {
        let project = self.path(name);
        melt(&[
            "-profile",
            "atsc_720p_25",
            text(&self.path("first.mp4")),
            "in=0",
            "out=99",
            text(&self.path("walk.mp4")),
            "in=10",
            "out=109",
            "-consumer",
            &format!("xml:{}", text(&project)),
        ]);
        project
    }
}

fn melt(args: &[&str]) {
    // Another release, if it is specified.
    let program = std::env::var_os("KINESCORE_TEST_MELT").unwrap_or_else(|| "melt".into());
    let done = outside::melt(Command::new(program).args(args).env("SDL_AUDIODRIVER", "dummy"));
    assert!(
        done.status.success(),
        "melt {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// The sound that melt renders of a project.
fn rendered(project: &Path) -> PathBuf {
    let wav = project.with_extension("rendered.wav");
    // Kdenlive's black track continues for hours, so ten seconds are requested; for other projects,
    // melt 7.42 never reaches a frame beyond the end.
    let kdenlive = project.extension().is_some_and(|extension| extension == "kdenlive");
    let range: &[&str] = if kdenlive { &["in=0", "out=249"] } else { &[] };
    let consumer = format!("avformat:{}", text(&wav));
    let sound = ["-consumer", &consumer, "acodec=pcm_s16le", "vn=1", "ar=48000", "ac=2"];
    melt(&[&[text(project)], range, &sound].concat());
    wav
}

const HERTZ: f64 = 8_000.0;

fn decoded(path: &Path) -> Vec<f64> {
    let output = outside::finished(Command::new("ffmpeg").args([
        "-nostdin",
        "-v",
        "error",
        "-i",
        text(path),
        "-ac",
        "1",
        "-ar",
        "8000",
        "-f",
        "f32le",
        "-",
    ]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let samples = output.stdout.as_chunks::<4>().0.iter();
    samples.map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
}

/// Start of a sound in a render, seconds: by correlation, within half a second of the expected
/// time.
fn heard_at(render: &Path, sound: &Path, expected: f64) -> f64 {
    let (render, sound) = (decoded(render), decoded(sound));
    let length = sound.len().min((3.0 * HERTZ) as usize);
    let sound = &sound[..length];
    let place = |seconds: f64| (seconds * HERTZ).round() as usize;
    let alike = |from: usize| -> f64 {
        let Some(part) = render.get(from..from + length) else {
            return -1.0;
        };
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        sum(part, sound) / (sum(part, part) * sum(sound, sound)).sqrt().max(1e-9)
    };
    let places = place((expected - 0.5).max(0.0))..place(expected + 0.5);
    let best = places.max_by(|a, b| alike(*a).total_cmp(&alike(*b))).expect("a place");
    assert!(alike(best) > 0.9, "the sound is not heard: {}", alike(best));
    best as f64 / HERTZ
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Adds, renders, refreshes, trims, and removes; the project's own render has the sound where its
/// clip is.
fn follows_its_clip(desk: &Desk, project: &Path, trim: impl Fn(&str) -> String) {
    const FRAME: f64 = 0.04;
    let before = fs::read_to_string(project).expect("the project");
    let clips = desk.list(project);
    assert_eq!(clips.len(), 2, "{clips:?}");
    assert_eq!(clips[1]["media"], text(&desk.path("walk.mp4")));
    assert!((number(&clips[1]["timeline_start"]) - 4.0).abs() < 1e-6, "{clips:?}");
    assert!((number(&clips[1]["duration"]) - 4.0).abs() < 1e-6);
    assert!((number(&clips[1]["source_in"]) - 0.4).abs() < 1e-6);

    let added = desk
        .timeline("add", project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    assert!(added.stdout.contains("clip 2, "), "{}", added.stdout);
    let sound = || PathBuf::from(desk.list(project)[1]["soundtrack"].as_str().expect("a soundtrack"));
    let first = sound();
    assert_eq!(common::probe(&first, "a:0", "stream=duration").parse(), Ok(4.0));
    let start = heard_at(&rendered(project), &first, 4.0);
    assert!((start - 4.0).abs() <= FRAME, "heard at {start} s");

    // Nothing to do: not a byte changes.
    let placed = fs::read(project).expect("the project");
    for _ in 0..2 {
        let refreshed = desk.timeline("refresh", project, &[]).expect(0);
        assert!(refreshed.stdout.contains("unchanged"), "{}", refreshed.stdout);
        assert!(
            fs::read(project).expect("the project") == placed,
            "the project was written"
        );
    }
    let again = desk.timeline("add", project, &["--clip", "2"]).expect(0);
    assert!(again.stdout.contains("unchanged"), "{}", again.stdout);

    // Trimmed at the head by 25 frames, in an editor's form.
    let trimmed = trim(&String::from_utf8(placed).expect("UTF-8"));
    fs::write(project, trimmed).expect("written");
    assert!((number(&desk.list(project)[1]["source_in"]) - 1.4).abs() < 1e-6);
    let refreshed = desk.timeline("refresh", project, &[]).expect(0);
    assert!(refreshed.stdout.contains("made"), "{}", refreshed.stdout);
    assert_eq!(sound(), first, "one file for one clip");
    assert_eq!(common::probe(&first, "a:0", "stream=duration").parse(), Ok(3.0));
    let start = heard_at(&rendered(project), &first, 4.0);
    assert!((start - 4.0).abs() <= FRAME, "heard at {start} s after the trim");
    let refreshed = desk.timeline("refresh", project, &[]).expect(0);
    assert!(refreshed.stdout.contains("unchanged"), "{}", refreshed.stdout);

    let removed = desk.timeline("remove", project, &[]).expect(0);
    assert!(removed.stdout.contains(text(&first)), "{}", removed.stdout);
    let after = fs::read_to_string(project).expect("the project");
    assert!(
        after == trim(&before),
        "the result is not the project without our sound:\n{after}"
    );
    assert!(first.exists());
}

/// A melt project with other frames for the second clip.
fn with_entry(xml: &str, frames: &str) -> String {
    const ENTRY: &str = "<entry producer=\"producer1\" in=\"0\" out=\"99\"/>";
    assert_eq!(xml.matches(ENTRY).count(), 1, "the entry has another form:\n{xml}");
    xml.replace(ENTRY, &format!("<entry producer=\"producer1\" {frames}/>"))
}
