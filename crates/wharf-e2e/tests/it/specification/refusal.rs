//! What lies is refused with 4xx and the specification's own error code, and leaves nothing.

use serde_json::{Value, json};

use super::Repository;
use crate::http::{Payload, Response};
use crate::image::{Algorithm, Content, OCI_INDEX, OCI_MANIFEST, Shape};
use crate::random;
use crate::server::Server;

const UNKNOWN: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn what_was_never_pushed_is_unknown() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    assert_eq!(repository.get(&format!("manifests/{UNKNOWN}")).expect(404).codes(), ["MANIFEST_UNKNOWN"]);
    assert_eq!(repository.get("manifests/missing").expect(404).codes(), ["MANIFEST_UNKNOWN"]);
}

/// A server, its administrator's repository, and an image whose blobs are there.
fn with_blobs(test: impl FnOnce(&Repository<'_>, Value)) {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    let mut content = Content::new(Algorithm::Sha256);
    content.image();
    for (digest, bytes) in &content.blobs {
        repository.push(digest, bytes);
    }
    test(&repository, serde_json::from_slice(&content.documents[0].bytes).expect("our own JSON"));
}

#[track_caller]
fn refused(repository: &Repository<'_>, media_type: &str, bytes: &[u8]) -> Response {
    let answer = repository.put("refused", media_type, bytes);
    assert!((400..500).contains(&answer.status), "{}: {}", answer.status, answer.text());
    assert!(!answer.codes().is_empty(), "an error without a code: {}", answer.text());
    repository.get("manifests/refused").expect(404);
    answer
}

#[test]
fn a_digest_that_is_none_or_not_the_manifests_is_refused() {
    with_blobs(|repository, manifest| {
        let mut bytes = manifest.to_string().into_bytes();
        let digest = Algorithm::Sha256.digest(&bytes);
        repository.put("sha256:baddigeststring", OCI_MANIFEST, &bytes).expect(400);
        let status = repository.get("manifests/sha256:baddigeststring").status;
        assert!(status == 400 || status == 404, "{status}");
        bytes.extend_from_slice(b"  ");
        assert_eq!(repository.put(&digest, OCI_MANIFEST, &bytes).expect(400).codes(), ["DIGEST_INVALID"]);
        repository.get(&format!("manifests/{digest}")).expect(404);
    });
}

#[test]
fn a_manifest_whose_blobs_are_missing_or_of_another_size_is_refused() {
    with_blobs(|repository, manifest| {
        let mut lie = manifest.clone();
        lie["layers"][0]["size"] = json!(1);
        refused(repository, OCI_MANIFEST, lie.to_string().as_bytes());
        let mut lie = manifest.clone();
        for layer in lie["layers"].as_array_mut().expect("an image has layers") {
            layer["digest"] = json!(Algorithm::Sha256.digest(&random::bytes(8)));
        }
        let answer = refused(repository, OCI_MANIFEST, lie.to_string().as_bytes());
        assert!(answer.codes().contains(&"MANIFEST_BLOB_UNKNOWN".to_owned()), "{:?}", answer.codes());
        let mut lie = manifest;
        lie["config"]["digest"] = json!(UNKNOWN);
        refused(repository, OCI_MANIFEST, lie.to_string().as_bytes());
    });
}

#[test]
fn a_document_that_two_readers_could_read_differently_is_refused() {
    with_blobs(|repository, manifest| {
        let text = manifest.to_string();
        let mut both = manifest.clone();
        both["manifests"] = json!([]);
        let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
        let lies = [
            both.to_string(),
            text.replacen('{', "{\"schemaVersion\":2,", 1),
            text.replacen('{', &format!("{{\"deep\":{deep},"), 1),
            text.replacen("\"size\":", "\"size\":-", 1),
            text.replacen("\"size\":", "\"size\":99999999999999999999", 1),
            text.replace(OCI_MANIFEST, OCI_INDEX),
            String::new(),
            "null".to_owned(),
            text[..text.len() - 1].to_owned(),
        ];
        for lie in &lies {
            refused(repository, OCI_MANIFEST, lie.as_bytes());
        }
        refused(repository, OCI_INDEX, text.as_bytes());
        refused(repository, "application/vnd.docker.distribution.manifest.v1+prettyjws", text.as_bytes());
        let mut broken = text.into_bytes();
        let letter = broken.len() - 3;
        broken[letter] = 0xff;
        refused(repository, OCI_MANIFEST, &broken);
    });
}

#[test]
fn a_manifest_of_more_than_four_mebibytes_is_refused() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    let mut content = Content::new(Algorithm::Sha256);
    let members = vec![("annotations", json!({ "large": "A".repeat(4 * 1024 * 1024) }))];
    content.shaped(&Shape { members, ..Shape::default() });
    refused(&repository, OCI_MANIFEST, &content.documents[0].bytes);
}

#[test]
fn nothing_that_a_client_sends_is_our_fault() {
    let server = Server::start();
    let client = server.administrator();
    let long = "a".repeat(300);
    let targets = [
        "/v2/UPPER/case/manifests/latest".to_owned(),
        "/v2/a//b/tags/list".to_owned(),
        format!("/v2/{long}/tags/list"),
        format!("/v2/conformance/repo1/manifests/{long}"),
        "/v2/conformance/repo1/manifests/%FF".to_owned(),
        "/v2/conformance/repo1/blobs/sha256:short".to_owned(),
        "/v2/conformance/repo1/blobs/md5:d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        "/v2/conformance/repo1/tags/list?n=-1".to_owned(),
        "/v2/conformance/repo1/tags/list?n=99999999999999999999".to_owned(),
        "/v2/_catalog?n=zero".to_owned(),
        "/v2/conformance/repo1/blobs/uploads/no-such-upload".to_owned(),
        format!("/v2/conformance/repo1/referrers/{}", random::word()),
        "/v2/../../etc/passwd".to_owned(),
    ];
    for target in &targets {
        for method in ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"] {
            let answer = client.send(method, target, &[], Payload::Empty);
            assert!((200..500).contains(&answer.status), "{method} {target}: {}", answer.status);
        }
    }
    assert_eq!(client.get(&format!("/v2/conformance/repo1/manifests/{long}")).expect(400).codes().len(), 1);
}
