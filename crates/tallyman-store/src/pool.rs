//! The connections that only read. A read takes microseconds, so it runs where it is asked for.

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::error::StoreError;

pub(crate) struct ReaderPool {
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
    open: Box<dyn Fn() -> Result<Connection, StoreError> + Send + Sync>,
}

impl ReaderPool {
    /// Makes a pool of at most `size` connections, of which the first is open; `open` opens others.
    pub(crate) fn new(
        first: Connection,
        size: usize,
        open: impl Fn() -> Result<Connection, StoreError> + Send + Sync + 'static,
    ) -> Self {
        let permits = Semaphore::new(size.max(1));
        ReaderPool { permits, idle: Mutex::new(vec![first]), open: Box::new(open) }
    }

    /// Waits for a connection and runs `read` on it, without a further await.
    pub(crate) async fn run<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _permit = self.permits.acquire().await.map_err(|_| StoreError::Closed)?;
        let lent = Lent::take(self)?;
        lent.connection.as_ref().map_or(Err(StoreError::Closed), read)
    }
}

/// A connection that goes back to the pool even if the reader panics.
struct Lent<'p> {
    pool: &'p ReaderPool,
    connection: Option<Connection>,
}

impl<'p> Lent<'p> {
    fn take(pool: &'p ReaderPool) -> Result<Self, StoreError> {
        let idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| (pool.open)(), Ok)?;
        Ok(Lent { pool, connection: Some(connection) })
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
