//! Tests ONNX Runtime in a process that holds another library in its place: one that a host has
//! loaded before, and one that turned out to be unusable. A separate test program, since a process
//! loads ONNX Runtime only once.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

#[path = "runtime_support/mod.rs"]
mod runtime_support;

use kinescore::model::{Manifest, Options, Runtime, Session};
use kinescore::settings::Device;
use runtime_support::{compiled, outside, reason, root, runtime_file};
use std::process::Command;

/// Set in the process that acts as the host, to the library that it holds.
const HELD: &str = "KINESCORE_TEST_HELD";

/// A library with ONNX Runtime's name and version, without an API of any version.
const NO_API: &str = "static const char *version(void) { return \"1.31.1\"; }
    static const void *api(unsigned version) { return 0; }
    static struct { const void *(*api)(unsigned); const char *(*version)(void); } base = { api, version };
    const void *OrtGetApiBase(void) { return &base; }";

#[test]
fn of_two_libraries_ours_is_used() {
    if let Some(held) = std::env::var_os(HELD) {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("what is loaded");
        assert!(
            maps.contains(held.to_str().expect("a name")),
            "the host does not hold another library"
        );
        let runtime = Runtime::load(Some(&runtime_file()), &[]).expect("ours");
        assert_eq!(runtime.path(), runtime_file().canonicalize().expect("ours"));
        let manifest = Manifest::read(&root().join("models")).expect("the manifest");
        let options = Options {
            device: Device::Cpu,
            threads: 1,
        };
        // The other one has no API, so a model that opens was opened by ours.
        Session::open(&runtime, &manifest, "movenet_multipose", options).expect("a model");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let other = compiled(folder.path(), "libonnxruntime", NO_API);
    let this = std::env::current_exe().expect("this program");
    let output = outside::finished(
        Command::new(this)
            .args(["--exact", "of_two_libraries_ours_is_used"])
            .env(HELD, &other)
            .env("LD_PRELOAD", &other),
    );
    let reported = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(
        output.status.success() && reported[0].contains("1 passed"),
        "{reported:?}"
    );
}

/// The binding keeps the first library that it took, so no other can be used until the process
/// ends, and the error reports this.
#[test]
fn a_library_without_an_api_is_an_error_and_stays_one() {
    if std::env::var_os(HELD).is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let library = compiled(folder.path(), "no_api", NO_API);
    let reported = reason(&library);
    assert!(
        reported.contains("no_api.so: not a usable ONNX Runtime: it has no API of version 20"),
        "{reported}"
    );
    let reported = reason(&runtime_file());
    assert!(
        reported.contains("not tried, because") && reported.contains("no_api.so was loaded before"),
        "{reported}"
    );
}
