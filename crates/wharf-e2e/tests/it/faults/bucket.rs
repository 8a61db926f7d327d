//! The bucket is away, falls silent, talks nonsense, is slow.
//!
//! What becomes of single uploads meanwhile: see [`crate::nodes`].

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Pushed, eventually, push, status, verify};
use crate::command::{Program, has};
use crate::http::{Client, Payload, escape};
use crate::image::OCI_MANIFEST;
use crate::nodes::{Shared, and};
use crate::relay::{Mode, Relay};
use crate::server::Server;

/// More than one part of an upload.
const LAYER_BYTES: usize = 12 << 20;

/// The header of a request without a body: the SHA-256 of nothing.
const NOTHING: &str = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A node whose bucket is at the end of a wire, and the bucket itself. It gives up quickly what nobody goes on with.
fn node() -> Option<(Server, Relay, Shared)> {
    let shared = Shared::new()?;
    let relay = Relay::to(shared.endpoint.split_once("://").expect("a URL").1);
    let mut behind = shared.settings();
    behind.variables.retain(|(name, _)| *name != "WHARF_STORAGE_S3_ENDPOINT");
    let quick = [
        ("WHARF_STORAGE_S3_ENDPOINT", format!("http://{}", relay.address)),
        ("WHARF_STORAGE_S3_IDLE_TIMEOUT", "1s".to_owned()),
        ("WHARF_STORAGE_S3_RETRIES", "1".to_owned()),
        ("WHARF_COLLECTION_GRACE", "10s".to_owned()),
        ("WHARF_COLLECTION_UPLOAD_EXPIRY", "10s".to_owned()),
        ("WHARF_COLLECTION_INTERVAL", "1s".to_owned()),
    ];
    let settings = quick.into_iter().fold(behind, |settings, (name, value)| and(settings, name, value));
    Some((Server::with(settings), relay, shared))
}

/// How many objects the bucket has below the test's own prefix.
fn objects(shared: &Shared) -> usize {
    let (bucket, prefix) = shared.bucket.trim_start_matches("s3://").split_once('/').expect("a prefix");
    let url = format!("{}/{bucket}?list-type=2&prefix={}", shared.endpoint, escape(prefix));
    let (id, secret) = &shared.login;
    let login = format!("{id}:{secret}");
    let words =
        ["--silent", "--fail", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", &login, "--header", NOTHING, &url];
    Program::new("curl", shared.home.path()).args(words).run().matches("<Key>").count()
}

/// The bucket holds the blobs of these images, and nothing else. (Parts of an object whose beginning was never answered
/// have no name that anybody could know: the bucket's lifecycle rule ends them.)
fn holds_only(shared: &Shared, pushed: &[Pushed]) {
    let blobs: BTreeSet<&String> = pushed.iter().flat_map(|image| image.blobs.keys()).collect();
    eventually("nothing is left of what was refused", || objects(shared) == blobs.len());
}

/// What lies in the catalog is served all the same.
fn facts_are_served(client: &Client, image: &Pushed) {
    let target = format!("/v2/faults/app/manifests/{}", image.tag);
    let answer = client.send("GET", &target, &[("Accept", OCI_MANIFEST)], Payload::Empty).expect(200);
    assert!(answer.body == image.manifest);
    let tags = client.get("/v2/faults/app/tags/list").expect(200).json();
    assert!(tags["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| *tag == image.tag)), "{tags}");
}

#[test]
fn a_bucket_that_fails_is_told_and_missed_by_nobody_afterwards() {
    if !has(&["curl"]) {
        return;
    }
    let Some((mut node, relay, shared)) = node() else { return };
    let client = node.administrator();
    let mut pushed = vec![push(&client, "faults/app", LAYER_BYTES).expect("pushed")];
    for mode in [Mode::Cut, Mode::Garble, Mode::Hold] {
        relay.set(mode);
        let start = Instant::now();
        for _ in 0..2 {
            let refused = push(&client, "faults/app", LAYER_BYTES).expect_err("not without a bucket");
            assert!([500, 502, 503].contains(&refused.status), "{mode:?}: {} {}", refused.status, refused.text());
        }
        facts_are_served(&client, &pushed[0]);
        assert_eq!(status(&client, "/readyz"), 200, "{mode:?}: all nodes have one bucket, and manifests are served");
        assert_eq!(status(&client, "/livez"), 200, "{mode:?}");
        assert!(start.elapsed() < Duration::from_secs(40), "{mode:?} took {:?}", start.elapsed());
        relay.set(Mode::Pass);
        eventually("pushes pass again", || match push(&client, "faults/app", LAYER_BYTES) {
            Ok(image) => {
                pushed.push(image);
                true
            }
            Err(_) => false,
        });
        pushed.iter().for_each(|image| verify(&client, "faults/app", image));
    }
    holds_only(&shared, &pushed);
    node.kill();
    node.restart();
    let client = node.administrator();
    pushed.iter().for_each(|image| verify(&client, "faults/app", image));
}

#[test]
fn a_node_that_starts_without_its_bucket_says_so_and_ends() {
    let Some(shared) = Shared::new() else { return };
    let relay = Relay::to(shared.endpoint.split_once("://").expect("a URL").1);
    relay.set(Mode::Cut);
    let mut settings = shared.settings();
    settings.variables.retain(|(name, _)| *name != "WHARF_STORAGE_S3_ENDPOINT");
    let settings = and(settings, "WHARF_STORAGE_S3_ENDPOINT", format!("http://{}", relay.address));
    let settings = and(settings, "WHARF_STORAGE_S3_RETRIES", "1");
    let reason = Server::try_with(settings).expect_err("there is no bucket");
    assert!(reason.contains("open the blob store"), "{reason}");
}
