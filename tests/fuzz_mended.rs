//! Inputs that once caused a crash, a hang or unbounded memory in fuzzing, and the seeds of
//! fuzzing: each is read in the same way as in fuzzing (`fuzz/targets.rs`), within a time limit.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn fixed_faults_stay_fixed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, target) in targets::ALL {
        let mut inputs = 0;
        for folder in ["seeds", "mended"] {
            // Some folders are empty.
            let entries = std::fs::read_dir(fuzz.join(folder).join(name)).into_iter().flatten();
            for entry in entries.flatten() {
                let data = std::fs::read(entry.path()).expect("an input");
                let begun = Instant::now();
                target(&data);
                let took = begun.elapsed();
                assert!(took < Duration::from_secs(5), "{}: {took:?}", entry.path().display());
                inputs += 1;
            }
        }
        assert!(inputs > 0, "no inputs for {name}");
    }
}

#[test]
fn every_target_has_a_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).expect("the manifest of the fuzzers");
    for (name, _) in targets::ALL {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let fuzzer = std::fs::read_to_string(fuzz.join("fuzz_targets").join(name).with_extension("rs"));
        assert!(
            fuzzer.expect("a fuzzer").contains(&format!("targets::{name}(data)")),
            "{name}"
        );
    }
}
