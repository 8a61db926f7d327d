//! Gates keep something where it is, say why and what to do, and let it through by an exception.

use wharf_context::Timestamp;
use wharf_governance::gate::Outcome;
use wharf_governance::hold::{HoldKind, NewHold};
use wharf_governance::promotion::State;
use wharf_governance::{Error, NewException};

use super::fixture::{Fixture, user, wanted, warrant};
use crate::images::{self, TestImage};

fn policy(gates: &str) -> String {
    format!(
        r#"{{"environments":{{"ladder":[{{"name":"d"}},{{"name":"t","promotion":{{"gates":{gates},"approvals":[{{"role":"maintainer"}}]}}}}]}}}}"#
    )
}

#[tokio::test]
async fn a_gate_that_says_no_blocks_until_it_says_yes() {
    let fixture = Fixture::open().await;
    fixture
        .policy(&policy(r#"[{"name":"soak","at_least":"2h"},{"name":"labels","mode":"warn","required":["commit"]}]"#))
        .await;
    fixture.push("pay/app", "v1", "one").await;
    let found = fixture.governance.eligibility(&warrant(), &wanted(("pay/app", "v1"), "t")).await.expect("asked");
    let outcomes: Vec<_> = found.gates.iter().map(|gate| (gate.gate.as_str(), gate.outcome)).collect();
    assert!(!found.is_eligible && outcomes.contains(&("soak", Outcome::Fail)), "{found:?}");
    assert!(outcomes.contains(&("labels", Outcome::Fail)));
    assert!(found.gates.iter().all(|gate| gate.outcome == Outcome::Pass || !gate.fix.is_empty()), "{found:?}");
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    assert_eq!(asked.state, State::Blocked);
    assert!(matches!(fixture.approve("ada", &asked).await, Err(Error::PromotionState { .. })));
    fixture.wait(3);
    let checked = fixture.governance.check_promotion(&user("asker"), &warrant(), &asked.id).await.expect("checked");
    assert_eq!(checked.state, State::Awaiting);
    assert_eq!(fixture.approve("ada", &asked).await.expect("approved").state, State::Done);
}

#[tokio::test]
async fn an_exception_lets_through_what_it_names_as_long_as_it_lasts() {
    let fixture = Fixture::open().await;
    fixture.policy(&policy(r#"[{"name":"size","at_most":"1B"},{"name":"labels","required":["team"]}]"#)).await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    let now = fixture.db().clock().now();
    let grant = async |gate: &str, until: Timestamp| {
        let new = NewException {
            gate: gate.to_owned(),
            repository: Some("pay/app".parse().expect("valid")),
            digest: Some(digest),
            environment: None,
            reason: "the vendor's driver".to_owned(),
            owner: "team pay".to_owned(),
            until,
        };
        fixture.governance.grant_exception(&user("olga"), &warrant(), &new).await
    };
    assert!(matches!(grant("size", now).await, Err(Error::EndPast)));
    assert!(matches!(grant("luck", now).await, Err(Error::GateUnknown { .. })));
    let granted = grant("size", now.plus(std::time::Duration::from_secs(3_600))).await.expect("granted");
    let found =
        async || fixture.governance.eligibility(&warrant(), &wanted(("pay/app", "v1"), "t")).await.expect("asked");
    let with = found().await;
    assert!(with.is_eligible && with.gates.iter().any(|gate| gate.outcome == Outcome::Excepted), "{with:?}");
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    fixture.governance.revoke_exception(&user("olga"), &warrant(), granted.id).await.expect("revoked");
    let void = fixture.approve("ada", &asked).await;
    assert!(matches!(void, Err(Error::ApprovalVoid { state: State::Blocked, .. })), "{void:?}");
    assert!(!found().await.is_eligible);
    grant("size", now.plus(std::time::Duration::from_secs(3_600))).await.expect("granted");
    assert!(found().await.is_eligible);
    fixture.wait(2);
    assert!(!found().await.is_eligible);
}

/// What a gate says about an image of `pay/app` on its way to `t`.
async fn says(fixture: &Fixture, gate: &str, tag: &str) -> (Outcome, String) {
    let found = fixture.governance.eligibility(&warrant(), &wanted(("pay/app", tag), "t")).await.expect("asked");
    let result = found.gates.into_iter().find(|result| result.gate == gate).expect("it is asked");
    (result.outcome, result.reason)
}

/// A policy whose way to `t` has one gate, with another section.
async fn demand(fixture: &Fixture, gate: &str, (section, document): (&str, serde_json::Value)) {
    let mut whole: serde_json::Value =
        serde_json::from_str(&policy(&format!(r#"[{{"name":"{gate}"}}]"#))).expect("a policy");
    whole[section] = document;
    fixture.policy(&whole.to_string()).await;
}

#[tokio::test]
async fn what_stands_on_another_base_than_is_allowed_stays_where_it_is() {
    let fixture = Fixture::open().await;
    let lineage = serde_json::json!({ "kinds": [{ "name": "osbase", "repositories": ["pay/os"] }],
        "environments": { "t": { "roots": ["osbase"] } } });
    demand(&fixture, "lineage", ("lineage", lineage)).await;
    let images = [
        ("pay/os", "1", TestImage::of(&["os"])),
        ("pay/app", "good", TestImage::of(&["os", "app"])),
        ("pay/app", "alone", TestImage::of(&["something else"])),
    ];
    for (repository, tag, image) in &images {
        let digest = images::push(&fixture.registry, (repository, 1), tag, image).await;
        if *repository == "pay/app" {
            assert_eq!(says(&fixture, "lineage", tag).await.0, Outcome::Pending, "its layers were not read");
        }
        fixture.governance.see_manifest(&images::name(repository), &digest).await.expect("looked at");
    }
    assert_eq!(says(&fixture, "lineage", "good").await.0, Outcome::Pass);
    let (outcome, reason) = says(&fixture, "lineage", "alone").await;
    assert!(outcome == Outcome::Fail && reason.contains("must stand on one of: osbase"), "{reason}");
    let (outcome, reason) = {
        fixture.push("pay/app", "liar", "os").await;
        let digest = fixture.pull("pay/app", "liar").await.expect("pushed");
        fixture.governance.see_manifest(&images::name("pay/app"), &digest).await.expect("looked at");
        says(&fixture, "lineage", "liar").await
    };
    assert!(outcome == Outcome::Fail && reason.contains("does not say the truth"), "{reason}");
}

#[tokio::test]
async fn what_does_not_keep_the_standards_stays_where_it_is() {
    let fixture = Fixture::open().await;
    let standards = serde_json::json!({ "service": { "repositories": ["pay/app"], "labels": ["team"] } });
    demand(&fixture, "standard", ("standards", standards)).await;
    // An archive of nothing: two blocks of zeros.
    let empty = TestImage { layers: vec![vec![0; 1024]], ..TestImage::default() };
    let labelled = TestImage { runtime: Some(serde_json::json!({ "Labels": { "team": "pay" } })), ..empty.clone() };
    for (tag, image, expected) in [("bare", &empty, Outcome::Fail), ("good", &labelled, Outcome::Pass)] {
        let digest = images::push(&fixture.registry, ("pay/app", 1), tag, image).await;
        fixture.governance.see_manifest(&images::name("pay/app"), &digest).await.expect("looked at");
        assert_eq!(says(&fixture, "standard", tag).await.0, Outcome::Pending, "it was not compared");
        fixture.governance.check_manifest(&images::name("pay/app"), &digest).await.expect("compared");
        let (outcome, reason) = says(&fixture, "standard", tag).await;
        assert_eq!(outcome, expected, "{reason}");
        assert!(outcome == Outcome::Pass || reason.contains("label `team`"), "{reason}");
    }
}

#[tokio::test]
async fn a_tag_that_the_rules_do_not_take_does_not_go_along() {
    let fixture = Fixture::open().await;
    let ladder = policy(r#"[{"name":"tag"}]"#);
    let rules = r#""tags":{"rules":[{"repositories":["pay/*"],"accept":["semver"],"latest":"forbid"}]}"#;
    let found = async |tag: &str| {
        fixture.governance.eligibility(&warrant(), &wanted(("pay/app", tag), "t")).await.expect("asked")
    };
    // Pushed before there were rules.
    fixture.push("pay/app", "latest", "one").await;
    fixture.push("pay/app", "1.2.0", "two").await;
    fixture.policy(&format!("{},{rules}}}", ladder.strip_suffix('}').expect("a document"))).await;
    assert!(found("1.2.0").await.is_eligible);
    let latest = found("latest").await;
    assert!(!latest.is_eligible && latest.gates.iter().any(|gate| gate.reason.contains("latest")), "{latest:?}");
}

#[tokio::test]
async fn a_hold_voids_what_is_open_and_blocks_what_comes() {
    let fixture = Fixture::open().await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    let hold = NewHold {
        kind: HoldKind::Quarantine,
        repository: "pay/app".parse().expect("valid"),
        reference: Some(digest.to_string().parse().expect("valid")),
        reason: "it is suspected".to_owned(),
        until: None,
    };
    fixture.governance.set_hold(&user("olga"), &warrant(), &hold).await.expect("set");
    assert_eq!(fixture.get(&asked).await.state, State::Invalidated);
    let blocked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    assert_eq!(blocked.state, State::Blocked);
    let held = blocked.gates.iter().find(|gate| gate.gate == "hold").expect("it was asked");
    assert!(held.is_blocking() && !held.fix.is_empty(), "{held:?}");
}
