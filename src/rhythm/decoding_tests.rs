//! From activation to grid: the decoder and the fit together, on activations made by hand.

use super::{fit, hmm, hmm::Observations, lock::TempoPrior, matching, metrics};
use crate::progress::{Cancel, Monitor};
use crate::time::{Instant, Span, Tempo};

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

/// An activation with a peak 40 ms wide at each beat: a fifth of the beats missing, as many false
/// peaks, noise everywhere, and each peak off by up to 10 ms.
fn activation(beats: &[Instant], duration: Span, seed: u64) -> Vec<f64> {
    let mut noise = Noise(seed);
    let frames = (duration.seconds() * hmm::RATE.hz()) as usize + 1;
    let mut values: Vec<f64> = (0..frames).map(|_| 0.1 * noise.next()).collect();
    let mut peak = |at: f64, height: f64| {
        for (i, value) in values.iter_mut().enumerate() {
            let apart = (hmm::RATE.instant(i).seconds() - at) / 0.017;
            if apart.abs() < 4.0 {
                *value = value.max(height * (-0.5 * apart * apart).exp());
            }
        }
    };
    for beat in beats {
        if noise.next() < 0.2 {
            peak(noise.next() * duration.seconds(), 0.4 + 0.4 * noise.next());
        } else {
            peak(beat.seconds() + 0.02 * (noise.next() - 0.5), 0.4 + 0.4 * noise.next());
        }
    }
    values
}

fn beats_only(activation: &[f64]) -> Observations<'_> {
    Observations {
        beat: activation,
        downbeat: None,
        weight: 1.0,
    }
}

fn found(activation: &[f64], duration: Span) -> Vec<Instant> {
    let intervals = hmm::intervals(Tempo::from_bpm(55.0), Tempo::from_bpm(215.0));
    let prior = TempoPrior::uniform(intervals.len());
    let decoded: Vec<Instant> = hmm::decode(&beats_only(activation), &intervals, 1, &prior, &Monitor::none())
        .expect("not cancelled")
        .beats
        .iter()
        .map(|b| hmm::RATE.instant_at(b.position))
        .collect();
    fit::cover(&fit::grid(&decoded, activation), duration)
}

fn error_at(found: &[Instant], beat: Instant) -> f64 {
    found
        .iter()
        .map(|f| (*f - beat).seconds().abs())
        .fold(f64::INFINITY, f64::min)
}

#[test]
fn steady_tempi_are_found_to_a_thousandth_and_do_not_drift() {
    let duration = Span::from_seconds(180.0);
    for (bpm, seed) in [(60.0, 1), (97.3, 2), (174.0, 3)] {
        let truth = matching::metronome(Tempo::from_bpm(bpm), Span::from_seconds(0.21), duration);
        let beats = found(&activation(&truth, duration, seed), duration);
        let tempo = fit::tempo(&beats).expect("beats").bpm();
        assert!((tempo / bpm - 1.0).abs() < 0.001, "{bpm}: {tempo}");
        let worst = truth.iter().map(|t| error_at(&beats, *t)).fold(0.0, f64::max);
        assert!(worst < 0.015, "{bpm}: a beat is {worst} s off");
        let drift = metrics::drift(&truth, &beats).expect("beats").seconds();
        assert!(drift.abs() < 0.010, "{bpm}: {drift} s at the end");
        assert_eq!(beats.len(), truth.len(), "{bpm}");
    }
}

#[test]
fn a_slow_change_of_tempo_is_followed() {
    // From 100 to 126 beats a minute over two minutes.
    let duration = Span::from_seconds(120.0);
    let mut truth = Vec::new();
    let mut time = 0.3;
    while time < duration.seconds() {
        truth.push(Instant::from_seconds(time));
        time += 60.0 / (100.0 + 26.0 * time / duration.seconds());
    }
    let beats = found(&activation(&truth, duration, 4), duration);
    let worst = truth.iter().map(|t| error_at(&beats, *t)).fold(0.0, f64::max);
    assert!(worst < 0.030, "a beat is {worst} s off");
    let stumble = beats
        .windows(3)
        .map(|b| ((b[2] - b[1]) - (b[1] - b[0])).seconds().abs())
        .fold(0.0, f64::max);
    assert!(stumble < 0.020, "neighbouring beats differ by {stumble} s");
}

#[test]
fn a_sudden_change_of_tempo_is_found() {
    let duration = Span::from_seconds(60.0);
    let mut truth = Vec::new();
    let mut time = 0.1;
    while time < duration.seconds() {
        truth.push(Instant::from_seconds(time));
        time += if time < 30.0 { 60.0 / 92.0 } else { 60.0 / 118.0 };
    }
    let beats = found(&activation(&truth, duration, 5), duration);
    let f = matching::f_measure(&truth, &beats, matching::F_TOLERANCE);
    assert!(f > 0.95, "{f}");
    let late = truth.iter().filter(|t| t.seconds() > 34.0);
    let worst = late.map(|t| error_at(&beats, *t)).fold(0.0, f64::max);
    assert!(worst < 0.025, "{worst}");
}

#[test]
fn ten_minutes_at_the_widest_range_are_decoded_fast() {
    let duration = Span::from_seconds(600.0);
    let truth = matching::metronome(Tempo::from_bpm(111.0), Span::ZERO, duration);
    let values = {
        let mut values = vec![0.02; 60_001];
        for t in &truth {
            let middle = hmm::RATE.position(*t).round() as usize;
            for value in values.iter_mut().skip(middle.saturating_sub(1)).take(3) {
                *value = 0.8;
            }
        }
        values
    };
    let intervals = hmm::intervals(Tempo::from_bpm(40.0), Tempo::from_bpm(240.0));
    let prior = TempoPrior::uniform(intervals.len());
    let start = std::time::Instant::now();
    let decoded = hmm::decode(&beats_only(&values), &intervals, 1, &prior, &Monitor::none()).expect("not cancelled");
    // 100 × real time; measured 600 × and more.
    assert!(start.elapsed().as_secs_f64() < 6.0, "{:?}", start.elapsed());
    assert!(decoded.beats.len().abs_diff(truth.len()) <= 1);
}

#[test]
fn decoding_stops_when_cancelled() {
    let cancel = Cancel::new();
    cancel.cancel();
    let intervals = hmm::intervals(Tempo::from_bpm(60.0), Tempo::from_bpm(180.0));
    let prior = TempoPrior::uniform(intervals.len());
    let monitor = Monitor::new(cancel, |_, _| {});
    let result = hmm::decode(&beats_only(&vec![0.1; 10_000]), &intervals, 1, &prior, &monitor);
    assert!(matches!(result, Err(crate::Error::Cancelled)));
}
