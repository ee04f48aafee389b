//! The `kinescore` command: flags, progress and exit codes; the work is in the library.

mod args;
mod batch;
mod cache_cmd;
mod chunk;
mod command_line;
mod doctor;
mod editors;
mod exit;
mod flags;
mod inputs;
mod install;
mod memory;
mod outputs;
mod places;
mod progress;
mod render;
mod report;
mod resources;
mod settings_cmd;
mod setup;
mod setup_args;
mod signals;
mod stdout;
mod studio;
#[cfg(feature = "timeline")]
mod timeline;
mod typed;
mod units;

use args::{Cli, Command};
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser};
use exit::Failure;
use kinescore::host::{catches_panics, panic_text, shown_text};
use kinescore::{Cancel, Error};
use progress::Console;
use std::panic;
use std::path::Path;
use std::process::ExitCode;

/// The variable with which ONNX Runtime's telemetry is disabled before the library is loaded.
const NO_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

fn main() -> ExitCode {
    // ONNX Runtime 1.29 and later, which a user may have chosen, write a device ID below the home
    // folder and contact a server, even if the library has turned their telemetry off. The variable
    // prevents that; a value that the user has set is kept.
    if std::env::var_os(NO_TELEMETRY).is_none() {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var(NO_TELEMETRY, "1") };
    }
    signals::report_full_files();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut answer) => {
            shorten(&mut answer);
            // Help and version arrive here as well. If the stream is closed, nobody can read a
            // message.
            let _ = answer.print();
            return ExitCode::from(if answer.use_stderr() { exit::USAGE } else { exit::DONE });
        }
    };
    let console = Console::new(cli.voice.quiet);
    explain_panics(&console);
    progress::log_to(&console, cli.voice.verbose);
    // FFmpeg would write to the terminal between the progress lines; relevant messages are returned
    // as errors.
    kinescore::host::silence_ffmpeg();
    let result = panic::catch_unwind(panic::AssertUnwindSafe(|| run(&cli.command, &console)));
    match result {
        Ok(Ok(())) => ExitCode::from(exit::DONE),
        Ok(Err(failure)) => {
            if !failure.message.is_empty() {
                console.error(&failure.message);
            }
            ExitCode::from(failure.code)
        }
        // The panic hook has printed a message.
        Err(_) => ExitCode::from(exit::INTERNAL),
    }
}

/// Shortens what the user typed, which a parser repeats in full.
fn shorten(answer: &mut clap::Error) {
    for kind in [
        ContextKind::InvalidArg,
        ContextKind::InvalidSubcommand,
        ContextKind::InvalidValue,
    ] {
        if let Some(ContextValue::String(typed)) = answer.get(kind) {
            let shown = shown_text(typed);
            if shown != *typed {
                // A tip would repeat it in full as well.
                answer.insert(ContextKind::Suggested, ContextValue::None);
            }
            answer.insert(kind, ContextValue::String(shown));
        }
    }
}

fn run(command: &Command, console: &Console) -> Result<(), Failure> {
    match command {
        Command::Render(args) => render::render(args, console, &cancel_on_signal()?),
        Command::Analyze(args) => render::analyze(args, console, &cancel_on_signal()?),
        Command::Studio(args) => studio::studio(args, console, &cancel_on_signal()?),
        Command::Batch(args) => batch::batch(args, console, &cancel_on_signal()?),
        #[cfg(feature = "timeline")]
        Command::Timeline { action } => timeline::timeline(action, console, &cancel_on_signal()?),
        Command::Doctor(args) => doctor::doctor(args),
        Command::Setup(args) => setup::setup(args, console),
        Command::Install(args) => install::install(args, console),
        Command::Uninstall(args) => install::uninstall(args, console),
        Command::Settings(args) if args.json => stdout::write(&settings_cmd::json()),
        Command::Settings(_) => stdout::write(&settings_cmd::table()),
        Command::Cache(args) => cache_cmd::cache(args, console),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "kinescore", &mut script);
            stdout::write_bytes(&script)
        }
        Command::Man { dir: Some(dir) } => {
            clap_mangen::generate_to(Cli::command(), dir).map_err(|e| Error::output(dir)(e).into())
        }
        Command::Man { dir: None } => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(Error::output(Path::new("man page")))?;
            stdout::write_bytes(&page)
        }
    }
}

/// A switch that Ctrl-C, SIGTERM and SIGHUP turn on; a second signal ends the program immediately.
fn cancel_on_signal() -> Result<Cancel, Failure> {
    let cancel = Cancel::new();
    let hangups = signals::ignores_hangups();
    let switch = cancel.clone();
    ctrlc::set_handler(move || {
        if switch.is_cancelled() {
            std::process::exit(i32::from(exit::CANCELLED));
        }
        switch.cancel();
    })
    .map_err(|e| Failure {
        code: exit::INTERNAL,
        message: format!("signals cannot be caught: {e}"),
    })?;
    if hangups {
        // Started by `nohup`, or by a shell that does the same: the program outlives the terminal.
        signals::ignore_hangups();
    }
    Ok(cancel)
}

/// A panic is an error in the program: the user gets one sentence, and a developer who requests it
/// the backtrace.
fn explain_panics(console: &Console) {
    let console = console.clone();
    let developer = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if catches_panics() {
            return;
        }
        if developer {
            usual(info);
        }
        let place = info
            .location()
            .map(|l| format!(" at {}:{}", l.file(), l.line()))
            .unwrap_or_default();
        let what = panic_text(info.payload());
        console.error(&format!(
            "an error in the program itself{place}: {what}. Please report it, with the command and if possible the clip, at {}/issues",
            env!("CARGO_PKG_REPOSITORY")
        ));
    }));
}
