//! `kinescore studio`: a local page on which a clip's soundtrack is seen, heard and corrected.

pub mod args;

use crate::command_line::{Beginning, not_a_flag};
use crate::exit::Failure;
use crate::progress::Console;
use crate::{inputs, memory, resources, stdout};
use args::Studio;
use kinescore::{Cancel, Cut, Marks};
use kinescore_studio::{Address, Config, Problem};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

/// The program that opens an address in the user's browser.
const OPENER: &str = "xdg-open";

/// Serves the page until Ctrl-C.
pub fn studio(args: &Studio, console: &Console, cancel: &Cancel) -> Result<(), Failure> {
    memory::return_freed();
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
    let places = &args.resources;
    let beginning = Beginning {
        words: vec!["render".to_owned(), not_a_flag(clip)],
        cut: config.cut,
        places: [
            ("--soundfont", &places.soundfont),
            ("--models", &places.models),
            ("--onnxruntime", &places.onnxruntime),
        ]
        .into_iter()
        .filter_map(|(flag, path)| Some((flag, path.as_ref()?.to_string_lossy().into_owned())))
        .collect(),
        end: Vec::new(),
    };
    let line = move |settings: &[(&'static str, String)], marks: Option<&str>| beginning.line(settings, marks);
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
