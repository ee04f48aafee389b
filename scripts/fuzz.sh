#!/bin/bash
# Fuzzes everything that reads input from outside, one fuzzer after the other: libFuzzer with
# AddressSanitizer.
#
#   scripts/fuzz.sh MINUTES [TARGET…]     MINUTES for each target; all targets of fuzz/Cargo.toml where none is named
#
# Starts from fuzz/seeds, fuzz/mended and what earlier runs have found (fuzz/corpus). An input that
# crashes, takes more than ten seconds or 2 GB is kept in fuzz/artifacts/TARGET and ends that
# target's run; once fixed, it belongs in fuzz/mended/TARGET, where tests/fuzz_mended.rs replays it.
# Needs a C++ compiler for libFuzzer; no other toolchain, and no cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

minutes=${1:?"how many minutes for each target?"}
shift
[[ $minutes =~ ^[0-9]+$ ]] || { echo "$minutes: not a whole number of minutes" >&2; exit 2; }
mapfile -t all < <(sed -n 's/^path = "fuzz_targets\/\(.*\)\.rs"$/\1/p' Cargo.toml)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")

# What cargo-fuzz passes. The flags are unstable ones, which the stable compiler takes with this
# variable.
export RUSTC_BOOTSTRAP=1
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1"
# Linked libraries are not fuzzed, and may keep allocated memory.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=0}
cargo build --release --target "$host"
built=${CARGO_TARGET_DIR:-target}/$host/release

failed=()
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "artifacts/$target" "mended/$target" "seeds/$target"
    echo "== $target, $minutes min"
    "$built/$target" -max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="artifacts/$target/" "corpus/$target" "seeds/$target" "mended/$target" \
        2> "artifacts/$target/log.txt" || failed+=("$target")
    grep -E "^stat::(number_of_executed_units|peak_rss_mb)|ERROR|SUMMARY|panicked" "artifacts/$target/log.txt" || true
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "found something in: ${failed[*]} (fuzz/artifacts)" >&2
    exit 1
fi
echo "found nothing"
