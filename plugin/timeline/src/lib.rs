//! Projects of editors, for the command line: the one bridge between Rust and the C++ timeline bridge.
//!
//! Times are flicks, as everywhere. What fails is a [`Problem`] with a whole sentence for the user.

mod bundle;

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
        /// How the project names the media, where it was found elsewhere; else empty.
        named: String,
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
        /// Why it cannot be given a soundtrack; empty where it can. Media and times are for people then.
        unfit: String,
        /// File of its soundtrack; empty where it has none.
        soundtrack: String,
        /// What was chosen for the soundtrack.
        settings: Vec<Setting>,
    }

    /// A soundtrack that is wanted.
    #[derive(Debug, Clone, PartialEq)]
    struct SoundOrder {
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

    /// What kind of trouble it is.
    #[derive(Debug)]
    enum ProblemKind {
        /// A file cannot be read, or is not what it should be.
        Input,
        /// What was asked for does not exist.
        Usage,
        /// The project is open in its editor, or was changed since it was read.
        Changed,
        /// A file cannot be written.
        Output,
        /// The core is missing or of another version, or there is a fault in this program.
        Core,
        /// No soundtrack could be made for a clip.
        Music,
        /// The user stopped it.
        Cancelled,
    }

    /// What was done about a clip.
    #[derive(Debug)]
    enum Done {
        /// All is as it should be.
        Unchanged,
        /// The sound was put where its clip is now.
        Moved,
        /// The sound was made, and lies under its clip.
        Made,
        /// The sound was taken off the timeline.
        Removed,
        /// Nothing was changed for this clip.
        Failed,
    }

    /// How a call went: what else it returns counts only where it did not fail.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Status {
        failed: bool,
        kind: ProblemKind,
        /// The maker's own number for the trouble; 0 where it has none.
        code: i32,
        /// For the user.
        sentence: String,
    }

    /// A clip, and what was done about it.
    #[derive(Debug, Clone, PartialEq)]
    struct ItemOutcome {
        done: Done,
        item: Item,
        wav: String,
        /// What the user should know about the file; empty for nothing.
        note: String,
        /// Why it failed, if it did.
        status: Status,
    }

    extern "Rust" {
        type MakerHandle;
        fn key(self: &mut MakerHandle, order: &SoundOrder, key: &mut String) -> Status;
        fn make(self: &mut MakerHandle, order: &SoundOrder, wav: &str) -> Status;
    }

    unsafe extern "C++" {
        include!("kinescore-timeline/src/project.hpp");

        type Project;

        fn new_project() -> UniquePtr<Project>;
        fn open(self: Pin<&mut Project>, path: &str, media_folders: &Vec<String>, timeline: &str) -> Status;
        fn open_bundle(
            self: Pin<&mut Project>,
            path: &str,
            content: &[u8],
            media_folders: &Vec<String>,
            timeline: &str,
        ) -> Status;
        fn items(self: Pin<&mut Project>, items: &mut Vec<Item>) -> Status;
        fn check_writable(self: Pin<&mut Project>) -> Status;
        fn add(
            self: Pin<&mut Project>,
            workshop: &mut MakerHandle,
            item: &str,
            settings: &Vec<Setting>,
            outcomes: &mut Vec<ItemOutcome>,
        ) -> Status;
        fn refresh(self: Pin<&mut Project>, workshop: &mut MakerHandle, outcomes: &mut Vec<ItemOutcome>) -> Status;
        fn remove(self: Pin<&mut Project>, item: &str, outcomes: &mut Vec<ItemOutcome>) -> Status;
    }
}

pub use ffi::{Done, Item, ProblemKind, Setting, SoundOrder};

/// What went wrong: a whole sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of trouble it is.
    pub kind: ProblemKind,
    /// The number that the [`Maker`] gave to it, above 0; none for what did not come from the maker.
    pub code: Option<i32>,
    /// For the user.
    pub sentence: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Problem {}

impl ffi::Status {
    const GOOD: Self = Self {
        failed: false,
        kind: ProblemKind::Core,
        code: 0,
        sentence: String::new(),
    };

    fn failed(problem: Problem) -> Self {
        Self {
            failed: true,
            kind: problem.kind,
            code: problem.code.unwrap_or(0),
            sentence: problem.sentence,
        }
    }

    fn into_result(self) -> Result<(), Problem> {
        if !self.failed {
            return Ok(());
        }
        Err(Problem {
            kind: self.kind,
            code: (self.code > 0).then_some(self.code),
            sentence: self.sentence,
        })
    }
}

/// Makes soundtracks.
pub trait Maker {
    /// Key of a soundtrack: orders with one key give the same sound.
    ///
    /// # Errors
    /// What keeps it from being told.
    fn key(&mut self, order: &SoundOrder) -> Result<String, Problem>;

    /// Makes a soundtrack and writes it as WAV to a path at which there is no file.
    ///
    /// # Errors
    /// What keeps it from being made.
    fn make(&mut self, order: &SoundOrder, wav: &str) -> Result<(), Problem>;
}

/// A maker as the C++ side holds it.
pub struct MakerHandle(Box<dyn Maker>);

impl MakerHandle {
    /// A workshop in which that maker works.
    pub fn new(maker: Box<dyn Maker>) -> Self {
        Self(maker)
    }

    fn key(&mut self, order: &SoundOrder, key: &mut String) -> ffi::Status {
        answer(|| {
            *key = self.0.key(order)?;
            Ok(())
        })
    }

    fn make(&mut self, order: &SoundOrder, wav: &str) -> ffi::Status {
        answer(|| self.0.make(order, wav))
    }
}

/// What a maker answers. No panic may pass through C++.
fn answer(work: impl FnOnce() -> Result<(), Problem>) -> ffi::Status {
    let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Problem {
            kind: ProblemKind::Core,
            code: None,
            sentence: "a fault of the program itself".to_owned(),
        })
    });
    result.map_or_else(ffi::Status::failed, |()| ffi::Status::GOOD)
}

/// A clip, and what was done about it.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemOutcome {
    /// What was done.
    pub done: Done,
    /// The clip.
    pub item: Item,
    /// File of its soundtrack.
    pub wav: String,
    /// What the user should know about the file: a whole sentence.
    pub note: Option<String>,
    /// Why it failed, where it did.
    pub problem: Option<Problem>,
}

impl From<ffi::ItemOutcome> for ItemOutcome {
    fn from(outcome: ffi::ItemOutcome) -> Self {
        Self {
            done: outcome.done,
            item: outcome.item,
            wav: outcome.wav,
            note: (!outcome.note.is_empty()).then_some(outcome.note),
            problem: outcome.status.into_result().err(),
        }
    }
}

/// How a project is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Where media are looked for that are missing, by the names of their files.
    pub media_folders: Vec<String>,
    /// Of a file with several timelines: the name or the number, from 1, of the one that is meant.
    pub timeline: Option<String>,
}

/// A project file of an editor: MLT and Shotcut (`.mlt`), Kdenlive (`.kdenlive`), OpenTimelineIO (`.otio`, and bundles:
/// `.otiod`; `.otioz` to look at).
pub struct Project {
    inner: cxx::UniquePtr<ffi::Project>,
    is_bundle: bool,
}

impl Project {
    /// Reads a project.
    ///
    /// # Errors
    /// [`ProblemKind::Input`] when it cannot be read or is no project of a kind that is known; [`ProblemKind::Usage`] when an
    /// option names what is not there.
    pub fn open(path: &str, options: &OpenOptions) -> Result<Self, Problem> {
        let mut project = ffi::new_project();
        let timeline = options.timeline.as_deref().unwrap_or_default();
        let content = bundle::content(path)?;
        let is_bundle = content.is_some();
        let status = match content {
            None => project.pin_mut().open(path, &options.media_folders, timeline),
            Some(content) => project
                .pin_mut()
                .open_bundle(path, &content, &options.media_folders, timeline),
        };
        status.into_result()?;
        Ok(Self {
            inner: project,
            is_bundle,
        })
    }

    /// Whether it is a bundle that is one file (`.otioz`), which is only read.
    #[must_use]
    pub fn is_bundle(&self) -> bool {
        self.is_bundle
    }

    /// Video clips, in the order of tracks and times, with those that cannot be given a soundtrack.
    ///
    /// # Errors
    /// [`ProblemKind::Input`] when the project is damaged.
    pub fn items(&mut self) -> Result<Vec<Item>, Problem> {
        let mut items = Vec::new();
        self.inner.pin_mut().items(&mut items).into_result()?;
        Ok(items)
    }

    /// Whether the project could be saved now.
    ///
    /// # Errors
    /// [`ProblemKind::Changed`] when an editor has it open, [`ProblemKind::Output`].
    pub fn check_writable(&mut self) -> Result<(), Problem> {
        self.inner.pin_mut().check_writable().into_result()
    }

    /// Puts a soundtrack under a clip, or changes the settings of the one that is there.
    ///
    /// # Errors
    /// [`ProblemKind::Usage`] for a clip that is not there; those of saving, and [`ProblemKind::Cancelled`]. What keeps the sound from
    /// being made is in the outcome.
    pub fn add(
        &mut self,
        workshop: &mut MakerHandle,
        item: &str,
        settings: &[Setting],
    ) -> Result<ItemOutcome, Problem> {
        let mut outcomes = Vec::new();
        let project = self.inner.pin_mut();
        project
            .add(workshop, item, &settings.to_vec(), &mut outcomes)
            .into_result()?;
        outcomes.pop().map(ItemOutcome::from).ok_or_else(|| Problem {
            kind: ProblemKind::Core,
            code: None,
            sentence: format!("nothing was done about the clip {item}: a fault of the program itself"),
        })
    }

    /// Brings all soundtracks of the project in line with their clips, and saves it where that changes anything.
    ///
    /// # Errors
    /// Those of saving, and [`ProblemKind::Cancelled`].
    pub fn refresh(&mut self, workshop: &mut MakerHandle) -> Result<Vec<ItemOutcome>, Problem> {
        let mut outcomes = Vec::new();
        self.inner.pin_mut().refresh(workshop, &mut outcomes).into_result()?;
        Ok(outcomes.into_iter().map(ItemOutcome::from).collect())
    }

    /// Takes the soundtrack of one clip, or all, off the timeline. The files stay.
    ///
    /// # Errors
    /// [`ProblemKind::Usage`] for a clip that has none; those of saving.
    pub fn remove(&mut self, item: Option<&str>) -> Result<Vec<ItemOutcome>, Problem> {
        let mut outcomes = Vec::new();
        let project = self.inner.pin_mut();
        project.remove(item.unwrap_or_default(), &mut outcomes).into_result()?;
        Ok(outcomes.into_iter().map(ItemOutcome::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing;

    impl Maker for Failing {
        fn key(&mut self, _: &SoundOrder) -> Result<String, Problem> {
            Err(Problem {
                kind: ProblemKind::Music,
                code: Some(42),
                sentence: "no person is seen".to_owned(),
            })
        }

        fn make(&mut self, _: &SoundOrder, _: &str) -> Result<(), Problem> {
            Ok(())
        }
    }

    /// Two sentences that are alike keep their own numbers: nothing is looked up by a text.
    #[test]
    fn a_makers_number_crosses_the_bridge_and_comes_back() {
        let folder = std::env::temp_dir().join(format!("kinescore-timeline-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("p.mlt");
        std::fs::write(
            &path,
            "<mlt><producer id=\"p\"><property name=\"resource\">a.mp4</property></producer>\
             <playlist id=\"v\"><entry producer=\"p\" in=\"0\" out=\"99\"/></playlist></mlt>",
        )
        .expect("written");
        std::fs::write(folder.join("a.mp4"), "a video").expect("written");
        let mut project = Project::open(path.to_str().expect("UTF-8"), &OpenOptions::default()).expect("a project");
        let id = project.items().expect("clips")[0].id.clone();
        let outcome = project
            .add(&mut MakerHandle::new(Box::new(Failing)), &id, &[])
            .expect("an outcome");
        assert_eq!(outcome.done, Done::Failed);
        let problem = outcome.problem.expect("a problem");
        assert_eq!((problem.kind, problem.code), (ProblemKind::Music, Some(42)));
        assert_eq!(problem.sentence, "no person is seen");
        let missing = project.add(&mut MakerHandle::new(Box::new(Failing)), "none", &[]);
        let missing = missing.expect_err("no such clip");
        assert_eq!((missing.kind, missing.code), (ProblemKind::Usage, None));
        let none = Project::open(
            folder.join("none.mlt").to_str().expect("UTF-8"),
            &OpenOptions::default(),
        );
        assert_eq!(none.err().map(|problem| problem.kind), Some(ProblemKind::Input));
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
