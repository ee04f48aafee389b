//! REMI, the token language of melodic parts (Huang & Yang 2020, "Pop Music Transformer").
//!
//! A part is a list of bars. A bar begins with `Bar`, and each of its items with a `Position`; an
//! item is a tempo (class and value), a chord, or a note (velocity, pitch, duration). Positions are
//! sixteenths and durations thirty-second notes, so that a part on the grid is unchanged by
//! [`encode`] and [`decode`]; velocities have 32 bins.
//!
//! [`Token`] has IDs and names, [`Grammar`] decides which token may follow, and [`encode`] and
//! [`decode`] convert bars to tokens and back.

mod bars;
mod grammar;
mod vocabulary;

pub use bars::{RemiBar, RemiNote, bpm, decode, encode, velocity, velocity_bin};
pub use grammar::Grammar;
pub use vocabulary::{TempoClass, Token, check_names};

#[cfg(test)]
mod samples;
