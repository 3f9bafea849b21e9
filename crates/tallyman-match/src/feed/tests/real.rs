//! Real documents, where they are at hand, against what a program in another language counted in
//! them by the plainest means: going through their JSON or XML and keeping sets of names.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use tallyman_model::advisory::{Affected, FixState, RangeEvent};
use tallyman_model::limits::Limits;

use super::show_affected;
use crate::container::Reader;
use crate::feed::Harvest;

const CLAIR: &str = "samples/claircore-rhel-vex.tar.zst";
const VULS: &str = "samples/vuls-data-update-fixtures.tar.zst";
const VUNNEL: &str = "samples/vunnel-fixtures.tar.zst";
const AZURE: &str = "other/azurelinux-oval.tar.zst";

/// Of each document the records; the packages with a fix, and the fixed versions; the packages
/// without one; those that are not affected.
const COUNTS: [(&str, &str, [usize; 5]); 33] = [
    (CLAIR, "cve-2023-38545.json", [1, 5, 10, 0, 13]),
    (CLAIR, "cve-2023-4154.json", [1, 0, 0, 0, 130]),
    (VULS, "redhat/vex/v2/testdata/golden/2023/CVE-2023-6212.json", [1, 7, 7, 2, 0]),
    (VULS, "redhat/vex/v2/testdata/golden/2023/CVE-2023-6228.json", [1, 3, 3, 5, 0]),
    (VULS, "redhat/vex/v2/testdata/golden/2023/CVE-2023-6237.json", [1, 4, 4, 1, 11]),
    (VULS, "redhat/vex/v2/testdata/golden/2023/CVE-2023-6238.json", [1, 0, 0, 0, 7]),
    (VULS, "redhat/vex/v2/testdata/golden/2023/CVE-2023-6240.json", [1, 109, 109, 4, 1]),
    (VUNNEL, "advisories/rhsa-2023_7025.json", [4, 128, 128, 0, 0]),
    (VUNNEL, "advisories/rhsa-2024_1431.json", [4, 116, 116, 0, 0]),
    (VULS, "suse/csaf/testdata/golden/SUSE/SU/2015/SUSE-SU-2015%3A0011-2.json", [7, 56, 56, 0, 0]),
    (VULS, "suse/csaf/testdata/golden/SUSE/SU/others/SUSE-SU-403.json", [54, 2754, 2754, 0, 0]),
    (VULS, "suse/csaf_vex/testdata/golden/2023/CVE-2023-5568.json", [1, 32, 32, 0, 802]),
    (VULS, "2023/CVE-2023-52920.json", [1, 29, 29, 0, 0]),
    (VULS, "2025/CVE-2025-30346.json", [1, 20, 20, 0, 0]),
    (VULS, "2025/openEuler-SA-2025-1351.json", [1, 30, 30, 0, 0]),
    (
        VULS,
        "repodata/cccc125de8ddb7f66ac6a9850f48af285670c3ace1e29f2b0ce002ab69b88ee5-updateinfo.xml.gz",
        [1, 1, 1, 0, 0],
    ),
    (
        VULS,
        "repodata/106ba7d2cc8d0ba45aebfe29e32dbbc6ac0bb0378413184d62e6198d13fedb76-updateinfo.xml.gz",
        [1, 1, 1, 0, 0],
    ),
    (VULS, "fixtures/updateinfo_1.xml.gz", [1, 1, 1, 0, 0]),
    (VULS, "fixtures/updateinfo_2.xml.gz", [1, 1, 1, 0, 0]),
    (VULS, "fixtures/updateinfo_2022.xml.gz", [0, 0, 0, 0, 0]),
    (VULS, "fixtures/updateinfo_2023.xml.gz", [1, 11, 11, 0, 0]),
    (VULS, "fixtures/updateinfo_2023_kernel-livepatch.xml.gz", [1, 1, 1, 0, 0]),
    (VULS, "fixtures/updateinfo_2023_nvidia.xml.gz", [1, 5, 5, 0, 0]),
    (VULS, "fixtures/updateinfo_2_kernel-5.15.xml.gz", [1, 11, 11, 0, 0]),
    (VULS, "fixtures/org.almalinux.alsa-9.xml.bz2", [8, 36, 36, 0, 0]),
    (VULS, "happy/anolis-23.oval.xml", [2, 18, 18, 0, 0]),
    (VULS, "fixtures/com.oracle.elsa-all.xml.bz2", [4, 18, 18, 0, 0]),
    (VULS, "happy/com.vmware.phsa-photon1.xml.gz", [1, 2, 2, 0, 0]),
    (VULS, "happy/com.vmware.phsa-photon5.xml.gz", [1, 2, 2, 0, 0]),
    (VULS, "happy/opensuse.leap.15.2.xml.gz", [1, 1, 1, 0, 0]),
    (VULS, "happy/opensuse.tumbleweed.xml.gz", [1, 6, 6, 0, 0]),
    (VULS, "happy/suse.linux.enterprise.16-patch.xml.gz", [32, 64, 64, 0, 0]),
    (AZURE, "azurelinux-3.0-oval.xml", [1221, 1221, 1221, 0, 0]),
];

/// Returns the folder of real documents beside the repository.
fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.join(CLAIR).is_file() { Some(folder) } else { None }
}

/// Reads the members of an archive whose paths end in one of the words.
fn read_members(archive: &Path, ends: &[&str]) -> Vec<(String, Harvest)> {
    let file = std::fs::File::open(archive).unwrap();
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut harvests = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        if !ends.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let copy = folder.path().join("document");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        std::fs::write(&copy, bytes).unwrap();
        let limits = Limits::default();
        let mut ignore = |_: &crate::feed::Progress| {};
        let mut reader = Reader::new(&limits, folder.path(), &mut ignore);
        reader.read_path(&copy);
        assert_eq!(reader.failed.len(), 0, "{path}");
        harvests.push((path, reader.harvest));
    }
    harvests
}

fn count(harvest: &Harvest) -> [usize; 5] {
    let mut counts = [harvest.records.len(), 0, 0, 0, 0];
    for affected in harvest.records.iter().flat_map(|record| &record.advisory.affected) {
        let is_fixed = |event: &&RangeEvent| matches!(event, RangeEvent::Fixed(_));
        let fixed = affected.ranges.iter().flatten().filter(is_fixed).count();
        match (fixed, affected.fix_state) {
            (0, FixState::NotAffected) => counts[4] += 1,
            (0, _) => counts[3] += 1,
            (fixed, _) => {
                counts[1] += 1;
                counts[2] += fixed;
            }
        }
    }
    counts
}

#[test]
fn real_documents_say_as_much_as_was_counted_in_them() {
    let Some(data) = data() else {
        return skipped();
    };
    for archive in [CLAIR, VULS, VUNNEL, AZURE] {
        let rows: Vec<_> = COUNTS.iter().filter(|row| row.0 == archive).collect();
        let ends: Vec<&str> = rows.iter().map(|row| row.1).collect();
        let members = read_members(&data.join(archive), &ends);
        for (_, end, expected) in rows {
            let found: Vec<_> = members.iter().filter(|(path, _)| path.ends_with(end)).collect();
            assert_eq!(found.len(), 1, "{end} is in {archive} once");
            assert_eq!(count(&found[0].1), *expected, "{end}");
        }
    }
}

/// Shows what the records of a document say of a package.
fn show_package(archive: &str, end: &str, name: &str) -> Option<String> {
    let members = read_members(&data()?.join(archive), &[end]);
    let records = members.iter().flat_map(|(_, harvest)| &harvest.records);
    let affected = records.flat_map(|record| &record.advisory.affected);
    let named: BTreeSet<String> =
        affected.filter(|one: &&Affected| one.key.name == name).map(show_affected).collect();
    Some(named.into_iter().collect())
}

#[test]
fn real_documents_are_read_as_a_person_reads_them() {
    let check = |archive: &str, end: &str, name: &str, expected: &str| {
        let Some(text) = show_package(archive, end, name) else {
            return skipped();
        };
        let text = text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        assert_eq!(text, expected, "{end} {name}");
    };
    check(
        CLAIR,
        "cve-2023-38545.json",
        "curl-minimal",
        r#"rpm rhel:9 curl-minimal: [">=0 <7.76.1-23.el9_2.4", ">=0 <7.76.1-26.el9_3.2"] [] [] Some("Important") Open Binary"#,
    );
    check(
        VULS,
        "v2/testdata/golden/2023/CVE-2023-6237.json",
        "openssl-libs",
        r#"rpm rhel:9 openssl-libs: [">=0 <1:3.0.7-27.el9"] [] [] Some("Low") Open Binary"#,
    );
    check(
        VULS,
        "v2/testdata/golden/2023/CVE-2023-6237.json",
        "edk2",
        r#"rpm rhel:8 edk2: [">=0"] [] [] Some("low") NotAffected Source
rpm rhel:9 edk2: [">=0"] [] [] Some("Low") Open Source"#,
    );
    check(
        VULS,
        "happy/anolis-23.oval.xml",
        "bind-dnssec-utils",
        r#"rpm anolis:23 bind-dnssec-utils: [">=0 <32:9.18.34-1.an23"] [] [] Some("Important") Open Binary"#,
    );
    check(
        VULS,
        "fixtures/com.oracle.elsa-all.xml.bz2",
        "bind-libs",
        r#"rpm ol:5 bind-libs: [">=0 <30:9.3.3-8.el5"] [] [] Some("MODERATE") Open Binary"#,
    );
    check(
        VULS,
        "fixtures/updateinfo_2_kernel-5.15.xml.gz",
        "kernel",
        r#"rpm amzn:2 kernel: [">=5.15 <5.15.43-20.123.amzn2"] [] [] Some("important") Open Binary"#,
    );
    check(
        AZURE,
        "azurelinux-3.0-oval.xml",
        "oath-toolkit",
        r#"rpm azurelinux:3 oath-toolkit: [">=0 <2.6.7-3.azl3"] [] [] Some("High") Open Source"#,
    );
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skipped() {
    eprintln!("skipped: the folder of real documents is not there");
}

#[test]
fn whole_databases_of_languages_are_read() {
    let Some(data) = data() else {
        return skipped();
    };
    let check = |archive: &str, records: usize, refused: usize| {
        let limits = Limits::default();
        let mut ignore = |_: &crate::feed::Progress| {};
        let folder = tempfile::tempdir().unwrap();
        let mut reader = Reader::new(&limits, folder.path(), &mut ignore);
        reader.read_path(&data.join(archive));
        let harvest = &reader.harvest;
        assert_eq!((harvest.records.len(), harvest.refused.len()), (records, refused), "{archive}");
    };
    // 1,593 files, of which one is no record.
    check("other/friendsofphp.tar.zst", 1592, 0);
    // 1,381 files, of which 147 are on Ruby itself, and two say that nothing is affected.
    check("other/ruby-advisory-db.tar.zst", 1232, 0);
}
