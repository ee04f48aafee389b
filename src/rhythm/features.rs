//! The input of the beat network: the movement at 30 frames a second, independent of the person's
//! size, place and distance from the camera.
//!
//! Numbers only, no network: the training code computes the same features, and a test compares the
//! two (see `tests/rhythm_network.rs`).

use super::motion::{Motion, RATE};
use crate::pose::JOINTS;
use crate::time::Rate;

/// Frames a second of the network's input and output, every second frame of the movement.
pub const FRAME_RATE: Rate = RATE.every(STRIDE);

/// Frames of the movement for one frame of the network.
const STRIDE: usize = 2;

/// Values of one joint: x, y, velocity in x, velocity in y, weight.
pub const VALUES: usize = 5;

/// Greatest distance of a joint from the trunk's centre that is passed on, torso lengths: an arm
/// and a leg span four at most, and anything beyond is a pose detector's error.
const FARTHEST: f64 = 5.0;

/// Greatest speed of a joint that is passed on, torso lengths a second: a kick or a throw stays
/// below it.
const FASTEST: f64 = 15.0;

/// One frame: for each joint (in the order of [`Joint`](crate::pose::Joint)) its position x, y
/// relative to the trunk's centre in torso lengths (y downwards, −5 to 5), its velocity in the
/// picture in torso lengths a second (−15 to 15), and its weight, 0 (missing, all values 0) to 1.
pub type Frame = [[f32; VALUES]; JOINTS];

/// The network's input for a clip of `duration`: frame i is the time i / 30 s.
#[cfg(feature = "internals")]
pub fn features(track: &crate::pose::PoseTrack, duration: crate::time::Span) -> Vec<Frame> {
    of_motion(&Motion::new(track, duration))
}

/// Like [`features()`], for a movement. The camera's pan, which the signs of a beat exclude, is
/// part of the velocities here: the network was trained on moving cameras.
pub(crate) fn of_motion(motion: &Motion) -> Vec<Frame> {
    (0..motion.len())
        .step_by(STRIDE)
        .map(|i| {
            let mut frame = Frame::default();
            for (joint, values) in frame.iter_mut().enumerate() {
                let weight = motion.weight[i][joint];
                if weight <= 0.0 {
                    continue;
                }
                let [x, y] = motion.position[i][joint].map(|p| p.clamp(-FARTHEST, FARTHEST));
                let velocity =
                    |axis: usize| (motion.velocity[i][joint][axis] + motion.pan[i][axis]).clamp(-FASTEST, FASTEST);
                *values = [x, y, velocity(0), velocity(1), weight].map(|v| v as f32);
            }
            frame
        })
        .collect()
}
