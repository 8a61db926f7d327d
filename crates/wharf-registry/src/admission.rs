//! Admission: the last question before a change, in its transaction: does a rule forbid it?
//!
//! Of promoted environments the registry knows the rule itself; all other rules are those of whoever implements
//! [`crate::Admission`]. Rights were checked before.

use wharf_context::{AuthorizeError, Context, Permission, Permit, Right};
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
        if environment.is_none() {
            check_tags(ctx, permit, &change)?;
        }
        if let Some(environment) = environment {
            let subjects = subjects(&change).ok_or_else(|| promoted_only(repository, environment))?;
            self.check_stands(tx, (id, repository), &subjects).await?;
        }
        let Some(admission) = &self.admission else { return Ok(()) };
        let operation = Operation { project: permit.project(), repository, environment, change };
        Ok(admission.confirm(tx, ctx, &operation).await?)
    }

    /// The tags that end when a manifest goes, where somebody asks for them.
    pub(crate) async fn tags_to_end<R: Right>(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Context,
        (id, permit): (RepositoryId, &Permit<R>),
        digest: &Digest,
    ) -> Result<Vec<TagNow>, Error> {
        if self.admission.is_none() && !ctx.limits_tags(permit.repository(), Permission::Delete) {
            return Ok(Vec::new());
        }
        let tags = tag::store::of(tx, id, digest).await?;
        Ok(tags.into_iter().map(|tag| TagNow { tag, digest: Some(*digest) }).collect())
    }
}

/// Whether the caller's role is for all tags that a change is about: pushing a new one, moving one, ending one.
fn check_tags<R: Right>(ctx: &Context, permit: &Permit<R>, change: &Change<'_>) -> Result<(), Error> {
    let repository = permit.repository();
    if ctx.tag_limits(repository).next().is_none() {
        return Ok(());
    }
    let check = |now: &TagNow, permission: Permission| match ctx.covers_tag(repository, permission, &now.tag) {
        true => Ok(()),
        false => {
            let (repository, tag) = (repository.clone(), now.tag.clone());
            Err(Error::TagNotCovered { repository, tag, action: permission.name() })
        }
    };
    match change {
        Change::PutManifest { digest, tags, .. } => tags.iter().try_for_each(|now| match &now.digest {
            None => check(now, Permission::Push),
            Some(current) if current == *digest => Ok(()),
            // Without the right to overwrite at all, the tag's own refusal says more.
            Some(_) if !ctx.holds(repository, Permission::Overwrite) => Ok(()),
            Some(_) => check(now, Permission::Overwrite),
        }),
        Change::DeleteTag(now) => check(now, Permission::Delete),
        Change::DeleteManifest { tags, .. } => tags.iter().try_for_each(|now| check(now, Permission::Delete)),
        Change::RestoreManifest { tag, .. } => tag.map_or(Ok(()), |now| check(now, Permission::Delete)),
        // These know no tags, and could take what stands under any.
        Change::DeleteBlob { .. } | Change::EmptyBin if ctx.limits_tags(repository, Permission::Delete) => {
            let repository = repository.clone();
            Err(AuthorizeError::Denied { repository, action: "delete without naming a tag" }.into())
        }
        Change::DeleteBlob { .. } | Change::EmptyBin => Ok(()),
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
