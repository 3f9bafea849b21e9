#!/usr/bin/env bash
# Builds the fuzz targets and runs them one after the other, two at a time.
#
#   fuzz/run.sh [SECONDS] [TARGET…]      600 seconds and all targets unless told otherwise
#
# CORPUS=DIRECTORY   where inputs are kept from one run to the next (fuzz/target/corpus)
# JOBS=NUMBER        how many targets run at once (2)
#
# Prints a line for each: target, executions, seconds by the clock, seconds of CPU, inputs in the
# corpus, result. An input that
# failed stays in fuzz/target/failures/TARGET/, and the exit code is 1.
set -euo pipefail

cd "$(dirname "$0")"
seconds=${1:-600}
[ $# -eq 0 ] || shift
build=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
corpus=${CORPUS:-$PWD/target/corpus}
failures=$PWD/target/failures
triple=$(rustc -vV | sed -n 's/^host: //p')

# What cargo-fuzz passes, without a sanitizer of memory: this code has no unsafe block, and overflow
# checks and debug assertions find what is left. The switches are stable.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions"
export RUSTFLAGS
# With --target, build scripts and macros are built without the switches.
cargo build --release --locked --target "$triple" --target-dir "$build" --bin parsers >&2
parsers=$build/$triple/release/parsers
# What lists the targets and writes their seeds is no fuzzer: nothing in it answers to the switches.
RUSTFLAGS='' cargo build --locked --target-dir "$build/plain" --bin targets >&2
targets=$build/plain/debug/targets

# No target given: all of them, in the order of the list.
[ $# -gt 0 ] || set -- $("$targets")

run_one() {
    target=$1
    mkdir -p "$corpus/$target" "$failures/$target"
    "$targets" "$target" "$corpus/$target"
    [ ! -d "corpus/$target" ] || cp "corpus/$target/"* "$corpus/$target/"
    log=$failures/$target.log
    timed=
    [ ! -x /usr/bin/time ] || timed="/usr/bin/time -f cpu:%U+%S"
    result=passed
    TARGET=$target $timed "$parsers" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -max_len=16384 -print_final_stats=1 -artifact_prefix="$failures/$target/" \
        "$corpus/$target" >"$log" 2>&1 || result=FAILED
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    ran=$(sed -n 's/^Done .* in \([0-9]*\) second.*/\1/p' "$log")
    cpu=$(sed -n 's/^cpu://p' "$log" | awk -F+ '{ printf "%.0f", $1 + $2 }')
    inputs=$(find "$corpus/$target" -type f | wc -l)
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' \
        "$target" "${executions:--}" "${ran:--}" "${cpu:--}" "$inputs" "$result"
    [ "$result" = passed ]
}

has_failed=0
running=0
for target; do
    run_one "$target" &
    running=$((running + 1))
    if [ "$running" -ge "${JOBS:-2}" ]; then
        wait -n || has_failed=1
        running=$((running - 1))
    fi
done
while [ "$running" -gt 0 ]; do
    wait -n || has_failed=1
    running=$((running - 1))
done
exit "$has_failed"
