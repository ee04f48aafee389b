//! Score to sound: synthesis, loudness, mixing. Knows neither grids nor tensors nor video.

mod bank;
pub mod loudness;
mod meter;
pub mod mix;
mod parallel;
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

pub(crate) use loudness::ENCODER_HEADROOM;
pub use loudness::{GainCurve, Loudness, measure};
pub use mix::{Blend, add_original, blend, is_silent};
pub use soundfont::SoundFont;
pub use soundtrack::{Soundtrack, render, render_part, render_streamed};
pub use store::{SpanStore, StoreUse};
pub use stream::Blocks;
pub use synthesis::Synthesis;

use crate::time::{Rate, Span};

/// Interleaved samples.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioBuffer {
    /// Samples a second, for each channel.
    pub rate: Rate,
    /// Number of channels, at least 1.
    pub channels: usize,
    /// Interleaved samples, full scale ±1; the length is a multiple of `channels`.
    pub samples: Vec<f32>,
}

impl AudioBuffer {
    /// Silence of `frames` samples a channel.
    pub fn silence(rate: Rate, channels: usize, frames: usize) -> Self {
        Self {
            rate,
            channels,
            samples: vec![0.0; frames * channels],
        }
    }

    /// Samples a channel.
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// Length in time.
    pub fn duration(&self) -> Span {
        Span::from_seconds(self.frames() as f64 / self.rate.hz())
    }
}
