//! The command line: one definition for the parser, the help, the man pages and the completions.
//!
//! Flags for settings are in [`flags`](crate::flags).

use crate::chunk::Share;
use crate::flags::SettingFlags;
use crate::places::{ResourceFlags, output_path};
use crate::studio::args::Studio;
use crate::units::time;
use clap::builder::TypedValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use kinescore::{Cut, Flicks, Speed, Stage};
use std::path::{Path, PathBuf};

/// Watches how a person moves in a video and writes the soundtrack: drums that land on the
/// movement.
#[derive(Debug, Parser)]
#[command(name = "kinescore", version, max_term_width = 110, after_long_help = crate::exit::help(), subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// How much is printed.
    #[command(flatten)]
    pub voice: Voice,
}

/// How much is printed.
#[derive(Debug, Args)]
pub struct Voice {
    /// Print only errors, and what was requested, such as a list
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Messages")]
    pub quiet: bool,
    /// Print more: -v prints each step, -vv every detail
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Messages")]
    pub verbose: u8,
}

/// The commands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the soundtrack: the same video with music, and MIDI, stems or analysis on request
    Render(Box<Render>),
    /// Find and print tempo, beats and accents
    Analyze(Box<Analyze>),
    /// Open a local page on which a clip's soundtrack is seen, heard and corrected
    Studio(Box<Studio>),
    /// Write the soundtracks of all clips in a list; run again, it renders only what is missing
    Batch(Box<Batch>),
    /// Put soundtracks under the clips of an editor's project and keep them in line with the clips
    #[cfg(feature = "timeline")]
    Timeline {
        /// The action.
        #[command(subcommand)]
        action: Box<TimelineAction>,
    },
    /// Report what was found on this machine and what is missing
    Doctor(Doctor),
    /// Fetch ONNX Runtime for graphics cards
    Setup(crate::setup_args::Setup),
    /// Install Kinescore in an editor: a menu entry, an add-on or a plugin
    Install(Install),
    /// Remove Kinescore from an editor; everything else there stays unchanged
    Uninstall(Uninstall),
    /// List the settings with their values and meaning
    Settings(SettingsList),
    /// List, check or clear what is kept between runs
    Cache(Cache),
    /// Write a completion script for a shell to standard output
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder, or the main page to standard output
    Man {
        /// Folder for kinescore.1 and a page for each command
        #[arg(value_parser = output_path(), value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
}

/// Where the clip comes from.
#[derive(Debug, Args)]
pub struct Input {
    /// The video of a moving person
    #[arg(value_name = "CLIP", required_unless_present = "from", value_hint = ValueHint::FilePath)]
    pub clip: Option<PathBuf>,
    /// Start at this time of the video: seconds, MM:SS or HH:MM:SS, with decimals, or a ratio such
    /// as 3003/24000
    #[arg(long, allow_negative_numbers = true, value_name = "TIME", value_parser = time, help_heading = "Input")]
    pub start: Option<Flicks>,
    /// End at this time of the video
    #[arg(long, allow_negative_numbers = true, value_name = "TIME", value_parser = time, help_heading = "Input")]
    pub end: Option<Flicks>,
    /// Play the clip faster or slower, 1/4 to 4, such as 0.5, 3/2 or 150%. The notes stay the same
    /// and their times change; no video is written
    #[arg(long, allow_negative_numbers = true, value_name = "FACTOR", help_heading = "Input")]
    pub speed: Option<Speed>,
    /// Continue from a file that --until has saved, without running its stages again; --start,
    /// --end and --speed may differ
    #[arg(long, value_name = "FILE", conflicts_with = "clip", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub from: Option<PathBuf>,
    /// Corrections of the clip, as JSON: fixed beats, hits, silences, tempo factor, accents. Their
    /// times are those of the video, whatever part of it is played
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub marks: Option<PathBuf>,
}

impl Input {
    /// The cut `before`, overridden by the flags that were given.
    pub fn cut(&self, before: Cut) -> Cut {
        Cut {
            start: self.start.or(before.start),
            end: self.end.or(before.end),
            speed: self.speed.unwrap_or(before.speed),
        }
    }
}

/// `kinescore render`.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{RENDER_EXAMPLES}\n\n{}", crate::exit::help()))]
pub struct Render {
    /// The clip.
    #[command(flatten)]
    pub input: Input,
    /// The video to write, or with --until the file to save [default: CLIP.soundtrack.mp4 beside
    /// the clip]
    #[arg(short, long, value_name = "FILE", value_parser = output_path(), value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Write no video, only the files requested
    #[arg(long, conflicts_with_all = ["output", "until"], requires = "files", help_heading = "Output")]
    pub no_video: bool,
    /// Stop after this stage and save its result as JSON, for --from
    #[arg(long, value_name = "STAGE", help_heading = "Output")]
    pub until: Option<SavedStage>,
    /// The other files to write.
    #[command(flatten)]
    pub files: RenderFiles,
    /// Report progress on standard error in the form that this editor reads when it starts the
    /// program
    #[arg(long, value_name = "HOST", help_heading = "Messages")]
    pub host: Option<Host>,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// Paths of the models, ONNX Runtime, SoundFont and cache.
    #[command(flatten)]
    pub resources: ResourceFlags,
}

/// A program that starts this one and reads its progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// Lines `percentage: N`, N from 0 to 100 over the whole run
    Kdenlive,
}

/// Files that `render` writes on request.
#[derive(Debug, Args)]
#[group(id = "files", multiple = true)]
pub struct RenderFiles {
    /// Write the soundtrack alone as 24-bit WAV
    #[arg(long, value_name = "FILE", value_parser = sound_file(), value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub wav: Option<PathBuf>,
    /// Write the score as a standard MIDI file
    #[arg(long, value_name = "FILE", value_parser = notes_file(), value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub midi: Option<PathBuf>,
    /// Write one WAV per part into this folder; together they are the soundtrack
    #[arg(long, value_name = "DIR", value_parser = output_path(), value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub stems: Option<PathBuf>,
    /// Write the analysis as JSON: beats, accents, tempo, confidence, settings, versions ('-':
    /// standard output)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Draw the analysis, .svg or .png: skeletons, movement, accents, beats and notes over time
    #[arg(long, value_name = "FILE", value_parser = plot_file(), value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub plot: Option<PathBuf>,
    /// Write a page with the lanes and the player of the studio, and the sound in it, as one .html
    /// file to open in a browser or to send
    #[arg(long, value_name = "FILE", value_parser = report_file(), value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub report: Option<PathBuf>,
    /// How the report has the video that is written, or with --no-video the clip [default: linked]
    #[arg(long, value_name = "HOW", requires = "report", help_heading = "Output")]
    pub report_video: Option<ReportVideo>,
}

/// How a report has its video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ReportVideo {
    /// By its path from the report's folder: both must be sent
    #[default]
    Linked,
    /// In the report, up to 256 MB
    Embedded,
    /// No video, only sound and lanes
    None,
}

/// `kinescore analyze`.
#[derive(Debug, Args)]
pub struct Analyze {
    /// The clip.
    #[command(flatten)]
    pub input: Input,
    /// Write the analysis as JSON: beats, accents, tempo, confidence, settings, versions ('-':
    /// standard output)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Draw the analysis, .svg or .png, with the drum hits
    #[arg(long, value_name = "FILE", value_parser = plot_file(), value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub plot: Option<PathBuf>,
    /// Write a page with movement, accents and beats under the clip, which plays with its own sound,
    /// as one .html file to open in a browser or to send
    #[arg(long, value_name = "FILE", value_parser = report_file(), value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub report: Option<PathBuf>,
    /// How the report has the clip [default: linked]
    #[arg(long, value_name = "HOW", requires = "report", help_heading = "Output")]
    pub report_video: Option<ReportVideo>,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// Paths of the models, ONNX Runtime, SoundFont and cache.
    #[command(flatten)]
    pub resources: ResourceFlags,
}

/// `kinescore batch`.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{BATCH_EXAMPLES}\n\n{}", crate::exit::help()))]
pub struct Batch {
    /// The list of clips: CSV with a header (path, in, out, speed, name, marks, and any setting's key),
    /// or JSON lines
    #[arg(value_name = "MANIFEST", value_hint = ValueHint::FilePath)]
    pub manifest: PathBuf,
    /// Folder for the results: for each clip NAME.wav, .mid, .json, and .result.json [default: that
    /// of the manifest]
    #[arg(long, value_name = "DIR", value_parser = output_path(), value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Also write each video with its soundtrack
    #[arg(long, help_heading = "Output")]
    pub video: bool,
    /// Write a report on the clips as JSON ('-': standard output)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub report: Option<PathBuf>,
    /// Render one part of the list: 2/5 is the second of five parts
    #[arg(long, value_name = "I/N", help_heading = "Work")]
    pub chunk: Option<Share>,
    /// How often to retry a clip when something could not be read or written, 0 to 100
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = retries, allow_negative_numbers = true, help_heading = "Work")]
    pub retries: u32,
    /// Render nothing: report the state of all clips of the list
    #[arg(long, conflicts_with = "chunk", help_heading = "Work")]
    pub collect: bool,
    /// The settings, unless the list overrides them.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// Paths of the models, ONNX Runtime, SoundFont and cache.
    #[command(flatten)]
    pub resources: ResourceFlags,
}

/// What to do with an editor's project: MLT and Shotcut (.mlt), Kdenlive (.kdenlive),
/// OpenTimelineIO (.otio).
#[cfg(feature = "timeline")]
#[derive(Debug, Subcommand)]
pub enum TimelineAction {
    /// List the video clips of a project, with the numbers that the other commands take
    List {
        /// The project
        #[arg(value_name = "PROJECT", value_hint = ValueHint::FilePath)]
        project: PathBuf,
        /// Which media and which timeline.
        #[command(flatten)]
        opening: OpeningFlags,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a soundtrack under a clip, on the audio track "Soundtrack"; or change the settings of
    /// its soundtrack
    Add(TimelineAdd),
    /// Bring all soundtracks of a project in line with their clips
    Refresh {
        /// The project
        #[arg(value_name = "PROJECT", value_hint = ValueHint::FilePath)]
        project: PathBuf,
        /// Show the beats of all soundtracks as markers of the editor, "1.1" for bar and beat; a
        /// marker that you move there fixes its beat
        #[arg(long)]
        beats_as_markers: bool,
        /// Which media and which timeline.
        #[command(flatten)]
        opening: OpeningFlags,
        /// Paths of the models, ONNX Runtime, SoundFont and cache.
        #[command(flatten)]
        resources: ResourceFlags,
    },
    /// Remove soundtracks from the timeline; their files are kept
    Remove {
        /// The project
        #[arg(value_name = "PROJECT", value_hint = ValueHint::FilePath)]
        project: PathBuf,
        /// Which timeline, of a file with several: its name, or its number from 1
        #[arg(long, value_name = "NAME")]
        timeline: Option<String>,
        /// Only the soundtrack of this clip
        #[arg(long, value_name = "N", value_parser = clip_number, allow_negative_numbers = true)]
        clip: Option<usize>,
    },
    /// Refresh a project each time its editor saves it, until Ctrl-C
    Watch {
        /// The project
        #[arg(value_name = "PROJECT", value_hint = ValueHint::FilePath)]
        project: PathBuf,
        /// Which media and which timeline.
        #[command(flatten)]
        opening: OpeningFlags,
        /// Paths of the models, ONNX Runtime, SoundFont and cache.
        #[command(flatten)]
        resources: ResourceFlags,
    },
}

/// How a project is opened.
#[cfg(feature = "timeline")]
#[derive(Debug, Clone, Default, Args)]
pub struct OpeningFlags {
    /// Look for missing media in this folder and below, by file name; may be given several times.
    /// The names in the project are not changed
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub media_dir: Vec<PathBuf>,
    /// Which timeline, of a file with several: its name, or its number from 1
    #[arg(long, value_name = "NAME")]
    pub timeline: Option<String>,
}

/// `kinescore timeline add`.
#[cfg(feature = "timeline")]
#[derive(Debug, Args)]
pub struct TimelineAdd {
    /// The project
    #[arg(value_name = "PROJECT", value_hint = ValueHint::FilePath)]
    pub project: PathBuf,
    /// Number of the clip, as `list` shows it; may be given several times
    #[arg(long, value_name = "N", value_parser = clip_number, allow_negative_numbers = true)]
    pub clip: Vec<usize>,
    /// All clips of the project
    #[arg(long, conflicts_with = "clip")]
    pub all: bool,
    /// Show the beats as markers of the editor, "1.1" for bar and beat; a marker that you move there
    /// fixes its beat at the next `refresh`
    #[arg(long)]
    pub beats_as_markers: bool,
    /// Which media and which timeline.
    #[command(flatten)]
    pub opening: OpeningFlags,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// Paths of the models, ONNX Runtime, SoundFont and cache.
    #[command(flatten)]
    pub resources: ResourceFlags,
}

/// `kinescore doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Device to check; it is an error if a graphics card is requested and cannot be used, and each
    /// network is compared with the CPU there [auto|cpu|gpu|cuda|webgpu]
    #[arg(long, value_name = "WORD", default_value = "auto")]
    pub device: String,
    /// Check what is installed in editors instead: whether it is complete, is where the editor looks
    /// for it, and can be opened from there
    #[arg(long)]
    pub editors: bool,
    /// Open a copy of libkinescore and print the version of its interface.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with_all = ["open_plugin", "editors"])]
    pub open_library: Option<PathBuf>,
    /// Open an OpenFX plugin and print how many plugins it has.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "editors")]
    pub open_plugin: Option<PathBuf>,
    /// Paths of the models, ONNX Runtime, SoundFont and cache.
    #[command(flatten)]
    pub resources: ResourceFlags,
}

/// An editor that Kinescore is installed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Editor {
    /// Kdenlive: a clip job in the menu of the project bin (22.12 and earlier do not support such
    /// jobs)
    Kdenlive,
    /// Blender: an add-on for the sequencer
    Blender,
    /// Hosts of OpenFX plugins: a plugin
    Ofx,
    /// DaVinci Resolve: a script in the Workspace menu
    Resolve,
}

/// Which editor, and how.
#[derive(Debug, Args)]
pub struct EditorArgs {
    /// The editor
    #[arg(value_name = "EDITOR")]
    pub editor: Editor,
    /// The editor's folder, if it is not the usual one: that of clipjobsettings.rc (Kdenlive),
    /// add-ons (Blender), plugins (OpenFX) or scripts (Resolve)
    #[arg(long, value_name = "DIR", value_parser = output_path(), value_hint = ValueHint::DirPath)]
    pub to: Option<PathBuf>,
    /// Only show what would be written or removed
    #[arg(long)]
    pub dry_run: bool,
}

/// `kinescore install`.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{INSTALL_EXAMPLES}\n\n{}", crate::exit::help()))]
pub struct Install {
    /// The editor and its folder.
    #[command(flatten)]
    pub place: EditorArgs,
    /// libkinescore.so for the add-on or plugin [default: found relative to the program]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub library: Option<PathBuf>,
    /// The folder Kinescore.ofx.bundle to copy [default: found relative to the program]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub bundle: Option<PathBuf>,
}

/// `kinescore uninstall`.
#[derive(Debug, Args)]
pub struct Uninstall {
    /// The editor and its folder.
    #[command(flatten)]
    pub place: EditorArgs,
}

/// `kinescore settings`.
#[derive(Debug, Args)]
pub struct SettingsList {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `kinescore cache`.
#[derive(Debug, Args)]
pub struct Cache {
    /// The command.
    #[command(subcommand)]
    pub action: CacheAction,
    /// Folder of the cache [default: $XDG_CACHE_HOME/kinescore or ~/.cache/kinescore; environment:
    /// KINESCORE_CACHE]
    #[arg(long, global = true, value_name = "DIR", value_parser = output_path(), value_hint = ValueHint::DirPath, help_heading = "Places")]
    pub cache: Option<PathBuf>,
}

/// Commands for the cache.
#[derive(Debug, Subcommand)]
pub enum CacheAction {
    /// List the entries, most recently used first
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove all entries, or only those of these clips; other files in the folder are kept
    Clear {
        /// Clips, recognised by their content, or by their name if they no longer exist
        #[arg(value_name = "CLIP", value_hint = ValueHint::FilePath)]
        clips: Vec<PathBuf>,
    },
    /// Check every entry and remove damaged ones; the exit code is 8 if there were any
    Verify,
}

/// A stage whose result can be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // the names are enough
pub enum SavedStage {
    Pose,
    Rhythm,
    Drums,
    Music,
    Score,
}

impl From<SavedStage> for Stage {
    fn from(stage: SavedStage) -> Self {
        match stage {
            SavedStage::Pose => Self::Pose,
            SavedStage::Rhythm => Self::Rhythm,
            SavedStage::Drums => Self::Drums,
            SavedStage::Music => Self::Music,
            SavedStage::Score => Self::Score,
        }
    }
}

const RENDER_EXAMPLES: &str = "\
Examples:
  kinescore render dance.mp4
  kinescore render dance.mp4 --style funk --kit room --seed 7 --midi dance.mid
  kinescore render dance.mp4 --instruments drums,guitar,bass --chords 'Am F | C G'
  kinescore render match.mov --start 1:05 --end 1:25 --person 2 -o match.drums.mov
  kinescore render dance.mp4 --speed 1/2 --no-video --wav slow.wav
  kinescore render dance.mp4 --report dance.html --report-video embedded
  kinescore render dance.mp4 --until rhythm -o dance.rhythm.json
  kinescore render --from dance.rhythm.json --style jazz";

const BATCH_EXAMPLES: &str = "\
Examples:
  kinescore batch clips.csv --out soundtracks
  kinescore batch clips.csv --out soundtracks --chunk 2/5 --style funk
  kinescore batch clips.csv --out soundtracks --collect --report soundtracks/report.json";

const INSTALL_EXAMPLES: &str = "\
Examples:
  kinescore install kdenlive
  kinescore install blender --dry-run
  sudo kinescore install ofx
  kinescore install ofx --to ~/OFX";

/// Endings of names that promise another kind of file than is written.
const KNOWN_ENDINGS: [&str; 30] = [
    "wav", "wave", "mid", "midi", "json", "svg", "png", "mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ts",
    "mp3", "m4a", "aac", "flac", "ogg", "opus", "aif", "aiff", "jpg", "jpeg", "pdf", "csv", "html", "htm",
];

/// Whether a name promises another kind of file than those with the endings `own`.
pub fn promises_another(path: &Path, own: &[&str]) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| KNOWN_ENDINGS.contains(&&*ending) && !own.contains(&&*ending))
}

fn sound_file() -> impl TypedValueParser<Value = PathBuf> {
    output_path().try_map(|path| match promises_another(&path, &["wav", "wave"]) {
        true => Err("the sound is written as WAV; the name must end in .wav"),
        false => Ok(path),
    })
}

fn notes_file() -> impl TypedValueParser<Value = PathBuf> {
    output_path().try_map(|path| match promises_another(&path, &["mid", "midi"]) {
        true => Err("the notes are written as a MIDI file; the name must end in .mid"),
        false => Ok(path),
    })
}

/// The number of a clip.
#[cfg(feature = "timeline")]
fn clip_number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number >= 1);
    number.ok_or_else(|| "expected a whole number from 1, as `kinescore timeline list` shows".to_owned())
}

fn retries(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number <= 100);
    number.ok_or_else(|| "expected a whole number from 0 to 100".to_owned())
}

fn report_file() -> impl TypedValueParser<Value = PathBuf> {
    file_ending_in(
        &["html", "htm"],
        "a report is a page for a browser; its name must end in .html",
    )
}

fn plot_file() -> impl TypedValueParser<Value = PathBuf> {
    file_ending_in(&["svg", "png"], "the name of a picture must end in .svg or .png")
}

/// The path of an output whose name has one of these endings, in capitals or not.
fn file_ending_in(endings: &'static [&'static str], otherwise: &'static str) -> impl TypedValueParser<Value = PathBuf> {
    output_path().try_map(move |path| {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        match ending {
            Some(ending) if endings.contains(&ending.as_str()) => Ok(path),
            _ => Err(otherwise),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
