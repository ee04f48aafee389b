//! What can go wrong. Every message names the file or setting, the value met and the value allowed.

use std::io;
use std::path::{Path, PathBuf};

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, with what a user needs to put it right.
///
/// [`NoPerson`](Error::NoPerson), [`PersonTooBrief`](Error::PersonTooBrief) and [`NoBeat`](Error::NoBeat) are answers about
/// the clip rather than faults; `NoBeat` can be overcome by giving a tempo. [`Cancelled`](Error::Cancelled) is what a
/// cancelled job returns.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened as a media file at all.
    #[error("{path}: not a video that can be read: {reason}", path = path.display())]
    NotAVideo {
        /// The file.
        path: PathBuf,
        /// What FFmpeg said.
        reason: String,
    },
    /// The file is media, but has no picture (audio only).
    #[error("{path}: no video stream (found: {found}); a video of a moving person is needed", path = path.display())]
    NoVideoStream {
        /// The file.
        path: PathBuf,
        /// The kinds of streams that are there.
        found: String,
    },
    /// The video stream gave no frame.
    #[error("{path}: not one frame could be decoded", path = path.display())]
    NoFrames {
        /// The file.
        path: PathBuf,
    },
    /// The frames are smaller or larger than can be worked with.
    #[error("{path}: frames of {width}×{height} pixels; allowed are {least} to {most} pixels a side", path = path.display())]
    FrameSize {
        /// The file.
        path: PathBuf,
        /// Width met.
        width: u32,
        /// Height met.
        height: u32,
        /// Least side allowed.
        least: u32,
        /// Greatest side allowed.
        most: u32,
    },
    /// The clip, or the part asked for, is too short for music.
    #[error("{path}: {seconds:.2} s of video; at least {least} s are needed", path = path.display())]
    ClipTooShort {
        /// The file.
        path: PathBuf,
        /// Seconds met.
        seconds: f64,
        /// Seconds needed.
        least: f64,
    },
    /// The cut does not lie within the clip.
    #[error("{path}: the part from {start:.3} s to {end:.3} s does not lie within the clip's {duration:.3} s", path = path.display())]
    CutOutside {
        /// The file.
        path: PathBuf,
        /// Start asked for, seconds.
        start: f64,
        /// End asked for, seconds.
        end: f64,
        /// The clip's length, seconds.
        duration: f64,
    },
    /// Pushed frames, or what was announced of them, cannot be used.
    #[error("{path}: {reason}", path = path.display())]
    Pushed {
        /// The name that the clip was given.
        path: PathBuf,
        /// Which frame, the value met and the value allowed.
        reason: String,
    },
    /// Decoding or muxing failed in a way that is neither of the above.
    #[error("{path}: {doing}: {reason}", path = path.display())]
    Media {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What FFmpeg said.
        reason: String,
    },

    /// No person was found anywhere in the clip.
    #[error("{path}: no person found in any of {frames} frames looked at", path = path.display())]
    NoPerson {
        /// The file.
        path: PathBuf,
        /// Frames looked at.
        frames: usize,
    },
    /// A person was found, but not for long enough.
    #[error("{path}: a person is seen for only {seconds:.2} s; at least {least} s are needed", path = path.display())]
    PersonTooBrief {
        /// The file.
        path: PathBuf,
        /// Seconds seen.
        seconds: f64,
        /// Seconds needed.
        least: f64,
    },
    /// `pose.person` names someone who is not there.
    #[error("{path}: person {wanted} was asked for, but {found} found (numbered from 1, the one who moves most first)", path = path.display())]
    NoSuchPerson {
        /// The file.
        path: PathBuf,
        /// Number asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// The person moves too little for a beat to be found. A tempo given by the user overcomes it.
    #[error(
        "no beat found: the movement is {movement:.3} torso lengths a second; at least {least:.3} are needed, unless a tempo is set"
    )]
    NoBeat {
        /// Median movement met, torso lengths a second, summed over the joints.
        movement: f64,
        /// Movement needed.
        least: f64,
    },

    /// A model file is not there.
    #[error("{path}: the model file is missing; it is part of the release", path = path.display())]
    ModelMissing {
        /// The file.
        path: PathBuf,
    },
    /// A model file is not the one that the manifest describes.
    #[error("{path}: sha256 {found}, but the manifest says {expected}; the file is damaged or of another release", path = path.display())]
    ModelHash {
        /// The file.
        path: PathBuf,
        /// Hash of the manifest.
        expected: String,
        /// Hash of the file.
        found: String,
    },
    /// A tensor of a model has another name, type or shape than expected.
    #[error("{path}: tensor '{tensor}' is {found}, expected {expected}", path = path.display())]
    ModelShape {
        /// The file.
        path: PathBuf,
        /// Tensor name.
        tensor: String,
        /// What is expected.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The manifest of the models cannot be used, or a file that it names cannot be read.
    #[error("{path}: {reason}", path = path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The ONNX Runtime library was not found or cannot be loaded.
    #[error("ONNX Runtime not found or not loadable; tried:\n{}", tried.join("\n"))]
    RuntimeMissing {
        /// Each place tried, with what was wrong there.
        tried: Vec<String>,
    },
    /// The device asked for cannot be used.
    #[error("device '{device}' cannot be used: {reason}")]
    DeviceUnavailable {
        /// The device.
        device: String,
        /// Why not.
        reason: String,
    },
    /// ONNX Runtime refused a model or a run.
    #[error("{path}: {reason}", path = path.display())]
    Inference {
        /// The model's file.
        path: PathBuf,
        /// What ONNX Runtime said.
        reason: String,
    },

    /// The SoundFont is not there.
    #[error("{path}: the SoundFont is missing; one is part of the release, and any .sf2 or .sf3 file can take its place", path = path.display())]
    SoundFontMissing {
        /// The file.
        path: PathBuf,
    },
    /// The SoundFont cannot be read.
    #[error("{path}: not a SoundFont that can be read: {reason}", path = path.display())]
    SoundFontInvalid {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The SoundFont lacks a preset that the score needs.
    #[error("{path}: no preset in bank {bank}, program {program}; it has {available}", path = path.display())]
    PresetMissing {
        /// The file.
        path: PathBuf,
        /// Bank (128 = drum kits).
        bank: u16,
        /// Program number, from 0.
        program: u8,
        /// Programs that this bank has.
        available: String,
    },

    /// A setting that does not exist.
    #[error("no setting '{key}'{}", nearest.as_ref().map(|n| format!("; did you mean '{n}'?")).unwrap_or_default())]
    UnknownSetting {
        /// The name met.
        key: String,
        /// The nearest name that exists.
        nearest: Option<String>,
    },
    /// A value that a setting does not allow.
    #[error("setting {key} = '{value}': allowed is {allowed}{}", nearest.as_ref().map(|n| format!("; did you mean '{n}'?")).unwrap_or_default())]
    SettingValue {
        /// The setting.
        key: String,
        /// The value met.
        value: String,
        /// The values allowed.
        allowed: String,
        /// The nearest allowed word.
        nearest: Option<String>,
    },

    /// A stage lacks its input, or what was to be written has not been made.
    #[error("{path}: the {stage} stage lacks its input; the latest result is: {latest}", path = path.display())]
    StageMissing {
        /// The clip.
        path: PathBuf,
        /// The stage that was to be run or written.
        stage: String,
        /// The latest stage that has a result, or `nothing`.
        latest: String,
    },
    /// A file saved between stages cannot be used.
    #[error("{path}: {reason}", path = path.display())]
    Saved {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A video was to be written at another speed than the media's.
    #[error("{path}: the picture is copied unchanged, so its speed cannot be {speed}; write the sound alone, or set the speed to 1", path = path.display())]
    PictureSpeed {
        /// The media.
        path: PathBuf,
        /// The speed met.
        speed: String,
    },
    /// Input and output are one file.
    #[error("{path}: the output would overwrite the input; choose another name", path = path.display())]
    OutputIsInput {
        /// The file.
        path: PathBuf,
    },
    /// The output cannot be written: no such folder, no permission, disk full.
    #[error("{path}: cannot be written: {source}", path = path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("{path}: cannot be read: {source}", path = path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Music, or the score that is made of it, does not hold what it must: no rhythm that a bar could be counted by, a note
    /// out of range, more ticks than a MIDI file can count.
    #[error("music: {reason}")]
    Music {
        /// The value met, and what is needed.
        reason: String,
    },
    /// Sound could not be measured or made.
    #[error("sound: {reason}")]
    Sound {
        /// What went wrong.
        reason: String,
    },
    /// The system did not give what was asked of it.
    #[error("{what}: {source}")]
    System {
        /// What was asked for, as `a thread for decoding`.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The job was cancelled by its [`Monitor`](crate::Monitor).
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// An [`Error::Output`] for `path`, for use in `map_err`.
    pub fn output(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Output {
            path: path.to_owned(),
            source,
        }
    }

    /// An [`Error::Input`] for `path`, for use in `map_err`.
    pub fn input(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Input {
            path: path.to_owned(),
            source,
        }
    }
}
