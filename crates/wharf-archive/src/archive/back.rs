//! The way back: blobs, manifests, and at last the tags, which say that it is there.

use futures_util::TryStreamExt as _;
use wharf_blob::{Body, BodyError};
use wharf_context::{Event, Govern};
use wharf_db::Tx;
use wharf_registry::archive::back::{Repointed, Returning};
use wharf_registry::{Error as RegistryError, Registry};

use super::bundle::Bundle;
use super::job::system;
use super::{Archive, ArchiveState, Contents, StoredMember, step, store};
use crate::archives::Archives;
use crate::error::Error;

impl Archives {
    /// Brings an archived image back. What is there already is not brought again.
    pub(super) async fn bring_back(&self, archive: &Archive, contents: &Contents) -> Result<(), Error> {
        let bundle = Bundle::of(self.cold()?, &archive.repository, &archive.digest)?;
        let place = (Govern::decided(archive.project), &archive.repository);
        for blob in &contents.blobs {
            if self.registry.holds_blob(place, &blob.digest).await? {
                continue;
            }
            let broken = || Error::BundleBroken { place: bundle.place(), digest: blob.digest };
            let reader = bundle.open(&blob.digest).await?.ok_or_else(broken)?;
            let body: Body = Box::pin(reader.map_err(BodyError::broken));
            match self.registry.take_back_blob(place, (&blob.digest, blob.size_bytes), body).await {
                Err(RegistryError::DigestMismatch { .. } | RegistryError::ChunkSize { .. }) => return Err(broken()),
                taken => taken?,
            }
        }
        self.bring_back_manifests((archive, &bundle), contents).await?;
        self.end_return(archive, contents).await
    }

    /// Children before what lists them, whatever their order is.
    async fn bring_back_manifests(
        &self,
        (archive, bundle): (&Archive, &Bundle<'_>),
        contents: &Contents,
    ) -> Result<(), Error> {
        let place = (Govern::decided(archive.project), &archive.repository);
        let mut waiting: Vec<&StoredMember> = contents.manifests.iter().collect();
        loop {
            let (mut left, mut refused) = (Vec::new(), None);
            for member in &waiting {
                let returning = Returning {
                    digest: member.digest,
                    media_type: member.media_type.clone(),
                    bytes: bundle.manifest(&member.digest).await?,
                    pushed_by: member.pushed_by.clone(),
                    pushed_at: wharf_context::Timestamp(member.pushed_at),
                };
                match self.registry.take_back_manifest(place, &returning).await {
                    Err(error @ RegistryError::ManifestBlobUnknown(_)) => {
                        left.push(*member);
                        refused = Some(error);
                    }
                    taken => taken?,
                }
            }
            match refused {
                None => return Ok(()),
                Some(error) if left.len() == waiting.len() => return Err(error.into()),
                Some(_) => waiting = left,
            }
        }
    }

    /// Points the tags, and says that it has come back. In one transaction.
    async fn end_return(&self, archive: &Archive, contents: &Contents) -> Result<(), Error> {
        let (ctx, project) = (system(), self.archive_project(archive));
        self.db
            .transaction(async |tx| {
                let Some(now) = store::get(tx, archive.id).await?.filter(|now| now.state == ArchiveState::Restoring)
                else {
                    return Ok(());
                };
                let (pointed, explanation) = self.repoint(tx, &now, contents).await?;
                step(tx, (&ctx, &project), &now, (ArchiveState::Restored, &explanation)).await?;
                let root = contents.manifests.iter().find(|member| member.digest == archive.digest);
                tx.announce(Event::ManifestPushed {
                    repository: archive.repository.to_string(),
                    digest: archive.digest.to_string(),
                    media_type: root.map(|root| root.media_type.clone()).unwrap_or_default(),
                    tags: pointed,
                })
                .await?;
                Ok(())
            })
            .await
    }

    /// Points the tags that the image had. Gives those that point to it now, and what there is to say of the others.
    async fn repoint(
        &self,
        tx: &mut Tx<'_>,
        archive: &Archive,
        contents: &Contents,
    ) -> Result<(Vec<String>, String), Error> {
        let place = (Govern::decided(archive.project), &archive.repository);
        let digests: Vec<_> = contents.manifests.iter().map(|member| member.digest).collect();
        let standing = Registry::those_standing(tx, place, &digests).await?;
        if let Some(gone) = digests.iter().find(|digest| !standing.contains(digest)) {
            return Err(Error::Unsettled { digest: *gone });
        }
        let (mut pointed, mut left) = (Vec::new(), Vec::new());
        for stored in &contents.tags {
            match self.registry.repoint(tx, &system(), place, (&stored.tag, &stored.digest)).await? {
                Repointed::Pointed if stored.digest == archive.digest => pointed.push(stored.tag.to_string()),
                Repointed::Pointed => {}
                Repointed::Taken(current) => left.push(format!("tag `{}` points to `{current}` by now", stored.tag)),
                Repointed::Refused(why) => left.push(format!("tag `{}` was left off: {why}", stored.tag)),
            }
        }
        Ok((pointed, left.join("; ")))
    }
}
