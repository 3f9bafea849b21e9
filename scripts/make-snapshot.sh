#!/bin/sh
# Makes crates/tallyman-match/data/advisories.bundle, the advisories that the program ships.
#
# usage: scripts/make-snapshot.sh RUSTSEC PYPA GO GHSA NODEJS_WG CHANGELOG…
#
# Each argument is a folder, a file or an archive (.tar, .tar.gz, .tar.zst, .zip) of the source:
#   RUSTSEC    github.com/rustsec/advisory-db, branch `osv`, folder crates
#   PYPA       github.com/pypa/advisory-database, folder vulns
#   GO         github.com/golang/vulndb, folder data/osv
#   GHSA       records of the GitHub Advisory Database in OSV form, named GHSA-*.json; in an archive
#              or folder with other records only the files of these names are taken
#   NODEJS_WG  github.com/nodejs/security-wg, folder vuln
#   CHANGELOG  facts from the changelogs of Debian's packages, one file a release, JSON lines of
#              source, cve, first_version_naming_cve, suite and date
#
# Only sources whose licence allows passing the facts on belong here; the list, with who is to be
# named, is in crates/tallyman-match/data/ATTRIBUTION.md. Bring it up to date in the same commit.
set -eu

if [ $# -lt 6 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
    exit 2
fi
rustsec=$1 pypa=$2 go=$3 ghsa=$4 nodejs_wg=$5
shift 5

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/all" "$work/ghsa"
case $ghsa in
    *.tar.zst) zstd -dc "$ghsa" | tar -xf - -C "$work/all" ;;
    *.tar | *.tar.gz) tar -xf "$ghsa" -C "$work/all" ;;
    *.zip) unzip -q "$ghsa" -d "$work/all" ;;
    *) cp -R "$ghsa/." "$work/all" ;;
esac
find "$work/all" -type f -name 'GHSA-*.json' -exec cp {} "$work/ghsa" \;

root=$(cd "$(dirname "$0")/.." && pwd)
cargo run --quiet --release --manifest-path "$root/Cargo.toml" -p tallyman-match --example snapshot -- \
    "$root/crates/tallyman-match/data/advisories.bundle" \
    "$rustsec" "$pypa" "$go" "$work/ghsa" "$nodejs_wg" "$@"
