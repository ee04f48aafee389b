//! `kinescore timeline`: soundtracks under the clips of an editor's project.

mod desk;
mod studio;
mod watch;

use crate::args::{OpeningFlags, TimelineAction};
use crate::exit::Failure;
use crate::flags::SettingFlags;
use crate::progress::Console;
use crate::stdout;
use desk::{Desk, Numbers, lines, open, open_to_write, plain, seconds};
use kinescore::Cancel;
use kinescore::host::shown_count;
use kinescore_timeline::{Item, ItemOutcome, Problem, Setting};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use studio::code;

/// Lists clips, or puts soundtracks under them.
pub fn timeline(action: &TimelineAction, console: &Console, cancel: &Cancel) -> Result<(), Failure> {
    match action {
        TimelineAction::List { project, opening, json } => {
            let mut project = open(project, opening, cancel)?;
            let items = project.examined_items().map_err(|p| plain(&p))?;
            stdout::write(&if *json { to_json(&items) } else { table(&items) })
        }
        TimelineAction::Add(add) => {
            let settings = chosen(&add.settings)?;
            let mut desk = Desk::new(&add.resources, console, cancel)?;
            let mut project = open_to_write(&add.project, &add.opening, cancel)?;
            // Media are opened only if it matters which of all clips are possible.
            let items = if add.clip.is_empty() {
                project.examined_items()
            } else {
                project.items()
            }
            .map_err(|p| plain(&p))?;
            let wanted = numbered(&items, &add.clip, add.all)?;
            if add.all && wanted.len() < items.len() {
                let left_out = items.len() - wanted.len();
                console.say(&format!(
                    "{left_out} of {} cannot have a soundtrack and {} left out",
                    shown_count(items.len(), "clip"),
                    if left_out == 1 { "is" } else { "are" }
                ));
            }
            project.check_writable().map_err(|p| plain(&p))?;
            let mut outcomes = Vec::new();
            for (number, item) in wanted {
                // Ids are valid as long as the project is open.
                let outcome = project
                    .add(&mut desk.workshop, &item.id, &settings, add.beats_as_markers)
                    .map_err(|p| plain(&p))?;
                outcomes.push((Some(number), outcome));
            }
            print(&outcomes, console)
        }
        TimelineAction::Refresh {
            project,
            beats_as_markers,
            opening,
            resources,
        } => {
            let mut desk = Desk::new(resources, console, cancel)?;
            let mut project = open_to_write(project, opening, cancel)?;
            project.check_writable().map_err(|p| plain(&p))?;
            let numbers = Numbers::of(&mut project)?;
            let outcomes = project
                .refresh(&mut desk.workshop, *beats_as_markers)
                .map_err(|p| plain(&p))?;
            print(&numbers.beside(outcomes), console)
        }
        TimelineAction::Remove {
            project,
            timeline,
            clip,
        } => {
            let opening = OpeningFlags {
                timeline: timeline.clone(),
                ..OpeningFlags::default()
            };
            let mut project = open_to_write(project, &opening, cancel)?;
            let numbers = Numbers::of(&mut project)?;
            let removed = match clip {
                Some(number) => {
                    let (_, item) = numbered(&numbers.0, &[*number], false)?.remove(0);
                    project.remove(Some(&item.id))
                }
                None => project.remove(None),
            };
            print(&numbers.beside(removed.map_err(|p| plain(&p))?), console)
        }
        TimelineAction::Watch {
            project,
            opening,
            resources,
        } => {
            let desk = Desk::new(resources, console, cancel)?;
            watch::watch(project, opening, desk, console, cancel)
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

/// The clips with these numbers, counted from 1 as in `list`; if none is given, the only one.
fn numbered(items: &[Item], numbers: &[usize], all: bool) -> Result<Vec<(usize, Item)>, Failure> {
    let count = items.len();
    let fit: Vec<usize> = (1..=count)
        .filter(|number| items[number - 1].unfit.is_empty())
        .collect();
    let numbers: Vec<usize> = match (all, numbers, fit.len()) {
        (_, _, _) if count == 0 => return Err(Failure::usage("the project has no video clip")),
        (true, _, 0) | (_, [], 0) if count == 1 => vec![1], // which fails with the reason
        (true, _, 0) | (_, [], 0) => {
            return Err(Failure::usage(format!(
                "none of the project's {count} clips can have a soundtrack: `kinescore timeline list` shows the reasons"
            )));
        }
        (true, _, _) | (_, [], 1) => fit,
        (_, [], _) => {
            return Err(Failure::usage(format!(
                "the project has {count} video clips: specify one with --clip N (`kinescore timeline list` shows the numbers), or use --all"
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

/// Prints the results, and returns the first failure.
fn print(outcomes: &[(Option<usize>, ItemOutcome)], console: &Console) -> Result<(), Failure> {
    stdout::write(&lines(outcomes, console.is_quiet()))?;
    let failed: Vec<&Problem> = outcomes
        .iter()
        .filter_map(|(_, outcome)| outcome.problem.as_ref())
        .collect();
    match failed.first() {
        None => Ok(()),
        Some(first) => Err(Failure {
            code: code(first),
            message: format!(
                "{} of {} could not be made; the first: {first}",
                failed.len(),
                shown_count(outcomes.len(), "soundtrack")
            ),
        }),
    }
}

fn speed(item: &Item) -> String {
    match item.speed_denominator {
        1 => item.speed_numerator.to_string(),
        denominator => format!("{}/{denominator}", item.speed_numerator),
    }
}

/// Whether the project has a sound under a clip whose file is gone.
fn has_lost_sound(item: &Item) -> bool {
    !item.soundtrack.is_empty() && !Path::new(&item.soundtrack).is_file()
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
            match (item.soundtrack.is_empty(), has_lost_sound(item)) {
                (true, _) => "-",
                (_, true) => "missing",
                (_, false) => "yes",
            },
            item.media
        );
        if !item.named.is_empty() {
            let _ = writeln!(text, "{:>5}  the project names it {}", "", item.named);
        }
        if !item.note.is_empty() {
            let _ = writeln!(text, "{:>5}  {}", "", item.note);
        }
        if item.markers > 0 {
            let _ = writeln!(
                text,
                "{:>5}  its beats are shown by {}",
                "",
                shown_count(item.markers, "marker")
            );
        }
        if has_lost_sound(item) {
            let _ = writeln!(
                text,
                "{:>5}  its sound is missing: {}; `kinescore timeline refresh` makes it again",
                "", item.soundtrack
            );
        }
        if !item.unfit.is_empty() {
            let _ = writeln!(text, "{:>5}  no soundtrack is possible: {}", "", item.unfit);
        }
    }
    let unfit = items.iter().filter(|item| !item.unfit.is_empty()).count();
    if unfit > 0 {
        let _ = writeln!(
            text,
            "{unfit} of {} cannot have a soundtrack",
            shown_count(items.len(), "clip")
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
            "named": (!item.named.is_empty()).then_some(&item.named),
            "track": item.track + 1,
            "timeline_start": seconds(item.timeline_start),
            "duration": seconds(item.duration),
            "source_in": seconds(item.source_in),
            "source_out": seconds(item.source_out),
            "speed": speed(item),
            "frame_rate": format!("{}/{}", item.rate_numerator, item.rate_denominator),
            "soundtrack": (!item.soundtrack.is_empty()).then_some(&item.soundtrack),
            "soundtrack_is_missing": has_lost_sound(item),
            "beat_markers": item.markers,
            "unfit": (!item.unfit.is_empty()).then_some(&item.unfit),
            "note": (!item.note.is_empty()).then_some(&item.note),
            "settings": settings,
        })
    };
    let clips: Vec<Value> = items.iter().enumerate().map(clip).collect();
    format!("{:#}\n", Value::from(clips))
}
