//! What the audit log has of requests that were refused.

use axum::body::Body;
use axum::http::Request;
use wharf_identity::{AuditFilter, Outcome, PageRequest};

use crate::fixture::{Fixture, system};

/// A request of somebody who works on project `private`.
async fn ask(fixture: &Fixture, caller: &str, method: &str, path: &str) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(authorization) = fixture.basic(caller, "private") {
        request = request.header("authorization", authorization);
    }
    fixture.send(request.body(Body::empty()).expect("a request")).await;
}

/// Action, object and caller of every refusal, the newest first.
async fn refusals(fixture: &Fixture) -> Vec<(String, String, String)> {
    fixture.identity.write_notes().await.expect("written");
    let filter = AuditFilter { outcome: Some(Outcome::Denied), ..AuditFilter::default() };
    let page = fixture.identity.list_audit(&system(), &filter, &PageRequest::default()).await.expect("listed");
    page.entries.into_iter().map(|record| (record.action, record.resource, record.caller_name)).collect()
}

#[tokio::test]
async fn who_may_not_and_who_may_not_know_are_in_the_log_and_who_is_only_asked_to_log_in_is_not() {
    let fixture = Fixture::open().await;
    ask(&fixture, "anonymous", "GET", "/v2/").await;
    ask(&fixture, "anonymous", "GET", "/v2/private/app/manifests/v1").await;
    ask(&fixture, "owner", "GET", "/v2/private/app/manifests/none").await;
    assert_eq!(refusals(&fixture).await, []);
    let one = |action: &str, caller: &str| (action.to_owned(), "private/app".to_owned(), caller.to_owned());
    ask(&fixture, "stranger", "GET", "/v2/private/app/manifests/v1").await;
    assert_eq!(refusals(&fixture).await, [one("manifest.pull", "stranger")]);
    ask(&fixture, "guest", "DELETE", "/v2/private/app/manifests/v1").await;
    assert_eq!(refusals(&fixture).await[0], one("manifest.delete", "guest"));
    ask(&fixture, "anonymous", "POST", "/v2/private/app/blobs/uploads/").await;
    assert_eq!(refusals(&fixture).await[0], one("blob.put", "anonymous"));
}
