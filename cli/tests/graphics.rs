//! Graphics cards: `kinescore setup gpu`, and, on a card that SwiftShader computes in software
//! (`make test-gpu`), networks by WebGPU.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do
#![allow(clippy::print_stdout)] // what was measured is reported

mod common;

use common::{Run, folder, go, kinescore, listing, make_clip, models, outside, root, text};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A program in place of Python, whose pip "installs" what a test wants.
fn python(folder: &Path, pip_install: &str) -> PathBuf {
    let programs = folder.join("programs");
    fs::create_dir_all(&programs).expect("a folder");
    let program = programs.join("python3");
    let script = format!(
        "#!/bin/sh\nPATH={}\necho \"$@\" >> '{}/calls'\n[ \"$3\" = install ] || exit 0\n\
         while [ $# -gt 0 ]; do [ \"$1\" != --target ] || to=$2; [ \"$1\" != --requirement ] || list=$2; shift; done\n{pip_install}\n",
        common::SYSTEM,
        folder.display(),
    );
    fs::write(&program, script).expect("a script");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
    programs
}

fn setup(folder: &Path, programs: &Path, args: &[&str]) -> Run {
    let mut command = kinescore(&[&["setup", "gpu"], args].concat());
    command.env("PATH", programs).env("XDG_DATA_HOME", folder.join("data"));
    go(&mut command)
}

const INSTALLS: &str = "mkdir -p \"$to/onnxruntime/capi\" && cp \"$list\" \"$to/list\" && \
     touch \"$to/onnxruntime/capi/libonnxruntime.so.1.27.0\" \"$to/onnxruntime/capi/onnxruntime_pybind11_state.so\"";

#[test]
fn a_build_is_fetched_with_checksums_once_and_removed() {
    let folder = folder();
    let programs = python(folder.path(), INSTALLS);
    let place = folder.path().join("data/kinescore/graphics/webgpu");
    setup(folder.path(), &programs, &["--build", "webgpu"])
        .expect(0)
        .reports(&["installed in", "doctor --device gpu"]);
    let calls = fs::read_to_string(folder.path().join("calls")).expect("calls of pip");
    assert!(
        calls.contains("--require-hashes") && calls.contains("--only-binary=:all:"),
        "{calls}"
    );
    let list = fs::read_to_string(place.join("list")).expect("what was asked for");
    assert!(list.contains("onnxruntime-webgpu==1.27.0 --hash=sha256:"), "{list}");
    assert!(place.join("onnxruntime/capi/libonnxruntime.so.1.27.0").is_file());
    assert!(!place.join("onnxruntime/capi/onnxruntime_pybind11_state.so").exists());

    // Again, and of another release.
    setup(folder.path(), &programs, &["--build", "webgpu"])
        .expect(0)
        .reports(&["up to date"]);
    let again = fs::read_to_string(folder.path().join("calls")).expect("calls of pip");
    assert_eq!(again, calls, "pip is not called again");
    fs::write(place.join("requirements.txt"), "another").expect("an older build");
    fs::write(place.join("old"), "").expect("a file of it");
    setup(folder.path(), &programs, &["--build", "webgpu"])
        .expect(0)
        .reports(&["installed in"]);
    assert!(!place.join("old").exists());

    setup(folder.path(), &programs, &["--remove"])
        .expect(0)
        .reports(&["removed"]);
    assert!(!folder.path().join("data/kinescore").exists());
    setup(folder.path(), &programs, &["--remove"])
        .expect(0)
        .reports(&["nothing to remove"]);
}

#[test]
fn a_build_that_cannot_be_fetched_leaves_nothing_and_keeps_the_old_one() {
    let folder = folder();
    let works = python(folder.path(), INSTALLS);
    setup(folder.path(), &works, &["--build", "cuda"]).expect(0);
    let graphics = folder.path().join("data/kinescore/graphics");
    fs::write(graphics.join("cuda/requirements.txt"), "another").expect("an older build");
    let before = listing(&graphics);
    for (install, reason) in [
        (
            "mkdir -p \"$to/half\"; echo 'hashes differ' >&2; exit 1",
            "pip could not fetch the packages",
        ),
        ("mkdir -p \"$to/other\"", "they have no onnxruntime/capi"),
        ("kill -9 $$", "pip could not fetch the packages"),
    ] {
        let programs = python(folder.path(), install);
        setup(folder.path(), &programs, &["--build", "cuda"])
            .expect(6)
            .reports(&[reason]);
        assert_eq!(listing(&graphics), before);
    }
    // Without Python: neither in PATH nor, in a bare system, elsewhere.
    if !Path::new("/usr/bin/python3").exists() {
        setup(folder.path(), &folder.path().join("none"), &[])
            .expect(6)
            .reports(&["python3-pip"]);
    }
    setup(folder.path(), &works, &["--build", "vulkan"]).expect(2);
    fs::remove_dir_all(folder.path().join("data")).expect("removed");
    fs::write(folder.path().join("data"), "").expect("a file in the way");
    setup(folder.path(), &works, &[]).expect(7).reports(&["data"]);
}

/// The program with the build and the driver that `make test-gpu` has set up.
fn on_swift_shader(args: &[&str], driver: &Path) -> Run {
    let runtime = root().join(".setup/data/kinescore/graphics/webgpu/onnxruntime/capi");
    assert!(
        runtime.is_dir() && root().join(".setup/swiftshader").is_dir(),
        "run `make test-gpu`"
    );
    let mut command = kinescore(args);
    command
        .env("KINESCORE_ONNXRUNTIME", runtime)
        .env("VK_ICD_FILENAMES", driver)
        .env("VK_DRIVER_FILES", driver);
    outside::within(&mut command, Duration::from_secs(1800))
        .expect("the program ends in time")
        .into()
}

fn swift_shader() -> PathBuf {
    root().join(".setup/swiftshader/icd.json")
}

#[test]
#[ignore = "takes minutes, and needs what `make test-gpu` sets up"]
fn each_network_agrees_with_the_cpu_on_a_card_or_is_known_to_stay_there() {
    let found = on_swift_shader(&["doctor", "--device", "webgpu"], &swift_shader()).expect(0);
    println!("{}", found.stdout);
    let line = |name: &str| {
        let mut lines = found.stdout.lines().filter(|line| line.contains(&format!("  {name} ")));
        let text = lines.find(|line| line.contains("CPU")).unwrap_or_default();
        assert!(!text.is_empty(), "no verdict on {name} in:\n{}", found.stdout);
        text.to_owned()
    };
    for name in ["blazepose_full", "blazepose_heavy", "velocity_offset"] {
        assert!(
            line(name).contains("computed by WebGPU as by the CPU"),
            "{}",
            line(name)
        );
    }
    // A fault of this build's kernels.
    assert!(
        line("video2rhythm").contains("stays on the CPU"),
        "{}",
        line("video2rhythm")
    );
    let manifest = fs::read_to_string(models().join("manifest.toml")).expect("the manifest");
    let networks = manifest.matches("inputs = [").count();
    let verdicts = found
        .stdout
        .lines()
        .filter(|line| line.contains("as by the CPU") || line.contains("stays on the CPU"));
    assert_eq!(verdicts.count(), networks);
}

#[test]
#[ignore = "takes minutes, and needs what `make test-gpu` sets up"]
fn poses_of_a_card_are_those_of_the_cpu() {
    let folder = folder();
    let clip = make_clip(
        folder.path(),
        "short.mp4",
        "-i {} -t 2.2 -r 5 -an -c:v libx264 -preset ultrafast",
    );
    let poses = |device: &str| -> Vec<f64> {
        let saved = folder.path().join(format!("{device}.json"));
        let args = [
            "render",
            text(&clip),
            "--device",
            device,
            "--pose-rate",
            "10",
            "--until",
            "pose",
            "-o",
            text(&saved),
        ];
        on_swift_shader(&args, &swift_shader()).expect(0);
        let saved: Value = serde_json::from_slice(&fs::read(&saved).expect("poses")).expect("JSON");
        let mut numbers = Vec::new();
        collect(&saved["poses"], &mut numbers);
        numbers
    };
    let (card, cpu) = (poses("webgpu"), poses("cpu"));
    assert!(
        cpu.len() > 500 && card.len() == cpu.len(),
        "{} and {} numbers",
        card.len(),
        cpu.len()
    );
    let far = card.iter().zip(&cpu).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("greatest difference: {far:e}");
    // Pixels of a person some 600 high.
    assert!(far < 0.5, "{far}");
}

fn collect(value: &Value, numbers: &mut Vec<f64>) {
    match value {
        Value::Number(number) => numbers.extend(number.as_f64()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, numbers)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, numbers)),
        _ => {}
    }
}

#[test]
#[ignore = "needs what `make test-gpu` sets up"]
fn without_a_card_the_cpu_is_used_unless_a_card_is_required() {
    let folder = folder();
    let none = folder.path().join("none.json");
    fs::write(
        &none,
        "{\"file_format_version\": \"1.0.0\", \"ICD\": {\"library_path\": \"/none.so\", \"api_version\": \"1.1.0\"}}",
    )
    .expect("a driver that is not there");
    let poses = root().join("tests/fixtures/golden/pose.json");
    let rhythm = |device: &str| {
        let output = folder.path().join("rhythm.json");
        let args = [
            "render",
            "--from",
            text(&poses),
            "--until",
            "rhythm",
            "-o",
            text(&output),
            "--device",
            device,
        ];
        on_swift_shader(&args, &none)
    };
    rhythm("webgpu").expect(6).reports(&["device 'webgpu' cannot be used"]);
    rhythm("gpu")
        .expect(6)
        .reports(&["device 'gpu' cannot be used", "CUDA: ", "WebGPU: "]);
    assert!(!folder.path().join("rhythm.json").exists());
    let done = rhythm("auto").expect(0);
    assert!(!done.stderr.contains("warning"), "{}", done.stderr);
    // In the report, with the reason.
    let found = on_swift_shader(&["doctor", "--device", "gpu"], &none).expect(6);
    assert!(found.stdout.contains("device 'gpu' cannot be used"), "{}", found.stdout);
}
