//! Poses over time, and how they are saved.

use super::joints::{JOINTS, JointPoint};
use crate::limits::{JOINT_PLACES, SHARES};
use crate::shown;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// One person at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Time of the frame.
    pub time: Instant,
    /// The joints, indexed by [`Joint`]` as usize`.
    pub joints: [JointPoint; JOINTS],
}

/// One person's joints over time.
///
/// Poses are in strictly rising time, at the instants of the analysed frames. Where the person was
/// not found for longer than [`LONGEST_BRIDGE`](crate::limits::LONGEST_BRIDGE), all joints have
/// confidence 0.
///
/// A saved pose has its time and a flat list of x, y, confidence for each joint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Track", into = "Track")]
pub struct PoseTrack {
    /// The poses.
    pub poses: Vec<Pose>,
    /// Instants of shot cuts: movement does not continue from the pose before to the pose after.
    pub cuts: Vec<Instant>,
    /// Instants within a shot at which another person takes over, so that movement does not continue
    /// either.
    pub handovers: Vec<Instant>,
    /// How many people were followed in the clip.
    pub people: usize,
    /// The other people whose accents count too; their own `others` are empty. Empty unless
    /// [everybody](crate::settings::PersonChoice::All) is followed.
    pub others: Vec<PoseTrack>,
}

/// Steps per pixel, per unit of confidence, and per second.
const PIXEL: f64 = 100.0;
const CONFIDENCE: f64 = 1000.0;
const SECOND: f64 = 1e6;

/// The saved form of a [`PoseTrack`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Track {
    people: usize,
    cuts: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    handovers: Vec<f64>,
    poses: Vec<Row>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Track>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    time: f64,
    /// x, y, confidence of each joint.
    joints: Vec<f64>,
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

/// Rounds every number as saving does.
pub(super) fn round(track: &mut PoseTrack) {
    for pose in &mut track.poses {
        pose.time = Instant::from_seconds(rounded(pose.time.seconds(), SECOND));
        for joint in &mut pose.joints {
            joint.confidence = rounded(f64::from(joint.confidence), CONFIDENCE) as f32;
            if joint.confidence <= 0.0 {
                *joint = JointPoint::default();
            }
            joint.x = rounded(f64::from(joint.x), PIXEL) as f32;
            joint.y = rounded(f64::from(joint.y), PIXEL) as f32;
        }
    }
    for time in track.cuts.iter_mut().chain(&mut track.handovers) {
        *time = Instant::from_seconds(rounded(time.seconds(), SECOND));
    }
    track.others.iter_mut().for_each(round);
}

impl From<PoseTrack> for Track {
    fn from(mut track: PoseTrack) -> Self {
        round(&mut track);
        let numbers = |joint: &JointPoint| {
            [
                rounded(f64::from(joint.x), PIXEL),
                rounded(f64::from(joint.y), PIXEL),
                rounded(f64::from(joint.confidence), CONFIDENCE),
            ]
        };
        Self {
            people: track.people,
            cuts: track.cuts.iter().map(|cut| cut.seconds()).collect(),
            handovers: track.handovers.iter().map(|time| time.seconds()).collect(),
            poses: track
                .poses
                .iter()
                .map(|pose| Row {
                    time: pose.time.seconds(),
                    joints: pose.joints.iter().flat_map(numbers).collect(),
                })
                .collect(),
            others: track.others.into_iter().map(Self::from).collect(),
        }
    }
}

impl TryFrom<Track> for PoseTrack {
    type Error = String;

    fn try_from(saved: Track) -> Result<Self, String> {
        let mut poses: Vec<Pose> = Vec::with_capacity(saved.poses.len());
        for (index, row) in saved.poses.iter().enumerate() {
            let points = row.joints.as_chunks::<3>();
            if points.0.len() != JOINTS || !points.1.is_empty() {
                return Err(format!(
                    "poses[{index}].joints has {} numbers; needed are {}, x, y and confidence for each of {JOINTS} joints",
                    row.joints.len(),
                    3 * JOINTS
                ));
            }
            let time = Instant::try_from(row.time).map_err(|e| format!("poses[{index}].time: {e}"))?;
            if let Some(last) = poses.last().filter(|last| last.time >= time) {
                return Err(format!(
                    "poses[{index}].time is {} s; it must be above that of the pose before, {} s",
                    shown::number(row.time),
                    shown::number(last.time.seconds())
                ));
            }
            let mut joints = [JointPoint::default(); JOINTS];
            for (number, (joint, [x, y, confidence])) in joints.iter_mut().zip(points.0).enumerate() {
                for (place, allowed, value) in [(0, JOINT_PLACES, x), (1, JOINT_PLACES, y), (2, SHARES, confidence)] {
                    allowed.check(format_args!("poses[{index}].joints[{}]", 3 * number + place), *value)?;
                }
                *joint = JointPoint {
                    x: *x as f32,
                    y: *y as f32,
                    confidence: *confidence as f32,
                };
            }
            poses.push(Pose { time, joints });
        }
        let instants = |field: &str, seconds: Vec<f64>| -> Result<Vec<Instant>, String> {
            let times = seconds.into_iter().enumerate();
            let instant = |(index, time)| Instant::try_from(time).map_err(|e| format!("{field}[{index}]: {e}"));
            times.map(instant).collect()
        };
        let cuts = instants("cuts", saved.cuts)?;
        let handovers = instants("handovers", saved.handovers)?;
        let mut others = Vec::new();
        for (index, other) in saved.others.into_iter().enumerate() {
            if !other.others.is_empty() {
                return Err(format!(
                    "others[{index}].others has {} people; expected 0",
                    other.others.len()
                ));
            }
            others.push(Self::try_from(other).map_err(|e| format!("others[{index}].{e}"))?);
        }
        Ok(Self {
            poses,
            cuts,
            handovers,
            people: saved.people,
            others,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track() -> PoseTrack {
        let poses = (0..50)
            .map(|i| Pose {
                time: Instant::from_seconds(f64::from(i) / 29.97),
                joints: std::array::from_fn(|j| JointPoint {
                    x: 1000.0 / 3.0 + i as f32 * 0.777,
                    y: j as f32 * 31.123_456,
                    confidence: if i == 7 { 0.0 } else { 0.912_345_6 },
                }),
            })
            .collect();
        PoseTrack {
            poses,
            cuts: vec![Instant::from_seconds(1.0 / 3.0)],
            handovers: vec![Instant::from_seconds(2.0 / 3.0)],
            people: 2,
            others: vec![],
        }
    }

    #[test]
    fn the_others_come_back_and_have_no_others_themselves() {
        let mut both = PoseTrack {
            others: vec![track()],
            ..track()
        };
        round(&mut both);
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(serde_json::from_str::<PoseTrack>(&text).unwrap(), both);
        assert!(!serde_json::to_string(&track()).unwrap().contains("others"));
        let nested = PoseTrack {
            others: vec![both],
            ..track()
        };
        let text = serde_json::to_string(&nested).unwrap();
        let error = serde_json::from_str::<PoseTrack>(&text).unwrap_err().to_string();
        assert!(error.contains("others[0].others has 1 people"), "{error}");
    }

    #[test]
    fn a_rounded_track_comes_back_as_it_was_and_is_small() {
        let mut track = track();
        let before = track.clone();
        round(&mut track);
        let text = serde_json::to_string(&track).unwrap();
        assert_eq!(serde_json::from_str::<PoseTrack>(&text).unwrap(), track);
        // Saving rounds too.
        assert_eq!(serde_json::to_string(&before).unwrap(), text);
        assert!(text.len() < 50 * 400, "{}", text.len());
        let (old, new) = (before.poses[9].joints[4], track.poses[9].joints[4]);
        assert!((old.x - new.x).abs() < 0.006 && (old.confidence - new.confidence).abs() < 0.0006);
        assert_eq!(track.poses[7].joints[3], JointPoint::default());
    }

    #[test]
    fn a_file_that_makes_no_sense_is_refused() {
        let good = serde_json::to_value(track()).unwrap();
        let refused = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = good.clone();
            change(&mut value);
            serde_json::from_value::<PoseTrack>(value).unwrap_err().to_string()
        };
        let reported = refused(&|v| v["poses"][3]["time"] = 0.0.into());
        assert!(
            reported.contains("poses[3].time is 0 s; it must be above"),
            "{reported}"
        );
        let reported = refused(&|v| v["poses"][2]["joints"] = vec![1.0; 50].into());
        assert!(
            reported.contains("poses[2].joints has 50 numbers; needed are 51"),
            "{reported}"
        );
        let reported = refused(&|v| v["poses"][0]["joints"][2] = 1.5.into());
        assert!(
            reported.contains("poses[0].joints[2] is 1.5; expected 0 to 1"),
            "{reported}"
        );
        let reported = refused(&|v| v["poses"][0]["joints"][48] = (-1e7).into());
        assert!(
            reported.contains("poses[0].joints[48] is -10000000 pixels"),
            "{reported}"
        );
        let reported = refused(&|v| v["poses"] = "none".into());
        assert!(reported.contains("none"), "{reported}");
    }
}
