//! Which packages a jar is: those whose Maven coordinates lie in it, and itself.
//!
//! The coordinates of a jar are its own, those of everything that was shaded into it, or both. If
//! none are its own, its manifest and the name of the file tell what it is; where even the version
//! is missing, nothing is said.

use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::is_token;
use crate::analyzers::java::file_name::FileName;
use crate::analyzers::java::groups::group_of;
use crate::analyzers::java::manifest::{Attribute, Manifest};
use crate::analyzers::java::properties::Coordinates;

/// What a jar is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The packages that it is for sure, ordered.
    pub(super) packages: Vec<Package>,
    /// Whether it is one of them itself. If not, an index may know it.
    pub(super) is_known: bool,
    /// What it is itself if no index knows it.
    pub(super) guess: Option<Package>,
}

/// Says what a jar is.
pub(super) fn identify(base: &str, manifest: &Manifest, poms: Vec<Coordinates>) -> Identity {
    let (itself, is_known) = match judge(base, manifest, &poms) {
        Judgement::Known => (None, true),
        Judgement::Unknown => (None, false),
        Judgement::Said { package, is_sure } => (Some(package), is_sure),
    };
    let mut packages: Vec<Package> =
        poms.into_iter().map(|it| package(Some(it.group), it.artifact, it.version)).collect();
    let guess = match is_known {
        true => {
            packages.extend(itself);
            None
        }
        false => itself,
    };
    packages.sort_unstable();
    packages.dedup();
    Identity { packages, is_known, guess }
}

fn package(group: Option<String>, artifact: String, version: String) -> Package {
    let name = match group {
        Some(group) => format!("{group}:{artifact}"),
        None => artifact,
    };
    Package::new(Ecosystem::Maven, name, version)
}

/// What is known of the jar itself.
enum Judgement {
    /// Some of the coordinates in it are its own, or nobody published it.
    Known,
    Unknown,
    /// File name or manifest say it; for sure if it is well known under this name.
    Said {
        package: Package,
        is_sure: bool,
    },
}

fn judge(base: &str, manifest: &Manifest, poms: &[Coordinates]) -> Judgement {
    // It changes another jar, and bears its name.
    if manifest.get(Attribute::WeaveClasses).is_some() {
        return Judgement::Known;
    }
    let file = FileName::parse(base);
    let said = match jenkins_plugin(manifest) {
        Some((name, _)) if poms.iter().any(|pom| pom.artifact == name) => return Judgement::Known,
        Some(said) => Some(said),
        None if poms.iter().any(|pom| is_named(pom, file)) => return Judgement::Known,
        None => match itself(file, manifest, poms) {
            Itself::Known => return Judgement::Known,
            Itself::Unknown => None,
            Itself::Said(name, version) => Some((name, version)),
        },
    };
    let is_sound =
        |(name, version): &(&str, &str)| is_token(name) && is_token(version) && !name.contains(':');
    let Some((name, version)) = said.filter(is_sound) else {
        return Judgement::Unknown;
    };
    let is_sure = group_of(name, version).is_some();
    let (group, artifact) = group_and_artifact(name, version, manifest);
    let package = package(group, artifact.to_owned(), version.to_owned());
    Judgement::Said { package, is_sure }
}

/// A plugin is known by its short name; the file's is whatever an administrator called it.
fn jenkins_plugin(manifest: &Manifest) -> Option<(&str, &str)> {
    manifest.get(Attribute::PluginVersion)?;
    let name = manifest.get(Attribute::ShortName).or(manifest.get(Attribute::ExtensionName))?;
    Some((name, manifest.version()?))
}

/// Tells whether coordinates are those of the file: it is named after the artifact, or after group
/// and artifact.
fn is_named(pom: &Coordinates, file: FileName<'_>) -> bool {
    if file.name == pom.artifact || begins_with(file.stem, pom) {
        return true;
    }
    let is_prefixed = file
        .name
        .strip_suffix(pom.artifact.as_str())
        .is_some_and(|prefix| prefix.ends_with(['.', '-', '_']));
    is_prefixed && file.version.is_none_or(|version| version.starts_with(&pom.version))
}

/// Tells whether a name is that of an artifact, alone or with its version. The artifact may itself
/// end like a version: `log4j-1.2-api`, `hive-shims-0.23`.
fn begins_with(stem: &str, pom: &Coordinates) -> bool {
    let Some((artifact, rest)) = stem.split_at_checked(pom.artifact.len()) else {
        return false;
    };
    let is_version = |rest: &str| rest.starts_with(&pom.version);
    is_alike(artifact, &pom.artifact)
        && (rest.is_empty() || rest.strip_prefix(['-', '_']).is_some_and(is_version))
}

/// Tells whether two names are the same but for their dots, dashes and underscores.
fn is_alike(one: &str, other: &str) -> bool {
    let dashed = |byte: u8| if byte == b'.' || byte == b'_' { b'-' } else { byte };
    one.bytes().map(dashed).eq(other.bytes().map(dashed))
}

/// What a jar is without coordinates that bear its name.
enum Itself<'a> {
    /// That of coordinates in it.
    Known,
    Unknown,
    Said(&'a str, &'a str),
}

fn itself<'a>(file: FileName<'a>, manifest: &'a Manifest, poms: &[Coordinates]) -> Itself<'a> {
    if let Some(version) = file.version {
        // A jar that was renamed, but not to another version.
        return match poms {
            [pom] if pom.version == version => Itself::Known,
            _ => Itself::Said(file.name, version),
        };
    }
    let is_a_poms = |pom: &Coordinates, version: &str| {
        pom.version == version && is_said(manifest, &pom.artifact)
    };
    match manifest.version() {
        Some(version) if poms.iter().any(|pom| is_a_poms(pom, version)) => Itself::Known,
        Some(version) if poms.is_empty() || is_said(manifest, file.name) => {
            Itself::Said(file.name, version)
        }
        // The only coordinates may be its own, or those of what was shaded into it.
        Some(_) | None => Itself::Unknown,
    }
}

/// Tells whether the manifest bears a name out.
fn is_said(manifest: &Manifest, name: &str) -> bool {
    let title = manifest.get(Attribute::ImplementationTitle);
    title.is_some_and(|title| title.eq_ignore_ascii_case(name))
        || dotted_names(manifest).any(|dotted| group_before(dotted, name).is_some())
}

/// The names by which a runtime knows the jar: `org.apache.commons.io`.
fn dotted_names(manifest: &Manifest) -> impl Iterator<Item = &str> {
    [Attribute::BundleSymbolicName, Attribute::AutomaticModuleName]
        .into_iter()
        .filter_map(|attribute| manifest.get(attribute))
        .filter_map(|value| value.split(';').next())
        .map(str::trim)
}

/// Returns what stands before the artifact in a name that is made of group and artifact.
fn group_before<'a>(dotted: &'a str, artifact: &str) -> Option<&'a str> {
    if dotted.eq_ignore_ascii_case(artifact) {
        return Some("");
    }
    dotted.match_indices('.').find_map(|(at, _)| {
        let (group, end) = dotted.split_at_checked(at)?;
        is_alike(end.strip_prefix('.')?, artifact).then_some(group)
    })
}

fn group_and_artifact<'a>(
    name: &'a str,
    version: &str,
    manifest: &'a Manifest,
) -> (Option<String>, &'a str) {
    if let Some(group) = group_of(name, version) {
        return (Some(group.to_owned()), name);
    }
    // The files of a Tomcat have short names (`catalina.jar`), and names of their own in here.
    let of_tomcat = manifest
        .get(Attribute::BundleSymbolicName)
        .and_then(|name| name.strip_prefix("org.apache."))
        .filter(|artifact| artifact.starts_with("tomcat-") && artifact.ends_with(name));
    if let Some(artifact) = of_tomcat {
        return (Some("org.apache.tomcat".to_owned()), artifact);
    }
    // Some put the group before the name of each file (`io.netty.netty-codec-4.1.jar`).
    if let Some((group, artifact)) = name.rsplit_once('.').filter(|_| is_prefixed(name)) {
        return (Some(group.to_owned()), artifact);
    }
    // The interfaces of Java EE: `javax.servlet:javax.servlet-api`, `javax.inject:javax.inject`.
    if name.starts_with("javax.") || name.starts_with("jakarta.") {
        return (Some(name.strip_suffix("-api").unwrap_or(name).to_owned()), name);
    }
    let said = [Attribute::GroupId, Attribute::ImplementationVendorId]
        .into_iter()
        .filter_map(|attribute| manifest.get(attribute));
    let group = said
        .chain(dotted_names(manifest).filter_map(|dotted| group_before(dotted, name)))
        .find(|group| is_group(group));
    (group.map(str::to_owned), name)
}

/// Tells whether a name begins with a group. Some projects have it in the artifact itself.
fn is_prefixed(name: &str) -> bool {
    const TOPS: [&str; 5] = ["com.", "org.", "net.", "io.", "dev."];
    const OWN: [&str; 4] = ["org.eclipse.", "org.osgi.", "org.apache.felix.", "org.apache.karaf."];
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    starts(&TOPS) && !starts(&OWN) && name.matches('.').count() >= 2
}

/// Tells whether a text is a group and not the name of a company.
fn is_group(text: &str) -> bool {
    let is_sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    // Nothing is published right under these, but some call them the vendor.
    let is_vendor_alone = matches!(text, "org.apache" | "com.sun");
    text.contains('.') && !is_vendor_alone && text.chars().all(is_sound)
}

#[cfg(test)]
mod tests;
