//! Manifests and referrers as clients meet them.

use axum::body::Body;
use axum::http::StatusCode;
use wharf_oci::{Algorithm, Digest};

use crate::fixture::{Fixture, IMAGE, image, sha256};

#[tokio::test]
async fn a_manifest_is_answered_with_all_that_clients_read() {
    let fixture = Fixture::open().await;
    let digest = fixture.push_image("private/app", "v1", b"layer").await;
    for (method, body) in [("GET", image(b"layer").into_bytes()), ("HEAD", Vec::new())] {
        let got = fixture.ask(method, "/v2/private/app/manifests/v1", &[("accept", IMAGE)], Body::empty()).await;
        assert_eq!((got.status, got.header("content-type")), (StatusCode::OK, IMAGE));
        assert_eq!(got.header("docker-content-digest"), digest.to_string());
        assert_eq!(got.header("content-length"), image(b"layer").len().to_string());
        assert_eq!(got.body, body, "{method}");
    }
    let refused = fixture.ask("GET", "/v2/private/app/manifests/v1", &[("accept", "text/plain")], Body::empty()).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"));
}

#[tokio::test]
async fn tags_may_be_parameters_of_a_push_by_digest() {
    let fixture = Fixture::open().await;
    fixture.push_image("private/app", "v1", b"layer").await;
    for algorithm in Algorithm::ALL {
        let digest = Digest::of(algorithm, image(b"layer").as_bytes());
        let path = format!("/v2/private/app/manifests/{digest}?tag={algorithm}-a&tag={algorithm}-b");
        let put = fixture.ask("PUT", &path, &[("content-type", IMAGE)], image(b"layer")).await;
        assert_eq!(
            (put.status, put.header("docker-content-digest")),
            (StatusCode::CREATED, digest.to_string().as_str())
        );
        assert_eq!(put.headers.get_all("oci-tag").iter().count(), 2);
        let got = fixture.ask("HEAD", &format!("/v2/private/app/manifests/{algorithm}-b"), &[], Body::empty()).await;
        assert_eq!(got.header("docker-content-digest"), digest.to_string());
    }
}

#[tokio::test]
async fn referrers_are_an_index_of_what_names_the_subject() {
    let fixture = Fixture::open().await;
    let path = format!("/v2/private/app/referrers/{}", sha256(b"nothing"));
    let none = fixture.ask("GET", &path, &[], Body::empty()).await;
    assert_eq!((none.status, none.json()["manifests"].as_array().map(Vec::len)), (StatusCode::OK, Some(0)));
    let subject = fixture.push_image("private/app", "v1", b"layer").await;
    let artifact = image(b"layer").replacen(
        '{',
        &format!(r#"{{"artifactType":"a/sbom","subject":{{"mediaType":"{IMAGE}","digest":"{subject}","size":1}},"#),
        1,
    );
    let reference = sha256(artifact.as_bytes());
    let put = fixture
        .ask("PUT", &format!("/v2/private/app/manifests/{reference}"), &[("content-type", IMAGE)], artifact)
        .await;
    assert_eq!((put.status, put.header("oci-subject")), (StatusCode::CREATED, subject.to_string().as_str()));
    for (query, count, filtered) in
        [("", 1, ""), ("?artifactType=a/sbom", 1, "artifactType"), ("?artifactType=x/y", 0, "artifactType")]
    {
        let got = fixture.ask("GET", &format!("/v2/private/app/referrers/{subject}{query}"), &[], Body::empty()).await;
        assert_eq!(got.header("content-type"), "application/vnd.oci.image.index.v1+json");
        assert_eq!(got.header("oci-filters-applied"), filtered);
        let manifests = got.json()["manifests"].clone();
        assert_eq!(manifests.as_array().map(Vec::len), Some(count), "{query}");
        if count == 1 {
            assert_eq!(
                (&manifests[0]["artifactType"], &manifests[0]["digest"]),
                (&"a/sbom".into(), &reference.to_string().into())
            );
        }
    }
}
