//! Governance over a fresh catalog and a registry on it, callers with warrants, and images to push.

use std::sync::Arc;
use std::time::Duration;

use wharf_blob::{Memory, Store, body};
use wharf_context::{
    Act, Caller, CallerId, Context, FakeClock, Grant, Grants, Permissions, ProjectId, RequestId, Warrant,
};
use wharf_db::{Db, Worker, WorkerSettings};
use wharf_governance::retention::{NewRun, Run, job};
use wharf_governance::{Governance, ProjectRules};
use wharf_oci::{Algorithm, Digest, Environments, RepositoryName};
use wharf_registry::upload::Chunk;
use wharf_registry::{Error, NewManifest, Precondition, Registry, Settings};
use wharf_testkit::{Database, eventually};

use crate::fixture::people;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) struct Fixture {
    pub(crate) governance: Governance,
    /// As clients use it: with governance's rules.
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<FakeClock>,
    database: Database,
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let database = Database::open().await;
        let (db, clock) = (database.db.clone(), Arc::clone(&database.clock));
        let store = Arc::new(Memory::new()) as Arc<dyn Store>;
        let registry = Registry::new(settings, db.clone(), store, Arc::clone(&clock) as _);
        let governance = Governance::new(db, registry.clone(), Environments::default(), people());
        let registry = registry.with_admission(Arc::new(ProjectRules));
        Self { governance, registry, clock, database }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.database.db
    }

    pub(crate) async fn push_blob(&self, repository: &str, content: &[u8]) -> Digest {
        let digest = sha256(content);
        let chunk = Chunk { range: None, length_bytes: None, body: body::whole(content.to_vec()) };
        self.registry.push_blob(&owner(repository), &name(repository), &digest, chunk).await.expect("blob is pushed");
        digest
    }

    /// Pushes a small image under a tag or its digest.
    pub(crate) async fn push(&self, repository: &str, reference: Option<&str>, layers: &str) -> Result<Digest, Error> {
        self.push_blob(repository, b"{}").await;
        for layer in layers.split('/') {
            self.push_blob(repository, layer.as_bytes()).await;
        }
        self.put(repository, reference, &image(layers)).await
    }

    /// Puts a manifest whose blobs are there.
    pub(crate) async fn put(&self, repository: &str, reference: Option<&str>, text: &str) -> Result<Digest, Error> {
        let digest = sha256(text.as_bytes());
        let reference = reference.map_or_else(|| digest.to_string(), str::to_owned);
        let new = NewManifest {
            reference: reference.parse().expect("a reference"),
            tags: Vec::new(),
            content_type: None,
            precondition: Precondition::None,
            bytes: text.as_bytes().to_vec().into(),
        };
        let put = self.registry.put_manifest(&owner(repository), &name(repository), &new).await?;
        Ok(put.digest)
    }

    /// The tags of a repository.
    pub(crate) async fn tags(&self, repository: &str) -> Vec<String> {
        let listed = self.registry.list_tags(&owner(repository), &name(repository), None, None).await;
        listed.map(|page| page.entries.iter().map(ToString::to_string).collect()).unwrap_or_default()
    }

    /// Puts a policy in force.
    pub(crate) async fn policy(&self, text: &str) {
        let policy = serde_json::from_str(text).expect("a policy");
        self.governance.put_policy(&user(1), &warrant(), &policy, None).await.expect("the policy is put");
    }

    /// Runs retention, or plans it, to its end.
    pub(crate) async fn retention(&self, wanted: NewRun) -> Run {
        let run = self.governance.start_retention(&user(1), &warrant(), wanted).await.expect("retention begins");
        self.work(async || self.run_of(run.id).await.ended_at.is_some()).await;
        self.run_of(run.id).await
    }

    pub(crate) async fn run_of(&self, id: i64) -> Run {
        self.governance.get_retention(&warrant(), id).await.expect("the run is there")
    }

    /// Lets jobs run until `condition` holds.
    pub(crate) async fn work(&self, condition: impl AsyncFnMut() -> bool) {
        let (executing, due) = (self.governance.clone(), self.governance.clone());
        let worker = self
            .judging_worker()
            .handle(job::EXECUTE, move |job| {
                let governance = executing.clone();
                async move { governance.execute_retention(&job).await }
            })
            .handle(job::DUE, move |job| {
                let governance = due.clone();
                async move { governance.begin_due_retention(&job).await }
            });
        worker.run(eventually("the jobs come to their end", condition)).await;
    }

    /// Lets runs of retention be judged, and not executed, until `condition` holds.
    pub(crate) async fn work_on_verdicts(&self, condition: impl AsyncFnMut() -> bool) {
        self.judging_worker().run(eventually("the run is judged", condition)).await;
    }

    fn judging_worker(&self) -> Worker {
        let settings = WorkerSettings { poll: Duration::from_millis(5), ..WorkerSettings::default() };
        let judging = self.governance.clone();
        Worker::new(self.db().clone(), settings).handle(job::JUDGE, move |job| {
            let governance = judging.clone();
            async move { governance.judge_retention(&job).await }
        })
    }
}

/// The user of that number.
pub(crate) fn user(id: i64) -> Context {
    let caller = Caller { id: CallerId::User(id), name: format!("user-{id}") };
    Context::new(caller, RequestId::generate(), None, Grants::default())
}

/// Who may do everything in a repository of project `pay`.
pub(crate) fn owner(repository: &str) -> Context {
    let grant = Grant {
        repository: name(repository),
        project: Some(ProjectId(1)),
        granted: Permissions::ALL,
        refused: Permissions::NONE,
    };
    user(1).with_grants(Grants(vec![grant]))
}

/// A warrant for project `pay`.
pub(crate) fn warrant<A: Act>() -> Warrant<A> {
    Warrant::granted(ProjectId(1), "pay".parse().expect("valid"))
}

pub(crate) fn name(text: &str) -> RepositoryName {
    text.parse().expect("a name")
}

pub(crate) fn sha256(content: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, content)
}

fn descriptor(media_type: &str, content: &[u8]) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, sha256(content), content.len())
}

/// An image of the config `{}` and layers with `/` between them, the lowest first; which ones, an annotation says.
pub(crate) fn image(layers: &str) -> String {
    let all = layers.split('/').map(|layer| descriptor("application/vnd.oci.image.layer.v1.tar", layer.as_bytes()));
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{},"layers":[{}],"annotations":{{"layers":"{layers}"}}}}"#,
        descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
        all.collect::<Vec<_>>().join(","),
    )
}

/// An index of images.
pub(crate) fn index(layers: &[&str]) -> String {
    let children: Vec<String> = layers.iter().map(|layer| descriptor(IMAGE, image(layer).as_bytes())).collect();
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, children.join(","))
}
