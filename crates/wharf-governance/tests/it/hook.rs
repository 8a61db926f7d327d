//! Webhooks in: who may tell, what is kept of it, and that it is kept once.

use serde_json::{Value, json};
use wharf_governance::Error;
use wharf_governance::hook::{Proof, Sender, Taken};
use wharf_governance::webhook::SigningSecret;
use wharf_oci::ProjectName;

use crate::fixture::{user, warrant};
use crate::webhook::{Fixture, named};

const ID: &str = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";

fn pay() -> ProjectName {
    "pay".parse().expect("valid")
}

fn push() -> Vec<u8> {
    let body = json!({
        "object_kind": "push", "ref": "refs/heads/main", "after": ID, "checkout_sha": ID,
        "project": { "git_http_url": "https://gitlab.example.com/pay/app.git" },
        "commits": [{ "id": ID, "message": "Fix it", "author": { "name": "Mona" } }],
    });
    body.to_string().into_bytes()
}

async fn add(fixture: &Fixture, name: &str, sender: Sender) -> SigningSecret {
    fixture.governance.put_hook(&user(1), &warrant(), (&named(name), sender)).await.expect("made").1
}

async fn take(fixture: &Fixture, name: &str, proof: &Proof<'_>, body: &[u8]) -> Result<Taken, Error> {
    fixture.governance.take(&user(0), (&pay(), &named(name)), proof, body).await
}

#[tokio::test]
async fn a_push_is_kept_once_and_announced() {
    let fixture = Fixture::open().await;
    let secret = add(&fixture, "gitlab", Sender::GitLab).await.expose();
    let proof = Proof { gitlab_token: Some(&secret), ..Proof::default() };
    assert_eq!(take(&fixture, "gitlab", &proof, &push()).await.expect("taken"), Taken { commits: 1, was_known: false });
    assert_eq!(take(&fixture, "gitlab", &proof, &push()).await.expect("taken"), Taken { commits: 1, was_known: true });
    let commits = fixture.governance.list_commits(&warrant(), Some("6113"), (None, 10)).await.expect("a list");
    let [kept] = &commits[..] else { panic!("one commit: {commits:?}") };
    assert_eq!((kept.commit.source.as_str(), kept.commit.title.as_str()), ("gitlab.example.com/pay/app", "Fix it"));
    assert!(fixture.governance.list_commits(&warrant(), Some("7"), (None, 10)).await.expect("a list").is_empty());
    let jobs = fixture.database.db.list("SELECT payload FROM jobs", &[]).await.expect("read");
    let payloads: Vec<Value> =
        jobs.iter().map(|row| serde_json::from_str(row.text(0).expect("text")).expect("JSON")).collect();
    assert_eq!(payloads.len(), 1, "told once: {payloads:?}");
    assert_eq!((&payloads[0]["event"], &payloads[0]["revision"]), (&json!("commit_received"), &json!(ID)));
}

#[tokio::test]
async fn who_does_not_hold_the_secret_is_told_what_a_stranger_to_the_hook_is_told() {
    let fixture = Fixture::open().await;
    let former = add(&fixture, "gitlab", Sender::GitLab).await.expose();
    let wrong = Proof { gitlab_token: Some("whsec_AAAA"), ..Proof::default() };
    let nowhere = take(&fixture, "nowhere", &wrong, &push()).await.expect_err("refused").to_string();
    let refused = take(&fixture, "gitlab", &wrong, &push()).await.expect_err("refused").to_string();
    assert_eq!(refused.replace("gitlab", ""), nowhere.replace("nowhere", ""));
    let secret = add(&fixture, "gitlab", Sender::GitLab).await.expose();
    for (shown, is_right) in [(&former, false), (&secret, true)] {
        let proof = Proof { gitlab_token: Some(shown), ..Proof::default() };
        assert_eq!(take(&fixture, "gitlab", &proof, &push()).await.is_ok(), is_right, "another secret ends the former");
    }
    fixture.governance.delete_hook(&user(1), &warrant(), &named("gitlab")).await.expect("deleted");
    let proof = Proof { gitlab_token: Some(&secret), ..Proof::default() };
    assert!(take(&fixture, "gitlab", &proof, &push()).await.is_err());
}

#[tokio::test]
async fn what_is_signed_and_malformed_is_told_so_and_not_remembered() {
    let fixture = Fixture::open().await;
    let secret = add(&fixture, "jenkins", Sender::Signed).await;
    let now = fixture.database.db.clock().now().seconds();
    let (timestamp, body) = (now.to_string(), br#"{"source":"https://git.example.com/pay/app","revision":"main"}"#);
    let signature = secret.sign("m1", now, body);
    let proof = Proof { id: Some("m1"), timestamp: Some(&timestamp), signature: Some(&signature), ..Proof::default() };
    let refused = take(&fixture, "jenkins", &proof, body).await;
    assert!(matches!(refused, Err(Error::HookBody { .. })), "{refused:?}");
    let right = format!(r#"{{"source":"https://git.example.com/pay/app","revision":"{ID}","ref":"refs/tags/v1"}}"#);
    let signature = secret.sign("m1", now, right.as_bytes());
    let proof = Proof { signature: Some(&signature), ..proof };
    assert!(!take(&fixture, "jenkins", &proof, right.as_bytes()).await.expect("taken").was_known);
    assert!(take(&fixture, "jenkins", &proof, right.as_bytes()).await.expect("taken").was_known, "an id counts once");
}
