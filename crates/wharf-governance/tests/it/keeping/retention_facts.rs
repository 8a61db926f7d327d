//! Retention by what happened to images: where they stood, what stands on them, when they were pulled.

use std::time::Duration;

use wharf_context::Clock as _;
use wharf_governance::promotion::{Asked, NewPromotion, TagChoice};
use wharf_governance::retention::run::Outcome;
use wharf_governance::retention::{ItemsQuery, NewRun, RunState};
use wharf_governance::{Happened, RunningReport};
use wharf_oci::Digest;
use wharf_registry::pull::Pulled;

use super::fixture::{DAY, Fixture, name, user, warrant};
use crate::fixture::warrant_for;

const APP: &str = "pay/app";
const OPEN: &str = r#""environments":{"ladder":[{"name":"d"},{"name":"t","promotion":{"approvals":[]}}]}"#;

async fn promote(fixture: &Fixture, tag: &str) {
    let what = Asked::Image { repository: name(APP), reference: tag.parse().expect("valid"), tags: TagChoice::Named };
    let new = NewPromotion { what, to: "t".parse().expect("valid"), reason: String::new() };
    let promotion = fixture.governance.request_promotion(&user(1), &warrant(), &new).await.expect("promoted");
    assert_eq!(promotion.state.name(), "done");
}

async fn why(fixture: &Fixture, repository: &str, tag: &str) -> String {
    let tag = tag.parse().expect("a tag");
    fixture.governance.explain_retention(&warrant(), &name(repository), &tag).await.expect("explained").because
}

#[tokio::test]
async fn what_was_superseded_in_an_environment_goes_from_there_with_its_last_tag() {
    let fixture = Fixture::open().await;
    let old = r#"{"name":"old","action":"delete","superseded_in":["t"],"superseded_for":"2d"}"#;
    fixture.policy(&format!(r#"{{{OPEN},"retention":{{"rules":[{old},{{"name":"all","action":"delete"}}]}}}}"#)).await;
    let mut digests: Vec<Digest> = Vec::new();
    for tag in ["v1", "v2", "v3", "v4"] {
        digests.push(fixture.push(APP, Some(tag), tag).await.expect("pushed"));
        promote(&fixture, tag).await;
        fixture.clock.advance(DAY);
    }
    fixture.push(APP, Some("also-v1"), "v1").await.expect("pushed");
    assert_eq!(
        why(&fixture, APP, "v2").await,
        "it lies in environment `t`, and no rule for what left that is about it"
    );
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(why(&fixture, APP, "v3").await, "a rollback of environment `t` brings it back");
    assert_eq!(why(&fixture, APP, "v4").await, "it stands in environment `t`");
    let run = fixture.retention(NewRun::Run).await;
    assert_eq!((run.counts.done, run.counts.left), (3, 0));
    assert_eq!(fixture.tags(APP).await, ["v3", "v4"]);
    assert_eq!(fixture.tags("t/pay/app").await, ["v3", "v4"], "what left went from the environment, too");
}

#[tokio::test]
async fn a_base_stays_while_anything_on_it_must() {
    let fixture = Fixture::open().await;
    let base = fixture.push("pay/base", Some("1"), "os").await.expect("pushed");
    let runtime = fixture.push("pay/runtime", Some("1"), "os/runtime").await.expect("pushed");
    let app = fixture.push(APP, Some("v1"), "os/runtime/app").await.expect("pushed");
    for (repository, digest) in [(APP, &app), ("pay/base", &base), ("pay/runtime", &runtime)] {
        fixture.governance.see_manifest(&name(repository), digest).await.expect("seen");
    }
    fixture.policy(r#"{"retention":{"rules":[{"name":"all","action":"delete","repositories":["pay/base"]}]}}"#).await;
    assert_eq!(why(&fixture, "pay/base", "1").await, "rule `all`");
    let now = fixture.clock.now();
    let report = |what| RunningReport {
        digest: app,
        repository: None,
        host: "node1".to_owned(),
        container: "one".to_owned(),
        what,
    };
    let elsewhere = warrant_for(2, "shop");
    let running = [report(Happened::Started(now))];
    fixture.governance.report_running(&user(1), &elsewhere, &running).await.expect("reported");
    assert_eq!(why(&fixture, "pay/base", "1").await, format!("it is the base of `{app}`, which runs on `node1`"));
    let run = fixture.retention(NewRun::Run).await;
    assert_eq!((run.counts.delete, fixture.tags("pay/base").await.len()), (0, 1));
    let stopped = [report(Happened::Stopped(now.plus(DAY)))];
    fixture.governance.report_running(&user(1), &elsewhere, &stopped).await.expect("reported");
    assert_eq!(fixture.retention(NewRun::Run).await.counts.done, 1);
}

#[tokio::test]
async fn a_base_stays_when_what_stands_on_it_is_promoted_after_the_verdict() {
    let fixture = Fixture::open().await;
    let base = fixture.push("pay/base", Some("1"), "os").await.expect("pushed");
    let app = fixture.push(APP, Some("v1"), "os/app").await.expect("pushed");
    for (repository, digest) in [(APP, &app), ("pay/base", &base)] {
        fixture.governance.see_manifest(&name(repository), digest).await.expect("seen");
    }
    let rules = r#""retention":{"rules":[{"name":"all","action":"delete","repositories":["pay/base"]}]}"#;
    fixture.policy(&format!("{{{OPEN},{rules}}}")).await;
    let run = fixture.governance.start_retention(&user(1), &warrant(), NewRun::Run).await.expect("begun");
    fixture.work_on_verdicts(async || fixture.run_of(run.id).await.state == RunState::Executing).await;
    // Lineage has not looked at the environment yet.
    promote(&fixture, "v1").await;
    fixture.work(async || fixture.run_of(run.id).await.ended_at.is_some()).await;
    let run = fixture.run_of(run.id).await;
    assert_eq!((run.counts.done, run.counts.left), (0, 1));
    assert_eq!(
        why(&fixture, "pay/base", "1").await,
        format!("it is the base of `{app}`, which stands in environment `t`")
    );
}

#[tokio::test]
async fn what_is_pulled_after_the_verdict_is_left() {
    let fixture = Fixture::open().await;
    let digest = fixture.push(APP, Some("v1"), "one").await.expect("pushed");
    fixture.policy(r#"{"retention":{"rules":[{"name":"idle","action":"delete","not_pulled_for":"1d"}]}}"#).await;
    fixture.clock.advance(DAY * 2);
    let run = fixture.governance.start_retention(&user(1), &warrant(), NewRun::Run).await.expect("begun");
    fixture.work_on_verdicts(async || fixture.run_of(run.id).await.state == RunState::Executing).await;
    let reference = "v1".parse().expect("valid");
    fixture.registry.note_pull(&user(1), &name(APP), &reference, (&digest, Pulled::Headers));
    fixture.registry.write_pulls().await.expect("written");
    fixture.work(async || fixture.run_of(run.id).await.ended_at.is_some()).await;
    let (items, _) =
        fixture.governance.list_retention_items(&warrant(), run.id, ItemsQuery::default()).await.expect("listed");
    let left = Outcome::Left("it was pulled, promoted or replaced since it was judged".to_owned());
    assert_eq!(items[0].outcome, Some(left));
}
