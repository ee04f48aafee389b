//! Reads the JSON tables stored with the models: vocabularies, players, calibration.

use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads a JSON table that belongs to a model, and checks it.
///
/// # Errors
/// [`Error::Manifest`] when it cannot be read or parsed, or when `check` returns a fault.
pub(crate) fn read_table<T: DeserializeOwned>(path: &Path, check: impl FnOnce(&T) -> Result<(), String>) -> Result<T> {
    let refuse = |reason: String| Error::Manifest {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    let table = serde_json::from_str(&text).map_err(|e| refuse(e.to_string()))?;
    check(&table).map_err(refuse)?;
    Ok(table)
}
