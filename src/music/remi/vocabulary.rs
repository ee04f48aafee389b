//! The tokens, their IDs and their names.

use crate::theory::{Chord, Quality};
use std::fmt;

/// REMI's names of pitch classes.
const ROOTS: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// REMI's names of the chord qualities, in the order of [`Quality::ALL`], which is that of their
/// IDs.
const QUALITIES: [&str; Quality::ALL.len()] = ["maj", "min", "dim", "aug", "dom"];

/// Positions in the longest bar.
pub(super) const POSITIONS: u8 = 16;

/// Tempi in a class.
const CLASS_WIDTH: u8 = 60;

/// Bins of velocity.
pub(super) const VELOCITIES: u8 = 32;

const PITCHES: u8 = 128;

/// Longest duration, in thirty-second notes.
pub(super) const DURATIONS: u8 = 64;

// First IDs of the kinds. The IDs of a kind are consecutive.
const BAR: usize = 0;
const POSITION: usize = BAR + 1;
const CHORD: usize = POSITION + POSITIONS as usize;
const NO_CHORD: usize = CHORD + ROOTS.len() * QUALITIES.len();
const TEMPO_CLASS: usize = NO_CHORD + 1;
const TEMPO_VALUE: usize = TEMPO_CLASS + TempoClass::ALL.len();
const NOTE_VELOCITY: usize = TEMPO_VALUE + CLASS_WIDTH as usize;
const NOTE_ON: usize = NOTE_VELOCITY + VELOCITIES as usize;
const NOTE_DURATION: usize = NOTE_ON + PITCHES as usize;

/// A token of REMI.
///
/// Values are counted from 0, except for durations; the ranges are those of
/// [`from_id`](Self::from_id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// A bar begins.
    Bar,
    /// An item begins at this sixteenth of the bar, 0 to 15. (Its name counts from 1.)
    Position(u8),
    /// A chord begins; `None`: no chord.
    Chord(Option<Chord>),
    /// The third of the tempi to which the tempo belongs.
    TempoClass(TempoClass),
    /// Beats per minute above the minimum of the class, 0 to 59.
    TempoValue(u8),
    /// Velocity of the note that follows, a bin from 0 to 31.
    NoteVelocity(u8),
    /// MIDI pitch of the note, 0 to 127.
    NoteOn(u8),
    /// Length of the note in thirty-second notes, 1 to 64.
    NoteDuration(u8),
}

/// A third of the tempi from 30 to 209 beats per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TempoClass {
    /// 30 to 89 beats per minute.
    Slow,
    /// 90 to 149 beats per minute.
    Mid,
    /// 150 to 209 beats per minute.
    Fast,
}

impl TempoClass {
    /// All classes, in the order of their IDs.
    pub const ALL: [Self; 3] = [Self::Slow, Self::Mid, Self::Fast];

    /// The minimum tempo of the class, beats per minute.
    pub const fn least(self) -> u8 {
        match self {
            Self::Slow => 30,
            Self::Mid => 90,
            Self::Fast => 150,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Mid => "mid",
            Self::Fast => "fast",
        }
    }
}

impl Token {
    /// Number of tokens; IDs are below it.
    pub const COUNT: usize = NOTE_DURATION + DURATIONS as usize;

    /// The token's ID in the vocabulary. A value above its range counts as the last in the range.
    pub fn id(self) -> usize {
        let within = |value: u8, count: u8| usize::from(value.min(count - 1));
        match self {
            Self::Bar => BAR,
            Self::Position(position) => POSITION + within(position, POSITIONS),
            Self::Chord(None) => NO_CHORD,
            Self::Chord(Some(chord)) => {
                CHORD + QUALITIES.len() * within(chord.root, ROOTS.len() as u8) + chord.quality as usize
            }
            Self::TempoClass(class) => TEMPO_CLASS + class as usize,
            Self::TempoValue(value) => TEMPO_VALUE + within(value, CLASS_WIDTH),
            Self::NoteVelocity(bin) => NOTE_VELOCITY + within(bin, VELOCITIES),
            Self::NoteOn(pitch) => NOTE_ON + within(pitch, PITCHES),
            Self::NoteDuration(units) => NOTE_DURATION + within(units.max(1) - 1, DURATIONS),
        }
    }

    /// The token with an ID; `None` if the ID is [`COUNT`](Self::COUNT) or greater.
    pub fn from_id(id: usize) -> Option<Self> {
        // For IDs below the count, the difference to a kind's first ID is below 256.
        let after = |first: usize| (id - first) as u8;
        Some(match id {
            BAR => Self::Bar,
            POSITION..CHORD => Self::Position(after(POSITION)),
            CHORD..NO_CHORD => {
                let (root, quality) = ((id - CHORD) / QUALITIES.len(), (id - CHORD) % QUALITIES.len());
                Self::Chord(Some(Chord {
                    root: root as u8,
                    quality: Quality::ALL[quality],
                }))
            }
            NO_CHORD => Self::Chord(None),
            TEMPO_CLASS..TEMPO_VALUE => Self::TempoClass(TempoClass::ALL[id - TEMPO_CLASS]),
            TEMPO_VALUE..NOTE_VELOCITY => Self::TempoValue(after(TEMPO_VALUE)),
            NOTE_VELOCITY..NOTE_ON => Self::NoteVelocity(after(NOTE_VELOCITY)),
            NOTE_ON..NOTE_DURATION => Self::NoteOn(after(NOTE_ON)),
            NOTE_DURATION..Self::COUNT => Self::NoteDuration(after(NOTE_DURATION) + 1),
            _ => return None,
        })
    }

    /// All tokens in the order of their IDs.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).filter_map(Self::from_id)
    }

    /// The token's name in the vocabulary file, such as `Position 1/16`, `Chord A#:min`, `Note On
    /// 60`.
    pub fn name(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bar => f.write_str("Bar"),
            Self::Position(position) => write!(f, "Position {}/{POSITIONS}", u16::from(position) + 1),
            Self::Chord(None) => f.write_str("Chord N:N"),
            Self::Chord(Some(Chord { root, quality })) => {
                let root = ROOTS[usize::from(root) % ROOTS.len()];
                write!(f, "Chord {root}:{}", QUALITIES[quality as usize])
            }
            Self::TempoClass(class) => write!(f, "Tempo Class {}", class.name()),
            Self::TempoValue(value) => write!(f, "Tempo Value {value}"),
            Self::NoteVelocity(bin) => write!(f, "Note Velocity {bin}"),
            Self::NoteOn(pitch) => write!(f, "Note On {pitch}"),
            Self::NoteDuration(units) => write!(f, "Note Duration {units}"),
        }
    }
}

/// Checks that the list of names that a model was trained with is this vocabulary.
///
/// # Errors
/// The first name that differs, with the expected one.
pub fn check_names(names: &[String]) -> Result<(), String> {
    for (id, token) in Token::all().enumerate() {
        let expected = token.name();
        match names.get(id) {
            Some(name) if *name == expected => {}
            Some(name) => return Err(format!("token {id} is '{name}'; expected '{expected}'")),
            None => {
                return Err(format!(
                    "{} tokens; expected {}, the next being '{expected}'",
                    names.len(),
                    Token::COUNT
                ));
            }
        }
    }
    match names.get(Token::COUNT) {
        None => Ok(()),
        Some(name) => Err(format!(
            "{} tokens; expected {}, but they continue with '{name}'",
            names.len(),
            Token::COUNT
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_tokens_are_inverse() {
        assert_eq!(Token::COUNT, 365);
        for id in 0..Token::COUNT {
            assert_eq!(Token::from_id(id).expect("a token").id(), id);
        }
        for id in [Token::COUNT, 366, 1000, usize::MAX] {
            assert_eq!(Token::from_id(id), None);
        }
        assert_eq!(Token::all().count(), Token::COUNT);
    }

    #[test]
    fn ids_and_names_are_those_of_the_training() {
        let chord = |root, quality| Token::Chord(Some(Chord { root, quality }));
        for (token, id, name) in [
            (Token::Bar, 0, "Bar"),
            (Token::Position(0), 1, "Position 1/16"),
            (Token::Position(15), 16, "Position 16/16"),
            (chord(0, Quality::Major), 17, "Chord C:maj"),
            (chord(0, Quality::Dominant), 21, "Chord C:dom"),
            (chord(1, Quality::Minor), 23, "Chord C#:min"),
            (chord(10, Quality::Diminished), 69, "Chord A#:dim"),
            (chord(11, Quality::Augmented), 75, "Chord B:aug"),
            (chord(11, Quality::Dominant), 76, "Chord B:dom"),
            (Token::Chord(None), 77, "Chord N:N"),
            (Token::TempoClass(TempoClass::Slow), 78, "Tempo Class slow"),
            (Token::TempoClass(TempoClass::Fast), 80, "Tempo Class fast"),
            (Token::TempoValue(0), 81, "Tempo Value 0"),
            (Token::TempoValue(59), 140, "Tempo Value 59"),
            (Token::NoteVelocity(0), 141, "Note Velocity 0"),
            (Token::NoteVelocity(31), 172, "Note Velocity 31"),
            (Token::NoteOn(0), 173, "Note On 0"),
            (Token::NoteOn(127), 300, "Note On 127"),
            (Token::NoteDuration(1), 301, "Note Duration 1"),
            (Token::NoteDuration(64), 364, "Note Duration 64"),
        ] {
            assert_eq!((token.id(), token.name().as_str()), (id, name));
            assert_eq!(Token::from_id(id), Some(token));
        }
        for (index, quality) in Quality::ALL.iter().enumerate() {
            assert_eq!(*quality as usize, index);
        }
    }

    #[test]
    fn a_value_beyond_its_range_becomes_the_last_one_within() {
        let beyond = Chord {
            root: 99,
            quality: Quality::Minor,
        };
        for (token, id) in [
            (Token::Position(200), 16),
            (Token::Chord(Some(beyond)), 73),
            (Token::TempoValue(60), 140),
            (Token::NoteVelocity(255), 172),
            (Token::NoteOn(128), 300),
            (Token::NoteDuration(0), 301),
            (Token::NoteDuration(255), 364),
        ] {
            assert_eq!(token.id(), id);
            assert!(!token.name().is_empty());
        }
    }

    #[test]
    fn another_vocabulary_is_reported_with_its_first_difference() {
        let names: Vec<String> = Token::all().map(Token::name).collect();
        check_names(&names).expect("ours");
        let mut other = names.clone();
        other[23] = "Chord Db:min".to_owned();
        other[24] = "x".to_owned();
        assert_eq!(
            check_names(&other),
            Err("token 23 is 'Chord Db:min'; expected 'Chord C#:min'".to_owned())
        );
        let short = check_names(&names[..364]).expect_err("one missing");
        assert!(
            short.contains("364") && short.contains("365") && short.contains("Note Duration 64"),
            "{short}"
        );
        other = names;
        other.push("Pad".to_owned());
        let long = check_names(&other).expect_err("one too many");
        assert!(long.contains("366 tokens") && long.contains("'Pad'"), "{long}");
        assert!(check_names(&[]).is_err());
    }
}
