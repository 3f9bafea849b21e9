//! Bundles between two databases: whole ones, deltas, signatures, and what is refused.

use std::path::{Path, PathBuf};

use tallyman_model::limits::Limits;

use super::{BundleError, Since, Trust};
use crate::database::{AdvisoryDatabase, ImportReport};
use crate::signing::SigningKey;

const NOW_MS: i64 = 2_000_000_000_000;

struct Side {
    folder: tempfile::TempDir,
    database: AdvisoryDatabase,
}

impl Side {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database =
            AdvisoryDatabase::open(&folder.path().join("db"), Limits::default()).unwrap();
        Side { folder, database }
    }

    /// Imports records `(id, package, month)`.
    fn learn(&self, ecosystem: &str, records: &[(&str, &str, u32)]) -> ImportReport {
        let record = |(id, package, month): &(&str, &str, u32)| {
            format!(
                r#"{{"id":"{id}","modified":"2026-{month:02}-01T00:00:00Z","affected":[{{"package":
                {{"ecosystem":"{ecosystem}","name":"{package}"}},"versions":["1.0.0"]}}]}}"#
            )
        };
        let folder = self.folder.path().join("feed");
        std::fs::create_dir_all(&folder).unwrap();
        for record_of in records {
            let path = folder.join(format!("{}.json", record_of.0));
            std::fs::write(path, record(record_of)).unwrap();
        }
        let report = self.database.import(std::slice::from_ref(&folder), NOW_MS, &mut |_| {});
        std::fs::remove_dir_all(&folder).unwrap();
        report.unwrap()
    }

    fn revision(&self) -> String {
        self.database.open_index().unwrap().revision().to_owned()
    }

    fn export(&self, name: &str, since: Option<&Since>, key: Option<&SigningKey>) -> PathBuf {
        let path = self.folder.path().join(name);
        self.database.export_bundle(&path, since, key, NOW_MS).unwrap();
        path
    }

    fn import(&self, path: &Path) -> Result<super::Imported, BundleError> {
        self.database.import_bundle_file(path, &Trust::default(), NOW_MS + 5)
    }
}

#[test]
fn a_full_bundle_makes_the_other_side_the_same() {
    let (a, b) = (Side::new(), Side::new());
    a.learn("npm", &[("A-1", "one", 1), ("A-2", "two", 2)]);
    a.learn("PyPI", &[("P-1", "three", 1)]);
    b.learn("npm", &[("A-1", "other", 1), ("B-1", "gone", 1)]);
    let path = a.export("full", None, None);
    let imported = b.import(&path).unwrap();
    assert_eq!(b.revision(), a.revision());
    assert_eq!(imported.revision, a.revision());
    let npm = &imported.report.feeds["osv/npm"];
    assert_eq!((npm.added, npm.updated, npm.withdrawn), (1, 1, 1));
    assert!(!b.import(&path).unwrap().report.is_changed(), "a second time changes nothing");
}

#[test]
fn a_delta_holds_what_is_different_and_makes_the_other_side_the_same() {
    let (a, b) = (Side::new(), Side::new());
    let many: Vec<String> = (0..500).map(|n| format!("A-{n}")).collect();
    let many: Vec<(&str, &str, u32)> = many.iter().map(|id| (id.as_str(), "one", 1)).collect();
    a.learn("npm", &many);
    let full = a.export("full", None, None);
    b.import(&full).unwrap();
    let before = a.revision();
    a.learn("npm", &[("A-7", "changed", 3), ("N-1", "new", 3)]);
    a.learn("PyPI", &[("P-1", "three", 3)]);
    let path = a.folder.path().join("delta");
    let since = Since::Revision(before[..12].to_owned());
    let exported = a.database.export_bundle(&path, Some(&since), None, NOW_MS + 1).unwrap();
    assert_eq!((exported.records, exported.removed), (3, 0));
    assert_eq!(exported.base, Some(before));
    assert!(exported.size_bytes < full.metadata().unwrap().len());
    b.import(&path).unwrap();
    assert_eq!(b.revision(), a.revision());
    // The same from the file that the other side has.
    let same = a.export("again", Some(&Since::File(full)), None);
    let c = Side::new();
    c.import(&a.folder.path().join("full")).unwrap();
    c.import(&same).unwrap();
    assert_eq!(c.revision(), a.revision());
}

#[test]
fn a_delta_removes_what_is_gone() {
    let (a, b, c) = (Side::new(), Side::new(), Side::new());
    a.learn("npm", &[("A-1", "one", 1), ("A-2", "two", 1)]);
    a.learn("PyPI", &[("P-1", "three", 1)]);
    let full = a.export("full", None, None);
    b.import(&full).unwrap();
    // Another side has fewer records; its whole makes the first one lose them.
    c.learn("npm", &[("A-1", "one", 1)]);
    let fewer = c.export("fewer", None, None);
    let trust = Trust { allows_older: true, ..Trust::default() };
    a.database.import_bundle_file(&fewer, &trust, NOW_MS).unwrap();
    let delta = a.export("delta", Some(&Since::File(full)), None);
    b.import(&delta).unwrap();
    assert_eq!(b.revision(), c.revision());
    let names: Vec<String> = b.database.info().unwrap().into_iter().map(|i| i.name).collect();
    assert_eq!(names, ["osv/npm"]);
}

#[test]
fn a_delta_against_something_else_is_refused_and_says_against_what() {
    let (a, b) = (Side::new(), Side::new());
    a.learn("npm", &[("A-1", "one", 1)]);
    let base = a.revision();
    a.export("full", None, None);
    a.learn("npm", &[("A-2", "two", 2)]);
    let delta = a.export("delta", Some(&Since::Revision(base.clone())), None);
    let before = b.revision();
    let error = b.import(&delta).unwrap_err().to_string();
    assert!(error.contains(&base) && error.contains(&before), "{error}");
    assert_eq!(b.revision(), before);
    let unknown = Since::Revision("0123456789".to_owned());
    let path = a.folder.path().join("none");
    let error = a.database.export_bundle(&path, Some(&unknown), None, NOW_MS).unwrap_err();
    assert!(error.to_string().contains(&base[..16]), "{error}");
    assert!(!path.exists());
}

#[test]
fn where_keys_are_pinned_only_their_bundles_are_taken() {
    let (a, b) = (Side::new(), Side::new());
    a.learn("npm", &[("A-1", "one", 1)]);
    let (key, _) = SigningKey::generate().unwrap();
    let (other, _) = SigningKey::generate().unwrap();
    let signed = a.export("signed", None, Some(&key));
    let before = b.revision();
    let trust = |keys: &[&SigningKey]| Trust {
        keys: keys.iter().map(|key| key.public()).collect(),
        allows_older: false,
    };
    let import = |path: &Path, trust: &Trust| b.database.import_bundle_file(path, trust, NOW_MS);
    let error = import(&signed, &trust(&[&other])).unwrap_err().to_string();
    assert!(
        error.contains("by a pinned key") && error.contains(&key.public().to_string()),
        "{error}"
    );
    let unsigned = a.export("unsigned", None, None);
    let error = import(&unsigned, &trust(&[&key])).unwrap_err().to_string();
    assert!(error.contains("unsigned is not signed:"), "{error}");
    // Everything that is changed after the signature shows, and where nothing is pinned, too.
    let bytes = std::fs::read(&signed).unwrap();
    let changed = a.folder.path().join("changed");
    for at in [60, 200, bytes.len() / 2, bytes.len() - 5] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        std::fs::write(&changed, bytes).unwrap();
        assert!(import(&changed, &trust(&[&key])).is_err(), "{at}");
    }
    for cut in [0, 10, 30, 200, bytes.len() - 1] {
        std::fs::write(&changed, &bytes[..cut]).unwrap();
        assert!(import(&changed, &Trust::default()).is_err(), "{cut}");
    }
    assert_eq!(b.revision(), before, "nothing was taken");
    let imported = import(&signed, &trust(&[&other, &key])).unwrap();
    assert_eq!(imported.signed_by, Some(key.public()));
    assert_eq!(b.revision(), a.revision());
}

#[test]
fn an_older_bundle_is_refused_unless_it_is_wanted() {
    let (a, b) = (Side::new(), Side::new());
    a.learn("npm", &[("A-1", "one", 1)]);
    let old = a.export("old", None, None);
    a.learn("npm", &[("A-2", "two", 2)]);
    let path = a.folder.path().join("new");
    a.database.export_bundle(&path, None, None, NOW_MS + 1_000).unwrap();
    b.import(&path).unwrap();
    let newer = b.revision();
    let error = b.import(&old).unwrap_err().to_string();
    assert!(error.contains("--allow-older"), "{error}");
    assert_eq!(b.revision(), newer);
    let trust = Trust { allows_older: true, ..Trust::default() };
    b.database.import_bundle_file(&old, &trust, NOW_MS).unwrap();
    assert_ne!(b.revision(), newer);
    // Also where no bundle came before, but newer data did.
    let c = Side::new();
    c.learn("npm", &[("C-1", "one", 9)]);
    assert!(matches!(c.import(&old), Err(BundleError::Older { .. })));
}

#[test]
fn records_that_were_not_announced_are_refused() {
    let (a, b) = (Side::new(), Side::new());
    a.learn("npm", &[("A-1", "one", 1)]);
    let path = a.export("full", None, None);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(11).position(|w| w == b"\"content\":\"").unwrap() + 11;
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    std::fs::write(&path, bytes).unwrap();
    let error = b.import(&path).unwrap_err().to_string();
    assert!(error.contains("not those that it announces"), "{error}");
    assert!(b.database.info().unwrap().is_empty());
}
