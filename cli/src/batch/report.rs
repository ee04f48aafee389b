//! The report on all clips: a table for people, JSON for programs, and the collected results of all
//! shares.

use super::plan::ClipRow;
use super::result::ClipOutcome;
use crate::exit::Failure;
use crate::stdout;
use kinescore::Error;
use kinescore::host::atomically;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The state of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its files exist.
    Done,
    /// Its files existed already, for the same key.
    Skipped,
    /// It failed, for a recorded reason.
    Failed,
    /// Its files were made for another row or other settings than the manifest's.
    Outdated,
    /// Nothing has been rendered, or files have been removed since.
    Missing,
}

impl State {
    const ALL: [Self; 5] = [Self::Done, Self::Skipped, Self::Failed, Self::Outdated, Self::Missing];

    fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Outdated => "outdated",
            Self::Missing => "missing",
        }
    }
}

/// One clip of a report.
pub struct Entry<'a> {
    /// The clip.
    pub clip: &'a ClipRow,
    /// Its state.
    pub state: State,
    /// Its result.
    pub outcome: Option<ClipOutcome>,
}

impl<'a> Entry<'a> {
    /// The state of a clip, judged by its files. `keys` are settings that were requested in
    /// addition to those of the manifest.
    pub fn look_up(clip: &'a ClipRow, out: &Path, keys: &[String]) -> Self {
        let outcome = ClipOutcome::read(out, clip);
        let state = match &outcome {
            None => State::Missing,
            Some(outcome) if !outcome.about.fits(clip, keys) => State::Outdated,
            Some(outcome) if outcome.fault.is_some() => State::Failed,
            Some(outcome) if outcome.is_whole(out) && outcome.covers(clip) => State::Done,
            Some(_) => State::Missing,
        };
        Self { clip, state, outcome }
    }

    /// The reason why there are no files, or their names.
    fn what(&self) -> String {
        match (self.state, &self.outcome) {
            (State::Missing, None) => "not rendered yet".to_owned(),
            (State::Missing, Some(_)) => "files are missing or were changed after they were written".to_owned(),
            (State::Outdated, _) => "made for another row or other settings".to_owned(),
            (_, Some(outcome)) => match &outcome.fault {
                Some(fault) => fault.sentence.clone(),
                None => outcome
                    .outputs
                    .iter()
                    .map(|(file, _)| file.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            },
            (_, None) => String::new(),
        }
    }

    fn to_json(&self) -> Value {
        let mut row = match &self.outcome {
            Some(outcome) => outcome.to_json(self.clip),
            None => json!({ "name": self.clip.name, "path": self.clip.row.path }),
        };
        row["line"] = json!(self.clip.row.line);
        row["status"] = json!(self.state.word());
        row
    }
}

/// The results of the clips of a manifest, or of a share of them.
pub struct Report<'a> {
    /// The manifest.
    pub manifest: &'a Path,
    /// The folder of the results.
    pub out: &'a Path,
    /// The clips.
    pub entries: Vec<Entry<'a>>,
}

impl Report<'_> {
    /// Whether every clip is done.
    pub fn is_complete(&self) -> bool {
        let good = |entry: &Entry<'_>| matches!(entry.state, State::Done | State::Skipped);
        self.entries.iter().all(good)
    }

    fn count(&self, state: State) -> usize {
        self.entries.iter().filter(|entry| entry.state == state).count()
    }

    /// The number of clips in each state: `10 done, 2 failed of 12 clips`.
    pub fn summary(&self) -> String {
        let counts: Vec<String> = State::ALL
            .into_iter()
            .map(|state| (state, self.count(state)))
            .filter(|(state, count)| *count > 0 || *state == State::Done)
            .map(|(state, count)| format!("{count} {}", state.word()))
            .collect();
        format!("{} of {} clips", counts.join(", "), self.entries.len())
    }

    /// Writes it as JSON to a file, or to standard output for `-`.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let counts: Value = State::ALL
            .into_iter()
            .map(|state| (state.word().to_owned(), json!(self.count(state))))
            .collect();
        let clips: Vec<Value> = self.entries.iter().map(Entry::to_json).collect();
        let report = json!({
            "format": "kinescore-batch",
            "version": 1,
            "manifest": self.manifest.display().to_string(),
            "folder": self.out.display().to_string(),
            "counts": counts,
            "clips": clips,
        });
        let text = format!("{report:#}\n");
        if path.as_os_str() == "-" {
            return stdout::write(&text);
        }
        atomically(path, |path| fs::write(path, text).map_err(Error::output(path)))?;
        Ok(())
    }

    /// A table for people: name, status, seconds, and the files or the reason why there are none.
    pub fn table(&self) -> String {
        let mut rows = vec![["clip", "status", "seconds", "files, or why there are none"].map(str::to_owned)];
        rows.extend(self.entries.iter().map(|entry| {
            let seconds = entry.outcome.as_ref().map(|outcome| format!("{:.1}", outcome.seconds));
            [
                entry.clip.name.clone(),
                entry.state.word().to_owned(),
                seconds.unwrap_or_else(|| "-".to_owned()),
                entry.what(),
            ]
        }));
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (name, state, seconds) = (width(0), width(1), width(2));
        let lines = rows
            .iter()
            .map(|[a, b, c, d]| format!("{a:<name$}  {b:<state$}  {c:>seconds$}  {d}\n"));
        lines.collect::<String>() + &self.summary() + "\n"
    }
}
