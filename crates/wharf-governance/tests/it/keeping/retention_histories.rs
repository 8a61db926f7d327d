//! Random histories: what a plan says is what a run does, and both are what an evaluation says that goes through the model
//! tag by tag.

mod model;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wharf_context::{Clock as _, Govern, ProjectId};
use wharf_governance::promotion::{Asked, NewPromotion, NewRollback, TagChoice};
use wharf_governance::retention::{Action, ItemsQuery, NewRun};
use wharf_governance::{Error, Happened, HoldKind, NewHold, Promotion, RunningReport};
use wharf_oci::Digest;
use wharf_registry::Registry;
use wharf_registry::pull::Pulled;

use self::model::{APP, IMAGES, LISTED, Model, POLICIES, Pointed, TAGS, VIEW, World, digest_of, list};
use super::fixture::{DAY, Fixture, index, name, owner, user, warrant};

const LADDER: &str = r#""environments":{"ladder":[{"name":"d"},
    {"name":"t","promotion":{"approvals":[]},"rollback":{"approvals":[]}}]}"#;

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
    RollBack,
    Pull { image: usize },
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
        3 => image().prop_map(|image| Step::Place { image }),
        1 => Just(Step::RollBack),
        1 => image().prop_map(|image| Step::Pull { image }),
        4 => Just(Step::Wait),
        3 => (0..POLICIES.len()).prop_map(|policy| Step::Retain { policy }),
    ]
}

struct History {
    fixture: Fixture,
    model: Model,
}

impl History {
    async fn begin() -> Self {
        let fixture = Fixture::open().await;
        fixture.policy(&format!("{{{LADDER}}}")).await;
        Self { fixture, model: Model::default() }
    }

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
                self.push(&tag, &format!("signature of {}", IMAGES[image].replace('/', " on "))).await;
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
            Step::RollBack => self.roll_back().await,
            Step::Pull { image } => self.pull(digest_of(IMAGES[image])).await,
            Step::Wait => self.fixture.clock.advance(DAY * 2 / 5),
            Step::Retain { policy } => self.retain(policy).await,
        }
        // No two pushes at one moment: what is newest is decided by time.
        self.fixture.clock.advance(DAY / 1_000);
    }

    async fn push(&mut self, tag: &str, layers: &str) {
        let pushed = self.fixture.push(APP, Some(tag), layers).await;
        self.note(tag, digest_of(layers), pushed.is_ok());
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
        let what = Asked::Image {
            repository: name(APP),
            reference: digest.to_string().parse().expect("a reference"),
            tags: TagChoice::Named,
        };
        let new = NewPromotion { what, to: "t".parse().expect("valid"), reason: String::new() };
        let asked = self.fixture.governance.request_promotion(&user(1), &warrant(), &new).await;
        if is_done(asked) {
            self.model.placed.promote(digest, self.fixture.clock.now());
        }
    }

    async fn roll_back(&mut self) {
        let new = NewRollback {
            environment: "t".parse().expect("valid"),
            repository: name(APP),
            reason: "it does not start".to_owned(),
        };
        let asked = self.fixture.governance.request_rollback(&user(1), &warrant(), &new).await;
        if is_done(asked) {
            self.model.placed.roll_back(self.fixture.clock.now());
        }
    }

    async fn pull(&self, digest: Digest) {
        let registry = &self.fixture.registry;
        registry.note_pull(
            &user(1),
            &name(APP),
            &digest.to_string().parse().expect("valid"),
            (&digest, Pulled::Manifest),
        );
        registry.write_pulls().await.expect("written");
    }

    async fn retain(&mut self, policy: usize) {
        let rules = format!(r#""retention":{{"rules":[{}],"running_lease":"500w"}}"#, POLICIES[policy]);
        self.fixture.policy(&format!("{{{LADDER},{rules}}}")).await;
        let world = self.look().await;
        let wanted = self.model.going(policy, &world);
        let plan = self.fixture.retention(NewRun::Plan).await;
        assert_eq!(self.tags().await, self.model.tags.keys().cloned().collect(), "a plan does nothing");
        let run = self.fixture.retention(NewRun::Run).await;
        let (planned, done) = (self.verdicts(plan.id).await, self.verdicts(run.id).await);
        assert_eq!(planned, done, "the run is the plan");
        assert_eq!((run.counts.left, run.counts.done), (0, run.counts.delete));
        let gone: BTreeSet<String> = done.iter().filter(|(_, goes, _)| *goes).map(|(tag, ..)| tag.clone()).collect();
        let ordinary = gone.iter().filter(|tag| !tag.starts_with("sha256-")).cloned();
        assert_eq!(ordinary.collect::<BTreeSet<_>>(), wanted, "by policy {policy}: {planned:?}");
        self.check_attached(&gone, &world);
        self.model.tags.retain(|tag, _| !gone.contains(tag));
        assert_eq!(
            self.tags().await,
            self.model.tags.keys().cloned().collect(),
            "what was to go is gone, and nothing else"
        );
        let lying = self.look().await.lying;
        assert!(self.model.placed.needed().is_subset(&lying), "what stands there and where a rollback leads");
    }

    /// What the model does not keep: what is in the registry, as lineage sees it, too, and what was pulled when.
    async fn look(&self) -> World {
        let all: Vec<Digest> = IMAGES.map(digest_of).into_iter().chain([list()]).collect();
        let standing = async |repository: &str| {
            let (place, all) = ((Govern::decided(ProjectId(1)), &name(repository)), &all);
            let found = self.fixture.db().transaction(async |tx| Registry::those_standing(tx, place, all).await).await;
            found.expect("looked up").into_iter().collect::<BTreeSet<_>>()
        };
        for digest in &all {
            for repository in [APP, VIEW] {
                self.fixture.governance.see_manifest(&name(repository), digest).await.expect("seen");
            }
        }
        let mut pulled = BTreeMap::new();
        for digest in &all {
            let last = self.fixture.db().transaction(async |tx| Registry::last_pulled(tx, &name(APP), digest).await);
            pulled.extend(last.await.expect("looked up").map(|at| (*digest, at)));
        }
        World { now: self.fixture.clock.now(), here: standing(APP).await, lying: standing(VIEW).await, pulled }
    }

    /// What is attached goes only if no tag of its image stays, and stays if it must.
    fn check_attached(&self, gone: &BTreeSet<String>, world: &World) {
        for tag in gone.iter().filter(|tag| tag.starts_with("sha256-")) {
            let image = tag.parse::<wharf_oci::Tag>().expect("a tag").attached_to().expect("attached");
            let staying = self.model.tags.iter().filter(|(other, now)| now.digest == image && !gone.contains(*other));
            assert_eq!(staying.count(), 0, "{tag}");
            assert!(!self.model.must_stay(tag, self.model.tags[tag].digest, world), "{tag}");
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

fn is_done(asked: Result<Promotion, Error>) -> bool {
    asked.is_ok_and(|promotion| promotion.state.name() == "done")
}

#[test]
fn a_plan_is_the_run_and_both_are_what_the_rules_say() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let ended = runner.run(&prop::collection::vec(step(), 1..40), |steps| {
        runtime.block_on(async {
            let mut history = History::begin().await;
            for step in steps {
                history.run(step).await;
            }
            history.run(Step::Retain { policy: 0 }).await;
        });
        Ok(())
    });
    ended.expect("every history ends as it must");
}
