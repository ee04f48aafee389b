//! Standard output: results only.

use crate::exit::Failure;
use kinescore::Error;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Writes to standard output. A reader that has ended (`kinescore settings | head -1`) is not an
/// error.
pub fn write(text: &str) -> Result<(), Failure> {
    write_bytes(text.as_bytes())
}

/// Like [`write`], for bytes.
pub fn write_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Failure::from(Error::output(Path::new("standard output"))(e))),
        Ok(()) => Ok(()),
    }
}
