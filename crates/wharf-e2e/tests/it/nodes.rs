//! Several nodes on one PostgreSQL and one bucket: one registry, and no node is special.
//!
//! `WHARF_TEST_POSTGRES` and `WHARF_TEST_S3=http://ID:SECRET@HOST:PORT/BUCKET` name the servers.

mod crash;
mod endpoint;
mod pgbouncer;
mod redirect;

use crate::command::{skip, variable};
use crate::http::{Client, Payload};
use crate::image::{Algorithm, Content, OCI_MANIFEST};
use crate::random;
use crate::server::{Server, Settings, fresh_database};
use crate::specification::{Repository, with};

const BYTES: (&str, &str) = ("Content-Type", "application/octet-stream");
const MIB: usize = 1 << 20;

/// What all nodes of a test share.
#[derive(Debug)]
pub(crate) struct Shared {
    database: String,
    pub(crate) endpoint: String,
    /// Id and secret.
    pub(crate) login: (String, String),
    /// `s3://BUCKET/PREFIX`.
    pub(crate) bucket: String,
    password: String,
    pub(crate) home: tempfile::TempDir,
}

impl Shared {
    /// A fresh database and an empty prefix of the bucket; `None` where there are no servers for them.
    pub(crate) fn new() -> Option<Self> {
        let Some(postgres) = variable("WHARF_TEST_POSTGRES") else {
            skip("several nodes need PostgreSQL: WHARF_TEST_POSTGRES names none");
            return None;
        };
        let Some(url) = variable("WHARF_TEST_S3") else {
            assert!(variable("CI").is_none(), "in CI, WHARF_TEST_S3 must name an S3 endpoint");
            skip("several nodes need a bucket: WHARF_TEST_S3 names none");
            return None;
        };
        let (scheme, rest) = url.split_once("://")?;
        let (login, rest) = rest.split_once('@')?;
        let (id, secret) = login.split_once(':')?;
        let (host, bucket) = rest.split_once('/')?;
        let home = tempfile::tempdir().expect("a temporary folder");
        Some(Self {
            database: fresh_database(&postgres, home.path()),
            endpoint: format!("{scheme}://{host}"),
            login: (id.to_owned(), secret.to_owned()),
            bucket: format!("s3://{bucket}/e2e/{}", random::word()),
            password: random::word() + &random::word(),
            home,
        })
    }

    /// How a node is started that stands on them.
    pub(crate) fn settings(&self) -> Settings {
        let variables = [
            ("WHARF_DATABASE_URL", &self.database),
            ("WHARF_STORAGE_URL", &self.bucket),
            ("WHARF_STORAGE_S3_ENDPOINT", &self.endpoint),
            ("AWS_ACCESS_KEY_ID", &self.login.0),
            ("AWS_SECRET_ACCESS_KEY", &self.login.1),
        ];
        Settings {
            variables: variables.map(|(name, value)| (name, value.clone())).into(),
            password: Some(self.password.clone()),
            ..Settings::default()
        }
    }
}

/// Settings with one more variable.
pub(crate) fn and(mut settings: Settings, name: &'static str, value: impl Into<String>) -> Settings {
    settings.variables.push((name, value.into()));
    settings
}

/// `count` nodes. All have the first one's master key.
fn nodes(shared: &Shared, count: usize) -> Vec<Server> {
    let first = Server::with(shared.settings());
    let key = first.folder.path().join("data/master.key").display().to_string();
    let mut nodes = vec![first];
    nodes.extend((1..count).map(|_| Server::with(and(shared.settings(), "WHARF_ENCRYPTION_MASTER_KEY_FILE", &key))));
    nodes
}

#[test]
fn what_one_node_takes_the_others_have_at_once() {
    let Some(shared) = Shared::new() else { return };
    let nodes = nodes(&shared, 3);
    let [first, second, third] = [0, 1, 2].map(|node: usize| nodes[node].administrator());
    let mut content = Content::new(Algorithm::Sha256);
    content.image();
    let repository = |client| Repository::new(client, "nodes/app");
    for (digest, bytes) in &content.blobs {
        repository(&first).push(digest, bytes);
        repository(&second).has_blob(digest, bytes);
    }
    let document = &content.documents[0];
    repository(&second).put("v1", OCI_MANIFEST, &document.bytes).expect(201);
    let target = repository(&third).at("manifests/v1");
    let answer = third.send("GET", &target, &[("Accept", OCI_MANIFEST)], Payload::Empty).expect(200);
    assert!(answer.body == document.bytes);
    assert_eq!(repository(&first).get("tags/list").json()["tags"][0], "v1");
    first.delete(&target).expect(202);
    for client in [&second, &third] {
        client.send("GET", &target, &[("Accept", OCI_MANIFEST)], Payload::Empty).expect(404);
    }
}

#[test]
fn chunks_of_one_upload_alternate_between_nodes() {
    let Some(shared) = Shared::new() else { return };
    let nodes = nodes(&shared, 2);
    let clients: Vec<Client> = nodes.iter().map(Server::administrator).collect();
    // Larger than a part, smaller than one, and so small that many make one.
    for chunk in [9 * MIB, 3 * MIB, 700_000] {
        let bytes = random::bytes(20 * MIB + 17);
        let digest = Algorithm::Sha256.digest(&bytes);
        let mut upload = Repository::new(&clients[0], "nodes/chunks").open();
        let mut turn = clients.iter().cycle();
        let mut sent = 0;
        for piece in bytes.chunks(chunk) {
            let range = format!("{sent}-{}", sent + piece.len() - 1);
            let client = turn.next().expect("a cycle has no end");
            let headers = [BYTES, ("Content-Range", range.as_str())];
            upload = client.send("PATCH", &upload, &headers, Payload::Sized(piece)).expect(202).location();
            sent += piece.len();
            let other = turn.clone().next().expect("a cycle has no end");
            let state = other.get(&upload).expect(204);
            assert_eq!(state.header("range"), Some(format!("0-{}", sent - 1).as_str()));
        }
        let last = turn.next().expect("a cycle has no end");
        last.send("PUT", &with(&upload, "digest", &digest), &[], Payload::Empty).expect(201);
        for client in &clients {
            Repository::new(client, "nodes/chunks").has_blob(&digest, &bytes);
        }
    }
}

#[test]
fn an_upload_that_ends_under_another_algorithm_is_read_again_wherever_its_parts_lie() {
    let Some(shared) = Shared::new() else { return };
    let node = Server::with(shared.settings());
    let client = node.administrator();
    for size_bytes in [1000, 14 * MIB] {
        let bytes = random::bytes(size_bytes);
        let repository = Repository::new(&client, "nodes/sha512");
        let upload = repository.open();
        let upload = client.send("PATCH", &upload, &[BYTES], Payload::Sized(&bytes)).expect(202).location();
        let digest = Algorithm::Sha512.digest(&bytes);
        client.send("PUT", &with(&upload, "digest", &digest), &[], Payload::Empty).expect(201);
        repository.has_blob(&digest, &bytes);
    }
}

#[test]
fn two_that_end_one_upload_on_two_nodes_never_leave_one_digest_with_the_others_bytes() {
    let Some(shared) = Shared::new() else { return };
    let nodes = nodes(&shared, 2);
    let clients: Vec<Client> = nodes.iter().map(Server::administrator).collect();
    for _ in 0..20 {
        let upload = Repository::new(&clients[0], "nodes/race").open();
        let ends: Vec<(String, u16, Vec<u8>)> = std::thread::scope(|scope| {
            let threads: Vec<_> = clients
                .iter()
                .map(|client| {
                    let upload = &upload;
                    scope.spawn(move || {
                        let bytes = random::bytes(50_000);
                        let digest = Algorithm::Sha256.digest(&bytes);
                        let target = with(upload, "digest", &digest);
                        let status = client.send("PUT", &target, &[BYTES], Payload::Sized(&bytes)).status;
                        (digest, status, bytes)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        });
        for (digest, status, bytes) in &ends {
            if *status == 201 {
                Repository::new(&clients[1], "nodes/race").has_blob(digest, bytes);
            } else {
                let target = format!("/v2/nodes/race/blobs/{digest}");
                assert_eq!(clients[0].get(&target).status, 404, "{status} was said, and it is there");
            }
        }
    }
}
