//! The wrapper of every entry point: panics stop here, and failures become a status and a message.

use crate::status::{Failure, Status};
use kinescore_core::host::{catches_panics, panic_text};
use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
    /// File and line of the panic that this thread is in.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Returns the message of the last call that failed on this thread, in English, UTF-8; "" if none
/// has. It stays valid until another call on this thread fails. It names the file, the value found
/// and the value expected, and can be shown to users.
#[unsafe(no_mangle)]
pub extern "C" fn kinescore_last_error() -> *const c_char {
    // While a thread ends, its thread-local memory may be gone.
    LAST_ERROR
        .try_with(|error| error.try_borrow().map(|error| error.as_ptr()).ok())
        .ok()
        .flatten()
        .unwrap_or(c"".as_ptr())
}

/// Runs an entry point. `entry` is its name, for error reports.
pub fn guard(entry: &'static str, work: impl FnOnce() -> Result<(), Failure>) -> Status {
    recorded(entry, || caught(entry, work))
}

/// Runs an entry point that calls [`caught`] itself, to learn whether a panic was caught. Panics
/// elsewhere in it stop here as well.
pub fn recorded(entry: &'static str, work: impl FnOnce() -> Result<(), Failure>) -> Status {
    match stopped(entry, work) {
        Ok(()) => Status::Ok,
        Err(failure) => {
            remember(&failure.message);
            failure.status
        }
    }
}

/// Returns the result of `work`; a panic in it becomes a [`Failure`].
pub fn caught<T>(entry: &'static str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    stopped(entry, || {
        #[cfg(feature = "panic-injection")]
        crate::faults::panic_if_asked(entry);
        work()
    })
}

fn stopped<T>(entry: &'static str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    install_hook();
    // Data that a panic leaves half-changed can only be reached through a job, and the job is
    // poisoned.
    let result = catch_unwind(AssertUnwindSafe(work));
    result.unwrap_or_else(|payload| {
        let place = PLACE.try_with(Cell::take).ok().flatten();
        let place = place.map(|place| format!(" at {place}")).unwrap_or_default();
        let what = panic_text(&*payload);
        // A payload may have a destructor that panics.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        Err(Failure::new(
            Status::Panic,
            format!(
                "an error in the library itself, in {entry}{place}: {what}. Please report it at {}/issues",
                env!("CARGO_PKG_REPOSITORY")
            ),
        ))
    })
}

/// Runs an entry point that returns no status, such as those that free.
pub fn quietly(entry: &'static str, work: impl FnOnce()) {
    guard(entry, || {
        work();
        Ok(())
    });
}

fn remember(message: &str) {
    let message = CString::new(message.replace('\0', "\u{fffd}")).unwrap_or_default();
    let _ = LAST_ERROR.try_with(|error| error.try_borrow_mut().map(|mut error| *error = message));
}

/// Rust's own hook writes to standard error, which belongs to the host. This library has its own
/// copy of Rust's runtime, so no hook of the host is replaced.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if catches_panics() {
                return;
            }
            // The tests of this crate need to show their own failures.
            if cfg!(test) {
                usual(info);
            }
            let place = info
                .location()
                .map(|place| format!("{}:{}", place.file(), place.line()));
            let what = panic_text(info.payload());
            log::error!("panic at {}: {what}", place.as_deref().unwrap_or("an unknown place"));
            let _ = PLACE.try_with(|cell| cell.set(place));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn last_error() -> String {
        // SAFETY: the pointer is valid until the next failure on this thread.
        unsafe { CStr::from_ptr(kinescore_last_error()) }
            .to_string_lossy()
            .into_owned()
    }

    #[test]
    fn panics_become_a_status_and_the_sentence_stays_with_its_thread() {
        std::thread::spawn(|| {
            assert_eq!(last_error(), "");
            assert_eq!(guard("kinescore_test", || panic!("seven")), Status::Panic);
            let sentence = last_error();
            assert!(sentence.contains("kinescore_test at ffi/src/guard.rs:"), "{sentence}");
            assert!(sentence.contains(": seven. Please report it"), "{sentence}");
            assert_eq!(guard("kinescore_test", || Ok(())), Status::Ok);
            assert_eq!(last_error(), sentence);
            std::thread::spawn(|| assert_eq!(last_error(), ""))
                .join()
                .expect("no panic");
            let failed = guard("kinescore_test", || Err(Failure::new(Status::Busy, "a\0b")));
            assert_eq!((failed, last_error().as_str()), (Status::Busy, "a\u{fffd}b"));
        })
        .join()
        .expect("no panic");
    }

    #[test]
    fn a_payload_that_panics_when_dropped_stops_here_too() {
        struct Spring;
        impl Drop for Spring {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        let status = guard("kinescore_test", || std::panic::panic_any(Spring));
        assert_eq!(status, Status::Panic);
    }
}
