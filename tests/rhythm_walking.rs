//! Tests the rhythm stage on the poses of a real walk (see `fixtures/rhythm_walking.md`).

#![allow(clippy::expect_used)] // helpers of tests may panic

mod rhythm_support;

use kinescore::rhythm::{self, metrics};
use kinescore::settings::{BeatSource, RhythmSettings};
use kinescore::time::{Instant, Span};
use kinescore::{Monitor, Settings};
use rhythm_support::{by_motion, network_models, walk};

/// When the feet come to rest, seconds.
const STEPS: [f64; 9] = [1.99, 2.61, 3.26, 3.86, 4.47, 5.06, 5.70, 6.27, 6.81];

#[test]
fn the_beats_of_a_walk_are_its_steps() {
    let (track, duration) = walk();
    let rhythm = by_motion(&track, duration, Settings::default().rhythm(), &Monitor::none()).expect("a rhythm");
    // 99.7 steps a minute over five seconds: one step more or less is a tenth.
    assert!((96.0..=104.0).contains(&rhythm.tempo.bpm()), "{}", rhythm.tempo.bpm());
    let steps = STEPS.map(Instant::from_seconds);
    let (first, last) = (steps[0] - Span::from_seconds(0.3), steps[8] + Span::from_seconds(0.3));
    let beats: Vec<Instant> = rhythm.beats.iter().map(|b| b.time).collect();
    let during: Vec<Instant> = beats.iter().copied().filter(|b| *b > first && *b < last).collect();
    let f = metrics::f_measure(&steps, &during, metrics::F_TOLERANCE);
    let off_beat: Vec<Instant> = during.iter().map(|b| *b + rhythm.tempo.beat_span() * 0.5).collect();
    assert!(f >= 0.7, "F {f}: {during:?}");
    assert!(metrics::f_measure(&steps, &off_beat, metrics::F_TOLERANCE) < 0.2);
    assert!(metrics::lock_percentile(&rhythm.movement, &beats) > 90.0);

    // Every step has an accent near it.
    let struck = steps
        .iter()
        .filter(|s| rhythm.accents.iter().any(|a| (a.time - **s).seconds().abs() < 0.1))
        .count();
    assert!(struck >= 7, "{struck} of 9 steps: {:?}", rhythm.accents);
}

#[test]
fn the_network_finds_the_steps_of_a_walk_as_beats() {
    let (track, duration) = walk();
    let settings = RhythmSettings {
        source: BeatSource::Network,
        ..Settings::default().rhythm().clone()
    };
    let rhythm = rhythm::find(&track, duration, &mut network_models(), &settings, &Monitor::none()).expect("a rhythm");
    let steps = STEPS.map(Instant::from_seconds);
    let (first, last) = (steps[0] - Span::from_seconds(0.3), steps[8] + Span::from_seconds(0.3));
    let during = rhythm.beats.iter().map(|b| b.time).filter(|b| *b > first && *b < last);
    let f = metrics::f_measure(&steps, &during.collect::<Vec<_>>(), metrics::F_TOLERANCE);
    assert!(f >= 0.8, "F {f}: {:?}", rhythm.beats);
}
