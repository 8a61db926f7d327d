//! What the distribution-spec asks of a registry and what its official conformance suite checks, in our own words.
//!
//! The suite itself is run by `.ci/conformance` where it can be installed; these tests hold the same requirements in
//! every checkout: sha256 and sha512, every kind of upload, every kind of content, deletion, referrers, refusals.

mod blob;
mod content;
mod range;
mod refusal;
mod tag;
mod upload;

use crate::http::{Client, Payload, Response, escape};
use crate::image::Algorithm;
use crate::random;
use crate::server::Server;

const BOTH: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];
const BYTES: (&str, &str) = ("Content-Type", "application/octet-stream");

/// One repository as one caller sees it.
#[derive(Debug)]
pub(crate) struct Repository<'c> {
    pub(crate) client: &'c Client,
    pub(crate) name: String,
}

impl<'c> Repository<'c> {
    pub(crate) fn new(client: &'c Client, name: &str) -> Self {
        Self { client, name: name.to_owned() }
    }

    /// The target of something in it.
    pub(crate) fn at(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.name)
    }

    pub(crate) fn get(&self, rest: &str) -> Response {
        self.client.get(&self.at(rest))
    }

    /// Opens an upload and answers where it continues.
    pub(crate) fn open(&self) -> String {
        self.client.send("POST", &self.at("blobs/uploads/"), &[], Payload::Empty).expect(202).location()
    }

    /// Pushes a blob by POST and PUT and checks the answer.
    pub(crate) fn push(&self, digest: &str, bytes: &[u8]) {
        let upload = self.open();
        let answer = self.client.send("PUT", &with(&upload, "digest", digest), &[BYTES], Payload::Sized(bytes));
        self.pushed(&answer.expect(201), digest, bytes);
    }

    /// What every answer to a finished push has: the digest as it was asked for, and a Location that gives the bytes.
    #[track_caller]
    pub(crate) fn pushed(&self, answer: &Response, digest: &str, bytes: &[u8]) {
        assert_eq!(answer.header("docker-content-digest"), Some(digest));
        let stored = self.client.get(&answer.location()).expect(200);
        assert!(stored.body == bytes, "the Location does not give what was pushed");
    }

    /// Puts a manifest under a tag or digest.
    pub(crate) fn put(&self, reference: &str, media_type: &str, bytes: &[u8]) -> Response {
        // The suite sends manifests without Content-Length.
        self.client.send(
            "PUT",
            &self.at(&format!("manifests/{reference}")),
            &[("Content-Type", media_type)],
            Payload::Chunked(bytes),
        )
    }

    /// A blob is there, whole, by HEAD and by GET.
    #[track_caller]
    pub(crate) fn has_blob(&self, digest: &str, bytes: &[u8]) {
        let length = bytes.len().to_string();
        let target = self.at(&format!("blobs/{digest}"));
        for answer in [self.client.head(&target).expect(200), self.client.get(&target).expect(200)] {
            assert_eq!(answer.header("content-length"), Some(length.as_str()));
            assert_eq!(answer.header("docker-content-digest"), Some(digest));
        }
        assert!(self.client.get(&target).body == bytes, "{digest} has other bytes");
    }

    /// A blob goes, and is gone at once.
    #[track_caller]
    pub(crate) fn delete_blob(&self, digest: &str) {
        let target = self.at(&format!("blobs/{digest}"));
        self.client.delete(&target).expect(202);
        self.client.head(&target).expect(404);
        self.client.get(&target).expect(404);
    }
}

/// `target` with one more parameter; a query that it has stays.
pub(crate) fn with(target: &str, name: &str, value: &str) -> String {
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}{name}={}", escape(value))
}

/// A blob that no other test has.
fn blob(algorithm: Algorithm, length: usize) -> (String, Vec<u8>) {
    let bytes = random::bytes(length);
    (algorithm.digest(&bytes), bytes)
}

#[test]
fn the_base_says_that_this_is_a_registry() {
    let server = Server::start();
    let answer = server.administrator().get("/v2/").expect(200);
    assert_eq!(answer.header("docker-distribution-api-version"), Some("registry/2.0"));
    server.anonymous().get("/v2/").expect(401);
}

#[test]
fn a_repository_that_is_not_there_yet_has_no_referrers() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/empty");
    let tags = repository.get("tags/list").status;
    assert!(tags == 200 || tags == 404, "{tags}");
    let (digest, _) = blob(Algorithm::Sha256, 8);
    let answer = repository.get(&format!("referrers/{digest}")).expect(200);
    assert_eq!(answer.header("content-type"), Some(crate::image::OCI_INDEX));
    assert_eq!(answer.json()["schemaVersion"], 2);
    assert_eq!(answer.json()["mediaType"], crate::image::OCI_INDEX);
    assert_eq!(answer.json()["manifests"], serde_json::json!([]));
}
