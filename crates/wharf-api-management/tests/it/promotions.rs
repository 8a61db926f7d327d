//! What goes to production, as scripts ask for it: keys of clients, environments, queries that name one thing.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use wharf_identity::Openness;

use crate::fixture::{Answer, Fixture, basic};

async fn grant(fixture: &Fixture, key: &str, reason: &str) -> Answer {
    let body = json!({ "gate": "size", "reason": reason, "owner": "team pay", "until": "2999-01-01T00:00:00Z" });
    let request = Request::post("/api/v1/projects/pay/exceptions")
        .header("host", "registry.example.org")
        .header("authorization", fixture.authorization("owner").expect("somebody"))
        .header("content-type", "application/json")
        .header("idempotency-key", key);
    fixture.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

#[tokio::test]
async fn a_request_that_is_sent_again_with_its_key_is_done_once() {
    let fixture = Fixture::open().await;
    fixture.project("pay", Openness::Private).await;
    let first = grant(&fixture, "k1", "the vendor's driver").await;
    let again = grant(&fixture, "k1", "the vendor's driver").await;
    assert_eq!((first.done(201), first.header("location")), (again.done(201), again.header("location")));
    grant(&fixture, "k1", "something else").await.refused(422);
    grant(&fixture, "a b", "something else").await.refused(400);
    // What failed may be sent again with its key.
    grant(&fixture, "k2", " ").await.refused(400);
    grant(&fixture, "k2", "the vendor's driver").await.done(201);
    let listed = fixture.get("owner", "/api/v1/projects/pay/exceptions").await.done(200);
    assert_eq!(listed["entries"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_robot_for_one_repository_asks_for_that_and_for_no_other() {
    let fixture = Fixture::open().await;
    fixture.project("pay", Openness::Private).await;
    let robot = json!({ "name": "ci", "permissions": ["pull", "push"], "repositories": ["pay/app"] });
    let made = fixture.ask("owner", "POST", "/api/v1/projects/pay/robots", robot).await.done(201);
    let secret = made["secret"].as_str().expect("a secret");
    let send = async |method: &str, path: &str, body: Value| {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/projects/pay/{path}"))
            .header("host", "registry.example.org")
            .header("authorization", basic("pay+ci", secret))
            .header("content-type", "application/json");
        fixture.send(request.body(Body::from(body.to_string())).expect("a request")).await
    };
    let wanted = |repository: &str| json!({ "repository": repository, "reference": "v1", "to": "t" });
    let said = send("POST", "promotions", wanted("pay/app")).await.refused(404);
    assert!(said.contains("does not stand in environment `d`"), "{said}");
    send("GET", "eligibility?repository=pay%2Fapp&reference=v1&to=t", Value::Null).await.refused(404);
    send("POST", "promotions", wanted("pay/web")).await.refused(403);
    send("GET", "eligibility?repository=pay%2Fweb&reference=v1&to=t", Value::Null).await.refused(403);
    // A release may hold more than its repository.
    send("POST", "promotions", json!({ "release": "r1", "to": "t" })).await.refused(403);
}

#[tokio::test]
async fn the_ladder_of_a_project_is_shown_and_what_is_wrong_with_a_question_is_said() {
    let fixture = Fixture::open().await;
    fixture.project("pay", Openness::Private).await;
    let shown = fixture.get("guest", "/api/v1/projects/pay/environments").await.done(200);
    let names: Vec<_> = shown["environments"].as_array().expect("a list").iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["d", "t", "s1", "s2", "p"]);
    let inventory = "/api/v1/projects/pay/environments/t/inventory";
    assert_eq!(fixture.get("guest", inventory).await.done(200)["entries"], json!([]));
    fixture.get("guest", &format!("{inventory}?at=2026-11-30T12:00:00Z&limit=1")).await.done(200);
    fixture.get("guest", &format!("{inventory}?at=yesterday")).await.refused(400);
    fixture.get("guest", "/api/v1/projects/pay/environments/moon/inventory").await.refused(404);
    fixture.get("guest", "/api/v1/projects/pay/promotions?state=awaiting").await.done(200);
    fixture.get("guest", "/api/v1/projects/pay/promotions?state=flying").await.refused(400);
    let both = json!({ "repository": "pay/app", "reference": "v1", "release": "r1", "to": "t" });
    fixture.ask("developer", "POST", "/api/v1/projects/pay/promotions", both).await.refused(400);
    let unknown = json!({ "repository": "pay/app", "reference": "v1", "to": "t" });
    let said = fixture.ask("developer", "POST", "/api/v1/projects/pay/promotions", unknown).await.refused(404);
    assert!(said.contains("does not stand in environment `d`"), "{said}");
}

#[tokio::test]
async fn who_may_ask_for_one_repository_asks_for_that_and_for_no_other() {
    let fixture = Fixture::open().await;
    fixture.project("pay", Openness::Private).await;
    let given = json!({ "holder": "user:stranger", "role": "developer", "repositories": ["pay/app"] });
    fixture.ask("owner", "POST", "/api/v1/projects/pay/assignments", given).await.done(201);
    let ask = async |repository: &str| {
        let wanted = json!({ "repository": repository, "reference": "v1", "to": "t" });
        fixture.ask("stranger", "POST", "/api/v1/projects/pay/promotions", wanted).await
    };
    let said = ask("pay/app").await.refused(404);
    assert!(said.contains("does not stand in environment `d`"), "{said}");
    ask("d/pay/app").await.refused(404);
    ask("pay/web").await.refused(403);
}
