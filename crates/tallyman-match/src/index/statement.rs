//! What an advisory says of a package, as it stands in the file: strings by their numbers.
//!
//! | part | content |
//! |---|---|
//! | flags (byte) | which of the parts below there are |
//! | the usual range | the string of the version that fixes what all earlier ones have: one range, introduced in `0` |
//! | ranges, else | list of lists of kind (byte) and string |
//! | versions, CVSS vectors | lists of strings |
//! | urgency | string |
//! | modules, architectures | lists of strings |
//! | fix state and naming | a byte: the state, and sixteen times the naming |

use tallyman_model::advisory::{Affected, RangeEvent};

use super::compile::put_size;
use super::cursor::{Cursor, SHORT};
use super::{IndexError, event_code, fix_state_code, naming_code};
use crate::range::version_of;

const USUAL_RANGE: u8 = 1;
const VERSIONS: u8 = 2;
const CVSS: u8 = 4;
const URGENCY: u8 = 8;
const MODULES: u8 = 16;
const ARCHITECTURES: u8 = 32;
const STATE: u8 = 64;

/// The number of a string. `0` in the usual range has none: it stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Zero,
    Id(usize),
}

/// A statement whose strings were not read yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) ranges: Vec<Vec<(u8, Word)>>,
    pub(super) versions: Vec<usize>,
    pub(super) cvss: Vec<usize>,
    pub(super) urgency: Option<usize>,
    pub(super) modules: Vec<usize>,
    pub(super) architectures: Vec<usize>,
    /// The fix state, and sixteen times the naming.
    pub(super) state: u8,
}

const INTRODUCED: u8 = 0;
const FIXED: u8 = 1;

impl Statement {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        let flags = cursor.byte()?;
        let has = |part: u8| flags & part != 0;
        let strings = |cursor: &mut Cursor<'_>, part: u8| match has(part) {
            true => cursor.list(Cursor::size),
            false => Ok(Vec::new()),
        };
        let ranges = match has(USUAL_RANGE) {
            true => vec![vec![(INTRODUCED, Word::Zero), (FIXED, Word::Id(cursor.size()?))]],
            false => cursor.list(|cursor| {
                cursor.list(|cursor| Ok((cursor.byte()?, Word::Id(cursor.size()?))))
            })?,
        };
        Ok(Statement {
            ranges,
            versions: strings(cursor, VERSIONS)?,
            cvss: strings(cursor, CVSS)?,
            urgency: if has(URGENCY) { Some(cursor.size()?) } else { None },
            modules: strings(cursor, MODULES)?,
            architectures: strings(cursor, ARCHITECTURES)?,
            state: if has(STATE) { cursor.byte()? } else { 0 },
        })
    }

    /// Gives its strings the numbers that they have elsewhere.
    pub(super) fn renumber(&mut self, numbers: &[u32]) -> Result<(), IndexError> {
        let lists =
            [&mut self.versions, &mut self.cvss, &mut self.modules, &mut self.architectures];
        let ids = lists.into_iter().flatten().chain(&mut self.urgency);
        let words = self.ranges.iter_mut().flatten().filter_map(|(_, word)| match word {
            Word::Zero => None,
            Word::Id(id) => Some(id),
        });
        for id in ids.chain(words) {
            *id = renumber(*id, numbers)?;
        }
        Ok(())
    }
}

/// Returns the number that a string has elsewhere.
pub(super) fn renumber(id: usize, numbers: &[u32]) -> Result<usize, IndexError> {
    let number = numbers.get(id).and_then(|number| usize::try_from(*number).ok());
    number.ok_or(SHORT)
}

/// Writes a statement; `string` gives the number of a string.
pub(super) fn write(one: &Affected, string: impl Fn(&str) -> usize) -> Vec<u8> {
    let usual = usual_fix(&one.ranges);
    let state = fix_state_code(one.fix_state) | naming_code(one.naming) << 4;
    let lists = [
        (VERSIONS, &one.versions),
        (CVSS, &one.cvss),
        (MODULES, &one.modules),
        (ARCHITECTURES, &one.architectures),
    ];
    let flag = |part: u8, is_there: bool| if is_there { part } else { 0 };
    let mut flags = flag(USUAL_RANGE, usual.is_some());
    flags |= lists.iter().fold(0, |flags, (part, list)| flags | flag(*part, !list.is_empty()));
    flags |= flag(URGENCY, one.urgency.is_some()) | flag(STATE, state != 0);
    let mut out = vec![flags];
    match usual {
        Some(fixed) => put_size(&mut out, string(fixed)),
        None => {
            put_size(&mut out, one.ranges.len());
            for events in &one.ranges {
                put_size(&mut out, events.len());
                for event in events {
                    out.push(event_code(event));
                    put_size(&mut out, string(version_of(event)));
                }
            }
        }
    }
    let put_list = |out: &mut Vec<u8>, texts: &[String]| {
        if !texts.is_empty() {
            put_size(out, texts.len());
            texts.iter().for_each(|text| put_size(out, string(text)));
        }
    };
    put_list(&mut out, &one.versions);
    put_list(&mut out, &one.cvss);
    if let Some(urgency) = &one.urgency {
        put_size(&mut out, string(urgency));
    }
    put_list(&mut out, &one.modules);
    put_list(&mut out, &one.architectures);
    if state != 0 {
        out.push(state);
    }
    out
}

/// Returns the version that fixes the one range of a statement that starts at `0`.
fn usual_fix(ranges: &[Vec<RangeEvent>]) -> Option<&str> {
    let [events] = ranges else { return None };
    match events.as_slice() {
        [RangeEvent::Introduced(start), RangeEvent::Fixed(fixed)] if start == "0" => Some(fixed),
        _ => None,
    }
}
