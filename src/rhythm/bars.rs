//! Beats to bars: how many beats a bar has, and which beat is the first.

use super::Beat;
use super::signal;
use crate::time::Instant;

/// Beats in a bar unless the movement clearly says otherwise.
const DEFAULT: u8 = 4;

/// A three-beat bar is believed from this standard score of its downbeats on, and only when it is above that of every
/// two- and four-beat grouping by [`THREE_AHEAD`]. Noise gets there less than once in a hundred clips (see the tests).
const THREE_SCORE: f64 = 3.5;

/// See [`THREE_SCORE`].
const THREE_AHEAD: f64 = 1.5;

/// Fewer beats than six bars of three prove no meter.
const LEAST_BEATS: usize = 18;

/// Numbers the beats in bars. `weights` says how strong the movement is at each beat; `wanted` fixes the beats in a bar.
/// The downbeat is the phase whose beats are the strongest on average.
pub(crate) fn number(beats: &[Instant], weights: &[f64], wanted: Option<u8>) -> (Vec<Beat>, u8) {
    // Compressed, so that one jump does not decide the bar of a whole clip.
    let scale = signal::mean(weights).max(1e-9);
    let logs: Vec<f64> = weights.iter().map(|w| (1.0 + w.max(0.0) / scale).ln()).collect();
    let per_bar = wanted.unwrap_or_else(|| {
        let three = downbeat(&logs, 3).1;
        let even = downbeat(&logs, 2).1.max(downbeat(&logs, 4).1);
        if beats.len() >= LEAST_BEATS && three > THREE_SCORE && three > even + THREE_AHEAD {
            3
        } else {
            DEFAULT
        }
    });
    let bar = usize::from(per_bar.max(1));
    let (phase, _) = downbeat(&logs, bar);
    let numbered = beats
        .iter()
        .enumerate()
        .map(|(i, time)| Beat {
            time: *time,
            number: ((i + bar - phase) % bar) as u8 + 1,
        })
        .collect();
    (numbered, per_bar)
}

/// The phase whose beats stand out most, and by how many standard errors (difference of means, pooled deviation).
fn downbeat(weights: &[f64], bar: usize) -> (usize, f64) {
    let score = |phase: usize| {
        let (on, off): (Vec<_>, Vec<_>) = weights.iter().enumerate().partition(|(i, _)| i % bar == phase);
        let values = |side: Vec<(usize, &f64)>| side.into_iter().map(|(_, w)| *w).collect::<Vec<f64>>();
        let (on, off) = (values(on), values(off));
        if on.len() < 2 || off.len() < 2 {
            return 0.0;
        }
        let (m_on, m_off) = (signal::mean(&on), signal::mean(&off));
        let squares = |side: &[f64], mean: f64| side.iter().map(|w| (w - mean).powi(2)).sum::<f64>();
        let pooled = (squares(&on, m_on) + squares(&off, m_off)) / (weights.len() - 2) as f64;
        let error = (pooled * (1.0 / on.len() as f64 + 1.0 / off.len() as f64)).sqrt();
        // Beats as even as a machine's would divide by nothing.
        (m_on - m_off) / error.max(1e-3)
    };
    (0..bar)
        .map(|phase| (phase, score(phase)))
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        .unwrap_or((0, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(count: usize) -> Vec<Instant> {
        (0..count).map(|i| Instant::from_seconds(0.5 * i as f64)).collect()
    }

    fn numbers(weights: &[f64], wanted: Option<u8>) -> (Vec<u8>, u8) {
        let (beats, per_bar) = number(&beats(weights.len()), weights, wanted);
        (beats.iter().map(|b| b.number).collect(), per_bar)
    }

    #[test]
    fn the_strongest_recurring_beat_is_the_first() {
        let weights: Vec<f64> = (0..16)
            .map(|i| if i % 4 == 2 { 5.0 } else { 1.0 + 0.1 * (i % 3) as f64 })
            .collect();
        let (numbers, per_bar) = numbers(&weights, None);
        assert_eq!(per_bar, 4);
        assert_eq!(&numbers[..6], [3, 4, 1, 2, 3, 4]);
    }

    #[test]
    fn three_beats_only_when_clear_or_wanted() {
        let waltz: Vec<f64> = (0..30)
            .map(|i| if i % 3 == 1 { 5.0 } else { 1.0 + 0.1 * (i % 5) as f64 })
            .collect();
        let (found, per_bar) = numbers(&waltz, None);
        assert_eq!(per_bar, 3);
        assert_eq!(&found[..5], [3, 1, 2, 3, 1]);
        assert_eq!(numbers(&waltz[..12], None).1, 4, "too short to tell");
        assert_eq!(numbers(&waltz[..12], Some(3)).1, 3);
    }

    #[test]
    fn noise_is_not_a_waltz() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 33) as f64 + 0.5) / (1_u64 << 31) as f64
        };
        // Impacts are many small ones and few large ones.
        let clips = (0..1000)
            .map(|_| (0..24).map(|_| -random().ln()).collect::<Vec<f64>>())
            .filter(|weights| numbers(weights, None).1 == 3)
            .count();
        assert!(clips < 10, "{clips} of 1000");
    }
}
