//! Quotas as whoever pushes meets them: a warning while there is room, a sentence when there is none.

use axum::http::StatusCode;
use wharf_context::quota::{Limit, Limits};

use crate::fixture::{Answer, Fixture, IMAGE, image, sha256, system};

/// Limits the bytes of the project `private`.
async fn limit(fixture: &Fixture, warn: i64, hard: i64) {
    let name = "private".parse().expect("valid");
    let project = fixture.identity.maintain_project(&system(), &name).await.expect("may");
    let limits = Limits { bytes: Limit { warn: Some(warn), hard: Some(hard) }, ..Limits::default() };
    fixture.registry.set_quota(&system(), &project, &limits).await.expect("limits are set");
}

async fn push(fixture: &Fixture, content: &[u8]) -> Answer {
    let path = format!("/v2/private/app/blobs/uploads/?digest={}", sha256(content));
    fixture.ask("POST", &path, &[], content.to_vec()).await
}

#[tokio::test]
async fn who_pushes_above_the_limit_that_warns_is_told_in_a_header() {
    let fixture = Fixture::open().await;
    limit(&fixture, 1_000, 100_000).await;
    let quiet = push(&fixture, b"{}").await;
    assert_eq!((quiet.status, quiet.header("warning")), (StatusCode::CREATED, ""));
    let layer = vec![7; 2_000];
    // RFC 7234, section 5.5: code, agent, text.
    let wanted = r#"299 - "the quota of this project is nearly used up: 2 kB of 100 kB""#;
    let told = push(&fixture, &layer).await;
    assert_eq!((told.status, told.header("warning")), (StatusCode::CREATED, wanted));
    let headers = [("content-type", IMAGE)];
    let told = fixture.ask("PUT", "/v2/private/app/manifests/v1", &headers, image(&layer)).await;
    assert_eq!(told.status, StatusCode::CREATED);
    assert!(told.header("warning").starts_with("299 - "), "{:?}", told.headers);
    let read = fixture.ask("GET", "/v2/private/app/manifests/v1", &[], String::new()).await;
    assert_eq!((read.status, read.header("warning")), (StatusCode::OK, ""), "whoever reads is not told");
    let elsewhere = fixture.ask("POST", "/v2/public/app/blobs/uploads/", &[], String::new()).await;
    assert_eq!((elsewhere.status, elsewhere.header("warning")), (StatusCode::ACCEPTED, ""));
}

#[tokio::test]
async fn what_has_no_room_is_refused_with_a_sentence_that_clients_print() {
    let fixture = Fixture::open().await;
    limit(&fixture, 500, 1_000).await;
    let refused = push(&fixture, &vec![7; 2_000]).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "DENIED"));
    let sentence = refused.json()["errors"][0]["message"].as_str().expect("a sentence").to_owned();
    assert!(sentence.starts_with("project `private` may hold 1 kB and holds 0 bytes: 2 kB more"), "{sentence}");
    let path = format!("/v2/private/app/blobs/{}", sha256(&vec![7; 2_000]));
    assert_eq!(fixture.ask("GET", &path, &[], String::new()).await.status, StatusCode::NOT_FOUND);
}
