//! What one image may take: the limits, and how much of those that its layers share they have taken.
//!
//! Layers are read side by side, so what counts for all of them together is counted here. An error
//! from here is one of the image, not of the layer that happened to be read: no result of a layer
//! depends on what other layers took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tallyman_model::inventory::LayerInventory;
use tallyman_model::limits::Limits;

use crate::error::LayerError;

/// The limits of an image, and what its layers have taken of them so far.
#[derive(Debug, Default)]
pub struct Budget {
    limits: Limits,
    entries: AtomicU64,
    uncompressed_bytes: AtomicU64,
    held_bytes: Mutex<u64>,
    released: Condvar,
}

impl Budget {
    /// Makes the budget of an image of which nothing has been read.
    pub fn new(limits: Limits) -> Self {
        Budget { limits, ..Budget::default() }
    }

    /// Returns the limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a layer that is known already, and so is not read.
    pub fn add_known(&self, layer: &LayerInventory) {
        add(&self.entries, layer.entries);
        add(&self.uncompressed_bytes, layer.uncompressed_bytes);
    }

    /// Counts entries of a layer's tar.
    pub(crate) fn take_entries(&self, count: u64) -> Result<(), LayerError> {
        let total = add(&self.entries, count);
        check("image-entries", total, self.limits.image_entries)
    }

    /// Counts bytes of a layer's tar.
    pub(crate) fn take_uncompressed(&self, bytes: u64) -> Result<(), LayerError> {
        let total = add(&self.uncompressed_bytes, bytes);
        check("image-uncompressed-bytes", total, self.limits.image_uncompressed_bytes)
    }

    /// Waits until so many bytes may be held in memory. Whoever holds some must not ask for more:
    /// then someone always holds none of what the others wait for.
    pub(crate) fn hold(&self, bytes: u64) -> Held<'_> {
        let max = self.limits.held_bytes;
        let is_full = |held: &mut u64| *held > 0 && held.saturating_add(bytes) > max;
        let held = self.released.wait_while(self.lock(), is_full);
        let mut held = held.unwrap_or_else(PoisonError::into_inner);
        *held = held.saturating_add(bytes);
        Held { budget: self, bytes }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.held_bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room in memory; it is given back when this is dropped.
pub(crate) struct Held<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut held = self.budget.lock();
        *held = held.saturating_sub(self.bytes);
        drop(held);
        self.budget.released.notify_all();
    }
}

fn add(counter: &AtomicU64, count: u64) -> u64 {
    counter.fetch_add(count, Ordering::Relaxed).saturating_add(count)
}

fn check(limit: &'static str, total: u64, value: u64) -> Result<(), LayerError> {
    if total > value { Err(LayerError::LimitExceeded { limit, value }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tallyman_model::limits::Limits;

    use super::Budget;
    use crate::error::LayerError;
    use crate::layer::{LayerInput, analyze_layer};
    use crate::testing::TarBuilder;
    use tallyman_model::image::Compression;

    fn read(tar: &[u8], budget: &Budget) -> Result<(), LayerError> {
        let mut reader = tar;
        let input = LayerInput {
            reader: &mut reader,
            compression: Compression::None,
            expected: None,
            size_bytes: None,
        };
        let inventory = analyze_layer(input, budget, &|_| {})?.inventory;
        assert_eq!(inventory.uncompressed_bytes, tar.len() as u64);
        Ok(())
    }

    fn over(result: Result<(), LayerError>) -> &'static str {
        match result.expect_err("over a limit") {
            LayerError::LimitExceeded { limit, .. } => limit,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn layers_share_what_counts_for_the_image() {
        let tar = TarBuilder::new().file("a", "a").file("b", "b").finish();
        let size = tar.len() as u64;
        for (limits, limit) in [
            (Limits { image_entries: 5, ..Limits::default() }, "image-entries"),
            (
                Limits { image_uncompressed_bytes: 3 * size - 1, ..Limits::default() },
                "image-uncompressed-bytes",
            ),
        ] {
            let budget = Budget::new(limits);
            assert!(read(&tar, &budget).is_ok() && read(&tar, &budget).is_ok());
            assert_eq!(over(read(&tar, &budget)), limit);
        }
        let limits =
            Limits { image_entries: 6, image_uncompressed_bytes: 3 * size, ..Limits::default() };
        let budget = Budget::new(limits);
        (0..3).for_each(|_| read(&tar, &budget).expect("at the limits"));
    }

    #[test]
    fn what_is_known_counts_as_if_it_were_read() {
        let tar = TarBuilder::new().file("a", "a").finish();
        let budget = Budget::new(Limits { image_entries: 1, ..Limits::default() });
        budget.add_known(&crate::testing::analyze(&tar).expect("a layer"));
        assert_eq!(over(read(&tar, &budget)), "image-entries");
    }

    #[test]
    fn a_long_tar_is_stopped_in_its_middle() {
        let tar = (0..5000).fold(TarBuilder::new(), |tar, index| tar.dir(&format!("d{index}")));
        let budget = Budget::new(Limits { image_entries: 10, ..Limits::default() });
        assert_eq!(over(read(&tar.finish(), &budget)), "image-entries");
        assert!(budget.entries.into_inner() < 5000);
    }

    #[test]
    fn memory_is_given_out_up_to_the_limit_and_waited_for_beyond_it() {
        let budget = Budget::new(Limits { held_bytes: 10, ..Limits::default() });
        let first = budget.hold(6);
        let second = budget.hold(4);
        let most = thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let _room = budget.hold(5);
                *budget.lock()
            });
            drop(second);
            drop(first);
            waiting.join().expect("room came")
        });
        assert_eq!(most, 5);
        assert_eq!(*budget.lock(), 0);
    }

    #[test]
    fn many_threads_never_hold_more_than_the_limit() {
        let budget = Budget::new(Limits { held_bytes: 10, ..Limits::default() });
        thread::scope(|scope| {
            for bytes in 1..=8 {
                let budget = &budget;
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _room = budget.hold(bytes);
                        assert!(*budget.lock() <= 10);
                    }
                });
            }
        });
        assert_eq!(*budget.lock(), 0);
    }
}
