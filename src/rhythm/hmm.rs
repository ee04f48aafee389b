//! Decodes activations to beats and their places in the bar: the hidden Markov model of Krebs,
//! Böck & Widmer, "An efficient state-space model for joint tempo and meter tracking" (ISMIR
//! 2015), by Viterbi over the whole clip.
//!
//! A state is (number of the beat in its bar, interval of n frames, position k of n). Within a beat
//! the position advances with certainty, so all of a beat's states share one score: it is enough to
//! keep, per frame, number and interval, the score of *entering* a beat. That is the same model
//! with the same best path, with one cell per frame, number and interval instead of one per state,
//! and back-pointers at beat boundaries only: 33 MB for ten minutes in four. With one beat a bar it
//! is the beat tracker without bars.

use super::lock::TempoPrior;
use super::signal;
use crate::error::Result;
use crate::progress::Monitor;
use crate::time::{Rate, Tempo};

/// Rate of the activation and of the model's frames. At 60 a second, neighbouring tempi near 120
/// would be 4 beats a minute apart.
pub(crate) const RATE: Rate = Rate::from_hz(100.0);

/// λ of the tempo change p(n→m) ∝ exp(−λ·|m/n − 1|) (Krebs et al. 2015).
const TEMPO_CHANGE: f64 = 100.0;

/// Reciprocal of the share of a beat's positions that are beat states (1/16 of a beat, as
/// published). The observation outside them is spread over this number less one.
const OBSERVATION: usize = 16;

/// Changes of tempo beyond this share at one beat are left out: e^(−λ·0.15) = 3 · 10^−7. A
/// larger change takes two beats, at the same cost.
const LARGEST_CHANGE: f64 = 0.15;

/// Bounds within which an activation is taken as a probability.
const CLAMP: (f64, f64) = (1e-6, 1.0 - 1e-6);

/// Least share of downbeats, or of other beats, that an observation may have: the network is never
/// certain.
pub(crate) const LEAST_SHARE: f64 = 0.01;

/// The decoder's input, one value a frame at [`RATE`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observations<'a> {
    /// Probability of a beat.
    pub beat: &'a [f64],
    /// Probability that a beat at this frame is the first of a bar; `None`: bars are not decoded.
    pub downbeat: Option<&'a [f64]>,
    /// Weight of the log observation of a frame: below 1 where successive frames repeat each other.
    pub weight: f64,
}

/// A decoded beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DecodedBeat {
    /// Position in frames of [`RATE`], snapped to the activation's peak among the beat's states.
    pub position: f64,
    /// Number in the bar, from 1.
    pub number: u8,
}

/// The most probable path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoded {
    /// Its beats, rising.
    pub beats: Vec<DecodedBeat>,
    /// Its log probability; minus infinity when there was nothing to decode.
    pub score: f64,
}

/// The intervals of the model: whole frames of beats between two tempi, rising.
pub(crate) fn intervals(slowest: Tempo, fastest: Tempo) -> Vec<usize> {
    let frames = |tempo: Tempo| RATE.count(tempo.beat_span()).round().max(2.0) as usize;
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
    /// For downbeats and for the other beats; empty when bars are not decoded.
    bar: Option<[Vec<f64>; 2]>,
}

/// Sums of `values` up to each index, from 0.
fn sums(values: impl Iterator<Item = f64>) -> Vec<f64> {
    std::iter::once(0.0)
        .chain(values.scan(0.0, |sum, value| {
            *sum += value;
            Some(*sum)
        }))
        .collect()
}

impl Observed {
    fn new(observations: &Observations<'_>) -> Self {
        let weight = observations.weight;
        let clamped = |a: &f64| {
            if a.is_finite() {
                a.clamp(CLAMP.0, CLAMP.1)
            } else {
                CLAMP.0
            }
        };
        let beat = || observations.beat.iter().map(clamped);
        let share = |s: &f64| {
            if s.is_finite() {
                s.clamp(LEAST_SHARE, 1.0 - LEAST_SHARE)
            } else {
                0.5
            }
        };
        Self {
            beat: sums(beat().map(|a| weight * a.ln())),
            other: sums(beat().map(|a| weight * ((1.0 - a) / (OBSERVATION - 1) as f64).ln())),
            bar: observations.downbeat.map(|shares| {
                [
                    sums(shares.iter().map(|s| share(s).ln())),
                    sums(shares.iter().map(|s| (1.0 - share(s)).ln())),
                ]
            }),
        }
    }

    /// Log observation of frames `from..to` that are positions `first..` of a beat of `n` frames.
    fn stretch(&self, n: usize, first: usize, from: usize, to: usize) -> f64 {
        let turn = (from + beat_states(n).saturating_sub(first)).clamp(from, to);
        self.beat[turn] - self.beat[from] + self.other[to] - self.other[turn]
    }

    /// Log observation that the beat of `n` frames entered at `from` is the first of a bar, or is
    /// not: the mean over its beat states. A beat is one piece of evidence on the bar, however long
    /// its states are.
    fn place(&self, n: usize, downbeat: bool, from: usize) -> f64 {
        let Some(bar) = &self.bar else {
            return 0.0;
        };
        let sums = &bar[usize::from(!downbeat)];
        let to = (from + beat_states(n)).min(sums.len().saturating_sub(1));
        if to > from {
            (sums[to] - sums[from]) / (to - from) as f64
        } else {
            0.0
        }
    }
}

/// The most probable beats of the observations in bars of `beats_per_bar` beats (1: no bars).
///
/// `prior` weighs the intervals over time: a beat of interval n adds its log weight at the time of
/// entry × the beat's length in seconds, so that fast and slow tempi are weighted equally per
/// second of music.
pub(crate) fn decode(
    observations: &Observations<'_>,
    intervals: &[usize],
    beats_per_bar: u8,
    prior: &TempoPrior,
    monitor: &Monitor<'_>,
) -> Result<Decoded> {
    let frames = observations.beat.len();
    let count = intervals.len();
    let numbers = usize::from(beats_per_bar.max(1));
    let (Some(&longest), true) = (intervals.last(), frames > 0) else {
        return Ok(Decoded {
            beats: Vec::new(),
            score: f64::NEG_INFINITY,
        });
    };
    let observed = Observed::new(observations);
    let transitions = transitions(intervals);
    let seconds: Vec<f64> = intervals.iter().map(|n| RATE.instant(*n).seconds()).collect();
    let charge = |frame: usize, k: usize| {
        let weight = prior.at(RATE.instant(frame)).get(k).copied().unwrap_or(0.0);
        weight * seconds[k]
    };
    let start = -((intervals.iter().sum::<usize>() * numbers) as f64).ln();

    // A cell is number · count + k. entered[t % ring][cell]: best score of a path that enters a
    // beat of number and interval at frame t.
    let cells = numbers * count;
    let ring = longest + 1;
    let mut entered = vec![vec![f64::NEG_INFINITY; cells]; ring];
    // origin[t · cells + cell]: interval of the beat before it, whose number is known.
    let mut origin = vec![0_u16; frames * cells];
    let mut completed = vec![0.0; cells];
    for (cell, score) in entered[0].iter_mut().enumerate() {
        let k = cell % count;
        *score = start + charge(0, k) + observed.place(intervals[k], cell < count, 0);
    }
    for t in 1..frames {
        if t % 2048 == 0 {
            monitor.check()?;
        }
        // Score of the beat of each cell that ends at frame t. Paths may begin at any position of a
        // beat, and a beat that began before the clip is not evidence of the bar.
        for (k, &n) in intervals.iter().enumerate() {
            if t >= n {
                let stretch = observed.stretch(n, 0, t - n, t);
                let before = &entered[(t - n) % ring];
                for number in 0..numbers {
                    completed[number * count + k] = before[number * count + k] + stretch;
                }
            } else {
                let score = start + charge(0, k) * t as f64 / n as f64 + observed.stretch(n, n - t, 0, t);
                for number in 0..numbers {
                    completed[number * count + k] = score;
                }
            }
        }
        let charges = prior.at(RATE.instant(t));
        let row = &mut entered[t % ring];
        for number in 0..numbers {
            let before = &completed[(number + numbers - 1) % numbers * count..][..count];
            for (m, (first, logs)) in transitions.iter().enumerate() {
                let (mut best, mut from) = (f64::NEG_INFINITY, *first);
                for (offset, (score, log)) in before[*first..].iter().zip(logs).enumerate() {
                    let score = score + log;
                    if score > best {
                        (best, from) = (score, first + offset);
                    }
                }
                let place = observed.place(intervals[m], number == 0, t);
                let cell = number * count + m;
                row[cell] = best + charges.get(m).copied().unwrap_or(0.0) * seconds[m] + place;
                origin[t * cells + cell] = from as u16;
            }
        }
    }

    // The clip's end may cut off the last beat.
    let mut best: (f64, Option<(usize, usize)>) = (f64::NEG_INFINITY, None);
    for cell in 0..cells {
        let n = intervals[cell % count];
        for s in frames.saturating_sub(n)..frames {
            let score = entered[s % ring][cell] + observed.stretch(n, 0, s, frames);
            if score > best.0 {
                best = (score, Some((s, cell)));
            }
        }
    }
    let mut beats = Vec::new();
    let mut at = best.1;
    while let Some((s, cell)) = at {
        let (number, k) = (cell / count, cell % count);
        beats.push(DecodedBeat {
            position: snap(observations.beat, s, intervals[k]),
            number: number as u8 + 1,
        });
        at = if s == 0 {
            None
        } else {
            let before = usize::from(origin[s * cells + cell]);
            s.checked_sub(intervals[before])
                .map(|entry| (entry, (number + numbers - 1) % numbers * count + before))
        };
    }
    beats.reverse();
    Ok(Decoded { beats, score: best.0 })
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

/// Position of a beat that enters at frame `s`: the highest activation among its beat states,
/// interpolated between frames by a parabola.
fn snap(activation: &[f64], s: usize, n: usize) -> f64 {
    let to = (s + beat_states(n)).min(activation.len());
    let index = (s..to)
        .max_by(|a, b| activation[*a].total_cmp(&activation[*b]).then(b.cmp(a)))
        .unwrap_or(s);
    index as f64 + signal::parabola(activation, index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(activation: &[f64], downbeat: Option<&[f64]>, intervals: &[usize], beats_per_bar: u8) -> Decoded {
        let observations = Observations {
            beat: activation,
            downbeat,
            weight: 1.0,
        };
        let prior = TempoPrior::uniform(intervals.len());
        decode(&observations, intervals, beats_per_bar, &prior, &Monitor::none()).expect("not cancelled")
    }

    fn beats(activation: &[f64]) -> Vec<f64> {
        let intervals = intervals(Tempo::from_bpm(55.0), Tempo::from_bpm(215.0));
        let decoded = decoded(activation, None, &intervals, 1);
        assert!(decoded.beats.iter().all(|b| b.number == 1));
        decoded.beats.iter().map(|b| b.position).collect()
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
    fn the_bar_is_the_one_whose_downbeats_are_given() {
        let activation: Vec<f64> = (0..1200).map(|i| if i % 50 == 20 { 0.9 } else { 0.01 }).collect();
        let intervals = intervals(Tempo::from_bpm(60.0), Tempo::from_bpm(180.0));
        for bar in [3_u8, 4] {
            // Weak evidence, as from an unsure network: the second beat of the clip is the first of
            // a bar.
            let share: Vec<f64> = (0..1200)
                .map(|i| if i / 50 % usize::from(bar) == 1 { 0.45 } else { 0.3 })
                .collect();
            let scores = [3, 4].map(|b| decoded(&activation, Some(&share), &intervals, b).score);
            let likelier = if scores[0] > scores[1] { 3 } else { 4 };
            assert_eq!(likelier, bar);
            let beats = decoded(&activation, Some(&share), &intervals, bar).beats;
            let numbers: Vec<u8> = beats.iter().take(5).map(|b| b.number).collect();
            assert_eq!(numbers, [bar, 1, 2, 3, if bar == 3 { 1 } else { 4 }]);
            assert_eq!(beats.len(), 24);
        }
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
            // Less the share of changes beyond the largest, which are left out.
            assert!((sum - 1.0).abs() < 1e-6, "interval {n}: {sum}");
        }
    }

    #[test]
    fn the_path_is_that_of_the_full_state_space() {
        // The plain model, state by state, on a small range of tempi, a noisy activation and noisy
        // downbeats. Each of these beats has one beat state.
        let intervals: Vec<usize> = (8..=14).collect();
        let mut noise = 12345_u64;
        let mut random = || {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (noise >> 40) as f64 / (1_u64 << 24) as f64
        };
        let activation: Vec<f64> = (0..120)
            .map(|i| 0.3 * random() + if i % 11 == 4 { 0.3 } else { 0.0 })
            .collect();
        let share: Vec<f64> = (0..120).map(|_| 0.05 + 0.9 * random()).collect();
        for bar in [1_u8, 3] {
            let bars = usize::from(bar);
            let states: Vec<(usize, usize, usize)> = (0..bars)
                .flat_map(|b| {
                    let beat = |i: usize| (0..intervals[i]).map(move |k| (b, i, k));
                    (0..intervals.len()).flat_map(beat).collect::<Vec<_>>()
                })
                .collect();
            let index = |state| states.iter().position(|s| *s == state).expect("a state");
            let log = |n: usize, m: usize| -TEMPO_CHANGE * (m as f64 / n as f64 - 1.0).abs();
            let observe = |t: usize, (b, _, k): (usize, usize, usize)| {
                let a = activation[t].clamp(CLAMP.0, CLAMP.1);
                match (k, b) {
                    (0, _) if bar == 1 => a.ln(),
                    (0, 0) => (a * share[t]).ln(),
                    (0, _) => (a * (1.0 - share[t])).ln(),
                    _ => ((1.0 - a) / 15.0).ln(),
                }
            };
            let mut score: Vec<f64> = states
                .iter()
                .map(|s| -(states.len() as f64).ln() + observe(0, *s))
                .collect();
            let mut back: Vec<Vec<usize>> = vec![(0..states.len()).collect()];
            for t in 1..activation.len() {
                let mut next = vec![f64::NEG_INFINITY; states.len()];
                let mut from = vec![0; states.len()];
                for (s, &(b, i, k)) in states.iter().enumerate() {
                    let sources: Vec<(usize, f64)> = if k > 0 {
                        vec![(index((b, i, k - 1)), 0.0)]
                    } else {
                        (0..intervals.len())
                            .map(|n| {
                                let norm: f64 = intervals.iter().map(|m| log(intervals[n], *m).exp()).sum();
                                let before = ((b + bars - 1) % bars, n, intervals[n] - 1);
                                (index(before), log(intervals[n], intervals[i]) - norm.ln())
                            })
                            .collect()
                    };
                    for (source, p) in sources {
                        if score[source] + p > next[s] {
                            (next[s], from[s]) = (score[source] + p, source);
                        }
                    }
                    next[s] += observe(t, states[s]);
                }
                score = next;
                back.push(from);
            }
            let mut at = (0..states.len())
                .max_by(|a, b| score[*a].total_cmp(&score[*b]))
                .expect("states");
            let likeliest = score[at];
            let mut entries = Vec::new();
            for t in (0..activation.len()).rev() {
                let (b, i, k) = states[at];
                if k == 0 {
                    entries.push((snap(&activation, t, intervals[i]), b as u8 + 1));
                }
                at = back[t][at];
            }
            entries.reverse();
            let ours = decoded(&activation, (bar > 1).then_some(&share), &intervals, bar);
            let path: Vec<(f64, u8)> = ours.beats.iter().map(|b| (b.position, b.number)).collect();
            assert_eq!(path, entries);
            assert!((ours.score - likeliest).abs() < 1e-9, "{} {likeliest}", ours.score);
        }
    }

    #[test]
    fn nothing_to_decode_is_no_beats() {
        assert!(beats(&[]).is_empty());
        assert!(beats(&[f64::NAN; 300]).len() > 1);
        let intervals = intervals(Tempo::from_bpm(60.0), Tempo::from_bpm(180.0));
        assert!(
            decoded(&[f64::NAN; 300], Some(&[f64::NAN; 300]), &intervals, 4)
                .beats
                .len()
                > 1
        );
    }
}
