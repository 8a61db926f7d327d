//! What governance asks of others: who somebody is, which project a name stands for, what webhooks need to go out, who
//! carries things to other registries, who signs, what left for an archive.

#[cfg(feature = "seed")]
mod nobody;
mod transfer;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::Notify;
use url::Url;
use wharf_context::{Clock, ProjectId};
use wharf_db::{Keyring, Purpose, Tx};
use wharf_http::Outside;
use wharf_oci::{Digest, ProjectName, RepositoryName};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::history::Pushed;
use crate::webhook::{WebhookName, rule};
#[cfg(feature = "seed")]
pub use nobody::Nobody;
pub use transfer::{DocumentSigner, Parcel, Transfer};

/// Where images go that leave the registry, and what is known of them there.
pub trait Leave: fmt::Debug + Send + Sync {
    /// Whether a manifest of a repository is there, and not in the registry.
    fn is_away<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<bool, Error>>;

    /// Who had pushed an image that left.
    fn last_push<'a>(
        &'a self,
        project: ProjectId,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Option<Pushed>, Error>>;
}

/// A future of a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Somebody as decisions count them: whatever accounts they use, they are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person {
    /// The same for all accounts of one person, and no two persons'.
    pub key: String,
    /// Whether somebody vouched that this is a person and which accounts are theirs. Without that an account stands for
    /// itself, and nobody knows who else uses it, or which others its owner has.
    pub is_verified: bool,
}

/// Somebody in a project at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Who it is.
    pub person: Person,
    /// The names of all accounts of this person.
    pub accounts: Vec<String>,
    /// The names of the roles that the account has in the project, those that a higher one includes among them.
    pub roles: Vec<String>,
    /// The names of the groups that the account is in.
    pub groups: Vec<String>,
}

/// Knows people. Asked inside the transaction that decides, so that a role that was taken away a moment ago does not count.
pub trait People: fmt::Debug + Send + Sync {
    /// Who uses an account, and what they are in a project. An account that is gone or disabled has no roles and groups.
    fn standing<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        project: ProjectId,
        account: &'a str,
    ) -> BoxFuture<'a, Result<Standing, Error>>;
}

/// Identity's projects, as governance asks for them.
pub trait Projects: fmt::Debug + Send + Sync {
    /// The project that has this name at this moment.
    fn find<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        name: &'a ProjectName,
    ) -> BoxFuture<'a, Result<Option<ProjectId>, wharf_db::Error>>;

    /// The name of a project that is there at this moment.
    fn name<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        project: ProjectId,
    ) -> BoxFuture<'a, Result<Option<ProjectName>, wharf_db::Error>>;
}

/// Why a request did not arrive.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The way out, as webhooks use it: to addresses that strangers chose.
pub trait Way: fmt::Debug + Send + Sync {
    /// Whether a URL may be gone to, as far as that is known without asking anybody; else the reason.
    fn check(&self, url: &Url) -> Result<(), Failure>;

    /// Sends a request and reads the first bytes of the answer, at most `max_bytes`, whatever its status.
    fn send(&self, request: Request<Vec<u8>>, max_bytes: usize) -> BoxFuture<'_, Result<Response<Vec<u8>>, Failure>>;
}

impl Way for Outside {
    fn check(&self, url: &Url) -> Result<(), Failure> {
        Ok(Self::check(self, url)?)
    }

    fn send(&self, request: Request<Vec<u8>>, max_bytes: usize) -> BoxFuture<'_, Result<Response<Vec<u8>>, Failure>> {
        Box::pin(async move { Ok(self.exchange(request, max_bytes).await?) })
    }
}

/// What webhooks need.
#[derive(Debug)]
pub struct WebhookPorts {
    /// Seals their secrets.
    pub keyring: Keyring,
    /// The way out.
    pub way: Arc<dyn Way>,
    /// Which project an event is of.
    pub projects: Arc<dyn Projects>,
    /// The clock that all nodes share.
    pub clock: Arc<dyn Clock>,
    /// The registry's own address, without a slash at its end; empty where nobody said.
    pub source: String,
    /// How long one attempt takes at most. A lane is another node's when its holder was silent for ten seconds longer.
    pub patience: Duration,
    /// How long deliveries are kept.
    pub keep: Duration,
    pub(crate) wake: Notify,
    pub(crate) figures: WebhookCounters,
}

impl WebhookPorts {
    /// Ports with nothing counted yet.
    pub fn new(keyring: Keyring, way: Arc<dyn Way>, projects: Arc<dyn Projects>, clock: Arc<dyn Clock>) -> Self {
        Self {
            keyring,
            way,
            projects,
            clock,
            source: String::new(),
            patience: Duration::from_secs(50),
            keep: Duration::from_secs(30 * 86_400),
            wake: Notify::new(),
            figures: WebhookCounters::default(),
        }
    }

    /// How long a lane is kept without a sign of life: longer than any attempt.
    pub(crate) fn lease(&self) -> Duration {
        self.patience + Duration::from_secs(10)
    }

    /// Whether deliveries can go to a URL, as far as that is known without asking anybody.
    pub(crate) fn check_address(&self, url: &str) -> Result<(), Error> {
        let url = rule::check_url(url)?;
        self.way.check(&url).map_err(|error| Error::WebhookInvalid { reason: error.to_string() })
    }

    pub(crate) async fn seal(&self, project: ProjectId, name: &WebhookName, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.seal_for(&place("webhook", project, name), bytes).await
    }

    pub(crate) async fn unseal(
        &self,
        project: ProjectId,
        name: &WebhookName,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(self.keyring.unseal(&place("webhook", project, name), sealed).await?)
    }

    pub(crate) async fn seal_hook(
        &self,
        project: ProjectId,
        name: &WebhookName,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.seal_for(&place("hook", project, name), bytes).await
    }

    pub(crate) async fn unseal_hook(
        &self,
        project: ProjectId,
        name: &WebhookName,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(self.keyring.unseal(&place("hook", project, name), sealed).await?)
    }

    pub(crate) async fn seal_for(&self, place: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.keyring.newest(Purpose::Catalog).await?.seal(place, bytes)?)
    }

    pub(crate) async fn unseal_for(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(self.keyring.unseal(place, sealed).await?)
    }
}

/// What a secret is sealed for.
fn place(what: &str, project: ProjectId, name: &WebhookName) -> String {
    format!("{what} {}/{name}", project.0)
}

/// What happened to deliveries since this node started.
#[derive(Debug, Default)]
pub(crate) struct WebhookCounters {
    succeeded: AtomicU64,
    failed: AtomicU64,
}

impl WebhookCounters {
    pub(crate) fn count(&self, has_succeeded: bool) {
        let counter = if has_succeeded { &self.succeeded } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> (u64, u64) {
        (self.succeeded.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}
