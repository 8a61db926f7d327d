//! One repository of a registry: manifests, tags, blobs, uploads, referrers; a source and a sink of content.
//!
//! Spec: distribution-spec. In reading order: `manifest`, `tag`, `blob`, `upload`, `referrers`, `content`.

mod blob;
mod content;
mod manifest;
mod referrers;
mod tag;
mod upload;

use std::sync::Arc;

use tokio::sync::Mutex;
use url::Url;
use wharf_oci::{RepositoryName, Scope};

use crate::error::Error;
use crate::registry::Registry;

/// One repository, which need not exist. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Repository {
    registry: Registry,
    name: RepositoryName,
    /// Two writers of one list of referrers would lose one's entry.
    list: Arc<Mutex<()>>,
}

/// What is done in a repository, as tokens name it.
#[derive(Debug, Clone, Copy)]
enum Action {
    Pull,
    Push,
    Delete,
}

impl Repository {
    pub(crate) fn new(registry: Registry, name: RepositoryName) -> Self {
        Self { registry, name, list: Arc::default() }
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Its name.
    pub fn name(&self) -> &RepositoryName {
        &self.name
    }

    fn scope(&self, action: Action) -> Vec<Scope> {
        let actions: &[&str] = match action {
            Action::Pull => &["pull"],
            Action::Push => &["pull", "push"],
            Action::Delete => &["delete", "pull"],
        };
        vec![Scope::repository(&self.name, actions)]
    }

    async fn url(&self, path: &str) -> Result<Url, Error> {
        self.registry.url(&format!("{}/{path}", self.name)).await
    }

    /// "`manifest x` of `host/name`", for messages.
    fn of(&self, thing: &str) -> String {
        format!("{thing} of `{}/{}`", self.registry.host(), self.name)
    }
}
