//! Governance over a fresh catalog with a registry that asks it, and callers with warrants.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use wharf_context::{
    Act, Caller, CallerId, Context, FakeClock, Grant, Grants, Permissions, ProjectId, Push, RequestId, Warrant,
};
use wharf_db::{Db, Subscription};
use wharf_governance::{AllocatedVersion, DateVersion, Error, Governance, NewVersion, People, Policy, ProjectRules};
use wharf_oci::{Environments, Reference, RepositoryName};
use wharf_registry::{Accepted, NewManifest, Precondition, Registry};
use wharf_testkit::Database;

use crate::environments::Cast;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub(crate) struct Fixture {
    pub(crate) governance: Governance,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<FakeClock>,
    database: Database,
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        Self::with_subscriptions(Vec::new()).await
    }

    /// The same, where events become jobs.
    pub(crate) async fn with_subscriptions(subscriptions: Vec<Subscription>) -> Self {
        let database = Database::with_subscriptions(subscriptions).await;
        let clock = Arc::clone(&database.clock);
        let registry = registry(&database).with_admission(Arc::new(ProjectRules));
        let governance = Governance::new(database.db.clone(), registry.clone(), Environments::default(), people());
        Self { governance, registry, clock, database }
    }

    /// The catalog itself.
    pub(crate) fn db(&self) -> &Db {
        &self.database.db
    }

    /// Turns the clock by some seconds.
    pub(crate) fn turn(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Whether no job is left.
    pub(crate) async fn is_idle(&self) -> bool {
        let row = self.db().get("SELECT count(*) FROM jobs", &[]).await.expect("counted").expect("a row");
        row.integer(0).expect("a number") == 0
    }

    /// Puts the policy of project `pay` in force.
    pub(crate) async fn demand(&self, policy: Value) {
        let policy: Policy = serde_json::from_value(policy).expect("a policy");
        self.governance.put_policy(&user(1), &warrant(), &policy, None).await.expect("it is in force");
    }

    /// The next version of a repository, or of the project.
    pub(crate) async fn next(&self, repository: Option<&str>) -> Result<AllocatedVersion, Error> {
        let ctx = user(1);
        let permit = |name: &str| ctx.authorize::<Push>(&name.parse().expect("valid")).expect("may push");
        let new = NewVersion { repository: repository.map(permit), purpose: None };
        self.governance.allocate_version(&ctx, &warrant(), &new).await
    }

    /// Pushes an artifact that is about `content`, and says what the registry answers.
    pub(crate) async fn push(
        &self,
        repository: &str,
        reference: &str,
        content: &str,
    ) -> Result<Accepted, wharf_registry::Error> {
        let new = NewManifest {
            reference: reference.parse::<Reference>().expect("valid"),
            tags: Vec::new(),
            content_type: Some(INDEX.to_owned()),
            precondition: Precondition::None,
            bytes: artifact(content).into(),
        };
        self.registry.put_manifest(&user(1), &repository.parse().expect("valid"), &new).await
    }

    /// The sentence that refuses a push.
    pub(crate) async fn refused(&self, repository: &str, reference: &str, content: &str) -> String {
        match self.push(repository, reference, content).await {
            Err(wharf_registry::Error::Refused(refusal)) => refusal.to_string(),
            other => panic!("{reference} should have been refused: {other:?}"),
        }
    }
}

/// An index without children, which needs no blob.
fn artifact(content: &str) -> String {
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[],"annotations":{{"content":"{content}"}}}}"#)
}

/// People that nobody asks about.
pub(crate) fn people() -> Arc<dyn People> {
    Arc::new(Cast::default())
}

/// A registry whose bytes lie in memory.
pub(crate) fn registry(database: &Database) -> Registry {
    let (store, clock) = (Arc::new(wharf_testkit::Memory::new()), Arc::clone(&database.clock) as _);
    Registry::new(wharf_registry::Settings::default(), database.db.clone(), store, clock)
}

/// The user of that number, who may do everything with some repositories of project `pay`.
pub(crate) fn user(id: i64) -> Context {
    let caller = Caller { id: CallerId::User(id), name: format!("user-{id}") };
    let grants = ["pay/app", "pay/web", "pay/base/os"].map(|name| Grant {
        repository: name.parse::<RepositoryName>().expect("valid"),
        project: Some(ProjectId(1)),
        granted: Permissions::ALL,
        refused: Permissions::default(),
    });
    Context::new(caller, RequestId::generate(), None, Grants(grants.into()))
}

/// A warrant for project `pay`.
pub(crate) fn warrant<A: Act>() -> Warrant<A> {
    warrant_for(1, "pay")
}

/// A warrant for a project.
pub(crate) fn warrant_for<A: Act>(id: i64, name: &str) -> Warrant<A> {
    Warrant::granted(ProjectId(id), name.parse().expect("valid"))
}

pub(crate) fn version(text: &str) -> DateVersion {
    text.parse().expect("a version")
}
