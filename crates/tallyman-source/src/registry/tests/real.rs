//! Debian's `docker-registry`, where it is installed: without and with user names.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::fake::options;
use crate::credentials::{RegistryCredentials, Secret};
use crate::error::SourceError;
use crate::fixtures::{has_program, layer_tars, read_layer, write_layout};
use crate::location::Location;
use crate::open::open;

/// A registry process, ended with the test.
struct Registry {
    child: Child,
    port: u16,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a registry and waits for its own word that it listens.
fn start(dir: &Path, extra: &str) -> Registry {
    let config = dir.join("config.yml");
    let storage = dir.join("storage").display().to_string();
    fs::write(
        &config,
        format!(
            "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem: {{rootdirectory: {storage}}}\n\
             http:\n  addr: 127.0.0.1:0\n{extra}"
        ),
    )
    .expect("write");
    let mut child = Command::new("docker-registry")
        .arg("serve")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the registry starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| {
            let rest = line.split("listening on 127.0.0.1:").nth(1)?;
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
        .expect("the registry says its port");
    // A full pipe would stop the registry.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    Registry { child, port }
}

fn push(layout: &Path, port: u16, extra: &[&str]) {
    let out = Command::new("skopeo")
        .args(["copy", "--insecure-policy", "--dest-tls-verify=false"])
        .args(extra)
        .arg(format!("oci:{}:v1", layout.display()))
        .arg(format!("docker://127.0.0.1:{port}/team/app:v1"))
        .output()
        .expect("skopeo runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

fn installed() -> bool {
    ["docker-registry", "skopeo"].iter().all(|name| has_program(name))
}

#[tokio::test]
async fn an_image_is_pulled_from_a_real_registry() {
    if !installed() {
        return;
    }
    let dir = TempDir::new().expect("tempdir");
    let layout = dir.path().join("layout");
    write_layout(&layout, "v1");
    let registry = start(dir.path(), "");
    push(&layout, registry.port, &[]);
    let location = format!("registry:127.0.0.1:{}/team/app:v1", registry.port);
    let pulled = open(&location.parse().expect("a location"), &options()).await.expect("an image");
    let local = Location::OciLayout { path: layout, reference: None };
    let local = open(&local, &options()).await.expect("an image");
    assert_eq!(pulled.image().config_digest, local.image().config_digest);
    assert_eq!(pulled.image().platform, local.image().platform);
    // skopeo packs the plain layer on its way.
    assert_eq!(pulled.image().layers.len(), 2);
    assert_eq!(pulled.image().layers[1], local.image().layers[1]);
    assert_eq!(
        read_layer(&pulled, 1).await.expect("a layer"),
        read_layer(&local, 1).await.expect("a layer")
    );
    assert_eq!(read_layer(&local, 0).await.expect("a layer"), layer_tars()[0]);
    let missing = format!("registry:127.0.0.1:{}/team/app:v2", registry.port);
    let error = open(&missing.parse().expect("a location"), &options()).await.expect_err("missing");
    assert!(matches!(error, SourceError::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("manifest unknown"), "{error}");
}

#[tokio::test]
async fn a_real_registry_with_user_names_takes_the_right_ones() {
    if !installed() || !has_program("htpasswd") {
        return;
    }
    let dir = TempDir::new().expect("tempdir");
    let layout = dir.path().join("layout");
    write_layout(&layout, "v1");
    let users = dir.path().join("users");
    let mut htpasswd = Command::new("htpasswd");
    htpasswd.arg("-Bbc").arg(&users).args(["ann", "hunter2"]).stderr(Stdio::null());
    assert!(htpasswd.status().expect("htpasswd runs").success());
    let auth = format!("auth:\n  htpasswd: {{realm: r, path: {}}}\n", users.display());
    let registry = start(dir.path(), &auth);
    push(&layout, registry.port, &["--dest-creds=ann:hunter2"]);
    let host = format!("127.0.0.1:{}", registry.port);
    let location: Location = format!("registry:{host}/team/app:v1").parse().expect("a location");
    let error = open(&location, &options()).await.expect_err("no credentials");
    assert!(matches!(error, SourceError::Unauthorized { .. }), "{error}");
    for (password, works) in [("wrong", false), ("hunter2", true)] {
        let mut options = options();
        options.credentials.push(RegistryCredentials {
            scope: host.clone(),
            username: "ann".to_owned(),
            password: Secret::new(password),
        });
        let image = open(&location, &options).await;
        assert_eq!(image.is_ok(), works, "{password}");
        if let Ok(image) = image {
            read_layer(&image, 0).await.expect("a layer");
        }
    }
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_where_the_options_name_it() {
    if !installed() || !has_program("openssl") {
        return;
    }
    let dir = TempDir::new().expect("tempdir");
    let (key, certificate) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9"]);
    openssl.args(["-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"]);
    openssl.arg(&key).arg("-out").arg(&certificate).stderr(Stdio::null());
    assert!(openssl.status().expect("openssl runs").success());
    let layout = dir.path().join("layout");
    write_layout(&layout, "v1");
    let tls =
        format!("  tls: {{certificate: {}, key: {}}}\n", certificate.display(), key.display());
    let registry = start(dir.path(), &tls);
    push(&layout, registry.port, &[]);
    let location = format!("registry:127.0.0.1:{}/team/app:v1", registry.port);
    let location: Location = location.parse().expect("a location");
    let error = open(&location, &options()).await.expect_err("not trusted");
    assert!(matches!(error, SourceError::UntrustedCertificate { .. }), "{error}");
    let mut options = options();
    options.extra_ca_pem = fs::read_to_string(&certificate).expect("a certificate");
    let image = open(&location, &options).await.expect("an image");
    assert!(image.registry_facts().expect("a registry").is_https);
    read_layer(&image, 0).await.expect("a layer");
}
