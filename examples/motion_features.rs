//! Writes the beat network's input for a clip's poses, to compare the training code's features with
//! it.
//!
//! `cargo run --release --example motion_features -- poses.json out.f32`, where `poses.json` is
//! what `kinescore render --until poses` saved. The file holds \[T, 17, 5\] 32-bit floats,
//! little-endian (see `kinescore::rhythm::features`).
#![allow(clippy::print_stdout)] // a program for a terminal

use kinescore::pose::PoseTrack;
use kinescore::rhythm::features;
use kinescore::video::Clip;
use serde::Deserialize;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// The part that is read of a file saved after the pose stage.
#[derive(Deserialize)]
struct Saved {
    clip: Clip,
    poses: PoseTrack,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [input, output] = arguments.as_slice() else {
        return Err("usage: motion_features POSES.json OUT.f32".into());
    };
    let saved: Saved = serde_json::from_reader(BufReader::new(File::open(input)?))
        .map_err(|e| format!("{}: not a saved pose stage: {e}", input.display()))?;
    let frames = features::features(&saved.poses, saved.clip.duration);
    let bytes: Vec<u8> = frames
        .iter()
        .flatten()
        .flatten()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    std::fs::write(output, bytes)?;
    println!(
        "{} frames, {} joints, {} values",
        frames.len(),
        kinescore::pose::JOINTS,
        features::VALUES
    );
    Ok(())
}
