//! CPU work and blocking reads, away from the threads that wait.
//!
//! One pool of one thread per processor; more work than that queues up here and nowhere else.

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use rayon::ThreadPool;

/// Runs `work` on the pool and waits for it without blocking the caller's thread.
///
/// # Panics
///
/// Resumes a panic of `work` in the caller.
pub async fn run<T, F>(work: F) -> T
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (reply, answer) = tokio::sync::oneshot::channel();
    pool().spawn(move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // Nobody waits any more when the caller was cancelled.
        let _ = reply.send(result);
    });
    match answer.await.expect("the pool answers before it drops the sender") {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Returns the number of threads that [`run`] shares.
pub fn width() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn pool() -> &'static ThreadPool {
    static POOL: OnceLock<ThreadPool> = OnceLock::new();
    POOL.get_or_init(|| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(width())
            .thread_name(|index| format!("work-{index}"))
            .build()
            .expect("threads can be started")
    })
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn work_comes_back_and_panics_reach_the_caller() {
        assert_eq!(super::run(|| 6 * 7).await, 42);
        let task = tokio::spawn(super::run(|| -> u8 { std::panic::panic_any("on purpose") }));
        assert!(task.await.expect_err("a panic").is_panic());
    }
}
