//! The table of settings: names, values, and how to get and set them as text.

use super::Settings;
use super::kind::{ALL, AUTO, Given, Kind, Refusal, Syntax};
use super::stages::{
    BeatSource, Device, HitsFromCuts, MidiDrums, MidiTempo, Mood, Networks, OriginalAudio, PersonChoice, PoseQuality,
};
use super::words::{INSTRUMENTS, KITS, PALETTES, STYLES};
use crate::limits::ASKED_TEMPI;
use crate::progress::Stage;
use crate::theory::{Instrument, Palette};
use crate::time::{Rate, Tempo};

/// What a change of a setting affects, with the last stage that uses the value. Other results need
/// not be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// No result, only how it is computed.
    Way,
    /// How what was composed is arranged, how it sounds, or how it is written.
    Sound(Stage),
    /// The analysis of the movement, and the notes.
    Notes(Stage),
}

impl Effect {
    /// The last stage that uses the value: if its result exists, a change has no effect. `None` if
    /// there is no such stage.
    pub fn last_stage(self) -> Option<Stage> {
        match self {
            Self::Way => None,
            Self::Sound(stage) | Self::Notes(stage) => Some(stage),
        }
    }
}

/// One row of the table: a setting's name, the values it accepts, and its purpose.
pub struct Setting {
    /// Name, as `stage.name`.
    pub key: &'static str,
    /// Values allowed, apart from `auto`.
    pub kind: Kind,
    /// Whether `auto` is also allowed; the library then chooses.
    pub auto: bool,
    /// What a change of the value affects.
    pub effect: Effect,
    /// One sentence for help texts and editors.
    pub help: &'static str,
    pub(super) get: fn(&Settings) -> String,
    pub(super) set: fn(&mut Settings, Given<'_>) -> Result<(), Refusal>,
}

impl Setting {
    /// The setting with this key.
    pub fn of(key: &str) -> Option<&'static Self> {
        TABLE.iter().find(|setting| setting.key == key)
    }

    /// The values allowed, in words: `auto|bright|dark`, `1 to 120`.
    pub fn allowed(&self) -> String {
        self.given("").allowed()
    }

    /// Words that are allowed as a value, with `auto` first if it is one, or in a list.
    pub fn words(&self) -> Vec<&'static str> {
        self.given("").words()
    }

    pub(super) fn given<'a>(&self, text: &'a str) -> Given<'a> {
        Given {
            kind: self.kind,
            auto: self.auto,
            text,
        }
    }
}

fn or_auto<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| AUTO.to_owned(), |v| v.to_string())
}

fn on_or_off(word: &str) -> Option<bool> {
    match word {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// The table of all settings.
pub const TABLE: &[Setting] = &[
    Setting {
        key: "device",
        kind: Kind::Choice(Device::WORDS),
        auto: true,
        effect: Effect::Way,
        help: "Device that the models run on; auto uses a graphics card if one works, otherwise the CPU; gpu requires CUDA or WebGPU",
        get: |s| s.device.word().to_owned(),
        set: |s, v| v.choice(Device::of_word).map(|chosen| s.device = chosen),
    },
    Setting {
        key: "device.networks",
        kind: Kind::Choice(Networks::WORDS),
        auto: false,
        effect: Effect::Way,
        help: "Networks that run on a graphics card: those of poses, which gain by it, or all",
        get: |s| s.networks.word().to_owned(),
        set: |s, v| v.choice(Networks::of_word).map(|chosen| s.networks = chosen),
    },
    Setting {
        key: "seed",
        kind: Kind::Whole {
            least: 0,
            most: u64::MAX,
        },
        auto: true,
        effect: Effect::Notes(Stage::Music),
        help: "Seed of every random choice: the same seed gives the same notes; auto derives it from the movement, so that each video has its own music",
        get: |s| or_auto(s.seed),
        set: |s, v| v.or_auto(Given::whole).map(|number| s.seed = number),
    },
    Setting {
        key: "pose.quality",
        kind: Kind::Choice(PoseQuality::WORDS),
        auto: false,
        effect: Effect::Notes(Stage::Pose),
        help: "Pose model: fast looks at half as many frames, high is more accurate and about four times slower than normal",
        get: |s| s.pose.quality.word().to_owned(),
        set: |s, v| v.choice(PoseQuality::of_word).map(|chosen| s.pose.quality = chosen),
    },
    Setting {
        key: "pose.rate",
        kind: Kind::Number {
            least: 10.0,
            most: 120.0,
        },
        auto: false,
        effect: Effect::Notes(Stage::Pose),
        help: "Maximum number of poses per second; a video with a lower frame rate gives one pose per frame",
        get: |s| s.pose.rate.hz().to_string(),
        set: |s, v| v.number().map(|number| s.pose.rate = Rate::from_hz(number)),
    },
    Setting {
        key: "pose.person",
        kind: Kind::WholeOrAll { least: 1, most: 16 },
        auto: true,
        effect: Effect::Notes(Stage::Pose),
        help: "Which person to follow if there are several: 1 is the one who moves most and is largest; all: everybody's accents, on the beats of person 1",
        get: |s| match s.pose.person {
            PersonChoice::Auto => AUTO.to_owned(),
            PersonChoice::Number(number) => number.to_string(),
            PersonChoice::All => ALL.to_owned(),
        },
        set: |s, v| {
            v.or_auto(|v| v.or_all(Given::whole)).map(|chosen| {
                s.pose.person = match chosen {
                    None => PersonChoice::Auto,
                    Some(None) => PersonChoice::All,
                    Some(Some(number)) => PersonChoice::Number(number as usize),
                }
            })
        },
    },
    Setting {
        key: "beats.source",
        kind: Kind::Choice(BeatSource::WORDS),
        auto: true,
        effect: Effect::Notes(Stage::Rhythm),
        help: "What finds the beats: network is a trained network, motion is signal processing on the movement, auto uses the network unless motion is clearly more confident",
        get: |s| s.rhythm.source.word().to_owned(),
        set: |s, v| v.choice(BeatSource::of_word).map(|chosen| s.rhythm.source = chosen),
    },
    Setting {
        key: "tempo.min",
        kind: Kind::Number {
            least: ASKED_TEMPI.least(),
            most: ASKED_TEMPI.most(),
        },
        auto: false,
        effect: Effect::Notes(Stage::Rhythm),
        help: "Slowest tempo to look for, in beats per minute",
        get: |s| s.rhythm.slowest.bpm().to_string(),
        set: |s, v| v.number().map(|number| s.rhythm.slowest = Tempo::from_bpm(number)),
    },
    Setting {
        key: "tempo.max",
        kind: Kind::Number {
            least: ASKED_TEMPI.least(),
            most: ASKED_TEMPI.most(),
        },
        auto: false,
        effect: Effect::Notes(Stage::Rhythm),
        help: "Fastest tempo to look for, in beats per minute",
        get: |s| s.rhythm.fastest.bpm().to_string(),
        set: |s, v| v.number().map(|number| s.rhythm.fastest = Tempo::from_bpm(number)),
    },
    Setting {
        key: "tempo",
        kind: Kind::Number {
            least: ASKED_TEMPI.least(),
            most: ASKED_TEMPI.most(),
        },
        auto: true,
        effect: Effect::Notes(Stage::Rhythm),
        help: "Fixed tempo, in beats per minute: only the position of the beats is searched for, and too little movement is not an error",
        get: |s| or_auto(s.rhythm.tempo.map(Tempo::bpm)),
        set: |s, v| {
            v.or_auto(Given::number)
                .map(|number| s.rhythm.tempo = number.map(Tempo::from_bpm))
        },
    },
    Setting {
        key: "beats.per_bar",
        kind: Kind::Choice(&["3", "4"]),
        auto: true,
        effect: Effect::Notes(Stage::Rhythm),
        help: "Beats in a bar",
        get: |s| or_auto(s.rhythm.beats_per_bar),
        set: |s, v| {
            v.or_auto(Given::number_word)
                .map(|number| s.rhythm.beats_per_bar = number)
        },
    },
    Setting {
        key: "hits.from_cuts",
        kind: Kind::Choice(HitsFromCuts::WORDS),
        auto: false,
        effect: Effect::Sound(Stage::Score),
        help: "Cuts of the video that the music answers with a hit at their very instants: strong are those that end the longest shots, at most one in a bar",
        get: |s| s.hits_from_cuts.word().to_owned(),
        set: |s, v| v.choice(HitsFromCuts::of_word).map(|chosen| s.hits_from_cuts = chosen),
    },
    Setting {
        key: "drums.style",
        kind: Kind::Choice(STYLES),
        auto: true,
        effect: Effect::Notes(Stage::Drums),
        help: "Playing style of the drums",
        get: |s| or_auto(s.drums.style),
        set: |s, v| v.or_auto(Given::word).map(|word| s.drums.style = word),
    },
    Setting {
        key: "drums.temperature",
        kind: Kind::Number { least: 0.1, most: 2.0 },
        auto: false,
        effect: Effect::Notes(Stage::Drums),
        help: "How daring the drummer is: below 1 plays safe, above 1 surprises",
        get: |s| s.drums.temperature.to_string(),
        set: |s, v| v.number().map(|number| s.drums.temperature = number),
    },
    Setting {
        key: "drums.top_p",
        kind: Kind::Number { least: 0.05, most: 1.0 },
        auto: false,
        effect: Effect::Notes(Stage::Drums),
        help: "Nucleus sampling of the drummer: only the likeliest hits that together have this probability are considered",
        get: |s| s.drums.top_p.to_string(),
        set: |s, v| v.number().map(|number| s.drums.top_p = number),
    },
    Setting {
        key: "drums.follow",
        kind: Kind::Number { least: 0.0, most: 4.0 },
        auto: false,
        effect: Effect::Notes(Stage::Score),
        help: "How closely the music follows the movement: 0 leaves it as composed, 2 is usual, 4 puts everything on the movement",
        get: |s| s.drums.follow.to_string(),
        set: |s, v| v.number().map(|number| s.drums.follow = number),
    },
    Setting {
        key: "drums.kit",
        kind: Kind::Choice(KITS),
        auto: true,
        effect: Effect::Sound(Stage::Score),
        help: "Drum kit; auto chooses one that suits the style",
        get: |s| or_auto(s.drums.kit),
        set: |s, v| v.or_auto(Given::word).map(|word| s.drums.kit = word),
    },
    Setting {
        key: "music.instruments",
        kind: Kind::List(INSTRUMENTS),
        auto: true,
        effect: Effect::Notes(Stage::Score),
        help: "Which instruments are heard; auto: drums and those of the palette. Drums that are left out are still composed, and the others play with them",
        get: |s| {
            or_auto(s.music.instruments.as_ref().map(|melodic| {
                let drums = s.music.drums.then_some("drums");
                let others = melodic.iter().map(|i| i.profile().name);
                drums.into_iter().chain(others).collect::<Vec<_>>().join(",")
            }))
        },
        set: |s, v| {
            let words = v.or_auto(Given::list)?;
            s.music.drums = words.as_ref().is_none_or(|words| words.contains(&"drums"));
            s.music.instruments = words.map(|words| words.into_iter().filter_map(Instrument::named).collect());
            Ok(())
        },
    },
    Setting {
        key: "music.palette",
        kind: Kind::Choice(PALETTES),
        auto: true,
        effect: Effect::Notes(Stage::Music),
        help: "Sounds of the instruments, and which of them play; auto chooses what suits style and movement",
        get: |s| or_auto(s.music.palette.map(Palette::name)),
        set: |s, v| {
            v.or_auto(Given::word)
                .map(|word| s.music.palette = word.and_then(Palette::named))
        },
    },
    Setting {
        key: "music.mood",
        kind: Kind::Choice(Mood::WORDS),
        auto: true,
        effect: Effect::Notes(Stage::Music),
        help: "Mood of the harmony; auto chooses one that suits tempo, style and movement",
        get: |s| or_auto(s.music.mood.map(Mood::word)),
        set: |s, v| v.or_auto(|v| v.choice(Mood::of_word)).map(|mood| s.music.mood = mood),
    },
    Setting {
        key: "music.key",
        kind: Kind::Text(Syntax::Key),
        auto: true,
        effect: Effect::Notes(Stage::Music),
        help: "Key of the piece; overrides the mood",
        get: |s| or_auto(s.music.key),
        set: |s, v| v.or_auto(Given::key).map(|key| s.music.key = key),
    },
    Setting {
        key: "music.chords",
        kind: Kind::Text(Syntax::Chords),
        auto: true,
        effect: Effect::Notes(Stage::Music),
        help: "Chords of the piece, repeated until its end",
        get: |s| or_auto(s.music.chords.as_ref()),
        set: |s, v| v.or_auto(Given::chords).map(|chords| s.music.chords = chords),
    },
    Setting {
        key: "music.energy",
        kind: Kind::Number { least: 0.0, most: 1.0 },
        auto: true,
        effect: Effect::Notes(Stage::Music),
        help: "How lively the instruments play, from 0 (calm) to 1 (lively); auto follows the movement",
        get: |s| or_auto(s.music.energy),
        set: |s, v| v.or_auto(Given::number).map(|number| s.music.energy = number),
    },
    Setting {
        key: "music.temperature",
        kind: Kind::Number { least: 0.1, most: 2.0 },
        auto: false,
        effect: Effect::Notes(Stage::Music),
        help: "How daring the other players are: below 1 plays safe, above 1 surprises",
        get: |s| s.music.temperature.to_string(),
        set: |s, v| v.number().map(|number| s.music.temperature = number),
    },
    Setting {
        key: "music.top_p",
        kind: Kind::Number { least: 0.05, most: 1.0 },
        auto: false,
        effect: Effect::Notes(Stage::Music),
        help: "Nucleus sampling of the other players: only the likeliest notes that together have this probability are considered",
        get: |s| s.music.top_p.to_string(),
        set: |s, v| v.number().map(|number| s.music.top_p = number),
    },
    Setting {
        key: "sound.rate",
        kind: Kind::Choice(&["44100", "48000", "96000"]),
        auto: false,
        effect: Effect::Sound(Stage::Audio),
        help: "Sample rate of the rendered audio, in Hz",
        get: |s| s.sound.rate.hz().to_string(),
        set: |s, v| v.number_word().map(|hz| s.sound.rate = Rate::from_hz(hz)),
    },
    Setting {
        key: "sound.loudness",
        kind: Kind::Number {
            least: -40.0,
            most: -8.0,
        },
        auto: false,
        effect: Effect::Sound(Stage::Audio),
        help: "Integrated loudness of the soundtrack, in LUFS",
        get: |s| s.sound.loudness.to_string(),
        set: |s, v| v.number().map(|number| s.sound.loudness = number),
    },
    Setting {
        key: "sound.peak",
        kind: Kind::Number {
            least: -12.0,
            most: 0.0,
        },
        auto: false,
        effect: Effect::Sound(Stage::Audio),
        help: "Maximum true peak of the soundtrack, in dBTP",
        get: |s| s.sound.peak.to_string(),
        set: |s, v| v.number().map(|number| s.sound.peak = number),
    },
    Setting {
        key: "original",
        kind: Kind::Choice(OriginalAudio::WORDS),
        auto: true,
        effect: Effect::Sound(Stage::Export),
        help: "The clip's own audio: auto drops it if silent and ducks it otherwise",
        get: |s| s.sound.original.word().to_owned(),
        set: |s, v| v.choice(OriginalAudio::of_word).map(|chosen| s.sound.original = chosen),
    },
    Setting {
        key: "midi.tempo",
        kind: Kind::Choice(MidiTempo::WORDS),
        auto: false,
        effect: Effect::Sound(Stage::Export),
        help: "Tempo events of MIDI files: beats follows the beats if their tempo changes, steady writes one tempo; notes keep their times",
        get: |s| s.midi.tempo.word().to_owned(),
        set: |s, v| v.choice(MidiTempo::of_word).map(|chosen| s.midi.tempo = chosen),
    },
    Setting {
        key: "midi.drums",
        kind: Kind::Choice(MidiDrums::WORDS),
        auto: false,
        effect: Effect::Sound(Stage::Export),
        help: "Drums of MIDI files: all on one track, or each drum on its own track",
        get: |s| s.midi.drums.word().to_owned(),
        set: |s, v| v.choice(MidiDrums::of_word).map(|chosen| s.midi.drums = chosen),
    },
    Setting {
        key: "provenance",
        kind: Kind::Choice(&["on", "off"]),
        auto: false,
        effect: Effect::Sound(Stage::Export),
        help: "Whether WAV, MIDI, JSON and video files say what made them: program, seed, models, and that software generated the music",
        get: |s| if s.provenance { "on" } else { "off" }.to_owned(),
        set: |s, v| v.choice(on_or_off).map(|on| s.provenance = on),
    },
];
