//! How each vendor writes its products and packages into CSAF.

use std::str::FromStr;

use packageurl::PackageUrl;
use tallyman_model::advisory::{Naming, PackageKey};
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::package::Ecosystem;

use super::Said;
use super::document::{Product, Publisher};
use super::tree::{Part, Products};
use crate::feed::SkipReason;
use crate::feed::nevra;
use crate::feed::osv::ecosystem::{red_hat, suse};

/// A vendor whose products are distributions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    RedHat,
    Suse,
    OpenEuler,
}

/// A package that a statement speaks of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) key: PackageKey,
    pub(super) naming: Naming,
    pub(super) evr: Option<String>,
    pub(super) architecture: Option<String>,
    pub(super) module: Option<String>,
}

/// A package as a component names it.
struct Package {
    name: String,
    evr: Option<String>,
    architecture: Option<String>,
    module: Option<String>,
    has_purl: bool,
}

impl Vendor {
    /// Tells the vendor by the publisher's namespace.
    pub(super) fn of(publisher: &Publisher) -> Option<Self> {
        let host = publisher.namespace.trim_start_matches("https://").trim_end_matches('/');
        match host {
            "www.redhat.com" => Some(Vendor::RedHat),
            "www.suse.com" => Some(Vendor::Suse),
            "www.openeuler.org" => Some(Vendor::OpenEuler),
            _ => None,
        }
    }

    /// Returns the feed of a document: those on vulnerabilities and those on updates say the same
    /// in two ways, so each is whole without the other.
    pub(super) fn feed(self, id: &str) -> String {
        let vendor = match self {
            Vendor::RedHat => "redhat",
            Vendor::Suse => "suse",
            Vendor::OpenEuler => "openeuler",
        };
        let kind = if id.starts_with("CVE-") { "vex" } else { "csaf" };
        format!("{vendor}-{kind}")
    }

    /// Returns the packages that a product id speaks of.
    pub(super) fn subjects(
        self,
        products: &Products<'_>,
        id: &str,
        said: Said,
    ) -> Result<Vec<Subject>, SkipReason> {
        let part = products.find_part(id).ok_or(SkipReason::NoPackage)?;
        let release = self.release(part.platform)?;
        let package = self.package(&part)?;
        if package.name.ends_with("-debuginfo") || package.name.ends_with("-debugsource") {
            return Ok(Vec::new());
        }
        let is_source = package.architecture.as_deref() == Some("src");
        let namings: &[Naming] = match self {
            // The binary packages that were built from it are listed beside it.
            Vendor::RedHat | Vendor::Suse if is_source && said == Said::Fixed => &[],
            Vendor::RedHat | Vendor::OpenEuler if is_source => &[Naming::Source],
            // An older document's name without a package URL may be that of either.
            Vendor::RedHat if !package.has_purl => &[Naming::Binary, Naming::Source],
            Vendor::RedHat | Vendor::OpenEuler => &[Naming::Binary],
            // A name without a version may be that of a source package.
            Vendor::Suse if package.evr.is_none() => &[Naming::Binary, Naming::Source],
            Vendor::Suse => &[Naming::Binary],
        };
        let subjects = namings.iter().map(|naming| Subject {
            key: PackageKey {
                ecosystem: Ecosystem::Rpm,
                release: Some(release.clone()),
                name: package.name.clone(),
            },
            naming: *naming,
            evr: package.evr.clone(),
            architecture: package.architecture.clone().filter(|word| word != "src"),
            module: package.module.clone(),
        });
        Ok(subjects.collect())
    }

    fn release(self, platform: &Product) -> Result<DistributionRelease, SkipReason> {
        let cpe = platform.product_identification_helper.cpe.as_deref().unwrap_or("");
        match self {
            Vendor::RedHat => {
                let product = cpe.splitn(4, ':').nth(3).ok_or(SkipReason::NoRelease)?;
                red_hat(product).map(|(_, release)| release)
            }
            Vendor::Suse => {
                let (base, product) =
                    platform.name.split_once(' ').ok_or(SkipReason::OtherProduct)?;
                // `SUSE Linux Enterprise Server 11 SP4 LTSS` is written with a hyphen elsewhere.
                suse(base, product.strip_suffix(" LTSS").unwrap_or(product))
                    .map(|(_, release)| release)
            }
            Vendor::OpenEuler => {
                let version = platform.name.strip_prefix("openEuler-");
                let version = version.ok_or(SkipReason::OtherProduct)?;
                Ok(DistributionRelease::new("openeuler", version))
            }
        }
    }

    fn package(self, part: &Part<'_>) -> Result<Package, SkipReason> {
        let helper = &part.component.product_identification_helper;
        match (self, helper.purl.as_deref()) {
            (Vendor::RedHat, Some(purl)) => package_of_purl(purl, part),
            (Vendor::RedHat, None) if !part.component.name.contains('-') => {
                Ok(bare(&part.component.name))
            }
            _ => match nevra::parse(&part.component.name) {
                Some(nevra) => Ok(Package {
                    name: nevra.name,
                    evr: Some(nevra.evr),
                    architecture: nevra.architecture,
                    module: None,
                    has_purl: false,
                }),
                None if part.component.name.contains('/') => Err(SkipReason::NoPackage),
                None => Ok(bare(&part.component.name)),
            },
        }
    }
}

fn bare(name: &str) -> Package {
    Package { name: name.to_owned(), evr: None, architecture: None, module: None, has_purl: false }
}

/// `pkg:rpm/redhat/ruby@2.5.9-111.module%2Bel8.9.0?arch=x86_64&rpmmod=ruby:2.5:8090020230627:b46a`
fn package_of_purl(purl: &str, part: &Part<'_>) -> Result<Package, SkipReason> {
    let purl = PackageUrl::from_str(purl).map_err(|_| SkipReason::NoPackage)?;
    if purl.ty() != "rpm" {
        return Err(SkipReason::OtherProduct);
    }
    let qualifier = |key: &str| purl.qualifiers().get(key).map(AsRef::as_ref);
    let module = match qualifier("rpmmod") {
        Some(module) => Some(stream(module).ok_or(SkipReason::NoModule)?),
        // Before there were such qualifiers: `nodejs:18/nodejs`.
        None => match part.component.product_id.split_once('/') {
            Some((module, _)) => stream(module),
            None => part.between.and_then(|product| stream(&product.name)),
        },
    };
    // An unfixed package of a module has the stream where others have the version.
    let evr = purl.version().filter(|version| version.contains('-'));
    let evr = evr.map(|version| nevra::evr(qualifier("epoch"), version, None));
    Ok(Package {
        name: purl.name().to_owned(),
        evr,
        architecture: qualifier("arch").map(str::to_owned),
        module,
        has_purl: true,
    })
}

/// `ruby:2.5` of `ruby:2.5:8090020230627084142:1b46ad14`.
fn stream(module: &str) -> Option<String> {
    let mut parts = module.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !stream.is_empty()).then(|| format!("{name}:{stream}"))
}
