//! The settings of each stage, as values.

use crate::theory::{Instrument, Key, Palette, Progression};
use crate::time::{Rate, Tempo};

/// Defines the words for an enum's values: one list for the table, reading and writing. A value
/// named before the colon is written `auto`, which is not in the list.
macro_rules! words {
    ($type:ident $(, $auto:ident)?: $($value:ident = $word:literal),+) => {
        impl $type {
            pub(super) const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for the value.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$auto => "auto",)?
                    $(Self::$value => $word),+
                }
            }

            pub(super) fn of_word(word: &str) -> Option<Self> {
                match word {
                    $("auto" => Some(Self::$auto),)?
                    $($word => Some(Self::$value),)+
                    _ => None,
                }
            }
        }
    };
}

words!(Device, Auto: Cpu = "cpu", Gpu = "gpu", Cuda = "cuda", WebGpu = "webgpu");
words!(Networks: Gaining = "gaining", All = "all");
words!(PoseQuality: Fast = "fast", Normal = "normal", High = "high");
words!(BeatSource, Auto: Network = "network", Motion = "motion");
words!(OriginalAudio, Auto: Keep = "keep", Duck = "duck", Drop = "drop");
words!(HitsFromCuts: Off = "off", Strong = "strong", All = "all");
words!(MidiTempo: Beats = "beats", Steady = "steady");
words!(MidiDrums: OneTrack = "one-track", PerDrum = "per-drum");
words!(Mood: Bright = "bright", Dark = "dark", Tense = "tense", Calm = "calm");

/// The device that the models run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// A graphics card if there is one that works, otherwise the CPU, with a warning that gives the
    /// reason if there is an NVIDIA card.
    Auto,
    /// The CPU.
    Cpu,
    /// A graphics card by CUDA or, if that does not work, by WebGPU, or an error that gives the
    /// reasons.
    Gpu,
    /// CUDA, or an error that gives the reason.
    Cuda,
    /// WebGPU, or an error that gives the reason.
    WebGpu,
}

/// Which networks run on a graphics card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Networks {
    /// Those that gain by it: the pose networks. The small ones, which write a word after the other,
    /// stay on the CPU, so that the same movement gives the same notes on every device.
    Gaining,
    /// All of them.
    All,
}

/// Settings of the pose stage.
#[derive(Debug, Clone, PartialEq)]
pub struct PoseSettings {
    /// Which landmark model.
    pub quality: PoseQuality,
    /// Maximum poses per second; the video's own frame rate if that is lower.
    pub rate: Rate,
    /// Which person, or all of them.
    pub person: PersonChoice,
}

/// The person to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonChoice {
    /// The first.
    Auto,
    /// This person, numbered from 1, by movement and size.
    Number(usize),
    /// The first, with the accents of all the others.
    All,
}

impl PoseSettings {
    /// Maximum number of frames per second in which poses are found.
    pub fn frames(&self) -> Rate {
        match self.quality {
            PoseQuality::Fast => self.rate.times(0.5),
            PoseQuality::Normal | PoseQuality::High => self.rate,
        }
    }
}

/// Which landmark model finds the joints, and in how many of the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoseQuality {
    /// BlazePose full, in half of the frames.
    Fast,
    /// BlazePose full.
    Normal,
    /// BlazePose heavy: more accurate, four times slower.
    High,
}

/// Settings of the rhythm stage.
#[derive(Debug, Clone, PartialEq)]
pub struct RhythmSettings {
    /// Where the beat activation comes from.
    pub source: BeatSource,
    /// Slowest tempo to look for.
    pub slowest: Tempo,
    /// Fastest tempo to look for.
    pub fastest: Tempo,
    /// A tempo fixed by the user: only its phase is searched for, and a clip without enough
    /// movement is accepted.
    pub tempo: Option<Tempo>,
    /// Beats in a bar, 3 or 4; `None`: found from the movement.
    pub beats_per_bar: Option<u8>,
}

/// Which cuts of the video the music answers like hits that a person has marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HitsFromCuts {
    /// None.
    Off,
    /// Those that end the longest shots, at most one in a bar.
    Strong,
    /// All.
    All,
}

/// Where the beat activation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatSource {
    /// Both: the network's beats are used unless those of the signal processing are clearly more
    /// confident.
    Auto,
    /// The trained network.
    Network,
    /// Signal processing on the movement itself.
    Motion,
}

/// Settings of the drum stage.
#[derive(Debug, Clone, PartialEq)]
pub struct DrumSettings {
    /// Playing style, one of [`STYLES`](super::STYLES); `None`: chosen from tempo and movement.
    pub style: Option<&'static str>,
    /// Softmax temperature of the sampling.
    pub temperature: f64,
    /// Nucleus sampling: the smallest set of words whose probabilities add up to this.
    pub top_p: f64,
    /// Guidance toward the movement: 1 samples from the model, above 1 follows accents and energy
    /// more closely.
    pub follow: f64,
    /// Drum kit, one of [`KITS`](super::KITS); `None`: chosen from the style.
    pub kit: Option<&'static str>,
}

/// Settings of the melodic instruments and of the harmony that they share.
#[derive(Debug, Clone, PartialEq)]
pub struct MusicSettings {
    /// Whether the drums are heard. They are composed in any case, since the others play with them.
    pub drums: bool,
    /// The melodic instruments that are heard, each once, in the order of
    /// [`INSTRUMENTS`](super::INSTRUMENTS); empty: drums only; `None`: those of the palette.
    pub instruments: Option<Vec<Instrument>>,
    /// The sounds of the instruments; `None`: chosen by style, movement and seed.
    pub palette: Option<Palette>,
    /// Mood, which determines the mode of the key; `None`: chosen from tempo, style and movement.
    pub mood: Option<Mood>,
    /// Key; `None`: chosen by mood and seed, or the key that fits `chords` best.
    pub key: Option<Key>,
    /// Chords that are repeated until the end; `None`: composed.
    pub chords: Option<Progression>,
    /// How lively the instruments play, 0 to 1, regardless of the movement; `None`: as lively as
    /// the movement.
    pub energy: Option<f64>,
    /// Softmax temperature of the sampling.
    pub temperature: f64,
    /// Nucleus sampling: the smallest set of events whose probabilities add up to this.
    pub top_p: f64,
}

/// The mood of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are enough
pub enum Mood {
    Bright,
    Dark,
    Tense,
    Calm,
}

/// Settings of the sound and of how it is mixed with the clip's own audio.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundSettings {
    /// Sample rate of the rendered audio.
    pub rate: Rate,
    /// Target integrated loudness, LUFS (ITU-R BS.1770).
    pub loudness: f64,
    /// Maximum true peak, dBTP (ITU-R BS.1770).
    pub peak: f64,
    /// How the clip's own audio is used.
    pub original: OriginalAudio,
}

/// How the clip's own audio is used in the output video.
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

/// Settings of MIDI files. They do not change the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MidiSettings {
    /// Which tempo events are written.
    pub tempo: MidiTempo,
    /// How drums are divided among tracks.
    pub drums: MidiDrums,
}

/// Which tempo events a MIDI file has. The times of the notes are the same in all cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MidiTempo {
    /// A single one if the beats keep one tempo; otherwise tempi that follow the beats, at most one
    /// per bar unless a bar needs more.
    Beats,
    /// A single one, the tempo of the piece, even if its beats do not keep it.
    Steady,
}

/// How the drums of a MIDI file are divided among tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MidiDrums {
    /// All drums on one track.
    OneTrack,
    /// Each drum on its own track.
    PerDrum,
}
