use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tallyman_model::digest::Digest;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::DockerEngine;
use crate::engine::{EngineContainer, EngineImage, EngineInfo, default_sockets};
use crate::error::SourceError;
use crate::fixtures::{has_program, layer_tars, read_layer, tar_of_directory, write_layout};
use crate::location::Location;
use crate::open::open;
use crate::options::{SourceOptions, Timeouts};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn id() -> Digest {
    format!("sha256:{A}").parse().expect("a digest")
}

/// An engine that gives fixed answers, each a whole HTTP answer.
fn serve(socket: &Path, answers: HashMap<String, Vec<u8>>) {
    let listener = UnixListener::bind(socket).expect("a socket");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a request"));
            }
            let text = String::from_utf8(head).expect("UTF-8");
            let target = text.split(' ').nth(1).expect("a target");
            let missing = b"HTTP/1.1 404 X\r\ncontent-length: 20\r\n\r\n{\"message\":\"no such\"}";
            let answer = answers.get(target).map_or(missing.as_slice(), Vec::as_slice);
            let _ = stream.write_all(answer).await;
        }
    });
}

fn json(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn engine(answers: &[(&str, Vec<u8>)]) -> (TempDir, DockerEngine) {
    let dir = TempDir::new().expect("tempdir");
    let socket = dir.path().join("s");
    let mut answers: HashMap<String, Vec<u8>> =
        answers.iter().map(|(target, answer)| ((*target).to_owned(), answer.clone())).collect();
    answers.insert("/_ping".to_owned(), json("OK"));
    serve(&socket, answers);
    let timeouts = Timeouts { idle: Duration::from_millis(100), ..Timeouts::default() };
    let engine = DockerEngine::connect_with(&socket, timeouts).await.expect("an engine");
    (dir, engine)
}

#[tokio::test]
async fn dockers_answers_are_read() {
    let images = format!(
        r#"[{{"Id":"sha256:{A}","RepoTags":["app:v1","<none>:<none>"],"RepoDigests":null,
        "Created":1700000000,"Size":123,"Containers":-1,"SharedSize":-1}},{{"Id":"odd"}}]"#
    );
    let details = format!(
        r#"{{"Id":"sha256:{A}","Os":"linux","Architecture":"arm64","Variant":"v8",
        "Created":"1970-01-01T00:00:02Z","RootFS":{{"Type":"layers","Layers":["sha256:{A}"]}},
        "RepoDigests":["app@sha256:{A}"]}}"#
    );
    let containers = format!(
        r#"[{{"Id":"c1","Names":["/web"],"Image":"app:v1","ImageID":"{A}","State":"running"}}]"#
    );
    let (_dir, engine) = engine(&[
        (
            "/info",
            json(
                r#"{"Name":"host","ServerVersion":"28.2.2","ContainersRunning":3,"Images":9,
            "OperatingSystem":"Debian","Architecture":"x86_64","Unknown":{}}"#,
            ),
        ),
        ("/images/json", json(&images)),
        (&format!("/images/sha256:{A}/json"), json(&details)),
        ("/containers/json", json(&containers)),
    ])
    .await;
    assert_eq!(
        engine.info().await.expect("info"),
        EngineInfo {
            name: "host".to_owned(),
            server_version: "28.2.2".to_owned(),
            operating_system: "Debian".to_owned(),
            architecture: "x86_64".to_owned(),
            containers_running: 3,
            images: 9,
        }
    );
    assert_eq!(
        engine.list_images().await.expect("images"),
        [EngineImage {
            id: id(),
            repo_tags: vec!["app:v1".to_owned()],
            repo_digests: Vec::new(),
            created_ms: Some(1_700_000_000_000),
            size_bytes: 123,
            containers: None,
        }]
    );
    let details = engine.inspect_image(&id()).await.expect("details");
    assert_eq!(details.platform.to_string(), "linux/arm64/v8");
    assert_eq!((details.created_ms, details.diff_ids), (Some(2000), vec![id()]));
    assert_eq!(
        engine.list_containers().await.expect("containers"),
        [EngineContainer {
            id: "c1".to_owned(),
            names: vec!["web".to_owned()],
            image_id: id(),
            image_name: "app:v1".to_owned(),
        }]
    );
}

#[tokio::test]
async fn an_export_is_streamed_up_to_its_limit() {
    let target = format!("/images/sha256:{A}/get");
    let chunked =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let (_dir, engine) = engine(&[(&target, chunked.to_vec())]).await;
    let mut out = Vec::new();
    assert_eq!(engine.export(&id(), &mut out, 5).await.expect("an export"), 5);
    assert_eq!(out, b"abcde");
    let error = engine.export(&id(), &mut Vec::new(), 4).await.expect_err("too large");
    assert!(matches!(error, SourceError::LimitExceeded { .. }), "{error}");
}

#[tokio::test]
async fn engines_that_fail_say_how() {
    let cut = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let (_dir, engine) = engine(&[
        (&format!("/images/sha256:{A}/get"), cut.to_vec()),
        ("/info", json("<html>")),
        ("/images/json", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n[".to_vec()),
        (
            "/containers/json",
            b"HTTP/1.1 403 X\r\ncontent-length: 16\r\n\r\n{\"message\":\"no\"}".to_vec(),
        ),
    ])
    .await;
    let error = engine.export(&id(), &mut Vec::new(), 100).await.expect_err("cut");
    assert!(error.is_transient(), "{error}");
    assert!(matches!(engine.info().await, Err(SourceError::Malformed { .. })));
    assert!(engine.list_images().await.expect_err("cut").is_transient());
    let error = engine.list_containers().await.expect_err("forbidden").to_string();
    assert!(error.ends_with("the answer was 403: no"), "{error}");
    let error = engine.inspect_image(&id()).await.expect_err("missing");
    assert!(matches!(error, SourceError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn a_socket_that_is_not_there_is_named() {
    let error = DockerEngine::connect(Path::new("/nowhere/docker.sock")).await.expect_err("none");
    assert_eq!(error.to_string(), "find /nowhere/docker.sock: it does not exist; check the path");
    let with_user = default_sockets(Some(Path::new("/run/user/1000")));
    assert_eq!(with_user.last(), Some(&PathBuf::from("/run/user/1000/podman/podman.sock")));
    assert_eq!(default_sockets(None).len(), 2);
}

fn eprint(text: &[u8]) {
    std::io::Write::write_all(&mut std::io::stderr(), text).expect("stderr");
}

/// A Podman service with storage of its own, ended with the test.
struct Podman {
    child: Child,
    dir: TempDir,
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Podman {
    fn command(dir: &Path) -> Command {
        let mut command = Command::new("podman");
        command.arg("--root").arg(dir.join("root")).arg("--runroot").arg(dir.join("run"));
        command.args(["--storage-driver", "vfs", "--events-backend", "none"]);
        command.stdin(Stdio::null());
        command
    }

    /// Loads the image of [`write_layout`] and starts the service; `None` where it does not run.
    fn start() -> Option<Podman> {
        let dir = TempDir::new().expect("tempdir");
        write_layout(&dir.path().join("layout"), "localhost/app:v1");
        let archive = dir.path().join("layout.tar");
        fs::write(&archive, tar_of_directory(&dir.path().join("layout"))).expect("write");
        let loaded = Self::command(dir.path()).args(["load", "-i"]).arg(&archive).output().ok()?;
        if !loaded.status.success() {
            eprint(&loaded.stderr);
            return None;
        }
        let child = Self::command(dir.path())
            .args(["system", "service", "--time=0"])
            .arg(format!("unix://{}", dir.path().join("s").display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Podman { child, dir })
    }

    async fn connect(&self) -> DockerEngine {
        let socket = self.dir.path().join("s");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            match DockerEngine::connect(&socket).await {
                Ok(engine) => return engine,
                Err(error) if tokio::time::Instant::now() > deadline => panic!("{error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

#[tokio::test]
async fn an_image_is_exported_from_a_real_podman() {
    if !has_program("podman") {
        return;
    }
    let Some(podman) = Podman::start() else {
        return eprint(b"podman does not run here; this part of the test is left out\n");
    };
    let engine = podman.connect().await;
    assert!(!engine.info().await.expect("info").server_version.is_empty());
    let images = engine.list_images().await.expect("images");
    let [image] = images.as_slice() else { panic!("one image: {images:?}") };
    assert_eq!(image.created_ms, Some(1000));
    assert!(image.size_bytes > 5000, "{image:?}");
    let details = engine.inspect_image(&image.id).await.expect("details");
    assert_eq!(details.diff_ids.len(), 2);
    assert_eq!(details.created_ms, Some(1000));
    assert!(engine.list_containers().await.expect("containers").is_empty());
    let path = podman.dir.path().join("export.tar");
    let mut file = tokio::fs::File::create(&path).await.expect("a file");
    let written = engine.export(&image.id, &mut file, 1 << 30).await.expect("an export");
    assert_eq!(fs::metadata(&path).expect("a file").len(), written);
    let location = Location::parse(&path.display().to_string()).expect("an archive");
    let exported = open(&location, &SourceOptions::default()).await.expect("an image");
    assert_eq!(exported.image().config_digest, image.id);
    for (index, tar) in layer_tars().iter().enumerate() {
        assert_eq!(&read_layer(&exported, index).await.expect("a layer"), tar);
    }
}
