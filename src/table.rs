//! Reads the JSON tables stored with the models: vocabularies, players, calibration.

use crate::error::{Error, Result};
use crate::{shown, syntax};
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
    let mut json = serde_json::Deserializer::from_str(&text);
    let table = serde_path_to_error::deserialize(&mut json).map_err(|e| refuse(unfit(&e)))?;
    json.end().map_err(|e| refuse(not_json(&e)))?;
    check(&table).map_err(refuse)?;
    Ok(table)
}

/// What to do about a table that cannot be used.
const INSTALL: &str = "the file is damaged or from another release; install the models again";

/// The field that is missing or has a wrong value.
fn unfit(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let fault = error.inner();
    if syntax::fault(fault).is_some() {
        return not_json(fault);
    }
    let (place, reason) = (syntax::place(fault), syntax::reason(fault));
    let what = match (reason.split_once(", expected "), error.path().to_string().as_str()) {
        // The parser's expectation is a type of Rust.
        (Some((met, _)), field) => {
            let met = met.split_once(": ").map_or(met, |(_, met)| met);
            format!(
                "field {field} has a value that is not allowed: {}",
                shown::text(&met.replace('`', ""))
            )
        }
        (None, ".") => reason,
        (None, field) => format!("field {field}: {reason}"),
    };
    format!("{what} ({place}); {INSTALL}")
}

fn not_json(error: &serde_json::Error) -> String {
    let fault = syntax::placed_fault(error).unwrap_or_else(|| syntax::reason(error));
    format!("{fault}; {INSTALL}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_table_that_cannot_be_read_is_reported_with_its_field() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.json");
        for (text, reported) in [
            (
                "{\"rock\": [1, -2]}",
                "field rock[1] has a value that is not allowed: integer -2 (line 1, column 15); the file is damaged",
            ),
            (
                "{\"rock\": [1",
                "it is not whole JSON: the text ends too early (line 1, column 11); the file is damaged",
            ),
            ("PK", "it is not JSON: a value is expected here"),
            (
                "{} {}",
                "it is not JSON: the text continues after its end (line 1, column 4); the file is damaged",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let read = read_table::<BTreeMap<String, Vec<u8>>>(&path, |_| Ok(()));
            let error = read.unwrap_err().to_string();
            assert!(error.contains(reported), "{error}");
        }
    }
}
