//! Jobs: each makes one soundtrack for one clip.

use crate::arguments;
use crate::cut::cut;
use crate::engine::Engine;
use crate::guard::{caught, guard, quietly, recorded};
use crate::settings::{self, Settings};
use crate::status::{Failure, Status};
use kinescore_core::{Blocks, Cancel, Cut, Feed, Marks, Monitor, Stage};
use std::ffi::{c_char, c_void};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// Finding poses in the video; takes most of the time.
pub const KINESCORE_STAGE_POSE: i32 = 1;
/// Finding beats and accents.
pub const KINESCORE_STAGE_RHYTHM: i32 = 2;
/// Composing the drums.
pub const KINESCORE_STAGE_DRUMS: i32 = 3;
/// Composing the other instruments.
pub const KINESCORE_STAGE_MUSIC: i32 = 4;
/// Arranging the score for the cut.
pub const KINESCORE_STAGE_SCORE: i32 = 5;
/// Rendering the sound.
pub const KINESCORE_STAGE_AUDIO: i32 = 6;

/// Receives progress: the stage (KINESCORE_STAGE_…), the share of it that is done, and an
/// estimate of the share of the whole run that is done, each 0 to 1. Return 0 to cancel, any other
/// value to continue. It is called on the thread that called kinescore_job_run or on a thread of
/// the library, but never concurrently. It must return quickly, must not throw or long-jump, and
/// must not call any function on this job except kinescore_job_cancel (others return
/// KINESCORE_BUSY).
pub type ProgressFn =
    Option<unsafe extern "C" fn(user: *mut c_void, stage: i32, stage_done: f64, overall_done: f64) -> i32>;

/// Makes the soundtrack of one clip.
pub struct Job {
    engine: Arc<kinescore_core::Engine>,
    settings: kinescore_core::Settings,
    /// Whether a call has panicked.
    poisoned: AtomicBool,
    /// The cancel switch of the call in progress, or of the next.
    cancel: Mutex<Cancel>,
    /// The sound that the call in progress is rendering, once it has begun to.
    stream: Mutex<Option<Blocks>>,
    /// Locked by the call in progress.
    work: Mutex<JobWork>,
}

impl Job {
    fn new(engine: Arc<kinescore_core::Engine>, settings: kinescore_core::Settings) -> Self {
        Self {
            engine,
            settings,
            poisoned: AtomicBool::new(false),
            cancel: Mutex::default(),
            stream: Mutex::default(),
            work: Mutex::new(JobWork {
                source: Source::None,
                cut: Cut::default(),
                marks: Marks::default(),
            }),
        }
    }

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
                "an earlier call on this job ended in an error in the library itself; free the job",
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

    /// The sound that another thread is rendering, and the cancel switch of that call.
    pub fn streaming(&self) -> Option<(Blocks, Cancel)> {
        let blocks = self.stream().clone()?;
        Some((blocks, self.cancel().clone()))
    }
}

/// What a job has done so far.
pub struct JobWork {
    pub source: Source,
    cut: Cut,
    marks: Marks,
}

/// Where the frames of a job come from.
pub enum Source {
    /// Not decided yet.
    None,
    /// Pushed frames, ended or not.
    Frames(Box<Feed>),
    /// An opened video, or frames that have been ended.
    Video(Box<Video>),
}

/// A job of the library.
pub struct Video {
    pub job: kinescore_core::Job,
    /// The file from which it can be opened again; `None` for pushed frames.
    path: Option<PathBuf>,
    /// Whether its frames were consumed without a result.
    is_spent: bool,
}

impl Video {
    fn open(job: &Job, path: PathBuf, cut: Cut, cancel: &Cancel) -> Result<Self, Failure> {
        let opened = kinescore_core::Job::open_until(job.engine(), job.settings(), &path, cut, cancel)?;
        Ok(Self {
            job: opened,
            path: Some(path),
            is_spent: false,
        })
    }
}

impl JobWork {
    /// Refuses a second video.
    pub fn expect_empty(&self) -> Result<(), Failure> {
        match self.source {
            Source::None => Ok(()),
            _ => Err(Failure::new(
                Status::WrongState,
                "the job already has a video or frames; make another job for another clip",
            )),
        }
    }

    /// The frames that are being pushed.
    pub fn open_feed(&mut self) -> Result<&mut Feed, Failure> {
        match &mut self.source {
            Source::Frames(feed) if feed.is_open() => Ok(feed),
            Source::Frames(_) => Err(Failure::new(Status::WrongState, "the frames have already been ended")),
            _ => Err(Failure::new(
                Status::WrongState,
                "call kinescore_job_begin_frames first",
            )),
        }
    }

    /// Takes the video or the frames, ready to run. If this fails, the job keeps a video or open
    /// frames.
    fn take_video(&mut self, job: &Job, monitor: &Monitor<'_>) -> Result<Video, Failure> {
        match std::mem::replace(&mut self.source, Source::None) {
            Source::None => Err(Failure::new(
                Status::WrongState,
                "the job has no frames: open a video, or push frames and end them",
            )),
            Source::Frames(feed) if feed.is_open() => {
                self.source = Source::Frames(feed);
                Err(Failure::new(
                    Status::WrongState,
                    "frames are still being pushed: end them with kinescore_job_end_frames",
                ))
            }
            Source::Frames(feed) => Ok(Video {
                job: feed.finish()?,
                path: None,
                is_spent: false,
            }),
            Source::Video(video) => match video.path.clone().filter(|_| video.is_spent) {
                Some(path) => {
                    let again = Video::open(job, path, self.cut, monitor.cancel());
                    if again.is_err() {
                        self.source = Source::Video(video);
                    }
                    again
                }
                None => Ok(*video),
            },
        }
    }

    /// The job with all its results.
    pub fn finished(&self) -> Result<&kinescore_core::Job, Failure> {
        match &self.source {
            Source::Video(video) if video.job.latest() == Some(Stage::Audio) => Ok(&video.job),
            _ => Err(Failure::new(
                Status::WrongState,
                "there is no result: kinescore_job_run has not been called, has failed, or the cut was changed after it",
            )),
        }
    }
}

/// Whether a call can be cancelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// The call can be cancelled; it resets the cancel switch when it ends.
    Work,
    /// The call only reads and is short, so it cannot be cancelled.
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
            // A cancellation of this call does not cancel the next.
            let mut current = job.cancel();
            if current.is_cancelled() {
                *current = Cancel::new();
            }
        }
        result
    })
}

/// Makes a job with the current values of `settings`; NULL means the defaults. `engine` and
/// `settings` may be freed before the job.
///
/// KINESCORE_SETTING_VALUE if settings contradict each other.
///
/// # Safety
/// `engine` must be alive, `settings` NULL or alive, and `job` NULL or writable.
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
        let made = Job::new(engine.0.clone(), settings);
        // SAFETY: checked above, writable by contract.
        unsafe { arguments::write_one(job, Box::into_raw(Box::new(made)), "job") }
    })
}

/// Opens a video file and decodes its first frame.
///
/// KINESCORE_INPUT, KINESCORE_NOT_A_VIDEO, KINESCORE_NO_VIDEO_STREAM, KINESCORE_NO_FRAMES,
/// KINESCORE_FRAME_SIZE, KINESCORE_CLIP_TOO_SHORT, KINESCORE_CUT_OUTSIDE, KINESCORE_MEDIA,
/// KINESCORE_CANCELLED: the job is then as new. KINESCORE_WRONG_STATE if it already has a video or
/// frames.
///
/// A file that does not announce its length is read through, up to 64 MiB; kinescore_job_cancel
/// stops that.
///
/// # Safety
/// `job` must be alive, and `path` must end with a NUL byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_open_video(job: *mut Job, path: *const c_char) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_open_video", job, Call::Work, |job, work, cancel| {
            let path = arguments::path(path, "path")?;
            work.expect_empty()?;
            let mut video = Video::open(job, path, work.cut, cancel)?;
            video.job.set_marks(work.marks.clone())?;
            work.source = Source::Video(Box::new(video));
            Ok(())
        })
    }
}

/// Sets which part of the media is heard and how fast, like a clip on a timeline: from `start` to
/// `end` in flicks (KINESCORE_FLICKS_PER_SECOND) from the media's first frame, or
/// KINESCORE_MEDIA_START and KINESCORE_MEDIA_END; at `speed_numerator / speed_denominator` times
/// the media's speed, 1/4 to 4. The soundtrack is exactly `(end - start) / speed` long, to the
/// sample. Without this call, the whole media is heard at its own speed.
///
/// It may be called before or after a run. Results for the media are kept, so that the next
/// kinescore_job_run takes a fraction of the time of the first; every bar that both cuts share
/// keeps its notes, except for the ending.
///
/// KINESCORE_BAD_ARGUMENT if the speed is out of range; KINESCORE_CUT_OUTSIDE,
/// KINESCORE_CLIP_TOO_SHORT: the previous cut is then kept. If the length of the media is not known
/// yet, kinescore_job_run returns these.
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
            if let Source::Video(video) = &mut work.source {
                video.job.set_cut(cut)?;
            }
            work.cut = cut;
            Ok(())
        })
    }
}

/// Sets what a person has corrected in the clip: fixed beats, hits, silences, a tempo factor, and
/// accents that are removed or moved, as the JSON text of a file of marks (docs/formats.md). Times
/// are seconds from the media's first frame, whatever the cut. NULL or "" removes all marks.
///
/// It may be called before or after a run. The next kinescore_job_run finds again what depends on
/// the change; a change of hits and silences keeps the composition.
///
/// KINESCORE_MARKS: the previous marks are then kept. kinescore_job_run also returns this, for a
/// beat whose number the setting beats.per_bar excludes.
///
/// # Safety
/// `job` must be alive, and `marks` must be NULL or end with a NUL byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_set_marks(job: *mut Job, marks: *const c_char) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_set_marks", job, Call::Look, |_, work, _| {
            let text = arguments::optional_text(marks, "marks")?.unwrap_or_default();
            let marks = match text {
                "" => Marks::default(),
                text => Marks::from_json(text, Path::new("marks"))?,
            };
            if let Source::Video(video) = &mut work.source {
                video.job.set_marks(marks.clone())?;
            }
            work.marks = marks;
            Ok(())
        })
    }
}

/// Copies the key of the job's soundtrack, like kinescore_engine_key, for the media as it was
/// opened, even if the file has been replaced since. It can be called as soon as the video has been
/// opened, even before a run.
///
/// KINESCORE_WRONG_STATE if no video has been opened; KINESCORE_FRAME for pushed frames, which have
/// no key; KINESCORE_INPUT, also for a file that was changed while it was read;
/// KINESCORE_BUFFER_TOO_SMALL.
///
/// # Safety
/// `job` must be alive, `buffer` must have `capacity` bytes, and `size` must be writable.
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
            let Source::Video(video) = &work.source else {
                return Err(Failure::new(Status::WrongState, "no video has been opened"));
            };
            arguments::write_text(&video.job.key()?, buffer, capacity, size)
        })
    }
}

/// Makes the soundtrack; after a change of the cut, only what depends on the cut. It takes long: do
/// not call it on the host's main thread. It returns immediately if there is nothing to do.
///
/// KINESCORE_NO_PERSON, KINESCORE_PERSON_TOO_BRIEF, KINESCORE_NO_SUCH_PERSON and KINESCORE_NO_BEAT
/// are findings about the clip. After KINESCORE_CANCELLED or another failure, it can be called
/// again; finished stages are kept. If finding the poses in pushed frames failed, the job is as
/// new.
///
/// # Safety
/// `job` must be alive, and `progress` must be NULL or such a function, which can be called with
/// `user`.
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
    let mut video = work.take_video(job, monitor)?;
    let result = video
        .job
        .set_cut(work.cut)
        .and_then(|()| video.job.set_marks(work.marks.clone()))
        .and_then(|()| video.job.run(Stage::Score, monitor))
        .and_then(|()| play(job, &mut video.job, monitor));
    // An interrupted search for poses has consumed the frames: those of a file are read again by
    // the next run, those that were pushed are gone.
    video.is_spent = result.is_err() && video.job.latest().is_none();
    if !video.is_spent || video.path.is_some() {
        work.source = Source::Video(Box::new(video));
    }
    Ok(result?)
}

/// Renders the sound, so that other threads can read what is finished while the rest is rendered.
fn play(job: &Job, running: &mut kinescore_core::Job, monitor: &Monitor<'_>) -> kinescore_core::Result<()> {
    let rate = running.settings().sound().rate;
    let frames = running.score().map_or(0, |score| score.duration.to_samples(rate));
    let blocks = Blocks::new(frames);
    let _ended = Streaming::begin(job, blocks.clone());
    running.run_streamed(Stage::Audio, monitor, &mut |first, samples| blocks.push(first, samples))
}

/// While it lives, other threads can read the sound being rendered; when it is dropped, for
/// whatever reason, they stop waiting for more.
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
// SAFETY: as above; `order` prevents concurrent calls.
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

/// Cancels the call on this job that is in progress: opening, pushing, running or writing returns
/// KINESCORE_CANCELLED well within half a second, unless it finishes first. If no call is in
/// progress, the next one is cancelled. May be called from any thread at any time, including from
/// callbacks, as long as the job is not freed.
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

/// Frees a job. NULL is allowed. The job must not be in use by another thread: cancel it first, and
/// wait for its call to return.
///
/// # Safety
/// `job` must be NULL or made by kinescore_job_new, not yet freed, and not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_free(job: *mut Job) {
    quietly("kinescore_job_free", || {
        if !job.is_null() {
            // SAFETY: by contract made by us, not yet freed and not in use.
            drop(unsafe { Box::from_raw(job) });
        }
    });
}
