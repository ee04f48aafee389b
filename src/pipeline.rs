//! The chain of stages for one clip, and the resources that jobs share.

mod analysis;
mod check;
mod composed;
mod cut;
mod engine;
mod feed;
mod fields;
mod files;
mod heard;
mod key;
mod marks_file;
mod saved;
mod unreadable;

pub use cut::Cut;
pub use engine::{Engine, Resources};
pub use feed::Feed;

use crate::answer::{Answer, answer, with_marks};
use crate::audio::{self, AudioBuffer, Loudness, Soundtrack};
use crate::drums::{self, DrumGrid};
use crate::error::{Error, Result};
use crate::marks::{CutHits, Marks};
use crate::music::{self, Music};
use crate::pose::{self, Chunking, PoseTrack};
use crate::progress::{Cancel, Monitor, Stage};
use crate::rhythm::{self, Rhythm};
use crate::score::{self, Score};
use crate::settings::{HitsFromCuts, Settings};
use crate::video::{Clip, FrameSource};
use analysis::{AnalysedRange, Analysis};
use heard::WindowMap;
use saved::{Saved, found_from};
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The rendering of one clip's soundtrack; owns the intermediate results.
///
/// Poses, rhythm, drums and music belong to the media: they are found once and do not depend on the
/// cut. Score and sound are arranged for the [`Cut`].
pub struct Job {
    engine: Arc<Engine>,
    settings: Settings,
    /// The part of the media that is analysed; the results up to the music are in its time.
    media: Clip,
    /// The cuts that have the same analysed part; `None` if there is no file from which another
    /// part could be read.
    reach: Option<AnalysedRange>,
    /// Whether the poses belong to the file that was opened; false if the file was changed while it
    /// was read.
    is_of_media: bool,
    cut: Cut,
    /// What a person has corrected, in the time of the media.
    marks: Marks,
    /// The part that is heard: the cut, as far as the media's length is known.
    clip: Clip,
    /// Whether the clip's path names a file with its picture.
    has_file: bool,
    /// `Some` until the pose stage has used it.
    analysis: Option<Analysis>,
    /// Instead of an analysis: frames that do not come from a file.
    frames: Option<Box<dyn FrameSource>>,
    poses: Option<PoseTrack>,
    rhythm: Option<Rhythm>,
    drums: Option<DrumGrid>,
    music: Option<Music>,
    /// Drums and music as arranged to the movement, computed on first use; they do not depend on
    /// the cut.
    answered: OnceLock<Answer>,
    score: Option<Score>,
    soundtrack: Option<Soundtrack>,
}

/// Receives blocks of sound: number of the first frame, interleaved samples.
pub type AudioSink<'a> = dyn FnMut(usize, &[f32]) -> Result<()> + 'a;

impl Job {
    /// A job on a video file, of which `cut` is heard. Looks up the file's results in the engine's
    /// cache, and starts to decode the rest in another thread; if everything is known, the file is
    /// not decoded at all.
    ///
    /// # Errors
    /// Those of opening a video ([`Error::NotAVideo`], [`Error::NoVideoStream`],
    /// [`Error::FrameSize`], [`Error::ClipTooShort`], [`Error::Input`]) and of
    /// [`set_cut`](Self::set_cut).
    pub fn open(engine: Arc<Engine>, settings: Settings, video: &Path, cut: Cut) -> Result<Self> {
        Self::open_until(engine, settings, video, cut, &Cancel::new())
    }

    /// Like [`open`](Self::open), until `cancel` is switched on: a file that does not announce its
    /// length, or whose picture begins late, may have to be read through before this returns.
    /// Later, the switch has no effect; [`run`](Self::run) has its own.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and [`Error::Cancelled`].
    pub fn open_until(
        engine: Arc<Engine>,
        settings: Settings,
        video: &Path,
        cut: Cut,
        cancel: &Cancel,
    ) -> Result<Self> {
        let analysis = Analysis::open(&engine, &settings, video, cut, Chunking::default(), cancel)?;
        let mut job = Self {
            reach: Some(analysis.reach()),
            ..Self::new(engine, settings, analysis.clip())
        };
        job.analysis = Some(analysis);
        job.set_cut(cut)?;
        Ok(job)
    }

    /// A job on frames that do not come from a file. [`Feed`] makes one from pushed frames.
    fn from_frames(engine: Arc<Engine>, settings: Settings, frames: Box<dyn FrameSource>) -> Self {
        let clip = frames.clip().clone();
        Self {
            frames: Some(frames),
            has_file: false,
            ..Self::new(engine, settings, clip)
        }
    }

    /// A job that continues from a file written by [`save`](Self::save); the stages up to that
    /// file's are not run again, and settings that [only they use](crate::settings::Effect) have no
    /// effect.
    ///
    /// # Errors
    /// [`Error::Input`] and [`Error::Saved`] when the file cannot be used.
    pub fn load(engine: Arc<Engine>, settings: Settings, saved: &Path) -> Result<Self> {
        let Saved {
            clip,
            cut,
            marks,
            poses,
            rhythm,
            drums,
            music,
            score,
            ..
        } = Saved::read(saved)?;
        let clip = found_from(saved, clip);
        let mut job = Self {
            marks,
            poses,
            rhythm,
            drums,
            music,
            ..Self::new(engine, settings, clip)
        };
        job.set_cut(cut).map_err(|e| Error::Saved {
            path: saved.to_owned(),
            reason: format!("cut: {e}"),
        })?;
        job.score = score;
        Ok(job)
    }

    /// Leaves the melodic instruments that the settings do not list out of the music that was
    /// [loaded](Self::load): by itself, a job plays all that is saved. Without music, this changes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::SettingValue`] if the settings list an instrument that the music does not have;
    /// nothing is changed then.
    pub fn keep_instruments(&mut self) -> Result<()> {
        let Some(music) = &mut self.music else { return Ok(()) };
        let Some(chosen) = &self.settings.music().instruments else {
            return Ok(());
        };
        let saved: Vec<&str> = music.lines.iter().map(|line| line.instrument.profile().name).collect();
        if chosen
            .iter()
            .any(|instrument| !saved.contains(&instrument.profile().name))
        {
            let key = "music.instruments";
            return Err(Error::SettingValue {
                key: key.to_owned(),
                value: self.settings.get(key).unwrap_or_default(),
                allowed: format!(
                    "some of {}, which the saved music has",
                    [&["drums"], &saved[..]].concat().join(", ")
                ),
                nearest: None,
            });
        }
        music.lines.retain(|line| chosen.contains(&line.instrument));
        (self.answered, self.score, self.soundtrack) = (OnceLock::new(), None, None);
        Ok(())
    }

    fn new(engine: Arc<Engine>, settings: Settings, media: Clip) -> Self {
        Self {
            engine,
            settings,
            clip: media.clone(),
            media,
            reach: None,
            is_of_media: true,
            cut: Cut::default(),
            marks: Marks::default(),
            has_file: true,
            analysis: None,
            frames: None,
            poses: None,
            rhythm: None,
            drums: None,
            music: None,
            answered: OnceLock::new(),
            score: None,
            soundtrack: None,
        }
    }

    /// Changes the cut: which part of the media is heard, and at which speed. Results for the media
    /// are kept (in media longer than five minutes, as long as the cut lies in the same minutes).
    /// Every bar that both cuts share keeps its notes, except for the ending, which is arranged for
    /// the cut, and the first beat if the cut begins within it. The next [`run`](Self::run)
    /// arranges and plays it.
    ///
    /// # Errors
    /// [`Error::CutOutside`], [`Error::ClipTooShort`] and [`Error::TooShortAtSpeed`]; the previous
    /// cut then stays. If the
    /// media's length is not known before it has been read, `run` may return them as well.
    pub fn set_cut(&mut self, cut: Cut) -> Result<()> {
        if self.reach.as_ref().is_some_and(|reach| !reach.holds(cut)) {
            // Another part of a long media: its results depend on that part alone, not on what was
            // analysed before.
            let mut other = Self::open(self.engine.clone(), self.settings.clone(), &self.media.path, cut)?;
            other.marks = self.marks.clone();
            *self = other;
            return Ok(());
        }
        let clip = cut.heard(&self.media)?;
        if cut != self.cut {
            (self.score, self.soundtrack) = (None, None);
        }
        (self.cut, self.clip) = (cut, clip);
        Ok(())
    }

    /// Changes the marks: what a person has corrected, in the time of the media. The results that
    /// depend on the change are dropped, and the next [`run`](Self::run) finds them again; a change
    /// of hits and silences keeps the composition.
    ///
    /// # Errors
    /// [`Error::Marks`] for marks that no clip can have, and for a change of beats or accents of a
    /// job that was [loaded](Self::load) with a rhythm; the previous marks then stay.
    pub fn set_marks(&mut self, marks: Marks) -> Result<()> {
        let refuse = |reason: String| Error::Marks {
            path: "marks".into(),
            reason,
        };
        marks.check().map_err(refuse)?;
        if marks.of_rhythm() != self.marks.of_rhythm() {
            let (found, has_poses) = (self.rhythm.is_some(), self.poses.is_some());
            if found && !has_poses {
                return Err(refuse(format!(
                    "beats, tempo_factor and accents are not those with which the rhythm of {} was found, and it cannot be \
                     found again without the poses; continue from the pose stage, or leave them as they are",
                    self.clip.path.display()
                )));
            }
            (self.rhythm, self.drums, self.music) = (None, None, None);
        }
        if marks.without_labels() != self.marks.without_labels() {
            (self.answered, self.score, self.soundtrack) = (OnceLock::new(), None, None);
        }
        self.marks = marks;
        Ok(())
    }

    /// The marks.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The key of the soundtrack: see [`Engine::key`]. It is that of the media as it was opened,
    /// even if the file has been replaced since.
    ///
    /// # Errors
    /// [`Error::Input`] when the media cannot be read, or was changed while it was read;
    /// [`Error::Pushed`] for a job on frames that did not come from a file.
    pub fn key(&self) -> Result<String> {
        self.expect_file("the frames were pushed, so there is no media file to compute a key from")?;
        let cut = Cut {
            start: Some(self.cut.window(&self.media).start),
            ..self.cut
        };
        let path = &self.media.path;
        if !self.is_of_media {
            return Err(Error::input(path)(io::Error::other(
                "it was changed while it was read; open it again",
            )));
        }
        match self.reach.as_ref().and_then(|reach| reach.id.as_ref()) {
            Some(opened) => self.engine.key_of(&self.settings, opened, cut, &self.marks),
            None => self.engine.key(&self.settings, path, cut, &self.marks),
        }
    }

    /// Returns an error with this reason if the job has no media file.
    fn expect_file(&self, reason: &str) -> Result<()> {
        if self.has_file {
            return Ok(());
        }
        Err(Error::Pushed {
            path: self.clip.path.clone(),
            reason: reason.to_owned(),
        })
    }

    /// The cut.
    pub fn cut(&self) -> Cut {
        self.cut
    }

    /// Converts from the time of the analysis to that of the cut.
    fn heard(&self) -> WindowMap {
        WindowMap {
            clip_start: self.media.start,
            window: self.cut.window(&self.media),
            duration: self.clip.duration,
        }
    }

    /// Rhythm, drums and music in the time of the cut, as far as they exist. Once there is a score,
    /// the drums are those of the score.
    fn heard_results(&self) -> (Option<Rhythm>, Option<DrumGrid>, Option<Music>) {
        let heard = self.heard();
        let rhythm = self.rhythm.as_ref().map(|rhythm| heard.rhythm(rhythm));
        let Some(answer) = self.answer() else {
            return (rhythm, None, None);
        };
        let music = answer.music.as_ref().map(|music| heard.music(music, &answer.drums));
        let drums = heard.drums(&answer.drums);
        let drums = match &self.score {
            Some(score) => heard::sounding(score, drums),
            None => drums,
        };
        (rhythm, Some(drums), music)
    }

    /// The drums, once they exist, and the music, as arranged to the movement, in the time of the
    /// media.
    fn answer(&self) -> Option<&Answer> {
        let (drums, music) = (self.drums.as_ref()?, self.music.as_ref());
        let answered = self.answered.get_or_init(|| {
            let answer = match &self.rhythm {
                Some(rhythm) => answer(drums, music, rhythm, self.settings.drums().follow),
                None => Answer::none(drums, music),
            };
            let answer = with_marks(answer, &self.answered_marks(), self.settings.music().drums);
            if self.settings.music().instruments.is_some() {
                return answer;
            }
            // Nobody asked for an instrument of the palette that has nothing to play.
            answer.without_silent_lines()
        });
        Some(answered)
    }

    /// The marks that the music answers, with the hits at cuts; in the time of the media.
    fn answered_marks(&self) -> Marks {
        let marks = self.marks.within(self.media.start, self.media.duration);
        match &self.rhythm {
            Some(rhythm) => with_cuts(marks, rhythm, self.settings.hits_from_cuts()),
            None => marks,
        }
    }

    /// Runs the stages that have not been run, up to and including `until`. [`Stage::Export`] is
    /// the same as [`Stage::Audio`]: files are written by the `write_` functions.
    ///
    /// # Errors
    /// Those of the stages. The results of earlier stages are kept, so that the job can continue
    /// after a change of settings.
    pub fn run(&mut self, until: Stage, monitor: &Monitor<'_>) -> Result<()> {
        self.run_streamed(until, monitor, &mut |_, _| Ok(()))
    }

    /// Like [`run`](Self::run), and also passes the sound on in blocks as soon as they are final,
    /// while the rest is rendered: `sink` receives the number of a block's first frame and its
    /// interleaved samples. Blocks arrive in order, start at frame 0 and leave no gap. Nothing is
    /// passed on if the sound already exists.
    ///
    /// # Errors
    /// Those of [`run`](Self::run), and those of `sink`.
    pub fn run_streamed(&mut self, until: Stage, monitor: &Monitor<'_>, sink: &mut AudioSink<'_>) -> Result<()> {
        monitor.check()?;
        // A missing SoundFont is reported before minutes of work, not after; and a device that
        // cannot be used even if the poses are in the cache.
        for stage in Stage::COMPUTED.into_iter().rev() {
            if stage <= until && self.result_at_or_after(stage).is_none() {
                self.engine.check(stage, &self.settings)?;
            }
        }
        for stage in Stage::COMPUTED {
            if stage <= until && self.result_at_or_after(stage).is_none() {
                monitor.progress(stage, 0.0)?;
                if stage == Stage::Rhythm && until >= Stage::Music {
                    self.recall();
                }
                if self.result_at_or_after(stage).is_none() {
                    self.run_stage(stage, monitor, sink)?;
                }
                monitor.progress(stage, 1.0)?;
                if stage == Stage::Music {
                    self.remember();
                }
            }
        }
        Ok(())
    }

    /// The latest stage that has a result, if it is `stage` or a later one.
    fn result_at_or_after(&self, stage: Stage) -> Option<Stage> {
        self.latest().filter(|latest| *latest >= stage)
    }

    /// The latest stage that has a result.
    pub fn latest(&self) -> Option<Stage> {
        let results = [
            (Stage::Audio, self.soundtrack.is_some()),
            (Stage::Score, self.score.is_some()),
            (Stage::Music, self.music.is_some()),
            (Stage::Drums, self.drums.is_some()),
            (Stage::Rhythm, self.rhythm.is_some()),
            (Stage::Pose, self.poses.is_some()),
        ];
        results.into_iter().find(|(_, there)| *there).map(|(stage, _)| stage)
    }

    fn run_stage(&mut self, stage: Stage, monitor: &Monitor<'_>, sink: &mut AudioSink<'_>) -> Result<()> {
        let (poses, rhythm, drums, music) = (&self.poses, &self.rhythm, &self.drums, &self.music);
        match (stage, poses, rhythm, drums, music, &self.score) {
            (Stage::Pose, ..) => {
                let (poses, media) = match (self.analysis.take(), self.frames.take()) {
                    (Some(analysis), _) => {
                        let found = analysis.poses(&self.engine, &self.settings, monitor)?;
                        self.is_of_media = found.is_of_media;
                        (found.track, found.clip)
                    }
                    (None, Some(mut frames)) => {
                        let found = self.engine.with_pose_models(&self.settings, |models| {
                            pose::find(&mut *frames, models, self.settings.pose(), monitor)
                        });
                        (found?, frames.clip().clone())
                    }
                    (None, None) => return Err(self.incomplete(stage)),
                };
                // Until its end has been read, the length is the one that the media announces.
                self.media = media;
                self.poses = Some(poses);
                self.clip = self.cut.heard(&self.media)?;
            }
            (Stage::Rhythm, Some(poses), ..) => {
                let duration = self.media.duration;
                let marks = self.marks.within(self.media.start, duration);
                let found = self.engine.with_beat_models(&self.settings, |models| {
                    rhythm::find_bound(poses, duration, models, self.settings.rhythm(), &marks, monitor)
                });
                self.rhythm = Some(found?);
            }
            (Stage::Drums, _, Some(rhythm), ..) => {
                let (settings, seed) = (self.settings.drums(), self.seed().unwrap_or_default());
                let played = self.engine.with_drum_models(&self.settings, |models| {
                    drums::play(rhythm, models, settings, seed, monitor)
                });
                (self.drums, self.answered) = (Some(played?), OnceLock::new());
            }
            (Stage::Music, _, Some(rhythm), Some(drums), ..) => {
                let seed = self.seed().unwrap_or_default();
                let band = music::Band::of(rhythm, drums, self.settings.music(), seed)?;
                let lines = band.lines_of_models();
                let written = self
                    .engine
                    .with_music_models(&self.settings, lines, |models| music::play(&band, models, monitor));
                (self.music, self.answered) = (Some(written?), OnceLock::new());
            }
            (Stage::Score, ..) => {
                let heard = self.heard();
                let kit = self.settings.drums().kit;
                let answer = self.answer().ok_or_else(|| self.incomplete(stage))?;
                let grid = heard.grid(&answer.drums);
                let mut score = score::arrange_answer(&grid, answer, heard.duration, kit)?;
                if !self.settings.music().drums {
                    score.parts.retain(|part| part.name != score::DRUM_PART);
                }
                score.start = heard.window.offset();
                self.score = Some(score);
            }
            (Stage::Audio | Stage::Export, .., Some(score)) => {
                let font = self.engine.sound_font()?;
                let (sound, synthesis) = (self.settings.sound(), self.engine.synthesis());
                self.soundtrack = Some(audio::render_streamed(score, &font, sound, synthesis, monitor, sink)?);
            }
            _ => return Err(self.incomplete(stage)),
        }
        Ok(())
    }

    /// The error for a stage whose input is missing: the job was loaded from a file that lacks it,
    /// or a result was to be written before its stage had run.
    fn incomplete(&self, stage: Stage) -> Error {
        let latest = self
            .latest()
            .map_or_else(|| "nothing".to_owned(), |stage| stage.to_string());
        Error::StageMissing {
            path: self.clip.path.clone(),
            stage: stage.to_string(),
            latest,
        }
    }

    /// The clip: the part of the media that is heard.
    pub fn clip(&self) -> &Clip {
        &self.clip
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The part of the media that is analysed. The results below are in its time and do not depend
    /// on the [`Cut`]; score and sound are in the time of the [`clip`](Self::clip).
    pub fn media(&self) -> &Clip {
        &self.media
    }

    /// The poses, once the pose stage has run.
    pub fn poses(&self) -> Option<&PoseTrack> {
        self.poses.as_ref()
    }

    /// The rhythm, once the rhythm stage has run.
    pub fn rhythm(&self) -> Option<&Rhythm> {
        self.rhythm.as_ref()
    }

    /// The drums, once the drum stage has run.
    pub fn drums(&self) -> Option<&DrumGrid> {
        self.drums.as_ref()
    }

    /// The lines of the melodic instruments and their harmony, once the music stage has run.
    pub fn music(&self) -> Option<&Music> {
        self.music.as_ref()
    }

    /// The score, once the score stage has run.
    pub fn score(&self) -> Option<&Score> {
        self.score.as_ref()
    }

    /// The soundtrack without the clip's own audio, once the audio stage has run.
    pub fn audio(&self) -> Option<&AudioBuffer> {
        self.soundtrack.as_ref().map(Soundtrack::mix)
    }

    /// Loudness and true peak of the soundtrack, once the audio stage has run.
    pub fn loudness(&self) -> Option<Loudness> {
        self.soundtrack.as_ref().map(Soundtrack::loudness)
    }

    fn soundtrack(&self) -> Result<&Soundtrack> {
        self.soundtrack.as_ref().ok_or_else(|| self.incomplete(Stage::Export))
    }
}

/// The marks with hits at the cuts that the settings choose.
fn with_cuts(marks: Marks, rhythm: &Rhythm, chosen: HitsFromCuts) -> Marks {
    let beat = rhythm.tempo.beat_span();
    let which = CutHits {
        only_strong: chosen == HitsFromCuts::Strong,
        beat,
        bar: beat * f64::from(rhythm.beats_per_bar),
    };
    match chosen {
        HitsFromCuts::Off => marks,
        HitsFromCuts::Strong | HitsFromCuts::All => marks.with_cuts(&rhythm.cuts, which),
    }
}
