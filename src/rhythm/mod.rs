//! Poses to rhythm: beats, downbeats, tempo and accents (Video2Rhythm).

use crate::time::{BeatGrid, Instant, Rate, Tempo};
use serde::{Deserialize, Serialize};

/// Beats and accents of a movement. All instants lie within the clip, in rising order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    /// The beats, at least two.
    pub beats: Vec<Beat>,
    /// Beats in a bar: 3 or 4.
    pub beats_per_bar: u8,
    /// The tempo that fits all beats best (least squares).
    pub tempo: Tempo,
    /// How far beats and tempo can be trusted, 0 to 1.
    pub confidence: f32,
    /// Peaks of the movement that music should answer.
    pub accents: Vec<Accent>,
    /// How strongly the body moves over time.
    pub movement: Curve,
    /// The beat activation that the beats were decoded from, 0 to 1.
    pub activation: Curve,
}

/// A beat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// When it falls.
    pub time: Instant,
    /// Its number in the bar, from 1; 1 is the downbeat.
    pub number: u8,
}

/// A peak of the movement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accent {
    /// When it falls.
    pub time: Instant,
    /// How strong it is beside the clip's other accents, above 0, at most 1.
    pub strength: f32,
    /// What kind of movement it is.
    pub kind: AccentKind,
}

/// What kind of movement an accent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccentKind {
    /// The paper's style: the movement changes fast (highest frequency of the kinematic offsets).
    Style,
    /// The body is stopped sharply: a stamp, a landing, a hit.
    Impact,
}

/// Values at a fixed rate, the first at the clip's start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Values a second.
    pub rate: Rate,
    /// The values.
    pub values: Vec<f32>,
}

impl Curve {
    /// The value at an instant, linearly interpolated; the outermost values go on. 0 for an empty curve.
    pub fn at(&self, instant: Instant) -> f32 {
        let Some(last) = self.values.len().checked_sub(1) else {
            return 0.0;
        };
        let position = (instant.seconds() * self.rate.hz()).clamp(0.0, last as f64);
        let index = (position as usize).min(last.saturating_sub(1));
        let (from, to) = (self.values[index], self.values[(index + 1).min(last)]);
        from + (to - from) * (position - index as f64) as f32
    }
}

impl Rhythm {
    /// The sixteenth-note grid that the beats span; `None` when there are fewer than two beats.
    pub fn grid(&self) -> Option<BeatGrid> {
        BeatGrid::new(self.beats.iter().map(|b| b.time).collect())
    }
}
