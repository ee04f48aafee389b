//! Follows a project file: each time that the editor saves it, the soundtracks follow the clips.

use super::{Desk, lines};
use crate::exit::Failure;
use crate::progress::Console;
use crate::stdout;
use kinescore::Error;
use kinescore::progress::Cancel;
use kinescore_timeline::{Done, ProblemKind};
use notify::{EventKind, RecursiveMode, Watcher};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// For how long a project has to be left alone: editors write in several goes.
const REST: Duration = Duration::from_secs(1);

/// How often the switch is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Watches a project until the user stops it.
///
/// # Errors
/// When the project cannot be read at first, or its folder cannot be watched.
pub fn watch(project: &Path, mut desk: Desk, console: &Console, cancel: &Cancel) -> Result<(), Failure> {
    let path = fs::canonicalize(project).map_err(Error::input(project))?;
    // Not the file: editors put another in its place.
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    let (sender, saved) = channel();
    let name = path.file_name().map(ToOwned::to_owned);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_ours = |path: &PathBuf| path.file_name() == name.as_deref();
        if let Ok(event) = event
            && !matches!(event.kind, EventKind::Access(_))
            && event.paths.iter().any(is_ours)
        {
            let _ = sender.send(()); // nobody listens at the end
        }
    })
    .and_then(|mut watcher| {
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    })
    .map_err(|e| Failure {
        code: crate::exit::INPUT,
        message: format!("{}: the folder cannot be watched: {e}", folder.display()),
    })?;

    super::open(&path)?;
    console.say(&format!("watching {}; Ctrl-C ends it", path.display()));
    let mut seen = None;
    loop {
        let now = fs::read(&path).ok();
        if now.is_some() && now != seen {
            refresh(&path, &mut desk, console)?;
            seen = fs::read(&path).ok();
        }
        if cancel.is_cancelled() || !wait(&saved, cancel) {
            break;
        }
    }
    // Errors of ending are of no use to anybody.
    let _ = watcher.unwatch(&folder);
    console.say("no longer watching");
    Ok(())
}

/// Waits for the project to be saved, and then for it to rest; `false` when the user stops.
fn wait(saved: &Receiver<()>, cancel: &Cancel) -> bool {
    let mut last: Option<Instant> = None;
    loop {
        match saved.recv_timeout(LOOK) {
            Ok(()) => last = Some(Instant::now()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        if cancel.is_cancelled() {
            return false;
        }
        if last.is_some_and(|last| last.elapsed() >= REST) {
            return true;
        }
    }
}

/// Brings the project up to date. What goes wrong is told, and the watch goes on.
fn refresh(path: &Path, desk: &mut Desk, console: &Console) -> Result<(), Failure> {
    let opened =
        super::open(path).and_then(|mut project| super::Numbers::of(&mut project).map(|numbers| (project, numbers)));
    let (mut project, numbers) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            console.error(&failure.message);
            return Ok(());
        }
    };
    match project.refresh(&mut desk.workshop) {
        Ok(outcomes) => {
            let mut outcomes = numbers.beside(outcomes);
            outcomes.retain(|(_, outcome)| outcome.done != Done::Unchanged);
            stdout::write(&lines(&outcomes))
        }
        Err(problem) if problem.kind == ProblemKind::Cancelled => Ok(()),
        Err(problem) if problem.kind == ProblemKind::Changed => {
            console.error(&format!(
                "{problem} The files of its soundtracks are up to date; where clips were moved or their lengths changed, close the project and save it once more."
            ));
            Ok(())
        }
        Err(problem) => {
            console.error(&problem.sentence);
            Ok(())
        }
    }
}
