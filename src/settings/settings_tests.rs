use super::*;
use crate::theory::Instrument;

#[test]
fn every_default_is_a_value_its_own_setting_accepts() {
    let defaults = Settings::default();
    let mut copy = defaults.clone();
    for setting in TABLE {
        let text = (setting.get)(&defaults);
        copy.set(setting.key, &text)
            .unwrap_or_else(|e| panic!("{}: {e}", setting.key));
    }
    assert_eq!(copy, defaults);
}

#[test]
fn every_word_of_every_choice_is_read_back() {
    for setting in TABLE {
        for word in setting.words() {
            let mut settings = Settings::default();
            settings.set(setting.key, word).expect("an allowed word");
            assert_eq!(settings.get(setting.key).as_deref(), Some(word), "{}", setting.key);
        }
    }
}

#[test]
fn errors_say_the_range_and_the_nearest_name() {
    let mut settings = Settings::default();
    let unknown = settings
        .set("drums.stile", "rock")
        .expect_err("no such key")
        .to_string();
    assert!(unknown.contains("drums.style"), "{unknown}");
    let range = settings.set("tempo.min", "5").expect_err("out of range").to_string();
    assert!(range.contains("40 to 240") && range.contains('5'), "{range}");
    let word = settings
        .set("drums.style", "jaz")
        .expect_err("no such style")
        .to_string();
    assert!(word.contains("did you mean 'jazz'"), "{word}");
    assert!(settings.set("seed", "-1").is_err());
    assert!(settings.set("sound.peak", "NaN").is_err());
    assert_eq!(settings, Settings::default());
}

#[test]
fn instruments_are_a_list_in_any_order_and_drums_may_be_left_out() {
    let mut settings = Settings::default();
    assert_eq!(settings.get("music.instruments").as_deref(), Some("auto"));
    settings
        .set("music.instruments", " bass, drums ,guitar")
        .expect("a list");
    assert_eq!(
        settings.music.instruments,
        Some(vec![Instrument::Guitar, Instrument::Bass])
    );
    assert_eq!(settings.get("music.instruments").as_deref(), Some("drums,guitar,bass"));
    settings.set("music.instruments", "bass").expect("a list");
    assert!(!settings.music.drums);
    let before = settings.clone();
    for (wrong, said) in [
        ("", "one or more of drums, piano, guitar, bass"),
        ("piano,,bass", "one or more of"),
        ("piano,piano", "each at most once"),
        ("drums,piono", "did you mean 'piano'?"),
        ("auto,bass", "auto, or one or more of"),
    ] {
        let error = settings.set("music.instruments", wrong).expect_err(wrong).to_string();
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(settings, before);
    for name in INSTRUMENTS.iter().filter(|name| **name != "drums") {
        assert!(Instrument::named(name).is_some(), "{name}");
    }
}

#[test]
fn keys_and_chords_are_read_and_given_back() {
    let mut settings = Settings::default();
    settings.set("music.key", "f# minor").expect_err("no capital letter");
    settings.set("music.key", "F#m").expect("a key");
    assert_eq!(settings.get("music.key").as_deref(), Some("F# minor"));
    settings.set("music.chords", "| Am7 F | C/E G7 |").expect("chords");
    assert_eq!(settings.get("music.chords").as_deref(), Some("Am F | C G7"));
    let map = settings.to_map();
    let mut copy = Settings::default();
    for (key, value) in &map {
        copy.set(key, value).expect("a value of the map");
    }
    assert_eq!(copy, settings);
    settings.set("music.key", "auto").expect("auto");
    settings.set("music.chords", "auto").expect("auto");
    assert_eq!(settings, Settings::default());
}

#[test]
fn a_wrong_chord_or_key_is_reported_with_its_position_and_the_allowed_values() {
    let mut settings = Settings::default();
    for (key, value, parts) in [
        (
            "music.chords",
            "Am Fmjaj7 C",
            &[
                "symbol 2 'Fmjaj7', character 6",
                "auto, or chords such as",
                "did you mean 'Fmaj7'?",
            ][..],
        ),
        (
            "music.chords",
            "Am F | H",
            &["symbol 3 'H', character 8", "capital letter A to G"],
        ),
        ("music.chords", "", &["no chord"]),
        (
            "music.key",
            "D dorain",
            &["character 3", "did you mean 'D dorian'?", "Eb major"],
        ),
        ("music.key", "atuo", &["did you mean 'auto'?"]),
        ("music.mood", "happy", &["auto|bright|dark|tense|calm"]),
        ("music.energy", "1.5", &["auto, or 0 to 1"]),
        ("music.temperature", "0", &["0.1 to 2"]),
    ] {
        let error = settings.set(key, value).expect_err(value).to_string();
        for part in parts {
            assert!(error.contains(part), "'{part}' is not in: {error}");
        }
    }
    assert_eq!(settings, Settings::default());
}

#[test]
fn auto_is_a_value_exactly_where_the_row_says_so() {
    for setting in TABLE {
        let mut settings = Settings::default();
        let taken = settings.set(setting.key, "auto").is_ok();
        assert_eq!(taken, setting.auto, "{}", setting.key);
        if let Kind::Choice(words) | Kind::List(words) = setting.kind {
            assert!(
                !words.contains(&"auto"),
                "{}: auto is not one of the words",
                setting.key
            );
        }
        let named = setting.allowed().starts_with("auto");
        assert_eq!(named, setting.auto, "{}: {}", setting.key, setting.allowed());
    }
}

#[test]
fn a_tempo_range_without_room_is_refused_when_it_is_set() {
    let mut settings = Settings::default();
    let error = settings.set("tempo.min", "170").expect_err("170 to 180").to_string();
    assert!(error.contains("135"), "{error}");
    assert_eq!(settings, Settings::default(), "nothing has changed");
    let error = Settings::from_pairs([("tempo.min", "170")]).expect_err("170 to 180");
    assert!(error.to_string().contains("135"), "{error}");
}

#[test]
fn values_that_only_fit_together_are_set_in_any_order() {
    let wanted = [("tempo.min", "170"), ("tempo.max", "240")];
    let settings = Settings::from_pairs(wanted).expect("they fit together");
    assert_eq!(
        settings,
        Settings::from_pairs(wanted.into_iter().rev()).expect("as before")
    );
    assert_eq!(
        (settings.rhythm.slowest.bpm(), settings.rhythm.fastest.bpm()),
        (170.0, 240.0)
    );
    let mut builder = SettingsBuilder::default();
    builder.set("tempo.min", "170").expect("in range");
    assert_eq!(builder.get("tempo.min").as_deref(), Some("170"));
    builder.build().expect_err("170 to 180");
    builder.set("tempo.max", "240").expect("in range");
    assert_eq!(builder.build().expect("170 to 240"), settings);
}

#[test]
fn a_typographic_minus_is_a_minus() {
    let loudness = |text| Settings::from_pairs([("sound.loudness", text)]).expect("a number");
    assert_eq!(loudness("\u{2212}20.5"), loudness("-20.5"));
    let refused = Settings::from_pairs([("sound.loudness", "\u{2212}3")]).expect_err("too loud");
    assert!(refused.to_string().contains("'\u{2212}3'"), "{refused}");
}
