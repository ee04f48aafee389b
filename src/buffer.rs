//! Sound in memory.

use crate::time::{Rate, Span};

/// Interleaved samples.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioBuffer {
    /// Sample rate of each channel.
    pub rate: Rate,
    /// Number of channels, at least 1.
    pub channels: usize,
    /// Interleaved samples, full scale ±1; the length is a multiple of `channels`.
    pub samples: Vec<f32>,
}

impl AudioBuffer {
    /// Silence of `frames` samples per channel.
    pub fn silence(rate: Rate, channels: usize, frames: usize) -> Self {
        Self {
            rate,
            channels,
            samples: vec![0.0; frames * channels],
        }
    }

    /// [`silence`](Self::silence) where its length comes from outside: `None` if there is not enough
    /// memory for it.
    pub fn try_silence(rate: Rate, channels: usize, frames: usize) -> Option<Self> {
        let count = frames.checked_mul(channels)?;
        let mut samples = Vec::new();
        samples.try_reserve_exact(count).ok()?;
        samples.resize(count, 0.0);
        Some(Self {
            rate,
            channels,
            samples,
        })
    }

    /// Samples per channel.
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// Length as a time span.
    pub fn duration(&self) -> Span {
        self.rate.span(self.frames() as f64)
    }
}
