//! Bad input: each kind gets its own clear error, its documented exit code, and nothing is written.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

mod common;

use common::{Run, folder, listing, make_clip, models, outside, root, run, text, walkers};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Renders `clip` with `args` to a video in the same folder; checks that the run fails with `code`,
/// that its message contains `parts`, and that the folder is unchanged.
#[track_caller]
fn refused(folder: &Path, clip: &Path, args: &[&str], code: i32, parts: &[&str]) -> Run {
    let before = listing(folder);
    let mut all = vec!["render", text(clip), "--device", "cpu"];
    let output = text(folder).to_owned() + "/out.mp4";
    if !args.contains(&"-o") {
        all.extend(["-o", &output]);
    }
    all.extend(args);
    let run = run(&all).expect(code).reports(parts);
    assert_eq!(listing(folder), before, "the folder has changed");
    assert_eq!(run.stdout, "");
    run
}

/// The first seconds of the bundled clip, with a fixed tempo if stages after the beats are tested.
const BRIEFLY: [&str; 4] = ["--end", "3", "--tempo", "100"];

#[test]
fn not_a_video() {
    let folder = folder();
    let clip = folder.path().join("notes.mp4");
    fs::write(&clip, "These are notes, not a video.\n".repeat(100)).expect("a file");
    refused(
        folder.path(),
        &clip,
        &[],
        3,
        &["notes.mp4", "cannot be read as a video"],
    );
    let empty = folder.path().join("empty.mp4");
    fs::write(&empty, "").expect("a file");
    refused(folder.path(), &empty, &[], 3, &["empty.mp4"]);
    refused(folder.path(), &folder.path().join("none.mp4"), &[], 3, &["none.mp4"]);
    refused(folder.path(), folder.path(), &[], 3, &[text(folder.path())]);
}

#[test]
fn audio_only() {
    let folder = folder();
    let clip = make_clip(folder.path(), "song.m4a", "-f lavfi -i sine=duration=4 -c:a aac");
    refused(folder.path(), &clip, &[], 3, &["song.m4a", "no video stream", "audio"]);
}

#[test]
fn a_video_stream_without_frames() {
    let folder = folder();
    let whole = make_clip(folder.path(), "whole.mkv", "-f lavfi -i testsrc2=duration=3 -c:v mpeg4");
    // Matroska lists its streams before the first cluster of packets.
    let content = fs::read(&whole).expect("the clip");
    let cluster = content
        .windows(4)
        .position(|bytes| bytes == [0x1f, 0x43, 0xb6, 0x75])
        .expect("a cluster");
    let clip = folder.path().join("header.mkv");
    fs::write(&clip, &content[..cluster]).expect("a file");
    refused(
        folder.path(),
        &clip,
        &[],
        3,
        &["header.mkv", "no frame could be decoded"],
    );
}

#[test]
fn the_readable_part_of_a_truncated_file_is_used_with_a_warning() {
    let folder = folder();
    let whole = make_clip(folder.path(), "whole.mp4", "-i {} -c copy -movflags +faststart");
    let content = fs::read(&whole).expect("the clip");
    let clip = folder.path().join("cut.mp4");
    fs::write(&clip, &content[..content.len() / 2]).expect("a file");
    let wav = folder.path().join("cut.wav");
    let run = run(&[
        "render",
        text(&clip),
        "--device",
        "cpu",
        "--tempo",
        "100",
        "--no-video",
        "--wav",
        text(&wav),
    ])
    .expect(0)
    .reports(&["warning", "cut.mp4"]);
    assert_eq!(run.stdout, "");
    let seconds: f64 = common::probe(&wav, "a:0", "stream=duration").parse().expect("a number");
    assert!((2.0..6.0).contains(&seconds), "{seconds} s of about half of 7.7 s");
}

#[test]
fn nobody_in_the_picture() {
    let folder = folder();
    let clip = make_clip(
        folder.path(),
        "pattern.mp4",
        "-f lavfi -i testsrc2=size=640x360:rate=30:duration=3 -c:v mpeg4 -q:v 3",
    );
    refused(folder.path(), &clip, &[], 4, &["pattern.mp4", "no person"]);
}

#[test]
fn somebody_for_less_than_two_seconds() {
    let folder = folder();
    let clip = make_clip(
        folder.path(),
        "brief.mp4",
        "-i {} -an -vf trim=0:1.2,scale=640:360,tpad=stop_mode=add:stop_duration=4:color=gray -c:v mpeg4 -q:v 3",
    );
    refused(
        folder.path(),
        &clip,
        &[],
        4,
        &["brief.mp4", "a person is seen for only", "at least 2 s"],
    );
}

#[test]
fn a_clip_shorter_than_two_seconds() {
    let folder = folder();
    let clip = make_clip(folder.path(), "short.mp4", "-i {} -t 1 -an -c:v mpeg4");
    refused(folder.path(), &clip, &[], 4, &["short.mp4", "1.0", "at least 2 s"]);
    refused(
        folder.path(),
        &walkers(),
        &["--start", "2", "--end", "3.5"],
        4,
        &["walking-two-people.mp4", "1.50 s"],
    );
}

#[test]
fn a_part_that_lies_outside_the_clip() {
    let folder = folder();
    refused(
        folder.path(),
        &walkers(),
        &["--start", "60"],
        2,
        &["walking-two-people.mp4", "60.000 s"],
    );
}

#[test]
fn frames_of_all_sizes() {
    let folder = folder();
    let pixel = make_clip(
        folder.path(),
        "pixel.mkv",
        "-f lavfi -i color=size=16x16:duration=3,format=gbrp,crop=1:1 -c:v ffv1",
    );
    refused(folder.path(), &pixel, &[], 3, &["pixel.mkv", "1×1", "16 to 16384"]);
    let wide = make_clip(
        folder.path(),
        "wide.mkv",
        "-f lavfi -i color=size=17000x20:rate=2:duration=3 -pix_fmt bgr0 -c:v ffv1",
    );
    refused(folder.path(), &wide, &[], 3, &["wide.mkv", "17000×20", "16 to 16384"]);
    // 8K is large but allowed: the clip is searched, and no person is found.
    let large = make_clip(
        folder.path(),
        "8k.mkv",
        "-f lavfi -i testsrc2=size=7680x4320:rate=4:duration=2.5 -c:v mjpeg -q:v 8",
    );
    refused(folder.path(), &large, &[], 4, &["8k.mkv", "no person"]);
}

#[test]
fn a_person_who_stands_still() {
    let folder = folder();
    let clip = make_clip(
        folder.path(),
        "still.mp4",
        "-i {} -an -vf trim=start_frame=90:end_frame=91,setpts=PTS-STARTPTS,loop=120:1:0,scale=960:-2 -r 30 -c:v mpeg4 -q:v 2",
    );
    refused(folder.path(), &clip, &[], 5, &["no beat found", "--tempo"]);
    // With a tempo it succeeds, as the message suggests.
    let wav = folder.path().join("still.wav");
    run(&[
        "render",
        text(&clip),
        "--device",
        "cpu",
        "--tempo",
        "100",
        "--no-video",
        "--wav",
        text(&wav),
    ])
    .expect(0);
    assert!(wav.is_file());
}

#[test]
fn a_person_who_is_not_there() {
    let folder = folder();
    refused(
        folder.path(),
        &walkers(),
        &["--end", "3", "--person", "9"],
        4,
        &["walking-two-people.mp4", "person 9"],
    );
}

/// A copy of the models' folder that can be damaged.
fn own_models(folder: &Path) -> PathBuf {
    let own = folder.join("models");
    fs::create_dir(&own).expect("a folder");
    for entry in fs::read_dir(models()).expect("the models").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), own.join(entry.file_name())).expect("a copy");
        }
    }
    own
}

#[test]
fn models_that_are_missing_or_wrong() {
    let folder = folder();
    let own = own_models(folder.path());
    let with = |parts: &[&str]| {
        let args = [&BRIEFLY[..], &["--models", text(&own)]].concat();
        refused(folder.path(), &walkers(), &args, 6, parts)
    };

    let manifest = own.join("manifest.toml");
    let text_of_manifest = fs::read_to_string(&manifest).expect("the manifest");
    let other_shape = text_of_manifest.replacen("shape = [\"N\", 195]", "shape = [\"N\", 196]", 1);
    assert_ne!(other_shape, text_of_manifest, "the manifest has the landmarks' shape");
    fs::write(&manifest, other_shape).expect("another manifest");
    with(&["blazepose_full.onnx", "landmarks", "195", "196"]);
    fs::write(&manifest, &text_of_manifest).expect("the manifest again");

    let model = own.join("blazepose_full.onnx");
    let mut content = fs::read(&model).expect("the model");
    content[1000] ^= 1;
    fs::write(&model, &content).expect("a damaged model");
    with(&["blazepose_full.onnx", "sha256"]);

    fs::remove_file(&model).expect("no model");
    with(&["blazepose_full.onnx", "missing"]);

    fs::write(&manifest, "[blazepose_full\n").expect("a broken manifest");
    with(&["manifest.toml", "TOML"]);
    fs::remove_file(&manifest).expect("no manifest");
    with(&["manifest.toml"]);
}

#[test]
fn no_onnx_runtime() {
    let folder = folder();
    let nowhere = folder.path().join("none");
    refused(
        folder.path(),
        &walkers(),
        &["--onnxruntime", text(&nowhere), "--end", "3"],
        6,
        &["ONNX Runtime", text(&nowhere)],
    );
}

#[test]
fn a_device_that_is_not_there() {
    // The ONNX Runtime of the set-up is built for the CPU.
    let folder = folder();
    let before = listing(folder.path());
    let output = folder.path().join("out.mp4");
    run(&[
        "render",
        text(&walkers()),
        "--device",
        "cuda",
        "--end",
        "3",
        "-o",
        text(&output),
    ])
    .expect(6)
    .reports(&["device 'cuda' cannot be used"]);
    assert_eq!(listing(folder.path()), before);
}

/// The range of a chunk's content in a RIFF file.
fn chunk(content: &[u8], name: &[u8; 4]) -> std::ops::Range<usize> {
    let at = content.windows(4).position(|bytes| bytes == name).expect("the chunk");
    let length = u32::from_le_bytes(content[at + 4..at + 8].try_into().expect("four bytes")) as usize;
    at + 8..at + 8 + length
}

#[test]
fn sound_fonts_that_cannot_be_used() {
    let folder = folder();
    let with = |font: &Path, parts: &[&str]| {
        let args = [&BRIEFLY[..], &["--soundfont", text(font)]].concat();
        refused(folder.path(), &walkers(), &args, 6, parts)
    };
    with(&folder.path().join("none.sf2"), &["none.sf2", "missing"]);

    with(
        folder.path(),
        &[text(folder.path()), "it is a folder, not a regular file"],
    );
    let empty = folder.path().join("empty.sf2");
    fs::write(&empty, "").expect("a file");
    with(&empty, &["empty.sf2", "cannot be read as a SoundFont"]);
    // Regular files that nobody can open or read, not even root: a link to itself, and memory at
    // address 0.
    let circle = folder.path().join("circle.sf2");
    std::os::unix::fs::symlink(&circle, &circle).expect("a link");
    with(&circle, &["circle.sf2", "symbolic links"]);
    let unreadable = folder.path().join("unreadable.sf2");
    std::os::unix::fs::symlink("/proc/self/mem", &unreadable).expect("a link");
    with(&unreadable, &["unreadable.sf2", "cannot be read as a SoundFont"]);

    let shipped = fs::read(root().join("models/kinescore-gm.sf3")).expect("the SoundFont that ships");
    let half = folder.path().join("half.sf3");
    fs::write(&half, &shipped[..shipped.len() / 2]).expect("a file");
    with(&half, &["half.sf3", "cannot be read as a SoundFont"]);
    let notes = folder.path().join("notes.sf2");
    fs::write(&notes, "not a SoundFont at all").expect("a file");
    with(&notes, &["notes.sf2", "cannot be read as a SoundFont"]);

    // The zones still name samples, but no sample has a rate: 46-byte records, the rate at byte 36.
    let mut content = shipped;
    let samples = chunk(&content, b"shdr");
    for record in content[samples].chunks_exact_mut(46) {
        record[36..40].fill(0);
    }
    let silent = folder.path().join("silent.sf3");
    fs::write(&silent, content).expect("a file");
    with(&silent, &["silent.sf3", "no sample that can be played", "rate is 0 Hz"]);
}

#[test]
fn a_sound_font_without_drums_or_bass_plays_with_those_of_the_shipped_one() {
    let folder = folder();
    // The drum kits are moved out of the drums' bank (128), and the basses to other programs:
    // 38-byte records, the program at byte 20, the bank at byte 22.
    let mut content = fs::read(root().join("models/kinescore-gm.sf3")).expect("the SoundFont that ships");
    let presets = chunk(&content, b"phdr");
    for record in content[presets].chunks_exact_mut(38) {
        if record[22..24] == [128, 0] {
            record[22] = 90;
        } else if (32..40).contains(&record[20]) {
            record[20] += 60;
        }
    }
    let melodic = folder.path().join("melodic.sf3");
    fs::write(&melodic, content).expect("a file");
    let wav = folder.path().join("out.wav");
    let args = ["--soundfont", text(&melodic), "--no-video", "--wav", text(&wav)];
    let video = walkers();
    let args = [&["render", text(&video)][..], &BRIEFLY[..], &args].concat();
    let reported = [
        "melodic.sf3: this SoundFont does not have everything",
        "bass (program ",
        "of kinescore-gm.sf3",
    ];
    run(&args).expect(0).reports(&reported);
    assert!(fs::metadata(&wav).expect("a WAV").len() > 100_000);
}

#[test]
fn outputs_that_cannot_be_written() {
    let folder = folder();
    let clip = folder.path().join("clip.mp4");
    fs::copy(walkers(), &clip).expect("a clip");
    for output in [
        text(folder.path()).to_owned() + "/none/out.mp4",
        text(&clip).to_owned() + "/out.mp4",
        "/proc/out.mp4".to_owned(),
        "/dev/full".to_owned(),
        text(folder.path()).to_owned(),
    ] {
        refused(
            folder.path(),
            &clip,
            &["-o", &output],
            7,
            &[&output, "cannot be written"],
        );
    }
    for flag in ["--wav", "--midi", "--json", "--stems"] {
        let output = text(&clip).to_owned() + "/result";
        refused(
            folder.path(),
            &clip,
            &[flag, &output],
            7,
            &[&output, "cannot be written"],
        );
    }
}

#[test]
fn the_output_is_the_input() {
    let folder = folder();
    let clip = folder.path().join("clip.mp4");
    fs::copy(walkers(), &clip).expect("a clip");
    let link = folder.path().join("link.mp4");
    std::os::unix::fs::symlink(&clip, &link).expect("a link");
    for output in [&clip, &link] {
        refused(
            folder.path(),
            &clip,
            &["-o", text(output)],
            7,
            &[text(output), "overwrite the input"],
        );
    }
    refused(
        folder.path(),
        &clip,
        &["--json", text(&clip)],
        7,
        &["clip.mp4", "overwrite the input"],
    );
    assert_eq!(
        fs::read(&clip).expect("the clip"),
        fs::read(walkers()).expect("the original")
    );
}

#[test]
fn a_full_disk() {
    // A small file system that only this run sees. Mounting one requires permission.
    let folder = folder();
    let script = r#"mount -t tmpfs -o size=64k none "$1" 2>/dev/null || exit 99
        dir=$1; shift; "$@"; code=$?; ls -A "$dir"; exit $code"#;
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(env!("CARGO_BIN_EXE_kinescore"))
        .args([
            "render",
            text(&walkers()),
            "--device",
            "cpu",
            "--end",
            "3",
            "--tempo",
            "100",
            "-q",
            "-o",
        ])
        .arg(folder.path().join("out.mp4"));
    common::isolate(&mut command).env("PATH", common::SYSTEM);
    let run = common::go(&mut command);
    if run.code == Some(99) || run.stderr.starts_with("unshare") {
        outside::show("SKIPPED a_full_disk: this user may not mount a file system");
        return;
    }
    let run = run.expect(7).reports(&["out.mp4", "No space left"]);
    assert_eq!(run.stdout, "", "nothing is left on the full disk");
}
