//! What files that name many packages have in common: lock files, which say what an application was
//! built from, and lists of what a tool has installed.
//!
//! Which of a lock's packages are listed is one rule for all ecosystems; decision 9 in
//! `docs/decisions/` gives the reasons.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::{Analysis, Fault, is_token};

/// Tells whether a lock lies in a package that a tool unpacked, instead of in an application: its
/// authors published it, and nothing of the image was installed by it.
pub(crate) fn is_inside_a_package(path: &str) -> bool {
    let mut rest = path;
    while let Some((part, next)) = rest.split_once('/') {
        let is_package = match part {
            "node_modules" | ".yarn" | "site-packages" | "dist-packages" | ".pub-cache" => true,
            // Ruby: `gems/NAME-VERSION/`; Swift: `.build/checkouts/NAME/`.
            "gems" | ".build" => true,
            // Go: `pkg/mod/MODULE@VERSION/`.
            "pkg" => next.starts_with("mod/"),
            // Rust: `registry/src/INDEX/NAME-VERSION/` and `git/checkouts/NAME/COMMIT/`.
            "registry" => next.starts_with("src/"),
            "git" => next.starts_with("checkouts/"),
            // PHP: `vendor/VENDOR/NAME/`.
            "vendor" => next.split('/').count() > 2,
            _ => false,
        };
        if is_package {
            return true;
        }
        rest = next;
    }
    false
}

/// Returns content as text, without the byte order mark that some tools write.
pub(crate) fn text(content: &[u8]) -> Result<&str, Fault> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    str::from_utf8(content)
        .map_err(|error| Fault::new(format!("byte {} is not UTF-8", error.valid_up_to())))
}

/// Splits `NAME@VERSION`, as npm's tools write it; a name may begin with `@`.
pub(crate) fn split_at_sign(text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().skip(1).position(|byte| byte == b'@')?.checked_add(1)?;
    Some((text.get(..at)?, text.get(at.checked_add(1)?..)?))
}

/// Names what is wrong in a line, counted from 1.
pub(crate) fn malformed(line: usize, what: impl fmt::Display) -> Fault {
    Fault::new(format!("line {line} is malformed: {what}"))
}

/// The packages of one file.
pub(crate) struct PackageList {
    ecosystem: Ecosystem,
    max_packages: usize,
    packages: Vec<Package>,
}

impl PackageList {
    pub(crate) fn new(ecosystem: Ecosystem, limits: &Limits) -> Self {
        PackageList { ecosystem, max_packages: limits.layer_packages, packages: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &str, version: &str) -> Result<(), Fault> {
        if !is_token(name) || !is_token(version) {
            let shown: String = name.chars().take(100).collect();
            return Err(Fault::new(format!(
                "the package `{shown}` has a name or version that is none"
            )));
        }
        if self.packages.len() >= self.max_packages {
            return Err(Fault::too_many_packages(self.max_packages));
        }
        self.packages.push(Package::new(self.ecosystem, name, version));
        Ok(())
    }

    /// Returns the packages in order, each once.
    pub(crate) fn finish(mut self) -> Analysis {
        self.packages.sort_unstable();
        self.packages.dedup();
        Ok(match self.packages.is_empty() {
            true => Vec::new(),
            false => vec![Evidence::Packages(self.packages)],
        })
    }
}

/// Reads a JSON document; `what` names it in the fault.
pub(crate) fn json<'de, T: Deserialize<'de>>(text: &'de str, what: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::new(format!("it is not {what}: {error}")))
}

/// Shows the entries of a JSON object one after the other, so that an object of any size takes no
/// memory. Nothing to show is `None`, as a key that is absent.
pub(crate) fn for_each_entry<'de, T: Deserialize<'de>>(
    object: Option<&'de RawValue>,
    each: impl FnMut(&str, T) -> Result<(), Fault>,
) -> Result<(), Fault> {
    walk(object, |deserializer, fault| {
        deserializer.deserialize_map(Entries { each, fault, value: PhantomData })
    })
}

/// Shows the elements of a JSON array one after the other, as [`for_each_entry`] does.
pub(crate) fn for_each_element<'de, T: Deserialize<'de>>(
    array: Option<&'de RawValue>,
    mut each: impl FnMut(T) -> Result<(), Fault>,
) -> Result<(), Fault> {
    walk(array, |deserializer, fault| {
        let each = |_: &str, value| each(value);
        deserializer.deserialize_seq(Entries { each, fault, value: PhantomData })
    })
}

type JsonReader<'de> = serde_json::Deserializer<serde_json::de::StrRead<'de>>;

/// Reads a value, where it is there, and returns what was refused in it or is wrong with it.
fn walk<'de>(
    value: Option<&'de RawValue>,
    read: impl FnOnce(&mut JsonReader<'de>, &mut Option<Fault>) -> serde_json::Result<()>,
) -> Result<(), Fault> {
    let Some(value) = value else {
        return Ok(());
    };
    let mut fault = None;
    let result = read(&mut serde_json::Deserializer::from_str(value.get()), &mut fault);
    match fault {
        Some(fault) => Err(fault),
        None => result.map_err(|error| Fault::new(format!("an entry is malformed: {error}"))),
    }
}

struct Entries<'f, T, F> {
    each: F,
    fault: &'f mut Option<Fault>,
    value: PhantomData<T>,
}

impl<T, F: FnMut(&str, T) -> Result<(), Fault>> Entries<'_, T, F> {
    fn show<E: Error>(&mut self, key: &str, value: T) -> Result<(), E> {
        (self.each)(key, value).map_err(|fault| {
            *self.fault = Some(fault);
            E::custom("an entry was refused")
        })
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(&str, T) -> Result<(), Fault>> Visitor<'de>
    for Entries<'_, T, F>
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            let value = map.next_value()?;
            self.show(&key, value)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(value) = seq.next_element()? {
            self.show("", value)?;
        }
        Ok(())
    }
}

/// A JSON string, borrowed where it holds no escapes.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

#[cfg(test)]
pub(crate) mod tests;
