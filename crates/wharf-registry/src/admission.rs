//! Admission: the last question before a change, in its transaction: does a rule forbid it?
//!
//! Of promoted environments the registry knows the rule itself; all other rules are those of whoever implements
//! [`crate::Admission`]. Rights were checked before.

use wharf_context::{Context, Permit, Right};
use wharf_db::Tx;
use wharf_oci::{Digest, Tag};

use crate::environment::{promoted_only, rule};
use crate::error::Error;
use crate::ports::{Change, Operation, TagNow};
use crate::registry::Registry;
use crate::repository::RepositoryId;
use crate::tag;

impl Registry {
    /// Whether a change may be made. Call it before the transaction's first write.
    pub(crate) async fn admit<R: Right>(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        (id, permit): (RepositoryId, &Permit<R>),
        change: Change<'_>,
    ) -> Result<(), Error> {
        let repository = permit.repository();
        let environment = self.environment(repository);
        if let Some(environment) = environment {
            let subjects = subjects(&change).ok_or_else(|| promoted_only(repository, environment))?;
            self.check_stands(tx, (id, repository), &subjects).await?;
        }
        let Some(admission) = &self.admission else { return Ok(()) };
        let operation = Operation { project: permit.project(), repository, environment, change };
        Ok(admission.confirm(tx, ctx, &operation).await?)
    }

    /// The tags that end when a manifest goes, for whoever admits it.
    pub(crate) async fn tags_to_end(
        &self,
        tx: &mut Tx<'_>,
        id: RepositoryId,
        digest: &Digest,
    ) -> Result<Vec<TagNow>, Error> {
        if self.admission.is_none() {
            return Ok(Vec::new());
        }
        let tags = tag::store::of(tx, id, digest).await?;
        Ok(tags.into_iter().map(|tag| TagNow { tag, digest: Some(*digest) }).collect())
    }
}

/// What a change in an environment is attached to; `None` where it is no attachment.
fn subjects(change: &Change<'_>) -> Option<Vec<Digest>> {
    match change {
        Change::PutManifest { manifest, tags, .. } => {
            let tags: Vec<Tag> = tags.iter().map(|now| now.tag.clone()).collect();
            rule::subjects(manifest, &tags)
        }
        Change::DeleteTag(_)
        | Change::DeleteManifest { .. }
        | Change::DeleteBlob { .. }
        | Change::RestoreManifest { .. }
        | Change::EmptyBin => None,
    }
}
