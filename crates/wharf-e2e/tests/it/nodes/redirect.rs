//! Downloads from the bucket itself.

use super::{Shared, and, nodes};
use crate::command::{Program, has};
use crate::http::Payload;
use crate::image::Algorithm;
use crate::layout::{self, TAG};
use crate::random;
use crate::server::{ADMINISTRATOR, Server, Settings};
use crate::specification::Repository;

fn redirecting(shared: &Shared) -> Settings {
    and(shared.settings(), "WHARF_STORAGE_REDIRECT", "true")
}

#[test]
fn clients_are_sent_to_the_bucket_for_bytes_and_nobody_else_learns_where() {
    let Some(shared) = Shared::new() else { return };
    let node = Server::with(and(redirecting(&shared), "WHARF_STORAGE_REDIRECT_MIN_SIZE", "1000"));
    let client = node.administrator();
    let bytes = random::bytes(5000);
    let digest = Algorithm::Sha256.digest(&bytes);
    let target = format!("/v2/redirect/app/blobs/{digest}");
    let repository = Repository::new(&client, "redirect/app");
    let upload = repository.open();
    let end = crate::specification::with(&upload, "digest", &digest);
    client.send("PUT", &end, &[], Payload::Sized(&bytes)).expect(201);

    let answer = client.get(&target).expect(307);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let url = answer.header("location").expect("a Location").to_owned();
    assert!(url.starts_with(&shared.endpoint), "{url}");
    let home = node.subfolder("curl");
    let sent = Program::new("curl", &home).args(["--silent", "--fail", "--output", "blob", url.as_str()]).output();
    assert!(sent.status.success());
    assert!(std::fs::read(home.join("blob")).expect("curl wrote it") == bytes);
    assert_eq!(client.head(&target).expect(200).header("content-length"), Some("5000"));
    // Who may not read it is not sent there.
    node.anonymous().get(&target).expect(401);
    assert!(!node.log().contains("X-Amz-Signature"), "a URL that opens a blob stands in the log");

    let (small, bytes) = (Algorithm::Sha256.digest(b"small"), b"small");
    repository.push(&small, bytes);
    repository.has_blob(&small, bytes);
}

#[test]
fn clients_from_elsewhere_get_bytes_from_the_node() {
    let Some(shared) = Shared::new() else { return };
    let node = Server::with(and(redirecting(&shared), "WHARF_STORAGE_REDIRECT_NETWORKS", "192.0.2.0/24"));
    let client = node.administrator();
    let (digest, bytes) = (Algorithm::Sha256.digest(b"near"), b"near");
    Repository::new(&client, "redirect/near").push(&digest, bytes);
    Repository::new(&client, "redirect/near").has_blob(&digest, bytes);
}

#[test]
fn skopeo_and_crane_follow_to_the_bucket() {
    if !has(&["skopeo", "crane"]) {
        return;
    }
    let Some(shared) = Shared::new() else { return };
    let pusher = &nodes(&shared, 1)[0];
    let key = pusher.folder.path().join("data/master.key").display().to_string();
    let node = Server::with(and(redirecting(&shared), "WHARF_ENCRYPTION_MASTER_KEY_FILE", key));
    let layout = layout::image(&node.subfolder("layout"));
    let (login, home) = (format!("{ADMINISTRATOR}:{}", node.password), node.subfolder("home"));
    let copy = |from: &str, to: &str, side: &str| {
        let creds = format!("--{side}-creds={login}");
        let tls = format!("--{side}-tls-verify=false");
        Program::new("skopeo", &home).args(["--insecure-policy", "copy", &creds, &tls, from, to]).run();
    };
    copy(
        &format!("oci:{}:{TAG}", layout.path.display()),
        &format!("docker://{}/redirect/image:1", pusher.address),
        "dest",
    );
    copy(&format!("docker://{}/redirect/image:1", node.address), &format!("dir:{}", home.join("out").display()), "src");
    Program::new("crane", &home)
        .args(["auth", "login", &node.address, "-u", ADMINISTRATOR, "-p", &node.password])
        .run();
    let image = format!("{}/redirect/image:1", node.address);
    Program::new("crane", &home).args(["pull", "--insecure", &image, "image.tar"]).run();
    assert!(home.join("image.tar").is_file());
    let redirects = node.log().lines().filter(|line| line.contains("307")).count();
    assert!(redirects > 0, "nobody was sent to the bucket:\n{}", node.log());
}
