//! The words of the product: references, digests, packages, inventories, advisories and findings.
