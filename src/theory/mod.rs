//! The words of music that every stage may use: chords, keys, and the instruments.
//!
//! Values only: nothing here knows a stage, a file or a network.

pub mod chord;
pub mod instrument;
pub mod symbol;

pub use chord::{Chord, Key, Mode, Quality};
pub use instrument::Instrument;
pub use symbol::{Misread, Progression};
