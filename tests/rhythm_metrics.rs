//! Tests the measures of beats and of following against numbers of `mir_eval` 0.8.2 and hand-made
//! numbers.

#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

mod rhythm_support;

use kinescore::rhythm::{Accent, AccentKind, BodyPart, Curve, metrics};
use kinescore::time::{BeatGrid, Instant, Rate, Span, Tempo};
use rhythm_support::Noise;

fn instants(times: impl IntoIterator<Item = f64>) -> Vec<Instant> {
    times.into_iter().map(Instant::from_seconds).collect()
}

/// Reference beats, and beats with jitter, gaps, another level and an offset.
fn case(seed: u64, n: usize, period: f64, jitter: f64, dropped: f64, level: f64, offset: f64) -> [Vec<Instant>; 2] {
    let mut noise = Noise(seed);
    let round = |x: f64| (x * 1e6).round() / 1e6;
    let reference = (0..n)
        .map(|i| round(0.5 + period * i as f64 + 0.01 * (noise.uniform() - 0.5)))
        .collect::<Vec<_>>();
    let estimated = (0..(n as f64 * level) as usize)
        .map(|i| {
            (
                0.5 + offset + period / level * i as f64 + jitter * (noise.uniform() - 0.5),
                noise.uniform(),
            )
        })
        .filter(|(_, keep)| *keep >= dropped)
        .map(|(time, _)| round(time))
        .collect::<Vec<_>>();
    [instants(reference), instants(estimated)]
}

#[test]
fn beat_measures_agree_with_mir_eval() {
    let cases = [
        (
            case(1, 40, 0.5, 0.1, 0.1, 1.0, 0.01),
            [0.904109589, 0.73565748, 0.325, 0.675, 0.325, 0.675],
        ),
        (
            case(2, 40, 0.5, 0.06, 0.0, 2.0, 0.0),
            [0.666666667, 0.62098622, 0.0, 0.0, 0.6625, 0.925],
        ),
        (
            case(3, 30, 0.6, 0.12, 0.2, 1.0, 0.3),
            [0.0, 2e-9, 0.0, 0.0, 0.379310345, 0.655172414],
        ),
        (
            case(4, 50, 0.45, 0.3, 0.1, 1.0, 0.05),
            [0.468085106, 0.336574356, 0.08, 0.26, 0.08, 0.26],
        ),
        (
            case(5, 40, 0.5, 0.05, 0.05, 0.5, 0.02),
            [0.620689655, 0.534554226, 0.0, 0.0, 0.5, 0.85],
        ),
    ];
    for (k, ([reference, estimated], expected)) in cases.iter().enumerate() {
        let c = metrics::continuity(reference, estimated);
        let ours = [
            metrics::f_measure(reference, estimated, metrics::F_TOLERANCE),
            metrics::cemgil(reference, estimated),
            c.cml_c,
            c.cml_t,
            c.aml_c,
            c.aml_t,
        ];
        for (name, (a, b)) in ["F", "Cemgil", "CMLc", "CMLt", "AMLc", "AMLt"]
            .iter()
            .zip(ours.iter().zip(expected))
        {
            assert!((a - b).abs() < 1e-6, "case {k}, {name}: {a}, mir_eval {b}");
        }
    }
}

#[test]
fn nothing_measures_nothing() {
    let some = instants([1.0, 2.0]);
    assert_eq!(metrics::f_measure(&some, &[], metrics::F_TOLERANCE), 0.0);
    assert_eq!(metrics::cemgil(&[], &some), 0.0);
    assert_eq!(metrics::continuity(&some[..1], &some), metrics::Continuity::default());
    assert!(metrics::drift(&some, &[]).is_none());
}

#[test]
fn chance_agrees_with_the_literature() {
    let duration = Span::from_seconds(30.0);
    let songs = [88.0, 96.5, 104.0, 117.0, 125.0, 133.0];
    let mean = songs
        .iter()
        .map(|bpm| {
            let beats = metrics::metronome(Tempo::from_bpm(*bpm), Span::from_seconds(0.3), duration);
            metrics::random_f_measure(&beats, duration)
        })
        .sum::<f64>()
        / songs.len() as f64;
    assert!((mean - 0.245).abs() < 0.03, "{mean}");
}

#[test]
fn drift_is_late_positive() {
    let reference = instants([0.0, 1.0, 2.0]);
    let drift = metrics::drift(&reference, &instants([0.0, 1.02, 2.04])).expect("beats");
    assert!((drift.seconds() - 0.04).abs() < 1e-9);
}

#[test]
fn impacts_on_the_beats_show_in_the_impact_phase() {
    let rate = Rate::from_hz(60.0);
    let impact = Curve {
        rate,
        values: (0..600).map(|i| if i % 30 == 0 { 10.0 } else { 1.0 }).collect(),
    };
    let beats = metrics::metronome(Tempo::from_bpm(120.0), Span::ZERO, Span::from_seconds(9.9));
    let [on, quarter, half, _] = metrics::impact_phase(&impact, &beats);
    assert!((on - 19.0 / 9.0).abs() < 0.15, "{on}");
    assert!(quarter < 0.9 && half < 0.9);
    assert_eq!(metrics::impact_phase(&impact, &beats[..1]), [0.0; 4]);
}

fn accents(times: &[f64]) -> Vec<Accent> {
    times
        .iter()
        .map(|t| Accent {
            time: Instant::from_seconds(*t),
            strength: 0.8,
            kind: AccentKind::Impact,
            part: BodyPart::default(),
            impact: None,
        })
        .collect()
}

#[test]
fn follow_by_hand() {
    let grid = BeatGrid::new(instants((0..=16).map(|i| 0.5 * f64::from(i)))).expect("rising");
    let step = |s: f64| (Instant::from_seconds(0.125 * s), 0.5_f32);
    // Soft hits on every beat, a loud one on steps 5 and 21.
    let mut onsets: Vec<(Instant, f32)> = (0..8).map(|b| step(4.0 * f64::from(b))).collect();
    onsets.extend([(step(5.0).0, 1.0), (step(21.0).0, 1.0)]);
    onsets.sort_by(|a, b| a.0.seconds().total_cmp(&b.0.seconds()));
    // Two on the loud hits, one beside a beat, one without a hit within a step.
    let four = accents(&[0.63, 1.12, 2.62, 3.25]);
    assert_eq!(metrics::follow(&four, &onsets, &grid), 0.75);
    // The accents are on steps 5, 9, 21 and 26 (energy 1, 0, 1, 0); the other steps from 0 to 28
    // hold the eight soft hits.
    let louder = metrics::accent_energy(&four, &onsets, &grid);
    assert!((louder - (2.0 / 4.0) / (8.0 * 0.5 / 25.0)).abs() < 1e-9, "{louder}");
    assert_eq!(metrics::accent_energy(&[], &onsets, &grid), 0.0);
    assert_eq!(metrics::follow(&[], &onsets, &grid), 0.0);
    assert_eq!(metrics::follow(&four, &[], &grid), 0.0);
}

#[test]
fn a_shuffled_movement_has_the_same_gaps_and_is_followed_less() {
    let grid = BeatGrid::new(instants((0..=120).map(|i| 0.5 * f64::from(i)))).expect("rising");
    let mut noise = Noise(3);
    let mut times: Vec<f64> = (0..480)
        .filter(|_| noise.uniform() < 0.15)
        .map(|s| 0.125 * f64::from(s))
        .collect();
    times.dedup();
    let moved = accents(&times);
    let onsets: Vec<(Instant, f32)> = moved.iter().map(|a| (a.time, 0.9)).collect();
    assert_eq!(metrics::follow(&moved, &onsets, &grid), 1.0);
    let duration = Span::from_seconds(60.0);
    let shuffled = metrics::shuffled(&moved, duration, 7);
    assert_eq!(shuffled.len(), moved.len());
    assert_eq!(shuffled, metrics::shuffled(&moved, duration, 7));
    assert!(shuffled.windows(2).all(|a| a[1].time > a[0].time));
    assert!(shuffled.iter().all(|a| (0.0..=60.0).contains(&a.time.seconds())));
    let chance = metrics::follow(&shuffled, &onsets, &grid);
    assert!(chance < 0.7, "{chance}");
}
