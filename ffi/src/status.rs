//! Status codes.

use kinescore_core::Error;
use std::ffi::{CStr, c_char};

/// Status of a call: 0, or a failure, whose message kinescore_last_error returns. The meaning of a
/// number never changes, and new ones may be added: treat unknown numbers as failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// Done.
    Ok = 0,

    /// A pointer that must not be NULL is NULL.
    NullPointer = 1,
    /// An argument is out of range, is not UTF-8, or is a pointer that is not aligned for its type.
    BadArgument = 2,
    /// A struct's struct_size is less than that of the first version of this struct.
    BadStructSize = 3,
    /// The caller's array or text buffer is too small; nothing was written.
    BufferTooSmall = 4,
    /// The job is not in a state for this call, such as reading results before a run.
    WrongState = 5,
    /// Another thread is in a call on this job, or a callback has called a function that callbacks
    /// must not call.
    Busy = 6,
    /// The call was stopped by kinescore_job_cancel or by the progress callback.
    Cancelled = 7,
    /// An error in the library itself. Please report it. The job, if any, can only be freed.
    Panic = 8,
    /// An earlier call on this job ended in KINESCORE_PANIC: it can only be freed.
    Poisoned = 9,
    /// A failure for which this version of the interface has no number.
    Other = 10,
    /// The system could not provide a resource, such as a thread.
    System = 11,

    /// There is no setting of that name.
    UnknownSetting = 20,
    /// The setting does not allow that value.
    SettingValue = 21,

    /// The file cannot be read as a video.
    NotAVideo = 30,
    /// The file is media without a picture.
    NoVideoStream = 31,
    /// No frame could be decoded, or none was pushed.
    NoFrames = 32,
    /// The frames are too small or too large.
    FrameSize = 33,
    /// The clip, or the requested part of it, is too short for music.
    ClipTooShort = 34,
    /// The requested part does not lie within the clip.
    CutOutside = 35,
    /// Decoding or encoding failed.
    Media = 36,
    /// A file cannot be read.
    Input = 37,
    /// A pushed frame, or the announced properties of the frames, cannot be used.
    Frame = 38,
    /// Marks cannot be used.
    Marks = 39,

    /// No person was found in the clip.
    NoPerson = 50,
    /// A person was found, but is not seen for long enough.
    PersonTooBrief = 51,
    /// The requested person (pose.person) was not found.
    NoSuchPerson = 52,
    /// The person hardly moves. Not returned if the setting "tempo" is set.
    NoBeat = 53,

    /// A model's file is missing.
    ModelMissing = 60,
    /// A model's file is damaged or from another release.
    ModelInvalid = 61,
    /// The manifest of the models (manifest.toml), or a table beside it, cannot be used.
    Manifest = 62,
    /// ONNX Runtime was not found or cannot be loaded.
    RuntimeMissing = 63,
    /// The requested device cannot be used.
    DeviceUnavailable = 64,
    /// ONNX Runtime refused a model or a run.
    Inference = 65,
    /// The SoundFont is missing.
    SoundfontMissing = 66,
    /// The SoundFont cannot be read.
    SoundfontInvalid = 67,
    /// The SoundFont lacks a sound that is needed.
    PresetMissing = 68,
    /// Sound could not be rendered or measured.
    Sound = 69,
    /// Music, or a score made from it, is invalid.
    Music = 70,

    /// An output cannot be written.
    Output = 80,
    /// The output would overwrite the input.
    OutputIsInput = 81,
    /// A video cannot be written for a cut at another speed, since its picture is copied unchanged.
    PictureSpeed = 82,
}

impl Status {
    const ALL: &[Self] = &[
        Self::Ok,
        Self::NullPointer,
        Self::BadArgument,
        Self::BadStructSize,
        Self::BufferTooSmall,
        Self::WrongState,
        Self::Busy,
        Self::Cancelled,
        Self::Panic,
        Self::Poisoned,
        Self::Other,
        Self::System,
        Self::UnknownSetting,
        Self::SettingValue,
        Self::NotAVideo,
        Self::NoVideoStream,
        Self::NoFrames,
        Self::FrameSize,
        Self::ClipTooShort,
        Self::CutOutside,
        Self::Media,
        Self::Input,
        Self::Frame,
        Self::Marks,
        Self::NoPerson,
        Self::PersonTooBrief,
        Self::NoSuchPerson,
        Self::NoBeat,
        Self::ModelMissing,
        Self::ModelInvalid,
        Self::Manifest,
        Self::RuntimeMissing,
        Self::DeviceUnavailable,
        Self::Inference,
        Self::SoundfontMissing,
        Self::SoundfontInvalid,
        Self::PresetMissing,
        Self::Sound,
        Self::Music,
        Self::Output,
        Self::OutputIsInput,
        Self::PictureSpeed,
    ];

    fn name(self) -> &'static CStr {
        match self {
            Self::Ok => c"KINESCORE_OK",
            Self::NullPointer => c"KINESCORE_NULL_POINTER",
            Self::BadArgument => c"KINESCORE_BAD_ARGUMENT",
            Self::BadStructSize => c"KINESCORE_BAD_STRUCT_SIZE",
            Self::BufferTooSmall => c"KINESCORE_BUFFER_TOO_SMALL",
            Self::WrongState => c"KINESCORE_WRONG_STATE",
            Self::Busy => c"KINESCORE_BUSY",
            Self::Cancelled => c"KINESCORE_CANCELLED",
            Self::Panic => c"KINESCORE_PANIC",
            Self::Poisoned => c"KINESCORE_POISONED",
            Self::Other => c"KINESCORE_OTHER",
            Self::System => c"KINESCORE_SYSTEM",
            Self::UnknownSetting => c"KINESCORE_UNKNOWN_SETTING",
            Self::SettingValue => c"KINESCORE_SETTING_VALUE",
            Self::NotAVideo => c"KINESCORE_NOT_A_VIDEO",
            Self::NoVideoStream => c"KINESCORE_NO_VIDEO_STREAM",
            Self::NoFrames => c"KINESCORE_NO_FRAMES",
            Self::FrameSize => c"KINESCORE_FRAME_SIZE",
            Self::ClipTooShort => c"KINESCORE_CLIP_TOO_SHORT",
            Self::CutOutside => c"KINESCORE_CUT_OUTSIDE",
            Self::Media => c"KINESCORE_MEDIA",
            Self::Input => c"KINESCORE_INPUT",
            Self::Frame => c"KINESCORE_FRAME",
            Self::Marks => c"KINESCORE_MARKS",
            Self::NoPerson => c"KINESCORE_NO_PERSON",
            Self::PersonTooBrief => c"KINESCORE_PERSON_TOO_BRIEF",
            Self::NoSuchPerson => c"KINESCORE_NO_SUCH_PERSON",
            Self::NoBeat => c"KINESCORE_NO_BEAT",
            Self::ModelMissing => c"KINESCORE_MODEL_MISSING",
            Self::ModelInvalid => c"KINESCORE_MODEL_INVALID",
            Self::Manifest => c"KINESCORE_MANIFEST",
            Self::RuntimeMissing => c"KINESCORE_RUNTIME_MISSING",
            Self::DeviceUnavailable => c"KINESCORE_DEVICE_UNAVAILABLE",
            Self::Inference => c"KINESCORE_INFERENCE",
            Self::SoundfontMissing => c"KINESCORE_SOUNDFONT_MISSING",
            Self::SoundfontInvalid => c"KINESCORE_SOUNDFONT_INVALID",
            Self::PresetMissing => c"KINESCORE_PRESET_MISSING",
            Self::Sound => c"KINESCORE_SOUND",
            Self::Music => c"KINESCORE_MUSIC",
            Self::Output => c"KINESCORE_OUTPUT",
            Self::OutputIsInput => c"KINESCORE_OUTPUT_IS_INPUT",
            Self::PictureSpeed => c"KINESCORE_PICTURE_SPEED",
        }
    }
}

/// A status with its message.
#[derive(Debug)]
pub struct Failure {
    pub status: Status,
    pub message: String,
}

impl Failure {
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(status_of(&error), error.to_string())
    }
}

fn status_of(error: &Error) -> Status {
    match error {
        Error::NotAVideo { .. } => Status::NotAVideo,
        Error::NoVideoStream { .. } => Status::NoVideoStream,
        Error::NoFrames { .. } => Status::NoFrames,
        Error::FrameSize { .. } => Status::FrameSize,
        Error::ClipTooShort { .. } | Error::TooShortAtSpeed { .. } => Status::ClipTooShort,
        Error::CutOutside { .. } => Status::CutOutside,
        Error::Media { .. } => Status::Media,
        Error::Input { .. } => Status::Input,
        Error::Pushed { .. } => Status::Frame,
        Error::Marks { .. } => Status::Marks,
        Error::NoPerson { .. } => Status::NoPerson,
        Error::PersonTooBrief { .. } => Status::PersonTooBrief,
        Error::NoSuchPerson { .. } => Status::NoSuchPerson,
        Error::NoBeat { .. } | Error::PosesTooSparse { .. } => Status::NoBeat,
        Error::ModelMissing { .. } => Status::ModelMissing,
        Error::ModelHash { .. } | Error::ModelShape { .. } => Status::ModelInvalid,
        Error::Manifest { .. } => Status::Manifest,
        Error::RuntimeMissing { .. } => Status::RuntimeMissing,
        Error::DeviceUnavailable { .. } => Status::DeviceUnavailable,
        Error::Inference { .. } => Status::Inference,
        Error::SoundFontMissing { .. } => Status::SoundfontMissing,
        Error::SoundFontInvalid { .. } => Status::SoundfontInvalid,
        Error::PresetMissing { .. } => Status::PresetMissing,
        Error::UnknownSetting { .. } => Status::UnknownSetting,
        Error::SettingValue { .. } => Status::SettingValue,
        Error::StageMissing { .. } => Status::WrongState,
        // Saved stages, which this interface does not read.
        Error::Saved { .. } => Status::Input,
        Error::OutputIsInput { .. } => Status::OutputIsInput,
        Error::Output { .. } => Status::Output,
        Error::PictureSpeed { .. } => Status::PictureSpeed,
        Error::Music { .. } => Status::Music,
        Error::Sound { .. } => Status::Sound,
        Error::System { .. } => Status::System,
        Error::Cancelled => Status::Cancelled,
        _ => Status::Other,
    }
}

/// Returns the name of a status, such as "KINESCORE_NO_BEAT", or "KINESCORE_UNKNOWN" for an unknown
/// number. Stays valid until the process ends.
#[unsafe(no_mangle)]
pub extern "C" fn kinescore_status_name(status: i32) -> *const c_char {
    let known = Status::ALL.iter().find(|known| **known as i32 == status);
    known.map_or(c"KINESCORE_UNKNOWN", |status| status.name()).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_header_has_its_number_and_name() {
        let header = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../include/kinescore.h"))
            .expect("the header");
        let declared: Vec<(String, i32)> = header
            .lines()
            .filter_map(|line| line.trim().trim_end_matches(',').split_once(" = "))
            .filter_map(|(name, number)| Some((name.to_owned(), number.parse().ok()?)))
            .collect();
        let known: Vec<(String, i32)> = Status::ALL
            .iter()
            .map(|status| (status.name().to_string_lossy().into_owned(), *status as i32))
            .collect();
        assert_eq!(declared, known);
    }
}
