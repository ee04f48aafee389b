//! Tests the pose stage with the real models on real clips.
//!
//! Clips that must not be distributed are those of [`clips_support`]: a test that lacks one reports
//! it and passes.

// Helpers of tests may panic, and print what they measure or skip.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod clips_support;

use clips_support::clip;
use kinescore::model::{Manifest, Options, Runtime};
use kinescore::pose::{self, JOINTS, Joint, PoseModels, PoseTrack};
use kinescore::progress::{Cancel, Monitor};
use kinescore::settings::{Device, PersonChoice, PoseQuality, PoseSettings, Settings};
use kinescore::time::{Instant, Span};
use kinescore::video::{Clip, FileOptions, FileSource, Frame, FrameSource, Picture, Stretch, VideoFile};
use kinescore::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn models(quality: PoseQuality) -> PoseModels {
    let runtime = Runtime::load(None, &[root().join(".setup/onnxruntime")]).unwrap();
    let manifest = Manifest::read(&root().join("models")).unwrap();
    let options = Options {
        device: Device::Cpu,
        threads: 1,
    };
    PoseModels::open(&runtime, &manifest, quality, options).unwrap()
}

fn settings() -> PoseSettings {
    Settings::default().pose().clone()
}

/// The clip, up to `end`.
fn open(path: &Path, end: Option<f64>, options: FileOptions) -> FileSource {
    let stretch = Stretch {
        to: end.map(Instant::from_seconds),
        ..Stretch::default()
    };
    VideoFile::open(path, options).unwrap().read(vec![stretch], true)
}

fn find(path: &Path, settings: &PoseSettings) -> Result<PoseTrack> {
    let mut models = models(settings.quality);
    pose::find(
        &mut open(path, None, FileOptions::default()),
        &mut models,
        settings,
        &Monitor::none(),
    )
}

/// Key points of OpenPose: for each frame 17 joints, in the order of [`Joint`], each x, y (pixels),
/// confidence.
fn open_pose(path: &Path) -> Vec<[[f64; 3]; JOINTS]> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00", "a version 1.0 .npy file");
    let header_end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..header_end]).unwrap();
    assert!(
        header.contains("'<f8'") && header.contains("'fortran_order': False"),
        "{header}"
    );
    assert!(header.contains(&format!(", {JOINTS}, 3)")), "{header}");
    let numbers: Vec<f64> = bytes[header_end..]
        .as_chunks::<8>()
        .0
        .iter()
        .map(|b| f64::from_le_bytes(*b))
        .collect();
    let joints = numbers.as_chunks::<3>().0;
    joints.as_chunks::<JOINTS>().0.to_vec()
}

fn missing(track: &PoseTrack) -> Vec<usize> {
    let gone = |index: &usize| track.poses[*index].joints.iter().all(|j| j.confidence == 0.0);
    (0..track.poses.len()).filter(gone).collect()
}

/// Median and 90th percentile of the distance of joints to OpenPose's, where OpenPose's confidence
/// is above 0.5, in torso lengths: the distance from neck to mid-hip of OpenPose's skeleton in the
/// same frame.
fn errors(track: &PoseTrack, reference: &[[[f64; 3]; JOINTS]]) -> (f64, f64) {
    assert_eq!(track.poses.len(), reference.len());
    let mut errors = Vec::new();
    for (pose, reference) in track.poses.iter().zip(reference) {
        let (neck, hips) = (reference[Joint::Neck as usize], reference[Joint::MidHip as usize]);
        if neck[2] <= 0.5 || hips[2] <= 0.5 {
            continue;
        }
        let torso = (neck[0] - hips[0]).hypot(neck[1] - hips[1]);
        for (joint, [x, y, confidence]) in pose.joints.iter().zip(reference) {
            if *confidence > 0.5 {
                errors.push((f64::from(joint.x) - x).hypot(f64::from(joint.y) - y) / torso);
            }
        }
    }
    assert!(errors.len() > 3000, "{}", errors.len());
    errors.sort_by(f64::total_cmp);
    (errors[errors.len() / 2], errors[errors.len() * 9 / 10])
}

#[test]
fn joints_are_where_open_pose_sees_them() {
    let (Some(video), Some(reference)) = (clip("volleyball.mp4"), clip("volleyball-openpose17.npy")) else {
        return;
    };
    let reference = open_pose(&reference);
    let track = find(&video, &settings()).unwrap();
    assert!(missing(&track).is_empty(), "no frame lost");
    assert!(track.poses.windows(2).all(|w| w[1].time > w[0].time));
    assert_eq!((track.people, track.cuts.len()), (1, 0));
    let (median, high) = errors(&track, &reference);
    println!("BlazePose full against OpenPose: median {median:.4}, 90th percentile {high:.4} torso lengths");
    assert!(
        median <= 0.055 && high <= 0.12,
        "median {median}, 90th percentile {high}"
    );
}

#[test]
fn the_same_video_gives_the_same_poses() {
    let Some(video) = clip("dance-80bpm-silent.mp4") else {
        return;
    };
    let mut models = models(PoseQuality::Normal);
    let mut run = |threads| {
        let options = FileOptions {
            threads,
            ..FileOptions::default()
        };
        let mut source = open(&video, Some(3.0), options);
        pose::find(&mut source, &mut models, &settings(), &Monitor::none()).unwrap()
    };
    let first = run(1);
    assert_eq!(first.poses.len(), 90);
    assert!(missing(&first).is_empty());
    assert_eq!(first, run(2));
    let saved = serde_json::to_string(&first).unwrap();
    assert_eq!(
        serde_json::from_str::<PoseTrack>(&saved).unwrap(),
        first,
        "saved and read again"
    );
}

#[test]
fn of_two_people_the_one_who_walks_is_followed() {
    let Some(video) = clip("walking-two-people.mp4") else {
        return;
    };
    let track = find(&video, &settings()).unwrap();
    assert_eq!(track.people, 2);
    assert_eq!(track.poses.len(), 230);
    // The woman enters from the right behind a tree, crosses the picture and leaves it on the left.
    let missing = missing(&track);
    let seen: Vec<usize> = (0..230).filter(|i| !missing.contains(i)).collect();
    assert!(
        (40..60).contains(&seen[0]) && (185..205).contains(&seen[seen.len() - 1]),
        "{seen:?}"
    );
    assert_eq!(seen.len(), seen[seen.len() - 1] - seen[0] + 1, "without a gap");
    let hips: Vec<_> = seen
        .iter()
        .map(|i| track.poses[*i].joints[Joint::MidHip as usize])
        .collect();
    assert!(hips[0].x > 1400.0 && hips[hips.len() - 1].x < 50.0);
    for pair in hips.windows(2) {
        let step = (pair[1].x - pair[0].x).hypot(pair[1].y - pair[0].y);
        assert!(step < 60.0, "a jump of {step} pixels");
        assert!((600.0..850.0).contains(&pair[1].y), "not on the ground: {}", pair[1].y);
    }

    let second = PoseSettings {
        person: PersonChoice::Number(2),
        ..settings()
    };
    let track = find(&video, &second).unwrap();
    let high = track.poses[20].joints[Joint::MidHip as usize];
    assert!(
        high.confidence > 0.5 && (high.x - 650.0).abs() < 60.0 && (high.y - 270.0).abs() < 60.0,
        "{high:?}"
    );

    let third = PoseSettings {
        person: PersonChoice::Number(3),
        ..settings()
    };
    let refused = find(&video, &third);
    assert!(
        matches!(
            refused,
            Err(Error::NoSuchPerson {
                wanted: 3,
                found: 2,
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn the_heavy_model_finds_the_same_person() {
    let Some(video) = clip("volleyball.mp4") else {
        return;
    };
    let mut source = open(&video, Some(2.2), FileOptions::default());
    let track = pose::find(
        &mut source,
        &mut models(PoseQuality::High),
        &settings(),
        &Monitor::none(),
    )
    .unwrap();
    assert_eq!(track.poses.len(), 66);
    assert!(missing(&track).is_empty());
}

/// Frames generated by a function of their number, at 30 per second.
struct Made<F> {
    clip: Clip,
    next: usize,
    count: usize,
    make: F,
}

fn made<F: Fn(usize) -> Picture>(count: usize, make: F) -> Made<F> {
    Made {
        clip: Clip {
            path: "made.mp4".into(),
            start: Instant::ZERO,
            duration: Span::from_seconds(count as f64 / 30.0),
            width: 320,
            height: 240,
            frame_rate: 30.0,
            has_audio: false,
            whole: true,
        },
        next: 0,
        count,
        make,
    }
}

impl<F: Fn(usize) -> Picture + Send> FrameSource for Made<F> {
    fn clip(&self) -> &Clip {
        &self.clip
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let index = self.next;
        if index == self.count {
            return Ok(None);
        }
        self.next += 1;
        Ok(Some(Frame {
            time: Instant::from_seconds(index as f64 / 30.0),
            picture: (self.make)(index),
            scale: 1.0,
        }))
    }
}

/// A wall with some structure and nobody in front of it.
fn wall(_: usize) -> Picture {
    let (width, height) = (320, 240);
    let rgb = (0..3 * width * height)
        .map(|i| 90 + (i / 3 % width / 40 * 20) as u8)
        .collect();
    Picture { width, height, rgb }
}

#[test]
fn nobody_and_somebody_for_a_moment_are_distinguished() {
    let mut models = models(PoseQuality::Normal);
    let found = pose::find(&mut made(60, wall), &mut models, &settings(), &Monitor::none());
    assert!(matches!(found, Err(Error::NoPerson { frames: 60, .. })), "{found:?}");
    let found = pose::find(&mut made(0, wall), &mut models, &settings(), &Monitor::none());
    assert!(matches!(found, Err(Error::NoPerson { frames: 0, .. })), "{found:?}");

    let Some(video) = clip("volleyball.mp4") else {
        return;
    };
    // A person for one second, then only the wall.
    let mut source = open(&video, None, FileOptions::default());
    let person: Vec<Picture> = (0..30).map(|_| source.next_frame().unwrap().unwrap().picture).collect();
    let mut brief = made(75, move |index| {
        person.get(index).cloned().unwrap_or_else(|| wall(index))
    });
    let found = pose::find(&mut brief, &mut models, &settings(), &Monitor::none());
    let Err(Error::PersonTooBrief { seconds, least, .. }) = found else {
        panic!("{found:?}");
    };
    assert!((seconds - 1.0).abs() < 0.1 && least == 2.0, "{seconds}");
}

#[test]
fn progress_rises_and_a_cancelled_search_stops() {
    let mut models = models(PoseQuality::Normal);
    let reported = Mutex::new(Vec::new());
    let cancel = Cancel::new();
    let monitor = Monitor::new(cancel.clone(), |_, done| {
        let mut reported = reported.lock().unwrap();
        reported.push(done);
        if reported.len() == 10 {
            cancel.cancel();
        }
    });
    let found = pose::find(&mut made(60, wall), &mut models, &settings(), &monitor);
    assert!(matches!(found, Err(Error::Cancelled)), "{found:?}");
    drop(monitor);
    let reported = reported.into_inner().unwrap();
    assert_eq!(reported.len(), 10);
    assert!(
        reported.windows(2).all(|w| w[1] > w[0]) && (reported[9] - 0.15).abs() < 1e-9,
        "{reported:?}"
    );
}
