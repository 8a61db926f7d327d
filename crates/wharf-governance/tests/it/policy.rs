//! Policies: revisions, and two who change one at once.

use wharf_governance::{Error, Policy};

use crate::fixture::{Fixture, user, warrant};

#[tokio::test]
async fn a_project_without_a_policy_has_the_default_one() {
    let fixture = Fixture::open().await;
    let policy = fixture.governance.get_policy(&warrant()).await.expect("read");
    assert_eq!((policy.revision, policy.policy, policy.changed_by), (0, Policy::default(), None));
}

#[tokio::test]
async fn a_change_of_what_was_read_before_somebody_elses_change_is_refused() {
    let fixture = Fixture::open().await;
    let governance = &fixture.governance;
    let put = governance.put_policy(&user(1), &warrant(), &Policy::default(), Some(0)).await.expect("first");
    assert_eq!((put.revision, put.changed_by.as_deref()), (1, Some("user-1")));
    let late = governance.put_policy(&user(2), &warrant(), &Policy::default(), Some(0)).await;
    assert!(matches!(late, Err(Error::PolicyChanged { current: 1, .. })), "{late:?}");
    let same = governance.put_policy(&user(2), &warrant(), &Policy::default(), Some(1)).await.expect("the same again");
    assert_eq!((same.revision, same.changed_by.as_deref()), (1, Some("user-1")));
}
