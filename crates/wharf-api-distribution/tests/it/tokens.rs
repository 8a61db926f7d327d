//! Token authentication as Docker's clients do it.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::fixture::{Answer, Fixture, PASSWORD};

async fn get(fixture: &Fixture, path: &str, authorization: Option<&str>) -> Answer {
    let mut request = Request::get(path).header("host", "registry.example:5000");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    fixture.send(request.body(Body::empty()).expect("a request")).await
}

async fn token(fixture: &Fixture, caller: &str, scope: &str) -> String {
    let answer =
        get(fixture, &format!("/token?service=wharf&scope={scope}"), fixture.basic(caller, "").as_deref()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["token"], answer.json()["access_token"]);
    assert!(answer.json()["expires_in"].as_u64().expect("seconds") >= 60);
    format!("Bearer {}", answer.json()["token"].as_str().expect("a token"))
}

#[tokio::test]
async fn the_challenge_leads_to_a_token_that_opens_the_door() {
    let fixture = Fixture::open().await;
    fixture.push_image("private/app", "v1", b"layer").await;
    let ping = get(&fixture, "/v2/", None).await;
    assert_eq!(ping.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ping.header("www-authenticate"), r#"Bearer realm="http://registry.example:5000/token",service="wharf""#);
    let refused = get(&fixture, "/v2/private/app/manifests/v1", None).await;
    let challenge = refused.header("www-authenticate");
    assert!(challenge.ends_with(r#"scope="repository:private/app:pull""#), "{challenge}");
    let token = token(&fixture, "guest", "repository:private/app:pull").await;
    assert_eq!(get(&fixture, "/v2/private/app/manifests/v1", Some(&token)).await.status, StatusCode::OK);
    assert_eq!(get(&fixture, "/v2/", Some(&token)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_opens_no_more_than_it_was_issued_for() {
    let fixture = Fixture::open().await;
    fixture.push_image("private/app", "v1", b"layer").await;
    fixture.push_image("private/other", "v1", b"layer").await;
    let pull = token(&fixture, "maintainer", "repository:private/app:pull").await;
    let other = get(&fixture, "/v2/private/other/manifests/v1", Some(&pull)).await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED);
    assert!(other.header("www-authenticate").contains("repository:private/other:pull"));
    let push = Request::post("/v2/private/app/blobs/uploads/").header("authorization", &pull).body(Body::empty());
    let push = fixture.send(push.expect("a request")).await;
    assert_eq!(push.status, StatusCode::UNAUTHORIZED);
    assert!(push.header("www-authenticate").contains("repository:private/app:pull,push"));
    // Asked for and not granted: the client has nothing more to ask.
    let guest = token(&fixture, "guest", "repository:private/app:pull,push").await;
    let push = Request::post("/v2/private/app/blobs/uploads/").header("authorization", &guest).body(Body::empty());
    assert_eq!(fixture.send(push.expect("a request")).await.status, StatusCode::FORBIDDEN);
    let stranger = token(&fixture, "stranger", "repository:private/app:pull").await;
    assert_eq!(get(&fixture, "/v2/private/app/manifests/v1", Some(&stranger)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_mount_by_token_asks_for_the_source_too() {
    let fixture = Fixture::open().await;
    let digest = fixture.push_blob("private/app", b"layer").await;
    let path = format!("/v2/public/copy/blobs/uploads/?mount={digest}&from=private/app");
    let both = r#"scope="repository:public/copy:pull,push repository:private/app:pull""#;
    let anonymous = fixture.send(Request::post(&path).body(Body::empty()).expect("a request")).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    assert!(anonymous.header("www-authenticate").contains(both), "{}", anonymous.header("www-authenticate"));
    let narrow = token(&fixture, "owner", "repository:public/copy:pull,push").await;
    let mount = |token: String| {
        let request = Request::post(&path).header("authorization", token).body(Body::empty()).expect("a request");
        fixture.send(request)
    };
    let refused = mount(narrow).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let challenge = refused.header("www-authenticate").to_owned();
    assert!(challenge.contains(both), "{challenge}");
    let wide = token(&fixture, "owner", "repository:public/copy:pull,push+repository:private/app:pull").await;
    assert_eq!(mount(wide).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn passwords_and_refresh_tokens_are_posted() {
    let fixture = Fixture::open().await;
    let post = |form: String| {
        let request = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
        fixture.send(request.body(Body::from(form)).expect("a request"))
    };
    let password = PASSWORD.replace(' ', "+");
    let base = "service=wharf&client_id=test&scope=repository:private/app:pull";
    let first =
        post(format!("grant_type=password&username=guest&password={password}&access_type=offline&{base}")).await;
    assert_eq!(first.status, StatusCode::OK);
    let refresh = first.json()["refresh_token"].as_str().expect("a refresh token").to_owned();
    let second = post(format!("grant_type=refresh_token&refresh_token={refresh}&{base}")).await;
    assert_eq!(second.status, StatusCode::OK);
    let wrong = post(format!("grant_type=password&username=guest&password=wrong&{base}")).await;
    let unknown = post(format!("grant_type=password&username=nobody&password=wrong&{base}")).await;
    assert_eq!((wrong.status, wrong.code()), (StatusCode::UNAUTHORIZED, "UNAUTHORIZED".to_owned()));
    let sentence = |answer: &Answer| answer.json()["errors"][0]["message"].clone();
    assert_eq!(sentence(&wrong), sentence(&unknown), "answers do not tell whether a user exists");
    for form in ["", "grant_type=magic", "grant_type=password&username=guest", "grant_type=refresh_token"] {
        assert_eq!(post(form.to_owned()).await.status, StatusCode::BAD_REQUEST, "{form}");
    }
}

#[tokio::test]
async fn in_open_mode_anonymous_callers_need_no_token() {
    let settings = wharf_api_distribution::Settings {
        public_url: None,
        service: "wharf".to_owned(),
        redirect: None,
        naming: wharf_api_distribution::Naming::default(),
    };
    let fixture = Fixture::with(settings, true).await;
    assert_eq!(get(&fixture, "/v2/", None).await.status, StatusCode::OK);
    let path = format!("/v2/new/app/blobs/uploads/?digest={}", crate::fixture::sha256(b"x"));
    let push = Request::post(&path).body(Body::from("x")).expect("a request");
    assert_eq!(fixture.send(push).await.status, StatusCode::CREATED);
    assert_eq!(get(&fixture, "/v2/_catalog", None).await.json()["repositories"], serde_json::json!(["new/app"]));
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let fixture = Fixture::open().await;
    let good = token(&fixture, "guest", "repository:private/app:pull").await;
    let cut = good.rsplit_once('.').expect("three parts").0.to_owned();
    for bad in ["Bearer x", "Bearer ", "Bearer a.b.c", &format!("{good}x"), &cut, &format!("{cut}.")] {
        let answer = get(&fixture, "/v2/private/app/tags/list", Some(bad)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
    }
}

#[tokio::test]
async fn a_token_that_ended_is_answered_with_what_to_ask_for() {
    let fixture = Fixture::open().await;
    fixture.push_image("private/app", "v1", b"layer").await;
    let pull = token(&fixture, "guest", "repository:private/app:pull").await;
    fixture.clock.advance(std::time::Duration::from_secs(3600));
    let ended = get(&fixture, "/v2/private/app/manifests/v1", Some(&pull)).await;
    assert_eq!(ended.status, StatusCode::UNAUTHORIZED);
    assert!(ended.header("www-authenticate").ends_with(r#"scope="repository:private/app:pull""#));
}
