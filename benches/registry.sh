#!/usr/bin/env bash
# Measures whether an image is analysed while it downloads: the time that its blobs take through a
# slow line, against the time of a first scan through the same line.
#
#   benches/registry.sh LAYOUT [MEGABYTES_PER_SECOND]
#
# Needs docker-registry and skopeo (Debian packages of these names).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
target="${CARGO_TARGET_DIR:-$here/../target}"
features=()
if command -v cmake >/dev/null; then
    features=(--features tallyman/zlib-ng)
fi
cargo build --quiet --profile dist --locked --manifest-path "$here/../Cargo.toml" \
    -p tallyman "${features[@]}"
exec python3 "$here/registry.py" --tallyman "$target/dist/tallyman" "$@"
