//! The emergency passage: it has a reason, an alarm, its own approvals, and a review by somebody else.

use wharf_governance::promotion::{NewEmergency, State};
use wharf_governance::{Error, PageRequest, Promotion};

use super::fixture::{Fixture, user, wanted, warrant};

const STRAIGHT: &str = r#"{"environments":{"ladder":[{"name":"d"},{"name":"t"},{"name":"p","emergency_from":["d","t"],"promotion":{"gates":[{"name":"soak","at_least":"7d"}]}}]}}"#;

impl Fixture {
    async fn raise(&self, account: &str, tag: &str, reason: &str) -> Result<Promotion, Error> {
        let mut promotion = wanted(("pay/app", tag), "p");
        reason.clone_into(&mut promotion.reason);
        let new = NewEmergency { promotion, from: Some("d".parse().expect("valid")) };
        self.governance.request_emergency(&user(account), &warrant(), &new).await
    }
}

#[tokio::test]
async fn an_emergency_goes_its_own_way_and_is_reviewed_by_somebody_else() {
    let fixture = Fixture::open().await;
    fixture.policy(STRAIGHT).await;
    let digest = fixture.push("pay/app", "v1", "one").await;
    assert!(matches!(fixture.raise("ada", "v1", " ").await, Err(Error::ReasonMissing)));
    let asked = fixture.raise("ada", "v1", "production is down").await.expect("asked for");
    assert!(matches!(fixture.approve("bob", &asked).await, Err(Error::Unfit(_))), "it takes an owner");
    assert_eq!(fixture.approve("olga", &asked).await.expect("approved").state, State::Done);
    assert_eq!(fixture.pull("p/pay/app", "v1").await, Some(digest));

    let reviews = fixture.governance.list_reviews(&warrant(), &PageRequest::default()).await.expect("listed").entries;
    assert_eq!((reviews.len(), reviews[0].closed_at), (1, None));
    fixture.push("pay/app", "v2", "two").await;
    assert!(matches!(fixture.raise("ada", "v2", "again").await, Err(Error::ReviewOpen { .. })));
    let close = async |account: &str| {
        fixture.governance.close_review(&user(account), &warrant(), &asked.id, "it was one").await
    };
    for part in ["ada", "olga"] {
        assert!(matches!(close(part).await, Err(Error::OwnReview)), "{part}");
    }
    assert_eq!(close("bob").await.expect("closed").closed_by.as_deref(), Some("bob"));
    assert!(matches!(close("eve").await, Err(Error::ReviewUnknown { .. })));
    assert_eq!(fixture.raise("ada", "v2", "again").await.expect("asked for").state, State::Awaiting);
}
