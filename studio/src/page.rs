//! The files of the page, which are part of the program.

/// Names and contents.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The page itself.
pub(crate) const INDEX: &str = "index.html";

/// Content types by the ending of a name.
const TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
];

/// The content of a file of the page, and its type.
pub(crate) fn file(name: &str) -> Option<(&'static [u8], &'static str)> {
    let (_, content) = FILES.iter().find(|(known, _)| *known == name)?;
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = TYPES.iter().find(|(known, _)| *known == ending);
    Some((content, known.map_or("application/octet-stream", |(_, kind)| kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_type_and_the_page_fetches_nothing_from_elsewhere() {
        assert!(file(INDEX).is_some() && file("../Cargo.toml").is_none());
        for (name, content) in FILES {
            let (found, kind) = file(name).expect("a file of the page");
            assert!(found == *content && kind != "application/octet-stream", "{name}");
            let Ok(text) = std::str::from_utf8(content) else {
                continue;
            };
            // The names of XML's languages are addresses too, but nothing is fetched from them.
            let text = text.replace("http://www.w3.org/", "");
            assert!(
                !text.contains("http://") && !text.contains("https://"),
                "{name} names an address elsewhere"
            );
        }
    }
}
