//! `kinescore settings`: the table of settings.

use crate::flags::{allowed, flag_name};
use kinescore::Settings;
use kinescore::settings::{Kind, Syntax, TABLE};
use serde_json::{Value, json};

/// The table for people.
pub fn table() -> String {
    let defaults = Settings::default();
    TABLE
        .iter()
        .map(|setting| {
            let allowed = allowed(setting.kind);
            format!(
                "{} = {}\n    {}\n    allowed: {allowed}; flag: --{}\n",
                setting.key,
                defaults.get(setting.key).unwrap_or_default(),
                setting.help,
                flag_name(setting.key),
            )
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The table for programs: an array of one object a setting.
pub fn json() -> String {
    let defaults = Settings::default();
    let rows: Vec<Value> = TABLE
        .iter()
        .map(|setting| {
            let mut row = json!({
                "key": setting.key,
                "flag": format!("--{}", flag_name(setting.key)),
                "default": defaults.get(setting.key),
                "help": setting.help,
            });
            let kind = match setting.kind {
                Kind::Choice(words) | Kind::ChoiceOrAuto(words) => json!({ "type": "choice", "words": words }),
                Kind::List(words) => json!({ "type": "list", "words": words }),
                Kind::TextOrAuto(Syntax::Key) => json!({ "type": "text", "syntax": "key" }),
                Kind::TextOrAuto(Syntax::Chords) => json!({ "type": "text", "syntax": "chords" }),
                Kind::Number { least, most } | Kind::NumberOrAuto { least, most } => {
                    json!({ "type": "number", "least": least, "most": most })
                }
                Kind::Whole { least, most } | Kind::WholeOrAll { least, most } => {
                    json!({ "type": "whole", "least": least, "most": most })
                }
            };
            if let (Value::Object(row), Value::Object(kind)) = (&mut row, kind) {
                row.extend(kind);
                row.insert("auto".to_owned(), Value::Bool(setting.kind.has_auto()));
                row.insert("allowed".to_owned(), Value::String(setting.kind.allowed()));
            }
            row
        })
        .collect();
    format!("{:#}\n", Value::Array(rows))
}
