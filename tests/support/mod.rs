//! Shared by several tests: the real models, the bundled clip, FFmpeg's own programs for
//! comparison.
#![allow(dead_code)] // each test program uses its own part of this
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

#[path = "../outside/mod.rs"]
pub mod outside;

use kinescore::pipeline::{Engine, Resources};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The bundled clip: two people, one walking past.
pub fn walking() -> PathBuf {
    root().join("tests/fixtures/walking-two-people.mp4")
}

pub fn resources() -> Resources {
    Resources {
        models: root().join("models"),
        runtime: Some(root().join(".setup/onnxruntime")),
        ..Resources::default()
    }
}

/// An engine over the real models.
pub fn engine(threads: usize) -> Arc<Engine> {
    Arc::new(
        Engine::new(resources())
            .expect("the manifest of the models")
            .with_threads(threads),
    )
}

/// Runs a program and returns its output.
pub fn output_of(program: &str, arguments: &[&str]) -> Vec<u8> {
    outside::printed(Command::new(program).args(arguments))
}

/// The output of ffprobe for one entry, such as `stream=codec_name`, for the streams that `select`
/// chooses.
pub fn probe(path: &Path, select: &str, entry: &str) -> String {
    let path = path.to_string_lossy();
    let printed = output_of(
        "ffprobe",
        &[
            "-v",
            "error",
            "-select_streams",
            select,
            "-show_entries",
            entry,
            "-of",
            "default=nw=1:nk=1",
            &path,
        ],
    );
    String::from_utf8_lossy(&printed).trim().to_owned()
}

/// The audio of a file as 48 kHz stereo samples, decoded by the ffmpeg program.
pub fn decode_audio(path: &Path) -> Vec<[f32; 2]> {
    let path = path.to_string_lossy();
    let bytes = output_of(
        "ffmpeg",
        &[
            "-v", "error", "-i", &path, "-f", "f32le", "-ac", "2", "-ar", "48000", "-",
        ],
    );
    let samples: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    samples.chunks_exact(2).map(|frame| [frame[0], frame[1]]).collect()
}
