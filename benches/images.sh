#!/usr/bin/env bash
# Makes the images that benchmarks and differential tests read: OCI layouts with gzip layers, built
# from real packages.
#
#   benches/images.sh DIRECTORY [NAME...]     all images, or the named ones
#   benches/images.sh --list                  their names and what is in them
#
# A complete image is left alone, so a second run goes on where the first one stopped. What is in
# the making stands in DIRECTORY/.layers and DIRECTORY/.trees; `rm -rf DIRECTORY/.trees` once all
# images are there. Run it as root: Debian is installed into directories, and each layer is what
# overlayfs says a command changed. Another packing is a matter of skopeo:
#
#   skopeo copy oci:DIRECTORY/node docker-archive:node.tar
#   skopeo copy --dest-compress-format zstd oci:DIRECTORY/node oci:node-zstd
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly here
# What the program is | the Debian package that brings it.
readonly PROGRAMS='
mmdebstrap | mmdebstrap
tar        | tar
zip        | zip
pigz       | pigz
unshare    | util-linux
python3    | python3
'

# shellcheck source=benches/images/steps.sh
source "$here/images/steps.sh"
# shellcheck source=benches/images/distributions.sh
source "$here/images/distributions.sh"
# shellcheck source=benches/images/languages.sh
source "$here/images/languages.sh"
# shellcheck source=benches/images/java.sh
source "$here/images/java.sh"
# shellcheck source=benches/images/programs.sh
source "$here/images/programs.sh"

# Every image: its name, which is also that of its function `image_NAME`, and what is in it.
readonly IMAGES='
base       | Debian 12, minimal: one layer
layers100  | base and 99 small layers
node       | npm applications: react-scripts, next, angular, nest
python     | a virtual environment with several hundred wheels
java       | a JRE, Tomcat, Maven, the jars of Spark; fat, nested and shaded jars
go         | Go and Rust programs, from Debian and from source
trixie     | Debian 13 with servers
bullseye   | Debian 11 with a tool chain, and packages that a later layer removes
distroless | files of Debian packages, described in var/lib/dpkg/status.d
rpm        | an rpm database in sqlite
rpm-bdb    | the same packages in Berkeley DB
rpm-ndb    | the same packages in ndb
ruby       | gems of Debian, of RubyGems, and a Gemfile.lock
php        | packages that Composer installed
dotnet     | a .NET runtime and libraries with their dependency files
alpine     | a database of apk, packages of Python that it owns, and others beside them
large      | the layers of node, python, java and go, a tool chain and TeX: some five gigabytes
'

main() {
    [[ "${1:-}" != --list ]] || { sed '/^$/d' <<<"$IMAGES"; return; }
    [[ $# -gt 0 ]] || fail "name the directory for the images"
    require_programs
    [[ "$(id -u)" == 0 ]] || fail "run as root: Debian is installed into directories"
    mkdir -p "$1"
    images="$(cd "$1" && pwd)"
    shift
    local names=("$@") name failed=()
    if [[ ${#names[@]} == 0 ]]; then
        mapfile -t names < <(awk -F '|' 'NF > 1 { gsub(" ", "", $1); print $1 }' <<<"$IMAGES")
    fi
    for name in "${names[@]}"; do
        declare -F "image_${name//-/_}" >/dev/null || fail "no image is called $name (see --list)"
    done
    if [[ -n "${IN_OWN_NAMESPACE:-}" ]]; then
        make_image "${names[0]}"
        return
    fi
    for name in "${names[@]}"; do
        # Mounts of a recipe that fails or is killed end with its namespace.
        [[ -e "$images/$name/index.json" ]] ||
            IN_OWN_NAMESPACE=1 unshare --mount --propagation private "$0" "$images" "$name" ||
            failed+=("$name")
    done
    python3 "$here/images/layers.py" table "$images"
    [[ ${#failed[@]} == 0 ]] || fail "these could not be made: ${failed[*]}"
}

require_programs() {
    local program package missing=()
    while IFS='| ' read -r program package; do
        [[ -z "$program" ]] || command -v "$program" >/dev/null || missing+=("$package")
    done <<<"$PROGRAMS"
    [[ ${#missing[@]} == 0 ]] || fail "missing programs; apt-get install ${missing[*]}"
}

main "$@"
