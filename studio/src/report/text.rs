//! Text that cannot leave its place in a page, and base64.

use std::io::{self, Write};

/// Text in markup or in an attribute.
pub(super) fn in_markup(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// JSON within a script element, which ends at `</script` and has comments from `<!--`. Outside of
/// its strings, JSON has no such character.
pub(super) fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes bytes as base64 (RFC 4648).
pub(super) fn write_base64(bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let is_used = place <= group.len();
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if is_used { letter } else { b'=' });
        }
    }
    to.write_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut written = Vec::new();
            write_base64(bytes.as_bytes(), &mut written).expect("written");
            assert_eq!(String::from_utf8(written).expect("text"), text);
        }
        let mut written = Vec::new();
        write_base64(&[0xff, 0xfe, 0xfb], &mut written).expect("written");
        assert_eq!(written, b"//77");
    }

    #[test]
    fn text_stays_in_its_place() {
        assert_eq!(in_markup("<b a='1'>&\""), "&lt;b a=&#39;1&#39;&gt;&amp;&quot;");
        let json = serde_json::json!({"a": "</script><!--"}).to_string();
        let safe = in_script(&json);
        assert!(!safe.contains('<'), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).expect("JSON")["a"],
            "</script><!--"
        );
    }
}
