//! Kinescore for C and C++: the functions that `include/kinescore.h` declares. Each one is thin:
//! check the arguments, make one call, return a status.
//!
//! cbindgen generates the header from these sources; `tests/header.rs` compares it and, on request,
//! writes it.

mod arguments;
mod cut;
mod engine;
#[cfg(feature = "panic-injection")]
mod faults;
mod frames;
mod guard;
mod job;
mod logging;
mod results;
mod settings;
mod sound;
mod status;
mod version;
