//! A registry on a loopback port. It is written on the socket itself, so that it can break off,
//! lie and never end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::platform::Platform;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::location::Location;
use crate::media_type::{OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use crate::options::SourceOptions;
use crate::verify::digest_of;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What is answered.
pub(crate) enum Reply {
    /// Status, headers, body; the length is that of the body unless a header says otherwise.
    Full(u16, Vec<(String, String)>, Vec<u8>),
    /// A body of this many bytes that never comes to its end.
    Endless(u64),
    /// The head of an answer of this many bytes, and then nothing.
    Silent(u64),
}

pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Reply {
    Reply::Full(200, Vec::new(), body.into())
}

pub(crate) fn status(code: u16, headers: &[(&str, &str)]) -> Reply {
    let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Reply::Full(code, headers, Vec::new())
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A running registry; it ends with the test.
pub(crate) struct Fake {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Told when a client hangs up on an answer without end.
    pub(crate) hung_up: Arc<Notify>,
}

impl Fake {
    pub(crate) async fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (seen, hung_up) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let (log, notify) = (Arc::clone(&seen), Arc::clone(&hung_up));
        let handler: Arc<Handler> = Arc::new(handler);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handler, log, notify) =
                    (Arc::clone(&handler), Arc::clone(&log), Arc::clone(&notify));
                tokio::spawn(serve(stream, handler, log, notify));
            }
        });
        Fake { port, seen, hung_up }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path.contains(part)).count()
    }

    pub(crate) fn location(&self, rest: &str) -> Location {
        Location::Registry(format!("127.0.0.1:{}/{rest}", self.port).parse().expect("a reference"))
    }
}

async fn serve(
    mut stream: TcpStream,
    handler: Arc<Handler>,
    log: Arc<Mutex<Vec<Seen>>>,
    hung_up: Arc<Notify>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
        // A TLS greeting, which is answered as Go's server does.
        if head[0] == 0x16 {
            stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await.ok()?;
            return None;
        }
    }
    let text = String::from_utf8(head).ok()?;
    let mut lines = text.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let seen = Seen { path, headers };
    let reply = handler(&seen);
    log.lock().expect("not poisoned").push(seen);
    match reply {
        Reply::Full(code, headers, body) => {
            let mut out = format!("HTTP/1.1 {code} X\r\nconnection: close\r\n");
            for (key, value) in &headers {
                out.push_str(&format!("{key}: {value}\r\n"));
            }
            if !headers.iter().any(|(key, _)| key == "content-length" || key == "transfer-encoding")
            {
                out.push_str(&format!("content-length: {}\r\n", body.len()));
            }
            stream.write_all(format!("{out}\r\n").as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()?;
            stream.shutdown().await.ok()
        }
        Reply::Endless(length) => {
            let out = format!("HTTP/1.1 200 X\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(out.as_bytes()).await.ok()?;
            while stream.write_all(&[0; 4096]).await.is_ok() {}
            hung_up.notify_one();
            Some(())
        }
        Reply::Silent(length) => {
            let out = format!("HTTP/1.1 200 X\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(out.as_bytes()).await.ok()?;
            let _ = stream.read_u8().await;
            hung_up.notify_one();
            Some(())
        }
    }
}

/// An image whose parts a test can change.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
    pub(crate) layer: Vec<u8>,
}

pub(crate) fn sha(bytes: &[u8]) -> Digest {
    digest_of(bytes, Algorithm::Sha256)
}

/// Makes an image of one layer, which claims to have `size` bytes.
pub(crate) fn parts_claiming(layer: &[u8], size: u64) -> Parts {
    let host = Platform::host();
    let config = format!(
        r#"{{"os":"{}","architecture":"{}","rootfs":{{"diff_ids":["{}"]}}}}"#,
        host.os,
        host.architecture,
        sha(layer)
    );
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}",
        "config":{{"mediaType":"{OCI_CONFIG}","digest":"{}","size":{}}},
        "layers":[{{"mediaType":"{OCI_LAYER}","digest":"{}","size":{size}}}]}}"#,
        sha(config.as_bytes()),
        config.len(),
        sha(layer),
    );
    Parts { manifest: manifest.into_bytes(), config: config.into_bytes(), layer: layer.to_vec() }
}

pub(crate) fn parts() -> Parts {
    let layer: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let size = u64::try_from(layer.len()).expect("small");
    parts_claiming(&layer, size)
}

impl Parts {
    /// Answers like an honest registry that asks for nothing.
    pub(crate) fn reply(&self, seen: &Seen) -> Reply {
        let path = seen.path.as_str();
        if path.contains("/manifests/") {
            ok(self.manifest.clone())
        } else if path.ends_with(sha(&self.config).hex()) {
            ok(self.config.clone())
        } else if path.ends_with(sha(&self.layer).hex()) {
            ok(self.layer.clone())
        } else {
            status(404, &[])
        }
    }
}

/// Options that lose no time.
pub(crate) fn options() -> SourceOptions {
    let mut options = SourceOptions::default();
    options.retry.first_wait = Duration::from_millis(1);
    options.retry.max_wait = Duration::from_millis(5);
    options.timeouts.connect = Duration::from_secs(5);
    options.timeouts.idle = Duration::from_secs(5);
    options
}

pub(crate) fn with_credentials(scope: &str) -> SourceOptions {
    let mut options = options();
    options.credentials.push(crate::credentials::RegistryCredentials {
        scope: scope.to_owned(),
        username: "ann".to_owned(),
        password: crate::credentials::Secret::new("hunter2"),
    });
    options
}

/// What `ann:hunter2` is in a header.
pub(crate) const BASIC: &str = "Basic YW5uOmh1bnRlcjI=";
