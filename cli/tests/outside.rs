//! The time limit of outside programs in tests.
#![allow(clippy::expect_used)] // tests may panic

mod common;

use common::{folder, outside, text};
use std::process::Command;
use std::time::{Duration, Instant};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn a_program_that_does_not_end_is_killed_with_what_it_started() {
    let begin = Instant::now();
    let folder = folder();
    let late = folder.path().join("late");
    let script = format!("(sleep 2; touch '{}') & sleep 60", text(&late));
    assert!(outside::within(&mut shell(&script), Duration::from_millis(300)).is_none());
    // A program that ends, but leaves another one that keeps its output open.
    assert!(outside::within(&mut shell("sleep 60 & exit 0"), Duration::from_millis(300)).is_none());
    assert!(begin.elapsed() < Duration::from_secs(30));
    std::thread::sleep(Duration::from_secs(3));
    assert!(!late.exists(), "a program of its group kept running");
}

#[test]
fn a_program_that_hangs_the_first_time_is_tried_again() {
    let folder = folder();
    let marker = folder.path().join("tried");
    let script = format!(
        "if [ -e '{0}' ]; then echo again; else touch '{0}'; sleep 60; fi",
        text(&marker)
    );
    let done = outside::finished_or_again(&mut shell(&script), Duration::from_secs(2));
    assert!(done.status.success());
    assert_eq!(done.stdout, b"again\n");
}
