//! Videos made with the `ffmpeg` program, given a soundtrack, and inspected with `ffprobe`.
// Tests may panic and print what they measure.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../clips_support/mod.rs"]
mod clips_support;
mod copies;
#[path = "../outside/mod.rs"]
mod outside;
mod provenance;
mod refusals;

use kinescore::audio::{AudioBuffer, measure};
use kinescore::export::mux::{self, check_video, default_output};
use kinescore::progress::Cancel;
use kinescore::time::{Instant, Rate, Span};
use kinescore::video::Clip;
use kinescore::video::sound::read_sound;
use kinescore::{Error, Monitor};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const RATE: f64 = 48_000.0;

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    outside::printed(Command::new(program).args(arguments))
}

/// Writes a video that does not say what made it.
fn write_video(clip: &Clip, sound: &AudioBuffer, out: &Path, monitor: &Monitor<'_>) -> Result<(), Error> {
    mux::write_video(clip, sound, None, out, monitor)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Makes a file from `ffmpeg` arguments.
fn make(path: &Path, arguments: &str) {
    let mut all = vec!["-hide_banner", "-loglevel", "error", "-y"];
    all.extend(arguments.split_whitespace());
    all.push(text(path));
    run("ffmpeg", &all);
}

/// The output of `ffprobe` for `-show_entries`, one line per entry.
fn probe(path: &Path, arguments: &str) -> Vec<String> {
    let mut all = vec!["-v", "error", "-of", "csv=p=0"];
    all.extend(arguments.split_whitespace());
    all.push(text(path));
    let mut lines: Vec<String> = String::from_utf8(run("ffprobe", &all))
        .expect("UTF-8")
        .lines()
        .map(|line| line.trim_end_matches(',').to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    // Streams of transport streams are listed a second time by programme.
    if arguments.contains("entries stream=") {
        lines.dedup();
    }
    lines
}

fn clip(path: &Path, start: f64, duration: f64, whole: bool) -> Clip {
    Clip {
        path: path.to_owned(),
        start: Instant::from_seconds(start),
        duration: Span::from_seconds(duration),
        width: 0,
        height: 0,
        frame_rate: 0.0,
        has_audio: false,
        whole,
    }
}

/// Silence with a click at `at` seconds.
fn click(at: f64, duration: f64) -> AudioBuffer {
    let mut sound = AudioBuffer::silence(Rate::from_hz(RATE), 2, (duration * RATE).round() as usize);
    let index = (at * RATE).round() as usize;
    for sample in &mut sound.samples[2 * index - 4..2 * index + 6] {
        *sample = 0.9;
    }
    sound
}

/// When the loudest sample sounds after the first picture, and how long the sound is, both by
/// decoding with `ffmpeg`.
fn heard(path: &Path) -> (f64, f64) {
    let among = |stream: &str, packets: usize| -> f64 {
        let lines = probe(
            path,
            &format!(
                "-select_streams {stream} -read_intervals %+#{packets} -show_entries frame=best_effort_timestamp_time"
            ),
        );
        let times = lines.iter().filter_map(|l| l.split(',').next()?.parse::<f64>().ok());
        times.fold(f64::INFINITY, f64::min)
    };
    // The pictures before a cut are in the file, but decode to nothing.
    let first = |stream: &str| match among(stream, 40) {
        time if time.is_finite() => time,
        _ => among(stream, 600),
    };
    let raw = run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-i",
            text(path),
            "-map",
            "0:a",
            "-f",
            "f32le",
            "-ar",
            "48000",
            "-ac",
            "1",
            "-",
        ],
    );
    let samples: Vec<f32> = raw
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().expect("four bytes")))
        .collect();
    let loudest = (0..samples.len())
        .max_by(|a, b| samples[*a].abs().total_cmp(&samples[*b].abs()))
        .expect("sound");
    assert!(samples[loudest].abs() > 0.2, "the click is there");
    let at = first("a:0") + loudest as f64 / RATE - first("v:0");
    (at, samples.len() as f64 / RATE)
}

/// Checksums of the video packets, without their timestamps.
fn packets(path: &Path) -> Vec<String> {
    let hash = run(
        "ffprobe",
        &[
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_data_hash",
            "md5",
            "-show_entries",
            "packet=data_hash",
            "-of",
            "csv=p=0",
            text(path),
        ],
    );
    let lines: Vec<String> = String::from_utf8(hash)
        .expect("UTF-8")
        .lines()
        .map(str::to_owned)
        .collect();
    assert!(lines.len() > 20, "checksums of packets: {lines:?}");
    lines
}

/// Presentation times of the shown frames, from the first one.
fn shown(path: &Path) -> Vec<f64> {
    let times: Vec<f64> = probe(
        path,
        "-select_streams v:0 -show_entries frame=best_effort_timestamp_time",
    )
    .iter()
    .filter_map(|l| l.split(',').next()?.parse().ok())
    .collect();
    times.iter().map(|t| t - times[0]).collect()
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("folder")
        .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The types of a file's boxes at its top level.
fn boxes(path: &Path) -> Vec<String> {
    let data = fs::read(path).expect("read");
    let (mut at, mut kinds) = (0, Vec::new());
    while at + 8 <= data.len() {
        let size = u32::from_be_bytes(data[at..at + 4].try_into().expect("four")) as usize;
        kinds.push(String::from_utf8_lossy(&data[at + 4..at + 8]).into_owned());
        assert!(size >= 8);
        at += size;
    }
    assert_eq!(at, data.len());
    kinds
}

const H264: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 30 -pix_fmt yuv420p";

fn pattern(seconds: f64) -> String {
    format!("-f lavfi -i testsrc2=s=192x108:r=30:d={seconds}")
}
