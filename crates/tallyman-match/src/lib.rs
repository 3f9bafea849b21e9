//! Advisories and version order: feeds in, a compiled index, findings out.

pub mod version;
