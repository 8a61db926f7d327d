//! Versions over the API: given out, listed, made void.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use wharf_identity::Openness;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_version_is_given_out_listed_and_made_void() {
    let fixture = Fixture::open().await;
    fixture.project("pay", Openness::Private).await;
    let path = "/api/v1/projects/pay/versions";
    let body = json!({ "repository": "pay/app", "purpose": "release 7" });
    let first = fixture.ask("developer", "POST", path, body.clone()).await.done(200);
    assert_eq!((first["version"].as_str(), first["state"].as_str()), (Some("20260101_01"), Some("allocated")));
    assert_eq!((first["allocated_by"].as_str(), first["purpose"].as_str()), (Some("developer"), Some("release 7")));
    fixture.ask("pay+robot", "POST", path, body).await.done(200);
    let void = json!({ "repository": "pay/app", "version": "20260101_01", "reason": "the build failed" });
    let void = fixture.ask("developer", "POST", &format!("{path}/void"), void).await.done(200);
    assert_eq!((void["state"].as_str(), void["voided_by"].as_str()), (Some("void"), Some("developer")));
    let page = fixture.get("guest", &format!("{path}?repository=pay%2Fapp&limit=1")).await.done(200);
    assert_eq!(page["entries"][0]["version"], "20260101_02");
    let next = page["next"].as_str().expect("another page");
    let page = fixture.get("guest", &format!("{path}?repository=pay%2Fapp&limit=1&after={next}")).await.done(200);
    assert_eq!((page["entries"][0]["reason"].as_str(), &page["next"]), (Some("the build failed"), &json!(null)));
}

#[tokio::test]
async fn what_is_no_version_or_no_repository_of_the_project_is_refused() {
    let fixture = Fixture::open().await;
    fixture.project("pay", Openness::Private).await;
    let path = "/api/v1/projects/pay/versions";
    fixture.ask("developer", "POST", path, json!({ "repository": "shop/app" })).await.refused(400);
    fixture.ask("developer", "POST", path, json!({ "purpose": "" })).await.refused(400);
    let void = |version: &str| json!({ "version": version, "reason": "x" });
    fixture.ask("developer", "POST", &format!("{path}/void"), void("20260101_1")).await.refused(400);
    fixture.ask("developer", "POST", &format!("{path}/void"), void("20260101_01")).await.refused(404);
    fixture.get("developer", "/api/v1/projects/pay/tags/history?repository=pay%2Fapp").await.refused(400);
    fixture.get("developer", "/api/v1/projects/pay/tags/history?repository=pay%2Fapp&tag=v1").await.refused(404);
}

#[tokio::test]
async fn a_request_for_a_version_that_is_sent_again_gets_the_same_one() {
    let fixture = Fixture::open().await;
    fixture.project("pay", Openness::Private).await;
    let next = async |key: &str| {
        let request = Request::post("/api/v1/projects/pay/versions")
            .header("host", "registry.example.org")
            .header("authorization", fixture.authorization("developer").expect("somebody"))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        let body = Body::from(json!({ "repository": "pay/app" }).to_string());
        fixture.send(request.body(body).expect("a request")).await.done(200)["version"].clone()
    };
    let (first, again, second) = (next("k1").await, next("k1").await, next("k2").await);
    assert_eq!((&first, &again, &second), (&json!("20260101_01"), &first, &json!("20260101_02")));
}
