//! CSAF 2.0 with what products there are and how they stand to each vulnerability: profile 5, VEX
//! (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>, section 4.5), and every other
//! profile that says the same. The structures are those of the feeds.

use std::collections::{BTreeMap, HashMap};

use tallyman_model::clock::parse_rfc3339;
use tallyman_model::vex::{
    ProductName, VexDocument, VexFormat, VexProduct, VexStatement, VexStatus,
};

use super::VexError;
use super::list::{Budget, shown};
use super::product::digest_of;
use crate::feed::csaf::document::{Branch, Csaf, Product, ProductTree, Vulnerability};
use crate::feed::csaf::tree::Products;

/// The category of a branch whose name is a range of versions (section 3.1.2.2).
const RANGE: &str = "product_version_range";

/// Reads a document.
pub(super) fn read(bytes: &[u8], mut budget: Budget) -> Result<VexDocument, VexError> {
    let csaf: Csaf = serde_json::from_slice(bytes).map_err(VexError::malformed("CSAF"))?;
    let tree = Tree::of(&csaf.product_tree);
    let tracking = &csaf.document.tracking;
    let date = |text: &Option<String>| text.as_deref().and_then(parse_rfc3339);
    let updated_ms =
        date(&tracking.current_release_date).or_else(|| date(&tracking.initial_release_date));
    let mut statements = Vec::new();
    for vulnerability in &csaf.vulnerabilities {
        statements.extend(read_vulnerability(vulnerability, &tree, updated_ms, &mut budget)?);
    }
    let publisher = &csaf.document.publisher;
    Ok(VexDocument {
        // An id is unique for its publisher only (section 3.2.1.12.4).
        id: format!("{}/{}", publisher.namespace.trim_end_matches('/'), tracking.id),
        format: VexFormat::Csaf,
        author: publisher.name.clone(),
        updated_ms,
        statements,
        left_out: budget.into_notes(),
    })
}

/// The products, what ranges of versions some of them mean, and the groups of them.
struct Tree<'a> {
    products: Products<'a>,
    ranges: HashMap<&'a str, &'a str>,
    groups: HashMap<&'a str, &'a [String]>,
}

impl<'a> Tree<'a> {
    fn of(tree: &'a ProductTree) -> Self {
        let mut ranges = HashMap::new();
        let mut rest: Vec<&Branch> = tree.branches.iter().collect();
        while let Some(branch) = rest.pop() {
            let product = branch.product.as_ref().filter(|_| branch.category == RANGE);
            ranges.extend(product.map(|product| (&*product.product_id, &*branch.name)));
            rest.extend(&branch.branches);
        }
        let groups = tree.product_groups.iter();
        let groups = groups.map(|group| (&*group.group_id, &*group.product_ids)).collect();
        Tree { products: Products::of(tree), ranges, groups }
    }

    /// Finds what a product is called elsewhere; nothing where it is named in no way that is known.
    fn find(&self, id: &str) -> Option<VexProduct> {
        let Some(part) = self.products.find_part(id) else {
            let product = self.products.find(id)?;
            let names = self.names(product);
            return (!names.is_empty()).then_some(VexProduct { names, components: Vec::new() });
        };
        let component = self.names(part.component);
        let whole = match part.between {
            None => self.names(part.platform),
            // Of which module of a distribution an RPM is cannot be told here.
            Some(between) => {
                let mut names = self.names(between);
                names.retain(is_image);
                names
            }
        };
        let is_named = !component.is_empty() && !whole.is_empty();
        is_named.then(|| VexProduct { names: whole, components: vec![component] })
    }

    fn names(&self, product: &Product) -> Vec<ProductName> {
        let helper = &product.product_identification_helper;
        let range = self.ranges.get(&*product.product_id);
        let mut names = Vec::new();
        if let Some(purl) = &helper.purl {
            let versions = range.map(|range| (*range).to_owned()).into_iter().collect();
            names.push(ProductName::Purl { purl: purl.clone(), versions });
        }
        let hashes = helper.hashes.iter().flat_map(|file| &file.file_hashes);
        names.extend(hashes.filter_map(|hash| match hash.algorithm.as_str() {
            algorithm @ ("sha256" | "sha512") => digest_of(algorithm, &hash.value),
            _ => None,
        }));
        // A name without versions would mean more than the range says.
        if range.is_none() {
            names.extend(helper.cpe.clone().map(ProductName::Cpe));
        }
        names
    }

    /// Returns the products that a list of products and of groups names.
    fn all<'i>(&'i self, ids: &'i [String], groups: &'i [String]) -> impl Iterator<Item = &'i str> {
        let of_groups = groups.iter().filter_map(|id| self.groups.get(&**id)).copied().flatten();
        ids.iter().chain(of_groups).map(String::as_str)
    }
}

fn is_image(name: &ProductName) -> bool {
    match name {
        ProductName::Purl { purl, .. } => {
            purl.starts_with("pkg:oci/") || purl.starts_with("pkg:docker/")
        }
        ProductName::Digest(_) | ProductName::Image(_) => true,
        ProductName::Cpe(_) => false,
    }
}

/// What is said of products in the same words: one statement.
type Words<'a> = (VexStatus, Option<&'a str>, Option<&'a str>);

fn read_vulnerability(
    vulnerability: &Vulnerability,
    tree: &Tree<'_>,
    updated_ms: Option<i64>,
    budget: &mut Budget,
) -> Result<Vec<VexStatement>, VexError> {
    let ids = vulnerability.ids.iter().map(|id| id.text.clone());
    let names: Vec<String> =
        vulnerability.cve.iter().cloned().chain(ids).filter(|name| !name.is_empty()).collect();
    let mut labels: HashMap<&str, &str> = HashMap::new();
    for flag in &vulnerability.flags {
        labels.extend(tree.all(&flag.product_ids, &flag.group_ids).map(|id| (id, &*flag.label)));
    }
    let mut impacts: HashMap<&str, &str> = HashMap::new();
    for threat in vulnerability.threats.iter().filter(|threat| threat.category == "impact") {
        let named = tree.all(&threat.product_ids, &threat.group_ids);
        impacts.extend(named.map(|id| (id, &*threat.details)));
    }
    let status = &vulnerability.product_status;
    let mut said: BTreeMap<Words<'_>, Vec<VexProduct>> = BTreeMap::new();
    for (status, lists) in [
        (VexStatus::NotAffected, vec![&status.known_not_affected]),
        (VexStatus::Fixed, vec![&status.first_fixed, &status.fixed]),
        (VexStatus::UnderInvestigation, vec![&status.under_investigation]),
        (
            VexStatus::Affected,
            vec![&status.first_affected, &status.known_affected, &status.last_affected],
        ),
    ] {
        for id in lists.into_iter().flatten() {
            budget.take()?;
            let is_denied = status == VexStatus::NotAffected;
            let label = labels.get(&**id).copied().filter(|_| is_denied);
            let impact = impacts.get(&**id).copied().filter(|_| is_denied);
            let name = || names.first().map(|name| shown(name)).unwrap_or_default();
            // Section 4.5, "VEX": each such product has a flag or a threat that says why.
            if is_denied && label.is_none() && impact.is_none() {
                budget.leave_out(|| format!("{}: not affected, without a reason", name()));
                continue;
            }
            match tree.find(id) {
                Some(product) => said.entry((status, label, impact)).or_default().push(product),
                None => budget.leave_out(|| {
                    format!("{}: `{}` names no product that is known", name(), shown(id))
                }),
            }
        }
    }
    let statements = said.into_iter().map(|((status, label, impact), products)| VexStatement {
        vulnerabilities: names.clone(),
        products,
        status,
        justification: label.map(str::to_owned),
        impact: impact.map(str::to_owned),
        updated_ms,
    });
    Ok(statements.collect())
}
