//! `--report`: the page of a soundtrack as a file that can be sent.

use crate::args::ReportVideo;
use crate::command_line::{Beginning, not_a_flag};
use crate::exit::{Failure, INPUT};
use crate::progress::Console;
use crate::{inputs, outputs};
use kinescore::{Cancel, Error, Job, Monitor, Speed, Stage};
use kinescore_studio::report::{self, Content, Contents, Video, size};
use std::path::{Path, PathBuf};

/// What a soundtrack is made of.
pub struct Source<'a> {
    /// The clip.
    pub clip: &'a Path,
    /// The file that was loaded instead of it.
    pub saved: Option<&'a Path>,
    /// The file of marks, if one was given.
    pub marks: Option<&'a Path>,
    /// The SoundFont, if another was given.
    pub font: Option<&'a Path>,
}

/// A report that is to be written.
pub struct Report {
    /// The file.
    pub path: PathBuf,
    /// The stage that it shows.
    pub needs: Stage,
    how: ReportVideo,
    /// The video; `true` if this run writes it.
    shown: Option<(PathBuf, bool)>,
    beginning: Beginning,
    /// The name of a file of the marks, and whether it was given; otherwise they are in the saved
    /// file.
    marks: (String, bool),
}

impl Report {
    /// A report, of which only the flags are known.
    pub fn new(path: &Option<PathBuf>, how: Option<ReportVideo>, needs: Stage) -> Option<Self> {
        Some(Self {
            path: path.clone()?,
            needs,
            how: how.unwrap_or_default(),
            shown: None,
            beginning: Beginning::default(),
            marks: (String::new(), false),
        })
    }

    /// Prepares the report of an opened job, before the work. `written` is the video that this run
    /// writes.
    pub fn prepare(
        &mut self,
        job: &Job,
        source: &Source<'_>,
        written: Option<&Path>,
        console: &Console,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let command = if self.needs == Stage::Audio {
            "render"
        } else {
            "analyze"
        };
        self.beginning = beginning(command, job, source);
        self.marks = match source.marks {
            Some(marks) => (name(marks), true),
            None => (name(&outputs::renamed(source.clip, "marks.json")), false),
        };
        self.find_video(job, written, source.saved, console, cancel)
    }

    /// Finds the video: the one that this run writes, or the clip. That of a saved file may be
    /// missing.
    fn find_video(
        &mut self,
        job: &Job,
        written: Option<&Path>,
        saved: Option<&Path>,
        console: &Console,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        if self.how == ReportVideo::None {
            return Ok(());
        }
        if let Some(video) = written {
            self.shown = Some((video.to_owned(), true));
            return Ok(());
        }
        let clip = &job.clip().path;
        if let Some(why) = saved.map(|_| unusable(job, cancel)).transpose()?.flatten() {
            if self.how == ReportVideo::Embedded {
                return Err(Failure {
                    code: INPUT,
                    message: format!(
                        "{}: {why}, so it cannot be put into the report; move the clip back to its place, or leave out \
                         --report-video embedded",
                        clip.display()
                    ),
                });
            }
            console.say(&format!("the report has no video: {}: {why}", clip.display()));
            return Ok(());
        }
        self.shown = Some((clip.clone(), false));
        self.check_size()
    }

    /// Refuses a video that is too large to be embedded.
    fn check_size(&self) -> Result<(), Failure> {
        match &self.shown {
            Some((video, _)) if self.how == ReportVideo::Embedded => {
                report::check_embedded(video, &self.path).map_err(|error| {
                    let failure = Failure::from(error);
                    Failure {
                        message: format!("{} (--report-video linked)", failure.message),
                        ..failure
                    }
                })
            }
            _ => Ok(()),
        }
    }

    /// Writes the report of a job that has run, after its video.
    pub fn write(&self, job: &Job, monitor: &Monitor<'_>) -> Result<(), Failure> {
        self.check_size()?;
        let video = self.shown.as_ref().map(|(file, is_written)| {
            let content = match is_written {
                true => Content::Soundtrack {
                    lead: job.video_lead(file, monitor)?,
                },
                false => Content::Media,
            };
            Ok::<_, Error>(Video {
                file: file.clone(),
                content,
                embedded: self.how == ReportVideo::Embedded,
            })
        });
        let contents = Contents {
            video: video.transpose()?,
            command: &|settings, marks| self.beginning.line(settings, marks.filter(|_| self.marks.1)),
            marks_name: &self.marks.0,
        };
        report::write(job, &contents, &self.path, monitor).map_err(Failure::writing)?;
        Ok(())
    }

    /// What the user should know of a report that was written: its size, and what belongs to it.
    pub fn about(&self, job: &Job) -> Vec<String> {
        let size_of = |path: &Path| path.metadata().map_or_else(|_| "?".to_owned(), |file| size(file.len()));
        let (name, own) = (self.path.display(), size_of(&self.path));
        let mut lines = vec![match (&self.shown, self.how) {
            (Some((video, _)), ReportVideo::Linked) => format!(
                "{name}: {own}; it links its video: send {} ({}) with it",
                video.display(),
                size_of(video)
            ),
            (Some(_), _) => format!("{name}: {own}, with the video in it"),
            (None, _) => format!("{name}: {own}, without the video"),
        }];
        if job.poses().is_none() {
            lines.push(format!(
                "{name} shows no skeleton: the saved file has no poses; for them, continue from the pose stage"
            ));
        }
        lines
    }
}

/// Why the clip of a saved file cannot be shown; `None` if it can.
fn unusable(job: &Job, cancel: &Cancel) -> Result<Option<String>, Failure> {
    match inputs::check(&job.clip().path) {
        Err(Error::Input { source, .. }) => return Ok(Some(format!("it cannot be read: {source}"))),
        Err(other) => return Ok(Some(other.to_string())),
        Ok(()) => {}
    }
    match job.clip_differs(cancel) {
        Ok(differs) => Ok(differs.map(|why| format!("it is another video: {why}"))),
        Err(Error::Cancelled) => Err(Error::Cancelled.into()),
        Err(other) => Ok(Some(other.to_string())),
    }
}

/// A file's name without its folder, which is nobody else's business.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The command line that gives the same again.
fn beginning(command: &str, job: &Job, source: &Source<'_>) -> Beginning {
    let mut words = vec![command.to_owned()];
    match source.saved {
        Some(saved) => words.extend(["--from".to_owned(), not_a_flag(&name(saved))]),
        None => words.push(not_a_flag(&name(source.clip))),
    }
    let cut = job.cut();
    let mut end = Vec::new();
    if command == "render" && cut.speed != Speed::NORMAL {
        // Such a picture is not written.
        let wav = Path::new(&name(source.clip)).with_extension("wav");
        end = ["--no-video", "--wav"].map(str::to_owned).to_vec();
        end.push(not_a_flag(&wav.to_string_lossy()));
    }
    Beginning {
        words,
        cut,
        places: source
            .font
            .map(|font| ("--soundfont", name(font)))
            .into_iter()
            .collect(),
        end,
    }
}
