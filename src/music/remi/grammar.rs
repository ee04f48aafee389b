//! The grammar of REMI: which tokens may follow.

use super::vocabulary::{POSITIONS, Token};

/// Highest MIDI pitch: no further note can follow at its position.
const HIGHEST: u8 = 127;

/// The last item at the current position: the next one there must be later in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Nothing,
    Tempo,
    Chord,
    Note(u8),
}

/// The state within an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ItemState {
    /// Before the first bar.
    Start,
    /// After the start of a bar or a complete item.
    Between,
    /// After a position.
    Item,
    /// After a tempo class.
    TempoValue,
    /// After a velocity.
    NoteOn,
    /// After a pitch.
    NoteDuration,
}

/// The grammar of REMI, as a state machine that reads token by token.
///
/// Positions in a bar never go back; at one position, the tempo comes before the chord and both
/// come before the notes, whose pitches ascend. So every accepted sequence has one meaning, and
/// every list of bars one sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grammar {
    steps: u8,
    place: ItemState,
    position: Option<u8>,
    said: Said,
}

impl Grammar {
    /// The grammar of bars of `steps` sixteenths: 16 in 4/4, 12 in 3/4 (16 at most).
    pub fn new(steps: u8) -> Self {
        Self {
            steps: steps.min(POSITIONS),
            place: ItemState::Start,
            position: None,
            said: Said::Nothing,
        }
    }

    /// Whether the token may follow.
    pub fn legal(&self, token: Token) -> bool {
        if Token::from_id(token.id()) != Some(token) {
            return false;
        }
        match (self.place, token) {
            (ItemState::Start | ItemState::Between, Token::Bar) => true,
            (ItemState::Between, Token::Position(position)) => {
                position < self.steps && self.least_position().is_some_and(|least| position >= least)
            }
            (ItemState::Item, Token::TempoClass(_)) => self.said < Said::Tempo,
            (ItemState::Item, Token::Chord(_)) => self.said < Said::Chord,
            (ItemState::Item, Token::NoteVelocity(_)) => self.said < Said::Note(HIGHEST),
            (ItemState::NoteOn, Token::NoteOn(pitch)) => self.said < Said::Note(pitch),
            (ItemState::TempoValue, Token::TempoValue(_)) | (ItemState::NoteDuration, Token::NoteDuration(_)) => true,
            _ => false,
        }
    }

    /// Whether the sequence may end here, with no incomplete item.
    pub fn may_end(&self) -> bool {
        matches!(self.place, ItemState::Start | ItemState::Between)
    }

    /// Reads the next token.
    ///
    /// # Errors
    /// The tokens expected instead; the state is then unchanged.
    pub fn feed(&mut self, token: Token) -> Result<(), String> {
        if !self.legal(token) {
            return Err(self.expected());
        }
        self.place = match token {
            Token::Bar => {
                (self.position, self.said) = (None, Said::Nothing);
                ItemState::Between
            }
            Token::Position(position) => {
                if self.position != Some(position) {
                    (self.position, self.said) = (Some(position), Said::Nothing);
                }
                ItemState::Item
            }
            Token::Chord(_) => {
                self.said = Said::Chord;
                ItemState::Between
            }
            Token::TempoClass(_) => ItemState::TempoValue,
            Token::TempoValue(_) => {
                self.said = Said::Tempo;
                ItemState::Between
            }
            Token::NoteVelocity(_) => ItemState::NoteOn,
            Token::NoteOn(pitch) => {
                self.said = Said::Note(pitch);
                ItemState::NoteDuration
            }
            Token::NoteDuration(_) => ItemState::Between,
        };
        Ok(())
    }

    /// Describes the tokens that may follow.
    pub fn expected(&self) -> String {
        match self.place {
            ItemState::Start => "Bar".to_owned(),
            ItemState::Between => match self.least_position().filter(|least| *least < self.steps) {
                Some(least) => format!(
                    "Bar, or {} to {}",
                    Token::Position(least),
                    Token::Position(self.steps - 1)
                ),
                None => "Bar".to_owned(),
            },
            ItemState::Item => match self.said {
                Said::Nothing => "Tempo Class, Chord or Note Velocity",
                Said::Tempo => "Chord or Note Velocity",
                Said::Chord | Said::Note(_) => "Note Velocity",
            }
            .to_owned(),
            ItemState::TempoValue => "Tempo Value".to_owned(),
            ItemState::NoteOn => match self.said {
                Said::Note(last) => format!("Note On above {last}"),
                _ => "Note On".to_owned(),
            },
            ItemState::NoteDuration => "Note Duration".to_owned(),
        }
    }

    /// The least position of the next item; `None` if the last position of the bar already has the
    /// highest pitch.
    fn least_position(&self) -> Option<u8> {
        match (self.position, self.said) {
            (None, _) => Some(0),
            (Some(position), Said::Note(HIGHEST)) => position.checked_add(1),
            (Some(position), _) => Some(position),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::super::encoding::encode;
    use super::super::samples::bars;
    use super::*;
    use crate::music::remi::TempoClass;
    use proptest::prelude::*;

    impl Grammar {
        /// IDs of the tokens that may follow, in ascending order; never empty.
        fn legal_ids(&self) -> impl Iterator<Item = usize> {
            Token::all().filter(|token| self.legal(*token)).map(Token::id)
        }
    }

    fn fed(tokens: &[Token]) -> Grammar {
        let mut grammar = Grammar::new(16);
        for token in tokens {
            grammar.feed(*token).expect("legal");
        }
        grammar
    }

    #[test]
    fn the_tokens_that_may_follow_in_each_state() {
        use Token::{Bar, Chord, NoteDuration, NoteOn, NoteVelocity, Position, TempoClass as Class, TempoValue};
        let ids = |grammar: &Grammar| grammar.legal_ids().collect::<Vec<_>>();
        assert_eq!(ids(&Grammar::new(16)), [0]);
        assert_eq!(ids(&fed(&[Bar])), (0..=16).collect::<Vec<_>>());
        let mut three = Grammar::new(12);
        three.feed(Bar).expect("legal");
        assert_eq!(ids(&three), (0..=12).collect::<Vec<_>>());
        let at = fed(&[Bar, Position(4)]);
        assert_eq!(ids(&at), (17..81).chain(141..173).collect::<Vec<_>>());
        assert!(!at.may_end());
        let tempo = fed(&[Bar, Position(4), Class(TempoClass::Mid)]);
        assert_eq!(ids(&tempo), (81..141).collect::<Vec<_>>());
        let tempo = fed(&[Bar, Position(4), Class(TempoClass::Mid), TempoValue(30)]);
        assert_eq!(ids(&tempo), [0].into_iter().chain(5..=16).collect::<Vec<_>>());
        assert!(tempo.may_end());
        let chord = [Bar, Position(4), Chord(None), Position(4)];
        assert_eq!(
            ids(&fed(&chord)),
            (141..173).collect::<Vec<_>>(),
            "one chord at a position, no tempo after it"
        );
        let note = [
            Bar,
            Position(4),
            NoteVelocity(20),
            NoteOn(60),
            NoteDuration(4),
            Position(4),
            NoteVelocity(20),
        ];
        assert_eq!(
            ids(&fed(&note)),
            (173 + 61..301).collect::<Vec<_>>(),
            "only higher pitches"
        );
        assert_eq!(ids(&fed(&note[..3])), (173..301).collect::<Vec<_>>());
        assert_eq!(ids(&fed(&note[..4])), (301..365).collect::<Vec<_>>());
        let top = [Bar, Position(15), NoteVelocity(20), NoteOn(127), NoteDuration(4)];
        assert_eq!(ids(&fed(&top)), [0], "nothing is higher, no position is later");
    }

    #[test]
    fn an_illegal_token_is_reported_and_changes_nothing() {
        let mut grammar = fed(&[Token::Bar, Token::Position(9), Token::Chord(None)]);
        let before = grammar.clone();
        for (token, words) in [
            (Token::Position(8), "Position 10/16 to Position 16/16"),
            (Token::Position(16), "Bar, or"),
            (Token::NoteOn(60), "Bar, or"),
        ] {
            let expected = grammar.feed(token).expect_err("illegal");
            assert!(expected.contains(words), "{expected}");
            assert_eq!(grammar, before);
        }
        grammar.feed(Token::Position(9)).expect("legal");
        for (token, legal) in [
            (Token::NoteVelocity(32), false),
            (Token::NoteVelocity(31), true),
            (Token::TempoClass(TempoClass::Slow), false),
        ] {
            assert_eq!(grammar.legal(token), legal, "{token}");
        }
    }

    proptest! {
        #[test]
        fn any_legal_walk_decodes(steps in prop::sample::select(vec![12_u8, 16]), choices in prop::collection::vec(0..10_000_usize, 0..400)) {
            let mut grammar = Grammar::new(steps);
            let mut tokens = vec![];
            let mut whole = 0;
            for choice in choices {
                let legal: Vec<usize> = grammar.legal_ids().collect();
                prop_assert!(!legal.is_empty());
                let token = Token::from_id(legal[choice % legal.len()]).expect("a token");
                grammar.feed(token).expect("legal");
                tokens.push(token);
                if grammar.may_end() {
                    whole = tokens.len();
                }
            }
            let bars = decode(&tokens[..whole], steps).expect("a legal sequence");
            prop_assert_eq!(encode(&bars).expect("bars"), &tokens[..whole]);
            // A sequence that ends or begins in the middle of an item is refused.
            prop_assert_eq!(decode(&tokens, steps).is_ok(), whole == tokens.len());
            for cut in 1..whole.min(40) {
                prop_assert_eq!(decode(&tokens[cut..whole], steps).is_ok(), cut == whole || tokens[cut] == Token::Bar);
            }
        }

        #[test]
        fn encoded_bars_are_legal((steps, bars) in bars()) {
            let mut grammar = Grammar::new(steps);
            for token in encode(&bars).expect("bars") {
                prop_assert!(grammar.legal_ids().any(|id| id == token.id()));
                grammar.feed(token).expect("legal");
            }
            prop_assert!(grammar.may_end());
        }
    }
}
