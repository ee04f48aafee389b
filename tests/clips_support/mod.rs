//! Clips that tests measure on. Those that may not ship lie in the folder that `KINESCORE_CLIPS`
//! names; a test that lacks one reports it, with the number of skipped ones, and passes.
//! `README.md` lists them.
#![allow(dead_code)] // each test program uses a part

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The environment variable with the folder of the clips.
const FOLDER: &str = "KINESCORE_CLIPS";

static LEFT_OUT: AtomicUsize = AtomicUsize::new(0);

/// A clip, or what goes with it, by its file name: one that ships, or one of the folder. If it is
/// in neither, a message bypasses the capture of passing tests.
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
            || format!("{FOLDER} names no folder"),
            |path| format!("{} is not there", path.display()),
        );
        let line = format!("SKIPPED ({number} so far): what needs the clip {name}: {why} (tests/README.md)\n");
        let _ = std::io::stderr().write_all(line.as_bytes()); // without a place to say it, nobody reads it
    }
    found
}
