//! Real renders of the bundled clip, started like by a user.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

mod common;

use common::{Run, folder, go, kinescore, listing, make_clip, outside, probe, run, text, walkers};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A copy of the clip in a separate folder.
fn clip_in(folder: &Path) -> PathBuf {
    let clip = folder.join("walk.mp4");
    fs::copy(walkers(), &clip).expect("a copy");
    clip
}

fn names(folder: &Path) -> Vec<String> {
    listing(folder)
        .into_iter()
        .map(|(path, _)| text(path.strip_prefix(folder).expect("below the folder")).to_owned())
        .collect()
}

fn seconds(path: &Path, stream: &str) -> f64 {
    probe(path, stream, "stream=duration").parse().expect("a number")
}

/// The packets of the video stream, as one checksum.
fn picture(path: &Path) -> String {
    let printed = outside::printed(
        Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-i", text(path)])
            .args(["-map", "0:v:0", "-c", "copy", "-f", "md5", "-"]),
    );
    String::from_utf8(printed).expect("UTF-8")
}

#[test]
fn one_command_writes_the_video_with_a_soundtrack_and_all_requested_files() {
    let folder = folder();
    let clip = clip_in(folder.path());
    let at = |name: &str| folder.path().join(name);
    let mut command = kinescore(&["render", "walk.mp4", "--device", "cpu", "--seed", "5"]);
    command
        .args(["--wav", "walk.wav", "--midi", "walk.mid", "--stems", "stems"])
        .args(["--json", "walk.json", "--plot", "walk.svg"])
        .current_dir(folder.path());
    let run = go(&mut command).expect(0);
    assert_eq!(run.stdout, "", "standard output is for requested results");
    let run = run.reports(&[
        "pose 100 %",
        "audio 100 %",
        "tempo:",
        "confidence",
        "wrote walk.soundtrack.mp4",
        "wrote walk.wav",
        "wrote stems",
    ]);
    assert!(!run.stderr.contains("error"), "{}", run.stderr);

    let names = names(folder.path());
    let stems: Vec<&String> = names.iter().filter(|name| name.starts_with("stems/")).collect();
    assert!(
        !stems.is_empty() && stems.iter().all(|name| name.ends_with(".wav")),
        "{names:?}"
    );
    let others: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !name.starts_with("stems/"))
        .collect();
    assert_eq!(
        others,
        [
            "stems",
            "walk.json",
            "walk.mid",
            "walk.mp4",
            "walk.soundtrack.mp4",
            "walk.svg",
            "walk.wav"
        ],
        "no other file, and nothing half-written"
    );

    let video = at("walk.soundtrack.mp4");
    assert_eq!(picture(&video), picture(&clip), "the video stream is copied");
    assert_eq!(probe(&video, "a:0", "stream=codec_name"), "aac");
    assert_eq!(probe(&video, "a:0", "stream=sample_rate"), "48000");
    let length = seconds(&clip, "v:0");
    assert!((seconds(&video, "a:0") - length).abs() < 0.05);
    assert!((seconds(&at("walk.wav"), "a:0") - length).abs() < 0.001);
    assert_eq!(probe(&at("walk.wav"), "a:0", "stream=codec_name"), "pcm_s24le");
    assert_eq!(
        fs::read(&clip).expect("the clip"),
        fs::read(walkers()).expect("the original")
    );

    assert!(fs::read(at("walk.mid")).expect("MIDI").starts_with(b"MThd"));
    let picture = fs::read_to_string(at("walk.svg")).expect("a picture");
    assert!(picture.contains("<svg") && picture.trim_end().ends_with("</svg>"));
    let analysis: Value = serde_json::from_slice(&fs::read(at("walk.json")).expect("JSON")).expect("JSON");
    for key in [
        "tempo_bpm",
        "confidence",
        "beats",
        "accents",
        "drums",
        "settings",
        "seed",
        "version",
        "models",
    ] {
        assert!(!analysis[key].is_null(), "'{key}' is not in {analysis:#}");
    }
    let beats = analysis["beats"].as_array().expect("a list of beats");
    assert!(beats.len() >= 4, "{} beats in {length} s", beats.len());
}

#[test]
fn a_saved_stage_leads_to_the_same_notes() {
    let folder = folder();
    let clip = clip_in(folder.path());
    let at = |name: &str| text(folder.path()).to_owned() + "/" + name;
    let common = ["--device", "cpu", "--quiet"];
    let go = |args: &[&str]| {
        let run = run(&[args, &common[..]].concat()).expect(0);
        assert_eq!(run.stderr, "", "--quiet says nothing");
    };
    go(&["render", text(&clip), "--no-video", "--midi", &at("straight.mid")]);
    go(&["render", text(&clip), "--until", "pose"]);
    go(&[
        "render",
        "--from",
        &at("walk.pose.json"),
        "--until",
        "rhythm",
        "-o",
        &at("r.json"),
    ]);
    go(&[
        "render",
        "--from",
        &at("r.json"),
        "--until",
        "drums",
        "-o",
        &at("d.json"),
    ]);
    go(&[
        "render",
        "--from",
        &at("d.json"),
        "--until",
        "score",
        "-o",
        &at("s.json"),
    ]);
    let straight = fs::read(at("straight.mid")).expect("MIDI");
    for stage in ["walk.pose.json", "r.json", "d.json", "s.json"] {
        let midi = at(&format!("{stage}.mid"));
        go(&["render", "--from", &at(stage), "--no-video", "--midi", &midi]);
        assert_eq!(fs::read(midi).expect("MIDI"), straight, "from {stage}");
    }

    // Settings of stages that are saved can have no effect, and are refused.
    for (stage, setting, said) in [
        (
            "walk.pose.json",
            ["--pose-rate", "20"],
            "the pose stage, on which --pose-rate",
        ),
        (
            "d.json",
            ["--set", "drums.style=funk"],
            "the drums stage, on which --style",
        ),
        (
            "s.json",
            ["--instruments", "drums"],
            "the score stage, on which --instruments",
        ),
    ] {
        run(&[&["render", "--from", &at(stage)][..], &setting].concat())
            .expect(2)
            .reports(&[stage, said, "earlier stage"]);
    }

    // From a saved stage, the video is made from the original clip, and written beside it.
    go(&["render", "--from", &at("s.json")]);
    assert_eq!(picture(Path::new(&at("walk.soundtrack.mp4"))), picture(&clip));

    // With another cut, and at half the speed.
    let half = at("half.wav");
    let cut = ["--start", "1001/1000", "--end", "6.001", "--speed", "50%"];
    go(&[
        &["render", "--from", &at("d.json"), "--no-video", "--wav", &half][..],
        &cut,
    ]
    .concat());
    assert_eq!(seconds(Path::new(&half), "a:0"), 10.0);
    run(&[&["render", "--from", &at("d.json")][..], &cut].concat())
        .expect(2)
        .reports(&["--speed 1/2", "--no-video"]);

    run(&["render", "--from", &at("d.json"), "--until", "rhythm"])
        .expect(2)
        .reports(&["d.json", "drums", "rhythm"]);
    let broken = at("broken.json");
    let saved = fs::read_to_string(at("r.json")).expect("the saved stage");
    fs::write(&broken, &saved[..saved.len() / 2]).expect("a file");
    let before = listing(folder.path());
    run(&["render", "--from", &broken]).expect(3).reports(&["broken.json"]);
    fs::write(&broken, "{}").expect("a file");
    run(&["render", "--from", &broken]).expect(3).reports(&["broken.json"]);
    run(&["render", "--from", &at("none.json")])
        .expect(3)
        .reports(&["none.json"]);
    assert_eq!(listing(folder.path()).len(), before.len());
}

#[test]
fn a_part_of_the_clip_gives_a_soundtrack_of_its_length() {
    let folder = folder();
    let wav = folder.path().join("part.wav");
    run(&[
        "render",
        text(&walkers()),
        "--device",
        "cpu",
        "--start",
        "0:02.5",
        "--end",
        "6",
        "--tempo",
        "100",
        "--no-video",
        "--wav",
        text(&wav),
    ])
    .expect(0);
    assert_eq!(seconds(&wav, "a:0"), 3.5);
}

/// The percentages that a host reads.
fn percentages(run: &Run) -> Vec<u32> {
    let lines = run.stderr.lines().filter_map(|line| line.strip_prefix("percentage: "));
    lines.map(|number| number.parse().expect("a whole number")).collect()
}

#[test]
fn kdenlive_gets_rising_percentages_and_no_file_on_failure() {
    let folder = folder();
    let wav = folder.path().join("walk.wav");
    let args = [
        "--host",
        "kdenlive",
        "--device",
        "cpu",
        "--no-video",
        "--wav",
        text(&wav),
    ];
    let clip = walkers();
    let part = ["--end", "3", "--tempo", "100"];
    let run = |clip: &Path, more: &[&str]| run(&[&["render", text(clip)], &args[..], more].concat());
    let done = run(&clip, &part).expect(0);
    let said = percentages(&done);
    assert!(said.windows(2).all(|pair| pair[0] < pair[1]), "{said:?}");
    assert!(said.first() == Some(&0) && said.last() == Some(&100), "{said:?}");
    // Poses take four fifths of a run: progress is reported during them, not only afterwards.
    assert!(said.iter().filter(|percent| **percent < 80).count() > 5, "{said:?}");
    assert!(!done.stderr.contains("pose 100 %"), "{}", done.stderr);
    assert_eq!(seconds(&wav, "a:0"), 3.0);
    fs::remove_file(&wav).expect("the sound");

    let quiet = run(&clip, &[&part[..], &["--quiet"]].concat()).expect(0);
    assert!(
        quiet.stderr.lines().all(|line| line.starts_with("percentage: ")),
        "{}",
        quiet.stderr
    );
    fs::remove_file(&wav).expect("the sound");

    let nobody = make_clip(folder.path(), "nobody.mp4", "-f lavfi -i testsrc=d=3");
    let failed = run(&nobody, &[]).expect(4).reports(&["nobody.mp4: no person"]);
    assert!(
        percentages(&failed).iter().all(|percent| *percent < 100),
        "{}",
        failed.stderr
    );
    assert_eq!(names(folder.path()), ["nobody.mp4"]);
}

#[test]
fn analyze_prints_a_summary_or_json_and_writes_nothing_unrequested() {
    let folder = folder();
    let clip = clip_in(folder.path());
    let summary = run(&["analyze", text(&clip), "--device", "cpu"]).expect(0).stdout;
    for line in ["tempo: ", "beats: ", "accents: "] {
        assert!(summary.lines().any(|l| l.starts_with(line)), "{summary}");
    }
    let json = run(&["analyze", text(&clip), "--device", "cpu", "--end", "5", "--json", "-"]).expect(0);
    let analysis: Value = serde_json::from_str(&json.stdout).expect("nothing but JSON on standard output");
    assert!(
        analysis["tempo_bpm"].is_f64() && analysis["beats"].is_array(),
        "{analysis:#}"
    );
    assert!(json.stderr.contains("tempo:"));
    assert_eq!(names(folder.path()), ["walk.mp4"]);

    let plot = folder.path().join("walk.png");
    run(&[
        "analyze",
        text(&clip),
        "--device",
        "cpu",
        "--end",
        "5",
        "--plot",
        text(&plot),
    ])
    .expect(0);
    assert!(fs::read(&plot).expect("a picture").starts_with(b"\x89PNG"));
}

/// Starts a render of a clip that takes long enough to be stopped.
fn long_render(folder: &Path) -> Child {
    let clip = folder.join("long.mp4");
    if !clip.exists() {
        let walkers = walkers();
        make_clip(
            folder,
            "long.mp4",
            &format!("-stream_loop 7 -i {} -c copy", text(&walkers)),
        );
    }
    kinescore(&["render", text(&clip), "--device", "cpu", "--wav"])
        .arg(folder.join("long.wav"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

#[test]
fn instruments_of_saved_music_can_be_left_out() {
    let folder = folder();
    let music = folder.path().join("m.json");
    let clip = walkers();
    let common = ["--device", "cpu", "--quiet"];
    let save = [
        "render",
        text(&clip),
        "--until",
        "music",
        "-o",
        text(&music),
        "--pose-rate",
        "10",
    ];
    run(&[
        &save[..],
        &["--end", "3", "--instruments", "drums,guitar,bass"],
        &common,
    ]
    .concat())
    .expect(0);
    let stems = |name: &str, more: &[&str]| {
        let stems = folder.path().join(name);
        let args = ["render", "--from", text(&music), "--no-video", "--stems", text(&stems)];
        run(&[&args[..], &common, more].concat()).expect(0);
        let parts = listing(&stems)
            .into_iter()
            .map(|(path, _)| fs::read(path).expect("a stem"));
        let names = listing(&stems)
            .into_iter()
            .map(|(path, _)| path.file_name().expect("a name").to_owned());
        names
            .map(|name| name.into_string().expect("UTF-8"))
            .zip(parts)
            .collect::<Vec<_>>()
    };
    let names = |stems: &[(String, Vec<u8>)]| stems.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    // All that is saved, although the default is another choice.
    let all = stems("all", &[]);
    assert_eq!(names(&all), ["bass.wav", "drums.wav", "guitar.wav"]);
    assert_eq!(names(&stems("drums", &["--instruments", "drums"])), ["drums.wav"]);
    assert_eq!(
        names(&stems("bass", &["--set", "music.instruments=bass"])),
        ["bass.wav"]
    );
    run(&["render", "--from", text(&music), "--instruments", "drums,piano"])
        .expect(2)
        .reports(&[
            "music.instruments = 'drums,piano'",
            "drums, guitar, bass",
            "saved music",
        ]);
}

#[test]
fn ctrl_c_stops_within_half_a_second_and_leaves_nothing() {
    let folder = folder();
    let mut shortest = Duration::MAX;
    // Other tests share the processor: the best of five shows what the program does.
    for (name, after) in [
        ("-INT", 1500),
        ("-TERM", 2500),
        ("-INT", 400),
        ("-INT", 1000),
        ("-TERM", 2000),
    ] {
        let mut child = long_render(folder.path());
        sleep(Duration::from_millis(after));
        assert!(child.try_wait().expect("a state").is_none(), "the render is under way");
        let sent = Instant::now();
        outside::signal(&child, name);
        let status = loop {
            if let Some(status) = child.try_wait().expect("a state") {
                break status;
            }
            assert!(sent.elapsed() < Duration::from_secs(20), "it does not stop");
            sleep(Duration::from_millis(5));
        };
        shortest = shortest.min(sent.elapsed());
        let stderr = std::io::read_to_string(child.stderr.take().expect("piped")).expect("UTF-8");
        assert_eq!(status.code(), Some(130), "{stderr}");
        assert!(stderr.contains("cancelled"), "{stderr}");
        assert_eq!(names(folder.path()), ["long.mp4"]);
    }
    assert!(shortest < Duration::from_millis(500), "{shortest:?}");
}

#[test]
fn ffmpeg_and_other_libraries_print_nothing_themselves() {
    let folder = folder();
    let mut command = kinescore(&[
        "render",
        text(&walkers()),
        "--device",
        "cpu",
        "--end",
        "3",
        "--tempo",
        "100",
        "-q",
    ]);
    let run = go(command.arg("-o").arg(folder.path().join("out.mkv"))).expect(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    assert_eq!(probe(&folder.path().join("out.mkv"), "a:0", "stream=codec_name"), "aac");
}
