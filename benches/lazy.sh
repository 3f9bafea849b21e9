#!/usr/bin/env bash
# Measures how much of layers with a table of contents a scan fetches: the layers of images are packed
# again in each format that has one, pushed to a registry and scanned from there. Prints one line
# `name=value unit` for each figure.
#
#   benches/lazy.sh DIRECTORY [IMAGE...]      the large images of benches/images.sh, or the named ones
#
# COMPARE=1 reads each image as a whole as well and counts the packages that differ. Needs Go,
# docker-registry and skopeo. The packed layers stay in DIRECTORY/.lazy, or where KEPT says.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
directory="${1:?name the directory of the images}"
shift
target="${CARGO_TARGET_DIR:-$here/../target}"
kept="${KEPT:-$directory/.lazy}"
mkdir -p "$kept"
features=()
if command -v cmake >/dev/null; then
    features=(--features tallyman/zlib-ng)
fi
cargo build --quiet --profile dist --locked --manifest-path "$here/../Cargo.toml" \
    -p tallyman "${features[@]}"
(cd "$here/lazy" && CGO_ENABLED=0 go build -o "$kept/packer" .)
options=(--tallyman "$target/dist/tallyman" --packer "$kept/packer" --kept "$kept")
[[ -z "${COMPARE:-}" ]] || options+=(--compare)
[[ $# -gt 0 ]] || set -- node python java go large
exec python3 "$here/lazy.py" "${options[@]}" "$directory" "$@"
