//! Measures of beats and of how music follows movement, as plain functions of instants.
//!
//! Beat measures are those of Davies, Degara & Plumbley, "Evaluation methods for musical audio beat
//! tracking algorithms" (2009), with the constants of the field (as in `mir_eval`). No beats are
//! left out at the start (`mir_eval` leaves out the first five seconds by default).
//!
//! A beat measure means little without its value for grids unrelated to the music: print
//! [`random_f_measure`] beside every F-measure.

use super::accents::Accent;
use super::curve::Curve;
use super::lock;
pub use super::matching::{F_TOLERANCE, f_measure, metronome};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span, Tempo};

/// Standard deviation of Cemgil's Gaussian.
const CEMGIL_SIGMA: f64 = 0.040;

/// Tolerance of phase and of period in the continuity measures, as a share of the reference
/// interval.
const CONTINUITY_TOLERANCE: f64 = 0.175;

/// Cemgil's accuracy (0 to 1): a Gaussian of 40 ms of the distance of each reference beat to the
/// nearest beat, over the mean number of beats.
pub fn cemgil(reference: &[Instant], estimated: &[Instant]) -> f64 {
    if reference.is_empty() || estimated.is_empty() {
        return 0.0;
    }
    let sum: f64 = reference
        .iter()
        .map(|r| (-nearest(estimated, *r).1.powi(2) / (2.0 * CEMGIL_SIGMA.powi(2))).exp())
        .sum();
    2.0 * sum / (reference.len() + estimated.len()) as f64
}

/// Continuity measures, each 0 to 1: the longest correct stretch (c) or all correct beats (t) as a
/// share of all beats, at the reference's metrical level (CML) or also at twice, half or the
/// off-beat (AML).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Continuity {
    /// Longest stretch at the correct level.
    pub cml_c: f64,
    /// Total at the correct level.
    pub cml_t: f64,
    /// Longest stretch at any allowed level.
    pub aml_c: f64,
    /// Total at any allowed level.
    pub aml_t: f64,
}

/// Continuity measures of `estimated` against `reference`; all 0 when either has fewer than two
/// beats.
pub fn continuity(reference: &[Instant], estimated: &[Instant]) -> Continuity {
    if reference.len() < 2 || estimated.len() < 2 {
        return Continuity::default();
    }
    let middles = reference.windows(2).map(|p| p[0] + (p[1] - p[0]) * 0.5);
    let off_beat: Vec<Instant> = middles.clone().collect();
    let mut double: Vec<Instant> = reference.iter().copied().chain(middles).collect();
    double.sort_by(|a, b| a.seconds().total_cmp(&b.seconds()));
    let every_other = |from: usize| reference.iter().skip(from).step_by(2).copied().collect::<Vec<_>>();
    let (cml_c, cml_t) = continuity_at(reference, estimated);
    let (mut aml_c, mut aml_t) = (cml_c, cml_t);
    for variation in [off_beat, double, every_other(0), every_other(1)] {
        let (c, t) = continuity_at(&variation, estimated);
        aml_c = aml_c.max(c);
        aml_t = aml_t.max(t);
    }
    Continuity {
        cml_c,
        cml_t,
        aml_c,
        aml_t,
    }
}

fn continuity_at(reference: &[Instant], estimated: &[Instant]) -> (f64, f64) {
    if reference.len() < 2 {
        return (0.0, 0.0);
    }
    let mut used = vec![false; reference.len()];
    let interval = |beats: &[Instant], to: usize| (beats[to] - beats[to - 1]).seconds();
    let (mut total, mut run, mut longest) = (0_usize, 0_usize, 0_usize);
    for m in 0..estimated.len() {
        let (near, apart) = nearest(reference, estimated[m]);
        // At either start there is no interval before: the intervals after are compared.
        let ahead = m == 0 || near == 0;
        let in_reference = interval(
            reference,
            if ahead {
                (near + 1).min(reference.len() - 1)
            } else {
                near
            },
        );
        let in_estimated = interval(estimated, if ahead { (m + 1).min(estimated.len() - 1) } else { m });
        let correct = !used[near]
            && apart / in_reference < CONTINUITY_TOLERANCE
            && (1.0 - in_estimated / in_reference).abs() < CONTINUITY_TOLERANCE;
        if correct {
            used[near] = true;
            total += 1;
            run += 1;
            longest = longest.max(run);
        } else {
            run = 0;
        }
    }
    let beats = reference.len().max(estimated.len()) as f64;
    (longest as f64 / beats, total as f64 / beats)
}

/// Index of the instant nearest to `to` and its distance in seconds; `instants` must be in rising
/// order and not empty.
fn nearest(instants: &[Instant], to: Instant) -> (usize, f64) {
    let after = instants.partition_point(|i| *i < to);
    let apart = |k: usize| (instants[k] - to).seconds().abs();
    if after == 0 {
        (0, apart(0))
    } else if after == instants.len() || apart(after - 1) <= apart(after) {
        (after - 1, apart(after - 1))
    } else {
        (after, apart(after))
    }
}

/// Drift: how far the estimated grid is from the last reference beat, positive when late. `None`
/// without beats.
pub fn drift(reference: &[Instant], estimated: &[Instant]) -> Option<Span> {
    let last = *reference.last()?;
    if estimated.is_empty() {
        return None;
    }
    Some(estimated[nearest(estimated, last).0] - last)
}

/// Mean F-measure of metronomes that have nothing to do with the music: 80 to 135 beats a minute in
/// steps of 1, eight phases each, over `duration`. 0.245 on the field's songs.
pub fn random_f_measure(reference: &[Instant], duration: Span) -> f64 {
    let (mut sum, mut count) = (0.0, 0_u32);
    for bpm in 80..=135 {
        let tempo = Tempo::from_bpm(f64::from(bpm));
        for eighth in 0..8 {
            let beats = metronome(tempo, tempo.beat_span() * (f64::from(eighth) / 8.0), duration);
            sum += f_measure(reference, &beats, F_TOLERANCE);
            count += 1;
        }
    }
    sum / f64::from(count)
}

/// Lock percentile of a grid (0 to 100): its rank by R = Σ_m |mean(e·exp(−2πi·m·φ))|,
/// m = ½, 1, 2, among constant metronomes of 60 to 180 beats a minute in steps of 0.5.
/// `movement` is [`Rhythm::movement`](super::Rhythm::movement). Needs no labels.
pub fn lock_percentile(movement: &Curve, beats: &[Instant]) -> f64 {
    lock::percentile(movement, beats)
}

/// Impact phase: mean impact within ±70 ms of the beats over its mean elsewhere, for the grid and
/// for the grid shifted by ¼, ½ and ¾ beat. `impact` is how hard the body is stopped over time
/// (weighted torso lengths a second per second). All 0 without two beats or impact.
pub fn impact_phase(impact: &Curve, beats: &[Instant]) -> [f64; 4] {
    let Some(grid) = BeatGrid::new(beats.to_vec()) else {
        return [0.0; 4];
    };
    [0.0, 0.25, 0.5, 0.75].map(|shift| {
        let shifted: Vec<Instant> = (-1..beats.len() as i64)
            .map(|i| grid.instant((i as f64 + shift) * STEPS_PER_BEAT as f64))
            .collect();
        let (mut on, mut off) = ((0.0, 0_u32), (0.0, 0_u32));
        for (i, value) in impact.values.iter().enumerate() {
            let (_, apart) = nearest(&shifted, impact.rate.instant(i));
            let side = if apart <= F_TOLERANCE.seconds() {
                &mut on
            } else {
                &mut off
            };
            side.0 += f64::from(*value);
            side.1 += 1;
        }
        let mean = |(sum, count): (f64, u32)| sum / f64::from(count.max(1));
        if mean(off) > 0.0 { mean(on) / mean(off) } else { 0.0 }
    })
}

/// *Follow* (0 to 1): the share of the accents that have a drum onset within one step (sixteenth),
/// and with more energy than the average of the steps without an accent.
///
/// `onsets` are the drum hits, instant and energy (velocity), in rising order; hits within half a
/// step of each other add up. Compare the value with that of the movement shuffled in time, see
/// [`shuffled`]: with a steady beat there is always a strong step within a sixteenth, so chance is
/// high. [`accent_energy`] requires the exact step.
pub fn follow(accents: &[Accent], onsets: &[(Instant, f32)], grid: &BeatGrid) -> f64 {
    if accents.is_empty() || onsets.is_empty() {
        return 0.0;
    }
    let usual = super::signal::mean(&plain_energies(accents, onsets, grid));
    let answered = accents.iter().filter(|accent| {
        let step = grid.nearest_step(accent.time);
        let span = grid.step_span(step);
        let (from, to) = (accent.time - span, accent.time + span);
        let begin = onsets.partition_point(|o| o.0 < from);
        let near = onsets.get(begin).is_some_and(|o| o.0 <= to);
        let most = (step - 1..=step + 1)
            .map(|s| step_energy(onsets, grid, s))
            .fold(0.0, f64::max);
        near && most > usual
    });
    answered.count() as f64 / accents.len() as f64
}

/// How much louder the drums are in the steps that carry an accent: mean energy of those steps over
/// that of the others. 1 means that the drums are independent of the accents; 0 without accents or
/// drums.
pub fn accent_energy(accents: &[Accent], onsets: &[(Instant, f32)], grid: &BeatGrid) -> f64 {
    let mut steps: Vec<i64> = accents.iter().map(|a| grid.nearest_step(a.time)).collect();
    steps.sort_unstable();
    steps.dedup();
    let accented: Vec<f64> = steps.iter().map(|s| step_energy(onsets, grid, *s)).collect();
    let usual = super::signal::mean(&plain_energies(accents, onsets, grid));
    if usual > 0.0 {
        super::signal::mean(&accented) / usual
    } else {
        0.0
    }
}

/// Energy of the onsets nearest to a step.
fn step_energy(onsets: &[(Instant, f32)], grid: &BeatGrid, step: i64) -> f64 {
    let (from, to) = (grid.instant(step as f64 - 0.5), grid.instant(step as f64 + 0.5));
    let begin = onsets.partition_point(|o| o.0 < from);
    onsets[begin..]
        .iter()
        .take_while(|o| o.0 < to)
        .map(|o| f64::from(o.1))
        .sum()
}

/// Energies of the steps without an accent, from the first accent or onset to the last.
fn plain_energies(accents: &[Accent], onsets: &[(Instant, f32)], grid: &BeatGrid) -> Vec<f64> {
    let accented: Vec<i64> = accents.iter().map(|a| grid.nearest_step(a.time)).collect();
    let times = accents.iter().map(|a| a.time).chain(onsets.iter().map(|o| o.0));
    let (first, last) = times.fold((i64::MAX, i64::MIN), |(low, high), t| {
        let step = grid.nearest_step(t);
        (low.min(step), high.max(step))
    });
    (first..=last)
        .filter(|s| !accented.contains(s))
        .map(|s| step_energy(onsets, grid, s))
        .collect()
}

/// The accents of a movement shuffled in time: the gaps between them in a different order, and the
/// time before the first and after the last divided again at random, from `seed`; the strengths
/// keep their order. The baseline of [`follow`].
pub fn shuffled(accents: &[Accent], duration: Span, seed: u64) -> Vec<Accent> {
    let (Some(first), Some(last)) = (accents.first(), accents.last()) else {
        return Vec::new();
    };
    let mut gaps: Vec<Span> = accents.windows(2).map(|p| p[1].time - p[0].time).collect();
    let mut state = splitmix(seed);
    let free = (duration - (last.time - first.time)).seconds().max(0.0);
    let start = Span::from_seconds(free * (state >> 11) as f64 / (1_u64 << 53) as f64);
    for i in (1..gaps.len()).rev() {
        state = splitmix(state);
        gaps.swap(i, (state % (i as u64 + 1)) as usize);
    }
    let mut time = Instant::ZERO + start;
    let gaps = std::iter::once(Span::ZERO).chain(gaps);
    accents
        .iter()
        .zip(gaps)
        .map(|(accent, gap)| {
            time += gap;
            Accent { time, ..*accent }
        })
        .collect()
}

/// SplitMix64 (Steele, Lea & Flood 2014): enough to shuffle a list the same way on every machine.
fn splitmix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
