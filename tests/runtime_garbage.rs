//! Files that are not libraries, or are incomplete, are distinguished from a missing one, and do
//! not end the process. A separate test program, since a process loads ONNX Runtime only once and
//! no other test may have loaded it before.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

#[path = "runtime_support/mod.rs"]
mod runtime_support;

use runtime_support::{compiled, reason, runtime_file};
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

fn written(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("written");
    path
}

#[test]
fn a_file_that_is_not_a_library_is_named_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for (name, content, reported) in [
        (
            "text.so",
            &b"not a library"[..],
            "not a library: the file begins with 6e 6f 74 20",
        ),
        ("empty.so", b"", "not a library: the file is empty"),
        (
            "short.so",
            b"\x7fELF\x02\x01\x01",
            "cut off: its ELF header should end at byte 64, the file at byte 7",
        ),
        ("script.so", b"INPUT(libonnxruntime.so.1)\n", "not a library"),
    ] {
        let told_of = reason(&written(folder, name, content));
        assert!(told_of.contains(name) && told_of.contains(reported), "{told_of}");
    }
    let reported = reason(folder);
    assert!(reported.contains("contains no libonnxruntime.so*"), "{reported}");
    let inner = folder.join("libonnxruntime.so");
    fs::create_dir(&inner).expect("a folder");
    let reported = reason(folder);
    assert!(
        reported.contains("libonnxruntime.so: it is a folder, not a regular file"),
        "{reported}"
    );
    assert!(reason(&folder.join("none.so")).contains("No such file"));
}

#[test]
fn a_library_that_was_cut_off_is_not_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("libonnxruntime.so");
    fs::copy(runtime_file(), &path).expect("a copy");
    let file = OpenOptions::new().write(true).open(&path).expect("the copy");
    let length = file.metadata().expect("a file").len();
    // Starting at one byte less, downwards, since a copy takes long.
    let cuts = [length - 1, length - 64, length - 4096].into_iter();
    let shares = (1..32).rev().map(|part| length * part / 32);
    for cut in cuts.chain(shares).chain([4096, 1000, 120, 64, 63, 20, 4]) {
        file.set_len(cut).expect("cut off");
        let reported = reason(&path);
        assert!(
            reported.contains("cut off: ") && reported.contains(&format!("the file at byte {cut}")) || cut < 64,
            "{cut}: {reported}"
        );
    }
}

/// If a byte of the header is changed, the library is refused before it is loaded, or the change is
/// harmless: then it is loaded, and has no API.
#[test]
fn damaged_headers_do_not_end_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read(compiled(
        folder.path(),
        "null_base",
        "const void *OrtGetApiBase(void) { return 0; }",
    ))
    .expect("a library");
    let at = |offset: usize| u64::from_le_bytes(whole[offset..offset + 8].try_into().expect("8 bytes")) as usize;
    let programs = at(32)..at(32) + 56 * usize::from(whole[56]);
    let mut loaded = 0;
    for byte in (0..64).chain(programs) {
        for flip in [0x01, 0x10, 0xff] {
            let mut damaged = whole.clone();
            damaged[byte] ^= flip;
            let reported = reason(&written(folder.path(), &format!("damaged-{byte}-{flip}.so"), damaged));
            loaded += usize::from(reported.contains("returns no API"));
        }
    }
    assert!(loaded > 50, "{loaded} were harmless");

    let refused = |offset: usize, value: u8, reported: &str| {
        let mut other = whole.clone();
        other[offset] = value;
        let reason = reason(&written(folder.path(), &format!("other-{offset}-{value}.so"), other));
        assert!(reason.contains(reported), "{reason}");
    };
    // IBM's S/390, and MIPS: Kinescore is not built for either machine.
    refused(18, 22, "a library for s390; this machine is");
    refused(18, 7, "a library for the machine with ELF number 7; this machine is");
    refused(4, 1, "another kind of machine: class 1");
    refused(5, 2, "another kind of machine: class 2 and byte order 2");
    refused(16, 2, "not a shared library: ELF type 2");
    refused(56, 0, "damaged: 0 program headers");
}

#[test]
fn a_library_without_an_api_is_an_error_and_another_can_be_tried() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = compiled(folder.path(), "other", "int answer(void) { return 42; }");
    let reported = reason(&other);
    assert!(reported.contains("does not export `OrtGetApiBase`"), "{reported}");
    let null = compiled(folder.path(), "null", "const void *OrtGetApiBase(void) { return 0; }");
    for _ in 0..2 {
        let reported = reason(&null);
        assert!(reported.contains("its OrtGetApiBase returns no API"), "{reported}");
    }
    let old = "static const char *version(void) { return \"1.9.0\"; } static const void *api(unsigned v) { return 0; }
        static struct { const void *(*api)(unsigned); const char *(*version)(void); } base = { api, version };
        const void *OrtGetApiBase(void) { return &base; }";
    let reported = reason(&compiled(folder.path(), "old", old));
    assert!(reported.contains("1.9.0"), "{reported}");
}
