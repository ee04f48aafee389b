//! A hand-made analysis of a clip of any length.

use kinescore::drums::{DrumClass, DrumGrid, Hit};
use kinescore::music::{ChordAt, GridNote, Line, Music};
use kinescore::pose::{JOINTS, Joint, JointPoint, Pose, PoseTrack};
use kinescore::rhythm::{Accent, AccentKind, Beat, BodyPart, Curve, Hold, Rhythm, Source};
use kinescore::theory::{Chord, Instrument, Key, Mode, Quality};
use kinescore::time::{Instant, Rate, Span, Tempo};
use kinescore::video::Clip;
use std::f64::consts::TAU;

pub const BPM: f64 = 104.0;

pub fn clip(seconds: f64) -> Clip {
    Clip {
        path: "holiday/dance.mp4".into(),
        start: Instant::ZERO,
        duration: Span::from_seconds(seconds),
        width: 1280,
        height: 720,
        frame_rate: 30.0,
        has_audio: true,
        whole: true,
    }
}

/// Someone who steps, swings the arms and walks across the picture; gone from 7 s to 8.5 s.
pub fn poses(seconds: f64) -> PoseTrack {
    let frames = (seconds * 15.0) as usize;
    let poses = (0..frames).map(|frame| {
        let time = frame as f64 / 15.0;
        let beat = TAU * time * BPM / 60.0;
        let (hip_x, hip_y) = (500.0 + 80.0 * (0.4 * time).sin(), 400.0 + 14.0 * (beat).cos());
        let swing = (beat / 2.0).sin();
        let point = |dx: f64, dy: f64, confidence: f64| JointPoint {
            x: (hip_x + dx) as f32,
            y: (hip_y + dy) as f32,
            confidence: confidence as f32,
        };
        let mut joints = [JointPoint::default(); JOINTS];
        let mut put = |joint: Joint, dx, dy, c| joints[joint as usize] = point(dx, dy, c);
        put(Joint::MidHip, 0.0, 0.0, 0.99);
        put(Joint::Neck, 6.0 * swing, -130.0, 0.98);
        put(Joint::Nose, 9.0 * swing, -175.0, 0.97);
        for (side, shoulder, elbow, wrist, hip, knee, ankle, toe, sure) in [
            (
                -1.0,
                Joint::RightShoulder,
                Joint::RightElbow,
                Joint::RightWrist,
                Joint::RightHip,
                Joint::RightKnee,
                Joint::RightAnkle,
                Joint::RightBigToe,
                0.9,
            ),
            (
                1.0,
                Joint::LeftShoulder,
                Joint::LeftElbow,
                Joint::LeftWrist,
                Joint::LeftHip,
                Joint::LeftKnee,
                Joint::LeftAnkle,
                Joint::LeftBigToe,
                0.35 + 0.3 * (0.7 * time).sin(),
            ),
        ] {
            let lift = (side * swing).max(0.0);
            put(shoulder, side * 38.0, -122.0, sure);
            put(elbow, side * (70.0 + 12.0 * lift), -80.0 - 50.0 * lift, sure);
            put(wrist, side * (62.0 + 40.0 * lift), -30.0 - 150.0 * lift, sure);
            put(hip, side * 22.0, 2.0, sure);
            put(knee, side * (28.0 + 22.0 * lift), 85.0 - 26.0 * lift, sure);
            put(ankle, side * 30.0, 170.0 - 40.0 * lift, sure);
            put(toe, side * 50.0, 180.0 - 40.0 * lift, sure);
        }
        if (7.0..8.5).contains(&time) {
            joints = [JointPoint::default(); JOINTS];
        }
        Pose {
            time: Instant::from_seconds(time),
            joints,
        }
    });
    PoseTrack {
        poses: poses.collect(),
        cuts: vec![],
        handovers: vec![],
        people: 1,
        others: vec![],
    }
}

/// The parts of the body with their names in the legend and their colours.
pub const PARTS: [(BodyPart, &str, &str); 5] = [
    (BodyPart::Feet, "impact: feet", "#274690"),
    (BodyPart::Hands, "hands", "#e4572e"),
    (BodyPart::Trunk, "trunk", "#80569b"),
    (BodyPart::Head, "head", "#2a9d8f"),
    (BodyPart::Whole, "whole body", "#8e3b8a"),
];

pub fn rhythm(seconds: f64) -> Rhythm {
    let span = 60.0 / BPM;
    let count = ((seconds - 0.3) / span) as usize;
    let beats: Vec<Beat> = (0..count.max(2))
        .map(|n| Beat {
            time: Instant::from_seconds(0.25 + span * n as f64),
            number: (n % 4) as u8 + 1,
        })
        .collect();
    let curve = |shape: &dyn Fn(f64) -> f64| Curve {
        rate: Rate::from_hz(100.0),
        values: (0..(seconds * 100.0) as usize)
            .map(|n| shape(n as f64 / 100.0) as f32)
            .collect(),
    };
    let pulse = |t: f64, width: f64| {
        let phase = ((t - 0.25) / span).rem_euclid(1.0);
        (-(phase.min(1.0 - phase) / width).powi(2)).exp()
    };
    let accents = (0..count)
        .filter(|n| n % 3 != 1)
        .map(|n| Accent {
            time: Instant::from_seconds(0.25 + span * n as f64 + 0.02),
            strength: 0.35 + 0.6 * ((n * 7 % 10) as f32 / 10.0),
            kind: if n % 2 == 0 {
                AccentKind::Impact
            } else {
                AccentKind::Style
            },
            part: PARTS[n / 2 % PARTS.len()].0,
            impact: None,
        })
        .collect();
    Rhythm {
        beats,
        beats_per_bar: 4,
        tempo: Tempo::from_bpm(BPM),
        confidence: 0.82,
        accents,
        movement: curve(&|t| 1.2 + (0.9 * t).sin() * 0.5 + 1.4 * pulse(t, 0.2) + 0.3 * (9.0 * t).sin()),
        activation: curve(&|t| {
            (0.12 + 0.06 * (5.0 * t).sin() + 0.7 * pulse(t, 0.06)) * (0.75 + 0.25 * (0.8 * t).sin())
        }),
        source: Source::Motion,
        cuts: vec![],
        unmoved: None,
    }
}

pub fn drums(seconds: f64) -> DrumGrid {
    let beats: Vec<Instant> = rhythm(seconds).beats.iter().map(|b| b.time).collect();
    let mut hits = Vec::new();
    for step in 0..(4 * (beats.len() as i32 - 1)) {
        let mut hit = |class, velocity: f32| {
            hits.push(Hit {
                step,
                class,
                velocity,
                offset: 0.12 * ((step * 5 % 7) as f32 / 7.0 - 0.4),
            });
        };
        let (bar, at) = (step / 16, step % 16);
        if at == 0 && bar % 4 == 0 {
            hit(DrumClass::Crash, 0.95);
        }
        if [0, 7, 10].contains(&at) {
            hit(DrumClass::Kick, if at == 0 { 1.0 } else { 0.7 });
        }
        if [4, 12].contains(&at) {
            hit(DrumClass::Snare, 0.9);
        } else if at % 5 == 3 {
            hit(DrumClass::Snare, 0.18);
        }
        if bar % 4 == 3 && at >= 12 {
            hit(
                [
                    DrumClass::HighTom,
                    DrumClass::MidTom,
                    DrumClass::LowTom,
                    DrumClass::LowTom,
                ][at as usize - 12],
                0.75,
            );
        } else if bar % 2 == 1 && at % 4 == 0 {
            hit(DrumClass::Ride, 0.6);
        } else if at == 14 {
            hit(DrumClass::OpenHat, 0.65);
        } else if at % 2 == 0 {
            hit(DrumClass::ClosedHat, if at % 4 == 0 { 0.7 } else { 0.4 });
        }
    }
    DrumGrid {
        beats,
        first_beat: 1,
        beats_per_bar: 4,
        style: "funk".to_owned(),
        hits,
    }
}

/// I vi IV V in D, a chord a bar: broken by the piano, struck by the guitar, with a bass.
pub fn music(seconds: f64) -> Music {
    let chords = [
        (2, Quality::Major),
        (11, Quality::Minor),
        (7, Quality::Major),
        (9, Quality::Dominant),
    ];
    let bars = (rhythm(seconds).beats.len() as i32 - 1).div_euclid(4);
    let mut lines = [Instrument::Piano, Instrument::Guitar, Instrument::Bass].map(|instrument| Line {
        instrument,
        notes: vec![],
    });
    let mut at = Vec::new();
    for bar in 0..bars {
        let (root, quality) = chords[bar as usize % 4];
        let chord = Chord::new(root, quality);
        at.push(ChordAt { step: 16 * bar, chord });
        let mut note = |line: usize, step: i32, length, pitch, velocity| {
            lines[line].notes.push(GridNote {
                step: 16 * bar + step,
                length,
                pitch,
                velocity,
                offset: 0.0,
            });
        };
        let tones: Vec<u8> = chord.tones().collect();
        for step in 0..8 {
            let tone = tones[step % tones.len()];
            note(
                0,
                2 * step as i32,
                4,
                60 + tone + 12 * (step as u8 / 4),
                0.5 + 0.05 * step as f32,
            );
        }
        for step in [4, 12] {
            for tone in &tones {
                note(1, step, 6, 48 + tone, 0.8);
            }
        }
        for step in [0, 7, 10] {
            note(2, step, 5, 28 + root, 0.7);
        }
    }
    Music {
        palette: None,
        key: Key::new(2, Mode::Major),
        chords: at,
        lines: lines.to_vec(),
    }
}

/// One hold within every picture and one that ends after most of them.
pub const HOLDS: [Hold; 2] = [
    Hold {
        from: Instant::from_seconds(0.5),
        to: Instant::from_seconds(1.25),
    },
    Hold {
        from: Instant::from_seconds(10.0),
        to: Instant::from_seconds(30.0),
    },
];
