#!/usr/bin/env bash
# Runs the test stages named, or all of them in order: install, lint, unit, e2e. Everything is
# built with the dev profile in one target directory, so each crate is compiled once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

target="${CARGO_TARGET_DIR:-target}"
TALLYMAN_TEST_ENV="$(realpath -m "${TALLYMAN_TEST_ENV:-target/test-env}")"
export TALLYMAN_TEST_ENV
venv="$TALLYMAN_TEST_ENV/venv"

main() {
    local stages=("$@") stage
    [[ ${#stages[@]} -gt 0 ]] || stages=(install lint unit e2e)
    for stage in "${stages[@]}"; do
        case "$stage" in
            install | lint | unit | e2e) ;;
            *) echo "there is no stage '$stage': install, lint, unit, e2e" >&2; exit 2 ;;
        esac
    done
    trap report EXIT
    for stage in "${stages[@]}"; do
        current="$stage"
        local begun=$SECONDS
        printf '\n==> %s\n' "$stage"
        "$stage"
        printf '<== %s: %d s\n' "$stage" $((SECONDS - begun))
    done
    current=""
}

install() {
    scripts/install-test-tools.sh
}

lint() {
    cargo fmt --all --check
    check_shell_scripts
    cargo xtask tidy
    cargo clippy --workspace --all-targets --locked -- -D warnings
    # The fuzz targets are outside the workspace: nothing else here reads their lock file, which must
    # follow the manifests of the crates that they use.
    cargo tree --locked --manifest-path fuzz/Cargo.toml >/dev/null
    if [[ -x "$venv/bin/typos" ]]; then
        "$venv/bin/typos"
    else
        echo "spelling is not checked: 'make test STAGES=install' brings typos"
    fi
    if command -v cargo-deny >/dev/null; then
        cargo deny --offline check bans licenses sources
    fi
}

check_shell_scripts() {
    local script
    while IFS= read -r script; do
        bash -n "$script"
    done < <(find .ci benches fuzz/run.sh scripts tests -type f \( -name '*.sh' -o -path .ci/run \) | sort)
}

unit() {
    cargo test --workspace --locked
}

e2e() {
    if [[ ! -d tests ]]; then
        echo "tests/ is missing: there is nothing to run end to end" >&2
        return 1
    fi
    if [[ ! -x "$venv/bin/python" ]]; then
        echo "the clients are not installed: run 'make test STAGES=\"install e2e\"'" >&2
        return 1
    fi
    cargo build --locked -p tallyman
    TALLYMAN_BIN="$(realpath "$target/debug/tallyman")" "$venv/bin/python" -m pytest tests
}

report() {
    local status=$?
    if [[ -n "$current" ]]; then
        printf '\nfailed in stage %s after %d s\n' "$current" "$SECONDS" >&2
    else
        printf '\nall stages passed in %d s\n' "$SECONDS"
    fi
    exit "$status"
}

main "$@"
