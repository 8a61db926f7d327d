//! Webhooks: an event becomes deliveries, deliveries become requests, and what goes wrong holds up nobody else.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wharf_context::{Event, ProjectId};
use wharf_db::{Job, Worker, WorkerSettings};
use wharf_governance::webhook::{
    self, Delivery, DeliveryState, NewWebhook, SigningSecret, Template, WebhookChange, WebhookName,
};
use wharf_governance::{BoxFuture, Error, Governance, Projects, WebhookPorts};
use wharf_http::outside::SystemNames;
use wharf_http::{Networks, Outside, Settings};
use wharf_oci::ProjectName;
use wharf_testkit::{Database, DbError, Tx, eventually};

use crate::fixture::{people, registry, user, warrant};
use crate::receiver::{Behaviour, Receiver};

const PUSHED: &str = "manifest.pushed";

/// Project `pay` has number 1, and there is no other.
#[derive(Debug)]
struct OnlyPay;

impl Projects for OnlyPay {
    fn find<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        name: &'a ProjectName,
    ) -> BoxFuture<'a, Result<Option<ProjectId>, DbError>> {
        Box::pin(async move { Ok((name.as_str() == "pay").then_some(ProjectId(1))) })
    }

    fn name<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        project: ProjectId,
    ) -> BoxFuture<'a, Result<Option<ProjectName>, DbError>> {
        Box::pin(async move { Ok((project == ProjectId(1)).then(|| "pay".parse().expect("valid"))) })
    }
}

pub(crate) struct Fixture {
    pub(crate) governance: Governance,
    pub(crate) database: Database,
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        Self::with_networks(&["127.0.0.0/8"]).await
    }

    async fn with_networks(allow: &[&str]) -> Self {
        let database = Database::with_subscriptions(vec![webhook::job::subscription()]).await;
        let ports = ports(&database, allow).await;
        let (registry, environments) = (registry(&database), wharf_oci::Environments::default());
        let governance = Governance::new(database.db.clone(), registry, environments, people()).with_webhooks(ports);
        Self { governance, database }
    }

    async fn add(&self, new: NewWebhook) -> SigningSecret {
        self.governance.create_webhook(&user(1), &warrant(), &new).await.expect("made").1
    }

    async fn announce(&self, event: Event) {
        self.database.db.transaction(async |tx| tx.announce(event.clone()).await).await.expect("announced");
        self.fan_out().await;
    }

    async fn push(&self, repository: &str, tag: &str) {
        self.announce(pushed(repository, tag)).await;
    }

    /// Runs the jobs that wait.
    async fn fan_out(&self) {
        let governance = self.governance.clone();
        let handler = move |job: Job| {
            let governance = governance.clone();
            async move { governance.fan_out(&job).await }
        };
        let settings = WorkerSettings { poll: Duration::from_millis(5), ..WorkerSettings::default() };
        let worker = Worker::new(self.database.db.clone(), settings).handle(webhook::job::JOB, handler);
        let idle = async {
            let db = &self.database.db;
            let left =
                async || db.get("SELECT COUNT(*) FROM jobs", &[]).await.expect("read").expect("a row").integer(0);
            eventually("every job is done", async || left().await.expect("a number") == 0).await;
        };
        worker.run(idle).await;
    }

    async fn deliver(&self) {
        self.governance.deliver_due().await.expect("sends");
    }

    async fn deliveries(&self, name: &str) -> Vec<Delivery> {
        let list = self.governance.list_deliveries(&warrant(), &named(name), None, (None, 1000)).await;
        list.expect("a list")
    }
}

/// What webhooks need on a test's catalog, where project `pay` is the only one.
pub(crate) async fn ports(database: &Database, allow: &[&str]) -> WebhookPorts {
    drop(rustls::crypto::ring::default_provider().install_default());
    let settings = Settings { total_timeout: Some(Duration::from_secs(5)), ..Settings::default() };
    let allow = allow.iter().map(|text| text.parse().expect("a network")).collect();
    let outside = Outside::new(&settings, Networks { allow, deny: Vec::new() }, Arc::new(SystemNames));
    let clock = Arc::clone(&database.clock) as _;
    WebhookPorts::new(database.keyring().await, Arc::new(outside.expect("a client")), Arc::new(OnlyPay), clock)
}

pub(crate) fn named(name: &str) -> WebhookName {
    name.parse().expect("a name")
}

fn new(name: &str, url: &str) -> NewWebhook {
    NewWebhook {
        name: named(name),
        url: url.to_owned(),
        events: Vec::new(),
        repositories: Vec::new(),
        template: Template::CloudEvents,
        git_ref: None,
        credential: None,
    }
}

fn pushed(repository: &str, tag: &str) -> Event {
    Event::ManifestPushed {
        repository: repository.to_owned(),
        digest: format!("sha256:{}", "0".repeat(64)),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        tags: vec![tag.to_owned()],
    }
}

#[tokio::test]
async fn a_push_arrives_signed_once_at_who_wants_it() {
    let fixture = Fixture::open().await;
    let (wanting, other) = (
        Receiver::start(Behaviour::status("204 No Content")).await,
        Receiver::start(Behaviour::status("200 OK")).await,
    );
    let secret = fixture.add(NewWebhook { events: vec!["manifest.*".to_owned()], ..new("ci", &wanting.url()) }).await;
    fixture.add(NewWebhook { repositories: vec!["pay/base".to_owned()], ..new("base", &other.url()) }).await;
    fixture.push("pay/app", "1.2").await;
    fixture.push("elsewhere/app", "1.2").await;
    fixture.deliver().await;

    let received = wanting.received();
    let [request] = &received[..] else { panic!("one request: {received:?}") };
    assert_eq!(request.header("content-type"), "application/cloudevents+json");
    let (id, seconds) = (request.header("webhook-id"), request.header("webhook-timestamp").parse().expect("a number"));
    assert!(secret.verify(id, seconds, &request.body, request.header("webhook-signature")));
    let event: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!((&event["id"], &event["type"]), (&json!(id), &json!("dev.wharf.manifest.pushed.v1")));
    assert_eq!(event["data"]["tags"], json!(["1.2"]));
    assert!(other.received().is_empty());

    let deliveries = fixture.deliveries("ci").await;
    let [delivery] = &deliveries[..] else { panic!("one delivery: {deliveries:?}") };
    assert_eq!((delivery.state, delivery.attempts, delivery.last.status), (DeliveryState::Delivered, 1, Some(204)));
    assert_eq!((delivery.event.as_str(), delivery.event_id.as_str()), (PUSHED, id));
    fixture.deliver().await;
    assert_eq!(wanting.received().len(), 1, "it is done");
}

#[tokio::test]
async fn a_receiver_that_fails_gets_the_same_event_later_and_in_the_end_no_more() {
    let fixture = Fixture::open().await;
    let receiver = Receiver::start(Behaviour::status("500 Internal Server Error")).await;
    fixture.add(new("ci", &receiver.url())).await;
    fixture.push("pay/app", "1").await;
    fixture.deliver().await;
    fixture.deliver().await;
    assert_eq!(receiver.received().len(), 1, "not before its time");
    for _ in 0..40 {
        fixture.database.clock.advance(Duration::from_secs(6 * 3600));
        fixture.deliver().await;
    }
    let received = receiver.received();
    let ids: std::collections::BTreeSet<_> = received.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!(ids.len(), 1, "the same id each time");
    let delivery = fixture.deliveries("ci").await.remove(0);
    assert_eq!((delivery.state, delivery.last.status), (DeliveryState::Dead, Some(500)));
    assert_eq!(delivery.last.failure.as_deref(), Some("the receiver answered 500 Internal Server Error"));
    assert_eq!(usize::try_from(delivery.attempts).expect("small"), received.len());

    receiver.behave(Behaviour::status("200 OK"));
    let again =
        fixture.governance.replay_delivery(&user(1), &warrant(), &named("ci"), delivery.id).await.expect("replay");
    assert_eq!((again.replay_of, &again.event_id), (Some(delivery.id), &delivery.event_id));
    fixture.deliver().await;
    assert_eq!(fixture.deliveries("ci").await[0].state, DeliveryState::Delivered);
    let dead = fixture
        .governance
        .list_deliveries(&warrant(), &named("ci"), Some(DeliveryState::Dead), (None, 10))
        .await
        .expect("a list");
    assert_eq!(dead.iter().map(|one| one.id).collect::<Vec<_>>(), [delivery.id]);
}

#[tokio::test]
async fn a_slow_receiver_delays_nobody_else() {
    let fixture = Fixture::open().await;
    let slow = Receiver::start(Behaviour { after: Duration::from_secs(60), ..Behaviour::status("200 OK") }).await;
    let fast = Receiver::start(Behaviour::status("200 OK")).await;
    for number in 0..3 {
        fixture.add(new(&format!("slow-{number}"), &slow.url())).await;
    }
    fixture.add(new("fast", &fast.url())).await;
    let sending = fixture.governance.clone();
    let running = tokio::spawn(async move { sending.run_webhooks().await });
    for number in 0..20 {
        fixture.push("pay/app", &number.to_string()).await;
    }
    eventually("the fast one has all", async || fast.received().len() == 20).await;
    assert!(fixture.deliveries("slow-0").await.iter().all(|one| one.state == DeliveryState::Waiting));
    running.abort();
}

#[tokio::test]
async fn what_was_sent_and_not_written_down_is_sent_again_under_the_same_id() {
    let fixture = Fixture::open().await;
    let receiver = Receiver::start(Behaviour { after: Duration::from_secs(60), ..Behaviour::status("200 OK") }).await;
    fixture.add(new("ci", &receiver.url())).await;
    fixture.push("pay/app", "1").await;
    let sending = fixture.governance.clone();
    // The node dies when the receiver has the event and nothing of that is written down.
    let dying = tokio::spawn(async move { sending.deliver_due().await });
    eventually("it arrives", async || receiver.received().len() == 1).await;
    dying.abort();
    assert!(dying.await.expect_err("it was ended").is_cancelled());
    receiver.behave(Behaviour::status("200 OK"));
    fixture.deliver().await;
    assert_eq!(receiver.received().len(), 1, "the lane is still held");
    fixture.database.clock.advance(Duration::from_secs(61));
    fixture.deliver().await;
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(fixture.deliveries("ci").await[0].state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_job_that_runs_twice_makes_one_delivery() {
    let fixture = Fixture::open().await;
    let receiver = Receiver::start(Behaviour::status("200 OK")).await;
    fixture.add(new("ci", &receiver.url())).await;
    let event = pushed("pay/app", "1");
    fixture.database.db.transaction(async |tx| tx.announce(event.clone()).await).await.expect("announced");
    let governance = fixture.governance.clone();
    let twice = move |job: Job| {
        let governance = governance.clone();
        async move {
            governance.fan_out(&job).await?;
            assert!(governance.fan_out(&job).await.is_err(), "the job has ended");
            Ok::<_, Error>(())
        }
    };
    let worker = Worker::new(fixture.database.db.clone(), WorkerSettings::default()).handle(webhook::job::JOB, twice);
    let made = async || !fixture.deliveries("ci").await.is_empty();
    worker.run(eventually("a delivery is made", made)).await;
    assert_eq!(fixture.deliveries("ci").await.len(), 1);
}

#[tokio::test]
async fn closed_addresses_are_refused_when_made_and_when_connected_to() {
    let fixture = Fixture::with_networks(&[]).await;
    for url in
        ["http://127.0.0.1/", "http://[::ffff:169.254.169.254]/", "http://2130706433/", "ftp://x/", "http://a:b@x/"]
    {
        let refused = fixture.governance.create_webhook(&user(1), &warrant(), &new("x", url)).await;
        assert!(matches!(refused, Err(Error::WebhookInvalid { .. })), "{url}: {refused:?}");
    }
    fixture.add(new("name", "http://localhost:1/")).await;
    fixture.push("pay/app", "1").await;
    fixture.deliver().await;
    let delivery = fixture.deliveries("name").await.remove(0);
    let failure = delivery.last.failure.expect("it failed");
    assert!(failure.contains("loopback"), "{failure}");
    assert_eq!(delivery.state, DeliveryState::Waiting);
}

#[tokio::test]
async fn redirects_are_told_and_not_followed() {
    let fixture = Fixture::open().await;
    let receiver =
        Receiver::start(Behaviour { headers: "location: http://127.0.0.1:1/\r\n", ..Behaviour::status("302 Found") })
            .await;
    fixture.add(new("ci", &receiver.url())).await;
    fixture.push("pay/app", "1").await;
    fixture.deliver().await;
    let failure = fixture.deliveries("ci").await.remove(0).last.failure.expect("it failed");
    assert!(failure.contains("redirects are not followed"), "{failure}");
}

#[tokio::test]
async fn two_secrets_sign_while_one_takes_the_others_place() {
    let fixture = Fixture::open().await;
    let receiver = Receiver::start(Behaviour::status("200 OK")).await;
    let former = fixture.add(new("ci", &receiver.url())).await;
    let rotated = fixture.governance.rotate_webhook_secret(&user(1), &warrant(), &named("ci")).await.expect("rotates");
    let newest = rotated.1;
    let holds = |request: &crate::receiver::Received, secret: &SigningSecret| {
        let seconds = request.header("webhook-timestamp").parse().expect("a number");
        secret.verify(request.header("webhook-id"), seconds, &request.body, request.header("webhook-signature"))
    };
    fixture.push("pay/app", "1").await;
    fixture.deliver().await;
    fixture.database.clock.advance(webhook::FORMER_SECRET_FOR);
    fixture.push("pay/app", "2").await;
    fixture.deliver().await;
    let received = receiver.received();
    assert_eq!(received.iter().map(|one| holds(one, &newest)).collect::<Vec<_>>(), [true, true]);
    assert_eq!(received.iter().map(|one| holds(one, &former)).collect::<Vec<_>>(), [true, false]);
    let shown = fixture.database.db.get("SELECT secret FROM webhooks", &[]).await.expect("read").expect("a row");
    let sealed = shown.bytes(0).expect("bytes").to_vec();
    assert!(!sealed.windows(8).any(|window| newest.expose().as_bytes().windows(8).any(|part| part == window)));
}

#[tokio::test]
async fn a_test_goes_the_way_of_all_others_and_a_disabled_one_sends_nothing() {
    let fixture = Fixture::open().await;
    let receiver = Receiver::start(Behaviour::status("200 OK")).await;
    fixture.add(NewWebhook { events: vec!["tag.deleted".to_owned()], ..new("ci", &receiver.url()) }).await;
    let test = fixture.governance.test_webhook(&user(1), &warrant(), &named("ci")).await.expect("made");
    fixture.deliver().await;
    let test = fixture.governance.get_delivery(&warrant(), &named("ci"), test.id).await.expect("read");
    assert_eq!((test.state, test.last.answer.as_deref()), (DeliveryState::Delivered, Some("seen")));
    assert!(test.document.expect("a document").contains("dev.wharf.webhook.test.v1"));
    let disabled = WebhookChange { is_disabled: Some(true), events: Some(Vec::new()), ..WebhookChange::default() };
    fixture.governance.update_webhook(&user(1), &warrant(), &named("ci"), &disabled).await.expect("changed");
    fixture.push("pay/app", "1").await;
    fixture.deliver().await;
    assert_eq!(receiver.received().len(), 1);
    let refused = fixture.governance.test_webhook(&user(1), &warrant(), &named("ci")).await;
    assert!(matches!(refused, Err(Error::WebhookDisabled { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_pipeline_is_triggered_with_the_receivers_own_token() {
    let fixture = Fixture::open().await;
    let receiver = Receiver::start(Behaviour::status("201 Created")).await;
    let gitlab = NewWebhook {
        template: Template::GitLabTrigger,
        git_ref: Some("release".to_owned()),
        credential: Some("glptt-secret".to_owned()),
        ..new("gitlab", &receiver.url())
    };
    fixture.add(gitlab).await;
    fixture.push("pay/app", "7").await;
    fixture.deliver().await;
    let body = String::from_utf8(receiver.received().remove(0).body).expect("text");
    assert!(body.starts_with("token=glptt-secret&ref=release&"), "{body}");
    assert!(body.contains("variables%5BWHARF_TAG%5D=7"), "{body}");
    let delivery = fixture.deliveries("gitlab").await.remove(0);
    let whole = fixture.governance.get_delivery(&warrant(), &named("gitlab"), delivery.id).await.expect("read");
    assert!(!whole.document.expect("a document").contains("glptt-secret"), "what is kept holds no token");
}

#[tokio::test]
async fn names_are_unique_and_lists_go_by_them() {
    let fixture = Fixture::open().await;
    for name in ["b", "a"] {
        fixture.add(new(name, "https://ci.example.com/")).await;
    }
    let again = fixture.governance.create_webhook(&user(1), &warrant(), &new("a", "https://ci.example.com/")).await;
    assert!(matches!(again, Err(Error::WebhookExists { .. })), "{again:?}");
    let names = fixture.governance.list_webhooks(&warrant(), "", 10).await.expect("a list");
    assert_eq!(names.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    fixture.governance.delete_webhook(&user(1), &warrant(), &named("a")).await.expect("deleted");
    let gone = fixture.governance.get_webhook(&warrant(), &named("a")).await;
    assert!(matches!(gone, Err(Error::WebhookUnknown { .. })), "{gone:?}");
    fixture.push("pay/app", "1").await;
    assert_eq!(fixture.deliveries("b").await.len(), 1);
}
