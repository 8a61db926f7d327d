//! Manifests, blobs, tags, referrers: read whole, read on where it broke, page by page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _};
use wharf_oci::{ContentErrorKind, MediaType, Reference, Source as _};

use crate::server::{Reply, Server};
use crate::{bytes, descriptor, image, repository};

#[tokio::test]
async fn a_blob_that_breaks_off_is_read_on_from_there() {
    let content = Arc::new(bytes(100_000));
    let served = Arc::clone(&content);
    let server = Server::start(move |asked| {
        let start = asked.header("range").map_or(0, |range| {
            range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().expect("a number")
        });
        let left = &served[start..];
        let part = left[..left.len().min(30_000)].to_vec();
        let reply = Reply::new(if start == 0 { 200 } else { 206 });
        let range = format!("bytes {start}-{}/{}", served.len() - 1, served.len());
        reply.with("content-range", range).body(part).promising(left.len() as u64)
    });
    let blob = descriptor("text/plain", &content);
    let pieces: Vec<_> =
        repository(&server).read_blob(&blob, 0).await.expect("open").try_collect().await.expect("all of it");
    assert_eq!(pieces.concat(), *content);
    let ranges: Vec<_> = server.asked().iter().filter_map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes=30000-", "bytes=60000-", "bytes=90000-"]);
}

#[tokio::test]
async fn a_registry_without_ranges_sends_again_what_is_dropped() {
    let content = bytes(1000);
    let served = content.clone();
    let server = Server::start(move |_| Reply::new(200).body(served.clone()));
    let blob = descriptor("text/plain", &content);
    let stream = repository(&server).read_blob(&blob, 400).await.expect("open");
    let pieces: Vec<_> = stream.try_collect().await.expect("the rest");
    assert_eq!(pieces.concat(), content[400..]);
}

#[tokio::test]
async fn another_range_than_was_asked_for_is_refused() {
    let server = Server::start(|_| Reply::new(206).with("content-range", "bytes 0-9/10").body("0123456789"));
    let error = repository(&server).read_blob(&descriptor("text/plain", b"0123456789"), 4).await;
    assert_eq!(error.err().map(|error| error.kind()), Some(ContentErrorKind::Invalid));
}

#[tokio::test]
async fn what_may_pass_later_is_tried_again() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::new(429).with("retry-after", 0),
        1 => Reply::new(503),
        2 => Reply::new(500).promising(10),
        _ => Reply::new(404).body(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"none"}]}"#),
    });
    // The first answers are those to the ping; in the end there is a registry, and what was asked for is not there.
    let error = repository(&server).head_manifest(&"v1".parse().expect("a tag")).await.expect_err("not there");
    assert_eq!(error.kind(), ContentErrorKind::NotFound);
    assert_eq!(server.count("GET /v2/"), 4);
}

#[tokio::test]
async fn tags_come_while_later_pages_are_not_fetched_yet() {
    let server = Server::start(|asked| match asked.target.as_str() {
        "/v2/team/app/tags/list?n=1000" => Reply::new(200)
            .with("link", r#"</v2/team/app/tags/list?n=1000&last=b>; rel="next""#)
            .body(r#"{"name":"team/app","tags":["a","b"]}"#),
        "/v2/team/app/tags/list?n=1000&last=b" => Reply::new(200).body(r#"{"name":"team/app","tags":["c","no tag!"]}"#),
        _ => Reply::new(404),
    });
    let mut tags = repository(&server).list_tags();
    assert_eq!(tags.next().await.expect("one").expect("a tag").as_str(), "a");
    assert_eq!(server.count("GET /v2/team/app/tags/list"), 1);
    let rest: Vec<_> = tags.map_ok(|tag| tag.to_string()).try_collect().await.expect("all");
    assert_eq!(rest, ["b", "c"]);
}

#[tokio::test]
async fn no_tags_are_none() {
    let server = Server::start(|_| Reply::new(200).body(r#"{"name":"team/app","tags":null}"#));
    assert!(repository(&server).list_tags().next().await.is_none());
}

#[tokio::test]
async fn referrers_are_found_by_their_tag_where_the_registry_keeps_no_list() {
    let subject = descriptor("", b"subject").digest;
    let listed = descriptor(MediaType::OciManifest.as_str(), b"signature");
    let index = wharf_oci::index::referrers([&listed]);
    let tag = format!("/v2/team/app/manifests/sha256-{}", subject.hex());
    let server = Server::start(move |asked| match &asked.target {
        target if *target == tag => {
            Reply::new(200).with("content-type", MediaType::OciIndex.as_str()).body(index.clone())
        }
        _ => Reply::new(404).body("404 page not found"),
    });
    assert_eq!(repository(&server).list_referrers(&subject).await.expect("a list"), [listed]);
    let other = descriptor("", b"other").digest;
    assert_eq!(repository(&server).list_referrers(&other).await.expect("a list"), []);
}

#[tokio::test]
async fn a_registry_that_says_no_digest_is_asked_for_the_manifest_itself() {
    let body = image(&[]);
    let served = body.clone();
    let server = Server::start(move |_| {
        Reply::new(200)
            .with("content-type", "application/vnd.oci.image.manifest.v1+json; charset=utf-8")
            .body(served.clone())
    });
    let reference: Reference = "v1".parse().expect("a tag");
    let found = repository(&server).head_manifest(&reference).await.expect("found");
    assert_eq!(found, descriptor(MediaType::OciManifest.as_str(), &body));
}

#[tokio::test]
async fn a_mirror_is_asked_first_and_the_origin_for_what_it_has_not() {
    let body = image(&[]);
    let descriptor = descriptor(MediaType::OciManifest.as_str(), &body);
    let served = body.clone();
    let origin = Server::start(move |asked| match asked.target.as_str() {
        "/v2/" => Reply::new(200),
        _ => Reply::new(200).with("content-type", MediaType::OciManifest.as_str()).body(served.clone()),
    });
    let wrong = Server::start(|asked| match asked.target.as_str() {
        "/v2/" => Reply::new(200),
        _ => Reply::new(200).with("content-type", MediaType::OciManifest.as_str()).body("{}"),
    });
    let empty = Server::start(|_| Reply::new(404));
    let mirrors = vec![repository(&wrong), repository(&empty)];
    let mirrored = wharf_client::Mirrored::new(mirrors, repository(&origin));
    assert_eq!(mirrored.manifest(&descriptor).await.expect("from the origin"), body);
    let asked = |server: &Server| server.count("GET /v2/team/app/manifests/");
    assert_eq!((asked(&wrong), asked(&empty), asked(&origin)), (1, 1, 1));
    let near = wharf_client::Mirrored::new(vec![repository(&origin)], repository(&wrong));
    assert_eq!(near.manifest(&descriptor).await.expect("from the mirror"), body);
    assert_eq!(asked(&wrong), 1);
}
