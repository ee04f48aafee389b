//! From video to poses: one person's joints over time.
//!
//! CPU time per frame of one person in 1080p h264, on one thread of a busy server, dev profile:
//! decoding and scaling 6 to 7 ms in a separate thread; cropping 0.8 ms, 1.7 ms where the person is
//! larger than 512 pixels; BlazePose full 6.3 ms (a batch of several people is no faster per
//! image); the finder 13.5 ms every half second, 48 ms where people are far away; 9.5 to 10 ms in
//! all besides the decoding. Where nobody is followed, four tiles cost another 190 ms every second;
//! where only very small people are followed, up to three searches around one of them cost 17 to
//! 90 ms in frames in which they would be lost, and around each of at most four where nobody else
//! is left.

use crate::error::{Error, Result};
use crate::limits::LEAST_PERSON;
use crate::progress::{Monitor, Stage};
use crate::settings::{PersonChoice, PoseSettings};
use crate::time::Instant;
use crate::video::FrameSource;
use std::path::Path;

pub mod chunks;
pub mod crop;
pub mod finder;
mod joints;
pub mod landmarks;
mod look;
pub mod model;
mod poses;
pub mod rectangle;
pub mod select;
pub mod smooth;
pub mod stored;
pub mod track;

pub use chunks::{Chunking, Followers, TrackedChunk, join};
pub use joints::{JOINTS, Joint, JointPoint};
pub use look::Look;
pub use model::PoseModels;
pub use poses::{Pose, PoseTrack};

/// Finds the poses of one person in all frames of a source.
///
/// Numbers are rounded as they are when saved, so that continuing from a saved track gives the same
/// result.
///
/// # Errors
/// Those of [`follow`] and [`choose`].
pub fn find(
    source: &mut dyn FrameSource,
    models: &mut PoseModels,
    settings: &PoseSettings,
    monitor: &Monitor<'_>,
) -> Result<PoseTrack> {
    let chunking = Chunking::default();
    let end = Instant::ZERO + source.clip().duration;
    let last = chunking.last(Some(end));
    let mut chunks = Vec::new();
    follow(
        source,
        models,
        Followers::new(chunking, (0..=last).collect(), last),
        end,
        monitor,
        |chunk| {
            chunks.push(chunk);
        },
    )?
    .into_iter()
    .for_each(|chunk| chunks.push(chunk));
    let track = choose(join(chunks, &chunking), &source.clip().path, settings)?;
    monitor.progress(Stage::Pose, 1.0)?;
    Ok(track)
}

/// Follows everybody through all frames of a source, whose times are the media's. `done` receives
/// each chunk that ends before the source does; the others are returned. `end` is when the media
/// ends, as far as is known.
///
/// # Errors
/// Those of the source and of the models; [`Error::Cancelled`].
pub fn follow(
    source: &mut dyn FrameSource,
    look: &mut impl Look,
    mut followers: Followers,
    end: Instant,
    monitor: &Monitor<'_>,
    mut done: impl FnMut(TrackedChunk),
) -> Result<Vec<TrackedChunk>> {
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
        followers.step(look, &frame)?.into_iter().for_each(&mut done);
        monitor.progress(Stage::Pose, followers.share(frame.time, end))?;
    }
    Ok(followers.finish())
}

/// The poses of one of the people followed in the clip at `path`, and with [`PersonChoice::All`]
/// those of the others who are seen for long enough.
///
/// Numbers are rounded as they are when saved, so that continuing from a saved track gives the same
/// result.
///
/// # Errors
/// [`Error::NoPerson`], [`Error::PersonTooBrief`], [`Error::NoSuchPerson`].
pub fn choose(tracked: track::Tracked, path: &Path, settings: &PoseSettings) -> Result<PoseTrack> {
    let frames = tracked.times.len();
    let people = select::People::new(tracked);
    let count = people.count();
    if count == 0 {
        return Err(match people.longest().seconds() {
            seconds if seconds > 0.0 => Error::PersonTooBrief {
                path: path.to_owned(),
                seconds,
                least: LEAST_PERSON.seconds(),
            },
            _ => Error::NoPerson {
                path: path.to_owned(),
                frames,
            },
        });
    }
    let number = match settings.person {
        PersonChoice::Number(number) => number,
        PersonChoice::Auto | PersonChoice::All => 1,
    };
    if number == 0 || number > count {
        return Err(Error::NoSuchPerson {
            path: path.to_owned(),
            wanted: number,
            found: count,
        });
    }
    let mut track = people.track(number);
    if settings.person == PersonChoice::All {
        let others = (1..=count).filter(|other| *other != number);
        track.others = others.map(|other| people.track(other)).collect();
    }
    poses::round(&mut track);
    Ok(track)
}

#[cfg(test)]
mod tests {
    use super::smooth::Sample;
    use super::track::{Tracked, Tracklet};
    use super::*;
    use crate::settings::Settings;

    /// One person who moves most, at the left, one who stands, and one who is there for 1.5 s.
    fn tracked() -> Tracked {
        let tracklet = |frames: std::ops::Range<usize>, x: fn(usize) -> f32| Tracklet {
            samples: frames
                .map(|frame| Sample {
                    frame,
                    joints: [JointPoint {
                        x: x(frame),
                        y: 200.0,
                        confidence: 0.9,
                    }; JOINTS],
                    size: 200.0,
                })
                .collect(),
        };
        Tracked {
            times: (0..90)
                .map(|frame| Instant::from_seconds(frame as f64 / 30.0))
                .collect(),
            tracklets: vec![
                tracklet(0..90, |frame| 300.0 + 100.0 * (frame as f32 * 0.3).sin()),
                tracklet(0..90, |_| 900.0),
                tracklet(0..45, |_| 1500.0),
            ],
            cuts: vec![],
        }
    }

    #[test]
    fn everybody_is_the_first_with_all_who_are_seen_for_long_enough() {
        let chosen = |person| {
            let settings = PoseSettings {
                person,
                ..Settings::default().pose().clone()
            };
            choose(tracked(), Path::new("clip.mp4"), &settings).unwrap()
        };
        let (one, all) = (chosen(PersonChoice::Auto), chosen(PersonChoice::All));
        assert_eq!((one.people, one.others.len()), (2, 0));
        assert_eq!(all.poses, one.poses);
        assert_eq!(all.others, [chosen(PersonChoice::Number(2))]);
    }
}
