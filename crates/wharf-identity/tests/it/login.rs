//! Logging in, and being kept from guessing.

use std::time::{Duration, Instant};

use wharf_context::{CallerId, Kind};
use wharf_identity::{Credentials, Error, Hashing, Limit, Secret, Settings, UserChange};

use crate::fixture::{Fixture, address, basic, kind, parse, password, request, settings, system, with_password};

fn wrong(name: &str) -> Credentials {
    with_password(name, &Secret::new("not the password"))
}

#[tokio::test]
async fn a_user_logs_in_without_regard_to_the_case_of_their_name() {
    let fixture = Fixture::new().await;
    fixture.user("alice", None).await;
    let ctx = fixture.context(&with_password("ALICE", &password("alice")), &[]).await.expect("logs in");
    assert_eq!(ctx.caller.name, "alice");
    assert!(matches!(ctx.caller.id, CallerId::User(_)));
}

#[tokio::test]
async fn refusals_do_not_tell_why() {
    let fixture = Fixture::new().await;
    fixture.user("alice", None).await;
    fixture.user("disabled", None).await;
    let change = UserChange { is_disabled: Some(true), ..UserChange::default() };
    fixture.identity.update_user(&system(), &parse("disabled"), &change).await.expect("disabled");
    fixture.project("app", wharf_identity::Openness::Private).await;
    let refused = [
        wrong("alice"),
        wrong("nobody"),
        wrong(""),
        wrong("app+nobody"),
        wrong("none+nobody"),
        with_password("alice", &Secret::new("x".repeat(5000))),
        basic("disabled"),
        Credentials::RefreshToken(Secret::new("x")),
    ];
    for credentials in refused {
        let error = fixture.context(&credentials, &[]).await.expect_err("refused");
        assert_eq!(error.to_string(), "user name or password is wrong", "{credentials:?}");
        assert_eq!(error.kind(), Kind::Unauthenticated);
    }
}

#[tokio::test]
async fn a_refusal_takes_the_same_time_whether_the_user_exists_or_not() {
    let refusal_after = Duration::from_millis(150);
    let limit = Limit { burst: 1000, every: Duration::from_secs(1) };
    let fixture =
        Fixture::with(Settings { refusal_after, account_limit: limit, address_limit: limit, ..settings() }).await;
    fixture.user("alice", None).await;
    let hash = bcrypt::hash("something", 5).expect("hashes");
    fixture.identity.import_htpasswd(&system(), &format!("imported:{hash}")).await.expect("imported");
    for name in ["alice", "imported", "nobody", "app+robot", "?"] {
        let start = Instant::now();
        assert_eq!(kind(fixture.context(&wrong(name), &[]).await), Kind::Unauthenticated);
        let took = start.elapsed();
        assert!(took >= refusal_after && took < refusal_after * 10, "{name}: {took:?}");
    }
}

#[tokio::test]
async fn guessing_is_throttled_per_account_and_says_when_to_come_back() {
    let every = Duration::from_secs(30);
    let fixture = Fixture::with(Settings { account_limit: Limit { burst: 3, every }, ..settings() }).await;
    fixture.user("alice", None).await;
    for name in ["alice", "nobody"] {
        for _ in 0..3 {
            assert_eq!(kind(fixture.context(&wrong(name), &[]).await), Kind::Unauthenticated);
        }
        let error = fixture.context(&wrong(name), &[]).await.expect_err("throttled");
        assert_eq!((error.kind(), error.retry_after()), (Kind::Throttled, Some(every)));
    }
    // The right password is not looked at either, or guessing could go on.
    assert_eq!(kind(fixture.context(&basic("alice"), &[]).await), Kind::Throttled);
    fixture.advance(every);
    fixture.context(&basic("alice"), &[]).await.expect("one more is looked at");
}

#[tokio::test]
async fn guessing_is_throttled_per_address() {
    let limit = Limit { burst: 4, every: Duration::from_secs(60) };
    let fixture = Fixture::with(Settings { address_limit: limit, ..settings() }).await;
    fixture.user("alice", None).await;
    for name in ["a", "b", "app+c", "d"] {
        assert_eq!(kind(fixture.context(&wrong(name), &[]).await), Kind::Unauthenticated, "{name}");
    }
    assert_eq!(kind(fixture.context(&wrong("e"), &[]).await), Kind::Throttled);
    assert_eq!(kind(fixture.context(&wrong("app+f"), &[]).await), Kind::Throttled);
    let elsewhere = wharf_identity::TokenRequest { remote: address(2), ..request(basic("alice"), "") };
    fixture.identity.issue_token(elsewhere).await.expect("another address is not touched");
}

#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_one_after_the_other() {
    let limit = Limit { burst: 5, every: Duration::from_secs(60) };
    let fixture = Fixture::with(Settings { account_limit: limit, ..settings() }).await;
    fixture.user("alice", None).await;
    let guess = wrong("alice");
    let guesses = futures_util::future::join_all((0..40).map(|_| fixture.context(&guess, &[]))).await;
    let looked_at = guesses.iter().filter(|guess| matches!(guess, Err(Error::BadCredentials))).count();
    assert_eq!(looked_at, 5);
}

#[tokio::test]
async fn many_right_passwords_at_once_are_one_log_in() {
    let limit = Limit { burst: 5, every: Duration::from_secs(60) };
    let fixture = Fixture::with(Settings { account_limit: limit, address_limit: limit, ..settings() }).await;
    fixture.user("alice", None).await;
    let right = basic("alice");
    let logins = futures_util::future::join_all((0..40).map(|_| fixture.context(&right, &[]))).await;
    assert_eq!(logins.iter().filter(|login| login.is_ok()).count(), 40);
}

#[tokio::test]
async fn who_works_is_not_locked_out_by_who_guesses() {
    let limit = Limit { burst: 2, every: Duration::from_secs(600) };
    let fixture = Fixture::with(Settings { account_limit: limit, ..settings() }).await;
    fixture.user("alice", None).await;
    fixture.project("app", wharf_identity::Openness::Private).await;
    let secret = fixture.robot("app", "ci", &[wharf_context::Permission::Pull]).await;
    fixture.as_user("alice").await;
    for last in 10..15 {
        let guess = wharf_identity::TokenRequest { remote: address(last), ..request(wrong("alice"), "") };
        assert!(fixture.identity.issue_token(guess).await.is_err());
        assert!(fixture.context(&wrong("app+ci"), &[]).await.is_err());
    }
    fixture.as_user("alice").await;
    fixture.context(&with_password("app+ci", &secret), &[]).await.expect("a robot's secret cannot be guessed");
}

#[tokio::test]
async fn a_verified_password_is_not_hashed_again_and_ends_with_the_row() {
    let hashing = Hashing { memory_kib: 32 * 1024, passes: 3, at_once: 1, waiting: 8 };
    let fixture = Fixture::with(Settings { hashing, ..settings() }).await;
    fixture.user("alice", None).await;
    let time = async || {
        let start = Instant::now();
        fixture.as_user("alice").await;
        start.elapsed()
    };
    let first = time().await;
    let mut again = vec![time().await, time().await, time().await];
    again.sort();
    assert!(again[1] * 3 < first, "{again:?} after {first:?}");
    fixture.identity.set_password(&system(), &parse("alice"), &Secret::new("another one")).await.expect("set");
    assert_eq!(kind(fixture.context(&basic("alice"), &[]).await), Kind::Unauthenticated);
    let another = with_password("alice", &Secret::new("another one"));
    fixture.context(&another, &[]).await.expect("logs in");
    let change = UserChange { is_disabled: Some(true), ..UserChange::default() };
    fixture.identity.update_user(&system(), &parse("alice"), &change).await.expect("disabled");
    assert_eq!(kind(fixture.context(&another, &[]).await), Kind::Unauthenticated);
}

#[tokio::test]
async fn a_flood_of_log_ins_is_turned_away() {
    let hashing = Hashing { memory_kib: 16 * 1024, passes: 3, at_once: 1, waiting: 4 };
    let limit = Limit { burst: 1000, every: Duration::from_secs(1) };
    let fixture = Fixture::with(Settings { hashing, account_limit: limit, address_limit: limit, ..settings() }).await;
    let names: Vec<_> = (0..60).map(|number| wrong(&format!("user{number}"))).collect();
    let answers = futures_util::future::join_all(names.iter().map(|name| fixture.context(name, &[]))).await;
    let busy = answers.iter().filter(|answer| matches!(answer, Err(Error::Busy))).count();
    assert!(busy >= 40, "{busy} of 60 were turned away");
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Busy | Error::BadCredentials))));
}
