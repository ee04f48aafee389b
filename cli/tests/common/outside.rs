//! Outside programs with a time limit: one that does not end fails its test instead of stopping the whole suite.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// More than any outside program needs here, on a slow machine under load.
pub const LIMIT: Duration = Duration::from_secs(180);

/// Runs a program to its end. One that runs past the limit is killed, with all of its process group: `None`.
pub fn within(command: &mut Command, limit: Duration) -> Option<Output> {
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (out, err) = (
        child.stdout.take().expect("stdout"),
        child.stderr.take().expect("stderr"),
    );
    let read = |mut stream: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).expect("a pipe");
            bytes
        })
    };
    let (out, err) = (read(Box::new(out)), read(Box::new(err)));
    let end = Instant::now() + limit;
    loop {
        let status = child.try_wait().expect("a child");
        // A program that it started may still hold the pipes: that one is waited for as well.
        if let (Some(status), true) = (status, out.is_finished() && err.is_finished()) {
            let (stdout, stderr) = (out.join().expect("stdout"), err.join().expect("stderr"));
            return Some(Output { status, stdout, stderr });
        }
        if Instant::now() >= end {
            let group = format!("-{}", child.id());
            let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
            assert!(killed.expect("kill").success(), "{command:?} cannot be killed");
            child.wait().expect("a child");
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Runs a program to its end, which must come within [`LIMIT`].
#[track_caller]
pub fn finished(command: &mut Command) -> Output {
    within(command, LIMIT).unwrap_or_else(|| panic!("{command:?} did not end in {LIMIT:?} and was killed"))
}

/// Runs a program that is known to stop for ever now and then: tried again once.
#[track_caller]
pub fn finished_or_again(command: &mut Command, limit: Duration) -> Output {
    within(command, limit).unwrap_or_else(|| {
        // Past the capture of passing tests: this must be seen.
        let told = format!("{command:?} did not end in {limit:?} and was killed; it is tried again\n");
        std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()).expect("stderr");
        within(command, limit).unwrap_or_else(|| panic!("{command:?} did not end in {limit:?} twice and was killed"))
    })
}

/// Runs melt, one at a time among all tests: two side by side may wait for ever. Tests in C++ take the same lock.
#[track_caller]
pub fn melt(command: &mut Command) -> Output {
    let path = std::env::temp_dir().join("kinescore-tests-melt.lock");
    let lock = File::open(&path).or_else(|_| File::create(&path)).expect("a lock file");
    lock.lock().expect("the lock");
    finished_or_again(command, Duration::from_secs(90))
}
