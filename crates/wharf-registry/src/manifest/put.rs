//! Pushing a manifest: authorize → parse → check what it stands on → store, point tags, announce.

use bytes::Bytes;
use wharf_context::quota::Amount;
use wharf_context::{Context, Event, Permission, Push, Timestamp};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::manifest::Manifest;
use wharf_oci::{Algorithm, Digest, Reference, RepositoryName, Tag};

use super::rule::{self, Sparse};
use super::store;
use crate::collection::untagged;
use crate::error::Error;
use crate::figures::add;
use crate::ports::{Change, TagNow};
use crate::quota::charge::Payer;
use crate::registry::Registry;
use crate::repository::RepositoryId;
use crate::tag::rule::Move;
use crate::tag::{self, Precondition};
use crate::{bin, blob};

/// A manifest that a client pushes.
#[derive(Debug, Clone)]
pub struct NewManifest {
    /// The tag or digest in the request's path.
    pub reference: Reference,
    /// More tags to point at it.
    pub tags: Vec<Tag>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// What must hold of the reference before.
    pub precondition: Precondition,
    /// The bytes as sent.
    pub bytes: Bytes,
}

/// A manifest that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its digest.
    pub digest: Digest,
    /// The manifest that it refers to.
    pub subject: Option<Digest>,
    /// The tags that point at it by this request.
    pub tags: Vec<Tag>,
}

impl NewManifest {
    /// The digest that the manifest is stored under: the client's own, or sha256 when it pushes by tag.
    fn digest(&self) -> Result<Digest, Error> {
        match &self.reference {
            Reference::Tag(_) => Ok(Digest::of(Algorithm::Sha256, &self.bytes)),
            Reference::Digest(stated) if stated.matches(&self.bytes) => Ok(*stated),
            Reference::Digest(stated) => {
                let actual = Digest::of(stated.algorithm(), &self.bytes);
                Err(Error::DigestMismatch { stated: *stated, actual })
            }
        }
    }

    /// All tags to point, each once.
    fn all_tags(&self) -> Vec<Tag> {
        let mut tags = self.tags.clone();
        if let Reference::Tag(tag) = &self.reference {
            tags.insert(0, tag.clone());
        }
        let mut seen = std::collections::HashSet::new();
        tags.retain(|tag| seen.insert(tag.clone()));
        tags
    }
}

/// Who pushes a manifest, or pushed one that returns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) by: &'a str,
    /// When; now, where nothing is said.
    pub(crate) at: Option<Timestamp>,
}

/// A checked manifest on its way into the catalog.
pub(crate) struct Parsed<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) digest: Digest,
    pub(crate) bytes: &'a Bytes,
}

impl Parsed<'_> {
    /// What the project is charged for it.
    pub(crate) fn amount(&self) -> Amount {
        Amount { bytes: i64::try_from(self.bytes.len()).unwrap_or(i64::MAX), manifests: 1 }
    }
}

/// How the tags of a push are pointed.
#[derive(Debug, Clone, Copy)]
struct Pointing<'a> {
    repository: &'a RepositoryName,
    new: &'a NewManifest,
    digest: Digest,
    may_overwrite: bool,
}

impl Pointing<'_> {
    /// What the tags point to before the push.
    async fn now(&self, tx: &mut Tx<'_>, id: RepositoryId, tags: &[Tag]) -> Result<Vec<TagNow>, Error> {
        let mut all = Vec::with_capacity(tags.len());
        for tag in tags {
            all.push(TagNow { tag: tag.clone(), digest: tag::store::current(tx, id, tag).await? });
        }
        Ok(all)
    }

    async fn point(&self, tx: &mut Tx<'_>, ctx: &Context, id: RepositoryId, now: &TagNow) -> Result<(), Error> {
        let TagNow { tag, digest: current } = now;
        if self.new.reference == Reference::Tag(tag.clone()) {
            tag::rule::check(&self.new.precondition, &self.new.reference, *current)?;
        }
        if tag::rule::may_point(tag, *current, self.digest, self.may_overwrite)? == Move::Point {
            tag::store::end(tx, id, tag).await?;
            tag::store::point(tx, ctx, id, tag, &self.digest).await?;
            if let Some(from) = *current {
                tag::history::tell_move(tx, ctx, (self.repository, tag), (from, self.digest)).await?;
            }
        }
        Ok(())
    }
}

impl Registry {
    /// Stores a manifest and points tags at it, all or nothing.
    pub async fn put_manifest(
        &self,
        ctx: &Context,
        repository: &RepositoryName,
        new: &NewManifest,
    ) -> Result<Accepted, Error> {
        let permit = self.permit::<Push>(ctx, repository)?;
        // Signatures grow by moving their tag; in an environment, Push is the right to attach, and to nothing else.
        let may_overwrite = ctx.holds(repository, Permission::Overwrite) || self.environment(repository).is_some();
        let digest = new.digest()?;
        let manifest = Manifest::parse(new.content_type.as_deref(), &new.bytes).map_err(Error::ManifestInvalid)?;
        let parsed = Parsed { manifest: &manifest, digest, bytes: &new.bytes };
        let pointing = Pointing { repository, new, digest, may_overwrite };
        let tags = new.all_tags();
        let account = self.account(Payer::new(ctx, &permit));
        self.db
            .transaction(async |tx| {
                let id = self.open_repository(tx, &permit).await?;
                let tags = pointing.now(tx, id, &tags).await?;
                let change = Change::PutManifest { digest: &digest, manifest: parsed.manifest, tags: &tags };
                self.admit(tx, ctx, (id, &permit), change).await?;
                self.check_references(tx, id, parsed.manifest).await?;
                let was_there = store::put(tx, Origin { by: &ctx.caller.name, at: None }, id, &parsed).await?;
                if !was_there {
                    account.take(tx, &parsed.amount()).await?;
                }
                if let Reference::Digest(_) = new.reference {
                    tag::rule::check(&new.precondition, &new.reference, was_there.then_some(digest))?;
                }
                if !manifest.children().is_empty() {
                    let revived = self.revive_children(tx, id, &digest).await?;
                    account.take(tx, &bin::amount(revived)).await?;
                }
                if tags.is_empty() {
                    untagged::store::note(tx, (id, &digest)).await?;
                }
                for now in &tags {
                    pointing.point(tx, ctx, id, now).await?;
                }
                tx.audit(&audit(ctx, repository, new, digest)).await?;
                tx.announce(Event::ManifestPushed {
                    repository: repository.to_string(),
                    digest: digest.to_string(),
                    media_type: manifest.media_type.as_str().to_owned(),
                    tags: tags.iter().map(|now| now.tag.to_string()).collect(),
                })
                .await?;
                Ok::<(), Error>(())
            })
            .await?;
        add(&self.counters.manifests_pushed, 1);
        Ok(Accepted { digest, subject: manifest.subject.as_ref().map(|subject| subject.digest), tags })
    }

    /// Gives the blobs that a manifest stands on new grace, then checks that they are there.
    pub(crate) async fn check_references(
        &self,
        tx: &mut Tx<'_>,
        id: RepositoryId,
        manifest: &Manifest,
    ) -> Result<(), Error> {
        let blobs: Vec<Digest> = store::sorted(manifest.blobs().chain(manifest.optional_blobs()));
        let children: Vec<Digest> = store::sorted(manifest.children().iter());
        let mut present = rule::Present::new();
        if !blobs.is_empty() {
            blob::store::postpone_review(tx, &blobs, self.settings.grace).await?;
            present.extend(blob::store::sizes(tx, id, &blobs).await?);
        }
        if !children.is_empty() {
            present.extend(store::sizes(tx, id, &children).await?);
        }
        let sparse = if self.settings.sparse_images { Sparse::Allowed } else { Sparse::Refused };
        rule::check(manifest, &present, sparse)
    }
}

fn audit(ctx: &Context, repository: &RepositoryName, new: &NewManifest, digest: Digest) -> AuditEntry {
    let separator = if matches!(new.reference, Reference::Tag(_)) { ':' } else { '@' };
    let resource = format!("{repository}{separator}{}", new.reference);
    AuditEntry::new(ctx, "manifest.push", resource).with_details(serde_json::json!({ "digest": digest.to_string() }))
}
