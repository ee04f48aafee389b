//! The movement bar by bar: how much there is of it, and which bars are alike.

use super::beats::Rhythm;
use super::compose::Composition;
use crate::time::Instant;

/// Values of the movement that are averaged for a step.
const SAMPLES: usize = 4;

/// Weight of an accent's strength beside the movement of its step relative to the usual movement.
const ACCENT: f64 = 1.5;

/// From this similarity on, bars belong to one family.
const ALIKE: f64 = 0.5;

/// Maximum number of families; further bars join the most similar one.
const FAMILIES: usize = 6;

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

/// How alike the movement of two bars is, 0 to 1: the correlation of their steps, less where one
/// has more movement than the other.
pub fn similarity(a: &BarMovement, b: &BarMovement) -> f64 {
    let count = a.steps.len().min(b.steps.len());
    if count == 0 || a.level <= 0.0 || b.level <= 0.0 {
        return f64::from(u8::from(a.level <= 0.0 && b.level <= 0.0));
    }
    let mean = |bar: &BarMovement| bar.steps[..count].iter().sum::<f64>() / count as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.steps.iter().zip(&b.steps) {
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

/// The family of each bar, numbered in the order of their first bars. A bar depends only on those
/// before it.
pub fn families(bars: &[BarMovement]) -> Vec<usize> {
    // The number of the bar that founded each family.
    let mut founders: Vec<usize> = Vec::new();
    bars.iter()
        .enumerate()
        .map(|(number, bar)| {
            let nearest = founders
                .iter()
                .enumerate()
                .map(|(family, founder)| (family, similarity(&bars[*founder], bar)))
                .fold(None, |best: Option<(usize, f64)>, now| match best {
                    Some(best) if best.1 >= now.1 => Some(best),
                    _ => Some(now),
                });
            match nearest {
                Some((family, similarity)) if similarity >= ALIKE || founders.len() == FAMILIES => family,
                _ => {
                    founders.push(number);
                    founders.len() - 1
                }
            }
        })
        .collect()
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
        assert!(similarity(&a, &b) < 0.1);
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
        assert_eq!(families(&[]), Vec::<usize>::new());
        assert_eq!(repeated(&[0, 1, 0, 0, 1]), [None, None, Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn there_are_few_families() {
        let bars: Vec<BarMovement> = (0..16).map(|step| bar(1.0, &[step])).collect();
        assert_eq!(families(&bars).iter().max(), Some(&(FAMILIES - 1)));
    }
}
