//! How far two lists of beats agree, and the beats of a metronome to compare with.

use crate::time::{Instant, Span, Tempo};

/// Tolerance of the F-measure.
pub const F_TOLERANCE: Span = Span::from_seconds(0.070);

/// F-measure (0 to 1): each beat may match one reference beat within ±`tolerance`.
pub fn f_measure(reference: &[Instant], estimated: &[Instant], tolerance: Span) -> f64 {
    if reference.is_empty() || estimated.is_empty() {
        return 0.0;
    }
    // On a line, matching the earliest that fits gives the most matches.
    let (mut r, mut e, mut matched) = (0, 0, 0_usize);
    while r < reference.len() && e < estimated.len() {
        let apart = (estimated[e] - reference[r]).seconds();
        if apart.abs() <= tolerance.seconds() {
            matched += 1;
            r += 1;
            e += 1;
        } else if apart < 0.0 {
            e += 1;
        } else {
            r += 1;
        }
    }
    2.0 * matched as f64 / (reference.len() + estimated.len()) as f64
}

/// The beats of a metronome within a clip.
pub fn metronome(tempo: Tempo, first: Span, duration: Span) -> Vec<Instant> {
    let count = ((duration - first).seconds() / tempo.beat_span().seconds()).floor();
    (0..=count.max(-1.0) as i64)
        .map(|i| Instant::ZERO + first + tempo.beat_span() * i as f64)
        .collect()
}
