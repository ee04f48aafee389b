//! Parses chord symbols, keys and progressions as players write them.
//!
//! A symbol is reduced to one of five [qualities](super::chord::Quality) by its third and fifth,
//! and by whether it is a dominant seventh:
//!
//! | written | read as |
//! |---|---|
//! | `C`, `Cmaj7`, `CM7`, `CΔ`, `C6`, `C69`, `Cadd9`, `C2`, `C5` (no third) | major |
//! | `Cm`, `Cmin`, `C-`, `Cm7`, `Cm9`, `Cm6`, `Cmmaj7`, `Cm#5` | minor |
//! | `Cdim`, `Co7`, `C°`, `Cm7b5`, `Cø` | diminished |
//! | `Caug`, `C+`, `C7#5`, `Cmaj7#5` | augmented |
//! | `C7`, `C9`, `C13`, `C7b9`, `C7b5`, `Calt`, `C7sus4` | dominant |
//! | `Csus4`, `Csus2` | major: the chord to which a suspension resolves |
//!
//! A bass note after a slash (`D/F#`) is accepted and ignored.

use super::chord::{Chord, Key, Mode, Quality};
use crate::shown;
use std::fmt;
use std::str::FromStr;

/// Maximum number of chords in a bar: one per beat.
pub const MOST_CHORDS: usize = 4;

/// Maximum number of bars in a progression.
pub const MOST_BARS: usize = 256;

/// Longest text that is compared with known ones: longer text is not a misspelt symbol.
const LONGEST_SYMBOL: usize = 40;

/// Chord types suggested in the error for a symbol that cannot be read.
const USUAL_KINDS: [&str; 20] = [
    "m", "7", "maj7", "m7", "6", "m6", "9", "m9", "maj9", "11", "13", "add9", "sus2", "sus4", "7sus4", "dim", "dim7",
    "m7b5", "aug", "5",
];

/// Why a text is not a chord, key or progression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("symbol {symbol} '{}', character {character}: {reason}", shown::text(text))]
pub struct Misread {
    /// Number of the symbol in the text, from 1.
    pub symbol: usize,
    /// The symbol.
    pub text: String,
    /// Number in the whole text, from 1, of the first character that cannot be read.
    pub character: usize,
    /// The fault there, and the expected text.
    pub reason: String,
    /// The text that was probably meant.
    pub nearest: Option<String>,
}

/// A fault within a symbol: index of the character, and the reason.
type SymbolFault = (usize, String);

impl FromStr for Chord {
    type Err = Misread;

    /// Reads one symbol, such as `Am7` or `D/F#`.
    fn from_str(text: &str) -> Result<Self, Misread> {
        let start = leading_blanks(text);
        let symbol: Vec<char> = text.trim().chars().collect();
        read_chord(&symbol).map_err(|fault| misread(&symbol, start, 1, fault))
    }
}

fn leading_blanks(text: &str) -> usize {
    text.chars().take_while(|c| c.is_whitespace()).count()
}

fn misread(symbol: &[char], start: usize, number: usize, (index, reason): SymbolFault) -> Misread {
    Misread {
        symbol: number,
        text: symbol.iter().collect(),
        character: start + index + 1,
        reason,
        nearest: nearest(symbol),
    }
}

/// The symbol that was probably meant: with a capital letter, or with the usual chord type that is
/// most similar.
fn nearest(symbol: &[char]) -> Option<String> {
    if symbol.len() > LONGEST_SYMBOL {
        return None;
    }
    let (first, rest) = symbol.split_first()?;
    let capital: Vec<char> = first.to_uppercase().chain(rest.iter().copied()).collect();
    if capital != symbol && read_chord(&capital).is_ok() {
        return Some(capital.into_iter().collect());
    }
    let (_, length) = read_root(symbol).ok()?;
    let (root, kind) = symbol.split_at(length);
    let kind: String = kind.iter().collect();
    // The similarity measure used elsewhere rewards long runs of equal letters; chord types are too
    // short for it.
    USUAL_KINDS
        .iter()
        .map(|usual| (strsim::normalized_damerau_levenshtein(&kind, usual), usual))
        .filter(|(score, _)| *score > 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, usual)| root.iter().collect::<String>() + usual)
}

/// Reads a letter and an accidental; returns the pitch class and the number of characters.
fn read_root(symbol: &[char]) -> Result<(u8, usize), String> {
    let allowed = "expected a capital letter A to G, followed by # if it is raised or b if it is lowered";
    let natural = match symbol.first() {
        Some('C') => 0,
        Some('D') => 2,
        Some('E') => 4,
        Some('F') => 5,
        Some('G') => 7,
        Some('A') => 9,
        Some('B') => 11,
        Some(c) => return Err(format!("'{}' is not a note; {allowed}", c.escape_debug())),
        None => return Err(format!("no note; {allowed}")),
    };
    Ok(match symbol.get(1) {
        Some('#' | '♯') => ((natural + 1) % 12, 2),
        Some('b' | '♭') => ((natural + 11) % 12, 2),
        _ => (natural, 1),
    })
}

fn read_chord(symbol: &[char]) -> Result<Chord, SymbolFault> {
    let (root, length) = read_root(symbol).map_err(|reason| (0, reason))?;
    let mut reader = SuffixReader {
        symbol,
        at: length,
        brackets: 0,
    };
    let quality = reader.quality()?;
    Ok(Chord { root, quality })
}

#[derive(Clone, Copy, PartialEq)]
enum Third {
    Major,
    Minor,
    Absent,
}

#[derive(Clone, Copy, PartialEq)]
enum Fifth {
    Perfect,
    Lowered,
    Raised,
}

/// Reads the part of a symbol after the root.
struct SuffixReader<'a> {
    symbol: &'a [char],
    at: usize,
    brackets: usize,
}

impl SuffixReader<'_> {
    /// Skips the first of these that matches here.
    fn eat(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let rest = &self.symbol[self.at..];
        let found = words.iter().find(|word| {
            let mut length = 0;
            word.chars().all(|c| {
                length += 1;
                rest.get(length - 1) == Some(&c)
            })
        })?;
        self.at += found.chars().count();
        Some(found)
    }

    fn quality(&mut self) -> Result<Quality, SymbolFault> {
        let (mut third, mut fifth) = (Third::Major, Fifth::Perfect);
        let mut minor_seventh = false;
        // Set by `maj`: the seventh that follows is major.
        let mut major_seventh = false;
        let mut numbered = false;
        let start = self.at;
        if self.eat(&["major", "maj", "Maj", "MAJ", "M", "Δ", "△"]).is_some() {
            major_seventh = true;
        } else if self.eat(&["minor", "min", "Min", "MIN", "mi", "m", "-"]).is_some() {
            third = Third::Minor;
        } else if self.eat(&["dim", "°", "º", "o", "ø", "Ø"]).is_some() {
            (third, fifth) = (Third::Minor, Fifth::Lowered);
        } else if self.eat(&["aug", "+"]).is_some() {
            fifth = Fifth::Raised;
        } else if self.eat(&["alt"]).is_some() {
            minor_seventh = true;
        }
        let named = self.at > start;

        while self.at < self.symbol.len() {
            let here = self.at;
            if self.eat(&["sus24", "sus2", "sus4", "sus", "no3", "omit3"]).is_some() {
                third = Third::Absent;
            } else if self.eat(&["b5", "♭5", "-5"]).is_some() {
                fifth = Fifth::Lowered;
            } else if self.eat(&["#5", "♯5", "+5"]).is_some() {
                fifth = Fifth::Raised;
            } else if self.eat(ADDITIONS).is_some() {
                // Tones beyond the seventh colour a chord; its quality is the same.
            } else if self
                .eat(&["maj7", "maj9", "maj13", "Maj7", "M7", "M9", "Δ7", "Δ"])
                .is_some()
            {
                major_seventh = true;
            } else if !numbered && self.eat(&["6/9", "69", "6", "2"]).is_some() {
                numbered = true;
            } else if !numbered && self.eat(&["13", "11", "9", "7"]).is_some() {
                numbered = true;
                minor_seventh = !major_seventh;
            } else if !numbered && !named && self.eat(&["5", "4"]).is_some() {
                numbered = true;
                third = Third::Absent;
            } else if minor_seventh && self.eat(&["alt"]).is_some() {
            } else if self.eat(&["aug", "+"]).is_some() {
                fifth = Fifth::Raised;
            } else if self.eat(&["("]).is_some() {
                self.brackets += 1;
            } else if self.brackets > 0 && self.eat(&[")"]).is_some() {
                self.brackets -= 1;
            } else if self.brackets > 0 && self.eat(&[","]).is_some() {
            } else if self.brackets == 0 && self.eat(&["/"]).is_some() {
                self.bass()?;
            } else {
                return Err((here, self.unknown_kind()));
            }
        }
        if self.brackets > 0 {
            return Err((self.at, "')' is missing".to_owned()));
        }
        Ok(match (third, fifth, minor_seventh) {
            (Third::Minor, Fifth::Lowered, _) => Quality::Diminished,
            (Third::Minor, ..) => Quality::Minor,
            (Third::Major, Fifth::Raised, _) => Quality::Augmented,
            (_, _, true) => Quality::Dominant,
            _ => Quality::Major,
        })
    }

    /// Reads the note after a slash, which ends the symbol.
    fn bass(&mut self) -> Result<(), SymbolFault> {
        let (_, length) = read_root(&self.symbol[self.at..])
            .map_err(|reason| (self.at, format!("the bass note after '/': {reason}")))?;
        self.at += length;
        match self.symbol.get(self.at) {
            None => Ok(()),
            Some(c) => Err((
                self.at,
                format!(
                    "'{}' after the bass note; a symbol ends with its bass note",
                    c.escape_debug()
                ),
            )),
        }
    }

    fn unknown_kind(&self) -> String {
        let rest: String = self.symbol[self.at..].iter().collect();
        format!(
            "'{}' is not a chord type; expected one of {}, a bass note such as /F#, and alterations such as b9",
            shown::text(&rest),
            USUAL_KINDS.join(" ")
        )
    }
}

/// Added or altered tones that do not change the quality.
const ADDITIONS: &[&str] = &[
    "add13", "add11", "add9", "add6", "add4", "add2", "b13", "♭13", "#11", "♯11", "+11", "b9", "♭9", "-9", "#9", "♯9",
    "+9", "no5", "omit5",
];

impl FromStr for Key {
    type Err = Misread;

    /// Reads a key: a note alone (major), with `m` (minor), or with the name of a mode, in upper or
    /// lower case. `A harmonic_minor`, `Amin`, `C ionian` and `A aeolian` are also accepted.
    fn from_str(text: &str) -> Result<Self, Misread> {
        let start = leading_blanks(text);
        let name: Vec<char> = text.trim().chars().collect();
        read_key(&name).map_err(|(index, reason)| {
            let capital: String = name.iter().take(1).flat_map(|c| c.to_uppercase()).collect();
            let capital: Vec<char> = capital.chars().chain(name.iter().skip(1).copied()).collect();
            let capital_meant = capital != name && read_key(&capital).is_ok();
            let nearest = if capital_meant {
                Some(capital.into_iter().collect())
            } else {
                nearest_key(&name)
            };
            Misread {
                symbol: 1,
                text: name.iter().collect(),
                character: start + index + 1,
                reason,
                nearest,
            }
        })
    }
}

/// Names of modes; the first name of each is used for output.
const MODE_NAMES: [(&str, Mode); 12] = [
    ("major", Mode::Major),
    ("maj", Mode::Major),
    ("ionian", Mode::Major),
    ("minor", Mode::Minor),
    ("min", Mode::Minor),
    ("aeolian", Mode::Minor),
    ("natural minor", Mode::Minor),
    ("harmonic minor", Mode::HarmonicMinor),
    ("dorian", Mode::Dorian),
    ("phrygian", Mode::Phrygian),
    ("lydian", Mode::Lydian),
    ("mixolydian", Mode::Mixolydian),
];

/// The mode's name as it is compared: lower case, words separated by one space.
fn plain(name: &[char]) -> String {
    let name: String = name.iter().collect();
    name.to_lowercase()
        .split([' ', '_', '-', '\t'])
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn read_key(name: &[char]) -> Result<Key, SymbolFault> {
    let (tonic, length) = read_root(name).map_err(|reason| (0, reason))?;
    let mode = &name[length..];
    let mode = match mode {
        [] => Mode::Major,
        ['m'] => Mode::Minor,
        _ => {
            let wanted = plain(mode);
            let found = MODE_NAMES.iter().find(|(name, _)| *name == wanted);
            let modes = || Mode::ALL.map(Mode::name).join(", ");
            let blanks = mode.iter().take_while(|c| c.is_whitespace()).count();
            found
                .ok_or_else(|| {
                    (
                        length + blanks,
                        format!("'{}' is not a mode; expected one of {}", shown::text(&wanted), modes()),
                    )
                })?
                .1
        }
    };
    Ok(Key { tonic, mode })
}

fn nearest_key(name: &[char]) -> Option<String> {
    if name.len() > LONGEST_SYMBOL {
        return None;
    }
    let (_, length) = read_root(name).ok()?;
    let (root, mode) = name.split_at(length);
    let wanted = plain(mode);
    let (score, nearest) = MODE_NAMES
        .iter()
        .map(|(name, _)| (strsim::jaro_winkler(&wanted, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score > 0.75).then(|| format!("{} {nearest}", root.iter().collect::<String>()))
}

/// Chords by bar, one to [`MOST_CHORDS`] in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progression {
    bars: Vec<Vec<Chord>>,
}

impl Progression {
    /// The bars, at least one; none is empty.
    pub fn bars(&self) -> &[Vec<Chord>] {
        &self.bars
    }
}

/// A symbol, or `%`, and the index of its first character.
type Symbol = (usize, Vec<char>);

/// Symbols of one bar; a bar that consists only of a bar line is empty.
fn split_bars(text: &str) -> (Vec<Vec<Symbol>>, bool) {
    let mut bars = vec![Vec::new()];
    let mut symbol: Symbol = (0, Vec::new());
    let mut lines = false;
    for (index, c) in text.chars().chain([' ']).enumerate() {
        let ends = c == '|' || c == ',' || c.is_whitespace();
        if !ends {
            if symbol.1.is_empty() {
                symbol.0 = index;
            }
            symbol.1.push(c);
            continue;
        }
        let finished = std::mem::take(&mut symbol);
        if let Some(bar) = bars.last_mut().filter(|_| !finished.1.is_empty()) {
            bar.push(finished);
        }
        if c == '|' {
            lines = true;
            bars.push(Vec::new());
        }
    }
    (bars, lines)
}

impl FromStr for Progression {
    type Err = Misread;

    /// Reads chords separated by spaces or commas. Without bar lines, each chord is a bar (`Am F C
    /// G`); with `|`, each bar has the chords between two bar lines (`Am F | C G`: two bars of two
    /// chords). `%` repeats the previous bar. Bar lines at either end are optional; two in a row
    /// count as one.
    fn from_str(text: &str) -> Result<Self, Misread> {
        let (groups, lines) = split_bars(text);
        let groups: Vec<Vec<Symbol>> = if lines {
            groups.into_iter().filter(|bar| !bar.is_empty()).collect()
        } else {
            groups.into_iter().flatten().map(|symbol| vec![symbol]).collect()
        };
        let mut bars: Vec<Vec<Chord>> = Vec::with_capacity(groups.len());
        let mut number = 0;
        for group in groups {
            let alone = group.len() == 1;
            let mut bar = Vec::new();
            for (start, symbol) in group {
                number += 1;
                let refuse = |reason: String| Misread {
                    nearest: None,
                    ..misread(&symbol, start, number, (0, reason))
                };
                if bars.len() == MOST_BARS {
                    return Err(refuse(format!("more than {MOST_BARS} bars")));
                }
                if bar.len() == MOST_CHORDS {
                    return Err(refuse(format!(
                        "more than {MOST_CHORDS} chords in bar {}",
                        bars.len() + 1
                    )));
                }
                if symbol != ['%'] {
                    let chord = read_chord(&symbol).map_err(|fault| misread(&symbol, start, number, fault))?;
                    bar.push(chord);
                    continue;
                }
                match bars.last() {
                    Some(before) if alone => bar.clone_from(before),
                    Some(_) => {
                        return Err(refuse(
                            "'%' repeats a whole bar and must stand alone in its bar".to_owned(),
                        ));
                    }
                    None => {
                        return Err(refuse(
                            "'%' repeats the previous bar, but this is the first bar".to_owned(),
                        ));
                    }
                }
            }
            bars.push(bar);
        }
        if bars.is_empty() {
            return Err(misread(&[], 0, 1, (0, "no chord".to_owned())));
        }
        Ok(Self { bars })
    }
}

/// Writes the progression in the form in which it is read; details beyond the five qualities are
/// lost.
impl fmt::Display for Progression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.bars.iter().any(|bar| bar.len() > 1);
        for (number, bar) in self.bars.iter().enumerate() {
            if number > 0 {
                f.write_str(if lines { " | " } else { " " })?;
            }
            for (place, chord) in bar.iter().enumerate() {
                write!(f, "{}{chord}", if place > 0 { " " } else { "" })?;
            }
        }
        // Without a bar line, each chord of a single bar would be read as a bar.
        f.write_str(if lines && self.bars.len() == 1 { " |" } else { "" })
    }
}

#[cfg(test)]
#[path = "symbol_tests.rs"]
mod tests;
