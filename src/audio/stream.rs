//! A soundtrack that is read while it is being rendered.

use crate::error::{Error, Result};
use crate::progress::Cancel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a waiting reader checks its switch.
const LOOK: Duration = Duration::from_millis(20);

/// Blocks of a soundtrack, stereo: one thread renders them, others read them as soon as they are
/// available. Clones share the blocks.
///
/// Pass [`push`](Self::push) to [`render_streamed`](super::render_streamed) as its sink; regardless
/// of the result of the render, [`finish`](Self::finish) must be called afterwards, or readers wait
/// forever.
#[derive(Debug, Clone)]
pub struct Blocks(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Debug)]
struct State {
    samples: Vec<f32>,
    /// Total number of frames.
    frames: usize,
    /// Whether nothing more will come.
    finished: bool,
}

impl Blocks {
    /// An empty stream for a soundtrack of so many frames.
    pub fn new(frames: usize) -> Self {
        let state = State {
            samples: Vec::new(),
            frames,
            finished: false,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            more: Condvar::new(),
        }))
    }

    /// Adds a block: stereo samples, interleaved, of which the first is frame number `first`.
    ///
    /// # Errors
    /// [`Error::Sound`] when the block does not continue the last one or extends beyond the end.
    pub fn push(&self, first: usize, samples: &[f32]) -> Result<()> {
        let mut state = self.lock();
        let (there, all) = (state.samples.len() / 2, state.frames);
        if first != there || !samples.len().is_multiple_of(2) || samples.len() / 2 > all - there || state.finished {
            return Err(Error::Sound {
                reason: format!(
                    "a block of {} samples at frame {first} of {all}; the next is frame {there}",
                    samples.len()
                ),
            });
        }
        state.samples.extend_from_slice(samples);
        drop(state);
        self.0.more.notify_all();
        Ok(())
    }

    /// Notifies readers that no more blocks will follow: the render has ended or failed.
    pub fn finish(&self) {
        self.lock().finished = true;
        self.0.more.notify_all();
    }

    /// Number of frames available.
    pub fn ready(&self) -> usize {
        self.lock().samples.len() / 2
    }

    /// Frames of the whole soundtrack.
    pub fn frames(&self) -> usize {
        self.lock().frames
    }

    /// Whether nothing more will come.
    pub fn is_finished(&self) -> bool {
        self.lock().finished
    }

    /// Copies interleaved stereo samples, starting at frame number `first`, into `samples`, and
    /// returns the number of frames copied: all available ones that fit. If none is available yet,
    /// it waits; 0 means that no more will follow.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `cancel` is switched on while it waits.
    pub fn read(&self, first: usize, samples: &mut [f32], cancel: &Cancel) -> Result<usize> {
        let mut state = self.lock();
        loop {
            let there = state.samples.get(first.saturating_mul(2)..).unwrap_or_default();
            let count = (there.len() / 2).min(samples.len() / 2);
            if count > 0 || samples.len() < 2 || state.finished || first >= state.frames {
                samples[..2 * count].copy_from_slice(&there[..2 * count]);
                return Ok(count);
            }
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let waited = self.0.more.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Changes that belong together cannot be interrupted by a panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn readers_get_what_was_pushed() {
        let blocks = Blocks::new(1_000);
        let reader = {
            let blocks = blocks.clone();
            thread::spawn(move || {
                let (mut all, mut buffer) = (Vec::new(), [0.0; 34]);
                loop {
                    let count = blocks.read(all.len() / 2, &mut buffer, &Cancel::new()).expect("read");
                    if count == 0 {
                        return all;
                    }
                    all.extend_from_slice(&buffer[..2 * count]);
                }
            })
        };
        let samples: Vec<f32> = (0..2_000).map(|n| n as f32).collect();
        for (number, block) in samples.chunks(2 * 96).enumerate() {
            blocks.push(number * 96, block).expect("pushed");
        }
        blocks.finish();
        assert_eq!(reader.join().expect("read"), samples);
        assert_eq!(
            (blocks.ready(), blocks.frames(), blocks.is_finished()),
            (1_000, 1_000, true)
        );
    }

    #[test]
    fn readers_do_not_wait_for_blocks_that_will_not_come() {
        let blocks = Blocks::new(100);
        let mut buffer = [0.0; 8];
        let cancelled = Cancel::new();
        cancelled.cancel();
        assert!(matches!(blocks.read(0, &mut buffer, &cancelled), Err(Error::Cancelled)));
        assert_eq!(
            blocks.read(100, &mut buffer, &Cancel::new()).expect("beyond the end"),
            0
        );
        blocks.push(0, &[0.5; 20]).expect("pushed");
        blocks.push(0, &[0.5; 20]).expect_err("again");
        blocks.push(12, &[0.5; 20]).expect_err("a gap");
        blocks.push(10, &[0.5; 182]).expect_err("too much");
        blocks.finish();
        assert_eq!(blocks.read(8, &mut buffer, &Cancel::new()).expect("read"), 2);
        assert_eq!(blocks.read(10, &mut buffer, &Cancel::new()).expect("failed"), 0);
    }
}
