//! The result of a clip, in a small file beside its outputs. It is written last, so the files it
//! names exist.

use super::plan::ClipRow;
use kinescore::host::atomically;
use kinescore::{Error, Flicks};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;

const FORMAT: &str = "kinescore-result";
const VERSION: u64 = 1;
/// Maximum size of a file that is read, bytes; results have a few thousand bytes.
const LARGEST: u64 = 1 << 20;

/// The result of a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipOutcome {
    /// The key of the soundtrack; `None` if the media could not be read.
    pub key: Option<String>,
    /// The row that was rendered.
    pub about: About,
    /// Names of the outputs with their sizes in bytes; empty if the clip failed.
    pub outputs: Vec<(String, u64)>,
    /// How long it took, seconds.
    pub seconds: f64,
    /// Number of attempts.
    pub attempts: u64,
    /// Why there are no outputs.
    pub fault: Option<ClipFault>,
}

/// Why a clip has failed.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipFault {
    /// The exit code that `render` would return.
    pub code: u8,
    /// The message for the user.
    pub sentence: String,
    /// Whether the clip fails again as long as the key is the same.
    pub lasting: bool,
}

/// The content of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    path: String,
    start: f64,
    end: Option<f64>,
    speed: String,
    /// The file of marks, as the row names it.
    marks: Option<String>,
    settings: Map<String, Value>,
}

impl About {
    /// The content of the clip's row.
    pub fn of(clip: &ClipRow) -> Self {
        let row = &clip.row;
        let settings = row.settings.to_map();
        Self {
            path: row.path.clone(),
            start: row.cut.start.unwrap_or(Flicks::ZERO).seconds(),
            end: row.cut.end.map(Flicks::seconds),
            speed: row.cut.speed.to_string(),
            marks: row.marks_file.clone(),
            settings: settings.into_iter().map(|(key, value)| (key, json!(value))).collect(),
        }
    }

    /// Whether this equals the content of a row, judged by the row and these additional keys of
    /// settings.
    pub fn fits(&self, clip: &ClipRow, keys: &[String]) -> bool {
        let asked = Self::of(clip);
        let row = |about: &Self| {
            let (path, speed, marks) = (about.path.clone(), about.speed.clone(), about.marks.clone());
            (path, about.start, about.end, speed, marks)
        };
        let mut keys = keys.iter().chain(&clip.row.own);
        row(self) == row(&asked) && keys.all(|key| self.settings.get(key) == asked.settings.get(key))
    }

    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            path: value["path"].as_str()?.to_owned(),
            start: value["in"].as_f64()?,
            end: value["out"].as_f64(),
            speed: value["speed"].as_str()?.to_owned(),
            marks: value["marks"].as_str().map(str::to_owned),
            settings: value["settings"].as_object()?.clone(),
        })
    }
}

impl ClipOutcome {
    /// Reads the result of a clip; `None` if there is no result, or none that can be read.
    pub fn read(out: &Path, clip: &ClipRow) -> Option<Self> {
        let path = out.join(&clip.files.result);
        let there = fs::metadata(&path).ok()?;
        // Opening a pipe would block.
        if !there.is_file() || there.len() > LARGEST {
            log::warn!(
                "{}: not a result of this program (expected a regular file of at most {LARGEST} bytes); it is ignored",
                path.display()
            );
            return None;
        }
        let bytes = fs::read(&path).ok()?;
        let found = serde_json::from_slice(&bytes)
            .ok()
            .and_then(|value| Self::from_json(&value));
        if found.is_none() {
            log::warn!(
                "{}: not a result that this program can read; it is ignored",
                path.display()
            );
        }
        found
    }

    /// Writes it beside the outputs.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn write(&self, out: &Path, clip: &ClipRow) -> kinescore::Result<()> {
        atomically(&out.join(&clip.files.result), |path| {
            fs::write(path, format!("{:#}\n", self.to_json(clip))).map_err(Error::output(path))
        })
    }

    /// Whether all outputs exist, unchanged.
    pub fn is_whole(&self, out: &Path) -> bool {
        let there = |(file, bytes): &(String, u64)| {
            fs::metadata(out.join(file)).is_ok_and(|m| m.is_file() && m.len() == *bytes)
        };
        self.fault.is_none() && self.outputs.iter().all(there)
    }

    /// Whether the outputs include everything that is requested of the clip.
    pub fn covers(&self, clip: &ClipRow) -> bool {
        clip.files
            .outputs()
            .all(|wanted| self.outputs.iter().any(|(file, _)| file == wanted))
    }

    /// The result as JSON, for both the result's file and reports.
    pub fn to_json(&self, clip: &ClipRow) -> Value {
        let outputs: Vec<Value> = self
            .outputs
            .iter()
            .map(|(file, bytes)| json!({ "file": file, "bytes": bytes }))
            .collect();
        let fault = self
            .fault
            .as_ref()
            .map(|fault| json!({ "code": fault.code, "sentence": fault.sentence, "lasting": fault.lasting }));
        json!({
            "format": FORMAT,
            "version": VERSION,
            "program": env!("CARGO_PKG_VERSION"),
            "name": clip.name,
            "status": if self.fault.is_none() { "done" } else { "failed" },
            "key": self.key,
            "path": self.about.path,
            "in": self.about.start,
            "out": self.about.end,
            "speed": self.about.speed,
            "marks": self.about.marks,
            "settings": self.about.settings,
            "outputs": outputs,
            "seconds": (self.seconds * 1000.0).round() / 1000.0,
            "attempts": self.attempts,
            "error": fault,
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        if value["format"] != FORMAT || value["version"] != VERSION {
            return None;
        }
        let output = |value: &Value| Some((value["file"].as_str()?.to_owned(), value["bytes"].as_u64()?));
        let outputs: Option<Vec<_>> = value["outputs"].as_array()?.iter().map(output).collect();
        let fault = &value["error"];
        let fault = match value["status"].as_str()? {
            "done" => None,
            "failed" => Some(ClipFault {
                code: u8::try_from(fault["code"].as_u64()?).ok()?,
                sentence: fault["sentence"].as_str()?.to_owned(),
                lasting: fault["lasting"].as_bool()?,
            }),
            _ => return None,
        };
        Some(Self {
            key: value["key"].as_str().map(str::to_owned),
            about: About::read(value)?,
            outputs: outputs?,
            seconds: value["seconds"].as_f64()?,
            attempts: value["attempts"].as_u64()?,
            fault,
        })
    }
}
