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
//! Between drums and score, the composed notes are arranged to fit the movement.
//!
//! Each arrow has its own input and output type. A stage that needs a network has two halves: a
//! *model half* (tensors in, tensors out) and a *decoding half* (pure code, tested with hand-made
//! numbers).
//!
//! The library never prints, exits, or reads the environment. It reports through [`log`] and
//! [`Monitor`]. It changes no process-wide state: FFmpeg's own log belongs to the program, see
//! [`host::silence_ffmpeg`].
//!
//! An [`Engine`] holds the resources that are loaded once; a [`Job`] takes one clip through the
//! stages with its [`Settings`]:
//!
//! ```no_run
//! use kinescore::{Cut, Engine, Job, Monitor, Resources, Settings, Stage};
//! use std::{path::Path, sync::Arc};
//!
//! # fn main() -> kinescore::Result<()> {
//! let resources = Resources { models: "models".into(), ..Resources::default() };
//! let engine = Arc::new(Engine::new(resources)?);
//! let settings = Settings::from_pairs([("drums.style", "funk"), ("seed", "7")])?;
//! let mut job = Job::open(engine, settings, Path::new("dance.mp4"), Cut::default())?;
//! job.run(Stage::Audio, &Monitor::none())?;
//! job.write_wav(Path::new("dance.wav"))?;
//! # Ok(())
//! # }
//! ```
//!
//! # The feature `internals`
//!
//! The modules behind this surface are private, so that the compiler reports unused code. The
//! feature `internals` makes them public for the library's own tests, benches and fuzz targets. It
//! is not stable for any other use.
#![forbid(unsafe_code)]

mod regular;
pub mod settings;
mod shown;
mod syntax;
mod table;

#[cfg(not(feature = "internals"))]
mod answer;
#[cfg(not(feature = "internals"))]
mod audio;
#[cfg(not(feature = "internals"))]
mod buffer;
#[cfg(not(feature = "internals"))]
mod cache;
#[cfg(not(feature = "internals"))]
mod drums;
#[cfg(not(feature = "internals"))]
mod error;
#[cfg(not(feature = "internals"))]
mod export;
#[cfg(not(feature = "internals"))]
mod foreign;
#[cfg(not(feature = "internals"))]
mod limits;
#[cfg(not(feature = "internals"))]
mod marks;
#[cfg(not(feature = "internals"))]
mod model;
#[cfg(not(feature = "internals"))]
mod music;
#[cfg(not(feature = "internals"))]
mod pipeline;
#[cfg(not(feature = "internals"))]
mod pose;
#[cfg(not(feature = "internals"))]
mod progress;
#[cfg(not(feature = "internals"))]
mod rhythm;
#[cfg(not(feature = "internals"))]
mod score;
#[cfg(not(feature = "internals"))]
mod theory;
#[cfg(not(feature = "internals"))]
mod time;
#[cfg(not(feature = "internals"))]
mod video;

#[cfg(feature = "internals")]
pub mod answer;
#[cfg(feature = "internals")]
pub mod audio;
#[cfg(feature = "internals")]
pub mod buffer;
#[cfg(feature = "internals")]
pub mod cache;
#[cfg(feature = "internals")]
pub mod drums;
#[cfg(feature = "internals")]
pub mod error;
#[cfg(feature = "internals")]
pub mod export;
#[cfg(feature = "internals")]
pub mod foreign;
#[cfg(feature = "internals")]
pub mod limits;
#[cfg(feature = "internals")]
pub mod marks;
#[cfg(feature = "internals")]
pub mod model;
#[cfg(feature = "internals")]
pub mod music;
#[cfg(feature = "internals")]
pub mod pipeline;
#[cfg(feature = "internals")]
pub mod pose;
#[cfg(feature = "internals")]
pub mod progress;
#[cfg(feature = "internals")]
pub mod rhythm;
#[cfg(feature = "internals")]
pub mod score;
#[cfg(feature = "internals")]
pub mod theory;
#[cfg(feature = "internals")]
pub mod time;
#[cfg(feature = "internals")]
pub mod video;

pub use audio::{Blocks, Loudness};
pub use buffer::AudioBuffer;
pub use error::{Error, Result};
pub use export::mux::SoundFile;
pub use marks::{AccentMarks, BeatMark, HitAnswer, HitMark, Marks, MovedAccent, SilenceMark, TempoFactor};
pub use pipeline::{AudioSink, Cut, Engine, Feed, Job, Resources};
pub use progress::{Cancel, Monitor, Stage};
pub use settings::Settings;
pub use time::{FLICKS_PER_SECOND, Flicks, Instant, Rate, Span, Speed, Tempo, TempoMap, Tick};
pub use video::Clip;
pub use video::pushed::{Depth, Layout, PushedInfo, RawFrame};

/// The results of the stages of a [`Job`].
pub mod results {
    pub use crate::drums::{DrumClass, DrumGrid, Hit};
    pub use crate::export::json::{Analysis, CutHit, DrumSummary, MusicSummary, TimedChord, TimedHit};
    pub use crate::music::{ChordAt, GridNote, Line, Music};
    pub use crate::pose::{JOINTS, Joint, JointPoint, Pose, PoseTrack};
    pub use crate::rhythm::{
        Accent, AccentKind, Beat, BodyPart, Curve, Hold, ImpactKind, Rhythm, Source, UnmovedBeats,
    };
    pub use crate::score::{Note, Part, Score, TimeSignature};
    pub use crate::theory::{Chord, Instrument, Key, Mode, Progression, Quality};
}

/// Parts of the library that a program needs apart from jobs: the cache, the installed parts,
/// atomic files, the length of a video.
pub mod host {
    pub use crate::audio::SoundFont;
    pub use crate::cache::{Cache, Identities, Listed, State};
    pub use crate::export::atomic::atomically;
    pub use crate::export::leftovers::{LETTERS as TEMPORARY_LETTERS, MARK as TEMPORARY_MARK, clear_leftovers};
    pub use crate::export::mux::default_output;
    pub use crate::foreign::{catches_panics, panic_text};
    pub use crate::model::machine::why_not_for_this_machine;
    pub use crate::model::provider::{cards, has_nvidia_card};
    pub use crate::model::session::doubt;
    pub use crate::model::{Manifest, Provider, Runtime};
    pub use crate::regular::why_not as why_not_regular;
    pub use crate::score::kits::DRUM_BANK;
    pub use crate::shown::{count as shown_count, message as shown_message, text as shown_text};
    pub use crate::syntax::fault as json_fault;
    pub use crate::video::file::announced;
    pub use crate::video::{ffmpeg_version, silence_ffmpeg};
}
