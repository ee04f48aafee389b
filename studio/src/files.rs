//! The files of takes: made when they are asked for, and kept as long as there is room.

use crate::answer::Refusal;
use crate::session::Session;
use crate::take::{Kept, Take};
use kinescore::host::default_output;
use kinescore::{Error, Job, Monitor, Result, Stage};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// So many takes keep their finished job: two that are compared.
const MOST_JOBS: usize = 2;

/// Files take so much room at most, apart from those of the last minute.
const MOST_BYTES: u64 = 2 << 30;
const IN_USE: Duration = Duration::from_secs(60);

/// Characters that names of files cannot have on every system.
const REPLACED: &str = "\"*/:<>?\\|";

/// The folder of the stems, within that of a take.
const STEMS: &str = "stems";

/// A file of a take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Wav,
    Midi,
    Video,
    Json,
    Marks,
    Stem(String),
}

impl Kind {
    /// The kind with this name in the page's addresses.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "wav" => Self::Wav,
            "midi" => Self::Midi,
            "video" => Self::Video,
            "json" => Self::Json,
            "marks" => Self::Marks,
            _ => return None,
        })
    }

    /// Name under which a browser saves the file for a clip.
    pub fn name(&self, clip: &Path) -> String {
        let named = |ending: &str| {
            let stem = clip.file_stem().unwrap_or_default().to_string_lossy();
            format!("{stem}.{ending}")
        };
        let name = match self {
            Self::Wav => named("wav"),
            Self::Midi => named("mid"),
            Self::Json => named("json"),
            Self::Marks => named("marks.json"),
            Self::Video => {
                let path = default_output(clip);
                path.file_name().unwrap_or_default().to_string_lossy().into_owned()
            }
            Self::Stem(part) => named(&format!("{part}.wav")),
        };
        // Browsers do the same, each in its own way: the name must be the one in the command line.
        name.replace(|c: char| c.is_control() || REPLACED.contains(c), "_")
    }
}

/// A file that is ready.
pub(crate) struct Ready {
    pub path: PathBuf,
    /// Its name for people.
    pub name: String,
}

impl Session {
    /// A file of a take. Takes as long as it has to be made, unless it exists.
    pub fn file(&self, take: &Take, kind: &Kind) -> Result<Ready, Refusal> {
        if let Kind::Stem(part) = kind
            && !take.parts.contains(part)
        {
            return Err(Refusal::not_found(format!(
                "take {} has no stem of that name; it has {}",
                take.id,
                take.parts.join(", ")
            )));
        }
        let ready = {
            let mut kept = take.kept();
            kept.used = Instant::now();
            self.ready(take, kind, &mut kept)?
        };
        self.release();
        Ok(ready)
    }

    fn ready(&self, take: &Take, kind: &Kind, kept: &mut Kept) -> Result<Ready> {
        let name = kind.name(&self.path);
        // All stems are made together, in a folder of their own: one may have the clip's name.
        let (made, path) = match kind {
            Kind::Stem(part) => (STEMS, take.folder.join(STEMS).join(format!("{part}.wav"))),
            _ => (&*name, take.folder.join(&name)),
        };
        if !kept.made.contains_key(made) {
            fs::create_dir_all(&take.folder).map_err(Error::output(&take.folder))?;
            let place = take.folder.join(made);
            if *kind == Kind::Marks {
                take.marks.write(&place)?;
            } else {
                let job = match &mut kept.job {
                    Some(job) => job,
                    none => none.insert(self.again(take)?),
                };
                write(job, kind, &place, &self.monitor())?;
            }
            kept.made.insert(made.to_owned(), size(&place));
        }
        Ok(Ready { path, name })
    }

    /// Makes a take's job again: the same settings and marks give the same soundtrack.
    fn again(&self, take: &Take) -> Result<Job> {
        let (engine, settings) = (self.engine.clone(), take.settings.clone());
        let mut job = Job::open_until(engine, settings, &self.path, self.cut, &self.stop)?;
        job.set_marks(take.marks.clone())?;
        job.run(Stage::Audio, &self.monitor())?;
        Ok(job)
    }

    fn monitor(&self) -> Monitor<'static> {
        Monitor::new(self.stop.clone(), |_, _| ())
    }

    /// Drops jobs and removes files of the takes that were not used for longest, if there are too
    /// many. All can be made again.
    pub fn release(&self) {
        let takes = self.takes();
        let mut kept_files: Vec<(&Arc<Take>, MutexGuard<'_, Kept>)> = takes
            .iter()
            // One that is busy is in use.
            .filter_map(|take| match take.kept.try_lock() {
                Ok(kept) => Some((take, kept)),
                Err(TryLockError::Poisoned(poisoned)) => Some((take, poisoned.into_inner())),
                Err(TryLockError::WouldBlock) => None,
            })
            .collect();
        kept_files.sort_by_key(|(_, kept)| std::cmp::Reverse(kept.used));
        let with_job = kept_files.iter_mut().filter(|(_, kept)| kept.job.is_some());
        with_job.skip(MOST_JOBS).for_each(|(_, kept)| kept.job = None);
        let mut bytes = 0;
        for (take, kept) in &mut kept_files {
            bytes += kept.made.values().sum::<u64>();
            if bytes > MOST_BYTES && kept.used.elapsed() > IN_USE {
                kept.made.clear();
                let _ = fs::remove_dir_all(&take.folder); // what stays is written over
            }
        }
    }
}

impl Take {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // After a panic, a file that is missing from the list is made again.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a file as the command line does.
fn write(job: &Job, kind: &Kind, place: &Path, monitor: &Monitor<'_>) -> Result<()> {
    match kind {
        Kind::Wav => job.write_wav(place),
        Kind::Midi => job.write_midi(place),
        Kind::Video => job.write_video(place, monitor),
        Kind::Json => job.write_json(place),
        Kind::Stem(_) => job.write_stems(place, monitor),
        Kind::Marks => job.marks().write(place),
    }
}

/// Bytes of a file, or of those in a folder.
fn size(place: &Path) -> u64 {
    let Ok(there) = fs::metadata(place) else { return 0 };
    if !there.is_dir() {
        return there.len();
    }
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .map(|file| file.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_the_clip() {
        let names = |clip: &str| {
            ["wav", "midi", "video", "json", "marks"]
                .map(|word| Kind::of(word).expect("a kind of file").name(Path::new(clip)))
        };
        assert_eq!(
            names("films/dance.mov"),
            [
                "dance.wav",
                "dance.mid",
                "dance.soundtrack.mov",
                "dance.json",
                "dance.marks.json"
            ]
        );
        assert_eq!(names("dance.dance")[2], "dance.soundtrack.mkv");
        let stem = Kind::Stem("piano".to_owned());
        assert_eq!(stem.name(Path::new("dance.mov")), "dance.piano.wav");
        assert_eq!(names("12:30 \"so\\so\"?.mov")[0], "12_30 _so_so__.wav");
        assert_eq!(Kind::of("stems"), None);
    }

    #[test]
    fn the_size_of_a_folder_is_that_of_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a"), [0; 10]).expect("a file");
        fs::write(folder.path().join("b"), [0; 5]).expect("a file");
        assert_eq!(size(folder.path()), 15);
        assert_eq!(size(&folder.path().join("a")), 10);
        assert_eq!(size(&folder.path().join("c")), 0);
    }
}
