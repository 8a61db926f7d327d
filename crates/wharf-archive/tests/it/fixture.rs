//! Governance with a cold place in a folder, and jobs that run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use wharf_archive::archive::job;
use wharf_archive::{Absences, Archive, ArchiveState, Archives, Error, NewArchive};
use wharf_blob::{ColdFolder, Memory, Store, body};
use wharf_context::{
    Act, Caller, CallerId, Context, FakeClock, Govern, Grant, Grants, Permissions, ProjectId, RequestId, Warrant,
};
use wharf_db::{Db, Tx, Worker, WorkerSettings};
use wharf_governance::{BoxFuture, Governance, People, Person, ProjectRules, Standing, search};
use wharf_oci::{Algorithm, Digest, Environments, RepositoryName};
use wharf_registry::manifest::Accept;
use wharf_registry::upload::Chunk;
use wharf_registry::{NewManifest, Placing, Precondition, Registry, Settings};
use wharf_testkit::{Database, eventually};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const APP: &str = "pay/app";

pub(super) struct Fixture {
    pub(super) governance: Governance,
    pub(super) archives: Archives,
    pub(super) registry: Registry,
    pub(super) store: Arc<Memory>,
    pub(super) clock: Arc<FakeClock>,
    pub(super) cold: TempDir,
    database: Database,
}

impl Fixture {
    pub(super) async fn open() -> Self {
        let database = Database::with_subscriptions(vec![search::index::subscription()]).await;
        let (db, clock) = (database.db.clone(), Arc::clone(&database.clock));
        let store = Arc::new(Memory::new());
        let settings = Settings { grace: Duration::from_secs(3600), ..Settings::default() };
        let registry =
            Registry::new(settings, db.clone(), Arc::clone(&store) as Arc<dyn Store>, Arc::clone(&clock) as _)
                .with_admission(Arc::new(ProjectRules))
                .with_absent(Arc::new(Absences));
        let cold = tempfile::tempdir().expect("a folder");
        let place = Arc::new(ColdFolder::open(cold.path()).expect("a cold place"));
        let governance = Governance::new(db.clone(), registry.clone(), Environments::default(), Arc::new(Cast));
        let archives = Archives::new(db, registry.clone(), governance.clone(), Environments::default());
        let archives = archives.with_cold_place(place);
        let governance = governance.with_archive(Arc::new(archives.clone()));
        Self { governance, archives, registry, store, clock, cold, database }
    }

    pub(super) fn db(&self) -> &Db {
        &self.database.db
    }

    /// Pushes a small image under a tag, or by its digest.
    pub(super) async fn push(&self, tag: Option<&str>, layer: &str) -> Digest {
        for content in ["{}", layer] {
            let digest = sha256(content.as_bytes());
            let chunk = Chunk { range: None, length_bytes: None, body: body::whole(content.as_bytes().to_vec()) };
            self.registry.push_blob(&owner(APP), &name(APP), &digest, chunk).await.expect("the blob is pushed");
        }
        self.put(tag, &image(layer)).await
    }

    /// Puts a manifest whose blobs are there.
    pub(super) async fn put(&self, tag: Option<&str>, text: &str) -> Digest {
        let digest = sha256(text.as_bytes());
        let new = NewManifest {
            reference: tag.map_or_else(|| digest.to_string(), str::to_owned).parse().expect("a reference"),
            tags: Vec::new(),
            content_type: None,
            precondition: Precondition::None,
            bytes: text.as_bytes().to_vec().into(),
        };
        self.registry.put_manifest(&owner(APP), &name(APP), &new).await.expect("the manifest is put").digest
    }

    /// Puts a referrer of a manifest.
    pub(super) async fn attach(&self, subject: &str) -> Digest {
        let referrer = image("{}").replacen(
            "\"config\"",
            &format!(
                r#""artifactType":"application/x-note","subject":{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{}}},"config""#,
                sha256(subject.as_bytes()),
                subject.len()
            ),
            1,
        );
        self.put(None, &referrer).await
    }

    /// The bytes that a pull gets, or the error's words.
    pub(super) async fn pull(&self, reference: &str) -> Result<Vec<u8>, String> {
        let reference = reference.parse().expect("a reference");
        let found = self.registry.get_manifest(&owner(APP), &name(APP), &reference, &Accept::Anything).await;
        found.map(|found| found.bytes.to_vec()).map_err(|error| error.to_string())
    }

    pub(super) async fn request(&self, reference: &str) -> Result<Archive, Error> {
        let new = NewArchive {
            repository: name(APP),
            reference: reference.parse().expect("a reference"),
            reason: "the project ends".to_owned(),
        };
        self.archives.request_archive(&user(1), &warrant(), &new).await
    }

    /// Archives an image to the end.
    pub(super) async fn archive(&self, reference: &str) -> Archive {
        let id = self.request(reference).await.expect("it is asked for").id;
        self.settle(id).await
    }

    pub(super) async fn restore(&self, id: i64) -> Archive {
        self.archives.restore_archive(&user(2), &warrant(), (id, None)).await.expect("it is asked for");
        self.settle(id).await
    }

    pub(super) async fn show(&self, id: i64) -> Archive {
        self.archives.get_archive(&warrant(), id).await.expect("the archive is there").0
    }

    /// Runs jobs until an archive is not on its way any more.
    pub(super) async fn settle(&self, id: i64) -> Archive {
        let (storing, restoring, indexing) = (self.archives.clone(), self.archives.clone(), self.governance.clone());
        let settings = WorkerSettings {
            poll: Duration::from_millis(5),
            first_pause: Duration::ZERO,
            longest_pause: Duration::ZERO,
            ..WorkerSettings::default()
        };
        let worker = Worker::new(self.db().clone(), settings)
            .handle(job::STORE, move |job| {
                let archives = storing.clone();
                async move { archives.store_archive(&job).await }
            })
            .handle(job::RESTORE, move |job| {
                let archives = restoring.clone();
                async move { archives.bring_back_archive(&job).await }
            })
            .handle(search::index::JOB, move |job| {
                let governance = indexing.clone();
                async move { governance.index(&job).await }
            });
        let is_settled = async || {
            let state = self.show(id).await.state;
            let is_idle = self.db().get("SELECT 1 FROM jobs LIMIT 1", &[]).await.expect("asked").is_none();
            is_idle && !matches!(state, ArchiveState::Storing | ArchiveState::Restoring)
        };
        worker.run(eventually("the archive is settled", is_settled)).await;
        self.show(id).await
    }

    /// Where the bundle of an image lies.
    pub(super) fn bundle(&self, digest: &Digest) -> PathBuf {
        self.cold.path().join(APP).join("OCI").join(format!("sha256-{}", digest.hex()))
    }

    /// Places an image in an environment.
    pub(super) async fn place(&self, environment: &str, digest: &Digest) {
        let (from, to) = (name(APP), name(&format!("{environment}/{APP}")));
        let tags = ["placed".parse().expect("a tag")];
        let placing = Placing { govern: Govern::decided(ProjectId(1)), from: &from, digest, to: &to, tags: &tags };
        let placed = self.db().transaction(async |tx| self.registry.place(tx, &user(1), &placing).await);
        placed.await.expect("it is placed");
    }

    /// Lets the bin's time go by, and collects.
    pub(super) async fn forget_the_bin(&self) {
        for _ in 0..3 {
            self.clock.advance(Duration::from_secs(8 * 86_400));
            self.registry.collect().await.expect("collected");
        }
    }

    /// How many blobs the store has.
    pub(super) async fn stored(&self) -> usize {
        self.store.list(None, 1_000).await.expect("listed").len()
    }
}

/// People: each account is a person of its own, verified, and an owner.
#[derive(Debug)]
struct Cast;

impl People for Cast {
    fn standing<'a>(
        &'a self,
        _: &'a mut Tx<'_>,
        _: ProjectId,
        account: &'a str,
    ) -> BoxFuture<'a, Result<Standing, wharf_governance::Error>> {
        Box::pin(async move {
            // Two accounts of one person, and one that nobody vouches for.
            let key = if account == "user-9" { "user-2" } else { account };
            Ok(Standing {
                person: Person { key: key.to_owned(), is_verified: account != "user-7" },
                accounts: vec![account.to_owned()],
                roles: vec!["maintainer".to_owned(), "owner".to_owned()],
                groups: Vec::new(),
            })
        })
    }
}

/// The user of that number.
pub(super) fn user(id: i64) -> Context {
    let caller = Caller { id: CallerId::User(id), name: format!("user-{id}") };
    Context::new(caller, RequestId::generate(), None, Grants::default())
}

/// Who may do everything in a repository of project `pay`.
pub(super) fn owner(repository: &str) -> Context {
    let grant = Grant {
        repository: name(repository),
        project: Some(ProjectId(1)),
        granted: Permissions::ALL,
        refused: Permissions::NONE,
    };
    user(1).with_grants(Grants(vec![grant]))
}

/// A warrant for project `pay`.
pub(super) fn warrant<A: Act>() -> Warrant<A> {
    Warrant::granted(ProjectId(1), "pay".parse().expect("valid"))
}

pub(super) fn name(text: &str) -> RepositoryName {
    text.parse().expect("a name")
}

pub(super) fn sha256(content: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, content)
}

fn descriptor(media_type: &str, content: &[u8]) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, sha256(content), content.len())
}

/// An image of the config `{}` and one layer.
pub(super) fn image(layer: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{},"layers":[{}]}}"#,
        descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
        descriptor("application/vnd.oci.image.layer.v1.tar", layer.as_bytes()),
    )
}

/// An index of images.
pub(super) fn index(layers: &[&str]) -> String {
    let children: Vec<String> = layers.iter().map(|layer| descriptor(IMAGE, image(layer).as_bytes())).collect();
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, children.join(","))
}
