//! `kinescore render` and `kinescore analyze`: from flags to a job and the files it writes.

use crate::args::{Analyze, Host, Input, Render, promises_another};
use crate::exit::{self, Failure};
use crate::flags::flag_name;
use crate::outputs;
use crate::places::ResourceFlags;
use crate::progress::{Console, Progress};
use crate::report::{Report, Source};
use crate::{inputs, resources, stdout};
use kinescore::host::default_output;
use kinescore::settings::Setting;
use kinescore::{Cancel, Cut, Engine, Error, Job, Marks, Monitor, Settings, Speed, Stage};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The setting for which instruments are heard.
const INSTRUMENTS: &str = "music.instruments";
const AUTO: &str = "auto";

/// The outputs of a job.
#[derive(Default)]
struct Wanted {
    video: Option<PathBuf>,
    saved: Option<PathBuf>,
    wav: Option<PathBuf>,
    midi: Option<PathBuf>,
    stems: Option<PathBuf>,
    json: Option<PathBuf>,
    plot: Option<PathBuf>,
    report: Option<Report>,
}

impl Wanted {
    /// The requested outputs, by flag, with the stage that each needs.
    fn list(&self) -> Vec<(&'static str, &Path, Stage)> {
        let report = self.report.as_ref();
        [
            ("--output", self.video.as_ref(), Stage::Audio),
            ("--wav", self.wav.as_ref(), Stage::Audio),
            ("--stems", self.stems.as_ref(), Stage::Audio),
            ("--midi", self.midi.as_ref(), Stage::Score),
            ("--plot", self.plot.as_ref(), Stage::Drums),
            (
                "--report",
                report.map(|report| &report.path),
                report.map_or(Stage::Audio, |report| report.needs),
            ),
            ("--json", self.json.as_ref(), Stage::Rhythm),
        ]
        .into_iter()
        .filter_map(|(flag, path, stage)| Some((flag, path?.as_path(), stage)))
        .collect()
    }

    /// The last stage that any requested output needs, at least `least`. A picture needs only the
    /// drums, but also shows the music.
    fn last_stage(&self, least: Stage) -> Stage {
        let picture = self.plot.as_ref().map(|_| Stage::Music);
        self.list()
            .into_iter()
            .map(|(_, _, stage)| stage)
            .chain(picture)
            .fold(least, Stage::max)
    }

    /// The flag of an output with the clip's name as JSON.
    fn json_flag(&self) -> Option<&'static str> {
        let json = self.json.as_ref().map(|_| "--json");
        json.or(self.report.as_ref().map(|_| "--report"))
    }

    /// Checks everything that can be checked before the work. `parts` are the names of the parts
    /// that stems may be written of.
    fn check(&self, inputs: &[&Path], parts: &[String]) -> Result<(), Failure> {
        let mut files: Vec<&Path> = self.saved.iter().map(PathBuf::as_path).collect();
        files.extend(
            self.list()
                .into_iter()
                .filter(|(flag, path, _)| *flag != "--stems" && !is_stdout(path))
                .map(|(_, path, _)| path),
        );
        if let Some(folder) = &self.stems {
            outputs::check_folder(folder)?;
        }
        let stems: Vec<PathBuf> = self
            .stems
            .iter()
            .flat_map(|folder| parts.iter().map(|part| folder.join(part).with_extension("wav")))
            .collect();
        files.extend(stems.iter().map(PathBuf::as_path));
        outputs::check(&files, inputs, self.stems.as_deref())
    }

    /// Writes everything and returns what was written. A failure names the files written before it,
    /// which are complete.
    fn write(&self, job: &Job, monitor: &Monitor<'_>) -> Result<Vec<PathBuf>, Failure> {
        let mut written = Vec::new();
        self.write_each(job, monitor, &mut written).map_err(|mut failure| {
            if !written.is_empty() {
                failure.message = format!("{} (written before that: {})", failure.message, names(&written));
            }
            failure
        })?;
        Ok(written)
    }

    fn write_each(&self, job: &Job, monitor: &Monitor<'_>, written: &mut Vec<PathBuf>) -> Result<(), Failure> {
        let mut write = |path: &Option<PathBuf>, write: &dyn Fn(&Path) -> kinescore::Result<()>| {
            let Some(path) = path else { return Ok(()) };
            monitor.check()?;
            write(path).map_err(Failure::writing)?;
            written.push(path.clone());
            Ok::<(), Failure>(())
        };
        // The video first: it is the most important, and the most likely to fail.
        // Other files may go into the stems' folder.
        if let Some(folder) = &self.stems {
            std::fs::create_dir_all(folder).map_err(|e| Failure::from(Error::output(folder)(e)))?;
        }
        write(&self.video, &|path| job.write_video(path, monitor))?;
        write(&self.saved, &|path| job.save(path))?;
        write(&self.wav, &|path| job.write_wav(path))?;
        write(&self.midi, &|path| job.write_midi(path))?;
        write(&self.stems, &|path| job.write_stems(path, monitor))?;
        write(&self.plot, &|path| job.write_plot(path))?;
        match &self.json {
            Some(path) if is_stdout(path) => json_to_stdout(job)?,
            _ => write(&self.json, &|path| job.write_json(path))?,
        }
        if let Some(report) = &self.report {
            monitor.check()?;
            report.write(job, monitor)?;
            written.push(report.path.clone());
        }
        Ok(())
    }

    /// Prepares the report, if there is to be one; once the outputs are known.
    fn prepare(&mut self, job: &Job, order: &JobSpec<'_>, console: &Console, cancel: &Cancel) -> Result<(), Failure> {
        let Some(report) = &mut self.report else { return Ok(()) };
        let source = Source {
            clip: order.clip(job),
            saved: order.input.from.as_deref(),
            marks: order.input.marks.as_deref(),
            font: order.resources.soundfont.as_deref(),
        };
        report.prepare(job, &source, self.video.as_deref(), console, cancel)
    }

    /// What was written, for the user.
    fn report_written(&self, job: &Job, written: &[PathBuf], console: &Console) {
        for path in written {
            console.say(&format!("wrote {}", path.display()));
        }
        for line in self.report.iter().flat_map(|report| report.about(job)) {
            console.say(&line);
        }
    }
}

/// Whether a path stands for standard output.
fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn names(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn json_to_stdout(job: &Job) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&job.analysis())
        .map_err(|e| Failure::from(Error::output(Path::new("-"))(e.into())))?;
    stdout::write(&format!("{text}\n"))
}

/// The inputs of a job, apart from its outputs.
struct JobSpec<'a> {
    input: &'a Input,
    settings: Settings,
    /// Keys of the settings that were given.
    given: Vec<String>,
    resources: &'a ResourceFlags,
}

impl JobSpec<'_> {
    /// The files that must not be overwritten.
    fn inputs(&self) -> Vec<&Path> {
        let input = self.input;
        [&input.clip, &input.from, &input.marks, &self.resources.soundfont]
            .into_iter()
            .filter_map(|path| path.as_deref())
            .collect()
    }

    /// The file from which default names are derived.
    fn clip<'a>(&'a self, job: &'a Job) -> &'a Path {
        self.input.clip.as_deref().unwrap_or_else(|| &job.clip().path)
    }

    /// Refuses a clip whose name cannot be written into the JSON that `flag` asks for.
    fn check_name(&self, flag: Option<&str>) -> Result<(), Failure> {
        match (&self.input.clip, flag) {
            (Some(clip), Some(flag)) if clip.to_str().is_none() => Err(Failure::usage(format!(
                "{}: the name is not UTF-8, so JSON cannot hold it; rename the clip, or leave out {flag}",
                clip.display()
            ))),
            _ => Ok(()),
        }
    }

    /// The names of the parts that may be played: those of the settings, or any, if the palette
    /// chooses them or a saved file has them.
    fn parts(&self) -> Vec<String> {
        let chosen = self.settings.get(INSTRUMENTS).filter(|words| words != AUTO);
        match chosen.filter(|_| self.input.from.is_none()) {
            Some(words) => words.split(',').map(str::to_owned).collect(),
            None => {
                let words = Setting::of(INSTRUMENTS).map(Setting::words).unwrap_or_default();
                let parts = words.into_iter().filter(|word| *word != AUTO);
                parts.map(str::to_owned).collect()
            }
        }
    }

    /// Refuses settings that only stages use whose results are already in the saved file.
    fn check_late(&self, saved: &Path, job: &Job) -> Result<(), Failure> {
        let Some(latest) = job.latest() else { return Ok(()) };
        let is_late = |setting: &&Setting| setting.effect.last_stage().is_some_and(|last| last <= latest);
        let given = self.given.iter().filter_map(|key| Setting::of(key));
        let late: Vec<String> = given
            .filter(is_late)
            .map(|setting| format!("--{}", flag_name(setting.key)))
            .collect();
        if late.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{}: already contains the {latest} stage, on which {} no longer has an effect; leave it out, or continue from an \
             earlier stage",
            saved.display(),
            late.join(", ")
        )))
    }

    /// Opens the clip or the saved file.
    fn open(&self, cancel: &Cancel) -> Result<Job, Failure> {
        inputs::check_part(self.input.start, self.input.end)?;
        let marks = self.input.marks.as_deref().map(Marks::read).transpose()?;
        resources::check_sound_font(self.resources)?;
        for file in [&self.input.clip, &self.input.from].into_iter().flatten() {
            inputs::check(file)?;
        }
        let engine = Arc::new(Engine::new(resources::find(self.resources)?)?);
        let mut job = match (&self.input.clip, &self.input.from) {
            (Some(clip), _) => {
                let cut = self.input.cut(Cut::default());
                Job::open_until(engine, self.settings.clone(), clip, cut, cancel)?
            }
            (None, Some(saved)) => {
                let mut job = Job::load(engine, self.settings.clone(), saved)?;
                job.set_cut(self.input.cut(job.cut()))?;
                self.check_late(saved, &job)?;
                if self.given.iter().any(|key| key == INSTRUMENTS) {
                    job.keep_instruments()?;
                }
                job
            }
            (None, None) => return Err(Failure::usage("no clip given")),
        };
        if let Some(marks) = marks {
            job.set_marks(marks)?;
        }
        Ok(job)
    }
}

/// Refuses a saved file whose clip has been moved, or is another video, if the picture is needed.
fn check_named_clip(saved: &Path, job: &Job, cancel: &Cancel) -> Result<(), Failure> {
    let clip = &job.clip().path;
    let place = std::path::absolute(clip).unwrap_or_else(|_| clip.clone());
    let refuse = |what: &str| Failure {
        code: exit::INPUT,
        message: format!(
            "{}: {what}; move the clip back to its place, or write its new path into the field clip.path of the file, or \
             write no picture: --no-video --wav FILE",
            saved.display(),
        ),
    };
    if let Err(error) = inputs::check(clip) {
        let why = match error {
            Error::Input { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        return Err(refuse(&format!("its clip cannot be read: {}: {why}", place.display())));
    }
    match job.clip_differs(cancel)? {
        Some(why) => Err(refuse(&format!(
            "its clip is another video: {}: {why}",
            place.display()
        ))),
        None => Ok(()),
    }
}

/// Runs an opened job up to `until`, and writes the requested outputs.
fn run(
    job: &mut Job,
    wanted: &Wanted,
    until: Stage,
    host: Option<Host>,
    console: &Console,
    cancel: &Cancel,
) -> Result<Vec<PathBuf>, Failure> {
    // Outputs that cannot be written are reported before the work, not after.
    if let Some(video) = &wanted.video {
        job.check_video(video).map_err(Failure::writing)?;
    }
    let progress = Progress::for_host(console, host);
    let monitor = Monitor::new(cancel.clone(), |stage, done| progress.report(stage, done));
    let result = job
        .run(until, &monitor)
        .map_err(Failure::from)
        .and_then(|()| wanted.write(job, &monitor));
    progress.end();
    if result.is_ok() {
        progress.complete();
    }
    result
}

/// `kinescore render`.
pub fn render(args: &Render, console: &Console, cancel: &Cancel) -> Result<(), Failure> {
    let order = JobSpec {
        input: &args.input,
        settings: args.settings.settings()?,
        given: args.settings.keys(),
        resources: &args.resources,
    };
    let until = args.until.map(Stage::from);
    let mut wanted = Wanted {
        wav: args.files.wav.clone(),
        midi: args.files.midi.clone(),
        stems: args.files.stems.clone(),
        json: args.files.json.clone(),
        plot: args.files.plot.clone(),
        report: Report::new(&args.files.report, args.files.report_video, Stage::Audio),
        ..Wanted::default()
    };
    if let Some(until) = until {
        if let Some(name) = args.output.as_deref().filter(|name| promises_another(name, &["json"])) {
            return Err(Failure::usage(format!(
                "{}: --until writes JSON; the name must end in .json",
                name.display()
            )));
        }
        if let Some((flag, _, stage)) = wanted.list().into_iter().find(|(_, _, stage)| *stage > until) {
            return Err(Failure::usage(format!(
                "{flag} needs the {stage} stage, but --until {until} stops before it"
            )));
        }
        wanted.saved.clone_from(&args.output);
    } else {
        wanted.video.clone_from(&args.output);
    }
    // Settings, then names, then the clip: quick checks come before slow ones.
    let parts = order.parts();
    wanted.check(&order.inputs(), &parts)?;
    order.check_name(until.map(|_| "--until").or(wanted.json_flag()))?;
    let mut job = order.open(cancel)?;

    match until {
        Some(until) => {
            if let Some(stage) = job.latest().filter(|stage| *stage > until) {
                return Err(Failure::usage(format!(
                    "{} already has the {stage} stage; --until {until} comes before it",
                    args.input.from.as_deref().unwrap_or(&job.clip().path).display()
                )));
            }
            let name = || outputs::renamed(order.clip(&job), &format!("{until}.json"));
            wanted.saved = Some(wanted.saved.unwrap_or_else(name));
        }
        None if !args.no_video => {
            let name = || default_output(order.clip(&job));
            wanted.video = Some(wanted.video.unwrap_or_else(name));
        }
        None => {}
    }
    let speed = job.cut().speed;
    if wanted.video.is_some() && speed != Speed::NORMAL {
        return Err(Failure::usage(format!(
            "the picture is copied unchanged, which --speed {speed} does not allow; add --no-video --wav FILE"
        )));
    }
    if wanted.video.is_some()
        && let Some(saved) = &args.input.from
    {
        check_named_clip(saved, &job, cancel)?;
    }
    // Again, since the default names are known now and, with --from, the clip as well.
    let mut inputs = order.inputs();
    let clip = job.clip().path.clone();
    inputs.push(&clip);
    let parts = match job.score() {
        Some(score) => score.parts.iter().map(|part| part.name.clone()).collect(),
        None => parts,
    };
    wanted.check(&inputs, &parts)?;
    wanted.prepare(&job, &order, console, cancel)?;

    let until = until.unwrap_or_else(|| wanted.last_stage(Stage::Rhythm));
    let written = run(&mut job, &wanted, until, args.host, console, cancel)?;
    for line in summary(&job) {
        console.say(&line);
    }
    wanted.report_written(&job, &written, console);
    Ok(())
}

/// `kinescore analyze`.
pub fn analyze(args: &Analyze, console: &Console, cancel: &Cancel) -> Result<(), Failure> {
    let order = JobSpec {
        input: &args.input,
        settings: args.settings.settings()?,
        given: args.settings.keys(),
        resources: &args.resources,
    };
    let mut wanted = Wanted {
        json: args.json.clone(),
        plot: args.plot.clone(),
        report: Report::new(&args.report, args.report_video, Stage::Rhythm),
        ..Wanted::default()
    };
    wanted.check(&order.inputs(), &[])?;
    order.check_name(wanted.json_flag())?;
    let mut job = order.open(cancel)?;
    let clip = job.clip().path.clone();
    wanted.check(&[&clip], &[])?;
    wanted.prepare(&job, &order, console, cancel)?;

    let until = wanted.last_stage(Stage::Rhythm);
    let written = run(&mut job, &wanted, until, None, console, cancel)?;
    if wanted.json.as_deref().is_some_and(is_stdout) {
        // Standard output is reserved for the JSON.
        summary(&job).iter().for_each(|line| console.say(line));
    } else {
        stdout::write(&(summary(&job).join("\n") + "\n"))?;
    }
    wanted.report_written(&job, &written, console);
    Ok(())
}

/// A summary of the part that is heard, one line per result.
fn summary(job: &Job) -> Vec<String> {
    let analysis = job.analysis();
    let mut lines = Vec::new();
    if let (Some(tempo), Some(confidence)) = (analysis.tempo_bpm, analysis.confidence) {
        lines.push(format!("tempo: {tempo:.1} beats a minute (confidence {confidence:.2})"));
        let (beats, bar) = (analysis.beats.len(), analysis.beats_per_bar.unwrap_or(4));
        let source = analysis.beats_source.unwrap_or_default();
        lines.push(format!("beats: {beats}, {bar} a bar, by {source}"));
        lines.push(format!("accents: {}", analysis.accents.len()));
    } else if let Some(poses) = job.poses() {
        lines.push(format!("poses: {} of {} people", poses.poses.len(), poses.people));
    }
    if let Some(drums) = &analysis.drums {
        lines.push(format!("drums: {} hits, style {}", drums.hits.len(), drums.style));
    }
    if let Some(music) = &analysis.music {
        let parts = music
            .notes
            .iter()
            .map(|(instrument, notes)| format!("{} {notes}", instrument.profile().name));
        let parts = parts.collect::<Vec<_>>().join(", ");
        lines.push(format!(
            "music: {}, notes: {}",
            music.key,
            if parts.is_empty() { "none" } else { &parts }
        ));
    }
    lines
}
