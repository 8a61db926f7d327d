//! The access table: every endpoint, as everybody, in a private and in a public project. It is reviewed text
//! (`tests/golden/access.txt`; `UPDATE_GOLDEN=1` writes it anew), and it fails when an endpoint comes without a line.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use wharf_api_distribution::{ENDPOINTS, Operation};

use crate::fixture::{CALLERS, Fixture, IMAGE, image, sha256, signature};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/access.txt");

/// One line of the table: what is tried. The path is made anew for each caller by `prepare`.
struct Try {
    operation: Operation,
    method: &'static str,
    what: &'static str,
}

const fn attempt(operation: Operation, method: &'static str, what: &'static str) -> Try {
    Try { operation, method, what }
}

const TRIES: [Try; 30] = [
    attempt(Operation::Ping, "GET", "is this a registry"),
    attempt(Operation::PullBlob, "GET", "a blob"),
    attempt(Operation::PullBlob, "HEAD", "a blob"),
    attempt(Operation::PullManifest, "GET", "a tag"),
    attempt(Operation::PullManifest, "HEAD", "a digest"),
    attempt(Operation::OpenUpload, "POST", "an upload"),
    attempt(Operation::OpenUpload, "POST", "a blob at once"),
    attempt(Operation::OpenUpload, "POST", "a mount from the same project"),
    attempt(Operation::OpenUpload, "POST", "a mount from a private project"),
    attempt(Operation::AppendUpload, "PATCH", "a chunk"),
    attempt(Operation::CommitUpload, "PUT", "the end of an upload"),
    attempt(Operation::GetUpload, "GET", "an upload's state"),
    attempt(Operation::DeleteUpload, "DELETE", "an upload"),
    attempt(Operation::PutManifest, "PUT", "a new tag"),
    attempt(Operation::PutManifest, "PUT", "a tag moved"),
    attempt(Operation::PutManifest, "PUT", "a digest"),
    attempt(Operation::PutManifest, "PUT", "into a reserved project"),
    attempt(Operation::PullManifest, "GET", "a tag of an environment"),
    attempt(Operation::OpenUpload, "POST", "an upload in an environment"),
    attempt(Operation::PutManifest, "PUT", "a tag of an environment"),
    attempt(Operation::PutManifest, "PUT", "a signature in an environment"),
    attempt(Operation::DeleteManifest, "DELETE", "a tag of an environment"),
    attempt(Operation::DeleteBlob, "DELETE", "a blob of an environment"),
    attempt(Operation::PutManifest, "PUT", "into a project that is not there"),
    attempt(Operation::ListTags, "GET", "tags"),
    attempt(Operation::DeleteManifest, "DELETE", "a tag"),
    attempt(Operation::DeleteManifest, "DELETE", "a digest"),
    attempt(Operation::DeleteBlob, "DELETE", "a blob"),
    attempt(Operation::ListReferrers, "GET", "referrers"),
    attempt(Operation::ListRepositories, "GET", "repositories"),
];

/// Opens an upload as the administrator.
async fn open(fixture: &Fixture, repository: &str) -> String {
    let opened = fixture.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], Body::empty()).await;
    opened.header("location").to_owned()
}

/// Path and body of a try in the environment, to which the base was promoted.
fn in_environment(attempt: &Try, name: &str) -> Option<(String, Body)> {
    Some(match (attempt.operation, attempt.what) {
        (Operation::PullManifest | Operation::DeleteManifest, "a tag of an environment") => {
            (format!("/v2/t/{name}/manifests/base"), Body::empty())
        }
        (Operation::OpenUpload, "an upload in an environment") => {
            (format!("/v2/t/{name}/blobs/uploads/"), Body::empty())
        }
        (Operation::PutManifest, "a tag of an environment") => {
            (format!("/v2/t/{name}/manifests/base"), Body::from(image(b"base")))
        }
        (Operation::PutManifest, "a signature in an environment") => {
            let tag = format!("sha256-{}.sig", sha256(image(b"base").as_bytes()).hex());
            (format!("/v2/t/{name}/manifests/{tag}"), Body::from(signature()))
        }
        (Operation::DeleteBlob, "a blob of an environment") => {
            (format!("/v2/t/{name}/blobs/{}", sha256(b"base")), Body::empty())
        }
        (Operation::PutManifest, "into a reserved project") => {
            (format!("/v2/p/t/{name}/manifests/v1"), Body::from(image(b"base")))
        }
        (_, _) => return None,
    })
}

/// Makes what a try needs, as the administrator, and gives path and body.
async fn prepare(fixture: &Fixture, attempt: &Try, project: &str, nonce: &str) -> (String, Body) {
    let name = format!("{project}/app");
    if let Some(prepared) = in_environment(attempt, &name) {
        return prepared;
    }
    let layer = format!("layer {nonce}");
    let empty = Body::empty;
    match (attempt.operation, attempt.what) {
        (Operation::Ping, _) => ("/v2/".to_owned(), empty()),
        (Operation::PullBlob, _) => (format!("/v2/{name}/blobs/{}", sha256(b"base")), empty()),
        (Operation::PullManifest, "a tag") => (format!("/v2/{name}/manifests/base"), empty()),
        (Operation::PullManifest, _) => {
            (format!("/v2/{name}/manifests/{}", sha256(image(b"base").as_bytes())), empty())
        }
        (Operation::OpenUpload, "an upload") => (format!("/v2/{name}/blobs/uploads/"), empty()),
        (Operation::OpenUpload, "a blob at once") => {
            (format!("/v2/{name}/blobs/uploads/?digest={}", sha256(layer.as_bytes())), Body::from(layer))
        }
        (Operation::OpenUpload, "a mount from the same project") => {
            (format!("/v2/{project}/mounted/blobs/uploads/?mount={}&from={name}", sha256(b"base")), empty())
        }
        (Operation::OpenUpload, _) => {
            let digest = fixture.push_blob("private/secret", b"secret").await;
            (format!("/v2/{name}/blobs/uploads/?mount={digest}&from=private/secret"), empty())
        }
        (Operation::AppendUpload, _) => (open(fixture, &name).await, Body::from(layer)),
        (Operation::CommitUpload, _) => {
            let location = open(fixture, &name).await;
            (format!("{location}?digest={}", sha256(layer.as_bytes())), Body::from(layer))
        }
        (Operation::GetUpload | Operation::DeleteUpload, _) => (open(fixture, &name).await, empty()),
        (Operation::PutManifest, "a new tag") => {
            (format!("/v2/{name}/manifests/new-{nonce}"), Body::from(image(b"base")))
        }
        (Operation::PutManifest, "a tag moved") => {
            fixture.push_image(&name, &format!("old-{nonce}"), layer.as_bytes()).await;
            (format!("/v2/{name}/manifests/old-{nonce}"), Body::from(image(b"base")))
        }
        (Operation::PutManifest, "a digest") => {
            let body = image(b"base");
            (format!("/v2/{name}/manifests/{}", sha256(body.as_bytes())), Body::from(body))
        }
        (Operation::PutManifest, _) => (format!("/v2/nowhere-{nonce}/app/manifests/v1"), Body::from(image(b"base"))),
        (Operation::ListTags, _) => (format!("/v2/{name}/tags/list"), empty()),
        (Operation::DeleteManifest, "a tag") => {
            fixture.push_image(&name, &format!("dead-{nonce}"), b"base").await;
            (format!("/v2/{name}/manifests/dead-{nonce}"), empty())
        }
        (Operation::DeleteManifest, _) => {
            let digest = fixture.push_image(&name, &format!("dead-{nonce}"), layer.as_bytes()).await;
            (format!("/v2/{name}/manifests/{digest}"), empty())
        }
        (Operation::DeleteBlob, _) => {
            let digest = fixture.push_blob(&name, layer.as_bytes()).await;
            (format!("/v2/{name}/blobs/{digest}"), empty())
        }
        (Operation::ListReferrers, _) => (format!("/v2/{name}/referrers/{}", sha256(b"base")), empty()),
        (Operation::ListRepositories, _) => ("/v2/_catalog".to_owned(), empty()),
    }
}

async fn table(fixture: &Fixture) -> String {
    let mut table = String::new();
    for project in ["private", "public"] {
        let digest = fixture.push_image(&format!("{project}/app"), "base", b"base").await;
        fixture.promote(&format!("{project}/app"), "base", &digest).await;
        table.push_str(&format!("{:<56}", format!("## {project} project")));
        for caller in CALLERS {
            table.push_str(&format!(" {caller:>13}"));
        }
        table.push('\n');
        for (line, attempt) in TRIES.iter().enumerate() {
            table.push_str(&format!("{:<56}", format!("{:?} {}: {}", attempt.operation, attempt.method, attempt.what)));
            for caller in CALLERS {
                let nonce = format!("{project}-{line}-{caller}");
                let (path, body) = prepare(fixture, attempt, project, &nonce).await;
                let mut request = Request::builder().method(attempt.method).uri(path).header("content-type", IMAGE);
                if let Some(authorization) = fixture.basic(caller, project) {
                    request = request.header("authorization", authorization);
                }
                let answer = fixture.send(request.body(body).expect("a request")).await;
                table.push_str(&format!(" {:>13}", answer.status.as_u16()));
            }
            table.push('\n');
        }
        table.push('\n');
    }
    table
}

#[tokio::test]
async fn every_endpoint_as_everybody() {
    let fixture = Fixture::open().await;
    let table = table(&fixture).await;
    #[expect(clippy::disallowed_methods, reason = "how golden files are written is asked of the environment")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(GOLDEN, &table).expect("the golden file is written");
    }
    let golden = std::fs::read_to_string(GOLDEN).expect("the golden file is there");
    assert_eq!(table, golden, "who may do what has changed; if that is meant, write the table with UPDATE_GOLDEN=1");
}

#[test]
fn no_endpoint_is_left_out() {
    let tried: BTreeSet<String> = TRIES.iter().map(|attempt| format!("{:?}", attempt.operation)).collect();
    let all: BTreeSet<String> = ENDPOINTS.iter().map(|endpoint| format!("{:?}", endpoint.operation)).collect();
    assert_eq!(tried, all);
}
