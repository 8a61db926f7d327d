//! Blobs on their way into a registry: in one piece, in chunks, on from where it broke, mounted.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use wharf_client::artifact::{Part, Parts};
use wharf_client::{Artifact, Credentials, Registry, Repository, Settings};
use wharf_oci::ports::Arrival;
use wharf_oci::{Descriptor, MediaType, Sink, Source};

use crate::server::{Asked, Reply, Server};
use crate::{bytes, descriptor, image, repository};

/// A file of random bytes as a source, and its descriptor.
async fn file(count: usize) -> (tempfile::NamedTempFile, Artifact, Descriptor) {
    let content = bytes(count);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &content).expect("written");
    let part = Part { path: file.path().to_owned(), media_type: "text/plain".to_owned(), title: None };
    let artifact = Artifact::of(Parts { files: vec![part], ..Parts::default() }).await.expect("described");
    (file, artifact, descriptor("text/plain", &content))
}

/// An upload that keeps what it gets, as Wharf does.
fn keeping() -> (Arc<Mutex<Vec<u8>>>, impl Fn(&Asked) -> Reply + Send + Sync + 'static) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let stored = Arc::clone(&kept);
    let handler = move |asked: &Asked| {
        let mut kept = stored.lock().expect("no panic");
        let range = |length: usize| format!("0-{}", length.saturating_sub(1));
        match (asked.method.as_str(), asked.target.as_str()) {
            ("POST", _) => Reply::new(202).with("location", "/v2/team/app/blobs/uploads/1?state=a"),
            ("GET", "/v2/team/app/blobs/uploads/1?state=a") => Reply::new(204).with("range", range(kept.len())),
            ("PATCH", _) => {
                let start = asked
                    .header("content-range")
                    .map_or(0, |range| range.split('-').next().and_then(|start| start.parse().ok()).expect("a range"));
                if start != kept.len() {
                    return Reply::new(416);
                }
                kept.extend_from_slice(&asked.body);
                Reply::new(202)
                    .with("range", range(kept.len()))
                    .with("location", "/v2/team/app/blobs/uploads/1?state=a")
            }
            ("PUT", _) => {
                kept.extend_from_slice(&asked.body);
                Reply::new(201)
            }
            _ => Reply::new(404),
        }
    };
    (kept, handler)
}

#[tokio::test]
async fn a_small_blob_goes_with_the_request_that_commits_it() {
    let (_file, source, blob) = file(1000).await;
    let (kept, handler) = keeping();
    let server = Server::start(handler);
    let arrival = repository(&server).put_blob(&blob, &source, &|_| ()).await.expect("there");
    assert_eq!((arrival, kept.lock().expect("no panic").as_slice()), (Arrival::Copied, &bytes(1000)[..]));
    let put =
        format!("PUT /v2/team/app/blobs/uploads/1?state=a&digest={}", blob.digest.to_string().replace(':', "%3A"));
    assert_eq!((server.count(&put), server.count("PATCH")), (1, 0), "{:?}", server.asked());
}

#[tokio::test]
async fn a_large_blob_goes_in_one_piece() {
    let (_file, source, blob) = file(2_000_000).await;
    let (kept, handler) = keeping();
    let server = Server::start(handler);
    let positions = Mutex::new(Vec::new());
    let tell = |position| positions.lock().expect("no panic").push(position);
    repository(&server).put_blob(&blob, &source, &tell).await.expect("there");
    assert_eq!(*kept.lock().expect("no panic"), bytes(2_000_000));
    assert_eq!((server.count("PATCH"), server.count("PUT")), (1, 1));
    let positions = positions.into_inner().expect("no panic");
    assert!(positions.is_sorted() && positions.last() == Some(&2_000_000), "{positions:?}");
}

#[tokio::test]
async fn chunks_are_of_the_size_that_was_asked_for() {
    let (_file, source, blob) = file(1_000_000).await;
    let (kept, handler) = keeping();
    let server = Server::start(handler);
    let settings = Settings { chunk_bytes: Some(400_000), ..Settings::default() };
    drop(rustls::crypto::ring::default_provider().install_default());
    let registry = Registry::new(server.host(), settings, Credentials::Anonymous).expect("a client");
    registry.repository("team/app".parse().expect("a name")).put_blob(&blob, &source, &|_| ()).await.expect("there");
    assert_eq!(*kept.lock().expect("no panic"), bytes(1_000_000));
    let asked = server.asked();
    let ranges: Vec<_> = asked.iter().filter_map(|asked| asked.header("content-range")).collect();
    assert_eq!(ranges, ["0-399999", "400000-799999", "800000-999999"]);
}

#[tokio::test]
async fn an_upload_that_breaks_goes_on_where_the_registry_stands() {
    let (_file, source, blob) = file(3_000_000).await;
    let (kept, handler) = keeping();
    let breaks = Mutex::new(vec![1_200_000, 700_000]);
    let patience = move |asked: &Asked| {
        let mut breaks = breaks.lock().expect("no panic");
        (asked.method == "PATCH").then(|| breaks.pop()).flatten()
    };
    let server = Server::breaking(patience, handler);
    let arrival = repository(&server).put_blob(&blob, &source, &|_| ()).await.expect("there");
    assert_eq!(arrival, Arrival::Copied);
    assert!(*kept.lock().expect("no panic") == bytes(3_000_000), "other bytes arrived");
    let asked = server.asked();
    let starts: Vec<_> = asked.iter().filter_map(|asked| asked.header("content-range")).collect();
    assert_eq!(starts, ["700000-2999999", "1900000-2999999"]);
    assert_eq!(server.count("POST"), 1, "one upload did it");
}

#[tokio::test]
async fn an_upload_that_the_registry_forgot_begins_anew() {
    let (_file, source, blob) = file(1_000_000).await;
    let (kept, handler) = keeping();
    let broken = Mutex::new(false);
    let server = Server::breaking(
        move |asked| {
            let mut broken = broken.lock().expect("no panic");
            let breaks = asked.method == "PATCH" && !*broken;
            *broken |= breaks;
            breaks.then_some(300_000)
        },
        {
            let kept = Arc::clone(&kept);
            move |asked| {
                if asked.method == "GET" && asked.target.contains("uploads") {
                    // As Docker's registry does after a chunk that did not end.
                    kept.lock().expect("no panic").clear();
                    return Reply::new(404).body(r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#);
                }
                handler(asked)
            }
        },
    );
    repository(&server).put_blob(&blob, &source, &|_| ()).await.expect("there");
    assert!(*kept.lock().expect("no panic") == bytes(1_000_000), "other bytes arrived");
    assert_eq!(server.count("POST"), 2);
}

#[tokio::test]
async fn bytes_that_are_not_the_blob_s_are_never_committed() {
    for count in [1000, 1_000_000] {
        let (file, source, blob) = file(count).await;
        let mut changed = bytes(count);
        changed[count / 2] ^= 1;
        std::fs::write(file.path(), changed).expect("written");
        let (_, handler) = keeping();
        let server = Server::start(handler);
        let error = repository(&server).put_blob(&blob, &source, &|_| ()).await.expect_err("refused");
        assert!(error.to_string().contains("is not what it should be"), "{error}");
        assert_eq!(server.count("PUT"), 0);
        assert_eq!(server.count("DELETE"), 1, "the upload is given up");
    }
}

#[tokio::test]
async fn a_blob_of_the_same_registry_is_mounted() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "HEAD" => Reply::new(404),
        "POST" => Reply::new(201),
        _ => Reply::new(404),
    });
    let to = repository(&server);
    let from: Repository = to.registry().repository("other/app".parse().expect("a name"));
    let blob = descriptor("text/plain", b"x");
    let arrival = to.put_blob(&blob, &from, &|_| ()).await.expect("there");
    assert_eq!(arrival, Arrival::Mounted);
    let digest = blob.digest.to_string().replace(':', "%3A");
    let post = format!("POST /v2/team/app/blobs/uploads/?mount={digest}&from=other%2Fapp");
    assert_eq!(server.count(&post), 1, "{:?}", server.asked());
    assert!(Source::origin(&from).is_some());
}

#[tokio::test]
async fn a_manifest_with_a_subject_is_listed_by_its_tag_where_the_registry_does_not() {
    let server = Server::start(|asked| if asked.method == "PUT" { Reply::new(201) } else { Reply::new(404) });
    let subject = descriptor(MediaType::OciManifest.as_str(), b"subject");
    let mut text = String::from_utf8(image(&[])).expect("UTF-8");
    let rendered = String::from_utf8(subject.render()).expect("UTF-8");
    text.insert_str(text.len() - 1, &format!(r#","subject":{rendered}"#));
    let manifest = descriptor(MediaType::OciManifest.as_str(), text.as_bytes());
    repository(&server).put_manifest(&manifest, Bytes::from(text), &[]).await.expect("stored");
    let lists = server.asked().into_iter().filter(|asked| {
        asked.line() == format!("PUT /v2/team/app/manifests/sha256-{}", subject.digest.hex())
            && String::from_utf8_lossy(&asked.body).contains(&manifest.digest.to_string())
    });
    assert_eq!(lists.count(), 1, "{:?}", server.asked());
}
