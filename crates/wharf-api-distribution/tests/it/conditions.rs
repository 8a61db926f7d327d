//! Conditional requests and pages.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::fixture::{Fixture, IMAGE, image, sha256};

#[tokio::test]
async fn a_client_that_has_it_is_told_so() {
    let fixture = Fixture::open().await;
    let digest = fixture.push_image("private/app", "v1", b"layer").await;
    let etag = format!("\"{digest}\"");
    for path in ["/v2/private/app/manifests/v1".to_owned(), format!("/v2/private/app/manifests/{digest}")] {
        let got = fixture.ask("GET", &path, &[], Body::empty()).await;
        assert_eq!(got.header("etag"), etag);
        let again = fixture.ask("GET", &path, &[("if-none-match", &etag)], Body::empty()).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    }
    let blob = sha256(b"layer");
    let etag = format!("\"{blob}\"");
    let again =
        fixture.ask("GET", &format!("/v2/private/app/blobs/{blob}"), &[("if-none-match", &etag)], Body::empty()).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_tag_is_moved_only_from_where_the_client_saw_it() {
    let fixture = Fixture::open().await;
    let first = fixture.push_image("private/app", "v1", b"one").await;
    fixture.push_image("private/app", "other", b"two").await;
    let put = |condition: (&'static str, String), body: String| {
        let fixture = &fixture;
        async move {
            let headers = [("content-type", IMAGE), (condition.0, condition.1.as_str())];
            fixture.ask("PUT", "/v2/private/app/manifests/v1", &headers, body).await.status
        }
    };
    let stale = put(("if-match", format!("\"{}\"", sha256(b"stale"))), image(b"two")).await;
    assert_eq!(stale, StatusCode::PRECONDITION_FAILED);
    let exists = put(("if-none-match", "*".to_owned()), image(b"two")).await;
    assert_eq!(exists, StatusCode::PRECONDITION_FAILED);
    let moved = put(("if-match", format!("\"{first}\"")), image(b"two")).await;
    assert_eq!(moved, StatusCode::CREATED);
    let again = put(("if-match", format!("\"{first}\"")), image(b"one")).await;
    assert_eq!(again, StatusCode::PRECONDITION_FAILED);
    let delete = |condition: String| {
        let fixture = &fixture;
        async move {
            fixture
                .ask("DELETE", "/v2/private/app/manifests/v1", &[("if-match", &condition)], Body::empty())
                .await
                .status
        }
    };
    assert_eq!(delete(format!("\"{first}\"")).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(delete("*".to_owned()).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn lists_come_in_pages_that_link_to_the_next() {
    let fixture = Fixture::open().await;
    for tag in ["a", "b", "c", "d", "e"] {
        fixture.push_image("private/app", tag, b"layer").await;
    }
    let mut path = "/v2/private/app/tags/list?n=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = fixture.ask("GET", &path, &[], Body::empty()).await;
        assert_eq!(page.status, StatusCode::OK);
        let body = page.json();
        assert_eq!(body["name"], "private/app");
        let tags = body["tags"].as_array().expect("a list");
        assert!(tags.len() <= 2);
        seen.extend(tags.iter().filter_map(|tag| tag.as_str().map(str::to_owned)));
        let link = page.header("link");
        let Some(next) = link.strip_prefix('<').and_then(|link| link.split_once(">; rel=\"next\"")) else { break };
        path = next.0.to_owned();
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    for bad in ["n=-1", "n=x", "n=1&n=2"] {
        let refused = fixture.ask("GET", &format!("/v2/private/app/tags/list?{bad}"), &[], Body::empty()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let huge = fixture.ask("GET", "/v2/private/app/tags/list?n=99999999999999999999", &[], Body::empty()).await;
    assert_eq!(huge.status, StatusCode::OK);
}

#[tokio::test]
async fn the_catalog_holds_what_the_caller_may_see() {
    let fixture = Fixture::open().await;
    fixture.push_image("private/app", "v1", b"layer").await;
    fixture.push_image("public/app", "v1", b"layer").await;
    for (caller, expected) in [
        ("administrator", &["private/app", "public/app"][..]),
        ("guest", &["private/app", "public/app"]),
        ("stranger", &["public/app"]),
    ] {
        let request = Request::get("/v2/_catalog").header("authorization", fixture.basic(caller, "").expect("known"));
        let got = fixture.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(got.json()["repositories"], serde_json::json!(expected), "{caller}");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let fixture = Fixture::open().await;
    let digest = fixture.push_image("private/app", "v1", b"layer").await;
    for path in [
        "/v2/".to_owned(),
        "/v2/_catalog".to_owned(),
        "/v2/private/app/tags/list".to_owned(),
        format!("/v2/private/app/referrers/{digest}"),
        format!("/v2/private/app/manifests/{digest}"),
        format!("/v2/private/app/blobs/{}", sha256(b"layer")),
        "/v2/private/app/manifests/missing".to_owned(),
    ] {
        let got = fixture.ask("GET", &path, &[], Body::empty()).await;
        let head = fixture.ask("HEAD", &path, &[], Body::empty()).await;
        assert_eq!((head.status, head.body.len()), (got.status, 0), "{path}");
        assert_eq!(head.header("content-type"), got.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), got.body.len().to_string(), "{path}");
    }
}
