//! Who can be followed, and who is where somebody clicks.

use crate::view::{self, is_seen};
use axum::body::Bytes;
use kinescore::results::{Pose, PoseTrack};
use kinescore::{Clip, Instant, Span};
use serde_json::{Value, json};

/// By how much somebody is larger than their joints, as a share of that height: hands and feet
/// beyond the outermost joints, and the head above the nose.
const AROUND: f32 = 0.06;
const ABOVE: f32 = 0.14;

/// A click means who is seen within this time of it.
const NEAR: Span = Span::from_seconds(0.25);

/// The people of a clip, by their numbers from 1.
pub(crate) struct People(Vec<Person>);

struct Person {
    number: usize,
    seen: Vec<(Instant, Frame)>,
}

/// Where somebody is, in pixels of the upright picture.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Frame {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl People {
    /// The people of a track of everybody, in the time of the media, within the clip.
    pub fn of(everybody: &PoseTrack, media: &Clip, clip: &Clip) -> Self {
        let end = clip.start + clip.duration;
        let tracks = std::iter::once(everybody).chain(&everybody.others);
        let people = (1..).zip(tracks).map(|(number, track)| {
            let seen = track.poses.iter().filter(|pose| is_seen(pose)).map(|pose| {
                let time = pose.time + (media.start - Instant::ZERO);
                (time, Frame::around(pose))
            });
            Person {
                number,
                seen: seen.filter(|(time, _)| *time >= clip.start && *time <= end).collect(),
            }
        });
        Self(people.collect())
    }

    /// As the page receives them.
    pub fn json(&self) -> Bytes {
        let people = self.0.iter().map(|person| {
            let frames = person.seen.iter();
            json!({
                "person": person.number,
                "times": frames.clone().map(|(time, _)| time.seconds()).collect::<Vec<_>>(),
                "boxes": frames.map(|(_, frame)| frame.corners()).collect::<Vec<_>>(),
            })
        });
        view::text(&Value::Array(people.collect()))
    }

    /// The number of the person at a place of the picture. Of several, the one whose middle is
    /// nearest.
    pub fn at(&self, time: Instant, x: f32, y: f32) -> Option<usize> {
        let found = self.0.iter().filter_map(|person| {
            let frame = person.at(time)?;
            frame.holds(x, y).then(|| (frame.distance(x, y), person.number))
        });
        found.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, number)| number)
    }
}

impl Person {
    fn at(&self, time: Instant) -> Option<Frame> {
        let away = |seen: Instant| (seen - time).seconds().abs();
        let after = self.seen.partition_point(|(seen, _)| *seen < time);
        let around = [after.checked_sub(1), Some(after)].into_iter().flatten();
        let nearest = around
            .filter_map(|index| self.seen.get(index))
            .min_by(|a, b| away(a.0).total_cmp(&away(b.0)))?;
        (away(nearest.0) <= NEAR.seconds()).then_some(nearest.1)
    }
}

impl Frame {
    fn around(pose: &Pose) -> Self {
        let joints = pose.joints.iter().filter(|joint| joint.confidence > 0.0);
        let none = Self {
            left: f32::INFINITY,
            top: f32::INFINITY,
            right: f32::NEG_INFINITY,
            bottom: f32::NEG_INFINITY,
        };
        let tight = joints.fold(none, |frame, joint| Self {
            left: frame.left.min(joint.x),
            top: frame.top.min(joint.y),
            right: frame.right.max(joint.x),
            bottom: frame.bottom.max(joint.y),
        });
        let height = (tight.bottom - tight.top).max(0.0);
        Self {
            left: tight.left - AROUND * height,
            top: tight.top - ABOVE * height,
            right: tight.right + AROUND * height,
            bottom: tight.bottom + AROUND * height,
        }
    }

    fn corners(self) -> [f32; 4] {
        [self.left, self.top, self.right, self.bottom].map(f32::round)
    }

    fn holds(self, x: f32, y: f32) -> bool {
        self.left <= x && x <= self.right && self.top <= y && y <= self.bottom
    }

    fn distance(self, x: f32, y: f32) -> f32 {
        ((self.left + self.right) * 0.5 - x).hypot((self.top + self.bottom) * 0.5 - y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinescore::results::{JOINTS, JointPoint};

    fn track(x: f32, frames: std::ops::Range<usize>) -> PoseTrack {
        let pose = |frame: usize| Pose {
            time: Instant::from_seconds(frame as f64 / 10.0),
            joints: std::array::from_fn(|joint| JointPoint {
                x: x + joint as f32,
                y: 100.0 + 10.0 * joint as f32,
                confidence: if frames.contains(&frame) { 0.8 } else { 0.0 },
            }),
        };
        PoseTrack {
            poses: (0..50).map(pose).collect(),
            cuts: vec![],
            handovers: vec![],
            people: 2,
            others: vec![],
        }
    }

    fn people() -> People {
        let everybody = PoseTrack {
            others: vec![track(300.0, 20..50)],
            ..track(100.0, 0..50)
        };
        assert_eq!(JOINTS, 17);
        let media: Clip = serde_json::from_value(json!({
            "path": "a.mp4", "start": 60.0, "duration": 5.0, "width": 640, "height": 360, "frame_rate": 10.0,
            "has_audio": false, "whole": false,
        }))
        .expect("a clip");
        People::of(&everybody, &media, &media)
    }

    #[test]
    fn a_click_finds_who_is_there_at_that_time() {
        let people = people();
        let at = |time, x, y| people.at(Instant::from_seconds(time), x, y);
        assert_eq!(at(61.0, 108.0, 180.0), Some(1));
        assert_eq!(at(61.0, 308.0, 180.0), None, "not there yet");
        assert_eq!(at(61.8, 308.0, 180.0), Some(2), "there a moment later");
        assert_eq!(at(63.0, 308.0, 180.0), Some(2));
        assert_eq!(at(63.0, 200.0, 180.0), None, "between the two");
        assert_eq!(at(1.0, 108.0, 180.0), None, "times are the media's");
    }

    #[test]
    fn people_are_numbered_from_1_with_the_times_at_which_they_are_seen() {
        let found: Value = serde_json::from_slice(&people().json()).expect("JSON");
        assert_eq!(found[1]["person"], 2);
        assert_eq!(found[1]["times"].as_array().map(Vec::len), Some(30));
        assert_eq!(found[1]["times"][0], 62.0);
        // 160 pixels from the highest joint to the lowest.
        assert_eq!(found[1]["boxes"][0], json!([290.0, 78.0, 326.0, 270.0]));
    }
}
