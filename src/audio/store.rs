//! Keeps synthesised sound for the next time that the same notes are played.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most that a [`SpanStore`] holds by default, bytes: a minute and a half of drums and three
/// instruments at 48 kHz.
pub const STORE_LIMIT: usize = 256 << 20;

/// Bytes that an entry needs in addition to its samples.
const ENTRY: usize = 256;

/// Identifies the sound of a span: a hash of everything on which its samples depend.
pub(super) type Key = [u8; 32];

/// Stereo samples of a span, from its start up to the last one that is not silent.
pub(super) type Sound = Arc<[f32]>;

/// Spans of sound in memory, by the hash of their inputs. Clones share one store, and threads can
/// share it.
///
/// When the store is full, the least recently used spans are removed first; spans that the current
/// render has added or used stay, so that even for a piece larger than the store a part is found
/// again.
#[derive(Debug, Clone)]
pub struct SpanStore(Arc<Mutex<Inner>>);

/// How useful a [`SpanStore`] was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreUse {
    /// Spans that were synthesised.
    pub made: u64,
    /// Spans that were found in the store.
    pub found: u64,
    /// Bytes held now.
    pub bytes: usize,
}

/// Render number, and a number that rises with every use.
type Age = (u64, u64);

#[derive(Debug)]
struct Inner {
    limit: usize,
    bytes: usize,
    clock: u64,
    renders: u64,
    spans: HashMap<Key, (Age, Sound)>,
    ages: BTreeMap<Age, Key>,
    made: u64,
    found: u64,
}

impl Default for SpanStore {
    fn default() -> Self {
        Self::new(STORE_LIMIT)
    }
}

impl SpanStore {
    /// An empty store that holds at most so many bytes. With 0 nothing is kept.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            limit,
            bytes: 0,
            clock: 0,
            renders: 0,
            spans: HashMap::new(),
            ages: BTreeMap::new(),
            made: 0,
            found: 0,
        })))
    }

    /// Use of the store so far.
    pub fn usage(&self) -> StoreUse {
        let inner = self.lock();
        StoreUse {
            made: inner.made,
            found: inner.found,
            bytes: inner.bytes,
        }
    }

    /// Removes all spans.
    #[cfg(test)]
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.spans.clear();
        inner.ages.clear();
        inner.bytes = 0;
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.lock().spans.contains_key(key)
    }

    /// A number for a new render.
    pub(super) fn begin(&self) -> u64 {
        let mut inner = self.lock();
        inner.renders += 1;
        inner.renders
    }

    pub(super) fn get(&self, render: u64, key: &Key) -> Option<Sound> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let (age, sound) = inner.spans.get_mut(key)?;
        inner.ages.remove(age);
        inner.clock += 1;
        *age = (render.max(age.0), inner.clock);
        inner.ages.insert(*age, *key);
        inner.found += 1;
        Some(sound.clone())
    }

    /// Keeps a span, if it fits or older spans can be removed.
    pub(super) fn put(&self, render: u64, key: Key, sound: &Sound) {
        let mut inner = self.lock();
        inner.made += 1;
        let size = size(sound);
        if inner.spans.contains_key(&key) || size > inner.limit {
            return;
        }
        while inner.bytes + size > inner.limit {
            let oldest = inner.ages.first_key_value().map(|(age, key)| (*age, *key));
            match oldest {
                Some((age, key)) if age.0 < render => {
                    inner.ages.remove(&age);
                    if let Some((_, sound)) = inner.spans.remove(&key) {
                        inner.bytes -= self::size(&sound);
                    }
                }
                _ => return,
            }
        }
        inner.clock += 1;
        let age = (render, inner.clock);
        inner.bytes += size;
        inner.ages.insert(age, key);
        inner.spans.insert(key, (age, sound.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Changes that belong together cannot be interrupted by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(sound: &Sound) -> usize {
    size_of_val::<[f32]>(sound) + ENTRY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Key {
        [number; 32]
    }

    fn sound(bytes: usize) -> Sound {
        vec![0.5; (bytes - ENTRY) / 4].into()
    }

    #[test]
    fn the_limit_is_kept_and_the_oldest_goes_first() {
        let store = SpanStore::new(10_000);
        for number in 0..20 {
            let render = store.begin();
            store.put(render, key(number), &sound(1_000));
            assert!(store.usage().bytes <= 10_000);
            // The first is played repeatedly.
            assert!(store.get(render, &key(0)).is_some(), "{number}");
        }
        let render = store.begin();
        let kept: Vec<u8> = (0..20).filter(|n| store.get(render, &key(*n)).is_some()).collect();
        assert_eq!(kept, [0, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
        store.put(render, key(100), &sound(20_000));
        assert!(store.get(render, &key(100)).is_none(), "larger than the store");
        store.clear();
        assert_eq!(store.usage().bytes, 0);
        assert!(store.get(render, &key(0)).is_none());
    }

    #[test]
    fn a_render_does_not_throw_out_what_it_needs_itself() {
        let store = SpanStore::new(5_000);
        for _ in 0..3 {
            let render = store.begin();
            let found = (0..20)
                .filter(|n| {
                    let there = store.get(render, &key(*n)).is_some();
                    if !there {
                        store.put(render, key(*n), &sound(1_000));
                    }
                    there
                })
                .count();
            assert!(render == 1 || found == 5, "{found}");
        }
    }

    #[test]
    fn clones_share_and_an_empty_store_keeps_nothing() {
        let store = SpanStore::default();
        store.clone().put(1, key(1), &sound(1_000));
        store.put(1, key(1), &sound(1_000));
        assert_eq!(store.get(1, &key(1)), Some(sound(1_000)));
        let expected = StoreUse {
            made: 2,
            found: 1,
            bytes: 1_000,
        };
        assert_eq!(store.usage(), expected);
        let none = SpanStore::new(0);
        none.put(1, key(1), &sound(1_000));
        assert!(none.get(1, &key(1)).is_none());
    }
}
