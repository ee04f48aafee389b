//! The accents of several people as one list.

use super::accents::{Accent, AccentKind};
use super::impact::REFRACTORY;
use crate::time::Span;

/// Accents of two people within this time are in unison: viewers see them as one, and louder.
const UNISON: Span = Span::from_seconds(0.060);

/// Merges the accents of the followed person with the impacts of the others. All accents in unison
/// become one, at the time of the strongest; an accent so close to a stronger one that it would not
/// be heard separately is left out. In rising order.
///
/// The gestures of the others are left out: a gesture leads to an accent of the same body.
pub(super) fn together(own: Vec<Accent>, others: &[Vec<Accent>]) -> Vec<Accent> {
    if others.is_empty() {
        return own;
    }
    let (impacts, mut result): (Vec<Accent>, Vec<Accent>) =
        own.into_iter().partition(|accent| accent.kind == AccentKind::Impact);
    let mut left: Vec<(usize, Accent)> = impacts.into_iter().map(|accent| (0, accent)).collect();
    for (person, accents) in (1..).zip(others) {
        let impacts = accents.iter().filter(|accent| accent.kind == AccentKind::Impact);
        left.extend(impacts.map(|accent| (person, *accent)));
    }
    left.sort_by(|(p, a), (q, b)| {
        (b.strength.total_cmp(&a.strength))
            .then(a.time.seconds().total_cmp(&b.time.seconds()))
            .then(p.cmp(q))
    });
    while let Some((person, mut strongest)) = left.first().copied() {
        let apart = |accent: &Accent| (accent.time - strongest.time).seconds().abs();
        let mut joined = vec![person];
        // The distance from full strength that remains after each of them.
        let mut short = 1.0 - strongest.strength;
        for (other, accent) in &left[1..] {
            if apart(accent) <= UNISON.seconds() && !joined.contains(other) {
                joined.push(*other);
                short *= 1.0 - accent.strength;
            }
        }
        left.retain(|(_, accent)| apart(accent) >= REFRACTORY.seconds());
        strongest.strength = 1.0 - short;
        result.push(strongest);
    }
    result.sort_by(|a, b| a.time.seconds().total_cmp(&b.time.seconds()));
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rhythm::BodyPart;
    use crate::time::Instant;

    fn impact(seconds: f64, strength: f32) -> Accent {
        Accent {
            time: Instant::from_seconds(seconds),
            strength,
            kind: AccentKind::Impact,
            part: BodyPart::Feet,
            impact: None,
        }
    }

    fn list(accents: &[Accent]) -> Vec<(f64, f32)> {
        accents.iter().map(|a| (a.time.seconds(), a.strength)).collect()
    }

    #[test]
    fn everybodys_accents_are_there_and_unison_is_one_and_louder() {
        let own = vec![impact(1.0, 0.5), impact(2.0, 0.75), impact(3.0, 0.5)];
        let others = [
            vec![impact(1.05, 0.25), impact(2.5, 0.25), impact(3.05, 0.75)],
            vec![impact(1.02, 0.5), impact(2.1, 0.5)],
        ];
        let found = list(&together(own, &others));
        assert_eq!(
            found,
            [
                (1.0, 1.0 - 0.5 * 0.5 * 0.75), // all three
                (2.0, 0.75),                   // too soon after it to count separately
                (2.5, 0.25),
                (3.05, 1.0 - 0.25 * 0.5), // at the time of the stronger
            ]
        );
    }

    #[test]
    fn one_person_has_no_unison_and_gestures_are_those_of_the_one_who_is_followed() {
        let gesture = |seconds| Accent {
            kind: AccentKind::Style,
            ..impact(seconds, 0.5)
        };
        let own = vec![impact(1.0, 0.5), gesture(1.5), impact(2.0, 0.5)];
        assert_eq!(together(own.clone(), &[]), own);
        assert_eq!(together(own.clone(), &[vec![gesture(1.2)]]), own);
    }
}
