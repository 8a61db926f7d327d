//! What a transaction needs that lies in blobs: it gives up, the bytes are read outside of it, and it runs again.

use std::collections::BTreeMap;

use wharf_context::ProjectId;
use wharf_oci::{Digest, RepositoryName};

use crate::error::Error;
use crate::governance::Governance;
use crate::policy;

/// How often the same thing is read for one request: something new may be attached, or the policy changed, in between.
const MOST_READS: u32 = 3;

/// What was read for one request.
#[derive(Debug, Default)]
pub(crate) struct Unread(BTreeMap<(Missing, RepositoryName, Digest), u32>);

/// What a transaction did not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Missing {
    Configs,
    Attestations,
}

impl Unread {
    /// Whether reading it may help.
    fn is_new(&mut self, missing: Missing, repository: &RepositoryName, digest: Digest) -> bool {
        let reads = self.0.entry((missing, repository.clone(), digest)).or_default();
        *reads += 1;
        *reads <= MOST_READS
    }
}

impl Governance {
    /// Reads what a transaction did not have, after which it runs again. Every other error comes back.
    pub(crate) async fn read_missing(
        &self,
        project: ProjectId,
        error: Error,
        unread: &mut Unread,
    ) -> Result<(), Error> {
        if let Error::ConfigUnread { repository, digest } = &error
            && unread.is_new(Missing::Configs, repository, *digest)
        {
            return self.read_configs(project, repository, digest).await;
        }
        if let Error::AttestationsUnread { repository, digest } = &error
            && unread.is_new(Missing::Attestations, repository, *digest)
        {
            let policy = policy::find_in_force(&self.db, project).await?.policy.attestations;
            return Ok(wharf_trust::read((&self.db, &self.registry), (project, repository), digest, &policy).await?);
        }
        Err(error)
    }
}
