//! Forwards the library's log to the host.

use crate::guard::guard;
use crate::status::{Failure, Status};
use log::{LevelFilter, Log, Metadata, Record};
use std::cell::Cell;
use std::ffi::{CString, c_char, c_void};
use std::sync::{OnceLock, PoisonError, RwLock};

/// No messages.
pub const KINESCORE_LOG_OFF: i32 = 0;
/// Errors.
pub const KINESCORE_LOG_ERROR: i32 = 1;
/// Unexpected conditions, such as a damaged part of a video that was skipped.
pub const KINESCORE_LOG_WARN: i32 = 2;
/// Results and decisions, such as the loudness that was reached.
pub const KINESCORE_LOG_INFO: i32 = 3;
/// For developers.
pub const KINESCORE_LOG_DEBUG: i32 = 4;
/// Every detail, for developers.
pub const KINESCORE_LOG_TRACE: i32 = 5;

/// Receives a log message: its level (KINESCORE_LOG_ERROR to KINESCORE_LOG_TRACE) and its text,
/// which is valid during the call. It may be called from any thread, including the library's own,
/// and concurrently. It must not throw or long-jump.
pub type LogFn = Option<unsafe extern "C" fn(user: *mut c_void, level: i32, message: *const c_char)>;

#[derive(Clone, Copy)]
struct Sink {
    call: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    user: *mut c_void,
}

// SAFETY: the host promises that its function and pointer can be used from any thread.
unsafe impl Send for Sink {}
// SAFETY: as above.
unsafe impl Sync for Sink {}

static SINK: RwLock<Option<Sink>> = RwLock::new(None);

thread_local! {
    /// Whether this thread is in the host's function: messages that the library logs from within it
    /// are dropped.
    static TALKING: Cell<bool> = const { Cell::new(false) };
}

struct HostLog;

impl Log for HostLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) || TALKING.try_with(|talking| talking.replace(true)).unwrap_or(true) {
            return;
        }
        if let Some(sink) = &*SINK.read().unwrap_or_else(PoisonError::into_inner) {
            let message = record.args().to_string().replace('\0', "\u{fffd}");
            let message = CString::new(message).unwrap_or_default();
            // SAFETY: the host's own function with its own pointer; the text ends with a NUL byte.
            unsafe { (sink.call)(sink.user, record.level() as i32, message.as_ptr()) };
        }
        let _ = TALKING.try_with(|talking| talking.set(false));
    }

    fn flush(&self) {}
}

/// Passes the library's log messages up to `level` to `log`, which replaces an earlier function;
/// NULL stops them. The function is process-wide. When this returns, no call of the earlier
/// function is in progress or will follow, so that whatever its `user` points to can be freed.
/// Without a function, the library is silent: it never writes to standard output or standard error.
/// FFmpeg has its own process-wide log, which belongs to the host: control it with av_log_set_level
/// and av_log_set_callback.
///
/// KINESCORE_BAD_ARGUMENT if `level` is not a log level; KINESCORE_BUSY from within a log function;
/// KINESCORE_OTHER if other Rust code in this process has installed a logger.
///
/// # Safety
/// `log` must be NULL or a function of that type which can be called from any thread with `user`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_set_log(log: LogFn, user: *mut c_void, level: i32) -> Status {
    guard("kinescore_set_log", || {
        let level = filter(level)?;
        if TALKING.try_with(Cell::get).unwrap_or(false) {
            return Err(Failure::new(
                Status::Busy,
                "the log function cannot be changed from within itself",
            ));
        }
        static OURS: OnceLock<bool> = OnceLock::new();
        if !OURS.get_or_init(|| log::set_logger(&HostLog).is_ok()) {
            return Err(Failure::new(
                Status::Other,
                "other code in this process has already installed a logger",
            ));
        }
        // Waits until calls of the earlier function have ended.
        *SINK.write().unwrap_or_else(PoisonError::into_inner) = log.map(|call| Sink { call, user });
        log::set_max_level(if log.is_some() { level } else { LevelFilter::Off });
        Ok(())
    })
}

/// The filter for a log level of the interface.
fn filter(level: i32) -> Result<LevelFilter, Failure> {
    Ok(match level {
        KINESCORE_LOG_OFF => LevelFilter::Off,
        KINESCORE_LOG_ERROR => LevelFilter::Error,
        KINESCORE_LOG_WARN => LevelFilter::Warn,
        KINESCORE_LOG_INFO => LevelFilter::Info,
        KINESCORE_LOG_DEBUG => LevelFilter::Debug,
        KINESCORE_LOG_TRACE => LevelFilter::Trace,
        other => {
            return Err(Failure::new(
                Status::BadArgument,
                format!("log level {other}; expected {KINESCORE_LOG_OFF} to {KINESCORE_LOG_TRACE}"),
            ));
        }
    })
}
