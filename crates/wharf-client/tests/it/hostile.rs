//! Registries that mean harm.

use futures_util::TryStreamExt as _;
use wharf_client::{Options, copy};
use wharf_oci::{ContentErrorKind, MediaType, Reference};

use crate::server::{Reply, Server};
use crate::{descriptor, image, password, registry, repository};

fn tag() -> Reference {
    "v1".parse().expect("a tag")
}

fn manifest_reply(body: Vec<u8>) -> Reply {
    Reply::new(200).with("content-type", MediaType::OciManifest.as_str()).body(body)
}

#[tokio::test]
async fn a_log_in_does_not_follow_a_blob_to_another_server() {
    let storage = Server::start(|_| Reply::new(200).body("content"));
    let target = storage.url("/bucket/blob?signature=s");
    let server = Server::start(move |asked| match asked.header("authorization") {
        None => Reply::new(401).with("www-authenticate", r#"Basic realm="x""#),
        Some(_) => Reply::new(307).with("location", &target),
    });
    let repository = registry(&server, password()).repository("team/app".parse().expect("a name"));
    let stream = repository.read_blob(&descriptor("text/plain", b"content"), 0).await.expect("open");
    assert_eq!(stream.try_collect::<Vec<_>>().await.expect("read").concat(), b"content");
    let asked = storage.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), None);
}

#[tokio::test]
async fn servers_that_send_us_round_and_round_are_left() {
    // The same server by another name, so that each redirect leads to "another" one.
    let server = Server::start(|asked| {
        let host = asked.header("host").unwrap_or_default();
        let other = if host.starts_with("localhost") {
            host.replace("localhost", "127.0.0.1")
        } else {
            host.replace("127.0.0.1", "localhost")
        };
        Reply::new(307).with("location", format!("http://{other}{}", asked.target))
    });
    let ping_lets_in = Server::start({
        let target = server.url("/x");
        move |asked| if asked.target == "/v2/" { Reply::new(200) } else { Reply::new(307).with("location", &target) }
    });
    let error = repository(&ping_lets_in).head_manifest(&tag()).await.expect_err("left");
    assert!(error.to_string().contains("from one server to the next"), "{error}");
    assert!(server.asked().len() < 20, "{}", server.asked().len());
}

#[tokio::test]
async fn an_upload_is_not_sent_on_to_another_server() {
    let thief = Server::start(|_| Reply::new(201));
    let target = thief.url("/upload");
    let server = Server::start(move |asked| match asked.method.as_str() {
        "PUT" => Reply::new(307).with("location", &target),
        _ => Reply::new(404),
    });
    let body = image(&[]);
    let manifest = descriptor(MediaType::OciManifest.as_str(), &body);
    let stored = wharf_oci::Sink::put_manifest(&repository(&server), &manifest, body.into(), &[]).await;
    assert_eq!(stored.map_err(|error| error.kind), Err(ContentErrorKind::Invalid));
    assert!(thief.asked().is_empty());
}

#[tokio::test]
async fn a_manifest_that_is_not_its_digest_is_refused() {
    let server = Server::start(|_| manifest_reply(image(&[])));
    let digest = descriptor("", b"something else").digest;
    let error = repository(&server).get_manifest(&Reference::Digest(digest)).await.expect_err("refused");
    assert_eq!(error.kind(), ContentErrorKind::Invalid);
    let claims = Server::start(move |_| manifest_reply(image(&[])).with("docker-content-digest", digest));
    let error = repository(&claims).get_manifest(&tag()).await.expect_err("refused");
    assert!(error.to_string().contains("what came is not"), "{error}");
}

#[tokio::test]
async fn a_manifest_without_end_is_not_read_to_its_end() {
    let server = Server::start(|_| manifest_reply(vec![b' '; 5 * 1024 * 1024]));
    let error = repository(&server).get_manifest(&tag()).await.expect_err("refused");
    assert_eq!(error.kind(), ContentErrorKind::Invalid);
    assert!(format!("{:?}", std::error::Error::source(&error)).contains("TooLarge"), "{error:?}");
}

#[tokio::test]
async fn a_blob_that_is_longer_than_it_may_be_is_cut_at_its_size() {
    let server = Server::start(|_| Reply::new(200).body(vec![0; 1_000_000]));
    let blob = descriptor("text/plain", &[0; 1000]);
    let stream = repository(&server).read_blob(&blob, 0).await.expect("open");
    assert_eq!(stream.try_collect::<Vec<_>>().await.expect("read").concat().len(), 1000);
}

#[tokio::test]
async fn a_list_that_goes_on_elsewhere_or_for_ever_ends() {
    let server = Server::start(|asked| {
        let reply = Reply::new(200).body(r#"{"tags":["a"]}"#);
        if asked.target.contains("/team/app/") {
            reply.with("link", r#"<http://198.51.100.1/v2/x>; rel="next""#)
        } else {
            reply.with("link", r#"</v2/other/tags/list?n=1>; rel="next""#)
        }
    });
    let tags: Result<Vec<_>, _> = repository(&server).list_tags().try_collect().await;
    assert_eq!(tags.expect_err("refused").kind(), ContentErrorKind::Invalid);
    let circle = repository(&server).registry().repository("other".parse().expect("a name"));
    let tags: Vec<_> = circle.list_tags().try_collect().await.expect("it ends");
    assert_eq!(tags.len(), 2);
}

#[tokio::test]
async fn an_index_of_indexes_of_indexes_is_refused() {
    // Each level is another document: the size of the annotation says which.
    let level = |depth: usize, child: Option<&wharf_oci::Descriptor>| {
        let entries = child.map(|child| String::from_utf8(child.render()).expect("UTF-8")).unwrap_or_default();
        let media_type = MediaType::OciIndex.as_str();
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[{entries}],"annotations":{{"d":"{depth}"}}}}"#
        )
    };
    let mut documents = vec![level(0, None)];
    for depth in 1..20 {
        let child = descriptor(MediaType::OciIndex.as_str(), documents[depth - 1].as_bytes());
        documents.push(level(depth, Some(&child)));
    }
    let from = Server::start(move |asked| {
        let name = asked.target.rsplit('/').next().unwrap_or_default().to_owned();
        let digest = |document: &str| descriptor("", document.as_bytes()).digest.to_string();
        let found = documents.iter().find(|document| digest(document) == name);
        let body = if name == "v1" { documents.last() } else { found };
        match body {
            Some(body) => Reply::new(200).with("content-type", MediaType::OciIndex.as_str()).body(body.clone()),
            None => Reply::new(404),
        }
    });
    let to = Server::start(|_| Reply::new(404));
    let options = Options { reference: Some(tag()), ..Options::default() };
    let error = copy(&repository(&from), &repository(&to), &options, &|_| ()).await.expect_err("refused");
    assert!(error.to_string().contains("nested more than"), "{error}");
    assert_eq!(to.count("PUT"), 0);
}
