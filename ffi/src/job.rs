//! Jobs: one clip on its way to one soundtrack.

use crate::arguments;
use crate::cut::cut;
use crate::engine::Engine;
use crate::guard::{caught, guard, quietly, recorded};
use crate::settings::{self, Settings};
use crate::status::{Failure, Status};
use kinescore_core::{Blocks, Cancel, Cut, Feed, Monitor, Stage};
use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// Looking for poses in the video: most of the time.
pub const KINESCORE_STAGE_POSE: i32 = 1;
/// Finding beats and accents.
pub const KINESCORE_STAGE_RHYTHM: i32 = 2;
/// Composing the drums.
pub const KINESCORE_STAGE_DRUMS: i32 = 3;
/// Composing the other instruments.
pub const KINESCORE_STAGE_MUSIC: i32 = 4;
/// Arranging the score for the cut.
pub const KINESCORE_STAGE_SCORE: i32 = 5;
/// Making sound of it.
pub const KINESCORE_STAGE_AUDIO: i32 = 6;

/// Told of progress: the stage (KINESCORE_STAGE_…), the share of it that is done, and an estimate of the share of the whole
/// run, 0 to 1 each. 0 as the answer cancels, anything else goes on. It is called on the thread that called
/// kinescore_job_run or on one of the library's, never twice at once. It must be quick, must not throw or long-jump, and of
/// the functions on this job may only call kinescore_job_cancel (others give KINESCORE_BUSY).
pub type ProgressFn =
    Option<unsafe extern "C" fn(user: *mut c_void, stage: i32, stage_done: f64, overall_done: f64) -> i32>;

/// One clip on its way to one soundtrack.
pub struct Job {
    engine: Arc<kinescore_core::Engine>,
    settings: kinescore_core::Settings,
    /// After a panic.
    poisoned: AtomicBool,
    /// The switch of the call in progress, or of the next.
    cancel: Mutex<Cancel>,
    /// The sound that the call in progress is making, once it has begun to.
    stream: Mutex<Option<Blocks>>,
    /// Locked by the call in progress.
    work: Mutex<JobWork>,
}

impl Job {
    pub fn engine(&self) -> Arc<kinescore_core::Engine> {
        self.engine.clone()
    }

    pub fn settings(&self) -> kinescore_core::Settings {
        self.settings.clone()
    }

    /// The job's work, for one call at a time, and for none after a panic.
    fn lock(&self) -> Result<MutexGuard<'_, JobWork>, Failure> {
        match self.work.try_lock() {
            Ok(locked) if !self.poisoned.load(Ordering::Relaxed) => Ok(locked),
            Ok(_) | Err(TryLockError::Poisoned(_)) => Err(Failure::new(
                Status::Poisoned,
                "an earlier call on this job met a fault of the library; free it",
            )),
            Err(TryLockError::WouldBlock) => Err(Failure::new(Status::Busy, "another call on this job is in progress")),
        }
    }

    fn cancel(&self) -> MutexGuard<'_, Cancel> {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream(&self) -> MutexGuard<'_, Option<Blocks>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sound that another thread is making, and the switch of that call.
    pub fn streaming(&self) -> Option<(Blocks, Cancel)> {
        let blocks = self.stream().clone()?;
        Some((blocks, self.cancel().clone()))
    }
}

/// What a job has done so far.
pub struct JobWork {
    pub source: Source,
    cut: Cut,
}

/// Where a job's pictures come from.
pub enum Source {
    /// Not decided yet.
    None,
    /// Frames that are being pushed, or have been.
    Frames(Box<Feed>),
    /// A job of the library, and the video that it can be opened from again.
    Job(Box<kinescore_core::Job>, Option<PathBuf>),
}

impl JobWork {
    /// Refuses a second video.
    pub fn expect_empty(&self) -> Result<(), Failure> {
        match self.source {
            Source::None => Ok(()),
            _ => Err(Failure::new(
                Status::WrongState,
                "the job has a video or frames already; make another job for another clip",
            )),
        }
    }

    /// The frames that are being pushed.
    pub fn open_feed(&mut self) -> Result<&mut Feed, Failure> {
        match &mut self.source {
            Source::Frames(feed) if feed.is_open() => Ok(feed),
            Source::Frames(_) => Err(Failure::new(Status::WrongState, "the frames have been ended")),
            _ => Err(Failure::new(
                Status::WrongState,
                "no frames have been begun with kinescore_job_begin_frames",
            )),
        }
    }

    /// The job with all its results.
    pub fn finished(&self) -> Result<&kinescore_core::Job, Failure> {
        match &self.source {
            Source::Job(job, _) if job.latest() == Some(Stage::Audio) => Ok(job),
            _ => Err(Failure::new(
                Status::WrongState,
                "there is no result yet: kinescore_job_run has not been called, has not ended well, or the cut is another since",
            )),
        }
    }
}

/// Whether a call does work that can be cancelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// It can, and takes a cancellation with it when it ends.
    Work,
    /// It only looks.
    Look,
}

/// Runs an entry point on a job: one thread at a time, and never again after a panic.
///
/// # Safety
/// `job` must be NULL or alive.
pub unsafe fn on_job(
    entry: &'static str,
    job: *const Job,
    call: Call,
    work: impl FnOnce(&Job, &mut JobWork, &Cancel) -> Result<(), Failure>,
) -> Status {
    recorded(entry, || {
        // SAFETY: by contract.
        let job = unsafe { arguments::handle(job, "job") }?;
        let mut locked = job.lock()?;
        let switch = job.cancel().clone();
        let result = caught(entry, || work(job, &mut locked, &switch));
        if matches!(&result, Err(failure) if failure.status == Status::Panic) {
            job.poisoned.store(true, Ordering::Relaxed);
        }
        if call == Call::Work {
            // What was asked of this call is not asked of the next.
            let mut current = job.cancel();
            if current.is_cancelled() {
                *current = Cancel::new();
            }
        }
        result
    })
}

/// Makes a job with the values that `settings` have now; NULL stands for the defaults. `engine` and `settings` may be freed
/// before the job.
///
/// KINESCORE_SETTING_VALUE when settings do not fit together.
///
/// # Safety
/// `engine` must be alive, `settings` NULL or alive, `job` be NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_new(
    engine: *const Engine,
    settings: *const Settings,
    job: *mut *mut Job,
) -> Status {
    guard("kinescore_job_new", || {
        arguments::check(job, "job")?;
        // SAFETY: by contract.
        let engine = unsafe { arguments::handle(engine, "engine") }?;
        // SAFETY: by contract.
        let settings = unsafe { settings::values(settings) }?;
        let made = Job {
            engine: engine.0.clone(),
            settings,
            poisoned: AtomicBool::new(false),
            cancel: Mutex::default(),
            stream: Mutex::default(),
            work: Mutex::new(JobWork {
                source: Source::None,
                cut: Cut::default(),
            }),
        };
        // SAFETY: checked above, writable by contract.
        unsafe { arguments::write_one(job, Box::into_raw(Box::new(made)), "job") }
    })
}

/// Opens a video file and decodes its first frame.
///
/// KINESCORE_INPUT, KINESCORE_NOT_A_VIDEO, KINESCORE_NO_VIDEO_STREAM, KINESCORE_NO_FRAMES, KINESCORE_FRAME_SIZE,
/// KINESCORE_CLIP_TOO_SHORT, KINESCORE_CUT_OUTSIDE, KINESCORE_MEDIA: the job is as new then. KINESCORE_WRONG_STATE when it
/// has a video or frames already.
///
/// # Safety
/// `job` must be alive, `path` end with a NUL byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_open_video(job: *mut Job, path: *const c_char) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_open_video", job, Call::Work, |job, work, _| {
            let path = arguments::path(path, "path")?;
            work.expect_empty()?;
            let opened = kinescore_core::Job::open(job.engine(), job.settings(), &path, work.cut)?;
            work.source = Source::Job(Box::new(opened), Some(path));
            Ok(())
        })
    }
}

/// Says which part of the media is heard and how fast, as a clip on a timeline: from `start` to `end` in flicks
/// (KINESCORE_FLICKS_PER_SECOND) from the media's first frame, or KINESCORE_MEDIA_START and KINESCORE_MEDIA_END; at
/// `speed_numerator / speed_denominator` times the media's speed, 1/4 to 4. The soundtrack is `(end - start) / speed` long, to
/// the sample. Without this call all of the media is heard at its own speed.
///
/// It may be called at any time, before or after a run. What was found of the media stays, so that the next
/// kinescore_job_run takes a fraction of the first; every bar that both cuts share keeps its notes, but for the ending.
///
/// KINESCORE_BAD_ARGUMENT for a speed that is not allowed; KINESCORE_CUT_OUTSIDE, KINESCORE_CLIP_TOO_SHORT: the cut before
/// stays then. Where the length of the media is not known yet, kinescore_job_run gives these.
///
/// # Safety
/// `job` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_set_cut(
    job: *mut Job,
    start: i64,
    end: i64,
    speed_numerator: u32,
    speed_denominator: u32,
) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_set_cut", job, Call::Look, |_, work, _| {
            let cut = cut(start, end, speed_numerator, speed_denominator)?;
            if let Source::Job(job, _) = &mut work.source {
                job.set_cut(cut)?;
            }
            work.cut = cut;
            Ok(())
        })
    }
}

/// Copies the key of the soundtrack that the job makes, as kinescore_engine_key does: that of the media as it was opened,
/// whatever has been put in its place since. It may be asked for once the video has been opened, before a run as well.
///
/// KINESCORE_WRONG_STATE before; KINESCORE_FRAME for pushed frames, which have none; KINESCORE_INPUT, also for a file that
/// was changed while it was read; KINESCORE_BUFFER_TOO_SMALL.
///
/// # Safety
/// `job` must be alive, `buffer` have `capacity` bytes, `size` be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_key(
    job: *const Job,
    buffer: *mut c_char,
    capacity: usize,
    size: *mut usize,
) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_key", job, Call::Look, |_, work, _| {
            let Source::Job(job, _) = &work.source else {
                return Err(Failure::new(Status::WrongState, "no video has been opened"));
            };
            arguments::write_text(&job.key()?, buffer, capacity, size)
        })
    }
}

/// Makes the soundtrack, or what a change of the cut asks for. It takes long: call it off the host's main thread. When all
/// is done already it returns at once.
///
/// KINESCORE_NO_PERSON, KINESCORE_PERSON_TOO_BRIEF, KINESCORE_NO_SUCH_PERSON, KINESCORE_NO_BEAT are answers about the clip.
/// After KINESCORE_CANCELLED or another failure it can be called again; stages that were done are kept. Where pushed frames
/// ended in a failure of the search for poses the job is as new.
///
/// # Safety
/// `job` must be alive, `progress` NULL or such a function, which can be called with `user`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_run(job: *mut Job, progress: ProgressFn, user: *mut c_void) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_run", job, Call::Work, |job, work, cancel| {
            let reporter = Reporter {
                progress,
                user,
                order: Mutex::new(()),
                cancel: cancel.clone(),
            };
            let monitor = Monitor::new(cancel.clone(), |stage, done| reporter.report(stage, done));
            monitor.check()?;
            run(job, work, &monitor)
        })
    }
}

fn run(job: &Job, work: &mut JobWork, monitor: &Monitor<'_>) -> Result<(), Failure> {
    let (mut running, path) = match std::mem::replace(&mut work.source, Source::None) {
        Source::None => {
            return Err(Failure::new(
                Status::WrongState,
                "the job has no pictures yet: open a video, or push frames and end them",
            ));
        }
        Source::Frames(feed) if feed.is_open() => {
            work.source = Source::Frames(feed);
            return Err(Failure::new(
                Status::WrongState,
                "frames are still being pushed: end them with kinescore_job_end_frames",
            ));
        }
        Source::Frames(feed) => (Box::new(feed.finish()?), None),
        Source::Job(job, path) => (job, path),
    };
    let result = running
        .set_cut(work.cut)
        .and_then(|()| running.run(Stage::Score, monitor))
        .and_then(|()| play(job, &mut running, monitor));
    // A search for poses that was broken off has used up the video's frames: it is opened again.
    let spent = result.is_err() && running.latest().is_none();
    work.source = match (spent, path) {
        (true, Some(path)) => {
            drop(running);
            match kinescore_core::Job::open(job.engine(), job.settings(), &path, work.cut) {
                Ok(again) => Source::Job(Box::new(again), Some(path)),
                Err(_) => Source::None,
            }
        }
        (_, path) => Source::Job(running, path),
    };
    Ok(result?)
}

/// Plays the score, so that other threads can hear what is there while the rest is made.
fn play(job: &Job, running: &mut kinescore_core::Job, monitor: &Monitor<'_>) -> kinescore_core::Result<()> {
    let rate = running.settings().sound().rate;
    let frames = running.score().map_or(0, |score| score.duration.to_samples(rate));
    let blocks = Blocks::new(frames);
    let _ended = Streaming::begin(job, blocks.clone());
    running.run_streamed(Stage::Audio, monitor, &mut |first, samples| blocks.push(first, samples))
}

/// While it lives, other threads hear what is made; however it ends, they do not wait for more.
struct Streaming<'a>(&'a Job, Blocks);

impl<'a> Streaming<'a> {
    fn begin(job: &'a Job, blocks: Blocks) -> Self {
        *job.stream() = Some(blocks.clone());
        Self(job, blocks)
    }
}

impl Drop for Streaming<'_> {
    fn drop(&mut self) {
        self.1.finish();
        *self.0.stream() = None;
    }
}

/// Calls the host's progress function.
struct Reporter {
    progress: ProgressFn,
    user: *mut c_void,
    order: Mutex<()>,
    cancel: Cancel,
}

// SAFETY: the host promises that its function can be called from any thread.
unsafe impl Send for Reporter {}
// SAFETY: as above; `order` keeps two calls apart.
unsafe impl Sync for Reporter {}

impl Reporter {
    fn report(&self, stage: Stage, done: f64) {
        #[cfg(feature = "panic-injection")]
        crate::faults::panic_if_asked("progress");
        let Some(progress) = self.progress else {
            return;
        };
        let number = match stage {
            Stage::Pose => KINESCORE_STAGE_POSE,
            Stage::Rhythm => KINESCORE_STAGE_RHYTHM,
            Stage::Drums => KINESCORE_STAGE_DRUMS,
            Stage::Music => KINESCORE_STAGE_MUSIC,
            Stage::Score => KINESCORE_STAGE_SCORE,
            Stage::Audio | Stage::Export => KINESCORE_STAGE_AUDIO,
        };
        let _one_at_a_time = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cancel.is_cancelled() {
            return;
        }
        // SAFETY: the host's own function with its own pointer.
        if unsafe { progress(self.user, number, done, stage.of_whole(done)) } == 0 {
            self.cancel.cancel();
        }
    }
}

/// Stops the call on this job that is in progress: opening, pushing, running or writing gives KINESCORE_CANCELLED, well
/// under half a second later, unless it is done before. If none is in progress, the next one is stopped. May be called from
/// any thread at any time, from callbacks as well, as long as the job is not freed.
///
/// # Safety
/// `job` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_cancel(job: *const Job) -> Status {
    guard("kinescore_job_cancel", || {
        // SAFETY: by contract.
        let job = unsafe { arguments::handle(job, "job") }?;
        job.cancel().cancel();
        Ok(())
    })
}

/// Frees a job. NULL is fine. It must not be in use by another thread any more: cancel it, and wait for its call to return.
///
/// # Safety
/// `job` must be NULL or made by kinescore_job_new, not yet freed, and not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_free(job: *mut Job) {
    quietly("kinescore_job_free", || {
        if !job.is_null() {
            // SAFETY: by contract ours, not yet freed and not in use.
            drop(unsafe { Box::from_raw(job) });
        }
    });
}
