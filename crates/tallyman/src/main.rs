//! The command line of Tallyman.

fn main() {}
