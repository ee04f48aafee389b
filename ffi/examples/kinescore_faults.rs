//! The library with panics on demand, under its own name so that the tests can use both: everything
//! in `src/lib.rs`.

#[path = "../src/arguments.rs"]
mod arguments;
#[path = "../src/cut.rs"]
mod cut;
#[path = "../src/engine.rs"]
mod engine;
#[path = "../src/faults.rs"]
mod faults;
#[path = "../src/frames.rs"]
mod frames;
#[path = "../src/guard.rs"]
mod guard;
#[path = "../src/job.rs"]
mod job;
#[path = "../src/logging.rs"]
mod logging;
#[path = "../src/results.rs"]
mod results;
#[path = "../src/settings.rs"]
mod settings;
#[path = "../src/sound.rs"]
mod sound;
#[path = "../src/status.rs"]
mod status;
#[path = "../src/version.rs"]
mod version;
