//! What lies is refused with 4xx and leaves nothing.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::fixture::{Fixture, IMAGE, image, sha256};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[tokio::test]
async fn lying_manifests_are_refused() {
    let fixture = Fixture::open().await;
    fixture.push_image("private/app", "v1", b"layer").await;
    let good = image(b"layer");
    let long = format!(r#"{},"annotations":{{"a":"{}"}}}}"#, &good[..good.len() - 1], "x".repeat(4 << 20));
    let deep = format!(r#"{},"x":{}{}}}"#, &good[..good.len() - 1], "[".repeat(5000), "]".repeat(5000));
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("media type against Content-Type", INDEX, good.clone().into()),
        ("manifests and layers", IMAGE, good.replace(r#""layers""#, r#""manifests":[],"layers""#).into()),
        ("a key twice", IMAGE, good.replacen('{', r#"{"schemaVersion":2,"#, 1).into()),
        ("an escaped key twice", IMAGE, good.replacen('{', r#"{"schema\u0056ersion":2,"#, 1).into()),
        ("too deep", IMAGE, deep.into()),
        ("too long", IMAGE, long.into()),
        ("a missing config", IMAGE, good.replace(&sha256(b"{}").to_string(), &sha256(b"no").to_string()).into()),
        ("a missing layer", IMAGE, good.replace(&sha256(b"layer").to_string(), &sha256(b"no").to_string()).into()),
        ("another size", IMAGE, good.replace(r#""size":5"#, r#""size":6"#).into()),
        ("a negative size", IMAGE, good.replace(r#""size":5"#, r#""size":-5"#).into()),
        ("a fractional size", IMAGE, good.replace(r#""size":5"#, r#""size":5.5"#).into()),
        ("an absurd size", IMAGE, good.replace(r#""size":5"#, r#""size":99999999999999999999"#).into()),
        ("no UTF-8", IMAGE, [good.as_bytes(), b"\xff"].concat()),
        ("no JSON", IMAGE, b"hello".to_vec()),
        ("an empty body", IMAGE, Vec::new()),
        ("a list", IMAGE, b"[]".to_vec()),
        (
            "schema 1",
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            br#"{"schemaVersion":1,"fsLayers":[]}"#.to_vec(),
        ),
        ("an unknown type", "text/plain", good.clone().into()),
        ("a malformed digest", IMAGE, good.replace("sha256:", "sha256:zz").into()),
        ("an unknown algorithm", IMAGE, good.replace("sha256:", "md5:").into()),
    ];
    for (what, content_type, body) in cases {
        let answer = fixture.ask("PUT", "/v2/private/app/manifests/lie", &[("content-type", content_type)], body).await;
        assert!(answer.status.is_client_error(), "{what}: {}", answer.status);
        assert!(!answer.json()["errors"][0]["message"].as_str().expect("a sentence").is_empty(), "{what}");
        assert!(answer.json()["errors"][0]["detail"]["request_id"].is_string(), "{what}");
    }
    let gone = fixture.ask("GET", "/v2/private/app/manifests/lie", &[], Body::empty()).await;
    assert_eq!((gone.status, gone.code().as_str()), (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"));
}

#[tokio::test]
async fn malformed_names_tags_and_digests_are_refused() {
    let fixture = Fixture::open().await;
    let long_name = format!("/v2/{}/manifests/v1", "a".repeat(256));
    let long_tag = format!("/v2/private/app/manifests/{}", "a".repeat(129));
    for (path, code) in [
        (long_name.as_str(), "NAME_INVALID"),
        ("/v2/Private/app/manifests/v1", "NAME_INVALID"),
        ("/v2/private//app/manifests/v1", "NAME_INVALID"),
        ("/v2/private/..%2fapp/manifests/v1", "NAME_INVALID"),
        (long_tag.as_str(), "TAG_INVALID"),
        ("/v2/private/app/manifests/-v1", "TAG_INVALID"),
        ("/v2/private/app/manifests/v%201", "TAG_INVALID"),
        ("/v2/private/app/manifests/sha256:baddigeststring", "DIGEST_INVALID"),
        ("/v2/private/app/manifests/md5:d41d8cd98f00b204e9800998ecf8427e", "DIGEST_INVALID"),
    ] {
        let answer = fixture.ask("PUT", path, &[("content-type", IMAGE)], image(b"layer")).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, code), "{path}");
    }
    for path in ["/v2/private/app/blobs/sha256:zz", "/v2/private/app/referrers/nonsense"] {
        let answer = fixture.ask("GET", path, &[], Body::empty()).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID"), "{path}");
    }
}

#[tokio::test]
async fn ambiguous_requests_are_refused() {
    let fixture = Fixture::open().await;
    let digest = sha256(b"x");
    let twice = format!("/v2/private/app/blobs/uploads/?digest={digest}&digest={}", sha256(b"y"));
    assert_eq!(fixture.ask("POST", &twice, &[], "x").await.status, StatusCode::BAD_REQUEST);
    let opened = fixture.ask("POST", "/v2/private/app/blobs/uploads/", &[], Body::empty()).await;
    let ranges = [("content-range", "0-0"), ("content-range", "0-1")];
    assert_eq!(fixture.ask("PATCH", opened.header("location"), &ranges, "x").await.status, StatusCode::BAD_REQUEST);
    let request = Request::get("/v2/").header("authorization", "Bearer a").header("authorization", "Basic b");
    let answer = fixture.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let types = [("content-type", IMAGE), ("content-type", INDEX)];
    assert_eq!(
        fixture.ask("PUT", "/v2/private/app/manifests/v1", &types, image(b"x")).await.status,
        StatusCode::BAD_REQUEST
    );
    let many = format!("/v2/private/app/tags/list?{}", "a=b&".repeat(1000));
    assert_eq!(fixture.ask("GET", &many, &[], Body::empty()).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn methods_and_paths_that_are_not_there_are_told_apart() {
    let fixture = Fixture::open().await;
    let method = fixture.ask("PATCH", "/v2/private/app/manifests/v1", &[], Body::empty()).await;
    assert_eq!((method.status, method.code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"));
    let path = fixture.ask("GET", "/v2/private/app/nonsense", &[], Body::empty()).await;
    assert_eq!(path.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_may_not_be_seen_is_not_there() {
    let fixture = Fixture::open().await;
    fixture.push_image("private/app", "v1", b"layer").await;
    let stranger = fixture.basic("stranger", "").expect("known");
    let ask = |path: &'static str| {
        let request =
            Request::get(path).header("authorization", stranger.clone()).body(Body::empty()).expect("a request");
        fixture.send(request)
    };
    let hidden = ask("/v2/private/app/manifests/v1").await;
    let missing = ask("/v2/nowhere/app/manifests/v1").await;
    assert_eq!((hidden.status, hidden.code()), (missing.status, missing.code()));
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
}
