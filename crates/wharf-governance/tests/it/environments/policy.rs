//! Policies: revisions, and two who change one at once.

use wharf_governance::{Error, Policy};

use super::fixture::{Fixture, user, warrant};

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
    let put = governance.put_policy(&user("editor"), &warrant(), &Policy::default(), Some(0)).await.expect("first");
    assert_eq!((put.revision, put.changed_by.as_deref()), (1, Some("editor")));
    let late = governance.put_policy(&user("other"), &warrant(), &Policy::default(), Some(0)).await;
    assert!(matches!(late, Err(Error::PolicyChanged { current: 1, .. })), "{late:?}");
    let same =
        governance.put_policy(&user("other"), &warrant(), &Policy::default(), Some(1)).await.expect("the same again");
    assert_eq!((same.revision, same.changed_by.as_deref()), (1, Some("editor")));
}

#[tokio::test]
async fn a_policy_that_counts_on_what_the_server_does_not_have_is_refused() {
    let fixture = Fixture::open().await;
    for (document, wanted) in [
        (r#"{"environments":{"ladder":[{"name":"d"},{"name":"moon"}]}}"#, "no environment `moon`"),
        (
            r#"{"environments":{"ladder":[{"name":"d"},{"name":"t","promotion":{"gates":[{"name":"luck"}]}}]}}"#,
            "no gate `luck`",
        ),
        (
            r#"{"environments":{"ladder":[{"name":"d"},{"name":"t","promotion":{"gates":[{"name":"size","at_most":"big"}]}}]}}"#,
            "gate `size`: a size is",
        ),
    ] {
        let policy: Policy = serde_json::from_str(document).expect("a policy");
        let refused = fixture.governance.put_policy(&user("editor"), &warrant(), &policy, None).await;
        let refused = refused.expect_err("refused").to_string();
        assert!(refused.contains(wanted), "{refused}");
    }
}
