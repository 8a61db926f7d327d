//! The audit log: a row for what was done, and none for what was not; the chain; pages.

mod chain;
mod journal;
mod pages;

use serde_json::json;
use wharf_context::{Caller, CallerId, Context, Grants, RequestId};
use wharf_db::{AuditEntry, AuditFilter, Db, Error, Outcome};
use wharf_testkit::Database;

fn context() -> Context {
    as_robot("p+ci")
}

fn as_robot(name: &str) -> Context {
    let caller = Caller { id: CallerId::Robot(7), name: name.to_owned() };
    Context::new(caller, RequestId::generate(), Some([127, 0, 0, 1].into()), Grants::default())
}

async fn write(db: &Db, entry: &AuditEntry) {
    db.transaction(async |tx| tx.audit(entry).await).await.unwrap();
}

#[tokio::test]
async fn a_row_says_who_did_what_to_what() {
    let database = Database::open().await;
    let ctx = context();
    let entry = AuditEntry::new(&ctx, "project.create", "p").with_details(json!({"is_public": true}));
    write(&database.db, &entry).await;
    let page = database.db.audit(&AuditFilter::default(), None, 10).await.unwrap();
    let [row] = page.records.as_slice() else { panic!("{page:?}") };
    assert_eq!((row.caller_kind.as_str(), row.caller_id, row.caller_name.as_str()), ("robot", Some(7), "p+ci"));
    assert_eq!(
        (row.action.as_str(), row.resource.as_str(), row.outcome.as_str()),
        ("project.create", "p", "succeeded")
    );
    assert_eq!((row.remote.as_deref(), row.details.as_str()), (Some("127.0.0.1"), r#"{"is_public":true}"#));
    assert_eq!((row.request_id.as_str(), row.link), (ctx.request_id.to_string().as_str(), None));
}

#[tokio::test]
async fn what_was_not_done_is_not_in_the_log() {
    let database = Database::open().await;
    let entry = AuditEntry::new(&context(), "project.create", "p");
    let result: Result<(), Error> = database
        .db
        .transaction(async |tx| {
            tx.audit(&entry).await?;
            Err(Error::Busy)
        })
        .await;
    assert!(result.is_err());
    assert_eq!(database.db.audit(&AuditFilter::default(), None, 10).await.unwrap().records, []);
}

#[tokio::test]
async fn an_outcome_is_known_by_its_name() {
    for outcome in [Outcome::Succeeded, Outcome::Denied, Outcome::Failed] {
        assert_eq!(Outcome::named(outcome.as_str()), Some(outcome));
    }
    assert_eq!(Outcome::named("Denied"), None);
}
