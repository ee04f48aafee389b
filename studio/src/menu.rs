//! The settings that the page offers, from the library's table.

use crate::request::DEVICE;
use crate::view;
use kinescore::Settings;
use kinescore::settings::{Kind, Setting, TABLE};
use serde_json::{Value, json};

/// A group of settings, and what the keys of its settings begin with.
const GROUPS: &[(&str, &[&str])] = &[
    ("pose", &["pose."]),
    ("beats", &["beats.", "tempo"]),
    ("hits", &["hits."]),
    ("drums", &["drums."]),
    ("music", &["music."]),
    ("sound", &["sound.", "original"]),
    ("midi", &["midi."]),
];

/// The group of the others.
const GENERAL: &str = "general";

/// All settings, with the values of `started_with`.
pub(crate) fn groups(started_with: &Settings) -> Value {
    let defaults = Settings::default();
    let names = [GENERAL].into_iter().chain(GROUPS.iter().map(|(name, _)| *name));
    let groups = names.map(|name| {
        let own = TABLE.iter().filter(|row| row.key != DEVICE && group(row.key) == name);
        json!({
            "name": name,
            "settings": own.map(|row| row_of(row, &defaults, started_with)).collect::<Vec<_>>(),
        })
    });
    json!({ "groups": groups.collect::<Vec<_>>() })
}

fn group(key: &str) -> &'static str {
    let found = GROUPS
        .iter()
        .find(|(_, beginnings)| beginnings.iter().any(|beginning| key.starts_with(beginning)));
    found.map_or(GENERAL, |(name, _)| *name)
}

fn row_of(row: &Setting, defaults: &Settings, started_with: &Settings) -> Value {
    // A limit beyond that is not one that anybody meets.
    let whole = |number: u64| (number <= view::EXACT).then_some(number);
    let (kind, least, most) = match row.kind {
        Kind::Choice(words) if words == ["on", "off"] || words == ["off", "on"] => ("switch", None, None),
        Kind::Choice(_) => ("choice", None, None),
        Kind::List(_) => ("list", None, None),
        Kind::Text(_) => ("text", None, None),
        Kind::Number { least, most } => ("number", Some(json!(least)), Some(json!(most))),
        Kind::Whole { least, most } | Kind::WholeOrAll { least, most } => {
            ("integer", Some(json!(least)), whole(most).map(Value::from))
        }
    };
    let words = row.words();
    json!({
        "key": row.key,
        "kind": kind,
        "words": (!words.is_empty()).then_some(words),
        "least": least,
        "most": most,
        "auto": row.auto,
        "default": defaults.get(row.key),
        "value": started_with.get(row.key),
        "help": row.help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_but_the_device_is_in_one_group() {
        let started_with = Settings::from_pairs([("drums.style", "funk")]).expect("settings");
        let groups = groups(&started_with);
        let groups = groups["groups"].as_array().expect("groups");
        assert!(
            groups
                .iter()
                .all(|group| group["settings"].as_array().is_some_and(|rows| !rows.is_empty()))
        );
        let rows: Vec<&Value> = groups
            .iter()
            .flat_map(|group| group["settings"].as_array().expect("rows"))
            .collect();
        assert_eq!(rows.len(), TABLE.len() - 1);
        let row = |key: &str| *rows.iter().find(|row| row["key"] == key).expect(key);
        let style = row("drums.style");
        assert_eq!((&style["kind"], &style["value"]), (&json!("choice"), &json!("funk")));
        assert_eq!(
            (&style["words"][0], &style["default"]),
            (&json!("auto"), &json!("auto"))
        );
        assert_eq!(
            (&row("seed")["kind"], &row("seed")["most"]),
            (&json!("integer"), &Value::Null)
        );
        assert_eq!(row("pose.person")["words"], json!(["auto", "all"]));
        assert_eq!(row("provenance")["kind"], "switch");
        assert_eq!(row("music.instruments")["kind"], "list");
        assert_eq!(row("music.chords")["words"], json!(["auto"]));
        assert_eq!(
            (&row("music.energy")["least"], &row("music.energy")["most"]),
            (&json!(0.0), &json!(1.0))
        );
        assert_eq!(group("tempo.min"), "beats");
    }
}
