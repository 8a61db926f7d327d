//! Dead jobs: who sees them, and who decides about them.

use std::time::Duration;

use tokio::sync::oneshot;
use wharf_context::Kind;
use wharf_db::{Db, NewJob, Worker, WorkerSettings};
use wharf_identity::{AuditFilter, Identity, PageRequest, SystemRole};
use wharf_testkit::eventually;

use crate::fixture::{Fixture, kind, system};

/// Jobs that failed once and were given up.
async fn dead_jobs(db: &Db, count: u64) {
    for number in 0..count {
        let payload = format!(r#"{{"number":{number}}}"#);
        let put = async |tx: &mut wharf_db::Tx<'_>| {
            tx.enqueue(NewJob { kind: "test.fail", payload: payload.clone(), run_at: tx.now() }).await
        };
        db.transaction(put).await.expect("a job is enqueued");
    }
    let settings = WorkerSettings { attempts: 1, poll: Duration::from_millis(10), ..WorkerSettings::default() };
    let worker = Worker::new(db.clone(), settings).handle("test.fail", async |_| Err::<(), _>("it is broken"));
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(worker.run(async { drop(stopped.await) }));
    eventually("all are given up and counted", async || db.figures().jobs_dead == count).await;
    drop(stop);
    running.await.expect("the worker ends");
}

async fn listed(identity: &Identity) -> Vec<i64> {
    let page = identity.list_dead_jobs(&system(), &PageRequest::default()).await.expect("listed");
    page.entries.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn dead_jobs_are_listed_in_pages_retried_and_forgotten() {
    let fixture = Fixture::new().await;
    let identity = &fixture.identity;
    dead_jobs(&fixture.database.db, 3).await;
    let first = PageRequest { after: None, limit: Some(2) };
    let first = identity.list_dead_jobs(&system(), &first).await.expect("a page");
    assert_eq!(first.entries[0].last_error, "it is broken");
    let rest = PageRequest { after: first.next.clone(), limit: Some(2) };
    let rest = identity.list_dead_jobs(&system(), &rest).await.expect("a page");
    assert_eq!((first.entries.len(), rest.entries.len(), rest.next), (2, 1, None));

    let ids = listed(identity).await;
    identity.retry_job(&system(), ids[0]).await.expect("retried");
    identity.discard_job(&system(), ids[1]).await.expect("forgotten");
    assert_eq!(listed(identity).await, ids[2..]);
    assert_eq!(kind(identity.retry_job(&system(), ids[1]).await), Kind::NotFound);
    assert_eq!(kind(identity.discard_job(&system(), ids[0]).await), Kind::NotFound);
    let audit = identity
        .list_audit(&system(), &AuditFilter::default(), &PageRequest::default())
        .await
        .expect("the log")
        .entries;
    let actions: Vec<&str> = audit.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(actions, ["job.discard", "job.retry"]);
}

#[tokio::test]
async fn auditors_see_dead_jobs_and_administrators_decide() {
    let fixture = Fixture::new().await;
    let identity = &fixture.identity;
    fixture.user("reader", Some(SystemRole::Auditor)).await;
    fixture.user("nobody", None).await;
    let (reader, nobody) = (fixture.as_user("reader").await, fixture.as_user("nobody").await);
    identity.list_dead_jobs(&reader, &PageRequest::default()).await.expect("an auditor sees");
    assert_eq!(kind(identity.retry_job(&reader, 1).await), Kind::Denied);
    assert_eq!(kind(identity.discard_job(&reader, 1).await), Kind::Denied);
    assert_eq!(kind(identity.list_dead_jobs(&nobody, &PageRequest::default()).await), Kind::Denied);
}
