//! What fails around the server: it says so, loses nothing, leaves nothing behind, and serves again without a restart.
//!
//! `docs/admin/faults.md` tells what a user sees of each.

mod bucket;
mod clock;
mod connection;
mod database;
mod disk;
mod node;
mod sync;

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::{Client, Payload, Response};
use crate::image::{Algorithm, Content, OCI_LAYER, OCI_MANIFEST, Shape};
use crate::random;
use crate::specification::{Repository, with};

const BYTES: (&str, &str) = ("Content-Type", "application/octet-stream");
/// How long anything may take to be as it was.
const SOON: Duration = Duration::from_secs(60);

/// An image that was pushed whole.
#[derive(Debug)]
struct Pushed {
    tag: String,
    manifest: Vec<u8>,
    blobs: BTreeMap<String, Vec<u8>>,
}

/// Pushes an image whose layer has this many bytes; what refuses is answered.
fn push(client: &Client, repository: &str, layer_bytes: usize) -> Result<Pushed, Response> {
    try_push(client, repository, random::bytes(layer_bytes)).expect("an answer")
}

/// Pushes an image of this layer and others; a broken connection is an error and not a panic.
fn try_push(client: &Client, repository: &str, layer: Vec<u8>) -> io::Result<Result<Pushed, Response>> {
    let repository = Repository::new(client, repository);
    let mut content = Content::new(Algorithm::Sha256);
    let layer = content.blob(OCI_LAYER, layer);
    content.shaped(&Shape { members: vec![("layers", json!([layer]))], layers: Some(0), ..Shape::default() });
    for (digest, bytes) in &content.blobs {
        let target = with(&repository.at("blobs/uploads/"), "digest", digest);
        let answer = client.try_send("POST", &target, &[BYTES], Payload::Sized(bytes))?;
        if answer.status != 201 {
            return Ok(Err(answer));
        }
    }
    let (tag, manifest) = (random::word(), content.documents[0].bytes.clone());
    let target = repository.at(&format!("manifests/{tag}"));
    let answer = client.try_send("PUT", &target, &[("Content-Type", OCI_MANIFEST)], Payload::Sized(&manifest))?;
    if answer.status != 201 {
        return Ok(Err(answer));
    }
    Ok(Ok(Pushed { tag, manifest, blobs: content.blobs }))
}

/// All of an image is there, byte by byte.
#[track_caller]
fn verify(client: &Client, repository: &str, pushed: &Pushed) {
    let repository = Repository::new(client, repository);
    let target = repository.at(&format!("manifests/{}", pushed.tag));
    let manifest = client.send("GET", &target, &[("Accept", OCI_MANIFEST)], Payload::Empty).expect(200);
    assert!(manifest.body == pushed.manifest, "the manifest has other bytes");
    for (digest, bytes) in &pushed.blobs {
        assert!(repository.get(&format!("blobs/{digest}")).expect(200).body == *bytes, "{digest} has other bytes");
    }
}

/// Asks again until it is so.
#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < SOON, "not in {SOON:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The status of an answer, or 0 when there was none.
fn status(client: &Client, target: &str) -> u16 {
    client.try_send("GET", target, &[], Payload::Empty).map_or(0, |answer| answer.status)
}
