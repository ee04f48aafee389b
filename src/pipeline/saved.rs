//! Files saved between stages: any stage's result can be written, and the chain continued from it.

use super::cut::Cut;
use super::fields::{FORMAT, STAGES, VERSION};
use super::unreadable::Given;
use super::{check, unreadable};
use crate::drums::DrumGrid;
use crate::error::{Error, Result};
use crate::limits::LARGEST_SAVED_FILE;
use crate::marks::Marks;
use crate::music::Music;
use crate::pose::PoseTrack;
use crate::progress::Stage;
use crate::regular;
use crate::rhythm::Rhythm;
use crate::score::Score;
use crate::shown;
use crate::video::Clip;
use serde::{Deserialize, Deserializer, Serialize};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

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
    /// What a person has corrected.
    #[serde(default, skip_serializing_if = "Marks::is_empty")]
    pub marks: Marks,
    #[serde(default, deserialize_with = "result", skip_serializing_if = "Option::is_none")]
    pub poses: Option<PoseTrack>,
    #[serde(default, deserialize_with = "result", skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<Rhythm>,
    #[serde(default, deserialize_with = "result", skip_serializing_if = "Option::is_none")]
    pub drums: Option<DrumGrid>,
    #[serde(default, deserialize_with = "result", skip_serializing_if = "Option::is_none")]
    pub music: Option<Music>,
    #[serde(default, deserialize_with = "result", skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
}

/// The clip as a stage's file records it: with a path that leads to it wherever the file is read
/// from. It is relative to the file if the clip lies beside it or below, so that both can be moved
/// together.
pub(super) fn recorded_in(file: &Path, mut clip: Clip) -> Clip {
    let Ok(path) = std::path::absolute(&clip.path) else {
        return clip;
    };
    // Frames that were pushed have a name, which is not a path.
    if !path.is_file() {
        return clip;
    }
    let folder = std::path::absolute(file).ok();
    let folder = folder.as_deref().and_then(Path::parent);
    clip.path = match folder.and_then(|folder| path.strip_prefix(folder).ok()) {
        Some(beside) => beside.to_owned(),
        None => path,
    };
    clip
}

/// The clip with a path as seen from here: one that is relative begins at the folder of the file,
/// or if there is nothing in that place, at the current folder.
pub(super) fn found_from(file: &Path, mut clip: Clip) -> Clip {
    if clip.path.is_relative()
        && let Some(folder) = file.parent()
    {
        let beside = folder.join(&clip.path);
        if beside.exists() {
            clip.path = beside;
        }
    }
    clip
}

/// A stage's result, which may be missing but not null.
fn result<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
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
            marks: Marks::default(),
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
            .map_err(|e| refuse(unreadable::sentence(&STAGES, Given::File(path), &e)))?;
        json.end()
            .map_err(|e| refuse(unreadable::syntax_sentence(&STAGES, &e)))?;
        if saved.format != FORMAT || saved.version != VERSION {
            let (format, version) = (shown::text(&saved.format), saved.version);
            return Err(refuse(format!(
                "format '{format}' version {version}; this program reads '{FORMAT}' {VERSION}"
            )));
        }
        saved.check().map_err(refuse)?;
        Ok(saved)
    }

    fn check(&self) -> Result<(), String> {
        // What the next stages read.
        let needed: &[(&str, bool)] = match self.stage {
            Stage::Pose => &[("poses", self.poses.is_some())],
            Stage::Rhythm => &[("rhythm", self.rhythm.is_some())],
            Stage::Drums => &[("rhythm", self.rhythm.is_some()), ("drums", self.drums.is_some())],
            Stage::Music => &[("drums", self.drums.is_some()), ("music", self.music.is_some())],
            Stage::Score => &[("score", self.score.is_some())],
            Stage::Audio | Stage::Export => {
                let allowed = "pose, rhythm, drums, music or score";
                return Err(format!("stage is {}; expected {allowed}", self.stage));
            }
        };
        if let Some((field, _)) = needed.iter().find(|(_, is_there)| !is_there) {
            return Err(format!("{field} is missing; a file of the stage {} has it", self.stage));
        }
        check::clip(&self.clip)?;
        check::cut(&self.cut)?;
        self.marks.check().map_err(|fault| format!("marks.{fault}"))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Instant, Span};

    fn clip(path: &Path) -> Clip {
        Clip {
            path: path.to_owned(),
            start: Instant::ZERO,
            duration: Span::from_seconds(4.0),
            width: 640,
            height: 360,
            frame_rate: 25.0,
            has_audio: false,
            whole: true,
        }
    }

    #[test]
    fn a_clip_is_found_from_the_file_wherever_that_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let media = folder.path().join("walk.mp4");
        std::fs::write(&media, "").expect("a file");
        let stages = folder.path().join("stages");
        std::fs::create_dir(&stages).expect("a folder");
        for (file, recorded) in [
            (folder.path().join("pose.json"), Path::new("walk.mp4")),
            (stages.join("pose.json"), &media),
        ] {
            let saved = recorded_in(&file, clip(&media));
            assert_eq!(saved.path, recorded);
            assert_eq!(found_from(&file, saved).path, media);
        }
        // A name of frames that were pushed, and a clip that is not there, stay what they are.
        let name = Path::new("frames of the host");
        assert_eq!(recorded_in(&stages.join("pose.json"), clip(name)).path, name);
        assert_eq!(found_from(&stages.join("pose.json"), clip(name)).path, name);
    }
}
