//! Referrers: the manifests that name another one as their subject (signatures, SBOMs, attestations).
//!
//! Spec: distribution-spec, end-12a/12b. The subject need not exist: a referrer may come first.

mod store;

use wharf_context::{Context, Pull};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::{Digest, RepositoryName};

use crate::error::Error;
use crate::page;
use crate::registry::Registry;

/// The bytes of descriptors that one page holds at most, so that an answer stays below the 4 MiB that clients take.
const MAX_PAGE_BYTES: i64 = 3 << 20;

/// Which referrers are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferrersQuery {
    /// What they refer to.
    pub subject: Digest,
    /// Their artifact type, if only one is wanted.
    pub artifact_type: Option<String>,
    /// The position that the page before gave as `next`; 0 for the first page.
    pub last: i64,
    /// How many entries the client wants.
    pub wanted: Option<usize>,
}

impl ReferrersQuery {
    /// All referrers of `subject`, from the first.
    pub fn of(subject: Digest) -> Self {
        Self { subject, artifact_type: None, last: 0, wanted: None }
    }
}

/// One page of a subject's referrers.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferrersPage {
    /// Descriptors with `artifactType` and annotations, oldest first.
    pub descriptors: Vec<Descriptor>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<i64>,
}

impl Registry {
    /// A page of a subject's referrers. A subject, or a repository, that is not there has none.
    pub async fn list_referrers(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        query: &ReferrersQuery,
    ) -> Result<ReferrersPage, Error> {
        let permit = self.permit::<Pull>(ctx, repository)?;
        let limit = page::limit(query.wanted);
        let mut found = store::list(&self.db, &permit, query, MAX_PAGE_BYTES).await?;
        let is_full = found.bytes >= MAX_PAGE_BYTES || found.rows.len() > limit;
        found.rows.truncate(limit);
        let next = found.rows.last().filter(|_| is_full).map(|(id, _)| *id);
        Ok(ReferrersPage { descriptors: found.rows.into_iter().map(|(_, descriptor)| descriptor).collect(), next })
    }
}
