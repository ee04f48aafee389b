//! Opens a library or plugin as an editor would, in a process of its own: a damaged file can end
//! the process that opens it.

use crate::exit::{Failure, RESOURCES};
use crate::{resources, stdout};
use kinescore::host::why_not_for_this_machine;
use std::ffi::c_int;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longest time to open a library.
const LIMIT: Duration = Duration::from_secs(20);

/// What a file is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// libkinescore: the result is the version of its interface.
    Library,
    /// An OpenFX plugin: the result is the number of its plugins.
    Plugin,
}

impl Content {
    /// The function that returns the number.
    const fn symbol(self) -> &'static str {
        match self {
            Self::Library => "kinescore_abi_version",
            Self::Plugin => "OfxGetNumberOfPlugins",
        }
    }
}

/// Opens the file in another process and returns the number that its function returns, or the
/// reason why it cannot be opened.
pub(super) fn opened(file: &Path, content: Content) -> Result<u64, String> {
    if let Some(reason) = why_not_for_this_machine(file) {
        return Err(reason);
    }
    let program = resources::program().map_err(|error| error.to_string())?;
    let flag = match content {
        Content::Library => "--open-library",
        Content::Plugin => "--open-plugin",
    };
    let mut child = Command::new(program)
        .arg("doctor")
        .arg(flag)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it could not be tried: {error}"))?;
    let end = Instant::now() + LIMIT;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                // It may have ended by itself in between.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("opening it takes longer than {} s", LIMIT.as_secs()));
            }
            Err(error) => return Err(format!("it could not be tried: {error}")),
        }
    };
    let text = |pipe: Option<&mut dyn Read>| {
        let mut text = String::new();
        // What cannot be read is not needed.
        let _ = pipe.map(|pipe| pipe.read_to_string(&mut text));
        text.trim().to_owned()
    };
    if let Some(signal) = status.signal() {
        return Err(format!(
            "opening it ends the process by signal {signal}: the file is damaged"
        ));
    }
    if !status.success() {
        let said = text(child.stderr.as_mut().map(|pipe| pipe as &mut dyn Read));
        return Err(said.trim_start_matches("error: ").to_owned());
    }
    let said = text(child.stdout.as_mut().map(|pipe| pipe as &mut dyn Read));
    said.parse()
        .map_err(|_| format!("opening it gave '{said}' in place of a number"))
}

/// `kinescore doctor --open-library FILE`: opens the file and prints the number of its function.
///
/// # Errors
/// [`RESOURCES`], with the loader's reason.
pub fn open(file: &Path, content: Content) -> Result<(), Failure> {
    let refused = |error: libloading::Error| {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = inner.to_string();
            cause = inner.source();
        }
        Failure {
            code: RESOURCES,
            message: text,
        }
    };
    // SAFETY: the file is one that an editor would load in the same way, and this process does
    // nothing else; the function takes no arguments and returns an int, by both interfaces.
    let number = unsafe {
        let flags = libloading::os::unix::RTLD_NOW | libloading::os::unix::RTLD_LOCAL;
        let library = libloading::os::unix::Library::open(Some(file), flags).map_err(refused)?;
        let function = library
            .get::<unsafe extern "C" fn() -> c_int>(content.symbol().as_bytes())
            .map_err(refused)?;
        let number = function();
        // It may have started threads, or registered what runs at exit.
        std::mem::forget(library);
        number
    };
    stdout::write(&format!("{number}\n"))
}
