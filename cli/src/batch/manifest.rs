//! The list of clips: CSV with a header, or one JSON object per line. All of it is checked before
//! anything is rendered.

use super::csv::{CsvFault, Records};
use super::object::{Distinct, twice};
use crate::exit::{self, Failure, INPUT};
use crate::{flags, units};
use kinescore::host::{json_fault, shown_count, shown_text as shown};
use kinescore::settings::{Setting, SettingsBuilder, TABLE};
use kinescore::{Cut, Error, Flicks, Marks, Settings};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Larger files are not lists of clips.
const LARGEST: u64 = 64 << 20;
/// Columns that a row may have in addition to settings.
const COLUMNS: [&str; 6] = ["path", "in", "out", "speed", "name", "marks"];
/// Those whose value is a text; of the others it may be a number.
const TEXTS: [&str; 3] = ["path", "name", "marks"];
/// Refers the user to the keys of settings.
const KEYS: &str = "the keys of settings (`kinescore settings` lists them)";
/// Maximum bytes of a name: most file systems allow 255 with all extensions.
const LONGEST_NAME: usize = 200;

/// One requested clip.
#[derive(Debug)]
pub struct Row {
    /// Line of the manifest, from 1.
    pub line: usize,
    /// The media's path as written in the manifest.
    pub path: String,
    /// The media.
    pub media: PathBuf,
    /// The part of it that is heard.
    pub cut: Cut,
    /// The file of marks as written in the manifest, if the row gives one.
    pub marks_file: Option<String>,
    /// Its marks.
    pub marks: Marks,
    /// The name for its files, if the row gives one.
    pub name: Option<String>,
    /// The settings: those of the command line, overridden by the row's own.
    pub settings: Settings,
    /// Keys of the row's own settings.
    pub own: Vec<String>,
}

/// The format and location of rows, for error messages.
pub struct Manifest<'a> {
    path: &'a Path,
    base: &'a Settings,
    /// What this format calls the name of a value.
    word: &'static str,
}

impl<'a> Manifest<'a> {
    /// Reads all rows; settings that a row does not give come from `base`.
    ///
    /// # Errors
    /// A failure with the code of bad input if the file cannot be read, and of wrong usage if it
    /// contains a value that is not allowed.
    pub fn read(path: &'a Path, base: &'a Settings) -> Result<(Self, Vec<Row>), Failure> {
        let text = read_text(path)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let json = text.trim_start().starts_with('{');
        let manifest = Self {
            path,
            base,
            word: if json { "key" } else { "column" },
        };
        let rows = if json { manifest.json(text) } else { manifest.csv(text) }?;
        if rows.is_empty() {
            return Err(unusable(path, "it lists no clip; expected at least one"));
        }
        Ok((manifest, rows))
    }

    /// The failure for a value that is not allowed.
    pub fn refuse(&self, line: usize, column: &str, value: &str, allowed: &str) -> Failure {
        self.wrong(line, column, &format!("'{}' is not allowed; {allowed}", shown(value)))
    }

    fn wrong(&self, line: usize, column: &str, what: &str) -> Failure {
        self.at(line, &format!(", {} '{}'", self.word, shown(column)), what)
    }

    fn at(&self, line: usize, place: &str, what: &str) -> Failure {
        Failure::usage(format!("{}: line {line}{place}: {what}", self.path.display()))
    }

    /// The failure for a media file that is missing.
    pub fn no_media(&self, row: &Row, why: &str) -> Failure {
        let what = format!(
            "'{}' cannot be read ({}: {why}); expected a video file, with a path relative to the manifest's folder",
            shown(&row.path),
            row.media.display()
        );
        Failure {
            code: INPUT,
            ..self.wrong(row.line, "path", &what)
        }
    }

    fn csv(&self, text: &str) -> Result<Vec<Row>, Failure> {
        let mut records = Records::new(text);
        let Some(header) = records.next() else {
            return Err(unusable(
                self.path,
                "it is empty; expected CSV with a header, or JSON lines",
            ));
        };
        let header = header.map_err(|fault| self.no_table(&[], &fault))?;
        self.check_header(header.line, &header.fields)?;
        let names = header.fields;
        records
            .map(|record| {
                let record = record.map_err(|fault| self.no_table(&names, &fault))?;
                if record.fields.len() != names.len() {
                    let values = shown_count(record.fields.len(), "value");
                    let what = format!("{values}; expected {}, one per column", names.len());
                    return Err(self.at(record.line, "", &what));
                }
                let cells = names.iter().map(String::as_str).zip(record.fields);
                self.row(record.line, cells.collect())
            })
            .collect()
    }

    fn no_table(&self, names: &[String], fault: &CsvFault) -> Failure {
        let place = match names.get(fault.field) {
            Some(name) => format!(", column '{}'", shown(name)),
            None => format!(", column {}", fault.field + 1),
        };
        self.at(fault.line, &place, fault.what)
    }

    fn check_header(&self, line: usize, names: &[String]) -> Result<(), Failure> {
        for (index, name) in names.iter().enumerate() {
            let place = format!(", column {}", index + 1);
            if names[..index].contains(name) {
                let what = format!("'{}' is named twice; each column may appear once", shown(name));
                return Err(self.at(line, &place, &what));
            }
            if !COLUMNS.contains(&name.as_str()) && !is_setting(name) {
                let allowed = format!("the columns are {} and {KEYS}{}", COLUMNS.join(", "), meant(name));
                let what = format!("'{}' is not a column; {allowed}", shown(name));
                return Err(self.at(line, &place, &what));
            }
        }
        if names.iter().any(|name| name == "path") {
            return Ok(());
        }
        Err(self.at(line, "", "no column 'path'; the header must name one"))
    }

    fn json(&self, text: &str) -> Result<Vec<Row>, Failure> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines.map(|(index, line)| self.json_row(index + 1, line)).collect()
    }

    fn json_row(&self, line: usize, text: &str) -> Result<Row, Failure> {
        let allowed = "expected one whole JSON object per line, such as {\"path\": \"walk.mp4\"}";
        let Distinct(value) = serde_json::from_str(text).map_err(|e| {
            if let Some(name) = twice(&e) {
                return self.wrong(line, &name, "it appears twice; expected once");
            }
            let fault = json_fault(&e).unwrap_or_else(|| e.to_string());
            self.at(
                line,
                &format!(", column {}", e.column()),
                &format!("{fault}; {allowed}"),
            )
        })?;
        let Value::Object(object) = value else {
            return Err(self.at(
                line,
                "",
                &format!("'{}' is not an object; {allowed}", shown(text.trim())),
            ));
        };
        let mut cells = Vec::new();
        for (key, value) in &object {
            match (key.as_str(), value) {
                ("settings", Value::Object(settings)) => cells.extend(self.json_settings(line, settings)?),
                ("settings", Value::Null) => {}
                ("settings", other) => {
                    let allowed = "expected an object, such as {\"drums.style\": \"funk\"}";
                    return Err(self.refuse(line, key, &other.to_string(), allowed));
                }
                (name, value) if COLUMNS.contains(&name) => cells.push((name, self.json_text(line, name, value)?)),
                (name, _) => {
                    let hint = if is_setting(name) {
                        "; settings belong in 'settings'"
                    } else {
                        ""
                    };
                    let what = format!("no such key; expected one of {}, settings{hint}", COLUMNS.join(", "));
                    return Err(self.wrong(line, name, &what));
                }
            }
        }
        self.row(line, cells)
    }

    fn json_settings<'t>(
        &self,
        line: usize,
        settings: &'t Map<String, Value>,
    ) -> Result<Vec<(&'t str, String)>, Failure> {
        let cell = |(key, value): (&'t String, &Value)| {
            if is_setting(key) {
                return Ok((key.as_str(), self.json_text(line, key, value)?));
            }
            Err(self.wrong(
                line,
                key,
                &format!("no such setting; expected one of {KEYS}{}", meant(key)),
            ))
        };
        settings.iter().map(cell).collect()
    }

    /// The value as text, as in a cell of a table; null becomes empty text.
    fn json_text(&self, line: usize, key: &str, value: &Value) -> Result<String, Failure> {
        let words = |list: &[Value]| {
            let words: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            words.filter(|words| !words.is_empty()).map(|words| words.join(","))
        };
        let text = match value {
            Value::Null => Some(String::new()),
            Value::String(text) => Some(text.clone()),
            // A path that is a number is more likely a mistake than a name.
            Value::Number(number) if !TEXTS.contains(&key) => Some(number.to_string()),
            Value::Array(list) if is_setting(key) => words(list),
            _ => None,
        };
        let allowed = if TEXTS.contains(&key) {
            "expected text in quotation marks"
        } else {
            "expected text or a number"
        };
        text.ok_or_else(|| self.refuse(line, key, &value.to_string(), allowed))
    }

    fn row(&self, line: usize, cells: Vec<(&str, String)>) -> Result<Row, Failure> {
        let mut row = Row {
            line,
            path: String::new(),
            media: PathBuf::new(),
            cut: Cut::default(),
            marks_file: None,
            marks: Marks::default(),
            name: None,
            settings: self.base.clone(),
            own: Vec::new(),
        };
        let mut settings = SettingsBuilder::from(self.base.clone());
        for (column, value) in cells.into_iter().filter(|(_, value)| !value.is_empty()) {
            self.cell(&mut row, &mut settings, column, value)?;
        }
        if row.path.is_empty() {
            return Err(self.refuse(line, "path", "", "expected the path of a video"));
        }
        row.media = self.path.with_file_name(&row.path);
        if let (Some(start), Some(end)) = (row.cut.start, row.cut.end)
            && start >= end
        {
            let allowed = format!("expected a time after that of 'in', {} s", start.seconds());
            return Err(self.refuse(line, "out", &end.seconds().to_string(), &allowed));
        }
        row.settings = settings.build().map_err(|error| self.setting(line, &error))?;
        Ok(row)
    }

    fn cell(&self, row: &mut Row, settings: &mut SettingsBuilder, column: &str, value: String) -> Result<(), Failure> {
        let line = row.line;
        let time = |text: &str| -> Result<Option<Flicks>, Failure> {
            let refuse = |allowed: String| self.refuse(line, column, text, &allowed);
            units::time(text).map(Some).map_err(refuse)
        };
        match column {
            "path" if value.chars().any(char::is_control) => {
                return Err(self.refuse(line, column, &value, "expected a path without control characters"));
            }
            "path" => row.path = value,
            "marks" => {
                row.marks = self.marks(line, &value)?;
                row.marks_file = Some(value);
            }
            "in" => row.cut.start = time(&value)?,
            "out" => row.cut.end = time(&value)?,
            "speed" => {
                let speed = value.parse();
                row.cut.speed = speed.map_err(|allowed: String| self.refuse(line, column, &value, &allowed))?;
            }
            "name" if !is_name(&value) => {
                let allowed = format!(
                    "expected a file name of at most {LONGEST_NAME} bytes, without '/' and control characters, that \
                     does not begin with a dot"
                );
                return Err(self.refuse(line, column, &value, &allowed));
            }
            "name" => row.name = Some(value),
            key => {
                let set = settings.set(key, &value);
                set.map_err(|error| self.setting(line, &error))?;
                row.own.push(key.to_owned());
            }
        }
        Ok(())
    }

    /// The marks of a file whose path is relative to the manifest's folder.
    fn marks(&self, line: usize, file: &str) -> Result<Marks, Failure> {
        let path = self.path.with_file_name(file);
        Marks::read(&path).map_err(|error| {
            let why = match &error {
                Error::Input { source, .. } => format!(
                    "'{}' cannot be read ({}: {source}); expected a file of marks, with a path relative to the manifest's \
                     folder",
                    shown(file),
                    path.display()
                ),
                other => other.to_string(),
            };
            Failure {
                code: exit::code(&error),
                ..self.wrong(line, "marks", &why)
            }
        })
    }

    fn setting(&self, line: usize, error: &Error) -> Failure {
        let Error::SettingValue {
            key,
            value,
            allowed,
            nearest,
        } = error
        else {
            return self.at(line, "", &error.to_string());
        };
        let nearest = nearest
            .as_ref()
            .map(|word| format!("; did you mean '{word}'?"))
            .unwrap_or_default();
        self.refuse(line, key, value, &format!("expected {allowed}{nearest}"))
    }
}

/// Whether this is allowed as the name of a clip's files.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c != '/' && !c.is_control();
    (1..=LONGEST_NAME).contains(&text.len()) && !text.starts_with('.') && text.chars().all(plain)
}

/// The folder of a file.
pub fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn is_setting(key: &str) -> bool {
    Setting::of(key).is_some()
}

/// A hint at the setting that was probably meant.
fn meant(met: &str) -> String {
    if met.contains([';', '\t']) {
        return "; columns are separated by commas".to_owned();
    }
    let by_flag = TABLE.iter().find(|setting| flags::flag_name(setting.key) == met);
    let key = by_flag
        .map(|setting| setting.key.to_owned())
        .or_else(|| match Settings::default().set(met, "") {
            Err(Error::UnknownSetting { nearest, .. }) => nearest,
            _ => None,
        });
    key.map(|key| format!("; did you mean '{key}'?")).unwrap_or_default()
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure {
        code: INPUT,
        message: format!("{}: not a list of clips: {why}", path.display()),
    }
}

fn read_text(path: &Path) -> Result<String, Failure> {
    crate::inputs::check(path)?;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(Error::input(path))?;
    if bytes.len() as u64 > LARGEST {
        return Err(unusable(path, "it is larger than the maximum of 64 MiB"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let (good, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        let before = &bytes[..good];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        let met = bytes.get(good).copied().unwrap_or_default();
        let why = format!("line {line}, byte {column}: 0x{met:02x} is not UTF-8; expected UTF-8");
        unusable(path, &why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinescore::Speed;
    use std::fs;

    fn read(text: &[u8]) -> Result<Vec<Row>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        fs::write(&path, text).expect("a manifest");
        let base = Settings::default();
        let name = |failure: Failure| failure.message.replace(path.to_str().expect("UTF-8"), "list");
        Manifest::read(&path, &base).map(|(_, rows)| rows).map_err(name)
    }

    #[test]
    fn both_forms_give_the_same_rows() {
        let csv = "\u{feff}path,in,out,speed,name,drums.style,seed\n\
                   a.mp4,0:01.5,3003/1000,150%,\"one, two\",funk,7\n/abs/b.mp4,,,,,,\n";
        let json = "{\"path\": \"a.mp4\", \"in\": 1.5, \"out\": \"3003/1000\", \"speed\": 1.5, \"name\": \"one, two\", \
                    \"settings\": {\"drums.style\": \"funk\", \"seed\": 7}}\n\n{\"path\": \"/abs/b.mp4\", \"in\": null}\n";
        for text in [csv, json] {
            let rows = read(text.as_bytes()).expect("a manifest");
            let [first, second] = rows.as_slice() else {
                panic!("two rows, not {rows:?}");
            };
            assert_eq!(first.path, "a.mp4");
            assert!(
                first.media.is_absolute() && first.media.ends_with("a.mp4"),
                "in the manifest's folder"
            );
            assert_eq!(first.cut.start.map(Flicks::seconds), Some(1.5));
            assert_eq!(first.cut.end, Flicks::from_ratio(3003, 1000));
            assert_eq!(Some(first.cut.speed), Speed::new(3, 2));
            assert_eq!(first.name.as_deref(), Some("one, two"));
            assert_eq!(
                (first.settings.seed(), first.settings.drums().style),
                (Some(7), Some("funk"))
            );
            assert_eq!(first.own, ["drums.style", "seed"]);
            assert_eq!(second.media, Path::new("/abs/b.mp4"));
            assert_eq!((second.cut, &second.name), (Cut::default(), &None));
            assert_eq!(second.settings, Settings::default());
        }
        let list =
            read(br#"{"path": "a.mp4", "settings": {"music.instruments": ["drums", "bass"]}}"#).expect("a manifest");
        assert_eq!(list[0].settings.get("music.instruments").as_deref(), Some("drums,bass"));
    }

    #[test]
    fn every_fault_is_reported_with_its_place() {
        for (text, message) in [
            (
                &b"path\n"[..],
                "list: not a list of clips: it lists no clip; expected at least one",
            ),
            (
                b"path,name\n\"a.mp4\n",
                "list: line 2, column 'path': a quotation mark is never closed; expected two, around the whole value",
            ),
            (
                b"path,name\na.mp4\n",
                "list: line 2: 1 value; expected 2, one per column",
            ),
            (
                b"path,in,in\n",
                "list: line 1, column 3: 'in' is named twice; each column may appear once",
            ),
            (b"in,out\n", "list: line 1: no column 'path'; the header must name one"),
            (
                b"path,in\n,1\n",
                "list: line 2, column 'path': '' is not allowed; expected the path of a video",
            ),
            (
                b"path,name\na,b/c\n",
                "list: line 2, column 'name': 'b/c' is not allowed; expected a file name of at most 200 bytes, without '/' and control characters, that does not begin with a dot",
            ),
            (
                b"path,in,out\na,2,1\n",
                "list: line 2, column 'out': '1' is not allowed; expected a time after that of 'in', 2 s",
            ),
            (
                b"path,tempo.min\na,170\n",
                "list: line 2, column 'tempo.min': '170' is not allowed; expected at most 135 (three quarters of tempo.max = 180)",
            ),
            (
                b"{\"path\": \"a\"}\n{\"path\": \"b\", \"speed\": [1]}\n",
                "list: line 2, key 'speed': '[1]' is not allowed; expected text or a number",
            ),
            (
                b"{\"path\": \"a\",\n",
                "list: line 1, column 13: it is not whole JSON: the text ends too early; expected one whole JSON object per line, such as {\"path\": \"walk.mp4\"}",
            ),
            (
                b"{\"path\": \"a\"}\n7\n",
                "list: line 2: '7' is not an object; expected one whole JSON object per line, such as {\"path\": \"walk.mp4\"}",
            ),
            (
                b"{\"path\": \"a\", \"seed\": 1}\n",
                "list: line 1, key 'seed': no such key; expected one of path, in, out, speed, name, marks, settings; settings belong in 'settings'",
            ),
            (
                b"{\"path\": 5}\n",
                "list: line 1, key 'path': '5' is not allowed; expected text in quotation marks",
            ),
            (
                b"{\"path\": \"a\", \"name\": 7}\n",
                "list: line 1, key 'name': '7' is not allowed; expected text in quotation marks",
            ),
            (
                b"{\"path\": \"a\"}\n{\"path\": \"a\", \"path\": \"b\"}\n",
                "list: line 2, key 'path': it appears twice; expected once",
            ),
            (
                b"{\"path\": \"a\", \"settings\": {\"seed\": 1, \"seed\": 1}}\n",
                "list: line 1, key 'seed': it appears twice; expected once",
            ),
            (
                b"{\"path\": \"a\", \"settings\": [1]}\n",
                "list: line 1, key 'settings': '[1]' is not allowed; expected an object, such as {\"drums.style\": \"funk\"}",
            ),
            (
                b"{\"path\": \"a\", \"settings\": {\"style\": 1}}\n",
                "list: line 1, key 'style': no such setting; expected one of the keys of settings (`kinescore settings` lists them); did you mean 'drums.style'?",
            ),
        ] {
            assert_eq!(read(text).expect_err("a fault"), message);
        }
        let long = format!("path,speed\na,{}\n", "9".repeat(500));
        let message = read(long.as_bytes()).expect_err("a fault");
        assert!(message.len() < 200 && message.contains("…"), "{message}");
        assert!(read(b"path\na\0b\n").expect_err("a fault").contains("'a\\u{0}b'"));
    }
}
