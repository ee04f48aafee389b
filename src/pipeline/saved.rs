//! Files saved between stages: any stage's result can be written, and the chain continued from it.

use super::check;
use super::cut::Cut;
use crate::drums::DrumGrid;
use crate::error::{Error, Result};
use crate::limits::LARGEST_SAVED_FILE;
use crate::music::Music;
use crate::pose::PoseTrack;
use crate::progress::Stage;
use crate::regular;
use crate::rhythm::Rhythm;
use crate::score::Score;
use crate::video::Clip;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// The value of `format`, which distinguishes these files from other JSON files.
const FORMAT: &str = "kinescore-stage";

/// Raised when a file of an older version can no longer be read.
const VERSION: u32 = 1;

/// A job's results up to a stage. Poses, which are large, are kept only in the pose stage's own
/// file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    format: String,
    version: u32,
    stage: Stage,
    /// The part of the media that was analysed.
    pub clip: Clip,
    /// The part of it that is heard.
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
    /// A file of a stage for a clip and a cut, without results so far.
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

    /// Reads a file written by a job, and checks it: later stages rely on the guarantees of earlier
    /// ones.
    pub fn read(path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::Saved {
            path: path.to_owned(),
            reason,
        };
        // Checked before opening: opening a pipe without a writer would block forever.
        let metadata = std::fs::metadata(path).map_err(Error::input(path))?;
        if let Some(reason) = regular::why_not(&metadata) {
            return Err(refuse(reason));
        }
        let bytes = metadata.len();
        if bytes > LARGEST_SAVED_FILE {
            return Err(refuse(format!(
                "it has {bytes} bytes; expected at most {LARGEST_SAVED_FILE}"
            )));
        }
        let file = File::open(path).map_err(Error::input(path))?;
        // A file that grows in the meantime is not read beyond the limit either.
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(file).take(LARGEST_SAVED_FILE));
        let saved: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|e| refuse(sentence(&e.path().to_string(), e.inner())))?;
        json.end().map_err(|e| refuse(sentence(".", &e)))?;
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
        let stage_result = match self.stage {
            Stage::Pose => self.poses.is_some(),
            Stage::Rhythm => self.rhythm.is_some(),
            Stage::Drums => self.drums.is_some(),
            Stage::Music => self.music.is_some(),
            Stage::Score => self.score.is_some(),
            Stage::Audio | Stage::Export => false,
        };
        if !stage_result {
            return Err(format!(
                "its stage is {}, but it has no result of that stage",
                self.stage
            ));
        }
        check::clip(&self.clip)?;
        check::cut(&self.cut)?;
        let duration = self.clip.duration;
        if let Some(poses) = &self.poses {
            check::poses(poses, duration)?;
        }
        if let Some(rhythm) = &self.rhythm {
            check::rhythm(rhythm, duration)?;
        }
        if let Some(drums) = &self.drums {
            check::drums(drums, duration)?;
        }
        if let Some(music) = &self.music {
            check::music(music, self.rhythm.as_ref(), self.drums.as_ref(), duration)?;
        }
        if let Some(score) = &self.score {
            check::score(score)?;
        }
        Ok(())
    }
}

/// The error in a field, with the field's path and the position in the text.
fn sentence(path: &str, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = text.strip_suffix(&place).unwrap_or(&text);
    let reason = NUMBERS.iter().fold(reason.to_owned(), |reason, (name, words)| {
        reason.replace(&format!("expected {name}"), &format!("expected {words}"))
    });
    let at = format!("(line {}, column {})", error.line(), error.column());
    match (error.is_data(), path) {
        (_, ".") => return format!("not a saved stage: {reason} {at}"),
        // A struct may be read from a list of its fields, but no stage writes that form.
        (true, field) if field.starts_with('[') => return format!("not a saved stage: a list, not an object {at}"),
        (false, field) => return format!("not a saved stage: in {field}, {reason} {at}"),
        (true, _) => {}
    }
    // Types that are checked as a whole name the field within them.
    if reason.split(' ').next().is_some_and(|word| word.contains('[')) {
        return format!("{path}.{reason} {at}");
    }
    format!("{path}: {reason} {at}")
}

/// Rust's names of numbers, and their ranges.
const NUMBERS: [(&str, &str); 8] = [
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("i32", "a whole number from -2147483648 to 2147483647"),
    ("i64", "a whole number"),
    ("usize", "a whole number from 0 on"),
    ("f32", "a number"),
    ("f64", "a number"),
];
