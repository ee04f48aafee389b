//! Repetition: a line repeats an earlier bar, wholly if the chords repeat, otherwise only its
//! rhythm.
//!
//! The earlier bar is not copied: tokens that continue like the earlier bar are made likelier, and
//! all constraints on the bar (its chord, accents and range) still apply.

use super::plan::{BarPlan, LinePlan};
use crate::drums::sampling::{BarRandom, Stream};
use crate::music::remi::{RemiBar, RemiNote, Token};

/// How often a line repeats an earlier bar that has the same chords. Basses keep a figure more
/// often than pianos, and melodies less often than either.
const WHOLE: [f64; 3] = [0.75, 0.85, 0.95];
const WHOLE_LEAD: f64 = 0.6;

/// How often it repeats the rhythm of a bar with other chords.
const RHYTHM: f64 = 0.6;

/// How often it repeats a bar with the same movement, in either way.
const ALIKE: f64 = 0.92;

/// Added to the logit of a token that continues like the earlier bar. With the first, the bar comes
/// out the same unless a constraint prevents it; with the second, the rhythm can still deviate, mostly to answer accents.
const WISH: f64 = 8.0;
const RHYTHM_WISH: f64 = 5.0;

/// Maximum difference between the densities of a bar and of the bar that it repeats.
const MOST_APART: u8 = 2;

/// An earlier bar to repeat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recall<'a> {
    notes: &'a [RemiNote],
    /// Whether only onsets, lengths and velocities are repeated, not pitches.
    rhythm_only: bool,
}

impl<'a> Recall<'a> {
    /// Chooses which of the bars `written` before it bar `number` of a line repeats, if any.
    pub fn choose(plan: &LinePlan, written: &'a [RemiBar], number: usize, seed: u64) -> Option<Self> {
        let bar = plan.bars.get(number)?;
        // The bars that may be repeated, and whether their movement is the same.
        let known = |(place, earlier): (usize, &usize)| {
            let (before, notes) = (plan.bars.get(*earlier)?, written.get(*earlier)?);
            Some((before, notes, place < bar.alike))
        };
        let alike: Vec<_> = bar
            .earlier
            .iter()
            .enumerate()
            .filter_map(known)
            .filter(|(before, notes, _)| !notes.notes.is_empty() && asked_alike(before, bar))
            .collect();
        let mut random = BarRandom::new(seed, Stream::Recall, number as u64, 0);
        let (whole, rhythm) = (random.uniform(), random.uniform());
        let share = if bar.input.lead == 2 {
            WHOLE_LEAD
        } else {
            WHOLE[plan.instrument as usize]
        };
        let same = alike
            .iter()
            .filter(|(before, ..)| before.input.chords == bar.input.chords);
        if let Some((_, earlier, moves)) = first_that_answers(same.copied(), bar) {
            return (whole < if moves { ALIKE } else { share }).then_some(Self {
                notes: &earlier.notes,
                rhythm_only: false,
            });
        }
        let (_, earlier, moves) = first_that_answers(alike.iter().copied(), bar)?;
        (rhythm < if moves { ALIKE } else { RHYTHM }).then_some(Self {
            notes: &earlier.notes,
            rhythm_only: true,
        })
    }

    /// The amount to add to the logit of a token: `at` is the step of the last item, `chord` the
    /// pitches played there so far, the highest last, and `last` the previous token.
    pub fn wish(&self, token: Token, last: Token, at: u8, chord: &[u8]) -> f64 {
        let next = self.next(at, chord);
        let here = next.filter(|note| note.position == at);
        let wished = match last {
            Token::Position(_) => here.map(|note| Token::NoteVelocity(note.velocity_bin)),
            Token::NoteVelocity(_) => here.filter(|_| !self.rhythm_only).map(|note| Token::NoteOn(note.pitch)),
            Token::NoteOn(_) => self.held(at, chord).map(|note| Token::NoteDuration(note.duration)),
            _ => Some(next.map_or(Token::Bar, |note| Token::Position(note.position))),
        };
        match wished {
            Some(wished) if wished == token => {
                if self.rhythm_only {
                    RHYTHM_WISH
                } else {
                    WISH
                }
            }
            _ => 0.0,
        }
    }

    /// The next note of the earlier bar.
    fn next(&self, at: u8, chord: &[u8]) -> Option<&RemiNote> {
        let later = self.notes.iter().find(|note| note.position > at);
        let mut here = self.notes.iter().filter(|note| note.position == at);
        let here = if self.rhythm_only {
            here.nth(chord.len())
        } else {
            here.find(|note| chord.last().is_none_or(|last| note.pitch > *last))
        };
        here.or(later)
    }

    /// The note of the earlier bar that corresponds to the one just played.
    fn held(&self, at: u8, chord: &[u8]) -> Option<&RemiNote> {
        let mut here = self.notes.iter().filter(|note| note.position == at);
        if self.rhythm_only {
            here.nth(chord.len().saturating_sub(1))
        } else {
            here.find(|note| chord.last() == Some(&note.pitch))
        }
    }
}

/// Whether the plans of two bars are similar, apart from chords and drums.
fn asked_alike(before: &BarPlan, bar: &BarPlan) -> bool {
    before.steps() == bar.steps()
        && before.input.lead == bar.input.lead
        && before.input.density.abs_diff(bar.input.density) <= MOST_APART
}

/// The first of several bars that has a note at every accent of `bar`, or else the first.
fn first_that_answers<'a, 'b>(
    bars: impl Iterator<Item = (&'b BarPlan, &'a RemiBar, bool)> + Clone,
    bar: &BarPlan,
) -> Option<(&'b BarPlan, &'a RemiBar, bool)> {
    let answers = |earlier: &RemiBar| {
        let struck = |step: &u8| earlier.notes.iter().any(|note| note.position == *step);
        bar.answered.iter().all(struck)
    };
    bars.clone()
        .find(|(_, earlier, _)| answers(earlier))
        .or_else(|| bars.clone().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(position: u8, pitch: u8) -> RemiNote {
        RemiNote {
            position,
            pitch,
            velocity_bin: 20,
            duration: 4,
        }
    }

    /// The token that is made likelier after `last`, if any.
    fn wished(recall: &Recall<'_>, last: Token, at: u8, chord: &[u8]) -> Option<Token> {
        Token::all().find(|token| recall.wish(*token, last, at, chord) > 0.0)
    }

    #[test]
    fn the_wish_is_the_continuation_of_the_earlier_bar() {
        let notes = [note(0, 60), note(0, 64), note(6, 67)];
        let whole = Recall {
            notes: &notes,
            rhythm_only: false,
        };
        let rhythm = Recall {
            rhythm_only: true,
            ..whole
        };
        let next = |recall, last, at, chord: &[u8]| wished(recall, last, at, chord);
        let (place, loud, held) = (Token::Position, Token::NoteVelocity(20), Token::NoteDuration(4));
        for recall in [&whole, &rhythm] {
            assert_eq!(next(recall, Token::Bar, 0, &[]), Some(place(0)));
            assert_eq!(next(recall, place(0), 0, &[]), Some(loud));
            assert_eq!(next(recall, Token::NoteOn(60), 0, &[60]), Some(held));
            assert_eq!(next(recall, held, 0, &[60]), Some(place(0)));
            assert_eq!(next(recall, held, 0, &[60, 64]), Some(place(6)));
            assert_eq!(next(recall, held, 6, &[67]), Some(Token::Bar));
            // Away from the earlier bar it adds nothing, until it is back at its position.
            assert_eq!(next(recall, place(3), 3, &[]), None);
            assert_eq!(next(recall, held, 3, &[62]), Some(place(6)));
        }
        assert_eq!(next(&whole, loud, 0, &[60]), Some(Token::NoteOn(64)));
        assert_eq!(next(&rhythm, loud, 0, &[60]), None);
        // One pitch replaced by another: the rhythm continues, and a whole recall continues with
        // the notes above it.
        assert_eq!(next(&whole, held, 0, &[62]), Some(place(0)));
        assert_eq!(next(&whole, held, 0, &[66]), Some(place(6)));
        assert_eq!(next(&rhythm, held, 0, &[66]), Some(place(0)));
    }
}
