//! Decodes a beat activation to beats: the hidden Markov model of Krebs, Böck & Widmer, "An efficient state-space model for
//! joint tempo and meter tracking" (ISMIR 2015), by Viterbi over the whole clip.
//!
//! A state is (interval of n frames, position k of n). Within a beat the position advances with certainty, so that all of a
//! beat's states share one score: it is enough to keep, per frame and interval, the score of *entering* a beat. That is the
//! same model and the same best path, at one cell a frame and interval in place of one a state, and back-pointers are kept
//! at beat boundaries only: 8 MB for ten minutes.

use super::lock::TempoPrior;
use super::signal;
use crate::error::Result;
use crate::progress::{Monitor, Stage};
use crate::time::{Rate, Tempo};

/// Rate of the activation and of the model's frames. At 60 a second tempi near 120 would be 4 beats a minute apart.
pub(crate) const RATE: Rate = Rate::from_hz(100.0);

/// λ of the tempo change p(n→m) ∝ exp(−λ·|m/n − 1|) (Krebs et al. 2015).
const TEMPO_CHANGE: f64 = 100.0;

/// Reciprocal of the share of a beat's positions that are beat states, and the same less one, over which the
/// observation elsewhere is spread (1/16 of a beat, as published).
const OBSERVATION: usize = 16;

/// Changes of tempo beyond this share at one beat are left out: e^(−λ·0.3) = 10^−13.
const LARGEST_CHANGE: f64 = 0.3;

/// Bounds within which an activation is taken as a probability.
const CLAMP: (f64, f64) = (1e-6, 1.0 - 1e-6);

/// A decoded beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DecodedBeat {
    /// Position in frames of [`RATE`], snapped to the activation's peak among the beat's states.
    pub position: f64,
}

/// The intervals of the model: whole frames of beats between two tempi, rising.
pub(crate) fn intervals(slowest: Tempo, fastest: Tempo) -> Vec<usize> {
    let frames = |tempo: Tempo| (tempo.beat_span().seconds() * RATE.hz()).round().max(2.0) as usize;
    let (least, most) = (frames(fastest), frames(slowest));
    (least..=most.max(least)).collect()
}

/// Positions of a beat of `n` frames that are beat states: k/n < 1/16.
fn beat_states(n: usize) -> usize {
    n.div_ceil(OBSERVATION)
}

/// Sums of log observations, so that the observation of any stretch is a difference.
struct Observed {
    beat: Vec<f64>,
    other: Vec<f64>,
}

impl Observed {
    fn new(activation: &[f64]) -> Self {
        let mut result = Self {
            beat: vec![0.0],
            other: vec![0.0],
        };
        let (mut beat, mut other) = (0.0, 0.0);
        for a in activation {
            let a = if a.is_finite() {
                a.clamp(CLAMP.0, CLAMP.1)
            } else {
                CLAMP.0
            };
            beat += a.ln();
            other += ((1.0 - a) / (OBSERVATION - 1) as f64).ln();
            result.beat.push(beat);
            result.other.push(other);
        }
        result
    }

    /// Log observation of frames `from..to` that are positions `first..` of a beat of `n` frames.
    fn stretch(&self, n: usize, first: usize, from: usize, to: usize) -> f64 {
        let turn = (from + beat_states(n).saturating_sub(first)).clamp(from, to);
        self.beat[turn] - self.beat[from] + self.other[to] - self.other[turn]
    }
}

/// The most probable beats of an activation (one value a frame at [`RATE`]).
///
/// `prior` weighs the intervals over time: a beat of interval n entered at a time is charged its log weight × the beat's
/// length in seconds, so that fast and slow tempi are charged alike over a second of music.
pub(crate) fn decode(
    activation: &[f64],
    intervals: &[usize],
    prior: &TempoPrior,
    monitor: &Monitor<'_>,
) -> Result<Vec<DecodedBeat>> {
    let frames = activation.len();
    let count = intervals.len();
    let (Some(&longest), true) = (intervals.last(), frames > 0) else {
        return Ok(Vec::new());
    };
    let observed = Observed::new(activation);
    let transitions = transitions(intervals);
    let charge = |frame: usize, k: usize| {
        let weight = prior.at(RATE.instant(frame)).get(k).copied().unwrap_or(0.0);
        weight * RATE.instant(intervals[k]).seconds()
    };
    let start = -(intervals.iter().sum::<usize>() as f64).ln();

    // entered[t % ring][k]: best score of a path that enters a beat of interval k at frame t.
    let ring = longest + 1;
    let mut entered = vec![vec![f64::NEG_INFINITY; count]; ring];
    // origin[t · count + k]: interval of the beat before it.
    let mut origin = vec![0_u16; frames * count];
    let mut completed = vec![0.0; count];
    // Score of the beat of interval k that ends at frame t; paths may begin at any position of a beat.
    let complete = |entered: &[Vec<f64>], k: usize, t: usize| {
        let n = intervals[k];
        if t >= n {
            entered[(t - n) % ring][k] + observed.stretch(n, 0, t - n, t)
        } else {
            start + charge(0, k) * t as f64 / n as f64 + observed.stretch(n, n - t, 0, t)
        }
    };
    for (k, cell) in entered[0].iter_mut().enumerate() {
        *cell = start + charge(0, k);
    }
    for t in 1..frames {
        if t % 2048 == 0 {
            monitor.progress(Stage::Rhythm, 0.3 + 0.6 * t as f64 / frames as f64)?;
        }
        for (k, cell) in completed.iter_mut().enumerate() {
            *cell = complete(&entered, k, t);
        }
        let charges = prior.at(RATE.instant(t));
        let row = &mut entered[t % ring];
        for (m, incoming) in transitions.iter().enumerate() {
            let (first, logs) = incoming;
            let (mut best, mut from) = (f64::NEG_INFINITY, *first);
            for (offset, log) in logs.iter().enumerate() {
                let score = completed[first + offset] + log;
                if score > best {
                    (best, from) = (score, first + offset);
                }
            }
            let seconds = RATE.instant(intervals[m]).seconds();
            row[m] = best + charges.get(m).copied().unwrap_or(0.0) * seconds;
            origin[t * count + m] = from as u16;
        }
    }

    // The last beat may be cut off by the clip's end.
    let mut best: (f64, Option<(usize, usize)>) = (f64::NEG_INFINITY, None);
    for (k, &n) in intervals.iter().enumerate() {
        for s in frames.saturating_sub(n)..frames {
            let score = entered[s % ring][k] + observed.stretch(n, 0, s, frames);
            if score > best.0 {
                best = (score, Some((s, k)));
            }
        }
    }
    let mut beats = Vec::new();
    let mut at = best.1;
    while let Some((s, k)) = at {
        beats.push(snap(activation, s, intervals[k]));
        at = if s == 0 {
            None
        } else {
            let before = usize::from(origin[s * count + k]);
            s.checked_sub(intervals[before]).map(|entry| (entry, before))
        };
    }
    beats.reverse();
    Ok(beats)
}

/// For each interval m: the first interval n that may lead to it, and log p(n→m) from there on.
fn transitions(intervals: &[usize]) -> Vec<(usize, Vec<f64>)> {
    let log = |n: usize, m: usize| -TEMPO_CHANGE * (m as f64 / n as f64 - 1.0).abs();
    let norms: Vec<f64> = intervals
        .iter()
        .map(|n| intervals.iter().map(|m| log(*n, *m).exp()).sum::<f64>().ln())
        .collect();
    intervals
        .iter()
        .map(|&m| {
            let allowed = |n: usize| (m as f64 / n as f64 - 1.0).abs() <= LARGEST_CHANGE;
            let first = intervals.iter().position(|n| allowed(*n)).unwrap_or(0);
            let logs = intervals[first..]
                .iter()
                .zip(&norms[first..])
                .take_while(|(n, _)| allowed(**n))
                .map(|(n, norm)| log(*n, m) - norm)
                .collect();
            (first, logs)
        })
        .collect()
}

/// A beat that enters at frame `s`: the highest activation among its beat states, between frames by a parabola.
fn snap(activation: &[f64], s: usize, n: usize) -> DecodedBeat {
    let to = (s + beat_states(n)).min(activation.len());
    let index = (s..to)
        .max_by(|a, b| activation[*a].total_cmp(&activation[*b]).then(b.cmp(a)))
        .unwrap_or(s);
    DecodedBeat {
        position: index as f64 + signal::parabola(activation, index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(activation: &[f64]) -> Vec<f64> {
        let intervals = intervals(Tempo::from_bpm(55.0), Tempo::from_bpm(215.0));
        let prior = TempoPrior::uniform(intervals.len());
        decode(activation, &intervals, &prior, &Monitor::none())
            .expect("not cancelled")
            .iter()
            .map(|b| b.position)
            .collect()
    }

    #[test]
    fn intervals_are_those_of_the_paper_at_this_rate() {
        let n = intervals(Tempo::from_bpm(55.0), Tempo::from_bpm(215.0));
        assert_eq!((n.first(), n.last()), (Some(&28), Some(&109)));
    }

    #[test]
    fn a_clear_activation_gives_its_own_beats() {
        let activation: Vec<f64> = (0..1000).map(|i| if i % 50 == 20 { 0.9 } else { 0.01 }).collect();
        let expected: Vec<f64> = (0..20).map(|i| f64::from(i * 50 + 20)).collect();
        assert_eq!(beats(&activation), expected);
    }

    #[test]
    fn transition_rows_are_probabilities() {
        let intervals = intervals(Tempo::from_bpm(60.0), Tempo::from_bpm(180.0));
        let into = transitions(&intervals);
        for n in 0..intervals.len() {
            let sum: f64 = into
                .iter()
                .filter_map(|(first, logs)| n.checked_sub(*first).and_then(|i| logs.get(i)))
                .map(|log| log.exp())
                .sum();
            assert!((sum - 1.0).abs() < 1e-9, "interval {n}: {sum}");
        }
    }

    #[test]
    fn the_path_is_that_of_the_full_state_space() {
        // The plain model, state by state, on a small range of tempi and a noisy activation.
        let intervals: Vec<usize> = (8..=14).collect();
        let mut noise = 12345_u64;
        let activation: Vec<f64> = (0..120)
            .map(|i| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let random = (noise >> 40) as f64 / (1_u64 << 24) as f64;
                0.3 * random + if i % 11 == 4 { 0.3 } else { 0.0 }
            })
            .collect();
        let states: Vec<(usize, usize)> = (0..intervals.len())
            .flat_map(|i| (0..intervals[i]).map(move |k| (i, k)))
            .collect();
        let index = |i: usize, k: usize| states.iter().position(|s| *s == (i, k)).expect("a state");
        let log = |n: usize, m: usize| -TEMPO_CHANGE * (m as f64 / n as f64 - 1.0).abs();
        let observe = |a: f64, (i, k): (usize, usize)| {
            if k * 16 < intervals[i] {
                a.clamp(CLAMP.0, CLAMP.1).ln()
            } else {
                ((1.0 - a.clamp(CLAMP.0, CLAMP.1)) / 15.0).ln()
            }
        };
        let mut score: Vec<f64> = states
            .iter()
            .map(|s| -(states.len() as f64).ln() + observe(activation[0], *s))
            .collect();
        let mut back: Vec<Vec<usize>> = vec![(0..states.len()).collect()];
        for a in &activation[1..] {
            let mut next = vec![f64::NEG_INFINITY; states.len()];
            let mut from = vec![0; states.len()];
            for (s, &(i, k)) in states.iter().enumerate() {
                let sources: Vec<(usize, f64)> = if k > 0 {
                    vec![(index(i, k - 1), 0.0)]
                } else {
                    (0..intervals.len())
                        .map(|n| {
                            let norm: f64 = intervals.iter().map(|m| log(intervals[n], *m).exp()).sum();
                            (index(n, intervals[n] - 1), log(intervals[n], intervals[i]) - norm.ln())
                        })
                        .collect()
                };
                for (source, p) in sources {
                    if score[source] + p > next[s] {
                        (next[s], from[s]) = (score[source] + p, source);
                    }
                }
                next[s] += observe(*a, states[s]);
            }
            score = next;
            back.push(from);
        }
        let mut at = (0..states.len())
            .max_by(|a, b| score[*a].total_cmp(&score[*b]))
            .expect("states");
        let mut entries = Vec::new();
        for t in (0..activation.len()).rev() {
            if states[at].1 == 0 {
                entries.push(snap(&activation, t, intervals[states[at].0]).position);
            }
            at = back[t][at];
        }
        entries.reverse();
        let prior = TempoPrior::uniform(intervals.len());
        let ours: Vec<f64> = decode(&activation, &intervals, &prior, &Monitor::none())
            .expect("not cancelled")
            .iter()
            .map(|b| b.position)
            .collect();
        assert_eq!(ours, entries);
    }

    #[test]
    fn nothing_to_decode_is_no_beats() {
        assert!(beats(&[]).is_empty());
        assert!(beats(&[f64::NAN; 300]).len() > 1);
    }
}
