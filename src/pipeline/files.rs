//! The files that a job writes.

use super::Job;
use super::saved::{Saved, recorded_in};
use crate::audio::{self, Blend};
use crate::buffer::AudioBuffer;
use crate::error::{Error, Result};
use crate::export;
use crate::export::json::CutHit;
use crate::export::mux::SoundFile;
use crate::export::provenance::Provenance;
use crate::marks::HitMark;
use crate::progress::{Cancel, Monitor, Stage};
use crate::rhythm::{Hold, Rhythm};
use crate::settings::{HitsFromCuts, OriginalAudio};
use crate::time::{Span, Speed};
use crate::video::sound::read_sound;
use crate::video::{FileOptions, VideoFile};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

/// How much shorter a file may be than the clip that is said to be in it, seconds: what it announces
/// and what is decoded differ a little.
const SAME_LENGTH: f64 = 0.5;

impl Job {
    /// Writes the result of the latest stage that has run, pose to score, as JSON that
    /// [`load`](Self::load) reads.
    ///
    /// # Errors
    /// [`Error::Output`]; [`Error::StageMissing`] when no stage has run.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut saved = self.saved().ok_or_else(|| self.incomplete(Stage::Export))?;
        saved.clip = recorded_in(path, saved.clip);
        export::json::write_compact(&saved, path)
    }

    /// The results up to the latest stage that has run; `None` before one has.
    fn saved(&self) -> Option<Saved> {
        // Without a score there is no sound.
        let stage = self.latest()?.min(Stage::Score);
        let mut saved = Saved::new(stage, self.media.clone(), self.cut);
        saved.marks = self.marks.clone();
        saved.poses = self.poses.clone().filter(|_| stage == Stage::Pose);
        saved.rhythm = self.rhythm.clone();
        saved.drums = self.drums.clone();
        saved.music = self.music.clone();
        saved.score = self.score.clone();
        Some(saved)
    }

    /// Why the file that a [loaded](Self::load) job names as its clip cannot be the video that the
    /// job was made from: its picture has another size, or it ends too early. `None` if neither is
    /// so. A file that is longer may be the same, since damaged files announce more than they have.
    ///
    /// # Errors
    /// Those of opening a video; [`Error::Cancelled`].
    pub fn clip_differs(&self, cancel: &Cancel) -> Result<Option<String>> {
        let clip = &self.media;
        let file = VideoFile::open_until(&clip.path, FileOptions::default(), cancel)?;
        let found = file.media();
        if (found.width, found.height) != (clip.width, clip.height) {
            return Ok(Some(format!(
                "its picture has {}×{} pixels, and that of the saved clip {}×{}",
                found.width, found.height, clip.width, clip.height
            )));
        }
        let end = clip.start + clip.duration;
        let announced = found.announced.filter(|found| (end - *found).seconds() > SAME_LENGTH);
        Ok(announced.map(|announced| {
            format!(
                "it is {:.3} s long, and the saved clip ends at {:.3} s",
                announced.seconds(),
                end.seconds()
            )
        }))
    }

    /// Refuses a job that has no picture to copy.
    fn expect_picture(&self) -> Result<()> {
        self.expect_file("the frames were pushed, so there is no video stream to copy; write the sound instead")?;
        if self.cut.speed != Speed::NORMAL {
            return Err(Error::PictureSpeed {
                path: self.clip.path.clone(),
                speed: self.cut.speed.to_string(),
            });
        }
        Ok(())
    }

    /// Checks whether [`write_video`](Self::write_video) can write to a file, as far as can be
    /// known before there is a soundtrack. Call it first, so that no work is lost because of an
    /// output that cannot be written.
    ///
    /// # Errors
    /// Those of [`write_video`](Self::write_video).
    pub fn check_video(&self, path: &Path) -> Result<()> {
        self.expect_picture()?;
        export::mux::check_video(&self.clip.path, path)
    }

    /// Writes the clip's video stream, copied, with the soundtrack (and the clip's own audio
    /// according to the settings).
    ///
    /// # Errors
    /// [`Error::OutputIsInput`], [`Error::Output`], [`Error::Media`], [`Error::Cancelled`]; nothing
    /// is left behind then. [`Error::PictureSpeed`] when the cut's speed differs from the media's;
    /// [`Error::Pushed`] for a job on pushed frames.
    pub fn write_video(&self, path: &Path, monitor: &Monitor<'_>) -> Result<()> {
        self.expect_picture()?;
        let sound = self.sound_of_video(monitor)?;
        export::mux::write_video(&self.clip, &sound, self.provenance().as_ref(), path, monitor)
    }

    /// The soundtrack, with the clip's own audio according to the settings.
    fn sound_of_video(&self, monitor: &Monitor<'_>) -> Result<Cow<'_, AudioBuffer>> {
        let soundtrack = self.soundtrack()?.mix();
        let settings = self.settings.sound();
        let original = match settings.original {
            OriginalAudio::Drop => None,
            _ => read_sound(
                &self.clip.path,
                self.clip.start,
                self.clip.duration,
                settings.rate,
                monitor,
            )?,
        };
        Ok(match (audio::blend(settings.original, original.as_ref()), original) {
            (Blend::Drop, _) | (_, None) => Cow::Borrowed(soundtrack),
            (how, Some(original)) => Cow::Owned(audio::add_original(soundtrack, original, how, settings, monitor)?),
        })
    }

    /// How long the video that [`write_video`](Self::write_video) writes to `path` runs before the
    /// clip begins in it: nothing, unless the clip begins between keyframes and the container cannot
    /// hide pictures.
    ///
    /// # Errors
    /// Those of [`write_video`](Self::write_video).
    pub fn video_lead(&self, path: &Path, monitor: &Monitor<'_>) -> Result<Span> {
        self.expect_picture()?;
        export::mux::lead(&self.clip, path, monitor)
    }

    /// Encodes the soundtrack for browsers: with `as_in_video`, as it sounds in the video that
    /// [`write_video`](Self::write_video) writes; otherwise without the clip's own audio. `name` is
    /// the file that errors name.
    ///
    /// # Errors
    /// [`Error::StageMissing`] before the audio stage has run; [`Error::Media`] when FFmpeg has no
    /// encoder for it; those of reading the clip's own audio; [`Error::Cancelled`].
    pub fn encode_sound(&self, as_in_video: bool, name: &Path, monitor: &Monitor<'_>) -> Result<SoundFile> {
        let sound = match as_in_video {
            true => self.sound_of_video(monitor)?,
            false => Cow::Borrowed(self.soundtrack()?.mix()),
        };
        export::mux::encode_sound(&sound, self.provenance().as_ref(), name, monitor)
    }

    /// Writes the soundtrack as 24-bit WAV.
    ///
    /// # Errors
    /// [`Error::Output`]; [`Error::StageMissing`] before the audio stage has run. The same holds
    /// for the functions below.
    pub fn write_wav(&self, path: &Path) -> Result<()> {
        export::wav::write_wav(self.soundtrack()?.mix(), self.provenance().as_ref(), path)
    }

    /// Writes the score as a standard MIDI file, which is named after the clip.
    pub fn write_midi(&self, path: &Path) -> Result<()> {
        let score = self.score.as_ref().ok_or_else(|| self.incomplete(Stage::Export))?;
        let name = self.clip.path.file_stem().unwrap_or_default().to_string_lossy();
        export::midi::write_midi(score, &name, self.provenance().as_ref(), self.settings.midi(), path)
    }

    /// Writes one WAV per part into a folder, which is created if necessary. The stems add up to
    /// the soundtrack.
    pub fn write_stems(&self, folder: &Path, monitor: &Monitor<'_>) -> Result<()> {
        let soundtrack = self.soundtrack()?;
        let score = self.score.as_ref().ok_or_else(|| self.incomplete(Stage::Export))?;
        let font = self.engine.sound_font()?;
        std::fs::create_dir_all(folder).map_err(Error::output(folder))?;
        let provenance = self.provenance();
        for part in &score.parts {
            let stem = soundtrack.stem(score, part, &font, self.engine.synthesis(), monitor)?;
            export::wav::write_wav(
                &stem,
                provenance.as_ref(),
                &folder.join(&part.name).with_extension("wav"),
            )?;
        }
        Ok(())
    }

    /// The seed of the random choices: that of the settings, or the one that belongs to the
    /// movement; `None` before that is known.
    pub(super) fn seed(&self) -> Option<u64> {
        self.settings.seed().or_else(|| self.rhythm.as_ref().map(Rhythm::seed))
    }

    /// What is written into files about how they were made; `None` if the settings leave it out.
    fn provenance(&self) -> Option<Provenance> {
        Provenance::of(&self.settings, self.seed(), self.engine.used_versions(&self.settings))
    }

    /// Writes the analysis: beats, accents, tempo, confidence, settings, seed, versions.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        export::json::write_json(&self.analysis(), path)
    }

    /// The content of the file that [`write_json`](Self::write_json) writes.
    pub fn analysis(&self) -> export::json::Analysis {
        let (rhythm, drums, music) = self.heard_results();
        let mut analysis = export::json::Analysis::new(
            &self.clip,
            rhythm.as_ref(),
            drums.as_ref(),
            music.as_ref(),
            &self.settings,
            match self.settings.provenance() {
                true => self.engine.used_versions(&self.settings),
                false => BTreeMap::new(),
            },
        );
        // That of the whole media, like its notes.
        analysis.seed = self.seed();
        analysis.holds = self.holds();
        analysis.cut_hits = self.cut_hits();
        analysis.marks = self.marks.clone();
        analysis
    }

    /// The hits at cuts of the video that lie in the cut.
    fn cut_hits(&self) -> Vec<CutHit> {
        if self.settings.hits_from_cuts() == HitsFromCuts::Off {
            return Vec::new();
        }
        let own = self.marks.within(self.media.start, self.media.duration).hits;
        let mut hits = self.answered_marks().hits;
        // No cut within a beat of a marked hit becomes one.
        hits.retain(|hit| own.iter().all(|own| own.time != hit.time));
        let heard = self.heard();
        let own_time = |hit: &HitMark| {
            Some(CutHit {
                time: heard.inside(hit.time)?,
                strength: hit.strength,
            })
        };
        hits.iter().filter_map(own_time).collect()
    }

    /// Where the body holds still in the cut: measured against the media's whole movement, like
    /// accents.
    fn holds(&self) -> Vec<Hold> {
        let rhythm = self.rhythm.as_ref();
        rhythm.map(|rhythm| self.heard().holds(rhythm)).unwrap_or_default()
    }

    /// Writes a picture of the analysis: skeletons, movement, accents, beats, notes and drum hits
    /// over time. `.svg` or `.png`.
    pub fn write_plot(&self, path: &Path) -> Result<()> {
        let poses = self.poses.as_ref().map(|poses| self.heard().poses(poses));
        let (rhythm, drums, music) = self.heard_results();
        let holds = self.holds();
        let view = export::plot::PlotView {
            clip: &self.clip,
            poses: poses.as_ref(),
            rhythm: rhythm.as_ref(),
            holds: &holds,
            drums: drums.as_ref(),
            music: music.as_ref(),
        };
        export::plot::write_plot(&view, path)
    }
}
