//! What is reported about a saved stage that cannot be read: the field, the value met and the
//! values allowed, in words of this program and not of the parser.

mod stages_support;

use serde_json::{Value, json};
use stages_support::{at, load, music, poses, refusal, score, with};

#[test]
fn text_that_is_not_a_saved_stage_is_called_what_it_is() {
    let choose = "; choose a file to which a stage was saved";
    let whole = music().to_string();
    let sentence = |reason: &str| format!("{reason}{choose}");
    for (text, expected) in [
        (String::new(), sentence("it is empty")),
        (
            "These are notes.".to_owned(),
            sentence(
                "it is not JSON: a value is expected here (JSON has no NaN, no Infinity and no comments) (line 1, column 1)",
            ),
        ),
        (
            "\u{0}\u{0}\u{0} ftypisom".to_owned(),
            sentence(
                "it is not JSON: a value is expected here (JSON has no NaN, no Infinity and no comments) (line 1, column 1)",
            ),
        ),
        (
            format!("{whole}\n{whole}"),
            sentence("it is not JSON: the text continues after its end (line 2, column 1)"),
        ),
        (
            "{}".to_owned(),
            sentence("it is JSON, but not a saved stage: it has no field 'format'"),
        ),
        (
            json!({"beats": [1, 2], "tempo": 120}).to_string(),
            sentence("it is JSON, but not a saved stage: it has no field 'format'"),
        ),
        (
            "[1, 2]".to_owned(),
            sentence("it is JSON, but not a saved stage: it has no field 'format'"),
        ),
        (
            with(music(), "format", "\"kinescore-batch\""),
            "format 'kinescore-batch' version 1; this program reads 'kinescore-stage' 1".to_owned(),
        ),
        (
            with(with_key(music(), "clip.start", "start"), "version", "2"),
            "version is 2; this program reads 1".to_owned(),
        ),
    ] {
        assert_eq!(refusal(&text, &text), expected, "{text:.60}");
    }
    let cut = refusal(&whole[..whole.len() / 2], "half a file");
    assert!(
        cut.contains("it is not whole JSON: the text ends too early (line 1, column "),
        "{cut}"
    );
    let comma = refusal(&whole.replacen(',', ";", 1), "a semicolon");
    assert!(
        comma.contains("it is not JSON: a comma or } is expected here (line 1, column "),
        "{comma}"
    );
}

/// A stage with text in place of a field.
fn with_key(mut file: Value, path: &str, word: &str) -> Value {
    *at(&mut file, path) = json!(word);
    file
}

#[test]
fn a_field_of_the_wrong_type_or_word_is_reported_with_those_allowed() {
    let long = format!("\"{}\"", "x".repeat(9_000));
    let shortened = format!("the text '{}…'", "x".repeat(80));
    for (file, path, value, expected) in [
        (music(), "rhythm.beats_per_bar", "255", "is 255; expected 3 to 4"),
        (music(), "rhythm.beats_per_bar", "256", "is 256; expected 3 to 4"),
        (
            music(),
            "rhythm.beats_per_bar",
            "3.5",
            "is 3.5; expected a whole number, 3 to 4",
        ),
        (
            music(),
            "rhythm.tempo",
            "1e300",
            "is 1e300 beats a minute; expected 10 to 600 beats a minute",
        ),
        (
            music(),
            "rhythm.tempo",
            "-1e999",
            "is a number too large to be read; expected a number, 10 to 600 beats a minute",
        ),
        (
            music(),
            "rhythm.tempo",
            "\"fast\\n\"",
            "is the text 'fast\\n'; expected a number, 10 to 600 beats a minute",
        ),
        (
            music(),
            "rhythm.source",
            "\"ears\"",
            "is the text 'ears'; expected network or motion",
        ),
        (music(), "rhythm.accents[1].kind", "7", "is 7; expected style or impact"),
        (
            music(),
            "music.key.mode",
            "{\"minor\": 5}",
            "is an object; expected major, minor, harmonic_minor, dorian, phrygian, lydian or mixolydian",
        ),
        (
            music(),
            "music.lines[0].instrument",
            "null",
            "is null; expected piano, guitar, bass, lead, pad or strings",
        ),
        (music(), "music.lines[0].notes", "7", "is 7; expected a list"),
        (
            music(),
            "music.lines[0].notes[0]",
            "[0, 4]",
            "is a list of 2; expected an object",
        ),
        (music(), "music", "[[]]", "is a list of 1; expected an object"),
        (
            music(),
            "drums.hits[0].class",
            "\"gong\"",
            "is the text 'gong'; expected kick, snare,",
        ),
        (music(), "clip.whole", "1", "is 1; expected true or false"),
        (
            music(),
            "clip.path",
            "[]",
            "is an empty list; expected the path of the clip as text",
        ),
        (
            music(),
            "stage",
            "\"dance\"",
            "is the text 'dance'; expected pose, rhythm, drums, music, score",
        ),
        (
            poses(),
            "clip.width",
            "4294967296",
            "is 4294967296; expected 16 to 16384 pixels",
        ),
        (
            poses(),
            "clip.width",
            "-1e300",
            "is -1e300; expected a whole number, 16 to 16384 pixels",
        ),
        (
            poses(),
            "poses.poses[7].joints[3]",
            "true",
            "is true; expected a number, -1000000 to 1000000 pixels",
        ),
        (score(), "score.parts[1].channel", "256", "is 256; expected 0 to 15"),
        (
            score(),
            "score.parts[1].volume",
            "\"loud\"",
            "is the text 'loud'; expected a number, -48 to 4 dB",
        ),
        (
            score(),
            "cut.speed",
            "[1]",
            "is a list of 1; expected a list of two whole numbers",
        ),
    ] {
        let reason = refusal(&with(file, path, value), path);
        assert!(
            reason.starts_with(&format!("{path} {expected}")),
            "{path} = {value}: {reason}"
        );
    }
    let reason = refusal(&with(music(), "rhythm.source", &long), "a long word");
    assert!(
        reason.starts_with(&format!("rhythm.source is {shortened}; expected")),
        "{reason}"
    );
}

#[test]
fn a_missing_field_is_reported_with_what_it_holds() {
    for (path, expected) in [
        (
            "rhythm.tempo",
            "rhythm.tempo is missing; expected a number, 10 to 600 beats a minute",
        ),
        ("clip", "clip is missing; expected an object"),
        ("drums.hits", "drums.hits is missing; expected a list"),
        ("music.key.mode", "music.key.mode is missing; expected major, minor,"),
    ] {
        let mut file = music();
        let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
        let parent = parents
            .split('.')
            .filter(|key| !key.is_empty())
            .fold(&mut file, |at, key| &mut at[key]);
        parent
            .as_object_mut()
            .expect("an object")
            .remove(name)
            .expect("a field");
        let reason = refusal(&file.to_string(), path);
        assert!(reason.starts_with(expected), "{reason}");
    }
    let twice = music().to_string().replacen("\"tempo\":", "\"tempo\":90,\"tempo\":", 1);
    let reason = refusal(&twice, "twice");
    assert!(
        reason.starts_with("rhythm.tempo appears twice; expected once"),
        "{reason}"
    );
}

/// The paths of everything in a file, down to each number and word.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    if !path.is_empty() {
        found.push(path.to_owned());
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate().take(2) {
                paths(item, &format!("{path}[{index}]"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                paths(field, &format!("{path}{dot}{name}"), found);
            }
        }
        _ => {}
    }
}

/// Words of the parser and of Rust.
const FOREIGN: [&str; 12] = [
    "invalid type",
    "invalid value",
    "invalid length",
    "unknown variant",
    "expected one of `",
    "integer `",
    "EOF",
    "struct ",
    "f64",
    "u8",
    "i32",
    "sequence",
];

#[test]
fn every_field_has_its_own_words() {
    let wrong = [
        "\"?\"",
        "null",
        "true",
        "-3.25e200",
        "99999999999",
        "[]",
        "[{}]",
        "{}",
        "{\"a\": 1}",
    ];
    for file in [poses(), music(), score()] {
        let mut all = Vec::new();
        paths(&file, "", &mut all);
        assert!(all.len() > 15, "{all:?}");
        for path in all {
            for value in wrong {
                let text = with(file.clone(), &path, value);
                let Err(error) = load(&text) else {
                    continue; // a text for a text, a list for a list
                };
                let reason = error.to_string();
                let reason = reason.split_once("stage.json: ").expect("the file's name").1;
                let foreign = FOREIGN.iter().find(|word| reason.contains(**word));
                assert_eq!(foreign, None, "{path} = {value}: {reason}");
                let is_clear = [
                    "expected ",
                    "must ",
                    "needed",
                    "this program reads",
                    "but it has no result",
                    "does not lie within",
                ];
                assert!(
                    is_clear.iter().any(|word| reason.contains(word)),
                    "{path} = {value}: {reason}"
                );
                assert!(reason.len() < 330, "{path} = {value}: {reason}");
            }
        }
    }
}
