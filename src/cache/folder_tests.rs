//! The folder of the cache, in every state in which it may be found.

use super::*;
use crate::cache::{About, Cache, Identities, Key, Kind};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn keep(cache: &Cache, key: &str, bytes: &[u8]) -> bool {
    cache.store(Kind::Composition, &Key::of(key), &About::default(), bytes)
}

fn there(cache: &Cache, keys: &[&str]) -> Vec<bool> {
    let path = |key: &&str| cache.path(Kind::Composition, &Key::of(key));
    keys.iter().map(|key| path(key).exists()).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn set_used(path: &Path, at: SystemTime) {
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(at)
        .unwrap();
}

#[test]
fn stored_entries_are_found_by_another_cache_on_the_folder_and_nothing_else() {
    let folder = folder();
    let below = folder.path().join("not/there/yet");
    let cache = Cache::open(&below, None);
    assert!(
        cache.composition("a").is_none() && !below.exists(),
        "looking writes nothing"
    );
    cache.keep_composition("a", None, b"la");
    cache.keep_composition("b", None, b"");
    cache.keep_composition("a", None, b"la la");
    for cache in [&cache, &Cache::open(&below, None)] {
        assert_eq!(cache.composition("a").as_deref(), Some(&b"la la"[..]));
        assert_eq!(cache.composition("b").as_deref(), Some(&b""[..]));
        assert!(cache.composition("c").is_none());
        assert!(cache.load(Kind::Poses, &Key::of("a")).is_none());
    }
    assert_eq!(names(&below).len(), 4, "two entries, the lock and the tag");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&below).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn the_least_recently_used_is_removed_first_and_a_new_entry_stays() {
    let folder = folder();
    let entry = {
        let cache = Cache::open(folder.path(), None);
        keep(&cache, "a", &[7; 1000]);
        cache.list().unwrap()[0].size
    };
    let cache = Cache::open(folder.path(), Some(3 * entry));
    for key in ["b", "c"] {
        keep(&cache, key, &[7; 1000]);
    }
    assert!(cache.composition("a").is_some());
    keep(&cache, "d", &[7; 1000]);
    assert_eq!(there(&cache, &["a", "b", "c", "d"]), [true, false, true, true]);
    // Another process continues the order.
    let other = Cache::open(folder.path(), Some(3 * entry));
    assert!(other.composition("c").is_some());
    keep(&other, "e", &[7; 1000]);
    assert_eq!(there(&other, &["a", "c", "d", "e"]), [false, true, true, true]);
    // An entry that is larger than the limit stays until the next one is written.
    keep(&cache, "f", &[7; 10_000]);
    assert_eq!(there(&cache, &["c", "d", "e", "f"]), [false, false, false, true]);
    keep(&Cache::open(folder.path(), Some(0)), "g", b"");
    assert_eq!(there(&cache, &["f", "g"]), [false, true]);
}

#[test]
fn a_clock_that_goes_backwards_keeps_the_order() {
    let folder = folder();
    let cache = Cache::open(folder.path(), None);
    for key in ["a", "b", "c"] {
        keep(&cache, key, &[7; 1000]);
    }
    let entry = cache.list().unwrap()[0].size;
    // All were used at times that are now in the future: 'b' last, 'a' and 'c' at the same instant.
    let future = SystemTime::now() + Duration::from_secs(1_000_000_000);
    for (key, at) in [("a", future), ("b", future + Duration::from_secs(9)), ("c", future)] {
        set_used(&cache.path(Kind::Composition, &Key::of(key)), at);
    }
    let cache = Cache::open(folder.path(), Some(3 * entry));
    assert_eq!(
        cache.composition("a").map(|bytes| bytes.len()),
        Some(1000),
        "still right"
    );
    keep(&cache, "d", &[7; 1000]);
    assert_eq!(there(&cache, &["a", "b", "c", "d"]), [true, true, false, true]);
    keep(&cache, "e", &[7; 1000]);
    assert_eq!(there(&cache, &["a", "b", "d", "e"]), [true, false, true, true]);
    // And before the epoch.
    set_used(&cache.path(Kind::Composition, &Key::of("e")), SystemTime::UNIX_EPOCH);
    keep(&Cache::open(folder.path(), Some(3 * entry)), "f", &[7; 1000]);
    assert_eq!(there(&cache, &["a", "d", "e", "f"]), [true, true, false, true]);
}

#[test]
fn damaged_and_foreign_entries_are_not_used_and_are_replaced() {
    let folder = folder();
    let cache = Cache::open(folder.path(), None);
    keep(&cache, "a", b"la");
    keep(&cache, "b", b"other");
    let (a, b) = (
        cache.path(Kind::Composition, &Key::of("a")),
        cache.path(Kind::Composition, &Key::of("b")),
    );
    let whole = fs::read(&a).unwrap();
    let flipped: Vec<u8> = whole
        .iter()
        .enumerate()
        .map(|(i, v)| if i == 60 { v ^ 1 } else { *v })
        .collect();
    let spoilt = [
        &whole[..whole.len() / 2],
        b"",
        &flipped,
        b"not ours at all, but long enough to be",
        &fs::read(&b).unwrap(),
    ];
    for bytes in spoilt {
        fs::write(&a, bytes).unwrap();
        assert!(cache.composition("a").is_none());
        assert!(keep(&cache, "a", b"la"));
        assert_eq!(cache.composition("a").as_deref(), Some(&b"la"[..]));
    }
    // A folder or a link in its place does no harm.
    fs::remove_file(&a).unwrap();
    fs::create_dir(&a).unwrap();
    assert!(cache.composition("a").is_none());
    assert!(!keep(&cache, "a", b"la"));
    fs::remove_dir(&a).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&b, &a).unwrap();
        assert!(cache.composition("a").is_none());
        assert!(keep(&cache, "a", b"la"));
        assert_eq!(cache.composition("b").as_deref(), Some(&b"other"[..]));
    }
}

#[test]
fn verify_finds_damaged_entries_and_clear_leaves_other_files() {
    let folder = folder();
    let cache = Cache::open(folder.path(), None);
    let foreign = ["notes.txt", "poses-1234.kscache", ".tmp-mine", "composition.kscache"];
    for name in foreign {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let media = folder.path().join("dance.mp4");
    fs::write(&media, "moves").unwrap();
    let id = Identities::default().of(&media).unwrap();
    for key in ["a", "b", "c"] {
        keep(&cache, key, key.as_bytes());
    }
    cache.keep_composition("d", Some((&media, &id)), b"d");
    let path = |key: &str| cache.path(Kind::Composition, &Key::of(key));
    fs::write(path("a"), "short").unwrap();
    fs::copy(path("b"), path("c")).unwrap();
    assert_eq!(cache.list().unwrap().len(), 4);
    let verified = cache.verify().unwrap();
    assert_eq!((verified.whole, verified.unknown.len()), (2, 0));
    let mut damaged: Vec<_> = verified.damaged.into_iter().map(|(path, _)| path).collect();
    damaged.sort();
    let mut expected = vec![path("a"), path("c")];
    expected.sort();
    assert_eq!(damaged, expected);
    assert_eq!(there(&cache, &["a", "b", "c", "d"]), [false, true, false, true]);

    let of = |path: &Path, id: Option<&MediaId>| [(path.to_owned(), id.cloned())];
    assert_eq!(cache.clear(Some(&of(Path::new("other.mp4"), None))).unwrap().entries, 0);
    // By content, whatever the file's name is now; by name if the file no longer exists.
    assert_eq!(
        cache
            .clear(Some(&of(Path::new("other.mp4"), Some(&id))))
            .unwrap()
            .entries,
        1
    );
    cache.keep_composition("d", Some((&media, &id)), b"d");
    assert_eq!(cache.clear(Some(&of(&media, None))).unwrap().entries, 1);
    assert_eq!(there(&cache, &["b", "d"]), [true, false]);
    assert_eq!(cache.clear(None).unwrap().entries, 1);
    assert!(cache.list().unwrap().is_empty());
    for name in foreign {
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), name);
    }
}

#[test]
fn leftovers_of_a_killed_process_are_removed_and_files_being_written_stay() {
    let folder = folder();
    keep(&Cache::open(folder.path(), None), "a", b"la");
    let left = folder.path().join(".tmp-abcdef.kscache");
    fs::write(&left, "half").unwrap();
    let writer = File::open(folder.path().join(LOCK)).unwrap();
    writer.lock_shared().unwrap();
    let cache = Cache::open(folder.path(), None);
    assert!(left.exists(), "somebody is writing");
    assert!(keep(&cache, "b", b"lo"), "two may write at a time");
    drop(writer);
    Cache::open(folder.path(), None);
    assert!(!left.exists());
    assert_eq!(there(&cache, &["a", "b"]), [true, true]);
}

#[test]
fn an_unusable_folder_is_treated_as_missing() {
    let folder = folder();
    let file = folder.path().join("a file");
    fs::write(&file, "mine").unwrap();
    for path in [file.clone(), file.join("below")] {
        let cache = Cache::open(&path, None);
        assert!(!keep(&cache, "a", b"la"));
        assert!(cache.composition("a").is_none());
        assert!(matches!(cache.list(), Err(Error::Input { .. })));
        assert!(matches!(cache.verify(), Err(Error::Input { .. })));
        assert!(matches!(cache.clear(None), Err(Error::Input { .. })));
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert!(
        Cache::open(&folder.path().join("none"), None)
            .list()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn threads_that_read_and_write_and_remove_never_see_half_an_entry() {
    let folder = folder();
    let value = |key: u8, round: u8| vec![key ^ round; 20_000 + usize::from(round)];
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let folder = folder.path();
            scope.spawn(move || {
                for round in 0..25_u8 {
                    // A new cache each time, as in separate processes; room for two of the four
                    // entries.
                    let cache = Cache::open(folder, Some(50_000));
                    let key = (thread + round) % 4;
                    keep(&cache, &key.to_string(), &value(key, round));
                    if let Some(found) = cache.composition(&key.to_string()) {
                        let round = (found.len() - 20_000) as u8;
                        assert_eq!(found, value(key, round));
                    }
                }
            });
        }
    });
    assert!(names(folder.path()).iter().all(|name| !name.starts_with(TEMPORARY)));
}
