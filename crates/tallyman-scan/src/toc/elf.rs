//! Where the sections of an ELF program are (System V ABI, "ELF Header" and "Sections"), from its
//! header, its table of sections and their names, each on its own.

use std::ops::Range;

/// The header of a 64-bit program; that of a 32-bit one is shorter.
pub(crate) const HEADER_BYTES: u64 = 64;

/// What the header says of the table.
pub(crate) struct Header {
    /// Where the table is in the file.
    pub(crate) table: Range<u64>,
    format: Format,
    entry_bytes: usize,
    /// The index of the section with the names.
    names: usize,
}

#[derive(Clone, Copy)]
struct Format {
    is_64_bit: bool,
    is_big_endian: bool,
}

/// What the table says.
pub(crate) struct Sections {
    /// Where the names are in the file.
    pub(crate) names: Range<u64>,
    /// Where the last of them ends, or the table.
    pub(crate) end: u64,
    all: Vec<Section>,
}

struct Section {
    /// Where its name begins among the names.
    name: usize,
    kind: u64,
    flags: u64,
    range: Range<u64>,
}

/// `SHT_NOBITS`: a section without content in the file.
const WITHOUT_CONTENT: u64 = 8;

/// `SHT_STRTAB`: names.
const NAMES: u64 = 3;

/// `SHT_SYMTAB`, `SHT_RELA`, `SHT_HASH`, `SHT_REL`, `SHT_DYNSYM`, `SHT_RELR`, and from
/// `SHT_GNU_HASH` on those of GNU (gABI, "Sections"; Linux Standard Base, "Sections").
const NUMBERS: [u64; 10] = [2, 4, 5, 9, 11, 19, 0x6fff_fff6, 0x6fff_fffd, 0x6fff_fffe, 0x6fff_ffff];

/// `SHF_ALLOC`: the section is there when the program runs.
const IS_LOADED: u64 = 2;

/// `SHF_EXECINSTR`: the section holds code.
const IS_CODE: u64 = 4;

/// What is there for debuggers and for unwinding.
const WITHOUT_TEXTS: [&str; 4] = [".debug", ".zdebug", ".eh_frame", ".gcc_except_table"];

impl Format {
    fn number(self, bytes: &[u8], at: usize, len: usize) -> Option<u64> {
        let field = bytes.get(at..at.checked_add(len)?)?;
        let digit = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
        Some(match self.is_big_endian {
            true => field.iter().fold(0, digit),
            false => field.iter().rev().fold(0, digit),
        })
    }

    /// Reads an address, an offset or a size.
    fn word(self, bytes: &[u8], at_64: usize, at_32: usize) -> Option<u64> {
        match self.is_64_bit {
            true => self.number(bytes, at_64, 8),
            false => self.number(bytes, at_32, 4),
        }
    }
}

/// Reads a header; `None` where there is no table of sections, or one that cannot be found by the
/// header alone.
pub(crate) fn parse_header(head: &[u8]) -> Option<Header> {
    let is_64_bit = match head {
        [0x7f, b'E', b'L', b'F', 1, ..] => false,
        [0x7f, b'E', b'L', b'F', 2, ..] => true,
        _ => return None,
    };
    let is_big_endian = match head.get(5)? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let format = Format { is_64_bit, is_big_endian };
    let half = |at_64, at_32| format.number(head, if is_64_bit { at_64 } else { at_32 }, 2);
    let offset = format.word(head, 0x28, 0x20)?;
    let (entry_bytes, count, names) = (half(0x3a, 0x2e)?, half(0x3c, 0x30)?, half(0x3e, 0x32)?);
    // Numbers that do not fit stand in the first section, and their fields are zero or the largest.
    let is_usual = offset > 0 && count > 0 && names < count;
    let end = offset.checked_add(entry_bytes.checked_mul(count)?)?;
    let least = if is_64_bit { 64 } else { 40 };
    (is_usual && entry_bytes >= least).then_some(Header {
        table: offset..end,
        format,
        entry_bytes: usize::try_from(entry_bytes).ok()?,
        names: usize::try_from(names).ok()?,
    })
}

/// Reads the table of sections.
pub(crate) fn parse_table(header: &Header, table: &[u8]) -> Option<Sections> {
    let all: Option<Vec<Section>> = table
        .chunks_exact(header.entry_bytes)
        .map(|entry| {
            let format = header.format;
            let name = usize::try_from(format.number(entry, 0, 4)?).ok()?;
            let kind = format.number(entry, 4, 4)?;
            let flags = match format.is_64_bit {
                true => format.number(entry, 8, 8)?,
                false => format.number(entry, 8, 4)?,
            };
            let (offset, size) = (format.word(entry, 0x18, 0x10)?, format.word(entry, 0x20, 0x14)?);
            let size = if kind == WITHOUT_CONTENT { 0 } else { size };
            Some(Section { name, kind, flags, range: offset..offset.checked_add(size)? })
        })
        .collect();
    let all = all?;
    let ends = all.iter().filter(|it| !it.range.is_empty()).map(|section| section.range.end);
    let end = ends.fold(header.table.end, u64::max);
    Some(Sections { names: all.get(header.names)?.range.clone(), end, all })
}

impl Sections {
    /// Returns where the sections with a name are; `None` if a name cannot be read.
    pub(crate) fn named(&self, names: &[u8], wanted: &str) -> Option<Vec<Range<u64>>> {
        self.find(names, |_, name| name == wanted.as_bytes())
    }

    /// Returns where the sections are that can hold texts.
    pub(crate) fn with_texts(&self, names: &[u8]) -> Option<Vec<Range<u64>>> {
        self.find(names, |section, name| {
            let is_for_linkers = NUMBERS.contains(&section.kind)
                || section.kind == NAMES && section.flags & IS_LOADED == 0;
            section.flags & IS_CODE == 0
                && !is_for_linkers
                && !WITHOUT_TEXTS.iter().any(|start| name.starts_with(start.as_bytes()))
        })
    }

    fn find(
        &self,
        names: &[u8],
        wants: impl Fn(&Section, &[u8]) -> bool,
    ) -> Option<Vec<Range<u64>>> {
        let mut found = Vec::new();
        for section in self.all.iter().filter(|section| !section.range.is_empty()) {
            let rest = names.get(section.name..)?;
            let name = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            if wants(section, name) {
                found.push(section.range.clone());
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::{Sections, parse_header, parse_table};
    use crate::testing::elf_with_section;

    fn sections(program: &[u8]) -> Option<Sections> {
        let header = parse_header(program.get(..64)?)?;
        let place = |at: u64| usize::try_from(at).expect("small");
        let table = program.get(place(header.table.start)..place(header.table.end))?;
        parse_table(&header, table)
    }

    #[test]
    fn sections_are_found_by_their_names() {
        let program = elf_with_section(".dep-v0", b"a list");
        let found = sections(&program).expect("a table");
        let place = |at: u64| usize::try_from(at).expect("small");
        let names = &program[place(found.names.start)..place(found.names.end)];
        for ranges in [found.named(names, ".dep-v0"), found.with_texts(names)] {
            let ranges = ranges.expect("names");
            let [range] = &ranges[..] else { panic!("{ranges:?}") };
            assert_eq!(&program[place(range.start)..place(range.end)], b"a list");
        }
        assert_eq!(found.named(names, ".text"), Some(Vec::new()));
        assert_eq!(found.named(&names[..3], ".text"), None);
        assert_eq!(found.end, program.len() as u64);
    }

    #[test]
    fn code_and_tables_for_debuggers_hold_no_texts() {
        let program = elf_with_section(".rodata", b"a text");
        // The first section that is one, in the table at the end: its kind and its flags.
        let entry = program.len() - 2 * 64;
        for (kind, flags, name, expected) in [
            (1, 2, ".rodata", 1),
            (1, 6, ".rodata", 0),
            (3, 2, ".rodata", 1),
            (3, 0, ".rodata", 0),
            (11, 2, ".rodata", 0),
            (1, 2, ".debug_", 0),
        ] {
            let mut program = program.clone();
            program[entry + 4] = kind;
            program[entry + 8] = flags;
            let found = sections(&program).expect("a table");
            let names = format!("\0{name}\0.shstrtab\0");
            let ranges = found.with_texts(names.as_bytes()).expect("names");
            assert_eq!(ranges.len(), expected, "{kind} {flags} {name}");
        }
    }

    #[test]
    fn a_program_without_a_table_has_no_sections() {
        let program = elf_with_section(".dep-v0", b"a list");
        for (at, bytes) in [(0x28, &[0; 8][..]), (0x3c, &[0; 2]), (0x3e, &[9; 2]), (0x3a, &[8, 0])]
        {
            let mut other = program.clone();
            other[at..at + bytes.len()].copy_from_slice(bytes);
            assert!(parse_header(&other[..64]).is_none(), "{at}");
        }
        for other in [&b"MZ"[..], b"\x7fELF", b"\x7fELF\x03\x01", b"\x7fELF\x02\x03", b""] {
            assert!(parse_header(other).is_none());
        }
    }
}
