//! `kinescore cache`: the results kept between runs.

use crate::args::{self, CacheAction};
use crate::exit::{DAMAGED_CACHE, Failure};
use crate::places::CacheFlags;
use crate::progress::Console;
use crate::{resources, stdout};
use indicatif::{HumanBytes, HumanDuration};
use kinescore::host::{Cache, Identities, Listed, State};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::SystemTime;

/// Lists, clears or checks the cache.
///
/// # Errors
/// A failure with [`DAMAGED_CACHE`] if a check has found damaged entries; those of the library if
/// the folder cannot be read or an entry cannot be removed.
pub fn cache(args: &args::Cache, console: &Console) -> Result<(), Failure> {
    let flags = CacheFlags {
        cache: args.cache.clone(),
        ..CacheFlags::default()
    };
    let folder = resources::cache(&flags).ok_or_else(|| {
        let variable = resources::CACHE_VARIABLE;
        Failure::usage(format!("no cache folder: specify one with --cache DIR or {variable}"))
    })?;
    let cache = Cache::open(&folder, None);
    match &args.action {
        CacheAction::List { json } => {
            let entries = cache.list()?;
            stdout::write(&if *json {
                to_json(&cache, &entries)
            } else {
                table(&cache, &entries)
            })
        }
        CacheAction::Clear { clips } => {
            let known = Identities::default();
            let mut media = Vec::new();
            for clip in clips {
                match known.of(clip) {
                    Ok(id) => media.push((clip.clone(), Some(id))),
                    // Entries of a clip that no longer exists are found by its name.
                    Err(_) if cache.names(clip)? => media.push((clip.clone(), None)),
                    Err(error) => {
                        return Err(Failure {
                            message: format!("{error}, and the cache has no entries of this name; nothing was removed"),
                            ..Failure::from(error)
                        });
                    }
                }
            }
            let cleared = cache.clear((!clips.is_empty()).then_some(&media))?;
            console.say(&format!(
                "removed {}, {}",
                counted(cleared.entries),
                HumanBytes(cleared.bytes)
            ));
            Ok(())
        }
        CacheAction::Verify => {
            let verified = cache.verify()?;
            let lines = |faults: &[(PathBuf, String)], end: &str| -> String {
                let line = |(path, fault): &(PathBuf, String)| format!("{}: {fault}{end}\n", path.display());
                faults.iter().map(line).collect()
            };
            stdout::write(&format!(
                "{}{}{} {} intact, {} {} damaged\n",
                lines(&verified.damaged, "; removed"),
                lines(&verified.unknown, "; left unchanged"),
                counted(verified.whole),
                if verified.whole == 1 { "is" } else { "are" },
                verified.damaged.len(),
                if verified.damaged.len() == 1 { "was" } else { "were" }
            ))?;
            if verified.damaged.is_empty() {
                return Ok(());
            }
            Err(Failure {
                code: DAMAGED_CACHE,
                message: String::new(), // it is on standard output
            })
        }
    }
}

/// The entries as a table: kind, part, size, last use, and clip.
fn table(cache: &Cache, entries: &[Listed]) -> String {
    let size: u64 = entries.iter().map(|entry| entry.size).sum();
    let mut rows = vec![["what", "part", "size", "last use", "clip"].map(str::to_owned)];
    rows.extend(entries.iter().map(|entry| {
        let (part, clip) = match &entry.about {
            State::Readable(about) => (
                about
                    .start
                    .zip(about.end)
                    .map(|(start, end)| format!("{}-{}", clock(start), clock(end))),
                about.media.clone(),
            ),
            State::Unusable(fault) => (None, Some(format!("({fault})"))),
        };
        let none = || "-".to_owned();
        [
            entry.kind.to_string(),
            part.unwrap_or_else(none),
            HumanBytes(entry.size).to_string(),
            ago(entry.used),
            clip.unwrap_or_else(none),
        ]
    }));
    let widths: Vec<usize> = (0..4)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text: String = rows
        .iter()
        .map(|[what, part, size, used, clip]| {
            format!(
                "{what:<0$}  {part:<1$}  {size:>2$}  {used:<3$}  {clip}\n",
                widths[0], widths[1], widths[2], widths[3]
            )
        })
        .collect();
    text += &format!(
        "{}, {}, in {}\n",
        counted(entries.len()),
        HumanBytes(size),
        cache.folder().display()
    );
    text
}

fn counted(entries: usize) -> String {
    if entries == 1 {
        "1 entry".to_owned()
    } else {
        format!("{entries} entries")
    }
}

/// Minutes and seconds.
fn clock(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (minutes, seconds, tenths) = (tenths / 600, tenths / 10 % 60, tenths % 10);
    if tenths == 0 {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}.{tenths}")
    }
}

fn ago(at: SystemTime) -> String {
    match at.elapsed() {
        Ok(age) if age.as_secs() > 0 => format!("{} ago", HumanDuration(age)),
        // Or in the future, if the clock has been set back since.
        _ => "now".to_owned(),
    }
}

/// The entries as JSON.
fn to_json(cache: &Cache, entries: &[Listed]) -> String {
    let rows: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let used = entry.used.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let mut row = json!({
                "kind": entry.kind.name(),
                "file": entry.path.display().to_string(),
                "bytes": entry.size,
                "last_use_unix": used.as_secs_f64(),
            });
            match &entry.about {
                State::Readable(about) => {
                    row["clip"] = json!(about.media);
                    row["start"] = json!(about.start);
                    row["end"] = json!(about.end);
                }
                State::Unusable(fault) => row["fault"] = json!(fault),
            }
            row
        })
        .collect();
    format!(
        "{:#}\n",
        json!({ "folder": cache.folder().display().to_string(), "entries": rows })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_given_in_minutes_and_entries_are_counted() {
        assert_eq!([0, 1, 2].map(counted), ["0 entries", "1 entry", "2 entries"]);
        assert_eq!(clock(0.0), "0:00");
        assert_eq!(clock(3599.96), "60:00");
        assert_eq!(clock(67.25), "1:07.3");
        assert_eq!(ago(SystemTime::now() + std::time::Duration::from_secs(100)), "now");
    }
}
