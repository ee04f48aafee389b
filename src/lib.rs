//! Kinescore turns the movement in a video into a soundtrack.
//!
//! The chain of stages is that of RhythmicNet (Su, Liu, Shlizerman: "How Does it Sound?", NeurIPS 2021):
//!
//! ```text
//! FrameSource ─► PoseTrack ─► Rhythm ─► DrumGrid ─► Score ─► AudioBuffer ─► file
//!    video         pose        rhythm     drums      score     audio       export
//! ```
//!
//! Between drums and score, [`answer`] arranges what the networks wrote to the movement.
//!
//! Each arrow has its own input and output type. A stage that needs a network has two rooms: a *model
//! part* (tensors in, tensors out) and a *decoding part* (pure, tested with numbers made by hand).
//!
//! The library never prints, exits, or reads the environment. It reports through [`log`] and [`progress`].
//! It changes nothing of the process: FFmpeg's own log is the program's, see [`video::silence_ffmpeg`].
#![forbid(unsafe_code)]

pub mod answer;
pub mod audio;
pub mod buffer;
pub mod cache;
pub mod drums;
pub mod error;
pub mod export;
pub mod foreign;
pub mod limits;
pub mod model;
pub mod music;
pub mod pipeline;
pub mod pose;
pub mod progress;
pub mod rhythm;
pub mod score;
pub mod settings;
mod table;
pub mod theory;
pub mod time;
pub mod video;

pub use error::{Error, Result};
pub use pipeline::{Engine, Job};
pub use progress::Monitor;
pub use settings::Settings;
