//! Keys of clients: the first answer again, and nothing twice.

use wharf_governance::idempotency::{Answered, Begun};
use wharf_oci::{Algorithm, Digest};

use super::fixture::{Fixture, user};

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_caller_for_a_day() {
    let fixture = Fixture::open().await;
    let governance = &fixture.governance;
    let (one, other) = (Digest::of(Algorithm::Sha256, b"one"), Digest::of(Algorithm::Sha256, b"other"));
    let begin = async |account: &str, fingerprint: &Digest| {
        governance.begin_request(&user(account), "k", fingerprint).await.expect("begun")
    };
    assert_eq!(begin("ada", &one).await, Begun::First);
    assert_eq!(begin("ada", &one).await, Begun::Running);
    governance.forget_request(&user("ada"), "k").await.expect("forgotten");
    assert_eq!(begin("ada", &one).await, Begun::First);
    let answered = Answered { status: 201, location: Some("/x".to_owned()), document: "{}".to_owned() };
    governance.finish_request(&user("ada"), "k", &answered).await.expect("finished");
    assert_eq!(begin("ada", &one).await, Begun::Answered(answered));
    assert_eq!(begin("ada", &other).await, Begun::Other);
    assert_eq!(begin("bob", &other).await, Begun::First);
    fixture.wait(25);
    assert_eq!(begin("ada", &other).await, Begun::First);
}
