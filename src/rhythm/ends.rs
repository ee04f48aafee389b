//! How the movement that makes an accent ends: a landing, a turn, a strike or a plain stop.

use super::accents::ImpactKind;
use super::motion::{Motion, RATE};
use crate::pose::Joint;
use crate::time::Span;

/// A limb falls if it has come down at least this far, in torso lengths, from its highest place
/// within [`LIFTED`]; a foot that falls lands. 2.5 cm, half of how high a walker lifts the ankle.
const DROP: f64 = 0.05;
const LIFTED: Span = Span::from_seconds(0.4);

/// A limb turns if, within this time, it goes back with at least this share of its earlier speed,
const BACK_WITHIN: Span = Span::from_seconds(0.25);
const BACK: f64 = 0.5;
/// in a direction whose cosine with the earlier one is at most this.
const OPPOSITE: f64 = -0.5;

/// A limb strikes if it loses this share of its speed, at this many times that speed per second.
/// After the differentiator's Gaussian, an instant stop reaches nine times; an arm that is put
/// somewhere within half a second reaches five.
const LOST: f64 = 2.0 / 3.0;
const SHARPNESS: f64 = 7.0;

/// A limb that stops.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended<'a> {
    /// Of a foot the ankle first.
    pub joints: &'a [Joint],
    pub is_foot: bool,
    /// Whether it is too heavy for anything to stop it at once.
    pub is_trunk: bool,
    /// The frame in which it is fastest, and the one in which it loses speed fastest.
    pub fastest: usize,
    pub stopped: usize,
    /// Speed before the stop, torso lengths a second; the share of it that is lost; and the
    /// greatest loss, torso lengths a second per second.
    pub speed: f64,
    pub lost: f64,
    pub loss: f64,
}

impl Ended<'_> {
    /// How the movement of the limb ends.
    pub fn kind(&self, motion: &Motion) -> ImpactKind {
        if self.is_foot && self.falls(motion) {
            ImpactKind::Landing
        } else if self.goes_back(motion) {
            ImpactKind::Turn
        } else if !self.is_trunk && self.lost >= LOST && self.loss >= SHARPNESS * self.speed {
            ImpactKind::Strike
        } else {
            ImpactKind::Stop
        }
    }

    /// Whether it has come down to where it is stopped. Of a foot it is the ankle that counts: from
    /// the side the toes of one foot are easily taken for those of the other.
    pub fn falls(&self, motion: &Motion) -> bool {
        let joints = if self.is_foot { &self.joints[..1] } else { self.joints };
        self.drop(joints, motion) >= DROP
    }

    /// How far joints have come down by the stop, torso lengths.
    fn drop(&self, joints: &[Joint], motion: &Motion) -> f64 {
        let from = self.stopped.saturating_sub(RATE.count(LIFTED) as usize);
        let (mut height, mut greatest) = (0.0_f64, 0.0_f64);
        for frame in (from..=self.stopped).rev() {
            if motion.shot[frame] != motion.shot[self.stopped] {
                break;
            }
            // Backwards in time: a joint that moves down now was higher before.
            height += RATE.span(1.0).seconds() * velocity(joints, motion, frame)[1];
            greatest = greatest.max(height);
        }
        greatest
    }

    fn goes_back(&self, motion: &Motion) -> bool {
        let before = velocity(self.joints, motion, self.fastest);
        let until = (self.stopped + RATE.count(BACK_WITHIN) as usize).min(motion.len().saturating_sub(1));
        (self.stopped..=until)
            .take_while(|frame| motion.shot[*frame] == motion.shot[self.stopped])
            .any(|frame| {
                let after = velocity(self.joints, motion, frame);
                let length = |v: [f64; 2]| v[0].hypot(v[1]);
                let along = before[0] * after[0] + before[1] * after[1];
                length(after) >= BACK * length(before) && along <= OPPOSITE * length(before) * length(after)
            })
    }
}

/// Mean velocity of joints, torso lengths a second.
fn velocity(joints: &[Joint], motion: &Motion, frame: usize) -> [f64; 2] {
    let mut sum = [0.0; 2];
    for joint in joints {
        for (sum, v) in sum.iter_mut().zip(motion.velocity[frame][*joint as usize]) {
            *sum += v / joints.len() as f64;
        }
    }
    sum
}
