//! The movement bar by bar: how much there is of it, and which bars are alike.

use super::beats::Rhythm;
use super::compose::Composition;
use crate::time::Instant;

/// Values of the movement that are averaged for a step.
const SAMPLES: usize = 4;

/// Weight of an accent's strength beside the movement of its step relative to the usual movement.
const ACCENT: f64 = 1.5;

/// Maximum number of families, and the number of bars for each of a short piece.
const FAMILIES: usize = 4;
const BARS_EACH: usize = 2;

/// The movement of a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct BarMovement {
    /// Mean movement relative to that of the whole clip; 0 where nobody is seen.
    pub level: f64,
    /// Movement of each step relative to that of the whole clip, with the accents added.
    steps: Vec<f64>,
}

#[cfg(test)]
impl BarMovement {
    /// A bar of so many steps that moves evenly.
    pub fn steady(level: f64, steps: usize) -> Self {
        Self {
            level,
            steps: vec![level; steps],
        }
    }
}

/// The movement of each bar of a composition.
pub fn bars(rhythm: &Rhythm, composition: &Composition) -> Vec<BarMovement> {
    let Some(grid) = rhythm.grid() else { return vec![] };
    let end = rhythm.movement.rate.instant(rhythm.movement.values.len());
    let value = |time: Instant| match time >= Instant::ZERO && time < end {
        true => f64::from(rhythm.movement.at(time)).max(0.0),
        false => 0.0,
    };
    let moved: Vec<f64> = (0..composition.steps.len())
        .map(|step| {
            let first = f64::from(composition.first_step) + step as f64;
            let sample = |i: usize| value(grid.instant(first + (i as f64 + 0.5) / SAMPLES as f64));
            (0..SAMPLES).map(sample).sum::<f64>() / SAMPLES as f64
        })
        .collect();
    let seen: Vec<f64> = moved.iter().copied().filter(|value| *value > 0.0).collect();
    let usual = seen.iter().sum::<f64>() / seen.len().max(1) as f64;
    let relative = |value: f64| if usual > 0.0 { value / usual } else { 0.0 };
    let per_bar = composition.steps_per_bar();
    moved
        .chunks(per_bar)
        .zip(composition.steps.chunks(per_bar))
        .map(|(moved, accents)| {
            let seen: Vec<f64> = moved.iter().copied().filter(|value| *value > 0.0).collect();
            // The rest of a bar that reaches beyond the clip does not count as stillness.
            let level = relative(seen.iter().sum::<f64>() / seen.len().max(1) as f64);
            let steps = moved.iter().zip(accents);
            BarMovement {
                level: if seen.len() * 2 < moved.len() { 0.0 } else { level },
                steps: steps
                    .map(|(moved, accent)| relative(*moved) + ACCENT * f64::from(accent.strength))
                    .collect(),
            }
        })
        .collect()
}

/// How alike the movement of two bars is, 0 to 1: the correlation of their steps, each blurred by
/// its neighbours, less where one has more movement than the other.
pub fn similarity(a: &BarMovement, b: &BarMovement) -> f64 {
    let count = a.steps.len().min(b.steps.len());
    if count == 0 || a.level <= 0.0 || b.level <= 0.0 {
        return f64::from(u8::from(a.level <= 0.0 && b.level <= 0.0));
    }
    let blurred = |bar: &BarMovement| -> Vec<f64> {
        let at = |step: usize| bar.steps[step.min(count - 1)];
        (0..count)
            .map(|step| 0.25 * at(step.saturating_sub(1)) + 0.5 * at(step) + 0.25 * at(step + 1))
            .collect()
    };
    let (steps_a, steps_b) = (blurred(a), blurred(b));
    let mean = |steps: &[f64]| steps.iter().sum::<f64>() / count as f64;
    let (mean_a, mean_b) = (mean(&steps_a), mean(&steps_b));
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (x, y) in steps_a.iter().zip(&steps_b) {
        both += (x - mean_a) * (y - mean_b);
        of_a += (x - mean_a).powi(2);
        of_b += (y - mean_b).powi(2);
    }
    let correlation = if of_a * of_b > 0.0 {
        both / (of_a * of_b).sqrt()
    } else {
        0.0
    };
    correlation.max(0.0) * (a.level.min(b.level) / a.level.max(b.level))
}

/// The family of each bar, numbered in the order of their first bars: the two most similar families
/// are joined until few are left (average linkage; Sokal and Michener 1958).
pub fn families(bars: &[BarMovement]) -> Vec<usize> {
    let wanted = (bars.len() / BARS_EACH).clamp(1, FAMILIES);
    let mut members: Vec<Vec<usize>> = (0..bars.len()).map(|bar| vec![bar]).collect();
    let mut alike: Vec<Vec<f64>> = bars
        .iter()
        .map(|a| bars.iter().map(|b| similarity(a, b)).collect())
        .collect();
    while members.len() > wanted {
        let mut nearest = (0, 1);
        for first in 0..members.len() {
            for second in first + 1..members.len() {
                if alike[first][second] > alike[nearest.0][nearest.1] {
                    nearest = (first, second);
                }
            }
        }
        let (into, from) = nearest;
        let (many, more) = (members[into].len() as f64, members[from].len() as f64);
        let of_both = alike[into].iter().zip(&alike[from]);
        let means: Vec<f64> = of_both.map(|(a, b)| (many * a + more * b) / (many + more)).collect();
        for (other, mean) in means.into_iter().enumerate() {
            (alike[into][other], alike[other][into]) = (mean, mean);
        }
        let joined = members.remove(from);
        members[into].extend(joined);
        alike.remove(from);
        alike.iter_mut().for_each(|row| {
            row.remove(from);
        });
    }
    members.sort_by_key(|family| family.iter().min().copied());
    let mut families = vec![0; bars.len()];
    for (number, family) in members.iter().enumerate() {
        family.iter().for_each(|bar| families[*bar] = number);
    }
    families
}

/// For each bar, the first one of its family, if that is an earlier one.
pub fn repeated(families: &[usize]) -> Vec<Option<usize>> {
    let first = |bar: usize| families.iter().position(|family| *family == families[bar]);
    (0..families.len())
        .map(|bar| first(bar).filter(|earlier| *earlier < bar))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(level: f64, struck: &[usize]) -> BarMovement {
        let mut steps = vec![level; 16];
        struck.iter().for_each(|step| steps[*step] += ACCENT);
        BarMovement { level, steps }
    }

    #[test]
    fn bars_with_the_same_accents_are_alike() {
        let (a, b) = (bar(1.0, &[0, 6, 12]), bar(1.0, &[2, 9]));
        assert!((similarity(&a, &a) - 1.0).abs() < 1e-9);
        assert!(similarity(&a, &b) < 0.2);
        assert!(similarity(&a, &bar(0.5, &[0, 6, 12])) < 0.6, "less movement");
        assert_eq!(
            similarity(&bar(0.0, &[]), &bar(0.0, &[])),
            1.0,
            "nobody is seen in either"
        );
        assert_eq!(similarity(&a, &bar(0.0, &[])), 0.0);
    }

    #[test]
    fn families_are_numbered_as_they_appear() {
        let (a, b) = (bar(1.0, &[0, 6, 12]), bar(1.1, &[2, 9]));
        let bars = [b.clone(), a.clone(), b.clone(), b, a];
        assert_eq!(families(&bars), [0, 1, 0, 0, 1]);
        assert_eq!(families(&bars[..3]), [0, 0, 0], "too few bars for two");
        assert_eq!(families(&[]), Vec::<usize>::new());
        assert_eq!(repeated(&[0, 1, 0, 0, 1]), [None, None, Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn there_are_few_families() {
        let bars: Vec<BarMovement> = (0..16).map(|step| bar(1.0, &[step])).collect();
        assert_eq!(families(&bars).iter().max(), Some(&(FAMILIES - 1)));
    }
}
