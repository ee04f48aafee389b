//! Values from outside in messages: on one line, and no longer than a reader needs.

use std::borrow::Cow;
use std::fmt::{Display, LowerExp};

/// Characters of a text that are shown.
const MOST_CHARACTERS: usize = 80;

/// Characters of a number beyond which it is shown with an exponent.
const MOST_DIGITS: usize = 20;

/// A text, shortened to its first 80 characters, with control characters escaped: they would move a
/// terminal's cursor or start a new line.
pub fn text(value: &str) -> String {
    let mut shown: String = value.chars().take(MOST_CHARACTERS).map(visible).collect();
    if value.chars().nth(MOST_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

/// A message of one or more lines, with the control characters in it escaped as in [`text`], but not
/// line breaks and tabs.
pub fn message(text: &str) -> Cow<'_, str> {
    let stays = |c: char| matches!(c, '\n' | '\t') || !is_hidden(c);
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if stays(c) { c.to_string() } else { visible(c) };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Whether a character is a control character or reverses the direction of text.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A character as it is, or escaped if it is a control character or reverses the direction of text.
fn visible(c: char) -> String {
    if is_hidden(c) {
        c.escape_default().to_string()
    } else {
        c.to_string()
    }
}

/// A number, with an exponent if it would take more than 20 characters otherwise.
pub(crate) fn number<T: Display + LowerExp>(value: T) -> String {
    let plain = value.to_string();
    if plain.len() > MOST_DIGITS {
        return format!("{value:e}");
    }
    plain
}

/// A count of things whose plural has an `s`: `1 beat`, `2 beats`.
pub fn count(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_control_characters_are_escaped() {
        assert_eq!(text("Am F | C G"), "Am F | C G");
        assert_eq!(text("a\n\u{1b}[31mb\u{202e}c"), "a\\n\\u{1b}[31mb\\u{202e}c");
        assert_eq!(text(&"é".repeat(80)), "é".repeat(80));
        assert_eq!(text(&"é".repeat(10_000)), "é".repeat(80) + "…");
    }

    #[test]
    fn a_message_keeps_its_lines_and_its_length() {
        assert_eq!(message("a\n\tb"), "a\n\tb");
        assert!(matches!(message("a\n\tb"), Cow::Borrowed(_)));
        assert_eq!(message("a\r\n\u{1b}[31mb\u{202e}c"), "a\\r\n\\u{1b}[31mb\\u{202e}c");
        assert_eq!(message(&"é\u{7}".repeat(100)), "é\\u{7}".repeat(100));
    }

    #[test]
    fn a_long_number_has_an_exponent() {
        for (value, shown) in [
            (120.0, "120"),
            (63.966_666_666_666_67, "63.96666666666667"),
            (-1e15, "-1000000000000000"),
            (1e300, "1e300"),
            (1e-320, "1e-320"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), shown);
        }
        assert_eq!(number(u64::MAX), "18446744073709551615");
    }

    #[test]
    fn one_thing_is_not_in_the_plural() {
        let counts = [0, 1, 2].map(|number| count(number, "beat"));
        assert_eq!(counts, ["0 beats", "1 beat", "2 beats"]);
    }
}
