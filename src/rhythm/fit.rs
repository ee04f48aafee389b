//! From decoded beats to a grid that music can be played on.
//!
//! Decoded beats sit on whole frames of the model and on peaks of a noisy signal; an audience hears
//! a beat that stumbles by 30 ms. Each beat is therefore replaced by a straight line through its
//! neighbours, over as many of them as agree: where one tempo explains the whole clip the grid is
//! exactly even, and where the tempo really changes the grid follows.

use super::activation::{ACTIVATION_RATE, NEUTRAL};
use super::{matching, signal};
use crate::time::{Instant, Span, Tempo};

/// Half widths, in beats, of the neighbourhoods that are tried; after the last comes the whole
/// clip.
const HALF_WIDTHS: [usize; 9] = [2, 3, 4, 6, 9, 14, 21, 32, 48];

/// Scatter of single beats that is always assumed, however well they seem to agree: half a frame of
/// a 30 fps video.
const LEAST_SCATTER: Span = Span::from_seconds(0.016);

/// Farthest that a beat is moved to a peak: the tolerance within which two beats count as one.
const LARGEST_MOVE: Span = matching::F_TOLERANCE;

/// How many standard errors a wider neighbourhood's line may lie away from a narrower one's.
/// Lepski's rule: the widest neighbourhood that contradicts none of the narrower ones (Lepski 1991;
/// for local polynomials Goldenshluger & Nemirovski 1997).
const AGREEMENT: f64 = 2.0;

/// A straight line through (index, time) by weighted least squares: (time at `at`, slope, standard
/// error at `at` per unit of scatter).
fn line(points: &[(f64, f64)], weights: &[f64], at: f64) -> Option<(f64, f64, f64)> {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let weighted = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().zip(weights).map(|(p, w)| w * f(p)).sum::<f64>();
    let middle = weighted(&|p| p.0) / total;
    let mean = weighted(&|p| p.1) / total;
    let spread = weighted(&|p| (p.0 - middle).powi(2));
    if spread <= 0.0 {
        return None;
    }
    let slope = weighted(&|p| (p.0 - middle) * (p.1 - mean)) / spread;
    let variance: f64 = points
        .iter()
        .zip(weights)
        .map(|(p, w)| (w / total + w * (p.0 - middle) * (at - middle) / spread).powi(2))
        .sum();
    Some((mean + slope * (at - middle), slope, variance.sqrt()))
}

/// Like [`line()`], but beats that lie far off get less weight (Tukey's biweight at 4.7 scatters,
/// three rounds).
fn robust_line(points: &[(f64, f64)], at: f64, scatter: f64) -> Option<(f64, f64, f64)> {
    let mut weights = vec![1.0; points.len()];
    let mut result = line(points, &weights, at)?;
    for _ in 0..3 {
        for (w, p) in weights.iter_mut().zip(points) {
            let off = (p.1 - (result.0 + result.1 * (p.0 - at))) / (4.685 * scatter);
            *w = if off.abs() < 1.0 {
                (1.0 - off * off).powi(2)
            } else {
                0.0
            };
        }
        match line(points, &weights, at) {
            Some(better) => result = better,
            None => break,
        }
    }
    Some(result)
}

/// How far single beats scatter about an even pulse, from the second differences of three beats in
/// a row, which stay small in a steady change of tempo; robust against a few outliers.
fn scatter(points: &[(f64, f64)]) -> f64 {
    let bends: Vec<f64> = points
        .windows(3)
        .filter(|p| p[2].0 - p[0].0 < 2.5)
        .map(|p| (p[0].1 - 2.0 * p[1].1 + p[2].1).abs() / 6.0_f64.sqrt())
        .collect();
    // 0.6745: the median absolute deviation of a normal distribution.
    (signal::median(&bends) / 0.6745).max(LEAST_SCATTER.seconds())
}

/// The grid of decoded beats: each beat is placed on a line through its neighbours, then moved to
/// the activation's peak near that line, and the lines are fitted again. The decoder snaps to peaks
/// only within a sixteenth of a beat, on one side of where it assumes the beat begins; a peak
/// slightly outside is better evidence of the tempo.
pub(crate) fn grid(decoded: &[Instant], activation: &[f64]) -> Vec<Instant> {
    let mut beats = smooth(decoded);
    for _ in 0..2 {
        let interval = signal::median(&beats.windows(2).map(|b| (b[1] - b[0]).seconds()).collect::<Vec<_>>());
        let reach = Span::from_seconds((interval / 8.0).min(LARGEST_MOVE.seconds()));
        let points: Vec<(f64, f64)> = beats
            .iter()
            .enumerate()
            .filter_map(|(i, beat)| Some((i as f64, peak_near(activation, *beat, reach)?.seconds())))
            .collect();
        // Too few peaks add nothing to what the decoder has found.
        if points.len() < 3 || points.len() * 2 < beats.len() {
            break;
        }
        beats = smooth_points(&points, &beats);
    }
    beats
}

/// The highest peak of the activation within `reach` of an instant, above the neutral value.
fn peak_near(activation: &[f64], instant: Instant, reach: Span) -> Option<Instant> {
    let bound = |t: Instant| (ACTIVATION_RATE.position(t).max(0.0) as usize).min(activation.len());
    let (from, to) = (bound(instant - reach), bound(instant + reach));
    let index = (from.max(1)..to.min(activation.len().saturating_sub(1)))
        .filter(|&i| activation[i] > NEUTRAL && activation[i - 1] < activation[i] && activation[i + 1] <= activation[i])
        .max_by(|a, b| activation[*a].total_cmp(&activation[*b]).then(b.cmp(a)))?;
    Some(ACTIVATION_RATE.instant_at(index as f64 + signal::parabola(activation, index)))
}

/// Beats on lines through their neighbours, by index. Fewer than three are returned unchanged.
pub(crate) fn smooth(beats: &[Instant]) -> Vec<Instant> {
    if beats.len() < 3 {
        return beats.to_vec();
    }
    let points: Vec<(f64, f64)> = beats.iter().enumerate().map(|(i, t)| (i as f64, t.seconds())).collect();
    smooth_points(&points, beats)
}

/// Beats 0 to the number of `before`, on lines through `points` (index, seconds); the value in
/// `before` where a beat has too few neighbours.
fn smooth_points(points: &[(f64, f64)], before: &[Instant]) -> Vec<Instant> {
    let scatter = scatter(points);
    let fitted: Vec<Instant> = (0..before.len())
        .map(|i| {
            let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
            let mut chosen = None;
            for half in HALF_WIDTHS.into_iter().chain([before.len()]) {
                let from = points.partition_point(|p| p.0 < i as f64 - half as f64);
                let to = points.partition_point(|p| p.0 <= (i + half) as f64);
                if to - from < 3 {
                    continue;
                }
                let Some((time, _, error)) = robust_line(&points[from..to], i as f64, scatter) else {
                    break;
                };
                let margin = AGREEMENT * scatter * error;
                // An empty common interval: the wider line contradicts a narrower one.
                if time - margin > high || time + margin < low {
                    break;
                }
                (low, high) = (low.max(time - margin), high.min(time + margin));
                chosen = Some(time);
                if from == 0 && to == points.len() {
                    break;
                }
            }
            chosen.map_or(before[i], Instant::from_seconds)
        })
        .collect();
    let even = even_out(&even_out(&fitted));
    if even.windows(2).all(|pair| pair[1] > pair[0]) {
        even
    } else {
        before.to_vec()
    }
}

/// Removes half of each beat's deviation from the middle of its neighbours. Beats on a line stay;
/// where the neighbourhood of one beat is wider than that of the next, the step between their lines
/// is rounded.
fn even_out(beats: &[Instant]) -> Vec<Instant> {
    let mut even = beats.to_vec();
    for (middle, around) in even.iter_mut().skip(1).zip(beats.windows(3)) {
        let bend = (around[2] - around[1]) - (around[1] - around[0]);
        *middle = around[1] + bend * 0.25;
    }
    even
}

/// The tempo of the straight line that fits all beats best; `None` for fewer than two.
pub(crate) fn tempo(beats: &[Instant]) -> Option<Tempo> {
    let points: Vec<(f64, f64)> = beats.iter().enumerate().map(|(i, b)| (i as f64, b.seconds())).collect();
    let (_, slope, _) = line(&points, &vec![1.0; points.len()], 0.0)?;
    (slope > 0.0).then(|| Tempo::from_beat_span(Span::from_seconds(slope)))
}

/// Extends the beats, at the mean interval of the outermost four (or at the outermost interval, if
/// that is shorter), so that the first lies within one beat of the clip's start and the last within
/// one beat of its end, and removes those outside the clip.
pub(crate) fn cover(beats: &[Instant], duration: Span) -> Vec<Instant> {
    let end = Instant::ZERO + duration;
    let interval = |pair: Option<(&Instant, &Instant)>, apart: usize| {
        pair.map(|(a, b)| (*b - *a) * (1.0 / apart.max(1) as f64))
            .filter(|span| span.seconds() > 0.0)
    };
    let reach = (beats.len().saturating_sub(1)).min(4);
    let front = interval(beats.first().zip(beats.get(reach)), reach);
    let back = interval(
        beats.get(beats.len().saturating_sub(reach + 1)).zip(beats.last()),
        reach,
    );
    let (Some(mut front), Some(mut back)) = (front, back) else {
        return beats.to_vec();
    };
    // Where the tempo changes up to the very end, the outermost interval itself may be shorter than
    // that mean, and the remainder after it would be longer than a beat.
    if let [first, second, ..] = beats
        && *second - *first < front
    {
        front = *second - *first;
    }
    if let [.., before, last] = beats
        && *last - *before < back
    {
        back = *last - *before;
    }
    let mut covered: Vec<Instant> = Vec::new();
    if let Some(first) = beats.first() {
        let mut time = *first - front;
        while time >= Instant::ZERO {
            covered.push(time);
            time = time - front;
        }
        covered.reverse();
    }
    covered.extend(beats.iter().copied());
    if let Some(last) = beats.last() {
        let mut time = *last + back;
        while time <= end {
            covered.push(time);
            time += back;
        }
    }
    covered.retain(|t| *t >= Instant::ZERO && *t <= end);
    covered
}

/// Phases of a metronome that are compared: 5 ms apart at 60 beats a minute.
const PHASES: usize = 200;

/// The metronome of exactly `tempo` whose beats fit the activation best (mean log odds on the
/// beats), over the whole clip. Where the activation is neutral throughout, the first beat is at
/// the clip's start. Fewer than two beats when the clip is shorter than a beat.
pub(crate) fn metronome(activation: &[f64], tempo: Tempo, duration: Span) -> Vec<Instant> {
    let odds: Vec<f64> = activation
        .iter()
        .map(|a| {
            let a = a.clamp(1e-6, 1.0 - 1e-6);
            (a / (1.0 - a)).ln()
        })
        .collect();
    // Wide enough that a beat some tens of milliseconds early or late still counts.
    let odds = signal::smooth(&odds, ACTIVATION_RATE.count(Span::from_seconds(0.025)));
    let interval = tempo.beat_span();
    let fit = |phase: f64| -> Option<f64> {
        let beats = matching::metronome(tempo, interval * phase, duration);
        // A phase that leaves only one beat does not make a grid.
        let values: Vec<f64> = beats
            .iter()
            .map(|b| signal::at(&odds, ACTIVATION_RATE.position(*b)))
            .collect();
        (values.len() >= 2).then(|| signal::mean(&values))
    };
    let fits: Vec<f64> = (0..PHASES)
        .map(|i| fit(i as f64 / PHASES as f64).unwrap_or(f64::NEG_INFINITY))
        .collect();
    let best = (0..PHASES)
        .max_by(|a, b| fits[*a].total_cmp(&fits[*b]).then(b.cmp(a)))
        .unwrap_or(0);
    let shift = if best == 0 || fits.iter().any(|f| !f.is_finite()) {
        0.0
    } else {
        signal::parabola(&fits, best)
    };
    matching::metronome(tempo, interval * ((best as f64 + shift) / PHASES as f64), duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instants(times: impl IntoIterator<Item = f64>) -> Vec<Instant> {
        times.into_iter().map(Instant::from_seconds).collect()
    }

    /// Deterministic noise, −1 to 1.
    fn noise(i: usize) -> f64 {
        let x = (i as f64 * 12.9898).sin() * 43_758.547;
        2.0 * (x - x.floor()) - 1.0
    }

    #[test]
    fn jitter_of_an_even_pulse_becomes_an_even_pulse() {
        let beats = instants((0..60).map(|i| 0.3 + 0.5 * i as f64 + 0.02 * noise(i)));
        let smoothed = smooth(&beats);
        for pair in smoothed.windows(3) {
            let stumble = ((pair[2] - pair[1]) - (pair[1] - pair[0])).seconds().abs();
            assert!(stumble < 0.004, "{stumble}");
        }
        for (i, beat) in smoothed.iter().enumerate() {
            assert!((beat.seconds() - 0.3 - 0.5 * i as f64).abs() < 0.008);
        }
        let tempo = tempo(&smoothed).expect("a tempo").bpm();
        assert!((tempo - 120.0).abs() < 0.06, "{tempo}");
    }

    #[test]
    fn one_beat_far_off_moves_nothing() {
        let beats = instants((0..30).map(|i| 0.5 * f64::from(i) + if i == 11 { 0.12 } else { 0.0 }));
        for (i, beat) in smooth(&beats).iter().enumerate() {
            assert!(
                (beat.seconds() - 0.5 * i as f64).abs() < 0.01,
                "{i}: {}",
                beat.seconds()
            );
        }
    }

    #[test]
    fn a_change_of_tempo_is_followed() {
        let mut time = 0.0;
        let truth: Vec<f64> = (0..60)
            .map(|i| {
                time += if i < 30 { 0.6 } else { 0.5 };
                time
            })
            .collect();
        let beats = instants(truth.iter().enumerate().map(|(i, t)| t + 0.01 * noise(i)));
        // A sudden change is rounded over the two beats to either side.
        for (i, (beat, t)) in smooth(&beats).iter().zip(&truth).enumerate() {
            let allowed = if i.abs_diff(29) <= 2 { 0.080 } else { 0.020 };
            assert!((beat.seconds() - t).abs() < allowed, "{i}, {t}: {}", beat.seconds());
        }
    }

    #[test]
    fn beats_cover_the_clip() {
        let covered = cover(&instants([2.0, 2.5, 3.0]), Span::from_seconds(4.2));
        assert_eq!(covered, instants([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]));
        assert_eq!(cover(&[], Span::from_seconds(4.0)), []);
        // A tempo that still rises at the end: the last interval is shorter than the mean of the
        // four before it.
        let rising = cover(&instants([0.2, 0.7, 1.2, 1.65, 2.05]), Span::from_seconds(2.48));
        let last = rising.last().expect("beats").seconds();
        assert!((last - 2.45).abs() < 1e-9, "{last}");
    }
}
