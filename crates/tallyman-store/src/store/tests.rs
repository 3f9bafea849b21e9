use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use super::{Durability, Store, StoreOptions};
use crate::error::StoreError;
use crate::samples::TemporaryStore;
use crate::secret::MasterKey;

fn open(path: &std::path::Path) -> Result<Store, StoreError> {
    Store::open(StoreOptions::new(path, MasterKey::ephemeral().unwrap()))
}

#[tokio::test]
async fn files_and_the_new_directory_are_private() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data/deep/tallyman.db");
    let store = open(&path).unwrap();
    store.set_setting("a", "b").await.unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let names: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        assert_eq!(mode(&name), 0o600, "{}", name.display());
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_by_name() {
    let store = TemporaryStore::new();
    let sql = "INSERT INTO schema_migration (version, name) VALUES (99, '0099_future')";
    Connection::open(store.path()).unwrap().execute(sql, []).unwrap();
    let error = open(store.path()).err().unwrap();
    assert!(matches!(error, StoreError::NewerDatabase { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("tallyman.db: its schema has version 99"), "{error}");
}

#[test]
fn a_foreign_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let error = open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[test]
fn many_can_open_a_new_database_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tallyman.db");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path).map(drop))).collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
}

#[tokio::test]
async fn a_write_that_fails_leaves_those_it_shares_a_transaction_with() {
    let store = TemporaryStore::new();
    let mut writes = Vec::new();
    for number in 0..200 {
        let store = store.store.clone();
        writes.push(tokio::spawn(async move {
            store
                .write(move |connection| {
                    crate::settings::set_setting(connection, &format!("n{number}"), "x")?;
                    if number % 3 == 0 {
                        return Err(StoreError::UnknownUser(number.to_string()));
                    }
                    Ok(())
                })
                .await
        }));
    }
    for (number, write) in writes.into_iter().enumerate() {
        let written = write.await.unwrap().is_ok();
        assert_eq!(written, number % 3 != 0);
        let found = store.find_setting(&format!("n{number}")).await.unwrap().is_some();
        assert_eq!(found, written, "{number}");
    }
}

#[tokio::test]
async fn waiting_writes_share_a_commit() {
    let store = TemporaryStore::new();
    let blocker = Connection::open(store.path()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut writes = Vec::new();
    for number in 0..20 {
        let store = store.store.clone();
        writes.push(tokio::spawn(async move {
            // All writes of one transaction see the same number of rows written before it.
            store
                .write(move |connection| {
                    crate::settings::set_setting(connection, &format!("n{number}"), "x")?;
                    let sql = "SELECT COUNT(*) FROM setting";
                    Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?)
                })
                .await
        }));
    }
    // The first is in BEGIN by now or will be; the others wait in the queue.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let log = |path: &std::path::Path| fs::metadata(path).unwrap().len();
    let wal = store.path().with_extension("db-wal");
    let before = log(&wal);
    blocker.execute_batch("ROLLBACK").unwrap();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    let frames = (log(&wal) - before) / 4096;
    assert!(frames < 10, "20 writes of their own would log at least 20 pages, not {frames}");
}

#[tokio::test]
async fn a_write_of_many_rows_shares_no_transaction_and_has_no_savepoint() {
    let store = TemporaryStore::new();
    let blocker = Connection::open(store.path()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut writes = Vec::new();
    for number in 0..9 {
        let (store, path) = (store.store.clone(), store.path().to_owned());
        let write = move |connection: &Connection| {
            crate::settings::set_setting(connection, &format!("n{number}"), "x")?;
            let sql = "SELECT COUNT(*) FROM setting WHERE name LIKE 'n%'";
            let committed: i64 = Connection::open(path)?.query_row(sql, [], |row| row.get(0))?;
            let has_savepoint = connection.execute_batch("RELEASE attempt; SAVEPOINT attempt");
            Ok((committed, has_savepoint.is_ok()))
        };
        writes.push(tokio::spawn(async move {
            if number % 3 == 2 { store.write_many(write).await } else { store.write(write).await }
        }));
        tokio::task::yield_now().await;
    }
    blocker.execute_batch("ROLLBACK").unwrap();
    let mut seen = Vec::new();
    for write in writes {
        seen.push(write.await.unwrap().unwrap());
    }
    let first = |committed| (committed, false);
    let second = |committed| (committed, true);
    let pattern = [first(0), second(0), first(2), first(3), second(3), first(5)];
    assert_eq!(seen[..6], pattern);
    assert_eq!(seen[6..], [first(6), second(6), first(8)]);
}

#[tokio::test]
async fn readers_see_what_another_process_committed() {
    let store = TemporaryStore::new();
    let other = Connection::open(store.path()).unwrap();
    for number in 0..5 {
        let value = number.to_string();
        let sql = "INSERT INTO setting (name, value) VALUES ('k', $1)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        other.execute(sql, [&value]).unwrap();
        assert_eq!(store.find_setting("k").await.unwrap(), Some(value));
    }
}

#[tokio::test]
async fn readers_cannot_write() {
    let store = TemporaryStore::new();
    let written = store.read(|connection| Ok(connection.execute("DELETE FROM setting", [])?)).await;
    assert!(written.is_err());
}

#[tokio::test]
async fn a_commit_is_flushed_to_the_disk() {
    let store = TemporaryStore::new();
    let (journal, synchronous): (String, i64) = store
        .write(|connection| {
            Ok((
                connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?,
                connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((journal.as_str(), synchronous), ("wal", 2));
}

#[tokio::test]
async fn reads_and_writes_can_be_moved_between_threads() {
    fn check_send<T: Send>(_: &T) {}
    let store = TemporaryStore::new();
    check_send(&store.list_server_images(&[]));
    check_send(&store.find_access_key("LTAI1"));
    check_send(&store.find_image_packages(crate::ids::ImageId(1)));
    check_send(&store.backup_to(std::path::Path::new("copy.db")));
    check_send(&store.health());
}

#[tokio::test]
async fn a_cache_is_kept_by_the_log_alone_and_the_log_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tallyman.db");
    let open = || {
        let mut options = StoreOptions::new(&path, MasterKey::ephemeral().unwrap());
        options.durability = Durability::Cache;
        Store::open(options).unwrap()
    };
    drop(open());
    let log = path.with_extension("db-wal");
    let store = open();
    let synchronous: i64 = store
        .write(|connection| Ok(connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(synchronous, 1);
    let value = "x".repeat(20_000);
    for number in 0..100 {
        store.set_setting(&format!("s{number}"), &value).await.unwrap();
    }
    drop(store);
    // All that was written would be two megabytes.
    assert!(fs::metadata(&log).unwrap().len() < 700_000);
    assert_eq!(open().find_setting("s99").await.unwrap().as_ref(), Some(&value));
}

#[test]
fn connections_are_opened_when_they_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tallyman.db");
    let store = open(&path).unwrap();
    let opened = || {
        let files = fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
        files.filter(|file| fs::read_link(file.path()).is_ok_and(|target| target == path)).count()
    };
    assert_eq!(opened(), 1);
    drop(store);
}
