//! What a user may choose. One table of settings serves the command line, editors and saved files.
//!
//! A value is checked when it is [set](Settings::set); a [`Settings`] that exists is right by construction.

mod kind;
mod stages;

pub use kind::{Kind, Syntax};
pub use stages::{
    BeatSource, Device, DrumSettings, MidiDrums, MidiSettings, MidiTempo, Mood, MusicSettings, OriginalAudio,
    PersonChoice, PoseQuality, PoseSettings, RhythmSettings, SoundSettings,
};

use crate::error::{Error, Result};
use crate::limits::ASKED_TEMPI;
use crate::theory::Instrument;
use crate::time::{Rate, Tempo};
use kind::{ALL, Refusal, Value, nearest};
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
pub const INSTRUMENTS: &[&str] = &with_drums();

const fn with_drums() -> [&'static str; Instrument::ALL.len() + 1] {
    let mut words = ["drums"; Instrument::ALL.len() + 1];
    let mut at = 0;
    while at < Instrument::ALL.len() {
        words[at + 1] = Instrument::NAMES[at];
        at += 1;
    }
    words
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

/// The table of all settings.
pub const TABLE: &[Setting] = &[
    Setting {
        key: "device",
        kind: Kind::Choice(&["auto", "cpu", "cuda"]),
        help: "What the models run on; auto uses CUDA where it works, else the CPU",
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
        kind: Kind::WholeOrAll { least: 1, most: 16 },
        help: "Which person to follow where there are several: 1 is the one who moves most and is largest; all: the accents of everybody, on the beats of person 1",
        get: |s| match s.pose.person {
            PersonChoice::Auto => "auto".to_owned(),
            PersonChoice::Number(number) => number.to_string(),
            PersonChoice::All => ALL.to_owned(),
        },
        set: |s, v| {
            s.pose.person = match v {
                Value::Whole(number) => PersonChoice::Number(number as usize),
                Value::Word(ALL) => PersonChoice::All,
                _ => PersonChoice::Auto,
            }
        },
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
            least: ASKED_TEMPI.least(),
            most: ASKED_TEMPI.most(),
        },
        help: "Slowest tempo looked for, beats a minute",
        get: |s| s.rhythm.slowest.bpm().to_string(),
        set: |s, v| s.rhythm.slowest = v.number().map_or(s.rhythm.slowest, Tempo::from_bpm),
    },
    Setting {
        key: "tempo.max",
        kind: Kind::Number {
            least: ASKED_TEMPI.least(),
            most: ASKED_TEMPI.most(),
        },
        help: "Fastest tempo looked for, beats a minute",
        get: |s| s.rhythm.fastest.bpm().to_string(),
        set: |s, v| s.rhythm.fastest = v.number().map_or(s.rhythm.fastest, Tempo::from_bpm),
    },
    Setting {
        key: "tempo",
        kind: Kind::NumberOrAuto {
            least: ASKED_TEMPI.least(),
            most: ASKED_TEMPI.most(),
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
        help: "How closely the music follows the movement: 0 leaves it as written, 2 is usual, 4 puts everything on the movement",
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
            let others = s.music.instruments.iter().map(|i| i.profile().name.to_owned());
            drums.into_iter().chain(others).collect::<Vec<_>>().join(",")
        },
        set: |s, v| {
            if let Value::Words(words) = v {
                s.music.drums = words.contains(&"drums");
                s.music.instruments = words.into_iter().filter_map(Instrument::named).collect();
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
                person: PersonChoice::Auto,
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

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
