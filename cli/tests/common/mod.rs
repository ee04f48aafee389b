//! Shared by the tests of the program: running it, making clips, listing folders.
#![allow(dead_code, missing_docs)] // each test file uses a part
#![allow(clippy::expect_used, clippy::panic)] // tests may panic

#[path = "../../../tests/outside/mod.rs"]
pub mod outside;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the repository")
}

/// The bundled clip: 7.7 s, two people.
pub fn walkers() -> PathBuf {
    root().join("tests/fixtures/walking-two-people.mp4")
}

pub fn models() -> PathBuf {
    root().join("models")
}

/// Folders of the system's programs, for tests whose wrapper or script calls them.
pub const SYSTEM: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The program with this repository's models and ONNX Runtime, in a clean environment.
pub fn kinescore<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinescore"));
    isolate(command.args(args));
    command
}

/// Gives a program an environment that is the same on every machine: an empty home folder, no
/// programs in PATH, this repository's models and ONNX Runtime, and no cache.
pub fn isolate(command: &mut Command) -> &mut Command {
    let home = home();
    command.env_clear();
    // The places of the FFmpeg libraries and of temporary files.
    for name in ["LD_LIBRARY_PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for (name, folder) in [
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_STATE_HOME", ".local/state"),
        ("PATH", "bin"),
    ] {
        command.env(name, home.join(folder));
    }
    command
        .env("HOME", home)
        .env("KINESCORE_MODELS", models())
        .env("KINESCORE_ONNXRUNTIME", root().join(".setup/onnxruntime"))
        // Tests must not affect each other.
        .env("KINESCORE_CACHE", "off")
}

/// An empty folder, one per test process. Those of ended processes are removed.
fn home() -> &'static Path {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| {
        let homes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("homes");
        fs::create_dir_all(&homes).expect("a folder");
        for entry in fs::read_dir(&homes).expect("the folder").flatten() {
            let process = Path::new("/proc").join(entry.file_name());
            if !process.exists() {
                // Another process may be faster.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let home = homes.join(std::process::id().to_string());
        let _ = fs::remove_dir_all(&home); // of an earlier process with this number
        fs::create_dir(&home).expect("a folder");
        home
    })
}

/// Runs a command, which must end in time.
#[track_caller]
pub fn go(command: &mut Command) -> Run {
    outside::finished_long(command).into()
}

/// A program's command, started by a shell script in which it is `"$@"`, with the same environment.
pub fn by_shell(script: &str, program: &Command) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script, "sh"])
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
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
    /// Checks the exit code; shows the program's output if it differs.
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

    /// Checks that the message contains all of these, and that it is not an error in the program
    /// itself.
    #[track_caller]
    pub fn reports(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "'{part}' is not in:\n{}", self.stderr);
        }
        assert!(!self.stderr.contains("error in the program"), "{}", self.stderr);
        self
    }
}

/// Runs the program with these arguments.
pub fn run<S: AsRef<OsStr>>(args: &[S]) -> Run {
    go(&mut kinescore(args))
}

/// A new folder for a test.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Names in a folder and its subfolders, sorted, with the sizes of files.
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

/// Runs ffmpeg with these arguments (words without spaces, `{}` = the fixture clip), writing `name`
/// in `folder`.
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
    outside::printed(
        Command::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
            .args(words)
            .arg(&path),
    );
    path
}

/// One value of ffprobe, such as `stream=codec_name` of `v:0`.
pub fn probe(path: &Path, stream: &str, entry: &str) -> String {
    let printed = outside::printed(
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
    String::from_utf8(printed).expect("UTF-8").trim().to_owned()
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

/// A user's home folder, in which no editor of this machine is found.
pub struct Home(pub TempDir);

impl Home {
    /// A path below it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, with its folders.
    pub fn put(&self, name: &str, content: &str) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// The program with these arguments, for this user. A test that needs an editor puts it into
    /// `bin`.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = kinescore(args);
        command
            .env("HOME", self.0.path())
            .env("XDG_DATA_HOME", self.at("data"))
            .env("XDG_CONFIG_HOME", self.at("config"))
            .env("XDG_CACHE_HOME", self.at("cache"))
            .env("PATH", self.at("bin"));
        command
    }
}
