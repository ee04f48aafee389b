//! A skeleton that dances to a known grid, and the poses of a real walk, for tests of the rhythm
//! stage.
#![allow(dead_code)] // each test file uses its share
#![allow(clippy::expect_used)] // helpers of tests may panic

use kinescore::Monitor;
use kinescore::model::{Manifest, Options, Runtime};
use kinescore::pose::{JOINTS, Joint, JointPoint, Pose, PoseTrack};
use kinescore::rhythm::{self, BeatModels, Rhythm};
use kinescore::settings::{BeatSource, Device, RhythmSettings};
use kinescore::time::{Instant, Span};
use std::f64::consts::PI;
use std::path::Path;

fn manifest() -> Manifest {
    Manifest::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models")).expect("the manifest")
}

/// The models for beats by signal processing.
pub fn motion_models() -> BeatModels {
    BeatModels::without_network(&manifest()).expect("the calibration")
}

/// The models for beats by the network as well.
pub fn network_models() -> BeatModels {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".setup/onnxruntime");
    let runtime = Runtime::load(Some(&folder), &[]).expect("ONNX Runtime");
    let options = Options {
        device: Device::Cpu,
        threads: 1,
    };
    BeatModels::open(&runtime, &manifest(), options).expect("the beat network")
}

/// The rhythm by signal processing.
pub fn by_motion(
    track: &PoseTrack,
    duration: Span,
    settings: &RhythmSettings,
    monitor: &Monitor<'_>,
) -> kinescore::Result<Rhythm> {
    let settings = RhythmSettings {
        source: BeatSource::Motion,
        ..settings.clone()
    };
    rhythm::find(track, duration, &mut motion_models(), &settings, monitor)
}

/// The poses of somebody who walks (see `fixtures/rhythm_walking.md`), and the clip's length.
pub fn walk() -> (PoseTrack, Span) {
    let json: serde_json::Value = serde_json::from_str(include_str!("../fixtures/rhythm_walking.json")).expect("JSON");
    let number = |v: &serde_json::Value| v.as_f64().expect("a number");
    let poses = json["poses"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            let mut joints = [JointPoint::default(); JOINTS];
            for (joint, value) in joints.iter_mut().zip(row.as_array().expect("a row").iter().skip(1)) {
                if value.is_array() {
                    *joint = JointPoint {
                        x: number(&value[0]) as f32,
                        y: number(&value[1]) as f32,
                        confidence: number(&value[2]) as f32,
                    };
                }
            }
            Pose {
                time: Instant::from_seconds(number(&row[0])),
                joints,
            }
        })
        .collect();
    let track = PoseTrack {
        poses,
        cuts: vec![],
        handovers: vec![],
        people: 2,
        others: vec![],
    };
    (track, Span::from_seconds(number(&json["duration"])))
}

/// How the skeleton dances and how it appears in the picture.
#[derive(Debug, Clone, Copy)]
pub struct Dance {
    /// Beats a minute at the start.
    pub tempo: f64,
    /// Beats a minute at the end; the tempo changes linearly.
    pub tempo_end: f64,
    /// Time of the first beat, seconds.
    pub first: f64,
    /// Seconds.
    pub duration: f64,
    /// Frames a second.
    pub fps: f64,
    /// Size of the movement: 1 lively, 0 still.
    pub size: f64,
    /// Standard deviation of the joints' noise, torso lengths (white from frame to frame).
    pub jitter: f64,
    /// Length of a torso, pixels.
    pub torso: f64,
    /// Position of the hips, pixels.
    pub at: [f64; 2],
    /// Speed of the picture, pixels a second (camera pan).
    pub pan: f64,
    /// Whether left and right are exchanged.
    pub mirrored: bool,
}

impl Default for Dance {
    fn default() -> Self {
        Self {
            tempo: 110.0,
            tempo_end: 110.0,
            first: 0.2,
            duration: 20.0,
            fps: 30.0,
            size: 1.0,
            jitter: 0.004,
            torso: 130.0,
            at: [640.0, 400.0],
            pan: 0.0,
            mirrored: false,
        }
    }
}

/// Normal noise from a counter, the same on every machine.
pub struct Noise(pub u64);

impl Noise {
    pub fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f64 + 0.5) / (1_u64 << 31) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
    }
}

impl Dance {
    pub fn span(&self) -> Span {
        Span::from_seconds(self.duration)
    }

    /// Number of beats since the first at a time.
    pub fn phase(&self, seconds: f64) -> f64 {
        let t = seconds - self.first;
        let slope = (self.tempo_end - self.tempo) / self.duration;
        (self.tempo * t + 0.5 * slope * t * t) / 60.0
    }

    /// The true beats.
    pub fn beats(&self) -> Vec<Instant> {
        let (mut beats, mut time) = (Vec::new(), 0.0_f64);
        let mut number = self.phase(0.0).ceil();
        while time <= self.duration {
            while self.phase(time) < number && time <= self.duration {
                time += 1e-4;
            }
            if time <= self.duration {
                beats.push(Instant::from_seconds(time));
            }
            number += 1.0;
        }
        beats
    }

    /// Joints in torso lengths, hips at the origin, y downwards: the body bounces with its low
    /// point on every beat, the hands reach their ends on the beats, left and right, and the feet
    /// step alternately, landing on the beats.
    fn body(&self, seconds: f64) -> [[f64; 2]; JOINTS] {
        let phase = self.phase(seconds);
        let (beat, within) = (phase.floor(), phase - phase.floor());
        let even = beat.rem_euclid(2.0) < 0.5;
        let bounce = -0.12 * self.size * (PI * phase).sin().abs();
        // Starts late and stops on the beat.
        let go = ((within - 0.3) / 0.7).max(0.0).powi(2);
        let swing = self.size * if even { -1.0 + 2.0 * go } else { 1.0 - 2.0 * go };
        let lift = |mine: bool| {
            if mine {
                -0.25 * self.size * (PI * within).sin()
            } else {
                0.0
            }
        };
        let mut joints = [[0.0; 2]; JOINTS];
        let mut put = |joint: Joint, x: f64, y: f64| joints[joint as usize] = [x, y];
        put(Joint::Nose, 0.0, -1.35 + bounce);
        put(Joint::Neck, 0.0, -1.0 + bounce);
        put(Joint::MidHip, 0.0, bounce);
        for (side, shoulder, elbow, wrist) in [
            (-1.0, Joint::RightShoulder, Joint::RightElbow, Joint::RightWrist),
            (1.0, Joint::LeftShoulder, Joint::LeftElbow, Joint::LeftWrist),
        ] {
            put(shoulder, 0.33 * side, -1.0 + bounce);
            put(elbow, 0.5 * side + 0.15 * swing, -0.5 + bounce);
            put(wrist, 0.5 * side + 0.45 * swing, -0.1 + bounce);
        }
        for (side, mine, hip, knee, ankle, toe) in [
            (
                -1.0,
                even,
                Joint::RightHip,
                Joint::RightKnee,
                Joint::RightAnkle,
                Joint::RightBigToe,
            ),
            (
                1.0,
                !even,
                Joint::LeftHip,
                Joint::LeftKnee,
                Joint::LeftAnkle,
                Joint::LeftBigToe,
            ),
        ] {
            put(hip, 0.2 * side, bounce);
            put(knee, 0.22 * side, 0.8 + 0.5 * bounce + 0.7 * lift(mine));
            put(ankle, 0.22 * side, 1.6 + lift(mine));
            put(toe, 0.3 * side, 1.7 + lift(mine));
        }
        joints
    }

    /// The pose track from a camera and a pose detector.
    pub fn track(&self, seed: u64) -> PoseTrack {
        let mut noise = Noise(seed);
        let frames = (self.duration * self.fps).round() as usize;
        let poses = (0..frames)
            .map(|i| {
                let seconds = i as f64 / self.fps;
                let mut joints = [JointPoint::default(); JOINTS];
                for (joint, [x, y]) in joints.iter_mut().zip(self.body(seconds)) {
                    let x = if self.mirrored { -x } else { x };
                    let (dx, dy) = (self.jitter * noise.normal(), self.jitter * noise.normal());
                    let dx = if self.mirrored { -dx } else { dx };
                    *joint = JointPoint {
                        x: (self.at[0] + self.torso * (x + dx) + self.pan * seconds) as f32,
                        y: (self.at[1] + self.torso * (y + dy)) as f32,
                        confidence: 0.95,
                    };
                }
                Pose {
                    time: Instant::from_seconds(seconds),
                    joints,
                }
            })
            .collect();
        PoseTrack {
            poses,
            cuts: Vec::new(),
            handovers: vec![],
            people: 1,
            others: vec![],
        }
    }
}
