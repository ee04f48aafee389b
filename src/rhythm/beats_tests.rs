//! How network outputs become beats in bars, and the choice between the sources, with network
//! outputs made by hand.

use super::calibration::{Calibration, Logistic};
use super::confidence::Signs;
use super::decode::{self, BeatEvidence, Grid, NetworkOutput};
use super::features::FRAME_RATE;
use super::lock::{TEMPO_BINS, TempoWindow};
use super::*;
use crate::settings::Settings;
use crate::time::Tempo;
use std::path::Path;

fn calibration() -> Calibration {
    Calibration::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/video2rhythm.json")).expect("the calibration")
}

/// Deterministic noise, 0 to 1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1_u64 << 31) as f64
    }
}

/// The output of a good network for beats in bars of `bar`, the beat at index 1 being a downbeat:
/// peaks three frames wide, a sixth of them missing, false peaks, noise, and downbeats recognised
/// in two of three cases; nothing at all within `silent`.
fn output(beats: &[Instant], bar: usize, duration: Span, silent: std::ops::Range<f64>, seed: u64) -> NetworkOutput {
    let mut noise = Noise(seed);
    let frames = (duration.seconds() * FRAME_RATE.hz()) as usize + 1;
    let (mut beat, mut downbeat) = (vec![0.0_f64; frames], vec![0.0_f64; frames]);
    for (b, d) in beat.iter_mut().zip(&mut downbeat) {
        *b = 0.02 + 0.1 * noise.next();
        *d = 0.3 * *b;
    }
    let mut peak = |at: f64, height: f64, share: f64| {
        for i in 0..frames {
            let apart = (FRAME_RATE.instant(i).seconds() - at) / 0.025;
            if apart.abs() < 4.0 {
                let value = height * (-0.5 * apart * apart).exp();
                beat[i] = beat[i].max(value);
                downbeat[i] = downbeat[i].max(value * share);
            }
        }
    };
    for (i, time) in beats.iter().enumerate() {
        let reported = noise.next() < 0.67;
        let share = match (reported, i % bar == 1 % bar) {
            (true, true) => 0.7,
            (true, false) => 0.12,
            (false, _) => 0.25,
        };
        if noise.next() < 0.17 {
            peak(noise.next() * duration.seconds(), 0.3 + 0.3 * noise.next(), 0.25);
        } else {
            let jitter = 0.02 * (noise.next() - 0.5);
            peak(time.seconds() + jitter, 0.4 + 0.4 * noise.next(), share);
        }
    }
    for i in 0..frames {
        if silent.contains(&FRAME_RATE.instant(i).seconds()) {
            (beat[i], downbeat[i]) = (0.06, 0.015);
        }
    }
    NetworkOutput {
        beat,
        downbeat,
        tempo: tempi(beats, duration),
    }
}

/// Three tenths for the true tempo, as much for its double and half together, the rest spread
/// evenly: one window every five seconds.
fn tempi(beats: &[Instant], duration: Span) -> Vec<TempoWindow> {
    (0..(duration.seconds() / 5.0).ceil() as usize)
        .map(|w| {
            let middle = Instant::from_seconds(2.5 + 5.0 * w as f64);
            let after = beats.partition_point(|b| *b < middle).clamp(1, beats.len() - 1);
            let bpm = Tempo::from_beat_span(beats[after] - beats[after - 1]).bpm();
            let bin = |bpm: f64| (24.0 * (bpm / 50.0).log2()).round();
            let p = |k: usize| {
                let near = |bpm: f64| if (bin(bpm) - k as f64).abs() < 1.5 { 1.0 } else { 0.0 };
                0.4 / TEMPO_BINS as f64 + 0.1 * near(bpm) + 0.05 * (near(2.0 * bpm) + near(0.5 * bpm))
            };
            TempoWindow {
                middle,
                logs: (0..TEMPO_BINS).map(|k| p(k).ln()).collect(),
            }
        })
        .collect()
}

/// Decoded from the network's activations alone: the movement is neutral.
fn grid(output: NetworkOutput, duration: Span, settings: &RhythmSettings) -> Grid {
    let still = Curve {
        rate: motion::RATE,
        values: vec![3.0; (duration.seconds() * 60.0) as usize],
    };
    let impact = vec![0.0; still.values.len()];
    let heard = BeatEvidence::by_network(output, &impact, &calibration().network.decoding, duration);
    let locks = lock::Locks::new(&still, &hmm::intervals(settings.slowest, settings.fastest), hmm::RATE);
    decode::grid(&heard, &locks, &impact, duration, settings, &Monitor::none()).expect("not cancelled")
}

fn wide() -> RhythmSettings {
    RhythmSettings {
        slowest: Tempo::from_bpm(55.0),
        fastest: Tempo::from_bpm(215.0),
        ..Settings::default().rhythm().clone()
    }
}

/// Checks that beats within 40 ms of a true beat have the number of that beat.
fn check_numbers(grid: &Grid, truth: &[Instant], bar: usize) {
    assert_eq!(usize::from(grid.beats_per_bar), bar);
    let mut checked = 0;
    for (i, time) in truth.iter().enumerate() {
        let near = grid.beats.iter().find(|b| (b.time - *time).seconds().abs() < 0.04);
        if let Some(beat) = near {
            assert_eq!(
                usize::from(beat.number),
                (i + bar - 1) % bar + 1,
                "beat {i} at {}",
                time.seconds()
            );
            checked += 1;
        }
    }
    assert!(checked * 20 >= truth.len() * 19, "{checked} of {}", truth.len());
}

#[test]
fn beats_and_bars_of_a_network_are_found_at_every_tempo() {
    let duration = Span::from_seconds(60.0);
    for (seed, bpm) in [60.0, 97.3, 174.0].into_iter().enumerate() {
        for bar in [3_usize, 4] {
            let truth = matching::metronome(Tempo::from_bpm(bpm), Span::from_seconds(0.21), duration);
            let output = output(&truth, bar, duration, 0.0..0.0, seed as u64 + 1);
            let grid = grid(output, duration, &wide());
            let tempo = fit::tempo(&grid.instants()).expect("beats").bpm();
            assert!((tempo / bpm - 1.0).abs() < 0.001, "{bpm}: {tempo}");
            let beats = grid.instants();
            assert_eq!(beats.len(), truth.len(), "{bpm}, {bar} a bar");
            // At the clip's edge one false peak is half of the evidence.
            let f = matching::f_measure(&truth, &beats, Span::from_seconds(0.04));
            assert!(f > 0.98, "{bpm}, {bar} a bar: F {f} within 40 ms");
            let within = matching::f_measure(&truth[4..], &beats[4..], Span::from_seconds(0.01));
            assert_eq!(within, 1.0, "{bpm}, {bar} a bar: {within} within 10 ms");
            check_numbers(&grid, &truth, bar);
        }
    }
}

#[test]
fn beats_go_on_where_the_network_hears_none() {
    let duration = Span::from_seconds(50.0);
    let truth = matching::metronome(Tempo::from_bpm(104.0), Span::from_seconds(0.3), duration);
    let grid = grid(output(&truth, 4, duration, 20.0..27.0, 7), duration, &wide());
    let f = matching::f_measure(&truth, &grid.instants(), Span::from_seconds(0.04));
    assert!(f > 0.98, "F {f}");
    check_numbers(&grid, &truth, 4);
}

#[test]
fn a_drifting_tempo_keeps_its_bars() {
    // From 92 to 112 beats a minute within a minute.
    let duration = Span::from_seconds(60.0);
    let (mut truth, mut time) = (Vec::new(), 0.2);
    while time < duration.seconds() {
        truth.push(Instant::from_seconds(time));
        time += Tempo::from_bpm(92.0 + 20.0 * time / duration.seconds())
            .beat_span()
            .seconds();
    }
    let grid = grid(output(&truth, 4, duration, 0.0..0.0, 11), duration, &wide());
    let f = matching::f_measure(&truth, &grid.instants(), Span::from_seconds(0.04));
    assert!(f > 0.98, "F {f}");
    check_numbers(&grid, &truth, 4);
}

#[test]
fn beats_a_bar_and_the_tempo_can_be_fixed() {
    let duration = Span::from_seconds(30.0);
    let truth = matching::metronome(Tempo::from_bpm(120.0), Span::from_seconds(0.25), duration);
    let heard = output(&truth, 4, duration, 0.0..0.0, 3);
    let waltz = RhythmSettings {
        beats_per_bar: Some(3),
        ..wide()
    };
    assert_eq!(grid(heard.clone(), duration, &waltz).beats_per_bar, 3);
    let fixed = RhythmSettings {
        tempo: Some(Tempo::from_bpm(120.0)),
        ..wide()
    };
    let metronome = grid(heard, duration, &fixed);
    assert!(metronome.decoded.is_empty());
    let f = matching::f_measure(&truth, &metronome.instants(), Span::from_seconds(0.03));
    assert!(f > 0.99, "F {f}");
    check_numbers(&metronome, &truth, 4);
}

#[test]
fn ten_minutes_are_decoded_fast_in_bars_of_three_and_four() {
    let duration = Span::from_seconds(600.0);
    let truth = matching::metronome(Tempo::from_bpm(111.0), Span::ZERO, duration);
    let output = output(&truth, 4, duration, 0.0..0.0, 9);
    let settings = Settings::default().rhythm().clone();
    let start = std::time::Instant::now();
    let grid = grid(output, duration, &settings);
    // 40 × real time: a fault would be far slower, and a busy machine must not fail the test. The
    // README has the measured figures.
    assert!(start.elapsed().as_secs_f64() < 15.0, "{:?}", start.elapsed());
    check_numbers(&grid, &truth, 4);
}

#[test]
fn nothing_heard_is_no_crash() {
    for seconds in [0.02, 0.4, 1.0, 2.0, 11.0] {
        let duration = Span::from_seconds(seconds);
        let frames = (seconds * FRAME_RATE.hz()) as usize + 1;
        for value in [0.0, 0.5, 1.0] {
            let output = NetworkOutput {
                beat: vec![value; frames],
                downbeat: vec![value; frames],
                tempo: vec![TempoWindow {
                    middle: Instant::ZERO,
                    logs: vec![0.0; TEMPO_BINS],
                }],
            };
            let grid = grid(output, duration, &wide());
            let instants = grid.instants();
            assert!(instants.windows(2).all(|b| b[1] > b[0]));
            assert!(instants.iter().all(|t| (0.0..=seconds).contains(&t.seconds())));
        }
    }
}

/// A body whose joints all swing up and down once a beat.
fn swinging(bpm: f64, duration: Span) -> PoseTrack {
    let frames = (duration.seconds() * 30.0) as usize;
    let poses = (0..frames)
        .map(|i| {
            let time = i as f64 / 30.0;
            let phase = std::f64::consts::TAU * time * bpm / 60.0;
            let mut joints = [crate::pose::JointPoint::default(); crate::pose::JOINTS];
            for (j, joint) in joints.iter_mut().enumerate() {
                *joint = crate::pose::JointPoint {
                    x: 300.0 + 20.0 * j as f32,
                    y: (200.0 + 30.0 * j as f64 + 30.0 * phase.cos()) as f32,
                    confidence: 0.9,
                };
            }
            crate::pose::Pose {
                time: Instant::from_seconds(time),
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

#[test]
fn auto_takes_the_network_unless_the_other_source_is_clearly_more_confident() {
    let duration = Span::from_seconds(12.0);
    let moved = Moved::new(&swinging(100.0, duration), duration);
    let truth = matching::metronome(Tempo::from_bpm(140.0), Span::ZERO, duration);
    let heard = output(&truth, 4, duration, 0.0..0.0, 5);
    let settings = |source| RhythmSettings {
        source,
        ..Settings::default().rhythm().clone()
    };
    let candidates = |source, network: f64, motion: f64| {
        let flat = |bias| Logistic {
            bias,
            weights: Signs::default(),
        };
        let mut calibration = calibration();
        // The movement has a different tempo, and a very clear one.
        calibration.network.decoding.lock = 0.0;
        calibration.network.confidence = flat(network);
        calibration.motion.confidence = flat(motion);
        let output = (source != BeatSource::Motion).then(|| heard.clone());
        moved
            .candidates(output, &calibration, &settings(source), &Monitor::none())
            .expect("candidates")
    };
    let chosen = |source, network, motion| choose(candidates(source, network, motion)).0.rhythm;
    assert_eq!(chosen(BeatSource::Auto, 1.0, -1.0).source, Source::Network);
    assert_eq!(chosen(BeatSource::Auto, -1.0, 1.0).source, Source::Motion);
    assert_eq!(chosen(BeatSource::Auto, 0.3, 0.3).source, Source::Network);
    // Confidences of 0.5 and 0.57, then 0.5 and 0.62.
    assert_eq!(chosen(BeatSource::Auto, 0.0, 0.3).source, Source::Network);
    assert_eq!(chosen(BeatSource::Auto, 0.0, 0.5).source, Source::Motion);
    assert_eq!(chosen(BeatSource::Network, -5.0, 5.0).source, Source::Network);
    assert_eq!(chosen(BeatSource::Motion, 5.0, -5.0).source, Source::Motion);

    let both = candidates(BeatSource::Auto, 0.0, 0.0);
    assert_eq!(both.len(), 2);
    assert!((both[0].rhythm.confidence - 0.5).abs() < 1e-6);
    // The accents and the movement are the same, whichever source found the beats.
    assert_eq!(both[0].rhythm.accents, both[1].rhythm.accents);
    assert_eq!(both[0].rhythm.movement, both[1].rhythm.movement);
    assert_ne!(both[0].rhythm.activation, both[1].rhythm.activation);
    assert!(both[0].signs.sources_agree < 0.9, "{:?}", both[0].signs);
    assert_eq!(both[1].signs.sources_agree, 0.0);
}

#[test]
fn a_network_that_is_asked_for_and_not_there_is_an_error() {
    let duration = Span::from_seconds(8.0);
    let settings = RhythmSettings {
        source: BeatSource::Network,
        ..Settings::default().rhythm().clone()
    };
    let mut models = BeatModels::calibrated(calibration());
    let track = swinging(100.0, duration);
    let result = find(&track, duration, &mut models, &settings, &Monitor::none());
    assert!(matches!(result, Err(Error::ModelMissing { .. })));
    let auto = find(
        &track,
        duration,
        &mut models,
        Settings::default().rhythm(),
        &Monitor::none(),
    );
    assert_eq!(auto.expect("a rhythm").source, Source::Motion);
}
