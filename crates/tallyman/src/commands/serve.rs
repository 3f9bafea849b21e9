//! `tallyman serve`.

use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use tallyman_engine::feed_updates::Update;
use tallyman_engine::images::match_pending;
use tallyman_engine::installation::Installation;
use tallyman_engine::jobs::update_feeds::schedule;
use tallyman_engine::jobs::{Worker, release_all};
use tallyman_server::Server;
use tallyman_source::open::Sources;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cli::serve::Serve;
use crate::commands::db::update;
use crate::commands::setup;
use crate::exit::{Exit, UsageError};
use crate::output;

pub(super) async fn run(args: Serve) -> anyhow::Result<Exit> {
    if !args.listen.ip().is_loopback() && !args.insecure_http {
        bail!(UsageError(format!(
            "{} is not a loopback address, and there is no TLS yet: put a TLS proxy in front of a \
             loopback address, or add --insecure-http",
            args.listen
        )));
    }
    let limits = setup::limits(&args.limits)?;
    let installation = Arc::new(setup::open(&args.data.directory()?, limits).await?);
    if let Some(region) = &args.region {
        installation.store().set_region(region).await.context("keeping the region")?;
    }
    let (data, limits) = (installation.data(), installation.limits());
    let sources = setup::sources(data, &args.registry, limits, None, None)?;
    let updates = match args.update_every {
        Some(every) => {
            let feeds = update::chosen(&args.feeds)?;
            let settings = update::settings(feeds, &args.fetch, limits, false)?;
            Some(Updates { settings, interval_ms: every.0 })
        }
        None => None,
    };
    let running = Running::start(Arc::clone(&installation), sources, args.listen, updates).await?;
    output::note(&format!("listening on http://{}", running.address));
    wait_for_end().await?;
    output::note("finishing what is under way");
    running.stop().await;
    Ok(Exit::Clean)
}

/// That the feeds of advisories are updated, how and how often.
pub(super) struct Updates {
    settings: Update,
    interval_ms: i64,
}

/// A server with its workers.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    installation: Arc<Installation>,
    /// Held for as long as the server runs.
    _lock: File,
}

impl Running {
    /// Starts the server and its workers; the address is written into the data directory.
    pub(super) async fn start(
        installation: Arc<Installation>,
        sources: Sources,
        listen: SocketAddr,
        updates: Option<Updates>,
    ) -> anyhow::Result<Self> {
        let lock = lock(&installation)?;
        // With the lock in hand, whoever held a lease is dead.
        release_all(&installation).await.context("taking over the jobs of a killed server")?;
        let server = Server::bind(listen, Arc::clone(&installation))
            .await
            .with_context(|| format!("starting the server on {listen}"))?;
        let address = server.address();
        let (stop, stopped) = watch::channel(false);
        // What an earlier process left unmatched comes first, and shows that the data is usable.
        match_pending(&installation).await.context("matching what is not matched yet")?;
        let settings = updates.as_ref().map(|updates| updates.settings.clone());
        let worker = Worker::new(Arc::clone(&installation), sources).with_updates(settings);
        let mut tasks = vec![
            tokio::spawn(server.run(stopped.clone())),
            tokio::spawn(worker.run(stopped.clone())),
        ];
        if let Some(Updates { settings, interval_ms }) = updates {
            let owned = Arc::clone(&installation);
            tasks.push(tokio::spawn(schedule(owned, settings, interval_ms, stopped)));
        }
        let endpoint = installation.data().endpoint();
        write_endpoint(&endpoint, address)
            .with_context(|| format!("writing {}", endpoint.display()))?;
        Ok(Running { address, stop, tasks, installation, _lock: lock })
    }

    /// Stops and waits for the end of what is under way.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the server ended early");
            }
        }
        let _ = fs::remove_file(self.installation.data().endpoint());
    }
}

/// SQLite serves one server: a second one would answer from caches that the first makes stale.
fn lock(installation: &Installation) -> anyhow::Result<File> {
    let path = installation.data().server_lock();
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another server runs on {}; stop it, or give --data another directory",
            installation.data().root().display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("locking {}", path.display()))
        }
    }
}

fn write_endpoint(path: &Path, address: SocketAddr) -> std::io::Result<()> {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, format!("http://{address}\n"))?;
    fs::rename(&temporary, path)
}

/// Waits for Ctrl-C or the service manager.
pub(super) async fn wait_for_end() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("waiting for signals")?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("waiting for signals"),
        _ = terminate.recv() => Ok(()),
    }
}
