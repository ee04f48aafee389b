//! The rhythm stage on skeletons that dance to a known grid, with the beats by signal processing.

#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

mod rhythm_support;

use kinescore::pose::{JOINTS, Joint, JointPoint, PoseTrack};
use kinescore::rhythm::{self, AccentKind, Rhythm, metrics};
use kinescore::settings::RhythmSettings;
use kinescore::time::{Instant, Span, Tempo};
use kinescore::{Error, Monitor, Settings};
use proptest::prelude::*;
use rhythm_support::{Dance, Noise, by_motion};

fn settings() -> RhythmSettings {
    Settings::default().rhythm().clone()
}

fn find(track: &PoseTrack, duration: Span) -> Rhythm {
    by_motion(track, duration, &settings(), &Monitor::none()).expect("a rhythm")
}

/// A short description of a result.
fn brief(result: &kinescore::Result<Rhythm>) -> String {
    match result {
        Ok(rhythm) => format!("{} beats at {:.2}", rhythm.beats.len(), rhythm.tempo.bpm()),
        Err(error) => error.to_string(),
    }
}

fn beats(rhythm: &Rhythm) -> Vec<Instant> {
    rhythm.beats.iter().map(|b| b.time).collect()
}

/// The ratio of `found` to the nearest of one, two and a half times `tempo`, minus 1.
fn off_up_to_octave(found: Tempo, tempo: f64) -> f64 {
    [0.5, 1.0, 2.0]
        .map(|octave| (found.bpm() / (tempo * octave) - 1.0).abs())
        .into_iter()
        .fold(f64::INFINITY, f64::min)
}

fn check(rhythm: &Rhythm, duration: Span) {
    let end = duration.seconds();
    let times: Vec<f64> = rhythm.beats.iter().map(|b| b.time.seconds()).collect();
    assert!(times.len() >= 2);
    assert!(times.windows(2).all(|t| t[1] > t[0]), "beats rise");
    assert!(
        times.iter().all(|t| (0.0..=end).contains(t)),
        "beats are within the clip"
    );
    let interval = |a: usize, b: usize| times[b] - times[a];
    // An interval cut off by the clip's edge may be longer than its neighbour inside if the tempo
    // changes.
    let longer = 1.15;
    assert!(times[0] <= longer * interval(0, 1), "first beat at {}", times[0]);
    let last = times.len() - 1;
    assert!(
        end - times[last] <= longer * interval(last - 1, last),
        "last beat at {}",
        times[last]
    );
    for pair in rhythm.beats.windows(2) {
        assert_eq!(pair[1].number, pair[0].number % rhythm.beats_per_bar + 1);
    }
    assert!((0.0..=1.0).contains(&rhythm.confidence));
    for accent in &rhythm.accents {
        assert!((0.0..=end).contains(&accent.time.seconds()));
        assert!(accent.strength > 0.0 && accent.strength <= 1.0);
    }
    assert!(rhythm.accents.windows(2).all(|a| a[1].time > a[0].time), "accents rise");
    assert!(rhythm.activation.values.iter().all(|a| (0.0..=1.0).contains(a)));
    assert!(rhythm.movement.values.iter().all(|m| m.is_finite() && *m >= 0.0));
    let composition = rhythm::compose::compose(rhythm).expect("a composition");
    assert_eq!(composition.steps.len() % composition.steps_per_bar(), 0);
    assert_eq!(
        composition.steps.len() / composition.steps_per_bar(),
        composition.bar_energy.len()
    );
    assert!(composition.bar_energy.iter().all(|e| (0..=4).contains(e)));
    assert!(composition.first_step <= 0);
}

#[test]
fn the_tempo_of_a_dance_is_found_up_to_octave_and_the_beats_with_it() {
    for (seed, tempo) in [
        (1, 64.0),
        (2, 80.0),
        (3, 97.3),
        (4, 110.0),
        (5, 128.0),
        (6, 150.0),
        (7, 172.0),
    ] {
        let dance = Dance {
            tempo,
            tempo_end: tempo,
            ..Dance::default()
        };
        let rhythm = find(&dance.track(seed), dance.span());
        check(&rhythm, dance.span());
        let (found, truth) = (beats(&rhythm), dance.beats());
        assert!(
            off_up_to_octave(rhythm.tempo, tempo) < 0.002,
            "{tempo}: {}",
            rhythm.tempo.bpm()
        );
        if (80.0..=150.0).contains(&tempo) {
            assert!(
                (rhythm.tempo.bpm() / tempo - 1.0).abs() < 0.002,
                "{tempo}: {}",
                rhythm.tempo.bpm()
            );
            let f = metrics::f_measure(&truth, &found, metrics::F_TOLERANCE);
            assert!(f > 0.9, "{tempo}: F {f}");
        }
        assert!(metrics::lock_percentile(&rhythm.movement, &found) > 95.0);
        assert!(rhythm.confidence > 0.5, "{tempo}: {}", rhythm.confidence);
        assert!(rhythm.accents.iter().any(|a| a.kind == AccentKind::Impact));
    }
}

#[test]
fn a_tempo_that_changes_is_followed() {
    let dance = Dance {
        tempo: 96.0,
        tempo_end: 116.0,
        duration: 60.0,
        ..Dance::default()
    };
    let rhythm = find(&dance.track(8), dance.span());
    check(&rhythm, dance.span());
    let f = metrics::f_measure(&dance.beats(), &beats(&rhythm), metrics::F_TOLERANCE);
    assert!(f > 0.9, "F {f}");
    let drift = metrics::drift(&dance.beats(), &beats(&rhythm)).expect("beats");
    assert!(drift.seconds().abs() < 0.07, "{} s at the end", drift.seconds());
}

#[test]
fn accents_are_where_the_hands_and_feet_stop() {
    let dance = Dance::default();
    let rhythm = find(&dance.track(9), dance.span());
    let truth = dance.beats();
    let apart = |t: Instant| {
        truth
            .iter()
            .map(|b| (*b - t).seconds().abs())
            .fold(f64::INFINITY, f64::min)
    };
    let impacts: Vec<f64> = rhythm
        .accents
        .iter()
        .filter(|a| a.kind == AccentKind::Impact)
        .map(|a| apart(a.time))
        .collect();
    assert!(
        impacts.len() >= truth.len() / 2,
        "{} impacts on {} beats",
        impacts.len(),
        truth.len()
    );
    let near = impacts.iter().filter(|a| **a < 0.030).count();
    assert!(near * 10 >= impacts.len() * 9, "{impacts:?}");
}

#[test]
fn accents_are_a_tenth_to_a_third_of_the_steps() {
    for tempo in [85.0, 110.0, 140.0] {
        let dance = Dance {
            tempo,
            tempo_end: tempo,
            ..Dance::default()
        };
        let composition = rhythm::compose::compose(&find(&dance.track(10), dance.span())).expect("a composition");
        let accents = composition.steps.iter().filter(|s| s.level > 0).count();
        let strong = composition.steps.iter().filter(|s| s.level > 1).count();
        let share = accents as f64 / composition.steps.len() as f64;
        assert!((0.1..=0.3).contains(&share), "{tempo}: {share}");
        assert!(
            (0.15..=0.35).contains(&(strong as f64 / accents as f64)),
            "{tempo}: {strong} of {accents}"
        );
    }
}

#[test]
fn the_frame_rate_changes_nothing() {
    let dance = |fps: f64| Dance {
        fps,
        jitter: 0.002,
        ..Dance::default()
    };
    let reference = dance(60.0);
    let at_60 = find(&reference.track(11), reference.span());
    for fps in [24.0, 25.0, 29.97, 30.0, 50.0] {
        let other = find(&dance(fps).track(12), reference.span());
        let off = other.tempo.bpm() / at_60.tempo.bpm() - 1.0;
        assert!(
            off.abs() < 0.005,
            "{fps}: {} beside {}",
            other.tempo.bpm(),
            at_60.tempo.bpm()
        );
        let f = metrics::f_measure(&beats(&at_60), &beats(&other), Span::from_seconds(0.040));
        assert!(f > 0.95, "{fps}: {f}");
        let mean = |r: &Rhythm| r.movement.values.iter().sum::<f32>() / r.movement.values.len() as f32;
        let ratio = mean(&other) / mean(&at_60);
        assert!((0.85..=1.15).contains(&ratio), "{fps}: movement {ratio} times as large");
    }
}

#[test]
fn size_place_and_side_in_the_picture_change_nothing() {
    let plain = Dance::default();
    let reference = find(&plain.track(13), plain.span());
    let others = [
        Dance {
            torso: 22.0,
            at: [90.0, 160.0],
            ..plain
        },
        Dance {
            torso: 400.0,
            at: [1900.0, 1000.0],
            ..plain
        },
        Dance {
            mirrored: true,
            ..plain
        },
    ];
    for other in others {
        let found = find(&other.track(13), plain.span());
        assert_eq!(found.beats.len(), reference.beats.len(), "{other:?}");
        for (a, b) in found.beats.iter().zip(&reference.beats) {
            assert!((a.time - b.time).seconds().abs() < 0.005, "{other:?}");
            assert_eq!(a.number, b.number, "{other:?}");
        }
        for (a, b) in found.movement.values.iter().zip(&reference.movement.values) {
            assert!((a - b).abs() < 0.02 * b.max(1.0), "{other:?}: {a} beside {b}");
        }
        assert_eq!(found.accents.len(), reference.accents.len(), "{other:?}");
    }
}

#[test]
fn a_camera_that_pans_changes_little() {
    let still = Dance::default();
    let panned = Dance { pan: 90.0, ..still };
    let (a, b) = (
        find(&still.track(14), still.span()),
        find(&panned.track(14), still.span()),
    );
    let f = metrics::f_measure(&beats(&a), &beats(&b), Span::from_seconds(0.040));
    assert!(f > 0.95, "{f}");
    let mean = |r: &Rhythm| r.movement.values.iter().sum::<f32>() / r.movement.values.len() as f32;
    assert!((mean(&b) / mean(&a) - 1.0).abs() < 0.1, "{} and {}", mean(&a), mean(&b));
}

#[test]
fn a_person_who_stands_still_gives_no_beat_however_the_detector_jitters() {
    // 0.2 to 0.6 % of the body's height, of which a torso is 0.3.
    for fps in [24.0, 30.0, 60.0] {
        for jitter in [0.0, 0.002 / 0.3, 0.006 / 0.3] {
            let still = Dance {
                size: 0.0,
                jitter,
                fps,
                ..Dance::default()
            };
            let result = by_motion(&still.track(15), still.span(), &settings(), &Monitor::none());
            match result {
                Err(Error::NoBeat { movement, least }) => assert!(movement < 1.0 && least > 1.0, "{movement}"),
                other => panic!("{fps} fps, jitter {jitter}: {}", brief(&other)),
            }
        }
    }
    // Nor does the jitter cause accents when the user sets a tempo.
    let fixed = RhythmSettings {
        tempo: Some(Tempo::from_bpm(120.0)),
        ..settings()
    };
    for seed in 0..5 {
        let still = Dance {
            size: 0.0,
            jitter: 0.004 / 0.3,
            ..Dance::default()
        };
        let rhythm = by_motion(&still.track(seed), still.span(), &fixed, &Monitor::none()).expect("a metronome");
        assert!(rhythm.accents.is_empty(), "{:?}", rhythm.accents);
    }
    // Small shifts of weight are not a dance either.
    let shifting = Dance {
        size: 0.05,
        tempo: 50.0,
        tempo_end: 50.0,
        ..Dance::default()
    };
    let result = by_motion(&shifting.track(16), shifting.span(), &settings(), &Monitor::none());
    assert!(matches!(result, Err(Error::NoBeat { .. })), "{}", brief(&result));
}

#[test]
fn a_fixed_tempo_is_exact_and_needs_no_movement() {
    let fixed = RhythmSettings {
        tempo: Some(Tempo::from_bpm(100.0)),
        ..settings()
    };
    let still = Dance {
        size: 0.0,
        ..Dance::default()
    };
    let rhythm = by_motion(&still.track(17), still.span(), &fixed, &Monitor::none()).expect("a metronome");
    check(&rhythm, still.span());
    assert_eq!(rhythm.tempo.bpm(), 100.0);
    assert!(
        rhythm
            .beats
            .windows(2)
            .all(|b| ((b[1].time - b[0].time).seconds() - 0.6).abs() < 1e-9)
    );
    assert!(rhythm.confidence < 0.5, "{}", rhythm.confidence);
    assert!(rhythm.accents.is_empty(), "{:?}", rhythm.accents);

    // With movement, the phase follows the movement.
    let dance = Dance {
        tempo: 100.0,
        tempo_end: 100.0,
        ..Dance::default()
    };
    let rhythm = by_motion(&dance.track(18), dance.span(), &fixed, &Monitor::none()).expect("a metronome");
    let f = metrics::f_measure(&dance.beats(), &beats(&rhythm), metrics::F_TOLERANCE);
    assert!(f > 0.95, "{f}");
    // The clip must hold two beats.
    let too_short = by_motion(&dance.track(18), Span::from_seconds(0.5), &fixed, &Monitor::none());
    assert!(matches!(too_short, Err(Error::NoBeat { .. })), "{}", brief(&too_short));
}

#[test]
fn frames_too_far_apart_to_measure_the_movement_are_reported_as_such() {
    let dance = Dance::default();
    let mut sparse = dance.track(19);
    // Two poses per second.
    let mut next = 0.0;
    sparse.poses.retain(|pose| {
        let is_due = pose.time.seconds() >= next;
        next += if is_due { 0.5 } else { 0.0 };
        is_due
    });
    match by_motion(&sparse, dance.span(), &settings(), &Monitor::none()) {
        Err(Error::PosesTooSparse { interval, most }) => assert!((interval - 0.5).abs() < 0.05 && most < interval),
        other => panic!("{}", brief(&other)),
    }
}

#[test]
fn beats_in_a_bar_can_be_fixed() {
    let dance = Dance::default();
    let waltz = RhythmSettings {
        beats_per_bar: Some(3),
        ..settings()
    };
    let rhythm = by_motion(&dance.track(19), dance.span(), &waltz, &Monitor::none()).expect("a rhythm");
    check(&rhythm, dance.span());
    assert_eq!(rhythm.beats_per_bar, 3);
}

#[test]
fn the_tempo_range_is_kept() {
    let dance = Dance::default();
    let narrow = RhythmSettings {
        slowest: Tempo::from_bpm(140.0),
        fastest: Tempo::from_bpm(240.0),
        ..settings()
    };
    let rhythm = by_motion(&dance.track(20), dance.span(), &narrow, &Monitor::none()).expect("a rhythm");
    assert!((139.0..=242.0).contains(&rhythm.tempo.bpm()), "{}", rhythm.tempo.bpm());
    assert!(off_up_to_octave(rhythm.tempo, 110.0) < 0.01);
}

#[test]
fn the_same_poses_give_the_same_rhythm() {
    let dance = Dance::default();
    assert_eq!(
        find(&dance.track(21), dance.span()),
        find(&dance.track(21), dance.span())
    );
}

#[test]
fn hidden_legs_and_lost_joints_leave_the_beats() {
    let dance = Dance::default();
    let mut track = dance.track(22);
    let mut noise = Noise(5);
    for pose in &mut track.poses {
        for joint in [
            Joint::RightHip,
            Joint::LeftHip,
            Joint::MidHip,
            Joint::RightKnee,
            Joint::LeftKnee,
        ]
        .into_iter()
        .chain([
            Joint::RightAnkle,
            Joint::LeftAnkle,
            Joint::RightBigToe,
            Joint::LeftBigToe,
        ]) {
            pose.joints[joint as usize] = JointPoint::default();
        }
        for joint in &mut pose.joints {
            if noise.uniform() < 0.1 {
                *joint = JointPoint::default();
            }
        }
    }
    let rhythm = find(&track, dance.span());
    check(&rhythm, dance.span());
    let f = metrics::f_measure(&dance.beats(), &beats(&rhythm), metrics::F_TOLERANCE);
    assert!(f > 0.85, "F {f}");
}

#[test]
fn a_cut_is_not_movement() {
    // A still person who is elsewhere, and larger, after each cut.
    let still = Dance {
        size: 0.0,
        ..Dance::default()
    };
    let mut track = still.track(23);
    track.cuts = (1..40).map(|i| Instant::from_seconds(f64::from(i) * 0.5)).collect();
    for pose in &mut track.poses {
        let shot = (pose.time.seconds() / 0.5 + 1e-9) as i32 as f32;
        for joint in &mut pose.joints {
            joint.x = 200.0 + (joint.x - 640.0) * (1.0 + 0.1 * (shot % 3.0)) + 150.0 * (shot % 4.0);
            joint.y *= 1.0 + 0.1 * (shot % 3.0);
        }
    }
    let result = by_motion(&track, still.span(), &settings(), &Monitor::none());
    assert!(matches!(result, Err(Error::NoBeat { .. })), "{}", brief(&result));
    track.cuts.clear();
    let uncut = by_motion(&track, still.span(), &settings(), &Monitor::none());
    if let Ok(rhythm) = uncut {
        check(&rhythm, still.span());
    }
}

#[test]
fn nothing_to_see_gives_no_beat_and_no_crash() {
    let dance = Dance::default();
    let mut blank = dance.track(24);
    for pose in &mut blank.poses {
        pose.joints = [JointPoint::default(); JOINTS];
    }
    let mut broken = dance.track(24);
    for (i, pose) in broken.poses.iter_mut().enumerate() {
        pose.joints[i % JOINTS].x = f32::NAN;
        pose.joints[(i + 5) % JOINTS].y = f32::INFINITY;
        pose.joints[(i + 9) % JOINTS].confidence = f32::NAN;
        if i % 50 == 7 {
            pose.time = Instant::from_seconds(0.0);
        }
    }
    broken.cuts = vec![
        Instant::from_seconds(f64::NAN),
        Instant::from_seconds(1.0),
        Instant::from_seconds(0.5),
    ];
    let empty = PoseTrack {
        poses: vec![],
        cuts: vec![],
        handovers: vec![],
        people: 0,
        others: vec![],
    };
    let fixed = RhythmSettings {
        tempo: Some(Tempo::from_bpm(120.0)),
        ..settings()
    };
    for track in [&blank, &empty] {
        let result = by_motion(track, dance.span(), &settings(), &Monitor::none());
        assert!(matches!(result, Err(Error::NoBeat { .. })), "{}", brief(&result));
        let rhythm = by_motion(track, dance.span(), &fixed, &Monitor::none()).expect("a metronome");
        check(&rhythm, dance.span());
        assert_eq!(rhythm.confidence, 0.0);
    }
    check(&find(&broken, dance.span()), dance.span());
    for seconds in [0.0, -1.0, f64::NAN, 0.01] {
        for settings in [&settings(), &fixed] {
            let result = by_motion(&blank, Span::from_seconds(seconds), settings, &Monitor::none());
            assert!(
                matches!(result, Err(Error::NoBeat { .. })),
                "{seconds}: {}",
                brief(&result)
            );
        }
    }
}

#[test]
fn a_cancelled_job_stops() {
    let dance = Dance::default();
    let cancel = kinescore::progress::Cancel::new();
    cancel.cancel();
    let monitor = Monitor::new(cancel, |_, _| {});
    let result = by_motion(&dance.track(25), dance.span(), &settings(), &monitor);
    assert!(matches!(result, Err(Error::Cancelled)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_rhythm_keeps_its_promises(
        tempo in 45.0..200.0_f64,
        tempo_end in 45.0..200.0_f64,
        duration in 2.0..25.0_f64,
        fps in 10.0..61.0_f64,
        size in 0.0..1.5_f64,
        jitter in 0.0..0.05_f64,
        lost in 0.0..1.0_f64,
        cuts in proptest::collection::vec(0.0..25.0_f64, 0..4),
        fixed in proptest::option::of(40.0..240.0_f64),
        seed in 0..1000_u64,
    ) {
        let dance = Dance { tempo, tempo_end, duration, fps, size, jitter, ..Dance::default() };
        let mut track = dance.track(seed);
        let mut noise = Noise(seed);
        for pose in &mut track.poses {
            if noise.uniform() < lost * 0.3 {
                pose.joints = [JointPoint::default(); JOINTS];
            }
        }
        track.cuts = cuts.iter().copied().map(Instant::from_seconds).collect();
        let settings = RhythmSettings { tempo: fixed.map(Tempo::from_bpm), ..settings() };
        match by_motion(&track, dance.span(), &settings, &Monitor::none()) {
            Ok(rhythm) => check(&rhythm, dance.span()),
            Err(error) => prop_assert!(matches!(error, Error::NoBeat { .. }), "{error}"),
        }
    }
}
