//! Distributes work among threads. The result does not depend on their number.

use crate::error::Result;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Processes every item, on up to `threads` threads including the caller's, and returns the results
/// in the order of the items. Items are started in their order.
///
/// # Errors
/// The error of the first item that fails; items that no thread has started by then are left out.
pub(super) fn each<T: Send, R: Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let helpers = threads.min(items.len()).saturating_sub(1);
    if helpers == 0 {
        return items.into_iter().map(work).collect();
    }
    let count = items.len();
    let queue = Mutex::new(items.into_iter().enumerate());
    let failed = AtomicBool::new(false);
    let labour = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, item)) = next else { break };
            let result = work(item);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            done.push((index, result));
        }
        done
    };
    let mut done = Vec::with_capacity(count);
    thread::scope(|scope| {
        // If the system cannot start more threads, the existing ones do the work.
        let helpers: Vec<_> = (0..helpers)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, labour).ok())
            .collect();
        done.extend(labour());
        for helper in helpers {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => resume_unwind(panic),
            }
        }
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn results_are_in_order_on_any_number_of_threads() {
        for threads in [0, 1, 2, 5, 100] {
            let squares = each(threads, (0..37).collect(), |n: i32| Ok(n * n)).expect("no errors");
            assert_eq!(squares, (0..37).map(|n| n * n).collect::<Vec<_>>());
        }
        assert!(each(2, Vec::<i32>::new(), Ok).expect("no errors").is_empty());
    }

    #[test]
    fn an_error_ends_the_work() {
        for threads in [1, 3] {
            let begun = Mutex::new(0);
            let result = each(threads, (0..1000).collect(), |n: i32| {
                *begun.lock().expect("whole") += 1;
                if n >= 5 { Err(Error::Cancelled) } else { Ok(n) }
            });
            assert!(matches!(result, Err(Error::Cancelled)));
            assert!(begun.into_inner().expect("whole") < 20);
        }
    }
}
