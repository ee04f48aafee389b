//! Programs with a time limit, for the tests of all crates: one that does not end fails its test
//! instead of stopping the whole suite.
#![allow(dead_code)] // each test program uses a part
#![allow(clippy::expect_used, clippy::panic)] // tests may panic

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// More than any outside program needs, on a slow machine under load.
pub const LIMIT: Duration = Duration::from_secs(180);

/// More than any run of our own programs or of a compiler needs, on a slow machine under load.
pub const LONG: Duration = Duration::from_secs(600);

/// Runs a program to its end. One that runs past the limit is killed, with all of its process
/// group: `None`.
pub fn within(command: &mut Command, limit: Duration) -> Option<Output> {
    collect(start(command, Stdio::null()), limit)
}

/// Like [`within`], with standard input.
pub fn within_fed(command: &mut Command, input: Stdio, limit: Duration) -> Option<Output> {
    collect(start(command, input), limit)
}

/// Starts a program as the leader of a process group, with both outputs piped.
pub fn start(command: &mut Command, input: Stdio) -> Child {
    command
        .process_group(0)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// The output of a started program until its end, like [`within`].
pub fn collect(mut child: Child, limit: Duration) -> Option<Output> {
    let out = child.stdout.take().map(reader);
    let err = child.stderr.take().map(reader);
    let is_read = |stream: &Option<JoinHandle<_>>| stream.as_ref().is_none_or(JoinHandle::is_finished);
    let end = Instant::now() + limit;
    loop {
        let status = child.try_wait().expect("a child");
        // A child of the program may keep the pipes open, so it is waited for as well.
        if let (Some(status), true) = (status, is_read(&out) && is_read(&err)) {
            let bytes = |stream: Option<JoinHandle<Vec<u8>>>| {
                stream.map_or_else(Vec::new, |stream| stream.join().expect("what was printed"))
            };
            return Some(Output {
                status,
                stdout: bytes(out),
                stderr: bytes(err),
            });
        }
        if Instant::now() >= end {
            end_now(&mut child);
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// The end of a program that has been started, which must come within [`LONG`].
#[track_caller]
pub fn ended(child: &mut Child) -> ExitStatus {
    let end = Instant::now() + LONG;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        if Instant::now() >= end {
            end_now(child);
            panic!("process {} did not end in {LONG:?} and was killed", child.id());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn reader(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a pipe");
        bytes
    })
}

/// Kills a process, and its group if it leads one.
fn end_now(child: &mut Child) {
    // A process that was not started here does not lead a group.
    let _ = kill("-KILL", &format!("-{}", child.id()));
    let _ = child.kill();
    child.wait().expect("a child");
}

/// The shell's own `kill`: the program of that name need not be there.
fn kill(signal: &str, target: &str) -> bool {
    let status = Command::new("/bin/sh")
        .args(["-c", "kill \"$1\" \"$2\" 2>/dev/null", "sh", signal, target])
        .status();
    status.expect("a shell").success()
}

/// Sends a signal, such as `-INT`.
#[track_caller]
pub fn signal(child: &Child, signal: &str) {
    assert!(
        kill(signal, &child.id().to_string()),
        "{signal} cannot be sent to {}",
        child.id()
    );
}

/// Runs a program to its end, which must come within [`LIMIT`].
#[track_caller]
pub fn finished(command: &mut Command) -> Output {
    within(command, LIMIT).unwrap_or_else(|| panic!("{command:?} did not end in {LIMIT:?} and was killed"))
}

/// Runs one of our own programs or a compiler, which must end within [`LONG`].
#[track_caller]
pub fn finished_long(command: &mut Command) -> Output {
    within(command, LONG).unwrap_or_else(|| panic!("{command:?} did not end in {LONG:?} and was killed"))
}

/// Runs a program to its end, within [`LIMIT`] and with success, and returns what it printed.
#[track_caller]
pub fn printed(command: &mut Command) -> Vec<u8> {
    let done = finished(command);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {}\n{said}", done.status);
    done.stdout
}

/// Runs a program that is known to hang sometimes: it is retried once.
#[track_caller]
pub fn finished_or_again(command: &mut Command, limit: Duration) -> Output {
    within(command, limit).unwrap_or_else(|| {
        show(&format!(
            "{command:?} did not end in {limit:?} and was killed; it is tried again"
        ));
        within(command, limit).unwrap_or_else(|| panic!("{command:?} did not end in {limit:?} twice and was killed"))
    })
}

/// Prints a line that bypasses the capture of passing tests, for skipped and retried tests.
pub fn show(line: &str) {
    std::io::stderr()
        .write_all(format!("{line}\n").as_bytes())
        .expect("stderr");
}

/// Runs melt, only one at a time among all tests: two in parallel may deadlock. Tests in C++ use
/// the same lock.
#[track_caller]
pub fn melt(command: &mut Command) -> Output {
    let path = std::env::temp_dir().join("kinescore-tests-melt.lock");
    let lock = File::open(&path).or_else(|_| File::create(&path)).expect("a lock file");
    lock.lock().expect("the lock");
    finished_or_again(command, Duration::from_secs(90))
}
