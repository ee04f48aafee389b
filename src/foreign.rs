//! Calls into third-party code that panics instead of returning an error.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in a call whose panics are caught and become an [`Error`](crate::Error).
/// A program's panic hook is called for these panics, too, and should not report them.
pub fn catches_panics() -> bool {
    // While a thread ends, its thread-local memory may be gone.
    CATCHING.try_with(Cell::get).unwrap_or(false)
}

/// Returns the result of `work`, or the text of its panic. Anything that the panic left
/// half-changed must not be used afterwards.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = CATCHING.try_with(|catching| catching.set(self.0));
        }
    }
    let _restore = Restore(CATCHING.try_with(|catching| catching.replace(true)).unwrap_or(false));
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| panic_text(&*payload))
}

/// The text of a panic.
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_text_and_is_known_to_be_caught() {
        assert!(!catches_panics());
        assert_eq!(caught(|| 7 + i32::from(catches_panics())), Ok(8));
        assert_eq!(
            caught(|| panic!("{} is missing", "it")),
            Err::<(), _>("it is missing".to_owned())
        );
        let nested = caught(|| (caught(|| panic!("inner")), catches_panics()));
        assert_eq!(nested, Ok((Err::<(), _>("inner".to_owned()), true)));
        assert!(!catches_panics());
    }
}
