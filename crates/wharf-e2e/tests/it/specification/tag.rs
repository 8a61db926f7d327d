//! Tags: as parameters of a push by digest, compared and set, deleted without harm.

use super::{BOTH, Repository};
use crate::http::Payload;
use crate::image::{Algorithm, Content};
use crate::server::Server;

fn push(repository: &Repository<'_>, content: &Content) {
    for (digest, bytes) in &content.blobs {
        repository.push(digest, bytes);
    }
}

#[test]
fn a_push_by_digest_sets_the_tags_of_its_query() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    for algorithm in BOTH {
        let mut content = Content::new(algorithm);
        content.image();
        push(&repository, &content);
        let document = &content.documents[0];
        let answer = repository
            .put(&format!("{}?tag=one&tag=two", document.digest), &document.media_type, &document.bytes)
            .expect(201);
        let tags: Vec<&str> = answer.headers("oci-tag").flat_map(|tags| tags.split(',')).map(str::trim).collect();
        assert_eq!(tags, ["one", "two"]);
        for tag in tags {
            let stored = repository.get(&format!("manifests/{tag}")).expect(200);
            // The tag answers in the algorithm that it was pushed with.
            assert_eq!(stored.header("docker-content-digest"), Some(document.digest.as_str()));
            assert!(stored.body == document.bytes, "{tag} has other bytes");
        }
    }
}

#[test]
fn a_tag_goes_without_its_siblings_and_its_manifest() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    let mut content = Content::new(Algorithm::Sha256);
    content.image();
    push(&repository, &content);
    let document = &content.documents[0];
    for tag in ["kept", "gone"] {
        repository.put(tag, &document.media_type, &document.bytes).expect(201);
    }
    client.delete(&repository.at("manifests/gone")).expect(202);
    repository.get("manifests/gone").expect(404);
    repository.get("manifests/kept").expect(200);
    repository.get(&format!("manifests/{}", document.digest)).expect(200);
}

#[test]
fn a_tag_moves_only_from_where_the_caller_saw_it() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    let mut content = Content::new(Algorithm::Sha256);
    content.image();
    content.image();
    push(&repository, &content);
    let [old, new] = [&content.documents[0], &content.documents[1]];
    repository.put("moving", &old.media_type, &old.bytes).expect(201);
    let target = repository.at("manifests/moving");
    let seen = client.head(&target).expect(200).header("etag").expect("an ETag").to_owned();
    let put = |etag: &str| {
        let headers = [("Content-Type", new.media_type.as_str()), ("If-Match", etag)];
        client.send("PUT", &target, &headers, Payload::Sized(&new.bytes)).status
    };
    assert_eq!(put("\"sha256:0000000000000000000000000000000000000000000000000000000000000000\""), 412);
    assert_eq!(client.head(&target).header("docker-content-digest"), Some(old.digest.as_str()));
    assert_eq!(put(&seen), 201);
    assert_eq!(client.head(&target).header("docker-content-digest"), Some(new.digest.as_str()));
}
