//! A document in the words of no format, and what a component of it says of a package.

use tallyman_model::package::{Ecosystem, Package, SourcePackage};
use tallyman_model::package_url::{PurlError, PurlPackage, name_and_stream, parse_purl};

/// What tools write where there is no version: Go itself, and Syft.
const NO_VERSIONS: [&str; 2] = ["(devel)", "UNKNOWN"];

/// A document as its format's reader leaves it.
#[derive(Default)]
pub(super) struct Document {
    pub(super) specification: String,
    pub(super) tools: Vec<String>,
    /// What the document as a whole says of itself by name.
    pub(super) properties: Vec<(String, String)>,
    /// Whether the document says that it does not name everything.
    pub(super) is_incomplete: bool,
    /// What it is about. May be a package itself.
    pub(super) root: Option<Component>,
    pub(super) components: Vec<Component>,
}

/// What a component is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Package,
    OperatingSystem,
    /// An image, a file, or what only groups others.
    Other,
}

/// A component of a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Component {
    pub(super) kind: Kind,
    pub(super) group: Option<String>,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) description: Option<String>,
    pub(super) purl: Option<String>,
    pub(super) source_info: Option<String>,
    pub(super) properties: Vec<(String, String)>,
    /// Paths and layers.
    pub(super) places: Vec<(String, Option<String>)>,
}

/// Why a component is no package that could be judged.
pub(super) enum Unjudged {
    /// Nothing says which version it is, so that no advisory can speak of it.
    NoVersion,
    /// Packages of this type are not known here.
    UnknownType(String),
    /// Nothing says what kind of package it is.
    NoPurl,
}

/// Returns the value of the first property with a name.
pub(super) fn find<'a>(properties: &'a [(String, String)], name: &str) -> Option<&'a str> {
    find_all(properties, name).next()
}

/// Returns the values of all properties with a name.
pub(super) fn find_all<'a>(
    properties: &'a [(String, String)],
    name: &str,
) -> impl Iterator<Item = &'a str> {
    properties.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
}

impl Component {
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        find(&self.properties, name)
    }

    /// Reads the package that the component names: by our own properties, else by its package URL.
    pub(super) fn package(&self) -> Result<PurlPackage, Unjudged> {
        let by_purl = self.purl.as_deref().map(parse_purl);
        if let Some(package) = self.own_package(by_purl.as_ref()) {
            return Ok(package);
        }
        let mut read = match by_purl {
            Some(Ok(read)) => read,
            Some(Err(PurlError::UnknownType(kind))) => return Err(Unjudged::UnknownType(kind)),
            Some(Err(PurlError::NoVersion(_))) => return Err(Unjudged::NoVersion),
            Some(Err(PurlError::Malformed(_))) | None => return Err(Unjudged::NoPurl),
        };
        if NO_VERSIONS.contains(&read.package.version.as_str()) {
            return Err(Unjudged::NoVersion);
        }
        read.package.name = self.spelt(read.package.ecosystem, read.package.name);
        if let Some(source) = self.source(read.package.ecosystem) {
            read.package.source = Some(source);
        }
        if let Some(label) = self.property("aquasecurity:trivy:Modularitylabel") {
            read.package.module = Some(name_and_stream(label).to_owned());
        }
        Ok(read)
    }

    /// A component of a document of our own says all without its package URL.
    fn own_package(&self, by_purl: Option<&Result<PurlPackage, PurlError>>) -> Option<PurlPackage> {
        let ecosystem: Ecosystem = self.property("tallyman:ecosystem")?.parse().ok()?;
        let by_purl = by_purl.and_then(|read| read.as_ref().ok());
        let source = self.property("tallyman:source:name").map(|name| SourcePackage {
            name: name.to_owned(),
            version: self.property("tallyman:source:version").unwrap_or_default().to_owned(),
        });
        let of_purl = || by_purl.map(|read| read.package.version.clone());
        Some(PurlPackage {
            package: Package {
                ecosystem,
                name: self.name.clone(),
                version: self.version.clone().or_else(of_purl)?,
                architecture: self.property("tallyman:architecture").map(str::to_owned),
                module: by_purl.and_then(|read| read.package.module.clone()),
                source,
            },
            distribution_id: by_purl.and_then(|read| read.distribution_id.clone()),
            distribution_version: by_purl.and_then(|read| read.distribution_version.clone()),
        })
    }

    /// Package URLs write some names in lower case; the component itself may know better.
    fn spelt(&self, ecosystem: Ecosystem, of_purl: String) -> String {
        let group = self.group.as_deref().unwrap_or_default();
        let candidates =
            [self.name.clone(), format!("{group}/{}", self.name), format!("{group}:{}", self.name)];
        let normal = |name: &str| ecosystem.normalize_name(&name.to_lowercase());
        let wanted = normal(&of_purl);
        candidates.into_iter().find(|name| normal(name) == wanted).unwrap_or(of_purl)
    }

    /// Returns the source package where Trivy wrote it: in properties (CycloneDX) or in the words
    /// of SPDX's source information.
    fn source(&self, ecosystem: Ecosystem) -> Option<SourcePackage> {
        if !ecosystem.is_distribution() {
            return None;
        }
        if let Some((name, version)) = self
            .source_info
            .as_deref()
            .and_then(|text| text.strip_prefix("built package from: ")?.split_once(' '))
        {
            return Some(SourcePackage { name: name.to_owned(), version: version.to_owned() });
        }
        let name = self.property("aquasecurity:trivy:SrcName")?.to_owned();
        let mut version = self.property("aquasecurity:trivy:SrcVersion")?.to_owned();
        if let Some(release) = self.property("aquasecurity:trivy:SrcRelease") {
            version = format!("{version}-{release}");
        }
        let epoch = self.property("aquasecurity:trivy:SrcEpoch").filter(|epoch| *epoch != "0");
        if let Some(epoch) = epoch {
            version = format!("{epoch}:{version}");
        }
        Some(SourcePackage { name, version })
    }

    /// Returns the places: those of the format itself, else what Syft and Trivy say.
    pub(super) fn all_places(&self) -> Vec<(String, Option<String>)> {
        if !self.places.is_empty() {
            return self.places.clone();
        }
        let text = |value: &str| value.to_owned();
        let mut places: Vec<(String, Option<String>)> =
            find_all(&self.properties, "tallyman:location")
                .map(|value| match value.split_once(' ') {
                    Some((layer, path)) if !layer.starts_with('/') => {
                        (text(path), Some(text(layer)))
                    }
                    _ => (text(value), None),
                })
                .collect();
        if places.is_empty() {
            let layer = self
                .property("syft:location:0:layerID")
                .or_else(|| self.property("aquasecurity:trivy:LayerDigest"))
                .or_else(|| self.property("aquasecurity:trivy:LayerDiffID"));
            let path = self
                .property("syft:location:0:path")
                .or_else(|| self.property("aquasecurity:trivy:FilePath"))
                .or_else(|| self.path_of_source_info());
            places.push((path.map(text).unwrap_or_default(), layer.map(text)));
        }
        places
    }

    /// Syft's SPDX and Trivy's say in words where a package was found.
    fn path_of_source_info(&self) -> Option<&str> {
        let text = self.source_info.as_deref()?;
        let paths = text.strip_prefix("package found in: ").or_else(|| {
            text.strip_prefix("acquired package info from ")?.split_once(": ").map(|it| it.1)
        })?;
        paths.split(", ").next()
    }
}
