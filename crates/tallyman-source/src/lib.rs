//! Where images come from: registries, container engines, layouts and archives.
