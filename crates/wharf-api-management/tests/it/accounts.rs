//! Users and groups: their lives, passwords, and what throttling says.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use wharf_identity::Limit;

use crate::fixture::{Answer, Fixture, PASSWORD, basic};

async fn me(fixture: &Fixture, name: &str, password: &str) -> Answer {
    let request = Request::get("/api/v1/me").header("authorization", basic(name, password));
    fixture.send(request.body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn a_user_is_made_changed_and_deleted() {
    let fixture = Fixture::open().await;
    let new = json!({ "name": "Alice", "password": PASSWORD, "system_role": "auditor" });
    let made = fixture.ask("administrator", "POST", "/api/v1/users", new.clone()).await;
    assert_eq!(made.header("location"), "/api/v1/users/alice");
    let wanted = json!({
        "name": "alice", "system_role": "auditor", "is_disabled": false, "has_password": true,
        "created_at": "2026-01-01T00:00:00Z",
    });
    assert_eq!(made.done(201), wanted);
    assert!(fixture.ask("administrator", "POST", "/api/v1/users", new).await.refused(409).contains("exists"));
    let whoami = json!({ "kind": "user", "name": "alice", "system_role": "auditor" });
    assert_eq!(me(&fixture, "alice", PASSWORD).await.done(200), whoami);

    let change = async |body| fixture.ask("administrator", "PATCH", "/api/v1/users/alice", body).await.done(200);
    assert_eq!(change(json!({ "is_disabled": true })).await["system_role"], "auditor");
    me(&fixture, "alice", PASSWORD).await.refused(401);
    assert_eq!(change(json!({ "is_disabled": false, "system_role": null })).await["system_role"], Value::Null);
    me(&fixture, "alice", PASSWORD).await.done(200);
    fixture.ask("administrator", "DELETE", "/api/v1/users/alice", Value::Null).await.done(204);
    fixture.get("administrator", "/api/v1/users/alice").await.refused(404);
    me(&fixture, "alice", PASSWORD).await.refused(401);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let fixture = Fixture::open().await;
    let path = "/api/v1/users/administrator";
    for (method, body) in
        [("DELETE", Value::Null), ("PATCH", json!({ "is_disabled": true })), ("PATCH", json!({ "system_role": null }))]
    {
        let refused = fixture.ask("administrator", method, path, body).await;
        assert!(refused.refused(409).contains("last administrator"));
    }
}

#[tokio::test]
async fn passwords_are_set_by_administrators_and_changed_by_their_owners() {
    let fixture = Fixture::open().await;
    let (second, third) = ("a second good password", "a third good password");
    let set = async |password: &str| {
        let body = json!({ "password": password });
        fixture.ask("administrator", "PUT", "/api/v1/users/stranger/password", body).await
    };
    set("short").await.refused(400);
    set(second).await.done(204);
    me(&fixture, "stranger", PASSWORD).await.refused(401);
    let change = async |present: &str| {
        let body = Body::from(json!({ "present": present, "new": third }).to_string());
        let request = Request::put("/api/v1/me/password").header("content-type", "application/json");
        let request = request.header("authorization", basic("stranger", second));
        fixture.send(request.body(body).expect("a request")).await
    };
    change("a wrong password").await.refused(401);
    change(second).await.done(204);
    me(&fixture, "stranger", second).await.refused(401);
    me(&fixture, "stranger", third).await.done(200);
    fixture.ask("administrator", "DELETE", "/api/v1/users/stranger/refresh-tokens", Value::Null).await.done(204);
}

#[tokio::test]
async fn guessing_is_answered_with_a_wait_and_tells_nothing() {
    let account_limit = Limit { burst: 2, ..wharf_identity::Settings::default().account_limit };
    let fixture = Fixture::with(wharf_identity::Settings { account_limit, ..Default::default() }).await;
    let mut answers = Vec::new();
    for name in ["guest", "nobody"] {
        for _ in 0..2 {
            let wrong = me(&fixture, name, "a wrong password").await;
            assert!(wrong.header("www-authenticate").starts_with("Bearer realm="), "no browser asks its user");
            answers.push(wrong.refused(401));
        }
        let throttled = me(&fixture, name, "a wrong password").await;
        assert_eq!(throttled.header("retry-after"), "30");
        throttled.refused(429);
    }
    answers.dedup();
    assert_eq!(answers, ["user name or password is wrong"]);
}

#[tokio::test]
async fn an_htpasswd_file_becomes_users_all_or_none() {
    let fixture = Fixture::open().await;
    let import = async |text: &str| {
        let body = json!({ "htpasswd": text });
        fixture.ask("administrator", "POST", "/api/v1/imports/htpasswd", body).await
    };
    let hash = "$2y$05$01234567890123456789012345678901234567890123456789012";
    let good = format!("# users\nbob:{hash}\nguest:{hash}\n");
    assert!(import(&format!("{good}eve:{{SHA}}x\n")).await.refused(400).contains("line 4"));
    fixture.get("administrator", "/api/v1/users/bob").await.refused(404);
    assert_eq!(import(&good).await.done(200), json!({ "created": ["bob"], "existing": ["guest"] }));
    fixture.get("administrator", "/api/v1/users/bob").await.done(200);
    import(&"#\n".repeat(400_000)).await.done(200);
    assert!(import(&"#".repeat(1_048_577)).await.refused(400).contains("at most 1048576 bytes"));
    import(&"#".repeat(2_097_152)).await.refused(413);
}

#[tokio::test]
async fn a_group_s_users_have_its_role() {
    let fixture = Fixture::open().await;
    fixture.project("shop", wharf_identity::Openness::Private).await;
    let admin = async |method: &str, path: &str, body| fixture.ask("administrator", method, path, body).await;
    let made = admin("POST", "/api/v1/groups", json!({ "name": "team" })).await;
    assert_eq!(made.header("location"), "/api/v1/groups/team");
    assert_eq!(made.done(201), json!({ "name": "team", "created_at": "2026-01-01T00:00:00Z" }));
    admin("POST", "/api/v1/groups", json!({ "name": "team" })).await.refused(409);

    admin("PUT", "/api/v1/projects/shop/members/group:team", json!({ "role": "owner" })).await.done(200);
    admin("PUT", "/api/v1/groups/team/users/stranger", Value::Null).await.done(204);
    admin("PUT", "/api/v1/groups/team/users/stranger", Value::Null).await.done(204);
    admin("PUT", "/api/v1/groups/team/users/nobody", Value::Null).await.refused(404);
    assert_eq!(fixture.get("stranger", "/api/v1/projects/shop").await.done(200)["role"], "owner");
    let users = admin("GET", "/api/v1/groups/team/users", Value::Null).await.done(200);
    assert_eq!(users, json!({ "entries": [{ "name": "stranger" }], "next": null }));

    admin("DELETE", "/api/v1/groups/team/users/stranger", Value::Null).await.done(204);
    fixture.get("stranger", "/api/v1/projects/shop").await.refused(404);
    admin("DELETE", "/api/v1/groups/team", Value::Null).await.done(204);
    admin("GET", "/api/v1/groups/team", Value::Null).await.refused(404);
}
