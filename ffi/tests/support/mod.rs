//! Shared by the tests of the C interface: the library, installed in a separate folder; a C
//! compiler; a short clip.
#![allow(dead_code)] // each test program uses its own part of this
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

#[path = "../../../tests/outside/mod.rs"]
pub mod outside;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the repository")
}

pub fn models() -> PathBuf {
    root().join("models")
}

pub fn runtime() -> PathBuf {
    root().join(".setup/onnxruntime")
}

/// Cargo's output folder, such as `target/debug`.
fn built() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    program.ancestors().nth(2).expect("…/deps/program").to_owned()
}

/// Builds with Cargo, with the profile of this test: a `cdylib` is not built for tests
/// automatically. The whole workspace is selected, with examples, so that dependencies have the
/// same features as in `cargo test --workspace`: otherwise they would be compiled a second time,
/// and the library with them.
fn build(what: &[&str]) {
    let built = built();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(root())
        .args(["build", "--quiet", "--workspace", "--target-dir"])
        .arg(built.parent().expect("the target folder"))
        .args(what);
    if built.ends_with("release") {
        cargo.arg("--release");
    }
    run(&mut cargo);
}

/// The library with its headers, in the layout of `make install` below a prefix.
pub fn prefix() -> &'static Path {
    static PREFIX: OnceLock<TempDir> = OnceLock::new();
    PREFIX
        .get_or_init(|| {
            build(&["--lib", "--examples"]);
            let prefix = tempfile::tempdir().expect("a folder");
            run(Command::new("make")
                .current_dir(root())
                .args(["--silent", "install-lib"])
                .arg(format!("BUILT={}", built().display()))
                .arg(format!("PREFIX={}", prefix.path().display())));
            prefix
        })
        .path()
}

/// The library with panics on demand.
pub fn faulty_library() -> PathBuf {
    build(&[
        "--example",
        "kinescore_faults",
        "--features",
        "kinescore-ffi/panic-injection",
    ]);
    built().join("examples/libkinescore_faults.so")
}

/// Runs a program, which must succeed within the time limit.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = outside::finished_long(command);
    succeed(command, output)
}

#[track_caller]
pub fn succeed(command: &Command, output: Output) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out
}

/// The output of `pkg-config` for the library.
pub fn flags(what: &[&str]) -> Vec<String> {
    let printed = run(Command::new("pkg-config")
        .args(what)
        .arg("kinescore")
        .env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")));
    printed.split_whitespace().map(str::to_owned).collect()
}

/// Warnings that are errors in our own sources.
pub const STRICT: &[&str] = &["-Wall", "-Wextra", "-Werror", "-pedantic"];

pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(name)
}

/// A compiler that finds the headers of the library.
pub fn compiler(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(STRICT)
        .args(["-g", "-O1", "-pthread", "-D_POSIX_C_SOURCE=200809L"])
        .arg("-I")
        .arg(prefix().join("include"));
    command
}

/// A program of `tests/c`, linked with the installed library, which it finds by an embedded path.
pub fn compile(folder: &Path, name: &str, more: &[&str]) -> PathBuf {
    let program = folder.join(Path::new(name).file_stem().expect("a name"));
    let cpp = name.ends_with(".cpp");
    run(compiler(if cpp { "c++" } else { "cc" })
        .arg(if cpp { "-std=c++17" } else { "-std=c99" })
        .arg(source(name))
        .arg("-o")
        .arg(&program)
        .args(flags(&["--libs"]))
        .arg(format!("-Wl,-rpath,{}", prefix().join("lib").display()))
        .args(more));
    program
}

/// Runs a test program with the paths it needs; returns its output.
#[track_caller]
pub fn check(program: &Path, arguments: &[&dyn AsRef<OsStr>]) -> String {
    run(Command::new(program).args(arguments))
}

/// Four seconds of the bundled clip, small, without sound.
pub fn clip() -> &'static Path {
    static CLIP: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, clip) = CLIP.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let clip = folder.path().join("walk.mp4");
        run(Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(root().join("tests/fixtures/walking-two-people.mp4"))
            .args([
                "-t",
                "4",
                "-an",
                "-vf",
                "scale=640:360",
                "-r",
                "30",
                "-c:v",
                "mpeg4",
                "-q:v",
                "2",
            ])
            .arg(&clip));
        (folder, clip)
    });
    clip
}

/// The frames of a clip, as 8-bit BGRA, into a program's standard input.
pub fn pipe_frames(clip: &Path, into: &mut Command) -> Output {
    let mut decoder = Command::new("ffmpeg");
    decoder
        .args(["-v", "error", "-i"])
        .arg(clip)
        .args(["-f", "rawvideo", "-pix_fmt", "bgra", "-"]);
    let mut decoder = outside::start(&mut decoder, Stdio::null());
    let frames = decoder.stdout.take().expect("a pipe");
    let output = outside::within_fed(into, frames.into(), outside::LONG);
    let decoded = outside::collect(decoder, outside::LIMIT).expect("ffmpeg ends");
    assert!(decoded.status.success());
    output.unwrap_or_else(|| panic!("{into:?} did not end in time"))
}
