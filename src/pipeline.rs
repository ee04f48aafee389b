//! The chain of stages for one clip, and what jobs share.

use crate::audio::AudioBuffer;
use crate::drums::DrumGrid;
use crate::error::Result;
use crate::pose::PoseTrack;
use crate::progress::{Monitor, Stage};
use crate::rhythm::Rhythm;
use crate::score::Score;
use crate::settings::Settings;
use crate::time::Instant;
use crate::video::Clip;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where an [`Engine`] finds what it loads.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// Folder with `manifest.toml` and the models.
    pub models: PathBuf,
    /// The ONNX Runtime library, or a folder that holds it; `None`: `runtime_search` is looked through.
    pub runtime: Option<PathBuf>,
    /// Folders looked through for the ONNX Runtime library, in order.
    pub runtime_search: Vec<PathBuf>,
    /// SoundFont to use in place of the shipped one.
    pub sound_font: Option<PathBuf>,
}

/// Loaded models and SoundFont; immutable, shared by all jobs. Each is loaded when first needed.
pub struct Engine {}

/// Which part of the media a job works on, in seconds from the media's first shown frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cut {
    /// First instant; `None`: the media's start.
    pub start: Option<Instant>,
    /// End; `None`: the media's end.
    pub end: Option<Instant>,
}

/// One clip on its way to one soundtrack; owns the intermediate results.
pub struct Job {}

impl Engine {
    /// An engine over `resources`. Checks that the manifest can be read; loads nothing else yet.
    pub fn new(resources: Resources, settings: &Settings) -> Result<Self> {
        let _ = (resources, settings);
        todo!("wired when the stages are in")
    }
}

impl Job {
    /// A job on a video file. Opens the file, decodes nothing yet.
    pub fn open(engine: Arc<Engine>, settings: Settings, video: &Path, cut: Cut) -> Result<Self> {
        let _ = (engine, settings, video, cut);
        todo!("wired when the stages are in")
    }

    /// A job that goes on from a file written by [`save`](Self::save); stages up to that file's are not run again.
    pub fn load(engine: Arc<Engine>, settings: Settings, saved: &Path) -> Result<Self> {
        let _ = (engine, settings, saved);
        todo!("wired when the stages are in")
    }

    /// Runs the stages that have not been run, up to and with `until`.
    pub fn run(&mut self, until: Stage, monitor: &Monitor<'_>) -> Result<()> {
        let _ = (until, monitor);
        todo!("wired when the stages are in")
    }

    /// The clip.
    pub fn clip(&self) -> &Clip {
        todo!("wired when the stages are in")
    }

    /// The poses, once the pose stage has run.
    pub fn poses(&self) -> Option<&PoseTrack> {
        todo!("wired when the stages are in")
    }

    /// The rhythm, once the rhythm stage has run.
    pub fn rhythm(&self) -> Option<&Rhythm> {
        todo!("wired when the stages are in")
    }

    /// The drums, once the drum stage has run.
    pub fn drums(&self) -> Option<&DrumGrid> {
        todo!("wired when the stages are in")
    }

    /// The score, once the score stage has run.
    pub fn score(&self) -> Option<&Score> {
        todo!("wired when the stages are in")
    }

    /// The soundtrack without the clip's own audio, once the audio stage has run.
    pub fn audio(&self) -> Option<&AudioBuffer> {
        todo!("wired when the stages are in")
    }

    /// Writes the result of the latest stage that has run (pose to score) as JSON that [`load`](Self::load) reads.
    pub fn save(&self, path: &Path) -> Result<()> {
        let _ = path;
        todo!("wired when the stages are in")
    }

    /// Writes the clip's video stream, copied, with the soundtrack (and the clip's own audio as the settings say).
    pub fn write_video(&self, path: &Path, monitor: &Monitor<'_>) -> Result<()> {
        let _ = (path, monitor);
        todo!("wired when the stages are in")
    }

    /// Writes the soundtrack as 24-bit WAV.
    pub fn write_wav(&self, path: &Path) -> Result<()> {
        let _ = path;
        todo!("wired when the stages are in")
    }

    /// Writes the score as a standard MIDI file.
    pub fn write_midi(&self, path: &Path) -> Result<()> {
        let _ = path;
        todo!("wired when the stages are in")
    }

    /// Writes one WAV a part into a folder, which is made if it is not there. The stems add up to the soundtrack.
    pub fn write_stems(&self, folder: &Path) -> Result<()> {
        let _ = folder;
        todo!("wired when the stages are in")
    }

    /// Writes the analysis: beats, accents, tempo, confidence, settings, seed, versions.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        let _ = path;
        todo!("wired when the stages are in")
    }

    /// Writes a picture of the analysis: skeletons, movement, accents, beats and drum hits over time. `.svg` or `.png`.
    pub fn write_plot(&self, path: &Path) -> Result<()> {
        let _ = path;
        todo!("wired when the stages are in")
    }
}
