//! Where the page is, and who may ask for it.

use constant_time_eq::constant_time_eq;
use std::fmt::Write;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of a token: 128 bits.
const BYTES: usize = 16;

/// How long the address that opens the browser is valid.
const OPENS_FOR: Duration = Duration::from_secs(120);

/// A secret that nobody guesses.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// A new one.
    pub fn new() -> io::Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|e| io::Error::other(e.to_string()))?;
        let mut text = String::with_capacity(2 * BYTES);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}"); // a String takes everything
        }
        Ok(Self(text))
    }

    /// Whether this is the text of the token; takes the same time for every text of its length.
    pub fn is(&self, text: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), text.as_bytes())
    }
}

/// The address of the page.
pub struct Address {
    port: u16,
    token: Token,
    once: Token,
    /// Until when the browser may be opened; `None` once it was.
    opens_until: Mutex<Option<Instant>>,
}

impl Address {
    pub(crate) fn new(port: u16) -> io::Result<Self> {
        Ok(Self {
            port,
            token: Token::new()?,
            once: Token::new()?,
            opens_until: Mutex::new(Some(Instant::now() + OPENS_FOR)),
        })
    }

    /// The page's address, which stays valid as long as the program runs.
    pub fn page(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.token.0)
    }

    /// An address that leads to the page once, within two minutes: a browser's arguments can be
    /// read by other users of the machine.
    pub fn once(&self) -> String {
        format!("http://127.0.0.1:{}/open/{}", self.port, self.once.0)
    }

    /// The path below the folder of the token, without a slash before it; `None` if the token is
    /// another.
    pub(crate) fn inner<'a>(&self, path: &'a str) -> Option<Inner<'a>> {
        let path = path.strip_prefix('/')?;
        let (folder, rest) = match path.split_once('/') {
            Some((folder, rest)) => (folder, Some(rest)),
            None => (path, None),
        };
        if let ("open", Some(once)) = (folder, rest) {
            return (self.once.is(once) && self.use_once()).then_some(Inner::Folder);
        }
        match (self.token.is(folder), rest) {
            (true, Some(rest)) => Some(Inner::Path(rest)),
            (true, None) => Some(Inner::Folder),
            (false, _) => None,
        }
    }

    fn use_once(&self) -> bool {
        let mut until = self.opens_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.take().is_some_and(|until| Instant::now() < until)
    }

    /// Path of the page, from the root of the server.
    pub(crate) fn folder(&self) -> String {
        format!("/{}/", self.token.0)
    }

    /// Whether a `Host` is that of this server: another name that leads to this machine may belong
    /// to somebody else's page.
    pub(crate) fn is_host(&self, host: Option<&[u8]>) -> bool {
        let names = ["127.0.0.1", "localhost"];
        host.is_some_and(|host| {
            names
                .iter()
                .any(|name| host == format!("{name}:{}", self.port).as_bytes())
        })
    }

    /// Whether an `Origin`, if a request has one, is this server's.
    pub(crate) fn is_origin(&self, origin: Option<&[u8]>) -> bool {
        origin.is_none_or(|origin| {
            origin
                .strip_prefix(b"http://")
                .is_some_and(|host| self.is_host(Some(host)))
        })
    }
}

/// What a path with the right token names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inner<'a> {
    /// The folder of the page, without the slash at its end.
    Folder,
    /// A path in it.
    Path(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address::new(8123).expect("random numbers")
    }

    #[test]
    fn only_the_token_leads_to_the_page() {
        let address = address();
        let folder = address.folder();
        assert_eq!(folder.len(), 34);
        assert!(folder[1..33].chars().all(|c| c.is_ascii_hexdigit()));
        assert_eq!(address.page(), format!("http://127.0.0.1:8123{folder}"));
        assert_eq!(address.inner(&folder), Some(Inner::Path("")));
        assert_eq!(address.inner(folder.trim_end_matches('/')), Some(Inner::Folder));
        assert_eq!(
            address.inner(&format!("{folder}api/clip")),
            Some(Inner::Path("api/clip"))
        );
        let other = self::address().folder();
        assert_ne!(other, folder);
        let (short, twice) = (&folder[..32], format!("/{folder}"));
        for path in ["/", "", "/api/clip", &other, short, &twice] {
            assert_eq!(address.inner(path), None, "{path}");
        }
    }

    #[test]
    fn a_browser_is_let_in_once() {
        let address = address();
        let path = address.once().split_off("http://127.0.0.1:8123".len());
        assert_eq!(address.inner("/open/0123"), None);
        assert_eq!(address.inner(&path), Some(Inner::Folder));
        assert_eq!(address.inner(&path), None);
    }

    #[test]
    fn hosts_and_origins_are_this_servers() {
        let address = address();
        for host in ["127.0.0.1:8123", "localhost:8123"] {
            assert!(address.is_host(Some(host.as_bytes())));
            assert!(address.is_origin(Some(format!("http://{host}").as_bytes())));
        }
        for host in [
            "127.0.0.1",
            "127.0.0.1:8124",
            "evil.example:8123",
            "",
            "localhost:8123.evil.example",
        ] {
            assert!(!address.is_host(Some(host.as_bytes())), "{host}");
            assert!(!address.is_origin(Some(format!("http://{host}").as_bytes())), "{host}");
        }
        assert!(!address.is_host(None) && address.is_origin(None));
        assert!(!address.is_origin(Some(b"null")) && !address.is_origin(Some(b"https://localhost:8123")));
    }
}
