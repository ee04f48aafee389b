//! Follows a project file: each time that the editor saves it, the soundtracks follow the clips.

use super::desk::{Desk, Numbers, lines, open, open_to_write};
use crate::args::OpeningFlags;
use crate::exit::Failure;
use crate::progress::Console;
use crate::stdout;
use kinescore::{Cancel, Error};
use kinescore_timeline::{Done, ProblemKind};
use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a project must stay unchanged: editors write in several steps.
const REST: Duration = Duration::from_secs(1);

/// How often the switch is checked.
const LOOK: Duration = Duration::from_millis(100);

/// Watches a project until the user stops it.
///
/// # Errors
/// If the project cannot be read initially, or its folder cannot be watched or is removed.
pub fn watch(
    project: &Path,
    opening: &OpeningFlags,
    mut desk: Desk,
    console: &Console,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let mut path = fs::canonicalize(project).map_err(Error::input(project))?;
    if path.is_dir() {
        path.push("content.otio"); // of a bundle
    }
    // Not the file itself, since editors replace it.
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    let (sender, saved) = channel();
    let name = path.file_name().map(ToOwned::to_owned);
    let mut saves = Saves::of(name);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && saves.is_by_others(&event)
        {
            let _ = sender.send(()); // nobody receives at the end
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

    open(&path, opening, cancel)?;
    console.say(&format!("watching {}; Ctrl-C ends it", path.display()));
    let mut seen = None;
    let mut is_lost = false;
    loop {
        let now = fs::read(&path).ok();
        if !folder.is_dir() {
            return Err(Failure {
                code: crate::exit::INPUT,
                message: format!(
                    "{}: the folder was removed or renamed, so the project in it is no longer watched; watch it in its new place",
                    folder.display()
                ),
            });
        }
        if now.is_none() && !is_lost {
            console.error(&format!(
                "{}: the project was removed or renamed; once it is saved there again, it is followed again",
                path.display()
            ));
        }
        is_lost = now.is_none();
        if now.is_some() && now != seen {
            // The file afterwards may contain an edit that was saved in the meantime. Only the
            // bytes read before the refresh are known to be followed; and if the project was
            // written, an editor that saves those same bytes again has removed the soundtracks.
            let written = refresh(&path, opening, &mut desk, console, cancel)?;
            seen = now.filter(|_| !written);
        }
        if cancel.is_cancelled() || !wait(&saved, &path, is_lost, cancel) {
            break;
        }
    }
    // Errors while stopping are of no interest.
    let _ = watcher.unwatch(&folder);
    console.say("no longer watching");
    Ok(())
}

/// Distinguishes an editor's saves of a project from our own, which replace it by a file that was
/// written under another name.
struct Saves {
    project: Option<OsString>,
    /// The renames of our files that have begun: both halves of a rename have the same number.
    ours: Vec<usize>,
}

impl Saves {
    /// The name of a project's file while the bridge writes it.
    const UNFINISHED: &str = ".soundtrack-";

    fn of(project: Option<OsString>) -> Self {
        Self {
            project,
            ours: Vec::new(),
        }
    }

    /// Whether an event shows that another program has saved the project.
    fn is_by_others(&mut self, event: &notify::Event) -> bool {
        // The system has lost events; any of them may have been a save.
        if event.need_rescan() {
            return true;
        }
        let rename = event.attrs.tracker();
        let mut names = event.paths.iter().filter_map(|path| path.file_name());
        match event.kind {
            // The two halves of a rename have come before.
            EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return false,
            EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
                if names.any(|name| name.to_string_lossy().starts_with(Self::UNFINISHED)) {
                    self.ours.extend(rename);
                }
                return false;
            }
            _ => {}
        }
        if !names.any(|name| Some(name) == self.project.as_deref()) {
            return false;
        }
        let before = self.ours.len();
        self.ours.retain(|ours| Some(*ours) != rename);
        self.ours.len() == before
    }
}

/// Waits until the project has been saved and then stays unchanged, or is gone for as long, which
/// editors that replace it do for a moment; returns `false` when the user stops. The system does
/// not report that a watched folder is removed.
fn wait(saved: &Receiver<()>, path: &Path, is_lost: bool, cancel: &Cancel) -> bool {
    let is_gone = || (!is_lost && !path.exists()) || path.parent().is_some_and(|folder| !folder.is_dir());
    let mut last: Option<Instant> = None;
    let mut gone: Option<Instant> = None;
    loop {
        match saved.recv_timeout(LOOK) {
            Ok(()) => last = Some(Instant::now()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        if cancel.is_cancelled() {
            return false;
        }
        gone = is_gone().then(|| gone.unwrap_or_else(Instant::now));
        if [last, gone].into_iter().flatten().any(|since| since.elapsed() >= REST) {
            return true;
        }
    }
}

/// Brings the project up to date, and returns whether it was written. Errors are printed, and the
/// watch continues.
fn refresh(
    path: &Path,
    opening: &OpeningFlags,
    desk: &mut Desk,
    console: &Console,
    cancel: &Cancel,
) -> Result<bool, Failure> {
    let opened = open_to_write(path, opening, cancel)
        .and_then(|mut project| Numbers::of(&mut project).map(|numbers| (project, numbers)));
    let (mut project, numbers) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            console.error(&failure.message);
            return Ok(false);
        }
    };
    log::info!("{}: its soundtracks follow what was saved", path.display());
    match project.refresh(&mut desk.workshop, false) {
        Ok(outcomes) => {
            let mut outcomes = numbers.beside(outcomes);
            outcomes.retain(|(_, outcome)| outcome.done != Done::Unchanged);
            stdout::write(&lines(&outcomes, console.is_quiet()))?;
            Ok(outcomes.iter().any(|(_, outcome)| outcome.done != Done::Failed))
        }
        Err(problem) if problem.kind == ProblemKind::Cancelled => Ok(false),
        Err(problem) if problem.kind == ProblemKind::Changed => {
            console.error(&format!(
                "{problem} The files of its soundtracks are up to date; where clips were moved or their lengths changed, close the project and save it once more."
            ));
            Ok(false)
        }
        Err(problem) => {
            console.error(&problem.sentence);
            Ok(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::Event;
    use notify::event::{AccessKind, AccessMode, CreateKind, DataChange, Flag};

    fn renamed(mode: RenameMode, tracker: usize, name: &str) -> Event {
        Event::new(EventKind::Modify(ModifyKind::Name(mode)))
            .set_tracker(tracker)
            .add_path(Path::new("/films").join(name))
    }

    #[test]
    fn own_saves_are_distinguished_from_those_of_editors() {
        let mut saves = Saves::of(Some("film.mlt".into()));
        let mut is_by_others = |event: Event| saves.is_by_others(&event);
        // Ours, as the system reports it.
        assert!(!is_by_others(renamed(RenameMode::From, 7, ".soundtrack-aB3dE9")));
        assert!(!is_by_others(renamed(RenameMode::To, 7, "film.mlt")));
        assert!(!is_by_others(
            renamed(RenameMode::Both, 7, ".soundtrack-aB3dE9").add_path("/films/film.mlt".into())
        ));
        // Editors': by a rename, or in place.
        assert!(!is_by_others(renamed(RenameMode::From, 8, "film.mlt.new")));
        assert!(is_by_others(renamed(RenameMode::To, 8, "film.mlt")));
        assert!(is_by_others(renamed(RenameMode::To, 7, "film.mlt")));
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert!(is_by_others(Event::new(written).add_path("/films/film.mlt".into())));
        assert!(is_by_others(
            Event::new(EventKind::Create(CreateKind::File)).add_path("/films/film.mlt".into())
        ));
        // Events that are not a save of this project.
        assert!(!is_by_others(Event::new(written).add_path("/films/other.mlt".into())));
        let read = EventKind::Access(AccessKind::Close(AccessMode::Read));
        assert!(!is_by_others(Event::new(read).add_path("/films/film.mlt".into())));
    }

    #[test]
    fn lost_events_count_as_a_save() {
        let mut saves = Saves::of(Some("film.mlt".into()));
        assert!(saves.is_by_others(&Event::new(EventKind::Other).set_flag(Flag::Rescan)));
    }
}
