//! Evidence: the history of a digest, signed by the registry and attached to it.

use std::sync::Arc;

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use wharf_governance::evidence::PREDICATE_TYPE;
use wharf_governance::{BoxFuture, DocumentSigner, Error, Failure};
use wharf_oci::dsse::{self, Envelope, Signature};
use wharf_oci::statement::Statement;
use wharf_registry::ReferrersQuery;
use wharf_trust::PublicKey;

use super::fixture::{Fixture, may_all, name, user, warrant};

#[derive(Debug)]
struct Key(Ed25519KeyPair);

impl DocumentSigner for Key {
    fn sign<'a>(&'a self, payload_type: &'a str, payload: Vec<u8>) -> BoxFuture<'a, Result<Envelope, Failure>> {
        let bytes = self.0.sign(&dsse::signed_bytes(payload_type, &payload)).as_ref().to_vec();
        let signatures = vec![Signature { key_id: "key".to_owned(), bytes }];
        let payload_type = payload_type.to_owned();
        Box::pin(async move { Ok(Envelope { payload_type, payload, signatures }) })
    }
}

#[tokio::test]
async fn evidence_tells_the_whole_history_is_signed_and_is_attached_where_the_digest_stands() {
    let mut fixture = Fixture::open().await;
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
    let public = PublicKey::ed25519(key.public_key().as_ref().try_into().expect("32 bytes"));
    let ladder = r#"{"environments":{"ladder":[{"name":"d"},{"name":"t","sealed":true,"promotion":{"approvals":[{"role":"maintainer"}]}}]}}"#;
    fixture.policy(ladder).await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    let make = async |fixture: &Fixture| {
        fixture.governance.make_evidence(&user("asker"), &warrant(), &name("pay/app"), &digest).await
    };
    assert!(matches!(make(&fixture).await, Err(Error::NotWired { .. })));
    fixture.governance = fixture.governance.with_signer(Arc::new(Key(key)));
    assert_eq!(
        make(&fixture).await.expect("made").repository,
        name("pay/app"),
        "in development as long as that is all"
    );
    fixture.promote(("pay/app", "v1"), "t", &["ada"]).await;
    let made = make(&fixture).await.expect("made");
    assert_eq!(made.repository, name("t/pay/app"));

    let signed = made.envelope.signed_bytes();
    assert!(made.envelope.signatures.iter().any(|signature| public.is_signed(&signed, &signature.bytes)));
    let statement = Statement::parse(&made.envelope.payload).expect("a statement");
    assert!(statement.is_about(&digest) && statement.predicate_type == PREDICATE_TYPE);
    let said = &statement.predicate;
    assert_eq!(
        (&said["pushed"]["by"], &said["promotions"][0]["decisions"][0]["account"]),
        (&"pusher".into(), &"ada".into())
    );
    assert_eq!((&said["placements"][0]["environment"], &said["tags"][0]["tag"]), (&"t".into(), &"v1".into()));

    let ctx = may_all("node", "t/pay/app");
    let page =
        fixture.registry.list_referrers(&ctx, &name("t/pay/app"), &ReferrersQuery::of(digest)).await.expect("a list");
    let types: Vec<_> = page.descriptors.iter().filter_map(|descriptor| descriptor.artifact_type.as_deref()).collect();
    assert_eq!(types, [dsse::MEDIA_TYPE, dsse::MEDIA_TYPE], "the one of before has come along");
    assert!(page.descriptors.iter().any(|descriptor| descriptor.digest == made.manifest));
}
