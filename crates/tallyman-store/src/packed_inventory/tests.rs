use std::collections::BTreeSet;

use tallyman_model::distribution::Distribution;
use tallyman_model::inventory::{
    Alert, AlertLevel, Diagnostic, DiagnosticKind, Evidence, EvidenceFile, LayerInventory,
};
use tallyman_model::package::{Ecosystem, Package, SourcePackage};

use super::{ECOSYSTEMS, Unpacker, pack, writer};
use crate::encoding::to_hashed_zstd_json;

/// An inventory that has one of everything.
fn everything() -> LayerInventory {
    let whole = Package {
        architecture: Some("amd64".to_owned()),
        source: Some(SourcePackage { name: "src".to_owned(), version: "1".to_owned() }),
        module: Some("nodejs:16".to_owned()),
        ..Package::new(Ecosystem::Rpm, "näme", "1:2-3")
    };
    let all = Ecosystem::ALL.map(|ecosystem| Package::new(ecosystem, "", "0"));
    let distribution: Distribution =
        serde_json::from_str(r#"{"id":"debian","version_id":"12"}"#).expect("a distribution");
    let nested = vec![whole.clone()];
    let archive =
        |guess| Evidence::Archive { path: "b.jar".to_owned(), sha1: "00".to_owned(), guess };
    let alert = Alert {
        rule: "eicar".to_owned(),
        level: AlertLevel::Serious,
        evidence: "a test".to_owned(),
    };
    let evidence = [
        Evidence::Distribution(distribution),
        Evidence::Packages(all.to_vec()),
        Evidence::Packages(Vec::new()),
        Evidence::Nested { path: "lib/a.jar".to_owned(), packages: nested },
        archive(Some(whole)),
        archive(None),
        Evidence::OwnedFiles(vec![0, 1, u64::MAX]),
        Evidence::Alert(alert),
    ];
    let file = |(number, evidence)| EvidenceFile {
        path: format!("{}{number}", "directory/".repeat(number * 20)),
        analyzer: "some".to_owned(),
        evidence,
    };
    let diagnostic = |kind| Diagnostic { path: "x".to_owned(), kind, reason: "y".to_owned() };
    LayerInventory {
        files: evidence.into_iter().enumerate().map(file).collect(),
        hides: vec![7, 1 << 63],
        opaque: vec![8],
        diagnostics: vec![diagnostic(DiagnosticKind::Skipped), diagnostic(DiagnosticKind::Failed)],
        entries: 300,
        uncompressed_bytes: u64::MAX,
    }
}

#[test]
fn what_is_packed_is_unpacked() {
    let mut unpacker = Unpacker::new().unwrap();
    for inventory in [everything(), LayerInventory::default(), everything()] {
        let (_, packed) = pack(&inventory).unwrap();
        assert_eq!(unpacker.unpack(&packed).unwrap(), inventory);
    }
}

#[test]
fn json_of_earlier_versions_is_still_read_and_has_the_same_digest() {
    let (digest, packed) = to_hashed_zstd_json(&everything()).unwrap();
    assert_eq!(Unpacker::new().unwrap().unpack(&packed).unwrap(), everything());
    assert_eq!(pack(&everything()).unwrap().0, digest);
}

#[test]
fn every_ecosystem_has_a_number_of_its_own() {
    let ecosystems: BTreeSet<Ecosystem> = ECOSYSTEMS.iter().map(|(it, _)| *it).collect();
    let numbers: BTreeSet<u8> = ECOSYSTEMS.iter().map(|(_, number)| *number).collect();
    assert_eq!((ecosystems.len(), numbers.len()), (Ecosystem::ALL.len(), Ecosystem::ALL.len()));
}

#[test]
fn what_is_damaged_is_an_error_or_something_else_and_never_a_panic() {
    let mut bytes = Vec::new();
    writer::write(&everything(), &mut bytes).unwrap();
    for end in 0..bytes.len() {
        assert_eq!(super::reader::read(&bytes[..end]), None, "cut at {end}");
    }
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            super::reader::read(&damaged);
        }
    }
    let (_, packed) = pack(&everything()).unwrap();
    let mut unpacker = Unpacker::new().unwrap();
    for end in 0..packed.len() {
        assert!(unpacker.unpack(&packed[..end]).is_err(), "cut at {end}");
    }
}
