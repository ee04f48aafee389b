//! From beats to bars: how many beats a bar has, and which beat is the first.
//!
//! With the movement alone, the bar is the one whose first beats are hit hardest ([`number`]). When
//! the network estimates downbeats too, both are combined into one probability over time
//! ([`shares`]), which the decoder reads with the beats.

use super::beats::Beat;
use super::motion::RATE;
use super::{hmm, matching, signal};
use crate::time::Instant;

/// Beats in a bar unless the movement clearly indicates otherwise.
const DEFAULT: u8 = 4;

/// A three-beat bar is accepted from this standard score of its downbeats, and only when the score
/// is above that of every two- and four-beat grouping by [`THREE_AHEAD`]. Noise reaches this less
/// than once in a hundred clips (see the tests).
const THREE_SCORE: f64 = 3.5;

/// See [`THREE_SCORE`].
const THREE_AHEAD: f64 = 1.5;

/// Fewer beats than six bars of three do not prove a metre.
const LEAST_BEATS: usize = 18;

/// Numbers the beats in bars. `weights` is how strong the movement is at each beat; `wanted` fixes
/// the number of beats in a bar. The downbeat is the phase whose beats are the strongest on
/// average.
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
    (numbered(beats, per_bar, phase), per_bar)
}

/// The phase whose beats stand out most, and by how many standard errors (difference of means,
/// pooled deviation).
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
        // Beats as even as a machine's would divide by zero.
        (m_on - m_off) / error.max(1e-3)
    };
    (0..bar)
        .map(|phase| (phase, score(phase)))
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        .unwrap_or((0, 0.0))
}

/// Share of downbeats among all beats before there is any evidence.
const USUAL_SHARE: f64 = 1.0 / DEFAULT as f64;

/// Prior with the usual share of downbeats, in units of beat probability: where the network finds
/// no beat, the ratio of two small numbers means nothing.
const FAINT: f64 = 0.05;

/// Probability over time, at the decoder's rate, that a beat is the first of a bar.
///
/// `beat` and `downbeat` are the network's activations at that rate; their log odds are weighted by
/// `downbeat_weight`. Each standard deviation of nearby `impact` (at the movement's rate) adds
/// `impact_weight`: the downbeat is the strongest recurring impact unless the network indicates
/// otherwise.
pub(crate) fn shares(
    beat: &[f64],
    downbeat: &[f64],
    downbeat_weight: f64,
    impact: &[f64],
    impact_weight: f64,
) -> Vec<f64> {
    let usual = (USUAL_SHARE / (1.0 - USUAL_SHARE)).ln();
    // Compressed, so that one jump does not decide the bar of a whole clip.
    let near = greatest_near(impact);
    let scale = signal::mean(&near).max(1e-9);
    let logs: Vec<f64> = near.iter().map(|i| (1.0 + i / scale).ln()).collect();
    let at: Vec<f64> = (0..beat.len())
        .map(|i| signal::at(&logs, RATE.position(hmm::RATE.instant(i))))
        .collect();
    // Beats are hit harder than the frames between them: beats are compared only with each other.
    let total = beat.iter().sum::<f64>().max(1e-9);
    let mean = beat.iter().zip(&at).map(|(b, a)| b * a).sum::<f64>() / total;
    let variance = beat.iter().zip(&at).map(|(b, a)| b * (a - mean).powi(2)).sum::<f64>() / total;
    let deviation = variance.sqrt();
    beat.iter()
        .zip(downbeat)
        .zip(&at)
        .map(|((beat, downbeat), at)| {
            let share = (downbeat.clamp(0.0, *beat) + FAINT * USUAL_SHARE) / (beat + FAINT);
            let heard = (share / (1.0 - share).max(1e-9)).ln() - usual;
            let hit = if deviation > 1e-9 { (at - mean) / deviation } else { 0.0 };
            let odds = usual + downbeat_weight * heard + impact_weight * hit;
            1.0 / (1.0 + (-odds).exp())
        })
        .collect()
}

/// The greatest impact near each frame of the movement.
fn greatest_near(impact: &[f64]) -> Vec<f64> {
    let reach = RATE.count(matching::F_TOLERANCE).round() as usize;
    (0..impact.len())
        .map(|i| {
            let to = (i + reach + 1).min(impact.len());
            impact[i.saturating_sub(reach)..to].iter().copied().fold(0.0, f64::max)
        })
        .collect()
}

/// Numbers given beats in the likeliest bars. `share` is the probability of each beat being a
/// downbeat, `three` the prior log odds of three beats a bar against four.
pub(crate) fn likeliest(beats: &[Instant], share: &[f64], wanted: Option<u8>, three: f64) -> (Vec<Beat>, u8) {
    let log = |bar: usize, phase: usize| -> f64 {
        share
            .iter()
            .enumerate()
            .map(|(i, s)| {
                let s = s.clamp(hmm::LEAST_SHARE, 1.0 - hmm::LEAST_SHARE);
                if i % bar == phase { s.ln() } else { (1.0 - s).ln() }
            })
            .sum()
    };
    let bars: Vec<u8> = wanted.map_or_else(|| vec![DEFAULT, 3], |bar| vec![bar.max(1)]);
    let (_, bar, phase) = bars
        .iter()
        .flat_map(|bar| (0..usize::from(*bar)).map(move |phase| (*bar, phase)))
        .map(|(bar, phase)| {
            let before = if bar == 3 { three } else { 0.0 };
            // Every phase of a bar is equally probable.
            let score = before - f64::from(bar).ln() + log(usize::from(bar), phase);
            (score, bar, phase)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0).then((b.1, b.2).cmp(&(a.1, a.2))))
        .unwrap_or((0.0, DEFAULT, 0));
    (numbered(beats, bar, phase), bar)
}

/// Beats numbered in bars of `bar` beats, where the beat at index `first` is the first of a bar.
pub(crate) fn numbered(beats: &[Instant], bar: u8, first: usize) -> Vec<Beat> {
    let bar = usize::from(bar.max(1));
    beats
        .iter()
        .enumerate()
        .map(|(i, time)| Beat {
            time: *time,
            number: ((i + bar - first % bar) % bar) as u8 + 1,
        })
        .collect()
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
        assert_eq!(numbers(&waltz[..12], None).1, 4, "too short to decide");
        assert_eq!(numbers(&waltz[..12], Some(3)).1, 3);
    }

    #[test]
    fn noise_is_not_a_waltz() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 33) as f64 + 0.5) / (1_u64 << 31) as f64
        };
        // Impacts are many small ones and a few large ones.
        let clips = (0..1000)
            .map(|_| (0..24).map(|_| -random().ln()).collect::<Vec<f64>>())
            .filter(|weights| numbers(weights, None).1 == 3)
            .count();
        assert!(clips < 10, "{clips} of 1000");
    }

    #[test]
    fn the_strongest_impact_is_the_downbeat_where_the_network_does_not_say_otherwise() {
        // A beat each half second; the third of four is hit hardest.
        let beat: Vec<f64> = (0..1000).map(|i| if i % 50 == 0 { 0.8 } else { 0.01 }).collect();
        let impact: Vec<f64> = (0..600)
            .map(|i| match i % 120 {
                60 => 90.0,
                0 | 30 | 90 => 30.0,
                _ => 1.0,
            })
            .collect();
        let times = beats(20);
        let first = |downbeat: &[f64]| {
            let shares = shares(&beat, downbeat, 1.0, &impact, 0.7);
            let at: Vec<f64> = (0..20).map(|i| shares[i * 50]).collect();
            likeliest(&times, &at, None, -3.0)
        };
        // The network finds beats only: each is as likely a downbeat as any other.
        let unsure: Vec<f64> = beat.iter().map(|b| b * USUAL_SHARE).collect();
        let (found, bar) = first(&unsure);
        assert_eq!((bar, found[2].number, found[0].number), (4, 1, 3));
        // It is sure of the first of four.
        let sure: Vec<f64> = (0..1000).map(|i| if i % 200 == 0 { 0.7 } else { 0.02 }).collect();
        let (found, bar) = first(&sure);
        assert_eq!((bar, found[0].number, found[4].number), (4, 1, 1));
        // Or of the first of three.
        let waltz: Vec<f64> = (0..1000).map(|i| if i % 150 == 50 { 0.7 } else { 0.02 }).collect();
        let (found, bar) = first(&waltz);
        assert_eq!((bar, found[1].number, found[4].number), (3, 1, 1));
    }

    #[test]
    fn without_any_evidence_a_bar_has_four_beats_from_the_first() {
        let shares = shares(&[0.5; 1000], &[0.125; 1000], 1.0, &[], 0.7);
        assert!(shares.iter().all(|s| (s - 0.25).abs() < 1e-6));
        let (found, bar) = likeliest(&beats(8), &[0.25; 8], None, -3.0);
        assert_eq!((bar, found[0].number), (4, 1));
        assert_eq!(likeliest(&beats(8), &[0.25; 8], Some(3), -3.0).1, 3);
        assert_eq!(likeliest(&[], &[], None, -3.0).0, []);
    }
}
