//! The header of one installed package: an index of tagged values and the store they lie in (rpm's
//! documentation, "Package format", "Header structure"; as a database keeps it, without the magic).

use std::str;

use tallyman_model::package::{Ecosystem, Package};

use super::bytes::{Order, slice};
use super::{source_of, with_epoch};
use crate::analyzers::{Fault, is_token};

const ORDER: Order = Order::Big;
const INTRO_BYTES: usize = 8;
const ENTRY_BYTES: usize = 16;

/// The pseudo packages that hold the keys of those who sign packages.
const KEY_PACKAGE: &str = "gpg-pubkey";

/// The bit of `FileFlags` for a file that the package names but does not bring.
const GHOST: u32 = 1 << 6;

/// No package has as many directories.
const DIRECTORIES: usize = 1_000_000;

/// Paths of files are no longer than Linux allows.
const PATH_BYTES: usize = 4096;

/// The tags that matter (rpm's documentation, "RPM Tags").
#[derive(Clone, Copy)]
#[repr(u32)]
enum Tag {
    Name = 1000,
    Version = 1001,
    Release = 1002,
    Epoch = 1003,
    Arch = 1022,
    OldFileNames = 1027,
    FileFlags = 1037,
    SourceRpm = 1044,
    DirIndexes = 1116,
    BaseNames = 1117,
    DirNames = 1118,
    ModularityLabel = 5096,
}

/// The types of values that the tags above have.
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;

/// A header whose index lies within it.
pub(super) struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

/// A value of the index.
struct Value<'a> {
    kind: u32,
    count: usize,
    /// The store from the value on.
    bytes: &'a [u8],
}

impl<'a> Header<'a> {
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, Fault> {
        let parts = || {
            let entries = ORDER.size(blob, 0)?;
            let store_bytes = ORDER.size(blob, 4)?;
            let index_bytes = entries.checked_mul(ENTRY_BYTES)?;
            let index = slice(blob, INTRO_BYTES, index_bytes)?;
            let store = slice(blob, INTRO_BYTES.checked_add(index_bytes)?, store_bytes)?;
            Some(Header { index, store })
        };
        parts().ok_or_else(|| Fault::new("a package's header is cut short"))
    }

    /// Returns the package, or `None` if the header is that of a key.
    pub(super) fn package(&self) -> Result<Option<Package>, Fault> {
        let name = self.required(Tag::Name, "name")?;
        if name == KEY_PACKAGE {
            return Ok(None);
        }
        let version = self.required(Tag::Version, "version")?;
        let release = self.required(Tag::Release, "release")?;
        let epoch = match self.value(Tag::Epoch)? {
            Some(value) if value.kind == INT32 => ORDER.u32(value.bytes, 0).unwrap_or(0),
            _ => 0,
        };
        let source = self.text(Tag::SourceRpm)?.and_then(|file| source_of(file, epoch));
        let label = self.text(Tag::ModularityLabel)?;
        Ok(Some(Package {
            architecture: self.text(Tag::Arch)?.filter(|it| is_token(it)).map(str::to_owned),
            source,
            module: label.and_then(module_of),
            ..Package::new(Ecosystem::Rpm, name, with_epoch(epoch, version, release))
        }))
    }

    /// Shows the absolute path of every file that the package brought.
    pub(super) fn each_file(
        &self,
        mut visit: impl FnMut(&str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let flags = self.value(Tag::FileFlags)?;
        let is_ghost = |at: usize| {
            let flags = flags.as_ref().filter(|flags| flags.kind == INT32 && at < flags.count);
            let flags = flags.and_then(|flags| ORDER.u32(flags.bytes, at.checked_mul(4)?));
            flags.is_some_and(|flags| flags & GHOST != 0)
        };
        let (Some(bases), Some(indexes)) =
            (self.value(Tag::BaseNames)?, self.value(Tag::DirIndexes)?)
        else {
            let Some(paths) = self.value(Tag::OldFileNames)? else {
                return Ok(());
            };
            return paths.strings()?.try_for_each(|path| visit(path?));
        };
        let directories: Vec<&str> = match self.value(Tag::DirNames)? {
            Some(value) if value.count > DIRECTORIES => {
                return Err(Fault::new(format!(
                    "a package has more than {DIRECTORIES} directories"
                )));
            }
            Some(value) => value.strings()?.collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let mut path = String::new();
        for (at, base) in bases.strings()?.enumerate() {
            let base = base?;
            let directory = at.checked_mul(4).filter(|_| at < indexes.count);
            let directory = directory.and_then(|at| ORDER.size(indexes.bytes, at));
            let directory = directory.and_then(|index| directories.get(index));
            let directory =
                directory.ok_or_else(|| Fault::new("a file is in a directory without a name"))?;
            if is_ghost(at) || directory.len().saturating_add(base.len()) > PATH_BYTES {
                continue;
            }
            path.clear();
            path.push_str(directory);
            path.push_str(base);
            visit(&path)?;
        }
        Ok(())
    }

    fn required(&self, tag: Tag, what: &str) -> Result<&'a str, Fault> {
        let text = self.text(tag)?;
        text.filter(|text| is_token(text))
            .ok_or_else(|| Fault::new(format!("a package has no {what}")))
    }

    fn text(&self, tag: Tag) -> Result<Option<&'a str>, Fault> {
        let Some(value) = self.value(tag)?.filter(|value| value.kind == STRING) else {
            return Ok(None);
        };
        first_string(value.bytes).map(|(text, _)| str::from_utf8(text).ok()).ok_or_else(unended)
    }

    /// Returns the value of a tag. What was added after the package was built stands behind what
    /// it replaces.
    fn value(&self, tag: Tag) -> Result<Option<Value<'a>>, Fault> {
        let entries = self.index.chunks_exact(ENTRY_BYTES).rev();
        let Some(entry) = entries.into_iter().find(|it| ORDER.u32(it, 0) == Some(tag as u32))
        else {
            return Ok(None);
        };
        let value = || {
            let bytes = self.store.get(ORDER.size(entry, 8)?..)?;
            Some(Value { kind: ORDER.u32(entry, 4)?, count: ORDER.size(entry, 12)?, bytes })
        };
        value().map(Some).ok_or_else(|| Fault::new("a value lies outside of a package's header"))
    }
}

impl<'a> Value<'a> {
    /// Returns the strings of a list; those that are not UTF-8 are empty.
    fn strings(&self) -> Result<impl Iterator<Item = Result<&'a str, Fault>>, Fault> {
        if self.kind != STRING_ARRAY {
            return Err(Fault::new("a list of names in a package's header is none"));
        }
        let mut rest = Some(self.bytes);
        Ok((0..self.count).map_while(move |_| {
            let split = first_string(rest?);
            rest = split.map(|(_, after)| after);
            // Nothing follows a text that has no end.
            Some(split.map(|(text, _)| str::from_utf8(text).unwrap_or("")).ok_or_else(unended))
        }))
    }
}

fn unended() -> Fault {
    Fault::new("a text in a package's header has no end")
}

/// Splits bytes at the first NUL.
fn first_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, bytes)?;
    Some((bytes.get(..end)?, bytes.get(end.checked_add(1)?..)?))
}

/// Returns module and stream of `nodejs:16:8070020221212:bd1311ed`.
fn module_of(label: &str) -> Option<String> {
    let mut parts = label.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    let module = format!("{name}:{stream}");
    (is_token(name) && is_token(stream)).then_some(module)
}
