#!/bin/bash
# Fuzzes everything that reads input from outside, one fuzzer after the other: libFuzzer with
# AddressSanitizer, and UBSan for the C++ code of the timeline bridge.
#
#   scripts/fuzz.sh MINUTES [TARGET…]     MINUTES for each target; all targets if none is given
#
# Starts from fuzz/seeds (for editors' projects plugin/bridge/tests/fixtures), fuzz/mended and the
# corpus of earlier runs (fuzz/corpus). An input that crashes, leaks, takes more than ten seconds or
# 2 GB is kept in fuzz/artifacts/TARGET and ends that target's run; once fixed, the input belongs in
# fuzz/mended/TARGET, where `make test` replays it (tests/fuzz_mended.rs,
# plugin/bridge/tests/fuzz_mended_test.cpp). Does not need another toolchain or cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:?"how many minutes for each target?"}
shift
[[ $minutes =~ ^[0-9]+$ && $minutes -gt 0 ]] ||
    { echo "$minutes minutes for each target: expected a whole number above 0" >&2; exit 2; }
mapfile -t rust < <(sed -n 's/^path = "fuzz_targets\/\(.*\)\.rs"$/\1/p' fuzz/Cargo.toml)
readers=(mlt kdenlive otio)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${rust[@]}" "${readers[@]}")
is_among() { # a word, words
    local word=$1 other
    shift
    for other in "$@"; do [ "$word" != "$other" ] || return 0; done
    return 1
}
for target in "${targets[@]}"; do
    is_among "$target" "${rust[@]}" "${readers[@]}" ||
        { echo "no target $target; there are ${rust[*]} ${readers[*]}" >&2; exit 2; }
done
some_of() { # words: whether one is a target of this run
    local word
    for word in "$@"; do ! is_among "$word" "${targets[@]}" || return 0; done
    return 1
}

scripts/setup.sh fuzz
built=$(realpath -m "${CARGO_TARGET_DIR:-fuzz/target}")
export CARGO_TARGET_DIR=$built
if some_of "${rust[@]}"; then
    # The flags that cargo-fuzz passes. They are unstable, and the stable compiler accepts them with
    # this variable.
    host=$(rustc -vV | sed -n 's/^host: //p')
    (
        cd fuzz
        RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1" cargo build --release --locked --target "$host"
    )
fi
if some_of "${readers[@]}"; then
    cmake -S plugin -B "$built/plugin" -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Release -DKINESCORE_FUZZ=ON \
        -DKINESCORE_TESTS=OFF -DKINESCORE_GES=OFF -DKINESCORE_OFX=OFF >/dev/null
    for target in "${readers[@]}"; do echo "fuzz_$target"; done |
        xargs cmake --build "$built/plugin" --parallel 2 --target
fi

export RUST_BACKTRACE=0 # finding the names in a backtrace takes so long that a panic is mistaken for a hang
failed=()
for target in "${targets[@]}"; do
    log=fuzz/artifacts/$target/log.txt
    corpus=fuzz/corpus/$target
    mkdir -p "$corpus" "fuzz/artifacts/$target"
    folders=("$corpus")
    for folder in "fuzz/seeds/$target" "fuzz/mended/$target" "plugin/bridge/tests/fixtures/$target"; do
        [ ! -d "$folder" ] || folders+=("$folder")
    done
    dictionary=fuzz/dictionaries/$target.dict
    fuzzer=$built/$(is_among "$target" "${rust[@]}" && echo "$host/release/$target" || echo "plugin/bridge/fuzz/fuzz_$target")
    "$fuzzer" -max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="fuzz/artifacts/$target/" \
        ${FUZZ_FLAGS:-} $([ ! -e "$dictionary" ] || echo "-dict=$dictionary") "${folders[@]}" 2> "$log" || failed+=("$target")
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n1)
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n1)
    echo "$target: ${runs:-0} inputs, ${edges:-0} edges, $(is_among "$target" "${failed[@]}" && echo 'FOUND:' || echo nothing found)"
    ! is_among "$target" "${failed[@]}" || grep -E "ERROR|SUMMARY|panicked|runtime error|what\(\)|Test unit" "$log" || true
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "found something in: ${failed[*]} (fuzz/artifacts)" >&2
    exit 1
fi
