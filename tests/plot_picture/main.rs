//! Pictures of hand-made analyses.
// Tests may panic and print what they measure.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod made;

use kinescore::Error;
use kinescore::drums::{DrumClass, DrumGrid, Hit};
use kinescore::export::plot::{PlotView, write_plot};
use kinescore::music::GridNote;
use kinescore::pose::PoseTrack;
use kinescore::rhythm::{AccentKind, BodyPart};
use kinescore::time::Span;
use made::{HOLDS, PARTS, clip, drums, music, poses, rhythm};
use std::fs;
use std::path::Path;

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
    // A diamond for each impact in the colour of its part, and one in the legend; kick and snare
    // have two there.
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
fn notes_are_where_they_sound_and_rise_with_their_pitch() {
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
fn hits_are_where_they_sound() {
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
    assert!(!texts(&document).contains(&"Movement"), "missing parts are left out");
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
                assert!(apart, "{seconds} s: '{text}' overlaps '{name}'");
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
        handovers: vec![],
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
