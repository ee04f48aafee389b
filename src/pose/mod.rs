//! Video to poses: one person's joints over time.

use crate::error::{Error, Result};
use crate::limits::LEAST_PERSON;
use crate::progress::{Monitor, Stage};
use crate::settings::PoseSettings;
use crate::time::Instant;
use crate::video::FrameSource;
use serde::{Deserialize, Serialize};

pub mod crop;
pub mod finder;
pub mod landmarks;
pub mod model;
mod saved;
pub mod select;
pub mod smooth;
pub mod track;

pub use model::PoseModels;

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
///
/// Saved, a pose is its time and a flat list of x, y, confidence for each joint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "saved::Track", into = "saved::Track")]
pub struct PoseTrack {
    /// The poses.
    pub poses: Vec<Pose>,
    /// Instants of shot cuts: the pose before and the pose after are not one movement.
    pub cuts: Vec<Instant>,
    /// How many people were followed in the clip.
    pub people: usize,
}

/// Finds the poses of one person in all frames of a source.
///
/// Numbers are rounded as they are when saved, so that going on from a saved track gives the same result.
///
/// # Errors
/// [`Error::NoPerson`], [`Error::PersonTooBrief`], [`Error::NoSuchPerson`]; those of the source and of the models;
/// [`Error::Cancelled`].
pub fn find(
    source: &mut dyn FrameSource,
    models: &mut PoseModels,
    settings: &PoseSettings,
    monitor: &Monitor<'_>,
) -> Result<PoseTrack> {
    let mut tracker = track::Tracker::default();
    let mut frames = 0;
    while let Some(frame) = source.next_frame()? {
        let picture = &frame.picture;
        if picture.rgb.is_empty() || picture.rgb.len() != 3 * picture.width * picture.height {
            return Err(Error::Media {
                path: source.clip().path.clone(),
                doing: "reading a frame",
                reason: format!(
                    "{} bytes for {}×{} pixels",
                    picture.rgb.len(),
                    picture.width,
                    picture.height
                ),
            });
        }
        tracker.step(models, &frame)?;
        frames += 1;
        let duration = source.clip().duration.seconds();
        let done = if duration > 0.0 {
            frame.time.seconds() / duration
        } else {
            0.0
        };
        monitor.progress(Stage::Pose, done)?;
    }
    let clip = source.clip();
    let people = select::People::new(tracker.finish());
    let brief = |seconds: f64| Error::PersonTooBrief {
        path: clip.path.clone(),
        seconds,
        least: LEAST_PERSON.seconds(),
    };
    let count = people.count();
    if count == 0 {
        return match people.longest().seconds() {
            seconds if seconds > 0.0 => Err(brief(seconds)),
            _ => Err(Error::NoPerson {
                path: clip.path.clone(),
                frames,
            }),
        };
    }
    let number = settings.person.unwrap_or(1);
    if number == 0 || number > count {
        return Err(Error::NoSuchPerson {
            path: clip.path.clone(),
            wanted: number,
            found: count,
        });
    }
    let seen = people.seen(number);
    if seen < LEAST_PERSON {
        return Err(brief(seen.seconds()));
    }
    monitor.progress(Stage::Pose, 1.0)?;
    let mut track = people.track(number);
    saved::round(&mut track);
    Ok(track)
}
