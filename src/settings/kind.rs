//! The values that a setting accepts, and their syntax.

use crate::theory::{Key, Misread, Progression};
use std::str::FromStr;

/// The grammar of a value that is neither a number nor a choice.
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
}

/// The values that a setting accepts, apart from `auto`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One or more of these words, each at most once, separated by commas.
    List(&'static [&'static str]),
    /// Text of this syntax.
    Text(Syntax),
    /// A number from `least` to `most`.
    Number {
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
    /// A whole number from `least` to `most`, or `all`.
    WholeOrAll {
        /// Least value allowed.
        least: u64,
        /// Greatest value allowed.
        most: u64,
    },
}

impl Kind {
    /// The words of a choice or a list, or those that are allowed in place of a number; without
    /// `auto`.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Choice(words) | Self::List(words) => words,
            Self::WholeOrAll { .. } => &[ALL],
            Self::Text(_) | Self::Number { .. } | Self::Whole { .. } => &[],
        }
    }
}

/// A text that is to become the value of a setting, with the values that the setting's row allows.
/// Each reader refuses values that are not allowed, and rows of a different kind.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub kind: Kind,
    pub auto: bool,
    pub text: &'a str,
}

/// The text `auto`.
pub(super) const AUTO: &str = "auto";

/// The text `all`.
pub(super) const ALL: &str = "all";

impl Given<'_> {
    /// The values allowed, in words: `auto|bright|dark`, `1 to 120`.
    pub fn allowed(self) -> String {
        let or_auto = if self.auto { "auto, or " } else { "" };
        match self.kind {
            Kind::Choice(_) => self.words().join("|"),
            Kind::List(words) => format!(
                "{or_auto}one or more of {}, each at most once, separated by commas",
                words.join(", ")
            ),
            Kind::Text(syntax) => format!("{or_auto}{}", syntax.allowed()),
            Kind::Number { least, most } => format!("{or_auto}{least} to {most}"),
            Kind::Whole { least, most } => format!("{or_auto}a whole number from {least} to {most}"),
            Kind::WholeOrAll { least, most } => format!("{or_auto}{ALL}, or a whole number from {least} to {most}"),
        }
    }

    /// Words that are allowed as a value, with `auto` first, or in a list.
    pub fn words(self) -> Vec<&'static str> {
        let auto = self.auto.then_some(AUTO);
        auto.into_iter().chain(self.kind.words().iter().copied()).collect()
    }

    /// `None` for `auto`, otherwise the result of `read`.
    pub fn or_auto<T>(self, read: impl FnOnce(Self) -> Result<T, Refusal>) -> Result<Option<T>, Refusal> {
        if self.auto && self.text == AUTO {
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// `None` for `all`, otherwise the result of `read`.
    pub fn or_all<T>(self, read: impl FnOnce(Self) -> Result<T, Refusal>) -> Result<Option<T>, Refusal> {
        if matches!(self.kind, Kind::WholeOrAll { .. }) && self.text == ALL {
            return Ok(None);
        }
        read(self).map(Some)
    }

    pub fn number(self) -> Result<f64, Refusal> {
        let Kind::Number { least, most } = self.kind else {
            return Err(self.refusal());
        };
        // A minus sign copied from a text is often U+2212.
        let text = self.text.replace('\u{2212}', "-");
        let number = text.parse().ok().filter(|n| (least..=most).contains(n));
        number.ok_or_else(|| self.refusal())
    }

    pub fn whole(self) -> Result<u64, Refusal> {
        let (Kind::Whole { least, most } | Kind::WholeOrAll { least, most }) = self.kind else {
            return Err(self.refusal());
        };
        let number = self.text.parse().ok().filter(|n| (least..=most).contains(n));
        number.ok_or_else(|| self.refusal())
    }

    /// One of the words of a choice.
    pub fn word(self) -> Result<&'static str, Refusal> {
        let Kind::Choice(words) = self.kind else {
            return Err(self.refusal());
        };
        let word = words.iter().copied().find(|word| *word == self.text);
        word.ok_or_else(|| self.refusal())
    }

    /// The value of one of the words of a choice.
    pub fn choice<T>(self, of_word: impl FnOnce(&str) -> Option<T>) -> Result<T, Refusal> {
        of_word(self.text).ok_or_else(|| self.refusal())
    }

    /// A number that is chosen from a list.
    pub fn number_word<T: FromStr>(self) -> Result<T, Refusal> {
        self.word()?.parse().map_err(|_| self.refusal())
    }

    /// The words of a list, in the order of the table, so that the same choice is the same value in
    /// any order.
    pub fn list(self) -> Result<Vec<&'static str>, Refusal> {
        let Kind::List(words) = self.kind else {
            return Err(self.refusal());
        };
        let mut given = Vec::new();
        for item in self.text.split(',').map(str::trim) {
            let word = words.iter().find(|word| **word == item);
            given.push(*word.ok_or_else(|| self.refusal_of(item))?);
        }
        let chosen: Vec<&'static str> = words.iter().copied().filter(|word| given.contains(word)).collect();
        if chosen.len() < given.len() {
            return Err(Refusal {
                allowed: self.allowed(),
                nearest: None,
            });
        }
        Ok(chosen)
    }

    /// The name of a key.
    pub fn key(self) -> Result<Key, Refusal> {
        self.text.parse().map_err(|misread| self.misread(misread))
    }

    /// Chord symbols.
    pub fn chords(self) -> Result<Progression, Refusal> {
        self.text.parse().map_err(|misread| self.misread(misread))
    }

    fn misread(self, misread: Misread) -> Refusal {
        Refusal {
            allowed: format!("{}; {misread}", self.allowed()),
            nearest: nearest(self.text, self.words()).or(misread.nearest),
        }
    }

    fn refusal(self) -> Refusal {
        self.refusal_of(self.text)
    }

    /// The refusal of `part`, the part of the text that is not allowed.
    fn refusal_of(self, part: &str) -> Refusal {
        Refusal {
            allowed: self.allowed(),
            nearest: nearest(part, self.words()),
        }
    }
}

/// Why a value is refused.
pub(super) struct Refusal {
    pub allowed: String,
    pub nearest: Option<String>,
}

/// The candidate most similar to `word`, if one is similar enough to have been meant.
pub(super) fn nearest(word: &str, candidates: impl IntoIterator<Item = &'static str>) -> Option<String> {
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c.to_owned())
}
