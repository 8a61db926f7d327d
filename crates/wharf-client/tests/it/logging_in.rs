//! From a challenge to a token, and to whom the password goes.

use wharf_client::{Credentials, Error, LoggedIn};
use wharf_oci::{ContentErrorKind, Reference};
use zeroize::Zeroizing;

use crate::server::{Asked, Reply, Server};
use crate::{password, registry};

const BASIC: &str = "Basic YW5uOnNlY3JldA==";

fn latest() -> Reference {
    "latest".parse().expect("a tag")
}

/// A registry that gives manifests for `token`, which its realm gives.
fn by_token(realm: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |asked| {
        let host = asked.header("host").unwrap_or_default().to_owned();
        let challenge = format!(r#"Bearer realm="http://{host}/token",service="s e""#);
        match asked.target.split('?').next().unwrap_or_default() {
            "/token" => realm(asked),
            _ if asked.header("authorization") != Some("Bearer t1") => {
                Reply::new(401).with("www-authenticate", challenge)
            }
            "/v2/" => Reply::new(200),
            _ => manifest(),
        }
    })
}

fn manifest() -> Reply {
    let body = crate::image(&[]);
    let digest = crate::descriptor("", &body).digest;
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    Reply::new(200).with("content-type", media_type).with("docker-content-digest", digest).body(body)
}

#[tokio::test]
async fn a_password_gets_one_token_for_many_requests() {
    let server = by_token(|asked| {
        assert_eq!(asked.header("authorization"), Some(BASIC));
        Reply::new(200).body(r#"{"token":"t1","expires_in":300}"#)
    });
    let repository = registry(&server, password()).repository("team/app".parse().expect("a name"));
    repository.get_manifest(&latest()).await.expect("a manifest");
    repository.get_manifest(&latest()).await.expect("a manifest");
    assert_eq!(server.count("GET /token"), 1);
    let query = "GET /token?service=s+e&scope=repository%3Ateam%2Fapp%3Apull&account=ann";
    assert_eq!(server.count(query), 1, "{:?}", server.asked());
}

#[tokio::test]
async fn nobody_gets_a_token_too() {
    let server = by_token(|asked| {
        assert_eq!(asked.header("authorization"), None);
        Reply::new(200).body(r#"{"access_token":"t1"}"#)
    });
    let repository = registry(&server, Credentials::Anonymous).repository("team/app".parse().expect("a name"));
    repository.get_manifest(&latest()).await.expect("a manifest");
}

#[tokio::test]
async fn an_identity_token_is_posted_and_not_shown_otherwise() {
    let server = by_token(|asked| {
        let form = String::from_utf8_lossy(&asked.body);
        assert!(form.contains("grant_type=refresh_token&refresh_token=i%2F1&client_id=wharf&service=s+e"), "{form}");
        Reply::new(200).body(r#"{"access_token":"t1"}"#)
    });
    let credentials = Credentials::IdentityToken(Zeroizing::new("i/1".to_owned()));
    let repository = registry(&server, credentials).repository("team/app".parse().expect("a name"));
    repository.get_manifest(&latest()).await.expect("a manifest");
    assert_eq!(server.count("POST /token"), 1);
}

#[tokio::test]
async fn an_expired_token_is_replaced_once() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = by_token(move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Reply::new(200).body(format!(r#"{{"token":"t{number}"}}"#))
    });
    let repository = registry(&server, password()).repository("team/app".parse().expect("a name"));
    repository.get_manifest(&latest()).await.expect("the second token is taken");
    assert_eq!(server.count("GET /token"), 2);
}

#[tokio::test]
async fn a_refused_password_is_said_to_be_one() {
    let server = by_token(|_| Reply::new(401).body(r#"{"errors":[{"code":"UNAUTHORIZED","message":"who?"}]}"#));
    let error = registry(&server, password()).log_in().await.expect_err("refused");
    assert!(matches!(error, Error::LogIn { .. }), "{error}");
    assert_eq!(error.kind(), ContentErrorKind::Unauthenticated);
    assert!(error.to_string().contains("who?"), "{error}");
}

#[tokio::test]
async fn logging_in_gets_what_is_better_stored_than_the_password() {
    let server = by_token(|asked| {
        assert!(asked.target.contains("offline_token=true"), "{}", asked.target);
        Reply::new(200).body(r#"{"token":"t1","refresh_token":"r1"}"#)
    });
    let logged_in = registry(&server, password()).log_in().await.expect("taken");
    assert!(matches!(logged_in, LoggedIn::Accepted { identity_token: Some(token) } if token.as_str() == "r1"));
}

#[tokio::test]
async fn a_registry_by_basic_gets_the_password_itself() {
    let server = Server::start(|asked| match asked.header("authorization") {
        Some(BASIC) => Reply::new(200),
        _ => Reply::new(401).with("www-authenticate", r#"Basic realm="x""#),
    });
    let logged_in = registry(&server, password()).log_in().await.expect("taken");
    assert!(matches!(logged_in, LoggedIn::Accepted { identity_token: None }));
    let nobody = registry(&server, Credentials::Anonymous).log_in().await.expect_err("refused");
    assert_eq!(nobody.kind(), ContentErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_registry_that_asks_nothing_has_verified_nothing() {
    let server = Server::start(|_| Reply::new(200));
    assert!(matches!(registry(&server, password()).log_in().await, Ok(LoggedIn::NotAsked)));
}

#[tokio::test]
async fn the_password_does_not_go_to_a_realm_on_another_host() {
    for realm in ["http://198.51.100.1/token", "https://198.51.100.1/token", "ftp://127.0.0.1/token", "http://:80/"] {
        let server = Server::start(move |_| {
            Reply::new(401).with("www-authenticate", format!(r#"Bearer realm="{realm}",service="x""#))
        });
        let error = registry(&server, password()).log_in().await.expect_err("refused");
        assert!(matches!(error, Error::Realm { .. }), "{realm}: {error}");
    }
}

#[tokio::test]
async fn a_realm_that_sends_us_on_gets_nothing_there() {
    let thief = Server::start(|_| Reply::new(200).body(r#"{"token":"t1"}"#));
    let target = thief.url("/token");
    let server = by_token(move |_| Reply::new(307).with("location", &target));
    registry(&server, password()).log_in().await.expect_err("refused");
    assert!(thief.asked().is_empty(), "{:?}", thief.asked());
}
