//! Gates keep something where it is, say why and what to do, and let it through by an exception.

use wharf_context::Timestamp;
use wharf_governance::gate::Outcome;
use wharf_governance::promotion::State;
use wharf_governance::{Error, NewException};

use super::fixture::{Fixture, user, wanted, warrant};

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
    assert!(outcomes.contains(&("labels", Outcome::Fail)) && found.gates.iter().all(|gate| !gate.fix.is_empty()));
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
