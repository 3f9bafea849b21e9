//! What a layer hides of the layers beneath it, by the keys of the paths.
//!
//! A layer can be nothing but entries that hide something, and the keys are kept with it: how many
//! there may be is bounded. Beyond that, what is hidden counts as if it were still there, since the
//! other way round an image could hide what it holds.

use tallyman_model::limits::Limits;

/// Removals and replacements, each up to their own number: a removal that gets lost leaves a
/// package that is gone, a replacement mostly nothing.
pub(crate) struct Hides {
    replaced: Bounded,
    removed: Bounded,
    opaque: Bounded,
}

/// What is kept of it.
pub(crate) struct Hidden {
    /// The keys of what is replaced or removed, sorted.
    pub(crate) hides: Vec<u64>,
    /// The keys of opaque directories, sorted.
    pub(crate) opaque: Vec<u64>,
    /// How many are not kept.
    pub(crate) dropped: u64,
}

struct Bounded {
    keys: Vec<u64>,
    max: usize,
    dropped: u64,
}

impl Hides {
    pub(crate) fn new(limits: &Limits) -> Self {
        // Real layers replace more files than they bring packages, and remove fewer.
        let packages = limits.layer_packages;
        Hides {
            replaced: Bounded::new(packages.saturating_mul(2)),
            removed: Bounded::new(packages),
            opaque: Bounded::new(packages / 2),
        }
    }

    /// Notes an entry that may take the place of something.
    pub(crate) fn replace(&mut self, key: u64) {
        self.replaced.push(key);
    }

    /// Notes a whiteout.
    pub(crate) fn remove(&mut self, key: u64) {
        self.removed.push(key);
    }

    /// Notes an opaque directory.
    pub(crate) fn make_opaque(&mut self, key: u64) {
        self.opaque.push(key);
    }

    pub(crate) fn finish(self) -> Hidden {
        let Hides { replaced, removed, opaque } = self;
        let dropped = [&replaced, &removed, &opaque];
        let dropped = dropped.iter().fold(0, |sum: u64, it| sum.saturating_add(it.dropped));
        let mut hides = replaced.keys;
        hides.extend_from_slice(&removed.keys);
        Hidden { hides: sorted(hides), opaque: sorted(opaque.keys), dropped }
    }
}

impl Bounded {
    fn new(max: usize) -> Self {
        Bounded { keys: Vec::new(), max, dropped: 0 }
    }

    fn push(&mut self, key: u64) {
        match self.keys.len() < self.max {
            true => self.keys.push(key),
            false => self.dropped = self.dropped.saturating_add(1),
        }
    }
}

fn sorted(mut keys: Vec<u64>) -> Vec<u64> {
    keys.sort_unstable();
    keys.dedup();
    keys
}
