//! `kinescore studio`, as a browser sees it.
#![allow(missing_docs)]
#![allow(clippy::expect_used, clippy::panic)] // tests may panic

mod client;
#[path = "../common/mod.rs"]
mod common;
mod downloads;
mod page;
mod takes;
