//! Runs blocking work of the crate on a thread of its own, so that opening an archive does not
//! hold up the runtime. It is for waiting on files; the caller bounds how many images it opens.

use std::thread;

use tokio::sync::oneshot;

use crate::error::SourceError;

/// Runs `work` on a new thread and waits for its result.
pub(crate) async fn run<T, F>(subject: &str, work: F) -> Result<T, SourceError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, SourceError> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new()
        .name("tallyman-source".to_owned())
        .spawn(move || {
            // A caller that no longer waits does not want the result.
            let _ = sender.send(work());
        })
        .map_err(|error| SourceError::transient(subject, format!("no thread: {error}")))?;
    receiver.await.map_err(|_| SourceError::transient(subject, "the reading thread ended early"))?
}
