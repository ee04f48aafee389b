//! Hits where a video's cuts are.

use super::{HitAnswer, HitMark, Marks};
use crate::limits::HIT_GAPS;
use crate::time::{Instant, Span};

/// Strength of a hit at a strong cut, which has a crash, and at another, which has none.
const STRONG: f32 = 0.8;
const WEAK: f32 = 0.5;

/// Which cuts become hits, and what they are measured by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutHits {
    /// Only the strong ones, rather than all.
    pub only_strong: bool,
    /// Length of a beat.
    pub beat: Span,
    /// Length of a bar.
    pub bar: Span,
}

impl Marks {
    /// The marks with hits at cuts. A cut is strong if the shot that it ends is longer than those of
    /// other cuts within a bar of it. A cut within a beat of a hit or in a silence is none: there, a
    /// person has decided what is heard.
    ///
    /// `cuts` are in rising order, in the time of the marks.
    #[must_use]
    pub fn with_cuts(&self, cuts: &[Instant], which: CutHits) -> Self {
        let near = |a: Instant, b: Instant, span: Span| (a - b).seconds().abs() < span.seconds();
        let mut taken: Vec<(Instant, f32)> = Vec::new();
        for cut in by_shot(cuts) {
            let is_weak = taken.iter().any(|(other, _)| near(*other, cut, which.bar));
            let heard_as_one = |(other, _): &(Instant, f32)| !HIT_GAPS.holds((*other - cut).seconds().abs());
            let decided = self.hits.iter().any(|hit| near(hit.time, cut, which.beat))
                || self
                    .silences
                    .iter()
                    .any(|silence| silence.from <= cut && cut < silence.to);
            if cut <= Instant::ZERO || is_weak && which.only_strong || taken.iter().any(heard_as_one) || decided {
                continue;
            }
            taken.push((cut, if is_weak { WEAK } else { STRONG }));
        }
        let mut marks = self.clone();
        marks.hits.extend(taken.into_iter().map(|(time, strength)| HitMark {
            time,
            strength,
            label: String::new(),
            answer: vec![HitAnswer::Drums, HitAnswer::Chord],
        }));
        marks.hits.sort_by(|a, b| a.time.seconds().total_cmp(&b.time.seconds()));
        marks
    }
}

/// The cuts by the lengths of the shots that they end, the longest first.
fn by_shot(cuts: &[Instant]) -> Vec<Instant> {
    let starts = std::iter::once(Instant::ZERO).chain(cuts.iter().copied());
    let mut shots: Vec<(Instant, Span)> = cuts
        .iter()
        .zip(starts)
        .map(|(cut, start)| (*cut, *cut - start))
        .collect();
    // Of equal ones, the earlier first.
    shots.sort_by(|a, b| b.1.seconds().total_cmp(&a.1.seconds()));
    shots.into_iter().map(|(cut, _)| cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::SilenceMark;

    fn at(seconds: f64) -> Instant {
        Instant::from_seconds(seconds)
    }

    /// Times and strengths of the hits at cuts, at 120 beats a minute.
    fn hits(marks: &Marks, cuts: &[f64], only_strong: bool) -> Vec<(f64, f32)> {
        let cuts: Vec<Instant> = cuts.iter().map(|cut| at(*cut)).collect();
        let which = CutHits {
            only_strong,
            beat: Span::from_seconds(0.5),
            bar: Span::from_seconds(2.0),
        };
        let marked = marks.with_cuts(&cuts, which);
        assert_eq!(marked.check(), Ok(()));
        marked
            .hits
            .iter()
            .map(|hit| (hit.time.seconds(), hit.strength))
            .collect()
    }

    #[test]
    fn strong_cuts_end_the_longest_shots_and_are_a_bar_apart() {
        let none = Marks::default();
        // Shots of 4, 1, 0.5, 3 and 0.02 s.
        let cuts = [4.0, 5.0, 5.5, 8.5, 8.52];
        assert_eq!(hits(&none, &cuts, true), [(4.0, STRONG), (8.5, STRONG)]);
        assert_eq!(
            hits(&none, &cuts, false),
            [(4.0, STRONG), (5.0, WEAK), (5.5, WEAK), (8.5, STRONG)]
        );
        assert_eq!(hits(&none, &[], true), []);
        assert_eq!(hits(&none, &[0.0, 3.0], false), [(3.0, STRONG)]);
    }

    #[test]
    fn what_a_person_has_marked_stays() {
        let hit = HitMark {
            time: at(4.2),
            strength: 1.0,
            label: "jump".to_owned(),
            answer: vec![HitAnswer::Drums],
        };
        let marks = Marks {
            hits: vec![hit.clone()],
            silences: vec![SilenceMark {
                from: at(8.0),
                to: at(9.0),
            }],
            ..Marks::default()
        };
        assert_eq!(hits(&marks, &[4.0, 6.5, 8.5], false), [(4.2, 1.0), (6.5, STRONG)]);
        assert_eq!(
            marks
                .with_cuts(
                    &[at(4.0)],
                    CutHits {
                        only_strong: false,
                        beat: Span::from_seconds(0.5),
                        bar: Span::ZERO
                    }
                )
                .hits,
            [hit]
        );
    }
}
