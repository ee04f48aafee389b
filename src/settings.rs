//! What a user may choose. One table of settings serves the command line, editors and saved files.
//!
//! A value is checked when it is [set](Settings::set); a [`Settings`] that exists is right by construction.

use crate::error::{Error, Result};
use crate::limits::ASKED_TEMPI;
use crate::music::Instrument;
use crate::score::chord::{Key, Misread, Progression};
use crate::time::{Rate, Tempo};
use std::collections::BTreeMap;

/// Everything a user may choose, by stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What models run on.
    pub device: Device,
    /// Seed of every random choice.
    pub seed: u64,
    /// How poses are found.
    pub pose: PoseSettings,
    /// How beats are found.
    pub rhythm: RhythmSettings,
    /// How drums are played.
    pub drums: DrumSettings,
    /// What the other instruments play.
    pub music: MusicSettings,
    /// How it sounds.
    pub sound: SoundSettings,
    /// How MIDI files are written.
    pub midi: MidiSettings,
}

/// What the models run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// CUDA where it works, else the CPU with a warning that says why.
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA, or an error that says why not.
    Cuda,
}

/// Settings of the pose stage.
#[derive(Debug, Clone, PartialEq)]
pub struct PoseSettings {
    /// Which landmark model.
    pub quality: PoseQuality,
    /// Poses a second at most; the video's own rate where that is lower.
    pub rate: Rate,
    /// Which person, numbered from 1 by how much they move and how large they are; `None`: the first.
    pub person: Option<usize>,
}

/// Which landmark model finds the joints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoseQuality {
    /// BlazePose full.
    Normal,
    /// BlazePose heavy: more exact, four times slower.
    High,
}

/// Settings of the rhythm stage.
#[derive(Debug, Clone, PartialEq)]
pub struct RhythmSettings {
    /// Where the beat activation comes from.
    pub source: BeatSource,
    /// Slowest tempo looked for.
    pub slowest: Tempo,
    /// Fastest tempo looked for.
    pub fastest: Tempo,
    /// A tempo fixed by the user: only its phase is searched, and a clip without enough movement is accepted.
    pub tempo: Option<Tempo>,
    /// Beats in a bar, 3 or 4; `None`: found from the movement.
    pub beats_per_bar: Option<u8>,
}

/// Where the beat activation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatSource {
    /// Both; the network's beats are taken unless the other is clearly more confident.
    Auto,
    /// The learned network.
    Network,
    /// Signal processing on the movement itself.
    Motion,
}

/// Settings of the drum stage.
#[derive(Debug, Clone, PartialEq)]
pub struct DrumSettings {
    /// Playing style, one of [`STYLES`]; `None`: chosen from tempo and movement.
    pub style: Option<&'static str>,
    /// Softmax temperature of the sampling.
    pub temperature: f64,
    /// Nucleus of the sampling: the least set of words with this probability in all.
    pub top_p: f64,
    /// Guidance toward the movement: 1 samples from the model, above 1 follows accents and energy more closely.
    pub follow: f64,
    /// Drum kit, one of [`KITS`]; `None`: chosen from the style.
    pub kit: Option<&'static str>,
}

/// Settings of the melodic instruments and of the harmony that they share.
#[derive(Debug, Clone, PartialEq)]
pub struct MusicSettings {
    /// Whether the drums sound. They are composed in any case, since the others play with them.
    pub drums: bool,
    /// The melodic instruments that sound, each once, in the order of [`INSTRUMENTS`]; none: drums alone.
    pub instruments: Vec<Instrument>,
    /// Mood, which the mode of the key comes from; `None`: chosen from tempo, style and movement.
    pub mood: Option<Mood>,
    /// Key; `None`: chosen by mood and seed, or the one that fits `chords` best.
    pub key: Option<Key>,
    /// Chords that are played over and over; `None`: composed.
    pub chords: Option<Progression>,
    /// How lively the instruments play, 0 to 1, whatever the movement does; `None`: as lively as the movement.
    pub energy: Option<f64>,
    /// Softmax temperature of the sampling.
    pub temperature: f64,
    /// Nucleus of the sampling: the least set of events with this probability in all.
    pub top_p: f64,
}

/// What a piece sounds like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum Mood {
    Bright,
    Dark,
    Tense,
    Calm,
}

/// Settings of the sound and of its place beside the clip's own audio.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundSettings {
    /// Samples a second of the rendered audio.
    pub rate: Rate,
    /// Integrated loudness aimed at, LUFS (ITU-R BS.1770).
    pub loudness: f64,
    /// True peak allowed, dBTP (ITU-R BS.1770).
    pub peak: f64,
    /// What becomes of the clip's own audio.
    pub original: OriginalAudio,
}

/// What becomes of the clip's own audio in the output video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginalAudio {
    /// Drop if silent, else duck.
    Auto,
    /// Mixed with the soundtrack at its own level.
    Keep,
    /// Lowered while the soundtrack plays (side-chain).
    Duck,
    /// Left out.
    Drop,
}

/// Settings of MIDI files. They change nothing that is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MidiSettings {
    /// Which tempo events there are.
    pub tempo: MidiTempo,
    /// How drums are divided among tracks.
    pub drums: MidiDrums,
}

/// Which tempo events a MIDI file has. Notes keep their times in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MidiTempo {
    /// One where the beats keep one tempo; else tempi that follow the beats, at most one a bar
    /// unless bars need more.
    Beats,
    /// One, that of the piece, whatever its beats do.
    Steady,
}

/// How the drums of a MIDI file are divided among tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MidiDrums {
    /// All in one.
    OneTrack,
    /// Each drum has one of its own.
    PerDrum,
}

/// Playing styles: the primary styles of the Groove MIDI Dataset (Gillick et al. 2019) that have enough data.
pub const STYLES: &[&str] = &[
    "rock",
    "latin",
    "funk",
    "jazz",
    "hiphop",
    "neworleans",
    "afrobeat",
    "afrocuban",
    "dance",
    "soul",
    "reggae",
    "country",
    "blues",
    "pop",
    "punk",
];

/// Drum kits: General MIDI level 2 kits that the shipped SoundFont has.
pub const KITS: &[&str] = &["standard", "room", "power", "electronic", "tr808", "jazz", "brush"];

/// What can be heard in a soundtrack.
pub const INSTRUMENTS: &[&str] = &["drums", "piano", "guitar", "bass"];

/// How a text that is no number and no choice is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// The name of a [`Key`].
    Key,
    /// Chord symbols, a [`Progression`].
    Chords,
}

impl Syntax {
    fn allowed(self) -> &'static str {
        match self {
            Self::Key => {
                "a key such as C, Am, F# minor, Eb major or D dorian (harmonic minor, phrygian, lydian, mixolydian)"
            }
            Self::Chords => "chords such as 'Am F C G7', one a bar, or 'Am F | C G7', with | between bars",
        }
    }

    fn parse(self, text: &str) -> Result<Value, Misread> {
        match self {
            Self::Key => text.parse().map(Value::Key),
            Self::Chords => text.parse().map(Value::Chords),
        }
    }
}

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or `auto`.
    ChoiceOrAuto(&'static [&'static str]),
    /// Some of these words, at least one, each at most once, with commas between.
    List(&'static [&'static str]),
    /// Text of this syntax, or `auto`.
    TextOrAuto(Syntax),
    /// A number from `least` to `most`.
    Number {
        /// Least value allowed.
        least: f64,
        /// Greatest value allowed.
        most: f64,
    },
    /// A number from `least` to `most`, or `auto`.
    NumberOrAuto {
        /// Least value allowed.
        least: f64,
        /// Greatest value allowed.
        most: f64,
    },
    /// A whole number from `least` to `most`.
    Whole {
        /// Least value allowed.
        least: u64,
        /// Greatest value allowed.
        most: u64,
    },
    /// A whole number from `least` to `most`, or `auto`.
    WholeOrAuto {
        /// Least value allowed.
        least: u64,
        /// Greatest value allowed.
        most: u64,
    },
}

impl Kind {
    /// The values allowed, in words: `auto|cpu|cuda`, `1 to 120`.
    pub fn allowed(&self) -> String {
        match self {
            Self::Choice(words) => words.join("|"),
            Self::ChoiceOrAuto(words) => format!("auto|{}", words.join("|")),
            Self::List(words) => format!("one or more of {}, each once, with commas between", words.join(", ")),
            Self::TextOrAuto(syntax) => format!("auto, or {}", syntax.allowed()),
            Self::Number { least, most } => format!("{least} to {most}"),
            Self::NumberOrAuto { least, most } => format!("auto, or {least} to {most}"),
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::WholeOrAuto { least, most } => {
                format!("auto, or a whole number from {least} to {most}")
            }
        }
    }

    /// Words that may stand as a value, or in a list.
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Self::Choice(words) | Self::List(words) => words.to_vec(),
            Self::ChoiceOrAuto(words) => std::iter::once("auto").chain(words.iter().copied()).collect(),
            Self::NumberOrAuto { .. } | Self::WholeOrAuto { .. } | Self::TextOrAuto(_) => vec!["auto"],
            Self::Number { .. } | Self::Whole { .. } => vec![],
        }
    }

    /// Whether the value may be `auto`.
    pub fn has_auto(&self) -> bool {
        match self {
            Self::ChoiceOrAuto(_) | Self::NumberOrAuto { .. } | Self::WholeOrAuto { .. } | Self::TextOrAuto(_) => true,
            Self::Choice(_) | Self::List(_) | Self::Number { .. } | Self::Whole { .. } => false,
        }
    }

    fn parse(&self, text: &str) -> Result<Value, Refusal> {
        if text == "auto" && self.has_auto() {
            return Ok(Value::Auto);
        }
        let word = |words: &'static [&'static str]| words.iter().find(|w| **w == text).map(|w| Value::Word(w));
        let number = |least: f64, most: f64| {
            text.parse::<f64>()
                .ok()
                .filter(|n| (least..=most).contains(n))
                .map(Value::Number)
        };
        let whole = |least: u64, most: u64| {
            text.parse::<u64>()
                .ok()
                .filter(|n| (least..=most).contains(n))
                .map(Value::Whole)
        };
        let value = match *self {
            Self::Choice(words) | Self::ChoiceOrAuto(words) => word(words),
            Self::List(words) => return self.list(words, text),
            Self::TextOrAuto(syntax) => {
                return syntax.parse(text).map_err(|misread| Refusal {
                    allowed: format!("{}; {misread}", self.allowed()),
                    nearest: self.nearest(text).or(misread.nearest),
                });
            }
            Self::Number { least, most } | Self::NumberOrAuto { least, most } => number(least, most),
            Self::Whole { least, most } | Self::WholeOrAuto { least, most } => whole(least, most),
        };
        value.ok_or_else(|| Refusal {
            allowed: self.allowed(),
            nearest: self.nearest(text),
        })
    }

    fn list(&self, words: &'static [&'static str], text: &str) -> Result<Value, Refusal> {
        let refuse = |nearest| Refusal {
            allowed: self.allowed(),
            nearest,
        };
        let mut given = Vec::new();
        for item in text.split(',').map(str::trim) {
            let word = words.iter().find(|word| **word == item);
            given.push(*word.ok_or_else(|| refuse(self.nearest(item)))?);
        }
        // The table's order, so that the same choice is the same value however it is written.
        let chosen: Vec<&'static str> = words.iter().copied().filter(|word| given.contains(word)).collect();
        if chosen.len() < given.len() {
            return Err(refuse(None));
        }
        Ok(Value::Words(chosen))
    }

    fn nearest(&self, text: &str) -> Option<String> {
        nearest(text, self.words().into_iter())
    }
}

/// Why a value is not taken.
struct Refusal {
    allowed: String,
    nearest: Option<String>,
}

/// A value that has been checked against its [`Kind`].
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Auto,
    Word(&'static str),
    Words(Vec<&'static str>),
    Number(f64),
    Whole(u64),
    Key(Key),
    Chords(Progression),
}

impl Value {
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    fn whole(self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(number),
            _ => None,
        }
    }

    fn key(self) -> Option<Key> {
        match self {
            Self::Key(key) => Some(key),
            _ => None,
        }
    }

    fn chords(self) -> Option<Progression> {
        match self {
            Self::Chords(chords) => Some(chords),
            _ => None,
        }
    }
}

/// One row of the table: what a setting is called, what it takes, what it is for.
pub struct Setting {
    /// Name, as `stage.name`.
    pub key: &'static str,
    /// Values allowed.
    pub kind: Kind,
    /// One sentence for help texts and editors.
    pub help: &'static str,
    get: fn(&Settings) -> String,
    set: fn(&mut Settings, Value),
}

fn or_auto<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "auto".to_owned(), |v| v.to_string())
}

/// Words of a choice beside the values they stand for: one list serves reading and writing.
struct Words<T: 'static>(&'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Words<T> {
    fn name(&self, value: T) -> String {
        self.0
            .iter()
            .find(|(_, v)| *v == value)
            .map(|(name, _)| (*name).to_owned())
            .unwrap_or_default()
    }

    fn value(&self, name: &str) -> Option<T> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    fn assign(&self, target: &mut T, value: Value) {
        if let Some(value) = value.word().and_then(|word| self.value(word)) {
            *target = value;
        }
    }
}

const DEVICES: Words<Device> = Words(&[("auto", Device::Auto), ("cpu", Device::Cpu), ("cuda", Device::Cuda)]);
const QUALITIES: Words<PoseQuality> = Words(&[("normal", PoseQuality::Normal), ("high", PoseQuality::High)]);
const SOURCES: Words<BeatSource> = Words(&[
    ("auto", BeatSource::Auto),
    ("network", BeatSource::Network),
    ("motion", BeatSource::Motion),
]);
const ORIGINALS: Words<OriginalAudio> = Words(&[
    ("auto", OriginalAudio::Auto),
    ("keep", OriginalAudio::Keep),
    ("duck", OriginalAudio::Duck),
    ("drop", OriginalAudio::Drop),
]);
const MIDI_TEMPI: Words<MidiTempo> = Words(&[("beats", MidiTempo::Beats), ("steady", MidiTempo::Steady)]);
const MIDI_DRUMS: Words<MidiDrums> = Words(&[("one-track", MidiDrums::OneTrack), ("per-drum", MidiDrums::PerDrum)]);

const MOODS: Words<Mood> = Words(&[
    ("bright", Mood::Bright),
    ("dark", Mood::Dark),
    ("tense", Mood::Tense),
    ("calm", Mood::Calm),
]);
const PLAYERS: Words<Instrument> = Words(&[
    ("piano", Instrument::Piano),
    ("guitar", Instrument::Guitar),
    ("bass", Instrument::Bass),
]);

/// The table of all settings.
pub const TABLE: &[Setting] = &[
    Setting {
        key: "device",
        kind: Kind::Choice(&["auto", "cpu", "cuda"]),
        help: "What the models run on; auto uses CUDA where it works and says why where it does not",
        get: |s| DEVICES.name(s.device),
        set: |s, v| DEVICES.assign(&mut s.device, v),
    },
    Setting {
        key: "seed",
        kind: Kind::Whole {
            least: 0,
            most: u64::MAX,
        },
        help: "Seed of every random choice: the same seed gives the same notes",
        get: |s| s.seed.to_string(),
        set: |s, v| s.seed = v.whole().unwrap_or(s.seed),
    },
    Setting {
        key: "pose.quality",
        kind: Kind::Choice(&["normal", "high"]),
        help: "Pose model: normal is fast, high is more exact and about four times slower",
        get: |s| QUALITIES.name(s.pose.quality),
        set: |s, v| QUALITIES.assign(&mut s.pose.quality, v),
    },
    Setting {
        key: "pose.rate",
        kind: Kind::Number {
            least: 10.0,
            most: 120.0,
        },
        help: "Poses a second at most; a video with fewer frames gives one a frame",
        get: |s| s.pose.rate.hz().to_string(),
        set: |s, v| s.pose.rate = v.number().map_or(s.pose.rate, Rate::from_hz),
    },
    Setting {
        key: "pose.person",
        kind: Kind::WholeOrAuto { least: 1, most: 16 },
        help: "Which person to follow where there are several: 1 is the one who moves most and is largest",
        get: |s| or_auto(s.pose.person),
        set: |s, v| s.pose.person = v.whole().map(|n| n as usize),
    },
    Setting {
        key: "beats.source",
        kind: Kind::Choice(&["auto", "network", "motion"]),
        help: "Where the beats come from: a learned network, signal processing on the motion, or auto: the network unless the other is clearly more confident",
        get: |s| SOURCES.name(s.rhythm.source),
        set: |s, v| SOURCES.assign(&mut s.rhythm.source, v),
    },
    Setting {
        key: "tempo.min",
        kind: Kind::Number {
            least: *ASKED_TEMPI.start(),
            most: *ASKED_TEMPI.end(),
        },
        help: "Slowest tempo looked for, beats a minute",
        get: |s| s.rhythm.slowest.bpm().to_string(),
        set: |s, v| s.rhythm.slowest = v.number().map_or(s.rhythm.slowest, Tempo::from_bpm),
    },
    Setting {
        key: "tempo.max",
        kind: Kind::Number {
            least: *ASKED_TEMPI.start(),
            most: *ASKED_TEMPI.end(),
        },
        help: "Fastest tempo looked for, beats a minute",
        get: |s| s.rhythm.fastest.bpm().to_string(),
        set: |s, v| s.rhythm.fastest = v.number().map_or(s.rhythm.fastest, Tempo::from_bpm),
    },
    Setting {
        key: "tempo",
        kind: Kind::NumberOrAuto {
            least: *ASKED_TEMPI.start(),
            most: *ASKED_TEMPI.end(),
        },
        help: "Tempo fixed by you, beats a minute: only where the beats fall is searched, and too little movement is accepted",
        get: |s| or_auto(s.rhythm.tempo.map(Tempo::bpm)),
        set: |s, v| s.rhythm.tempo = v.number().map(Tempo::from_bpm),
    },
    Setting {
        key: "beats.per_bar",
        kind: Kind::ChoiceOrAuto(&["3", "4"]),
        help: "Beats in a bar",
        get: |s| or_auto(s.rhythm.beats_per_bar),
        set: |s, v| s.rhythm.beats_per_bar = v.word().and_then(|w| w.parse().ok()),
    },
    Setting {
        key: "drums.style",
        kind: Kind::ChoiceOrAuto(STYLES),
        help: "Playing style of the drums",
        get: |s| or_auto(s.drums.style),
        set: |s, v| s.drums.style = v.word(),
    },
    Setting {
        key: "drums.temperature",
        kind: Kind::Number { least: 0.1, most: 2.0 },
        help: "Daring of the drummer: below 1 plays it safe, above 1 surprises",
        get: |s| s.drums.temperature.to_string(),
        set: |s, v| s.drums.temperature = v.number().unwrap_or(s.drums.temperature),
    },
    Setting {
        key: "drums.top_p",
        kind: Kind::Number { least: 0.05, most: 1.0 },
        help: "Share of the likeliest choices that the drummer picks from",
        get: |s| s.drums.top_p.to_string(),
        set: |s, v| s.drums.top_p = v.number().unwrap_or(s.drums.top_p),
    },
    Setting {
        key: "drums.follow",
        kind: Kind::Number { least: 0.0, most: 4.0 },
        help: "How closely the drums follow the movement: 0 ignores it, 1 is as learned, more is closer",
        get: |s| s.drums.follow.to_string(),
        set: |s, v| s.drums.follow = v.number().unwrap_or(s.drums.follow),
    },
    Setting {
        key: "drums.kit",
        kind: Kind::ChoiceOrAuto(KITS),
        help: "Drum kit; auto takes one that suits the style",
        get: |s| or_auto(s.drums.kit),
        set: |s, v| s.drums.kit = v.word(),
    },
    Setting {
        key: "music.instruments",
        kind: Kind::List(INSTRUMENTS),
        help: "What is heard; drums that are left out are composed all the same, and the others play with them",
        get: |s| {
            let drums = s.music.drums.then(|| "drums".to_owned());
            let others = s.music.instruments.iter().map(|i| PLAYERS.name(*i));
            drums.into_iter().chain(others).collect::<Vec<_>>().join(",")
        },
        set: |s, v| {
            if let Value::Words(words) = v {
                s.music.drums = words.contains(&"drums");
                s.music.instruments = words.into_iter().filter_map(|word| PLAYERS.value(word)).collect();
            }
        },
    },
    Setting {
        key: "music.mood",
        kind: Kind::ChoiceOrAuto(&["bright", "dark", "tense", "calm"]),
        help: "Mood of the harmony; auto takes one that suits tempo, style and movement",
        get: |s| or_auto(s.music.mood.map(|mood| MOODS.name(mood))),
        set: |s, v| s.music.mood = v.word().and_then(|word| MOODS.value(word)),
    },
    Setting {
        key: "music.key",
        kind: Kind::TextOrAuto(Syntax::Key),
        help: "Key of the piece; it decides over the mood",
        get: |s| or_auto(s.music.key),
        set: |s, v| s.music.key = v.key(),
    },
    Setting {
        key: "music.chords",
        kind: Kind::TextOrAuto(Syntax::Chords),
        help: "Chords of the piece, repeated over its length",
        get: |s| or_auto(s.music.chords.as_ref()),
        set: |s, v| s.music.chords = v.chords(),
    },
    Setting {
        key: "music.energy",
        kind: Kind::NumberOrAuto { least: 0.0, most: 1.0 },
        help: "How lively the instruments play, 0 is still and 1 lively; auto follows the movement",
        get: |s| or_auto(s.music.energy),
        set: |s, v| s.music.energy = v.number(),
    },
    Setting {
        key: "music.temperature",
        kind: Kind::Number { least: 0.1, most: 2.0 },
        help: "Daring of the other players: below 1 plays it safe, above 1 surprises",
        get: |s| s.music.temperature.to_string(),
        set: |s, v| s.music.temperature = v.number().unwrap_or(s.music.temperature),
    },
    Setting {
        key: "music.top_p",
        kind: Kind::Number { least: 0.05, most: 1.0 },
        help: "Share of the likeliest choices that the other players pick from",
        get: |s| s.music.top_p.to_string(),
        set: |s, v| s.music.top_p = v.number().unwrap_or(s.music.top_p),
    },
    Setting {
        key: "sound.rate",
        kind: Kind::Choice(&["44100", "48000", "96000"]),
        help: "Samples a second of the rendered audio",
        get: |s| s.sound.rate.hz().to_string(),
        set: |s, v| {
            s.sound.rate = v
                .word()
                .and_then(|w| w.parse().ok())
                .map_or(s.sound.rate, Rate::from_hz);
        },
    },
    Setting {
        key: "sound.loudness",
        kind: Kind::Number {
            least: -40.0,
            most: -8.0,
        },
        help: "Integrated loudness of the soundtrack, LUFS",
        get: |s| s.sound.loudness.to_string(),
        set: |s, v| s.sound.loudness = v.number().unwrap_or(s.sound.loudness),
    },
    Setting {
        key: "sound.peak",
        kind: Kind::Number {
            least: -12.0,
            most: 0.0,
        },
        help: "Greatest true peak, dBTP",
        get: |s| s.sound.peak.to_string(),
        set: |s, v| s.sound.peak = v.number().unwrap_or(s.sound.peak),
    },
    Setting {
        key: "original",
        kind: Kind::Choice(&["auto", "keep", "duck", "drop"]),
        help: "The clip's own audio: auto drops it if silent and ducks it otherwise",
        get: |s| ORIGINALS.name(s.sound.original),
        set: |s, v| ORIGINALS.assign(&mut s.sound.original, v),
    },
    Setting {
        key: "midi.tempo",
        kind: Kind::Choice(&["beats", "steady"]),
        help: "Tempo events of MIDI files: beats follows them where the tempo changes, steady is one tempo; notes keep their times",
        get: |s| MIDI_TEMPI.name(s.midi.tempo),
        set: |s, v| MIDI_TEMPI.assign(&mut s.midi.tempo, v),
    },
    Setting {
        key: "midi.drums",
        kind: Kind::Choice(&["one-track", "per-drum"]),
        help: "Drums of MIDI files: all in one track, or each in a track of its own",
        get: |s| MIDI_DRUMS.name(s.midi.drums),
        set: |s, v| MIDI_DRUMS.assign(&mut s.midi.drums, v),
    },
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            device: Device::Auto,
            seed: 1,
            pose: PoseSettings {
                quality: PoseQuality::Normal,
                rate: Rate::from_hz(30.0),
                person: None,
            },
            rhythm: RhythmSettings {
                source: BeatSource::Auto,
                slowest: Tempo::from_bpm(60.0),
                fastest: Tempo::from_bpm(180.0),
                tempo: None,
                beats_per_bar: None,
            },
            drums: DrumSettings {
                style: None,
                temperature: 1.0,
                top_p: 0.95,
                follow: 2.0,
                kit: None,
            },
            music: MusicSettings {
                drums: true,
                instruments: vec![Instrument::Piano, Instrument::Bass],
                mood: None,
                key: None,
                chords: None,
                energy: None,
                temperature: 0.85,
                top_p: 0.92,
            },
            sound: SoundSettings {
                rate: Rate::from_hz(48_000.0),
                loudness: -16.0,
                peak: -1.0,
                original: OriginalAudio::Auto,
            },
            midi: MidiSettings {
                tempo: MidiTempo::Beats,
                drums: MidiDrums::OneTrack,
            },
        }
    }
}

impl Settings {
    /// Sets one setting from text.
    ///
    /// # Errors
    /// [`Error::UnknownSetting`] with the nearest name, or [`Error::SettingValue`] with the values allowed. The settings
    /// are unchanged then.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let Some(setting) = TABLE.iter().find(|s| s.key == key) else {
            let nearest = nearest(key, TABLE.iter().map(|s| s.key));
            return Err(Error::UnknownSetting {
                key: key.to_owned(),
                nearest,
            });
        };
        let refuse = |refusal: Refusal| Error::SettingValue {
            key: key.to_owned(),
            value: value.to_owned(),
            allowed: refusal.allowed,
            nearest: refusal.nearest,
        };
        let parsed = setting.kind.parse(value.trim()).map_err(refuse)?;
        (setting.set)(self, parsed);
        Ok(())
    }

    /// Checks what single values cannot tell: that the tempo range is one.
    ///
    /// # Errors
    /// [`Error::SettingValue`] when `tempo.min` is above three quarters of `tempo.max`: a narrower range holds no choice
    /// of tempo (fix one with `tempo` instead).
    pub fn check(&self) -> Result<()> {
        let (slowest, fastest) = (self.rhythm.slowest.bpm(), self.rhythm.fastest.bpm());
        if slowest > 0.75 * fastest {
            return Err(Error::SettingValue {
                key: "tempo.min".to_owned(),
                value: slowest.to_string(),
                allowed: format!("at most {} (three quarters of tempo.max = {fastest})", 0.75 * fastest),
                nearest: None,
            });
        }
        Ok(())
    }

    /// The value of a setting as text that [`set`](Self::set) accepts; `None` for an unknown key.
    pub fn get(&self, key: &str) -> Option<String> {
        TABLE.iter().find(|s| s.key == key).map(|s| (s.get)(self))
    }

    /// All settings as text by key, for saved files.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        TABLE.iter().map(|s| (s.key.to_owned(), (s.get)(self))).collect()
    }
}

/// The candidate most like `word`, if any is alike enough to be meant.
fn nearest(word: &str, candidates: impl Iterator<Item = &'static str>) -> Option<String> {
    candidates
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        defaults.check().expect("defaults are consistent");
    }

    #[test]
    fn every_word_of_every_choice_is_read_back() {
        for setting in TABLE {
            for word in setting.kind.words() {
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
        assert_eq!(settings.get("music.instruments").as_deref(), Some("drums,piano,bass"));
        settings
            .set("music.instruments", " bass, drums ,guitar")
            .expect("a list");
        assert_eq!(settings.music.instruments, [Instrument::Guitar, Instrument::Bass]);
        assert_eq!(settings.get("music.instruments").as_deref(), Some("drums,guitar,bass"));
        settings.set("music.instruments", "bass").expect("a list");
        assert!(!settings.music.drums);
        let before = settings.clone();
        for (wrong, said) in [
            ("", "one or more of drums, piano, guitar, bass"),
            ("piano,,bass", "one or more of"),
            ("piano,piano", "each once"),
            ("drums,piono", "did you mean 'piano'?"),
            ("auto", "one or more of"),
        ] {
            let error = settings.set("music.instruments", wrong).expect_err(wrong).to_string();
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(settings, before);
        for name in INSTRUMENTS.iter().filter(|name| **name != "drums") {
            assert!(PLAYERS.value(name).is_some(), "{name}");
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
    fn a_wrong_chord_or_key_is_told_with_its_place_and_what_is_allowed() {
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
    fn a_tempo_range_without_room_is_refused() {
        let mut settings = Settings::default();
        settings.set("tempo.min", "170").expect("in range");
        let error = settings.check().expect_err("170 to 180").to_string();
        assert!(error.contains("135"), "{error}");
    }
}
