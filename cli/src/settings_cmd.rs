//! `kinescore settings`: the table of settings.

use crate::flags::{allowed, flag_name};
use kinescore::Settings;
use kinescore::settings::{Kind, Syntax, TABLE};
use serde_json::{Value, json};

/// The table as text.
pub fn table() -> String {
    let defaults = Settings::default();
    TABLE
        .iter()
        .map(|setting| {
            let allowed = allowed(setting);
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

/// The table as JSON: an array with one object per setting.
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
                Kind::Choice(_) => json!({ "type": "choice" }),
                Kind::List(_) => json!({ "type": "list" }),
                Kind::Text(Syntax::Key) => json!({ "type": "text", "syntax": "key" }),
                Kind::Text(Syntax::Chords) => json!({ "type": "text", "syntax": "chords" }),
                Kind::Number { least, most } => {
                    json!({ "type": "number", "least": least, "most": most })
                }
                Kind::Whole { least, most } | Kind::WholeOrAll { least, most } => {
                    json!({ "type": "whole", "least": least, "most": most })
                }
            };
            if let (Value::Object(row), Value::Object(kind)) = (&mut row, kind) {
                row.extend(kind);
                if !setting.kind.words().is_empty() {
                    row.insert("words".to_owned(), json!(setting.kind.words()));
                }
                row.insert("auto".to_owned(), Value::Bool(setting.auto));
                row.insert("allowed".to_owned(), Value::String(setting.allowed()));
            }
            row
        })
        .collect();
    format!("{:#}\n", Value::Array(rows))
}
