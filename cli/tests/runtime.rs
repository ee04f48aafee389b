//! ONNX Runtime libraries and saved stages: damage is reported as an error with its exit code, and
//! never crashes the program.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

mod common;

use common::{Run, folder, kinescore, outside, root, text};
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;

fn golden(stage: &str) -> PathBuf {
    root().join("tests/fixtures/golden").join(format!("{stage}.json"))
}

/// Continues from saved poses to the rhythm, which needs one small network.
fn rhythm(folder: &Path, poses: &Path, args: &[&str], runtime: Option<&Path>) -> Run {
    let output = folder.join("rhythm.json");
    let base = [
        "render",
        "--from",
        text(poses),
        "--until",
        "rhythm",
        "-o",
        text(&output),
    ];
    let mut command = kinescore(&[&base[..], args].concat());
    if let Some(runtime) = runtime {
        command.env("KINESCORE_ONNXRUNTIME", runtime);
    }
    outside::finished(&mut command).into()
}

#[test]
fn a_library_other_than_onnx_runtime_is_a_missing_resource() {
    let folder = folder();
    let (source, null) = (folder.path().join("null.c"), folder.path().join("null.so"));
    fs::write(&source, "const void *OrtGetApiBase(void) { return 0; }").expect("a source");
    let made = outside::finished(
        Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&null, &source]),
    );
    assert!(made.status.success(), "{made:?}");
    rhythm(folder.path(), &golden("pose"), &[], Some(&null))
        .expect(6)
        .reports(&["null.so", "returns no API"]);

    let (whole, cut) = (
        root().join(".setup/onnxruntime"),
        folder.path().join("libonnxruntime.so"),
    );
    let library = fs::read_dir(whole)
        .expect("the folder of ONNX Runtime")
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("libonnxruntime.so"));
    fs::copy(library.expect("ONNX Runtime").path(), &cut).expect("a copy");
    let file = OpenOptions::new().write(true).open(&cut).expect("the copy");
    file.set_len(file.metadata().expect("a file").len() / 2)
        .expect("cut off");
    rhythm(folder.path(), &golden("pose"), &[], Some(&cut))
        .expect(6)
        .reports(&["libonnxruntime.so", "cut off"]);
    assert!(!folder.path().join("rhythm.json").exists());
}

#[test]
fn a_missing_card_is_reported_only_on_request() {
    let folder = folder();
    let quiet = rhythm(folder.path(), &golden("pose"), &["--device", "auto"], None).expect(0);
    let asked = rhythm(
        folder.path(),
        &golden("pose"),
        &["--device", "auto", "--device-networks", "all", "-v"],
        None,
    )
    .expect(0);
    // With a card, either its use or a warning is correct; this part runs only with a card.
    if !["/dev/nvidia0", "/proc/driver/nvidia", "/dev/dri"]
        .iter()
        .any(|sign| Path::new(sign).exists())
    {
        assert!(!quiet.stderr.contains("CUDA"), "{}", quiet.stderr);
        assert!(
            asked.stderr.contains("CUDA cannot be used, so the CPU is used"),
            "{}",
            asked.stderr
        );
        rhythm(folder.path(), &golden("pose"), &["--device", "cuda"], None)
            .expect(6)
            .reports(&["device 'cuda' cannot be used"]);
    }
}

#[test]
fn numbers_that_no_stage_writes_are_bad_input() {
    let folder = folder();
    let saved = fs::read_to_string(golden("pose")).expect("saved poses");
    let duration = "\"duration\":7.666666666666666";
    assert!(saved.contains(duration));
    let path = folder.path().join("poses.json");
    for (value, said) in [
        ("1e9", "clip.duration is 1000000000 s; expected 1.9 to 86400 s"),
        ("-1", "clip.duration is -1 s"),
        ("4000", "clip.duration is 4000 s; expected at most 67.6"),
        ("NaN", "clip.duration"),
    ] {
        fs::write(&path, saved.replace(duration, &format!("\"duration\":{value}"))).expect("written");
        rhythm(folder.path(), &path, &[], None)
            .expect(3)
            .reports(&["poses.json", said]);
    }
    assert!(!folder.path().join("rhythm.json").exists());
}
