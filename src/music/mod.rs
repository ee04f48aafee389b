//! Drums to music (Drum2Music, Su, Liu, Shlizerman 2021): instruments that play with the drums.
//!
//! One [harmony] is chosen for the piece, with its palette, its [layers] and its [theme]. The lines
//! of piano, guitar and bass are written bar by bar by a Transformer-XL that reads the drums, the
//! chords and how much the person moves; the lead plays the theme, and the others follow from the
//! harmony.

mod band;
mod conditions;
pub mod harmony;
mod held;
mod layers;
mod lines;
mod model;
pub mod plan;
mod recall;
pub mod remi;
mod theme;
mod vocabulary;
pub mod writing;

pub use band::{Band, play};
pub use lines::{ChordAt, GridNote, Line, Music};
pub use model::MusicModels;
