//! Makes the soundtracks that a timeline asks for.

use crate::exit;
use crate::progress::{Console, Progress};
use kinescore::pipeline::Cut;
use kinescore::progress::{Cancel, Stage};
use kinescore::time::{Flicks, Speed};
use kinescore::{Engine, Error, Job, Monitor, Settings};
use kinescore_timeline::{Maker, Order, Problem, ProblemKind, Setting};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Jobs that are kept: a clip that is trimmed again takes a fraction of a second then.
const JOBS: usize = 4;

/// Exit codes of the library's errors by their sentences: the bridge carries sentences only.
#[derive(Debug, Clone, Default)]
pub struct Codes(Arc<Mutex<HashMap<String, u8>>>);

impl Codes {
    /// The code for a problem.
    pub fn of(&self, problem: &Problem) -> u8 {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&problem.sentence).copied().unwrap_or(match problem.kind {
            ProblemKind::Input => exit::INPUT,
            ProblemKind::Usage => exit::USAGE,
            ProblemKind::Changed => exit::PROJECT_IN_USE,
            ProblemKind::Output => exit::OUTPUT,
            ProblemKind::Core => exit::INTERNAL,
            ProblemKind::Music => exit::NOTHING_TO_FOLLOW,
            ProblemKind::Cancelled => exit::CANCELLED,
        })
    }

    fn keep(&self, error: &Error) -> Problem {
        let code = exit::code(error);
        let kind = match code {
            exit::CANCELLED => ProblemKind::Cancelled,
            exit::INPUT => ProblemKind::Input,
            exit::OUTPUT => ProblemKind::Output,
            exit::RESOURCES | exit::INTERNAL => ProblemKind::Core,
            _ => ProblemKind::Music,
        };
        let sentence = exit::sentence(error);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(sentence.clone(), code);
        Problem { kind, sentence }
    }
}

struct Kept {
    media: String,
    settings: Vec<Setting>,
    job: Job,
}

/// The engine, and the jobs of the clips that were worked on last.
pub struct Studio {
    engine: Arc<Engine>,
    console: Console,
    cancel: Cancel,
    codes: Codes,
    /// The one used last is the last.
    jobs: Vec<Kept>,
}

impl Studio {
    pub fn new(engine: Arc<Engine>, console: Console, cancel: Cancel, codes: Codes) -> Self {
        Self {
            engine,
            console,
            cancel,
            codes,
            jobs: Vec::new(),
        }
    }

    fn settings(order: &Order) -> kinescore::Result<Settings> {
        let mut settings = Settings::default();
        for Setting { key, value } in &order.settings {
            settings.set(key, value)?;
        }
        settings.check()?;
        Ok(settings)
    }

    fn cut(order: &Order) -> Result<Cut, Problem> {
        let term = |value: i64| u32::try_from(value).unwrap_or(0);
        let (above, below) = (order.speed_numerator, order.speed_denominator);
        let speed = Speed::new(term(above), term(below)).ok_or_else(|| Problem {
            kind: ProblemKind::Music,
            sentence: format!(
                "{}: is played at {above}/{below} of its speed; allowed are {}",
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

    fn render(&mut self, order: &Order, cut: Cut, wav: &str) -> kinescore::Result<()> {
        let known = self
            .jobs
            .iter()
            .position(|kept| kept.media == order.media && kept.settings == order.settings);
        // A job that fails is not kept.
        let mut job = match known {
            Some(place) => {
                let mut job = self.jobs.remove(place).job;
                job.set_cut(cut)?;
                job
            }
            None => Job::open(
                Arc::clone(&self.engine),
                Self::settings(order)?,
                Path::new(&order.media),
                cut,
            )?,
        };
        let progress = Progress::new(&self.console);
        let monitor = Monitor::new(self.cancel.clone(), |stage, done| progress.report(stage, done));
        let done = job.run(Stage::Audio, &monitor);
        progress.end();
        done?;
        job.write_wav(Path::new(wav))?;
        self.jobs.push(Kept {
            media: order.media.clone(),
            settings: order.settings.clone(),
            job,
        });
        if self.jobs.len() > JOBS {
            self.jobs.remove(0);
        }
        Ok(())
    }
}

impl Maker for Studio {
    fn key(&mut self, order: &Order) -> Result<String, Problem> {
        if self.cancel.is_cancelled() {
            return Err(self.codes.keep(&Error::Cancelled));
        }
        let cut = Self::cut(order)?;
        let key = Self::settings(order).and_then(|settings| self.engine.key(&settings, Path::new(&order.media), cut));
        key.map_err(|error| self.codes.keep(&error))
    }

    fn make(&mut self, order: &Order, wav: &str) -> Result<(), Problem> {
        let cut = Self::cut(order)?;
        self.render(order, cut, wav).map_err(|error| self.codes.keep(&error))
    }
}
