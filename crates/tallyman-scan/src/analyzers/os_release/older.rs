//! The files from before os-release(5): a sentence with the name and the version of the
//! distribution, such as `Red Hat Enterprise Linux Server release 6.10 (Santiago)`.

use tallyman_model::distribution::Distribution;

/// How names begin, and the `ID` that the distribution's os-release has.
const NAMES: [(&str, &str); 23] = [
    ("Red Hat Enterprise Linux", "rhel"),
    ("CentOS", "centos"),
    ("AlmaLinux", "almalinux"),
    ("Rocky Linux", "rocky"),
    ("Oracle Linux", "ol"),
    ("Enterprise Linux Enterprise Linux", "ol"),
    ("Fedora", "fedora"),
    ("Scientific Linux", "scientific"),
    ("Amazon Linux", "amzn"),
    ("Alibaba Cloud Linux", "alinux"),
    ("Aliyun Linux", "alinux"),
    ("Anolis OS", "anolis"),
    ("openEuler", "openeuler"),
    ("EulerOS", "euleros"),
    ("Azure Linux", "azurelinux"),
    ("CBL-Mariner", "mariner"),
    ("VMware Photon", "photon"),
    ("Photon", "photon"),
    ("Mageia", "mageia"),
    ("SUSE Linux Enterprise Server", "sles"),
    ("SUSE Linux Enterprise Desktop", "sled"),
    ("openSUSE", "opensuse"),
    ("Gentoo", "gentoo"),
];

/// Reads the first line, and the lines `VERSION` and `PATCHLEVEL` that SUSE adds.
pub(super) fn parse_sentence(text: &str) -> Option<Distribution> {
    let line = text.lines().next()?.trim();
    let known = NAMES.iter().find(|(name, _)| line.starts_with(name)).map(|(_, id)| *id);
    let id = match known {
        Some(id) => id.to_owned(),
        None => id_of_unknown(line)?,
    };
    let version = suse_version(text).or_else(|| version_in(line).map(str::to_owned));
    let pretty_name = Some(line.to_owned()).filter(|line| line.len() <= 256);
    Some(Distribution { id, version_id: version, pretty_name, ..Distribution::default() })
}

/// The first word that is a number, wherever it stands.
fn version_in(line: &str) -> Option<&str> {
    let is_version = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    line.split_whitespace().find(is_version)
}

/// `VERSION = 12` and `PATCHLEVEL = 5` are the release 12.5.
fn suse_version(text: &str) -> Option<String> {
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim();
            (key.trim() == name && !value.is_empty()).then_some(value)
        })
    };
    let version = value("VERSION")?;
    Some(match value("PATCHLEVEL") {
        Some(pack) if pack != "0" => format!("{version}.{pack}"),
        _ => version.to_owned(),
    })
}

/// A name that is not known is still a name: what comes before the version, as an `ID`.
fn id_of_unknown(line: &str) -> Option<String> {
    let is_name =
        |word: &&str| *word != "release" && !word.starts_with(|c: char| c.is_ascii_digit());
    let words: Vec<String> = line
        .split_whitespace()
        .take_while(is_name)
        .take(4)
        .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect();
    let id = words.join("-").to_lowercase();
    (!id.is_empty() && id.len() <= 64).then_some(id)
}
