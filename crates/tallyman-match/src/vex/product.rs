//! What a statement or a rule means by a product: images by digest, reference or package URL,
//! packages by package URL or CPE.
//!
//! A package URL without a version means every version, and every qualifier that it has must hold
//! (OpenVEX 0.2.0, "Product"). What cannot be decided does not hold.

use packageurl::PackageUrl;
use tallyman_model::digest::Digest;
use tallyman_model::distribution::Distribution;
use tallyman_model::package::{Ecosystem, SourcePackage};
use tallyman_model::reference::ImageReference;
use tallyman_model::vex::ProductName;

use super::wildcard::{is_pattern, matches_text};
use crate::version::compare;

/// Qualifiers that say where a package can be had, not which it is.
const PLACES: [&str; 3] = ["download_url", "file_name", "vcs_url"];

/// The distributions that products of the Common Platform Enumeration mean.
const PLATFORMS: [(&str, &str, &str); 8] = [
    ("redhat", "enterprise_linux", "rhel"),
    ("debian", "debian_linux", "debian"),
    ("canonical", "ubuntu_linux", "ubuntu"),
    ("suse", "sles", "sles"),
    ("opensuse", "leap", "opensuse-leap"),
    ("rocky", "linux", "rocky"),
    ("almalinux", "almalinux", "almalinux"),
    ("oracle", "linux", "ol"),
];

/// What is known of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageView {
    /// The digests of its manifest, its configuration and the indexes that name it.
    pub digests: Vec<Digest>,
    /// What it is called, as references.
    pub names: Vec<String>,
    /// The processor architecture, as images name it.
    pub architecture: Option<String>,
    /// Its distribution.
    pub distribution: Option<Distribution>,
}

/// A package of an image, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageView<'a> {
    /// The ecosystem.
    pub ecosystem: Ecosystem,
    /// The name.
    pub name: &'a str,
    /// The version.
    pub version: &'a str,
    /// The source package, where it is named.
    pub source: Option<&'a SourcePackage>,
    /// The file that names the package.
    pub path: &'a str,
    purl: Option<PackageUrl<'static>>,
}

impl<'a> PackageView<'a> {
    /// Takes what identifies a package; `purl` is the package URL that we ourselves make of it.
    pub fn new(
        ecosystem: Ecosystem,
        (name, version): (&'a str, &'a str),
        source: Option<&'a SourcePackage>,
        path: &'a str,
        purl: &str,
    ) -> Self {
        PackageView { ecosystem, name, version, source, path, purl: purl.parse().ok() }
    }

    /// Tells whether this package is a part of another one: in its archive or program, or beneath
    /// its directory.
    fn is_within(&self, other: &PackageView<'_>) -> bool {
        match other.ecosystem {
            Ecosystem::Maven | Ecosystem::Go => self.is_in_file(other.path),
            Ecosystem::Cargo => !other.path.ends_with(".lock") && self.is_in_file(other.path),
            Ecosystem::Npm => {
                let directory = other.path.strip_suffix("package.json");
                directory.is_some_and(|directory| self.path.starts_with(directory))
            }
            _ => false,
        }
    }

    fn is_in_file(&self, file: &str) -> bool {
        self.path.strip_prefix(file).is_some_and(|rest| rest.is_empty() || rest.starts_with("!/"))
    }
}

/// A product as it is compared: taken apart once.
#[derive(Clone, Debug)]
pub(super) enum Product {
    Image(ImagePattern),
    Package(PackagePattern),
    Cpe(Cpe),
}

impl Product {
    /// Takes a name apart; `None` where it can never hold.
    pub(super) fn parse(name: &ProductName) -> Option<Product> {
        match name {
            ProductName::Digest(digest) => {
                Some(Product::Image(ImagePattern { digest: Some(digest.clone()), ..ANY_IMAGE }))
            }
            ProductName::Image(reference) => {
                ImagePattern::of_reference(reference).map(Product::Image)
            }
            ProductName::Cpe(text) => Cpe::parse(text).map(Product::Cpe),
            ProductName::Purl { purl, versions } => {
                let purl: PackageUrl<'static> = purl.parse().ok()?;
                match purl.ty() {
                    "oci" | "docker" => ImagePattern::of_purl(&purl).map(Product::Image),
                    _ => PackagePattern::parse(purl, versions).map(Product::Package),
                }
            }
        }
    }

    /// Tells whether the package is this product, or is in the image that it is.
    pub(super) fn holds(&self, image: &ImageView, package: &PackageView<'_>) -> bool {
        match self {
            Product::Image(pattern) => pattern.is_of(image),
            Product::Package(pattern) => pattern.is_of(package),
            Product::Cpe(cpe) => cpe.is_of(package),
        }
    }

    /// Tells whether the package is a part of this product.
    pub(super) fn contains(
        &self,
        image: &ImageView,
        all: &[PackageView<'_>],
        package: &PackageView<'_>,
    ) -> bool {
        match self {
            Product::Image(pattern) => pattern.is_of(image),
            Product::Package(pattern) => {
                all.iter().any(|other| package.is_within(other) && pattern.is_of(other))
            }
            Product::Cpe(cpe) => {
                package.ecosystem.is_distribution()
                    && image.distribution.as_ref().is_some_and(|one| cpe.is_platform(one))
            }
        }
    }
}

/// Reads what a document calls a product, if it is of a kind that is known.
pub(super) fn name_of(text: &str) -> Option<ProductName> {
    if text.starts_with("pkg:") {
        return Some(ProductName::purl(text));
    }
    if text.starts_with("cpe:") {
        return Some(ProductName::Cpe(text.to_owned()));
    }
    if let Ok(digest) = text.parse() {
        return Some(ProductName::Digest(digest));
    }
    let is_reference = !text.contains("://") && text.parse::<ImageReference>().is_ok();
    is_reference.then(|| ProductName::Image(text.to_owned()))
}

/// Makes a digest of its parts.
pub(super) fn digest_of(algorithm: &str, hex: &str) -> Option<ProductName> {
    format!("{algorithm}:{}", hex.to_ascii_lowercase()).parse().ok().map(ProductName::Digest)
}

/// What an image must be; each part that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImagePattern {
    digest: Option<Digest>,
    registry: Option<String>,
    repository: Option<String>,
    /// The last part of the repository.
    name: Option<String>,
    tag: Option<String>,
    architecture: Option<String>,
}

const ANY_IMAGE: ImagePattern = ImagePattern {
    digest: None,
    registry: None,
    repository: None,
    name: None,
    tag: None,
    architecture: None,
};

impl ImagePattern {
    /// Reads a digest or a reference, which means every tag where it has none.
    pub(super) fn of_reference(text: &str) -> Option<Self> {
        if let Ok(digest) = text.parse() {
            return Some(ImagePattern { digest: Some(digest), ..ANY_IMAGE });
        }
        let reference: ImageReference = text.parse().ok()?;
        let path = text.split('@').next().unwrap_or_default();
        let has_tag = path.rsplit('/').next().is_some_and(|last| last.contains(':'));
        Some(ImagePattern {
            digest: reference.digest().cloned(),
            registry: Some(reference.registry().to_owned()),
            repository: Some(reference.repository().to_owned()),
            tag: reference.tag().filter(|_| has_tag).map(str::to_owned),
            ..ANY_IMAGE
        })
    }

    /// Reads a package URL of an image (purl-spec, types oci and docker).
    fn of_purl(purl: &PackageUrl<'_>) -> Option<Self> {
        let mut pattern = ImagePattern { name: Some(purl.name().to_owned()), ..ANY_IMAGE };
        match purl.version().map(str::parse) {
            Some(Ok(digest)) => pattern.digest = Some(digest),
            Some(Err(_)) => pattern.tag = purl.version().map(str::to_owned),
            None => {}
        }
        for (name, value) in purl.qualifiers() {
            match name.as_ref() {
                "repository_url" => {
                    let repository = value.trim_start_matches("https://");
                    // That of the type docker is a registry alone.
                    let whole = match (purl.ty(), purl.namespace()) {
                        ("docker", Some(namespace)) => {
                            format!("{repository}/{namespace}/{}", purl.name())
                        }
                        ("docker", None) => format!("{repository}/{}", purl.name()),
                        _ => repository.to_owned(),
                    };
                    let reference: ImageReference = whole.parse().ok()?;
                    pattern.registry = Some(reference.registry().to_owned());
                    pattern.repository = Some(reference.repository().to_owned());
                }
                "tag" => pattern.tag = Some(value.to_string()),
                "arch" => pattern.architecture = Some(value.to_string()),
                "os" if value == "linux" => {}
                other if PLACES.contains(&other) => {}
                _ => return None,
            }
        }
        if let (None, "docker", Some(namespace)) =
            (&pattern.repository, purl.ty(), purl.namespace())
        {
            pattern.repository = Some(format!("{namespace}/{}", purl.name()));
        }
        Some(pattern)
    }

    /// A digest decides alone: an image keeps it wherever it is copied to and whatever it is
    /// called there.
    fn is_of(&self, image: &ImageView) -> bool {
        let is_built_for = self
            .architecture
            .as_ref()
            .is_none_or(|wanted| image.architecture.as_ref() == Some(wanted));
        if !is_built_for {
            return false;
        }
        if let Some(digest) = &self.digest {
            return image.digests.contains(digest);
        }
        image.names.iter().filter_map(|name| name.parse::<ImageReference>().ok()).any(|reference| {
            let is = |wanted: &Option<String>, found: &str| {
                wanted.as_ref().is_none_or(|wanted| wanted == found)
            };
            is(&self.registry, reference.registry())
                && is(&self.repository, reference.repository())
                && is(&self.name, reference.name())
                && is(&self.tag, reference.tag().unwrap_or_default())
        })
    }
}

/// Tells whether an image is what a rule says: a digest, a reference, or a pattern of these.
pub(super) fn image_is(pattern: &str, image: &ImageView) -> bool {
    if !is_pattern(pattern) {
        let by_name = || image.names.iter().any(|name| name == pattern);
        let parsed = ImagePattern::of_reference(pattern);
        return parsed.is_some_and(|parsed| parsed.is_of(image)) || by_name();
    }
    let is = |text: &str| matches_text(pattern, text);
    image.digests.iter().any(|digest| is(&digest.to_string()))
        || image.names.iter().any(|name| is(name) || spellings(name).iter().any(|text| is(text)))
}

/// Returns the ways in which a reference can be written: with and without its tag, and for the
/// default registry without that.
fn spellings(name: &str) -> Vec<String> {
    let Ok(reference) = name.parse::<ImageReference>() else { return Vec::new() };
    let repository = reference.repository();
    let mut spelt = vec![format!("{}/{repository}", reference.registry())];
    if reference.registry() == "docker.io" {
        spelt.push(repository.to_owned());
        spelt.extend(repository.strip_prefix("library/").map(str::to_owned));
    }
    if let Some(tag) = reference.tag() {
        let tagged: Vec<String> = spelt.iter().map(|text| format!("{text}:{tag}")).collect();
        spelt.extend(tagged);
    }
    spelt
}

/// What a package must be.
#[derive(Clone, Debug)]
pub(super) struct PackagePattern {
    purl: PackageUrl<'static>,
    ecosystem: Ecosystem,
    /// Versions and ranges; one of them must hold if there are any.
    versions: Vec<VersionPattern>,
}

impl PackagePattern {
    /// Takes a package URL and further versions that it is meant for; `None` where that can never
    /// hold.
    fn parse(purl: PackageUrl<'static>, versions: &[String]) -> Option<Self> {
        let ecosystem = purl.ty().parse().ok()?;
        let mut patterns: Vec<VersionPattern> =
            versions.iter().filter_map(|text| VersionPattern::parse(text)).collect();
        if patterns.is_empty() && !versions.is_empty() {
            return None;
        }
        if let Some(range) = purl.qualifiers().get("vers") {
            patterns.push(VersionPattern::parse(range)?);
        }
        Some(PackagePattern { purl, ecosystem, versions: patterns })
    }

    /// Reads the package URL of a rule.
    pub(super) fn of_rule(text: &str) -> Option<Self> {
        PackagePattern::parse(text.parse().ok()?, &[])
    }

    fn is_of(&self, package: &PackageView<'_>) -> bool {
        let Some(found) = &package.purl else { return false };
        if self.ecosystem != package.ecosystem || !self.is_in_namespace(found) {
            return false;
        }
        let arch = self.purl.qualifiers().get("arch").map(AsRef::as_ref);
        // A source package stands for all that was built of it.
        let (name, version) = match (arch, package.source) {
            (Some("src" | "source"), Some(source)) => (&*source.name, &*source.version),
            _ => (package.name, package.version),
        };
        let spelt = |name: &str| self.ecosystem.normalize_name(name);
        let is_named = match arch {
            Some("src" | "source") => spelt(self.purl.name()) == spelt(name),
            _ => spelt(self.purl.name()) == spelt(found.name()),
        };
        is_named && self.is_version(version) && self.has_qualifiers(package, found)
    }

    /// The namespace of a distribution's package may be left out.
    fn is_in_namespace(&self, found: &PackageUrl<'_>) -> bool {
        match (self.purl.namespace(), found.namespace()) {
            (None, _) if self.ecosystem.is_distribution() => true,
            (Some("redhat"), Some("rhel")) => true,
            (wanted, found) => wanted == found,
        }
    }

    fn is_version(&self, version: &str) -> bool {
        let own =
            self.purl.version().filter(|version| !version.is_empty()).map(|version| {
                match self.purl.qualifiers().get("epoch").map(AsRef::as_ref) {
                    Some(epoch) if epoch != "0" && !version.contains(':') => {
                        format!("{epoch}:{version}")
                    }
                    _ => version.to_owned(),
                }
            });
        let is_own = own.is_none_or(|own| is_equal(self.ecosystem, &own, version));
        let is_listed = self.versions.is_empty()
            || self.versions.iter().any(|one| one.holds(self.ecosystem, version));
        is_own && is_listed
    }

    fn has_qualifiers(&self, package: &PackageView<'_>, found: &PackageUrl<'_>) -> bool {
        self.purl.qualifiers().iter().all(|(name, wanted)| {
            let same = || found.qualifiers().get(name) == Some(wanted);
            match (name.as_ref(), wanted.as_ref()) {
                ("epoch" | "vers", _) => true,
                ("arch", "src" | "source") => package.source.is_some(),
                ("type", "jar") => self.ecosystem == Ecosystem::Maven,
                ("distro", wanted) => {
                    found.qualifiers().get("distro").is_some_and(|distro| is_distro(distro, wanted))
                }
                (place, _) if PLACES.contains(&place) => true,
                _ => same(),
            }
        })
    }
}

/// `debian-12` may be written `debian-12.5`, `12` or `bookworm`; only the first two are known.
fn is_distro(found: &str, wanted: &str) -> bool {
    let further = wanted.strip_prefix(found);
    found == wanted || further.is_some_and(|rest| rest.starts_with('.'))
}

fn is_equal(ecosystem: Ecosystem, a: &str, b: &str) -> bool {
    a == b || compare(ecosystem, a, b).is_ok_and(std::cmp::Ordering::is_eq)
}

/// A version, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum VersionPattern {
    All,
    One(String),
    /// The constraints of a `vers` range (VERS specification, "Checking if a version is
    /// contained within a range").
    Range(Vec<(Comparator, String)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparator {
    Equal,
    NotEqual,
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl VersionPattern {
    fn parse(text: &str) -> Option<Self> {
        let Some(range) = text.strip_prefix("vers:") else {
            // Words such as "all versions before 3" are none.
            let is_version = !text.is_empty() && !text.contains([' ', '<', '>', '*']);
            return is_version.then(|| VersionPattern::One(text.to_owned()));
        };
        let (_, constraints) = range.split_once('/')?;
        if constraints == "*" {
            return Some(VersionPattern::All);
        }
        let constraints: Option<Vec<_>> = constraints.split('|').map(constraint).collect();
        constraints.filter(|all| !all.is_empty()).map(VersionPattern::Range)
    }

    /// What cannot be compared does not hold.
    fn holds(&self, ecosystem: Ecosystem, version: &str) -> bool {
        match self {
            VersionPattern::All => true,
            VersionPattern::One(one) => is_equal(ecosystem, one, version),
            VersionPattern::Range(constraints) => {
                is_in_range(ecosystem, version, constraints).unwrap_or(false)
            }
        }
    }
}

fn constraint(text: &str) -> Option<(Comparator, String)> {
    const SIGNS: [(&str, Comparator); 6] = [
        (">=", Comparator::AtLeast),
        ("<=", Comparator::AtMost),
        ("!=", Comparator::NotEqual),
        (">", Comparator::Above),
        ("<", Comparator::Below),
        ("=", Comparator::Equal),
    ];
    let text = text.trim();
    let signed =
        SIGNS.iter().find_map(|(sign, comparator)| Some((*comparator, text.strip_prefix(sign)?)));
    let (comparator, version) = signed.unwrap_or((Comparator::Equal, text));
    let version = version.trim().replace("%3A", ":").replace("%2B", "+");
    (!version.is_empty() && version != "*").then_some((comparator, version))
}

fn is_in_range(
    ecosystem: Ecosystem,
    version: &str,
    constraints: &[(Comparator, String)],
) -> Option<bool> {
    let mut bounds = Vec::new();
    let mut has_equal = false;
    for (comparator, at) in constraints {
        let order = compare(ecosystem, version, at).ok()?;
        match comparator {
            Comparator::NotEqual if order.is_eq() => return Some(false),
            Comparator::Equal | Comparator::AtMost | Comparator::AtLeast if order.is_eq() => {
                return Some(true);
            }
            Comparator::NotEqual => {}
            Comparator::Equal => has_equal = true,
            Comparator::Below | Comparator::AtMost => bounds.push((true, order.is_lt())),
            Comparator::Above | Comparator::AtLeast => bounds.push((false, order.is_gt())),
        }
    }
    // Each bound: whether it is an upper one, and whether the version is on its inner side.
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else {
        return Some(!has_equal);
    };
    if matches!(first, (true, true)) || matches!(last, (false, true)) {
        return Some(true);
    }
    let is_between = |pair: &[(bool, bool)]| matches!(pair, [(false, true), (true, true)]);
    Some(bounds.windows(2).any(is_between))
}

/// What is used of a name of the Common Platform Enumeration, 2.2 or 2.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cpe {
    part: String,
    vendor: String,
    product: String,
    version: Option<String>,
}

impl Cpe {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("cpe:2.3:").or_else(|| text.strip_prefix("cpe:/"))?;
        let mut parts = rest.split(':').map(|part| part.replace('\\', "").to_lowercase());
        let (part, vendor, product) = (parts.next()?, parts.next()?, parts.next()?);
        let version = parts.next().filter(|version| !matches!(&**version, "" | "*" | "-"));
        (!product.is_empty() && product != "*").then_some(Cpe { part, vendor, product, version })
    }

    /// A vulnerability's name and the name of the product together leave little doubt, whatever
    /// the vendor is called.
    fn is_of(&self, package: &PackageView<'_>) -> bool {
        let name = package.name.rsplit(['/', ':']).next().unwrap_or_default().to_lowercase();
        let is_version = self
            .version
            .as_ref()
            .is_none_or(|version| is_equal(package.ecosystem, version, package.version));
        self.part == "a" && self.product.replace('_', "-") == name.replace('_', "-") && is_version
    }

    fn is_platform(&self, distribution: &Distribution) -> bool {
        let is_named = PLATFORMS.iter().any(|(vendor, product, id)| {
            self.vendor == *vendor && self.product == *product && distribution.id == *id
        });
        let found = distribution.version_id.as_deref().unwrap_or_default();
        let is_version = self.version.as_ref().is_none_or(|wanted| {
            found
                .strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        is_named && is_version
    }
}

#[cfg(test)]
mod tests;
