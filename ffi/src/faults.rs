//! Panics on demand, for the tests of this crate; not part of a shipped library.

use std::ffi::{CStr, c_char};
use std::sync::{Mutex, PoisonError};

static ASKED: Mutex<Option<String>> = Mutex::new(None);

/// Makes the next pass through a place panic: the name of an entry point, or "progress" for the
/// middle of a run.
///
/// # Safety
/// `place` must end with a NUL byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_test_panic(place: *const c_char) {
    // SAFETY: by contract.
    let place = unsafe { CStr::from_ptr(place) };
    *ASKED.lock().unwrap_or_else(PoisonError::into_inner) = Some(place.to_string_lossy().into_owned());
}

#[allow(clippy::panic)] // the purpose of this function
pub fn panic_if_asked(place: &str) {
    let asked = ASKED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take_if(|asked| asked == place);
    if asked.is_some() {
        panic!("requested in {place}");
    }
}
