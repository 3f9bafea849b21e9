#!/usr/bin/env bash
# Makes every hostile image of tests/hostile/ in turn, scans it with the release program and prints
# the result, the time and the peak of memory.
#
#   benches/hostile.sh [--write FILE] [NAME...]     all images, or the named ones
#
# TALLYMAN names another program. The largest image takes a gigabyte of disk, in TMPDIR, until it has
# been scanned. GNU time and zstd are needed. It fails if a scan does not say what it must, or if it
# takes more than 64 MiB of memory.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [[ -z "${TALLYMAN:-}" ]]; then
    cargo build --quiet --release --locked --manifest-path "$here/../Cargo.toml" -p tallyman
    TALLYMAN="${CARGO_TARGET_DIR:-$here/../target}/release/tallyman"
fi
exec python3 "$here/hostile.py" --tallyman "$TALLYMAN" "$@"
