//! What VEX statements and ignore rules come to for one finding in one image.
//!
//! Of the statements that hold the newest decides; of two of one date the one that is more careful.
//! Statements and rules are taken apart once and found by the vulnerability that they name.

use std::collections::{BTreeSet, HashMap};

use tallyman_model::clock::format_utc;
use tallyman_model::finding::Finding;
use tallyman_model::finding_state::{AppliedRule, AppliedStatement, FindingState};
use tallyman_model::host::ServerUuid;
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::vex::{ProductName, VexDocument, VexStatement, VexStatus};

pub use super::product::{ImageView, PackageView};
use super::product::{PackagePattern, Product, image_is};
use super::wildcard::{matches_path, matches_text};

/// Statements and rules, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Suppressions {
    documents: Vec<(String, String)>,
    statements: Vec<Statement>,
    by_vulnerability: HashMap<String, Vec<usize>>,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Statement {
    /// The index of its document.
    document: usize,
    status: VexStatus,
    justification: Option<String>,
    impact: Option<String>,
    updated_ms: Option<i64>,
    products: Vec<Meant>,
}

/// A product, with the components within it that are meant; any of its names will do.
#[derive(Clone, Debug)]
struct Meant {
    products: Vec<Product>,
    components: Option<Vec<Product>>,
}

#[derive(Clone, Debug)]
struct Rule {
    rule: IgnoreRule,
    /// The package as a package URL, where it is one.
    package: Option<PackagePattern>,
    is_package_url: bool,
}

/// What somebody says of a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What it comes to.
    pub state: FindingState,
    /// The newest statement that holds.
    pub vex: Option<AppliedStatement>,
    /// The rule that ignores it.
    pub ignored_by: Option<AppliedRule>,
    /// Rules that would, had they not expired.
    pub expired: Vec<AppliedRule>,
}

/// Where a finding is.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The image.
    pub image: &'a ImageView,
    /// Its packages, for statements on a package within another.
    pub packages: &'a [PackageView<'a>],
    /// The server, where it matters.
    pub server: Option<&'a ServerUuid>,
    /// The time by which rules expire.
    pub now_ms: i64,
}

impl Suppressions {
    /// Takes documents and rules apart.
    pub fn new(documents: &[VexDocument], rules: &[IgnoreRule]) -> Self {
        let mut made = Suppressions {
            rules: rules.iter().cloned().map(Rule::new).collect(),
            ..Suppressions::default()
        };
        for document in documents {
            made.documents.push((document.id.clone(), document.author.clone()));
            for statement in &document.statements {
                made.add(statement);
            }
        }
        made
    }

    fn add(&mut self, statement: &VexStatement) {
        let at = self.statements.len();
        for name in &statement.vulnerabilities {
            self.by_vulnerability.entry(name.to_ascii_uppercase()).or_default().push(at);
        }
        let parse = |names: &[ProductName]| -> Vec<Product> {
            names.iter().filter_map(Product::parse).collect()
        };
        let products = statement.products.iter().map(|product| Meant {
            products: parse(&product.names),
            components: (!product.components.is_empty())
                .then(|| product.components.iter().flat_map(|names| parse(names)).collect()),
        });
        self.statements.push(Statement {
            document: self.documents.len().saturating_sub(1),
            status: statement.status,
            justification: statement.justification.clone(),
            impact: statement.impact.clone(),
            updated_ms: statement.updated_ms,
            products: products.collect(),
        });
    }

    /// Tells whether there is nothing that could say anything.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.rules.is_empty()
    }

    /// Tells whether anything could be said of a finding, in whatever image it is.
    pub fn may_speak_of(&self, finding: &Finding) -> bool {
        names(finding).any(|name| self.by_vulnerability.contains_key(&name))
            || self.rules.iter().any(|rule| rule.names(finding))
    }

    /// Judges a finding of a package.
    pub fn judge(
        &self,
        place: Place<'_>,
        package: &PackageView<'_>,
        finding: &Finding,
    ) -> Judgement {
        let vex = self.newest(place, package, finding);
        let of_finding = self.rules.iter().filter(|rule| rule.holds(place, package, finding));
        let (expired, holding): (Vec<&Rule>, Vec<&Rule>) =
            of_finding.partition(|rule| rule.rule.is_expired(place.now_ms));
        let ignored_by = holding.first().map(|rule| rule.applied());
        let status = vex.map(|statement| statement.status);
        Judgement {
            state: FindingState::decide(finding.fix_state, status, ignored_by.is_some()),
            vex: vex.map(|statement| self.applied(statement)),
            ignored_by,
            expired: expired.into_iter().map(Rule::applied).collect(),
        }
    }

    /// Compares every product and rule with a package, and drops what it comes to: for fuzzing.
    pub fn show_all(&self, image: &ImageView, package: &PackageView<'_>) {
        let packages = [package.clone()];
        let place = Place { image, packages: &packages, server: None, now_ms: 0 };
        for product in self.statements.iter().flat_map(|statement| &statement.products) {
            let _ = product.holds(place, package);
        }
        for Rule { rule, .. } in &self.rules {
            let _ = rule.path.as_ref().map(|pattern| matches_path(pattern, package.path));
            let _ = rule.image.as_ref().map(|pattern| image_is(pattern, image));
        }
        let _ = self.rules.iter().filter(|rule| rule.is_package(place, package)).count();
    }

    fn newest(
        &self,
        place: Place<'_>,
        package: &PackageView<'_>,
        finding: &Finding,
    ) -> Option<&Statement> {
        let named: BTreeSet<usize> = names(finding)
            .filter_map(|name| self.by_vulnerability.get(&name))
            .flatten()
            .copied()
            .collect();
        named
            .into_iter()
            .filter_map(|at| self.statements.get(at))
            .filter(|statement| statement.products.iter().any(|it| it.holds(place, package)))
            .max_by_key(|statement| (statement.updated_ms, statement.status))
    }

    fn applied(&self, statement: &Statement) -> AppliedStatement {
        let (document, author) =
            self.documents.get(statement.document).cloned().unwrap_or_default();
        AppliedStatement {
            status: statement.status,
            document,
            author,
            justification: statement.justification.clone(),
            impact: statement.impact.clone(),
            date: statement.updated_ms.map(format_utc),
        }
    }
}

/// Returns all names of a finding, by which statements and rules are found.
fn names(finding: &Finding) -> impl Iterator<Item = String> {
    let all = [&finding.id, &finding.advisory].into_iter().chain(&finding.aliases);
    all.map(|name| name.to_ascii_uppercase())
}

impl Meant {
    fn holds(&self, place: Place<'_>, package: &PackageView<'_>) -> bool {
        let Place { image, packages, .. } = place;
        match &self.components {
            None => self.products.iter().any(|product| product.holds(image, package)),
            Some(components) => {
                components.iter().any(|component| component.holds(image, package))
                    && self.products.iter().any(|it| it.contains(image, packages, package))
            }
        }
    }
}

impl Rule {
    fn new(rule: IgnoreRule) -> Self {
        let purl = rule.package.as_deref().filter(|text| text.starts_with("pkg:"));
        let package = purl.and_then(PackagePattern::of_rule);
        Rule { is_package_url: purl.is_some(), package, rule }
    }

    fn names(&self, finding: &Finding) -> bool {
        let wanted = &self.rule.vulnerabilities;
        wanted.is_empty()
            || names(finding).any(|name| wanted.iter().any(|one| one.eq_ignore_ascii_case(&name)))
    }

    fn holds(&self, place: Place<'_>, package: &PackageView<'_>, finding: &Finding) -> bool {
        let IgnoreRule { path, image, server, .. } = &self.rule;
        self.names(finding)
            && self.is_package(place, package)
            && path.as_ref().is_none_or(|pattern| matches_path(pattern, package.path))
            && image.as_ref().is_none_or(|pattern| image_is(pattern, place.image))
            && server.as_ref().is_none_or(|server| place.server == Some(server))
    }

    fn is_package(&self, place: Place<'_>, package: &PackageView<'_>) -> bool {
        let Some(text) = &self.rule.package else { return true };
        if self.is_package_url {
            let pattern = self.package.clone().map(Product::Package);
            return pattern.is_some_and(|pattern| pattern.holds(place.image, package));
        }
        let spelt = |name: &str| package.ecosystem.normalize_name(name);
        matches_text(text, package.name) || matches_text(&spelt(text), &spelt(package.name))
    }

    fn applied(&self) -> AppliedRule {
        AppliedRule {
            id: self.rule.id.clone(),
            reason: self.rule.reason.clone(),
            author: self.rule.author.clone(),
            created: self.rule.created_ms.map(format_utc),
            expires: self.rule.expires_ms.map(format_utc),
        }
    }
}

#[cfg(test)]
mod tests;
