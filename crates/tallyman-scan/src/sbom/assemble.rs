//! From a document to what can be judged: packages with their releases, and what stands in the way.

use std::collections::BTreeMap;

use tallyman_model::digest::Digest;
use tallyman_model::distribution::Distribution;
use tallyman_model::inventory::{Diagnostic, DiagnosticKind};
use tallyman_model::limits::Limits;
use tallyman_model::package::PackageVersion;
use tallyman_model::package_url::PurlPackage;

use super::component::{Component, Document, Kind, Unjudged, find, find_all};
use super::distribution::{of_component, of_package, release_of};
use super::{Sbom, SbomImage, SbomLayer, SbomPackage};

/// Puts together what a document says. Over a limit there is a diagnostic that fails it.
pub(super) fn assemble(document: Document, limits: &Limits) -> Sbom {
    let image = document.root.as_ref().map(image).unwrap_or_default();
    let mut findings = Findings::new(limits);
    findings.of_properties(&document.properties);
    let is_ours = find(&document.properties, "tallyman:state").is_some();
    if document.is_incomplete && !is_ours {
        findings.unjudged.push("the document says that it is incomplete".to_owned());
    }
    let declared = document
        .components
        .iter()
        .find(|component| component.kind == Kind::OperatingSystem)
        .map(of_component);
    let root = document.root.iter().filter(|root| root.package().is_ok());
    let mut read: Vec<(&Component, PurlPackage)> = Vec::new();
    for component in root.chain(&document.components) {
        if component.kind == Kind::Package {
            match component.package() {
                Ok(package) => read.push((component, package)),
                Err(why) => findings.unjudged_component(component, why),
            }
        }
    }
    let distribution = declared.or_else(|| common_distribution(&read));
    let mut packages = Vec::new();
    for (component, package) in read {
        let release = release_of(&package, distribution.as_ref());
        let version = PackageVersion { package: package.package, release };
        packages.extend(places(component, &version, &image));
    }
    packages.sort_unstable();
    packages.dedup();
    if packages.len() > limits.sbom_packages {
        packages.truncate(limits.sbom_packages);
        findings.fail(format!(
            "it names more than {} packages (limit sbom-packages)",
            limits.sbom_packages
        ));
    }
    let (diagnostics, unjudged) = findings.finish();
    Sbom {
        specification: document.specification,
        tools: document.tools,
        subjects: None,
        image,
        distribution,
        packages,
        diagnostics,
        unjudged,
    }
}

/// Without an operating system among the components, what all packages agree on.
fn common_distribution(packages: &[(&Component, PurlPackage)]) -> Option<Distribution> {
    let mut named = packages.iter().filter_map(|(_, package)| of_package(package));
    let first = named.next()?;
    named.all(|other| other == first).then_some(first)
}

fn places(component: &Component, version: &PackageVersion, image: &SbomImage) -> Vec<SbomPackage> {
    let is_owned = component.property("tallyman:owned") == Some("true");
    let place = |(path, layer): (String, Option<String>)| {
        let layer_digest: Option<Digest> = layer.and_then(|layer| layer.parse().ok());
        let layer = layer_digest
            .as_ref()
            .and_then(|digest| image.layers.iter().position(|layer| layer.digest == *digest));
        let path = path.trim_start_matches('/').to_owned();
        SbomPackage { version: version.clone(), path, layer, layer_digest, is_owned }
    };
    component.all_places().into_iter().map(place).collect()
}

fn image(root: &Component) -> SbomImage {
    let digest = |text: &str| text.parse::<Digest>().ok();
    let purl = root.purl.as_deref().and_then(|purl| purl.strip_prefix("pkg:oci/"));
    let of_purl = purl.and_then(|purl| {
        let version = purl.split(['?', '#']).next()?.split_once('@')?.1;
        digest(&version.replace("%3A", ":").replace("%3a", ":"))
    });
    let config = root
        .property("tallyman:image:config-digest")
        .or_else(|| root.property("aquasecurity:trivy:ImageID"));
    let layer = |text: &str| {
        let mut parts = text.splitn(3, ' ');
        Some(SbomLayer {
            digest: digest(parts.next()?)?,
            size_bytes: parts.next()?.parse().ok()?,
            media_type: parts.next()?.to_owned(),
        })
    };
    SbomImage {
        name: (!root.name.is_empty()).then(|| root.name.clone()),
        manifest_digest: of_purl.or_else(|| root.version.as_deref().and_then(digest)),
        config_digest: config.and_then(digest),
        platform: root.property("tallyman:image:platform").map(str::to_owned),
        created: root.property("tallyman:image:created").map(str::to_owned),
        layers: find_all(&root.properties, "tallyman:image:layer").filter_map(layer).collect(),
    }
}

/// What is to be said of a document besides its packages.
struct Findings {
    diagnostics: Vec<Diagnostic>,
    maximum: usize,
    dropped: usize,
    unjudged: Vec<String>,
    unknown_types: BTreeMap<String, usize>,
    without_purl: Vec<String>,
}

impl Findings {
    fn new(limits: &Limits) -> Self {
        Findings {
            diagnostics: Vec::new(),
            maximum: limits.diagnostics,
            dropped: 0,
            unjudged: Vec::new(),
            unknown_types: BTreeMap::new(),
            without_purl: Vec::new(),
        }
    }

    /// A document of our own says whether the image could be analysed, and what was left out.
    fn of_properties(&mut self, properties: &[(String, String)]) {
        if find(properties, "tallyman:state") == Some("failed") {
            let reason = find(properties, "tallyman:reason").unwrap_or("it says no reason");
            self.fail(format!("it says that the image could not be analysed: {reason}"));
        }
        for text in find_all(properties, "tallyman:diagnostic") {
            self.note(DiagnosticKind::Skipped, text.to_owned());
        }
    }

    fn fail(&mut self, reason: String) {
        self.diagnostics.push(Diagnostic {
            path: String::new(),
            kind: DiagnosticKind::Failed,
            reason,
        });
    }

    fn note(&mut self, kind: DiagnosticKind, reason: String) {
        if self.diagnostics.len() < self.maximum {
            self.diagnostics.push(Diagnostic { path: String::new(), kind, reason });
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    fn unjudged_component(&mut self, component: &Component, why: Unjudged) {
        let name: String = component.name.chars().take(200).collect();
        match why {
            Unjudged::NoVersion => {
                let reason = format!("{name} has no version, so no advisory can speak of it");
                self.note(DiagnosticKind::Skipped, reason);
            }
            Unjudged::UnknownType(kind) => {
                let count = self.unknown_types.entry(kind).or_default();
                *count = count.saturating_add(1);
            }
            Unjudged::NoPurl => self.without_purl.push(name),
        }
    }

    fn finish(mut self) -> (Vec<Diagnostic>, Vec<String>) {
        if self.dropped > 0 {
            let reason = format!("and {} more that is not listed", self.dropped);
            let kind = DiagnosticKind::Skipped;
            self.diagnostics.push(Diagnostic { path: String::new(), kind, reason });
        }
        for (kind, count) in &self.unknown_types {
            self.unjudged.push(format!("packages of the type {kind} are not known here ({count})"));
        }
        if let Some(first) = self.without_purl.first() {
            let others = match self.without_purl.len().saturating_sub(1) {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            self.unjudged.push(format!("{first}{others} has no package URL"));
        }
        self.diagnostics.sort_unstable();
        (self.diagnostics, self.unjudged)
    }
}
