//! Shared by the commands: the project, the object that makes sound for it, and the report of the
//! results.

use super::studio::{Openings, Studio, code};
use crate::args::OpeningFlags;
use crate::exit::Failure;
use crate::places::ResourceFlags;
use crate::progress::Console;
use crate::resources;
use kinescore::host::{clear_leftovers, shown_count};
use kinescore::{Cancel, Engine, Flicks};
use kinescore_timeline::{
    Done, Item, ItemOutcome, MakerHandle, MediaHandle, OpenOptions, Problem, ProblemKind, Project,
};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// The state of a command.
pub(super) struct Desk {
    pub workshop: MakerHandle,
}

impl Desk {
    pub fn new(flags: &ResourceFlags, console: &Console, cancel: &Cancel) -> Result<Self, Failure> {
        resources::check_sound_font(flags)?;
        let engine = Arc::new(Engine::new(resources::find(flags)?)?);
        let studio = Studio::new(engine, console.clone(), cancel.clone());
        Ok(Self {
            workshop: MakerHandle::new(Box::new(studio)),
        })
    }
}

/// A path as text, in the form required by the bridge.
fn text<'a>(path: &'a Path, of_what: &str) -> Result<&'a str, Failure> {
    path.to_str().ok_or_else(|| {
        Failure::usage(format!(
            "{}: the name is not UTF-8, as names of {of_what} must be",
            path.display()
        ))
    })
}

/// Opens a project for reading. `cancel` stops the opening of its media.
pub(super) fn open(project: &Path, flags: &OpeningFlags, cancel: &Cancel) -> Result<Project, Failure> {
    let media_folders: Result<Vec<String>, Failure> = flags
        .media_dir
        .iter()
        .map(|folder| text(folder, "folders of media").map(ToOwned::to_owned))
        .collect();
    let options = OpenOptions {
        media_folders: media_folders?,
        timeline: flags.timeline.clone(),
    };
    let media = MediaHandle::new(Box::new(Openings(cancel.clone())));
    Project::open(text(project, "projects")?, &options, media).map_err(|problem| plain(&problem))
}

/// Opens a project for writing, and removes leftovers of killed runs beside it.
pub(super) fn open_to_write(project: &Path, flags: &OpeningFlags, cancel: &Cancel) -> Result<Project, Failure> {
    let mut opened = open(project, flags, cancel)?;
    if opened.is_bundle() {
        opened.check_writable().map_err(|p| plain(&p))?; // which returns the reason if it is not
    }
    // Links are followed, as in the bridge: the file is replaced, not the link.
    if let Ok(file) = project.canonicalize() {
        clear_leftovers(file.parent().unwrap_or(Path::new("/")));
    }
    Ok(opened)
}

/// Converts a problem of the bridge to the program's failure, with the flag that helps.
pub(super) fn plain(problem: &Problem) -> Failure {
    let advice = match problem.kind {
        ProblemKind::Choice => " (--timeline NAME)",
        _ => "",
    };
    Failure {
        code: code(problem),
        message: format!("{}{advice}", problem.sentence),
    }
}

/// Numbers of clips as shown by `list`.
pub(super) struct Numbers(pub Vec<Item>);

impl Numbers {
    pub fn of(project: &mut Project) -> Result<Self, Failure> {
        project.items().map(Self).map_err(|p| plain(&p))
    }

    pub fn beside(&self, outcomes: Vec<ItemOutcome>) -> Vec<(Option<usize>, ItemOutcome)> {
        let number = |outcome: &ItemOutcome| {
            // The clip of a sound whose clip is gone has no id.
            let same = |item: &Item| item.id == outcome.item.id && item.media == outcome.item.media;
            self.0.iter().position(same).map(|place| place + 1)
        };
        outcomes
            .into_iter()
            .map(|outcome| (number(&outcome), outcome))
            .collect()
    }
}

/// What can be done to a clip.
pub(super) fn word(done: Done) -> &'static str {
    match done {
        Done::Unchanged => "unchanged",
        Done::Moved => "moved",
        Done::Made => "made",
        Done::Marked => "marked",
        Done::Removed => "removed",
        _ => "failed",
    }
}

/// How many markers show a soundtrack's beats: the end of a sentence.
fn marked(outcome: &ItemOutcome) -> String {
    match outcome.markers {
        0 => String::new(),
        count => format!(", with {} of its beats", shown_count(count, "marker")),
    }
}

/// The results for clips, one line per clip; with `quiet` only of those that have failed.
pub(super) fn lines(outcomes: &[(Option<usize>, ItemOutcome)], quiet: bool) -> String {
    let mut text = String::new();
    for (number, outcome) in outcomes {
        if quiet && outcome.done != Done::Failed {
            continue;
        }
        let number = number.map_or_else(|| "clip".to_owned(), |number| format!("clip {number}"));
        let done = match (outcome.done, &outcome.problem) {
            (Done::Unchanged, _) => word(Done::Unchanged).to_owned(),
            (Done::Removed, _) => format!(
                "{} from the timeline; the file is kept: {}",
                word(Done::Removed),
                outcome.wav
            ),
            (Done::Marked, _) if outcome.markers == 0 => {
                format!("{}: its beats are no longer shown", word(Done::Marked))
            }
            (Done::Marked, _) => format!("{}{}", word(Done::Marked), marked(outcome)),
            (done @ (Done::Moved | Done::Made), _) => format!("{}{}, {}", word(done), marked(outcome), outcome.wav),
            (done, Some(problem)) => format!("{}: {problem}", word(done)),
            (done, None) => word(done).to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{number}, {} at {:.3} s: {done}",
            outcome.item.name,
            seconds(outcome.item.timeline_start)
        );
        if let Some(note) = &outcome.note {
            let _ = writeln!(text, "  {note}");
        }
    }
    text
}

pub(super) fn seconds(flicks: i64) -> f64 {
    Flicks(flicks).seconds()
}
