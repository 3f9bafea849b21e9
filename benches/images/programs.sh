# The recipe of the image that is about compiled programs: Go and Rust, from Debian and from source.

image_go() {
    from bookworm
    step go-debian apt_install ca-certificates skopeo podman prometheus prometheus-node-exporter \
        caddy etcd-server docker-registry containerd runc hugo rclone restic gh syncthing \
        influxdb fzf
    step go-programs install_go_programs
    step go-toolchain apt_install golang-go
    step go-rust-programs install_rust_programs
}

# Adds Go programs of different ages, some without symbols and some without debug information.
install_go_programs() {
    go_install "" github.com/google/go-containerregistry/cmd/crane@v0.19.1
    go_install "" github.com/mikefarah/yq/v4@v4.40.5
    go_install "-s -w" github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.1
    go_install "-s -w" helm.sh/helm/v3/cmd/helm@v3.14.4
    go_install "-w" github.com/rakyll/hey@v0.1.4
}

go_install() {
    local flags=$1 program=$2
    outside env coreutils GOBIN="$root/usr/local/bin" GOFLAGS=-mod=mod CGO_ENABLED=0 \
        go install -p 2 -trimpath -ldflags "$flags" "$program"
}

# Adds Rust programs that carry the list of their crates.
install_rust_programs() {
    local kept="$images/.fetched/cargo"
    [[ -x "$kept/bin/cargo-auditable" ]] ||
        outside cargo cargo install --root "$kept" --locked cargo-auditable
    local program
    for program in ripgrep@14.1.0 hexyl@0.14.0; do
        outside env coreutils PATH="$kept/bin:$PATH" CARGO_TARGET_DIR="$kept/target" \
            cargo auditable install --root "$root/usr/local" --locked "$program"
    done
    rm -f "$root"/usr/local/.crates*
}

# Several of the images in one: some five gigabytes.
image_large() {
    from bookworm
    step large-debian apt_install ca-certificates curl default-jre-headless git openssh-client \
        podman prometheus python3 python3-venv skopeo tomcat10
    step large-tools apt_install clang golang-go texlive-latex-extra
    local key
    for key in node-runtime node-front node-back python-science python-web java-spark \
        java-services java-tools go-programs go-rust-programs; do
        reuse "$key"
    done
}
