//! REMI, the token language of melodic parts (Huang & Yang 2020, "Pop Music Transformer").
//!
//! A part is a list of bars. A bar begins with `Bar`, and each of its items with a `Position`; an
//! item is a tempo (class and value), a chord, or a note (velocity, pitch, duration). Positions are
//! sixteenths and durations thirty-second notes, so that a part on the grid is unchanged by writing
//! and reading; velocities have 32 bins.
//!
//! [`Token`] has IDs and names, [`Grammar`] decides which token may follow, and [`decode`] converts
//! tokens to bars.

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
