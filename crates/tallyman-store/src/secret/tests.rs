use std::fs;
use std::thread;

use super::{MasterKey, MasterKeyError, Secret};

fn key_file(directory: &tempfile::TempDir, text: &str) -> std::path::PathBuf {
    let path = directory.path().join("master.key");
    fs::write(&path, text).unwrap();
    set_mode(&path, 0o600);
    path
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_sealed_secret_opens_under_the_same_key_and_context_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    let key = MasterKey::load_or_create(&path).unwrap();
    let sealed = key.seal(&Secret::new("s3cret"), "LTAI1").unwrap();
    let again = MasterKey::load_or_create(&path).unwrap();
    assert_eq!(again.unseal(&sealed, "LTAI1"), Ok(Secret::new("s3cret")));
    assert_eq!(
        again.unseal(&sealed, "LTAI2"),
        Err("it was changed, or belongs to another access key")
    );
    assert_eq!(
        MasterKey::ephemeral().unwrap().unseal(&sealed, "LTAI1"),
        Err("it was sealed under a key that is not in the master key file")
    );
    let mut changed = sealed.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(key.unseal(&changed, "LTAI1").is_err());
    assert!(key.unseal(&sealed[..10], "LTAI1").is_err());
    assert!(key.unseal(&[], "LTAI1").is_err());
}

#[test]
fn two_seals_of_one_secret_differ() {
    let key = MasterKey::ephemeral().unwrap();
    let secret = Secret::new("same");
    assert_ne!(key.seal(&secret, "a").unwrap(), key.seal(&secret, "a").unwrap());
}

#[test]
fn the_first_line_of_the_key_file_seals_and_every_line_opens() {
    let directory = tempfile::tempdir().unwrap();
    let (old_line, new_line) = ("11".repeat(32), "22".repeat(32));
    let old = MasterKey::load_or_create(&key_file(&directory, &old_line)).unwrap();
    let sealed = old.seal(&Secret::new("x"), "k").unwrap();
    let both =
        MasterKey::load_or_create(&key_file(&directory, &format!("{new_line}\n{old_line}\n")))
            .unwrap();
    assert_eq!(both.unseal(&sealed, "k"), Ok(Secret::new("x")));
    let resealed = both.seal(&Secret::new("x"), "k").unwrap();
    assert!(old.unseal(&resealed, "k").is_err());
}

#[test]
fn a_malformed_or_exposed_key_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for text in ["", "\n", "xyz", "0011"] {
        let error = MasterKey::load_or_create(&key_file(&directory, text)).unwrap_err();
        assert!(matches!(error, MasterKeyError::Malformed { .. }), "{text:?}: {error}");
    }
    let path = key_file(&directory, &"11".repeat(32));
    set_mode(&path, 0o644);
    let error = MasterKey::load_or_create(&path).unwrap_err();
    assert!(matches!(error, MasterKeyError::Exposed { .. }), "{error}");
}

#[test]
fn a_new_key_file_is_private_and_leaves_no_draft_behind() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    MasterKey::load_or_create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn processes_that_start_together_get_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    let keys: Vec<MasterKey> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| MasterKey::load_or_create(&path).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let sealed = keys[0].seal(&Secret::new("x"), "k").unwrap();
    for key in &keys {
        assert_eq!(key.unseal(&sealed, "k"), Ok(Secret::new("x")));
    }
}

#[test]
fn secrets_are_not_printed() {
    assert_eq!(format!("{:?}", Secret::new("s3cret")), "***");
    assert_eq!(format!("{:?}", MasterKey::ephemeral().unwrap()), "MasterKey(***)");
}
