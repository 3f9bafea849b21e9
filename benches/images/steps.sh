# How an image comes about: from a distribution, step by step, each step a layer.
#
# A recipe is a function `image_NAME`. It begins with `from SUITE` or with nothing, then calls
# `step KEY FUNCTION...`: the function runs with $root, where the layers so far are mounted to be
# written to, and what it changed becomes the layer KEY. Layers are kept by key, and images that
# share steps share them.

images=""          # where images are made
suite=""           # the Debian that the image in the making is; empty if it is none
layers=()          # the keys of its layers, lowest first
root=""            # what a step writes to
workshop_layers=() # the layers of a system that is no part of the image, see `use_workshop`
workshop=""        # where that system is mounted

make_image() {
    local begun=$SECONDS packed=() key
    echo "== $1" >&2
    suite="" layers=() workshop_layers=()
    "image_${1//-/_}"
    for key in "${layers[@]}"; do
        packed+=("$images/.layers/$key")
    done
    python3 "$here/images/layers.py" assemble "$images/$1" "example.com/bench/$1:1" "${packed[@]}"
    echo "== $1 took $((SECONDS - begun)) s" >&2
}

# Begins an image with a minimal Debian of a suite.
from() {
    suite=$1
    make_minimal "$suite"
    keep_layer "$suite-minbase" "mmdebstrap --variant=minbase $suite"
}

# Makes a system with tools, of a Debian suite and packages. The steps that follow can run commands
# in there with `in_workshop`; they find $root at /target.
use_workshop() {
    local key="workshop-$1" of=$2 image_suite=$suite image_layers=("${layers[@]}")
    shift 2
    make_minimal "$of"
    workshop_layers=()
    suite=$of layers=("$of-minbase")
    make_tree "$key" apt_install "$@"
    suite=$image_suite layers=("${image_layers[@]}")
    workshop_layers=("$of-minbase" "$key")
}

# Adds what a function does to $root as a layer.
step() {
    local key=$1
    shift
    make_tree "$key" "$@"
    keep_layer "$key" "$*"
}

# Adds a layer of another image, which only brings files that no layer here touches.
reuse() {
    [[ -d "$images/.layers/$1" ]] || fail "the layer $1 is missing: make the image ${1%%-*} first"
    layers+=("$1")
}

keep_layer() {
    if [[ ! -d "$images/.layers/$1" ]]; then
        nice -n 19 python3 "$here/images/layers.py" pack "$images/.trees/$1" \
            "$images/.layers/$1" --note "$2"
    fi
    layers+=("$1")
}

make_minimal() {
    local tree="$images/.trees/$1-minbase"
    [[ ! -d "$tree" ]] || return 0
    rm -rf "$tree.making"
    mkdir -p "$images/.trees"
    quietly mmdebstrap --variant=minbase --mode=root "$1" "$tree.making"
    mv "$tree.making" "$tree"
}

make_tree() {
    local tree="$images/.trees/$1"
    shift
    [[ ! -d "$tree" ]] || return 0
    # A tree that is made again is another one than what was packed.
    rm -rf --one-file-system "$tree.making" "$tree.work" "$images/.layers/${tree##*/}"
    mkdir -p "$tree.making" "$tree.work"
    root="$images/.trees/.root"
    mount_layers "$root" "$tree" "${layers[@]}"
    [[ -z "$suite" ]] || mount_system "$root" "$suite"
    [[ ${#workshop_layers[@]} == 0 ]] || open_workshop
    mkdir -p "$root/tmp"
    "$@"
    [[ ${#workshop_layers[@]} == 0 ]] || close_workshop
    if [[ -z "$suite" ]]; then
        rm -rf "$root/tmp"
    fi
    umount --recursive "$root"
    rm -rf --one-file-system "$tree.work"
    mv "$tree.making" "$tree"
}

# Mounts the workshop for the step at hand; what is written there is lost at the end of it.
open_workshop() {
    local scratch="$images/.trees/.scratch"
    workshop="$images/.trees/.workshop"
    rm -rf --one-file-system "$scratch.making" "$scratch.work"
    mkdir -p "$scratch.making" "$scratch.work"
    mount_layers "$workshop" "$scratch" "${workshop_layers[@]}"
    mount_system "$workshop" "${workshop_layers[0]%-minbase}"
    mkdir -p "$workshop/target"
    mount --bind "$root" "$workshop/target"
}

close_workshop() {
    umount --recursive "$workshop"
    rm -rf --one-file-system "$images/.trees/.scratch.making" "$images/.trees/.scratch.work"
}

# Mounts layers, lowest first, with an empty one on top.
mount_layers() {
    local point=$1 tree=$2 lower="" key
    shift 2
    mkdir -p "$point"
    for key in "$@"; do
        lower="$images/.trees/$key${lower:+:$lower}"
    done
    if [[ -z "$lower" ]]; then
        mount --bind "$tree.making" "$point"
        return
    fi
    mount -t overlay overlay "$point" \
        -o "lowerdir=$lower,upperdir=$tree.making,workdir=$tree.work,redirect_dir=off,metacopy=off"
}

# Mounts what programs need to run in a Debian. What apt fetches goes to a mount of its own, so
# that no layer has it.
mount_system() {
    local point=$1 fetched="$images/.fetched/$2"
    mount -t proc proc "$point/proc"
    mount --bind /dev "$point/dev"
    mount -t tmpfs tmpfs "$point/tmp"
    mount -t tmpfs tmpfs "$point/run"
    mkdir -p "$fetched/archives/partial" "$fetched/lists/partial"
    mount --bind "$fetched/archives" "$point/var/cache/apt/archives"
    mount --bind "$fetched/lists" "$point/var/lib/apt/lists"
    mount --bind /etc/resolv.conf "$point/etc/resolv.conf"
    cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$point/run/certificates.crt"
}

# Runs a command in the image, in the workshop.
inside() { run_in "$root" "$@"; }
in_workshop() { run_in "$workshop" "$@"; }

# Runs a command in a directory, where it knows nothing of this machine but its certificates.
run_in() {
    local directory=$1
    shift
    quietly chroot "$directory" /usr/bin/env -i \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive TMPDIR=/tmp SSL_CERT_FILE=/run/certificates.crt \
        PIP_CERT=/run/certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 \
        PIP_ROOT_USER_ACTION=ignore PIP_DEFAULT_TIMEOUT=180 "$@"
}

# Installs Debian packages into $root and leaves no lists or archives behind.
apt_install() {
    apt_update "$root" "$suite"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    inside apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@"
    rm "$root/usr/sbin/policy-rc.d"
    rm -f "$root"/var/cache/apt/*.bin "$root"/var/log/dpkg.log "$root"/var/log/apt/*
}

apt_update() {
    local updated="$images/.fetched/$2/updated"
    # Lists of yesterday name versions that are gone today.
    if [[ -z "$(find "$updated" -mmin -720 2>/dev/null)" ]]; then
        run_in "$1" apt-get update
        touch "$updated"
    fi
}

# Runs a program of this machine: `outside PROGRAM PACKAGE ARGUMENT...`, where the Debian package
# is what brings the program.
outside() {
    local program=$1 package=$2
    shift 2
    command -v "$program" >/dev/null || fail "missing program $program; apt-get install $package"
    quietly "$program" "$@"
}

# Runs a command at the lowest priority and shows what it printed only if it failed.
quietly() {
    local log
    log="$(mktemp)"
    if ! nice -n 19 "$@" >"$log" 2>&1 </dev/null; then
        tail -n 60 "$log" >&2
        rm -f "$log"
        fail "failed: $*"
    fi
    rm -f "$log"
}

fail() {
    echo "benches/images.sh: $*" >&2
    exit 1
}
