//! Exit codes: the only place where they are decided.

use crate::flags::flag_name;
use kinescore::Error;
use std::fmt;

/// An exit code and when it is given.
pub struct Code {
    /// The number.
    pub number: u8,
    /// When it is given.
    pub meaning: &'static str,
}

/// Everything went well.
pub const DONE: u8 = 0;
/// An error in the program.
pub const INTERNAL: u8 = 1;
/// The command line or a setting is wrong.
pub const USAGE: u8 = 2;
/// The input cannot be read.
pub const INPUT: u8 = 3;
/// There is nobody to follow, or not for long enough.
pub const NOTHING_TO_FOLLOW: u8 = 4;
/// No beat was found.
pub const NO_BEAT: u8 = 5;
/// Something that the program needs is missing or damaged.
pub const RESOURCES: u8 = 6;
/// The output cannot be written.
pub const OUTPUT: u8 = 7;
/// The cache had damaged entries.
pub const DAMAGED_CACHE: u8 = 8;
/// Some clips of a batch have failed, or are missing.
pub const SOME_FAILED: u8 = 9;
/// A project is open in its editor, or has been changed in the meantime.
#[cfg(feature = "timeline")]
pub const PROJECT_IN_USE: u8 = 10;
/// Stopped by the user: 128 + SIGINT, as shells count.
pub const CANCELLED: u8 = 130;

/// All exit codes, for the help, the man page and the README.
pub const CODES: &[Code] = &[
    Code {
        number: DONE,
        meaning: "done",
    },
    Code {
        number: INTERNAL,
        meaning: "an error in the program itself",
    },
    Code {
        number: USAGE,
        meaning: "the command line, a setting, or --start/--end is not allowed",
    },
    Code {
        number: INPUT,
        meaning: "the input cannot be used: not a video, no picture, no frames, damaged",
    },
    Code {
        number: NOTHING_TO_FOLLOW,
        meaning: "nothing to follow: no person, or the clip or the person's part in it too short",
    },
    Code {
        number: NO_BEAT,
        meaning: "no beat: hardly any movement, or too few frames (--tempo sets one)",
    },
    Code {
        number: RESOURCES,
        meaning: "ONNX Runtime, a model, device, SoundFont, editor or part to install is missing or wrong",
    },
    Code {
        number: OUTPUT,
        meaning: "an output cannot be written, or would overwrite the input",
    },
    Code {
        number: DAMAGED_CACHE,
        meaning: "`kinescore cache verify` found damaged entries, and removed them",
    },
    Code {
        number: SOME_FAILED,
        meaning: "`kinescore batch`: some clips have failed, or with --collect are missing; the others are done",
    },
    #[cfg(feature = "timeline")]
    Code {
        number: PROJECT_IN_USE,
        meaning: "`kinescore timeline`: the project is open in its editor, or was changed; it is left unchanged",
    },
    Code {
        number: CANCELLED,
        meaning: "stopped by Ctrl-C, SIGTERM or SIGHUP",
    },
];

/// The exit codes as a section of the help.
pub fn help() -> String {
    CODES.iter().fold("Exit codes:".to_owned(), |text, code| {
        format!("{text}\n  {:>3}  {}", code.number, code.meaning)
    })
}

/// Why the program ends without a result: the message for the user, and the code.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// The message; empty if it is already on standard output.
    pub message: String,
}

impl Failure {
    /// A command line that parses but asks for something impossible.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: USAGE,
            message: message.into(),
        }
    }

    /// A failure at a row of a batch.
    pub fn of_row(error: &Error) -> Self {
        Self {
            code: code(error),
            message: row_sentence(error),
        }
    }

    /// A failure while an output was written: an error of media is then one of the output.
    pub fn writing(error: Error) -> Self {
        let code = match error {
            Error::Media { .. } => OUTPUT,
            ref other => code(other),
        };
        Self {
            code,
            message: sentence(&error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            code: code(&error),
            message: sentence(&error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The error's message with the flags that help, which the library does not know.
pub fn sentence(error: &Error) -> String {
    with_advice(error, advice(error))
}

/// The message about a row of a batch, with the columns that help: some flags of `render` are
/// columns there.
fn row_sentence(error: &Error) -> String {
    let advice = match error {
        Error::CutOutside { .. } => Some("columns 'in' and 'out'".to_owned()),
        Error::TooShortAtSpeed { .. } => Some("column 'speed'".to_owned()),
        Error::PictureSpeed { .. } => Some("column 'speed'; --video copies the picture unchanged".to_owned()),
        Error::Marks { .. } => Some("column 'marks'".to_owned()),
        Error::SettingValue { key, .. } => Some(format!("column '{key}', or --{}", flag_name(key))),
        Error::NoSuchPerson { .. } => Some("column 'pose.person', or --person".to_owned()),
        Error::NoBeat { .. } | Error::PosesTooSparse { .. } => {
            Some("column 'tempo', or --tempo 100, for example".to_owned())
        }
        other => advice(other),
    };
    with_advice(error, advice)
}

fn with_advice(error: &Error, advice: Option<String>) -> String {
    match advice {
        Some(advice) => format!("{error} ({advice})"),
        None => error.to_string(),
    }
}

fn advice(error: &Error) -> Option<String> {
    let advice = match error {
        Error::SettingValue { key, .. } => return Some(format!("--{}", flag_name(key))),
        Error::UnknownSetting { .. } => "`kinescore settings` lists them",
        Error::DeviceUnavailable { .. } => {
            "`kinescore setup gpu` fetches ONNX Runtime for graphics cards, `kinescore doctor --device gpu` shows what is missing"
        }
        Error::CutOutside { .. } => "--start, --end",
        Error::TooShortAtSpeed { .. } => "--speed",
        Error::NoBeat { .. } | Error::PosesTooSparse { .. } => "--tempo 100, for example",
        Error::NoSuchPerson { .. } => "--person",
        Error::ModelMissing { .. } => "--models DIR names another folder",
        Error::SoundFontMissing { .. } => "--soundfont FILE",
        Error::PictureSpeed { .. } => "--no-video --wav FILE",
        Error::Marks { .. } => "--marks",
        Error::Saved { .. } => "--from takes a file that --until has saved; save it again, or correct it",
        _ => return None,
    };
    Some(advice.to_owned())
}

/// The exit code for a failure of the library.
pub fn code(error: &Error) -> u8 {
    match error {
        Error::UnknownSetting { .. }
        | Error::SettingValue { .. }
        | Error::CutOutside { .. }
        | Error::PictureSpeed { .. } => USAGE,
        Error::NotAVideo { .. }
        | Error::NoVideoStream { .. }
        | Error::NoFrames { .. }
        | Error::FrameSize { .. }
        | Error::Pushed { .. }
        | Error::Media { .. }
        | Error::Marks { .. }
        | Error::Saved { .. }
        | Error::StageMissing { .. }
        | Error::Input { .. } => INPUT,
        Error::ClipTooShort { .. }
        | Error::TooShortAtSpeed { .. }
        | Error::NoPerson { .. }
        | Error::PersonTooBrief { .. }
        | Error::NoSuchPerson { .. } => NOTHING_TO_FOLLOW,
        Error::NoBeat { .. } | Error::PosesTooSparse { .. } => NO_BEAT,
        Error::ModelMissing { .. }
        | Error::ModelHash { .. }
        | Error::ModelShape { .. }
        | Error::Manifest { .. }
        | Error::RuntimeMissing { .. }
        | Error::DeviceUnavailable { .. }
        | Error::Inference { .. }
        | Error::SoundFontMissing { .. }
        | Error::SoundFontInvalid { .. }
        | Error::PresetMissing { .. } => RESOURCES,
        Error::OutputIsInput { .. } | Error::Output { .. } => OUTPUT,
        Error::Cancelled => CANCELLED,
        Error::Music { .. } | Error::Sound { .. } | Error::System { .. } => INTERNAL,
        // A later library may have errors that this program does not know.
        _ => INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::path::PathBuf;

    #[test]
    fn every_error_has_its_documented_code() {
        let path = || PathBuf::from("clip.mp4");
        let text = || "why".to_owned();
        let io = || io::Error::other("why");
        let table: Vec<(Error, u8)> = vec![
            (
                Error::NotAVideo {
                    path: path(),
                    reason: text(),
                },
                3,
            ),
            (
                Error::NoVideoStream {
                    path: path(),
                    found: text(),
                },
                3,
            ),
            (Error::NoFrames { path: path() }, 3),
            (
                Error::FrameSize {
                    path: path(),
                    width: 1,
                    height: 1,
                    least: 16,
                    most: 16384,
                },
                3,
            ),
            (
                Error::ClipTooShort {
                    path: path(),
                    seconds: 1.0,
                    least: 2.0,
                },
                4,
            ),
            (
                Error::TooShortAtSpeed {
                    path: path(),
                    before: 4.0,
                    seconds: 1.0,
                    speed: text(),
                    least: 2.0,
                },
                4,
            ),
            (
                Error::CutOutside {
                    path: path(),
                    start: 1.0,
                    end: 9.0,
                    duration: 5.0,
                },
                2,
            ),
            (
                Error::Media {
                    path: path(),
                    doing: "decoding",
                    reason: text(),
                },
                3,
            ),
            (
                Error::NoPerson {
                    path: path(),
                    frames: 9,
                },
                4,
            ),
            (
                Error::PersonTooBrief {
                    path: path(),
                    seconds: 1.0,
                    least: 2.0,
                },
                4,
            ),
            (
                Error::NoSuchPerson {
                    path: path(),
                    wanted: 3,
                    found: 1,
                },
                4,
            ),
            (
                Error::NoBeat {
                    movement: 0.0,
                    least: 0.1,
                },
                5,
            ),
            (
                Error::PosesTooSparse {
                    interval: 0.5,
                    most: 0.3,
                },
                5,
            ),
            (Error::ModelMissing { path: path() }, 6),
            (
                Error::ModelHash {
                    path: path(),
                    expected: text(),
                    found: text(),
                },
                6,
            ),
            (
                Error::ModelShape {
                    path: path(),
                    tensor: text(),
                    expected: text(),
                    found: text(),
                },
                6,
            ),
            (
                Error::Manifest {
                    path: path(),
                    reason: text(),
                },
                6,
            ),
            (Error::RuntimeMissing { tried: vec![text()] }, 6),
            (
                Error::DeviceUnavailable {
                    device: text(),
                    reason: text(),
                },
                6,
            ),
            (
                Error::Inference {
                    path: path(),
                    reason: text(),
                },
                6,
            ),
            (Error::SoundFontMissing { path: path() }, 6),
            (
                Error::SoundFontInvalid {
                    path: path(),
                    reason: text(),
                },
                6,
            ),
            (
                Error::PresetMissing {
                    path: path(),
                    bank: 128,
                    program: 0,
                    available: text(),
                },
                6,
            ),
            (
                Error::UnknownSetting {
                    key: text(),
                    nearest: None,
                },
                2,
            ),
            (
                Error::SettingValue {
                    key: text(),
                    value: text(),
                    allowed: text(),
                    nearest: None,
                },
                2,
            ),
            (
                Error::Saved {
                    path: path(),
                    reason: text(),
                },
                3,
            ),
            (
                Error::Marks {
                    path: path(),
                    reason: text(),
                },
                3,
            ),
            (
                Error::Pushed {
                    path: path(),
                    reason: text(),
                },
                3,
            ),
            (
                Error::PictureSpeed {
                    path: path(),
                    speed: text(),
                },
                2,
            ),
            (Error::OutputIsInput { path: path() }, 7),
            (
                Error::Output {
                    path: path(),
                    source: io(),
                },
                7,
            ),
            (
                Error::Input {
                    path: path(),
                    source: io(),
                },
                3,
            ),
            (
                Error::StageMissing {
                    path: path(),
                    stage: text(),
                    latest: text(),
                },
                3,
            ),
            (Error::Music { reason: text() }, 1),
            (
                Error::System {
                    what: "a thread",
                    source: io(),
                },
                1,
            ),
            (Error::Sound { reason: text() }, 1),
            (Error::Cancelled, 130),
        ];
        for (error, expected) in &table {
            assert_eq!(code(error), *expected, "{error}");
            assert!(
                CODES.iter().any(|c| c.number == *expected),
                "{expected} is not documented"
            );
        }
        // A new kind of error needs a code here as well.
        let source = include_str!("../../src/error.rs");
        let (_, variants) = source.split_once("pub enum Error {").expect("the enum is there");
        let (variants, _) = variants.split_once("\n}\n").expect("the enum ends");
        let known = variants
            .lines()
            .filter(|line| line.starts_with("    ") && line[4..].starts_with(|c: char| c.is_ascii_uppercase()))
            .count();
        assert_eq!(table.len(), known, "the library's errors and this table differ");
        let writing = Failure::writing(Error::Media {
            path: path(),
            doing: "muxing",
            reason: text(),
        });
        assert_eq!(writing.code, 7);
    }

    #[test]
    fn flags_are_named_here_and_not_by_the_library() {
        let path = || PathBuf::from("clip.mp4");
        let table = [
            (
                Error::NoBeat {
                    movement: 0.0,
                    least: 0.1,
                },
                "(--tempo 100, for example)",
            ),
            (
                Error::ModelMissing { path: path() },
                "(--models DIR names another folder)",
            ),
            (Error::SoundFontMissing { path: path() }, "(--soundfont FILE)"),
            (
                Error::PictureSpeed {
                    path: path(),
                    speed: "1/2".to_owned(),
                },
                "(--no-video --wav FILE)",
            ),
            (
                Error::Saved {
                    path: path(),
                    reason: "why".to_owned(),
                },
                "(--from takes a file that --until has saved; save it again, or correct it)",
            ),
            (
                Error::SettingValue {
                    key: "drums.style".to_owned(),
                    value: "polka".to_owned(),
                    allowed: "rock".to_owned(),
                    nearest: None,
                },
                "(--style)",
            ),
        ];
        for (error, advice) in &table {
            assert!(!error.to_string().contains("--"), "{error}");
            assert_eq!(sentence(error), format!("{error} {advice}"));
        }
        assert_eq!(sentence(&Error::Cancelled), "cancelled");
        let cut = Error::CutOutside {
            path: path(),
            start: 1.0,
            end: 9.0,
            duration: 5.0,
        };
        assert_eq!(sentence(&cut), format!("{cut} (--start, --end)"));
        assert_eq!(row_sentence(&cut), format!("{cut} (columns 'in' and 'out')"));
    }

    #[test]
    fn the_help_lists_every_code_once() {
        let help = help();
        for code in CODES {
            assert!(
                help.contains(&format!("{:>5}  {}", code.number, code.meaning)),
                "{}",
                code.number
            );
            assert_eq!(CODES.iter().filter(|c| c.number == code.number).count(), 1);
        }
    }
}
