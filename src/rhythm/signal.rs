//! Small tools on evenly sampled signals: smoothing, quantiles, peaks. No knowledge of bodies or
//! music.

/// Gaussian smoothing of the samples whose weight is above 0; the others are left out of every
/// mean, so that a gap pulls nothing towards zero. Where no weight is in reach the result is 0.
/// `sigma` is in samples; the kernel ends at 3 sigma.
pub(crate) fn smooth_weighted(values: &[f64], weights: &[f64], sigma: f64) -> Vec<f64> {
    let kernel = gaussian(sigma);
    let reach = kernel.len() - 1;
    (0..values.len())
        .map(|i| {
            let from = i.saturating_sub(reach);
            let to = (i + reach + 1).min(values.len());
            let (mut sum, mut total) = (0.0, 0.0);
            for k in from..to {
                let w = kernel[i.abs_diff(k)] * weights[k];
                sum += w * values[k];
                total += w;
            }
            if total > 1e-9 { sum / total } else { 0.0 }
        })
        .collect()
}

/// Gaussian smoothing; near the ends only the existing samples are averaged. `sigma` is in samples.
pub(crate) fn smooth(values: &[f64], sigma: f64) -> Vec<f64> {
    smooth_weighted(values, &vec![1.0; values.len()], sigma)
}

/// One side of a Gaussian, from its middle to 3 sigma.
fn gaussian(sigma: f64) -> Vec<f64> {
    let reach = (3.0 * sigma).ceil() as usize;
    (0..=reach)
        .map(|i| {
            if i == 0 {
                1.0
            } else {
                (-0.5 * (i as f64 / sigma).powi(2)).exp()
            }
        })
        .collect()
}

/// The value below which a share `q` (0 to 1) of the values lies, linearly interpolated; 0 for no
/// values.
pub(crate) fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    quantile_sorted(&sorted, q)
}

/// [`quantile`] of values already in rising order.
pub(crate) fn quantile_sorted(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let position = q.clamp(0.0, 1.0) * last as f64;
    let index = position as usize;
    let next = (index + 1).min(last);
    sorted[index] + (sorted[next] - sorted[index]) * (position - index as f64)
}

/// The middle value; 0 for no values.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The mean; 0 for no values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        values.iter().sum::<f64>() / values.len() as f64
    }
}

/// 1 − the entropy of a distribution over its greatest possible value; 0 for fewer than two bins.
pub(crate) fn certainty(distribution: &[f64]) -> f64 {
    if distribution.len() < 2 {
        return 0.0;
    }
    let entropy: f64 = distribution.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
    (1.0 - entropy / (distribution.len() as f64).ln()).clamp(0.0, 1.0)
}

/// Value at a fractional position, linearly interpolated; beyond the ends, the outermost value; 0
/// for no values.
pub(crate) fn at(values: &[f64], position: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else {
        return 0.0;
    };
    let position = position.clamp(0.0, last as f64);
    let index = (position as usize).min(last);
    let next = (index + 1).min(last);
    values[index] + (values[next] - values[index]) * (position - index as f64)
}

/// A local maximum of a signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Peak {
    /// Index of the highest sample.
    pub index: usize,
    /// Where the parabola through the highest sample and its neighbours has its top, in samples.
    pub position: f64,
    /// Height of the highest sample.
    pub height: f64,
}

/// All local maxima above 0; the first sample of a plateau.
pub(crate) fn peaks(values: &[f64]) -> Vec<Peak> {
    (0..values.len())
        .filter(|&i| {
            let here = values[i];
            here > 0.0 && (i == 0 || values[i - 1] < here) && values.get(i + 1).is_none_or(|next| *next <= here)
        })
        .map(|i| Peak {
            index: i,
            position: i as f64 + parabola(values, i),
            height: values[i],
        })
        .collect()
}

/// How far the top of the parabola through sample `i` and its neighbours lies from `i`, −0.5 to
/// 0.5 samples; 0 at the ends and where the three samples are on a line.
pub(crate) fn parabola(values: &[f64], i: usize) -> f64 {
    if i == 0 || i + 1 >= values.len() {
        return 0.0;
    }
    let (before, here, after) = (values[i - 1], values[i], values[i + 1]);
    let bend = before - 2.0 * here + after;
    if bend < 0.0 {
        (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_leaves_out_what_has_no_weight() {
        let smoothed = smooth_weighted(&[2.0, 99.0, 2.0], &[1.0, 0.0, 1.0], 1.0);
        assert!(smoothed.iter().all(|v| (v - 2.0).abs() < 1e-12), "{smoothed:?}");
        assert_eq!(smooth_weighted(&[5.0], &[0.0], 1.0), [0.0]);
    }

    #[test]
    fn quantiles_by_hand() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0, f64::NAN], 0.5), 2.0);
        assert_eq!(quantile(&[0.0, 10.0], 0.25), 2.5);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn an_even_distribution_is_not_certain_and_a_peak_is() {
        assert!(certainty(&[0.1; 10]).abs() < 1e-12);
        assert!(certainty(&[0.0, 1.0, 0.0]) > 0.999);
        assert!((certainty(&[0.5, 0.5, 0.0, 0.0]) - 0.5).abs() < 1e-12);
        assert_eq!(certainty(&[]), 0.0);
    }

    #[test]
    fn a_peak_between_samples_is_found_there() {
        let values: Vec<f64> = (0..9).map(|i| 10.0 - (f64::from(i) - 4.3).powi(2)).collect();
        let found: Vec<Peak> = peaks(&values);
        let top = found
            .iter()
            .max_by(|a, b| a.height.total_cmp(&b.height))
            .expect("one peak");
        assert_eq!(top.index, 4);
        assert!((top.position - 4.3).abs() < 1e-9);
    }
}
