//! Errors. Every message names the file or setting, the value found and the value expected.

use crate::shown;
use std::io;
use std::path::{Path, PathBuf};

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, with what a user needs to resolve it.
///
/// [`NoPerson`](Error::NoPerson), [`PersonTooBrief`](Error::PersonTooBrief) and
/// [`NoBeat`](Error::NoBeat) are findings about the clip rather than failures; `NoBeat` does not
/// occur if a tempo is given. A cancelled job returns [`Cancelled`](Error::Cancelled).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened as a media file at all.
    #[error("{path}: cannot be read as a video: {reason}", path = path.display())]
    NotAVideo {
        /// The file.
        path: PathBuf,
        /// The kind of file or the fault, and what to do.
        reason: String,
    },
    /// The file is media, but has no picture (audio only).
    #[error("{path}: no video stream (found: {found}); a video of a moving person is needed", path = path.display())]
    NoVideoStream {
        /// The file.
        path: PathBuf,
        /// The kinds of streams that it has.
        found: String,
    },
    /// No frame of the video stream could be decoded.
    #[error("{path}: no frame could be decoded", path = path.display())]
    NoFrames {
        /// The file.
        path: PathBuf,
    },
    /// The frames are too small or too large.
    #[error("{path}: frames of {width}×{height} pixels; expected {least} to {most} pixels per side", path = path.display())]
    FrameSize {
        /// The file.
        path: PathBuf,
        /// Width of the frames.
        width: u32,
        /// Height of the frames.
        height: u32,
        /// Least side allowed.
        least: u32,
        /// Greatest side allowed.
        most: u32,
    },
    /// The clip, or the requested part of it, is too short for music.
    #[error("{path}: {seconds:.2} s of video; at least {least} s are needed", path = path.display())]
    ClipTooShort {
        /// The file.
        path: PathBuf,
        /// Length of the clip or part, seconds.
        seconds: f64,
        /// Minimum length, seconds.
        least: f64,
    },
    /// The clip, or the requested part of it, is long enough, but not at the requested speed.
    #[error("{path}: {before:.2} s of video last {seconds:.2} s at speed {speed}; at least {least} s are needed", path = path.display())]
    TooShortAtSpeed {
        /// The file.
        path: PathBuf,
        /// Length of the clip or part at its own speed, seconds.
        before: f64,
        /// Its length at the requested speed, seconds.
        seconds: f64,
        /// The requested speed.
        speed: String,
        /// Minimum length, seconds.
        least: f64,
    },
    /// The cut does not lie within the clip.
    #[error("{path}: {}", outside(*start, *end, *duration), path = path.display())]
    CutOutside {
        /// The file.
        path: PathBuf,
        /// Requested start, seconds.
        start: f64,
        /// Requested end, seconds.
        end: f64,
        /// The clip's length, seconds.
        duration: f64,
    },
    /// Pushed frames, or their announced properties, cannot be used.
    #[error("{path}: {reason}", path = path.display())]
    Pushed {
        /// The name that the clip was given.
        path: PathBuf,
        /// Which frame, the value found and the value expected.
        reason: String,
    },
    /// Decoding or muxing failed for any other reason.
    #[error("{path}: {doing}: {reason}", path = path.display())]
    Media {
        /// The file.
        path: PathBuf,
        /// The action that failed.
        doing: &'static str,
        /// The fault, and what to do.
        reason: String,
    },

    /// No person was found anywhere in the clip.
    #[error("{path}: no person found in any of the {frames} frames examined", path = path.display())]
    NoPerson {
        /// The file.
        path: PathBuf,
        /// Number of frames examined.
        frames: usize,
    },
    /// A person was found, but is not seen for long enough.
    #[error("{path}: a person is seen for only {seconds:.2} s; at least {least} s are needed", path = path.display())]
    PersonTooBrief {
        /// The file.
        path: PathBuf,
        /// Seconds seen.
        seconds: f64,
        /// Seconds needed.
        least: f64,
    },
    /// `pose.person` is greater than the number of people.
    #[error("{path}: person {wanted} was requested, but the number of people found is {found} (numbered from 1, the one who moves most first)", path = path.display())]
    NoSuchPerson {
        /// The file.
        path: PathBuf,
        /// Requested number.
        wanted: usize,
        /// Number of people found.
        found: usize,
    },
    /// The person moves too little for a beat to be found. Not reported if the user gives a tempo.
    #[error(
        "no beat found: the movement is {movement:.3} torso lengths per second; at least {least:.3} are needed unless a tempo is set"
    )]
    NoBeat {
        /// Median movement, torso lengths per second, summed over the joints.
        movement: f64,
        /// Minimum movement.
        least: f64,
    },
    /// The poses are too far apart in time to measure the movement, so no beat can be found. Not
    /// reported if the user gives a tempo.
    #[error(
        "no beat found: the frames are {interval:.2} s apart, too far to measure the movement; at most {most:.2} s are allowed unless a tempo is set"
    )]
    PosesTooSparse {
        /// Median time between poses, seconds.
        interval: f64,
        /// Maximum time.
        most: f64,
    },

    /// A model file is missing.
    #[error("{path}: the model file is missing; the release includes it", path = path.display())]
    ModelMissing {
        /// The file.
        path: PathBuf,
    },
    /// A model file is not the one that the manifest describes.
    #[error("{path}: sha256 is {found}, but the manifest lists {expected}; the file is damaged or from another release", path = path.display())]
    ModelHash {
        /// The file.
        path: PathBuf,
        /// Hash in the manifest.
        expected: String,
        /// Hash of the file.
        found: String,
    },
    /// A tensor of a model does not have the expected name, type or shape.
    #[error("{path}: tensor '{tensor}' is {found}, expected {expected}", path = path.display())]
    ModelShape {
        /// The file.
        path: PathBuf,
        /// Tensor name.
        tensor: String,
        /// Expected type and shape.
        expected: String,
        /// Type and shape in the file.
        found: String,
    },
    /// The manifest of the models cannot be used, or a file that it names cannot be read.
    #[error("{path}: {reason}", path = path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The ONNX Runtime library was not found or cannot be loaded.
    #[error("ONNX Runtime was not found or cannot be loaded; tried:\n{}", tried.join("\n"))]
    RuntimeMissing {
        /// Each place tried, with the reason why it failed.
        tried: Vec<String>,
    },
    /// The requested device cannot be used.
    #[error("device '{device}' cannot be used: {reason}")]
    DeviceUnavailable {
        /// The device.
        device: String,
        /// The reason.
        reason: String,
    },
    /// ONNX Runtime refused a model or a run.
    #[error("{path}: {reason}", path = path.display())]
    Inference {
        /// The model's file.
        path: PathBuf,
        /// The message of ONNX Runtime.
        reason: String,
    },

    /// The SoundFont is missing.
    #[error("{path}: the SoundFont is missing; the release includes one, and any .sf2 or .sf3 file can be used instead", path = path.display())]
    SoundFontMissing {
        /// The file.
        path: PathBuf,
    },
    /// The SoundFont cannot be read.
    #[error("{path}: cannot be read as a SoundFont: {reason}", path = path.display())]
    SoundFontInvalid {
        /// The file.
        path: PathBuf,
        /// The reason.
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
        /// Programs of this bank.
        available: String,
    },

    /// There is no such setting.
    #[error("unknown setting '{}'{}", shown::text(key), nearest.as_ref().map(|n| format!("; did you mean '{n}'?")).unwrap_or_default())]
    UnknownSetting {
        /// The unknown name.
        key: String,
        /// The most similar name.
        nearest: Option<String>,
    },
    /// A setting does not accept a value.
    #[error("setting {key} = '{}': expected {allowed}{}", shown::text(value), nearest.as_ref().map(|n| format!("; did you mean '{n}'?")).unwrap_or_default())]
    SettingValue {
        /// The setting.
        key: String,
        /// The value found.
        value: String,
        /// The values that are accepted.
        allowed: String,
        /// The most similar word that is accepted.
        nearest: Option<String>,
    },

    /// A stage lacks its input, or a result was to be written that does not exist yet.
    #[error("{path}: the {stage} stage lacks its input; the latest result is: {latest}", path = path.display())]
    StageMissing {
        /// The clip.
        path: PathBuf,
        /// The stage to run, or whose result was to be written.
        stage: String,
        /// The latest stage that has a result, or `nothing`.
        latest: String,
    },
    /// A file saved between stages cannot be used.
    #[error("{path}: {reason}", path = path.display())]
    Saved {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Marks cannot be used.
    #[error("{path}: {reason}", path = path.display())]
    Marks {
        /// The file, or the name that the marks were given.
        path: PathBuf,
        /// The field, the value found and the value expected.
        reason: String,
    },
    /// A video was requested at a speed other than the media's.
    #[error("{path}: the picture is copied unchanged, so its speed cannot be {speed}; write the sound alone, or set the speed to 1", path = path.display())]
    PictureSpeed {
        /// The media.
        path: PathBuf,
        /// The requested speed.
        speed: String,
    },
    /// The output is the input file.
    #[error("{path}: the output would overwrite the input; choose another name", path = path.display())]
    OutputIsInput {
        /// The file.
        path: PathBuf,
    },
    /// An output cannot be written: no such folder, no permission, disk full.
    #[error("{path}: cannot be written: {source}", path = path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("{path}: cannot be read: {source}", path = path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Music, or a score made from it, is invalid: no usable beats, a note out of range, or more
    /// ticks than a MIDI file can count.
    #[error("music: {reason}")]
    Music {
        /// The value found and the value expected.
        reason: String,
    },
    /// Sound could not be rendered or measured.
    #[error("sound: {reason}")]
    Sound {
        /// The reason.
        reason: String,
    },
    /// The system could not provide a resource, such as a thread.
    #[error("{what}: {source}")]
    System {
        /// The resource, such as `a thread for decoding`.
        what: &'static str,
        /// The error of the system.
        source: io::Error,
    },
    /// The job was cancelled by its [`Monitor`](crate::Monitor).
    #[error("cancelled")]
    Cancelled,
}

/// The sentence for a part that does not lie within a clip; the length is infinite if it is not
/// known.
fn outside(start: f64, end: f64, duration: f64) -> String {
    let part = if start >= duration {
        format!("the start at {start:.3} s")
    } else {
        format!("the part from {start:.3} s to {end:.3} s")
    };
    if duration.is_finite() {
        format!("{part} does not lie within the clip, which is {duration:.3} s long")
    } else {
        format!("{part} does not lie within the clip")
    }
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
