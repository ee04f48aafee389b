//! Prints the beats that each source finds in saved poses, and the signs from which their
//! confidence is computed; `models/train/calibrate_beats.py` fits the calibration to them.
//!
//! `cargo run --release --example beat_features -- [--calibration FILE.json] [--models DIR]
//! [--onnxruntime PATH] POSES.json…`, where each `POSES.json` is what `kinescore render --until
//! poses` saved. One line of JSON a file and source: `file`, `duration` in seconds, `source`,
//! `tempo_bpm`, `beats_per_bar`, `beats` (each \[seconds, number in the bar\]), `confidence`,
//! `signs`; or `file` and `error`.
#![allow(clippy::print_stdout)] // a program for a terminal

use kinescore::Monitor;
use kinescore::model::{Manifest, Options, Runtime};
use kinescore::pose::PoseTrack;
use kinescore::rhythm::calibration::Calibration;
use kinescore::rhythm::{self, BeatModels, Candidate};
use kinescore::settings::{Device, Settings};
use kinescore::video::Clip;
use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// The part that is read of a file saved after the pose stage.
#[derive(Deserialize)]
struct Saved {
    clip: Clip,
    poses: PoseTrack,
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut models, mut runtime) = (root.join("models"), root.join(".setup/onnxruntime"));
    let (mut calibration, mut files) = (None, Vec::new());
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{} needs a value", argument.display()));
        match argument.to_str() {
            Some("--calibration") => calibration = Some(Calibration::read(&value()?)?),
            Some("--models") => models = value()?,
            Some("--onnxruntime") => runtime = value()?,
            _ => files.push(argument),
        }
    }
    if files.is_empty() {
        return Err("no POSES.json given".into());
    }
    let options = Options {
        device: Device::Cpu,
        threads: 1,
    };
    let runtime = Runtime::load(Some(&runtime), &[])?;
    let mut models = BeatModels::open(&runtime, &Manifest::read(&models)?, options)?;
    if let Some(calibration) = calibration {
        models = models.with_calibration(calibration);
    }
    for file in &files {
        for line in lines(file, &mut models)? {
            println!("{line}");
        }
    }
    Ok(())
}

fn lines(file: &Path, models: &mut BeatModels) -> Result<Vec<Value>, Box<dyn Error>> {
    let saved: Saved = serde_json::from_reader(BufReader::new(File::open(file)?))
        .map_err(|e| format!("{}: not a saved pose stage: {e}", file.display()))?;
    let settings = Settings::default().rhythm().clone();
    let duration = saved.clip.duration;
    Ok(
        match rhythm::candidates(&saved.poses, duration, models, &settings, &Monitor::none()) {
            Ok(candidates) => candidates
                .iter()
                .map(|candidate| line(file, duration.seconds(), candidate))
                .collect(),
            Err(error) => vec![json!({ "file": file, "error": error.to_string() })],
        },
    )
}

fn line(file: &Path, duration: f64, Candidate { rhythm, signs }: &Candidate) -> Value {
    let beats: Vec<(f64, u8)> = rhythm.beats.iter().map(|b| (b.time.seconds(), b.number)).collect();
    json!({
        "file": file,
        "duration": duration,
        "source": rhythm.source,
        "tempo_bpm": rhythm.tempo.bpm(),
        "beats_per_bar": rhythm.beats_per_bar,
        "beats": beats,
        "confidence": rhythm.confidence,
        "signs": signs,
    })
}
