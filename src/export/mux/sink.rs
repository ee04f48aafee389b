//! The output file as seen by FFmpeg, and the reasons for which writing stops.

use crate::error::{Error, Result};
use crate::progress::{Cancel, Monitor};
use ffmpeg_next as ffmpeg;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Why writing stopped.
pub(super) enum Stop {
    Job(Error),
    Media(ffmpeg::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Job(error)
    }
}

impl From<ffmpeg::Error> for Stop {
    fn from(error: ffmpeg::Error) -> Self {
        Self::Media(error)
    }
}

/// The first failure of the output file, kept because FFmpeg passes on only a number.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstFailure(Arc<Mutex<Option<io::Error>>>);

impl FirstFailure {
    pub(super) fn keep(&self, error: io::Error) -> ffmpeg::Error {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        ffmpeg::Error::External
    }

    pub(super) fn check(&self, path: &Path, monitor: &Monitor<'_>) -> Result<()> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        monitor.check()?;
        kept.map_or(Ok(()), |error| Err(Error::output(path)(error)))
    }

    /// The failure that was kept, or else the one given.
    pub(super) fn or(&self, path: &Path, monitor: &Monitor<'_>, other: impl FnOnce() -> Error) -> Error {
        self.check(path, monitor).err().unwrap_or_else(other)
    }
}

/// The file as seen by FFmpeg: keeps the reason of a failure and stops when the job is cancelled.
pub(super) struct Sink<F> {
    pub(super) file: F,
    pub(super) fault: FirstFailure,
    pub(super) cancel: Cancel,
}

impl<F> Sink<F> {
    fn guard<T>(&mut self, act: impl FnOnce(&mut F) -> io::Result<T>) -> io::Result<T> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        act(&mut self.file).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let same = error.raw_os_error().map(io::Error::from_raw_os_error);
            let same = same.unwrap_or_else(|| error.kind().into());
            self.fault.keep(error);
            same
        })
    }
}

impl<F: Write> Write for Sink<F> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.guard(|file| file.write(data))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.guard(|file| file.flush())
    }
}

impl<F: Seek> Seek for Sink<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.guard(|file| file.seek(to))
    }
}

/// A file in memory that can be read once it has been written.
#[derive(Clone, Default)]
pub(super) struct MemoryFile(Arc<Mutex<Cursor<Vec<u8>>>>);

impl MemoryFile {
    /// What has been written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *file).into_inner()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Cursor<Vec<u8>>) -> io::Result<T>) -> io::Result<T> {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for MemoryFile {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.with(|file| file.write(data))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for MemoryFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.with(|file| file.seek(to))
    }
}
