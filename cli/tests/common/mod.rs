//! What the tests of the program share: running it, making clips, looking at folders.
#![allow(dead_code, missing_docs)] // each test file uses a part
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests stop at the first surprise, as tests do

pub mod outside;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the repository")
}

/// The clip that ships: 7.7 s, two people.
pub fn walkers() -> PathBuf {
    root().join("tests/fixtures/walking-two-people.mp4")
}

pub fn models() -> PathBuf {
    root().join("models")
}

/// The program with this repository's models and ONNX Runtime, on the CPU.
pub fn kinescore<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinescore"));
    command
        .args(args)
        .env("KINESCORE_MODELS", models())
        .env("KINESCORE_ONNXRUNTIME", root().join(".setup/onnxruntime"))
        // What one test finds must not change what another one does.
        .env("KINESCORE_CACHE", "off")
        .env_remove("RUST_BACKTRACE");
    command
}

/// A finished run.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
        }
    }
}

impl Run {
    /// Checks the exit code; shows what the program said when it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Checks that an error tells all of this, in a sentence and not as a fault of the program.
    #[track_caller]
    pub fn tells(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "'{part}' is not in:\n{}", self.stderr);
        }
        assert!(!self.stderr.contains("fault of the program"), "{}", self.stderr);
        self
    }
}

/// Runs the program with these arguments.
pub fn run<S: AsRef<OsStr>>(args: &[S]) -> Run {
    kinescore(args).output().expect("the program starts").into()
}

/// A folder of its own for a test.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Names in a folder and below, sorted, with the sizes of files.
pub fn listing(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(listing(&path));
        }
        let size = if path.is_file() {
            fs::metadata(&path).expect("the file").len()
        } else {
            0
        };
        found.push((path, size));
    }
    found.sort();
    found
}

/// Runs ffmpeg with these arguments (words without blanks, `{}` = the fixture clip), writing `name` in `folder`.
pub fn make_clip(folder: &Path, name: &str, args: &str) -> PathBuf {
    let path = folder.join(name);
    let walkers = walkers();
    let words = args.split_whitespace().map(|word| {
        if word == "{}" {
            walkers.as_os_str()
        } else {
            OsStr::new(word)
        }
    });
    let output = outside::finished(
        Command::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
            .args(words)
            .arg(&path),
    );
    assert!(
        output.status.success(),
        "ffmpeg {args}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    path
}

/// One value of ffprobe, such as `stream=codec_name` of `v:0`.
pub fn probe(path: &Path, stream: &str, entry: &str) -> String {
    let output = outside::finished(
        Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-select_streams",
                stream,
                "-show_entries",
                entry,
                "-of",
                "default=nk=1:nw=1",
            ])
            .arg(path),
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}
