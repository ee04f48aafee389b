//! What may be chosen for each stage, as values.

use crate::theory::{Instrument, Key, Progression};
use crate::time::{Rate, Tempo};

/// What the models run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// CUDA where it works, else the CPU; beside an NVIDIA card with a warning that says why.
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
    /// Which person, or all of them.
    pub person: PersonChoice,
}

/// Who is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonChoice {
    /// The first.
    Auto,
    /// This one, numbered from 1 by how much they move and how large they are.
    Number(usize),
    /// The first, with the accents of all the others.
    All,
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
    /// Playing style, one of [`STYLES`](super::STYLES); `None`: chosen from tempo and movement.
    pub style: Option<&'static str>,
    /// Softmax temperature of the sampling.
    pub temperature: f64,
    /// Nucleus of the sampling: the least set of words with this probability in all.
    pub top_p: f64,
    /// Guidance toward the movement: 1 samples from the model, above 1 follows accents and energy more closely.
    pub follow: f64,
    /// Drum kit, one of [`KITS`](super::KITS); `None`: chosen from the style.
    pub kit: Option<&'static str>,
}

/// Settings of the melodic instruments and of the harmony that they share.
#[derive(Debug, Clone, PartialEq)]
pub struct MusicSettings {
    /// Whether the drums sound. They are composed in any case, since the others play with them.
    pub drums: bool,
    /// The melodic instruments that sound, each once, in the order of [`INSTRUMENTS`](super::INSTRUMENTS); none: drums alone.
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
