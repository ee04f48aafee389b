//! Keys of results: two jobs with the same key give the same result, so an existing one can be
//! reused.

use super::cut::Cut;
use crate::marks::Marks;
use crate::settings::{Effect, Settings, TABLE};
use crate::time::Flicks;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Version of the composition of rhythm, drums and music. Must be raised with each change of code
/// after which the same poses, settings and models may give other beats, hits, chords or notes, so
/// that a result of an older build is never taken from a cache. A change of a model does not need
/// it, since its hash is in the key.
const COMPOSITION_VERSION: u32 = 5;

/// The inputs of a result, as text that is hashed: one line per input, so that different inputs
/// give different texts.
struct Recipe(String);

impl Recipe {
    fn new(kind: &str, media: &str, composition: u32) -> Self {
        let mut recipe = Self(String::new());
        recipe.add("kind", kind);
        recipe.add("version", env!("CARGO_PKG_VERSION"));
        recipe.add("composition version", &composition.to_string());
        recipe.add("media", media);
        recipe
    }

    fn add(&mut self, name: &str, value: &str) {
        // Values are escaped and hold no line feed, so none can look like another line.
        let _ = writeln!(self.0, "{name}={}", value.escape_default()); // a String takes everything
    }

    /// Adds the settings with such effects.
    fn settings(&mut self, settings: &Settings, counts: impl Fn(Effect) -> bool) {
        let values = settings.to_map();
        let relevant = |key: &str| TABLE.iter().any(|row| row.key == key && counts(row.effect));
        for (key, value) in values.iter().filter(|(key, _)| relevant(key)) {
            self.add(key, value);
        }
    }

    /// Adds marks, if there are any: without them, a key is the one that it was before there were
    /// marks.
    fn marks(&mut self, marks: &Marks) {
        if !marks.is_empty() {
            // Numbers are written with all their bits, and names of fields are unique.
            let text = serde_json::to_string(&marks.without_labels()).unwrap_or_default();
            self.add("marks", &text);
        }
    }

    fn models(&mut self, models: &BTreeMap<String, String>) {
        for (name, hash) in models {
            self.add(&format!("model.{name}"), hash);
        }
    }

    fn key(self) -> String {
        Sha256::digest(self.0).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Key of the composition (rhythm, drums, music) for the media from `analysed` (seconds) on;
/// independent of the cut.
pub(super) fn composition(
    media: &str,
    analysed: (f64, f64),
    settings: &Settings,
    marks: &Marks,
    models: &BTreeMap<String, String>,
) -> String {
    let mut recipe = Recipe::new("composition", media, COMPOSITION_VERSION);
    recipe.add("analysed", &format!("{} {}", analysed.0, analysed.1));
    recipe.settings(settings, |effect| matches!(effect, Effect::Notes(_)));
    recipe.marks(&marks.of_rhythm());
    recipe.models(models);
    recipe.key()
}

/// Key of the soundtrack of a cut, played with the SoundFont of the given identity.
pub(super) fn soundtrack(
    media: &str,
    cut: Cut,
    settings: &Settings,
    marks: &Marks,
    models: &BTreeMap<String, String>,
    sound_font: &str,
) -> String {
    let mut recipe = Recipe::new("soundtrack", media, COMPOSITION_VERSION);
    recipe.add("start", &cut.start.unwrap_or(Flicks::ZERO).0.to_string());
    // The media's own end is its real end, not an announced number.
    recipe.add(
        "end",
        &cut.end.map_or_else(|| "media".to_owned(), |end| end.0.to_string()),
    );
    recipe.add("speed", &cut.speed.to_string());
    recipe.settings(settings, |effect| effect != Effect::Way);
    recipe.marks(marks);
    recipe.models(models);
    recipe.add("sound font", sound_font);
    recipe.key()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Stage;
    use crate::settings::{Kind, Setting, Syntax};
    use crate::time::Speed;

    fn key(media: &str, cut: Cut, settings: &Settings, font: &str) -> String {
        let models = BTreeMap::from([("pose".to_owned(), "ab12".to_owned())]);
        soundtrack(media, cut, settings, &Marks::default(), &models, font)
    }

    #[test]
    fn a_key_changes_with_everything_audible_and_with_nothing_else() {
        let plain = Settings::default();
        let with = |name: &str, value: &str| {
            let mut settings = Settings::default();
            settings.set(name, value).expect("a setting");
            settings
        };
        let cut = |start, end, speed| Cut {
            start,
            end,
            speed: Speed::new(speed, 1).expect("a speed"),
        };
        let whole = Cut::default();
        let first = key("a", whole, &plain, "f");
        assert_eq!(first.len(), 64);
        assert_eq!(first, key("a", whole, &plain, "f"));
        assert_eq!(first, key("a", whole, &with("device", "cpu"), "f"));
        assert_eq!(
            first,
            key("a", cut(Some(Flicks::ZERO), None, 1), &plain, "f"),
            "the same start, named"
        );
        let others = [
            key("b", whole, &plain, "f"),
            key("a", whole, &plain, "g"),
            key("a", whole, &with("seed", "9"), "f"),
            key("a", whole, &with("sound.rate", "44100"), "f"),
            // A soundtrack's files belong together: with other notes in its MIDI file it is another
            // soundtrack.
            key("a", whole, &with("midi.drums", "per-drum"), "f"),
            key("a", cut(Some(Flicks(1)), None, 1), &plain, "f"),
            key("a", cut(None, Some(Flicks(7)), 1), &plain, "f"),
            key("a", cut(None, None, 2), &plain, "f"),
            key("a\nversion=x", whole, &plain, "f"),
        ];
        for (index, other) in others.iter().enumerate() {
            assert!(*other != first && !others[..index].contains(other), "{index}");
        }
    }

    #[test]
    fn results_of_an_older_way_of_composing_have_other_keys() {
        for kind in ["composition", "soundtrack"] {
            let key = |version| Recipe::new(kind, "a", version).key();
            assert_eq!(
                key(COMPOSITION_VERSION),
                Recipe::new(kind, "a", COMPOSITION_VERSION).key()
            );
            assert_ne!(key(COMPOSITION_VERSION), key(COMPOSITION_VERSION - 1));
        }
    }

    /// A value that differs from the default.
    fn another(setting: &Setting) -> String {
        let default = Settings::default().get(setting.key).expect("a setting");
        let mut values = setting.words().into_iter().map(str::to_owned).collect::<Vec<_>>();
        match setting.kind {
            Kind::Number { least, most } => values.push((least + 0.4 * (most - least)).to_string()),
            Kind::Whole { least, .. } | Kind::WholeOrAll { least, .. } => values.push((least + 2).to_string()),
            Kind::Text(Syntax::Key) => values.push("D".to_owned()),
            Kind::Text(Syntax::Chords) => values.push("Am F".to_owned()),
            Kind::Choice(_) | Kind::List(_) => {}
        }
        let taken = |value: &String| Settings::default().set(setting.key, value).is_ok();
        let other = values.into_iter().find(|value| *value != default && taken(value));
        other.unwrap_or_else(|| panic!("{}: no other value is known to this test", setting.key))
    }

    #[test]
    fn a_setting_changes_the_keys_named_in_its_row() {
        let models = BTreeMap::new();
        let none = Marks::default();
        let composed = |settings: &Settings| composition("a", (0.0, 60.0), settings, &none, &models);
        let heard = |settings: &Settings| key("a", Cut::default(), settings, "f");
        let plain = Settings::default();
        for setting in TABLE {
            let value = another(setting);
            let changed = Settings::from_pairs([(setting.key, &value)]).expect("a value");
            let name = format!("{} = {value}", setting.key);
            let (notes, sound) = (
                matches!(setting.effect, Effect::Notes(_)),
                setting.effect != Effect::Way,
            );
            assert_eq!(composed(&changed) != composed(&plain), notes, "{name}");
            assert_eq!(heard(&changed) != heard(&plain), sound, "{name}");
        }
        let later = composition("a", (60.0, 60.0), &plain, &none, &models);
        assert_ne!(later, composed(&plain));
    }

    #[test]
    fn marks_change_the_keys_of_what_they_change() {
        let (settings, models) = (Settings::default(), BTreeMap::new());
        let keys = |marks: &str| {
            let marks: Marks = serde_json::from_str(marks).expect("marks");
            let composed = composition("a", (0.0, 60.0), &settings, &marks, &models);
            (
                composed,
                soundtrack("a", Cut::default(), &settings, &marks, &models, "f"),
            )
        };
        let none = keys("{}");
        let (beat, later) = (
            keys(r#"{"beats": [{"time": 1}]}"#),
            keys(r#"{"beats": [{"time": 1.0000000001}]}"#),
        );
        assert!(beat.0 != none.0 && beat.1 != none.1 && later.0 != beat.0 && later.1 != beat.1);
        for marks in [
            r#"{"tempo_factor": 2}"#,
            r#"{"accents": {"removed": [1]}}"#,
            r#"{"accents": {"moved": [{"from": 1, "to": 2}]}}"#,
        ] {
            assert!(keys(marks).0 != none.0 && keys(marks).1 != none.1, "{marks}");
        }
        // Hits and silences are arranged after the composition; labels are not heard.
        let hit = keys(r#"{"hits": [{"time": 1}]}"#);
        assert!(hit.0 == none.0 && hit.1 != none.1);
        assert_eq!(keys(r#"{"hits": [{"time": 1, "label": "jump"}]}"#), hit);
        assert_ne!(keys(r#"{"hits": [{"time": 1, "strength": 0.5}]}"#).1, hit.1);
        let silence = keys(r#"{"silences": [{"from": 1, "to": 2}]}"#);
        assert!(silence.0 == none.0 && silence.1 != none.1);
    }

    /// Must be extended with each new setting, so that the effect in its row is decided and not
    /// copied from the row above. If a setting is missing from `Notes`, the cache returns notes
    /// from before its change.
    #[test]
    fn the_effect_of_each_setting_was_decided() {
        let of = |counts: &dyn Fn(Effect) -> bool| -> Vec<(&str, Option<Stage>)> {
            let rows = TABLE.iter().filter(|row| counts(row.effect));
            rows.map(|row| (row.key, row.effect.last_stage())).collect()
        };
        let stages = |decided: &[(&'static str, Stage)]| -> Vec<(&str, Option<Stage>)> {
            decided.iter().map(|(key, stage)| (*key, Some(*stage))).collect()
        };
        assert_eq!(
            of(&|effect| effect == Effect::Way),
            [("device", None), ("device.networks", None)]
        );
        let sound = [
            ("hits.from_cuts", Stage::Score),
            ("drums.kit", Stage::Score),
            ("sound.rate", Stage::Audio),
            ("sound.loudness", Stage::Audio),
            ("sound.peak", Stage::Audio),
            ("original", Stage::Export),
            ("midi.tempo", Stage::Export),
            ("midi.drums", Stage::Export),
            ("provenance", Stage::Export),
        ];
        assert_eq!(of(&|effect| matches!(effect, Effect::Sound(_))), stages(&sound));
        let notes = [
            ("seed", Stage::Music),
            ("pose.quality", Stage::Pose),
            ("pose.rate", Stage::Pose),
            ("pose.person", Stage::Pose),
            ("beats.source", Stage::Rhythm),
            ("tempo.min", Stage::Rhythm),
            ("tempo.max", Stage::Rhythm),
            ("tempo", Stage::Rhythm),
            ("beats.per_bar", Stage::Rhythm),
            ("drums.style", Stage::Drums),
            ("drums.temperature", Stage::Drums),
            ("drums.top_p", Stage::Drums),
            ("drums.follow", Stage::Score),
            ("music.instruments", Stage::Score),
            ("music.palette", Stage::Music),
            ("music.mood", Stage::Music),
            ("music.key", Stage::Music),
            ("music.chords", Stage::Music),
            ("music.energy", Stage::Music),
            ("music.temperature", Stage::Music),
            ("music.top_p", Stage::Music),
        ];
        assert_eq!(of(&|effect| matches!(effect, Effect::Notes(_))), stages(&notes));
    }
}
