//! Writes results to files. Every file is written under a temporary name in the folder of its
//! destination and renamed when it is complete.

pub mod atomic;
pub mod json;
pub mod leftovers;
pub mod midi;
pub mod mux;
pub mod plot;
pub mod provenance;
pub mod wav;
