#!/usr/bin/env bash
# Measures the compiled index of advisories: what it takes to compile and to open, how large it is
# beside the documents it was made of, and how fast it matches 1,000 packages of a real image, beside
# Grype where that is there. Prints one line `name=value unit` for each figure.
#
#   benches/match.sh LAYOUT ADVISORIES...     an image of benches/images.sh (large), and what to import
#
# ALSO="PATH ..." is imported as well before packages are matched, so that both programs can have the
# same records. GRYPE names the other scanner's program and GRYPE_DB its database (the folder that
# GRYPE_DB_CACHE_DIR is to be); without one Grype is left out. RUNS=9 says how often each command is
# run, in turns. The documents are read with PyYAML; GNU time, tar and zstd are needed.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
target="${CARGO_TARGET_DIR:-$here/../target}"
if [[ -z "${TALLYMAN:-}" ]]; then
    cargo build --quiet --release --locked --manifest-path "$here/../Cargo.toml" -p tallyman
    TALLYMAN="$target/release/tallyman"
fi
cargo build --quiet --release --locked --manifest-path "$here/../Cargo.toml" \
    -p tallyman-match --example matching
exec python3 "$here/match.py" --tallyman "$TALLYMAN" --matching "$target/release/examples/matching" "$@"
