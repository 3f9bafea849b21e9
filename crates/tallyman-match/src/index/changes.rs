//! What differs between two indexes: only packages with these keys need to be matched again.
//!
//! Both indexes are sorted in the same way, so they are gone through side by side. Their strings are
//! numbered in one order first: what they say of a key is compared by these numbers.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use tallyman_model::advisory::PackageKey;
use tallyman_model::vulnerability::CveId;

use super::advisory::Header;
use super::statement::{Statement, renumber};
use super::strings::common_numbers;
use super::{AdvisoryIndex, Entries, IndexError};
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
        let (ours, theirs) = common_numbers(self.strings(), older.strings())?;
        let (ours, theirs) =
            (Side { index: self, numbers: ours }, Side { index: older, numbers: theirs });
        let mut changed = Vec::new();
        let (mut at, mut older_at) = (0, 0);
        while at < self.key_count() || older_at < older.key_count() {
            let order = match (at < self.key_count(), older_at < older.key_count()) {
                (true, true) => ours.sort_key(at)?.cmp(&theirs.sort_key(older_at)?),
                (true, false) => Ordering::Less,
                (false, _) => Ordering::Greater,
            };
            match order {
                Ordering::Less => changed.push(self.key_at(at)?),
                Ordering::Greater => changed.push(older.key_at(older_at)?),
                Ordering::Equal => {
                    if !says_the_same(&ours, at, &theirs, older_at)?
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
}

/// One of two indexes that are compared, with the numbers of its strings in the order of both.
struct Side<'a> {
    index: &'a AdvisoryIndex,
    numbers: Vec<u32>,
}

impl Side<'_> {
    /// What keys are sorted by: the numbers of strings are in the order of the strings.
    fn sort_key(&self, at: usize) -> Result<(usize, usize, usize), IndexError> {
        let group = self.index.group_of(at)?;
        let name = self.index.name_and_list(at)?.0;
        let number = |id| renumber(id, &self.numbers);
        Ok((group.ecosystem, number(group.release)?, number(name)?))
    }

    /// Reads the next of the entries, with the numbers of both.
    fn next<'a>(
        &'a self,
        entries: &mut Entries<'_>,
    ) -> Result<Option<(&'a str, Header, Statement)>, IndexError> {
        let Some((advisory_at, mut statement)) = entries.next()? else { return Ok(None) };
        let mut header = self.index.advisory(advisory_at)?;
        let feed = self.index.feed_name(std::mem::take(&mut header.feed))?;
        header.renumber(&self.numbers)?;
        statement.renumber(&self.numbers)?;
        Ok(Some((feed, header, statement)))
    }
}

fn says_the_same(
    left: &Side<'_>,
    left_at: usize,
    right: &Side<'_>,
    right_at: usize,
) -> Result<bool, IndexError> {
    let (mut a, mut b) = (left.index.entries(left_at)?, right.index.entries(right_at)?);
    if a.left != b.left {
        return Ok(false);
    }
    loop {
        match (left.next(&mut a)?, right.next(&mut b)?) {
            (None, None) => return Ok(true),
            (one, other) if one != other => return Ok(false),
            _ => {}
        }
    }
}
