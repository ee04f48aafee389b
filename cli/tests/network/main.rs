//! The program sends nothing and leaves nothing: a render opens no socket, and writes only its
//! outputs and its own cache.
#![allow(missing_docs)]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests stop at the first surprise, as tests do

#[path = "../common/mod.rs"]
mod common;

use common::{Run, folder, go, kinescore, listing, outside, text, walkers};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that runs others without the right to open sockets, compiled in `folder`.
fn no_sockets(folder: &Path) -> PathBuf {
    let program = folder.join("no_sockets");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network/no_sockets.c");
    let made = outside::finished(Command::new("cc").arg("-o").args([&program, &source]));
    assert!(made.status.success(), "{made:?}");
    program
}

/// `command`, run by the program of [`no_sockets`] with the same environment.
fn sealed(no_sockets: &Path, command: &Command) -> Command {
    let mut sealed = Command::new(no_sockets);
    sealed
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        sealed.current_dir(folder);
    }
    sealed
}

#[test]
fn a_program_that_opens_a_socket_is_stopped() {
    let folder = folder();
    let no_sockets = no_sockets(folder.path());
    let (source, program) = (folder.path().join("socket.c"), folder.path().join("socket"));
    // By the number of the call, so that no function of the C library takes part.
    let text = "#define _GNU_SOURCE\n#include <sys/socket.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n\
        int main(int count, char **words) {\n    (void)words;\n\
            return count > 1 && syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) < 0;\n}\n";
    fs::write(&source, text).expect("a source");
    let made = outside::finished(Command::new("cc").arg("-o").args([&program, &source]));
    assert!(made.status.success(), "{made:?}");
    assert!(
        outside::finished(Command::new(&no_sockets).arg(&program))
            .status
            .success()
    );
    let stopped = outside::finished(Command::new(&no_sockets).arg(&program).arg("open"));
    assert_eq!(stopped.status.signal(), Some(31), "SIGSYS; {stopped:?}");
}

/// Renders three seconds of the bundled clip with a new home folder, and lists what is in it after.
/// `telemetry` is the variable that ONNX Runtime reads, if it is set.
fn render(telemetry: Option<&str>) -> Vec<PathBuf> {
    let folder = folder();
    let [home, work, output, temporary] = ["home", "work", "output", "temporary"].map(|name| folder.path().join(name));
    for made in [&home, &work, &output, &temporary] {
        fs::create_dir(made).expect("a folder");
    }
    let (video, midi) = (output.join("walk.mp4"), output.join("walk.mid"));
    let clip = walkers();
    let mut command = kinescore(&[
        "render",
        text(&clip),
        "--end",
        "3",
        "-o",
        text(&video),
        "--midi",
        text(&midi),
    ]);
    for name in [
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_STATE_HOME",
        "KINESCORE_CACHE",
    ] {
        command.env_remove(name);
    }
    command.env("HOME", &home).env("TMPDIR", &temporary).current_dir(&work);
    if let Some(value) = telemetry {
        command.env("ORT_DISABLE_TELEMETRY", value);
    }
    let run: Run = go(&mut sealed(&no_sockets(folder.path()), &command));
    run.expect(0);
    let names = |folder: &Path| -> Vec<PathBuf> {
        let relative = |path: &Path| path.strip_prefix(folder).expect("inside").to_owned();
        listing(folder).iter().map(|(path, _)| relative(path)).collect()
    };
    assert_eq!(names(&output), [PathBuf::from("walk.mid"), PathBuf::from("walk.mp4")]);
    assert_eq!(names(&work), Vec::<PathBuf>::new());
    assert_eq!(names(&temporary), Vec::<PathBuf>::new());
    names(&home)
}

/// Asserts that there is nothing but the program's own cache.
fn expect_only_the_cache(left: &[PathBuf]) {
    let own = Path::new(".cache/kinescore");
    let others = |path: &&PathBuf| !path.starts_with(own) && !own.starts_with(path);
    assert_eq!(left.iter().filter(others).collect::<Vec<_>>(), Vec::<&PathBuf>::new());
    assert!(left.iter().any(|path| path.starts_with(own)), "no cache: {left:?}");
}

#[test]
fn a_render_opens_no_socket_and_leaves_only_its_cache() {
    expect_only_the_cache(&render(None));
}

#[test]
fn the_pinned_onnx_runtime_writes_nothing_even_if_its_telemetry_is_not_disabled() {
    // As for hosts of the library, which do not set the variable.
    expect_only_the_cache(&render(Some("0")));
}
