//! Search: what is found by what, by whom, and that the index follows what the registry holds.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_blob::body;
use wharf_context::{
    Caller, CallerId, Context, Grant, Grants, Permissions, ProjectId, RequestId, Timestamp, Visibility,
};
use wharf_db::{Job, Worker, WorkerSettings};
use wharf_governance::Governance;
use wharf_governance::search::{self, Found, Position, Query};
use wharf_oci::{Algorithm, Digest};
use wharf_registry::upload::Chunk;
use wharf_registry::{NewManifest, Precondition, Registry};
use wharf_testkit::{Database, eventually};

use crate::fixture::{people, registry, warrant};

struct Fixture {
    governance: Governance,
    registry: Registry,
    database: Database,
}

/// An image to be pushed.
struct Image<'a> {
    project: i64,
    repository: &'a str,
    tag: &'a str,
    labels: Value,
    arch: &'a str,
    layer: &'a [u8],
}

const APP: Image<'_> =
    Image { project: 1, repository: "pay/web-app", tag: "1.2", labels: Value::Null, arch: "amd64", layer: b"layer" };

impl Fixture {
    async fn open() -> Self {
        let database = Database::with_subscriptions(vec![search::index::subscription()]).await;
        let registry = registry(&database);
        let governance =
            Governance::new(database.db.clone(), registry.clone(), wharf_oci::Environments::default(), people());
        Self { governance, registry, database }
    }

    async fn push(&self, image: &Image<'_>) -> Digest {
        let config =
            json!({ "os": "linux", "architecture": image.arch, "config": { "User": "1000", "Labels": image.labels } });
        let (config, ctx) = (config.to_string().into_bytes(), owner(image.project, image.repository));
        for content in [config.as_slice(), image.layer] {
            let chunk = Chunk { range: None, length_bytes: None, body: body::whole(content.to_vec()) };
            let name = image.repository.parse().expect("a name");
            self.registry.push_blob(&ctx, &name, &sha256(content), chunk).await.expect("pushed");
        }
        let descriptor = |kind: &str, content: &[u8]| {
            let media_type = format!("application/vnd.oci.image.{kind}");
            json!({ "mediaType": media_type, "digest": sha256(content).to_string(), "size": content.len() })
        };
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("config.v1+json", &config), "layers": [descriptor("layer.v1.tar", image.layer)],
        });
        let new = NewManifest {
            reference: image.tag.parse().expect("a tag"),
            tags: Vec::new(),
            content_type: None,
            precondition: Precondition::None,
            bytes: manifest.to_string().into(),
        };
        let name = image.repository.parse().expect("a name");
        let digest = self.registry.put_manifest(&ctx, &name, &new).await.expect("pushed").digest;
        self.database.clock.advance(Duration::from_secs(1));
        self.index().await;
        digest
    }

    async fn index(&self) {
        let governance = self.governance.clone();
        let handler = move |job: Job| {
            let governance = governance.clone();
            async move { governance.index(&job).await }
        };
        let settings = WorkerSettings { poll: Duration::from_millis(5), ..WorkerSettings::default() };
        let worker = Worker::new(self.database.db.clone(), settings).handle(search::index::JOB, handler);
        let left = async || {
            let row = self.database.db.get("SELECT COUNT(*) FROM jobs", &[]).await.expect("read").expect("a row");
            row.integer(0).expect("a number")
        };
        worker.run(eventually("every job is done", async || left().await == 0)).await;
    }

    async fn find(&self, query: &str) -> Vec<Found> {
        self.find_as(&Visibility::All, query).await
    }

    async fn find_as(&self, visibility: &Visibility, query: &str) -> Vec<Found> {
        let query = Query::parse(query).expect(query);
        self.governance.search(visibility, &query, (Position::START, 1000)).await.expect("searches").0
    }

    async fn tags(&self, query: &str) -> Vec<String> {
        self.find(query).await.into_iter().flat_map(|found| found.tags).collect()
    }
}

fn sha256(content: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, content)
}

fn owner(project: i64, repository: &str) -> Context {
    let grant = Grant {
        repository: repository.parse().expect("a name"),
        project: Some(ProjectId(project)),
        granted: Permissions::ALL,
        refused: Permissions::NONE,
    };
    let caller = Caller { id: CallerId::User(1), name: "mona".to_owned() };
    Context::new(caller, RequestId::generate(), None, Grants(vec![grant]))
}

#[tokio::test]
async fn an_image_is_found_by_what_it_is() {
    let fixture = Fixture::open().await;
    let labels = json!({
        "team": "pay", "org.opencontainers.image.revision": "6113728F27AE82C7B1A177C8D03F9E96E0ADF246",
        "org.opencontainers.image.source": "git@git.example.com:pay/app.git",
    });
    let digest = fixture.push(&Image { labels, ..APP }).await;
    fixture.push(&Image { repository: "pay/other", arch: "arm64", ..APP }).await;
    let first = &fixture.find("label:team=pay").await[0];
    assert_eq!((first.digest, first.platform.as_str(), first.pushed_by.as_str()), (digest, "linux/amd64", "mona"));
    for query in [
        "label:team",
        "label:team=p*",
        "tag:1.2 repository:pay/web-app",
        "web app",
        "WEB",
        "arch:amd64 os:linux user:1000",
        "commit:6113728f",
        "source:https://git.example.com/pay/app",
        "media:application/vnd.oci.image.manifest.v1+json -arch:arm64",
        "project:pay -repository:pay/other",
        "-arch:arm*",
        "pushed:2026-01-01 size:<1MB label:team",
        &format!("digest:{digest}"),
    ] {
        let found: Vec<Digest> = fixture.find(query).await.iter().map(|found| found.digest).collect();
        assert_eq!(found, [digest], "{query}");
    }
    for query in ["label:team=other", "tag:1", "ap", "pushed:>2026-01-01", "size:>1MB", "-web -other", "commit:7"] {
        let count = fixture.find(query).await.len();
        assert_eq!(count, usize::from(query == "ap"), "{query}");
    }
    assert_eq!(fixture.find("").await.len(), 2);
    assert_eq!((fixture.find("env:d").await.len(), fixture.find("env:p").await.len()), (2, 0), "it is development");
}

#[tokio::test]
async fn a_commit_is_joined_to_the_images_that_come_of_it_by_revision_or_by_version() {
    let fixture = Fixture::open().await;
    let (source, revision) = ("https://git.example.com/pay/app", "6113728f27ae82c7b1a177c8d03f9e96e0adf246");
    let by_revision = json!({ "org.opencontainers.image.revision": revision });
    let by_version = json!({ "org.opencontainers.image.version": "v1", "org.opencontainers.image.source": source });
    let first = fixture.push(&Image { labels: by_revision, ..APP }).await;
    let second = fixture.push(&Image { labels: by_version, repository: "pay/other", ..APP }).await;
    let told = fixture.database.db.transaction(async |tx| {
        for (number, git_ref) in ["refs/heads/main", "refs/tags/v1"].into_iter().enumerate() {
            let revision = if number == 0 { revision.to_owned() } else { "7".repeat(40) };
            tx.execute(
                "INSERT INTO commits (project_id, source, revision, git_ref, author, title, received_at, hook) \
                 VALUES (1, 'git.example.com/pay/app', ?1, ?2, '', '', 0, 'git')",
                &wharf_db::params![revision, git_ref],
            )
            .await?;
        }
        Ok::<_, wharf_db::Error>(())
    });
    told.await.expect("told");
    let commits = fixture.governance.list_commits(&warrant(), None, (None, 10)).await.expect("a list");
    let images: Vec<_> = commits.into_iter().map(|kept| kept.images).collect();
    assert_eq!(images, [vec![format!("pay/other@{second}")], vec![format!("pay/web-app@{first}")]]);
}

#[tokio::test]
async fn what_the_caller_may_not_see_is_not_found() {
    let fixture = Fixture::open().await;
    fixture.push(&APP).await;
    fixture.push(&Image { project: 2, repository: "shop/web-app", ..APP }).await;
    for query in ["", "web", "tag:1.2", "project:pay", "os:linux", "-arch:arm64"] {
        let seen = async |projects: &[i64]| {
            let visibility = Visibility::Projects(projects.iter().copied().map(ProjectId).collect());
            let found = fixture.find_as(&visibility, query).await;
            found.into_iter().map(|found| found.repository).collect::<Vec<_>>()
        };
        let expected = if query == "project:pay" { 1 } else { 2 };
        assert_eq!(seen(&[1, 2]).await.len(), expected, "{query}");
        assert_eq!(seen(&[1]).await, ["pay/web-app"], "{query}");
        assert!(seen(&[]).await.is_empty() && seen(&[3]).await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn the_index_follows_tags_that_move_and_manifests_that_go_and_come_back() {
    let fixture = Fixture::open().await;
    let first = fixture.push(&Image { tag: "latest", ..APP }).await;
    let second = fixture.push(&Image { tag: "latest", layer: b"newer", ..APP }).await;
    let found = fixture.find("tag:latest").await;
    assert_eq!(found.iter().map(|found| found.digest).collect::<Vec<_>>(), [second]);
    assert_eq!(fixture.find("-tag:latest").await[0].digest, first, "it is there without its tag");
    let (ctx, name) = (owner(1, APP.repository), APP.repository.parse().expect("a name"));
    fixture.registry.delete_manifest(&ctx, &name, &second, &Precondition::None).await.expect("deleted");
    fixture.index().await;
    assert!(fixture.find("tag:latest").await.is_empty());
    fixture.registry.restore_manifest(&ctx, &name, &second).await.expect("restored");
    fixture.index().await;
    assert_eq!(fixture.find("").await.len(), 2);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let fixture = Fixture::open().await;
    for number in 0..7_u8 {
        fixture.push(&Image { tag: &format!("v{number}"), layer: &[number], ..APP }).await;
    }
    for query in ["", "os:linux", "web", "tag:v*", "project:pay -tag:v9"] {
        let parsed = Query::parse(query).expect(query);
        let (mut tags, mut after) = (Vec::new(), Position::START);
        loop {
            let page = fixture.governance.search(&Visibility::All, &parsed, (after, 3)).await.expect("searches");
            tags.extend(page.0.into_iter().flat_map(|found| found.tags));
            match page.1 {
                Some(next) => after = Position::parse(&next.render()).expect("it reads back"),
                None => break,
            }
        }
        assert_eq!(tags, ["v6", "v5", "v4", "v3", "v2", "v1", "v0"], "{query}: the newest first");
    }
}

#[tokio::test]
async fn what_was_there_before_the_index_is_gone_through_once() {
    let fixture = Fixture::open().await;
    fixture.push(&APP).await;
    fixture.push(&Image { repository: "pay/other", ..APP }).await;
    let forgotten = fixture.database.db.transaction(async |tx| {
        tx.execute("DELETE FROM search_terms", &[]).await?;
        tx.execute("DELETE FROM search_images", &[]).await
    });
    forgotten.await.expect("forgotten");
    assert!(fixture.find("web").await.is_empty());
    assert!(fixture.governance.fill().await.expect("fills"));
    assert_eq!(fixture.tags("repository:pay/*").await, ["1.2", "1.2"]);
    assert!(fixture.governance.fill().await.expect("fills"), "nothing is left");
    let found = fixture.find("web").await;
    assert_eq!(found[0].pushed_at, Timestamp(1_767_225_600_000_000));
}
