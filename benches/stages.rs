//! Speed, memory and follow of the whole chain, printed stage by stage. `make bench` runs it.
//!
//! Times are wall-clock on the machine it runs on; the real-time factor is clip length over time.
//! Peak memory is that of the whole process after the longest clip. Every measurement runs the real
//! models on the CPU.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic)] // a terminal program

#[path = "../tests/clips_support/mod.rs"]
mod clips_support;

#[path = "../tests/support/mod.rs"]
mod support;

#[path = "../tests/sound_common/mod.rs"]
mod sound_common;

use kinescore::audio::{SoundFont, SpanStore, Synthesis, render_streamed};
use kinescore::drums::Hit;
use kinescore::model::{Manifest, Options, Runtime, Session, Tensor};
use kinescore::pipeline::{Cut, Engine, Job, Resources};
use kinescore::progress::Stage;
use kinescore::rhythm::{Accent, metrics};
use kinescore::score::Score;
use kinescore::settings::{Device, Settings};
use kinescore::time::{BeatGrid, Flicks, Instant};
use kinescore::video::{FileOptions, FrameSource, Stretch, VideoFile};
use kinescore::{Marks, Monitor};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time;

fn main() {
    // `cargo test --benches` also runs this program, which is not a test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    // `cargo bench -- follow` measures only that part.
    let parts: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let folder = tempfile::tempdir().expect("a temporary folder");
    if wanted("speed") {
        let minute = folder.path().join("minute.mp4");
        make_1080p(&minute, 60);
        yardstick(&minute);
        println!("start-up: first decoded frame after {:.3} s", first_frame(&minute));
        println!("\n1080p30, 60 s, both audio and video written:");
        stages(&minute, folder.path());

        let long = folder.path().join("long.mp4");
        repeat(&minute, &long, 10);
        println!("\n1080p30, 600 s:");
        stages(&long, folder.path());
        println!("peak memory of the process: {:.0} MB", peak_memory_mb());
    }
    if wanted("edits") {
        let minute = folder.path().join("edited.mp4");
        make_1080p(&minute, 60);
        println!("\nedits of a 1080p30 clip of 60 s, drums, piano and bass:");
        edits(&minute, folder.path());
    }
    if wanted("sound") {
        println!("\nsound of 60 s, drums, piano and bass:");
        for threads in [1, 2] {
            sound(threads);
        }
    }
    let clips = clips();
    if wanted("follow") {
        println!("\nmovement and drums of {SEEDS} seeds, beside the same accents shuffled in time:");
        for clip in &clips {
            follow(clip, folder.path());
        }
    }
    if wanted("rates") {
        println!("\nposes a second:");
        for clip in &clips {
            pose_rates(clip);
        }
    }
}

/// The bundled clip, scaled and repeated to a 1080p30 clip of a given length.
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
    let mut source = VideoFile::open(clip, FileOptions::default())
        .expect("a clip")
        .read(vec![Stretch::default()], true);
    source.next_frame().expect("a frame").expect("a frame");
    begin.elapsed().as_secs_f64()
}

/// Basic operations of a render, each measured alone, to show how fast this machine is.
fn yardstick(clip: &Path) {
    const FRAMES: u32 = 300;
    const RUNS: u32 = 100;
    let milliseconds = |begin: time::Instant, count: u32| begin.elapsed().as_secs_f64() * 1e3 / f64::from(count);
    let mut source = VideoFile::open(clip, FileOptions::default())
        .expect("a clip")
        .read(vec![Stretch::default()], true);
    let begin = time::Instant::now();
    for _ in 0..FRAMES {
        source.next_frame().expect("a frame").expect("a frame");
    }
    let decoding = milliseconds(begin, FRAMES);
    let runtime = Runtime::load(Some(&support::root().join(".setup/onnxruntime")), &[]).expect("ONNX Runtime");
    let manifest = Manifest::read(&support::root().join("models")).expect("the manifest");
    let options = Options {
        device: Device::Cpu,
        threads: 1,
    };
    let mut landmarks = Session::open(&runtime, &manifest, "blazepose_full", options).expect("the landmark network");
    let image = Tensor::F32(ndarray::ArrayD::from_elem(vec![1, 256, 256, 3], 0.5));
    let mut run = || landmarks.run(&[("image", &image)]).expect("landmarks");
    run();
    let begin = time::Instant::now();
    for _ in 0..RUNS {
        run();
    }
    println!(
        "alone: decoding {decoding:.1} ms a frame (its own threads), landmarks {:.1} ms for one person in one frame (one thread)",
        milliseconds(begin, RUNS)
    );
}

fn cpu_settings() -> Settings {
    Settings::from_pairs([("device", "cpu")]).expect("a device")
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

/// The cost of an edit compared with the first render: the whole chain, the same in a new process
/// with a warm cache, trims of an open job, and the check whether there is anything to do.
fn edits(clip: &Path, folder: &Path) {
    let engine = || {
        let resources = Resources {
            cache: Some(folder.join("cache")),
            ..support::resources()
        };
        Arc::new(Engine::new(resources).expect("the models"))
    };
    let timed = |name: &str, cold: Option<f64>, work: &mut dyn FnMut()| {
        let begin = time::Instant::now();
        work();
        let seconds = begin.elapsed().as_secs_f64();
        let ratio = cold.map_or_else(String::new, |cold| {
            format!("  1/{:.0} of the cold render", cold / seconds)
        });
        println!("  {name:<44} {:9.1} ms{ratio}", 1e3 * seconds);
        seconds
    };
    let render = |engine: &Arc<Engine>, cut: Cut| {
        let mut job = Job::open(Arc::clone(engine), cpu_settings(), clip, cut).expect("a clip");
        job.run(Stage::Audio, &Monitor::none()).expect("a soundtrack");
        job
    };
    let trim = |start: f64, end: f64| Cut {
        start: Some(Flicks::from_seconds(start)),
        end: Some(Flicks::from_seconds(end)),
        ..Cut::default()
    };
    let cold = timed("cold render", None, &mut || drop(render(&engine(), Cut::default())));
    let warm = engine();
    timed("trim, in a new process", Some(cold), &mut || {
        drop(render(&warm, trim(1.7, 57.3)))
    });
    let mut job = render(&warm, Cut::default());
    for (name, cut) in [
        ("trim of the tail, job open", trim(0.0, 55.55)),
        ("trim of head and tail, job open", trim(3.21, 55.55)),
        ("grown back, job open", Cut::default()),
        ("another trim of the tail, job open", trim(0.0, 51.3)),
        ("another trim of the head, job open", trim(4.4, 60.0)),
    ] {
        let mut first = None;
        timed(name, Some(cold), &mut || {
            let begin = time::Instant::now();
            job.set_cut(cut).expect("inside");
            job.run_streamed(Stage::Audio, &Monitor::none(), &mut |_, _| {
                first.get_or_insert_with(|| begin.elapsed().as_secs_f64());
                Ok(())
            })
            .expect("a soundtrack");
        });
        println!("    first block after {:.1} ms", 1e3 * first.expect("blocks"));
    }
    timed("key of an engine that saw the clip before", Some(cold), &mut || {
        warm.key(&cpu_settings(), clip, trim(3.21, 55.55), &Marks::default())
            .expect("a key");
    });
    let fresh = engine();
    timed("key, in a new process", Some(cold), &mut || {
        fresh
            .key(&cpu_settings(), clip, trim(3.21, 55.55), &Marks::default())
            .expect("a key");
    });
}

/// Synthesis with an empty store, and with one that contains the sound of the piece before an edit.
fn sound(threads: usize) {
    let piece = sound_common::trio_score(30);
    let cut = |from, to| sound_common::cut(&piece, from, to);
    let end = piece.end().0;
    let mut note = piece.clone();
    note.parts[1].notes[100].velocity -= 10;
    let font = sound_common::shipped_font();
    let synthesis = Synthesis {
        store: SpanStore::default(),
        threads,
    };
    let cold = timed(&piece, &font, &synthesis);
    println!(
        "  {threads} threads, empty store:   {:.3} s, first block after {:.3} s, {} spans made",
        cold.0, cold.1, cold.2
    );
    for (name, score) in [
        ("nothing changed", piece.clone()),
        ("one note changed", note),
        ("0.351 s off the head", cut(337, end)),
        ("4 s off the tail", cut(0, end - 3_840)),
        ("10.01 s off both", cut(9_610, end - 9_610)),
    ] {
        // Each edit is of the whole piece.
        let synthesis = Synthesis {
            store: SpanStore::default(),
            threads,
        };
        timed(&piece, &font, &synthesis);
        let (all, first, made) = timed(&score, &font, &synthesis);
        println!(
            "    {name:<22} {all:.3} s, first block after {first:.3} s, {made} spans made: {:.1} times faster",
            cold.0 / all
        );
    }
}

/// Seconds to the last block and to the first, and spans that had to be made.
fn timed(score: &Score, font: &SoundFont, synthesis: &Synthesis) -> (f64, f64, u64) {
    let before = synthesis.store.usage().made;
    let begin = time::Instant::now();
    let mut first = None;
    let settings = Settings::default().sound().clone();
    render_streamed(score, font, &settings, synthesis, &Monitor::none(), |_, _| {
        first.get_or_insert_with(|| begin.elapsed().as_secs_f64());
        Ok(())
    })
    .expect("rendered");
    let all = begin.elapsed().as_secs_f64();
    (all, first.unwrap_or(all), synthesis.store.usage().made - before)
}

/// Peak resident memory of this process, MB (10^6 bytes); 0 if the system does not report it.
fn peak_memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0 / 1e6
}

/// The bundled clip, and those of the folder that `KINESCORE_CLIPS` names.
fn clips() -> Vec<PathBuf> {
    let others = [
        "dance-with-music-117bpm.mp4",
        "dance-80bpm-silent.mp4",
        "volleyball.mp4",
    ];
    let others = others.into_iter().filter_map(clips_support::clip);
    std::iter::once(support::walking()).chain(others).collect()
}

/// How often the accents are shuffled for the figure that is printed beside the true one.
const SHUFFLES: u64 = 50;

/// Number of seeds with which the drums are drawn.
const SEEDS: u64 = 8;

/// A measure of how well drums match accents.
type Measure = fn(&[Accent], &[(Instant, f32)], &BeatGrid) -> f64;

/// How well the drums of several seeds match the movement of a clip.
fn follow(clip: &Path, folder: &Path) {
    let name = name(clip);
    let engine = support::engine(1);
    let mut job = Job::open(Arc::clone(&engine), cpu_settings(), clip, Cut::default()).expect("a clip");
    if let Err(error) = job.run(Stage::Rhythm, &Monitor::none()) {
        println!("  {name:<28} {error}");
        return;
    }
    let saved = folder.join("rhythm.json");
    job.save(&saved).expect("saved");
    let rhythm = job.rhythm().expect("a rhythm");
    let grid = rhythm.grid().expect("beats");
    let takes: Vec<Vec<(Instant, f32)>> = (1..=SEEDS)
        .map(|seed| {
            let mut settings = cpu_settings();
            settings.set("seed", &seed.to_string()).expect("a seed");
            let mut job = Job::load(Arc::clone(&engine), settings, &saved).expect("loaded");
            job.run(Stage::Drums, &Monitor::none()).expect("drums");
            let hits = &job.drums().expect("drums").hits;
            let onset = |hit: &Hit| grid.instant(f64::from(hit.step) + f64::from(hit.offset));
            let mut onsets: Vec<(Instant, f32)> = hits.iter().map(|hit| (onset(hit), hit.velocity)).collect();
            onsets.sort_by(|a, b| a.0.seconds().total_cmp(&b.0.seconds()));
            onsets
        })
        .collect();
    let duration = job.clip().duration;
    let shuffled: Vec<Vec<Accent>> = (0..SHUFFLES)
        .map(|seed| metrics::shuffled(&rhythm.accents, duration, seed))
        .collect();
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        sum / count
    };
    let measured = |measure: Measure| {
        let ours = mean(&mut takes.iter().map(|onsets| measure(&rhythm.accents, onsets, &grid)));
        let chance = mean(
            &mut takes
                .iter()
                .flat_map(|onsets| shuffled.iter().map(|a| measure(a, onsets, &grid))),
        );
        format!("{ours:.2} (shuffled {chance:.2})")
    };
    println!(
        "  {name:<28} {:5.1} BPM, confidence {:.2}  follow {}  energy at accents {}",
        rhythm.tempo.bpm(),
        rhythm.confidence,
        measured(metrics::follow),
        measured(metrics::accent_energy)
    );
}

/// Effect of fewer poses per second on time and on the beats.
fn pose_rates(clip: &Path) {
    let run = |rate: f64| {
        let mut settings = cpu_settings();
        settings.set("pose.rate", &rate.to_string()).expect("a rate");
        let mut job = Job::open(support::engine(1), settings, clip, Cut::default()).expect("a clip");
        let begin = time::Instant::now();
        job.run(Stage::Pose, &Monitor::none()).expect("poses");
        let seconds = begin.elapsed().as_secs_f64() / job.clip().duration.seconds();
        let beats = job
            .run(Stage::Rhythm, &Monitor::none())
            .ok()
            .and_then(|()| job.rhythm().cloned());
        (
            seconds,
            beats
                .map(|r| r.beats.iter().map(|b| b.time).collect::<Vec<_>>())
                .unwrap_or_default(),
        )
    };
    let (full, reference) = run(120.0);
    println!("  {:<28} every frame: {full:.2} s a second", name(clip));
    for rate in [30.0, 20.0, 15.0, 10.0] {
        let (seconds, beats) = run(rate);
        let same = metrics::f_measure(&reference, &beats, metrics::F_TOLERANCE);
        println!("    {rate:>4} a second: {seconds:.2} s a second, beats as with every frame: F {same:.2}");
    }
}

fn name(clip: &Path) -> String {
    clip.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
