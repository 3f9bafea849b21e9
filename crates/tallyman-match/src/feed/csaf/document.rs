//! The parts of a CSAF 2.0 document that are facts
//! (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>, section 3.2): what products there
//! are and how each stands to each vulnerability. The JSON parser bounds how deep branches nest.

use serde::Deserialize;

/// A document.
#[derive(Debug, Deserialize)]
pub(crate) struct Csaf {
    pub(crate) document: Head,
    #[serde(default)]
    pub(crate) product_tree: ProductTree,
    #[serde(default)]
    pub(crate) vulnerabilities: Vec<Vulnerability>,
}

/// Who says it, and when (section 3.2.1).
#[derive(Debug, Deserialize)]
pub(crate) struct Head {
    pub(crate) publisher: Publisher,
    pub(crate) tracking: Tracking,
    #[serde(default)]
    pub(crate) aggregate_severity: Option<AggregateSeverity>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Publisher {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) namespace: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tracking {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) initial_release_date: Option<String>,
    #[serde(default)]
    pub(crate) current_release_date: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AggregateSeverity {
    #[serde(default)]
    pub(crate) text: String,
}

/// All products (section 3.2.2).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ProductTree {
    #[serde(default)]
    pub(crate) branches: Vec<Branch>,
    #[serde(default)]
    pub(crate) full_product_names: Vec<Product>,
    #[serde(default)]
    pub(crate) relationships: Vec<Relationship>,
    #[serde(default)]
    pub(crate) product_groups: Vec<ProductGroup>,
}

/// A vendor, a family, a name, a version or an architecture.
#[derive(Debug, Deserialize)]
pub(crate) struct Branch {
    /// Such as `product_version`, or `product_version_range` whose name is the range.
    #[serde(default)]
    pub(crate) category: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) branches: Vec<Branch>,
    #[serde(default)]
    pub(crate) product: Option<Product>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Product {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) product_id: String,
    #[serde(default)]
    pub(crate) product_identification_helper: Identification,
}

/// What identifies a product elsewhere (section 3.1.3.3).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Identification {
    #[serde(default)]
    pub(crate) cpe: Option<String>,
    #[serde(default)]
    pub(crate) purl: Option<String>,
    #[serde(default)]
    pub(crate) hashes: Vec<FileOfHashes>,
}

/// The hashes of one file of a product.
#[derive(Debug, Deserialize)]
pub(crate) struct FileOfHashes {
    pub(crate) file_hashes: Vec<FileHash>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FileHash {
    pub(crate) algorithm: String,
    pub(crate) value: String,
}

/// A product as a part of another.
#[derive(Debug, Deserialize)]
pub(crate) struct Relationship {
    pub(crate) full_product_name: Product,
    pub(crate) product_reference: String,
    pub(crate) relates_to_product_reference: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ProductGroup {
    pub(crate) group_id: String,
    #[serde(default)]
    pub(crate) product_ids: Vec<String>,
}

/// A vulnerability and the products that it concerns (section 3.2.3).
#[derive(Debug, Deserialize)]
pub(crate) struct Vulnerability {
    #[serde(default)]
    pub(crate) cve: Option<String>,
    #[serde(default)]
    pub(crate) ids: Vec<OtherId>,
    /// Why products are not affected (section 3.2.3.5).
    #[serde(default)]
    pub(crate) flags: Vec<Flag>,
    #[serde(default)]
    pub(crate) release_date: Option<String>,
    #[serde(default)]
    pub(crate) product_status: ProductStatus,
    #[serde(default)]
    pub(crate) remediations: Vec<Remark>,
    #[serde(default)]
    pub(crate) threats: Vec<Remark>,
    #[serde(default)]
    pub(crate) scores: Vec<Score>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OtherId {
    #[serde(default)]
    pub(crate) text: String,
}

/// Products by what is said of them (section 3.2.3.9).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ProductStatus {
    #[serde(default)]
    pub(crate) first_affected: Vec<String>,
    #[serde(default)]
    pub(crate) known_affected: Vec<String>,
    #[serde(default)]
    pub(crate) last_affected: Vec<String>,
    #[serde(default)]
    pub(crate) known_not_affected: Vec<String>,
    #[serde(default)]
    pub(crate) first_fixed: Vec<String>,
    #[serde(default)]
    pub(crate) fixed: Vec<String>,
    #[serde(default)]
    pub(crate) recommended: Vec<String>,
    #[serde(default)]
    pub(crate) under_investigation: Vec<String>,
}

/// A label that says why products are not affected.
#[derive(Debug, Deserialize)]
pub(crate) struct Flag {
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) product_ids: Vec<String>,
    #[serde(default)]
    pub(crate) group_ids: Vec<String>,
}

/// A remediation or a threat.
#[derive(Debug, Deserialize)]
pub(crate) struct Remark {
    #[serde(default)]
    pub(crate) category: String,
    #[serde(default)]
    pub(crate) details: String,
    #[serde(default)]
    pub(crate) product_ids: Vec<String>,
    #[serde(default)]
    pub(crate) group_ids: Vec<String>,
}

/// The rating of some products.
#[derive(Debug, Deserialize)]
pub(crate) struct Score {
    #[serde(default)]
    pub(crate) products: Vec<String>,
    #[serde(default)]
    pub(crate) cvss_v2: Option<Vector>,
    #[serde(default)]
    pub(crate) cvss_v3: Option<Vector>,
    #[serde(default)]
    pub(crate) cvss_v4: Option<Vector>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Vector {
    #[serde(rename = "vectorString", default)]
    pub(crate) vector: String,
}

impl Score {
    /// Returns the CVSS vectors.
    pub(crate) fn vectors(&self) -> impl Iterator<Item = &str> {
        [&self.cvss_v2, &self.cvss_v3, &self.cvss_v4].into_iter().flatten().map(|v| &*v.vector)
    }
}
