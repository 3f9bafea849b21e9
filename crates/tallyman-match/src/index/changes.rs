//! What differs between two indexes: only packages with these keys need to be matched again.
//!
//! Both indexes are sorted in the same way, so they are gone through side by side, and what they
//! say of a key is compared where it stands, without being decoded.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use tallyman_model::advisory::PackageKey;
use tallyman_model::vulnerability::CveId;

use super::cursor::{Cursor, SHORT};
use super::{AdvisoryIndex, IndexError, KEY_BYTES, Place, Section, read_u32, read_usize};
use crate::matcher::takes_rating;

impl AdvisoryIndex {
    /// Returns all keys that advisories speak of.
    pub fn keys(&self) -> impl Iterator<Item = Result<PackageKey, IndexError>> {
        (0..self.key_count()).map(|at| self.key_at(at))
    }

    /// Returns the keys of which this index says something else than an older one, sorted. How
    /// likely a vulnerability is to be exploited is no part of that: no finding holds it.
    ///
    /// # Errors
    /// When one of the indexes contradicts itself.
    pub fn changed_keys(&self, older: &AdvisoryIndex) -> Result<Vec<PackageKey>, IndexError> {
        if self.revision() == older.revision() {
            return Ok(Vec::new());
        }
        let rated_otherwise = self.changed_ratings(older)?;
        let mut changed = Vec::new();
        let (mut at, mut older_at) = (0, 0);
        while at < self.key_count() || older_at < older.key_count() {
            let order = match (at < self.key_count(), older_at < older.key_count()) {
                (true, true) => self.sort_key(at)?.cmp(&older.sort_key(older_at)?),
                (true, false) => Ordering::Less,
                (false, _) => Ordering::Greater,
            };
            match order {
                Ordering::Less => changed.push(self.key_at(at)?),
                Ordering::Greater => changed.push(older.key_at(older_at)?),
                Ordering::Equal => {
                    let places = (self.place_at(at)?, older.place_at(older_at)?);
                    if !says_the_same(self, places.0, older, places.1)?
                        || self.takes_any(at, &rated_otherwise)?
                    {
                        changed.push(self.key_at(at)?);
                    }
                }
            }
            at += usize::from(order.is_le());
            older_at += usize::from(order.is_ge());
        }
        changed.sort();
        Ok(changed)
    }

    /// Tells whether a key takes its rating from one of the CVE records.
    fn takes_any(&self, at: usize, cves: &BTreeSet<CveId>) -> Result<bool, IndexError> {
        if cves.is_empty() {
            return Ok(false);
        }
        Ok(self.find(&self.key_at(at)?)?.iter().any(|it| takes_rating(it, cves)))
    }

    /// What keys are sorted by: the numbers of strings are in the order of the strings.
    fn sort_key(&self, at: usize) -> Result<(u32, &[u8], &[u8]), IndexError> {
        let keys = self.section(Section::Keys);
        let start = at.checked_mul(KEY_BYTES).ok_or(SHORT)?;
        let release = self.bytes_at(read_usize(keys, start + 4)?)?;
        Ok((read_u32(keys, start)?, release, self.bytes_at(read_usize(keys, start + 8)?)?))
    }
}

/// Two places in two indexes that are compared.
struct Pair<'a> {
    left: (&'a AdvisoryIndex, Cursor<'a>),
    right: (&'a AdvisoryIndex, Cursor<'a>),
}

fn says_the_same(
    left: &AdvisoryIndex,
    left_place: Place,
    right: &AdvisoryIndex,
    right_place: Place,
) -> Result<bool, IndexError> {
    let mut pair = Pair {
        left: (left, left.statements(left_place)?),
        right: (right, right.statements(right_place)?),
    };
    pair.lists(|pair| {
        let advisories = Pair {
            left: (left, left.advisory(pair.left.1.size()?)?),
            right: (right, right.advisory(pair.right.1.size()?)?),
        };
        Ok(advisories.same_advisory()? && pair.same_statement()?)
    })
}

impl Pair<'_> {
    fn same_statement(&mut self) -> Result<bool, IndexError> {
        Ok(self.lists(|pair| pair.lists(|pair| Ok(pair.bytes()? && pair.strings()?)))?
            && self.lists(Pair::strings)?
            && self.lists(Pair::strings)?
            && self.optional_strings()?
            && self.bytes()?
            && self.lists(Pair::strings)?
            && self.lists(Pair::strings)?
            && self.bytes()?)
    }

    fn same_advisory(mut self) -> Result<bool, IndexError> {
        let feeds = (self.left.1.size()?, self.right.1.size()?);
        let names = (self.left.0.feed_name(feeds.0)?, self.right.0.feed_name(feeds.1)?);
        Ok(names.0 == names.1
            && self.strings()?
            && self.lists(Pair::strings)?
            && self.lists(Pair::strings)?
            && self.numbers()?
            && self.lists(Pair::strings)?)
    }

    fn bytes(&mut self) -> Result<bool, IndexError> {
        Ok(self.left.1.byte()? == self.right.1.byte()?)
    }

    fn numbers(&mut self) -> Result<bool, IndexError> {
        Ok(self.left.1.number()? == self.right.1.number()?)
    }

    fn strings(&mut self) -> Result<bool, IndexError> {
        let (left, right) = (self.left.1.size()?, self.right.1.size()?);
        Ok(self.left.0.bytes_at(left)? == self.right.0.bytes_at(right)?)
    }

    /// Strings whose numbers are one higher, or 0.
    fn optional_strings(&mut self) -> Result<bool, IndexError> {
        let (left, right) = (self.left.1.size()?, self.right.1.size()?);
        Ok(match (left.checked_sub(1), right.checked_sub(1)) {
            (Some(left), Some(right)) => {
                self.left.0.bytes_at(left)? == self.right.0.bytes_at(right)?
            }
            (left, right) => left == right,
        })
    }

    /// Stops at the first difference: what is behind it is not at the same place any more.
    fn lists(
        &mut self,
        mut same: impl FnMut(&mut Self) -> Result<bool, IndexError>,
    ) -> Result<bool, IndexError> {
        let (left, right) = (self.left.1.length()?, self.right.1.length()?);
        if left != right {
            return Ok(false);
        }
        for _ in 0..left {
            if !same(self)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
