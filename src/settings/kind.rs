//! What values a setting takes, and how they are written.

use crate::theory::{Key, Misread, Progression};

/// How a text that is no number and no choice is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// The name of a [`Key`].
    Key,
    /// Chord symbols, a [`Progression`].
    Chords,
}

impl Syntax {
    fn allowed(self) -> &'static str {
        match self {
            Self::Key => {
                "a key such as C, Am, F# minor, Eb major or D dorian (harmonic minor, phrygian, lydian, mixolydian)"
            }
            Self::Chords => "chords such as 'Am F C G7', one a bar, or 'Am F | C G7', with | between bars",
        }
    }

    fn parse(self, text: &str) -> Result<Value, Misread> {
        match self {
            Self::Key => text.parse().map(Value::Key),
            Self::Chords => text.parse().map(Value::Chords),
        }
    }
}

/// The word that stands for every one of a number.
pub(super) const ALL: &str = "all";

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or `auto`.
    ChoiceOrAuto(&'static [&'static str]),
    /// Some of these words, at least one, each at most once, with commas between.
    List(&'static [&'static str]),
    /// Text of this syntax, or `auto`.
    TextOrAuto(Syntax),
    /// A number from `least` to `most`.
    Number {
        /// Least value allowed.
        least: f64,
        /// Greatest value allowed.
        most: f64,
    },
    /// A number from `least` to `most`, or `auto`.
    NumberOrAuto {
        /// Least value allowed.
        least: f64,
        /// Greatest value allowed.
        most: f64,
    },
    /// A whole number from `least` to `most`.
    Whole {
        /// Least value allowed.
        least: u64,
        /// Greatest value allowed.
        most: u64,
    },
    /// A whole number from `least` to `most`, or `all`, or `auto`.
    WholeOrAll {
        /// Least value allowed.
        least: u64,
        /// Greatest value allowed.
        most: u64,
    },
}

impl Kind {
    /// The values allowed, in words: `auto|cpu|cuda`, `1 to 120`.
    pub fn allowed(&self) -> String {
        match self {
            Self::Choice(words) => words.join("|"),
            Self::ChoiceOrAuto(words) => format!("auto|{}", words.join("|")),
            Self::List(words) => format!("one or more of {}, each once, with commas between", words.join(", ")),
            Self::TextOrAuto(syntax) => format!("auto, or {}", syntax.allowed()),
            Self::Number { least, most } => format!("{least} to {most}"),
            Self::NumberOrAuto { least, most } => format!("auto, or {least} to {most}"),
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::WholeOrAll { least, most } => {
                format!("auto, or all, or a whole number from {least} to {most}")
            }
        }
    }

    /// Words that may stand as a value, or in a list.
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Self::Choice(words) | Self::List(words) => words.to_vec(),
            Self::ChoiceOrAuto(words) => std::iter::once("auto").chain(words.iter().copied()).collect(),
            Self::NumberOrAuto { .. } | Self::TextOrAuto(_) => vec!["auto"],
            Self::WholeOrAll { .. } => vec!["auto", ALL],
            Self::Number { .. } | Self::Whole { .. } => vec![],
        }
    }

    /// Whether the value may be `auto`.
    pub fn has_auto(&self) -> bool {
        match self {
            Self::ChoiceOrAuto(_) | Self::NumberOrAuto { .. } | Self::WholeOrAll { .. } | Self::TextOrAuto(_) => true,
            Self::Choice(_) | Self::List(_) | Self::Number { .. } | Self::Whole { .. } => false,
        }
    }

    pub(super) fn parse(&self, text: &str) -> Result<Value, Refusal> {
        if text == "auto" && self.has_auto() {
            return Ok(Value::Auto);
        }
        let word = |words: &'static [&'static str]| words.iter().find(|w| **w == text).map(|w| Value::Word(w));
        let number = |least: f64, most: f64| {
            text.parse::<f64>()
                .ok()
                .filter(|n| (least..=most).contains(n))
                .map(Value::Number)
        };
        let whole = |least: u64, most: u64| {
            text.parse::<u64>()
                .ok()
                .filter(|n| (least..=most).contains(n))
                .map(Value::Whole)
        };
        let value = match *self {
            Self::Choice(words) | Self::ChoiceOrAuto(words) => word(words),
            Self::List(words) => return self.list(words, text),
            Self::TextOrAuto(syntax) => {
                return syntax.parse(text).map_err(|misread| Refusal {
                    allowed: format!("{}; {misread}", self.allowed()),
                    nearest: self.nearest(text).or(misread.nearest),
                });
            }
            Self::Number { least, most } | Self::NumberOrAuto { least, most } => number(least, most),
            Self::WholeOrAll { .. } if text == ALL => Some(Value::Word(ALL)),
            Self::Whole { least, most } | Self::WholeOrAll { least, most } => whole(least, most),
        };
        value.ok_or_else(|| Refusal {
            allowed: self.allowed(),
            nearest: self.nearest(text),
        })
    }

    fn list(&self, words: &'static [&'static str], text: &str) -> Result<Value, Refusal> {
        let refuse = |nearest| Refusal {
            allowed: self.allowed(),
            nearest,
        };
        let mut given = Vec::new();
        for item in text.split(',').map(str::trim) {
            let word = words.iter().find(|word| **word == item);
            given.push(*word.ok_or_else(|| refuse(self.nearest(item)))?);
        }
        // The table's order, so that the same choice is the same value however it is written.
        let chosen: Vec<&'static str> = words.iter().copied().filter(|word| given.contains(word)).collect();
        if chosen.len() < given.len() {
            return Err(refuse(None));
        }
        Ok(Value::Words(chosen))
    }

    fn nearest(&self, text: &str) -> Option<String> {
        nearest(text, self.words().into_iter())
    }
}

/// Why a value is not taken.
pub(super) struct Refusal {
    pub allowed: String,
    pub nearest: Option<String>,
}

/// A value that has been checked against its [`Kind`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Auto,
    Word(&'static str),
    Words(Vec<&'static str>),
    Number(f64),
    Whole(u64),
    Key(Key),
    Chords(Progression),
}

impl Value {
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn whole(self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn key(self) -> Option<Key> {
        match self {
            Self::Key(key) => Some(key),
            _ => None,
        }
    }

    pub(super) fn chords(self) -> Option<Progression> {
        match self {
            Self::Chords(chords) => Some(chords),
            _ => None,
        }
    }
}

/// The candidate most like `word`, if any is alike enough to be meant.
pub(super) fn nearest(word: &str, candidates: impl Iterator<Item = &'static str>) -> Option<String> {
    candidates
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c.to_owned())
}
