//! CPU work and blocking reads, away from the threads that wait.
//!
//! No more of it runs at once than there are processors; the rest queues up here and nowhere else.
//! The threads are the runtime's own: they start when there is work and sleep when there is none,
//! which a scan that takes a few milliseconds notices.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use tokio::sync::Semaphore;

/// How many items [`map`] gives a thread at a time: fewer are not worth a second thread.
const BLOCK: usize = 256;

/// Runs `work` when a processor is free and waits for it without blocking the caller's thread.
///
/// # Panics
///
/// Resumes a panic of `work` in the caller.
pub async fn run<T, F>(work: F) -> T
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    static PROCESSORS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(width()));
    let permit = PROCESSORS.acquire().await.expect("the semaphore is never closed");
    #[expect(clippy::disallowed_methods, reason = "this is what bounds it")]
    let task = tokio::task::spawn_blocking(move || {
        // The processor is free when the work is done, and not when nobody waits for it any more.
        let _permit = permit;
        work()
    });
    match task.await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Returns how much work [`run`] does at once.
pub fn width() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Applies `work` to each of `items` on all processors; the results are in the order of the items.
///
/// # Panics
///
/// Panics if `work` does.
pub fn map<I, T, F>(items: &[I], work: F) -> Vec<T>
where
    I: Sync,
    T: Send,
    F: Fn(&I) -> T + Sync,
{
    let blocks: Vec<&[I]> = items.chunks(BLOCK).collect();
    if blocks.len() <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(blocks.len()));
    let take_blocks = || {
        while let Some((index, block)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            blocks.get(index).map(|block| (index, block))
        } {
            let results: Vec<T> = block.iter().map(&work).collect();
            done.lock().expect("no thread panics while it holds the lock").push((index, results));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..width().min(blocks.len()) {
            scope.spawn(take_blocks);
        }
        take_blocks();
    });
    let mut done = done.into_inner().expect("no thread panics while it holds the lock");
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn work_comes_back_and_panics_reach_the_caller() {
        assert_eq!(super::run(|| 6 * 7).await, 42);
        let task = tokio::spawn(super::run(|| -> u8 { std::panic::panic_any("on purpose") }));
        assert!(task.await.expect_err("a panic").is_panic());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_work_runs_than_there_are_processors_even_if_nobody_waits_for_it() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let work = || {
            MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            RUNNING.fetch_sub(1, Ordering::SeqCst);
        };
        let tasks: Vec<_> = (0..200).map(|_| tokio::spawn(super::run(work))).collect();
        for (index, task) in tasks.into_iter().enumerate() {
            match index % 3 {
                0 => task.abort(),
                _ => task.await.expect("the work is done"),
            }
        }
        assert!((1..=super::width()).contains(&MOST.load(Ordering::SeqCst)));
    }

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 255, 256, 257, 5_000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(super::map(&items, |item| item * 2), doubled);
        }
    }
}
