//! Events become one job per subscriber, or none at all.

use wharf_context::Event;
use wharf_db::{Db, Error, Subscription};
use wharf_testkit::Database;

fn tag_deleted() -> Event {
    Event::TagDeleted { repository: "p/app".to_owned(), tag: "1".to_owned(), digest: "sha256:0".to_owned() }
}

async fn jobs(db: &Db) -> Vec<(String, String)> {
    let rows = db.list("SELECT kind, payload FROM jobs ORDER BY kind", &[]).await.unwrap();
    rows.iter().map(|row| (row.text(0).unwrap().to_owned(), row.text(1).unwrap().to_owned())).collect()
}

async fn three_subscribers() -> Database {
    Database::with_subscriptions(vec![
        Subscription { job: "lineage", events: vec!["manifest_pushed", "tag_deleted"] },
        Subscription { job: "scan", events: vec!["manifest_pushed"] },
        Subscription { job: "webhook", events: vec!["tag_deleted"] },
    ])
    .await
}

#[tokio::test]
async fn each_subscriber_of_an_event_gets_a_job_with_it() {
    let database = three_subscribers().await;
    database.db.transaction(async |tx| tx.announce(tag_deleted()).await).await.unwrap();
    let jobs = jobs(&database.db).await;
    let kinds: Vec<&str> = jobs.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["lineage", "webhook"]);
    for (_, payload) in &jobs {
        assert_eq!(serde_json::from_str::<Event>(payload).unwrap(), tag_deleted());
    }
}

#[tokio::test]
async fn an_event_of_a_transaction_that_is_rolled_back_did_not_happen() {
    let database = three_subscribers().await;
    let result: Result<(), Error> = database
        .db
        .transaction(async |tx| {
            tx.announce(tag_deleted()).await?;
            Err(Error::Busy)
        })
        .await;
    assert!(result.is_err());
    assert_eq!(jobs(&database.db).await, []);
}

#[tokio::test]
async fn an_event_that_nobody_wants_leaves_nothing() {
    let database = Database::open().await;
    database.db.transaction(async |tx| tx.announce(tag_deleted()).await).await.unwrap();
    assert_eq!(jobs(&database.db).await, []);
}
