//! The strip of skeletons.

use super::row::Row;
use super::style::{LEFT, PERSON_LEFT, PERSON_MIDDLE, PERSON_RIGHT, PLOT, POSES};
use super::svg::Svg;
use crate::pose::{Joint, JointPoint, Pose, PoseTrack};

/// Minimum distance between skeletons, pixels.
pub(super) const SKELETON: f64 = 66.0;

/// The bones that are drawn, with the side of the body to which they belong.
pub(super) const BONES: [(Joint, Joint, &str); 16] = [
    (Joint::Nose, Joint::Neck, PERSON_MIDDLE),
    (Joint::Neck, Joint::MidHip, PERSON_MIDDLE),
    (Joint::Neck, Joint::RightShoulder, PERSON_RIGHT),
    (Joint::RightShoulder, Joint::RightElbow, PERSON_RIGHT),
    (Joint::RightElbow, Joint::RightWrist, PERSON_RIGHT),
    (Joint::Neck, Joint::LeftShoulder, PERSON_LEFT),
    (Joint::LeftShoulder, Joint::LeftElbow, PERSON_LEFT),
    (Joint::LeftElbow, Joint::LeftWrist, PERSON_LEFT),
    (Joint::MidHip, Joint::RightHip, PERSON_RIGHT),
    (Joint::RightHip, Joint::RightKnee, PERSON_RIGHT),
    (Joint::RightKnee, Joint::RightAnkle, PERSON_RIGHT),
    (Joint::RightAnkle, Joint::RightBigToe, PERSON_RIGHT),
    (Joint::MidHip, Joint::LeftHip, PERSON_LEFT),
    (Joint::LeftHip, Joint::LeftKnee, PERSON_LEFT),
    (Joint::LeftKnee, Joint::LeftAnkle, PERSON_LEFT),
    (Joint::LeftAnkle, Joint::LeftBigToe, PERSON_LEFT),
];

/// Bounding box of a pose's known joints: left, top, right, bottom, pixels of the source.
pub(super) fn extent(pose: &Pose) -> Option<[f64; 4]> {
    let known = pose
        .joints
        .iter()
        .filter(|j| j.confidence > 0.0 && j.x.is_finite() && j.y.is_finite());
    known.fold(None, |bounds: Option<[f64; 4]>, joint| {
        let (x, y) = (f64::from(joint.x), f64::from(joint.y));
        let [left, top, right, bottom] = bounds.unwrap_or([x, y, x, y]);
        Some([left.min(x), top.min(y), right.max(x), bottom.max(y)])
    })
}

/// A quantile: the value below which a share of all values lie.
pub(super) fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let index = (share * values.len().saturating_sub(1) as f64).round() as usize;
    values.get(index).copied()
}

/// The pose nearest to an instant; poses are in ascending order.
pub(super) fn nearest(poses: &[Pose], time: f64) -> Option<&Pose> {
    let after = poses.partition_point(|p| p.time.seconds() < time);
    let candidates = [after.checked_sub(1).and_then(|i| poses.get(i)), poses.get(after)];
    let distance = |pose: &&Pose| (pose.time.seconds() - time).abs();
    candidates
        .into_iter()
        .flatten()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

pub(super) fn skeletons(svg: &mut Svg, track: &PoseTrack, row: &Row, top: f64) {
    let extents: Vec<[f64; 4]> = track.poses.iter().filter_map(extent).collect();
    let heights = extents.iter().map(|[_, top, _, bottom]| bottom - top).collect();
    let Some(tallest) = quantile(heights, 0.95).filter(|h| *h > 0.0) else {
        return;
    };
    let scale = (POSES - 30.0) / tallest;
    // As close as they fit side by side, at a round interval of time.
    let widths = extents.iter().map(|[left, _, right, _]| right - left).collect();
    let room = (quantile(widths, 0.8).unwrap_or(0.0) * scale + 8.0).max(SKELETON);
    let every = [0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|every| every * row.pixels_a_second() >= room)
        .unwrap_or(20.0);
    let mut index = (row.start / every).ceil();
    while index * every < row.end {
        let time = index * every;
        index += 1.0;
        let x = row.x(time);
        if x - room / 3.0 < LEFT || x + room / 3.0 > LEFT + PLOT {
            continue;
        }
        let Some(pose) = nearest(&track.poses, time).filter(|p| (p.time.seconds() - time).abs() <= every / 2.0) else {
            continue;
        };
        if let Some([left, upper, right, lower]) = extent(pose) {
            let middle = pose.joints.get(Joint::MidHip as usize).filter(|j| j.confidence > 0.0);
            let centre = middle.map_or((left + right) / 2.0, |j| f64::from(j.x));
            // A person who comes nearer is drawn smaller instead of being cut off.
            let scale = scale.min((POSES - 16.0) / (lower - upper).max(1.0));
            let floor = top + POSES - 10.0;
            skeleton(svg, pose, |px, py| {
                (x + (px - centre) * scale, floor + (py - lower) * scale)
            });
        }
    }
}

pub(super) fn skeleton(svg: &mut Svg, pose: &Pose, place: impl Fn(f64, f64) -> (f64, f64)) {
    let joint = |joint: Joint| {
        let known = |j: &&JointPoint| j.confidence > 0.0 && j.x.is_finite() && j.y.is_finite();
        let point = pose.joints.get(joint as usize).filter(known)?;
        Some((
            place(f64::from(point.x), f64::from(point.y)),
            f64::from(point.confidence),
        ))
    };
    for (from, to, colour) in BONES {
        if let (Some((a, sure)), Some((b, also))) = (joint(from), joint(to)) {
            svg.line(a, b, colour, 2.6, 0.15 + 0.85 * sure.min(also).clamp(0.0, 1.0));
        }
    }
    if let Some((nose, sure)) = joint(Joint::Nose) {
        svg.circle(nose, 5.5, PERSON_MIDDLE, 0.15 + 0.85 * sure.clamp(0.0, 1.0));
    }
}
