//! The work, in one thread: one soundtrack after another.

use crate::session::{Request, Session};
use crate::take::Take;
use kinescore::host::panic_text;
use kinescore::{Cancel, Error, Job, Monitor, Result, Stage};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Works until the session ends.
pub(crate) fn work(session: &Session) {
    while let Some((request, cancel)) = session.next() {
        let made = catch_unwind(AssertUnwindSafe(|| make(session, request, &cancel)));
        match made {
            Ok(result) => session.finish(result),
            Err(panic) => session.fail(&panic_text(&*panic)),
        }
        session.release();
    }
}

/// Makes one take. What earlier ones have found is in the engine's cache, so that only the stages
/// run that the change concerns.
fn make(session: &Session, request: Request, cancel: &Cancel) -> Result<()> {
    let Request {
        settings,
        marks,
        new_take,
        job,
    } = request;
    let mut job = match job {
        Some(job) => job,
        None => Job::open_until(session.engine.clone(), settings, &session.path, session.cut, cancel)?,
    };
    job.set_marks(marks)?;
    let monitor = Monitor::new(cancel.clone(), |stage, done| session.progress(stage, done));
    let found = job.run(Stage::Pose, &monitor);
    if matches!(found, Ok(()) | Err(Error::NoSuchPerson { .. })) {
        session.keep_seen(&job);
    }
    found?;
    job.run(Stage::Audio, &monitor)?;
    session.keep_take(new_take, cancel, |id, version| {
        let folder = session.folder.join(format!("take-{id}-{version}"));
        Take::new(id, version, job, folder)
    })
}
