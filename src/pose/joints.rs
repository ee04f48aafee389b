//! The joints that are tracked.

use serde::{Deserialize, Serialize};

/// Number of joints.
pub const JOINTS: usize = 17;

/// The joints of RhythmicNet (a subset of OpenPose's BODY_25), in this order. Right and left are
/// the person's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
#[allow(missing_docs)] // the names are enough
pub enum Joint {
    Nose,
    Neck,
    RightShoulder,
    RightElbow,
    RightWrist,
    LeftShoulder,
    LeftElbow,
    LeftWrist,
    MidHip,
    RightHip,
    RightKnee,
    RightAnkle,
    LeftHip,
    LeftKnee,
    LeftAnkle,
    LeftBigToe,
    RightBigToe,
}

/// The position of one joint, and its confidence.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct JointPoint {
    /// Pixels from the left edge of the upright source picture.
    pub x: f32,
    /// Pixels from the top edge of the upright source picture.
    pub y: f32,
    /// Confidence, 0 to 1. At 0 the joint is missing, and `x` and `y` have no meaning.
    pub confidence: f32,
}
