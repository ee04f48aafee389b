//! Bars that come back: a line takes up what it played before, where the chords come back or with the rhythm alone.
//!
//! What is recalled is wished for, not copied: the tokens that go on as the earlier bar did are made likelier, and all that a
//! bar must obey (its chord, its accents, its range) still decides.

use super::plan::{BarPlan, LinePlan};
use crate::drums::sampling::{BarRandom, Stream};
use crate::music::remi::{RemiBar, RemiNote, Token};

/// How often a line takes up an earlier bar that has the same chords. Basses keep to a figure more than pianos, and a melody
/// less than either.
const WHOLE: [f64; 3] = [0.75, 0.85, 0.95];
const WHOLE_LEAD: f64 = 0.6;

/// How often it takes up the rhythm of a bar with other chords.
const RHYTHM: f64 = 0.6;

/// What is added to the logit of a token that goes on as the earlier bar did. With the first a bar comes out the same
/// unless something stands against it, with the second its rhythm stays free to give way.
const WISH: f64 = 8.0;
const RHYTHM_WISH: f64 = 3.0;

/// How far the densities of a bar and of one that it takes up may be apart.
const MOST_APART: u8 = 2;

/// A bar that is taken up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recall<'a> {
    notes: &'a [RemiNote],
    /// Only when the notes begin, how long and how loud they are: not which they are.
    rhythm_only: bool,
}

impl<'a> Recall<'a> {
    /// What bar `number` of a line takes up of the bars `written` before it, if anything.
    pub fn choose(plan: &LinePlan, written: &'a [RemiBar], number: usize, seed: u64) -> Option<Self> {
        let bar = plan.bars.get(number)?;
        let known = |earlier: &usize| Some((plan.bars.get(*earlier)?, written.get(*earlier)?));
        let alike: Vec<_> = bar
            .earlier
            .iter()
            .filter_map(known)
            .filter(|(before, notes)| !notes.notes.is_empty() && asked_alike(before, bar))
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
            .filter(|(before, _)| before.input.chords == bar.input.chords);
        if let Some((_, earlier)) = first_that_answers(same.copied(), bar) {
            return (whole < share).then_some(Self {
                notes: &earlier.notes,
                rhythm_only: false,
            });
        }
        let (_, earlier) = first_that_answers(alike.iter().copied(), bar)?;
        (rhythm < RHYTHM).then_some(Self {
            notes: &earlier.notes,
            rhythm_only: true,
        })
    }

    /// What is added to the logit of a token: `at` is the step of the last item, `chord` the pitches played there so far, the
    /// highest last, and `last` the token before.
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

    /// The note that comes next.
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

    /// The note that has just been struck.
    fn held(&self, at: u8, chord: &[u8]) -> Option<&RemiNote> {
        let mut here = self.notes.iter().filter(|note| note.position == at);
        if self.rhythm_only {
            here.nth(chord.len().saturating_sub(1))
        } else {
            here.find(|note| chord.last() == Some(&note.pitch))
        }
    }
}

/// Whether a bar is asked for much as an earlier one was, chords and drums aside.
fn asked_alike(before: &BarPlan, bar: &BarPlan) -> bool {
    before.steps() == bar.steps()
        && before.input.lead == bar.input.lead
        && before.input.density.abs_diff(bar.input.density) <= MOST_APART
}

/// Of several bars the first that has a note at every accent of `bar`, else the first.
fn first_that_answers<'a, 'b>(
    bars: impl Iterator<Item = (&'b BarPlan, &'a RemiBar)> + Clone,
    bar: &BarPlan,
) -> Option<(&'b BarPlan, &'a RemiBar)> {
    let answers = |earlier: &RemiBar| {
        let struck = |step: &u8| earlier.notes.iter().any(|note| note.position == *step);
        bar.answered.iter().all(struck)
    };
    bars.clone()
        .find(|(_, earlier)| answers(earlier))
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

    /// The token wished for after `last`, if there is one.
    fn wished(recall: &Recall<'_>, last: Token, at: u8, chord: &[u8]) -> Option<Token> {
        Token::all().find(|token| recall.wish(*token, last, at, chord) > 0.0)
    }

    #[test]
    fn what_is_wished_is_how_the_earlier_bar_goes_on() {
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
            // Elsewhere than the earlier bar it has nothing to say, until it is there again.
            assert_eq!(next(recall, place(3), 3, &[]), None);
            assert_eq!(next(recall, held, 3, &[62]), Some(place(6)));
        }
        assert_eq!(next(&whole, loud, 0, &[60]), Some(Token::NoteOn(64)));
        assert_eq!(next(&rhythm, loud, 0, &[60]), None);
        // Another pitch in the place of one: the rhythm goes on, the whole takes up what is still above it.
        assert_eq!(next(&whole, held, 0, &[62]), Some(place(0)));
        assert_eq!(next(&whole, held, 0, &[66]), Some(place(6)));
        assert_eq!(next(&rhythm, held, 0, &[66]), Some(place(0)));
    }
}
