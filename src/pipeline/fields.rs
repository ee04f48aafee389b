//! The values that each field of a saved stage, or of a file of marks, may have, in words, for the messages about fields
//! that cannot be read. The checks themselves are in [`check`](super::check).

use crate::drums::DrumClass;
use crate::limits::{
    Allowed, BANKS, BAR_LENGTHS, BEATS_PER_BAR, CHANNELS, CLIP_LENGTHS, CLIP_STARTS, CURVE_RATES, CUTS, FRAME_RATES,
    FRAME_SIDES, JOINT_PLACES, LARGEST_MARKS_FILE, LARGEST_SAVED_FILE, LONGEST_CLIP, LONGEST_LABEL, MARK_TIMES,
    MIDI_VELOCITIES, MOVEMENTS, NOTE_LENGTHS, OFFSETS, PANS, PEOPLE, PITCH_CLASSES, SEVEN_BITS, SHARES, STEPS,
    STRENGTHS, TEMPI, TICKS, TIMES,
};
use crate::marks::HitAnswer;
use crate::progress::Stage;
use crate::rhythm::{AccentKind, BodyPart, ImpactKind, Source};
use crate::score::VOLUMES;
use crate::theory::{Instrument, Mode, Palette, Quality};
use crate::time::Speed;
use serde::de::{Deserialize, Deserializer, Visitor};
use std::fmt;

/// The value of `format`, which distinguishes saved stages from other JSON files.
pub(super) const FORMAT: &str = "kinescore-stage";

/// Raised when a file of an older version can no longer be read.
pub(super) const VERSION: u32 = 1;

/// A kind of file that is read field by field.
pub(super) struct FileKind {
    /// The value of `format`.
    pub format: &'static str,
    /// The version that is read.
    pub version: u32,
    /// What a file of another kind is not.
    pub name: &'static str,
    /// What to do about a file that is of another kind.
    pub choose: &'static str,
    /// Bytes that are read at most.
    pub largest: u64,
    /// What the field with a path holds; `[]` stands for any index.
    pub form: fn(&str) -> Option<Form>,
}

/// Files saved between stages.
pub(super) const STAGES: FileKind = FileKind {
    format: FORMAT,
    version: VERSION,
    name: "a saved stage",
    choose: "choose a file to which a stage was saved",
    largest: LARGEST_SAVED_FILE,
    form,
};

/// Files of marks.
pub(super) const MARKS: FileKind = FileKind {
    format: "kinescore-marks",
    version: 1,
    name: "marks",
    choose: "choose a file with marks",
    largest: LARGEST_MARKS_FILE,
    form: form_of_marks,
};

/// What a field holds.
#[derive(Debug, PartialEq)]
pub(super) enum Form {
    Object,
    List,
    /// A number, with its range, and whether it is a whole one.
    Number {
        range: String,
        whole: bool,
    },
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object => f.write_str("an object"),
            Self::List => f.write_str("a list"),
            Self::Number { range, whole: true } => write!(f, "a whole number, {range}"),
            Self::Number { range, .. } => write!(f, "a number, {range}"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

fn number(range: impl fmt::Display) -> Form {
    Form::Number {
        range: range.to_string(),
        whole: false,
    }
}

fn whole(range: impl fmt::Display) -> Form {
    Form::Number {
        range: range.to_string(),
        whole: true,
    }
}

fn other(words: &str) -> Form {
    Form::Other(words.to_owned())
}

/// What the field with this path holds; `[]` stands for any index. `None` for a field that saved
/// stages do not have.
fn form(path: &str) -> Option<Form> {
    if let Some(rest) = path.strip_prefix("marks.") {
        return form_of_mark(rest);
    }
    if let Some(rest) = path.strip_prefix("poses.others[]") {
        return match rest.strip_prefix('.') {
            Some(field) => form(&format!("poses.{field}")),
            None => Some(Form::Object),
        };
    }
    Some(match path {
        "format" => other(&format!("'{FORMAT}'")),
        "version" => other(&VERSION.to_string()),
        "stage" => words::<Stage>(),
        ""
        | "clip"
        | "cut"
        | "marks"
        | "poses"
        | "poses.poses[]"
        | "rhythm"
        | "rhythm.beats[]"
        | "rhythm.accents[]"
        | "rhythm.movement"
        | "rhythm.activation"
        | "rhythm.unmoved"
        | "drums"
        | "drums.hits[]"
        | "music"
        | "music.key"
        | "music.chords[]"
        | "music.chords[].chord"
        | "music.lines[]"
        | "music.lines[].notes[]"
        | "score"
        | "score.tempo_map"
        | "score.tempo_map.points[]"
        | "score.signatures[]"
        | "score.parts[]"
        | "score.parts[].notes[]" => Form::Object,
        "poses.cuts"
        | "poses.handovers"
        | "poses.poses"
        | "poses.poses[].joints"
        | "poses.others"
        | "rhythm.beats"
        | "rhythm.unmoved.times"
        | "rhythm.cuts"
        | "rhythm.accents"
        | "rhythm.movement.values"
        | "rhythm.activation.values"
        | "drums.beats"
        | "drums.hits"
        | "music.chords"
        | "music.lines"
        | "music.lines[].notes"
        | "score.tempo_map.points"
        | "score.signatures"
        | "score.parts"
        | "score.parts[].notes" => Form::List,
        "clip.path" => other("the path of the clip as text"),
        "clip.start" => number(CLIP_STARTS),
        "clip.duration" => number(CLIP_LENGTHS),
        "clip.width" | "clip.height" => whole(FRAME_SIDES),
        "clip.frame_rate" => number(FRAME_RATES),
        "clip.has_audio" | "clip.whole" => other("true or false"),
        "cut.start" | "cut.end" => whole(CUTS),
        "cut.speed" | "cut.speed[]" => other(&format!(
            "a list of two whole numbers, numerator and denominator, whose ratio is {}",
            Speed::ALLOWED
        )),
        "poses.people" => whole(PEOPLE),
        "poses.poses[].joints[]" => number(format_args!(
            "{JOINT_PLACES}, or {SHARES} for every third, a confidence"
        )),
        "poses.cuts[]"
        | "poses.handovers[]"
        | "rhythm.cuts[]"
        | "poses.poses[].time"
        | "rhythm.beats[].time"
        | "rhythm.unmoved.times[]"
        | "rhythm.accents[].time"
        | "drums.beats[]"
        | "score.tempo_map.points[].time" => number(TIMES),
        "rhythm.beats_per_bar" | "drums.beats_per_bar" => whole(BEATS_PER_BAR),
        "rhythm.beats[].number" | "drums.first_beat" => whole(Allowed::new(1, BEATS_PER_BAR.most(), "")),
        "rhythm.tempo" | "rhythm.unmoved.tempo" => number(TEMPI),
        "rhythm.confidence" | "rhythm.activation.values[]" => number(SHARES),
        "rhythm.movement.values[]" => number(MOVEMENTS),
        "rhythm.movement.rate" | "rhythm.activation.rate" => number(CURVE_RATES),
        "rhythm.accents[].strength" | "drums.hits[].velocity" | "music.lines[].notes[].velocity" => number(STRENGTHS),
        "rhythm.accents[].kind" => words::<AccentKind>(),
        "rhythm.accents[].part" => words::<BodyPart>(),
        "rhythm.accents[].impact" => words::<ImpactKind>(),
        "rhythm.source" => words::<Source>(),
        "drums.style" => other("the name of a style as text"),
        "drums.hits[].step" | "music.chords[].step" | "music.lines[].notes[].step" => whole(STEPS),
        "drums.hits[].class" => words::<DrumClass>(),
        "drums.hits[].offset" | "music.lines[].notes[].offset" => number(OFFSETS),
        "music.key.tonic" | "music.chords[].chord.root" => whole(PITCH_CLASSES),
        "music.key.mode" => words::<Mode>(),
        "music.palette" => words::<Palette>(),
        "music.chords[].chord.quality" => words::<Quality>(),
        "music.lines[].instrument" => words::<Instrument>(),
        "music.lines[].notes[].length" => whole(NOTE_LENGTHS),
        "music.lines[].notes[].pitch" | "score.parts[].notes[].pitch" | "score.parts[].program" => whole(SEVEN_BITS),
        "score.tempo_map.points[].tick" | "score.signatures[].tick" | "score.parts[].notes[].onset" => whole(TICKS),
        "score.parts[].notes[].ticks" => whole(Allowed::new(1, TICKS.most(), "")),
        "score.signatures[].beats" => whole(BAR_LENGTHS),
        "score.parts[].name" => other("text of 1 to 64 letters, digits and '-'"),
        "score.parts[].channel" => whole(CHANNELS),
        "score.parts[].bank" => whole(BANKS),
        "score.parts[].volume" => number(format_args!("{} to {} dB", VOLUMES.start(), VOLUMES.end())),
        "score.parts[].pan" => number(PANS),
        "score.parts[].notes[].velocity" => whole(MIDI_VELOCITIES),
        "score.duration" => number(Allowed::above(0.0, LONGEST_CLIP.seconds(), " s")),
        "score.start" => number(CLIP_STARTS),
        _ => return None,
    })
}

/// Like [`form`], for the fields of a file of marks.
fn form_of_marks(path: &str) -> Option<Form> {
    Some(match path {
        "" => Form::Object,
        "format" => other(&format!("'{}'", MARKS.format)),
        "version" => other(&MARKS.version.to_string()),
        _ => return form_of_mark(path),
    })
}

/// Like [`form`], for the fields of marks.
fn form_of_mark(path: &str) -> Option<Form> {
    Some(match path {
        "beats[]" | "hits[]" | "silences[]" | "accents" | "accents.moved[]" => Form::Object,
        "beats" | "hits" | "hits[].answer" | "silences" | "accents.removed" | "accents.moved" => Form::List,
        "beats[].time"
        | "hits[].time"
        | "silences[].from"
        | "silences[].to"
        | "accents.removed[]"
        | "accents.moved[].from"
        | "accents.moved[].to" => number(MARK_TIMES),
        "beats[].number" => other(&format!(
            "a whole number, {}, or 'downbeat'",
            Allowed::new(1, BEATS_PER_BAR.most(), "")
        )),
        "hits[].strength" => number(SHARES),
        "hits[].label" => other(&format!("text of at most {LONGEST_LABEL} characters")),
        "hits[].answer[]" => words::<HitAnswer>(),
        "tempo_factor" => other("0.5, 1 or 2"),
        _ => return None,
    })
}

/// The words of an enum, as its reader knows them: a list written here could differ from it.
fn words<'de, T: Deserialize<'de>>() -> Form {
    match T::deserialize(Asked) {
        Err(Answer(words)) => Form::Other(either(words)),
        Ok(_) => Form::Other("a word".to_owned()),
    }
}

/// `a, b or c`.
fn either(words: &[&str]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// A source of data that answers nothing but which words an enum has.
struct Asked;

/// The words of the enum that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("words: {0:?}")]
struct Answer(&'static [&'static str]);

impl serde::de::Error for Answer {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&["a word"])
    }
}

impl<'de> Deserializer<'de> for Asked {
    type Error = Answer;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answer> {
        Err(Answer(&["a word"]))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Answer> {
        Err(Answer(words))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_have_the_same_fields_in_a_stage_and_in_their_own_file() {
        for (path, expected) in [
            ("beats[].number", "a whole number, 1 to 4, or 'downbeat'"),
            ("hits[].answer[]", "drums, chord or stop"),
            ("accents.moved[].to", "a number, 0 to 1000000 s"),
        ] {
            let in_stage = form(&format!("marks.{path}")).map(|form| form.to_string());
            assert_eq!(in_stage.as_deref(), Some(expected), "{path}");
            assert_eq!(form_of_marks(path).map(|form| form.to_string()), in_stage, "{path}");
        }
        assert_eq!(
            form_of_marks("format").map(|form| form.to_string()).as_deref(),
            Some("'kinescore-marks'")
        );
    }

    #[test]
    fn forms_are_given_in_words() {
        for (path, expected) in [
            ("rhythm.accents[].kind", "style or impact"),
            ("music.lines[].instrument", "piano, guitar, bass, lead, pad or strings"),
            ("music.lines[].notes[].pitch", "a whole number, 0 to 127"),
            ("rhythm.beats_per_bar", "a whole number, 3 to 4"),
            ("poses.others[].poses[].time", "a number, -1 to 86401 s"),
            ("poses.others[]", "an object"),
            ("score.parts[].volume", "a number, -48 to 4 dB"),
            ("version", "1"),
        ] {
            assert_eq!(
                form(path).map(|form| form.to_string()).as_deref(),
                Some(expected),
                "{path}"
            );
        }
        assert_eq!(form("music.lines[].colour"), None);
    }
}
