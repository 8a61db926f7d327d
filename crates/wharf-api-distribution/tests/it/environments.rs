//! Environments as clients meet them: names, hosts, and what everybody is told who would change one.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use wharf_api_distribution::{Naming, Settings};

use crate::fixture::{Fixture, IMAGE, image, sha256};

const SENTENCE: &str =
    "`t/private/app` is the environment `t`: images get there by promotion only, see `wharf promote`";

async fn at_hosts() -> Fixture {
    let hosts = [("t.example.com", "t"), ("d.example.com", "d")];
    let hosts = hosts.map(|(host, name)| (host.to_owned(), name.parse().expect("valid"))).into();
    let public_url = Some("https://registry.example.com".parse().expect("a URL"));
    let naming = Naming { hosts, ..Naming::default() };
    Fixture::with(Settings { public_url, service: "wharf".to_owned(), redirect: None, naming }, false).await
}

#[tokio::test]
async fn an_administrator_too_is_told_how_images_get_into_an_environment() {
    let fixture = Fixture::open().await;
    let refused = async |method: &str, path: &str, body: String| {
        let answer = fixture.ask(method, path, &[("content-type", IMAGE)], body).await;
        let message = answer.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "DENIED"), "{method} {path}");
        assert_eq!(message, SENTENCE);
    };
    // Nothing was promoted yet: not even an upload is worth its bytes.
    refused("POST", "/v2/t/private/app/blobs/uploads/", String::new()).await;
    refused("PUT", "/v2/t/private/app/manifests/v1", image(b"layer")).await;
    let digest = fixture.push_image("private/app", "v1", b"layer").await;
    fixture.promote("private/app", "v1", &digest).await;
    refused("PUT", "/v2/t/private/app/manifests/v2", image(b"layer")).await;
    refused("PUT", &format!("/v2/t/private/app/manifests/{digest}"), image(b"layer")).await;
    refused("DELETE", "/v2/t/private/app/manifests/v1", String::new()).await;
    refused("DELETE", &format!("/v2/t/private/app/manifests/{digest}"), String::new()).await;
    refused("DELETE", &format!("/v2/t/private/app/blobs/{}", sha256(b"layer")), String::new()).await;
    let got = fixture.ask("GET", "/v2/t/private/app/manifests/v1", &[], Body::empty()).await;
    assert_eq!((got.status, got.body), (StatusCode::OK, image(b"layer").into_bytes()));
}

#[tokio::test]
async fn development_has_two_spellings_and_one_repository() {
    let fixture = Fixture::open().await;
    fixture.push_image("d/private/app", "v1", b"layer").await;
    let got = fixture.ask("GET", "/v2/private/app/manifests/v1", &[], Body::empty()).await;
    assert_eq!(got.status, StatusCode::OK);
    let list = fixture.ask("GET", "/v2/d/private/app/tags/list", &[], Body::empty()).await;
    assert_eq!(list.json()["name"], "private/app");
    let all = fixture.ask("GET", "/v2/_catalog", &[], Body::empty()).await;
    assert_eq!(all.json()["repositories"], serde_json::json!(["private/app"]));
    let blob = sha256(b"layer");
    let path = format!("/v2/d/private/other/blobs/uploads/?mount={blob}&from=d/private/app");
    let mounted = fixture.ask("POST", &path, &[], Body::empty()).await;
    assert_eq!(mounted.status, StatusCode::CREATED);
    assert_eq!(mounted.header("location"), format!("/v2/private/other/blobs/{blob}"));
}

#[tokio::test]
async fn a_host_stands_for_its_environment() {
    let fixture = at_hosts().await;
    let digest = fixture.push_image("private/app", "v1", b"layer").await;
    fixture.promote("private/app", "v1", &digest).await;
    let ask = async |host: &str, method: &str, path: &str| {
        fixture.ask(method, path, &[("host", host), ("content-type", IMAGE)], Body::empty()).await
    };
    for host in ["t.example.com", "T.example.com:443"] {
        assert_eq!(ask(host, "GET", "/v2/private/app/manifests/v1").await.status, StatusCode::OK);
        assert_eq!(ask(host, "GET", "/v2/private/app/tags/list").await.json()["name"], "private/app");
        assert_eq!(ask(host, "GET", "/v2/private/app/manifests/v2").await.status, StatusCode::NOT_FOUND);
        let list = ask(host, "GET", "/v2/_catalog").await.json();
        assert_eq!(list["repositories"], serde_json::json!(["private/app"]));
        let refused = ask(host, "DELETE", "/v2/private/app/manifests/v1").await;
        assert_eq!(refused.json()["errors"][0]["message"], SENTENCE);
        assert_eq!(ask(host, "GET", "/v2/d/private/app/manifests/v1").await.code(), "NAME_INVALID");
    }
    let upload = ask("t.example.com", "POST", "/v2/private/app/blobs/uploads/").await;
    assert_eq!(upload.status, StatusCode::ACCEPTED);
    assert!(upload.header("location").starts_with("/v2/private/app/blobs/uploads/"), "{}", upload.header("location"));
    let all = ask("registry.example.com", "GET", "/v2/_catalog").await.json();
    assert_eq!(all["repositories"], serde_json::json!(["private/app", "t/private/app"]));
    assert_eq!(ask("d.example.com", "GET", "/v2/private/app/manifests/v1").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_of_a_host_is_for_its_environment() {
    let fixture = at_hosts().await;
    let digest = fixture.push_image("private/app", "v1", b"layer").await;
    fixture.promote("private/app", "v1", &digest).await;
    let request = |host: &str, path: &str, authorization: Option<&str>| {
        let request = Request::builder().uri(path).header("host", host);
        let request = authorization.iter().fold(request, |request, value| request.header("authorization", *value));
        request.body(Body::empty()).expect("a request")
    };
    let path = "/v2/private/app/manifests/v1";
    let asked = fixture.send(request("t.example.com", path, None)).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    let challenge = asked.header("www-authenticate");
    assert!(challenge.starts_with(r#"Bearer realm="https://t.example.com/token""#), "{challenge}");
    assert!(challenge.ends_with(r#"scope="repository:private/app:pull""#), "{challenge}");
    let elsewhere = fixture.send(request("registry.example.com", path, None)).await;
    let challenge = elsewhere.header("www-authenticate");
    assert!(challenge.starts_with(r#"Bearer realm="https://registry.example.com/token""#), "{challenge}");

    let guest = fixture.basic("guest", "private").expect("not anonymous");
    let token = "/token?service=wharf&scope=repository:private/app:pull";
    let issued = fixture.send(request("t.example.com", token, Some(&guest))).await.json();
    assert_eq!(issued["scope"], "repository:private/app:pull");
    let bearer = format!("Bearer {}", issued["token"].as_str().unwrap_or_default());
    assert_eq!(fixture.send(request("t.example.com", path, Some(&bearer))).await.status, StatusCode::OK);
    // It says nothing about development.
    let other = fixture.send(request("registry.example.com", path, Some(&bearer))).await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED);
    let direct = fixture.send(request("registry.example.com", "/v2/t/private/app/manifests/v1", Some(&bearer))).await;
    assert_eq!(direct.status, StatusCode::OK);
}
