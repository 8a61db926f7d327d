//! Blobs and uploads as clients send them.

use axum::body::Body;
use axum::http::StatusCode;

use crate::fixture::{Fixture, sha256};

#[tokio::test]
async fn an_upload_in_chunks_is_answered_as_the_specification_says() {
    let fixture = Fixture::open().await;
    let opened = fixture.ask("POST", "/v2/private/app/blobs/uploads/", &[], Body::empty()).await;
    assert_eq!(opened.status, StatusCode::ACCEPTED);
    let location = opened.header("location").to_owned();
    assert!(location.starts_with("/v2/private/app/blobs/uploads/") && !location.contains('?'), "{location}");
    let state = fixture.ask("GET", &format!("{location}?digest={}", sha256(b"x")), &[], Body::empty()).await;
    assert_eq!((state.status, state.header("range")), (StatusCode::NO_CONTENT, "0-0"));

    let sent = fixture.ask("PATCH", &location, &[("content-range", "0-5"), ("content-length", "6")], "hello ").await;
    assert_eq!((sent.status, sent.header("range")), (StatusCode::ACCEPTED, "0-5"));
    for range in ["0-5", "7-8", "5-6"] {
        let early = fixture.ask("PATCH", &location, &[("content-range", range)], "xx").await;
        assert_eq!((early.status, early.header("range")), (StatusCode::RANGE_NOT_SATISFIABLE, "0-5"), "{range}");
    }
    let lying = fixture.ask("PATCH", &location, &[("content-range", "6-9"), ("content-length", "2")], "xx").await;
    assert_eq!(lying.status, StatusCode::BAD_REQUEST);
    let state = fixture.ask("GET", &location, &[], Body::empty()).await;
    assert_eq!((state.status, state.header("range")), (StatusCode::NO_CONTENT, "0-5"));

    let digest = sha256(b"hello world");
    let end = format!("{location}?digest={digest}");
    let out_of_order = fixture.ask("PUT", &end, &[("content-range", "0-4")], "world").await;
    assert_eq!(out_of_order.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let ended = fixture.ask("PUT", &end, &[("content-range", "6-10")], "world").await;
    assert_eq!(
        (ended.status, ended.header("docker-content-digest")),
        (StatusCode::CREATED, digest.to_string().as_str())
    );
    let got = fixture.ask("GET", ended.header("location"), &[], Body::empty()).await;
    assert_eq!((got.status, got.body.as_slice()), (StatusCode::OK, &b"hello world"[..]));
}

#[tokio::test]
async fn an_end_without_a_digest_and_an_unknown_upload_are_told_apart() {
    let fixture = Fixture::open().await;
    let opened = fixture.ask("POST", "/v2/private/app/blobs/uploads/", &[], Body::empty()).await;
    let location = opened.header("location").to_owned();
    let ended = fixture.ask("PUT", &location, &[], "x").await;
    assert_eq!((ended.status, ended.code().as_str()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID"));
    let wrong = fixture.ask("PUT", &format!("{location}?digest={}", sha256(b"y")), &[], "x").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID"));
    for id in ["nonsense", "0199a1a0-0000-7000-8000-000000000000"] {
        let unknown = fixture.ask("PATCH", &format!("/v2/private/app/blobs/uploads/{id}"), &[], "x").await;
        assert_eq!((unknown.status, unknown.code().as_str()), (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"), "{id}");
    }
}

#[tokio::test]
async fn ranges_come_one_or_several() {
    let fixture = Fixture::open().await;
    let content: Vec<u8> = (0..2048u32).map(|i| u8::try_from(i % 251).expect("small")).collect();
    let path = format!("/v2/private/app/blobs/{}", fixture.push_blob("private/app", &content).await);
    for (range, expected, header) in [
        ("bytes=500-1499", &content[500..1500], "bytes 500-1499/2048"),
        ("bytes=500-", &content[500..], "bytes 500-2047/2048"),
        ("bytes=-500", &content[1548..], "bytes 1548-2047/2048"),
        ("bytes=2000-5000", &content[2000..], "bytes 2000-2047/2048"),
    ] {
        let got = fixture.ask("GET", &path, &[("range", range)], Body::empty()).await;
        assert_eq!((got.status, got.header("content-range")), (StatusCode::PARTIAL_CONTENT, header));
        assert_eq!(got.header("content-length"), expected.len().to_string());
        assert_eq!(got.body, expected);
    }
    for range in ["bytes=500-0", "bytes=5000-10000"] {
        let got = fixture.ask("GET", &path, &[("range", range)], Body::empty()).await;
        assert_eq!((got.status, got.header("content-range")), (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */2048"));
    }
    let got = fixture.ask("GET", &path, &[("range", "bytes=0-1,10-12")], Body::empty()).await;
    assert_eq!(got.status, StatusCode::PARTIAL_CONTENT);
    let kind = got.header("content-type").to_owned();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("several parts");
    assert_eq!(got.header("content-length"), got.body.len().to_string());
    let mut expected = Vec::new();
    for (range, first, last) in [(0..2, 0, 1), (10..13, 10, 12)] {
        expected.extend(format!("\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {first}-{last}/2048\r\n\r\n").into_bytes());
        expected.extend(&content[range]);
    }
    expected.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    assert_eq!(got.body, expected);
    let other = fixture.ask("GET", &path, &[("range", "bytes=0-1"), ("if-range", "\"other\"")], Body::empty()).await;
    assert_eq!((other.status, other.body.len()), (StatusCode::OK, 2048));
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let fixture = Fixture::open().await;
    let path = format!("/v2/private/app/blobs/{}", fixture.push_blob("private/app", b"").await);
    for method in ["GET", "HEAD"] {
        let got = fixture.ask(method, &path, &[], Body::empty()).await;
        assert_eq!((got.status, got.header("content-length"), got.body.len()), (StatusCode::OK, "0", 0), "{method}");
    }
}

#[tokio::test]
async fn a_mount_is_created_or_becomes_an_upload() {
    let fixture = Fixture::open().await;
    let digest = fixture.push_blob("private/app", b"layer").await;
    for from in ["&from=private/app", ""] {
        let path = format!("/v2/public/copy/blobs/uploads/?mount={digest}{from}");
        let mounted = fixture.ask("POST", &path, &[], Body::empty()).await;
        assert_eq!(mounted.status, StatusCode::CREATED, "{from}");
        assert_eq!(mounted.header("location"), format!("/v2/public/copy/blobs/{digest}"));
    }
    let path = format!("/v2/public/copy/blobs/uploads/?mount={}&from=private/app", sha256(b"missing"));
    let opened = fixture.ask("POST", &path, &[], Body::empty()).await;
    assert_eq!(opened.status, StatusCode::ACCEPTED);
    let both = format!("/v2/public/copy/blobs/uploads/?mount={digest}&digest={digest}");
    assert_eq!(fixture.ask("POST", &both, &[], Body::empty()).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_digest_of_an_upload_may_be_sha512() {
    let fixture = Fixture::open().await;
    let digest = wharf_oci::Digest::of(wharf_oci::Algorithm::Sha512, b"content");
    for query in ["", "?digest-algorithm=sha512"] {
        let opened = fixture.ask("POST", &format!("/v2/private/app/blobs/uploads/{query}"), &[], Body::empty()).await;
        let end = format!("{}?digest={digest}", opened.header("location"));
        let ended = fixture.ask("PUT", &end, &[], "content").await;
        assert_eq!(
            (ended.status, ended.header("docker-content-digest")),
            (StatusCode::CREATED, digest.to_string().as_str())
        );
        assert_eq!(fixture.ask("GET", ended.header("location"), &[], Body::empty()).await.body, b"content");
    }
    let unknown = fixture.ask("POST", "/v2/private/app/blobs/uploads/?digest-algorithm=md5", &[], Body::empty()).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID"));
}
