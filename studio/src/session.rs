//! What the page and the work share: the takes, the state of the work, and the request that waits.

use crate::people::People;
use crate::take::Take;
use crate::view::{self, Axis};
use axum::body::Bytes;
use kinescore::{Cancel, Clip, Cut, Engine, Error, Instant, Job, Marks, Settings, Stage};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// So many takes are kept.
const MOST_TAKES: usize = 16;

/// Progress is reported at most this often.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// One clip, opened in the page.
pub(crate) struct Session {
    pub engine: Arc<Engine>,
    pub path: PathBuf,
    pub cut: Cut,
    /// The settings that the program was started with.
    pub started_with: Settings,
    /// Where files are made.
    pub folder: PathBuf,
    /// Turned on when the program ends.
    pub stop: Cancel,
    state: Mutex<State>,
    wake: Condvar,
    state_events: watch::Sender<Bytes>,
}

/// A soundtrack that is to be made.
pub(crate) struct Request {
    pub settings: Settings,
    pub marks: Marks,
    /// Whether it is a further take; otherwise it replaces the newest.
    pub new_take: bool,
    /// The job, if the clip is open already.
    pub job: Option<Job>,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Work {
    Running { stage: Stage, done: f64 },
    Ready,
    Failed,
    Cancelled,
}

/// Why there is no take.
struct Trouble {
    kind: &'static str,
    message: String,
}

struct State {
    waiting: Option<Request>,
    running: Option<Cancel>,
    /// Number of the newest request.
    revision: u64,
    work: Work,
    reported_at: std::time::Instant,
    trouble: Option<Trouble>,
    takes: Vec<Arc<Take>>,
    next_take: u64,
    /// The part that is heard, with its exact length once that is known.
    clip: Clip,
    seen: Seen,
}

/// What is known of the people in the picture.
#[derive(Default, Clone)]
struct Seen {
    /// Raised with each change.
    number: u64,
    poses: Option<Bytes>,
    /// The settings with which the people were found.
    settings: Option<Settings>,
    people: Option<Arc<People>>,
}

impl Session {
    /// A session whose first take is that of an opened job.
    pub fn new(
        engine: Arc<Engine>,
        (path, cut): (PathBuf, Cut),
        folder: PathBuf,
        stop: Cancel,
        job: Job,
        marks: Marks,
    ) -> Self {
        let settings = job.settings().clone();
        let state = State {
            running: None,
            revision: 1,
            work: begun(),
            reported_at: std::time::Instant::now(),
            trouble: None,
            takes: Vec::new(),
            next_take: 1,
            clip: job.clip().clone(),
            seen: Seen::default(),
            waiting: Some(Request {
                settings: settings.clone(),
                marks,
                new_take: true,
                job: Some(job),
            }),
        };
        Self {
            engine,
            path,
            cut,
            started_with: settings,
            folder,
            stop,
            state_events: watch::Sender::new(event(&state)),
            state: Mutex::new(state),
            wake: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves a state that can be shown: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of the work now, and each change of it, as text.
    pub fn events(&self) -> watch::Receiver<Bytes> {
        let mut receiver = self.state_events.subscribe();
        receiver.mark_changed();
        receiver
    }

    fn report(&self, state: &mut State) {
        state.reported_at = std::time::Instant::now();
        self.state_events.send_replace(event(state));
    }

    /// The takes that are ready, the oldest first.
    pub fn takes(&self) -> Vec<Arc<Take>> {
        self.state().takes.clone()
    }

    /// A take by its number.
    pub fn take(&self, id: u64) -> Option<Arc<Take>> {
        self.state().takes.iter().find(|take| take.id == id).cloned()
    }

    /// The part of the media that is heard.
    pub fn clip(&self) -> Clip {
        self.state().clip.clone()
    }

    /// The poses as the page receives them.
    pub fn poses(&self) -> Option<Bytes> {
        self.state().seen.poses.clone()
    }

    /// Puts a request before all others: what runs is cancelled, and what waits is dropped. Returns
    /// its number.
    pub fn ask(&self, request: Request) -> u64 {
        let mut state = self.state();
        if let Some(running) = &state.running {
            running.cancel();
        }
        state.waiting = Some(request);
        state.revision += 1;
        state.work = begun();
        state.trouble = None;
        self.report(&mut state);
        self.wake.notify_all();
        state.revision
    }

    /// Cancels what runs and what waits.
    pub fn cancel(&self) {
        let mut state = self.state();
        let waited = state.waiting.take().is_some();
        match &state.running {
            Some(running) => running.cancel(),
            None if waited => {
                state.work = Work::Cancelled;
                self.report(&mut state);
            }
            None => {}
        }
    }

    /// Ends the session.
    pub fn end(&self) {
        let state = self.state();
        self.stop.cancel();
        if let Some(running) = &state.running {
            running.cancel();
        }
        self.wake.notify_all();
    }

    /// Waits for the next request, and returns it with the switch that cancels it; `None` at the
    /// end of the session.
    pub fn next(&self) -> Option<(Request, Cancel)> {
        let mut state = self.state();
        loop {
            if self.stop.is_cancelled() {
                return None;
            }
            if let Some(request) = state.waiting.take() {
                let cancel = Cancel::new();
                state.running = Some(cancel.clone());
                return Some((request, cancel));
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Reports the progress of the request that runs.
    pub fn progress(&self, stage: Stage, done: f64) {
        let mut state = self.state();
        // One that was cancelled may still report; what waits then has not begun.
        if state.running.as_ref().is_none_or(Cancel::is_cancelled) {
            return;
        }
        let is_new = !matches!(state.work, Work::Running { stage: before, .. } if before == stage);
        state.work = Work::Running { stage, done };
        if is_new || state.reported_at.elapsed() >= REPORT_EVERY {
            self.report(&mut state);
        }
    }

    /// Keeps what a job has found about the people: its poses, or, if there is no such person,
    /// only that people can be chosen.
    pub fn keep_seen(&self, job: &Job) {
        let same = |settings: &Settings| settings.pose() == job.settings().pose();
        let known = self.state().seen.clone();
        if known.settings.as_ref().is_some_and(same) && known.poses.is_some() {
            return;
        }
        let axis = Axis::of_media(job.clip());
        let poses = job
            .poses()
            .map(|track| view::text(&view::poses(track, job.media(), &axis)));
        let mut state = self.state();
        state.clip = job.clip().clone();
        state.seen = Seen {
            number: state.seen.number + 1,
            poses: poses.or(known.poses),
            settings: Some(job.settings().clone()),
            people: None,
        };
        self.report(&mut state);
    }

    /// Keeps a take that is ready. `make` receives its number and version.
    ///
    /// # Errors
    /// Those of `make`; [`Error::Cancelled`] for a request that is no longer wanted.
    pub fn keep_take(
        &self,
        new: bool,
        cancel: &Cancel,
        make: impl FnOnce(u64, u64) -> kinescore::Result<Take>,
    ) -> kinescore::Result<()> {
        let (id, version) = {
            let state = self.state();
            match state.takes.last().filter(|_| !new) {
                Some(newest) => (newest.id, newest.version + 1),
                None => (state.next_take, 1),
            }
        };
        let take = Arc::new(make(id, version)?);
        let mut state = self.state();
        // A request that was replaced in the meantime must not replace a take.
        cancel.check()?;
        let gone = if version > 1 {
            state.takes.pop()
        } else {
            state.next_take += 1;
            (state.takes.len() >= MOST_TAKES).then(|| state.takes.remove(0))
        };
        state.takes.push(take);
        drop(state);
        drop(gone); // outside the lock: its files are removed
        Ok(())
    }

    /// Reports how a request has ended.
    pub fn finish(&self, result: kinescore::Result<()>) {
        self.end_request(match result {
            Ok(()) => (Work::Ready, None),
            Err(Error::Cancelled) => (Work::Cancelled, None),
            Err(error) => (Work::Failed, Some(Trouble::of(&error))),
        });
    }

    /// Reports that a request has ended with an error in the program itself.
    pub fn fail(&self, what: &str) {
        let trouble = Trouble {
            kind: "other",
            message: format!("an error in the program itself: {what}"),
        };
        self.end_request((Work::Failed, Some(trouble)));
    }

    fn end_request(&self, ending: (Work, Option<Trouble>)) {
        let mut state = self.state();
        state.running = None;
        if state.waiting.is_some() {
            // The next one has already been reported.
            return;
        }
        (state.work, state.trouble) = ending;
        self.report(&mut state);
    }

    /// The people who can be followed; `None` as long as they are not known. The first call after
    /// a change takes a moment.
    ///
    /// # Errors
    /// Those of opening the clip and of finding poses.
    pub fn people(&self) -> kinescore::Result<Option<Arc<People>>> {
        let seen = self.state().seen.clone();
        if seen.people.is_some() {
            return Ok(seen.people);
        }
        let Some(mut settings) = seen.settings else {
            return Ok(None);
        };
        settings.set("pose.person", "all")?;
        let mut job = Job::open_until(self.engine.clone(), settings, &self.path, self.cut, &self.stop)?;
        job.run(Stage::Pose, &kinescore::Monitor::new(self.stop.clone(), |_, _| ()))?;
        let Some(everybody) = job.poses() else { return Ok(None) };
        let people = Arc::new(People::of(everybody, job.media(), job.clip()));
        let mut state = self.state();
        if state.seen.number == seen.number {
            state.seen.people = Some(people.clone());
        }
        Ok(Some(people))
    }

    /// The number of the person at a place of the picture.
    ///
    /// # Errors
    /// Those of [`people`](Self::people).
    pub fn person(&self, time: f64, x: f32, y: f32) -> kinescore::Result<Option<usize>> {
        let people = self.people()?;
        Ok(people.and_then(|people| people.at(Instant::from_seconds(time), x, y)))
    }
}

/// A request that has just begun.
fn begun() -> Work {
    Work::Running {
        stage: Stage::Pose,
        done: 0.0,
    }
}

impl Trouble {
    fn of(error: &Error) -> Self {
        let kind = match error {
            Error::NoPerson { .. } | Error::PersonTooBrief { .. } => "no_person",
            Error::NoBeat { .. } | Error::PosesTooSparse { .. } => "no_beat",
            _ => "other",
        };
        Self {
            kind,
            message: error.to_string(),
        }
    }
}

/// The state as the page receives it.
fn event(state: &State) -> Bytes {
    let running = match state.work {
        Work::Running { stage, done } => Some((stage, done)),
        _ => None,
    };
    let percent = |share: f64| (share * 100.0).floor() / 100.0;
    let word = match state.work {
        Work::Running { stage: Stage::Pose, .. } => "analysing",
        Work::Running { .. } => "rendering",
        Work::Ready => "ready",
        Work::Failed => "failed",
        Work::Cancelled => "cancelled",
    };
    let trouble = state.trouble.as_ref();
    view::text(&json!({
        "state": word,
        "stage": running.map(|(stage, _)| stage),
        "done": running.map(|(_, done)| percent(done)),
        "whole": running.map(|(stage, done)| percent(stage.of_whole(done))),
        "take": state.takes.last().map(|take| take.id),
        "takes": state.takes.iter().map(|take| &take.about).collect::<Vec<&Value>>(),
        "error": trouble.map(|trouble| json!({"kind": trouble.kind, "message": trouble.message})),
        "poses": state.seen.number,
        "revision": state.revision,
    }))
}
