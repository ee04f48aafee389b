//! Video to poses: one person's joints over time.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Number of joints.
pub const JOINTS: usize = 17;

/// The joints of RhythmicNet (a subset of OpenPose's BODY_25), in this order. Right and left are the person's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
#[allow(missing_docs)] // the names say it
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

/// Where one joint is, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct JointPoint {
    /// Pixels from the left edge of the upright source picture.
    pub x: f32,
    /// Pixels from the top edge of the upright source picture.
    pub y: f32,
    /// Confidence, 0 to 1. 0: missing; `x` and `y` mean nothing then.
    pub confidence: f32,
}

/// One person at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// When.
    pub time: Instant,
    /// The joints, indexed by [`Joint`]` as usize`.
    pub joints: [JointPoint; JOINTS],
}

/// One person's joints over time.
///
/// Poses are in strictly rising time, at the instants of the frames that were looked at. Where the person was not
/// found for longer than [`LONGEST_BRIDGE`](crate::limits::LONGEST_BRIDGE), all joints have confidence 0.
#[derive(Debug, Clone, PartialEq)]
pub struct PoseTrack {
    /// The poses.
    pub poses: Vec<Pose>,
    /// Instants of shot cuts: the pose before and the pose after are not one movement.
    pub cuts: Vec<Instant>,
    /// How many people were followed in the clip.
    pub people: usize,
}
