//! The C library with functions that panic when a test requests it. The rest is that of
//! `src/lib.rs`; it has its own name, so that tests can use both libraries.

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
