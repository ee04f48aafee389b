//! What every entry point runs in: panics stop here, failures become a status and a sentence.

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

/// The sentence of the last call that failed on this thread, in English UTF-8; "" if none has. It stays valid until
/// another call on this thread fails. It names the file, the value met and the value allowed, and can be shown to users.
#[unsafe(no_mangle)]
pub extern "C" fn kinescore_last_error() -> *const c_char {
    // While a thread ends its memory may be gone.
    LAST_ERROR
        .try_with(|error| error.try_borrow().map(|error| error.as_ptr()).ok())
        .ok()
        .flatten()
        .unwrap_or(c"".as_ptr())
}

/// Runs an entry point. `entry` is its name, for reports.
pub fn guard(entry: &'static str, work: impl FnOnce() -> Result<(), Failure>) -> Status {
    recorded(entry, || caught(entry, work))
}

/// Runs an entry point that calls [`caught`] itself, to see what was caught. Panics elsewhere in it stop here as well.
pub fn recorded(entry: &'static str, work: impl FnOnce() -> Result<(), Failure>) -> Status {
    match stopped(entry, work) {
        Ok(()) => Status::Ok,
        Err(failure) => {
            remember(&failure.message);
            failure.status
        }
    }
}

/// What `work` gives; a panic in it becomes a [`Failure`].
pub fn caught<T>(entry: &'static str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    stopped(entry, || {
        #[cfg(feature = "panic-injection")]
        crate::faults::panic_if_asked(entry);
        work()
    })
}

fn stopped<T>(entry: &'static str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    install_hook();
    // What a panic leaves behind half done is only met again through a job, and that is poisoned.
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
                "a fault of the library in {entry}{place}: {what}. Please report it at {}/issues",
                env!("CARGO_PKG_REPOSITORY")
            ),
        ))
    })
}

/// Runs an entry point that has no status to give, such as those that free.
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

/// Rust's own hook writes to standard error, which is the host's. This library has a copy of Rust's runtime to itself, so
/// that no other hook is taken away.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if catches_panics() {
                return;
            }
            // Tests of this crate want to see their own failures.
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
