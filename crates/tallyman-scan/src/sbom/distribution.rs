//! Which distribution a document speaks of, and which release a package belongs to.

use tallyman_model::distribution::{Distribution, DistributionRelease};
use tallyman_model::package_url::PurlPackage;

use super::component::{Component, find_all};

/// What tools call distributions, and what their own os-release does.
const OTHER_NAMES: [(&str, &str); 11] = [
    ("alma", "almalinux"),
    ("amazon", "amzn"),
    ("azure", "azurelinux"),
    ("cbl-mariner", "mariner"),
    ("opensuse.leap", "opensuse-leap"),
    ("opensuse.tumbleweed", "opensuse-tumbleweed"),
    ("oracle", "ol"),
    ("redhat", "rhel"),
    ("slem", "sle-micro"),
    ("suse", "sles"),
    ("suse linux enterprise server", "sles"),
];

fn canonical_id(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let known = OTHER_NAMES.iter().find(|(other, _)| *other == name);
    known.map_or(name, |(_, id)| (*id).to_owned())
}

/// Reads a component that is an operating system.
pub(super) fn of_component(component: &Component) -> Distribution {
    let text = |name: &str| component.property(name).map(str::to_owned);
    let id = text("syft:distro:id").unwrap_or_else(|| component.name.clone());
    let properties = &component.properties;
    let id_like = find_all(properties, "tallyman:distribution:like").map(str::to_owned).collect();
    Distribution {
        id: canonical_id(&id),
        version_id: text("syft:distro:versionID").or_else(|| component.version.clone()),
        codename: text("tallyman:distribution:codename")
            .or_else(|| text("syft:distro:versionCodename")),
        pretty_name: component.description.clone().or_else(|| text("syft:distro:prettyName")),
        id_like,
    }
}

/// Returns the distribution that a package says it belongs to.
pub(super) fn of_package(package: &PurlPackage) -> Option<Distribution> {
    let id = canonical_id(package.distribution_id.as_deref()?);
    let version_id = package.distribution_version.clone();
    Some(Distribution { id, version_id, ..Distribution::default() })
}

/// Returns the release whose feed judges a package: that of the document's distribution, unless
/// the package says that it belongs to another one.
pub(super) fn release_of(
    package: &PurlPackage,
    distribution: Option<&Distribution>,
) -> Option<DistributionRelease> {
    if !package.package.ecosystem.is_distribution() {
        return None;
    }
    match (of_package(package), distribution) {
        (None, distribution) => distribution.map(Distribution::release),
        (Some(own), Some(distribution)) if own.id == distribution.id => {
            Some(distribution.release())
        }
        (Some(own), _) => Some(own.release()),
    }
}
