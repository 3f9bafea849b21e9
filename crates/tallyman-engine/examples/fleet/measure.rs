//! What a step took: time, rows, bytes, memory, and how long somebody who reads waited meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tallyman_engine::images::{MatchOutcome, match_pending};
use tallyman_engine::installation::Installation;
use tallyman_store::ids::ImageId;

use crate::Fallible;
use crate::images::Numbers;

/// How many images a reader asks for at a time.
const PAGE: u32 = 50;

/// Runs matches and prints what they took.
pub(crate) struct Measure<'a> {
    pub(crate) installation: &'a Arc<Installation>,
    pub(crate) images: usize,
}

impl Measure<'_> {
    pub(crate) async fn run(&self, name: &str) -> Fallible<()> {
        let store = self.installation.store();
        // Makes the peak start again where the kernel lets it.
        drop(std::fs::write("/proc/self/clear_refs", "5"));
        let (rows, kilobytes) = (store.rows_written().await?, written_kilobytes());
        let before = proc_number("/proc/self/status", "VmRSS:").unwrap_or(0) / 1024;
        let reader = Reader::start(self.installation);
        let start = Instant::now();
        let MatchOutcome { matched, changed_versions, changed_images } =
            match_pending(self.installation).await?;
        let seconds = start.elapsed().as_secs_f64();
        let waited = reader.stop().await?;
        let rows = store.rows_written().await? - rows;
        let kilobytes = written_kilobytes().saturating_sub(kilobytes);
        let peak = proc_number("/proc/self/status", "VmHWM:").unwrap_or(0) / 1024;
        println!(
            "fleet.{}.{name}={seconds:.3} s (versions matched {matched}, changed \
             {changed_versions}; images changed {changed_images}; rows {rows}, {kilobytes} kB \
             written; memory {before} to {peak} MB; longest read {waited} ms)",
            self.images,
        );
        Ok(())
    }

    /// Prints how long something took.
    pub(crate) fn print(&self, name: &str, start: Instant) {
        println!("fleet.{}.{name}={:.3} s", self.images, start.elapsed().as_secs_f64());
    }
}

/// Somebody who reads pages of images all the time.
struct Reader {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Result<Duration, tallyman_store::error::StoreError>>,
}

impl Reader {
    fn start(installation: &Arc<Installation>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (is_over, installation) = (Arc::clone(&stop), Arc::clone(installation));
        let task = tokio::spawn(async move {
            let mut numbers = Numbers(1);
            let mut longest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let after = i64::try_from(numbers.below(usize::MAX >> 1)).ok().map(ImageId);
                let start = Instant::now();
                installation.store().list_images_after(after, PAGE).await?;
                longest = longest.max(start.elapsed());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(longest)
        });
        Reader { stop, task }
    }

    /// Returns the longest wait in milliseconds.
    async fn stop(self) -> Fallible<u128> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(self.task.await??.as_millis())
    }
}

fn written_kilobytes() -> u64 {
    proc_number("/proc/self/io", "write_bytes:").unwrap_or(0) / 1000
}

fn proc_number(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
