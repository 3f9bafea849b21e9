//! The codenames of Debian's and Ubuntu's releases (the packages distro-info-data), for images and
//! advisories that know no number.

pub(super) const DEBIAN: [(&str, &str); 10] = [
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("unstable", "sid"),
];

pub(super) const UBUNTU: [(&str, &str); 14] = [
    ("trusty", "14.04"),
    ("xenial", "16.04"),
    ("bionic", "18.04"),
    ("focal", "20.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

/// Devuan's releases with the Debian releases that they are made from.
pub(super) const DEVUAN: [(&str, &str); 8] = [
    ("1", "8"),
    ("2", "9"),
    ("3", "10"),
    ("4", "11"),
    ("5", "12"),
    ("6", "13"),
    ("7", "14"),
    ("ceres", "sid"),
];

/// Returns what a table says of a name.
pub(super) fn number(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let line = table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    line.map(|(_, number)| *number)
}
