//! What others signed about an image is believed as far as the policy says, and keeps images where they are.

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use wharf_governance::gate::Outcome;
use wharf_governance::promotion::State;
use wharf_oci::dsse::{Envelope, Signature};
use wharf_oci::{Digest, statement};
use wharf_trust::PublicKey;

use super::fixture::{Fixture, may_all, user, wanted, warrant};
use crate::images::{self, IMAGE, TestImage};

const DSSE: &str = "application/vnd.dsse.envelope.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SLSA: &str = "https://slsa.dev/provenance/v1";
const TEST: &str = "https://in-toto.io/attestation/test-result/v0.1";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Somebody with a key.
struct Builder(Ed25519KeyPair);

impl Builder {
    fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed"))
    }

    fn pem(&self) -> String {
        PublicKey::ed25519(self.0.public_key().as_ref().try_into().expect("32 bytes")).to_pem()
    }

    /// An envelope with a statement about `subject`.
    fn sign(&self, subject: &Digest, (predicate_type, predicate): (&str, Value)) -> Vec<u8> {
        let payload = json!({ "_type": statement::TYPE, "predicateType": predicate_type, "predicate": predicate,
            "subject": [{ "name": "it", "digest": { "sha256": subject.hex() } }] });
        let (payload_type, payload) = (statement::PAYLOAD_TYPE.to_owned(), payload.to_string().into_bytes());
        let mut envelope = Envelope { payload_type, payload, signatures: Vec::new() };
        let bytes = self.0.sign(&envelope.signed_bytes()).as_ref().to_vec();
        envelope.signatures.push(Signature { key_id: "a hint".to_owned(), bytes });
        envelope.render()
    }
}

fn provenance() -> (&'static str, Value) {
    let dependency = json!({ "uri": "git+https://git.example.com/pay/app@main", "digest": { "gitCommit": COMMIT } });
    (SLSA, json!({ "buildDefinition": { "resolvedDependencies": [dependency] } }))
}

fn test(kind: &str, result: &str) -> (&'static str, Value) {
    (TEST, json!({ "kind": kind, "result": result }))
}

/// Attaches a blob to a manifest; `note` makes it another manifest.
async fn attach(fixture: &Fixture, subject: &Digest, (media_type, document): (&str, &[u8]), note: &str) -> Digest {
    attach_to(fixture, (subject, ""), (media_type, document), note).await
}

/// The same under a tag instead of as a referrer, where one is named.
async fn attach_to(
    fixture: &Fixture,
    (subject, tag): (&Digest, &str),
    (media_type, document): (&str, &[u8]),
    note: &str,
) -> Digest {
    let ctx = may_all("pusher", "pay/app");
    let text = std::str::from_utf8(document).expect("text");
    let layer: Value =
        serde_json::from_str(&fixture.blob(&ctx, "pay/app", (media_type, text)).await).expect("a descriptor");
    let config = fixture.blob(&ctx, "pay/app", ("application/vnd.oci.empty.v1+json", "{}")).await;
    let config: Value = serde_json::from_str(&config).expect("a descriptor");
    let mut manifest = json!({ "schemaVersion": 2, "mediaType": IMAGE, "artifactType": media_type, "config": config,
        "layers": [layer], "annotations": { "note": note } });
    if tag.is_empty() {
        manifest["subject"] = json!({ "mediaType": IMAGE, "digest": subject.to_string(), "size": 1 });
    }
    let digest = images::sha256(manifest.to_string().as_bytes());
    let reference = if tag.is_empty() { digest.to_string() } else { tag.to_owned() };
    fixture.put(&ctx, "pay/app", (&reference, IMAGE), manifest.to_string()).await
}

/// A policy that believes signers, each with a key and kinds, and whose way to `t` has these gates.
fn policy(signers: &[(&str, &Builder, Value)], gates: &Value) -> String {
    let signers: serde_json::Map<String, Value> = signers
        .iter()
        .map(|(name, builder, kinds)| {
            let mut signer = json!({ "key": builder.pem() });
            signer.as_object_mut().expect("an object").extend(kinds.as_object().expect("an object").clone());
            ((*name).to_owned(), signer)
        })
        .collect();
    json!({ "attestations": { "signers": signers, "kinds": { "pentest": "https://bank.example.com/pentest/v1" } },
        "environments": { "ladder": [{ "name": "d" },
            { "name": "t", "promotion": { "gates": gates, "approvals": [{ "role": "maintainer" }] } }] } })
    .to_string()
}

/// What a gate says on the way to `t`.
async fn says(fixture: &Fixture, gate: &str, reference: &str) -> (Outcome, String) {
    let found = fixture.governance.eligibility(&warrant(), &wanted(("pay/app", reference), "t")).await.expect("asked");
    let result = found.gates.into_iter().find(|result| result.gate == gate).expect("the gate was asked");
    assert!(result.outcome == Outcome::Pass || !result.fix.is_empty(), "{result:?}");
    (result.outcome, result.reason)
}

#[tokio::test]
async fn provenance_is_believed_from_whom_the_policy_names_else_from_labels_and_the_answer_says_which() {
    let (fixture, ci, stranger) = (Fixture::open().await, Builder::new(1), Builder::new(2));
    let signers = [("ci", &ci, json!({ "kinds": ["provenance"] }))];
    let gates =
        |signed: bool| json!([{ "name": "provenance", "signed": signed, "sources": ["git.example.com/pay/*"] }]);
    fixture.policy(&policy(&signers, &gates(false))).await;
    let labels = format!(
        r#"{{"org.opencontainers.image.source":"https://git.example.com/pay/app.git","org.opencontainers.image.revision":"{COMMIT}"}}"#
    );
    let labelled = fixture.push_as("pusher", ("pay/app", "labelled"), ("one", &labels)).await;
    fixture.push("pay/app", "bare", "two").await;
    let (outcome, reason) = says(&fixture, "provenance", "labelled").await;
    assert!(outcome == Outcome::Pass && reason.contains("labels, which nobody signed"), "{reason}");
    assert_eq!(says(&fixture, "provenance", "bare").await.0, Outcome::Fail);

    fixture.policy(&policy(&signers, &gates(true))).await;
    let (outcome, reason) = says(&fixture, "provenance", "labelled").await;
    assert!(outcome == Outcome::Fail && reason.contains("no attestation of kind `provenance`"), "{reason}");
    attach(&fixture, &labelled, (DSSE, &stranger.sign(&labelled, provenance())), "").await;
    let (outcome, reason) = says(&fixture, "provenance", "labelled").await;
    assert!(outcome == Outcome::Fail && reason.contains("no signer of the policy vouches for it"), "{reason}");
    attach(&fixture, &labelled, (DSSE, &ci.sign(&labelled, provenance())), "").await;
    let (outcome, reason) = says(&fixture, "provenance", "labelled").await;
    assert!(outcome == Outcome::Pass && reason.contains("signed by ci") && reason.contains(COMMIT), "{reason}");
}

#[tokio::test]
async fn provenance_of_another_repository_or_another_image_does_not_count() {
    let (fixture, ci) = (Fixture::open().await, Builder::new(1));
    let signers = [("ci", &ci, json!({ "kinds": ["provenance"], "repositories": ["pay/app"] }))];
    let gates = json!([{ "name": "provenance", "signed": true, "sources": ["git.example.com/web/*"] }]);
    fixture.policy(&policy(&signers, &gates)).await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    let other = fixture.push("pay/app", "v2", "two").await;
    attach(&fixture, &digest, (DSSE, &ci.sign(&digest, provenance())), "").await;
    let (outcome, reason) = says(&fixture, "provenance", "v1").await;
    assert!(outcome == Outcome::Fail && reason.contains("`git.example.com/pay/app`, which is not allowed"), "{reason}");
    // Attached to the second, but about the first.
    attach(&fixture, &other, (DSSE, &ci.sign(&digest, provenance())), "").await;
    assert_eq!(says(&fixture, "provenance", "v2").await.0, Outcome::Fail);
}

#[tokio::test]
async fn tests_are_asked_for_by_kind_and_the_latest_result_counts() {
    let (fixture, ci, lab) = (Fixture::open().await, Builder::new(1), Builder::new(2));
    let signers = [("ci", &ci, json!({ "kinds": ["unit"] })), ("lab", &lab, json!({ "kinds": ["load", "pentest"] }))];
    let gates = json!([{ "name": "tests", "kinds": ["unit", "load", "pentest"] }]);
    fixture.policy(&policy(&signers, &gates)).await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    assert_eq!(asked.state, State::Blocked);
    let add = async |builder: &Builder, what: (&str, Value), note: &str| {
        fixture.wait(1);
        attach(&fixture, &digest, (DSSE, &builder.sign(&digest, what)), note).await;
        says(&fixture, "tests", "v1").await
    };
    add(&ci, test("unit", "PASSED"), "").await;
    let own = ("https://bank.example.com/pentest/v1", json!({ "result": "WARNED" }));
    add(&lab, own, "").await;
    // Of this kind `ci` is not believed.
    let (outcome, reason) = add(&ci, test("load", "PASSED"), "").await;
    assert!(outcome == Outcome::Fail && reason.contains("of kind `load`") && !reason.contains("unit"), "{reason}");
    assert_eq!(add(&lab, test("load", "PASSED"), "").await.0, Outcome::Pass);
    let (outcome, reason) = add(&lab, test("load", "FAILED"), "").await;
    assert!(outcome == Outcome::Fail && reason.contains("`load` failed, says lab"), "{reason}");
    // The result of before does not become the latest by being attached once more.
    assert_eq!(add(&lab, test("load", "PASSED"), "once more").await.0, Outcome::Fail);
    let again = (TEST, json!({ "kind": "load", "result": "PASSED", "run": 2 }));
    let (outcome, reason) = add(&lab, again, "").await;
    assert!(outcome == Outcome::Pass && reason.contains("`pentest` with warnings by lab"), "{reason}");
    let checked = fixture.governance.check_promotion(&user("asker"), &warrant(), &asked.id).await.expect("checked");
    assert_eq!(checked.state, State::Awaiting);
    // What comes between request and approval counts, too.
    attach(&fixture, &digest, (DSSE, &lab.sign(&digest, test("pentest", "FAILED"))), "").await;
    fixture.wait(1);
    attach(&fixture, &digest, (DSSE, &lab.sign(&digest, test("load", "FAILED"))), "last").await;
    let void = fixture.approve("ada", &checked).await.expect_err("void").to_string();
    assert!(void.contains("blocked"), "{void}");
}

#[tokio::test]
async fn bundles_and_the_tag_of_cosign_are_read_and_what_is_broken_is_told() {
    let (fixture, lab) = (Fixture::open().await, Builder::new(2));
    let signers = [("lab", &lab, json!({ "kinds": ["unit", "load"] }))];
    fixture.policy(&policy(&signers, &json!([{ "name": "tests", "kinds": ["unit", "load"] }]))).await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    attach(&fixture, &digest, (DSSE, br#"{"payload":"e30=","payload":"e30="}"#), "").await;
    attach(&fixture, &digest, (DSSE, "x".repeat(1024 * 1024 + 1).as_bytes()), "").await;
    assert_eq!(says(&fixture, "tests", "v1").await.0, Outcome::Fail);
    let envelope: Value = serde_json::from_slice(&lab.sign(&digest, test("unit", "PASSED"))).expect("JSON");
    let bundle = json!({ "mediaType": BUNDLE, "verificationMaterial": {}, "dsseEnvelope": envelope });
    attach(&fixture, &digest, (BUNDLE, bundle.to_string().as_bytes()), "").await;
    let tag = format!("sha256-{}.att", digest.hex());
    attach_to(&fixture, (&digest, &tag), (DSSE, &lab.sign(&digest, test("load", "PASSED"))), "").await;
    let (outcome, reason) = says(&fixture, "tests", "v1").await;
    assert_eq!(outcome, Outcome::Pass, "{reason}");
}

#[tokio::test]
async fn each_image_of_an_index_needs_it_or_the_index_has_it() {
    let (fixture, ci) = (Fixture::open().await, Builder::new(1));
    let signers = [("ci", &ci, json!({ "kinds": ["unit"] }))];
    fixture.policy(&policy(&signers, &json!([{ "name": "tests", "kinds": ["unit"] }]))).await;
    let (first, second) = (TestImage::of(&["one"]), TestImage::of(&["two"]));
    let digests = [
        images::push(&fixture.registry, ("pay/app", 1), "", &first).await,
        images::push(&fixture.registry, ("pay/app", 1), "", &second).await,
    ];
    let index = images::index(&[&first, &second]);
    let root = images::push_manifest(&fixture.registry, ("pay/app", 1), "v1", index).await;
    attach(&fixture, &digests[0], (DSSE, &ci.sign(&digests[0], test("unit", "PASSED"))), "").await;
    let (outcome, reason) = says(&fixture, "tests", "v1").await;
    assert!(outcome == Outcome::Fail && reason.contains(&digests[1].to_string()), "{reason}");
    attach(&fixture, &root, (DSSE, &ci.sign(&root, test("unit", "PASSED"))), "").await;
    assert_eq!(says(&fixture, "tests", "v1").await.0, Outcome::Pass);
}

#[tokio::test]
async fn a_key_counts_in_its_days_and_a_policy_without_it_believes_nothing() {
    let (fixture, ci) = (Fixture::open().await, Builder::new(1));
    let gates = json!([{ "name": "tests", "kinds": ["unit"] }]);
    let with = |days: Value| {
        let mut signer = json!({ "kinds": ["unit"] });
        signer.as_object_mut().expect("an object").extend(days.as_object().expect("an object").clone());
        policy(&[("ci", &ci, signer)], &gates)
    };
    fixture.policy(&with(json!({}))).await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    attach(&fixture, &digest, (DSSE, &ci.sign(&digest, test("unit", "PASSED"))), "").await;
    assert_eq!(says(&fixture, "tests", "v1").await.0, Outcome::Pass);
    fixture.policy(&with(json!({ "until": "2001-01-01" }))).await;
    assert_eq!(says(&fixture, "tests", "v1").await.0, Outcome::Fail);
    fixture.policy(&with(json!({ "from": "2001-01-01" }))).await;
    assert_eq!(says(&fixture, "tests", "v1").await.0, Outcome::Pass);
    fixture.policy(&policy(&[], &gates)).await;
    assert_eq!(says(&fixture, "tests", "v1").await.0, Outcome::Fail);
}

#[tokio::test]
async fn it_travels_along_and_is_asked_for_in_the_next_environment() {
    let (fixture, ci) = (Fixture::open().await, Builder::new(1));
    let signer = json!({ "kinds": ["unit"] });
    let whole = policy(&[("ci", &ci, signer)], &json!([]));
    let mut whole: Value = serde_json::from_str(&whole).expect("a policy");
    let gates = json!([{ "name": "tests", "kinds": ["unit"] }]);
    let next = json!({ "name": "s1", "promotion": { "gates": gates, "approvals": [{ "role": "maintainer" }] } });
    whole["environments"]["ladder"].as_array_mut().expect("a list").push(next);
    fixture.policy(&whole.to_string()).await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    attach(&fixture, &digest, (DSSE, &ci.sign(&digest, test("unit", "PASSED"))), "").await;
    fixture.promote(("pay/app", "v1"), "t", &["ada"]).await;
    fixture.promote(("pay/app", "v1"), "s1", &["ada"]).await;
}
