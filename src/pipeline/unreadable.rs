//! Sentences for saved stages and marks that cannot be read: the field, the value met and the value expected,
//! in place of the parser's own words.

use super::fields::{FileKind, Form};
use crate::{shown, syntax};
use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_path_to_error::Segment;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// A text that was read, so that it can be read again.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    File(&'a Path),
    Text(&'a str),
}

/// Why a text of this kind cannot be read. It is read again for the value of the field.
pub(super) fn sentence(
    kind: &FileKind,
    given: Given<'_>,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> String {
    let keys: Vec<Key> = error.path().iter().filter_map(Key::of).collect();
    let fault = error.inner();
    let (values, is_json) = values(kind, given, &keys);
    // The parser also reports a value that is not a word where one is expected as not JSON.
    if !is_json && let Some(fault) = syntax_fault(kind, &keys, fault) {
        return fault;
    }
    if let Some(reason) = other_format(kind, given) {
        return reason;
    }
    let reason = syntax::reason(fault);
    let what = unknown(&keys, &reason)
        .or_else(|| first_wrong(kind, &keys, &values))
        .or_else(|| missing(kind, &keys, &reason))
        .unwrap_or_else(|| whole(kind, &keys, &reason));
    format!("{what} ({})", syntax::place(fault))
}

/// The sentence for text that is not JSON, or that a parser does not read.
pub(super) fn syntax_sentence(kind: &FileKind, error: &serde_json::Error) -> String {
    syntax::placed_fault(error).map_or_else(|| syntax::reason(error), |fault| format!("{fault}; {}", kind.choose))
}

fn syntax_fault(kind: &FileKind, keys: &[Key], error: &serde_json::Error) -> Option<String> {
    let fault = syntax::placed_fault(error)?;
    let path = path(keys);
    if error.classify() == Category::Io {
        return Some(fault);
    }
    if path.is_empty() {
        return Some(format!("{fault}; {}", kind.choose));
    }
    match (kind.form)(&pattern(keys)) {
        Some(allowed) if syntax::reason(error) == syntax::NUMBER_TOO_LARGE => Some(format!(
            "{path} is a number too large to be read; expected {allowed} ({})",
            syntax::place(error)
        )),
        _ => Some(format!("in {path}: {fault}")),
    }
}

/// The reason if a text is JSON, but of another format or version: its fields then have other
/// meanings.
pub(super) fn other_format(kind: &FileKind, given: Given<'_>) -> Option<String> {
    let FileKind {
        format,
        version,
        name,
        choose,
        ..
    } = kind;
    let value = |key: &str| values(kind, given, &[Key::Name(key.to_owned())]).0.into_iter().next();
    match value("format") {
        Some(Met::Text(met)) if met == *format => {}
        Some(met) => return Some(format!("format is {met}; expected '{format}'; {choose}")),
        None if too_deep(kind, given) => return Some(format!("{}; {choose}", syntax::TOO_DEEP)),
        None => {
            return Some(format!(
                "it is JSON, but not {name}: it has no field 'format'; {choose}"
            ));
        }
    }
    match value("version") {
        Some(Met::Whole(met)) if met == version.to_string() => None,
        Some(met) => Some(format!("version is {met}; this program reads {version}")),
        None => Some(format!("version is missing; expected {version}")),
    }
}

/// A field that does not exist where only known ones are allowed, named by the parser.
fn unknown(keys: &[Key], reason: &str) -> Option<String> {
    let (name, known) = reason.strip_prefix("unknown field `")?.split_once('`')?;
    let mut keys = keys.to_vec();
    // The path may already end with the field.
    if keys.last() != Some(&Key::Name(name.to_owned())) {
        keys.push(Key::Name(name.to_owned()));
    }
    let known = known.trim_start_matches(", ").replace('`', "");
    Some(format!("{} is not a field; {known}", path(&keys)))
}

/// A field that is missing or appears twice, named by the parser.
fn missing(kind: &FileKind, keys: &[Key], reason: &str) -> Option<String> {
    let named = |start: &str| reason.strip_prefix(start)?.split('`').next();
    let with = |name: &str| [keys, &[Key::Name(name.to_owned())]].concat();
    if let Some(name) = named("missing field `") {
        let keys = with(name);
        let allowed = (kind.form)(&pattern(&keys)).map(|form| format!("; expected {form}"));
        return Some(format!("{} is missing{}", path(&keys), allowed.unwrap_or_default()));
    }
    let name = named("duplicate field `")?;
    Some(format!("{} appears twice; expected once", path(&with(name))))
}

/// The first value on the way to the fault that does not have the form of its field.
fn first_wrong(kind: &FileKind, keys: &[Key], values: &[Met]) -> Option<String> {
    (1..=keys.len()).zip(values).find_map(|(length, met)| {
        let keys = &keys[..length];
        let form = (kind.form)(&pattern(keys))?;
        let fits = match form {
            Form::Object => matches!(met, Met::Object),
            Form::List => matches!(met, Met::List(_)),
            Form::Number { .. } | Form::Other(_) => false,
        };
        if fits {
            return None;
        }
        let allowed = match (&form, met) {
            (Form::Number { range, whole: true }, Met::Whole(_)) => range.clone(),
            (Form::Number { range, whole: false }, Met::Whole(_) | Met::Number(_)) => range.clone(),
            _ => form.to_string(),
        };
        Some(format!("{} is {met}; expected {allowed}", path(keys)))
    })
}

/// The reason for a type that is checked as a whole, which names the field within it.
fn whole(kind: &FileKind, keys: &[Key], reason: &str) -> String {
    let path = path(keys);
    if path.is_empty() {
        return format!("{reason}; {}", kind.choose);
    }
    if reason.split(' ').next().is_some_and(|word| word.contains('[')) {
        return format!("{path}.{reason}");
    }
    format!("{path}: {reason}")
}

/// A step on the path to a field.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Name(String),
    Index(usize),
}

impl Key {
    fn of(segment: &Segment) -> Option<Self> {
        match segment {
            Segment::Seq { index } => Some(Self::Index(*index)),
            Segment::Map { key } | Segment::Enum { variant: key } => Some(Self::Name(key.clone())),
            Segment::Unknown => None,
        }
    }
}

/// The path of a field, such as `rhythm.beats[12].time`.
fn path(keys: &[Key]) -> String {
    joined(keys, |index| index.to_string())
}

/// The path with `[]` for every index.
fn pattern(keys: &[Key]) -> String {
    joined(keys, |_| String::new())
}

fn joined(keys: &[Key], index: impl Fn(usize) -> String) -> String {
    keys.iter().fold(String::new(), |path, key| match key {
        Key::Name(name) if path.is_empty() => shown::text(name),
        Key::Name(name) => format!("{path}.{}", shown::text(name)),
        Key::Index(number) => format!("{path}[{}]", index(*number)),
    })
}

/// A value in a file, in words.
#[derive(Debug, PartialEq)]
enum Met {
    Null,
    Flag(bool),
    /// A whole number, as it is written.
    Whole(String),
    Number(f64),
    Text(String),
    List(usize),
    Object,
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(value) => write!(f, "{value}"),
            Self::Whole(digits) => f.write_str(digits),
            Self::Number(value) => f.write_str(&shown::number(*value)),
            Self::Text(text) => write!(f, "the text '{}'", shown::text(text)),
            Self::List(0) => f.write_str("an empty list"),
            Self::List(items) => write!(f, "a list of {items}"),
            Self::Object => f.write_str("an object"),
        }
    }
}

/// The values of a text on a path, from the first key on, as many as it has, and whether the whole
/// text is JSON.
fn values(kind: &FileKind, given: Given<'_>, keys: &[Key]) -> (Vec<Met>, bool) {
    let mut met = Vec::new();
    let mut walk = |text: &mut dyn Read| {
        let mut json = serde_json::Deserializer::from_reader(text);
        let read = Walk { keys, met: &mut met }.deserialize(&mut json);
        read.and_then(|()| json.end()).is_ok()
    };
    let is_json = match given {
        Given::File(path) => File::open(path).is_ok_and(|file| walk(&mut BufReader::new(file).take(kind.largest))),
        Given::Text(text) => walk(&mut text.as_bytes()),
    };
    // The first is the text's own.
    (met.into_iter().skip(1).collect(), is_json)
}

/// Whether lists and objects in a text are nested more deeply than a parser follows them. Skipped
/// values are not counted by the parser, so all are visited.
fn too_deep(kind: &FileKind, given: Given<'_>) -> bool {
    let fault = match given {
        Given::File(path) => match File::open(path) {
            Ok(file) => serde_json::from_reader::<_, Visited>(BufReader::new(file).take(kind.largest)).err(),
            Err(_) => None,
        },
        Given::Text(text) => serde_json::from_str::<Visited>(text).err(),
    };
    fault.is_some_and(|fault| syntax::is_too_deep(&fault))
}

/// A value of which every part is visited, and none kept.
struct Visited;

impl<'de> Deserialize<'de> for Visited {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Visited {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while fields.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// Reads one path of a file and skips everything else.
struct Walk<'a> {
    keys: &'a [Key],
    met: &'a mut Vec<Met>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl Walk<'_> {
    fn meets<E>(self, met: Met) -> Result<(), E> {
        self.met.push(met);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.meets(Met::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.meets(Met::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.meets(Met::Whole(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.meets(Met::Whole(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.meets(Met::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.meets(Met::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { keys, met } = self;
        let own = met.len();
        met.push(Met::List(0));
        let mut count = 0;
        loop {
            let next = match keys.split_first() {
                Some((Key::Index(index), keys)) if *index == count => {
                    items.next_element_seed(Walk { keys, met: &mut *met })?
                }
                _ => items.next_element::<IgnoredAny>()?.map(|_| ()),
            };
            if next.is_none() {
                break;
            }
            count += 1;
        }
        met[own] = Met::List(count);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self { keys, met } = self;
        met.push(Met::Object);
        let mut found = false;
        while let Some(name) = fields.next_key::<String>()? {
            match keys.split_first() {
                Some((Key::Name(wanted), keys)) if *wanted == name && !found => {
                    found = true;
                    fields.next_value_seed(Walk { keys, met: &mut *met })?;
                }
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
