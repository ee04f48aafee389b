//! The clips of a share, one after the other: finished ones are skipped, failures are retried or
//! reported.

use super::plan::ClipRow;
use super::report::{Entry, State};
use super::result::{About, ClipFault, ClipOutcome};
use crate::exit::{Failure, INTERNAL};
use crate::progress::{Console, Progress};
use kinescore::{Cancel, Engine, Error, Job, Monitor, Stage};
use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The wait before the first retry; each further wait is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest of these waits.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is needed to render the clips of a share.
pub struct ShareWork<'a> {
    /// Models and sounds, shared by all clips.
    pub engine: Arc<Engine>,
    /// Where the results go.
    pub out: &'a Path,
    /// Maximum number of retries of a clip.
    pub retries: u32,
    /// Where messages go.
    pub console: &'a Console,
    /// Cancels the run.
    pub cancel: &'a Cancel,
    /// Whether the progress of each stage is shown.
    pub bars: bool,
}

/// Why an attempt at a clip failed.
struct Trouble {
    failure: Failure,
    class: Class,
}

/// The consequence of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A retry may help: something could not be read or written.
    Passing,
    /// The clip fails as long as its content and its row are the same.
    Lasting,
    /// Unknown; another run may try again.
    Open,
    /// The other clips would fail as well, or the user has stopped the run.
    End,
}

impl Trouble {
    fn new(error: Error) -> Self {
        Self {
            class: class(&error),
            failure: Failure::of_row(&error),
        }
    }

    fn writing(error: Error) -> Self {
        Self {
            class: class(&error),
            failure: Failure::writing(error),
        }
    }
}

fn class(error: &Error) -> Class {
    match error {
        Error::Input { .. } | Error::Output { .. } | Error::Media { .. } | Error::System { .. } => Class::Passing,
        Error::NotAVideo { .. }
        | Error::NoVideoStream { .. }
        | Error::NoFrames { .. }
        | Error::FrameSize { .. }
        | Error::ClipTooShort { .. }
        | Error::TooShortAtSpeed { .. }
        | Error::CutOutside { .. }
        | Error::NoPerson { .. }
        | Error::PersonTooBrief { .. }
        | Error::NoSuchPerson { .. }
        | Error::NoBeat { .. }
        | Error::PosesTooSparse { .. } => Class::Lasting,
        Error::Cancelled
        | Error::ModelMissing { .. }
        | Error::ModelHash { .. }
        | Error::Manifest { .. }
        | Error::RuntimeMissing { .. }
        | Error::SoundFontMissing { .. }
        | Error::SoundFontInvalid { .. } => Class::End,
        _ => Class::Open,
    }
}

impl ShareWork<'_> {
    /// Renders the clips that need it.
    ///
    /// # Errors
    /// Failures that every further clip would have, and cancellation. Finished results are kept.
    pub fn all<'c>(&self, clips: &'c [ClipRow]) -> Result<Vec<Entry<'c>>, Failure> {
        let entry = |(index, clip): (usize, &'c ClipRow)| {
            let place = format!("[{}/{}] {}", index + 1, clips.len(), clip.name);
            let (state, outcome) = self.clip(clip, &place)?;
            Ok(Entry {
                clip,
                state,
                outcome: Some(outcome),
            })
        };
        clips.iter().enumerate().map(entry).collect()
    }

    /// Renders a clip, unless its result exists.
    fn clip(&self, clip: &ClipRow, place: &str) -> Result<(State, ClipOutcome), Failure> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled.into());
        }
        let known = ClipOutcome::read(self.out, clip);
        let key = self.key(clip).ok();
        if let Some(known) = known.filter(|known| known.key.is_some() && known.key == key)
            && let Some(state) = self.settled(&known, clip)
        {
            let about = About::of(clip);
            let outcome = ClipOutcome { about, ..known.clone() };
            if outcome != known {
                // The row or the flags changed, but the result is the same.
                outcome.write(self.out, clip)?;
            }
            self.report(place, state, &outcome);
            return Ok((state, outcome));
        }
        if self.bars {
            self.console.say(place);
        }
        let outcome = self.attempts(clip, place)?;
        outcome.write(self.out, clip)?;
        let state = if outcome.fault.is_none() {
            State::Done
        } else {
            State::Failed
        };
        self.report(place, state, &outcome);
        Ok((state, outcome))
    }

    /// The state of a clip that need not be rendered; `None` if it must be.
    fn settled(&self, known: &ClipOutcome, clip: &ClipRow) -> Option<State> {
        match &known.fault {
            Some(fault) => fault.lasting.then_some(State::Failed),
            None => (known.is_whole(self.out) && known.covers(clip)).then_some(State::Skipped),
        }
    }

    fn report(&self, place: &str, state: State, outcome: &ClipOutcome) {
        match (state, &outcome.fault) {
            (_, Some(fault)) => self.console.error(&format!("{place}: failed: {}", fault.sentence)),
            (State::Skipped, _) => self.console.say(&format!("{place}: up to date")),
            _ => self.console.say(&format!("{place}: done in {:.1} s", outcome.seconds)),
        }
    }

    fn key(&self, clip: &ClipRow) -> kinescore::Result<String> {
        let row = &clip.row;
        self.engine.key(&row.settings, &row.media, row.cut, &row.marks)
    }

    fn attempts(&self, clip: &ClipRow, place: &str) -> Result<ClipOutcome, Failure> {
        let begun = Instant::now();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (key, tried) = match self.key(clip) {
                Ok(key) => (Some(key.clone()), self.attempt(clip, &key)),
                Err(error) => (None, Err(Trouble::new(error))),
            };
            let outcome = |outputs, fault| ClipOutcome {
                key,
                about: About::of(clip),
                outputs,
                seconds: begun.elapsed().as_secs_f64(),
                attempts,
                fault,
            };
            match tried {
                Ok(outputs) => return Ok(outcome(outputs, None)),
                Err(Trouble {
                    failure,
                    class: Class::End,
                }) => return Err(failure),
                Err(trouble) if trouble.class == Class::Passing && attempts <= u64::from(self.retries) => {
                    self.console.say(&format!("{place}: retrying: {}", trouble.failure));
                    self.pause(attempts)?;
                }
                Err(Trouble { failure, class }) => {
                    let fault = ClipFault {
                        code: failure.code,
                        sentence: failure.message,
                        lasting: class == Class::Lasting,
                    };
                    return Ok(outcome(vec![], Some(fault)));
                }
            }
        }
    }

    fn pause(&self, attempts: u64) -> Result<(), Failure> {
        let doubled = 1_u32 << (attempts - 1).min(8);
        let until = Instant::now() + (PAUSE * doubled).min(LONGEST_PAUSE);
        while Instant::now() < until {
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled.into());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// One attempt; returns the files it wrote. A panic while one clip is rendered does not affect
    /// the others.
    fn attempt(&self, clip: &ClipRow, key: &str) -> Result<Vec<(String, u64)>, Trouble> {
        let caught = panic::catch_unwind(AssertUnwindSafe(|| self.render(clip, key)));
        caught.unwrap_or_else(|_| {
            Err(Trouble {
                failure: Failure {
                    code: INTERNAL,
                    message: "an error in the program itself (see the message before this one)".to_owned(),
                },
                class: Class::Open,
            })
        })
    }

    fn render(&self, clip: &ClipRow, key: &str) -> Result<Vec<(String, u64)>, Trouble> {
        let progress = Progress::new(self.console);
        let monitor = Monitor::new(self.cancel.clone(), |stage, done| {
            if self.bars {
                progress.report(stage, done);
            }
        });
        let result = self
            .job(clip, &monitor)
            .and_then(|job| self.write(&job, clip, &monitor));
        progress.end();
        let outputs = result?;
        // If the file was replaced while it was rendered, the result belongs to neither version.
        if self.key(clip).map_err(Trouble::new)? == key {
            return Ok(outputs);
        }
        Err(Trouble::new(Error::Media {
            path: clip.row.media.clone(),
            doing: "reading",
            reason: "the file changed while it was read".to_owned(),
        }))
    }

    fn job(&self, clip: &ClipRow, monitor: &Monitor<'_>) -> Result<Job, Trouble> {
        let row = &clip.row;
        let (engine, settings) = (self.engine.clone(), row.settings.clone());
        let mut job = Job::open_until(engine, settings, &row.media, row.cut, monitor.cancel()).map_err(Trouble::new)?;
        job.set_marks(row.marks.clone()).map_err(Trouble::new)?;
        // Outputs that cannot be written are reported before the work, not after.
        let video = clip.files.video.iter();
        video
            .map(|name| self.out.join(name))
            .try_for_each(|path| job.check_video(&path))
            .map_err(Trouble::writing)?;
        job.run(Stage::Audio, monitor).map_err(Trouble::new)?;
        Ok(job)
    }

    fn write(&self, job: &Job, clip: &ClipRow, monitor: &Monitor<'_>) -> Result<Vec<(String, u64)>, Trouble> {
        let at = |name: &str| self.out.join(name);
        let files = &clip.files;
        // An earlier result describes files that are about to be replaced.
        let result = at(&files.result);
        match fs::remove_file(&result) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Trouble::writing(Error::output(&result)(error)));
            }
            _ => {}
        }
        // The video first, since it is the most likely to fail.
        let write = || {
            files
                .video
                .iter()
                .try_for_each(|name| job.write_video(&at(name), monitor))?;
            job.write_wav(&at(&files.wav))?;
            monitor.check()?;
            job.write_midi(&at(&files.midi))?;
            job.write_json(&at(&files.json))
        };
        write().map_err(Trouble::writing)?;
        let size = |name: &String| {
            let path = at(name);
            let there = fs::metadata(&path).map_err(|e| Trouble::writing(Error::output(&path)(e)))?;
            Ok((name.clone(), there.len()))
        };
        files.outputs().map(size).collect()
    }
}
