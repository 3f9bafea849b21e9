# The recipes of images that are about an operating system's packages.

image_base() {
    from bookworm
}

# The base with many small layers on top, as a long Dockerfile leaves them.
image_layers100() {
    from bookworm
    local number
    for number in {01..99}; do
        step "tiny-$number" write_settings "$number"
    done
}

write_settings() {
    mkdir -p "$root/etc/service.d"
    echo "setting.$1 = value of layer $1" >"$root/etc/service.d/$1.conf"
}

image_trixie() {
    from trixie
    step trixie-server apt_install ca-certificates nginx git imagemagick postgresql redis-server \
        php-fpm python3-requests
}

# An end that a release reaches: many packages, and a step that removes some again.
image_bullseye() {
    from bullseye
    step bullseye-build apt_install ca-certificates build-essential curl git python3-dev \
        libssl-dev openjdk-11-jdk-headless apache2 mariadb-server
    step bullseye-slimmed apt_purge build-essential g++ python3-dev
}

apt_purge() {
    inside apt-get purge -y --autoremove "$@"
    rm -f "$root"/var/cache/apt/*.bin "$root"/var/log/dpkg.log "$root"/var/log/apt/*
}

# What images without a package manager look like: the files of some Debian packages, and what the
# packages say of themselves, one file for each in var/lib/dpkg/status.d.
image_distroless() {
    use_workshop unpacking bookworm python3-pip
    step distroless-static unpack_debian base-files netbase tzdata ca-certificates
    step distroless-libraries unpack_debian libc6 libssl3 openssl libgcc-s1 libstdc++6 zlib1g
    step distroless-python unpack_debian libpython3.11-minimal libpython3.11-stdlib \
        python3.11-minimal libexpat1 libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1
    step distroless-application install_application
}

unpack_debian() {
    local status="/target/var/lib/dpkg/status.d"
    apt_update "$workshop" bookworm
    mkdir -p "$root/var/lib/dpkg/status.d"
    in_workshop sh -c "mkdir /tmp/debs && cd /tmp/debs && apt-get download $*"
    in_workshop sh -c "for deb in /tmp/debs/*.deb; do
        name=\$(dpkg-deb --field \$deb Package)
        dpkg-deb --extract \$deb /target
        dpkg-deb --field \$deb >$status/\$name
        dpkg-deb --info \$deb md5sums >$status/\$name.md5sums
    done"
}

install_application() {
    in_workshop pip install --target /target/app/packages --no-compile flask==2.2.2 \
        requests==2.28.1
}

# The same packages in the three kinds of database that rpm has had: sqlite, Berkeley DB and ndb.
# They are Debian's, converted, and three of our own that show what Debian's never have: epochs,
# modules, several versions side by side.
image_rpm() {
    image_of_rpms bookworm sqlite var/lib/rpm \
        'NAME="Rocky Linux"' 'ID="rocky"' 'ID_LIKE="rhel centos fedora"' 'VERSION_ID="9.3"'
}

image_rpm_bdb() {
    image_of_rpms bullseye bdb var/lib/rpm \
        'NAME="Alibaba Cloud Linux"' 'ID="alinux"' 'ID_LIKE="rhel fedora centos anolis"' \
        'VERSION_ID="3"'
}

image_rpm_ndb() {
    image_of_rpms trixie ndb usr/lib/sysimage/rpm \
        'NAME="SLES"' 'ID="sles"' 'ID_LIKE="suse"' 'VERSION_ID="15.5"'
}

image_of_rpms() {
    local of=$1 kind=$2 database=$3
    shift 3
    use_workshop alien bookworm alien rpm
    make_tree rpms convert_to_rpms
    use_workshop "rpm-$of" "$of" rpm
    step "rpm-$kind-system" install_rpms "$kind" "$database" "base-*.rpm" "$@"
    step "rpm-$kind-application" install_rpms "$kind" "$database" "more-*.rpm"
}

convert_to_rpms() {
    apt_update "$workshop" bookworm
    convert base base-files bash coreutils libc6 libssl3 openssl zlib1g libgcc-s1 libstdc++6 \
        ncurses-base libtinfo6 sed grep gawk findutils tar gzip xz-utils libzstd1 liblzma5 \
        libpcre2-8-0 libsystemd0 ca-certificates tzdata
    convert more curl libcurl4 wget git perl-base nginx python3-minimal python3.11-minimal \
        libpython3.11-stdlib python3-requests python3-urllib3 python3-yaml ruby-rack redis-tools \
        libexpat1 libxml2 sqlite3 libsqlite3-0
    write_specs
    in_workshop sh -c 'for spec in /tmp/*.spec; do
        rpmbuild -bb --define "_rpmdir /tmp/built" "$spec" || exit 1; done
        for file in /tmp/built/*/*.rpm; do
        mv "$file" "/target/more-$(basename "$file")"; done'
}

# Makes rpms of Debian packages; their file names begin with a word.
convert() {
    local word=$1
    shift
    in_workshop sh -c "mkdir /tmp/$word && cd /tmp/$word && apt-get download $* &&
        alien --to-rpm --keep-version ./*.deb &&
        for file in *.rpm; do mv \$file /target/$word-\$file; done"
}

write_specs() {
    local version
    for version in 5.14.0 5.14.1; do
        spec kernel-core "$version" 362.8.1.el9_3 "" >"$workshop/tmp/kernel-$version.spec"
    done
    spec bind-libs 9.16.23 14.el9 "Epoch: 32" >"$workshop/tmp/bind.spec"
    spec nodejs 18.18.2 2.module+el9.2.0.z "Epoch: 1
ModularityLabel: nodejs:18:9020020231020:rhel9" >"$workshop/tmp/nodejs.spec"
}

# Prints a specification of a package of one file.
spec() {
    cat <<SPEC
Name: $1
Version: $2
Release: $3
Summary: The package $1
License: MIT
BuildArch: noarch
$4
%description
The package $1.
%install
mkdir -p %{buildroot}/usr/share/packages
echo "$1 $2" > %{buildroot}/usr/share/packages/$1-$2
%files
/usr/share/packages/$1-$2
SPEC
}

# Installs what matches a pattern, in a database of a kind; lines after that become os-release.
install_rpms() {
    local kind=$1 database=$2 pattern=$3
    shift 3
    mkdir -p "$workshop/rpms"
    mount --bind "$images/.trees/rpms" "$workshop/rpms"
    in_workshop sh -c "rpm --root /target --dbpath /$database --define '_db_backend $kind' \
        --nodeps --noscripts --notriggers --nosignature --force --install /rpms/$pattern"
    umount "$workshop/rpms"
    if [[ $# -gt 0 ]]; then
        rm -f "$root/etc/os-release"
        printf '%s\n' "$@" >"$root/etc/os-release"
    fi
}

# What an Alpine looks like to a scanner: its database of packages, with files that it owns, among
# them Python packages, and an application beside them. The files are Debian's and of PyPI.
image_alpine() {
    use_workshop alpine bookworm busybox-static python3-pip
    step alpine-system install_alpine
    step alpine-python install_alpine_python
    step alpine-application install_application
}

install_alpine() {
    local name version origin staged="$root/tmp/staged"
    mkdir -p "$root/etc/apk"
    printf '%s\n' 'NAME="Alpine Linux"' 'ID=alpine' 'VERSION_ID=3.20.3' \
        'PRETTY_NAME="Alpine Linux v3.20"' >"$root/etc/os-release"
    echo 3.20.3 >"$root/etc/alpine-release"
    mkdir -p "$staged/bin"
    cp "$workshop/bin/busybox" "$staged/bin/busybox"
    ln -s busybox "$staged/bin/sh"
    apk_add busybox 1.36.1-r29 busybox "$staged"
    while read -r name version origin; do
        apk_add "$name" "$version" "$origin"
    done <<'LIST'
alpine-baselayout 3.6.5-r0 alpine-baselayout
alpine-baselayout-data 3.6.5-r0 alpine-baselayout
alpine-keys 2.4-r1 alpine-keys
apk-tools 2.14.4-r1 apk-tools
ca-certificates-bundle 20240705-r0 ca-certificates
libcrypto3 3.3.2-r0 openssl
libssl3 3.3.2-r0 openssl
musl 1.2.5-r0 musl
musl-utils 1.2.5-r0 musl
scanelf 1.3.7-r2 pax-utils
ssl_client 1.36.1-r29 busybox
zlib 1.3.1-r1 zlib
LIST
}

install_alpine_python() {
    local name version staged
    apk_add python3 3.12.7-r0 python3
    while read -r name version; do
        staged="$root/tmp/$name"
        in_workshop pip install --no-deps --no-compile \
            --target "/target/tmp/$name/usr/lib/python3.12/site-packages" "$name==$version"
        apk_add "py3-$name" "$version-r0" "py3-$name" "$staged"
    done <<'LIST'
requests 2.32.3
urllib3 1.26.18
certifi 2024.2.2
idna 3.7
LIST
}

apk_add() {
    quietly python3 "$here/images/apk.py" "$root" "$@"
}
