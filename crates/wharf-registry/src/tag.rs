//! Tags: movable names of manifests inside one repository.
//!
//! A tag points to exactly one manifest and has a history. Spec: distribution-spec, end-7 (put), end-8 (list), end-9
//! (delete); conditional requests: RFC 9110, section 13.

pub mod history;
pub(crate) mod rule;
pub(crate) mod store;

use wharf_context::{Context, Delete};
use wharf_db::AuditEntry;
use wharf_oci::{Reference, RepositoryName, Tag};

pub use history::last_digest;
pub use rule::Precondition;

use crate::error::Error;
use crate::page::{self, Page};
use crate::ports::{Change, TagNow};
use crate::registry::Registry;
use crate::repository;

impl Registry {
    /// The tags after `last`, in byte order.
    pub async fn list_tags(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        last: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<Page<Tag>, Error> {
        let id = self.find_repository(ctx, repository).await?;
        let limit = page::limit(wanted);
        let tags = store::list(&self.db, id, last.unwrap_or_default(), page::limit_and_one(limit)).await?;
        Ok(Page::cut(tags, limit))
    }

    /// Deletes one tag. Its manifest and the manifest's other tags stay.
    pub async fn delete_tag(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        tag: &Tag,
        precondition: &Precondition,
    ) -> Result<(), Error> {
        let permit = self.permit::<Delete>(ctx, repository)?;
        let reference = Reference::Tag(tag.clone());
        let unknown = || Error::ManifestUnknown { repository: repository.clone(), reference: reference.clone() };
        self.db
            .transaction(async |tx| {
                let id = repository::store::get(tx, &permit).await?.ok_or_else(unknown)?;
                let digest = store::current(tx, id, tag).await?.ok_or_else(unknown)?;
                rule::check(precondition, &reference, Some(digest))?;
                let now = TagNow { tag: tag.clone(), digest: Some(digest) };
                self.admit(tx, ctx, (id, &permit), Change::DeleteTag(&now)).await?;
                store::end(tx, id, tag).await?;
                tx.audit(
                    &AuditEntry::new(ctx, "tag.delete", format!("{repository}:{tag}"))
                        .with_details(serde_json::json!({ "digest": digest.to_string() })),
                )
                .await?;
                tx.announce(wharf_context::Event::TagDeleted {
                    repository: repository.to_string(),
                    tag: tag.to_string(),
                    digest: digest.to_string(),
                })
                .await?;
                Ok(())
            })
            .await
    }
}
