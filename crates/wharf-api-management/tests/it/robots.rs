//! Robot accounts.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use wharf_identity::Openness;

use crate::fixture::{Answer, Fixture, basic};

const ROBOTS: &str = "/api/v1/projects/shop/robots";

async fn shop() -> Fixture {
    let fixture = Fixture::open().await;
    fixture.project("shop", Openness::Private).await;
    fixture
}

async fn me(fixture: &Fixture, login: &str, secret: &str) -> Answer {
    let request = Request::get("/api/v1/me").header("authorization", basic(login, secret));
    fixture.send(request.body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn a_robot_s_secret_is_shown_once_and_logs_in() {
    let fixture = shop().await;
    let robot = json!({
        "name": "ci", "permissions": ["push", "pull"], "repositories": ["shop/app", "shop/team-*/**"],
        "expires_at": "2027-01-01T00:00:00+01:00",
    });
    let made = fixture.ask("owner", "POST", ROBOTS, robot).await;
    let mut robot = made.done(201);
    assert_eq!(made.header("location"), "/api/v1/projects/shop/robots/ci");
    let secret = robot["secret"].take().as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("wharf_robot_"), "{secret}");
    assert_eq!(made.header("cache-control"), "no-store");

    let shown = fixture.get("owner", &format!("{ROBOTS}/ci")).await.done(200);
    let wanted = json!({
        "name": "ci", "login": "shop+ci", "permissions": ["pull", "push"],
        "repositories": ["shop/app", "shop/team-*/**"], "expires_at": "2026-12-31T23:00:00Z",
        "is_disabled": false, "created_at": "2026-01-01T00:00:00Z",
    });
    assert_eq!(shown, wanted);
    let whoami = json!({ "kind": "robot", "name": "shop+ci", "system_role": null });
    assert_eq!(me(&fixture, "shop+ci", &secret).await.done(200), whoami);
}

#[tokio::test]
async fn rotating_disabling_and_deleting_end_a_secret() {
    let fixture = shop().await;
    let new = json!({ "name": "ci", "permissions": ["pull"] });
    let first = fixture.ask("owner", "POST", ROBOTS, new).await.done(201);
    let rotated = fixture.ask("owner", "POST", &format!("{ROBOTS}/ci/secret"), Value::Null).await.done(200);
    assert_eq!(rotated["login"], "shop+ci");
    let secret = |document: &Value| document["secret"].as_str().expect("a secret").to_owned();
    me(&fixture, "shop+ci", &secret(&first)).await.refused(401);
    me(&fixture, "shop+ci", &secret(&rotated)).await.done(200);

    let disabled = fixture.ask("owner", "PATCH", &format!("{ROBOTS}/ci"), json!({ "is_disabled": true })).await;
    assert_eq!(disabled.done(200)["is_disabled"], true);
    me(&fixture, "shop+ci", &secret(&rotated)).await.refused(401);
    fixture.ask("owner", "PATCH", &format!("{ROBOTS}/ci"), json!({ "is_disabled": false })).await.done(200);
    me(&fixture, "shop+ci", &secret(&rotated)).await.done(200);

    fixture.ask("owner", "DELETE", &format!("{ROBOTS}/ci"), Value::Null).await.done(204);
    me(&fixture, "shop+ci", &secret(&rotated)).await.refused(401);
    fixture.get("owner", &format!("{ROBOTS}/ci")).await.refused(404);
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name_and_null_takes_the_end_away() {
    let fixture = shop().await;
    let new = json!({ "name": "ci", "permissions": ["pull"], "expires_at": "2027-01-01T00:00:00Z" });
    fixture.ask("owner", "POST", ROBOTS, new).await.done(201);
    let change = async |body| fixture.ask("owner", "PATCH", &format!("{ROBOTS}/ci"), body).await;
    let changed = change(json!({ "permissions": ["delete"], "repositories": ["shop/x"] })).await.done(200);
    assert_eq!(changed["expires_at"], "2027-01-01T00:00:00Z");
    assert_eq!((&changed["permissions"], &changed["repositories"]), (&json!(["delete"]), &json!(["shop/x"])));
    let changed = change(json!({ "expires_at": null, "repositories": [] })).await.done(200);
    assert_eq!((&changed["permissions"], &changed["repositories"]), (&json!(["delete"]), &json!([])));
    assert_eq!(changed["expires_at"], Value::Null);
    assert!(change(json!({ "expires_at": "2020-01-01T00:00:00Z" })).await.refused(400).contains("past"));
    assert!(change(json!({ "repositories": ["other/x"] })).await.refused(400).contains("beginning with `shop/`"));
    assert!(change(json!({ "permissions": ["fly"] })).await.refused(400).contains("unknown variant"));
}
