//! Approvals, cancellations, executions and changes of the policy at the same time: one outcome, and never half of one.

use std::sync::Arc;

use futures_util::future::join_all;
use wharf_governance::promotion::{NewDecision, State};
use wharf_governance::{PageRequest, Policy};

use super::fixture::{Fixture, user, warrant};

const TWO: &str = r#"{"environments":{"ladder":[{"name":"d"},{"name":"t","promotion":{"approvals":[{"role":"maintainer","count":2}]}}]}}"#;

/// What others do meanwhile: take it back, change the policy, or execute it.
async fn disturb(fixture: &Fixture, id: &str, round: usize) {
    let governance = &fixture.governance;
    match round % 3 {
        0 => drop(governance.cancel_promotion(&user("asker"), &warrant(), id).await),
        1 => {
            let document = TWO.replace("maintainer", if round.is_multiple_of(2) { "developer" } else { "owner" });
            let policy: Policy = serde_json::from_str(&document).expect("a policy");
            drop(governance.put_policy(&user("editor"), &warrant(), &policy, None).await);
        }
        _ => drop(governance.execute_promotion(&user("olga"), &warrant(), id, None).await),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_that_happens_at_once_one_thing_wins() {
    let fixture = Arc::new(Fixture::open().await);
    fixture.policy(TWO).await;
    let t = "t".parse().expect("valid");
    let (mut done, mut other) = (0, 0);
    for round in 0..12 {
        let tag = format!("v{round}");
        let digest = fixture.push("pay/app", &tag, &tag).await;
        let asked = fixture.ask("asker", ("pay/app", &tag), "t").await.expect("asked for");
        let approvals = ["ada", "bob", "eve", "ada"].map(|account| {
            let (fixture, asked) = (Arc::clone(&fixture), asked.clone());
            tokio::spawn(async move {
                let decision = NewDecision { digest: asked.digest, comment: String::new(), expected: None };
                drop(fixture.governance.approve_promotion(&user(account), &warrant(), &asked.id, &decision).await);
            })
        });
        let disturbance = {
            let (fixture, id) = (Arc::clone(&fixture), asked.id.clone());
            tokio::spawn(async move { disturb(&fixture, &id, round).await })
        };
        join_all(approvals.into_iter().chain([disturbance])).await;
        let ended = fixture.get(&asked).await;
        let stands = fixture.pull("t/pay/app", &tag).await;
        let placed =
            fixture.governance.inventory(&warrant(), (&t, None), &PageRequest::default()).await.expect("listed");
        let is_placed = placed.entries.iter().any(|placement| placement.promotion == asked.id);
        assert!(!ended.state.is_open() || ended.agreed() < 2, "{ended:?}");
        assert_eq!(
            (stands.is_some(), is_placed),
            (ended.state == State::Done, ended.state == State::Done),
            "{ended:?}"
        );
        if ended.state == State::Done {
            done += 1;
            assert!(ended.agreed() >= 2 && stands == Some(digest), "{ended:?}");
        } else {
            other += 1;
        }
        fixture.policy(TWO).await;
    }
    assert!(done > 0 && done + other == 12, "{done} {other}");
}
