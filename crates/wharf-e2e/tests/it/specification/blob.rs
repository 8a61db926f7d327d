//! Blobs that are there, that are not there, and that are mounted from another repository.

use super::{BOTH, BYTES, Repository, blob, with};
use crate::http::Payload;
use crate::server::Server;

#[test]
fn a_blob_that_was_never_pushed_is_unknown() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    for algorithm in BOTH {
        let (digest, _) = blob(algorithm, 512);
        assert_eq!(repository.get(&format!("blobs/{digest}")).expect(404).codes(), ["BLOB_UNKNOWN"]);
    }
}

#[test]
fn a_blob_is_mounted_with_and_without_its_source() {
    let server = Server::start();
    let client = server.administrator();
    let [target, source] = ["conformance/repo1", "conformance/repo2"].map(|name| Repository::new(&client, name));
    // The suite has pushed to the target before: its token is for that repository alone.
    let (first, bytes) = blob(BOTH[0], 64);
    target.push(&first, &bytes);
    for algorithm in BOTH {
        for from in [Some(source.name.as_str()), None] {
            let (digest, bytes) = blob(algorithm, 512);
            source.push(&digest, &bytes);
            target.get(&format!("blobs/{digest}")).expect(404);
            let mut mount = with(&target.at("blobs/uploads/"), "mount", &digest);
            if let Some(from) = from {
                mount = with(&mount, "from", from);
            }
            let answer = client.send("POST", &mount, &[], Payload::Empty).expect(201);
            target.pushed(&answer, &digest, &bytes);
            target.has_blob(&digest, &bytes);
            target.delete_blob(&digest);
            source.has_blob(&digest, &bytes);
            source.delete_blob(&digest);
        }
    }
}

#[test]
fn a_mount_of_what_is_not_there_becomes_an_upload() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    for algorithm in BOTH {
        let (digest, bytes) = blob(algorithm, 512);
        let mount = with(&with(&repository.at("blobs/uploads/"), "mount", &digest), "from", "conformance/repo2");
        let upload = client.send("POST", &mount, &[], Payload::Empty).expect(202).location();
        let answer =
            client.send("PUT", &with(&upload, "digest", &digest), &[BYTES], Payload::Sized(&bytes)).expect(201);
        repository.pushed(&answer, &digest, &bytes);
    }
}
