//! Rebuilds: opened once, asked for in waves, answered by what arrives.

use serde_json::json;
use wharf_context::{Event, Visibility, Warrant};
use wharf_db::{Job, Worker, WorkerSettings};
use wharf_governance::lineage::{self, Viewer};
use wharf_governance::rebuild::{self, ItemState, Rebuild, RebuildState, RebuildView};
use wharf_governance::{Error, Governance, Policy};
use wharf_oci::Digest;
use wharf_testkit::eventually;

use crate::fixture::{Fixture, user, warrant, warrant_for};
use crate::images::{TestImage, name, push};

const PAY: i64 = 1;
const BASE: i64 = 2;

/// The events that this test wants to hear of.
const HEARD: &str = "test.heard";

struct World {
    fixture: Fixture,
    heard: std::sync::Arc<std::sync::Mutex<Vec<Event>>>,
    worker: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

impl World {
    /// A catalog whose jobs run, with a policy for bases that asks for rebuilds.
    async fn open() -> Self {
        let wanted = wharf_db::Subscription { job: HEARD, events: vec!["base_updated", "rebuild_wanted"] };
        let fixture = Fixture::with_subscriptions(vec![lineage::job::subscription(), wanted]).await;
        let policy: Policy = serde_json::from_value(json!({ "lineage": { "kinds": [
            { "name": "osbase", "repositories": ["base/os"], "rebuild": true } ] } }))
        .expect("a policy");
        let base = warrant_for(BASE, "base");
        fixture.governance.put_policy(&user(1), &base, &policy, None).await.expect("put");
        let heard = std::sync::Arc::default();
        let worker = worker(&fixture, std::sync::Arc::clone(&heard));
        Self { fixture, heard, worker: tokio::spawn(worker.run(std::future::pending())) }
    }

    async fn push(&self, place: (&str, i64), tag: &str, layers: &[&str]) -> Digest {
        self.fixture.turn(1);
        let digest = push(&self.fixture.registry, place, tag, &TestImage::of(layers)).await;
        eventually("all jobs are done", async || self.fixture.is_idle().await).await;
        digest
    }

    /// What was asked for: repository and the base that is there.
    fn asked(&self) -> Vec<(String, String)> {
        let heard = self.heard.lock().expect("nobody panics");
        let asked = heard.iter().filter_map(|event| {
            let Event::RebuildWanted { repository, base_repository, .. } = event else { return None };
            Some((repository.clone(), base_repository.clone()))
        });
        asked.collect()
    }

    async fn rebuilds(&self) -> Vec<Rebuild> {
        let warrant = warrant_for(BASE, "base");
        let viewer = Viewer { warrant: &warrant, visibility: &Visibility::All };
        self.fixture.governance.list_rebuilds(&viewer, None, 10).await.expect("listed")
    }

    async fn rebuild(&self, id: i64) -> RebuildView {
        let viewer = Viewer { warrant: &warrant(), visibility: &Visibility::All };
        self.fixture.governance.get_rebuild(&viewer, id).await.expect("found")
    }
}

fn worker(fixture: &Fixture, heard: std::sync::Arc<std::sync::Mutex<Vec<Event>>>) -> Worker {
    let settings = WorkerSettings { poll: std::time::Duration::from_millis(10), ..WorkerSettings::default() };
    let with = |run: fn(Governance, Job) -> Running| {
        let governance = fixture.governance.clone();
        move |job| run(governance.clone(), job)
    };
    Worker::new(fixture.db().clone(), settings)
        .handle(lineage::job::SEE, with(|governance, job| Box::pin(async move { governance.see(&job).await })))
        .handle(
            rebuild::job::OPEN,
            with(|governance, job| Box::pin(async move { governance.open_rebuild(&job).await })),
        )
        .handle(HEARD, move |job: Job| {
            heard.lock().expect("nobody panics").push(job.decode().expect("an event"));
            async { Ok::<(), Error>(()) }
        })
}

type Running = std::pin::Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

fn states(view: &RebuildView) -> Vec<(String, u32, ItemState)> {
    view.items.iter().map(|(item, _)| (item.repository.to_string(), item.wave, item.state)).collect()
}

#[tokio::test]
async fn a_newer_base_is_answered_wave_by_wave_and_asks_once() {
    let world = World::open().await;
    world.push(("base/os", BASE), "1", &["os 1"]).await;
    world.push(("pay/java", PAY), "1", &["os 1", "java"]).await;
    world.push(("pay/app", PAY), "1", &["os 1", "java", "app"]).await;
    world.push(("pay/tool", PAY), "1", &["os 1", "tool"]).await;
    world.push(("pay/other", PAY), "1", &["something else"]).await;
    assert!(world.rebuilds().await.is_empty(), "a first base asks for nothing");

    let newer = world.push(("base/os", BASE), "2", &["os 2"]).await;
    let rebuilds = world.rebuilds().await;
    assert_eq!((rebuilds.len(), rebuilds[0].digest, rebuilds[0].state), (1, newer, RebuildState::Open));
    let id = rebuilds[0].id;
    let expected = [
        ("pay/java".to_owned(), 1, ItemState::Wanted),
        ("pay/tool".to_owned(), 1, ItemState::Wanted),
        ("pay/app".to_owned(), 2, ItemState::Waiting),
    ];
    assert_eq!(states(&world.rebuild(id).await), expected);

    // The runtime is there: the application is asked for, with the new runtime as its base.
    let runtime = world.push(("pay/java", PAY), "2", &["os 2", "java"]).await;
    assert_eq!(states(&world.rebuild(id).await)[2].2, ItemState::Wanted);
    world.push(("pay/app", PAY), "2", &["os 1", "java", "app 2"]).await;
    assert_eq!(states(&world.rebuild(id).await)[2].2, ItemState::Wanted, "that stands on the old one");
    world.push(("pay/app", PAY), "3", &["os 2", "java", "app"]).await;
    world.push(("pay/tool", PAY), "2", &["os 2", "tool"]).await;
    let view = world.rebuild(id).await;
    assert_eq!(view.rebuild.state, RebuildState::Done);
    assert_eq!((view.items[0].0.answer, view.items[0].0.answered_by.as_deref()), (Some(runtime), Some("system")));
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    let mut asked = world.asked();
    asked.sort();
    assert_eq!(asked, [pair("pay/app", "pay/java"), pair("pay/java", "base/os"), pair("pay/tool", "base/os")]);

    // The same base again, and the same images again, ask for nothing.
    world.push(("base/os", BASE), "2", &["os 2"]).await;
    world.push(("pay/tool", PAY), "2", &["os 2", "tool"]).await;
    assert_eq!((world.rebuilds().await.len(), world.asked().len()), (1, 3));
}

#[tokio::test]
async fn a_still_newer_base_overtakes_and_a_builder_answers_by_name() {
    let world = World::open().await;
    world.push(("base/os", BASE), "1", &["os 1"]).await;
    world.push(("pay/app", PAY), "1", &["os 1", "app"]).await;
    world.push(("base/os", BASE), "2", &["os 2"]).await;
    world.push(("base/os", BASE), "3", &["os 3"]).await;
    let rebuilds = world.rebuilds().await;
    let all: Vec<RebuildState> = rebuilds.iter().map(|rebuild| rebuild.state).collect();
    assert_eq!(all, [RebuildState::Open, RebuildState::Overtaken]);
    assert_eq!(states(&world.rebuild(rebuilds[1].id).await)[0].2, ItemState::Overtaken);

    let squashed = world.push(("pay/app", PAY), "2", &["all in one"]).await;
    let id = rebuilds[0].id;
    assert_eq!(states(&world.rebuild(id).await)[0].2, ItemState::Wanted);
    let (repository, reference) = (name("pay/app"), "2".parse().expect("valid"));
    let governance = &world.fixture.governance;
    let warrant: Warrant<_> = warrant_for(PAY, "pay");
    governance.answer_rebuild(&user(7), &warrant, id, (&repository, &reference)).await.expect("answered");
    governance.answer_rebuild(&user(7), &warrant, id, (&repository, &reference)).await.expect("the same again");
    let view = world.rebuild(id).await;
    assert_eq!((view.rebuild.state, view.items[0].0.answer), (RebuildState::Done, Some(squashed)));
    assert_eq!(view.items[0].0.answered_by.as_deref(), Some("user-7"));
    let first = "1".parse().expect("valid");
    let late = governance.answer_rebuild(&user(7), &warrant, id, (&repository, &first)).await;
    assert!(matches!(late, Err(Error::RebuildAnswered { .. })), "{late:?}");
}

#[tokio::test]
async fn what_is_not_answered_in_time_is_late() {
    let world = World::open().await;
    world.push(("base/os", BASE), "1", &["os 1"]).await;
    world.push(("pay/app", PAY), "1", &["os 1", "app"]).await;
    world.push(("base/os", BASE), "2", &["os 2"]).await;
    let id = world.rebuilds().await[0].id;
    assert!(!world.rebuild(id).await.items[0].1);
    world.fixture.turn(25 * 3600);
    assert!(world.rebuild(id).await.items[0].1);
    let stranger = warrant_for(9, "other");
    let viewer = Viewer { warrant: &stranger, visibility: &Visibility::All };
    let found = world.fixture.governance.get_rebuild(&viewer, id).await;
    assert!(matches!(found, Err(Error::RebuildUnknown(_))), "it does not concern that project");
}
