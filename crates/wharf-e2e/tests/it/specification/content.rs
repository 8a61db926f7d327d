//! Every kind of content goes in, is listed, comes out again byte for byte, and goes.

use serde_json::{Value, json};

use super::{BOTH, Repository};
use crate::http::Payload;
use crate::image::{Algorithm, Content, Document, OCI_INDEX, OCI_MANIFEST, Shape};
use crate::random;
use crate::server::Server;

const ACCEPT: [(&str, &str); 2] = [("Accept", OCI_INDEX), ("Accept", OCI_MANIFEST)];
const ARTIFACTS: [&str; 2] = ["application/vnd.example.one", "application/vnd.example.two"];

/// Pushes a set, checks all that can be read of it, and deletes it; each step as the suite does it.
fn goes_in_and_comes_out(content: &Content) {
    round_trip(&Server::start(), content);
}

fn round_trip(server: &Server, content: &Content) {
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    for (digest, bytes) in &content.blobs {
        repository.push(digest, bytes);
    }
    for document in &content.documents {
        put(&repository, &document.digest, document);
    }
    for (tag, digest) in &content.tags {
        put(&repository, tag, find(content, digest));
    }
    tags_are_listed(&repository, content);
    documents_are_there(&repository, content);
    for (digest, bytes) in &content.blobs {
        repository.has_blob(digest, bytes);
    }
    referrers_are_listed(&repository, content);
    all_goes(&repository, content);
}

fn find<'c>(content: &'c Content, digest: &str) -> &'c Document {
    content.documents.iter().find(|document| document.digest == digest).expect("a tag points to a document")
}

fn put(repository: &Repository<'_>, reference: &str, document: &Document) {
    let answer = repository.put(reference, &document.media_type, &document.bytes).expect(201);
    assert_eq!(answer.header("docker-content-digest"), Some(document.digest.as_str()));
    assert_eq!(answer.header("oci-subject"), document.subject.as_deref());
    let stored = repository.client.send("GET", &answer.location(), &ACCEPT, Payload::Empty).expect(200);
    assert_eq!(stored.header("content-type"), Some(document.media_type.as_str()));
    assert!(stored.body == document.bytes, "the Location gives other bytes");
}

fn tags_are_listed(repository: &Repository<'_>, content: &Content) {
    let tags = |rest: &str| -> Vec<String> {
        let list = repository.get(rest).expect(200).json();
        list["tags"].as_array().expect("a list").iter().map(|tag| tag.as_str().expect("a tag").to_owned()).collect()
    };
    let all = tags("tags/list");
    assert!(content.tags.keys().all(|tag| all.contains(tag)), "{all:?}");
    for (index, last) in all.iter().enumerate() {
        assert_eq!(tags(&format!("tags/list?last={last}")), all[index + 1..], "after {last}");
    }
}

fn documents_are_there(repository: &Repository<'_>, content: &Content) {
    let by_digest = content.documents.iter().map(|document| (document.digest.as_str(), document));
    let by_tag = content.tags.iter().map(|(tag, digest)| (tag.as_str(), find(content, digest)));
    for (reference, document) in by_digest.chain(by_tag) {
        let target = repository.at(&format!("manifests/{reference}"));
        let length = document.bytes.len().to_string();
        for method in ["HEAD", "GET"] {
            let answer = repository.client.send(method, &target, &ACCEPT, Payload::Empty).expect(200);
            assert_eq!(answer.header("content-type"), Some(document.media_type.as_str()));
            assert_eq!(answer.header("content-length"), Some(length.as_str()));
            assert_eq!(answer.header("docker-content-digest"), Some(document.digest.as_str()), "of {reference}");
            assert!(method == "HEAD" || answer.body == document.bytes, "{reference} has other bytes");
        }
    }
}

fn referrers_are_listed(repository: &Repository<'_>, content: &Content) {
    let referrers = content.documents.iter().filter_map(|document| Some((document.subject.as_ref()?, document)));
    for (subject, document) in referrers {
        let all = repository.get(&format!("referrers/{subject}")).expect(200);
        assert_eq!(all.header("content-type"), Some(OCI_INDEX));
        is_listed(&all.json(), document);
        let filter =
            super::with(&repository.at(&format!("referrers/{subject}")), "artifactType", &document.artifact_type);
        let some = repository.client.get(&filter).expect(200);
        assert_eq!(some.header("oci-filters-applied"), Some("artifactType"));
        is_listed(&some.json(), document);
        let entries = some.json()["manifests"].as_array().cloned().expect("a list");
        assert!(entries.iter().all(|entry| entry["artifactType"] == document.artifact_type.as_str()), "{entries:?}");
    }
}

fn is_listed(index: &Value, document: &Document) {
    let entries = index["manifests"].as_array().expect("a list");
    let entry = entries.iter().find(|entry| entry["digest"] == document.digest.as_str());
    let entry = entry.unwrap_or_else(|| panic!("{} is not in {index}", document.digest));
    assert_eq!(entry["mediaType"], document.media_type.as_str());
    assert_eq!(entry["size"], document.bytes.len());
    assert_eq!(entry["artifactType"], document.artifact_type.as_str());
    for (key, value) in document.annotations.as_object().into_iter().flatten() {
        assert_eq!(&entry["annotations"][key], value);
    }
}

fn all_goes(repository: &Repository<'_>, content: &Content) {
    let references = content.tags.keys().chain(content.documents.iter().rev().map(|document| &document.digest));
    for reference in references {
        let target = repository.at(&format!("manifests/{reference}"));
        repository.client.delete(&target).expect(202);
        repository.client.head(&target).expect(404);
    }
    for digest in content.blobs.keys() {
        repository.delete_blob(digest);
    }
}

#[test]
fn images() {
    let server = Server::start();
    for algorithm in BOTH {
        let mut content = Content::new(algorithm);
        content.image();
        if algorithm == Algorithm::Sha256 {
            content.tag("image");
        }
        round_trip(&server, &content);
    }
}

#[test]
fn an_image_without_layers() {
    let mut content = Content::new(Algorithm::Sha256);
    content.shaped(&Shape { layers: Some(0), ..Shape::default() });
    content.tag("no-layers");
    goes_in_and_comes_out(&content);
}

#[test]
fn a_manifest_of_nearly_four_mebibytes() {
    let annotations: Value = (0..390).map(|number| (format!("large-{number}"), "A".repeat(10_000))).collect();
    let mut content = Content::new(Algorithm::Sha256);
    content.shaped(&Shape { members: vec![("annotations", annotations)], ..Shape::default() });
    content.tag("large");
    goes_in_and_comes_out(&content);
}

#[test]
fn indexes_nested_and_empty() {
    let server = Server::start();
    for algorithm in BOTH {
        let mut content = Content::new(algorithm);
        let inner: Vec<Value> = (0..2)
            .map(|_| {
                let images = [content.image(), content.image()];
                content.index(&images, &[])
            })
            .collect();
        content.index(&inner, &[]);
        content.index(&[], &[("annotations", json!({ "empty": random::word() }))]);
        round_trip(&server, &content);
    }
}

#[test]
fn artifacts_with_and_without_layers_and_in_an_index() {
    let mut content = Content::new(Algorithm::Sha256);
    let one = content.shaped(&Shape { artifact_type: Some(ARTIFACTS[0]), layers: Some(1), ..Shape::default() });
    let two = content.shaped(&Shape { artifact_type: Some(ARTIFACTS[1]), layers: Some(0), ..Shape::default() });
    content.index(&[one, two], &[("artifactType", json!(ARTIFACTS[0]))]);
    content.tag("artifacts");
    goes_in_and_comes_out(&content);
}

#[test]
fn an_artifact_whose_one_layer_is_its_empty_config() {
    let mut content = Content::new(Algorithm::Sha256);
    let empty = content.blob(crate::image::OCI_EMPTY, b"{}".to_vec());
    let members = vec![("layers", json!([empty]))];
    content.shaped(&Shape { members, artifact_type: Some(ARTIFACTS[0]), layers: Some(0) });
    content.tag("artifact-without-layers");
    goes_in_and_comes_out(&content);
}

#[test]
fn referrers_of_an_image_and_of_an_index() {
    let mut content = Content::new(Algorithm::Sha256);
    let image = content.image();
    content.shaped(&Shape { members: vec![("subject", image.clone())], ..Shape::default() });
    for artifact_type in ARTIFACTS {
        let annotations = json!({ "org.example.note": random::word() });
        let members = vec![("subject", image.clone()), ("annotations", annotations)];
        content.shaped(&Shape { members, artifact_type: Some(artifact_type), layers: Some(1) });
    }
    content.tag("artifact");
    let index = content.index(&[image], &[]);
    content.index(&[], &[("subject", index), ("artifactType", json!(ARTIFACTS[0]))]);
    goes_in_and_comes_out(&content);
}

#[test]
fn a_referrer_may_come_before_its_subject() {
    let mut content = Content::new(Algorithm::Sha256);
    let mut later = Content::new(Algorithm::Sha256);
    let subject = later.image();
    content.shaped(&Shape { members: vec![("subject", subject)], artifact_type: Some(ARTIFACTS[0]), layers: Some(1) });
    goes_in_and_comes_out(&content);
}

#[test]
fn descriptors_with_data_and_members_that_nobody_knows() {
    let mut content = Content::new(Algorithm::Sha256);
    let mut layer = content.blob(crate::image::OCI_LAYER, b"short".to_vec());
    layer["data"] = json!(data_encoding::BASE64.encode(b"short"));
    let members = vec![("layers", json!([layer])), ("org.example.unknown", json!({ "deep": [1, null, "x"] }))];
    let image = content.shaped(&Shape { members, layers: Some(0), ..Shape::default() });
    content.index(&[image], &[("org.example.unknown", json!(random::word()))]);
    content.tag("unknown-members");
    goes_in_and_comes_out(&content);
}

#[test]
fn layers_that_may_not_be_distributed_need_not_be_pushed() {
    let foreign = |suffix: &str| {
        let digest = Algorithm::Sha256.digest(&random::bytes(16));
        let media_type = format!("application/vnd.oci.image.layer.nondistributable.v1.tar{suffix}");
        json!({ "mediaType": media_type, "digest": digest, "size": 123_456, "urls": [format!("https://store.example.com/{digest}")] })
    };
    let mut content = Content::new(Algorithm::Sha256);
    let own = content.blob(crate::image::OCI_LAYER, random::bytes(100));
    let members = vec![("layers", json!([foreign("+gzip"), foreign(""), own]))];
    content.shaped(&Shape { members, layers: Some(0), ..Shape::default() });
    content.tag("foreign-layers");
    goes_in_and_comes_out(&content);
}

#[test]
fn an_index_may_name_a_platform_that_is_not_here() {
    let mut content = Content::new(Algorithm::Sha256);
    let image = content.image();
    let absent = Content::new(Algorithm::Sha256).image();
    content.index(&[image, absent], &[]);
    content.tag("sparse-index");
    goes_in_and_comes_out(&content);
}

#[test]
fn an_image_may_lack_a_layer_as_long_as_something_of_it_is_there() {
    let mut content = Content::new(Algorithm::Sha256);
    content.image();
    content.tag("sparse-image");
    let layer = content.documents.first().map(|document| document.bytes.clone()).expect("an image");
    let layer: Value = serde_json::from_slice(&layer).expect("our own JSON");
    content.blobs.remove(layer["layers"][0]["digest"].as_str().expect("a digest"));
    goes_in_and_comes_out(&content);
}
