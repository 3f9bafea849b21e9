#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: programs by apt, the Python and Node clients
# into target/test-env. A second run finds everything in place and takes a second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

test_env="${TALLYMAN_TEST_ENV:-target/test-env}"

# What shows that it is there | the Debian package that brings it.
readonly PROGRAMS='
command -v cc               | gcc libc6-dev
command -v git              | git
command -v jq               | jq
command -v zstd             | zstd
command -v xz               | xz-utils
command -v xmllint          | libxml2-utils
command -v ab               | apache2-utils
command -v mmdebstrap       | mmdebstrap
command -v rpmbuild         | rpm
command -v docker-registry  | docker-registry
command -v skopeo           | skopeo
command -v buildah          | buildah
command -v podman           | podman
command -v runc             | runc
command -v containerd       | containerd
command -v node             | nodejs
command -v npm              | npm
command -v mvn              | maven
command -v gem              | ruby
command -v composer         | composer
command -v elixir           | elixir
command -v runhugs          | hugs
command -v python3          | python3
python3 -c "import ensurepip, venv"   | python3-venv
/usr/bin/python3 -c "import apt_pkg"  | python3-apt
python3 -c "import ctypes.util as c; exit(not c.find_library(\"alpm\"))" | libalpm13
'

readonly PYTHON_REQUIREMENTS=(
    tests/sdk/requirements.txt tests/images/requirements.txt scripts/lint-requirements.txt
)

# The SPDX project's own tools, which carry the schemas of versions 2.3 and 3.0.1.
readonly SPDX_TOOLS=org.spdx:tools-java:2.0.1
readonly MAVEN_COPY=org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy

main() {
    install_programs
    install_rust_components
    install_python_clients
    install_node_clients
    install_spdx_schemas
}

install_programs() {
    # Some of these live where only root looks by default.
    export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
    local missing
    missing=$(missing_packages)
    [[ -n "$missing" ]] || return 0
    if ! command -v apt-get >/dev/null; then
        fail "these are missing and there is no apt-get to install them (Debian's names): $missing"
    fi
    local as_root=()
    if [[ "$(id -u)" != 0 ]]; then
        command -v sudo >/dev/null || fail "run as root: apt-get install $missing"
        as_root=(sudo)
    fi
    echo "installing: $missing"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086 # A list of words.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing
    missing=$(missing_packages)
    [[ -z "$missing" ]] || fail "still missing after installing: $missing"
}

missing_packages() {
    local probe package packages=()
    while IFS='|' read -r probe package; do
        [[ -n "$probe" ]] || continue
        bash -c "$probe" >/dev/null 2>&1 || packages+=("${package# }")
    done <<<"$PROGRAMS"
    echo "${packages[*]}"
}

install_rust_components() {
    local missing=()
    cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
    cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
    [[ ${#missing[@]} -gt 0 ]] || return 0
    command -v rustup >/dev/null || fail "install the Rust components: ${missing[*]}"
    rustup component add "${missing[@]}"
}

install_python_clients() {
    local venv="$test_env/venv" wanted
    wanted=$(python3 --version; cat "${PYTHON_REQUIREMENTS[@]}")
    is_installed "$venv" "$wanted" && return 0
    echo "installing the Python clients into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        "${PYTHON_REQUIREMENTS[@]/#/--requirement=}"
    mark_installed "$venv" "$wanted"
}

install_node_clients() {
    local folder="$test_env/node" wanted
    wanted=$(node --version; cat tests/sdk/package.json tests/sdk/package-lock.json)
    is_installed "$folder" "$wanted" && return 0
    echo "installing the Node clients into $folder"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp tests/sdk/package.json tests/sdk/package-lock.json "$folder/"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error
    mark_installed "$folder" "$wanted"
}

install_spdx_schemas() {
    local folder="$test_env/spdx"
    is_installed "$folder" "$SPDX_TOOLS" && return 0
    echo "installing the SPDX schemas into $folder"
    rm -rf "$folder"
    mkdir -p "$folder"
    mvn --quiet --batch-mode "$MAVEN_COPY" -Dartifact="$SPDX_TOOLS" \
        -DoutputDirectory="$(realpath "$folder")" -Dmdep.stripVersion=true
    mark_installed "$folder" "$SPDX_TOOLS"
}

# A folder is complete when its mark says what was asked for; an interrupted run leaves no mark.
is_installed() {
    [[ -f "$1/.installed" && "$(cat "$1/.installed")" == "$2" ]]
}

mark_installed() {
    printf '%s\n' "$2" >"$1/.installed"
}

fail() {
    echo "scripts/install-test-tools.sh: $*" >&2
    exit 1
}

main "$@"
