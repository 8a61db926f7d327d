//! What the registry asks before it changes something: do the project's rules let it pass?
//!
//! Asked inside the registry's transaction, so what is judged here is what is committed. Each noun that has a say is asked
//! in turn; the first refusal is the client's answer.

use wharf_context::{Context, ProjectId};
use wharf_db::Tx;
use wharf_oci::{Digest, RepositoryName};
use wharf_registry::ports::{Admission, BoxFuture, Change, NotAdmitted, Operation, Refusal, Resting, TagNow};

use crate::error::Error;
use crate::tag_rule::Numbered;
use crate::tag_rule::rule::Pointing;
use crate::version::{self, SequenceName};
use crate::{environment, hold, policy, running};

/// The rules of all projects, as the registry asks them. They stand in the catalog; nothing is kept here.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProjectRules;

impl Admission for ProjectRules {
    fn confirm<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        ctx: &'a Context,
        operation: &'a Operation<'a>,
    ) -> BoxFuture<'a, Result<(), NotAdmitted>> {
        Box::pin(async move { Ok(admit(tx, ctx, operation).await?) })
    }

    fn must_stay<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        manifests: &'a [Resting],
    ) -> BoxFuture<'a, Result<Vec<usize>, wharf_db::Error>> {
        Box::pin(async move {
            let mut kept = Vec::new();
            for (at, resting) in manifests.iter().enumerate() {
                if must_stay(tx, resting).await.map_err(catalog_error)? {
                    kept.push(at);
                }
            }
            Ok(kept)
        })
    }
}

async fn admit(tx: &mut Tx<'_>, ctx: &Context, operation: &Operation<'_>) -> Result<(), Error> {
    hold::admit(tx, operation).await?;
    match operation.change {
        Change::PutManifest { digest, tags, .. } => point(tx, ctx, operation, (tags, digest)).await,
        Change::RestoreManifest { digest, tag } => {
            let tags = tag.map_or(&[][..], std::slice::from_ref);
            point(tx, ctx, operation, (tags, digest)).await
        }
        Change::DeleteTag(_) | Change::DeleteManifest { .. } | Change::DeleteBlob { .. } | Change::EmptyBin => Ok(()),
    }
}

/// What is held, and what runs, does not go by itself either.
async fn must_stay(tx: &mut Tx<'_>, resting: &Resting) -> Result<bool, Error> {
    let Resting { project, repository, digest } = resting;
    let place = (*project, repository);
    Ok(hold::is_on(tx, place, digest).await? || running::is_any(tx, place, digest).await?)
}

/// Others ask inside their own transactions, and know no errors of ours: what is not the catalog's is our fault.
fn catalog_error(error: Error) -> wharf_db::Error {
    if let Error::Catalog(error) | Error::Registry(wharf_registry::Error::Catalog(error)) = error {
        return error;
    }
    tracing::error!(error = &error as &dyn std::error::Error, "cannot tell whether a manifest must stay");
    wharf_db::Error::Ignored
}

/// The tag rules, for tags that are to point at `digest`. Environments have none: what is put there are attachments.
async fn point(
    tx: &mut Tx<'_>,
    ctx: &Context,
    operation: &Operation<'_>,
    (tags, digest): (&[TagNow], &Digest),
) -> Result<(), Error> {
    let are_all_attached = tags.iter().all(|now| now.tag.attached_to().is_some());
    if operation.environment.is_some() || are_all_attached {
        return Ok(());
    }
    let policy = policy::in_force(tx, operation.project).await?.policy.tags;
    let Some(rule) = policy.rule_of(operation.repository) else { return Ok(()) };
    let sequence = SequenceName::of(&policy, Some(operation.repository));
    for now in tags {
        judge(tx, ctx, (operation, &sequence), (rule, now, digest)).await?;
    }
    Ok(())
}

async fn judge(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (operation, sequence): (&Operation<'_>, &SequenceName),
    (rule, now, digest): (Numbered<'_>, &TagNow, &Digest),
) -> Result<(), Error> {
    let (repository, tag) = (operation.repository, &now.tag);
    let version = rule.version(tag);
    let (id, known) = match version {
        Some(version) => {
            let (id, known) = version::store::known(tx, (operation.project, sequence), version, repository).await?;
            (id, Some(known))
        }
        None => (None, None),
    };
    let last = match now.digest {
        None if rule.may_be_immutable(tag) => {
            wharf_registry::tag::last_digest(tx, (operation.project, repository), tag).await?
        }
        current => current,
    };
    let placed = match last {
        Some(last) if rule.asks_where(tag) => environments_of(tx, (operation.project, repository), &last).await?,
        Some(_) | None => Vec::new(),
    };
    let pointing = Pointing { repository, tag, wanted: *digest, current: now.digest, last, placed: &placed };
    rule.judge(&pointing, known.as_ref(), tx.now())?;
    match id {
        Some(id) => version::store::take(tx, ctx, id, (repository, digest)).await,
        None => Ok(()),
    }
}

/// The environments in which something stands, or stood.
async fn environments_of(
    tx: &mut Tx<'_>,
    (project, repository): (ProjectId, &RepositoryName),
    digest: &Digest,
) -> Result<Vec<String>, Error> {
    let stays = environment::store::among(tx, project, repository, &[*digest]).await?;
    Ok(stays.into_iter().map(|stay| stay.environment).collect())
}

impl From<Error> for NotAdmitted {
    fn from(error: Error) -> Self {
        if let Error::Catalog(error) = error {
            return Self::Catalog(error);
        }
        if matches!(error, Error::TagRefused(_) | Error::Held { .. }) {
            return Self::Refused(Refusal::new(error.to_string()));
        }
        Self::Failed(error.into())
    }
}
