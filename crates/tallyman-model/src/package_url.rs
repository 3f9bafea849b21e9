//! Package URLs beyond those that a package version makes: of images, with the source package, and
//! those that others wrote (purl-spec; the qualifier `upstream` is what Syft and Grype name source
//! packages by).

use packageurl::PackageUrl;

use crate::digest::Digest;
use crate::package::{Ecosystem, Package, SourcePackage};
use crate::reference::ImageReference;

/// What a package URL says of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurlPackage {
    /// The package. Its name is spelt as the URL spells it, which is not always as the package
    /// does.
    pub package: Package,
    /// The distribution's id, for packages of distributions: of the qualifier `distro`, else the
    /// namespace.
    pub distribution_id: Option<String>,
    /// The version of the distribution, where the qualifier `distro` has one.
    pub distribution_version: Option<String>,
}

/// Why a package URL names no package that could be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    /// It is no package URL.
    #[error("`{0}` is not a package URL")]
    Malformed(String),
    /// Its type is none that is known here.
    #[error("packages of the type {0} are not known here")]
    UnknownType(String),
    /// It names all versions of a package.
    #[error("the package URL `{0}` has no version")]
    NoVersion(String),
}

/// Reads a package URL of any tool.
///
/// # Errors
///
/// Any [`PurlError`].
pub fn parse_purl(text: &str) -> Result<PurlPackage, PurlError> {
    let shown = || text.chars().take(200).collect::<String>();
    let purl: PackageUrl<'_> = text.parse().map_err(|_| PurlError::Malformed(shown()))?;
    let ecosystem: Ecosystem =
        purl.ty().parse().map_err(|_| PurlError::UnknownType(purl.ty().to_owned()))?;
    let qualifier = |name: &str| purl.qualifiers().get(name).map(ToString::to_string);
    let version = purl.version().filter(|version| !version.is_empty());
    let version = version.ok_or_else(|| PurlError::NoVersion(shown()))?;
    // The epoch of a version may stand apart from it.
    let version = match qualifier("epoch") {
        Some(epoch) if ecosystem.is_distribution() && !version.contains(':') && epoch != "0" => {
            format!("{epoch}:{version}")
        }
        _ => version.to_owned(),
    };
    let mut name = ecosystem.join_name(purl.namespace(), purl.name());
    if matches!(ecosystem, Ecosystem::Go | Ecosystem::Npm) {
        name = as_written(text, name);
    }
    // Syft takes the end of a long module path for a path inside the module.
    if let (Ecosystem::Go, Some(subpath)) = (ecosystem, purl.subpath()) {
        name = format!("{name}/{subpath}");
    }
    let is_distribution = ecosystem.is_distribution();
    // The namespace of Portage is the category.
    let names_distribution = is_distribution && ecosystem != Ecosystem::Ebuild;
    let source = qualifier("upstream").filter(|_| is_distribution);
    let distro = qualifier("distro").filter(|_| is_distribution);
    let (distribution_id, distribution_version) =
        distribution(purl.namespace().filter(|_| names_distribution), distro.as_deref());
    Ok(PurlPackage {
        package: Package {
            ecosystem,
            name,
            source: source.map(|text| parse_upstream(&text, &version)),
            version,
            architecture: qualifier("arch").filter(|_| is_distribution),
            module: qualifier("rpmmod").map(|label| name_and_stream(&label).to_owned()),
        },
        distribution_id,
        distribution_version,
    })
}

/// Returns a name as the text spells it. The specification writes the names of Go modules and of
/// npm's packages in lower case, which they need not be in, and by which advisories do not know them.
fn as_written(text: &str, name: String) -> String {
    let path = text.split(['@', '?', '#']).next().unwrap_or(text);
    let at = path.len().checked_sub(name.len());
    match at.and_then(|at| path.get(at..)) {
        Some(written) if written.eq_ignore_ascii_case(&name) => written.to_owned(),
        _ => name,
    }
}

/// Returns the name and stream of a module's label, which goes on behind them:
/// `nodejs:16:8030020201124:229f0a1c`.
pub fn name_and_stream(label: &str) -> &str {
    let end = label.match_indices(':').nth(1).map_or(label.len(), |(at, _)| at);
    label.get(..end).unwrap_or(label)
}

/// Reads `NAME`, `NAME@VERSION`, or the file name of a source RPM.
fn parse_upstream(text: &str, version: &str) -> SourcePackage {
    let made = |name: &str, version: &str| SourcePackage {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    let stem = text.strip_suffix(".src.rpm").or_else(|| text.strip_suffix(".nosrc.rpm"));
    if let Some((rest, release)) = stem.and_then(|stem| stem.rsplit_once('-'))
        && let Some((name, number)) = rest.rsplit_once('-')
    {
        let epoch = version.split_once(':').map(|(epoch, _)| format!("{epoch}:"));
        return made(name, &format!("{}{number}-{release}", epoch.unwrap_or_default()));
    }
    match text.split_once('@') {
        Some((name, of_source)) => made(name, of_source),
        None => made(text, version),
    }
}

/// Takes `debian-12` apart. An id may hold a `-` itself, and Trivy leaves it out for some.
fn distribution(namespace: Option<&str>, distro: Option<&str>) -> (Option<String>, Option<String>) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_ascii_lowercase());
    let Some(distro) = distro else { return (namespace.and_then(some), None) };
    let without_namespace = namespace
        .and_then(|namespace| distro.strip_prefix(namespace)?.strip_prefix('-'))
        .filter(|version| !version.contains('-'));
    match (without_namespace, distro.rsplit_once('-'), namespace) {
        (Some(version), _, Some(namespace)) => (some(namespace), some(version)),
        (_, Some((id, version)), _) => (some(id), some(version)),
        (_, None, Some(namespace)) if distro != namespace => (some(namespace), some(distro)),
        (_, None, _) => (some(distro), None),
    }
}

/// Returns the package URL of an image (purl-spec, type oci), or `None` where the name does not
/// say which registry the image is in: a path is no repository.
pub fn image_purl(name: &str, digest: &Digest, architecture: Option<&str>) -> Option<String> {
    let (host, _) = name.split_once('/')?;
    if !(host.contains(['.', ':']) || host == "localhost") {
        return None;
    }
    let reference: ImageReference = name.parse().ok()?;
    let repository = format!("{}/{}", reference.registry(), reference.repository());
    let mut purl = PackageUrl::new("oci", reference.name().to_owned()).ok()?;
    purl.with_version(digest.to_string()).ok()?;
    purl.add_qualifier("repository_url", repository).ok()?;
    if let Some(architecture) = architecture {
        purl.add_qualifier("arch", architecture.to_owned()).ok()?;
    }
    if let Some(tag) = reference.tag() {
        purl.add_qualifier("tag", tag.to_owned()).ok()?;
    }
    Some(purl.to_string())
}

/// Returns a package URL that names the source package as well. `version` is the package's own,
/// which a source package without one shares. What is no package URL comes back as it is.
pub fn with_upstream(purl: &str, version: &str, source: &SourcePackage) -> String {
    let Ok(mut with_source) = purl.parse::<PackageUrl<'_>>() else { return purl.to_owned() };
    let upstream = match source.version == version {
        // Those of RPMs are files.
        _ if with_source.ty() == Ecosystem::Rpm.name() => {
            let without_epoch = source.version.rsplit(':').next().unwrap_or_default();
            format!("{}-{without_epoch}.src.rpm", source.name)
        }
        true => source.name.clone(),
        false => format!("{}@{}", source.name, source.version),
    };
    match with_source.add_qualifier("upstream", upstream) {
        Ok(with_source) => with_source.to_string(),
        Err(_) => purl.to_owned(),
    }
}

#[cfg(test)]
mod tests;
