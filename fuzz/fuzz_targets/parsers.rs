//! Hands what libFuzzer makes up to the target that the environment variable `TARGET` names.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tallyman_fuzz::Target;

fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("TARGET").expect("TARGET names what is fuzzed");
        let known = tallyman_fuzz::all();
        let names: Vec<_> = known.iter().map(|target| target.name.clone()).collect();
        let found = known.into_iter().find(|target| target.name == name);
        found.unwrap_or_else(|| panic!("`{name}` is none of {}", names.join(", ")))
    })
}

fuzz_target!(|bytes: &[u8]| target().show(bytes));
