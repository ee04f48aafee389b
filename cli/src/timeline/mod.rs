//! `kinescore timeline`: soundtracks under the clips of an editor's project.

mod studio;
mod watch;

use crate::args::{ResourceFlags, TimelineAction};
use crate::exit::Failure;
use crate::flags::SettingFlags;
use crate::progress::Console;
use crate::{resources, stdout};
use kinescore::Engine;
use kinescore::export::leftovers::clear_leftovers;
use kinescore::progress::Cancel;
use kinescore::time::Flicks;
use kinescore_timeline::{Done, Item, Memory, Outcome, Problem, Project, Setting, Workshop};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use studio::{Codes, Studio};

/// What the commands work with.
struct Desk {
    workshop: Workshop,
    codes: Codes,
    memory: Memory,
}

impl Desk {
    fn new(flags: &ResourceFlags, console: &Console, cancel: &Cancel) -> Result<Self, Failure> {
        resources::check_sound_font(flags)?;
        let engine = Arc::new(Engine::new(resources::find(flags)?)?);
        let codes = Codes::default();
        let studio = Studio::new(engine, console.clone(), cancel.clone(), codes.clone());
        Ok(Self {
            workshop: Workshop::new(Box::new(studio)),
            codes,
            memory: Memory::default(),
        })
    }

    fn failure(&self, problem: &Problem) -> Failure {
        Failure {
            code: self.codes.of(problem),
            message: problem.sentence.clone(),
        }
    }

    /// Opens a project that may be written, and clears what killed runs have left beside it.
    fn open(&self, project: &Path) -> Result<Project, Failure> {
        let opened = open(project, &self.memory)?;
        // Links are followed, as the bridge does: what is replaced is the file.
        if let Ok(file) = project.canonicalize() {
            clear_leftovers(file.parent().unwrap_or(Path::new("/")));
        }
        Ok(opened)
    }
}

fn open(project: &Path, memory: &Memory) -> Result<Project, Failure> {
    let text = project.to_str().ok_or_else(|| {
        Failure::usage(format!(
            "{}: the name is not UTF-8, as names of projects must be",
            project.display()
        ))
    })?;
    Project::open(text, memory).map_err(|problem| plain(&problem))
}

/// A failure of reading or writing a project.
fn plain(problem: &Problem) -> Failure {
    Failure {
        code: Codes::default().of(problem),
        message: problem.sentence.clone(),
    }
}

/// Lists clips, or puts soundtracks under them.
pub fn timeline(action: &TimelineAction, console: &Console, cancel: &Cancel) -> Result<(), Failure> {
    match action {
        TimelineAction::List { project, json } => {
            let items = open(project, &Memory::default())?.items().map_err(|p| plain(&p))?;
            stdout::write(&if *json { to_json(&items) } else { table(&items) })
        }
        TimelineAction::Add(add) => {
            let settings = chosen(&add.settings)?;
            let mut desk = Desk::new(&add.resources, console, cancel)?;
            let mut project = desk.open(&add.project)?;
            let items = project.items().map_err(|p| plain(&p))?;
            let wanted = numbered(&items, &add.clip, add.all)?;
            project.check_writable().map_err(|p| plain(&p))?;
            let mut outcomes = Vec::new();
            for (number, item) in wanted {
                // Ids hold for as long as the project is open.
                let outcome = project
                    .add(&mut desk.workshop, &item.id, &settings)
                    .map_err(|p| desk.failure(&p))?;
                outcomes.push((Some(number), outcome));
            }
            tell(&outcomes, &desk)
        }
        TimelineAction::Refresh { project, resources } => {
            let mut desk = Desk::new(resources, console, cancel)?;
            let mut project = desk.open(project)?;
            project.check_writable().map_err(|p| plain(&p))?;
            let numbers = Numbers::of(&mut project)?;
            let outcomes = project.refresh(&mut desk.workshop).map_err(|p| desk.failure(&p))?;
            tell(&numbers.beside(outcomes), &desk)
        }
        TimelineAction::Remove { project, clip } => {
            let memory = Memory::default();
            let mut project = open(project, &memory)?;
            let numbers = Numbers::of(&mut project)?;
            let removed = match clip {
                Some(number) => {
                    let (_, item) = numbered(&numbers.0, &[*number], false)?.remove(0);
                    project.remove(Some(&item.id))
                }
                None => project.remove(None),
            };
            let outcomes = numbers.beside(removed.map_err(|p| plain(&p))?);
            stdout::write(&lines(&outcomes))
        }
        TimelineAction::Watch { project, resources } => {
            let desk = Desk::new(resources, console, cancel)?;
            watch::watch(project, desk, console, cancel)
        }
    }
}

/// The settings that the user named, each checked.
fn chosen(flags: &SettingFlags) -> Result<Vec<Setting>, Failure> {
    flags.settings()?;
    let pairs = flags.pairs().iter();
    Ok(pairs
        .map(|(key, value)| Setting {
            key: key.clone(),
            value: value.clone(),
        })
        .collect())
}

/// The clips of these numbers, counted from 1 as `list` does; the only one where none is named.
fn numbered(items: &[Item], numbers: &[usize], all: bool) -> Result<Vec<(usize, Item)>, Failure> {
    let count = items.len();
    let numbers: Vec<usize> = match (all, numbers, count) {
        (_, _, 0) => return Err(Failure::usage("the project has no video clip")),
        (true, _, _) | (_, [], 1) => (1..=count).collect(),
        (_, [], _) => {
            return Err(Failure::usage(format!(
                "the project has {count} video clips: name one with --clip N (`kinescore timeline list` numbers them), or --all"
            )));
        }
        (_, numbers, _) => numbers.to_vec(),
    };
    let pick = |number: usize| {
        let item = number.checked_sub(1).and_then(|place| items.get(place));
        item.map(|item| (number, item.clone())).ok_or_else(|| {
            Failure::usage(format!(
                "there is no clip {number}: the project has {count}, numbered from 1"
            ))
        })
    };
    numbers.into_iter().map(pick).collect()
}

/// Numbers of clips as `list` gives them.
struct Numbers(Vec<Item>);

impl Numbers {
    fn of(project: &mut Project) -> Result<Self, Failure> {
        project.items().map(Self).map_err(|p| plain(&p))
    }

    fn beside(&self, outcomes: Vec<Outcome>) -> Vec<(Option<usize>, Outcome)> {
        let number = |outcome: &Outcome| {
            let same = |item: &Item| item.id == outcome.item.id && item.media == outcome.item.media;
            let gone = outcome.done == Done::Removed;
            self.0.iter().position(same).filter(|_| !gone).map(|place| place + 1)
        };
        outcomes
            .into_iter()
            .map(|outcome| (number(&outcome), outcome))
            .collect()
    }
}

/// Says what was done, and fails with what went wrong first.
fn tell(outcomes: &[(Option<usize>, Outcome)], desk: &Desk) -> Result<(), Failure> {
    stdout::write(&lines(outcomes))?;
    let failed: Vec<&Problem> = outcomes
        .iter()
        .filter_map(|(_, outcome)| outcome.problem.as_ref())
        .collect();
    match failed.first() {
        None => Ok(()),
        Some(first) => Err(Failure {
            code: desk.codes.of(first),
            message: format!(
                "{} of {} soundtracks could not be made; the first: {first}",
                failed.len(),
                outcomes.len()
            ),
        }),
    }
}

fn lines(outcomes: &[(Option<usize>, Outcome)]) -> String {
    let mut text = String::new();
    for (number, outcome) in outcomes {
        let number = number.map_or_else(|| "clip".to_owned(), |number| format!("clip {number}"));
        let done = match (outcome.done, &outcome.problem) {
            (Done::Unchanged, _) => "unchanged".to_owned(),
            (Done::Moved, _) => format!("moved, {}", outcome.wav),
            (Done::Made, _) => format!("made, {}", outcome.wav),
            (Done::Removed, _) => format!("taken off the timeline; the file stays: {}", outcome.wav),
            (Done::Failed, Some(problem)) => format!("failed: {problem}"),
            (Done::Failed, None) => "failed".to_owned(),
        };
        // A String takes everything.
        let _ = writeln!(
            text,
            "{number}, {} at {:.3} s: {done}",
            outcome.item.name,
            seconds(outcome.item.timeline_start)
        );
    }
    text
}

fn seconds(flicks: i64) -> f64 {
    Flicks(flicks).seconds()
}

fn speed(item: &Item) -> String {
    match item.speed_denominator {
        1 => item.speed_numerator.to_string(),
        denominator => format!("{}/{denominator}", item.speed_numerator),
    }
}

fn table(items: &[Item]) -> String {
    if items.is_empty() {
        return "no video clips\n".to_owned();
    }
    let mut text = format!(
        "{:>5}  {:>5}  {:>10}  {:>10}  {:>10}  {:>5}  {:<10}  clip\n",
        "clip", "track", "start", "from", "to", "speed", "soundtrack"
    );
    for (place, item) in items.iter().enumerate() {
        let _ = writeln!(
            text,
            "{:>5}  {:>5}  {:>10.3}  {:>10.3}  {:>10.3}  {:>5}  {:<10}  {}",
            place + 1,
            item.track + 1,
            seconds(item.timeline_start),
            seconds(item.source_in),
            seconds(item.source_out),
            speed(item),
            if item.soundtrack.is_empty() { "-" } else { "yes" },
            item.media
        );
    }
    text
}

fn to_json(items: &[Item]) -> String {
    let clip = |(place, item): (usize, &Item)| {
        let settings: serde_json::Map<String, Value> = item
            .settings
            .iter()
            .map(|setting| (setting.key.clone(), Value::from(setting.value.clone())))
            .collect();
        json!({
            "clip": place + 1,
            "name": item.name,
            "media": item.media,
            "track": item.track + 1,
            "timeline_start": seconds(item.timeline_start),
            "duration": seconds(item.duration),
            "source_in": seconds(item.source_in),
            "source_out": seconds(item.source_out),
            "speed": speed(item),
            "frame_rate": format!("{}/{}", item.rate_numerator, item.rate_denominator),
            "soundtrack": (!item.soundtrack.is_empty()).then_some(&item.soundtrack),
            "settings": settings,
        })
    };
    let clips: Vec<Value> = items.iter().enumerate().map(clip).collect();
    format!("{:#}\n", Value::from(clips))
}
