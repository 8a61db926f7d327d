//! The access table: every route, as everybody. It is reviewed text (`tests/golden/access.txt`; `UPDATE_GOLDEN=1`
//! writes it anew), and it fails when a route comes without a line.

use serde_json::{Value, json};
use wharf_api_management::{ROUTES, Route};
use wharf_context::Warrant;
use wharf_governance::webhook::{NewWebhook, Template};
use wharf_identity::{Openness, Retirement};

use crate::fixture::{CALLERS, Fixture, PASSWORD, system};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/access.txt");

#[tokio::test]
async fn everybody_may_do_what_the_table_says() {
    let fixture = Fixture::open().await;
    let table = table(&fixture).await;
    if std::env::vars_os().any(|(name, _)| name == "UPDATE_GOLDEN") {
        std::fs::write(GOLDEN, &table).expect("the golden file is written");
    }
    let golden = std::fs::read_to_string(GOLDEN).expect("the golden file is there");
    for (line, (found, wanted)) in table.lines().zip(golden.lines()).enumerate() {
        assert_eq!(found, wanted, "line {} of {GOLDEN}; UPDATE_GOLDEN=1 writes it anew", line + 1);
    }
    assert_eq!(table.lines().count(), golden.lines().count(), "{GOLDEN} has a line for each route");
}

async fn table(fixture: &Fixture) -> String {
    let mut table = format!("{:<64}", "");
    for caller in CALLERS {
        table += &format!(" {caller:>13}");
    }
    table.push('\n');
    for route in ROUTES {
        let kinds: &[_] = if route.path.contains("{project}") {
            &[("private", Openness::Private), ("public", Openness::Public)]
        } else {
            &[("", Openness::Private)]
        };
        for (kind, openness) in kinds {
            let line = format!("{} {} {kind}", route.verb.method(), route.path);
            table += &format!("{line:<64}");
            for caller in CALLERS {
                table += &format!(" {:>13}", status(fixture, route, *openness, caller).await);
            }
            table.push('\n');
        }
    }
    table
}

/// What one caller is answered, on things that were made for this one request.
async fn status(fixture: &Fixture, route: &Route, openness: Openness, caller: &str) -> u16 {
    let nonce = format!("{}-{}-{caller}", route.operation.replace('_', "-"), openness as u8);
    let project = format!("p-{nonce}");
    fixture.project(&project, openness).await;
    fixture.user(&format!("u-{nonce}"), None).await;
    let group = format!("g-{nonce}").parse().expect("valid");
    fixture.identity.create_group(&system(), &group).await.expect("group is made");
    let delivery = if route.path.contains("{webhook}") { webhook(fixture, &project).await } else { 0 };
    let path = route
        .path
        .replace("{webhook}", "hook")
        .replace("{hook}", "git")
        .replace("{delivery}", &delivery.to_string())
        .replace("{project}", &project)
        .replace("{member}", if route.operation == "delete_member" { "user:guest" } else { "user:stranger" })
        .replace("{robot}", "robot")
        .replace("{user}", &format!("u-{nonce}"))
        .replace("{group}", &format!("g-{nonce}"))
        .replace("{role}", &format!("r-{nonce}"))
        .replace("{person}", &format!("h-{nonce}"))
        .replace("{account}", "stranger")
        .replace("{assignment}", "1")
        .replace("{job}", "1")
        .replace("{rebuild}", "1")
        .replace("{environment}", "t")
        .replace("{promotion}", "0192f0c1-2345-7890-abcd-000000000000")
        .replace("{release}", "1.0")
        .replace("{inquiry}", "0192f0c1-2345-7890-abcd-000000000000")
        .replace("{remote}", "far")
        .replace("{exception}", "1")
        .replace("{hold}", "1")
        .replace("{run}", "1")
        .replace("{digest}", &format!("sha256:{}", "0".repeat(64)));
    let path = match route.operation {
        "tag_history" => format!("{path}?repository={project}%2Fapp&tag=v1"),
        "differences" => format!("{path}?with=p"),
        "eligibility" => format!("{path}?repository=p/app&reference=v1&to=t"),
        "history" => format!("{path}?repository=p/app"),
        "explain_access" => format!("{path}?who=stranger&action=pull&on={project}/app"),
        "delete_reservation" => format!("{path}?pattern={project}/**"),
        _ => path,
    };
    let caller = if caller == "robot" { format!("{project}+robot") } else { caller.to_owned() };
    let body = body(route.operation, &nonce);
    fixture.ask(&caller, route.verb.method().as_str(), &path, body).await.status.as_u16()
}

/// Makes a webhook with a delivery that waits; the delivery's number.
async fn webhook(fixture: &Fixture, project: &str) -> i64 {
    let name = project.parse().expect("valid");
    let project = fixture.identity.get_project(&system(), &name).await.expect("a project").0;
    let (warrant, hook) = (Warrant::granted(project.id, name), "hook".parse().expect("valid"));
    let new = NewWebhook {
        name: hook,
        url: "https://ci.example.com/".to_owned(),
        events: Vec::new(),
        repositories: Vec::new(),
        template: Template::CloudEvents,
        git_ref: None,
        credential: None,
    };
    fixture.governance.create_webhook(&system(), &warrant, &new).await.expect("a webhook");
    fixture.governance.test_webhook(&system(), &warrant, &new.name).await.expect("a delivery").id
}

/// A body that the route takes.
fn body(operation: &str, nonce: &str) -> Value {
    match operation {
        "put_hook" => json!({ "sender": "gitlab" }),
        "create_webhook" => json!({ "name": "another", "url": "https://ci.example.com/" }),
        "update_webhook" => json!({ "is_disabled": true }),
        "request_promotion" => json!({ "repository": "p/app", "reference": "v1", "to": "t" }),
        "request_rollback" => json!({ "environment": "t", "repository": "p/app" }),
        "request_emergency" => json!({ "repository": "p/app", "reference": "v1", "to": "t", "reason": "fire" }),
        "approve_promotion" | "reject_promotion" => {
            json!({ "digest": format!("sha256:{}", "0".repeat(64)), "comment": "why" })
        }
        "create_release" => json!({ "version": "1.0", "items": [{ "repository": "p/app", "reference": "v1" }] }),
        "put_release" => json!({ "items": [{ "repository": "p/app", "reference": "v1" }] }),
        "close_review" => json!({ "conclusion": "seen" }),
        "grant_exception" => {
            json!({ "gate": "size", "reason": "why", "owner": "who", "until": "2999-01-01T00:00:00Z" })
        }
        "make_evidence" => json!({ "repository": "p/app" }),
        "answer_inquiry" => json!({ "token": "AAAA", "decision": "allow" }),
        "put_remote" => json!({ "url": "https://far.example.com" }),
        "put_custom_role" | "put_project_role" => json!({ "powers": ["pull"] }),
        "create_assignment" => json!({ "holder": "user:stranger", "role": "developer", "tags": ["1.*"] }),
        "put_reservation" => json!({ "pattern": format!("p-{nonce}/base-*"), "role": "developer" }),
        "create_person" => json!({ "name": format!("new-{nonce}") }),
        "set_hold" => json!({ "kind": "legal", "repository": format!("p-{nonce}/app"), "reason": "a court" }),
        "lift_hold" => json!({ "reason": "it is over" }),
        "start_retention" => json!({ "is_plan": true }),
        "report_running" => json!({ "project": format!("p-{nonce}"), "containers": [{
            "host": "h", "container": "c", "digest": format!("sha256:{}", "0".repeat(64)), "started_at": "2025-12-31T00:00:00Z" }] }),
        "put_policy" => json!({ "policy": {} }),
        "allocate_version" => json!({ "repository": format!("p-{nonce}/app") }),
        "void_version" => json!({ "version": "20260101_01", "reason": "nobody needs it" }),
        "change_password" => json!({ "present": PASSWORD, "new": PASSWORD }),
        "create_project" => json!({ "name": format!("new-{nonce}") }),
        "update_project" => json!({ "is_public": true }),
        "put_member" => json!({ "role": "developer" }),
        "create_robot" => json!({ "name": "another", "permissions": ["pull"] }),
        "update_robot" | "update_user" => json!({ "is_disabled": true }),
        "create_user" | "create_group" => json!({ "name": format!("new-{nonce}") }),
        "set_password" => json!({ "password": PASSWORD }),
        "import_htpasswd" => json!({ "htpasswd": "" }),
        "rotate_keys" => json!({ "retirement": "when_tokens_end" }),
        "rotate_data_key" => json!({ "purpose": "blobs" }),
        "set_quota" => json!({ "bytes": { "hard": 1 } }),
        "restore" => json!({ "repository": format!("p-{nonce}/app"), "tag": "v1" }),
        "empty_bin" => json!({ "repository": format!("p-{nonce}/app") }),
        "answer_rebuild" | "ask_standard_check" => json!({ "repository": format!("p-{nonce}/app"), "reference": "v1" }),
        "start_fsck" => json!({}),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn a_token_manages_only_when_it_was_issued_for_that() {
    use wharf_identity::{Credentials, Secret, TokenRequest};
    let fixture = Fixture::open().await;
    fixture.identity.rotate_keys(&system(), Retirement::AtOnce).await.expect("a key");
    let token = async |scope: &str| {
        let credentials = Credentials::Basic { username: "administrator".to_owned(), password: Secret::new(PASSWORD) };
        let scopes = scope.parse().map(|scope| vec![scope]).expect("a scope");
        let request = TokenRequest { credentials, remote: None, service: None, scopes, offline: false };
        fixture.identity.issue_token(request).await.expect("a token").token.expose().to_owned()
    };
    let users = async |token: String| {
        let request = axum::http::Request::get("/api/v1/users").header("authorization", format!("Bearer {token}"));
        fixture.send(request.body(axum::body::Body::empty()).expect("a request")).await
    };
    users(token("registry:management:*").await).await.done(200);
    let refused = users(token("repository:p/app:pull").await).await;
    refused.refused(401);
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains(r#"scope="registry:management:*",error="insufficient_scope""#), "{challenge}");
    let refused = users("no.such.token".to_owned()).await;
    refused.refused(401);
    assert!(refused.header("www-authenticate").contains(r#"error="invalid_token""#));
}
