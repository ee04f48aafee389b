//! Score to sound: synthesis, loudness, mixing. Knows neither grids nor tensors nor video.

mod bank;
mod decoded;
mod gain;
pub mod loudness;
mod meter;
pub mod mix;
mod parallel;
mod plan;
mod sf2;
mod sf3;
pub mod soundfont;
pub mod soundtrack;
mod spans;
pub mod store;
pub mod stream;
mod substitutes;
mod synth;
pub mod synthesis;
mod zones;

pub use crate::buffer::AudioBuffer;
pub use gain::{GainCurve, Loudness};
pub(crate) use loudness::ENCODER_HEADROOM;
pub use loudness::measure;
pub use mix::{Blend, add_original, blend, is_silent};
pub use soundfont::SoundFont;
pub use soundtrack::{Soundtrack, render, render_part, render_streamed};
pub use store::{SpanStore, StoreUse};
pub use stream::Blocks;
pub use synthesis::Synthesis;
