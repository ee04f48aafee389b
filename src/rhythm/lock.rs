//! The lock search: which metronome fits the movement.
//!
//! e(t) is the movement with its slow part removed, at unit variance.
//! R = Σ_m |mean(e · exp(−2πi·m·φ))| over m = ½, 1, 2, with φ(t) the beat phase of a grid: large
//! when the movement repeats every two beats, every beat or every half beat. R needs no phase and
//! no labels. It cannot distinguish a tempo from its double, so a preference for the tempi at which
//! people tap decides.

use super::curve::Curve;
use super::signal;
use crate::time::{BeatGrid, Instant, Rate, Span, Tempo};
use std::f64::consts::TAU;

/// Multiples of the beat's phase that are evaluated.
const MULTIPLES: [f64; 3] = [0.5, 1.0, 2.0];

/// Standard deviation in seconds of the slow part that is removed: a movement every two beats at 60
/// a minute keeps 99 %.
const SLOW: f64 = 1.0;

/// Metronomes that a grid is ranked among: from, to and step in beats a minute.
const METRONOMES: (f64, f64, f64) = (60.0, 180.0, 0.5);

/// Factor for R at half or twice a tempo: a tempo that locks itself ranks above one that only locks
/// in another octave.
const OCTAVE: f64 = 0.95;

/// Log weight, per second, of one standard deviation of R where the activation comes from signal
/// processing. By that activation alone the decoder is at chance on real clips, while the lock has
/// the right tempo, up to octave, in nearly half. The activation's own differences between tempi
/// are a few nats a second, so this weight ranks them second: they decide the phase, and the tempo
/// among those that lock equally well. On synthetic dances with noisy limbs the share of tempi
/// found is the same, within chance, from 5 to 12.
pub(crate) const TRUST: f64 = 10.0;

/// Log weight, per second, of [`tapping_preference`], relative to [`TRUST`]. Half or double the
/// tempo that people tap is a last resort, at the cost of one standard deviation of R.
pub(crate) const PREFERENCE: f64 = 5.0;

/// Standard deviations of R that a metronome loses for an interval one frame away from its own.
const APART: f64 = 0.2;

/// Lengths of the stretches in which tempi are compared. Over long ones a dancer's drift blurs the
/// tempo; short ones resolve tempi coarsely (16 s: 3.75 beats a minute, 48 s: 1.25).
const STRETCHES: [Span; 2] = [Span::from_seconds(16.0), Span::from_seconds(48.0)];

/// Movement without its slow part, at unit variance; 0 where the movement is 0 (nobody seen).
pub(crate) fn excitation(movement: &Curve) -> Vec<f64> {
    let values: Vec<f64> = movement.values.iter().map(|v| f64::from(*v)).collect();
    let seen: Vec<f64> = values.iter().map(|v| f64::from(u8::from(*v > 0.0))).collect();
    let slow = signal::smooth_weighted(&values, &seen, movement.rate.count(Span::from_seconds(SLOW)));
    let fast: Vec<f64> = values
        .iter()
        .zip(&slow)
        .zip(&seen)
        .map(|((v, s), seen)| (v - s) * seen)
        .collect();
    let present = seen.iter().sum::<f64>().max(1.0);
    let deviation = (fast.iter().map(|v| v * v).sum::<f64>() / present).sqrt();
    if deviation > 1e-9 {
        fast.iter().map(|v| v / deviation).collect()
    } else {
        vec![0.0; fast.len()]
    }
}

/// |mean(e · exp(−2πi · hz · t))| over a stretch of samples, for several frequencies at once,
/// which takes little longer than one.
fn strengths<const N: usize>(e: &[f64], hz: [f64; N], rate: f64) -> [f64; N] {
    let steps = hz.map(|hz| (-TAU * hz / rate).sin_cos());
    let (mut re, mut im) = ([1.0; N], [0.0; N]);
    let (mut sum_re, mut sum_im) = ([0.0; N], [0.0; N]);
    for value in e {
        for k in 0..N {
            let (step_im, step_re) = steps[k];
            sum_re[k] += value * re[k];
            sum_im[k] += value * im[k];
            (re[k], im[k]) = (re[k] * step_re - im[k] * step_im, re[k] * step_im + im[k] * step_re);
        }
    }
    std::array::from_fn(|k| sum_re[k].hypot(sum_im[k]) / e.len().max(1) as f64)
}

/// R of a metronome over a stretch.
fn metronome_lock(e: &[f64], tempo: Tempo, rate: f64) -> f64 {
    let hz = 1.0 / tempo.beat_span().seconds();
    strengths(e, MULTIPLES.map(|m| m * hz), rate).iter().sum()
}

/// How well a metronome fits a stretch up to octave: R of the tempo itself, or [`OCTAVE`] × R of
/// its half or double where those are metronomes of the search. A dancer who moves on every other
/// beat locks to half the tempo that the music should have, so R must not decide the octave.
fn octave_lock(e: &[f64], tempo: Tempo, rate: f64) -> f64 {
    let hz = 1.0 / tempo.beat_span().seconds();
    // The multiples of the half and of the double are among these.
    let [quarter, half, one, two, four] = strengths(e, [0.25, 0.5, 1.0, 2.0, 4.0].map(|m| m * hz), rate);
    [
        (1.0, 1.0, half + one + two),
        (0.5, OCTAVE, quarter + half + one),
        (2.0, OCTAVE, one + two + four),
    ]
    .into_iter()
    .filter(|(factor, share, _)| *share == 1.0 || (METRONOMES.0..=METRONOMES.1).contains(&(tempo.bpm() * factor)))
    .map(|(_, share, lock)| share * lock)
    .fold(0.0, f64::max)
}

/// R of a grid of beats over the whole movement.
fn grid_lock(e: &[f64], movement: &Curve, grid: &BeatGrid) -> f64 {
    let phase: Vec<f64> = (0..e.len())
        .map(|i| grid.beat_position(movement.rate.instant(i)))
        .collect();
    MULTIPLES
        .iter()
        .map(|m| {
            let (mut re, mut im) = (0.0, 0.0);
            for (value, phase) in e.iter().zip(&phase) {
                let (sin, cos) = (TAU * m * phase).sin_cos();
                re += value * cos;
                im -= value * sin;
            }
            re.hypot(im) / e.len().max(1) as f64
        })
        .sum()
}

/// R of a grid, and R of the metronomes it is compared with; `None` for fewer than two beats or no
/// movement.
fn ranked(movement: &Curve, beats: &[Instant]) -> Option<(f64, Vec<f64>)> {
    let e = excitation(movement);
    let grid = BeatGrid::new(beats.to_vec())?;
    if e.iter().all(|v| *v == 0.0) {
        return None;
    }
    let (from, to, step) = METRONOMES;
    let count = ((to - from) / step).round() as usize + 1;
    let others = (0..count)
        .map(|i| metronome_lock(&e, Tempo::from_bpm(from + step * i as f64), movement.rate.hz()))
        .collect();
    Some((grid_lock(&e, movement, &grid), others))
}

/// The *lock percentile* of a grid (0 to 100): its rank by R among the metronomes of 60 to 180
/// beats a minute in steps of 0.5. A grid that has nothing to do with the movement gets 50 on
/// average; 0 for fewer than two beats or no movement.
#[cfg(feature = "internals")]
pub(crate) fn percentile(movement: &Curve, beats: &[Instant]) -> f64 {
    ranked(movement, beats).map_or(0.0, |(own, others)| {
        let below = others.iter().filter(|r| **r < own).count();
        100.0 * below as f64 / others.len() as f64
    })
}

/// How a grid compares with the metronomes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Standing {
    /// How many standard deviations R of the grid lies above the mean of the metronomes.
    pub score: f64,
    /// How clearly some metronomes stand out, 0 to 1: the certainty of a distribution over them by
    /// their standard scores.
    pub certainty: f64,
}

/// How a grid compares with the metronomes; zeros for fewer than two beats or no movement.
pub(crate) fn standing(movement: &Curve, beats: &[Instant]) -> Standing {
    ranked(movement, beats).map_or_else(Standing::default, |(own, others)| {
        let mean = signal::mean(&others);
        let deviation = signal::mean(&others.iter().map(|r| (r - mean).powi(2)).collect::<Vec<_>>()).sqrt();
        if deviation <= 1e-9 {
            return Standing::default();
        }
        let weights: Vec<f64> = others.iter().map(|r| ((r - mean) / deviation).exp()).collect();
        let total: f64 = weights.iter().sum();
        Standing {
            score: (own - mean) / deviation,
            certainty: signal::certainty(&weights.iter().map(|w| w / total).collect::<Vec<_>>()),
        }
    })
}

/// Log weights, per second, of the evidence for a tempo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TempoWeights {
    /// Weight of how well the grid fits the movement, per standard deviation of R. The octave is
    /// ignored.
    pub lock: f64,
    /// Weight of the network's tempo distribution, per unit of its natural logarithm.
    pub network: f64,
    /// Weight of [`tapping_preference`], per unit of its natural logarithm.
    pub preference: f64,
}

/// The network's estimate of the tempo around an instant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TempoWindow {
    /// Middle of the window that the estimate is from.
    pub middle: Instant,
    /// Log probability of each bin (see [`bin`]).
    pub logs: Vec<f64>,
}

/// Tempo of the network's first bin, and bins per octave.
const BINS: (f64, f64) = (50.0, 24.0);

/// Number of the network's tempo bins: 50 to 200 beats a minute.
pub(crate) const TEMPO_BINS: usize = 49;

/// Where a tempo lies among the network's bins; bin k is 50 · 2^(k/24) beats a minute.
pub(crate) fn bin(tempo: Tempo) -> f64 {
    BINS.1 * (tempo.bpm() / BINS.0).log2()
}

impl TempoWindow {
    /// Log probability of the bin that a tempo falls into, linear between bins; outside the bins,
    /// that of the outermost.
    pub fn log(&self, tempo: Tempo) -> f64 {
        signal::at(&self.logs, bin(tempo))
    }
}

/// Mean log probability of a tempo over the windows whose middle is within half of `length` of an
/// instant, or in the nearest one; 0 where there is no window.
fn network_log(windows: &[TempoWindow], tempo: Tempo, instant: Instant, length: Span) -> f64 {
    let apart = |w: &TempoWindow| (w.middle - instant).seconds().abs();
    let near: Vec<f64> = windows
        .iter()
        .filter(|w| apart(w) <= 0.5 * length.seconds())
        .map(|w| w.log(tempo))
        .collect();
    if near.is_empty() {
        let nearest = windows.iter().min_by(|a, b| apart(a).total_cmp(&apart(b)));
        nearest.map_or(0.0, |w| w.log(tempo))
    } else {
        signal::mean(&near)
    }
}

/// How well each tempo fits each stretch of the movement, with the network's estimate and the
/// preference for tempi that people tap.
#[derive(Debug, Clone)]
pub(crate) struct TempoPrior {
    /// Middle of each stretch.
    centres: Vec<Instant>,
    /// Log weight of each interval in each stretch, at most 0.
    weights: Vec<Vec<f64>>,
}

/// How well the movement fits each metronome, in short and in long stretches.
#[derive(Debug, Clone)]
pub(crate) struct Locks {
    metronomes: Vec<Tempo>,
    /// Middle of each stretch, and each metronome's standard score.
    short: Vec<(Instant, Vec<f64>)>,
    long: Vec<(Instant, Vec<f64>)>,
}

impl Locks {
    /// The locks of the metronomes between the tempi of the longest and the shortest beat, in
    /// frames of `frame_rate`.
    pub fn new(movement: &Curve, intervals: &[usize], frame_rate: Rate) -> Self {
        let e = excitation(movement);
        let bpm = |frames: &usize| Tempo::from_beat_span(frame_rate.period() * *frames as f64).bpm();
        let metronomes = match (intervals.last(), intervals.first()) {
            (Some(longest), Some(shortest)) => metronomes(bpm(longest), bpm(shortest)),
            _ => Vec::new(),
        };
        let [short, long] = STRETCHES.map(|length| stretch_scores(&e, movement.rate, &metronomes, length));
        Self {
            metronomes,
            short,
            long,
        }
    }
}

impl TempoPrior {
    /// The prior over beats of so many frames of `frame_rate`, from the movement's locks and the
    /// network's estimates of the tempo (may be empty).
    ///
    /// The long and the short stretch around each time have the same weight: where the tempo is
    /// steady the long one resolves tempi more finely, where it drifts it has little to contribute.
    pub fn new(
        locks: &Locks,
        network: &[TempoWindow],
        weights: TempoWeights,
        intervals: &[usize],
        frame_rate: Rate,
    ) -> Self {
        let Locks {
            metronomes,
            short,
            long,
        } = locks;
        let frames = |tempo: &Tempo| frame_rate.count(tempo.beat_span());
        let exact: Vec<Tempo> = intervals
            .iter()
            .map(|n| Tempo::from_beat_span(frame_rate.period() * *n as f64))
            .collect();
        // A tempo between two whole intervals is decoded by alternating between them: it counts for
        // both, more for the nearer one.
        let played: Vec<Vec<(usize, f64)>> = intervals
            .iter()
            .map(|n| {
                (0..metronomes.len())
                    .map(|k| (k, (frames(&metronomes[k]) - *n as f64).abs()))
                    .filter(|(_, apart)| *apart < 1.0)
                    .collect()
            })
            .collect();
        let logs_of_network = |tempo: Tempo, centre: Instant| {
            let log = |length| network_log(network, tempo, centre, length);
            0.5 * (log(STRETCHES[0]) + log(STRETCHES[1]))
        };
        let weights = short
            .iter()
            .map(|(centre, scores)| {
                let around = nearest(long, *centre).unwrap_or(scores);
                let both: Vec<f64> = scores.iter().zip(around).map(|(a, b)| 0.5 * (a + b)).collect();
                let logs: Vec<f64> = played
                    .iter()
                    .zip(&exact)
                    .map(|(played, tempo)| {
                        let best = played
                            .iter()
                            .map(|(k, apart)| both[*k] - APART * apart)
                            .fold(f64::NEG_INFINITY, f64::max);
                        let best = if best.is_finite() { best } else { 0.0 };
                        weights.lock * best
                            + weights.network * logs_of_network(*tempo, *centre)
                            + weights.preference * tapping_preference(*tempo)
                    })
                    .collect();
                let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                logs.iter().map(|log| log - highest).collect()
            })
            .collect();
        Self {
            centres: short.iter().map(|(centre, _)| *centre).collect(),
            weights,
        }
    }

    /// A prior that treats all tempi equally.
    #[cfg(test)]
    pub fn uniform(tempi: usize) -> Self {
        Self {
            centres: vec![Instant::ZERO],
            weights: vec![vec![0.0; tempi]],
        }
    }

    /// Log weights of the intervals at an instant: those of the nearest stretch.
    pub fn at(&self, instant: Instant) -> &[f64] {
        nearest_index(self.centres.len(), |i| self.centres[i], instant).map_or(&[], |i| &self.weights[i])
    }
}

/// Metronomes from `slowest` to `fastest`, in steps of 0.5 beats a minute.
fn metronomes(slowest: f64, fastest: f64) -> Vec<Tempo> {
    let count = ((fastest - slowest) / METRONOMES.2).max(0.0).round() as usize + 1;
    (0..count)
        .map(|i| Tempo::from_bpm(slowest + METRONOMES.2 * i as f64))
        .collect()
}

/// Index of the nearest of `count` instants in rising order.
fn nearest_index(count: usize, centre: impl Fn(usize) -> Instant, instant: Instant) -> Option<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if centre(middle) < instant {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let apart = |i: usize| (centre(i) - instant).seconds().abs();
    (low.saturating_sub(1)..(low + 1).min(count)).min_by(|a, b| apart(*a).total_cmp(&apart(*b)))
}

fn nearest(stretches: &[(Instant, Vec<f64>)], instant: Instant) -> Option<&Vec<f64>> {
    let index = nearest_index(stretches.len(), |i| stretches[i].0, instant)?;
    stretches.get(index).map(|s| &s.1)
}

/// The standard score of each metronome's lock, up to octave, in stretches of `length` that start a
/// quarter of it apart, with their middles.
fn stretch_scores(e: &[f64], rate: Rate, metronomes: &[Tempo], length: Span) -> Vec<(Instant, Vec<f64>)> {
    let samples = (rate.position(Instant::ZERO + length) as usize).clamp(1, e.len().max(1));
    let mut stretches = Vec::new();
    let mut begin = 0;
    loop {
        let end = (begin + samples).min(e.len());
        // The last stretch is as long as the others.
        let from = end.saturating_sub(samples);
        let locks: Vec<f64> = metronomes
            .iter()
            .map(|tempo| octave_lock(&e[from..end], *tempo, rate.hz()))
            .collect();
        stretches.push((rate.instant_at((from + end) as f64 / 2.0), standard_scores(&locks)));
        if end >= e.len() {
            return stretches;
        }
        begin += (samples / 4).max(1);
    }
}

fn standard_scores(values: &[f64]) -> Vec<f64> {
    let mean = signal::mean(values);
    let deviation = signal::mean(&values.iter().map(|l| (l - mean).powi(2)).collect::<Vec<_>>()).sqrt();
    values
        .iter()
        .map(|v| if deviation > 1e-9 { (v - mean) / deviation } else { 0.0 })
        .collect()
}

/// Log of how readily people tap at a tempo, approximately: −½ (log2(tempo / 110) / 0.45)².
/// People tap between 80 and 150 beats a minute (−0.5 at both, and 0 in the middle); half or
/// twice the tempo that people would tap is penalised: −1.9 at 60 and −1.3 at 180. A curve of
/// this form over the logarithm is that of pulse salience (Parncutt 1994).
pub(crate) fn tapping_preference(tempo: Tempo) -> f64 {
    -0.5 * ((tempo.bpm() / 110.0).log2() / 0.45).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A movement that alternates between fast and slow with each beat of `tempo`, `seconds` long.
    fn pulsing(tempo: f64, seconds: f64) -> Curve {
        let rate = Rate::from_hz(60.0);
        let values = (0..(seconds * 60.0) as usize)
            .map(|i| 10.0 + 4.0 * (TAU * rate.instant(i).seconds() * tempo / 60.0).cos() as f32)
            .collect();
        Curve { rate, values }
    }

    fn metronome(tempo: f64) -> Vec<Instant> {
        super::super::matching::metronome(Tempo::from_bpm(tempo), Span::ZERO, Span::from_seconds(20.0))
    }

    #[test]
    fn a_sine_at_the_beat_locks_with_half_its_amplitude() {
        // e = √2 · cos: |mean(e · exp(−iφ))| = √2 / 2, and nothing at the other multiples.
        let e = excitation(&pulsing(120.0, 20.0));
        let r = metronome_lock(&e, Tempo::from_bpm(120.0), 60.0);
        assert!((r - 0.5_f64.sqrt()).abs() < 0.03, "{r}");
        assert!(metronome_lock(&e, Tempo::from_bpm(97.0), 60.0) < 0.15);
    }

    #[test]
    fn the_right_grid_ranks_high_and_a_wrong_one_does_not() {
        let movement = pulsing(97.5, 20.0);
        assert!(percentile(&movement, &metronome(97.5)) > 99.0);
        assert!(percentile(&movement, &metronome(131.0)) < 90.0);
        assert!(standing(&movement, &metronome(97.5)).score > 3.0);
        assert!(standing(&movement, &metronome(97.5)).certainty > 0.1);
        assert_eq!(percentile(&movement, &[]), 0.0);
        let still = Curve {
            rate: movement.rate,
            values: vec![3.0; 1200],
        };
        assert_eq!(percentile(&still, &metronome(97.5)), 0.0);
    }

    #[test]
    fn the_networks_tempo_is_read_between_bins_and_from_nearby_windows() {
        let window = |middle: f64, peak: usize| TempoWindow {
            middle: Instant::from_seconds(middle),
            logs: (0..TEMPO_BINS).map(|k| -(k.abs_diff(peak) as f64)).collect(),
        };
        let at_100 = window(5.0, 24);
        assert!((at_100.log(Tempo::from_bpm(100.0))).abs() < 1e-9);
        assert!((at_100.log(Tempo::from_bpm(100.0 * 2_f64.powf(0.5 / 24.0))) + 0.5).abs() < 1e-9);
        // Beyond the bins, the outermost one applies.
        assert_eq!(at_100.log(Tempo::from_bpm(240.0)), at_100.logs[48]);
        assert_eq!(at_100.log(Tempo::from_bpm(40.0)), at_100.logs[0]);

        let windows = [at_100, window(10.0, 24), window(60.0, 40)];
        let log = |bpm, at, length| {
            network_log(
                &windows,
                Tempo::from_bpm(bpm),
                Instant::from_seconds(at),
                Span::from_seconds(length),
            )
        };
        assert!(log(100.0, 8.0, 16.0).abs() < 1e-9);
        assert!((log(100.0, 60.0, 16.0) + 16.0).abs() < 1e-9);
        assert!((log(100.0, 30.0, 4.0)).abs() < 1e-9, "the nearest");
        assert_eq!(
            network_log(&[], Tempo::from_bpm(100.0), Instant::ZERO, Span::from_seconds(16.0)),
            0.0
        );

        // The prior follows it where the movement is neutral.
        let still = Curve {
            rate: Rate::from_hz(60.0),
            values: vec![3.0; 1200],
        };
        let intervals: Vec<usize> = (33..=100).collect();
        let weights = TempoWeights {
            lock: 10.0,
            network: 3.0,
            preference: 0.0,
        };
        let locks = Locks::new(&still, &intervals, Rate::from_hz(100.0));
        let prior = TempoPrior::new(&locks, &windows[2..], weights, &intervals, Rate::from_hz(100.0));
        let logs = prior.at(Instant::from_seconds(10.0));
        let best = (0..logs.len())
            .max_by(|a, b| logs[*a].total_cmp(&logs[*b]))
            .expect("logs");
        // Bin 40: 158.7 beats a minute, 37.8 frames.
        assert_eq!(intervals[best], 38);
        assert_eq!(logs[best], 0.0);
    }
}
