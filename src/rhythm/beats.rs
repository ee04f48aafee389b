//! The rhythm found in a movement: its beats, and everything the music needs from it.

use super::accents::Accent;
use super::braking;
use super::curve::Curve;
use super::fingerprint;
use super::holds::{self, Hold};
use crate::time::{BeatGrid, Instant, Tempo};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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
    /// Peaks of the movement that the music should answer.
    pub accents: Vec<Accent>,
    /// How strongly the body moves over time.
    pub movement: Curve,
    /// The beat activation that the beats were decoded from, 0 to 1.
    pub activation: Curve,
    /// The source that found the beats.
    #[serde(default)]
    pub source: Source,
    /// Where the video is cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Instant>,
    /// The beats without those that a person has fixed, if the fixed ones move only a few of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmoved: Option<UnmovedBeats>,
}

/// Beats before a person moved a few of them. Music is written for these and played on the moved
/// ones, so that a moved beat moves the notes around it and leaves all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnmovedBeats {
    /// Their times: as many as there are beats, with the same numbers in the bar.
    pub times: Vec<Instant>,
    /// The tempo that fits them best.
    pub tempo: Tempo,
}

/// The source that found the beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The learned network.
    Network,
    /// Signal processing on the movement: the only source when files that do not name one were
    /// saved.
    #[default]
    Motion,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Network => "network",
            Self::Motion => "motion",
        })
    }
}

/// A beat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// When it happens.
    pub time: Instant,
    /// Its number in the bar, from 1; 1 is the downbeat.
    pub number: u8,
}

/// The times of beats.
pub(crate) fn instants(beats: &[Beat]) -> Vec<Instant> {
    beats.iter().map(|beat| beat.time).collect()
}

impl Rhythm {
    /// The sixteenth-note grid that the beats span; `None` for fewer than two beats.
    pub fn grid(&self) -> Option<BeatGrid> {
        BeatGrid::new(instants(&self.beats))
    }

    /// The rhythm that music is written for: the one without the beats that a person has fixed, if
    /// these move only a few of them.
    pub fn for_composing(&self) -> Cow<'_, Self> {
        let Some(unmoved) = &self.unmoved else {
            return Cow::Borrowed(self);
        };
        let beats = self.beats.iter().zip(&unmoved.times);
        Cow::Owned(Self {
            beats: beats.map(|(beat, time)| Beat { time: *time, ..*beat }).collect(),
            tempo: unmoved.tempo,
            unmoved: None,
            ..self.clone()
        })
    }

    /// Where the body holds still, in rising order: for at least 0.7 s, below 18 % of the speed
    /// that it exceeds in 5 % of the time that it is seen.
    pub fn holds(&self) -> Vec<Hold> {
        holds::holds(&self.movement)
    }

    /// Where the person is not seen for a second or longer, in rising order.
    pub fn absences(&self) -> Vec<Hold> {
        holds::absences(&self.movement)
    }

    /// A seed that belongs to the movement; it does not depend on the beats.
    pub fn seed(&self) -> u64 {
        fingerprint::fingerprint(&self.movement)
    }

    /// How sharply the body as a whole is braked, at the rate of the movement: 0 where it is not, 1
    /// where it loses speed as fast as it does for 5 % of the time, or faster. `None` where it
    /// loses speed for less of the time than that.
    pub fn braking(&self) -> Option<Curve> {
        braking::braking(&self.movement)
    }
}
