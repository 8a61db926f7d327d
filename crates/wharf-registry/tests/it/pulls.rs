//! Pulls: in the log as its setting says, and when each manifest was last asked for.

use std::time::Duration;

use wharf_context::Timestamp;
use wharf_db::AuditFilter;
use wharf_oci::Digest;
use wharf_registry::{PullLog, Pulled, Registry, Settings};

use crate::fixture::{Fixture, name, owner, settings};

const INTERVAL: Duration = Duration::from_secs(600);

async fn with(pull_log: PullLog) -> Fixture {
    Fixture::with(Settings { pull_log, last_pull_interval: INTERVAL, ..settings() }).await
}

/// Pulls a tag, and writes down what was noted.
async fn pull(fixture: &Fixture, registry: &Registry, digest: &Digest, pulled: Pulled) {
    let tag = "v1".parse().expect("a reference");
    registry.note_pull(&owner(&["p/app"]), &name("p/app"), &tag, (digest, pulled));
    registry.write_pulls().await.expect("written");
    fixture.clock.advance(Duration::from_secs(1));
}

async fn last_pulled(fixture: &Fixture, digest: &Digest) -> Option<Timestamp> {
    let repository = name("p/app");
    let found = fixture.db().transaction(async |tx| Registry::last_pulled(tx, &repository, digest).await).await;
    found.expect("read")
}

/// How many pulls the log has, those included that are counted together.
async fn logged(fixture: &Fixture) -> u64 {
    let filter = AuditFilter { action: Some("manifest.pull".to_owned()), ..AuditFilter::default() };
    let page = fixture.db().audit(&filter, None, 1_000).await.expect("read");
    let count = |details: &str| {
        let details: serde_json::Value = serde_json::from_str(details).expect("JSON");
        details["count"].as_u64().unwrap_or(1)
    };
    page.records.iter().map(|record| count(&record.details)).sum()
}

#[tokio::test]
async fn a_manifest_is_marked_as_pulled_once_in_an_interval() {
    let fixture = with(PullLog::Off).await;
    let digest = fixture.push_image(&owner(&["p/app"]), "p/app", "v1", b"layer").await;
    assert_eq!(last_pulled(&fixture, &digest).await, None);
    let first = wharf_context::Clock::now(&*fixture.clock);
    pull(&fixture, &fixture.registry, &digest, Pulled::Headers).await;
    assert_eq!(last_pulled(&fixture, &digest).await, Some(first));
    // Nor does another node write what this one has written.
    let other = fixture.reopened(Duration::from_secs(60));
    pull(&fixture, &fixture.registry, &digest, Pulled::Manifest).await;
    pull(&fixture, &other, &digest, Pulled::Manifest).await;
    assert_eq!(last_pulled(&fixture, &digest).await, Some(first));
    fixture.clock.advance(INTERVAL);
    let later = wharf_context::Clock::now(&*fixture.clock);
    pull(&fixture, &fixture.registry, &digest, Pulled::Manifest).await;
    assert_eq!(last_pulled(&fixture, &digest).await, Some(later));
    assert_eq!(logged(&fixture).await, 0);
}

#[tokio::test]
async fn what_is_pulled_and_gone_meanwhile_is_nobodys_loss() {
    let fixture = with(PullLog::Off).await;
    let ctx = owner(&["p/app"]);
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    let never = Digest::of(wharf_oci::Algorithm::Sha256, b"nothing");
    pull(&fixture, &fixture.registry, &never, Pulled::Manifest).await;
    assert_eq!(last_pulled(&fixture, &never).await, None);
    pull(&fixture, &fixture.registry, &digest, Pulled::Manifest).await;
    assert!(last_pulled(&fixture, &digest).await.is_some());
    let (app, any) = (name("p/app"), wharf_registry::Precondition::Exists);
    fixture.registry.delete_manifest(&ctx, &app, &digest, &any).await.expect("deleted");
    assert_eq!(last_pulled(&fixture, &digest).await, None);
}

#[tokio::test]
async fn the_log_has_all_pulls_a_share_or_none() {
    for (log, wanted) in [(PullLog::Off, 0), (PullLog::Full, 200), (PullLog::Sampled(0.1), 20)] {
        let fixture = with(log).await;
        let digest = fixture.push_image(&owner(&["p/app"]), "p/app", "v1", b"layer").await;
        let (tag, app) = ("v1".parse().expect("a reference"), name("p/app"));
        for _ in 0..200 {
            fixture.registry.note_pull(&owner(&["p/app"]), &app, &tag, (&digest, Pulled::Manifest));
            fixture.registry.note_pull(&owner(&["p/app"]), &app, &tag, (&digest, Pulled::Headers));
        }
        fixture.registry.write_pulls().await.expect("written");
        assert_eq!(logged(&fixture).await, wanted, "{log:?}");
    }
}
