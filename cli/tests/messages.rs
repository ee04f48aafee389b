//! Messages: each says what was wrong, the value met, the values allowed, and what to do.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

mod common;

use common::{folder, go, kinescore, listing, make_clip, root, run, text, walkers};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Refusals of this length can be read.
const LONGEST: usize = 800;

#[test]
fn a_dash_is_not_the_name_of_an_output() {
    for args in [
        &["render", "x.mp4", "-o", "-"][..],
        &["render", "x.mp4", "--output=-"],
        &["render", "x.mp4", "--until", "rhythm", "-o", "-"],
        &["render", "x.mp4", "--wav", "-"],
        &["render", "x.mp4", "--midi", "-"],
        &["render", "x.mp4", "--stems", "-"],
        &["render", "x.mp4", "--plot", "-"],
        &["analyze", "x.mp4", "--plot", "-"],
        &["batch", "x.csv", "--out", "-"],
        &["man", "-"],
        &["render", "x.mp4", "--cache", "-"],
        &["cache", "list", "--cache", "-"],
        &["install", "kdenlive", "--to", "-"],
        &["uninstall", "kdenlive", "--to", "-"],
    ] {
        let folder = folder();
        go(kinescore(args).current_dir(folder.path()))
            .expect(2)
            .reports(&["only --json and batch's --report are written to standard output", "./-"]);
        assert_eq!(listing(folder.path()), [], "{args:?}");
    }
    // A file of that name can be written, and the JSON goes to standard output.
    let folder = folder();
    let video = walkers();
    let args = [
        "render",
        text(&video),
        "--end",
        "3",
        "--tempo",
        "100",
        "--no-video",
        "--midi",
        "./-",
        "--json",
        "-",
    ];
    let run = go(kinescore(&args).current_dir(folder.path())).expect(0);
    assert!(run.stdout.starts_with('{'), "{}", run.stdout);
    assert_eq!(listing(folder.path()).len(), 1);
    assert!(fs::read(folder.path().join("-")).expect("MIDI").starts_with(b"MThd"));
}

#[test]
fn long_and_invisible_text_is_shortened_and_escaped() {
    let long = "Cq".repeat(5_000);
    let set = format!("music.chords={long}");
    let key = format!("{long}=1");
    let escape = "\u{1b}[31mAm\u{7}";
    for args in [
        &["render", "x.mp4", "--chords", &long][..],
        &["render", "x.mp4", "--key", &long],
        &["render", "x.mp4", "--key", &format!("C {long}")],
        &["render", "x.mp4", "--style", &long],
        &["render", "x.mp4", "--instruments", &long],
        &["render", "x.mp4", "--seed", &long],
        &["render", "x.mp4", "--set", &set],
        &["render", "x.mp4", "--set", &key],
        &["render", "x.mp4", "--set", &long],
        &["render", "x.mp4", "--start", &long],
        &["render", "x.mp4", "--speed", &long],
        &["render", "x.mp4", "--cache-size", &long],
        &["render", "x.mp4", "--until", &long],
        &["batch", "x.csv", "--chunk", &long],
        &["render", "x.mp4", &format!("--{long}")],
        &[&long],
    ] {
        let run = run(args).expect(2).reports(&["…"]);
        let length = run.stderr.chars().count();
        assert!(length < LONGEST, "{length} characters: {:.1000}", run.stderr);
        assert!(!run.stderr.contains(&"Cq".repeat(50)), "{:.1000}", run.stderr);
    }
    for args in [
        &["render", "x.mp4", "--chords", escape][..],
        &["render", "x.mp4", "--style", escape],
        &["render", "x.mp4", "--set", &format!("{escape}=1")],
        &["render", escape],
    ] {
        let run = run(args);
        assert!(matches!(run.code, Some(2 | 3)), "{:?}", run.code);
        assert!(run.stderr.contains("\\u{1b}[31mAm\\u{7}"), "{}", run.stderr);
        assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
    }
}

/// What is not a video, with its name and a part of the reason.
#[test]
fn a_file_that_is_not_a_video_is_called_what_it_is() {
    let folder = folder();
    let write = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).expect("a file");
    // The index of an MP4 that is written without `faststart` comes last.
    let whole = make_clip(folder.path(), "whole.mp4", "-i {} -c copy");
    let content = fs::read(&whole).expect("the clip");
    fs::remove_file(&whole).expect("removed");
    write("cut.mp4", &content[..content.len() / 2]);
    write("cut.mov", &content[..content.len() - 2_000]);
    write("notes.mp4", "These are notes, not a video.\n".repeat(100).as_bytes());
    write("notes.txt", b"notes");
    write("page.mp4", b"<!DOCTYPE html>\n<html><body>404</body></html>\n");
    write("zeros.mp4", &[0; 100_000]);
    write("empty.mp4", b"");
    // A linear congruential generator: no format begins like this.
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..200_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    write("noise.mp4", &noise);
    write("noise.mkv", &noise);
    write("archive.zip", &[b"PK\x03\x04\x14\0\0\0", &noise[..500]].concat());
    let before = listing(folder.path());
    for (name, part) in [
        (
            "cut.mp4",
            "without its index (the moov box): the recording was cut off, or the copy is incomplete",
        ),
        ("cut.mov", "incomplete; copy the file again"),
        ("notes.mp4", "it is text"),
        ("notes.txt", "it is text"),
        ("page.mp4", "it is a web page, not a video; download the video itself"),
        ("zeros.mp4", "it begins with zeros only"),
        ("empty.mp4", "it is empty"),
        ("noise.mp4", "not a video that this build of FFmpeg can read"),
        ("noise.mkv", "not a video that this build of FFmpeg can read"),
        ("archive.zip", "it is an archive, not a video; unpack it"),
    ] {
        let clip = folder.path().join(name);
        let run = run(&["analyze", text(&clip)]).expect(3).reports(&[name, part]);
        for foreign in [
            "Invalid data",
            "Invalid argument",
            "Operation not permitted",
            "End of file",
        ] {
            assert!(!run.stderr.contains(foreign), "{name}: {}", run.stderr);
        }
    }
    assert_eq!(listing(folder.path()), before);
}

#[test]
fn what_is_not_a_file_is_refused_with_what_to_do() {
    let folder = folder();
    let pipe = folder.path().join("pipe.mp4");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    for (clip, part) in [
        (
            "/dev/zero",
            "it is a device, not a regular file; name a regular file instead",
        ),
        (
            text(&pipe),
            "it is a pipe, not a regular file; copy its content to a regular file first",
        ),
        (
            text(folder.path()),
            "it is a folder, not a regular file; name a file in it",
        ),
        ("-", "standard input is not read; give a file"),
    ] {
        for args in [
            &["render", clip][..],
            &["analyze", clip],
            &["render", "--from", clip],
            &["batch", clip],
        ] {
            run(args).expect(3).reports(&[clip, part]);
        }
    }
}

#[test]
fn a_speed_that_makes_a_clip_too_short_is_named_with_both_lengths() {
    let folder = folder();
    let wav = folder.path().join("out.wav");
    let video = walkers();
    let args = [
        "render",
        text(&video),
        "--speed",
        "4",
        "--no-video",
        "--wav",
        text(&wav),
    ];
    run(&args)
        .expect(4)
        .reports(&["s of video last 1.9", "s at speed 4; at least 2 s are needed (--speed)"]);
    // Without a speed the length is that of the part.
    let args = ["render", text(&video), "--end", "1", "--no-video", "--wav", text(&wav)];
    run(&args)
        .expect(4)
        .reports(&["1.00 s of video; at least 2 s are needed"]);
    let list = folder.path().join("clips.csv");
    fs::write(
        &list,
        format!("path,in,out,speed,name\n{0},,,4,fast\n{0},60,70,,late\n", text(&video)),
    )
    .expect("a list");
    let run = run(&["batch", text(&list), "--retries", "0"]).expect(9);
    let run = run.reports(&[
        "at speed 4; at least 2 s are needed (column 'speed')",
        "(columns 'in' and 'out')",
    ]);
    assert!(!run.stderr.contains("--start"), "{}", run.stderr);
}

#[test]
fn a_saved_stage_whose_clip_was_moved_names_the_place_and_the_ways_out() {
    let folder = folder();
    let saved = folder.path().join("score.json");
    let golden = fs::read_to_string(root().join("tests/fixtures/golden/score.json")).expect("a saved stage");
    let mut file: serde_json::Value = serde_json::from_str(&golden).expect("JSON");
    file["clip"]["path"] = "moved/dance.mp4".into();
    fs::write(&saved, file.to_string()).expect("written");
    let place = folder.path().canonicalize().expect("a folder").join("moved/dance.mp4");
    let before = listing(folder.path());
    let mut command = kinescore(&["render", "--from", "score.json"]);
    go(command.current_dir(folder.path())).expect(3).reports(&[
        "score.json: its clip cannot be read: ",
        text(&place),
        "move the clip back",
        "clip.path",
        "--no-video --wav FILE",
    ]);
    assert_eq!(listing(folder.path()), before);
    // The sound needs no clip.
    let mut command = kinescore(&["render", "--from", "score.json", "--no-video", "--wav", "dance.wav"]);
    go(command.current_dir(folder.path())).expect(0);
    assert!(folder.path().join("dance.wav").is_file());
}

#[test]
fn a_saved_stage_finds_the_clip_beside_it_and_refuses_another() {
    let folder = folder();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let golden = fs::read_to_string(root().join("tests/fixtures/golden/score.json")).expect("a saved stage");
    let mut file: serde_json::Value = serde_json::from_str(&golden).expect("JSON");
    file["clip"]["path"] = "walk.mp4".into();
    fs::write(folder.path().join("score.json"), file.to_string()).expect("written");
    let other = make_clip(&elsewhere, "walk.mp4", "-f lavfi -i testsrc=d=4:s=320x240");
    let render = || {
        let mut command = kinescore(&["render", "--from", "../score.json", "-o", "out.mp4"]);
        go(command.current_dir(&elsewhere))
    };
    // Only the video in the current folder has the name.
    render().expect(3).reports(&[
        "score.json: its clip is another video: ",
        text(&other.canonicalize().expect("a path")),
        "320×240",
        "--no-video",
    ]);
    assert!(!elsewhere.join("out.mp4").exists());
    fs::copy(walkers(), folder.path().join("walk.mp4")).expect("a copy");
    render().expect(0);
    // Of the right size, but too short.
    make_clip(folder.path(), "walk.mp4", "-i {} -t 3 -c copy");
    render().expect(3).reports(&["its clip is another video", "it is 3."]);
}

#[test]
fn a_name_that_promises_another_kind_of_file_is_refused() {
    let folder = folder();
    let clip = text(&walkers()).to_owned();
    for (args, ending) in [
        (&["--no-video", "--wav", "walk.mp3"][..], ".wav"),
        (&["--no-video", "--midi", "walk.wav"], ".mid"),
        (&["--until", "drums", "-o", "walk.MP4"], ".json"),
    ] {
        let mut command = kinescore(&[&["render", &clip], args].concat());
        let run = go(command.current_dir(folder.path())).expect(2);
        run.reports(&[&format!("the name must end in {ending}")]);
    }
    assert!(listing(folder.path()).is_empty());
}

#[test]
fn a_file_that_is_not_a_saved_stage_is_reported_in_plain_words() {
    let folder = folder();
    let at = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    };
    let refused = |path: &Path, parts: &[&str]| {
        run(&["render", "--from", text(path)]).expect(3).reports(parts);
    };
    let advice = "(--from takes a file that --until has saved; save it again, or correct it)";
    refused(
        &at("notes.json", b"notes"),
        &["notes.json: it is not JSON: ", "(line 1, column 2)", advice],
    );
    refused(&walkers(), &["walking-two-people.mp4: it is not JSON: ", advice]);
    refused(&at("empty.json", b""), &["empty.json: it is empty", advice]);
    let other = at("other.json", br#"{"beats": [0.5, 1.0]}"#);
    refused(
        &other,
        &["it is JSON, but not a saved stage: it has no field 'format'", advice],
    );
    let golden = fs::read_to_string(root().join("tests/fixtures/golden/rhythm.json")).expect("a saved stage");
    let mut file: serde_json::Value = serde_json::from_str(&golden).expect("JSON");
    file["rhythm"]["beats_per_bar"] = 255.into();
    let wrong = at("wrong.json", file.to_string().as_bytes());
    refused(
        &wrong,
        &["wrong.json: rhythm.beats_per_bar is 255; expected 3 to 4 (", advice],
    );
}
