//! Pictures of hand-made analyses.
// Tests may panic and print what they measure.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

use kinescore::Error;
use kinescore::drums::{DrumClass, DrumGrid, Hit};
use kinescore::export::plot::{PlotView, write_plot};
use kinescore::music::{ChordAt, GridNote, Line, Music};
use kinescore::pose::{JOINTS, Joint, JointPoint, Pose, PoseTrack};
use kinescore::rhythm::{Accent, AccentKind, Beat, BodyPart, Curve, Hold, Rhythm, Source};
use kinescore::theory::{Chord, Instrument, Key, Mode, Quality};
use kinescore::time::{Instant, Rate, Span, Tempo};
use kinescore::video::Clip;
use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

const BPM: f64 = 104.0;

fn clip(seconds: f64) -> Clip {
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
fn poses(seconds: f64) -> PoseTrack {
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
        people: 1,
        others: vec![],
    }
}

/// The parts of the body with their names in the legend and their colours.
const PARTS: [(BodyPart, &str, &str); 5] = [
    (BodyPart::Feet, "impact: feet", "#274690"),
    (BodyPart::Hands, "hands", "#e4572e"),
    (BodyPart::Trunk, "trunk", "#80569b"),
    (BodyPart::Head, "head", "#2a9d8f"),
    (BodyPart::Whole, "whole body", "#8e3b8a"),
];

fn rhythm(seconds: f64) -> Rhythm {
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
    }
}

fn drums(seconds: f64) -> DrumGrid {
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
fn music(seconds: f64) -> Music {
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
        key: Key::new(2, Mode::Major),
        chords: at,
        lines: lines.to_vec(),
    }
}

/// One hold within every picture and one that ends after most of them.
const HOLDS: [Hold; 2] = [
    Hold {
        from: Instant::from_seconds(0.5),
        to: Instant::from_seconds(1.25),
    },
    Hold {
        from: Instant::from_seconds(10.0),
        to: Instant::from_seconds(30.0),
    },
];

fn plot(seconds: f64, path: &Path) {
    let (clip, poses, rhythm, drums) = (clip(seconds), poses(seconds), rhythm(seconds), drums(seconds));
    let music = music(seconds);
    let view = PlotView {
        clip: &clip,
        poses: Some(&poses),
        rhythm: Some(&rhythm),
        holds: &HOLDS,
        drums: Some(&drums),
        music: Some(&music),
    };
    write_plot(&view, path).expect("drawn");
}

/// The texts of a picture, in their order.
fn texts(svg: &str) -> Vec<&str> {
    svg.split("aria-label=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

fn svg(seconds: f64) -> String {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("plot.svg");
    plot(seconds, &path);
    fs::read_to_string(&path).expect("read")
}

#[test]
fn a_picture_shows_all_parts_and_is_the_same_every_time() {
    let first = svg(12.0);
    assert_eq!(first, svg(12.0));
    let texts = texts(&first);
    for expected in [
        "dance.mp4",
        "Poses",
        "Movement",
        "Beats",
        "Music",
        "C3",
        "D",
        "Bm",
        "A7",
        "guitar",
        "Crash",
        "Closed hat",
        "Kick",
        "0:00",
        "0:12",
        "impact: feet",
        "hands",
        "whole body",
        "hold",
    ] {
        assert!(texts.contains(&expected), "{expected}: {texts:?}");
    }
    assert!(texts[1].starts_with("104.0 BPM"), "{}", texts[1]);
    assert!(
        texts[1].contains("confidence 82 %") && texts[1].contains("funk"),
        "{}",
        texts[1]
    );
    // Four-four from 0.25 s at 104 beats a minute: downbeats 1 to 5 within 12 s.
    for bar in ["1", "2", "3", "4", "5"] {
        assert!(texts.contains(&bar), "bar {bar}: {texts:?}");
    }
    assert!(!texts.contains(&"6"));
    // A circle for each hit, three in the legend, one for each style accent and its legend, and
    // heads.
    let colours = |colour: &str| first.matches(&format!("fill=\"{colour}\"")).count();
    let drums = drums(12.0);
    let struck = |class: DrumClass| drums.hits.iter().filter(|h| h.class == class).count();
    // A diamond for each impact in the colour of its part, and one in the legend; of which kick and snare have two.
    for (part, _, colour) in PARTS {
        let rhythm = rhythm(12.0);
        let impacts = rhythm.accents.iter().filter(|a| a.kind == AccentKind::Impact);
        let made = impacts.filter(|a| a.part == part).count();
        assert!(made > 0, "{part:?}");
        let hits = match part {
            BodyPart::Feet => struck(DrumClass::Kick),
            BodyPart::Hands => struck(DrumClass::Snare),
            BodyPart::Trunk => struck(DrumClass::MidTom),
            _ => 0,
        };
        let curve = usize::from(part == BodyPart::Head);
        assert_eq!(colours(colour), made + 1 + hits + curve, "{part:?}");
    }
    // A band for each hold within the clip, and one in the legend.
    assert_eq!(colours("#cfd8e3"), 3);
    // A bar for each note that sounds within the clip, and one in the legend.
    for (line, colour) in music(12.0).lines.iter().zip(["#245ca0", "#c6701e", "#2c8246"]) {
        assert_eq!(colours(colour), line.notes.len() + 1, "{:?}", line.instrument);
    }
}

/// A number of an element's attribute.
fn attribute(element: &str, name: &str) -> f64 {
    let value = element
        .split(&format!(" {name}=\""))
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    value.expect(name).parse().expect("a number")
}

#[test]
fn notes_lie_where_they_sound_and_rise_with_their_pitch() {
    let (clip, drums, mut music) = (clip(10.0), drums(10.0), music(10.0));
    let note = |step, length, pitch| GridNote {
        step,
        length,
        pitch,
        velocity: 1.0,
        offset: 0.0,
    };
    music.lines.truncate(1);
    music.lines[0].notes = vec![note(4, 8, 60), note(8, 8, 72)];
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("plot.svg");
    let draw = |drums| {
        let view = PlotView {
            clip: &clip,
            poses: None,
            rhythm: None,
            holds: &[],
            drums,
            music: Some(&music),
        };
        write_plot(&view, &path).expect("drawn");
        fs::read_to_string(&path).expect("read")
    };
    let document = draw(Some(&drums));
    let bars: Vec<&str> = document.lines().filter(|l| l.contains("fill=\"#245ca0\"")).collect();
    let [_, low, high] = bars[..] else {
        panic!("the legend and two notes: {bars:?}")
    };
    for (bar, step) in [(low, 4), (high, 8)] {
        let time = drums.beats[step / 4].seconds();
        let length = (drums.beats[step / 4 + 1].seconds() - time) * 144.4;
        assert!((attribute(bar, "x") - (124.0 + 144.4 * time)).abs() < 0.02, "{bar}");
        assert!((attribute(bar, "width") + 1.0 - length).abs() < 0.02, "{bar}");
    }
    let octave = attribute(low, "y") - attribute(high, "y");
    assert!(octave > 12.0 * attribute(low, "height"), "{octave}");
    // Lines at the octaves, an octave apart.
    let texts = texts(&document);
    assert!(texts.contains(&"C4") && texts.contains(&"C5") && !texts.contains(&"guitar"));
    assert!(!draw(None).contains("#245ca0"), "it has no grid without the drums");
}

#[test]
fn hits_lie_where_they_sound() {
    let mut grid = drums(10.0);
    let beats = grid.beats.clone();
    grid.hits = vec![Hit {
        step: 8,
        class: DrumClass::Snare,
        velocity: 1.0,
        offset: 0.25,
    }];
    let clip = clip(10.0);
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("plot.svg");
    let view = PlotView {
        clip: &clip,
        poses: None,
        rhythm: None,
        holds: &[],
        drums: Some(&grid),
        music: None,
    };
    write_plot(&view, &path).expect("drawn");
    let document = fs::read_to_string(&path).expect("read");
    let circle = document
        .lines()
        .find(|l| l.contains("fill=\"#e4572e\""))
        .expect("the snare's circle");
    let x: f64 = circle
        .split("cx=\"")
        .nth(1)
        .and_then(|r| r.split('"').next())
        .expect("cx")
        .parse()
        .expect("number");
    let axis: Vec<&str> = document
        .lines()
        .filter(|l| l.contains("x1=\"124\"") && l.contains("x2=\"1568\""))
        .collect();
    assert_eq!(axis.len(), 1, "one row of 10 s from 124 to 1568");
    let step = (beats[3] - beats[2]).seconds() / 4.0;
    let time = beats[2].seconds() + 0.25 * step;
    assert!((x - (124.0 + 1444.0 * time / 10.0)).abs() < 0.01, "{x}");
    assert!(
        !texts(&document).contains(&"Movement"),
        "parts that are not there are left out"
    );
}

#[test]
fn labels_do_not_overlap_and_long_clips_stay_readable() {
    for seconds in [2.0, 7.3, 20.0, 45.0, 600.0] {
        let document = svg(seconds);
        let height: f64 = document
            .split("height=\"")
            .nth(1)
            .and_then(|r| r.split('"').next())
            .expect("height")
            .parse()
            .expect("number");
        assert!(height < 2800.0, "{seconds} s: {height} pixels high");
        let rows = texts(&document).iter().filter(|t| **t == "Kick").count();
        assert_eq!(rows, ((seconds / 20.0).ceil() as usize).clamp(1, 3));
        let shown = texts(&document).iter().any(|t| t.contains("the liveliest part"));
        assert_eq!(shown, seconds > 60.0);
        // Boxes of the texts by the points of their outlines.
        let mut boxes: Vec<([f64; 4], &str)> = Vec::new();
        for line in document.lines().filter(|l| l.contains("aria-label")) {
            let outline = line.split(" d=\"").nth(1).expect("outline").trim_end_matches("\"/>");
            let numbers: Vec<f64> = outline
                .split(|c: char| c.is_ascii_alphabetic() || c == ' ')
                .filter(|n| !n.is_empty())
                .map(|n| n.parse().expect("number"))
                .collect();
            let mut bounds = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
            for point in numbers.chunks_exact(2) {
                bounds = [
                    bounds[0].min(point[0]),
                    bounds[1].min(point[1]),
                    bounds[2].max(point[0]),
                    bounds[3].max(point[1]),
                ];
            }
            let text = line
                .split("aria-label=\"")
                .nth(1)
                .and_then(|r| r.split('"').next())
                .expect("label");
            assert!(
                bounds[0] > 0.0 && bounds[2] < 1600.0 && bounds[3] < height,
                "'{text}' leaves the picture: {bounds:?}"
            );
            for (other, name) in &boxes {
                let apart =
                    bounds[2] < other[0] || other[2] < bounds[0] || bounds[3] < other[1] || other[3] < bounds[1];
                assert!(apart, "{seconds} s: '{text}' lies on '{name}'");
            }
            boxes.push((bounds, text));
        }
        assert!(boxes.len() > 20);
    }
}

#[test]
fn png_is_the_drawing_and_the_same_every_time() {
    let folder = tempfile::tempdir().expect("folder");
    let (a, b) = (folder.path().join("a.png"), folder.path().join("b.PNG"));
    plot(4.0, &a);
    plot(4.0, &b);
    let bytes = fs::read(&a).expect("read");
    assert_eq!(bytes, fs::read(&b).expect("read"));
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let width = u32::from_be_bytes(bytes[16..20].try_into().expect("four"));
    assert_eq!(width, 2400);
    assert!(bytes.len() > 40_000, "not an empty sheet: {}", bytes.len());
}

#[test]
fn odd_values_and_names_are_drawn_or_refused() {
    let folder = tempfile::tempdir().expect("folder");
    for name in ["plot.jpg", "plot"] {
        let error = write_plot(
            &PlotView {
                clip: &clip(3.0),
                poses: None,
                rhythm: None,
                holds: &[],
                drums: None,
                music: None,
            },
            &folder.path().join(name),
        )
        .expect_err("no picture");
        assert!(
            matches!(error, Error::Output { .. }) && error.to_string().contains(".svg or .png"),
            "{error}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 0);

    let mut clip = clip(3.0);
    clip.path = "odd <&> \u{7} name that is much longer than any picture is wide and goes on and on and on and on and on and on \
                 and on and on and on and on and on.mp4"
        .into();
    let mut rhythm = rhythm(3.0);
    rhythm.movement.values[3] = f32::NAN;
    rhythm.activation.values.clear();
    rhythm.accents[0].strength = f32::INFINITY;
    let mut poses = poses(3.0);
    poses.poses[2].joints[4].x = f32::NAN;
    let nobody = PoseTrack {
        poses: vec![],
        cuts: vec![],
        people: 0,
        others: vec![],
    };
    let empty = DrumGrid {
        beats: vec![],
        first_beat: 1,
        beats_per_bar: 4,
        style: String::new(),
        hits: vec![],
    };
    for (poses, drums) in [(Some(&poses), None), (Some(&nobody), Some(&empty)), (None, None)] {
        let view = PlotView {
            clip: &clip,
            poses,
            rhythm: Some(&rhythm),
            holds: &[],
            drums,
            music: None,
        };
        write_plot(&view, &folder.path().join("odd.png")).expect("drawn");
    }
    clip.duration = Span::ZERO;
    let view = PlotView {
        clip: &clip,
        poses: None,
        rhythm: None,
        holds: &[],
        drums: None,
        music: None,
    };
    write_plot(&view, &folder.path().join("none.svg")).expect("drawn");
}
