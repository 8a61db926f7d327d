//! Signing keys, the audit log, and which server this is.

use serde_json::{Value, json};

use crate::fixture::Fixture;

#[tokio::test]
async fn keys_are_rotated_gently_or_at_once() {
    let fixture = Fixture::open().await;
    let rotate = async |retirement: &str| {
        let body = json!({ "retirement": retirement });
        let answer = fixture.ask("administrator", "POST", "/api/v1/keys", body).await.done(200);
        answer["id"].as_str().expect("an id").to_owned()
    };
    let keys = async || fixture.get("auditor", "/api/v1/keys").await.done(200)["entries"].clone();
    let first = rotate("when_tokens_end").await;
    let second = rotate("when_tokens_end").await;
    let listed = keys().await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let retired = |id: &str| {
        let mut entries = listed.as_array().expect("entries").iter();
        entries.find(|key| key["id"] == id).expect("listed")["retired_at"].clone()
    };
    assert_eq!((retired(&first), retired(&second)), (json!("2026-01-01T00:00:00Z"), Value::Null));
    let third = rotate("at_once").await;
    let created_at = "2026-01-01T00:00:00Z";
    assert_eq!(keys().await, json!([{ "id": third, "created_at": created_at, "retired_at": null }]));
    fixture.ask("administrator", "POST", "/api/v1/keys", json!({ "retirement": "never" })).await.refused(400);
}

#[tokio::test]
async fn data_keys_are_listed_rotated_and_wrapped_anew() {
    let fixture = Fixture::open().await;
    let keys = async || fixture.get("auditor", "/api/v1/data-keys").await.done(200)["entries"].clone();
    let made = fixture.ask("administrator", "POST", "/api/v1/data-keys", json!({ "purpose": "blobs" })).await.done(200);
    let listed = keys().await;
    let entry = listed.as_array().expect("entries").iter().find(|key| key["id"] == made["id"]).expect("is listed");
    assert_eq!((&entry["purpose"], &entry["retired_at"]), (&json!("blobs"), &Value::Null));
    let secrets = listed.as_array().expect("entries").iter().flat_map(|key| key.as_object().expect("an object").keys());
    assert!(
        secrets.into_iter().all(|name| ["id", "purpose", "master_key", "created_at", "retired_at"].contains(&&**name))
    );
    let wanted = json!({ "master_key": entry["master_key"], "rewrapped": 0 });
    assert_eq!(fixture.ask("administrator", "POST", "/api/v1/data-keys/rewrap", Value::Null).await.done(200), wanted);
    fixture.ask("administrator", "POST", "/api/v1/data-keys", json!({ "purpose": "tokens" })).await.refused(400);
    fixture.ask("auditor", "POST", "/api/v1/data-keys/rewrap", Value::Null).await.refused(403);
}

#[tokio::test]
async fn the_audit_log_says_who_did_what_and_never_a_secret() {
    let fixture = Fixture::open().await;
    let secret = "a password that must not be told";
    let user = json!({ "name": "alice", "password": secret });
    let made = fixture.ask("administrator", "POST", "/api/v1/users", user).await;
    made.done(201);
    let body = json!({ "password": format!("{secret}!") });
    fixture.ask("administrator", "PUT", "/api/v1/users/alice/password", body).await.done(204);

    let log = fixture.get("auditor", "/api/v1/audit?object=alice").await;
    assert!(!String::from_utf8_lossy(&log.body).contains(secret));
    let log = log.done(200);
    let actions: Vec<_> = log["entries"].as_array().expect("entries").iter().map(|row| row["action"].clone()).collect();
    assert_eq!(actions, ["user.set_password", "user.create"]);
    let row = &log["entries"][1];
    assert_eq!((&row["caller"], &row["caller_kind"]), (&json!("administrator"), &json!("user")));
    assert_eq!(
        (&row["outcome"], &row["details"]),
        (&json!("succeeded"), &json!({ "after": { "system_role": null, "is_disabled": false } }))
    );
    assert_eq!(row["request_id"].as_str().map(str::len), Some(32));
    fixture.get("guest", "/api/v1/audit").await.refused(403);
}

#[tokio::test]
async fn the_server_says_its_version_to_who_has_logged_in() {
    let fixture = Fixture::open().await;
    let environments = ["d", "t", "s1", "s2", "p"];
    let wanted = json!({ "version": "1.2.3", "service": "wharf", "environments": environments, "is_open": false });
    assert_eq!(fixture.get("stranger", "/api/v1/server").await.done(200), wanted);
    fixture.get("anonymous", "/api/v1/server").await.refused(401);
}
