//! Makes the soundtracks that a timeline requests.

use crate::exit;
use crate::progress::{Console, Progress};
use kinescore::host::announced;
use kinescore::{Cancel, Cut, Engine, Error, Flicks, Job, Marks, Monitor, Settings, Speed, Stage};
use kinescore_timeline::{Beat, Maker, MediaFacts, MediaReader, Problem, ProblemKind, Setting, SoundOrder};
use std::path::Path;
use std::sync::Arc;

/// Number of jobs that are kept, so that trimming a clip again takes a fraction of a second.
const JOBS: usize = 4;

/// The exit code for a problem: that of the library's error, if it came from the library.
pub fn code(problem: &Problem) -> u8 {
    let of_library = problem.code.and_then(|code| u8::try_from(code).ok());
    of_library.unwrap_or(match problem.kind {
        ProblemKind::Input => exit::INPUT,
        ProblemKind::Usage | ProblemKind::Choice => exit::USAGE,
        ProblemKind::Changed => exit::PROJECT_IN_USE,
        ProblemKind::Output => exit::OUTPUT,
        ProblemKind::Music => exit::NOTHING_TO_FOLLOW,
        ProblemKind::Cancelled => exit::CANCELLED,
        ProblemKind::Core => exit::RESOURCES,
        _ => exit::INTERNAL, // there are no other kinds
    })
}

/// An error of the library in the bridge's form, and in the words of a project: its clips are cut
/// in the editor, not by flags.
fn problem(error: &Error) -> Problem {
    if let Error::CutOutside {
        path,
        start,
        end,
        duration,
    } = error
    {
        return Problem {
            kind: ProblemKind::Music,
            code: None,
            sentence: format!(
                "{}: the clip uses the part from {start:.3} s to {end:.3} s of its media, which is {duration:.3} s long; shorten the clip in the editor",
                path.display()
            ),
        };
    }
    let code = exit::code(error);
    let kind = match code {
        exit::CANCELLED => ProblemKind::Cancelled,
        exit::INPUT => ProblemKind::Input,
        exit::OUTPUT => ProblemKind::Output,
        exit::RESOURCES | exit::INTERNAL => ProblemKind::Core,
        _ => ProblemKind::Music,
    };
    Problem {
        kind,
        code: Some(i32::from(code)),
        sentence: exit::sentence(error),
    }
}

struct Kept {
    media: String,
    settings: Vec<Setting>,
    marks: String,
    job: Job,
}

/// Opens media until the switch is set.
pub struct Openings(pub Cancel);

impl MediaReader for Openings {
    fn facts(&self, media: &str) -> Result<MediaFacts, Problem> {
        let found = announced(Path::new(media), &self.0).map_err(|error| problem(&error))?;
        // FFmpeg's own numbers fit.
        let number = |stream: usize| i32::try_from(stream).unwrap_or(i32::MAX);
        Ok(MediaFacts {
            is_end_known: found.end.is_some(),
            end: found.end.map_or(0, |end| end.0),
            stream: number(found.streams.used),
            video_streams: found.streams.all.into_iter().map(number).collect(),
        })
    }
}

/// The engine, and the jobs of the most recent clips.
pub struct Studio {
    engine: Arc<Engine>,
    console: Console,
    cancel: Cancel,
    /// The most recently used is the last.
    jobs: Vec<Kept>,
}

impl Studio {
    pub fn new(engine: Arc<Engine>, console: Console, cancel: Cancel) -> Self {
        Self {
            engine,
            console,
            cancel,
            jobs: Vec::new(),
        }
    }

    fn settings(order: &SoundOrder) -> kinescore::Result<Settings> {
        Settings::from_pairs(order.settings.iter().map(|Setting { key, value }| (key, value)))
    }

    /// The marks that the project's markers set.
    fn marks(order: &SoundOrder) -> kinescore::Result<Marks> {
        match order.marks.as_str() {
            "" => Ok(Marks::default()),
            text => Marks::from_json(text, Path::new("markers of the project")),
        }
    }

    fn cut(order: &SoundOrder) -> Result<Cut, Problem> {
        let term = |value: i64| u32::try_from(value).unwrap_or(0);
        let (above, below) = (order.speed_numerator, order.speed_denominator);
        let speed = Speed::new(term(above), term(below)).ok_or_else(|| Problem {
            kind: ProblemKind::Music,
            code: None,
            sentence: format!(
                "{}: is played at {above}/{below} of its speed; expected {}",
                order.media,
                Speed::ALLOWED
            ),
        })?;
        Ok(Cut {
            start: Some(Flicks(order.source_in)),
            end: Some(Flicks(order.source_out)),
            speed,
        })
    }

    /// The job of an order: a kept one, or a new one. It is not kept any more: a job that fails is
    /// not used again.
    fn job(&mut self, order: &SoundOrder, cut: Cut) -> kinescore::Result<Job> {
        let known = self
            .jobs
            .iter()
            .position(|kept| kept.media == order.media && kept.settings == order.settings && kept.marks == order.marks);
        let mut job = match known {
            Some(place) => {
                let mut job = self.jobs.remove(place).job;
                job.set_cut(cut)?;
                job
            }
            None => Job::open_until(
                Arc::clone(&self.engine),
                Self::settings(order)?,
                Path::new(&order.media),
                cut,
                &self.cancel,
            )?,
        };
        job.set_marks(Self::marks(order)?)?;
        Ok(job)
    }

    fn run(&self, job: &mut Job, until: Stage) -> kinescore::Result<()> {
        let progress = Progress::new(&self.console);
        let monitor = Monitor::new(self.cancel.clone(), |stage, done| progress.report(stage, done));
        let done = job.run(until, &monitor);
        progress.end();
        done
    }

    fn keep(&mut self, order: &SoundOrder, job: Job) {
        self.jobs.push(Kept {
            media: order.media.clone(),
            settings: order.settings.clone(),
            marks: order.marks.clone(),
            job,
        });
        if self.jobs.len() > JOBS {
            self.jobs.remove(0);
        }
    }

    fn render(&mut self, order: &SoundOrder, cut: Cut, wav: &str) -> kinescore::Result<()> {
        let mut job = self.job(order, cut)?;
        self.run(&mut job, Stage::Audio)?;
        job.write_wav(Path::new(wav))?;
        self.keep(order, job);
        Ok(())
    }

    /// The beats: of the rhythm that a render has found, or finds.
    fn found_beats(&mut self, order: &SoundOrder, cut: Cut) -> kinescore::Result<Vec<Beat>> {
        let mut job = self.job(order, cut)?;
        self.run(&mut job, Stage::Rhythm)?;
        let beats = job.analysis().beats.into_iter();
        let beats = beats.map(|beat| Beat {
            time: Flicks::from_seconds(beat.time.seconds()).0,
            number: i64::from(beat.number),
        });
        let beats = beats.collect();
        self.keep(order, job);
        Ok(beats)
    }
}

impl Maker for Studio {
    fn key(&mut self, order: &SoundOrder) -> Result<String, Problem> {
        if self.cancel.is_cancelled() {
            return Err(problem(&Error::Cancelled));
        }
        let cut = Self::cut(order)?;
        let key = Self::settings(order).and_then(|settings| {
            let marks = Self::marks(order)?;
            self.engine.key(&settings, Path::new(&order.media), cut, &marks)
        });
        key.map_err(|error| problem(&error))
    }

    fn make(&mut self, order: &SoundOrder, wav: &str) -> Result<(), Problem> {
        let cut = Self::cut(order)?;
        self.render(order, cut, wav).map_err(|error| problem(&error))
    }

    fn beats(&mut self, order: &SoundOrder) -> Result<Vec<Beat>, Problem> {
        let cut = Self::cut(order)?;
        self.found_beats(order, cut).map_err(|error| problem(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::desk::word;
    use super::*;
    use kinescore_timeline::Done;
    use std::fs;

    /// `kinescore-ges` is a program of its own in C++, whose exit codes and words are to be the
    /// same.
    #[test]
    fn kinescore_ges_has_the_same_exit_codes_and_words() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin/ges/program.cpp");
        let source = fs::read_to_string(source).expect("the source of kinescore-ges");
        // `case KIND:`, and what is returned in the next line.
        let returned = |kind: &str| {
            let (_, rest) = source.split_once(&format!("case {kind}:\n")).expect(kind);
            let line = rest.lines().next().unwrap_or_default().trim();
            line.strip_prefix("return ")
                .and_then(|line| line.strip_suffix(';'))
                .expect(kind)
                .to_owned()
        };
        for (name, kind) in [
            ("usage", ProblemKind::Usage),
            ("choice", ProblemKind::Choice),
            ("input", ProblemKind::Input),
            ("music", ProblemKind::Music),
            ("core", ProblemKind::Core),
            ("output", ProblemKind::Output),
            ("changed", ProblemKind::Changed),
            ("cancelled", ProblemKind::Cancelled),
        ] {
            let problem = Problem {
                kind,
                code: None,
                sentence: String::new(),
            };
            assert_eq!(
                returned(&format!("Problem::Kind::{name}")),
                code(&problem).to_string(),
                "{name}"
            );
        }
        for (name, done) in [
            ("unchanged", Done::Unchanged),
            ("moved", Done::Moved),
            ("made", Done::Made),
            ("marked", Done::Marked),
            ("removed", Done::Removed),
            ("failed", Done::Failed),
        ] {
            assert_eq!(
                returned(&format!("Result::What::{name}")),
                format!("\"{}\"", word(done))
            );
        }
    }
}
