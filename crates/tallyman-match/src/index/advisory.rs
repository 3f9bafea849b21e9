//! What an advisory says of a vulnerability, as it stands in the file: strings by their numbers. The
//! layout is in `index.rs`.

use tallyman_model::advisory::Advisory;

use super::IndexError;
use super::compile::{put_number, put_size};
use super::cursor::{Cursor, SHORT};
use super::statement::renumber;

const DAY_MS: u64 = 86_400_000;
/// Where the number of a list's elements stands in the byte of numbers, and the highest that it
/// can name; that one says that the list names its length itself.
const ALIASES: (u32, usize) = (0, 7);
const UPSTREAM: (u32, usize) = (3, 7);
const CVSS: (u32, usize) = (6, 3);

/// An advisory whose strings were not read yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) feed: usize,
    pub(super) id: usize,
    pub(super) aliases: Vec<usize>,
    pub(super) upstream: Vec<usize>,
    pub(super) published_ms: Option<i64>,
    pub(super) cvss: Vec<usize>,
}

impl Header {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        let (feed, id) = (cursor.size()?, cursor.size()?);
        let numbers = cursor.byte()?;
        let list = |cursor: &mut Cursor<'_>, (shift, most): (u32, usize)| {
            let number = usize::from(numbers >> shift) & most;
            if number == most {
                return cursor.list(Cursor::size);
            }
            (0..number).map(|_| cursor.size()).collect()
        };
        Ok(Header {
            feed,
            id,
            aliases: list(cursor, ALIASES)?,
            upstream: list(cursor, UPSTREAM)?,
            published_ms: published_ms(cursor.number()?)?,
            cvss: list(cursor, CVSS)?,
        })
    }

    /// Gives its strings the numbers that they have elsewhere.
    pub(super) fn renumber(&mut self, numbers: &[u32]) -> Result<(), IndexError> {
        let lists = [&mut self.aliases, &mut self.upstream, &mut self.cvss];
        for id in lists.into_iter().flatten().chain([&mut self.id]) {
            *id = renumber(*id, numbers)?;
        }
        Ok(())
    }
}

fn published_ms(number: u64) -> Result<Option<i64>, IndexError> {
    let Some(number) = number.checked_sub(1) else { return Ok(None) };
    let unit = if number % 2 == 0 { DAY_MS } else { 1 };
    let ms = (number / 2).checked_mul(unit).and_then(|ms| i64::try_from(ms).ok());
    ms.map(Some).ok_or(SHORT)
}

/// Writes an advisory; `string` gives the number of a string.
pub(super) fn write(
    out: &mut Vec<u8>,
    feed_at: usize,
    advisory: &Advisory,
    string: impl Fn(&str) -> usize,
) {
    put_size(out, feed_at);
    put_size(out, string(&advisory.id));
    let lists =
        [(ALIASES, &advisory.aliases), (UPSTREAM, &advisory.upstream), (CVSS, &advisory.cvss)];
    let number = |((shift, most), list): ((u32, usize), &Vec<String>)| {
        u8::try_from(list.len().min(most)).unwrap_or_default() << shift
    };
    out.push(lists.into_iter().map(number).fold(0, |all, one| all | one));
    let put_list = |out: &mut Vec<u8>, ((_, most), list): ((u32, usize), &Vec<String>)| {
        if list.len() >= most {
            put_size(out, list.len());
        }
        list.iter().for_each(|text| put_size(out, string(text)));
    };
    let [aliases, upstream, cvss] = lists;
    put_list(out, aliases);
    put_list(out, upstream);
    let published = advisory.published_ms.and_then(|ms| u64::try_from(ms).ok());
    put_number(
        out,
        published.map_or(0, |ms| match ms % DAY_MS {
            0 => 1 + 2 * (ms / DAY_MS),
            // Beyond some hundred million years it is not known.
            _ => ms.checked_mul(2).and_then(|ms| ms.checked_add(2)).unwrap_or(0),
        }),
    );
    put_list(out, cvss);
}
