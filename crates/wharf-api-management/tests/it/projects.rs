//! Projects and their members.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use wharf_identity::Openness;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_project_is_made_changed_and_deleted() {
    let fixture = Fixture::open().await;
    let made = fixture.ask("administrator", "POST", "/api/v1/projects", json!({ "name": "shop" })).await;
    let project = made.done(201);
    assert_eq!(made.header("location"), "/api/v1/projects/shop");
    assert_eq!(project, json!({ "name": "shop", "is_public": false, "created_at": "2026-01-01T00:00:00Z" }));

    fixture.get("stranger", "/api/v1/projects/shop").await.refused(404);
    let changed = fixture.ask("administrator", "PATCH", "/api/v1/projects/shop", json!({ "is_public": true })).await;
    assert_eq!(changed.done(200)["is_public"], true);
    fixture.get("stranger", "/api/v1/projects/shop").await.done(200);
    let same = fixture.ask("administrator", "PATCH", "/api/v1/projects/shop", json!({})).await;
    assert_eq!(same.done(200)["is_public"], true);

    fixture.projects_are_used.0.store(true, Ordering::Relaxed);
    let refused = fixture.ask("administrator", "DELETE", "/api/v1/projects/shop", Value::Null).await;
    assert!(refused.refused(409).contains("has repositories"));
    fixture.projects_are_used.0.store(false, Ordering::Relaxed);
    fixture.ask("administrator", "DELETE", "/api/v1/projects/shop", Value::Null).await.done(204);
    fixture.get("administrator", "/api/v1/projects/shop").await.refused(404);
}

#[tokio::test]
async fn a_project_has_a_name_of_its_own() {
    let fixture = Fixture::open().await;
    fixture.project("taken", Openness::Private).await;
    let create =
        async |name: &str| fixture.ask("administrator", "POST", "/api/v1/projects", json!({ "name": name })).await;
    assert!(create("taken").await.refused(409).contains("exists already"));
    assert!(create("s1").await.refused(400).contains("reserved for an environment"));
    for bad in ["", "A", "a/b", "a..b", "ä", "a\u{0}"] {
        create(bad).await.refused(400);
    }
}

#[tokio::test]
async fn a_caller_lists_what_they_see_with_their_role_in_each_one() {
    let fixture = Fixture::open().await;
    fixture.project("hidden", Openness::Private).await;
    fixture.project("open", Openness::Public).await;
    let names = async |caller: &str| {
        let listed = fixture.get(caller, "/api/v1/projects").await.done(200);
        listed["entries"].as_array().expect("entries").iter().map(|entry| entry["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("anonymous").await, ["open"]);
    assert_eq!(names("stranger").await, ["open"]);
    assert_eq!(names("guest").await, ["hidden", "open"]);
    assert_eq!(names("auditor").await, ["hidden", "open"]);
    assert_eq!(fixture.get("guest", "/api/v1/projects/hidden").await.done(200)["role"], "guest");
    assert_eq!(fixture.get("stranger", "/api/v1/projects/open").await.done(200).get("role"), None);
}

#[tokio::test]
async fn a_member_gets_a_role_another_and_none() {
    let fixture = Fixture::open().await;
    fixture.project("shop", Openness::Private).await;
    let members = "/api/v1/projects/shop/members";
    let put = async |member: &str, role: &str| {
        fixture.ask("owner", "PUT", &format!("{members}/{member}"), json!({ "role": role })).await
    };
    let member = put("user:stranger", "guest").await.done(200);
    assert_eq!(member, json!({ "member": "user:stranger", "role": "guest", "since": "2026-01-01T00:00:00Z" }));
    assert_eq!(put("user:stranger", "maintainer").await.done(200)["role"], "maintainer");
    fixture.get("stranger", "/api/v1/projects/shop").await.done(200);

    assert!(put("user:nobody", "guest").await.refused(404).contains("user `nobody`"));
    assert!(put("group:nobody", "guest").await.refused(404).contains("group `nobody`"));
    assert!(put("user:stranger", "king").await.refused(400).contains("`guest`, `developer`"));
    put("stranger", "guest").await.refused(400);

    let remove = async || fixture.ask("owner", "DELETE", &format!("{members}/user:stranger"), Value::Null).await;
    remove().await.done(204);
    assert!(remove().await.refused(404).contains("is not a member"));
    fixture.get("stranger", "/api/v1/projects/shop").await.refused(404);
    let listed = fixture.get("guest", members).await.done(200);
    let listed = listed["entries"].as_array().expect("entries").iter().map(|entry| entry["member"].clone());
    assert_eq!(listed.collect::<Vec<_>>(), ["user:developer", "user:guest", "user:maintainer", "user:owner"]);
}

#[tokio::test]
async fn in_open_mode_everybody_makes_projects() {
    let settings = wharf_identity::Settings { is_open: true, ..wharf_identity::Settings::default() };
    let fixture = Fixture::with(settings).await;
    fixture.ask("anonymous", "POST", "/api/v1/projects", json!({ "name": "shop" })).await.done(201);
    fixture.get("anonymous", "/api/v1/projects/shop").await.done(200);
    fixture.ask("anonymous", "DELETE", "/api/v1/projects/shop", Value::Null).await.refused(401);
}
