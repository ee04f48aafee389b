//! The compressed samples of a font, each decoded once.
//!
//! Whether a stream is complete is known only after it has been decoded, and which kit plays a drum
//! depends on it. So a stream is decoded at the first question about it, and its values are kept
//! until the synthesiser takes them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most values that are kept, over all samples of a font: the size of a kit.
const MOST_KEPT: usize = 16 << 20;

#[derive(Debug, Default)]
pub(super) struct Decoded(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The fault of each checked sample, if it has one, by the sample's number.
    checked: BTreeMap<usize, Option<String>>,
    values: BTreeMap<usize, Vec<i16>>,
    /// Damaged samples that have not been reported.
    news: Vec<usize>,
}

impl Decoded {
    fn state(&self) -> MutexGuard<'_, State> {
        // Changes that belong together cannot be interrupted by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a sample can be decoded; tried once per sample.
    pub fn is_whole(&self, sample: usize, decode: impl FnOnce() -> Result<Vec<i16>, String>) -> bool {
        if let Some(fault) = self.state().checked.get(&sample) {
            return fault.is_none();
        }
        // Parts are prepared in parallel; a sample that two of them decode at once is counted once.
        let decoded = decode();
        let mut state = self.state();
        if let Some(fault) = state.checked.get(&sample) {
            return fault.is_none();
        }
        let fault = match decoded {
            Ok(values) => {
                if state.values.values().map(Vec::len).sum::<usize>() + values.len() > MOST_KEPT {
                    state.values.clear();
                }
                state.values.insert(sample, values);
                None
            }
            Err(reason) => {
                state.news.push(sample);
                Some(reason)
            }
        };
        let whole = fault.is_none();
        state.checked.insert(sample, fault);
        whole
    }

    /// Removes and returns the values of a sample, if they are kept.
    pub fn take(&self, sample: usize) -> Option<Vec<i16>> {
        self.state().values.remove(&sample)
    }

    /// Describes the samples found damaged since the last call.
    pub fn news(&self) -> Option<String> {
        let mut state = self.state();
        let news = std::mem::take(&mut state.news);
        let first = *news.first()?;
        let reason = state.checked.get(&first)?.as_deref().unwrap_or_default();
        Some(match news.len() {
            1 => format!("sample {first} is silent: {reason}"),
            count => format!("{count} samples are silent; the first is sample {first}: {reason}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sample_is_decoded_once_and_taken_once() {
        let decoded = Decoded::default();
        assert!(decoded.is_whole(3, || Ok(vec![1, 2])));
        assert!(decoded.is_whole(3, || Err("not tried again".to_owned())));
        assert_eq!(decoded.take(3), Some(vec![1, 2]));
        assert_eq!(decoded.take(3), None);
        assert_eq!(decoded.news(), None);
    }

    #[test]
    fn damage_is_reported_once() {
        let decoded = Decoded::default();
        assert!(!decoded.is_whole(5, || Err("bad".to_owned())));
        assert!(!decoded.is_whole(5, || Ok(vec![])));
        assert_eq!(decoded.news().as_deref(), Some("sample 5 is silent: bad"));
        assert_eq!(decoded.news(), None);
        assert!(!decoded.is_whole(7, || Err("worse".to_owned())));
        assert!(!decoded.is_whole(6, || Err("bad".to_owned())));
        let text = decoded.news();
        assert_eq!(
            text.as_deref(),
            Some("2 samples are silent; the first is sample 7: worse")
        );
    }

    #[test]
    fn values_are_kept_up_to_a_limit() {
        let decoded = Decoded::default();
        decoded.is_whole(0, || Ok(vec![0; MOST_KEPT]));
        decoded.is_whole(1, || Ok(vec![1]));
        assert_eq!((decoded.take(0), decoded.take(1)), (None, Some(vec![1])));
        assert!(decoded.is_whole(0, || Err("not tried again".to_owned())));
    }
}
