//! Progress on long work, on standard error and only on a terminal.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tallyman_engine::analysis::AnalysisProgress;

/// Shows how far work is. Without a terminal it shows nothing.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bars: MultiProgress,
}

impl Default for Progress {
    fn default() -> Self {
        Progress::new()
    }
}

impl Progress {
    /// Makes one for standard error.
    pub(crate) fn new() -> Self {
        Progress { bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()) }
    }

    /// Shows work of unknown length.
    pub(crate) fn spinner(&self, message: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// Shows how many of `total` bytes are done.
    pub(crate) fn bytes(&self, message: &str, total: u64) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(total));
        let style = "{msg:32!} {bar:30} {bytes:>10} of {total_bytes:<10} {eta:>4}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(message.to_owned());
        bar
    }
}

/// A bar that follows an analysis by itself.
pub(crate) struct Watch {
    bar: ProgressBar,
    follower: tokio::task::JoinHandle<()>,
}

impl Progress {
    /// Follows how many bytes of an image have been read.
    pub(crate) fn watch(&self, name: &str, bytes: Arc<AnalysisProgress>) -> Watch {
        let bar = self.bytes(name, 0);
        let followed = bar.clone();
        let follower = tokio::spawn(async move {
            loop {
                followed.set_length(bytes.total_bytes.load(Ordering::Relaxed));
                followed.set_position(bytes.done_bytes.load(Ordering::Relaxed));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Watch { bar, follower }
    }
}

impl Watch {
    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.follower.abort();
        self.bar.finish_and_clear();
    }
}
