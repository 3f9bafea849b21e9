//! `updateinfo.xml`, the list of updates that repositories of RPMs carry (createrepo's format, read
//! by yum, dnf and zypper): Amazon Linux with its extra repositories, AlmaLinux, Rocky Linux,
//! Oracle Linux, Red Hat, Fedora, openEuler, Anolis OS, Alibaba Cloud Linux. One list is of one
//! repository for one architecture.

mod vendor;

use std::collections::BTreeSet;
use std::io::Read;

use tallyman_model::advisory::{Advisory, Naming, PackageKey, RangeEvent};
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use self::vendor::Vendor;
use super::keys::Outline;
use super::normalize::{normalize, parse_loose_date};
use super::statement::{Standing, Statement, collect};
use super::xml::{self, Element, Xml};
use super::{
    Document, DocumentError, Extent, FeedRecord, Harvest, ID_BYTES, SkipReason, cves_in, nevra,
};

/// More packages than this in one update are an attack on whoever evaluates them.
const PACKAGES: usize = 200_000;

/// Tells the list by its outermost element.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    xml::recognize(outline, "updates")
}

/// Reads a list, one update after the other.
pub(super) fn read(
    document: &Document<'_>,
    stream: &mut dyn Read,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let mut xml = Xml::open(stream, limits)?;
    let mut count = 0_u64;
    while let Some(element) = xml.child()? {
        if element.name != "update" {
            xml.skip()?;
            continue;
        }
        count += 1;
        if count > limits.advisory_records {
            return Err(DocumentError::Content("it has too many updates"));
        }
        let update = Update::read(&mut xml, &element)?;
        add_record(document, update, harvest);
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Update {
    kind: String,
    id: String,
    release: String,
    severity: String,
    issued: String,
    updated: String,
    cves: BTreeSet<String>,
    /// The name of the first collection.
    collection: Option<String>,
    packages: Vec<Package>,
    /// There were more packages than an update may have.
    is_too_large: bool,
}

#[derive(Debug)]
struct Package {
    name: String,
    epoch: String,
    version: String,
    release: String,
    architecture: String,
    module: Option<String>,
}

impl Update {
    fn read(xml: &mut Xml<'_>, element: &Element) -> Result<Self, DocumentError> {
        let kind = element.attribute("type").to_owned();
        let mut update = Update { kind, ..Update::default() };
        while let Some(child) = xml.child()? {
            match child.name.as_str() {
                "id" => update.id = xml.text()?,
                "release" => update.release = xml.text()?,
                "severity" => update.severity = xml.text()?,
                "issued" => {
                    child.attribute("date").clone_into(&mut update.issued);
                    xml.skip()?;
                }
                "updated" => {
                    child.attribute("date").clone_into(&mut update.updated);
                    xml.skip()?;
                }
                "references" => update.read_references(xml)?,
                "pkglist" => update.read_collections(xml)?,
                _ => xml.skip()?,
            }
        }
        Ok(update)
    }

    /// Fedora refers to bugs whose titles name the vulnerability.
    fn read_references(&mut self, xml: &mut Xml<'_>) -> Result<(), DocumentError> {
        while let Some(child) = xml.child()? {
            for text in [child.attribute("id"), child.attribute("title")] {
                self.cves.extend(cves_in(text).map(str::to_owned));
            }
            xml.skip()?;
        }
        Ok(())
    }

    fn read_collections(&mut self, xml: &mut Xml<'_>) -> Result<(), DocumentError> {
        while let Some(collection) = xml.child()? {
            if self.collection.is_none() {
                self.collection = Some(collection.attribute("short").to_owned());
            }
            let mut module = None;
            while let Some(child) = xml.child()? {
                match child.name.as_str() {
                    "module" => {
                        let (name, stream) = (child.attribute("name"), child.attribute("stream"));
                        let is_named = !name.is_empty() && !stream.is_empty();
                        module = is_named.then(|| format!("{name}:{stream}"));
                    }
                    "package" if self.packages.len() < PACKAGES => {
                        self.packages.push(Package {
                            name: child.attribute("name").to_owned(),
                            epoch: child.attribute("epoch").to_owned(),
                            version: child.attribute("version").to_owned(),
                            release: child.attribute("release").to_owned(),
                            architecture: child.attribute("arch").to_owned(),
                            module: module.clone(),
                        });
                    }
                    "package" => self.is_too_large = true,
                    _ => {}
                }
                xml.skip()?;
            }
        }
        Ok(())
    }

    fn statements(&self, vendor: Vendor, harvest: &mut Harvest) -> Vec<Statement> {
        let mut statements = Vec::new();
        for package in &self.packages {
            let is_debug =
                package.name.ends_with("-debuginfo") || package.name.ends_with("-debugsource");
            if is_debug || package.architecture == "src" {
                continue;
            }
            let Some(release) = vendor.release(&self.id, &self.release, &package.release) else {
                harvest.skip(vendor.feed(), SkipReason::NoRelease);
                continue;
            };
            if package.name.is_empty() || package.version.is_empty() {
                harvest.skip(vendor.feed(), SkipReason::NoPackage);
                continue;
            }
            let evr = nevra::evr(Some(&package.epoch), &package.version, Some(&package.release));
            statements.push(Statement {
                key: PackageKey {
                    ecosystem: Ecosystem::Rpm,
                    release: Some(release),
                    name: package.name.clone(),
                },
                naming: Naming::Binary,
                // A collection of a module holds packages of the module only, as their tags say.
                module: package.module.clone().filter(|_| package.release.contains("module")),
                architectures: Some(package.architecture.clone())
                    .filter(|word| !word.is_empty())
                    .into_iter()
                    .collect(),
                standing: Standing::FixedIn(evr),
                urgency: Some(self.severity.clone())
                    .filter(|word| !word.is_empty() && word.len() <= 64),
                cvss: Vec::new(),
            });
        }
        statements
    }
}

fn add_record(document: &Document<'_>, update: Update, harvest: &mut Harvest) {
    if update.id.is_empty() || update.id.len() > ID_BYTES {
        return harvest.refuse(document.name, "an update has no id, or one that is too long");
    }
    let name = || format!("{}, {}", document.name, update.id);
    if update.is_too_large {
        return harvest.refuse(name(), "it has more packages than an update may have");
    }
    let Some(vendor) = Vendor::of(&update.id) else {
        return harvest.skip("", SkipReason::UnknownVendor);
    };
    if update.cves.is_empty() && update.kind != "security" {
        return harvest.skip(vendor.feed(), SkipReason::NotSecurity);
    }
    let mut affected = collect(update.statements(vendor, harvest));
    if affected.is_empty() {
        return harvest.skip(vendor.feed(), SkipReason::CannotMatch);
    }
    if let Some(first) = vendor.first_version(&update.id) {
        let ranges = affected.iter_mut().flat_map(|affected| &mut affected.ranges);
        ranges.for_each(|events| begin_at(events, &first));
    }
    let advisory = normalize(Advisory {
        id: update.id.clone(),
        aliases: Vec::new(),
        upstream: update.cves.into_iter().collect(),
        published_ms: parse_loose_date(Some(&update.issued)),
        modified_ms: parse_loose_date(Some(&update.updated)),
        withdrawn_ms: None,
        cvss: Vec::new(),
        affected,
    });
    let scope = update.collection.unwrap_or_default();
    let scope = if scope.len() > ID_BYTES { String::new() } else { scope };
    harvest.add(document, FeedRecord { feed: vendor.feed().to_owned(), scope, advisory });
}

/// Lets a range begin at a version of the line that its end is of: a package of another line is
/// another repository's.
fn begin_at(events: &mut [RangeEvent], first: &str) {
    let end = events.iter().find_map(|event| match event {
        RangeEvent::Fixed(version) => Some(version.clone()),
        RangeEvent::Introduced(_) | RangeEvent::LastAffected(_) | RangeEvent::Limit(_) => None,
    });
    let Some(end) = end else { return };
    let (epoch, version) = end.split_once(':').map_or(("", &*end), |(epoch, rest)| (epoch, rest));
    let rest = version.strip_prefix(first);
    if !rest.is_some_and(|rest| rest.starts_with(['.', '-', '_'])) {
        return;
    }
    for event in events {
        if let RangeEvent::Introduced(from) = event {
            *from = if epoch.is_empty() { first.to_owned() } else { format!("{epoch}:{first}") };
        }
    }
}
