//! The hash of a stream of blocks: at first where they are read, and beside it once there are many.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use ring::digest::{Context, SHA256, SHA512};
use tallyman_model::digest::{Algorithm, Digest};

use crate::error::LayerError;

/// So many blocks are hashed by the reader itself: a thread does not pay for less.
const INLINE_BLOCKS: u32 = 8;

/// A hash in the making.
pub(crate) struct Hash {
    algorithm: Algorithm,
    blocks: u32,
    place: Place,
}

enum Place {
    Inline(Context),
    Beside(Beside),
}

/// A thread that hashes blocks in the order in which they come.
struct Beside {
    blocks: Sender<Arc<Vec<u8>>>,
    /// One message a block, once the thread is done with it.
    done: Receiver<()>,
    pending: usize,
    thread: JoinHandle<Context>,
}

impl Hash {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let context = Context::new(match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        });
        Hash { algorithm, blocks: 0, place: Place::Inline(context) }
    }

    /// Waits until fewer than `count` blocks are shared with the thread.
    pub(crate) fn wait_for_less_than(&mut self, count: usize) {
        if let Place::Beside(beside) = &mut self.place {
            while beside.pending >= count && beside.done.recv().is_ok() {
                beside.pending = beside.pending.saturating_sub(1);
            }
        }
    }

    /// Adds the next block.
    pub(crate) fn update(&mut self, block: &Arc<Vec<u8>>) {
        self.blocks = self.blocks.saturating_add(1);
        if self.blocks == INLINE_BLOCKS {
            self.move_beside();
        }
        match &mut self.place {
            Place::Inline(context) => context.update(block),
            Place::Beside(beside) => {
                beside.pending = beside.pending.saturating_add(1);
                // A thread that is gone has no digest, which `finish` reports.
                let _ = beside.blocks.send(Arc::clone(block));
            }
        }
    }

    /// Returns the digest of all blocks.
    pub(crate) fn finish(self) -> Result<Digest, LayerError> {
        let lost = || LayerError::Read(io::Error::other("the thread that hashes is gone"));
        let context = match self.place {
            Place::Inline(context) => context,
            Place::Beside(beside) => {
                drop(beside.blocks);
                beside.thread.join().map_err(|_| lost())?
            }
        };
        let found = context.finish();
        match self.algorithm {
            Algorithm::Sha256 => found.as_ref().try_into().map(Digest::from_sha256),
            Algorithm::Sha512 => found.as_ref().try_into().map(Digest::from_sha512),
        }
        .map_err(|_| LayerError::Read(io::Error::other("the hash has an unexpected length")))
    }

    fn move_beside(&mut self) {
        let Place::Inline(context) = &self.place else {
            return;
        };
        // The thread takes a copy, so that the hash goes on here if there is no thread to be had.
        let mut moved = context.clone();
        let (blocks, incoming) = channel::<Arc<Vec<u8>>>();
        let (finished, done) = channel();
        let spawned = Builder::new().name("hash".to_owned()).spawn(move || {
            for block in incoming {
                moved.update(&block);
                drop(block);
                // The reader is gone when it met an error.
                let _ = finished.send(());
            }
            moved
        });
        if let Ok(thread) = spawned {
            self.place = Place::Beside(Beside { blocks, done, pending: 0, thread });
        }
    }
}
