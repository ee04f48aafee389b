//! The arguments of `kinescore studio`.

use crate::exit;
use crate::flags::SettingFlags;
use crate::places::ResourceFlags;
use crate::units::time;
use clap::{Args, ValueHint};
use kinescore::Flicks;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  kinescore studio dance.mp4
  kinescore studio match.mov --start 1:05 --end 1:25 --person 2
  kinescore studio dance.mp4 --marks dance.marks.json --port 8080 --no-open";

/// `kinescore studio`.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}\n\n{}", exit::help()))]
pub struct Studio {
    /// The video of a moving person
    #[arg(value_name = "CLIP", value_hint = ValueHint::FilePath)]
    pub clip: PathBuf,
    /// Start at this time of the video: seconds, MM:SS or HH:MM:SS, with decimals, or a ratio such
    /// as 3003/24000
    #[arg(long, allow_negative_numbers = true, value_name = "TIME", value_parser = time, help_heading = "Input")]
    pub start: Option<Flicks>,
    /// End at this time of the video
    #[arg(long, allow_negative_numbers = true, value_name = "TIME", value_parser = time, help_heading = "Input")]
    pub end: Option<Flicks>,
    /// Corrections of the clip to begin with, as JSON; the file is not changed
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub marks: Option<PathBuf>,
    /// Port of the page on this machine, 0 to 65535; 0 is a free one
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        allow_negative_numbers = true,
        help_heading = "Page"
    )]
    pub port: u16,
    /// Do not open a browser, only print the address
    #[arg(long, help_heading = "Page")]
    pub no_open: bool,
    /// The settings to begin with.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// Paths of the models, ONNX Runtime, SoundFont and cache.
    #[command(flatten)]
    pub resources: ResourceFlags,
}
