//! Files saved between stages: any stage's output can be written and the chain taken up from there.

use super::cut::Cut;
use crate::drums::DrumGrid;
use crate::error::{Error, Result};
use crate::limits::LARGEST_SAVED_FILE;
use crate::music::Music;
use crate::pose::PoseTrack;
use crate::progress::Stage;
use crate::rhythm::Rhythm;
use crate::score::Score;
use crate::time::BeatGrid;
use crate::video::Clip;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// What a file begins with, so that another JSON file is told apart from ours.
const FORMAT: &str = "kinescore-stage";

/// Raised when a file of an older version can no longer be read.
const VERSION: u32 = 1;

/// A job's results up to a stage. Poses, which are large, are kept only in the pose stage's own file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    format: String,
    version: u32,
    stage: Stage,
    /// The part of the media that was analysed.
    pub clip: Clip,
    /// What of it is heard.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: Cut,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poses: Option<PoseTrack>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<Rhythm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drums: Option<DrumGrid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<Music>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
}

fn is_default(cut: &Cut) -> bool {
    *cut == Cut::default()
}

impl Saved {
    /// A file of a stage on a clip of which `cut` is heard, as yet without results.
    pub fn new(stage: Stage, clip: Clip, cut: Cut) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            stage,
            clip,
            cut,
            poses: None,
            rhythm: None,
            drums: None,
            music: None,
            score: None,
        }
    }

    /// Reads a file written by a job, and checks it: later stages rely on what earlier ones promise.
    pub fn read(path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::Saved {
            path: path.to_owned(),
            reason,
        };
        let file = File::open(path).map_err(Error::input(path))?;
        let bytes = file.metadata().map_err(Error::input(path))?.len();
        if bytes > LARGEST_SAVED_FILE {
            return Err(refuse(format!("{bytes} bytes; at most {LARGEST_SAVED_FILE} are read")));
        }
        let saved: Self =
            serde_json::from_reader(BufReader::new(file)).map_err(|e| refuse(format!("not a saved stage: {e}")))?;
        if saved.format != FORMAT || saved.version != VERSION {
            let (format, version) = (&saved.format, saved.version);
            return Err(refuse(format!(
                "format '{format}' version {version}; this program reads '{FORMAT}' {VERSION}"
            )));
        }
        saved.check().map_err(refuse)?;
        Ok(saved)
    }

    fn check(&self) -> Result<(), String> {
        let duration = self.clip.duration.seconds();
        if !(duration.is_finite() && duration > 0.0) {
            return Err(format!("clip.duration is {duration} s; it must be above 0"));
        }
        let stage_result = match self.stage {
            Stage::Pose => self.poses.is_some(),
            Stage::Rhythm => self.rhythm.is_some(),
            Stage::Drums => self.drums.is_some(),
            Stage::Music => self.music.is_some(),
            Stage::Score => self.score.is_some(),
            Stage::Audio | Stage::Export => false,
        };
        if !stage_result {
            return Err(format!("it is of the {} stage, but holds no result of it", self.stage));
        }
        if let Some(track) = &self.poses {
            let times = || track.poses.iter().map(|pose| pose.time.seconds());
            if times().zip(times().skip(1)).any(|(a, b)| b <= a) || !times().all(f64::is_finite) {
                return Err("the times of the poses do not rise".to_owned());
            }
        }
        if let Some(rhythm) = &self.rhythm {
            check_beats(rhythm.grid(), rhythm.beats_per_bar)?;
            if rhythm
                .beats
                .iter()
                .any(|beat| beat.number == 0 || beat.number > rhythm.beats_per_bar)
            {
                return Err(format!("beat numbers must be 1 to {}", rhythm.beats_per_bar));
            }
        }
        if let Some(drums) = &self.drums {
            check_beats(BeatGrid::new(drums.beats.clone()), drums.beats_per_bar)?;
            let valid = |hit: &crate::drums::Hit| {
                hit.velocity > 0.0 && hit.velocity <= 1.0 && hit.offset >= -0.5 && hit.offset < 0.5
            };
            if !drums.hits.iter().all(valid) {
                return Err("drum hits need a velocity in 0..1 and an offset in -0.5..0.5".to_owned());
            }
        }
        if let Some(music) = &self.music {
            music.check()?;
        }
        if let Some(score) = &self.score {
            score.check().map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}

fn check_beats(grid: Option<BeatGrid>, beats_per_bar: u8) -> Result<(), String> {
    if grid.is_none() {
        return Err("beats must be at least two, in rising order".to_owned());
    }
    if !(3..=4).contains(&beats_per_bar) {
        return Err(format!("beats_per_bar is {beats_per_bar}; allowed are 3 and 4"));
    }
    Ok(())
}
