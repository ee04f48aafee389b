//! Peaks of a movement that music should answer.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// A peak of the movement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accent {
    /// When it falls.
    pub time: Instant,
    /// How strong it is beside the clip's other accents, above 0, at most 1.
    pub strength: f32,
    /// What kind of movement it is.
    pub kind: AccentKind,
    /// What of the body makes it.
    #[serde(default)]
    pub part: BodyPart,
    /// How the movement ends; `None` for gestures, and for impacts of files that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<ImpactKind>,
}

/// What of a body makes an accent.
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
    /// Several of them together; also where it is not known, as of gestures and in files that do not say.
    #[default]
    Whole,
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

/// How the movement ends that makes an impact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImpactKind {
    /// It comes to rest.
    Stop,
    /// A foot comes down and stands.
    Landing,
    /// It is stopped at once, as by something that it hits.
    Strike,
    /// It goes back the way it came.
    Turn,
}
