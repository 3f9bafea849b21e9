//! Go programs: the modules and the Go version that the linker writes into every binary (Go
//! source, package `debug/buildinfo`, comments on the format; `runtime/debug`, "BuildInfo").

use std::str;

use memchr::memmem;
use object::{Object, ObjectSection, ObjectSegment};
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::{Analyzer, Fault, FileClass, executable, is_token};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "go",
    version: 1,
    class: FileClass::Executable,
    wants: executable::wants,
    analyze,
};

const MAGIC: &[u8] = b"\xff Go buildinf:";

/// Magic, pointer size, flags, and two pointers or nothing.
const HEADER_BYTES: usize = 32;

const FLAG_BIG_ENDIAN: u8 = 1;

/// Since Go 1.18 the two strings follow the header instead of being pointed to.
const FLAG_INLINE: u8 = 2;

/// Where the two pointers of the older layout begin.
const POINTERS_AT: usize = 16;

/// The list of modules stands between two marks of this size.
const MARK_BYTES: usize = 16;

fn analyze(_path: &str, content: &[u8], limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let Some(info) = find(content) else {
        return Ok(Vec::new());
    };
    if info.modules.len() as u64 > limits.metadata_bytes {
        return Err(Fault::new("its list of Go modules is too long"));
    }
    let modules = str::from_utf8(info.modules)
        .map_err(|_| Fault::new("its list of Go modules is not UTF-8"))?;
    let packages = packages(info.go_version, modules);
    Ok(if packages.is_empty() { Vec::new() } else { vec![Evidence::Packages(packages)] })
}

struct BuildInfo<'a> {
    go_version: &'a str,
    modules: &'a [u8],
}

/// Returns what lies at an address of the running program.
type Resolve<'f, 'a> = &'f dyn Fn(u64, u64) -> Option<&'a [u8]>;

fn find(content: &[u8]) -> Option<BuildInfo<'_>> {
    let Ok(file) = object::File::parse(content) else {
        // A program whose section table is damaged still runs; only pointers cannot be followed.
        return search(content, &|_, _| None);
    };
    let named = file.sections().filter_map(|section| match section.name_bytes() {
        Ok(b".go.buildinfo" | b"__go_buildinfo") => section.data().ok(),
        _ => None,
    });
    let writable = file
        .segments()
        .filter(|segment| segment.permissions().writable())
        .filter_map(|segment| segment.data().ok());
    let resolve = |address, size| {
        file.segments().find_map(|segment| segment.data_range(address, size).ok().flatten())
    };
    // Named sections are missing in stripped programs; the data itself never is.
    named.chain(writable).find_map(|data| search(data, &resolve))
}

fn search<'a>(data: &'a [u8], resolve: Resolve<'_, 'a>) -> Option<BuildInfo<'a>> {
    memmem::find_iter(data, MAGIC).find_map(|at| decode(data.get(at..)?, resolve))
}

fn decode<'a>(data: &'a [u8], resolve: Resolve<'_, 'a>) -> Option<BuildInfo<'a>> {
    let (header, rest) = data.split_at_checked(HEADER_BYTES)?;
    let (pointer_size, flags) = (*header.get(MAGIC.len())?, *header.get(MAGIC.len() + 1)?);
    let (version, modules) = if flags & FLAG_INLINE != 0 {
        let (version, rest) = split_string(rest)?;
        // A program without modules may end here.
        (version, split_string(rest).map_or(&[][..], |(modules, _)| modules))
    } else {
        let pointer_size = usize::from(pointer_size);
        let read = |bytes: &[u8]| read_pointer(bytes, flags & FLAG_BIG_ENDIAN != 0);
        let string_at = |at: usize| {
            let pointer = read(header.get(at..at.checked_add(pointer_size)?)?)?;
            let pair = resolve(pointer, 2 * pointer_size as u64)?;
            let (data, len) = pair.split_at_checked(pointer_size)?;
            resolve(read(data)?, read(len)?)
        };
        let version = string_at(POINTERS_AT)?;
        (version, string_at(POINTERS_AT.checked_add(pointer_size)?).unwrap_or_default())
    };
    let go_version = str::from_utf8(version.get(..version.len().min(256))?).ok()?;
    let is_version = go_version.starts_with("go1") || go_version.starts_with("devel");
    is_version.then(|| BuildInfo { go_version, modules: strip_marks(modules) })
}

/// Splits off a string with its length as a varint (Go source, package `encoding/binary`).
fn split_string(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut len = 0_u64;
    for (index, byte) in data.iter().take(9).enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let rest = data.get(index.checked_add(1)?..)?;
            return rest.split_at_checked(usize::try_from(len).ok()?);
        }
    }
    None
}

fn read_pointer(bytes: &[u8], big_endian: bool) -> Option<u64> {
    match (bytes, big_endian) {
        ([a, b, c, d], false) => Some(u64::from(u32::from_le_bytes([*a, *b, *c, *d]))),
        ([a, b, c, d], true) => Some(u64::from(u32::from_be_bytes([*a, *b, *c, *d]))),
        (bytes, false) => Some(u64::from_le_bytes(bytes.try_into().ok()?)),
        (bytes, true) => Some(u64::from_be_bytes(bytes.try_into().ok()?)),
    }
}

fn strip_marks(modules: &[u8]) -> &[u8] {
    let end = modules.len().saturating_sub(MARK_BYTES);
    match modules.get(MARK_BYTES..end) {
        Some(inner) if inner.ends_with(b"\n") => inner,
        _ => &[],
    }
}

/// Reads the lines `mod`, `dep` and `=>`: path, version, hash.
fn packages(go_version: &str, modules: &str) -> Vec<Package> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for line in modules.lines() {
        let mut fields = line.split('\t');
        let (kind, path, version) = (fields.next(), fields.next(), fields.next());
        let module = (path.unwrap_or(""), version.unwrap_or(""));
        match kind {
            Some("mod" | "dep") => found.push(module),
            // The module before it was replaced: by another one, or by a folder without version.
            Some("=>") => {
                found.pop();
                found.push(module);
            }
            _ => {}
        }
    }
    let standard_library = go_version
        .strip_prefix("go")
        .and_then(|version| version.split_whitespace().next())
        .map(|version| ("stdlib", version));
    found.extend(standard_library);
    let mut packages: Vec<Package> = found
        .into_iter()
        .filter(|(path, version)| is_token(path) && is_token(version) && *version != "(devel)")
        .map(|(path, version)| Package {
            ecosystem: Ecosystem::Go,
            name: path.to_owned(),
            version: version.to_owned(),
            architecture: None,
            source: None,
        })
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

#[cfg(test)]
mod tests;
