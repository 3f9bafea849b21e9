#!/usr/bin/env bash
# Measures scans of images against the floor, the shell's own tools and other scanners, side by side
# in one run, and prints one line `name=value unit` for each figure.
#
#   benches/scan.sh DIRECTORY [IMAGE...]      the images of benches/images.sh, or the named ones
#
# RUNS=3 says how often each command is run, in turns; the median counts. SYFT and TRIVY name the
# other scanners' programs; those that are not there are left out. GNU time is needed (package `time`).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
target="${CARGO_TARGET_DIR:-$here/../target}"
features=()
if command -v cmake >/dev/null; then
    features=(--features tallyman/zlib-ng,floor/zlib-ng)
fi
cargo build --quiet --profile dist --locked --manifest-path "$here/../Cargo.toml" \
    -p tallyman -p floor "${features[@]}"
exec python3 "$here/scan.py" --tallyman "$target/dist/tallyman" --floor "$target/dist/floor" "$@"
