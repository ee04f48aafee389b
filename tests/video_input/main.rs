//! Tests [`FileSource`] on difficult videos of every kind, made by the `ffmpeg` program during the
//! test.
//!
//! Times and pictures are compared with the results of `ffprobe` and `ffmpeg` for the same file.

// Helpers of tests may panic, and print what they measure or skip.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../outside/mod.rs"]
mod outside;
mod pictures;
mod refusals;

use kinescore::Error;
use kinescore::time::{Instant, Rate};
use kinescore::video::file::check_length;
use kinescore::video::{FileOptions, FileSource, Frame, FrameSource, Stretch, VideoFile};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use tempfile::TempDir;

/// A grey picture that encodes its frame's number: 2 levels per frame.
const COUNTER: &str = "color=size=64x48:rate=30:duration=3,format=gray,geq=lum='16+2*mod(N,100)',format=yuv420p";

/// A picture whose four corners differ: red, green, blue, white from the upper left in reading
/// order.
const CORNERS: &str = "color=white:size=96x64:rate=10:duration=2.5,drawbox=0:0:48:32:red:fill,\
                       drawbox=48:0:48:32:lime:fill,drawbox=0:32:48:32:blue:fill,format=yuv444p";

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    outside::printed(Command::new(program).args(arguments))
}

/// A folder of videos that is removed with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs ffmpeg with space-separated arguments (`{graph}` is replaced by the filter graph); the
    /// output is named `name`.
    fn ffmpeg(&self, graph: &str, arguments: &str, name: &str) -> PathBuf {
        let path = self.path(name);
        let mut all = vec!["-v", "error", "-y"];
        all.extend(
            arguments
                .split_whitespace()
                .map(|a| if a == "{graph}" { graph } else { a }),
        );
        all.push(path.to_str().unwrap());
        run("ffmpeg", &all);
        path
    }

    /// A video of a filter graph.
    fn video(&self, graph: &str, arguments: &str, name: &str) -> PathBuf {
        self.ffmpeg(graph, &format!("-f lavfi -i {{graph}} {arguments}"), name)
    }

    /// A new version of a video, made with `arguments`.
    fn again(&self, from: &Path, arguments: &str, name: &str) -> PathBuf {
        self.ffmpeg("", &format!("-i {} {arguments}", from.display()), name)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// Every frame, at its own size.
fn options() -> FileOptions {
    FileOptions {
        long_side: 10_000,
        rate: Rate::from_hz(1000.0),
        threads: 2,
    }
}

fn open(path: &Path) -> kinescore::Result<FileSource> {
    open_with(path, options())
}

/// The whole file, checked in the same way as by the analysis.
fn open_with(path: &Path, options: FileOptions) -> kinescore::Result<FileSource> {
    let file = VideoFile::open(path, options)?;
    check_length(path, file.media().announced)?;
    Ok(file.read(vec![Stretch::default()], true))
}

/// The error for a file that cannot be opened.
fn refusal(path: &Path) -> String {
    match open(path) {
        Err(Error::NotAVideo { reason, .. }) => reason,
        Err(other) => panic!("{}: {other}", path.display()),
        Ok(_) => panic!("{}: opened", path.display()),
    }
}

fn frames(source: &mut FileSource) -> kinescore::Result<Vec<Frame>> {
    let mut all = Vec::new();
    while let Some(frame) = source.next_frame()? {
        all.push(frame);
    }
    assert!(source.next_frame()?.is_none(), "the end is returned again");
    check_length(&source.clip().path, source.media_end())?;
    Ok(all)
}

fn all(path: &Path) -> (FileSource, Vec<Frame>) {
    let mut source = open(path).unwrap_or_else(|e| panic!("{e}"));
    let frames = frames(&mut source).unwrap_or_else(|e| panic!("{e}"));
    (source, frames)
}

fn times(frames: &[Frame]) -> Vec<f64> {
    frames.iter().map(|f| f.time.seconds()).collect()
}

fn duration(source: &FileSource) -> f64 {
    source.clip().duration.seconds()
}

/// Number of the counter's frame.
fn number(frame: &Frame) -> f64 {
    let middle = 3 * (frame.picture.height / 2 * frame.picture.width + frame.picture.width / 2);
    (f64::from(frame.picture.rgb[middle]) - 16.0) / 2.0
}

/// Checks the times of all frames against those from ffprobe, if it has them.
fn assert_as_probed(frames: &[Frame], path: &Path) {
    let arguments = [
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        "frame=best_effort_timestamp_time",
    ];
    let arguments = [&arguments[..], &["-of", "csv=p=0", path.to_str().unwrap()]].concat();
    let text = String::from_utf8(run("ffprobe", &arguments)).unwrap();
    let probed: Vec<Option<f64>> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split(',').next()?.parse().ok())
        .collect();
    assert_eq!(frames.len(), probed.len(), "{}: {probed:?}", path.display());
    let times = times(frames);
    let known = probed.iter().position(Option::is_some).unwrap();
    for (time, probed_time) in times.iter().zip(&probed) {
        if let Some(probed_time) = probed_time {
            let expected = times[known] + probed_time - probed[known].unwrap();
            assert!((time - expected).abs() < 2e-6, "{}: {time} {expected}", path.display());
        }
    }
}

fn assert_close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{a:?} {b:?}");
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < tolerance, "{a} {b}");
    }
}

/// Colours of the four corners, upper left, upper right, lower left, lower right, each as r, g, b,
/// w or ?.
fn corners(frame: &Frame) -> String {
    let picture = &frame.picture;
    let colour = |x: usize, y: usize| {
        let at = 3 * (y * picture.width + x);
        let bright: Vec<bool> = picture.rgb[at..at + 3].iter().map(|v| *v > 128).collect();
        match bright[..] {
            [true, false, false] => 'r',
            [false, true, false] => 'g',
            [false, false, true] => 'b',
            [true, true, true] => 'w',
            _ => '?',
        }
    };
    let (x, y) = (picture.width / 4, picture.height / 4);
    let (right, bottom) = (picture.width - 1 - x, picture.height - 1 - y);
    [colour(x, y), colour(right, y), colour(x, bottom), colour(right, bottom)]
        .iter()
        .collect()
}

/// Messages logged by this process. One logger serves all tests, so they look for the name of their
/// own file.
static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collector;

impl log::Log for Collector {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        LOGGED
            .lock()
            .unwrap()
            .push(format!("{}: {}", record.level(), record.args()));
    }
    fn flush(&self) {}
}

fn warnings_about(name: &str) -> Vec<String> {
    let logged = LOGGED.lock().unwrap();
    logged
        .iter()
        .filter(|m| m.starts_with("WARN") && m.contains(name))
        .cloned()
        .collect()
}

fn collect_logs() {
    let _ = log::set_logger(&Collector);
    log::set_max_level(log::LevelFilter::Warn);
}
