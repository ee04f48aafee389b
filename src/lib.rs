//! Kinescore turns the movement in a video into a soundtrack.
//!
//! The chain of stages is that of RhythmicNet (Su, Liu, Shlizerman: "How Does it Sound?", NeurIPS
//! 2021):
//!
//! ```text
//! FrameSource ─► PoseTrack ─► Rhythm ─► DrumGrid ─► Score ─► AudioBuffer ─► file
//!    video         pose        rhythm     drums      score     audio       export
//! ```
//!
//! Between drums and score, [`answer`] arranges what the networks composed to fit the movement.
//!
//! Each arrow has its own input and output type. A stage that needs a network has two halves: a
//! *model half* (tensors in, tensors out) and a *decoding half* (pure code, tested with hand-made
//! numbers).
//!
//! The library never prints, exits, or reads the environment. It reports through [`log`] and
//! [`progress`]. It changes no process-wide state: FFmpeg's own log belongs to the program, see
//! [`video::silence_ffmpeg`].
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
