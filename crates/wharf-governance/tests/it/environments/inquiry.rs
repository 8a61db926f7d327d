//! A foreign system is asked about a promotion, answers at once or later, and nothing goes on before it has.

use serde_json::{Value, json};
use wharf_context::{Caller, Context, Grants, RequestId};
use wharf_governance::Error;
use wharf_governance::gate::Outcome;
use wharf_governance::inquiry::{Answer, Decision};
use wharf_governance::promotion::State;
use wharf_governance::webhook::{NewWebhook, Template, WebhookChange};

use super::fixture::{Fixture, user, wanted, warrant};
use crate::receiver::{Behaviour, Receiver};
use crate::webhook::{named, ports};

/// With a webhook `itsm` to a receiver, which the way to `t` asks.
async fn open(receiver: &Receiver) -> Fixture {
    let mut fixture = Fixture::open().await;
    let ports = ports(&fixture.database, &["127.0.0.0/8"]).await;
    fixture.governance = fixture.governance.with_webhooks(ports);
    let new = NewWebhook {
        name: named("itsm"),
        url: receiver.url(),
        events: vec!["inquiry.asked".to_owned()],
        repositories: Vec::new(),
        template: Template::CloudEvents,
        git_ref: None,
        credential: None,
    };
    fixture.governance.create_webhook(&user("olga"), &warrant(), &new).await.expect("made");
    let gates = json!([{ "name": "external", "webhook": "itsm", "url": receiver.url() }]);
    let way = json!({ "gates": gates, "approvals": [{ "role": "maintainer" }] });
    let policy = json!({ "environments": { "ladder": [{ "name": "d" }, { "name": "t", "promotion": way }] } });
    fixture.policy(&policy.to_string()).await;
    fixture.push("pay/app", "v1", "one").await;
    fixture
}

fn stranger() -> Context {
    Context::new(Caller::anonymous(), RequestId::generate(), None, Grants::default())
}

fn says(decision: Decision, reason: &str) -> Answer {
    Answer { decision, reason: reason.to_owned() }
}

#[tokio::test]
async fn a_promotion_waits_until_the_system_that_is_asked_calls_back_with_its_token() {
    let receiver = Receiver::start(Behaviour::status("202 Accepted")).await;
    let fixture = open(&receiver).await;
    let found = fixture.governance.eligibility(&warrant(), &wanted(("pay/app", "v1"), "t")).await.expect("asked");
    assert!(!found.is_eligible && found.gates.iter().any(|gate| gate.outcome == Outcome::Pending), "{found:?}");
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    assert_eq!(asked.state, State::Checking);
    fixture.governance.deliver_due().await.expect("sends");
    let received = receiver.received();
    assert_eq!(received.len(), 1, "nobody is asked by a look, and once by a request");
    let question: Value = serde_json::from_slice(&received[0].body).expect("JSON");
    let data = &question["data"];
    assert_eq!((&question["type"], &data["promotion"]), (&json!("dev.wharf.inquiry.asked.v1"), &json!(asked.id)));
    assert!(!received[0].header("webhook-signature").is_empty());
    let id = data["callback"].as_str().and_then(|url| url.rsplit('/').next()).expect("an address");
    let token = data["token"].as_str().expect("a token");
    let answer = async |token: &str| {
        let yes = says(Decision::Allow, "CHG-7");
        fixture.governance.answer_inquiry(&stranger(), id, token, &yes).await
    };
    assert!(matches!(answer("AAAA").await, Err(Error::InquiryUnknown { .. })));
    answer(token).await.expect("taken");
    assert!(matches!(answer(token).await, Err(Error::InquiryAnswered { .. })), "a token is good once");
    let ready = fixture.run_jobs_until(&asked, State::Awaiting).await;
    let gate = ready.gates.iter().find(|gate| gate.gate == "external").expect("it was asked");
    assert!(gate.outcome == Outcome::Pass && gate.reason.contains("CHG-7"), "{gate:?}");
    assert_eq!(fixture.approve("ada", &ready).await.expect("approved").state, State::Done);
}

#[tokio::test]
async fn a_no_that_comes_at_once_blocks() {
    let body = r#"{"decision":"deny","reason":"CHG-7 is not approved"}"#;
    let receiver = Receiver::start(Behaviour { body, ..Behaviour::status("200 OK") }).await;
    let fixture = open(&receiver).await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    fixture.governance.deliver_due().await.expect("sends");
    let blocked = fixture.run_jobs_until(&asked, State::Blocked).await;
    assert!(blocked.explanation.contains("CHG-7 is not approved"), "{}", blocked.explanation);
}

#[tokio::test]
async fn a_system_that_does_not_answer_is_waited_for_and_another_than_the_policy_names_is_not_asked() {
    let receiver = Receiver::start(Behaviour::status("503 Service Unavailable")).await;
    let fixture = open(&receiver).await;
    let change = WebhookChange { url: Some("http://127.0.0.1:9/mine".to_owned()), ..WebhookChange::default() };
    let edit = async |url: &str| {
        let change = WebhookChange { url: Some(url.to_owned()), ..change.clone() };
        fixture.governance.update_webhook(&user("olga"), &warrant(), &named("itsm"), &change).await.expect("changed");
    };
    edit("http://127.0.0.1:9/mine").await;
    let asked = fixture.ask("asker", ("pay/app", "v1"), "t").await.expect("asked for");
    assert_eq!(asked.state, State::Blocked);
    assert!(asked.gates.iter().any(|gate| gate.reason.contains("goes elsewhere")), "{asked:?}");
    edit(&receiver.url()).await;
    let checked = fixture.governance.check_promotion(&user("asker"), &warrant(), &asked.id).await.expect("checked");
    assert_eq!(checked.state, State::Checking);
    fixture.governance.deliver_due().await.expect("sends");
    let checked = fixture.governance.check_promotion(&user("asker"), &warrant(), &asked.id).await.expect("checked");
    assert_eq!((checked.state, receiver.received().len()), (State::Checking, 1), "asked once, and waiting");
}
