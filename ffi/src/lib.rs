//! Kinescore for C and C++: what `include/kinescore.h` declares. Thin: a check, one call, a status.
//!
//! The header is made from these sources by cbindgen; `tests/header.rs` compares it and writes it again when asked.

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
mod status;
mod version;
