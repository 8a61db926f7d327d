//! What lineage does by itself: after pushes, after deletions and restorations, and with images from before.

use std::time::Duration;

use tokio::task::JoinHandle;
use wharf_db::{Job, Worker, WorkerSettings};
use wharf_governance::{Error, Governance, lineage};
use wharf_registry::Precondition;
use wharf_testkit::eventually;

use super::{PAY, bases, one};
use crate::fixture::Fixture;
use crate::images::{TestImage, name, owner, push};

type Running = std::pin::Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A worker that ends with the test.
struct Working(JoinHandle<()>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn work(fixture: &Fixture) -> Working {
    let by = |run: fn(Governance, Job) -> Running| {
        let governance = fixture.governance.clone();
        move |job| run(governance.clone(), job)
    };
    let settings = WorkerSettings { poll: Duration::from_millis(10), ..WorkerSettings::default() };
    let worker = Worker::new(fixture.db().clone(), settings)
        .handle(lineage::job::SEE, by(|it, job| Box::pin(async move { it.see(&job).await })))
        .handle(lineage::catch_up::CATCH_UP, by(|it, job| Box::pin(async move { it.catch_up(&job).await })));
    Working(tokio::spawn(worker.run(std::future::pending())))
}

async fn idle(fixture: &Fixture) {
    eventually("all jobs are done", async || fixture.is_idle().await).await;
}

#[tokio::test]
async fn images_from_before_are_looked_at_once() {
    let fixture = Fixture::open().await;
    let (os, app) = (TestImage::of(&["os"]), TestImage::of(&["os", "app"]));
    push(&fixture.registry, ("pay/app", PAY), "1", &app).await;
    push(&fixture.registry, ("pay/os", PAY), "1", &os).await;
    let _working = work(&fixture);
    fixture.governance.begin_catch_up().await.expect("begun");
    idle(&fixture).await;
    assert_eq!(bases(&one(&fixture, "pay/app", "1").await), [(os.digest(), 1, lineage::By::Layers)]);
    fixture.governance.begin_catch_up().await.expect("begun before");
    assert!(fixture.is_idle().await, "a second node, or a second start, begins nothing");
}

#[tokio::test]
async fn what_goes_to_the_bin_leaves_and_what_comes_back_is_there_again() {
    let fixture = Fixture::with_subscriptions(vec![lineage::job::subscription()]).await;
    let _working = work(&fixture);
    let (os, app) = (TestImage::of(&["os"]), TestImage::of(&["os", "app"]));
    push(&fixture.registry, ("pay/os", PAY), "1", &os).await;
    push(&fixture.registry, ("pay/app", PAY), "1", &app).await;
    idle(&fixture).await;
    assert_eq!(one(&fixture, "pay/app", "1").await.bases.len(), 1);
    let (ctx, repository, digest) = (owner("pay/os", PAY), name("pay/os"), os.digest());
    fixture.registry.delete_manifest(&ctx, &repository, &digest, &Precondition::None).await.expect("deleted");
    idle(&fixture).await;
    assert!(one(&fixture, "pay/app", "1").await.bases.is_empty());
    fixture.registry.restore_manifest(&ctx, &repository, &digest).await.expect("restored");
    idle(&fixture).await;
    assert_eq!(one(&fixture, "pay/app", "1").await.bases.len(), 1);
}
