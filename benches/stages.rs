//! Speed, memory and follow of the whole chain, printed stage by stage. `make bench` runs it.
//!
//! Times are wall-clock on the machine it runs on; the real-time factor is clip length over time. Peak memory is that of
//! the whole process after the longest clip. Every measurement runs the real models on the CPU.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic)] // a program for a terminal, which may stop at the first surprise

#[path = "../tests/support/mod.rs"]
mod support;

use kinescore::Monitor;
use kinescore::pipeline::{Cut, Job};
use kinescore::progress::Stage;
use kinescore::rhythm::Accent;
use kinescore::rhythm::metrics;
use kinescore::settings::{Device, Settings};
use kinescore::time::{BeatGrid, Instant};
use kinescore::video::{FileOptions, FileSource, FrameSource};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time;

fn main() {
    // `cargo test --benches` also runs this program; it is no test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let minute = folder.path().join("minute.mp4");
    make_1080p(&minute, 60);
    println!("start-up: first decoded frame after {:.3} s", first_frame(&minute));
    println!("\n1080p30, 60 s, both audio and video written:");
    stages(&minute, folder.path());

    let long = folder.path().join("long.mp4");
    repeat(&minute, &long, 10);
    println!("\n1080p30, 600 s:");
    stages(&long, folder.path());
    println!("peak memory of the process: {:.0} MB", peak_memory_mb());

    println!("\nmovement and drums, beside the same accents shuffled in time ({SHUFFLES} times):");
    for clip in clips() {
        follow(&clip);
    }
}

/// The bundled clip, scaled and repeated to a 1080p30 clip of so many seconds.
fn make_1080p(path: &Path, seconds: u32) {
    let (input, output, seconds) = (support::walking(), path.to_string_lossy(), seconds.to_string());
    let input = input.to_string_lossy();
    support::output_of(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-stream_loop",
            "-1",
            "-i",
            &input,
            "-t",
            &seconds,
            "-an",
            "-vf",
            "scale=1920:1080,setsar=1",
            "-r",
            "30",
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-y",
            &output,
        ],
    );
}

fn repeat(clip: &Path, path: &Path, times: u32) {
    let (input, output, loops) = (clip.to_string_lossy(), path.to_string_lossy(), (times - 1).to_string());
    support::output_of(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-stream_loop",
            &loops,
            "-i",
            &input,
            "-c",
            "copy",
            "-y",
            &output,
        ],
    );
}

fn first_frame(clip: &Path) -> f64 {
    let begin = time::Instant::now();
    let mut source = FileSource::open(clip, None, None, FileOptions::default()).expect("a clip");
    source.next_frame().expect("a frame").expect("a frame");
    begin.elapsed().as_secs_f64()
}

fn cpu_settings() -> Settings {
    Settings {
        device: Device::Cpu,
        ..Settings::default()
    }
}

fn stages(clip: &Path, folder: &Path) {
    let engine = support::engine(1);
    let whole = time::Instant::now();
    let mut job = Job::open(engine, cpu_settings(), clip, Cut::default()).expect("a clip");
    let length = job.clip().duration.seconds();
    let report = |name: &str, begin: time::Instant| {
        let seconds = begin.elapsed().as_secs_f64();
        println!("  {name:<8} {seconds:8.2} s  {:8.1} × real time", length / seconds);
    };
    for stage in [Stage::Pose, Stage::Rhythm, Stage::Drums, Stage::Score, Stage::Audio] {
        let begin = time::Instant::now();
        job.run(stage, &Monitor::none()).expect("a stage");
        report(&stage.to_string(), begin);
    }
    let begin = time::Instant::now();
    job.write_video(&folder.join("out.mp4"), &Monitor::none())
        .expect("a video");
    report("export", begin);
    report("all", whole);
}

/// Peak resident memory of this process, in units of a million bytes; 0 where the system does not tell.
fn peak_memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0 / 1e6
}

/// The bundled clip, and those for trying out where they are there.
fn clips() -> Vec<PathBuf> {
    let folder = support::root().join("../shared/data/video");
    let mut clips = vec![support::walking()];
    for name in [
        "dance-with-music-117bpm.mp4",
        "dance-80bpm-silent.mp4",
        "volleyball.mp4",
    ] {
        let path = folder.join(name);
        if path.exists() {
            clips.push(path);
        } else {
            println!("  {name}: SKIPPED, not here");
        }
    }
    clips
}

/// A measure of how drums go with accents.
type Measure = fn(&[Accent], &[(Instant, f32)], &BeatGrid) -> f64;

/// How often the accents are shuffled for the figure beside the true one.
const SHUFFLES: u64 = 200;

fn follow(clip: &Path) {
    let name = clip.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut job = Job::open(Arc::clone(&support::engine(1)), cpu_settings(), clip, Cut::default()).expect("a clip");
    if let Err(error) = job.run(Stage::Drums, &Monitor::none()) {
        println!("  {name:<34} {error}");
        return;
    }
    let (rhythm, drums) = (job.rhythm().expect("rhythm"), job.drums().expect("drums"));
    let grid = rhythm.grid().expect("beats");
    let mut onsets: Vec<(Instant, f32)> = drums
        .hits
        .iter()
        .map(|hit| (grid.instant(f64::from(hit.step) + f64::from(hit.offset)), hit.velocity))
        .collect();
    onsets.sort_by(|a, b| a.0.seconds().total_cmp(&b.0.seconds()));
    let duration = job.clip().duration;
    let measure = |measure: Measure| {
        let shuffled = (0..SHUFFLES).map(|seed| metrics::shuffled(&rhythm.accents, duration, seed));
        let chance = shuffled.map(|accents| measure(&accents, &onsets, &grid)).sum::<f64>() / SHUFFLES as f64;
        format!("{:.2} (shuffled {chance:.2})", measure(&rhythm.accents, &onsets, &grid))
    };
    println!(
        "  {name:<28} {:6.1} BPM  follow {}  energy at accents {}",
        rhythm.tempo.bpm(),
        measure(metrics::follow),
        measure(metrics::accent_energy)
    );
}
