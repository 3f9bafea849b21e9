//! How much a file unpacks to. Limits hold for each document; this one is for many of them, as in
//! an archive whose members are all the same bytes.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Every file may unpack to this.
const FLOOR: u64 = 1 << 30;

/// Beyond that a file may unpack to so many times its size. Archives of advisories unpack to 10 to
/// 100 times theirs.
const RATIO: u64 = 500;

/// What is left of it, shared by all streams that unpack one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Budget {
    /// Makes the budget of a file of a size.
    pub(super) fn of(size: u64) -> Self {
        Budget(Rc::new(Cell::new(size.saturating_mul(RATIO).saturating_add(FLOOR))))
    }

    /// Tells whether nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }

    /// Lets a stream count what it unpacks, and fail where nothing is left.
    pub(super) fn meter<'s>(&self, stream: Box<dyn Read + 's>) -> Box<dyn Read + 's> {
        Box::new(Metered { stream, budget: self.clone() })
    }
}

struct Metered<'s> {
    stream: Box<dyn Read + 's>,
    budget: Budget,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.0.get();
        let allowed = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if allowed == 0 && !buffer.is_empty() {
            return Err(io::Error::other("it unpacks to far more than its size"));
        }
        let read = self.stream.read(buffer.get_mut(..allowed).unwrap_or_default())?;
        self.budget.0.set(left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX)));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};
    use std::rc::Rc;

    use super::{Budget, FLOOR, RATIO};

    #[test]
    fn all_streams_of_a_file_share_what_it_may_unpack_to() {
        assert_eq!(Budget::of(10).0.get(), FLOOR + 10 * RATIO);
        let budget = Budget(Rc::new(std::cell::Cell::new(10)));
        let read = |count: u64| {
            let mut bytes = Vec::new();
            let stream = budget.meter(Box::new(io::repeat(1)));
            stream.take(count).read_to_end(&mut bytes).map(|_| bytes.len())
        };
        assert_eq!(read(6).unwrap(), 6);
        assert!(!budget.is_spent());
        assert!(read(6).is_err());
        assert!(budget.is_spent());
    }
}
