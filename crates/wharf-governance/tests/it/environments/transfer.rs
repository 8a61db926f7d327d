//! What is promoted to an environment at another registry is done when that registry has it, and fails when it never does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use url::Url;
use wharf_governance::promotion::State;
use wharf_governance::remote::RemoteChange;
use wharf_governance::{BoxFuture, Error, Failure, Parcel, Transfer};
use wharf_oci::{ContentError, ContentErrorKind};

use super::fixture::{Fixture, user, warrant};
use crate::webhook::{named, ports};

/// Carries nothing anywhere, and says what it was told to after some failures.
#[derive(Debug, Default)]
struct Road {
    failures_left: AtomicUsize,
    carried: Mutex<Vec<String>>,
}

impl Transfer for Road {
    fn check(&self, url: &Url) -> Result<(), Failure> {
        if url.host_str() == Some("far.example.com") { Ok(()) } else { Err("no such road".into()) }
    }

    fn carry<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Result<(), ContentError>> {
        let left = self.failures_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let login = parcel.login.map(|(account, secret)| format!("{account}:{secret}")).unwrap_or_default();
        let line = format!("{login} {}{}@{} {:?}", parcel.url, parcel.repository, parcel.digest, parcel.tags);
        self.carried.lock().expect("no panic").push(line);
        let unavailable = || ContentError::new(ContentErrorKind::Unavailable, "the line is down");
        Box::pin(async move { if left.is_ok() { Err(unavailable()) } else { Ok(()) } })
    }
}

async fn open(failures: usize) -> (Fixture, Arc<Road>) {
    let mut fixture = Fixture::open().await;
    let road = Arc::new(Road { failures_left: failures.into(), ..Road::default() });
    let ports = ports(&fixture.database, &[]).await;
    fixture.governance = fixture.governance.with_webhooks(ports).with_transfers(Arc::clone(&road) as _);
    let change = |url: &str| RemoteChange {
        url: url.to_owned(),
        login: Some(("carrier".to_owned(), "a secret".to_owned().into())),
    };
    let put =
        async |url: &str| fixture.governance.put_remote(&user("olga"), &warrant(), &named("far"), &change(url)).await;
    for bad in [
        "https://near.example.com",
        "ftp://far.example.com",
        "https://far.example.com/UPPER",
        "https://a@far.example.com",
    ] {
        assert!(matches!(put(bad).await, Err(Error::RemoteInvalid { .. })), "{bad}");
    }
    put("https://far.example.com/zone").await.expect("kept");
    fixture.policy(
        r#"{"environments":{"ladder":[{"name":"d"},{"name":"t","sealed":true,"remote":"far","promotion":{"approvals":[{"role":"maintainer"}]}}]}}"#).await;
    fixture.push("pay/app", "v1", "one").await;
    (fixture, road)
}

#[tokio::test]
async fn it_is_done_when_the_far_side_has_it_also_after_failures() {
    let (fixture, road) = open(2).await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    let sent = fixture.approve("ada", &asked).await.expect("approved");
    assert_eq!((sent.state, fixture.pull("t/pay/app", "v1").await), (State::Transferring, None), "it is on its way");
    let done = fixture.run_jobs_until(&asked, State::Done).await;
    assert_eq!(fixture.pull("t/pay/app", "v1").await, Some(done.digest), "and known here as well");
    let carried = road.carried.lock().expect("no panic").clone();
    // The clock turns fast: a job whose lease has run out meanwhile is taken once more, which changes nothing.
    assert!(carried.len() >= 3, "{carried:?}");
    assert!(carried[2].starts_with("carrier:a secret https://far.example.com/zone"), "{carried:?}");
    let again = fixture.ask("asker", ("pay/app", "v1"), "t").await;
    assert!(matches!(again, Err(Error::AlreadyThere { .. })));
}

#[tokio::test]
async fn it_fails_with_the_reason_when_the_far_side_never_has_it() {
    let (fixture, _) = open(1_000).await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    fixture.approve("ada", &asked).await.expect("approved");
    // Twelve attempts, the pauses between them growing.
    let failed = {
        let clock = Arc::clone(&fixture.clock);
        let turn = async move {
            loop {
                clock.advance(std::time::Duration::from_secs(3_600));
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            () = turn => unreachable!("it turns for ever"),
            failed = fixture.run_jobs_until(&asked, State::Failed) => failed,
        }
    };
    assert!(failed.explanation.contains("cannot carry it to `far`: the line is down"), "{}", failed.explanation);
    assert_eq!(fixture.pull("t/pay/app", "v1").await, None);
}

#[tokio::test]
async fn a_policy_that_changes_meanwhile_voids_it() {
    let (fixture, _) = open(0).await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    fixture.approve("ada", &asked).await.expect("approved");
    fixture.policy(
        r#"{"environments":{"ladder":[{"name":"d"},{"name":"t","remote":"far","promotion":{"approvals":[{"role":"maintainer"}]}}]}}"#).await;
    assert_eq!(fixture.get(&asked).await.state, State::Invalidated);
    let later = fixture.run_jobs_until(&asked, State::Invalidated).await;
    assert_eq!((later.state, fixture.pull("t/pay/app", "v1").await), (State::Invalidated, None));
}
