//! Peaks of a movement that the music should answer.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// A peak of the movement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accent {
    /// When it happens.
    pub time: Instant,
    /// How strong it is relative to the clip's other accents, above 0, at most 1.
    pub strength: f32,
    /// What kind of movement it is.
    pub kind: AccentKind,
    /// The part of the body that makes it.
    #[serde(default)]
    pub part: BodyPart,
    /// How the movement ends; `None` for gestures, and for impacts from files that do not record
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<ImpactKind>,
}

/// The part of a body that makes an accent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyPart {
    /// A foot, or both.
    Feet,
    /// A hand or an arm, or both.
    Hands,
    /// Shoulders and hips.
    Trunk,
    /// The head.
    Head,
    /// Several of them together; also used where it is not known, as for gestures and in files that
    /// do not record it.
    #[default]
    Whole,
}

/// What kind of movement an accent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccentKind {
    /// The paper's style: the movement changes fast (highest frequency of the kinematic offsets).
    Style,
    /// The body stops sharply: a stamp, a landing, a hit.
    Impact,
}

/// How the movement that makes an impact ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImpactKind {
    /// The limb comes to rest.
    Stop,
    /// A foot comes down and stands.
    Landing,
    /// The limb stops at once, as if it hit something.
    Strike,
    /// The limb goes back the way it came.
    Turn,
}
