//! Back to what stood there before, further back, and nowhere where nothing did.

use wharf_governance::promotion::{NewDecision, NewRollback, State};
use wharf_governance::{Error, PageRequest, Promotion};

use super::fixture::{Fixture, name, user, warrant};

impl Fixture {
    pub(crate) async fn roll_back(
        &self,
        account: &str,
        repository: &str,
        environment: &str,
    ) -> Result<Promotion, Error> {
        let new = NewRollback {
            environment: environment.parse().expect("valid"),
            repository: name(repository),
            reason: "it does not start".to_owned(),
        };
        self.governance.request_rollback(&user(account), &warrant(), &new).await
    }

    async fn stands(&self, environment: &str) -> Vec<String> {
        let environment = environment.parse().expect("valid");
        let page = self.governance.inventory(&warrant(), (&environment, None), &PageRequest::default()).await;
        page.expect("listed").entries.iter().map(|placement| format!("{}", placement.digest)).collect()
    }
}

#[tokio::test]
async fn a_rollback_brings_back_what_stood_before_and_again_what_stood_before_that() {
    let fixture = Fixture::open().await;
    let mut digests = Vec::new();
    for (tag, content) in [("v1", "one"), ("v2", "two"), ("v3", "three")] {
        digests.push(fixture.push("pay/app", tag, content).await);
        fixture.promote(("pay/app", tag), "t", &["ada"]).await;
    }
    for wanted in [&digests[1], &digests[0]] {
        let asked = fixture.roll_back("ada", "pay/app", "t").await.expect("asked for");
        assert_eq!((asked.state, &asked.digest), (State::Awaiting, wanted));
        // Whoever asks does not approve, but whoever pushed may: it was approved before.
        assert!(matches!(fixture.approve("ada", &asked).await, Err(Error::Unfit(_))));
        fixture.approve("bob", &asked).await.expect("approved");
        assert_eq!(fixture.stands("t").await, [wanted.to_string()]);
    }
    assert!(matches!(fixture.roll_back("ada", "pay/app", "t").await, Err(Error::NothingBefore { .. })));
    // What was taken back does not go on.
    let gone = fixture.ask("asker", ("pay/app", &digests[2].to_string()), "s1").await;
    assert!(matches!(gone, Err(Error::NotThere { .. })), "{gone:?}");
    fixture.promote(("pay/app", &digests[0].to_string()), "s1", &["ada"]).await;
}

#[tokio::test]
async fn a_rollback_moves_tags_back_where_they_may_move() {
    let fixture = Fixture::open().await;
    let one = fixture.push("pay/app", "stable", "one").await;
    fixture.promote(("pay/app", "stable"), "t", &["ada"]).await;
    let two = fixture.push("pay/app", "stable", "two").await;
    fixture.promote(("pay/app", "stable"), "t", &["ada"]).await;
    assert_eq!(fixture.pull("t/pay/app", "stable").await, Some(two));
    let asked = fixture.roll_back("ada", "pay/app", "t").await.expect("asked for");
    let decision = NewDecision { digest: asked.digest, comment: String::new(), expected: None };
    fixture.governance.approve_promotion(&user("bob"), &warrant(), &asked.id, &decision).await.expect("approved");
    assert_eq!(fixture.pull("t/pay/app", "stable").await, Some(one));
}

#[tokio::test]
async fn a_tag_of_a_sealed_environment_never_moves() {
    let fixture = Fixture::open().await;
    fixture.policy(r#"{"environments":{"ladder":[{"name":"d"},{"name":"t","sealed":true,"promotion":{}}]}}"#).await;
    fixture.push("pay/app", "v1", "one").await;
    fixture.promote(("pay/app", "v1"), "t", &["ada"]).await;
    let two = fixture.push("pay/app", "v1", "two").await;
    assert!(matches!(fixture.ask("asker", ("pay/app", "v1"), "t").await, Err(Error::Sealed { .. })));
    // By its digest it may come, under no tag.
    fixture.promote(("pay/app", &two.to_string()), "t", &["ada"]).await;
    assert_eq!(fixture.pull("t/pay/app", &two.to_string()).await, Some(two));
}
