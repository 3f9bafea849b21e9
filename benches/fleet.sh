#!/usr/bin/env bash
# Fills stores with fleets of images that are recombined from real ones, and prints what it costs to
# match them, to match them again and to tell what changed, one line for each step.
#
#   benches/fleet.sh LAYOUTS ADVISORIES...    the folder of benches/images.sh, and what to import
#
# SIZES="10000 100000" says how many images the fleets have; WORK where they lie, which takes some
# 4 GB for a million images and is removed afterwards.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
target="${CARGO_TARGET_DIR:-$here/../target}"
work="$(mktemp -d "${WORK:-${TMPDIR:-/tmp}}/tallyman-fleet.XXXXXX")"
trap 'rm -rf "$work"' EXIT
cargo build --quiet --release --locked --manifest-path "$here/../Cargo.toml" \
    -p tallyman-engine --example fleet
layouts="$1"
shift
for size in ${SIZES:-10000 100000}; do
    "$target/release/examples/fleet" "$work" "$size" "$layouts" "$@"
done
