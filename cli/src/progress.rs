//! Output during a run: bars on a terminal, plain lines elsewhere, the lines that an editor reads
//! if it started the program, and the library's log. All of it goes to standard error; standard
//! output is for results.

use crate::args::Host;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use kinescore::Stage;
use kinescore::host::shown_message;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Minimum time between two plain lines of one stage.
const LINE_EVERY: Duration = Duration::from_secs(3);
/// Steps of a progress bar.
const BAR_PARTS: u64 = 1000;

/// Where messages go.
#[derive(Clone)]
pub struct Console {
    bars: MultiProgress,
    quiet: bool,
    terminal: bool,
}

impl Console {
    /// Messages to standard error; with `quiet` only errors.
    pub fn new(quiet: bool) -> Self {
        Self {
            bars: MultiProgress::new(),
            quiet,
            terminal: io::stderr().is_terminal(),
        }
    }

    /// Whether only errors are printed.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a message that `--quiet` suppresses.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.write(text);
        }
    }

    /// Prints the reason why there is no result.
    pub fn error(&self, text: &str) {
        self.write(&format!("kinescore: {text}"));
    }

    fn write(&self, text: &str) {
        let text = shown_message(text);
        // If standard error is closed, nobody can read it.
        let _ = self.bars.suspend(|| writeln!(io::stderr().lock(), "{text}"));
    }
}

/// Shows the progress of a job.
pub struct Progress<'a> {
    console: &'a Console,
    host: Option<Host>,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    bars: BTreeMap<Stage, ProgressBar>,
    last_line: Option<(Stage, Instant)>,
    done: Option<Stage>,
    percentage: Option<u8>,
}

impl<'a> Progress<'a> {
    /// Shows nothing yet.
    pub fn new(console: &'a Console) -> Self {
        Self::for_host(console, None)
    }

    /// Like [`new`](Self::new), or in an editor's own format if an editor reads it.
    pub fn for_host(console: &'a Console, host: Option<Host>) -> Self {
        Self {
            console,
            host,
            shown: Mutex::default(),
        }
    }

    /// Shows that the share `done` (0 to 1) of `stage` is done. May be called from any thread.
    pub fn report(&self, stage: Stage, done: f64) {
        if self.console.quiet && self.host.is_none() {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = self.host {
            // The run is not done before the files are written.
            let percent = (stage.of_whole(done) * 100.0).floor().min(99.0);
            self.send(host, &mut shown, percent as u8);
        } else if self.console.terminal {
            self.bar(&mut shown, stage, done);
        } else {
            self.line(&mut shown, stage, done);
        }
    }

    fn bar(&self, shown: &mut Shown, stage: Stage, done: f64) {
        // A stage has begun, so earlier ones are done, even if they did not report it.
        for (_, earlier) in shown.bars.range(..stage).filter(|(_, bar)| !bar.is_finished()) {
            finish(earlier);
        }
        let bar = shown.bars.entry(stage).or_insert_with(|| {
            let bar = self.console.bars.add(ProgressBar::new(BAR_PARTS));
            if let Ok(style) = ProgressStyle::with_template("{prefix:>7} {bar:32} {percent:>3} %  {msg}{eta} left") {
                bar.set_style(style);
            }
            bar.set_prefix(stage.to_string());
            bar
        });
        if bar.is_finished() {
            return;
        }
        bar.set_position((done * BAR_PARTS as f64) as u64);
        if done >= 1.0 {
            finish(bar);
        }
    }

    fn line(&self, shown: &mut Shown, stage: Stage, done: f64) {
        let over = done >= 1.0;
        let due = match shown.last_line {
            Some((last, at)) if last == stage => at.elapsed() >= LINE_EVERY,
            // The first line of a stage is delayed, so that a short stage prints only one line.
            _ => {
                shown.last_line = Some((stage, Instant::now()));
                false
            }
        };
        if (over && shown.done != Some(stage)) || (due && !over) {
            shown.last_line = Some((stage, Instant::now()));
            if over {
                shown.done = Some(stage);
            }
            self.console.write(&format!("{stage} {:.0} %", (done * 100.0).floor()));
        }
    }

    /// Reports to the editor, if any, that everything is done, including the files.
    pub fn complete(&self) {
        if let Some(host) = self.host {
            let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            self.send(host, &mut shown, 100);
        }
    }

    /// Writes a percentage that is greater than the last.
    fn send(&self, host: Host, shown: &mut Shown, percent: u8) {
        if shown.percentage.is_none_or(|last| percent > last) {
            shown.percentage = Some(percent);
            match host {
                Host::Kdenlive => self.console.write(&format!("percentage: {percent}")),
            }
        }
    }

    /// Keeps finished bars and removes unfinished ones.
    pub fn end(&self) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for bar in shown.bars.values().filter(|bar| !bar.is_finished()) {
            bar.finish_and_clear();
        }
    }
}

fn finish(bar: &ProgressBar) {
    if let Ok(style) = ProgressStyle::with_template("{prefix:>7} {bar:32} {percent:>3} %  {elapsed}") {
        bar.set_style(style);
    }
    bar.set_position(BAR_PARTS);
    bar.finish();
}

/// Writes the library's log to the console.
struct Logger {
    console: Console,
    level: LevelFilter,
    /// Whether messages of other libraries are shown, too.
    all: bool,
}

/// Sends the log to the console: warnings; with `verbose` 1 also the steps; with 2 and above every
/// detail.
pub fn log_to(console: &Console, verbose: u8) {
    let level = match (console.quiet, verbose) {
        (true, _) => LevelFilter::Error,
        (false, 0) => LevelFilter::Warn,
        (false, 1) => LevelFilter::Info,
        (false, 2) => LevelFilter::Debug,
        (false, _) => LevelFilter::Trace,
    };
    let logger = Logger {
        console: console.clone(),
        level,
        all: verbose >= 2,
    };
    // The program sets its logger once, so that this cannot fail.
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(level);
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target().split("::").next() == Some("kinescore");
        metadata.level() <= self.level && (ours || self.all)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = match record.level() {
            Level::Error => format!("kinescore: error: {}", record.args()),
            Level::Warn => format!("kinescore: warning: {}", record.args()),
            Level::Info => format!("kinescore: {}", record.args()),
            Level::Debug | Level::Trace => format!("{}: {}", record.target(), record.args()),
        };
        self.console.write(&text);
    }

    fn flush(&self) {}
}
