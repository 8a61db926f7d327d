//! The way out: copy, read back, and only then put away.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream;
use wharf_context::Govern;
use wharf_oci::descriptor::Descriptor;
use wharf_oci::manifest::Manifest;
use wharf_oci::{ContentErrorKind, Digest, Source as _};
use wharf_registry::archive::Whole;
use wharf_registry::{Registry, RepositorySource};

use super::bundle::Bundle;
use super::job::system;
use super::{Archive, ArchiveState, Contents, StoredBlob, StoredMember, StoredTag, step, store};
use crate::archives::Archives;
use crate::error::Error;

/// How often it is begun anew because something was attached meanwhile, or a tag moved.
const TURNS: usize = 5;

impl Archives {
    /// Archives an image: its copy is whole and read back before anything leaves the registry.
    pub(super) async fn leave(&self, archive: &Archive) -> Result<(), Error> {
        let bundle = Bundle::of(self.cold()?, &archive.repository, &archive.digest)?;
        for _ in 0..TURNS {
            let whole = self.find_whole(archive).await?;
            let contents = self.copy_out(archive, &bundle, &whole).await?;
            verify(&bundle, &contents).await?;
            // Whatever search knows of it, it goes on to know.
            self.governance.index_manifest(&archive.repository, &archive.digest).await?;
            if self.put_away(archive, (&whole, &contents, &bundle.place())).await? {
                return Ok(());
            }
        }
        Err(Error::Unsettled { digest: archive.digest })
    }

    async fn find_whole(&self, archive: &Archive) -> Result<Whole, Error> {
        let gone = || Error::NotInDevelopment {
            repository: archive.repository.clone(),
            reference: archive.digest.to_string(),
        };
        let place = (Govern::decided(archive.project), &archive.repository);
        let whole = self.db.transaction(async |tx| Ok::<_, Error>(Registry::whole(tx, place, &archive.digest).await?));
        whole.await?.ok_or_else(gone)
    }

    /// Copies what the bundle has not got yet.
    async fn copy_out(&self, archive: &Archive, bundle: &Bundle<'_>, whole: &Whole) -> Result<Contents, Error> {
        let source = self.registry.open_source(&archive.repository).await?;
        let source = source.ok_or_else(|| Error::NotInDevelopment {
            repository: archive.repository.clone(),
            reference: archive.digest.to_string(),
        })?;
        let (mut blobs, mut children) = (BTreeMap::new(), BTreeSet::new());
        for member in &whole.members {
            let descriptor = Descriptor::new(member.media_type.clone(), member.digest, member.size_bytes);
            let bytes = source.manifest(&descriptor).await.map_err(Error::Content)?;
            let manifest = Manifest::parse(Some(&member.media_type), &bytes)
                .map_err(|source| Error::ManifestInvalid { digest: member.digest, source })?;
            children.extend(manifest.children().iter().map(|child| child.digest));
            if !bundle.has(&member.digest, member.size_bytes).await? {
                bundle.put(&member.digest, Box::pin(stream::iter([Ok(bytes)]))).await?;
            }
            for blob in manifest.blobs() {
                blobs.insert(blob.digest, (blob.clone(), Some(member.digest)));
            }
            for blob in manifest.optional_blobs() {
                blobs.entry(blob.digest).or_insert_with(|| (blob.clone(), None));
            }
        }
        let mut copied = Vec::new();
        for (blob, needed_by) in blobs.into_values() {
            if copy_blob(&source, bundle, &blob, needed_by).await? {
                copied.push(StoredBlob { digest: blob.digest, size_bytes: blob.size });
            }
        }
        let contents = contents(whole, copied);
        bundle.put_index(&archive.digest, &contents, &children).await?;
        let records = self.records(archive, &contents).await?;
        bundle.put_document("records.json", records.to_string()).await?;
        Ok(contents)
    }

    /// Puts the image away, if it still is what was copied and nothing is against it. In one transaction.
    async fn put_away(
        &self,
        archive: &Archive,
        (whole, contents, bundle): (&Whole, &Contents, &str),
    ) -> Result<bool, Error> {
        let place = (Govern::decided(archive.project), &archive.repository);
        let (ctx, project) = (system(), self.archive_project(archive));
        self.db
            .transaction(async |tx| {
                let Some(now) = store::get(tx, archive.id).await?.filter(|now| now.state == ArchiveState::Storing)
                else {
                    return Ok(true);
                };
                if Registry::whole(tx, place, &archive.digest).await?.as_ref() != Some(whole) {
                    return Ok(false);
                }
                if let Some(why) = self.governance.why_it_stays(tx, place, &archive.digest).await? {
                    let (repository, digest) = (archive.repository.clone(), archive.digest);
                    return Err(Error::MustStay { repository, digest, why });
                }
                store::keep(tx, &now, (contents, bundle)).await?;
                let now = Archive { place: Some(bundle.to_owned()), ..now };
                step(tx, (&ctx, &project), &now, (ArchiveState::Archived, "")).await?;
                let why = format!("archive {}: {}", archive.id, archive.reason);
                self.registry.put_away(tx, &ctx, place, (&archive.digest, &why)).await?;
                Ok(true)
            })
            .await
    }
}

/// Copies a blob, unless the bundle has it. False where nobody needs it and the registry has not got it.
async fn copy_blob(
    source: &RepositorySource,
    bundle: &Bundle<'_>,
    blob: &Descriptor,
    needed_by: Option<Digest>,
) -> Result<bool, Error> {
    if bundle.has(&blob.digest, blob.size).await? {
        return Ok(true);
    }
    let bytes = match (source.blob(blob, 0).await, needed_by) {
        (Err(error), None) if error.kind == ContentErrorKind::NotFound => return Ok(false),
        (Err(error), Some(manifest)) if error.kind == ContentErrorKind::NotFound => {
            return Err(Error::NotWhole { manifest, blob: blob.digest });
        }
        (bytes, _) => bytes.map_err(Error::Content)?,
    };
    bundle.put(&blob.digest, bytes).await?;
    Ok(true)
}

/// Reads everything back.
async fn verify(bundle: &Bundle<'_>, contents: &Contents) -> Result<(), Error> {
    let manifests = contents.manifests.iter().map(|member| (&member.digest, member.size_bytes));
    let blobs = contents.blobs.iter().map(|blob| (&blob.digest, blob.size_bytes));
    for (digest, size_bytes) in manifests.chain(blobs) {
        if !bundle.verify(digest, size_bytes).await? {
            return Err(Error::NotReadBack { place: bundle.place(), digest: *digest });
        }
    }
    Ok(())
}

fn contents(whole: &Whole, blobs: Vec<StoredBlob>) -> Contents {
    let manifests = whole.members.iter().map(|member| StoredMember {
        digest: member.digest,
        media_type: member.media_type.clone(),
        size_bytes: member.size_bytes,
        pushed_by: member.pushed_by.clone(),
        pushed_at: member.pushed_at.0,
    });
    let tags = whole.tags.iter().map(|tag| StoredTag {
        tag: tag.tag.clone(),
        digest: tag.digest,
        changed_by: tag.changed_by.clone(),
        since: tag.since.0,
    });
    Contents { manifests: manifests.collect(), blobs, tags: tags.collect() }
}
