//! Real clients against the built binary: log in, push, pull back byte for byte, list, copy, delete.
//!
//! A client that is not installed skips its tests with a line that says so; `WHARF_E2E_REQUIRE_CLIENTS=1` makes that a failure.

mod buildah;
mod crane;
mod docker;
mod environment;
mod helm;
mod lineage;
mod oras;
pub(crate) mod podman;
mod promotion;
mod quota;
pub(crate) mod skopeo;
pub(crate) mod wharf;

use crate::http::Payload;
use crate::image::{OCI_INDEX, OCI_MANIFEST};
use crate::server::Server;

/// What the server says that a reference points to: digest and bytes.
fn stored(server: &Server, repository: &str, reference: &str) -> (String, Vec<u8>) {
    let accept = [
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ];
    let accept = format!("{OCI_INDEX}, {OCI_MANIFEST}, {}, {}", accept[0], accept[1]);
    let target = format!("/v2/{repository}/manifests/{reference}");
    let answer = server.administrator().send("GET", &target, &[("Accept", &accept)], Payload::Empty).expect(200);
    (answer.header("docker-content-digest").expect("a digest").to_owned(), answer.body)
}
