//! What the page asks for: read, and checked before anything is changed.

use crate::answer::Refusal;
use crate::session::Request;
use kinescore::{Marks, Settings};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::Path;

/// The setting that is the program's own matter.
pub(crate) const DEVICE: &str = "device";

/// `api/render`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenderBody {
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    marks: Option<Map<String, Value>>,
    #[serde(default)]
    new_take: bool,
}

/// `api/person`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Click {
    pub time: f64,
    pub x: f32,
    pub y: f32,
}

/// Reads a body.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    // An object first: a list would be taken for the fields in their order.
    let read = serde_json::from_slice(body).map(Value::Object);
    read.and_then(serde_json::from_value)
        .map_err(|e| Refusal::bad(format!("the body cannot be used: {e}; send a JSON object")))
}

/// The soundtrack that is asked for. Settings that are not sent have their defaults; the device is
/// that of `started_with`.
pub(crate) fn render(body: &[u8], started_with: &Settings) -> Result<Request, Refusal> {
    let body: RenderBody = read(body)?;
    Ok(Request {
        settings: settings(body.settings, started_with)?,
        marks: body.marks.map(marks).transpose()?.unwrap_or_default(),
        new_take: body.new_take,
        job: None,
    })
}

fn settings(sent: Map<String, Value>, started_with: &Settings) -> Result<Settings, Refusal> {
    let mut pairs = vec![(DEVICE.to_owned(), started_with.get(DEVICE).unwrap_or_default())];
    for (key, value) in sent {
        if key == DEVICE {
            return Err(Refusal::bad("the device is chosen when the program is started").at(key));
        }
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            other => {
                let sentence = format!("setting {key} = {other}: expected its value as text, such as \"auto\"");
                return Err(Refusal::bad(sentence).at(key));
            }
        };
        pairs.push((key, text));
    }
    Ok(Settings::from_pairs(pairs)?)
}

fn marks(mut fields: Map<String, Value>) -> Result<Marks, Refusal> {
    // What makes a file recognisable may be left out where nothing else can be meant.
    let plain = Marks::default().to_json()?;
    if let Ok(Value::Object(plain)) = serde_json::from_str(&plain) {
        for key in ["format", "version"] {
            if let (false, Some(value)) = (fields.contains_key(key), plain.get(key)) {
                fields.insert(key.to_owned(), value.clone());
            }
        }
    }
    Ok(Marks::from_json(
        &Value::Object(fields).to_string(),
        Path::new("marks"),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(body: Value) -> Result<Request, Refusal> {
        render(body.to_string().as_bytes(), &Settings::default())
    }

    #[track_caller]
    fn refused(body: Value) -> (String, Option<String>) {
        let refusal = asked(body).err().expect("a refusal");
        let (status, sentence, field) = refusal.parts();
        assert_eq!(status, 400);
        (sentence.to_owned(), field.map(str::to_owned))
    }

    #[test]
    fn what_is_not_sent_has_its_default() {
        let request = asked(json!({})).expect("everything has a default");
        assert_eq!(request.settings, Settings::default());
        assert!(request.marks.is_empty() && !request.new_take);
        let cpu = Settings::from_pairs([("device", "cpu"), ("seed", "3")]).expect("settings");
        let request = render(b"{}", &cpu).expect("a request");
        assert_eq!(
            (request.settings.device(), request.settings.seed()),
            (cpu.device(), None)
        );
    }

    #[test]
    fn settings_and_marks_are_read() {
        let request = asked(json!({
            "settings": {"drums.style": "funk", "seed": 5, "music.energy": "0.5"},
            "marks": {"beats": [{"time": 1.25, "number": "downbeat"}]},
            "new_take": true,
        }))
        .expect("a request");
        assert_eq!(request.settings.seed(), Some(5));
        assert_eq!(request.settings.drums().style, Some("funk"));
        assert_eq!((request.marks.beats.len(), request.new_take), (1, true));
        let again = asked(
            json!({"marks": serde_json::from_str::<Value>(&request.marks.to_json().expect("text")).expect("JSON")}),
        );
        assert_eq!(again.expect("its own marks").marks, request.marks);
    }

    #[test]
    fn what_is_not_allowed_is_refused_with_its_field() {
        let (sentence, field) = refused(json!({"settings": {"drums.style": "polka"}}));
        assert!(sentence.contains("drums.style = 'polka': expected auto"), "{sentence}");
        assert_eq!(field.as_deref(), Some("drums.style"));
        for (settings, named) in [
            (json!({"drums.stile": "rock"}), "drums.stile"),
            (json!({"device": "cuda"}), "device"),
            (json!({"seed": null}), "seed"),
            (json!({"tempo.min": "170"}), "tempo.min"),
        ] {
            let (_, field) = refused(json!({ "settings": settings }));
            assert_eq!(field.as_deref(), Some(named));
        }
        let (sentence, field) = refused(json!({"marks": {"hits": [{"time": -1}]}}));
        assert!(sentence.contains("hits[0].time"), "{sentence}");
        assert_eq!(field.as_deref(), Some("marks"));
        refused(json!({"marks": {"version": 2}}));
        for body in [
            json!([]),
            json!({"mark": {}}),
            json!({"settings": "rock"}),
            json!({"marks": []}),
        ] {
            assert_eq!(refused(body).1, None);
        }
        assert!(render(b"", &Settings::default()).is_err() && render(b"{", &Settings::default()).is_err());
    }
}
