//! Tables in JSON beside the models: vocabularies, players, calibration.

use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads a table that goes with a model, in JSON, and checks it.
///
/// # Errors
/// [`Error::Input`] when it cannot be read; [`Error::Manifest`] when it is no such table, or `check` says what is wrong with it.
pub(crate) fn read_table<T: DeserializeOwned>(path: &Path, check: impl FnOnce(&T) -> Result<(), String>) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(Error::input(path))?;
    let refuse = |reason: String| Error::Manifest {
        path: path.to_owned(),
        reason,
    };
    let table = serde_json::from_str(&text).map_err(|e| refuse(e.to_string()))?;
    check(&table).map_err(refuse)?;
    Ok(table)
}
