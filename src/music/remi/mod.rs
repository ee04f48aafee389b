//! REMI, the token language of melodic parts (Huang & Yang 2020, "Pop Music Transformer").
//!
//! A part is a list of bars; a bar begins with `Bar`, and each item in it with its own `Position`:
//! a tempo (class and value), a chord, or a note (velocity, pitch, duration). Positions are
//! sixteenths, durations thirty-seconds, so that a part within the grid is the same after it was
//! written and read again; velocities are 32 bins.
//!
//! [`Token`] has ids and names, [`Grammar`] says what may follow, [`decode`] turns tokens into
//! bars.

mod bars;
mod grammar;
mod vocabulary;

pub use bars::{RemiBar, RemiNote, bpm, decode, velocity};
pub use grammar::Grammar;
pub use vocabulary::{TempoClass, Token, check_names};

#[cfg(test)]
pub(super) mod encoding;
#[cfg(test)]
mod samples;
