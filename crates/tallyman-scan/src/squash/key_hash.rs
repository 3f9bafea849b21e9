//! Hashing of keys that are hashes already ([`path_key`](tallyman_model::inventory::path_key)): one
//! multiplication by a number that nobody outside knows, so that no image, and no agent that makes
//! keys up, can choose which of them fall together.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers that share their two secrets.
#[derive(Clone)]
pub(super) struct KeyHashing {
    mask: u64,
    factor: u64,
}

impl Default for KeyHashing {
    fn default() -> Self {
        let random = RandomState::new();
        KeyHashing { mask: random.hash_one(0_u8), factor: random.hash_one(1_u8) | 1 }
    }
}

impl BuildHasher for KeyHashing {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher { hashing: self.clone(), state: 0 }
    }
}

/// Hashes one key.
pub(super) struct KeyHasher {
    hashing: KeyHashing,
    state: u64,
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        let KeyHashing { mask, factor } = self.hashing;
        let product = u128::from(key ^ self.state ^ mask) * u128::from(factor);
        let half = |part: u128| u64::try_from(part & u128::from(u64::MAX)).unwrap_or_default();
        self.state = half(product) ^ half(product >> 64);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::KeyHashing;

    #[test]
    fn keys_that_differ_in_a_few_bits_fall_apart() {
        let hashing = KeyHashing::default();
        for shift in [0, 20, 32, 48] {
            let places: HashSet<u64> =
                (0..4096_u64).map(|key| hashing.hash_one(key << shift) & 0xffff).collect();
            assert!(places.len() > 3000, "{} places at shift {shift}", places.len());
        }
    }

    #[test]
    fn two_sets_hash_differently() {
        let (one, other) = (KeyHashing::default(), KeyHashing::default());
        assert!((0..8_u64).any(|key| one.hash_one(key) != other.hash_one(key)));
    }
}
