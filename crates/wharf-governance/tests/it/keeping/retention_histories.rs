//! Random histories: what a plan says is what a run does, and both are what an evaluation says that goes through the model
//! tag by tag.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wharf_context::{Clock as _, Govern, ProjectId, Timestamp};
use wharf_governance::retention::{Action, ItemsQuery, NewRun};
use wharf_governance::{Happened, HoldKind, NewHold, RunningReport};
use wharf_oci::Digest;
use wharf_registry::environment::Placing;

use super::fixture::{DAY, Fixture, image, index, name, owner, sha256, user, warrant};

const APP: &str = "pay/app";
const TAGS: [&str; 6] = ["v1.0.0", "v1.1.0", "v2.0.0", "dev-1", "dev-2", "main"];
const IMAGES: [&str; 4] = ["a", "b", "c", "d"];
/// An index of these two.
const LISTED: [&str; 2] = ["a", "b"];
const POLICIES: [&str; 6] = [
    r#"{"name":"all","action":"delete"}"#,
    r#"{"name":"old","action":"delete","older_than":"3d"}"#,
    r#"{"name":"newest","action":"protect","newest":2},{"name":"rest","action":"delete"}"#,
    r#"{"name":"releases","action":"protect","tags":["v*"],"newest":1,"by":"semver"},{"name":"rest","action":"delete","tags":["v*","dev-*"]}"#,
    r#"{"name":"beyond","action":"delete","tags":["dev-*","main"],"beyond":1}"#,
    r#"{"name":"young","action":"protect","younger_than":"1d"},{"name":"versions","action":"delete","tags":["v*"]}"#,
];

#[derive(Debug, Clone, Copy)]
enum Step {
    Push { tag: usize, image: usize },
    PushIndex { tag: usize },
    Sign { image: usize },
    Hold { tag: usize },
    HoldDigest { image: usize },
    Lift,
    Start { image: usize },
    Stop { image: usize },
    Place { image: usize },
    Wait,
    Retain { policy: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let (tag, image) = (|| 0..TAGS.len(), || 0..IMAGES.len());
    prop_oneof![
        6 => (tag(), image()).prop_map(|(tag, image)| Step::Push { tag, image }),
        2 => tag().prop_map(|tag| Step::PushIndex { tag }),
        2 => image().prop_map(|image| Step::Sign { image }),
        1 => tag().prop_map(|tag| Step::Hold { tag }),
        1 => image().prop_map(|image| Step::HoldDigest { image }),
        2 => Just(Step::Lift),
        1 => image().prop_map(|image| Step::Start { image }),
        1 => image().prop_map(|image| Step::Stop { image }),
        1 => image().prop_map(|image| Step::Place { image }),
        3 => Just(Step::Wait),
        2 => (0..POLICIES.len()).prop_map(|policy| Step::Retain { policy }),
    ]
}

fn digest_of(layer: &str) -> Digest {
    sha256(image(layer).as_bytes())
}

fn list() -> Digest {
    sha256(index(&LISTED).as_bytes())
}

#[derive(Debug, Clone, Copy)]
struct Pointed {
    digest: Digest,
    since: Timestamp,
}

/// What the history has come to.
#[derive(Debug, Default)]
struct Model {
    tags: BTreeMap<String, Pointed>,
    /// By the hold's number: a tag with what it pointed to, or a digest.
    holds: BTreeMap<i64, (Option<String>, Digest)>,
    running: BTreeSet<Digest>,
    placed: BTreeSet<Digest>,
}

impl Model {
    fn must_stay(&self, tag: &str, digest: Digest) -> bool {
        let mut all = vec![digest];
        all.extend(tag.parse::<wharf_oci::Tag>().ok().and_then(|tag| tag.attached_to()));
        if all.contains(&list()) {
            all.extend(LISTED.map(digest_of));
        }
        let is_held = self.holds.values().any(|(held, digest)| held.as_deref() == Some(tag) || all.contains(digest));
        is_held || all.iter().any(|digest| self.running.contains(digest) || self.placed.contains(digest))
    }

    fn is_refused(&self, tag: &str, wanted: Digest) -> bool {
        let Some(now) = self.tags.get(tag).filter(|now| now.digest != wanted) else { return false };
        let mut all = vec![now.digest];
        all.extend(tag.parse::<wharf_oci::Tag>().ok().and_then(|tag| tag.attached_to()));
        if all.contains(&list()) {
            all.extend(LISTED.map(digest_of));
        }
        self.holds.values().any(|(held, digest)| held.as_deref() == Some(tag) || all.contains(digest))
    }

    /// The ordinary tags that a policy lets go.
    fn going(&self, policy: usize, now: Timestamp) -> BTreeSet<String> {
        let ordinary: Vec<(&String, &Pointed)> =
            self.tags.iter().filter(|(tag, _)| !tag.starts_with("sha256-")).collect();
        let rank = |tag: &str, group: &dyn Fn(&str) -> bool| {
            let mine = self.tags[tag].since;
            ordinary.iter().filter(|(other, at)| group(other) && (at.since, other.as_str()) > (mine, tag)).count() + 1
        };
        let goes = |tag: &str, at: &Pointed| {
            let days = (now.0 - at.since.0) / 86_400_000_000;
            let (is_version, is_dev) = (tag.starts_with('v'), tag.starts_with("dev-"));
            match policy {
                0 => true,
                1 => now.0 - at.since.0 > 3 * 86_400_000_000,
                2 => rank(tag, &|_| true) > 2,
                3 => {
                    let highest = ordinary.iter().map(|(tag, _)| tag.as_str()).filter(|tag| tag.starts_with('v')).max();
                    (is_version && highest != Some(tag)) || is_dev
                }
                4 => (is_dev || tag == "main") && rank(tag, &|tag| tag.starts_with("dev-") || tag == "main") > 1,
                _ => is_version && now.0 - at.since.0 > 86_400_000_000 && days >= 1,
            }
        };
        let gone = ordinary.iter().filter(|(tag, at)| !self.must_stay(tag, at.digest) && goes(tag, at));
        gone.map(|(tag, _)| (*tag).clone()).collect()
    }
}

struct History {
    fixture: Fixture,
    model: Model,
}

impl History {
    async fn run(&mut self, step: Step) {
        match step {
            Step::Push { tag, image } => self.push(TAGS[tag], IMAGES[image]).await,
            Step::PushIndex { tag } => {
                for layer in LISTED {
                    self.fixture.push(APP, None, layer).await.expect("pushed");
                }
                let put = self.fixture.put(APP, Some(TAGS[tag]), &index(&LISTED)).await;
                self.note(TAGS[tag], list(), put.is_ok());
            }
            Step::Sign { image } => {
                let tag = format!("sha256-{}.sig", digest_of(IMAGES[image]).hex());
                self.push(&tag, &format!("signature of {}", IMAGES[image])).await;
            }
            Step::Hold { tag } => self.hold(TAGS[tag], None).await,
            Step::HoldDigest { image } => self.hold("", Some(digest_of(IMAGES[image]))).await,
            Step::Lift => {
                if let Some((id, _)) = self.model.holds.pop_first() {
                    self.fixture.governance.lift_hold(&user(1), &warrant(), (id, "over")).await.expect("lifted");
                }
            }
            Step::Start { image } => self.report(image, Happened::Started(self.fixture.clock.now())).await,
            Step::Stop { image } => self.report(image, Happened::Stopped(self.fixture.clock.now())).await,
            Step::Place { image } => self.place(digest_of(IMAGES[image])).await,
            Step::Wait => self.fixture.clock.advance(DAY * 2 / 5),
            Step::Retain { policy } => self.retain(policy).await,
        }
        // No two pushes at one moment: what is newest is decided by time.
        self.fixture.clock.advance(DAY / 1_000);
    }

    async fn push(&mut self, tag: &str, layer: &str) {
        let pushed = self.fixture.push(APP, Some(tag), layer).await;
        self.note(tag, digest_of(layer), pushed.is_ok());
    }

    fn note(&mut self, tag: &str, digest: Digest, is_done: bool) {
        assert_eq!(is_done, !self.model.is_refused(tag, digest), "{tag}");
        let is_same = self.model.tags.get(tag).is_some_and(|now| now.digest == digest);
        if is_done && !is_same {
            self.model.tags.insert(tag.to_owned(), Pointed { digest, since: self.fixture.clock.now() });
        }
    }

    async fn hold(&mut self, tag: &str, digest: Option<Digest>) {
        let reference = digest.map_or_else(|| tag.to_owned(), |digest| digest.to_string());
        let new = NewHold {
            kind: HoldKind::Legal,
            repository: name(APP),
            reference: Some(reference.parse().expect("a reference")),
            reason: "a court".to_owned(),
            until: None,
        };
        let set = self.fixture.governance.set_hold(&user(1), &warrant(), &new).await;
        match digest.or_else(|| self.model.tags.get(tag).map(|now| now.digest)) {
            Some(held) => {
                let tag = digest.is_none().then(|| tag.to_owned());
                self.model.holds.insert(set.expect("set").id, (tag, held));
            }
            None => assert!(set.is_err()),
        }
    }

    async fn report(&mut self, image: usize, what: Happened) {
        let digest = digest_of(IMAGES[image]);
        let report = RunningReport {
            digest,
            repository: None,
            host: "node1".to_owned(),
            container: IMAGES[image].to_owned(),
            what,
        };
        self.fixture.governance.report_running(&user(1), &warrant(), &[report]).await.expect("reported");
        match what {
            Happened::Started(_) => self.model.running.insert(digest),
            Happened::Stopped(_) => self.model.running.remove(&digest),
        };
    }

    async fn place(&mut self, digest: Digest) {
        let (from, to, tags) = (name(APP), name("t/pay/app"), [digest.hex()[..12].parse().expect("a tag")]);
        let placing =
            Placing { govern: Govern::decided(ProjectId(1)), from: &from, digest: &digest, to: &to, tags: &tags };
        let (registry, ctx) = (&self.fixture.registry, user(1));
        if self.fixture.db().transaction(async |tx| registry.place(tx, &ctx, &placing).await).await.is_ok() {
            self.model.placed.insert(digest);
        }
    }

    async fn retain(&mut self, policy: usize) {
        self.fixture
            .policy(&format!(r#"{{"retention":{{"rules":[{}],"running_lease":"500w"}}}}"#, POLICIES[policy]))
            .await;
        let wanted = self.model.going(policy, self.fixture.clock.now());
        let plan = self.fixture.retention(NewRun::Plan).await;
        assert_eq!(self.tags().await, self.model.tags.keys().cloned().collect(), "a plan does nothing");
        let run = self.fixture.retention(NewRun::Run).await;
        let (planned, done) = (self.verdicts(plan.id).await, self.verdicts(run.id).await);
        assert_eq!(planned, done, "the run is the plan");
        assert_eq!((run.counts.left, run.counts.done), (0, run.counts.delete));
        let gone: BTreeSet<String> = done.iter().filter(|(_, goes, _)| *goes).map(|(tag, ..)| tag.clone()).collect();
        let ordinary = gone.iter().filter(|tag| !tag.starts_with("sha256-")).cloned();
        assert_eq!(ordinary.collect::<BTreeSet<_>>(), wanted, "by policy {policy}");
        self.check_attached(&gone);
        self.model.tags.retain(|tag, _| !gone.contains(tag));
        assert_eq!(
            self.tags().await,
            self.model.tags.keys().cloned().collect(),
            "what was to go is gone, and nothing else"
        );
    }

    /// What is attached goes only if no tag of its image stays, and stays if it must.
    fn check_attached(&self, gone: &BTreeSet<String>) {
        for tag in gone.iter().filter(|tag| tag.starts_with("sha256-")) {
            let image = tag.parse::<wharf_oci::Tag>().expect("a tag").attached_to().expect("attached");
            let staying = self.model.tags.iter().filter(|(other, now)| now.digest == image && !gone.contains(*other));
            assert_eq!(staying.count(), 0, "{tag}");
            assert!(!self.model.must_stay(tag, self.model.tags[tag].digest), "{tag}");
        }
    }

    async fn verdicts(&self, run: i64) -> Vec<(String, bool, String)> {
        let query = ItemsQuery { limit: Some(1_000), ..ItemsQuery::default() };
        let (items, _) = self.fixture.governance.list_retention_items(&warrant(), run, query).await.expect("listed");
        let verdicts = items
            .into_iter()
            .map(|item| (item.tag.to_string(), item.verdict.action == Action::Delete, item.verdict.because));
        verdicts.collect()
    }

    async fn tags(&self) -> BTreeSet<String> {
        let ctx = owner(APP);
        let listed = self.fixture.registry.list_tags(&ctx, &name(APP), None, None).await;
        listed.map(|page| page.entries.iter().map(ToString::to_string).collect()).unwrap_or_default()
    }
}

#[test]
fn a_plan_is_the_run_and_both_are_what_the_rules_say() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let ended = runner.run(&prop::collection::vec(step(), 1..30), |steps| {
        runtime.block_on(async {
            let mut history = History { fixture: Fixture::open().await, model: Model::default() };
            for step in steps {
                history.run(step).await;
            }
            history.run(Step::Retain { policy: 0 }).await;
        });
        Ok(())
    });
    ended.expect("every history ends as it must");
}
