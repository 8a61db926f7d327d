//! From development to test and further: who approves, what voids approvals, what stands where and when.

use wharf_context::Timestamp;
use wharf_db::{AuditFilter, WorkerSettings};
use wharf_governance::promotion::rule::Unfit;
use wharf_governance::promotion::{NewDecision, State, job};
use wharf_governance::{Error, PageRequest};
use wharf_oci::{Algorithm, Digest};

use super::fixture::{Fixture, robot, user, wanted, warrant};

#[tokio::test]
async fn what_was_approved_can_be_pulled_from_its_environment() {
    let fixture = Fixture::open().await;
    let digest = fixture.push("pay/app", "20261130_01", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "20261130_01"), "t").await.expect("asked for");
    assert_eq!((asked.state, asked.digest, asked.from.as_str()), (State::Awaiting, digest, "d"));
    assert_eq!(fixture.pull("t/pay/app", "20261130_01").await, None);
    let done = fixture.approve("ada", &asked).await.expect("approved");
    assert_eq!((done.state, done.ended_by.as_deref()), (State::Done, Some("system")));
    assert_eq!(fixture.pull("t/pay/app", "20261130_01").await, Some(digest));
    assert_eq!(fixture.pull("s1/pay/app", "20261130_01").await, None);
    let log = fixture.db().audit(&AuditFilter::default(), None, 100).await.expect("the log");
    let actions: Vec<&str> = log.records.iter().rev().map(|record| record.action.as_str()).collect();
    let wanted = ["promotion.request", "approval.give", "promotion.approve", "manifest.place", "promotion.execute"];
    assert!(wanted.iter().all(|action| actions.contains(action)), "{actions:?}");
}

#[tokio::test]
async fn neither_pusher_nor_requester_nor_machines_approve() {
    let fixture = Fixture::open().await;
    fixture.cast.verified("pusher", &["maintainer"], &[]);
    fixture.cast.verified("asker", &["maintainer"], &[]);
    fixture.push("pay/app", "v1", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    assert!(matches!(fixture.approve("pusher", &asked).await, Err(Error::Unfit(Unfit::Pusher))));
    assert!(matches!(fixture.approve("asker", &asked).await, Err(Error::Unfit(Unfit::Requester))));
    assert!(matches!(fixture.approve("stranger", &asked).await, Err(Error::Unfit(Unfit::NoSlot { .. }))));
    let decision = NewDecision { digest: asked.digest, comment: String::new(), expected: None };
    let by_robot = fixture.governance.approve_promotion(&robot(), &warrant(), &asked.id, &decision).await;
    assert!(matches!(by_robot, Err(Error::NotAPerson)));
    assert_eq!(fixture.get(&asked).await.state, State::Awaiting);
}

#[tokio::test]
async fn an_approver_says_what_they_approve() {
    let fixture = Fixture::open().await;
    fixture.push("pay/app", "v1", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    let approve = async |digest: Digest, expected: Option<i64>| {
        let decision = NewDecision { digest, comment: String::new(), expected };
        fixture.governance.approve_promotion(&user("ada"), &warrant(), &asked.id, &decision).await
    };
    let other = Digest::of(Algorithm::Sha256, b"other");
    assert!(matches!(approve(other, None).await, Err(Error::DigestEcho { .. })));
    assert!(matches!(approve(asked.digest, Some(7)).await, Err(Error::PromotionMoved { .. })));
    assert_eq!(approve(asked.digest, Some(1)).await.expect("approved").state, State::Done);
}

#[tokio::test]
async fn production_takes_two_verified_people() {
    let fixture = Fixture::open().await;
    fixture.push("pay/app", "v1", "one").await;
    for to in ["t", "s1", "s2"] {
        fixture.promote(("pay/app", "v1"), to, &["ada"]).await;
    }
    let asked = fixture.ask("asker", ("pay/app", "v1"), "p").await.expect("asked for");
    fixture.cast.add(("unlinked", "unlinked"), false, (&["maintainer"], &[]));
    assert!(matches!(fixture.approve("unlinked", &asked).await, Err(Error::Unfit(Unfit::Unverified { people: 2 }))));
    let one = fixture.approve("ada", &asked).await.expect("approved");
    assert_eq!((one.state, one.agreed()), (State::Awaiting, 1));
    fixture.cast.add(("ada2", "ada"), true, (&["maintainer"], &[]));
    assert!(matches!(fixture.approve("ada2", &asked).await, Err(Error::AlreadyDecided { .. })));
    assert_eq!(fixture.approve("bob", &asked).await.expect("approved").state, State::Done);
}

#[tokio::test]
async fn there_is_no_way_around_an_environment() {
    let fixture = Fixture::open().await;
    fixture.push("pay/app", "v1", "one").await;
    for to in ["s1", "s2", "p"] {
        assert!(matches!(fixture.ask("asker", ("pay/app", "v1"), to).await, Err(Error::NotThere { .. })), "{to}");
    }
    assert!(matches!(fixture.ask("asker", ("pay/app", "v1"), "d").await, Err(Error::NoWay(_))));
    assert!(matches!(fixture.ask("asker", ("pay/app", "v2"), "t").await, Err(Error::NotThere { .. })));
    fixture.promote(("pay/app", "v1"), "t", &["ada"]).await;
    assert!(matches!(fixture.ask("asker", ("pay/app", "v1"), "t").await, Err(Error::AlreadyThere { .. })));
}

#[tokio::test]
async fn a_moved_tag_or_another_policy_voids_what_was_approved() {
    let fixture = Fixture::open().await;
    let two = r#"{"environments":{"ladder":[{"name":"d"},{"name":"t","promotion":{"approvals":[{"role":"maintainer","count":2}]}}]}}"#;
    fixture.policy(two).await;
    fixture.push("pay/app", "v1", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    fixture.approve("ada", &asked).await.expect("approved");
    fixture.push("pay/app", "v1", "another").await;
    let void = fixture.approve("bob", &asked).await;
    assert!(matches!(void, Err(Error::ApprovalVoid { state: State::Invalidated, .. })), "{void:?}");
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for again");
    fixture.approve("ada", &asked).await.expect("approved");
    fixture.policy(&two.replace("maintainer", "owner")).await;
    assert_eq!(fixture.get(&asked).await.state, State::Invalidated);
    assert!(matches!(fixture.approve("bob", &asked).await, Err(Error::PromotionState { .. })));
    assert_eq!(fixture.pull("t/pay/app", "v1").await, None);
}

#[tokio::test]
async fn an_approver_who_is_no_longer_one_does_not_count() {
    let fixture = Fixture::open().await;
    fixture
        .policy(
            r#"{"environments":{"ladder":[{"name":"d"},{"name":"t","promotion":{"executor":{"role":"maintainer"}}}]}}"#,
        )
        .await;
    fixture.push("pay/app", "v1", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    assert_eq!(fixture.approve("ada", &asked).await.expect("approved").state, State::Approved);
    let by_approver = fixture.governance.execute_promotion(&user("ada"), &warrant(), &asked.id, None).await;
    assert!(matches!(by_approver, Err(Error::NotExecutor(_))), "{by_approver:?}");
    fixture.cast.remove("ada");
    let void = fixture.governance.execute_promotion(&user("bob"), &warrant(), &asked.id, None).await;
    assert!(matches!(void, Err(Error::ApprovalVoid { state: State::Invalidated, .. })), "{void:?}");
}

#[tokio::test]
async fn who_changed_the_policy_waits_before_approving() {
    let fixture = Fixture::open().await;
    fixture.cast.verified("editor", &["maintainer"], &[]);
    fixture.policy(r#"{"environments":{"editor_waits":"1h"}}"#).await;
    fixture.push("pay/app", "v1", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    // Shortening one's own wait does not help: the longer of both counts.
    fixture.wait(2);
    assert!(matches!(fixture.approve("editor", &asked).await, Err(Error::EditorWaits { .. })));
    fixture.wait(23);
    assert_eq!(fixture.approve("editor", &asked).await.expect("approved").state, State::Done);
}

#[tokio::test]
async fn a_request_runs_in_its_window_and_ends_with_its_time() {
    let fixture = Fixture::open().await;
    let now = jiff_hour(fixture.db().clock().now());
    let (from, until) = ((now + 2) % 24, (now + 3) % 24);
    fixture
        .policy(&format!(
            r#"{{"environments":{{"ladder":[{{"name":"d"}},{{"name":"t","promotion":{{"approvals":[{{"role":"maintainer"}}],"window":{{"from":"{from:02}:00","until":"{until:02}:00"}},"expires_after":"5d"}}}}]}}}}"#
        ))
        .await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    let approved = fixture.approve("ada", &asked).await.expect("approved");
    assert_eq!(approved.state, State::Scheduled);
    let early = fixture.governance.execute_promotion(&user("bob"), &warrant(), &asked.id, None).await;
    assert!(matches!(early, Err(Error::WindowClosed { .. })), "{early:?}");
    fixture.work().await;
    assert_eq!(fixture.get(&asked).await.state, State::Scheduled);
    fixture.clock.advance(std::time::Duration::from_micros(
        (approved.run_at.expect("set").0 - fixture.db().clock().now().0).unsigned_abs(),
    ));
    fixture.work().await;
    assert_eq!(fixture.get(&asked).await.state, State::Done);
    assert_eq!(fixture.pull("t/pay/app", "v1").await, Some(digest));

    fixture.push("pay/app", "v2", "two").await;
    let late = fixture.ask("asker", ("pay/app", "v2"), "t").await.expect("asked for");
    fixture.wait(5 * 24 + 1);
    let refused = fixture.approve("ada", &late).await;
    assert!(matches!(refused, Err(Error::ApprovalVoid { state: State::Expired, .. })), "{refused:?}");
    let idle = fixture.ask("asker", ("pay/app", "v2"), "t").await.expect("asked for");
    fixture.wait(5 * 24 + 1);
    fixture.work().await;
    assert_eq!(fixture.get(&idle).await.state, State::Expired);
}

#[tokio::test]
async fn what_is_asked_for_is_taken_back_or_refused() {
    let fixture = Fixture::open().await;
    fixture.push("pay/app", "v1", "one").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    assert!(matches!(fixture.ask("asker", ("pay/app", "v1"), "t").await, Err(Error::PromotionOpen { .. })));
    let by_other = fixture.governance.cancel_promotion(&user("ada"), &warrant(), &asked.id).await;
    assert!(matches!(by_other, Err(Error::NotRequester { .. })));
    let taken = fixture.governance.cancel_promotion(&user("asker"), &warrant(), &asked.id).await.expect("taken back");
    assert_eq!(taken.state, State::Cancelled);
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for again");
    let reject = async |comment: &str| {
        let decision = NewDecision { digest: asked.digest, comment: comment.to_owned(), expected: None };
        fixture.governance.reject_promotion(&user("ada"), &warrant(), &asked.id, &decision).await
    };
    assert!(matches!(reject(" ").await, Err(Error::ReasonMissing)));
    let rejected = reject("it does not start").await.expect("rejected");
    assert_eq!((rejected.state, rejected.explanation.as_str()), (State::Rejected, "it does not start"));
    assert!(matches!(fixture.approve("bob", &asked).await, Err(Error::PromotionState { .. })));
}

#[tokio::test]
async fn inventory_and_history_know_the_past() {
    let fixture = Fixture::open().await;
    let one = fixture.push("pay/app", "v1", "one").await;
    let two = fixture.push("pay/app", "v2", "two").await;
    fixture.promote(("pay/app", "v1"), "t", &["ada"]).await;
    let then: Timestamp = fixture.db().clock().now();
    fixture.wait(1);
    fixture.promote(("pay/app", "v2"), "t", &["ada"]).await;
    fixture.promote(("pay/app", "v1"), "s1", &["ada"]).await;
    let (t, s1) = ("t".parse().expect("valid"), "s1".parse().expect("valid"));
    let inventory = async |at| {
        let page = fixture.governance.inventory(&warrant(), (&t, at), &PageRequest::default()).await.expect("listed");
        page.entries.iter().map(|placement| placement.digest).collect::<Vec<_>>()
    };
    assert_eq!((inventory(Some(then)).await, inventory(None).await), (vec![one], vec![two]));
    let differences = fixture.governance.differences(&warrant(), (&t, &s1), None).await.expect("compared");
    let digests =
        differences.first().map(|it| (it.here.as_ref().map(|p| p.digest), it.there.as_ref().map(|p| p.digest)));
    assert_eq!((differences.len(), digests), (1, Some((Some(two), Some(one)))));
    let history =
        fixture.governance.history(&warrant(), &"pay/app".parse().expect("valid"), &one).await.expect("a history");
    assert_eq!(history.pushed.as_ref().map(|pushed| pushed.by.as_str()), Some("pusher"));
    assert_eq!(history.images[0].labels["team"], "pay");
    let places: Vec<&str> = history.placements.iter().map(|placement| placement.environment.as_str()).collect();
    assert_eq!((history.promotions.len(), places), (2, vec!["t", "s1"]));
}

#[tokio::test]
async fn eligibility_says_what_stands_in_the_way_before_anybody_is_asked() {
    let fixture = Fixture::open().await;
    fixture.push("pay/app", "v1", "one").await;
    let found = async |to: &str| fixture.governance.eligibility(&warrant(), &wanted(("pay/app", "v1"), to)).await;
    assert!(found("t").await.expect("asked").is_eligible);
    assert!(matches!(found("s1").await, Err(Error::NotThere { .. })));
    fixture.promote(("pay/app", "v1"), "t", &["ada"]).await;
    let again = found("t").await.expect("asked");
    assert!(!again.is_eligible && again.obstacle.contains("nothing to do"), "{again:?}");
    assert!(found("s1").await.expect("asked").is_eligible);
}

fn jiff_hour(now: Timestamp) -> i64 {
    now.seconds().rem_euclid(86_400) / 3_600
}

impl Fixture {
    /// Runs all jobs that are due.
    async fn work(&self) {
        let governance = self.governance.clone();
        let settings = WorkerSettings { poll: std::time::Duration::from_millis(5), ..WorkerSettings::default() };
        let worker = wharf_db::Worker::new(self.db().clone(), settings).handle(job::ADVANCE, move |job| {
            let governance = governance.clone();
            async move { governance.advance_promotion(&job).await }
        });
        worker.run(tokio::time::sleep(std::time::Duration::from_millis(300))).await;
    }
}
