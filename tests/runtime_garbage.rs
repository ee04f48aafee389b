//! A library that is none is told apart from one that is missing. In a program of its own: ONNX Runtime is loaded once a
//! process, and no other test may have loaded it before.

use kinescore::Error;
use kinescore::model::Runtime;

#[test]
fn a_library_that_is_none_is_named_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let garbage = folder.path().join("libonnxruntime.so");
    std::fs::write(&garbage, "not a library").expect("written");
    let Err(Error::RuntimeMissing { tried }) = Runtime::load(Some(&garbage), &[]) else {
        panic!("garbage was loaded");
    };
    assert!(
        tried
            .iter()
            .any(|place| place.contains("libonnxruntime.so") && place.contains("file too short")),
        "{tried:?}"
    );
}
