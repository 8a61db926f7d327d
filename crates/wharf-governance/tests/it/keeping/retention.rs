//! Retention: what goes and what stays, the same in a plan and in a run; by itself, and while others are at work.

use std::collections::BTreeMap;
use std::time::Duration;

use wharf_context::{Clock as _, Govern, ProjectId};
use wharf_governance::retention::run::Outcome;
use wharf_governance::retention::{Action, Item, ItemsQuery, NewRun, RunState};
use wharf_governance::{Error, Happened, HoldKind, NewHold, RunningReport};
use wharf_oci::Digest;
use wharf_registry::environment::Placing;

use super::fixture::{DAY, Fixture, index, name, owner, sha256, user, warrant};

const APP: &str = "pay/app";

async fn items(fixture: &Fixture, run: i64) -> Vec<Item> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let query = ItemsQuery { action: None, after, limit: Some(3) };
        let (page, next) = fixture.governance.list_retention_items(&warrant(), run, query).await.expect("listed");
        all.extend(page);
        match next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

fn verdicts(items: &[Item]) -> BTreeMap<String, (Action, String)> {
    let verdicts = items.iter().map(|item| (item.tag.to_string(), (item.verdict.action, item.verdict.because.clone())));
    verdicts.collect()
}

fn going(items: &[Item]) -> Vec<String> {
    let gone = items.iter().filter(|item| item.verdict.action == Action::Delete);
    gone.map(|item| item.tag.to_string()).collect()
}

async fn place(fixture: &Fixture, digest: &Digest, tag: &str) {
    let (from, to, tags) = (name(APP), name("t/pay/app"), [tag.parse().expect("a tag")]);
    let placing = Placing { govern: Govern::decided(ProjectId(1)), from: &from, digest, to: &to, tags: &tags };
    let (registry, ctx) = (&fixture.registry, user(1));
    let placed = fixture.db().transaction(async |tx| registry.place(tx, &ctx, &placing).await).await;
    placed.expect("placed");
}

#[tokio::test]
async fn a_run_does_what_the_plan_said_and_what_went_lies_in_the_bin() {
    let fixture = Fixture::open().await;
    for (tag, layer) in [("v1", "one"), ("v2", "two"), ("v3", "three"), ("same-as-v1", "one")] {
        fixture.push(APP, Some(tag), layer).await.expect("pushed");
        fixture.clock.advance(DAY);
    }
    fixture
        .policy(r#"{"retention":{"rules":[{"name":"newest two","action":"delete","tags":["v*"],"beyond":1}]}}"#)
        .await;
    let plan = fixture.retention(NewRun::Plan).await;
    assert_eq!((plan.state, plan.counts.keep, plan.counts.delete, plan.counts.done), (RunState::Done, 2, 2, 0));
    assert_eq!(fixture.tags(APP).await, ["same-as-v1", "v1", "v2", "v3"], "a plan does nothing");
    let run = fixture.retention(NewRun::Run).await;
    assert_eq!((run.counts.delete, run.counts.done, run.counts.left), (2, 2, 0));
    assert_eq!(verdicts(&items(&fixture, plan.id).await), verdicts(&items(&fixture, run.id).await));
    assert_eq!(fixture.tags(APP).await, ["same-as-v1", "v3"]);
    let image = sha256(super::fixture::image("one").as_bytes()).to_string();
    let accept = wharf_registry::manifest::Accept::Anything;
    let reference = image.parse().expect("a reference");
    let sibling = fixture.registry.get_manifest(&owner(APP), &name(APP), &reference, &accept).await;
    assert!(sibling.is_ok(), "another tag needs the manifest");
    let tag = "v2".parse().expect("a tag");
    let back = fixture
        .registry
        .restore_tag(&owner(APP), (&name(APP), &tag), None, wharf_registry::bin::Overwriting::Refused)
        .await
        .expect("it lies in the bin");
    assert_eq!(back.manifests, 1, "with its manifest");
}

#[tokio::test]
async fn what_is_held_placed_or_runs_stays_and_says_why() {
    let fixture = Fixture::open().await;
    let mut digests = BTreeMap::new();
    for tag in ["held", "placed", "runs", "ran", "cut-off", "free"] {
        digests.insert(tag, fixture.push(APP, Some(tag), tag).await.expect("pushed"));
    }
    fixture.push(APP, None, "left").await.expect("pushed");
    fixture.put(APP, Some("list"), &index(&["left", "runs"])).await.expect("pushed");
    let new = NewHold {
        kind: HoldKind::Legal,
        repository: name(APP),
        reference: Some("held".parse().expect("a reference")),
        reason: "case 1".to_owned(),
        until: None,
    };
    fixture.governance.set_hold(&user(1), &warrant(), &new).await.expect("held");
    place(&fixture, &digests["placed"], "v1").await;
    let now = fixture.clock.now();
    let report = |tag: &str, what| RunningReport {
        digest: digests[tag],
        repository: None,
        host: "node1".to_owned(),
        container: tag.to_owned(),
        what,
    };
    let reports = [
        report("runs", Happened::Started(now)),
        report("ran", Happened::Started(now)),
        report("cut-off", Happened::Started(now)),
    ];
    fixture.governance.report_running(&user(1), &warrant(), &reports).await.expect("reported");
    fixture.clock.advance(DAY * 7);
    let reports = [report("runs", Happened::Started(now)), report("ran", Happened::Stopped(now.plus(DAY)))];
    fixture.governance.report_running(&user(1), &warrant(), &reports).await.expect("reported");
    fixture.policy(r#"{"retention":{"rules":[{"name":"all","action":"delete"}],"running_lease":"5d"}}"#).await;
    let run = fixture.retention(NewRun::Run).await;
    let verdicts = verdicts(&items(&fixture, run.id).await);
    assert_eq!(fixture.tags(APP).await, ["held", "list", "placed", "runs"]);
    assert_eq!(verdicts["held"].1, "hold 1 is on it: case 1");
    assert_eq!(verdicts["placed"].1, "it stands in environment `t`");
    assert_eq!(
        (verdicts["runs"].1.as_str(), verdicts["list"].1.as_str()),
        ("it runs on `node1`", "it runs on `node1`")
    );
    let why = fixture.governance.explain_retention(&warrant(), &name(APP), &"runs".parse().expect("a tag")).await;
    assert_eq!(why.expect("explained").because, "it runs on `node1`");
    assert_eq!(fixture.tags("t/pay/app").await, ["v1"], "environments are promotion's");
}

#[tokio::test]
async fn what_is_attached_goes_with_its_image_and_never_alone() {
    let fixture = Fixture::open().await;
    let (one, two) = (
        fixture.push(APP, Some("v1"), "one").await.expect("pushed"),
        fixture.push(APP, Some("v2"), "two").await.expect("pushed"),
    );
    let signature = |digest: &Digest| format!("sha256-{}.sig", digest.hex());
    let signed = fixture.push(APP, Some(&signature(&one)), "signature of one").await.expect("pushed");
    fixture.push(APP, Some(&signature(&two)), "signature of two").await.expect("pushed");
    fixture.push(APP, Some(&signature(&signed)), "signature of the signature").await.expect("pushed");
    fixture.clock.advance(DAY * 2);
    let rules = r#"{"name":"keep v2","action":"protect","tags":["v2"]},{"name":"rest","action":"delete"}"#;
    fixture.policy(&format!(r#"{{"retention":{{"rules":[{rules}]}}}}"#)).await;
    let run = fixture.retention(NewRun::Run).await;
    assert_eq!((run.counts.delete, run.counts.done), (3, 3), "{:?}", items(&fixture, run.id).await);
    assert_eq!(fixture.tags(APP).await, [signature(&two), "v2".to_owned()]);
    let why =
        fixture.governance.explain_retention(&warrant(), &name(APP), &signature(&two).parse().expect("a tag")).await;
    assert_eq!(why.expect("explained").because, format!("it is attached to `{two}`, which stays"));
    let ctx = owner(APP);
    fixture.registry.delete_manifest(&ctx, &name(APP), &two, &Default::default()).await.expect("deleted");
    let run = fixture.retention(NewRun::Run).await;
    assert_eq!((run.counts.done, fixture.tags(APP).await.len()), (1, 0), "what its image has left behind");
}

#[tokio::test]
async fn an_index_and_the_images_that_it_lists_go_in_one_run() {
    let fixture = Fixture::open().await;
    fixture.push(APP, Some("v1-amd64"), "one").await.expect("pushed");
    fixture.push(APP, Some("v1-arm64"), "two").await.expect("pushed");
    fixture.put(APP, Some("v1"), &index(&["one", "two"])).await.expect("pushed");
    fixture.policy(r#"{"retention":{"rules":[{"name":"all","action":"delete"}]}}"#).await;
    let run = fixture.retention(NewRun::Run).await;
    assert_eq!(going(&items(&fixture, run.id).await), ["v1", "v1-amd64", "v1-arm64"]);
    for layer in ["one", "two"] {
        let reference = sha256(super::fixture::image(layer).as_bytes()).to_string().parse().expect("a reference");
        let accept = wharf_registry::manifest::Accept::Anything;
        let found = fixture.registry.get_manifest(&owner(APP), &name(APP), &reference, &accept).await;
        assert!(found.is_err(), "`{layer}` went with its tag");
    }
}

#[tokio::test]
async fn a_tag_that_changed_since_it_was_judged_is_left() {
    let fixture = Fixture::open().await;
    for tag in ["a", "b", "c"] {
        fixture.push(APP, Some(tag), tag).await.expect("pushed");
    }
    fixture.policy(r#"{"retention":{"rules":[{"name":"all","action":"delete"}]}}"#).await;
    let run = fixture.governance.start_retention(&user(1), &warrant(), NewRun::Run).await.expect("begun");
    let again = fixture.governance.start_retention(&user(1), &warrant(), NewRun::Run).await;
    assert!(matches!(again, Err(Error::RetentionRunning { .. })), "{again:?}");
    fixture.work_on_verdicts(async || fixture.run_of(run.id).await.state == RunState::Executing).await;
    fixture.push(APP, Some("a"), "moved").await.expect("pushed");
    let new = NewHold {
        kind: HoldKind::Quarantine,
        repository: name(APP),
        reference: Some("b".parse().expect("a reference")),
        reason: "odd".to_owned(),
        until: None,
    };
    fixture.governance.set_hold(&user(1), &warrant(), &new).await.expect("held");
    fixture.work(async || fixture.run_of(run.id).await.ended_at.is_some()).await;
    let run = fixture.run_of(run.id).await;
    assert_eq!((run.state, run.counts.done, run.counts.left), (RunState::Done, 1, 2));
    assert_eq!(fixture.tags(APP).await, ["a", "b"]);
    let outcomes: Vec<Option<Outcome>> = items(&fixture, run.id).await.into_iter().map(|item| item.outcome).collect();
    assert!(
        matches!(&outcomes[..], [Some(Outcome::Left(a)), Some(Outcome::Left(b)), Some(Outcome::Done)]
        if a == "the tag is gone, or points elsewhere" && b == "hold 1 is on it: odd"),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_policy_that_changes_meanwhile_ends_the_run() {
    let fixture = Fixture::open().await;
    fixture.push(APP, Some("a"), "a").await.expect("pushed");
    fixture.policy(r#"{"retention":{"rules":[{"name":"all","action":"delete"}]}}"#).await;
    let run = fixture.governance.start_retention(&user(1), &warrant(), NewRun::Run).await.expect("begun");
    fixture.policy(r#"{"retention":{"rules":[]}}"#).await;
    fixture.work(async || fixture.run_of(run.id).await.ended_at.is_some()).await;
    assert_eq!((fixture.run_of(run.id).await.state, fixture.tags(APP).await.len()), (RunState::GivenUp, 1));
}

#[tokio::test]
async fn the_schedule_of_the_policy_begins_runs_and_asks_for_the_next_one() {
    let fixture = Fixture::open().await;
    fixture.policy(r#"{"retention":{"every":"1h","rules":[]}}"#).await;
    fixture.policy(r#"{"retention":{"every":"2h","rules":[]}}"#).await;
    let runs = async || {
        let (runs, _) = fixture.governance.list_retention(&warrant(), (None, None)).await.expect("listed");
        runs.iter().filter(|run| run.ended_at.is_some()).count()
    };
    fixture.clock.advance(Duration::from_secs(3_600 + 60));
    fixture.clock.advance(Duration::from_secs(3_600));
    fixture.work(async || runs().await == 1).await;
    fixture.clock.advance(Duration::from_secs(2 * 3_600));
    fixture.work(async || runs().await == 2).await;
    let run = fixture.governance.list_retention(&warrant(), (None, None)).await.expect("listed").0;
    assert!(run.iter().all(|run| run.started_by == "system"));
}

#[tokio::test]
async fn pushes_promotions_and_collection_beside_a_run_break_nothing() {
    let fixture = Fixture::open().await;
    for number in 0..24 {
        fixture.push(APP, Some(&format!("v{number}")), &format!("layer {number}")).await.expect("pushed");
    }
    fixture.policy(r#"{"retention":{"rules":[{"name":"all","action":"delete","tags":["v*"]}]}}"#).await;
    let run = fixture.governance.start_retention(&user(1), &warrant(), NewRun::Run).await.expect("begun");
    let pushing = async {
        for number in 0..24 {
            // The same image under another name, while its first name goes.
            let layer = format!("layer {number}");
            fixture.push(APP, Some(&format!("again-{number}")), &layer).await.expect("pushed");
        }
    };
    let placing = async {
        for number in (0..24).step_by(3) {
            let digest = sha256(super::fixture::image(&format!("layer {number}")).as_bytes());
            let (from, to, tags) = (name(APP), name("t/pay/app"), [format!("v{number}").parse().expect("a tag")]);
            let placing =
                Placing { govern: Govern::decided(ProjectId(1)), from: &from, digest: &digest, to: &to, tags: &tags };
            let (registry, ctx) = (&fixture.registry, user(1));
            // Refused where retention was faster.
            fixture.db().transaction(async |tx| registry.place(tx, &ctx, &placing).await).await.ok();
        }
    };
    let collecting = async {
        for _ in 0..6 {
            fixture.registry.collect().await.expect("collected");
        }
    };
    let working = fixture.work(async || fixture.run_of(run.id).await.ended_at.is_some());
    tokio::join!(pushing, placing, collecting, working);
    assert_eq!(fixture.run_of(run.id).await.state, RunState::Done);
    for repository in [APP, "t/pay/app"] {
        for tag in fixture.tags(repository).await {
            let reference = tag.parse().expect("a reference");
            let accept = wharf_registry::manifest::Accept::Anything;
            let stored =
                fixture.registry.get_manifest(&owner(repository), &name(repository), &reference, &accept).await;
            let stored = stored.unwrap_or_else(|error| panic!("{repository}:{tag}: {error}"));
            let manifest = wharf_oci::Manifest::parse(Some(&stored.media_type), &stored.bytes).expect("a manifest");
            for blob in manifest.blobs() {
                let found = fixture.registry.find_blob(&owner(repository), &name(repository), &blob.digest).await;
                found.unwrap_or_else(|error| panic!("{repository}:{tag}: {error}"));
            }
        }
    }
}
