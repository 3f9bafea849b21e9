//! The use cases on real layouts and a real store.

mod corpus;
mod directory;
mod fleet;
mod jobs;
mod priority;
mod scan;
mod setting;
mod suppressions;
