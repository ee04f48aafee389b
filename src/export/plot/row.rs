//! One row of the picture: a stretch of time across its width.

use super::style::{LEFT, PLOT};

/// One row of the picture.
pub(super) struct Row {
    pub start: f64,
    pub end: f64,
}

impl Row {
    pub fn x(&self, time: f64) -> f64 {
        LEFT + PLOT * (time - self.start) / (self.end - self.start)
    }

    pub fn time(&self, x: f64) -> f64 {
        self.start + (self.end - self.start) * (x - LEFT) / PLOT
    }

    pub fn shows(&self, time: f64) -> bool {
        time >= self.start && time < self.end
    }

    pub fn pixels_a_second(&self) -> f64 {
        PLOT / (self.end - self.start)
    }
}
