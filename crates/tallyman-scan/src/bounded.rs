//! Lists of which a document may not have any number: serde would allocate for all of them, and for
//! a field of several shapes it would keep everything twice.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, SeqAccess, Visitor};

/// The components of a document, more than which none of a real image has.
pub(crate) const MAX_COMPONENTS: usize = 500_000;
/// What one component has of anything.
pub(crate) const MAX_DETAILS: usize = 50_000;

/// A list of at most `MAX` items; `null` is an empty one, and a text alone one of one item.
pub(crate) struct Bounded<T, const MAX: usize>(pub(crate) Vec<T>);

impl<T, const MAX: usize> Default for Bounded<T, MAX> {
    fn default() -> Self {
        Bounded(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut items = Vec::new();
        let count = for_each(deserializer, MAX, |item| items.push(item))?;
        debug_assert_eq!(count, items.len());
        Ok(Bounded(items))
    }
}

/// Reads a list item by item, so that what is not kept is not held, and returns their number.
pub(crate) fn for_each<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    maximum: usize,
    each: impl FnMut(T),
) -> Result<usize, D::Error> {
    deserializer.deserialize_any(Items { maximum, each, item: PhantomData })
}

struct Items<T, F> {
    maximum: usize,
    each: F,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Items<T, F> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {} items", self.maximum)
    }

    fn visit_unit<E: Error>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<usize, E> {
        (self.each)(T::deserialize(text.into_deserializer())?);
        Ok(1)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<usize, A::Error> {
        let mut count = 0_usize;
        while let Some(item) = list.next_element()? {
            if count >= self.maximum {
                return Err(A::Error::custom(format!("a list has more than {count} items")));
            }
            (self.each)(item);
            count = count.saturating_add(1);
        }
        Ok(count)
    }
}
