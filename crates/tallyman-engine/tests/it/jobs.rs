use std::time::Duration;

use tallyman_engine::jobs::{Worker, enqueue_analysis};
use tallyman_source::location::Location;
use tallyman_store::jobs::{JobFilter, JobRow, JobState};
use tallyman_testkit::layer::Layer;
use tallyman_testkit::layout;
use tokio::sync::watch;

use crate::setting::Setting;

async fn jobs(setting: &Setting) -> Vec<JobRow> {
    setting.installation.store().list_jobs(&JobFilter::default(), None, 100).await.expect("jobs")
}

/// Runs a worker until the jobs are as wanted.
async fn work_until(setting: &Setting, done: impl Fn(&[JobRow]) -> bool) {
    let (stop, stopped) = watch::channel(false);
    let worker = Worker::new(setting.installation.clone(), setting.sources.clone());
    let task = tokio::spawn(worker.run(stopped));
    let wait = async {
        while !done(&jobs(setting).await) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the jobs end in time");
    stop.send(true).expect("the worker listens");
    task.await.expect("the worker ends");
}

fn layout_of(setting: &Setting) -> Location {
    let layer = Layer::default().python("quayside", "1.4").gzip();
    layout::write(&setting.path("image"), "a/b:1", &[layer]);
    Location::OciLayout { path: setting.path("image"), reference: None }
}

#[tokio::test]
async fn a_queued_image_is_analysed_once_however_often_it_was_queued() {
    let setting = Setting::new().await;
    let location = layout_of(&setting);
    for _ in 0..3 {
        enqueue_analysis(&setting.installation, &location, None).await.expect("queued");
    }
    assert_eq!(jobs(&setting).await.len(), 1);
    work_until(&setting, |jobs| jobs.is_empty()).await;
    let images = setting.installation.store().list_images_after(None, 10).await.expect("images");
    assert_eq!(images.len(), 1);
}

#[tokio::test]
async fn the_lease_of_a_worker_that_froze_is_taken_over() {
    let setting = Setting::new().await;
    let location = layout_of(&setting);
    enqueue_analysis(&setting.installation, &location, None).await.expect("queued");
    let store = setting.installation.store();
    let now_ms = setting.installation.clock().now_ms();
    let claimed =
        store.claim_jobs("frozen", &["analyze-image"], now_ms, 30_000, 1).await.expect("claimed");
    setting.clock.advance(30_001);
    work_until(&setting, |jobs| jobs.is_empty()).await;
    // The frozen worker wakes up and has nothing to say any more.
    assert!(store.finish_job(&claimed[0].lease, now_ms).await.is_err());
}

#[tokio::test]
async fn an_image_that_is_not_there_is_given_up_with_the_reason() {
    let setting = Setting::new().await;
    let location = Location::OciLayout { path: setting.path("nowhere"), reference: None };
    enqueue_analysis(&setting.installation, &location, None).await.expect("queued");
    work_until(&setting, |jobs| jobs.iter().all(|job| job.state == JobState::Dead)).await;
    let reason = jobs(&setting).await.remove(0).last_error.expect("a reason");
    assert!(reason.contains("nowhere"), "{reason}");
}
