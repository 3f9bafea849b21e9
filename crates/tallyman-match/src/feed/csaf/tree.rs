//! Looks up the products of a CSAF document: each component with the product that it is a part of.

use std::collections::HashMap;

use super::document::{Branch, Product, ProductTree};

/// The products of a document by their ids.
pub(crate) struct Products<'a> {
    by_id: HashMap<&'a str, &'a Product>,
    /// Of what is a part of something: the part, and the whole.
    parts: HashMap<&'a str, (&'a str, &'a str)>,
}

/// How deep parts may have parts: a package in a module in a distribution.
const DEPTH: usize = 4;

/// A component, and the product that it is a part of.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) component: &'a Product,
    /// The outermost product.
    pub(crate) platform: &'a Product,
    /// The product between the two, where there is one: a module, a container image.
    pub(crate) between: Option<&'a Product>,
}

impl<'a> Products<'a> {
    pub(crate) fn of(tree: &'a ProductTree) -> Self {
        let mut by_id = HashMap::new();
        let mut rest: Vec<&Branch> = tree.branches.iter().collect();
        while let Some(branch) = rest.pop() {
            by_id.extend(branch.product.iter().map(|product| (&*product.product_id, product)));
            rest.extend(&branch.branches);
        }
        let more = tree.relationships.iter().map(|relationship| &relationship.full_product_name);
        let more = tree.full_product_names.iter().chain(more);
        by_id.extend(more.map(|product| (&*product.product_id, product)));
        let parts = tree.relationships.iter().map(|relationship| {
            let whole = &*relationship.relates_to_product_reference;
            let part = &*relationship.product_reference;
            (&*relationship.full_product_name.product_id, (part, whole))
        });
        Products { by_id, parts: parts.collect() }
    }

    /// Finds a product.
    pub(crate) fn find(&self, id: &str) -> Option<&'a Product> {
        self.by_id.get(id).copied()
    }

    /// Finds what an id names, if it is a part of something.
    pub(crate) fn find_part(&self, id: &str) -> Option<Part<'a>> {
        let (component, mut whole) = *self.parts.get(id)?;
        let mut between = None;
        for _ in 0..DEPTH {
            let Some((part, outer)) = self.parts.get(whole) else { break };
            between = self.find(part);
            whole = outer;
        }
        let (component, platform) = (self.find(component)?, self.find(whole)?);
        Some(Part { component, platform, between })
    }
}
