//! A take: one soundtrack of the clip, with the settings and marks that it was made with.

use crate::view::{self, Axis};
use axum::body::Bytes;
use kinescore::settings::TABLE;
use kinescore::{Job, Marks, Result, Settings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

/// A take that is ready.
pub(crate) struct Take {
    /// Its number, from 1.
    pub id: u64,
    /// Raised each time that it is replaced.
    pub version: u64,
    pub settings: Settings,
    pub marks: Marks,
    /// What each event says of it.
    pub about: Value,
    /// Everything that the page shows of it.
    pub analysis: Bytes,
    /// Names of its stems.
    pub parts: Vec<String>,
    /// Where its files are; removed with the take.
    pub folder: PathBuf,
    pub(crate) kept: Mutex<Kept>,
}

/// What a take keeps so that its files are made quickly.
pub(crate) struct Kept {
    /// The finished job; only those of the takes used last are kept, since its sound takes 23 MB a
    /// minute.
    pub job: Option<Job>,
    /// The files that exist, by their names in the folder, with their sizes.
    pub made: BTreeMap<String, u64>,
    /// When it was used last.
    pub used: Instant,
}

impl Take {
    /// The take of a job that has run.
    pub fn new(id: u64, version: u64, job: Job, folder: PathBuf) -> Result<Self> {
        let (settings, marks) = (job.settings().clone(), job.marks().clone());
        let seed = job.analysis().seed.unwrap_or_default();
        let about = about((id, version), seed, &settings, &marks)?;
        let parts = job
            .score()
            .map(|score| score.parts.iter().map(|part| part.name.clone()).collect());
        Ok(Self {
            id,
            version,
            analysis: view::text(&view::analysis(&job, version, &Axis::of_media(job.clip()))),
            settings,
            marks,
            about,
            parts: parts.unwrap_or_default(),
            folder,
            kept: Mutex::new(Kept {
                job: Some(job),
                made: BTreeMap::new(),
                used: Instant::now(),
            }),
        })
    }
}

impl Drop for Take {
    fn drop(&mut self) {
        // If it does not exist, there is nothing to remove; the session removes its whole folder at
        // its end.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a page says of a take.
pub(crate) fn about((id, version): (u64, u64), seed: u64, settings: &Settings, marks: &Marks) -> Result<Value> {
    Ok(json!({
        "id": id,
        "version": version,
        "seed": if seed <= view::EXACT { Value::from(seed) } else { Value::from(seed.to_string()) },
        "label": format!("Take {id}"),
        "settings": changed(settings).into_iter().collect::<BTreeMap<_, _>>(),
        "marks": serde_json::from_str::<Value>(&marks.to_json()?).unwrap_or_default(),
    }))
}

/// The settings that are not the defaults, in the order of the table.
pub(crate) fn changed(settings: &Settings) -> Vec<(&'static str, String)> {
    let defaults = Settings::default();
    let values = TABLE.iter().filter_map(|row| Some((row.key, settings.get(row.key)?)));
    values
        .filter(|(key, value)| defaults.get(key).as_ref() != Some(value))
        .collect()
}
