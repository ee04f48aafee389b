//! How a gain closes before loud places and opens again after them, for limiter and compressor.

use super::gain::STEP;
use crate::time::{Rate, Span};
use std::collections::VecDeque;

/// How fast a gain follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// Half of the time over which it closes before a loud place.
    pub attack: Span,
    /// How long it stays closed after it.
    pub hold: Span,
    /// Time constant with which it opens again.
    pub release: Span,
}

/// Points of a gain, one before each block of [`STEP`] frames and one after the last, that is
/// nowhere above what the blocks allow (`allowed`, ratios up to 1).
///
/// A point's gain is at most the gain allowed by the blocks on both sides of it, and points are
/// joined by straight lines, so within a block the gain is never more than the block allows. The
/// least gain of a window, opened exponentially and then averaged over the same window, keeps that
/// bound and has no steps.
pub(super) fn envelope(allowed: &[f32], rate: Rate, times: Times) -> Vec<f32> {
    let count = allowed.len() + 1;
    let reach = (rate.count(times.attack) / STEP as f64).ceil() as usize;
    let hold = (rate.count(times.hold) / STEP as f64).ceil() as usize;
    let open = 1.0 - (-(STEP as f64) / rate.count(times.release)).exp();
    let mut held = Vec::with_capacity(count);
    let mut gain = 1.0_f64;
    let mut window = Least::of(allowed);
    for point in 0..count {
        // Points point − reach … point + reach touch the blocks from one before the first to the
        // last.
        let from = point.saturating_sub(reach + hold + 1);
        let to = (point + reach + 1).min(allowed.len());
        let least = window.between(from, to).min(1.0);
        gain = f64::from(least).min(gain + (1.0 - gain) * open);
        held.push(gain);
    }
    (0..count)
        .map(|point| {
            let window = &held[point.saturating_sub(reach)..(point + reach + 1).min(count)];
            (window.iter().sum::<f64>() / window.len() as f64) as f32
        })
        .collect()
}

/// The minimum of a sliding window over values.
struct Least<'a> {
    values: &'a [f32],
    /// Values up to here have been examined.
    seen: usize,
    /// Indices, in rising order, of the values that are less than all values after them; the first
    /// is the least of the window.
    places: VecDeque<usize>,
}

impl<'a> Least<'a> {
    fn of(values: &'a [f32]) -> Self {
        let (seen, places) = (0, VecDeque::new());
        Self { values, seen, places }
    }

    /// The least of the values from `from` up to `to`, neither of which may be less than in the
    /// previous call; +∞ for an empty range.
    fn between(&mut self, from: usize, to: usize) -> f32 {
        for place in self.seen..to {
            while self
                .places
                .back()
                .is_some_and(|last| self.values[*last] >= self.values[place])
            {
                self.places.pop_back();
            }
            self.places.push_back(place);
        }
        self.seen = self.seen.max(to);
        while self.places.front().is_some_and(|first| *first < from) {
            self.places.pop_front();
        }
        self.places.front().map_or(f32::INFINITY, |first| self.values[*first])
    }
}
