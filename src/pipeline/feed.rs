//! Frames that a host pushes: the pose stage runs in its own thread at the same time.

use super::{Engine, Job, analysis};
use crate::error::{Error, Result};
use crate::progress::{Cancel, Monitor, Stage};
use crate::settings::Settings;
use crate::video::pushed::{FrameSink, PushedInfo, RawFrame, pushed};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

/// A [`Job`] that takes its frames from the caller.
///
/// If dropped before [`finish`](Self::finish), it stops the pose stage and waits for it, well under
/// half a second.
pub struct Feed {
    name: PathBuf,
    cancel: Cancel,
    /// `None` after the end.
    sink: Option<FrameSink>,
    /// `None` once the pose stage has ended.
    worker: Option<JoinHandle<Result<Job>>>,
}

impl Feed {
    /// Begins a clip of the caller's frames. The pose stage begins immediately, and stops when
    /// `cancel` is switched on.
    ///
    /// # Errors
    /// Those of [`pushed`].
    pub fn begin(engine: Arc<Engine>, settings: Settings, info: PushedInfo, cancel: Cancel) -> Result<Self> {
        let options = analysis::options(&settings);
        let name = info.name.clone();
        let (sink, source) = pushed(info, options)?;
        let mut job = Job::from_frames(engine, settings, Box::new(source));
        let monitor = Monitor::new(cancel.clone(), |_, _| ());
        let worker = std::thread::Builder::new()
            .name("poses".to_owned())
            .spawn(move || job.run(Stage::Pose, &monitor).map(|()| job))
            .map_err(|source| Error::System {
                what: "a thread for the poses",
                source,
            })?;
        Ok(Self {
            name,
            cancel,
            sink: Some(sink),
            worker: Some(worker),
        })
    }

    /// The switch that stops the pose stage.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Whether frames are still accepted: neither the end nor an error of the pose stage has been
    /// reached.
    pub fn is_open(&self) -> bool {
        self.sink.is_some()
    }

    /// Takes a frame; blocks while a few frames are queued.
    ///
    /// # Errors
    /// [`Error::Pushed`] for a frame that is refused: the clip continues as if it had not been
    /// pushed. Any other error comes from the pose stage and ends this feed.
    ///
    /// # Panics
    /// When the pose stage has panicked. The same holds for [`end`](Self::end) and
    /// [`finish`](Self::finish).
    pub fn push(&mut self, frame: &RawFrame<'_>) -> Result<()> {
        let Some(sink) = &mut self.sink else {
            return Err(self.over());
        };
        if self.cancel.is_cancelled() || !sink.push(frame)? {
            return Err(self.broken_off());
        }
        Ok(())
    }

    /// Ends the clip: no more frames are accepted.
    ///
    /// # Errors
    /// [`Error::NoFrames`] and [`Error::ClipTooShort`], and those of [`push`](Self::push).
    pub fn end(&mut self) -> Result<()> {
        let sink = self.sink.take().ok_or_else(|| self.over())?;
        match sink.end() {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.broken_off()),
            Err(error) => {
                let _ = self.broken_off();
                Err(error)
            }
        }
    }

    /// The job, with its poses, once the pose stage has processed the queued frames.
    ///
    /// # Errors
    /// [`Error::Cancelled`] without an [`end`](Self::end); those of the pose stage.
    pub fn finish(mut self) -> Result<Job> {
        self.sink = None;
        self.join().unwrap_or_else(|| Err(self.over()))
    }

    /// The error that stopped the pose stage before the end of the frames.
    fn broken_off(&mut self) -> Error {
        self.sink = None;
        match self.join() {
            Some(Err(error)) if !self.cancel.is_cancelled() => error,
            // It was cancelled, or the receiver was dropped.
            _ => Error::Cancelled,
        }
    }

    fn join(&mut self) -> Option<Result<Job>> {
        let worker = self.worker.take()?;
        // A panic in the thread continues in this one, as if the stage had run here.
        Some(worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
    }

    fn over(&self) -> Error {
        Error::Pushed {
            path: self.name.clone(),
            reason: "no more frames are accepted: the clip has ended or was cancelled".to_owned(),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.sink = None;
        if let Some(worker) = self.worker.take() {
            self.cancel.cancel();
            let _ = worker.join(); // a panic in it has been reported by the hook
        }
    }
}
