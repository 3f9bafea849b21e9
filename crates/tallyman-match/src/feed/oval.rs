//! OVAL definitions (<https://oval.mitre.org/language/version5.11/>) in which distributions of RPMs
//! publish their updates: Oracle Linux (<https://linux.oracle.com/security/oval/>), SUSE
//! (<https://ftp.suse.com/pub/projects/security/oval/>), Azure Linux
//! (<https://github.com/microsoft/AzureLinuxVulnerabilityData>), Alibaba Cloud Linux
//! (<https://mirrors.aliyun.com/alinux/cve/data/OVAL/>), Anolis OS
//! (<https://anas.openanolis.cn/>), AlmaLinux (<https://security.almalinux.org/oval/>) and Photon OS
//! (<https://packages.vmware.com/photon/photon_oval_definitions/>).
//!
//! Nothing is run: a definition's criteria are read as what they always are, which packages of
//! which release are earlier than a version.

mod criteria;
mod tables;
mod vendor;

use std::io::Read;

use tallyman_model::advisory::{Advisory, PackageKey};
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use self::criteria::{Found, Node};
use self::tables::Tables;
use self::vendor::Vendor;
use super::keys::Outline;
use super::normalize::{normalize, parse_loose_date};
use super::statement::{Standing, Statement, collect};
use super::xml::{self, Element, Xml};
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, ID_BYTES, SkipReason, cves_in};

/// More than these in one definition are an attack on whoever evaluates them.
const STATEMENTS: usize = 500_000;

/// More criteria than these in one file are an attack on the memory: all are kept until the tests
/// are known, which come after them. Oracle's whole history has some hundred thousand.
const CRITERIA: usize = 2_500_000;

/// Tells the definitions by their outermost element.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    xml::recognize(outline, "oval_definitions")
}

/// Reads a file of definitions; what they refer to comes after them.
pub(super) fn read(
    document: &Document<'_>,
    stream: &mut dyn Read,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let mut xml = Xml::open(stream, limits)?;
    let mut definitions = Vec::new();
    let mut criteria_left = CRITERIA;
    let mut tables = Tables::new(limits.advisory_records);
    while let Some(section) = xml.child()? {
        match section.name.as_str() {
            "definitions" => {
                read_definitions(&mut xml, limits, &mut criteria_left, &mut definitions)?;
            }
            "tests" => tables.read_tests(&mut xml)?,
            "objects" => tables.read_objects(&mut xml)?,
            "states" => tables.read_states(&mut xml)?,
            _ => xml.skip()?,
        }
    }
    for definition in definitions {
        let Some(vendor) = Vendor::of(&definition.id) else {
            harvest.skip("", SkipReason::UnknownVendor);
            continue;
        };
        let statements = match definition.statements(vendor, &tables, harvest) {
            Ok(statements) => statements,
            Err(reason) => {
                harvest.refuse(format!("{}, {}", document.name, definition.id), reason);
                continue;
            }
        };
        add_records(document, vendor, &definition, statements, harvest);
    }
    Ok(())
}

/// One definition: an update, or a vulnerability.
#[derive(Debug, Default)]
struct Definition {
    id: String,
    class: String,
    platforms: Vec<String>,
    /// References to the vendor's own advisory.
    references: Vec<(String, String)>,
    cves: Vec<Cve>,
    severity: Option<String>,
    issued: Option<String>,
    updated: Option<String>,
    /// Azure Linux looked at it and says that it does not apply.
    is_inapplicable: bool,
    criteria: Option<Node>,
}

#[derive(Debug, Default)]
struct Cve {
    id: String,
    vectors: Vec<String>,
}

fn read_definitions(
    xml: &mut Xml<'_>,
    limits: &Limits,
    criteria_left: &mut usize,
    definitions: &mut Vec<Definition>,
) -> Result<(), DocumentError> {
    while let Some(element) = xml.child()? {
        if element.name != "definition" {
            xml.skip()?;
            continue;
        }
        let count = u64::try_from(definitions.len()).unwrap_or(u64::MAX);
        if count >= limits.advisory_records {
            return Err(DocumentError::Content("it has too many definitions"));
        }
        definitions.push(Definition::read(xml, &element, criteria_left)?);
    }
    Ok(())
}

impl Definition {
    fn read(
        xml: &mut Xml<'_>,
        element: &Element,
        criteria_left: &mut usize,
    ) -> Result<Self, DocumentError> {
        let mut definition = Definition {
            id: element.attribute("id").to_owned(),
            class: element.attribute("class").to_owned(),
            ..Definition::default()
        };
        while let Some(child) = xml.child()? {
            match child.name.as_str() {
                "metadata" => definition.read_metadata(xml)?,
                "criteria" => {
                    definition.criteria = Some(Node::read(xml, &child, criteria_left)?);
                }
                _ => xml.skip()?,
            }
        }
        Ok(definition)
    }

    /// What some put into `advisory` others put beside it.
    fn read_metadata(&mut self, xml: &mut Xml<'_>) -> Result<(), DocumentError> {
        while let Some(child) = xml.child()? {
            match child.name.as_str() {
                "advisory" | "affected" => self.read_metadata(xml)?,
                "platform" => self.platforms.push(xml.text()?),
                "severity" => self.severity = Some(xml.text()?),
                "patchable" => {
                    self.is_inapplicable = xml.text()?.eq_ignore_ascii_case("Not Applicable");
                }
                "advisory_date" => self.issued = Some(xml.text()?),
                "issued" => {
                    self.issued = Some(child.attribute("date").to_owned());
                    xml.skip()?;
                }
                "updated" => {
                    self.updated = Some(child.attribute("date").to_owned());
                    xml.skip()?;
                }
                "reference" => {
                    self.add_reference(child.attribute("source"), child.attribute("ref_id"));
                    xml.skip()?;
                }
                "cve" => {
                    let vectors = ["cvss2", "cvss3", "cvss4"].map(|key| child.attribute(key));
                    // `7.8/CVSS:3.1/AV:N/…`
                    let vectors = vectors.iter().filter_map(|text| text.split_once('/'));
                    let vectors = vectors.map(|(_, vector)| vector.to_owned()).collect();
                    let text = xml.text()?;
                    if let Some(id) = cves_in(&text).next() {
                        self.add_cve(Cve { id: id.to_owned(), vectors });
                    }
                }
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn add_reference(&mut self, source: &str, id: &str) {
        match cves_in(id).next() {
            Some(cve) => self.add_cve(Cve { id: cve.to_owned(), vectors: Vec::new() }),
            None if source == "CWE" || id.is_empty() || id.len() > ID_BYTES => {}
            None => self.references.push((source.to_owned(), id.to_owned())),
        }
    }

    fn add_cve(&mut self, cve: Cve) {
        match self.cves.iter_mut().find(|known| known.id == cve.id) {
            Some(known) => known.vectors.extend(cve.vectors),
            None => self.cves.push(cve),
        }
    }

    /// A vulnerability is named by its CVE; an update by the vendor.
    fn name(&self, vendor: Vendor) -> &str {
        match (self.class.as_str(), self.cves.first(), self.references.first()) {
            ("vulnerability", Some(cve), _) => &cve.id,
            (_, _, Some((_, reference))) if vendor.names_updates_by_reference() => reference,
            _ => self.id.rsplit(':').next().filter(|id| !id.is_empty()).map_or("", |_| &self.id),
        }
    }

    fn statements(
        &self,
        vendor: Vendor,
        tables: &Tables,
        harvest: &mut Harvest,
    ) -> Result<Vec<Statement>, &'static str> {
        if self.id.len() > ID_BYTES {
            return Err("its id is too long");
        }
        let Some(criteria) = self.criteria.as_ref().filter(|_| !self.is_inapplicable) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        criteria.collect(tables, STATEMENTS, &mut found);
        let mut statements = Vec::new();
        for package in found {
            let Some(package) = package else {
                harvest.skip(vendor.feed(), SkipReason::UnknownTest);
                continue;
            };
            for release in self.releases(vendor, &package) {
                if statements.len() == STATEMENTS {
                    return Err("it has more statements than a definition may have");
                }
                statements.push(self.statement(vendor, release, &package));
            }
        }
        Ok(statements)
    }

    fn releases(&self, vendor: Vendor, package: &Found<'_>) -> Vec<DistributionRelease> {
        let version = match &package.standing {
            Standing::FixedIn(version) | Standing::LastAffected(version) => version.as_str(),
            Standing::Unfixed(_) | Standing::NotAffected => "",
        };
        let named = if package.platforms.is_empty() {
            self.platforms.iter().map(String::as_str).collect()
        } else {
            package.platforms.clone()
        };
        let mut releases: Vec<DistributionRelease> =
            named.iter().filter_map(|name| vendor.release(name, version)).collect();
        releases.sort();
        releases.dedup();
        releases
    }

    fn statement(
        &self,
        vendor: Vendor,
        release: DistributionRelease,
        package: &Found<'_>,
    ) -> Statement {
        let standing = match &package.standing {
            Standing::FixedIn(version) => Standing::FixedIn(vendor.repair(version)),
            Standing::LastAffected(version) => Standing::LastAffected(vendor.repair(version)),
            other => other.clone(),
        };
        Statement {
            key: PackageKey {
                ecosystem: Ecosystem::Rpm,
                release: Some(release),
                // `kernel:5.10` is `kernel` of one line.
                name: package.name.split(':').next().unwrap_or(package.name).to_owned(),
            },
            naming: vendor.naming(),
            module: package.module.map(str::to_owned),
            architectures: package.architectures.clone(),
            standing,
            urgency: self.severity.clone().filter(|word| !word.is_empty() && word.len() <= 64),
            cvss: Vec::new(),
        }
    }
}

/// Adds the records of a definition: one for each vulnerability where these have ratings of their
/// own, else one for all.
fn add_records(
    document: &Document<'_>,
    vendor: Vendor,
    definition: &Definition,
    statements: Vec<Statement>,
    harvest: &mut Harvest,
) {
    let feed = vendor.feed();
    let name = vendor.name_of_update(definition.name(vendor));
    if name.is_empty() {
        return harvest.refuse(document.name, "a definition has no name");
    }
    if definition.cves.is_empty() {
        return harvest.skip(feed, SkipReason::NotSecurity);
    }
    let affected = collect(statements);
    if affected.is_empty() {
        return harvest.skip(feed, SkipReason::CannotMatch);
    }
    let scope = match definition.class.as_str() {
        // One vulnerability is defined for each package, or in the file of each product.
        "vulnerability" => vendor.scope(&definition.id, &affected),
        _ => String::new(),
    };
    let advisory = |cves: &[&Cve]| {
        let others = cves.iter().map(|cve| cve.id.clone()).filter(|id| *id != name);
        let vectors = cves.iter().flat_map(|cve| cve.vectors.clone());
        normalize(Advisory {
            id: name.clone(),
            aliases: Vec::new(),
            upstream: others.collect(),
            published_ms: parse_loose_date(definition.issued.as_deref()),
            modified_ms: parse_loose_date(definition.updated.as_deref()),
            withdrawn_ms: None,
            cvss: vectors.collect(),
            affected: affected.clone(),
        })
    };
    let feed = feed.to_owned();
    let is_rated = definition.cves.iter().any(|cve| !cve.vectors.is_empty());
    if is_rated && definition.cves.len() > 1 {
        for cve in &definition.cves {
            let scope = cve.id.clone();
            let record = FeedRecord { feed: feed.clone(), scope, advisory: advisory(&[cve]) };
            harvest.add(document, record);
        }
        return;
    }
    let all: Vec<&Cve> = definition.cves.iter().collect();
    harvest.add(document, FeedRecord { feed, scope, advisory: advisory(&all) });
}
