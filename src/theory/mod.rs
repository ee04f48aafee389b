//! Music theory for all stages: chords, keys and instruments.
//!
//! Plain values: nothing here depends on a stage, a file or a network.

pub mod chord;
pub mod instrument;
pub mod symbol;

pub use chord::{Chord, Key, Mode, Quality};
pub use instrument::Instrument;
pub use symbol::{Misread, Progression};
