//! From score to sound: synthesis, loudness, mixing. Independent of grids, tensors and video.

mod bank;
mod compressor;
mod decoded;
mod envelope;
mod filter;
mod gain;
pub mod loudness;
mod meter;
pub mod mix;
mod parallel;
mod plan;
mod reverb;
mod sf2;
mod sf3;
mod sidechain;
pub mod soundfont;
pub mod soundtrack;
mod spans;
pub mod store;
pub mod stream;
mod strip;
mod substitutes;
mod synth;
pub mod synthesis;
mod variants;
mod zones;

pub use crate::buffer::AudioBuffer;
pub use gain::Loudness;
pub(crate) use loudness::ENCODER_HEADROOM;
pub use loudness::measure;
pub use mix::{Blend, add_original, blend};
pub use soundfont::SoundFont;
pub use soundtrack::{Soundtrack, render_streamed};
#[cfg(feature = "internals")]
pub use soundtrack::{render, render_part};
#[cfg(feature = "internals")]
pub use store::SpanStore;
pub use stream::Blocks;
pub use synthesis::Synthesis;
