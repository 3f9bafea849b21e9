//! Package URLs beyond those of a package version: of images, and with the source package
//! (purl-spec; the qualifier `upstream` is what Syft and Grype use for it).

use packageurl::PackageUrl;

use crate::digest::Digest;
use crate::package::SourcePackage;
use crate::reference::ImageReference;

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
    let upstream = match source.version == version {
        true => source.name.clone(),
        false => format!("{}@{}", source.name, source.version),
    };
    let Ok(mut with_source) = purl.parse::<PackageUrl<'_>>() else { return purl.to_owned() };
    match with_source.add_qualifier("upstream", upstream) {
        Ok(with_source) => with_source.to_string(),
        Err(_) => purl.to_owned(),
    }
}

#[cfg(test)]
mod tests;
