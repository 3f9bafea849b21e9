//! Which nonces were used: kept in memory, and written behind in batches so that a restart
//! forgets at most the last moment.
//!
//! A nonce is remembered per AccessKey for twice the allowed clock skew; after that its request
//! is refused for its timestamp.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tallyman_acs::signature::NONCE_WINDOW_MS;
use tallyman_store::nonces::Nonce;

/// The used nonces of all keys.
#[derive(Debug, Default)]
pub(crate) struct NonceMemory {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// When each (key, nonce) may be forgotten.
    used: HashMap<(String, String), i64>,
    unwritten: Vec<Nonce>,
    next_sweep_ms: i64,
    /// Requests that were signed before this time may have been answered by a process that was
    /// killed before it wrote their nonces down.
    not_before_ms: i64,
}

/// How often forgotten nonces are dropped from memory.
const SWEEP_INTERVAL_MS: i64 = 60_000;

impl NonceMemory {
    /// Starts with what an earlier process wrote down. Nothing that was signed before
    /// `not_before_ms` is taken for new.
    pub(crate) fn new(stored: Vec<Nonce>, not_before_ms: i64) -> Self {
        let used = stored
            .into_iter()
            .map(|nonce| ((nonce.access_key_id, nonce.nonce), nonce.expires_at))
            .collect();
        let inner = Inner { used, unwritten: Vec::new(), next_sweep_ms: 0, not_before_ms };
        NonceMemory { inner: Mutex::new(inner) }
    }

    /// Remembers a nonce; false if it was, or may have been, used before.
    pub(crate) fn insert(
        &self,
        access_key_id: &str,
        nonce: &str,
        signed_ms: i64,
        now_ms: i64,
    ) -> bool {
        let mut inner = self.lock();
        if signed_ms < inner.not_before_ms {
            return false;
        }
        if now_ms >= inner.next_sweep_ms {
            inner.used.retain(|_, expires_at| *expires_at > now_ms);
            inner.next_sweep_ms = now_ms + SWEEP_INTERVAL_MS;
        }
        let expires_at = now_ms + NONCE_WINDOW_MS;
        let key = (access_key_id.to_owned(), nonce.to_owned());
        if inner.used.get(&key).is_some_and(|expires_at| *expires_at > now_ms) {
            return false;
        }
        inner.used.insert(key, expires_at);
        inner.unwritten.push(Nonce {
            access_key_id: access_key_id.to_owned(),
            nonce: nonce.to_owned(),
            expires_at,
        });
        true
    }

    /// Takes what has not been written down yet.
    pub(crate) fn take_unwritten(&self) -> Vec<Nonce> {
        std::mem::take(&mut self.lock().unwritten)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The map is whole between any two statements, also after a panic elsewhere.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tallyman_acs::signature::NONCE_WINDOW_MS;

    use super::NonceMemory;

    #[test]
    fn a_nonce_is_good_once_per_key_and_window() {
        let memory = NonceMemory::default();
        assert!(memory.insert("a", "n", 0, 0));
        assert!(!memory.insert("a", "n", 0, 1));
        assert!(memory.insert("b", "n", 0, 1));
        assert!(memory.insert("a", "n", 0, NONCE_WINDOW_MS + 1));
    }

    #[test]
    fn a_restart_remembers_what_was_written() {
        let before = NonceMemory::default();
        assert!(before.insert("a", "n", 0, 0));
        let after = NonceMemory::new(before.take_unwritten(), 0);
        assert!(!after.insert("a", "n", 0, 10));
        assert!(before.take_unwritten().is_empty());
    }

    #[test]
    fn after_a_kill_nothing_that_was_signed_before_is_new() {
        let after = NonceMemory::new(Vec::new(), 5_000);
        assert!(!after.insert("a", "n", 4_000, 5_100));
        assert!(after.insert("a", "n", 5_000, 5_100));
    }
}
