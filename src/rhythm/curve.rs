//! Values over time.

use crate::time::{Instant, Rate};
use serde::{Deserialize, Serialize};

/// Values at a fixed rate, the first at the clip's start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Values a second.
    pub rate: Rate,
    /// The values.
    pub values: Vec<f32>,
}

impl Curve {
    /// The value at an instant, linearly interpolated; beyond the ends, the outermost value. 0 for
    /// an empty curve.
    pub fn at(&self, instant: Instant) -> f32 {
        let Some(last) = self.values.len().checked_sub(1) else {
            return 0.0;
        };
        let position = self.rate.position(instant).clamp(0.0, last as f64);
        let index = (position as usize).min(last.saturating_sub(1));
        let (from, to) = (self.values[index], self.values[(index + 1).min(last)]);
        from + (to - from) * (position - index as f64) as f32
    }
}
