//! Marks as a file.

use super::fields::MARKS;
use super::unreadable::{self, Given};
use crate::error::{Error, Result};
use crate::export;
use crate::limits::LARGEST_MARKS_FILE;
use crate::marks::{AccentMarks, BeatMark, HitMark, Marks, SilenceMark, TempoFactor, is_default};
use crate::regular;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The fields of a file of marks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: String,
    version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    beats: Vec<BeatMark>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hits: Vec<HitMark>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    silences: Vec<SilenceMark>,
    #[serde(default, skip_serializing_if = "is_default")]
    tempo_factor: TempoFactor,
    #[serde(default, skip_serializing_if = "is_default")]
    accents: AccentMarks,
}

impl Marks {
    /// Reads a file of marks.
    ///
    /// # Errors
    /// [`Error::Input`] when the file cannot be read or is not a regular file; [`Error::Marks`] when
    /// it is not a file of marks, or has a value that is not allowed.
    pub fn read(path: &Path) -> Result<Self> {
        let input = |reason: String| Error::input(path)(io::Error::other(reason));
        // Checked before opening: opening a pipe without a writer would block forever.
        let metadata = std::fs::metadata(path).map_err(Error::input(path))?;
        if let Some(reason) = regular::why_not(&metadata) {
            return Err(input(reason));
        }
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(Error::input(path))?;
        let mut file = file.take(LARGEST_MARKS_FILE + 1);
        file.read_to_end(&mut bytes).map_err(Error::input(path))?;
        if bytes.len() as u64 > LARGEST_MARKS_FILE {
            return Err(Error::Marks {
                path: path.to_owned(),
                reason: format!(
                    "it has more than {LARGEST_MARKS_FILE} bytes; expected at most that many; {}",
                    MARKS.choose
                ),
            });
        }
        let text = String::from_utf8(bytes).map_err(|e| Error::Marks {
            path: path.to_owned(),
            reason: format!(
                "it is not text in UTF-8 (byte {}); {}",
                e.utf8_error().valid_up_to(),
                MARKS.choose
            ),
        })?;
        Self::from_json(&text, path)
    }

    /// Reads marks from the text of such a file. `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Marks`].
    pub fn from_json(text: &str, name: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::Marks {
            path: name.to_owned(),
            reason,
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut json = serde_json::Deserializer::from_str(text);
        let fields: Fields = serde_path_to_error::deserialize(&mut json)
            .map_err(|e| refuse(unreadable::sentence(&MARKS, Given::Text(text), &e)))?;
        json.end()
            .map_err(|e| refuse(unreadable::syntax_sentence(&MARKS, &e)))?;
        if let Some(reason) = unreadable::other_format(&MARKS, Given::Text(text)) {
            return Err(refuse(reason));
        }
        let marks = Self {
            beats: fields.beats,
            hits: fields.hits,
            silences: fields.silences,
            tempo_factor: fields.tempo_factor,
            accents: fields.accents,
        };
        marks.check().map_err(refuse)?;
        Ok(marks)
    }

    /// Writes a file that [`read`](Self::read) reads.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn write(&self, path: &Path) -> Result<()> {
        export::json::write_json(&self.fields(), path)
    }

    /// The text of such a file, on one line.
    ///
    /// # Errors
    /// [`Error::Marks`] for marks with a number that JSON does not have; none that were
    /// [checked](Self::check) have one.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(&self.fields()).map_err(|e| Error::Marks {
            path: "marks".into(),
            reason: e.to_string(),
        })
    }

    fn fields(&self) -> Fields {
        let marks = self.clone();
        Fields {
            format: MARKS.format.to_owned(),
            version: MARKS.version,
            beats: marks.beats,
            hits: marks.hits,
            silences: marks.silences,
            tempo_factor: marks.tempo_factor,
            accents: marks.accents,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = Marks::from_json(text, Path::new("m.json")).expect_err(text);
        assert!(matches!(error, Error::Marks { .. }));
        error.to_string()
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("marks.json");
        let text = r#"{"format": "kinescore-marks", "version": 1, "beats": [{"time": 1.5, "number": "downbeat"}],
            "hits": [{"time": 2.043, "label": "jump", "answer": ["drums", "chord", "stop"]}], "tempo_factor": 0.5}"#;
        let marks = Marks::from_json(text, &path).expect("marks");
        assert_eq!(
            (marks.beats.len(), marks.hits.len(), marks.tempo_factor),
            (1, 1, TempoFactor::Half)
        );
        marks.write(&path).expect("written");
        assert_eq!(Marks::read(&path).expect("read"), marks);
        let none = Marks::default().to_json().expect("text");
        assert_eq!(none, r#"{"format":"kinescore-marks","version":1}"#);
        let text = marks.to_json().expect("text");
        assert_eq!(Marks::from_json(&text, &path).expect("read"), marks);
        std::fs::write(&path, vec![b' '; LARGEST_MARKS_FILE as usize + 1]).expect("written");
        let large = Marks::read(&path).expect_err("too large").to_string();
        assert!(large.contains("more than 16777216 bytes"), "{large}");
        std::fs::write(&path, [0xff]).expect("written");
        let binary = Marks::read(&path).expect_err("not text").to_string();
        assert!(
            binary.ends_with("it is not text in UTF-8 (byte 0); choose a file with marks"),
            "{binary}"
        );
        assert!(matches!(
            Marks::read(folder.path()).expect_err("a folder"),
            Error::Input { .. }
        ));
    }

    #[test]
    fn what_is_not_marks_is_refused_with_its_field_value_and_what_is_allowed() {
        let with = |fields: &str| format!(r#"{{"format": "kinescore-marks", "version": 1{fields}}}"#);
        for (text, sentence) in [
            (
                "{}".to_owned(),
                "it is JSON, but not marks: it has no field 'format'; choose a file with marks",
            ),
            (
                "[".repeat(200_000) + &"]".repeat(200_000),
                "its lists and objects are nested too deeply; choose a file with marks",
            ),
            (
                "[".repeat(200_000),
                "its lists and objects are nested too deeply; choose a file with marks",
            ),
            (
                r#"{"format": "kinescore-stage", "version": 1}"#.to_owned(),
                "format is the text 'kinescore-stage'; expected 'kinescore-marks'; choose a file with marks",
            ),
            (
                r#"{"format": "kinescore-marks", "version": 2}"#.to_owned(),
                "version is 2; this program reads 1",
            ),
            (
                with(r#", "beats": [{"time": "soon"}]"#),
                "beats[0].time is the text 'soon'; expected a number, 0 to 1000000 s",
            ),
            (
                with(r#", "beats": [{"time": 1, "number": "upbeat"}]"#),
                "beats[0].number is the text 'upbeat'; expected a whole number, 1 to 4, or 'downbeat'",
            ),
            (
                with(r#", "beats": [{"number": 1}]"#),
                "beats[0].time is missing; expected a number, 0 to 1000000 s",
            ),
            (
                with(r#", "hits": [{"time": 1, "answer": ["flute"]}]"#),
                "hits[0].answer[0] is the text 'flute'; expected drums, chord or stop",
            ),
            (
                with(r#", "tempo_factor": 3"#),
                "tempo_factor is 3; expected 0.5, 1 or 2",
            ),
            (
                with(r#", "beat": []"#),
                "beat is not a field; expected one of format, version, beats, hits, silences, tempo_factor, accents",
            ),
            (
                with(r#", "silences": [{"from": 2, "until": 3}]"#),
                "silences[0].until is not a field; expected from or to",
            ),
            (
                with(r#", "silences": [{"from": 3, "to": 2}]"#),
                "silences[0].to is 2 s, -1 s after its start; expected 0.05 to 1000000 s",
            ),
            (
                with("") + "x",
                "it is not JSON: the text continues after its end; choose a file with marks",
            ),
        ] {
            let found = refused(&text);
            // Whatever is JSON text has a place in it.
            let found = match (found.find(" (line 1, column "), found.find(')')) {
                (Some(from), Some(to)) => found[..from].to_owned() + &found[to + 1..],
                _ => found,
            };
            assert_eq!(found, format!("m.json: {sentence}"));
        }
    }
}
