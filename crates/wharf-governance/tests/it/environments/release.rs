//! Releases move together, all or nothing, and stand once they are sealed.

use wharf_governance::promotion::{Asked, NewPromotion, State};
use wharf_governance::{Error, NewRelease, Promotion, Release};

use super::fixture::{Fixture, name, user, warrant};

fn release(version: &str, items: &[(&str, &str)]) -> NewRelease {
    let items = items.iter().map(|(repository, tag)| (name(repository), tag.parse().expect("valid")));
    NewRelease { version: version.to_owned(), note: String::new(), items: items.collect() }
}

impl Fixture {
    async fn release(&self, version: &str, items: &[(&str, &str)]) -> Result<Release, Error> {
        self.governance.create_release(&user("ada"), &warrant(), &release(version, items)).await
    }

    async fn ask_release(&self, version: &str, to: &str) -> Result<Promotion, Error> {
        let what = Asked::Release { version: version.to_owned() };
        let new = NewPromotion { what, to: to.parse().expect("valid"), reason: String::new() };
        self.governance.request_promotion(&user("asker"), &warrant(), &new).await
    }
}

#[tokio::test]
async fn a_release_moves_together_and_is_sealed_on_its_way() {
    let fixture = Fixture::open().await;
    let app = fixture.push("pay/app", "v1", "app").await;
    let chart = fixture.push("pay/chart", "v1", "chart").await;
    fixture.release("20261130_01", &[("pay/app", "v1"), ("pay/chart", "v1")]).await.expect("made");
    assert!(matches!(fixture.release("20261130_01", &[("pay/app", "v1")]).await, Err(Error::ReleaseExists { .. })));
    assert!(matches!(fixture.release("x", &[("pay/app", "v9")]).await, Err(Error::NotInDevelopment { .. })));
    assert!(matches!(fixture.release("x", &[]).await, Err(Error::ReleaseItems { .. })));
    for to in ["t", "s1", "s2"] {
        let asked = fixture.ask_release("20261130_01", to).await.expect("asked for");
        assert_eq!(asked.items.len(), 2);
        assert_eq!(fixture.approve("ada", &asked).await.expect("approved").state, State::Done);
        for (repository, digest) in [("app", app), ("chart", chart)] {
            assert_eq!(fixture.pull(&format!("{to}/pay/{repository}"), "v1").await, Some(digest), "{to}");
        }
        let sealed = fixture.governance.get_release(&warrant(), "20261130_01").await.expect("there").sealed_at;
        assert_eq!(sealed.is_some(), to == "s2", "{to}");
    }
    let change = release("20261130_01", &[("pay/app", "v1")]);
    let refused = fixture.governance.put_release(&user("ada"), &warrant(), &change, None).await;
    assert!(matches!(refused, Err(Error::ReleaseSealed { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_release_that_was_changed_is_not_what_was_approved() {
    let fixture = Fixture::open().await;
    fixture.push("pay/app", "v1", "app").await;
    fixture.push("pay/chart", "v1", "chart").await;
    let made = fixture.release("r1", &[("pay/app", "v1")]).await.expect("made");
    let asked = fixture.ask_release("r1", "t").await.expect("asked for");
    let change = release("r1", &[("pay/app", "v1"), ("pay/chart", "v1")]);
    let put = async |expected| fixture.governance.put_release(&user("ada"), &warrant(), &change, Some(expected)).await;
    assert!(matches!(put(made.revision + 1).await, Err(Error::ReleaseMoved { .. })));
    put(made.revision).await.expect("changed");
    let void = fixture.approve("ada", &asked).await;
    assert!(matches!(void, Err(Error::ApprovalVoid { state: State::Invalidated, .. })), "{void:?}");
}

#[tokio::test]
async fn a_rollback_takes_the_whole_release_back() {
    let fixture = Fixture::open().await;
    let old: [_; 2] = [fixture.push("pay/app", "v1", "app").await, fixture.push("pay/chart", "v1", "chart").await];
    fixture.push("pay/app", "v2", "app2").await;
    fixture.push("pay/chart", "v2", "chart2").await;
    for (version, tag) in [("r1", "v1"), ("r2", "v2")] {
        fixture.release(version, &[("pay/app", tag), ("pay/chart", tag)]).await.expect("made");
        let asked = fixture.ask_release(version, "t").await.expect("asked for");
        fixture.approve("ada", &asked).await.expect("approved");
    }
    let asked = fixture.roll_back("ada", "pay/chart", "t").await.expect("asked for");
    let digests: Vec<_> = asked.items.iter().map(|item| item.digest).collect();
    assert_eq!(digests, old);
    assert_eq!(fixture.approve("bob", &asked).await.expect("approved").state, State::Done);
}
