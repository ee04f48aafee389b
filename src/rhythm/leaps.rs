//! Undetected shot cuts: all joints leap between two frames, and continue from the new place.
//!
//! A body that is thrown across the picture is fast before and after the leap; a body after a cut
//! is not.

use super::signal;
use crate::limits::LONGEST_BRIDGE;
use crate::pose::{JOINTS, Joint, JointPoint};

/// How far the median joint leaps at a cut, torso lengths: at 30 frames a second this is 15 torso
/// lengths a second, faster than anybody runs.
const LEAP: f64 = 0.5;

/// How many times as far a leap must be as the movement between the two frames before it, and
/// between the two after it.
const STANDS_OUT: f64 = 5.0;

/// Joints that must be seen in both frames.
const LEAST_JOINTS: usize = 8;

/// Confidence from which a joint counts as seen.
const SEEN: f32 = 0.3;

/// Instants at which all joints leap: the times of the first frames after the leaps.
pub(super) fn cuts(times: &[f64], poses: &[&[JointPoint; JOINTS]]) -> Vec<f64> {
    let torsos: Vec<f64> = poses.iter().filter_map(|pose| torso(pose)).collect();
    let torso = signal::median(&torsos);
    if torso <= 0.0 {
        return Vec::new();
    }
    // From each frame to the next; `None` where too little is seen.
    let steps: Vec<Option<f64>> = poses
        .windows(2)
        .map(|pair| middle_step(pair[0], pair[1]).map(|step| step / torso))
        .collect();
    let usual = |index: Option<usize>| index.and_then(|i| *steps.get(i)?).unwrap_or(0.0);
    (0..steps.len())
        .filter(|&i| {
            let beside = usual(i.checked_sub(1)).max(usual(Some(i + 1)));
            let together = times[i + 1] - times[i] <= LONGEST_BRIDGE.seconds();
            together && steps[i].is_some_and(|step| step > LEAP && step > STANDS_OUT * beside)
        })
        .map(|i| times[i + 1])
        .collect()
}

fn is_seen(point: &JointPoint) -> bool {
    point.confidence >= SEEN && point.x.is_finite() && point.y.is_finite()
}

fn apart(a: &JointPoint, b: &JointPoint) -> f64 {
    f64::from(a.x - b.x).hypot(f64::from(a.y - b.y))
}

fn torso(pose: &[JointPoint; JOINTS]) -> Option<f64> {
    let (neck, hip) = (&pose[Joint::Neck as usize], &pose[Joint::MidHip as usize]);
    (is_seen(neck) && is_seen(hip)).then(|| apart(neck, hip))
}

/// How far the median joint moves, pixels.
fn middle_step(before: &[JointPoint; JOINTS], after: &[JointPoint; JOINTS]) -> Option<f64> {
    let both = before.iter().zip(after).filter(|(a, b)| is_seen(a) && is_seen(b));
    let steps: Vec<f64> = both.map(|(a, b)| apart(a, b)).collect();
    (steps.len() >= LEAST_JOINTS).then(|| signal::median(&steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts found for a body with a torso of 100 pixels, at the given distance from the left in
    /// pixels, at 30 frames a second.
    fn found(at: impl Fn(usize) -> f32) -> Vec<f64> {
        let point = |x: f32, y: f32| JointPoint { x, y, confidence: 0.9 };
        let poses: Vec<[JointPoint; JOINTS]> = (0..30)
            .map(|frame| {
                let mut pose = [point(at(frame), 100.0); JOINTS];
                pose[Joint::MidHip as usize] = point(at(frame), 200.0);
                pose
            })
            .collect();
        let times: Vec<f64> = (0..30).map(|frame| f64::from(frame) / 30.0).collect();
        cuts(&times, &poses.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_body_that_is_elsewhere_from_one_frame_on_was_cut_to() {
        assert_eq!(found(|frame| if frame < 12 { 50.0 } else { 350.0 }), [0.4]);
    }

    #[test]
    fn who_moves_fast_or_is_misplaced_for_a_frame_was_not() {
        assert!(found(|frame| 60.0 * frame as f32).is_empty(), "flies past");
        assert!(found(|frame| if frame == 12 { 350.0 } else { 50.0 }).is_empty());
        assert!(
            found(|frame| if frame < 12 { 50.0 } else { 90.0 }).is_empty(),
            "a jerk of the camera"
        );
    }
}
