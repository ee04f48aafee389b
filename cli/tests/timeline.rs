//! `kinescore timeline` on projects of editors that nobody here wrote: rendered by melt, and
//! measured where the sound is heard.
#![cfg(feature = "timeline")]
#![allow(clippy::expect_used, clippy::panic)] // tests may stop at the first surprise

mod common;

use common::{folder, kinescore, make_clip, outside, run, text, walkers};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Settings with which a render is quick.
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

/// A folder with a clip without a person, and one of walkers, both silent and of 25 frames a
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

    /// `kinescore timeline WORD PROJECT …` with the cache of this desk.
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

    /// A project that Kdenlive of that generation has written.
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

    /// A project of two clips as melt writes it: 4 s of the first, then 4 s of the walkers from 0.4
    /// s on.
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
    // That of another release, where it is named.
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
    // Kdenlive's black track goes on for hours, so ten seconds are asked for; of a project of its
    // own, melt 7.42 never comes to a frame behind the end.
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

/// Where in a render a sound begins, seconds: by correlation, half a second around where it is
/// expected.
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

    // Trimmed at the head by 25 frames, as an editor would write it.
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
        "what is left is not the project without our sound:\n{after}"
    );
    assert!(first.exists());
}

/// A project of melt with other frames for the second clip.
fn with_entry(xml: &str, frames: &str) -> String {
    const ENTRY: &str = "<entry producer=\"producer1\" in=\"0\" out=\"99\"/>";
    assert_eq!(xml.matches(ENTRY).count(), 1, "the entry is written otherwise:\n{xml}");
    xml.replace(ENTRY, &format!("<entry producer=\"producer1\" {frames}/>"))
}

#[test]
fn a_project_of_melt_is_followed() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    // Frames of the entry are counted from the producer's own in-point.
    follows_its_clip(&desk, &project, |xml| with_entry(xml, "in=\"25\" out=\"99\""));
}

/// Projects as Kdenlive writes them, of its two generations: both clips are 2 s long, the second
/// from 0.4 s on.
#[test]
fn projects_of_kdenlive_are_followed() {
    for generation in ["22.12", "26.08"] {
        let desk = Desk::new();
        let project = desk.kdenlive_project(generation);
        let saved = fs::read_to_string(&project).expect("the project");
        let clips = desk.list(&project);
        assert_eq!(clips.len(), 2, "{clips:?}");
        assert_eq!(clips[1]["media"], text(&desk.path("two.mp4")));
        let start = number(&clips[1]["timeline_start"]);

        desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
            .expect(0);
        let sound = || PathBuf::from(desk.list(&project)[1]["soundtrack"].as_str().expect("a soundtrack"));
        let heard = heard_at(&rendered(&project), &sound(), start);
        assert!(
            (heard - start).abs() <= 0.04,
            "{generation}: heard at {heard} s, the clip begins at {start} s"
        );
        let placed = fs::read_to_string(&project).expect("the project");
        desk.timeline("refresh", &project, &[]).expect(0);
        assert!(
            fs::read_to_string(&project).expect("the project") == placed,
            "the project was written"
        );

        // A second longer.
        let grown = |xml: &str| {
            let (before, after) = ("out=\"00:00:02.360\"", "out=\"00:00:03.360\"");
            assert_eq!(xml.matches(before).count(), 1, "{xml}");
            xml.replace(before, after)
        };
        fs::write(&project, grown(&placed)).expect("written");
        let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
        assert!(refreshed.stdout.contains("made"), "{}", refreshed.stdout);
        assert_eq!(common::probe(&sound(), "a:0", "stream=duration").parse(), Ok(3.0));
        let heard = heard_at(&rendered(&project), &sound(), start);
        assert!(
            (heard - start).abs() <= 0.04,
            "{generation}: heard at {heard} s once it is longer"
        );
        desk.timeline("remove", &project, &[]).expect(0);
        let after = fs::read_to_string(&project).expect("the project");
        assert!(
            after == grown(&saved),
            "{generation}: not the project without our sound:\n{after}"
        );
    }
}

/// Kdenlive's own render, by the program that `KINESCORE_TEST_KDENLIVE` names (`make test-hosts`).
#[test]
fn kdenlive_itself_renders_the_sound_under_its_clip() {
    let Some(kdenlive) = std::env::var_os("KINESCORE_TEST_KDENLIVE") else {
        outside::show("SKIPPED: KINESCORE_TEST_KDENLIVE names no Kdenlive (make test-hosts FORKY=DIR)");
        return;
    };
    let desk = Desk::new();
    let project = desk.kdenlive_project("26.08");
    let start = number(&desk.list(&project)[1]["timeline_start"]);
    desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    let sound = desk.list(&project)[1]["soundtrack"]
        .as_str()
        .expect("a soundtrack")
        .to_owned();
    let film = desk.path("film.mp4");
    let done = outside::finished_long(Command::new(kdenlive).args(["--render", text(&project), text(&film)]));
    assert!(film.exists(), "{}", String::from_utf8_lossy(&done.stderr));
    let heard = heard_at(&film, Path::new(&sound), start);
    assert!(
        (heard - start).abs() <= 0.04,
        "heard at {heard} s, the clip begins at {start} s"
    );
}

#[test]
fn what_goes_wrong_is_told_and_the_project_is_untouched() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    let bytes = fs::read(&project).expect("the project");
    let add = |more: &[&str]| desk.timeline("add", &project, &[more, &QUICK[..]].concat());
    add(&["--clip", "1"]).expect(4).tells(&["first.mp4", "no person"]);
    add(&["--clip", "3"])
        .expect(2)
        .tells(&["there is no clip 3: the project has 2"]);
    add(&[]).expect(2).tells(&["--clip N", "2 video clips"]);
    add(&["--clip", "2", "--set", "drums.style=polka"])
        .expect(2)
        .tells(&["polka"]);
    desk.timeline("remove", &project, &["--clip", "2"])
        .expect(2)
        .tells(&["no soundtrack"]);
    fs::rename(desk.path("walk.mp4"), desk.path("gone.mp4")).expect("renamed");
    add(&["--clip", "2"]).expect(3).tells(&["walk.mp4"]);
    fs::rename(desk.path("gone.mp4"), desk.path("walk.mp4")).expect("renamed");
    assert!(fs::read(&project).expect("the project") == bytes);

    let other = desk.path("other.mlt");
    for (content, tells) in [
        (&bytes[..bytes.len() / 2], "other.mlt"),
        (&b"<svg/>"[..], "not a project"),
        (&b"{\"OTIO_SCHEMA\": \"Timeline.1\", \"tracks\": 3}"[..], "other.mlt"),
        (&b"{\"a\": [1, 2"[..], "not a project"),
        (&b""[..], "other.mlt"),
        (&[0xff, 0xfe, 0x00][..], "other.mlt"),
    ] {
        fs::write(&other, content).expect("written");
        desk.timeline("list", &other, &[]).expect(3).tells(&[tells]);
        desk.timeline("refresh", &other, &[]).expect(3).tells(&[tells]);
        assert_eq!(fs::read(&other).expect("the file"), content);
    }
    desk.timeline("list", &desk.path("none.mlt"), &[])
        .expect(3)
        .tells(&["none.mlt"]);
}

/// Somebody has put a mix of his own in the place of our sound, and then trims the clip.
#[test]
fn a_file_that_is_not_ours_is_never_written_over() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    let sound = || PathBuf::from(desk.list(&project)[1]["soundtrack"].as_str().expect("a soundtrack"));
    let ours = sound();
    assert_eq!(ours, desk.path("two.soundtracks").join("walk.soundtrack.wav"));
    let mix = desk.path("mix.wav");
    make_clip(desk.folder.path(), "mix.wav", "-f lavfi -i sine=duration=4");
    let (mixed, made) = (fs::read(&mix).expect("the mix"), fs::read(&ours).expect("the sound"));
    let xml = fs::read_to_string(&project).expect("the project");
    let resource = "two.soundtracks/walk.soundtrack.wav";
    assert_eq!(xml.matches(resource).count(), 1, "{xml}");
    fs::write(&project, xml.replace(resource, "mix.wav")).expect("written");

    // While the clip stays as it is, so does the mix under it.
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(refreshed.stdout.contains("unchanged"), "{}", refreshed.stdout);
    assert_eq!(sound(), mix);

    let relinked = fs::read_to_string(&project).expect("the project");
    fs::write(&project, with_entry(&relinked, "in=\"0\" out=\"74\"")).expect("written");
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    let told = format!("{}: is not one of the sound files in ", text(&mix));
    assert!(refreshed.stdout.contains(&told), "{}", refreshed.stdout);
    assert!(fs::read(&mix).expect("the mix") == mixed, "the mix was written over");
    assert!(fs::read(&ours).expect("the sound") == made);
    assert_eq!(sound(), desk.path("two.soundtracks").join("walk.soundtrack-2.wav"));
    assert_eq!(common::probe(&sound(), "a:0", "stream=duration").parse(), Ok(3.0));

    // The same where the mix has our sound's very name.
    fs::copy(&mix, sound()).expect("copied");
    let other = fs::read_to_string(&project).expect("the project");
    let other = other.replace("in=\"0\" out=\"74\"/>", "in=\"0\" out=\"64\"/>");
    fs::write(&project, &other).expect("written");
    let before = sound();
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(
        refreshed.stdout.contains("was not made by Kinescore"),
        "{}",
        refreshed.stdout
    );
    assert!(fs::read(&before).expect("the mix") == mixed, "the mix was written over");
    assert_ne!(sound(), before);
}

#[test]
fn two_runs_at_once_on_one_project_lose_no_sound() {
    let desk = Desk::new();
    let project = desk.path("twice.mlt");
    let walk = desk.path("walk.mp4");
    let consumer = format!("xml:{}", text(&project));
    let entries = [text(&walk), "in=0", "out=99", text(&walk), "in=10", "out=109"];
    melt(&[&["-profile", "atsc_720p_25"][..], &entries, &["-consumer", &consumer]].concat());
    let add = |clip: &'static str| [&["--clip", clip], &QUICK[..]].concat();
    let run = |clip: &'static str| desk.timeline("add", &project, &add(clip)).code;
    let codes = std::thread::scope(|scope| {
        let other = scope.spawn(|| run("2"));
        [run("1"), other.join().expect("a run")]
    });
    assert!(codes.iter().all(|code| [Some(0), Some(10)].contains(code)), "{codes:?}");
    // The one that could not save has lost nothing: its sound is there, and is taken up.
    for (clip, code) in ["1", "2"].iter().zip(&codes) {
        if *code == Some(10) {
            desk.timeline("add", &project, &add(clip)).expect(0);
        }
    }
    let sounds: Vec<_> = desk
        .list(&project)
        .iter()
        .map(|clip| PathBuf::from(clip["soundtrack"].as_str().expect("a soundtrack")))
        .collect();
    assert_eq!(sounds.len(), 2);
    assert_ne!(sounds[0], sounds[1]);
    assert!(fs::read(&sounds[0]).expect("a sound") != fs::read(&sounds[1]).expect("a sound"));
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert_eq!(refreshed.stdout.matches("unchanged").count(), 2, "{}", refreshed.stdout);
    let mut kept: Vec<_> = common::listing(&desk.path("twice.soundtracks"))
        .into_iter()
        .map(|(path, _)| path.file_name().map(ToOwned::to_owned).expect("a name"))
        .collect();
    kept.sort();
    assert_eq!(kept, ["walk.soundtrack-2.wav", "walk.soundtrack.wav"]);
}

#[test]
fn a_project_that_is_open_in_its_editor_is_not_written() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    let bytes = fs::read(&project).expect("the project");
    let editor = desk.path("shotcut");
    fs::copy("/bin/sleep", &editor).expect("copied");
    // sleep takes its second argument for more time to sleep; what it cannot read it refuses, so a
    // shell holds the name.
    fs::copy("/bin/bash", &editor).expect("copied");
    let mut child = Command::new(&editor)
        .args(["-c", "sleep 600 & wait", text(&project)])
        .spawn()
        .expect("a process");
    let refused = desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat());
    child.kill().expect("ended");
    child.wait().expect("ended");
    refused.expect(10).tells(&["two.mlt", "open"]);
    assert!(fs::read(&project).expect("the project") == bytes);
    assert!(!desk.path("two.mlt.bak").exists());
}

/// `kinescore timeline watch`, with what it prints.
struct Watch {
    child: std::process::Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(project: &Path, more: &[&str]) -> Self {
        let mut child = kinescore(&[&["timeline", "watch", text(project)], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (sender, lines) = channel();
        let follow = |stream: Box<dyn std::io::Read + Send>| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        };
        follow(Box::new(child.stdout.take().expect("stdout")));
        follow(Box::new(child.stderr.take().expect("stderr")));
        Self { child, lines }
    }

    /// Waits for a line that contains `what`, for a minute at most.
    #[track_caller]
    fn wait_for(&self, what: &str) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line.contains(what) {
                return line;
            }
            seen.push(line);
        }
        panic!("no '{what}' in {seen:?}");
    }

    /// Stops it as Ctrl-C does, and gives the lines that nobody has waited for.
    #[track_caller]
    fn stop(mut self) -> Vec<String> {
        outside::signal(&self.child, "-INT");
        assert_eq!(outside::ended(&mut self.child).code(), Some(0));
        let rest: Vec<String> = self.lines.iter().collect();
        assert!(rest.iter().any(|line| line.contains("no longer watching")), "{rest:?}");
        rest
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A test that has failed must not leave it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Saves a project as editors do: another file in its place.
fn save(desk: &Desk, project: &Path, bytes: &str) {
    let saved = desk.path("two.mlt.new");
    fs::write(&saved, bytes).expect("written");
    fs::rename(&saved, project).expect("renamed");
}

/// The length of the soundtrack of a project's second clip, seconds.
fn length_of_sound(desk: &Desk, project: &Path) -> f64 {
    let clips = desk.list(project);
    let sound = clips[1]["soundtrack"].as_str().expect("a soundtrack");
    let length = common::probe(Path::new(sound), "a:0", "stream=duration");
    length.parse().expect("seconds")
}

#[test]
fn a_watched_project_follows_each_save() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    let watch = Watch::start(&project, &["-v", "--cache", text(&desk.cache)]);
    watch.wait_for("watching");
    watch.wait_for("follow what was saved");
    std::thread::sleep(Duration::from_millis(500));
    let xml = fs::read_to_string(&project).expect("the project");
    let trimmed = with_entry(&xml, "in=\"0\" out=\"74\"");
    save(&desk, &project, &trimmed);
    assert!(watch.wait_for("clip 2").contains("made"));
    assert_eq!(length_of_sound(&desk, &project), 3.0);
    // An editor that knows nothing of what was written saves what it has: the sound goes back under
    // its clip, at no cost.
    save(&desk, &project, &trimmed);
    watch.wait_for("clip 2");
    assert_eq!(length_of_sound(&desk, &project), 3.0);
    // What is written here is not an edit.
    std::thread::sleep(Duration::from_secs(2));
    let rest = watch.stop();
    assert!(
        !rest.iter().any(|line| line.contains("follow what was saved")),
        "its own save was followed: {rest:?}"
    );
    // Nothing is left beside it but what belongs there.
    let names: Vec<_> = common::listing(desk.folder.path());
    assert!(names.iter().all(|(path, _)| !text(path).contains(".part")), "{names:?}");
}

#[test]
fn an_edit_that_is_saved_while_a_render_runs_is_followed() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    let xml = fs::read_to_string(&project).expect("the project");
    // Nothing is kept, so that the poses are looked for again: seconds of work.
    let watch = Watch::start(&project, &["-v", "--no-cache"]);
    watch.wait_for("follow what was saved");
    std::thread::sleep(Duration::from_millis(500));
    save(&desk, &project, &with_entry(&xml, "in=\"0\" out=\"74\""));
    watch.wait_for("follow what was saved");
    save(&desk, &project, &with_entry(&xml, "in=\"0\" out=\"59\""));
    // The first render is in vain, which proves that the second edit came while it ran.
    watch.wait_for("The files of its soundtracks are up to date");
    assert!(watch.wait_for("clip 2").contains("made"));
    watch.stop();
    assert_eq!(length_of_sound(&desk, &project), 2.4);
}

#[test]
fn what_a_killed_run_has_left_beside_a_project_is_cleared() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    let then = std::time::SystemTime::now() - Duration::from_secs(61 * 60);
    for name in [".soundtrack-aB3dE9", ".soundtrack-backup"] {
        let file = fs::File::create(desk.path(name)).expect("a file");
        file.set_modified(then).expect("a time");
    }
    desk.timeline("refresh", &project, &[]).expect(0);
    assert!(!desk.path(".soundtrack-aB3dE9").exists());
    assert!(desk.path(".soundtrack-backup").exists());
}

#[test]
fn every_clip_is_listed_with_the_reason_why_it_cannot_be_scored() {
    let folder = folder();
    let project = folder.path().join("mixed.mlt");
    let producer = |id: &str, resource: &str, service: &str| {
        format!(
            "<producer id=\"{id}\"><property name=\"resource\">{resource}</property><property name=\"mlt_service\">{service}</property></producer>\n"
        )
    };
    let walk = walkers();
    let producers = [
        producer("good", text(&walk), "avformat"),
        producer("gone", "gone.mp4", "avformat"),
        producer("back", &format!("-1:{}", text(&walk)), "timewarp"),
        producer("windows", "C:\\films\\a.mp4", "avformat"),
        producer("colour", "0xff0000ff", "color"),
    ]
    .concat();
    let entries: String = ["good", "gone", "back", "windows", "colour", "nothing"]
        .iter()
        .map(|id| format!("<entry producer=\"{id}\" in=\"0\" out=\"49\"/>\n"))
        .collect();
    fs::write(
        &project,
        format!("<mlt>\n{producers}<playlist id=\"v\">\n{entries}</playlist>\n</mlt>\n"),
    )
    .expect("written");
    let listed = run(&["timeline", "list", text(&project), "--json"]).expect(0);
    let clips: Vec<Value> = serde_json::from_str(&listed.stdout).expect("JSON");
    let reasons: Vec<_> = clips.iter().map(|clip| clip["unfit"].as_str()).collect();
    assert_eq!(
        reasons,
        [
            None,
            Some("its media is missing"),
            Some("it is played backwards"),
            Some("its media is named by a path of Windows: C:\\films\\a.mp4"),
            Some("it plays \"nothing\", which is not in the project"),
        ]
    );
    let starts: Vec<_> = clips.iter().map(|clip| number(&clip["timeline_start"])).collect();
    assert_eq!(starts, [0.0, 2.0, 4.0, 6.0, 10.0]); // the colour takes its time
    let table = run(&["timeline", "list", text(&project)]).expect(0).stdout;
    assert!(
        table.contains("no soundtrack is possible: it is played backwards"),
        "{table}"
    );
    assert!(
        table.ends_with("4 of 5 clips cannot be given a soundtrack\n"),
        "{table}"
    );
    let refused = run(&["timeline", "add", text(&project), "--clip", "3", "--no-cache"]).expect(4);
    assert!(refused.stdout.contains("it is played backwards"), "{}", refused.stdout);

    // What is not a project, but often taken for one.
    let utf16: Vec<u8> = "\u{feff}<mlt/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&project, utf16).expect("written");
    run(&["timeline", "list", text(&project)]).expect(3).tells(&["UTF-16"]);
    let bundle = folder.path().join("cut.otioz");
    fs::write(&bundle, b"PK\x03\x04rest").expect("written");
    run(&["timeline", "list", text(&bundle)])
        .expect(3)
        .tells(&[".otio file"]);
    run(&["timeline", "list", text(folder.path())])
        .expect(3)
        .tells(&["is a folder"]);
}

#[test]
fn ten_thousand_clips_are_listed_in_two_seconds() {
    let folder = folder();
    let project = folder.path().join("long.mlt");
    let mut xml = format!(
        "<?xml version=\"1.0\"?>\n<mlt profile=\"atsc_720p_25\">\n<profile frame_rate_num=\"25\" frame_rate_den=\"1\" width=\"1280\" height=\"720\"/>\n<producer id=\"p\"><property name=\"resource\">{}</property><property name=\"mlt_service\">avformat</property></producer>\n<playlist id=\"v\">\n",
        text(&walkers())
    );
    for _ in 0..10_000 {
        xml.push_str("<entry producer=\"p\" in=\"5\" out=\"104\"/>\n");
    }
    xml.push_str("</playlist>\n<tractor id=\"t\"><track producer=\"v\"/></tractor>\n</mlt>\n");
    fs::write(&project, xml).expect("written");
    let begin = Instant::now();
    let listed = run(&["timeline", "list", text(&project), "--json"]).expect(0);
    let taken = begin.elapsed();
    let clips: Vec<Value> = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(clips.len(), 10_000);
    assert_eq!(number(&clips[9_999]["timeline_start"]), 9_999.0 * 4.0);
    assert!(taken < Duration::from_secs(2), "{taken:?}");
}
