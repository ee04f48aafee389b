//! `kinescore studio`: a local page on which a clip's soundtrack is seen, heard and corrected.

pub mod args;

use crate::exit::Failure;
use crate::flags::flag_name;
use crate::progress::Console;
use crate::units::time;
use crate::{inputs, resources, stdout};
use args::Studio;
use kinescore::{Cancel, Cut, FLICKS_PER_SECOND, Flicks, Marks};
use kinescore_studio::{Address, Config, Problem};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

/// The program that opens an address in the user's browser.
const OPENER: &str = "xdg-open";

/// Serves the page until Ctrl-C.
pub fn studio(args: &Studio, console: &Console, cancel: &Cancel) -> Result<(), Failure> {
    let settings = args.settings.settings()?;
    let Some(clip) = args.clip.to_str() else {
        return Err(Failure::usage(format!(
            "{}: the name is not UTF-8, so the page cannot show it; rename the clip",
            args.clip.display()
        )));
    };
    inputs::check_part(args.start, args.end)?;
    let marks = args.marks.as_deref().map(Marks::read).transpose()?;
    resources::check_sound_font(&args.resources)?;
    inputs::check(&args.clip)?;
    let config = Config {
        clip: args.clip.clone(),
        cut: Cut {
            start: args.start,
            end: args.end,
            ..Cut::default()
        },
        settings,
        marks: marks.unwrap_or_default(),
        resources: resources::find(&args.resources)?,
        port: Some(args.port),
    };
    let before = beginning(clip, args);
    let line = move |settings: &[(&'static str, String)], marks: Option<&str>| line(&before, settings, marks);
    let mut announced = Ok(());
    kinescore_studio::run(config, Arc::new(line), cancel, |address| {
        announced = announce(address, args, console);
        if announced.is_err() {
            cancel.cancel();
        }
    })
    .map_err(failure)?;
    announced
}

/// Prints the address, and opens it in the user's browser.
fn announce(address: &Address, args: &Studio, console: &Console) -> Result<(), Failure> {
    stdout::write(&format!("{}\n", address.page()))?;
    console.say("the page is at this address on this machine; Ctrl-C ends it");
    if !args.no_open {
        open(&address.once(), console);
    }
    Ok(())
}

/// Opens an address in the user's browser, which outlives the program.
fn open(address: &str, console: &Console) {
    let hint = "open the address above in a browser";
    let started = Command::new(OPENER)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in the terminal ends this program, not the browser.
        .process_group(0)
        .spawn();
    match started {
        Err(e) => console.say(&format!("no browser was opened ({OPENER}: {e}); {hint}")),
        Ok(mut child) => {
            let console = console.clone();
            // Until then it may be a browser itself.
            thread::spawn(move || match child.wait() {
                Ok(status) if !status.success() => {
                    console.say(&format!(
                        "no browser was opened ({OPENER} has failed: {status}); {hint}"
                    ));
                }
                _ => {}
            });
        }
    }
}

fn failure(problem: Problem) -> Failure {
    match problem {
        Problem::Library(error) => error.into(),
        Problem::Port { .. } => Failure::usage(format!("{problem} (--port; without it, a free one is taken)")),
    }
}

/// The words of a command line that are the same for all takes.
fn beginning(clip: &str, args: &Studio) -> Vec<String> {
    let mut words = vec!["kinescore".to_owned(), "render".to_owned(), not_a_flag(clip)];
    for (flag, time) in [("--start", args.start), ("--end", args.end)] {
        words.extend(time.into_iter().flat_map(|time| [flag.to_owned(), spelled(time)]));
    }
    let places = &args.resources;
    for (flag, path) in [
        ("--soundfont", &places.soundfont),
        ("--models", &places.models),
        ("--onnxruntime", &places.onnxruntime),
    ] {
        let shown = |path: &Path| path.to_string_lossy().into_owned();
        words.extend(path.iter().flat_map(|path| [flag.to_owned(), not_a_flag(&shown(path))]));
    }
    words
}

/// A name that begins with a hyphen would be taken for a flag.
fn not_a_flag(name: &str) -> String {
    match name.strip_prefix('-') {
        Some(_) => format!("./{name}"),
        None => name.to_owned(),
    }
}

/// A time as the flags read it: in seconds, if these are exact.
fn spelled(flicks: Flicks) -> String {
    let seconds = flicks.seconds().to_string();
    match time(&seconds) {
        Ok(read) if read == flicks => seconds,
        _ => format!("{}/{FLICKS_PER_SECOND}", flicks.0),
    }
}

/// The command line of a take, for a shell.
fn line(before: &[String], settings: &[(&'static str, String)], marks: Option<&str>) -> String {
    let set = settings
        .iter()
        .flat_map(|(key, value)| [format!("--{}", flag_name(key)), value.clone()]);
    let marks = marks
        .into_iter()
        .flat_map(|name| ["--marks".to_owned(), not_a_flag(name)]);
    let words = before.iter().cloned().chain(set).chain(marks);
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

/// A word for a shell. No word here has the character that shells do not have.
fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::Parser;

    fn args(words: &[&str]) -> Studio {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            studio: Studio,
        }
        Line::try_parse_from(words).expect("a good line").studio
    }

    #[test]
    fn the_command_line_of_a_take_is_read_as_it_was_meant() {
        let args = args(&[
            "studio",
            "--start",
            "1:05.5",
            "--end",
            "3003/40",
            "--soundfont",
            "my font's.sf2",
            "--",
            "-the dancer's.mp4",
        ]);
        let before = beginning("-the dancer's.mp4", &args);
        let settings = [
            ("drums.style", "funk".to_owned()),
            ("seed", "17".to_owned()),
            ("music.chords", "Am F | C G".to_owned()),
            ("sound.loudness", "-20".to_owned()),
        ];
        let line = line(&before, &settings, Some("-the dancer's.marks.json"));
        let words = shlex::split(&line).expect("words of a shell");
        assert_eq!(
            words,
            [
                "kinescore",
                "render",
                "./-the dancer's.mp4",
                "--start",
                "65.5",
                "--end",
                "75.075",
                "--soundfont",
                "my font's.sf2",
                "--style",
                "funk",
                "--seed",
                "17",
                "--chords",
                "Am F | C G",
                "--loudness",
                "-20",
                "--marks",
                "./-the dancer's.marks.json",
            ]
        );
        Cli::try_parse_from(&words).expect("a line that the program takes");
    }

    #[test]
    fn times_are_read_back_exactly() {
        assert_eq!(spelled(Flicks(FLICKS_PER_SECOND / 4)), "0.25");
        // Decimals of a late time would lose its last flicks.
        let late = Flicks(100_000_000 * FLICKS_PER_SECOND + 1);
        assert!(spelled(late).ends_with("/705600000"), "{}", spelled(late));
        for flicks in [
            Flicks(1),
            Flicks(FLICKS_PER_SECOND / 3),
            Flicks(FLICKS_PER_SECOND * 1001 / 24000),
            late,
        ] {
            let text = spelled(flicks);
            assert_eq!(time(&text), Ok(flicks), "{text}");
        }
    }
}
