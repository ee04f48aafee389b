//! Sentences for text that is not JSON, in place of the parser's own.

use serde_json::error::Category;

/// Why a text is not JSON, without the position. `None` for a value of the wrong type, which is
/// JSON.
pub fn fault(error: &serde_json::Error) -> Option<String> {
    match error.classify() {
        Category::Data => None,
        Category::Io => Some(format!("it cannot be read: {error}")),
        Category::Eof if error.line() <= 1 && error.column() == 0 => Some("it is empty".to_owned()),
        Category::Eof => Some("it is not whole JSON: the text ends too early".to_owned()),
        Category::Syntax => Some(words(&reason(error))),
    }
}

/// Like [`fault`], with the position.
pub(crate) fn placed_fault(error: &serde_json::Error) -> Option<String> {
    let fault = fault(error)?;
    match error.classify() {
        Category::Io => Some(fault),
        _ if error.column() == 0 => Some(fault),
        _ => Some(format!("{fault} ({})", place(error))),
    }
}

/// The position of an error in the text.
pub(crate) fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

/// The parser's reason without the position.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// The parser's reason when a number lies beyond what a program can calculate with.
pub(crate) const NUMBER_TOO_LARGE: &str = "number out of range";

/// The parser's reason when lists and objects are nested more deeply than it follows them, and the
/// sentence for it.
const RECURSION: &str = "recursion limit exceeded";
pub(crate) const TOO_DEEP: &str = "its lists and objects are nested too deeply";

/// Whether lists and objects are nested too deeply.
pub(crate) fn is_too_deep(error: &serde_json::Error) -> bool {
    reason(error) == RECURSION
}

fn words(reason: &str) -> String {
    let what = match reason {
        // These may be JSON, but are not read.
        NUMBER_TOO_LARGE => return "a number is too large to be read".to_owned(),
        RECURSION => return TOO_DEEP.to_owned(),
        "expected value" => "a value is expected here (JSON has no NaN, no Infinity and no comments)",
        "expected ident" => "true, false, null or another value is expected here",
        "expected `:`" => "a colon is expected here",
        "expected `,` or `]`" => "a comma or ] is expected here",
        "expected `,` or `}`" => "a comma or } is expected here",
        "key must be a string" | "expected `\"`" => "a name in quotation marks is expected here",
        "trailing comma" => "a comma must be followed by another value",
        "trailing characters" => "the text continues after its end",
        "invalid number" => "this is not a number as JSON has them",
        "invalid escape" | "unexpected end of hex escape" | "lone leading surrogate in hex escape" => {
            "a text has an escape that JSON does not have"
        }
        "invalid unicode code point" => "a text is not UTF-8",
        other if other.starts_with("control character") => "a text has a control character, such as a line break",
        other => other,
    };
    format!("it is not JSON: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn text_that_is_not_json_gets_a_sentence() {
        let sentence = |text: &str| placed_fault(&serde_json::from_str::<Value>(text).expect_err(text));
        for (text, expected) in [
            ("", "it is empty"),
            (
                "{\"a\": [1,",
                "it is not whole JSON: the text ends too early (line 1, column 9)",
            ),
            (
                "hello",
                "it is not JSON: a value is expected here (JSON has no NaN, no Infinity and no comments) (line 1, column 1)",
            ),
            (
                "nil",
                "it is not JSON: true, false, null or another value is expected here (line 1, column 2)",
            ),
            (
                "{\n\"a\" 1}",
                "it is not JSON: a colon is expected here (line 2, column 5)",
            ),
            (
                "[1 2]",
                "it is not JSON: a comma or ] is expected here (line 1, column 4)",
            ),
            (
                "{a: 1}",
                "it is not JSON: a name in quotation marks is expected here (line 1, column 2)",
            ),
            (
                "[1,]",
                "it is not JSON: a comma must be followed by another value (line 1, column 4)",
            ),
            (
                "1 2",
                "it is not JSON: the text continues after its end (line 1, column 3)",
            ),
            ("1e999", "a number is too large to be read (line 1, column 5)"),
        ] {
            assert_eq!(sentence(text).as_deref(), Some(expected), "{text}");
        }
        let deep = "[".repeat(1000);
        assert!(sentence(&deep).is_some_and(|s| s.starts_with("its lists and objects are nested")));
        assert_eq!(fault(&serde_json::from_str::<u8>("300").expect_err("too large")), None);
    }
}
