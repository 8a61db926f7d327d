//! Requests that are wrong in one way each: they are refused with 4xx, a sentence, and no trace.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use wharf_api_management::{ROUTES, Verb};

use crate::fixture::{Answer, Fixture};

/// A request of the administrator with any headers and body.
async fn send(fixture: &Fixture, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let authorization = fixture.authorization("administrator").expect("not anonymous");
    let request = Request::builder().method(method).uri(path).header("host", "registry.example.org");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.header("authorization", authorization).body(Body::from(body.to_vec()));
    fixture.send(request.expect("a request")).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn bodies_are_one_small_json_object_without_surprises() {
    let fixture = Fixture::open().await;
    let deep = "[".repeat(1_000);
    let large = format!(r#"{{"name":"{}"}}"#, "a".repeat(70_000));
    let table: [(&[u8], u16); 11] = [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (br#"["shop",true]"#, 400),
        (br#"{"name":"shop","owner":"me"}"#, 400),
        (br#"{"name":"shop","name":"other"}"#, 400),
        (br#"{"name":"shop","is_public":"yes"}"#, 400),
        (b"{\"name\":\"\xff\"}", 400),
        (deep.as_bytes(), 400),
        (large.as_bytes(), 413),
    ];
    for (body, status) in table {
        send(&fixture, "POST", "/api/v1/projects", &[JSON], body).await.refused(status);
    }
    let good = br#"{"name":"shop"}"#;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let headers = [("content-type", media_type)];
        send(&fixture, "POST", "/api/v1/projects", &headers, good).await.refused(415);
    }
    send(&fixture, "POST", "/api/v1/projects", &[], good).await.refused(415);
    let listed = fixture.get("administrator", "/api/v1/projects").await.done(200);
    assert_eq!(listed["entries"], json!([]), "nothing of it was made");
}

#[tokio::test]
async fn names_in_paths_are_names() {
    let fixture = Fixture::open().await;
    for path in [
        "/api/v1/projects/A",
        "/api/v1/projects/a%2Fb",
        "/api/v1/projects/%00",
        "/api/v1/projects/%FF",
        "/api/v1/users/a+b",
        "/api/v1/users/anonymous",
        "/api/v1/groups/%20",
        "/api/v1/projects/shop/robots/..",
    ] {
        send(&fixture, "GET", path, &[], b"").await.refused(400);
    }
    let long = format!("/api/v1/projects/{}", "a".repeat(300));
    send(&fixture, "GET", &long, &[], b"").await.refused(400);
    send(&fixture, "PUT", "/api/v1/projects/shop/members/robot:x", &[JSON], br#"{"role":"guest"}"#).await.refused(400);
}

#[tokio::test]
async fn what_is_no_route_is_said() {
    let fixture = Fixture::open().await;
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/projects/", "/api/v1/projects/shop/nothing"] {
        assert!(send(&fixture, "GET", path, &[], b"").await.refused(404).contains("openapi.json"));
    }
    let refused = send(&fixture, "PUT", "/api/v1/projects", &[], b"").await;
    refused.refused(405);
    let mut allowed: Vec<_> = refused.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let fixture = Fixture::open().await;
    let good = br#"{"name":"shop"}"#;
    for header in [("origin", "https://evil.example.org"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        send(&fixture, "POST", "/api/v1/projects", &[JSON, header], good).await.refused(403);
    }
    let own = ("origin", "https://registry.example.org");
    send(&fixture, "POST", "/api/v1/projects", &[JSON, own], good).await.done(201);
}

#[tokio::test]
async fn who_has_not_logged_in_is_asked_to_before_anything_else() {
    let fixture = Fixture::open().await;
    for route in ROUTES.iter().filter(|route| !route.is_for_everybody) {
        let path = route.path.replace("{member}", "malformed").replace(['{', '}'], "");
        let body = json!({ "not": "what the route takes" });
        let answer = fixture.ask("anonymous", route.verb.method().as_str(), &path, body).await;
        assert_eq!(answer.status, 401, "{} {path}", route.verb.method());
    }
    for route in ROUTES.iter().filter(|route| route.is_for_everybody && route.verb != Verb::Get) {
        // The one is refused by its use case, but in open mode; to the others come Git servers, who sign what they send, and
        // systems that were asked, with the token of the question.
        assert!(["create_project", "take_hook", "answer_inquiry"].contains(&route.operation), "{}", route.operation);
    }
}
