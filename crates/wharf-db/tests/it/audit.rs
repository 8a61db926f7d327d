//! The audit log: a row for what was done, and none for what was not.

use serde_json::json;
use wharf_context::{Caller, CallerId, Context, Grants, RequestId};
use wharf_db::{AuditEntry, AuditFilter, Error, Outcome};
use wharf_testkit::Database;

fn context() -> Context {
    let caller = Caller { id: CallerId::Robot(7), name: "p+ci".to_owned() };
    Context::new(caller, RequestId::generate(), Some([127, 0, 0, 1].into()), Grants::default())
}

#[tokio::test]
async fn a_row_says_who_did_what_to_what() {
    let database = Database::open().await;
    let ctx = context();
    let entry = AuditEntry::new(&ctx, "project.create", "p").with_details(json!({"is_public": true}));
    database.db.transaction(async |tx| tx.audit(&entry).await).await.unwrap();
    let page = database.db.audit(&AuditFilter::default(), 10).await.unwrap();
    let [row] = page.as_slice() else { panic!("{page:?}") };
    assert_eq!((row.caller_kind.as_str(), row.caller_id, row.caller_name.as_str()), ("robot", Some(7), "p+ci"));
    assert_eq!(
        (row.action.as_str(), row.resource.as_str(), row.outcome.as_str()),
        ("project.create", "p", "succeeded")
    );
    assert_eq!((row.remote.as_deref(), row.details.as_str()), (Some("127.0.0.1"), r#"{"is_public":true}"#));
    assert_eq!(row.request_id, ctx.request_id.to_string());
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
    assert_eq!(database.db.audit(&AuditFilter::default(), 10).await.unwrap(), []);
}

#[tokio::test]
async fn the_log_is_read_in_pages_from_its_end() {
    let database = Database::open().await;
    let ctx = context();
    for number in 0..7 {
        let resource = if number % 2 == 0 { "even" } else { "odd" };
        let entry = AuditEntry::new(&ctx, "tag.delete", resource).with_outcome(Outcome::Denied);
        database.db.transaction(async |tx| tx.audit(&entry).await).await.unwrap();
    }
    let page = async |filter: AuditFilter| database.db.audit(&filter, 3).await.unwrap();
    let first = page(AuditFilter::default()).await;
    let second = page(AuditFilter { before: Some(first[2].id), ..AuditFilter::default() }).await;
    let third = page(AuditFilter { before: Some(second[2].id), ..AuditFilter::default() }).await;
    assert_eq!((first.len(), second.len(), third.len()), (3, 3, 1));
    assert!(first[0].id > first[2].id && first[2].id > second[0].id && second[2].id > third[0].id);
    let odd = page(AuditFilter { resource: Some("odd".to_owned()), before: None }).await;
    assert_eq!(odd.len(), 3);
    assert!(odd.iter().all(|row| row.resource == "odd" && row.outcome == "denied"));
}
