//! The cache between runs, and every way in which it can fail.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic

mod common;

use common::{Run, folder, kinescore, make_clip, outside, run, text};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Two and a half seconds of the bundled clip, scaled down, with the results of a run without a
/// cache.
struct Short {
    _folder: TempDir,
    clip: PathBuf,
    midi: Vec<u8>,
    /// Duration of that run.
    time: Duration,
}

/// Made once for all tests of this file.
fn short() -> &'static Short {
    static MADE: OnceLock<Short> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = folder();
        let clip = make_clip(
            folder.path(),
            "walk.mp4",
            "-i {} -t 2.5 -an -vf scale=640:-2 -c:v libx264 -preset ultrafast",
        );
        let midi = folder.path().join("plain.mid");
        let began = Instant::now();
        run(&args(&clip, &midi, &["--no-cache"])).expect(0);
        Short {
            midi: fs::read(midi).expect("MIDI"),
            time: began.elapsed(),
            _folder: folder,
            clip,
        }
    })
}

/// Settings that need little work.
const BRIEFLY: [&str; 8] = [
    "--device",
    "cpu",
    "--pose-rate",
    "10",
    "--tempo",
    "120",
    "--beats",
    "motion",
];

/// A render of only the notes, with as little work as possible apart from the poses.
fn args<'a>(clip: &'a Path, midi: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let rest = ["--instruments", "drums", "--no-video", "-vv", "--midi", text(midi)];
    [&["render", text(clip)][..], &BRIEFLY, &rest, more].concat()
}

/// Renders with a cache; the notes must be those of a run without one.
fn rendered(clip: &Path, cache: &Path) -> Run {
    let folder = folder();
    let midi = folder.path().join("notes.mid");
    let run = run(&args(clip, &midi, &["--cache", text(cache)])).expect(0);
    assert_eq!(fs::read(&midi).expect("MIDI"), short().midi, "{}", run.stderr);
    run
}

fn was_known(run: &Run) -> bool {
    assert!(run.stderr.contains("are known"), "{}", run.stderr);
    run.stderr.contains("; 1 are known")
}

fn names(folder: &Path, with: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(with))
        .collect();
    names.sort();
    names
}

fn listed(cache: &Path) -> Vec<Value> {
    let json = run(&["cache", "list", "--json", "--cache", text(cache)])
        .expect(0)
        .stdout;
    let list: Value = serde_json::from_str(&json).expect("JSON");
    list["entries"].as_array().expect("a list").clone()
}

fn verify(cache: &Path) -> Run {
    run(&["cache", "verify", "--cache", text(cache)])
}

#[test]
fn a_second_run_finds_the_poses_and_cache_lists_checks_and_clears_them() {
    let (folder, short) = (folder(), short());
    let cache = folder.path().join("cache");
    assert!(!was_known(&rendered(&short.clip, &cache)));
    assert!(was_known(&rendered(&short.clip, &cache)));

    let entries = listed(&cache);
    let poses = entries.iter().find(|entry| entry["kind"] == "poses").expect("poses");
    assert_eq!(poses["clip"].as_str(), Some(text(&short.clip)));
    assert_eq!(poses["start"].as_f64(), Some(0.0));
    assert!((poses["end"].as_f64().expect("a number") - 2.5).abs() < 0.1, "{poses}");
    let table = run(&["cache", "list", "--cache", text(&cache)]).expect(0).stdout;
    for part in ["last use", "0:00-0:02.", "walk.mp4", "3 entries", text(&cache)] {
        assert!(table.contains(part), "'{part}' is not in:\n{table}");
    }

    assert!(
        verify(&cache)
            .expect(0)
            .stdout
            .contains("3 entries are intact, 0 were damaged")
    );
    let file = PathBuf::from(poses["file"].as_str().expect("a path"));
    let mut bytes = fs::read(&file).expect("the entry");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).expect("written");
    // A run that finds the damage reports it and continues; a check finds it and removes it.
    let damaged = rendered(&short.clip, &cache);
    assert!(!was_known(&damaged));
    damaged.reports(&["damaged", text(&file)]);
    fs::write(&file, &bytes[..middle]).expect("written");
    let verified = verify(&cache).expect(8);
    assert!(
        verified.stdout.contains("2 entries are intact, 1 was damaged"),
        "{}",
        verified.stdout
    );
    assert!(!file.exists());

    fs::write(cache.join("mine.txt"), "mine").expect("written");
    assert!(!was_known(&rendered(&short.clip, &cache)));
    let other = folder.path().join("other.mp4");
    fs::write(&other, "another clip").expect("written");
    run(&["cache", "clear", text(&other), "--cache", text(&cache)])
        .expect(0)
        .reports(&["removed 0 entries"]);
    run(&["cache", "clear", text(&short.clip), "--cache", text(&cache)])
        .expect(0)
        .reports(&["removed 3 entries"]);
    rendered(&short.clip, &cache);
    run(&["cache", "clear", "--cache", text(&cache)])
        .expect(0)
        .reports(&["removed 3 entries"]);
    assert!(listed(&cache).is_empty());
    assert!(cache.join("mine.txt").exists());
}

#[test]
fn a_moved_beat_is_played_without_composing_again_and_gives_the_same_notes() {
    let (folder, short) = (folder(), short());
    let (cache, json) = (folder.path().join("cache"), folder.path().join("analysis.json"));
    let midi = folder.path().join("plain.mid");
    run(&args(
        &short.clip,
        &midi,
        &["--cache", text(&cache), "--json", text(&json)],
    ))
    .expect(0);
    let analysis: Value = serde_json::from_str(&fs::read_to_string(&json).expect("written")).expect("JSON");
    let mut beats: Vec<f64> = analysis["beats"]
        .as_array()
        .expect("beats")
        .iter()
        .filter_map(|beat| beat["time"].as_f64())
        .collect();
    assert!(beats.len() >= 4, "{beats:?}");
    beats[1] += 0.1;
    let marks = folder.path().join("marks.json");
    let fixed: Vec<Value> = beats.iter().map(|time| serde_json::json!({"time": time})).collect();
    let file = serde_json::json!({"format": "kinescore-marks", "version": 1, "beats": fixed});
    fs::write(&marks, file.to_string()).expect("written");
    let compositions = || {
        listed(&cache)
            .iter()
            .filter(|entry| entry["kind"] == "composition")
            .count()
    };
    let before = compositions();
    let notes = |more: &[&str]| {
        let midi = folder.path().join("moved.mid");
        run(&args(
            &short.clip,
            &midi,
            &[&["--marks", text(&marks)][..], more].concat(),
        ))
        .expect(0);
        fs::read(midi).expect("MIDI")
    };
    let played = notes(&["--cache", text(&cache)]);
    assert_eq!((before, compositions()), (1, 1), "it was composed again");
    assert_ne!(played, short.midi);
    assert_eq!(played, notes(&["--no-cache"]));
    // Composed with the beat moved, it is known without.
    let other = folder.path().join("other");
    assert_eq!(played, notes(&["--cache", text(&other)]));
    let again = rendered(&short.clip, &other);
    assert!(was_known(&again));
    assert_eq!(
        listed(&other)
            .iter()
            .filter(|entry| entry["kind"] == "composition")
            .count(),
        2
    );
}

#[test]
fn faults_of_a_media_are_reported_again_when_its_poses_come_from_the_cache() {
    let folder = folder();
    let cache = folder.path().join("cache");
    // The file announces five seconds, and the end of it is missing.
    let clip = make_clip(
        folder.path(),
        "cut.mkv",
        "-i {} -t 5 -an -vf scale=640:-2 -c:v libx264 -preset ultrafast -g 10",
    );
    let file = fs::OpenOptions::new().write(true).open(&clip).expect("the clip");
    let whole = file.metadata().expect("the clip").len();
    file.set_len(whole * 3 / 5).expect("cut off");
    let midi = folder.path().join("notes.mid");
    let render = |rate: &str, more: &[&str]| {
        let words = args(&clip, &midi, &[&["--cache", text(&cache)], more].concat());
        let words: Vec<&str> = words
            .into_iter()
            .map(|word| if word == "10" { rate } else { word })
            .collect();
        let run = run(&words).expect(0);
        let warning = |line: &&str| line.starts_with("kinescore: warning: ");
        let warnings: Vec<String> = run.stderr.lines().filter(warning).map(str::to_owned).collect();
        (was_known(&run), warnings)
    };
    let (known, first) = render("10", &[]);
    assert!(!known);
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(
        first[0].contains("cut.mkv: ") && first[0].contains("but announces 5.0"),
        "{first:?}"
    );
    for _ in 0..2 {
        assert_eq!(render("10", &[]), (true, first.clone()));
    }
    // Read again with other settings: still once.
    assert_eq!(render("12", &[]), (false, first.clone()));
    assert_eq!(render("12", &[]), (true, first.clone()));
    assert_eq!(render("12", &["--start", "0.2"]), (true, first));
}

#[test]
fn a_clip_that_neither_exists_nor_has_entries_cannot_be_cleared() {
    let (folder, short) = (folder(), short());
    let cache = folder.path().join("cache");
    // The name is in the notes' file.
    let clip = folder.path().join("walk.mp4");
    fs::copy(&short.clip, &clip).expect("a copy");
    rendered(&clip, &cache);
    let clear = |clips: &[&Path]| {
        let names = clips.iter().map(|clip| text(clip));
        let words: Vec<&str> = ["cache", "clear"].into_iter().chain(names).collect();
        run(&[&words[..], &["--cache", text(&cache)]].concat())
    };
    let nowhere = folder.path().join("nowhere.mp4");
    clear(&[&clip, &nowhere]).expect(3).reports(&[
        "nowhere.mp4: cannot be read: No such file",
        "the cache has no entries of this name; nothing was removed",
    ]);
    assert_eq!(listed(&cache).len(), 3);
    fs::remove_file(&clip).expect("removed");
    clear(&[&clip]).expect(0).reports(&["removed 3 entries"]);
    clear(&[&clip]).expect(3).reports(&["walk.mp4: cannot be read"]);
    clear(&[&short.clip]).expect(0).reports(&["removed 0 entries"]);
}

#[test]
fn a_device_that_cannot_be_used_is_an_error_whatever_the_cache_holds() {
    // With a card it may be usable; this runs only without one.
    if ["/dev/nvidia0", "/proc/driver/nvidia"]
        .iter()
        .any(|sign| Path::new(sign).exists())
    {
        return;
    }
    let (folder, short) = (folder(), short());
    let (cache, midi) = (folder.path().join("cache"), folder.path().join("cuda.mid"));
    let on_cuda = || {
        let words = args(&short.clip, &midi, &["--cache", text(&cache)]);
        let words: Vec<&str> = words
            .into_iter()
            .map(|word| if word == "cpu" { "cuda" } else { word })
            .collect();
        let run = run(&words).expect(6).reports(&["device 'cuda' cannot be used"]);
        let error = |line: &&str| line.starts_with("kinescore: device");
        run.stderr.lines().find(error).map(str::to_owned)
    };
    let cold = on_cuda();
    assert!(cold.is_some());
    rendered(&short.clip, &cache);
    assert_eq!(on_cuda(), cold);
    assert!(!midi.exists());
}

#[test]
fn the_folder_is_found_in_flag_environment_or_the_usual_place() {
    let folder = folder();
    let place = |envs: &[(&str, &str)], args: &[&str]| {
        let mut command = kinescore(&[&["cache", "list", "--json"], args].concat());
        command
            .env_remove("KINESCORE_CACHE")
            .env_remove("XDG_CACHE_HOME")
            .env("HOME", folder.path());
        command.envs(envs.iter().copied());
        let run = common::go(&mut command);
        let list: Option<Value> = serde_json::from_str(&run.stdout).ok();
        (
            run.code,
            list.map(|list| list["folder"].as_str().expect("a path").to_owned()),
        )
    };
    let home = folder.path().join(".cache/kinescore");
    assert_eq!(place(&[], &[]), (Some(0), Some(text(&home).to_owned())));
    assert!(!home.exists(), "looking writes nothing");
    let xdg = ("XDG_CACHE_HOME", "/xdg");
    assert_eq!(place(&[xdg], &[]).1.as_deref(), Some("/xdg/kinescore"));
    assert_eq!(
        place(&[("XDG_CACHE_HOME", "relative")], &[]).1.as_deref(),
        Some(text(&home))
    );
    let own = ("KINESCORE_CACHE", "/own");
    assert_eq!(place(&[xdg, own], &[]).1.as_deref(), Some("/own"));
    assert_eq!(place(&[xdg, own], &["--cache", "/flag"]).1.as_deref(), Some("/flag"));
    assert_eq!(place(&[("KINESCORE_CACHE", "off")], &[]), (Some(2), None));
    for size in ["2X", "", "-1", "nan", "1e40"] {
        run(&["render", "x.mp4", &format!("--cache-size={size}")])
            .expect(2)
            .reports(&["--cache-size", "500M"]);
    }
    run(&["render", "x.mp4", "--cache-size", "1.5GiB"])
        .expect(3)
        .reports(&["x.mp4"]);
    run(&["render", "x.mp4", "--no-cache", "--cache", "/own"]).expect(2);
}

#[test]
fn a_run_killed_at_any_moment_does_not_harm_later_ones() {
    let (folder, short) = (folder(), short());
    let midi = folder.path().join("killed.mid");
    let mut random = 0x5eed_u64;
    for round in 0..20 {
        // The cache is renewed periodically, so that both first and later runs are killed.
        let cache = folder.path().join(format!("cache{}", round / 4));
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = (random >> 40) as f64 / (1_u64 << 24) as f64;
        let mut child = kinescore(&args(&short.clip, &midi, &["--cache", text(&cache)]))
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        sleep(short.time.mul_f64(share));
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
        // Entries are complete; incomplete files have temporary names.
        verify(&cache).expect(0);
        let known = ["poses-", "media-", "composition-", ".tmp-", ".lock", "CACHEDIR.TAG"];
        for name in names(&cache, "") {
            assert!(known.iter().any(|start| name.starts_with(start)), "{name}");
        }
    }
    for round in 0..5 {
        let cache = folder.path().join(format!("cache{round}"));
        fs::create_dir_all(&cache).expect("a folder");
        fs::write(cache.join(".tmp-0a1b2c.kscache"), "half").expect("leftover of a killed writer");
        rendered(&short.clip, &cache);
        assert!(was_known(&rendered(&short.clip, &cache)));
        assert!(names(&cache, ".tmp-").is_empty());
    }
}

#[test]
fn a_full_disk_costs_only_time() {
    let (folder, short) = (folder(), short());
    let (cache, midi) = (folder.path().join("cache"), folder.path().join("notes.mid"));
    // No file may grow beyond four blocks, of 512 or of 1024 bytes: the media's entry fits, its
    // poses do not.
    let plain = kinescore(&args(&short.clip, &midi, &["--cache", text(&cache)]));
    let run = common::go(&mut common::by_shell("ulimit -f 4; exec \"$@\"", &plain)).expect(0);
    assert_eq!(fs::read(&midi).expect("MIDI"), short.midi);
    let run = run.reports(&["cache cannot be written", text(&cache)]);
    assert_eq!(
        run.stderr.matches("results are computed again each time").count(),
        1,
        "{}",
        run.stderr
    );
    assert!(names(&cache, "poses-").is_empty() && names(&cache, ".tmp-").is_empty());
    verify(&cache).expect(0);
    assert!(!was_known(&rendered(&short.clip, &cache)));
    assert!(was_known(&rendered(&short.clip, &cache)));
}

#[test]
fn an_unusable_folder_is_reported_once_and_the_notes_are_right() {
    let (folder, short) = (folder(), short());
    let file = folder.path().join("a file");
    fs::write(&file, "mine").expect("written");
    for cache in [file.clone(), file.join("below")] {
        let run = rendered(&short.clip, &cache).reports(&["the cache cannot be read", text(&cache)]);
        assert_eq!(run.stderr.matches("warning: ").count(), 1, "{}", run.stderr);
        verify(&cache).expect(3).reports(&[text(&cache)]);
    }
    assert_eq!(fs::read_to_string(&file).expect("the file"), "mine");
    // Root may write anywhere, so nothing is refused as root.
    let cache = folder.path().join("read-only");
    fs::create_dir(&cache).expect("a folder");
    let mut rights = fs::metadata(&cache).expect("the folder").permissions();
    rights.set_readonly(true);
    fs::set_permissions(&cache, rights).expect("rights");
    rendered(&short.clip, &cache);
}

#[test]
fn two_runs_at_once_do_not_harm_each_other() {
    let (folder, short) = (folder(), short());
    let cache = folder.path().join("cache");
    let midis = ["a.mid", "b.mid"].map(|name| folder.path().join(name));
    let start = |midi: &PathBuf| -> Child {
        kinescore(&args(&short.clip, midi, &["--cache", text(&cache)]))
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts")
    };
    for mut child in midis.each_ref().map(start) {
        assert!(outside::ended(&mut child).success());
    }
    for midi in &midis {
        assert_eq!(fs::read(midi).expect("MIDI"), short.midi);
    }
    assert!(verify(&cache).expect(0).stdout.contains("3 entries are intact"));
    assert!(was_known(&rendered(&short.clip, &cache)));
}

#[test]
fn a_missing_clip_fails_only_what_needs_it() {
    let (folder, short) = (folder(), short());
    // Under the same name, since the MIDI file contains it.
    let name = short.clip.file_name().expect("a name");
    let clip = folder.path().join(name);
    fs::copy(&short.clip, &clip).expect("copied");
    let at = |name: &str| folder.path().join(name);
    let saved = at("poses.json");
    let to_poses = ["render", text(&clip), "--until", "pose", "-o", text(&saved)];
    run(&[&to_poses[..], &BRIEFLY].concat()).expect(0);
    let go = |args: &[&str]| {
        let further = BRIEFLY
            .iter()
            .filter(|word| !["--pose-rate", "10"].contains(word))
            .copied();
        let further: Vec<&str> = args.iter().copied().chain(further).collect();
        run(&[&further[..], &["--instruments", "drums"]].concat())
    };
    fs::remove_file(&clip).expect("removed");
    let (midi, wav) = (at("notes.mid"), at("sound.wav"));
    let from = ["render", "--from", text(&saved)];
    go(&[&from[..], &["--no-video", "--midi", text(&midi), "--wav", text(&wav)]].concat()).expect(0);
    assert_eq!(fs::read(&midi).expect("MIDI"), short.midi);
    go(&[&from[..], &["-o", text(&at("video.mp4"))]].concat())
        .expect(3)
        .reports(&[&name.to_string_lossy()]);
    assert!(!at("video.mp4").exists());
}
