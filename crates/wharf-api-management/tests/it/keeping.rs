//! Holds, what runs, and retention through the API.

use serde_json::json;
use wharf_identity::Openness;

use crate::fixture::Fixture;

const HOLDS: &str = "/api/v1/projects/shop/holds";
const RUNS: &str = "/api/v1/projects/shop/retention/runs";

async fn shop() -> Fixture {
    let fixture = Fixture::open().await;
    fixture.project("shop", Openness::Private).await;
    fixture
}

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

#[tokio::test]
async fn a_hold_is_set_listed_lifted_and_listed_among_the_ended() {
    let fixture = shop().await;
    let new = json!({ "kind": "legal", "repository": "d/shop/web", "digest": digest("a"), "reason": "case 1" });
    let set = fixture.ask("maintainer", "POST", HOLDS, new).await;
    let hold = set.done(201);
    assert_eq!(set.header("location"), "/api/v1/projects/shop/holds/1");
    assert_eq!((&hold["repository"], &hold["digest"]), (&json!("shop/web"), &json!(digest("a"))));
    let listed = fixture.get("guest", &format!("{HOLDS}?repository=shop%2Fweb")).await.done(200);
    assert_eq!(listed["entries"][0]["reason"], "case 1");
    let lifted = fixture.ask("owner", "POST", &format!("{HOLDS}/1/lift"), json!({ "reason": "settled" })).await;
    assert_eq!(lifted.done(200)["lifted_by"], "owner");
    fixture.ask("owner", "POST", &format!("{HOLDS}/1/lift"), json!({ "reason": "twice" })).await.refused(409);
    assert_eq!(fixture.get("guest", HOLDS).await.done(200)["entries"], json!([]));
    assert_eq!(fixture.get("guest", &format!("{HOLDS}?ended=true")).await.done(200)["entries"][0]["hold"], 1);
    for bad in [
        json!({ "kind": "legal", "repository": "other/web", "reason": "x" }),
        json!({ "kind": "other", "repository": "shop/web", "reason": "x" }),
        json!({ "kind": "legal", "repository": "shop/web", "reason": "" }),
        json!({ "kind": "legal", "repository": "shop/web", "tag": "v1", "digest": digest("a"), "reason": "x" }),
    ] {
        fixture.ask("owner", "POST", HOLDS, bad).await.refused(400);
    }
    let no_tag = json!({ "kind": "legal", "repository": "shop/web", "tag": "v1", "reason": "x" });
    fixture.ask("owner", "POST", HOLDS, no_tag).await.refused(404);
}

#[tokio::test]
async fn a_robot_reports_what_runs_and_members_see_it() {
    let fixture = shop().await;
    let container = |container: &str, at: &str| json!({ "host": "node1", "container": container, "digest": digest("a"), "repository": "shop/web", at: "2026-01-01T00:00:00Z" });
    let report =
        json!({ "project": "shop", "containers": [container("a", "started_at"), container("b", "started_at")] });
    let reported = fixture.ask("shop+robot", "POST", "/api/v1/running", report).await.done(200);
    assert_eq!(reported, json!({ "running": 2, "stopped": 0 }));
    let stop = json!({ "project": "shop", "containers": [container("a", "stopped_at")] });
    assert_eq!(fixture.ask("shop+robot", "POST", "/api/v1/running", stop).await.done(200)["stopped"], 1);
    let page = fixture.get("guest", "/api/v1/running?project=shop&limit=1").await.done(200);
    assert_eq!((&page["entries"][0]["container"], &page["next"]), (&json!("a"), &json!("node1|a")));
    let page = fixture.get("guest", "/api/v1/running?project=shop&after=node1%7Ca").await.done(200);
    assert_eq!((&page["entries"][0]["reported_by"], &page["next"]), (&json!("shop+robot"), &json!(null)));
    let everywhere = format!("/api/v1/running?digest={}", digest("a"));
    assert_eq!(fixture.get("auditor", &everywhere).await.done(200)["entries"].as_array().map(Vec::len), Some(2));
    fixture.get("owner", &everywhere).await.refused(403);
    fixture.get("owner", "/api/v1/running").await.refused(400);
    fixture.get("owner", "/api/v1/running?project=shop&after=x").await.refused(400);
    fixture.get("stranger", "/api/v1/running?project=shop").await.refused(404);
}

#[tokio::test]
async fn retention_begins_and_says_how_far_it_is() {
    let fixture = shop().await;
    let plan = fixture.ask("maintainer", "POST", RUNS, json!({ "is_plan": true })).await.done(201);
    assert_eq!((&plan["is_plan"], &plan["state"], &plan["run"]), (&json!(true), &json!("judging"), &json!(1)));
    fixture.ask("maintainer", "POST", RUNS, json!({})).await.done(201);
    fixture.ask("maintainer", "POST", RUNS, json!({})).await.refused(409);
    fixture.ask("maintainer", "POST", RUNS, json!({ "is_plan": true })).await.done(201);
    fixture.ask("developer", "POST", RUNS, json!({ "is_plan": true })).await.refused(403);
    let page = fixture.get("guest", &format!("{RUNS}?limit=2")).await.done(200);
    assert_eq!((&page["entries"][0]["run"], &page["next"]), (&json!(3), &json!("2")));
    assert_eq!(fixture.get("guest", &format!("{RUNS}/2")).await.done(200)["started_by"], "maintainer");
    assert_eq!(fixture.get("guest", &format!("{RUNS}/2/items?action=delete")).await.done(200)["entries"], json!([]));
    fixture.get("guest", &format!("{RUNS}/2/items?action=burn")).await.refused(400);
    fixture.get("guest", &format!("{RUNS}/9")).await.refused(404);
    let why = "/api/v1/projects/shop/retention/why?repository=shop%2Fweb&tag=v1";
    fixture.get("guest", why).await.refused(404);
    fixture.get("guest", "/api/v1/projects/shop/retention/why?repository=other%2Fweb&tag=v1").await.refused(400);
}
