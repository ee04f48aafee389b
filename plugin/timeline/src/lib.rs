//! Projects of editors, for the command line: the one bridge between Rust and the C++ timeline bridge.
//!
//! Times are flicks, as everywhere. What fails is a [`Problem`] with a whole sentence for the user.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[allow(clippy::panic)] // in what cxx makes of it
#[cxx::bridge(namespace = "kinescore::bridge::rust")]
mod ffi {
    /// A setting that differs from its default.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Setting {
        /// Its key.
        key: String,
        /// Its value, as text.
        value: String,
    }

    /// A video clip on a timeline.
    #[derive(Debug, Clone, PartialEq)]
    struct Item {
        /// Tells the clips of one project apart while it is open.
        id: String,
        /// For people.
        name: String,
        /// Absolute path.
        media: String,
        /// Where the clip begins on the media.
        source_in: i64,
        /// Where it ends on the media (exclusive).
        source_out: i64,
        /// Where it begins on the timeline.
        timeline_start: i64,
        /// Its length on the timeline.
        duration: i64,
        /// Frames a second of the timeline.
        rate_numerator: i64,
        /// The same.
        rate_denominator: i64,
        /// How fast it is played.
        speed_numerator: i64,
        /// The same.
        speed_denominator: i64,
        /// Number of the video track, 0 at the bottom.
        track: i32,
        /// File of its soundtrack; empty where it has none.
        soundtrack: String,
        /// What was chosen for the soundtrack.
        settings: Vec<Setting>,
    }

    /// A soundtrack that is wanted.
    #[derive(Debug, Clone, PartialEq)]
    struct Order {
        /// Absolute path of the video.
        media: String,
        /// What of it is heard: from here
        source_in: i64,
        /// to here (exclusive).
        source_out: i64,
        /// How fast it is played.
        speed_numerator: i64,
        /// The same.
        speed_denominator: i64,
        /// The settings that differ from their defaults.
        settings: Vec<Setting>,
    }

    /// What was done about one clip.
    #[derive(Debug, Clone, PartialEq)]
    struct Outcome {
        what: u8,
        item: Item,
        wav: String,
        /// Why it failed, if it did.
        sentence: String,
        kind: u8,
    }

    /// What a maker answers: text, or where `failed`, a sentence with its kind.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Answer {
        failed: bool,
        kind: u8,
        text: String,
    }

    extern "Rust" {
        type Workshop;
        fn key(self: &mut Workshop, order: &Order) -> Answer;
        fn make(self: &mut Workshop, order: &Order, wav: &str) -> Answer;
    }

    unsafe extern "C++" {
        include!("kinescore-timeline/src/project.hpp");

        type Memory;
        type Project;

        fn new_memory() -> SharedPtr<Memory>;
        fn open_project(path: &str, memory: &SharedPtr<Memory>) -> Result<UniquePtr<Project>>;
        fn items(self: Pin<&mut Project>) -> Result<Vec<Item>>;
        fn check_writable(self: Pin<&mut Project>) -> Result<()>;
        fn add(
            self: Pin<&mut Project>,
            workshop: &mut Workshop,
            item: &str,
            settings: &Vec<Setting>,
        ) -> Result<Outcome>;
        fn refresh(self: Pin<&mut Project>, workshop: &mut Workshop) -> Result<Vec<Outcome>>;
        fn remove(self: Pin<&mut Project>, item: &str) -> Result<Vec<Outcome>>;
    }
}

pub use ffi::{Item, Order, Setting};

/// What kind of trouble it is; the exit code goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// A file cannot be read, or is not what it should be.
    Input,
    /// What was asked for does not exist.
    Usage,
    /// The project is open in its editor, or was changed since it was read.
    Changed,
    /// A file cannot be written.
    Output,
    /// The core is missing or of another version.
    Core,
    /// No soundtrack could be made for a clip.
    Music,
    /// The user stopped it.
    Cancelled,
}

impl ProblemKind {
    const ALL: [Self; 7] = [
        Self::Input,
        Self::Usage,
        Self::Changed,
        Self::Output,
        Self::Core,
        Self::Music,
        Self::Cancelled,
    ];

    fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Input)
    }
}

/// What went wrong: a whole sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of trouble it is.
    pub kind: ProblemKind,
    /// For the user.
    pub sentence: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Problem {}

impl From<cxx::Exception> for Problem {
    fn from(exception: cxx::Exception) -> Self {
        // The C++ side puts the kind's number in front.
        let text = exception.what();
        let parted = text.split_once('|').and_then(|(number, sentence)| {
            let kind = ProblemKind::from_number(number.parse().ok()?);
            Some((kind, sentence.to_owned()))
        });
        let (kind, sentence) = parted.unwrap_or((ProblemKind::Input, text.to_owned()));
        Self { kind, sentence }
    }
}

/// Makes soundtracks.
pub trait Maker {
    /// Key of a soundtrack: orders with one key give the same sound.
    ///
    /// # Errors
    /// What keeps it from being told.
    fn key(&mut self, order: &Order) -> Result<String, Problem>;

    /// Makes a soundtrack and writes it as WAV to a path at which there is no file.
    ///
    /// # Errors
    /// What keeps it from being made.
    fn make(&mut self, order: &Order, wav: &str) -> Result<(), Problem>;
}

/// A maker as the C++ side holds it.
pub struct Workshop(Box<dyn Maker>);

impl Workshop {
    /// A workshop in which that maker works.
    pub fn new(maker: Box<dyn Maker>) -> Self {
        Self(maker)
    }

    fn key(&mut self, order: &Order) -> ffi::Answer {
        answer(|| self.0.key(order))
    }

    fn make(&mut self, order: &Order, wav: &str) -> ffi::Answer {
        answer(|| self.0.make(order, wav).map(|()| String::new()))
    }
}

/// What a maker answers. No panic may pass through C++.
fn answer(work: impl FnOnce() -> Result<String, Problem>) -> ffi::Answer {
    let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Problem {
            kind: ProblemKind::Core,
            sentence: "a fault of the program itself".to_owned(),
        })
    });
    match result {
        Ok(text) => ffi::Answer {
            failed: false,
            kind: 0,
            text,
        },
        Err(problem) => ffi::Answer {
            failed: true,
            kind: problem.kind as u8,
            text: problem.sentence,
        },
    }
}

/// What was done about one clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All is as it should be.
    Unchanged,
    /// The sound was put where its clip is now.
    Moved,
    /// The sound was made anew, and lies under its clip.
    Made,
    /// The sound was taken off the timeline.
    Removed,
    /// Nothing was changed for this clip.
    Failed,
}

/// A clip, and what was done about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was done.
    pub done: Done,
    /// The clip.
    pub item: Item,
    /// File of its soundtrack.
    pub wav: String,
    /// Why it failed, where it did.
    pub problem: Option<Problem>,
}

impl From<ffi::Outcome> for Outcome {
    fn from(outcome: ffi::Outcome) -> Self {
        let done = match outcome.what {
            0 => Done::Unchanged,
            1 => Done::Moved,
            2 => Done::Made,
            3 => Done::Removed,
            _ => Done::Failed,
        };
        let problem = (done == Done::Failed).then(|| Problem {
            kind: ProblemKind::from_number(outcome.kind),
            sentence: outcome.sentence,
        });
        Self {
            done,
            item: outcome.item,
            wav: outcome.wav,
            problem,
        }
    }
}

/// What one process has written, so that a project that cannot be saved yet costs no second render.
#[derive(Clone)]
pub struct Memory(cxx::SharedPtr<ffi::Memory>);

impl Default for Memory {
    fn default() -> Self {
        Self(ffi::new_memory())
    }
}

/// A project file of an editor: MLT and Shotcut (`.mlt`), Kdenlive (`.kdenlive`), OpenTimelineIO (`.otio`).
pub struct Project(cxx::UniquePtr<ffi::Project>);

impl Project {
    /// Reads a project.
    ///
    /// # Errors
    /// [`ProblemKind::Input`] when it cannot be read or is no project of a kind that is known.
    pub fn open(path: &str, memory: &Memory) -> Result<Self, Problem> {
        Ok(Self(ffi::open_project(path, &memory.0)?))
    }

    /// Video clips, in the order of tracks and times.
    ///
    /// # Errors
    /// [`ProblemKind::Input`] when the project is damaged.
    pub fn items(&mut self) -> Result<Vec<Item>, Problem> {
        Ok(self.0.pin_mut().items()?)
    }

    /// Whether the project could be saved now.
    ///
    /// # Errors
    /// [`ProblemKind::Changed`] when an editor has it open, [`ProblemKind::Output`].
    pub fn check_writable(&mut self) -> Result<(), Problem> {
        Ok(self.0.pin_mut().check_writable()?)
    }

    /// Puts a soundtrack under a clip, or changes the settings of the one that is there.
    ///
    /// # Errors
    /// [`ProblemKind::Usage`] for a clip that is not there; those of saving, and [`ProblemKind::Cancelled`]. What keeps the sound from
    /// being made is in the outcome.
    pub fn add(&mut self, workshop: &mut Workshop, item: &str, settings: &[Setting]) -> Result<Outcome, Problem> {
        let outcome = self.0.pin_mut().add(workshop, item, &settings.to_vec())?;
        Ok(outcome.into())
    }

    /// Brings all soundtracks of the project in line with their clips, and saves it where that changes anything.
    ///
    /// # Errors
    /// Those of saving, and [`ProblemKind::Cancelled`].
    pub fn refresh(&mut self, workshop: &mut Workshop) -> Result<Vec<Outcome>, Problem> {
        let outcomes = self.0.pin_mut().refresh(workshop)?;
        Ok(outcomes.into_iter().map(Outcome::from).collect())
    }

    /// Takes the soundtrack of one clip, or all, off the timeline. The files stay.
    ///
    /// # Errors
    /// [`ProblemKind::Usage`] for a clip that has none; those of saving.
    pub fn remove(&mut self, item: Option<&str>) -> Result<Vec<Outcome>, Problem> {
        let outcomes = self.0.pin_mut().remove(item.unwrap_or_default())?;
        Ok(outcomes.into_iter().map(Outcome::from).collect())
    }
}
