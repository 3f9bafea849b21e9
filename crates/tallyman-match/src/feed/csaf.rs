//! CSAF 2.0 documents in which vendors of distributions say how their packages stand to a
//! vulnerability: Red Hat (<https://security.access.redhat.com/data/csaf/v2/>), SUSE
//! (<https://ftp.suse.com/pub/projects/security/>) and openEuler
//! (<https://repo.openeuler.org/security/data/csaf/>). A document is either on one vulnerability
//! (VEX) or on one update; of the latter each vulnerability is a record of its own, since an update
//! may mend one in fewer packages than another.

pub(crate) mod document;
pub(crate) mod tree;
mod vendor;

use std::collections::HashMap;

use tallyman_model::advisory::{Advisory, Affected, FixState};
use tallyman_model::limits::Limits;

use self::document::{Csaf, Remark, Vulnerability};
use self::tree::Products;
use self::vendor::Vendor;
use super::keys::Outline;
use super::normalize::{normalize, parse_date};
use super::statement::{Standing, Statement, collect};
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, ID_BYTES, SkipReason};

/// More statements than this in one document are an attack on whoever evaluates them.
const STATEMENTS: usize = 500_000;

/// Tells a document by its head. It is large where it lists the packages of many products.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    (outline.has("document") && outline.has_at(1, "csaf_version")).then_some(Extent::Many)
}

/// Reads a document.
pub(super) fn read(
    document: &Document<'_>,
    _limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let csaf: Csaf = serde_json::from_slice(document.bytes)?;
    let Some(vendor) = Vendor::of(&csaf.document.publisher) else {
        harvest.skip("", SkipReason::UnknownVendor);
        return Ok(());
    };
    let id = csaf.document.tracking.id.trim();
    if id.is_empty() || id.len() > ID_BYTES {
        return Err(DocumentError::Content("the id is empty or too long"));
    }
    let feed = vendor.feed(id);
    if csaf.vulnerabilities.iter().map(statement_count).sum::<usize>() > STATEMENTS {
        return Err(DocumentError::Content("it has more statements than a document may have"));
    }
    let products = Products::of(&csaf.product_tree);
    for vulnerability in &csaf.vulnerabilities {
        let Some(name) = name_of(vulnerability) else {
            harvest.refuse(document.name, "a vulnerability has no name, or one that is too long");
            continue;
        };
        let reading = Reading { vendor, products: &products, csaf: &csaf, vulnerability };
        let advisory = reading.advisory(id, name, &feed, harvest);
        if advisory.affected.is_empty() {
            harvest.skip(&feed, SkipReason::CannotMatch);
            continue;
        }
        let scope = if name == id { String::new() } else { name.to_owned() };
        harvest.add(document, FeedRecord { feed: feed.clone(), scope, advisory });
    }
    Ok(())
}

fn name_of(vulnerability: &Vulnerability) -> Option<&str> {
    let others = vulnerability.ids.iter().map(|id| id.text.as_str());
    let mut names = vulnerability.cve.as_deref().into_iter().chain(others);
    names.find(|name| !name.is_empty() && name.len() <= ID_BYTES)
}

fn statement_count(vulnerability: &Vulnerability) -> usize {
    let status = &vulnerability.product_status;
    [
        &status.known_affected,
        &status.first_affected,
        &status.last_affected,
        &status.known_not_affected,
        &status.first_fixed,
        &status.fixed,
        &status.recommended,
        &status.under_investigation,
    ]
    .iter()
    .map(|ids| ids.len())
    .sum()
}

/// One vulnerability of a document.
struct Reading<'a> {
    vendor: Vendor,
    products: &'a Products<'a>,
    csaf: &'a Csaf,
    vulnerability: &'a Vulnerability,
}

impl<'a> Reading<'a> {
    fn advisory(&self, id: &str, name: &str, feed: &str, harvest: &mut Harvest) -> Advisory {
        let tracking = &self.csaf.document.tracking;
        let published = self.vulnerability.release_date.as_deref();
        let mut affected = collect(self.statements(feed, harvest));
        let cvss = take_common_vectors(&mut affected);
        normalize(Advisory {
            id: id.to_owned(),
            aliases: Vec::new(),
            upstream: if name == id { Vec::new() } else { vec![name.to_owned()] },
            published_ms: parse_date(published)
                .or_else(|| parse_date(tracking.initial_release_date.as_deref())),
            modified_ms: parse_date(tracking.current_release_date.as_deref()),
            withdrawn_ms: None,
            cvss,
            affected,
        })
    }

    fn statements(&self, feed: &str, harvest: &mut Harvest) -> Vec<Statement> {
        let status = &self.vulnerability.product_status;
        let states = self.by_product(&self.vulnerability.remediations, fix_state);
        let urgencies = self.by_product(&self.vulnerability.threats, urgency);
        let vectors = self.vectors();
        let everywhere = self
            .vulnerability
            .threats
            .iter()
            .filter(|one| one.product_ids.is_empty() && one.group_ids.is_empty());
        let everywhere = everywhere.filter_map(urgency).next();
        let aggregate = self.csaf.document.aggregate_severity.as_ref();
        let everywhere = everywhere.or_else(|| aggregate.map(|severity| severity.text.clone()));
        let lists = [
            (Said::Fixed, &status.first_fixed),
            (Said::Fixed, &status.fixed),
            (Said::Fixed, &status.recommended),
            (Said::Affected, &status.first_affected),
            (Said::Affected, &status.known_affected),
            (Said::LastAffected, &status.last_affected),
            (Said::NotAffected, &status.known_not_affected),
            (Said::Unknown, &status.under_investigation),
        ];
        let mut statements = Vec::new();
        for (said, id) in lists.iter().flat_map(|(said, ids)| ids.iter().map(move |id| (said, id)))
        {
            let subjects = match self.vendor.subjects(self.products, id, *said) {
                Ok(subjects) => subjects,
                Err(reason) => {
                    harvest.skip(feed, reason);
                    continue;
                }
            };
            for subject in subjects {
                let standing = match (*said, subject.evr) {
                    (Said::NotAffected, _) => Standing::NotAffected,
                    (Said::Fixed, Some(version)) => Standing::FixedIn(version),
                    (Said::LastAffected, Some(version)) => Standing::LastAffected(version),
                    (Said::Affected | Said::LastAffected, _) => {
                        Standing::Unfixed(states.get(&**id).copied().unwrap_or_default())
                    }
                    (Said::Unknown, _) => Standing::Unfixed(FixState::Undetermined),
                    (Said::Fixed, None) => {
                        harvest.skip(feed, SkipReason::InvalidVersion);
                        continue;
                    }
                };
                let urgency = urgencies.get(&**id).or(everywhere.as_ref());
                statements.push(Statement {
                    key: subject.key,
                    naming: subject.naming,
                    module: subject.module,
                    architectures: subject.architecture.into_iter().collect(),
                    standing,
                    urgency: urgency.filter(|word| word.len() <= 64).cloned(),
                    cvss: vectors.get(&**id).cloned().unwrap_or_default(),
                });
            }
        }
        statements
    }

    fn by_product<T: Clone>(
        &self,
        remarks: &'a [Remark],
        read: impl Fn(&Remark) -> Option<T>,
    ) -> HashMap<&'a str, T> {
        let groups = &self.csaf.product_tree.product_groups;
        let mut by_product = HashMap::new();
        for remark in remarks {
            let Some(value) = read(remark) else { continue };
            let named = groups.iter().filter(|group| remark.group_ids.contains(&group.group_id));
            let in_groups = named.flat_map(|group| &group.product_ids);
            for id in remark.product_ids.iter().chain(in_groups) {
                by_product.insert(id.as_str(), value.clone());
            }
        }
        by_product
    }

    fn vectors(&self) -> HashMap<&str, Vec<String>> {
        let mut vectors: HashMap<&str, Vec<String>> = HashMap::new();
        for score in &self.vulnerability.scores {
            for product in &score.products {
                let known = vectors.entry(product).or_default();
                known.extend(score.vectors().map(str::to_owned));
            }
        }
        vectors
    }
}

/// Takes the vectors that all packages have in common which are affected at all: they are the
/// vulnerability's, and need not be kept with each of hundreds of packages.
fn take_common_vectors(affected: &mut [Affected]) -> Vec<String> {
    let mut rated =
        affected.iter_mut().filter(|affected| affected.fix_state != FixState::NotAffected);
    let Some(first) = rated.next() else { return Vec::new() };
    let common = first.cvss.clone();
    let mut others: Vec<&mut Affected> = rated.collect();
    if others.iter().any(|affected| affected.cvss != common) {
        return Vec::new();
    }
    first.cvss.clear();
    others.iter_mut().for_each(|affected| affected.cvss.clear());
    common
}

/// What a list of products says of them (section 3.2.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Fixed,
    Affected,
    LastAffected,
    NotAffected,
    Unknown,
}

/// Red Hat's words stand in the details (`Will not fix`, `Fix deferred`, `Out of support scope`,
/// `Affected`); the category is the specification's (section 3.2.3.12.1).
fn fix_state(remark: &Remark) -> Option<FixState> {
    match (remark.category.as_str(), remark.details.trim()) {
        ("no_fix_planned" | "none_available", "Out of support scope") => Some(FixState::EndOfLife),
        ("no_fix_planned", _) | ("none_available", "Will not fix" | "Fix deferred") => {
            Some(FixState::WillNotFix)
        }
        ("none_available", _) => Some(FixState::Open),
        _ => None,
    }
}

fn urgency(remark: &Remark) -> Option<String> {
    (remark.category == "impact").then(|| remark.details.trim().to_owned())
}
