//! Music theory for all stages: chords, keys, instruments and palettes.
//!
//! Plain values: nothing here depends on a stage, a file or a network.

pub mod chord;
pub mod instrument;
pub mod palette;
pub mod symbol;

pub use chord::{Chord, Key, Mode, Quality};
pub use instrument::{Instrument, Role};
pub use palette::Palette;
pub use symbol::{Misread, Progression};
