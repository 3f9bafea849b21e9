//! What can only be shown with several processes: writes that were acknowledged survive a
//! `SIGKILL`, and two processes write to one file at the same time.
//!
//! The test binary starts itself again; [`child_process`] is what runs in there.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use std::sync::Arc;

use tallyman_model::digest::Digest;
use tallyman_model::inventory::LayerInventory;
use tallyman_store::jobs::{JobChanges, NewJob};
use tallyman_store::layers::{LayerScope, NewLayer};
use tallyman_store::secret::MasterKey;
use tallyman_store::servers::ServerReport;
use tallyman_store::store::{Store, StoreOptions};

const PATH: &str = "TALLYMAN_STORE_TEST_PATH";
const FIRST: &str = "TALLYMAN_STORE_TEST_FIRST";
const COUNT: &str = "TALLYMAN_STORE_TEST_COUNT";

const KILLS: u64 = 30;
/// The children of one test count on from here, so that their rows differ.
const STRIDE: u64 = 1_000_000;

fn open(directory: &Path) -> Store {
    let master_key = MasterKey::load_or_create(&directory.join("master.key")).unwrap();
    Store::open(StoreOptions::new(directory.join("tallyman.db"), master_key)).unwrap()
}

/// Starts this binary again as a writer of `count` rows from `first` on.
fn start_child(directory: &Path, first: u64, count: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["child_process", "--exact", "--nocapture", "--test-threads=1"])
        .env(PATH, directory)
        .env(FIRST, first.to_string())
        .env(COUNT, count.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing unless it was started by another test of this file.
#[tokio::test]
async fn child_process() {
    let Ok(directory) = env::var(PATH) else { return };
    let number = |name| env::var(name).unwrap().parse::<u64>().unwrap();
    let (first, count) = (number(FIRST), number(COUNT));
    let store = open(Path::new(&directory));
    // Two writers, so that some commits hold the rows of both.
    let writers = [0, 1].map(|lane| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in (first..first + count).filter(|number| number % 2 == lane) {
                write(&store, number).await;
                let mut stdout = std::io::stdout().lock();
                writeln!(stdout, "acknowledged {number}").unwrap();
                stdout.flush().unwrap();
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
}

/// A layer and its job in one transaction, then a server.
async fn write(store: &Store, number: u64) {
    let job = NewJob {
        kind: "scan".to_owned(),
        job_key: number.to_string(),
        payload: serde_json::json!({ "number": number, "padding": "x".repeat(2000) }),
        priority: 0,
        run_at: 0,
        max_attempts: 3,
    };
    let layer = NewLayer {
        digest: digest(number),
        fingerprint: "f".to_owned(),
        scope: LayerScope::Trusted,
        inventory: Arc::new(LayerInventory { entries: number, ..LayerInventory::default() }),
    };
    let jobs = JobChanges { enqueue: vec![job], finish: None };
    store.insert_layers(vec![layer], jobs, 1).await.unwrap();
    let report = ServerReport {
        server_uuid: format!("server-{number}").parse().unwrap(),
        facts: Default::default(),
        agent_version: None,
        images: Some(Vec::new()),
    };
    store.report_server(report, JobChanges::default(), 1).await.unwrap();
}

fn digest(number: u64) -> Digest {
    format!("sha256:{number:064x}").parse().unwrap()
}

/// Kills a child after a while and returns the numbers that it had acknowledged.
fn kill_after(mut child: Child, wait: Duration) -> BTreeSet<u64> {
    thread::sleep(wait);
    child.kill().unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    acknowledged(&text)
}

fn acknowledged(text: &str) -> BTreeSet<u64> {
    // A last line without its end was not written whole.
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        // The test harness prints the name of the test on the same line as its first output.
        .filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse().ok())
        .collect()
}

/// Fails unless the file is whole and has everything that was acknowledged, and no half of it.
async fn check(directory: &Path, acknowledged: &BTreeSet<u64>) {
    let path = directory.join("tallyman.db");
    let connection = Connection::open(&path).unwrap();
    let integrity: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    let numbers = |sql: &str| -> BTreeSet<u64> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
        rows.map(|number| u64::try_from(number.unwrap()).unwrap()).collect()
    };
    let jobs = numbers("SELECT CAST(job_key AS INTEGER) FROM job");
    let servers = numbers("SELECT CAST(SUBSTR(server_uuid, 8) AS INTEGER) FROM server");
    let lost: Vec<_> = acknowledged.difference(&servers).collect();
    assert!(lost.is_empty(), "acknowledged and gone: {lost:?}");
    assert!(servers.is_subset(&jobs), "the job is committed before its server");

    let store = open(directory);
    let digests: Vec<Digest> = jobs.iter().map(|number| digest(*number)).collect();
    let unknown = store.unknown_layers(&digests, "f", &LayerScope::Trusted).await.unwrap();
    assert!(unknown.is_empty(), "a job without the layer of its transaction: {unknown:?}");
    let layers: i64 =
        connection.query_row("SELECT COUNT(*) FROM layer", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(layers).unwrap(), jobs.len());
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let directory = tempfile::tempdir().unwrap();
    let mut all = BTreeSet::new();
    for round in 0..KILLS {
        // Spread over the start, the migration, the writes and the checkpoints.
        let wait = Duration::from_millis(3 + (round * 37) % 290);
        let child = start_child(directory.path(), round * STRIDE, STRIDE);
        all.extend(kill_after(child, wait));
    }
    assert!(all.len() > 100, "the children wrote only {} rows", all.len());
    check(directory.path(), &all).await;
}

#[tokio::test]
async fn two_processes_write_to_one_file() {
    const ROWS: u64 = 60;
    let directory = tempfile::tempdir().unwrap();
    let children = [0, 1].map(|child| start_child(directory.path(), child * STRIDE, ROWS));
    let mut all = BTreeSet::new();
    for mut child in children {
        let mut text = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            text.push_str(&line.unwrap());
            text.push('\n');
        }
        assert!(child.wait().unwrap().success());
        all.extend(acknowledged(&text));
    }
    let expected: BTreeSet<u64> = (0..ROWS).chain(STRIDE..STRIDE + ROWS).collect();
    assert_eq!(all, expected);
    check(directory.path(), &all).await;
}
