//! Keys of results: two jobs with the same key give the same result, so that an existing one need
//! not be made again.

use super::cut::Cut;
use crate::settings::Settings;
use crate::time::Flicks;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Settings that do not change any result: networks give the same notes on any device.
const WITHOUT_EFFECT: &[&str] = &["device"];

/// Settings that affect only how notes sound or are written, not what is composed.
const OF_SOUND: &[&str] = &["sound.", "original", "drums.kit", "midi."];

/// Version of how rhythm, drums and music are made. To be raised with each change of code after
/// which the same poses, settings and models may give other beats, hits, chords or notes, so that
/// no result of an older build is taken from a cache; a change of a model needs none, for its hash
/// is in the key.
const COMPOSITION_VERSION: u32 = 2;

/// What a result is made of, as text that is hashed: a line for each thing, so that no two mean the same.
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
        // Values hold no line feed: escaped, so that none can look like another line.
        let _ = writeln!(self.0, "{name}={}", value.escape_default()); // a String takes everything
    }

    fn settings(&mut self, settings: &Settings, without: &[&str]) {
        for (key, value) in settings.to_map() {
            if !WITHOUT_EFFECT.contains(&key.as_str()) && !without.iter().any(|prefix| key.starts_with(prefix)) {
                self.add(&key, &value);
            }
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

/// Key of what is composed for the media from `analysed` (seconds) on, whatever is cut out of it: rhythm, drums, music.
pub(super) fn composition(
    media: &str,
    analysed: (f64, f64),
    settings: &Settings,
    models: &BTreeMap<String, String>,
) -> String {
    let mut recipe = Recipe::new("composition", media, COMPOSITION_VERSION);
    recipe.add("analysed", &format!("{} {}", analysed.0, analysed.1));
    recipe.settings(settings, OF_SOUND);
    recipe.models(models);
    recipe.key()
}

/// Key of the soundtrack of a cut, played with the SoundFont of that identity.
pub(super) fn soundtrack(
    media: &str,
    cut: Cut,
    settings: &Settings,
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
    recipe.settings(settings, &[]);
    recipe.models(models);
    recipe.add("sound font", sound_font);
    recipe.key()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Speed;

    fn key(media: &str, cut: Cut, settings: &Settings, font: &str) -> String {
        let models = BTreeMap::from([("pose".to_owned(), "ab12".to_owned())]);
        soundtrack(media, cut, settings, &models, font)
    }

    #[test]
    fn a_key_changes_with_all_that_is_heard_and_with_nothing_else() {
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
            // A soundtrack's files are kept together: with other notes in its MIDI file it is
            // another.
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

    #[test]
    fn what_is_composed_does_not_depend_on_how_it_sounds() {
        let models = BTreeMap::new();
        let key = |name: &str, value: &str, analysed| {
            let mut settings = Settings::default();
            settings.set(name, value).expect("a setting");
            composition("a", analysed, &settings, &models)
        };
        let plain = composition("a", (0.0, 60.0), &Settings::default(), &models);
        for (name, value) in [
            ("sound.rate", "96000"),
            ("original", "keep"),
            ("drums.kit", "jazz"),
            ("midi.tempo", "steady"),
            ("midi.drums", "per-drum"),
            ("device", "cpu"),
        ] {
            assert_eq!(key(name, value, (0.0, 60.0)), plain, "{name}");
        }
        for (name, value) in [
            ("seed", "9"),
            ("drums.style", "jazz"),
            ("music.key", "C"),
            ("pose.person", "2"),
        ] {
            assert_ne!(key(name, value, (0.0, 60.0)), plain, "{name}");
        }
        assert_ne!(key("seed", "1", (60.0, 60.0)), plain);
    }
}
