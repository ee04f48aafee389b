//! Clips for measurements in tests. Those that must not be distributed are in the folder named by
//! `KINESCORE_CLIPS`; a test that lacks one reports it, with the number of skipped ones, and
//! passes. `README.md` lists them.
#![allow(dead_code)] // each test program uses a part

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The environment variable with the folder of the clips.
const FOLDER: &str = "KINESCORE_CLIPS";

static LEFT_OUT: AtomicUsize = AtomicUsize::new(0);

/// A clip, or a file that belongs to it, by file name: a distributed one, or one of the folder. If
/// it is in neither, a message bypasses the capture of passing tests.
pub fn clip(name: &str) -> Option<PathBuf> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let named = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty());
    let named = named.map(|folder| PathBuf::from(folder).join(name));
    let found = [Some(shipped), named.clone()]
        .into_iter()
        .flatten()
        .find(|path| path.is_file());
    if found.is_none() {
        let number = LEFT_OUT.fetch_add(1, Ordering::Relaxed) + 1;
        let why = named.map_or_else(
            || format!("{FOLDER} does not name a folder"),
            |path| format!("{} is not there", path.display()),
        );
        let line = format!("SKIPPED ({number} so far): tests of the clip {name}: {why} (tests/README.md)\n");
        let _ = std::io::stderr().write_all(line.as_bytes()); // if it cannot be written, nobody reads it
    }
    found
}
