//! A registry over a fresh catalog and a store in memory, and callers with given rights.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use uuid::Uuid;
use wharf_blob::{Memory, StorageKey, Store, body};
use wharf_context::quota::Amount;
use wharf_context::{
    Caller, CallerId, Context, FakeClock, Govern, Grant, Grants, Permission, Permissions, ProjectId, RequestId,
};
use wharf_db::params;
use wharf_oci::{Algorithm, Digest, Environments, Reference, RepositoryName, Tag};
use wharf_registry::manifest::Accept;
use wharf_registry::upload::{Chunk, UploadEnd};
use wharf_registry::{
    Accepted, ChunkRange, Error, NewManifest, Placed, Placing, Precondition, Registry, Settings, StoredManifest,
    Withdrawn,
};
use wharf_testkit::Database;

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const GRACE: Duration = Duration::from_secs(3600);

pub(crate) struct Fixture {
    pub(crate) registry: Registry,
    pub(crate) store: Arc<Memory>,
    pub(crate) clock: Arc<FakeClock>,
    database: Database,
}

pub(crate) fn settings() -> Settings {
    Settings {
        grace: GRACE,
        bin_keep: GRACE,
        upload_expiry: GRACE,
        interval: Duration::from_secs(1),
        // The tests' project is called `p`.
        environments: environments(),
        ..Settings::default()
    }
}

/// Development, and two that are promoted to.
pub(crate) fn environments() -> Environments {
    Environments::new(["d", "t", "s1"].map(|name| name.parse().expect("valid")).to_vec()).expect("few")
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        Self::with(settings()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let database = Database::open().await;
        let clock = Arc::clone(&database.clock);
        let store = Arc::new(Memory::new());
        let registry =
            Registry::new(settings, database.db.clone(), Arc::clone(&store) as Arc<dyn Store>, Arc::clone(&clock) as _);
        Self { registry, store, clock, database }
    }

    /// Another node on the same catalog.
    pub(crate) fn registry_on(&self, store: Arc<dyn Store>) -> Registry {
        Registry::new(settings(), self.database.db.clone(), store, Arc::clone(&self.clock) as _)
    }

    /// The keys of all blobs that the catalog knows of and whose bytes are in the store.
    pub(crate) async fn stored(&self) -> Vec<StorageKey> {
        let rows = self.database.db.list("SELECT storage_key FROM blobs", &[]).await.expect("listed");
        let mut stored = Vec::new();
        for row in &rows {
            let key: StorageKey = row.text(0).expect("text").parse().expect("a key");
            if self.store.size(&key).await.expect("looked up").is_some() {
                stored.push(key);
            }
        }
        stored
    }

    /// The catalog itself.
    pub(crate) fn db(&self) -> &wharf_db::Db {
        &self.database.db
    }

    /// Where a blob's bytes lie.
    pub(crate) async fn storage_key(&self, digest: &Digest) -> StorageKey {
        let statement = "SELECT storage_key FROM blobs WHERE digest = ?1";
        let row = self.database.db.get(statement, &params![digest.to_bytes()]).await.expect("looked up");
        row.expect("known").text(0).expect("text").parse().expect("a key")
    }

    /// Changes the catalog behind the registry's back.
    pub(crate) async fn execute(&self, statement: &'static str, parameter: &[u8]) {
        let changed = self.database.db.transaction(async |tx| tx.execute(statement, &params![parameter]).await);
        assert!(changed.await.expect("changed") > 0);
    }

    /// Another registry over the same catalog and store, whose grace is `grace`.
    pub(crate) fn reopened(&self, grace: Duration) -> Registry {
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        Registry::new(Settings { grace, ..settings() }, self.database.db.clone(), store, Arc::clone(&self.clock) as _)
    }

    /// What project 1 uses while it is the only one, counted from its content: every blob that is not given up, and all
    /// manifests.
    pub(crate) async fn full_count(&self) -> Amount {
        const SQL: &str = "SELECT \
             (SELECT CAST(COALESCE(SUM(size_bytes), 0) AS bigint) FROM blobs WHERE state = 0), \
             (SELECT CAST(COALESCE(SUM(LENGTH(body)), 0) AS bigint) FROM manifests), \
             (SELECT COUNT(*) FROM manifests WHERE deleted_at IS NULL)";
        let row = self.database.db.get(SQL, &[]).await.expect("counted").expect("a row");
        let number = |index| row.integer(index).expect("a number");
        Amount { bytes: number(0) + number(1), manifests: number(2) }
    }

    /// Makes the catalog one from before there were figures.
    pub(crate) async fn forget_figures(&self) {
        let forgotten = self.database.db.transaction(async |tx| {
            tx.execute("DELETE FROM project_usage", &[]).await?;
            tx.execute("DELETE FROM project_blobs", &[]).await?;
            tx.execute("UPDATE project_quotas SET counted_at = NULL", &[]).await
        });
        forgotten.await.expect("forgotten");
    }

    /// How often people were told that a project uses more than the limit that warns.
    pub(crate) async fn warnings(&self) -> usize {
        let log = self.database.db.audit(&wharf_db::AuditFilter::default(), None, 10_000).await.expect("the log");
        log.records.iter().filter(|record| record.action == "quota.warn").count()
    }

    /// How many uploads the store knows of.
    pub(crate) async fn store_uploads(&self) -> usize {
        self.store.uploads().await.expect("listed").len()
    }

    /// An owner of a repository of project 2 who may read `others` of project 1.
    pub(crate) fn other_project(&self, repository: &str, others: &[&str]) -> Context {
        let grant = |repository: &str, project| Grant {
            repository: name(repository),
            project: Some(ProjectId(project)),
            granted: Permissions::ALL,
            refused: Permissions::NONE,
        };
        let grants = others.iter().map(|other| grant(other, 1)).chain([grant(repository, 2)]);
        let caller = Caller { id: CallerId::User(1), name: "alice".to_owned() };
        Context::new(caller, RequestId::generate(), None, Grants(grants.collect()))
    }

    /// How many transactions have ended well.
    pub(crate) fn transactions(&self) -> u64 {
        self.database.db.figures().committed
    }

    pub(crate) async fn push_blob(&self, ctx: &Context, repository: &str, content: &[u8]) -> Digest {
        let digest = sha256(content);
        self.registry.push_blob(ctx, &name(repository), &digest, chunk(content)).await.expect("blob is pushed");
        digest
    }

    /// Pushes the blobs of a small image, then its manifest under `tag`.
    pub(crate) async fn push_image(&self, ctx: &Context, repository: &str, tag: &str, layer: &[u8]) -> Digest {
        self.push_blob(ctx, repository, b"{}").await;
        self.push_blob(ctx, repository, layer).await;
        self.put(ctx, repository, tag, image(layer)).await.expect("manifest is pushed").digest
    }

    pub(crate) async fn put(
        &self,
        ctx: &Context,
        repository: &str,
        reference: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<Accepted, Error> {
        self.registry.put_manifest(ctx, &name(repository), &manifest(reference, bytes)).await
    }

    pub(crate) async fn get(&self, ctx: &Context, repository: &str, reference: &str) -> Result<StoredManifest, Error> {
        let reference: Reference = reference.parse().expect("valid");
        self.registry.get_manifest(ctx, &name(repository), &reference, &Accept::Anything).await
    }

    pub(crate) async fn read(&self, ctx: &Context, repository: &str, digest: &Digest) -> Result<Vec<u8>, Error> {
        let blob = self.registry.find_blob(ctx, &name(repository), digest).await?;
        let reader = self.registry.read_blob(&blob, None).await?;
        let pieces: Vec<Bytes> = reader.try_collect().await.expect("readable");
        Ok(pieces.concat())
    }

    /// Places what stands in `from` in an environment's repository of project 1.
    pub(crate) async fn place(
        &self,
        ctx: &Context,
        (from, digest): (&str, &Digest),
        (to, tags): (&str, &[&str]),
    ) -> Result<Placed, Error> {
        self.place_in(1, ctx, (from, digest), (to, tags)).await
    }

    /// The same by a decision of another project.
    pub(crate) async fn place_in(
        &self,
        project: i64,
        ctx: &Context,
        (from, digest): (&str, &Digest),
        (to, tags): (&str, &[&str]),
    ) -> Result<Placed, Error> {
        let (from, to) = (name(from), name(to));
        let tags: Vec<Tag> = tags.iter().map(|tag| tag.parse().expect("valid")).collect();
        let govern = Govern::decided(ProjectId(project));
        let placing = Placing { govern, from: &from, digest, to: &to, tags: &tags };
        self.database.db.transaction(async |tx| self.registry.place(tx, ctx, &placing).await).await
    }

    /// How often somebody was told that something was placed.
    pub(crate) async fn placings(&self) -> usize {
        let log = self.database.db.audit(&wharf_db::AuditFilter::default(), None, 10_000).await.expect("the log");
        log.records.iter().filter(|record| record.action == "manifest.place").count()
    }

    /// Withdraws a tag or a digest from an environment's repository of project 1.
    pub(crate) async fn withdraw(&self, ctx: &Context, from: &str, reference: &str) -> Result<Withdrawn, Error> {
        let (repository, reference) = (name(from), reference.parse::<Reference>().expect("valid"));
        let place = (Govern::decided(ProjectId(1)), &repository);
        self.database.db.transaction(async |tx| self.registry.withdraw(tx, ctx, place, &reference).await).await
    }

    pub(crate) async fn tags(&self, ctx: &Context, repository: &str) -> Vec<String> {
        let page = self.registry.list_tags(ctx, &name(repository), None, None).await.expect("listed");
        page.entries.iter().map(Tag::to_string).collect()
    }
}

/// A caller with `permissions` on `repositories`, all of project 1.
pub(crate) fn caller(repositories: &[&str], permissions: &[Permission]) -> Context {
    let granted = Permissions::of(permissions);
    let grants = repositories.iter().map(|repository| Grant {
        repository: name(repository),
        project: Some(ProjectId(1)),
        granted,
        refused: Permissions::ALL.difference(granted),
    });
    let caller = Caller { id: CallerId::User(1), name: "alice".to_owned() };
    Context::new(caller, RequestId::generate(), None, Grants(grants.collect()))
}

pub(crate) fn owner(repositories: &[&str]) -> Context {
    caller(repositories, &Permission::ALL)
}

pub(crate) fn name(text: &str) -> RepositoryName {
    text.parse().expect("valid name")
}

pub(crate) fn sha256(content: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, content)
}

pub(crate) fn chunk(content: &[u8]) -> Chunk {
    Chunk { range: None, length_bytes: None, body: body::whole(content.to_vec()) }
}

pub(crate) fn ranged(content: &[u8], start: u64) -> Chunk {
    Chunk { range: Some(ChunkRange { start, end: start + content.len() as u64 - 1 }), ..chunk(content) }
}

/// A chunk whose connection breaks after `content`.
pub(crate) fn broken(content: &[u8]) -> Chunk {
    let broken = futures_util::stream::iter([Err(wharf_blob::BodyError::broken("connection reset"))]);
    Chunk { range: None, length_bytes: None, body: Box::pin(body::whole(content.to_vec()).chain(broken)) }
}

pub(crate) fn end(id: Uuid, digest: Digest, last: Option<Chunk>) -> UploadEnd {
    UploadEnd { id, digest, last }
}

pub(crate) fn manifest(reference: &str, bytes: impl Into<Bytes>) -> NewManifest {
    NewManifest {
        reference: reference.parse().expect("valid reference"),
        tags: Vec::new(),
        content_type: None,
        precondition: Precondition::None,
        bytes: bytes.into(),
    }
}

pub(crate) fn descriptor(media_type: &str, content: &[u8]) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, sha256(content), content.len())
}

/// An image of the config `{}` and one layer.
pub(crate) fn image(layer: &[u8]) -> String {
    image_with(layer, "")
}

/// An image with more members in its JSON, e.g. `,"annotations":{…}`.
pub(crate) fn image_with(layer: &[u8], members: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{},"layers":[{}]{members}}}"#,
        descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
        descriptor("application/vnd.oci.image.layer.v1.tar", layer),
    )
}

pub(crate) fn index(children: &[&str]) -> String {
    let children: Vec<String> = children.iter().map(|child| descriptor(IMAGE, child.as_bytes())).collect();
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, children.join(","))
}
